"""A decision that needs a yes is tentative; a no, or silence, takes it out whole or not at all."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from equipment import actions as equipment
from equipment.models import CalendarException
from mes.actor import Actor, Grant
from mes.clock import wall_now
from mes.commands import Outcome
from mes.models import Notice, Person, Role, RoleGrant, SitePlan, Task
from planning import actions as planning
from planning import snapshot, words
from planning.actions import consents
from planning.management.commands.sweep import CONSENTS, _sites
from planning.models import Consent, Decision, Disruption, Option
from tests.cast import HOUR
from tests.planning.conftest import Company
from tests.planning.test_calls import signed_in
from workorders import actions as workorders


def plan_hash(company: Company) -> str:
    return snapshot.take(company.site.pk, wall_now=wall_now()).plan_hash


@pytest.fixture
def broken(company: Company) -> Company:
    company.must(
        equipment.report_breakdown,
        unit_id=company.ids["CNC-04"],
        back_at=company.now + 96 * HOUR,
        said_by="T. Maintenance",
    )
    company.answer()
    return company


@pytest.fixture
def chief(company: Company) -> Actor:
    person = Person.objects.create(name="M. Okafor")
    return Actor(person.name, person.pk, grants={Role.SUPERVISOR: Grant(Role.SUPERVISOR)})


def accept_overtime(company: Company) -> Decision:
    option = Option.objects.filter(
        disruption=company.disruption("BREAKDOWN"), figures__overtime_s__gt=0
    ).order_by("rank")[0]
    version = SitePlan.objects.get(site=company.site).plan_version
    made = company.must(planning.accept, option_id=option.pk, based_on_version=version)
    assert made["tentative"]
    return Decision.objects.get(pk=made["decision_id"])


def say(company: Company, actor: Actor, act: Any, **values: Any) -> Outcome:
    before, company.actor = company.actor, actor
    try:
        return company.do(act, **values)
    finally:
        company.actor = before


def windows(company: Company) -> int:
    return CalendarException.objects.filter(site=company.site, removed_seq=None).count()


def asked(decision: Decision) -> list[Consent]:
    return list(decision.consents.order_by("latest_at", "pk"))


def test_overtime_is_asked_of_the_supervisor_until_it_would_begin(broken: Company) -> None:
    decision = accept_overtime(broken)
    for consent in asked(decision):
        assert (consent.who, consent.role, consent.state) == ("OVERTIME", "SUPERVISOR", "ASKED")
        begins = words.instant(consent.facts["starts_at"])
        assert begins is not None
        assert broken.now < consent.latest_at <= begins
        task = Task.objects.get(subject_type="consent", subject_id=consent.pk)
        assert (task.role, task.due_at, task.done_at) == ("SUPERVISOR", consent.latest_at, None)
        assert "overtime" in task.text


def test_the_last_yes_makes_it_firm(broken: Company, chief: Actor) -> None:
    decision = accept_overtime(broken)
    before, answers = plan_hash(broken), []
    for consent in asked(decision):
        outcome = say(broken, chief, planning.agree, consent_id=consent.pk)
        assert outcome.ok, outcome.message
        answers.append(outcome.response["firm"])
    assert answers == [False] * (len(answers) - 1) + [True]
    assert {each.state for each in asked(decision)} == {"AGREED"}
    assert {each.answered_by_id for each in asked(decision)} == {chief.person_id}
    assert plan_hash(broken) == before
    assert not Task.objects.filter(subject_type="consent", done_at=None).exists()
    assert broken.disruption("BREAKDOWN").state == "ACCEPTED"


def test_a_refusal_takes_all_of_it_out_and_brings_the_disruption_back_costed_anew(
    broken: Company, chief: Actor
) -> None:
    before = plan_hash(broken)
    stake = broken.disruption("BREAKDOWN").at_stake
    decision = accept_overtime(broken)
    broken.answer()
    assert broken.disruption("BREAKDOWN").at_stake < stake
    assert plan_hash(broken) != before
    consent = asked(decision)[0]
    outcome = say(broken, chief, planning.refuse, consent_id=consent.pk, reason="no crew")
    assert outcome.ok, outcome.message
    assert plan_hash(broken) == before
    assert windows(broken) == 0
    assert decision.undone_by.why == "overtime on " + consent.facts["unit"] + (
        " refused by M. Okafor: no crew"
    )
    row = broken.disruption("BREAKDOWN")
    assert (row.state, words.state(row)) == ("NEW", "BACK")
    assert words.came_back(row).startswith("Back again: overtime on")
    assert {each.state for each in asked(decision)} <= {"REFUSED", "WITHDRAWN"}
    assert not Task.objects.filter(subject_type="consent", done_at=None).exists()
    broken.answer()
    row = broken.disruption("BREAKDOWN")
    assert row.at_stake == stake
    assert row.summary["options_due"] is False
    version = SitePlan.objects.get(site=broken.site).plan_version
    assert set(row.options.values_list("version", flat=True)) == {version}


def test_silence_past_the_latest_time_is_a_no(broken: Company) -> None:
    before = plan_hash(broken)
    decision = accept_overtime(broken)
    assert decision.person is not None
    RoleGrant.objects.create(person=decision.person, role=Role.PLANNER, site=broken.site)
    first = asked(decision)[0]
    broken.clock(first.latest_at - timedelta(minutes=1))
    assert _sites(CONSENTS, now=wall_now()) == []
    assert planning.lapse_overdue(broken.site.pk, wall_now=wall_now()) == []
    broken.clock(first.latest_at)
    assert _sites(CONSENTS, now=wall_now()) == [broken.site.pk]
    assert first.pk in planning.lapse_overdue(broken.site.pk, wall_now=wall_now())
    first.refresh_from_db()
    assert (first.state, first.answered_by) == ("LAPSED", None)
    assert plan_hash(broken) == before
    row = broken.disruption("BREAKDOWN")
    assert row.state in ("NEW", "OPEN")
    assert "nobody agreed" in row.back["why"]
    told = Notice.objects.get(person=decision.person, kind="ANSWERED")
    assert told.text == f"Decide anew, {row.back['why']}: {decision.title}"


def test_a_no_that_comes_too_late_leaves_the_decision_whole_and_says_why(
    broken: Company, chief: Actor
) -> None:
    decision = accept_overtime(broken)
    moved = [row["op_id"] for row in decision.changes if row["kind"] == "move_job"]
    if not moved:
        queue = broken.queue("CNC-07")
        broken.must(
            workorders.set_queue, unit_id=broken.ids["CNC-07"], job_order_ids=[*reversed(queue)]
        )
    else:
        broken.clock(broken.now + HOUR)
        broken.must(workorders.start, job_order_id=broken.queue("CNC-07")[0])
    before, events = plan_hash(broken), len(broken.kinds())
    consent = asked(decision)[0]
    outcome = say(broken, chief, planning.refuse, consent_id=consent.pk, reason="no crew")
    assert outcome.ok, outcome.message
    assert plan_hash(broken) == before
    assert not Decision.objects.filter(undo_of=decision).exists()
    assert broken.kinds()[events:] == ["planning.consent.answered"]
    row = broken.disruption("BREAKDOWN")
    assert row.state == "NEW"
    assert row.back["stays"]
    assert row.back["stays"] in words.came_back(row)
    task = Task.objects.get(role=Role.PLANNER, subject_type="decision", done_at=None)
    assert "no crew" in task.text


def test_only_who_is_asked_may_answer_and_a_no_needs_a_reason(
    broken: Company, chief: Actor
) -> None:
    consent = asked(accept_overtime(broken))[0]
    buyer = Actor("Rui", grants={Role.BUYER: Grant(Role.BUYER)})
    assert say(broken, buyer, planning.agree, consent_id=consent.pk).status == 403
    assert say(broken, chief, planning.refuse, consent_id=consent.pk, reason=" ").status == 422
    consent.refresh_from_db()
    assert consent.state == "ASKED"
    assert say(broken, chief, planning.agree, consent_id=consent.pk).ok
    again = say(broken, chief, planning.refuse, consent_id=consent.pk, reason="no crew")
    assert again.status == 409


def test_a_deputy_answers_in_the_name_of_whom_he_stands_in_for(
    broken: Company, chief: Actor
) -> None:
    consent = asked(accept_overtime(broken))[0]
    assert chief.person_id is not None
    other = Person.objects.create(name="J. Deputy")
    deputy = Actor(other.name, other.pk, stands_in={chief.person_id: tuple(chief.grants.values())})
    assert say(broken, deputy, planning.agree, consent_id=consent.pk).ok
    consent.refresh_from_db()
    assert (consent.answered_by_id, consent.on_behalf_of_id) == (other.pk, chief.person_id)
    event = broken.newest("planning.consent.answered")
    assert (event.person_id, event.on_behalf_of_id) == (other.pk, chief.person_id)


def test_who_takes_a_tentative_decision_back_asks_nobody_any_more(broken: Company) -> None:
    decision = accept_overtime(broken)
    broken.must(planning.undo, decision_id=decision.pk)
    assert {each.state for each in asked(decision)} == {"WITHDRAWN"}
    assert not Task.objects.filter(subject_type="consent", done_at=None).exists()
    row = broken.disruption("BREAKDOWN")
    assert (row.state, row.back) == (Disruption.State.OPEN, {})


def test_who_is_asked_has_a_quarter_of_an_hour_at_least(broken: Company) -> None:
    for consent in asked(accept_overtime(broken)):
        assert consent.latest_at >= consent.asked_at + consents.AT_LEAST


def pages(company: Company, client: Client) -> dict[str, str]:
    """What the pages say while a decision waits, by path."""
    number = company.disruption("BREAKDOWN").pk
    paths = ["/tower/", "/tower/?tab=watching", f"/disruptions/{number}/", "/decisions/", "/tasks/"]
    paths += ["/floor/CNC-07/", "/work-orders/", "/work-orders/WO-1/", "/equipment/", "/morning/"]
    return {path: client.get(path).content.decode() for path in paths}


def test_it_is_marked_on_every_page_until_it_is_firm(broken: Company, chief: Actor) -> None:
    decision = accept_overtime(broken)
    broken.answer()
    unit = asked(decision)[0].facts["unit"]
    admin = signed_in(broken, "boss", Role.ADMIN)
    marked = pages(broken, admin)
    for path, page in marked.items():
        if path in ("/tasks/", "/morning/", "/floor/CNC-07/"):
            continue
        if path.startswith("/work-orders") and not any(
            row["kind"] == "move_job" for row in decision.changes
        ):
            continue
        assert "Tentative" in page, path
    assert "Agree" in marked["/tasks/"]
    assert "Refuse" in marked["/tasks/"]
    client = signed_in(broken, "walker", Role.SUPERVISOR)
    assert "Tentative" in client.get(f"/floor/{unit}/").content.decode()
    for consent in asked(decision):
        assert say(broken, chief, planning.agree, consent_id=consent.pk).ok
    for path, page in pages(broken, admin).items():
        assert "Tentative" not in page, path


def test_the_supervisor_refuses_from_his_tasks(broken: Company) -> None:
    decision = accept_overtime(broken)
    consent = asked(decision)[0]
    client = signed_in(broken, "boss", Role.SUPERVISOR)
    answer = client.post(
        f"/consents/{consent.pk}/refuse/", {"reason": "no crew", "key": str(uuid.uuid4())}
    )
    assert answer.status_code == 302, answer.content
    assert str(decision.undone_by.person) == "Boss"
    row = broken.disruption("BREAKDOWN")
    page = client.get(f"/disruptions/{row.pk}/").content.decode()
    assert "Back again: overtime on" in page
    assert "no crew" in client.get("/tower/").content.decode()
