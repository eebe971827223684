"""Whole orders that come into a plant or leave it: pieces made once more, work nobody needs.

A new order has an id of the caller's choice above `NEW` until it is stored, and so have its
operations and what they take. Plants before and after differ in their rows of orders, operations,
supplies and demands: they are compared by ids.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from planning.engine.kinds import WhyNot
from planning.engine.plant import PIECE, PPM, ArcKind, PegKind, Plant, Status, SupplyKind
from planning.engine.recipes import Step
from planning.engine.rows import builder_of

if TYPE_CHECKING:
    from planning.engine.deals import Columns

LAST = 10**6  # a place behind every job of a queue


@dataclass(frozen=True, slots=True)
class AddOrder:
    """Make a quantity of an item once more, by the item's recipe of today.

    order_id  its id until it is stored.
    places    of each operation among the jobs that wait at its unit; 0 is the head.
    """

    kind: ClassVar[str] = "add_order"
    order_id: int
    item_id: int
    qty: int
    due_s: int
    places: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class RemoveOrder:
    """Take an order that was added away again."""

    kind: ClassVar[str] = "remove_order"
    order_id: int


OrderDeal = AddOrder | RemoveOrder


def op_id_of(order_id: int, step: int) -> int:
    """Return the id of a step of an order that is not stored yet."""
    return order_id * 100 + step


def operations_of(plant: Plant, order_id: int) -> list[int]:
    """Return the rows of an order's operations.

    :raises ValueError: if the order is not in the plant.
    """
    found = np.flatnonzero(plant.order_id == order_id)
    if not len(found):
        raise ValueError(f"order {order_id} is not in the plant")
    rows: list[int] = np.flatnonzero(plant.op_order == found[0]).tolist()
    return rows


# -- applying ------------------------------------------------------------------------------------


def added(plant: Plant, change: AddOrder) -> Plant:
    """Return the plant with the order.

    :raises ValueError: if it is there already, or nobody knows how to make the item.
    """
    recipe = plant.recipes.get(change.item_id)
    item = np.flatnonzero(plant.item_id == change.item_id)
    if recipe is None or not len(item) or change.order_id in plant.order_id:
        raise ValueError(f"order {change.order_id} of item {change.item_id} can't be made")
    if change.qty <= 0:
        raise ValueError(f"order {change.order_id} has no quantity")
    return with_order(
        plant,
        order_id=change.order_id,
        item_id=change.item_id,
        due_s=change.due_s,
        places=change.places,
        steps=recipe.steps,
        launch=recipe.launch(change.qty, int(plant.item_quantum_qty[item[0]])),
        put_away_s=recipe.put_away_s,
    )


def with_order(
    plant: Plant,
    *,
    order_id: int,
    item_id: int,
    due_s: int,
    places: Sequence[int],
    steps: Sequence[Step],
    launch: int,
    put_away_s: int,
) -> Plant:
    """Return the plant with an order of these steps, one after the other.

    launch  so many pieces go into the first one.

    :raises ValueError: if there is a place too many or too few.
    """
    if len(places) != len(steps):
        raise ValueError(f"order {order_id} has not a place for each of its steps")
    builder = builder_of(plant)
    builder.add_order(id=order_id, item=item_id, need_by=due_s)
    queues: dict[int, list[int]] = {}
    for at, step in enumerate(steps):
        op_id = op_id_of(order_id, at)
        builder.add_operation(
            id=op_id, order=order_id, number=step.number, unit=step.unit_id,
            launch_qty=launch, setup_s=step.setup_s, run_us=step.run_us, fixed_us=step.fixed_us,
            family=step.family, span=int(step.span), restart=int(step.restart),
            yield_num=step.yield_ppm, yield_den=PPM,
        )  # fmt: skip
        for unit_id, setup_s, run_us in step.others:
            builder.add_alternate(
                operation=op_id, unit=unit_id, setup_s=setup_s, run_us=run_us,
                fixed_us=step.fixed_us,
            )  # fmt: skip
        for tool_id in step.tools:
            builder.add_need(operation=op_id, tool=tool_id)
        for number, (part_id, per) in enumerate(step.parts):
            builder.add_component(
                id=op_id * 1_000 + number, operation=op_id, item=part_id,
                qty=-(-per * launch // PIECE),
            )  # fmt: skip
        queue = queues.setdefault(step.unit_id, _queue(plant, step.unit_id))
        queue.insert(places[at], op_id)
        if at:
            before = steps[at - 1]
            builder.add_arc(
                pred=op_id_of(order_id, at - 1), succ=op_id, lag_s=before.lag_s,
                kind=int(ArcKind.OVERLAP if before.batch_qty else ArcKind.FS),
                batch_qty=before.batch_qty,
            )  # fmt: skip
    for unit_id, queue in queues.items():
        builder.set_queue(unit=unit_id, operations=queue)
    builder.add_supply(
        id=order_id, kind=int(SupplyKind.OUTPUT), item=item_id,
        op=op_id_of(order_id, len(steps) - 1), put_away_s=put_away_s,
    )  # fmt: skip
    return builder.build()


def removed(plant: Plant, order_id: int) -> Plant:
    """Return the plant without an order, its operations, and what they take and bring.

    :raises ValueError: if it is not in the plant.
    """
    ops = plant.op_id[operations_of(plant, order_id)].tolist()
    return builder_of(plant, without=ops, without_order=order_id).build()


def _queue(plant: Plant, unit_id: int) -> list[int]:
    unit = int(np.searchsorted(plant.unit_id, unit_id))
    ptr = plant.unit_queue_ptr
    queue: list[int] = plant.op_id[plant.queue_op[ptr[unit] : ptr[unit + 1]]].tolist()
    return queue


# -- as a change ---------------------------------------------------------------------------------


def take(draft: Columns, change: OrderDeal) -> None:
    """Write a change.

    :raises ValueError: if it means nothing in this plant.
    """
    if isinstance(change, AddOrder):
        draft.rebuild(lambda plant: added(plant, change))
    else:
        draft.rebuild(lambda plant: removed(plant, change.order_id))


def inverse(draft: Columns, change: OrderDeal) -> OrderDeal:
    """Return what takes a change back, given the columns before it."""
    if isinstance(change, AddOrder):
        return RemoveOrder(change.order_id)
    plant = draft.whole()
    rows = sorted(operations_of(plant, change.order_id), key=lambda op: plant.op_number[op])
    order = int(np.flatnonzero(plant.order_id == change.order_id)[0])
    qty = int(plant.op_launch_qty[rows[0]])
    for op in reversed(rows):
        qty = qty * int(plant.op_yield_num[op]) // int(plant.op_yield_den[op])
    return AddOrder(
        change.order_id,
        int(plant.item_id[plant.order_item[order]]),
        qty,
        int(plant.order_need_by[order]),
        tuple(
            _queue(plant, int(plant.unit_id[plant.op_unit[op]])).index(int(plant.op_id[op]))
            for op in rows
        ),
    )


def why_not(draft: Columns, now: int, change: OrderDeal) -> WhyNot | None:
    """Return why it can't be, None if it can.

    :raises ValueError: if it names what is not there.
    """
    plant = draft.whole()
    if isinstance(change, AddOrder):
        item = np.flatnonzero(plant.item_id == change.item_id)
        if not len(item) or change.item_id not in plant.recipes:
            return WhyNot.NO_ROUTING
        if change.due_s < now:
            return WhyNot.DATE_PAST
        odd = change.qty <= 0 or change.qty % int(plant.item_quantum_qty[item[0]])
        return WhyNot.QUANTITY if odd or min(change.places, default=0) < 0 else None
    rows = operations_of(plant, change.order_id)
    begun = (plant.op_status[rows] != Status.WAITING).any()
    return WhyNot.STARTED if begun else None


def has_kept(plant: Plant, order_id: int) -> bool:
    """Whether somebody keeps what an order brings, or it keeps what it takes."""
    ops = set(operations_of(plant, order_id))
    hard = plant.peg_kind == PegKind.HARD
    supplies = plant.supply_op[plant.peg_supply[hard]].tolist()
    takers = plant.demand_op[plant.peg_demand[hard]].tolist()
    return bool(ops.intersection(supplies) or ops.intersection(takers))
