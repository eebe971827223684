"""The floor terminal: what a station runs now and next, and the acts at it.

The pages show where the plan leads ("done about 11:32"), so they stand on this storey; what
they do is done by the actions of work orders and equipment.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from django.db.models import Prefetch, Sum
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from equipment.actions import report_breakdown, report_repair
from equipment.models import CalendarException, Downtime, Equipment, Reason, Slowdown
from materials.models import StockBalance
from mes.access import NEEDS, PlantRequest, access, may
from mes.acting import act, number
from mes.clock import plant_now
from mes.commands import Outcome
from mes.htmx import refusal_page, render_page
from mes.models import Site
from mes.templatetags.downstream import qty
from planning.actions import call
from planning.models import Instants, PlanVersion
from planning.views.calls import coming
from planning.views.hindered import LostTool, slow, tools_of
from planning.views.tentative import Marks, marks
from workorders.actions import (
    cancel_call,
    correct_report,
    finish,
    refuse_job,
    report_production,
    resume,
    start,
    stop,
)
from workorders.models import AndonCall, CallKind, JobMaterial, JobOrder, JobResponse, UnitQueue

MOVED_FOR = timedelta(hours=8)
SHOWN = 30  # jobs of a queue
DURATIONS = (
    ("10", gettext_lazy("10 min")),
    ("30", gettext_lazy("30 min")),
    ("60", gettext_lazy("1 h")),
    ("480", gettext_lazy("a shift")),
    ("", gettext_lazy("not known")),
)
CALL_ICONS = {
    CallKind.MAINTENANCE: "wrench",
    CallKind.QUALITY: "shield-alert",
    CallKind.MATERIAL: "package",
    CallKind.SUPERVISOR: "user",
    CallKind.SAFETY: "octagon-alert",
}
STATE_WORDS = {
    "RUNNING": gettext_lazy("Running"),
    "SUSPENDED": gettext_lazy("Stopped"),
    "HELD": gettext_lazy("On hold"),
    "COMPLETED": gettext_lazy("Done"),
    "CLOSED": gettext_lazy("Done"),
    "WAITING": gettext_lazy("Waiting"),
    "READY": gettext_lazy("Ready"),
}


def _unit(request: PlantRequest, code: str) -> Equipment:
    found = (
        Equipment.objects.filter(site=request.site, code=code, level="WORK_UNIT")
        .select_related("parent")
        .first()
    )
    if found is None:
        raise Http404
    return found


def _station(unit: Equipment) -> dict[str, Any]:
    area = unit.parent.name if unit.parent else ""
    return {"code": unit.code, "name": unit.name, "area": area}


def _job(request: PlantRequest, unit: Equipment, pk: int) -> JobOrder:
    found = (
        JobOrder.objects.filter(site=request.site, unit=unit, pk=pk)
        .select_related(
            "work_order__item", "work_order__lot", "work_order__customer_line__order__customer"
        )
        .first()
    )
    if found is None:
        raise Http404
    return found


@access("station.read")
@require_GET
def stations(request: PlantRequest) -> HttpResponse:
    """Every station of the plant, by area."""
    down = set(
        Downtime.objects.filter(site=request.site, ended_at=None).values_list("unit_id", flat=True)
    )
    slows = dict(
        Slowdown.objects.filter(site=request.site, ended_at=None).values_list("unit_id", "percent")
    )
    running = {
        job.unit_id: job.work_order.code
        for job in JobOrder.objects.filter(site=request.site, status="RUNNING").select_related(
            "work_order"
        )
    }
    areas: dict[str, list[dict[str, Any]]] = {}
    units = Equipment.objects.filter(site=request.site, level="WORK_UNIT").select_related("parent")
    for unit in units.order_by("order", "code"):
        state = _("Down") if unit.pk in down else _("Running") if unit.pk in running else _("Idle")
        if unit.pk in slows and unit.pk not in down:
            state = _("%(state)s, at %(percent)s %%") % {"state": state, "percent": slows[unit.pk]}
        areas.setdefault(unit.parent.name if unit.parent else "", []).append(
            {
                "code": unit.code,
                "name": unit.name,
                "url": reverse("workorders:station", args=[unit.code]),
                "state_label": state,
                "down": unit.pk in down,
                "job": running.get(unit.pk, ""),
            }
        )
    context = {
        "areas": [{"name": name, "units": rows} for name, rows in areas.items()],
        "station": {"code": _("Stations")},
    }
    return render_page(request, "floor/stations.html", context)


@access("station.read")
@require_GET
def station(request: PlantRequest, unit_code: str) -> HttpResponse:
    """What runs here now and what is next."""
    unit = _unit(request, unit_code)
    return render_page(request, "floor/queue.html", _queue(request, unit), parts=("queue", "calls"))


@access("event.report")
@require_POST
def station_down(request: PlantRequest, unit_code: str) -> HttpResponse:
    """The machine is down: why, and how long about if somebody knows."""
    unit = _unit(request, unit_code)
    minutes = number(request.POST.get("minutes", ""))
    now = plant_now(request.site)
    outcome = act(
        request,
        "equipment.breakdown",
        report_breakdown,
        unit_id=unit.pk,
        reason_id=number(request.POST.get("reason", "")),
        back_at=now + timedelta(minutes=min(minutes, 60 * 24 * 90)) if minutes else None,
        said_by=request.actor.name,
    )
    return _station_answer(request, unit, outcome)


@access("event.report")
@require_POST
def station_repair(request: PlantRequest, unit_code: str) -> HttpResponse:
    """The machine can work again."""
    unit = _unit(request, unit_code)
    outcome = act(request, "equipment.repair", report_repair, unit_id=unit.pk)
    return _station_answer(request, unit, outcome)


@access("call.raise")
@require_POST
def station_call(request: PlantRequest, unit_code: str) -> HttpResponse:
    """Call somebody here; the job that runs goes with the call."""
    unit = _unit(request, unit_code)
    job_id = number(request.POST.get("job", ""))
    outcome = act(
        request,
        "call.raise",
        call,
        unit_id=unit.pk,
        kind=request.POST.get("kind", ""),
        stopped=request.POST.get("stopped") != "no",
        note=request.POST.get("note", ""),
        job_order_id=job_id,
    )
    return _call_answer(request, unit, outcome, job_id)


@access("call.raise")
@require_POST
def station_cancel_call(request: PlantRequest, unit_code: str, pk: int) -> HttpResponse:
    """Help is not needed after all."""
    unit = _unit(request, unit_code)
    own = AndonCall.objects.filter(site=request.site, unit=unit, pk=pk)
    if not own.exists():
        raise Http404
    outcome = act(request, "call.cancel", cancel_call, call_id=pk)
    return _call_answer(request, unit, outcome, number(request.POST.get("job", "")))


def _call_answer(
    request: PlantRequest, unit: Equipment, outcome: Outcome, job_id: int | None
) -> HttpResponse:
    """Back to where it was called from: the job's page or the station's."""
    if job_id is None:
        return _station_answer(request, unit, outcome)
    here = reverse("workorders:job", args=[unit.code, job_id])
    if not outcome.ok:
        return refusal_page(request, outcome, retry_url=here)
    return redirect(here)


def _calls(request: PlantRequest, unit: Equipment, job_id: int | None = None) -> dict[str, Any]:
    """The station's standing calls and the sheet that makes one."""
    can_call = may(request.actor, "call.raise")
    standing = (
        AndonCall.objects.filter(site=request.site, unit=unit, ended_at=None)
        .select_related("taken_by")
        .order_by("called_at", "pk")
    )
    now = plant_now(request.site)
    return {
        "calls": {
            "here": request.path,
            "job": job_id,
            "rows": [
                {
                    "pk": each.pk,
                    "kind": each.get_kind_display(),
                    "coming": coming(each, now),
                    "answered": each.state != AndonCall.State.OPEN,
                    "at": each.called_at,
                    "cancel_url": reverse(
                        "workorders:station_cancel_call", args=[unit.code, each.pk]
                    )
                    if can_call and each.state != AndonCall.State.ARRIVED
                    else "",
                }
                for each in standing
            ],
        },
        "call": {
            "url": reverse("workorders:station_call", args=[unit.code]),
            "kinds": [(kind.value, kind.label, CALL_ICONS[kind]) for kind in CallKind],
            "job": job_id,
        }
        if can_call
        else None,
    }


def _station_answer(request: PlantRequest, unit: Equipment, outcome: Outcome) -> HttpResponse:
    here = reverse("workorders:station", args=[unit.code])
    if not outcome.ok:
        return refusal_page(request, outcome, retry_url=here)
    return redirect(here)


def _queue(request: PlantRequest, unit: Equipment) -> dict[str, Any]:
    site, now = request.site, plant_now(request.site)
    version = PlanVersion.objects.current(site)
    times = version.job_times() if version else {}
    queue = UnitQueue.objects.filter(unit=unit).first()
    order = {job: place for place, job in enumerate(queue.job_order_ids if queue else [])}
    jobs = list(
        JobOrder.objects.filter(site=site, pk__in=order)
        .select_related("unit", "work_order__item", "work_order__customer_line__order__customer")
        .prefetch_related(
            Prefetch("materials", JobMaterial.objects.select_related("item")),
            "predecessors__predecessor",
        )
    )
    jobs.sort(key=lambda job: order[job.pk])
    running = [job for job in jobs if job.status == "RUNNING"]
    waiting = [job for job in jobs if job.status != "RUNNING"]
    stopped = Downtime.objects.filter(unit=unit, ended_at=None).select_related("reason").first()
    stock = _stock(site, waiting)
    can_work = may(request.actor, "station.work")
    waits = marks(site)
    tools = _tools(unit, jobs)
    return {
        **_calls(request, unit),
        "station": _station(unit),
        "slow": slow(unit),
        "overtime": _overtime(unit, waits, now),
        "state": {
            "down": stopped is not None,
            "label": _("%(unit)s is down") % {"unit": unit.code},
            "since": stopped.started_at if stopped else None,
            "back": stopped.back_at if stopped else None,
            "note": _stop_words(stopped),
        },
        "now": _now_row(unit, running[0], times) | {"lost": _lost(tools.get(running[0].pk, ()))}
        if running
        else None,
        "rows": [
            _queue_row(job, times, stock, now, can_work, bool(stopped), bool(running))
            | {"tentative": waits.jobs.get(job.pk, ""), "lost": _lost(tools.get(job.pk, ()))}
            for job in waiting[:SHOWN]
        ],
        "more": max(len(waiting) - SHOWN, 0),
        "reorder_reasons": (),
        "not_possible_reasons": JobOrder.WhyNot.choices,
        "down": _down_sheet(request, unit) if not stopped else None,
        "repair": {"url": reverse("workorders:station_repair", args=[unit.code])}
        if stopped and may(request.actor, "event.report")
        else None,
    }


def _tools(unit: Equipment, jobs: Sequence[JobOrder]) -> dict[int, list[LostTool | None]]:
    """The tools of jobs; somebody outside has his own."""
    if unit.kind == Equipment.Kind.EXTERNAL:
        return {}
    return tools_of(unit.site, (job.pk for job in jobs))


def _lost(tools: Sequence[LostTool | None]) -> list[LostTool]:
    return [tool for tool in tools if tool is not None]


def _stop_words(stopped: Downtime | None) -> str:
    if stopped is None:
        return ""
    return ", ".join(
        part for part in (stopped.reason.name if stopped.reason else "", stopped.note) if part
    )


def _stock(site: Site, jobs: Sequence[JobOrder]) -> dict[int, Decimal]:
    """Released stock of every item that these jobs take."""
    items = {each.item_id for job in jobs for each in job.materials.all()}
    rows = (
        StockBalance.objects.filter(site=site, lot__item_id__in=items, lot__status="RELEASED")
        .values_list("lot__item_id")
        .annotate(there=Sum("quantity"))
    )
    return {item: there or Decimal(0) for item, there in rows}


def _now_row(unit: Equipment, job: JobOrder, times: dict[int, Instants]) -> dict[str, Any]:
    return {
        "pk": job.pk,
        "url": reverse("workorders:job", args=[unit.code, job.pk]),
        "number": job.work_order.code,
        "operation": job.number,
        "item_name": job.work_order.item.name,
        "good": job.good,
        "quantity": job.quantity,
        "done_about": times.get(job.pk, (None, None))[1],
        "state_label": STATE_WORDS[job.status],
    }


def _queue_row(
    job: JobOrder,
    times: dict[int, Instants],
    stock: dict[int, Decimal],
    now: datetime,
    can_work: bool,
    is_down: bool,
    is_busy: bool,
) -> dict[str, Any]:
    left = job.quantity - job.good - job.scrap - job.rework
    missing = [
        each.item.code
        for each in job.materials.all()
        if each.item.tracked
        and stock.get(each.item_id, Decimal(0)) < min(each.required - each.issued, left)
        and each.required > each.issued
    ]
    before = [
        link.predecessor
        for link in job.predecessors.all()
        if link.predecessor.status not in ("COMPLETED", "CLOSED") and link.kind == "FS"
    ]
    first_pieces = [
        link.predecessor
        for link in job.predecessors.all()
        if link.kind == "OVERLAP" and not link.predecessor.good
    ]
    readiness = [
        {"ok": not missing, "label": _("material"), "note": ", ".join(missing)},
        {
            "ok": not before and not first_pieces,
            "label": _("step before"),
            "note": ", ".join(f"op {each.number}" for each in (*before, *first_pieces)),
        },
    ]
    if job.status == "HELD":
        readiness.append({"ok": False, "label": _("quality"), "note": _("on hold")})
    off = ""
    if not can_work:
        off = str(NEEDS["station.work"])
    elif is_down:
        off = _("The machine is down.")
    elif job.status == "HELD":
        off = _("On hold. Ask quality to release it.")
    elif before or first_pieces:
        step = (before or first_pieces)[0]
        off = _("Waits for op %(number)s.") % {"number": step.number}
    elif is_busy:
        off = _("Finish or stop the running job first.")
    line = job.work_order.customer_line
    news = moved(job, now)
    return {
        "pk": job.pk,
        "number": job.work_order.code,
        "operation": job.number,
        "op_name": job.title,
        "item": job.work_order.item.code,
        "item_name": job.work_order.item.name,
        "quantity": left,
        "run_s": int(left * job.run_s) + job.fixed_s + job.setup_s,
        "url": "",
        "ready": all(each["ok"] for each in readiness),
        "readiness": readiness,
        "moved": news | _refusal(job, can_work) if news else None,
        "promise": _("for %(customer)s") % {"customer": line.order.customer.name} if line else "",
        "off": off,
        "ask_reason": "",
        "starts": times.get(job.pk, (None, None))[0],
    }


def moved(job: JobOrder, now: datetime) -> dict[str, Any] | None:
    """ "Moved here", why and by whom, while it is news."""
    if job.moved_at is None or job.moved_at < now - MOVED_FOR or not job.moved_reason:
        return None
    return {
        "label": _("Moved here"),
        "why": job.moved_reason,
        "who": job.moved_by,
        "at": job.moved_at,
    }


def _overtime(unit: Equipment, waits: Marks, now: datetime) -> dict[str, Any] | None:
    """The next overtime of a station that nobody has confirmed yet."""
    if unit.pk not in waits.units:
        return None
    window = (
        CalendarException.objects.filter(
            unit=unit, kind=CalendarException.Kind.OPEN, removed_seq=None, ends_at__gt=now
        )
        .order_by("starts_at")
        .first()
    )
    if window is None:
        return None
    return {"starts": window.starts_at, "ends": window.ends_at, "why": waits.units[unit.pk]}


def _refusal(job: JobOrder, can_work: bool) -> dict[str, Any]:
    """Where the floor says that a move is not possible, or that it was said already."""
    if job.refused_unit_id == job.unit_id:
        return {
            "no_url": "",
            "no": _("Not possible: %(why)s. The planner knows.")
            % {"why": job.get_refused_why_display()},
        }
    may_say = can_work and job.started_at is None
    url = reverse("workorders:job_act", args=[job.unit.code, job.pk, "not-possible"])
    return {"no_url": url if may_say else "", "no": ""}


def _down_sheet(request: PlantRequest, unit: Equipment) -> dict[str, Any] | None:
    if not may(request.actor, "event.report"):
        return None
    return {
        "url": reverse("workorders:station_down", args=[unit.code]),
        "reasons": _reasons(request.site, "STOP", only_technical=True),
        "durations": DURATIONS,
    }


def _reasons(site: Site, kind: str, *, only_technical: bool = False) -> list[dict[str, Any]]:
    found = Reason.objects.filter(site=site, applies_to=kind, reason=None).order_by("name")
    if only_technical:
        found = found.filter(calls_maintenance=True)
    return [
        {"value": reason.pk, "label": reason.name, "note": reason.get_e10_display().lower()}
        for reason in found[:11]
    ]


@access("station.read")
@require_GET
def job(request: PlantRequest, unit_code: str, pk: int) -> HttpResponse:
    """The running job with its keypad."""
    unit = _unit(request, unit_code)
    return _job_page(request, unit, _job(request, unit, pk))


def _job_page(
    request: PlantRequest, unit: Equipment, found: JobOrder, *, part: str = "", status: int = 200
) -> HttpResponse:
    return render_page(
        request,
        "floor/job.html",
        _job_context(request, unit, found),
        parts=("job", "progress", "check", "next", "calls"),
        part=part,
        status=status,
    )


def _job_context(request: PlantRequest, unit: Equipment, found: JobOrder) -> dict[str, Any]:
    site, now = request.site, plant_now(request.site)
    version = PlanVersion.objects.current(site)
    times = version.job_times() if version else {}
    order = found.work_order
    line = order.customer_line
    left = max(found.quantity - found.good - found.scrap - found.rework, Decimal(0))
    running = found.status == "RUNNING"
    since = found.running_since if running else found.last_report_at
    return {
        **_calls(request, unit, found.pk),
        "station": _station(unit),
        "job": {
            "pk": found.pk,
            "number": order.code,
            "operation": found.number,
            "op_name": found.title,
            "item": order.item.code,
            "item_name": order.item.name,
            "revision": order.item.revision,
            "customer": line.order.customer.name if line else "",
            "lot": order.lot.code if order.lot else "",
            "state": {"RUNNING": "RUNNING", "HELD": "HELD", "SUSPENDED": "STOPPED"}.get(
                found.status, "DONE" if found.completed_at else "WAITING"
            ),
            "state_label": STATE_WORDS.get(found.status, found.get_status_display()),
            "elapsed_s": int((now - since).total_seconds()) if since else None,
            "cycle": _cycle(found),
            "drawing_url": "",
            "good": found.good,
            "scrap": found.scrap,
            "rework": found.rework,
            "quantity": found.quantity,
            "done_about": times.get(found.pk, (None, None))[1],
            "plan_now": _plan_now(found, now),
            "plan_end": None,
            "pace": _pace_words(found, now),
        },
        "slow": slow(unit),
        "lost": _lost(_tools(unit, [found]).get(found.pk, ())),
        "last": _last_entry(request, unit, found),
        "check": None,
        "next": _next_job(unit, found, times, now),
        "report": {
            "proposed": min(left, Decimal(25)) if left else Decimal(0),
            "pallet": Decimal(25) if left >= 25 else None,
            "rest": left,
            "scrap_reasons": [(each["value"], each["label"]) for each in _reasons(site, "SCRAP")],
            "rework_steps": [
                (step.pk, f"op {step.number} {step.name}")
                for step in JobOrder.objects.filter(
                    work_order=order, number__lte=found.number
                ).order_by("number")
            ],
            "off": "" if may(request.actor, "station.work") else str(NEEDS["station.work"]),
        },
        "stop": {"reasons": _reasons(site, "STOP"), "durations": DURATIONS},
        "finish": {"open": left, "off": "" if found.started_at else _("It has not started yet.")},
        "down": _down_sheet(request, unit),
        "refusal": None,
    }


def _cycle(found: JobOrder) -> str:
    seconds = int(found.run_s)
    return f"{seconds // 60}:{seconds % 60:02d}"


def _productive_s(found: JobOrder, now: datetime) -> int:
    running = int((now - found.running_since).total_seconds()) if found.running_since else 0
    return found.productive_s + max(running, 0)


def _plan_now(found: JobOrder, now: datetime) -> Decimal | None:
    """Pieces that the planned run time would have made in the productive time so far."""
    if not found.started_at or not found.run_s:
        return None
    made = (_productive_s(found, now) - found.setup_s) / found.run_s
    return min(max(Decimal(int(made)), Decimal(0)), found.quantity)


def _pace_words(found: JobOrder, now: datetime) -> str:
    plan = _plan_now(found, now)
    if plan is None:
        return ""
    behind = plan - found.good - found.scrap
    said = _("Plan for now: %(n)s.") % {"n": qty(plan)}
    if behind <= max(plan / 20, Decimal(5)):
        return f"{said} {_('Within the normal range.')}"
    return f"{said} {_('%(n)s behind plan.') % {'n': qty(behind)}}"


def _last_entry(request: PlantRequest, unit: Equipment, found: JobOrder) -> dict[str, Any] | None:
    entry = (
        JobResponse.objects.filter(job_order=found, corrects=None, corrected_by=None)
        .order_by("-event_seq")
        .first()
    )
    if entry is None:
        return None
    said = [
        f"{qty(amount)} {word}"
        for amount, word in (
            (entry.good, _("good")),
            (entry.scrap, _("scrap")),
            (entry.rework, _("rework")),
        )
        if amount
    ]
    return {
        "words": ", ".join(said),
        "at": entry.at,
        "undo_url": reverse("workorders:job_act", args=[unit.code, found.pk, "undo"]),
        "response_pk": entry.pk,
        "off": "" if may(request.actor, "station.work") else str(NEEDS["station.work"]),
    }


def _next_job(
    unit: Equipment, found: JobOrder, times: dict[int, Instants], now: datetime
) -> dict[str, Any] | None:
    queue = UnitQueue.objects.filter(unit=unit).first()
    ids = [pk for pk in (queue.job_order_ids if queue else []) if pk != found.pk]
    if not ids:
        return None
    after = JobOrder.objects.select_related("work_order__item").get(pk=ids[0])
    return {
        "number": after.work_order.code,
        "item_name": after.work_order.item.name,
        "quantity": after.quantity,
        "moved": moved(after, now),
        "tentative": marks(unit.site).jobs.get(after.pk, ""),
        "start_about": times.get(after.pk, (None, None))[0],
        "count": len(ids),
        "lost": _lost(_tools(unit, [after]).get(after.pk, ())),
    }


def _quantity(request: PlantRequest, name: str) -> Decimal | None:
    """A quantity of the form; None where it is not a number."""
    try:
        value = Decimal(request.POST.get(name) or "0")
    except InvalidOperation:
        return None
    return value if value.is_finite() else None


@access("station.work")
@require_POST
def job_act(request: PlantRequest, unit_code: str, pk: int, name: str) -> HttpResponse:
    """One act at a job: start, report, undo, stop, resume, finish, or say that it can't be."""
    unit = _unit(request, unit_code)
    here = reverse("workorders:job", args=[unit.code, pk])
    if name == "report":
        return _report(request, unit, pk, here)
    if name == "start":
        outcome = act(request, "job.start", start, job_order_id=pk)
    elif name == "not-possible":
        why = request.POST.get("reason", "")
        outcome = act(request, "job.refuse", refuse_job, job_order_id=pk, why=why)
        here = reverse("workorders:station", args=[unit.code])
    elif name == "resume":
        outcome = act(request, "job.resume", resume, job_order_id=pk)
    elif name == "stop":
        outcome = act(
            request,
            "job.stop",
            stop,
            job_order_id=pk,
            reason_id=number(request.POST.get("reason", "")),
        )
    elif name == "finish":
        outcome = act(request, "job.finish", finish, job_order_id=pk)
        here = reverse("workorders:station", args=[unit.code])
    elif name == "undo":
        outcome = act(
            request,
            "job.undo",
            correct_report,
            response_id=number(request.POST.get("response", "")) or 0,
        )
    else:
        raise Http404
    if not outcome.ok:
        return refusal_page(request, outcome, retry_url=here)
    if request.htmx and name == "undo":
        return _job_page(request, unit, _job(request, unit, pk), part="progress")
    if request.htmx and name == "start":
        response = HttpResponse(status=204)
        response["HX-Redirect"] = here
        return response
    return redirect(here)


def _report(request: PlantRequest, unit: Equipment, pk: int, here: str) -> HttpResponse:
    """Good, scrap and rework in one act. What physically happened is never refused."""
    quantities = {name: _quantity(request, name) for name in ("good", "scrap", "rework")}
    if None in quantities.values():
        message = _("That is not a number of pieces. Nothing was reported.")
        return refusal_page(request, Outcome(422, {"message": message}), retry_url=here)
    reason = number(request.POST.get("reason", "")) if not quantities["rework"] else None
    outcome = act(
        request,
        "job.report",
        report_production,
        job_order_id=pk,
        reason_id=reason,
        **quantities,
    )
    if not outcome.ok:
        return refusal_page(request, outcome, retry_url=here)
    if not JobOrder.objects.filter(pk=pk, unit=unit).exists():
        return _gone_elsewhere(request, unit)
    if not request.htmx:
        return redirect(here)
    if outcome.status == 202:
        return _kept(request, outcome)
    return _job_page(request, unit, _job(request, unit, pk), part="progress")


def _gone_elsewhere(request: PlantRequest, unit: Equipment) -> HttpResponse:
    """What was reported is stored, though the job was moved to another unit meanwhile."""
    station = reverse("workorders:station", args=[unit.code])
    if not request.htmx:
        return redirect(station)
    response = HttpResponse(status=204)
    response["HX-Redirect"] = station
    return response


def _kept(request: PlantRequest, outcome: Outcome) -> HttpResponse:
    """A fact that cannot be booked is kept: said where the eye is, the page stays as it is."""
    refusal = {"title": _("Kept, not booked yet."), "text": outcome.message, "kept": True}
    response = render(request, "components/refused.html", {"refusal": refusal}, status=202)
    response["HX-Retarget"] = "#result"
    response["HX-Reswap"] = "innerHTML"
    return response
