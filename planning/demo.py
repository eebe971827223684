"""The demo's strip: the clock, the button that breaks something, the tour that ticks by doing."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db.models import Count, Exists, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from equipment.actions import report_breakdown
from equipment.models import Downtime, Equipment, Reason
from mes.commands import Command
from mes.errors import Refused
from mes.models import ShopFloorEvent, Site
from planning.models import Decision, Disruption

MOST_OPEN = 3
SPEEDS = ((0, "❚❚"), (1, "×1"), (60, "×60"))
TOUR = {
    "broke": gettext_lazy("something breaks"),
    "opened": gettext_lazy("open it"),
    "accepted": gettext_lazy("accept an option"),
    "reported": gettext_lazy("report at the station"),
    "undone": gettext_lazy("undo"),
}


def strip_context(site: Site, speed: int) -> dict[str, Any] | None:
    """What the strip shows, or None where there is nothing to play with."""
    if settings.MODE == "PRODUCTION" or site.clock != Site.Clock.SIMULATED:
        return None
    down = Count("downtime", filter=Q(downtime__ended_at=None))
    done = Site.objects.filter(pk=site.pk).annotate(down=down, **_tour()).values(*TOUR, "down")[0]
    return {
        "speed": speed,
        "speeds": SPEEDS,
        "can_break": done["down"] < MOST_OPEN,
        "break_off": _("%(n)d machines are down already.") % {"n": done["down"]},
        "tour": [{"label": label, "done": done[step]} for step, label in TOUR.items()],
    }


def _tour() -> dict[str, Exists]:
    """Whether somebody did each step, asked of the site's row."""
    here = OuterRef("pk")
    events = ShopFloorEvent.objects.filter(site=here)
    # What the plant's history brought along is not the newcomer's doing.
    opened = events.filter(kind="planning.plan.committed").order_by("seq").values("seq")[:1]
    since = events.filter(seq__gt=Coalesce(Subquery(opened), 0))
    decisions = Decision.objects.filter(site=here)
    looked_at = Disruption.objects.filter(site=here, seen_at__isnull=False).exclude(kind="BACKLOG")
    by_person = since.filter(person_id__isnull=False)
    return {
        "broke": Exists(since.filter(kind="equipment.unit.went_down")),
        "opened": Exists(looked_at),
        "accepted": Exists(decisions.filter(undo_of=None)),
        "reported": Exists(by_person.filter(kind="workorders.production.reported")),
        "undone": Exists(decisions.filter(undo_of__isnull=False)),
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
