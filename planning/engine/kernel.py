"""One projection of one plant with given pegs: the numba pass.

Doing nothing, as a floor does it. Under PULL_READY the earliest start of the whole plant is fixed
next, through time, inside the pull window; beyond it, and under STRICT, queues hold and the
operations are fixed in topological order of arcs, pegs and queues (Kahn in the same pass). Every
operation is fixed once; the cost does not depend on how tight the plan is.

One record an operation keeps all that a step touches in two cache lines, and keeps the compiled
functions small. `twin.py` is the same meaning in plain Python; a change here is a change there.
"""

from __future__ import annotations

import heapq
from typing import Any, NamedTuple

import numpy as np
from numba import njit

from planning.engine import plant as p
from planning.engine.plant import I32, I64, Plant
from planning.engine.work import Work
from planning.engine.worktime import (
    Clock,
    Records,
    finish,
    first,
    fits_from,
    latest_start,
    times_up,
    worked,
)

NEVER = p.NEVER
UNSET = p.UNSET
PIECE = p.PIECE
WAITING, RUNNING, SUSPENDED, DONE = (int(s) for s in p.Status)
ELAPSED = int(p.Span.ELAPSED)
OVERLAP = int(p.ArcKind.OVERLAP)
BLOCKED, BEYOND = int(p.State.BLOCKED), int(p.State.BEYOND_HORIZON)
BY_ARC, BY_SUPPLY = int(p.Bind.ARC), int(p.Bind.SUPPLY)
BY_PLACE, STARTED, NO_BIND = int(p.Bind.PLACE), int(p.Bind.STARTED), int(p.Bind.NONE)
WAIT_CALENDAR, WAIT_DOWN, WAIT_FIT = (
    int(p.Wait.CALENDAR),
    int(p.Wait.UNIT_DOWN),
    int(p.Wait.FIT),
)
NO_HORIZON = int(p.Reason.HORIZON)

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
ARC = np.dtype([("pred", np.int32), ("succ", np.int32), ("overlap", np.int32), ("lag", np.int32)])
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
    ]
)
PLACE = np.dtype([("family", np.int64), ("free", np.int32), ("last", np.int32)], align=True)


class Pieces(NamedTuple):
    """What only running and overlapping operations (O) and arcs (A) need."""

    good: I64
    yield_num: I64
    yield_den: I64
    used: I64
    left: I64
    output: I64
    piece_us: I64
    lead_s: I64
    credit_s: I64
    setup_left: I32
    began: I32
    report: I32
    ended: I32
    place: I32
    batch: I64
    num: I64
    den: I64


class Rules(NamedTuple):
    now: Any
    horizon: Any
    pull: Any  # 1 = PULL_READY
    pull_until: Any
    pull_after: Any
    suspend_after: Any


class Desk(NamedTuple):
    """All that the pass reads and writes."""

    clock: Clock
    ops: Records  # (O + 1) of OP; the last row only closes the row ranges
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
    count: I64  # (2): how many there are of each


class Feeds(NamedTuple):
    """Pegs from the output of an open operation to an operation that waits."""

    ptr: I32  # (O + 1), by the operation that is fed
    op: I32
    lag: I32
    supply: I32
    gives_ptr: I32  # (O + 1), by the operation that gives
    gives: I32


def open_desk(
    plant: Plant, clock: Clock, work: Work, feeds: Feeds, columns: dict[str, Any]
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
        count=np.zeros(2, np.int64),
    )


def pieces_of(plant: Plant, work: Work) -> Pieces:
    """Return the piece columns of the plant."""
    return Pieces(
        good=plant.op_good_qty,
        yield_num=plant.op_yield_num,
        yield_den=plant.op_yield_den,
        used=work.used_qty,
        left=work.left_qty,
        output=work.output_qty,
        piece_us=work.piece_us,
        lead_s=work.lead_s,
        credit_s=work.credit_s,
        setup_left=work.setup_left_s,
        began=plant.op_actual_start,
        report=plant.op_report_at,
        ended=plant.op_actual_end,
        place=plant.op_place,
        batch=plant.arc_batch_qty,
        num=plant.arc_per_num,
        den=plant.arc_per_den,
    )


def inner(function: Any) -> Any:
    """Compile for use inside the pass only: no entry from Python."""
    return njit(cache=True, no_cpython_wrapper=True, no_cfunc_wrapper=True)(function)


# -- pieces ----


@inner
def _time_for(q: Any, o: Any, pieces: Any) -> Any:
    return min(
        np.int64(NEVER),
        -(-times_up(pieces, q.piece_us[o], np.int64(PIECE)) // 1_000_000),
    )


@inner
def _runs_until(d: Any, r: Any, o: Any, t: Any, seconds: Any) -> Any:
    """End of o's run from t: by the clock if its span is ELAPSED, else in working time."""
    if d.ops[o].span == ELAPSED:
        e = t + seconds
        return e if e <= r.horizon else np.int64(NEVER)
    return finish(d.clock, np.int64(d.ops[o].unit), t, seconds)


@inner
def _running_from(d: Any, o: Any) -> Any:
    """First instant at which a running operation goes on."""
    t = np.int64(d.ops[o].floor)
    if d.ops[o].work == 0 or d.ops[o].span == ELAPSED:
        return t
    return first(d.clock, np.int64(d.ops[o].unit), t)


@inner
def _there(d: Any, q: Any, r: Any, o: Any, pieces: Any) -> Any:
    """Instant at which `pieces` good pieces of the fixed operation o are there."""
    if d.ops[o].status == DONE or pieces > q.output[o] or pieces <= 0:
        return np.int64(d.ops[o].end)
    if q.good[o] >= pieces:
        return np.int64(q.report[o]) if q.report[o] != UNSET else np.int64(q.began[o])
    into = times_up(pieces - q.good[o], q.yield_den[o], q.yield_num[o])
    into = min(into, q.left[o])
    seconds = max(np.int64(0), q.lead_s[o] + _time_for(q, o, into) - q.credit_s[o])
    if d.ops[o].status == RUNNING and d.ops[o].taken_off == 0:
        t = _running_from(d, o)
    else:
        u = np.int64(d.ops[o].unit)
        t = finish(d.clock, u, np.int64(d.ops[o].start), np.int64(d.ops[o].paid))
    t = _runs_until(d, r, o, t, seconds)
    for a in range(d.ops[o].pred, d.ops[o + 1].pred):
        if d.arcs[a].overlap == OVERLAP:
            f = np.int64(d.arcs[a].pred)
            need = min(times_up(q.used[o] + into, q.num[a], q.den[a]), q.output[f])
            t = max(t, _there(d, q, r, f, need) + d.arcs[a].lag)
    return min(t, np.int64(NEVER))


@inner
def _fed_until(d: Any, q: Any, r: Any, o: Any) -> Any:
    """Earliest end that the OVERLAP feeders of o allow, and which: (UNSET, -1) if there are none.

    A feeder's end + lag + the time of o's own last batch.
    """
    bound = np.int64(UNSET)
    feeder = np.int64(-1)
    for a in range(d.ops[o].pred, d.ops[o + 1].pred):
        if d.arcs[a].overlap == OVERLAP:
            f = np.int64(d.arcs[a].pred)
            t = np.int64(d.ops[f].end)
            if t == NEVER:
                return np.int64(NEVER), f
            batch = min(times_up(q.batch[a], q.den[a], q.num[a]), q.left[o])
            t = _runs_until(d, r, o, t + d.arcs[a].lag, _time_for(q, o, batch))
            if t > bound:
                bound = t
                feeder = f
    return bound, feeder


# -- when an operation could start ----


@inner
def _get_ready(d: Any, q: Any, r: Any, o: Any) -> Any:
    """Set when o could start if its place were free; False where something has no date."""
    op = d.ops[o]
    t = np.int64(op.floor)
    bind = np.int64(op.floor_bind)
    ref = np.int64(-1)
    begun = op.taken_off != 0
    for a in range(op.pred, d.ops[o + 1].pred):
        f = np.int64(d.arcs[a].pred)
        e = np.int64(d.ops[f].end)
        if d.arcs[a].overlap == OVERLAP:
            if e == NEVER:
                return False
            # a job already begun waits for its next batch
            need = times_up(q.used[o], q.num[a], q.den[a]) + q.batch[a]
            e = _there(d, q, r, f, min(need, q.output[f]))
        elif begun:
            continue
        if e == NEVER:
            return False
        e += d.arcs[a].lag
        if e > t:
            t = e
            bind = np.int64(BY_ARC)
            ref = f
    d.ops[o].bound = min(t, np.int64(NEVER))
    if op.stock > t:
        t = np.int64(op.stock)
        bind = np.int64(op.stock_bind)
        ref = np.int64(op.stock_ref)
    for x in range(op.feed, d.ops[o + 1].feed):
        e = np.int64(d.ops[d.feeds[x].op].end)
        if e == NEVER:
            return False
        e += d.feeds[x].lag
        if e > t:
            t = e
            bind = np.int64(BY_SUPPLY)
            ref = np.int64(d.feeds[x].supply)
    if begun:
        bound, f = _fed_until(d, q, r, o)
        if bound == NEVER:
            return False
        e = latest_start(d.clock, np.int64(op.unit), bound, np.int64(op.work))
        if e > t:
            t = e
            bind = np.int64(BY_ARC)
            ref = f
    if t >= NEVER:
        return False
    d.ops[o].ready = t
    d.ops[o].ready_bind = bind
    d.ops[o].ready_ref = ref
    return True


@inner
def _first_free(d: Any, u: Any) -> Any:
    place = np.int64(d.units[u].places)
    for x in range(place + 1, d.units[u + 1].places):
        if d.places[x].free < d.places[place].free:
            place = np.int64(x)
    return place


@inner
def _setup(d: Any, o: Any, place: Any) -> Any:
    """Set-up seconds that o pays on that place; -1: it needs none."""
    if place >= 0:
        if d.places[place].family != d.ops[o].family:
            return np.int64(d.ops[o].setup)
    elif d.ops[o].status == WAITING:
        return np.int64(d.ops[o].setup)
    return np.int64(d.ops[o].resume)


@inner
def _start_on(d: Any, o: Any, t: Any, setup: Any) -> Any:
    u = np.int64(d.ops[o].unit)
    if d.ops[o].whole != 0:
        return fits_from(d.clock, u, t, setup + d.ops[o].work)
    return first(d.clock, u, t)


# -- fixing ----


@inner
def _no_date(d: Any, o: Any) -> None:
    d.ops[o].state = BEYOND
    d.ops[o].reason = NO_HORIZON
    d.ops[o].fixed = 1


@inner
def _place(d: Any, q: Any, r: Any, o: Any) -> None:
    """Fix o, which is known, on the place of its unit that is free first."""
    u = np.int64(d.ops[o].unit)
    place = np.int64(-1)
    t = np.int64(d.ops[o].ready)
    bind = np.int64(d.ops[o].ready_bind)
    ref = np.int64(d.ops[o].ready_ref)
    if u < d.units.size - 1:
        place = _first_free(d, u)
        free = np.int64(d.places[place].free)
        if free > t:
            t = free
            bind = np.int64(BY_PLACE)
            ref = np.int64(d.places[place].last)
        if free > d.ops[o].bound:
            d.ops[o].bound = free
    setup = _setup(d, o, place)
    start = _start_on(d, o, t, setup)
    end = np.int64(NEVER)
    if start != NEVER:
        end = finish(d.clock, u, start, setup)
        if end != NEVER:
            end = _runs_until(d, r, o, end, np.int64(d.ops[o].work))
    feeder = np.int64(-1)
    if end != NEVER and d.ops[o].overlaps != 0:
        bound, f = _fed_until(d, q, r, o)
        if bound > end:
            end = bound
            feeder = f
    if end == NEVER:
        _no_date(d, o)
        return
    if start > t:
        if t < d.clock.row[u].back <= start:
            d.ops[o].wait = WAIT_DOWN
        elif d.ops[o].whole != 0 and first(d.clock, u, t) < start:
            d.ops[o].wait = WAIT_FIT
        else:
            d.ops[o].wait = WAIT_CALENDAR
    d.ops[o].feeder = feeder
    d.ops[o].start = start
    d.ops[o].end = end
    d.ops[o].paid = setup
    d.ops[o].bind = bind
    d.ops[o].bind_ref = ref
    d.ops[o].fixed = 1
    if place >= 0:
        d.ops[o].place = place - d.units[u].places
        d.places[place].free = end
        d.places[place].family = d.ops[o].family
        d.places[place].last = o


@inner
def _go_on(d: Any, q: Any, r: Any, o: Any) -> Any:
    """Fix the running operation o, whose feeders are fixed. False: it is taken off instead."""
    u = np.int64(d.ops[o].unit)
    needs_place = u < d.units.size - 1
    end = np.int64(NEVER)
    t = _running_from(d, o)
    if t != NEVER:
        end = _runs_until(d, r, o, t, np.int64(d.ops[o].work))
    feeder = np.int64(-1)
    if end != NEVER and d.ops[o].overlaps != 0:
        bound, f = _fed_until(d, q, r, o)
        if bound == NEVER:
            end = bound
        elif bound > end:
            if r.pull == 1 and needs_place:
                stands = worked(d.clock, u, bound) - worked(d.clock, u, end)
                if stands > r.suspend_after:
                    return False
            end = bound
            feeder = f
    if end == NEVER:
        _no_date(d, o)
        return True
    d.ops[o].feeder = feeder
    d.ops[o].start = q.began[o]
    d.ops[o].end = end
    d.ops[o].paid = q.setup_left[o]
    d.ops[o].bind = STARTED
    d.ops[o].fixed = 1
    if needs_place:
        place = d.units[u].places + d.ops[o].place
        if end >= d.places[place].free:
            d.places[place].free = end
            d.places[place].family = d.ops[o].family
            d.places[place].last = o
    return True


@inner
def _seat_running(d: Any, q: Any) -> None:
    """Give each running operation its place: the one it names, else the first that has none."""
    taken = np.zeros(d.places.size, np.bool_)
    for named in (True, False):
        for o in range(d.ops.size - 1):
            u = d.ops[o].unit
            if d.ops[o].status != RUNNING or d.ops[o].fixed != 0 or u >= d.units.size - 1:
                continue
            if (q.place[o] >= 0) != named:
                continue
            lo = d.units[u].places
            place = lo + max(0, q.place[o])
            if not named:
                for x in range(lo, d.units[u + 1].places):
                    if not taken[x]:
                        place = x
                        break
            if taken[place]:
                d.ops[o].conflict = 1
            taken[place] = True
            d.ops[o].place = place - lo


# -- whose turn it is ----


@inner
def _choose(d: Any, r: Any, u: Any) -> Any:
    """Which operation of unit u starts next, when, and whether it overtakes; (-1, NEVER, 0)."""
    none = np.int64(-1)
    if d.units[u].pending > 0:
        return none, np.int64(NEVER), np.int64(0)
    i = np.int64(d.units[u].head)
    last = d.units[u].tail
    while i < last and d.ops[d.queue[i]].fixed != 0:
        i += 1
    d.units[u].head = i
    if i == last:
        return none, np.int64(NEVER), np.int64(0)
    place = _first_free(d, u)
    free = np.int64(d.places[place].free)
    h = np.int64(d.queue[i])
    head_start = np.int64(NEVER)
    if d.ops[h].known != 0:
        ready = np.int64(d.ops[h].ready)
        head_start = _start_on(d, h, max(free, ready), _setup(d, h, place))
        if head_start != NEVER and (
            ready <= free or worked(d.clock, u, ready) - worked(d.clock, u, free) <= r.pull_after
        ):
            return h, head_start, np.int64(0)
    best = none
    best_start = np.int64(NEVER)
    soonest = first(d.clock, u, free)
    j = np.int64(d.units[u].line)
    while j >= 0:
        if j != h and d.ops[j].pinned == 0:
            start = _start_on(d, j, max(free, np.int64(d.ops[j].ready)), _setup(d, j, place))
            if start < best_start:
                best = j
                best_start = start
                if start <= soonest:
                    break
        j = np.int64(d.ops[j].after)
    if head_start <= best_start and head_start != NEVER:
        return h, head_start, np.int64(0)
    return best, best_start, np.int64(1)


@inner
def _join_line(d: Any, u: Any, o: Any) -> None:
    """Put o among the known operations of unit u, in queue order."""
    before = np.int64(-1)
    j = np.int64(d.units[u].line)
    while j >= 0 and d.ops[j].seat < d.ops[o].seat:
        before = j
        j = np.int64(d.ops[j].after)
    d.ops[o].after = j
    if before < 0:
        d.units[u].line = o
    else:
        d.ops[before].after = o


@inner
def _leave_line(d: Any, u: Any, o: Any) -> None:
    before = np.int64(-1)
    j = np.int64(d.units[u].line)
    while j >= 0 and j != o:
        before = j
        j = np.int64(d.ops[j].after)
    if j < 0:
        return
    if before < 0:
        d.units[u].line = d.ops[o].after
    else:
        d.ops[before].after = d.ops[o].after


@inner
def _mark(d: Any, u: Any) -> None:
    if d.units[u].dirty == 0:
        d.units[u].dirty = 1
        d.changed[d.count[1]] = u
        d.count[1] += 1


@inner
def _release(d: Any, o: Any) -> None:
    """Tell what follows o that o is fixed; what waits for nothing else goes on the stack."""
    for x in range(d.ops[o].succ, d.ops[o + 1].succ):
        a = d.succ[x]
        s = d.arcs[a].succ
        if d.ops[s].fixed != 0 or (d.ops[s].status == RUNNING and d.arcs[a].overlap != OVERLAP):
            continue
        d.ops[s].waits -= 1
        if d.ops[s].waits == 0:
            d.stack[d.count[0]] = s
            d.count[0] += 1
    for x in range(d.ops[o].gives, d.ops[o + 1].gives):
        s = d.gives[x]
        if d.ops[s].fixed != 0:
            continue
        d.ops[s].waits -= 1
        if d.ops[s].waits == 0:
            d.stack[d.count[0]] = s
            d.count[0] += 1


@inner
def _settle(d: Any, q: Any, r: Any, heap: Any, by_queue: Any, stalled: Any) -> None:
    """Work off what has become known, and mark the units whose turn may have changed."""
    units = d.units.size - 1
    while d.count[0] > 0:
        d.count[0] -= 1
        o = np.int64(d.stack[d.count[0]])
        if d.ops[o].fixed != 0:
            continue
        u = np.int64(d.ops[o].unit)
        if d.ops[o].status == RUNNING and d.ops[o].taken_off == 0:
            _go_on(d, q, r, o)
            if u < units:
                d.units[u].pending -= 1
                _mark(d, u)
            _release(d, o)
            continue
        if not _get_ready(d, q, r, o):
            _no_date(d, o)
            if u < units:
                _mark(d, u)
            _release(d, o)
            continue
        d.ops[o].known = 1
        if u < units:
            if by_queue:
                if stalled and d.ops[o].pinned == 0:
                    heapq.heappush(heap, _ready_turn(d, o))
            elif d.ops[o].ready < r.pull_until:
                _join_line(d, u, o)
            _mark(d, u)
        elif by_queue:
            _place(d, q, r, o)
            _release(d, o)
        else:
            start = _start_on(d, o, np.int64(d.ops[o].ready), _setup(d, o, np.int64(-1)))
            d.turn[units + o] = (start << 25) | (units + o)
            heapq.heappush(heap, d.turn[units + o])


@inner
def _ready_turn(d: Any, o: Any) -> Any:
    """Key of o where the queues stall: ready first, then by unit and place in the queue."""
    return (np.int64(d.ops[o].ready) << 32) | np.int64(d.ops[o].seat)


@inner
def _call(d: Any, r: Any, heap: Any, choice: Any) -> None:
    """Put the new candidate of each changed unit on the heap."""
    while d.count[1] > 0:
        d.count[1] -= 1
        u = np.int64(d.changed[d.count[1]])
        d.units[u].dirty = 0
        o, start, overtakes = _choose(d, r, u)
        d.turn[u] = -1
        if o >= 0 and start < r.pull_until:
            choice[u] = o
            d.turn[u] = (start << 25) | (overtakes << 24) | u
            heapq.heappush(heap, d.turn[u])


# -- the pass ----


@inner
def _begin(d: Any, q: Any, r: Any) -> None:
    """Fix what is done or BLOCKED and count what each other operation waits for."""
    size = d.ops.size - 1
    for o in range(size):
        d.ops[o].start = NEVER
        d.ops[o].end = NEVER
        d.ops[o].bind = NO_BIND
        d.ops[o].bind_ref = -1
        d.ops[o].feeder = -1
        d.ops[o].place = -1
        d.ops[o].bound = NEVER
        d.ops[o].after = -1
        if d.ops[o].status == DONE:
            d.ops[o].start = q.began[o]
            d.ops[o].end = q.ended[o]
            d.ops[o].bind = STARTED
            d.ops[o].fixed = 1
        elif d.ops[o].state == BLOCKED:
            d.ops[o].fixed = 1
    for o in range(size):
        n = 0
        for a in range(d.ops[o].pred, d.ops[o + 1].pred):
            overlap = d.arcs[a].overlap == OVERLAP
            if overlap:
                d.ops[o].overlaps = 1
            if d.ops[d.arcs[a].pred].fixed == 0 and (d.ops[o].status != RUNNING or overlap):
                n += 1
        for x in range(d.ops[o].feed, d.ops[o + 1].feed):
            if d.ops[d.feeds[x].op].fixed == 0:
                n += 1
        d.ops[o].waits = n
    for x in range(d.places.size):
        d.places[x].free = r.now
        d.places[x].last = -1
    for u in range(d.units.size - 1):
        d.units[u].line = -1


@inner
def _fill_queues(d: Any) -> None:
    """Queues of this pass: what is taken off its unit at the head, then the plant's queue."""
    size = d.ops.size - 1
    units = d.units.size - 1
    off = np.zeros(units, np.int32)
    for o in range(size):
        if d.ops[o].taken_off != 0:
            off[d.ops[o].unit] += 1
    n = 0
    for u in range(units):
        d.units[u].head = n
        d.units[u].tail = n
        n += off[u] + d.units[u + 1].queue - d.units[u].queue
    for o in range(size):
        if d.ops[o].taken_off != 0:
            u = d.ops[o].unit
            d.queue[d.units[u].tail] = o
            d.units[u].tail += 1
    for u in range(units):
        for i in range(d.units[u].queue, d.units[u + 1].queue):
            d.queue[d.units[u].tail] = d.planned[i]
            d.units[u].tail += 1
    for i in range(n):
        d.ops[d.queue[i]].seat = i


@inner
def _advance(d: Any, q: Any, r: Any, o: Any, heap: Any, by_queue: Any, stalled: Any) -> None:
    _place(d, q, r, o)
    _release(d, o)
    _settle(d, q, r, heap, by_queue, stalled)


@inner
def _pull(d: Any, q: Any, r: Any, heap: Any) -> None:
    """Through time: always the earliest start of the whole plant, up to the window's end."""
    size = d.ops.size - 1
    units = d.units.size - 1
    choice = np.zeros(units, np.int32)
    _settle(d, q, r, heap, False, False)
    for u in range(units):
        _mark(d, np.int64(u))
    _call(d, r, heap, choice)
    while len(heap) > 0:
        key = heapq.heappop(heap)
        who = key & ((1 << 24) - 1)
        if d.turn[who] != key:
            continue
        if key >> 25 >= r.pull_until:
            break
        d.turn[who] = -1
        o = who - units
        if who < units:
            o = np.int64(choice[who])
            d.ops[o].overtook = (key >> 24) & 1
            _leave_line(d, who, o)
            _mark(d, who)
        _advance(d, q, r, o, heap, False, False)
        _call(d, r, heap, choice)
    heap.clear()
    for o in range(size):
        if d.ops[o].known != 0 and d.ops[o].fixed == 0 and d.ops[o].unit == units:
            _place(d, q, r, np.int64(o))
            _release(d, np.int64(o))


@inner
def _by_queue(d: Any, q: Any, r: Any, heap: Any) -> None:
    """In queue order. Under PULL_READY, where the queues' order makes a circle, the operation
    that is ready first goes."""
    size = d.ops.size - 1
    for u in range(d.units.size - 1):
        _mark(d, np.int64(u))
    _settle(d, q, r, heap, True, False)
    stalled = False
    while True:
        while d.count[1] > 0:
            d.count[1] -= 1
            u = np.int64(d.changed[d.count[1]])
            d.units[u].dirty = 0
            i = np.int64(d.units[u].head)
            while i < d.units[u].tail and d.units[u].pending == 0:
                h = np.int64(d.queue[i])
                if d.ops[h].fixed == 0:
                    if d.ops[h].known == 0:
                        break
                    _advance(d, q, r, h, heap, True, stalled)
                i += 1
            d.units[u].head = i
        if r.pull == 0:
            break
        if not stalled:
            stalled = True
            for o in range(size):
                if d.ops[o].known != 0 and d.ops[o].fixed == 0 and d.ops[o].pinned == 0:
                    heapq.heappush(heap, _ready_turn(d, np.int64(o)))
        o = np.int64(-1)
        while len(heap) > 0 and o < 0:
            o = np.int64(d.queue[heapq.heappop(heap) & ((1 << 32) - 1)])
            if d.ops[o].fixed != 0:
                o = np.int64(-1)
        if o < 0:
            break
        d.ops[o].overtook = 1
        _mark(d, np.int64(d.ops[o].unit))
        _advance(d, q, r, o, heap, True, True)


@njit(cache=True)
def run(d: Desk, q: Pieces, r: Rules) -> Any:
    """Fill the results of a fresh desk; return how many operations stayed unfixed: those on a
    circle of arcs, pegs or queues, and what waits for them. O(N log Q) time."""
    size = d.ops.size - 1
    units = d.units.size - 1
    heap = [np.int64(0) for _ in range(0)]
    _begin(d, q, r)
    _seat_running(d, q)
    for o in range(size):
        if d.ops[o].status == RUNNING and d.ops[o].fixed == 0:
            u = d.ops[o].unit
            if d.ops[o].waits == 0 and _go_on(d, q, r, np.int64(o)):
                _release(d, np.int64(o))
            elif r.pull == 1 and u < units:
                d.ops[o].taken_off = 1
                d.places[d.units[u].places + d.ops[o].place].family = d.ops[o].family
            elif u < units:
                d.units[u].pending += 1
    _fill_queues(d)
    d.count[0] = 0
    for o in range(size - 1, -1, -1):
        if d.ops[o].waits == 0 and d.ops[o].fixed == 0:
            d.stack[d.count[0]] = o
            d.count[0] += 1
    if r.pull == 1 and r.pull_until > r.now:
        _pull(d, q, r, heap)
    _by_queue(d, q, r, heap)
    left = 0
    for o in range(size):
        if d.ops[o].fixed == 0:
            left += 1
    return left
