"""The order of the open job orders at a unit; a job is moved, or can't be done where it stands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import F
from django.utils.translation import gettext as _

from equipment.models import Equipment
from mes.commands import Command
from mes.errors import Missing, Refused, Stale
from mes.rows import find
from workorders import rules
from workorders.actions.floor import lock_floor
from workorders.actions.orders import ensure_queues
from workorders.models import JobAlternate, JobOrder, UnitQueue


def set_queue(
    command: Command,
    *,
    unit_id: int,
    job_order_ids: Sequence[int],
    reason: str = "",
    expected_version: int | None = None,
) -> dict[str, Any]:
    """Set the whole order of a unit's open job orders.

    expected_version  of the queue that the person saw; None takes whatever is there.

    :raises Stale: if the queue was changed since, or its job orders are no longer these.
    :raises Missing: if one of them doesn't exist here.
    """
    unit = find(command, Equipment, unit_id)
    asked = list(job_order_ids)
    if len(set(asked)) != len(asked):
        raise Refused(_("A job stands twice in this order. Take one of the two out."))
    known = set(
        JobOrder.objects.filter(site=command.site, pk__in=asked).values_list("pk", flat=True)
    )
    if set(asked) - known:
        raise Missing(_("One of these jobs does not exist here. Reload the page."))
    queue = _lock_queues(command, [unit.pk])[unit.pk]
    there = _open_jobs(unit)
    gone, new = rules.compare_queue(asked, there)
    if expected_version is not None and queue.version != expected_version:
        raise _stale(unit, queue, gone, new)
    if gone or new:
        raise _stale(unit, queue, gone, new)
    moved = rules.moved(queue.job_order_ids, asked)
    if asked == queue.job_order_ids:
        return {"unit_id": unit.pk, "version": queue.version, "moved": []}
    _store_queue(command, queue, asked, moved=moved, reason=reason)
    _say_why(command, moved, reason)
    return {"unit_id": unit.pk, "version": queue.version, "moved": moved}


def restore_queue(
    command: Command, unit_id: int, before: Sequence[int], reason: str
) -> dict[str, Any]:
    """Put a queue back into its order; jobs that have ended since are out, new ones at the end."""
    queue = UnitQueue.objects.get(site=command.site, unit=unit_id)
    there = set(queue.job_order_ids)
    known = set(before)
    wanted = [job_id for job_id in before if job_id in there]
    wanted += [job_id for job_id in queue.job_order_ids if job_id not in known]
    running = list(
        JobOrder.objects.filter(
            site=command.site, pk__in=wanted, status=JobOrder.Status.RUNNING
        ).values_list("pk", flat=True)
    )
    # What runs stands at the head, also where it has begun since.
    wanted.sort(key=lambda job_id: job_id not in running)
    return set_queue(command, unit_id=unit_id, job_order_ids=wanted, reason=reason)


def move_job(
    command: Command, *, job_order_id: int, to_unit_id: int, position: int, reason: str = ""
) -> dict[str, Any]:
    """Move a job order to a place in another unit's queue, or in its own.

    position  0 is the head; beyond the end is the end.

    Its set-up and run times become those of the other unit; moved back, it has its old ones.

    :raises Refused: if it runs, is pinned, has ended, or the other unit can't do it.
    """
    floor = lock_floor(command, job_order_id)
    job, origin = floor.job, floor.unit
    target = find(command, Equipment, to_unit_id)
    _check_move(floor.name, job)
    if target.pk != origin.pk:
        eligible = JobAlternate.objects.filter(job_order=job, unit=target).first()
        if eligible is None:
            raise Refused(
                _("%(unit)s can't do %(job)s: its routing does not name that unit.")
                % {"unit": target.code, "job": floor.name}
            )
        # Whoever moves it away keeps the way back, whatever loaded this order.
        JobAlternate.objects.get_or_create(
            job_order=job,
            unit=origin,
            defaults={"site": command.site, "setup_s": job.setup_s, "run_s": job.run_s},
        )
        job.setup_s, job.run_s = eligible.setup_s, eligible.run_s
    queues = _lock_queues(command, [origin.pk, target.pk])
    before = queues[origin.pk].job_order_ids
    from_position = before.index(job.pk) if job.pk in before else len(before)
    left = [other for other in before if other != job.pk]
    into = left if target.pk == origin.pk else list(queues[target.pk].job_order_ids)
    position = max(0, min(position, len(into)))
    after = [*into[:position], job.pk, *into[position:]]
    JobOrder.objects.filter(pk=job.pk).update(
        unit=target,
        setup_s=job.setup_s,
        run_s=job.run_s,
        moved_reason=reason[:200],
        moved_at=command.now,
        moved_by=command.actor.name[:80],
        version=F("version") + 1,
    )
    command.record(
        "workorders.job.moved",
        subject=("job_order", job.pk),
        body={
            "work_order_id": floor.order.pk,
            "from_unit_id": origin.pk,
            "from_position": from_position,
            "to_unit_id": target.pk,
            "position": position,
            "setup_s": job.setup_s,
            "run_s": job.run_s,
            "reason": reason,
        },
    )
    if target.pk != origin.pk:
        _store_queue(command, queues[origin.pk], left, moved=[], reason=reason)
    _store_queue(command, queues[target.pk], after, moved=[job.pk], reason=reason)
    return {
        "job_order_id": job.pk,
        "from_unit_id": origin.pk,
        "from_position": from_position,
        "to_unit_id": target.pk,
        "position": position,
        "versions": {str(unit_id): queue.version for unit_id, queue in queues.items()},
    }


def refuse_job(command: Command, *, job_order_id: int, why: str) -> dict[str, Any]:
    """Record that a waiting job can't be done at the unit where it stands.

    Moved to another unit it can be planned again; moved back it can't, until somebody says so.

    :raises Refused: if no such reason is known, or the job has begun or ended.
    """
    floor = lock_floor(command, job_order_id)
    job = floor.job
    if why not in JobOrder.WhyNot.values:
        raise Refused(_("Choose why it is not possible here."))
    if job.status in rules.ENDED or job.started_at is not None:
        raise Refused(_("%(job)s has begun. Stop it and say why.") % {"job": floor.name})
    if job.refused_unit_id == job.unit_id and job.refused_why == why:
        raise Refused(_("The planner knows it already."), status=409, code="done_already")
    was = job.refused_why if job.refused_unit_id == job.unit_id else ""
    JobOrder.objects.filter(pk=job.pk).update(
        refused_unit=floor.unit,
        refused_why=why,
        refused_at=command.now,
        refused_by=command.actor.name[:80],
        version=F("version") + 1,
    )
    command.record(
        "workorders.job.refused",
        subject=("job_order", job.pk),
        body={
            "work_order_id": floor.order.pk,
            "unit_id": floor.unit.pk,
            "why": why,
            "was": was,
        },
    )
    return {"job_order_id": job.pk}


def allow_job(command: Command, *, job_order_id: int) -> dict[str, Any]:
    """Record that a refused job can be done at its unit after all.

    :raises Refused: if nobody said that it can't.
    """
    floor = lock_floor(command, job_order_id)
    job = floor.job
    if job.refused_unit_id != job.unit_id:
        raise Refused(
            _("Nobody said that %(job)s is not possible here.") % {"job": floor.name},
            status=409,
            code="done_already",
        )
    JobOrder.objects.filter(pk=job.pk).update(
        refused_unit=None,
        refused_why="",
        refused_at=None,
        refused_by="",
        version=F("version") + 1,
    )
    command.record(
        "workorders.job.possible",
        subject=("job_order", job.pk),
        body={
            "work_order_id": floor.order.pk,
            "unit_id": floor.unit.pk,
            "why": job.refused_why,
        },
    )
    return {"job_order_id": job.pk}


def _check_move(name: str, job: JobOrder) -> None:
    if job.status in rules.ENDED:
        raise Refused(_("%(job)s has ended; it can't be moved.") % {"job": name})
    if job.status == JobOrder.Status.RUNNING:
        raise Refused(_("%(job)s is running. Stop it before it is moved.") % {"job": name})
    if job.pinned:
        raise Refused(_("%(job)s is pinned to its place. Unpin it first.") % {"job": name})


def _lock_queues(command: Command, unit_ids: Sequence[int]) -> dict[int, UnitQueue]:
    ensure_queues(command, set(unit_ids))
    rows = (
        UnitQueue.objects.select_for_update(no_key=True)
        .filter(site=command.site, unit__in=unit_ids)
        .order_by("unit_id")
    )
    return {row.unit_id: row for row in rows}


def _open_jobs(unit: Equipment) -> list[int]:
    return list(
        JobOrder.objects.filter(unit=unit, status__in=rules.OPEN)
        .order_by("pk")
        .values_list("pk", flat=True)
    )


def _store_queue(
    command: Command, queue: UnitQueue, ids: list[int], *, moved: list[int], reason: str
) -> None:
    UnitQueue.objects.filter(pk=queue.pk).update(job_order_ids=ids, version=F("version") + 1)
    was, queue.job_order_ids, queue.version = queue.job_order_ids, ids, queue.version + 1
    command.record(
        "workorders.queue.set",
        subject=("unit", queue.unit_id),
        body={
            "job_order_ids": ids,
            "was": was,
            "moved": moved,
            "version": queue.version,
            "reason": reason,
        },
    )


def _say_why(command: Command, moved: list[int], reason: str) -> None:
    JobOrder.objects.filter(site=command.site, pk__in=moved).update(
        moved_reason=reason[:200], moved_at=command.now, moved_by=command.actor.name[:80]
    )


def _stale(unit: Equipment, queue: UnitQueue, gone: list[int], new: list[int]) -> Stale:
    return Stale(
        _("The queue of %(unit)s has changed since you looked. Look again and decide anew.")
        % {"unit": unit.code},
        version=queue.version,
        job_order_ids=queue.job_order_ids,
        gone=gone,
        new=new,
    )
