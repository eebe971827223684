"""The loop, as its people walk it: break, see, choose, accept, report, undo."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator

import pytest
from django.core.management import call_command
from playwright.sync_api import Browser, BrowserContext, Page, expect

from mes.clock import wall_now
from mes.models import ShopFloorEvent, Site
from planning import snapshot
from planning.models import Decision
from planning.verify import problems
from tests import servers
from tests.accessibility import violations_in_both_themes

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
PATIENCE_MS = 30_000
expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture
def northfield(transactional_db: None) -> Iterator[servers.Plant]:
    """Northfield and its processes, ended before the tables are emptied again."""
    call_command("build_demo", verbosity=0)
    with servers.RunningPlant() as plant:
        yield plant


@pytest.fixture
def sign_in(browser: Browser, northfield: servers.Plant) -> Iterator[Callable[[str], Page]]:
    """A page of somebody who is signed in, each in a browser of his own."""
    contexts: list[BrowserContext] = []

    def as_persona(name: str) -> Page:
        context = browser.new_context(viewport={"width": 1440, "height": 900})
        contexts.append(context)
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        page.goto(f"{northfield.url}/sign-in/")
        page.get_by_test_id(f"persona-{name}").click()
        page.wait_for_url(re.compile("/(tower|floor)/"))
        return page

    yield as_persona
    for context in contexts:
        context.close()


def plan_hash(site: Site) -> str:
    return snapshot.take(site.pk, wall_now=wall_now()).plan_hash


def until(said: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_MS / 1000
    while not said():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.1)


def break_cnc_04(page: Page, url: str) -> str:
    """Report CNC-04 down as the form offers it; returns the effect shown before saving."""
    page.goto(f"{url}/events/new/?kind=breakdown&unit=CNC-04")
    page.locator("[name=back_at]").fill("2026-11-25T10:00")
    page.locator("[name=note]").fill("spindle bearing alarm 2041")
    effect = page.get_by_test_id("effect-sentence")
    expect(effect).to_contain_text("If nothing is done")
    expect(page.get_by_test_id("effect-of")).not_to_have_attribute("aria-busy", "true")
    shown = effect.inner_text()
    page.get_by_test_id("save-event").click()
    page.wait_for_url(re.compile("/(tower|disruptions/.*)/"))
    return shown


def test_break_see_choose_accept_report_undo(
    northfield: servers.Plant, sign_in: Callable[[str], Page]
) -> None:
    site = Site.objects.get(code="NF")
    before = plan_hash(site)
    watcher, planner, floor = sign_in("jana"), sign_in("jana"), sign_in("petra")
    watcher.goto(f"{northfield.url}/tower/")
    expect(watcher.get_by_test_id("inbox-row")).to_have_count(0)
    floor.goto(f"{northfield.url}/floor/CNC-07/")

    # One page breaks the machine; the row comes to the other by itself.
    foretold = break_cnc_04(planner, northfield.url)
    row = watcher.get_by_test_id("inbox-row").filter(has_text="CNC-04 down")
    expect(row).to_have_count(1)
    expect(row).to_contain_text("spindle bearing alarm 2041")
    expect(row.get_by_test_id("review")).to_contain_text("Review")
    assert violations_in_both_themes(watcher) == []
    row.locator("[data-main]").click()

    # What was shown before saving is what is computed after it.
    sentence = watcher.get_by_test_id("sentence")
    expect(sentence).to_have_text(foretold, use_inner_text=True)
    options = watcher.get_by_test_id("option-row")
    expect(watcher.get_by_test_id("options")).not_to_have_attribute("aria-busy", "true")
    expect(options.filter(has_text="Do nothing")).to_have_attribute("aria-checked", "false")
    assert options.count() >= 4  # three answers and doing nothing

    # Another return time is tried: for this page only.
    trying = watcher.get_by_test_id("assumption").filter(has=watcher.get_by_test_id("try")).first
    trying.locator("input[name=value]").fill("2026-11-24T12:00")
    trying.get_by_test_id("try").click()
    expect(watcher.get_by_test_id("tried")).to_contain_text("If CNC-04 is back")
    assert not ShopFloorEvent.objects.filter(kind="equipment.estimate.changed").exists()
    watcher.reload()

    # The preview moves with the selection, and the best is accepted.
    moving = options.filter(has_text="CNC-07 takes").first
    moving.click()
    expect(watcher.get_by_test_id("preview")).to_contain_text("CNC-07")
    assert violations_in_both_themes(watcher) == []
    watcher.get_by_test_id("accept").click()
    expect(watcher.get_by_test_id("decision")).to_contain_text("Accepted")
    until(lambda: Decision.objects.filter(site=site).exists())
    assert violations_in_both_themes(watcher) == []
    assert plan_hash(site) != before

    # The other machine's terminal says so without a reload, and pieces are reported there.
    expect(floor.get_by_test_id("moved").first).to_contain_text("Moved here")
    assert violations_in_both_themes(floor) == []
    floor.get_by_test_id("open-job").click()
    good = floor.get_by_test_id("good")
    had = int(good.inner_text())
    floor.locator("[data-set='25']").click()
    floor.get_by_test_id("report").click()
    expect(good).to_have_text(str(had + 25))

    # It is taken back: the plan is what it was.
    watcher.get_by_test_id("undo").first.click()
    expect(watcher.get_by_test_id("decision")).to_have_count(0)
    assert plan_hash(site) == before
    assert list(problems(site)) == []


def test_reporting_too_many_is_kept_for_the_supervisor_and_moves_no_stock(
    northfield: servers.Plant, sign_in: Callable[[str], Page]
) -> None:
    floor = sign_in("petra")
    floor.goto(f"{northfield.url}/floor/CNC-07/")
    floor.get_by_test_id("open-job").click()
    good = floor.get_by_test_id("good")
    had = good.inner_text()

    floor.locator("[data-clear]").first.click()
    for digit in "9999":
        floor.locator(f"[data-digit='{digit}']").first.click()
    floor.get_by_test_id("report").click()

    expect(floor.locator("#result")).to_contain_text("Kept")
    expect(good).to_have_text(had)
    assert ShopFloorEvent.objects.filter(kind="workorders.fact.unsettled").count() == 1
    assert list(problems(Site.objects.get(code="NF"))) == []
