"""A job order split in two: a like unit makes a part of its pieces, what follows waits for both."""

from __future__ import annotations

from decimal import ROUND_CEILING, Decimal
from typing import Any

from django.db.models import F, ProtectedError
from django.utils.translation import gettext as _

from equipment.models import Equipment
from materials.rules import fits_quantum
from mes.commands import Command
from mes.errors import Refused
from mes.rows import find
from workorders import rules
from workorders.actions.floor import Floor, lock_floor
from workorders.actions.orders import append_to_queues, remove_from_queues
from workorders.models import JobAlternate, JobLink, JobMaterial, JobOrder, JobTool

MILLIONTH = Decimal("0.000001")


def split_job(
    command: Command, *, job_order_id: int, to_unit_id: int, quantity: Decimal, reason: str = ""
) -> dict[str, Any]:
    """Give a quantity of a job order that has not begun to a new part of it at a unit.

    The part stands at the end of that unit's queue. It takes its share of the material; what fed
    the job order feeds it too, and what followed follows both.

    :raises Refused: if it has begun, is held or pinned, the unit can't do it, the quantity can't
        be, or its pieces still come batch by batch.
    """
    floor = lock_floor(command, job_order_id)
    job = floor.job
    target = find(command, Equipment, to_unit_id)
    _check_split(floor, quantity)
    setup_s, run_s = _times(floor, target)
    left = Decimal(job.quantity) - quantity
    part = JobOrder.objects.create(
        site=command.site,
        work_order=floor.order,
        number=_free_number(floor),
        name=job.name,
        part_of_id=job.part_of_id or job.pk,
        status=job.status,
        unit=target,
        quantity=quantity,
        setup_s=setup_s,
        run_s=run_s,
        fixed_s=job.fixed_s,
        family=job.family,
        span=job.span,
        restarts=job.restarts,
        yield_ppm=job.yield_ppm,
        not_before=job.not_before,
        moved_reason=reason[:200],
        moved_at=command.now,
        moved_by=command.actor.name[:80],
    )
    _copy(command, floor, part)
    materials = _share_material(command, job, part)
    JobOrder.objects.filter(pk=job.pk).update(quantity=left, version=F("version") + 1)
    append_to_queues(command, [part])
    command.record(
        "workorders.job.split",
        subject=("job_order", job.pk),
        body={
            "work_order_id": floor.order.pk,
            "part_id": part.pk,
            "number": part.number,
            "to_unit_id": target.pk,
            "quantity": quantity,
            "left": left,
            "setup_s": setup_s,
            "run_s": run_s,
            "materials": materials,
            "reason": reason,
        },
    )
    return {"job_order_id": part.pk, "number": part.number, "left": left}


def merge_job(
    command: Command, *, job_order_id: int, part_id: int, reason: str = ""
) -> dict[str, Any]:
    """Give the pieces of a part back to a job order of the same operation; the part is gone.

    :raises Refused: if one of them has ended, or the part has begun, is held or kept for something.
    """
    floor = lock_floor(command, part_id)
    part = floor.job
    job = floor.jobs.get(job_order_id)
    first = part.part_of_id
    if job is None or job.pk == part.pk or first is None or (job.part_of_id or job.pk) != first:
        raise Refused(_("These two are no parts of one operation."))
    if part.started_at is not None or part.status not in rules.MAY_START:
        raise Refused(
            _("%(job)s has begun or is on hold; it can't be given back.") % {"job": floor.name}
        )
    if job.status in rules.ENDED:
        raise Refused(
            _("%(order)s / %(number)s has ended; the part stays.")
            % {"order": floor.order.code, "number": job.number}
        )
    whole = Decimal(job.quantity) + Decimal(part.quantity)
    JobOrder.objects.filter(pk=job.pk).update(quantity=whole, version=F("version") + 1)
    for row in JobMaterial.objects.filter(job_order=part):
        JobMaterial.objects.filter(job_order=job, item=row.item_id).update(
            required=F("required") + row.required
        )
    remove_from_queues(command, [part])
    JobMaterial.objects.filter(job_order=part).delete()
    try:
        part.delete()
    except ProtectedError:
        raise Refused(
            _("Something was reported or called for %(job)s; it can't be given back.")
            % {"job": floor.name}
        ) from None
    command.record(
        "workorders.job.merged",
        subject=("job_order", job.pk),
        body={
            "work_order_id": floor.order.pk,
            "part_id": part_id,
            "number": part.number,
            "unit_id": part.unit_id,
            "quantity": whole,
            "reason": reason,
        },
    )
    return {"job_order_id": job.pk, "quantity": whole}


def _check_split(floor: Floor, quantity: Decimal) -> None:
    job = floor.job
    if job.started_at is not None or job.status not in rules.MAY_START:
        raise Refused(
            _("%(job)s has begun, is on hold or has ended; it can't be split.")
            % {"job": floor.name}
        )
    if job.pinned:
        raise Refused(_("%(job)s is pinned to its place. Unpin it first.") % {"job": floor.name})
    item = floor.order.item
    if not 0 < quantity < job.quantity or not fits_quantum(quantity, item.decimals):
        raise Refused(
            _("Enter how many pieces go elsewhere: more than none, less than %(quantity)s.")
            % {"quantity": format(job.quantity.normalize(), "f")}
        )
    for link in floor.links:
        before = floor.jobs.get(link.predecessor_id)
        batchwise = link.follower_id == job.pk and link.batch is not None
        if batchwise and before is not None and before.status not in rules.ENDED:
            raise Refused(
                _("The pieces of %(job)s still come batch by batch. Split it when all are there.")
                % {"job": floor.name}
            )


def _times(floor: Floor, target: Equipment) -> tuple[int, Decimal]:
    """Set-up seconds and seconds a piece at the unit; the job order keeps its way home."""
    job = floor.job
    if target.pk == job.unit_id:
        return job.setup_s, Decimal(job.run_s)
    eligible = JobAlternate.objects.filter(job_order=job, unit=target).first()
    if eligible is None:
        raise Refused(
            _("%(unit)s can't do %(job)s: its routing does not name that unit.")
            % {"unit": target.code, "job": floor.name}
        )
    return eligible.setup_s, Decimal(eligible.run_s)


def _free_number(floor: Floor) -> int:
    first = floor.job.part_of_id or floor.job.pk
    jobs = floor.jobs.values()
    number = max(each.number for each in jobs if (each.part_of_id or each.pk) == first) + 1
    if any(each.number == number for each in jobs):
        raise Refused(
            _("%(order)s has no number left between its operations for a part.")
            % {"order": floor.order.code}
        )
    return int(number)


def _copy(command: Command, floor: Floor, part: JobOrder) -> None:
    """Give the part the units that can do it, its tools, and what stands before and behind it."""
    job = floor.job
    units = {
        row.unit_id: (row.setup_s, row.run_s) for row in JobAlternate.objects.filter(job_order=job)
    }
    units.setdefault(job.unit_id, (job.setup_s, job.run_s))
    JobAlternate.objects.bulk_create(
        JobAlternate(
            site=command.site, job_order=part, unit_id=unit_id, setup_s=setup_s, run_s=run_s
        )
        for unit_id, (setup_s, run_s) in sorted(units.items())
    )
    JobTool.objects.bulk_create(
        JobTool(site=command.site, job_order=part, tool_id=row.tool_id) for row in job.tools.all()
    )
    into = JobLink.objects.filter(follower=job).order_by("pk")
    out = JobLink.objects.filter(predecessor=job).order_by("pk")
    JobLink.objects.bulk_create(
        JobLink(
            site=command.site,
            predecessor_id=part.pk if link.predecessor_id == job.pk else link.predecessor_id,
            follower_id=part.pk if link.follower_id == job.pk else link.follower_id,
            kind=link.kind,
            batch=link.batch,
            lag_s=link.lag_s,
        )
        for link in (*into, *out)
    )


def _share_material(command: Command, job: JobOrder, part: JobOrder) -> list[dict[str, Any]]:
    """Give the part its share of what the job order takes, rounded up; returns who takes what."""
    found = []
    for row in JobMaterial.objects.filter(job_order=job).order_by("pk"):
        share = (row.required * part.quantity / job.quantity).quantize(
            MILLIONTH, rounding=ROUND_CEILING
        )
        JobMaterial.objects.create(
            site=command.site,
            job_order=part,
            item_id=row.item_id,
            instead_of_id=row.instead_of_id,
            quantity_per=row.quantity_per,
            required=share,
        )
        JobMaterial.objects.filter(pk=row.pk).update(required=F("required") - share)
        found.append({"item_id": row.item_id, "required": share, "left": row.required - share})
    return found
