"""Pieces on hold or lost: used as they are or mended, when they come, what that costs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from planning.engine.changes import apply
from planning.engine.cost import What, option_cost
from planning.engine.deals import NEW_REWORK, Reserve
from planning.engine.mends import Concede, OrderRework
from planning.engine.offers import Rate
from planning.engine.orders import LAST, op_id_of
from planning.engine.plant import NEVER, PIECE, DemandKind, Plant, Status, SupplyKind
from planning.engine.projection import project
from tests.engine.test_deals import BODY, DAY, EURO, HOUR, NOW, rework, rules_of, workshop
from tests.engine.test_twin import differences


def lot(plant: Plant, lot_id: int = 23) -> int:
    found = (plant.supply_kind == SupplyKind.LOT) & (plant.supply_id == lot_id)
    return int(np.flatnonzero(found)[0])


def output(plant: Plant, order_id: int = NEW_REWORK) -> int:
    found = (plant.supply_kind == SupplyKind.OUTPUT) & (plant.supply_id == order_id)
    return int(np.flatnonzero(found)[0])


def test_a_conceded_lot_is_there_when_quality_will_have_agreed() -> None:
    plant = workshop()
    assert project(plant, now=NOW).supply_at[lot(plant)] == 40 * DAY
    after = apply(plant, [Concede(23, NOW + 4 * HOUR)])
    out = project(after, now=NOW)
    assert out.supply_at[lot(after)] == NOW + 4 * HOUR
    # Only then may somebody take of it who has no claim to it yet.
    assert not (project(plant, now=NOW).peg_supply == lot(plant)).any()
    assert (out.peg_supply == lot(after)).any()
    assert differences(after, now=NOW) == {}


def test_mended_pieces_leave_their_lot_and_come_when_they_are_done() -> None:
    """A set-up of 60 s and two pieces of 90 s each at a free unit."""
    plant = workshop()
    kept = Reserve(int(SupplyKind.OUTPUT), NEW_REWORK, int(DemandKind.LINE), 1, 2 * PIECE)
    after = apply(plant, [rework(), kept])
    out = project(after, now=NOW)
    assert out.supply_qty[lot(after)] == PIECE
    assert out.supply_qty[output(after)] == 2 * PIECE
    assert out.supply_at[output(after)] == NOW + 60 + 2 * 90
    assert out.peg_qty[out.peg_supply == output(after)].sum() == 2 * PIECE
    assert differences(after, now=NOW) == {}


def lost() -> Plant:
    """Three of the ten bodies were lost where they are turned."""
    plant = workshop()
    first = int(np.flatnonzero(plant.op_id == 1)[0])
    scrap, status, began = plant.op_scrap_qty.copy(), plant.op_status.copy(), plant.op_actual_start
    scrap[first], status[first] = 3 * PIECE, Status.RUNNING
    began = began.copy()
    began[first] = NOW - HOUR
    queue = plant.queue_op[plant.queue_op != first]
    ptr = np.cumsum([0, *(np.diff(plant.unit_queue_ptr) - [1, 0, 0])]).astype(np.int32)
    return replace(
        plant, op_scrap_qty=scrap, op_status=status, op_actual_start=began, queue_op=queue,
        unit_queue_ptr=ptr,
    )  # fmt: skip


def test_what_was_lost_goes_on_from_the_operation_that_lost_it() -> None:
    """Mended by 60 s + 3 x 90 s, then deburred as any piece."""
    mending = OrderRework(NEW_REWORK, BODY, 3 * PIECE, DAY, 0, 1, 3, 60, 90_000_000, 10, (LAST, 0))
    after = apply(lost(), [mending])
    out = project(after, now=NOW)
    rows = [int(np.flatnonzero(after.op_id == op_id_of(NEW_REWORK, step))[0]) for step in range(2)]
    assert after.op_number[rows].tolist() == [10, 20]
    assert out.op_end[rows[0]] == NOW + 60 + 3 * 90
    assert out.op_end[rows[1]] == out.op_end[rows[0]] + 3 * 300
    assert out.supply_qty[output(after)] == 3 * PIECE
    # They take no bars: those were issued when they were turned.
    assert not np.isin(after.demand_op, rows).any()
    assert after.supply_qty[lot(after)] == 3 * PIECE


def test_used_as_they_are_they_cost_their_papers_and_no_machine() -> None:
    plant = lost()
    rules = rules_of(plant)
    rates = replace(
        rules.rates, unit_hour=Rate(36 * EURO, "controlling"), concession=Rate(90 * EURO, "QM")
    )
    mending = OrderRework(NEW_REWORK, BODY, 3 * PIECE, DAY, 0, 1, 1, 0, 0, 10, (LAST, LAST))
    for change, whats in (
        (mending, {What.CONCESSION, What.MACHINE}),
        (replace(mending, unit_id=3, setup_s=60, run_us=90_000_000), {What.MACHINE}),
        (Concede(23, DAY), {What.CONCESSION}),
    ):
        after = apply(plant, [change])
        before, then = project(plant, now=NOW), project(after, now=NOW)
        cost = option_cost(plant, before, after, then, replace(rules, rates=rates), [change])
        assert {line.what for line in cost.lines} - {What.SETUP} == whats
        nobody = option_cost(plant, before, after, then, rules, [change])
        assert (What.CONCESSION in nobody.unknown) == (What.CONCESSION in whats)
    assert NEVER not in project(apply(plant, [mending]), now=NOW).op_end.tolist()
