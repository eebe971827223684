"""What the equipment page says besides the machines: tools, and shifts that were added."""

from __future__ import annotations

from typing import Any

from django.db.models import Prefetch
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from equipment.actions import end_opening
from equipment.models import CalendarException, Tool, ToolLoss
from mes.access import NEEDS, PlantRequest, access, may
from mes.acting import act
from mes.clock import plant_now
from mes.htmx import refusal_page
from mes.models import ShopFloorEvent, Site


def tools_of(site: Site) -> list[dict[str, Any]]:
    """Every tool: how many pieces are there, since when one is not, and when it is back."""
    lost = Prefetch(
        "losses", ToolLoss.objects.filter(ended_at=None).order_by("pk"), to_attr="open_losses"
    )
    rows = []
    for tool in Tool.objects.filter(site=site).prefetch_related(lost).order_by("code"):
        losses: list[ToolLoss] = tool.open_losses
        there = max(0, tool.pieces - len(losses))
        state = _("%(there)d of %(pieces)d there") % {"there": there, "pieces": tool.pieces}
        if tool.pieces == 1:
            state = _("There") if there else _("Lost")
        rows.append(
            {
                "code": tool.code,
                "name": tool.name,
                "state": state if there else _("Lost, what needs it waits"),
                "since": losses[-1].started_at if losses else None,
                "back": losses[-1].back_at if losses else None,
                "said_by": losses[-1].back_said_by if losses else "",
                "level": None if there else 2,
            }
        )
    return rows


def added_shifts(request: PlantRequest) -> list[dict[str, Any]]:
    """Shifts that were added and are not over, each with what takes it back."""
    site, now = request.site, plant_now(request.site)
    windows = CalendarException.objects.filter(
        site=site, kind="OPEN", removed_seq=None, ends_at__gt=now, unit__isnull=False
    ).in_bulk()
    found = []
    events = ShopFloorEvent.objects.filter(
        site=site, kind="equipment.place.opened", subject_type="place"
    )
    for event in events.order_by("-seq")[:200]:
        ids = [each["window_id"] for each in event.body["windows"]]
        if all(window_id in windows for window_id in ids):
            found.append(
                {
                    "place": event.body["code"],
                    "reason": event.body["reason"],
                    "starts_at": windows[ids[0]].starts_at,
                    "ends_at": windows[ids[0]].ends_at,
                    "units": len(ids),
                    "url": reverse("equipment:end_shift", args=[event.seq]),
                    "off": "" if may(request.actor, "shift.open") else str(NEEDS["shift.open"]),
                }
            )
    return found


@access("shift.open")
@require_POST
def end_shift(request: PlantRequest, seq: int) -> HttpResponse:
    """Take an added shift back; named by the event that added it."""
    added = ShopFloorEvent.objects.filter(site=request.site, kind="equipment.place.opened", seq=seq)
    event = added.first()
    if event is None:
        raise Http404
    outcome = act(
        request,
        "equipment.place.opening_end",
        end_opening,
        equipment_id=event.subject_id,
        window_ids=[each["window_id"] for each in event.body["windows"]],
    )
    if not outcome.ok:
        return refusal_page(request, outcome, retry_url=reverse("equipment:list"))
    return redirect("equipment:list")
