"""What others say to a decision that needs their yes."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from mes.access import PlantRequest, access, may
from mes.acting import act
from mes.commands import Outcome
from mes.htmx import refusal_page
from mes.models import Role
from planning import actions, words
from planning.models import Consent


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
