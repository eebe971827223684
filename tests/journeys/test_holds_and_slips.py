"""A held lot, and work that falls behind: from what happened to a decision and back."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from mes.actions import move_clock
from mes.actor import SYSTEM
from mes.clock import plant_now
from mes.commands import run
from mes.models import Site
from planning.models import Disruption
from planning.verify import problems
from tests import servers
from tests.journeys.test_supply_and_demand import accept_and_undo, open_row, say
from tests.journeys.test_the_loop import northfield, plan_hash, sign_in, until

__all__ = ["northfield", "sign_in"]
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


def let_time_pass(site: Site, hours: int) -> None:
    to = plant_now(site) + timedelta(hours=hours)
    assert run(
        site=site,
        key=uuid.uuid4(),
        actor=SYSTEM,
        name="mes.clock.move",
        body={"to": to},
        act=lambda command: move_clock(command, to=to),
    ).ok


def test_a_held_lot_is_answered_by_the_planner_and_released_by_quality(
    northfield: servers.Plant, sign_in: Callable[[str], Page]
) -> None:
    site = Site.objects.get(code="NF")
    before = plan_hash(site)
    planner, quality = sign_in("jana"), sign_in("ana")
    planner.goto(f"{northfield.url}/tower/")

    foretold = say(
        quality,
        northfield.url,
        "hold",
        {"lot": "L-24-1102"},
        {"expected_at": "2026-12-01T10:00", "note": "surface marks"},
    )

    # The row comes by itself, and says what quality was told before saving.
    expect(planner.get_by_test_id("inbox-row")).to_have_count(1)
    open_row(planner, northfield.url, "Quality hold: lot L-24-1102", foretold)
    accept_and_undo(planner, site)

    quality.goto(f"{northfield.url}/holds/")
    quality.get_by_test_id("hold-row").filter(has_text="L-24-1102").get_by_test_id(
        "release"
    ).click()
    until(lambda: not Disruption.objects.standing(site.pk).exists())
    assert plan_hash(site) == before
    assert list(problems(site)) == []


def test_work_that_nobody_reports_falls_behind_is_answered_and_catches_up(
    northfield: servers.Plant, sign_in: Callable[[str], Page]
) -> None:
    site = Site.objects.get(code="NF")
    planner, floor = sign_in("jana"), sign_in("petra")
    planner.goto(f"{northfield.url}/tower/")
    expect(planner.get_by_test_id("inbox-row")).to_have_count(0)

    # Nothing is said from anywhere: the clock alone tells.
    let_time_pass(site, hours=30)

    late = planner.get_by_test_id("inbox-row").filter(has_text="Running late").first
    expect(late).to_be_visible()
    title = late.locator("[data-main]").inner_text()
    open_row(planner, northfield.url, title.splitlines()[0])
    accept_and_undo(planner, site)
    row = Disruption.objects.get(
        site=site, kind="SLIP", pk=int(planner.url.rstrip("/").rsplit("/", 1)[1])
    )

    # The station reports what it has made meanwhile.
    floor.goto(f"{northfield.url}/floor/{row.cause['unit']}/")
    floor.get_by_test_id("open-job").click()
    floor.get_by_test_id("rest").click()
    floor.get_by_test_id("report").click()
    until(lambda: Disruption.objects.get(pk=row.pk).state == "CLOSED")
    assert list(problems(site)) == []
