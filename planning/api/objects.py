"""Reading what the plant consists of: items, lots, stock, customers, units, rates, its ledger."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from equipment.models import CostRate, Equipment, WorkCalendar
from materials.models import Customer, CustomerLine, Item, Lot, StockBalance
from mes.access import may
from mes.models import ShopFloorEvent, Site, Task
from planning.api.reads import PAGING, Data, Shape, paged
from planning.api.serializers import exact_money, exact_quantity
from planning.api.wire import ErrorSerializer, Pages, Unreadable, actor_of, site_of


def plain(row: Any, shape: type[Shape], *others: str) -> Data:
    """What a shape shows of a row under the row's own names; the others are given by hand."""
    return {name: getattr(row, name) for name in shape._declared_fields if name not in others}


def listing(
    name: str,
    shape: type[Shape],
    rows: Callable[[Site], QuerySet[Any]],
    show: Callable[[Any], Data],
    *,
    summary: str,
    filters: dict[str, str],
    access: str = "plan.read",
    money: tuple[str, ...] = (),
) -> type[APIView]:
    """A route that lists rows of the site, page by page.

    filters   query parameter -> the lookup that it means.
    money     fields that are null to who may not see money.
    """

    class Listing(APIView):
        @extend_schema(
            operation_id=f"{name}_list",
            summary=summary,
            parameters=[*(OpenApiParameter(each) for each in filters), *PAGING],
            responses={200: paged(name.title().replace("_", ""), shape), 401: ErrorSerializer},
        )
        def get(self, request: Request) -> Response:
            found = rows(site_of(request))
            for each, lookup in filters.items():
                if each in request.query_params:
                    found = found.filter(**{lookup: request.query_params[each]})
            pages = Pages()
            shown = [show(row) for row in pages.paginate_queryset(found, request)]
            if not may(actor_of(request), "money.read"):
                shown = [each | dict.fromkeys(money) for each in shown]
            return pages.get_paginated_response([dict(shape(each).data) for each in shown])

    Listing.access = access  # type: ignore[attr-defined]
    Listing.__name__ = Listing.__qualname__ = name.title().replace("_", "")
    return Listing


class ItemShape(Shape):
    code = serializers.CharField()
    name = serializers.CharField()
    unit = serializers.CharField()
    source = serializers.CharField(help_text="MAKE, BUY or PHANTOM")  # type: ignore[assignment]
    family = serializers.CharField(allow_blank=True)
    revision = serializers.CharField(allow_blank=True)
    safety_stock = exact_quantity()
    lead_time_s = serializers.IntegerField()
    standard_cost = exact_money(allow_null=True)


Items = listing(
    "items",
    ItemShape,
    lambda site: Item.objects.filter(site=site).order_by("code", "pk"),
    lambda row: plain(row, ItemShape),
    summary="Items, by code",
    filters={"code": "code", "source": "source", "family": "family"},
    money=("standard_cost",),
)


class LotShape(Shape):
    code = serializers.CharField()
    item = serializers.CharField()
    status = serializers.CharField(help_text="RELEASED, HELD and so on")
    received_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(allow_null=True)
    counted_at = serializers.DateTimeField(allow_null=True)


Lots = listing(
    "lots",
    LotShape,
    lambda site: Lot.objects.filter(site=site).select_related("item").order_by("code", "pk"),
    lambda row: plain(row, LotShape, "item") | {"item": row.item.code},
    summary="Lots, by code",
    filters={"code": "code", "item": "item__code", "status": "status"},
)


class StockShape(Shape):
    lot = serializers.CharField()
    item = serializers.CharField()
    location = serializers.CharField()
    quantity = exact_quantity()
    unit = serializers.CharField()


Stock = listing(
    "stock",
    StockShape,
    lambda site: (
        StockBalance.objects.filter(site=site)
        .exclude(quantity=0)
        .select_related("lot__item", "location")
        .order_by("pk")
    ),
    lambda row: {
        "lot": row.lot.code,
        "item": row.lot.item.code,
        "location": row.location.code,
        "quantity": row.quantity,
        "unit": row.lot.item.unit,
    },
    summary="What lies where",
    filters={"item": "lot__item__code", "lot": "lot__code", "location": "location__code"},
)


class CustomerShape(Shape):
    code = serializers.CharField()
    name = serializers.CharField()
    basis = serializers.CharField(help_text="SHIP or ARRIVE: which day was promised")
    ship_complete = serializers.BooleanField()
    priority_class = serializers.IntegerField(help_text="1 is the first")


Customers = listing(
    "customers",
    CustomerShape,
    lambda site: Customer.objects.filter(site=site).order_by("code", "pk"),
    lambda row: plain(row, CustomerShape),
    summary="Customers, by code",
    filters={"code": "code"},
)


class OrderLineShape(Shape):
    order = serializers.CharField()
    line = serializers.IntegerField()
    customer = serializers.CharField(help_text="code")
    item = serializers.CharField()
    quantity = exact_quantity()
    shipped_quantity = exact_quantity()
    requested_at = serializers.DateTimeField()
    promised_at = serializers.DateTimeField(allow_null=True)
    cancelled_at = serializers.DateTimeField(allow_null=True)
    shipped_at = serializers.DateTimeField(allow_null=True)
    price = exact_money(allow_null=True, help_text="of one unit")


OrderLines = listing(
    "order_lines",
    OrderLineShape,
    lambda site: (
        CustomerLine.objects.filter(site=site)
        .select_related("order__customer", "item")
        .order_by("order__code", "number", "pk")
    ),
    lambda row: {
        "order": row.order.code,
        "line": row.number,
        "customer": row.order.customer.code,
        "item": row.item.code,
        **plain(row, OrderLineShape, "order", "line", "customer", "item"),
    },
    summary="Lines of customer orders, also those that are over",
    filters={"order": "order__code", "customer": "order__customer__code", "item": "item__code"},
    access="delivery.read",
    money=("price",),
)


class UnitShape(Shape):
    code = serializers.CharField()
    name = serializers.CharField()
    level = serializers.CharField()
    kind = serializers.CharField()
    parent = serializers.CharField(allow_null=True)  # type: ignore[assignment]
    calendar = serializers.CharField(allow_null=True)
    places = serializers.IntegerField()


Units = listing(
    "units",
    UnitShape,
    lambda site: (
        Equipment.objects.filter(site=site).select_related("parent", "calendar").order_by("pk")
    ),
    lambda row: (
        plain(row, UnitShape, "parent", "calendar")
        | {"parent": row.parent and row.parent.code, "calendar": row.calendar and row.calendar.code}
    ),
    summary="Areas, work centres and work units",
    filters={"code": "code", "level": "level", "parent": "parent__code"},
)


# "time" in OpenAPI has an offset; a shift's hour is the plant's own.
@extend_schema_field({"type": "string", "pattern": r"^\d\d:\d\d:\d\d(\.\d+)?$"})
class HourField(serializers.TimeField):
    pass


class ShiftShape(Shape):
    name = serializers.CharField()
    weekday = serializers.IntegerField(help_text="0 is Monday")
    starts = HourField()
    ends = HourField()


class CalendarShape(Shape):
    code = serializers.CharField()
    name = serializers.CharField()
    shifts = ShiftShape(many=True)


Calendars = listing(
    "calendars",
    CalendarShape,
    lambda site: (
        WorkCalendar.objects.filter(site=site).prefetch_related("patterns").order_by("code", "pk")
    ),
    lambda row: {
        "code": row.code,
        "name": row.name,
        "shifts": sorted(row.patterns.all(), key=lambda shift: (shift.weekday, shift.starts)),
    },
    summary="Calendars with their shifts",
    filters={"code": "code"},
)


class RateShape(Shape):
    id = serializers.IntegerField()
    what = serializers.CharField()
    unit = serializers.CharField(allow_null=True, help_text="of one work unit only")
    amount = exact_money()
    source = serializers.CharField()  # type: ignore[assignment]
    owner = serializers.CharField()
    valid_from = serializers.DateTimeField()
    valid_to = serializers.DateTimeField(allow_null=True)


Rates = listing(
    "rates",
    RateShape,
    lambda site: (
        CostRate.objects.filter(site=site)
        .select_related("unit")
        .order_by("what", "-valid_from", "pk")
    ),
    lambda row: plain(row, RateShape, "unit") | {"unit": row.unit and row.unit.code},
    summary="What things cost, from when and by whose word",
    filters={"what": "what", "unit": "unit__code"},
    access="money.read",
)


class TaskShape(Shape):
    id = serializers.IntegerField()
    role = serializers.CharField()
    person = serializers.CharField(allow_null=True)
    text = serializers.CharField()
    created_at = serializers.DateTimeField()
    due_at = serializers.DateTimeField(allow_null=True)
    done_at = serializers.DateTimeField(allow_null=True)


Tasks = listing(
    "tasks",
    TaskShape,
    lambda site: Task.objects.filter(site=site).select_related("person").order_by("-pk"),
    lambda row: plain(row, TaskShape, "person") | {"person": row.person and row.person.name},
    summary="What events and decisions ask of people, the newest first",
    filters={"role": "role"},
    access="task.read",
)


class EventShape(Shape):
    seq = serializers.IntegerField()
    kind = serializers.CharField()
    subject_type = serializers.CharField()
    subject_id = serializers.IntegerField()
    occurred_at = serializers.DateTimeField()
    received_at = serializers.DateTimeField()
    late = serializers.BooleanField()
    corrects_seq = serializers.IntegerField(allow_null=True)
    person = serializers.CharField(allow_null=True)
    device = serializers.CharField(allow_null=True)
    body = serializers.DictField(allow_null=True, help_text="null to who may not see money")


class EventPageShape(Shape):
    events = EventShape(many=True)
    last = serializers.IntegerField(help_text="for `after` of the next reading")


class Ledger(APIView):
    access = "plan.read"

    @extend_schema(
        operation_id="ledger_get",
        summary="What happened, in order, after a number that one has read to",
        parameters=[
            OpenApiParameter("after", OpenApiTypes.INT, description="0 if not given"),
            OpenApiParameter("kind", description="as materials.stock.moved"),
            PAGING[1],
        ],
        responses={200: EventPageShape, 401: ErrorSerializer},
    )
    def get(self, request: Request) -> Response:
        text = request.query_params.get("after", "0")
        if not (text.isascii() and text.isdigit() and len(text) < 19):
            raise Unreadable(_("after must be a whole number, the last of the reading before."))
        wanted = Q(site=site_of(request), seq__gt=int(text))
        if kind := request.query_params.get("kind"):
            wanted &= Q(kind=kind)
        rows = list(
            ShopFloorEvent.objects.filter(wanted)
            .select_related("person", "device")
            .order_by("seq")[: Pages.size_of(request)]
        )
        money = may(actor_of(request), "money.read")
        events = [
            {
                **plain(row, EventShape, "person", "device", "body"),
                "person": row.person and row.person.name,
                "device": row.device and row.device.code,
                "body": row.body if money else None,
            }
            for row in rows
        ]
        last = rows[-1].seq if rows else int(text)
        return Response(EventPageShape({"events": events, "last": last}).data)
