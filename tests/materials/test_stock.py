"""Lots and their quantities: received, moved, kept from use."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from materials.actions import (
    add_bill_line,
    add_location,
    add_purchase_line,
    add_supplier,
    expect_purchase,
    move,
    receive,
)
from materials.models import Lot, PurchaseLine, StockMove
from tests.cast import (
    HOUR,
    SHIFT_START,
    Plant,
    assert_balances_are_the_sums_of_their_moves,
    build_plant,
)


def purchase(plant: Plant, quantity: int = 10) -> int:
    supplier = plant.must(add_supplier, code="STEEL", name="Steel")["supplier_id"]
    line_id: int = plant.must(
        add_purchase_line,
        order_code="PO-1",
        number=1,
        supplier_id=supplier,
        item_id=plant.ids["BAR"],
        quantity=Decimal(quantity),
        promised_at=SHIFT_START + HOUR,
    )["purchase_line_id"]
    return line_id


def test_a_receipt_makes_the_lot_its_balance_and_its_move(plant: Plant) -> None:
    lot = plant.receive("BAR", "L-2", "12.5")

    move_row = StockMove.objects.get(lot=lot)
    assert plant.on_hand("L-2") == move_row.quantity == Decimal("12.5")
    assert move_row.event_seq == plant.newest("materials.stock.received").seq
    assert_balances_are_the_sums_of_their_moves(plant)


def test_a_second_receipt_of_a_lot_adds_to_it(plant: Plant) -> None:
    plant.receive("BAR", "L-2", 5)
    plant.receive("BAR", "L-2", 7)

    assert plant.on_hand("L-2") == 12
    assert Lot.objects.filter(code="L-2").count() == 1


def test_a_lot_code_of_another_item_is_refused(plant: Plant) -> None:
    refused = plant.do(
        receive,
        item_id=plant.ids["BODY"],
        lot_code="L-1",
        quantity=Decimal(1),
        location_id=plant.ids["STORE"],
    )

    assert refused.message == "Lot L-1 already exists for another item. Check the label."
    assert plant.on_hand("L-1") == 1000


def test_receiving_more_than_was_ordered_is_a_fact_and_closes_the_line(plant: Plant) -> None:
    line_id = purchase(plant, 10)

    plant.receive("BAR", "L-2", 12, purchase_line_id=line_id)

    line = PurchaseLine.objects.get(pk=line_id)
    assert (line.received_quantity, line.closed_at) == (12, SHIFT_START)
    assert plant.on_hand("L-2") == 12


def test_the_expected_date_of_a_purchase_has_a_source_and_the_promise_stays(
    plant: Plant,
) -> None:
    line_id = purchase(plant)

    plant.must(
        expect_purchase,
        purchase_line_id=line_id,
        expected_at=SHIFT_START + 30 * HOUR,
        source="Ms Berg on the phone",
    )

    line = PurchaseLine.objects.get(pk=line_id)
    assert line.promised_at == SHIFT_START + HOUR
    assert (line.expected_at, line.expected_source) == (
        SHIFT_START + 30 * HOUR,
        "Ms Berg on the phone",
    )


def test_a_transfer_is_two_moves_that_sum_to_zero(plant: Plant) -> None:
    line_side = plant.must(add_location, code="LINE", name="Line")["location_id"]

    plant.must(
        move,
        lot_id=plant.lot("L-1").pk,
        from_location_id=plant.ids["STORE"],
        to_location_id=line_side,
        quantity=Decimal(400),
    )

    rows = StockMove.objects.filter(reason="TRANSFER")
    assert sorted(row.quantity for row in rows) == [-400, 400]
    assert plant.on_hand("L-1") == 1000
    assert_balances_are_the_sums_of_their_moves(plant)


def test_moving_more_than_is_there_is_refused_and_nothing_moves(plant: Plant) -> None:
    line_side = plant.must(add_location, code="LINE", name="Line")["location_id"]

    refused = plant.do(
        move,
        lot_id=plant.lot("L-1").pk,
        from_location_id=plant.ids["STORE"],
        to_location_id=line_side,
        quantity=Decimal(1001),
    )

    assert refused.status == 422
    assert "There is not that much of L-1 at STORE" in refused.message
    assert not StockMove.objects.filter(reason="TRANSFER").exists()


@pytest.mark.parametrize("reason", ["ISSUE", "SHIPMENT"])
@pytest.mark.parametrize(
    "barred",
    [
        {"status": "HELD"},
        {"status": "REJECTED"},
        {"status": "QUARANTINE"},
        {"expires_at": SHIFT_START - timedelta(seconds=1)},
    ],
)
def test_the_database_itself_refuses_to_use_a_barred_lot(
    plant: Plant, barred: dict[str, object], reason: str
) -> None:
    Lot.objects.filter(pk=plant.lot("L-1").pk).update(**barred)

    def take(as_reason: str) -> None:
        StockMove.objects.create(
            site=plant.site,
            event_seq=9000,
            n=0,
            lot=plant.lot("L-1"),
            location_id=plant.ids["STORE"],
            quantity=-1,
            reason=as_reason,
            at=SHIFT_START,
        )

    with pytest.raises(IntegrityError, match="not free to be used"), transaction.atomic():
        take(reason)
    take("CORRECTION")  # a count or a reversal may always say what is true


def test_an_item_cannot_become_a_part_of_itself(plant: Plant) -> None:
    refused = plant.do(
        add_bill_line,
        item_id=plant.ids["BAR"],
        component_id=plant.ids["BODY"],
        quantity_per=Decimal(1),
    )

    assert refused.message == "BODY already contains BAR, so it can't be a part of it."


def test_nothing_of_another_site_can_be_received_into(plant: Plant) -> None:
    other = build_plant("T2")

    foreign = plant.do(
        receive,
        item_id=plant.ids["BAR"],
        lot_code="L-9",
        quantity=Decimal(1),
        location_id=other.ids["STORE"],
    )

    assert foreign.status == 404
