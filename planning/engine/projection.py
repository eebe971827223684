"""Projects a plant: pegging rounds around the kernel's pass, then lines and inventory.

`project` is the engine's front door. Same plant and same `now`: equal bit for bit; nothing is
kept between calls.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from planning.engine import kernel, pegging
from planning.engine.circles import circles
from planning.engine.deliveries import Deliveries, deliver
from planning.engine.desk import Material, Outcome, attach, block, open_desk
from planning.engine.inventory import no_levels, stock_levels
from planning.engine.pegging import Demands, Pegs, Supplies
from planning.engine.plant import (
    I8,
    I32,
    NEVER,
    ArcKind,
    DemandKind,
    Flags,
    PegKind,
    Plant,
    Projection,
    QueueRule,
    Reason,
    State,
    Status,
)
from planning.engine.work import Work, left_to_do
from planning.engine.worktime import Clock, compile_clock

RUNNING = int(Status.RUNNING)
OVERLAP = int(ArcKind.OVERLAP)
MORE_ROUNDS = 3  # after the one with committed dates


@dataclass(frozen=True, eq=False)
class _Facts:
    """What stays the same over the rounds of one projection."""

    now: int
    clock: Clock
    work: Work
    supplies: Supplies
    demands: Demands
    given: Pegs
    rules: kernel.Rules


@dataclass(frozen=True, eq=False)
class _Round:
    number: int
    pegs: Pegs
    ops: Outcome
    supply_at: I32
    peg_at: I32
    lines: Deliveries


def project(plant: Plant, *, now: int, inventory: bool = True) -> Projection:
    """Return where the facts of the plant lead if nobody acts.

    plant      the snapshot; not changed.
    now        the plant's clock, seconds since the plan's epoch, 0 <= now < horizon.
    inventory  also project stock levels per item (else they are zero, for speed).

    :raises ValueError: if `now` is outside the plan.
    """
    if not 0 <= now < plant.site.horizon:
        raise ValueError(f"now ({now}) is outside the plan [0, {plant.site.horizon})")
    facts = _facts(plant, now=now)
    need = np.where(facts.demands.need_at == NEVER, now, facts.demands.need_at).astype(np.int32)
    pegs = pegging.with_free_pegs(
        plant,
        facts.supplies,
        facts.demands,
        facts.given,
        at=facts.supplies.at,
        need_at=need,
    )
    rounds = [_play(plant, facts, pegs, number=0)]
    unsettled = np.zeros(0, np.int32)
    while True:
        better = _pegged_again(plant, facts, rounds[-1])
        if better is None:
            kept = rounds[-1]
            break
        if len(rounds) > MORE_ROUNDS:
            unsettled = _differing_items(plant, better, rounds[-1].pegs)
            kept = min(rounds, key=lambda r: (r.lines.late_value, r.lines.late_lines, r.number))
            break
        rounds.append(_play(plant, facts, better, number=len(rounds)))
    return _result(plant, facts, kept, len(rounds), unsettled, inventory=inventory)


def _facts(plant: Plant, *, now: int) -> _Facts:
    clock = compile_clock(plant, now=now)
    work = left_to_do(plant, clock, now=now)
    supplies = pegging.supplies(plant, work, now=now)
    demands = pegging.demands(plant, clock, now=now)
    site = plant.site
    pull = site.queue_rule == QueueRule.PULL_READY
    rules = kernel.Rules(
        np.int64(now),
        np.int64(site.horizon),
        np.int64(pull),
        np.int64(min(site.horizon, now + site.pull_window_s)),
        np.int64(site.pull_after_s),
        np.int64(site.suspend_after_s),
    )
    given = pegging.given_pegs(plant, supplies, demands)
    return _Facts(
        now=now,
        clock=clock,
        work=work,
        supplies=supplies,
        demands=demands,
        given=given,
        rules=rules,
    )


def _play(plant: Plant, facts: _Facts, pegs: Pegs, *, number: int) -> _Round:
    """Project with these pegs; circles are taken out by name and the rest is planned."""
    static_at, reason = _static_times(facts, pegs)
    real = pegs.supply >= 0
    moving = np.zeros(len(real), np.bool_)
    moving[real] = facts.supplies.moves[pegs.supply[real]]
    material, links, why = attach(plant, pegs.supply, pegs.demand, moving, static_at, reason)
    circled: list[list[int]] = []
    while True:
        desk = open_desk(plant, facts.clock, facts.work, material, links, why, now=facts.now)
        if why.any():
            root_of = np.where(why != 0, np.arange(len(why)), -1).astype(np.int32)
            for members in circled:
                root_of[members] = members[0]
            block(desk, root_of, why)
        kernel.begin(desk, facts.rules)
        kernel.run(desk, facts.rules)
        if kernel.hand_out(desk) == 0:
            break
        unfixed = desk.ops["fixed"] == 0
        for members in _find_circles(plant, facts, material, unfixed):
            circled.append(members)
            why[members] = int(Reason.CYCLE)
    ops = desk.out

    supply_at = facts.supplies.at.copy()
    moves = facts.supplies.moves
    made = with_parts(plant, ops)
    end = made.end[plant.supply_op[moves]].astype(np.int64)
    supply_at[moves] = np.where(
        end == NEVER, NEVER, np.minimum(end + plant.supply_put_away_s[moves], NEVER)
    )
    peg_at = static_at.copy()
    peg_at[real] = supply_at[pegs.supply[real]]
    lines = deliver(
        plant,
        facts.clock,
        facts.supplies,
        facts.demands,
        pegs,
        peg_at,
        made.reason,
        made.root,
        now=facts.now,
    )
    return _Round(number, pegs, ops, supply_at, peg_at, lines)


def with_parts(plant: Plant, ops: Outcome) -> Outcome:
    """Return the outcome with the first part of each operation as late as its latest part.

    What an operation makes is there when all of its parts are.
    """
    parts = np.flatnonzero(plant.op_part_of >= 0)
    if not len(parts):
        return ops
    end, state = ops.end.copy(), ops.state.copy()
    reason, root = ops.reason.copy(), ops.root.copy()
    for part in parts.tolist():
        first = plant.op_part_of[part]
        end[first] = max(end[first], end[part])
        if ops.state[part] and not state[first]:
            state[first], reason[first], root[first] = (
                ops.state[part], ops.reason[part], ops.root[part],
            )  # fmt: skip
    return ops._replace(end=end, state=state, reason=reason, root=root)


def _static_times(facts: _Facts, pegs: Pegs) -> tuple[I32, I8]:
    """When each peg's supply comes as far as facts and guesses say, and why it does not."""
    real = pegs.supply >= 0
    at = facts.demands.guess_at[pegs.demand]
    reason = facts.demands.guess_reason[pegs.demand]
    at[real] = facts.supplies.at[pegs.supply[real]]
    reason[real] = facts.supplies.reason[pegs.supply[real]]
    return at, reason


def _find_circles(
    plant: Plant, facts: _Facts, material: Material, unfixed: Flags
) -> list[list[int]]:
    rows = np.flatnonzero(unfixed).tolist()
    local = {o: k for k, o in enumerate(rows)}
    pull = bool(facts.rules.pull)
    followers: list[list[int]] = [[] for _ in rows]
    for k, o in enumerate(rows):
        for a in plant.succ_arc[plant.op_succ_ptr[o] : plant.op_succ_ptr[o + 1]].tolist():
            s = int(plant.arc_succ[a])
            runs = plant.op_status[s] == RUNNING and plant.arc_kind[a] != OVERLAP
            if s in local and not runs:
                followers[k].append(local[s])
    gifts = zip(material.gift_from.tolist(), material.gift_to.tolist(), strict=True)
    for giver, user in gifts:
        if giver in local and user in local:
            followers[local[giver]].append(local[user])
    running: dict[int, list[int]] = {}
    for o in rows:
        if plant.op_status[o] == RUNNING:
            running.setdefault(int(plant.op_unit[o]), []).append(o)
    for u in range(len(plant.unit_id)):
        queue = plant.queue_op[plant.unit_queue_ptr[u] : plant.unit_queue_ptr[u + 1]].tolist()
        # STRICT: they hold their places; under PULL_READY they are taken off, to the head
        before = [] if pull else [local[o] for o in running.get(u, [])]
        for o in [*running.get(u, []), *queue] if pull else queue:
            if o not in local:
                continue
            # under PULL_READY only a pinned operation waits for those that stand before it
            if not pull or plant.op_pinned[o]:
                for other in before:
                    followers[other].append(local[o])
            before = [local[o]]
    found = circles(followers)
    if not found:
        raise AssertionError(f"{len(rows)} operations stay unfixed without a circle")
    return [[rows[k] for k in members] for members in found]


def _pegged_again(plant: Plant, facts: _Facts, last: _Round) -> Pegs | None:
    """Peg again what no longer serves in time, by the dates of the round; None if it settles.

    A free peg serves in time if its supply comes no later than all other bounds of its demand.
    """
    pegs, ops = last.pegs, last.ops
    free = pegs.kind == PegKind.FREE
    if not free.any():
        return None
    other = np.full(len(plant.demand_id), NEVER, np.int32)
    component = plant.demand_kind == DemandKind.COMPONENT
    bound = ops.bound.copy()
    fixed = np.flatnonzero(~free & (plant.demand_op[pegs.demand] >= 0))
    np.maximum.at(bound, plant.demand_op[pegs.demand[fixed]], last.peg_at[fixed])
    bound[ops.state != State.DATED] = NEVER
    other[component] = bound[plant.demand_op[component]]
    line = plant.demand_kind == DemandKind.LINE
    other[line] = facts.demands.need_at[line]
    late = free & (last.peg_at > other[pegs.demand])
    if not late.any():
        return None
    need = np.where(facts.demands.need_at == NEVER, facts.now, facts.demands.need_at)
    start = ops.start[plant.demand_op[component]]
    need[component] = np.where(start != NEVER, start, need[component])
    keep = (pegs.kind != PegKind.GUESS) & ~late
    kept = Pegs(pegs.supply[keep], pegs.demand[keep], pegs.qty[keep], pegs.kind[keep])
    again = pegging.with_free_pegs(
        plant,
        facts.supplies,
        facts.demands,
        kept,
        at=last.supply_at,
        need_at=need.astype(np.int32),
    )
    return None if again.same_as(pegs) else again


def _differing_items(plant: Plant, one: Pegs, other: Pegs) -> I32:
    """Items whose pegs differ between two sets."""

    def rows(pegs: Pegs) -> set[tuple[int, int, int, int]]:
        return set(
            zip(
                pegs.supply.tolist(),
                pegs.demand.tolist(),
                pegs.qty.tolist(),
                pegs.kind.tolist(),
                strict=True,
            )
        )

    changed = sorted({d for _, d, _, _ in rows(one) ^ rows(other)})
    return np.unique(plant.demand_item[np.array(changed, np.int64)]).astype(np.int32)


def _result(
    plant: Plant,
    facts: _Facts,
    kept: _Round,
    rounds: int,
    unsettled: I32,
    *,
    inventory: bool,
) -> Projection:
    work, pegs, lines = facts.work, kept.pegs, kept.lines
    out = kept.ops
    demands = facts.demands
    dated = out.state == State.DATED
    demand_ptr = np.zeros(len(plant.demand_id) + 1, np.int32)
    np.cumsum(np.bincount(pegs.demand, minlength=len(plant.demand_id)), out=demand_ptr[1:])
    demand_at = np.full(len(plant.demand_id), facts.now, np.int32)
    np.maximum.at(demand_at, pegs.demand, kept.peg_at)
    levels = (
        stock_levels(plant, facts.supplies, demands, kept.supply_at, out.start, now=facts.now)
        if inventory
        else no_levels(plant)
    )
    op_of = plant.supply_op
    supply_state = np.zeros(len(op_of), np.int8)
    supply_state[kept.supply_at == NEVER] = int(State.BLOCKED)
    made = op_of >= 0
    supply_state[made] = with_parts(plant, out).state[op_of[made]]
    short = pegging.unserved(plant, demands, pegs)
    return Projection(
        now=facts.now,
        horizon=plant.site.horizon,
        op_state=out.state,
        op_start=out.start,
        op_end=out.end,
        op_setup_s=out.paid,
        op_work_s=np.where(dated, work.work_s, 0).astype(np.int32),
        op_place=out.place,
        op_bind=out.bind,
        op_bind_ref=out.bind_ref,
        op_wait=out.wait,
        op_end_feeder=out.feeder,
        op_reason=out.reason,
        op_root=out.root,
        op_overtook=out.overtook,
        op_taken_off=out.taken_off,
        op_overdue=work.overdue,
        op_seems_done=work.seems_done,
        op_conflict=out.conflict,
        op_input_qty=work.input_qty,
        op_left_qty=work.left_qty,
        op_output_qty=work.output_qty,
        supply_at=kept.supply_at,
        supply_qty=facts.supplies.qty,
        supply_overdue=facts.supplies.overdue,
        supply_state=supply_state,
        demand_peg_ptr=demand_ptr,
        peg_supply=pegs.supply,
        peg_demand=pegs.demand,
        peg_qty=pegs.qty,
        peg_kind=pegs.kind,
        peg_at=kept.peg_at,
        demand_rank=demands.rank,
        demand_short_qty=short,
        demand_need_at=demands.need_at,
        demand_at=demand_at,
        line_state=lines.state,
        line_ready=lines.ready,
        line_ship=lines.ship,
        line_arrive=lines.arrive,
        line_first_arrive=lines.first_arrive,
        line_late_s=lines.late_s,
        line_judged=lines.judged,
        line_short_qty=short[plant.line_demand],
        line_supply=lines.supply,
        line_reason=lines.reason,
        line_root=lines.root,
        item_below_zero_at=levels.below_zero_at,
        item_lowest_qty=levels.lowest_qty,
        item_lowest_at=levels.lowest_at,
        round_kept=kept.number,
        rounds=rounds,
        unsettled_items=unsettled,
    )
