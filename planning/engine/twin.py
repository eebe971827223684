"""The engine's twin: pegging and projection once more, slowly, in plain Python.

It shares with the engine the Plant it reads and the names of its codes, and nothing else: calendars
are one flag a minute, times are found by scanning, whose turn it is by looking at every unit each
time. Where twin and engine differ, one of them has a bug. It is the oracle of the tests and never
runs in the product.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from planning.engine.plant import (
    NEVER,
    UNSET,
    ArcKind,
    Basis,
    Bind,
    DemandKind,
    ItemKind,
    PegKind,
    Plant,
    Reason,
    Span,
    State,
    Status,
    Wait,
)
from planning.engine.twin_facts import Peg, TwinFacts, ceil_div


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


class Twin(TwinFacts):
    """The same projection as `projection.project`, by other means."""

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

    def _end_of_all(self, s: int) -> int:
        """When the last part of the operation ends that makes a supply."""
        return max(self.ops[x].end for x in self.parts(int(self.plant.supply_op[s])))

    def _supply_end(self, s: int) -> int:
        end = self._end_of_all(s)
        return NEVER if end == NEVER else min(NEVER, end + int(self.plant.supply_put_away_s[s]))

    def _needs(self, o: int) -> list[int]:
        """Operations whose end o waits for: by arcs, then by pegs."""
        p = self.plant
        runs = p.op_status[o] == Status.RUNNING
        arcs = range(p.op_pred_ptr[o], p.op_pred_ptr[o + 1])
        before = [int(p.arc_pred[a]) for a in arcs if not runs or p.arc_kind[a] == ArcKind.OVERLAP]
        for _, _, s, _ in self.into[o]:
            if s >= 0 and self.supply_moves[s]:
                parts = self.parts(int(p.supply_op[s]))
                before += [x for x in parts if p.op_status[x] != Status.DONE]
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
            if self._tool(o)[0] == NEVER:
                why[o] = int(Reason.TOOL)
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

    def _floor(self, o: int) -> tuple[int, int, int]:
        p = self.plant
        t, bind = self.now, int(Bind.NOW)
        if p.op_status[o] != Status.RUNNING and p.op_not_before[o] > t:
            t, bind = int(p.op_not_before[o]), int(Bind.NOT_BEFORE)
        if p.op_hold[o] and self._hold_end(o) != NEVER and self._hold_end(o) > t:
            t, bind = self._hold_end(o), int(Bind.HOLD)
        back, tool = self._tool(o)
        if t < back < NEVER:
            return back, int(Bind.TOOL), tool
        return t, bind, -1

    def _tool(self, o: int) -> tuple[int, int]:
        """When all tools of o that are lost are back, and the first that is so long away."""
        p = self.plant
        if p.op_unit[o] >= 0 and p.unit_outside[p.op_unit[o]]:
            return UNSET, -1
        away = {}
        for k in p.need_tool[p.op_need_ptr[o] : p.op_need_ptr[o + 1]].tolist():
            if p.tool_lost[k]:
                away[k] = self._guess(int(p.tool_lost_until[k]), int(p.tool_lost_again_s[k]))
        last = max(away.values(), default=UNSET)
        return last, min((k for k, back in away.items() if back == last), default=-1)

    def _runs_until(self, o: int, t: int, d: int) -> int:
        if self.plant.op_span[o] == Span.ELAPSED:
            return t + d if t + d <= self.horizon else NEVER
        return self.finish(self.unit(o), t, d)

    def _going_on(self, o: int) -> int:
        t, _, _ = self._floor(o)
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
        t, bind, ref = self._floor(o)
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
        end = self._end_of_all(s)
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
                    parts = self.parts(int(p.supply_op[s]))
                    maker = next((x for x in parts if played.ops[x].state), parts[0])
                    reason, root = played.ops[maker].reason, played.ops[maker].root
                else:
                    reason = int(Reason.SUPPLY)
        ship, arrive = self._send(n, ready)
        part, there = int(p.line_part_qty[n]), 0
        mine = sorted(
            (at, peg[3])
            for peg, at in zip(played.pegs, played.peg_at, strict=True)
            if p.demand_line[peg[0]] == n
        )
        for at, qty in mine if part else ():
            if there < part <= there + qty:
                begin = at
            there += qty
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
            "first_arrive": first if p.line_partial[n] or part else arrive,
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
