"""The desk of one pass: every array that the kernel reads and writes.

One record an operation keeps all that a step touches in two cache lines, and few arrays keep the
compiled functions small: numba passes each array of a tuple as seven arguments.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from planning.engine.plant import I32, I64, Plant
from planning.engine.work import Work
from planning.engine.worktime import Clock, Records

OP = np.dtype(
    [
        # facts
        ("status", np.int8),
        ("span", np.int8),
        ("whole", np.int8),  # starts only where set-up and work fit in one stretch
        ("pinned", np.int8),
        ("overlaps", np.int8),  # has an OVERLAP arc into it
        ("floor_bind", np.int8),
        ("stock_bind", np.int8),
        # the pass's own
        ("fixed", np.int8),
        ("known", np.int8),  # all before it is fixed
        ("ready_bind", np.int8),
        # results
        ("state", np.int8),
        ("reason", np.int8),
        ("bind", np.int8),
        ("wait", np.int8),
        ("overtook", np.int8),
        ("taken_off", np.int8),
        # facts: rows
        ("unit", np.int32),
        ("pred", np.int32),  # first arc in; the next operation's is one past the last
        ("succ", np.int32),
        ("feed", np.int32),
        ("gives", np.int32),
        # facts: seconds
        ("floor", np.int32),  # latest of now, not-before, hold end
        ("stock", np.int32),  # latest peg or guess whose time is known; UNSET = none
        ("stock_ref", np.int32),
        ("setup", np.int32),
        ("resume", np.int32),
        ("work", np.int32),
        # the pass's own
        ("waits", np.int32),  # how many before it are not fixed
        ("ready", np.int32),  # bound by all but its place, once known
        ("ready_ref", np.int32),
        ("seat", np.int32),  # position in the queues
        ("after", np.int32),  # next known operation of its unit, in queue order
        # results
        ("start", np.int32),
        ("end", np.int32),
        ("paid", np.int32),  # set-up
        ("place", np.int32),
        ("bind_ref", np.int32),
        ("feeder", np.int32),
        ("root", np.int32),
        ("bound", np.int32),  # start bound by all but material
        ("conflict", np.int32),
        ("family", np.int64),  # never 0: an operation without a family is its own
    ],
    align=True,
)
ARC = np.dtype(
    [
        ("pred", np.int32),
        ("succ", np.int32),
        ("overlap", np.int32),
        ("lag", np.int32),
        ("batch", np.int64),
        ("num", np.int64),
        ("den", np.int64),
    ]
)
# what only running and overlapping operations need
PIECES = np.dtype(
    [
        ("good", np.int64),
        ("yield_num", np.int64),
        ("yield_den", np.int64),
        ("used", np.int64),
        ("left", np.int64),
        ("output", np.int64),
        ("piece_us", np.int64),
        ("lead_s", np.int64),
        ("credit_s", np.int64),
        ("setup_left", np.int32),
        ("began", np.int32),
        ("report", np.int32),
        ("ended", np.int32),
        ("place", np.int32),
    ],
    align=True,
)
FEED = np.dtype([("op", np.int32), ("lag", np.int32), ("supply", np.int32)])
UNIT = np.dtype(
    [
        ("queue", np.int32),  # the plant's queue; the next unit's is one past the last
        ("places", np.int32),
        ("head", np.int32),  # this pass's queue, from the first that may be unfixed
        ("tail", np.int32),
        ("line", np.int32),  # first known operation
        ("pending", np.int32),  # running operations whose end is not known yet
        ("dirty", np.int32),  # its candidate may have changed
        ("choice", np.int32),  # its candidate
        ("off", np.int32),  # operations taken off
    ]
)
PLACE = np.dtype(
    [("family", np.int64), ("free", np.int32), ("last", np.int32), ("taken", np.int32)], align=True
)


class Desk(NamedTuple):
    """All that the pass reads and writes."""

    clock: Clock
    ops: Records  # (O + 1) of OP; the last row only closes the row ranges
    pieces: Records  # (O) of PIECES
    arcs: Records  # (A) of ARC, by follower
    succ: I32  # (A): arcs by predecessor
    feeds: Records  # (F) of FEED, by the operation that is fed
    gives: I32  # (F): operations that are fed, by the one that gives
    units: Records  # (U + 1) of UNIT
    places: Records  # of PLACE
    planned: I32  # the plant's queues
    queue: I32  # this pass's: what was taken off at the head of its unit's
    turn: I64  # (U + O): key of the candidate of a unit or of a capacity-free operation; -1
    stack: I32  # (O): operations that have become known
    changed: I32  # (U): units whose candidate may have changed
    heap: I64  # (U + 5 O): keys of candidates, smallest first
    counts: I64  # (3): how many there are of these three


class Feeds(NamedTuple):
    """Pegs from the output of an open operation to an operation that waits."""

    ptr: I32  # (O + 1), by the operation that is fed
    op: I32
    lag: I32
    supply: I32
    gives_ptr: I32  # (O + 1), by the operation that gives
    gives: I32


def open_desk(
    plant: Plant, clock: Clock, work: Work, pieces: Records, feeds: Feeds, columns: dict[str, Any]
) -> Desk:
    """Return a fresh desk.

    columns  of OP: floor, floor_bind, stock, stock_bind, stock_ref, family, whole, and state,
             reason and root of what is BLOCKED.
    """
    size, units = len(plant.op_id), len(plant.unit_id)
    ops = np.zeros(size + 1, OP)
    every = ops[:size]
    for name, column in columns.items():
        every[name] = column
    every["status"] = plant.op_status
    every["span"] = plant.op_span
    every["pinned"] = plant.op_pinned
    every["unit"] = work.unit
    every["setup"] = work.setup_s
    every["resume"] = work.resume_s
    every["work"] = work.work_s
    ops["pred"] = plant.op_pred_ptr
    ops["succ"] = plant.op_succ_ptr
    ops["feed"] = feeds.ptr
    ops["gives"] = feeds.gives_ptr
    arcs = np.empty(len(plant.arc_pred), ARC)
    arcs["pred"] = plant.arc_pred
    arcs["succ"] = plant.arc_succ
    arcs["overlap"] = plant.arc_kind
    arcs["lag"] = plant.arc_lag_s
    arcs["batch"] = plant.arc_batch_qty
    arcs["num"] = plant.arc_per_num
    arcs["den"] = plant.arc_per_den
    fed = np.empty(len(feeds.op), FEED)
    fed["op"] = feeds.op
    fed["lag"] = feeds.lag
    fed["supply"] = feeds.supply
    rows = np.zeros(units + 1, UNIT)
    rows["queue"] = plant.unit_queue_ptr
    rows["places"] = plant.unit_place_ptr
    places = np.zeros(len(plant.place_family), PLACE)
    places["family"] = plant.place_family
    return Desk(
        clock=clock,
        ops=ops,
        pieces=pieces,
        arcs=arcs,
        succ=plant.succ_arc,
        feeds=fed,
        gives=feeds.gives,
        units=rows,
        places=places,
        planned=plant.queue_op,
        queue=np.zeros(size, np.int32),
        turn=np.full(units + size, -1, np.int64),
        stack=np.zeros(size, np.int32),
        changed=np.zeros(units, np.int32),
        # at most one key a mark: at the start, when fixed, when known, when it gets no date
        heap=np.empty(units + 5 * size, np.int64),
        counts=np.zeros(3, np.int64),
    )


def pieces_of(plant: Plant, work: Work) -> Records:
    """Return the piece records (O) of the plant."""
    pieces = np.empty(len(plant.op_id), PIECES)
    for name, column in (
        ("good", plant.op_good_qty),
        ("yield_num", plant.op_yield_num),
        ("yield_den", plant.op_yield_den),
        ("used", work.used_qty),
        ("left", work.left_qty),
        ("output", work.output_qty),
        ("piece_us", work.piece_us),
        ("lead_s", work.lead_s),
        ("credit_s", work.credit_s),
        ("setup_left", work.setup_left_s),
        ("began", plant.op_actual_start),
        ("report", plant.op_report_at),
        ("ended", plant.op_actual_end),
        ("place", plant.op_place),
    ):
        pieces[name] = column
    return pieces
