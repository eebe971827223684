"""The engine's full pass beside the bare kernel, and options beside one projection."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from planning.engine.plant import QueueRule
from planning.engine.projection import project
from tests.bench.kernel import Bare
from tests.bench.rows import Row, alternated, ratio_row
from tests.engine.plants import DAY, reference_plant


def rows() -> Iterator[Row]:
    for operations, machines in ((10_000, 50), (100_000, 200)):
        for rule in (QueueRule.STRICT, QueueRule.PULL_READY):
            plant = reference_plant(operations, machines, rule=rule)
            bare = Bare(plant, project(plant, now=0), days=plant.site.horizon // DAY)
            full_ms, bare_ms = alternated(partial(project, plant, now=0), bare.run, pairs=7)
            yield ratio_row(
                f"engine.pass.{rule.name.lower()}.{operations // 1000}k",
                full_ms,
                bare_ms,
                unit="ms",
                at_most=20,
            )
