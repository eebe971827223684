"""The yardstick of the engine: the bare pass, with nothing else in it.

Longest path over arcs and queues under calendars, on the reference plant's own arrays laid out in
an order that respects both; dense minute tables of working seconds and their inverse.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from planning.engine.plant import Plant, Projection

MINUTE = 60


class Bare:
    """The arrays of a plant, permuted, and the pass over them."""

    def __init__(self, plant: Plant, projection: Projection, *, days: int) -> None:
        order = np.lexsort((np.arange(plant.op_id.size), projection.op_end, projection.op_start))
        place = np.empty(order.size, np.int64)
        place[order] = np.arange(order.size)
        unit = plant.op_unit[order]
        preds = [
            np.sort(place[plant.arc_pred[plant.op_pred_ptr[o] : plant.op_pred_ptr[o + 1]]])
            for o in order
        ]
        self.pred_ptr = np.zeros(order.size + 1, np.int32)
        self.pred_ptr[1:] = np.cumsum([p.size for p in preds])
        self.pred = np.concatenate(preds).astype(np.int32) if order.size else np.zeros(0, np.int32)
        self.before = np.full(order.size, -1, np.int32)
        last: dict[int, int] = {}
        for row, at in enumerate(unit.tolist()):
            self.before[row] = last.get(at, -1)
            last[at] = row
        self.calendar = plant.unit_calendar[unit].astype(np.int32)
        self.minutes = (plant.op_run_us[order] // 60_000_000).astype(np.int32)
        released = plant.op_not_before[order].astype(np.int64)
        self.release = (np.maximum(released, 0) // MINUTE).astype(np.int32)
        masks = np.zeros((int(self.calendar.max()) + 1, days * 24 * 60), np.int8)
        for day in range(days):
            if day % 7 < 5:
                opens = day * 24 * 60
                masks[:, opens : opens + 24 * 60] = 1
                masks[-1, opens : opens + 6 * 60] = 0
                masks[-1, opens + 22 * 60 : opens + 24 * 60] = 0
        worked = np.cumsum(masks, axis=1, dtype=np.int32)
        self.worked = np.concatenate([np.zeros((masks.shape[0], 1), np.int32), worked], axis=1)
        size = int(self.worked.max()) + 1
        self.minute_of = np.full((masks.shape[0], size), masks.shape[1], np.int32)
        for row, mask in enumerate(masks):
            working = np.flatnonzero(mask).astype(np.int32)
            self.minute_of[row, : working.size] = working
        self.start = np.zeros(order.size, np.int32)
        self.end = np.zeros(order.size, np.int32)

    def run(self) -> Any:
        return bare_pass(
            self.pred_ptr,
            self.pred,
            self.before,
            self.calendar,
            self.minutes,
            self.release,
            self.worked,
            self.minute_of,
            self.start,
            self.end,
        )


@njit(cache=True)
def bare_pass(  # type: ignore[no-untyped-def]
    pred_ptr, pred, before, calendar, minutes, release, worked, minute_of, start, end
):
    last_minute = worked.shape[1] - 1
    last_worked = minute_of.shape[1] - 1
    for row in range(start.size):
        at = release[row]
        if before[row] >= 0 and end[before[row]] > at:
            at = end[before[row]]
        for p in range(pred_ptr[row], pred_ptr[row + 1]):
            if end[pred[p]] > at:
                at = end[pred[p]]
        c = calendar[row]
        done = worked[c, min(at, last_minute)]
        start[row] = minute_of[c, min(done, last_worked)]
        end[row] = minute_of[c, min(done + minutes[row] - 1, last_worked)] + 1
    return end
