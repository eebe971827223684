"""The desk of one pass: every array that the kernel reads and writes.

One record an operation, one cache line, keeps all that a step of the common operation touches.
What few operations need lies in columns of its own, which are not even cleared.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from planning.engine import plant as p
from planning.engine.compiled import (
    Arcs,
    Ops,
    Records,
    Units,
    columns,
    copied,
    inlined,
    kernel,
    lean,
    records,
)
from planning.engine.plant import I8, I32, I64, Flags, Plant
from planning.engine.remembered import remembered
from planning.engine.work import WORK_COLUMNS, Work, pace_of, standing_work, used_of
from planning.engine.worktime import Clock, given_else_guessed, given_or_guessed

NEVER = p.NEVER
UNSET = p.UNSET
WAITING, RUNNING, SUSPENDED, DONE = (int(s) for s in p.Status)
NO_BREAK, ELAPSED = int(p.Span.NO_BREAK), int(p.Span.ELAPSED)
OVERLAP = int(p.ArcKind.OVERLAP)
BY_NOW, BY_NOT_BEFORE, BY_HOLD = int(p.Bind.NOW), int(p.Bind.NOT_BEFORE), int(p.Bind.HOLD)
BY_ARC, BY_TOOL = int(p.Bind.ARC), int(p.Bind.TOOL)
BY_SUPPLY, UNCOVERED = int(p.Bind.SUPPLY), int(p.Bind.UNCOVERED)
STARTED = int(p.Bind.STARTED)
ON_HOLD, UNIT_DOWN = int(p.Reason.HOLD), int(p.Reason.UNIT_DOWN)
TOOL_LOST = int(p.Reason.TOOL)
BLOCKED = int(p.State.BLOCKED)

STOCKED, FED, GIVES = 1, 2, 4  # material comes at a known time; from an operation; goes to one

OP = np.dtype(
    [
        ("family", np.int64),  # never 0: an operation without a family is its own
        ("unit", np.int32),  # row of the clock: U where no capacity is needed
        ("succ", np.int32),  # the one that follows; else -1, and `succ_ptr` has the arcs
        ("seat", np.int32),  # position in the queues
        ("waits", np.int32),  # how many before it are not fixed
        ("setup", np.int32),  # if the family changes; fixed: what it pays
        ("work", np.int32),
        # the latest of not-before, hold end and the ends of those before it; known: bound by now
        # too, and all but its place; fixed: its start. What runs goes on then: its start is history
        ("start", np.int32),
        ("end", np.int32),  # NEVER until it is fixed
        ("bind_ref", np.int32),  # of `bind`
        ("place", np.int32),  # -1 until it has one
        ("status", np.int8),
        ("span", np.int8),
        ("whole", np.int8),  # starts only where set-up and work fit in one stretch
        ("pinned", np.int8),
        ("overlaps", np.int8),  # has an OVERLAP arc into it
        ("resumes", np.int8),  # has set-up left to pay where its family is mounted
        ("links", np.int8),  # STOCKED | FED | GIVES
        ("taken_off", np.int8),
        ("known", np.int8),  # all before it is fixed
        ("fixed", np.int8),
        ("bind", np.int8),  # which term binds `start`
        ("wait", np.int8),
    ],
    align=True,
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
        ("place", np.int32),
    ],
    align=True,
)
UNIT = np.dtype(
    [
        ("places", np.int32),  # first place; the next unit's is one past the last
        ("head", np.int32),  # its queue in this pass, from the first that may be unfixed
        ("tail", np.int32),
        ("first", np.int32),  # of the known operations, in queue order
        ("last", np.int32),
        ("pending", np.int32),  # running operations whose end is not known yet
        ("dirty", np.int32),  # its candidate may have changed
        ("choice", np.int32),  # its candidate
        ("off", np.int32),  # operations taken off
    ]
)
PLACE = np.dtype(
    [("family", np.int64), ("free", np.int32), ("last", np.int32), ("taken", np.int32)], align=True
)
assert OP.itemsize == 64


class Material(NamedTuple):
    """What pegs mean to operations. The columns (O) say something only where `links` does."""

    stock: I32  # STOCKED: latest peg or guess whose time is known
    stock_bind: I8
    stock_ref: I32
    feed: I32  # FED: its first feed
    gift: I32  # GIVES: its first gift
    # feeds (F): pegs from the output of an open operation to one that waits, by the latter
    feed_to: I32
    feed_op: I32
    feed_lag: I32
    feed_supply: I32
    # the same as gifts, by the giver
    gift_from: I32
    gift_to: I32


class Outcome(NamedTuple):
    """Of each operation (O), as in `Projection`; bound = start bound by all but material."""

    state: I8
    start: I32
    end: I32
    paid: I32
    place: I32
    bind: I8
    bind_ref: I32
    wait: I8
    feeder: I32
    reason: I8
    root: I32
    overtook: Flags
    taken_off: Flags
    conflict: Flags
    bound: I32  # only where material is pegged


class Network(NamedTuple):
    """Arcs, and the pieces of what overlaps or runs."""

    pred_ptr: I32  # (O + 1)
    succ_ptr: I32  # (O + 1)
    succ_arc: I32  # (A): arcs by predecessor
    arcs: Arcs  # by follower
    piece: I32  # (O): row of `pieces`, of those that have one
    pieces: Records  # of PIECES


class Desk(NamedTuple):
    """All that the pass reads and writes."""

    clock: Clock
    ops: Records  # (O) of OP
    net: Network
    setup_left: I32  # (O)
    material: Material
    out: Outcome
    units: Records  # (U + 1) of UNIT
    places: Records  # of PLACE
    queue: I32  # (O): what was taken off at the head of its unit's, then the plant's queues
    after: I32  # (O): next known operation of its unit, in queue order
    running: I32  # (O): rows of the operations that run
    stack: I32  # operations to look at: they have become known, or may be next on their unit
    changed: I32  # (U): units whose candidate may have changed
    turn: I64  # (U): key of the unit's candidate; -1
    heap: I64  # keys of candidates, smallest first
    counts: I64  # how many there are: TO_LOOK_AT of stack, CHANGED, IN_HEAP;
    # LOOKED_AT: the rows before this one have been looked at in their order


TO_LOOK_AT, CHANGED, IN_HEAP, LOOKED_AT = range(4)


class Laid(NamedTuple):
    """What a desk begins with whatever the time is."""

    ops: Records  # (O) of OP, as if `now` came before everything and nothing were held
    running: I32
    held: I32  # rows of the operations on hold that are not done
    piece: I32  # (O): row among `pieces`, of those that have one
    pieces: I32  # rows of what runs, and of both ends of each OVERLAP arc


@remembered(*WORK_COLUMNS, "succ_arc", "queue_op", "unit_id")
def _laid(plant: Any) -> Laid:
    ops, arcs = columns(plant, Ops, "op_"), columns(plant, Arcs, "arc_")
    piece, pieces = _who_has_pieces(ops.status, arcs)
    laid = records(len(ops.id), OP)
    seat = np.empty(len(ops.id), np.int32)
    seat[plant.queue_op] = np.arange(len(plant.queue_op), dtype=np.int32)
    _lay(laid, ops, arcs, plant.succ_arc, standing_work(plant).work_s, seat, len(plant.unit_id))
    return Laid(
        ops=laid,
        running=np.flatnonzero(ops.status == RUNNING).astype(np.int32),
        held=np.flatnonzero(ops.hold & (ops.status != DONE)).astype(np.int32),
        piece=piece,
        pieces=pieces,
    )


def open_desk(
    plant: Plant, clock: Clock, work: Work, material: Material, links: I8, why: I8, *, now: int
) -> Desk:
    """Return a fresh desk.

    material, links  as `attach` makes them.
    why              of each operation (O), why it has no date whatever the others do; written
                     here where it is held or its unit is down without an end.
    """
    size, units = len(plant.op_id), len(plant.unit_id)
    facts, arcs = columns(plant, Ops, "op_"), columns(plant, Arcs, "arc_")
    laid = _laid(plant)
    ops = copied(laid.ops)
    if links.any():
        ops["links"] = links
    desk = Desk(
        clock=clock,
        ops=ops,
        net=Network(
            pred_ptr=plant.op_pred_ptr,
            succ_ptr=plant.op_succ_ptr,
            succ_arc=plant.succ_arc,
            arcs=arcs,
            piece=laid.piece,
            pieces=np.empty(len(laid.pieces), PIECES),
        ),
        setup_left=plant.op_setup_left_s,
        material=material,
        out=_nothing_yet(size),
        units=np.empty(units + 1, UNIT),
        places=np.empty(len(plant.place_family), PLACE),
        queue=np.empty(size, np.int32),
        after=np.empty(size, np.int32),
        running=laid.running,
        # at most: when nothing is before it, and when it is next on its unit
        stack=np.empty(units + 3 * size, np.int32),
        changed=np.empty(units, np.int32),
        turn=np.full(units, -1, np.int64),
        # at most one key a mark: at the start, when fixed, when known, when it gets no date
        heap=np.empty(units + 5 * size, np.int64),
        counts=np.zeros(4, np.int64),
    )
    desk.queue[: len(plant.queue_op)] = plant.queue_op
    tools_at, tools = tools_back(plant, now=now)
    waits = np.flatnonzero(tools >= 0).astype(np.int32)
    _lay_now(
        desk,
        facts,
        columns(plant, Units, "unit_"),
        work,
        laid.pieces,
        np.union1d(laid.held, waits) if len(waits) else laid.held,
        tools_at,
        tools,
        plant.place_family,
        np.int64(now),
        why,
    )
    return desk


def tools_back(plant: Plant, *, now: int) -> tuple[I32, I32]:
    """Return by operation (O), unless it is done, when the last of its lost tools is back and
    which (its row).

    UNSET and -1 where none is lost; NEVER = no date. Who is outside has tools of his own.
    """
    at, ref = np.full(len(plant.op_id), UNSET, np.int32), np.full(len(plant.op_id), -1, np.int32)
    if not plant.tool_lost.any():
        return at, ref
    back = given_or_guessed(plant.tool_lost_until, plant.tool_lost_again_s, now=now)
    op = np.repeat(np.arange(len(plant.op_id)), np.diff(plant.op_need_ptr))
    outside = np.append(plant.unit_outside, False)[plant.op_unit[op]]
    binds = plant.tool_lost[plant.need_tool] & ~outside & (plant.op_status[op] != DONE)
    op, tool = op[binds], plant.need_tool[binds]
    # the first row of those that are back last
    by = np.lexsort((-tool, back[tool]))
    at[op[by]], ref[op[by]] = back[tool[by]], tool[by]
    return at, ref


def _nothing_yet(size: int) -> Outcome:
    return Outcome(
        state=np.zeros(size, np.int8),
        start=np.empty(size, np.int32),
        end=np.empty(size, np.int32),
        paid=np.empty(size, np.int32),
        place=np.empty(size, np.int32),
        bind=np.empty(size, np.int8),
        bind_ref=np.empty(size, np.int32),
        wait=np.empty(size, np.int8),
        feeder=np.full(size, -1, np.int32),
        reason=np.zeros(size, np.int8),
        root=np.full(size, -1, np.int32),
        overtook=np.zeros(size, np.bool_),
        taken_off=np.zeros(size, np.bool_),
        conflict=np.zeros(size, np.bool_),
        bound=np.full(size, NEVER, np.int32),
    )


@kernel
def _who_has_pieces(status: Any, arcs: Any) -> Any:
    """Rows of what runs and of both ends of each OVERLAP arc, and the place of each among them."""
    piece = np.full(status.size, -1, np.int32)
    n = 0
    for o in range(status.size):
        if status[o] == RUNNING:
            piece[o] = n
            n += 1
    for a in range(arcs.kind.size):
        if arcs.kind[a] == OVERLAP:
            for o in (arcs.pred[a], arcs.succ[a]):
                if piece[o] < 0:
                    piece[o] = n
                    n += 1
    listed = np.empty(n, np.int32)
    for o in range(status.size):
        if piece[o] >= 0:
            listed[piece[o]] = o
    return piece, listed


@inlined
def _lay_pieces(d: Any, f: Any, units: Any, w: Any, listed: Any, now: Any) -> None:
    q = d.net.pieces
    for x in range(listed.size):
        o = np.int64(listed[x])
        piece, lead, _, credit, setup_left, _ = pace_of(
            d.clock, f, units, o, now, w.input_qty[o], w.left_qty[o]
        )
        q[x].good = f.good_qty[o]
        q[x].yield_num = f.yield_num[o]
        q[x].yield_den = f.yield_den[o]
        q[x].used = used_of(f, o)
        q[x].left = w.left_qty[o]
        q[x].output = w.output_qty[o]
        q[x].piece_us = piece
        q[x].lead_s = lead
        q[x].credit_s = credit
        q[x].setup_left = setup_left
        q[x].began = f.actual_start[o]
        q[x].report = f.report_at[o]
        q[x].place = f.place[o]


@inlined
def _lay_units(d: Any, units: Any, family: Any, now: Any) -> None:
    """Nothing is taken off yet: a unit's queue is the plant's."""
    for u in range(units.queue_ptr.size):
        d.units[u].places = units.place_ptr[u]
        d.units[u].head = units.queue_ptr[u]
        d.units[u].tail = units.queue_ptr[min(u + 1, units.queue_ptr.size - 1)]
        d.units[u].first = -1
        d.units[u].last = -1
        d.units[u].pending = 0
        d.units[u].dirty = 0
        d.units[u].choice = -1
        d.units[u].off = 0
    for x in range(family.size):
        d.places[x].family = family[x]
        d.places[x].free = now
        d.places[x].last = -1
        d.places[x].taken = 0


@lean
def _lay_start(ops: Any, f: Any, arcs: Any, o: Any, release: Any, back: Any, tool: Any) -> None:
    """What holds operation o, which is not done, back that is known before the pass begins.

    release  end of its hold; UNSET where it is not held.
    back     when the tool of that row is there again; UNSET where it has its tools.
    """
    runs = f.status[o] == RUNNING
    start = np.int64(UNSET)
    bind = BY_NOW
    ref = np.int64(-1)
    if not runs:  # of what runs it is history
        start = np.int64(f.not_before[o])
        bind = BY_NOT_BEFORE
    if release > start:
        start = release
        bind = BY_HOLD
    if back > start:
        start = back
        bind = BY_TOOL
        ref = tool
    for a in range(f.pred_ptr[o], f.pred_ptr[o + 1]):
        before = arcs.pred[a]
        if not runs and arcs.kind[a] != OVERLAP and f.status[before] == DONE:
            end = np.int64(f.actual_end[before]) + arcs.lag_s[a]
            if end > start:
                start = min(end, np.int64(NEVER))
                bind = BY_ARC
                ref = np.int64(before)
    ops[o].start = start
    ops[o].bind = bind
    ops[o].bind_ref = ref


@inlined
def _lay_facts(ops: Any, f: Any, o: Any, work: Any, seat: Any, units: Any) -> None:
    status = f.status[o]
    span = f.span[o]
    ops[o].family = f.family[o] if f.family[o] != 0 else -f.id[o]
    ops[o].unit = f.unit[o] if f.unit[o] >= 0 else units
    ops[o].seat = seat[o]
    ops[o].setup = f.setup_s[o]
    ops[o].work = work[o]
    ops[o].end = NEVER
    ops[o].place = -1
    ops[o].status = status
    ops[o].span = span
    ops[o].whole = (span == NO_BREAK or f.restart[o]) and span != ELAPSED
    ops[o].pinned = f.pinned[o]
    ops[o].resumes = f.setup_left_s[o] > 0 and status != RUNNING
    ops[o].links = 0
    ops[o].taken_off = 0
    ops[o].known = 0
    ops[o].fixed = 0
    ops[o].wait = 0
    if status == DONE:
        ops[o].start = f.actual_start[o]
        ops[o].end = f.actual_end[o]
        ops[o].setup = 0
        ops[o].bind = STARTED
        ops[o].bind_ref = -1
        ops[o].fixed = 1


@inlined
def _lay_arcs(ops: Any, f: Any, arcs: Any, succ_arc: Any, o: Any) -> None:
    """What waits for what."""
    waits = 0
    overlaps = 0
    for a in range(f.pred_ptr[o], f.pred_ptr[o + 1]):
        overlap = arcs.kind[a] == OVERLAP
        if overlap:
            overlaps = 1
        # what runs waits for pieces only; that something is done is known before the pass begins
        if (f.status[o] != RUNNING or overlap) and f.status[arcs.pred[a]] != DONE:
            waits += 1
    ops[o].waits = waits
    ops[o].overlaps = overlaps
    ops[o].succ = -1
    x = f.succ_ptr[o]
    if f.succ_ptr[o + 1] == x + 1:
        a = succ_arc[x]
        if arcs.kind[a] != OVERLAP and arcs.lag_s[a] == 0:
            ops[o].succ = arcs.succ[a]


@lean
def _lay(ops: Any, f: Any, arcs: Any, succ_arc: Any, work: Any, seat: Any, units: Any) -> None:
    for o in range(f.status.size):
        _lay_facts(ops, f, o, work, seat, units)
        _lay_arcs(ops, f, arcs, succ_arc, o)
        if f.status[o] != DONE:
            _lay_start(ops, f, arcs, o, np.int64(UNSET), np.int64(UNSET), np.int64(-1))


@lean
def _lay_now(
    d: Any, f: Any, units: Any, w: Any, listed: Any, held: Any, tools_at: Any, tools: Any,
    family: Any, now: Any, why: Any,
) -> None:  # fmt: skip
    """What depends on the time, on what is down, what is held and what is lost."""
    ops = d.ops
    rows = d.clock.row
    _lay_units(d, units, family, now)
    _lay_pieces(d, f, units, w, listed, now)
    for u in range(units.down.size):
        if rows[u].back == NEVER:
            for row in range(f.status.size):
                if ops[row].unit == u and f.status[row] != DONE:
                    why[row] = UNIT_DOWN
    for x in range(held.size):
        o = np.int64(held[x])
        release = np.int64(UNSET)
        if f.hold[o]:
            release = given_else_guessed(f.hold_until[o], f.hold_again_s[o], now)
        back = np.int64(tools_at[o])
        if release == NEVER:
            why[o] = ON_HOLD
        elif back == NEVER:
            why[o] = TOOL_LOST
        else:
            _lay_start(ops, f, d.net.arcs, o, release, back, np.int64(tools[o]))
    for x in range(d.running.size):
        o = np.int64(d.running[x])
        ops[o].work = w.work_s[o]
        if ops[o].start <= now:
            ops[o].start = now
            ops[o].bind = BY_NOW
    for x in range(d.material.feed_to.size):
        ops[d.material.feed_to[x]].waits += 1


# -- material --------------------------------------------------------------------------------------


def attach(
    plant: Plant, supply: I32, demand: I32, moves: Flags, at: I32, reason: I8
) -> tuple[Material, I8, I8]:
    """Return what pegs (P) mean to operations, which links each of these (O) has by them, and why
    its material has no date where that is known.

    supply, demand  of each peg; a guess has supply -1.
    moves           whether the peg's supply is the output of an open operation.
    at, reason      when each comes as far as facts and guesses say, and why it does not.
    """
    size = len(plant.op_id)
    links = np.zeros(size, np.int8)
    why = np.zeros(size, np.int8)
    stock = np.empty(size, np.int32)
    stock_bind = np.empty(size, np.int8)
    stock_ref = np.empty(size, np.int32)
    feed = np.empty(size, np.int32)
    gift = np.empty(size, np.int32)
    moving = _bind_stock(
        supply, demand, plant.demand_op, moves, at, reason, plant.op_status, links, why, stock,
        stock_bind, stock_ref,
    )  # fmt: skip
    rows = np.flatnonzero(moves & (plant.demand_op[demand] >= 0)) if moving else _NO_ROWS
    maker = plant.supply_op[supply[rows]]
    rows, maker = _by_part(plant, rows, maker)
    by = np.argsort(plant.demand_op[demand[rows]], kind="stable")
    rows, maker = rows[by], maker[by]
    user = plant.demand_op[demand[rows]]
    source = supply[rows]
    outward = np.argsort(maker, kind="stable")
    material = Material(
        stock=stock,
        stock_bind=stock_bind,
        stock_ref=stock_ref,
        feed=feed,
        gift=gift,
        feed_to=user,
        feed_op=maker,
        feed_lag=plant.supply_put_away_s[source],
        feed_supply=source,
        gift_from=maker[outward],
        gift_to=user[outward],
    )
    if moving:
        _link(material, links)
    return material, links, why


_NO_ROWS = np.zeros(0, np.int64)


def _by_part(plant: Plant, rows: I64, maker: I32) -> tuple[I64, I32]:
    """Each peg (row) once for every open part of the operation that makes it."""
    parts = np.flatnonzero(plant.op_part_of >= 0)
    if not len(parts):
        return rows, maker
    all_rows, all_makers = [rows], [maker]
    for part in parts:
        mine = rows[maker == plant.op_part_of[part]]
        all_rows.append(mine)
        all_makers.append(np.full(len(mine), part, np.int32))
    rows, maker = np.concatenate(all_rows), np.concatenate(all_makers)
    opened = plant.op_status[maker] != DONE
    return rows[opened], maker[opened]


@lean
def _bind_stock(
    supply: Any, demand: Any, demand_op: Any, moves: Any, at: Any, reason: Any, status: Any,
    links: Any, why: Any, stock: Any, bind: Any, ref: Any,
) -> Any:  # fmt: skip
    """Find the latest material of each operation; returns whether any comes from an operation."""
    moving = False
    for x in range(supply.size):
        o = demand_op[demand[x]]
        if o < 0:
            continue
        if moves[x]:
            moving = True
            continue
        if links[o] & STOCKED != 0 and at[x] <= stock[o]:
            continue
        links[o] |= STOCKED
        stock[o] = at[x]
        if at[x] == NEVER and status[o] == WAITING:
            why[o] = reason[x]
        if supply[x] >= 0:
            bind[o] = BY_SUPPLY
            ref[o] = supply[x]
        else:
            bind[o] = UNCOVERED
            ref[o] = demand[x]
    return moving


@lean
def _link(m: Any, links: Any) -> None:
    for x in range(m.feed_to.size - 1, -1, -1):
        links[m.feed_to[x]] |= FED
        m.feed[m.feed_to[x]] = x
        links[m.gift_from[x]] |= GIVES
        m.gift[m.gift_from[x]] = x


@kernel
def block(d: Any, root_of: Any, why: Any) -> None:
    """BLOCK each root and all that follows it; what follows two roots names the first.

    root_of  of each operation (O) without a date, its row or that which stands for its circle; -1.
    why      its reason.
    """
    out = d.out
    net = d.net
    m = d.material
    stack = np.empty(root_of.size, np.int32)
    for r in range(root_of.size):
        if root_of[r] < 0 or out.state[r] == BLOCKED:
            continue
        n = 1
        stack[0] = r
        out.state[r] = BLOCKED
        while n > 0:
            n -= 1
            o = stack[n]
            d.ops[o].fixed = 1
            out.root[o] = root_of[r]
            out.reason[o] = why[r]
            for x in range(net.succ_ptr[o], net.succ_ptr[o + 1]):
                a = net.succ_arc[x]
                s = net.arcs.succ[a]
                # what runs waits for pieces only; what is done waits for nothing
                status = d.ops[s].status
                history = status == DONE or (status == RUNNING and net.arcs.kind[a] != OVERLAP)
                if not history and out.state[s] != BLOCKED:
                    out.state[s] = BLOCKED
                    stack[n] = s
                    n += 1
            if d.ops[o].links & GIVES != 0:
                x = m.gift[o]
                while x < m.gift_from.size and m.gift_from[x] == o:
                    s = m.gift_to[x]
                    if out.state[s] != BLOCKED:
                        out.state[s] = BLOCKED
                        stack[n] = s
                        n += 1
                    x += 1
