"""Which lot goes first, what balances add up to, and bills without circles."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from materials.rules import (
    Stock,
    balances,
    first_expired_first,
    fits_quantum,
    makes_a_circle,
    may_be_used,
    round_up,
)

NOW = datetime(2026, 11, 23, 6, tzinfo=UTC)
DAY = timedelta(days=1)
quantities = st.decimals(
    min_value=Decimal("0.000001"), max_value=Decimal(10**6), places=6, allow_nan=False
)
stock_rows = st.builds(
    Stock,
    lot_id=st.integers(1, 6),
    location_id=st.integers(1, 3),
    quantity=quantities,
    received_at=st.integers(0, 5).map(lambda days: NOW - days * DAY),
    expires_at=st.none() | st.integers(1, 5).map(lambda days: NOW + days * DAY),
    preferred=st.booleans(),
)


def lot(number: int, quantity: int, **values: object) -> Stock:
    given_values = {"received_at": NOW, **values}
    return Stock(lot_id=number, location_id=1, quantity=Decimal(quantity), **given_values)  # type: ignore[arg-type]


def test_the_lot_that_expires_first_goes_first_then_the_oldest() -> None:
    stock = [
        lot(1, 5),
        lot(2, 5, received_at=NOW - DAY),
        lot(3, 5, expires_at=NOW + 2 * DAY),
        lot(4, 5, expires_at=NOW + DAY),
    ]

    takes, short = first_expired_first(stock, Decimal(17))

    assert [(take.lot_id, take.quantity) for take in takes] == [(4, 5), (3, 5), (2, 5), (1, 2)]
    assert short == 0


def test_the_lot_that_was_loaded_goes_before_all() -> None:
    stock = [lot(1, 5, expires_at=NOW + DAY), lot(2, 5, preferred=True)]

    takes, _short = first_expired_first(stock, Decimal(6))

    assert [take.lot_id for take in takes] == [2, 1]


@given(st.lists(stock_rows, max_size=8), quantities)
def test_takes_and_shortage_add_up_and_nothing_is_taken_that_is_not_there(
    stock: Sequence[Stock], wanted: Decimal
) -> None:
    takes, short = first_expired_first(stock, wanted)

    assert sum((take.quantity for take in takes), short) == wanted
    assert all(take.quantity > 0 for take in takes)
    assert short == max(Decimal(0), wanted - sum((row.quantity for row in stock), Decimal(0)))


@given(
    st.lists(stock_rows, max_size=6, unique_by=lambda row: (row.lot_id, row.location_id)),
    quantities,
    st.randoms(),
)
def test_the_choice_does_not_depend_on_the_order_of_the_rows(
    stock: list[Stock], wanted: Decimal, random: object
) -> None:
    shuffled = list(stock)
    random.shuffle(shuffled)  # type: ignore[attr-defined]

    assert first_expired_first(stock, wanted) == first_expired_first(shuffled, wanted)


@given(st.lists(st.tuples(st.integers(1, 3), st.integers(1, 2), quantities)))
def test_a_move_and_its_reversal_leave_no_balance(
    moves: list[tuple[int, int, Decimal]],
) -> None:
    reversals = [(lot_id, place, -quantity) for lot_id, place, quantity in moves]

    assert balances([*moves, *reversals]) == {}


@given(quantities, st.integers(0, 6))
def test_rounding_up_reaches_the_next_quantum_and_no_further(
    quantity: Decimal, decimals: int
) -> None:
    rounded = round_up(quantity, decimals)

    assert quantity <= rounded < quantity + Decimal(1).scaleb(-decimals)
    assert fits_quantum(rounded, decimals)


def test_a_lot_may_be_used_while_released_and_unexpired() -> None:
    assert may_be_used("RELEASED", None, NOW)
    assert may_be_used("RELEASED", NOW + DAY, NOW)
    assert not may_be_used("RELEASED", NOW, NOW)
    assert not any(
        may_be_used(status, None, NOW) for status in ("HELD", "QUARANTINE", "REJECTED", "CONSUMED")
    )


@given(st.lists(st.tuples(st.integers(1, 7), st.integers(1, 7)), max_size=25))
def test_bills_built_line_by_line_never_close_a_circle(lines: list[tuple[int, int]]) -> None:
    kept: list[tuple[int, int]] = []
    for item, component in lines:
        if item != component and not makes_a_circle(kept, item, component):
            kept.append((item, component))

    # Free of circles: what has no parent left can be taken away until nothing is left.
    left = set(kept)
    while left:
        parts = {component for _item, component in left}
        tops = {line for line in left if line[0] not in parts}
        assert tops
        left -= tops
