"""Goods that a customer sends back: received into quarantine, exchanged, or taken back."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import Max, Sum
from django.utils.translation import gettext as _

from materials import rules
from materials.actions.deliveries import add_line, cancel_line
from materials.actions.stock import Moves, bring_in, take_out
from materials.models import (
    CustomerLine,
    CustomerReturn,
    Location,
    Lot,
    StockBalance,
    StockMove,
)
from mes.commands import Command
from mes.dates import check_day
from mes.errors import Refused
from mes.rows import find


def receive_return(
    command: Command,
    *,
    line_id: int,
    quantity: Decimal,
    why: str,
    wants: str,
    needed_at: datetime | None = None,
    location_id: int | None = None,
) -> dict[str, Any]:
    """Receive goods of a shipped line into a lot in quarantine; what was delivered stays so.

    wants        what the customer wants in exchange: a further line of his order, by `needed_at`.
    location_id  where they lie; None: the first store.

    :raises Refused: if more comes back than was shipped, no reason is given, or a date is missing
        or not wanted.
    """
    line = find(command, CustomerLine, line_id, lock=True)
    check_day(command.now, needed_at)
    _check(line, quantity, why, wants, needed_at)
    place = _place(command, location_id)
    number = line.returns.count() + 1
    lot = Lot.objects.create(
        site=command.site,
        code=f"RET-{line.order.code}-{line.number}-{number}"[:60],
        item=line.item,
        status=Lot.Status.QUARANTINE,
        received_at=command.now,
    )
    replacement_id = None
    if needed_at is not None:
        numbers = CustomerLine.objects.filter(order=line.order).aggregate(last=Max("number"))
        values = {
            "item_id": line.item_id,
            "quantity": quantity,
            "requested_at": needed_at,
            "price": line.price,
            "pack_s": line.pack_s,
        }
        replacement_id = add_line(
            command, line.order, (numbers["last"] or 0) + 1, values, rush=False
        )
    row = CustomerReturn.objects.create(
        site=command.site,
        line=line,
        lot=lot,
        quantity=quantity,
        why=why.strip()[:200],
        wants=wants,
        replacement_id=replacement_id,
        returned_at=command.now,
    )
    moves = Moves(command, command.now)
    bring_in(moves, lot.pk, place.pk, quantity, StockMove.Reason.RETURN)
    command.record(
        "materials.return.received",
        subject=("customer_return", row.pk),
        body={
            "line_id": line.pk,
            "lot_id": lot.pk,
            "item_id": line.item_id,
            "quantity": quantity,
            "why": row.why,
            "wants": wants,
            "needed_at": needed_at,
            "replacement_line_id": replacement_id,
            "moves": moves.body(),
        },
        then=moves.store,
    )
    return {"return_id": row.pk, "lot_id": lot.pk, "replacement_line_id": replacement_id}


def take_back_return(command: Command, *, return_id: int) -> dict[str, Any]:
    """Take back a return that was booked by mistake: its lot is empty, nothing more is wanted.

    :raises Refused: if some of its lot was used, or what was wanted in exchange has shipped.
    """
    row = find(command, CustomerReturn, return_id, lock=True)
    if row.taken_back_at is not None:
        raise Refused(_("This return was taken back before."), status=409, code="done_already")
    lot = find(command, Lot, row.lot_id, lock=True)
    moves = Moves(command, command.now)
    place = (
        StockBalance.objects.filter(site=command.site, lot=lot, quantity__gte=row.quantity)
        .values_list("location_id", flat=True)
        .first()
    )
    if place is None or not take_out(
        moves, lot.pk, place, row.quantity, StockMove.Reason.CORRECTION
    ):
        raise Refused(
            _("Some of %(lot)s was used already. Count it, then correct what is left.")
            % {"lot": lot.code}
        )
    needed_at = None
    if row.replacement is not None:
        needed_at = row.replacement.requested_at
        if row.replacement.shipped_quantity > 0:
            raise Refused(_("What was wanted in exchange has shipped already."))
        if row.replacement.cancelled_at is None:
            cancel_line(command, line_id=row.replacement.pk, note=_("return taken back"))
    CustomerReturn.objects.filter(pk=row.pk).update(taken_back_at=command.now)
    command.record(
        "materials.return.taken_back",
        subject=("customer_return", row.pk),
        body={
            "line_id": row.line_id,
            "lot_id": lot.pk,
            "item_id": lot.item_id,
            "quantity": row.quantity,
            "needed_at": needed_at,
            "replacement_line_id": row.replacement_id,
            "moves": moves.body(),
        },
        then=moves.store,
    )
    return {"return_id": row.pk, "lot_id": lot.pk}


def _check(
    line: CustomerLine, quantity: Decimal, why: str, wants: str, needed_at: datetime | None
) -> None:
    back = line.returns.filter(taken_back_at=None).aggregate(sum=Sum("quantity"))["sum"]
    left = line.shipped_quantity - (back or Decimal(0))
    if quantity <= 0 or quantity > left or not rules.fits_quantum(quantity, line.item.decimals):
        raise Refused(
            _("%(left)s of this line are with the customer: enter how many come back.")
            % {"left": format(left.normalize(), "f") if left else "0"}
        )
    if not why.strip():
        raise Refused(_("Say in a few words why it came back."))
    if wants not in CustomerReturn.Wants.values:
        raise Refused(_("Choose what the customer wants in exchange."))
    if wants == CustomerReturn.Wants.NOTHING and needed_at is not None:
        raise Refused(_("Nothing is wanted in exchange, so there is no day for it."))
    if wants != CustomerReturn.Wants.NOTHING and needed_at is None:
        raise Refused(_("Enter until when the customer needs it."))


def _place(command: Command, location_id: int | None) -> Location:
    if location_id is not None:
        return find(command, Location, location_id)
    stores = Location.objects.filter(site=command.site, kind=Location.Kind.STORE)
    place = stores.order_by("code").first()
    if place is None:
        raise Refused(_("There is no store to put it into. Add a location of kind store first."))
    return place
