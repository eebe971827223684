"""A unit that runs slow for a time and a tool that is lost, worked by hand and held to laws."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st

from planning.engine.impact import Cause, CauseKind, why_late, without_cause
from planning.engine.plant import (
    NEVER,
    PIECE,
    Bind,
    Plant,
    QueueRule,
    Reason,
    Span,
    State,
    Status,
    SupplyKind,
)
from planning.engine.projection import project
from tests.engine.small_plants import Wants, small_plants
from tests.engine.test_by_hand import HOUR, MINUTE, a_job, a_shop, clock, times


def test_half_the_rate_takes_twice_the_time_until_it_is_over() -> None:
    shop = a_shop(units=0)
    shop.add_unit(id=1, calendar=1, slow=True, slow_ppm=500_000, slow_until=clock(10))
    a_job(shop, 1, unit=1, minutes=120)
    a_job(shop, 2, unit=1, minutes=120)
    made = project(shop.build(), now=clock(6))
    assert times(made, 0) == (clock(6), clock(10))
    assert times(made, 1) == (clock(10), clock(12))


def test_a_job_that_spans_the_end_of_the_slow_time_runs_at_both_rates() -> None:
    shop = a_shop(units=0)
    shop.add_unit(id=1, calendar=1, slow=True, slow_ppm=700_000, slow_until=clock(7))
    a_job(shop, 1, unit=1, minutes=120, setup_s=18 * MINUTE)
    made = project(shop.build(), now=clock(6))
    # 42 of the 138 minutes, set-up first, are done by 7:00; the other 96 as ever.
    assert times(made, 0) == (clock(6), clock(8, 36))


def test_without_an_estimate_it_stays_slow() -> None:
    shop = a_shop(units=0)
    shop.add_unit(id=1, calendar=1, slow=True, slow_ppm=250_000)
    a_job(shop, 1, unit=1, minutes=120)
    made = project(shop.build(), now=clock(6))
    assert times(made, 0) == (clock(6), clock(14))


def test_an_estimate_that_has_passed_is_made_again() -> None:
    shop = a_shop(units=0)
    shop.add_unit(
        id=1, calendar=1, slow=True, slow_ppm=500_000, slow_until=clock(7), slow_again_s=HOUR
    )
    a_job(shop, 1, unit=1, minutes=90)
    made = project(shop.build(), now=clock(8))
    assert times(made, 0) == (clock(8), clock(10))


def test_what_runs_makes_half_as_much_while_it_is_slow() -> None:
    shop = a_shop(units=0)
    shop.add_unit(
        id=1, calendar=1, slow=True, slow_ppm=500_000, slow_since=clock(8), slow_until=clock(12)
    )
    a_job(shop, 1, unit=1, minutes=300, status=int(Status.RUNNING), actual_start=clock(6))
    # Done: two hours in full and one at half of the two that were slow.
    assert times(project(shop.build(), now=clock(10)), 0) == (clock(6), clock(13))


def test_without_a_break_spans_slow_and_full_time_but_no_night() -> None:
    shop = a_shop(units=0)
    shop.add_unit(
        id=1, calendar=1, slow=True, slow_ppm=500_000, slow_since=clock(8), slow_until=clock(10)
    )
    span = int(Span.NO_BREAK)
    a_job(shop, 1, unit=1, minutes=6 * 60, span=span)
    a_job(shop, 2, unit=1, minutes=8 * 60, span=span)
    made = project(shop.build(), now=0)
    assert times(made, 0) == (clock(6), clock(13))
    assert times(made, 1) == (clock(6, day=1), clock(14, day=1))


def a_tooled_shop(**tool: int) -> Plant:
    shop = a_shop()
    shop.add_unit(id=9, calendar=1, outside=True)
    shop.add_tool(id=5, lost=True, **tool)
    shop.add_tool(id=6)
    for job in (1, 2):
        a_job(shop, job, unit=1, minutes=60)
    a_job(shop, 3, unit=2, minutes=60)
    shop.add_need(operation=1, tool=5)
    shop.add_need(operation=3, tool=6)
    shop.add_alternate(operation=1, unit=9, run_us=3_600_000_000)
    shop.add_supply(id=1, kind=int(SupplyKind.OUTPUT), item=1, op=1)
    shop.add_line(id=1, item=1, qty=PIECE, promised=clock(8))
    shop.add_peg(
        supply_kind=int(SupplyKind.OUTPUT), supply=1, demand_kind=0, demand=1, qty=PIECE, kind=0
    )
    return shop.build()


def test_a_job_waits_for_its_lost_tool_and_the_others_go_on() -> None:
    plant = a_tooled_shop(lost_until=clock(9))
    made = project(plant, now=0)
    assert times(made, 0) == (clock(9), clock(10))
    assert (made.op_bind[0], made.op_bind_ref[0]) == (Bind.TOOL, 0)
    assert times(made, 1) == (clock(6), clock(7))
    assert times(made, 2) == (clock(6), clock(7))
    last = why_late(plant, made, 1)[-1]
    assert (last.subject, last.id, last.at) == ("tool", 5, clock(9))


def test_a_tool_that_nobody_knows_of_blocks_its_jobs_by_name() -> None:
    plant = a_tooled_shop()
    made = project(plant, now=0)
    assert made.op_state[0] == State.BLOCKED
    assert made.op_reason[0] == Reason.TOOL
    assert times(made, 1) == (clock(6), clock(7))
    assert why_late(plant, made, 1)[-1].subject == "tool"


def test_who_is_outside_has_his_own_tools() -> None:
    plant = a_tooled_shop(lost_until=clock(9))
    unit = plant.op_unit.copy()
    unit[0] = int(np.flatnonzero(plant.unit_outside)[0])
    queue_ptr, queue = plant.unit_queue_ptr, plant.queue_op
    moved = replace(
        plant,
        op_unit=unit,
        queue_op=np.append(queue[queue != 0], np.int32(0)),
        unit_queue_ptr=queue_ptr - np.array([0, 1, 1, 0], np.int32),
    )
    assert times(project(moved, now=0), 0) == (clock(6), clock(7))


@given(small_plants())
def test_without_the_cause_nothing_is_left_of_it(drawn: tuple[Plant, int]) -> None:
    plant, now = drawn
    made = project(plant, now=now)
    for kind, ids, flag in (
        (CauseKind.UNIT_SLOW, plant.unit_id, "unit_slow"),
        (CauseKind.TOOL_LOST, plant.tool_id, "tool_lost"),
    ):
        for one in ids.tolist():
            gone = without_cause(plant, made, Cause(kind, one), now=now)
            assert not getattr(gone, flag)[ids == one].any()
            if not getattr(plant, flag)[ids == one].any():
                assert project(gone, now=now).same_as(made)


PLAIN = Wants(
    rule=QueueRule.STRICT, circles=False, started=False, trouble=False, material=False, places=1
)


@given(small_plants(PLAIN), st.integers(1, 999_999))
def test_a_slower_unit_ends_nothing_of_its_own_earlier(drawn: tuple[Plant, int], ppm: int) -> None:
    plant, now = drawn
    units = len(plant.unit_id)
    slow = replace(
        plant,
        unit_slow=np.ones(units, np.bool_),
        unit_slow_ppm=np.full(units, ppm, np.int64),
        unit_slow_since=np.zeros(units, np.int32),
        unit_slow_until=np.full(units, NEVER, np.int32),
    )
    before, after = project(plant, now=now), project(slow, now=now)
    # What no longer fits before the horizon takes no capacity from the others.
    assume((after.op_state == State.DATED).all())
    assert (after.op_end >= before.op_end).all()
