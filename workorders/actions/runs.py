"""Starting, stopping and finishing job orders; holding and freeing them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import F
from django.utils.translation import gettext as _

from equipment.models import Equipment, Reason, UnitStatus
from materials.actions import usable_stock
from mes.commands import Command
from mes.errors import Refused
from mes.rows import find
from workorders import rules
from workorders.actions.floor import (
    Floor,
    follow_through,
    lock_floor,
    mounted_with,
    place_is_free,
    productive_until,
    running_beside,
    units_follow,
)
from workorders.actions.orders import put_at_head
from workorders.models import JobMaterial, JobOrder, WorkOrder


def start(command: Command, *, job_order_id: int) -> dict[str, Any]:
    """Start a job order, or start it again after a stop.

    It goes to the head of its unit's queue; the unit executes and is set up for its family.

    :raises Refused: if the job order, its unit, its pieces or its material are not ready.
    """
    floor = lock_floor(command, job_order_id)
    beside = running_beside(floor)
    _check_start(command, floor, beside)
    job, was = floor.job, floor.job.status
    started_at = job.started_at or command.now
    done = JobOrder.objects.filter(pk=job.pk, status__in=rules.MAY_START).update(
        status=JobOrder.Status.RUNNING,
        started_at=started_at,
        running_since=command.now,
        version=F("version") + 1,
    )
    if not done:  # the check above holds the row, so this is a mistake of ours
        raise AssertionError("a locked job order changed its status")
    job.status, job.started_at, job.running_since = (
        JobOrder.Status.RUNNING,
        started_at,
        command.now,
    )
    put_at_head(command, job)
    WorkOrder.objects.filter(pk=floor.order.pk).update(
        last_movement_at=command.now, version=F("version") + 1
    )
    _mounted, place = mounted_with(floor, beside)
    resumed = was == JobOrder.Status.SUSPENDED
    command.record(
        "workorders.job.resumed" if resumed else "workorders.job.started",
        subject=("job_order", job.pk),
        body={
            "work_order_id": floor.order.pk,
            "unit_id": floor.unit.pk,
            "was": was,
            "status": job.status,
            "family": job.family,
            "place": place,
            "started_at": started_at,
        },
    )
    units_follow(command, floor, beside, [], at=command.now)
    return {
        "job_order_id": job.pk,
        "status": job.status,
        "message": _("%(job)s runs on %(unit)s.") % {"job": floor.name, "unit": floor.unit.code},
    }


def resume(command: Command, *, job_order_id: int) -> dict[str, Any]:
    """Start a stopped job order again.

    :raises Refused: if it is not stopped, or can't run now.
    """
    job = find(command, JobOrder, job_order_id)
    if job.status == JobOrder.Status.RUNNING:
        raise _already(_("This job is already running."))
    if job.status != JobOrder.Status.SUSPENDED:
        raise Refused(_("This job was not stopped. Start it instead."))
    return start(command, job_order_id=job_order_id)


def stop(
    command: Command,
    *,
    job_order_id: int,
    reason_id: int | None = None,
    unit_state: str | None = None,
) -> dict[str, Any]:
    """Stop a running job order, with the reason if somebody knows it.

    unit_state  HELD or STOPPED if the unit itself stands; else it is idle when nothing runs.

    :raises Refused: if it is not running.
    """
    floor = lock_floor(command, job_order_id)
    reason = None if reason_id is None else find(command, Reason, reason_id)
    if floor.job.status != JobOrder.Status.RUNNING:
        raise _already(_("%(job)s is not running.") % {"job": floor.name})
    if unit_state is None:
        unit_state = UnitStatus.State.IDLE if reason is None else UnitStatus.State.HELD
    if unit_state not in {"IDLE", "HELD", "STOPPED"}:
        raise Refused(_("A stop leaves the unit idle, held or stopped. Report a breakdown apart."))
    beside = running_beside(floor)
    _pause(
        command,
        floor.unit,
        floor.job,
        to=JobOrder.Status.SUSPENDED,
        at=command.now,
        cause="STOP",
        reason_id=reason_id,
    )
    units_follow(command, floor, beside, [], at=command.now, stop_state=unit_state, reason=reason)
    return {"job_order_id": floor.job.pk, "status": floor.job.status}


def finish(command: Command, *, job_order_id: int) -> dict[str, Any]:
    """Finish a job order with the pieces that it has; the rest is closed short.

    :raises Refused: if it has not been started or has ended.
    """
    floor = lock_floor(command, job_order_id)
    job, was = floor.job, floor.job.status
    if was in rules.ENDED:
        raise _already(_("%(job)s is finished already.") % {"job": floor.name})
    if was == JobOrder.Status.HELD:
        raise Refused(_held_sentence(floor))
    if job.started_at is None:
        raise Refused(
            _("%(job)s has not been started. Start it, or let a planner close the order.")
            % {"job": floor.name}
        )
    beside = running_beside(floor)
    open_quantity = job.quantity - job.good - job.scrap - job.rework
    productive_s = productive_until(command, floor.unit, job, command.now)
    JobOrder.objects.filter(pk=job.pk).update(closed_short=True, productive_s=productive_s)
    job.closed_short, job.productive_s = True, productive_s
    others = follow_through(command, floor, at=command.now, reported=False, place_free=False)
    command.record(
        "workorders.job.finished",
        subject=("job_order", job.pk),
        body={
            "work_order_id": floor.order.pk,
            "unit_id": floor.unit.pk,
            "was": was,
            "status": job.status,
            "good": job.good,
            "scrap": job.scrap,
            "rework": job.rework,
            "closed_short": open_quantity,
            "productive_s": productive_s,
            "order_status": floor.order.status,
            "others": others,
        },
    )
    units_follow(command, floor, beside, others, at=command.now)
    return {"job_order_id": job.pk, "status": job.status, "order_status": floor.order.status}


def hold_job(command: Command, *, job_order_id: int) -> tuple[str, JobOrder]:
    """Bar a job order from running and return the status that it had. Called with a hold.

    :raises Refused: if it is held or has ended.
    """
    floor = lock_floor(command, job_order_id)
    was = floor.job.status
    if was == JobOrder.Status.HELD:
        raise _already(_("%(job)s is already on hold.") % {"job": floor.name})
    if was in rules.ENDED:
        raise Refused(
            _("%(job)s has ended. Hold the lot that it made instead.") % {"job": floor.name}
        )
    if was == JobOrder.Status.RUNNING:
        beside = running_beside(floor)
        _pause(
            command,
            floor.unit,
            floor.job,
            to=JobOrder.Status.HELD,
            at=command.now,
            cause="HOLD",
            reason_id=None,
        )
        units_follow(command, floor, beside, [], at=command.now)
    else:
        JobOrder.objects.filter(pk=floor.job.pk, status=was).update(
            status=JobOrder.Status.HELD, version=F("version") + 1
        )
    return was, floor.job


def free_job(command: Command, *, job_order_id: int) -> str:
    """Let a held job order run again: stopped if it had been started, else waiting or ready."""
    floor = lock_floor(command, job_order_id)
    job = floor.job
    if job.status != JobOrder.Status.HELD:
        return job.status
    waits = rules.waits_for_pieces(floor.feeds(job), job.quantity)
    fresh = JobOrder.Status.WAITING if waits else JobOrder.Status.READY
    status = JobOrder.Status.SUSPENDED if job.started_at else fresh
    JobOrder.objects.filter(pk=job.pk, status=JobOrder.Status.HELD).update(
        status=status, version=F("version") + 1
    )
    return status


def suspend_jobs_of(*, command: Command, unit: Equipment, at: datetime, **_signal: Any) -> None:
    """Suspend what ran on a unit that went down; hears of it from equipment."""
    running = (
        JobOrder.objects.select_for_update(no_key=True)
        .filter(site=command.site, unit=unit, status=JobOrder.Status.RUNNING)
        .order_by("pk")
    )
    for job in running:
        _pause(
            command,
            unit,
            job,
            to=JobOrder.Status.SUSPENDED,
            at=at,
            cause="BREAKDOWN",
            reason_id=None,
        )


def _pause(
    command: Command,
    unit: Equipment,
    job: JobOrder,
    *,
    to: str,
    at: datetime,
    cause: str,
    reason_id: int | None,
) -> None:
    was = job.status
    job.productive_s = productive_until(command, unit, job, at)
    JobOrder.objects.filter(pk=job.pk, status=JobOrder.Status.RUNNING).update(
        status=to, productive_s=job.productive_s, running_since=None, version=F("version") + 1
    )
    job.status, job.running_since = to, None
    command.record(
        "workorders.job.stopped",
        subject=("job_order", job.pk),
        body={
            "work_order_id": job.work_order_id,
            "unit_id": unit.pk,
            "was": was,
            "status": to,
            "reason_id": reason_id,
            "productive_s": job.productive_s,
            "cause": cause,
        },
        occurred_at=at,
    )


def _check_start(command: Command, floor: Floor, beside: list[JobOrder]) -> None:
    job, name, unit = floor.job, floor.name, floor.unit
    if job.status == JobOrder.Status.RUNNING:
        raise _already(_("%(job)s is already running.") % {"job": name})
    if job.status in rules.ENDED or floor.order.status != WorkOrder.Status.RELEASED:
        raise Refused(_("%(job)s has ended. There is nothing left to start.") % {"job": name})
    if job.status == JobOrder.Status.HELD:
        raise Refused(_held_sentence(floor))
    if floor.state.state == UnitStatus.State.ABORTED:
        raise Refused(
            _("%(unit)s is down. Report it repaired first, or ask planning to move %(job)s.")
            % {"unit": unit.code, "job": name}
        )
    if not place_is_free(floor, beside):
        other = beside[0]
        raise Refused(
            _("%(unit)s is busy with %(other)s. Stop or finish it first.")
            % {"unit": unit.code, "other": f"{other.work_order.code} / {other.number}"}
        )
    if rules.waits_for_pieces(floor.feeds(job), job.quantity):
        before = next(
            floor.jobs[link.predecessor_id] for link in floor.links if link.follower_id == job.pk
        )
        raise Refused(
            _(
                "%(job)s waits for operation %(before)s: %(good)s good pieces are there. "
                "Choose another job."
            )
            % {"job": name, "before": before.number, "good": format(before.good.normalize(), "f")}
        )
    _check_material(command, floor)


def _check_material(command: Command, floor: Floor) -> None:
    """A start is refused for material that lies here but may not be used."""
    if not command.site.checks_stock:
        return
    needs = [
        row
        for row in JobMaterial.objects.filter(job_order=floor.job).select_related("item")
        if row.item.tracked and row.issued < row.required
    ]
    if not needs:
        return
    usable = usable_stock(command, [row.item_id for row in needs], at=command.now)
    for row in needs:
        barred = usable.barred.get(row.item_id)
        if barred and not usable.stock.get(row.item_id):
            lots = ", ".join(sorted({lot.code for lot in barred}))
            raise Refused(
                _(
                    "%(job)s needs %(item)s, but lot %(lots)s may not be used. "
                    "Ask quality, or choose another job."
                )
                % {"job": floor.name, "item": row.item.code, "lots": lots}
            )


def _held_sentence(floor: Floor) -> str:
    return _("%(job)s is on hold. Quality decides about it; choose another job.") % {
        "job": floor.name
    }


def _already(sentence: str) -> Refused:
    return Refused(sentence, status=409, code="done_already")
