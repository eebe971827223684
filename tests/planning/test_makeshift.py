"""A machine repaired for now: maintenance agrees, it comes back slow, and is repaired later."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from equipment import actions as equipment
from equipment.models import CalendarException, Downtime, Slowdown
from mes.models import Role, Task
from planning import actions as planning
from planning import words
from planning.engine.kinds import Kind
from planning.models import Consent, Decision
from tests.cast import HOUR
from tests.planning.conftest import Company
from tests.planning.test_option_kinds import (
    a_mill_that_can_be_patched,
    accept,
    plan_hash,
    the_option,
)


@pytest.fixture
def company(build: Callable[..., Company]) -> Company:
    return build()


def decided(company: Company) -> Decision:
    a_mill_that_can_be_patched(company)
    outcome = accept(company, the_option(company, Kind.TEMPORARY_REPAIR))
    assert outcome.ok, outcome.message
    return Decision.objects.get(pk=outcome.response["decision_id"])


def repairs(company: Company) -> list[CalendarException]:
    return list(
        CalendarException.objects.filter(site=company.site, kind="CLOSED", removed_seq=None)
    )


def test_it_says_when_it_is_back_how_well_and_when_it_is_repaired_fully(company: Company) -> None:
    a_mill_that_can_be_patched(company)
    option = the_option(company, Kind.TEMPORARY_REPAIR)
    name = words.option_name(option)
    assert name.startswith("Repair CNC-04 for now: back Mon 23 Nov 08:00")
    assert "at 60 %" in name
    assert words.tells(option) == "Tells CNC-04."
    assert words.consents(option.figures) == ["maintenance has to agree (CNC-04)"]


def test_it_is_slow_once_it_runs_again_and_until_its_full_repair(company: Company) -> None:
    decision = decided(company)
    stop = Downtime.objects.get(unit__code="CNC-04", ended_at=None)
    assert stop.back_at == company.now + 2 * HOUR
    [window] = repairs(company)
    assert stop.makeshift_until == window.ends_at
    assert window.ends_at - window.starts_at == 40 * HOUR
    assert Task.objects.filter(role=Role.MAINTENANCE, subject_type="consent", done_at=None).exists()

    company.clock(company.now + 2 * HOUR)
    company.must(equipment.report_repair, unit_id=company.ids["CNC-04"])
    slow = Slowdown.objects.get(unit__code="CNC-04")
    assert (slow.percent, slow.back_at, slow.note) == (60, window.ends_at, "repaired for now")
    company.answer()
    assert company.disruption("BREAKDOWN").state == "CLOSED"
    assert repairs(company) == [window]
    undone = company.do(planning.undo, decision_id=decision.pk)
    assert undone.status == 409
    assert "runs again since" in undone.message


def test_a_no_of_maintenance_takes_it_out(company: Company) -> None:
    a_mill_that_can_be_patched(company)
    before = plan_hash(company)
    stop = Downtime.objects.get(unit__code="CNC-04", ended_at=None)
    assert accept(company, the_option(company, Kind.TEMPORARY_REPAIR)).ok
    consent = Consent.objects.get(decision__site=company.site, who="REPAIR")
    no = company.do(
        planning.refuse, as_role=Role.MAINTENANCE, consent_id=consent.pk, reason="not safe"
    )
    assert no.ok, no.message
    assert plan_hash(company) == before
    assert repairs(company) == []
    again = Downtime.objects.get(pk=stop.pk)
    assert (again.back_at, again.makeshift_percent) == (stop.back_at, None)
    assert consent.decision.undone_by.why.startswith("the repair of CNC-04 for now refused by")


def test_the_machine_runs_fully_where_nobody_decided_otherwise(company: Company) -> None:
    a_mill_that_can_be_patched(company)
    company.clock(company.now + HOUR)
    company.must(equipment.report_repair, unit_id=company.ids["CNC-04"])
    assert not Slowdown.objects.exists()


def test_what_can_not_be_is_refused_and_changes_nothing(company: Company) -> None:
    values = {
        "unit_id": company.ids["CNC-04"],
        "back_at": company.now + HOUR,
        "percent": 60,
        "starts_at": company.now + 3 * HOUR,
        "ends_at": company.now + 5 * HOUR,
    }
    assert "is not down" in company.do(equipment.plan_makeshift, **values).message
    company.must(equipment.report_breakdown, unit_id=company.ids["CNC-04"])
    for wrong in (
        {"percent": 100}, {"percent": 0}, {"starts_at": company.now}, {"ends_at": company.now},
        {"back_at": company.now - HOUR},
    ):  # fmt: skip
        assert company.do(equipment.plan_makeshift, **{**values, **wrong}).status == 422, wrong
        assert repairs(company) == []
        assert not Downtime.objects.filter(makeshift_percent__isnull=False).exists()
    company.must(equipment.plan_makeshift, **values)
    assert company.do(equipment.plan_makeshift, **values).status == 409
