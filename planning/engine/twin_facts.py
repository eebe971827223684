"""The twin's facts: working time, pieces and seconds left, supplies, demands and pegs.

See `twin.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from planning.engine.plant import (
    NEVER,
    PIECE,
    PPM,
    UNSET,
    Basis,
    DemandKind,
    ItemKind,
    LotStatus,
    PegKind,
    Plant,
    QueueRule,
    Span,
    Status,
    SupplyKind,
)

Peg = tuple[int, int, int, int]  # demand, kind, supply, quantity


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


def ceil_div(a: int, b: int) -> int:
    return -(-a // b)


class TwinFacts:
    """What the twin knows of a plant before it projects."""

    ranked: list[int]  # demands in static rank

    def __init__(self, plant: Plant, *, now: int) -> None:
        self.plant = plant
        self.now = now
        self.units = len(plant.unit_id)
        self.size = len(plant.op_id)
        self.horizon = plant.site.horizon
        self.pull = plant.site.queue_rule == QueueRule.PULL_READY
        self.back = [self._back(u) for u in range(self.units)]
        self.works = [self._minutes(u) for u in range(self.units)]
        self.works.append([PPM] * (self.horizon // 60))
        for k in range(len(plant.calendars.id)):
            mask = [0] * (self.horizon // 60)
            for start, end in plant.calendars.intervals(k):
                mask[start // 60 : end // 60] = [PPM] * ((end - start) // 60)
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

    def _minutes(self, u: int) -> list[int]:
        """How much work a minute of unit u is, in millionths: nothing where it stands."""
        p = self.plant
        minutes = self.horizon // 60
        mask = [0] * minutes
        for start, end in p.calendars.intervals(int(p.unit_calendar[u])):
            mask[start // 60 : end // 60] = [PPM] * ((end - start) // 60)
        rows = range(p.unit_exception_ptr[u], p.unit_exception_ptr[u + 1])
        for opens in (True, False):
            for x in rows:
                if bool(p.exception_open[x]) == opens:
                    start, end = int(p.exception_start[x]), int(p.exception_end[x])
                    for m in range(minutes):
                        inside = start <= m * 60 and (m + 1) * 60 <= end
                        touched = start < (m + 1) * 60 and end > m * 60
                        if (inside if opens else touched) and start < end:
                            mask[m] = PPM if opens else 0
        back = self.back[u]
        if back is not None:
            since = int(p.unit_down_since[u])
            for m in range(minutes):
                if since < (m + 1) * 60 and back > m * 60 and since < back:
                    mask[m] = 0
        if p.unit_slow[u]:
            since = int(p.unit_slow_since[u])
            until = self._guess(int(p.unit_slow_until[u]), int(p.unit_slow_again_s[u]))
            for m in range(minutes):
                if since < (m + 1) * 60 and until > m * 60 and mask[m]:
                    mask[m] = int(p.unit_slow_ppm[u])
        return mask

    @staticmethod
    def _stretches(mask: list[int]) -> list[tuple[int, int, int]]:
        """Start and end of what works without a break at one rate, and that rate."""
        runs: list[tuple[int, int, int]] = []
        for m, rate in enumerate(mask):
            if rate and runs and runs[-1][1:] == (m * 60, rate):
                runs[-1] = (runs[-1][0], m * 60 + 60, rate)
            elif rate:
                runs.append((m * 60, m * 60 + 60, rate))
        return runs

    def worked(self, u: int, t: int) -> int:
        return sum(max(0, min(e, t) - s) * rate // PPM for s, e, rate in self.stretches[u])

    def first(self, u: int, t: int) -> int:
        return next((max(s, t) for s, e, _ in self.stretches[u] if e > t), NEVER)

    def finish(self, u: int, t: int, d: int) -> int:
        if t == NEVER or d <= 0:
            return t
        for s, e, rate in self.stretches[u]:
            if e <= t:
                continue
            before = max(0, t - s) * rate // PPM
            here = (e - s) * rate // PPM - before
            if here >= d:
                return s + next(
                    x for x in self._near(d + before, rate) if x * rate // PPM >= d + before
                )
            d -= here
        return NEVER

    @staticmethod
    def _near(work: int, rate: int) -> range:
        """Some seconds, in rising order, around that at which so much work is done."""
        return range(max(0, work * PPM // rate - 2), work * PPM // rate + 3)

    def fits_from(self, u: int, t: int, d: int) -> int:
        for at, (s, e, _) in enumerate(self.stretches[u]):
            for after, _end, _rate in self.stretches[u][at + 1 :]:
                if after != e:
                    break
                e = _end
            if e > t and self.worked(u, e) - self.worked(u, max(s, t)) >= d:
                return max(s, t)
        return NEVER

    def latest_start(self, u: int, t: int, d: int) -> int:
        if d <= 0:
            return t
        left = self.worked(u, t) - d
        if left < 0:
            return 0
        for s, e, rate in self.stretches[u]:
            here = (e - s) * rate // PPM
            if here > left:
                return s + max(x for x in self._near(left + 1, rate) if x * rate // PPM <= left)
            left -= here
        return NEVER

    def unit(self, o: int) -> int:
        return self.units if self.plant.op_unit[o] < 0 else int(self.plant.op_unit[o])

    # -- pieces and seconds ----

    def _todo(self) -> list[Todo]:
        p = self.plant
        rows: list[Todo] = []
        for o in range(self.size):
            todo = Todo(setup=int(p.op_setup_s[o]))
            todo.used = self._used(o)
            brought = []
            for a in range(p.op_pred_ptr[o], p.op_pred_ptr[o + 1]):
                if p.arc_per_num[a] and p.op_part_of[p.arc_pred[a]] < 0:
                    given = sum(
                        rows[f].output if f < o else int(p.op_launch_qty[f])
                        for f in self.parts(int(p.arc_pred[a]))
                    )
                    brought.append(given * int(p.arc_per_den[a]) // int(p.arc_per_num[a]))
            todo.input = int(p.op_launch_qty[o])
            if brought:
                first = int(p.op_part_of[o]) if p.op_part_of[o] >= 0 else o
                others = [x for x in self.parts(first) if x != o]
                todo.input = min(brought)
                for x in others:
                    open_before = x < o and p.op_status[x] != Status.DONE
                    todo.input -= rows[x].input if open_before else self._used(x)
                if others:
                    todo.input = min(int(p.op_launch_qty[o]), max(0, todo.input))
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

    def parts(self, first: int) -> list[int]:
        """The parts of an operation by its first; one that is whole is its own."""
        p = self.plant
        return [first, *(o for o in range(self.size) if p.op_part_of[o] == first)]

    def _planned_end(self, o: int) -> int:
        p = self.plant
        if p.op_status[o] == Status.DONE:
            return int(p.op_actual_end[o])
        planned = int(p.op_baseline_end[o])
        return int(p.order_need_by[p.op_order[o]]) if planned == UNSET else planned

    def _used(self, o: int) -> int:
        p = self.plant
        return int(p.op_good_qty[o] + p.op_scrap_qty[o] + p.op_rework_qty[o])

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
                parts = self.parts(o)
                made = sum(self.todo[x].output for x in parts)
                num, den = int(p.supply_per_num[s]), int(p.supply_per_den[s])
                if num != den:
                    made = made * num // den
                    made -= made % int(p.item_quantum_qty[p.supply_item[s]])
                qty = max(0, made - qty)
                moves = any(p.op_status[x] != Status.DONE for x in parts)
                planned = max(self._planned_end(x) for x in parts)
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
                if p.supply_item[s] != p.demand_item[d]:
                    continue
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
            return -1 if p.item_safety_kept[p.demand_item[d]] else 2, 0, kind, d

        return sorted(range(len(p.demand_id)), key=key)

    def _given(self) -> list[Peg]:
        p = self.plant
        rank = {d: k for k, d in enumerate(self.ranked)}
        have = list(self.supply_qty)
        want = [int(q) for q in p.demand_qty]
        pegs: list[Peg] = []
        rows = [
            g
            for g in range(len(p.peg_qty))
            if self.active[p.peg_demand[g]]
            and p.supply_item[p.peg_supply[g]] == p.demand_item[p.peg_demand[g]]
        ]
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
