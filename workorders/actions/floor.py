"""The rows that an act at a job order is about, locked in one order, and what follows from them.

Order of locks in this app: unit, work order, job orders by id, lots by id, queues by unit, and
the site's head last.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import F

from equipment.actions import set_unit_state, working_seconds
from equipment.models import Equipment, Reason, UnitStatus
from mes.commands import Command
from mes.rows import find, missing
from workorders import rules
from workorders.actions.orders import put_at_head, remove_from_queues
from workorders.models import JobLink, JobOrder, WorkOrder


@dataclass(slots=True)
class Floor:
    """A job order with its order, the order's other jobs, its unit, all locked."""

    job: JobOrder
    order: WorkOrder
    unit: Equipment
    state: UnitStatus
    jobs: dict[int, JobOrder]
    links: list[JobLink]

    @property
    def name(self) -> str:
        """How the floor calls the job order."""
        return f"{self.order.code} / {self.job.number}"

    def feeds(self, job: JobOrder) -> list[rules.Feed]:
        """What stands before a job order; the parts of one operation are one."""
        found: dict[int, list[rules.Feed]] = {}
        for link in self.links:
            if link.follower_id == job.pk:
                before = self.jobs[link.predecessor_id]
                feed = rules.Feed(status=before.status, good=before.good, batch=link.batch)
                found.setdefault(before.part_of_id or before.pk, []).append(feed)
        return [rules.together(parts) for parts in found.values()]

    def made_beside(self, job: JobOrder) -> Decimal:
        """Pieces that are through at the other parts of a job order's operation."""
        first = job.part_of_id or job.pk
        others = (
            each
            for each in self.jobs.values()
            if (each.part_of_id or each.pk) == first and each.pk != job.pk
        )
        return sum((each.good + each.scrap + each.rework for each in others), Decimal(0))

    def is_last(self, job: JobOrder) -> bool:
        """Whether its good pieces are the order's output."""
        return all(link.predecessor_id != job.pk for link in self.links)


def lock_floor(command: Command, job_order_id: int) -> Floor:
    """Lock everything that an act at this job order may change, but lots and queues.

    :raises Missing: if there is no such job order on the site.
    """
    seen = JobOrder.objects.filter(site=command.site, pk=job_order_id).values_list(
        "unit_id", "work_order_id"
    )
    if not (found := seen.first()):
        raise missing(JobOrder)
    unit_id, order_id = found
    state = _lock_state(unit_id)
    order = (
        WorkOrder.objects.select_for_update(of=("self",), no_key=True)
        .select_related("item")
        .get(pk=order_id)
    )
    jobs = {
        job.pk: job
        for job in JobOrder.objects.select_for_update(no_key=True)
        .filter(work_order=order)
        .order_by("pk")
    }
    job = jobs[job_order_id]
    if job.unit_id != unit_id:
        # It was moved while we waited; what happened, happened at the unit where it is now.
        state = _lock_state(job.unit_id)
    return Floor(
        job=job,
        order=order,
        unit=state.unit,
        state=state,
        jobs=jobs,
        links=list(JobLink.objects.filter(follower__work_order=order).order_by("pk")),
    )


def _lock_state(unit_id: int) -> UnitStatus:
    rows = UnitStatus.objects.select_for_update(of=("self",), no_key=True)
    return rows.select_related("unit").get(unit=unit_id)


def running_beside(floor: Floor) -> list[JobOrder]:
    """The other job orders that run on the unit now."""
    return list(
        JobOrder.objects.filter(unit=floor.unit, status=JobOrder.Status.RUNNING)
        .exclude(pk=floor.job.pk)
        .select_related("work_order")
        .order_by("pk")
    )


def place_is_free(floor: Floor, beside: Sequence[JobOrder]) -> bool:
    return floor.state.state != UnitStatus.State.ABORTED and len(beside) < floor.unit.places


def mounted_with(floor: Floor, beside: Sequence[JobOrder]) -> tuple[list[str], int]:
    """What the unit's places are set up for once this job runs, and the place it takes."""
    mounted = (floor.state.mounted + [""] * floor.unit.places)[: floor.unit.places]
    place = rules.place_for(mounted, [job.family for job in beside], floor.job.family)
    mounted[place] = floor.job.family
    return mounted, place


def productive_until(command: Command, unit: Equipment, job: JobOrder, at: datetime) -> int:
    """Productive seconds of a job order up to `at`: working time only, breaks left out."""
    if job.running_since is None:
        return job.productive_s
    return job.productive_s + working_seconds(command, unit, job.running_since, at)


def follow_through(
    command: Command, floor: Floor, *, at: datetime, reported: bool, place_free: bool
) -> list[dict[str, Any]]:
    """Bring every status of the order in line with its quantities, which are in `floor` already.

    reported  pieces were just reported at `floor.job`.

    Returns the other job orders whose status changed, as an event says them. Ended jobs leave
    their queues, reopened ones go to the head; the order is completed when no job is open.
    """
    others: list[dict[str, Any]] = []
    ended: list[JobOrder] = []
    opened: list[JobOrder] = []
    for job in sorted(floor.jobs.values(), key=lambda job: job.number):
        feeds = floor.feeds(job)
        here = job.pk == floor.job.pk
        complete = rules.is_complete(
            quantity=job.quantity,
            made=job.good + job.scrap + job.rework,
            closed_short=job.closed_short,
            feeds=feeds,
            beside=floor.made_beside(job),
        )
        status = rules.status_after(
            status=job.status,
            complete=complete,
            started=job.started_at is not None,
            place_free=here and place_free,
            waits=rules.waits_for_pieces(feeds, job.quantity),
            reported=here and reported,
        )
        if status == job.status:
            continue
        changes: dict[str, Any] = {"status": status}
        if status == JobOrder.Status.COMPLETED:
            changes |= {"completed_at": at, "running_since": None}
            if job.status == JobOrder.Status.RUNNING and not here:
                unit = find(command, Equipment, job.unit_id)
                changes["productive_s"] = productive_until(command, unit, job, at)
            ended.append(job)
        elif job.status in rules.ENDED:
            changes["completed_at"] = None
            opened.append(job)
        if status == JobOrder.Status.RUNNING:
            changes |= {"running_since": at, "started_at": job.started_at or at}
        JobOrder.objects.filter(
            pk=job.pk, status__in=rules.sources_of(status) | {job.status}
        ).update(version=F("version") + 1, **changes)
        for name, value in changes.items():
            setattr(job, name, value)
        if not here:
            others.append({"job_order_id": job.pk, "status": status})
    remove_from_queues(command, ended)
    for job in opened:
        put_at_head(command, job)
    _follow_order(command, floor.order, floor.jobs, at)
    return others


def _follow_order(
    command: Command, order: WorkOrder, jobs: dict[int, JobOrder], at: datetime
) -> None:
    status, closed_at = order.status, order.closed_at
    if status in {WorkOrder.Status.RELEASED, WorkOrder.Status.COMPLETED}:
        if any(job.status in rules.OPEN for job in jobs.values()):
            status, closed_at = WorkOrder.Status.RELEASED, None
        else:
            status, closed_at = WorkOrder.Status.COMPLETED, closed_at or at
    WorkOrder.objects.filter(pk=order.pk).update(
        status=status,
        closed_at=closed_at,
        last_movement_at=max(at, order.last_movement_at or at),
        version=F("version") + 1,
    )
    order.status = status


def units_follow(
    command: Command,
    floor: Floor,
    beside: Sequence[JobOrder],
    others: Sequence[dict[str, Any]],
    *,
    at: datetime,
    stop_state: str = UnitStatus.State.IDLE,
    reason: Reason | None = None,
) -> None:
    """Move the states of the units to what runs on them; belongs to the event collected last."""
    if floor.job.status == JobOrder.Status.RUNNING:
        mounted, _place = mounted_with(floor, beside)
        set_unit_state(
            command,
            unit=floor.unit,
            state=UnitStatus.State.EXECUTE,
            at=at,
            mounted=mounted,
        )
    elif not beside and floor.state.state == UnitStatus.State.EXECUTE:
        # Only what executed comes to rest; a unit that is down or held stays what it is.
        set_unit_state(command, unit=floor.unit, state=stop_state, at=at, reason=reason)
    for changed in others:
        job = floor.jobs[changed["job_order_id"]]
        if job.unit_id == floor.unit.pk or job.status != JobOrder.Status.COMPLETED:
            continue
        still_runs = JobOrder.objects.filter(
            unit=job.unit_id, status=JobOrder.Status.RUNNING
        ).exists()
        if not still_runs:
            unit = find(command, Equipment, job.unit_id)
            _lock_state(unit.pk)
            executing = UnitStatus.objects.filter(unit=unit, state=UnitStatus.State.EXECUTE)
            if executing.exists():
                set_unit_state(command, unit=unit, state=UnitStatus.State.IDLE, at=at)
