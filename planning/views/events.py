"""Saying what happened from the office, with its effect shown before anything is saved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from equipment.models import Equipment, Tool
from materials.models import CustomerLine, Lot, PurchaseLine, StockBalance
from mes.access import NEEDS, PlantRequest, access, may
from mes.acting import act
from mes.clock import wall_now
from mes.errors import Busy, Refused
from mes.htmx import refusal_page, render_page
from planning import actions
from planning.forms import FORMS
from planning.models import Disruption
from planning.views.disruption import customer_row, says


class Tile(NamedTuple):
    """A kind of event that can be said here, and the act of the access table that it needs."""

    kind: str
    icon: str
    label: Any
    hint: Any
    needs: str


TILES = (
    Tile(
        "breakdown",
        "zap",
        gettext_lazy("Machine down"),
        gettext_lazy("stops at once"),
        "event.report",
    ),
    Tile(
        "slow",
        "snail",
        gettext_lazy("Machine slow"),
        gettext_lazy("runs at a part of its rate"),
        "event.report",
    ),
    Tile(
        "tool",
        "drill",
        gettext_lazy("Tool lost"),
        gettext_lazy("or gauge, or fixture"),
        "event.report",
    ),
    Tile(
        "absence",
        "user-x",
        gettext_lazy("Person absent"),
        gettext_lazy("and what stands for it"),
        "absence.report",
    ),
    Tile(
        "closure",
        "lock",
        gettext_lazy("Shift cancelled, area out"),
        gettext_lazy("closed for a time"),
        "place.close",
    ),
    Tile(
        "queue",
        "list-ordered",
        gettext_lazy("Queue changed"),
        gettext_lazy("a job goes elsewhere"),
        "job.move",
    ),
    Tile(
        "shift",
        "plus",
        gettext_lazy("Shift added"),
        gettext_lazy("works longer for a time"),
        "shift.open",
    ),
    Tile(
        "hold",
        "shield-alert",
        gettext_lazy("Quality hold"),
        gettext_lazy("a lot is barred"),
        "hold.place",
    ),
    Tile(
        "check",
        "clipboard-check",
        gettext_lazy("Check waits"),
        gettext_lazy("too long for a decision"),
        "check.wait",
    ),
    Tile(
        "shortage",
        "search-x",
        gettext_lazy("Shortage"),
        gettext_lazy("not there, though booked"),
        "shortage.report",
    ),
    Tile(
        "count",
        "ruler",
        gettext_lazy("Count"),
        gettext_lazy("what was counted"),
        "stock.count",
    ),
    Tile(
        "purchase",
        "hourglass",
        gettext_lazy("Purchase late or short"),
        gettext_lazy("what the supplier says"),
        "purchase.expect",
    ),
    Tile(
        "receipt",
        "package",
        gettext_lazy("Receipt"),
        gettext_lazy("what came in"),
        "purchase.receive",
    ),
    Tile(
        "order",
        "flag",
        gettext_lazy("Rush order"),
        gettext_lazy("on top of the plan"),
        "demand.change",
    ),
    Tile(
        "demand",
        "git-compare",
        gettext_lazy("Order changed"),
        gettext_lazy("another quantity or day"),
        "demand.change",
    ),
    Tile(
        "return",
        "undo-2",
        gettext_lazy("Customer return"),
        gettext_lazy("came back"),
        "return.receive",
    ),
    Tile(
        "cancel",
        "ban",
        gettext_lazy("Order cancelled"),
        gettext_lazy("no longer wanted"),
        "demand.change",
    ),
)
NEEDED = {tile.kind: tile.needs for tile in TILES}


@access("event.say")
@require_http_methods(["GET", "POST"])
def new_event(request: PlantRequest) -> HttpResponse:
    """Tiles of what can happen; the form of the chosen one; saving it."""
    kind = _kind(request)
    form = None
    if kind:
        data = request.POST if request.method == "POST" else None
        form = FORMS[kind](data, site=request.site, initial=_initial(request, kind))
    if form is not None and request.method == "POST" and form.is_valid():
        return _save(request, kind, form.values())
    context = {
        "tiles": [_tile(request, tile) for tile in TILES],
        "kind": kind,
        "tile": next((tile for tile in TILES if tile.kind == kind), None),
        "form": form,
        "effect": None,
        "save_label": _("Move it") if kind == "queue" else "",
    }
    status = 422 if form is not None and form.errors else 200
    return render_page(request, "planning/new_event.html", context, status=status)


def _kind(request: PlantRequest) -> str:
    """The kind that was chosen; empty where there is none, or the person may not say it."""
    kind = request.POST.get("kind", request.GET.get("kind", ""))
    return kind if kind in FORMS and may(request.actor, NEEDED[kind]) else ""


def _initial(request: PlantRequest, kind: str) -> dict[str, Any]:
    """What the page before knew already: the machine, the lot, the line."""
    site, asked = request.site, request.GET
    if kind == "tool":
        return {"tool": Tool.objects.filter(site=site, code=asked.get("tool", "")).first()}
    if kind in ("closure", "shift"):
        return {"place": Equipment.objects.filter(site=site, code=asked.get("unit", "")).first()}
    if kind in ("breakdown", "slow"):
        return {"unit": Equipment.objects.filter(site=site, code=asked.get("unit", "")).first()}
    if kind == "queue":
        below = Equipment.objects.filter(site=site, level=Equipment.Level.WORK_UNIT).filter(
            Q(parent__code=asked.get("area", "")) | Q(parent__parent__code=asked.get("area", ""))
        )
        return {"units": list(below.values_list("pk", flat=True))}
    if kind in ("hold", "check"):
        return {"lot": Lot.objects.filter(site=site, code=asked.get("lot", "")).first()}
    if kind in ("shortage", "count"):
        stock = StockBalance.objects.filter(
            site=site, lot__code=asked.get("lot", ""), quantity__gt=0
        )
        return {"stock": stock.first()}
    order, _slash, number = asked.get("line", "").rpartition("/")
    if not number.isdecimal() or len(number) > 9:
        return {}
    if kind in ("purchase", "receipt"):
        return _of_purchase(
            PurchaseLine.objects.filter(site=site, order_code=order, number=number).first()
        )
    line = CustomerLine.objects.filter(site=site, order__code=order, number=number)
    return {"line": line.first()}


def _of_purchase(line: PurchaseLine | None) -> dict[str, Any]:
    if line is None:
        return {}
    return {"line": line, "quantity": line.quantity - line.received_quantity}


def _tile(request: PlantRequest, tile: Tile) -> dict[str, Any]:
    return {
        "kind": tile.kind,
        "icon": tile.icon,
        "label": tile.label,
        "hint": tile.hint,
        "url": f"{reverse('planning:new_event')}?kind={tile.kind}",
        "off": "" if may(request.actor, tile.needs) else str(NEEDS[tile.needs]),
    }


def _save(request: PlantRequest, kind: str, values: dict[str, Any]) -> HttpResponse:
    happening = actions.HAPPENINGS[kind]
    if kind in ("breakdown", "slow", "tool"):
        values["said_by"] = request.actor.name
    outcome = act(request, happening.name, happening.act, **values)
    if not outcome.ok:
        here = f"{reverse('planning:new_event')}?kind={kind}"
        return refusal_page(request, outcome, retry_url=here)
    cause, subject_type, subject_id = happening.key(values, outcome.response)
    known = Disruption.objects.standing(request.site.pk).filter(
        kind=cause, subject_type=subject_type, subject_id=subject_id
    )
    if found := known.first():
        return redirect("planning:disruption", found.pk)
    return redirect("planning:tower")


@access("event.say")
@require_POST
def new_event_preview(request: PlantRequest) -> HttpResponse:
    """What it would do, worked out while the form is filled in; nothing is stored."""
    kind = _kind(request)
    effect: dict[str, Any] | None = None
    if kind:
        form = FORMS[kind](request.POST, site=request.site)
        if form.is_valid():
            effect = _effect(request, kind, form.values())
        elif request.POST.get(form.subject):
            effect = {"invalid": _("Fill in the rest to see what it would do.")}
    return render_page(request, "planning/new_event.html", {"effect": effect}, part="effect")


def _effect(request: PlantRequest, kind: str, values: Mapping[str, Any]) -> dict[str, Any]:
    try:
        figures = actions.preview_event(request.site, kind, values, wall_now=wall_now())
    except Refused as refusal:
        return {"invalid": str(refusal)}
    except Busy as busy:
        return {"invalid": str(busy), "again": True}
    return {
        "says": says(figures, may(request.actor, "money.read")),
        "orders": figures["orders"],
        "items": figures["items"],
        "customers": figures["late_lines"],
        "rows": [customer_row(hit) for hit in figures["lines_hit"]][:8],
    }
