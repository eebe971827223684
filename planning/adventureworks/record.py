"""What really happened from a day on: the facts that the replay feeds through the actions.

Pure. The sample knows whole days only. A production day of a date ends on that morning at
seven, with the night shift; what the record ends on a date is done in the 24 hours before. In
them each unit does its operations one after another at the hours recorded, squeezed where the
record has more hours than a day.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from planning.adventureworks import choices
from planning.adventureworks.backlog import Job, OpenOrder
from planning.adventureworks.reading import Company

# The last operation of a squeezed day ends this long before the day does.
BREATH = timedelta(minutes=10)


class Kind(StrEnum):
    STARTED = "STARTED"
    ENDED = "ENDED"
    PUT_AWAY = "PUT_AWAY"
    RECEIVED = "RECEIVED"


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that happened. `number` is the work order or the purchase line.

    sequence    of the operation started or ended; else 0
    good, scrap pieces of an ENDED operation or of an order PUT_AWAY without operations
    reason      number of the scrap reason, if any piece was scrapped
    """

    at: datetime
    kind: Kind
    number: int
    sequence: int = 0
    good: int = 0
    scrap: int = 0
    reason: int | None = None


def facts(company: Company, orders: list[OpenOrder], as_of: date) -> list[Fact]:
    """Everything recorded about what was open on the day, in order of time."""
    found = [
        *_operations(orders),
        *_put_away(orders),
        *_received(company, as_of),
    ]
    # An end before the start that waits for it, at one instant; then as numbered.
    order = {Kind.ENDED: 0, Kind.PUT_AWAY: 1, Kind.RECEIVED: 2, Kind.STARTED: 3}
    return sorted(found, key=lambda fact: (fact.at, order[fact.kind], fact.number, fact.sequence))


def _operations(orders: list[OpenOrder]) -> list[Fact]:
    by_day: dict[date, list[tuple[OpenOrder, Job]]] = {}
    for open_order in orders:
        for job in open_order.jobs:
            if job.ended is not None:
                by_day.setdefault(job.ended, []).append((open_order, job))
    found: list[Fact] = []
    for day, jobs in sorted(by_day.items()):
        found += _one_day(day, jobs)
    return found


def _one_day(day: date, jobs: list[tuple[OpenOrder, Job]]) -> list[Fact]:
    opens = choices.opens(day - timedelta(days=1))
    room = choices.opens(day) - opens - BREATH
    # In order of the day they started, then of the order: step by step, so that a unit that
    # could do another order's first step does not stand for this one's second.
    jobs = sorted(jobs, key=lambda job: (job[1].sequence, job[0].order.starts, job[0].order.id))
    unit_free: dict[str, int] = {}
    order_free: dict[int, int] = {}
    spans: list[tuple[OpenOrder, Job, int, int]] = []
    for open_order, job in jobs:
        start = max(unit_free.get(job.unit, 0), order_free.get(job.order, 0))
        end = start + job.seconds
        unit_free[job.unit] = order_free[job.order] = end
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


def _put_away(orders: list[OpenOrder]) -> list[Fact]:
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
        if not jobs and order.ends is not None
    ]


def _received(company: Company, as_of: date) -> list[Fact]:
    ordered = {purchase.id: purchase.ordered for purchase in company.purchases}
    return [
        Fact(
            choices.at(row.due, choices.RECEIVES_AT), Kind.RECEIVED, row.id, good=int(row.received)
        )
        for row in company.purchase_rows
        if ordered[row.purchase] <= as_of < row.due and row.received
    ]
