"""How full each unit is for a while: the projected work against the working time."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from planning.engine.plant import I32, Plant, Projection, State, Status
from planning.engine.worktime import compile_clock, worked


def loads(plant: Plant, projection: Projection, *, until: int) -> I32:
    """Return the load of each unit (U) from the projection's now to `until`, in percent.

    until  seconds since the plan's epoch.

    100 = every place of the unit is set up or works in all its working time (ISO 22400:
    planned busy time over planned working time). What is left of an operation's set-up and
    work is spread evenly over its unit's working time from its start, or now, to its end: one
    that waits for pieces meanwhile is not busy then. Down time is no working time; a unit that
    does not work at all in that while has no load.
    """
    now = projection.now
    clock = compile_clock(plant, now=now)
    rows = np.flatnonzero(
        (plant.op_status != Status.DONE)
        & (projection.op_state == State.DATED)
        & (plant.op_unit < len(plant.unit_id))
        & (projection.op_start < until)
        & (projection.op_end > now)
    )
    percent: I32 = _fill(
        clock,
        plant.op_unit[rows],
        np.maximum(projection.op_start[rows], now),
        projection.op_end[rows],
        projection.op_setup_s[rows].astype(np.int64) + projection.op_work_s[rows],
        plant.unit_places,
        np.int64(now),
        np.int64(until),
    )
    return percent


@njit(cache=True)
def _fill(
    clock: Any, unit: Any, start: Any, end: Any, work: Any, places: Any, now: Any, until: Any
) -> Any:
    busy = np.zeros(places.size, np.float64)
    for x in range(unit.size):
        at = np.int64(unit[x])
        begins = worked(clock, at, np.int64(start[x]))
        whole = worked(clock, at, np.int64(end[x])) - begins
        if whole > 0:
            inside = worked(clock, at, min(np.int64(end[x]), until)) - begins
            busy[at] += min(work[x], whole) * inside / whole
    percent = np.zeros(places.size, np.int32)
    for u in range(places.size):
        open_s = (worked(clock, np.int64(u), until) - worked(clock, np.int64(u), now)) * places[u]
        if open_s > 0:
            percent[u] = round(busy[u] * 100 / open_s)
    return percent
