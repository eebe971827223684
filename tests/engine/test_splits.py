"""A job split in two: its pieces are conserved, what follows waits for both, and it goes back."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planning.engine.changes import apply, footprint, illegal, inverse
from planning.engine.cost import What, option_cost
from planning.engine.deals import NEW, Substitute, WhyNot
from planning.engine.options import evaluate
from planning.engine.plant import PIECE, ArcKind, Plant, State, Status
from planning.engine.projection import project
from planning.engine.splits import MergeJob, SplitJob, first_of, quantum_of
from tests.engine.small_plants import Wants, small_plants
from tests.engine.test_deals import NOW, OTHER_BAR, Rate, rules_of, same, workshop

HOUR = 3_600
EURO = 10_000


def turning() -> Plant:
    """Ten bodies of bars that lie there: 600 s each on unit 1; on unit 3 1,200 s and 900 s each."""
    return apply(workshop(), [Substitute(5, OTHER_BAR, 10 * PIECE)])


def row(plant: Plant, op_id: int) -> int:
    return int(np.flatnonzero(plant.op_id == op_id)[0])


def test_both_parts_are_made_at_once_and_what_follows_waits_for_the_later() -> None:
    """Seven on unit 1: 4,200 s. Three on unit 3: 1,200 + 2,700 s. Ten more of 600 s after that."""
    plant = turning()
    after = apply(plant, [SplitJob(1, NEW + 1, 3, 0, 3 * PIECE)])
    out = project(after, now=NOW)
    first, part, then = row(after, 1), row(after, NEW + 1), row(after, 2)
    assert out.op_end[[first, part, then]].tolist() == [NOW + 4200, NOW + 3900, NOW + 10_200]
    assert out.op_input_qty[[first, part, then]].tolist() == [7 * PIECE, 3 * PIECE, 10 * PIECE]
    assert project(plant, now=NOW).op_end[row(plant, 2)] == NOW + 12_000
    takes = after.demand_qty[after.demand_item == row_of_item(after, OTHER_BAR)]
    assert sorted(takes.tolist()) == [3 * PIECE, 7 * PIECE]


def row_of_item(plant: Plant, item_id: int) -> int:
    return int(np.flatnonzero(plant.item_id == item_id)[0])


def test_the_last_step_is_there_when_both_parts_are() -> None:
    """Six of ten on unit 1's like, each 600 s, after the turning that ends at NOW + 6,000."""
    plant = turning()
    after = apply(plant, [SplitJob(2, NEW + 1, 2, 1, 4 * PIECE)])
    out = project(after, now=NOW)
    output = int(np.flatnonzero(after.supply_op >= 0)[0])
    assert out.supply_qty[output] == 10 * PIECE
    # Both on unit 2, one after the other: all of it as late as before, and not a piece lost.
    assert out.supply_at[output] == NOW + 6_000 + 6_000
    assert out.line_short_qty.tolist() == project(plant, now=NOW).line_short_qty.tolist()


def test_a_split_costs_its_set_up_and_the_dearer_machine() -> None:
    plant = turning()
    rules = rules_of(plant, setup_hour=Rate(60 * EURO, "x"), unit_hour=Rate(30 * EURO, "y"))
    change = SplitJob(1, NEW + 1, 3, 0, 3 * PIECE)
    after = apply(plant, [change])
    found = option_cost(
        plant, project(plant, now=NOW), after, project(after, now=NOW), rules, [change]
    )
    amounts = {(line.what, line.id): line.amount for line in found.lines}
    assert amounts == {
        (What.SETUP, 3): 20 * EURO,  # 1,200 s of an hour at 60
        (What.MACHINE, 1): -15 * EURO,  # three pieces of 600 s less
        (What.MACHINE, 3): 22 * EURO + EURO // 2,  # three of 900 s
    }


def test_an_option_that_splits_says_when_it_is_to_be_decided() -> None:
    plant = turning()
    projection = project(plant, now=NOW)
    found = evaluate(
        plant, projection, [SplitJob(1, NEW + 1, 3, 0, 3 * PIECE)], rules_of(plant), now=NOW
    )
    assert found.figures is not None
    assert (found.figures.moved, found.figures.decide_by) == ((), NOW)
    assert found.footprint.queues == (3,)
    assert found.footprint.ops == (1,)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (SplitJob(1, NEW + 1, 3, 0, 10 * PIECE), WhyNot.QUANTITY),
        (SplitJob(1, NEW + 1, 3, 0, PIECE // 2), WhyNot.QUANTITY),
        (SplitJob(1, NEW + 1, 3, -1, PIECE), WhyNot.QUANTITY),
        (SplitJob(2, NEW + 1, 3, 0, PIECE), WhyNot.NO_LIKE_UNIT),
    ],
)
def test_a_split_that_can_not_be_says_why(change: SplitJob, why: WhyNot) -> None:
    plant = turning()
    refusal = illegal(plant, project(plant, now=NOW), [change])
    assert refusal is not None
    assert refusal.why is why


def test_a_step_that_is_fed_in_batches_is_not_split() -> None:
    plant = turning()
    plant = replace(
        plant,
        arc_kind=np.full(len(plant.arc_kind), int(ArcKind.OVERLAP), np.int8),
        arc_batch_qty=np.full(len(plant.arc_kind), PIECE, np.int64),
    )
    refusal = illegal(plant, project(plant, now=NOW), [SplitJob(2, NEW + 1, 2, 0, PIECE)])
    assert refusal is not None
    assert refusal.why is WhyNot.FED_IN_BATCHES


@given(st.data())
def test_split_and_given_back_is_the_plant_array_by_array(data: st.DataObject) -> None:
    plant, now = data.draw(small_plants(Wants(circles=False)))
    projection = project(plant, now=now)
    op = data.draw(st.sampled_from(range(len(plant.op_id))))
    qty = data.draw(st.integers(1, 8)) * quantum_of(plant, op)
    unit = int(plant.unit_id[max(0, plant.op_unit[op])])
    change = SplitJob(int(plant.op_id[op]), NEW + 1, unit, data.draw(st.integers(0, 3)), qty)
    if illegal(plant, projection, [change]) is not None:
        return
    after = apply(plant, [change])
    back = apply(after, inverse(plant, [change]))
    if not _pegged(plant, op):
        assert same(back, plant)
    (again,) = inverse(after, inverse(plant, [change]))
    assert isinstance(again, SplitJob)
    assert same(apply(plant, [again]), after)
    assert footprint(plant, plant) == footprint(plant, back)
    # Not a piece is lost or won, whatever comes and whoever makes it.
    if plant.op_pred_ptr[op] == plant.op_pred_ptr[op + 1]:
        out = project(after, now=now)
        rows = [row(after, change.op_id), row(after, change.part_id)]
        whole = int(plant.op_launch_qty[op])
        assert int(out.op_input_qty[rows].sum()) == whole


def _pegged(plant: Plant, op: int) -> bool:
    """Whether what it takes is pegged: then pegs stand, though the demand is smaller."""
    return bool((plant.demand_op[plant.peg_demand] == op).any())


@given(small_plants())
def test_parts_share_no_more_than_what_comes(drawn: tuple[Plant, int]) -> None:
    plant, now = drawn
    out = project(plant, now=now)
    for first in np.flatnonzero(plant.op_next_part >= 0).tolist():
        if plant.op_part_of[first] >= 0:
            continue
        parts = [first, *np.flatnonzero(plant.op_part_of == first).tolist()]
        brought = []
        for arc in range(plant.op_pred_ptr[first], plant.op_pred_ptr[first + 1]):
            pred = int(plant.arc_pred[arc])
            if plant.op_part_of[pred] >= 0:
                continue
            of = [pred, *np.flatnonzero(plant.op_part_of == pred).tolist()]
            made = sum(int(out.op_output_qty[each]) for each in of)
            brought.append(made * int(plant.arc_per_den[arc]) // int(plant.arc_per_num[arc]))
        if not brought:
            continue
        used = plant.op_good_qty + plant.op_scrap_qty + plant.op_rework_qty
        done = plant.op_status == Status.DONE
        takes = sum(int(used[x] if done[x] else out.op_input_qty[x]) for x in parts)
        over = sum(int(used[x]) for x in parts)
        assert takes <= max(min(brought), over)


@given(small_plants(Wants(circles=False)))
def test_what_an_operation_makes_comes_with_its_last_part(drawn: tuple[Plant, int]) -> None:
    plant, now = drawn
    out = project(plant, now=now)
    for supply in np.flatnonzero(plant.supply_op >= 0).tolist():
        first = int(plant.supply_op[supply])
        parts = [first, *np.flatnonzero(plant.op_part_of == first).tolist()]
        if (out.op_state[parts] == State.DATED).all():
            assert out.supply_at[supply] >= out.op_end[parts].max() or all(
                plant.op_status[parts] == Status.DONE
            )


def test_giving_back_needs_a_part_of_the_same_operation() -> None:
    plant = apply(turning(), [SplitJob(1, NEW + 1, 3, 0, 3 * PIECE)])
    assert first_of(plant, row(plant, NEW + 1)) == row(plant, 1)
    assert illegal(plant, project(plant, now=NOW), [MergeJob(2, NEW + 1)]) is not None
    assert illegal(plant, project(plant, now=NOW), [MergeJob(1, NEW + 1)]) is None
