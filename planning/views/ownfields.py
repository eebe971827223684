"""Notes and own columns: on the lists, on a row's own form, pasted from a spreadsheet."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from mes.access import PlantRequest, access, may, refusal
from mes.acting import act
from mes.htmx import refusal_page, render_page
from planning.ownfields import actions
from planning.ownfields.actions import DATES
from planning.ownfields.models import OwnField, OwnValue, RowOf
from planning.ownfields.pasting import Pasted, dry_run
from planning.ownfields.values import (
    LONGEST,
    MODELS,
    MOST_FIELDS,
    NOTE,
    column_name,
    fields_of,
    key_of,
    values_of,
)
from planning.ownplant.sheets import Unreadable

LISTS = {
    RowOf.WORK_ORDER: "workorders:list",
    RowOf.CUSTOMER_LINE: "materials:deliveries",
    RowOf.PURCHASE_LINE: "materials:purchases",
}
# Whose act it is to move the date that a list has of its own.
DATE_ACTS = {
    RowOf.WORK_ORDER: "workorder.release",
    RowOf.CUSTOMER_LINE: "demand.change",
    RowOf.PURCHASE_LINE: "purchase.expect",
}
PASTED_SHOWN = 200


def columns_context(
    request: PlantRequest, row_of: str, ids: Iterable[int]
) -> tuple[dict[str, Any], dict[int, dict[str, Any]]]:
    """What a list shows of the plant's own: its columns; and by row the note and the cells."""
    fields, ids = fields_of(request.site, row_of), list(ids)
    found = values_of(request.site, row_of, ids)
    writes = may(request.actor, "note.write")
    rows: dict[int, dict[str, Any]] = {
        pk: {
            "note": found[pk][NOTE].text if NOTE in found.get(pk, {}) else "",
            "own": [_shown(each, found.get(pk, {}).get(column_name(each.pk))) for each in fields],
            "write_url": reverse("planning:own_row", args=[row_of, pk]) if writes else "",
        }
        for pk in ids
    }
    columns = {
        "own_fields": [{"column": column_name(each.pk), "name": each.name} for each in fields],
        "paste_url": reverse("planning:own_paste", args=[row_of]) if writes else "",
        "fields_url": reverse("planning:own_fields", args=[row_of]),
    }
    return columns, rows


def own_labels(columns: dict[str, Any]) -> dict[str, str]:
    """The headings of the note and of the own columns that a list shows."""
    return {NOTE: _("Note")} | {each["column"]: each["name"] for each in columns["own_fields"]}


def _shown(field: OwnField, value: OwnValue | None) -> str:
    if value is None:
        return ""
    if field.kind == OwnField.Kind.DATE:
        return date_format(date.fromisoformat(value.text[:10]), "j M Y")
    return value.text


def _row_of(text: str) -> RowOf:
    if text not in RowOf.values:
        raise Http404
    return RowOf(text)


def _named(row_of: RowOf) -> dict[str, Any]:
    return {"row_of": row_of.value, "list": row_of.label, "list_url": reverse(LISTS[row_of])}


@access("note.write")
@require_http_methods(["GET", "POST"])
def own_row(request: PlantRequest, row_of: str, pk: int) -> HttpResponse:
    """A row's note and own columns, to be written."""
    which = _row_of(row_of)
    rows = MODELS[which].objects.filter(site=request.site)
    if which == RowOf.CUSTOMER_LINE:
        rows = rows.select_related("order")
    row = rows.filter(pk=pk).first()
    if row is None:
        raise Http404
    if request.method == "POST":
        given = {
            name: text
            for name in (NOTE, *(column_name(each.pk) for each in fields_of(request.site, which)))
            if (text := request.POST.get(f"own-{name}")) is not None
        }
        outcome = act(
            request,
            "planning.own_row",
            actions.write_row,
            row_of=which.value,
            subject_id=row.pk,
            values=given,
        )
        if not outcome.ok:
            return refusal_page(request, outcome, retry_url=request.path)
        return redirect(LISTS[which])
    said = values_of(request.site, which, [row.pk]).get(row.pk, {})
    note = said.get(NOTE)
    context = {
        **_named(which),
        "key": key_of(row),
        "note": note,
        "longest": LONGEST,
        "fields": [
            {
                "name": f"own-{column_name(each.pk)}",
                "label": each.name,
                "kind": each.kind,
                "choices": each.choices,
                "value": value.text if (value := said.get(column_name(each.pk))) else "",
            }
            for each in fields_of(request.site, which)
        ],
    }
    return render_page(request, "planning/own_row.html", context)


@access("plan.read")
@require_GET
def own_fields(request: PlantRequest, row_of: str) -> HttpResponse:
    """The columns that a list has of the plant's own."""
    which = _row_of(row_of)
    fields = fields_of(request.site, which)
    off = "" if may(request.actor, "field.define") else refusal("field.define")
    full = _("A list has at most %(n)d columns of its own.") % {"n": MOST_FIELDS}
    context = {
        **_named(which),
        "fields": fields,
        "kinds": OwnField.Kind.choices,
        "off": off or (full if len(fields) >= MOST_FIELDS else ""),
        "may_remove": not off,
    }
    return render_page(request, "planning/own_fields.html", context)


@access("field.define")
@require_POST
def add_own_field(request: PlantRequest, row_of: str) -> HttpResponse:
    """Add a column to a list."""
    which = _row_of(row_of)
    outcome = act(
        request,
        "planning.own_field.add",
        actions.add_field,
        row_of=which.value,
        called=request.POST.get("name", ""),
        kind=request.POST.get("kind", ""),
        choices=request.POST.get("choices", "").splitlines(),
    )
    here = reverse("planning:own_fields", args=[which.value])
    return redirect(here) if outcome.ok else refusal_page(request, outcome, retry_url=here)


@access("field.define")
@require_POST
def remove_own_field(request: PlantRequest, pk: int) -> HttpResponse:
    """Take a column off its list."""
    row = OwnField.objects.filter(site=request.site, pk=pk).first()
    if row is None:
        raise Http404
    outcome = act(request, "planning.own_field.remove", actions.remove_field, field_id=pk)
    here = reverse("planning:own_fields", args=[row.row_of])
    return redirect(here) if outcome.ok else refusal_page(request, outcome, retry_url=here)


@access("note.write")
@require_http_methods(["GET", "POST"])
def own_paste(request: PlantRequest, row_of: str) -> HttpResponse:
    """Keys and values from a spreadsheet: first what they would change, then the change."""
    which = _row_of(row_of)
    columns = _columns(request, which)
    column = request.POST.get("column", NOTE)
    context: dict[str, Any] = {
        **_named(which),
        "columns": columns,
        "column": column,
        "pasted": request.POST.get("pasted", ""),
        "rows": None,
    }
    status = 200
    if request.method == "POST":
        if column not in dict(columns):
            raise Http404
        try:
            found = dry_run(request.site, which, column, context["pasted"])
        except Unreadable as wrong:
            context["failure"], status = str(wrong), 422
        else:
            context |= _dry(found)
    return render_page(request, "planning/own_paste.html", context, status=status)


def _columns(request: PlantRequest, which: RowOf) -> list[tuple[str, str]]:
    """What may be pasted by this person: the note, the own columns, the list's own date."""
    found = [(NOTE, _("Note"))]
    found += [(column_name(each.pk), each.name) for each in fields_of(request.site, which)]
    dates = {"due": _("Due"), "promised": _("Promised"), "expected": _("Expected")}
    if may(request.actor, DATE_ACTS[which]):
        found.append((DATES[which], dates[DATES[which]]))
    return found


def _dry(found: list[Pasted]) -> dict[str, Any]:
    changes = [each for each in found if each.changes]
    wrong = [each for each in found if each.wrong]
    return {
        "rows": [*wrong, *changes][:PASTED_SHOWN],
        "more": max(0, len(wrong) + len(changes) - PASTED_SHOWN),
        "changes": len(changes),
        "wrong": len(wrong),
        "same": len(found) - len(changes) - len(wrong),
        "packed": json.dumps([[each.key, each.was, each.becomes] for each in changes]),
    }


@access("note.write")
@require_POST
def apply_paste(request: PlantRequest, row_of: str) -> HttpResponse:
    """Write what the dry run showed: all of it, or nothing."""
    which = _row_of(row_of)
    column = request.POST.get("column", "")
    if column not in dict(_columns(request, which)):
        raise Http404
    outcome = act(
        request,
        "planning.own_paste",
        actions.paste,
        row_of=which.value,
        column=column,
        rows=_threes(request.POST.get("rows", "")),
        note=_("pasted from a list"),
    )
    if not outcome.ok:
        here = reverse("planning:own_paste", args=[which.value])
        return refusal_page(request, outcome, retry_url=here)
    return redirect(LISTS[which])


def _threes(text: str) -> list[list[str]]:
    try:
        rows = json.loads(text)
    except ValueError:
        return []
    sound = isinstance(rows, list) and all(
        isinstance(row, list) and len(row) == 3 and all(isinstance(cell, str) for cell in row)
        for row in rows
    )
    return rows if sound else []
