"""What others say: to a decision that needs their yes, to an option that one may not accept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from mes.access import PlantRequest, access, may
from mes.acting import act, number
from mes.clock import plant_now
from mes.commands import Outcome
from mes.htmx import refusal_page
from mes.models import Role
from planning import actions, rules, words
from planning.actions import authority
from planning.models import Approval, Consent, Disruption


def consent_row(request: PlantRequest, each: Consent) -> dict[str, Any]:
    """A yes that is asked for or was answered, and the way to answer it for who may."""
    mine = may(request.actor, "consent.answer") and not request.actor.roles.isdisjoint(
        {each.role, Role.ADMIN}
    )
    waits = each.state == Consent.State.ASKED
    return {
        "pk": each.pk,
        "text": words.asked_for(each),
        "role": each.get_role_display(),
        "state": each.state,
        "latest_at": each.latest_at,
        "answered_at": each.answered_at,
        "answered_by": each.answered_by.name if each.answered_by else "",
        "reason": each.reason,
        "agree_url": reverse("planning:agree", args=[each.pk]) if mine and waits else "",
        "refuse_url": reverse("planning:refuse", args=[each.pk]) if mine and waits else "",
        "off": _("For %(role)s to say.") % {"role": each.get_role_display()} if waits else "",
    }


def authority_row(request: PlantRequest, figures: Mapping[str, Any]) -> dict[str, Any]:
    """Whom to ask for an option that is beyond the person's authority; empty: he may himself."""
    site = request.site
    scope = authority.Scope.of(figures)  # type: ignore[arg-type]
    local = plant_now(site).astimezone(ZoneInfo(site.time_zone))
    _actor, lacks = authority.acting(request.actor, scope, local)
    if not lacks:
        return {}
    able = authority.who_may(site, scope, local, besides=request.actor.person_id)
    cash = rules.number(figures["extra_cash"])
    said = words.authority(lacks, [each.name for each in able], cash, site)
    if not able:
        return {"off": said}
    return {"ask": {"name": able[0].name, "pk": able[0].pk}, "lacks": said}


def approval_row(request: PlantRequest, each: Approval) -> dict[str, Any]:
    """What somebody is asked to accept, and the way to answer it for him or his deputy."""
    people = {request.actor.person_id, *request.actor.stands_in}
    mine = each.asked_of_id in people and may(request.actor, "option.accept")
    return {
        "pk": each.pk,
        "title": each.title,
        "asked_by": each.asked_by.name if each.asked_by else "",
        "asked_of": each.asked_of.name,
        "asked_at": each.asked_at,
        "cash": each.cash if may(request.actor, "money.read") else None,
        "why": each.why,
        "agree_url": reverse("planning:approve", args=[each.pk]) if mine else "",
        "refuse_url": reverse("planning:decline", args=[each.pk]) if mine else "",
        "off": _("%(name)s is asked.") % {"name": each.asked_of.name},
    }


def approval_rows(request: PlantRequest, found: Disruption) -> list[dict[str, Any]]:
    """What is asked about a disruption and not answered yet."""
    if found.state in (Disruption.State.ACCEPTED, Disruption.State.CLOSED):
        return []
    rows = found.approvals.filter(state=Approval.State.ASKED).select_related("asked_by", "asked_of")
    return [approval_row(request, each) for each in rows.order_by("asked_at", "pk")]


@access("approval.ask")
@require_POST
def ask_approval(request: PlantRequest, pk: int, option_pk: int) -> HttpResponse:
    """Ask whose authority reaches further to accept an option."""
    outcome = act(
        request,
        "planning.ask_approval",
        actions.ask_approval,
        option_id=option_pk,
        based_on_version=_rev(request),
        why=request.POST.get("why", "")[:300],
        person_id=number(request.POST.get("person", "")),
    )
    if not outcome.ok:
        return refusal_page(request, outcome, retry_url=reverse("planning:disruption", args=[pk]))
    return redirect("planning:disruption", pk=pk)


@access("option.accept")
@require_POST
def approve(request: PlantRequest, pk: int) -> HttpResponse:
    outcome = act(
        request,
        "planning.approve",
        actions.approve,
        approval_id=pk,
        based_on_version=_rev(request),
    )
    return answered(request, outcome)


@access("option.accept")
@require_POST
def decline(request: PlantRequest, pk: int) -> HttpResponse:
    reason = request.POST.get("reason", "")
    outcome = act(request, "planning.decline", actions.decline, approval_id=pk, reason=reason)
    return answered(request, outcome)


def _rev(request: PlantRequest) -> int:
    """The plan version of the page from which somebody acts; 0 where it does not say."""
    return number(request.POST.get("rev", "")) or 0


@access("consent.answer")
@require_POST
def agree(request: PlantRequest, pk: int) -> HttpResponse:
    return answered(request, act(request, "planning.agree", actions.agree, consent_id=pk))


@access("consent.answer")
@require_POST
def refuse(request: PlantRequest, pk: int) -> HttpResponse:
    outcome = act(
        request,
        "planning.refuse",
        actions.refuse,
        consent_id=pk,
        reason=request.POST.get("reason", ""),
    )
    return answered(request, outcome)


def answered(request: PlantRequest, outcome: Outcome) -> HttpResponse:
    """Back to the tasks, or to the disruption's page if it was answered there."""
    if not outcome.ok:
        return refusal_page(request, outcome, retry_url=reverse("planning:tasks"))
    number = outcome.response.get("disruption_id")
    if number and request.POST.get("from") == "disruption":
        return redirect("planning:disruption", pk=number)
    return redirect("planning:tasks")
