"""The engine's twin: pegging and projection once more, slowly, in plain Python.

It shares with the engine the Plant it reads and the names of its codes, and nothing else: calendars
are one flag a minute, times are found by scanning, whose turn it is by looking at every unit each
time. Where twin and engine differ, one of them has a bug. It is the oracle of the tests and never
runs in the product.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from planning.engine.plant import (
    NEVER,
    PIECE,
    UNSET,
    ArcKind,
    Basis,
    Bind,
    DemandKind,
    ItemKind,
    LotStatus,
    PegKind,
    Plant,
    QueueRule,
    Reason,
    Span,
    State,
    Status,
    SupplyKind,
    Wait,
)

Peg = tuple[int, int, int, int]  # demand, kind, supply, quantity


@dataclass
class Op:
    """One operation while it is projected."""

    state: int = int(State.DATED)
    start: int = NEVER
    end: int = NEVER
    setup: int = 0
    place: int = -1
    bind: int = int(Bind.NONE)
    bind_ref: int = -1
    wait: int = 0
    feeder: int = -1
    reason: int = 0
    root: int = -1
    overtook: bool = False
    taken_off: bool = False
    conflict: bool = False
    bound: int = NEVER
    fixed: bool = False


@dataclass
class Todo:
    """What one operation still has to do."""

    input: int = 0
    used: int = 0
    left: int = 0
    output: int = 0
    piece_us: int = 0
    lead: int = 0
    work: int = 0
    setup: int = 0
    setup_left: int = 0
    resume: int = 0
    credit: int = 0


@dataclass
class Round:
    number: int
    pegs: list[Peg]
    ops: list[Op]
    supply_at: list[int]
    peg_at: list[int]
    lines: list[dict[str, int]] = field(default_factory=list)

    def worth(self, plant: Plant) -> tuple[int, int, int]:
        late = [k for k, line in enumerate(self.lines) if line["late_s"] > 0]
        return sum(int(plant.line_value[k]) for k in late), len(late), self.number


def ceil_div(a: int, b: int) -> int:
    return -(-a // b)


class Twin:
    """The same projection as `projection.project`, by other means."""

    def __init__(self, plant: Plant, *, now: int) -> None:
        self.plant = plant
        self.now = now
        self.units = len(plant.unit_id)
        self.size = len(plant.op_id)
        self.horizon = plant.site.horizon
        self.pull = plant.site.queue_rule == QueueRule.PULL_READY
        self.back = [self._back(u) for u in range(self.units)]
        self.works = [self._minutes(u) for u in range(self.units)]
        self.works.append(bytearray(b"\1" * (self.horizon // 60)))
        for k in range(len(plant.calendars.id)):
            mask = bytearray(self.horizon // 60)
            for start, end in plant.calendars.intervals(k):
                mask[start // 60 : end // 60] = b"\1" * ((end - start) // 60)
            self.works.append(mask)
        self.stretches = [self._stretches(mask) for mask in self.works]
        self.todo = self._todo()

    # -- time ----

    def _guess(self, until: int, again: int) -> int:
        if until > self.now and until != NEVER:
            return until
        return min(NEVER, self.now + again) if again >= 0 else NEVER

    def _back(self, u: int) -> int | None:
        p = self.plant
        if not p.unit_down[u]:
            return None
        return self._guess(int(p.unit_down_until[u]), int(p.unit_down_again_s[u]))

    def _minutes(self, u: int) -> bytearray:
        p = self.plant
        minutes = self.horizon // 60
        mask = bytearray(minutes)
        for start, end in p.calendars.intervals(int(p.unit_calendar[u])):
            mask[start // 60 : end // 60] = b"\1" * ((end - start) // 60)
        rows = range(p.unit_exception_ptr[u], p.unit_exception_ptr[u + 1])
        for opens in (True, False):
            for x in rows:
                if bool(p.exception_open[x]) == opens:
                    start, end = int(p.exception_start[x]), int(p.exception_end[x])
                    for m in range(minutes):
                        inside = start <= m * 60 and (m + 1) * 60 <= end
                        touched = start < (m + 1) * 60 and end > m * 60
                        if (inside if opens else touched) and start < end:
                            mask[m] = opens
        back = self.back[u]
        if back is not None:
            since = int(p.unit_down_since[u])
            for m in range(minutes):
                if since < (m + 1) * 60 and back > m * 60 and since < back:
                    mask[m] = 0
        return mask

    @staticmethod
    def _stretches(mask: bytearray) -> list[tuple[int, int]]:
        runs: list[tuple[int, int]] = []
        for m, works in enumerate(mask):
            if works and runs and runs[-1][1] == m * 60:
                runs[-1] = (runs[-1][0], m * 60 + 60)
            elif works:
                runs.append((m * 60, m * 60 + 60))
        return runs

    def worked(self, u: int, t: int) -> int:
        return sum(max(0, min(e, t) - s) for s, e in self.stretches[u])

    def first(self, u: int, t: int) -> int:
        return next((max(s, t) for s, e in self.stretches[u] if e > t), NEVER)

    def finish(self, u: int, t: int, d: int) -> int:
        if t == NEVER or d <= 0:
            return t
        for s, e in self.stretches[u]:
            here = max(0, e - max(s, t))
            if here >= d:
                return max(s, t) + d
            d -= here
        return NEVER

    def fits_from(self, u: int, t: int, d: int) -> int:
        for s, e in self.stretches[u]:
            if e > t and max(s, t) + d <= e:
                return max(s, t)
        return NEVER

    def latest_start(self, u: int, t: int, d: int) -> int:
        if d <= 0:
            return t
        for s, e in reversed(self.stretches[u]):
            here = max(0, min(e, t) - s)
            if here >= d:
                return min(e, t) - d
            d -= here
        return 0

    def unit(self, o: int) -> int:
        return self.units if self.plant.op_unit[o] < 0 else int(self.plant.op_unit[o])

    # -- pieces and seconds ----

    def _todo(self) -> list[Todo]:
        p = self.plant
        rows: list[Todo] = []
        for o in range(self.size):
            todo = Todo(setup=int(p.op_setup_s[o]))
            todo.used = int(p.op_good_qty[o] + p.op_scrap_qty[o] + p.op_rework_qty[o])
            brought = []
            for a in range(p.op_pred_ptr[o], p.op_pred_ptr[o + 1]):
                if p.arc_per_num[a]:
                    f = int(p.arc_pred[a])
                    given = rows[f].output if f < o else int(p.op_launch_qty[f])
                    brought.append(given * int(p.arc_per_den[a]) // int(p.arc_per_num[a]))
            todo.input = min(brought) if brought else int(p.op_launch_qty[o])
            good = int(p.op_good_qty[o])
            if p.op_status[o] == Status.DONE:
                todo.output = good
            else:
                todo.left = max(0, todo.input - todo.used)
                makes = todo.left
                if p.op_yield_num[o] < p.op_yield_den[o]:
                    item = int(p.order_item[p.op_order[o]])
                    quantum = int(p.item_quantum_qty[item]) if item >= 0 else PIECE
                    makes = makes * int(p.op_yield_num[o]) // int(p.op_yield_den[o])
                    makes -= makes % quantum
                todo.output = good + makes
            rows.append(todo)
            self._seconds(o, todo)
        return rows

    def _seconds(self, o: int, todo: Todo) -> None:
        p, u = self.plant, self.unit(o)
        rate = int(p.unit_rate_ppm[u]) if u < self.units else 1_000_000
        rhythm = int(p.unit_quantum_qty[u]) if u < self.units else PIECE
        factor = int(p.op_factor_ppm[o])
        status = int(p.op_status[o])

        def on_unit(us: int) -> int:
            return ceil_div(ceil_div(us * factor, 1_000_000) * 1_000_000, rate)

        todo.piece_us = min(10**12, on_unit(int(p.op_run_us[o])))
        if status == Status.DONE:
            return
        once = 0 if todo.used else ceil_div(on_unit(int(p.op_fixed_us[o])), 1_000_000)
        if status != Status.RUNNING:
            todo.lead = once
            todo.resume = max(0, int(p.op_setup_left_s[o]))
            todo.work = min(NEVER, once + self.time_for(todo, todo.left))
            return
        if todo.used >= 5 * rhythm and todo.used * 10 >= todo.input:
            mixed = (int(p.op_productive_s[o]) * 1_000_000 + 5 * todo.piece_us) * PIECE
            learned = ceil_div(mixed, todo.used + 5 * PIECE)
            slowest, fastest = todo.piece_us * 3, ceil_div(todo.piece_us * 3, 10)
            todo.piece_us = min(10**12, max(fastest, min(slowest, learned)))
        prepare = int(p.op_setup_left_s[o])
        if prepare < 0:
            prepare = 0 if todo.used else int(p.op_setup_s[o])
        since = int(p.op_report_at[o])
        if since == UNSET:
            since = int(p.op_actual_start[o])
        if p.op_restart[o] and u < self.units and p.unit_down[u]:
            passed = 0
            prepare = int(p.op_setup_s[o])
        elif p.op_span[o] == Span.ELAPSED:
            passed = max(0, self.now - since - int(p.op_stopped_s[o]))
        else:
            passed = self.worked(u, self.now) - self.worked(u, since) - int(p.op_stopped_s[o])
            passed = max(0, passed)
        todo.lead = prepare + once
        total = min(NEVER, todo.lead + self.time_for(todo, todo.left))
        if passed > total:
            passed = total - min(total, self.time_for(todo, min(todo.left, PIECE)))
        todo.credit = passed
        todo.work = total - passed
        todo.setup_left = max(0, prepare - passed)

    @staticmethod
    def time_for(todo: Todo, pieces: int) -> int:
        return min(NEVER, ceil_div(ceil_div(pieces * todo.piece_us, PIECE), 1_000_000))

    # -- pegging ----

    def _supplies(self) -> None:
        p, now = self.plant, self.now
        self.supply_qty: list[int] = []
        self.supply_base: list[int] = []
        self.supply_moves: list[bool] = []
        for s in range(len(p.supply_id)):
            kind, qty, at, moves = int(p.supply_kind[s]), int(p.supply_qty[s]), now, False
            if kind == SupplyKind.LOT:
                if p.supply_status[s] != LotStatus.RELEASED and p.site.quality_checked:
                    at = self._guess(int(p.supply_until[s]), int(p.supply_again_s[s]))
            elif kind == SupplyKind.OUTPUT:
                o = int(p.supply_op[s])
                made = self.todo[o].output
                num, den = int(p.supply_per_num[s]), int(p.supply_per_den[s])
                if num != den:
                    made = made * num // den
                    made -= made % int(p.item_quantum_qty[p.supply_item[s]])
                qty = max(0, made - qty)
                moves = p.op_status[o] != Status.DONE
                planned = int(p.op_baseline_end[o])
                if planned == UNSET:
                    planned = int(p.order_need_by[p.op_order[o]])
                if not moves:
                    planned = int(p.op_actual_end[o])
                at = max(now, min(self.horizon, planned + int(p.supply_put_away_s[s])))
            elif kind == SupplyKind.TRANSFER or p.site.purchases_checked:
                at = int(p.supply_at[s])
                if at < now:
                    at = min(NEVER, now + int(p.supply_late_s[s]))
            self.supply_qty.append(qty)
            self.supply_base.append(at)
            self.supply_moves.append(bool(moves))

    def _demands(self) -> None:
        p, now = self.plant, self.now
        self.active: list[bool] = []
        self.checked: list[bool] = []
        self.need: list[int] = []
        self.guess: list[int] = []
        for d in range(len(p.demand_id)):
            kind, item, o = int(p.demand_kind[d]), int(p.demand_item[d]), int(p.demand_op[d])
            active = p.demand_qty[d] > 0
            need = now
            if kind == DemandKind.COMPONENT:
                active = active and p.op_status[o] == Status.WAITING
                need = int(p.op_baseline_start[o])
                if need == UNSET:
                    need = int(p.order_need_by[p.op_order[o]])
            elif kind == DemandKind.LINE:
                need = self._latest_ready(int(p.demand_line[d]))
            self.active.append(bool(active))
            tracked = bool(p.item_tracked[item]) and p.site.stock_checked
            self.checked.append(bool(active) and tracked)
            self.need.append(need if need == NEVER else max(now, need))
            lead = int(p.item_lead_s[item])
            since = int(p.item_guess_from[item])
            since = now if since == UNSET else since
            guess = since + lead if since + lead > now else now + lead
            if lead < 0:
                guess = NEVER
            if p.item_kind[item] == ItemKind.BUY and not p.site.purchases_checked:
                guess = now
            self.guess.append(min(NEVER, guess))

    def _due(self, n: int) -> tuple[int, int]:
        p = self.plant
        if p.line_promised[n] != UNSET:
            return int(p.line_promised[n]), 2
        if p.line_requested[n] != UNSET:
            return int(p.line_requested[n]), 1
        return NEVER, 0

    def _latest_ready(self, n: int) -> int:
        p = self.plant
        t, judged = self._due(n)
        if not judged:
            return NEVER
        if p.line_basis[n] == Basis.ARRIVE:
            t -= int(p.line_transit_s[n])
        if p.line_carrier[n] >= 0:
            t = max([leave for leave in self._departures(n) if leave <= t], default=0)
        prepare = int(p.line_prepare_s[n])
        if prepare > 0 and t > 0:
            t = self.latest_start(self.units + 1 + int(p.line_calendar[n]), t, prepare)
        return t

    def _departures(self, n: int) -> list[int]:
        p = self.plant
        k = int(p.line_carrier[n])
        return [int(t) for t in p.departure_at[p.carrier_ptr[k] : p.carrier_ptr[k + 1]]]

    def _ranked(self) -> list[int]:
        """Demands in static rank."""
        p = self.plant

        def unset_last(t: Any) -> int:
            return 2**40 if t == UNSET else int(t)

        lines = sorted(
            range(len(p.line_id)),
            key=lambda n: (
                not p.line_stop[n],
                int(p.line_priority[n]),
                unset_last(p.line_promised[n]),
                unset_last(p.line_requested[n]),
                unset_last(p.line_ordered[n]),
                int(p.line_id[n]),
            ),
        )
        place = {n: k for k, n in enumerate(lines)}
        best: dict[int, int] = {}  # order -> rank of the best line its output is pegged to

        def line_of(d: int) -> int | None:
            if p.demand_kind[d] == DemandKind.LINE:
                return place[int(p.demand_line[d])]
            if p.demand_kind[d] == DemandKind.COMPONENT:
                return best.get(int(p.op_order[p.demand_op[d]]))
            return None

        for _ in range(len(p.order_id) + 1):
            for s, d in zip(p.peg_supply.tolist(), p.peg_demand.tolist(), strict=True):
                rank = line_of(d)
                if p.supply_op[s] >= 0 and rank is not None:
                    order = int(p.op_order[p.supply_op[s]])
                    best[order] = min(rank, best.get(order, rank))

        def key(d: int) -> tuple[int, int, int, int]:
            kind = int(p.demand_kind[d])
            rank = line_of(d)
            if rank is not None:
                return 0, rank, kind, d
            if kind == DemandKind.COMPONENT:
                return 1, int(p.order_need_by[p.op_order[p.demand_op[d]]]), kind, d
            return 2, 0, kind, d

        return sorted(range(len(p.demand_id)), key=key)

    def _given(self) -> list[Peg]:
        p = self.plant
        rank = {d: k for k, d in enumerate(self.ranked)}
        have = list(self.supply_qty)
        want = [int(q) for q in p.demand_qty]
        pegs: list[Peg] = []
        rows = [g for g in range(len(p.peg_qty)) if self.active[p.peg_demand[g]]]
        rows.sort(
            key=lambda g: (
                int(p.peg_kind[g]),
                rank[int(p.peg_demand[g])],
                int(p.peg_supply[g]),
                int(p.peg_qty[g]),
            )
        )
        for g in rows:
            s, d = int(p.peg_supply[g]), int(p.peg_demand[g])
            q = min(int(p.peg_qty[g]), have[s], want[d])
            if q > 0:
                have[s] -= q
                want[d] -= q
                pegs.append((d, int(p.peg_kind[g]), s, q))
        return pegs

    def _add_free(self, kept: list[Peg], at: list[int], need: list[int]) -> list[Peg]:
        p = self.plant
        have = list(self.supply_qty)
        want = [int(q) if self.active[d] else 0 for d, q in enumerate(p.demand_qty)]
        for d, _, s, q in kept:
            have[s] -= q
            want[d] -= q
        pegs = list(kept)
        for d in self.ranked:
            if not self.checked[d] or want[d] <= 0:
                continue
            for s in sorted(range(len(have)), key=lambda s: self._pick(s, at)):
                if have[s] > 0 and want[d] > 0 and self._may_serve(s, d, at, need[d]):
                    q = min(have[s], want[d])
                    have[s] -= q
                    want[d] -= q
                    pegs.append((d, int(PegKind.FREE), s, q))
            if want[d] > 0 and p.demand_kind[d] != DemandKind.SAFETY:
                pegs.append((d, int(PegKind.GUESS), -1, want[d]))
        return pegs

    def _on_hand(self, s: int) -> bool:
        p = self.plant
        released = p.supply_status[s] == LotStatus.RELEASED or not p.site.quality_checked
        return bool(p.supply_kind[s] == SupplyKind.LOT and released)

    def _pick(self, s: int, at: list[int]) -> tuple[int, int, int]:
        if self._on_hand(s):
            return 0, int(self.plant.supply_expiry[s]), s
        return 1, at[s], s

    def _may_serve(self, s: int, d: int, at: list[int], need: int) -> bool:
        p = self.plant
        held = (
            p.supply_kind[s] == SupplyKind.LOT
            and p.supply_status[s] == LotStatus.HELD
            and p.site.quality_checked
        )
        owner, lot = int(p.supply_owner[s]), int(p.demand_lot[d])
        o, user = int(p.supply_op[s]), int(p.demand_op[d])
        return not (
            p.supply_item[s] != p.demand_item[d]
            or (held and not p.supply_dated[s])
            or at[s] == NEVER
            or (owner and owner != p.demand_owner[d])
            or (lot and (p.supply_kind[s] != SupplyKind.LOT or p.supply_id[s] != lot))
            or (o >= 0 and user >= 0 and p.op_order[o] == p.op_order[user])
            or (
                p.supply_expiry[s] != NEVER
                and need + int(p.demand_min_life_s[d]) > p.supply_expiry[s]
            )
        )

    # -- one pass ----

    def _play(self, pegs: list[Peg], number: int) -> Round:
        p = self.plant
        pegs = self._summed(pegs)
        circles: dict[int, int] = {}
        self.pegs = pegs
        self.into: list[list[Peg]] = [[] for _ in range(self.size)]
        for peg in pegs:
            o = int(p.demand_op[peg[0]])
            if o >= 0:
                self.into[o].append(peg)
        while True:
            self.ops = [Op() for _ in range(self.size)]
            self._block(circles)
            self._run()
            left = [o for o in range(self.size) if not self.ops[o].fixed]
            if not left:
                break
            for members in self._circles(left):
                circles.update(dict.fromkeys(members, members[0]))
        at = [
            self._supply_end(s) if self.supply_moves[s] else self.supply_base[s]
            for s in range(len(p.supply_id))
        ]
        peg_at = [self.guess[d] if s < 0 else at[s] for d, _, s, _ in pegs]
        done = Round(number, pegs, self.ops, at, peg_at)
        done.lines = [self._line(n, done) for n in range(len(p.line_id))]
        return done

    def _supply_end(self, s: int) -> int:
        end = self.ops[int(self.plant.supply_op[s])].end
        return NEVER if end == NEVER else min(NEVER, end + int(self.plant.supply_put_away_s[s]))

    def _needs(self, o: int) -> list[int]:
        """Operations whose end o waits for: by arcs, then by pegs."""
        p = self.plant
        runs = p.op_status[o] == Status.RUNNING
        arcs = range(p.op_pred_ptr[o], p.op_pred_ptr[o + 1])
        before = [int(p.arc_pred[a]) for a in arcs if not runs or p.arc_kind[a] == ArcKind.OVERLAP]
        for _, _, s, _ in self.into[o]:
            if s >= 0 and self.supply_moves[s]:
                before.append(int(p.supply_op[s]))
        return before

    def _block(self, circles: dict[int, int]) -> None:
        """BLOCK what has no date of itself, and all that follows it."""
        p = self.plant
        why: dict[int, int] = {}
        for o in range(self.size):
            if p.op_status[o] == Status.DONE:
                continue
            for d, _, s, _ in self._latest_stock(o):
                if s < 0:
                    buys = p.item_kind[p.demand_item[d]] == ItemKind.BUY
                    why[o] = int(Reason.NO_PURCHASE if buys else Reason.NO_WORK_ORDER)
                else:
                    why[o] = int(Reason.SUPPLY)
            u = int(p.op_unit[o])
            if u >= 0 and self.back[u] == NEVER:
                why[o] = int(Reason.UNIT_DOWN)
            if p.op_hold[o] and self._hold_end(o) == NEVER:
                why[o] = int(Reason.HOLD)
            if o in circles:
                why[o] = int(Reason.CYCLE)
        for r in sorted(why):
            if self.ops[r].state == State.BLOCKED:
                continue
            reach = [r]
            for o in reach:
                op = self.ops[o]
                op.state, op.fixed = int(State.BLOCKED), True
                op.root, op.reason = circles.get(r, r), why[r]
                for other in range(self.size):
                    if (
                        other not in reach
                        and p.op_status[other] != Status.DONE
                        and self.ops[other].state != State.BLOCKED
                        and o in self._needs(other)
                    ):
                        reach.append(other)

    def _latest_stock(self, o: int) -> list[Peg]:
        """The first of o's pegs that never come, if any."""
        never = []
        for peg in self.into[o]:
            d, _, s, _ = peg
            fixed_at = self.guess[d] if s < 0 else self.supply_base[s]
            if not (s >= 0 and self.supply_moves[s]) and fixed_at == NEVER:
                never.append(peg)
        return never[:1]

    def _hold_end(self, o: int) -> int:
        return self._guess(int(self.plant.op_hold_until[o]), int(self.plant.op_hold_again_s[o]))

    def _floor(self, o: int) -> tuple[int, int]:
        p = self.plant
        t, bind = self.now, int(Bind.NOW)
        if p.op_status[o] != Status.RUNNING and p.op_not_before[o] > t:
            t, bind = int(p.op_not_before[o]), int(Bind.NOT_BEFORE)
        if p.op_hold[o] and self._hold_end(o) != NEVER and self._hold_end(o) > t:
            t, bind = self._hold_end(o), int(Bind.HOLD)
        return t, bind

    def _runs_until(self, o: int, t: int, d: int) -> int:
        if self.plant.op_span[o] == Span.ELAPSED:
            return t + d if t + d <= self.horizon else NEVER
        return self.finish(self.unit(o), t, d)

    def _going_on(self, o: int) -> int:
        t, _ = self._floor(o)
        if self.todo[o].work == 0 or self.plant.op_span[o] == Span.ELAPSED:
            return t
        return self.first(self.unit(o), t)

    def _there(self, o: int, pieces: int) -> int:
        """When `pieces` good pieces of o are there."""
        p, todo, op = self.plant, self.todo[o], self.ops[o]
        good = int(p.op_good_qty[o])
        if p.op_status[o] == Status.DONE or pieces > todo.output or pieces <= 0:
            return op.end
        if good >= pieces:
            told = int(p.op_report_at[o])
            return int(p.op_actual_start[o]) if told == UNSET else told
        into = ceil_div((pieces - good) * int(p.op_yield_den[o]), int(p.op_yield_num[o]))
        into = min(into, todo.left)
        d = max(0, todo.lead + self.time_for(todo, into) - todo.credit)
        if p.op_status[o] == Status.RUNNING and not op.taken_off:
            t = self._going_on(o)
        else:
            t = self.finish(self.unit(o), op.start, op.setup)
        t = self._runs_until(o, t, d)
        for a in self._feeders(o):
            f = int(p.arc_pred[a])
            need = ceil_div((todo.used + into) * int(p.arc_per_num[a]), int(p.arc_per_den[a]))
            t = max(t, self._there(f, min(need, self.todo[f].output)) + int(p.arc_lag_s[a]))
        return min(t, NEVER)

    def _feeders(self, o: int) -> list[int]:
        p = self.plant
        arcs = range(p.op_pred_ptr[o], p.op_pred_ptr[o + 1])
        return [a for a in arcs if p.arc_kind[a] == ArcKind.OVERLAP]

    def _fed_until(self, o: int) -> tuple[int, int]:
        p, bound, feeder = self.plant, UNSET, -1
        for a in self._feeders(o):
            f = int(p.arc_pred[a])
            if self.ops[f].end == NEVER:
                return NEVER, f
            batch = ceil_div(int(p.arc_batch_qty[a]) * int(p.arc_per_den[a]), int(p.arc_per_num[a]))
            last = self.time_for(self.todo[o], min(batch, self.todo[o].left))
            t = self._runs_until(o, self.ops[f].end + int(p.arc_lag_s[a]), last)
            if t > bound:
                bound, feeder = t, f
        return bound, feeder

    def _known(self, o: int) -> bool:
        return all(self.ops[f].fixed for f in self._needs(o))

    def _ready(self, o: int) -> tuple[int, int, int, int]:
        """When o could start if its place were free, what binds it, and without its material."""
        p, todo = self.plant, self.todo[o]
        t, bind = self._floor(o)
        ref = -1
        begun = self.ops[o].taken_off
        for a in range(p.op_pred_ptr[o], p.op_pred_ptr[o + 1]):
            f = int(p.arc_pred[a])
            e = self.ops[f].end
            if p.arc_kind[a] == ArcKind.OVERLAP:
                if e != NEVER:
                    used = ceil_div(todo.used * int(p.arc_per_num[a]), int(p.arc_per_den[a]))
                    need = used + int(p.arc_batch_qty[a])
                    e = self._there(f, min(need, self.todo[f].output))
            elif begun:
                continue
            e = NEVER if e == NEVER else e + int(p.arc_lag_s[a])
            if e > t:
                t, bind, ref = e, int(Bind.ARC), f
        bare = min(t, NEVER)
        for moving in (False, True):
            for d, _, s, _ in self.into[o]:
                if (s >= 0 and self.supply_moves[s]) != moving:
                    continue
                at = self.guess[d] if s < 0 else self.supply_base[s]
                at = self._supply_or_beyond(s) if moving else at
                if at > t:
                    t = at
                    bind, ref = (int(Bind.UNCOVERED), d) if s < 0 else (int(Bind.SUPPLY), s)
        if begun and t < NEVER:
            bound, f = self._fed_until(o)
            e = bound if bound == NEVER else self.latest_start(self.unit(o), bound, todo.work)
            if e > t:
                t, bind, ref = e, int(Bind.ARC), f
        return min(t, NEVER), bind, ref, bare

    def _supply_or_beyond(self, s: int) -> int:
        end = self.ops[int(self.plant.supply_op[s])].end
        return NEVER if end == NEVER else end + int(self.plant.supply_put_away_s[s])

    def _family(self, o: int) -> int:
        return int(self.plant.op_family[o]) or -int(self.plant.op_id[o])

    def _setup_on(self, o: int, place: int) -> int:
        if place >= 0:
            if self.mounted[place] != self._family(o):
                return self.todo[o].setup
        elif self.plant.op_status[o] == Status.WAITING:
            return self.todo[o].setup
        return self.todo[o].resume

    def _whole(self, o: int) -> bool:
        p = self.plant
        return bool(
            p.op_span[o] != Span.ELAPSED and (p.op_span[o] == Span.NO_BREAK or p.op_restart[o])
        )

    def _start_on(self, o: int, t: int, setup: int) -> int:
        if t == NEVER:
            return NEVER
        if self._whole(o):
            return self.fits_from(self.unit(o), t, setup + self.todo[o].work)
        return self.first(self.unit(o), t)

    def _places(self, u: int) -> range:
        p = self.plant
        return range(p.unit_place_ptr[u], p.unit_place_ptr[u + 1])

    def _free_place(self, u: int) -> int:
        return min(self._places(u), key=lambda x: (self.free[x], x))

    def _fix(self, o: int) -> None:
        op, u = self.ops[o], self.unit(o)
        t, bind, ref, op.bound = self._ready(o)
        place = -1
        if u < self.units:
            place = self._free_place(u)
            if self.free[place] > t:
                t, bind, ref = self.free[place], int(Bind.PLACE), self.last[place]
            op.bound = max(op.bound, self.free[place])
        setup = self._setup_on(o, place)
        start = self._start_on(o, t, setup)
        end = NEVER
        if start != NEVER:
            end = self.finish(u, start, setup)
            if end != NEVER:
                end = self._runs_until(o, end, self.todo[o].work)
        fed, feeder = self._fed_until(o)
        if end == NEVER or fed == NEVER:
            self._beyond(o)
            return
        if fed > end:
            end, op.feeder = fed, feeder
        if start > t:
            back = self.back[u] if u < self.units else None
            if back is not None and t < back <= start:
                op.wait = int(Wait.UNIT_DOWN)
            elif self._whole(o) and self.first(u, t) < start:
                op.wait = int(Wait.FIT)
            else:
                op.wait = int(Wait.CALENDAR)
        op.start, op.end, op.setup, op.bind, op.bind_ref = start, end, setup, bind, ref
        op.fixed = True
        if place >= 0:
            op.place = place - self._places(u)[0]
            self.free[place], self.mounted[place], self.last[place] = end, self._family(o), o

    def _beyond(self, o: int) -> None:
        op = self.ops[o]
        op.state, op.reason, op.fixed = int(State.BEYOND_HORIZON), int(Reason.HORIZON), True

    def _go_on(self, o: int) -> bool:
        p, op, u = self.plant, self.ops[o], self.unit(o)
        end = NEVER
        t = self._going_on(o)
        if t != NEVER:
            end = self._runs_until(o, t, self.todo[o].work)
        fed, feeder = self._fed_until(o)
        if end == NEVER or fed == NEVER:
            self._beyond(o)
            return True
        if fed > end:
            stands = self.worked(u, fed) - self.worked(u, end)
            if self.pull and u < self.units and stands > p.site.suspend_after_s:
                return False
            end, op.feeder = fed, feeder
        op.start, op.end = int(p.op_actual_start[o]), end
        op.setup, op.bind, op.fixed = self.todo[o].setup_left, int(Bind.STARTED), True
        if u < self.units:
            place = self._places(u)[0] + op.place
            if end >= self.free[place]:
                self.free[place], self.mounted[place] = end, self._family(o)
                self.last[place] = o
        return True

    def _run(self) -> None:
        p = self.plant
        self.free = [self.now] * len(p.place_family)
        self.mounted = [int(f) for f in p.place_family]
        self.last = [-1] * len(p.place_family)
        for o in range(self.size):
            if p.op_status[o] == Status.DONE:
                op = self.ops[o]
                op.start, op.end = int(p.op_actual_start[o]), int(p.op_actual_end[o])
                op.bind, op.fixed = int(Bind.STARTED), True
        running = [
            o
            for o in range(self.size)
            if p.op_status[o] == Status.RUNNING and not self.ops[o].fixed
        ]
        taken: set[int] = set()
        placed = [o for o in running if self.unit(o) < self.units]
        for o in sorted(placed, key=lambda o: (p.op_place[o] < 0, o)):
            places = self._places(self.unit(o))
            named = int(p.op_place[o])
            open_places = [x for x in places if x not in taken]
            place = places[named] if named >= 0 else (open_places or list(places))[0]
            self.ops[o].conflict = place in taken
            taken.add(place)
            self.ops[o].place = place - places[0]
        self.pending: dict[int, list[int]] = {}
        for o in running:
            u = self.unit(o)
            if self._known(o) and self._go_on(o):
                continue
            if u < self.units and self.pull:
                self.ops[o].taken_off = True
                self.mounted[self._places(u)[0] + self.ops[o].place] = self._family(o)
            elif u < self.units:
                self.pending.setdefault(u, []).append(o)
        self.queues: list[list[int]] = []
        for u in range(self.units):
            off = [o for o in running if self.ops[o].taken_off and self.unit(o) == u]
            planned = p.queue_op[p.unit_queue_ptr[u] : p.unit_queue_ptr[u + 1]]
            self.queues.append(off + [int(o) for o in planned])
        self.seat = {o: k for k, o in enumerate(o for queue in self.queues for o in queue)}
        self._settle()
        if self.pull:
            self._pull_through_time()
        self._by_queue()

    def _settle(self) -> None:
        """Fix what needs no turn: running operations now fed, and what can have no date."""
        p = self.plant
        again = True
        while again:
            again = False
            for o in range(self.size):
                op = self.ops[o]
                if op.fixed or not self._known(o):
                    continue
                if p.op_status[o] == Status.RUNNING and not op.taken_off:
                    self._go_on(o)
                    again = True
                elif self._ready(o)[0] == NEVER:
                    self._beyond(o)
                    again = True

    def _queue(self, u: int) -> list[int]:
        if any(not self.ops[o].fixed for o in self.pending.get(u, [])):
            return []
        return [o for o in self.queues[u] if not self.ops[o].fixed]

    def _candidate(self, u: int, until: int) -> tuple[int, int, int, int] | None:
        """(start, overtakes, unit, operation) of whose turn it is on unit u."""
        queue = self._queue(u)
        if not queue:
            return None
        place = self._free_place(u)
        free = self.free[place]
        starts: dict[int, int] = {}
        for o in queue:
            if self._known(o):
                ready = self._ready(o)[0]
                if o == queue[0] or (ready < until and not self.plant.op_pinned[o]):
                    start = self._start_on(o, max(free, ready), self._setup_on(o, place))
                    if start != NEVER:
                        starts[o] = start
        if not starts:
            return None
        head = queue[0]
        if head in starts:
            waits = self.worked(u, self._ready(head)[0]) - self.worked(u, free)
            ready = self._ready(head)[0]
            if ready <= free or waits <= self.plant.site.pull_after_s:
                return starts[head], 0, u, head
            if starts[head] <= min(starts.values()):
                return starts[head], 0, u, head
        best = min(starts, key=lambda o: (starts[o], self.seat[o]))
        return starts[best], 1, u, best

    def _pull_through_time(self) -> None:
        until = min(self.horizon, self.now + self.plant.site.pull_window_s)
        while until > self.now:
            turns = [self._candidate(u, until) for u in range(self.units)]
            found = [turn for turn in turns if turn is not None]
            for o in range(self.size):
                if self.unit(o) == self.units and not self.ops[o].fixed and self._known(o):
                    start = self._start_on(o, self._ready(o)[0], self._setup_on(o, -1))
                    found.append((start, 0, self.units + o, o))
            if not found or min(found)[0] >= until:
                return
            _, overtakes, _, o = min(found)
            self.ops[o].overtook = bool(overtakes)
            self._fix(o)
            self._settle()

    def _by_queue(self) -> None:
        while True:
            ready = [
                o
                for o in range(self.size)
                if not self.ops[o].fixed and self.unit(o) == self.units and self._known(o)
            ]
            for u in range(self.units):
                ready += [o for o in self._queue(u)[:1] if self._known(o)]
            if ready:
                self._fix(ready[0])
                self._settle()
                continue
            stuck = [
                o
                for u in range(self.units)
                for o in self._queue(u)
                if self._known(o) and not self.plant.op_pinned[o]
            ]
            if not stuck or not self.pull:
                return
            o = min(stuck, key=lambda o: (self._ready(o)[0], self.seat[o]))
            self.ops[o].overtook = True
            self._fix(o)
            self._settle()

    def _circles(self, left: list[int]) -> list[list[int]]:
        """Groups of operations that wait for each other, by reachability."""
        waits: dict[int, set[int]] = {o: {f for f in self._needs(o) if f in left} for o in left}
        for u in range(self.units):
            before = [o for o in self.pending.get(u, []) if o in waits]
            for o in self.queues[u]:
                if o in waits:
                    if not self.pull or self.plant.op_pinned[o]:
                        waits[o].update(before)
                    before = [o]
        reach: dict[int, set[int]] = {}
        for o in left:
            seen: set[int] = set()
            look = list(waits[o])
            while look:
                f = look.pop()
                if f not in seen:
                    seen.add(f)
                    look.extend(waits[f])
            reach[o] = seen
        groups = {
            tuple(sorted(f for f in left if f in reach[o] and o in reach[f]))
            for o in left
            if o in reach[o]
        }
        if not groups:
            raise AssertionError("operations stay unfixed without a circle")
        return [list(group) for group in sorted(groups)]

    # -- deliveries and stock ----

    def _line(self, n: int, played: Round) -> dict[str, int]:
        p = self.plant
        ready, supply, reason, root, begin = self.now, -1, 0, -1, NEVER
        for (d, _, s, _), at in zip(played.pegs, played.peg_at, strict=True):
            if p.demand_line[d] != n:
                continue
            begin = min(begin, at)
            if at > ready or (supply == -1 and at == ready):
                ready, supply, root = at, s, -1
                if s < 0:
                    buys = p.item_kind[p.demand_item[d]] == ItemKind.BUY
                    reason = int(Reason.NO_PURCHASE if buys else Reason.NO_WORK_ORDER)
                elif p.supply_op[s] >= 0:
                    maker = played.ops[int(p.supply_op[s])]
                    reason, root = maker.reason, maker.root
                else:
                    reason = int(Reason.SUPPLY)
        ship, arrive = self._send(n, ready)
        first = self._send(n, ready if begin == NEVER else begin)[1]
        state = int(State.DATED)
        if arrive == NEVER:
            if ready < NEVER:
                reason = int(Reason.HORIZON)
            beyond = reason == Reason.HORIZON
            state = int(State.BEYOND_HORIZON if beyond else State.BLOCKED)
        else:
            reason, root = 0, -1
        due, judged = self._due(n)
        when = ship if p.line_basis[n] == Basis.SHIP else arrive
        when = self.horizon if state else when
        return {
            "state": state,
            "ready": ready,
            "ship": ship,
            "arrive": arrive,
            "first_arrive": first if p.line_partial[n] else arrive,
            "late_s": when - due if judged else 0,
            "judged": judged,
            "supply": supply,
            "reason": reason,
            "root": root,
        }

    def _send(self, n: int, ready: int) -> tuple[int, int]:
        p = self.plant
        if ready == NEVER:
            return NEVER, NEVER
        u = self.units + 1 + int(p.line_calendar[n])
        t = self.finish(u, ready, int(p.line_prepare_s[n]))
        if t != NEVER and p.line_carrier[n] >= 0:
            t = min([leave for leave in self._departures(n) if leave >= t], default=NEVER)
        return t, NEVER if t == NEVER else min(NEVER, t + int(p.line_transit_s[n]))

    def _levels(self, played: Round) -> list[tuple[int, int, int]]:
        """(first instant below zero, lowest level, when) of each item."""
        p, now = self.plant, self.now
        levels = []
        for i in range(len(p.item_id)):
            moves = [
                (at, q)
                for s, (at, q) in enumerate(zip(played.supply_at, self.supply_qty, strict=True))
                if p.supply_item[s] == i and at != NEVER and q > 0
            ]
            for d in range(len(p.demand_id)):
                if p.demand_item[d] != i or not self.checked[d]:
                    continue
                need = self.need[d]
                if p.demand_kind[d] == DemandKind.SAFETY:
                    continue
                if p.demand_kind[d] == DemandKind.COMPONENT:
                    o = int(p.demand_op[d])
                    need = int(p.op_baseline_start[o])
                    need = played.ops[o].start if need == UNSET else need
                if need != NEVER:
                    moves.append((max(now, need), -int(p.demand_qty[d])))
            level = sum(q for at, q in moves if at == now)
            below, lowest, when = (now if level < 0 else NEVER), level, now
            for t in sorted({at for at, _ in moves if at > now}):
                level += sum(q for at, q in moves if at == t)
                if level < lowest:
                    lowest, when = level, t
                if level < 0:
                    below = min(below, t)
            levels.append((below, lowest, when))
        return levels

    # -- rounds ----

    def project(self) -> dict[str, list[int]]:
        """Return the figures of the projection under the names of `Projection`."""
        self._supplies()
        self._demands()
        self.ranked = self._ranked()
        given = self._given()
        need = [self.now if t == NEVER else t for t in self.need]
        rounds = [self._play(self._add_free(given, self.supply_base, need), 0)]
        while True:
            pegs = self._again(rounds[-1])
            if pegs is None:
                return self._figures(rounds[-1], len(rounds))
            if len(rounds) == 4:
                best = min(rounds, key=lambda r: r.worth(self.plant))
                return self._figures(best, 4)
            rounds.append(self._play(pegs, len(rounds)))

    def _again(self, last: Round) -> list[Peg] | None:
        p = self.plant
        late: set[Peg] = set()
        for peg, at in zip(last.pegs, last.peg_at, strict=True):
            d, kind, _, _ = peg
            o, line = int(p.demand_op[d]), int(p.demand_line[d])
            if kind != PegKind.FREE:
                continue
            if line >= 0:
                other = self.need[d]
            elif o < 0 or last.ops[o].state != State.DATED:
                other = NEVER
            else:
                others = [
                    t
                    for (e, k, _, _), t in zip(last.pegs, last.peg_at, strict=True)
                    if p.demand_op[e] == o and k != PegKind.FREE
                ]
                other = max([last.ops[o].bound, *others])
            if at > other:
                late.add(peg)
        if not late:
            return None
        need = [self.now if t == NEVER else t for t in self.need]
        for d in range(len(need)):
            o = int(p.demand_op[d])
            if o >= 0 and last.ops[o].start != NEVER:
                need[d] = last.ops[o].start
        kept = [g for g in last.pegs if g not in late and g[1] != PegKind.GUESS]
        new = self._add_free(kept, last.supply_at, need)
        return None if self._summed(new) == last.pegs else new

    @staticmethod
    def _summed(pegs: list[Peg]) -> list[Peg]:
        total: dict[tuple[int, int, int], int] = {}
        for d, k, s, q in pegs:
            total[d, k, s] = total.get((d, k, s), 0) + q
        return sorted((d, k, s, q) for (d, k, s), q in total.items())

    def _figures(self, kept: Round, rounds: int) -> dict[str, list[int]]:
        ops, lines, levels = kept.ops, kept.lines, self._levels(kept)
        rank = {d: k for k, d in enumerate(self.ranked)}
        figures = {
            "op_state": [op.state for op in ops],
            "op_start": [op.start for op in ops],
            "op_end": [op.end for op in ops],
            "op_setup_s": [op.setup for op in ops],
            "op_place": [op.place for op in ops],
            "op_bind": [op.bind for op in ops],
            "op_bind_ref": [op.bind_ref for op in ops],
            "op_wait": [op.wait for op in ops],
            "op_end_feeder": [op.feeder for op in ops],
            "op_reason": [op.reason for op in ops],
            "op_root": [op.root for op in ops],
            "op_overtook": [int(op.overtook) for op in ops],
            "op_taken_off": [int(op.taken_off) for op in ops],
            "op_conflict": [int(op.conflict) for op in ops],
            "op_input_qty": [todo.input for todo in self.todo],
            "op_left_qty": [todo.left for todo in self.todo],
            "op_output_qty": [todo.output for todo in self.todo],
            "supply_at": kept.supply_at,
            "supply_qty": self.supply_qty,
            "peg_demand": [d for d, _, _, _ in kept.pegs],
            "peg_kind": [k for _, k, _, _ in kept.pegs],
            "peg_supply": [s for _, _, s, _ in kept.pegs],
            "peg_qty": [q for _, _, _, q in kept.pegs],
            "peg_at": kept.peg_at,
            "demand_rank": [rank[d] for d in range(len(rank))],
            "demand_need_at": self.need,
            "item_below_zero_at": [below for below, _, _ in levels],
            "item_lowest_qty": [lowest for _, lowest, _ in levels],
            "item_lowest_at": [when for _, _, when in levels],
            "round_kept": [kept.number],
            "rounds": [rounds],
        }
        for name in lines[0] if lines else ():
            figures[f"line_{name}"] = [line[name] for line in lines]
        return figures
