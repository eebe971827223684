"""The reason that a list gives for a late line is the end of the chain that its page shows."""

from __future__ import annotations

from hypothesis import given, settings

from planning.engine.builder import PlantBuilder
from planning.engine.impact import why_late
from planning.engine.plant import PIECE, Plant
from planning.engine.projection import project
from planning.engine.reasons import Why, why_each
from tests.engine.plans import DAY, HOUR
from tests.engine.small_plants import small_plants

SAME_SUBJECT = {
    "UNIT_DOWN": "unit",
    "TOOL": "tool",
    "SUPPLY": "supply",
    "HELD": "supply",
    "UNCOVERED": "item",
    "PROMISE": "line",
}


@settings(max_examples=100)
@given(small_plants())
def test_every_reason_is_the_last_step_of_the_lines_own_chain(drawn: tuple[Plant, int]) -> None:
    plant, now = drawn
    made = project(plant, now=now)
    lines = plant.line_id.tolist()

    found = why_each(plant, made, lines)

    assert list(found) == lines
    for line, why in found.items():
        last = why_late(plant, made, line)[-1]
        assert (SAME_SUBJECT.get(why.term, "operation"), why.id) == (last.subject, last.id)
        assert (why.queue_s > 0) == (why.unit > 0)


def one_machine(jobs: int) -> Plant:
    """One machine with as many jobs of two hours, each for a line of its own."""
    builder = PlantBuilder()
    builder.add_calendar(id=1, intervals=[(0, 10 * DAY)])
    builder.add_unit(id=1, calendar=1)
    for job in range(1, jobs + 1):
        builder.add_item(id=job, kind=1)
        builder.add_order(id=job, item=job)
        builder.add_operation(
            id=job, order=job, unit=1, launch_qty=PIECE, run_us=2 * HOUR * 1_000_000
        )
        builder.add_supply(id=job, kind=2, item=job, op=job)
        builder.add_line(id=job, item=job, qty=PIECE, promised=HOUR)
    builder.set_queue(unit=1, operations=list(range(1, jobs + 1)))
    return builder.build()


def test_a_line_behind_a_full_machine_names_it_and_how_long_it_is_taken() -> None:
    plant = one_machine(4)

    found = why_each(plant, project(plant, now=0), [1, 4])

    assert found[1] == Why("NOW", 1, 0)
    assert found[4] == Why("NOW", 1, 0, unit=1, queue_s=6 * HOUR)


def test_the_first_job_of_a_machine_that_is_down_is_late_because_of_that() -> None:
    builder = PlantBuilder()
    builder.add_calendar(id=1, intervals=[(0, 10 * DAY)])
    builder.add_unit(id=1, calendar=1, down=True, down_until=5 * HOUR)
    builder.add_item(id=1, kind=1)
    builder.add_order(id=1, item=1)
    builder.add_operation(id=1, order=1, unit=1, launch_qty=PIECE, run_us=HOUR * 1_000_000)
    builder.add_supply(id=1, kind=2, item=1, op=1)
    builder.add_line(id=1, item=1, qty=PIECE, promised=HOUR)
    builder.set_queue(unit=1, operations=[1])
    plant = builder.build()

    assert why_each(plant, project(plant, now=0), [1]) == {1: Why("UNIT_DOWN", 1, 5 * HOUR)}
