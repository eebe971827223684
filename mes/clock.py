"""The two clocks. Business time is the plant's; latency, sessions and locks take the wall's."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from mes.models import Site, SiteClock


def wall_now() -> datetime:
    return datetime.now(UTC)


def plant_now(site: Site) -> datetime:
    """The plant's now: the wall clock of a REAL site, the stored instant of a SIMULATED one."""
    if site.clock == Site.Clock.REAL:
        return wall_now()
    return SiteClock.objects.values_list("at", flat=True).get(site=site)


@dataclass(frozen=True, slots=True)
class Reading:
    """The plant's now, and how fast its clock runs: 1 in a REAL site, 0 is paused."""

    now: datetime
    speed: int


def read_clock(site: Site) -> Reading:
    if site.clock == Site.Clock.REAL:
        return Reading(wall_now(), 1)
    return Reading(*SiteClock.objects.values_list("at", "speed").get(site=site))
