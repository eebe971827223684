"""A real company's plant: how long its tower takes to open, and its planner waits for options."""

from __future__ import annotations

import http.client
import time
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from tests import servers
from tests.bench.rows import Row, limit_row, percentile

SITE = "AW"
OPENED = 40  # times
BREAKDOWNS = 10
FIRST = 2  # of each run are told apart: what they meet is loaded by them


def rows(plant: servers.Plant) -> Iterator[Row]:
    took = list(_first_options())[FIRST:]
    yield limit_row(
        f"loop.first_options.{SITE}.p95", percentile(took, 0.95), unit="ms", at_most=400
    )
    yield from _tower(plant)


def _first_options() -> Iterator[float]:
    """From the commit of a breakdown until what to do about it is stored, turn by turn."""
    from equipment.actions import report_breakdown, report_repair
    from equipment.models import Equipment
    from mes.clock import plant_now
    from mes.models import Site
    from planning.models import Disruption, Option
    from tests.bench.loop import do, wait_for

    site = Site.objects.get(code=SITE)
    units = Equipment.objects.filter(site=site, level="WORK_UNIT", kind="MACHINE").order_by("code")
    ids = list(units.values_list("pk", flat=True))
    for turn in range(BREAKDOWNS):
        unit = ids[turn % len(ids)]
        back = plant_now(site) + timedelta(hours=8)
        found = Option.objects.filter(
            disruption__site=site, disruption__kind="BREAKDOWN", disruption__subject_id=unit
        )
        do(SITE, "bench.down", report_breakdown, unit_id=unit, back_at=back, said_by="bench")
        committed = time.perf_counter()
        wait_for(found.filter(disruption__state="NEW").exists)
        yield (time.perf_counter() - committed) * 1000
        wait_for(found.filter(disruption__summary__options_due=False).exists)
        do(SITE, "bench.up", report_repair, unit_id=unit)
        gone = Disruption.objects.filter(site=site, kind="BREAKDOWN", subject_id=unit, state="NEW")
        wait_for(partial(_none, gone))


def _none(rows: Any) -> bool:
    return not rows.exists()


def _tower(plant: servers.Plant) -> Iterator[Row]:
    """The planner's first page with a machine down: its first byte, and what it asks the record."""
    from django.conf import settings
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    from mes.models import Person, Role, RoleGrant, Site

    person = Person.objects.get(name="Jana Marek")
    RoleGrant.objects.get_or_create(
        person=person, role=Role.PLANNER, site=Site.objects.get(code=SITE)
    )
    client = Client()
    client.force_login(person.user)
    session = client.session
    session["site"] = SITE
    session.save()
    with CaptureQueriesContext(connection) as asked:
        page = client.get("/tower/", headers={"host": "localhost"})
    if page.status_code != 200 or SITE not in page.content.decode():
        raise RuntimeError(f"the tower answered {page.status_code}")
    at = urlsplit(plant.url)
    server = http.client.HTTPConnection(str(at.hostname), at.port, timeout=30)
    cookie = f"{settings.SESSION_COOKIE_NAME}={session.session_key}"
    took = []
    for _turn in range(OPENED):
        began = time.perf_counter()
        server.request("GET", "/tower/", headers={"Cookie": cookie})
        answer = server.getresponse()
        took.append((time.perf_counter() - began) * 1000)
        body = answer.read()
        if answer.status != 200 or b"/tower/" not in body:
            raise RuntimeError(f"the tower answered {answer.status}")
    ttfb = percentile(took[FIRST:], 0.95)
    yield limit_row(f"page.tower.{SITE}.first_byte_p95", ttfb, unit="ms", at_most=200)
    yield limit_row(f"page.tower.{SITE}.queries", len(asked), unit="queries", at_most=25)
