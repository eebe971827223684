"""Orders that mend pieces: a step of their own, then the item's later operations."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from equipment.models import Equipment
from materials.models import Item, Lot
from materials.rules import fits_quantum
from mes.commands import Command
from mes.errors import Refused
from mes.rows import find
from workorders.actions.orders import (
    append_to_queues,
    freeze_alternates,
    freeze_links,
    freeze_tools,
    job_of,
    parts_of,
    routing_of,
    take_parts,
)
from workorders.models import JobAlternate, JobLink, JobOrder, WorkOrder


def order_mending(
    command: Command,
    *,
    code: str,
    item_id: int,
    quantity: Decimal,
    due_at: datetime,
    unit_id: int,
    setup_s: int,
    run_s: Decimal,
    after: int,
    lot_id: int | None = None,
    job_order_id: int | None = None,
) -> dict[str, Any]:
    """Order that pieces of a lot, or pieces that a job order lost, are mended at a unit.

    setup_s, run_s  of the step that mends; without both the pieces are used as they are.
    after           number of the operation that they were lost at: the later ones follow.

    The pieces are there already: they take no material but that of the later operations. Those of
    a lot leave it, barred or not, as they are reported.

    :raises Refused: if the quantity can't be, there are not so many, or the item has no routing.
    """
    item = find(command, Item, item_id)
    unit = find(command, Equipment, unit_id)
    lot = None if lot_id is None else find(command, Lot, lot_id, lock=True)
    job = None if job_order_id is None else find(command, JobOrder, job_order_id)
    if quantity <= 0 or not fits_quantum(quantity, item.decimals):
        raise Refused(
            _("%(item)s is made in steps of %(step)s, above zero.")
            % {"item": item.code, "step": Decimal(1).scaleb(-item.decimals)}
        )
    if quantity > _there(lot, job):
        raise Refused(_("There are not so many pieces to mend."), status=409)
    order = WorkOrder.objects.create(
        site=command.site,
        code=code,
        item=item,
        quantity=quantity,
        due_at=due_at,
        status=WorkOrder.Status.RELEASED,
        released_at=command.now,
        mends_lot=lot,
        mends_job=job,
    )
    steps = routing_of(command, order)
    rest = [step for step in steps if step.number > after]
    mends = bool(setup_s or run_s)
    first = JobOrder(
        site=command.site,
        work_order=order,
        number=after,
        name=_("Rework") if mends else _("Use as they are"),
        status=JobOrder.Status.READY,
        unit=unit,
        quantity=quantity,
        setup_s=setup_s,
        run_s=run_s,
    )
    jobs = JobOrder.objects.bulk_create(
        [first, *(job_of(command, order, step, quantity, first=False) for step in rest)]
    )
    by_number = {each.number: each for each in jobs}
    if mends:
        own = [step for step in steps if step.number == after]
        freeze_alternates(command, [*own, *rest], by_number)
    else:
        freeze_alternates(command, rest, by_number)
    JobAlternate.objects.get_or_create(
        site=command.site,
        job_order=first,
        unit=unit,
        defaults={"setup_s": setup_s, "run_s": run_s},
    )
    freeze_tools(command, rest, by_number)
    if rest:
        JobLink.objects.create(site=command.site, predecessor=first, follower=jobs[1])
    freeze_links(command, rest, by_number)
    materials = take_parts(
        command,
        {
            (by_number[number].pk, number, component): quantity_per
            for (number, component), quantity_per in parts_of(command, item.pk).items()
            if number in by_number and number > after
        },
        quantity,
    )
    append_to_queues(command, jobs)
    command.record(
        "workorders.order.mends",
        subject=("work_order", order.pk),
        body={
            "code": order.code,
            "item_id": item.pk,
            "quantity": quantity,
            "due_at": due_at,
            "lot_id": lot_id,
            "job_order_id": job_order_id,
            "jobs": [
                {"job_order_id": each.pk, "number": each.number, "unit_id": each.unit_id}
                for each in jobs
            ],
            "materials": [
                {"job_order_id": row.job_order_id, "item_id": row.item_id, "required": row.required}
                for row in materials
            ],
        },
    )
    return {"work_order_id": order.pk, "job_order_ids": [each.pk for each in jobs]}


def _there(lot: Lot | None, job: JobOrder | None) -> Decimal:
    """How many pieces there are to mend that no other order mends."""
    if lot is not None:
        held = sum((row.quantity for row in lot.balances.all()), Decimal(0))
        return held - sum((_left(order) for order in _mending(lot.mended_by)), Decimal(0))
    assert job is not None  # one of the two
    lost = Decimal(job.scrap + job.rework)
    return lost - sum((order.quantity for order in _mending(job.mended_by)), Decimal(0))


def _mending(orders: Any) -> list[WorkOrder]:
    over = (WorkOrder.Status.CLOSED, WorkOrder.Status.ABORTED)
    return list(orders.exclude(status__in=over))


def _left(order: WorkOrder) -> Decimal:
    first = order.job_orders.order_by("number").first()
    assert first is not None  # it was made with its jobs
    return Decimal(first.quantity - first.good - first.scrap - first.rework)
