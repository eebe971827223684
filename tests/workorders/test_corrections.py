"""Taking a report back: everything returns to what it was, and both entries stay."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from materials.actions import add_customer, add_customer_order, ship
from materials.models import StockBalance
from mes.models import Task
from quality.actions import place_hold
from tests.cast import (
    HOUR,
    SHIFT_START,
    Plant,
    assert_balances_are_the_sums_of_their_moves,
    assert_each_open_job_stands_in_one_queue,
)
from workorders.actions import close_order, correct_report, finish, start
from workorders.models import (
    GenealogyEdge,
    JobMaterial,
    JobOrder,
    JobResponse,
    Unsettled,
    WorkOrder,
)


def take_back(plant: Plant, response_id: int) -> Any:
    return plant.do(correct_report, response_id=response_id)


def test_an_entry_taken_back_leaves_both_entries_and_no_trace_in_the_balances(
    plant: Plant,
) -> None:
    plant.order()
    plant.report(plant.job(), 10)
    wrong = plant.report(plant.job(number=20), 6)

    answer = take_back(plant, wrong.response["response_id"])

    first, second = JobResponse.objects.filter(job_order__number=20).order_by("pk")
    event = plant.newest("workorders.report.corrected")
    assert answer.ok
    assert (second.good, second.corrects_id) == (-6, first.pk)
    assert event.corrects_seq == first.event_seq
    assert plant.on_hand("WO-1") == 0
    assert WorkOrder.objects.get().put_away_quantity == 0
    assert_balances_are_the_sums_of_their_moves(plant)


def test_material_returns_to_the_lots_it_came_from(plant: Plant) -> None:
    plant.receive("BAR", "L-0", 6, expires_at=SHIFT_START + 24 * HOUR)
    plant.order()
    wrong = plant.report(plant.job(), 8)
    assert (plant.on_hand("L-0"), plant.on_hand("L-1")) == (0, 994)

    take_back(plant, wrong.response["response_id"])

    assert (plant.on_hand("L-0"), plant.on_hand("L-1")) == (6, 1000)
    assert JobMaterial.objects.get().issued == 0
    edges = GenealogyEdge.objects.values_list("consumed__code", "quantity")
    assert sorted(edges) == [("L-0", -6), ("L-0", 6), ("L-1", -6), ("L-1", 6)]


def test_a_completed_job_reopens_at_the_head_of_its_queue(plant: Plant) -> None:
    plant.order("WO-1")
    plant.order("WO-2")
    plant.must(start, job_order_id=plant.job("WO-1").pk)
    wrong = plant.report(plant.job("WO-1"), 10)
    assert plant.job("WO-1").status == "COMPLETED"

    take_back(plant, wrong.response["response_id"])

    job = plant.job("WO-1")
    assert (job.status, job.completed_at) == ("RUNNING", None)
    assert plant.queue("CNC-04") == [job.pk, plant.job("WO-2").pk]
    assert plant.state("CNC-04") == "EXECUTE"


def test_a_job_reopens_as_stopped_where_another_runs_meanwhile(plant: Plant) -> None:
    plant.order("WO-1")
    plant.order("WO-2")
    wrong = plant.report(plant.job("WO-1"), 10)
    plant.must(start, job_order_id=plant.job("WO-2").pk)

    take_back(plant, wrong.response["response_id"])

    assert plant.job("WO-1").status == "SUSPENDED"
    assert_each_open_job_stands_in_one_queue(plant)


def test_everything_scrapped_by_mistake_reopens_the_whole_order(plant: Plant) -> None:
    order = plant.order()
    wrong = plant.report(plant.job(), 0, 10)
    order.refresh_from_db()
    assert (order.status, plant.job(number=20).status) == ("COMPLETED", "COMPLETED")

    take_back(plant, wrong.response["response_id"])

    order.refresh_from_db()
    assert (order.status, order.closed_at) == ("RELEASED", None)
    assert plant.job(number=20).status == "WAITING"
    assert_each_open_job_stands_in_one_queue(plant)


def test_a_job_that_a_person_finished_short_stays_finished(plant: Plant) -> None:
    plant.order()
    wrong = plant.report(plant.job(), 3)
    plant.must(finish, job_order_id=plant.job().pk)

    take_back(plant, wrong.response["response_id"])

    assert (plant.job().status, plant.job().good) == ("COMPLETED", 0)


def test_an_entry_is_taken_back_once(plant: Plant) -> None:
    plant.order()
    wrong = plant.report(plant.job(), 3).response["response_id"]
    correction = take_back(plant, wrong).response["response_id"]

    again, of_the_correction = take_back(plant, wrong), take_back(plant, correction)

    assert (again.status, again.message) == (409, "This entry was already taken back.")
    assert of_the_correction.status == 422
    assert plant.job().good == 0


def test_pieces_that_have_left_cannot_be_taken_back(plant: Plant) -> None:
    plant.order()
    plant.report(plant.job(), 10)
    wrong = plant.report(plant.job(number=20), 10)
    customer = plant.must(add_customer, code="AQ", name="Aquila")["customer_id"]
    line_id = plant.must(
        add_customer_order,
        code="SO-1",
        customer_id=customer,
        lines=[
            {
                "item_id": plant.ids["BODY"],
                "quantity": Decimal(4),
                "requested_at": SHIFT_START,
            }
        ],
    )["line_ids"][0]
    plant.must(ship, line_id=line_id, quantity=Decimal(4))

    refused = take_back(plant, wrong.response["response_id"])

    assert refused.status == 422
    assert "Pieces of WO-1 have already been shipped or used" in refused.message
    assert plant.on_hand("WO-1") == 6
    assert plant.job(number=20).good == 10


def test_nothing_of_a_closed_order_is_taken_back(plant: Plant) -> None:
    order = plant.order()
    wrong = plant.report(plant.job(), 10)
    plant.report(plant.job(number=20), 10)
    plant.must(close_order, work_order_id=order.pk)

    assert "WO-1 is closed." in take_back(plant, wrong.response["response_id"]).message


def test_a_shortage_is_no_longer_a_question_once_its_report_is_taken_back(plant: Plant) -> None:
    plant.must(place_hold, lot_id=plant.lot("L-1").pk)
    plant.order()
    wrong = plant.report(plant.job(), 4)

    take_back(plant, wrong.response["response_id"])

    assert Unsettled.objects.get().settled_at is not None
    assert Task.objects.get(role="STORES").done_at is not None


def test_a_held_lots_pieces_come_back_to_it(plant: Plant) -> None:
    plant.order()
    wrong = plant.report(plant.job(), 4)
    plant.must(place_hold, lot_id=plant.lot("L-1").pk)

    assert take_back(plant, wrong.response["response_id"]).ok
    assert plant.on_hand("L-1") == 1000


entries = st.lists(
    st.tuples(st.sampled_from([10, 20]), st.integers(0, 6), st.integers(0, 3), st.booleans()),
    min_size=1,
    max_size=6,
)


@pytest.mark.django_db
@settings(
    max_examples=12,
    # Each example is a dozen acts on the database: a failing one is shown as it was found.
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(entries)
def test_whatever_is_reported_and_taken_back_leaves_exactly_what_was(
    plant: Plant, given_entries: list[tuple[int, int, int, bool]]
) -> None:
    with transaction.atomic():
        plant.order()
        before = {row.lot_id: row.quantity for row in StockBalance.objects.filter(site=plant.site)}
        booked: list[int] = []
        for number, good, scrap, at_once in given_entries:
            answer = plant.report(plant.job(number=number), good, scrap)
            if "response_id" in answer.response:
                booked.append(answer.response["response_id"])
                if at_once:
                    assert take_back(plant, booked.pop()).ok
            assert_balances_are_the_sums_of_their_moves(plant)
            assert_each_open_job_stands_in_one_queue(plant)
        for response_id in reversed(booked):
            assert take_back(plant, response_id).ok

        after = {
            row.lot_id: row.quantity
            for row in StockBalance.objects.filter(site=plant.site)
            if row.quantity
        }
        assert after == before
        assert {(job.good, job.scrap, job.rework) for job in JobOrder.objects.all()} == {(0, 0, 0)}
        assert WorkOrder.objects.get().put_away_quantity == 0
        assert WorkOrder.objects.get().status == "RELEASED"
        assert not JobMaterial.objects.exclude(issued=0).exists()
        assert_each_open_job_stands_in_one_queue(plant)
        transaction.set_rollback(True)
