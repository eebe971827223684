"""Lists say why a delivery is late and whom an order is made for."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from equipment import actions as equipment
from mes.models import Role
from planning import words
from planning.models import PlanVersion
from tests.cast import HOUR
from tests.planning.conftest import DAY, Company
from tests.planning.test_calls import signed_in

NOW = datetime(2026, 11, 24, 8, 45, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
SOON = int(datetime(2026, 11, 25, 9, tzinfo=UTC).timestamp())


def said(term: str, *, at: int | None = SOON, reason: str = "", queue_s: int = 0) -> str:
    why = {
        "term": term,
        "code": "CNC-04",
        "at": at,
        "reason": reason,
        "unit": "FA-03" if queue_s else "",
        "queue_s": queue_s,
    }
    return words.why_late(why, NOW, BERLIN)


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        (said("UNIT_DOWN"), "CNC-04 is down, back Wed 25 Nov 10:00"),
        (said("UNIT_DOWN", at=None), "CNC-04 is down, nobody knows until when"),
        (said("NO_DATE", at=None, reason="HOLD"), "CNC-04: on hold without a date"),
        (said("NOW", queue_s=7 * 3600), "FA-03 has 7 h of work before it"),
        (
            said("SUPPLY", queue_s=7 * 3600),
            "waits for CNC-04, expected Wed 25 Nov 10:00; FA-03 has 7 h of work before it",
        ),
        (said("NOW", queue_s=600), "operation CNC-04 has not begun"),
        (words.why_late(None, NOW, BERLIN), ""),
    ],
)
def test_a_reason_is_one_sentence_with_its_date(sentence: str, expected: str) -> None:
    assert sentence == expected


def late_company(company: Company) -> Company:
    company.must(
        equipment.report_breakdown,
        unit_id=company.ids["CNC-04"],
        back_at=company.now + 96 * HOUR,
        said_by="T. Maintenance",
    )
    company.answer()
    return company


def test_late_deliveries_say_what_they_wait_for(company: Company) -> None:
    client = signed_in(late_company(company), "jana", Role.PLANNER)

    for path in ("/deliveries/?view=late", "/tower/"):
        assert "CNC-04 is down, back" in client.get(path).content.decode()


def test_the_next_version_forgets_what_is_over(company: Company) -> None:
    late_company(company)
    company.must(equipment.report_repair, unit_id=company.ids["CNC-04"])
    company.answer()

    assert PlanVersion.objects.filter(site=company.site).latest("version").figures["why"] == {}


def test_an_order_made_for_stock_names_whom_it_serves_and_why_that_is_late(
    company: Company,
) -> None:
    """No customer's line is written on it: the plan's pegs say so."""
    late_company(company)
    client = signed_in(company, "jana", Role.PLANNER)

    listed = client.get("/work-orders/").content.decode()
    detail = client.get("/work-orders/WO-2/").content.decode()

    assert "Voss" in listed
    assert "SO-2" in detail
    assert "SO-2 for Voss is " in detail
    assert "CNC-04 is down, back" in detail


def test_the_list_says_how_many_more_an_order_serves(build, db: None) -> None:
    company = build()
    company.sell("SO-3", 30, company.now + 12 * DAY)
    company.sell("SO-4", 30, company.now + 13 * DAY)
    company.order("WO-3", 60)
    company.commit()

    page = signed_in(company, "jana", Role.PLANNER).get("/work-orders/").content.decode()

    assert "SO-3 and 1 more" in " ".join(page.split())
