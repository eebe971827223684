"""A person is absent: what stands for it, who else takes the shift, and all as it was before."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from equipment.models import CalendarException
from mes.clock import wall_now
from mes.models import Person, Role, RoleGrant
from planning import actions as planning
from planning import words
from planning.models import Consent, Disruption, Option
from tests.cast import HOUR
from tests.planning.conftest import DAY, Company
from tests.planning.test_by_hand import COMPARED
from tests.planning.test_consents import plan_hash
from tests.planning.test_option_kinds import accept, the_option
from tests.planning.test_supply_and_demand import stored
from workorders import actions as workorders
from workorders.models import Absence

FIGURES = [name for name in COMPARED if name not in ("lines_hit", "ops_hit")]


def attended(company: Company) -> None:
    """Petra and Jan attend the two mills by day; Milan works nights and could take a shift."""
    for name in ("Petra", "Jan", "Milan"):
        company.ids[name] = Person.objects.create(name=name).pk
        RoleGrant.objects.create(person_id=company.ids[name], role=Role.OPERATOR, site=company.site)
    company.must(
        workorders.add_skill,
        code="MILL",
        name="Runs a mill",
        unit_ids=[company.ids["CNC-04"], company.ids["CNC-07"]],
        people=[
            (company.ids["Petra"], 1, ["day"]),
            (company.ids["Jan"], 1, ["day"]),
            (company.ids["Milan"], 1, ["night"]),
        ],
    )


@pytest.fixture
def mills(build: Callable[..., Company]) -> Company:
    company = build()
    attended(company)
    company.commit()
    return company


def absent(company: Company, who: str = "Petra", **values: Any) -> dict[str, Any]:
    given = {
        "person_id": company.ids[who],
        "starts_at": None,
        "ends_at": company.now + 4 * DAY,
        "unit_id": company.ids["CNC-04"],
    }
    return given | values


def closed(company: Company) -> list[tuple[str, Any, Any]]:
    rows = CalendarException.objects.filter(site=company.site, kind="CLOSED", removed_seq=None)
    return list(rows.order_by("starts_at").values_list("unit__code", "starts_at", "ends_at"))


def test_the_machine_that_nobody_can_attend_stands_and_it_is_foretold(mills: Company) -> None:
    before = stored(mills)
    foretold = planning.preview_event(mills.site, "absence", absent(mills), wall_now=wall_now())
    assert closed(mills) == []
    mills.must(planning.HAPPENINGS["absence"].act, **absent(mills))
    assert {unit for unit, _from, _until in closed(mills)} == {"CNC-04"}
    assert all(start.date() == end.date() for _unit, start, end in closed(mills))
    mills.answer()
    row = mills.disruption("ABSENCE")
    assert words.title(row) == "Petra absent, CNC-04 stands"
    assert row.at_stake > 0
    after = mills.impact("ABSENCE").figures
    assert {name: foretold[name] for name in FIGURES} == {name: after[name] for name in FIGURES}
    assert after["late_lines"] > 0
    assert Option.objects.filter(disruption=row).offered_answers().count() >= 2

    mills.must(planning.take_back, disruption_id=row.pk)
    mills.answer()
    row.refresh_from_db()
    assert (row.state, row.close_reason) == ("CLOSED", "BACK")
    assert closed(mills) == []
    assert stored(mills) == before


def test_while_others_attend_everything_nothing_stands(mills: Company) -> None:
    mills.must(
        workorders.add_skill,
        code="SAW",
        name="Saws",
        unit_ids=[mills.ids["BENCH"]],
        people=[(mills.ids["Petra"], 1, []), (mills.ids["Jan"], 1, [])],
    )
    made = mills.must(workorders.report_absence, **absent(mills, unit_id=mills.ids["CNC-04"]))
    assert made["units"] == ["CNC-04"]
    # The second one who goes leaves nobody for the bench and the other mill.
    made = mills.must(workorders.report_absence, **absent(mills, "Jan", unit_id=None))
    assert made["units"] == ["BENCH", "CNC-07"]
    # Back again, one of the two mills and the bench work.
    mills.must(workorders.end_absence, person_id=mills.ids["Petra"])
    assert len({unit for unit, *_ in closed(mills)}) == 1
    mills.must(workorders.end_absence, person_id=mills.ids["Jan"])
    assert closed(mills) == []


def test_somebody_else_takes_the_shift_once_the_supervisor_agrees(mills: Company) -> None:
    mills.must(workorders.report_absence, **absent(mills))
    stands = closed(mills)
    mills.answer()
    option = the_option(mills, Option.Kind.CREW)
    assert "Milan attends CNC-04" in words.option_name(option)
    assert {each["who"] for each in option.figures["consents"]} == {"CREW"}
    costs = [row for row in option.figures["costs"] if row["what"] == "OVERTIME"]
    assert costs
    assert sum(Decimal(row["amount"]) for row in costs) == option.cash
    drawn = planning.preview(option, wall_now=wall_now())
    assert Decimal(drawn["figures"]["saves"]) == option.saves

    before = plan_hash(mills)
    outcome = accept(mills, option)
    assert outcome.ok, outcome.message
    assert outcome.response["tentative"]
    assert plan_hash(mills) != before
    taken = len(stands) - len(closed(mills))
    assert taken == len(option.changes)
    asked = Consent.objects.filter(decision=outcome.response["decision_id"])
    assert set(asked.values_list("role", flat=True)) == {"SUPERVISOR"}

    undone = mills.do(planning.undo, decision_id=outcome.response["decision_id"])
    assert undone.ok, undone.message
    assert plan_hash(mills) == before
    assert closed(mills) == stands
    mills.must(workorders.end_absence, person_id=mills.ids["Petra"])
    assert closed(mills) == []


def test_who_is_back_leaves_nothing_standing_though_a_shift_was_taken(mills: Company) -> None:
    mills.must(workorders.report_absence, **absent(mills))
    mills.answer()
    outcome = accept(mills, the_option(mills, Option.Kind.CREW))
    mills.must(workorders.end_absence, person_id=mills.ids["Petra"])
    mills.answer()
    assert closed(mills) == []
    undone = mills.do(planning.undo, decision_id=outcome.response["decision_id"])
    assert undone.status in (200, 409), undone.message
    assert closed(mills) == []


def test_nobody_else_who_can_is_said(mills: Company) -> None:
    mills.must(workorders.report_absence, **absent(mills, "Milan", unit_id=None))
    mills.must(workorders.report_absence, **absent(mills))
    mills.answer()
    petra = Disruption.objects.get(site=mills.site, subject_id=mills.ids["Petra"])
    row = Option.objects.get(disruption=petra, kind="CREW")
    assert row.verdict == "IMPOSSIBLE"
    assert row.figures["refusal"]["why"] == "NOBODY_ABLE"
    window = Absence.objects.get(person_id=mills.ids["Petra"]).window_ids[0]
    refused = mills.do(workorders.cover, window_id=window, person_id=mills.ids["Milan"])
    assert refused.status == 422


def test_what_can_not_be_is_refused_in_words(mills: Company) -> None:
    stranger = Person.objects.create(name="Nobody")
    for values in (
        absent(mills, ends_at=mills.now - HOUR),
        absent(mills, ends_at=mills.now + 400 * DAY),
        absent(mills, starts_at=mills.now + 2 * DAY, ends_at=mills.now + DAY),
        absent(mills, starts_at=mills.now - 9999 * DAY),
        absent(mills, person_id=stranger.pk),
        absent(mills, unit_id=mills.ids["BENCH"]),
    ):
        outcome = mills.do(workorders.report_absence, **values)
        assert outcome.status == 422, values
        assert outcome.message.endswith(".")
    assert not Absence.objects.exists()
    assert not Disruption.objects.filter(site=mills.site, kind="ABSENCE").exists()
    again = mills.must(workorders.end_absence, person_id=mills.ids["Petra"])
    assert "not reported absent" in again["message"]


def test_it_is_over_when_its_time_is(mills: Company) -> None:
    mills.must(workorders.report_absence, **absent(mills, ends_at=mills.now + DAY))
    mills.answer()
    mills.clock(mills.now + DAY + HOUR)
    mills.answer()
    row = mills.disruption("ABSENCE")
    assert (row.state, row.close_reason) == ("CLOSED", "OVER")
