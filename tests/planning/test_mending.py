"""Held lots and lost pieces: quality agrees or refuses, customers are asked, the floor mends."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from materials.models import Customer, Lot, StockMove
from mes.commands import Outcome
from mes.models import Role, Task
from planning import actions as planning
from planning import words
from planning.engine.kinds import Kind
from planning.models import Consent, Decision, Option
from quality.models import Hold
from tests.planning.conftest import Company
from tests.planning.test_option_kinds import (
    accept,
    bodies_on_hold,
    plan_hash,
    scrap_of_the_last_piece,
    the_option,
)
from workorders import actions as workorders
from workorders.models import GenealogyEdge, JobOrder, WorkOrder


@pytest.fixture
def company(build: Callable[..., Company]) -> Company:
    return build()


def decide(company: Company, kind: Kind) -> Decision:
    outcome = accept(company, the_option(company, kind))
    assert outcome.ok, outcome.message
    assert outcome.response["tentative"]
    return Decision.objects.get(pk=outcome.response["decision_id"])


def says(company: Company, decision: Decision, who: str, act: Any, **more: Any) -> Outcome:
    """The answer of whoever gets that yes."""
    consent = Consent.objects.get(decision=decision, who=who)
    role = Role(consent.role)
    return company.do(act, as_role=role, consent_id=consent.pk, **more)


def balance(company: Company, code: str) -> Decimal:
    rows = company.lot(code).balances.values_list("quantity", flat=True)
    return sum(rows, Decimal(0))


def test_a_lot_stays_barred_until_quality_agrees_and_is_free_then(company: Company) -> None:
    bodies_on_hold(company)
    decision = decide(company, Kind.CONCESSION)
    lot = company.lot("B-1")
    assert lot.status == Lot.Status.HELD
    assert lot.holds.get().concession == Hold.Concession.ASKED
    task = Task.objects.get(site=company.site, role=Role.QUALITY, done_at=None)
    assert "B-1" in task.text
    assert "as it is" in task.text
    outcome = says(company, decision, "QUALITY", planning.agree)
    assert outcome.ok, outcome.message
    assert outcome.response["firm"]
    assert company.lot("B-1").status == Lot.Status.RELEASED
    company.answer()
    assert company.disruption("HOLD").state == "CLOSED"
    # It is used by now, perhaps: a new hold is another decision.
    undone = company.do(planning.undo, decision_id=decision.pk)
    assert undone.status == 409
    assert "was released at" in undone.message


def test_quality_refuses_once_and_is_not_asked_again(company: Company) -> None:
    bodies_on_hold(company)
    before, was = plan_hash(company), company.lot("B-1").free_at
    decision = decide(company, Kind.CONCESSION)
    assert company.lot("B-1").free_at != was
    outcome = says(company, decision, "QUALITY", planning.refuse, reason="porous")
    assert outcome.ok, outcome.message
    assert plan_hash(company) == before
    lot = company.lot("B-1")
    assert (lot.status, lot.free_at) == (Lot.Status.HELD, was)
    assert decision.undone_by.why.startswith("the use of B-1 as it is refused by")
    company.answer()
    option = Option.objects.get(disruption=company.disruption("HOLD"), kind="CONCESSION")
    assert option.verdict == "IMPOSSIBLE"
    assert words.impossible(option) == "B-1: quality refused to let it be used as it is"


def test_who_wants_to_be_asked_agrees_too_and_quality_releases_it(company: Company) -> None:
    Customer.objects.filter(site=company.site).update(asked_of_concessions=True)
    bodies_on_hold(company)
    option = the_option(company, Kind.CONCESSION)
    assert [each["who"] for each in option.figures["consents"]] == ["QUALITY", "CUSTOMER"]
    assert "Voss has to agree (SO-3/1)" in words.consents(option.figures)
    decision = decide(company, Kind.CONCESSION)
    first = says(company, decision, "QUALITY", planning.agree)
    assert first.ok, first.message
    assert company.lot("B-1").status == Lot.Status.HELD
    assert says(company, decision, "CUSTOMER", planning.agree).response["firm"]
    # Sales can't release a lot: quality does, and is told.
    assert company.lot("B-1").status == Lot.Status.HELD
    assert Task.objects.filter(
        site=company.site, role=Role.QUALITY, text__contains="Release lot B-1", done_at=None
    ).exists()


def test_the_customer_refuses_and_all_of_it_is_out(company: Company) -> None:
    Customer.objects.filter(site=company.site).update(asked_of_concessions=True)
    bodies_on_hold(company)
    before = plan_hash(company)
    decision = decide(company, Kind.CONCESSION)
    outcome = says(company, decision, "CUSTOMER", planning.refuse, reason="drawing says no")
    assert outcome.ok, outcome.message
    assert plan_hash(company) == before
    # Quality has not said no: it may be asked for another customer.
    assert company.lot("B-1").holds.get().concession == Hold.Concession.NONE


def test_pieces_of_a_held_lot_are_mended_and_put_away(company: Company) -> None:
    bodies_on_hold(company)
    decide(company, Kind.REWORK)
    order = WorkOrder.objects.get(site=company.site, mends_lot__isnull=False)
    job = order.job_orders.get()
    assert (job.name, job.quantity) == ("Rework", order.quantity)
    company.must(workorders.start, job_order_id=job.pk)
    assert company.report(job, 40, 0).ok
    assert balance(company, "B-1") == Decimal(20)
    assert balance(company, order.code) == Decimal(40)
    assert StockMove.objects.filter(lot__code="B-1", reason="REWORK", quantity=-40).exists()
    edge = GenealogyEdge.objects.get(site=company.site, produced__code=order.code)
    assert (edge.consumed.code, edge.quantity) == ("B-1", Decimal(40))
    # Once it has begun it can't be taken back; a report can.
    decision = Decision.objects.get(disruption=company.disruption("HOLD"))
    assert company.do(planning.undo, decision_id=decision.pk).status == 409
    response = job.responses.get()
    company.must(workorders.correct_report, response_id=response.pk)
    assert balance(company, "B-1") == Decimal(60)
    assert balance(company, order.code) == 0


def mend_one_more(company: Company, **of: int) -> Outcome:
    return company.do(
        workorders.order_mending,
        code="WO-R",
        item_id=company.ids["BODY"],
        quantity=Decimal(1),
        due_at=company.now,
        unit_id=company.ids["BENCH"],
        setup_s=0,
        run_s=Decimal(10),
        **of,
    )


def test_what_is_mended_is_not_counted_in_its_lot_too(company: Company) -> None:
    bodies_on_hold(company)
    decide(company, Kind.REWORK)
    again = mend_one_more(company, after=20, lot_id=company.lot("B-1").pk)
    assert again.status == 409
    assert "not so many pieces" in again.message


def test_what_an_operation_lost_is_mended_and_goes_on_from_there(company: Company) -> None:
    scrap_of_the_last_piece(company)
    decide(company, Kind.REWORK)
    order = WorkOrder.objects.get(site=company.site, mends_job__isnull=False)
    assert order.mends_job == company.job("WO-1", 10)
    jobs = list(order.job_orders.order_by("number"))
    assert [(job.number, job.name) for job in jobs] == [(10, "Rework"), (20, "Deburr")]
    assert not JobOrder.objects.filter(work_order=order, materials__isnull=False).exists()
    for job in jobs:
        company.must(workorders.start, job_order_id=job.pk)
        assert company.report(job, 60, 0).ok
    assert balance(company, order.code) == Decimal(60)
    again = mend_one_more(company, after=10, job_order_id=company.job("WO-1", 10).pk)
    assert again.status == 409
