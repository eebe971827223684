"""Typed changes: what they do, what takes them back, what they touch, when they are refused."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planning.engine.builder import PlantBuilder
from planning.engine.changes import (
    AddCalendarWindow,
    Change,
    Footprint,
    MoveJob,
    Refusal,
    RemoveCalendarWindow,
    SetEstimate,
    SetQueue,
    Why,
    apply,
    displaced,
    footprint,
    from_json,
    frozen,
    illegal,
    inverse,
    moved_ops,
    queues_after,
    to_json,
)
from planning.engine.plant import NEVER, Bind, Plant, State, Status
from tests.engine.plans import DAY, HOUR, MINUTE, dated, plants, two_mills


def assert_same(plant: Plant, other: Plant) -> None:
    for each in fields(Plant):
        mine, theirs = getattr(plant, each.name), getattr(other, each.name)
        if isinstance(mine, np.ndarray):
            assert mine.dtype == theirs.dtype, each.name
            np.testing.assert_array_equal(mine, theirs, each.name)
        elif each.name != "calendars":
            assert mine == theirs, each.name


def queue(plant: Plant, unit_id: int) -> list[int]:
    unit = int(np.flatnonzero(plant.unit_id == unit_id)[0])
    rows = plant.queue_op[plant.unit_queue_ptr[unit] : plant.unit_queue_ptr[unit + 1]]
    return [int(op_id) for op_id in plant.op_id[rows]]


def row(plant: Plant, op_id: int) -> int:
    return int(np.flatnonzero(plant.op_id == op_id)[0])


@st.composite
def changes_of(draw: st.DrawFn, plant: Plant) -> tuple[Change, ...]:
    """Changes that mean something in the plant, one after the other."""
    changes: list[Change] = []
    for _ in range(draw(st.integers(0, 6))):
        unit_id = draw(st.sampled_from(plant.unit_id.tolist()))
        waiting = [op for u in plant.unit_id.tolist() for op in queue(plant, u)]
        kind = draw(st.sampled_from(["move", "queue", "window", "estimate"]))
        if kind == "move" and waiting:
            op_id = draw(st.sampled_from(waiting))
            op = row(plant, op_id)
            rows = slice(plant.op_alternate_ptr[op], plant.op_alternate_ptr[op + 1])
            units = {int(plant.op_unit[op]), *plant.alternate_unit[rows].tolist()}
            to = int(plant.unit_id[draw(st.sampled_from(sorted(units)))])
            change: Change = MoveJob(op_id, to, draw(st.integers(0, 9)))
        elif kind == "queue":
            change = SetQueue(unit_id, tuple(draw(st.permutations(queue(plant, unit_id)))))
        elif kind == "estimate" and plant.unit_down[plant.unit_id == unit_id][0]:
            change = SetEstimate(unit_id, draw(st.sampled_from([NEVER, 2 * HOUR, DAY])))
        else:
            start = draw(st.integers(0, 20)) * HOUR
            change = AddCalendarWindow(unit_id, start, start + HOUR)
        changes.append(change)
        plant = apply(plant, [change])
    return tuple(changes)


@given(st.data())
def test_taking_changes_back_restores_every_array(data: st.DataObject) -> None:
    plant = data.draw(plants()).build()
    changes = data.draw(changes_of(plant))
    assert_same(apply(apply(plant, changes), inverse(plant, changes)), plant)


@given(st.data())
def test_changes_survive_the_way_through_json(data: st.DataObject) -> None:
    changes = data.draw(changes_of(data.draw(plants()).build()))
    epoch = data.draw(st.integers(0, 2 * 10**9))
    assert from_json(to_json(changes, epoch=epoch), epoch=epoch) == changes


@given(st.data())
def test_the_footprint_is_empty_exactly_where_nothing_differs(data: st.DataObject) -> None:
    plant = data.draw(plants()).build()
    after = apply(plant, data.draw(changes_of(plant)))
    touched = footprint(plant, after)
    assert Footprint.from_json(touched.to_json()) == touched
    if touched == Footprint():
        assert_same(plant, after)
    else:
        with pytest.raises(AssertionError):
            assert_same(plant, after)


@given(st.data())
def test_what_is_told_to_people_explains_the_new_queues(data: st.DataObject) -> None:
    """Without the moved operations, every queue still has the order that it had."""
    plant = data.draw(plants()).build()
    after = apply(plant, data.draw(changes_of(plant)))
    moved = set(plant.op_id[moved_ops(plant, after)].tolist())
    for unit_id in plant.unit_id.tolist():
        stayed = [op for op in queue(after, unit_id) if op not in moved]
        assert stayed == [op for op in queue(plant, unit_id) if op not in moved]


def test_a_moved_job_takes_the_other_units_times_and_leaves_its_own_as_alternate() -> None:
    plant = two_mills().build()
    after = apply(plant, [MoveJob(10, 2, 0)])
    op = row(after, 10)
    assert after.op_unit[op] == 1  # the row of unit 2
    assert after.op_run_us[op] == 90 * MINUTE * 1_000_000
    assert queue(after, 1) == [20, 30]
    assert queue(after, 2) == [10]
    alternate = after.op_alternate_ptr[op]
    assert after.alternate_unit[alternate] == 0
    assert after.alternate_run_us[alternate] == HOUR * 1_000_000
    assert footprint(plant, after) == Footprint(queues=(1, 2), ops=(10,))
    assert queues_after(plant, after) == {1: (20, 30), 2: (10,)}


def test_the_plant_that_was_changed_stays_as_it_was() -> None:
    plant, untouched = two_mills().build(), two_mills().build()
    apply(plant, [MoveJob(20, 2, 0), AddCalendarWindow(1, 15 * HOUR, 16 * HOUR)])
    assert_same(plant, untouched)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (MoveJob(99, 1, 0), Why.UNKNOWN),
        (MoveJob(10, 99, 0), Why.UNKNOWN),
        (MoveJob(30, 2, 0), Why.NOT_ELIGIBLE),
        (SetQueue(1, (10, 20)), Why.QUEUE_MOVED),
        (SetQueue(1, (10, 20, 20, 30)), Why.QUEUE_MOVED),
        (AddCalendarWindow(1, 15 * HOUR, 15 * HOUR), Why.WINDOW_EMPTY),
        (AddCalendarWindow(1, 15 * HOUR, 15 * HOUR + 90), Why.WINDOW_EMPTY),
        (AddCalendarWindow(1, 30 * MINUTE, 2 * HOUR), Why.WINDOW_PAST),
        (AddCalendarWindow(1, 15 * HOUR, 31 * DAY), Why.WINDOW_LATE),
        (RemoveCalendarWindow(1, 15 * HOUR, 16 * HOUR), Why.WINDOW_MISSING),
        (SetEstimate(1, 9 * HOUR), Why.NOT_DOWN),
    ],
)
def test_a_change_that_cannot_be_is_refused_by_name(change: Change, why: Why) -> None:
    plant = two_mills().build()
    refusal = illegal(plant, dated(plant, now=HOUR), [change])
    assert refusal is not None
    assert refusal.why is why


@given(st.data())
def test_apply_takes_whatever_is_legal(data: st.DataObject) -> None:
    """`illegal` names a reason wherever `apply` would raise."""
    plant = data.draw(plants()).build()
    unit_id = st.integers(0, 5)
    change = data.draw(
        st.one_of(
            st.builds(MoveJob, st.integers(0, 9), unit_id, st.integers(-1, 4)),
            st.builds(SetQueue, unit_id, st.lists(st.integers(0, 9), max_size=3).map(tuple)),
            st.builds(AddCalendarWindow, unit_id, st.integers(-9, 99), st.integers(0, 99)),
            st.builds(RemoveCalendarWindow, unit_id, st.just(20 * HOUR), st.just(22 * HOUR)),
            st.builds(SetEstimate, unit_id, st.integers(-5, DAY)),
        )
    )
    if illegal(plant, dated(plant), [change]) is None:
        apply(plant, [change])


def test_a_second_window_at_the_same_time_is_refused() -> None:
    plant = two_mills().build()
    both = [AddCalendarWindow(1, 15 * HOUR, 17 * HOUR), AddCalendarWindow(1, 16 * HOUR, 18 * HOUR)]
    assert illegal(plant, dated(plant), both) == Refusal(Why.WINDOW_TAKEN, "unit", 1)


def test_what_runs_or_is_done_is_not_moved() -> None:
    for status, why in ((Status.RUNNING, Why.RUNNING), (Status.DONE, Why.DONE)):
        builder = PlantBuilder()
        builder.add_calendar(id=1, intervals=[(0, DAY)])
        builder.add_unit(id=1, calendar=1)
        builder.add_order(id=1)
        builder.add_operation(id=1, order=1, unit=1, status=status, actual_start=0, actual_end=HOUR)
        plant = builder.build()
        refusal = illegal(plant, dated(plant), [MoveJob(1, 1, 0)], allow_frozen=True)
        assert refusal == Refusal(why, "operation", 1)


def test_nothing_is_put_before_a_pinned_job() -> None:
    plant = two_mills().build()
    pinned = plant.op_pinned.copy()
    pinned[row(plant, 20)] = True
    plant = replace(plant, op_pinned=pinned)
    assert illegal(plant, dated(plant), [SetQueue(1, (20, 10, 30))]) is None
    refusal = Refusal(Why.PINNED, "operation", 20)
    assert illegal(plant, dated(plant), [SetQueue(1, (10, 30, 20))]) == refusal
    assert illegal(plant, dated(plant), [MoveJob(20, 2, 0)]) == refusal


def test_only_a_person_moves_what_is_frozen() -> None:
    """Job 10 was to start at 6, job 20 at 7; at 5 with a window of two hours only 10 is frozen."""
    plant = two_mills().build()
    start = plant.op_baseline_start.copy()
    start[row(plant, 10)], start[row(plant, 20)] = 6 * HOUR, 7 * HOUR
    plant = replace(
        plant, op_baseline_start=start, site=replace(plant.site, frozen_window_s=2 * HOUR)
    )
    projection = dated(plant, now=5 * HOUR)
    assert frozen(plant, projection).tolist() == [True, False, False]
    swap = [SetQueue(1, (20, 10, 30))]
    assert illegal(plant, projection, swap) == Refusal(Why.FROZEN, "operation", 10)
    assert illegal(plant, projection, swap, allow_frozen=True) is None
    assert illegal(plant, projection, [SetQueue(1, (10, 30, 20))]) is None


def test_a_job_is_not_frozen_where_it_cannot_start_anyway() -> None:
    plant = two_mills().build()
    plant = replace(plant, op_baseline_start=np.zeros(3, np.int32))
    assert frozen(plant, dated(plant, now=HOUR)).all()
    down = replace(plant, unit_down=np.array([True, False]))
    assert not frozen(down, dated(down, now=HOUR)).any()
    held = replace(plant, op_hold=np.array([True, False, False]))
    assert frozen(held, dated(held, now=HOUR)).tolist() == [False, True, True]
    waits = dated(plant, now=HOUR, op_bind=[Bind.NOW, Bind.SUPPLY, Bind.UNCOVERED])
    assert frozen(plant, waits).tolist() == [True, False, False]
    blocked = replace(waits, op_state=np.full(3, State.BLOCKED, np.int8))
    assert not frozen(plant, blocked).any()


def test_a_job_that_only_moves_up_is_not_displaced() -> None:
    plant = two_mills().build()
    after = apply(plant, [MoveJob(10, 2, 0)])
    assert plant.op_id[displaced(plant, after)].tolist() == [10]


@pytest.mark.parametrize(
    "rows",
    [
        [{"kind": "teleport"}],
        [{"kind": "move_job", "op_id": 1, "to_unit_id": 2}],
        [{"kind": "move_job", "op_id": True, "to_unit_id": 2, "position": 0}],
        [{"kind": "move_job", "op_id": 1, "to_unit_id": 2, "position": 0, "by": 3}],
        [{"kind": "set_queue", "unit_id": 1, "op_ids": "12"}],
        [{"kind": "set_queue", "unit_id": 1, "op_ids": [1, 2.5]}],
    ],
)
def test_json_that_is_no_change_is_refused(rows: list[dict[str, object]]) -> None:
    with pytest.raises(ValueError, match="change 0"):
        from_json(rows)


def test_the_alternates_of_a_moved_job_stay_in_the_order_of_their_units() -> None:
    builder = two_mills()
    builder.add_unit(id=3, calendar=1)
    builder.add_alternate(operation=10, unit=3, run_us=7)
    plant = builder.build()
    op = row(plant, 10)
    after = apply(plant, [MoveJob(10, 3, 0)])
    rows = slice(after.op_alternate_ptr[op], after.op_alternate_ptr[op + 1])
    assert after.alternate_unit[rows].tolist() == [0, 1]
    minutes = (after.alternate_run_us[rows] // (MINUTE * 1_000_000)).tolist()
    assert minutes == [60, 90]
