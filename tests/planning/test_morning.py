"""The morning page: the day in figures that equal the decision log's."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from django.test import Client

from equipment import actions as equipment
from mes.actions import finish_task
from mes.models import Role, Task
from planning import actions, rules
from planning.models import Decision, Disruption, Option, PlanVersion
from tests.cast import HOUR, SHIFT_START
from tests.planning.conftest import Company
from tests.planning.test_calls import signed_in
from workorders import actions as workorders

MINUTE = timedelta(minutes=1)


@pytest.fixture
def manager(company: Company) -> Client:
    return signed_in(company, "mia", Role.MANAGER)


def broken(company: Company) -> Disruption:
    company.must(
        equipment.report_breakdown,
        unit_id=company.ids["CNC-04"],
        back_at=company.now + 96 * HOUR,
        said_by="T. Maintenance",
    )
    company.answer()
    return company.disruption("BREAKDOWN")


def accept_best(company: Company) -> Decision:
    option = Option.objects.filter(
        disruption=company.disruption("BREAKDOWN"), kind="ALTERNATE_UNIT", verdict="OFFERED"
    ).order_by("rank")[0]
    version = PlanVersion.objects.current(company.site)
    assert version is not None
    made = company.must(actions.accept, option_id=option.pk, based_on_version=version.version)
    company.answer()
    return Decision.objects.get(pk=made["decision_id"])


def test_a_quiet_day_says_so(manager: Client) -> None:
    page = manager.get("/morning/")
    words = page.content.decode()
    for said in ("Nothing was decided", "Nothing waits", "Nothing went wrong", "on time"):
        assert said in words


def test_what_waits_and_what_is_late_is_named_with_its_money(
    company: Company, manager: Client
) -> None:
    row = broken(company)
    page = manager.get("/morning/").context
    [waits] = page["waits"]["rows"]
    assert (waits["level"], waits["stake"]) == (row.priority, row.at_stake)
    assert page["waits"]["unseen"] == 1
    assert page["kinds"]["total"] == {
        "opened": 1,
        "decided": 0,
        "over": 0,
        "waits": 1,
        "stake": row.at_stake,
    }
    late = page["late"]
    assert late["count"] == len(late["rows"]) == 2
    assert late["total"] == sum(each["cost"] for each in late["rows"])
    version = PlanVersion.objects.current(company.site)
    assert version is not None
    standing = version.figures["standing"].values()
    assert late["total"] == rules.decimal(sum(cash + guess for _s, cash, guess in standing))


def test_the_steps_of_a_decision_and_its_saving_equal_the_log(
    company: Company, manager: Client
) -> None:
    row, began = broken(company), company.now
    company.clock(began + 3 * MINUTE)
    company.must(actions.mark_seen, disruption_id=row.pk)
    company.clock(began + 10 * MINUTE)
    decision = accept_best(company)

    page = manager.get("/morning/").context
    [decided] = page["decided"]["rows"]
    assert (decided["steps"].seen_s, decided["steps"].decided_s) == (180, 600)
    log = [each for each in manager.get("/decisions/").context["rows"] if each["undone"] is None]
    assert page["decided"]["count"] == len(log)
    assert page["decided"]["saving"] == sum(each["saving"] for each in log)
    assert page["decided"]["saving"] == Decimal(decision.predicted["saves"])
    assert page["decided"]["median_s"] == 600
    assert page["kinds"]["total"]["decided"] == 1


def test_a_decision_is_confirmed_when_its_last_task_is_done(
    company: Company, manager: Client
) -> None:
    broken(company)
    began = company.now
    decision = accept_best(company)
    Task.objects.filter(subject_type="decision", subject_id=decision.pk).delete()
    tasks = [
        Task.objects.create(
            site=company.site,
            role=Role.SUPERVISOR,
            text=text,
            subject_type="decision",
            subject_id=decision.pk,
            created_at=company.now,
        )
        for text in ("Confirm overtime", "Fetch the fixture")
    ]
    company.clock(began + 20 * MINUTE)
    company.must(finish_task, task_id=tasks[0].pk)
    [row] = manager.get("/morning/").context["decided"]["rows"]
    assert (row["open_tasks"], row["steps"].confirmed_s) == (1, None)
    company.clock(began + 30 * MINUTE)
    company.must(finish_task, task_id=tasks[1].pk)
    [row] = manager.get("/morning/").context["decided"]["rows"]
    assert (row["open_tasks"], row["steps"].confirmed_s) == (0, 1800)


def test_what_was_undone_stands_there_and_saves_nothing(company: Company, manager: Client) -> None:
    broken(company)
    decision = accept_best(company)
    company.must(actions.undo, decision_id=decision.pk)
    company.answer()
    decided = manager.get("/morning/").context["decided"]
    assert (len(decided["rows"]), decided["count"], decided["undone"]) == (1, 0, 1)
    assert decided["saving"] == 0
    assert decided["median_s"] is None


def test_yesterdays_decisions_are_not_todays(company: Company, manager: Client) -> None:
    broken(company)
    accept_best(company)
    company.clock(company.now + 25 * HOUR)
    page = manager.get("/morning/").context
    assert page["decided"]["rows"] == []
    assert page["kinds"]["rows"] == []


def test_who_may_not_see_the_morning_is_told_whose_it_is(company: Company) -> None:
    page = signed_in(company, "petra", Role.OPERATOR).get("/morning/")
    assert page.status_code == 403


@pytest.mark.parametrize(
    ("happened", "seen", "confirmed", "steps"),
    [
        (0, 5, 60, (300, 600, 3600)),
        (0, None, None, (600, 600, None)),
        (0, 99, 60, (600, 600, 3600)),  # looked at again after it was decided
        (15, 5, None, (0, 0, None)),  # told late
    ],
)
def test_a_step_is_never_before_the_one_before_it(
    happened: int, seen: int | None, confirmed: int | None, steps: tuple[int, int, int | None]
) -> None:
    def at(minute: int | None) -> object:
        return None if minute is None else SHIFT_START + minute * MINUTE

    found = rules.steps_of_a_decision(at(happened), at(seen), at(10), at(confirmed))  # type: ignore[arg-type]
    assert (found.seen_s, found.decided_s, found.confirmed_s) == steps


def test_the_steps_of_what_nobody_recorded_are_unknown() -> None:
    found = rules.steps_of_a_decision(None, None, SHIFT_START, None)
    assert (found.seen_s, found.decided_s, found.confirmed_s) == (None, None, None)


def test_a_decision_has_five_stamps_and_a_row_that_came_back_keeps_its_own(
    company: Company, manager: Client
) -> None:
    row, began = broken(company), company.now
    company.clock(began + 3 * MINUTE)
    company.must(actions.mark_seen, disruption_id=row.pk)
    company.clock(began + 10 * MINUTE)
    option = Option.objects.filter(disruption=row, figures__overtime_s__gt=0).order_by("rank")[0]
    version = PlanVersion.objects.current(company.site)
    assert version is not None
    made = company.must(actions.accept, option_id=option.pk, based_on_version=version.version)
    company.answer()
    decision = Decision.objects.get(pk=made["decision_id"])
    assert (decision.saved_at, decision.seen_at) == (began, began + 3 * MINUTE)
    [shown] = manager.get("/decisions/").context["rows"]
    asked = decision.consents.count()
    assert (shown["steps"].open, shown["steps"].running) == (asked, None)
    company.clock(began + 20 * MINUTE)
    for consent in decision.consents.all():
        company.must(actions.agree, consent_id=consent.pk)
    begins = min(
        datetime.fromisoformat(each.facts["starts_at"]) for each in decision.consents.all()
    )
    company.clock(begins + MINUTE)
    [shown] = manager.get("/decisions/").context["rows"]
    steps = shown["steps"].took
    assert (steps.seen_s, steps.decided_s, steps.confirmed_s) == (180, 600, 1200)
    assert steps.running_s == (begins - began).total_seconds()
    page = manager.get("/decisions/").content.decode()
    for said in ("saved", "seen after", "decided after", "confirmed after", "running after"):
        assert said in page
    Disruption.objects.filter(pk=row.pk).update(seen_at=None, opened_at=company.now)
    [shown] = manager.get("/decisions/").context["rows"]
    assert shown["steps"].took == steps


def test_it_runs_when_a_job_that_it_moved_begins(company: Company, manager: Client) -> None:
    broken(company)
    decision = accept_best(company)
    company.clock(company.now + 5 * MINUTE)
    company.must(workorders.start, job_order_id=company.queue("CNC-07")[0])
    [shown] = manager.get("/decisions/").context["rows"]
    assert shown["steps"].running == decision.at + 5 * MINUTE
