"""A planner's first hour with his own dirty workbook, to his late orders and a broken machine."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from mes.clock import wall_now
from mes.models import Site
from planning.models import Disruption
from planning.verify import problems
from tests import servers
from tests.accessibility import violations_in_both_themes
from tests.journeys.test_the_loop import northfield
from tests.ownplant.dirty import dirty_workbook
from workorders.models import WorkOrder

__all__ = ["northfield"]
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
PATIENCE_MS = 60_000


def test_from_a_dirty_workbook_to_the_tower_of_one_s_own_plant(
    browser: Browser, northfield: servers.Plant, tmp_path: Path
) -> None:
    data, spoilt = dirty_workbook(today=wall_now().date(), orders=40, operations=4, machines=8)
    file = tmp_path / "our export.xlsx"
    file.write_bytes(data)
    broken = tmp_path / "broken.xlsx"
    broken.write_bytes(b"PK\x03\x04 no workbook")
    page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
    page.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    page.goto(f"{northfield.url}/sign-in/")
    page.get_by_test_id("persona-jana").click()
    page.wait_for_url("**/tower/")

    page.goto(f"{northfield.url}/own-plant/")
    page.locator("[name=code]").fill("ours")
    page.locator("[name=name]").fill("Our works")
    page.get_by_test_id("open-plant").click()
    expect(page.get_by_text("Bring in the lists of Our works")).to_be_visible()
    assert violations_in_both_themes(page) == []

    send(page, broken)
    expect(page.locator("main")).to_contain_text("damaged")
    page.goto(f"{northfield.url}/own-plant/")
    send(page, file)
    expect(page.get_by_test_id("problem-count")).to_have_text(f"{spoilt} cells are wrong")
    first = page.get_by_test_id("problem").first
    expect(first).to_contain_text("row")
    assert WorkOrder.objects.filter(site__code="OURS").count() == 0
    assert violations_in_both_themes(page) == []

    page.get_by_test_id("set-aside").click()
    expect(page.get_by_test_id("set-aside-count")).to_be_visible()
    finding = page.get_by_test_id("finding-no_machine")
    finding.locator("select").select_option("to:G-1")
    finding.get_by_test_id("fix").click()
    page.get_by_test_id("store").click()

    expect(page.get_by_test_id("late-title")).to_be_visible()
    site = Site.objects.get(code="OURS")
    stored = WorkOrder.objects.filter(site=site).count()
    assert 30 <= stored < 40
    expect(page.get_by_test_id("late-title")).to_contain_text(f"of {stored} orders")
    expect(page.get_by_test_id("late-row").first).to_be_visible()
    page.locator("#by").select_option("slack")
    page.get_by_test_id("arrange").click()
    page.get_by_test_id("commit").click()
    expect(page.get_by_test_id("committed")).to_be_visible()
    judged = page.get_by_test_id(re.compile("^judge-")).first
    judged.locator("[name=why]").fill("has a later date")
    judged.get_by_test_id("wrong").click()
    expect(page.get_by_test_id("wrong").first).to_have_attribute("aria-pressed", "true")
    assert violations_in_both_themes(page) == []

    page.get_by_test_id("break-worst").click()
    page.wait_for_url("**/tower/")
    down = page.get_by_test_id("inbox-row").filter(has_text="down").first
    expect(down).to_contain_text(re.compile(r"\d+ (work )?orders?"))
    assert Disruption.objects.get(site=site, kind="BREAKDOWN").summary["orders"] > 0
    assert list(problems(site)) == []

    page.goto(f"{northfield.url}/own-plant/")
    page.get_by_role("link", name="our export.xlsx").click()
    page.get_by_test_id("remove").click()
    expect(page.get_by_text("Bring in the lists of Our works")).to_be_visible()
    assert WorkOrder.objects.filter(site__code="OURS").count() == 0


def test_what_the_filled_example_says_is_a_sound_plant(
    browser: Browser, northfield: servers.Plant, tmp_path: Path
) -> None:
    """The example is downloaded, sent back as it is, and read without a wrong cell."""
    page = browser.new_context().new_page()
    page.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    page.goto(f"{northfield.url}/sign-in/")
    page.get_by_test_id("persona-jana").click()
    page.wait_for_url("**/tower/")
    page.goto(f"{northfield.url}/own-plant/")
    page.locator("[name=code]").fill("copy")
    page.locator("[name=name]").fill("Copy")
    page.get_by_test_id("open-plant").click()
    with page.expect_download() as download:
        page.get_by_test_id("template").click()
    download.value.save_as(tmp_path / "plant.xlsx")
    send(page, tmp_path / "plant.xlsx")

    expect(page.get_by_test_id("store")).to_be_visible()
    expect(page.get_by_test_id("problem-count")).to_have_count(0)


def send(page: Page, file: Path) -> None:
    page.get_by_test_id("files").set_input_files(file)
    page.get_by_test_id("upload").click()
