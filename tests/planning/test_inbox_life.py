"""The life of a row in the inbox: merged, growing, back again, put to sleep, known, absorbed."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.test import Client

from materials import actions as materials
from mes.models import Person
from planning import actions as planning
from planning import words
from planning.models import Disruption
from tests.cast import HOUR
from tests.planning.conftest import DAY, Company
from tests.planning.test_notices import _estimate, client_of, jana, repair, stop, wait
from tests.planning.test_supply_and_demand import shortage, tight
from workorders import actions as workorders

__all__ = ["jana", "tight"]


@pytest.fixture
def planner(jana: Person) -> Client:
    return client_of(jana)


def row_of(company: Company) -> Disruption:
    return Disruption.objects.filter(site=company.site, kind="BREAKDOWN").latest("pk")


def shown(planner: Client, tab: str = "open") -> list[int]:
    rows = planner.get(f"/tower/?tab={tab}").context["inbox"]["rows"]
    return [row["pk"] for row in rows]


def test_snoozed_until_a_time_it_wakes_by_the_clock(company: Company, planner: Client) -> None:
    stop(company)
    row = row_of(company)
    company.must(planning.snooze, disruption_id=row.pk, until=company.now + HOUR)
    company.answer()
    wait(company, 59)
    planning.tick(company.site.pk, wall_now=company.now)
    assert row_of(company).state == "SNOOZED"
    assert shown(planner) == []
    assert shown(planner, "watching") == [row.pk]
    wait(company, 1)
    planning.tick(company.site.pk, wall_now=company.now)
    row = row_of(company)
    assert (row.state, row.snoozed_until) == ("OPEN", None)
    assert shown(planner) == [row.pk]


def test_the_page_puts_it_to_sleep_for_some_hours_or_until_it_is_worse(
    company: Company, planner: Client
) -> None:
    stop(company)
    row = row_of(company)
    here = f"/disruptions/{row.pk}/snooze/"
    planner.post(here, {"key": str(uuid.uuid4()), "hours": "4"})
    row.refresh_from_db()
    assert (row.state, row.snoozed_until) == ("SNOOZED", company.now + 4 * HOUR)
    planner.post(here, {"key": str(uuid.uuid4())})
    row.refresh_from_db()
    assert (row.state, row.snoozed_until) == ("SNOOZED", None)
    answer = planner.post(here, {"key": str(uuid.uuid4()), "hours": "-3"})
    assert answer.status_code == 422


def test_growing_is_a_quarter_more_than_what_was_seen_and_a_look_settles_it(
    company: Company,
) -> None:
    stop(company)
    company.must(planning.mark_seen, disruption_id=row_of(company).pk)
    _estimate(company, 97)
    assert not row_of(company).growing
    _estimate(company, 14 * 24)
    row = row_of(company)
    assert row.growing
    assert words.state(row) == "GROWING"
    company.must(planning.mark_seen, disruption_id=row.pk)
    assert words.state(row_of(company)) == "OPEN"


@pytest.mark.parametrize(("minutes", "rows", "state"), [(59, 1, "NEW"), (61, 2, "BACK")])
def test_the_same_cause_is_one_row_within_the_hour_and_back_again_after_it(
    company: Company, minutes: int, rows: int, state: str
) -> None:
    stop(company)
    repair(company)
    wait(company, minutes)
    stop(company)
    assert Disruption.objects.filter(site=company.site, kind="BREAKDOWN").count() == rows
    assert words.state(row_of(company)) == state
    assert row_of(company).occurrences == 3 - rows


def test_after_a_day_it_is_a_new_one(company: Company) -> None:
    stop(company)
    repair(company)
    company.clock(company.now + DAY + timedelta(minutes=1))
    company.answer()
    stop(company)
    assert words.state(row_of(company)) == "NEW"
    assert "back_again" not in row_of(company).cause


def test_what_is_still_late_is_not_closed_away_and_may_sleep(company: Company) -> None:
    company.must(workorders.start, job_order_id=company.job("WO-1", 10).pk)
    company.answer()
    company.clock(company.now + 6 * DAY)  # it was begun, and nothing was reported since
    planning.tick(company.site.pk, wall_now=company.now)
    slip = Disruption.objects.get(site=company.site, kind="SLIP")
    refused = company.do(planning.close, disruption_id=slip.pk, reason="Voss knows")
    assert refused.status == 422
    assert "solved outside" in refused.message
    company.must(planning.snooze, disruption_id=slip.pk, until=None)
    company.answer()
    slip.refresh_from_db()
    assert slip.state == "SNOOZED"


def test_what_no_fact_holds_open_is_closed_with_a_reason_and_stays_so(tight: Company) -> None:
    tight.must(materials.report_shortage, **shortage(tight, 60))
    tight.answer()
    row = tight.disruption("SHORTAGE")
    assert tight.do(planning.close, disruption_id=row.pk, reason=" ").status == 422
    tight.must(planning.close, disruption_id=row.pk, reason="Voss takes fewer")
    tight.answer()
    tight.clock(tight.now + timedelta(minutes=5))
    planning.tick(tight.site.pk, wall_now=tight.now)
    row = tight.disruption("SHORTAGE")
    assert (row.state, row.close_reason) == ("CLOSED", "Voss takes fewer")


def test_an_owner_finds_his_own(company: Company, planner: Client, jana: Person) -> None:
    stop(company)
    row = row_of(company)
    assert shown(planner, "mine") == []
    planner.post(f"/disruptions/{row.pk}/assign/", {"key": str(uuid.uuid4())})
    assert shown(planner, "mine") == [row.pk]
    row.refresh_from_db()
    assert row.owner == jana
    assert company.do(planning.assign, disruption_id=row.pk, person_id=999999).status == 404
