"""Calls for help: who is called where, who comes, and how soon they were answered."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from statistics import median
from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from mes.access import PlantRequest, access, may, refusal
from mes.acting import act, number
from mes.actor import Actor
from mes.clock import plant_now
from mes.commands import Outcome
from mes.htmx import refusal_page, render_page
from mes.models import Role, Site
from mes.templatetags.downstream import duration
from workorders import rules
from workorders.actions import arrive, end_call, take_call
from workorders.models import AndonCall

MINUTES = (2, 5, 10, 15, 30)
LATELY = 20
PRIORITY = {"SAFETY": 1}


def standing_calls(site: Site) -> QuerySet[AndonCall]:
    """The calls that stand, the oldest first."""
    return (
        AndonCall.objects.filter(site=site, ended_at=None)
        .select_related("unit", "called_by", "device", "taken_by", "job_order__work_order__item")
        .order_by("called_at", "pk")
    )


def own_calls(site: Site, actor: Actor) -> QuerySet[AndonCall]:
    """The standing calls that went to this person's roles; an administrator sees all."""
    found = standing_calls(site)
    if Role.ADMIN in actor.roles:
        return found
    return found.filter(roles__overlap=sorted(actor.roles))


@access("call.read")
@require_GET
def calls(request: PlantRequest) -> HttpResponse:
    """Who is called where; take it, say that you are there, say that it is done."""
    everybodys = request.GET.get("whose") == "all"
    site, now = request.site, plant_now(request.site)
    mine, everything = own_calls(site, request.actor), standing_calls(site)
    over = list(
        AndonCall.objects.filter(site=site, ended_at__gte=now - timedelta(hours=24))
        .select_related("unit", "called_by", "device", "taken_by", "ended_by")
        .order_by("-ended_at", "-pk")
    )
    context = {
        "rows": call_rows(request, everything if everybodys else mine, now),
        "over": [_over(each) for each in over[:LATELY]],
        "response": response_times(over),
        "everybodys": everybodys,
        "counts": {"mine": mine.count(), "all": everything.count()},
        "here": reverse("planning:calls") + ("?whose=all" if everybodys else ""),
        "minutes": MINUTES,
    }
    return render_page(request, "planning/calls.html", context, parts=("calls",))


@access("call.answer")
@require_POST
def take(request: PlantRequest, pk: int) -> HttpResponse:
    """I come, in so many minutes."""
    said = number(request.POST.get("minutes", ""))
    minutes = -1 if said is None else said
    return _answer(request, act(request, "call.take", take_call, call_id=pk, minutes=minutes))


@access("call.answer")
@require_POST
def arrived(request: PlantRequest, pk: int) -> HttpResponse:
    """I am there."""
    return _answer(request, act(request, "call.arrive", arrive, call_id=pk))


@access("call.answer")
@require_POST
def end(request: PlantRequest, pk: int) -> HttpResponse:
    """It is seen to."""
    outcome = request.POST.get("outcome", "")
    return _answer(request, act(request, "call.end", end_call, call_id=pk, outcome=outcome))


def _answer(request: PlantRequest, outcome: Outcome) -> HttpResponse:
    """Back to the page that the act was done on: the calls, or a line's."""
    back = request.POST.get("back", "")
    here = (
        reverse("planning:line", args=[back])
        if back and back.isascii() and "/" not in back
        else reverse("planning:calls")
    )
    if not outcome.ok:
        return refusal_page(request, outcome, retry_url=here)
    return redirect(here)


def coming(call: AndonCall, now: datetime) -> dict[str, Any]:
    """What the station wants to know, for components/coming.html: "Tomas is coming, 2 min"."""
    said: dict[str, Any] = {
        "state": call.state,
        "who": call.taken_by.name if call.taken_by else _("Somebody"),
        "until": call.expected_at,
    }
    if call.state == AndonCall.State.TAKEN and call.expected_at is not None:
        left_s = int((call.expected_at - now).total_seconds())
        said["minutes"] = -(-left_s // 60)
        if left_s < 0:
            said["state"] = "LATE"
    return said


def call_rows(
    request: PlantRequest, found: Iterable[AndonCall], now: datetime
) -> list[dict[str, Any]]:
    """Standing calls: safety first, then machines that stand; of one urgency the oldest."""
    return sorted((call_row(request, each, now) for each in found), key=lambda row: row["level"])


def call_row(request: PlantRequest, call: AndonCall, now: datetime) -> dict[str, Any]:
    """A standing call as its page and the lines show it, with the acts of this person."""
    job = call.job_order
    following = rules.next_role(call.roles)
    row: dict[str, Any] = {
        "pk": call.pk,
        "unit": call.unit.code,
        "unit_url": reverse("workorders:station", args=[call.unit.code]),
        "kind": call.get_kind_display(),
        "level": PRIORITY.get(call.kind, 2 if call.stopped else 3),
        "stopped": call.stopped,
        "note": call.note,
        "job": f"{job.work_order.code} {job.work_order.item.name}" if job else "",
        "at": call.called_at,
        "waited_s": int((now - call.called_at).total_seconds()),
        "who": call.called_by.name if call.called_by else call.device.code if call.device else "",
        "role": str(Role(call.roles[-1]).label),
        "passed_on": call.level > 0,
        "state": call.state,
        "coming": coming(call, now),
        "due": call.due_at,
        "next": str(Role(following).label) if following else "",
        "slack": slack_words(call.slack_s),
        "off": "",
    }
    if not may(request.actor, "call.answer"):
        row["off"] = refusal("call.answer")
    elif not rules.may_answer(request.actor.roles, call.roles):
        row["off"] = _("For %(role)s.") % {"role": row["role"]}
    else:
        mine = call.taken_by_id is not None and call.taken_by_id == request.actor.person_id
        overdue = call.expected_at is not None and call.expected_at < now
        row["may_take"] = call.state == "OPEN" or (call.state == "TAKEN" and (mine or overdue))
        row["may_arrive"] = call.state in ("OPEN", "TAKEN")
        row["may_end"] = True
    return row


def slack_words(slack_s: int | None) -> str:
    """Why it is urgent or isn't: what hangs on the machine."""
    if slack_s is None:
        return _("no delivery is known to wait for it")
    if slack_s <= 0:
        return _("a delivery that waits for it is late already")
    return _("the next delivery has %(slack)s of slack") % {"slack": duration(slack_s)}


def response_times(over: list[AndonCall]) -> dict[str, Any]:
    """How soon the calls of the last day were answered and somebody came, in the middle."""
    answered = [(each.taken_at - each.called_at).total_seconds() for each in over if each.taken_at]
    came = [(each.arrived_at - each.called_at).total_seconds() for each in over if each.arrived_at]
    return {
        "calls": len(over),
        "answered_s": int(median(answered)) if answered else None,
        "came_s": int(median(came)) if came else None,
        "passed_on": sum(each.level > 0 for each in over),
    }


def _over(call: AndonCall) -> dict[str, Any]:
    def after(at: datetime | None) -> int | None:
        return int((at - call.called_at).total_seconds()) if at else None

    return {
        "unit": call.unit.code,
        "kind": call.get_kind_display(),
        "at": call.called_at,
        "who": call.taken_by.name if call.taken_by else "",
        "answered_s": after(call.taken_at),
        "came_s": after(call.arrived_at),
        "lasted_s": after(call.ended_at),
        "state": call.get_state_display(),
        "outcome": call.outcome,
        "passed_on": call.level > 0,
    }


def waiting_calls(request: HttpRequest) -> int:
    """How many calls wait for the person of this page, for the frame's navigation."""
    site, actor = getattr(request, "site", None), getattr(request, "actor", None)
    if not site or not actor:
        return 0
    return own_calls(site, actor).filter(~Q(state=AndonCall.State.ARRIVED)).count()
