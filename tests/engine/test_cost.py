"""Cost: late days by the customer's calendar, sums that open, unknown rates, never below zero."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planning.engine.builder import PlantBuilder
from planning.engine.changes import AddCalendarWindow, MoveJob, SetQueue, apply
from planning.engine.cost import (
    EVERY_DAY,
    WEEKDAYS,
    CostRules,
    LineTerms,
    Rate,
    Rates,
    Sum,
    Terms,
    What,
    day_edges,
    explain_late,
    late_cost,
    option_cost,
)
from planning.engine.plant import NEVER, PIECE, UNSET, Plant, Projection, Site, State
from tests.engine.plans import DAY, HOUR, dated, two_mills

EURO = 10_000
# Monday 23 November 2026, 00:00 in Berlin
EPOCH = int(datetime(2026, 11, 22, 23, tzinfo=UTC).timestamp())


def lines(*terms: Terms, tables: dict[str, np.ndarray] | None = None) -> tuple[Plant, CostRules]:
    """A plant of customer lines 1, 2, ... alone, with these terms."""
    builder = PlantBuilder(Site(horizon=120 * DAY))
    builder.add_item(id=1)
    for number, _ in enumerate(terms, 1):
        builder.add_line(id=number, item=1, qty=PIECE)
    plant = builder.build()
    return plant, CostRules(LineTerms.of(plant, dict(enumerate(terms, 1)), tables))


def arriving(plant: Plant, *at: int) -> Projection:
    return dated(plant, line_ship=np.array(at) - HOUR, line_arrive=at)


def berlin(weekdays: frozenset[int]) -> np.ndarray:
    return day_edges("Europe/Berlin", epoch=EPOCH, start_s=0, end_s=60 * DAY, weekdays=weekdays)


def test_late_days_are_dates_in_the_customers_zone_by_his_clause() -> None:
    """Due Friday 17:00: on Friday 20:00 no day late, on Wednesday five days or three working."""
    tables = {"all": berlin(EVERY_DAY), "working": berlin(WEEKDAYS)}
    due = 4 * DAY + 17 * HOUR
    every, working = (Terms(weight_day=EURO, due=due, days=name) for name in ("all", "working"))
    plant, rules = lines(every, working, every, working, tables=tables)
    friday, wednesday = 4 * DAY + 20 * HOUR, 9 * DAY + 9 * HOUR
    cost = late_cost(plant, arriving(plant, friday, friday, wednesday, wednesday), rules)
    assert cost.days.tolist() == [0, 0, 5, 3]
    assert cost.estimate.tolist() == [0, 0, 5 * EURO, 3 * EURO]


def test_a_day_at_the_change_of_summer_time_is_one_day() -> None:
    """25 October 2026 has 25 hours in Berlin."""
    edges = day_edges(
        "Europe/Berlin",
        epoch=int(datetime(2026, 10, 23, 22, tzinfo=UTC).timestamp()),
        start_s=0,
        end_s=3 * DAY,
    )
    assert np.diff(edges).tolist() == [DAY, DAY, 25 * HOUR, DAY]


def test_the_prototypes_penalty_opens_to_its_sum() -> None:
    """3 days x 1.5 % of 38,400 = 1,728."""
    plant, rules = lines(Terms(penalty_ppm=15_000, value=38_400 * EURO, due=0, source="contract"))
    projection = arriving(plant, 3 * DAY)
    assert late_cost(plant, projection, rules).cash.tolist() == [1_728 * EURO]
    (line,) = explain_late(plant, projection, rules, 1)
    assert (line.what, line.sum, line.source) == (What.PENALTY_PERCENT, Sum.CASH, "contract")
    assert (line.quantity, line.rate, line.base) == (3, 15_000, 38_400 * EURO)


def test_grace_frees_from_the_contract_but_not_from_goodwill() -> None:
    plant, rules = lines(
        Terms(penalty_day=10 * EURO, stop_day=5 * EURO, weight_day=EURO, grace_days=2, due=0)
    )
    cost = late_cost(plant, arriving(plant, 5 * DAY), rules)
    assert cost.cash.tolist() == [3 * 15 * EURO]
    assert cost.estimate.tolist() == [5 * EURO]


def test_lateness_never_costs_more_than_the_cap_or_the_open_value() -> None:
    capped = Terms(penalty_day=40 * EURO, weight_day=40 * EURO, cap=100 * EURO, due=0)
    valued = replace(capped, cap=None, value=50 * EURO)
    plant, rules = lines(capped, valued)
    projection = arriving(plant, 2 * DAY, 2 * DAY)
    cost = late_cost(plant, projection, rules)
    assert cost.cash.tolist() == [80 * EURO, 50 * EURO]
    assert cost.estimate.tolist() == [20 * EURO, 0]
    assert [each.what for each in explain_late(plant, projection, rules, 1)] == [
        What.PENALTY_DAY,
        What.LATENESS_WEIGHT,
        What.CAP,
    ]


def test_a_line_without_a_date_is_priced_at_its_cap_else_at_its_value() -> None:
    weight = Terms(weight_day=EURO // 100, value=900 * EURO, due=0)
    plant, rules = lines(weight, replace(weight, cap=300 * EURO))
    never = replace(arriving(plant, NEVER, NEVER), line_state=np.full(2, State.BLOCKED, np.int8))
    cost = late_cost(plant, never, rules)
    assert (cost.cash + cost.estimate).tolist() == [900 * EURO, 300 * EURO]
    lines_of_first = explain_late(plant, never, rules, 1)
    assert [each.what for each in lines_of_first] == [What.LATENESS_WEIGHT, What.NO_DATE]


def test_what_nobody_priced_is_unknown_only_where_it_is_late() -> None:
    plant, rules = lines(Terms(due=0), Terms(due=DAY), Terms(weight_day=0, due=0))
    cost = late_cost(plant, arriving(plant, DAY, DAY, DAY), rules)
    assert cost.known.tolist() == [False, True, True]
    assert cost.total == 0


def test_a_share_of_an_unknown_value_is_unknown() -> None:
    plant, rules = lines(Terms(penalty_ppm=10_000, due=0))
    assert not late_cost(plant, arriving(plant, DAY), rules).known.any()


def test_terms_below_zero_and_unknown_day_tables_are_refused() -> None:
    with pytest.raises(ValueError, match="below zero"):
        lines(Terms(penalty_day=-1))
    with pytest.raises(ValueError, match="no day table"):
        lines(Terms(days="moon"))


money = st.none() | st.integers(0, 10**10)
terms = st.builds(
    Terms,
    penalty_ppm=st.none() | st.integers(0, 200_000),
    penalty_day=money,
    stop_day=money,
    weight_day=money,
    grace_days=st.integers(0, 5),
    cap=money,
    value=st.none() | st.integers(0, 10**13),
    due=st.just(UNSET) | st.integers(0, 40 * DAY),
    days=st.sampled_from(["", "all", "working"]),
)
TABLES = {"all": berlin(EVERY_DAY), "working": berlin(WEEKDAYS)}


@given(st.lists(terms, min_size=1, max_size=4), st.integers(0, 59 * DAY), st.integers(0, DAY))
def test_late_costs_are_never_negative_never_fall_and_always_open(
    each: list[Terms], at: int, more: int
) -> None:
    plant, rules = lines(*each, tables=TABLES)
    first = arriving(plant, *[at] * len(each))
    later = arriving(plant, *[at + more] * len(each))
    never = replace(first, line_state=np.full(len(each), State.BLOCKED, np.int8))
    before = np.zeros(len(each), np.int64)
    for projection in (first, later, never):
        cost = late_cost(plant, projection, rules)
        assert (cost.cash >= 0).all()
        assert (cost.estimate >= 0).all()
        total = cost.cash + cost.estimate
        assert (total >= before).all()
        assert (total <= rules.lines.limit).all()
        before = total
        for row, line_id in enumerate(plant.line_id.tolist()):
            opened = explain_late(plant, projection, rules, line_id)
            for kind, amount in ((Sum.CASH, cost.cash[row]), (Sum.ESTIMATE, cost.estimate[row])):
                assert sum(line.amount for line in opened if line.sum is kind) == amount


def test_overtime_pays_the_crew_and_at_least_the_minimum() -> None:
    """One hour on mill 1 pays two hours of two people at 30; three hours on mill 2 as they are."""
    plant = two_mills().build()
    after = apply(
        plant,
        [AddCalendarWindow(1, 15 * HOUR, 16 * HOUR), AddCalendarWindow(2, 15 * HOUR, 18 * HOUR)],
    )
    rates = Rates(
        overtime_hour=Rate(30 * EURO, "wage table"),
        overtime_minimum_s=2 * HOUR,
        crew_ppm_of={1: 2_000_000},
    )
    rules = CostRules(LineTerms.of(plant, {}), rates)
    cost = option_cost(plant, dated(plant), after, dated(after), rules)
    assert [(c.id, c.quantity, c.amount) for c in cost.lines] == [
        (1, 4 * HOUR, 120 * EURO),
        (2, 3 * HOUR, 90 * EURO),
    ]
    assert cost.extra_cash == 210 * EURO
    assert not cost.at_least


def test_a_moved_job_pays_the_machine_hours_that_differ_and_the_set_ups() -> None:
    plant = two_mills().build()
    after = apply(plant, [MoveJob(10, 2, 0)])
    rates = Rates(
        unit_hour=Rate(20 * EURO), setup_hour=Rate(40 * EURO), unit_hour_of={2: Rate(30 * EURO)}
    )
    rules = CostRules(LineTerms.of(plant, {}), rates)
    before = dated(plant, op_work_s=[HOUR] * 3)
    moved = dated(after, op_work_s=[HOUR * 3 // 2, HOUR, HOUR], op_setup_s=[HOUR // 2, 0, 0])
    cost = option_cost(plant, before, after, moved, rules)
    assert [(c.what, c.id, c.quantity, c.amount) for c in cost.lines] == [
        (What.SETUP, 2, HOUR // 2, 20 * EURO),
        (What.MACHINE, 1, -HOUR, -20 * EURO),
        (What.MACHINE, 2, HOUR * 3 // 2, 45 * EURO),
    ]
    assert cost.extra_cash == 45 * EURO


def test_work_that_doing_nothing_never_reaches_is_the_same_work_elsewhere() -> None:
    """Job 10 has no date on mill 1: its hour there is still what mill 2's 1.5 hours replace."""
    plant = two_mills().build()
    after = apply(plant, [MoveJob(10, 2, 0)])
    rules = CostRules(LineTerms.of(plant, {}), Rates(unit_hour=Rate(20 * EURO)))
    blocked = np.where(plant.op_id == 10, State.BLOCKED, State.DATED)
    before = replace(
        dated(plant, op_left_qty=[PIECE] * 3, op_work_s=[0, HOUR, HOUR]),
        op_state=blocked.astype(np.int8),
    )
    moved = dated(after, op_left_qty=[PIECE] * 3, op_work_s=[HOUR * 3 // 2, HOUR, HOUR])
    assert option_cost(plant, before, after, moved, rules).extra_cash == 10 * EURO


def test_without_rates_the_sum_is_at_least() -> None:
    plant = two_mills().build()
    after = apply(plant, [MoveJob(10, 2, 0), AddCalendarWindow(2, 15 * HOUR, 16 * HOUR)])
    rules = CostRules(LineTerms.of(plant, {}))
    moved = dated(after, op_work_s=[HOUR, 0, 0])
    cost = option_cost(plant, dated(plant), after, moved, rules)
    assert cost.unknown == (What.MACHINE, What.OVERTIME)
    assert cost.at_least
    assert cost.extra_money == 0


def test_moves_weigh_but_are_not_money() -> None:
    plant = two_mills().build()
    after = apply(plant, [SetQueue(1, (30, 10, 20))])
    rules = CostRules(LineTerms.of(plant, {}), Rates(move=Rate(7 * EURO)))
    cost = option_cost(plant, dated(plant), after, dated(after), rules)
    assert cost.weight == 7 * EURO  # one job goes to the head; the others stay as they are
    assert cost.money == 0
