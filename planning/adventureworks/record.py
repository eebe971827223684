"""What really happened from a day on: the facts that the replay feeds through the actions.

Pure. The sample knows whole days only. A production day of a date ends on that morning at
seven, with the night shift; what the record ends on a date is done in the 24 hours before. In
them each unit does its operations one after another at the hours recorded, parts before what they
go into, squeezed where the record has more hours than a day. What is dated otherwise (orders,
receipts, shipments) has an hour of its own on its date; see `choices`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from planning.adventureworks import choices
from planning.adventureworks.backlog import Bills, Job, OpenOrder, come_sales, levels
from planning.adventureworks.reading import Company

# The last operation of a squeezed day ends this long before the day does.
BREATH = timedelta(minutes=10)


class Kind(StrEnum):
    STARTED = "STARTED"
    ENDED = "ENDED"
    PUT_AWAY = "PUT_AWAY"
    RECEIVED = "RECEIVED"
    REJECTED = "REJECTED"
    SHIPPED = "SHIPPED"
    SOLD = "SOLD"
    BOUGHT = "BOUGHT"
    RELEASED = "RELEASED"


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that happened. `number` is that of the work order, purchase line, customer
    order (SOLD) or customer line (SHIPPED).

    sequence    of the operation started or ended; else 0
    good, scrap pieces of an ENDED operation or of an order PUT_AWAY without operations; pieces
                RECEIVED that were kept, and that were not; pieces SHIPPED
    reason      number of the scrap reason, if any piece was scrapped
    """

    at: datetime
    kind: Kind
    number: int
    sequence: int = 0
    good: int = 0
    scrap: int = 0
    reason: int | None = None


# At one instant: an end before the start that waits for it, what comes before what goes.
_ORDER = {kind: n for n, kind in enumerate((Kind.ENDED, Kind.PUT_AWAY, Kind.RECEIVED))}


def in_order(found: Iterable[Fact]) -> list[Fact]:
    """Facts by time; orders released at one time stay as they come."""
    last = len(_ORDER)
    return sorted(
        found,
        key=lambda fact: (
            fact.at,
            _ORDER.get(fact.kind, last),
            0 if fact.kind == Kind.RELEASED else fact.number,
            fact.sequence,
        ),
    )


def facts(company: Company, orders: list[OpenOrder], as_of: date, until: date) -> list[Fact]:
    """Everything recorded up to a day but shipments, in order of time; see `shipping` for those.

    orders  open on the first day and begun after it. What is said of a day does not depend on
            how far the record is asked for.
    """
    return in_order(
        [
            *_operations(company, orders, until),
            *_put_away(orders, until),
            *_received(company, as_of, until),
            *_sold(company, as_of, until),
            *_bought(company, as_of, until),
            *_released(orders, as_of),
        ]
    )


def _operations(company: Company, orders: list[OpenOrder], until: date) -> list[Fact]:
    level, bills = levels(company), Bills(company)
    by_day: dict[date, list[tuple[OpenOrder, Job]]] = {}
    for open_order in orders:
        for job in open_order.jobs:
            if job.ended is not None and job.ended <= until:
                by_day.setdefault(job.ended, []).append((open_order, job))
    found: list[Fact] = []
    for day, jobs in sorted(by_day.items()):
        found += _one_day(day, jobs, level, bills)
    return found


def _one_day(
    day: date, jobs: list[tuple[OpenOrder, Job]], level: dict[int, int], bills: Bills
) -> list[Fact]:
    opens = choices.opens(day - timedelta(days=1))
    room = choices.opens(day) - opens - BREATH
    # Parts before what they go into; then in order of the day they started, step by step, so
    # that a unit that could do another order's first step does not stand for this one's second.
    jobs = sorted(
        jobs,
        key=lambda job: (
            -level.get(job[0].order.product, 0),
            job[1].sequence,
            job[0].order.starts,
            job[0].order.id,
        ),
    )
    unit_free: dict[str, int] = {}
    order_free: dict[int, int] = {}
    made: dict[int, int] = {}
    spans: list[tuple[OpenOrder, Job, int, int]] = []
    for open_order, job in jobs:
        order = open_order.order
        if job is open_order.jobs[0]:
            order_free[job.order] = max(
                (made.get(component, 0) for component in bills.needs(order)), default=0
            )
        start = max(unit_free.get(job.unit, 0), order_free.get(job.order, 0))
        end = start + job.seconds
        unit_free[job.unit] = order_free[job.order] = end
        if job is open_order.jobs[-1]:
            made[order.product] = max(end, made.get(order.product, 0))
        spans.append((open_order, job, start, end))
    last = max(end for *_, end in spans)
    squeeze = max(last, int(room.total_seconds()))
    found = []
    for open_order, job, start, end in spans:
        starts = opens + timedelta(seconds=start * int(room.total_seconds()) // squeeze)
        ends = opens + timedelta(seconds=end * int(room.total_seconds()) // squeeze)
        order = open_order.order
        is_last = job is open_order.jobs[-1]
        found.append(Fact(starts, Kind.STARTED, order.id, job.sequence))
        found.append(
            Fact(
                ends,
                Kind.ENDED,
                order.id,
                job.sequence,
                good=order.stocked if is_last else order.quantity,
                scrap=order.scrapped if is_last else 0,
                reason=order.scrap_reason if is_last else None,
            )
        )
    return found


def _put_away(orders: list[OpenOrder], until: date) -> list[Fact]:
    return [
        Fact(
            choices.opens(order.ends) - BREATH,
            Kind.PUT_AWAY,
            order.id,
            good=order.stocked,
            scrap=order.scrapped,
            reason=order.scrap_reason,
        )
        for order, jobs in ((o.order, o.jobs) for o in orders)
        if not jobs and order.ends is not None and order.ends <= until
    ]


def _received(company: Company, as_of: date, until: date) -> list[Fact]:
    """What came in, and quality's word on what was not kept of it."""
    found = []
    for row in company.purchase_rows:
        if not (as_of < row.due <= until and row.received):
            continue
        rejected = int(row.rejected)
        at = choices.at(row.due, choices.RECEIVES_AT)
        good = int(row.received) - rejected
        found.append(Fact(at, Kind.RECEIVED, row.id, good=good, scrap=rejected))
        if rejected:
            at = choices.at(row.due, choices.INSPECTED_AT)
            found.append(Fact(at, Kind.REJECTED, row.id, scrap=rejected))
    return found


def _sold(company: Company, as_of: date, until: date) -> list[Fact]:
    return [
        Fact(choices.at(sale.ordered, choices.SOLD_AT), Kind.SOLD, sale.id)
        for sale, rows in come_sales(company, as_of, until)
        if rows
    ]


def _bought(company: Company, as_of: date, until: date) -> list[Fact]:
    ordered = {purchase.id: purchase.ordered for purchase in company.purchases}
    return [
        Fact(choices.at(ordered[row.purchase], choices.BOUGHT_AT), Kind.BOUGHT, row.id)
        for row in company.purchase_rows
        if as_of < ordered[row.purchase] <= until
    ]


def _released(orders: list[OpenOrder], as_of: date) -> list[Fact]:
    return [
        Fact(choices.at(o.order.starts, choices.RELEASES_AT), Kind.RELEASED, o.order.id)
        for o in orders
        if o.order.starts > as_of
    ]


Moves = dict[int, list[tuple[datetime, Decimal]]]


def stock_moves(
    company: Company, orders: list[OpenOrder], record: list[Fact], bills: Bills
) -> Moves:
    """What recorded facts take and bring, by product, in their order.

    Parts are taken when the first operation is reported, as the floor's reports do it.
    """
    moves: Moves = defaultdict(list)
    by_id = {o.order.id: o for o in orders}
    bought = {row.id: row.product for row in company.purchase_rows}
    for fact in record:
        if fact.kind == Kind.RECEIVED:
            moves[bought[fact.number]].append((fact.at, Decimal(fact.good)))
        if fact.kind not in (Kind.ENDED, Kind.PUT_AWAY):
            continue
        order, jobs = by_id[fact.number].order, by_id[fact.number].jobs
        if jobs and fact.sequence == jobs[0].sequence:
            for component, quantity in bills.needs(order).items():
                moves[component].append((fact.at, -quantity))
        if not jobs or fact.sequence == jobs[-1].sequence:
            moves[order.product].append((fact.at, Decimal(fact.good)))
    return moves
