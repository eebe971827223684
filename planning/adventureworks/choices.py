"""What the sample does not say and a plant needs: units, hours, the day's edge, late cost.

Every choice here is explained in `docs/adventureworks.md`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

NAME = "Adventure Works"
ZONE = "America/Los_Angeles"
CURRENCY = "USD"

# The production day of a date ends on its morning, with the night shift.
DAY_EDGE = time(7)
RECEIVES_AT = time(10)
INSPECTED_AT = time(14)
# What is dated a day is there when its morning comes, as the import of that day takes it.
SHIPS_AT = time(5)
SOLD_AT = time(6)
BOUGHT_AT = time(6, 15)
RELEASES_AT = time(6, 30)

PACK_S = 4 * 3600
TRANSIT_S = 86400
# The replay of so many days never runs out of a part.
RECORD_DAYS = 28
# A part that is planned to be there later than this before it is needed is kept in stock instead.
SLACK_S = 8 * 3600
# An order without operations that is past due comes this long from now, as a late purchase does.
OVERDUE_S = 5 * 86400

LATE_WEIGHT = Decimal("0.01")  # of a customer's mean open line value, a day
LATE_WEIGHT_LEAST = Decimal(5)
SITE_LATE_WEIGHT = Decimal(25)
OVERTIME_FACTOR = Decimal("1.5")

# A part has no subcategory in the sample; parts are one family.
NO_FAMILY = "Parts"
# Of a bought product that no vendor lists.
LEAD_DAYS = 14

# The sample has scrap reasons only: code, name, what it applies to.
REASONS = (
    ("BREAKDOWN", "Machine breakdown", "STOP"),
    ("TOOLING", "Tool or fixture broken", "STOP"),
    ("NO-MATERIAL", "Waits for material", "STOP"),
    ("NO-PERSON", "Nobody to run it", "STOP"),
    ("SUSPECT-PART", "Suspect part", "HOLD"),
    ("SUPPLIER-ALERT", "Supplier alert", "HOLD"),
)
CALLS_MAINTENANCE = frozenset({"BREAKDOWN", "TOOLING"})


@dataclass(frozen=True, slots=True)
class Centre:
    """A location that works: how many units, and the windows in which each may work.

    windows     (weekday with 0 = Monday, begins, ends, name); an end at or before its begin
                is on the next day. Their hours are the location's hours a week.
    """

    code: str
    units: int
    windows: tuple[tuple[int, time, time, str], ...]

    @property
    def hours(self) -> Decimal:
        total = timedelta()
        for _, begins, ends, _ in self.windows:
            first = datetime.combine(date(2013, 1, 1), begins)
            last = datetime.combine(date(2013, 1, 1), ends)
            total += last - first if last > first else last - first + timedelta(days=1)
        return Decimal(int(total.total_seconds())) / 3600


_DAY = (time(7), time(15), "Day")
_LONG_DAY = (time(5), time(15), "Day")
_EVENING = (time(15), time(23), "Evening")
_NIGHT = (time(23), time(7), "Night")


def _week(days: int, *shifts: tuple[time, time, str]) -> tuple[tuple[int, time, time, str], ...]:
    return tuple((day, *shift) for day in range(days) for shift in shifts)


CENTRES: dict[int, Centre] = {
    10: Centre("FF", 3, _week(6, _DAY, _EVENING)),
    20: Centre("FW", 2, _week(6, _LONG_DAY, _EVENING)),
    30: Centre("DP", 1, _week(5, _DAY, _EVENING, _NIGHT)),
    40: Centre("PT", 1, _week(5, _DAY, _EVENING, _NIGHT)),
    45: Centre("SP", 1, _week(5, _DAY, _EVENING)),
    50: Centre("SA", 6, _week(5, _DAY, _EVENING, _NIGHT)),
    60: Centre("FA", 5, _week(5, _DAY, _EVENING, _NIGHT)),
}


def unit_codes(place: int) -> tuple[str, ...]:
    centre = CENTRES[place]
    return tuple(f"{centre.code}-{n:02d}" for n in range(1, centre.units + 1))


def at(day: date, clock: time) -> datetime:
    """The instant of a local wall time."""
    return datetime.combine(day, clock, ZoneInfo(ZONE))


def opens(day: date) -> datetime:
    """The morning on which the production day of the date before has ended."""
    return at(day, DAY_EDGE)


def last_of(day: date) -> datetime:
    """The last minute of a date: what is due on it is due then, and a page shows that date."""
    return at(day, time(23, 59))


def end_of(day: date) -> datetime:
    """The first instant after a date: what holds on it holds no longer."""
    return at(day + timedelta(days=1), time(0))
