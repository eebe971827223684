"""Routings: how an item is made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from equipment.models import Equipment, Tool
from materials.models import Item
from mes.commands import Command
from mes.errors import Refused
from mes.masters import save_master
from mes.rows import find
from workorders.models import OperationAlternate, OperationTool, Routing, RoutingOperation


def add_routing(
    command: Command,
    *,
    item_id: int,
    operations: Sequence[Mapping[str, Any]],
    revision: str = "A",
    valid_from: datetime | None = None,
    valid_to: datetime | None = None,
) -> dict[str, Any]:
    """Add a routing with its operations, in series by their numbers.

    operations  each with number, name, unit_id, run_s and, where they differ from the model's
                defaults, setup_s, fixed_s, family, span, restarts, yield_ppm, transfer_batch,
                lag_s; `alternates` lists (unit_id, setup_s, run_s) of other units, `tools` the
                ids of the tools that it needs.

    :raises Refused: if it has no operation or the item is bought.
    """
    item = find(command, Item, item_id)
    if item.source == Item.Source.BUY:
        raise Refused(_("%(item)s is bought, so it has no routing.") % {"item": item.code})
    if not operations:
        raise Refused(_("A routing needs at least one operation."))
    routing = Routing(
        site=command.site,
        item=item,
        revision=revision,
        valid_from=valid_from or command.now,
        valid_to=valid_to,
    )
    save_master(command, routing)
    operation_ids = []
    for given in operations:
        values = dict(given)
        alternates = values.pop("alternates", ())
        tools = values.pop("tools", ())
        values["unit"] = find(command, Equipment, values.pop("unit_id"))
        operation = RoutingOperation(site=command.site, routing=routing, **values)
        save_routing_operation(command, operation)
        operation_ids.append(operation.pk)
        for unit_id, setup_s, run_s in alternates:
            alternate = OperationAlternate(
                site=command.site,
                operation=operation,
                unit=find(command, Equipment, unit_id),
                setup_s=setup_s,
                run_s=run_s,
            )
            save_master(command, alternate)
        for tool_id in tools:
            tool = find(command, Tool, tool_id)
            save_master(command, OperationTool(site=command.site, operation=operation, tool=tool))
    return {"routing_id": routing.pk, "operation_ids": operation_ids}


def save_routing_operation(command: Command, row: RoutingOperation) -> None:
    """Store a new or changed operation.

    :raises Refused: if its unit is not one that jobs run on, or its times are impossible.
    """
    if row.unit.level != Equipment.Level.WORK_UNIT:
        raise Refused(
            _("%(unit)s is not a machine or work place. Choose one inside it.")
            % {"unit": row.unit.code}
        )
    if row.run_s < 0 or (row.transfer_batch is not None and row.transfer_batch <= Decimal(0)):
        raise Refused(_("Times and the transfer batch must be above zero."))
    save_master(command, row)
