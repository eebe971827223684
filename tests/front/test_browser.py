"""The pages as a person meets them: readable by all, one act a press, never under a finger."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, expect

from tests.accessibility import violations
from tests.front.conftest import TABLET, Shop
from workorders import actions as workorders
from workorders.models import AndonCall, JobResponse, Unsettled

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

DESK = {"width": 1440, "height": 900}
PAGES = [
    "/sign-in/",
    "/tower/",
    "/decisions/",
    "/events/new/",
    "/floor/",
    "/floor/CNC-04/",
    "/floor/CNC-04/jobs/{job}/",
    "/work-orders/",
    "/work-orders/WO-1/",
    "/deliveries/",
    "/equipment/",
    "/holds/",
    "/tasks/",
    "/calls/",
    "/lines/",
    "/lines/?wall=1",
    "/morning/",
]
Opener = Callable[..., Page]


def job_path(shop: Shop) -> str:
    return f"/floor/CNC-04/jobs/{shop.plant.job().pk}/"


def wait_until_live(page: Page) -> None:
    page.wait_for_function("window.__live && window.__live.state === 'live'")


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_accessible_in_both_themes_and_sizes(shop: Shop, open_page: Opener, path):
    found = []
    for theme, size in (("light", DESK), ("dark", TABLET)):
        page = open_page(path.format(job=shop.plant.job().pk), theme=theme, size=size)
        shown = "dark" if "wall" in path else theme
        assert page.evaluate("document.documentElement.dataset.theme") == shown
        found += [(theme, size["width"], *each) for each in violations(page)]
        overflow = "document.documentElement.scrollWidth - window.innerWidth"
        assert page.evaluate(overflow) <= 0
    assert found == []


@pytest.mark.parametrize("path", ["/floor/CNC-04/", "/floor/CNC-04/jobs/{job}/", "/floor/"])
def test_a_gloved_finger_hits_every_target_of_a_terminal(shop: Shop, open_page: Opener, path):
    page = open_page(path.format(job=shop.plant.job().pk))
    small = page.evaluate(
        """() => [...document.querySelectorAll(".ft button, .ft a, .ft summary, .ft [role=radio]")]
        .filter(node => !node.classList.contains("skip") && node.getClientRects().length)
        .map(node => [node.textContent.trim(), node.getBoundingClientRect()])
        .filter(([, box]) => box.width < 55.5 || box.height < 55.5).map(([text]) => text)"""
    )
    assert small == []


def test_the_running_job_needs_no_scrolling_on_a_tablet(shop: Shop, open_page: Opener):
    page = open_page(job_path(shop))
    foot = page.locator(".foot").bounding_box()
    assert foot is not None
    for part in ("#next", "#report", "#progress"):
        box = page.locator(part).bounding_box()
        assert box is not None
        assert box["y"] + box["height"] <= foot["y"]
    assert foot["y"] + foot["height"] <= TABLET["height"]


def test_a_call_is_seen_where_it_is_answered_and_the_answer_where_it_was_called(
    shop: Shop, open_page: Opener
):
    calls, station = open_page("/calls/", size=DESK), open_page("/floor/CNC-04/")
    wait_until_live(calls)
    wait_until_live(station)
    expect(calls.get_by_test_id("call-row")).to_have_count(0)

    station.get_by_test_id("call-help").click()
    station.get_by_label("What is it?").fill("Gauge reads 0")
    station.get_by_test_id("call-quality").click()

    row = calls.get_by_test_id("call-row")
    expect(row).to_contain_text("CNC-04")
    expect(row).to_contain_text("Gauge reads 0")
    row.get_by_test_id("take-5").click()
    expect(station.get_by_test_id("call-said")).to_have_text("Petra Novak is coming, 5 min")
    for page in (calls, station):
        assert violations(page) == []
    calls.get_by_test_id("arrived").click()
    expect(station.get_by_test_id("call-said")).to_have_text("Petra Novak is there")
    calls.get_by_test_id("end-call").click()
    expect(station.get_by_test_id("call")).to_have_count(0)
    expect(calls.get_by_test_id("over-row")).to_contain_text("CNC-04")


def test_the_wall_shows_a_call_in_large_fits_and_says_when_it_is_not_live(
    shop: Shop, open_page: Opener
):
    wall = open_page("/lines/?wall=1", size={"width": 1920, "height": 1080})
    wait_until_live(wall)
    shop.plant.must(
        workorders.raise_call, unit_id=shop.plant.ids["CNC-07"], kind="SAFETY", stopped=True
    )
    row = wall.get_by_test_id("abnormal")
    expect(row).to_contain_text("CNC-07")
    expect(wall.get_by_test_id("counts")).to_contain_text("Calls: 1")
    letters = row.locator("h2").bounding_box()
    assert letters is not None
    assert letters["height"] >= 0.03 * 1080
    for size in ({"width": 1920, "height": 1080}, {"width": 3840, "height": 2160}):
        wall.set_viewport_size(size)
        assert wall.evaluate("document.documentElement.scrollHeight <= window.innerHeight")
        assert wall.evaluate(
            "(part => part.scrollHeight <= part.clientHeight)(document.querySelector('.rows'))"
        )
    wall.context.route("**/live?**", lambda route: route.abort())
    wall.reload()
    expect(wall.locator("#strip-stale")).to_contain_text("Not live since", timeout=60_000)
    frame = "getComputedStyle(document.body).borderImageSource"
    assert "repeating-linear-gradient" in wall.evaluate(frame)


def test_a_sleeve_on_the_safety_tile_calls_nobody_and_a_held_finger_does(
    shop: Shop, open_page: Opener
):
    page = open_page(job_path(shop))
    page.get_by_test_id("call-help").click()
    tile = page.get_by_test_id("call-safety")
    tile.click()
    assert not AndonCall.objects.exists()
    tile.hover()
    page.mouse.down()
    expect(page.get_by_test_id("call")).to_contain_text("Safety")
    page.mouse.up()
    called = AndonCall.objects.get()
    assert (called.kind, called.job_order) == ("SAFETY", shop.plant.job())
    foot, report = page.locator(".foot").bounding_box(), page.locator("#report").bounding_box()
    assert foot is not None
    assert report is not None
    assert report["y"] + report["height"] <= foot["y"]


def test_three_presses_report_once(shop: Shop, open_page: Opener):
    page = open_page(job_path(shop))
    page.click("[data-testid=keypad] [data-digit='4']")
    expect(page.locator("#report")).to_contain_text("Report 4 good")
    page.evaluate("for (let i = 0; i < 3; i++) document.getElementById('report').click()")
    expect(page.locator("[data-testid=good]")).to_have_text("4")
    assert JobResponse.objects.filter(job_order=shop.plant.job()).count() == 1


def test_good_and_scrap_go_in_one_act(shop: Shop, open_page: Opener):
    page = open_page(job_path(shop))
    page.click("[data-testid=keypad] [data-digit='9']")
    page.click("[data-testid=q-scrap]")
    page.click("[data-testid=keypad] [data-digit='1']")
    page.click("#report")
    expect(page.locator("[data-testid=good]")).to_have_text("9")
    expect(page.locator("[data-testid=scrap]")).to_have_text("1")
    said = JobResponse.objects.get(job_order=shop.plant.job())
    assert (said.good, said.scrap) == (9, 1)


def test_the_last_entry_is_taken_back_with_one_press(shop: Shop, open_page: Opener):
    shop.plant.report(shop.plant.job(), 12)
    page = open_page(job_path(shop))
    expect(page.locator("[data-testid=good]")).to_have_text("12")
    page.click("#progress [data-testid=undo]")
    expect(page.locator("[data-testid=good]")).to_have_text("0")


def test_too_many_pieces_are_kept_and_said_so(shop: Shop, open_page: Opener):
    page = open_page(job_path(shop))
    for _ in range(3):
        page.click("[data-testid=keypad] [data-digit='9']")
    page.click("#report")
    expect(page.locator("[data-testid=kept]")).to_be_visible()
    expect(page.locator("[data-testid=good]")).to_have_text("0")
    assert Unsettled.objects.filter(site=shop.plant.site).exists()


def test_what_was_kept_is_a_task_until_somebody_says_how_it_was_settled(
    shop: Shop, open_page: Opener
):
    tasks = open_page("/tasks/", size=DESK)
    expect(tasks.get_by_test_id("empty")).to_be_visible()
    shop.plant.report(shop.plant.job(), 999)
    tasks.reload()
    row = tasks.get_by_test_id("task-row")
    expect(row).to_contain_text("999")
    assert violations(tasks) == []

    row.get_by_test_id("how").fill("Counted again: 9, not 999")
    row.get_by_test_id("settle").click()

    expect(tasks.get_by_test_id("task-row")).to_have_count(0)
    expect(tasks.get_by_test_id("done-row")).to_contain_text("Counted again: 9, not 999")
    fact = Unsettled.objects.get(site=shop.plant.site)
    assert fact.settlement == "Counted again: 9, not 999"
    assert fact.settled_by is not None
    assert not JobResponse.objects.filter(job_order=shop.plant.job()).exists()


def test_a_report_from_another_tablet_appears_and_spares_what_is_being_typed(
    shop: Shop, open_page: Opener
):
    page = open_page(job_path(shop))
    wait_until_live(page)
    page.click("[data-testid=keypad] [data-digit='7']")
    shop.plant.report(shop.plant.job(), 5)
    shop.tell("station:CNC-04")
    expect(page.locator("[data-testid=good]")).to_have_text("5")
    expect(page.locator("#report")).to_contain_text("Report 7 good")
    page.wait_for_function("window.__live.lastMs !== null")


def test_a_queue_that_is_touched_waits_behind_a_pill(shop: Shop, open_page: Opener):
    page = open_page("/floor/CNC-04/")
    wait_until_live(page)
    rows = page.locator("[data-testid=queue-row]")
    expect(rows).to_have_count(1)
    page.focus("[data-testid=open-job]")
    shop.plant.order("WO-3", 20)
    shop.tell("station:CNC-04")
    expect(page.locator("[data-testid=new-pill]")).to_have_text("1 new, show.")
    expect(rows).to_have_count(1)
    assert page.evaluate("document.activeElement.dataset.testid") == "open-job"
    page.click("[data-testid=new-pill]")
    expect(rows).to_have_count(2)


def test_two_tabs_of_a_browser_share_one_stream(shop: Shop, open_page: Opener):
    first = open_page(job_path(shop))
    wait_until_live(first)
    second = first.context.new_page()
    streams = []
    second.on(
        "request", lambda request: streams.append(request.url) if "/live?" in request.url else None
    )
    second.goto(shop.url + job_path(shop))
    shop.plant.report(shop.plant.job(), 5)
    shop.tell("station:CNC-04")
    expect(second.locator("[data-testid=good]")).to_have_text("5")
    assert streams == []


@pytest.mark.parametrize("tab", ["holds the stream", "listens to the tab that does"])
def test_what_changed_before_a_page_could_listen_reaches_it(
    shop: Shop, open_page: Opener, tab: str
):
    first = open_page("/deliveries/")
    wait_until_live(first)
    slow, page = "**/live?**", first
    if tab != "holds the stream":
        slow, page = "**/live*.js", first.context.new_page()

    def late(route: Route) -> None:
        shop.plant.report(shop.plant.job(), 5)
        shop.tell("station:CNC-04", version=None)
        # The tab that listens already has heard it by now.
        first.wait_for_timeout(500)
        route.continue_()

    page.route(slow, late, times=1)
    page.goto(shop.url + job_path(shop))

    expect(page.locator("[data-testid=good]")).to_have_text("5")


def test_a_page_without_its_stream_says_so_until_it_is_back(shop: Shop, open_page: Opener):
    page = open_page("/deliveries/")
    wait_until_live(page)
    page.context.route("**/live?**", lambda route: route.abort())
    page.reload()
    expect(page.locator("#strip-stale")).to_contain_text("Not live since", timeout=60_000)
    page.context.unroute("**/live?**")
    expect(page.locator("#strip-stale")).to_be_hidden(timeout=60_000)


def test_a_scan_opens_the_order_and_triggers_no_shortcut(shop: Shop, open_page: Opener):
    page = open_page("/deliveries/", size=DESK)
    # As a scanner types: keys a few milliseconds apart, then Enter.
    page.evaluate(
        """() => { for (const key of [..."WO-1", "Enter"])
        document.body.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true })); }"""
    )
    page.wait_for_url("**/work-orders/WO-1/")
    expect(page.locator("dialog[open]")).to_have_count(0)


def test_a_letter_alone_is_a_shortcut(shop: Shop, open_page: Opener):
    page = open_page("/deliveries/", size=DESK)
    page.keyboard.press("?")
    expect(page.locator("#keys-help")).to_be_visible()


def test_the_theme_that_a_person_chose_stays(shop: Shop, open_page: Opener):
    page = open_page("/deliveries/", theme="light")
    page.click(".top details.menu > summary")
    page.click("[data-theme-set=dark]")
    page.reload()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
