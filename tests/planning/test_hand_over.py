"""The planner's shift hand-over."""

from __future__ import annotations

import uuid

import pytest
from django.test import Client

from mes.models import Person, Role
from planning import actions as planning
from planning.models import Disruption, HandOver, Option
from tests.planning.conftest import Company
from tests.planning.test_calls import call, signed_in
from tests.planning.test_customers_are_told import accept
from tests.planning.test_notices import client_of, jana, person, repair, stop

__all__ = ["jana"]


@pytest.fixture
def planner(jana: Person) -> Client:
    return client_of(jana)


@pytest.fixture
def broken(company: Company) -> Disruption:
    stop(company)
    return company.disruption("BREAKDOWN")


def hand_over(planner: Client, note: str = "Watch the bearing.") -> HandOver:
    answer = planner.post("/handover/keep/", {"key": str(uuid.uuid4()), "note": note})
    assert answer.status_code == 302
    return HandOver.objects.latest("pk")


def test_the_sheet_names_what_is_open_undecided_and_by_when(
    company: Company, broken: Disruption, planner: Client
) -> None:
    company.must(
        planning.comment, subject_type="disruption", subject_id=broken.pk, text="Ask Nordseal"
    )
    call(company)
    sheet = planner.get("/handover/").context["sheet"]
    [row] = sheet["open"]
    best = Option.objects.offered_answers().filter(disruption=broken)[0]
    assert (row["disruption"], row["undecided"], row["late"]) == (broken.pk, True, 2)
    assert row["decide_by"] == best.decide_by is not None
    assert row["notes"] == ["Petra Novak: Ask Nordseal"]
    assert [each["text"] for each in sheet["calls"]] == ["CNC-04: Maintenance"]


def test_what_was_decided_and_promised_since_the_last_one_stands_there(
    company: Company, broken: Disruption, planner: Client
) -> None:
    decision = accept(company, "ALTERNATE_UNIT")
    line = decision.predicted["lines"][0]["line_id"]
    company.must(planning.tell_customer, disruption_id=broken.pk, line_id=line, text="It comes.")
    sheet = planner.get("/handover/").context["sheet"]
    assert [row["decision"] for row in sheet["decided"]] == [decision.pk]
    assert len(sheet["told"]) == 1
    assert not sheet["open"][0]["undecided"]
    hand_over(planner)
    sheet = planner.get("/handover/").context["sheet"]
    assert sheet["decided"] == sheet["told"] == []


def test_it_is_kept_as_it_was(company: Company, broken: Disruption, planner: Client) -> None:
    kept = hand_over(planner)
    repair(company)
    assert planner.get("/handover/").context["sheet"]["open"] == []
    page = planner.get(f"/handover/{kept.pk}/")
    assert [row["disruption"] for row in page.context["sheet"]["open"]] == [broken.pk]
    assert "Watch the bearing." in page.content.decode()


def test_the_next_shift_confirms_it_and_nobody_else(
    company: Company, broken: Disruption, planner: Client
) -> None:
    kept = hand_over(planner)
    here = f"/handover/{kept.pk}/confirm/"
    own = planner.post(here, {"key": str(uuid.uuid4())})
    assert own.status_code == 403
    assert "not who wrote it" in own.content.decode()
    tom = person(company, "Tom")
    assert client_of(tom).post(here, {"key": str(uuid.uuid4())}).status_code == 302
    kept.refresh_from_db()
    assert (kept.confirmed_by, kept.confirmed_at) == (tom, company.now)
    third = client_of(person(company, "Ute")).post(here, {"key": str(uuid.uuid4())})
    assert third.status_code == 409
    kept.refresh_from_db()
    assert kept.confirmed_by == tom


def test_who_only_looks_reads_it_and_may_not_hand_over(
    company: Company, broken: Disruption
) -> None:
    viewer = signed_in(company, "vera", Role.VIEWER)
    assert "Needs a planner or supervisor" in viewer.get("/handover/").content.decode()
    assert viewer.post("/handover/keep/", {"key": str(uuid.uuid4())}).status_code == 403
    assert not HandOver.objects.exists()


def test_the_sheet_shows_no_money(company: Company, broken: Disruption, planner: Client) -> None:
    page = planner.get(f"/handover/{hand_over(planner).pk}/").content.decode()
    assert "€" not in page


def test_a_supervisor_s_note_stands_on_the_line_of_the_next_until_it_is_taken_over(
    company: Company, broken: Disruption, planner: Client
) -> None:
    okafor = signed_in(company, "okafor", Role.SUPERVISOR)
    fischer = signed_in(company, "fischer", Role.SUPERVISOR)
    kept = hand_over(okafor, "CNC-04 drifts, check every tenth piece.")
    assert kept.role == Role.SUPERVISOR

    def left(client: Client) -> list[int]:
        return [row.pk for row in client.get("/lines/").context["left"]]

    assert (left(fischer), left(okafor), left(planner)) == ([kept.pk], [], [])
    assert "check every tenth piece" in fischer.get("/lines/").content.decode()
    given = {"key": str(uuid.uuid4())}
    assert fischer.post(f"/handover/{kept.pk}/confirm/", given).status_code == 302
    assert left(fischer) == []
    kept.refresh_from_db()
    assert kept.confirmed_by == Person.objects.get(name="Fischer")


def test_a_planner_does_not_take_over_what_is_for_the_next_supervisor(
    company: Company, broken: Disruption, planner: Client
) -> None:
    kept = hand_over(signed_in(company, "okafor", Role.SUPERVISOR))
    page = planner.get(f"/handover/{kept.pk}/").content.decode()
    assert "It is for the next one of these: Supervisor." in page
    answer = planner.post(f"/handover/{kept.pk}/confirm/", {"key": str(uuid.uuid4())})
    assert answer.status_code == 403
    kept.refresh_from_db()
    assert kept.confirmed_by is None


def test_each_counts_from_the_last_hand_over_of_his_own_kind(
    company: Company, broken: Disruption, planner: Client
) -> None:
    okafor = signed_in(company, "okafor", Role.SUPERVISOR)
    kept = hand_over(planner)
    assert planner.get("/handover/").context["sheet"]["since"] == kept.made_at
    assert okafor.get("/handover/").context["sheet"]["since"] is None
