"""The demo's strip: the clock, the button that breaks something, the tour that ticks by doing."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db.models import Count, Q
from django.utils.translation import gettext as _

from equipment.actions import report_breakdown
from equipment.models import Downtime, Equipment, Reason
from mes.commands import Command
from mes.errors import Refused
from mes.models import ShopFloorEvent, Site, SiteClock
from planning.models import Decision, Disruption

MOST_OPEN = 3
SPEEDS = ((0, "❚❚"), (1, "×1"), (60, "×60"))


def strip_context(site: Site) -> dict[str, Any] | None:
    """What the strip shows, or None where there is nothing to play with."""
    if settings.MODE == "PRODUCTION" or site.clock != Site.Clock.SIMULATED:
        return None
    clock = SiteClock.objects.get(site=site)
    down = Downtime.objects.filter(site=site, ended_at=None).count()
    # What the plant's history brought along is not the newcomer's doing.
    opened = ShopFloorEvent.objects.filter(site=site, kind="planning.plan.committed").first()
    kinds = set(
        ShopFloorEvent.objects.filter(
            site=site,
            seq__gt=opened.seq if opened else 0,
            kind__in=(
                "equipment.unit.went_down",
                "workorders.production.reported",
            ),
        )
        .values_list("kind", flat=True)
        .distinct()
    )
    looked = Disruption.objects.filter(site=site).exclude(state="NEW").exclude(kind="BACKLOG")
    tour = (
        (_("something breaks"), "equipment.unit.went_down" in kinds),
        (_("open it"), looked.exists()),
        (_("accept an option"), Decision.objects.filter(site=site, undo_of=None).exists()),
        (_("report at the station"), "workorders.production.reported" in kinds),
        (_("undo"), Decision.objects.filter(site=site, undo_of__isnull=False).exists()),
    )
    return {
        "speed": clock.speed,
        "speeds": SPEEDS,
        "can_break": down < MOST_OPEN,
        "break_off": _("%(n)d machines are down already.") % {"n": down},
        "tour": [{"label": label, "done": done} for label, done in tour],
    }


def break_something(command: Command) -> dict[str, Any]:
    """Stop the machine that is up and has the longest queue, for a morning."""
    unit = (
        Equipment.objects.filter(
            site=command.site, level=Equipment.Level.WORK_UNIT, kind=Equipment.Kind.MACHINE
        )
        .exclude(downtimes__in=Downtime.objects.filter(site=command.site, ended_at=None))
        .annotate(
            waiting=Count(
                "job_orders",
                filter=~Q(job_orders__status__in=("COMPLETED", "CLOSED", "ABORTED")),
            )
        )
        .order_by("-waiting", "code")
        .first()
    )
    if unit is None:
        raise Refused(_("Every machine is down already. Repair one first."))
    reason = (
        Reason.objects.filter(site=command.site, applies_to="STOP", calls_maintenance=True)
        .exclude(parent=None)
        .order_by("code")
        .first()
    )
    return report_breakdown(
        command,
        unit_id=unit.pk,
        reason_id=reason.pk if reason else None,
        back_at=command.now + timedelta(hours=24),
        said_by=command.actor.name,
    )
