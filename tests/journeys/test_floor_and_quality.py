"""A queue changed by hand, a person absent, goods that come back, a check that waits: from the
act on its own screen to a decision and back."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from decimal import Decimal

import pytest
from playwright.sync_api import Page, expect

from materials.actions import count
from materials.models import StockBalance
from mes.actor import SYSTEM
from mes.commands import run
from mes.models import Site
from planning.models import Disruption
from planning.verify import problems
from tests import servers
from tests.journeys.test_supply_and_demand import accept_and_undo, open_row, say, take_back
from tests.journeys.test_the_loop import northfield, plan_hash, sign_in, until

__all__ = ["northfield", "sign_in"]
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


def use_up(site: Site, lot: str) -> None:
    """Count a lot to nothing, so that what waits for its check is needed."""
    row = StockBalance.objects.get(site=site, lot__code=lot)
    assert run(
        site=site,
        key=uuid.uuid4(),
        actor=SYSTEM,
        name="materials.count",
        body={},
        act=lambda command: count(
            command, lot_id=row.lot_id, location_id=row.location_id, counted=Decimal(0)
        ),
    ).ok


def test_what_the_floor_changes_is_answered_and_is_as_before(
    northfield: servers.Plant, sign_in: Callable[[str], Page]
) -> None:
    site = Site.objects.get(code="NF")
    before, url = plan_hash(site), northfield.url
    planner, supervisor = sign_in("jana"), sign_in("okafor")

    # A job is sent to the end of its machine's queue by hand.
    moved = say(
        supervisor, url, "queue", {"move": "WO-2311 op 30"}, {"reason": "no time"}, place="last"
    )
    open_row(planner, url, "Queue of CNC-07 changed: WO-2311", moved)
    accept_and_undo(planner, site)
    take_back(planner, site)
    assert plan_hash(site) == before

    # Who runs a machine is absent, and it stands while he is.
    times = {"ends_at": "2026-11-27T14:00"}
    absent = say(supervisor, url, "absence", {"person": "Karel Dvorak", "unit": "CNC-04"}, times)
    open_row(planner, url, "Karel Dvorak absent, CNC-04 stands", absent)
    accept_and_undo(planner, site)
    take_back(planner, site)
    assert plan_hash(site) == before
    assert list(problems(site)) == []


def test_what_quality_says_is_answered_and_is_as_before(
    northfield: servers.Plant, sign_in: Callable[[str], Page]
) -> None:
    site = Site.objects.get(code="NF")
    before, url = plan_hash(site), northfield.url
    planner, quality = sign_in("jana"), sign_in("ana")

    # Goods come back and the customer needs others today.
    values = {"quantity": "10", "why": "scratched", "needed_at": "2026-11-24T16:00"}
    returned = say(quality, url, "return", {"line": "SO-10458/1"}, values)
    open_row(planner, url, "SO-10458", returned)
    accept_and_undo(planner, site)
    take_back(planner, site)
    assert plan_hash(site) == before

    # What waits for its check is needed: somebody says that it waits too long.
    use_up(site, "L-24-1129")
    until(lambda: Disruption.objects.standing(site.pk).filter(kind="SHORTAGE").exists())
    waits = say(quality, url, "check", {"lot": "L-24-1194"}, {"note": "nobody measured it"})
    open_row(planner, url, "L-24-1194", waits)
    accept_and_undo(planner, site)

    # Quality decides, and with that it is over.
    quality.goto(f"{url}/holds/")
    lot = quality.get_by_test_id("waiting-row").filter(has_text="L-24-1194")
    expect(lot).to_contain_text("deliveries")
    lot.get_by_test_id("release-lot").click()
    until(lambda: not Disruption.objects.standing(site.pk).filter(kind="CHECK").exists())
    assert list(problems(site)) == []
