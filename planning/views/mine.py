"""A planner's own answer on the page of a disruption: its moves, one more, one less."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from equipment.models import Equipment
from mes.access import NEEDS, PlantRequest, access, may
from mes.acting import act
from mes.commands import Outcome
from mes.htmx import refusal_page
from planning import actions, words
from planning.forms import OwnMoveForm
from planning.models import Disruption, Impact, Option
from workorders.models import JobOrder


def moves_context(request: PlantRequest, found: Disruption, option: Option) -> dict[str, Any]:
    """What the own answer is made of so far, and the form of another move."""
    off = ""
    if not may(request.actor, "option.accept"):
        off = str(NEEDS["option.accept"])
    elif found.state in (Disruption.State.ACCEPTED, Disruption.State.CLOSED):
        off = _("Decided already. Undo that first.")
    form = OwnMoveForm(site=request.site, jobs=_jobs_of(found))
    return {
        "moves": _moves(option),
        "form": form,
        "any": len(form.fields["move"].widget.choices) > 1,
        "off": off,
        "add_url": reverse("planning:add_move", args=[found.pk, option.pk]),
        "drop_url": reverse("planning:drop_move", args=[found.pk, option.pk]),
    }


def _jobs_of(found: Disruption) -> set[int]:
    """The jobs that a disruption hits, and those that wait at the machine that it is about."""
    impact = Impact.objects.filter(disruption=found).order_by("-version").first()
    figures: Mapping[str, Any] = impact.figures if impact else {}
    jobs = {int(hit["job_id"]) for hit in figures.get("ops_hit", [])}
    if found.subject_type == "unit":
        here = JobOrder.objects.filter(unit=found.subject_id, completed_at=None)
        jobs |= set(here.values_list("pk", flat=True))
    return jobs


def _moves(option: Option) -> list[dict[str, Any]]:
    jobs = JobOrder.objects.select_related("work_order").in_bulk(
        [row["op_id"] for row in option.changes]
    )
    units = Equipment.objects.in_bulk([row["to_unit_id"] for row in option.changes])
    return [
        {
            "number": number,
            "text": _("%(job)s to %(unit)s, as number %(place)d of those that wait")
            % {
                "job": words.operation(
                    jobs[row["op_id"]].work_order.code,
                    jobs[row["op_id"]].number,
                    jobs[row["op_id"]].title,
                ),
                "unit": units[row["to_unit_id"]].code,
                "place": row["position"] + 1,
            },
        }
        for number, row in enumerate(option.changes)
    ]


def _disruption(request: PlantRequest, pk: int, option_pk: int) -> Disruption:
    option = Option.objects.filter(site=request.site, disruption=pk, pk=option_pk)
    found = option.select_related("disruption").first()
    if found is None:
        raise Http404
    return found.disruption


@access("option.accept")
@require_POST
def add_move(request: PlantRequest, pk: int, option_pk: int) -> HttpResponse:
    """One more move, weighed with those before it."""
    found = _disruption(request, pk, option_pk)
    form = OwnMoveForm(request.POST, site=request.site, jobs=_jobs_of(found))
    if not form.is_valid():
        said = [str(error) for errors in form.errors.values() for error in errors]
        return _answer(request, pk, option_pk, Outcome(422, {"message": " ".join(said)}))
    outcome = act(
        request, "planning.own.add", actions.add_move, option_id=option_pk, **form.values()
    )
    return _answer(request, pk, option_pk, outcome)


@access("option.accept")
@require_POST
def drop_move(request: PlantRequest, pk: int, option_pk: int) -> HttpResponse:
    """One move less."""
    _disruption(request, pk, option_pk)
    said = request.POST.get("number", "")
    number = int(said) if said.isdecimal() and len(said) < 5 else -1
    outcome = act(
        request, "planning.own.drop", actions.drop_move, option_id=option_pk, number=number
    )
    return _answer(request, pk, option_pk, outcome)


def _answer(request: PlantRequest, pk: int, option_pk: int, outcome: Outcome) -> HttpResponse:
    """The page of the disruption with the own answer selected, or why it was not done."""
    here = f"{reverse('planning:disruption', args=[pk])}?selected={option_pk}"
    if not outcome.ok:
        return refusal_page(request, outcome, retry_url=here)
    return redirect(here)
