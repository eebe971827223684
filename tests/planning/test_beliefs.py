"""Another value of what is believed: tried by one person alone, or said anew, alike in figures."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.urls import reverse

from equipment import actions as equipment
from materials import actions as materials
from materials.models import Lot
from mes.clock import wall_now
from mes.models import Role, ShopFloorEvent
from planning import actions as planning
from planning import words
from planning.models import Disruption
from quality import actions as quality
from tests.cast import HOUR
from tests.planning.conftest import DAY, Company, build_company
from tests.planning.test_calls import signed_in
from tests.planning.test_capacity import add_tools
from tests.planning.test_checks import checked
from tests.planning.test_every_kind import waits_too_long
from tests.planning.test_supply_and_demand import late, tight

__all__ = ["checked", "tight"]

FIGURES = ("late_lines", "worst_late_s", "total", "orders", "items")


@pytest.fixture
def shop(db: None) -> Company:
    """Two orders of bodies that need a jig and gauges."""
    company = build_company(prepare=add_tools)
    company.commit()
    return company


def slow(company: Company) -> None:
    company.must(
        equipment.report_slow,
        unit_id=company.ids["CNC-04"],
        percent=1,
        back_at=company.now + 6 * DAY,
        said_by="T. Maintenance",
    )


def lost(company: Company) -> None:
    company.must(
        equipment.report_tool_lost,
        tool_id=company.ids["JIG"],
        back_at=company.now + 6 * DAY,
        said_by="T. Maintenance",
    )


def held_lot(company: Company) -> None:
    lot = Lot.objects.get(site=company.site, item__code="BAR")
    company.must(quality.place_hold, lot_id=lot.pk, expected_at=company.now + 6 * DAY)


def held_job(company: Company) -> None:
    job = company.job("WO-1", 10)
    company.must(quality.place_hold, job_order_id=job.pk, expected_at=company.now + 6 * DAY)


def late_purchase(company: Company) -> None:
    company.must(materials.expect_purchase, **late(company))


# What happens, in which plant, what it opens and what is believed of it.
KINDS: dict[str, tuple[Callable[[Company], None], str, str, str]] = {
    "slow": (slow, "shop", "SLOW", "UNIT_FULL"),
    "tool": (lost, "shop", "TOOL", "TOOL_BACK"),
    "lot": (held_lot, "shop", "HOLD", "LOT_FREE"),
    "job": (held_job, "shop", "HOLD", "JOB_FREE"),
    "check": (waits_too_long, "checked", "CHECK", "LOT_FREE"),
    "purchase": (late_purchase, "tight", "SUPPLY", "SUPPLY_COMES"),
}


# Sooner than was believed, and still late.
SOONER = {"SUPPLY": 3 * DAY}


@pytest.fixture(params=list(KINDS.values()), ids=list(KINDS))
def believed(request: pytest.FixtureRequest) -> tuple[Company, Disruption, str]:
    happens, plant, kind, basis = request.param
    company: Company = request.getfixturevalue(plant)
    happens(company)
    company.answer()
    row = company.disruption(kind)
    return company, row, f"{basis}:{row.subject_id}"


def sooner(company: Company, row: Disruption) -> datetime:
    return company.now + SOONER.get(row.kind, 12 * HOUR)


def figures(company: Company, row: Disruption) -> dict[str, Any]:
    found = company.impact(row.kind).figures
    return {name: found[name] for name in FIGURES}


def test_what_is_tried_is_what_saying_it_gives_and_is_not_stored(
    believed: tuple[Company, Disruption, str],
) -> None:
    company, row, name = believed
    at, before = sooner(company, row), figures(company, row)
    events = ShopFloorEvent.objects.count()
    assert before["late_lines"] > 0

    tried = planning.evaluate(row, name, at, actor=company.actor, wall_now=wall_now())
    shown = {each: tried["figures"][each] for each in FIGURES}

    assert shown != before
    assert ShopFloorEvent.objects.count() == events
    company.answer()
    assert figures(company, row) == before

    company.must(planning.believe, what=name, at=at)
    company.answer()
    row.refresh_from_db()
    assert words.instant(row.cause["until"]) == at
    assert figures(company, row) == shown


def test_the_page_offers_to_try_it_and_to_save_it(
    believed: tuple[Company, Disruption, str],
) -> None:
    company, row, name = believed
    planner = signed_in(company, "jana", Role.PLANNER)
    page = planner.get(reverse("planning:disruption", args=[row.pk]))
    [own] = [a for a in page.context["options"]["assumptions"] if a["name"] == name]
    assert own["type"] == "datetime-local"
    assert page.context["d"]["estimate"]["url"] == reverse("planning:estimate", args=[row.pk])

    at = sooner(company, row)
    given = {"name": name, "value": _local(company, at), "key": str(uuid.uuid4())}
    tried = planner.post(reverse("planning:assume", args=[row.pk]), given)
    save_url = reverse("planning:estimate", args=[row.pk])
    assert f"If {own['label']} " in tried.content.decode()
    assert f'action="{save_url}"' in tried.content.decode()

    saved = {"name": name, "back_at": given["value"], "key": str(uuid.uuid4())}
    assert planner.post(save_url, saved).status_code == 302
    company.answer()
    row.refresh_from_db()
    assert words.instant(row.cause["until"]) == at


def test_who_may_not_say_it_tries_it_all_the_same(
    believed: tuple[Company, Disruption, str],
) -> None:
    company, row, name = believed
    sales = signed_in(company, "voss", Role.SALES)
    given = {"name": name, "value": _local(company, company.now + 12 * HOUR)}
    tried = sales.post(reverse("planning:assume", args=[row.pk]), given)
    assert tried.status_code == 200
    save_url = reverse("planning:estimate", args=[row.pk])
    assert 'data-testid="tried"' in tried.content.decode()
    assert f'action="{save_url}"' not in tried.content.decode()
    given = {"name": name, "back_at": given["value"], "key": str(uuid.uuid4())}
    assert sales.post(save_url, given).status_code == 403


@pytest.mark.parametrize("name", ["", "UNIT_BACK", "UNIT_BACK:x", "PROPOSED:1", "LOT_FREE:1"])
def test_what_nobody_can_say_is_refused_in_words(shop: Company, name: str) -> None:
    slow(shop)
    shop.answer()
    row = shop.disruption("SLOW")
    planner = signed_in(shop, "jana", Role.PLANNER)
    given = {"name": name, "value": _local(shop, shop.now + 12 * HOUR)}
    tried = planner.post(reverse("planning:assume", args=[row.pk]), given)
    assert tried.status_code == 422
    assert b"Of this nobody says when it is." in tried.content


def _local(company: Company, at: datetime) -> str:
    return f"{at.astimezone(ZoneInfo(company.site.time_zone)):%Y-%m-%dT%H:%M}"
