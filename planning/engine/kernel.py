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
from planning.engine.compiled import inlined, inner, lean
from planning.engine.desk import CHANGED, GIVES, IN_HEAP, LOOKED_AT, TO_LOOK_AT, Desk
from planning.engine.steps import (
    NEVER,
    OVERLAP,
    RUNNING,
    first_free,
    fix,
    get_ready,
    go_on,
    no_date,
    not_before_end,
    setup_on,
    start_on,
)
from planning.engine.worktime import first, worked

DATED = int(p.State.DATED)
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
    at = count[IN_HEAP]
    count[IN_HEAP] += 1
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
    count[IN_HEAP] -= 1
    size = count[IN_HEAP]
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


@inner
def _head(ops: Any, units: Any, queue: Any, u: Any) -> Any:
    """First operation of unit u's queue that is not fixed; -1 if there is none."""
    i = np.int64(units[u].head)
    last = np.int64(units[u].tail)
    while i < last and ops[queue[i]].fixed != 0:
        i += 1
    units[u].head = i
    return np.int64(queue[i]) if i < last else np.int64(-1)


@inner
def _choose(
    c: Any, ops: Any, units: Any, places: Any, setup_left: Any, queue: Any, after: Any,
    pull_after: Any, u: Any,
) -> Any:  # fmt: skip
    """Which operation of unit u starts next, when, and whether it overtakes; (-1, NEVER, 0)."""
    h = _head(ops, units, queue, u)
    best = np.int64(-1)
    best_start = np.int64(NEVER)
    overtakes = np.int64(0)
    if h >= 0:
        place = first_free(units, places, u)
        free = np.int64(places[place].free)
        keeps: Any = False
        if ops[h].known != 0:
            ready = np.int64(ops[h].start)
            setup = setup_on(ops, places, setup_left, h, place)
            best_start = start_on(c, ops, h, max(free, ready), setup)
            if best_start != NEVER:
                best = h
                keeps = ready <= free
                if not keeps:
                    waits = worked(c, u, ready) - worked(c, u, free)
                    keeps = waits <= pull_after
        if not keeps:
            soonest = first(c, u, free)
            j = np.int64(units[u].first)
            while j >= 0:
                t = max(free, np.int64(ops[j].start))
                if j != h and t < best_start and ops[j].pinned == 0:
                    setup = setup_on(ops, places, setup_left, j, place)
                    start = start_on(c, ops, j, t, setup)
                    if start < best_start:
                        best = j
                        best_start = start
                        overtakes = np.int64(1)
                        if start <= soonest:
                            break
                j = np.int64(after[j])
    return best, best_start, overtakes


@inner
def _join_known(ops: Any, units: Any, after: Any, u: Any, o: Any) -> None:
    """Put o among the known operations of unit u, in queue order."""
    before = np.int64(units[u].last)
    behind = np.int64(-1)
    if before >= 0 and ops[before].seat > ops[o].seat:
        before = np.int64(-1)
        behind = np.int64(units[u].first)
        while ops[behind].seat < ops[o].seat:
            before = behind
            behind = np.int64(after[behind])
    after[o] = behind
    if before < 0:
        units[u].first = o
    else:
        after[before] = o
    if behind < 0:
        units[u].last = o


@inner
def _leave_known(units: Any, after: Any, u: Any, o: Any) -> None:
    before = np.int64(-1)
    j = np.int64(units[u].first)
    while j >= 0 and j != o:
        before = j
        j = np.int64(after[j])
    if j >= 0:
        if before < 0:
            units[u].first = after[o]
        else:
            after[before] = after[o]
        if units[u].last == o:
            units[u].last = before


@inner
def _mark(units: Any, changed: Any, count: Any, u: Any) -> None:
    """Remember that the candidate of unit u may have changed."""
    if units[u].dirty == 0:
        units[u].dirty = 1
        changed[count[CHANGED]] = u
        count[CHANGED] += 1


@inlined
def _comes_after(ops: Any, units: Any, queue: Any, turn: Any, u: Any, o: Any) -> Any:
    """Whether o, newly known, is not the head of unit u and is ready only after its candidate has
    begun: then the candidate stays what it is."""
    return turn[u] >= 0 and ops[o].start > turn[u] >> 25 and _head(ops, units, queue, u) != o


@inner
def _ready_turn(ops: Any, o: Any) -> Any:
    """Key of o where the queues stall: ready first, then by unit and place in the queue."""
    return (np.int64(ops[o].start) << 32) | np.int64(ops[o].seat)


@inlined
def _look_at(counts: Any, stack: Any, o: Any) -> None:
    """Have o looked at: at once, unless its turn is still to come."""
    if o < counts[LOOKED_AT]:
        stack[counts[TO_LOOK_AT]] = o
        counts[TO_LOOK_AT] += 1


@inlined
def _one_less(ops: Any, counts: Any, stack: Any, o: Any) -> None:
    """One less is before o that is not fixed; what waits for nothing else is looked at."""
    ops[o].waits -= 1
    if ops[o].waits == 0:
        _look_at(counts, stack, o)


@inner
def _release_many(ops: Any, net: Any, m: Any, counts: Any, stack: Any, o: Any) -> None:
    """As `_release`, for all arcs and gifts."""
    for x in range(net.succ_ptr[o], net.succ_ptr[o + 1]):
        a = net.succ_arc[x]
        s = np.int64(net.arcs.succ[a])
        overlap = net.arcs.kind[a] == OVERLAP
        # what runs waits for pieces only
        if ops[s].fixed == 0 and (ops[s].status != RUNNING or overlap):
            if not overlap:
                end = np.int64(ops[o].end)
                if end != NEVER:
                    end += net.arcs.lag_s[a]
                not_before_end(ops, s, o, end)
            _one_less(ops, counts, stack, s)
    if ops[o].links & GIVES != 0:
        y = np.int64(m.gift[o])
        while y < m.gift_from.size and m.gift_from[y] == o:
            s = np.int64(m.gift_to[y])
            if ops[s].fixed == 0:
                _one_less(ops, counts, stack, s)
            y += 1


@inlined
def _release(ops: Any, net: Any, material: Any, counts: Any, stack: Any, o: Any) -> None:
    """Tell what follows o that o is fixed, and when it ends."""
    s = np.int64(ops[o].succ)
    if s >= 0 and ops[o].links & GIVES == 0:
        if ops[s].fixed == 0 and ops[s].status != RUNNING:
            not_before_end(ops, s, o, np.int64(ops[o].end))
            _one_less(ops, counts, stack, s)
    else:
        _release_many(ops, net, material, counts, stack, o)


# -- the pass ----


@inlined
def _seat_running(d: Any) -> None:
    """Give each running operation its place: the one it names, else the first that has none."""
    ops, unit, places, running, net = d.ops, d.units, d.places, d.running, d.net
    for turn in range(2):
        for x in range(running.size):
            o = np.int64(running[x])
            u = ops[o].unit
            if ops[o].fixed == 0 and u < unit.size - 1:
                given = np.int64(net.pieces[net.piece[o]].place)
                if (given < 0) == (turn == 1):
                    lo = np.int64(unit[u].places)
                    place = lo + max(np.int64(0), given)
                    if given < 0:
                        for y in range(lo, unit[u + 1].places):
                            if places[y].taken == 0:
                                place = np.int64(y)
                                break
                    if places[place].taken != 0:
                        d.out.conflict[o] = True
                    places[place].taken = 1
                    ops[o].place = place - lo


@inlined
def _go_on_running(d: Any, r: Any) -> None:
    """Fix what runs and is fed by what runs. The rest is taken off, or holds its place (STRICT)."""
    ops, unit, places, counts, running, net, stack = (
        d.ops,
        d.units,
        d.places,
        d.counts,
        d.running,
        d.net,
        d.stack,
    )
    for x in range(running.size):
        o = np.int64(running[x])
        if ops[o].fixed == 0:
            fed = True
            for a in range(net.pred_ptr[o], net.pred_ptr[o + 1]):
                if net.arcs.kind[a] == OVERLAP and ops[net.arcs.pred[a]].fixed == 0:
                    fed = False
            u = ops[o].unit
            if fed and go_on(d, r, o):
                _release(ops, net, d.material, counts, stack, o)
            elif u < unit.size - 1:
                if r.pull == 1:
                    ops[o].taken_off = 1
                    unit[u].off += 1
                    places[unit[u].places + ops[o].place].family = ops[o].family
                else:
                    unit[u].pending += 1


@inlined
def _queue_what_is_off(d: Any) -> None:
    """Put what is taken off at the head of its unit's queue; what stood there moves up."""
    ops, unit, running, queue = d.ops, d.units, d.running, d.queue
    units = unit.size - 1
    room = 0
    for u in range(units):
        room += unit[u].off
    if room > 0:
        queued = unit[units].head + room
        for u in range(units - 1, -1, -1):
            for i in range(unit[u].tail - 1, unit[u].head - 1, -1):
                queue[i + room] = queue[i]
            unit[u].tail += room
            room -= unit[u].off
            unit[u].head += room
        for x in range(running.size - 1, -1, -1):
            o = np.int64(running[x])
            if ops[o].taken_off != 0:
                v = np.int64(ops[o].unit)
                unit[v].off -= 1
                queue[unit[v].head + unit[v].off] = o
        for i in range(queued):
            ops[queue[i]].seat = i


@inner
def _push_what_is_known(ops: Any, heap: Any, counts: Any) -> None:
    """Where the queues stall: whatever is known and may overtake is a candidate, ready first."""
    counts[IN_HEAP] = 0
    for x in range(ops.size):
        if ops[x].known != 0 and ops[x].fixed == 0 and ops[x].pinned == 0:
            _push(heap, counts, _ready_turn(ops, np.int64(x)))


@lean
def begin(d: Desk, r: Rules) -> None:
    """Give what runs its place and let it go on, or take it off."""
    _seat_running(d)
    _go_on_running(d, r)
    _queue_what_is_off(d)


@lean
def hand_out(d: Desk) -> Any:
    """Write the outcome by row; return how many operations stayed unfixed: those on a circle of
    arcs, pegs or queues, and what waits for them."""
    ops = d.ops
    out = d.out
    net = d.net
    left = 0
    for o in range(ops.size):
        if ops[o].fixed == 0:
            left += 1
        out.place[o] = ops[o].place
        if out.state[o] == DATED:
            out.start[o] = ops[o].start
            out.end[o] = ops[o].end
            out.paid[o] = ops[o].setup
            out.bind[o] = ops[o].bind
            out.bind_ref[o] = ops[o].bind_ref
            out.wait[o] = ops[o].wait
        else:
            out.start[o] = NEVER
            out.end[o] = NEVER
            out.paid[o] = 0
            out.bind[o] = NO_BIND
            out.bind_ref[o] = -1
            out.wait[o] = 0
    for x in range(d.running.size):
        h = np.int64(d.running[x])
        if ops[h].taken_off != 0:
            out.taken_off[h] = True
        elif out.state[h] == DATED:
            out.start[h] = net.pieces[net.piece[h]].began
    return left


@lean
def run(d: Desk, r: Rules) -> None:
    """Fix what can be fixed. O(N log Q) time.

    Each turn looks at one operation: one that has become known or is next on its unit, else the
    next row, which is fixed if the queues hold and it is its turn. Through time
    it is known first; then the units whose candidate may have changed choose, and the earliest
    candidate is fixed. Where under PULL_READY the queues make a circle, what is ready first is.
    """
    # a desk is hundreds of values to the compiler, each time it is named
    c, ops, net, material, unit, places = d.clock, d.ops, d.net, d.material, d.units, d.places
    queue, after, stack, heap, counts = d.queue, d.after, d.stack, d.heap, d.counts
    turn, changed, overtook = d.turn, d.changed, d.out.overtook
    state, reason, bound, feeder = d.out.state, d.out.reason, d.out.bound, d.out.feeder
    setup_left = d.setup_left
    units = unit.size - 1
    for u in range(units):
        _mark(unit, changed, counts, np.int64(u))
        _head(ops, unit, queue, np.int64(u))
    by_queue = r.pull == 0 or r.pull_until <= r.now
    stalled = False
    while True:
        o = np.int64(-1)  # to be fixed, then released
        fixed = np.int64(-1)  # to be released
        s = np.int64(-1)  # to be looked at
        if counts[TO_LOOK_AT] > 0:
            counts[TO_LOOK_AT] -= 1
            s = np.int64(stack[counts[TO_LOOK_AT]])
        elif counts[LOOKED_AT] < ops.size:
            s = np.int64(counts[LOOKED_AT])
            counts[LOOKED_AT] += 1
        if s >= 0:
            if ops[s].fixed != 0 or ops[s].waits > 0:
                continue
            v = np.int64(ops[s].unit)
            newly = ops[s].known == 0
            if ops[s].status == RUNNING and ops[s].taken_off == 0:
                go_on(d, r, s)
                fixed = s
                if v < units:
                    unit[v].pending -= 1
            elif newly and not get_ready(c, ops, net, material, bound, r, s):
                no_date(ops, state, reason, s)
                fixed = s
            else:
                ops[s].known = 1
                if by_queue:
                    if v == units or (unit[v].head == ops[s].seat and unit[v].pending == 0):
                        o = s
                    elif stalled and newly and ops[s].pinned == 0:
                        _push(heap, counts, _ready_turn(ops, s))
                elif newly:
                    if v == units:
                        setup = setup_on(ops, places, setup_left, s, np.int64(-1))
                        t = start_on(c, ops, s, np.int64(ops[s].start), setup)
                        _push(heap, counts, (t << 25) | (units + s))
                    elif ops[s].start < r.pull_until:
                        _join_known(ops, unit, after, v, s)
            if (
                not by_queue
                and v < units
                and not (newly and _comes_after(ops, unit, queue, turn, v, s))
            ):
                _mark(unit, changed, counts, v)
        elif by_queue:
            if r.pull == 0:
                break
            if not stalled:
                stalled = True
                _push_what_is_known(ops, heap, counts)
            while counts[IN_HEAP] > 0 and o < 0:
                s = np.int64(queue[_pop(heap, counts) & ((1 << 32) - 1)])
                if ops[s].fixed == 0:
                    o = s
            if o < 0:
                break
            overtook[o] = True
        elif counts[CHANGED] > 0:
            counts[CHANGED] -= 1
            v = np.int64(changed[counts[CHANGED]])
            unit[v].dirty = 0
            s, t, overtakes = _choose(
                c, ops, unit, places, setup_left, queue, after, r.pull_after, v
            )
            turn[v] = -1
            if s >= 0 and t < r.pull_until:
                unit[v].choice = s
                turn[v] = (t << 25) | (overtakes << 24) | v
                _push(heap, counts, turn[v])
        else:
            key = _pop(heap, counts) if counts[IN_HEAP] > 0 else np.int64(-1)
            who = key & WHO
            if key < 0 or key >> 25 >= r.pull_until:
                by_queue = True
                # all are looked at once more, through time, and so through memory
                counts[LOOKED_AT] = 0
                for u in range(units):
                    _head(ops, unit, queue, np.int64(u))
            elif who >= units:
                o = np.int64(who - units)
            elif turn[who] == key:
                turn[who] = -1
                o = np.int64(unit[who].choice)
                overtook[o] = (key >> 24) & 1 != 0
                _leave_known(unit, after, who, o)
                _mark(unit, changed, counts, who)
        if o >= 0:
            fix(c, ops, net, unit, places, setup_left, state, reason, bound, feeder, r.horizon, o)
            fixed = o
        if fixed >= 0:
            _release(ops, net, material, counts, stack, fixed)
            v = np.int64(ops[fixed].unit)
            if by_queue and v < units:
                h = _head(ops, unit, queue, v)
                if h >= 0 and ops[h].known != 0 and unit[v].pending == 0:
                    _look_at(counts, stack, h)
