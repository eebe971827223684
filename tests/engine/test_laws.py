"""The laws of the impact engine, on random small plants. Numbers are those of the design."""

from __future__ import annotations

import itertools
from dataclasses import fields, replace
from random import Random

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from planning.engine.builder import PlantBuilder
from planning.engine.plant import (
    NEVER,
    UNSET,
    ArcKind,
    DemandKind,
    Plant,
    Projection,
    QueueRule,
    Reason,
    State,
    Status,
)
from planning.engine.projection import project
from planning.engine.rows import builder_of, rows_of
from planning.engine.twin import Twin
from tests.engine.small_plants import Wants, small_plants

CALM = Wants(
    rule=QueueRule.STRICT,
    circles=False,
    started=False,
    overlap=False,
    odd_spans=False,
    places=1,
    families=False,
    trouble=False,
    material=False,
)


# The twin reads every plant too; a quarter of the profile's examples a law is enough beside it.
some = settings(max_examples=max(25, settings().max_examples // 4))


def opens_at(plant: Plant, o: int, made: Projection) -> list[int]:
    """Everything that must have happened before a waiting operation starts."""
    bounds = [made.now]
    if plant.op_not_before[o] != UNSET:
        bounds.append(int(plant.op_not_before[o]))
    if plant.op_hold[o]:
        until = int(plant.op_hold_until[o])
        again = made.now + int(plant.op_hold_again_s[o])
        bounds.append(until if made.now < until < NEVER else again)
    for a in range(plant.op_pred_ptr[o], plant.op_pred_ptr[o + 1]):
        f = plant.arc_pred[a]
        if plant.arc_kind[a] == ArcKind.FS:
            bounds.append(int(made.op_end[f]) + int(plant.arc_lag_s[a]))
        else:
            bounds.append(min(int(made.op_start[f]), made.now))
    for x in range(len(made.peg_demand)):
        if plant.demand_op[made.peg_demand[x]] == o:
            bounds.append(int(made.peg_at[x]))
    return bounds


@some
@given(small_plants())
def test_law_1_nothing_waiting_starts_before_it_may_or_on_a_taken_place(
    drawn: tuple[Plant, int],
) -> None:
    plant, now = drawn
    made = project(plant, now=now)
    twin = Twin(plant, now=now)
    taken: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for o in range(len(plant.op_id)):
        if made.op_state[o] != State.DATED or plant.op_status[o] == Status.DONE:
            assert plant.op_status[o] == Status.DONE or made.op_start[o] == NEVER
            continue
        start, end, unit = int(made.op_start[o]), int(made.op_end[o]), int(plant.op_unit[o])
        assert start <= end <= plant.site.horizon
        if plant.op_status[o] == Status.WAITING:
            assert start >= max(opens_at(plant, o, made))
        if plant.op_status[o] != Status.RUNNING:
            assert twin.works[unit if unit >= 0 else twin.units][start // 60]
        on_unit = plant.op_status[o] == Status.RUNNING and not made.op_taken_off[o]
        if unit >= 0 and not made.op_conflict[o] and end > now:
            begins = max(start, now) if on_unit else start
            taken.setdefault((unit, int(made.op_place[o])), []).append((begins, end))
    for runs in taken.values():
        runs.sort()
        for (_, ends), (begins, _) in itertools.pairwise(runs):
            assert begins >= ends


@some
@given(small_plants())
def test_law_2_quantities_are_conserved(drawn: tuple[Plant, int]) -> None:
    plant, now = drawn
    made = project(plant, now=now)
    given_out = np.zeros(len(plant.supply_id), np.int64)
    real = made.peg_supply >= 0
    np.add.at(given_out, made.peg_supply[real], made.peg_qty[real])
    assert (given_out <= made.supply_qty).all()
    covered = made.demand_short_qty.copy()
    np.add.at(covered, made.peg_demand[real], made.peg_qty[real])
    tracked = plant.item_tracked[plant.demand_item] & plant.site.stock_checked
    counts = tracked & (plant.demand_qty > 0)
    component = plant.demand_kind == DemandKind.COMPONENT
    counts[component] &= plant.op_status[plant.demand_op[component]] == Status.WAITING
    assert (covered[counts] == plant.demand_qty[counts]).all()
    guessed = np.zeros(len(plant.demand_id), np.int64)
    np.add.at(guessed, made.peg_demand[~real], made.peg_qty[~real])
    not_safety = plant.demand_kind != DemandKind.SAFETY
    assert (guessed[not_safety] == made.demand_short_qty[not_safety]).all()
    used = plant.op_good_qty + plant.op_scrap_qty + plant.op_rework_qty
    is_open = plant.op_status != Status.DONE
    left = np.maximum(made.op_input_qty - used, 0)
    assert (made.op_left_qty[is_open] == left[is_open]).all()


@some
@given(small_plants())
def test_law_3_the_same_snapshot_and_now_give_the_same_bits(drawn: tuple[Plant, int]) -> None:
    plant, now = drawn
    assert project(plant, now=now).same_as(project(plant, now=now))


@some
@given(small_plants(Wants(trouble=False, circles=False)), st.integers(0, 86_400))
def test_law_3_a_later_now_alone_moves_no_delivery(drawn: tuple[Plant, int], later: int) -> None:
    plant, now = drawn
    # The edge of a pull window moves with now; inside it no fact has come. Guesses are kept.
    plant = replace(
        plant,
        site=replace(plant.site, pull_window_s=2 * plant.site.horizon),
        item_guess_from=np.full(len(plant.item_id), now, np.int32),
        op_restart=np.zeros(len(plant.op_id), np.bool_),
    )
    first = project(plant, now=now)
    running = plant.op_status == Status.RUNNING
    assume(not first.op_taken_off.any() and not first.op_overdue[running].any())
    assume(not first.supply_overdue.any())
    waiting = (plant.op_status == Status.WAITING) | (plant.op_status == Status.SUSPENDED)
    edges = [plant.site.horizon - 1, *first.op_start[waiting].tolist()]
    edges += first.op_end[running].tolist()
    edges += [t for t in (first.supply_at.tolist() + first.peg_at.tolist()) if t > now]
    later = now + later % (min(edges) - now + 1)
    second = project(plant, now=later)
    assume(not second.op_overdue.any() and not second.op_taken_off.any())
    waits = first.line_ready > later
    assert np.array_equal(first.line_arrive[waits], second.line_arrive[waits])


@some
@given(small_plants(CALM), st.data())
def test_law_4_longer_work_makes_nothing_earlier(
    drawn: tuple[Plant, int], data: st.DataObject
) -> None:
    plant, now = drawn
    o = data.draw(st.integers(0, len(plant.op_id) - 1))
    run = plant.op_run_us.copy()
    run[o] += data.draw(st.integers(1, 900)) * 1_000_000
    late = plant.op_not_before.copy()
    late[o] = max(int(late[o]), now + data.draw(st.integers(0, 7_200)))
    before = project(plant, now=now)
    after = project(replace(plant, op_run_us=run, op_not_before=late), now=now)
    assume((before.op_state == State.DATED).all() and (after.op_state == State.DATED).all())
    assert (after.op_end >= before.op_end).all()


def equal_plants(one: Plant, other: Plant) -> bool:
    return all(
        np.array_equal(getattr(one, f.name), getattr(other, f.name))
        for f in fields(Plant)
        if f.name not in ("site", "calendars")
    )


@some
@given(small_plants(), st.randoms(use_true_random=False))
def test_laws_5_and_7_the_order_in_which_facts_are_read_does_not_matter(
    drawn: tuple[Plant, int], random: Random
) -> None:
    plant, now = drawn
    assert equal_plants(builder_of(plant).build(), plant)
    shuffled = PlantBuilder(plant.site)
    shuffled.use_calendars(plant.calendars)
    shuffled.add_carrier(id=1, departures=plant.departure_at[::-1].tolist())
    for u, unit in enumerate(plant.unit_id.tolist()):
        queue = plant.queue_op[plant.unit_queue_ptr[u] : plant.unit_queue_ptr[u + 1]]
        shuffled.set_queue(unit=unit, operations=plant.op_id[queue].tolist())
    for table, columns in reversed(rows_of(plant).items()):
        size = len(next(iter(columns.values())))
        order = list(range(size))
        random.shuffle(order)
        shuffled.add_rows(table, {name: column[order] for name, column in columns.items()})
    again = shuffled.build()
    assert equal_plants(again, plant)
    assert project(again, now=now).same_as(project(plant, now=now))


@some
@given(small_plants(Wants(circles=True, trouble=False)))
def test_law_8_circles_are_blocked_by_name_and_the_rest_is_planned(
    drawn: tuple[Plant, int],
) -> None:
    plant, now = drawn
    made = project(plant, now=now)
    followers: dict[int, set[int]] = {}
    for a in range(len(plant.arc_pred)):
        pred, succ = int(plant.arc_pred[a]), int(plant.arc_succ[a])
        starts = plant.op_status[succ] in (Status.WAITING, Status.SUSPENDED)
        if plant.op_status[pred] != Status.DONE and starts:
            followers.setdefault(pred, set()).add(succ)

    def reaches(o: int) -> set[int]:
        seen: set[int] = set()
        look = [o]
        while look:
            for s in followers.get(look.pop(), ()):
                if s not in seen:
                    seen.add(s)
                    look.append(s)
        return seen

    for o in range(len(plant.op_id)):
        behind = reaches(o)
        if o in behind:
            assert made.op_state[o] == State.BLOCKED
            assert made.op_reason[o] in (Reason.CYCLE, Reason.NO_PURCHASE, Reason.NO_WORK_ORDER)
            assert all(made.op_state[s] == State.BLOCKED for s in behind)
    assert ((made.op_state == State.BLOCKED) == (made.op_root >= 0)).all()


@some
@given(small_plants(replace(CALM, rule=None)))
def test_law_10_a_projection_lies_between_the_longest_path_and_one_after_the_other(
    drawn: tuple[Plant, int],
) -> None:
    plant, now = drawn
    made = project(plant, now=now)
    assume((made.op_state == State.DATED).all())
    twin = Twin(plant, now=now)
    work = [todo.work for todo in twin.todo]
    shortest = [0] * len(work)
    for o in range(len(work)):
        t = max(now, int(plant.op_not_before[o]))
        for a in range(plant.op_pred_ptr[o], plant.op_pred_ptr[o + 1]):
            t = max(t, shortest[plant.arc_pred[a]] + int(plant.arc_lag_s[a]))
        shortest[o] = twin.finish(twin.unit(o), twin.first(twin.unit(o), t), work[o])
        assert shortest[o] <= made.op_end[o]
    t = max(now, int(plant.op_not_before.max()))
    for o in np.lexsort((np.arange(len(work)), made.op_end, made.op_start)).tolist():
        lags = plant.arc_lag_s[plant.op_pred_ptr[o] : plant.op_pred_ptr[o + 1]]
        t += int(lags.max(initial=0))
        # work of no length, too, waits for its unit to work
        t = twin.first(twin.unit(o), t)
        t = twin.finish(twin.unit(o), t, int(made.op_setup_s[o]) + work[o])
        assert made.op_end[o] <= t
