"""How full a unit is: worked by hand, and never more than full."""

from __future__ import annotations

from hypothesis import given

from planning.engine.load import loads
from planning.engine.plant import Plant, Status
from planning.engine.projection import project
from tests.engine.small_plants import HOUR, Wants, small_plants
from tests.engine.test_by_hand import a_job, a_shop, clock


def test_two_of_eight_hours_are_a_quarter_and_an_idle_unit_has_none() -> None:
    shop = a_shop()
    a_job(shop, 1, unit=1, minutes=120)
    plant = shop.build()
    made = project(plant, now=0)
    assert loads(plant, made, until=clock(0, day=1)).tolist() == [25, 0]


def test_only_what_lies_ahead_and_within_the_while_counts() -> None:
    shop = a_shop(units=1)
    a_job(shop, 1, unit=1, minutes=6 * 60, status=int(Status.RUNNING), actual_start=clock(6))
    a_job(shop, 2, unit=1, minutes=10 * 60)
    plant = shop.build()
    made = project(plant, now=clock(10))
    # To 12 o'clock the running job fills it; to 8 tomorrow both do; the next ends at 14 then.
    assert loads(plant, made, until=clock(12)).tolist() == [100]
    assert loads(plant, made, until=clock(14, day=1)).tolist() == [100]
    # Four hours today, eight tomorrow and the day after: 12 h of 20 are taken.
    assert loads(plant, made, until=clock(14, day=2)).tolist() == [60]


def test_down_time_is_no_working_time() -> None:
    shop = a_shop(units=1)
    shop.add_unit(id=9, calendar=1, down=True, down_since=clock(6), down_until=clock(10))
    a_job(shop, 1, unit=9, minutes=60)
    plant = shop.build()
    made = project(plant, now=clock(6))
    # Back at 10: one of the four hours that are left until 14.
    assert loads(plant, made, until=clock(14)).tolist() == [0, 25]


@given(small_plants(Wants(started=False, odd_spans=False)))
def test_no_unit_is_more_than_full(drawn: tuple[Plant, int]) -> None:
    plant, now = drawn
    made = project(plant, now=now)
    for until in (now + 4 * HOUR, plant.site.horizon):
        percent = loads(plant, made, until=min(until, plant.site.horizon))
        assert ((percent >= 0) & (percent <= 100)).all()
