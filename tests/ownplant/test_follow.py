"""The same export dropped again: differences are taken over, what is gone is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.test import Client

from materials.actions import add_item
from materials.models import CustomerLine, Item, PurchaseLine, StockBalance
from mes.clock import wall_now
from mes.models import RoleGrant, ShopFloorEvent, Site, SiteHead
from planning import verify
from planning.actions import recompute
from planning.models import PlanVersion
from planning.ownfields.actions import write_row
from planning.ownfields.values import values_of
from planning.ownplant import actions
from planning.ownplant.models import PlantImport
from planning.ownplant.work import work_on
from tests.ownplant.files import Sheets, workbook
from tests.ownplant.test_store import brought_in, do, rich, soon, stored
from workorders.actions import create_order
from workorders.models import JobOrder, WorkOrder

BERLIN = ZoneInfo("Europe/Berlin")


def taken_over(site: Site, sheets: Sheets, *close: str) -> PlantImport:
    row = brought_in(site, workbook(sheets))
    outcome = do(site, actions.take_over, import_id=row.pk, closed=close)
    assert outcome.ok, outcome.message
    work_on(row.pk)
    row.refresh_from_db()
    assert row.state == "STORED", row.failure
    return row


def events(site: Site) -> Iterator[str]:
    rows = ShopFloorEvent.objects.filter(site=site).order_by("seq")
    yield from rows.values_list("kind", flat=True)


def left(row: PlantImport) -> dict[str, str]:
    return {f"{sheet}/{key}": why for sheet, key, why in row.report["followed"]["left"]}


def head(site: Site) -> int:
    return SiteHead.objects.get(site=site).seq


def day(text: str) -> Any:
    return datetime.fromisoformat(text).date()


@pytest.fixture
def sheets() -> Sheets:
    return rich()


@pytest.fixture
def plant(own: Site, sheets: Sheets) -> Site:
    stored(own, workbook(sheets))
    recompute(own.pk, wall_now=wall_now())
    return own


def test_the_same_file_again_changes_nothing(plant: Site, sheets: Sheets) -> None:
    before = list(events(plant))
    row = brought_in(plant, workbook(sheets))

    assert row.report["difference"] == {"new": [], "changed": [], "gone": []}
    outcome = do(plant, actions.take_over, import_id=row.pk, closed=[])
    assert (outcome.status, "nothing to take over" in outcome.message) == (422, True)
    assert list(events(plant)) == before


def test_what_changed_is_done_by_the_acts_that_a_person_would_use(
    plant: Site, sheets: Sheets
) -> None:
    newer = deepcopy(sheets)
    newer["Orders"][1][3] = soon(9)  # A-1 is due, and so promised, later
    newer["Orders"][2][2] = 60  # of A-2 the customer wants ten more
    newer["Stock"][1][1] = 15  # of L1 there is less
    newer["Purchases"][1][4] = soon(6)  # PO-1 comes later
    seq = head(plant)

    row = taken_over(plant, newer)

    assert left(row) == {}
    assert WorkOrder.objects.get(site=plant, code="A-1").due_at.astimezone(BERLIN).date() == day(
        soon(9)
    )
    moved, more = (
        CustomerLine.objects.get(site=plant, order__code=code) for code in ("A-1", "A-2")
    )
    assert moved.promised_at is not None
    assert moved.promised_at.astimezone(BERLIN).date() == day(soon(9))
    assert (more.quantity, WorkOrder.objects.get(site=plant, code="A-2").quantity) == (60, 50)
    assert StockBalance.objects.get(site=plant, lot__code="L1").quantity == 15
    late = PurchaseLine.objects.get(site=plant, order_code="PO-1", item__code="BAR")
    assert late.expected_at.astimezone(BERLIN).date() == day(soon(6))
    assert late.promised_at.astimezone(BERLIN).date() == day(soon(3))
    said = ShopFloorEvent.objects.filter(site=plant, seq__gt=seq).values_list("kind", flat=True)
    assert sorted(said) == [
        "materials.line.changed",
        "materials.line.changed",
        "materials.purchase.expected",
        "materials.stock.counted",
        "workorders.order.due_set",
    ]
    recompute(plant.pk, wall_now=wall_now())
    assert list(verify.problems(plant)) == []
    again = brought_in(plant, workbook(newer))
    assert again.report["difference"] == {"new": [], "changed": [], "gone": []}


def test_a_new_order_comes_with_its_customer_and_is_released(plant: Site, sheets: Sheets) -> None:
    newer = deepcopy(sheets)
    newer["Orders"] += [
        ["A-9", "P", 20, soon(12), "NEWCO", 400],
        ["A-10", "R", 5, soon(12), "", ""],
        ["BY-HAND", "P", 5, soon(12), "", ""],
        ["CUT", "S", 5, soon(12), "", ""],
    ]
    newer["Operations"] += [["S", 10, "SAW", 5, 1, ""]]
    newer["Machines"] += [["SAW", "", "1"]]
    item = Item.objects.get(site=plant, code="P")
    by_hand = {"item_id": item.pk, "quantity": Decimal(5), "due_at": wall_now()}
    assert do(plant, create_order, code="BY-HAND", **by_hand).ok
    assert do(plant, add_item, code="S", name="S", source="MAKE").ok
    seq = head(plant)
    newer["Operations"] += [["A-10", 10, "L-1", 5, 1, ""]]

    row = taken_over(plant, newer)

    order = WorkOrder.objects.get(site=plant, code="A-9")
    assert order.customer_line is not None
    assert order.customer_line.order.customer.code == "NEWCO"
    assert order.customer_line.price == 20
    numbers = JobOrder.objects.filter(work_order=order).values_list("number", flat=True)
    assert sorted(numbers) == [10, 20]
    # Nothing knows what an R is: it is for somebody to set up first.
    assert left(row) == {
        "orders/A-10": "There is no item R here yet.",
        "operations/A-10 / 10": "Change the routing in the office; open orders keep theirs.",
        "orders/BY-HAND": "There is an order BY-HAND here already.",
        "machines/SAW": "Add it in the office: a file only adds what is ordered and what moves.",
        "orders/CUT": "There is no machine SAW here yet.",
        "operations/S / 10": "Change the routing in the office; open orders keep theirs.",
    }
    said = ShopFloorEvent.objects.filter(site=plant, seq__gt=seq).values_list("kind", flat=True)
    assert sorted(said) == [
        "materials.customer.changed",
        "materials.line.added",
        "workorders.order.created",
        "workorders.order.released",
    ]
    recompute(plant.pk, wall_now=wall_now())
    version = PlanVersion.objects.current(plant)
    assert version is not None
    assert set(JobOrder.objects.filter(work_order=order).values_list("pk", flat=True)) <= set(
        version.job_times()
    )


def test_what_is_gone_stays_until_somebody_says_that_it_is_over(
    plant: Site, sheets: Sheets
) -> None:
    newer = deepcopy(sheets)
    del newer["Orders"][2]
    del newer["Purchases"][2]  # PO-1/1: nuts

    kept = taken_over(plant, newer)
    assert set(left(kept)) == {"orders/A-2", "purchases/PO-1 / 1"}
    assert WorkOrder.objects.get(site=plant, code="A-2").status == "RELEASED"

    row = brought_in(plant, workbook(newer))
    assert row.report["difference"]["gone"] == [["orders", "A-2"], ["purchases", "PO-1 / 1"]]
    done = taken_over(plant, newer, "orders/A-2", "purchases/PO-1 / 1", "machines/L-1")

    assert left(done) == {}
    assert WorkOrder.objects.get(site=plant, code="A-2").status == "CLOSED"
    assert CustomerLine.objects.get(site=plant, order__code="A-2").cancelled_at is not None
    nuts = PurchaseLine.objects.get(site=plant, order_code="PO-1", item__code="NUT")
    assert nuts.closed_at is not None
    recompute(plant.pk, wall_now=wall_now())
    assert list(verify.problems(plant)) == []


def test_what_was_made_meanwhile_is_reported(own: Site, sheets: Sheets) -> None:
    sheets["Operations"] += [["A-3", 10, "M-1", 10, 6, 2]]
    stored(own, workbook(sheets))
    newer = deepcopy(sheets)
    newer["Operations"][-1][5] = 6

    row = taken_over(own, newer)

    assert left(row) == {}
    assert JobOrder.objects.get(work_order__code="A-3").good == 6
    assert list(verify.problems(own)) == []
    newer["Operations"][-1][5] = 5
    assert "Take the report back" in left(taken_over(own, newer))["operations/A-3 / 10"]


def test_a_difference_that_its_act_refuses_is_left_and_changes_nothing(
    plant: Site, sheets: Sheets
) -> None:
    newer = deepcopy(sheets)
    newer["Machines"][1][2] = "3"
    newer["Orders"][1][3] = soon(9)
    newer["Purchases"][1][4] = "2020-01-01"
    seq = head(plant)

    row = taken_over(plant, newer)

    assert left(row) == {
        "machines/M-1": "Change it in the office.",
        "purchases/PO-1": "That time is past and it has not come. Enter a later one.",
    }
    late = PurchaseLine.objects.get(site=plant, order_code="PO-1", item__code="BAR")
    assert late.said_at is None
    said = ShopFloorEvent.objects.filter(site=plant, seq__gt=seq).values_list("kind", flat=True)
    assert sorted(said) == ["materials.line.changed", "workorders.order.due_set"]
    row = brought_in(plant, workbook(newer))
    assert {(sheet, key) for sheet, key, *_rest in row.report["difference"]["changed"]} == {
        ("machines", "M-1"),
        ("purchases", "PO-1"),
    }


def test_the_page_asks_for_what_is_gone_and_says_what_is_left(
    plant: Site, sheets: Sheets, client: Client
) -> None:
    from django.contrib.auth.models import User

    from mes.models import Person

    person = Person.objects.get(name="Jo Planner")
    person.user = User.objects.create_user("jo")
    person.save()
    assert RoleGrant.objects.filter(person=person, site=plant).exists()
    client.force_login(person.user)
    session = client.session
    session["site"] = plant.code
    session.save()
    newer = deepcopy(sheets)
    # A-3, for stock, and how its item is made.
    del newer["Orders"][3]
    del newer["Operations"][3]
    row = brought_in(plant, workbook(newer))

    page = client.get(f"/own-plant/{row.pk}/").content.decode()
    assert "2 changes against the file before" in page
    assert 'name="close" value="orders/A-3"' in page
    answer = client.post(
        f"/own-plant/{row.pk}/take-over/",
        {"close": "orders/A-3", "key": "8c9df8f1-75f2-4a36-9b51-0d4df6c4f7a1"},
    )
    assert answer.status_code == 302, answer.content.decode()
    work_on(row.pk)

    page = client.get(f"/own-plant/{row.pk}/").content.decode()
    assert "1 change taken over" in page
    assert "what was set up goes in the office only" in page
    assert WorkOrder.objects.get(site=plant, code="A-3").status == "CLOSED"
    refused = client.post(
        f"/own-plant/{row.pk}/remove/", {"key": "8c9df8f1-75f2-4a36-9b51-0d4df6c4f7a2"}
    )
    assert "taken back one by one" in refused.content.decode()


def test_a_count_without_a_lot_is_taken_where_one_lot_lies(plant: Site, sheets: Sheets) -> None:
    newer = deepcopy(sheets)
    newer["Stock"][2][1] = 4  # the one without a lot
    newer["Stock"] += [["BAR", 3, "", "RACK", "m"], ["NUT", 7, "N-1", "STORE", ""]]

    row = taken_over(plant, newer)

    assert left(row) == {"stock/BAR / RACK": "Name its lot, or count it on the page of new events."}
    assert StockBalance.objects.get(site=plant, lot__code="N-1").quantity == Decimal(7)
    unnamed = StockBalance.objects.get(site=plant, location__code="STORE", lot__item__code="BAR")
    assert unnamed.quantity == Decimal(4)


def test_a_note_stays_when_a_newer_file_is_taken_over(plant: Site, sheets: Sheets) -> None:
    order = WorkOrder.objects.get(site=plant, code="A-1")
    said = {"note": "first article with the customer"}
    assert do(plant, write_row, row_of="work_order", subject_id=order.pk, values=said).ok
    newer = deepcopy(sheets)
    newer["Orders"][1][3] = soon(9)
    taken_over(plant, newer)
    found = values_of(plant, "work_order", [order.pk])
    assert found[order.pk]["note"].text == said["note"]
