"""What customers ordered, what they were promised, what was shipped."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from materials.actions import add_customer, add_customer_order, set_promise, ship
from materials.models import CustomerLine, PromiseChange
from mes.commands import Outcome
from quality.actions import place_hold
from tests.cast import (
    HOUR,
    SHIFT_START,
    Plant,
    assert_balances_are_the_sums_of_their_moves,
)


def line_of(plant: Plant, quantity: int = 10, **values: Any) -> CustomerLine:
    customer = plant.must(add_customer, code="AQ", name="Aquila")["customer_id"]
    made = plant.must(
        add_customer_order,
        code="SO-1",
        customer_id=customer,
        lines=[
            {
                "item_id": plant.ids["BAR"],
                "quantity": Decimal(quantity),
                "requested_at": SHIFT_START + 24 * HOUR,
                **values,
            }
        ],
    )
    return CustomerLine.objects.get(pk=made["line_ids"][0])


def test_the_first_promise_is_kept_when_a_new_one_is_given(plant: Plant) -> None:
    line = line_of(plant, promised_at=SHIFT_START + 24 * HOUR)

    plant.must(set_promise, line_id=line.pk, promised_at=SHIFT_START + 48 * HOUR)

    line.refresh_from_db()
    assert line.first_promised_at == SHIFT_START + 24 * HOUR
    assert line.promised_at == SHIFT_START + 48 * HOUR
    assert PromiseChange.objects.filter(line=line).count() == 2


def test_a_line_without_promise_gets_its_first_one_later(plant: Plant) -> None:
    line = line_of(plant)

    plant.must(set_promise, line_id=line.pk, promised_at=SHIFT_START + 48 * HOUR)

    line.refresh_from_db()
    assert line.first_promised_at == line.promised_at == SHIFT_START + 48 * HOUR


def shipping(plant: Plant, line: CustomerLine, quantity: int, **values: Any) -> Outcome:
    return plant.do(ship, line_id=line.pk, quantity=Decimal(quantity), **values)


def test_shipping_takes_from_stock_and_closes_the_line_when_whole(plant: Plant) -> None:
    line = line_of(plant)

    part, rest = shipping(plant, line, 4), shipping(plant, line, 6)

    line.refresh_from_db()
    assert part.ok
    assert rest.ok
    assert (line.shipped_quantity, line.shipped_at) == (10, SHIFT_START)
    assert plant.on_hand("L-1") == 990
    assert_balances_are_the_sums_of_their_moves(plant)


def test_shipping_more_than_is_open_is_refused(plant: Plant) -> None:
    line = line_of(plant)

    refused = shipping(plant, line, 11)

    assert refused.message == "Only 10 are open on this line; you entered 11."
    assert plant.on_hand("L-1") == 1000


def test_a_held_lot_does_not_leave_and_the_sentence_names_it(plant: Plant) -> None:
    line = line_of(plant)
    plant.must(place_hold, lot_id=plant.lot("L-1").pk)

    refused = shipping(plant, line, 10)

    assert refused.status == 422
    assert "lot L-1 is not released. Ask quality" in refused.message
    assert plant.on_hand("L-1") == 1000


def test_a_shipped_line_takes_no_new_promise(plant: Plant) -> None:
    line = line_of(plant)
    shipping(plant, line, 10)

    refused = plant.do(set_promise, line_id=line.pk, promised_at=SHIFT_START + HOUR)

    assert refused.message == "This line has been shipped whole."


def test_a_plant_that_does_not_check_stock_ships_without_lots(plant: Plant) -> None:
    line = line_of(plant, quantity=5000)
    plant.site.checks_stock = False
    plant.site.save()

    assert shipping(plant, line, 5000).ok
    assert plant.on_hand("L-1") == 1000


def test_an_order_without_lines_or_with_half_pieces_is_refused(plant: Plant) -> None:
    customer = plant.must(add_customer, code="AQ", name="Aquila")["customer_id"]
    empty = plant.do(add_customer_order, code="SO-1", customer_id=customer, lines=[])
    half = plant.do(
        add_customer_order,
        code="SO-2",
        customer_id=customer,
        lines=[
            {
                "item_id": plant.ids["BODY"],
                "quantity": Decimal("0.5"),
                "requested_at": SHIFT_START,
            }
        ],
    )

    assert (empty.status, half.status) == (422, 422)
    assert half.message == "BODY is ordered in steps of 1, above zero."
