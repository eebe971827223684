"""Work orders: made, released with a frozen bill and routing, closed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from itertools import pairwise
from typing import Any

from django.db.models import F, Func, Q, Value
from django.utils.translation import gettext as _

from equipment.models import Equipment
from materials.models import BillLine, CustomerLine, Item, Location
from materials.rules import fits_quantum
from mes.commands import Command
from mes.errors import Refused
from mes.rows import find
from workorders import rules
from workorders.models import (
    JobAlternate,
    JobLink,
    JobMaterial,
    JobOrder,
    JobTool,
    Routing,
    RoutingOperation,
    UnitQueue,
    WorkOrder,
)


def create_order(
    command: Command,
    *,
    code: str,
    item_id: int,
    quantity: Decimal,
    due_at: datetime,
    customer_line_id: int | None = None,
    priority: int = 5,
    not_before: datetime | None = None,
) -> dict[str, Any]:
    """Create a work order; nothing is planned for it until its release.

    :raises Refused: if the item is bought, the quantity can't be, or the customer line wants
        another item.
    """
    item = find(command, Item, item_id)
    if item.source == Item.Source.BUY:
        raise Refused(_("%(item)s is bought. Order it from its supplier.") % {"item": item.code})
    if quantity <= 0 or not fits_quantum(quantity, item.decimals):
        raise Refused(
            _("%(item)s is made in steps of %(step)s, above zero.")
            % {"item": item.code, "step": Decimal(1).scaleb(-item.decimals)}
        )
    line = None
    if customer_line_id is not None:
        line = find(command, CustomerLine, customer_line_id)
        if line.item_id != item.pk:
            raise Refused(_("The customer line is for another item. Choose its own line."))
    order = WorkOrder.objects.create(
        site=command.site,
        code=code,
        item=item,
        quantity=quantity,
        due_at=due_at,
        priority=priority,
        customer_line=line,
        not_before=not_before,
    )
    command.record(
        "workorders.order.created",
        subject=("work_order", order.pk),
        body={
            "code": order.code,
            "item_id": item.pk,
            "quantity": quantity,
            "due_at": due_at,
            "priority": priority,
            "customer_line_id": customer_line_id,
            "not_before": not_before,
        },
    )
    return {"work_order_id": order.pk}


def release(
    command: Command,
    *,
    work_order_id: int,
    units: Mapping[int, int] | None = None,
    planned: bool = True,
) -> dict[str, Any]:
    """Release a work order: its bill and routing are frozen, its job orders join the queues.

    The launch quantity is grossed up for expected scrap here, once, and rounded up to the
    item's quantum; from then on pieces are conserved.

    units    operation number -> the unit that does it, where that isn't the routing's own.
    planned  False: it is made where nothing is planned. It has no operations, takes no
             material and comes whole when it is due, see `put_away`.

    :raises Refused: if it is released already, has no routing valid today, is to be done on a
        unit that its routing does not name, or there is no place for its output.
    """
    order = find(command, WorkOrder, work_order_id, lock=True)
    if order.status != WorkOrder.Status.WAITING:
        raise Refused(
            _("%(order)s was released before.") % {"order": order.code},
            status=409,
            code="done_already",
        )
    operations = routing_of(command, order) if planned else []
    if not Location.objects.filter(site=command.site, kind=Location.Kind.STORE).exists():
        raise Refused(
            _("There is no store to put %(item)s into. Add a location of kind store first.")
            % {"item": order.item.code}
        )
    launch = rules.launch_quantity(
        order.quantity, (op.yield_ppm for op in operations), order.item.decimals
    )
    WorkOrder.objects.filter(pk=order.pk).update(
        status=WorkOrder.Status.RELEASED, released_at=command.now, version=F("version") + 1
    )
    jobs = JobOrder.objects.bulk_create(
        job_of(
            command,
            order,
            op,
            launch,
            first=op is operations[0],
            unit_id=(units or {}).get(op.number),
        )
        for op in operations
    )
    by_number = {job.number: job for job in jobs}
    freeze_alternates(command, operations, by_number)
    freeze_tools(command, operations, by_number)
    freeze_links(command, operations, by_number)
    materials = _freeze_bill(command, order, jobs, launch) if jobs else []
    append_to_queues(command, jobs)
    command.record(
        "workorders.order.released",
        subject=("work_order", order.pk),
        body={
            "launch_quantity": launch,
            "jobs": [
                {
                    "job_order_id": job.pk,
                    "number": job.number,
                    "unit_id": job.unit_id,
                    "setup_s": job.setup_s,
                    "run_s": job.run_s,
                }
                for job in jobs
            ],
            "materials": [
                {
                    "job_order_id": row.job_order_id,
                    "item_id": row.item_id,
                    "required": row.required,
                }
                for row in materials
            ],
        },
    )
    return {"work_order_id": order.pk, "job_order_ids": [job.pk for job in jobs]}


def set_due(
    command: Command, *, work_order_id: int, due_at: datetime, note: str = ""
) -> dict[str, Any]:
    """Record that a work order is due at another time.

    :raises Refused: if it is closed, or is due then already.
    """
    order = find(command, WorkOrder, work_order_id, lock=True)
    if order.status in {WorkOrder.Status.CLOSED, WorkOrder.Status.ABORTED}:
        raise Refused(_("%(order)s is closed already.") % {"order": order.code})
    if order.due_at == due_at:
        raise Refused(_("%(order)s is due then already.") % {"order": order.code})
    WorkOrder.objects.filter(pk=order.pk).update(due_at=due_at, version=F("version") + 1)
    command.record(
        "workorders.order.due_set",
        subject=("work_order", order.pk),
        body={"due_at": due_at, "was": order.due_at, "note": note},
    )
    return {"work_order_id": order.pk}


def close_order(command: Command, *, work_order_id: int, note: str = "") -> dict[str, Any]:
    """Close a work order: a completed one for good, an open one with what it has made.

    :raises Refused: if it is closed already or one of its operations runs now.
    """
    order = find(command, WorkOrder, work_order_id, lock=True)
    if order.status in {WorkOrder.Status.CLOSED, WorkOrder.Status.ABORTED}:
        raise Refused(
            _("%(order)s is closed already.") % {"order": order.code},
            status=409,
            code="done_already",
        )
    jobs = list(
        JobOrder.objects.select_for_update(no_key=True)
        .filter(work_order=order)
        .order_by("pk")
        .select_related("unit")
    )
    running = next((job for job in jobs if job.status == JobOrder.Status.RUNNING), None)
    if running is not None:
        raise Refused(
            _("%(order)s is running on %(unit)s. Finish or stop it there first.")
            % {"order": order.code, "unit": running.unit.code}
        )
    for job in jobs:
        ended = job.status in rules.ENDED
        JobOrder.objects.filter(pk=job.pk).update(
            status=JobOrder.Status.CLOSED if ended else JobOrder.Status.ABORTED,
            completed_at=job.completed_at or command.now,
            version=F("version") + 1,
        )
    remove_from_queues(command, [job for job in jobs if job.status not in rules.ENDED])
    WorkOrder.objects.filter(pk=order.pk).update(
        status=WorkOrder.Status.CLOSED, closed_at=command.now, version=F("version") + 1
    )
    command.record(
        "workorders.order.closed",
        subject=("work_order", order.pk),
        body={
            "put_away_quantity": order.put_away_quantity,
            "quantity": order.quantity,
            "note": note,
        },
    )
    return {"work_order_id": order.pk}


def append_to_queues(command: Command, jobs: list[JobOrder]) -> None:
    """Put job orders at the end of their units' queues; units in the order of their ids."""
    by_unit: dict[int, list[int]] = {}
    for job in jobs:
        by_unit.setdefault(job.unit_id, []).append(job.pk)
    ensure_queues(command, by_unit)
    for unit_id in sorted(by_unit):
        UnitQueue.objects.filter(unit=unit_id).update(
            job_order_ids=Func(
                F("job_order_ids"),
                Value(by_unit[unit_id], output_field=UnitQueue._meta.get_field("job_order_ids")),
                function="array_cat",
            ),
            version=F("version") + 1,
        )


def remove_from_queues(command: Command, jobs: list[JobOrder]) -> None:
    """Take ended job orders out of their units' queues."""
    for job in sorted(jobs, key=lambda job: (job.unit_id, job.pk)):
        UnitQueue.objects.filter(
            site=command.site, unit=job.unit_id, job_order_ids__contains=[job.pk]
        ).update(
            job_order_ids=Func(F("job_order_ids"), Value(job.pk), function="array_remove"),
            version=F("version") + 1,
        )


def put_at_head(command: Command, job: JobOrder) -> None:
    """Put a job order first in its unit's queue, from wherever it stands."""
    ensure_queues(command, [job.unit_id])
    # The head of an empty queue is NULL, and NULL is not unequal to anything.
    UnitQueue.objects.filter(
        Q(job_order_ids__len=0) | ~Q(job_order_ids__0=job.pk), unit=job.unit_id
    ).update(
        job_order_ids=Func(
            Value(job.pk),
            Func(F("job_order_ids"), Value(job.pk), function="array_remove"),
            function="array_prepend",
        ),
        version=F("version") + 1,
    )


def ensure_queues(command: Command, unit_ids: Any) -> None:
    """Make the queue rows of units that had no job order yet."""
    UnitQueue.objects.bulk_create(
        [UnitQueue(site=command.site, unit_id=unit_id) for unit_id in sorted(unit_ids)],
        ignore_conflicts=True,
    )


def routing_of(command: Command, order: WorkOrder) -> list[RoutingOperation]:
    routing = (
        Routing.objects.filter(site=command.site, item=order.item, valid_from__lte=command.now)
        .filter(Q(valid_to=None) | Q(valid_to__gt=command.now))
        .order_by("-valid_from", "-pk")
        .first()
    )
    operations = (
        list(routing.operations.order_by("number").prefetch_related("alternates", "tools"))
        if routing is not None
        else []
    )
    if not operations:
        raise Refused(
            _(
                "%(item)s has no routing that is valid today. Ask engineering for one, "
                "then release %(order)s."
            )
            % {"item": order.item.code, "order": order.code}
        )
    return operations


def job_of(
    command: Command,
    order: WorkOrder,
    op: RoutingOperation,
    launch: Decimal,
    *,
    first: bool,
    unit_id: int | None = None,
) -> JobOrder:
    setup_s, run_s = op.setup_s, op.run_s
    if unit_id not in (None, op.unit_id):
        chosen = next((each for each in op.alternates.all() if each.unit_id == unit_id), None)
        if chosen is None:
            raise Refused(
                _(
                    "%(unit)s can't do operation %(op)s of %(order)s: its routing does not name "
                    "that unit."
                )
                % {
                    "unit": find(command, Equipment, unit_id).code,
                    "op": op.number,
                    "order": order.code,
                }
            )
        setup_s, run_s = chosen.setup_s, chosen.run_s
    return JobOrder(
        site=command.site,
        work_order=order,
        number=op.number,
        name=op.name,
        status=JobOrder.Status.READY if first else JobOrder.Status.WAITING,
        unit_id=unit_id or op.unit_id,
        quantity=launch,
        setup_s=setup_s,
        run_s=run_s,
        fixed_s=op.fixed_s,
        family=op.family,
        span=op.span,
        restarts=op.restarts,
        yield_ppm=op.yield_ppm,
        not_before=order.not_before if first else None,
    )


def freeze_alternates(
    command: Command, operations: list[RoutingOperation], jobs: dict[int, JobOrder]
) -> None:
    """Every eligible unit, the planned one too: moving a job away and back restores it."""
    JobAlternate.objects.bulk_create(
        JobAlternate(
            site=command.site,
            job_order=jobs[op.number],
            unit_id=unit_id,
            setup_s=setup_s,
            run_s=run_s,
        )
        for op in operations
        for unit_id, (setup_s, run_s) in {
            **{other.unit_id: (other.setup_s, other.run_s) for other in op.alternates.all()},
            op.unit_id: (op.setup_s, op.run_s),
        }.items()
    )


def freeze_tools(
    command: Command, operations: list[RoutingOperation], jobs: dict[int, JobOrder]
) -> None:
    JobTool.objects.bulk_create(
        JobTool(site=command.site, job_order=jobs[op.number], tool_id=needed.tool_id)
        for op in operations
        for needed in op.tools.all()
    )


def freeze_links(
    command: Command, operations: list[RoutingOperation], jobs: dict[int, JobOrder]
) -> None:
    JobLink.objects.bulk_create(
        JobLink(
            site=command.site,
            predecessor=jobs[op.number],
            follower=jobs[after.number],
            kind=JobLink.Kind.OVERLAP if op.transfer_batch else JobLink.Kind.FINISH_START,
            batch=op.transfer_batch,
            lag_s=op.lag_s,
        )
        for op, after in pairwise(operations)
    )


def _freeze_bill(
    command: Command, order: WorkOrder, jobs: list[JobOrder], launch: Decimal
) -> list[JobMaterial]:
    by_number = {job.number: job for job in jobs}
    # An operation that the routing doesn't have: the first one takes the part.
    return take_parts(
        command,
        {
            (by_number.get(number, jobs[0]).pk, number, component): quantity_per
            for (number, component), quantity_per in parts_of(command, order.item_id).items()
        },
        launch,
    )


def take_parts(
    command: Command, parts: Mapping[tuple[int, int, int], Decimal], launch: Decimal
) -> list[JobMaterial]:
    """Have job orders take parts for so many pieces.

    parts  quantity for a piece by (job order, number in the bill, item).
    """
    taken: dict[tuple[int, int], Decimal] = {}
    for (job_id, _number, component), quantity_per in parts.items():
        taken[job_id, component] = taken.get((job_id, component), Decimal(0)) + quantity_per
    return JobMaterial.objects.bulk_create(
        JobMaterial(
            site=command.site,
            job_order_id=job_id,
            item_id=component,
            quantity_per=quantity_per,
            required=rules.required(quantity_per, launch),
        )
        for (job_id, component), quantity_per in sorted(taken.items())
    )


def parts_of(command: Command, item_id: int) -> dict[tuple[int, int], Decimal]:
    """What a piece of an item takes today, by operation number and item; phantoms blown through."""
    bills: dict[int, list[rules.Part]] = {}
    phantoms: set[int] = set()
    waiting = {item_id}
    while waiting:
        lines = (
            BillLine.objects.filter(
                site=command.site, item__in=waiting, valid_from__lte=command.now
            )
            .filter(Q(valid_to=None) | Q(valid_to__gt=command.now))
            .select_related("component")
            .order_by("pk")
        )
        found: set[int] = set()
        for line in lines:
            bills.setdefault(line.item_id, []).append(
                rules.Part(
                    component=line.component_id,
                    quantity_per=line.quantity_per,
                    scrap_ppm=line.scrap_ppm,
                    operation=line.operation_number,
                )
            )
            if line.component.source == Item.Source.PHANTOM:
                phantoms.add(line.component_id)
                found.add(line.component_id)
        waiting = found - set(bills)
    return rules.explode(item_id, bills, frozenset(phantoms))
