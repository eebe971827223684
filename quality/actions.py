"""What can happen to the quality of things: holds, placed and released."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from equipment.models import Reason
from materials.actions import free_lot, hold_lot
from materials.models import Lot
from mes.commands import Command
from mes.errors import Refused
from mes.rows import find
from quality.models import Hold
from workorders.actions import free_job, hold_job
from workorders.models import JobOrder


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
    if expected_at is not None and expected_at <= command.now:
        raise Refused(_("The time of the decision lies in the past. Enter a later one."))
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


def expect_decision(
    command: Command, *, hold_id: int, expected_at: datetime | None
) -> dict[str, Any]:
    """Say when a hold is thought to be decided; None is 'nobody knows'.

    :raises Refused: if it was released, or the time is past.
    """
    hold = find(command, Hold, hold_id, lock=True)
    if hold.released_at is not None:
        raise _released_before()
    if expected_at is not None and expected_at <= command.now:
        raise Refused(_("The time of the decision lies in the past. Enter a later one."))
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


def _subject(hold: Hold) -> tuple[str, int]:
    if hold.lot_id is not None:
        return ("lot", hold.lot_id)
    assert hold.job_order_id is not None  # hold_is_on_a_lot_or_a_job_order
    return ("job_order", hold.job_order_id)


def _released_before() -> Refused:
    return Refused(_("This hold was released before."), status=409, code="done_already")
