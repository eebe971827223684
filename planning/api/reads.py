"""Reading the plant: its plan, work orders, queues, deliveries, disruptions, decisions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import F, QuerySet
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from equipment import rules as equipment_rules
from equipment.models import CalendarException, Downtime, Equipment, ShiftPattern, UnitStatus
from materials.models import CustomerLine, Location, Lot, PurchaseLine, StockBalance
from mes.access import may
from mes.clock import plant_now
from mes.models import Site, SiteClock, SiteHead, SitePlan
from planning.api.projected import Projected, newest
from planning.api.serializers import exact_money, exact_quantity
from planning.api.wire import ErrorSerializer, Pages, actor_of, site_of
from planning.models import Disruption
from quality.models import Hold
from workorders.models import AndonCall, CallKind, JobLink, JobOrder, UnitQueue, WorkOrder

Data = dict[str, Any]
Shape = serializers.Serializer[Data]
ENDED = ("COMPLETED", "ABORTED", "CLOSED")
PAGING = [
    OpenApiParameter("cursor", description="of the page before, as its `next` has it"),
    OpenApiParameter("page_size", {"type": "integer", "minimum": 1, "maximum": 500, "default": 50}),
]


def paged(name: str, each: type[Shape]) -> type[Shape]:
    """The shape of one page of results."""
    return type(
        f"Page{name}",
        (serializers.Serializer,),
        {
            "count": serializers.IntegerField(),
            "next": serializers.URLField(allow_null=True),
            "results": each(many=True),
        },
    )


# -- the plan ------------------------------------------------------------------------------------


class PlanShape(Shape):
    site = serializers.CharField()
    name = serializers.CharField()
    time_zone = serializers.CharField()
    currency = serializers.CharField()
    clock = serializers.ChoiceField(["REAL", "SIMULATED"])
    now = serializers.DateTimeField(help_text="the plant's clock")
    speed = serializers.IntegerField(help_text="plant seconds a second; 0 is paused")
    seq = serializers.IntegerField(help_text="number of the newest event")
    computed_seq = serializers.IntegerField(help_text="newest event that the plan answers")
    behind = serializers.BooleanField()
    version = serializers.IntegerField()
    committed_version = serializers.IntegerField()
    as_of = serializers.DateTimeField(allow_null=True)
    computed_at = serializers.DateTimeField(allow_null=True)
    open_disruptions = serializers.IntegerField()
    figures = serializers.DictField(help_text="totals of the plant; money as decimal strings")


def without_money(figures: Data) -> Data:
    """Money is a permission of its own."""
    return {
        name: value
        for name, value in figures.items()
        if not name.endswith(("cash", "estimate")) and name not in MONEY_FIGURES
    }


MONEY_FIGURES = frozenset(
    {"at_stake", "together", "total", "saves", "costs", "weight", "standing", "best", "flip"}
)


class Plan(APIView):
    access = "plan.read"

    @extend_schema(
        operation_id="plan_get",
        summary="How the plant stands",
        description="Carries an ETag; send it as If-None-Match and get 304 until it changes.",
        responses={200: PlanShape, 304: None, 401: ErrorSerializer},
    )
    def get(self, request: Request) -> Response:
        site = site_of(request)
        plan = SitePlan.objects.get(site=site)
        seq = SiteHead.objects.values_list("seq", flat=True).get(site=site)
        clock = SiteClock.objects.filter(site=site).first()
        shows_money = may(actor_of(request), "money.read")
        tag = f'"{seq}-{plan.plan_version}-{plan.computed_seq}'
        tag += f'-{clock.at.timestamp():.0f}-{clock.speed}"' if clock else '"'
        if tag in request.headers.get("If-None-Match", ""):
            return Response(status=304, headers={"ETag": tag})
        figures: Data = getattr(newest(site).version, "figures", {})
        body = {
            "site": site.code,
            "name": site.name,
            "time_zone": site.time_zone,
            "currency": site.currency,
            "clock": site.clock,
            "now": plant_now(site),
            "speed": clock.speed if clock else 1,
            "seq": seq,
            "computed_seq": plan.computed_seq,
            "behind": seq > plan.computed_seq,
            "version": plan.plan_version,
            "committed_version": plan.committed_version,
            "as_of": plan.as_of,
            "computed_at": plan.computed_at,
            "open_disruptions": Disruption.objects.filter(site=site)
            .exclude(state=Disruption.State.CLOSED)
            .count(),
            "figures": figures if shows_money else without_money(figures),
        }
        return Response(PlanShape(body).data, headers={"ETag": tag})


# -- work orders and queues ----------------------------------------------------------------------


class JobShape(Shape):
    job_order_id = serializers.IntegerField()
    work_order = serializers.CharField()
    operation = serializers.IntegerField()
    name = serializers.CharField()
    item = serializers.CharField()
    unit = serializers.CharField()
    status = serializers.CharField()
    quantity = exact_quantity()
    good = exact_quantity()
    scrap = exact_quantity()
    rework = exact_quantity()
    available = exact_quantity(help_text="pieces that are there to be worked on now")
    pallet = exact_quantity(help_text="pieces that go on to the next operation together")
    setup_s = serializers.IntegerField()
    run_s = exact_quantity(help_text="seconds a piece")
    more_coming = serializers.BooleanField(help_text="the operation before may still bring some")
    ready = serializers.BooleanField()
    waits_for = serializers.CharField(allow_blank=True)
    started_at = serializers.DateTimeField(allow_null=True)
    running_since = serializers.DateTimeField(allow_null=True)
    last_report_at = serializers.DateTimeField(allow_null=True)
    projected_start = serializers.DateTimeField(allow_null=True)
    projected_end = serializers.DateTimeField(allow_null=True)


class WorkOrderShape(Shape):
    code = serializers.CharField()
    item = serializers.CharField()
    quantity = exact_quantity()
    put_away_quantity = exact_quantity()
    status = serializers.CharField()
    due_at = serializers.DateTimeField()
    customer_order = serializers.CharField(allow_null=True, help_text="if made to order")
    customer_line = serializers.IntegerField(allow_null=True)
    operations = JobShape(many=True)


class UnitDown(Shape):
    since = serializers.DateTimeField()
    reason = serializers.CharField(allow_null=True)
    note = serializers.CharField(allow_blank=True)
    back_at = serializers.DateTimeField(allow_null=True)
    said_by = serializers.CharField(allow_blank=True)


class QueueShape(Shape):
    unit = serializers.CharField()
    name = serializers.CharField()
    state = serializers.CharField()
    since = serializers.DateTimeField()
    works = serializers.BooleanField(help_text="its calendar works now")
    works_since = serializers.DateTimeField(allow_null=True)
    works_until = serializers.DateTimeField(allow_null=True)
    down = UnitDown(allow_null=True)
    running = JobShape(many=True)
    queue = JobShape(many=True, help_text="in the order in which they should run")
    version = serializers.IntegerField(help_text="of the queue")


def _jobs(site: Site, rows: Sequence[JobOrder], plan: Projected) -> dict[int, Data]:
    """Job orders as the API shows them, by id. A fixed number of queries for any number."""
    links: dict[int, list[JobLink]] = {}
    for link in JobLink.objects.filter(site=site, follower__in=[row.pk for row in rows]):
        links.setdefault(link.follower_id, []).append(link)
    batches = dict(
        JobLink.objects.filter(site=site, predecessor__in=[row.pk for row in rows])
        .exclude(batch=None)
        .values_list("predecessor_id", "batch")
    )
    before = JobOrder.objects.in_bulk(
        {link.predecessor_id for each in links.values() for link in each}
    )
    held = set(
        Hold.objects.filter(site=site, released_at=None)
        .exclude(job_order=None)
        .values_list("job_order_id", flat=True)
    )
    found = {}
    for row in rows:
        made = row.good + row.scrap + row.rework
        arrived = row.quantity
        waits_for = _("quality's release") if row.pk in held else ""
        pallet = batches.get(row.pk)
        more_coming = False
        came: dict[int, Decimal] = {}
        for link in links.get(row.pk, ()):
            pallet = pallet or link.batch
            feeder = before[link.predecessor_id]
            first_part = feeder.part_of_id or feeder.pk
            came[first_part] = came.get(first_part, Decimal(0)) + feeder.good
            more_coming = more_coming or feeder.status not in ENDED
            first = min(link.batch or feeder.quantity, feeder.quantity - feeder.scrap)
            if feeder.status not in ENDED and not (
                link.kind == JobLink.Kind.OVERLAP and feeder.good >= max(first, Decimal(1))
            ):
                waits_for = waits_for or _("operation %(number)s") % {"number": feeder.number}
        arrived = min([arrived, *came.values()])
        start, end = plan.job(row.pk)
        found[row.pk] = {
            "job_order_id": row.pk,
            "work_order": row.work_order.code,
            "operation": row.number,
            "name": row.name,
            "item": row.work_order.item.code,
            "unit": row.unit.code,
            "status": row.status,
            "quantity": row.quantity,
            "good": row.good,
            "scrap": row.scrap,
            "rework": row.rework,
            "available": max(Decimal(0), arrived - made),
            "pallet": pallet or row.quantity,
            "setup_s": row.setup_s,
            "run_s": row.run_s,
            "more_coming": more_coming,
            "ready": not waits_for and row.status not in ENDED,
            "waits_for": waits_for,
            "started_at": row.started_at,
            "running_since": row.running_since,
            "last_report_at": row.last_report_at,
            "projected_start": start,
            "projected_end": end,
        }
    return found


def _job_rows(site: Site) -> QuerySet[JobOrder]:
    return JobOrder.objects.filter(site=site).select_related("unit", "work_order__item")


class WorkOrders(APIView):
    access = "workorder.read"

    @extend_schema(
        operation_id="work_orders_list",
        summary="Work orders, by due date",
        parameters=[
            OpenApiParameter("status", enum=list(WorkOrder.Status.values), many=True),
            OpenApiParameter("item", description="code of the item"),
            OpenApiParameter("unit", description="with an open operation on this work unit"),
            *PAGING,
        ],
        responses={200: paged("WorkOrder", WorkOrderShape), 401: ErrorSerializer},
    )
    def get(self, request: Request) -> Response:
        site = site_of(request)
        rows = (
            WorkOrder.objects.filter(site=site)
            .select_related("item", "customer_line__order")
            .order_by("due_at", "pk")
        )
        if statuses := request.query_params.getlist("status"):
            rows = rows.filter(status__in=statuses)
        if item := request.query_params.get("item"):
            rows = rows.filter(item__code=item)
        if unit := request.query_params.get("unit"):
            rows = rows.filter(
                pk__in=JobOrder.objects.filter(site=site, unit__code=unit)
                .exclude(status__in=ENDED)
                .values("work_order_id")
            )
        pages = Pages()
        page = pages.paginate_queryset(rows, request) or []
        return pages.get_paginated_response(_work_orders(site, page))


class OneWorkOrder(APIView):
    access = "workorder.read"

    @extend_schema(
        operation_id="work_order_get",
        summary="One work order with its operations",
        responses={200: WorkOrderShape, 401: ErrorSerializer, 404: ErrorSerializer},
    )
    def get(self, request: Request, code: str) -> Response:
        site = site_of(request)
        row = get_object_or_404(
            WorkOrder.objects.select_related("item", "customer_line__order"), site=site, code=code
        )
        return Response(_work_orders(site, [row])[0])


def _work_orders(site: Site, rows: Sequence[WorkOrder]) -> list[Data]:
    jobs = list(_job_rows(site).filter(work_order__in=rows).order_by("number"))
    shown = _jobs(site, jobs, newest(site))
    by_order: dict[int, list[Data]] = {}
    for job in jobs:
        by_order.setdefault(job.work_order_id, []).append(shown[job.pk])
    return [
        dict(
            WorkOrderShape(
                {
                    "code": row.code,
                    "item": row.item.code,
                    "quantity": row.quantity,
                    "put_away_quantity": row.put_away_quantity,
                    "status": row.status,
                    "due_at": row.due_at,
                    "customer_order": row.customer_line and row.customer_line.order.code,
                    "customer_line": row.customer_line and row.customer_line.number,
                    "operations": by_order.get(row.pk, []),
                }
            ).data
        )
        for row in rows
    ]


class Queues(APIView):
    access = "plan.read"

    @extend_schema(
        operation_id="queues_list",
        summary="Every work unit: its state, what runs, what is next",
        responses={200: QueueShape(many=True), 401: ErrorSerializer},
    )
    def get(self, request: Request) -> Response:
        site = site_of(request)
        return Response(_queues(site, _units(site)))


class OneQueue(APIView):
    access = "plan.read"

    @extend_schema(
        operation_id="queue_get",
        summary="One work unit: its state, what runs, what is next",
        responses={200: QueueShape, 401: ErrorSerializer, 404: ErrorSerializer},
    )
    def get(self, request: Request, unit: str) -> Response:
        site = site_of(request)
        return Response(_queues(site, [get_object_or_404(_units(site), code=unit)])[0])


def _units(site: Site) -> QuerySet[Equipment]:
    return Equipment.objects.filter(site=site, level=Equipment.Level.WORK_UNIT).order_by(
        "order", "code"
    )


def _queues(site: Site, units: Iterable[Equipment]) -> list[Data]:
    units = list(units)
    now = plant_now(site)
    rows = list(_job_rows(site).filter(unit__in=units).exclude(status__in=ENDED).order_by("pk"))
    jobs = _jobs(site, rows, newest(site))
    running: dict[int, list[Data]] = {}
    for row in rows:
        if row.status == JobOrder.Status.RUNNING:
            running.setdefault(row.unit_id, []).append(jobs[row.pk])
    queues = {queue.unit_id: queue for queue in UnitQueue.objects.filter(site=site)}
    status = {row.unit_id: row for row in UnitStatus.objects.filter(site=site)}
    down = {
        row.unit_id: row
        for row in Downtime.objects.filter(site=site, ended_at=None).select_related("reason")
    }
    works = _working_now(site, units, now)
    found = []
    for unit in units:
        queue = queues.get(unit.pk)
        stop = down.get(unit.pk)
        since, until = works.get(unit.pk, (None, None))
        waiting = [jobs[job] for job in (queue.job_order_ids if queue else ()) if job in jobs]
        found.append(
            dict(
                QueueShape(
                    {
                        "unit": unit.code,
                        "name": unit.name,
                        "state": status[unit.pk].state,
                        "since": status[unit.pk].since,
                        "works": since is not None,
                        "works_since": since,
                        "works_until": until,
                        "down": stop
                        and {
                            "since": stop.started_at,
                            "reason": stop.reason and stop.reason.code,
                            "note": stop.note,
                            "back_at": stop.back_at,
                            "said_by": stop.back_said_by,
                        },
                        "running": running.get(unit.pk, []),
                        "queue": [job for job in waiting if job["status"] != "RUNNING"],
                        "version": queue.version if queue else 0,
                    }
                ).data
            )
        )
    return found


def _working_now(
    site: Site, units: Sequence[Equipment], now: datetime
) -> dict[int, tuple[datetime, datetime]]:
    """The working stretch in which `now` lies, by unit; none where the calendar rests."""
    patterns: dict[int, list[equipment_rules.Shift]] = {}
    for row in ShiftPattern.objects.filter(site=site):
        patterns.setdefault(row.calendar_id, []).append(
            equipment_rules.Shift(row.weekday, row.starts, row.ends)
        )
    start, end = now - timedelta(days=2), now + timedelta(days=2)
    # A calendar's own exceptions rule before those of the unit, oldest first.
    exceptions = list(
        CalendarException.objects.filter(
            site=site, removed_seq=None, ends_at__gt=start, starts_at__lt=end
        ).order_by(F("unit_id").asc(nulls_first=True), "pk")
    )
    found = {}
    for unit in units:
        assert unit.calendar_id is not None  # kept by work_unit_has_a_calendar
        windows = [
            equipment_rules.Window(row.kind, row.starts_at, row.ends_at)
            for row in exceptions
            if unit.pk == row.unit_id or unit.calendar_id == row.calendar_id
        ]
        for first, last in equipment_rules.expand_calendar(
            patterns.get(unit.calendar_id, []), windows, site.time_zone, start, end
        ):
            if first <= now < last:
                found[unit.pk] = (first, last)
    return found


# -- deliveries and purchases --------------------------------------------------------------------


class DeliveryShape(Shape):
    order = serializers.CharField()
    line = serializers.IntegerField()
    customer = serializers.CharField()
    item = serializers.CharField()
    quantity = exact_quantity()
    shipped_quantity = exact_quantity()
    in_stock = exact_quantity(help_text="of its item, released and on hand for every line together")
    basis = serializers.ChoiceField(["SHIP", "ARRIVE"])
    requested_at = serializers.DateTimeField()
    first_promised_at = serializers.DateTimeField(allow_null=True)
    promised_at = serializers.DateTimeField(allow_null=True)
    projected_ready = serializers.DateTimeField(allow_null=True)
    projected_ship = serializers.DateTimeField(allow_null=True)
    projected_arrive = serializers.DateTimeField(allow_null=True)
    late_s = serializers.IntegerField(
        allow_null=True, help_text="projected less promised; null without a date"
    )
    value = exact_money(allow_null=True, help_text="of the open quantity")


class Deliveries(APIView):
    access = "delivery.read"

    @extend_schema(
        operation_id="deliveries_list",
        summary="Open customer lines, by promise",
        parameters=[
            OpenApiParameter("customer", description="code of the customer"),
            OpenApiParameter("late", OpenApiTypes.BOOL, description="true: late ones only"),
            *PAGING,
        ],
        responses={200: paged("Delivery", DeliveryShape), 401: ErrorSerializer},
    )
    def get(self, request: Request) -> Response:
        site = site_of(request)
        rows = (
            CustomerLine.objects.filter(
                site=site, cancelled_at=None, shipped_quantity__lt=F("quantity")
            )
            .select_related("order__customer", "item")
            .order_by(F("promised_at").asc(nulls_last=True), "pk")
        )
        if customer := request.query_params.get("customer"):
            rows = rows.filter(order__customer__code=customer)
        plan = newest(site)
        shows_money = may(actor_of(request), "money.read")
        stock = _released_stock(site)
        found = [_delivery(row, plan, stock, shows_money) for row in rows]
        if request.query_params.get("late", "").lower() in {"1", "true"}:
            found = [line for line in found if line["late_s"] is None or line["late_s"] > 0]
        pages = Pages()
        page = pages.paginate_queryset(found, request) or []
        return pages.get_paginated_response([dict(DeliveryShape(line).data) for line in page])


def _released_stock(site: Site) -> dict[int, Decimal]:
    found: dict[int, Decimal] = {}
    rows = StockBalance.objects.filter(
        site=site, quantity__gt=0, lot__status=Lot.Status.RELEASED
    ).exclude(location__kind=Location.Kind.SCRAP)
    for item, amount in rows.values_list("lot__item_id", "quantity"):
        found[item] = found.get(item, Decimal(0)) + amount
    return found


def _delivery(
    row: CustomerLine, plan: Projected, stock: dict[int, Decimal], shows_money: bool
) -> Data:
    ready, ship, arrive = plan.line(row.pk)
    due = row.promised_at or row.requested_at
    basis = row.order.customer.basis
    there = ship if basis == "SHIP" else arrive
    left = row.quantity - row.shipped_quantity
    return {
        "order": row.order.code,
        "line": row.number,
        "customer": row.order.customer.name,
        "item": row.item.code,
        "quantity": row.quantity,
        "shipped_quantity": row.shipped_quantity,
        "in_stock": stock.get(row.item_id, Decimal(0)),
        "basis": basis,
        "requested_at": row.requested_at,
        "first_promised_at": row.first_promised_at,
        "promised_at": row.promised_at,
        "projected_ready": ready,
        "projected_ship": ship,
        "projected_arrive": arrive,
        "late_s": int((there - due).total_seconds()) if there else None,
        "value": (left * row.price).quantize(Decimal("0.0001"))
        if row.price is not None and shows_money
        else None,
    }


class PurchaseShape(Shape):
    order = serializers.CharField()
    line = serializers.IntegerField()
    supplier = serializers.CharField()
    item = serializers.CharField()
    quantity = exact_quantity()
    received_quantity = exact_quantity()
    promised_at = serializers.DateTimeField()
    expected_at = serializers.DateTimeField()
    expected_source = serializers.CharField(allow_blank=True)


class Purchases(APIView):
    access = "plan.read"

    @extend_schema(
        operation_id="purchases_list",
        summary="Open purchase lines, by expected date",
        parameters=PAGING,
        responses={200: paged("Purchase", PurchaseShape), 401: ErrorSerializer},
    )
    def get(self, request: Request) -> Response:
        rows = (
            PurchaseLine.objects.filter(site=site_of(request), closed_at=None)
            .select_related("supplier", "item")
            .order_by("expected_at", "pk")
        )
        pages = Pages()
        page = pages.paginate_queryset(rows, request) or []
        return pages.get_paginated_response(
            [
                dict(
                    PurchaseShape(
                        {
                            "order": row.order_code,
                            "line": row.number,
                            "supplier": row.supplier.name,
                            "item": row.item.code,
                            "quantity": row.quantity,
                            "received_quantity": row.received_quantity,
                            "promised_at": row.promised_at,
                            "expected_at": row.expected_at,
                            "expected_source": row.expected_source,
                        }
                    ).data
                )
                for row in page
            ]
        )


class HoldShape(Shape):
    hold = serializers.IntegerField()
    lot = serializers.CharField(allow_null=True)
    work_order = serializers.CharField(allow_null=True)
    operation = serializers.IntegerField(allow_null=True)
    reason = serializers.CharField(allow_null=True)
    note = serializers.CharField(allow_blank=True)
    placed_at = serializers.DateTimeField()
    expected_at = serializers.DateTimeField(allow_null=True)


class Holds(APIView):
    access = "plan.read"

    @extend_schema(
        operation_id="holds_list",
        summary="What quality holds, oldest first",
        responses={200: HoldShape(many=True), 401: ErrorSerializer},
    )
    def get(self, request: Request) -> Response:
        rows = (
            Hold.objects.filter(site=site_of(request), released_at=None)
            .select_related("lot", "job_order__work_order", "reason")
            .order_by("placed_at", "pk")
        )
        return Response(
            [
                dict(
                    HoldShape(
                        {
                            "hold": row.pk,
                            "lot": row.lot and row.lot.code,
                            "work_order": row.job_order and row.job_order.work_order.code,
                            "operation": row.job_order and row.job_order.number,
                            "reason": row.reason and row.reason.code,
                            "note": row.note,
                            "placed_at": row.placed_at,
                            "expected_at": row.expected_at,
                        }
                    ).data
                )
                for row in rows
            ]
        )


class CallShape(Shape):
    call = serializers.IntegerField()
    unit = serializers.CharField()
    whom = serializers.ChoiceField(CallKind.values)
    state = serializers.CharField(help_text="OPEN, TAKEN, ARRIVED, ENDED or CANCELLED")
    stopped = serializers.BooleanField()
    note = serializers.CharField(allow_blank=True)
    work_order = serializers.CharField(allow_null=True)
    operation = serializers.IntegerField(allow_null=True)
    called_at = serializers.DateTimeField()
    called_by = serializers.CharField(allow_null=True)
    roles = serializers.ListField(
        child=serializers.CharField(), help_text="called so far; the last one is waited for"
    )
    due_at = serializers.DateTimeField(allow_null=True, help_text="when it goes to the next role")
    slack_s = serializers.IntegerField(
        allow_null=True, help_text="least slack of the deliveries that wait for the unit"
    )
    taken_by = serializers.CharField(allow_null=True)
    expected_at = serializers.DateTimeField(allow_null=True)
    answered_s = serializers.IntegerField(allow_null=True, help_text="from the call to the answer")
    arrived_s = serializers.IntegerField(allow_null=True, help_text="from the call to the arrival")
    lasted_s = serializers.IntegerField(allow_null=True, help_text="from the call to its end")
    outcome = serializers.CharField(allow_blank=True)


def _call_row(row: AndonCall) -> Data:
    def after(at: datetime | None) -> int | None:
        return int((at - row.called_at).total_seconds()) if at else None

    return {
        "call": row.pk,
        "unit": row.unit.code,
        "whom": row.kind,
        "state": row.state,
        "stopped": row.stopped,
        "note": row.note,
        "work_order": row.job_order and row.job_order.work_order.code,
        "operation": row.job_order and row.job_order.number,
        "called_at": row.called_at,
        "called_by": (row.called_by and row.called_by.name) or (row.device and row.device.code),
        "roles": row.roles,
        "due_at": row.due_at,
        "slack_s": row.slack_s,
        "taken_by": row.taken_by and row.taken_by.name,
        "expected_at": row.expected_at,
        "answered_s": after(row.taken_at),
        "arrived_s": after(row.arrived_at),
        "lasted_s": after(row.ended_at),
        "outcome": row.outcome,
    }


class Calls(APIView):
    access = "call.read"

    @extend_schema(
        operation_id="calls_list",
        summary="Calls for help that stand, or all, newest first, with their response times",
        parameters=[
            OpenApiParameter("unit", OpenApiTypes.STR),
            OpenApiParameter("over", OpenApiTypes.BOOL, description="also those that are over"),
            *PAGING,
        ],
        responses={200: paged("Calls", CallShape), 401: ErrorSerializer, 404: ErrorSerializer},
    )
    def get(self, request: Request) -> Response:
        rows = (
            AndonCall.objects.filter(site=site_of(request))
            .select_related("unit", "job_order__work_order", "called_by", "device", "taken_by")
            .order_by("-called_at", "-pk")
        )
        if request.query_params.get("over") not in ("true", "1"):
            rows = rows.filter(ended_at=None)
        if unit := request.query_params.get("unit"):
            rows = rows.filter(unit__code=unit)
        pages = Pages()
        page = pages.paginate_queryset(rows, request, view=self) or []
        return pages.get_paginated_response([dict(CallShape(_call_row(row)).data) for row in page])
