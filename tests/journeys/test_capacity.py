"""A slow machine, a lost fixture, a shift more or less: from the form to a decision and back."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from mes.models import Site
from planning.verify import problems
from tests import servers
from tests.journeys.test_supply_and_demand import accept_and_undo, open_row, say, take_back
from tests.journeys.test_the_loop import northfield, plan_hash, sign_in

__all__ = ["northfield", "sign_in"]
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


def test_what_a_plant_can_do_changes_is_answered_and_is_as_before(
    northfield: servers.Plant, sign_in: Callable[[str], Page]
) -> None:
    site = Site.objects.get(code="NF")
    before, url = plan_hash(site), northfield.url
    page = sign_in("jana")

    # A machine runs slow: the terminal and the list of machines say so.
    until = {"back_at": "2026-11-30T06:00"}
    slow = say(page, url, "slow", {"unit": "CNC-04"}, {"percent": "30", "note": "hot"} | until)
    unit = page.get_by_test_id("unit-row").filter(has_text="CNC-04")
    page.goto(f"{url}/equipment/")
    expect(unit).to_contain_text("at 30 %")
    page.goto(f"{url}/floor/CNC-04/")
    expect(page.get_by_test_id("unit-slow")).to_contain_text("CNC-04 runs at 30 % of its rate")
    open_row(page, url, "CNC-04 runs at 30 %", slow)
    accept_and_undo(page, site)
    take_back(page, site)
    page.goto(f"{url}/equipment/")
    expect(unit).not_to_contain_text("%")

    # The only fixture is lost.
    lost = say(page, url, "tool", {"tool": "FX-220"}, until)
    page.goto(f"{url}/equipment/")
    expect(page.get_by_test_id("tool-row").filter(has_text="FX-220")).to_contain_text("Lost")
    open_row(page, url, "FX-220", lost)
    accept_and_undo(page, site)
    take_back(page, site)

    # A shift is cancelled, and works after all.
    times = {"starts_at": "2026-11-24T14:00", "ends_at": "2026-11-25T06:00"}
    closed = say(page, url, "closure", {"place": "MILL-B"}, times | {"reason": "nobody there"})
    open_row(page, url, "nobody there", closed)
    accept_and_undo(page, site)
    take_back(page, site)
    assert plan_hash(site) == before

    # A shift that is added hurts nobody, so it stands with the machines and ends there.
    times = {"starts_at": "2026-11-28T06:00", "ends_at": "2026-11-28T14:00"}
    say(
        page,
        url,
        "shift",
        {"place": "MILL-B"},
        times | {"reason": "Saturday shift"},
        effect="Nothing ships late",
    )
    assert plan_hash(site) != before
    page.goto(f"{url}/equipment/")
    added = page.get_by_test_id("shift-row").filter(has_text="Saturday shift")
    expect(added).to_contain_text("MILL-B")
    added.get_by_test_id("end-shift").click()
    expect(page.get_by_test_id("shift-row")).to_have_count(0)
    assert plan_hash(site) == before
    assert list(problems(site)) == []
