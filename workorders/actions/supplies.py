"""What a job order is made of, what is kept for whom, and how work is tied together."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import F, Q
from django.utils.translation import gettext as _

from materials.models import CustomerLine, Item, Lot, PurchaseLine
from mes.commands import Command
from mes.errors import Refused
from mes.rows import find
from workorders import rules
from workorders.models import JobLink, JobMaterial, JobOrder, Reservation, WorkOrder


def substitute(
    command: Command,
    *,
    job_material_id: int,
    item_id: int,
    required: Decimal,
    reason: str = "",
) -> dict[str, Any]:
    """Let a job order take another item instead; with its own item, it takes that again.

    required  quantity of the other item for the whole launch quantity.

    :raises Refused: if the job order has begun, or takes that item already.
    """
    row = find(command, JobMaterial, job_material_id, lock=True)
    job = JobOrder.objects.select_related("work_order").get(pk=row.job_order_id)
    item = find(command, Item, item_id)
    if job.started_at is not None or row.issued > 0 or job.status in rules.ENDED:
        raise Refused(
            _("%(order)s / %(number)s has begun; its material can't be exchanged any more.")
            % {"order": job.work_order.code, "number": job.number}
        )
    if required <= 0:
        raise Refused(_("Enter how much of it is needed: a quantity above zero."))
    others = JobMaterial.objects.filter(job_order=job, item=item).exclude(pk=row.pk)
    if others.exists():
        raise Refused(
            _("%(order)s / %(number)s takes %(item)s already.")
            % {"order": job.work_order.code, "number": job.number, "item": item.code}
        )
    was_id, was_required = row.item_id, row.required
    named = row.instead_of_id or row.item_id
    JobMaterial.objects.filter(pk=row.pk).update(
        item=item,
        instead_of=None if named == item.pk else named,
        quantity_per=required / job.quantity,
        required=required,
    )
    command.record(
        "workorders.material.substituted",
        subject=("job_order", job.pk),
        body={
            "job_material_id": row.pk,
            "item_id": item.pk,
            "required": required,
            "was_item_id": was_id,
            "was_required": was_required,
            "reason": reason,
        },
    )
    return {"job_material_id": row.pk}


def reserve(
    command: Command,
    *,
    quantity: Decimal,
    lot_id: int | None = None,
    work_order_id: int | None = None,
    purchase_line_id: int | None = None,
    job_material_id: int | None = None,
    customer_line_id: int | None = None,
    reason: str = "",
) -> dict[str, Any]:
    """Keep a quantity of one supply for one demand, before anybody else's.

    :raises Refused: unless it is one supply and one demand of the same item.
    """
    supplies: list[Lot | WorkOrder | PurchaseLine] = []
    if lot_id is not None:
        supplies.append(find(command, Lot, lot_id))
    if work_order_id is not None:
        supplies.append(find(command, WorkOrder, work_order_id))
    if purchase_line_id is not None:
        supplies.append(find(command, PurchaseLine, purchase_line_id))
    demands: list[JobMaterial | CustomerLine] = []
    if job_material_id is not None:
        demands.append(find(command, JobMaterial, job_material_id))
    if customer_line_id is not None:
        demands.append(find(command, CustomerLine, customer_line_id))
    if len(supplies) != 1 or len(demands) != 1:
        raise Refused(_("Name one supply and one demand."))
    if quantity <= 0:
        raise Refused(_("Enter how much is kept: a quantity above zero."))
    if supplies[0].item_id != demands[0].item_id:
        raise Refused(_("That supply is of another item."))
    row = Reservation.objects.create(
        site=command.site,
        lot_id=lot_id,
        work_order_id=work_order_id,
        purchase_line_id=purchase_line_id,
        job_material_id=job_material_id,
        customer_line_id=customer_line_id,
        quantity=quantity,
    )
    command.record(
        "workorders.supply.reserved",
        subject=("reservation", row.pk),
        body=_reservation_body(row, reason),
    )
    return {"reservation_id": row.pk}


def unreserve(command: Command, *, reservation_id: int, reason: str = "") -> dict[str, Any]:
    """Give a reserved quantity back to whoever ranks first."""
    row = find(command, Reservation, reservation_id, lock=True)
    command.record(
        "workorders.supply.unreserved",
        subject=("reservation", row.pk),
        body=_reservation_body(row, reason),
    )
    row.delete()
    return {"reservation_id": reservation_id}


def _reservation_body(row: Reservation, reason: str) -> dict[str, Any]:
    return {
        "lot_id": row.lot_id,
        "work_order_id": row.work_order_id,
        "purchase_line_id": row.purchase_line_id,
        "job_material_id": row.job_material_id,
        "customer_line_id": row.customer_line_id,
        "quantity": row.quantity,
        "reason": reason,
    }


def set_not_before(
    command: Command, *, work_order_id: int, not_before: datetime | None, reason: str = ""
) -> dict[str, Any]:
    """Park a work order until an instant, or let it go on (None).

    What runs of it runs on; what waits of it begins no earlier.

    :raises Refused: if it has ended.
    """
    order = find(command, WorkOrder, work_order_id, lock=True)
    if order.status not in (WorkOrder.Status.WAITING, WorkOrder.Status.RELEASED):
        raise Refused(_("%(order)s has ended.") % {"order": order.code})
    WorkOrder.objects.filter(pk=order.pk).update(not_before=not_before, version=F("version") + 1)
    # The release copied the order's own bound to its first operation.
    JobOrder.objects.filter(work_order=order).exclude(not_before=None).update(
        not_before=None, version=F("version") + 1
    )
    command.record(
        "workorders.order.parked",
        subject=("work_order", order.pk),
        body={"not_before": not_before, "was": order.not_before, "reason": reason},
    )
    return {"work_order_id": order.pk}


def set_link(
    command: Command,
    *,
    predecessor_id: int,
    follower_id: int,
    batch: Decimal | None,
    reason: str = "",
) -> dict[str, Any]:
    """Let a job order follow another by batches of that many pieces, or by the whole (None).

    :raises Refused: if the follower has begun, or doesn't follow it.
    """
    follower = find(command, JobOrder, follower_id, lock=True)
    link = (
        JobLink.objects.select_for_update(no_key=True)
        .filter(site=command.site, predecessor=predecessor_id, follower=follower)
        .first()
    )
    if link is None:
        raise Refused(_("These two operations don't follow each other."))
    if follower.started_at is not None:
        raise Refused(_("The operation has begun; how it is fed can't change any more."))
    ends = JobOrder.objects.filter(pk__in=[predecessor_id, follower.pk])
    if ends.filter(Q(part_of__isnull=False) | Q(parts__isnull=False)).exists():
        raise Refused(_("The operation was split; how its parts are fed can't change any more."))
    if batch is not None and batch <= 0:
        raise Refused(_("Enter how many pieces make a batch: a quantity above zero."))
    kind = JobLink.Kind.FINISH_START if batch is None else JobLink.Kind.OVERLAP
    JobLink.objects.filter(pk=link.pk).update(kind=kind, batch=batch)
    command.record(
        "workorders.link.set",
        subject=("job_order", follower.pk),
        body={
            "predecessor_id": predecessor_id,
            "kind": kind,
            "batch": batch,
            "was_kind": link.kind,
            "was_batch": link.batch,
            "reason": reason,
        },
    )
    return {"job_order_id": follower.pk}
