"""Telling customers: a ready text for each line that comes late or in parts."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from mes.access import PlantRequest, access, may, refusal
from mes.acting import act
from mes.htmx import refusal_page, render_page
from planning import actions
from planning.drafts import drafts
from planning.models import CustomerTold, Decision, Disruption


def standing_decision(found: Disruption) -> Decision | None:
    """The decision that answers a disruption now; one that was taken back does not."""
    return (
        Decision.objects.filter(disruption=found, undo_of=None, undone_by=None)
        .order_by("-at", "-pk")
        .first()
    )


def told_context(request: PlantRequest, found: Disruption) -> dict[str, Any]:
    """What components/tell_customers.html needs."""
    decision = standing_decision(found)
    told: dict[int, list[CustomerTold]] = {}
    for each in (
        CustomerTold.objects.filter(site=request.site, disruption=found)
        .select_related("person", "line__order__customer", "line__item")
        .order_by("-pk")
    ):
        told.setdefault(each.line_id, []).append(each)
    rows = []
    for draft in drafts(request.site, found, decision):
        said = told.get(draft.line.pk, [])
        line = draft.line
        rows.append(
            {
                "line_id": line.pk,
                "code": f"{line.order.code}/{line.number}",
                "customer": line.order.customer.name,
                "item": line.item.code,
                "old": draft.old,
                "new": draft.new,
                "part": draft.part,
                "unit": line.item.unit,
                "asks": draft.asks,
                "text": draft.text,
                "told": [
                    {"who": each.person.name if each.person else "", "at": each.at,
                     "said_at": each.said_at}
                    for each in said
                ],
                # He was given another date than the one that holds now.
                "outdated": bool(said) and said[0].said_at != draft.new,
            }
        )  # fmt: skip
    return {
        "rows": rows,
        "decided": decision is not None,
        "here": reverse("planning:tell_customers", args=[found.pk]),
        "topic": f"told-{found.pk}",
        "pk": found.pk,
        "off": "" if may(request.actor, "customer.tell") else refusal("customer.tell"),
        "waiting": sum(not row["told"] or row["outdated"] for row in rows),
    }


@access("plan.read")
@require_http_methods(["GET", "POST"])
def tell_customers(request: PlantRequest, pk: int) -> HttpResponse:
    """The drafts of one disruption; a post says that a customer was told."""
    found = Disruption.objects.filter(site=request.site, pk=pk).first()
    if found is None:
        raise Http404
    back = reverse("planning:disruption", args=[pk])
    if request.method == "POST":
        if not may(request.actor, "customer.tell"):
            raise PermissionDenied(refusal("customer.tell"))
        decision = standing_decision(found)
        line = request.POST.get("line", "")
        said = {str(draft.line.pk): draft for draft in drafts(request.site, found, decision)}
        if line not in said:
            raise Http404
        outcome = act(
            request,
            "planning.tell_customer",
            actions.tell_customer,
            disruption_id=pk,
            decision_id=decision.pk if decision else None,
            line_id=said[line].line.pk,
            text=request.POST.get("text", ""),
            said_at=said[line].new,
        )
        if not outcome.ok:
            return refusal_page(request, outcome, retry_url=back)
    if not request.htmx:
        return redirect(back)
    context = {"tell": told_context(request, found)}
    return render_page(request, "components/tell_customers.html", context)
