"""What a projection takes from an earlier one changes no figure."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planning.engine.changes import SetEstimate, apply
from planning.engine.plant import PPM, Plant, Projection
from planning.engine.projection import project
from planning.engine.remembered import forget, remembered
from planning.engine.work import standing_work
from tests.engine.plans import HOUR, plants, two_mills
from tests.engine.test_changes import changes_of


def assert_same_figures(one: Projection, other: Projection) -> None:
    for each in fields(Projection):
        np.testing.assert_array_equal(getattr(one, each.name), getattr(other, each.name), each.name)


@given(st.data(), st.integers(0, 20 * HOUR))
def test_a_plant_tried_after_another_gets_the_figures_that_it_gets_alone(
    data: st.DataObject, now: int
) -> None:
    plant = data.draw(plants()).build()
    tried = apply(plant, data.draw(changes_of(plant)))
    forget()
    alone = [project(each, now=now) for each in (tried, plant)]

    forget()
    project(plant, now=0)
    after_another = [project(each, now=now) for each in (tried, plant)]

    for one, other in zip(alone, after_another, strict=True):
        assert_same_figures(one, other)


def test_another_time_of_return_leaves_the_work_as_it_was() -> None:
    builder = two_mills()
    builder.add_unit(id=3, calendar=1, down=True, down_until=HOUR)
    plant = builder.build()
    later = apply(plant, [SetEstimate(3, 2 * HOUR)])

    assert standing_work(later) is standing_work(plant)


def test_a_slower_unit_has_its_work_counted_anew() -> None:
    plant = two_mills().build()
    slow = replace(plant, unit_rate_ppm=np.full_like(plant.unit_rate_ppm, PPM // 2))

    assert standing_work(slow).work_s.sum() > standing_work(plant).work_s.sum()
    assert standing_work(plant) is standing_work(plant)


def test_a_column_that_is_not_named_is_not_there_to_be_read() -> None:
    @remembered("op_id")
    def reads_more(plant: Plant) -> int:
        return len(plant.op_id) + len(plant.unit_id)

    with pytest.raises(AttributeError, match="unit_id"):
        reads_more(two_mills().build())
