"""Instances worked by hand. The plant's day begins at 0; a unit works from 6 to 14 o'clock."""

from __future__ import annotations

import pytest

from planning.engine.builder import PlantBuilder
from planning.engine.plant import (
    NEVER,
    PIECE,
    ArcKind,
    Basis,
    Bind,
    DemandKind,
    ItemKind,
    LotStatus,
    PegKind,
    Projection,
    QueueRule,
    Reason,
    Site,
    Span,
    State,
    Status,
    SupplyKind,
    Wait,
)
from planning.engine.projection import project

MINUTE = 60
HOUR = 3_600
DAY = 86_400
MAKE, BUY = int(ItemKind.MAKE), int(ItemKind.BUY)


def clock(hour: int, minute: int = 0, *, day: int = 0) -> int:
    return day * DAY + hour * HOUR + minute * MINUTE


def a_shop(*, units: int = 2, rule: QueueRule = QueueRule.PULL_READY) -> PlantBuilder:
    """Units 1, 2, ... that work from 6 to 14; item 1 is made, item 2 is bought in two days."""
    builder = PlantBuilder(Site(queue_rule=rule, horizon=10 * DAY))
    builder.add_calendar(id=1, intervals=[(clock(6, day=d), clock(14, day=d)) for d in range(10)])
    for unit in range(1, units + 1):
        builder.add_unit(id=unit, calendar=1)
    builder.add_item(id=1, kind=MAKE)
    builder.add_item(id=2, kind=BUY, lead_s=2 * DAY)
    return builder


def a_job(builder: PlantBuilder, id: int, *, unit: int, minutes: int, **more: int) -> None:
    """An order of its own with one operation of `minutes` for its one piece."""
    builder.add_order(id=id, item=1)
    builder.add_operation(
        id=id, order=id, unit=unit, launch_qty=PIECE, run_us=minutes * 60_000_000, **more
    )


def times(made: Projection, row: int) -> tuple[int, int]:
    return int(made.op_start[row]), int(made.op_end[row])


def test_work_stops_at_the_end_of_the_shift_and_goes_on_in_the_morning() -> None:
    shop = a_shop()
    a_job(shop, 1, unit=1, minutes=7 * 60)
    a_job(shop, 2, unit=1, minutes=120)
    made = project(shop.build(), now=0)
    # 7 h from 6:00 end at 13:00; one hour fits before 14:00, the other runs from 6 to 7.
    assert times(made, 0) == (clock(6), clock(13))
    assert times(made, 1) == (clock(13), clock(7, day=1))
    assert made.op_bind[1] == Bind.PLACE
    assert made.op_bind_ref[1] == 0


def test_a_breakdown_pushes_the_running_job_and_all_behind_it() -> None:
    shop = a_shop(units=1)
    shop.add_unit(
        id=9, calendar=1, down=True, down_since=clock(8), down_until=clock(11), down_guess=True
    )
    a_job(shop, 1, unit=9, minutes=180, status=int(Status.RUNNING), actual_start=clock(6))
    a_job(shop, 2, unit=9, minutes=60)
    made = project(shop.build(), now=clock(9))
    # Two of three hours were run by 8:00; the third begins when the unit is back at 11:00.
    assert times(made, 0) == (clock(6), clock(12))
    assert times(made, 1) == (clock(12), clock(13))


def test_a_job_that_waits_for_a_repair_says_so() -> None:
    shop = a_shop(units=1)
    shop.add_unit(id=9, calendar=1, down=True, down_since=clock(8), down_until=clock(11))
    a_job(shop, 1, unit=9, minutes=60)
    made = project(shop.build(), now=clock(9))
    assert times(made, 0) == (clock(11), clock(12))
    assert made.op_wait[0] == Wait.UNIT_DOWN


def test_the_follower_starts_with_the_first_batch_and_ends_after_the_last() -> None:
    shop = a_shop()
    shop.add_order(id=1, item=1)
    ten = {"order": 1, "launch_qty": 10 * PIECE}
    shop.add_operation(id=1, number=10, unit=1, run_us=20 * 60_000_000, **ten)
    shop.add_operation(id=2, number=20, unit=2, run_us=6 * 60_000_000, **ten)
    shop.add_arc(pred=1, succ=2, kind=int(ArcKind.OVERLAP), batch_qty=5 * PIECE, lag_s=600)
    made = project(shop.build(), now=0)
    # The feeder runs 6:00 to 9:20. Five pieces are there at 7:40, ten minutes later on unit 2.
    # Alone the follower would end at 8:50; its last batch of 5 (30 min) begins at 9:20 + 10.
    assert times(made, 0) == (clock(6), clock(9, 20))
    assert times(made, 1) == (clock(7, 50), clock(10))
    assert made.op_end_feeder[1] == 0


def test_the_floor_pulls_the_next_ready_job_unless_the_head_is_ready_within_half_an_hour() -> None:
    def queue(release: int, rule: QueueRule) -> Projection:
        shop = a_shop(rule=rule)
        a_job(shop, 1, unit=1, minutes=60, not_before=release)
        a_job(shop, 2, unit=1, minutes=60)
        shop.set_queue(unit=1, operations=[1, 2])
        return project(shop.build(), now=0)

    kept = queue(clock(6, 30), QueueRule.PULL_READY)
    assert times(kept, 0) == (clock(6, 30), clock(7, 30))
    assert times(kept, 1) == (clock(7, 30), clock(8, 30))
    pulled = queue(clock(6, 31), QueueRule.PULL_READY)
    assert times(pulled, 1) == (clock(6), clock(7))
    assert times(pulled, 0) == (clock(7), clock(8))
    assert pulled.op_overtook.tolist() == [False, True]
    strict = queue(clock(10), QueueRule.STRICT)
    assert times(strict, 1) == (clock(11), clock(12))


def test_a_hold_binds_until_its_end_and_without_one_blocks_all_that_follows() -> None:
    shop = a_shop()
    a_job(shop, 1, unit=1, minutes=60, hold=True, hold_until=clock(9))
    a_job(shop, 2, unit=1, minutes=60, hold=True)
    a_job(shop, 3, unit=2, minutes=60)
    a_job(shop, 4, unit=1, minutes=60)
    shop.add_arc(pred=2, succ=3)
    shop.set_queue(unit=1, operations=[2, 1, 4])
    made = project(shop.build(), now=0)
    # 2 has no date and takes no capacity; 4 goes at 6:00, 1 at the end of its hold.
    assert made.op_state.tolist() == [State.DATED, State.BLOCKED, State.BLOCKED, State.DATED]
    assert made.op_reason[1] == made.op_reason[2] == Reason.HOLD
    assert made.op_root.tolist() == [-1, 1, 1, -1]
    assert times(made, 0) == (clock(9), clock(10))
    assert made.op_bind[0] == Bind.HOLD
    assert times(made, 3) == (clock(6), clock(7))


def test_what_stock_and_purchases_do_not_cover_is_a_guess_by_lead_time() -> None:
    shop = a_shop()
    a_job(shop, 1, unit=1, minutes=60)
    a_job(shop, 2, unit=2, minutes=60)
    shop.add_component(id=1, operation=1, item=2, qty=6 * PIECE)
    shop.add_component(id=2, operation=2, item=2, qty=6 * PIECE)
    shop.add_supply(id=1, kind=int(SupplyKind.LOT), item=2, qty=4 * PIECE)
    shop.add_supply(id=1, kind=int(SupplyKind.PURCHASE), item=2, qty=5 * PIECE, at=clock(6, day=1))
    made = project(shop.build(), now=0)
    # Job 1 takes the 4 on hand and 2 of tomorrow's 5; job 2 gets 3, and 3 are bought: now + 2 days.
    assert made.peg_qty.tolist() == [4 * PIECE, 2 * PIECE, 3 * PIECE, 3 * PIECE]
    assert times(made, 0) == (clock(6, day=1), clock(7, day=1))
    assert times(made, 1) == (clock(6, day=2), clock(7, day=2))
    assert made.op_bind.tolist() == [Bind.SUPPLY, Bind.UNCOVERED]
    assert made.demand_short_qty.tolist() == [0, 3 * PIECE]


def test_an_overdue_purchase_is_never_in_the_past() -> None:
    shop = a_shop()
    a_job(shop, 1, unit=1, minutes=60)
    shop.add_component(id=1, operation=1, item=2, qty=PIECE)
    shop.add_supply(
        id=1, kind=int(SupplyKind.PURCHASE), item=2, qty=PIECE, at=clock(5), late_s=26 * HOUR
    )
    made = project(shop.build(), now=clock(6))
    assert made.supply_overdue[0]
    assert times(made, 0) == (clock(8, day=1), clock(9, day=1))


def test_a_line_without_supply_or_work_order_reads_no_date() -> None:
    shop = a_shop()
    shop.add_line(id=1, item=1, qty=PIECE, promised=clock(12, day=1))
    made = project(shop.build(), now=0)
    assert made.line_state[0] == State.BLOCKED
    assert made.line_reason[0] == Reason.NO_WORK_ORDER
    assert made.line_late_s[0] == 10 * DAY - clock(12, day=1)  # counted at the horizon


def test_a_line_leaves_with_the_next_carrier_after_picking() -> None:
    shop = a_shop()
    a_job(shop, 1, unit=1, minutes=120)
    shop.add_supply(id=1, kind=int(SupplyKind.OUTPUT), item=1, op=1, put_away_s=1_800)
    shop.add_carrier(id=1, departures=[clock(9), clock(15), clock(15, day=1)])
    shop.add_line(
        id=1,
        item=1,
        qty=PIECE,
        basis=int(Basis.ARRIVE),
        promised=clock(12, day=1),
        prepare_s=HOUR,
        calendar=1,
        carrier=1,
        transit_s=24 * HOUR,
    )
    shop.add_peg(
        supply_kind=int(SupplyKind.OUTPUT), supply=1, demand_kind=int(DemandKind.LINE), demand=1,
        qty=PIECE, kind=int(PegKind.HARD),
    )  # fmt: skip
    made = project(shop.build(), now=0)
    # Done 8:00, put away 8:30, picked 9:30: the 9 o'clock is gone, 15:00 arrives a day later.
    assert made.line_ready[0] == clock(8, 30)
    assert made.line_ship[0] == clock(15)
    assert made.line_arrive[0] == clock(15, day=1)
    assert made.line_late_s[0] == 3 * HOUR


def test_a_family_that_is_mounted_needs_no_set_up() -> None:
    shop = a_shop(units=1)
    shop.add_mounted(unit=1, place=0, family=5)
    for id, family in ((1, 5), (2, 5), (3, 6)):
        a_job(shop, id, unit=1, minutes=30, setup_s=1_800, family=family)
    made = project(shop.build(), now=0)
    assert made.op_setup_s.tolist() == [0, 0, 1_800]
    assert times(made, 2) == (clock(7), clock(8))


def test_two_places_take_two_jobs_and_the_third_the_one_that_is_free_first() -> None:
    shop = PlantBuilder(Site(horizon=10 * DAY))
    shop.add_calendar(id=1, intervals=[(0, 10 * DAY)])
    shop.add_unit(id=1, calendar=1, places=2)
    shop.add_item(id=1, kind=MAKE)
    for id, minutes in ((1, 60), (2, 40), (3, 30)):
        a_job(shop, id, unit=1, minutes=minutes)
    made = project(shop.build(), now=0)
    assert made.op_place.tolist() == [0, 1, 1]
    assert times(made, 2) == (clock(0, 40), clock(1, 10))


def test_a_job_that_must_not_be_broken_waits_for_a_shift_that_holds_it() -> None:
    shop = a_shop(units=2)
    a_job(shop, 1, unit=1, minutes=180, span=int(Span.NO_BREAK), not_before=clock(12))
    a_job(shop, 2, unit=2, minutes=600, span=int(Span.ELAPSED))
    made = project(shop.build(), now=0)
    assert times(made, 0) == (clock(6, day=1), clock(9, day=1))
    assert made.op_wait[0] == Wait.FIT
    assert times(made, 1) == (clock(6), clock(16))


def test_a_running_job_is_assumed_on_rate_and_learns_its_own() -> None:
    shop = PlantBuilder(Site(horizon=10 * DAY))
    shop.add_calendar(id=1, intervals=[(0, 10 * DAY)])
    shop.add_unit(id=1, calendar=1)
    shop.add_item(id=1, kind=MAKE)
    shop.add_order(id=1, item=1)
    shop.add_operation(
        id=1, order=1, unit=1, status=int(Status.RUNNING), launch_qty=50 * PIECE,
        good_qty=5 * PIECE, run_us=60_000_000, actual_start=0, report_at=10 * MINUTE,
        productive_s=10 * MINUTE,
    )  # fmt: skip
    # 5 pieces in 600 s beside 5 at the standard 60 s: 90 s a piece. 45 are left: 4,050 s, of
    # which five minutes have passed since the report.
    made = project(shop.build(), now=15 * MINUTE)
    assert made.op_end[0] == 10 * MINUTE + 4_050
    assert made.op_overdue[0]  # a piece is reported every 90 s; none for 5 minutes


def test_a_held_lot_gives_no_new_peg_unless_quality_gave_a_date() -> None:
    def starts(*, dated: bool) -> int:
        shop = a_shop()
        a_job(shop, 1, unit=1, minutes=60)
        shop.add_component(id=1, operation=1, item=2, qty=PIECE)
        shop.add_supply(
            id=1, kind=int(SupplyKind.LOT), item=2, qty=PIECE, status=int(LotStatus.HELD),
            until=clock(8), dated=dated,
        )  # fmt: skip
        return int(project(shop.build(), now=0).op_start[0])

    assert starts(dated=True) == clock(8)
    assert starts(dated=False) == clock(6, day=2)  # bought instead


def test_a_circle_of_arcs_is_blocked_by_name_and_the_rest_is_planned() -> None:
    shop = a_shop()
    for id in (1, 2, 3, 4):
        a_job(shop, id, unit=1, minutes=60)
    shop.add_arc(pred=1, succ=2)
    shop.add_arc(pred=2, succ=1)
    shop.add_arc(pred=2, succ=3)
    plant = shop.build()
    made = project(plant, now=0)
    by_id = {int(i): k for k, i in enumerate(plant.op_id)}
    assert [made.op_state[by_id[i]] for i in (1, 2, 3)] == [State.BLOCKED] * 3
    assert made.op_reason[by_id[3]] == Reason.CYCLE
    assert made.op_root[by_id[3]] == by_id[1]
    assert times(made, by_id[4]) == (clock(6), clock(7))


def test_a_follower_queued_before_its_predecessor_is_a_circle_under_strict_only() -> None:
    def ends(rule: QueueRule) -> list[int]:
        shop = a_shop(rule=rule)
        a_job(shop, 1, unit=1, minutes=60)
        a_job(shop, 2, unit=1, minutes=60)
        shop.add_arc(pred=1, succ=2)
        shop.set_queue(unit=1, operations=[2, 1])
        return [int(end) for end in project(shop.build(), now=0).op_end]

    assert ends(QueueRule.STRICT) == [NEVER, NEVER]
    assert ends(QueueRule.PULL_READY) == [clock(7), clock(8)]


def test_a_job_taken_off_for_want_of_what_is_pinned_behind_it_is_a_circle() -> None:
    shop = a_shop(units=1)
    a_job(shop, 1, unit=1, minutes=60, pinned=True)
    a_job(
        shop, 2, unit=1, minutes=60, status=int(Status.RUNNING), actual_start=clock(6), pinned=True
    )
    a_job(shop, 3, unit=1, minutes=60)
    shop.add_arc(pred=1, succ=2, kind=int(ArcKind.OVERLAP), batch_qty=PIECE)
    shop.set_queue(unit=1, operations=[1, 3])

    made = project(shop.build(), now=clock(6))

    assert made.op_reason.tolist() == [Reason.CYCLE, Reason.CYCLE, Reason.NONE]


def test_what_does_not_fit_before_the_horizon_has_no_date_and_takes_no_capacity() -> None:
    shop = a_shop(units=1)
    a_job(shop, 1, unit=1, minutes=81 * 60)  # the ten shifts hold 80 hours
    a_job(shop, 2, unit=1, minutes=60)
    made = project(shop.build(), now=0)
    assert made.op_state.tolist() == [State.BEYOND_HORIZON, State.DATED]
    assert times(made, 1) == (clock(6), clock(7))


def test_a_later_purchase_is_pegged_again_when_an_earlier_lot_serves_in_time() -> None:
    shop = a_shop()
    a_job(shop, 1, unit=1, minutes=60)
    shop.add_order(id=7, item=1)
    shop.add_operation(
        id=7, order=7, unit=2, launch_qty=PIECE, run_us=60_000_000, not_before=clock(6, day=3),
        baseline_end=clock(7),
    )  # fmt: skip
    shop.add_supply(id=7, kind=int(SupplyKind.OUTPUT), item=1, op=7)
    shop.add_supply(id=1, kind=int(SupplyKind.PURCHASE), item=1, qty=PIECE, at=clock(9))
    shop.add_component(id=1, operation=1, item=1, qty=PIECE)
    made = project(shop.build(), now=0)
    # By committed dates order 7 comes first (7:00); it slips to day 3, so the purchase serves.
    assert made.round_kept == 1
    assert times(made, 0) == (clock(9), clock(10))


def test_now_outside_the_plan_is_refused() -> None:
    with pytest.raises(ValueError, match="outside the plan"):
        project(a_shop().build(), now=10 * DAY)
