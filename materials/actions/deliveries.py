"""What is promised to customers and by suppliers, and what was shipped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import F
from django.utils.translation import gettext as _

from materials import rules
from materials.actions.stock import Moves, take_out, usable_stock
from materials.models import (
    Customer,
    CustomerLine,
    CustomerOrder,
    FreightMode,
    Item,
    PromiseChange,
    PurchaseLine,
    StockMove,
    Supplier,
)
from mes.commands import Command
from mes.dates import check_day, happened
from mes.errors import Refused
from mes.models import Site
from mes.rows import find


def add_customer_order(
    command: Command,
    *,
    code: str = "",
    customer_id: int,
    lines: Sequence[Mapping[str, Any]],
    ordered_at: datetime | None = None,
    rush: bool = False,
) -> dict[str, Any]:
    """Add a customer's order with its lines; without a code it gets the next of its own.

    lines  each with item_id, quantity, requested_at and, where known, promised_at, price,
           pack_s, number (else 1, 2, ... as they come).
    rush   it comes on top of what is planned: what it does to the others is worth a look.

    :raises Refused: if it has no line, or a quantity its item can't have.
    """
    if not lines:
        raise Refused(_("An order needs at least one line."))
    order = CustomerOrder.objects.create(
        site=command.site,
        code=code or _next_code(command.site),
        customer=find(command, Customer, customer_id),
        ordered_at=ordered_at or command.now,
    )
    line_ids = [
        add_line(command, order, number, line, rush=rush)
        for number, line in enumerate(lines, start=1)
    ]
    return {"customer_order_id": order.pk, "order": order.code, "line_ids": line_ids}


def _next_code(site: Site) -> str:
    """A number for an order that came without one: RO-1, RO-2, ..."""
    taken = CustomerOrder.objects.filter(site=site, code__regex=r"^RO-[0-9]{1,9}$")
    numbers = [int(code[3:]) for code in taken.values_list("code", flat=True)]
    return f"RO-{max(numbers, default=0) + 1}"


def _check_steps(item: Item, quantity: Decimal) -> None:
    if quantity <= 0 or not rules.fits_quantum(quantity, item.decimals):
        raise Refused(
            _("%(item)s is ordered in steps of %(step)s, above zero.")
            % {"item": item.code, "step": Decimal(1).scaleb(-item.decimals)}
        )


def add_line(
    command: Command,
    order: CustomerOrder,
    number: int,
    values: Mapping[str, Any],
    *,
    rush: bool,
) -> int:
    """Add a line to an order; see `add_customer_order` for its values. Returns its id."""
    item = find(command, Item, values["item_id"])
    quantity = values["quantity"]
    _check_steps(item, quantity)
    promised_at = values.get("promised_at")
    check_day(command.now, values["requested_at"], promised_at)
    terms = {name: values[name] for name in ("price", "pack_s") if name in values}
    line = CustomerLine.objects.create(
        site=command.site,
        order=order,
        number=values.get("number", number),
        item=item,
        quantity=quantity,
        requested_at=values["requested_at"],
        first_promised_at=promised_at,
        promised_at=promised_at,
        **terms,
    )
    command.record(
        "materials.line.added",
        subject=("customer_line", line.pk),
        body={
            "order_code": order.code,
            "customer_id": order.customer_id,
            "number": line.number,
            "item_id": item.pk,
            "quantity": line.quantity,
            "requested_at": line.requested_at,
            "promised_at": promised_at,
            "price": line.price,
            "rush": rush,
        },
    )
    if promised_at is not None:
        command.also(lambda seq: _promise_row(command, line.pk, promised_at, seq))
    return line.pk


def set_promise(command: Command, *, line_id: int, promised_at: datetime) -> dict[str, Any]:
    """Give a customer line a new promise; the first one is kept for ever.

    :raises Refused: if the line was shipped whole or cancelled, or the day can't be meant.
    """
    line = find(command, CustomerLine, line_id, lock=True)
    _check_open(line)
    check_day(command.now, promised_at)
    CustomerLine.objects.filter(pk=line.pk).update(
        promised_at=promised_at,
        first_promised_at=line.first_promised_at or promised_at,
        version=F("version") + 1,
    )
    command.record(
        "materials.line.promised",
        subject=("customer_line", line.pk),
        body={"promised_at": promised_at, "was": line.promised_at},
        then=lambda seq: _promise_row(command, line.pk, promised_at, seq),
    )
    return {"line_id": line.pk}


def set_part(command: Command, *, line_id: int, part_quantity: Decimal) -> dict[str, Any]:
    """Say how much of a line ships ahead of the rest; zero: all of it at once.

    part_quantity  counted from the first piece of the line, what was shipped before included.

    :raises Refused: if it isn't less than the line, or has been shipped already.
    """
    line = find(command, CustomerLine, line_id, lock=True)
    _check_open(line)
    if part_quantity < 0 or part_quantity >= line.quantity:
        raise Refused(_("A part is more than nothing and less than the whole line."))
    if 0 < part_quantity <= line.shipped_quantity:
        raise Refused(_("That much has been shipped already."))
    CustomerLine.objects.filter(pk=line.pk).update(
        part_quantity=part_quantity, version=F("version") + 1
    )
    command.record(
        "materials.line.part_set",
        subject=("customer_line", line.pk),
        body={"part_quantity": part_quantity, "was": line.part_quantity},
    )
    return {"line_id": line.pk}


def set_freight(command: Command, *, line_id: int, freight_mode_id: int | None) -> dict[str, Any]:
    """Say how a line travels; None: as usual.

    :raises Refused: if the line was shipped whole or cancelled.
    """
    line = find(command, CustomerLine, line_id, lock=True)
    _check_open(line)
    mode = None if freight_mode_id is None else find(command, FreightMode, freight_mode_id)
    CustomerLine.objects.filter(pk=line.pk).update(freight_mode=mode, version=F("version") + 1)
    command.record(
        "materials.line.freight_set",
        subject=("customer_line", line.pk),
        body={"freight_mode_id": freight_mode_id, "was": line.freight_mode_id},
    )
    return {"line_id": line.pk}


def ship(
    command: Command,
    *,
    line_id: int,
    quantity: Decimal,
    lot_id: int | None = None,
    occurred_at: datetime | None = None,
) -> dict[str, Any]:
    """Ship a quantity of a customer line from released lots, first expired first.

    lot_id  the lot that was picked; else any usable lot of the item.

    :raises Refused: if it is more than is open, or not there in lots that may leave.
    """
    line = find(command, CustomerLine, line_id, lock=True)
    _check_open(line)
    left = line.quantity - line.shipped_quantity
    if quantity <= 0:
        raise Refused(_("Enter how much is shipped: a quantity above zero."))
    if quantity > left:
        raise Refused(
            _("Only %(left)s are open on this line; you entered %(entered)s.")
            % {"left": _plain(left), "entered": _plain(quantity)}
        )
    when = happened(occurred_at, now=command.now)
    moves = Moves(command, when.at)
    if command.site.checks_stock and line.item.tracked:
        usable = usable_stock(command, [line.item_id], at=when.at, lock=True)
        stock = usable.stock.get(line.item_id, [])
        if lot_id is not None:
            stock = [row for row in stock if row.lot_id == lot_id]
        takes, short = rules.first_expired_first(stock, quantity)
        if short > 0:
            raise Refused(_short_sentence(quantity - short, usable.barred.get(line.item_id, [])))
        for take in takes:
            take_out(moves, take.lot_id, take.location_id, take.quantity, StockMove.Reason.SHIPMENT)
    whole = quantity == left
    CustomerLine.objects.filter(pk=line.pk).update(
        shipped_quantity=F("shipped_quantity") + quantity,
        shipped_at=when.at if whole else line.shipped_at,
        version=F("version") + 1,
    )
    command.record(
        "materials.line.shipped",
        subject=("customer_line", line.pk),
        body={
            "quantity": quantity,
            "shipped_quantity": line.shipped_quantity + quantity,
            "whole": whole,
            "moves": moves.body(),
            "clamped": when.clamped,
        },
        occurred_at=when.at,
        late=when.late,
        then=moves.store,
    )
    return {"line_id": line.pk}


def add_purchase_line(
    command: Command,
    *,
    order_code: str,
    number: int,
    supplier_id: int,
    item_id: int,
    quantity: Decimal,
    promised_at: datetime,
    expected_at: datetime | None = None,
    expected_source: str = "",
) -> dict[str, Any]:
    """Add a line of a purchase order; it is expected as promised until somebody says else."""
    line = PurchaseLine.objects.create(
        site=command.site,
        order_code=order_code,
        number=number,
        supplier=find(command, Supplier, supplier_id),
        item=find(command, Item, item_id),
        quantity=quantity,
        promised_at=promised_at,
        expected_at=expected_at or promised_at,
        expected_source=expected_source,
    )
    command.record(
        "materials.purchase.added", subject=("purchase_line", line.pk), body=_purchase_body(line)
    )
    return {"purchase_line_id": line.pk}


def expect_purchase(
    command: Command,
    *,
    purchase_line_id: int,
    expected_at: datetime,
    source: str,
    expected_from: datetime | None = None,
    quantity: Decimal | None = None,
) -> dict[str, Any]:
    """Record when a purchase is believed to come and how much of it, and by whose word.

    expected_from  the first day of a range whose last is `expected_at`, by which the plan goes.
    quantity       how much comes in all, what was received included; None: as it was believed.

    :raises Refused: if it has been received whole, the range runs backwards, or the quantity is
        more than was ordered or less than has come.
    """
    line = find(command, PurchaseLine, purchase_line_id, lock=True)
    if line.closed_at is not None:
        raise Refused(_("This purchase line is closed; nothing more is expected on it."))
    check_day(command.now, expected_from, expected_at)
    if expected_at < command.now:
        raise Refused(_("That time is past and it has not come. Enter a later one."))
    if expected_from is not None and expected_from > expected_at:
        raise Refused(_("It can't come from a later day than the one until which it comes."))
    comes = line.expected_quantity if quantity is None else quantity
    if quantity is not None and not line.received_quantity <= quantity <= line.quantity:
        raise Refused(
            _("%(ordered)s are ordered and %(received)s have come: enter a quantity between.")
            % {"ordered": _plain(line.quantity), "received": _plain(line.received_quantity)}
        )
    was = {
        "expected_at": line.expected_at,
        "expected_from": line.expected_from,
        "expected_quantity": line.expected_quantity,
    }
    PurchaseLine.objects.filter(pk=line.pk).update(
        expected_from=expected_from,
        expected_at=expected_at,
        expected_quantity=None if comes == line.quantity else comes,
        expected_source=source,
        said_at=command.now,
        version=F("version") + 1,
    )
    line.refresh_from_db()
    command.record(
        "materials.purchase.expected",
        subject=("purchase_line", line.pk),
        body={
            **_purchase_body(line),
            "expected_from": line.expected_from,
            "expected_quantity": line.expected_quantity,
            "was": was,
        },
    )
    return {"purchase_line_id": line.pk}


def cancel_purchase_line(
    command: Command, *, purchase_line_id: int, note: str = ""
) -> dict[str, Any]:
    """Take a purchase line back; nothing more is expected on it.

    :raises Refused: if something was received on it, or it is closed.
    """
    line = find(command, PurchaseLine, purchase_line_id, lock=True)
    if line.closed_at is not None:
        raise Refused(_("This purchase line is closed; nothing more is expected on it."))
    if line.received_quantity > 0:
        raise Refused(
            _("%(received)s were received on this line, so it can't be cancelled.")
            % {"received": _plain(line.received_quantity)}
        )
    PurchaseLine.objects.filter(pk=line.pk).update(closed_at=command.now, version=F("version") + 1)
    command.record(
        "materials.purchase.cancelled",
        subject=("purchase_line", line.pk),
        body={**_purchase_body(line), "note": note},
    )
    return {"purchase_line_id": line.pk}


def change_line(
    command: Command,
    *,
    line_id: int,
    quantity: Decimal | None = None,
    requested_at: datetime | None = None,
    promised_at: datetime | None = None,
    note: str = "",
) -> dict[str, Any]:
    """Record that a customer wants another quantity, or wants it at another time.

    promised_at  the new promise, where a new date was agreed; None: the promise stands.

    :raises Refused: if the line is over, nothing changes, less is wanted than was shipped, or a
        promise is moved that was never given.
    """
    line = find(command, CustomerLine, line_id, lock=True)
    _check_open(line)
    was = _demand_body(line)
    quantity = line.quantity if quantity is None else quantity
    requested_at = requested_at or line.requested_at
    _check_steps(line.item, quantity)
    check_day(command.now, requested_at, promised_at)
    if quantity <= line.shipped_quantity:
        raise Refused(
            _("%(shipped)s of it have been shipped. Cancel what is left of the line instead.")
            % {"shipped": _plain(line.shipped_quantity)}
        )
    if promised_at is not None and line.promised_at is None:
        raise Refused(_("This line has no promise yet that could move. Promise it first."))
    promised_at = promised_at or line.promised_at
    wanted = (quantity, requested_at, promised_at)
    if wanted == (line.quantity, line.requested_at, line.promised_at):
        raise Refused(_("That is what the line says already. Enter what changes."))
    CustomerLine.objects.filter(pk=line.pk).update(
        quantity=quantity,
        requested_at=requested_at,
        promised_at=promised_at,
        version=F("version") + 1,
    )
    re_promised = promised_at if promised_at != line.promised_at else None
    line.refresh_from_db()

    def keep(seq: int) -> None:
        if re_promised is not None:
            _promise_row(command, line.pk, re_promised, seq)

    command.record(
        "materials.line.changed",
        subject=("customer_line", line.pk),
        body={**_demand_body(line), "was": was, "note": note},
        then=keep,
    )
    return {"line_id": line.pk}


def cancel_line(command: Command, *, line_id: int, note: str = "") -> dict[str, Any]:
    """Record that a customer no longer wants what is still open of a line.

    :raises Refused: if it was shipped whole or cancelled before.
    """
    line = find(command, CustomerLine, line_id, lock=True)
    _check_open(line)
    CustomerLine.objects.filter(pk=line.pk).update(
        cancelled_at=command.now, version=F("version") + 1
    )
    command.record(
        "materials.line.cancelled",
        subject=("customer_line", line.pk),
        body={"was": _demand_body(line), "note": note},
    )
    return {"line_id": line.pk}


def restore_line(command: Command, *, line_id: int) -> dict[str, Any]:
    """Take a cancellation back: the line is wanted as it was.

    :raises Refused: if the line is not cancelled.
    """
    line = find(command, CustomerLine, line_id, lock=True)
    if line.cancelled_at is None:
        raise Refused(_("This line is not cancelled."), status=409, code="done_already")
    CustomerLine.objects.filter(pk=line.pk).update(cancelled_at=None, version=F("version") + 1)
    command.record(
        "materials.line.restored",
        subject=("customer_line", line.pk),
        body=_demand_body(line),
    )
    return {"line_id": line.pk}


def _demand_body(line: CustomerLine) -> dict[str, Any]:
    return {
        "quantity": line.quantity,
        "shipped_quantity": Decimal(line.shipped_quantity),
        "requested_at": line.requested_at,
        "promised_at": line.promised_at,
    }


def _purchase_body(line: PurchaseLine) -> dict[str, Any]:
    return {
        "order_code": line.order_code,
        "number": line.number,
        "supplier_id": line.supplier_id,
        "item_id": line.item_id,
        "quantity": line.quantity,
        "received_quantity": Decimal(line.received_quantity),
        "promised_at": line.promised_at,
        "expected_at": line.expected_at,
        "expected_source": line.expected_source,
    }


def _promise_row(command: Command, line_id: int, promised_at: datetime, seq: int) -> None:
    PromiseChange.objects.create(
        site=command.site,
        line_id=line_id,
        event_seq=seq,
        promised_at=promised_at,
        by_id=command.actor.person_id,
        at=command.now,
    )


def _check_open(line: CustomerLine) -> None:
    if line.cancelled_at is not None:
        raise Refused(_("This line was cancelled."))
    if line.shipped_quantity >= line.quantity:
        raise Refused(_("This line has been shipped whole."))


def _short_sentence(found: Decimal, barred: Sequence[Any]) -> str:
    if barred:
        codes = ", ".join(sorted({lot.code for lot in barred}))
        return _(
            "Only %(found)s may leave; lot %(lots)s is not released. Ask quality to decide on it."
        ) % {"found": _plain(found), "lots": codes}
    return _("Only %(found)s are in stock. Ship those, or wait for the rest.") % {
        "found": _plain(found)
    }


def _plain(quantity: Decimal) -> str:
    return format(quantity.normalize(), "f") if quantity else "0"
