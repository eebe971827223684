"""A real company's orders, as its planner meets them: the morning, a breakdown, a way out of it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from datetime import date
from io import StringIO

import pytest
from django.core.management import call_command
from playwright.sync_api import Browser, BrowserContext, Page, expect

from mes.clock import wall_now
from mes.models import ShopFloorEvent, Site
from planning import snapshot
from planning.models import Decision, Disruption, Option
from planning.verify import problems
from tests import servers
from tests.accessibility import violations_in_both_themes
from tests.adventureworks.company import real_folder

# On a loaded machine the import, a plan of 1,619 operations and its options take a while.
pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.slow,
    pytest.mark.timeout(900),
]
PATIENCE_MS = 90_000
expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture
def adventure_works(transactional_db: None) -> Iterator[servers.Plant]:
    """The company on the morning of 3 July 2013, and the plant's processes."""
    folder = real_folder()
    call_command(
        "import_adventureworks", str(folder), as_of=date(2013, 7, 3), site="AW", stdout=StringIO()
    )
    with servers.RunningPlant() as plant:
        yield plant


@pytest.fixture
def sign_in(browser: Browser, adventure_works: servers.Plant) -> Iterator[Callable[[str], Page]]:
    """A page of somebody who is signed in, each in a browser of his own."""
    contexts: list[BrowserContext] = []

    def as_persona(name: str) -> Page:
        context = browser.new_context(viewport={"width": 1440, "height": 900})
        contexts.append(context)
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        page.goto(f"{adventure_works.url}/sign-in/")
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


def test_a_breakdown_in_frame_welding_from_the_first_look_to_the_undo(
    adventure_works: servers.Plant, sign_in: Callable[[str], Page]
) -> None:
    site = Site.objects.get(code="AW")
    before = plan_hash(site)
    planner = sign_in("jana")

    # The morning: the known backlog is one row, and hardly anything beside it.
    planner.goto(f"{adventure_works.url}/tower/")
    expect(planner.get_by_test_id("backlog-row")).to_have_count(1)
    assert planner.get_by_test_id("inbox-row").count() <= 5
    expect(planner.get_by_test_id("machine").filter(has_text="FW-0")).to_have_count(2)
    assert violations_in_both_themes(planner) == []

    # A welding unit breaks: the form says what that does before anything is saved.
    planner.goto(f"{adventure_works.url}/events/new/?kind=breakdown&unit=FW-01")
    planner.locator("[name=back_at]").fill("2013-07-08T10:00")
    planner.locator("[name=note]").fill("wire feed jammed")
    effect = planner.get_by_test_id("effect-sentence")
    expect(effect).to_contain_text("If nothing is done")
    expect(planner.get_by_test_id("effect-of")).not_to_have_attribute("aria-busy", "true")
    foretold = effect.inner_text()
    assert not ShopFloorEvent.objects.filter(kind="equipment.unit.went_down").exists()
    planner.get_by_test_id("save-event").click()
    planner.wait_for_url(re.compile("/(tower|disruptions/.*)/"))

    # The row, the sentence, and whom it reaches: orders, items, customers.
    planner.goto(f"{adventure_works.url}/tower/")
    row = planner.get_by_test_id("inbox-row").filter(has_text="FW-01 down: wire feed jammed")
    expect(row).to_contain_text(re.compile(r"\d+ work orders · \d+ items · \d+ deliveries"))
    expect(row.get_by_test_id("review")).to_contain_text("Review")
    row.locator("[data-main]").click()
    expect(planner.get_by_test_id("sentence")).to_have_text(foretold, use_inner_text=True)
    chain = planner.get_by_test_id("impact")
    for told in ("FW-01", "Frame Welding", "Stock", "SO-"):
        expect(chain).to_contain_text(told)
    planner.get_by_test_id("show-list").click()
    figures = Disruption.objects.get(site=site, kind="BREAKDOWN").summary
    listed = planner.locator("[data-testid=impact-row][data-id^='line:']")
    assert listed.count() >= min(figures["late_lines"], 20)
    assert violations_in_both_themes(planner) == []

    # Its like can take over in turn, and that saves something.
    options = planner.get_by_test_id("option-row")
    expect(planner.get_by_test_id("options")).not_to_have_attribute("aria-busy", "true")
    expect(options.filter(has_text="Do nothing")).to_have_count(1)
    shared = options.filter(has_text=re.compile(r"FW-02 takes \d+ operations")).first
    shared.click()
    expect(shared).to_have_attribute("aria-checked", "true")
    preview = planner.get_by_test_id("preview")
    expect(preview.get_by_test_id("ba-row").first).to_be_visible()
    chosen = Option.objects.get(pk=int(shared.get_attribute("data-option") or 0))
    assert chosen.saves > 0

    # Accepted, it stands in the queue of the other unit.
    floor = sign_in("petra")
    floor.goto(f"{adventure_works.url}/floor/FW-02/")
    expect(floor.get_by_test_id("queue-row").first).to_be_visible()
    expect(floor.get_by_test_id("moved")).to_have_count(0)
    preview.get_by_test_id("accept").click()
    expect(planner.get_by_test_id("decision")).to_contain_text("Accepted")
    until(lambda: Decision.objects.filter(site=site).exists())
    assert plan_hash(site) != before
    expect(floor.get_by_test_id("moved").first).to_contain_text("Moved here")

    # Undone, the plan is the one before, and the books are right.
    planner.get_by_test_id("undo").first.click()
    expect(planner.get_by_test_id("decision")).to_have_count(0)
    expect(floor.get_by_test_id("moved")).to_have_count(0)
    assert plan_hash(site) == before
    assert list(problems(site)) == []
