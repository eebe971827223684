"""What planning goes by: guesses, thresholds, priorities, authority, and the shape of figures.

Plain values in, plain values out. Instants inside the engine are whole seconds since a plan's
epoch; money is int ten-thousandths of the site's currency.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from statistics import median
from typing import Any, TypedDict

import numpy as np
import numpy.typing as npt

MINUTE = 60
HOUR = 3_600
DAY = 86_400
PIECE = 1_000_000
NO_DATE = -1  # in packed times
NEVER = 2**31 - 1  # as the engine has it
UNSET = -(2**31)

# Versions kept whole beside committed and decided ones: the last, and one an hour.
WHOLE_VERSIONS = 20
WHOLE_HOURLY_DAYS = 7

HOLD_GUESS_S = 24 * HOUR
SHORTEST_GUESS_S = 15 * MINUTE
UNKNOWN_REPAIR_S = 8 * HOUR

# Pieces that one report stands for, by the unit's rhythm of reporting, in millionths.
QUANTA = {"PIECE": PIECE, "PALLET": 10 * PIECE, "OPERATION": 10**14, "SHIFT": 10**14}

# A slip is worth a row of its own from here on; smaller ones stay in the plan's figures.
SLIP_REPORT_S = 2 * HOUR
SLIP_REPORT_MONEY = 50 * 10_000
# Cost at stake from which a disruption is of the first priority.
FIRST_PRIORITY_MONEY = 5_000 * 10_000

# A change of lateness that a mere tick must reach to be stored.
TICK_REPORT_S = 15 * MINUTE
MAX_GROUPS = 20  # booked one by one; the rest as one
FAILURES = 3  # of a site at the same event, before it is set aside and shown


# Disruptions that stand only as long as they hurt somebody.
FELT = frozenset({"SCRAP", "SHORTAGE", "SUPPLY", "DEMAND", "QUEUE", "CHECK", "RETURN"})
# Why they close though what was said still holds: the plan has found a way around it.
FELT_NO_MORE = frozenset({"RECOVERED", "ABSORBED", "AS_BEFORE"})

# Figures of the plan whose change alone makes a tick worth storing, and those of an impact that
# make it another impact.
REPORTED = ("late_lines", "late_operations", "undated_operations", "units_down", "short_items")
SUMMARISED = (
    "orders", "operations", "items", "lines", "customers", "late_lines", "worst_late_s",
    "late_days", "cash", "estimate", "total", "known", "absorbed",
)  # fmt: skip


# -- money --------------------------------------------------------------------------------------


def decimal(amount: int) -> Decimal:
    """Ten-thousandths as a Decimal."""
    return Decimal(int(amount)).scaleb(-4)


def pieces(millionths: int) -> Decimal:
    """Millionths as a quantity."""
    return Decimal(int(millionths)).scaleb(-6)


def ten_thousandths(amount: Decimal) -> int:
    return int(amount.scaleb(4))


# -- time ---------------------------------------------------------------------------------------


def epoch_of(now: datetime) -> datetime:
    """The plan's epoch: a Monday 00:00 UTC at least four weeks before `now`.

    It moves once a week, so that calendar tables are built once a week.
    """
    day = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return day - timedelta(days=day.weekday() + 28)


def horizon(last_due: int, *, now: int, kept: int | None) -> int:
    """The instant after which nothing is planned, in seconds since the epoch, a whole day.

    kept  the horizon of the committed version, kept while it reaches 30 days beyond `now`
          and the last due instant.
    """
    if kept is not None and kept >= now + 30 * DAY and kept >= last_due:
        return kept
    wanted = max(120 * DAY, now + 60 * DAY, last_due + 60 * DAY)
    return min(-(-wanted // DAY) * DAY, 3 * 366 * DAY)


def window(
    starts_at: datetime, ends_at: datetime, epoch: datetime, *, opens: bool
) -> tuple[int, int]:
    """A window as engine seconds on whole minutes: work is rounded inward, stops outward."""
    begin = int((starts_at - epoch).total_seconds() // 1)
    end = int(-((epoch - ends_at).total_seconds() // 1))
    if opens:
        return -(-begin // MINUTE) * MINUTE, end // MINUTE * MINUTE
    return begin // MINUTE * MINUTE, -(-end // MINUTE) * MINUTE


# -- a shift against its plan ------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PlannedWork:
    """What a plan says of one job: from when to when, and how many pieces that makes."""

    start: datetime
    end: datetime
    pieces: Decimal


def planned_pieces(
    work: Sequence[PlannedWork],
    seconds: Callable[[datetime, datetime], int],
    since: datetime,
    until: datetime,
) -> Decimal:
    """Return how many pieces a plan makes from `since` to `until`, whole ones.

    seconds  working seconds of the unit between two instants: pieces come evenly in these, so
             that a night or a break in the middle of a job makes none.

    A job counts with the share of its working time that lies in between.
    """
    total = Decimal(0)
    for job in work:
        begin, finish = max(job.start, since), min(job.end, until)
        whole = seconds(job.start, job.end)
        if begin < finish and whole > 0:
            total += job.pieces * seconds(begin, finish) / whole
    return total.to_integral_value()


# -- how long a decision took -------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Steps:
    """Seconds from what happened until it was seen, decided, confirmed, begun; None: not known."""

    seen_s: int | None
    decided_s: int | None
    confirmed_s: int | None
    running_s: int | None = None


def steps_of_a_decision(
    happened: datetime | None,
    seen: datetime | None,
    decided: datetime,
    confirmed: datetime | None,
    running: datetime | None = None,
) -> Steps:
    """Return how long each step came after what happened.

    Who decides has seen it: a decision without an earlier look is seen when it is taken. A step
    is never before the one before it: a fact that was told late happened before it was told.
    """
    if happened is None:
        return Steps(None, None, None)
    seen = decided if seen is None else min(seen, decided)

    def after(at: datetime) -> int:
        return max(0, int((at - happened).total_seconds()))

    return Steps(
        after(seen),
        after(decided),
        after(confirmed) if confirmed else None,
        after(running) if running else None,
    )


def days_begun(late_s: int) -> int:
    """Days of a lateness, a begun one counts; nothing that is early is below zero."""
    return -(-max(0, late_s) // DAY)


# -- guesses ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Guess:
    """An estimate that nobody gave: the median of what it took before.

    until, p90  instants: half, and nine in ten, of such cases are over by then.
    made        when it was made; it is kept until it passes, then made again.
    source      the level of history: REASON, UNIT, SITE, or NONE (a rule of thumb).
    n           cases behind it.
    again_s     the next guess, from `until`, if that passes as well.
    """

    until: int
    p90: int
    made: int
    source: str
    n: int
    again_s: int


def remaining(
    levels: Mapping[str, Sequence[int]], elapsed: int, *, otherwise: int | None = None
) -> tuple[int, int, str, int]:
    """Seconds still to go (P50, P90), given that it has lasted `elapsed` already.

    levels     durations in seconds by level of history, the closest first; the first level that
               has one longer than `elapsed` counts. Fewer than five: at least half of `elapsed`.
    otherwise  what a whole case takes where no level has any; None: a repair, max(8 h, t/2).

    returns    (P50, P90, level, n)
    """
    for level, durations in levels.items():
        longer = sorted(d for d in durations if d > elapsed)
        if not longer:
            continue
        half = int(median(longer)) - elapsed
        most = longer[min(len(longer) - 1, len(longer) * 9 // 10)] - elapsed
        if len(longer) < 5:
            half = max(half, elapsed // 2)
        half = max(half, SHORTEST_GUESS_S)
        return half, max(half, most), level, len(longer)
    if otherwise is None:
        rest = max(UNKNOWN_REPAIR_S, elapsed // 2)
    else:
        rest = max(otherwise - elapsed, otherwise // 2, elapsed // 2)
    return rest, 2 * rest, "NONE", 0


def guess_end(
    levels: Mapping[str, Sequence[int]],
    *,
    started: int,
    made_at: int,
    now: int,
    otherwise: int | None = None,
) -> Guess:
    """The guess in force at `now`: made at `made_at`, made again each time that it passed.

    A function of the facts and of `now` alone, so that every process has the same one.
    """
    made = min(made_at, now)
    while True:
        half, most, level, n = remaining(levels, max(0, made - started), otherwise=otherwise)
        if made + half > now:
            again = remaining(levels, max(0, made + half - started), otherwise=otherwise)[0]
            return Guess(made + half, made + most, made, level, n, again)
        made += half


def check_limit(levels: Mapping[str, Sequence[int]]) -> tuple[int, str, int]:
    """(seconds, level, n): how long a check may wait: nine in ten were decided within that.

    levels  durations by level of history, the closest first; the first with five counts.
    """
    for level, durations in levels.items():
        if len(durations) >= 5:
            ranked = sorted(durations)
            return ranked[len(ranked) * 9 // 10], level, len(ranked)
    return HOLD_GUESS_S, "NONE", 0


def bound(said: int | None, guess: Guess | None) -> tuple[int, bool, int]:
    """(until, is a guess, seconds of the next guess): the guess where there is one."""
    if guess is not None:
        return guess.until, True, guess.again_s
    if said is not None:
        return said, False, -1
    return NEVER, False, -1


def day_table(zone: str, working: bool) -> str:
    """The name of a table of days: a zone, and whether Saturdays and Sundays count."""
    return f"{zone} Mon-Fri" if working else zone


# -- packed times -------------------------------------------------------------------------------


def pack(*columns: npt.NDArray[np.int32]) -> bytes:
    """Columns of instants side by side as little-endian int32; no date is -1."""
    table = np.stack([c.astype(np.int64) for c in columns], axis=1)
    table[(table == NEVER) | (table == UNSET)] = NO_DATE
    return table.astype("<i4").tobytes()


def unpack(packed: bytes | memoryview, width: int, shift: int = 0) -> npt.NDArray[np.int64]:
    """The reverse: rows of `width` instants, moved by `shift` seconds; no date is UNSET."""
    table = np.frombuffer(bytes(packed), "<i4").reshape(-1, width).astype(np.int64)
    return np.where(table == NO_DATE, UNSET, table + shift)


# -- disruptions --------------------------------------------------------------------------------


def grows(seen_money: int, seen_lines: int, money: int, lines: int) -> bool:
    """Whether it costs a quarter more than when somebody looked, or hits a further order."""
    return (money * 4 > seen_money * 5 and money - seen_money >= 10_000) or lines > seen_lines


def reported_impact(figures: ImpactFigures) -> list[Any]:
    """What of an impact is reported: when it differs, the impact is another one."""
    return [
        figures["orders"],
        figures["items"],
        sorted([hit["line_id"], hit["after"]] for hit in figures["lines_hit"]),
        figures["total"],
        [figures["cause"].get(name) for name in ("until", "scrap", "missing", "quantity")],
        sorted([hit["job_id"], hit["unit_id"], hit["end"]] for hit in figures["ops_hit"])[:40],
    ]


# -- deciding -----------------------------------------------------------------------------------

# The headline figures by which an option now is compared with the option that a person saw.
COMPARED = ("late_lines", "late_days", "total")


def number(text: str | None) -> Decimal:
    return Decimal(text) if text else Decimal(0)


def ten_thousandths_of(text: str) -> int:
    return ten_thousandths(Decimal(text))


def row_moved(then: Any, now: Any) -> bool:
    """Whether somebody changed a row of a footprint.

    A queue (a list of waiting jobs) has not moved when jobs at it have begun or new ones joined
    at its end: that is the floor's work, not another decision. Any other row must be equal.
    """
    if not isinstance(then, list) or not isinstance(now, list):
        return bool(then != now)
    stayed = [job for job in then if job in set(now)]
    return now[: len(stayed)] != stayed


def figures_seen(figures: Mapping[str, Any], based_on_version: int) -> dict[str, Any]:
    """The headline figures that a page of that plan version showed."""
    was: list[Any] = figures.get("was", [])
    for version, headline in was:
        if version <= based_on_version:
            return dict(headline)
    return dict(was[-1][1]) if was else {name: figures[name] for name in COMPARED}


def is_worse(then: Mapping[str, Any], now: Mapping[str, Any], *, tolerance_ppm: int) -> bool:
    """Whether it is worse by a line, a day, or more money than tolerated (at least one)."""
    if now["late_lines"] > then["late_lines"] or now["late_days"] > then["late_days"]:
        return True
    seen, found = Decimal(then["total"]), Decimal(now["total"])
    return found - seen > max(Decimal(1), abs(seen) * tolerance_ppm / 1_000_000)


# -- the shape of figures -----------------------------------------------------------------------
# Money: a decimal string in the site's currency. Quantities: decimal strings in the item's unit.
# Instants: ISO 8601 in UTC, None for no date. Durations: whole seconds. Words are made when a
# page is drawn (`planning.words`), in the reader's language.


class OpHit(TypedDict):
    """A job order that the cause moves. `delay_s` is the change of its end."""

    job_id: int
    order_id: int
    order: str
    number: int
    name: str
    unit_id: int
    unit: str
    start_before: str | None
    end_before: str | None
    start: str | None
    end: str | None
    delay_s: int | None  # None: it has no date any more


class ItemHit(TypedDict):
    """An item that runs short because of the cause."""

    item_id: int
    code: str
    name: str
    unit: str
    short: str  # how much its demands go without when they need it
    lowest: str  # projected stock at its lowest
    from_at: str | None  # first instant at which it is short
    until_at: str | None


class LineHit(TypedDict):
    """A customer line whose delivery the cause moves. Lateness is signed, in seconds."""

    line_id: int
    line: str
    customer_id: int
    customer: str
    item: str
    promised: str | None
    before: str | None  # delivery (on the customer's basis) without the cause
    after: str | None
    late_before_s: int
    late_s: int
    late_days_before: int
    late_days: int
    cash: str  # added by the cause
    estimate: str
    known: bool  # False: nobody said what its lateness costs
    stop: bool  # the customer's own line stands
    reason: str  # why it has no date; NONE where it has one


class ChainNode(TypedDict):
    """A box of the chain: column 0 cause, 1 work orders, 2 stock, 3 customer lines."""

    id: str  # "cause", "job:17", "item:3", "line:9"
    column: int
    ref: int  # database id
    label: str
    name: str
    delay_s: int
    short: str  # of an item
    at: str | None  # end of an operation, first instant below zero, delivery of a line
    worst: bool  # on the path to the worst customer line


class ChainLink(TypedDict):
    source: str
    target: str
    worst: bool  # on the path to the worst customer line
    amplifies: bool
    why: str  # ARC, PLACE, SUPPLY, HOLD, UNIT_DOWN, PEG


class CostRow(TypedDict):
    """One addend of a sum of money and how it came about: quantity x per = amount."""

    what: str
    sum: str  # cash, estimate or weight
    subject: str  # line, unit or plan
    id: int
    label: str
    quantity: int  # days, or seconds where `per` is 3,600
    per: int
    rate: int  # ten-thousandths, or millionths of `base`
    base: str
    amount: str
    source: str


class Assumed(TypedDict):
    kind: str
    subject: str
    id: int
    label: str
    value: Any
    guess: bool
    source: str
    n: int


class CauseFacts(TypedDict, total=False):
    """Facts of a disruption's cause, for its title and head line."""

    unit_id: int
    unit: str
    unit_name: str
    lot_id: int
    lot: str
    job_id: int
    order: str
    order_id: int
    number: int
    item: str
    reason: str
    note: str
    since: str
    until: str | None
    guess: bool  # `until` is a guess
    guess_source: str  # REASON, UNIT, SITE or NONE
    guess_n: int
    until_p90: str | None
    said_by: str
    scrap: str
    purchase_id: int
    purchase: str
    supplier: str
    promised: str | None
    from_at: str | None  # the first instant of a range whose last is `until`
    overdue: bool
    missing: str  # of a lot, or of what a supplier brings
    item_id: int
    item_name: str
    item_unit: str
    returned: str  # how much of a shipped line came back
    wants: str  # what is wanted in exchange: REPLACEMENT or REWORK
    waits_too_long: bool  # for quality's decision
    limit: str | None  # when it should have been decided
    why: str  # a code: why a job can't be done where it stands
    jobs: list[dict[str, Any]]  # that were moved by hand: id, order, number, from, from_id
    queues: list[dict[str, Any]]  # as they were before: unit_id, job_ids
    place_id: int
    place: str
    percent: int  # of its usual work that a slow unit does
    tool_id: int
    tool: str
    tool_name: str
    left: int  # pieces of a tool that are there still
    person_id: int
    person: str
    windows: list[dict[str, Any]]  # unit_id, window_id, starts_at, ends_at
    line_id: int
    line: str
    customer: str
    change: str  # ADDED, CHANGED, DATED or CANCELLED
    was: dict[str, Any]  # quantity, requested_at, promised_at: what was wanted before
    quantity: str
    requested: str | None
    idle_orders: list[str]  # work orders that nobody wants any more
    late_s: int
    count: int
    back_again: int  # number of the disruption that it comes back from


class ImpactFigures(TypedDict):
    """Impact.figures."""

    cause: CauseFacts
    orders: int
    operations: int
    items: int
    lines: int
    customers: int
    late_lines: int
    worst_late_s: int
    late_days: int
    cash: str
    estimate: str
    total: str
    known: bool  # False: a rate is missing, the sum is "at least"
    ops_hit: list[OpHit]
    items_hit: list[ItemHit]
    lines_hit: list[LineHit]
    helped: int  # lines that were late and are less so
    nodes: list[ChainNode]
    links: list[ChainLink]
    costs: list[CostRow]
    assumes: list[Assumed]
    absorbed: dict[str, Any] | None  # slack_s, order, job_id
    flip: dict[str, Any] | None  # unit, at, best, other, later


class OptionFigures(TypedDict, total=False):
    """Option.figures. `saves` = do nothing - (extra + late), by the money that is shown."""

    facts: dict[str, Any]
    late_lines: int
    late_anyway: int  # of the lines hit: late, but no later than without the event
    hit_lines: int
    late_days: int  # against no event: negative where it makes up for more
    extra_cash: str
    extra_estimate: str
    late_cash: str
    late_estimate: str
    weight: str
    saves: str
    total: str
    unknown: list[str]
    costs: list[CostRow]
    lines: list[LineHit]
    helped: list[int]
    hurt: list[LineHit]
    moved: list[int]
    retimed: int
    frozen_moved: int
    overtime_s: int
    full_until: str | None  # the saving is whole until then
    units: list[int]  # where people are told
    promises: int  # lines that get a new promise
    consents: list[dict[str, Any]]  # who, name, about, at: whose yes it needs
    gone: bool  # it was offered before and is not any more
    was: list[Any]  # [version, headline figures], the newest first
    refusal: dict[str, Any] | None
    beaten: dict[str, Any] | None


class Summary(TypedDict, total=False):
    """Disruption.summary: what the inbox row says, without another query."""

    orders: int
    operations: int
    items: int
    lines: int
    customers: int
    late_lines: int
    worst_late_s: int
    late_days: int
    cash: str
    estimate: str
    absorbed: dict[str, Any] | None
    best: dict[str, Any] | None  # slug, option_id, kind, facts, late_lines, total, saves
    seen_lines: int
    impact_version: int
    latency_ms: float | None


class WhyLate(TypedDict):
    """What a late line waits for; see `engine.reasons.Why`. `at` in unix seconds."""

    term: str
    code: str
    at: int | None
    reason: str  # why it has no date, where it has none
    unit: str
    queue_s: int


class PlanFigures(TypedDict, total=False):
    """PlanVersion.figures: the plant's own totals, never a sum of rows."""

    horizon: str
    guesses: dict[str, str]
    lines: int
    late_lines: int
    operations: int
    late_operations: int
    undated_operations: int
    units: int
    units_down: int
    short_items: int
    load_24h: dict[str, int]  # unit id -> percent of its working time in the next day
    late_cash: str
    late_estimate: str
    at_stake: str
    together: str
    # line id -> late seconds, cash, estimate (ten-thousandths), of lines that have any.
    standing: dict[str, list[int]]  # as booked up to this version
    why: dict[str, WhyLate]  # line id -> what a late line waits for
    baseline: dict[str, list[int]]  # of a committed version: as it was committed
    opened: bool  # the opening has been booked
    latency_ms: float | None  # from the newest event's receipt to the storing
