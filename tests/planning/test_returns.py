"""What customers send back: the lot, the line in exchange, what it does and its reverse."""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import Any

import pytest
from django.urls import reverse

from materials import actions as materials
from materials.models import CustomerLine, CustomerReturn, Lot
from mes.clock import wall_now
from mes.models import Role, Task
from planning import actions as planning
from planning import words
from planning.models import Disruption
from quality import actions as quality
from tests.cast import HOUR, assert_balances_are_the_sums_of_their_moves
from tests.planning.conftest import DAY, Company, build_company
from tests.planning.test_by_hand import COMPARED
from tests.planning.test_calls import signed_in
from tests.planning.test_supply_and_demand import line, stored
from workorders.models import Reservation


@pytest.fixture
def shipped(db: None) -> Company:
    """Forty bodies were shipped; the plant makes only what others have ordered."""
    company = build_company()
    company.receive("BODY", "B-1", 40)
    company.sell("SO-0", 40, company.now + DAY)
    company.must(materials.ship, line_id=line(company, "SO-0").pk, quantity=Decimal(40))
    company.commit()
    assert not Disruption.objects.filter(site=company.site).exists()
    return company


def back(company: Company, **values: Any) -> dict[str, Any]:
    return {
        "line_id": CustomerLine.objects.get(site=company.site, order__code="SO-0", number=1).pk,
        "quantity": Decimal(20),
        "why": "porosity",
        "wants": "REPLACEMENT",
        "needed_at": company.now + 6 * HOUR,
        **values,
    }


def test_a_return_lies_in_quarantine_and_the_delivery_stays_as_it_was(shipped: Company) -> None:
    sold = line(shipped, "SO-0")
    was = (sold.quantity, sold.shipped_quantity, sold.shipped_at, sold.promised_at)
    made = shipped.must(quality.receive_return, **back(shipped))
    lot = Lot.objects.get(pk=made["lot_id"])
    assert (lot.code, lot.status) == ("RET-SO-0-1-1", "QUARANTINE")
    assert shipped.on_hand(lot.code) == 20
    sold.refresh_from_db()
    assert (sold.quantity, sold.shipped_quantity, sold.shipped_at, sold.promised_at) == was
    assert sold.order.lines.count() == 2
    roles = Task.objects.filter(site=shipped.site, subject_type="customer_return")
    assert set(roles.values_list("role", flat=True)) == {Role.QUALITY, Role.SALES}
    assert_balances_are_the_sums_of_their_moves(shipped)


@pytest.mark.parametrize("wants", ["REPLACEMENT", "REWORK"])
def test_what_is_wanted_in_exchange_is_a_disruption(shipped: Company, wants: str) -> None:
    values = back(shipped, wants=wants)
    foretold = planning.preview_event(shipped.site, "return", values, wall_now=wall_now())
    assert not CustomerReturn.objects.exists()
    shipped.must(quality.receive_return, **values)
    shipped.answer()
    row = shipped.disruption("RETURN")
    assert row.at_stake > 0
    assert words.title(row) == ("Return RET-SO-0-1-1: Voss wants 20 pcs of BODY again: porosity")
    after = shipped.impact("RETURN").figures
    names = [name for name in COMPARED if name not in ("lines_hit", "ops_hit")]
    assert {name: foretold[name] for name in names} == {name: after[name] for name in names}
    assert after["late_lines"] > 0
    assert Disruption.objects.filter(site=shipped.site).count() == 1


@pytest.mark.parametrize("wants", ["REPLACEMENT", "REWORK"])
def test_taken_back_everything_is_as_before(shipped: Company, wants: str) -> None:
    before = stored(shipped)
    shipped.must(quality.receive_return, **back(shipped, wants=wants))
    assert Reservation.objects.exists() is (wants == "REWORK")
    shipped.answer()
    row = shipped.disruption("RETURN")
    shipped.must(planning.take_back, disruption_id=row.pk)
    shipped.answer()
    row.refresh_from_db()
    assert (row.state, row.close_reason) == ("CLOSED", "WITHDRAWN")
    assert Disruption.objects.filter(site=shipped.site).count() == 1
    after = stored(shipped)
    known = before["lines"].keys()
    after["lines"] = {key: times for key, times in after["lines"].items() if key in known}
    assert after == before
    assert shipped.on_hand("RET-SO-0-1-1") == 0
    assert not Task.objects.filter(site=shipped.site, done_at=None).exists()
    assert_balances_are_the_sums_of_their_moves(shipped)
    assert shipped.do(quality.take_back_return, return_id=row.subject_id).status == 409


def test_a_return_for_which_nothing_is_wanted_asks_quality_alone(shipped: Company) -> None:
    shipped.must(quality.receive_return, **back(shipped, wants="NOTHING", needed_at=None))
    shipped.answer()
    assert not Disruption.objects.filter(site=shipped.site).exists()
    [task] = Task.objects.filter(site=shipped.site, done_at=None)
    assert task.role == Role.QUALITY
    shipped.must(quality.decide_lot, lot_id=shipped.lot("RET-SO-0-1-1").pk, status="RELEASED")
    task.refresh_from_db()
    assert task.done_at is not None


def test_what_can_not_come_back_is_refused_in_words(shipped: Company) -> None:
    refused = [
        back(shipped, quantity=Decimal(41)),
        back(shipped, quantity=Decimal(0)),
        back(shipped, quantity=Decimal("1.5")),
        back(shipped, why="  "),
        back(shipped, wants="MONEY"),
        back(shipped, wants="NOTHING"),
        back(shipped, needed_at=None),
        back(shipped, needed_at=shipped.now - 9999 * DAY),
        back(shipped, line_id=line(shipped, "SO-1").pk),
    ]
    for values in refused:
        outcome = shipped.do(quality.receive_return, **values)
        assert outcome.status == 422, values
        assert outcome.message.endswith((".", "back."))
    shipped.must(quality.receive_return, **back(shipped, quantity=Decimal(30)))
    assert shipped.do(quality.receive_return, **back(shipped)).status == 422
    assert CustomerReturn.objects.count() == 1


def test_stores_say_it_and_the_planner_has_it(shipped: Company) -> None:
    stores = signed_in(shipped, "mira", Role.STORES)
    given = {
        "kind": "return",
        "key": str(uuid.uuid4()),
        "line": line(shipped, "SO-0").pk,
        "quantity": "20",
        "why": "porosity",
        "needed_at": "2026-11-23T14:00",
    }
    assert stores.post(reverse("planning:new_event"), given).status_code == 302
    shipped.answer()
    page = signed_in(shipped, "voss", Role.PLANNER).get(reverse("planning:tower"))
    assert "Return RET-SO-0-1-1" in page.content.decode()
