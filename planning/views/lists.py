"""Lists and their details in plain form: work orders, deliveries, equipment, holds; and search.

They stand on this storey because they show where the plan leads, not only what is stored.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.db.models import Prefetch, Q, QuerySet, Sum
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from equipment.models import Downtime, Equipment, Slowdown
from materials.models import CustomerLine, Lot
from mes.access import NEEDS, PlantRequest, access, may
from mes.acting import act, number
from mes.clock import plant_now
from mes.htmx import refusal_page, render_page
from mes.models import ShopFloorEvent, Site
from planning import words
from planning.models import Disruption, PlanVersion
from planning.ownfields.models import RowOf
from planning.ownfields.values import rows_saying
from planning.served import lines_of
from planning.shadow.record import usual_error_days, usual_errors
from planning.views.capacity import added_shifts, tools_of
from planning.views.ownfields import columns_context, own_labels
from planning.views.sorting import headings, in_order, ordered, sort_of
from planning.views.tentative import marks
from quality.actions import decide_lot, release_hold
from quality.models import Hold
from workorders.models import JobMaterial, JobOrder, UnitQueue, WorkOrder

PAGE = 100
AXIS = timedelta(days=21)
OPEN_ORDERS = ("WAITING", "RELEASED")
ORDER_COLUMNS = {"number": "code", "item": "item__code", "due": "due_at"}
LINE_COLUMNS = {
    "order": "order__code",
    "customer": "order__customer__name",
    "item": "item__code",
    "promised": "promised_at",
}
OPEN_JOBS = ("WAITING", "READY", "RUNNING", "SUSPENDED", "HELD")


def page_of(
    request: PlantRequest, found: QuerySet[Any] | list[Any]
) -> tuple[list[Any], dict[str, Any] | None]:
    """One page of a hundred and the links around it."""
    total = len(found) if isinstance(found, list) else found.count()
    last = max(1, -(-total // PAGE))
    page = min(max(number(request.GET.get("page", "")) or 1, 1), last)
    rows = list(found[(page - 1) * PAGE : page * PAGE])
    return rows, _around(request, page, last)


def _around(request: PlantRequest, number: int, last: int) -> dict[str, Any] | None:
    if last == 1:
        return None

    def link(to: int) -> str:
        return "?" + urlencode({**request.GET.dict(), "page": to})

    return {
        "n": number,
        "of": last,
        "prev_url": link(number - 1) if number > 1 else "",
        "next_url": link(number + 1) if number < last else "",
    }


def tabs(
    request: PlantRequest, tabs: Sequence[tuple[str, str, int | None]]
) -> list[dict[str, Any]]:
    chosen = request.GET.get("view", tabs[0][0])
    return [
        {
            "label": label,
            "url": request.path if key == tabs[0][0] else f"{request.path}?view={key}",
            "current": key == chosen,
            "count": count,
        }
        for key, label, count in tabs
    ]


def _ends(version: PlanVersion | None) -> dict[int, datetime | None]:
    """Job order id -> projected end."""
    return {job: times[1] for job, times in version.job_times().items()} if version else {}


def _late(due: datetime, projected: datetime | None) -> int | None:
    return None if projected is None else int((projected - due).total_seconds())


def _level(late_s: int | None) -> int | None:
    return None if late_s is not None and late_s <= 0 else 2


@access("workorder.read")
@require_GET
def work_orders(request: PlantRequest) -> HttpResponse:
    """What is open, where it is, and whether it will be in time."""
    site, now = request.site, plant_now(request.site)
    version = PlanVersion.objects.current(site)
    ends = _ends(version)
    orders = (
        WorkOrder.objects.filter(site=site, status__in=OPEN_ORDERS)
        .select_related("item")
        .prefetch_related(
            Prefetch("job_orders", JobOrder.objects.select_related("unit").order_by("number"))
        )
        .order_by("due_at", "code")
    )
    said = request.GET.get("q", "").strip()
    if said:
        orders = orders.filter(
            Q(code__icontains=said)
            | Q(item__code__icontains=said)
            | Q(item__name__icontains=said)
            | Q(customer_line__order__customer__name__icontains=said)
            | Q(job_orders__unit__code__iexact=said)
            | rows_saying(site, RowOf.WORK_ORDER, said)
        ).distinct()
    overdue = orders.filter(due_at__lt=now)
    view = request.GET.get("view", "open")
    if view == "overdue":
        orders = overdue
    sort, slips = sort_of(request), {"slip": lambda order: _slip(order, ends)}
    found: Any = ordered(orders, sort, ORDER_COLUMNS, site, RowOf.WORK_ORDER)
    if sort.column in slips:
        found = in_order(list(orders), sort, slips)
    rows, pages = page_of(request, found)
    waits = marks(site).orders
    lines = _lines_by_order(site, rows)
    own, cells = columns_context(request, RowOf.WORK_ORDER, [each.pk for each in rows])
    labels = {"number": _("Number"), "item": _("Item"), "due": _("Due"), "slip": _("Slip")}
    context = {
        **own,
        "heads": headings(request, labels | own_labels(own)),
        "views": tabs(
            request,
            [("open", _("Open"), None), ("overdue", _("Past due"), overdue.count())],
        ),
        "query": said,
        "rows": [
            _order_row(each, ends, lines[each.pk])
            | {"tentative": waits.get(each.pk, "")}
            | cells[each.pk]
            for each in rows
        ],
        "start": now,
        "end": now + AXIS,
        "pages": pages,
    }
    return render_page(request, "workorders/list.html", context)


def _slip(order: WorkOrder, ends: dict[int, datetime | None]) -> int | None:
    return _late(order.due_at, _projected(list(order.job_orders.all()), ends))


def _lines_by_order(site: Site, orders: Iterable[WorkOrder]) -> dict[int, list[CustomerLine]]:
    """The open customer lines that wait for each work order, the one promised first in front."""
    served = lines_of(site, [order.pk for order in orders])
    lines = (
        CustomerLine.objects.filter(shipped_at=None, cancelled_at=None)
        .select_related("order__customer")
        .in_bulk({line for each in served.values() for line in each})
    )
    return {
        order: sorted(
            (lines[line] for line in each if line in lines),
            key=lambda line: (line.promised_at or line.requested_at, line.pk),
        )
        for order, each in served.items()
    }


def _order_row(
    order: WorkOrder, ends: dict[int, datetime | None], lines: Sequence[CustomerLine]
) -> dict[str, Any]:
    jobs = list(order.job_orders.all())
    current = next((job for job in jobs if job.status in OPEN_JOBS), None)
    projected = _projected(jobs, ends)
    late_s = _late(order.due_at, projected)
    line = lines[0] if lines else None
    return {
        "number": order.code,
        "url": reverse("workorders:detail", args=[order.code]),
        "item": order.item.code,
        "item_name": order.item.name,
        "quantity": order.quantity,
        "done": jobs[-1].good if jobs else order.put_away_quantity,
        "customer": line.order.customer.name if line else "",
        "order": line.order.code if line else "",
        "more_lines": max(0, len(lines) - 1),
        "due": order.due_at,
        "projected": projected,
        "late_s": late_s,
        "level": _level(late_s),
        "operation": current.name if current else "",
        "unit": current.unit.code if current else "",
        "waits": _waits(current),
        "state_label": order.get_status_display(),
    }


def _projected(jobs: Sequence[JobOrder], ends: dict[int, datetime | None]) -> datetime | None:
    """When the last of them ends, None if one of the open ones has no date."""
    found: list[datetime] = []
    for job in jobs:
        if job.status in OPEN_JOBS:
            end = ends.get(job.pk)
            if end is None:
                return None
            found.append(end)
        elif job.completed_at:
            found.append(job.completed_at)
    return max(found, default=None)


def _waits(job: JobOrder | None) -> str:
    if job is None:
        return ""
    return {
        "HELD": _("quality: on hold"),
        "SUSPENDED": _("stopped at the machine"),
        "RUNNING": _("running"),
    }.get(job.status, _("its turn"))


@access("workorder.read")
@require_GET
def work_order(request: PlantRequest, code: str) -> HttpResponse:
    """One order: its operations, its materials, what happened."""
    site = request.site
    order = WorkOrder.objects.filter(site=site, code=code).select_related("item").first()
    if order is None:
        raise Http404
    version = PlanVersion.objects.current(site)
    times = version.job_times() if version else {}
    jobs = list(order.job_orders.select_related("unit").order_by("number"))
    projected = _projected(jobs, {job: at[1] for job, at in times.items()})
    late_s = _late(order.due_at, projected)
    lines = _lines_by_order(site, [order])[order.pk]
    materials = JobMaterial.objects.filter(job_order__work_order=order).select_related(
        "item", "job_order"
    )
    holds = Hold.objects.filter(
        Q(job_order__work_order=order) | Q(lot_id=order.lot_id, lot__isnull=False),
        site=site,
        released_at=None,
    ).select_related("lot", "reason", "job_order")
    waits = marks(site)
    context = {
        "order": {
            "tentative": waits.orders.get(order.pk, ""),
            "number": order.code,
            "item": order.item.code,
            "item_name": order.item.name,
            "revision": order.item.revision,
            "quantity": order.quantity,
            "done": jobs[-1].good if jobs else order.put_away_quantity,
            "state_label": order.get_status_display(),
            "due": order.due_at,
            "projected": projected,
            "late_s": late_s,
            "level": _level(late_s),
            "why_late": _why_late(site, version, lines),
            "lines": [
                {
                    "customer": line.order.customer.name,
                    "code": line.order.code,
                    "url": reverse("materials:deliveries") + f"?q={line.order.code}",
                    "quantity": line.quantity,
                    "promised": line.promised_at or line.requested_at,
                }
                for line in lines
            ],
        },
        "steps": [
            _step(job, times.get(job.pk, (None, None))) | {"tentative": waits.jobs.get(job.pk, "")}
            for job in jobs
        ],
        "materials": [
            {
                "item": each.item.code,
                "name": each.item.name,
                "need": each.required,
                "issued": each.issued,
                "lot": "",
                "waits": "",
            }
            for each in materials
        ],
        "holds": [
            {
                "code": str(hold.lot.code if hold.lot else order.code),
                "reason": hold.reason.name if hold.reason else hold.note,
                "since": hold.placed_at,
                "url": reverse("quality:holds"),
            }
            for hold in holds
        ],
        "history": history(site, "work_order", order.pk, [job.pk for job in jobs]),
    }
    return render_page(request, "workorders/detail.html", context)


def _why_late(site: Site, version: PlanVersion | None, lines: Sequence[CustomerLine]) -> str:
    """Of the line that is latest among those that wait for an order: how late, and why."""
    figures = version.figures if version else {}
    standing, whys = figures.get("standing") or {}, figures.get("why") or {}
    late = [(standing[str(line.pk)][0], line) for line in lines if str(line.pk) in standing]
    if not late:
        return ""
    late_s, line = max(late, key=lambda each: (each[0], -each[1].pk))
    why = words.why_late(whys.get(str(line.pk)), plant_now(site), ZoneInfo(site.time_zone))
    if not why:
        return ""
    return _("%(order)s for %(customer)s is %(late)s: %(why)s.") % {
        "order": line.order.code,
        "customer": line.order.customer.name,
        "late": words.late_words(late_s),
        "why": why,
    }


def _step(job: JobOrder, times: tuple[datetime | None, ...]) -> dict[str, Any]:
    start, end = times
    state = {"COMPLETED": "done", "CLOSED": "done", "RUNNING": "now"}.get(job.status, "wait")
    return {
        "operation": job.number,
        "name": job.title,
        "unit": job.unit.code,
        "unit_url": reverse("workorders:station", args=[job.unit.code]),
        "state": state,
        "state_label": job.get_status_display(),
        "good": job.good,
        "scrap": job.scrap,
        "quantity": job.quantity,
        "start": job.started_at or start,
        "end": job.completed_at or end,
        "waits": _waits(job) if state == "wait" else "",
    }


def history(site: Site, subject: str, pk: int, jobs: Sequence[int] = ()) -> list[dict[str, Any]]:
    """What the ledger says of a thing, newest first; corrections stand beside what they correct."""
    events = (
        ShopFloorEvent.objects.filter(
            Q(subject_type=subject, subject_id=pk)
            | Q(subject_type="job_order", subject_id__in=list(jobs)),
            site=site,
        )
        .select_related("person", "device")
        .order_by("-seq")[:100]
    )
    return [
        {
            "at": event.occurred_at,
            "text": words.event_text(event.kind, event.body),
            "who": event.person.name if event.person else "",
            "device": event.device.code if event.device else "",
        }
        for event in events
    ]


@access("delivery.read")
@require_GET
def deliveries(request: PlantRequest) -> HttpResponse:
    """Every open customer line: promised, projected, and why not in time."""
    site, now = request.site, plant_now(request.site)
    version = PlanVersion.objects.current(site)
    standing = (version.figures.get("standing") or {}) if version else {}
    times = version.line_times_by_id() if version else {}
    whys = (version.figures.get("why") or {}) if version else {}
    zone = ZoneInfo(site.time_zone)
    late_ids = [int(line) for line, row in standing.items() if row[0] > 0]
    lines = (
        CustomerLine.objects.filter(site=site, shipped_at=None, cancelled_at=None)
        .select_related("order__customer", "item")
        .order_by("promised_at", "order__code", "number")
    )
    said = request.GET.get("q", "").strip()
    if said:
        lines = lines.filter(
            Q(order__code__icontains=said)
            | Q(order__customer__name__icontains=said)
            | Q(item__code__icontains=said)
            | Q(item__name__icontains=said)
            | rows_saying(site, RowOf.CUSTOMER_LINE, said)
        )
    if request.GET.get("view") == "late":
        lines = lines.filter(pk__in=late_ids)
    sort = sort_of(request)
    found: Any = ordered(lines, sort, LINE_COLUMNS, site, RowOf.CUSTOMER_LINE)
    if sort.column in ("projected", "slip"):
        found = in_order(
            list(lines),
            sort,
            {
                "projected": lambda line: words.delivery(line, times.get(line.pk)),
                "slip": lambda line: standing.get(str(line.pk), (None,))[0],
            },
        )
    rows, pages = page_of(request, found)
    own, cells = columns_context(request, RowOf.CUSTOMER_LINE, [each.pk for each in rows])
    waits = marks(site).lines
    errors = usual_errors(site)
    shown = []
    for line in rows:
        promised = line.promised_at or line.requested_at
        projected = words.delivery(line, times.get(line.pk))
        row = standing.get(str(line.pk))
        late_s = row[0] if row else _late(promised, projected)
        shown.append(
            {
                "code": f"{line.order.code}/{line.number}",
                "url": "",
                "customer": line.order.customer.name,
                "item": line.item.code,
                "item_name": line.item.name,
                "quantity": line.open_quantity,
                "shipped": line.shipped_quantity,
                "requested": line.requested_at,
                "first_promised": line.first_promised_at,
                "promised": line.promised_at,
                "projected": projected,
                "late_s": late_s,
                "level": words.line_level(late_s or 0, row[1] if row else 0) if row else None,
                "value": line.open_quantity * line.price if line.price is not None else None,
                "reason": words.why_late(whys.get(str(line.pk)), now, zone)
                or ("" if projected else _("no date: nothing covers it yet")),
                "no_promise": line.promised_at is None,
                "tentative": waits.get(line.pk, ""),
                "off_days": usual_error_days(errors, (projected - now).days) if projected else None,
                **cells[line.pk],
            }
        )
    labels = {
        "order": _("Order"),
        "customer": _("Customer"),
        "item": _("Item"),
        "promised": _("Promised"),
        "projected": _("Projected"),
        "slip": _("Slip"),
    }
    context = {
        **own,
        "heads": headings(request, labels | own_labels(own)),
        "has_record": any(each.of for each in errors),
        "views": tabs(request, [("open", _("Open"), None), ("late", _("At risk"), len(late_ids))]),
        "query": said,
        "rows": shown,
        "start": now,
        "end": now + AXIS,
        "pages": pages,
    }
    return render_page(request, "materials/deliveries.html", context, parts=("deliveries",))


@access("plan.read")
@require_GET
def equipment_list(request: PlantRequest) -> HttpResponse:
    """Every unit by area: its state, since when, what it does, how long its queue is."""
    site = request.site
    units = (
        Equipment.objects.filter(site=site, level=Equipment.Level.WORK_UNIT)
        .select_related("status", "parent__parent", "queue")
        .prefetch_related(
            Prefetch("downtimes", Downtime.objects.filter(ended_at=None), to_attr="open_stops"),
            Prefetch("slowdowns", Slowdown.objects.filter(ended_at=None), to_attr="open_slow"),
            Prefetch(
                "job_orders",
                JobOrder.objects.filter(status="RUNNING").select_related("work_order__item"),
                to_attr="running_jobs",
            ),
        )
        .order_by("order", "code")
    )
    version = PlanVersion.objects.current(site)
    loads = (version.figures.get("load_24h") or {}) if version else {}
    waits = marks(site).units
    areas: dict[str, list[dict[str, Any]]] = {}
    for unit in units:
        area = unit.parent.parent or unit.parent if unit.parent else None
        row = _unit_row(unit, loads) | {"tentative": waits.get(unit.pk, "")}
        areas.setdefault(area.name if area else "", []).append(row)
    context = {
        "areas": [{"name": name, "units": rows} for name, rows in areas.items()],
        "tools": tools_of(site),
        "shifts": added_shifts(request),
    }
    return render_page(request, "equipment/list.html", context, parts=("equipment",))


def _unit_row(unit: Any, loads: dict[str, int]) -> dict[str, Any]:
    stop = unit.open_stops[0] if unit.open_stops else None
    slow = unit.open_slow[0] if unit.open_slow else None
    job = unit.running_jobs[0] if unit.running_jobs else None
    state = "down" if stop else "run" if job else "idle"
    label = {"down": _("Down"), "run": _("Running"), "idle": _("Idle")}[state]
    if slow:
        label = _("%(state)s, at %(percent)s %%") % {"state": label, "percent": slow.percent}
    status = getattr(unit, "status", None)
    queue: UnitQueue | None = getattr(unit, "queue", None)
    return {
        "code": unit.code,
        "name": unit.name,
        "url": reverse("workorders:station", args=[unit.code]),
        "state": state,
        "state_label": label,
        "since": stop.started_at if stop else status.since if status else None,
        "back": stop.back_at if stop else slow.back_at if slow else None,
        "job": f"{job.work_order.code} {job.work_order.item.code}" if job else "",
        "queue": len(queue.job_order_ids) if queue else 0,
        "load_pct": min(100, int(loads.get(str(unit.pk), 0))),
        "level": 1 if stop else 3 if slow else None,
    }


@access("plan.read")
@require_GET
def holds(request: PlantRequest) -> HttpResponse:
    """What is on hold, for how long, and who may release it."""
    site = request.site
    allowed = may(request.actor, "hold.release")
    found = (
        Hold.objects.filter(site=site, released_at=None)
        .select_related("lot__item", "job_order__work_order__item", "reason", "placed_by")
        .order_by("-placed_at")
    )
    waiting = Lot.objects.filter(site=site, status=Lot.Status.QUARANTINE, balances__quantity__gt=0)
    hits = _hits_of(site)
    context = {
        "rows": [_hold_row(hold, allowed) | {"hits": hits.get(_of_hold(hold))} for hold in found],
        "waiting": [
            _waiting_row(lot, allowed) | {"hits": hits.get(("CHECK", "lot", lot.pk))}
            for lot in waiting.distinct().select_related("item").order_by("received_at", "code")
        ],
        "new_url": reverse("planning:new_event") + "?kind=hold"
        if may(request.actor, "hold.place")
        else "",
    }
    return render_page(request, "quality/holds.html", context, parts=("holds",))


def _of_hold(hold: Hold) -> tuple[str, str, int | None]:
    """The key of the disruption that a hold is."""
    if hold.lot_id:
        return "HOLD", "lot", hold.lot_id
    return "HOLD", "job_order", hold.job_order_id


def _hits_of(site: Site) -> dict[tuple[str, str, int | None], dict[str, Any]]:
    """What waits for quality, for components/hits.html, by the disruption's key."""
    waits = Disruption.objects.standing(site.pk).filter(kind__in=("HOLD", "CHECK"))
    return {
        (each.kind, each.subject_type, each.subject_id): {
            "url": reverse("planning:disruption", args=[each.pk]),
            "orders": each.summary.get("orders", 0),
            "items": each.summary.get("items", 0),
            "customers": each.summary.get("late_lines", 0),
        }
        for each in waits
        if each.summary.get("orders") or each.summary.get("late_lines")
    }


@access("hold.release")
@require_POST
def release(request: PlantRequest, pk: int) -> HttpResponse:
    """Let a held lot or job be used again."""
    outcome = act(request, "quality.hold.release", release_hold, hold_id=pk)
    if not outcome.ok:
        return refusal_page(request, outcome, retry_url=reverse("quality:holds"))
    return redirect("quality:holds")


@access("hold.release")
@require_POST
def decide(request: PlantRequest, pk: int) -> HttpResponse:
    """Quality's decision on a lot in quarantine."""
    outcome = act(
        request,
        "quality.lot.decide",
        decide_lot,
        lot_id=pk,
        status="REJECTED" if request.POST.get("status") == "REJECTED" else "RELEASED",
    )
    if not outcome.ok:
        return refusal_page(request, outcome, retry_url=reverse("quality:holds"))
    return redirect("quality:holds")


def _waiting_row(lot: Lot, allowed: bool) -> dict[str, Any]:
    return {
        "lot": lot.code,
        "item": lot.item.code,
        "quantity": lot.balances.aggregate(all=Sum("quantity"))["all"] or Decimal(0),
        "since": lot.received_at,
        "expected": lot.free_at,
        "decide_url": reverse("quality:decide", args=[lot.pk]) if allowed else "",
        "off": "" if allowed else str(NEEDS["hold.release"]),
    }


def _hold_row(hold: Hold, allowed: bool) -> dict[str, Any]:
    item = hold.lot.item if hold.lot else hold.job_order.work_order.item if hold.job_order else None
    if hold.lot:
        what = hold.lot.code
        quantity = hold.lot.balances.aggregate(all=Sum("quantity"))["all"] or Decimal(0)
    else:
        job = hold.job_order
        what = words.operation(job.work_order.code, job.number) if job else ""
        quantity = job.quantity - job.good if job else Decimal(0)
    return {
        "pk": hold.pk,
        "code": f"H-{hold.pk}",
        "lot": what,
        "item": item.code if item else "",
        "quantity": quantity,
        "reason": hold.reason.name if hold.reason else "",
        "note": hold.note,
        "since": hold.placed_at,
        "who": hold.placed_by.name if hold.placed_by else "",
        "expected": hold.expected_at,
        "release_url": reverse("quality:release", args=[hold.pk]) if allowed else "",
        "off": "" if allowed else str(NEEDS["hold.release"]),
    }


@access("home")
@require_GET
def find(request: PlantRequest) -> HttpResponse:
    """A typed or scanned code opens what it names; words open the list that they filter."""
    site = request.site
    said = request.GET.get("q", "").strip().rsplit("/", 1)[-1]
    if WorkOrder.objects.filter(site=site, code__iexact=said).exists():
        code = WorkOrder.objects.values_list("code", flat=True).get(site=site, code__iexact=said)
        return redirect("workorders:detail", code)
    unit = Equipment.objects.filter(site=site, code__iexact=said, level="WORK_UNIT").first()
    if unit and may(request.actor, "station.read"):
        return redirect("workorders:station", unit.code)
    if CustomerLine.objects.filter(site=site, order__code__iexact=said).exists():
        return redirect(f"{reverse('materials:deliveries')}?{urlencode({'q': said})}")
    if Lot.objects.filter(site=site, code__iexact=said).exists():
        return redirect("quality:holds")
    return redirect(f"{reverse('workorders:list')}?{urlencode({'q': said})}")
