"""What was foreseen beside what came: of one day's deliveries, and how far off it usually is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from statistics import median
from typing import NamedTuple
from zoneinfo import ZoneInfo

from django.db.models import Q

from materials.models import CustomerLine
from mes.models import Site
from planning.models import Decision
from planning.outcome import Outcome, came_at, outcomes
from planning.shadow.models import Foresight

WEEK, LOOK_BACK = 7, 28
# Days ahead that are told of together.
DISTANCES = ((1, 1), (2, 3), (4, 7), (8, 14), (15, LOOK_BACK))
DAY_S = 86_400
Said = Mapping[date, Mapping[str, list[str | None]]]


@dataclass(frozen=True, slots=True)
class Delivery:
    """One delivery of a day, on its customer's basis; None where nothing was said, or came.

    planned   what it was promised for when it was first foreseen within a week
    week, eve what was projected a week and a day before
    """

    line: CustomerLine
    planned: datetime | None
    week: datetime | None
    eve: datetime | None
    came: datetime | None


class Error(NamedTuple):
    """How far off dates of one distance were: days of the middle one; None without a record."""

    first: int
    last: int
    of: int
    ours: float | None
    planned: float | None


def deliveries(site: Site, day: date) -> list[Delivery]:
    """What shipped on a day of the plant, and what was promised for it and has not come."""
    begins, ends = _bounds(site, day)
    lines = (
        CustomerLine.objects.filter(site=site, cancelled_at=None)
        .filter(
            Q(shipped_at__gte=begins, shipped_at__lt=ends)
            | Q(shipped_at=None, promised_at__gte=begins, promised_at__lt=ends)
        )
        .select_related("order__customer", "item")
        .order_by("promised_at", "order__code", "number")
    )
    said = _said(site, day - timedelta(days=WEEK), day - timedelta(days=1))
    found = []
    for line in lines:
        days = sorted(each for each, of in said.items() if str(line.pk) in of)
        first = said[days[0]][str(line.pk)] if days else [None, None]
        last = said[days[-1]][str(line.pk)] if days else [None, None]
        found.append(
            Delivery(
                line,
                _at(first[0]) or line.promised_at,
                _at(first[1]) if days and days[0] <= day - timedelta(days=WEEK - 1) else None,
                _at(last[1]),
                came_at(line),
            )
        )
    return found


def track_record(site: Site, day: date) -> list[Error]:
    """How far off the dates of the last weeks were, by how many days ahead they were said."""
    begins, _ends = _bounds(site, day - timedelta(days=LOOK_BACK))
    shipped = CustomerLine.objects.filter(site=site, shipped_at__gte=begins)
    came = {
        str(line.pk): at
        for line in shipped.select_related("order__customer")
        if (at := came_at(line)) is not None
    }
    zone = ZoneInfo(site.time_zone)
    ours: dict[int, list[float]] = defaultdict(list)
    planned: dict[int, list[float]] = defaultdict(list)
    for said_on, of in _said(site, day - timedelta(days=2 * LOOK_BACK), day).items():
        for pk, (promised, projected) in of.items():
            if pk not in came:
                continue
            ahead = (came[pk].astimezone(zone).date() - said_on).days
            for errors, said in ((ours, _at(projected)), (planned, _at(promised))):
                if said is not None:
                    errors[ahead].append(abs((said - came[pk]).total_seconds()) / DAY_S)
    return [
        Error(
            first,
            last,
            sum(len(ours[n]) for n in range(first, last + 1)),
            _middle(ours, first, last),
            _middle(planned, first, last),
        )
        for first, last in DISTANCES
    ]


def _middle(errors: Mapping[int, list[float]], first: int, last: int) -> float | None:
    found = [each for n in range(first, last + 1) for each in errors.get(n, ())]
    return median(found) if found else None


def usual_errors(site: Site) -> list[Error]:
    """The track record as the newest day's foresight kept it; empty before the first."""
    kept = Foresight.objects.filter(site=site).order_by("-day").values_list("errors", flat=True)
    return [Error(*each) for each in kept.first() or ()]


def usual_error_days(errors: Iterable[Error], ahead: int) -> float | None:
    """How far off a date so many days ahead usually is; None without a record of that distance."""
    for each in errors:
        if each.first <= max(ahead, 1) <= each.last:
            return each.ours
    return None


def noted(site: Site, day: date) -> list[tuple[Decision, Outcome, Outcome]]:
    """What was accepted and not applied in the last weeks: with it, and without, beside what came.

    Of both the deliveries are the same; without it is what doing nothing was foreseen to bring.
    """
    begins, _ends = _bounds(site, day - timedelta(days=LOOK_BACK))
    found = Decision.objects.filter(
        site=site, shadow=True, undo_of=None, undone_by=None, at__gte=begins
    )
    rows = list(found.select_related("person", "disruption").order_by("-at", "-pk"))
    with_it, without = outcomes(site, rows), outcomes(site, rows, of="without")
    return [(row, with_it[row.pk], without[row.pk]) for row in rows]


def _bounds(site: Site, day: date) -> tuple[datetime, datetime]:
    zone = ZoneInfo(site.time_zone)
    begins = datetime.combine(day, time(0), zone)
    return begins, datetime.combine(day + timedelta(days=1), time(0), zone)


def _said(site: Site, first: date, last: date) -> Said:
    rows: Iterable[tuple[date, dict[str, list[str | None]]]] = Foresight.objects.filter(
        site=site, day__gte=first, day__lte=last
    ).values_list("day", "lines")
    return dict(rows)


def _at(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
