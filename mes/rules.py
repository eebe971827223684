"""When something happened, against the plant's now; hours of the week; when to tell again."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from decimal import Decimal

LATE_AFTER = timedelta(minutes=5)
# Clocks of tablets differ by this much without anybody being wrong.
CLOCK_SKEW = timedelta(minutes=2)
# No clock of a tablet is that wrong: what is reported from beyond it was mistyped.
DAY_AHEAD = timedelta(days=1)
# A day that is further away was mistyped.
FAR_AWAY = timedelta(days=3660)


def is_plausible(at: datetime, *, now: datetime) -> bool:
    """Whether an instant that somebody entered can be meant: within ten years either way."""
    return abs(at - now) <= FAR_AWAY


@dataclass(frozen=True, slots=True)
class Occurred:
    """The instant that is stored, whether it came late, and whether it had to be corrected."""

    at: datetime
    late: bool
    clamped: bool


def occurred(
    said: datetime | None, *, now: datetime, not_before: datetime | None = None
) -> Occurred:
    """Return when a fact happened, kept between its neighbour before it and now.

    said        the instant that was reported, aware; None is now.
    not_before  the neighbouring fact that it cannot precede.

    An impossible instant is moved to the nearest possible one and flagged.
    """
    if said is None:
        return Occurred(at=now, late=False, clamped=False)
    at = min(said, now)
    if not_before is not None:
        at = max(at, min(not_before, now))
    clamped = said > now + CLOCK_SKEW or (not_before is not None and said < not_before)
    return Occurred(at=at, late=now - said > LATE_AFTER, clamped=clamped)


# -- hours of the week -----------------------------------------------------------------------------

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_SPAN = re.compile(r"(?:(\w{3})(?:-(\w{3}))? +)?(\d\d:\d\d)-(\d\d:\d\d)")


@dataclass(frozen=True, slots=True)
class Span:
    """A time of the day on some weekdays (0 is Monday); it ends on the next day if `end` is not
    later than `start`."""

    weekdays: frozenset[int]
    start: time
    end: time

    def covers(self, at: datetime) -> bool:
        now = at.time()
        if self.start < self.end:
            return at.weekday() in self.weekdays and self.start <= now < self.end
        yesterday = (at.weekday() - 1) % 7
        return (at.weekday() in self.weekdays and now >= self.start) or (
            yesterday in self.weekdays and now < self.end
        )


def hours_of(text: str) -> tuple[Span, ...]:
    """Read "Mon-Fri 06:00-14:00, Sat 06:00-12:00"; without days a span is of every day.

    :raises ValueError: with the part that can't be read.
    """
    return tuple(_span(part.strip()) for part in text.split(",") if part.strip())


def _span(part: str) -> Span:
    found = _SPAN.fullmatch(part)
    if found is None:
        raise ValueError(part)
    first, last, start, end = found.groups()
    try:
        days = range(7)
        if first is not None:
            begin = WEEKDAYS.index(first.title())
            until = WEEKDAYS.index((last or first).title())
            days = range(begin, until + (1 if until >= begin else 8))
        return Span(
            frozenset(day % 7 for day in days), time.fromisoformat(start), time.fromisoformat(end)
        )
    except ValueError as problem:
        raise ValueError(part) from problem


def within(text: str, at: datetime) -> bool:
    """Whether an instant lies in hours of the week; `at` is local time of the plant."""
    return any(span.covers(at) for span in hours_of(text))


# -- telling a person ------------------------------------------------------------------------------

REPEAT_AFTER = timedelta(hours=1)
# What ended is told once it has stayed so: a machine that stops again at once was not repaired.
SETTLED_AFTER = timedelta(minutes=10)
WORSE_BY = Decimal("1.25")
FIRST_RETRY, LONGEST_RETRY = timedelta(minutes=1), timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Told:
    """What a person was told last of one cause."""

    at: datetime
    is_alarm: bool
    value: Decimal
    extent: int


def is_worse_than(told: Told, value: Decimal, extent: int) -> bool:
    """Whether it has grown since the person was told: by a quarter, or by one more order."""
    return extent > told.extent or value > told.value * WORSE_BY


def tells(told: Told | None, *, is_alarm: bool, value: Decimal, extent: int, now: datetime) -> bool:
    """Whether a repeat is told; else it is held back and counted.

    An alarm after its end, and the end of an alarm, always are; what grew is; the same once more
    is told again after an hour.
    """
    if told is None or is_alarm != told.is_alarm or is_worse_than(told, value, extent):
        return True
    return now - told.at >= REPEAT_AFTER


def quiet_until(start: time | None, end: time | None, at: datetime) -> datetime | None:
    """When the quiet hours end in which a local instant lies; None outside of them."""
    if start is None or end is None or start == end:
        return None
    if not Span(frozenset(range(7)), start, end).covers(at):
        return None
    day = at.date() if at.time() < end else at.date() + timedelta(days=1)
    return datetime.combine(day, end, at.tzinfo)


def retry_after(attempts: int) -> timedelta:
    """How long to wait after so many tries that failed."""
    doubled: timedelta = FIRST_RETRY * 2 ** min(attempts - 1, 10)
    return min(doubled, LONGEST_RETRY)
