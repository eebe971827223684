"""Accepting an option and taking it back."""

from __future__ import annotations

import uuid
from decimal import Decimal

import pytest

from equipment import actions as equipment
from equipment.models import CalendarException
from mes.actor import Actor, Grant
from mes.clock import wall_now
from mes.commands import Outcome
from mes.models import Person, Role, RoleGrant, SitePlan, Task
from planning import actions as planning
from planning import snapshot
from planning.models import Decision, Disruption, Option
from tests.cast import HOUR
from tests.planning.conftest import DAY, Company
from workorders import actions as workorders


def plan_hash(company: Company) -> str:
    return snapshot.take(company.site.pk, wall_now=wall_now()).plan_hash


@pytest.fixture
def broken(company: Company) -> Company:
    """CNC-04 is down for four days; CNC-07 could do the work."""
    company.must(
        equipment.report_breakdown,
        unit_id=company.ids["CNC-04"],
        back_at=company.now + 96 * HOUR,
        said_by="T. Maintenance",
    )
    company.answer()
    return company


def best(company: Company, kind: str = "ALTERNATE_UNIT") -> Option:
    return Option.objects.filter(
        disruption=company.disruption("BREAKDOWN"), kind=kind, verdict="OFFERED"
    ).order_by("rank")[0]


def version(company: Company) -> int:
    return SitePlan.objects.get(site=company.site).plan_version


def accept(company: Company, option: Option, **values: object) -> Outcome:
    given = {"option_id": option.pk, "based_on_version": version(company), **values}
    return company.do(planning.accept, **given)


def test_doing_nothing_and_my_own_plan_are_always_there(broken: Company) -> None:
    options = Option.objects.filter(disruption=broken.disruption("BREAKDOWN"))
    assert set(options.values_list("slug", flat=True)) >= {"do-nothing", "mine"}
    assert broken.disruption("BREAKDOWN").summary["options_due"] is False
    assert broken.disruption("BREAKDOWN").summary["best"]["option_id"] == best(broken).pk


def test_what_an_option_saves_is_doing_nothing_less_extra_less_late_cost(broken: Company) -> None:
    total = Decimal(broken.impact("BREAKDOWN").figures["total"])
    offered = Option.objects.filter(
        disruption=broken.disruption("BREAKDOWN"), verdict="OFFERED"
    ).exclude(kind="MINE")
    assert offered.count() >= 2
    for option in offered:
        assert option.saves == total - option.cash - option.estimate - option.late_cost, option.slug


def test_an_accepted_option_moves_the_jobs_and_tells_the_station_why(broken: Company) -> None:
    option = best(broken)
    outcome = accept(broken, option, why="Voss first")
    assert outcome.ok, outcome.message
    moved = broken.job("WO-1", 10)
    assert moved.unit.code == "CNC-07"
    assert "CNC-04" in moved.moved_reason
    assert moved.moved_by == broken.actor.name
    assert broken.disruption("BREAKDOWN").state == "ACCEPTED"
    decision = Decision.objects.get(site=broken.site)
    assert decision.why == "Voss first"
    assert decision.plan_hash_after != decision.plan_hash_before
    assert decision.plan_hash_after == plan_hash(broken)
    plan = SitePlan.objects.get(site=broken.site)
    assert plan.committed_version == decision.version
    assert {seen["slug"] for seen in decision.seen} >= {"do-nothing", option.slug}


def test_the_plan_after_an_accept_is_what_the_option_predicted(broken: Company) -> None:
    option = best(broken)
    predicted = option.figures
    accept(broken, option)
    broken.answer()
    row = broken.disruption("BREAKDOWN")
    assert row.summary["late_lines"] == predicted["late_lines"]
    late = Decimal(predicted["late_cash"]) + Decimal(predicted["late_estimate"])
    assert late == Decimal(broken.impact("BREAKDOWN").figures["total"])


@pytest.mark.parametrize("kind", ["ALTERNATE_UNIT", "OVERTIME", "RESEQUENCE", "COMBINE"])
def test_accepting_and_undoing_gives_the_same_plan_hash(broken: Company, kind: str) -> None:
    options = Option.objects.filter(disruption=broken.disruption("BREAKDOWN"), kind=kind).exclude(
        verdict="IMPOSSIBLE"
    )
    if not options:
        pytest.skip(f"this plant has no {kind} to offer")
    before, committed = plan_hash(broken), SitePlan.objects.get(site=broken.site).committed_version
    outcome = accept(broken, options[0])
    assert outcome.ok, outcome.message
    assert plan_hash(broken) != before
    broken.answer()

    undone = broken.do(planning.undo, decision_id=outcome.response["decision_id"])
    assert undone.ok, undone.message
    assert plan_hash(broken) == before
    undo = Decision.objects.get(pk=undone.response["decision_id"])
    assert undo.plan_hash_after == before
    assert SitePlan.objects.get(site=broken.site).committed_version == committed
    assert broken.disruption("BREAKDOWN").state == "OPEN"


def test_a_decision_is_undone_once(broken: Company) -> None:
    decision_id = accept(broken, best(broken)).response["decision_id"]
    assert broken.do(planning.undo, decision_id=decision_id).ok
    again = broken.do(planning.undo, decision_id=decision_id)
    assert again.status == 409


def test_a_queue_that_somebody_changed_since_refuses_and_says_which(broken: Company) -> None:
    option, seen = best(broken), version(broken)
    queue = broken.queue("CNC-04")
    assert len(queue) == 2
    broken.must(
        workorders.set_queue, unit_id=broken.ids["CNC-04"], job_order_ids=[*reversed(queue)]
    )
    outcome = accept(broken, option, based_on_version=seen)
    assert outcome.status == 409
    assert "CNC-04" in outcome.message
    assert outcome.response["moved"] == [f"queue:{broken.ids['CNC-04']}"]
    assert not Decision.objects.exists()

    # The worker has answered meanwhile: an old page is refused just the same.
    broken.answer()
    assert accept(broken, best(broken), based_on_version=seen).status == 409
    assert accept(broken, best(broken)).ok


def test_a_version_that_moved_alone_refuses_nothing(broken: Company) -> None:
    option, seen = best(broken), version(broken)
    broken.receive("BAR", "L-2", 5)
    broken.answer()
    assert version(broken) > seen
    option.refresh_from_db()
    assert accept(broken, option, based_on_version=seen).ok


def test_an_option_that_became_worse_than_seen_refuses_with_both_figures(broken: Company) -> None:
    option, seen = best(broken), version(broken)
    broken.clock(broken.now + 30 * HOUR)
    outcome = accept(broken, option, based_on_version=seen)
    assert outcome.status == 409
    assert outcome.response["now"]["late_lines"] > outcome.response["then"]["late_lines"]


def test_an_undo_is_refused_when_the_moved_job_has_begun(broken: Company) -> None:
    decision_id = accept(broken, best(broken)).response["decision_id"]
    broken.clock(broken.now + HOUR)
    broken.must(workorders.start, job_order_id=broken.queue("CNC-07")[0])
    outcome = broken.do(planning.undo, decision_id=decision_id)
    assert outcome.status == 409
    assert "CNC-07" in outcome.message
    assert "07:00" in outcome.message


def test_an_undo_is_refused_when_somebody_decided_about_the_same_queue_since(
    broken: Company,
) -> None:
    decision_id = accept(broken, best(broken)).response["decision_id"]
    queue = broken.queue("CNC-07")
    assert len(queue) == 2
    broken.must(
        workorders.set_queue, unit_id=broken.ids["CNC-07"], job_order_ids=[*reversed(queue)]
    )
    outcome = broken.do(planning.undo, decision_id=decision_id)
    assert outcome.status == 409
    assert outcome.response["moved"] == [f"queue:{broken.ids['CNC-07']}"]


def test_spending_beyond_the_limit_is_refused_and_names_who_may(broken: Company) -> None:
    chief = Person.objects.create(name="M. Okafor")
    RoleGrant.objects.create(person=chief, role=Role.MANAGER, site=broken.site)
    option = best(broken)
    Option.objects.filter(pk=option.pk).update(rank=0)
    junior = Actor(
        name="Jana",
        grants={
            Role.PLANNER: Grant(Role.PLANNER, amount_limit=Decimal(-1), may_hurt_customer=True)
        },
    )
    broken.actor = junior
    outcome = accept(broken, option)
    assert outcome.status == 403
    assert outcome.response["code"] == "authority"
    assert "M. Okafor" in outcome.message
    assert not Decision.objects.exists()


def test_overtime_is_a_window_and_a_task_until_it_is_taken_back(broken: Company) -> None:
    options = Option.objects.filter(
        disruption=broken.disruption("BREAKDOWN"), figures__overtime_s__gt=0
    ).order_by("rank")
    option = options[0]
    outcome = accept(broken, option)
    assert outcome.ok, outcome.message
    windows = CalendarException.objects.filter(site=broken.site, removed_seq=None)
    assert windows.count() == len(option.figures["facts"]["windows"]) > 0
    tasks = Task.objects.filter(site=broken.site, role=Role.SUPERVISOR, done_at=None)
    assert tasks.count() == windows.count()
    broken.must(planning.undo, decision_id=outcome.response["decision_id"])
    assert not windows.all().exists()
    assert not tasks.all().exists()


def test_my_own_moves_are_accepted_like_any_option(broken: Company) -> None:
    mine = Option.objects.get(disruption=broken.disruption("BREAKDOWN"), slug="mine")
    changes = [
        {
            "kind": "move_job",
            "op_id": broken.job("WO-2", 10).pk,
            "to_unit_id": broken.ids["CNC-07"],
            "position": 0,
        }
    ]
    looked = planning.preview(mine, wall_now=wall_now(), changes=changes)
    assert [unit["unit"] for unit in looked["units"]] == ["CNC-04", "CNC-07"]
    outcome = accept(broken, mine, changes=changes)
    assert outcome.ok, outcome.message
    assert broken.job("WO-2", 10).unit.code == "CNC-07"


def test_another_return_time_ranks_anew_and_writes_nothing(broken: Company) -> None:
    row = broken.disruption("BREAKDOWN")
    before = list(row.options.order_by("pk").values_list("pk", "saves", "version"))
    name, at = f"UNIT_BACK:{row.subject_id}", broken.now + 2 * HOUR
    tried = planning.evaluate(row, name, at, actor=broken.actor, wall_now=wall_now())
    assert tried["at_stake"] == 0 < row.at_stake
    assert list(row.options.order_by("pk").values_list("pk", "saves", "version")) == before
    assert broken.disruption("BREAKDOWN").at_stake == row.at_stake


def test_a_repeated_accept_is_answered_and_not_applied_twice(broken: Company) -> None:
    option, key = best(broken), uuid.uuid4()
    values = {"option_id": option.pk, "based_on_version": version(broken)}
    first = broken.do(planning.accept, key=key, **values)
    second = broken.do(planning.accept, key=key, **values)
    assert second.replayed
    assert second.response == first.response
    assert Decision.objects.count() == 1


def test_a_standing_breakdown_cannot_be_closed_away(broken: Company) -> None:
    row = broken.disruption("BREAKDOWN")
    outcome = broken.do(planning.close, disruption_id=row.pk, reason="looks fine")
    assert outcome.status == 422
    assert "repair" in outcome.message


def test_a_snoozed_disruption_wakes_when_it_gets_worse(broken: Company) -> None:
    row = broken.disruption("BREAKDOWN")
    broken.must(planning.snooze, disruption_id=row.pk, until=None)
    broken.answer()
    assert broken.disruption("BREAKDOWN").state == "SNOOZED"
    broken.must(
        equipment.change_estimate,
        unit_id=broken.ids["CNC-04"],
        back_at=broken.now + 14 * DAY,
        said_by="T. Maintenance",
    )
    broken.answer()
    row = broken.disruption("BREAKDOWN")
    assert row.state == "OPEN"
    assert row.growing


def test_a_new_disruption_is_open_once_somebody_looked(broken: Company) -> None:
    row = broken.disruption("BREAKDOWN")
    assert row.state == Disruption.State.NEW
    broken.must(planning.mark_seen, disruption_id=row.pk)
    assert broken.disruption("BREAKDOWN").state == Disruption.State.OPEN


def test_the_sweeper_adds_up_to_when_the_best_option_is_the_best(broken: Company) -> None:
    assert planning.flip_points(broken.site.pk, wall_now=wall_now()) == 1
    flip = broken.impact("BREAKDOWN").figures["flip"]
    assert flip["unit"] == "CNC-04"
    assert flip["best"] == best(broken).slug
    assert flip["at"] < broken.disruption("BREAKDOWN").cause["until"]
    assert planning.flip_points(broken.site.pk, wall_now=wall_now()) == 0


def test_what_the_figures_assume_names_the_return_and_who_said_it(broken: Company) -> None:
    assumed = broken.impact("BREAKDOWN").figures["assumes"]
    assert len(assumed) <= 7
    assert (assumed[0]["kind"], assumed[0]["label"]) == ("UNIT_BACK", "CNC-04")
    assert (assumed[0]["guess"], assumed[0]["source"]) == (False, "T. Maintenance")
