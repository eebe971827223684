"""What the figures rest on, and at which value of it another option becomes the best."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Final

import numpy as np

from planning.engine.changes import Change, SetEstimate, apply
from planning.engine.cost import CostRules
from planning.engine.impact import Cause, CauseKind, Step, why_late
from planning.engine.options import Figures, evaluate, sort_key
from planning.engine.plant import NEVER, PPM, Bind, LotStatus, Plant, Projection, Status, SupplyKind
from planning.engine.projection import project
from planning.engine.worktime import given_else_guessed, given_or_guessed

MINUTE = 60
DAY = 86_400
MOST: Final = 7
FIRST_STEP_S: Final = 15 * MINUTE
FURTHEST_S: Final = 14 * DAY
DO_NOTHING: Final = "do-nothing"


class Basis(StrEnum):
    """What kind of thing is assumed; `value` of the Assumption in the brackets."""

    UNIT_BACK = "UNIT_BACK"  # [instant] the unit works again
    LOT_FREE = "LOT_FREE"  # [instant] quality decides on the lot
    UNIT_FULL = "UNIT_FULL"  # [instant] the unit runs at its full rate again
    TOOL_BACK = "TOOL_BACK"  # [instant] the tool is there again
    JOB_FREE = "JOB_FREE"  # [instant] the hold on the job ends
    SUPPLY_COMES = "SUPPLY_COMES"  # [instant] a purchase comes
    PROPOSED = "PROPOSED"  # [instant] an item that nothing covers, by its lead time
    ON_RATE = "ON_RATE"  # [instant] a running job goes on as it did, until then
    LEARNED_RATE = "LEARNED_RATE"  # [ppm of standard] learned factor of a job's times
    UNIT_RATE = "UNIT_RATE"  # [ppm of standard] the unit runs slower or faster
    STANDARD_ELSEWHERE = "STANDARD_ELSEWHERE"  # [run us a piece] routing's time on another unit


@dataclass(frozen=True, slots=True)
class Assumption:
    """One thing that nobody knows for sure.

    subject, id  "unit", "lot", "operation", "purchase", "item", and its database id.
    value        by the kind; NEVER = no date and no guess.
    guess        made by the engine; else somebody said it.
    """

    kind: Basis
    subject: str
    id: int
    value: int
    guess: bool

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def assumptions(
    plant: Plant,
    projection: Projection,
    cause: Cause,
    *,
    lines: Sequence[int] = (),
    elsewhere: Sequence[int] = (),
    most: int = MOST,
) -> tuple[Assumption, ...]:
    """Return what the figures rest on, the most important first.

    plant, projection  of doing nothing, or of the option.
    lines              ids of the customer lines concerned, the dearest first.
    elsewhere          ids of the operations that the option makes on another unit.
    """
    found: dict[tuple[Basis, int], Assumption] = {}
    for each in _all(plant, projection, cause, lines, elsewhere):
        found.setdefault((each.kind, each.id), each)
        if len(found) == most:
            break
    return tuple(found.values())


def _all(
    plant: Plant,
    projection: Projection,
    cause: Cause,
    lines: Sequence[int],
    elsewhere: Sequence[int],
) -> Iterator[Assumption]:
    yield from _of_cause(plant, projection, cause)
    for line_id in lines:
        for step in why_late(plant, projection, line_id):
            yield from _of_step(plant, projection, step)
    for op in _rows(plant, elsewhere):
        op_id, run = int(plant.op_id[op]), int(plant.op_run_us[op])
        yield Assumption(Basis.STANDARD_ELSEWHERE, "operation", op_id, run, False)
        yield from _rates(plant, op)


def _rows(plant: Plant, op_ids: Sequence[int]) -> list[int]:
    wanted = np.asarray(op_ids, np.int64)
    rows: list[int] = np.flatnonzero(np.isin(plant.op_id, wanted)).tolist()
    return rows


def _of_cause(plant: Plant, projection: Projection, cause: Cause) -> Iterator[Assumption]:
    match cause.kind:
        case CauseKind.UNIT_DOWN:
            yield from _unit_back(plant, int(np.searchsorted(plant.unit_id, cause.id)), projection)
        case CauseKind.UNIT_SLOW:
            yield from _unit_full(plant, int(np.searchsorted(plant.unit_id, cause.id)), projection)
        case CauseKind.TOOL_LOST:
            yield from _tool_back(plant, int(np.searchsorted(plant.tool_id, cause.id)), projection)
        case CauseKind.LOT_HELD:
            found = (plant.supply_kind == SupplyKind.LOT) & (plant.supply_id == cause.id)
            for supply in np.flatnonzero(found).tolist():
                yield from _of_supply(plant, projection, supply)
        case CauseKind.SUPPLY_LATE:
            found = (plant.supply_kind == SupplyKind.PURCHASE) & (plant.supply_id == cause.id)
            for supply in np.flatnonzero(found).tolist():
                yield _comes(plant, projection, supply)
        case CauseKind.JOB_HELD | CauseKind.SCRAP | CauseKind.SLIP:
            for op in _rows(plant, [cause.id]):
                yield from _of_op(plant, projection, op)


def unit_back(plant: Plant, unit: int, *, now: int) -> int:
    """Return when a unit's row is reckoned to be back: the estimate, else the guess; NEVER."""
    back = given_or_guessed(
        plant.unit_down_until[unit : unit + 1], plant.unit_down_again_s[unit : unit + 1], now=now
    )
    return int(back[0])


def _unit_back(plant: Plant, unit: int, projection: Projection) -> Iterator[Assumption]:
    if not plant.unit_down[unit]:
        return
    back = unit_back(plant, unit, now=projection.now)
    said = back == plant.unit_down_until[unit] and not plant.unit_down_guess[unit]
    yield Assumption(
        Basis.UNIT_BACK, "unit", int(plant.unit_id[unit]), back, not said and back != NEVER
    )


def _unit_full(plant: Plant, unit: int, projection: Projection) -> Iterator[Assumption]:
    if plant.unit_slow[unit]:
        until, again = int(plant.unit_slow_until[unit]), int(plant.unit_slow_again_s[unit])
        at = int(given_else_guessed(until, again, projection.now))
        guess = (bool(plant.unit_slow_guess[unit]) or at != until) and at != NEVER
        yield Assumption(Basis.UNIT_FULL, "unit", int(plant.unit_id[unit]), at, guess)


def _tool_back(plant: Plant, tool: int, projection: Projection) -> Iterator[Assumption]:
    if plant.tool_lost[tool]:
        until, again = int(plant.tool_lost_until[tool]), int(plant.tool_lost_again_s[tool])
        at = int(given_else_guessed(until, again, projection.now))
        guess = (bool(plant.tool_lost_guess[tool]) or at != until) and at != NEVER
        yield Assumption(Basis.TOOL_BACK, "tool", int(plant.tool_id[tool]), at, guess)


def _of_step(plant: Plant, projection: Projection, step: Step) -> Iterator[Assumption]:
    if step.subject == "unit":
        unit = int(np.searchsorted(plant.unit_id, step.id))
        yield from _unit_back(plant, unit, projection)
    elif step.subject == "tool":
        yield from _tool_back(plant, int(np.searchsorted(plant.tool_id, step.id)), projection)
    elif step.subject == "supply":
        found = (plant.supply_kind == step.kind) & (plant.supply_id == step.id)
        for supply in np.flatnonzero(found).tolist():
            yield from _of_supply(plant, projection, supply)
    elif step.subject == "item":
        yield Assumption(Basis.PROPOSED, "item", step.id, step.at, True)
    elif step.subject == "operation":
        for op in _rows(plant, [step.id]):
            yield from _of_op(plant, projection, op)


def _of_supply(plant: Plant, projection: Projection, supply: int) -> Iterator[Assumption]:
    supply_id, at = int(plant.supply_id[supply]), int(projection.supply_at[supply])
    if plant.supply_kind[supply] == SupplyKind.LOT:
        if plant.supply_status[supply] != LotStatus.RELEASED:
            dated = bool(plant.supply_dated[supply])
            yield Assumption(Basis.LOT_FREE, "lot", supply_id, at, not dated)
    elif projection.supply_overdue[supply]:
        yield _comes(plant, projection, supply)


def _comes(plant: Plant, projection: Projection, supply: int) -> Assumption:
    supply_id, at = int(plant.supply_id[supply]), int(projection.supply_at[supply])
    overdue = bool(projection.supply_overdue[supply])
    return Assumption(Basis.SUPPLY_COMES, "purchase", supply_id, at, overdue)


def _of_op(plant: Plant, projection: Projection, op: int) -> Iterator[Assumption]:
    op_id = int(plant.op_id[op])
    if plant.op_hold[op]:
        until = given_or_guessed(
            plant.op_hold_until[op : op + 1], plant.op_hold_again_s[op : op + 1],
            now=projection.now,
        )  # fmt: skip
        said = int(until[0]) == plant.op_hold_until[op] and not plant.op_hold_guess[op]
        yield Assumption(Basis.JOB_FREE, "operation", op_id, int(until[0]), not said)
    if plant.op_status[op] == Status.RUNNING and projection.op_bind[op] == Bind.STARTED:
        yield Assumption(Basis.ON_RATE, "operation", op_id, int(projection.op_end[op]), True)
    yield from _rates(plant, op)


def _rates(plant: Plant, op: int) -> Iterator[Assumption]:
    if plant.op_factor_ppm[op] != PPM:
        factor = int(plant.op_factor_ppm[op])
        yield Assumption(Basis.LEARNED_RATE, "operation", int(plant.op_id[op]), factor, True)
    unit = int(plant.op_unit[op])
    if unit >= 0 and plant.unit_rate_ppm[unit] != PPM:
        rate = int(plant.unit_rate_ppm[unit])
        yield Assumption(Basis.UNIT_RATE, "unit", int(plant.unit_id[unit]), rate, False)


# -- where the best option changes ---------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Flip:
    """The best option stays so while the unit is back at `at` or on this side of it.

    later  True: it stays the best while the unit is back no later than `at`; False: no earlier.
    other  slug of the one that is best a minute beyond.
    """

    unit_id: int
    at: int
    later: bool
    best: str
    other: str

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


class Ranking:
    """Which of some plans is the best if a unit comes back at another time."""

    def __init__(
        self,
        plant: Plant,
        plans: Mapping[str, Sequence[Change]],
        unit_id: int,
        rules: CostRules,
        *,
        now: int,
    ) -> None:
        self.plant = plant
        self.plans = {DO_NOTHING: (), **plans}
        self.unit_id = unit_id
        self.rules = rules
        self.now = now
        self._best: dict[int, str] = {}

    def best(self, back: int) -> str:
        """Return the slug of the best plan if the unit is back then. Costs a projection a plan."""
        if back not in self._best:
            plant = apply(self.plant, [SetEstimate(self.unit_id, back)])
            nothing = project(plant, now=self.now, inventory=False)
            figures: dict[str, Figures] = {}
            for slug, changes in self.plans.items():
                found = evaluate(plant, nothing, changes, self.rules, now=self.now)
                if found.figures is not None:
                    figures[slug] = found.figures
            by_money = not any(each.cost.at_least for each in figures.values())
            self._best[back] = min(
                figures, key=lambda slug: sort_key(figures[slug], slug, by_money=by_money)
            )
        return self._best[back]


def flip_point(
    plant: Plant,
    plans: Mapping[str, Sequence[Change]],
    unit_id: int,
    rules: CostRules,
    *,
    now: int,
    furthest_s: int = FURTHEST_S,
) -> Flip | None:
    """Return the nearest time of return at which another plan becomes the best, None without one.

    plans       the top ones by slug, each with its changes; doing nothing is always among them.
    unit_id     a unit that is down and has an estimate or a guess.
    furthest_s  how far from the estimate to look.

    Looks away from the estimate in doubling steps, from a quarter of an hour up, and bisects the
    first step in which the best plan changes, to the minute. Crossing `at` by a minute makes
    `other` the best.

    :raises ValueError: if the unit is not in the plant or not down.
    """
    unit = int(np.searchsorted(plant.unit_id, unit_id))
    if unit == len(plant.unit_id) or plant.unit_id[unit] != unit_id or not plant.unit_down[unit]:
        raise ValueError(f"unit {unit_id} is not down")
    back = unit_back(plant, unit, now=now)
    if back == NEVER:
        return None
    ranking = Ranking(plant, plans, unit_id, rules, now=now)
    room = {
        1: min(furthest_s, plant.site.horizon - MINUTE - back),
        -1: min(furthest_s, max(0, back - now - 1)),  # an estimate lies ahead of now
    }
    best, near = ranking.best(back), {1: 0, -1: 0}
    step = FIRST_STEP_S
    while any(near[side] < room[side] // MINUTE for side in (1, -1)):
        for side in (1, -1):
            far = min(step, room[side]) // MINUTE
            if far <= near[side]:
                continue
            if ranking.best(back + side * far * MINUTE) != best:
                return _bisected(ranking, back, side, near[side], far)
            near[side] = far
        step *= 2
    return None


def _bisected(ranking: Ranking, back: int, side: int, near: int, far: int) -> Flip:
    best = ranking.best(back)
    while far - near > 1:
        middle = (near + far) // 2
        if ranking.best(back + side * middle * MINUTE) == best:
            near = middle
        else:
            far = middle
    return Flip(
        unit_id=ranking.unit_id,
        at=back + side * near * MINUTE,
        later=side > 0,
        best=best,
        other=ranking.best(back + side * far * MINUTE),
    )
