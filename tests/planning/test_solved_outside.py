"""My own plan and what was solved outside: always there, by the same projection."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from materials import actions as materials
from mes.commands import Outcome
from mes.models import Person
from planning import actions as planning
from planning.models import Decision, Disruption, Option
from tests.planning.conftest import Company
from tests.planning.test_notices import client_of, jana, stop
from tests.planning.test_supply_and_demand import shortage, tight

__all__ = ["jana", "tight"]


def solve_outside(company: Company, row: Disruption, what: str) -> Outcome:
    option = Option.objects.get(disruption=row, kind="OUTSIDE")
    return company.do(
        planning.accept, option_id=option.pk, based_on_version=option.version, why=what
    )


@pytest.fixture
def broken(company: Company) -> Disruption:
    stop(company)
    return company.disruption("BREAKDOWN")


@pytest.mark.parametrize("kind", ["MINE", "OUTSIDE"])
def test_both_are_in_the_table_with_the_figures_of_doing_nothing(
    company: Company, broken: Disruption, kind: str
) -> None:
    nothing = Option.objects.get(disruption=broken, kind="DO_NOTHING")
    option = Option.objects.get(disruption=broken, kind=kind)
    assert option.verdict == "OFFERED"
    assert option.late_cost == nothing.late_cost > 0
    for name in ("late_lines", "late_days", "total", "lines"):
        assert option.figures[name] == nothing.figures[name]


def test_my_own_moves_have_the_figures_that_the_same_option_has(
    company: Company, broken: Disruption
) -> None:
    other = Option.objects.filter(disruption=broken, kind="ALTERNATE_UNIT").order_by("rank")[0]
    mine = Option.objects.get(disruption=broken, kind="MINE")
    made = company.must(
        planning.accept,
        option_id=mine.pk,
        based_on_version=mine.version,
        changes=other.changes,
    )
    predicted = Decision.objects.get(pk=made["decision_id"]).predicted
    for name in ("saves", "late_lines", "late_days", "extra_cash", "late_cash", "lines"):
        assert predicted[name] == other.figures[name]


def test_what_was_done_outside_is_kept_in_words_with_the_prediction(
    company: Company, broken: Disruption
) -> None:
    nothing = Option.objects.get(disruption=broken, kind="DO_NOTHING").figures
    outcome = solve_outside(company, broken, "Voss fetches the parts himself on Friday")
    assert outcome.ok
    decision = Decision.objects.get()
    assert decision.kind == "OUTSIDE"
    assert decision.title == "Solved outside: Voss fetches the parts himself on Friday"
    assert decision.why == "Voss fetches the parts himself on Friday"
    assert decision.changes == []
    assert decision.predicted["late_lines"] == nothing["late_lines"] == 2
    assert decision.predicted["lines"] == nothing["lines"]


def test_a_machine_that_is_down_stays_watched_until_it_runs(
    company: Company, broken: Disruption
) -> None:
    solve_outside(company, broken, "The sister plant makes them")
    company.answer()
    assert company.disruption("BREAKDOWN").state == "ACCEPTED"


def test_what_is_told_and_not_standing_is_closed_by_it_and_stays_so(tight: Company) -> None:
    tight.must(materials.report_shortage, **shortage(tight, 60))
    tight.answer()
    row = tight.disruption("SHORTAGE")
    solve_outside(tight, row, "Borrowed from the neighbour")
    tight.answer()
    tight.clock(tight.now + timedelta(minutes=5))
    tight.answer()
    row = tight.disruption("SHORTAGE")
    assert (row.state, row.close_reason) == ("CLOSED", "Borrowed from the neighbour")

    tight.must(planning.undo, decision_id=Decision.objects.get(undo_of=None).pk)
    tight.answer()
    row = tight.disruption("SHORTAGE")
    assert (row.state, row.close_reason) == ("OPEN", "")
    assert row.at_stake > 0


def test_it_needs_the_words(company: Company, broken: Disruption) -> None:
    outcome = solve_outside(company, broken, "  ")
    assert outcome.status == 422
    assert "what was done" in outcome.message
    assert not Decision.objects.exists()
    assert company.disruption("BREAKDOWN").state == "NEW"


def test_neither_is_ever_the_best_answer(
    company: Company, broken: Disruption, jana: Person
) -> None:
    assert company.disruption("BREAKDOWN").summary["best"]["kind"] not in Option.BY_HAND
    page = client_of(jana).get(f"/disruptions/{broken.pk}/")
    rows = page.context["options"]["rows"]
    assert [row["kind"] for row in rows][-2:] == ["mine", "outside"]
    assert page.context["preview"]["option_pk"] == next(row["pk"] for row in rows if row["best"])
    outside = rows[-1]
    assert outside["saves"] == Decimal(0)
    shown = client_of(jana).get(
        f"/disruptions/{broken.pk}/options/{outside['pk']}/", headers={"HX-Request": "true"}
    )
    assert 'name="why"' in shown.content.decode()
    assert "It is solved outside" in shown.content.decode()
