"""Splitting a job: a part of the pieces that are not made yet goes to a like unit.

Two job orders of one operation share what comes and bring it together again; what follows waits
for both. The part is a row of its own, so plants before and after differ in their operations: see
`rows.at_rows_of`. Until it is stored the part has an id of the caller's choice above `NEW`, and so
have the components that it takes, in the order of those of the first part.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from planning.engine.kinds import WhyNot
from planning.engine.plant import (
    PIECE,
    UNSET,
    ArcKind,
    DemandKind,
    Plant,
    Projection,
    Status,
)
from planning.engine.rows import Columns as Rows
from planning.engine.rows import builder_of, rows_of

if TYPE_CHECKING:
    from planning.engine.deals import Columns


@dataclass(frozen=True, slots=True)
class SplitJob:
    """Give so many of a job's unmade pieces to a part of it, in another unit's queue.

    part_id   id of the part until it is stored.
    position  its place among the jobs that wait at the unit; 0 is the head.
    """

    kind: ClassVar[str] = "split_job"
    op_id: int
    part_id: int
    to_unit_id: int
    position: int
    qty: int


@dataclass(frozen=True, slots=True)
class MergeJob:
    """Give the pieces of a part back to the job that it was split from."""

    kind: ClassVar[str] = "merge_job"
    op_id: int
    part_id: int


def row_of(plant: Plant, op_id: int) -> int:
    """Return the row of an operation.

    :raises ValueError: if it is not in the plant.
    """
    found = np.flatnonzero(plant.op_id == op_id)
    if not len(found):
        raise ValueError(f"operation {op_id} is not in the plant")
    return int(found[0])


def first_of(plant: Plant, op: int) -> int:
    """Return the first part of the operation that a row belongs to."""
    return int(plant.op_part_of[op]) if plant.op_part_of[op] >= 0 else op


def maker_of(plant: Plant, projection: Projection, supply: int) -> int:
    """Return the operation that a supply comes from, of several parts the last; -1 if from none."""
    op = int(plant.supply_op[supply]) if supply >= 0 else -1
    if op < 0 or plant.op_next_part[op] < 0:
        return op
    parts = [op, *np.flatnonzero(plant.op_part_of == op).tolist()]
    return int(max(parts, key=lambda each: (projection.op_end[each], -each)))


def is_split(plant: Plant, op: int) -> bool:
    return bool(plant.op_part_of[op] >= 0 or plant.op_next_part[op] >= 0)


def free_number(plant: Plant, op: int) -> int | None:
    """Return the number of a new part: the next free one before the following step; or none."""
    numbers = set(plant.op_number[plant.op_order == plant.op_order[op]].tolist())
    first = first_of(plant, op)
    mine = {int(plant.op_number[first])}
    x = int(plant.op_next_part[first])
    while x >= 0:
        mine.add(int(plant.op_number[x]))
        x = int(plant.op_next_part[x])
    number = max(mine) + 1
    return None if number in numbers else number


def fed_in_batches(plant: Plant, op: int) -> bool:
    """Whether pieces still come to it batch by batch: who has them can't be told beforehand."""
    arcs = slice(plant.op_pred_ptr[op], plant.op_pred_ptr[op + 1])
    overlaps = plant.arc_kind[arcs] == ArcKind.OVERLAP
    running = plant.op_status[plant.arc_pred[arcs]] != Status.DONE
    return bool((overlaps & running).any())


# -- applying ------------------------------------------------------------------------------------


def split(plant: Plant, change: SplitJob) -> Plant:
    """Return the plant with the part.

    :raises ValueError: if there is no such job or unit, or the part can't be.
    """
    op, unit = row_of(plant, change.op_id), _unit_row(plant, change.to_unit_id)
    times, number = times_on(plant, op, unit), free_number(plant, op)
    wrong = change.part_id in plant.op_id or not 0 < change.qty < plant.op_launch_qty[op]
    if plant.op_status[op] != Status.WAITING or times is None or number is None or wrong:
        raise ValueError(f"operation {change.op_id} can't be split so")
    builder = builder_of(_with_launch(plant, op, change.qty))
    tables = rows_of(plant)
    setup_s, run_us, fixed_us = times
    row = {name: column[op : op + 1] for name, column in tables["operation"].items()}
    row |= _columns(
        id=change.part_id,
        number=number,
        part_of=int(plant.op_id[first_of(plant, op)]),
        unit=change.to_unit_id,
        launch_qty=change.qty,
        setup_s=setup_s,
        run_us=run_us,
        fixed_us=fixed_us,
        pinned=0,
        baseline_start=UNSET,
        baseline_end=UNSET,
    )
    builder.add_rows("operation", row)
    tied = (("alternate", "operation"), ("need", "operation"), ("arc", "pred"), ("arc", "succ"))
    for table, name in tied:
        mine = _copied(tables[table], name, change.op_id, change.part_id)
        if table == "alternate" and unit != plant.op_unit[op]:
            mine = _with_home(plant, op, mine)
        if len(mine[name]):
            builder.add_rows(table, mine)
    taken = _copied(tables["component"], "operation", change.op_id, change.part_id)
    if len(taken["id"]):
        rows = _demands_of(plant, op)
        taken["qty"] = np.array([_share(plant, op, row, change.qty) for row in rows], np.int64)
        taken["id"] = change.part_id * 1_000 + np.arange(len(rows))
        builder.add_rows("component", taken)
    ptr = plant.unit_queue_ptr
    queue = plant.op_id[plant.queue_op[ptr[unit] : ptr[unit + 1]]].tolist()
    queue.insert(change.position, change.part_id)
    builder.set_queue(unit=change.to_unit_id, operations=queue)
    return builder.build()


def merge(plant: Plant, change: MergeJob) -> Plant:
    """Return the plant without the part, its pieces given back.

    :raises ValueError: if there is no such part, it has begun, or takes something else by now.
    """
    op, part = row_of(plant, change.op_id), row_of(plant, change.part_id)
    mine, theirs = _demands_of(plant, op), _demands_of(plant, part)
    same = plant.demand_item[mine].tolist() == plant.demand_item[theirs].tolist()
    if plant.op_part_of[part] < 0 or first_of(plant, part) != first_of(plant, op) or op == part:
        raise ValueError(f"operation {change.part_id} is no part of {change.op_id}")
    if not same:
        raise ValueError(f"operation {change.part_id} can't be given back")
    if plant.op_status[part] != Status.WAITING:
        raise ValueError(f"operation {change.part_id} has begun")
    launch, qty = plant.op_launch_qty.copy(), plant.demand_qty.copy()
    launch[op] += launch[part]
    qty[mine] += qty[theirs]
    whole = replace(plant, op_launch_qty=launch, demand_qty=qty)
    return builder_of(whole, without=[change.part_id]).build()


def times_on(plant: Plant, op: int, unit: int) -> tuple[int, int, int] | None:
    """Return set-up, run and fixed times of an operation at a unit; None if it can't be there."""
    if unit == plant.op_unit[op]:
        return int(plant.op_setup_s[op]), int(plant.op_run_us[op]), int(plant.op_fixed_us[op])
    ptr = plant.op_alternate_ptr
    found = np.flatnonzero(plant.alternate_unit[ptr[op] : ptr[op + 1]] == unit)
    if not len(found):
        return None
    row = int(ptr[op] + found[0])
    return (
        int(plant.alternate_setup_s[row]),
        int(plant.alternate_run_us[row]),
        int(plant.alternate_fixed_us[row]),
    )


def _unit_row(plant: Plant, unit_id: int) -> int:
    found = np.flatnonzero(plant.unit_id == unit_id)
    if not len(found):
        raise ValueError(f"unit {unit_id} is not in the plant")
    return int(found[0])


def _with_launch(plant: Plant, op: int, qty: int) -> Plant:
    """The plant with so many pieces less in a job, and less of what it takes."""
    launch, wanted = plant.op_launch_qty.copy(), plant.demand_qty.copy()
    launch[op] -= qty
    for row in _demands_of(plant, op):
        wanted[row] -= _share(plant, op, row, qty)
    return replace(plant, op_launch_qty=launch, demand_qty=wanted)


def _demands_of(plant: Plant, op: int) -> list[int]:
    component = plant.demand_kind == DemandKind.COMPONENT
    rows: list[int] = np.flatnonzero(component & (plant.demand_op == op)).tolist()
    return rows


def _share(plant: Plant, op: int, demand: int, qty: int) -> int:
    """What so many pieces of a job take of one of its demands, rounded up."""
    return -(-int(plant.demand_qty[demand]) * qty // int(plant.op_launch_qty[op]))


def _copied(rows: Rows, name: str, op_id: int, part_id: int) -> Rows:
    """The rows of a table that name a job, naming its part instead."""
    mine = rows[name] == op_id
    found = {each: column[mine] for each, column in rows.items()}
    return found | {name: np.full(int(mine.sum()), part_id, np.int64)}


def _with_home(plant: Plant, op: int, rows: Rows) -> Rows:
    """The alternates of a part elsewhere, with the unit that the job stands at, its way back."""
    home = int(plant.unit_id[plant.op_unit[op]])
    if home in rows["unit"]:
        return rows
    more = {
        "operation": rows["operation"][0],
        "unit": home,
        "setup_s": plant.op_setup_s[op],
        "run_us": plant.op_run_us[op],
        "fixed_us": plant.op_fixed_us[op],
        "cost": -1,
    }
    return {name: np.append(column, more[name]) for name, column in rows.items()}


def _columns(**values: int) -> Rows:
    return {name: np.array([value], np.int64) for name, value in values.items()}


# -- what is allowed -----------------------------------------------------------------------------


def take(draft: Columns, change: SplitJob | MergeJob) -> None:
    """Write a change.

    :raises ValueError: if it means nothing in this plant.
    """
    if isinstance(change, SplitJob):
        draft.rebuild(lambda plant: split(plant, change))
    else:
        draft.rebuild(lambda plant: merge(plant, change))


def inverse(draft: Columns, change: SplitJob | MergeJob) -> SplitJob | MergeJob:
    """Return what takes a change back, given the columns before it."""
    if isinstance(change, SplitJob):
        return MergeJob(change.op_id, change.part_id)
    plant = draft.whole()
    part = row_of(plant, change.part_id)
    unit = int(plant.op_unit[part])
    ptr = plant.unit_queue_ptr
    queue = plant.queue_op[ptr[unit] : ptr[unit + 1]].tolist()
    return SplitJob(
        change.op_id,
        change.part_id,
        int(plant.unit_id[unit]),
        queue.index(part),
        int(plant.op_launch_qty[part]),
    )


def why_not(draft: Columns, change: SplitJob | MergeJob) -> WhyNot | None:
    """Return why it can't be, None if it can.

    :raises ValueError: if it names what is not there.
    """
    plant = draft.whole()
    op = row_of(plant, change.op_id)
    if isinstance(change, MergeJob):
        part = row_of(plant, change.part_id)
        if plant.op_status[part] != Status.WAITING:
            return WhyNot.STARTED
        merge(plant, change)
        return None
    if plant.op_status[op] != Status.WAITING:
        return WhyNot.STARTED
    if plant.op_hold[op] or plant.op_pinned[op]:
        return WhyNot.BOUND
    if times_on(plant, op, _unit_row(plant, change.to_unit_id)) is None:
        return WhyNot.NO_LIKE_UNIT
    if fed_in_batches(plant, op):
        return WhyNot.FED_IN_BATCHES
    if free_number(plant, op) is None:
        return WhyNot.NO_NUMBER
    quantum = quantum_of(plant, op)
    if not 0 < change.qty < plant.op_launch_qty[op] or change.qty % quantum or change.position < 0:
        return WhyNot.QUANTITY
    return None


def quantum_of(plant: Plant, op: int) -> int:
    """Return the step in which pieces of an operation are counted."""
    item = int(plant.order_item[plant.op_order[op]])
    return int(plant.item_quantum_qty[item]) if item >= 0 else PIECE
