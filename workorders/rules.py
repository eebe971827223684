"""Legal moves of a job order, what a report does to it, launch quantities, queues.

Plain values in, plain values out. Statuses are the words of B2MML's JobOrderDispatchStatus.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_CEILING, Decimal
from enum import StrEnum
from fractions import Fraction
from itertools import pairwise

# From where to where a job order may go. A correction may reopen a completed one;
# ABORTED and CLOSED are ends.
JOB_MOVES: dict[str, frozenset[str]] = {
    "WAITING": frozenset({"READY", "RUNNING", "SUSPENDED", "HELD", "COMPLETED", "ABORTED"}),
    "READY": frozenset({"WAITING", "RUNNING", "SUSPENDED", "HELD", "COMPLETED", "ABORTED"}),
    "RUNNING": frozenset({"SUSPENDED", "HELD", "COMPLETED", "ABORTED"}),
    "SUSPENDED": frozenset({"RUNNING", "HELD", "COMPLETED", "ABORTED"}),
    "HELD": frozenset({"WAITING", "READY", "SUSPENDED", "ABORTED"}),
    "COMPLETED": frozenset({"WAITING", "READY", "RUNNING", "SUSPENDED", "CLOSED"}),
    "ABORTED": frozenset({"CLOSED"}),
    "CLOSED": frozenset(),
}
ENDED = frozenset({"COMPLETED", "ABORTED", "CLOSED"})
OPEN = frozenset(JOB_MOVES) - ENDED
MAY_START = frozenset({"WAITING", "READY", "SUSPENDED"})
# A report finds the job in one of these, or it is kept for somebody to settle.
MAY_REPORT = OPEN - {"HELD"}


def may_go(status: str, to: str) -> bool:
    return to in JOB_MOVES[status]


def sources_of(to: str) -> frozenset[str]:
    """The statuses from which a job order may go to `to`: the condition of its UPDATE."""
    return frozenset(status for status, targets in JOB_MOVES.items() if to in targets)


@dataclass(frozen=True, slots=True)
class Feed:
    """What stands before a job order: its predecessor and how they are linked."""

    status: str
    good: Decimal
    batch: Decimal | None = None  # None: waits for the predecessor's end

    @property
    def ended(self) -> bool:
        return self.status in ENDED


def together(parts: Sequence[Feed]) -> Feed:
    """Return the parts of one operation as one predecessor: it has ended when all of them have."""
    last = next((part for part in parts if not part.ended), parts[0])
    batches = [part.batch for part in parts if part.batch is not None]
    return Feed(
        status=last.status,
        good=sum((part.good for part in parts), Decimal(0)),
        batch=max(batches, default=None),
    )


def waits_for_pieces(feeds: Iterable[Feed], quantity: Decimal) -> bool:
    """Whether a job order lacks pieces to start: an end that hasn't come, a batch not there."""
    for feed in feeds:
        if feed.ended:
            continue
        if feed.batch is None or feed.good < min(feed.batch, quantity):
            return True
    return False


def arriving(feeds: Sequence[Feed], quantity: Decimal) -> Decimal | None:
    """Return how many pieces come to a job order in all, or None while more may come.

    Pieces are conserved: the input of an operation is the good of the one before, and a join
    takes the scarcest. An operation without predecessor gets its launch quantity.
    """
    if not all(feed.ended for feed in feeds):
        return None
    return min((feed.good for feed in feeds), default=quantity)


def is_complete(
    *,
    quantity: Decimal,
    made: Decimal,
    closed_short: bool,
    feeds: Sequence[Feed],
    beside: Decimal = Decimal(0),
) -> bool:
    """Whether a job order has nothing left to do.

    made    good, scrap and rework together: rework is neither output nor left.
    beside  the same of the other parts of its operation, which share what comes.
    """
    if closed_short or made >= quantity:
        return True
    coming = arriving(feeds, quantity)
    if coming is None:
        return False
    return made + (beside if feeds else Decimal(0)) >= coming


def status_after(
    *,
    status: str,
    complete: bool,
    started: bool,
    place_free: bool,
    waits: bool,
    reported: bool = False,
) -> str:
    """Return the status of a job order after its quantities, or those before it, changed.

    reported    pieces were reported for it just now: who makes pieces has started.
    place_free  its unit is up and has a place for it.
    """
    if status in {"HELD", "ABORTED", "CLOSED"}:
        return status
    if complete:
        return "COMPLETED"
    if status == "RUNNING":
        return status
    if reported or (status == "COMPLETED" and started):
        return "RUNNING" if place_free else "SUSPENDED"
    if started:
        return "SUSPENDED"
    return "WAITING" if waits else "READY"


class Verdict(StrEnum):
    """Why a report could not be booked. It is kept all the same, for somebody to settle."""

    BOOKED = "BOOKED"
    ORDER_ENDED = "ORDER_ENDED"
    JOB_HELD = "JOB_HELD"
    OVER_REPORT = "OVER_REPORT"
    LOT_HELD = "LOT_HELD"


def judge_report(
    *, order_open: bool, status: str, left: Decimal, made: Decimal, lot_barred: bool
) -> Verdict:
    """Return what becomes of a report of `made` pieces; the first reason that applies."""
    if not order_open or status in ENDED:
        return Verdict.ORDER_ENDED
    if status == "HELD":
        return Verdict.JOB_HELD
    if lot_barred:
        return Verdict.LOT_HELD
    if made > left:
        return Verdict.OVER_REPORT
    return Verdict.BOOKED


def launch_quantity(wanted: Decimal, yields_ppm: Iterable[int], decimals: int) -> Decimal:
    """Return how much to launch so that `wanted` comes out, rounded up to the quantum.

    yields_ppm  of the operations in series, each from 1 to 1,000,000. Exact; rounded once.
    """
    exact = Fraction(wanted)
    for share in yields_ppm:
        exact = exact * 1_000_000 / share
    quantum = Fraction(1, 10**decimals)
    steps = -(-exact // quantum)
    return Decimal(int(steps)).scaleb(-decimals)


@dataclass(frozen=True, slots=True)
class Part:
    """One line of a bill: what it takes of which component, at which operation (0: the first)."""

    component: int
    quantity_per: Decimal
    scrap_ppm: int = 0
    operation: int = 0


def explode(
    item: int, bills: Mapping[int, Sequence[Part]], phantoms: frozenset[int]
) -> dict[tuple[int, int], Decimal]:
    """Return what one piece of an item takes: {(operation, component): quantity}.

    bills     by item; a component that occurs twice is summed.
    phantoms  blow through to their own parts, at the operation that takes the phantom.

    Scrap factors are part of the quantity. Rounded up once, to millionths.

    :raises ValueError: if a phantom contains itself.
    """
    found: dict[tuple[int, int], Fraction] = {}

    def walk(parent: int, factor: Fraction, operation: int | None, above: frozenset[int]) -> None:
        if parent in above:
            raise ValueError(f"item {parent} contains itself")
        for part in bills.get(parent, ()):
            share = factor * Fraction(part.quantity_per) * (1_000_000 + part.scrap_ppm) / 1_000_000
            where = part.operation if operation is None else operation
            if part.component in phantoms:
                walk(part.component, share, where, above | {parent})
            else:
                key = (where, part.component)
                found[key] = found.get(key, Fraction(0)) + share

    walk(item, Fraction(1), None, frozenset())
    million = 1_000_000
    return {key: Decimal(int(-(-share * million // 1))).scaleb(-6) for key, share in found.items()}


def required(quantity_per: Decimal, quantity: Decimal) -> Decimal:
    """Return what `quantity` pieces take, rounded up to millionths."""
    return (quantity_per * quantity).quantize(Decimal("0.000001"), rounding=ROUND_CEILING)


def place_for(mounted: Sequence[str], running: Sequence[str], family: str) -> int:
    """Return the place of a unit on which a job of `family` goes.

    mounted  the family last set up, one a place; running: families of the jobs that run now.

    A free place that is set up for it, else the first free one; the first of all if none is.
    """
    busy = Counter(running)
    free: list[int] = []
    for place, there in enumerate(mounted):
        if busy[there] > 0:
            busy[there] -= 1
        else:
            free.append(place)
    return next((place for place in free if mounted[place] == family), free[0] if free else 0)


def moved(before: Sequence[int], after: Sequence[int]) -> list[int]:
    """Return the fewest jobs that were moved to make `after` of `before`, in the new order.

    Jobs that are in both and outside a longest common order were moved. O(n log n): the longest
    increasing subsequence of their old places (Fredman 1975).
    """
    place = {job: index for index, job in enumerate(before)}
    kept_jobs = [job for job in after if job in place]
    tails: list[int] = []  # the smallest last place of an increasing run of each length
    last_of: list[int] = []  # its index in kept_jobs
    previous: list[int] = []
    for index, job in enumerate(kept_jobs):
        at = bisect_left(tails, place[job])
        previous.append(last_of[at - 1] if at else -1)
        if at == len(tails):
            tails.append(place[job])
            last_of.append(index)
        else:
            tails[at] = place[job]
            last_of[at] = index
    stays: set[int] = set()
    index = last_of[-1] if last_of else -1
    while index >= 0:
        stays.add(kept_jobs[index])
        index = previous[index]
    return [job for job in kept_jobs if job not in stays]


def compare_queue(asked: Sequence[int], there: Iterable[int]) -> tuple[list[int], list[int]]:
    """Return what a queue names that isn't there any more, and what is there that it lacks."""
    present = set(there)
    named = set(asked)
    return [job for job in asked if job not in present], sorted(present - named)


# Who answers a call and within how many seconds, where the site has no row of its own.
CALL_ROUTES: dict[str, tuple[str, int]] = {
    "MAINTENANCE": ("MAINTENANCE", 300),
    "QUALITY": ("QUALITY", 600),
    "MATERIAL": ("STORES", 600),
    "SUPERVISOR": ("SUPERVISOR", 600),
    "SAFETY": ("SUPERVISOR", 60),
}
CALL_LADDER = ("SUPERVISOR", "PLANNER")
SHORTEST_WAIT_S = 60
# A call may eat this share of the slack before somebody else hears of it.
SHARE_OF_SLACK = 20
LONGEST_ETA_MIN = 240


def call_wait(*, kind: str, base_s: int, stopped: bool, slack_s: int | None) -> int:
    """Return how many seconds a call waits for an answer before it goes to the next role.

    base_s   what the site allows this kind of call when nothing is known.
    stopped  the machine stands; one that still runs delays nobody yet.
    slack_s  the least slack of the deliveries that wait for the unit's queue, in seconds,
             negative if one is late already; None if no delivery is known to wait.

    A twentieth of the slack, but at least half and at most three times the base, and never under
    a minute. Without a delivery that waits, or while the machine runs: three times and
    twice the base; a machine that runs towards a delivery that is late already waits the base.
    Safety waits its base, whoever is or isn't waiting for the goods.
    """
    if kind == "SAFETY":
        return max(base_s, SHORTEST_WAIT_S)
    longest = 3 * base_s
    if slack_s is None:
        wait = longest
    elif stopped:
        wait = min(max(slack_s // SHARE_OF_SLACK, base_s // 2), longest)
    else:
        wait = base_s if slack_s <= 0 else 2 * base_s
    return max(wait, SHORTEST_WAIT_S)


def next_role(called: Sequence[str]) -> str | None:
    """Return whom a call goes to when those called so far don't come; None after the planner."""
    return next((role for role in CALL_LADDER if role not in called), None)


def may_answer(roles: Iterable[str], called: Iterable[str]) -> bool:
    """Whether somebody with these roles may take a call: one of those called, or who leads."""
    return not set(roles).isdisjoint({*called, *CALL_LADDER, "ADMIN"})


# -- who attends what -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Attended:
    """A shift in which a unit needs somebody."""

    unit_id: int
    shift: str
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Attendant:
    """Somebody who can attend so many units at once; `shifts` empty: in every shift."""

    person_id: int
    units: int
    shifts: frozenset[str]


@dataclass(frozen=True, slots=True)
class Away:
    """A time in which a person is not there."""

    person_id: int
    starts_at: datetime
    ends_at: datetime

    def covers(self, at: datetime) -> bool:
        return self.starts_at <= at < self.ends_at


def stands(
    shifts: Sequence[Attended],
    people: Sequence[Attendant],
    others: Sequence[Away],
    away: Away,
    order: Sequence[int],
    standing: Sequence[tuple[int, datetime, datetime]] = (),
) -> dict[int, list[tuple[datetime, datetime]]]:
    """Return which units stand, and when, because one more person is away.

    shifts    of all units that need the same skill; people who have it.
    others    who is away besides; what stands for them already is in `standing`.
    order     units, those that stand first at the front.

    While those who are left can attend all that works, nothing stands. What nobody attended before
    either is not this absence's.
    """
    edges = {away.starts_at, away.ends_at}
    edges |= {at for each in shifts for at in (each.starts_at, each.ends_at)}
    edges |= {at for each in others for at in (each.starts_at, each.ends_at)}
    edges |= {at for _unit, start, end in standing for at in (start, end)}
    inside = sorted(at for at in edges if away.starts_at <= at <= away.ends_at)
    found: dict[int, list[tuple[datetime, datetime]]] = {}
    for start, end in pairwise(inside):
        now = [each for each in shifts if each.starts_at <= start < each.ends_at]
        names = {each.shift for each in now}
        idle = {unit for unit, begin, until in standing if begin <= start < until}
        works = {each.unit_id for each in now} - idle
        there = [
            each
            for each in people
            if (not each.shifts or each.shifts & names)
            and not any(o.person_id == each.person_id and o.covers(start) for o in others)
        ]
        able = sum(each.units for each in there)
        left = sum(each.units for each in there if each.person_id != away.person_id)
        extra = max(0, len(works) - left) - max(0, len(works) - able)
        for unit in [unit for unit in order if unit in works][:extra]:
            spans = found.setdefault(unit, [])
            if spans and spans[-1][1] == start:
                spans[-1] = (spans[-1][0], end)
            else:
                spans.append((start, end))
    return found
