"""The two clocks. Business time is the plant's; latency, sessions and locks take the wall's."""

from __future__ import annotations

from datetime import UTC, datetime

from mes.models import Site, SiteClock


def wall_now() -> datetime:
    return datetime.now(UTC)


def plant_now(site: Site) -> datetime:
    """The plant's now: the wall clock of a REAL site, the stored instant of a SIMULATED one."""
    if site.clock == Site.Clock.REAL:
        return wall_now()
    return SiteClock.objects.values_list("at", flat=True).get(site=site)


def plant_speed(site: Site) -> int:
    """How fast the plant's clock runs against the wall's: 1 in a REAL site, 0 is paused."""
    if site.clock == Site.Clock.REAL:
        return 1
    return SiteClock.objects.values_list("speed", flat=True).get(site=site)
