"""Queues changed by hand and jobs that can't be done where they were sent: what each does, which
answers there are, and its reverse."""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import Any

import pytest
from django.urls import reverse

from equipment import actions as equipment
from mes.clock import wall_now
from mes.models import Role, SitePlan
from planning import actions as planning
from planning import words
from planning.models import Booking, Disruption, Option
from tests.cast import HOUR
from tests.planning.conftest import DAY, Company, build_company
from tests.planning.test_calls import signed_in
from tests.planning.test_supply_and_demand import stored
from workorders import actions as workorders
from workorders.models import JobOrder

COMPARED = ("lines_hit", "ops_hit", "items_hit", "total", "orders", "late_days", "late_lines")


@pytest.fixture
def crowded(db: None) -> Company:
    """A large order that has time stands behind two small ones that have not."""
    company = build_company()
    company.receive("BAR", "L-8", 5000)
    company.order("WO-9", 2000)
    company.sell("SO-9", 2000, company.now + 30 * DAY)
    company.commit()
    assert not Disruption.objects.filter(site=company.site).exists()
    return company


def first(company: Company, code: str = "WO-9", unit: str = "CNC-04") -> dict[str, Any]:
    return {
        "job_order_id": company.job(code).pk,
        "to_unit_id": company.ids[unit],
        "position": 0,
        "reason": "the forge waits for it",
    }


def offered(company: Company, row: Disruption) -> set[str]:
    rows = Option.objects.filter(disruption=row, verdict=Option.Verdict.OFFERED)
    return set(rows.values_list("kind", flat=True)) - {"DO_NOTHING", "MINE"}


def assert_net_zero(company: Company, before: dict[str, Any]) -> None:
    assert stored(company) == before
    sums: dict[int, Any] = {}
    for booking in Booking.objects.filter(site=company.site):
        sums[booking.line_id] = sums.get(booking.line_id, 0) + booking.cost_change
    assert not any(sums.values())


def test_what_a_moved_job_hurts_is_shown_before_and_is_a_disruption_after(
    crowded: Company,
) -> None:
    foretold = planning.preview_event(crowded.site, "queue", first(crowded), wall_now=wall_now())
    assert foretold["late_lines"] == 1
    crowded.must(workorders.move_job, **first(crowded))
    crowded.answer()

    row = crowded.disruption("QUEUE")
    assert (row.state, row.subject_code) == ("NEW", "CNC-04")
    after = crowded.impact("QUEUE").figures
    assert {name: foretold[name] for name in COMPARED} == {name: after[name] for name in COMPARED}
    assert words.title(row) == "Queue of CNC-04 changed: WO-9 op 10: the forge waits for it"
    assert len(offered(crowded, row)) >= 2
    bookings = Booking.objects.filter(site=crowded.site).exclude(lateness_change_s=0)
    assert {booking.disruption_id for booking in bookings} == {row.pk}
    assert sum(booking.cost_change for booking in bookings) == row.at_stake > 0


@pytest.mark.parametrize("unit", ["CNC-04", "CNC-07"])
def test_put_back_as_it_was_everything_is_as_before(crowded: Company, unit: str) -> None:
    slow = ("WO-1", "WO-2", "WO-9") if unit == "CNC-07" else ("WO-9",)
    before = stored(crowded)
    for code in slow:
        crowded.must(workorders.move_job, **first(crowded, code, unit))
    crowded.answer()
    row = crowded.disruption("QUEUE")
    assert len(row.cause["jobs"]) == len(slow)
    assert before != stored(crowded)

    crowded.must(planning.take_back, disruption_id=row.pk)
    crowded.answer()
    row.refresh_from_db()
    assert (row.state, row.close_reason) == ("CLOSED", "AS_BEFORE")
    assert Disruption.objects.filter(site=crowded.site).count() == 1
    assert_net_zero(crowded, before)


def test_a_job_that_is_moved_back_by_hand_ends_the_cause_that_took_it_away(
    crowded: Company,
) -> None:
    before = stored(crowded)
    for code in ("WO-9", "WO-1"):
        crowded.must(workorders.move_job, **first(crowded, code, "CNC-07") | {"position": 99})
    crowded.answer()
    assert crowded.disruption("QUEUE").state == "NEW"
    for code, place in (("WO-1", 0), ("WO-9", 2)):
        crowded.must(workorders.move_job, **first(crowded, code) | {"position": place})
    crowded.answer()
    rows = Disruption.objects.filter(site=crowded.site)
    assert {(row.kind, row.close_reason) for row in rows} == {("QUEUE", "AS_BEFORE")}
    assert len(rows) == 1
    assert_net_zero(crowded, before)


def test_a_second_change_of_the_same_queue_is_the_same_row(crowded: Company) -> None:
    crowded.must(workorders.move_job, **first(crowded))
    crowded.answer()
    queue = crowded.queue("CNC-04")
    crowded.must(
        workorders.set_queue,
        unit_id=crowded.ids["CNC-04"],
        job_order_ids=[queue[0], queue[2], queue[1]],
        reason="tooling",
    )
    crowded.answer()
    row = crowded.disruption("QUEUE")
    assert row.occurrences == 2
    assert [job["order"] for job in row.cause["jobs"]] == ["WO-9", "WO-2"]


def test_a_change_that_hurts_nobody_is_absorbed(crowded: Company) -> None:
    crowded.must(workorders.move_job, **first(crowded, "WO-2"))
    crowded.answer()
    assert crowded.disruption("QUEUE").close_reason == "ABSORBED"


def test_what_a_decision_moves_is_no_change_by_hand(crowded: Company) -> None:
    crowded.must(workorders.move_job, **first(crowded))
    crowded.answer()
    row = crowded.disruption("QUEUE")
    option = Option.objects.filter(disruption=row).offered_answers().first()
    assert option is not None
    version = SitePlan.objects.get(site=crowded.site).plan_version
    made = crowded.must(planning.accept, option_id=option.pk, based_on_version=version)
    crowded.answer()
    row.refresh_from_db()
    assert row.occurrences == 1
    assert Disruption.objects.filter(site=crowded.site).count() == 1
    crowded.must(planning.undo, decision_id=made["decision_id"])
    crowded.answer()
    assert Disruption.objects.filter(site=crowded.site).count() == 1


def test_what_another_decision_ended_comes_back_with_its_undo(crowded: Company) -> None:
    crowded.must(workorders.move_job, **first(crowded))
    closure = {"ends_at": crowded.now + 5 * DAY, "reason": "power cut"}
    crowded.must(equipment.close_place, equipment_id=crowded.ids["CNC-04"], **closure)
    crowded.answer()
    row, other = crowded.disruption("QUEUE"), crowded.disruption("CLOSURE")
    option = Option.objects.get(disruption=other, slug="alternate-unit/all")
    version = SitePlan.objects.get(site=crowded.site).plan_version
    made = crowded.must(planning.accept, option_id=option.pk, based_on_version=version)
    crowded.answer()
    row.refresh_from_db()
    assert row.state == "CLOSED"

    crowded.must(planning.undo, decision_id=made["decision_id"])
    crowded.answer()
    row.refresh_from_db()
    assert (row.state, row.close_reason) == ("OPEN", "")
    assert row.at_stake > 0


def test_what_came_again_meanwhile_is_not_opened_twice(crowded: Company) -> None:
    crowded.must(workorders.move_job, **first(crowded))
    crowded.answer()
    row = crowded.disruption("QUEUE")
    option = Option.objects.get(disruption=row, kind="OUTSIDE")
    version = SitePlan.objects.get(site=crowded.site).plan_version
    made = crowded.must(
        planning.accept, option_id=option.pk, based_on_version=version, why="told the forge"
    )
    crowded.answer()
    crowded.clock(crowded.now + 2 * HOUR)
    crowded.must(workorders.move_job, **first(crowded, "WO-2"))
    crowded.answer()
    crowded.must(workorders.move_job, **first(crowded))
    crowded.answer()
    again = Disruption.objects.standing(crowded.site.pk).get(kind="QUEUE")
    assert again.pk != row.pk

    crowded.must(planning.undo, decision_id=made["decision_id"])
    crowded.answer()
    assert Disruption.objects.standing(crowded.site.pk).get(kind="QUEUE").pk == again.pk


def test_once_it_has_begun_the_queue_is_no_cause_any_more(crowded: Company) -> None:
    crowded.must(workorders.move_job, **first(crowded, "WO-2"))
    crowded.must(workorders.start, job_order_id=crowded.job("WO-2").pk)
    crowded.answer()
    assert not Disruption.objects.standing(crowded.site.pk).filter(kind="QUEUE").exists()


def test_the_form_offers_what_waits_and_refuses_nonsense(crowded: Company) -> None:
    office = signed_in(crowded, "okafor", Role.SUPERVISOR)
    page = office.get(reverse("planning:new_event"), {"kind": "queue"})
    job = crowded.job("WO-9")
    offers = [value for value, _text in page.context["form"].fields["move"].widget.choices]
    assert f"{job.pk}:{crowded.ids['CNC-07']}" in offers
    assert f"{job.pk}:{crowded.ids['CNC-04']}" in offers
    for move in ("1e30:x", "", f"{job.pk}:999999999", f"{job.pk}:{crowded.ids['BENCH']}"):
        given = {"kind": "queue", "key": str(uuid.uuid4()), "move": move, "place": "next"}
        assert office.post(reverse("planning:new_event"), given).status_code in (404, 422)
    job.refresh_from_db()
    assert job.moved_at is None


# -- not possible where it was sent --------------------------------------------------------------


@pytest.fixture
def sent(crowded: Company) -> Company:
    """WO-1 was sent to the other machine a day before it is due."""
    crowded.clock(crowded.now + DAY)
    crowded.must(workorders.move_job, **first(crowded, "WO-1", "CNC-07"))
    crowded.commit()
    return crowded


def test_the_floor_says_that_a_move_is_not_possible_and_the_planner_sees_it(
    sent: Company,
) -> None:
    floor = signed_in(sent, "petra", Role.OPERATOR)
    job = sent.job("WO-1")
    here = reverse("workorders:station", args=["CNC-07"])
    [row] = floor.get(here).context["rows"]
    assert row["moved"]["no_url"]
    assert [why for why, _label in floor.get(here).context["not_possible_reasons"]] == list(
        JobOrder.WhyNot.values
    )
    given = {"key": str(uuid.uuid4()), "reason": "PROGRAM"}
    assert floor.post(row["moved"]["no_url"], given).status_code == 302
    [row] = floor.get(here).context["rows"]
    assert row["moved"]["no"] == "Not possible: No program for it. The planner knows."
    assert not row["moved"]["no_url"]

    sent.answer()
    found = sent.disruption("REFUSED")
    assert found.subject_id == job.pk
    assert words.title(found) == "Not possible on CNC-07: WO-1 op 10, no program for it"
    inbox = signed_in(sent, "voss", Role.PLANNER).get(reverse("planning:tower"))
    assert words.title(found) in inbox.content.decode()


def test_refused_it_waits_and_moved_away_it_goes_on(sent: Company) -> None:
    job = sent.job("WO-1")
    sent.must(workorders.refuse_job, job_order_id=job.pk, why="TOOL")
    sent.answer()
    row = sent.disruption("REFUSED")
    assert row.at_stake > 0
    kinds = offered(sent, row)
    assert len(kinds) >= 2
    mine = Option.objects.get(disruption=row, kind="MINE")
    back = {"kind": "move_job", "op_id": job.pk, "to_unit_id": sent.ids["CNC-04"], "position": 0}
    shown = planning.preview(mine, wall_now=wall_now(), changes=[back])["figures"]
    assert Decimal(shown["saves"]) == row.at_stake

    # Behind the others, whose places are frozen.
    version = SitePlan.objects.get(site=sent.site).plan_version
    before = stored(sent)
    changes = [{**back, "position": 2}]
    made = sent.must(planning.accept, option_id=mine.pk, based_on_version=version, changes=changes)
    sent.answer()
    row.refresh_from_db()
    assert (row.state, row.close_reason) == ("CLOSED", "SOLVED")
    sent.must(planning.undo, decision_id=made["decision_id"])
    sent.answer()
    assert stored(sent) == before
    row.refresh_from_db()
    assert row.state == "NEW"


def test_possible_after_all_everything_is_as_before(sent: Company) -> None:
    before = stored(sent)
    sent.must(workorders.refuse_job, job_order_id=sent.job("WO-1").pk, why="PERSON")
    sent.answer()
    assert stored(sent)["standing"] != before["standing"]
    row = sent.disruption("REFUSED")
    sent.must(planning.take_back, disruption_id=row.pk)
    sent.answer()
    row.refresh_from_db()
    assert (row.state, row.close_reason) == ("CLOSED", "SOLVED")
    assert_net_zero(sent, before)


def test_a_refusal_that_makes_no_sense_is_refused_in_words(sent: Company) -> None:
    job = sent.job("WO-1")
    for values in ({"why": "WEATHER"}, {"why": ""}):
        assert sent.do(workorders.refuse_job, job_order_id=job.pk, **values).status == 422
    assert sent.do(workorders.allow_job, job_order_id=job.pk).status == 409
    sent.must(workorders.refuse_job, job_order_id=job.pk, why="TOOL")
    assert sent.do(workorders.refuse_job, job_order_id=job.pk, why="TOOL").status == 409
    sent.must(workorders.start, job_order_id=job.pk)
    sent.answer()
    assert not Disruption.objects.standing(sent.site.pk).filter(kind="REFUSED").exists()
