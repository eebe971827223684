"""Pieces made once more: an order by the item's recipe, its times, what it costs, its end."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from planning.engine.changes import Refusal, apply, footprint, from_json, illegal, inverse, to_json
from planning.engine.cost import What, option_cost
from planning.engine.deals import NEW_ORDER, Reserve, WhyNot
from planning.engine.orders import LAST, AddOrder, RemoveOrder, op_id_of
from planning.engine.plant import PIECE, DemandKind, Plant, SupplyKind
from planning.engine.projection import project
from planning.engine.recipes import Recipe, Step
from tests.engine.test_deals import BODY, DAY, EURO, NOW, OTHER_BAR, Rate, rules_of, same, workshop

FOUR = AddOrder(NEW_ORDER, BODY, 4 * PIECE, DAY, (0, LAST))
TURNED, DEBURRED = op_id_of(NEW_ORDER, 0), op_id_of(NEW_ORDER, 1)


def at(plant: Plant, *op_ids: int) -> list[int]:
    return [int(np.flatnonzero(plant.op_id == op_id)[0]) for op_id in op_ids]


def test_it_is_launched_for_its_scrap_and_dated_like_any_order() -> None:
    """Four of five come good: 300 s of set-up, 600 s each; 300 s each behind, two at a time."""
    after = apply(workshop(), [FOUR])
    out = project(after, now=NOW)
    rows = at(after, TURNED, DEBURRED)
    assert after.op_launch_qty[rows].tolist() == [5 * PIECE, 5 * PIECE]
    assert out.op_start[rows[0]] == NOW
    assert out.op_end[rows[0]] == NOW + 300 + 5 * 600
    # The first batch of two good ones takes three pieces; the last one is deburred after its end.
    assert out.op_end[rows[1]] >= out.op_end[rows[0]] + 300
    made = np.flatnonzero((after.supply_kind == SupplyKind.OUTPUT) & (after.supply_id == NEW_ORDER))
    assert out.supply_qty[made].tolist() == [4 * PIECE]
    assert out.supply_at[made].tolist() == [out.op_end[rows[1]]]
    takes = after.demand_qty[np.isin(after.demand_op, rows)]
    assert takes.tolist() == [5 * PIECE]


def test_its_places_are_those_that_were_asked_for() -> None:
    after = apply(workshop(), [replace(FOUR, places=(LAST, 0))])
    queues = [
        after.op_id[after.queue_op[after.unit_queue_ptr[u] : after.unit_queue_ptr[u + 1]]].tolist()
        for u in range(2)
    ]
    assert queues == [[1, TURNED], [DEBURRED, 2]]


def test_it_costs_its_material_and_the_hours_of_its_machines() -> None:
    plant = workshop()
    rules = rules_of(plant)
    offers = replace(rules.offers, item_cost={OTHER_BAR: Rate(3 * EURO, "standard cost")})
    rules = replace(
        rules, offers=offers, rates=replace(rules.rates, unit_hour=Rate(36 * EURO, "controlling"))
    )
    after = apply(plant, [FOUR])
    before, then = project(plant, now=NOW), project(after, now=NOW)
    cost = option_cost(plant, before, after, then, rules, [FOUR])
    lines = {(line.what, line.id): line.amount for line in cost.lines}
    assert lines[What.MATERIAL, OTHER_BAR] == 15 * EURO
    assert lines[What.MACHINE, 1] == 5 * 600 * EURO // 100
    assert lines[What.MACHINE, 2] == 4 * 300 * EURO // 100
    unknown = replace(rules, offers=replace(offers, item_cost={}))
    cost = option_cost(plant, before, after, then, unknown, [FOUR])
    assert What.MATERIAL in cost.unknown


def test_a_step_made_outside_costs_what_is_asked_there() -> None:
    plant = workshop()
    rules = rules_of(plant)
    rules = replace(
        rules,
        offers=replace(rules.offers, external=frozenset({2})),
        rates=replace(rules.rates, piece_of={2: Rate(2 * EURO, "list")}, job_of={2: Rate(9, "l")}),
    )
    after = apply(plant, [FOUR])
    before, then = project(plant, now=NOW), project(after, now=NOW)
    cost = option_cost(plant, before, after, then, rules, [FOUR])
    lines = {(line.what, line.id): line.amount for line in cost.lines}
    assert lines[What.SUBCONTRACT, 2] == 8 * EURO
    assert lines[What.SUBCONTRACT_ORDER, 2] == 9


def test_it_is_kept_for_who_is_short_and_both_go_again() -> None:
    plant = workshop()
    kept = Reserve(int(SupplyKind.OUTPUT), NEW_ORDER, int(DemandKind.LINE), 1, 4 * PIECE)
    both = [FOUR, kept]
    assert illegal(plant, project(plant, now=NOW), both) is None
    after = apply(plant, both)
    assert footprint(plant, after).demands == ((int(DemandKind.LINE), 1),)
    assert same(plant, apply(after, inverse(plant, both)))
    assert from_json(to_json(both, epoch=7), epoch=7) == tuple(both)


def test_an_order_goes_with_all_that_it_takes_and_brings() -> None:
    plant = workshop()
    after = apply(plant, [RemoveOrder(7)])
    assert 7 not in after.order_id
    assert not np.isin([1, 2], after.op_id).any()
    assert not (after.supply_kind == SupplyKind.OUTPUT).any()
    assert 5 not in after.demand_id[after.demand_kind == DemandKind.COMPONENT]
    assert len(after.peg_qty) == 0
    assert footprint(plant, after).rows == ("order:7",)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (replace(FOUR, item_id=OTHER_BAR), WhyNot.NO_ROUTING),
        (replace(FOUR, item_id=99), WhyNot.NO_ROUTING),
        (replace(FOUR, qty=0), WhyNot.QUANTITY),
        (replace(FOUR, qty=PIECE // 2), WhyNot.QUANTITY),
        (replace(FOUR, places=(-1, 0)), WhyNot.QUANTITY),
        (replace(FOUR, due_s=NOW - 1), WhyNot.DATE_PAST),
    ],
)
def test_what_can_not_be_made_says_why(change: AddOrder, why: WhyNot) -> None:
    plant = workshop()
    refusal = illegal(plant, project(plant, now=NOW), [change])
    assert isinstance(refusal, Refusal)
    assert refusal.why is why


def test_launch_quantities_are_rounded_up_once() -> None:
    recipe = Recipe((Step(10, 1, 0, 0, yield_ppm=900_000), Step(20, 1, 0, 0, yield_ppm=900_000)))
    assert recipe.launch(81 * PIECE, PIECE) == 100 * PIECE
    assert recipe.launch(82 * PIECE, PIECE) == 102 * PIECE
