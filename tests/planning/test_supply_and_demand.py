"""What is short, what comes late and what customers want now: what each does, and its reverse."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from materials import actions as materials
from materials.models import CustomerLine, PurchaseLine
from mes.clock import wall_now
from mes.models import SitePlan
from planning import actions as planning
from planning import snapshot, words
from planning.models import Booking, Disruption, PlanVersion
from tests.cast import HOUR, assert_balances_are_the_sums_of_their_moves
from tests.planning.conftest import DAY, Company, build_company
from workorders import actions as workorders

COMES = 50 * HOUR  # from now on, on Wednesday morning
COMPARED = ("lines_hit", "ops_hit", "items_hit", "total", "orders", "late_days", "late_lines")


@pytest.fixture
def tight(db: None) -> Company:
    """The stock lasts for the first order; the bars of the second one are on their way."""
    company = build_company()
    company.must(
        materials.count,
        lot_id=company.lot("L-1").pk,
        location_id=company.ids["STORE"],
        counted=Decimal(100),
    )
    supplier = company.must(materials.add_supplier, code="KESSLER", name="Kessler")
    company.ids["PO-1"] = company.must(
        materials.add_purchase_line,
        order_code="PO-1",
        number=1,
        supplier_id=supplier["supplier_id"],
        item_id=company.ids["BAR"],
        quantity=Decimal(200),
        promised_at=company.now + COMES,
    )["purchase_line_id"]
    cap = company.must(materials.add_item, code="CAP", name="Cap", source="BUY")
    company.ids["CAP"] = cap["item_id"]
    company.receive("CAP", "L-3", 10, status="QUARANTINE")
    company.receive("CAP", "L-4", 10)
    shipped = company.sell("SO-0", 10, company.now + DAY, item="CAP")
    company.must(materials.ship, line_id=shipped.pk, quantity=Decimal(10))
    company.commit()
    assert not Disruption.objects.filter(site=company.site).exists()
    return company


def stored(company: Company) -> dict[str, Any]:
    """The plan as it is decided and as it was projected last."""
    plan = SitePlan.objects.get(site=company.site)
    version = PlanVersion.objects.get(site=company.site, version=plan.plan_version)
    return {
        "decided": snapshot.take(company.site.pk, wall_now=wall_now()).plan_hash,
        "jobs": version.job_times(),
        "lines": version.line_times_by_id(),
        "standing": version.figures["standing"],
    }


def shortage(company: Company, missing: int, lot: str = "L-1") -> dict[str, Any]:
    return {
        "lot_id": company.lot(lot).pk,
        "location_id": company.ids["STORE"],
        "missing": Decimal(missing),
    }


def late(company: Company, **more: Any) -> dict[str, Any]:
    return {
        "purchase_line_id": company.ids["PO-1"],
        "expected_at": company.now + 6 * DAY,
        "source": "Kessler",
        **more,
    }


def order(company: Company, quantity: int, hours: int) -> dict[str, Any]:
    return {
        "customer_id": company.ids["VOSS"],
        "lines": [
            {
                "item_id": company.ids["BODY"],
                "quantity": Decimal(quantity),
                "requested_at": company.now + hours * HOUR,
            }
        ],
        "rush": True,
    }


def line(company: Company, code: str = "SO-1") -> CustomerLine:
    return CustomerLine.objects.get(site=company.site, order__code=code)


# What happens, by kind of form: its values, and the kind of the disruption that it opens.
Case = tuple[str, Callable[[Company], dict[str, Any]], str]
CASES: dict[str, Case] = {
    "a shortage at the line": ("shortage", lambda c: shortage(c, 60), "SHORTAGE"),
    "a count": (
        "count",
        lambda c: {
            "lot_id": c.lot("L-1").pk,
            "location_id": c.ids["STORE"],
            "counted": Decimal(0),
        },
        "SHORTAGE",
    ),
    "a late purchase": ("purchase", late, "SUPPLY"),
    "a short purchase": (
        "purchase",
        lambda c: late(c, expected_at=c.now + COMES, quantity=Decimal(20)),
        "SUPPLY",
    ),
    "a rush order": ("order", lambda c: order(c, 40, 20), "DEMAND"),
    "a larger quantity": (
        "demand",
        lambda c: {"line_id": line(c).pk, "quantity": Decimal(100)},
        "DEMAND",
    ),
    "a closed machine": (
        "closure",
        lambda c: {
            "equipment_id": c.ids["BENCH"],
            "starts_at": c.now,
            "ends_at": c.now + 100 * HOUR,
            "reason": "power cut",
        },
        "CLOSURE",
    ),
    "an earlier date": (
        "demand",
        lambda c: {
            "line_id": line(c, "SO-2").pk,
            "requested_at": c.now + 3 * HOUR,
            "promised_at": c.now + 3 * HOUR,
        },
        "DEMAND",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_the_effect_while_typing_is_the_impact_after_saving(tight: Company, case: str) -> None:
    kind, values_of, opens = CASES[case]
    values = values_of(tight)
    before = stored(tight)
    foretold = planning.preview_event(tight.site, kind, values, wall_now=wall_now())
    assert not Disruption.objects.filter(site=tight.site).exists()

    tight.must(planning.HAPPENINGS[kind].act, **values)
    tight.answer()

    row = tight.disruption(opens)
    assert row.state == "NEW"
    assert row.at_stake > 0
    after = tight.impact(opens).figures
    assert after["late_lines"] > 0
    ids_before, ids_after = ({h["line_id"] for h in f["lines_hit"]} for f in (foretold, after))
    if kind == "order":
        # The line gets its number when it is stored.
        assert len(ids_before) == len(ids_after)
        names: tuple[str, ...] = ("total", "orders", "late_days", "late_lines")
    else:
        names = COMPARED
    assert {name: foretold[name] for name in names} == {name: after[name] for name in names}
    assert before != stored(tight)
    assert row.subject_code in words.title(row)


@pytest.mark.parametrize("case", CASES)
def test_taken_back_everything_is_as_before(tight: Company, case: str) -> None:
    kind, values_of, opens = CASES[case]
    before = stored(tight)
    tight.must(planning.HAPPENINGS[kind].act, **values_of(tight))
    tight.answer()
    row = tight.disruption(opens)
    tight.must(planning.take_back, disruption_id=row.pk)
    tight.answer()

    row.refresh_from_db()
    assert row.state == "CLOSED"
    assert row.close_reason in ("FOUND", "AS_PROMISED", "AS_BEFORE", "REOPENED")
    after = stored(tight)
    known = before["lines"].keys()
    after["lines"] = {key: times for key, times in after["lines"].items() if key in known}
    assert after == before
    assert_balances_are_the_sums_of_their_moves(tight)
    sums: dict[int, Decimal] = {}
    for booking in Booking.objects.filter(site=tight.site):
        sums[booking.line_id] = sums.get(booking.line_id, Decimal(0)) + booking.cost_change
    assert not any(sums.values())


@pytest.mark.parametrize("case", CASES)
def test_lateness_is_booked_to_what_made_it(tight: Company, case: str) -> None:
    kind, values_of, opens = CASES[case]
    tight.must(planning.HAPPENINGS[kind].act, **values_of(tight))
    tight.answer()

    row = tight.disruption(opens)
    bookings = Booking.objects.filter(site=tight.site).exclude(lateness_change_s=0)
    assert bookings.exists()
    assert {booking.disruption_id for booking in bookings} == {row.pk}
    assert sum(booking.cost_change for booking in bookings) == row.at_stake


def test_a_closure_is_over_when_its_time_is(tight: Company) -> None:
    kind, values_of, opens = CASES["a closed machine"]
    tight.must(planning.HAPPENINGS[kind].act, **values_of(tight))
    tight.answer()
    tight.clock(tight.now + 101 * HOUR)
    planning.tick(tight.site.pk, wall_now=wall_now())
    assert tight.disruption(opens).close_reason == "OVER"


def test_a_second_shortage_of_the_same_lot_is_the_same_row(tight: Company) -> None:
    tight.must(materials.report_shortage, **shortage(tight, 60))
    tight.answer()
    dear = tight.disruption("SHORTAGE").at_stake
    tight.must(materials.report_shortage, **shortage(tight, 40))
    tight.answer()
    row = tight.disruption("SHORTAGE")
    assert (row.occurrences, row.cause["missing"]) == (2, "100")
    assert row.at_stake >= dear
    assert tight.on_hand("L-1") == 0


def test_more_than_is_booked_can_not_be_missing(tight: Company) -> None:
    answer = tight.must(materials.report_shortage, **shortage(tight, 5000))
    assert Decimal(answer["difference"]) == -100
    assert tight.on_hand("L-1") == 0


def test_a_shortage_that_other_stock_covers_is_absorbed(company: Company) -> None:
    company.must(materials.report_shortage, **shortage(company, 500))
    company.answer()
    row = company.disruption("SHORTAGE")
    assert (row.state, row.close_reason) == ("CLOSED", "ABSORBED")


def test_a_receipt_ends_a_shortage_and_a_late_purchase(tight: Company) -> None:
    tight.must(materials.report_shortage, **shortage(tight, 60))
    tight.must(materials.expect_purchase, **late(tight))
    tight.answer()
    assert {row.kind for row in Disruption.objects.standing(tight.site.pk)} == {
        "SHORTAGE",
        "SUPPLY",
    }
    values = {
        "purchase_line_id": tight.ids["PO-1"],
        "item_id": tight.ids["BAR"],
        "lot_code": "L-2",
        "quantity": Decimal(200),
        "location_id": tight.ids["STORE"],
    }
    foretold = planning.preview_event(tight.site, "receipt", values, wall_now=wall_now())
    assert foretold["helped"] > 0
    assert foretold["late_lines"] == 0

    receipt = tight.must(materials.receive, **values)
    tight.answer()
    assert not Disruption.objects.standing(tight.site.pk).exists()
    reasons = Disruption.objects.filter(site=tight.site).values_list("kind", "close_reason")
    assert set(reasons) == {("SHORTAGE", "RECOVERED"), ("SUPPLY", "RECEIVED")}

    tight.must(
        materials.correct_receipt,
        purchase_line_id=tight.ids["PO-1"],
        lot_id=receipt["lot_id"],
        quantity=Decimal(200),
    )
    tight.answer()
    assert PurchaseLine.objects.get(pk=tight.ids["PO-1"]).closed_at is None
    assert tight.on_hand("L-2") == 0
    assert_balances_are_the_sums_of_their_moves(tight)


def test_a_purchase_that_nobody_speaks_of_is_found_by_the_clock(tight: Company) -> None:
    tight.clock(tight.now + COMES + HOUR)
    planning.tick(tight.site.pk, wall_now=wall_now())
    row = tight.disruption("SUPPLY")
    assert row.subject_code == "PO-1/1"
    assert row.cause["overdue"] is True
    assert "overdue" in words.title(row)
    for _ in range(3):
        tight.clock(tight.now + timedelta(minutes=5))
        planning.tick(tight.site.pk, wall_now=wall_now())
    again = tight.disruption("SUPPLY")
    assert (again.pk, again.occurrences) == (row.pk, 1)

    tight.must(materials.expect_purchase, **late(tight, expected_at=tight.now + HOUR))
    tight.answer()
    again.refresh_from_db()
    assert again.cause["overdue"] is False


def test_the_plan_goes_by_the_end_of_a_range(tight: Company) -> None:
    values = late(tight, expected_from=tight.now + DAY, expected_at=tight.now + 6 * DAY)
    tight.must(materials.expect_purchase, **values)
    tight.answer()
    cause = tight.disruption("SUPPLY").cause
    assert cause["from_at"] is not None
    assert cause["until"] == (tight.now + 6 * DAY).isoformat()


def test_a_late_purchase_is_blamed_for_no_more_than_its_lateness(tight: Company) -> None:
    tight.must(materials.expect_purchase, **late(tight))
    tight.answer()
    hits = tight.impact("SUPPLY").figures["lines_hit"]
    assert [hit["line"] for hit in hits] == ["SO-2/1"]
    plan = SitePlan.objects.get(site=tight.site)
    committed = PlanVersion.objects.get(site=tight.site, version=plan.committed_version)
    _ready, _ship, was = committed.line_times_by_id()[hits[0]["line_id"]]
    assert was is not None
    assert hits[0]["before"] == was.isoformat()


def test_an_ordinary_order_is_no_disruption(tight: Company) -> None:
    values = {**order(tight, 40, 20), "rush": False}
    tight.must(materials.add_customer_order, **values)
    tight.answer()
    assert not Disruption.objects.filter(site=tight.site, kind="DEMAND").exists()


def test_a_cancelled_line_stands_while_its_work_is_made_for_nobody(company: Company) -> None:
    before = stored(company)
    cancelled = line(company)
    company.must(materials.cancel_line, line_id=cancelled.pk, note="project stopped")
    company.answer()
    row = company.disruption("DEMAND")
    assert row.cause["idle_orders"] == ["WO-1"]
    assert row.at_stake == 0
    assert "made for nobody: WO-1" in words.title(row)

    company.must(planning.take_back, disruption_id=row.pk)
    company.answer()
    row.refresh_from_db()
    assert (row.state, row.close_reason) == ("CLOSED", "AS_BEFORE")
    assert stored(company) == before


def test_a_cancelled_line_is_over_when_its_work_is_closed(company: Company) -> None:
    company.must(materials.cancel_line, line_id=line(company).pk)
    company.answer()
    order_id = company.job("WO-1", 10).work_order_id
    company.must(workorders.close_order, work_order_id=order_id, note="cancelled")
    company.answer()
    assert company.disruption("DEMAND").state == "CLOSED"


def test_a_new_date_alone_leaves_the_promise(tight: Company) -> None:
    values = {"line_id": line(tight, "SO-2").pk, "requested_at": tight.now + 3 * HOUR}
    tight.must(materials.change_line, **values)
    tight.answer()
    assert tight.disruption("DEMAND").close_reason == "ABSORBED"
    assert line(tight, "SO-2").promises.count() == 1


def test_what_can_not_be_is_refused_in_words(tight: Company) -> None:
    one = line(tight)
    refused = [
        (materials.change_line, {"line_id": one.pk, "quantity": one.quantity}),
        (materials.change_line, {"line_id": one.pk, "quantity": Decimal("1.5")}),
        (materials.change_line, {"line_id": one.pk, "requested_at": tight.now - 9999 * DAY}),
        (materials.restore_line, {"line_id": one.pk}),
        (materials.expect_purchase, late(tight, expected_at=tight.now - HOUR)),
        (materials.expect_purchase, late(tight, expected_from=tight.now + 7 * DAY)),
        (materials.expect_purchase, late(tight, quantity=Decimal(201))),
        (materials.report_shortage, shortage(tight, 0)),
    ]
    for act, values in refused:
        outcome = tight.do(act, **values)
        assert outcome.status in (409, 422), (act, values)
        assert outcome.message.endswith(".")
