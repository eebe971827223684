"""What the planner's pages and a station say of the imported company."""

from __future__ import annotations

import uuid
from datetime import date
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client

from equipment.models import Downtime, Equipment
from mes.errors import Busy
from planning.views import floor
from tests.adventureworks.company import write_small

pytestmark = pytest.mark.django_db


@pytest.fixture
def jana(tmp_path: Path) -> Client:
    call_command(
        "import_adventureworks",
        str(write_small(tmp_path)),
        as_of=date(2013, 7, 3),
        site="AW",
        stdout=StringIO(),
    )
    client = Client()
    client.force_login(User.objects.get(username="jana"))
    return client


def test_what_is_due_on_a_day_is_shown_with_that_day(jana: Client) -> None:
    deliveries = jana.get("/deliveries/").content.decode()
    orders = jana.get("/work-orders/").content.decode()

    assert "12 Jul" in deliveries
    assert "13 Jul" not in deliveries
    assert "1 Jul" in orders


def test_a_station_says_the_hours_of_work_that_does_not_depend_on_pieces(jana: Client) -> None:
    page = jana.get("/floor/FF-01/").content.decode()

    assert "4 h 6 min" in page


def test_a_station_says_how_many_jobs_wait_behind_those_that_it_shows(
    jana: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert 'data-testid="more"' not in jana.get("/floor/FF-01/").content.decode()

    monkeypatch.setattr(floor, "SHOWN", 0)

    assert "1 more waits behind these." in jana.get("/floor/FF-01/").content.decode()


def test_an_effect_that_is_not_to_be_had_now_is_asked_for_again(
    jana: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(*_: Any, **__: Any) -> None:
        raise Busy("Somebody else is changing this.")

    monkeypatch.setattr("planning.actions.preview_event", busy)
    unit = Equipment.objects.get(code="FW-01").pk

    page = jana.post("/events/new/effect/", {"kind": "breakdown", "unit": unit}).content.decode()

    assert "Somebody else is changing this." in page
    assert 'hx-trigger="load delay:1s"' in page


def test_an_act_that_waited_too_long_for_somebody_else_says_so_and_may_be_sent_again(
    jana: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(**_: Any) -> None:
        raise Busy("Somebody else is changing this.")

    unit = Equipment.objects.get(code="FW-01").pk
    form = {"kind": "breakdown", "unit": unit, "key": str(uuid.uuid4())}
    with monkeypatch.context() as patch:
        patch.setattr("mes.acting.run", busy)
        refused = jana.post("/events/new/?kind=breakdown", form)

    assert refused.status_code == 503
    assert "Somebody else is changing this." in refused.content.decode()
    assert jana.post("/events/new/?kind=breakdown", form).status_code == 302
    assert Downtime.objects.filter(unit=unit).count() == 1
