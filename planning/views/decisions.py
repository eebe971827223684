"""The decision log, which answers paid off, and the record of one decision."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from mes.access import PlantRequest, access, may
from mes.htmx import render_page
from mes.models import ShopFloorEvent, Task
from planning import words
from planning.models import Decision
from planning.outcome import Outcome, outcomes, paid_off
from planning.views.comments import comments_context
from planning.views.steps import steps_of
from planning.views.tower import decision_row

SHOWN = 100
COUNTED = 500


@access("plan.read")
@require_GET
def decisions(request: PlantRequest) -> HttpResponse:
    """Everything that was decided, newest first, by kind if wanted, and what came of it."""
    money = may(request.actor, "money.read")
    log = (
        Decision.objects.filter(site=request.site, undo_of=None)
        .select_related("person", "on_behalf_of", "rule", "disruption", "undone_by__person")
        .prefetch_related("consents")
        .order_by("-at", "-pk")
    )
    counted = list(log[:COUNTED])
    kind = request.GET.get("kind", "")
    shown = list((log.filter(kind=kind) if kind else log)[:SHOWN])
    came = outcomes(request.site, {each.pk: each for each in [*counted, *shown]}.values())
    base = reverse("planning:decisions")
    kinds = paid_off(counted, came)
    stamps = steps_of(request.site, shown)
    context = {
        "rows": [
            {
                **decision_row(request, each, money),
                "came": _came(came[each.pk]),
                "steps": stamps[each.pk],
            }
            for each in shown
        ],
        "kind": kind,
        "kinds": [
            {
                "kind": row.kind,
                "label": words.kind_name(row.kind),
                "url": f"{base}?kind={row.kind}",
                "count": row.count,
                "final": row.final,
                "of": row.of,
                "predicted_on_time": row.predicted_on_time,
                "on_time": row.on_time,
                "predicted_days": row.predicted_days,
                "days": row.days,
                "saves": row.saves if money else None,
            }
            for row in kinds
        ],
        "here": f"{base}?kind={kind}" if kind else base,
    }
    return render_page(request, "planning/decisions.html", context, parts=("decisions",))


def _came(outcome: Outcome) -> dict[str, Any] | None:
    if not outcome.of:
        return None
    return {
        "on_time": outcome.on_time,
        "of": outcome.of,
        "days": outcome.days,
        "final": outcome.is_final,
        "worse": outcome.days > outcome.predicted_days,
    }


@access("plan.read")
@require_GET
def decision(request: PlantRequest, pk: int) -> HttpResponse:
    """One decision: what was seen, who chose what and why, what it did, what came of it."""
    found = (
        Decision.objects.filter(site=request.site, pk=pk)
        .select_related(
            "person", "on_behalf_of", "rule", "disruption", "undone_by__person", "undo_of__person"
        )
        .first()
    )
    if found is None:
        raise Http404
    money = may(request.actor, "money.read")
    outcome = outcomes(request.site, [found])[found.pk]
    context = {
        "decision": decision_row(request, found, money),
        "steps": steps_of(request.site, [found])[found.pk],
        "kind": words.kind_name(found.kind),
        "version": found.version,
        "takes_back": _link(found.undo_of),
        "taken_back_by": _link(getattr(found, "undone_by", None)),
        "seen": [_seen(each, found, money) for each in found.seen],
        "changes": _changes(request, found),
        "tasks": Task.objects.filter(
            site=request.site, subject_type="decision", subject_id=found.pk
        )
        .select_related("done_by")
        .order_by("pk"),
        "consents": [
            {
                "text": words.asked_for(each),
                "role": each.get_role_display(),
                "state": each.get_state_display(),
                "reason": each.reason,
            }
            for each in found.consents.order_by("pk")
        ],
        "predicted": _predicted(found, money),
        "outcome": outcome,
        "comments": comments_context(request, "decision", found.pk),
    }
    return render_page(request, "planning/decision.html", context, parts=("came",))


def _link(other: Decision | None) -> dict[str, Any] | None:
    if other is None:
        return None
    return {
        "url": reverse("planning:decision", args=[other.pk]),
        "who": other.person.name if other.person else "",
        "at": other.at,
    }


def _seen(each: dict[str, Any], found: Decision, money: bool) -> dict[str, Any]:
    """An option with its figures as they were when somebody chose."""
    # A line with a new date is not on time, as on the page of the options.
    late = sum(int(each.get(name, 0)) for name in ("late_lines", "late_anyway", "promises"))
    name = each.get("name") or words.kind_name(each["kind"])
    return {
        "name": name,
        "chosen": name[:200] == found.title and each["kind"] == found.kind,
        "on_time": max(0, each["hit_lines"] - late) if "hit_lines" in each else None,
        "of": each.get("hit_lines"),
        "late_days": each.get("late_days"),
        "extra": (words.amount(each["cash"]) or 0) + (words.amount(each["estimate"]) or 0)
        if money
        else None,
        "late": words.amount(each["late_cost"]) if money else None,
        "saves": words.amount(each["saves"]) if money else None,
    }


def _changes(request: PlantRequest, found: Decision) -> list[str]:
    """What it changed, in words; of one's own moves, what the log says that was done."""
    facts = found.predicted.get("facts") or {}
    said = words.changes(facts, ZoneInfo(request.site.time_zone))
    if said:
        return said
    own = ShopFloorEvent.objects.filter(site=request.site, seq=found.event_seq).first()
    if own is None:
        return []
    done = ShopFloorEvent.objects.filter(site=request.site, key=own.key).exclude(pk=own.pk)
    return [words.event_text(each.kind, each.body) for each in done.order_by("seq")]


def _predicted(found: Decision, money: bool) -> dict[str, Any] | None:
    predicted = found.predicted
    if not predicted:
        return None
    return {
        "cash": words.amount(predicted["extra_cash"]) if money else None,
        "estimate": words.amount(predicted["extra_estimate"]) if money else None,
        "late": (words.amount(predicted["late_cash"]) or 0)
        + (words.amount(predicted["late_estimate"]) or 0)
        if money
        else None,
        "saves": words.amount(predicted["saves"]) if money else None,
        "sentence": _("%(n)d late") % {"n": predicted["late_lines"]},
    }
