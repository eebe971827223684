"""When time alone makes the next difference."""

from __future__ import annotations

import pytest

from planning.engine.builder import PlantBuilder
from planning.engine.moments import next_moment
from planning.engine.plant import NEVER, PIECE, Plant
from planning.engine.projection import project
from tests.engine.plans import HOUR, MINUTE

OPENS, CLOSES = 6 * HOUR, 14 * HOUR


def one_job(*, down_until: int | None = None) -> Plant:
    builder = PlantBuilder()
    builder.add_calendar(id=1, intervals=[(OPENS, CLOSES)])
    down = {} if down_until is None else {"down": True, "down_until": down_until}
    builder.add_unit(id=1, calendar=1, **down)
    builder.add_order(id=1)
    builder.add_operation(id=1, order=1, unit=1, launch_qty=PIECE, run_us=90 * MINUTE * 1_000_000)
    builder.set_queue(unit=1, operations=[1])
    return builder.build()


@pytest.mark.parametrize(
    ("now", "down_until", "at"),
    [
        (5 * HOUR, None, OPENS),  # the shift begins, and the job with it
        (OPENS, None, OPENS + 90 * MINUTE),  # its end
        (OPENS + 10 * MINUTE, None, OPENS + 100 * MINUTE),  # nobody began: it is put off
        (OPENS, OPENS + 20 * MINUTE, OPENS + 20 * MINUTE),  # the unit is expected back
        (CLOSES - 10 * MINUTE, None, CLOSES),  # the shift ends
        (CLOSES, None, NEVER),
    ],
)
def test_the_next_thing_expected_is_when_to_look_again(
    now: int, down_until: int | None, at: int
) -> None:
    plant = one_job(down_until=down_until)

    assert next_moment(plant, project(plant, now=now), now=now) == at
