"""A line as its supervisor sees it, and as the wall shows it: only what is abnormal is large."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Prefetch, Q, Sum
from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET

from equipment import rules as equipment_rules
from equipment.actions import working_spans
from equipment.models import Downtime, Equipment, ShiftPattern
from mes.access import NEEDS, PlantRequest, access, may
from mes.clock import plant_now
from mes.htmx import render_page
from mes.models import Site
from planning import actions, rules, words
from planning.models import Disruption, Instants, PlanVersion
from planning.views.calls import MINUTES, call_rows, coming, standing_calls
from planning.views.floor import STATE_WORDS
from planning.views.tasks import open_tasks
from quality.models import Hold
from workorders.models import AndonCall, JobOrder, JobResponse

HOUR = timedelta(hours=1)
BEHIND = HOUR
WALL_ROWS = 5
PLANT = "-"  # the line that is the whole plant
STATES = {
    "down": gettext_lazy("Down"),
    "held": gettext_lazy("On hold"),
    "late": gettext_lazy("Behind"),
    "call": gettext_lazy("Calls"),
    "run": gettext_lazy("Running"),
    "idle": gettext_lazy("Idle"),
}
LEVELS = {"down": 1, "held": 2, "call": 2, "late": 3}


@access("plan.read")
@require_GET
def lines(request: PlantRequest) -> HttpResponse:
    """The whole plant as one line."""
    return _page(request, None)


@access("plan.read")
@require_GET
def line(request: PlantRequest, code: str) -> HttpResponse:
    """One area: its machines, its shift against the plan, its calls and holds."""
    return _page(request, _area(request, code))


def _area(request: PlantRequest, code: str) -> Equipment | None:
    if code == PLANT:
        return None
    found = Equipment.objects.filter(site=request.site, code=code).exclude(level="WORK_UNIT")
    area = found.first()
    if area is None:
        raise Http404
    return area


def _page(request: PlantRequest, area: Equipment | None) -> HttpResponse:
    wall = request.GET.get("wall") == "1"
    template = "planning/wall.html" if wall else "planning/line.html"
    return render_page(request, template, _context(request, area, wall), parts=("line",))


def _context(request: PlantRequest, area: Equipment | None, wall: bool) -> dict[str, Any]:
    site, now = request.site, plant_now(request.site)
    units = _units(site, area)
    ids = [unit.pk for unit in units]
    version = PlanVersion.objects.current(site)
    committed = _committed(site)
    calls = [each for each in standing_calls(site) if each.unit_id in set(ids)]
    rows = _rows(units, calls, version, committed, now)
    abnormal = [row for row in rows if row["level"]]
    holds = _holds(site, ids)
    code = area.code if area else PLANT
    page_url = reverse("planning:line", args=[area.code]) if area else reverse("planning:lines")
    return {
        "line": {"code": code, "name": area.name if area else site.name, "url": page_url},
        "tabs": _tabs(site, area),
        "here": page_url + ("?wall=1" if wall else ""),
        "wall_url": page_url + "?wall=1",
        "shift": _shift(site, units, now),
        "abnormal": abnormal[:WALL_ROWS] if wall else abnormal,
        "more": max(0, len(abnormal) - WALL_ROWS) if wall else 0,
        "normal": [row for row in rows if not row["level"]],
        "calls": call_rows(request, calls, now),
        "longest_s": max(
            (int((now - each.called_at).total_seconds()) for each in calls), default=0
        ),
        "open_calls": sum(each.state == AndonCall.State.OPEN for each in calls),
        "holds": holds,
        "minutes": MINUTES,
        "tasks": open_tasks(site, request.actor).count(),
        "disruptions": [
            {
                "title": words.title(each),
                "url": reverse("planning:disruption", args=[each.pk]),
                "level": each.priority,
            }
            for each in _disruptions(site, ids)
        ],
        "left": actions.left_for(site, request.actor),
        "move_url": f"{reverse('planning:new_event')}?kind=queue&area={area.code if area else ''}",
        "move_off": "" if may(request.actor, "job.move") else str(NEEDS["job.move"]),
    }


def _units(site: Site, area: Equipment | None) -> list[Any]:
    units = Equipment.objects.filter(site=site, level=Equipment.Level.WORK_UNIT)
    if area is not None:
        units = units.filter(Q(parent=area) | Q(parent__parent=area))
    return list(
        units.select_related("calendar")
        .prefetch_related(
            Prefetch(
                "downtimes",
                Downtime.objects.filter(ended_at=None).select_related("reason"),
                to_attr="open_stops",
            ),
            Prefetch(
                "job_orders",
                JobOrder.objects.filter(status__in=("RUNNING", "HELD")).select_related(
                    "work_order__item"
                ),
                to_attr="jobs_now",
            ),
        )
        .order_by("order", "code")
    )


def _tabs(site: Site, area: Equipment | None) -> list[dict[str, Any]]:
    parents = Equipment.objects.filter(
        site=site, pk__in=Equipment.objects.filter(level="WORK_UNIT").values("parent")
    ).order_by("order", "code")
    tabs = [{"name": _("Plant"), "url": reverse("planning:lines"), "current": area is None}]
    tabs += [
        {
            "name": each.name,
            "url": reverse("planning:line", args=[each.code]),
            "current": area is not None and each.pk == area.pk,
        }
        for each in parents
    ]
    return tabs


def _committed(site: Site) -> PlanVersion | None:
    found = PlanVersion.objects.filter(site=site, committed=True)
    return found.order_by("-version").first()


def _rows(
    units: Sequence[Any],
    calls: Sequence[AndonCall],
    version: PlanVersion | None,
    committed: PlanVersion | None,
    now: datetime,
) -> list[dict[str, Any]]:
    """A row for each machine, the worst first; `level` is none where all is as it should be."""
    projected = version.job_times() if version else {}
    planned = committed.job_times() if committed else {}
    called: dict[int, list[AndonCall]] = {}
    for each in calls:
        called.setdefault(each.unit_id, []).append(each)
    rows = [_row(unit, called.get(unit.pk, []), projected, planned, now) for unit in units]
    return sorted(rows, key=lambda row: row["level"] or 9)


def _row(
    unit: Any,
    calls: Sequence[AndonCall],
    projected: Mapping[int, Instants],
    planned: Mapping[int, Instants],
    now: datetime,
) -> dict[str, Any]:
    stop = next(iter(unit.open_stops), None)
    running = next((job for job in unit.jobs_now if job.status == "RUNNING"), None)
    held = next((job for job in unit.jobs_now if job.status == "HELD"), None)
    late = _behind(running, projected, planned, now)
    if stop is not None:
        state = "down"
    elif any(each.kind == "SAFETY" for each in calls):
        state = "call"
    elif held is not None and running is None:
        state = "held"
    elif late >= BEHIND:
        state = "late"
    elif calls:
        state = "call"
    else:
        state = "run" if running else "idle"
    level = 1 if any(each.kind == "SAFETY" for each in calls) else LEVELS.get(state)
    job = running or held
    reason = stop.reason.name if stop is not None and stop.reason else ""
    return {
        "code": unit.code,
        "name": unit.name,
        "url": reverse("workorders:station", args=[unit.code]),
        "state": state,
        "label": str(STATES[state]),
        "level": level,
        "since_s": int((now - stop.started_at).total_seconds()) if stop is not None else None,
        "back": stop.back_at if stop is not None else None,
        "why": ", ".join(part for part in (reason, stop.note) if part) if stop is not None else "",
        "late_s": int(late.total_seconds()) if state == "late" else None,
        "job": job.work_order.code if job else "",
        "item": job.work_order.item.name if job else "",
        "job_label": str(STATE_WORDS[job.status]) if job else "",
        "good": job.good if job else None,
        "quantity": job.quantity if job else None,
        "calls": [call_words(each, now) for each in calls],
    }


def _behind(
    job: JobOrder | None,
    projected: Mapping[int, Instants],
    planned: Mapping[int, Instants],
    now: datetime,
) -> timedelta:
    """How much later the running job ends than the committed plan has it."""
    if job is None:
        return timedelta()
    _start, end = projected.get(job.pk, (None, None))
    _start, plan = planned.get(job.pk, (None, None))
    if plan is None:
        return timedelta()
    return (end or now) - plan


def call_words(call: AndonCall, now: datetime) -> dict[str, Any]:
    return {"kind": call.get_kind_display(), "coming": coming(call, now)}


def _shift(site: Site, units: Sequence[Any], now: datetime) -> dict[str, Any] | None:
    """Pieces of this shift, those that its plan has by now and in all; None between shifts.

    Its plan is the committed version that was in force when it began; where the first one was
    made later, what had been made by then counts as planned.
    """
    patterns = ShiftPattern.objects.filter(
        site=site, calendar__in={unit.calendar_id for unit in units}
    )
    found = equipment_rules.shift_at(
        (
            (each.name, equipment_rules.Shift(each.weekday, each.starts, each.ends))
            for each in patterns
        ),
        site.time_zone,
        now,
    )
    if found is None:
        return None
    name, (starts_at, ends_at) = found
    responses = JobResponse.objects.filter(
        site=site, unit__in=[unit.pk for unit in units], at__gte=starts_at, at__lte=now
    )
    made = list(responses.values_list("at", "good"))
    plan = _plan_at(site, starts_at)
    by_now = in_all = None
    if plan is not None:
        before = sum((good for at, good in made if at < plan.as_of), Decimal(0))
        since = max(starts_at, plan.as_of)
        by_now = in_all = before
        for unit, work in _planned_work(site, plan, units, since, ends_at).items():
            first, last = min(job.start for job in work), max(job.end for job in work)
            spans = working_spans(site, unit, first, last)

            def seconds(start: datetime, end: datetime, spans: Any = spans) -> int:
                return equipment_rules.working_seconds(spans, start, end)

            by_now += rules.planned_pieces(work, seconds, since, now)
            in_all += rules.planned_pieces(work, seconds, since, ends_at)
    hours = int((now - starts_at) / HOUR) + 1
    by_hour = [Decimal(0)] * hours
    for at, good in made:
        by_hour[int((at - starts_at) / HOUR)] += good
    return {
        "name": name,
        "starts": starts_at,
        "ends": ends_at,
        "made": sum((good for _at, good in made), Decimal(0)),
        "by_now": by_now,
        "in_all": in_all,
        "by_hour": by_hour,
    }


def _plan_at(site: Site, at: datetime) -> PlanVersion | None:
    committed = PlanVersion.objects.filter(site=site, committed=True, times__isnull=False)
    return (
        committed.filter(as_of__lte=at).order_by("-version").first()
        or committed.order_by("version").first()
    )


def _planned_work(
    site: Site, plan: PlanVersion, units: Sequence[Any], since: datetime, until: datetime
) -> dict[Equipment, list[rules.PlannedWork]]:
    """What the plan has each unit do in between, with what was left of it when it was made."""
    times = {
        job: (start, end)
        for job, (start, end) in plan.job_times().items()
        if start is not None and end is not None and start < until and end > since
    }
    by_id = {unit.pk: unit for unit in units}
    jobs = JobOrder.objects.filter(site=site, unit__in=by_id, pk__in=times)
    done = {
        job: (good or 0) + (scrap or 0) + (rework or 0)
        for job, good, scrap, rework in JobResponse.objects.filter(
            job_order__in=jobs, at__lt=plan.as_of
        )
        .values_list("job_order")
        .annotate(Sum("good"), Sum("scrap"), Sum("rework"))
    }
    found: dict[Equipment, list[rules.PlannedWork]] = {}
    for job in jobs:
        left = max(job.quantity - done.get(job.pk, 0), Decimal(0))
        work = rules.PlannedWork(*times[job.pk], left)
        found.setdefault(by_id[job.unit_id], []).append(work)
    return found


def _holds(site: Site, unit_ids: Sequence[int]) -> list[dict[str, Any]]:
    """What quality holds of the work that stands in the queues of these units."""
    queued = JobOrder.objects.filter(site=site, unit__in=unit_ids).exclude(
        status__in=("COMPLETED", "ABORTED", "CLOSED")
    )
    rows = (
        Hold.objects.filter(site=site, released_at=None)
        .filter(
            Q(job_order__in=queued)
            | Q(lot__in=queued.filter(work_order__lot__isnull=False).values("work_order__lot"))
        )
        .select_related("lot", "job_order__work_order", "reason")
        .order_by("placed_at")
    )
    return [
        {
            "what": each.lot.code
            if each.lot
            else words.operation(each.job_order.work_order.code, each.job_order.number)
            if each.job_order
            else "",
            "why": each.reason.name if each.reason else each.note,
            "since": each.placed_at,
        }
        for each in rows
    ]


def _disruptions(site: Site, unit_ids: Sequence[int]) -> list[Disruption]:
    """What stands open about these units and the work in front of them."""
    queued = JobOrder.objects.filter(site=site, unit__in=unit_ids).values("pk")
    return list(
        Disruption.objects.standing(site.pk)
        .filter(state__in=("NEW", "OPEN"))
        .filter(
            Q(subject_type="unit", subject_id__in=unit_ids)
            | Q(subject_type="job_order", subject_id__in=queued)
        )
        .order_by("priority", "-at_stake", "number")[:8]
    )
