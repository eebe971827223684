"""Checks that wait too long: found by the clock or said by somebody, over when decided."""

from __future__ import annotations

import uuid
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.urls import reverse

from materials import actions as materials
from mes.clock import wall_now
from mes.models import Role, Task
from planning import actions as planning
from planning import rules, words
from planning.models import Disruption
from quality import actions as quality
from quality.models import Hold
from tests.cast import HOUR
from tests.planning.conftest import DAY, Company, build_company
from tests.planning.test_by_hand import offered
from tests.planning.test_calls import signed_in
from tests.planning.test_option_kinds import planning_figures, quote
from tests.planning.test_supply_and_demand import stored

MINUTE = timedelta(minutes=1)


def build_checked(hours: int) -> Company:
    """All bars of the second order came in and wait for their check, which takes that long."""
    company = build_company()
    company.must(
        materials.count,
        lot_id=company.lot("L-1").pk,
        location_id=company.ids["STORE"],
        counted=Decimal(90),
    )
    quote(company, lead_s=2 * 3600, price=Decimal(4), order_fee=Decimal(65))
    company.receive("BAR", "L-2", 500, status="QUARANTINE", free_at=company.now + hours * HOUR)
    company.commit()
    return company


@pytest.fixture
def checked(db: None) -> Company:
    company = build_checked(4)
    assert not Disruption.objects.filter(site=company.site).exists()
    return company


def late(company: Company, hours: int) -> None:
    company.clock(company.now + hours * HOUR)
    planning.tick(company.site.pk, wall_now=wall_now())


def waits(company: Company) -> dict[str, Any]:
    return {"lot_id": company.lot("L-2").pk, "note": "the line is out of bars"}


def test_the_clock_finds_a_check_that_waits_and_finds_it_once(checked: Company) -> None:
    late(checked, 3)
    assert not Disruption.objects.filter(site=checked.site).exists()
    late(checked, 40)
    row = checked.disruption("CHECK")
    assert words.title(row) == "Lot L-2 of BAR waits for its check"
    assert row.cause["waits_too_long"] is True
    assert checked.impact("CHECK").figures["late_lines"] > 0
    whys = planning_figures(checked)["why"].values()
    assert ("CHECK", "L-2") in {(why["term"], why["code"]) for why in whys}
    for _ in range(3):
        checked.clock(checked.now + MINUTE)
        planning.tick(checked.site.pk, wall_now=wall_now())
    again = checked.disruption("CHECK")
    assert (again.pk, again.occurrences) == (row.pk, 1)
    assert checked.do(planning.take_back, disruption_id=row.pk).status == 422


def test_the_check_is_done_and_the_wait_is_over(checked: Company) -> None:
    late(checked, 43)
    row = checked.disruption("CHECK")
    assert len(offered(checked, row)) >= 2
    checked.must(quality.decide_lot, lot_id=checked.lot("L-2").pk, status="RELEASED")
    checked.answer()
    row.refresh_from_db()
    assert (row.state, row.close_reason) == ("CLOSED", "DECIDED")


def test_a_limit_that_nobody_gave_is_learned_from_nine_in_ten() -> None:
    hours = [3600 * each for each in range(1, 11)]
    assert rules.check_limit({"REASON": hours[:4], "SITE": hours}) == (10 * 3600, "SITE", 10)
    assert rules.check_limit({"SITE": hours[:4]}) == (rules.HOLD_GUESS_S, "NONE", 0)


def test_a_hold_beyond_its_limit_says_so_and_wakes_up(checked: Company) -> None:
    made = checked.must(
        quality.place_hold, lot_id=checked.lot("L-1").pk, expected_at=checked.now + 4 * HOUR
    )
    checked.answer()
    row = checked.disruption("HOLD")
    assert row.cause["waits_too_long"] is False
    checked.must(planning.snooze, disruption_id=row.pk, until=checked.now + 3 * DAY)
    late(checked, 3)
    row.refresh_from_db()
    assert row.state == "SNOOZED"
    late(checked, 2)
    row.refresh_from_db()
    assert row.state == "OPEN"
    assert words.title(row) == "Quality hold: lot L-1, decision overdue"
    assert Disruption.objects.filter(site=checked.site, kind="HOLD").count() == 1

    checked.must(quality.release_hold, hold_id=made["hold_id"])
    checked.answer()
    row.refresh_from_db()
    assert row.close_reason == "RELEASED"
    assert not Hold.objects.filter(released_at=None).exists()


def test_somebody_says_that_a_check_waits_and_quality_is_asked(db: None) -> None:
    checked = build_checked(60)
    before = stored(checked)
    foretold = planning.preview_event(checked.site, "check", waits(checked), wall_now=wall_now())
    checked.must(quality.report_waiting, **waits(checked))
    checked.answer()
    row = checked.disruption("CHECK")
    after = checked.impact("CHECK").figures
    assert foretold["total"] == after["total"]
    assert foretold["lines_hit"] == after["lines_hit"]
    assert after["late_lines"] == 1
    assert len(offered(checked, row)) >= 2
    [task] = Task.objects.filter(site=checked.site, role=Role.QUALITY, done_at=None)
    assert "L-2" in task.text
    assert checked.do(quality.report_waiting, **waits(checked)).status == 409

    checked.must(planning.take_back, disruption_id=row.pk)
    checked.answer()
    row.refresh_from_db()
    assert (row.state, row.close_reason) == ("CLOSED", "WITHDRAWN")
    assert not Task.objects.filter(site=checked.site, done_at=None).exists()
    assert stored(checked) == before


def test_quality_decides_on_its_page_and_takes_it_back(checked: Company) -> None:
    before = stored(checked)
    checked.must(quality.report_waiting, **waits(checked))
    lot = checked.lot("L-2")
    here, there = reverse("quality:holds"), reverse("quality:decide", args=[lot.pk])
    planner = signed_in(checked, "jana", Role.PLANNER)
    assert planner.post(there, {"key": str(uuid.uuid4())}).status_code == 403
    [row] = planner.get(here).context["waiting"]
    assert row["off"]

    ana = signed_in(checked, "ana", Role.QUALITY)
    assert ana.get(here).context["waiting"][0]["decide_url"] == there
    ana.post(there, {"key": str(uuid.uuid4()), "status": "REJECTED"})
    lot.refresh_from_db()
    assert lot.status == "REJECTED"
    assert not Task.objects.filter(site=checked.site, done_at=None).exists()
    assert checked.do(quality.decide_lot, lot_id=lot.pk, status="RELEASED").status == 409
    checked.answer()
    assert stored(checked) != before
    checked.must(quality.decide_lot, lot_id=lot.pk, status="QUARANTINE")
    checked.answer()
    assert stored(checked) == before
