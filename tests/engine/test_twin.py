"""The engine and its slow twin read the same plant the same way, figure by figure."""

from __future__ import annotations

import numpy as np
from hypothesis import given

from planning.engine.plant import Plant
from planning.engine.projection import project
from planning.engine.twin import Twin
from tests.engine.small_plants import small_plants


def differences(plant: Plant, *, now: int) -> dict[str, tuple[list[int], list[int]]]:
    engine = project(plant, now=now)
    found = {}
    for name, figures in Twin(plant, now=now).project().items():
        mine = np.atleast_1d(np.asarray(getattr(engine, name))).astype(np.int64).tolist()
        if mine != figures:
            found[name] = (mine, figures)
    return found


@given(small_plants())
def test_the_engine_equals_its_twin_in_every_figure(drawn: tuple[Plant, int]) -> None:
    plant, now = drawn
    assert differences(plant, now=now) == {}
