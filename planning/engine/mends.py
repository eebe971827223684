"""What quality may decide of pieces that are not right: reworked, or used as they are.

A held lot that is used by concession is there from the instant at which quality will have agreed.
Pieces that are reworked leave their lot, or what was lost at an operation, for an order of their
own: a step that mends them, then the steps that were still before them.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from planning.engine.kinds import WhyNot
from planning.engine.orders import operations_of, removed, with_order
from planning.engine.plant import LotStatus, Plant, Status, SupplyKind
from planning.engine.recipes import Step

if TYPE_CHECKING:
    from planning.engine.deals import Columns


@dataclass(frozen=True, slots=True)
class Concede:
    """Use a held lot as it is from an instant on.

    line_ids  lines that get of it and whose customers have to agree too.
    """

    kind: ClassVar[str] = "concede"
    lot_id: int
    at_s: int
    line_ids: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class LeaveHeld:
    """Let a lot wait for quality until an instant again; dated: quality named it."""

    kind: ClassVar[str] = "leave_held"
    lot_id: int
    back_s: int
    dated: bool


@dataclass(frozen=True, slots=True)
class _Rework:
    """Pieces of a held lot, or those that were lost at an operation, and how they are mended.

    order_id  of the order until it is stored.
    lot_id, op_id  one of them; the other one is 0.
    setup_s, run_us  of the step that mends; both 0: the pieces are used as they are.
    after     number of the operation that lost them: the item's later steps follow.
    places    of each step among the jobs that wait at its unit; 0 is the head.
    line_ids  as in `Concede`.
    """

    order_id: int
    item_id: int
    qty: int
    due_s: int
    lot_id: int
    op_id: int
    unit_id: int
    setup_s: int
    run_us: int
    after: int
    places: tuple[int, ...]
    line_ids: tuple[int, ...] = ()

    @property
    def as_is(self) -> bool:
        return not self.setup_s and not self.run_us


@dataclass(frozen=True, slots=True)
class OrderRework(_Rework):
    """Mend the pieces at a unit."""

    kind: ClassVar[str] = "order_rework"


@dataclass(frozen=True, slots=True)
class DropRework(_Rework):
    """Take an order that mends pieces away again; they are where they were."""

    kind: ClassVar[str] = "drop_rework"


MendDeal = Concede | LeaveHeld | OrderRework | DropRework


def lost_at(plant: Plant, op: int) -> int:
    """How many pieces an operation lost: scrap, and what waits to be mended."""
    return int(plant.op_scrap_qty[op] + plant.op_rework_qty[op])


def steps_of(plant: Plant, change: OrderRework) -> tuple[Step, ...] | None:
    """The steps of an order that mends pieces; None where nobody knows the item's own."""
    recipe = plant.recipes.get(change.item_id)
    if recipe is None:
        return None
    own = next((step for step in recipe.steps if step.number == change.after), None)
    others = () if own is None or change.as_is else own.others
    first = Step(
        number=change.after,
        unit_id=change.unit_id,
        setup_s=change.setup_s,
        run_us=change.run_us,
        others=others,
    )
    return first, *(step for step in recipe.steps if step.number > change.after)


def _lot_row(plant: Plant, lot_id: int) -> int:
    found = np.flatnonzero((plant.supply_kind == SupplyKind.LOT) & (plant.supply_id == lot_id))
    if not len(found):
        raise ValueError(f"lot {lot_id} is not in the plant")
    return int(found[0])


def _with_lot(plant: Plant, lot_id: int, qty: int) -> Plant:
    """The plant with so much more of a lot; 0 names none."""
    if not lot_id:
        return plant
    column = plant.supply_qty.copy()
    column[_lot_row(plant, lot_id)] += qty
    return replace(plant, supply_qty=column)


def _reworked(plant: Plant, change: OrderRework) -> Plant:
    steps = steps_of(plant, change)
    if steps is None:
        raise ValueError(f"nobody says how item {change.item_id} is made")
    return with_order(
        _with_lot(plant, change.lot_id, -change.qty),
        order_id=change.order_id,
        item_id=change.item_id,
        due_s=change.due_s,
        places=change.places,
        steps=steps,
        launch=change.qty,
        put_away_s=plant.recipes[change.item_id].put_away_s,
    )


# -- as a change ---------------------------------------------------------------------------------


def take(draft: Columns, change: MendDeal) -> None:
    """Write a change.

    :raises ValueError: if it means nothing in this plant.
    """
    match change:
        case Concede():
            _date(draft, change.lot_id, change.at_s, dated=True)
        case LeaveHeld():
            _date(draft, change.lot_id, change.back_s, dated=change.dated)
        case OrderRework():
            draft.rebuild(lambda plant: _reworked(plant, change))
        case DropRework():
            draft.rebuild(
                lambda plant: _with_lot(removed(plant, change.order_id), change.lot_id, change.qty)
            )


def _date(draft: Columns, lot_id: int, at: int, *, dated: bool) -> None:
    row = _lot_row(draft.whole(), lot_id)
    draft.write("supply_until")[row] = at
    draft.write("supply_dated")[row] = dated


def inverse(draft: Columns, change: MendDeal) -> MendDeal:
    """Return what takes a change back, given the columns before it.

    :raises ValueError: if it names what is not there.
    """
    if isinstance(change, Concede | LeaveHeld):
        plant = draft.whole()
        row = _lot_row(plant, change.lot_id)
        until, dated = int(plant.supply_until[row]), bool(plant.supply_dated[row])
        return LeaveHeld(change.lot_id, until, dated)
    other = DropRework if isinstance(change, OrderRework) else OrderRework
    return other(**{each.name: getattr(change, each.name) for each in fields(change)})


def why_not(draft: Columns, now: int, change: MendDeal) -> WhyNot | None:
    """Return why it can't be, None if it can.

    :raises ValueError: if it names what is not there.
    """
    plant = draft.whole()
    match change:
        case Concede():
            row = _lot_row(plant, change.lot_id)
            if plant.supply_status[row] != LotStatus.HELD:
                return WhyNot.SAME
            return WhyNot.DATE_PAST if change.at_s < now else None
        case LeaveHeld():
            _lot_row(plant, change.lot_id)
            return None
        case OrderRework():
            return _rework_not(plant, now, change)
        case DropRework():
            rows = operations_of(plant, change.order_id)
            begun = (plant.op_status[rows] != Status.WAITING).any()
            return WhyNot.STARTED if begun else None


def _rework_not(plant: Plant, now: int, change: OrderRework) -> WhyNot | None:
    item = np.flatnonzero(plant.item_id == change.item_id)
    if not len(item) or change.item_id not in plant.recipes:
        return WhyNot.NO_ROUTING
    if change.due_s < now:
        return WhyNot.DATE_PAST
    if change.lot_id:
        there = int(plant.supply_qty[_lot_row(plant, change.lot_id)])
    else:
        ops = np.flatnonzero(plant.op_id == change.op_id)
        there = lost_at(plant, int(ops[0])) if len(ops) else 0
    odd = change.qty <= 0 or change.qty % int(plant.item_quantum_qty[item[0]])
    return WhyNot.QUANTITY if odd or change.qty > there else None


def subject_of(change: MendDeal) -> tuple[str, int]:
    """What it is about, for a person."""
    if isinstance(change, Concede | LeaveHeld) or change.lot_id:
        return "lot", change.lot_id
    return "operation", change.op_id
