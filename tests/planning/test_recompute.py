"""That every event is answered once, by whoever gets there first, and what happens if not."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import connection

from equipment import actions as equipment
from materials.models import CustomerLine
from mes.clock import wall_now
from mes.commands import Outcome
from mes.models import RoleGrant, SiteHead, SitePlan
from planning import actions as planning
from planning import rules, snapshot
from planning.actions import Result, disruptions
from planning.actions.lock import PLAN
from planning.actions.study import Study
from planning.management.commands.sweep import sweep
from planning.models import Decision, Disruption, Option, PlanVersion
from tests.cast import HOUR
from tests.planning.conftest import DAY, Company
from workorders import actions as workorders


def plan_of(company: Company) -> SitePlan:
    return SitePlan.objects.get(site=company.site)


def break_down(company: Company) -> None:
    company.must(
        equipment.report_breakdown,
        unit_id=company.ids["CNC-04"],
        back_at=company.now + 96 * HOUR,
        said_by="T. Maintenance",
    )


def in_threads(count: int, act: object) -> list[object]:
    """Run the same act on as many connections at the same moment."""
    gate, answers, problems = threading.Barrier(count), [], []

    def run() -> None:
        try:
            gate.wait(30)
            answers.append(act())  # type: ignore[operator]
        except Exception as problem:
            problems.append(problem)
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not problems, problems
    return answers


def test_nothing_to_answer_computes_nothing(company: Company) -> None:
    assert company.answer().state == "CURRENT"


def test_many_events_are_answered_by_one_computation(company: Company) -> None:
    before = plan_of(company)
    for number in range(8):
        company.receive("BAR", f"L-{number + 10}", 5)
    result = company.answer()
    after = plan_of(company)
    assert (result.state, result.events) == ("STORED", 8)
    assert after.plan_version == before.plan_version + 1
    assert after.computed_seq == SiteHead.objects.get(site=company.site).seq


def test_a_tick_without_news_stores_no_version(company: Company) -> None:
    before = plan_of(company)
    company.clock(company.now + timedelta(minutes=2))
    assert company.answer().state == "SAME"
    after = plan_of(company)
    assert after.plan_version == before.plan_version
    assert after.as_of == company.now


@pytest.mark.parametrize(("seconds", "looked"), [(-5, False), (0, True)])
def test_the_sweeper_looks_again_when_something_is_expected(
    committed_company: Company, seconds: int, looked: bool
) -> None:
    """Not only when a minute has passed."""
    company = committed_company
    company.must(workorders.start, job_order_id=company.job("WO-1", 10).pk)
    company.answer()
    expected_at = plan_of(company).next_at
    assert expected_at is not None
    company.clock(expected_at - timedelta(seconds=30))
    company.answer()
    SitePlan.objects.filter(site=company.site).update(computed_at=wall_now() - timedelta(minutes=1))
    company.clock(expected_at + timedelta(seconds=seconds))

    sweep(patience_s=3)

    assert (plan_of(company).as_of == company.now) is looked


def test_work_that_nobody_starts_becomes_a_later_delivery_by_the_clock_alone(
    company: Company,
) -> None:
    before = plan_of(company)
    company.clock(company.now + 3 * DAY)
    assert company.answer().state == "STORED"
    version = PlanVersion.objects.get(site=company.site, version=plan_of(company).plan_version)
    assert version.cause == "TICK"
    assert version.upto_seq == before.computed_seq
    assert version.figures["late_lines"] > 0


def test_a_bypass_of_the_actions_marks_the_site_and_is_answered(
    committed_company: Company,
) -> None:
    company = committed_company
    before = plan_of(company)
    CustomerLine.objects.filter(site=company.site).update(promised_at=company.now - DAY)
    assert plan_of(company).dirty
    assert company.answer().state == "STORED"
    after = plan_of(company)
    assert not after.dirty
    assert after.computed_seq == before.computed_seq
    version = PlanVersion.objects.get(site=company.site, version=after.plan_version)
    assert version.cause == "ENGINE"
    assert version.figures["late_lines"] == 2


def test_a_cold_process_projects_the_same_as_the_one_that_stored_it(company: Company) -> None:
    company.must(workorders.start, job_order_id=company.job("WO-1", 10).pk)
    company.clock(company.now + HOUR)
    company.report(company.job("WO-1", 10), 20, scrap=2)
    break_down(company)
    company.answer()
    plan = plan_of(company)
    stored = PlanVersion.objects.get(site=company.site, version=plan.plan_version)
    snapshot._BUILT.clear()
    study = Study(snapshot.take(company.site.pk, wall_now=wall_now()))
    out = study.projection
    assert bytes(stored.job_ids or b"") == study.plant.op_id.astype("<i8").tobytes()
    assert bytes(stored.times or b"") == rules.pack(out.op_start, out.op_end)
    assert bytes(stored.line_times or b"") == rules.pack(
        out.line_ready, out.line_ship, out.line_arrive
    )


def test_a_site_that_cannot_be_computed_keeps_its_plan_says_so_and_recovers(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = plan_of(company)
    company.receive("BAR", "L-2", 5)
    with connection.cursor() as cursor:
        cursor.execute(
            "update workorders_joborder set run_s = 99999999999 where id = %s",
            [company.job("WO-1", 10).pk],
        )
    results = [company.answer().state for _ in range(4)]
    assert results == ["FAILED"] * 4
    plan = plan_of(company)
    assert (plan.plan_version, plan.computed_seq) == (before.plan_version, before.computed_seq)
    assert plan.failures == 3
    assert "operation" in plan.failure

    with connection.cursor() as cursor:
        cursor.execute(
            "update workorders_joborder set run_s = 60 where id = %s",
            [company.job("WO-1", 10).pk],
        )
    assert planning.tick(company.site.pk, wall_now=wall_now()).state == "STORED"
    plan = plan_of(company)
    assert (plan.failures, plan.failure) == (0, "")


def test_who_takes_a_disruption_while_it_is_computed_keeps_it(
    committed_company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    company = committed_company
    break_down(company)
    company.answer()
    row, person_id = company.disruption("BREAKDOWN"), company.actor.person_id
    assert person_id is not None
    RoleGrant.objects.get_or_create(site=company.site, person_id=person_id, role="PLANNER")
    find = disruptions.find
    taking: list[threading.Thread] = []

    def take() -> None:
        company.must(planning.assign, disruption_id=row.pk, person_id=person_id)
        connection.close()

    def found(study: Study) -> disruptions.Found:
        read = find(study)
        if not taking:
            taking.append(threading.Thread(target=take))
            taking[0].start()
            taking[0].join(0.5)
        return read

    monkeypatch.setattr(disruptions, "find", found)
    company.receive("BAR", "L-2", 5)
    company.answer()
    taking[0].join(30)

    assert company.disruption("BREAKDOWN").owner_id == person_id


def test_of_many_that_want_to_recompute_one_does(committed_company: Company) -> None:
    company = committed_company
    company.receive("BAR", "L-2", 5)
    before = plan_of(company)
    results = in_threads(6, company.answer)
    states = [result.state for result in results if isinstance(result, Result)]
    assert states.count("STORED") == 1
    assert set(states) <= {"STORED", "BUSY", "CURRENT"}
    assert plan_of(company).plan_version == before.plan_version + 1


def test_of_many_that_accept_at_once_exactly_one_does(committed_company: Company) -> None:
    company = committed_company
    break_down(company)
    company.answer()
    row = company.disruption("BREAKDOWN")
    option = Option.objects.filter(disruption=row, kind="ALTERNATE_UNIT", verdict="OFFERED")[0]
    version = plan_of(company).plan_version

    def accept() -> Outcome:
        return company.do(planning.accept, option_id=option.pk, based_on_version=version)

    outcomes = in_threads(4, accept)
    statuses = sorted(outcome.status for outcome in outcomes if isinstance(outcome, Outcome))
    assert statuses == [200, 409, 409, 409]
    assert Decision.objects.count() == 1


def test_the_sweeper_answers_what_the_bell_missed_without_a_broker(
    committed_company: Company, settings: object
) -> None:
    company = committed_company
    break_down(company)
    assert plan_of(company).computed_seq < SiteHead.objects.get(site=company.site).seq
    call_command("sweep", "--once", "--patience", "0")
    assert plan_of(company).computed_seq == SiteHead.objects.get(site=company.site).seq
    assert company.disruption("BREAKDOWN").state == "NEW"


def test_the_sweeper_leaves_an_event_to_the_worker_for_a_while(committed_company: Company) -> None:
    company = committed_company
    break_down(company)
    call_command("sweep", "--once", "--patience", "60")
    assert not Disruption.objects.filter(site=company.site).exists()


def test_what_a_killed_worker_left_is_finished_by_the_sweeper(committed_company: Company) -> None:
    company = committed_company
    break_down(company)
    # What a kill -9 between reading and storing leaves: the mark of an attempt, no answer.
    seq = SiteHead.objects.get(site=company.site).seq
    SitePlan.objects.filter(site=company.site).update(failures=1, failure=f"{seq}: under way")
    call_command("sweep", "--once", "--patience", "0")
    plan = plan_of(company)
    assert (plan.computed_seq, plan.failures) == (seq, 0)
    assert company.disruption("BREAKDOWN").summary["options_due"] is False


def test_options_that_a_killed_worker_owed_are_made_later(committed_company: Company) -> None:
    company = committed_company
    break_down(company)
    company.answer()
    row = company.disruption("BREAKDOWN")
    Option.objects.filter(disruption=row).delete()
    Disruption.objects.filter(pk=row.pk).update(summary={**row.summary, "options_due": True})
    call_command("sweep", "--once", "--patience", "0")
    assert Option.objects.filter(disruption=row).exists()


def test_a_site_that_somebody_computes_is_left_alone(committed_company: Company) -> None:
    company = committed_company
    break_down(company)
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_lock(%s, %s)", [PLAN, company.site.pk])
        try:
            (result,) = in_threads(1, company.answer)
        finally:
            cursor.execute("select pg_advisory_unlock(%s, %s)", [PLAN, company.site.pk])
    assert isinstance(result, Result)
    assert result.state == "BUSY"
