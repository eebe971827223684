"""Which supply serves which demand.

Hard pegs first, then committed ones, then free: what is still uncovered takes, in static rank,
supply that nobody holds: on-hand first expired first among the lots usable at the need date, then
expected supply by its date. What nothing covers is a guess: a proposed purchase or order.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from planning.engine.compiled import DemandRows, Items, SupplyRows, columns, kernel, lean
from planning.engine.plant import (
    I8,
    I32,
    I64,
    NEVER,
    UNSET,
    Basis,
    DemandKind,
    Flags,
    ItemKind,
    LotStatus,
    PegKind,
    Plant,
    Reason,
    Status,
    SupplyKind,
)
from planning.engine.remembered import remembered
from planning.engine.work import Work
from planning.engine.worktime import Clock, given_else_guessed, latest_start, times_down

LOT, PURCHASE, OUTPUT = int(SupplyKind.LOT), int(SupplyKind.PURCHASE), int(SupplyKind.OUTPUT)
HELD, QUARANTINED = int(LotStatus.HELD), int(LotStatus.QUARANTINED)
LINE, COMPONENT, SAFETY = (int(k) for k in DemandKind)
WAITING, DONE = int(Status.WAITING), int(Status.DONE)
BUY = int(ItemKind.BUY)
NO_SUPPLY, NO_PURCHASE = int(Reason.SUPPLY), int(Reason.NO_PURCHASE)
NO_WORK_ORDER = int(Reason.NO_WORK_ORDER)
FREE = int(PegKind.FREE)
GUESS = int(PegKind.GUESS)


class Supplies(NamedTuple):
    """What each supply (S) gives and when, as far as the facts alone say."""

    qty: I64
    at: I32  # NEVER = no date; an OUTPUT of an open operation: its committed date
    reason: I8  # why it has no date
    overdue: Flags
    moves: Flags  # its time comes out of the projection
    on_hand: Flags
    free: Flags  # may give new free pegs


class Demands(NamedTuple):
    """Which demands (D) count, what they rank and when they need."""

    active: Flags  # a started operation's material is issued
    checked: Flags  # may be short: its item is tracked and stock is checked
    rank: I32
    order: I32  # demands by rank
    need_at: I32  # never before now; NEVER = no date
    guess_at: I32  # when an uncovered rest of it is guessed to come; NEVER = no date
    guess_reason: I8


@dataclass(frozen=True, eq=False)
class Pegs:
    """Pegs (P); those of a round by (demand, kind, supply)."""

    supply: I32
    demand: I32
    qty: I64
    kind: I8

    def same_as(self, other: Pegs) -> bool:
        return (
            np.array_equal(self.supply, other.supply)
            and np.array_equal(self.demand, other.demand)
            and np.array_equal(self.qty, other.qty)
            and np.array_equal(self.kind, other.kind)
        )


def supplies(plant: Plant, work: Work, *, now: int) -> Supplies:
    """Return what the facts say of each supply: never in the past, overdue ones marked."""
    size = len(plant.supply_id)
    found = Supplies(
        qty=np.empty(size, np.int64),
        at=np.empty(size, np.int32),
        reason=np.empty(size, np.int8),
        overdue=np.empty(size, np.bool_),
        moves=np.empty(size, np.bool_),
        on_hand=np.empty(size, np.bool_),
        free=np.empty(size, np.bool_),
    )
    _read_supplies(
        columns(plant, SupplyRows, "supply_"),
        plant.op_status,
        plant.op_order,
        plant.op_next_part,
        plant.op_baseline_end,
        plant.op_actual_end,
        plant.order_need_by,
        plant.item_quantum_qty,
        work.output_qty,
        plant.site.quality_checked,
        plant.site.purchases_checked,
        np.int64(now),
        np.int64(plant.site.horizon),
        found,
    )
    return found


@lean
def _read_supplies(
    s: Any, status: Any, order: Any, next_part: Any, planned_end: Any, actual_end: Any,
    need_by: Any, quantum: Any, output: Any, quality: Any, purchases: Any, now: Any, horizon: Any,
    found: Any,
) -> None:  # fmt: skip
    for x in range(s.kind.size):
        at = now
        qty = s.qty[x]
        overdue = False
        moves = False
        held = quality and s.kind[x] == LOT and s.status[x] == HELD
        waits = held or (quality and s.kind[x] == LOT and s.status[x] == QUARANTINED)
        if waits:
            at = given_else_guessed(s.until[x], s.again_s[x], now)
        elif s.kind[x] == OUTPUT:
            o = np.int64(s.op[x])
            at = np.int64(UNSET)
            made = np.int64(0)
            while o >= 0:
                end = np.int64(actual_end[o])
                if status[o] != DONE:
                    moves = True
                    end = np.int64(planned_end[o])
                    if end == UNSET:
                        end = np.int64(need_by[order[o]])
                at = max(at, end)
                made += output[o]
                o = np.int64(next_part[o])
            at = min(max(at + s.put_away_s[x], now), horizon)
            if s.per_num[x] != s.per_den[x]:
                step = quantum[s.item[x]]
                made = times_down(made, s.per_num[x], s.per_den[x]) // step * step
            qty = max(np.int64(0), made - s.qty[x])
        elif s.kind[x] != LOT and (purchases or s.kind[x] != PURCHASE):
            overdue = s.at[x] < now
            at = min(now + s.late_s[x], np.int64(NEVER)) if overdue else np.int64(s.at[x])
        found.qty[x] = qty
        found.at[x] = at
        found.reason[x] = NO_SUPPLY if at == NEVER else 0
        found.overdue[x] = overdue
        found.moves[x] = moves
        found.on_hand[x] = s.kind[x] == LOT and not waits
        found.free[x] = s.dated[x] or not held


def demands(plant: Plant, clock: Clock, *, now: int) -> Demands:
    """Return rank and need of each demand; the rank is static, it never changes with a date."""
    size = len(plant.demand_id)
    rank, order = _rank(plant)
    found = Demands(
        active=np.empty(size, np.bool_),
        checked=np.empty(size, np.bool_),
        rank=rank,
        order=order,
        need_at=np.empty(size, np.int32),
        guess_at=np.empty(size, np.int32),
        guess_reason=np.empty(size, np.int8),
    )
    _read_demands(
        columns(plant, DemandRows, "demand_"),
        columns(plant, Items, "item_"),
        plant.op_status,
        plant.op_order,
        plant.op_baseline_start,
        plant.order_need_by,
        latest_ready(plant, clock),
        plant.site.stock_checked,
        plant.site.purchases_checked,
        np.int64(now),
        found,
    )
    return found


@lean
def _read_demands(
    d: Any, items: Any, status: Any, order: Any, planned: Any, need_by: Any, ready_by: Any,
    stock: Any, purchases: Any, now: Any, found: Any,
) -> None:  # fmt: skip
    for x in range(d.kind.size):
        item = d.item[x]
        active = d.qty[x] > 0
        need = now
        if d.kind[x] == COMPONENT:
            o = d.op[x]
            active = active and status[o] == WAITING
            need = np.int64(planned[o])
            if need == UNSET:
                need = np.int64(need_by[order[o]])
        elif d.kind[x] == LINE:
            need = ready_by[d.line[x]]
        bought = items.kind[item] == BUY
        lead = np.int64(items.lead_s[item])
        since = np.int64(items.guess_from[item])
        if since == UNSET:
            since = now
        guess = np.int64(NEVER)
        if bought and not purchases:
            guess = now
        elif lead >= 0:
            guess = since + lead if since + lead > now else now + lead
            guess = min(guess, np.int64(NEVER))
        found.active[x] = active
        found.checked[x] = stock and active and items.tracked[item]
        found.need_at[x] = max(need, now)
        found.guess_at[x] = guess
        found.guess_reason[x] = 0
        if guess == NEVER:
            found.guess_reason[x] = NO_PURCHASE if bought else NO_WORK_ORDER


def due(plant: Plant) -> tuple[I64, I8]:
    """Return each line's due instant on its basis, and by what it is judged (see Projection)."""
    promised = plant.line_promised != UNSET
    requested = plant.line_requested != UNSET
    judged = np.where(promised, 2, np.where(requested, 1, 0)).astype(np.int8)
    instant = np.where(promised, plant.line_promised, plant.line_requested).astype(np.int64)
    instant[judged == 0] = NEVER
    return instant, judged


def latest_ready(plant: Plant, clock: Clock) -> I64:
    """Return the latest instant at which each line's goods may be ready and still be in time."""
    instant, judged = due(plant)
    ship = instant - np.where(plant.line_basis == Basis.ARRIVE, plant.line_transit_s, 0)
    ready = np.full(len(ship), NEVER, np.int64)
    _back_from_ship(
        clock,
        line_rows(plant),
        ship,
        judged,
        plant.line_carrier,
        plant.carrier_ptr,
        plant.departure_at,
        plant.line_prepare_s,
        ready,
    )
    return ready


def line_rows(plant: Plant) -> npt.NDArray[np.int64]:
    """Return the Clock's row of each line's picking calendar; around the clock where none."""
    return plant.line_calendar.astype(np.int64) + len(plant.unit_id) + 1


@kernel
def _back_from_ship(
    c: Any, row: Any, ship: Any, judged: Any, carrier: Any, ptr: Any, departure: Any,
    prepare: Any, ready: Any,
) -> None:  # fmt: skip
    for n in range(ship.size):
        if judged[n] == 0:
            continue
        t = ship[n]
        if carrier[n] >= 0:
            a = ptr[carrier[n]]
            b = ptr[carrier[n] + 1]
            x = np.searchsorted(departure[a:b], t, "right")
            t = np.int64(departure[a + x - 1]) if x > 0 else np.int64(0)
        if prepare[n] > 0 and t > 0:
            t = latest_start(c, row[n], t, np.int64(prepare[n]))
        ready[n] = t


@remembered(
    "line_id",
    "line_stop",
    "line_priority",
    "line_promised",
    "line_requested",
    "line_ordered",
    "demand_id",
    "demand_kind",
    "demand_item",
    "demand_line",
    "demand_op",
    "supply_item",
    "supply_op",
    "peg_supply",
    "peg_demand",
    "op_order",
    "order_id",
    "order_need_by",
    "item_safety_kept",
)
def _rank(plant: Any) -> tuple[I32, I32]:
    """Rank of each demand, and the demands by rank.

    Lines by (line stop, priority, promised, requested, order date, id); a component as the best
    line to which its order's output is hard or committed pegged, through any number of orders;
    then the other components by their order's need-by; then safety stock.
    """
    by_rank = _sorted_rows(
        ~plant.line_stop,
        plant.line_priority,
        _last_if_unset(plant.line_promised),
        _last_if_unset(plant.line_requested),
        _last_if_unset(plant.line_ordered),
    )
    lines = len(plant.line_id)
    size = len(plant.demand_id)
    major = np.full(size, 2**40, np.int64)
    line_rank = np.empty(lines, np.int64)
    line_rank[by_rank] = np.arange(lines)
    is_line = plant.demand_kind == LINE
    is_component = plant.demand_kind == COMPONENT
    major[is_line] = line_rank[plant.demand_line[is_line]]

    # a peg on what a substitute took the place of stands for nothing
    right = plant.supply_item[plant.peg_supply] == plant.demand_item[plant.peg_demand]
    given = np.flatnonzero((plant.supply_op[plant.peg_supply] >= 0) & right)
    if len(given):
        maker = plant.op_order[plant.supply_op[plant.peg_supply[given]]]
        served = plant.peg_demand[given]
        user = plant.op_order[plant.demand_op[is_component]]
        best = np.full(len(plant.order_id), 2**40, np.int64)
        while True:
            before = best.copy()
            np.minimum.at(best, maker, major[served])
            major[is_component] = best[user]
            if np.array_equal(best, before):
                break
    group = np.where(major < 2**40, 0, 1)
    safety = plant.demand_kind == SAFETY
    group[safety] = np.where(plant.item_safety_kept[plant.demand_item[safety]], -1, 2)
    rest = is_component & (group == 1)
    major[rest] = plant.order_need_by[plant.op_order[plant.demand_op[rest]]]
    # demands stand by kind and id, which parts equals
    order = _sorted_rows(group, major).astype(np.int32)
    rank = np.empty(size, np.int32)
    rank[order] = np.arange(size)
    return rank, order


def _last_if_unset(column: I32) -> I64:
    return np.where(column == UNSET, 2**40, column.astype(np.int64))


def _sorted_rows(*keys: npt.NDArray[Any]) -> npt.NDArray[np.intp]:
    """Return the rows by the keys, the first one first, then by row."""
    # a key that is the same everywhere sorts nothing, and is common
    telling = [key for key in keys if len(key) and key.min() != key.max()]
    if not telling:
        return np.arange(len(keys[0]))
    return np.lexsort(telling[::-1])


def given_pegs(plant: Plant, supply: Supplies, demand: Demands) -> Pegs:
    """Return the hard and committed pegs that still hold, by rank: the lowest-ranked go short."""
    right = plant.supply_item[plant.peg_supply] == plant.demand_item[plant.peg_demand]
    keep = np.flatnonzero(demand.active[plant.peg_demand] & right)
    at, to = plant.peg_supply[keep], plant.peg_demand[keep]
    qty, kind = plant.peg_qty[keep], plant.peg_kind[keep]
    keys = np.argsort((kind.astype(np.int64) << 62) | (demand.rank[to].astype(np.int64) << 31) | at)
    taken = _take_given(at[keys], to[keys], qty[keys], supply.qty.copy(), plant.demand_qty.copy())
    some = taken > 0
    keys = keys[some]
    return Pegs(at[keys], to[keys], taken[some], kind[keys])


@kernel
def _take_given(at: Any, to: Any, qty: Any, supply_left: Any, demand_left: Any) -> Any:
    taken = np.zeros(qty.size, np.int64)
    for x in range(qty.size):
        q = min(qty[x], supply_left[at[x]], demand_left[to[x]])
        taken[x] = q
        supply_left[at[x]] -= q
        demand_left[to[x]] -= q
    return taken


def with_free_pegs(
    plant: Plant,
    supply: Supplies,
    demand: Demands,
    kept: Pegs,
    *,
    at: I32,
    need_at: I32,
) -> Pegs:
    """Return the kept pegs, free pegs for what they leave uncovered, and guesses for the rest.

    at       when each supply (S) comes, of the round before.
    need_at  when each demand (D) needs it, of the round before.
    """
    supply_left = supply.qty.copy()
    np.subtract.at(supply_left, kept.supply, kept.qty)
    demand_left = np.where(demand.active, plant.demand_qty, 0)
    np.subtract.at(demand_left, kept.demand, kept.qty)

    usable = np.flatnonzero(supply.free & (supply_left > 0) & (at < NEVER))
    there = supply.on_hand[usable]
    when = np.where(there, plant.supply_expiry[usable], at[usable])
    by = np.lexsort((usable, when, ~there, plant.supply_item[usable]))
    listed = usable[by].astype(np.int32)
    ptr = np.zeros(len(plant.item_id) + 1, np.int32)
    np.cumsum(
        np.bincount(plant.supply_item[listed], minlength=len(plant.item_id)),
        out=ptr[1:],
    )
    # an order's output never serves the order itself
    maker = np.full(len(plant.supply_id), -1)
    made = plant.supply_op >= 0
    maker[made] = plant.op_order[plant.supply_op[made]]
    user = np.full(len(plant.demand_id), -2)
    component = plant.demand_op >= 0
    user[component] = plant.op_order[plant.demand_op[component]]
    room = len(plant.demand_id) * 2 + len(plant.supply_id)
    peg_supply = np.zeros(room, np.int32)
    peg_demand = np.zeros(room, np.int32)
    peg_qty = np.zeros(room, np.int64)
    peg_kind = np.zeros(room, np.int8)
    count = _take_free(
        demand.order, demand.checked, plant.demand_kind, plant.demand_item, demand_left,
        plant.demand_owner, plant.demand_lot, plant.demand_min_life_s, need_at, user, ptr, listed,
        supply_left, plant.supply_kind, plant.supply_id, plant.supply_owner, plant.supply_expiry,
        maker, peg_supply, peg_demand, peg_qty, peg_kind,
    )  # fmt: skip
    return _sorted(
        np.concatenate([kept.supply, peg_supply[:count]]),
        np.concatenate([kept.demand, peg_demand[:count]]),
        np.concatenate([kept.qty, peg_qty[:count]]),
        np.concatenate([kept.kind, peg_kind[:count]]),
    )


@kernel
def _take_free(
    order: Any, checked: Any, kind: Any, item: Any, left: Any, owner: Any, lot: Any,
    min_life: Any, need_at: Any, user: Any, ptr: Any, listed: Any, supply_left: Any,
    supply_kind: Any, supply_id: Any, supply_owner: Any, expiry: Any, maker: Any,
    peg_supply: Any, peg_demand: Any, peg_qty: Any, peg_kind: Any,
) -> Any:  # fmt: skip
    n = 0
    head = ptr[:-1].copy()
    for k in range(order.size):
        d = order[k]
        if not checked[d] or left[d] <= 0:
            continue
        i = item[d]
        last = ptr[i + 1]
        while head[i] < last and supply_left[listed[head[i]]] == 0:
            head[i] += 1
        for x in range(head[i], last):
            s = listed[x]
            if supply_left[s] == 0 or maker[s] == user[d]:
                continue
            if supply_owner[s] != 0 and supply_owner[s] != owner[d]:
                continue
            if lot[d] != 0 and (supply_kind[s] != 0 or supply_id[s] != lot[d]):
                continue
            if expiry[s] != NEVER and np.int64(need_at[d]) + min_life[d] > expiry[s]:
                continue
            q = min(left[d], supply_left[s])
            peg_supply[n] = s
            peg_demand[n] = d
            peg_qty[n] = q
            peg_kind[n] = FREE
            n += 1
            left[d] -= q
            supply_left[s] -= q
            if left[d] == 0:
                break
        if left[d] > 0 and kind[d] != SAFETY:  # safety stock is never guessed
            peg_supply[n] = -1
            peg_demand[n] = d
            peg_qty[n] = left[d]
            peg_kind[n] = GUESS
            n += 1
    return n


def _sorted(supply: I32, demand: I32, qty: I64, kind: I8) -> Pegs:
    """Pegs by (demand, kind, supply), each of these once."""
    keys = np.argsort(
        (demand.astype(np.int64) << 34) | (kind.astype(np.int64) << 32) | (supply + 1)
    )
    supply, demand, qty, kind = supply[keys], demand[keys], qty[keys], kind[keys]
    new = np.ones(len(keys), np.bool_)
    new[1:] = (supply[1:] != supply[:-1]) | (demand[1:] != demand[:-1]) | (kind[1:] != kind[:-1])
    if new.all():
        return Pegs(supply, demand, qty, kind)
    first = np.flatnonzero(new)
    return Pegs(supply[first], demand[first], np.add.reduceat(qty, first), kind[first])


def unserved(plant: Plant, demand: Demands, pegs: Pegs) -> I64:
    """Return how much of each active demand (D) no supply covers, where that is checked."""
    left = np.where(demand.checked, plant.demand_qty, 0)
    real = pegs.kind != GUESS
    np.subtract.at(left, pegs.demand[real], pegs.qty[real])
    return np.maximum(left, 0)
