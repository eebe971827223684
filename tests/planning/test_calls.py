"""A call waits as long as the deliveries behind its machine allow, on the plant's clock."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client

from materials import actions as materials
from materials.models import CustomerLine
from mes.clock import wall_now
from mes.models import Person, Role, RoleGrant
from planning import actions
from planning.management.commands.sweep import sweep
from planning.models import PlanVersion
from tests.planning.conftest import DAY, Company
from workorders import actions as workorders
from workorders.models import AndonCall

MINUTE = timedelta(minutes=1)


def call(company: Company, kind: str = "MAINTENANCE", unit: str = "CNC-04") -> AndonCall:
    made = company.must(actions.call, unit_id=company.ids[unit], kind=kind, stopped=True)
    return AndonCall.objects.get(pk=made["call_id"])


def line(company: Company, code: str) -> CustomerLine:
    return CustomerLine.objects.get(site=company.site, order__code=code)


def promise(company: Company, code: str, slack: timedelta) -> None:
    """Promise a line so long after its projected arrival, and let the plan answer."""
    version = PlanVersion.objects.current(company.site)
    assert version is not None
    arrives = version.line_times_by_id()[line(company, code).pk][2]
    assert arrives is not None
    company.must(materials.set_promise, line_id=line(company, code).pk, promised_at=arrives + slack)
    company.answer()


def watch(company: Company) -> list[int]:
    return actions.watch_calls(company.site.pk, wall_now=wall_now())


def test_the_stake_is_the_least_slack_behind_the_machine(company: Company) -> None:
    promise(company, "SO-1", 9 * 60 * MINUTE)
    promise(company, "SO-2", 2 * 60 * MINUTE)
    found = actions.stakes(company.site, [company.ids["CNC-04"], company.ids["CNC-07"]])

    assert found[company.ids["CNC-04"]].slack_s == 2 * 3600
    assert found[company.ids["CNC-07"]].slack_s is None  # its queue is empty


def test_the_less_slack_the_sooner_a_call_goes_on(company: Company) -> None:
    promise(company, "SO-1", 2 * DAY)
    promise(company, "SO-2", 100 * MINUTE)
    tight, nothing_waits = call(company), call(company, unit="CNC-07")

    assert tight.due_at == company.now + 5 * MINUTE  # a twentieth of 100 minutes
    assert nothing_waits.due_at == company.now + 15 * MINUTE


def test_a_call_goes_on_by_the_plants_clock(company: Company) -> None:
    promise(company, "SO-1", 2 * DAY)
    promise(company, "SO-2", 100 * MINUTE)
    made = call(company)
    company.answer()
    began = company.now

    company.clock(began + 4 * MINUTE)
    assert watch(company) == []
    company.clock(began + 5 * MINUTE)
    assert watch(company) == [made.pk]
    made.refresh_from_db()
    assert (made.roles, made.level_at) == (["MAINTENANCE", "SUPERVISOR"], began + 5 * MINUTE)
    assert company.newest("workorders.call.escalated").body["role"] == "SUPERVISOR"

    company.clock(began + 10 * MINUTE)
    assert watch(company) == [made.pk]
    company.clock(began + 60 * MINUTE)
    assert watch(company) == []
    made.refresh_from_db()
    assert made.roles == ["MAINTENANCE", "SUPERVISOR", "PLANNER"]
    assert made.due_at is None


def test_the_sweeper_passes_a_call_on_and_leaves_what_is_not_due(
    committed_company: Company,
) -> None:
    made, began = call(committed_company), committed_company.now
    assert made.due_at is not None
    committed_company.clock(made.due_at - MINUTE)
    sweep(patience_s=60)
    made.refresh_from_db()
    assert made.level == 0
    committed_company.clock(began + DAY)
    sweep(patience_s=60)
    made.refresh_from_db()
    assert made.roles == ["MAINTENANCE", "SUPERVISOR"]


def test_who_said_that_he_comes_has_his_minutes_first(company: Company) -> None:
    promise(company, "SO-1", 2 * DAY)
    promise(company, "SO-2", 100 * MINUTE)
    made, began = call(company), company.now
    company.must(workorders.take_call, call_id=made.pk, minutes=20)

    company.clock(began + 24 * MINUTE)
    assert watch(company) == []
    company.clock(began + 25 * MINUTE)
    assert watch(company) == [made.pk]


def test_who_is_there_is_not_passed_over(company: Company) -> None:
    made = call(company)
    company.must(workorders.arrive, call_id=made.pk)
    company.clock(company.now + DAY)
    assert watch(company) == []


def test_a_plan_that_moved_shortens_the_wait_of_a_call_that_stands(company: Company) -> None:
    promise(company, "SO-1", 2 * DAY)
    promise(company, "SO-2", 2 * DAY)
    made, began = call(company), company.now
    assert made.due_at == began + 15 * MINUTE

    promise(company, "SO-2", 100 * MINUTE)
    assert watch(company) == []
    made.refresh_from_db()
    assert (made.slack_s, made.due_at) == (6000, began + 5 * MINUTE)


@pytest.fixture
def tomas(company: Company) -> Client:
    return signed_in(company, "tomas", Role.MAINTENANCE)


def signed_in(company: Company, name: str, role: str) -> Client:
    user = User.objects.create_user(name)
    person = Person.objects.create(name=name.title(), user=user)
    RoleGrant.objects.create(person=person, role=role, site=company.site)
    client = Client()
    client.force_login(user)
    return client


KEY = "0b8a1f36-7a5e-4d0e-9f0c-6a1a4a3f2b1c"


def test_the_page_shows_each_his_own_calls_and_counts_them(company: Company, tomas: Client) -> None:
    call(company)
    call(company, "MATERIAL")

    page = tomas.get("/calls/")
    assert [row["kind"] for row in page.context["rows"]] == ["Maintenance"]
    assert page.context["counts"] == {"mine": 1, "all": 2}
    assert page.context["nav_counts"]["siren"] == 1
    everybodys = tomas.get("/calls/?whose=all").context["rows"]
    assert {row["kind"]: row["off"] for row in everybodys} == {
        "Maintenance": "",
        "Material": "For Stores.",
    }


def test_it_is_taken_reached_and_ended_from_the_page(company: Company, tomas: Client) -> None:
    made = call(company)
    answer = tomas.post(f"/calls/{made.pk}/take/", {"key": KEY, "minutes": "2"})
    assert answer.status_code == 302
    station = signed_in(company, "petra", Role.OPERATOR).get("/floor/CNC-04/")
    assert "Tomas is coming" in station.content.decode()
    [row] = station.context["calls"]["rows"]
    assert (row["coming"]["who"], row["coming"]["minutes"]) == ("Tomas", 2)

    tomas.post(f"/calls/{made.pk}/arrived/", {"key": KEY.replace("0b8", "1b8")})
    tomas.post(f"/calls/{made.pk}/end/", {"key": KEY.replace("0b8", "2b8"), "outcome": "Fuse"})
    [over] = tomas.get("/calls/").context["over"]
    assert (over["outcome"], over["answered_s"], over["came_s"]) == ("Fuse", 0, 0)


def test_the_station_calls_and_takes_it_back(company: Company) -> None:
    petra = signed_in(company, "petra", Role.OPERATOR)
    given = {"key": KEY, "kind": "SAFETY", "stopped": "no", "note": "oil"}
    assert petra.post("/floor/CNC-04/call/", given)["Location"] == "/floor/CNC-04/"
    made = AndonCall.objects.get()
    assert (made.kind, made.stopped, made.note, made.roles) == (
        "SAFETY",
        False,
        "oil",
        ["SUPERVISOR"],
    )
    assert petra.post(f"/calls/{made.pk}/take/", {"key": KEY, "minutes": "1"}).status_code == 403
    other = f"/floor/CNC-07/calls/{made.pk}/cancel/"
    assert petra.post(other, {"key": KEY}).status_code == 404
    petra.post(f"/floor/CNC-04/calls/{made.pk}/cancel/", {"key": KEY.replace("0b8", "3b8")})
    made.refresh_from_db()
    assert made.state == "CANCELLED"


def test_a_number_of_minutes_that_is_none_is_refused_in_words(
    company: Company, tomas: Client
) -> None:
    made = call(company)
    page = tomas.post(f"/calls/{made.pk}/take/", {"key": KEY, "minutes": "1e30"})
    assert page.status_code == 422
    assert "in how many minutes" in page.content.decode()
