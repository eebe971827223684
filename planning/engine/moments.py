"""When time alone makes the next difference."""

from __future__ import annotations

from planning.engine.plant import NEVER, Plant, Projection, State, Status


def next_moment(plant: Plant, projection: Projection, *, now: int) -> int:
    """Return the first instant after `now` at which something is expected or a calendar turns.

    That is a start or an end of an operation, a supply, a return, the end of a hold, an edge of a
    unit's working time. Seconds since the plan's epoch; NEVER if there is none.
    """
    open_ = (projection.op_state == State.DATED) & (plant.op_status != Status.DONE)
    expected = (
        projection.op_start[open_],
        projection.op_end[open_],
        projection.supply_at,
        plant.unit_down_until[plant.unit_down],
        plant.op_hold_until[plant.op_hold],
        plant.calendars.start,
        plant.calendars.end,
        plant.exception_start,
        plant.exception_end,
    )
    return min(int(each[each > now].min(initial=NEVER)) for each in expected)
