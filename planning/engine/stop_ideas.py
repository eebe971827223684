"""Ideas about work that nobody needs any more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from planning.engine.changes import Refusal
from planning.engine.impact import CauseKind
from planning.engine.kinds import Kind, WhyNot
from planning.engine.orders import RemoveOrder
from planning.engine.plant import I64, Bind, Status, SupplyKind

if TYPE_CHECKING:
    from planning.engine.options import _Search

TRIED: Final = 2


def stop(search: _Search) -> None:
    """Make no more of an order of which nobody takes anything.

    Where a customer changed his mind, the orders of what he wanted; else those that stand before a
    hot job on its machine.
    """
    plant = search.plant
    idle = _idle_orders(search)
    if search.cause.kind is CauseKind.DEMAND:
        line = np.flatnonzero(plant.line_id == search.cause.id)
        items = plant.demand_item[plant.line_demand[line]]
        orders = [row for row in idle if plant.order_item[row] in items]
    else:
        ahead = _ahead(search)
        orders = [row for row in idle if row in ahead]
    changes: list[RemoveOrder] = []
    for row in orders:
        order_id = int(plant.order_id[row])
        if (plant.op_status[plant.op_order == row] == Status.RUNNING).any():
            refusal = Refusal(WhyNot.STARTED, "order", order_id)
            search.refuse(Kind.STOP, f"stop/order-{order_id}", refusal)
        elif len(changes) < TRIED:
            changes.append(RemoveOrder(order_id))
    if len(changes) > 1:
        search.check(Kind.STOP, "stop/all", changes)
    for change in changes:
        search.check(Kind.STOP, f"stop/order-{change.order_id}", [change])


def _idle_orders(search: _Search) -> list[int]:
    """Rows of open orders of which nothing is pegged, by need-by and id."""
    plant, projection = search.plant, search.projection
    made = np.flatnonzero((plant.supply_kind == SupplyKind.OUTPUT) & (plant.supply_op >= 0))
    taken = np.isin(made, projection.peg_supply)
    busy: I64 = np.unique(plant.op_order[plant.op_status != Status.DONE]).astype(np.int64)
    rows = np.intersect1d(plant.op_order[plant.supply_op[made[~taken]]], busy)
    rows = np.setdiff1d(rows, plant.op_order[plant.supply_op[made[taken]]])
    order: list[int] = rows[np.lexsort((rows, plant.order_need_by[rows]))].tolist()
    return order


def _ahead(search: _Search) -> set[int]:
    """Rows of orders that stand right before a hot job on its machine."""
    plant, projection = search.plant, search.projection
    hot = [op for walk in search.critical.values() for op in walk]
    before = [int(projection.op_bind_ref[op]) for op in hot if projection.op_bind[op] == Bind.PLACE]
    return {int(plant.op_order[op]) for op in before if op >= 0}
