"""The record of a decision: what was seen and chosen, and what came of it."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from django.test import Client

from materials.models import CustomerLine
from mes.models import Person, Role
from planning import actions as planning
from planning.models import Decision, Option, PlanVersion
from planning.outcome import outcomes, paid_off
from tests.planning.conftest import DAY, Company
from tests.planning.test_calls import signed_in
from tests.planning.test_customers_are_told import accept
from tests.planning.test_notices import _estimate, client_of, jana, stop
from tests.planning.test_option_kinds import rate

__all__ = ["jana"]


@pytest.fixture
def taken(company: Company) -> Decision:
    rate(company, "NEW_PROMISE_PERCENT", "40")
    stop(company)
    return accept(company, "ALTERNATE_UNIT")


@pytest.fixture
def planner(jana: Person) -> Client:
    return client_of(jana)


def test_the_record_shows_each_option_with_its_figures_as_they_were(
    company: Company, taken: Decision, planner: Client
) -> None:
    # What is offered now is another matter: the record keeps what was seen.
    Option.objects.filter(disruption=taken.disruption).delete()
    page = planner.get(f"/decisions/{taken.pk}/")
    seen = page.context["seen"]
    assert len(seen) == len(taken.seen) >= 3
    assert [row["name"] for row in seen if row["chosen"]] == [taken.title]
    assert [row["saves"] for row in seen] == [Decimal(row["saves"]) for row in taken.seen]
    nothing = next(row for row in seen if row["name"] == "Do nothing")
    assert (nothing["on_time"], nothing["of"]) == (0, 2)
    assert page.context["predicted"]["saves"] == nothing["late"] - (
        page.context["predicted"]["cash"]
        + page.context["predicted"]["estimate"]
        + page.context["predicted"]["late"]
    )


def test_a_line_with_a_new_date_is_not_on_time_in_the_record_either(
    company: Company, taken: Decision, planner: Client
) -> None:
    Option.objects.filter(disruption=taken.disruption).update(verdict="OFFERED")
    company.must(planning.undo, decision_id=taken.pk)
    company.answer()
    Option.objects.filter(disruption=taken.disruption).update(verdict="OFFERED")
    second = accept(company, "NEW_PROMISE")
    seen = planner.get(f"/decisions/{second.pk}/").context["seen"]
    [chosen] = [row for row in seen if row["chosen"]]
    figures = next(row for row in second.seen if row["kind"] == "NEW_PROMISE")
    assert figures["promises"] > 0
    assert chosen["on_time"] <= chosen["of"] - figures["promises"]


def test_the_record_says_what_it_changed(
    company: Company, taken: Decision, planner: Client
) -> None:
    changes = planner.get(f"/decisions/{taken.pk}/").context["changes"]
    moved = [row for row in taken.changes if row["kind"] == "move_job"]
    assert sum("goes to CNC-07" in text for text in changes) == len(moved) > 0


def test_an_undo_and_what_it_takes_back_name_each_other(
    company: Company, taken: Decision, planner: Client
) -> None:
    undo = company.must(planning.undo, decision_id=taken.pk)["decision_id"]
    first = planner.get(f"/decisions/{taken.pk}/").content.decode()
    second = planner.get(f"/decisions/{undo}/").content.decode()
    assert f'href="/decisions/{undo}/"' in first
    assert f'href="/decisions/{taken.pk}/"' in second
    assert "Petra Novak" in second


def test_what_has_not_shipped_stands_as_it_is_projected_now(
    company: Company, taken: Decision
) -> None:
    version = PlanVersion.objects.current(company.site)
    assert version is not None
    times = version.line_times_by_id()
    outcome = outcomes(company.site, [taken])[taken.pk]
    assert outcome.of == 2
    assert not outcome.is_final
    for line in outcome.lines:
        assert line.came == times[line.line_id][1]
        assert line.late_s == int((line.came - line.due).total_seconds())  # type: ignore[operator]
    assert outcome.on_time == outcome.predicted_on_time
    assert outcome.days == outcome.predicted_days


def test_when_all_of_it_has_shipped_what_came_is_final_and_beside_what_was_predicted(
    company: Company, taken: Decision, planner: Client
) -> None:
    outcome = outcomes(company.site, [taken])[taken.pk]
    due = {line.line_id: line.due for line in outcome.lines}
    early, late = sorted(due)
    for line_id, days in ((early, -0.5), (late, 2.5)):
        at: datetime | None = due[line_id]
        assert at is not None
        CustomerLine.objects.filter(pk=line_id).update(shipped_at=at + timedelta(days=days))
    page = planner.get(f"/decisions/{taken.pk}/")
    came = page.context["outcome"]
    assert came.is_final
    assert (came.on_time, came.of, came.days) == (1, 2, 3)
    assert "all of it has shipped" in page.content.decode()
    [row] = planner.get("/decisions/").context["rows"]
    assert row["came"] == {"on_time": 1, "of": 2, "days": 3, "final": True, "worse": True}


def test_a_customer_who_counts_arrivals_is_measured_by_them(
    company: Company, taken: Decision
) -> None:
    line = CustomerLine.objects.select_related("order__customer").get(order__code="SO-1")
    line.order.customer.basis, line.order.customer.transit_s = "ARRIVE", 3 * 86400
    line.order.customer.save()
    CustomerLine.objects.filter(pk=line.pk).update(shipped_at=company.now)
    [found] = [
        each for each in outcomes(company.site, [taken])[taken.pk].lines if each.line_id == line.pk
    ]
    assert found.came == company.now + 3 * DAY


def test_a_cancelled_line_counts_for_nothing(company: Company, taken: Decision) -> None:
    CustomerLine.objects.filter(order__code="SO-1").update(cancelled_at=company.now)
    assert outcomes(company.site, [taken])[taken.pk].of == 1


def test_the_table_of_what_paid_off_leaves_out_what_was_taken_back(
    company: Company, taken: Decision, planner: Client
) -> None:
    [kind] = planner.get("/decisions/").context["kinds"]
    assert (kind["kind"], kind["count"], kind["final"], kind["of"]) == ("ALTERNATE_UNIT", 1, 0, 2)
    assert str(kind["saves"]) == str(planner.get("/decisions/").context["rows"][0]["saving"])
    company.must(planning.undo, decision_id=taken.pk)
    company.answer()
    _estimate(company, 97)
    second = accept(company, "NEW_PROMISE")
    page = planner.get("/decisions/").context
    assert [row["kind"] for row in page["kinds"]] == ["NEW_PROMISE"]
    assert len(page["rows"]) == 2
    page = planner.get("/decisions/?kind=NEW_PROMISE").context
    assert [row["record_url"] for row in page["rows"]] == [f"/decisions/{second.pk}/"]


def test_a_kind_sums_its_decisions(company: Company, taken: Decision) -> None:
    again = Decision.objects.get(pk=taken.pk)
    came = outcomes(company.site, [taken, again])
    [row] = paid_off([taken, again], came)
    assert (row.count, row.of) == (2, 4)


def test_who_may_see_no_money_sees_the_record_without_it(company: Company, taken: Decision) -> None:
    viewer = signed_in(company, "vera", Role.VIEWER)
    for path in (f"/decisions/{taken.pk}/", "/decisions/"):
        page = viewer.get(path).content.decode()
        assert "Saving" not in page
        assert "€" not in page


def test_a_decision_of_nobody_is_not_found(planner: Client) -> None:
    assert planner.get("/decisions/999999/").status_code == 404
