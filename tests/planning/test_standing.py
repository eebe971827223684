"""What is decided by a rule, at 02:00, and what is passed on because nobody decided it."""

from __future__ import annotations

import time
import uuid
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from django.test import Client

from equipment import actions as equipment
from mes.access import actor_for
from mes.actor import Actor, Grant
from mes.clock import wall_now
from mes.commands import Outcome
from mes.models import Notice, Person, Role, RoleGrant, Task
from planning import actions as planning
from planning import snapshot
from planning.actions.escalate import SOONEST, STEPS
from planning.management.commands.sweep import UNDECIDED, _sites
from planning.models import Decision, Disruption, Escalation, Option, StandingDecision
from tests.cast import HOUR
from tests.planning.conftest import Company
from tests.planning.test_calls import signed_in

MINUTE = timedelta(minutes=1)
DAY_SHIFT = "Mon-Fri 06:00-22:00"
NIGHT = "Mon-Sun 22:00-06:00"


@pytest.fixture
def jana(company: Company) -> Person:
    """The planner, by day; Ondrej is on call at night."""
    made = Person.objects.create(name="Jana Marek")
    RoleGrant.objects.create(
        person=made, role=Role.PLANNER, site=company.site, hours=DAY_SHIFT,
        amount_limit=Decimal(2500), may_touch_frozen=True,
    )  # fmt: skip
    ondrej = Person.objects.create(name="Ondrej Call")
    RoleGrant.objects.create(
        person=ondrej, role=Role.PLANNER, site=company.site, hours=DAY_SHIFT, on_call=NIGHT
    )
    for what in ("SETUP_HOUR", "UNIT_HOUR"):
        company.must(
            equipment.add_rate, what=what, amount=Decimal(20), source="test", owner="test",
            valid_from=company.now - timedelta(days=1),
        )  # fmt: skip
    company.actor = actor_for(made, company.site)
    return made


def write(company: Company, **values: object) -> Outcome:
    given = {"rule_name": "Night: turning", "amount_limit": Decimal(1000), **values}
    return company.do(planning.save_rule, **given)


def at_night(company: Company) -> datetime:
    """Tuesday 02:00."""
    company.clock((company.now + timedelta(days=1)).replace(hour=2))
    return company.now


def break_down(company: Company) -> Disruption:
    person = company.actor
    company.actor = Actor("T. Night", grants={Role.MAINTENANCE: Grant(Role.MAINTENANCE)})
    company.must(
        equipment.report_breakdown,
        unit_id=company.ids["CNC-04"],
        back_at=company.now + 96 * HOUR,
        said_by="T. Night",
    )
    company.actor = person
    company.answer()
    return company.disruption("BREAKDOWN")


def apply(company: Company) -> list[int]:
    return planning.apply_rules(company.site.pk, wall_now=wall_now())


def plan_hash(company: Company) -> str:
    return snapshot.take(company.site.pk, wall_now=wall_now()).plan_hash


def test_a_breakdown_at_two_is_answered_by_the_rule_and_its_writer_is_told(
    company: Company, jana: Person
) -> None:
    assert write(company, cause="BREAKDOWN", option_kind="ALTERNATE_UNIT").ok
    at_night(company)
    row = break_down(company)
    before = plan_hash(company)
    best = Option.objects.filter(disruption=row, kind="ALTERNATE_UNIT").order_by("rank")[0]
    [decision_id] = apply(company)
    decision = Decision.objects.get(pk=decision_id)
    assert (decision.person, decision.on_behalf_of) == (None, jana)
    assert decision.rule == StandingDecision.objects.get()
    assert (decision.kind, decision.changes) == ("ALTERNATE_UNIT", best.changes)
    assert company.disruption("BREAKDOWN").state == "ACCEPTED"
    assert company.newest("planning.option.accepted").on_behalf_of_id == jana.pk
    told = Task.objects.get(person=jana, done_at=None)
    assert "Night: turning" in told.text
    company.answer()
    assert apply(company) == []
    client = signed_in(company, "mia", Role.MANAGER)
    for path in ("/tower/", "/decisions/", "/morning/"):
        page = client.get(path).content.decode()
        assert "Decided by rule Night: turning for Jana Marek" in page, path
    assert "1 decision" in client.get("/rules/").content.decode()

    undone = company.do(planning.undo, decision_id=decision_id)
    assert undone.ok, undone.message
    assert plan_hash(company) == before
    company.answer()
    assert apply(company) == [], "who takes it back has the last word"


def test_without_a_rule_it_reaches_who_is_on_call_before_it_is_too_late(
    company: Company, jana: Person
) -> None:
    at_night(company)
    row = break_down(company)
    best = row.options.offered_answers()[0]
    assert best.decide_by is not None
    company.clock(best.decide_by - SOONEST - MINUTE)
    assert planning.watch_decisions(company.site.pk, wall_now=wall_now()) == []
    company.clock(best.decide_by - SOONEST)
    assert planning.watch_decisions(company.site.pk, wall_now=wall_now()) == [row.pk]
    task = Task.objects.get(subject_type="disruption")
    assert (str(task.person), task.due_at) == ("Ondrej Call", best.decide_by)
    assert task.text.startswith("Decide by")
    told = Notice.objects.get(kind="ESCALATED")
    assert (told.person, told.text) == (task.person, task.text)
    assert planning.watch_decisions(company.site.pk, wall_now=wall_now()) == []
    page = signed_in(company, "mia", Role.MANAGER).get("/tower/").content.decode()
    assert "escalated to Ondrej Call" in page


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        ({"cause": "HOLD"}, "another cause"),
        ({"option_kind": "SUBCONTRACT"}, "another option"),
        ({"amount_limit": Decimal(0), "option_kind": "OVERTIME"}, "too dear"),
        ({"applies": "HOURS", "hours": "Mon-Fri 06:00-14:00"}, "another time"),
        ({"place": "CNC-07"}, "another machine"),
    ],
)
def test_a_rule_that_does_not_fit_decides_nothing(
    company: Company, jana: Person, rule: dict[str, object], why: str
) -> None:
    place = rule.pop("place", None)
    given = {**rule, "place_id": company.ids[str(place)]} if place else rule
    assert write(company, **given).ok
    at_night(company)
    row = break_down(company)
    assert row.options.offered_answers().exists()
    assert apply(company) == [], why
    assert company.disruption("BREAKDOWN").state == "NEW"


@pytest.mark.parametrize("applies", ["OFF_DUTY", "ALWAYS"])
def test_by_day_only_a_rule_that_always_holds_decides(
    company: Company, jana: Person, applies: str
) -> None:
    assert write(company, applies=applies).ok
    break_down(company)
    assert bool(apply(company)) is (applies == "ALWAYS")


def test_a_rule_goes_no_further_than_its_writer_does_today(company: Company, jana: Person) -> None:
    assert write(company, amount_limit=Decimal("2500.01")).status == 403
    assert write(company).ok
    RoleGrant.objects.filter(person=jana).update(amount_limit=Decimal(-1))
    at_night(company)
    break_down(company)
    assert apply(company) == []
    assert not Decision.objects.exists()
    RoleGrant.objects.filter(person=jana).delete()
    assert apply(company) == []


def test_a_rule_of_a_place_holds_for_what_lies_in_it(company: Company, jana: Person) -> None:
    area = company.must(equipment.add_equipment, code="A1", name="Turning", level="AREA")
    unit = company.unit("CNC-04")
    unit.parent_id = area["equipment_id"]
    unit.save()
    assert write(company, place_id=area["equipment_id"]).ok
    at_night(company)
    break_down(company)
    assert len(apply(company)) == 1


def test_a_rule_does_not_decide_what_costs_nobody_knows_how_much(
    company: Company, jana: Person
) -> None:
    assert write(company, applies="ALWAYS").ok
    row = break_down(company)
    for option in row.options.all():
        option.figures = {**option.figures, "unknown": ["SETUP"]}
        option.save()
    assert apply(company) == []


def test_a_rule_that_is_switched_off_decides_nothing(company: Company, jana: Person) -> None:
    rule_id = write(company).response["rule_id"]
    company.must(planning.switch_rule, rule_id=rule_id, active=False)
    at_night(company)
    row = break_down(company)
    assert apply(company) == []
    company.must(planning.switch_rule, rule_id=rule_id, active=True)
    sites = _sites(UNDECIDED, now=wall_now(), soonest=timedelta())
    assert sites == [company.site.pk]
    assert len(apply(company)) == 1
    assert row.pk == Decision.objects.get().disruption_id
    assert StandingDecision.history.count() == 3
    assert company.kinds().count("planning.standing_decision.changed") == 3


@pytest.mark.parametrize(
    "wrong", [{"rule_name": " "}, {"applies": "HOURS", "hours": "at night"}, {"applies": "HOURS"}]
)
def test_a_rule_that_says_nothing_is_refused(
    company: Company, jana: Person, wrong: dict[str, object]
) -> None:
    assert write(company, **wrong).status == 422
    assert not StandingDecision.objects.exists()


def test_a_planner_writes_a_rule_on_its_page_and_switches_it_off(company: Company) -> None:
    client = signed_in(company, "jana", Role.PLANNER)
    assert "No rule yet" in client.get("/rules/").content.decode()
    form = {"name": "Night", "amount_limit": "500", "applies": "HOURS", "cause": "BREAKDOWN"}
    wrong = client.post("/rules/new/", {**form, "key": str(uuid.uuid4())})
    assert wrong.status_code == 422
    assert "Mon-Fri" in wrong.content.decode()
    right = {**form, "hours": NIGHT, "key": str(uuid.uuid4())}
    assert client.post("/rules/new/", right).status_code == 302
    rule = StandingDecision.objects.get()
    assert (rule.name, rule.amount_limit, rule.nobody_later) == ("Night", 500, False)
    changed = {**right, "amount_limit": "400", "key": str(uuid.uuid4())}
    assert client.post(f"/rules/{rule.pk}/", changed).status_code == 302
    off = {"active": "0", "key": str(uuid.uuid4())}
    assert client.post(f"/rules/{rule.pk}/switch/", off).status_code == 302
    rule.refresh_from_db()
    assert (rule.amount_limit, rule.active) == (400, False)
    page = client.get("/rules/").content.decode()
    assert "changed, 3 times" in page
    viewer: Client = signed_in(company, "vera", Role.VIEWER)
    assert viewer.get("/rules/").status_code == 200
    assert viewer.get("/rules/new/").status_code == 403


# -- passed on ------------------------------------------------------------------------------------


@pytest.fixture
def ladder(company: Company, jana: Person) -> Company:
    chief = Person.objects.create(name="M. Okafor")
    RoleGrant.objects.create(person=chief, role=Role.MANAGER, site=company.site)
    return company


def test_it_goes_from_the_owner_to_the_planners_to_the_manager_once_a_step(
    ladder: Company, jana: Person
) -> None:
    row = break_down(ladder)
    Disruption.objects.filter(pk=row.pk).update(opened_at=ladder.now - 2 * HOUR, owner=jana)
    Option.objects.filter(disruption=row).update(decide_by=ladder.now + 2 * HOUR)
    decide_by = ladder.now + 2 * HOUR
    seen = []
    for step in STEPS.values():
        ladder.clock(decide_by - step.before - MINUTE)
        assert planning.watch_decisions(ladder.site.pk, wall_now=wall_now()) == []
        ladder.clock(decide_by - step.before)
        assert planning.watch_decisions(ladder.site.pk, wall_now=wall_now()) == [row.pk]
        seen.append(Escalation.objects.latest("at").to)
    assert seen == ["Jana Marek", "Planner", "M. Okafor"]
    tasks = Task.objects.filter(subject_type="disruption").order_by("pk")
    assert [(task.role, str(task.person)) for task in tasks] == [
        ("PLANNER", "Jana Marek"),
        ("PLANNER", "None"),
        ("MANAGER", "M. Okafor"),
    ]
    assert ladder.kinds().count("planning.disruption.escalated") == 3


def test_who_decides_ends_what_was_asked_and_nobody_is_asked_after(
    ladder: Company, jana: Person
) -> None:
    row = break_down(ladder)
    best = row.options.offered_answers()[0]
    assert best.decide_by is not None
    Option.objects.filter(disruption=row).update(decide_by=ladder.now + 20 * MINUTE)
    ladder.clock(ladder.now + 6 * MINUTE)
    assert planning.watch_decisions(ladder.site.pk, wall_now=wall_now()) == [row.pk]
    version = best.version
    assert ladder.do(planning.accept, option_id=best.pk, based_on_version=version).ok
    assert not Task.objects.filter(subject_type="disruption", done_at=None).exists()
    ladder.clock(ladder.now + 20 * MINUTE)
    assert planning.watch_decisions(ladder.site.pk, wall_now=wall_now()) == []


def test_what_is_over_asks_nobody_any_more(ladder: Company, jana: Person) -> None:
    row = break_down(ladder)
    Option.objects.filter(disruption=row).update(decide_by=ladder.now + 20 * MINUTE)
    ladder.clock(ladder.now + 6 * MINUTE)
    assert planning.watch_decisions(ladder.site.pk, wall_now=wall_now()) == [row.pk]
    ladder.must(equipment.report_repair, unit_id=ladder.ids["CNC-04"])
    ladder.answer()
    assert ladder.disruption("BREAKDOWN").state == "CLOSED"
    assert not Task.objects.filter(subject_type="disruption", done_at=None).exists()


@pytest.mark.usefixtures("impact_worker")
def test_the_worker_decides_by_the_rule_without_being_asked(committed_company: Company) -> None:
    company = committed_company
    person = Person.objects.create(name="Jana Marek")
    RoleGrant.objects.create(
        person=person, role=Role.PLANNER, site=company.site, may_touch_frozen=True
    )
    for what in ("SETUP_HOUR", "UNIT_HOUR"):
        company.must(
            equipment.add_rate, what=what, amount=Decimal(20), source="test", owner="test",
            valid_from=company.now - timedelta(days=1),
        )  # fmt: skip
    company.actor = actor_for(person, company.site)
    assert write(company, applies="ALWAYS").ok
    company.actor = Actor("T. Night", grants={Role.MAINTENANCE: Grant(Role.MAINTENANCE)})
    company.must(
        equipment.report_breakdown,
        unit_id=company.ids["CNC-04"],
        back_at=company.now + 96 * HOUR,
        said_by="T. Night",
    )
    deadline = time.monotonic() + 60
    while not Decision.objects.filter(rule__isnull=False).exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert company.disruption("BREAKDOWN").state == "ACCEPTED"
