"""Customer lines: from the last peg to the customer's door."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from planning.engine.compiled import kernel
from planning.engine.pegging import Demands, Pegs, Supplies, due, line_rows
from planning.engine.plant import (
    I8,
    I32,
    I64,
    NEVER,
    Basis,
    DemandKind,
    Plant,
    Reason,
    State,
)
from planning.engine.worktime import Clock, finish


@dataclass(frozen=True, eq=False)
class Deliveries:
    """Of each customer line (L); see `Projection`."""

    state: I8
    ready: I32
    ship: I32
    arrive: I32
    first_arrive: I32
    late_s: I64
    judged: I8
    supply: I32
    reason: I8
    root: I32
    late_value: int
    late_lines: int


def deliver(
    plant: Plant,
    clock: Clock,
    supply: Supplies,
    demand: Demands,
    pegs: Pegs,
    peg_at: I32,
    op_reason: I8,
    op_root: I32,
    *,
    now: int,
) -> Deliveries:
    """Return when each line is ready, leaves and arrives, and how late that is.

    peg_at  when each peg (P) comes; NEVER = no date.

    A line is complete with its latest peg. Late is counted on the line's basis, against promised
    or else requested; a line without a date counts at the horizon.
    """
    size = len(plant.line_id)
    ready = np.full(size, now, np.int32)
    begin = np.full(size, NEVER, np.int32)
    bound_by = np.full(size, -1, np.int32)
    reason = np.zeros(size, np.int8)
    root = np.full(size, -1, np.int32)
    mine = np.flatnonzero(plant.demand_kind[pegs.demand] == DemandKind.LINE)
    real = pegs.supply[mine] >= 0
    why = demand.guess_reason[pegs.demand[mine]]
    source = np.full(len(mine), -1, np.int32)
    why[real] = supply.reason[pegs.supply[mine][real]]
    source[real] = plant.supply_op[pegs.supply[mine][real]]
    made = source >= 0
    why[made] = op_reason[source[made]]
    from_root = np.full(len(mine), -1, np.int32)
    from_root[made] = op_root[source[made]]
    _last_peg(
        plant.demand_line[pegs.demand[mine]], pegs.supply[mine], peg_at[mine], why, from_root,
        ready, begin, bound_by, reason, root,
    )  # fmt: skip
    begin = np.where(begin == NEVER, ready, begin).astype(np.int32)
    _part_ready(plant, pegs, mine, peg_at, begin)
    ship = np.full(size, NEVER, np.int32)
    arrive = np.full(size, NEVER, np.int32)
    first_ship = np.full(size, NEVER, np.int32)
    first_arrive = np.full(size, NEVER, np.int32)
    rows = line_rows(plant)
    for when, leaves, comes in (
        (ready, ship, arrive),
        (begin, first_ship, first_arrive),
    ):
        _send(
            clock, rows, when, plant.line_prepare_s, plant.line_carrier, plant.carrier_ptr,
            plant.departure_at, plant.line_transit_s, leaves, comes,
        )  # fmt: skip
    in_parts = plant.line_partial | (plant.line_part_qty > 0)
    first_arrive = np.where(in_parts, first_arrive, arrive).astype(np.int32)

    dated = arrive != NEVER
    gone = ~dated & (reason == Reason.NONE)
    reason[gone] = int(Reason.HORIZON)
    reason[dated] = int(Reason.NONE)
    root[dated] = -1
    state = np.where(
        dated,
        int(State.DATED),
        np.where(reason == Reason.HORIZON, int(State.BEYOND_HORIZON), int(State.BLOCKED)),
    ).astype(np.int8)
    target, judged = due(plant)
    instant = np.where(plant.line_basis == Basis.SHIP, ship, arrive).astype(np.int64)
    instant[~dated] = plant.site.horizon
    late = np.where(judged > 0, instant - target, 0)
    return Deliveries(
        state=state,
        ready=ready,
        ship=ship,
        arrive=arrive,
        first_arrive=first_arrive,
        late_s=late,
        judged=judged,
        supply=bound_by,
        reason=reason,
        root=root,
        late_value=int(plant.line_value[late > 0].sum()),
        late_lines=int(np.count_nonzero(late > 0)),
    )


def _part_ready(plant: Plant, pegs: Pegs, mine: I64, peg_at: I32, begin: I32) -> None:
    """Put in when the part that ships ahead is there: as soon as its pegs add up to it."""
    for line in np.flatnonzero(plant.line_part_qty > 0).tolist():
        rows = mine[plant.demand_line[pegs.demand[mine]] == line]
        rows = rows[np.argsort(peg_at[rows], kind="stable")]
        there = np.cumsum(pegs.qty[rows]) >= plant.line_part_qty[line]
        if there.any():
            begin[line] = peg_at[rows][np.argmax(there)]


@kernel
def _last_peg(
    line: Any, supply: Any, at: Any, why: Any, from_root: Any, ready: Any, begin: Any,
    bound_by: Any, reason: Any, root: Any,
) -> None:  # fmt: skip
    for x in range(line.size):
        n = line[x]
        if at[x] < begin[n]:
            begin[n] = at[x]
        if at[x] > ready[n] or (bound_by[n] == -1 and at[x] == ready[n]):
            ready[n] = at[x]
            bound_by[n] = supply[x]
            reason[n] = why[x]
            root[n] = from_root[x]


@kernel
def _send(
    c: Any, row: Any, ready: Any, prepare: Any, carrier: Any, ptr: Any, departure: Any,
    transit: Any, ship: Any, arrive: Any,
) -> None:  # fmt: skip
    for n in range(ready.size):
        t = np.int64(ready[n])
        if t == NEVER:
            continue
        t = finish(c, row[n], t, np.int64(prepare[n]))
        if t == NEVER:
            continue
        if carrier[n] >= 0:
            a = ptr[carrier[n]]
            b = ptr[carrier[n] + 1]
            x = np.searchsorted(departure[a:b], t, "left")
            if a + x == b:
                continue
            t = np.int64(departure[a + x])
        ship[n] = t
        arrive[n] = min(t + transit[n], np.int64(NEVER))
