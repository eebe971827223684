"""What is to be entered in the ERP, and how its last export differs from the plant."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Iterable
from typing import Any
from zoneinfo import ZoneInfo

from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from mes.access import PlantRequest, access, may, refusal
from mes.acting import act
from mes.clock import plant_now
from mes.htmx import refusal_page, render_page
from mes.models import Site
from planning.erp import actions
from planning.erp.entries import (
    DATES,
    SIDES,
    Difference,
    Name,
    Side,
    ToDo,
    column_label,
    differences,
    export_of,
    sheet_label,
    to_do,
)
from planning.erp.models import ErpEntry, ErpExport
from planning.erp.standing import CANCELLED, CLOSED, LISTS
from planning.ownplant.load import is_empty
from planning.ownplant.values import local
from planning.views.lists import page_of, tabs

ENTERED_SHOWN = 200
# What a spreadsheet would take for a formula.
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def _value(name: Name, text: str, site: Site) -> str:
    """One side of a difference as a person reads it."""
    if not text:
        return ""
    if name.column in DATES:
        at = local(text)
        year = plant_now(site).astimezone(ZoneInfo(site.time_zone)).year
        day = date_format(at, "j M" if at.year == year else "j M Y")
        return day if "T" not in text else f"{day} {at:%H:%M}"
    states = {CLOSED: _("closed"), CANCELLED: _("cancelled")}
    return states.get(text, text) if name.column == "state" else text


def _said(found: Difference, site: Site) -> dict[str, Any]:
    name = found.name
    return {
        "sheet": sheet_label(name.sheet),
        "key": name.key,
        "url": _url(found),
        "column": column_label(name),
        "was": _value(name, found.was, site),
        "becomes": _value(name, found.becomes, site),
        "whole": not name.column,
        "side": SIDES[found.side],
        "both": found.side is Side.BOTH,
    }


def _url(found: Difference) -> str:
    code = found.row.url_code if found.row else ""
    return reverse("workorders:detail", args=[code]) if code else ""


def _export(export: ErpExport | None) -> dict[str, Any] | None:
    if export is None:
        return None
    row = export.plant_import
    return {
        "at": export.read_at,
        "files": ", ".join(each.name for each in row.files.defer("data").order_by("pk"))
        if row
        else "",
        "url": reverse("planning:own_plant_import", args=[row.pk]) if row else "",
    }


@access("erp.read")
@require_GET
def erp(request: PlantRequest) -> HttpResponse:
    """What the ERP doesn't know yet, to be entered there; and what was entered."""
    export = export_of(request.site)
    rows = to_do(request.site, export) if export else []
    counts = Counter(row.difference.name.sheet for row in rows)
    view = request.GET.get("view", "all")
    if view in LISTS:
        rows = [row for row in rows if row.difference.name.sheet == view]
    shown, pages = page_of(request, rows)
    off = "" if may(request.actor, "erp.enter") else refusal("erp.enter")
    context = {
        "export": _export(export),
        "empty": is_empty(request.site),
        "views": tabs(
            request,
            [
                ("all", _("All"), sum(counts.values())),
                *((sheet, sheet_label(sheet), counts[sheet]) for sheet in LISTS if counts[sheet]),
                ("entered", _("Entered"), None),
            ],
        ),
        "view": view,
        "rows": [_to_do(row, request.site) for row in shown],
        "pages": pages,
        "entered": _entered(request.site) if view == "entered" else [],
        "off": off,
        "may_start": may(request.actor, "plant.import"),
        "here": request.get_full_path(),
    }
    return render_page(request, "planning/erp.html", context)


def _to_do(row: ToDo, site: Site) -> dict[str, Any]:
    found = row.difference
    return {
        **_said(found, site),
        "value": json.dumps([*found.name, found.becomes]),
        "at": row.at,
        "who": row.who,
        "why": row.why,
        "decision": row.decision.pk if row.decision else None,
        "tentative": row.tentative,
        "marked": row.marked,
    }


def _entered(site: Site) -> list[dict[str, Any]]:
    rows = ErpEntry.objects.filter(site=site).select_related("person", "plant_import")
    return [
        {
            "pk": row.pk,
            "sheet": sheet_label(row.sheet),
            "key": row.key,
            "column": column_label(Name(row.sheet, row.key, row.column)),
            "was": _value(Name(row.sheet, row.key, row.column), row.was, site),
            "becomes": _value(Name(row.sheet, row.key, row.column), row.becomes, site),
            "at": row.at,
            "who": row.person.name if row.person else "",
            "taken_back_at": row.taken_back_at,
        }
        for row in rows.order_by("-pk")[:ENTERED_SHOWN]
    ]


@access("erp.read")
@require_GET
def erp_csv(request: PlantRequest) -> HttpResponse:
    """The list as a file for a spreadsheet, or for whatever feeds the ERP."""
    export = export_of(request.site)
    zone = ZoneInfo(request.site.time_zone)
    out = io.StringIO()
    sheet = csv.writer(out)
    sheet.writerow(
        [_("List"), _("Row"), _("Column"), _("ERP says"), _("New value"), _("When"), _("Who"),
         _("Why"), _("State")]
    )  # fmt: skip
    for row in to_do(request.site, export) if export else ():
        found = row.difference
        at = f"{row.at.astimezone(zone):%Y-%m-%d %H:%M}" if row.at else ""
        state = _("tentative") if row.tentative else _("to do")
        sheet.writerow(
            _harmless(
                [
                    sheet_label(found.name.sheet), found.name.key, column_label(found.name),
                    found.was, found.becomes, at, row.who, row.why, state,
                ]
            )
        )  # fmt: skip
    today = f"{plant_now(request.site).astimezone(zone):%Y-%m-%d}"
    name = f"erp-to-do-{request.site.code}-{today}.csv"
    return HttpResponse(
        # With the mark by which spreadsheets know the encoding.
        out.getvalue().encode("utf-8-sig"),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _harmless(cells: Iterable[str]) -> list[str]:
    """Text that a spreadsheet takes for text."""
    return [f"'{cell}" if cell.startswith(FORMULA) else cell for cell in cells]


@access("plant.import")
@require_POST
def start(request: PlantRequest) -> HttpResponse:
    """The ERP knows the plant as it stands now."""
    outcome = act(request, "planning.erp.start", actions.start_here)
    if not outcome.ok:
        return refusal_page(request, outcome, retry_url=reverse("planning:erp"))
    return redirect("planning:erp")


@access("erp.enter")
@require_POST
def entered(request: PlantRequest) -> HttpResponse:
    """Somebody entered what is ticked."""
    outcome = act(
        request,
        "planning.erp.entered",
        actions.mark_entered,
        entries=[found for each in request.POST.getlist("entry") if (found := _four(each))],
    )
    if not outcome.ok:
        return refusal_page(request, outcome, retry_url=reverse("planning:erp"))
    return redirect("planning:erp")


def _four(text: str) -> list[str] | None:
    try:
        found = json.loads(text)
    except ValueError:
        return None
    is_one = isinstance(found, list) and len(found) == 4
    return found if is_one and all(isinstance(part, str) for part in found) else None


@access("erp.enter")
@require_POST
def take_back(request: PlantRequest, pk: int) -> HttpResponse:
    """It was not entered after all."""
    outcome = act(request, "planning.erp.take_back", actions.take_back_entry, entry_id=pk)
    here = reverse("planning:erp") + "?view=entered"
    return redirect(here) if outcome.ok else refusal_page(request, outcome, retry_url=here)


@access("erp.read")
@require_GET
def erp_differences(request: PlantRequest) -> HttpResponse:
    """Everything that the last export says otherwise than the plant, whoever changed it."""
    export = export_of(request.site)
    found = differences(request.site, export) if export else []
    counts = Counter(each.side for each in found)
    view = request.GET.get("view", "all")
    if view in SIDES:
        found = [each for each in found if each.side == view]
    shown, pages = page_of(request, found)
    context = {
        "export": _export(export),
        "views": tabs(
            request,
            [
                ("all", _("All"), sum(counts.values())),
                *((side.value, str(label), counts[side]) for side, label in SIDES.items()),
            ],
        ),
        "rows": [_said(each, request.site) for each in shown],
        "pages": pages,
    }
    return render_page(request, "planning/erp_differences.html", context)
