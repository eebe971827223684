"""Every kind of trouble: what it does, that there is a choice, and that its end leaves no trace."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

import pytest

from equipment import actions as equipment
from materials import actions as materials
from mes.clock import wall_now
from mes.models import SitePlan
from planning import actions as planning
from planning import words
from planning.engine.kinds import Kind
from planning.models import Disruption, Option
from quality import actions as quality
from tests.cast import HOUR
from tests.planning.conftest import DAY, Company
from tests.planning.test_absences import absent, mills
from tests.planning.test_by_hand import crowded, first, sent
from tests.planning.test_capacity import lost, shop, slow
from tests.planning.test_checks import checked
from tests.planning.test_consents import plan_hash
from tests.planning.test_option_kinds import FITS, scrap_reason
from tests.planning.test_returns import back, shipped
from tests.planning.test_supply_and_demand import late, line, shortage, tight
from workorders import actions as workorders
from workorders.models import JobResponse

__all__ = ["checked", "crowded", "mills", "sent", "shipped", "shop", "tight"]


@dataclass(frozen=True)
class Case:
    """On which plant it happens, how, and the act that says that it is over or was wrong.

    least  options besides doing nothing that are offered or were checked.
    """

    plant: str
    happens: Callable[[Company], object]
    over: Callable[[Company, Disruption], object] = lambda company, row: company.must(
        planning.take_back, disruption_id=row.pk
    )
    least: int = 1


def breaks(company: Company) -> None:
    company.must(
        equipment.report_breakdown,
        unit_id=company.ids["CNC-04"],
        back_at=company.now + 96 * HOUR,
        said_by="T. Maintenance",
    )


def held(company: Company) -> None:
    company.must(
        quality.place_hold,
        lot_id=company.lot("L-1").pk,
        expected_at=company.now + 10 * DAY,
    )


def scraps(company: Company) -> None:
    assert company.report(company.job("WO-1"), 0, 60, reason_id=scrap_reason(company)).ok


def corrected(company: Company, row: Disruption) -> None:
    wrong = JobResponse.objects.get(job_order=row.subject_id, scrap=60)
    company.must(workorders.correct_report, response_id=wrong.pk)


def released(company: Company, row: Disruption) -> None:
    hold = company.lot("L-1").holds.get(released_at=None)
    company.must(quality.release_hold, hold_id=hold.pk)


def waits_too_long(company: Company) -> None:
    company.clock(company.now + 43 * HOUR)
    planning.tick(company.site.pk, wall_now=wall_now())


def decided(company: Company, row: Disruption) -> None:
    company.must(quality.decide_lot, lot_id=row.subject_id, status="RELEASED")


CASES: dict[str, Case] = {
    "BREAKDOWN": Case(
        "company",
        breaks,
        lambda c, row: c.must(equipment.report_repair, unit_id=row.subject_id),
        least=2,
    ),
    "HOLD": Case("company", held, released),
    "SCRAP": Case("begun", scraps, corrected),
    "SHORTAGE": Case("tight", lambda c: c.must(materials.report_shortage, **shortage(c, 60))),
    "SUPPLY": Case("tight", lambda c: c.must(materials.expect_purchase, **late(c))),
    "SLOW": Case("shop", lambda c: c.must(equipment.report_slow, **slow(c)), least=2),
    "TOOL": Case(
        "shop",
        lambda c: c.must(equipment.report_tool_lost, **lost(c, back_at=c.now + 4 * DAY)),
        least=2,
    ),
    "ABSENCE": Case("mills", lambda c: c.must(workorders.report_absence, **absent(c)), least=2),
    "CLOSURE": Case(
        "shop",
        lambda c: c.must(
            equipment.close_place,
            equipment_id=c.ids["CNC-04"],
            ends_at=c.now + 5 * DAY,
            reason="power cut",
        ),
    ),
    "DEMAND": Case(
        "tight",
        lambda c: c.must(materials.change_line, line_id=line(c).pk, quantity=Decimal(100)),
    ),
    "QUEUE": Case("crowded", lambda c: c.must(workorders.move_job, **first(c)), least=2),
    "CHECK": Case("checked", waits_too_long, decided),
    "RETURN": Case("shipped", lambda c: c.must(quality.receive_return, **back(c))),
    "REFUSED": Case(
        "sent",
        lambda c: c.must(workorders.refuse_job, job_order_id=c.job("WO-1").pk, why="TOOL"),
        least=2,
    ),
}
# Nobody reports them: what is late on the first day, and what the clock finds to fall behind.
NO_EVENT = {"BACKLOG", "SLIP"}


@pytest.fixture
def begun(company: Company) -> Company:
    company.must(workorders.start, job_order_id=company.job("WO-1").pk)
    company.answer()
    return company


def test_every_kind_of_disruption_has_its_row() -> None:
    assert CASES.keys() | NO_EVENT == set(Disruption.Kind.values)
    assert not CASES.keys() & NO_EVENT


@pytest.mark.parametrize("kind", CASES)
def test_it_is_felt_there_is_a_choice_and_its_end_leaves_no_trace(
    db: None, request: pytest.FixtureRequest, kind: str
) -> None:
    case = CASES[kind]
    company: Company = request.getfixturevalue(case.plant)
    before = plan_hash(company)
    case.happens(company)
    company.answer()
    row = company.disruption(kind)
    assert words.title(row) not in ("", kind)
    assert row.subject_code not in ("", company.site.code)
    figures = company.impact(kind).figures
    assert figures["late_lines"] > 0
    assert [node["label"] for node in figures["nodes"] if node["column"] == 0] != [""]
    assert row.at_stake > 0 or kind == "CHECK"

    # Doing nothing is always one; the others do something, or say why not.
    rows = Option.objects.filter(disruption=row)
    assert rows.filter(kind="DO_NOTHING", verdict="OFFERED").count() == 1
    answers = rows.exclude(kind__in=Option.BY_HAND)
    assert answers.filter(verdict="OFFERED").count() >= case.least, sorted(
        answers.values_list("verdict", "slug")
    )
    assert all(words.impossible(each) for each in answers.filter(verdict="IMPOSSIBLE"))

    case.over(company, row)
    company.answer()
    row.refresh_from_db()
    assert row.state == Disruption.State.CLOSED, row.summary
    assert words.closed(row.close_reason) != row.close_reason
    assert plan_hash(company) == before


@pytest.mark.parametrize("kind", CASES)
def test_a_decision_that_ended_it_brings_it_back_when_it_is_taken_back(
    db: None, request: pytest.FixtureRequest, kind: str
) -> None:
    case = CASES[kind]
    company: Company = request.getfixturevalue(case.plant)
    before = plan_hash(company)
    case.happens(company)
    company.answer()
    row = company.disruption(kind)
    told = plan_hash(company)
    answers = Option.objects.filter(disruption=row).offered_answers().order_by("rank")
    for slug in answers.values_list("slug", flat=True):
        option = Option.objects.get(disruption=row, slug=slug)
        version = SitePlan.objects.get(site=company.site).plan_version
        made = company.must(planning.accept, option_id=option.pk, based_on_version=version)
        company.answer()
        company.must(planning.undo, decision_id=made["decision_id"])
        company.answer()
        [standing] = Disruption.objects.standing(company.site.pk).filter(kind=kind)
        assert standing.pk == row.pk
        assert plan_hash(company) == told
        assert Option.objects.filter(disruption=row, slug=slug, verdict="OFFERED").exists()

    case.over(company, row)
    company.answer()
    assert not Disruption.objects.standing(company.site.pk).filter(kind=kind).exists()
    assert plan_hash(company) == before


# Tested beside the acts that they are: they change nothing, or what a person asked for.
BY_HAND = {"DO_NOTHING", "MINE", "OUTSIDE"}
ELSEWHERE = {"CREW"}  # taken and taken back in test_absences


def test_every_kind_of_option_is_taken_and_taken_back_somewhere() -> None:
    taken = {fit.kind.value for fit in FITS}
    assert taken | BY_HAND | ELSEWHERE == set(Option.Kind.values)
    assert set(Option.Kind.values) == {kind.value for kind in Kind}
