"""How many pieces each operation still has before it, and how many seconds they take.

Pieces are conserved: what goes into an operation is what comes good out of those before it; a
join takes the scarcest, a fork gives all pieces to each branch. One sequential pass in the plant's
topological order.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit

from planning.engine.plant import (
    I32,
    I64,
    NEVER,
    PIECE,
    PPM,
    UNSET,
    Flags,
    Plant,
    Span,
    Status,
)
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

    unit: I32  # row of the Clock; U where no capacity is needed
    input_qty: I64
    used_qty: I64  # good + scrap + rework so far
    left_qty: I64
    output_qty: I64
    piece_us: I64  # a piece on its unit: learned where it runs and has reported enough
    lead_s: I64  # before the first of the pieces left: fixed run, and RUNNING its set-up left
    work_s: I32  # to the end; RUNNING: with what is left of its set-up, less what is assumed done
    setup_s: I32  # to be paid if the family changes
    setup_left_s: I32  # RUNNING: what is left of it, in work_s
    resume_s: I32  # SUSPENDED: set-up still to pay where its family is mounted
    credit_s: I64  # RUNNING: seconds assumed done since the last report
    overdue: Flags
    seems_done: Flags


def left_to_do(plant: Plant, clock: Clock, *, now: int) -> Work:
    """Return what each operation of the plant still has to do as of `now`."""
    size = len(plant.op_id)
    units = len(plant.unit_id)
    unit = np.where(plant.op_unit < 0, units, plant.op_unit).astype(np.int32)
    rate = np.append(plant.unit_rate_ppm, PPM)
    rhythm = np.append(plant.unit_quantum_qty, PIECE)
    down = np.append(plant.unit_down, False)
    item = plant.order_item[plant.op_order]
    known = np.append(plant.item_quantum_qty, PIECE)  # row -1 = no item
    work = Work(
        unit=unit,
        input_qty=np.zeros(size, np.int64),
        used_qty=plant.op_good_qty + plant.op_scrap_qty + plant.op_rework_qty,
        left_qty=np.zeros(size, np.int64),
        output_qty=np.zeros(size, np.int64),
        piece_us=np.zeros(size, np.int64),
        lead_s=np.zeros(size, np.int64),
        work_s=np.zeros(size, np.int32),
        setup_s=plant.op_setup_s,
        setup_left_s=np.zeros(size, np.int32),
        resume_s=np.zeros(size, np.int32),
        credit_s=np.zeros(size, np.int64),
        overdue=np.zeros(size, np.bool_),
        seems_done=np.zeros(size, np.bool_),
    )
    _count_pieces(
        plant.op_status, plant.op_launch_qty, plant.op_good_qty, plant.op_yield_num,
        plant.op_yield_den, known[item], plant.op_pred_ptr, plant.arc_pred, plant.arc_per_num,
        plant.arc_per_den, work,
    )  # fmt: skip
    _count_seconds(
        clock, plant.op_status, plant.op_good_qty, plant.op_run_us, plant.op_fixed_us,
        plant.op_factor_ppm, rate, rhythm, down, plant.op_span, plant.op_restart,
        plant.op_setup_s, plant.op_setup_left_s, plant.op_actual_start, plant.op_report_at,
        plant.op_productive_s, plant.op_stopped_s, np.int64(now), work,
    )  # fmt: skip
    return work


@njit(cache=True)
def _count_pieces(
    status: Any, launch: Any, good: Any, yield_num: Any, yield_den: Any, quantum: Any,
    pred_ptr: Any, pred: Any, num: Any, den: Any, w: Any,
) -> None:  # fmt: skip
    for o in range(status.size):
        comes = np.int64(-1)
        for a in range(pred_ptr[o], pred_ptr[o + 1]):
            if num[a] == 0:
                continue
            p = pred[a]
            # a predecessor behind this row stands on a circle and will be BLOCKED
            given = w.output_qty[p] if p < o else launch[p]
            pieces = times_down(given, den[a], num[a])
            if comes < 0 or pieces < comes:
                comes = pieces
            if status[p] != DONE and times_up(good[o], num[a], den[a]) > good[p]:
                w.seems_done[p] = True
        if comes < 0:
            comes = launch[o]
        w.input_qty[o] = comes
        if status[o] == DONE:
            w.output_qty[o] = good[o]
            continue
        left = max(np.int64(0), comes - w.used_qty[o])
        w.left_qty[o] = left
        if yield_num[o] < yield_den[o]:
            left = times_down(left, yield_num[o], yield_den[o]) // quantum[o] * quantum[o]
        w.output_qty[o] = good[o] + left


@njit(cache=True)
def _seconds(us: Any) -> Any:
    return min(np.int64(NEVER), -(-us // 1_000_000))


@njit(cache=True)
def _count_seconds(
    c: Any, status: Any, good: Any, run: Any, fixed: Any, factor: Any, rate: Any, rhythm: Any,
    down: Any, span: Any, restart: Any, setup: Any, setup_left: Any, began: Any, report: Any,
    productive: Any, stopped: Any, now: Any, w: Any,
) -> None:  # fmt: skip
    for o in range(status.size):
        u = np.int64(w.unit[o])
        piece = run[o]
        once = fixed[o]
        if factor[o] != PPM:
            piece = times_up(piece, factor[o], np.int64(PPM))
            once = times_up(once, factor[o], np.int64(PPM))
        if rate[u] != PPM:
            piece = times_up(piece, np.int64(PPM), rate[u])
            once = times_up(once, np.int64(PPM), rate[u])
        piece = min(piece, np.int64(LONGEST_PIECE_US))
        w.piece_us[o] = piece
        if status[o] == DONE:
            continue
        left = w.left_qty[o]
        used = w.used_qty[o]
        once_s = np.int64(0)
        if used == 0:
            once_s = _seconds(once)
        if status[o] != RUNNING:
            w.lead_s[o] = once_s
            w.resume_s[o] = max(np.int64(0), np.int64(setup_left[o]))
            w.work_s[o] = min(
                np.int64(NEVER),
                once_s + _seconds(times_up(left, piece, np.int64(PIECE))),
            )
            continue
        if used >= LEARN_QUANTA * rhythm[u] and used * LEARN_SHARE >= w.input_qty[o]:
            learned = times_up(
                np.int64(productive[o]) * 1_000_000 + LEARN_WEIGHT * piece,
                np.int64(PIECE),
                used + LEARN_WEIGHT * PIECE,
            )
            # never outside 0.3 to 3 times the standard
            piece = min(max(learned, (piece * 3 + 9) // 10), piece * 3)
            piece = min(piece, np.int64(LONGEST_PIECE_US))
            w.piece_us[o] = piece
        prepare = np.int64(setup_left[o])
        if prepare < 0:
            prepare = np.int64(setup[o]) if used == 0 else np.int64(0)
        base = np.int64(report[o]) if report[o] != UNSET else np.int64(began[o])
        if restart[o] and down[u]:
            credit = np.int64(0)
            prepare = np.int64(setup[o])
        elif span[o] == ELAPSED:
            credit = max(np.int64(0), now - base - stopped[o])
        else:
            credit = max(np.int64(0), worked(c, u, now) - worked(c, u, base) - stopped[o])
        lead = prepare + once_s
        total = min(np.int64(NEVER), lead + _seconds(times_up(left, piece, np.int64(PIECE))))
        due = min(left, rhythm[u])
        if credit > lead + _seconds(times_up(due, piece, np.int64(PIECE))):
            w.overdue[o] = True
        if credit > total:  # it can't be done unreported: at most one piece short of done
            short = _seconds(times_up(min(left, np.int64(PIECE)), piece, np.int64(PIECE)))
            credit = total - min(total, short)
        w.lead_s[o] = lead
        w.credit_s[o] = credit
        w.work_s[o] = total - credit
        w.setup_left_s[o] = max(np.int64(0), prepare - credit)
