"""When something happened: what a person or an offline tablet said, against the plant's now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

LATE_AFTER = timedelta(minutes=5)
# Clocks of tablets differ by this much without anybody being wrong.
CLOCK_SKEW = timedelta(minutes=2)


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

    A fact is never refused for its time: an impossible one is moved to the nearest possible
    instant and flagged.
    """
    if said is None:
        return Occurred(at=now, late=False, clamped=False)
    at = min(said, now)
    if not_before is not None:
        at = max(at, min(not_before, now))
    clamped = said > now + CLOCK_SKEW or (not_before is not None and said < not_before)
    return Occurred(at=at, late=now - said > LATE_AFTER, clamped=clamped)
