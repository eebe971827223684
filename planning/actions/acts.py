"""Every typed change that is agreed with others: the act that does it, the one that undoes it.

`do` gives back what undoing needs to know and the change itself doesn't say. `ended` says in a
sentence what has happened since that can't be taken back: goods that left, a job that began.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from equipment.actions import drop_makeshift, plan_makeshift
from equipment.models import Equipment
from materials.actions import (
    add_purchase_line,
    cancel_purchase_line,
    expect_purchase,
    keep_safety,
    set_freight,
    set_part,
    set_promise,
)
from materials.models import CustomerLine, Item, Lot, PurchaseLine
from mes.commands import Command
from mes.errors import Refused, Stale
from mes.events import plain
from mes.models import Role, ShopFloorEvent, Task
from mes.rows import find
from planning import rules, words
from planning.actions.study import Study
from planning.engine.changes import Change
from planning.engine.crew import CoverWindow, UncoverWindow
from planning.engine.deals import (
    NEW_ORDER,
    NEW_REWORK,
    AddPurchase,
    Deal,
    KeepSafety,
    ParkOrder,
    RemovePurchase,
    Reserve,
    SetFreight,
    SetLink,
    SetPromise,
    SetPurchaseDate,
    ShipPartial,
    Substitute,
    Unreserve,
)
from planning.engine.makeshift import RepairAtOnce, RepairForNow
from planning.engine.mends import Concede, DropRework, LeaveHeld, OrderRework
from planning.engine.orders import AddOrder, RemoveOrder, op_id_of
from planning.engine.plant import DemandKind, SupplyKind
from planning.engine.splits import MergeJob, SplitJob
from quality.actions import (
    ask_concession,
    refuse_concession,
    release_hold,
    withdraw_concession,
)
from quality.models import Hold
from workorders.actions import (
    close_order,
    cover,
    create_order,
    merge_job,
    order_mending,
    release,
    reserve,
    set_link,
    set_not_before,
    split_job,
    substitute,
    uncover,
    unreserve,
)
from workorders.models import JobLink, JobMaterial, JobOrder, Reservation, WorkOrder

Made = dict[str, Any]
SUPPLY_FIELDS = {
    SupplyKind.LOT: "lot_id",
    SupplyKind.PURCHASE: "purchase_line_id",
    SupplyKind.OUTPUT: "work_order_id",
    SupplyKind.TRANSFER: "work_order_id",
}
DEMAND_FIELDS = {
    DemandKind.COMPONENT: "job_material_id",
    DemandKind.LINE: "customer_line_id",
}


def do(
    command: Command,
    study: Study,
    change: Deal,
    *,
    decision_id: int,
    bought: dict[int, int],
    reason: str,
) -> Made:
    """Do a change by the act of the app that owns it; returns what `undo` needs.

    bought  ids of purchase lines, orders, jobs and parts of jobs that this decision has added so
            far, by the change's own id; what is added is put in.

    :raises Refused: as that act does.
    """
    made: Made
    match change:
        case SetPromise():
            line = find(command, CustomerLine, change.line_id)
            made = {"was": line.promised_at}
            at = study.snap.instant(change.promised_s)
            if at is None:
                raise Refused(_("A promise needs a date."))
            set_promise(command, line_id=change.line_id, promised_at=at)
        case ShipPartial():
            line = find(command, CustomerLine, change.line_id)
            made = {"was": line.part_quantity}
            part = line.shipped_quantity + rules.pieces(change.qty) if change.qty else Decimal(0)
            set_part(command, line_id=change.line_id, part_quantity=part)
        case SetFreight():
            made = {"was": find(command, CustomerLine, change.line_id).freight_mode_id}
            set_freight(command, line_id=change.line_id, freight_mode_id=change.mode_id or None)
        case SetPurchaseDate():
            purchase = find(command, PurchaseLine, change.purchase_id)
            made = {
                "was": purchase.expected_at,
                "source": purchase.expected_source,
                "received": purchase.received_quantity,
            }
            at = study.snap.instant(change.at_s)
            assert at is not None  # a date is a fact of the change
            expect_purchase(
                command, purchase_line_id=purchase.pk, expected_at=at, source=reason[:120]
            )
        case AddPurchase():
            made = _buy(command, study, change, decision_id, bought)
        case RemovePurchase():
            raise Refused(_("A purchase is cancelled with its supplier, not here."))
        case Substitute():
            row = find(command, JobMaterial, change.material_id)
            made = {"item_id": row.item_id, "required": row.required}
            substitute(
                command,
                job_material_id=row.pk,
                item_id=change.item_id,
                required=rules.pieces(change.qty),
                reason=reason,
            )
        case Reserve():
            made = reserve(
                command,
                quantity=rules.pieces(change.qty),
                reason=reason,
                **_ends(change, bought),
            )
        case Unreserve():
            made = _give_back(command, change, reason)
        case KeepSafety():
            made = {"was": find(command, Item, change.item_id).safety_kept}
            keep_safety(command, item_id=change.item_id, keep=change.keep)
        case ParkOrder():
            made = {"was": find(command, WorkOrder, change.order_id).not_before}
            set_not_before(
                command,
                work_order_id=change.order_id,
                not_before=study.snap.instant(change.until_s),
                reason=reason,
            )
        case SetLink():
            link = JobLink.objects.filter(
                site=command.site, predecessor=change.pred_id, follower=change.succ_id
            ).first()
            made = {"was": link.batch if link else None}
            set_link(
                command,
                predecessor_id=change.pred_id,
                follower_id=change.succ_id,
                batch=rules.pieces(change.batch_qty) if change.batch_qty else None,
                reason=reason,
            )
        case SplitJob():
            made = split_job(
                command,
                job_order_id=change.op_id,
                to_unit_id=change.to_unit_id,
                quantity=rules.pieces(change.qty),
                reason=reason,
            )
            bought[change.part_id] = made["job_order_id"]
        case MergeJob():
            raise Refused(_("A part is given back by undoing the decision that split it."))
        case AddOrder():
            made = _make_again(command, study, change, decision_id, bought)
        case RemoveOrder():
            raise Refused(_("An order is taken away by undoing the decision that made it."))
        case CoverWindow():
            made = cover(command, window_id=change.window_id, person_id=change.person_id)
        case UncoverWindow():
            raise Refused(_("A shift is given back by undoing the decision that gave it."))
        case Concede():
            at = study.snap.instant(change.at_s)
            assert at is not None  # an instant is a fact of the change
            made = ask_concession(command, lot_id=change.lot_id, expected_at=at)
        case OrderRework():
            made = _mend(command, study, change, decision_id, bought)
        case RepairForNow():
            made = _repair_for_now(command, study, change)
        case LeaveHeld() | DropRework() | RepairAtOnce():
            raise Refused(_("This is given back by undoing the decision that made it."))
    kept: Made = plain(made)
    return kept


def _buy(
    command: Command, study: Study, change: AddPurchase, decision_id: int, bought: dict[int, int]
) -> Made:
    quote = study.snap.offers.quote(change.quote_id)
    at = study.snap.instant(change.at_s)
    if quote is None or at is None:
        raise Stale(_("The supplier's quote is not valid any more. Choose another option."))
    made = add_purchase_line(
        command,
        order_code=f"PO-D{decision_id}",
        number=len(bought) + 1,
        supplier_id=quote.supplier_id,
        item_id=change.item_id,
        quantity=rules.pieces(change.qty),
        promised_at=at,
    )
    bought[change.purchase_id] = made["purchase_line_id"]
    return made


def _make_again(
    command: Command, study: Study, change: AddOrder, decision_id: int, bought: dict[int, int]
) -> Made:
    at = study.snap.instant(change.due_s)
    assert at is not None  # it is due when who is short needs it
    made = create_order(
        command,
        code=f"WO-D{decision_id}-{change.order_id - NEW_ORDER + 1}",
        item_id=change.item_id,
        quantity=rules.pieces(change.qty),
        due_at=at,
    )
    made = release(command, work_order_id=made["work_order_id"])
    return _remembered(made, change.order_id, bought)


def _remembered(made: Made, order_id: int, bought: dict[int, int]) -> Made:
    """Note under which ids an order and its operations are stored, for the changes after it."""
    bought[order_id] = made["work_order_id"]
    for step, job_id in enumerate(made["job_order_ids"]):
        bought[op_id_of(order_id, step)] = job_id
    return made


def _mend(
    command: Command, study: Study, change: OrderRework, decision_id: int, bought: dict[int, int]
) -> Made:
    at = study.snap.instant(change.due_s)
    assert at is not None  # it is due when who is short needs it
    made = order_mending(
        command,
        code=f"WO-D{decision_id}-R{change.order_id - NEW_REWORK + 1}",
        item_id=change.item_id,
        quantity=rules.pieces(change.qty),
        due_at=at,
        unit_id=change.unit_id,
        setup_s=change.setup_s,
        run_s=rules.pieces(change.run_us),
        after=change.after,
        lot_id=change.lot_id or None,
        job_order_id=change.op_id or None,
    )
    return _remembered(made, change.order_id, bought)


def _repair_for_now(command: Command, study: Study, change: RepairForNow) -> Made:
    back, start, end = (
        study.snap.instant(at) for at in (change.back_s, change.start_s, change.end_s)
    )
    assert back is not None  # all three are facts of the change
    assert start is not None
    assert end is not None
    return plan_makeshift(
        command,
        unit_id=change.unit_id,
        back_at=back,
        percent=change.ppm // 10_000,
        starts_at=start,
        ends_at=end,
        said_by=_("repair for now, plant default"),
    )


def _ends(change: Reserve | Unreserve, bought: Mapping[int, int]) -> dict[str, int]:
    """The supply and the demand as the columns of a reservation."""
    supply_id = bought.get(change.supply_id, change.supply_id)
    return {
        SUPPLY_FIELDS[SupplyKind(change.supply_kind)]: supply_id,
        DEMAND_FIELDS[DemandKind(change.demand_kind)]: change.demand_id,
    }


def _give_back(command: Command, change: Unreserve, reason: str) -> Made:
    ends = _ends(change, {})
    row = Reservation.objects.filter(
        site=command.site, quantity=rules.pieces(change.qty), **ends
    ).first()
    if row is None:
        raise Stale(_("This is not reserved any more."))
    unreserve(command, reservation_id=row.pk, reason=reason)
    return {**ends, "quantity": row.quantity}


def undo(command: Command, change: Deal, made: Made, *, reason: str) -> None:
    """Take a change back, given what `do` kept."""
    match change:
        case SetPromise():
            set_promise(command, line_id=change.line_id, promised_at=_at(made["was"]))
        case ShipPartial():
            set_part(command, line_id=change.line_id, part_quantity=Decimal(made["was"]))
        case SetFreight():
            set_freight(command, line_id=change.line_id, freight_mode_id=made["was"])
        case SetPurchaseDate():
            expect_purchase(
                command,
                purchase_line_id=change.purchase_id,
                expected_at=_at(made["was"]),
                source=made["source"],
            )
        case AddPurchase():
            cancel_purchase_line(command, purchase_line_id=made["purchase_line_id"], note=reason)
        case RemovePurchase():
            raise Refused(_("A purchase is cancelled with its supplier, not here."))
        case Substitute():
            substitute(
                command,
                job_material_id=change.material_id,
                item_id=made["item_id"],
                required=Decimal(made["required"]),
                reason=reason,
            )
        case Reserve():
            unreserve(command, reservation_id=made["reservation_id"], reason=reason)
        case Unreserve():
            ends = {name: pk for name, pk in made.items() if name != "quantity"}
            reserve(command, quantity=Decimal(made["quantity"]), reason=reason, **ends)
        case KeepSafety():
            keep_safety(command, item_id=change.item_id, keep=made["was"])
        case ParkOrder():
            was = None if made["was"] is None else _at(made["was"])
            set_not_before(command, work_order_id=change.order_id, not_before=was, reason=reason)
        case SetLink():
            set_link(
                command,
                predecessor_id=change.pred_id,
                follower_id=change.succ_id,
                batch=None if made["was"] is None else Decimal(made["was"]),
                reason=reason,
            )
        case SplitJob():
            merge_job(
                command,
                job_order_id=change.op_id,
                part_id=made["job_order_id"],
                reason=reason,
            )
        case MergeJob():
            raise Refused(_("A part is given back by undoing the decision that split it."))
        case AddOrder():
            close_order(command, work_order_id=made["work_order_id"], note=reason)
        case RemoveOrder():
            raise Refused(_("An order is taken away by undoing the decision that made it."))
        case CoverWindow():
            uncover(
                command,
                absence_id=made["absence_id"],
                unit_id=made["unit_id"],
                starts_at=_at(made["starts_at"]),
                ends_at=_at(made["ends_at"]),
            )
        case UncoverWindow():
            raise Refused(_("A shift is given back by undoing the decision that gave it."))
        case Concede():
            was = None if made["was"] is None else _at(made["was"])
            withdraw_concession(command, lot_id=change.lot_id, expected_at=was)
        case OrderRework():
            close_order(command, work_order_id=made["work_order_id"], note=reason)
        case RepairForNow():
            drop_makeshift(
                command,
                unit_id=change.unit_id,
                window_id=made["window_id"],
                back_at=None if made["was"] is None else _at(made["was"]),
                said_by=made["said_by"],
            )
        case LeaveHeld() | DropRework() | RepairAtOnce():
            raise Refused(_("This is given back by undoing the decision that made it."))


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text)


# -- what can't be taken back --------------------------------------------------------------------


def ended(command: Command, change: Deal, made: Made, *, since: int) -> str:
    """What ends the undoing of a change, in a sentence; "" while it can be undone.

    since  number of the decision's event.
    """
    match change:
        case SetPromise() | ShipPartial() | SetFreight():
            return _shipped(command, change.line_id, since)
        case SetPurchaseDate():
            return _received(command, change.purchase_id, Decimal(made["received"]))
        case AddPurchase():
            return _received(command, made["purchase_line_id"], Decimal(0))
        case Substitute():
            job = JobOrder.objects.filter(materials=change.material_id).first()
            return _begun(command, [job.pk] if job else [], since)
        case SetLink():
            return _begun(command, [change.succ_id], since)
        case Reserve():
            if change.demand_kind == DemandKind.LINE:
                return _shipped(command, change.demand_id, since)
            job = JobOrder.objects.filter(materials=change.demand_id).first()
            return _begun(command, [job.pk] if job else [], since)
        case ParkOrder():
            jobs = JobOrder.objects.filter(work_order=change.order_id)
            return _begun(command, list(jobs.values_list("pk", flat=True)), since)
        case SplitJob():
            return _begun(command, [made["job_order_id"]], since)
        case AddOrder() | OrderRework():
            return _begun(command, made["job_order_ids"], since)
        case Concede():
            return _released(command, change.lot_id, since)
        case CoverWindow():
            return _worked(command, _at(made["starts_at"]), change.unit_id)
        case KeepSafety() | Unreserve() | RemovePurchase() | MergeJob():
            return ""
        case RepairForNow():
            return _runs_again(command, change.unit_id, since)
        case RemoveOrder() | UncoverWindow() | LeaveHeld() | DropRework() | RepairAtOnce():
            return ""


def _shipped(command: Command, line_id: int, since: int) -> str:
    event = _first(command, "customer_line", [line_id], ["materials.line.shipped"], since)
    if event is None:
        return ""
    line = CustomerLine.objects.select_related("order").get(pk=line_id)
    return _("%(line)s was shipped at %(time)s, so this can't be taken back any more.") % {
        "line": f"{line.order.code}/{line.number}",
        "time": words.clock(event.occurred_at, command.site.time_zone),
    }


def _received(command: Command, purchase_line_id: int, before: Decimal) -> str:
    line = find(command, PurchaseLine, purchase_line_id)
    if line.received_quantity <= before and line.closed_at is None:
        return ""
    return _("%(line)s has been received, so this can't be taken back any more.") % {
        "line": f"{line.order_code}/{line.number}"
    }


def _released(command: Command, lot_id: int, since: int) -> str:
    event = _first(command, "lot", [lot_id], ["quality.hold.released"], since)
    if event is None:
        return ""
    return _("Lot %(lot)s was released at %(time)s, so this can't be taken back any more.") % {
        "lot": find(command, Lot, lot_id).code,
        "time": words.clock(event.occurred_at, command.site.time_zone),
    }


def _runs_again(command: Command, unit_id: int, since: int) -> str:
    event = _first(command, "unit", [unit_id], ["equipment.unit.came_up"], since)
    if event is None:
        return ""
    return _("%(unit)s runs again since %(time)s, so this can't be taken back any more.") % {
        "unit": find(command, Equipment, unit_id).code,
        "time": words.clock(event.occurred_at, command.site.time_zone),
    }


# -- what follows from the last yes, or from a no ------------------------------------------------


def agreed(command: Command, change: Change, who: str) -> None:
    """Do what a change waited for, now that everybody has agreed; `who` was the last of them."""
    if not isinstance(change, Concede):
        return
    hold = Hold.objects.filter(site=command.site, lot=change.lot_id, released_at=None).first()
    if hold is None:
        return
    if who == "QUALITY":
        release_hold(command, hold_id=hold.pk)
        return
    Task.objects.create(
        site=command.site,
        role=Role.QUALITY,
        text=_("Release lot %(lot)s: it is used as it is, all agreed.")
        % {"lot": find(command, Lot, change.lot_id).code},
        subject_type="lot",
        subject_id=change.lot_id,
        created_at=command.now,
    )


def refused(command: Command, change: Change, who: str) -> None:
    """Keep what quality has refused, once the change is taken out: it isn't offered again."""
    if isinstance(change, Concede) and who == "QUALITY":
        refuse_concession(command, lot_id=change.lot_id)


def _worked(command: Command, starts_at: datetime, unit_id: int) -> str:
    if starts_at >= command.now:
        return ""
    return _("The shift on %(unit)s has begun, so this can't be taken back any more.") % {
        "unit": find(command, Equipment, unit_id).code
    }


def _begun(command: Command, job_ids: list[int], since: int) -> str:
    kinds = ["workorders.job.started", "workorders.job.resumed"]
    event = _first(command, "job_order", job_ids, kinds, since)
    if event is None:
        return ""
    job = JobOrder.objects.select_related("unit", "work_order").get(pk=event.subject_id)
    return _("%(job)s has begun on %(unit)s at %(time)s, so this can't be taken back any more.") % {
        "job": f"{job.work_order.code} / {job.number}",
        "unit": job.unit.code,
        "time": words.clock(event.occurred_at, command.site.time_zone),
    }


def _first(
    command: Command, subject_type: str, subject_ids: list[int], kinds: list[str], since: int
) -> ShopFloorEvent | None:
    return (
        ShopFloorEvent.objects.filter(
            site=command.site,
            seq__gt=since,
            subject_type=subject_type,
            subject_id__in=subject_ids,
            kind__in=kinds,
        )
        .order_by("seq")
        .first()
    )
