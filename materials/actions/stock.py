"""Lots and their quantities: received, moved, held, taken out, brought in.

A balance changes only here, under its lot's lock, together with the moves that explain it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import F
from django.utils.translation import gettext as _

from materials import rules
from materials.models import Item, Location, Lot, PurchaseLine, StockBalance, StockMove
from mes.commands import Command
from mes.dates import check_day, happened
from mes.errors import Refused
from mes.rows import find


@dataclass(slots=True)
class Moves:
    """The stock moves of one event, numbered in order; stored with the event's number."""

    command: Command
    at: datetime
    rows: list[tuple[int, int, Decimal, str]] = field(default_factory=list)

    def add(self, lot_id: int, location_id: int, quantity: Decimal, reason: str) -> None:
        self.rows.append((lot_id, location_id, quantity, reason))

    def store(self, seq: int) -> None:
        """Write the moves; hand this to `command.record(..., then=...)`."""
        StockMove.objects.bulk_create(
            StockMove(
                site=self.command.site,
                event_seq=seq,
                n=n,
                lot_id=lot_id,
                location_id=location_id,
                quantity=quantity,
                reason=reason,
                at=self.at,
            )
            for n, (lot_id, location_id, quantity, reason) in enumerate(self.rows)
        )

    def body(self) -> list[dict[str, Any]]:
        """The moves as an event says them."""
        return [
            {"lot_id": lot, "location_id": place, "quantity": quantity, "reason": str(reason)}
            for lot, place, quantity, reason in self.rows
        ]


@dataclass(frozen=True, slots=True)
class Usable:
    """What may be used of some items now, and what lies there but may not."""

    stock: dict[int, list[rules.Stock]]
    barred: dict[int, list[Lot]]


def lock_lots(command: Command, lot_ids: Iterable[int]) -> dict[int, Lot]:
    """Lock lots in the order of their ids and return them as they are now.

    Whoever changes a lot or its balances holds this lock, so two hands never take one piece.
    """
    rows = (
        Lot.objects.select_for_update(no_key=True)
        .filter(site=command.site, pk__in=sorted(set(lot_ids)))
        .order_by("pk")
    )
    return {row.pk: row for row in rows}


def usable_stock(
    command: Command,
    item_ids: Iterable[int],
    *,
    at: datetime,
    preferred: Sequence[int] = (),
    lock: bool = False,
) -> Usable:
    """Return the stock of items by item: usable, and barred by status or expiry.

    preferred  lots that the person named; they rank first.
    lock       hold the lots until the command ends, so that what is returned stays true.
    """
    balances = StockBalance.objects.filter(
        site=command.site, lot__item__in=list(item_ids), quantity__gt=0
    ).exclude(location__kind=Location.Kind.SCRAP)
    lot_ids = set(balances.values_list("lot_id", flat=True))
    lots = lock_lots(command, lot_ids) if lock else Lot.objects.in_bulk(lot_ids)
    usable: dict[int, list[rules.Stock]] = {}
    barred: dict[int, list[Lot]] = {}
    # Read again under the locks: what another hand took meanwhile is gone.
    for row in balances.filter(lot__in=list(lots)).order_by("pk"):
        lot = lots[row.lot_id]
        if rules.may_be_used(lot.status, lot.expires_at, at):
            usable.setdefault(lot.item_id, []).append(
                rules.Stock(
                    lot_id=lot.pk,
                    location_id=row.location_id,
                    quantity=row.quantity,
                    received_at=lot.received_at,
                    expires_at=lot.expires_at,
                    preferred=lot.pk in preferred,
                )
            )
        else:
            barred.setdefault(lot.item_id, []).append(lot)
    return Usable(stock=usable, barred=barred)


def take_out(moves: Moves, lot_id: int, location_id: int, quantity: Decimal, reason: str) -> bool:
    """Take a quantity of a lot from its place. False, nothing changed, if it isn't there."""
    taken = StockBalance.objects.filter(
        site=moves.command.site, lot=lot_id, location=location_id, quantity__gte=quantity
    ).update(quantity=F("quantity") - quantity)
    if not taken:
        return False
    moves.add(lot_id, location_id, -quantity, reason)
    return True


def bring_in(moves: Moves, lot_id: int, location_id: int, quantity: Decimal, reason: str) -> None:
    """Add a quantity of a lot to a place. The caller holds the lot's lock or has just made it."""
    site = moves.command.site
    found = StockBalance.objects.filter(site=site, lot=lot_id, location=location_id)
    if not found.update(quantity=F("quantity") + quantity):
        StockBalance.objects.create(
            site=site, lot_id=lot_id, location_id=location_id, quantity=quantity
        )
    moves.add(lot_id, location_id, quantity, reason)


def receive(
    command: Command,
    *,
    item_id: int,
    lot_code: str,
    quantity: Decimal,
    location_id: int,
    purchase_line_id: int | None = None,
    status: str = Lot.Status.RELEASED,
    expires_at: datetime | None = None,
    free_at: datetime | None = None,
    occurred_at: datetime | None = None,
    reason: str = StockMove.Reason.RECEIPT,
) -> dict[str, Any]:
    """Receive a quantity into a lot, new or known; more than was ordered is received as well.

    :raises Refused: if nothing is received, or the lot's code belongs to another item.
    """
    item = find(command, Item, item_id)
    location = find(command, Location, location_id)
    if quantity <= 0:
        raise Refused(_("Enter how much came in: a quantity above zero."))
    when = happened(occurred_at, now=command.now)
    check_day(command.now, expires_at, free_at)
    line = None
    if purchase_line_id is not None:
        line = find(command, PurchaseLine, purchase_line_id, lock=True)
        if line.item_id != item.pk:
            raise Refused(
                _("Purchase line %(order)s/%(number)s is for another item. Choose its own line.")
                % {"order": line.order_code, "number": line.number}
            )
    Lot.objects.bulk_create(
        [
            Lot(
                site=command.site,
                code=lot_code,
                item=item,
                status=status,
                received_at=when.at,
                expires_at=expires_at,
                free_at=free_at,
            )
        ],
        ignore_conflicts=True,
    )
    lot = Lot.objects.select_for_update(no_key=True).get(site=command.site, code=lot_code)
    if lot.item_id != item.pk:
        raise Refused(
            _("Lot %(lot)s already exists for another item. Check the label.") % {"lot": lot_code}
        )
    moves = Moves(command, when.at)
    bring_in(moves, lot.pk, location.pk, quantity, reason)
    if line is not None:
        received = line.received_quantity + quantity
        PurchaseLine.objects.filter(pk=line.pk).update(
            received_quantity=F("received_quantity") + quantity,
            closed_at=when.at if received >= line.quantity else None,
            version=F("version") + 1,
        )
    Lot.objects.filter(pk=lot.pk).update(version=F("version") + 1)
    command.record(
        "materials.stock.received",
        subject=("lot", lot.pk),
        body={
            "item_id": item.pk,
            "lot_code": lot.code,
            "status": lot.status,
            "expires_at": lot.expires_at,
            "free_at": lot.free_at,
            "purchase_line_id": purchase_line_id,
            "moves": moves.body(),
            "clamped": when.clamped,
        },
        occurred_at=when.at,
        late=when.late,
        then=moves.store,
    )
    return {"lot_id": lot.pk}


def move(
    command: Command,
    *,
    lot_id: int,
    from_location_id: int,
    to_location_id: int,
    quantity: Decimal,
) -> dict[str, Any]:
    """Move a quantity of a lot from place to place: two moves that sum to zero.

    :raises Refused: if it isn't there.
    """
    lot = find(command, Lot, lot_id, lock=True)
    origin = find(command, Location, from_location_id)
    target = find(command, Location, to_location_id)
    if quantity <= 0 or origin.pk == target.pk:
        raise Refused(_("Enter a quantity above zero and another place to move it to."))
    moves = Moves(command, command.now)
    if not take_out(moves, lot.pk, origin.pk, quantity, StockMove.Reason.TRANSFER):
        raise Refused(
            _("There is not that much of %(lot)s at %(place)s. Count it, then move what is there.")
            % {"lot": lot.code, "place": origin.code}
        )
    bring_in(moves, lot.pk, target.pk, quantity, StockMove.Reason.TRANSFER)
    command.record(
        "materials.stock.moved",
        subject=("lot", lot.pk),
        body={"item_id": lot.item_id, "moves": moves.body()},
        then=moves.store,
    )
    return {"lot_id": lot.pk}


def correct_receipt(
    command: Command, *, purchase_line_id: int, lot_id: int, quantity: Decimal
) -> dict[str, Any]:
    """Take back a receipt that was booked by mistake: the line is open again.

    :raises Refused: if that much of the lot is not there any more, or never came on the line.
    """
    line = find(command, PurchaseLine, purchase_line_id, lock=True)
    lot = find(command, Lot, lot_id, lock=True)
    if quantity <= 0 or quantity > line.received_quantity or lot.item_id != line.item_id:
        raise Refused(
            _("%(line)s has received %(quantity)s so far. Enter what was booked too much.")
            % {"line": line, "quantity": format(line.received_quantity.normalize(), "f")}
        )
    moves = Moves(command, command.now)
    places = StockBalance.objects.filter(site=command.site, lot=lot, quantity__gte=quantity)
    place = places.order_by("location__code").values_list("location_id", flat=True).first()
    if place is None or not take_out(moves, lot.pk, place, quantity, StockMove.Reason.CORRECTION):
        raise Refused(
            _("There is not that much of %(lot)s left at one place; some of it was used. Count it.")
            % {"lot": lot.code}
        )
    PurchaseLine.objects.filter(pk=line.pk).update(
        received_quantity=F("received_quantity") - quantity,
        closed_at=None,
        version=F("version") + 1,
    )
    Lot.objects.filter(pk=lot.pk).update(version=F("version") + 1)
    command.record(
        "materials.receipt.corrected",
        subject=("lot", lot.pk),
        body={
            "item_id": lot.item_id,
            "purchase_line_id": line.pk,
            "quantity": quantity,
            "moves": moves.body(),
        },
        then=moves.store,
    )
    return {"lot_id": lot.pk, "purchase_line_id": line.pk}


def count(
    command: Command, *, lot_id: int, location_id: int, counted: Decimal, note: str = ""
) -> dict[str, Any]:
    """Book what was counted of a lot at a place; the difference is a move of its own.

    :raises Refused: if the count is below zero or finer than the item is counted.
    """
    lot = find(command, Lot, lot_id, lock=True)
    place = find(command, Location, location_id)
    if counted < 0 or not rules.fits_quantum(counted, lot.item.decimals):
        raise Refused(
            _("%(item)s is counted in steps of %(step)s, from zero up.")
            % {"item": lot.item.code, "step": Decimal(1).scaleb(-lot.item.decimals)}
        )
    return _book_count(command, lot, place, counted, found="COUNT", note=note)


def report_shortage(
    command: Command, *, lot_id: int, location_id: int, missing: Decimal, note: str = ""
) -> dict[str, Any]:
    """Book that pieces of a lot are not where they are booked, as somebody found at the line.

    More than was booked there can't be missing: then all of it is.

    :raises Refused: if nothing is missing, or the quantity is finer than the item is counted.
    """
    lot = find(command, Lot, lot_id, lock=True)
    place = find(command, Location, location_id)
    if missing <= 0 or not rules.fits_quantum(missing, lot.item.decimals):
        raise Refused(
            _("%(item)s is counted in steps of %(step)s: enter how much is missing.")
            % {"item": lot.item.code, "step": Decimal(1).scaleb(-lot.item.decimals)}
        )
    counted = max(Decimal(0), _booked(command, lot, place) - missing)
    return _book_count(command, lot, place, counted, found="LINE", note=note)


def _booked(command: Command, lot: Lot, place: Location) -> Decimal:
    row = StockBalance.objects.filter(site=command.site, lot=lot, location=place).first()
    return row.quantity if row is not None else Decimal(0)


def _book_count(
    command: Command, lot: Lot, place: Location, counted: Decimal, *, found: str, note: str
) -> dict[str, Any]:
    booked = _booked(command, lot, place)
    moves = Moves(command, command.now)
    if counted < booked:
        take_out(moves, lot.pk, place.pk, booked - counted, StockMove.Reason.COUNT)
    elif counted > booked:
        bring_in(moves, lot.pk, place.pk, counted - booked, StockMove.Reason.COUNT)
    Lot.objects.filter(pk=lot.pk).update(counted_at=command.now, version=F("version") + 1)
    command.record(
        "materials.stock.counted",
        subject=("lot", lot.pk),
        body={
            "item_id": lot.item_id,
            "location_id": place.pk,
            "booked": booked,
            "counted": counted,
            "difference": counted - booked,
            "found": found,
            "note": note,
            "moves": moves.body(),
        },
        then=moves.store,
    )
    return {"lot_id": lot.pk, "difference": counted - booked}


def hold_lot(command: Command, *, lot: Lot, free_at: datetime | None) -> str:
    """Bar a lot from use and return the status that it had. Called by who places the hold.

    :raises Refused: if it is held, rejected or used up already.
    """
    if lot.status not in rules.MAY_BE_HELD:
        raise Refused(
            _("Lot %(lot)s is already %(status)s.")
            % {"lot": lot.code, "status": _lot_word(lot.status)},
            status=409,
            code="done_already",
        )
    Lot.objects.filter(pk=lot.pk, status=lot.status).update(
        status=Lot.Status.HELD, free_at=free_at, version=F("version") + 1
    )
    return lot.status


def free_lot(command: Command, *, lot: Lot, status: str) -> None:
    """Give a held lot back the status that it had before its hold."""
    Lot.objects.filter(site=command.site, pk=lot.pk, status=Lot.Status.HELD).update(
        status=status, free_at=None, version=F("version") + 1
    )


def judge_lot(command: Command, *, lot: Lot, status: str) -> None:
    """Give a lot in quarantine the status that quality decides on, or take that back.

    :raises Refused: if it is in no such state that it could be decided, or taken back.
    """
    if status not in rules.JUDGED.get(lot.status, ()):
        raise Refused(
            _("Lot %(lot)s is %(status)s; that can't be decided.")
            % {"lot": lot.code, "status": _lot_word(lot.status)},
            status=409,
            code="done_already",
        )
    Lot.objects.filter(pk=lot.pk, status=lot.status).update(status=status, version=F("version") + 1)


def _lot_word(status: str) -> str:
    return {
        "HELD": _("on hold"),
        "REJECTED": _("rejected"),
        "CONSUMED": _("used up"),
        "QUARANTINE": _("in quarantine"),
    }.get(status, _("released"))
