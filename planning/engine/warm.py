"""Compiles the kernels ahead of their use, on a plant of three machines.

numba compiles a function at its first call and keeps the result on disk. Left to itself that first
call is somebody's breakdown, answered half a minute late.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from importlib import import_module
from pkgutil import iter_modules

from numba.core.dispatcher import Dispatcher

import planning.engine
from planning.engine import options
from planning.engine.builder import PlantBuilder
from planning.engine.cost import CostRules, LineTerms, Terms
from planning.engine.impact import Cause, CauseKind
from planning.engine.load import loads
from planning.engine.plant import NEVER, PIECE, Plant, Site, SupplyKind
from planning.engine.projection import project

HOUR = 3_600
DAY = 24 * HOUR
BROKEN, LOST, SPARE = 1, 2, 3


def small_plant() -> Plant:
    """Return a plant that needs every kernel: one machine returns tomorrow, one never does.

    Jobs 1 and 2 wait for the broken machine and could go to the spare one; job 3 is stuck on the
    lost machine, and job 4 on the spare one waits for what it makes.
    """
    builder = PlantBuilder(Site(horizon=30 * DAY))
    builder.add_calendar(
        id=1, intervals=[(day * DAY + 6 * HOUR, day * DAY + 14 * HOUR) for day in range(30)]
    )
    builder.add_unit(id=BROKEN, calendar=1, down=True, down_until=30 * HOUR)
    builder.add_unit(id=LOST, calendar=1, down=True, down_until=NEVER)
    builder.add_unit(id=SPARE, calendar=1)
    for job, unit in {1: BROKEN, 2: BROKEN, 3: LOST, 4: SPARE}.items():
        builder.add_item(id=job, kind=1)
        builder.add_order(id=job, item=job)
        builder.add_operation(
            id=job, order=job, number=1, unit=unit, launch_qty=PIECE, run_us=HOUR * 1_000_000
        )
        builder.add_supply(id=job, kind=SupplyKind.OUTPUT, item=job, op=job)
        builder.add_line(id=job, item=job, qty=PIECE, promised=8 * HOUR, value=1_000_0000)
    builder.add_component(id=1, operation=4, item=3, qty=PIECE)
    for job in (1, 2):
        builder.add_alternate(operation=job, unit=SPARE, run_us=HOUR * 1_000_000)
    for unit, jobs in {BROKEN: [1, 2], LOST: [3], SPARE: [4]}.items():
        builder.set_queue(unit=unit, operations=jobs)
    return builder.build()


def kernels() -> Iterator[tuple[str, Dispatcher]]:
    """Return every compiled function of the engine with its name."""
    for module in iter_modules(planning.engine.__path__, "planning.engine."):
        for name, value in vars(import_module(module.name)).items():
            if isinstance(value, Dispatcher) and value.py_func.__module__ == module.name:
                yield f"{module.name.rpartition('.')[2]}.{name}", value


def compiled() -> dict[str, int]:
    """Return how often this process had to compile a kernel; loading one does not count."""
    return {name: sum(each.stats.cache_misses.values()) for name, each in kernels()}


def warm(say: Callable[[str], None]) -> None:
    """Compile the kernels, or load them where they were compiled before; `say` how it goes."""
    began = time.monotonic()
    say("compiling the engine (a minute the first time)")
    plant = small_plant()
    projection = project(plant, now=6 * HOUR)
    loads(plant, projection, until=24 * HOUR)
    say(f"the projection is ready after {time.monotonic() - began:.1f} s")
    terms = {int(line): Terms(due=8 * HOUR, weight_day=1) for line in plant.line_id}
    options.generate(
        plant,
        projection,
        Cause(CauseKind.UNIT_DOWN, BROKEN),
        CostRules(LineTerms.of(plant, terms)),
        now=6 * HOUR,
    )
    say(f"the engine is ready after {time.monotonic() - began:.1f} s")
