"""One's own plant in the browser: open it, bring its files in, correct, store, look at the plan."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from equipment.models import Equipment
from mes.access import PlantRequest, access, may, refusal
from mes.acting import act, key_of
from mes.commands import Outcome, run
from mes.htmx import refusal_page, render_page
from mes.models import Site, SiteHead, SitePlan
from planning.actions import commit_plan
from planning.models import PlanVersion
from planning.ownplant import actions
from planning.ownplant.columns import DATES, DECIMALS, SHEETS, TIMES, Kind
from planning.ownplant.follow import MAY_BE_GONE
from planning.ownplant.load import is_empty
from planning.ownplant.models import PlantImport
from planning.ownplant.sheets import Unreadable
from planning.ownplant.templates import empty_workbook, filled_workbook
from planning.ownplant.workbook import look
from workorders.models import JobOrder, WorkOrder

MOST_FILES = 12
PROBLEMS_SHOWN = 200
ROWS_SHOWN = 30
LATE_SHOWN = 200
TEN = 10
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
SHEET_LABELS = {sheet.name: sheet.names[0] for sheet in SHEETS}
STATE_WORDS = {
    "READING": gettext_lazy("being read"),
    "CHECKED": gettext_lazy("checked"),
    "STORING": gettext_lazy("being stored"),
    "STORED": gettext_lazy("stored"),
    "UNREADABLE": gettext_lazy("not read"),
    "REMOVED": gettext_lazy("removed"),
}


class OpenPlant(forms.Form):
    """What a new plant is called, and where and in what money it lives."""

    code = forms.RegexField(
        r"^[A-Za-z0-9-]{1,12}$",
        label=gettext_lazy("Short code"),
        help_text=gettext_lazy("up to 12 letters and digits"),
    )
    name = forms.CharField(label=gettext_lazy("Name of the plant"), max_length=80)
    time_zone = forms.ChoiceField(label=gettext_lazy("Time zone"))
    currency = forms.RegexField(r"^[A-Za-z]{3}$", label=gettext_lazy("Currency"), initial="EUR")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        zones: Any = self.fields["time_zone"]
        zones.choices = [(zone, zone) for zone in sorted(available_timezones())]
        for field in self.fields.values():
            field.widget.attrs["class"] = "inp"

    def values(self) -> dict[str, Any]:
        given = self.cleaned_data
        return {
            "code": given["code"].upper(),
            "name": given["name"],
            "time_zone": given["time_zone"],
            "currency": given["currency"].upper(),
            "default_late_cost_per_day": None,
        }


@access("plant.import")
@require_http_methods(["GET", "POST"])
def own_plant(request: PlantRequest) -> HttpResponse:
    """Where somebody brings his own plant in: a new plant, its file, what was brought in."""
    form = OpenPlant(
        request.POST if request.method == "POST" else None,
        initial={"time_zone": request.site.time_zone, "currency": request.site.currency},
    )
    if request.method == "POST" and form.is_valid():
        key = key_of(request)
        if key is None:
            return _too_old(request)
        site, outcome = actions.open_plant(
            actor=request.actor, home=request.site, key=key, values=form.values()
        )
        if outcome.ok:
            request.session["site"] = site.code
            return redirect("planning:own_plant")
        form.add_error("code", outcome.message)
    rows = PlantImport.objects.filter(site=request.site).order_by("-pk")
    context = {
        "form": form,
        "empty": is_empty(request.site),
        "imports": [
            {
                "url": reverse("planning:own_plant_import", args=[row.pk]),
                "files": ", ".join(each.name for each in row.files.defer("data").order_by("pk")),
                "at": row.created_at,
                "state": STATE_WORDS[row.state],
            }
            for row in rows[:20]
        ],
        "sheets": [
            {"name": sheet.names[0], "level": sheet.level, "what_for": sheet.what_for}
            for sheet in SHEETS
        ],
    }
    status = 422 if form.is_bound and form.errors else 200
    return render_page(request, "planning/own_plant.html", context, status=status)


def _too_old(request: PlantRequest) -> HttpResponse:
    words = _("This form is too old. Load the page again; nothing was changed.")
    return _refused(request, words)


def _refused(request: PlantRequest, words: str) -> HttpResponse:
    outcome = Outcome(422, {"message": words, "code": "rule"})
    return refusal_page(request, outcome, retry_url=reverse("planning:own_plant"))


@access("plant.import")
@require_GET
def template(request: PlantRequest, name: str) -> HttpResponse:
    """The workbook to fill in, empty or with Northfield's rows."""
    makers = {"plant.xlsx": filled_workbook, "empty-plant.xlsx": empty_workbook}
    if name not in makers:
        raise Http404
    return HttpResponse(
        makers[name](),
        content_type=XLSX,
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@access("plant.import")
@require_POST
def upload(request: PlantRequest) -> HttpResponse:
    """Take files, or what was pasted; they are read outside the request."""
    given = request.FILES.getlist("files")
    if len(given) > MOST_FILES:
        return _refused(request, _("At most %(n)s files at once.") % {"n": MOST_FILES})
    files = []
    try:
        for each in given:
            look(each.name or "", each.size or 0, each)
            each.seek(0)
            files.append(((each.name or _("file"))[:120], each.read()))
    except Unreadable as wrong:
        return _refused(request, str(wrong))
    pasted = request.POST.get("pasted", "").strip()
    if pasted:
        files.append((request.POST.get("sheet", "")[:40] or _("pasted"), pasted.encode()))
    if not files:
        return _refused(request, _("Choose a file, or paste rows with their headings."))
    key = key_of(request)
    if key is None:
        return _too_old(request)
    packed = [(name, actions.fingerprint(data), data) for name, data in files]
    outcome = _run(
        request,
        key,
        "planning.ownplant.bring_in",
        {"files": [[name, sha] for name, sha, _data in packed]},
        lambda command: actions.bring_in(command, files=packed),
    )
    if not outcome.ok:
        return refusal_page(request, outcome, retry_url=reverse("planning:own_plant"))
    return redirect("planning:own_plant_import", outcome.response["import"])


def _run(
    request: PlantRequest, key: uuid.UUID, name: str, body: dict[str, Any], what: Any
) -> Outcome:
    """A command whose body names what is too large to be one."""
    return run(site=request.site, key=key, actor=request.actor, name=name, body=body, act=what)


def _find(request: PlantRequest, pk: int) -> PlantImport:
    row = PlantImport.objects.filter(site=request.site, pk=pk).first()
    if row is None:
        raise Http404
    return row


@access("plant.import")
@require_GET
def own_plant_import(request: PlantRequest, pk: int) -> HttpResponse:
    """One file: how far it is, how its columns read, what is wrong, how healthy it is."""
    row = _find(request, pk)
    if row.state == "STORED" and not _followed(row) and request.GET.get("look") != "file":
        return redirect("planning:own_plant_plan", pk)
    shown = request.GET.get("show", "")
    report = row.report
    problems = report.get("problems", [])
    context = {
        "row": row,
        "here": request.get_full_path(),
        "files": [each.name for each in row.files.defer("data").order_by("pk")],
        "sheets": [_sheet(row, sheet.name) for sheet in SHEETS] if report else [],
        "tables": [each["name"] for each in report.get("tables", [])],
        "decimals": DECIMALS,
        "dates": DATES,
        "times": TIMES,
        "counts": [
            {"label": SHEET_LABELS[name], "n": n}
            for name, n in report.get("counts", {}).items()
            if n
        ],
        "problems": [
            dict(zip(("sheet", "row", "column", "value", "wrong", "todo"), each, strict=True))
            for each in problems[:PROBLEMS_SHOWN]
        ],
        "problems_more": max(report.get("problem_count", 0) - PROBLEMS_SHOWN, 0),
        "findings": [
            each | {"rows": each["rows"][:ROWS_SHOWN] if each["kind"] == shown else []}
            for each in report.get("findings", [])
        ],
        "shown": shown,
        "difference": None if row.state == "STORED" else _difference(report),
        "followed": _followed(row),
        "empty": is_empty(request.site),
        "left_out": [
            {"label": SHEET_LABELS[name], "names": ", ".join(names)}
            for name, names in report.get("left_out", {}).items()
            if names
        ],
    }
    return render_page(request, "planning/own_plant_import.html", context, parts=("import",))


def _followed(row: PlantImport) -> dict[str, Any] | None:
    """What became of the differences of a file that was taken over."""
    found = row.report.get("followed")
    if found is None:
        return None
    return {
        "taken": [{"sheet": SHEET_LABELS[sheet], "key": key} for sheet, key in found["taken"]],
        "left": [
            {"sheet": SHEET_LABELS[sheet], "key": key, "why": why}
            for sheet, key, why in found["left"]
        ],
    }


def _sheet(row: PlantImport, name: str) -> dict[str, Any]:
    """One of our sheets with what was chosen for it, and what may be."""
    sheet = next(each for each in SHEETS if each.name == name)
    found = row.mapping.get(name)
    table = next(
        (each for each in row.report["tables"] if found and each["name"] == found["table"]), None
    )
    samples = dict(zip(table["headings"], table["samples"], strict=True)) if table else {}
    columns = [
        {
            "name": f"{name}.{column.name}",
            "short": column.name,
            "label": column.names[0],
            "required": column.required,
            "chosen": found["columns"].get(column.name, "") if found else "",
            "samples": ", ".join(
                samples.get(found["columns"].get(column.name, ""), []) if found else []
            ),
            "time": found["times"].get(column.name, "min")
            if found and column.kind is Kind.TIME
            else "",
        }
        for column in sheet.columns
    ]
    return {
        "name": name,
        "label": sheet.names[0],
        "level": sheet.level,
        "what_for": sheet.what_for,
        "table": found["table"] if found else "",
        "decimal": found["decimal"] if found else ".",
        "date": found["date"] if found else "DMY",
        "headings": table["headings"] if table else [],
        "columns": columns,
        "rows": table["rows"] if table else 0,
    }


def _difference(report: Mapping[str, Any]) -> dict[str, Any] | None:
    """What this file says otherwise than the one before, in words for a table."""
    found = report.get("difference")
    if found is None:
        return None
    rows = [
        {"sheet": SHEET_LABELS[sheet], "key": key, "what": _("new")} for sheet, key in found["new"]
    ]
    for sheet, key, column, was, becomes in found["changed"]:
        label = next(s for s in SHEETS if s.name == sheet).column(column).names[0]
        rows.append(
            {
                "sheet": SHEET_LABELS[sheet],
                "key": key,
                "what": _("%(column)s: %(was)s, now %(becomes)s")
                % {"column": label, "was": was or "–", "becomes": becomes or "–"},
            }
        )
    # What is gone is asked for, so all of it is shown, and first.
    gone = [
        {
            "sheet": SHEET_LABELS[sheet],
            "key": key,
            "what": _("gone"),
            "ask": f"{sheet}/{key}" if sheet in MAY_BE_GONE else "",
        }
        for sheet, key in found["gone"]
    ]
    return {
        "count": len(rows) + len(gone),
        "rows": [*gone, *rows[:PROBLEMS_SHOWN]],
        "more": max(0, len(rows) - PROBLEMS_SHOWN),
    }


@access("plant.import")
@require_POST
def correct(request: PlantRequest, pk: int) -> HttpResponse:
    """Columns chosen otherwise, a finding mended in bulk, or wrong rows set aside."""
    row = _find(request, pk)
    values: dict[str, Any] = {}
    if "mapping" in request.POST:
        values["mapping"] = _mapping(request, row)
    if "finding" in request.POST:
        values["fixes"] = {request.POST["finding"][:40]: request.POST.get("fix", "")[:60]}
    if "set_aside" in request.POST:
        values["set_aside"] = request.POST["set_aside"] == "1"
    outcome = act(request, "planning.ownplant.correct", actions.correct, import_id=row.pk, **values)
    return _back(request, outcome, pk)


def _mapping(request: PlantRequest, row: PlantImport) -> dict[str, Any]:
    """The mapping as the form says it; where another table was chosen it is recognised anew."""
    mapping: dict[str, Any] = {}
    given = request.POST
    tables = {each["name"]: set(each["headings"]) for each in row.report.get("tables", [])}
    for sheet in SHEETS:
        table = given.get(f"{sheet.name}.table", "")
        if table not in tables:
            continue
        before = row.mapping.get(sheet.name)
        if before is None or before["table"] != table:
            mapping[sheet.name] = {"table": table}
            continue
        columns = {
            column.name: heading
            for column in sheet.columns
            if (heading := given.get(f"{sheet.name}.{column.name}", "")) in tables[table]
        }
        decimal, order = given.get(f"{sheet.name}.decimal"), given.get(f"{sheet.name}.date")
        mapping[sheet.name] = {
            "table": table,
            "head": before["head"],
            "columns": columns,
            "decimal": decimal if decimal in dict(DECIMALS) else before["decimal"],
            "date": order if order in dict(DATES) else before["date"],
            "times": {
                column.name: unit
                for column in sheet.columns
                if column.kind is Kind.TIME
                and (unit := given.get(f"{sheet.name}.time.{column.name}", "min")) in dict(TIMES)
            },
        }
    return mapping


def _back(request: PlantRequest, outcome: Outcome, pk: int) -> HttpResponse:
    here = reverse("planning:own_plant_import", args=[pk])
    if not outcome.ok:
        return refusal_page(request, outcome, retry_url=here)
    return redirect(here)


@access("plant.import")
@require_POST
def store(request: PlantRequest, pk: int) -> HttpResponse:
    """Import it: whole, or not at all; the work is done outside the request."""
    outcome = act(
        request,
        "planning.ownplant.ask",
        actions.store,
        import_id=pk,
        arranged=request.POST.get("arranged", "date"),
    )
    return _back(request, outcome, pk)


@access("plant.import")
@require_POST
def take_over(request: PlantRequest, pk: int) -> HttpResponse:
    """Bring the plant up to this file; the work is done outside the request."""
    outcome = act(
        request,
        "planning.ownplant.take_over",
        actions.take_over,
        import_id=pk,
        closed=[each[:200] for each in request.POST.getlist("close")],
    )
    return _back(request, outcome, pk)


@access("plant.import")
@require_POST
def remove(request: PlantRequest, pk: int) -> HttpResponse:
    """Take the plant away again, as long as the floor has not reported."""
    key = key_of(request)
    if key is None:
        return _too_old(request)
    site, outcome = actions.remove(actor=request.actor, site=request.site, key=key, import_id=pk)
    if not outcome.ok:
        here = reverse("planning:own_plant_plan", args=[pk])
        return refusal_page(request, outcome, retry_url=here)
    request.session["site"] = site.code
    return redirect("planning:own_plant")


# -- the first plan --------------------------------------------------------------------------------


@access("plant.import")
@require_GET
def own_plant_plan(request: PlantRequest, pk: int) -> HttpResponse:
    """Who is late in the first plan, ten orders to be judged, and a machine to break."""
    row = _find(request, pk)
    if row.state != "STORED" or _followed(row):
        return redirect("planning:own_plant_import", pk)
    plan = SitePlan.objects.get(site=request.site)
    head = SiteHead.objects.get(site=request.site)
    version = PlanVersion.objects.current(request.site)
    orders = _orders(request.site, version)
    late = sorted(
        (each for each in orders if each["late_s"] is None or each["late_s"] > 0),
        key=lambda each: -(each["late_s"] if each["late_s"] is not None else 10**9),
    )
    context = {
        "row": row,
        "here": request.get_full_path(),
        "planned": version is not None and plan.computed_seq >= (row.stored_seq or 0),
        "behind": head.seq - plan.computed_seq,
        "committed": plan.committed_version > 0,
        "failure": plan.failure,
        "late": late[:LATE_SHOWN],
        "late_count": len(late),
        "orders": len(orders),
        "ten": _ten(orders, late, row.review),
        "judged": sum(1 for each in row.review.values() if each["right"]),
        "arranged": [
            ("date", _("By due date")),
            ("slack", _("By slack")),
            ("family", _("Families together")),
        ],
        "machines": Equipment.objects.filter(site=request.site, level="WORK_UNIT").count(),
        "break_off": "" if may(request.actor, "event.report") else refusal("event.report"),
    }
    return render_page(request, "planning/own_plant_plan.html", context, parts=("first-plan",))


def _orders(site: Site, version: PlanVersion | None) -> list[dict[str, Any]]:
    """Every open order with when it will be done and how late that is."""
    ends: dict[int, datetime] = {}
    times = version.job_times() if version else {}
    jobs = JobOrder.objects.filter(site=site).exclude(status__in=("COMPLETED", "ABORTED", "CLOSED"))
    undated: set[int] = set()
    for pk, order_id in jobs.values_list("pk", "work_order_id"):
        end = times.get(pk, (None, None))[1]
        if end is None:
            undated.add(order_id)
        else:
            ends[order_id] = max(end, ends.get(order_id, end))
    rows = (
        WorkOrder.objects.filter(site=site, status__in=("WAITING", "RELEASED"))
        .select_related("item", "customer_line__order__customer")
        .order_by("due_at", "code")
    )
    found = []
    for order in rows:
        end = None if order.pk in undated else ends.get(order.pk, order.due_at)
        found.append(
            {
                "code": order.code,
                "url": reverse("workorders:detail", args=[order.code]),
                "item": order.item.code,
                "customer": order.customer_line.order.customer.name if order.customer_line else "",
                "due": order.due_at,
                "end": end,
                "late_s": None if end is None else int((end - order.due_at).total_seconds()),
            }
        )
    return found


def _ten(
    orders: list[dict[str, Any]], late: list[dict[str, Any]], review: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Ten orders that the planner knows best: the latest five, and the next that are due."""
    chosen = {each["code"]: each for each in late[: TEN // 2]}
    for each in orders:
        if len(chosen) >= TEN:
            break
        chosen.setdefault(each["code"], each)
    return [each | {"said": review.get(each["code"])} for each in chosen.values()]


@access("plant.import")
@require_POST
def arrange(request: PlantRequest, pk: int) -> HttpResponse:
    """Put the queues in another order."""
    outcome = act(
        request, "planning.ownplant.arrange", actions.arrange_by, by=request.POST.get("by", "")
    )
    return _back_to_plan(request, outcome, pk)


@access("plant.import")
@require_POST
def commit(request: PlantRequest, pk: int) -> HttpResponse:
    """Make it the plan that everything is measured against."""
    outcome = act(request, "planning.ownplant.commit", commit_plan)
    return _back_to_plan(request, outcome, pk)


@access("plant.import")
@require_POST
def judge(request: PlantRequest, pk: int) -> HttpResponse:
    """Is this your Monday? An order is right, or wrong and why."""
    outcome = act(
        request,
        "planning.ownplant.review",
        actions.review,
        import_id=pk,
        order=request.POST.get("order", "")[:40],
        right=request.POST.get("right") == "1",
        why=request.POST.get("why", ""),
    )
    return _back_to_plan(request, outcome, pk)


@access("plant.import")
@require_POST
def break_worst(request: PlantRequest, pk: int) -> HttpResponse:
    """Stop the machine with the most work, to see what the tower says."""
    if not may(request.actor, "event.report"):
        return _refused(request, refusal("event.report"))
    outcome = act(request, "planning.ownplant.break", actions.break_worst)
    if not outcome.ok:
        return _back_to_plan(request, outcome, pk)
    return redirect("planning:tower")


def _back_to_plan(request: PlantRequest, outcome: Outcome, pk: int) -> HttpResponse:
    here = reverse("planning:own_plant_plan", args=[pk])
    if not outcome.ok:
        return refusal_page(request, outcome, retry_url=here)
    return redirect(here)
