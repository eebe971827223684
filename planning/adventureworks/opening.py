"""Opening stock: little enough that the plant lives from hand to mouth, enough to be feasible.

The sample's inventory is a snapshot of a later date, so a made product gets the greatest of
  - what the customer lines need before open orders bring it in the rough plan; and, level by
    level, what the orders that serve them (the feeders) need before other orders bring it;
  - what the recorded four weeks take before they make it, so that their replay never runs dry;
  - what the open orders take in all and never bring, with and without those that begin in the
    four weeks.
A bought product gets all that is taken in them and does not come, and at least what the
snapshot says.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime, timedelta
from decimal import Decimal

from planning.adventureworks import choices
from planning.adventureworks.backlog import (
    Bills,
    OpenOrder,
    Times,
    come_sales,
    levels,
    open_sales,
)
from planning.adventureworks.reading import Company, Sale, SaleRow
from planning.adventureworks.record import Fact, Kind, Moves, stock_moves


def opening_stock(
    company: Company,
    orders: list[OpenOrder],
    begun: list[OpenOrder],
    rough: dict[int, Times],
    record: list[Fact],
    as_of: date,
) -> dict[int, Decimal]:
    """Quantity on hand of each product that has any, in the product's own unit.

    begun   work orders that begin in the four weeks
    record  what happens in them, shipments left out
    """
    bills = Bills(company)
    needs = {o.order.id: bills.needs(o.order) if o.jobs else {} for o in orders}
    sold = _sold(open_sales(company, as_of))
    served = _to_serve(company, orders, rough, needs, sold)
    recorded = stock_moves(company, orders + begun, record, bills)
    received = _received(company, record)
    until = as_of + timedelta(days=choices.RECORD_DAYS)
    come = _sold(come_sales(company, as_of, until))
    missing = _missing(bills, orders, sold)
    missing_later = _missing(bills, orders + begun, sold)
    snapshot: dict[int, int] = defaultdict(int)
    for row in company.stock:
        snapshot[row.product] += row.quantity
    found = {}
    for product_row in company.products:
        product = product_row.id
        least = max(_least_in_order(recorded.get(product, [])), missing[product])
        later = missing_later[product]
        if product_row.made:
            quantity = max(least, later, served.get(product, Decimal(0)))
        else:
            later -= _total(come.get(product, [])) + received[product]
            quantity = max(least, later, Decimal(snapshot[product]))
        if quantity:
            found[product] = quantity
    return found


def _missing(bills: Bills, orders: list[OpenOrder], sold: Moves) -> dict[int, Decimal]:
    """What orders and customer lines take in all of each product, and no order brings."""
    found: dict[int, Decimal] = defaultdict(Decimal)
    for open_order in orders:
        order = open_order.order
        found[order.product] -= order.quantity
        if open_order.jobs:
            for component, quantity in bills.needs(order).items():
                found[component] += quantity
    for product, moves in sold.items():
        found[product] -= _total(moves)
    return found


def _total(moves: list[tuple[datetime, Decimal]]) -> Decimal:
    return sum((move for _, move in moves), Decimal(0))


def _received(company: Company, record: list[Fact]) -> dict[int, Decimal]:
    products = {row.id: row.product for row in company.purchase_rows}
    found: dict[int, Decimal] = defaultdict(Decimal)
    for fact in record:
        if fact.kind == Kind.RECEIVED:
            found[products[fact.number]] += fact.good
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


def _sold(sales: list[tuple[Sale, list[SaleRow]]]) -> Moves:
    """What customer lines take, each at the last instant that keeps its promise."""
    moves: Moves = defaultdict(list)
    for sale, rows in sales:
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
