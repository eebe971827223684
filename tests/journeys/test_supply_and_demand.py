"""Material that is missing and a customer in a hurry: from the form to a decision and back."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from mes.models import Site, SiteHead, SitePlan
from planning.models import Decision, Disruption
from planning.verify import problems
from tests import servers
from tests.journeys.test_the_loop import northfield, plan_hash, sign_in, until

__all__ = ["northfield", "sign_in"]
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


def choose(page: Page, name: str, text: str) -> None:
    option = page.locator(f"[name={name}] option").filter(has_text=text).first
    page.locator(f"[name={name}]").select_option(value=option.get_attribute("value"))


def say(
    page: Page,
    url: str,
    kind: str,
    choices: dict[str, str],
    values: dict[str, str],
    *,
    effect: str = "If nothing is done",
    place: str = "",
) -> str:
    """Fill in a form of what happened and save it; returns the effect shown before that.

    effect  how it begins.
    place   where in a queue, by its value.
    """
    page.goto(f"{url}/events/new/")
    page.get_by_test_id(f"tile-{kind}").click()
    for name, text in choices.items():
        choose(page, name, text)
    for name, value in values.items():
        page.locator(f"[name={name}]").fill(value)
    if place:
        page.locator("[name=place]").select_option(place)
    sentence = page.get_by_test_id("effect-sentence")
    expect(sentence).to_contain_text(effect)
    expect(page.get_by_test_id("effect-of")).not_to_have_attribute("aria-busy", "true")
    shown = sentence.inner_text()
    page.get_by_test_id("save-event").click()
    page.wait_for_url(re.compile("/(tower|disruptions/.*)/"))
    return shown


def open_row(page: Page, url: str, row_says: str, foretold: str | None = None) -> None:
    """Open the row of the tower that says so, and see what was foretold before it was saved."""
    page.goto(f"{url}/tower/")
    row = page.get_by_test_id("inbox-row").filter(has_text=row_says)
    expect(row).to_have_count(1)
    row.locator("[data-main]").click()
    if foretold is not None:
        expect(page.get_by_test_id("sentence")).to_have_text(foretold, use_inner_text=True)


def accept_and_undo(page: Page, site: Site) -> None:
    """On the page of a disruption: accept the best answer, and take it back."""
    told = plan_hash(site)
    expect(page.get_by_test_id("options")).not_to_have_attribute("aria-busy", "true")
    doing_nothing = page.get_by_test_id("option-row").filter(has_text="Do nothing")
    expect(doing_nothing).to_have_attribute("aria-checked", "false")
    answers = page.get_by_test_id("option-row").filter(has_not_text="Do nothing")
    answers.first.click()
    expect(page.get_by_test_id("preview")).to_be_visible()
    page.get_by_test_id("accept").click()
    expect(page.get_by_test_id("decision")).to_contain_text("Accepted")
    until(lambda: Decision.objects.filter(site=site).exists())
    assert plan_hash(site) != told
    standing = Disruption.objects.get(pk=number_of(page))
    until(lambda: is_computed(site))  # which may close it: it is answered

    page.get_by_test_id("undo").first.click()
    expect(page.get_by_test_id("decision")).to_have_count(0)
    assert plan_hash(site) == told
    until(lambda: is_computed(site))
    assert standing in Disruption.objects.standing(site.pk)


def number_of(page: Page) -> int:
    """Of the disruption whose page it is."""
    return int(page.url.rstrip("/").rsplit("/", 1)[1])


def is_computed(site: Site) -> bool:
    """Whether the plan knows of everything that happened."""
    head = SiteHead.objects.get(site=site)
    return SitePlan.objects.get(site=site).computed_seq >= head.seq


def answer_and_undo(page: Page, url: str, row_says: str, foretold: str) -> None:
    """Open the row, see what was foretold, accept the best answer, undo it, take the fact back."""
    site = Site.objects.get(code="NF")
    open_row(page, url, row_says, foretold)
    accept_and_undo(page, site)
    take_back(page, site)
    assert list(problems(site)) == []


def take_back(page: Page, site: Site) -> None:
    """On the page of the only disruption: the fact is taken back, and nothing is open."""
    page.get_by_test_id("take-back").click()
    until(lambda: not Disruption.objects.standing(site.pk).exists())


def test_what_is_missing_at_the_line_is_answered_and_found_again(
    northfield: servers.Plant, sign_in: Callable[[str], Page]
) -> None:
    site = Site.objects.get(code="NF")
    before = plan_hash(site)
    planner = sign_in("jana")
    foretold = say(
        planner,
        northfield.url,
        "shortage",
        {"stock": "L-24-1140"},
        {"missing": "560", "note": "box was empty"},
    )
    answer_and_undo(planner, northfield.url, "SK-31 missing in lot L-24-1140", foretold)
    assert plan_hash(site) == before


def test_a_rush_order_is_answered_and_taken_back(
    northfield: servers.Plant, sign_in: Callable[[str], Page]
) -> None:
    site = Site.objects.get(code="NF")
    before = plan_hash(site)
    planner = sign_in("jana")
    foretold = say(
        planner,
        northfield.url,
        "order",
        {"customer": "Voss", "item": "HV-180-A"},
        {"quantity": "60", "requested_at": "2026-11-26T15:00"},
    )
    answer_and_undo(planner, northfield.url, "Rush order RO-1/1", foretold)
    assert plan_hash(site) == before
