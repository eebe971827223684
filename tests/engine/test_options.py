"""Options: found by count, costed by whole projections, judged by name."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planning.engine.builder import PlantBuilder
from planning.engine.changes import (
    AddCalendarWindow,
    Footprint,
    MoveJob,
    Refusal,
    SetQueue,
    Why,
    apply,
    illegal,
    inverse,
)
from planning.engine.cost import CostRules, LineTerms, Rate, Rates, Terms
from planning.engine.impact import Cause, CauseKind
from planning.engine.options import Kind, Options, Verdict, evaluate, generate
from planning.engine.plant import NEVER, PIECE, UNSET, Plant, QueueRule, Site, SupplyKind
from planning.engine.projection import project
from tests.engine.plans import DAY, HOUR, plants, two_mills
from tests.engine.small_plants import small_plants

EURO = 10_000
NOW = 6 * HOUR
BREAKDOWN = Cause(CauseKind.UNIT_DOWN, 1)
RATES = Rates(
    overtime_hour=Rate(45 * EURO, "wages"),
    overtime_minimum_s=2 * HOUR,
    setup_hour=Rate(60 * EURO),
    unit_hour=Rate(30 * EURO),
    move=Rate(EURO),
)


def down(plant: Plant, until: int) -> Plant:
    row = plant.unit_id == 1
    return replace(
        plant,
        unit_down=plant.unit_down | row,
        unit_down_since=np.where(row, NOW, plant.unit_down_since).astype(np.int32),
        unit_down_until=np.where(row, until, plant.unit_down_until).astype(np.int32),
    )


def priced(plant: Plant, rates: Rates = RATES, weight: int = 100) -> CostRules:
    terms = {
        int(line_id): Terms(due=int(due), value=int(value), weight_day=weight * EURO)
        for line_id, due, value in zip(
            plant.line_id, plant.line_promised, plant.line_value, strict=True
        )
    }
    return CostRules(LineTerms.of(plant, terms), rates)


def broken_mill() -> Plant:
    return down(two_mills().build(), 30 * HOUR)


def generated(plant: Plant, rules: CostRules | None = None, budget: int = 24) -> Options:
    projection = project(plant, now=NOW)
    return generate(plant, projection, BREAKDOWN, rules or priced(plant), now=NOW, budget=budget)


def test_a_breakdown_offers_the_other_mill_another_order_and_overtime_or_says_why_not() -> None:
    options = generated(broken_mill())
    kinds = {candidate.kind for candidate in options.candidates}
    assert kinds >= {Kind.DO_NOTHING, Kind.ALTERNATE_UNIT, Kind.RESEQUENCE, Kind.OVERTIME}
    best = options.candidates[0]
    assert best.kind is Kind.ALTERNATE_UNIT
    nothing = options["do-nothing"].figures
    assert best.figures is not None
    # Only job 30 stays behind; doing nothing leaves all three lines late.
    assert nothing is not None
    assert best.figures.late_lines < nothing.late_lines == 3


def test_the_first_way_that_helps_is_told_at_once_and_the_end_is_the_same() -> None:
    plant = broken_mill()
    projection, rules = project(plant, now=NOW), priced(plant)
    told: list[Options] = []

    options = generate(plant, projection, BREAKDOWN, rules, now=NOW, first=told.append)

    (first,) = told
    assert first.evaluations < options.evaluations
    (answer,) = (c for c in first.offered if c.kind is not Kind.DO_NOTHING)
    assert answer.figures is not None
    assert answer.figures.saves > 0
    plain = generate(plant, projection, BREAKDOWN, rules, now=NOW)

    def said(found: Options) -> list[tuple[str, Verdict, int | None]]:
        return [
            (c.slug, c.verdict, c.figures.saves if c.figures else None) for c in found.candidates
        ]

    assert said(options) == said(plain)


def test_the_money_of_the_other_mill_is_worked_by_hand() -> None:
    """Job 10 on mill 2 ends at 7:30, in time; 20 and 30 end next day at 7 and 8.

    Doing nothing: three lines a begun day late but 30, which is an hour late on its second day.
    """
    plant = broken_mill()
    rules = priced(plant)
    projection = project(plant, now=NOW)
    found = evaluate(plant, projection, [MoveJob(10, 2, 0)], rules, now=NOW)
    assert found.figures is not None
    figures = found.figures
    # before: 10 at 31 h, 20 at 32 h, 30 at 33 h against 8 h; after: 7.5 h, 31 h, 32 h
    assert projection.line_late_s.tolist() == [23 * HOUR, 24 * HOUR, 25 * HOUR]
    assert found.projection.line_late_s.tolist() == [-HOUR // 2, 23 * HOUR, 24 * HOUR]
    assert figures.cost.late_money == 200 * EURO  # two begun days instead of 1 + 1 + 2
    assert figures.cost.extra_cash == 15 * EURO  # 1.5 h on mill 2 instead of 1 h on mill 1
    assert figures.saves == 400 * EURO - 215 * EURO
    assert figures.cost.weight == EURO
    assert {hit.line_id for hit in figures.helped} == {10, 20, 30}
    assert figures.hurt == ()
    assert figures.moved == (10,)
    assert figures.full_until == NOW
    assert figures.decide_by == 30 * HOUR  # when job 10 would have started on mill 1


def test_all_changes_of_an_option_count_not_only_the_first() -> None:
    """10 and 20 on mill 2 end at 7:30 and 9:00; 30 is alone on mill 1, back at 6 next day."""
    plant = broken_mill()
    both = [MoveJob(10, 2, 0), MoveJob(20, 2, 1)]
    found = evaluate(plant, project(plant, now=NOW), both, priced(plant), now=NOW)
    assert found.projection.line_late_s.tolist() == [-HOUR // 2, HOUR, 23 * HOUR]
    assert found.footprint == Footprint(queues=(1, 2), ops=(10, 20))


@given(st.data())
def test_applying_an_option_gives_exactly_its_figures(data: st.DataObject) -> None:
    """Law 6, and what undoes it restores the projection."""
    plant = down(
        data.draw(plants()).build(), data.draw(st.sampled_from([9 * HOUR, 50 * HOUR, NEVER]))
    )
    rules = priced(plant)
    projection = project(plant, now=NOW)
    options = generate(plant, projection, BREAKDOWN, rules, now=NOW, budget=8)
    for candidate in options.candidates:
        if candidate.figures is None:
            continue
        after = apply(plant, candidate.changes)
        again = evaluate(plant, projection, candidate.changes, rules, now=NOW)
        assert candidate.projection is not None
        applied = project(after, now=NOW, inventory=candidate.kind is Kind.DO_NOTHING)
        assert applied.same_as(candidate.projection)
        assert again.figures is not None
        assert again.figures.to_json() == candidate.figures.to_json()
        back = apply(after, inverse(plant, candidate.changes))
        assert project(back, now=NOW).same_as(projection)


@given(small_plants(), st.data())
def test_that_holds_for_plants_with_everything_in_them(
    drawn: tuple[Plant, int], data: st.DataObject
) -> None:
    """Arcs, overlaps, families, places, holds, pegs, circles: apply gives the figures, and the
    inverse gives back the plan."""
    plant, now = drawn
    cause = Cause(CauseKind.UNIT_DOWN, int(plant.unit_id[0]))
    until = data.draw(st.sampled_from([now + HOUR, now + 9 * HOUR, NEVER]))
    first = np.arange(len(plant.unit_id)) == 0
    plant = replace(
        plant,
        unit_down=plant.unit_down | first,
        unit_down_until=np.where(first, until, plant.unit_down_until).astype(np.int32),
    )
    rules = priced(plant)
    projection = project(plant, now=now)
    options = generate(plant, projection, cause, rules, now=now, budget=6)
    for candidate in options.candidates:
        if candidate.figures is None or candidate.projection is None:
            continue
        after = apply(plant, candidate.changes)
        stock = candidate.kind is Kind.DO_NOTHING
        assert project(after, now=now, inventory=stock).same_as(candidate.projection)
        back = apply(after, inverse(plant, candidate.changes))
        assert project(back, now=now).same_as(projection)


@given(st.data())
def test_what_is_made_is_legal_ordered_and_never_without_doing_nothing(
    data: st.DataObject,
) -> None:
    plant = down(
        data.draw(plants()).build(), data.draw(st.sampled_from([9 * HOUR, 50 * HOUR, NEVER]))
    )
    start = np.array(
        [data.draw(st.sampled_from([UNSET, NOW - 1, 2 * DAY])) for _ in plant.op_id], np.int32
    )
    plant = replace(plant, op_baseline_start=start)
    rates = data.draw(st.sampled_from([RATES, Rates()]))
    rules = priced(plant, rates)
    projection = project(plant, now=NOW)
    budget = data.draw(st.integers(0, 12))
    options = generate(plant, projection, BREAKDOWN, rules, now=NOW, budget=budget)
    assert options.evaluations <= budget
    assert [c.rank for c in options.candidates] == list(range(len(options.candidates)))
    nothing = options["do-nothing"]
    assert nothing.verdict is Verdict.OFFERED
    assert nothing.figures is not None
    assert nothing.figures.saves == 0
    slugs = [candidate.slug for candidate in options.candidates]
    assert len(set(slugs)) == len(slugs)
    by_money = all(c.figures.cost.by_money for c in options.candidates if c.figures)
    offered = [c.figures for c in options.offered if c.figures]
    # By money, then those whose own price is unknown by late value; else all by late value.
    priced_first = [by_money and f.cost.at_least for f in offered]
    assert priced_first == sorted(priced_first)
    for unknown in (False, True):
        group = [f for f, u in zip(offered, priced_first, strict=True) if u is unknown]
        order = [f.cost.money if by_money and not unknown else f.late_value for f in group]
        assert order == sorted(order)
    for candidate in options.candidates:
        if candidate.verdict is Verdict.IMPOSSIBLE:
            assert candidate.refusal is not None
            continue
        assert illegal(plant, projection, candidate.changes) is None
        assert candidate.figures is not None
        assert candidate.figures.frozen_moved == 0
        assert candidate.figures.saves == nothing.figures.cost.money - candidate.figures.cost.money
        if candidate.verdict is Verdict.WORSE:
            assert candidate.beaten is not None
            assert candidate.beaten.theirs <= candidate.beaten.mine
            assert options[candidate.beaten.by].verdict is Verdict.OFFERED
        elif candidate.kind is not Kind.DO_NOTHING and by_money:
            assert candidate.figures.saves > 0 or candidate.figures.cost.at_least


@given(plants())
def test_the_same_plant_gives_the_same_options(builder: object) -> None:
    plant = down(builder.build(), 50 * HOUR)  # type: ignore[attr-defined]
    first, second = generated(plant, budget=5), generated(plant, budget=5)
    assert [c.to_json() for c in first.candidates] == [c.to_json() for c in second.candidates]


def test_a_stopped_queue_is_dealt_out_in_its_turn_until_leaving_gains_nothing() -> None:
    """Two equal mills, twelve hourly jobs each, one of them down for six hours.

    Jobs 1 to 3 go between those of the other mill, each at its turn, and end at 2, 4 and 6; job 4
    would end there at 8 and here, after the repair, at 7. So every job ends at most three hours
    after its own hour, as promised; waiting makes each of the twelve here three hours late.
    """
    builder = PlantBuilder(Site(horizon=10 * DAY))
    builder.add_calendar(id=1, intervals=[(0, 10 * DAY)])
    queues = {1: list(range(1, 13)), 2: list(range(101, 113))}
    for unit, jobs in queues.items():
        builder.add_unit(id=unit, calendar=1, down=unit == 1, down_until=NOW + 6 * HOUR)
        for place, job in enumerate(jobs, 1):
            builder.add_item(id=job, kind=1)
            builder.add_order(id=job, item=job)
            builder.add_operation(
                id=job, order=job, number=1, unit=unit, launch_qty=PIECE, run_us=HOUR * 1_000_000
            )
            builder.add_supply(id=job, kind=SupplyKind.OUTPUT, item=job, op=job)
            due = NOW + (place + 3) * HOUR
            builder.add_line(id=job, item=job, qty=PIECE, promised=due, value=1_000_0000)
    for unit, jobs in queues.items():
        for job in jobs:
            builder.add_alternate(operation=job, unit=3 - unit, run_us=HOUR * 1_000_000)
        builder.set_queue(unit=unit, operations=jobs)

    options = generated(builder.build())

    shared = options["alternate-unit/share"]
    assert shared.changes == (MoveJob(1, 2, 1), MoveJob(2, 2, 3), MoveJob(3, 2, 5))
    assert shared.verdict is Verdict.OFFERED
    assert shared.figures is not None
    assert options["do-nothing"].figures is not None
    assert (options["do-nothing"].figures.late_lines, shared.figures.late_lines) == (12, 0)


def test_a_job_that_no_other_unit_can_make_is_named() -> None:
    builder = two_mills()
    plant = builder.build()
    none = np.zeros(4, np.int32)
    empty = replace(
        down(plant, 30 * HOUR),
        op_alternate_ptr=none,
        alternate_unit=none[:0],
        alternate_setup_s=none[:0],
        alternate_run_us=plant.alternate_run_us[:0],
        alternate_fixed_us=plant.alternate_fixed_us[:0],
        alternate_cost=plant.alternate_cost[:0],
    )
    idea = generated(empty)["alternate-unit/all"]
    assert idea.verdict is Verdict.IMPOSSIBLE
    assert idea.refusal is not None
    assert idea.refusal.why is Why.NO_ALTERNATE
    assert set(idea.facts["blocked_by"]) == {10, 20, 30}


def test_a_unit_that_is_down_too_is_named() -> None:
    plant = broken_mill()
    plant = replace(
        plant,
        unit_down=np.array([True, True]),
        unit_down_until=np.array([30 * HOUR, 90 * HOUR], np.int32),
    )
    idea = generated(plant)["alternate-unit/all"]
    assert idea.refusal == Refusal(Why.ALTERNATE_DOWN, "unit", 2)


def test_an_option_that_costs_more_than_it_saves_is_worse_than_doing_nothing() -> None:
    plant = broken_mill()
    options = generated(plant, priced(plant, weight=1))
    overtime = [c for c in options.candidates if c.kind is Kind.OVERTIME]
    assert overtime
    for candidate in overtime:
        assert candidate.verdict is Verdict.WORSE
        assert candidate.beaten is not None
        assert (candidate.beaten.by, candidate.beaten.figure) == ("do-nothing", "money")


def test_without_rates_options_are_at_least_and_ranked_by_late_days_times_value() -> None:
    plant = broken_mill()
    plant = replace(plant, line_value=plant.line_value * np.array([1, 5, 1]))
    options = generated(plant, priced(plant, Rates()))
    best = options.candidates[0]
    assert best.figures is not None
    assert best.figures.cost.at_least
    values = [c.figures.late_value for c in options.offered if c.figures]
    assert values == sorted(values)


def test_where_nobody_knows_what_lateness_costs_fewer_late_days_still_win() -> None:
    plant = broken_mill()
    options = generated(plant, CostRules(LineTerms.of(plant, {})))
    best, nothing = options.candidates[0], options["do-nothing"]
    assert best.kind is Kind.ALTERNATE_UNIT
    assert best.figures is not None
    assert nothing.figures is not None
    assert best.figures.cost.money == nothing.figures.cost.money == 0
    # Without terms there is no due instant to count days from; seconds late still tell.
    assert best.figures.late_s < nothing.figures.late_s


def test_overtime_lies_outside_working_time_and_after_the_repair() -> None:
    options = generated(broken_mill())
    for candidate in options.candidates:
        for change in candidate.changes:
            if isinstance(change, AddCalendarWindow):
                assert change.start_s % DAY >= 14 * HOUR or change.end_s % DAY <= 6 * HOUR
                assert change.start_s >= (30 * HOUR if change.unit_id == 1 else NOW)


def test_overtime_on_a_unit_that_works_around_the_clock_is_not_possible() -> None:
    plant = broken_mill()
    calendars = plant.calendars
    whole = replace(
        calendars,
        ptr=np.array([0, 1], np.int32),
        start=np.array([0], np.int32),
        end=np.array([calendars.horizon], np.int32),
        row=np.array([-1], np.int32),
    )
    options = generated(replace(plant, calendars=whole))
    idea = options["overtime/unit-1"]
    assert idea.refusal == Refusal(Why.NO_GAP, "unit", 1)


def test_mine_may_move_frozen_jobs_and_says_how_many() -> None:
    plant = two_mills().build()
    plant = replace(plant, op_baseline_start=np.zeros(3, np.int32))
    projection = project(plant, now=NOW)
    rules = priced(plant)
    mine = evaluate(plant, projection, [SetQueue(1, (30, 10, 20))], rules, now=NOW)
    assert mine.figures is not None
    assert mine.figures.frozen_moved == 2
    made = evaluate(
        plant, projection, [SetQueue(1, (30, 10, 20))], rules, now=NOW, allow_frozen=False
    )
    assert made.refusal == Refusal(Why.FROZEN, "operation", 10)
    assert made.figures is None


def test_a_circle_through_the_queue_is_refused_by_name() -> None:
    """Under STRICT a follower before its predecessor on one unit would wait for ever."""
    builder = two_mills()
    builder.add_operation(id=11, order=10, number=2, unit=1, run_us=HOUR * 1_000_000)
    builder.add_arc(pred=10, succ=11)
    builder.set_queue(unit=1, operations=[10, 11, 20, 30])
    plant = builder.build()
    plant = replace(plant, site=replace(plant.site, queue_rule=QueueRule.STRICT))
    projection = project(plant, now=NOW)
    found = evaluate(plant, projection, [MoveJob(11, 1, 0)], priced(plant), now=NOW)
    assert found.refusal is not None
    assert found.refusal.why is Why.CYCLE
    assert found.figures is None


def test_doing_nothing_touches_nothing() -> None:
    nothing = generated(broken_mill())["do-nothing"]
    assert nothing.changes == ()
    assert nothing.footprint == Footprint()
    assert nothing.figures is not None
    assert (nothing.figures.moved, nothing.figures.retimed) == ((), 0)


@pytest.mark.parametrize("kind", [CauseKind.JOB_HELD, CauseKind.SLIP])
def test_other_causes_get_options_too(kind: CauseKind) -> None:
    """Job 10 is held for a day: what follows on the mill goes on, its own line is late."""
    plant = two_mills().build()
    row = plant.op_id == 10
    plant = replace(
        plant, op_hold=row, op_hold_until=np.where(row, 30 * HOUR, NEVER).astype(np.int32)
    )
    options = generate(plant, project(plant, now=NOW), Cause(kind, 10), priced(plant), now=NOW)
    assert options.evaluations > 0
    assert options["do-nothing"].verdict is Verdict.OFFERED


@given(st.data())
def test_the_best_order_found_is_never_worse_than_a_new_sequence(data: st.DataObject) -> None:
    """Same plant, same order; and of at most so many projections."""
    builder = data.draw(plants())
    plant = down(builder.build(), data.draw(st.sampled_from([9, 20, 30])) * HOUR)
    rules = priced(plant)
    found = generated(plant, rules, budget=60)
    best = [c.figures for c in found.candidates if c.kind is Kind.REOPTIMISE and c.figures]
    others = [c.figures for c in found.candidates if c.kind is Kind.RESEQUENCE and c.figures]
    for one in best:
        for other in others:
            assert one.cost.money <= other.cost.money
    again = generated(plant, rules, budget=60)
    assert [c.to_json() for c in again.candidates] == [c.to_json() for c in found.candidates]
    assert found.evaluations <= 60
