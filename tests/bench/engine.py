"""The engine's full pass beside the bare kernel.

Resident is the plant: its columns as the snapshot read them, in the order in which the committed
plan starts the operations, with their calendar tables. The bare kernel's arrays lie in the order of
the projection. `engine.pass` projects the plant as it is. `engine.event` answers an event: the unit
that is down gets another time of return, the changed plant is made and projected; what does not
depend on that unit is remembered from the pass before (`planning/engine/remembered.py`).
`engine.first` is the pass of a process that remembers nothing.
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
from planning.engine.remembered import forget
from planning.engine.rows import builder_of
from tests.bench.kernel import Bare
from tests.bench.rows import Row, alternated, ratio_row
from tests.engine.plants import DAY, HOUR, reference_plant


def rows() -> Iterator[Row]:
    for operations, machines in ((10_000, 50), (100_000, 200)):
        for rule in (QueueRule.STRICT, QueueRule.PULL_READY):
            plant = _committed(reference_plant(operations, machines, rule=rule))
            broken = _with_a_unit_down(plant)
            days = plant.site.horizon // DAY
            # the calls themselves, some hundred of them, count where there is little to compute
            limit = 20 if operations == 100_000 else 30
            for name, measured, answer, at_most in (
                ("pass", plant, partial(project, plant, now=0), limit),
                ("event", broken, _answered(broken), limit),
                ("first", plant, _first(plant), 30),
            ):
                bare = Bare(measured, project(measured, now=0), days=days)
                took_ms, bare_ms = alternated(answer, bare.run, pairs=7)
                yield ratio_row(
                    f"engine.{name}.{rule.name.lower()}.{operations // 1000}k",
                    took_ms,
                    bare_ms,
                    unit="ms",
                    at_most=at_most,
                )


def _committed(plant: Plant) -> Plant:
    """The plant with its projection as the plan that somebody committed."""
    found = project(plant, now=0)
    planned = replace(plant, op_baseline_start=found.op_start, op_baseline_end=found.op_end)
    return builder_of(planned).build()


def _first(plant: Plant) -> Callable[[], object]:
    def answer() -> object:
        forget()
        return project(plant, now=0)

    return answer


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
