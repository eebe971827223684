"""How many pieces each operation still has before it, and how many seconds they take.

Pieces are conserved: what goes into an operation is what comes good out of those before it; a
join takes the scarcest, a fork gives all pieces to each branch; parts of one operation share them
and bring them together again. One sequential pass in the plant's topological order.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from planning.engine.compiled import Arcs, Ops, Units, columns, inlined, lean
from planning.engine.plant import I32, I64, NEVER, PIECE, PPM, UNSET, Flags, Plant, Span, Status
from planning.engine.remembered import remembered
from planning.engine.worktime import Clock, times_down, times_up, worked

ELAPSED = int(Span.ELAPSED)
RUNNING = int(Status.RUNNING)
DONE = int(Status.DONE)
LONGEST_PIECE_US = 10**12
LEARN_QUANTA = 5  # reports before a running job's own rate counts
LEARN_SHARE = 10  # and at least one in ten of its pieces
LEARN_WEIGHT = 5  # pieces at standard that are mixed into it


class Work(NamedTuple):
    """What each operation (O) still has to do."""

    input_qty: I64
    left_qty: I64
    output_qty: I64
    work_s: I32  # to the end; RUNNING: with what is left of its set-up, less what is assumed done
    overdue: Flags
    seems_done: Flags


def left_to_do(plant: Plant, clock: Clock, *, now: int) -> Work:
    """Return what each operation of the plant still has to do as of `now`."""
    work = standing_work(plant)
    running = np.flatnonzero(plant.op_status == RUNNING)
    if not len(running):
        return work
    work = work._replace(work_s=work.work_s.copy(), overdue=work.overdue.copy())
    _go_on(
        clock,
        columns(plant, Ops, "op_"),
        columns(plant, Units, "unit_"),
        running,
        np.int64(now),
        work,
    )
    return work


WORK_COLUMNS = (
    *(f"op_{name}" for name in Ops._fields),
    *(f"arc_{name}" for name in Arcs._fields),
    "unit_rate_ppm",
    "order_item",
    "item_quantum_qty",
)


@remembered(*WORK_COLUMNS)
def standing_work(plant: Any) -> Work:
    """Return the work that does not depend on the time: of all operations but those that run, of
    which only the quantities are said."""
    size = len(plant.op_id)
    work = Work(
        input_qty=np.empty(size, np.int64),
        left_qty=np.empty(size, np.int64),
        output_qty=np.empty(size, np.int64),
        work_s=np.zeros(size, np.int32),
        overdue=np.zeros(size, np.bool_),
        seems_done=np.zeros(size, np.bool_),
    )
    _count(
        columns(plant, Ops, "op_"),
        columns(plant, Arcs, "arc_"),
        plant.unit_rate_ppm,
        plant.order_item,
        plant.item_quantum_qty,
        work,
    )
    return work


@lean
def _seconds(us: Any) -> Any:
    return min(np.int64(NEVER), -(-us // 1_000_000))


@lean
def _at_rate(us: Any, factor: Any, rate: Any) -> Any:
    """Microseconds by the learned factor and the unit's rate."""
    if factor != PPM:
        us = times_up(us, factor, np.int64(PPM))
    if rate != PPM:
        us = times_up(us, np.int64(PPM), rate)
    return us


@inlined
def used_of(ops: Any, o: Any) -> Any:
    """Pieces of o that are through: good, scrap and rework."""
    return ops.good_qty[o] + ops.scrap_qty[o] + ops.rework_qty[o]


@inlined
def standard_of(ops: Any, rates: Any, o: Any) -> Any:
    """Microseconds a piece of o by the standard, and seconds of its fixed run if none is made."""
    rate = np.int64(PPM)
    if ops.unit[o] >= 0:
        rate = rates[ops.unit[o]]
    piece = _at_rate(ops.run_us[o], ops.factor_ppm[o], rate)
    lead = np.int64(0)
    if used_of(ops, o) == 0:
        lead = _seconds(_at_rate(ops.fixed_us[o], ops.factor_ppm[o], rate))
    return min(piece, np.int64(LONGEST_PIECE_US)), lead


@lean
def _all_of(lead: Any, left: Any, piece: Any) -> Any:
    """Seconds to the end."""
    return min(np.int64(NEVER), lead + _seconds(times_up(left, piece, np.int64(PIECE))))


@inlined
def pace_of(c: Any, ops: Any, units: Any, o: Any, now: Any, comes: Any, left: Any) -> Any:
    """How the open operation o goes on with `left` of its `comes` pieces.

    returns  microseconds a piece (RUNNING: learned, once it has reported enough); seconds before
             the first of the pieces left (fixed run, and RUNNING what is left of its set-up); work
             seconds to the end; RUNNING: seconds assumed done since the last report, set-up seconds
             still in the work, and whether its report is overdue.
    """
    u = np.int64(ops.unit[o])
    rhythm = np.int64(PIECE)
    broken: Any = False
    if u >= 0:
        rhythm = units.quantum_qty[u]
        broken = units.down[u]
    else:
        u = np.int64(units.down.size)  # around the clock
    piece, lead = standard_of(ops, units.rate_ppm, o)
    used = used_of(ops, o)
    credit = np.int64(0)
    prepare = np.int64(0)
    overdue: Any = False
    if ops.status[o] == RUNNING:
        if used >= LEARN_QUANTA * rhythm and used * LEARN_SHARE >= comes:
            learned = times_up(
                np.int64(ops.productive_s[o]) * 1_000_000 + LEARN_WEIGHT * piece,
                np.int64(PIECE),
                used + LEARN_WEIGHT * PIECE,
            )
            # never outside 0.3 to 3 times the standard
            piece = min(max(learned, (piece * 3 + 9) // 10), piece * 3)
            piece = min(piece, np.int64(LONGEST_PIECE_US))
        prepare = np.int64(ops.setup_left_s[o])
        if prepare < 0:
            prepare = np.int64(ops.setup_s[o]) if used == 0 else np.int64(0)
        base = np.int64(ops.report_at[o])
        if base == UNSET:
            base = np.int64(ops.actual_start[o])
        if ops.restart[o] and broken:
            prepare = np.int64(ops.setup_s[o])
        elif ops.span[o] == ELAPSED:
            credit = max(np.int64(0), now - base - ops.stopped_s[o])
        else:
            credit = max(np.int64(0), worked(c, u, now) - worked(c, u, base) - ops.stopped_s[o])
        lead += prepare
    total = _all_of(lead, left, piece)
    if credit > 0:
        due = min(left, rhythm)
        overdue = credit > lead + _seconds(times_up(due, piece, np.int64(PIECE)))
        if credit > total:  # it can't be done unreported: at most one piece short of done
            short = _seconds(times_up(min(left, np.int64(PIECE)), piece, np.int64(PIECE)))
            credit = total - min(total, short)
    return piece, lead, total - credit, credit, max(np.int64(0), prepare - credit), overdue


@inlined
def _share(ops: Any, w: Any, o: Any, comes: Any) -> Any:
    """What part o takes of the pieces that come for all: what it was launched for, as far as those
    before it, and what those behind have used already, leave it."""
    x = np.int64(ops.part_of[o])
    if x < 0:
        x = np.int64(o)
    while x >= 0:
        if x != o:
            used = used_of(ops, x)
            comes -= w.input_qty[x] if x < o and ops.status[x] != DONE else used
        x = np.int64(ops.next_part[x])
    return min(np.int64(ops.launch_qty[o]), max(np.int64(0), comes))


@lean
def _count(ops: Any, arcs: Any, rates: Any, order_item: Any, quantum: Any, w: Any) -> None:
    for o in range(ops.status.size):
        good = ops.good_qty[o]
        comes = np.int64(-1)
        for a in range(ops.pred_ptr[o], ops.pred_ptr[o + 1]):
            num = arcs.per_num[a]
            den = arcs.per_den[a]
            if num == 0:
                continue
            p = np.int64(arcs.pred[a])
            if ops.part_of[p] >= 0:
                continue  # its first part brings the pieces of all
            pieces = np.int64(0)
            made = np.int64(0)
            x = p
            while x >= 0:
                # a predecessor behind this row stands on a circle and will be BLOCKED
                pieces += w.output_qty[x] if x < o else ops.launch_qty[x]
                made += ops.good_qty[x]
                x = np.int64(ops.next_part[x])
            implied = good
            if num != den:
                pieces = times_down(pieces, den, num)
                implied = times_up(good, num, den)
            if comes < 0 or pieces < comes:
                comes = pieces
            if implied > made:
                x = p
                while x >= 0:
                    if ops.status[x] != DONE:
                        w.seems_done[x] = True
                    x = np.int64(ops.next_part[x])
        if comes < 0:
            comes = ops.launch_qty[o]
        elif ops.part_of[o] >= 0 or ops.next_part[o] >= 0:
            comes = _share(ops, w, o, comes)
        w.input_qty[o] = comes
        if ops.status[o] == DONE:
            w.left_qty[o] = 0
            w.output_qty[o] = good
            w.work_s[o] = 0
            continue
        left = max(np.int64(0), comes - used_of(ops, o))
        w.left_qty[o] = left
        out = left
        if ops.yield_num[o] < ops.yield_den[o]:
            item = order_item[ops.order[o]]
            step = quantum[item] if item >= 0 else np.int64(PIECE)
            out = times_down(left, ops.yield_num[o], ops.yield_den[o]) // step * step
        w.output_qty[o] = good + out
        if ops.status[o] != RUNNING:
            piece, lead = standard_of(ops, rates, o)
            w.work_s[o] = _all_of(lead, left, piece)


@lean
def _go_on(c: Any, ops: Any, units: Any, running: Any, now: Any, w: Any) -> None:
    for x in range(running.size):
        o = running[x]
        _, _, work, _, _, overdue = pace_of(c, ops, units, o, now, w.input_qty[o], w.left_qty[o])
        w.work_s[o] = work
        w.overdue[o] = overdue
