"""Assumptions: what the figures rest on, and where the best option flips."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from planning.engine.assumptions import (
    Assumption,
    Basis,
    Ranking,
    assumptions,
    flip_point,
)
from planning.engine.changes import MoveJob
from planning.engine.cost import CostRules, LineTerms, Rate, Rates, Terms
from planning.engine.impact import Cause, CauseKind
from planning.engine.options import generate
from planning.engine.plant import NEVER, PIECE, LotStatus, PegKind, Plant, SupplyKind
from planning.engine.projection import project
from tests.engine.plans import DAY, HOUR, MINUTE, plants, two_mills

EURO = 10_000
NOW = 6 * HOUR


def down(plant: Plant, until: int, *, again_s: int = -1, guess: bool = False) -> Plant:
    row = plant.unit_id == 1
    return replace(
        plant,
        unit_down=plant.unit_down | row,
        unit_down_since=np.where(row, NOW, plant.unit_down_since).astype(np.int32),
        unit_down_until=np.where(row, until, plant.unit_down_until).astype(np.int32),
        unit_down_again_s=np.where(row, again_s, plant.unit_down_again_s).astype(np.int32),
        unit_down_guess=row & guess,
    )


def priced(plant: Plant, machine: int = 30) -> CostRules:
    terms = {
        int(line_id): Terms(due=int(due), value=int(value), weight_day=100 * EURO)
        for line_id, due, value in zip(
            plant.line_id, plant.line_promised, plant.line_value, strict=True
        )
    }
    rates = Rates(Rate(45 * EURO), 2 * HOUR, Rate(60 * EURO), Rate(machine * EURO), Rate(EURO))
    return CostRules(LineTerms.of(plant, terms), rates)


def test_the_best_option_flips_where_the_mill_is_back_in_time() -> None:
    """Line 10 is due at 8:00 and takes an hour: back by 7:00 mill 1 makes it in time, for less."""
    plant = down(two_mills().build(), 30 * HOUR)
    promised = plant.line_promised + np.array([0, 3 * DAY, 3 * DAY], np.int32)
    plant = replace(plant, line_promised=promised)
    flip = flip_point(plant, {"mill 2": [MoveJob(10, 2, 0)]}, 1, priced(plant), now=NOW)
    assert flip is not None
    assert (flip.best, flip.other) == ("mill 2", "do-nothing")
    assert not flip.later
    # A late day begins with the first second after 8:00, so mill 2 is better from 7:01 on.
    assert flip.at == 7 * HOUR + MINUTE


@given(st.data())
def test_crossing_the_flip_point_changes_the_best_option(data: st.DataObject) -> None:
    plant = down(data.draw(plants()).build(), data.draw(st.integers(7, 60)) * HOUR + 17)
    rules = priced(plant)
    projection = project(plant, now=NOW)
    cause = Cause(CauseKind.UNIT_DOWN, 1)
    options = generate(plant, projection, cause, rules, now=NOW, budget=4)
    plans = {c.slug: c.changes for c in options.candidates[:2] if c.changes}
    assume(plans)
    flip = flip_point(plant, plans, 1, rules, now=NOW, furthest_s=8 * HOUR)
    ranking = Ranking(plant, plans, 1, rules, now=NOW)
    back = int(plant.unit_down_until[0])
    if flip is None:
        assert ranking.best(back + 8 * HOUR) == ranking.best(back)
        return
    beyond = flip.at + (MINUTE if flip.later else -MINUTE)
    assert (flip.at >= back) == flip.later or flip.at == back
    assert ranking.best(back) == ranking.best(flip.at) == flip.best
    assert ranking.best(beyond) == flip.other != flip.best


def test_without_an_estimate_there_is_nothing_to_flip() -> None:
    plant = down(two_mills().build(), NEVER)
    assert flip_point(plant, {}, 1, priced(plant), now=NOW) is None


def test_a_unit_that_is_up_has_no_flip_point() -> None:
    plant = two_mills().build()
    with pytest.raises(ValueError, match="not down"):
        flip_point(plant, {}, 1, priced(plant), now=NOW)


def listed(plant: Plant, cause: Cause, **more: object) -> list[Assumption]:
    projection = project(plant, now=NOW)
    return list(assumptions(plant, projection, cause, **more))  # type: ignore[arg-type]


def test_the_return_of_the_machine_comes_first_and_says_who_says_so() -> None:
    cause = Cause(CauseKind.UNIT_DOWN, 1)
    said = down(two_mills().build(), 30 * HOUR)
    back = Assumption(Basis.UNIT_BACK, "unit", 1, 30 * HOUR, False)
    assert listed(said, cause, lines=[10, 20, 30]) == [back]
    guessed = down(two_mills().build(), 30 * HOUR, guess=True)
    assert listed(guessed, cause)[0].guess
    again = down(two_mills().build(), NOW - HOUR, again_s=4 * HOUR)
    assert listed(again, cause) == [Assumption(Basis.UNIT_BACK, "unit", 1, NOW + 4 * HOUR, True)]
    nobody = down(two_mills().build(), NEVER)
    assert listed(nobody, cause) == [Assumption(Basis.UNIT_BACK, "unit", 1, NEVER, False)]


def test_times_on_another_unit_and_learned_rates_are_assumed() -> None:
    plant = down(two_mills().build(), 30 * HOUR)
    factor = np.where(plant.op_id == 10, 1_200_000, plant.op_factor_ppm)
    plant = replace(plant, op_factor_ppm=factor, unit_rate_ppm=np.array([10**6, 800_000]))
    found = listed(plant, Cause(CauseKind.UNIT_DOWN, 1), elsewhere=[10])
    assert [each.kind for each in found] == [
        Basis.UNIT_BACK,
        Basis.STANDARD_ELSEWHERE,
        Basis.LEARNED_RATE,
    ]


def test_what_a_line_waits_for_is_assumed() -> None:
    """A held lot without a date of quality, an overdue purchase, an item that nothing covers."""
    builder = two_mills()
    for item, op in ((91, 10), (92, 20), (93, 30)):
        builder.add_item(id=item, lead_s=2 * DAY)
        builder.add_component(id=item, operation=op, item=item, qty=PIECE)
    builder.add_supply(
        id=7, kind=SupplyKind.LOT, item=91, qty=PIECE, status=LotStatus.HELD, again_s=DAY
    )
    builder.add_peg(
        supply_kind=SupplyKind.LOT, supply=7, demand_kind=1, demand=91, qty=PIECE, kind=PegKind.HARD
    )
    builder.add_supply(id=8, kind=SupplyKind.PURCHASE, item=92, qty=PIECE, at=0, late_s=3 * DAY)
    plant = builder.build()
    found = listed(plant, Cause(CauseKind.LOT_HELD, 7), lines=[10, 20, 30])
    assert [(each.kind, each.id, each.value, each.guess) for each in found] == [
        (Basis.LOT_FREE, 7, NOW + DAY, True),
        (Basis.SUPPLY_COMES, 8, NOW + 3 * DAY, True),
        (Basis.PROPOSED, 93, NOW + 2 * DAY, True),
    ]


def test_there_are_at_most_seven() -> None:
    plant = two_mills().build()
    plant = replace(plant, op_factor_ppm=np.full(3, 2_000_000), unit_rate_ppm=np.array([5, 5]))
    everything = listed(
        plant, Cause(CauseKind.JOB_HELD, 10), lines=[10, 20, 30], elsewhere=[10, 20, 30]
    )
    assert len(everything) == 7
