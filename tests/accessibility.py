"""What axe finds wrong with an open page, by the rules of WCAG 2.2 AA."""

from __future__ import annotations

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def violations(page: Page) -> list[tuple[str, str]]:
    """Each rule that is broken, with the first piece of markup that breaks it."""
    report = Axe().run(page, options={"runOnly": WCAG}).response["violations"]
    return [(each["id"], each["nodes"][0]["html"]) for each in report]


def violations_in_both_themes(page: Page) -> list[tuple[str, str, str]]:
    """The same, as the page is in the light and in the dark; it is left in the light."""
    found = []
    for theme in ("dark", "light"):
        # Without motion: a colour on its way from one theme to the other has no contrast.
        page.emulate_media(color_scheme=theme, reduced_motion="reduce")  # type: ignore[arg-type]
        expect(page.locator("html")).to_have_attribute("data-theme", theme)
        found += [(theme, *each) for each in violations(page)]
    return found
