"""What is open on a day and what begins later: work orders, and their operations on units.

Pure. The rough plan is a list schedule by due date on the centres' hours, material taken as
there: good enough to say which stock the plant must have had that morning, never shown.
"""

from __future__ import annotations

import heapq
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from graphlib import TopologicalSorter

from planning.adventureworks import choices
from planning.adventureworks.choices import CENTRES, Centre
from planning.adventureworks.reading import Bill, Company, Operation, Order, Sale, SaleRow


@dataclass(frozen=True, slots=True)
class Job:
    """An operation of an open order, on the unit whose queue it stands in."""

    order: int
    sequence: int
    place: int
    unit: str
    seconds: int
    ended: date | None


@dataclass(frozen=True, slots=True)
class OpenOrder:
    """A work order with the operations that are still to be done."""

    order: Order
    jobs: tuple[Job, ...]


@dataclass(frozen=True, slots=True)
class Times:
    """When an open order takes its material and when its output is there."""

    starts: datetime
    ends: datetime


def open_orders(company: Company, as_of: date) -> list[OpenOrder]:
    """Work orders that had started by the day and ended after it, in the order of the queues.

    That is by due date, on one date parts before what they go into, then by number. An order
    that ended on the day itself is done. An operation stands in the queue of its centre that
    had the least hours when its turn came.
    """
    open_then = [
        order
        for order in company.orders
        if order.starts <= as_of and (order.ends is None or order.ends > as_of)
    ]
    level = levels(company)
    open_then.sort(key=lambda order: (order.due, -level.get(order.product, 0), order.id))
    rows = _operations(company, open_then)
    load = {place: [(0, unit) for unit in choices.unit_codes(place)] for place in CENTRES}
    found = []
    for order in open_then:
        jobs = []
        for row in rows[order.id]:
            if row.ended is not None and row.ended <= as_of:
                continue
            seconds = int(row.hours * 3600)
            hours, unit = heapq.heappop(load[row.place])
            heapq.heappush(load[row.place], (hours + seconds, unit))
            jobs.append(Job(order.id, row.sequence, row.place, unit, seconds, row.ended))
        found.append(OpenOrder(order, tuple(jobs)))
    return found


def begun_orders(
    company: Company, open_then: list[OpenOrder], as_of: date, until: date
) -> list[OpenOrder]:
    """Work orders that begin after the day, up to another, in the order of their release.

    That is by day, on one day parts before what they go into, then by number. An operation goes
    to the unit of its centre that has the least recorded hours before it that morning.

    open_then   what was open on the first day, see `open_orders`
    """
    level = levels(company)
    begun = sorted(
        (order for order in company.orders if as_of < order.starts <= until),
        key=lambda order: (order.starts, -level.get(order.product, 0), order.id),
    )
    rows = _operations(company, begun)
    load = {place: dict.fromkeys(choices.unit_codes(place), 0) for place in CENTRES}
    ends: list[tuple[date, int, str, int]] = []

    def take(job: Job) -> None:
        load[job.place][job.unit] += job.seconds
        if job.ended is not None:
            heapq.heappush(ends, (job.ended, job.place, job.unit, job.seconds))

    for open_order in open_then:
        for job in open_order.jobs:
            take(job)
    found = []
    for order in begun:
        while ends and ends[0][0] <= order.starts:
            _, place, unit, seconds = heapq.heappop(ends)
            load[place][unit] -= seconds
        jobs = []
        for row in rows[order.id]:
            units = load[row.place]
            unit = min(units, key=lambda code: (units[code], code))
            # It can't have been done before its order was there.
            ended = row.ended and max(row.ended, order.starts + timedelta(days=1))
            job = Job(order.id, row.sequence, row.place, unit, int(row.hours * 3600), ended)
            take(job)
            jobs.append(job)
        found.append(OpenOrder(order, tuple(jobs)))
    return found


def _operations(company: Company, orders: list[Order]) -> dict[int, list[Operation]]:
    """The recorded operations of orders, each order's in its sequence."""
    rows: dict[int, list[Operation]] = {order.id: [] for order in orders}
    for row in company.operations:
        if row.order in rows:
            rows[row.order].append(row)
    for some in rows.values():
        some.sort(key=lambda row: row.sequence)
    return rows


def levels(company: Company) -> dict[int, int]:
    """How many steps below a finished product each product is taken at the most."""
    takers: dict[int, set[int]] = {}
    for bill in company.bills:
        if bill.assembly is not None:
            takers.setdefault(bill.component, set()).add(bill.assembly)
    level: dict[int, int] = {}
    for product in TopologicalSorter(takers).static_order():
        level[product] = max((level[taker] + 1 for taker in takers.get(product, ())), default=0)
    return level


def open_sales(company: Company, as_of: date) -> list[tuple[Sale, list[SaleRow]]]:
    """Customer orders that had come by the day and were shipped after it, with their lines."""
    return _with_lines(
        company, (sale for sale in company.sales if sale.ordered <= as_of < sale.shipped)
    )


def come_sales(company: Company, as_of: date, until: date) -> list[tuple[Sale, list[SaleRow]]]:
    """Customer orders that come after the day, up to another, with their lines."""
    return _with_lines(company, (sale for sale in company.sales if as_of < sale.ordered <= until))


def _with_lines(company: Company, sales: Iterable[Sale]) -> list[tuple[Sale, list[SaleRow]]]:
    found: dict[int, tuple[Sale, list[SaleRow]]] = {sale.id: (sale, []) for sale in sales}
    for row in company.sale_rows:
        if row.sale in found:
            found[row.sale][1].append(row)
    for _, rows in found.values():
        rows.sort(key=lambda row: row.id)
    return list(found.values())


class WorkingTime:
    """The working windows of a centre from a morning on, to add working seconds to an instant."""

    def __init__(self, centre: Centre, begins: datetime, days: int) -> None:
        self.starts: list[datetime] = []
        self.ends: list[datetime] = []
        # Working seconds before each window.
        self.before: list[int] = [0]
        first = begins.date() - timedelta(days=1)
        for day in (first + timedelta(days=n) for n in range(days)):
            for weekday, opening, closing, _ in centre.windows:
                if weekday != day.weekday():
                    continue
                over_night = closing <= opening
                start = max(choices.at(day, opening), begins)
                end = choices.at(day + timedelta(days=1 if over_night else 0), closing)
                if end > start:
                    self.starts.append(start)
                    self.ends.append(end)
                    self.before.append(self.before[-1] + int((end - start).total_seconds()))

    def after(self, start: datetime, seconds: int) -> datetime:
        """The instant at which that much work from `start` on is done.

        :raises ValueError: if the windows do not reach that far.
        """
        n = max(bisect_right(self.starts, start) - 1, 0)
        inside = min(max(start, self.starts[n]), self.ends[n]) - self.starts[n]
        worked = self.before[n] + int(inside.total_seconds()) + seconds
        n = max(bisect_right(self.before, worked - 1) - 1, 0)
        if n >= len(self.starts):
            raise ValueError("the working windows end before the work does")
        return self.starts[n] + timedelta(seconds=worked - self.before[n])


def rough_plan(orders: list[OpenOrder], as_of: date) -> dict[int, Times]:
    """When each open order would start and end if material never bound, by order number.

    Each unit takes, whenever it is free, the first of its queue that is ready. An order
    without operations comes at the end of its due day; past due, OVERDUE_S from now.
    """
    now = choices.opens(as_of)
    longest = max(
        (
            sum(job.seconds for o in orders for job in o.jobs if job.unit == unit)
            for unit in _units()
        ),
        default=0,
    )
    days = 60 + 4 * longest // 86400
    working = {place: WorkingTime(centre, now, days) for place, centre in CENTRES.items()}
    starts: dict[int, datetime] = {}
    ready: dict[str, list[tuple[int, Job]]] = {unit: [] for unit in _units()}
    free: dict[str, datetime] = dict.fromkeys(_units(), now)
    # (instant, 0 = an operation has ended before 1 = a unit looks for work, n, what)
    events: list[tuple[datetime, int, int, Job | str]] = []
    rank = {open_order.order.id: n for n, open_order in enumerate(orders)}
    later: dict[tuple[int, int], Job] = {}
    found: dict[int, Times] = {}
    for open_order in orders:
        for job, follower in zip(open_order.jobs, open_order.jobs[1:], strict=False):
            later[(job.order, job.sequence)] = follower
        if open_order.jobs:
            first = open_order.jobs[0]
            heapq.heappush(ready[first.unit], (rank[first.order], first))
        else:
            due = choices.last_of(open_order.order.due)
            ends = due if due > now else now + timedelta(seconds=choices.OVERDUE_S)
            found[open_order.order.id] = Times(ends, ends)
    number = {unit: n for n, unit in enumerate(_units())}
    for unit, n in number.items():
        heapq.heappush(events, (now, 1, n, unit))
    while events:
        instant, _, _, what = heapq.heappop(events)
        if isinstance(what, Job):
            follower_job = later.get((what.order, what.sequence))
            if follower_job is None:
                found[what.order] = Times(starts[what.order], instant)
                continue
            unit = follower_job.unit
            heapq.heappush(ready[unit], (rank[follower_job.order], follower_job))
        else:
            unit = what
        if free[unit] > instant or not ready[unit]:
            continue
        _, job = heapq.heappop(ready[unit])
        start = working[job.place].after(instant, 0)
        end = working[job.place].after(instant, job.seconds)
        starts.setdefault(job.order, start)
        free[unit] = end
        heapq.heappush(events, (end, 0, rank[job.order], job))
        heapq.heappush(events, (end, 1, number[unit], unit))
    return found


def _units() -> list[str]:
    return [unit for place in CENTRES for unit in choices.unit_codes(place)]


class Bills:
    """What a piece of a product took on a day."""

    def __init__(self, company: Company) -> None:
        self._lines: dict[int, list[Bill]] = {}
        for bill in company.bills:
            if bill.assembly is not None:
                self._lines.setdefault(bill.assembly, []).append(bill)

    def of(self, product: int, day: date) -> list[Bill]:
        return [
            bill
            for bill in self._lines.get(product, [])
            if bill.starts <= day and (bill.ends is None or bill.ends >= day)
        ]

    def needs(self, order: Order) -> dict[int, Decimal]:
        """Component -> quantity for the whole order, by the bill of the day it started."""
        return {
            bill.component: bill.quantity * order.quantity
            for bill in self.of(order.product, order.starts)
        }
