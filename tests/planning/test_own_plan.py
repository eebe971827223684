"""A planner's own answer: put together move by move, weighed as any other, accepted, undone."""

from __future__ import annotations

import uuid
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from equipment import actions as equipment
from mes.clock import wall_now
from mes.models import Role, ShopFloorEvent, SitePlan
from planning import actions as planning
from planning import rules, words
from planning.models import Decision, Option
from tests.cast import HOUR
from tests.planning.conftest import Company
from tests.planning.test_calls import signed_in
from tests.planning.test_supply_and_demand import stored
from workorders import actions as workorders


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


def own(company: Company) -> Option:
    return Option.objects.get(disruption=company.disruption("BREAKDOWN"), kind="MINE")


def move(company: Company, order: str, **more: Any) -> dict[str, Any]:
    return {
        "option_id": own(company).pk,
        "job_order_id": company.job(order, 10).pk,
        "to_unit_id": company.ids["CNC-07"],
        "place": "next",
        **more,
    }


def test_an_own_move_is_weighed_as_any_option_is(broken: Company) -> None:
    before = stored(broken)
    assert own(broken).saves == 0

    broken.must(planning.add_move, **move(broken, "WO-1"))

    mine = own(broken)
    shown = planning.preview(mine, wall_now=wall_now())
    assert mine.saves == Decimal(shown["figures"]["saves"]) > 0
    assert {name: mine.figures[name] for name in rules.COMPARED} == {
        name: shown["figures"][name] for name in rules.COMPARED
    }
    assert mine.figures["moved"] == [broken.job("WO-1", 10).pk]
    assert words.option_name(mine) == "My own plan: CNC-07 takes 1 operation"
    assert stored(broken) == before


def test_two_moves_stand_together_and_one_can_be_taken_out(broken: Company) -> None:
    broken.must(planning.add_move, **move(broken, "WO-1"))
    alone = own(broken)
    broken.must(planning.add_move, **move(broken, "WO-2", place="last"))
    both = own(broken)
    assert [row["position"] for row in both.changes] == [0, 1]
    assert both.saves > alone.saves

    broken.must(planning.drop_move, option_id=both.pk, number=1)

    assert own(broken).changes == alone.changes
    assert own(broken).saves == alone.saves
    assert broken.do(planning.drop_move, option_id=both.pk, number=1).status == 409


def test_a_start_puts_it_behind_those_that_begin_before_it(broken: Company) -> None:
    broken.must(planning.add_move, **move(broken, "WO-1"))
    late = broken.now + timedelta(days=2)
    broken.must(planning.add_move, **move(broken, "WO-2", place="start", starts_at=late))
    assert own(broken).changes[1]["position"] == 1
    broken.must(planning.drop_move, option_id=own(broken).pk, number=1)
    broken.must(planning.add_move, **move(broken, "WO-2", place="start", starts_at=broken.now))
    assert own(broken).changes[1]["position"] == 0


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"to_unit_id": 10**9}, "which job"),
        ({"job_order_id": 10**9}, "which job"),
        ({"place": "start"}, "when it is to start"),
        ({"place": "anywhere"}, "where in the queue"),
    ],
)
def test_what_is_no_move_changes_nothing(broken: Company, more: dict[str, Any], said: str) -> None:
    outcome = broken.do(planning.add_move, **move(broken, "WO-1", **more))
    assert outcome.status == 422
    assert said in outcome.message
    assert own(broken).changes == []


def test_a_machine_that_can_not_do_it_is_refused_in_words(broken: Company) -> None:
    wash = broken.job("WO-1", 20).unit_id
    outcome = broken.do(planning.add_move, **move(broken, "WO-1", to_unit_id=wash))
    assert outcome.status == 422
    assert outcome.message == "BENCH: no other machine can do it"
    assert own(broken).changes == []


def test_an_own_plan_is_accepted_and_undone_like_any_other(broken: Company) -> None:
    before = stored(broken)
    broken.must(planning.add_move, **move(broken, "WO-1"))
    mine, version = own(broken), SitePlan.objects.get(site=broken.site).plan_version

    made = broken.must(planning.accept, option_id=mine.pk, based_on_version=version)

    assert broken.job("WO-1", 10).unit.code == "CNC-07"
    decision = Decision.objects.get(pk=made["decision_id"])
    assert decision.title == "My own plan: CNC-07 takes 1 operation"
    assert Decimal(decision.predicted["saves"]) == mine.saves
    outcome = broken.do(planning.add_move, **move(broken, "WO-2"))
    assert (outcome.status, outcome.message) == (409, "Decided already. Undo that first.")
    broken.must(planning.undo, decision_id=made["decision_id"])
    broken.answer()
    assert stored(broken) == before


def test_without_a_move_there_is_nothing_to_accept(broken: Company) -> None:
    version = SitePlan.objects.get(site=broken.site).plan_version
    outcome = broken.do(planning.accept, option_id=own(broken).pk, based_on_version=version)
    assert outcome.status == 422
    assert not Decision.objects.exists()


def test_it_is_weighed_anew_with_every_plan_and_says_when_it_is_too_late(
    broken: Company,
) -> None:
    broken.must(planning.add_move, **move(broken, "WO-1"))
    first = own(broken)
    broken.must(
        equipment.change_estimate, unit_id=broken.ids["CNC-04"], back_at=broken.now + 60 * HOUR
    )
    broken.answer()
    again = own(broken)
    assert again.version > first.version
    assert 0 < again.saves < first.saves
    assert again.figures["by"] == first.figures["by"]

    broken.must(equipment.report_repair, unit_id=broken.ids["CNC-04"])
    broken.must(workorders.start, job_order_id=broken.job("WO-1", 10).pk)
    broken.must(workorders.finish, job_order_id=broken.job("WO-1", 10).pk)
    broken.must(
        equipment.report_breakdown,
        unit_id=broken.ids["CNC-04"],
        back_at=broken.now + 96 * HOUR,
        said_by="T. Maintenance",
    )
    broken.answer()
    gone = own(broken)
    assert gone.verdict == "OFFERED"
    assert gone.figures["gone"] is True
    more = broken.do(planning.add_move, **move(broken, "WO-2"))
    assert (more.status, more.message) == (
        409,
        "Take out first what is no longer possible: WO-1/10: the job is done.",
    )
    outcome = broken.do(planning.accept, option_id=gone.pk, based_on_version=gone.version)
    assert outcome.status == 409


def test_the_page_adds_a_move_takes_it_out_and_says_why_not(broken: Company) -> None:
    row, mine = broken.disruption("BREAKDOWN"), own(broken)
    here = f"{reverse('planning:disruption', args=[row.pk])}?selected={mine.pk}"
    planner = signed_in(broken, "jana", Role.PLANNER)
    events = ShopFloorEvent.objects.count()

    context = planner.get(here).context["preview"]["own"]
    choices = dict(context["form"].fields["move"].widget.choices)
    chosen = f"{broken.job('WO-1', 10).pk}:{broken.ids['CNC-07']}"
    assert choices[chosen].endswith("CNC-04 → CNC-07")
    given = {"move": chosen, "place": "next", "key": str(uuid.uuid4())}
    answer = planner.post(context["add_url"], given)
    assert answer.status_code == 302
    page = planner.get(answer["Location"])
    preview = page.context["preview"]
    assert [each["text"] for each in preview["own"]["moves"]] == [
        "WO-1 op 10 · Turn to CNC-07, as number 1 of those that wait"
    ]
    assert preview["accept"]["off"] == ""
    assert b"My own plan: CNC-07 takes 1 operation" in page.content

    given = {"move": "nothing", "place": "start", "key": str(uuid.uuid4())}
    wrong = planner.post(context["add_url"], given)
    assert wrong.status_code == 422
    assert b"Enter when it is to start." in wrong.content

    given = {"number": "0", "key": str(uuid.uuid4())}
    assert planner.post(context["drop_url"], given).status_code == 302
    assert own(broken).changes == []
    assert ShopFloorEvent.objects.count() == events


def test_who_may_not_decide_reads_it_and_changes_nothing(broken: Company) -> None:
    row, mine = broken.disruption("BREAKDOWN"), own(broken)
    sales: Client = signed_in(broken, "voss", Role.SALES)
    here = f"{reverse('planning:disruption', args=[row.pk])}?selected={mine.pk}"
    context = sales.get(here).context["preview"]["own"]
    assert context["off"] == "Needs a planner or supervisor."
    given = {"move": "1:2", "place": "next", "key": str(uuid.uuid4())}
    assert sales.post(context["add_url"], given).status_code == 403
    other = reverse("planning:add_move", args=[row.pk, mine.pk + 1000])
    planner = signed_in(broken, "jana", Role.PLANNER)
    assert planner.post(other, given).status_code == 404
