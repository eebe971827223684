"""Two people decide at the same moment: one does, the other hears who decided what."""

from __future__ import annotations

import uuid

import pytest

from equipment import actions as equipment
from mes import commands
from mes.actor import Actor, Grant
from mes.commands import Outcome
from mes.models import Person, Role, SitePlan
from planning import actions as planning
from planning.models import Decision, Disruption, Option
from tests.cast import HOUR
from tests.planning.conftest import Company
from tests.workorders.test_race import at_once

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def broken(committed_company: Company) -> Company:
    """CNC-04 is down for four days."""
    company = committed_company
    company.must(
        equipment.report_breakdown,
        unit_id=company.ids["CNC-04"],
        back_at=company.now + 96 * HOUR,
        said_by="T. Maintenance",
    )
    company.answer()
    return company


def accept_as(company: Company, actor: Actor, option: Option, version: int) -> Outcome:
    values = {"option_id": option.pk, "based_on_version": version}
    return commands.run(
        site=company.site,
        key=uuid.uuid4(),
        actor=actor,
        name="test.accept",
        body=values,
        act=lambda command: planning.accept(command, **values),
    )


def planners() -> list[Actor]:
    grants = {Role.PLANNER: Grant(Role.PLANNER, may_touch_frozen=True)}
    return [
        Actor(name, Person.objects.create(name=name).pk, grants=grants)
        for name in ("Jana Marek", "Ondrej Call")
    ]


def test_of_two_that_accept_at_once_one_does_and_the_other_hears_who(broken: Company) -> None:
    row = broken.disruption("BREAKDOWN")
    options = list(row.options.exclude(verdict="IMPOSSIBLE").exclude(kind__in=["MINE"])[:2])
    assert len(options) == 2
    version = SitePlan.objects.get(site=broken.site).plan_version
    hands = planners()

    answers = at_once(2, lambda n: accept_as(broken, hands[n], options[n], version))

    assert sorted(answer.status for answer in answers) == [200, 409]
    decision = Decision.objects.get()
    [late] = [answer for answer in answers if not answer.ok]
    assert decision.person is not None
    assert decision.person.name in late.message
    assert decision.title in late.message
    assert late.response["decided"]


def test_two_answers_that_change_one_queue_are_not_both_taken(broken: Company) -> None:
    """The second is about another disruption, and hears whose decision moved its rows."""
    moves = Option.objects.filter(
        disruption=broken.disruption("BREAKDOWN"), kind="ALTERNATE_UNIT"
    ).order_by("rank")[0]
    version = SitePlan.objects.get(site=broken.site).plan_version
    other = Disruption.objects.create(
        site=broken.site, number=99, kind="SLIP", subject_type="job_order",
        subject_id=broken.job("WO-2", 10).pk, subject_code="WO-2", opened_seq=1, last_seq=1,
        opened_at=broken.now,
    )  # fmt: skip
    same = Option.objects.create(
        site=broken.site, disruption=other, slug=moves.slug, version=moves.version,
        kind=moves.kind, rank=1, changes=moves.changes, footprint=moves.footprint,
        figures=moves.figures,
    )  # fmt: skip
    hands = planners()

    answers = at_once(2, lambda n: accept_as(broken, hands[n], [moves, same][n], version))

    assert sorted(answer.status for answer in answers) == [200, 409]
    decision = Decision.objects.get()
    [late] = [answer for answer in answers if not answer.ok]
    assert str(decision.person) in late.message
    assert decision.title in late.message
    assert late.response["moved"]
