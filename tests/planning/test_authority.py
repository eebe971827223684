"""Who may decide what: amount, frozen window, customers, hours, deputies; asking who may."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from itertools import product

import pytest
from django.db import transaction

from equipment import actions as equipment
from mes.access import ACTS, actor_for
from mes.actor import Actor, Grant
from mes.commands import Outcome
from mes.models import Notice, Person, Role, RoleGrant, SitePlan, Task
from planning import actions as planning
from planning import rules
from planning.actions.authority import Scope, acting, lacks
from planning.models import Approval, Decision, Option
from tests.cast import HOUR
from tests.planning.conftest import Company
from tests.planning.test_calls import signed_in

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)  # a Monday
AMOUNT = 500 * 10_000


@dataclass(frozen=True)
class Case:
    """One cell of the matrix: a grant, a decision, an hour, and whether it may be."""

    grant: Grant
    scope: Scope
    at: datetime

    @property
    def allowed(self) -> bool:
        """What the office's rule book says, in its own words."""
        if self.grant.role not in {"PLANNER", "SUPERVISOR", "MANAGER", "ADMIN"}:
            return False
        if self.grant.hours and not 6 <= self.at.hour < 14:
            return False
        if self.grant.amount_limit is not None and self.scope.amount > self.grant.amount_limit * (
            10_000
        ):
            return False
        if self.scope.frozen and not self.grant.may_touch_frozen:
            return False
        return self.grant.may_hurt_customer or not self.scope.hurts


def matrix() -> Iterator[Case]:
    limits = (None, Decimal(0), Decimal("499.9999"), Decimal(500), Decimal("500.0001"))
    yes_no = (False, True)
    hours = ("", "Mon-Fri 06:00-14:00")
    clocks = (2, 6, 13, 14)
    for role, limit, frozen, hurt, when in product(Role.values, limits, yes_no, yes_no, hours):
        grant = Grant(role, limit, frozen, hurt, when)
        for amount, touches, hurts, hour in product((0, AMOUNT), yes_no, yes_no, clocks):
            yield Case(grant, Scope(amount, touches, hurts), NOON.replace(hour=hour))


def test_role_by_amount_by_scope_by_hour() -> None:
    cases = list(matrix())
    assert len(cases) > 10_000
    assert {case.allowed for case in cases} == {False, True}
    for case in cases:
        assert (not lacks([case.grant], case.scope, case.at)) is case.allowed, case


def test_a_deputy_reaches_as_far_as_whom_he_stands_in_for_and_no_further() -> None:
    for case in matrix():
        own = Grant(Role.PLANNER, amount_limit=Decimal(-1), may_hurt_customer=False)
        deputy = Actor("J. Deputy", 1, grants={own.role: own}, stands_in={2: (case.grant,)})
        actor, missing = acting(deputy, case.scope, case.at)
        assert (not missing) is case.allowed, case
        assert actor.on_behalf_of_id == (2 if case.allowed else None)


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


def dearest(company: Company) -> Option:
    """An option that costs money: its overtime has to be paid."""
    return Option.objects.filter(
        disruption=company.disruption("BREAKDOWN"), cash__gt=0, figures__overtime_s__gt=0
    ).order_by("rank")[0]


def version(company: Company) -> int:
    return SitePlan.objects.get(site=company.site).plan_version


def person(
    company: Company, name: str, role: str = Role.PLANNER, **reach: object
) -> tuple[Person, RoleGrant]:
    made = Person.objects.create(name=name)
    return made, RoleGrant.objects.create(person=made, role=role, site=company.site, **reach)


def accept(company: Company, who: Person, option: Option) -> Outcome:
    company.actor = actor_for(who, company.site)
    return company.do(planning.accept, option_id=option.pk, based_on_version=version(company))


@pytest.mark.parametrize("hours", ["06:00-14:00", "14:00-22:00"])
def test_nobody_accepts_over_his_limit_or_out_of_hours(broken: Company, hours: str) -> None:
    option = dearest(broken)
    for role, short in product(Role.values, (Decimal("0.0001"), Decimal(0))):
        may = role in ACTS["option.accept"] and not short and hours.startswith("06")
        with transaction.atomic():
            reach = {"amount_limit": option.cash - short, "hours": hours}
            who, _grant = person(broken, "J. Marek", role, **reach)
            outcome = accept(broken, who, option)
            assert outcome.ok is may, (role, short, outcome.message)
            assert Decision.objects.exists() is may
            transaction.set_rollback(True)
        if not may:
            assert (outcome.status, outcome.response["code"]) == (403, "authority")


def test_a_deputy_decides_in_both_names_while_he_stands_in(broken: Company) -> None:
    chief, grant = person(broken, "M. Okafor", Role.MANAGER)
    deputy, _own = person(broken, "J. Marek", amount_limit=Decimal(0))
    option = dearest(broken)
    refused = accept(broken, deputy, option)
    assert refused.status == 403
    assert "M. Okafor" in refused.message
    grant.deputy, grant.deputy_from = deputy, broken.now - HOUR
    grant.deputy_to = broken.now + HOUR
    grant.save()
    assert accept(broken, deputy, option).ok
    decision = Decision.objects.get()
    assert (decision.person, decision.on_behalf_of) == (deputy, chief)
    event = broken.newest("planning.option.accepted")
    assert (event.person_id, event.on_behalf_of_id) == (deputy.pk, chief.pk)
    client = signed_in(broken, "mia", Role.MANAGER)
    assert "J. Marek for M. Okafor" in client.get("/decisions/").content.decode()


def ask(company: Company, who: Person, option: Option, **values: object) -> Outcome:
    company.actor = actor_for(who, company.site)
    return company.do(
        planning.ask_approval, option_id=option.pk, based_on_version=version(company), **values
    )


def test_who_may_not_asks_who_may_and_he_accepts_from_his_task(broken: Company) -> None:
    client = signed_in(broken, "okafor", Role.MANAGER)
    chief = Person.objects.get(name="Okafor")
    junior, _grant = person(broken, "J. Marek", amount_limit=Decimal(0))
    option = dearest(broken)
    asked = ask(broken, junior, option, why="Voss waits")
    assert asked.ok, asked.message
    assert asked.response["asked"] == "Okafor"
    assert ask(broken, junior, option).status == 409
    task = Task.objects.get(subject_type="approval")
    assert task.person == chief
    assert "J. Marek asks you to approve" in task.text
    assert "Voss waits" in task.text
    assert Notice.objects.get(person=chief, kind="ASKED").text == task.text
    assert "Approve" in client.get("/tasks/").content.decode()
    row = broken.disruption("BREAKDOWN")
    assert (
        "J. Marek asks Okafor to approve" in client.get(f"/disruptions/{row.pk}/").content.decode()
    )
    approval = Approval.objects.get()
    answer = client.post(f"/approvals/{approval.pk}/approve/", {"key": str(uuid.uuid4())})
    assert answer.status_code == 302, answer.content
    decision = Decision.objects.get()
    assert (decision.person, decision.why) == (chief, "Voss waits")
    approval.refresh_from_db()
    assert (approval.state, approval.decision) == ("GIVEN", decision)
    assert not Task.objects.filter(subject_type="approval", done_at=None).exists()
    assert broken.disruption("BREAKDOWN").state == "ACCEPTED"


def test_an_approval_is_checked_anew(broken: Company) -> None:
    chief, _grant = person(broken, "M. Okafor", Role.MANAGER)
    junior, _small = person(broken, "J. Marek", amount_limit=Decimal(0))
    assert ask(broken, junior, dearest(broken)).ok
    approval = Approval.objects.get()
    broken.actor = actor_for(junior, broken.site)
    assert broken.do(planning.approve, approval_id=approval.pk).status == 403
    broken.clock(broken.now + 40 * HOUR)
    broken.actor = actor_for(chief, broken.site)
    assert broken.do(planning.approve, approval_id=approval.pk).status == 409
    approval.refresh_from_db()
    assert approval.state == "ASKED"
    assert not Decision.objects.exists()


def test_who_is_asked_refuses_with_a_reason_and_the_asker_hears_it(broken: Company) -> None:
    chief, _grant = person(broken, "M. Okafor", Role.MANAGER)
    junior, _small = person(broken, "J. Marek", amount_limit=Decimal(0))
    assert ask(broken, junior, dearest(broken)).ok
    approval = Approval.objects.get()
    decline = {"approval_id": approval.pk, "reason": "too dear"}
    assert broken.do(planning.decline, **decline).status == 403
    broken.actor = actor_for(chief, broken.site)
    assert broken.do(planning.decline, **decline | {"reason": " "}).status == 422
    assert broken.do(planning.decline, **decline).ok
    approval.refresh_from_db()
    assert (approval.state, approval.reason) == ("REFUSED", "too dear")
    heard = Task.objects.get(person=junior, done_at=None)
    assert "M. Okafor does not approve" in heard.text
    assert "too dear" in heard.text
    assert Notice.objects.get(person=junior, kind="ANSWERED").text == heard.text
    assert broken.disruption("BREAKDOWN").state in ("NEW", "OPEN")


def test_who_may_accept_himself_has_nobody_to_ask(broken: Company) -> None:
    chief, _grant = person(broken, "M. Okafor", Role.MANAGER)
    refused = ask(broken, chief, dearest(broken))
    assert refused.status == 422
    junior, _small = person(broken, "J. Marek", amount_limit=Decimal(0))
    RoleGrant.objects.filter(person=chief).delete()
    assert ask(broken, junior, dearest(broken)).status == 404


def test_another_decision_ends_what_was_asked(broken: Company) -> None:
    chief, _grant = person(broken, "M. Okafor", Role.MANAGER)
    junior, _small = person(broken, "J. Marek", amount_limit=Decimal(0))
    option = dearest(broken)
    assert ask(broken, junior, option).ok
    other = Option.objects.filter(disruption=option.disruption, kind="DO_NOTHING").get()
    assert accept(broken, chief, other).ok
    approval = Approval.objects.get()
    assert (approval.state, approval.decision) == ("OVER", None)
    assert not Task.objects.filter(subject_type="approval", done_at=None).exists()


def test_the_page_says_whom_to_ask_instead_of_accept(broken: Company) -> None:
    person(broken, "M. Okafor", Role.MANAGER)
    client = signed_in(broken, "jana", Role.PLANNER)
    option = dearest(broken)
    row = broken.disruption("BREAKDOWN")
    path = f"/disruptions/{row.pk}/?selected={option.pk}"
    assert "ask-approval" not in client.get(path).content.decode()
    RoleGrant.objects.filter(person__name="Jana").update(amount_limit=Decimal(0))
    page = client.get(path).content.decode()
    assert "Ask M. Okafor to approve" in page
    assert 'data-testid="accept"' not in page
    asked = client.post(
        f"/disruptions/{row.pk}/options/{option.pk}/ask/",
        {"key": str(uuid.uuid4()), "rev": str(version(broken))},
    )
    assert asked.status_code == 302, asked.content
    assert Approval.objects.get().cash == rules.number(str(option.cash))
