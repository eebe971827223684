"""One projection of one plant with given pegs: the numba pass.

Doing nothing, as a floor does it. Under PULL_READY the earliest start of the whole plant is fixed
next, through time, inside the pull window; beyond it, and under STRICT, queues hold and the
operations are fixed in topological order of arcs, pegs and queues (Kahn in the same pass). Every
operation is fixed once; the cost does not depend on how tight the plan is.

`twin.py` is the same meaning in plain Python; a change here is a change there.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from planning.engine import plant as p
from planning.engine.desk import Desk
from planning.engine.steps import (
    DONE,
    NEVER,
    OVERLAP,
    RUNNING,
    STARTED,
    first_free,
    fix,
    get_ready,
    go_on,
    inlined,
    inner,
    no_date,
    setup_on,
    start_on,
)
from planning.engine.worktime import first, lean, worked

BLOCKED = int(p.State.BLOCKED)
NO_BIND = int(p.Bind.NONE)
WHO = (1 << 24) - 1  # a candidate's key: start, overtakes (1 bit), who (24 bits)


class Rules(NamedTuple):
    now: Any
    horizon: Any
    pull: Any  # 1 = PULL_READY
    pull_until: Any
    pull_after: Any
    suspend_after: Any


# -- candidates ----


@inner
def _push(heap: Any, count: Any, key: Any) -> None:
    at = count[2]
    count[2] += 1
    while at > 0:
        up = (at - 1) >> 1
        if heap[up] <= key:
            break
        heap[at] = heap[up]
        at = up
    heap[at] = key


@inner
def _pop(heap: Any, count: Any) -> Any:
    smallest = heap[0]
    count[2] -= 1
    size = count[2]
    key = heap[size]
    at = np.int64(0)
    while True:
        down = 2 * at + 1
        if down >= size:
            break
        if down + 1 < size and heap[down + 1] < heap[down]:
            down += 1
        if heap[down] >= key:
            break
        heap[at] = heap[down]
        at = down
    heap[at] = key
    return smallest


@inlined
def _choose(d: Any, r: Any, u: Any) -> Any:
    """Which operation of unit u starts next, when, and whether it overtakes; (-1, NEVER, 0)."""
    ops = d.ops
    i = np.int64(d.units[u].head)
    last = np.int64(d.units[u].tail)
    while i < last and ops[d.queue[i]].fixed != 0:
        i += 1
    d.units[u].head = i
    best = np.int64(-1)
    best_start = np.int64(NEVER)
    overtakes = np.int64(0)
    if d.units[u].pending == 0 and i < last:
        place = first_free(d.units, d.places, u)
        free = np.int64(d.places[place].free)
        h = np.int64(d.queue[i])
        keeps: Any = False
        if ops[h].known != 0:
            ready = np.int64(ops[h].ready)
            best_start = start_on(
                d.clock, ops, h, max(free, ready), setup_on(ops, d.places, h, place)
            )
            if best_start != NEVER:
                best = h
                keeps = ready <= free
                if not keeps:
                    waits = worked(d.clock, u, ready) - worked(d.clock, u, free)
                    keeps = waits <= r.pull_after
        if not keeps:
            soonest = first(d.clock, u, free)
            j = np.int64(d.units[u].line)
            while j >= 0:
                if j != h and ops[j].pinned == 0:
                    t = max(free, np.int64(ops[j].ready))
                    start = start_on(d.clock, ops, j, t, setup_on(ops, d.places, j, place))
                    if start < best_start:
                        best = j
                        best_start = start
                        overtakes = np.int64(1)
                        if start <= soonest:
                            break
                j = np.int64(ops[j].after)
    return best, best_start, overtakes


@inlined
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


@inlined
def _leave_line(d: Any, u: Any, o: Any) -> None:
    before = np.int64(-1)
    j = np.int64(d.units[u].line)
    while j >= 0 and j != o:
        before = j
        j = np.int64(d.ops[j].after)
    if j >= 0:
        if before < 0:
            d.units[u].line = d.ops[o].after
        else:
            d.ops[before].after = d.ops[o].after


@inner
def _mark(units: Any, changed: Any, count: Any, u: Any) -> None:
    """Remember that the candidate of unit u may have changed."""
    if units[u].dirty == 0:
        units[u].dirty = 1
        changed[count[1]] = u
        count[1] += 1


@inner
def _ready_turn(ops: Any, o: Any) -> Any:
    """Key of o where the queues stall: ready first, then by unit and place in the queue."""
    return (np.int64(ops[o].ready) << 32) | np.int64(ops[o].seat)


@inlined
def _release(d: Any, o: Any) -> None:
    """Tell what follows o that o is fixed; what waits for nothing else goes on the stack."""
    ops = d.ops
    for x in range(ops[o].succ, ops[o + 1].succ):
        a = d.succ[x]
        s = d.arcs[a].succ
        if ops[s].fixed == 0 and (ops[s].status != RUNNING or d.arcs[a].overlap == OVERLAP):
            ops[s].waits -= 1
            if ops[s].waits == 0:
                d.stack[d.counts[0]] = s
                d.counts[0] += 1
    for x in range(ops[o].gives, ops[o + 1].gives):
        s = d.gives[x]
        if ops[s].fixed == 0:
            ops[s].waits -= 1
            if ops[s].waits == 0:
                d.stack[d.counts[0]] = s
                d.counts[0] += 1


# -- the pass ----


@inlined
def _begin(d: Any, r: Any) -> None:
    """Clear the results and fix what is done or BLOCKED."""
    ops = d.ops
    for o in range(ops.size - 1):
        ops[o].start = NEVER
        ops[o].end = NEVER
        ops[o].bind = NO_BIND
        ops[o].bind_ref = -1
        ops[o].feeder = -1
        ops[o].place = -1
        ops[o].bound = NEVER
        ops[o].after = -1
        if ops[o].status == DONE:
            ops[o].start = d.pieces[o].began
            ops[o].end = d.pieces[o].ended
            ops[o].bind = STARTED
            ops[o].fixed = 1
        elif ops[o].state == BLOCKED:
            ops[o].fixed = 1
    for x in range(d.places.size):
        d.places[x].free = r.now
        d.places[x].last = -1
    for u in range(d.units.size - 1):
        d.units[u].line = -1


@inlined
def _seat_running(d: Any) -> None:
    """Give each running operation its place: the one it names, else the first that has none."""
    ops = d.ops
    for turn in range(2):
        for o in range(ops.size - 1):
            u = ops[o].unit
            if ops[o].status == RUNNING and ops[o].fixed == 0 and u < d.units.size - 1:
                given = np.int64(d.pieces[o].place)
                if (given < 0) == (turn == 1):
                    lo = np.int64(d.units[u].places)
                    place = lo + max(np.int64(0), given)
                    if given < 0:
                        for x in range(lo, d.units[u + 1].places):
                            if d.places[x].taken == 0:
                                place = np.int64(x)
                                break
                    if d.places[place].taken != 0:
                        ops[o].conflict = 1
                    d.places[place].taken = 1
                    ops[o].place = place - lo


@inlined
def _go_on_running(d: Any, r: Any) -> None:
    """Fix what runs and is fed by what runs. The rest is taken off, or holds its place (STRICT)."""
    ops = d.ops
    for o in range(ops.size - 1):
        if ops[o].status == RUNNING and ops[o].fixed == 0:
            fed = True
            for a in range(ops[o].pred, ops[o + 1].pred):
                if d.arcs[a].overlap == OVERLAP:
                    ops[o].overlaps = 1
                    if ops[d.arcs[a].pred].fixed == 0:
                        fed = False
            u = ops[o].unit
            if not (fed and go_on(d, r, np.int64(o))) and u < d.units.size - 1:
                if r.pull == 1:
                    ops[o].taken_off = 1
                    d.places[d.units[u].places + ops[o].place].family = ops[o].family
                else:
                    d.units[u].pending += 1


@inlined
def _count_waits(d: Any) -> None:
    """Count what each operation waits for; what waits for nothing goes on the stack."""
    ops = d.ops
    for o in range(ops.size - 2, -1, -1):
        n = 0
        for a in range(ops[o].pred, ops[o + 1].pred):
            overlap = d.arcs[a].overlap == OVERLAP
            if overlap:
                ops[o].overlaps = 1
            if ops[d.arcs[a].pred].fixed == 0 and (ops[o].status != RUNNING or overlap):
                n += 1
        for x in range(ops[o].feed, ops[o + 1].feed):
            if ops[d.feeds[x].op].fixed == 0:
                n += 1
        ops[o].waits = n
        if n == 0 and ops[o].fixed == 0:
            d.stack[d.counts[0]] = o
            d.counts[0] += 1


@inlined
def _fill_queues(d: Any) -> None:
    """Queues of this pass: what is taken off its unit at the head, then the plant's queue."""
    ops = d.ops
    for o in range(ops.size - 1):
        if ops[o].taken_off != 0:
            d.units[ops[o].unit].off += 1
    n = 0
    for u in range(d.units.size - 1):
        d.units[u].head = n
        d.units[u].tail = n
        n += d.units[u].off + d.units[u + 1].queue - d.units[u].queue
    for o in range(ops.size - 1):
        if ops[o].taken_off != 0:
            v = ops[o].unit
            d.queue[d.units[v].tail] = o
            d.units[v].tail += 1
    for u in range(d.units.size - 1):
        for i in range(d.units[u].queue, d.units[u + 1].queue):
            d.queue[d.units[u].tail] = d.planned[i]
            d.units[u].tail += 1
    for i in range(n):
        ops[d.queue[i]].seat = i


@lean
def run(d: Desk, r: Rules) -> Any:
    """Fill the results of a fresh desk; return how many operations stayed unfixed: those on a
    circle of arcs, pegs or queues, and what waits for them. O(N log Q) time.

    Each turn fixes one operation: what has become known first, then the units whose candidate
    may have changed, then the earliest candidate (through time), or the head of a queue, or,
    where under PULL_READY the queues make a circle, what is ready first.
    """
    ops = d.ops
    size = ops.size - 1
    units = d.units.size - 1
    _begin(d, r)
    _seat_running(d)
    _go_on_running(d, r)
    _fill_queues(d)
    _count_waits(d)
    for u in range(units):
        _mark(d.units, d.changed, d.counts, np.int64(u))
    by_queue = r.pull == 0 or r.pull_until <= r.now
    stalled = False
    while True:
        o = np.int64(-1)  # to be fixed, then released
        fixed = np.int64(-1)  # to be released
        if d.counts[0] > 0:
            d.counts[0] -= 1
            s = np.int64(d.stack[d.counts[0]])
            if ops[s].fixed != 0:
                continue
            v = np.int64(ops[s].unit)
            if ops[s].status == RUNNING and ops[s].taken_off == 0:
                go_on(d, r, s)
                fixed = s
                if v < units:
                    d.units[v].pending -= 1
            elif not get_ready(d, r, s):
                no_date(ops, s)
                fixed = s
            else:
                ops[s].known = 1
                if v == units:
                    if by_queue:
                        o = s
                    else:
                        setup = setup_on(ops, d.places, s, np.int64(-1))
                        t = start_on(d.clock, ops, s, np.int64(ops[s].ready), setup)
                        d.turn[units + s] = (t << 25) | (units + s)
                        _push(d.heap, d.counts, d.turn[units + s])
                elif by_queue:
                    if stalled and ops[s].pinned == 0:
                        _push(d.heap, d.counts, _ready_turn(ops, s))
                elif ops[s].ready < r.pull_until:
                    _join_line(d, v, s)
            if v < units:
                _mark(d.units, d.changed, d.counts, v)
        elif d.counts[1] > 0:
            v = np.int64(d.changed[d.counts[1] - 1])
            if by_queue:
                i = np.int64(d.units[v].head)
                tail = np.int64(d.units[v].tail)
                while i < tail and ops[d.queue[i]].fixed != 0:
                    i += 1
                d.units[v].head = i
                if i < tail and d.units[v].pending == 0 and ops[d.queue[i]].known != 0:
                    o = np.int64(d.queue[i])
            else:
                s, t, overtakes = _choose(d, r, v)
                d.turn[v] = -1
                if s >= 0 and t < r.pull_until:
                    d.units[v].choice = s
                    d.turn[v] = (t << 25) | (overtakes << 24) | v
                    _push(d.heap, d.counts, d.turn[v])
            if o < 0:
                d.counts[1] -= 1
                d.units[v].dirty = 0
        elif not by_queue:
            key = np.int64(-1)
            if d.counts[2] > 0:
                key = _pop(d.heap, d.counts)
            if key < 0 or key >> 25 >= r.pull_until:
                by_queue = True
                d.counts[2] = 0
                for u in range(units):
                    _mark(d.units, d.changed, d.counts, np.int64(u))
                for x in range(size):
                    if ops[x].known != 0 and ops[x].fixed == 0 and ops[x].unit == units:
                        d.stack[d.counts[0]] = x
                        d.counts[0] += 1
                continue
            who = key & WHO
            if d.turn[who] != key:
                continue
            d.turn[who] = -1
            o = who - units
            if who < units:
                o = np.int64(d.units[who].choice)
                ops[o].overtook = (key >> 24) & 1
                _leave_line(d, who, o)
                _mark(d.units, d.changed, d.counts, who)
        else:
            if r.pull == 0:
                break
            if not stalled:
                stalled = True
                for x in range(size):
                    if ops[x].known != 0 and ops[x].fixed == 0 and ops[x].pinned == 0:
                        _push(d.heap, d.counts, _ready_turn(ops, np.int64(x)))
            while d.counts[2] > 0 and o < 0:
                s = np.int64(d.queue[_pop(d.heap, d.counts) & ((1 << 32) - 1)])
                if ops[s].fixed == 0:
                    o = s
            if o < 0:
                break
            ops[o].overtook = 1
            _mark(d.units, d.changed, d.counts, np.int64(ops[o].unit))
        if o >= 0:
            fix(d, r, o)
            fixed = o
        if fixed >= 0:
            _release(d, fixed)
    left = 0
    for x in range(size):
        if ops[x].fixed == 0:
            left += 1
    return left
