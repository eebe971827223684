"""Opening stock: little enough that the plant lives from hand to mouth, enough to be feasible.

The sample's inventory is a snapshot of a later date, so a made product gets the greatest of
  - what the customer lines need before open orders bring it in the rough plan; and, level by
    level, what the orders that serve them (the feeders) need before other orders bring it;
  - what the recorded week takes before it makes it, so that its replay never runs dry;
  - what the open orders take in all and never bring.
A bought product gets all that is taken, and at least what the snapshot says.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime, timedelta
from decimal import Decimal

from planning.adventureworks import choices
from planning.adventureworks.backlog import Bills, OpenOrder, Times, levels, open_sales
from planning.adventureworks.reading import Company
from planning.adventureworks.record import Fact, Kind

Moves = dict[int, list[tuple[datetime, Decimal]]]


def opening_stock(
    company: Company,
    orders: list[OpenOrder],
    rough: dict[int, Times],
    record: list[Fact],
    as_of: date,
) -> dict[int, Decimal]:
    """Quantity on hand of each product that has any, in the product's own unit."""
    bills = Bills(company)
    needs = {o.order.id: bills.needs(o.order) if o.jobs else {} for o in orders}
    sold = _sold(company, as_of)
    served = _to_serve(company, orders, rough, needs, sold)
    recorded = _recorded(orders, record, needs, as_of)
    brought: dict[int, int] = defaultdict(int)
    for open_order in orders:
        brought[open_order.order.product] += open_order.order.quantity
    taken: dict[int, Decimal] = defaultdict(Decimal)
    for components in needs.values():
        for component, quantity in components.items():
            taken[component] += quantity
    for product, moves in sold.items():
        taken[product] -= sum((move for _, move in moves), Decimal(0))
    snapshot: dict[int, int] = defaultdict(int)
    for row in company.stock:
        snapshot[row.product] += row.quantity
    found = {}
    for product_row in company.products:
        product = product_row.id
        if product_row.made:
            quantity = max(
                served.get(product, Decimal(0)),
                _least_in_order(recorded.get(product, [])),
                taken[product] - brought[product],
            )
        else:
            quantity = max(taken[product], Decimal(snapshot[product]))
        if quantity:
            found[product] = quantity
    return found


def _least(moves: list[tuple[datetime, Decimal]]) -> Decimal:
    """The smallest balance at the start with which the running balance never is below zero."""
    # At one instant what comes in is there before what goes out.
    return _least_in_order(sorted(moves, key=lambda move: (move[0], -move[1])))


def _least_in_order(moves: list[tuple[datetime, Decimal]]) -> Decimal:
    balance = lowest = Decimal(0)
    for _, move in moves:
        balance += move
        lowest = min(lowest, balance)
    return -lowest


def _sold(company: Company, as_of: date) -> Moves:
    """What the open customer lines take, each at the last instant that keeps its promise."""
    moves: Moves = defaultdict(list)
    for sale, rows in open_sales(company, as_of):
        ready_by = choices.last_of(sale.due) - timedelta(seconds=choices.TRANSIT_S + choices.PACK_S)
        for row in rows:
            moves[row.product].append((ready_by, -Decimal(row.quantity)))
    return moves


def _to_serve(
    company: Company,
    orders: list[OpenOrder],
    rough: dict[int, Times],
    needs: dict[int, dict[int, Decimal]],
    sold: Moves,
) -> dict[int, Decimal]:
    """Stock of each product with which the rough plan serves the customer lines in time."""
    slack = timedelta(seconds=choices.SLACK_S)
    brings: dict[int, list[tuple[datetime, int, Decimal]]] = defaultdict(list)
    for open_order in orders:
        order = open_order.order
        brings[order.product].append(
            (rough[order.id].ends + slack, order.id, Decimal(order.quantity))
        )
    level = levels(company)
    takes: Moves = defaultdict(list)
    for product, moves in sold.items():
        takes[product] += moves
    found = {}
    # From the finished products down: a feeder of one level takes from the levels below it.
    for product in sorted(brings.keys() | level.keys(), key=lambda p: (level.get(p, 0), p)):
        if product not in takes:
            continue
        coming = sorted(brings.get(product, []))
        balance = found[product] = _least(
            takes[product] + [(ends, quantity) for ends, _, quantity in coming]
        )
        feeders = iter(coming)
        for _, move in sorted(takes[product]):
            while balance + move < 0:
                _, feeder, quantity = next(feeders)
                balance += quantity
                for component, needed in needs[feeder].items():
                    takes[component].append((rough[feeder].starts, -needed))
            balance += move
    return found


def _recorded(
    orders: list[OpenOrder],
    record: list[Fact],
    needs: dict[int, dict[int, Decimal]],
    as_of: date,
) -> Moves:
    """What the recorded week takes and makes, in the order in which the replay says it.

    Parts are taken when the first operation is reported, as the floor's reports do it.
    """
    moves: Moves = defaultdict(list)
    by_id = {o.order.id: o for o in orders}
    until = choices.opens(as_of + timedelta(days=choices.RECORD_DAYS))
    for fact in record:
        if fact.at > until or fact.kind == Kind.RECEIVED:
            continue
        order, jobs = by_id[fact.number].order, by_id[fact.number].jobs
        first = jobs[0].sequence if jobs else 0
        last = jobs[-1].sequence if jobs else 0
        if fact.kind == Kind.ENDED and fact.sequence == first:
            for component, quantity in needs[order.id].items():
                moves[component].append((fact.at, -quantity))
        if fact.kind != Kind.STARTED and fact.sequence == last:
            moves[order.product].append((fact.at, Decimal(fact.good)))
    return moves
