"""What a person can say has happened: the act that records it, the cause that it belongs to, and
the act that takes it back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from equipment.actions import (
    close_place,
    end_slow,
    open_place,
    reopen_place,
    report_breakdown,
    report_slow,
    report_tool_found,
    report_tool_lost,
)
from materials import actions as materials
from materials.models import CustomerLine, PurchaseLine, StockBalance, StockMove
from mes.commands import Command
from mes.errors import Refused
from mes.rows import find
from planning.actions.by_hand import Key
from planning.models import Disruption
from quality.actions import (
    place_hold,
    receive_return,
    report_waiting,
    take_back_return,
    withdraw_waiting,
)
from workorders.actions import (
    allow_job,
    end_absence,
    move_job,
    report_absence,
    restore_queue,
)
from workorders.models import JobOrder
from workorders.rules import OPEN

LAST = 10**6  # a place behind every job of a queue

Values = Mapping[str, Any]
Act = Callable[..., dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Happening:
    """One kind of event.

    name  of the command, as its key is stored with.
    act   the action, with the values of a form by name.
    key   the cause of the disruption that it opens or touches, from those values and the answer.
    """

    name: str
    act: Act
    key: Callable[[Values, Values], Key]


def _unit(values: Values, _answer: Values) -> Key:
    return ("BREAKDOWN", "unit", int(values["unit_id"]))


def _slow(values: Values, _answer: Values) -> Key:
    return ("SLOW", "unit", int(values["unit_id"]))


def _tool(values: Values, _answer: Values) -> Key:
    return ("TOOL", "tool", int(values["tool_id"]))


def _hold(values: Values, _answer: Values) -> Key:
    if values.get("lot_id"):
        return ("HOLD", "lot", int(values["lot_id"]))
    return ("HOLD", "job_order", int(values["job_order_id"]))


def _return(_values: Values, answer: Values) -> Key:
    return ("RETURN", "customer_return", int(answer["return_id"]))


def _check(values: Values, _answer: Values) -> Key:
    return ("CHECK", "lot", int(values["lot_id"]))


def _queue(values: Values, _answer: Values) -> Key:
    return ("QUEUE", "unit", int(values["to_unit_id"]))


def _place(values: Values, _answer: Values) -> Key:
    return ("CLOSURE", "place", int(values["equipment_id"]))


def _person(values: Values, _answer: Values) -> Key:
    return ("ABSENCE", "person", int(values["person_id"]))


def _shift(values: Values, _answer: Values) -> Key:
    """A shift that is added hurts nobody: no disruption has this cause."""
    return ("SHIFT", "place", int(values["equipment_id"]))


def _lot(values: Values, _answer: Values) -> Key:
    return ("SHORTAGE", "lot", int(values["lot_id"]))


def _purchase(values: Values, _answer: Values) -> Key:
    return ("SUPPLY", "purchase_line", int(values["purchase_line_id"]))


def _line(values: Values, answer: Values) -> Key:
    return ("DEMAND", "customer_line", int(answer.get("line_id") or answer["line_ids"][0]))


HAPPENINGS: dict[str, Happening] = {
    "breakdown": Happening("equipment.breakdown", report_breakdown, _unit),
    "slow": Happening("equipment.slow", report_slow, _slow),
    "tool": Happening("equipment.tool.lost", report_tool_lost, _tool),
    "closure": Happening("equipment.place.close", close_place, _place),
    "queue": Happening("workorders.job.move", move_job, _queue),
    "absence": Happening("workorders.absence", report_absence, _person),
    "shift": Happening("equipment.place.open", open_place, _shift),
    "hold": Happening("quality.hold.place", place_hold, _hold),
    "check": Happening("quality.check.wait", report_waiting, _check),
    "shortage": Happening("materials.shortage", materials.report_shortage, _lot),
    "count": Happening("materials.count", materials.count, _lot),
    "purchase": Happening("materials.purchase.expect", materials.expect_purchase, _purchase),
    "receipt": Happening("materials.receive", materials.receive, _purchase),
    "order": Happening("materials.order.add", materials.add_customer_order, _line),
    "demand": Happening("materials.line.change", materials.change_line, _line),
    "return": Happening("materials.return.receive", receive_return, _return),
    "cancel": Happening("materials.line.cancel", materials.cancel_line, _line),
}

# What of the access table it needs to say that it never happened, by kind of disruption.
TAKEN_BACK_BY = {
    "SHORTAGE": "stock.count",
    "SUPPLY": "purchase.expect",
    "DEMAND": "demand.change",
    "CLOSURE": "place.close",
    "CHECK": "check.wait",
    "RETURN": "return.receive",
    "QUEUE": "job.move",
    "REFUSED": "job.move",
    "ABSENCE": "absence.report",
    "SLOW": "event.report",
    "TOOL": "event.report",
}


def take_back(command: Command, *, disruption_id: int) -> dict[str, Any]:
    """Say that a fact was wrong: its reverse is recorded, and the plan is as it was before.

    :raises Refused: if it is over, or is ended by another act (a repair, a release).
    """
    row = find(command, Disruption, disruption_id, lock=True)
    if row.state == Disruption.State.CLOSED:
        raise Refused(_("It is closed already."), status=409, code="done_already")
    if row.kind not in TAKEN_BACK_BY:
        raise Refused(_("This is ended by its own act: a repair, a release, a correction."))
    if row.kind == Disruption.Kind.ABSENCE:
        return end_absence(command, person_id=row.subject_id)
    if row.kind == Disruption.Kind.SLOW:
        return end_slow(command, unit_id=row.subject_id)
    if row.kind == Disruption.Kind.TOOL:
        return report_tool_found(command, tool_id=row.subject_id)
    note = _("taken back")
    if row.kind == Disruption.Kind.SHORTAGE:
        return _found_again(command, row, note)
    if row.kind == Disruption.Kind.SUPPLY:
        if row.cause.get("overdue"):
            raise Refused(_("It has not come. Receive it, or say when it comes."))
        line = find(command, PurchaseLine, row.subject_id)
        return materials.expect_purchase(
            command,
            purchase_line_id=line.pk,
            expected_at=max(line.promised_at, command.now),
            quantity=line.quantity,
            source=command.actor.name,
        )
    if row.kind == Disruption.Kind.CLOSURE:
        window_ids = [each["window_id"] for each in row.cause["windows"]]
        return reopen_place(command, equipment_id=row.subject_id, window_ids=window_ids)
    if row.kind == Disruption.Kind.RETURN:
        return take_back_return(command, return_id=row.subject_id)
    if row.kind == Disruption.Kind.CHECK:
        if row.cause.get("waits_too_long"):
            raise Refused(_("It does wait too long. Quality decides on it; that closes it."))
        return withdraw_waiting(command, lot_id=row.subject_id)
    if row.kind == Disruption.Kind.QUEUE:
        return _queues_as_before(command, row, note)
    if row.kind == Disruption.Kind.REFUSED:
        return allow_job(command, job_order_id=row.subject_id)
    was = row.cause["was"]
    if not was:
        return materials.cancel_line(command, line_id=row.subject_id, note=note)
    if row.cause["change"] == "CANCELLED":
        materials.restore_line(command, line_id=row.subject_id)
    return _wanted_as_before(command, row.subject_id, was, note)


def _found_again(command: Command, row: Disruption, note: str) -> dict[str, Any]:
    """Count back in what a lot was short of, at the place where it was counted last."""
    moves = StockMove.objects.filter(
        site=command.site, lot=row.subject_id, reason=StockMove.Reason.COUNT
    )
    place = moves.order_by("-event_seq", "-n").values_list("location_id", flat=True).first()
    if place is None:
        raise Refused(_("Nothing was counted of it. Count it."))
    there = StockBalance.objects.filter(site=command.site, lot=row.subject_id, location=place)
    booked = there.values_list("quantity", flat=True).first() or Decimal(0)
    return materials.count(
        command,
        lot_id=row.subject_id,
        location_id=place,
        counted=booked + Decimal(row.cause["missing"]),
        note=note,
    )


def _queues_as_before(command: Command, row: Disruption, note: str) -> dict[str, Any]:
    """Put what still waits back to where it stood before the first change by hand."""
    for job in row.cause["jobs"]:
        stands = find(command, JobOrder, job["job_id"])
        waits = stands.status in OPEN and stands.status != JobOrder.Status.RUNNING
        if waits and stands.unit_id != job["from_id"]:
            move_job(
                command,
                job_order_id=stands.pk,
                to_unit_id=job["from_id"],
                position=LAST,
                reason=note,
            )
    for each in row.cause["queues"]:
        restore_queue(command, each["unit_id"], each["job_ids"], note)
    return {"unit_id": row.subject_id}


def _wanted_as_before(
    command: Command, line_id: int, was: Mapping[str, Any], note: str
) -> dict[str, Any]:
    line = find(command, CustomerLine, line_id)
    quantity = Decimal(was["quantity"])
    requested_at = datetime.fromisoformat(was["requested_at"])
    promised_at = datetime.fromisoformat(was["promised_at"]) if was["promised_at"] else None
    wanted = (quantity, requested_at, promised_at)
    if wanted == (line.quantity, line.requested_at, line.promised_at):
        return {"line_id": line.pk}
    return materials.change_line(
        command,
        line_id=line.pk,
        quantity=quantity,
        requested_at=requested_at,
        promised_at=promised_at,
        note=note,
    )
