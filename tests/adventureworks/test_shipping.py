"""When customer lines leave: on their day, or when they are there and nobody misses them."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from planning.adventureworks import choices
from planning.adventureworks.reading import Company, read
from planning.adventureworks.shipping import shipments
from tests.adventureworks.company import write_small

AS_OF = date(2013, 7, 3)
UNTIL = date(2013, 7, 20)
BIKE, BELL = 1, 5


@pytest.fixture
def small(tmp_path: Path) -> Company:
    return read(write_small(tmp_path))[0]


def noon(day: int, month: int = 7) -> datetime:
    return choices.opens(date(2013, month, day)).replace(hour=12)


def leaving(
    company: Company,
    stock: dict[int, int],
    moves: dict[int, list[tuple[datetime, int]]],
    until: date = UNTIL,
) -> list[tuple[int, str]]:
    found = shipments(
        company,
        {product: Decimal(quantity) for product, quantity in stock.items()},
        {
            product: [(at, Decimal(quantity)) for at, quantity in some]
            for product, some in moves.items()
        },
        AS_OF,
        until,
    )
    return sorted((fact.number, fact.at.strftime("%m-%d %H:%M")) for fact in found)


def test_a_line_in_stock_leaves_on_its_recorded_day_and_not_before(small: Company) -> None:
    assert leaving(small, {BIKE: 5, BELL: 2}, {}) == [
        (9000, "07-07 05:00"),
        (9001, "07-07 05:00"),
        (9100, "07-15 05:00"),
    ]


def test_a_line_that_is_not_there_leaves_whole_on_the_first_morning_after_it_came(
    small: Company,
) -> None:
    coming = {BIKE: [(noon(8), 2), (noon(9), 1)]}

    assert leaving(small, {}, coming) == [(9001, "07-10 05:00")]


def test_pieces_that_a_recorded_order_will_take_stay(small: Company) -> None:
    taken = {BIKE: [(noon(18), -3), (noon(19), 3)]}

    assert leaving(small, {BIKE: 5}, taken) == [(9001, "07-20 05:00"), (9100, "07-15 05:00")]


def test_what_is_taken_after_four_weeks_keeps_nothing_back(small: Company) -> None:
    taken = {BIKE: [(noon(2, month=8), -3)]}

    assert leaving(small, {BIKE: 3}, taken) == [(9001, "07-07 05:00")]


def test_a_line_that_comes_later_waits_for_what_the_earlier_leaves(small: Company) -> None:
    assert leaving(small, {BIKE: 4}, {BIKE: [(noon(16), 1)]}) == [
        (9001, "07-07 05:00"),
        (9100, "07-17 05:00"),
    ]


def test_what_leaves_on_a_day_does_not_depend_on_the_last_one(small: Company) -> None:
    stock, moves = {BIKE: 5, BELL: 2}, {BIKE: [(noon(18), -2), (noon(19), 2)]}

    assert leaving(small, stock, moves, until=date(2013, 7, 10)) == [
        row for row in leaving(small, stock, moves) if row[1] < "07-10 07:00"
    ]
