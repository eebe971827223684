"""The steps of a pass: when pieces are there, when an operation could start, and fixing it."""

from __future__ import annotations

from typing import Any

import numpy as np

from planning.engine import plant as p
from planning.engine.worktime import (
    finish,
    first,
    fits_from,
    latest_start,
    times_up,
    unchecked,
    worked,
)

NEVER = p.NEVER
UNSET = p.UNSET
PIECE = p.PIECE
WAITING, RUNNING, SUSPENDED, DONE = (int(s) for s in p.Status)
ELAPSED = int(p.Span.ELAPSED)
OVERLAP = int(p.ArcKind.OVERLAP)
BEYOND = int(p.State.BEYOND_HORIZON)
BY_ARC, BY_SUPPLY = int(p.Bind.ARC), int(p.Bind.SUPPLY)
BY_PLACE, STARTED = int(p.Bind.PLACE), int(p.Bind.STARTED)
WAIT_CALENDAR, WAIT_DOWN, WAIT_FIT = int(p.Wait.CALENDAR), int(p.Wait.UNIT_DOWN), int(p.Wait.FIT)
NO_HORIZON = int(p.Reason.HORIZON)


def inner(function: Any) -> Any:
    """Compile for calls from compiled code only, without reference counts."""
    return unchecked(cache=True, _nrt=False, no_cpython_wrapper=True, no_cfunc_wrapper=True)(
        function
    )


def inlined(function: Any) -> Any:
    """Compile into its one caller."""
    return unchecked(inline="always", _nrt=False)(function)


# -- pieces ----


@inner
def time_for(q: Any, o: Any, pieces: Any) -> Any:
    return min(np.int64(NEVER), -(-times_up(pieces, q[o].piece_us, np.int64(PIECE)) // 1_000_000))


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
    t = np.int64(ops[o].floor)
    if ops[o].work == 0 or ops[o].span == ELAPSED:
        return t
    return first(c, np.int64(ops[o].unit), t)


@inner
def there(c: Any, ops: Any, arcs: Any, q: Any, horizon: Any, o: Any, pieces: Any) -> Any:
    """Instant at which `pieces` good pieces of the fixed operation o are there."""
    if ops[o].status == DONE or pieces > q[o].output or pieces <= 0:
        return np.int64(ops[o].end)
    if q[o].good >= pieces:
        return np.int64(q[o].report) if q[o].report != UNSET else np.int64(q[o].began)
    into = min(times_up(pieces - q[o].good, q[o].yield_den, q[o].yield_num), q[o].left)
    seconds = max(np.int64(0), q[o].lead_s + time_for(q, o, into) - q[o].credit_s)
    if ops[o].status == RUNNING and ops[o].taken_off == 0:
        t = running_from(c, ops, o)
    else:
        t = finish(c, np.int64(ops[o].unit), np.int64(ops[o].start), np.int64(ops[o].paid))
    t = runs_until(c, ops, horizon, o, t, seconds)
    for a in range(ops[o].pred, ops[o + 1].pred):
        if arcs[a].overlap == OVERLAP:
            f = np.int64(arcs[a].pred)
            need = min(times_up(q[o].used + into, arcs[a].num, arcs[a].den), q[f].output)
            t = max(t, there(c, ops, arcs, q, horizon, f, need) + arcs[a].lag)
    return min(t, np.int64(NEVER))


@inner
def fed_until(c: Any, ops: Any, arcs: Any, q: Any, horizon: Any, o: Any) -> Any:
    """Earliest end that the OVERLAP feeders of o allow, and which: (UNSET, -1) if there are none.

    A feeder's end + lag + the time of o's own last batch.
    """
    bound = np.int64(UNSET)
    feeder = np.int64(-1)
    for a in range(ops[o].pred, ops[o + 1].pred):
        if arcs[a].overlap == OVERLAP:
            f = np.int64(arcs[a].pred)
            t = np.int64(ops[f].end)
            if t == NEVER:
                return np.int64(NEVER), f
            batch = min(times_up(arcs[a].batch, arcs[a].den, arcs[a].num), q[o].left)
            t = runs_until(c, ops, horizon, o, t + arcs[a].lag, time_for(q, o, batch))
            if t > bound:
                bound = t
                feeder = f
    return bound, feeder


# -- when an operation could start ----


@inlined
def get_ready(d: Any, r: Any, o: Any) -> Any:
    """Set when o could start if its place were free; 0 where something has no date."""
    ops = d.ops
    t = np.int64(ops[o].floor)
    bind = np.int64(ops[o].floor_bind)
    ref = np.int64(-1)
    begun = ops[o].taken_off != 0
    for a in range(ops[o].pred, ops[o + 1].pred):
        f = np.int64(d.arcs[a].pred)
        e = np.int64(ops[f].end)
        if d.arcs[a].overlap == OVERLAP:
            if e != NEVER:
                # a job already begun waits for its next batch
                used = times_up(d.pieces[o].used, d.arcs[a].num, d.arcs[a].den)
                need = min(used + d.arcs[a].batch, d.pieces[f].output)
                e = there(d.clock, ops, d.arcs, d.pieces, r.horizon, f, need)
        elif begun:
            continue
        if e != NEVER:
            e += d.arcs[a].lag
        if e > t:
            t = e
            bind = np.int64(BY_ARC)
            ref = f
    ops[o].bound = min(t, np.int64(NEVER))
    if ops[o].stock > t:
        t = np.int64(ops[o].stock)
        bind = np.int64(ops[o].stock_bind)
        ref = np.int64(ops[o].stock_ref)
    for x in range(ops[o].feed, ops[o + 1].feed):
        e = np.int64(ops[d.feeds[x].op].end)
        if e != NEVER:
            e += d.feeds[x].lag
        if e > t:
            t = e
            bind = np.int64(BY_SUPPLY)
            ref = np.int64(d.feeds[x].supply)
    if begun and t < NEVER:
        e, f = fed_until(d.clock, ops, d.arcs, d.pieces, r.horizon, o)
        if e != NEVER:
            e = latest_start(d.clock, np.int64(ops[o].unit), e, np.int64(ops[o].work))
        if e > t:
            t = e
            bind = np.int64(BY_ARC)
            ref = f
    ops[o].ready = min(t, np.int64(NEVER))
    ops[o].ready_bind = bind
    ops[o].ready_ref = ref
    return t < NEVER


@inner
def first_free(units: Any, places: Any, u: Any) -> Any:
    place = np.int64(units[u].places)
    for x in range(place + 1, units[u + 1].places):
        if places[x].free < places[place].free:
            place = np.int64(x)
    return place


@inner
def setup_on(ops: Any, places: Any, o: Any, place: Any) -> Any:
    """Set-up seconds that o pays on that place; -1: it needs none."""
    if place >= 0:
        if places[place].family != ops[o].family:
            return np.int64(ops[o].setup)
    elif ops[o].status == WAITING:
        return np.int64(ops[o].setup)
    return np.int64(ops[o].resume)


@inner
def start_on(c: Any, ops: Any, o: Any, t: Any, setup: Any) -> Any:
    u = np.int64(ops[o].unit)
    if ops[o].whole != 0:
        return fits_from(c, u, t, setup + ops[o].work)
    return first(c, u, t)


# -- fixing ----


@inner
def no_date(ops: Any, o: Any) -> None:
    ops[o].state = BEYOND
    ops[o].reason = NO_HORIZON
    ops[o].fixed = 1


@inlined
def fix(d: Any, r: Any, o: Any) -> None:
    """Fix o, which is known, on the place of its unit that is free first."""
    ops = d.ops
    u = np.int64(ops[o].unit)
    place = np.int64(-1)
    t = np.int64(ops[o].ready)
    bind = np.int64(ops[o].ready_bind)
    ref = np.int64(ops[o].ready_ref)
    if u < d.units.size - 1:
        place = first_free(d.units, d.places, u)
        free = np.int64(d.places[place].free)
        if free > t:
            t = free
            bind = np.int64(BY_PLACE)
            ref = np.int64(d.places[place].last)
        if free > ops[o].bound:
            ops[o].bound = free
    setup = setup_on(ops, d.places, o, place)
    start = start_on(d.clock, ops, o, t, setup)
    end = np.int64(NEVER)
    if start != NEVER:
        end = finish(d.clock, u, start, setup)
        if end != NEVER:
            end = runs_until(d.clock, ops, r.horizon, o, end, np.int64(ops[o].work))
    feeder = np.int64(-1)
    if end != NEVER and ops[o].overlaps != 0:
        bound, f = fed_until(d.clock, ops, d.arcs, d.pieces, r.horizon, o)
        if bound > end:
            end = bound
            feeder = f
    if end == NEVER:
        no_date(ops, o)
    else:
        if start > t:
            if t < d.clock.row[u].back <= start:
                ops[o].wait = WAIT_DOWN
            elif ops[o].whole != 0 and first(d.clock, u, t) < start:
                ops[o].wait = WAIT_FIT
            else:
                ops[o].wait = WAIT_CALENDAR
        ops[o].feeder = feeder
        ops[o].start = start
        ops[o].end = end
        ops[o].paid = setup
        ops[o].bind = bind
        ops[o].bind_ref = ref
        ops[o].fixed = 1
        if place >= 0:
            ops[o].place = place - d.units[u].places
            d.places[place].free = end
            d.places[place].family = ops[o].family
            d.places[place].last = o


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
        bound, f = fed_until(d.clock, ops, d.arcs, d.pieces, r.horizon, o)
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
        no_date(ops, o)
        return True
    ops[o].feeder = feeder
    ops[o].start = d.pieces[o].began
    ops[o].end = end
    ops[o].paid = d.pieces[o].setup_left
    ops[o].bind = STARTED
    ops[o].fixed = 1
    if needs_place:
        place = d.units[u].places + ops[o].place
        if end >= d.places[place].free:
            d.places[place].free = end
            d.places[place].family = ops[o].family
            d.places[place].last = o
    return True
