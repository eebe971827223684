"""The hand-over of a shift: what is open now, kept with a note, confirmed by the next."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from mes.access import PlantRequest, access, may, refusal
from mes.acting import act
from mes.clock import plant_now
from mes.events import plain
from mes.htmx import refusal_page, render_page
from mes.models import Role
from planning import actions, words
from planning.models import HandOver

KEPT = 30


@access("plan.read")
@require_GET
def hand_overs(request: PlantRequest) -> HttpResponse:
    """The sheet as it is now, and those that were kept."""
    kept = HandOver.objects.filter(site=request.site).select_related("made_by", "confirmed_by")
    context = {
        "sheet": _readable(plain(actions.sheet(request.site, actions.as_whom(request.actor)))),
        "now": plant_now(request.site),
        "kept": kept.order_by("-pk")[:KEPT],
        "off": "" if may(request.actor, "handover.make") else refusal("handover.make"),
    }
    return render_page(request, "planning/hand_overs.html", context, parts=("sheet",))


@access("handover.make")
@require_POST
def keep(request: PlantRequest) -> HttpResponse:
    """Hand over: the sheet is kept as it is now."""
    outcome = act(
        request, "planning.hand_over", actions.hand_over, note=request.POST.get("note", "")
    )
    if not outcome.ok:
        return refusal_page(request, outcome, retry_url=reverse("planning:hand_overs"))
    return redirect("planning:hand_over", pk=outcome.response["hand_over_id"])


@access("plan.read")
@require_GET
def hand_over(request: PlantRequest, pk: int) -> HttpResponse:
    """One that was kept, as it was."""
    row = (
        HandOver.objects.filter(site=request.site, pk=pk)
        .select_related("made_by", "confirmed_by")
        .first()
    )
    if row is None:
        raise Http404
    off = "" if may(request.actor, "handover.make") else refusal("handover.make")
    if row.made_by_id == request.actor.person_id:
        off = _("The next shift confirms it, not who wrote it.")
    elif not off and row.role not in request.actor.roles and Role.ADMIN not in request.actor.roles:
        off = actions.not_for(row)
    context = {"row": row, "sheet": _readable(row.sheet), "off": off}
    return render_page(request, "planning/hand_over.html", context)


@access("handover.make")
@require_POST
def confirm(request: PlantRequest, pk: int) -> HttpResponse:
    """The next shift has read it."""
    outcome = act(request, "planning.hand_over.confirm", actions.confirm_hand_over, hand_over_id=pk)
    if not outcome.ok:
        here = reverse("planning:hand_over", args=[pk])
        return refusal_page(request, outcome, retry_url=here)
    return redirect("planning:hand_over", pk=pk)


def _readable(sheet: Mapping[str, Any]) -> dict[str, Any]:
    """A stored sheet with instants again, and the words of its states."""
    read: dict[str, Any] = {"since": words.instant(sheet.get("since"))}
    for name, rows in sheet.items():
        if name != "since":
            read[name] = [
                {
                    key: words.instant(value) if key in _INSTANTS else value
                    for key, value in row.items()
                }
                for row in rows
            ]
    for row in read["open"]:
        row["state_label"] = words.state_label(row["state"])
    return read


_INSTANTS = frozenset({"since", "until", "at", "said", "decide_by", "snoozed_until"})
