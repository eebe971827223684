"""Projected stock of each item: supply at its projected time, demand at its need date."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from planning.engine.compiled import lean
from planning.engine.pegging import Demands, Supplies
from planning.engine.plant import I32, I64, NEVER, UNSET, DemandKind, Plant


@dataclass(frozen=True, eq=False)
class Levels:
    """Of each item (I)."""

    below_zero_at: I32  # NEVER = never
    lowest_qty: I64
    lowest_at: I32


def no_levels(plant: Plant) -> Levels:
    """Return levels that say nothing, for callers that do not read them."""
    size = len(plant.item_id)
    return Levels(
        np.full(size, NEVER, np.int32),
        np.zeros(size, np.int64),
        np.zeros(size, np.int32),
    )


def stock_levels(
    plant: Plant, supply: Supplies, demand: Demands, at: I32, start: I32, *, now: int
) -> Levels:
    """Return the first instant below zero and the lowest level of each tracked item.

    at     when each supply (S) comes; what has no date never comes.
    start  projected start of each operation (O), for components without a baseline.

    At one instant supply comes before demand. A component is needed at its baseline start (its
    projected start where there is none), a line at its latest ready instant; now if past. What
    has no need date at all is left out.
    """
    comes = np.flatnonzero((at != NEVER) & (supply.qty > 0))
    wants = np.flatnonzero(demand.checked & (plant.demand_kind != DemandKind.SAFETY))
    need = demand.need_at[wants].astype(np.int64)
    component = plant.demand_kind[wants] == DemandKind.COMPONENT
    op = plant.demand_op[wants[component]]
    need[component] = np.where(
        plant.op_baseline_start[op] == UNSET, start[op], plant.op_baseline_start[op]
    )
    need[need < now] = now
    wants, need = wants[need != NEVER], need[need != NEVER]
    item = np.concatenate([plant.supply_item[comes], plant.demand_item[wants]]).astype(np.int64)
    when = np.concatenate([at[comes].astype(np.int64), need])
    change = np.concatenate([supply.qty[comes], -plant.demand_qty[wants]])
    turn = np.repeat(np.array([0, 1]), [len(comes), len(wants)])
    by = np.argsort((item << 33) | (when << 1) | turn)  # equals are added up whatever their order
    levels = no_levels(plant)
    levels.lowest_at[:] = now
    _run(
        item[by],
        when[by],
        change[by],
        np.int64(now),
        levels.below_zero_at,
        levels.lowest_qty,
        levels.lowest_at,
    )
    return levels


@lean
def _run(
    item: Any,
    when: Any,
    change: Any,
    now: Any,
    below_at: Any,
    lowest: Any,
    lowest_at: Any,
) -> None:
    """Add up each item's changes; the level before now does not count."""
    level = np.int64(0)
    for x in range(item.size):
        i = item[x]
        if x == 0 or item[x - 1] != i:
            level = np.int64(0)
        level += change[x]
        last_of_instant = x + 1 == item.size or item[x + 1] != i or when[x + 1] != when[x]
        if not last_of_instant:
            continue
        if when[x] == now or level < lowest[i]:
            lowest[i] = level
            lowest_at[i] = when[x]
        if level < 0 and when[x] < below_at[i]:
            below_at[i] = when[x]
