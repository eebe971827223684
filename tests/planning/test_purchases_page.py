"""The buyer sees first what makes a customer late; everybody who may sees what things cost."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal

import pytest

from equipment import actions as equipment
from materials import actions as materials
from mes.models import Role
from planning.models import PlanVersion
from tests.planning.conftest import DAY, Company
from tests.planning.test_calls import signed_in
from tests.planning.test_supply_and_demand import late, tight

__all__ = ["tight"]


def rows_of(page: str, row: str) -> list[str]:
    found = re.findall(rf'<tr data-row data-testid="{row}-row">(.*?)</tr>', page, re.S)
    return [re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", each)).strip() for each in found]


def buy(company: Company, order: str, item: str, comes: timedelta) -> None:
    company.must(
        materials.add_purchase_line,
        order_code=order,
        number=1,
        supplier_id=company.ids["KESSLER"],
        item_id=company.ids[item],
        quantity=Decimal(10),
        promised_at=company.now + comes,
    )


@pytest.fixture
def chased(tight: Company) -> Company:
    """PO-1 is late and stops the second order; PO-0 is later than promised and hurts nobody."""
    supplier = tight.must(materials.add_supplier, code="NORDSEAL", name="Nordseal")
    tight.ids["KESSLER"] = supplier["supplier_id"]
    buy(tight, "PO-0", "CAP", DAY)
    buy(tight, "PO-2", "CAP", 3 * DAY)
    tight.answer()
    tight.must(materials.expect_purchase, **late(tight))
    hurts_nobody = tight.site.purchaseline_set.get(order_code="PO-0")
    tight.must(
        materials.expect_purchase,
        purchase_line_id=hurts_nobody.pk,
        expected_at=tight.now + 2 * DAY,
        source="Nordseal",
    )
    tight.answer()
    return tight


def test_the_purchase_that_makes_a_customer_late_is_chased_first_at_the_plans_own_sum(
    chased: Company,
) -> None:
    page = signed_in(chased, "bea", Role.BUYER).get("/purchases/").content.decode()

    first, second = rows_of(page, "purchase")
    assert first.startswith("P")
    assert "PO-1/1" in first
    assert "SO-2/1 Voss" in first
    assert "PO-0/1" in second
    assert "later than the supplier promised" in second
    figures = PlanVersion.objects.filter(site=chased.site).latest("version").figures
    line = chased.site.customerline_set.get(order__code="SO-2")
    _late_s, cash, estimate = figures["standing"][str(line.pk)]
    assert f"€{round((cash + estimate) / 10_000):,}" in first


def test_all_open_purchases_are_a_click_away_and_can_be_filtered(chased: Company) -> None:
    client = signed_in(chased, "bea", Role.BUYER)

    everything = rows_of(client.get("/purchases/?view=all").content.decode(), "purchase")
    assert [row.split("/1")[0][-4:] for row in everything] == ["PO-1", "PO-0", "PO-2"]
    filtered = rows_of(client.get("/purchases/?view=all&q=po-2").content.decode(), "purchase")
    assert len(filtered) == 1
    assert "PO-2/1" in filtered[0]
    assert "No purchase fits." in client.get("/purchases/?q=nothing").content.decode()


def test_the_buyer_goes_on_to_the_form_of_that_purchase(chased: Company) -> None:
    client = signed_in(chased, "bea", Role.BUYER)

    page = client.get("/purchases/").content.decode()
    link = re.search(r'href="(/events/new/\?kind=purchase[^"]*PO-1[^"]*)"', page)
    assert link is not None
    form = client.get(link.group(1).replace("&amp;", "&")).content.decode()
    assert re.search(rf'<option value="{chased.ids["PO-1"]}" selected', form)


def test_who_may_not_know_what_things_cost_sees_no_sums(chased: Company) -> None:
    client = signed_in(chased, "sam", Role.STORES)

    assert "€" not in client.get("/purchases/").content.decode()
    assert client.get("/rates/").status_code == 403


def test_an_empty_chase_list_says_so(company: Company) -> None:
    page = signed_in(company, "bea", Role.BUYER).get("/purchases/").content.decode()

    assert "Nothing to chase." in page


def test_rates_show_from_when_and_by_whose_word_and_what_is_not_known(company: Company) -> None:
    company.must(
        equipment.add_rate,
        what="SETUP_HOUR",
        amount=Decimal("31.5"),
        source="controlling",
        owner="A. Keeper",
        valid_from=company.now + DAY,
    )

    page = signed_in(company, "jana", Role.PLANNER).get("/rates/").content.decode()
    found = re.findall(r'<tr data-testid="rate-row">(.*?)</tr>', page, re.S)
    rows = [re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", each)).strip() for each in found]
    assert any("48" in row and "in force" in row and "HR" in row for row in rows)
    assert any("31.5" in row and "to come" in row and "A. Keeper" in row for row in rows)
    unknown = [row for row in rows if "not known: options that need it say so" in row]
    assert any(row.startswith("Faster freight") for row in unknown)


def test_a_long_list_is_shown_by_the_hundred(chased: Company) -> None:
    for n in range(100):
        buy(chased, f"MORE-{n:03d}", "CAP", 4 * DAY)
    client = signed_in(chased, "bea", Role.BUYER)

    first = client.get("/purchases/?view=all").content.decode()
    assert len(rows_of(first, "purchase")) == 100
    assert "Page 1 of 2" in first
    assert "?view=all&amp;page=2" in first
    assert len(rows_of(client.get("/purchases/?view=all&page=2").content.decode(), "purchase")) == 3
