"""One POST for whatever happened: each kind maps to the action that a page would run too."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from django.db.models import Model
from django.utils.translation import gettext as _
from drf_spectacular.utils import PolymorphicProxySerializer, extend_schema
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from equipment import actions as equipment
from equipment.models import Equipment, Reason, Tool
from materials import actions as materials
from materials.models import (
    Customer,
    CustomerLine,
    CustomerReturn,
    Item,
    Location,
    Lot,
    PurchaseLine,
)
from mes import actions as mes
from mes.access import may, refusal
from mes.commands import Command
from mes.errors import Missing, Refused
from planning import actions as planning
from planning.api import serializers as bodies
from planning.api.posting import KEY_HEADER, posted
from planning.api.wire import ErrorSerializer, actor_of, body_of, checked
from quality import actions as quality
from workorders import actions as workorders
from workorders.models import AndonCall, JobOrder, JobResponse, PersonSkill

Values = dict[str, Any]
Row = TypeVar("Row", bound=Model)


def _the(model: type[Row], command: Command, *also: str, **by: Any) -> Row:
    """Return the row of this site by its code; a foreign one looks like none at all.

    also  which of its rows are read with it.
    """
    rows = model._default_manager.filter(site=command.site, **by)
    row = rows.select_related(*also or (None,)).first()
    if row is None:
        raise Missing(_("There is no such %(thing)s here.") % {"thing": model._meta.verbose_name})
    return row


def _own_station(command: Command, unit: Equipment) -> None:
    """A station's token acts at its own unit only; a device without a station at any."""
    station = command.actor.station
    if station and station != unit.code:
        raise Refused(
            _("This terminal stands at %(station)s; it cannot report for %(unit)s.")
            % {"station": station, "unit": unit.code},
            status=403,
            code="no_right",
        )


def unit_of(command: Command, values: Values) -> int:
    unit = _the(Equipment, command, code=values["unit"], level=Equipment.Level.WORK_UNIT)
    _own_station(command, unit)
    return unit.pk


def job_of(command: Command, values: Values) -> int:
    by = {"work_order__code": values["work_order"], "number": values["operation"]}
    job = _the(JobOrder, command, "unit", **by)
    _own_station(command, job.unit)
    return job.pk


def _reason(command: Command, values: Values) -> int | None:
    code = values.get("reason")
    return _the(Reason, command, code=code).pk if code else None


def breakdown(command: Command, values: Values) -> Values:
    return equipment.report_breakdown(
        command,
        unit_id=unit_of(command, values),
        reason_id=_reason(command, values),
        note=values["note"],
        occurred_at=values.get("occurred_at"),
        back_at=values.get("back_at"),
        said_by=values["said_by"],
    )


def estimate(command: Command, values: Values) -> Values:
    return equipment.change_estimate(
        command,
        unit_id=unit_of(command, values),
        back_at=values["back_at"],
        said_by=values["said_by"],
    )


def repair(command: Command, values: Values) -> Values:
    return equipment.report_repair(
        command, unit_id=unit_of(command, values), occurred_at=values.get("occurred_at")
    )


def slow(command: Command, values: Values) -> Values:
    return equipment.report_slow(
        command,
        unit_id=unit_of(command, values),
        percent=values["percent"],
        note=values["note"],
        occurred_at=values.get("occurred_at"),
        back_at=values.get("back_at"),
        said_by=values["said_by"],
    )


def slow_change(command: Command, values: Values) -> Values:
    return equipment.change_slow(
        command,
        unit_id=unit_of(command, values),
        back_at=values["back_at"],
        percent=values.get("percent"),
        said_by=values["said_by"],
    )


def slow_end(command: Command, values: Values) -> Values:
    return equipment.end_slow(
        command, unit_id=unit_of(command, values), occurred_at=values.get("occurred_at")
    )


def _tool(command: Command, values: Values) -> int:
    return _the(Tool, command, code=values["tool"]).pk


def tool_lost(command: Command, values: Values) -> Values:
    return equipment.report_tool_lost(
        command,
        tool_id=_tool(command, values),
        note=values["note"],
        occurred_at=values.get("occurred_at"),
        back_at=values.get("back_at"),
        said_by=values["said_by"],
    )


def tool_back(command: Command, values: Values) -> Values:
    return equipment.change_tool_back(
        command,
        tool_id=_tool(command, values),
        back_at=values["back_at"],
        said_by=values["said_by"],
    )


def tool_found(command: Command, values: Values) -> Values:
    return equipment.report_tool_found(
        command, tool_id=_tool(command, values), occurred_at=values.get("occurred_at")
    )


def _person(command: Command, values: Values) -> int:
    skilled = PersonSkill.objects.filter(site=command.site, person__name=values["person"])
    found = skilled.values_list("person_id", flat=True).first()
    if found is None:
        raise Missing(_("Nobody of this name attends a machine here."))
    return found


def absence(command: Command, values: Values) -> Values:
    return workorders.report_absence(
        command,
        person_id=_person(command, values),
        starts_at=values.get("starts_at"),
        ends_at=values["ends_at"],
        note=values["note"],
        unit_id=unit_of(command, values) if "unit" in values else None,
    )


def absence_end(command: Command, values: Values) -> Values:
    return workorders.end_absence(command, person_id=_person(command, values))


def shift(command: Command, values: Values) -> Values:
    return equipment.open_place(
        command,
        equipment_id=_the(Equipment, command, code=values["place"]).pk,
        starts_at=values["starts_at"],
        ends_at=values["ends_at"],
        reason=values["note"],
    )


def shift_end(command: Command, values: Values) -> Values:
    place = _the(Equipment, command, code=values["place"])
    return equipment.end_opening(command, equipment_id=place.pk, window_ids=values["windows"])


def closure(command: Command, values: Values) -> Values:
    return equipment.close_place(
        command,
        equipment_id=_the(Equipment, command, code=values["place"]).pk,
        starts_at=values.get("starts_at"),
        ends_at=values["ends_at"],
        reason=values["note"],
    )


def closure_end(command: Command, values: Values) -> Values:
    place = _the(Equipment, command, code=values["place"])
    return equipment.reopen_place(command, equipment_id=place.pk, window_ids=values["windows"])


def start(command: Command, values: Values) -> Values:
    return workorders.start(command, job_order_id=job_of(command, values))


def stop(command: Command, values: Values) -> Values:
    return workorders.stop(
        command, job_order_id=job_of(command, values), reason_id=_reason(command, values)
    )


def resume(command: Command, values: Values) -> Values:
    return workorders.resume(command, job_order_id=job_of(command, values))


def finish(command: Command, values: Values) -> Values:
    return workorders.finish(command, job_order_id=job_of(command, values))


def production(command: Command, values: Values) -> Values:
    return workorders.report_production(
        command,
        job_order_id=job_of(command, values),
        good=values["good"],
        scrap=values["scrap"],
        rework=values["rework"],
        reason_id=_reason(command, values),
        occurred_at=values.get("occurred_at"),
    )


def correction(command: Command, values: Values) -> Values:
    response = _the(JobResponse, command, pk=values["response"])
    _own_station(command, response.unit)
    return workorders.correct_report(command, response_id=response.pk)


def check_waits(command: Command, values: Values) -> Values:
    lot = _the(Lot, command, code=values["lot"])
    return quality.report_waiting(command, lot_id=lot.pk, note=values["note"])


def check_withdrawn(command: Command, values: Values) -> Values:
    return quality.withdraw_waiting(command, lot_id=_the(Lot, command, code=values["lot"]).pk)


def check_done(command: Command, values: Values) -> Values:
    lot = _the(Lot, command, code=values["lot"])
    return quality.decide_lot(command, lot_id=lot.pk, status=values["status"], note=values["note"])


def move(command: Command, values: Values) -> Values:
    return workorders.move_job(
        command,
        job_order_id=job_of(command, values),
        to_unit_id=_the(Equipment, command, code=values["to_unit"]).pk,
        position=values["position"],
        reason=values["note"],
    )


def queue(command: Command, values: Values) -> Values:
    return workorders.set_queue(
        command,
        unit_id=unit_of(command, values),
        job_order_ids=[job_of(command, each) for each in values["jobs"]],
        reason=values["note"],
        expected_version=values.get("version"),
    )


def not_possible(command: Command, values: Values) -> Values:
    return workorders.refuse_job(command, job_order_id=job_of(command, values), why=values["why"])


def possible_again(command: Command, values: Values) -> Values:
    return workorders.allow_job(command, job_order_id=job_of(command, values))


def hold(command: Command, values: Values) -> Values:
    lot = _the(Lot, command, code=values["lot"]).pk if "lot" in values else None
    return quality.place_hold(
        command,
        lot_id=lot,
        job_order_id=None if lot is not None else job_of(command, values),
        reason_id=_reason(command, values),
        note=values["note"],
        expected_at=values.get("expected_at"),
    )


def release(command: Command, values: Values) -> Values:
    return quality.release_hold(command, hold_id=values["hold"])


def receive(command: Command, values: Values) -> Values:
    line = _the(PurchaseLine, command, order_code=values["purchase_order"], number=values["line"])
    return materials.receive(
        command,
        item_id=line.item_id,
        lot_code=values["lot"],
        quantity=values["quantity"],
        location_id=_the(Location, command, code=values["location"]).pk,
        purchase_line_id=line.pk,
    )


def _stock(command: Command, values: Values) -> Values:
    return {
        "lot_id": _the(Lot, command, code=values["lot"]).pk,
        "location_id": _the(Location, command, code=values["location"]).pk,
        "note": values["note"],
    }


def shortage(command: Command, values: Values) -> Values:
    return materials.report_shortage(command, **_stock(command, values), missing=values["missing"])


def count(command: Command, values: Values) -> Values:
    return materials.count(command, **_stock(command, values), counted=values["counted"])


def _purchase_line(command: Command, values: Values) -> int:
    order, number = values["purchase_order"], values["line"]
    return _the(PurchaseLine, command, order_code=order, number=number).pk


def purchase(command: Command, values: Values) -> Values:
    return materials.expect_purchase(
        command,
        purchase_line_id=_purchase_line(command, values),
        expected_from=values.get("expected_from"),
        expected_at=values["expected_at"],
        quantity=values.get("quantity"),
        source=values["said_by"],
    )


def receipt_correction(command: Command, values: Values) -> Values:
    return materials.correct_receipt(
        command,
        purchase_line_id=_purchase_line(command, values),
        lot_id=_the(Lot, command, code=values["lot"]).pk,
        quantity=values["quantity"],
    )


def order(command: Command, values: Values) -> Values:
    return materials.add_customer_order(
        command,
        code=values.get("order", ""),
        customer_id=_the(Customer, command, code=values["customer"]).pk,
        lines=[
            {**line, "item_id": _the(Item, command, code=line["item"]).pk}
            for line in values["lines"]
        ],
        rush=values["rush"],
    )


def _line(command: Command, values: Values) -> int:
    order_code, number = values["order"], values["line"]
    return _the(CustomerLine, command, order__code=order_code, number=number).pk


def order_change(command: Command, values: Values) -> Values:
    return materials.change_line(
        command,
        line_id=_line(command, values),
        quantity=values.get("quantity"),
        requested_at=values.get("requested_at"),
        promised_at=values.get("promised_at"),
        note=values["note"],
    )


def customer_return(command: Command, values: Values) -> Values:
    location = values.get("location")
    return quality.receive_return(
        command,
        line_id=_line(command, values),
        quantity=values["quantity"],
        why=values["why"],
        wants=values["wants"],
        needed_at=values.get("needed_at"),
        location_id=_the(Location, command, code=location).pk if location else None,
    )


def return_correction(command: Command, values: Values) -> Values:
    found = _the(CustomerReturn, command, lot__code=values["lot"])
    return quality.take_back_return(command, return_id=found.pk)


def order_cancel(command: Command, values: Values) -> Values:
    return materials.cancel_line(command, line_id=_line(command, values), note=values["note"])


def order_restore(command: Command, values: Values) -> Values:
    return materials.restore_line(command, line_id=_line(command, values))


def ship(command: Command, values: Values) -> Values:
    line = _the(CustomerLine, command, order__code=values["order"], number=values["line"])
    return materials.ship(command, line_id=line.pk, quantity=values["quantity"])


def call(command: Command, values: Values) -> Values:
    return planning.call(
        command,
        unit_id=unit_of(command, values),
        kind=values["whom"],
        stopped=values["stopped"],
        note=values["note"],
        job_order_id=job_of(command, values) if "work_order" in values else None,
    )


def call_taken(command: Command, values: Values) -> Values:
    return workorders.take_call(command, call_id=values["call"], minutes=values["minutes"])


def call_arrived(command: Command, values: Values) -> Values:
    return workorders.arrive(command, call_id=values["call"])


def call_ended(command: Command, values: Values) -> Values:
    return workorders.end_call(command, call_id=values["call"], outcome=values["outcome"])


def call_cancelled(command: Command, values: Values) -> Values:
    found = _the(AndonCall, command, pk=values["call"])
    _own_station(command, found.unit)
    return workorders.cancel_call(command, call_id=found.pk)


def clock(command: Command, values: Values) -> Values:
    return mes.move_clock(command, to=values["to"])


def speed(command: Command, values: Values) -> Values:
    return mes.set_speed(command, speed=values["speed"])


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of event: the act of the access table it needs, its body, and what it does."""

    access: str
    body: type[bodies.Body]
    act: Callable[[Command, Values], Values]


KINDS: dict[str, Kind] = {
    "breakdown": Kind("event.report", bodies.Breakdown, breakdown),
    "estimate": Kind("equipment.estimate", bodies.Estimate, estimate),
    "repair": Kind("event.report", bodies.Repair, repair),
    "slow": Kind("event.report", bodies.Slow, slow),
    "slow_change": Kind("equipment.estimate", bodies.SlowChange, slow_change),
    "slow_end": Kind("event.report", bodies.SlowEnd, slow_end),
    "tool_lost": Kind("event.report", bodies.ToolLost, tool_lost),
    "tool_back": Kind("equipment.estimate", bodies.ToolBack, tool_back),
    "tool_found": Kind("event.report", bodies.ToolFound, tool_found),
    "absence": Kind("absence.report", bodies.Absence, absence),
    "absence_end": Kind("absence.report", bodies.AbsenceEnd, absence_end),
    "shift": Kind("shift.open", bodies.Shift, shift),
    "shift_end": Kind("shift.open", bodies.ShiftEnd, shift_end),
    "closure": Kind("place.close", bodies.Closure, closure),
    "closure_end": Kind("place.close", bodies.ClosureEnd, closure_end),
    "start": Kind("station.work", bodies.Start, start),
    "stop": Kind("station.work", bodies.Stop, stop),
    "resume": Kind("station.work", bodies.Resume, resume),
    "finish": Kind("station.work", bodies.Finish, finish),
    "production": Kind("station.work", bodies.Production, production),
    "correction": Kind("station.work", bodies.Correction, correction),
    "check_waits": Kind("check.wait", bodies.CheckWaits, check_waits),
    "check_withdrawn": Kind("check.wait", bodies.CheckWithdrawn, check_withdrawn),
    "check_done": Kind("hold.release", bodies.CheckDone, check_done),
    "move": Kind("job.move", bodies.Move, move),
    "queue": Kind("job.move", bodies.Queue, queue),
    "not_possible": Kind("station.work", bodies.NotPossible, not_possible),
    "possible_again": Kind("station.work", bodies.PossibleAgain, possible_again),
    "hold": Kind("hold.place", bodies.Hold, hold),
    "release": Kind("hold.release", bodies.Release, release),
    "receive": Kind("purchase.receive", bodies.Receive, receive),
    "receipt_correction": Kind("stock.move", bodies.ReceiptCorrection, receipt_correction),
    "shortage": Kind("shortage.report", bodies.Shortage, shortage),
    "count": Kind("stock.count", bodies.Count, count),
    "purchase": Kind("purchase.expect", bodies.Purchase, purchase),
    "order": Kind("demand.change", bodies.Order, order),
    "order_change": Kind("demand.change", bodies.OrderChange, order_change),
    "return": Kind("return.receive", bodies.CustomerReturn, customer_return),
    "return_correction": Kind("return.receive", bodies.ReturnCorrection, return_correction),
    "order_cancel": Kind("demand.change", bodies.OrderCancel, order_cancel),
    "order_restore": Kind("demand.change", bodies.OrderRestore, order_restore),
    "ship": Kind("stock.move", bodies.Ship, ship),
    "call": Kind("call.raise", bodies.Call, call),
    "call_taken": Kind("call.answer", bodies.CallTaken, call_taken),
    "call_arrived": Kind("call.answer", bodies.CallArrived, call_arrived),
    "call_ended": Kind("call.answer", bodies.CallEnded, call_ended),
    "call_cancelled": Kind("call.raise", bodies.CallCancelled, call_cancelled),
    "clock": Kind("clock.move", bodies.Clock, clock),
    "speed": Kind("clock.move", bodies.Speed, speed),
}


def act_on(command: Command, body: dict[str, Any]) -> Values:
    """Run the action that a body of the API asks for.

    :raises Refused: if its kind is unknown, a field is wrong, or the action refuses.
    """
    kind = KINDS.get(str(body.get("kind", "")))
    if kind is None:
        raise Refused(
            _("This kind of event is not known. Send one of: %(kinds)s.")
            % {"kinds": ", ".join(KINDS)},
            code="unknown_kind",
        )
    return kind.act(command, checked(kind.body(data=body)))


class Events(APIView):
    access = "api"

    @extend_schema(
        operation_id="event_post",
        summary="Post what happened",
        description=(
            "What physically happened is never refused: a report beyond the order, or of a held "
            "lot, is stored as unsettled and answered 202 with the sentence. What is still to "
            "happen may be refused with 422. The same key with another body is 422 `key_reused`."
        ),
        parameters=[KEY_HEADER],
        request=PolymorphicProxySerializer(
            component_name="Event",
            serializers={name: kind.body for name, kind in KINDS.items()},
            resource_type_field_name="kind",
        ),
        responses={
            200: bodies.Done,
            202: bodies.Done,
            401: ErrorSerializer,
            403: ErrorSerializer,
            404: ErrorSerializer,
            409: ErrorSerializer,
            413: ErrorSerializer,
            422: ErrorSerializer,
            503: ErrorSerializer,
        },
    )
    def post(self, request: Request) -> Response:
        actor = actor_of(request)
        body = body_of(request)
        kind = KINDS.get(str(body.get("kind", "")))
        if kind is not None and not may(actor, kind.access):
            raise PermissionDenied(refusal(kind.access))
        return posted(request, "api.event", act_on, shape=None)
