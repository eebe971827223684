"""The planner's pages on a broken Northfield, without a browser: what they say and refuse."""

from __future__ import annotations

import re
import uuid

import pytest
from django.contrib.auth.models import User
from django.test import Client

from equipment.actions import report_breakdown
from equipment.models import Equipment
from mes import commands
from mes.actor import SYSTEM
from mes.clock import plant_now, wall_now
from mes.models import ShopFloorEvent, Site
from planning.actions import recompute
from planning.models import Disruption, Option

HTMX = {"HX-Request": "true"}


@pytest.fixture
def broken(northfield_site: Site) -> Disruption:
    unit = Equipment.objects.get(site=northfield_site, code="CNC-04")
    back_at = plant_now(northfield_site).replace(hour=9, minute=0)
    outcome = commands.run(
        site=northfield_site,
        key=uuid.uuid4(),
        actor=SYSTEM,
        name="test.break",
        body={},
        act=lambda command: report_breakdown(
            command, unit_id=unit.pk, back_at=back_at.replace(day=25), said_by="test"
        ),
    )
    assert outcome.ok
    recompute(northfield_site.pk, wall_now=wall_now())
    return Disruption.objects.get(site=northfield_site, kind="BREAKDOWN")


@pytest.fixture
def jana(northfield_site: Site) -> Client:
    client = Client()
    client.force_login(User.objects.get(username="jana"))
    return client


def test_every_page_of_the_planner_opens(jana: Client, broken: Disruption) -> None:
    for path in (
        "/tower/",
        "/tower/?tab=mine",
        f"/disruptions/{broken.pk}/",
        "/events/new/?kind=breakdown",
        "/events/new/?kind=hold",
        "/decisions/",
        "/tasks/",
        "/tasks/?whose=all",
        "/work-orders/",
        "/work-orders/WO-2291/",
        "/deliveries/?view=late",
        "/equipment/",
        "/holds/",
        "/floor/",
        "/floor/CNC-07/",
        "/find/?q=WO-2291",
    ):
        assert jana.get(path, follow=True).status_code == 200, path


def test_the_machines_say_how_full_they_are(jana: Client, broken: Disruption) -> None:
    tower = jana.get("/tower/").content.decode()
    loads = [
        int(each) for each in re.findall(r'<rect width="(\d+)" height="4" class="f-run"', tower)
    ]
    assert len(loads) == 14
    assert sum(each > 50 for each in loads) >= 7
    assert max(loads) <= 100


def test_the_sentence_the_row_and_the_table_name_the_same_numbers(
    jana: Client, broken: Disruption
) -> None:
    late = broken.summary["late_lines"]
    page = jana.get(f"/disruptions/{broken.pk}/").content.decode()
    tower = jana.get("/tower/").content.decode()

    assert f"{late} deliveries are late" in page
    assert f"{late} deliveries" in tower
    assert page.count('data-testid="impact-row" data-id="line:') >= late


def test_another_return_time_is_tried_without_writing(jana: Client, broken: Disruption) -> None:
    before = ShopFloorEvent.objects.count()
    given = {"name": f"UNIT_BACK:{broken.subject_id}", "value": "2026-11-24T12:00"}

    page = jana.post(f"/disruptions/{broken.pk}/assume/", given, headers=HTMX)

    assert page.status_code == 200
    assert 'data-testid="tried"' in page.content.decode()
    assert ShopFloorEvent.objects.count() == before


def test_a_return_time_in_the_past_is_refused_in_words(jana: Client, broken: Disruption) -> None:
    given = {"name": "x", "value": "2020-01-01T12:00"}

    page = jana.post(f"/disruptions/{broken.pk}/assume/", given, headers=HTMX)

    assert page.status_code == 422
    assert b"lie ahead" in page.content


def test_every_option_has_a_preview(jana: Client, broken: Disruption) -> None:
    options = Option.objects.filter(disruption=broken)
    assert options.filter(verdict="OFFERED").count() >= 4
    for option in options:
        page = jana.get(f"/disruptions/{broken.pk}/options/{option.pk}/", headers=HTMX)
        assert page.status_code == 200
        assert b'id="preview"' in page.content


def test_an_accept_without_a_key_or_of_a_foreign_option_changes_nothing(
    jana: Client, broken: Disruption
) -> None:
    option = Option.objects.filter(disruption=broken, kind="ALTERNATE_UNIT").first()
    assert option is not None
    path = f"/disruptions/{broken.pk}/options/{option.pk}/accept/"

    keyless = jana.post(path, {"rev": "1"}, headers=HTMX)
    foreign = jana.post(
        path.replace(f"/{option.pk}/", "/999999/"),
        {"rev": "1", "key": str(uuid.uuid4())},
        headers=HTMX,
    )

    assert keyless.status_code == 422
    assert b"too old" in keyless.content
    assert foreign.status_code == 404
    assert not broken.decisions.exists()
