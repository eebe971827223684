"""The engine's full pass beside the bare kernel.

Resident is the plant: its columns as the snapshot read them, with their calendar tables. All else
is computed in the measured pass: working time, work left, pegs, every operation's times, lines and
stock. The engine keeps nothing from one projection to the next.

`engine.pass` projects the plant as it is. `engine.event` answers an event: the unit that is down
gets another time of return, the changed plant is made and projected.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from itertools import cycle

import numpy as np

from planning.engine.changes import SetEstimate, apply
from planning.engine.plant import Plant, QueueRule
from planning.engine.projection import project
from tests.bench.kernel import Bare
from tests.bench.rows import Row, alternated, ratio_row
from tests.engine.plants import DAY, HOUR, reference_plant


def rows() -> Iterator[Row]:
    for operations, machines in ((10_000, 50), (100_000, 200)):
        for rule in (QueueRule.STRICT, QueueRule.PULL_READY):
            plant = reference_plant(operations, machines, rule=rule)
            days = plant.site.horizon // DAY
            size = f"{rule.name.lower()}.{operations // 1000}k"
            bare = Bare(plant, project(plant, now=0), days=days)
            full_ms, bare_ms = alternated(partial(project, plant, now=0), bare.run, pairs=7)
            yield ratio_row(f"engine.pass.{size}", full_ms, bare_ms, unit="ms", at_most=20)
            broken = _with_a_unit_down(plant)
            bare = Bare(broken, project(broken, now=0), days=days)
            full_ms, bare_ms = alternated(_answered(broken), bare.run, pairs=7)
            yield ratio_row(f"engine.event.{size}", full_ms, bare_ms, unit="ms", at_most=20)


def _with_a_unit_down(plant: Plant) -> Plant:
    """The unit with the longest queue broke down at the start and is back after eight hours."""
    unit = int(np.argmax(np.diff(plant.unit_queue_ptr)))
    down, until = plant.unit_down.copy(), plant.unit_down_until.copy()
    down[unit], until[unit] = True, 8 * HOUR
    return replace(plant, unit_down=down, unit_down_until=until)


def _answered(broken: Plant) -> Callable[[], object]:
    unit = int(broken.unit_id[np.flatnonzero(broken.unit_down)[0]])
    estimates = cycle((12 * HOUR, 8 * HOUR))

    def answer() -> object:
        return project(apply(broken, [SetEstimate(unit, next(estimates))]), now=0)

    return answer
