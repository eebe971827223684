"""Saying what happened from the office, with its effect shown before anything is saved."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from equipment.actions import report_breakdown
from equipment.models import Downtime, Equipment, Reason
from materials.models import Lot
from mes.access import NEEDS, PlantRequest, access, may
from mes.acting import act
from mes.clock import wall_now
from mes.htmx import refusal_page, render_page
from mes.models import Site
from planning import actions, words
from planning.models import Disruption
from planning.views.disruption import customer_row, says
from quality.actions import place_hold

TILES = (
    (
        "breakdown",
        "zap",
        gettext_lazy("Machine down"),
        gettext_lazy("stops at once"),
        "event.report",
    ),
    (
        "hold",
        "shield-alert",
        gettext_lazy("Quality hold"),
        gettext_lazy("a lot is barred"),
        "hold.place",
    ),
)


class Moment(forms.DateTimeInput):
    input_type = "datetime-local"


def _dress(form: forms.Form) -> None:
    for field in form.fields.values():
        field.widget.attrs.setdefault("class", "inp")


class BreakdownForm(forms.Form):
    """Which machine, why, and until when if somebody knows."""

    unit = forms.ModelChoiceField(Equipment.objects.none(), label=gettext_lazy("Machine"))
    reason = forms.ModelChoiceField(
        Reason.objects.none(), label=gettext_lazy("Reason"), required=False
    )
    back_at = forms.CharField(
        label=gettext_lazy("Back in service"),
        required=False,
        widget=Moment(),
        help_text=gettext_lazy("Leave it empty if nobody knows; it is guessed from history."),
    )
    note = forms.CharField(label=gettext_lazy("Note"), required=False, max_length=200)

    def __init__(self, *args: Any, site: Site, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        down = Downtime.objects.filter(site=site, ended_at=None).values("unit_id")
        units = Equipment.objects.filter(site=site, level=Equipment.Level.WORK_UNIT)
        reasons = Reason.objects.filter(site=site, applies_to="STOP", reason=None)
        self.fields["unit"].queryset = units.exclude(pk__in=down).order_by("code")  # type: ignore[attr-defined]
        self.fields["reason"].queryset = reasons.order_by("name")  # type: ignore[attr-defined]
        self.site = site
        _dress(self)

    def clean_back_at(self) -> Any:
        return _instant(self.cleaned_data["back_at"], self.site)

    def values(self) -> dict[str, Any]:
        given = self.cleaned_data
        return {
            "unit_id": given["unit"].pk,
            "reason_id": given["reason"].pk if given["reason"] else None,
            "note": given["note"],
            "back_at": given["back_at"],
        }


class HoldForm(forms.Form):
    """Which lot, why, and when quality thinks to decide."""

    lot = forms.ModelChoiceField(Lot.objects.none(), label=gettext_lazy("Lot"))
    reason = forms.ModelChoiceField(
        Reason.objects.none(), label=gettext_lazy("Reason"), required=False
    )
    expected_at = forms.CharField(
        label=gettext_lazy("Decision expected"),
        required=False,
        widget=Moment(),
        help_text=gettext_lazy("Leave it empty if nobody knows."),
    )
    note = forms.CharField(label=gettext_lazy("Note"), required=False, max_length=200)

    def __init__(self, *args: Any, site: Site, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        lots = Lot.objects.filter(site=site, status=Lot.Status.RELEASED, balances__quantity__gt=0)
        reasons = Reason.objects.filter(site=site, applies_to="HOLD", reason=None)
        self.fields["lot"].queryset = lots.distinct().order_by("code")  # type: ignore[attr-defined]
        self.fields["reason"].queryset = reasons.order_by("name")  # type: ignore[attr-defined]
        self.site = site
        _dress(self)

    def clean_expected_at(self) -> Any:
        return _instant(self.cleaned_data["expected_at"], self.site)

    def values(self) -> dict[str, Any]:
        given = self.cleaned_data
        return {
            "lot_id": given["lot"].pk,
            "reason_id": given["reason"].pk if given["reason"] else None,
            "note": given["note"],
            "expected_at": given["expected_at"],
        }


FORMS: dict[str, type[BreakdownForm] | type[HoldForm]] = {
    "breakdown": BreakdownForm,
    "hold": HoldForm,
}


def _instant(said: str, site: Site) -> Any:
    """A local time of the form as an instant; empty is 'nobody knows'."""
    if not said:
        return None
    found = words.local_instant(said, site.time_zone)
    if found is None:
        raise forms.ValidationError(_("Enter a day and a time."))
    return found


@access("event.report")
@require_http_methods(["GET", "POST"])
def new_event(request: PlantRequest) -> HttpResponse:
    """Tiles of what can happen; the form of the chosen one; saving it."""
    kind = request.POST.get("kind", request.GET.get("kind", ""))
    form = None
    if kind in FORMS:
        data = request.POST if request.method == "POST" else None
        form = FORMS[kind](data, site=request.site, initial=_initial(request))
    if form is not None and request.method == "POST" and form.is_valid():
        return _save(request, kind, form.values())
    context = {
        "tiles": [_tile(request, *tile) for tile in TILES],
        "kind": kind,
        "form": form,
        "effect": None,
    }
    status = 422 if form is not None and form.errors else 200
    return render_page(request, "planning/new_event.html", context, status=status)


def _initial(request: PlantRequest) -> dict[str, Any]:
    """What the page before knew already: the machine or the lot."""
    unit = Equipment.objects.filter(site=request.site, code=request.GET.get("unit", "")).first()
    lot = Lot.objects.filter(site=request.site, code=request.GET.get("lot", "")).first()
    return {"unit": unit, "lot": lot}


def _tile(
    request: PlantRequest, kind: str, icon: str, label: Any, hint: Any, needs: str
) -> dict[str, Any]:
    return {
        "kind": kind,
        "icon": icon,
        "label": label,
        "hint": hint,
        "url": f"{reverse('planning:new_event')}?kind={kind}",
        "off": "" if may(request.actor, needs) else str(NEEDS[needs]),
    }


def _save(request: PlantRequest, kind: str, values: dict[str, Any]) -> HttpResponse:
    here = f"{reverse('planning:new_event')}?kind={kind}"
    if kind == "hold" and not may(request.actor, "hold.place"):
        return redirect(here)
    if kind == "breakdown":
        outcome = act(
            request, "equipment.breakdown", report_breakdown, said_by=request.actor.name, **values
        )
        subject = ("unit", values["unit_id"])
    else:
        outcome = act(request, "quality.hold.place", place_hold, **values)
        subject = ("lot", values["lot_id"])
    if not outcome.ok:
        return refusal_page(request, outcome, retry_url=here)
    known = Disruption.objects.filter(
        site=request.site, subject_type=subject[0], subject_id=subject[1]
    ).exclude(state="CLOSED")
    if found := known.first():
        return redirect("planning:disruption", found.pk)
    return redirect("planning:tower")


@access("event.report")
@require_POST
def new_event_preview(request: PlantRequest) -> HttpResponse:
    """What it would do, worked out while the form is filled in; nothing is stored."""
    kind = request.POST.get("kind", "")
    context: dict[str, Any] = {"effect": None}
    if kind in FORMS:
        form = FORMS[kind](request.POST, site=request.site)
        if form.is_valid():
            figures = actions.preview_event(request.site, kind, form.values(), wall_now=wall_now())
            context["effect"] = {
                "says": says(figures, may(request.actor, "money.read")),
                "orders": figures["orders"],
                "items": figures["items"],
                "customers": figures["late_lines"],
                "rows": [customer_row(hit) for hit in figures["lines_hit"]][:8],
            }
        elif request.POST.get("unit") or request.POST.get("lot"):
            context["effect"] = {"invalid": _("Fill in the rest to see what it would do.")}
    return render_page(request, "planning/new_event.html", context, part="effect")
