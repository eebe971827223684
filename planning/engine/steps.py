"""The steps of a pass: when pieces are there, when an operation could start, and fixing it."""

from __future__ import annotations

from typing import Any

import numpy as np

from planning.engine import plant as p
from planning.engine.compiled import inlined, inner
from planning.engine.desk import FED, STOCKED
from planning.engine.worktime import (
    finish,
    first,
    fits_from,
    latest_start,
    start_and_finish,
    times_up,
    worked,
)

NEVER = p.NEVER
UNSET = p.UNSET
PIECE = p.PIECE
WAITING, RUNNING, SUSPENDED, DONE = (int(s) for s in p.Status)
ELAPSED = int(p.Span.ELAPSED)
OVERLAP = int(p.ArcKind.OVERLAP)
BEYOND = int(p.State.BEYOND_HORIZON)
BY_NOW, BY_ARC, BY_SUPPLY = int(p.Bind.NOW), int(p.Bind.ARC), int(p.Bind.SUPPLY)
BY_PLACE, STARTED = int(p.Bind.PLACE), int(p.Bind.STARTED)
WAIT_CALENDAR, WAIT_DOWN, WAIT_FIT = int(p.Wait.CALENDAR), int(p.Wait.UNIT_DOWN), int(p.Wait.FIT)
NO_HORIZON = int(p.Reason.HORIZON)


# -- pieces ----


@inner
def time_for(q: Any, x: Any, pieces: Any) -> Any:
    return min(np.int64(NEVER), -(-times_up(pieces, q[x].piece_us, np.int64(PIECE)) // 1_000_000))


@inner
def runs_until(c: Any, ops: Any, horizon: Any, o: Any, t: Any, seconds: Any) -> Any:
    """End of o's run from t: by the clock if its span is ELAPSED, else in working time."""
    if ops[o].span == ELAPSED:
        e = t + seconds
        return e if e <= horizon else np.int64(NEVER)
    return finish(c, np.int64(ops[o].unit), t, seconds)


@inner
def running_from(c: Any, ops: Any, o: Any) -> Any:
    """First instant at which a running operation goes on."""
    t = np.int64(ops[o].start)
    if ops[o].work == 0 or ops[o].span == ELAPSED:
        return t
    return first(c, np.int64(ops[o].unit), t)


@inner
def there(c: Any, ops: Any, net: Any, horizon: Any, o: Any, pieces: Any) -> Any:
    """Instant at which `pieces` good pieces of the fixed operation o are there."""
    q = net.pieces
    x = np.int64(net.piece[o])
    if ops[o].status == DONE or pieces > q[x].output or pieces <= 0:
        return np.int64(ops[o].end)
    if q[x].good >= pieces:
        return np.int64(q[x].report) if q[x].report != UNSET else np.int64(q[x].began)
    into = min(times_up(pieces - q[x].good, q[x].yield_den, q[x].yield_num), q[x].left)
    seconds = max(np.int64(0), q[x].lead_s + time_for(q, x, into) - q[x].credit_s)
    if ops[o].status == RUNNING and ops[o].taken_off == 0:
        t = running_from(c, ops, o)
    else:
        t = finish(c, np.int64(ops[o].unit), np.int64(ops[o].start), np.int64(ops[o].setup))
    t = runs_until(c, ops, horizon, o, t, seconds)
    for a in range(net.pred_ptr[o], net.pred_ptr[o + 1]):
        if net.arcs.kind[a] == OVERLAP:
            need = times_up(q[x].used + into, net.arcs.per_num[a], net.arcs.per_den[a])
            need = min(need, q[net.piece[net.arcs.pred[a]]].output)
            f = np.int64(net.arcs.pred[a])
            t = max(t, there(c, ops, net, horizon, f, need) + net.arcs.lag_s[a])
    return min(t, np.int64(NEVER))


@inner
def fed_until(c: Any, ops: Any, net: Any, horizon: Any, o: Any) -> Any:
    """Earliest end that the OVERLAP feeders of o allow, and which: (UNSET, -1) if there are none.

    A feeder's end + lag + the time of o's own last batch.
    """
    bound = np.int64(UNSET)
    feeder = np.int64(-1)
    q = net.pieces
    x = np.int64(net.piece[o])
    for a in range(net.pred_ptr[o], net.pred_ptr[o + 1]):
        if net.arcs.kind[a] == OVERLAP:
            f = np.int64(net.arcs.pred[a])
            t = np.int64(ops[f].end)
            if t == NEVER:
                return np.int64(NEVER), f
            batch = times_up(net.arcs.batch_qty[a], net.arcs.per_den[a], net.arcs.per_num[a])
            seconds = time_for(q, x, min(batch, q[x].left))
            t = runs_until(c, ops, horizon, o, t + net.arcs.lag_s[a], seconds)
            if t > bound:
                bound = t
                feeder = f
    return bound, feeder


# -- when an operation could start ----


@inlined
def not_before_end(ops: Any, o: Any, f: Any, end: Any) -> None:
    """Let o start no earlier than `end`, which an arc from f gives it; of equals the first row."""
    t = ops[o].start
    beats = end > t
    if end == t and ops[o].bind == BY_ARC:
        beats = f < ops[o].bind_ref
    if beats:
        ops[o].start = min(end, np.int64(NEVER))
        ops[o].bind = BY_ARC
        ops[o].bind_ref = f


@inner
def next_batches(c: Any, ops: Any, net: Any, horizon: Any, o: Any) -> None:
    """Let o start no earlier than its OVERLAP feeders have a batch for it; one already begun waits
    for its next batch."""
    q = net.pieces
    for a in range(net.pred_ptr[o], net.pred_ptr[o + 1]):
        if net.arcs.kind[a] == OVERLAP:
            before = net.arcs.pred[a]
            f = np.int64(before)
            e = np.int64(ops[f].end)
            if e != NEVER:
                used = times_up(q[net.piece[o]].used, net.arcs.per_num[a], net.arcs.per_den[a])
                need = min(used + net.arcs.batch_qty[a], q[net.piece[before]].output)
                e = there(c, ops, net, horizon, f, need)
            if e != NEVER:
                e += net.arcs.lag_s[a]
            not_before_end(ops, o, f, e)


@inner
def material_there(ops: Any, m: Any, bound: Any, o: Any) -> None:
    """Let o start no earlier than its material comes."""
    t = np.int64(ops[o].start)
    bound[o] = t
    if ops[o].links & STOCKED != 0 and m.stock[o] > t:
        t = np.int64(m.stock[o])
        ops[o].bind = m.stock_bind[o]
        ops[o].bind_ref = m.stock_ref[o]
    if ops[o].links & FED != 0:
        x = np.int64(m.feed[o])
        while x < m.feed_to.size and m.feed_to[x] == o:
            e = np.int64(ops[m.feed_op[x]].end)
            if e != NEVER:
                e = min(e + m.feed_lag[x], np.int64(NEVER))
            if e > t:
                t = e
                ops[o].bind = BY_SUPPLY
                ops[o].bind_ref = m.feed_supply[x]
            x += 1
    ops[o].start = t


@inner
def can_run_through(c: Any, ops: Any, net: Any, horizon: Any, o: Any) -> None:
    """Let o, which was taken off, start no earlier than it can run to its end without a stop."""
    e, f = fed_until(c, ops, net, horizon, o)
    if e != NEVER:
        e = latest_start(c, np.int64(ops[o].unit), e, np.int64(ops[o].work))
    if e > ops[o].start:
        ops[o].start = min(e, np.int64(NEVER))
        ops[o].bind = BY_ARC
        ops[o].bind_ref = f


@inlined
def get_ready(c: Any, ops: Any, net: Any, material: Any, bound: Any, r: Any, o: Any) -> Any:
    """Set when o could start if its place were free; False where something has no date."""
    if ops[o].start <= r.now:
        ops[o].start = r.now
        ops[o].bind = BY_NOW
        ops[o].bind_ref = -1
    if ops[o].overlaps != 0:
        next_batches(c, ops, net, r.horizon, o)
    if ops[o].links != 0:
        material_there(ops, material, bound, o)
    if ops[o].taken_off != 0 and ops[o].start != NEVER:
        can_run_through(c, ops, net, r.horizon, o)
    return ops[o].start != NEVER


@inner
def first_free(units: Any, places: Any, u: Any) -> Any:
    place = np.int64(units[u].places)
    for x in range(place + 1, units[u + 1].places):
        if places[x].free < places[place].free:
            place = np.int64(x)
    return place


@inner
def setup_on(ops: Any, places: Any, setup_left: Any, o: Any, place: Any) -> Any:
    """Set-up seconds that o pays on that place (-1: it needs none)."""
    if place >= 0:
        if places[place].family != ops[o].family:
            return np.int64(ops[o].setup)
    elif ops[o].status == WAITING:
        return np.int64(ops[o].setup)
    return np.int64(setup_left[o]) if ops[o].resumes != 0 else np.int64(0)


@inner
def start_on(c: Any, ops: Any, o: Any, t: Any, setup: Any) -> Any:
    u = np.int64(ops[o].unit)
    if ops[o].whole != 0:
        return fits_from(c, u, t, setup + ops[o].work)
    return first(c, u, t)


@inner
def span_from(c: Any, ops: Any, horizon: Any, o: Any, t: Any, setup: Any) -> Any:
    """Start and end of o at or after t by its span; NEVER where that is beyond the horizon."""
    u = np.int64(ops[o].unit)
    start = start_on(c, ops, o, t, setup)
    if start == NEVER:
        return start, start
    end = finish(c, u, start, setup)
    if end != NEVER:
        end = runs_until(c, ops, horizon, o, end, np.int64(ops[o].work))
    return start, end


# -- fixing ----


@inlined
def no_date(ops: Any, state: Any, reason: Any, o: Any) -> None:
    state[o] = BEYOND
    reason[o] = NO_HORIZON
    ops[o].fixed = 1


@inlined
def fix(
    c: Any, ops: Any, net: Any, units: Any, places: Any, setup_left: Any, state: Any, reason: Any,
    bound: Any, feeders: Any, horizon: Any, o: Any,
) -> None:  # fmt: skip
    """Fix o, which is known, on the place of its unit that is free first."""
    u = np.int64(ops[o].unit)
    place = np.int64(-1)
    t = np.int64(ops[o].start)
    if u < units.size - 1:
        place = first_free(units, places, u)
        free = np.int64(places[place].free)
        if free > t:
            t = free
            ops[o].bind = BY_PLACE
            ops[o].bind_ref = places[place].last
        if ops[o].links != 0 and free > bound[o]:
            bound[o] = free
    setup = setup_on(ops, places, setup_left, o, place)
    if ops[o].whole != 0 or ops[o].span == ELAPSED:
        start, end = span_from(c, ops, horizon, o, t, setup)
    else:
        start, end = start_and_finish(c, u, t, setup + ops[o].work)
    feeder = np.int64(-1)
    if end != NEVER and ops[o].overlaps != 0:
        until, f = fed_until(c, ops, net, horizon, o)
        if until > end:
            end = until
            feeder = f
    if end == NEVER:
        no_date(ops, state, reason, o)
    else:
        if start > t:
            if t < c.row[u].back <= start:
                ops[o].wait = WAIT_DOWN
            elif ops[o].whole != 0 and first(c, u, t) < start:
                ops[o].wait = WAIT_FIT
            else:
                ops[o].wait = WAIT_CALENDAR
        ops[o].start = start
        ops[o].end = end
        ops[o].setup = setup
        ops[o].fixed = 1
        if feeder >= 0:
            feeders[o] = feeder
        if place >= 0:
            ops[o].place = place - units[u].places
            places[place].free = end
            places[place].family = ops[o].family
            places[place].last = o


@inner
def go_on(d: Any, r: Any, o: Any) -> Any:
    """Fix the running operation o, whose feeders are fixed. False: it is taken off instead."""
    ops = d.ops
    u = np.int64(ops[o].unit)
    needs_place = u < d.units.size - 1
    end = np.int64(NEVER)
    t = running_from(d.clock, ops, o)
    if t != NEVER:
        end = runs_until(d.clock, ops, r.horizon, o, t, np.int64(ops[o].work))
    feeder = np.int64(-1)
    if end != NEVER and ops[o].overlaps != 0:
        bound, f = fed_until(d.clock, ops, d.net, r.horizon, o)
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
        no_date(ops, d.out.state, d.out.reason, o)
        return True
    if feeder >= 0:
        d.out.feeder[o] = feeder
    ops[o].end = end
    ops[o].setup = d.net.pieces[d.net.piece[o]].setup_left
    ops[o].bind = STARTED
    ops[o].bind_ref = -1
    ops[o].fixed = 1
    if needs_place:
        place = d.units[u].places + ops[o].place
        if end >= d.places[place].free:
            d.places[place].free = end
            d.places[place].family = ops[o].family
            d.places[place].last = o
    return True
