"""Standing decisions: the rules by which something is decided by itself, and what they decided."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from equipment.models import Equipment
from mes.access import PlantRequest, access, may, refusal
from mes.acting import act
from mes.htmx import refusal_page, render_page
from mes.models import Site
from planning import actions, words
from planning.models import Decision, Disruption, Option, StandingDecision

DECIDED = 5
CHANGES = 10
NOT_BY_RULE = {Option.Kind.DO_NOTHING, Option.Kind.MINE}
Applies = StandingDecision.Applies


class RuleForm(forms.Form):
    """What may be decided by itself, up to where, and when."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=60)
    cause = forms.ChoiceField(label=gettext_lazy("When this goes wrong"), required=False)
    place_id = forms.ModelChoiceField(
        Equipment.objects.none(),
        label=gettext_lazy("At"),
        required=False,
        empty_label=gettext_lazy("anywhere"),
        help_text=gettext_lazy("a machine, a cell or an area; all that lies in it"),
    )
    option_kind = forms.ChoiceField(label=gettext_lazy("Do this"), required=False)
    amount_limit = forms.DecimalField(
        label=gettext_lazy("Up to this cash"), min_value=Decimal(0), max_digits=14, decimal_places=2
    )
    nobody_later = forms.BooleanField(
        label=gettext_lazy("Only if no customer line is later by it"), required=False, initial=True
    )
    applies = forms.ChoiceField(
        label=gettext_lazy("It decides"), choices=Applies.choices, initial=Applies.OFF_DUTY
    )
    hours = forms.CharField(
        label=gettext_lazy("Hours"),
        max_length=200,
        required=False,
        help_text=gettext_lazy("such as Mon-Fri 22:00-06:00, Sat 06:00-12:00"),
    )

    def __init__(self, *args: Any, site: Site, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields: Any = self.fields
        fields["cause"].choices = [("", _("anything")), *_causes().items()]
        fields["option_kind"].choices = [("", _("whatever is best")), *_kinds().items()]
        fields["place_id"].queryset = Equipment.objects.filter(site=site).order_by("level", "code")
        for field in fields.values():
            if not isinstance(field.widget, forms.CheckboxInput):
                field.widget.attrs.setdefault("class", "inp")

    def values(self) -> dict[str, Any]:
        given = dict(self.cleaned_data)
        place = given.pop("place_id")
        return given | {"rule_name": given.pop("name"), "place_id": place.pk if place else None}


def _causes() -> dict[str, str]:
    return {
        kind.value: str(kind.label) for kind in Disruption.Kind if kind != Disruption.Kind.BACKLOG
    }


def _kinds() -> dict[str, str]:
    return {
        kind.value: str(kind.label).capitalize() for kind in Option.Kind if kind not in NOT_BY_RULE
    }


@access("plan.read")
@require_GET
def rules(request: PlantRequest) -> HttpResponse:
    """Every rule, what it decided lately, and who changed it when."""
    found = (
        StandingDecision.objects.filter(site=request.site)
        .select_related("writer", "place")
        .order_by("-active", "name")
    )
    writes = may(request.actor, "rule.write")
    context = {
        "rows": [_row(each, writes) for each in found],
        "off": "" if writes else refusal("rule.write"),
    }
    return render_page(request, "planning/rules.html", context, parts=("rules",))


def _row(each: StandingDecision, writes: bool) -> dict[str, Any]:
    decided = Decision.objects.filter(rule=each, undo_of=None).select_related(
        "disruption", "undone_by__person"
    )
    changes = each.history.select_related("writer")[:CHANGES]
    return {
        "pk": each.pk,
        "name": each.name,
        "active": each.active,
        "says": words.rule(each),
        "limit": each.amount_limit,
        "writer": each.writer.name,
        "url": reverse("planning:rule", args=[each.pk]) if writes else "",
        "switch_url": reverse("planning:switch_rule", args=[each.pk]) if writes else "",
        "count": decided.count(),
        "decided": [
            {
                "at": taken.at,
                "title": taken.title,
                "cause": words.title(taken.disruption) if taken.disruption else "",
                "url": reverse("planning:disruption", args=[taken.disruption_id]),
                "undone": hasattr(taken, "undone_by"),
            }
            for taken in decided.order_by("-at")[:DECIDED]
        ],
        "changes": [
            {
                "at": old.history_date,
                "who": old.writer.name,
                "says": words.rule(old),
                "limit": old.amount_limit,
                "active": old.active,
            }
            for old in changes
        ],
    }


@access("rule.write")
@require_http_methods(["GET", "POST"])
def rule(request: PlantRequest, pk: int | None = None) -> HttpResponse:
    """Write a rule, or change one."""
    stored = StandingDecision.objects.filter(site=request.site, pk=pk).first() if pk else None
    if pk and stored is None:
        raise Http404
    initial = None
    if stored is not None:
        initial = {name: getattr(stored, name) for name in RuleForm.base_fields}
    form = RuleForm(request.POST or None, site=request.site, initial=initial)
    if request.method == "POST" and form.is_valid():
        outcome = act(request, "planning.rule.save", actions.save_rule, rule_id=pk, **form.values())
        if outcome.ok:
            return redirect("planning:rules")
        form.add_error(None, outcome.message)
    status = 422 if form.errors else 200
    context = {"form": form, "rule": stored}
    return render_page(request, "planning/rule.html", context, status=status)


@access("rule.write")
@require_POST
def switch(request: PlantRequest, pk: int) -> HttpResponse:
    active = request.POST.get("active") == "1"
    outcome = act(request, "planning.rule.switch", actions.switch_rule, rule_id=pk, active=active)
    if not outcome.ok:
        return refusal_page(request, outcome, retry_url=reverse("planning:rules"))
    return redirect("planning:rules")
