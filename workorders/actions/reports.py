"""Reporting production and taking a report back.

What was made, was made: a report is never refused for what it says. What can't be booked is
kept as unsettled; no stock moves for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import F
from django.utils.translation import gettext as _

from equipment.models import Reason
from materials.actions import Moves, bring_in, lock_lots, take_out, usable_stock
from materials.models import Item, Location, Lot, StockBalance, StockMove
from materials.rules import first_expired_first, fits_quantum, may_be_used, millionths
from mes.commands import Command
from mes.dates import happened
from mes.errors import Missing, Refused
from mes.models import Role, ShopFloorEvent
from mes.rows import find
from mes.rules import Occurred
from workorders import rules
from workorders.actions.floor import (
    Floor,
    follow_through,
    lock_floor,
    place_is_free,
    productive_until,
    running_beside,
    units_follow,
)
from workorders.actions.settling import close_unsettled, keep_unsettled
from workorders.models import (
    GenealogyEdge,
    JobMaterial,
    JobOrder,
    JobResponse,
    Unsettled,
    WorkOrder,
)


@dataclass(slots=True)
class _Consumed:
    """What a report took: quantities a lot, and what was missing an item."""

    lots: dict[int, Decimal] = field(default_factory=dict)
    short: list[tuple[Item, Decimal]] = field(default_factory=list)


def report_production(
    command: Command,
    *,
    job_order_id: int,
    good: Decimal,
    scrap: Decimal = Decimal(0),
    rework: Decimal = Decimal(0),
    reason_id: int | None = None,
    occurred_at: datetime | None = None,
    lot_ids: Sequence[int] = (),
) -> dict[str, Any]:
    """Report good pieces, scrap and rework of a job order in one act.

    lot_ids  lots that the person loaded; they are used first.

    Components are taken first expired first; the last operation's good pieces go into the
    order's output lot. A job order that wasn't started is started by its first report.
    More than is left, a held job order, an ended order, a held lot: the whole report is kept as
    unsettled for the supervisor and the answer is 202. Missing stock never stops a report: what
    is there is taken, the rest is a task for the stores.

    :raises Refused: only if the entry itself makes no sense: nothing, less than nothing, or
        parts of a piece.
    """
    floor = lock_floor(command, job_order_id)
    made = good + scrap + rework
    _check_entry(floor, good, scrap, rework)
    reason = None if reason_id is None else find(command, Reason, reason_id)
    when = happened(occurred_at, now=command.now, not_before=floor.order.released_at)
    barred = _barred_lot(command, lot_ids, when.at)
    job, was = floor.job, floor.job.status
    left = job.quantity - job.good - job.scrap - job.rework

    booked = (
        barred is None
        and floor.order.status == WorkOrder.Status.RELEASED
        and JobOrder.objects.filter(
            pk=job.pk,
            status__in=rules.MAY_REPORT,
            quantity__gte=F("good") + F("scrap") + F("rework") + made,
        ).update(
            good=F("good") + good,
            scrap=F("scrap") + scrap,
            rework=F("rework") + rework,
            last_report_at=max(when.at, job.last_report_at or when.at),
            productive_s=productive_until(command, floor.unit, job, when.at),
            running_since=_run_goes_on(job, when.at),
            started_at=job.started_at or when.at,
            version=F("version") + 1,
        )
    )
    if not booked:
        verdict = rules.judge_report(
            order_open=floor.order.status == WorkOrder.Status.RELEASED,
            status=was,
            left=left,
            made=made,
            lot_barred=barred is not None,
        )
        return _keep(command, floor, verdict, left, (good, scrap, rework), barred, when)
    job.refresh_from_db()

    moves = Moves(command, when.at)
    consumed = _consume(command, floor, made, moves, lot_ids)
    put_away = _put_away(command, floor, good, moves, when.at)
    edges = _edges(command, floor, consumed)
    beside = running_beside(floor)
    others = follow_through(
        command,
        floor,
        at=when.at,
        reported=True,
        place_free=place_is_free(floor, beside),
    )
    answer: dict[str, Any] = {
        "job_order_id": job.pk,
        "good": job.good,
        "scrap": job.scrap,
        "rework": job.rework,
        "left": _left(job),
        "status": job.status,
        "order_status": floor.order.status,
    }

    def store(seq: int) -> None:
        moves.store(seq)
        row = JobResponse.objects.create(
            site=command.site,
            job_order=job,
            unit=floor.unit,
            event_seq=seq,
            person_id=command.actor.person_id,
            device_id=command.actor.device_id,
            at=when.at,
            good=good,
            scrap=scrap,
            rework=rework,
            reason=reason,
        )
        answer["response_id"] = row.pk
        _store_edges(command, edges, seq)

    command.record(
        "workorders.production.reported",
        subject=("job_order", job.pk),
        body={
            "work_order_id": floor.order.pk,
            "unit_id": floor.unit.pk,
            "good": good,
            "scrap": scrap,
            "rework": rework,
            "reason_id": reason_id,
            "total": {"good": job.good, "scrap": job.scrap, "rework": job.rework},
            "was": was,
            "status": job.status,
            "order_status": floor.order.status,
            "productive_s": job.productive_s,
            "implies_start": was != JobOrder.Status.RUNNING,
            "implies_previous": _implies_previous(floor),
            "clamped": when.clamped,
            "put_away_quantity": put_away,
            "moves": moves.body(),
            "others": others,
        },
        occurred_at=when.at,
        late=when.late,
        then=store,
    )
    units_follow(command, floor, beside, others, at=when.at)
    for item, missing in consumed.short:
        sentence = _(
            "%(job)s used %(quantity)s %(unit)s of %(item)s that are not in stock. "
            "Count it and book where it came from."
        ) % {
            "job": floor.name,
            "quantity": plain(missing),
            "unit": item.unit,
            "item": item.code,
        }
        keep_unsettled(
            command,
            what="SHORTAGE",
            sentence=sentence,
            job_order_id=job.pk,
            when=when,
            quantity=missing,
            values={"item_id": item.pk},
            may_settle=Role.STORES,
        )
        answer["message"] = sentence
    return answer


def put_away(
    command: Command,
    *,
    work_order_id: int,
    good: Decimal,
    scrap: Decimal = Decimal(0),
    reason_id: int | None = None,
    occurred_at: datetime | None = None,
) -> dict[str, Any]:
    """Bring in what an order without operations has made; with all of its pieces it is completed.

    Such an order is made where nothing is planned: it is a supply that comes when it is due.

    :raises Refused: if it has operations, at which pieces are reported; if it is not released or
        has ended; or if the entry makes no sense.
    """
    order = find(command, WorkOrder, work_order_id, lock=True)
    reason = None if reason_id is None else find(command, Reason, reason_id)
    if order.job_orders.exists():
        raise Refused(
            _("%(order)s has operations. Report its pieces there.") % {"order": order.code}
        )
    if order.status != WorkOrder.Status.RELEASED:
        raise Refused(
            _("%(order)s is not open. Receive the pieces into stock instead.")
            % {"order": order.code}
        )
    if min(good, scrap) < 0 or good + scrap <= 0:
        raise Refused(_("Enter good pieces, scrap or rework above zero."))
    when = happened(occurred_at, now=command.now, not_before=order.released_at)
    moves = Moves(command, when.at)
    if good:
        lot = output_lot(command, order, when.at)
        bring_in(moves, lot.pk, store_room(command).pk, good, StockMove.Reason.OUTPUT)
    total = order.put_away_quantity + good
    is_complete = total + scrap >= order.quantity
    status = WorkOrder.Status.COMPLETED if is_complete else order.status
    WorkOrder.objects.filter(pk=order.pk).update(
        put_away_quantity=F("put_away_quantity") + good,
        status=status,
        closed_at=when.at if is_complete else None,
        last_movement_at=max(when.at, order.last_movement_at or when.at),
        version=F("version") + 1,
    )
    command.record(
        "workorders.order.put_away",
        subject=("work_order", order.pk),
        body={
            "item_id": order.item_id,
            "good": good,
            "scrap": scrap,
            "reason_id": None if reason is None else reason.pk,
            "put_away_quantity": total,
            "order_status": status,
            "clamped": when.clamped,
            "moves": moves.body(),
        },
        occurred_at=when.at,
        late=when.late,
        then=moves.store,
    )
    return {"work_order_id": order.pk, "put_away_quantity": total, "order_status": status}


def correct_report(command: Command, *, response_id: int) -> dict[str, Any]:
    """Take a report back: quantities, stock and genealogy return to what they were.

    Both entries stay in the ledger; the second names the first.

    :raises Refused: if it was taken back before, is a correction itself, its order is closed,
        or the pieces that it made have left.
    """
    wrong = find(command, JobResponse, response_id)
    floor = lock_floor(command, wrong.job_order_id)
    _check_correction(floor, wrong)
    job, was = floor.job, floor.job.status
    moves = Moves(command, command.now)
    made, issued = _reverse_moves(command, floor, wrong, moves)
    taken_back = JobOrder.objects.filter(
        pk=job.pk, good__gte=wrong.good, scrap__gte=wrong.scrap, rework__gte=wrong.rework
    ).update(
        good=F("good") - wrong.good,
        scrap=F("scrap") - wrong.scrap,
        rework=F("rework") - wrong.rework,
        version=F("version") + 1,
    )
    if not taken_back:
        raise AssertionError("a job order has less than the sum of its reports")
    job.refresh_from_db()
    for item_id, quantity in issued.items():
        JobMaterial.objects.filter(job_order=job, item=item_id).update(
            issued=F("issued") - quantity
        )
    WorkOrder.objects.filter(pk=floor.order.pk).update(
        put_away_quantity=F("put_away_quantity") - made
    )
    beside = running_beside(floor)
    others = follow_through(
        command,
        floor,
        at=command.now,
        reported=False,
        place_free=place_is_free(floor, beside),
    )
    edges = [
        (edge.consumed_id, edge.produced_id, -edge.quantity)
        for edge in GenealogyEdge.objects.filter(
            site=command.site, event_seq=wrong.event_seq
        ).order_by("pk")
    ]
    answer: dict[str, Any] = {
        "job_order_id": job.pk,
        "good": job.good,
        "scrap": job.scrap,
        "rework": job.rework,
        "left": _left(job),
        "status": job.status,
        "order_status": floor.order.status,
    }

    def store(seq: int) -> None:
        moves.store(seq)
        row = JobResponse.objects.create(
            site=command.site,
            job_order=job,
            unit_id=wrong.unit_id,
            event_seq=seq,
            person_id=command.actor.person_id,
            device_id=command.actor.device_id,
            at=command.now,
            good=-wrong.good,
            scrap=-wrong.scrap,
            rework=-wrong.rework,
            reason=wrong.reason,
            corrects=wrong,
        )
        answer["response_id"] = row.pk
        _store_edges(command, edges, seq)

    floor.order.refresh_from_db()
    command.record(
        "workorders.report.corrected",
        subject=("job_order", job.pk),
        body={
            "work_order_id": floor.order.pk,
            "unit_id": wrong.unit_id,
            "response_id": wrong.pk,
            "good": -wrong.good,
            "scrap": -wrong.scrap,
            "rework": -wrong.rework,
            "total": {"good": job.good, "scrap": job.scrap, "rework": job.rework},
            "was": was,
            "status": job.status,
            "order_status": floor.order.status,
            "put_away_quantity": floor.order.put_away_quantity,
            "moves": moves.body(),
            "others": others,
        },
        corrects_seq=wrong.event_seq,
        then=store,
    )
    units_follow(command, floor, beside, others, at=command.now)
    _settle_shortages(command, wrong)
    return answer


def plain(quantity: Decimal) -> str:
    """A quantity as a person writes it: no trailing zeros."""
    return format(quantity.normalize(), "f") if quantity else "0"


def _left(job: JobOrder) -> Decimal:
    """What is still to report; nothing once it is complete, though fewer pieces arrived."""
    if job.status in rules.ENDED:
        return Decimal(0)
    return Decimal(job.quantity - job.good - job.scrap - job.rework)


def _check_entry(floor: Floor, good: Decimal, scrap: Decimal, rework: Decimal) -> None:
    if min(good, scrap, rework) < 0:
        raise Refused(_("Quantities can't be below zero. To take an entry back, undo it."))
    if good + scrap + rework <= 0:
        raise Refused(_("Enter good pieces, scrap or rework above zero."))
    item = floor.order.item
    if not all(fits_quantum(part, item.decimals) for part in (good, scrap, rework)):
        raise Refused(
            _("%(item)s is counted in steps of %(step)s. Correct the quantity.")
            % {"item": item.code, "step": Decimal(1).scaleb(-item.decimals)}
        )


def _barred_lot(command: Command, lot_ids: Sequence[int], at: datetime) -> Lot | None:
    """The first of the loaded lots that may not be used; all of them stay locked."""
    if not lot_ids:
        return None
    lots = lock_lots(command, lot_ids)
    if len(lots) != len(set(lot_ids)):
        raise Missing(_("There is no such lot here. Scan its label again."))
    return next(
        (lot for lot in lots.values() if not may_be_used(lot.status, lot.expires_at, at)), None
    )


def _run_goes_on(job: JobOrder, at: datetime) -> datetime | None:
    """A report settles the productive time up to itself; the run goes on from there."""
    if job.running_since is None:
        return None
    return max(job.running_since, at)


def _keep(
    command: Command,
    floor: Floor,
    verdict: rules.Verdict,
    left: Decimal,
    quantities: tuple[Decimal, Decimal, Decimal],
    barred: Lot | None,
    when: Occurred,
) -> dict[str, Any]:
    good, scrap, rework = quantities
    entered = plain(good + scrap + rework)
    sentence = {
        rules.Verdict.OVER_REPORT: _(
            "Only %(left)s left to report; you entered %(entered)s. "
            "Kept for your supervisor to settle."
        ),
        rules.Verdict.ORDER_ENDED: _(
            "%(job)s has ended; you entered %(entered)s. Kept for your supervisor to settle."
        ),
        rules.Verdict.JOB_HELD: _(
            "%(job)s is on hold; you entered %(entered)s. Kept for your supervisor to settle."
        ),
        rules.Verdict.LOT_HELD: _(
            "Lot %(lot)s may not be used; you entered %(entered)s made from it. "
            "Set the pieces aside. Kept for your supervisor to settle."
        ),
    }[verdict] % {
        "left": plain(left),
        "entered": entered,
        "job": floor.name,
        "lot": barred.code if barred else "",
    }
    answer: dict[str, Any] = {
        "job_order_id": floor.job.pk,
        "unsettled": True,
        "what": verdict.value,
        "message": sentence,
        "good": floor.job.good,
        "scrap": floor.job.scrap,
        "rework": floor.job.rework,
        "left": left,
        "status": floor.job.status,
    }
    keep_unsettled(
        command,
        what=verdict.value,
        sentence=sentence,
        job_order_id=floor.job.pk,
        when=when,
        quantity=good + scrap + rework,
        values={"good": good, "scrap": scrap, "rework": rework},
        lot_id=barred.pk if barred and verdict is rules.Verdict.LOT_HELD else None,
        answer=answer,
    )
    return answer


def _consume(
    command: Command, floor: Floor, made: Decimal, moves: Moves, lot_ids: Sequence[int]
) -> _Consumed:
    """Take the components of the pieces made, as far as they are there."""
    consumed = _Consumed()
    if floor.order.mends_lot_id is not None:
        _take_mended(command, floor.order.mends_lot_id, made, moves, consumed)
    if not command.site.checks_stock:
        return consumed
    needs = {
        row.item_id: (row, millionths(row.quantity_per * made))
        for row in JobMaterial.objects.filter(job_order=floor.job).select_related("item")
        if row.item.tracked
    }
    if not needs:
        return consumed
    usable = usable_stock(command, needs, at=moves.at, preferred=lot_ids, lock=True)
    for item_id, (row, wanted) in sorted(needs.items()):
        takes, short = first_expired_first(usable.stock.get(item_id, []), wanted)
        for take in takes:
            if not take_out(
                moves, take.lot_id, take.location_id, take.quantity, StockMove.Reason.ISSUE
            ):
                raise AssertionError("a locked lot's balance changed")
            consumed.lots[take.lot_id] = consumed.lots.get(take.lot_id, Decimal(0)) + take.quantity
        JobMaterial.objects.filter(pk=row.pk).update(issued=F("issued") + (wanted - short))
        if short > 0:
            consumed.short.append((row.item, short))
    return consumed


def _take_mended(
    command: Command, lot_id: int, made: Decimal, moves: Moves, consumed: _Consumed
) -> None:
    """Take pieces that are mended out of their lot, though it may not be used otherwise."""
    lot = lock_lots(command, [lot_id])[lot_id]
    left = made
    places = StockBalance.objects.filter(site=command.site, lot=lot, quantity__gt=0)
    for row in places.exclude(location__kind=Location.Kind.SCRAP).order_by("pk"):
        taken = min(left, row.quantity)
        if taken and take_out(moves, lot_id, row.location_id, taken, StockMove.Reason.REWORK):
            left -= taken
    if left < made:
        consumed.lots[lot_id] = made - left
    if left:
        consumed.short.append((lot.item, left))


def _put_away(command: Command, floor: Floor, good: Decimal, moves: Moves, at: datetime) -> Decimal:
    """Bring the last operation's good pieces into stock; return what the order has put away."""
    order = floor.order
    if good <= 0 or not floor.is_last(floor.job):
        return Decimal(order.put_away_quantity)
    lot = output_lot(command, order, at)
    if order.put_away_quantity == 0:
        Lot.objects.filter(pk=lot.pk).update(received_at=at)
    bring_in(moves, lot.pk, store_room(command).pk, good, StockMove.Reason.OUTPUT)
    WorkOrder.objects.filter(pk=order.pk).update(put_away_quantity=F("put_away_quantity") + good)
    order.put_away_quantity += good
    return Decimal(order.put_away_quantity)


def output_lot(command: Command, order: WorkOrder, at: datetime) -> Lot:
    """The lot of the order's output, made with the first piece or component. Locked."""
    if order.lot_id is None:
        code = order.code
        if Lot.objects.filter(site=command.site, code=code).exists():
            code = f"{order.code}-{order.pk}"
        order.lot = Lot.objects.create(
            site=command.site, code=code, item_id=order.item_id, received_at=at
        )
        WorkOrder.objects.filter(pk=order.pk, lot=None).update(lot=order.lot)
        return order.lot
    return lock_lots(command, [order.lot_id])[order.lot_id]


def store_room(command: Command) -> Location:
    """Where output goes: the first store, else one that this makes, for a fact needs a place."""
    found = (
        Location.objects.filter(site=command.site, kind=Location.Kind.STORE).order_by("pk").first()
    )
    if found is not None:
        return found
    made, _created = Location.objects.get_or_create(
        site=command.site,
        code="STORE",
        defaults={"name": _("Store"), "kind": Location.Kind.STORE},
    )
    return made


def _edges(command: Command, floor: Floor, consumed: _Consumed) -> list[tuple[int, int, Decimal]]:
    if not consumed.lots:
        return []
    produced = output_lot(command, floor.order, command.now)
    return [
        (lot_id, produced.pk, quantity)
        for lot_id, quantity in sorted(consumed.lots.items())
        if lot_id != produced.pk
    ]


def _store_edges(command: Command, edges: Sequence[tuple[int, int, Decimal]], seq: int) -> None:
    GenealogyEdge.objects.bulk_create(
        GenealogyEdge(
            site=command.site,
            event_seq=seq,
            consumed_id=consumed,
            produced_id=produced,
            quantity=quantity,
        )
        for consumed, produced, quantity in edges
    )


def _implies_previous(floor: Floor) -> bool:
    """Whether more is good here than was reported at an operation before."""
    return any(feed.good < floor.job.good for feed in floor.feeds(floor.job))


def _check_correction(floor: Floor, wrong: JobResponse) -> None:
    if wrong.corrects_id is not None:
        raise Refused(_("This entry takes another back. Enter the right quantity instead."))
    # The job order is locked, so nobody can take the same entry back beside us.
    if JobResponse.objects.filter(corrects=wrong).exists():
        raise Refused(_("This entry was already taken back."), status=409, code="done_already")
    if floor.order.status in {WorkOrder.Status.CLOSED, WorkOrder.Status.ABORTED}:
        raise Refused(
            _("%(order)s is closed. Ask your supervisor to correct the stock by a count.")
            % {"order": floor.order.code}
        )


def _reverse_moves(
    command: Command, floor: Floor, wrong: JobResponse, moves: Moves
) -> tuple[Decimal, dict[int, Decimal]]:
    """Move back what the report moved; return the output and what was issued an item."""
    booked = list(
        StockMove.objects.filter(site=command.site, event_seq=wrong.event_seq).order_by("n")
    )
    lots = lock_lots(command, (row.lot_id for row in booked))
    made = Decimal(0)
    issued: dict[int, Decimal] = {}
    for row in booked:
        if row.quantity > 0:
            if not take_out(
                moves, row.lot_id, row.location_id, row.quantity, StockMove.Reason.CORRECTION
            ):
                raise Refused(
                    _(
                        "Pieces of %(lot)s have already been shipped or used, so this entry "
                        "can't be taken back. Ask your supervisor to correct the stock."
                    )
                    % {"lot": lots[row.lot_id].code}
                )
            made += row.quantity
        else:
            bring_in(moves, row.lot_id, row.location_id, -row.quantity, StockMove.Reason.CORRECTION)
            item_id = lots[row.lot_id].item_id
            issued[item_id] = issued.get(item_id, Decimal(0)) - row.quantity
    return made, issued


def _settle_shortages(command: Command, wrong: JobResponse) -> None:
    """What the stores were asked because of the report is no longer a question."""
    key = ShopFloorEvent.objects.values_list("key", flat=True).get(
        site=command.site, seq=wrong.event_seq
    )
    seqs = ShopFloorEvent.objects.filter(site=command.site, key=key).values_list("seq", flat=True)
    for row in Unsettled.objects.filter(
        site=command.site, event_seq__in=list(seqs), settled_at=None
    ):
        close_unsettled(command, row, _("The entry was taken back."))
