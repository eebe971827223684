"""Beginning and ending to listen only, and keeping what each day foresees."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from materials.models import CustomerLine
from mes.actor import SYSTEM
from mes.clock import plant_now
from mes.commands import Command, run
from mes.errors import Refused
from mes.models import Site
from planning import words
from planning.models import PlanVersion
from planning.shadow.models import Foresight, ShadowMode, in_shadow
from planning.shadow.record import track_record


def begin_shadow(command: Command) -> dict[str, Any]:
    """From now on what is accepted is noted with what it foresees, and nothing is applied.

    :raises Refused: if the plant only listens already.
    """
    if in_shadow(command.site.pk):
        raise Refused(_("This plant only listens already."))
    row = ShadowMode.objects.create(site=command.site, since=command.now)
    return {"since": row.since}


def end_shadow(command: Command) -> dict[str, Any]:
    """From now on what is accepted is applied again; what was noted stays as it was noted.

    :raises Refused: if the plant does not listen only.
    """
    ended = ShadowMode.objects.filter(site=command.site, ended_at=None)
    if not ended.update(ended_at=command.now):
        raise Refused(_("This plant works as usual already."))
    return {}


def keep_foresight(site_id: int, *, wall_now: datetime) -> bool:
    """Keep what today's first plan says of each open delivery; False where it is kept already."""
    site = Site.objects.get(pk=site_id)
    now = plant_now(site) if site.clock == Site.Clock.SIMULATED else wall_now
    day = now.astimezone(ZoneInfo(site.time_zone)).date()
    if Foresight.objects.filter(site=site, day=day).exists():
        return False
    version = PlanVersion.objects.current(site)
    if version is None:
        return False
    times = version.line_times_by_id()

    def keep(command: Command) -> None:
        lines = CustomerLine.objects.filter(site=site, shipped_at=None, cancelled_at=None)
        foreseen = {
            str(line.pk): [_text(line.promised_at), _text(words.delivery(line, times.get(line.pk)))]
            for line in lines.select_related("order__customer")
        }
        Foresight.objects.create(
            site=site,
            day=day,
            made_at=command.now,
            version=version.version,
            lines=foreseen,
            errors=track_record(site, day),
        )

    outcome = run(
        site=site,
        key=uuid.uuid5(uuid.NAMESPACE_OID, f"foresight {site_id} {day}"),
        actor=SYSTEM,
        name="planning.shadow.keep",
        body={"day": day.isoformat()},
        act=keep,
    )
    return outcome.ok and not outcome.replayed


def _text(at: datetime | None) -> str | None:
    return at.isoformat() if at is not None else None
