"""Items, bills, places, customers and suppliers: what engineering and the office set up."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _

from materials import rules
from materials.models import (
    BillAlternate,
    BillLine,
    Customer,
    FreightMode,
    Item,
    Location,
    Supplier,
    SupplierItem,
)
from mes.commands import Command
from mes.errors import Refused
from mes.masters import save_master
from mes.models import Site
from mes.rows import find


def add_item(
    command: Command,
    *,
    code: str,
    name: str,
    source: str,
    unit: str = "pcs",
    decimals: int = 0,
    family: str = "",
    revision: str = "",
    safety_stock: Decimal = Decimal(0),
    lead_time_s: int = 0,
    put_away_s: int = 0,
    standard_cost: Decimal | None = None,
    tracked: bool = True,
    safety_kept: bool = False,
) -> dict[str, Any]:
    """Add an item that is made, bought, or only a step of a bill (phantom)."""
    row = Item(
        site=command.site,
        code=code,
        name=name,
        source=source,
        unit=unit,
        decimals=decimals,
        family=family,
        revision=revision,
        safety_stock=safety_stock,
        lead_time_s=lead_time_s,
        put_away_s=put_away_s,
        standard_cost=standard_cost,
        tracked=tracked,
        safety_kept=safety_kept,
    )
    save_master(command, row)
    return {"item_id": row.pk}


def add_bill_line(
    command: Command,
    *,
    item_id: int,
    component_id: int,
    quantity_per: Decimal,
    scrap_ppm: int = 0,
    operation_number: int = 0,
    valid_from: datetime | None = None,
    valid_to: datetime | None = None,
) -> dict[str, Any]:
    """Add a component to an item's bill; operation 0 is the first one.

    :raises Refused: if the item would contain itself.
    """
    row = BillLine(
        site=command.site,
        item=find(command, Item, item_id),
        component=find(command, Item, component_id),
        quantity_per=quantity_per,
        scrap_ppm=scrap_ppm,
        operation_number=operation_number,
        valid_from=valid_from or command.now,
        valid_to=valid_to,
    )
    return save_bill_line(command, row)


def save_bill_line(command: Command, row: BillLine) -> dict[str, Any]:
    """Store a new or changed bill line; bills are kept free of circles.

    :raises Refused: if the item would contain itself.
    """
    # Two lines added at once could close a circle that neither sees: one at a time a site.
    Site.objects.select_for_update(no_key=True).get(pk=command.site.pk)
    parts = list(
        BillLine.objects.filter(site=command.site)
        .filter(Q(valid_to=None) | Q(valid_to__gt=command.now))
        .exclude(pk=row.pk)
        .values_list("item_id", "component_id")
    )
    if rules.makes_a_circle(parts, row.item_id, row.component_id):
        raise Refused(
            _("%(component)s already contains %(item)s, so it can't be a part of it.")
            % {"component": row.component.code, "item": row.item.code}
        )
    save_master(command, row)
    return {"bill_line_id": row.pk}


def add_bill_alternate(
    command: Command,
    *,
    bill_line_id: int,
    component_id: int,
    quantity_per: Decimal,
    source: str,
    valid_from: datetime | None = None,
    valid_to: datetime | None = None,
) -> dict[str, Any]:
    """Let a bill line be made of another component; `quantity_per` of it for one piece.

    :raises Refused: if it is the component that the line names already, or the item itself.
    """
    line = find(command, BillLine, bill_line_id)
    component = find(command, Item, component_id)
    if component.pk in (line.component_id, line.item_id):
        raise Refused(
            _("%(item)s can't stand in for itself. Choose another item.") % {"item": component.code}
        )
    row = BillAlternate(
        site=command.site,
        bill_line=line,
        component=component,
        quantity_per=quantity_per,
        source=source,
        valid_from=valid_from or command.now,
        valid_to=valid_to,
    )
    save_master(command, row)
    return {"bill_alternate_id": row.pk}


def add_supplier_item(
    command: Command,
    *,
    supplier_id: int,
    item_id: int,
    lead_time_s: int,
    source: str,
    owner: str,
    valid_from: datetime | None = None,
    **terms: Any,
) -> dict[str, Any]:
    """Add what a supplier quotes for an item. terms: any other field of SupplierItem."""
    row = SupplierItem(
        site=command.site,
        supplier=find(command, Supplier, supplier_id),
        item=find(command, Item, item_id),
        lead_time_s=lead_time_s,
        source=source,
        owner=owner,
        valid_from=valid_from or command.now,
        **terms,
    )
    save_master(command, row)
    return {"supplier_item_id": row.pk}


def add_freight_mode(
    command: Command,
    *,
    code: str,
    name: str,
    source: str,
    owner: str,
    valid_from: datetime | None = None,
    **terms: Any,
) -> dict[str, Any]:
    """Add a way to send goods. terms: any other field of FreightMode."""
    row = FreightMode(
        site=command.site,
        code=code,
        name=name,
        source=source,
        owner=owner,
        valid_from=valid_from or command.now,
        **terms,
    )
    save_master(command, row)
    return {"freight_mode_id": row.pk}


def keep_safety(command: Command, *, item_id: int, keep: bool) -> dict[str, Any]:
    """Keep an item's safety stock from now on, or let it be used."""
    row = find(command, Item, item_id, lock=True)
    row.safety_kept = keep
    save_master(command, row)
    return {"item_id": row.pk}


def add_location(
    command: Command, *, code: str, name: str, kind: str = Location.Kind.STORE
) -> dict[str, Any]:
    row = Location(site=command.site, code=code, name=name, kind=kind)
    save_master(command, row)
    return {"location_id": row.pk}


def add_customer(command: Command, *, code: str, name: str, **terms: Any) -> dict[str, Any]:
    """Add a customer. terms: any other field of Customer, such as `penalty_per_day`."""
    row = Customer(site=command.site, code=code, name=name, **terms)
    save_master(command, row)
    return {"customer_id": row.pk}


def add_supplier(
    command: Command, *, code: str, name: str, lateness_s: int | None = None
) -> dict[str, Any]:
    row = Supplier(site=command.site, code=code, name=name, lateness_s=lateness_s)
    save_master(command, row)
    return {"supplier_id": row.pk}
