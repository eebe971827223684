"""Calendars, states of units and their SEMI E10 classes: plain values in, plain values out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

Span = tuple[datetime, datetime]
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Shift:
    """One working window of a weekday (0 is Monday) in local wall time.

    `ends` at or before `starts` means the next day; equal times are a whole day.
    """

    weekday: int
    starts: time
    ends: time


@dataclass(frozen=True, slots=True)
class Window:
    """An instant range that is OPEN or CLOSED whatever the shifts say."""

    kind: str
    starts_at: datetime
    ends_at: datetime


def wall_instant(day: date, wall: time, zone: ZoneInfo) -> datetime:
    """Return the UTC instant at which the clock on the wall first shows `wall` on `day`.

    A wall time that is skipped when clocks go forward is the instant of the change; one that
    comes twice is its first. So the mapping never runs backwards: shifts that meet on the wall
    meet in time. Whole minutes.
    """
    wall = wall.replace(second=0, microsecond=0, tzinfo=None)
    local = datetime.combine(day, wall, tzinfo=zone)
    instant = local.astimezone(UTC)
    back = instant.astimezone(zone)
    if (back.date(), back.time()) != (day, wall):
        # In the gap: the change lies between the two readings of this wall time.
        low, high = sorted((instant, local.replace(fold=1).astimezone(UTC)))
        after = high.astimezone(zone).utcoffset()
        while high - low > MINUTE:
            middle = low + MINUTE * ((high - low) // MINUTE // 2)
            if middle.astimezone(zone).utcoffset() == after:
                high = middle
            else:
                low = middle
        instant = high
    return instant.replace(second=0, microsecond=0)


def union(spans: Iterable[Span]) -> list[Span]:
    """Return the same instants as sorted spans that neither overlap nor touch."""
    merged: list[Span] = []
    for start, end in sorted(spans):
        if start >= end:
            continue
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged


def without(spans: Sequence[Span], cut: Span) -> list[Span]:
    """Return the spans less the instants of `cut`."""
    left: list[Span] = []
    for start, end in spans:
        if end <= cut[0] or start >= cut[1]:
            left.append((start, end))
            continue
        if start < cut[0]:
            left.append((start, cut[0]))
        if end > cut[1]:
            left.append((cut[1], end))
    return left


def expand_calendar(
    patterns: Sequence[Shift],
    exceptions: Sequence[Window],
    time_zone: str,
    start: datetime,
    end: datetime,
) -> list[Span]:
    """Return the working spans of a calendar within [start, end), in UTC.

    patterns    shifts in the wall time of `time_zone`; they may overlap.
    exceptions  in the order in which they rule: each overrides all that stands before it, so
                give the calendar's own first, then those of the unit, oldest first.
    returns     sorted spans of whole UTC minutes that neither overlap nor touch. Work is
                rounded inward, stops outward.

    A shift lasts as long as the clock on the wall takes from its start to its end: the night
    shift is an hour shorter when clocks go forward and an hour longer when they go back.
    """
    zone = ZoneInfo(time_zone)
    by_weekday: dict[int, list[Shift]] = {}
    for shift in patterns:
        by_weekday.setdefault(shift.weekday, []).append(shift)
    spans: list[Span] = []
    # A shift of the day before may reach in; the day after covers zones ahead of UTC.
    day = start.astimezone(zone).date() - timedelta(days=2)
    last = end.astimezone(zone).date() + timedelta(days=1)
    while day <= last:
        for shift in by_weekday.get(day.weekday(), ()):
            until = day if shift.ends > shift.starts else day + timedelta(days=1)
            spans.append(
                (wall_instant(day, shift.starts, zone), wall_instant(until, shift.ends, zone))
            )
        day += timedelta(days=1)
    spans = union(spans)
    for window in exceptions:
        starts_at, ends_at = window.starts_at.astimezone(UTC), window.ends_at.astimezone(UTC)
        if ends_at <= start or starts_at >= end:
            continue
        if window.kind == "OPEN":
            spans = union([*spans, (_minute_up(starts_at), _minute_down(ends_at))])
        else:
            spans = without(spans, (_minute_down(starts_at), _minute_up(ends_at)))
    low, high = _minute_up(start.astimezone(UTC)), _minute_down(end.astimezone(UTC))
    return [
        (max(first, low), min(final, high))
        for first, final in spans
        if max(first, low) < min(final, high)
    ]


def shift_at(
    shifts: Iterable[tuple[str, Shift]], time_zone: str, now: datetime
) -> tuple[str, Span] | None:
    """Return the named shift that works at `now` and its instants in UTC; None between shifts.

    Of two that overlap, the one that began last.
    """
    zone = ZoneInfo(time_zone)
    today = now.astimezone(zone).date()
    found: list[tuple[datetime, datetime, str]] = []
    for name, shift in shifts:
        for day in (today - timedelta(days=1), today):
            if day.weekday() != shift.weekday:
                continue
            until = day if shift.ends > shift.starts else day + timedelta(days=1)
            start = wall_instant(day, shift.starts, zone)
            end = wall_instant(until, shift.ends, zone)
            if start <= now < end:
                found.append((start, end, name))
    if not found:
        return None
    start, end, name = max(found)
    return name, (start, end)


def _minute_down(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0)


def _minute_up(at: datetime) -> datetime:
    down = _minute_down(at)
    return down if down == at else down + MINUTE


def working_seconds(spans: Iterable[Span], start: datetime, end: datetime) -> int:
    """Return the whole seconds of [start, end) that lie in the spans."""
    total = timedelta()
    for first, last in spans:
        total += max(timedelta(), min(last, end) - max(first, start))
    return int(total.total_seconds())


@dataclass(frozen=True, slots=True)
class Slow:
    """A time in which a unit did so many percent of its usual work."""

    percent: int
    starts_at: datetime
    ends_at: datetime


def usual_seconds(
    spans: Sequence[Span], slow: Iterable[Slow], start: datetime, end: datetime
) -> int:
    """Return the seconds at the usual rate that the work of [start, end) in the spans amounts to.

    slow  times that do not overlap, within [start, end).
    """
    lost = sum(
        working_seconds(spans, each.starts_at, each.ends_at) * (100 - each.percent) for each in slow
    )
    return working_seconds(spans, start, end) - lost // 100


# PackML states that the floor uses, and where each may go from there.
UNIT_MOVES: dict[str, frozenset[str]] = {
    "IDLE": frozenset({"EXECUTE", "HELD", "STOPPED", "ABORTED"}),
    "EXECUTE": frozenset({"IDLE", "HELD", "STOPPED", "ABORTED"}),
    "HELD": frozenset({"IDLE", "EXECUTE", "STOPPED", "ABORTED"}),
    "STOPPED": frozenset({"IDLE", "EXECUTE", "HELD", "ABORTED"}),
    # Down: only a repair ends it.
    "ABORTED": frozenset({"IDLE"}),
}


def unit_may_go(state: str, to: str) -> bool:
    return to in UNIT_MOVES[state]


def e10_class(state: str, reason_class: str | None) -> str:
    """Return the SEMI E10 class of an interval by its PackML state and the reason given.

    A reason decides where there is one; a stop that nobody explained is UNKNOWN, except a
    breakdown, which is unscheduled by its nature.
    """
    if state == "EXECUTE":
        return "PRODUCTIVE"
    if state == "IDLE":
        return "STANDBY"
    if reason_class:
        return reason_class
    return "UNSCHEDULED_DOWN" if state == "ABORTED" else "UNKNOWN"
