"""What can happen to the quality of things: holds, decisions on lots that wait, returns."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import F, QuerySet
from django.utils.translation import gettext as _

from equipment.models import Reason
from materials import actions as materials
from materials.actions import free_lot, hold_lot, judge_lot
from materials.models import CustomerLine, CustomerReturn, Lot
from mes.commands import Command
from mes.dates import check_day
from mes.errors import Refused
from mes.models import Role, Task
from mes.rows import find
from quality.models import Hold
from workorders.actions import free_job, hold_job, reserve, unreserve
from workorders.models import JobOrder, Reservation


def place_hold(
    command: Command,
    *,
    lot_id: int | None = None,
    job_order_id: int | None = None,
    reason_id: int | None = None,
    note: str = "",
    expected_at: datetime | None = None,
) -> dict[str, Any]:
    """Bar a lot or a job order from use until somebody entitled releases it.

    expected_at  when quality thinks to decide; None where nobody knows.

    :raises Refused: if it is held already or has ended, or the time is past.
    """
    if (lot_id is None) == (job_order_id is None):
        raise Refused(_("Choose one lot or one job to hold."))
    _check_expected(command, expected_at)
    reason = None if reason_id is None else find(command, Reason, reason_id)
    lot: Lot | None = None
    job: JobOrder | None = None
    if lot_id is not None:
        lot = find(command, Lot, lot_id, lock=True)
        was = hold_lot(command, lot=lot, free_at=expected_at)
        subject = ("lot", lot.pk)
    else:
        assert job_order_id is not None  # one of the two, checked above
        was, job = hold_job(command, job_order_id=job_order_id)
        subject = ("job_order", job.pk)
    answer: dict[str, Any] = {"lot_id": lot_id, "job_order_id": job_order_id}

    def store(seq: int) -> None:
        row = Hold.objects.create(
            site=command.site,
            lot=lot,
            job_order=job,
            held_from=was,
            reason=reason,
            note=note,
            placed_at=command.now,
            placed_by_id=command.actor.person_id,
            placed_seq=seq,
            expected_at=expected_at,
        )
        answer["hold_id"] = row.pk

    command.record(
        "quality.hold.placed",
        subject=subject,
        body={
            "lot_id": lot_id,
            "job_order_id": job_order_id,
            "was": was,
            "reason_id": reason_id,
            "note": note,
            "expected_at": expected_at,
        },
        then=store,
    )
    return answer


def _check_expected(command: Command, expected_at: datetime | None) -> None:
    if expected_at is not None and expected_at <= command.now:
        raise Refused(_("The time of the decision lies in the past. Enter a later one."))
    check_day(command.now, expected_at)


def expect_decision(
    command: Command, *, hold_id: int, expected_at: datetime | None
) -> dict[str, Any]:
    """Say when a hold is thought to be decided; None is 'nobody knows'.

    :raises Refused: if it was released, or the time is past.
    """
    hold = find(command, Hold, hold_id, lock=True)
    if hold.released_at is not None:
        raise _released_before()
    _check_expected(command, expected_at)
    Hold.objects.filter(pk=hold.pk).update(expected_at=expected_at)
    if hold.lot_id is not None:
        Lot.objects.filter(pk=hold.lot_id).update(free_at=expected_at)
    command.record(
        "quality.hold.expected",
        subject=_subject(hold),
        body={
            "hold_id": hold.pk,
            "lot_id": hold.lot_id,
            "job_order_id": hold.job_order_id,
            "expected_at": expected_at,
            "was": hold.expected_at,
        },
    )
    return {"hold_id": hold.pk}


def release_hold(command: Command, *, hold_id: int) -> dict[str, Any]:
    """End a hold: the lot is what it was before, the job order may run again.

    :raises Refused: if somebody released it before.
    """
    hold = find(command, Hold, hold_id)
    if hold.lot_id is not None:
        # The lot's lock first, as who places a hold takes it.
        lot = find(command, Lot, hold.lot_id, lock=True)
        status = hold.held_from
    released = Hold.objects.filter(pk=hold.pk, released_at=None).update(
        released_at=command.now, released_by_id=command.actor.person_id
    )
    if not released:
        raise _released_before()
    if hold.lot_id is not None:
        free_lot(command, lot=lot, status=status)
        _end_tasks(command, lot)
    else:
        assert hold.job_order_id is not None  # hold_is_on_a_lot_or_a_job_order
        status = free_job(command, job_order_id=hold.job_order_id)

    def mark(seq: int) -> None:
        Hold.objects.filter(pk=hold.pk).update(released_seq=seq)

    command.record(
        "quality.hold.released",
        subject=_subject(hold),
        body={
            "hold_id": hold.pk,
            "lot_id": hold.lot_id,
            "job_order_id": hold.job_order_id,
            "status": status,
        },
        then=mark,
    )
    return {"hold_id": hold.pk}


def ask_concession(command: Command, *, lot_id: int, expected_at: datetime) -> dict[str, Any]:
    """Ask quality to let a held lot be used as it is, and expect that by a time.

    Nothing is free until somebody entitled releases the hold.

    :raises Refused: if the lot is not held, quality refused it before, or the time is past.
    """
    hold = _hold_on(command, lot_id)
    if hold.concession == Hold.Concession.REFUSED:
        raise Refused(_("Quality refused to let it be used as it is."), status=409)
    _check_expected(command, expected_at)
    _concede(hold, Hold.Concession.ASKED, expected_at)
    command.record(
        "quality.concession.asked",
        subject=("lot", lot_id),
        body={
            "hold_id": hold.pk,
            "lot_id": lot_id,
            "expected_at": expected_at,
            "was": hold.expected_at,
        },
    )
    return {"hold_id": hold.pk, "was": hold.expected_at}


def withdraw_concession(
    command: Command, *, lot_id: int, expected_at: datetime | None
) -> dict[str, Any]:
    """Take back that a held lot is to be used as it is; it is decided as was expected before.

    :raises Refused: if the lot is not held.
    """
    hold = _hold_on(command, lot_id)
    _concede(hold, Hold.Concession.NONE, expected_at)
    _record_withdrawn(command, hold, expected_at, refused=False)
    return {"hold_id": hold.pk}


def refuse_concession(command: Command, *, lot_id: int) -> dict[str, Any]:
    """Record that quality does not let a held lot be used as it is.

    :raises Refused: if the lot is not held.
    """
    hold = _hold_on(command, lot_id)
    _concede(hold, Hold.Concession.REFUSED, hold.expected_at)
    _record_withdrawn(command, hold, hold.expected_at, refused=True)
    return {"hold_id": hold.pk}


def _hold_on(command: Command, lot_id: int) -> Hold:
    find(command, Lot, lot_id, lock=True)
    hold = Hold.objects.filter(site=command.site, lot=lot_id, released_at=None).first()
    if hold is None:
        raise Refused(_("This lot is not on hold any more."), status=409)
    return hold


def _concede(hold: Hold, state: str, expected_at: datetime | None) -> None:
    Hold.objects.filter(pk=hold.pk).update(concession=state, expected_at=expected_at)
    Lot.objects.filter(holds=hold).update(free_at=expected_at)


def _record_withdrawn(
    command: Command, hold: Hold, expected_at: datetime | None, *, refused: bool
) -> None:
    command.record(
        "quality.concession.withdrawn",
        subject=_subject(hold),
        body={
            "hold_id": hold.pk,
            "lot_id": hold.lot_id,
            "expected_at": expected_at,
            "refused": refused,
        },
    )


def report_waiting(command: Command, *, lot_id: int, note: str = "") -> dict[str, Any]:
    """Record that somebody waits too long for the decision on a lot; quality gets a task.

    :raises Refused: if nothing is to be decided on it, or it was said before.
    """
    lot = find(command, Lot, lot_id, lock=True)
    if lot.status not in (Lot.Status.QUARANTINE, Lot.Status.HELD):
        raise Refused(_("Nothing is to be decided on lot %(lot)s.") % {"lot": lot.code})
    if _tasks_on(command, lot).exists():
        raise Refused(
            _("Quality was asked to decide on lot %(lot)s already.") % {"lot": lot.code},
            status=409,
            code="done_already",
        )
    said = _("Decide on lot %(lot)s (%(item)s)") % {"lot": lot.code, "item": lot.item.code}
    Task.objects.create(
        site=command.site,
        role=Role.QUALITY,
        text=(f"{said}: {note}" if note else said)[:200],
        subject_type="lot",
        subject_id=lot.pk,
        created_at=command.now,
    )
    command.record(
        "quality.check.waits", subject=("lot", lot.pk), body={"lot_id": lot.pk, "note": note}
    )
    return {"lot_id": lot.pk}


def expect_check(command: Command, *, lot_id: int, expected_at: datetime | None) -> dict[str, Any]:
    """Say when quality decides on a lot in quarantine; None: nobody knows.

    :raises Refused: if it is not in quarantine, or that instant is past.
    """
    lot = find(command, Lot, lot_id, lock=True)
    if lot.status != Lot.Status.QUARANTINE:
        raise Refused(_("Nothing is to be decided on lot %(lot)s.") % {"lot": lot.code})
    _check_expected(command, expected_at)
    Lot.objects.filter(pk=lot.pk).update(free_at=expected_at, version=F("version") + 1)
    command.record(
        "quality.check.expected",
        subject=("lot", lot.pk),
        body={"lot_id": lot.pk, "expected_at": expected_at, "expected_before": lot.free_at},
    )
    return {"lot_id": lot.pk}


def withdraw_waiting(command: Command, *, lot_id: int) -> dict[str, Any]:
    """Take back that a check waits too long; quality's task is off.

    :raises Refused: if nobody said so.
    """
    lot = find(command, Lot, lot_id, lock=True)
    if not _end_tasks(command, lot):
        raise Refused(_("Nobody waits for lot %(lot)s.") % {"lot": lot.code})
    command.record("quality.check.withdrawn", subject=("lot", lot.pk), body={"lot_id": lot.pk})
    return {"lot_id": lot.pk}


def decide_lot(command: Command, *, lot_id: int, status: str, note: str = "") -> dict[str, Any]:
    """Decide on a lot in quarantine: RELEASED or REJECTED; QUARANTINE takes the decision back.

    :raises Refused: if it is decided already, or held.
    """
    lot = find(command, Lot, lot_id, lock=True)
    judge_lot(command, lot=lot, status=status)
    if status != Lot.Status.QUARANTINE:
        _end_tasks(command, lot)
        Task.objects.filter(
            site=command.site,
            role=Role.QUALITY,
            subject_type="customer_return",
            subject_id__in=CustomerReturn.objects.filter(lot=lot).values("pk"),
            done_at=None,
        ).update(done_at=command.now, done_by_id=command.actor.person_id)
    command.record(
        "quality.lot.decided",
        subject=("lot", lot.pk),
        body={"lot_id": lot.pk, "was": lot.status, "status": status, "note": note},
    )
    return {"lot_id": lot.pk, "status": status}


def receive_return(
    command: Command,
    *,
    line_id: int,
    quantity: Decimal,
    why: str,
    wants: str = CustomerReturn.Wants.NOTHING,
    needed_at: datetime | None = None,
    location_id: int | None = None,
) -> dict[str, Any]:
    """Receive what a customer sends back; quality checks it, sales answers him.

    What he wants to have put right is kept for him.

    :raises Refused: as `materials.actions.receive_return`.
    """
    answer = materials.receive_return(
        command,
        line_id=line_id,
        quantity=quantity,
        why=why,
        wants=wants,
        needed_at=needed_at,
        location_id=location_id,
    )
    if wants == CustomerReturn.Wants.REWORK:
        reserve(
            command,
            quantity=quantity,
            reason=why,
            lot_id=answer["lot_id"],
            customer_line_id=answer["replacement_line_id"],
        )
    line = find(command, CustomerLine, line_id)
    said = {
        "what": f"{line.order.code}/{line.number}",
        "customer": line.order.customer.name,
        "why": why.strip(),
    }
    asked = {Role.QUALITY: _("Check what came back of %(what)s: %(why)s.") % said}
    if needed_at is not None:
        asked[Role.SALES] = _("Tell %(customer)s when the exchange for %(what)s comes.") % said
    for role, text in asked.items():
        Task.objects.create(
            site=command.site,
            role=role,
            text=text[:200],
            subject_type="customer_return",
            subject_id=answer["return_id"],
            created_at=command.now,
            due_at=needed_at if role == Role.SALES else None,
        )
    return answer


def take_back_return(command: Command, *, return_id: int) -> dict[str, Any]:
    """Take back a return that was booked by mistake; what it asked of people is off.

    :raises Refused: as `materials.actions.take_back_return`.
    """
    row = find(command, CustomerReturn, return_id)
    for kept in Reservation.objects.filter(site=command.site, lot=row.lot_id):
        unreserve(command, reservation_id=kept.pk, reason=_("return taken back"))
    answer = materials.take_back_return(command, return_id=row.pk)
    Task.objects.filter(
        site=command.site, subject_type="customer_return", subject_id=row.pk, done_at=None
    ).update(done_at=command.now, done_by_id=command.actor.person_id)
    return answer


def _tasks_on(command: Command, lot: Lot) -> QuerySet[Task]:
    """What quality was asked to decide on a lot, and has not done."""
    return Task.objects.filter(
        site=command.site,
        role=Role.QUALITY,
        subject_type="lot",
        subject_id=lot.pk,
        done_at=None,
    )


def _end_tasks(command: Command, lot: Lot) -> int:
    return _tasks_on(command, lot).update(done_at=command.now, done_by_id=command.actor.person_id)


def _subject(hold: Hold) -> tuple[str, int]:
    if hold.lot_id is not None:
        return ("lot", hold.lot_id)
    assert hold.job_order_id is not None  # hold_is_on_a_lot_or_a_job_order
    return ("job_order", hold.job_order_id)


def _released_before() -> Refused:
    return Refused(_("This hold was released before."), status=409, code="done_already")
