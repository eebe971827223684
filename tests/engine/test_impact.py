"""Impact: what differs, what one cause costs, where it dies, by which way, and the ledger."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planning.engine.builder import PlantBuilder
from planning.engine.cost import CostRules, LineTerms, Terms
from planning.engine.impact import (
    Cause,
    CauseKind,
    Chain,
    Standing,
    at_stake,
    book,
    chain,
    compare,
    growing,
    priority,
    standing,
    why_late,
    without_cause,
    worth_reporting,
)
from planning.engine.plant import (
    NEVER,
    PIECE,
    LotStatus,
    PegKind,
    Plant,
    Site,
    Status,
    SupplyKind,
)
from planning.engine.projection import project
from tests.engine.plans import DAY, HOUR, MINUTE, plants, two_mills

EURO = 10_000
NOW = 6 * HOUR


def priced(plant: Plant, **terms: Any) -> CostRules:
    """Ten euro of goodwill a late day, on every line, by its promise."""
    given = {"weight_day": 10 * EURO} | terms
    rows = {
        int(line_id): Terms(due=int(due), value=1_000 * EURO, **given)
        for line_id, due in zip(plant.line_id, plant.line_promised, strict=True)
    }
    return CostRules(LineTerms.of(plant, rows))


def down(plant: Plant, unit_id: int, until: int) -> Plant:
    row = plant.unit_id == unit_id
    return replace(
        plant,
        unit_down=plant.unit_down | row,
        unit_down_since=np.where(row, NOW, plant.unit_down_since).astype(np.int32),
        unit_down_until=np.where(row, until, plant.unit_down_until).astype(np.int32),
    )


def broken_mill() -> Plant:
    """Mill 1 is down from 6:00 to 6:00 of the next day; its three jobs were to end 7, 8, 9."""
    return down(two_mills().build(), 1, 30 * HOUR)


def test_a_breakdown_moves_its_queue_and_the_lines_behind_it() -> None:
    plant = broken_mill()
    stake = at_stake(
        plant, project(plant, now=NOW), Cause(CauseKind.UNIT_DOWN, 1), priced(plant), now=NOW
    )
    moves = {move.op_id: (move.end_before, move.end_after) for move in stake.impact.ops}
    assert moves == {
        10: (7 * HOUR, 31 * HOUR),
        20: (8 * HOUR, 32 * HOUR),
        30: (9 * HOUR, 33 * HOUR),
    }
    assert stake.impact.order_ids == (10, 20, 30)
    assert {hit.line_id for hit in stake.impact.worse} == {10, 20, 30}
    # Line 30 is an hour late anyway and so a begun day: only the second day is the mill's.
    assert stake.amount == 3 * 10 * EURO
    assert stake.absorbed is None


def test_what_was_late_before_is_never_blamed_on_the_event() -> None:
    plant = two_mills().build()
    promised = np.zeros(3, np.int32)  # all late from the start
    plant = down(replace(plant, line_promised=promised), 2, 30 * HOUR)
    stake = at_stake(
        plant, project(plant, now=NOW), Cause(CauseKind.UNIT_DOWN, 2), priced(plant), now=NOW
    )
    assert stake.impact.lines == ()
    assert stake.amount == 0
    assert priority(stake.impact, limit=1) == 4


def test_a_delay_smaller_than_its_slack_is_absorbed_by_name() -> None:
    """The mill is back at 7:00; line 10 was ready an hour before its promise, 20 and 30 later
    are promised for the next day."""
    plant = two_mills().build()
    plant = down(replace(plant, line_promised=plant.line_promised + DAY), 1, 7 * HOUR)
    stake = at_stake(
        plant, project(plant, now=NOW), Cause(CauseKind.UNIT_DOWN, 1), priced(plant), now=NOW
    )
    assert stake.impact.worse == ()
    assert stake.absorbed is not None
    assert (stake.absorbed.subject, stake.absorbed.id) == ("line", 10)
    assert stake.absorbed.had_s == DAY + HOUR
    assert stake.absorbed.left_s == DAY


def test_a_cause_that_helps_by_chance_is_shown_as_none_and_keeps_its_sign() -> None:
    """While mill 1 is down nothing competes for it, so a chance gain may come out below zero."""
    plant = broken_mill()
    projection = project(plant, now=NOW)
    stake = at_stake(plant, projection, Cause(CauseKind.UNIT_DOWN, 1), priced(plant), now=NOW)
    helped = replace(stake, signed=-5)
    assert helped.amount == 0
    assert helped.signed == -5


def press() -> PlantBuilder:
    """One press, job 1 (two hours) runs since 6:00; job 2 after it needs lot 7; line 2 at noon."""
    builder = PlantBuilder(Site(horizon=30 * DAY))
    builder.add_calendar(id=1, intervals=[(0, 30 * DAY)])
    builder.add_unit(id=1, calendar=1)
    for job in (1, 2):
        builder.add_item(id=job, kind=1)
        builder.add_order(id=job, item=job)
    builder.add_operation(
        id=1,
        order=1,
        unit=1,
        status=Status.RUNNING,
        launch_qty=20 * PIECE,
        good_qty=4 * PIECE,
        scrap_qty=6 * PIECE,
        run_us=6 * MINUTE * 1_000_000,
        actual_start=NOW,
        report_at=NOW + HOUR,
        productive_s=HOUR,
        baseline_start=NOW,
        baseline_end=NOW + 2 * HOUR,
    )
    builder.add_operation(
        id=2, order=2, unit=1, launch_qty=10 * PIECE, run_us=6 * MINUTE * 1_000_000
    )
    builder.add_supply(id=2, kind=SupplyKind.OUTPUT, item=2, op=2)
    builder.add_line(id=2, item=2, qty=10 * PIECE, promised=12 * HOUR, value=1_000 * EURO)
    builder.add_item(id=9)
    builder.add_component(id=5, operation=2, item=9, qty=PIECE)
    builder.set_queue(unit=1, operations=[2])
    return builder


def test_a_held_lot_costs_what_waits_for_it() -> None:
    builder = press()
    builder.add_supply(
        id=7, kind=SupplyKind.LOT, item=9, qty=PIECE, status=LotStatus.HELD, until=40 * HOUR
    )
    builder.add_peg(
        supply_kind=SupplyKind.LOT, supply=7, demand_kind=1, demand=5, qty=PIECE, kind=PegKind.HARD
    )
    plant = builder.build()
    projection = project(plant, now=NOW + HOUR)
    cause = Cause(CauseKind.LOT_HELD, 7)
    stake = at_stake(plant, projection, cause, priced(plant), now=NOW + HOUR)
    assert [hit.line_id for hit in stake.impact.worse] == [2]
    assert stake.gone.line_late_s[0] < 0 < projection.line_late_s[0]
    steps = why_late(plant, projection, 2)
    assert [(step.subject, step.id, step.bind) for step in steps] == [
        ("line", 2, "PEG"),
        ("operation", 2, "SUPPLY"),
        ("supply", 7, "HOLD"),
    ]


def test_a_late_purchase_costs_what_waits_for_it() -> None:
    builder = press()
    builder.add_supply(id=8, kind=SupplyKind.PURCHASE, item=9, qty=PIECE, at=40 * HOUR)
    plant = builder.build()
    projection = project(plant, now=NOW + HOUR)
    cause = Cause(CauseKind.SUPPLY_LATE, 8)
    stake = at_stake(plant, projection, cause, priced(plant), now=NOW + HOUR)
    assert [hit.line_id for hit in stake.impact.worse] == [2]
    shown = chain(plant, projection, stake)
    assert [(node.column, node.id) for node in shown.nodes if node.column != "item"] == [
        ("cause", 8),
        ("operation", 2),
        ("line", 2),
    ]


def test_a_held_job_costs_what_follows_it() -> None:
    builder = press()
    builder.add_supply(id=7, kind=SupplyKind.LOT, item=9, qty=PIECE)
    plant = builder.build()
    row = plant.op_id == 2
    held = replace(
        plant, op_hold=row, op_hold_until=np.where(row, 40 * HOUR, NEVER).astype(np.int32)
    )
    cause = Cause(CauseKind.JOB_HELD, 2)
    projection = project(held, now=NOW + HOUR)
    stake = at_stake(held, projection, cause, priced(plant), now=NOW + HOUR)
    assert [hit.line_id for hit in stake.impact.worse] == [2]


def test_scrap_gone_means_the_pieces_are_good() -> None:
    plant = press().build()
    cause = Cause(CauseKind.SCRAP, 1, 5 * PIECE)
    gone = without_cause(plant, project(plant, now=NOW + HOUR), cause, now=NOW + HOUR)
    assert gone.op_good_qty[0] == 9 * PIECE
    assert gone.op_scrap_qty[0] == PIECE


def test_a_slip_gone_means_the_job_ends_by_its_baseline() -> None:
    """At 7:30 nothing more is reported; ten pieces are left, an hour; the baseline ends at 8:00."""
    plant = press().build()
    plant = replace(plant, op_stopped_s=np.where(plant.op_id == 1, HOUR // 2, 0).astype(np.int32))
    now = NOW + 3 * HOUR // 2
    projection = project(plant, now=now)
    assert projection.op_end[0] > NOW + 2 * HOUR
    gone = without_cause(plant, projection, Cause(CauseKind.SLIP, 1), now=now)
    end = int(project(gone, now=now).op_end[0])
    assert abs(end - (NOW + 2 * HOUR)) <= 6 * MINUTE  # within one piece
    waiting = without_cause(plant, projection, Cause(CauseKind.SLIP, 2), now=now)
    assert waiting is plant


# A closure names no row: it is the windows that it brings.
@pytest.mark.parametrize("kind", [kind for kind in CauseKind if kind is not CauseKind.CLOSED])
def test_a_cause_that_is_not_in_the_plant_is_named(kind: CauseKind) -> None:
    plant = two_mills().build()
    with pytest.raises(KeyError):
        without_cause(plant, project(plant, now=0), Cause(kind, 99), now=0)


def test_the_chain_leads_from_the_cause_to_every_hit_line() -> None:
    plant = broken_mill()
    projection = project(plant, now=NOW)
    stake = at_stake(plant, projection, Cause(CauseKind.UNIT_DOWN, 1), priced(plant), now=NOW)
    shown = chain(plant, projection, stake)
    worst = stake.impact.lines[0].line_id
    assert [node.id for node in shown.nodes if node.column == "line" and node.on_worst_path] == [
        worst
    ]
    for hit in stake.impact.lines:
        assert reaches(shown, ("cause", 1), ("line", hit.line_id))


def reaches(shown: Chain, start: tuple[str, int], end: tuple[str, int]) -> bool:
    seen, todo = {start}, [start]
    while todo:
        here = todo.pop()
        for link in shown.links:
            if link.source == here and link.target not in seen:
                seen.add(link.target)
                todo.append(link.target)
    return end in seen


@given(st.data())
def test_every_hit_line_hangs_on_the_cause_and_every_link_on_shown_nodes(
    data: st.DataObject,
) -> None:
    plant = data.draw(plants()).build()
    plant = down(plant, 1, data.draw(st.sampled_from([9 * HOUR, 50 * HOUR, NEVER])))
    projection = project(plant, now=NOW)
    stake = at_stake(plant, projection, Cause(CauseKind.UNIT_DOWN, 1), priced(plant), now=NOW)
    shown = chain(plant, projection, stake, operations=data.draw(st.integers(0, 5)))
    names = {(node.column, node.id) for node in shown.nodes}
    assert all({link.source, link.target} <= names for link in shown.links)
    for node in shown.nodes:
        if node.column != "cause":
            assert reaches(shown, ("cause", 1), (node.column, node.id))


def test_a_link_along_which_the_delay_grows_is_an_amplifier() -> None:
    """A carrier leaves once a day at 9:00: two hours of delay miss it and become a day."""
    builder = two_mills()
    builder.add_carrier(id=1, departures=[day * DAY + 9 * HOUR for day in range(30)])
    builder.add_item(id=40, kind=1)
    builder.add_order(id=40, item=40)
    builder.add_operation(id=40, order=40, unit=2, launch_qty=PIECE, run_us=HOUR * 1_000_000)
    builder.add_supply(id=40, kind=SupplyKind.OUTPUT, item=40, op=40)
    builder.add_line(id=40, item=40, qty=PIECE, promised=9 * HOUR, carrier=1, value=1)
    plant = down(builder.build(), 2, 9 * HOUR)
    projection = project(plant, now=NOW)
    stake = at_stake(plant, projection, Cause(CauseKind.UNIT_DOWN, 2), priced(plant), now=NOW)
    shown = chain(plant, projection, stake)
    delays = {(node.column, node.id): node.delay_s for node in shown.nodes}
    assert delays["operation", 40] == 3 * HOUR
    assert delays["line", 40] == DAY
    assert any(link.amplifier for link in shown.links if link.target == ("line", 40))


def test_why_late_ends_at_the_machine_that_is_down() -> None:
    plant = broken_mill()
    steps = why_late(plant, project(plant, now=NOW), 30)
    assert [(step.subject, step.id) for step in steps] == [
        ("line", 30),
        ("operation", 30),
        ("operation", 20),
        ("operation", 10),
        ("unit", 1),
    ]
    assert steps[-1].at == 30 * HOUR


def test_priority_counts_penalties_standing_lines_and_cost_before_lateness() -> None:
    plant = broken_mill()
    projection, cause = project(plant, now=NOW), Cause(CauseKind.UNIT_DOWN, 1)

    def of(rules: CostRules, limit: int = 0) -> int:
        return priority(at_stake(plant, projection, cause, rules, now=NOW).impact, limit=limit)

    assert of(priced(plant)) == 2
    assert of(priced(plant), limit=30 * EURO) == 1
    assert of(priced(plant, penalty_day=EURO)) == 1
    assert of(priced(plant, stop_day=0)) == 2


def test_a_disruption_grows_by_a_quarter_or_by_a_line() -> None:
    plant = broken_mill()
    projection, cause = project(plant, now=NOW), Cause(CauseKind.UNIT_DOWN, 1)
    impact = at_stake(plant, projection, cause, priced(plant), now=NOW).impact  # 30 euro, 3 lines
    assert not growing(30 * EURO, frozenset({10, 20, 30}), impact)
    assert not growing(24 * EURO, frozenset({10, 20, 30}), impact)
    assert growing(24 * EURO - 1, frozenset({10, 20, 30}), impact)
    assert growing(30 * EURO, frozenset({10, 20}), impact)


figures = st.dictionaries(st.integers(1, 6), st.tuples(*[st.integers(-1000, 1000)] * 3), max_size=6)


def stand(rows: dict[int, tuple[int, int, int]]) -> Standing:
    ids = sorted(rows)
    columns = [np.array([rows[i][c] for i in ids], np.int64) for c in range(3)]
    return Standing(np.array(ids, np.int64), *columns)


@given(st.lists(figures, min_size=1, max_size=6))
def test_the_booked_ledger_adds_up(history: list[dict[int, tuple[int, int, int]]]) -> None:
    """Late at opening + bookings = late now; a line that is gone keeps what it had last."""
    ledger: dict[int, np.ndarray] = {}
    last: dict[int, tuple[int, int, int]] = {}
    for rows in history:
        booked = book(stand(last), stand(rows))
        for line_id, opened, *change in zip(
            booked.line_id.tolist(), booked.opened.tolist(), booked.late_s, booked.cash,
            booked.estimate, strict=True,
        ):  # fmt: skip
            assert opened == (line_id not in last)
            held = np.zeros(3, np.int64) if opened else ledger[line_id]
            ledger[line_id] = held + np.array(change)
        last = rows
        for line_id, row in rows.items():
            assert tuple(ledger[line_id]) == row


@given(st.data())
def test_bookings_of_groups_add_up_to_the_whole(data: st.DataObject) -> None:
    """A breakdown, its estimate, its repair: what each books adds up to the last projection."""
    plant = data.draw(plants()).build()
    rules = priced(plant)
    states = [
        plant,
        down(plant, 1, data.draw(st.sampled_from([9 * HOUR, NEVER]))),
        down(plant, 1, data.draw(st.integers(7, 99)) * HOUR),
        replace(plant, unit_down=np.zeros_like(plant.unit_down)),
    ]
    standings = [standing(each, project(each, now=NOW), rules) for each in states]
    total = standings[0].late_s.copy(), standings[0].cash + standings[0].estimate
    for previous, current in pairwise(standings):
        booked = book(previous, current)
        rows = np.searchsorted(plant.line_id, booked.line_id)
        total[0][rows] += booked.late_s
        total[1][rows] += booked.cash + booked.estimate
    assert (total[0] == standings[-1].late_s).all()
    assert (total[1] == standings[-1].cash + standings[-1].estimate).all()


def test_small_slips_add_up_until_they_are_told() -> None:
    reported = stand({1: (HOUR, 0, 0), 2: (-DAY, 0, 0)})
    step = {"step_s": HOUR, "step_money": EURO}
    assert (
        worth_reporting(reported, stand({1: (HOUR + 3_000, 0, 0), 2: (-HOUR, 0, 0)}), **step).size
        == 0
    )
    assert worth_reporting(reported, stand({1: (2 * HOUR, 0, 0), 2: (-HOUR, 0, 0)}), **step) == [1]
    assert worth_reporting(reported, stand({1: (HOUR, 0, 0), 2: (60, 0, 0)}), **step) == [2]
    assert worth_reporting(reported, stand({1: (HOUR, EURO, 0), 2: (-DAY, 0, 0)}), **step) == [1]


def test_plants_of_other_rows_are_not_compared() -> None:
    plant = two_mills().build()
    builder = two_mills()
    builder.add_operation(id=99, order=10, unit=1)
    other = builder.build()
    with pytest.raises(ValueError, match="rows"):
        compare(
            plant,
            project(plant, now=0),
            project(other, now=0),
            priced(plant),
            after_plant=other,
        )


def test_a_delay_is_not_absorbed_where_the_next_one_feels_it() -> None:
    """Mill 1 is back three hours later; step 11 on mill 2 had one hour of slack and passes two on;
    its line has days. The slack that took the rest is the line's."""
    builder = PlantBuilder(Site(horizon=30 * DAY))
    builder.add_calendar(id=1, intervals=[(0, 30 * DAY)])
    for unit in (1, 2):
        builder.add_unit(id=unit, calendar=1)
    builder.add_item(id=10, kind=1)
    builder.add_order(id=10, item=10)
    step = {"order": 10, "launch_qty": PIECE, "run_us": HOUR * 1_000_000}
    builder.add_operation(id=10, number=1, unit=1, **step)
    builder.add_operation(id=11, number=2, unit=2, not_before=8 * HOUR, **step)
    builder.add_arc(pred=10, succ=11)
    builder.add_supply(id=10, kind=SupplyKind.OUTPUT, item=10, op=11)
    builder.add_line(id=10, item=10, qty=PIECE, promised=5 * DAY)
    plant = down(builder.build(), 1, 9 * HOUR)
    stake = at_stake(
        plant, project(plant, now=NOW), Cause(CauseKind.UNIT_DOWN, 1), priced(plant), now=NOW
    )
    assert stake.impact.worse == ()
    assert stake.absorbed is not None
    assert (stake.absorbed.subject, stake.absorbed.id) == ("line", 10)
    assert stake.absorbed.delay_s == 2 * HOUR
