"""Ways to respond to an event, each projected and costed like everything else.

`evaluate` projects a set of changes and says what it does against doing nothing. `generate` makes
a small number of sets worth evaluating: other units, another order, overtime, and the best of them
together. Ideas are found with estimates in floating point; every figure that is given comes from
a whole projection. The number of projections is bounded by a count, never by time, so the same
plant gives the same options.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from numba import njit

from planning.engine.changes import (
    AddCalendarWindow,
    Change,
    Footprint,
    MoveJob,
    Refusal,
    SetQueue,
    Why,
    apply,
    circle,
    displaced,
    footprint,
    frozen,
    illegal,
    moved_ops,
    to_json,
)
from planning.engine.cost import (
    CostRules,
    LateCost,
    OptionCost,
    late_cost,
    option_cost,
    windows,
)
from planning.engine.deals import Deal, SetPromise
from planning.engine.ideas import beyond_machines
from planning.engine.impact import Cause, CauseKind, LineHit, at_stake, line_hits
from planning.engine.kinds import Kind as Kind
from planning.engine.kinds import Verdict as Verdict
from planning.engine.mend_ideas import mend
from planning.engine.plant import (
    I32,
    I64,
    NEVER,
    PIECE,
    PPM,
    ArcKind,
    Bind,
    Flags,
    Plant,
    Projection,
    State,
    Status,
    Wait,
)
from planning.engine.projection import project
from planning.engine.reorder import reoptimise
from planning.engine.rows import at_rows_of, projection_at_rows_of, rows_in
from planning.engine.splits import maker_of
from planning.engine.work_ideas import crew, repair_for_now, split

HOUR = 3_600
DAY = 86_400
ONE: Final = 10_000  # one unit of money; stands for a value that nobody knows
BUDGET: Final = 76
OF_MACHINES: Final = 24  # of them, at most, for other units, another order and overtime
OF_ORDER: Final = 20  # of them, at most, for the local search over queues
OFFERED_A_KIND: Final = 3
HOT_LINES: Final = 20
NAMED: Final = 20  # lines that an option names as helped or hurt; the rest are counted
MOVES: Final = 12  # jobs that one idea may move
SHARED: Final = 40  # jobs of a stopped unit that others may take over in their turn
GREEDY: Final = 5  # jobs that are tried one after the other, each kept if it pays
WINDOW: Final = 14  # jobs of a queue that another order may concern
LOOK_AHEAD_S: Final = 14 * DAY

F64 = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Figures:
    """What a plan comes to, against doing nothing.

    cost         see `OptionCost`; `saves` = money of doing nothing less its money (with unknown
                 terms: at least the cost is unknown, so at most this).
    late_lines, late_days, late_value  lines late after it, their late days, and days x open
                 value (one unit of money where the value is unknown), against what was promised
                 before it: a new promise alone makes nothing less late.
    late_s       late seconds of all late lines; the last tie-break.
    helped, hurt lines that were late and are less so, or cheaper; lines later than they may be,
                 or dearer: the `NAMED` dearest of each; `helped_count`, `hurt_count` of all.
    moved        ids of operations at another unit or place in the queue: people are told.
    retimed      number of operations whose times differ.
    frozen_moved frozen operations that it displaces.
    overtime_s   person-seconds of overtime paid.
    promises     lines that get a new promise: each needs its customer's yes.
    full_until   the saving is whole until then: the first moved job or window starts.
    decide_by    the saving is gone: the first moved job would have started where it stands.
                 NEVER for both where nothing is moved.
    """

    cost: OptionCost
    saves: int
    late_lines: int
    late_days: int
    late_value: int
    late_s: int
    helped: tuple[LineHit, ...]
    hurt: tuple[LineHit, ...]
    helped_count: int
    hurt_count: int
    moved: tuple[int, ...]
    retimed: int
    frozen_moved: int
    overtime_s: int
    promises: int
    full_until: int
    decide_by: int

    def to_json(self) -> dict[str, Any]:
        """Return everything as JSON values; instants stay seconds since the plan's epoch."""
        plain = {
            name: value
            for name, value in vars(self).items()
            if name not in ("cost", "helped", "hurt", "moved")
        }
        return {
            **plain,
            "moved": list(self.moved),
            "cost": self.cost.to_json(),
            "helped": [asdict(each) for each in self.helped],
            "hurt": [asdict(each) for each in self.hurt],
        }


@dataclass(frozen=True, eq=False)
class Evaluation:
    """A set of changes, projected. Refused ones have no figures."""

    changes: tuple[Change, ...]
    refusal: Refusal | None
    plant: Plant
    projection: Projection
    figures: Figures | None
    footprint: Footprint


@dataclass(frozen=True, slots=True)
class Beaten:
    """Why an option is worse: the one that beats it, and by which figure."""

    by: str
    figure: str
    mine: int
    theirs: int


@dataclass(frozen=True, eq=False)
class Candidate:
    """One way to respond.

    slug     names the idea; the same idea keeps it from version to version.
    rank     0 is the best; offered ones first, then the worse, then the impossible.
    facts    ids and numbers of which a title can be made:
             units      {unit id: [operation ids it takes]} (other units)
             queues     [unit ids whose order differs]
             windows    [[unit id, start, end]]
             from_units [unit ids that give jobs away]
             blocked_by [operation ids] (impossible)
             deals      [what is agreed with others, as JSON of typed changes]
    """

    slug: str
    kind: Kind
    changes: tuple[Change, ...]
    verdict: Verdict
    rank: int
    figures: Figures | None
    footprint: Footprint | None
    projection: Projection | None
    plant: Plant | None
    refusal: Refusal | None = None
    beaten: Beaten | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self, *, epoch: int = 0) -> dict[str, Any]:
        """Return everything but the plant and the projection; changes as `changes.to_json`."""
        return {
            "slug": self.slug,
            "kind": self.kind.value,
            "verdict": self.verdict.value,
            "rank": self.rank,
            "changes": to_json(self.changes, epoch=epoch),
            "figures": self.figures.to_json() if self.figures else None,
            "footprint": self.footprint.to_json() if self.footprint else None,
            "refusal": self.refusal.to_json() if self.refusal else None,
            "beaten": asdict(self.beaten) if self.beaten else None,
            "facts": dict(self.facts),
        }


@dataclass(frozen=True, eq=False)
class Options:
    """All that was checked, best first, and how many projections that took."""

    candidates: tuple[Candidate, ...]
    evaluations: int

    @property
    def offered(self) -> tuple[Candidate, ...]:
        return tuple(c for c in self.candidates if c.verdict is Verdict.OFFERED)

    def __getitem__(self, slug: str) -> Candidate:
        return next(c for c in self.candidates if c.slug == slug)


# -- one set of changes --------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Ground:
    """Doing nothing: what everything is measured against."""

    plant: Plant
    projection: Projection
    rules: CostRules
    now: int
    late: LateCost
    frozen: Flags
    money: int


def _ground(plant: Plant, projection: Projection, rules: CostRules, now: int) -> _Ground:
    late = late_cost(plant, projection, rules)
    return _Ground(plant, projection, rules, now, late, frozen(plant, projection), late.total)


def evaluate(
    plant: Plant,
    projection: Projection,
    changes: Iterable[Change],
    rules: CostRules,
    *,
    now: int,
    allow_frozen: bool = True,
    inventory: bool = False,
) -> Evaluation:
    """Project a set of changes and say what it does against doing nothing.

    projection    of `plant` at `now`: doing nothing.
    allow_frozen  a person may move frozen jobs (they are counted).
    inventory     project stock too; the figures don't need it.

    Applying the same changes to the same plant at the same `now` gives exactly these figures.
    What is not allowed comes back with its reason, unchanged plant and no figures.
    """
    ground = _ground(plant, projection, rules, now)
    return _evaluate(ground, tuple(changes), allow_frozen=allow_frozen, inventory=inventory)


def own(
    plant: Plant,
    projection: Projection,
    changes: Iterable[Change],
    rules: CostRules,
    *,
    now: int,
) -> Candidate:
    """What a person put together himself: offered with its figures, or impossible with the reason.

    projection  of `plant` at `now`: doing nothing.
    """
    found = evaluate(plant, projection, changes, rules, now=now)
    if found.refusal is not None:
        return Candidate(
            "mine", Kind.MINE, found.changes, Verdict.IMPOSSIBLE, 0, None, None, None, None,
            refusal=found.refusal,
        )  # fmt: skip
    facts = _facts(plant, found)
    units = dict(zip(plant.op_id.tolist(), plant.op_unit.tolist(), strict=True))
    stays = [
        change.to_unit_id
        for change in found.changes
        if isinstance(change, MoveJob) and plant.unit_id[units[change.op_id]] == change.to_unit_id
    ]
    return Candidate(
        "mine", Kind.MINE, found.changes, Verdict.OFFERED, 0, found.figures, found.footprint,
        found.projection, found.plant,
        facts=facts | {"queues": list(dict.fromkeys([*facts["queues"], *stays]))},
    )  # fmt: skip


def _evaluate(
    ground: _Ground, changes: tuple[Change, ...], *, allow_frozen: bool, inventory: bool
) -> Evaluation:
    plant, projection = ground.plant, ground.projection
    refusal = illegal(plant, projection, changes, allow_frozen=allow_frozen)
    if refusal is not None:
        return Evaluation(changes, refusal, plant, projection, None, Footprint())
    after_plant = apply(plant, changes)
    after = project(after_plant, now=ground.now, inventory=inventory)
    refusal = circle(projection, projection_at_rows_of(plant, after_plant, after), plant.op_id)
    if refusal is not None:
        return Evaluation(changes, refusal, plant, projection, None, Footprint())
    figures = _figures(ground, after_plant, after, changes)
    return Evaluation(changes, None, after_plant, after, figures, footprint(plant, after_plant))


def _figures(
    ground: _Ground, after_plant: Plant, after: Projection, changes: Sequence[Change] = ()
) -> Figures:
    plant, before = ground.plant, ground.projection
    cost = option_cost(plant, before, after_plant, after, ground.rules, changes)
    helped, hurt = _touched_lines(ground, after, cost.late)
    moved = moved_ops(plant, after_plant)
    here = projection_at_rows_of(plant, after_plant, after)
    retimed = (before.op_start != here.op_start) | (before.op_end != here.op_end)
    full_until, decide_by = _deadlines(ground, after_plant, after, moved)
    value = ground.rules.lines.value
    worth = np.where(value >= 0, value, ONE)
    late_s, days = _late_as_promised(ground, after_plant, after, cost.late)
    late = late_s > 0
    return Figures(
        cost=cost,
        saves=ground.money - cost.money,
        late_lines=int(np.count_nonzero(late)),
        late_days=int(days.sum()),
        late_value=int((days * worth).sum()),
        late_s=int(late_s[late].sum()),
        helped=_named_lines(ground, after_plant, after, cost.late, helped),
        hurt=_named_lines(ground, after_plant, after, cost.late, hurt)[::-1],
        helped_count=len(helped),
        hurt_count=len(hurt),
        moved=tuple(plant.op_id[moved].tolist()),
        retimed=int(np.count_nonzero(retimed)),
        frozen_moved=int(np.count_nonzero(displaced(plant, after_plant) & ground.frozen)),
        overtime_s=sum(end - start for _, start, end in _added_windows(plant, after_plant)),
        promises=sum(isinstance(change, SetPromise) for change in changes),
        full_until=full_until,
        decide_by=decide_by,
    )


def _late_as_promised(
    ground: _Ground, after_plant: Plant, after: Projection, late: LateCost
) -> tuple[I64, I64]:
    """Return by line the late seconds and days against what was promised before the option.

    A new promise makes nothing arrive sooner: only money counts from it.
    """
    if ground.plant.line_promised is after_plant.line_promised:
        return after.line_late_s, late.days
    later = after_plant.line_promised.astype(np.int64) - ground.plant.line_promised
    late_s: I64 = after.line_late_s + later
    return late_s, late_cost(after_plant, after, ground.rules).days


def _touched_lines(ground: _Ground, after: Projection, late: LateCost) -> tuple[I64, I64]:
    """Return the rows of the lines that get better and of those that get worse."""
    was, now = ground.projection.line_late_s, after.line_late_s
    money = late.cash + late.estimate - ground.late.cash - ground.late.estimate
    better = ((was > 0) & (now < was)) | (money < 0)
    worse = ((now > 0) & (now > was)) | (money > 0)
    return np.flatnonzero(better & ~worse), np.flatnonzero(worse)


def _named_lines(
    ground: _Ground, after_plant: Plant, after: Projection, late: LateCost, rows: I64
) -> tuple[LineHit, ...]:
    money = late.cash + late.estimate - ground.late.cash - ground.late.estimate
    change = after.line_late_s - ground.projection.line_late_s
    dearest = np.lexsort((-np.abs(change[rows]), -np.abs(money[rows])))[:NAMED]
    return line_hits(
        ground.plant, ground.projection, after_plant, after, ground.rules, ground.late, late,
        rows=rows[dearest],
    )  # fmt: skip


def _added_windows(plant: Plant, after: Plant) -> list[tuple[int, int, int]]:
    """Return (unit row, start, end) of the open windows that were added."""
    if plant.exception_start is after.exception_start:
        return []
    return [
        (unit, start, end)
        for unit in range(len(plant.unit_id))
        for start, end in windows(after, unit)
        if (start, end) not in windows(plant, unit)
    ]


def _deadlines(
    ground: _Ground, after_plant: Plant, after: Projection, moved: I32
) -> tuple[int, int]:
    opens = [start for _, start, _ in _added_windows(ground.plant, after_plant)]
    added, split = _parts_added(ground.plant, after_plant)
    starts = [
        *projection_at_rows_of(ground.plant, after_plant, after).op_start[moved].tolist(),
        *after.op_start[added].tolist(),
    ]
    full = [*opens, *(start for start in starts if start != NEVER)]
    if not full:
        return NEVER, NEVER
    full_until = max(ground.now, min(full))
    stays = ground.projection.op_start[[*moved.tolist(), *split]]
    gone = [*opens, *stays[stays != NEVER].tolist()]
    return full_until, max(full_until, min(gone, default=full_until))


def _parts_added(plant: Plant, after: Plant) -> tuple[list[int], list[int]]:
    """Return the rows (after) of what was split off, and those (before) of what it was."""
    at = rows_in(after, plant)
    if at is None:
        return [], []
    added = np.flatnonzero(at < 0).tolist()
    firsts = [int(after.op_part_of[op]) for op in added]
    return added, [int(at[first]) for first in firsts if first >= 0 and at[first] >= 0]


# -- ideas ---------------------------------------------------------------------------------------


@njit(cache=True)
def _urgency(
    order: Any, succ_ptr: Any, succ_arc: Any, arc_succ: Any, arc_lag: Any, peg_ptr: Any,
    peg_demand: Any, demand_op: Any, demand_line: Any, line_due: Any, line_weight: Any,
    duration: Any, due: Any, weight: Any,
) -> None:  # fmt: skip
    """Pass each line's due instant and daily cost back to the operations that feed it."""
    for k in range(order.size):
        o = order[k]
        for x in range(succ_ptr[o], succ_ptr[o + 1]):
            a = succ_arc[x]
            s = arc_succ[a]
            due[o] = min(due[o], due[s] - duration[s] - arc_lag[a])
            weight[o] = max(weight[o], weight[s])
        for x in range(peg_ptr[o], peg_ptr[o + 1]):
            d = peg_demand[x]
            if demand_line[d] >= 0:
                due[o] = min(due[o], line_due[demand_line[d]])
                weight[o] = max(weight[o], line_weight[demand_line[d]])
            elif demand_op[d] >= 0:
                s = demand_op[d]
                due[o] = min(due[o], due[s] - duration[s])
                weight[o] = max(weight[o], weight[s])


@dataclass
class _Idea:
    kind: Kind
    slug: str
    changes: tuple[Change, ...]


class _Search:
    """Makes ideas and evaluates them, at most `budget` times."""

    def __init__(
        self,
        ground: _Ground,
        cause: Cause,
        hot: Sequence[LineHit],
        budget: int,
        between: Callable[[], None],
        first: Callable[[Options], None] | None,
    ) -> None:
        self.between = between
        self.first = first
        self.ground = ground
        self.plant = ground.plant
        self.projection = ground.projection
        self.cause = cause
        # Row of the unit that the cause stops or slows down; -1 where it is about something else.
        self.home = -1
        if cause.kind in (CauseKind.UNIT_DOWN, CauseKind.UNIT_SLOW):
            self.home = int(np.flatnonzero(self.plant.unit_id == cause.id)[0])
        self.most = budget
        self.budget = min(budget, OF_MACHINES)
        self.evaluations = 0
        self.tried: dict[tuple[Change, ...], Evaluation] = {}
        self.trials: dict[tuple[Change, ...], Evaluation] = {}
        self.kept: list[tuple[_Idea, Evaluation]] = []
        self.impossible: list[tuple[_Idea, Refusal, list[int]]] = []
        self.nothing = _figures(ground, ground.plant, ground.projection)
        self.duration = self._durations()
        self.due, self.weight = self._due_and_weight()
        self.ready = self._ready()
        self.protected = self.plant.op_pinned | ground.frozen
        self.hot = [hit.line_id for hit in hot[:HOT_LINES]]
        self.critical = self.walks(self.plant, self.projection)
        self.tight = self._tight_units()

    # -- what the plant tells ---------------------------------------------------------------------

    def _durations(self) -> F64:
        """Estimate the seconds of set-up and work of each operation where it stands."""
        plant, left = self.plant, self.projection.op_left_qty.astype(np.float64)
        seconds = (left / PIECE * plant.op_run_us + plant.op_fixed_us) / 1e6
        seconds *= plant.op_factor_ppm / PPM
        placed = plant.op_unit >= 0
        seconds[placed] *= PPM / plant.unit_rate_ppm[plant.op_unit[placed]]
        seconds += plant.op_setup_s
        done: F64 = np.where(plant.op_status == Status.DONE, 0.0, seconds)
        return done

    def _duration_at(self, op: int, alternate: int) -> float:
        plant = self.plant
        pieces = float(self.projection.op_left_qty[op]) / PIECE
        run = pieces * plant.alternate_run_us[alternate] + plant.alternate_fixed_us[alternate]
        rate = plant.unit_rate_ppm[plant.alternate_unit[alternate]] / PPM
        seconds = run / 1e6 * plant.op_factor_ppm[op] / PPM / rate
        return float(plant.alternate_setup_s[alternate] + seconds)

    def _due_and_weight(self) -> tuple[F64, F64]:
        """Estimate by operation the latest end that keeps every line, and the dearest day."""
        plant, projection = self.plant, self.projection
        terms = self.ground.rules.lines
        daily = np.maximum(0, terms.value) * np.maximum(0, terms.penalty_ppm) / PPM
        for rate in (terms.penalty_day, terms.stop_day, terms.weight_day):
            daily = daily + np.maximum(0, rate)
        worth = np.where(terms.value > 0, terms.value, ONE) / 100
        daily = np.where(daily > 0, daily, worth)
        slack = -projection.line_late_s.astype(np.float64)
        line_due = np.where(
            projection.line_judged > 0,
            np.minimum(projection.line_ready, projection.horizon) + slack,
            np.inf,
        )
        size = len(plant.op_id)
        rows = np.flatnonzero(projection.peg_supply >= 0)
        maker = plant.supply_op[projection.peg_supply[rows]]
        rows, maker = rows[maker >= 0], maker[maker >= 0]
        by = np.argsort(maker, kind="stable")
        ptr = np.zeros(size + 1, np.int64)
        np.cumsum(np.bincount(maker, minlength=size), out=ptr[1:])
        due, weight = np.full(size, np.inf), np.zeros(size)
        order = np.lexsort((-np.arange(size), -projection.op_start.astype(np.int64)))
        _urgency(
            order, plant.op_succ_ptr, plant.succ_arc, plant.arc_succ, plant.arc_lag_s, ptr,
            projection.peg_demand[rows[by]], plant.demand_op, plant.demand_line, line_due,
            daily, self.duration, due, weight,
        )  # fmt: skip
        return due, weight

    def _ready(self) -> F64:
        """Estimate by operation when what it waits for is there, its place apart."""
        plant, projection = self.plant, self.projection
        ready = np.maximum(float(self.ground.now), plant.op_not_before.astype(np.float64))
        ends = np.minimum(projection.op_end, projection.horizon).astype(np.float64)
        whole = plant.arc_kind == ArcKind.FS
        done = plant.arc_lag_s[whole] + ends[plant.arc_pred[whole]]
        np.maximum.at(ready, plant.arc_succ[whole], done)
        # Of an overlap only its bound is known, and only where it binds.
        bound = (projection.op_bind == Bind.ARC) | (projection.op_bind == Bind.SUPPLY)
        bound |= projection.op_bind == Bind.UNCOVERED
        starts = np.minimum(projection.op_start, projection.horizon)
        late: F64 = np.where(bound, np.maximum(ready, starts), ready)
        return late

    def walks(self, plant: Plant, projection: Projection) -> dict[int, list[int]]:
        """Return by hot line the operations that its date hangs on, last one first."""
        size = len(plant.op_id)
        bind, ref = projection.op_bind, projection.op_bind_ref.astype(np.int64)
        maker = np.append(plant.supply_op, -1)
        for part in np.flatnonzero(plant.op_part_of >= 0).tolist():
            for supply in np.flatnonzero(plant.supply_op == plant.op_part_of[part]).tolist():
                maker[supply] = maker_of(plant, projection, supply)
        before = projection.op_end_feeder.astype(np.int64)
        supplied = bind == Bind.SUPPLY
        before[supplied] = maker[ref[supplied]]
        follows = (bind == Bind.ARC) | (bind == Bind.PLACE)
        before[follows] = ref[follows]
        blocked = projection.op_state != State.DATED
        root = projection.op_root.astype(np.int64)
        before[blocked] = np.where(root == np.arange(size), -1, root)[blocked]
        held_by = before.tolist()
        walks: dict[int, list[int]] = {}
        for line_id in self.hot:
            line = int(np.searchsorted(plant.line_id, line_id))
            op = int(maker[projection.line_supply[line]])
            walk: dict[int, None] = {}
            while op >= 0 and op not in walk:
                walk[op] = None
                op = held_by[op]
            walks[line_id] = list(walk)
        return walks

    def _tight_units(self) -> list[int]:
        """Return the units at which hot lines wait for their turn, the dearest first."""
        plant, projection = self.plant, self.projection
        ops = np.array([op for walk in self.critical.values() for op in walk], np.int64)
        ops = ops[plant.op_unit[ops] >= 0]
        unit = plant.op_unit[ops]
        waits = projection.op_bind[ops] == Bind.PLACE
        waits |= (projection.op_wait[ops] == Wait.CALENDAR) | (
            projection.op_wait[ops] == Wait.UNIT_DOWN
        )
        waits |= unit == self.home
        worth = np.bincount(unit[waits], self.weight[ops[waits]], minlength=len(plant.unit_id))
        there = np.unique(unit[waits])
        return [int(row) for row in there[np.lexsort((there, -worth[there]))]]

    def queue(self, unit: int) -> list[int]:
        ptr = self.plant.unit_queue_ptr
        rows: list[int] = self.plant.queue_op[ptr[unit] : ptr[unit + 1]].tolist()
        return rows

    def unit_id(self, unit: int) -> int:
        return int(self.plant.unit_id[unit])

    def op_ids(self, ops: Iterable[int]) -> tuple[int, ...]:
        return tuple(int(self.plant.op_id[op]) for op in ops)

    # -- evaluating -------------------------------------------------------------------------------

    def left(self) -> int:
        return self.budget - self.evaluations

    def check(self, kind: Kind, slug: str, changes: Sequence[Change]) -> Evaluation | None:
        """Evaluate an idea unless the same changes were tried or the budget is spent."""
        key = tuple(changes)
        known = key in self.trials
        if not key or key in self.tried or (self.left() <= 0 and not known):
            return None
        found = self.trial(key)
        self.tried[key] = found
        idea = _Idea(kind, slug, key)
        if found.refusal is not None:
            # Two ideas that don't go together are no idea that a person would ask for.
            if kind is not Kind.COMBINE:
                self.impossible.append((idea, found.refusal, []))
        else:
            self.kept.append((idea, found))
            self._tell_first(found)
        return found

    def _tell_first(self, found: Evaluation) -> None:
        """Hand over what is known as soon as something beats doing nothing, once."""
        if self.first is None or found.figures is None:
            return
        if self.beats(found.figures, self.nothing):
            tell, self.first = self.first, None
            tell(Options(_judged(self), self.evaluations))

    def trial(self, changes: tuple[Change, ...]) -> Evaluation:
        """Evaluate changes that are no idea of their own, once."""
        found = self.trials.get(changes)
        if found is None:
            self.between()
            self.evaluations += 1
            found = _evaluate(self.ground, changes, allow_frozen=False, inventory=False)
            self.trials[changes] = found
        return found

    def refuse(self, kind: Kind, slug: str, refusal: Refusal) -> None:
        """Note an idea that can't be, and why."""
        self.impossible.append((_Idea(kind, slug, ()), refusal, []))

    def best(self, *kinds: Kind) -> tuple[_Idea, Evaluation] | None:
        """Return the best idea of these kinds that beats doing nothing, None without one."""
        best: tuple[_Idea, Evaluation] | None = None
        held = self.nothing
        for each in self.kept:
            figures = each[1].figures
            if each[0].kind in kinds and figures is not None and self.beats(figures, held):
                best, held = each, figures
        return best

    def beats(self, one: Figures, other: Figures) -> bool:
        by_money = one.cost.by_money and other.cost.by_money
        return sort_key(one, "", by_money=by_money) < sort_key(other, "", by_money=by_money)

    # -- other units ------------------------------------------------------------------------------

    def movable(self) -> list[int]:
        """Return the jobs that may go elsewhere, the most urgent first.

        The own queue of a unit that is stopped or slow, else what the hot lines hang on.
        """
        plant = self.plant
        wanted: dict[int, None] = {}
        for walk in self.critical.values():
            wanted.update(dict.fromkeys(walk))
        if self.home >= 0:
            on_it = self.queue(self.home)
            first = [op for op in wanted if op in set(on_it)]
            rest = sorted(set(on_it) - set(first), key=lambda op: (self.due[op], op))
            wanted = dict.fromkeys([*first, *rest])
        waits = (Status.WAITING, Status.SUSPENDED)
        return [
            op
            for op in wanted
            if plant.op_status[op] in waits and plant.op_unit[op] >= 0 and not self.protected[op]
        ]

    def alternates(self, op: int, *, only: int | None = None) -> list[int]:
        """Return the alternate rows of an operation at other units that are up."""
        plant = self.plant
        rows = range(plant.op_alternate_ptr[op], plant.op_alternate_ptr[op + 1])
        return [
            row
            for row in rows
            if plant.alternate_unit[row] != plant.op_unit[op]
            and not plant.unit_down[plant.alternate_unit[row]]
            and not self.is_outside(int(plant.alternate_unit[row]))
            and only in (None, int(plant.alternate_unit[row]))
        ]

    def is_outside(self, unit: int) -> bool:
        return self.unit_id(unit) in self.ground.rules.offers.external

    def outside_of(self, op: int) -> list[int]:
        """Return the alternate rows of an operation at somebody else's units."""
        plant = self.plant
        rows = range(plant.op_alternate_ptr[op], plant.op_alternate_ptr[op + 1])
        return [
            row
            for row in rows
            if self.is_outside(int(plant.alternate_unit[row]))
            and plant.alternate_unit[row] != plant.op_unit[op]
        ]

    def place_outside(self, ops: Sequence[int]) -> tuple[Change, ...]:
        """Give each operation to the one outside who takes the shortest, behind what is there."""
        changes: list[Change] = []
        for op in ops:
            row = min(self.outside_of(op), key=lambda row: (self._duration_at(op, row), row))
            unit = int(self.plant.alternate_unit[row])
            behind = len(self.queue(unit)) + len(changes)
            changes.append(MoveJob(int(self.plant.op_id[op]), self.unit_id(unit), behind))
        return tuple(changes)

    def place(self, ops: Sequence[int], *, only: int | None = None) -> tuple[Change, ...]:
        """Place each operation where it is estimated to end first, in due order of its queue."""
        queues: dict[int, list[tuple[int, float]]] = {}
        changes: list[Change] = []
        for op in ops:
            found: list[tuple[float, int, int, int]] = []
            for row in self.alternates(op, only=only):
                unit = int(self.plant.alternate_unit[row])
                queue = queues.setdefault(unit, self.queue_ends(unit))
                position = self.position(queue, op)
                begin = queue[position - 1][1] if position else self.free_at(unit)
                end = max(begin, float(self.ready[op])) + self._duration_at(op, row)
                found.append((end, self.unit_id(unit), position, row))
            if not found:
                continue
            end, unit_id, position, row = min(found)
            unit = int(self.plant.alternate_unit[row])
            shift = self._duration_at(op, row)
            queue = queues[unit]
            queues[unit] = [
                *queue[:position],
                (op, end),
                *((other, at + shift) for other, at in queue[position:]),
            ]
            changes.append(MoveJob(int(self.plant.op_id[op]), unit_id, position))
        return tuple(changes)

    def share(self, jobs: Sequence[int]) -> tuple[Change, ...]:
        """Deal out the queue of a unit that is stopped or slow in its own order, until nothing
        gains by leaving.

        A job goes where it is estimated to end first, between what starts there before and after
        the start that it would have had here: with equal units and equally urgent queues both are
        empty again at the same time, and no job jumps over all that waits elsewhere.
        """
        home = self.home
        if home < 0:
            return ()
        waiting, free = self.queue(home), set(jobs)
        begins = np.minimum(self.projection.op_start, self.projection.horizon)
        stopped = float(min((begins[op] for op in waiting), default=0)) - self.ground.now
        paces: dict[int, tuple[F64, F64]] = {home: self._pace(home)}
        stays = 0.0  # work that is left here, up to this job
        # By unit: each job in its new order with its turn (the start that it had) and its work.
        queues: dict[int, list[tuple[int, float, float]]] = {}
        changes: list[Change] = []
        for op in waiting:
            turn = float(begins[op]) - stopped
            found: list[tuple[float, int, int, int]] = []
            for row in self.alternates(op) if op in free else ():
                unit = int(self.plant.alternate_unit[row])
                if unit not in queues:
                    queues[unit] = [
                        (o, float(begins[o]), float(self.duration[o])) for o in self.queue(unit)
                    ]
                    paces[unit] = self._pace(unit)
                position = self._turn(queues[unit], turn)
                work = sum(each for *_, each in queues[unit][:position])
                end = self._done(paces[unit], work + self._duration_at(op, row))
                found.append((end, self.unit_id(unit), position, row))
            length = float(self.duration[op])
            if found and min(found)[0] < self._done(paces[home], stays + length):
                _, unit_id, position, row = min(found)
                there = queues[int(self.plant.alternate_unit[row])]
                there.insert(position, (op, turn, self._duration_at(op, row)))
                changes.append(MoveJob(int(self.plant.op_id[op]), unit_id, position))
                if len(changes) == SHARED:
                    break
            else:
                stays += length
        return tuple(changes)

    def _pace(self, unit: int) -> tuple[F64, F64]:
        """Return the work of a unit's queue, summed up, and when each sum is projected done."""
        ops = self.queue(unit)
        work = np.cumsum(self.duration[ops]) if ops else np.zeros(0)
        ends = np.minimum(self.projection.op_end[ops], self.projection.horizon).astype(np.float64)
        return np.append(0.0, work), np.append(self.free_at(unit), np.maximum.accumulate(ends))

    def _done(self, pace: tuple[F64, F64], work: float) -> float:
        """Estimate when a unit has done so much work, from the pace of the queue it has."""
        sums, ends = pace
        beyond = max(0.0, work - float(sums[-1]))
        slowness = float((ends[-1] - ends[0]) / sums[-1]) if sums[-1] else 1.0
        return float(np.interp(work, sums, ends)) + beyond * slowness

    def _turn(self, queue: Sequence[tuple[int, float, float]], turn: float) -> int:
        """Return the place before the first job whose turn is later, behind all protected ones."""
        least = self._last_protected(o for o, *_ in queue)
        later = (at for at in range(least, len(queue)) if queue[at][1] > turn)
        return next(later, len(queue))

    def queue_ends(self, unit: int) -> list[tuple[int, float]]:
        ends = np.minimum(self.projection.op_end, self.projection.horizon)
        return [(op, float(ends[op])) for op in self.queue(unit)]

    def free_at(self, unit: int) -> float:
        plant = self.plant
        runs = (plant.op_unit == unit) & (plant.op_status == Status.RUNNING)
        ends = self.projection.op_end[runs]
        busy = len(ends) >= plant.unit_places[unit]
        return float(ends.min()) if busy and len(ends) else float(self.ground.now)

    def position(self, queue: Sequence[tuple[int, float]], op: int) -> int:
        """Return the place before the first job that is due later, behind all protected ones."""
        least = self._last_protected(o for o, _ in queue)
        for at in range(least, len(queue)):
            if self.due[queue[at][0]] > self.due[op]:
                return at
        return len(queue)

    def _last_protected(self, ops: Iterable[int]) -> int:
        """Return the place behind the last job that may not be displaced."""
        return max((at + 1 for at, op in enumerate(ops) if self.protected[op]), default=0)

    def behind_protected(self, unit: int) -> int:
        """Return the first place of a queue at which a job displaces none that may not be."""
        return self._last_protected(self.queue(unit))

    def other_units(self) -> None:
        jobs = self.movable()
        able = [op for op in jobs if self.alternates(op)][:MOVES]
        if not able:
            self._no_alternate(jobs)
            return
        self.check(Kind.ALTERNATE_UNIT, "alternate-unit/all", self.place(able))
        worst = self._worst_of(able)
        self.check(Kind.ALTERNATE_UNIT, "alternate-unit/worst-line", self.place(worst))
        shared = self.share(jobs)
        self.check(Kind.ALTERNATE_UNIT, "alternate-unit/share", shared)
        self.check(Kind.ALTERNATE_UNIT, "alternate-unit/share-half", shared[: len(shared) // 2])
        taken: list[int] = []
        held = self.nothing
        for op in able[:GREEDY]:
            slug = f"alternate-unit/with-{int(self.plant.op_id[op])}"
            found = self.check(Kind.ALTERNATE_UNIT, slug, self.place([*taken, op]))
            if found is not None and found.figures is not None and self.beats(found.figures, held):
                held = found.figures
                taken.append(op)
        for unit in self._targets(able)[:1]:
            slug = f"alternate-unit/to-{self.unit_id(unit)}"
            self.check(Kind.ALTERNATE_UNIT, slug, self.place(able, only=unit))

    def _no_alternate(self, jobs: Sequence[int]) -> None:
        """Say of the first job why nothing can take it."""
        plant = self.plant
        if not jobs:
            return
        op = jobs[0]
        rows = slice(plant.op_alternate_ptr[op], plant.op_alternate_ptr[op + 1])
        others = plant.alternate_unit[rows]
        outside = np.isin(plant.unit_id[others], list(self.ground.rules.offers.external))
        others = others[(others != plant.op_unit[op]) & ~outside]
        why = Why.ALTERNATE_DOWN if len(others) else Why.NO_ALTERNATE
        refusal = (
            Refusal(why, "unit", self.unit_id(int(others[0])))
            if len(others)
            else Refusal(why, "operation", int(plant.op_id[op]))
        )
        idea = _Idea(Kind.ALTERNATE_UNIT, "alternate-unit/all", ())
        self.impossible.append((idea, refusal, list(self.op_ids(jobs))))

    def _worst_of(self, able: Sequence[int]) -> list[int]:
        for walk in self.critical.values():
            mine = [op for op in able if op in walk]
            if mine:
                return mine
        return list(able[:1])

    def _targets(self, able: Sequence[int]) -> list[int]:
        """Return the units that can take most of the jobs."""
        count: dict[int, int] = {}
        for op in able:
            for row in self.alternates(op):
                unit = int(self.plant.alternate_unit[row])
                count[unit] = count.get(unit, 0) + 1
        return sorted(count, key=lambda unit: (-count[unit], self.unit_id(unit)))

    def fewer_moves(self) -> None:
        """Leave out, one by one, moves of the best plan that may not pay."""
        best = self.best(Kind.ALTERNATE_UNIT)
        if best is None or len(best[0].changes) < 2:
            return
        for at, change in enumerate(best[0].changes[:2]):
            less = best[0].changes[:at] + best[0].changes[at + 1 :]
            assert isinstance(change, MoveJob)
            slug = f"{best[0].slug}/without-{change.op_id}"
            self.check(Kind.ALTERNATE_UNIT, slug, less)

    # -- another order ----------------------------------------------------------------------------

    def other_order(self) -> None:
        units = [unit for unit in self.tight if len(self._free_part(unit)[1]) > 1][:2]
        if not units:
            if self.tight:
                unit_id = self.unit_id(self.tight[0])
                refusal = Refusal(Why.NOTHING_TO_MOVE, "unit", unit_id)
                idea = _Idea(Kind.RESEQUENCE, f"resequence/unit-{unit_id}", ())
                self.impossible.append((idea, refusal, []))
            return
        whole: list[Change] = []
        for unit in units:
            new = self._by_cost(unit)
            if new != self.queue(unit):
                whole.append(self._new_order(unit, new))
                slug = f"resequence/unit-{self.unit_id(unit)}"
                self.check(Kind.RESEQUENCE, slug, whole[-1:])
        if len(whole) > 1:
            self.check(Kind.RESEQUENCE, "resequence/all", whole)
        unit = units[0]
        for name, new in (("due", self._by_due(unit)), ("worst-line", self._worst_first(unit))):
            if new != self.queue(unit):
                slug = f"resequence/unit-{self.unit_id(unit)}/{name}"
                self.check(Kind.RESEQUENCE, slug, [self._new_order(unit, new)])

    def _by_due(self, unit: int) -> list[int]:
        head, free, rest = self._free_part(unit)
        return [*head, *sorted(free, key=lambda op: (self.due[op], op)), *rest]

    def _worst_first(self, unit: int) -> list[int]:
        """Put the jobs of the dearest hot line first."""
        head, free, rest = self._free_part(unit)
        hot = next((set(walk) for walk in self.critical.values() if set(walk) & set(free)), set())
        # What the line waits behind is on its way too; its own jobs are the most urgent of them.
        dearest = max((self.weight[op] for op in free if op in hot), default=0.0)
        first = [op for op in free if op in hot and self.weight[op] == dearest]
        return [*head, *first, *(op for op in free if op not in first), *rest]

    def _new_order(self, unit: int, ops: Sequence[int]) -> SetQueue:
        return SetQueue(self.unit_id(unit), self.op_ids(ops))

    def _free_part(self, unit: int) -> tuple[list[int], list[int], list[int]]:
        """Split a queue: up to its last protected job, the next `WINDOW` jobs, the rest."""
        queue = self.queue(unit)
        at = self._last_protected(queue)
        return queue[:at], queue[at : at + WINDOW], queue[at + WINDOW :]

    def _by_cost(self, unit: int, look: float = 2.0) -> list[int]:
        """Order the free part by apparent tardiness cost (Vepsalainen and Morton, 1987).

        Of the jobs that are ready when the unit is free; it stands only where none is.
        """
        head, free, rest = self._free_part(unit)
        mean = max(1.0, sum(self.duration[op] for op in free) / max(1, len(free)))
        starts = [int(self.projection.op_start[op]) for op in free]
        at = float(min(min(starts, default=NEVER), self.projection.horizon))
        order, left = list(head), list(free)

        def index(op: int, at: float) -> tuple[float, int]:
            length = max(1.0, float(self.duration[op]))
            slack = max(0.0, float(self.due[op]) - length - at)
            pressing = math.exp(-min(500.0, slack / (look * mean)))
            return -float(self.weight[op]) / length * pressing, op

        while left:
            at = max(at, min(float(self.ready[op]) for op in left))
            there = [op for op in left if self.ready[op] <= at]
            _, following = min(index(op, at) for op in there)
            left.remove(following)
            order.append(following)
            at += float(self.duration[following])
        return [*order, *rest]

    def swaps(self) -> None:
        """Put what a hot line waits for before the job that it waits behind."""
        best = self.best(Kind.RESEQUENCE)
        base = best[0].changes if best else ()
        projection = best[1].projection if best else self.projection
        plant = best[1].plant if best else self.plant
        for walk in list(self.critical.values())[:3]:
            for op in walk:
                ref = int(projection.op_bind_ref[op])
                if projection.op_bind[op] != Bind.PLACE or ref < 0 or self.left() <= 0:
                    continue
                unit = int(plant.op_unit[op])
                ptr = plant.unit_queue_ptr
                queue = plant.queue_op[ptr[unit] : ptr[unit + 1]].tolist()
                if op not in queue or ref not in queue or self.protected[ref]:
                    continue
                first, second = queue.index(ref), queue.index(op)
                if first > second or self.protected[queue[first:second]].any():
                    continue
                queue.insert(first, queue.pop(second))
                others = [
                    each
                    for each in base
                    if not (isinstance(each, SetQueue) and each.unit_id == self.unit_id(unit))
                ]
                slug = f"resequence/{int(plant.op_id[op])}-before-{int(plant.op_id[ref])}"
                self.check(Kind.RESEQUENCE, slug, [*others, self._new_order(unit, queue)])
                break

    # -- overtime ---------------------------------------------------------------------------------

    def overtime(self) -> None:
        offers = {unit: self.gaps(unit) for unit in self.tight[:2]}
        offers = {unit: gaps for unit, gaps in offers.items() if gaps}
        if not offers:
            if self.tight:
                unit_id = self.unit_id(self.tight[0])
                idea = _Idea(Kind.OVERTIME, f"overtime/unit-{unit_id}", ())
                self.impossible.append((idea, Refusal(Why.NO_GAP, "unit", unit_id), []))
            return
        for unit, shapes in zip(offers, (((2, 1), (4, 1), (4, 3)), ((4, 2),)), strict=False):
            for hours, days in shapes:
                slug = f"overtime/unit-{self.unit_id(unit)}/{hours}h-{days}"
                self.check(Kind.OVERTIME, slug, self.extend(unit, hours, days))

    def extend(self, unit: int, hours: int, days: int) -> tuple[Change, ...]:
        """Return overtime after the next working stretches: hours each, the minimum at least."""
        least = self.ground.rules.rates.overtime_minimum_s
        length = -(-max(hours * HOUR, least) // 60) * 60
        return tuple(
            AddCalendarWindow(self.unit_id(unit), start, min(end, start + length))
            for start, end in self.gaps(unit)[:days]
        )

    def gaps(self, unit: int) -> list[tuple[int, int]]:
        """Return the next times outside the unit's working time that can be opened.

        After now, after the unit is back, and not longer than the hot lines need; a gap that is
        shorter than the minimum paid (or half an hour) is none.
        """
        plant, now = self.plant, self.ground.now
        begin = -(-now // 60) * 60
        if plant.unit_down[unit]:
            back = int(plant.unit_down_until[unit])
            if back == NEVER:
                return []
            begin = max(begin, -(-back // 60) * 60)
        least = max(HOUR // 2, self.ground.rules.rates.overtime_minimum_s)
        return [(start, end) for start, end in self.pauses(unit, begin) if end - start >= least][:7]

    def pauses(self, unit: int, begin: int) -> list[tuple[int, int]]:
        """Return the times in the next weeks after an instant at which a unit doesn't work."""
        last = min(begin + LOOK_AHEAD_S, self.projection.horizon)
        return [(at, end) for at, end in _pauses(self.plant, unit, begin, last) if at < last]

    # -- together ---------------------------------------------------------------------------------

    def together(self) -> None:
        """Combine the best moves with overtime where they go, and with the best order."""
        moves = self.best(Kind.ALTERNATE_UNIT)
        overtime, order = self.best(Kind.OVERTIME), self.best(Kind.RESEQUENCE)
        if moves is not None:
            taken = moves[0].changes
            units = dict.fromkeys(c.to_unit_id for c in taken if isinstance(c, MoveJob))
            rows = [int(np.flatnonzero(self.plant.unit_id == unit)[0]) for unit in units]
            for hours in (2, 4):
                extra = [c for unit in rows[:2] for c in self.extend(unit, hours, 1)]
                slug = f"combine/alternate-unit+overtime-{hours}h"
                if extra:
                    self.check(Kind.COMBINE, slug, [*taken, *extra])
            if overtime is not None:
                both = [*taken, *overtime[0].changes]
                self.check(Kind.COMBINE, "combine/alternate-unit+overtime", both)
            if order is not None:
                both = [*taken, *self._left_in_order(taken, order[0].changes)]
                self.check(Kind.COMBINE, "combine/alternate-unit+resequence", both)
        if order is not None and overtime is not None:
            both = [*order[0].changes, *overtime[0].changes]
            self.check(Kind.COMBINE, "combine/resequence+overtime", both)

    def _left_in_order(self, moves: Sequence[Change], orders: Sequence[Change]) -> list[SetQueue]:
        """Return the new orders of queues that the moves put nothing into, without what left."""
        gone = {move.op_id for move in moves if isinstance(move, MoveJob)}
        fed = {move.to_unit_id for move in moves if isinstance(move, MoveJob)}
        return [
            SetQueue(each.unit_id, tuple(op_id for op_id in each.op_ids if op_id not in gone))
            for each in orders
            if isinstance(each, SetQueue) and each.unit_id not in fed
        ]


def _pauses(plant: Plant, unit: int, begin: int, last: int) -> Iterator[tuple[int, int]]:
    """Yield the gaps of a unit's working time (windows included) that follow a working stretch."""
    calendar = int(plant.unit_calendar[unit])
    rows = slice(plant.calendars.ptr[calendar], plant.calendars.ptr[calendar + 1])
    starts, ends = plant.calendars.start[rows], plant.calendars.end[rows]
    first = max(0, int(np.searchsorted(ends, begin, "left")) - 1)
    until = int(np.searchsorted(starts, last, "right")) + 1
    works = list(zip(starts[first:until].tolist(), ends[first:until].tolist(), strict=True))
    stops: list[tuple[int, int]] = []
    exceptions = range(plant.unit_exception_ptr[unit], plant.unit_exception_ptr[unit + 1])
    for row in exceptions:
        span = (int(plant.exception_start[row]), int(plant.exception_end[row]))
        (works if plant.exception_open[row] else stops).append(span)
    works.sort()
    for number, (_, end) in enumerate(works):
        if any(start <= end < stop for start, stop in works):
            continue  # another stretch goes on
        follows = [start for start, _ in works[number + 1 :] if start > end]
        stop = min((s for s, e in stops if e > end and s >= end), default=NEVER)
        gap = (max(end, begin), min(min(follows, default=last), stop))
        if gap[1] > gap[0] and not any(s <= gap[0] < e for s, e in stops):
            yield gap


# -- all of it -----------------------------------------------------------------------------------


def go_on() -> None:
    """Nothing more urgent waits."""


def generate(
    plant: Plant,
    projection: Projection,
    cause: Cause,
    rules: CostRules,
    *,
    now: int,
    hot: Sequence[LineHit] | None = None,
    budget: int = BUDGET,
    between: Callable[[], None] = go_on,
    first: Callable[[Options], None] | None = None,
) -> Options:
    """Return the ways to respond to a cause, best first; doing nothing is always one of them.

    projection  of `plant` at `now`: doing nothing.
    hot         lines that the cause makes worse (`at_stake(...).impact.worse`), the dearest
                first; if not given they are computed, which costs one projection more. Without
                any, the lines that are late anyway.
    budget      most projections of changes.
    between     called before each projection; what it raises ends the search.
    first       called once, with what is known when the first way beats doing nothing; what it
                raises ends the search.

    Verdicts: an option that doesn't beat doing nothing, or that another one equals or beats in
    every figure without asking more units, is WORSE and names who beats it by which figure; what
    can't be done is IMPOSSIBLE and names why. Of equal results the smallest change is shown.
    """
    ground = _ground(plant, projection, rules, now)
    if hot is None:
        hot = at_stake(plant, projection, cause, rules, now=now).impact.worse
    if not hot:
        hot = _late_lines(ground)
    search = _Search(ground, cause, hot, budget, between, first)
    if hot:
        search.other_units()
        search.fewer_moves()
        search.other_order()
        search.overtime()
        search.together()
        search.swaps()
        reoptimise(search, min(OF_ORDER, budget - search.evaluations))
        search.budget = budget
        split(search)
        crew(search)
        repair_for_now(search)
        beyond_machines(search)
        mend(search)
    return Options(_judged(search), search.evaluations)


def _late_lines(ground: _Ground) -> tuple[LineHit, ...]:
    """Return the lines that are late anyway, as hits against nothing being late."""
    before = replace(ground.projection, line_late_s=np.minimum(ground.projection.line_late_s, 0))
    nothing = LateCost(
        np.zeros_like(ground.late.cash),
        np.zeros_like(ground.late.estimate),
        np.zeros_like(ground.late.days),
        ground.late.known,
    )
    return line_hits(
        ground.plant, before, ground.plant, ground.projection, ground.rules, nothing, ground.late
    )


_COMPARED: Final = (
    "money",
    "extra_cash",
    "late_value",
    "late_lines",
    "late_days",
    "late_s",
    "weight",
    "overtime_s",
    "frozen_moved",
    "promises",
    "moves",
)


def _figure(figures: Figures, name: str) -> int:
    if name == "money":
        return figures.cost.money
    if name == "extra_cash":
        return figures.cost.extra_cash
    if name == "weight":
        return figures.cost.weight
    if name == "moves":
        return len(figures.moved)
    value: int = getattr(figures, name)
    return value


def sort_key(figures: Figures | None, slug: str, *, by_money: bool = True) -> tuple[Any, ...]:
    assert figures is not None
    money = figures.cost.money
    lateness = (figures.late_value, figures.late_lines, figures.late_s)
    # Of equal money what ships sooner stands before what asks a customer.
    asked = figures.promises
    first = (money, asked, *lateness) if by_money else (*lateness, asked, money)
    if by_money and figures.cost.at_least:
        first = (*lateness, asked, money)
    # Whose price nobody knows stands behind those that are known, never as if free.
    return (
        by_money and figures.cost.at_least,
        *first,
        figures.cost.weight,
        len(figures.moved),
        slug,
    )


def _judged(search: _Search) -> tuple[Candidate, ...]:
    """Give every idea its verdict and rank.

    Where one of the plant's own terms is unknown, money can't tell options apart: all are then
    ranked by late days x value, never as if the unknown were free. An option whose own price is
    unknown stands behind the others, by late days x value.
    """
    ground = search.ground
    do_nothing = Candidate(
        "do-nothing", Kind.DO_NOTHING, (), Verdict.OFFERED, 0, search.nothing, Footprint(),
        ground.projection, ground.plant,
    )  # fmt: skip
    made = [do_nothing, *_distinct(search)]
    by_money = all(c.figures.cost.by_money for c in made if c.figures)

    def key(c: Candidate) -> tuple[Any, ...]:
        return sort_key(c.figures, c.slug, by_money=by_money)

    made.sort(key=key)
    offered: list[Candidate] = []
    worse: list[Candidate] = []
    for candidate in made:
        beaten = None
        if candidate.kind is not Kind.DO_NOTHING:
            beaten = _beaten(candidate, do_nothing, offered, by_money=by_money)
        if beaten is None:
            offered.append(candidate)
        else:
            worse.append(replace(candidate, verdict=Verdict.WORSE, beaten=beaten))
    refused = [
        Candidate(
            idea.slug,
            idea.kind,
            idea.changes,
            Verdict.IMPOSSIBLE,
            0,
            None,
            None,
            None,
            None,
            refusal=refusal,
            facts={"blocked_by": jobs},
        )
        for idea, refusal, jobs in sorted(search.impossible, key=lambda each: each[0].slug)
    ]
    ranked = [*offered, *worse, *refused]
    return tuple(replace(candidate, rank=rank) for rank, candidate in enumerate(ranked))


def _distinct(search: _Search) -> list[Candidate]:
    """Return the evaluated ideas; of those with the same result the smallest change."""
    results: dict[tuple[Any, ...], Candidate] = {}
    for idea, evaluation in search.kept:
        figures = evaluation.figures
        assert figures is not None
        result = (
            evaluation.projection.line_late_s.tobytes(),
            figures.cost.late_money,
            figures.promises,
            figures.cost.extra_money,
            figures.cost.unknown,
            figures.overtime_s,
        )
        candidate = Candidate(
            idea.slug, idea.kind, idea.changes, Verdict.OFFERED, 0, figures,
            evaluation.footprint, evaluation.projection, evaluation.plant,
            facts=_facts(search.plant, evaluation),
        )  # fmt: skip
        held = results.get(result)
        size = (len(figures.moved), len(idea.changes), idea.slug)
        if (
            held is None
            or held.figures is None
            or size < (len(held.figures.moved), len(held.changes), held.slug)
        ):
            results[result] = candidate
    found = list(results.values())
    works = [c for c in found if c.figures and c.figures.helped_count + c.figures.hurt_count]
    # What changes nothing is told once a kind, and only where nothing else of the kind does.
    kinds = {candidate.kind for candidate in works}
    idle: dict[Kind, Candidate] = {}
    for candidate in found:
        if candidate not in works and candidate.kind not in kinds:
            held = idle.get(candidate.kind)
            if held is None or _size(candidate) < _size(held):
                idle[candidate.kind] = candidate
    return [*works, *(idle[kind] for kind in sorted(idle))]


def _size(candidate: Candidate) -> tuple[int, int, str]:
    assert candidate.figures is not None
    return len(candidate.figures.moved), len(candidate.changes), candidate.slug


def _facts(plant: Plant, evaluation: Evaluation) -> dict[str, Any]:
    after = evaluation.plant
    after = at_rows_of(plant, after)
    elsewhere = np.flatnonzero(plant.op_unit != after.op_unit)
    units: dict[int, list[int]] = {}
    for op in elsewhere.tolist():
        units.setdefault(int(after.unit_id[after.op_unit[op]]), []).append(int(plant.op_id[op]))
    givers = sorted({int(plant.unit_id[plant.op_unit[op]]) for op in elsewhere.tolist()})
    ordered = [c.unit_id for c in evaluation.changes if isinstance(c, SetQueue)]
    opened = [
        [c.unit_id, c.start_s, c.end_s]
        for c in evaluation.changes
        if isinstance(c, AddCalendarWindow)
    ]
    dealt = [change for change in evaluation.changes if isinstance(change, Deal)]
    return {
        "units": units,
        "from_units": givers,
        "queues": ordered,
        "windows": opened,
        "deals": to_json(dealt),
    }


def _asks_no_more(one: Candidate, other: Candidate) -> bool:
    """Tell whether one option touches no unit that the other leaves alone."""
    assert one.footprint is not None
    assert other.footprint is not None
    mine, theirs = one.footprint, other.footprint
    return all(
        set(getattr(mine, name)) <= set(getattr(theirs, name))
        for name in ("queues", "calendars", "rows", "demands")
    )


def _beaten(
    mine: Candidate, nothing: Candidate, offered: Sequence[Candidate], *, by_money: bool
) -> Beaten | None:
    assert mine.figures is not None
    assert nothing.figures is not None
    by_money = by_money and not mine.figures.cost.at_least
    first = "money" if by_money else "late_value"
    have, idle = _figure(mine.figures, first), _figure(nothing.figures, first)
    if by_money:
        gains = have < idle
    else:
        gains = (have, mine.figures.late_s) < (idle, nothing.figures.late_s)
    if not gains:
        return Beaten(nothing.slug, first, have, idle)
    for other in offered:
        if other.kind is Kind.DO_NOTHING or other.figures is None:
            continue
        # Of what has an unknown price nobody can say that it costs less.
        unknown = other.figures.cost.at_least and not mine.figures.cost.at_least
        if unknown or not _asks_no_more(other, mine):
            continue
        pairs = [(_figure(mine.figures, name), _figure(other.figures, name)) for name in _COMPARED]
        if all(theirs <= ours for ours, theirs in pairs):
            name, (ours, theirs) = next(
                ((n, p) for n, p in zip(_COMPARED, pairs, strict=True) if p[1] < p[0]),
                ("moves", pairs[-1]),
            )
            return Beaten(other.slug, name, ours, theirs)
    alike = [other for other in offered if other.kind is mine.kind]
    if len(alike) >= OFFERED_A_KIND and alike[0].figures is not None:
        return Beaten(alike[0].slug, first, have, _figure(alike[0].figures, first))
    return None
