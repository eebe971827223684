"""Items, bills, places, customers and suppliers: what engineering and the office set up."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _

from materials import rules
from materials.models import BillLine, Customer, Item, Location, Supplier
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
