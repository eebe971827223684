"""A machine that runs slow and a fixture that is lost: from the form to a decision and back."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from mes.models import Site
from tests import servers
from tests.journeys.test_supply_and_demand import answer_and_undo, say
from tests.journeys.test_the_loop import northfield, plan_hash, sign_in

__all__ = ["northfield", "sign_in"]
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


def test_a_slow_machine_and_a_lost_fixture_are_answered(
    northfield: servers.Plant, sign_in: Callable[[str], Page]
) -> None:
    site = Site.objects.get(code="NF")
    before, url = plan_hash(site), northfield.url
    page = sign_in("jana")
    values = {"percent": "30", "back_at": "2026-11-30T06:00", "note": "spindle runs hot"}
    slow = say(page, url, "slow", {"unit": "CNC-04"}, values)
    page.goto(f"{url}/equipment/")
    expect(page.get_by_test_id("unit-row").filter(has_text="CNC-04")).to_contain_text("at 30 %")
    answer_and_undo(page, url, "CNC-04 runs at 30 %", slow)

    lost = say(page, url, "tool", {"tool": "FX-220"}, {"back_at": "2026-11-30T06:00"})
    page.goto(f"{url}/equipment/")
    expect(page.get_by_test_id("tool-row").filter(has_text="FX-220")).to_contain_text("Lost")
    answer_and_undo(page, url, "FX-220", lost)
    assert plan_hash(site) == before
