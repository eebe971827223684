"""The planner's pages on a broken Northfield, without a browser: what they say and refuse."""

from __future__ import annotations

import re
import uuid
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from equipment.actions import (
    report_breakdown,
    report_slow,
    report_tool_found,
    report_tool_lost,
)
from equipment.models import Equipment, Tool
from materials.models import Lot
from mes import commands
from mes.actor import SYSTEM
from mes.clock import plant_now, wall_now
from mes.models import ShopFloorEvent, Site
from planning import demo
from planning.actions import recompute
from planning.models import Disruption, Option
from quality.actions import place_hold
from workorders.models import JobOrder, UnitQueue

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
        "/erp/",
        "/erp/?view=entered",
        "/erp/differences/",
        "/shadow/",
        "/own-plant/",
        "/own-columns/purchase_line/",
        "/own-columns/purchase_line/paste/",
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


def _say(site: Site, act: Any, **values: Any) -> None:
    outcome = commands.run(
        site=site,
        key=uuid.uuid4(),
        actor=SYSTEM,
        name="test.say",
        body={},
        act=lambda command: act(command, **values),
    )
    assert outcome.ok, outcome.message
    recompute(site.pk, wall_now=wall_now())


def _row_of(page: str, job: JobOrder) -> str:
    """The row of a job in its station's queue."""
    return page.split(f'data-job="{job.pk}"')[1].split("</article>")[0]


def test_a_station_says_that_it_runs_slow_until_when_and_why(
    jana: Client, northfield_site: Site
) -> None:
    job = JobOrder.objects.get(site=northfield_site, unit__code="CNC-07", status="RUNNING")
    assert "unit-slow" not in jana.get("/floor/CNC-07/").content.decode()

    back_at = plant_now(northfield_site).replace(hour=9, minute=0) + timedelta(days=2)
    _say(
        northfield_site,
        report_slow,
        unit_id=job.unit_id,
        percent=40,
        note="spindle runs hot",
        back_at=back_at,
    )

    queue = jana.get("/floor/CNC-07/").content.decode()
    assert "CNC-07 runs at 40 % of its rate" in queue
    assert "spindle runs hot. As usual again about Thu 26 Nov 10:00." in queue
    page = jana.get(f"/floor/CNC-07/jobs/{job.pk}/").content.decode()
    assert "Runs at 40 % of its rate until about Thu 26 Nov 10:00: spindle runs hot" in page
    assert "Running, at 40 %" in jana.get("/floor/").content.decode()
    tile = jana.get("/tower/").content.decode().split('title="CNC-07: ')[1]
    assert tile.startswith("At 40 %")
    assert "unit-slow" not in jana.get("/floor/CNC-04/").content.decode()


def test_a_job_whose_tool_is_lost_says_so_where_it_waits(
    jana: Client, northfield_site: Site
) -> None:
    fixture = Tool.objects.get(site=northfield_site, code="FX-220")
    queued = UnitQueue.objects.filter(site=northfield_site).values_list("job_order_ids", flat=True)
    waiting = [pk for queue in queued for pk in queue[:10]]
    job = JobOrder.objects.filter(pk__in=waiting, tools__tool=fixture, started_at=None)[0]
    station = f"/floor/{job.unit.code}/"
    assert "tool-lost" not in jana.get(station).content.decode()

    _say(northfield_site, report_tool_lost, tool_id=fixture.pk, note="not in the cabinet")

    row = _row_of(jana.get(station).content.decode(), job)
    assert "FX-220 Fixture for HV-220 ports is lost" in row
    assert "The job waits for it." in row
    _say(northfield_site, report_tool_found, tool_id=fixture.pk)
    assert "tool-lost" not in jana.get(station).content.decode()


def test_a_gauge_of_which_another_piece_is_there_holds_no_job_back(
    jana: Client, northfield_site: Site
) -> None:
    gauge = Tool.objects.get(site=northfield_site, code="GA-20")
    stations = set(
        JobOrder.objects.filter(site=northfield_site, tools__tool=gauge).values_list(
            "unit__code", flat=True
        )
    )
    said = []
    for _piece in range(gauge.pieces):
        said.append(any("tool-lost" in _station(jana, code) for code in stations))
        _say(northfield_site, report_tool_lost, tool_id=gauge.pk)
    said.append(any("tool-lost" in _station(jana, code) for code in stations))

    assert said == [False, False, True]


def _station(jana: Client, code: str) -> str:
    return jana.get(f"/floor/{code}/").content.decode()


def test_a_hold_says_what_waits_for_it(jana: Client, northfield_site: Site) -> None:
    lot = Lot.objects.get(site=northfield_site, code="L-24-1102")
    expected_at = plant_now(northfield_site) + timedelta(days=7)
    _say(northfield_site, place_hold, lot_id=lot.pk, expected_at=expected_at)
    found = Disruption.objects.get(site=northfield_site, kind="HOLD")

    page = jana.get("/holds/").content.decode()

    row = page.split('data-testid="hold-row"')[1]
    assert f'href="/disruptions/{found.pk}/"' in row
    assert f"{found.summary['late_lines']} deliveries" in row


def test_a_line_with_a_new_date_is_not_on_time_in_the_inbox_either(
    jana: Client, broken: Disruption
) -> None:
    best = {**broken.summary["best"], "late_lines": 0, "late_anyway": 0, "promises": 3}
    broken.summary |= {"best": best, "lines": 5}
    broken.save()

    assert "2 of 5 on time" in jana.get("/tower/").content.decode()


def test_what_nobody_feels_needs_no_action(jana: Client, broken: Disruption) -> None:
    """What helps against other troubles is not told as the answer to this one."""
    assert "No action needed" not in jana.get("/tower/").content.decode()
    broken.summary |= {"late_lines": 0, "items": 0}
    broken.at_stake = Decimal(0)
    broken.save()

    assert "No action needed" in jana.get("/tower/").content.decode()


def test_while_options_are_looked_for_the_pages_ask_again_by_themselves(
    jana: Client, broken: Disruption
) -> None:
    """What is made between a page's drawing and its stream is told to nobody."""
    pages = ("/tower/", f"/disruptions/{broken.pk}/")
    assert broken.summary["options_due"] is False
    for page in pages:
        assert "every 2s" not in jana.get(page).content.decode()

    broken.summary = {**broken.summary, "options_due": True}
    broken.save(update_fields=["summary"])

    for page in pages:
        assert jana.get(page).content.decode().count(", every 2s") == 1


def test_the_tower_asks_the_record_few_questions(
    jana: Client, broken: Disruption, django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(27):
        jana.get("/tower/")


def test_the_tour_ticks_what_a_person_does_not_what_the_plant_does(
    jana: Client, northfield_site: Site, broken: Disruption
) -> None:
    def ticked() -> set[str]:
        shown = demo.strip_context(northfield_site, 1) or {}
        return {str(step["label"]) for step in shown["tour"] if step["done"]}

    reports = ShopFloorEvent.objects.filter(kind="workorders.production.reported")
    assert reports.filter(person_id__isnull=True).exists()
    assert ticked() == {"something breaks"}

    jana.get(f"/disruptions/{broken.pk}/")

    assert ticked() == {"something breaks", "open it"}
