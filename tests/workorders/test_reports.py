"""What was made is recorded: booked where the rules allow, kept for somebody where they don't."""

from __future__ import annotations

import uuid
from datetime import timedelta
from decimal import Decimal

import pytest

from equipment.actions import report_breakdown
from materials.models import Lot, StockMove
from mes.models import ShopFloorEvent, Task
from quality.actions import place_hold, release_hold
from tests.cast import (
    HOUR,
    SHIFT_START,
    Plant,
    assert_balances_are_the_sums_of_their_moves,
    assert_each_open_job_stands_in_one_queue,
)
from workorders.actions import report_production, settle, start
from workorders.models import GenealogyEdge, JobMaterial, JobResponse, Unsettled


def test_good_scrap_and_rework_are_one_act(plant: Plant) -> None:
    plant.order()
    job = plant.job()
    plant.must(start, job_order_id=job.pk)

    answer = plant.report(job, 5, 1, rework=Decimal(1), reason_id=plant.ids["SPINDLE"])

    job.refresh_from_db()
    row = JobResponse.objects.get()
    assert (job.good, job.scrap, job.rework, job.status) == (5, 1, 1, "RUNNING")
    assert answer.response["left"] == "3"
    assert answer.response["response_id"] == row.pk
    assert (row.good, row.scrap, row.rework) == (5, 1, 1)
    assert plant.kinds().count("workorders.production.reported") == 1


def test_components_of_everything_made_are_taken_first_expired_first(plant: Plant) -> None:
    plant.receive("BAR", "L-0", 6, expires_at=SHIFT_START + 24 * HOUR)
    plant.order()

    plant.report(plant.job(), 5, 1)

    assert (plant.on_hand("L-0"), plant.on_hand("L-1")) == (0, 997)
    assert JobMaterial.objects.get().issued == 9
    assert_balances_are_the_sums_of_their_moves(plant)


def test_the_lot_that_was_loaded_is_the_one_used(plant: Plant) -> None:
    plant.receive("BAR", "L-2", 100)
    plant.order()

    plant.report(plant.job(), 2, lot_ids=[plant.lot("L-2").pk])

    assert plant.on_hand("L-2") == 97


def test_the_last_operation_puts_its_good_pieces_into_the_orders_lot(plant: Plant) -> None:
    order = plant.order()
    plant.report(plant.job(), 10)

    plant.report(plant.job(number=20), 9, 1)

    order.refresh_from_db()
    assert order.lot is not None
    assert order.lot.code == "WO-1"
    assert (plant.on_hand("WO-1"), order.put_away_quantity) == (9, 9)
    assert (plant.job(number=20).status, order.status) == ("COMPLETED", "COMPLETED")
    assert plant.queue("BENCH") == []
    assert_balances_are_the_sums_of_their_moves(plant)


def test_the_output_lot_knows_the_lots_that_went_into_it(plant: Plant) -> None:
    plant.order()

    plant.report(plant.job(), 4)

    edge = GenealogyEdge.objects.get()
    assert (edge.consumed.code, edge.produced.code, edge.quantity) == ("L-1", "WO-1", 6)


def test_a_lot_code_that_is_taken_does_not_stop_the_output(plant: Plant) -> None:
    plant.receive("BAR", "WO-1", 1)
    order = plant.order("WO-1")
    Lot.objects.filter(code="WO-1").update(status="QUARANTINE")

    assert plant.report(plant.job(), 1).status == 200
    order.refresh_from_db()
    assert order.lot is not None
    assert order.lot.code == f"WO-1-{order.pk}"


def test_a_job_is_complete_when_good_scrap_and_rework_reach_its_quantity(plant: Plant) -> None:
    plant.order()
    plant.must(start, job_order_id=plant.job().pk)

    plant.report(plant.job(), 7, 2, rework=Decimal(1))

    job = plant.job()
    assert (job.status, job.completed_at) == ("COMPLETED", SHIFT_START)
    assert plant.state("CNC-04") == "IDLE"
    assert_each_open_job_stands_in_one_queue(plant)


def test_a_report_starts_a_job_that_nobody_started(plant: Plant) -> None:
    plant.order()

    plant.report(plant.job(), 2)

    job = plant.job()
    assert (job.status, job.started_at) == ("RUNNING", SHIFT_START)
    assert plant.newest("workorders.production.reported").body["implies_start"]
    assert plant.state("CNC-04") == "EXECUTE"


@pytest.mark.parametrize("blocked_by", ["a breakdown", "another job"])
def test_a_report_where_nothing_can_run_counts_but_starts_nothing(
    plant: Plant, blocked_by: str
) -> None:
    plant.order("WO-1")
    plant.order("WO-2")
    if blocked_by == "a breakdown":
        plant.must(report_breakdown, unit_id=plant.ids["CNC-04"])
    else:
        plant.must(start, job_order_id=plant.job("WO-2").pk)
    state = plant.state("CNC-04")

    plant.report(plant.job("WO-1"), 2)

    assert (plant.job("WO-1").good, plant.job("WO-1").status) == (2, "SUSPENDED")
    assert plant.state("CNC-04") == state


def test_more_good_pieces_than_at_the_operation_before_are_marked_not_refused(
    plant: Plant,
) -> None:
    plant.order()

    answer = plant.report(plant.job(number=20), 3)

    assert answer.status == 200
    assert plant.newest("workorders.production.reported").body["implies_previous"]


def test_reporting_more_than_is_left_is_kept_and_nothing_moves(plant: Plant) -> None:
    plant.order(quantity=12)
    moves = StockMove.objects.count()

    answer = plant.report(plant.job(), 20)

    row = Unsettled.objects.get()
    assert answer.status == 202
    assert answer.message == (
        "Only 12 left to report; you entered 20. Kept for your supervisor to settle."
    )
    assert (plant.job().good, plant.job().status) == (0, "READY")
    assert StockMove.objects.count() == moves
    assert (row.what, row.quantity, row.pk) == (
        "OVER_REPORT",
        20,
        answer.response["unsettled_id"],
    )
    assert Task.objects.get(role="SUPERVISOR").text == answer.message
    assert plant.newest("workorders.fact.unsettled").body["values"]["good"] == "20"


def test_a_report_on_a_held_job_is_kept(plant: Plant) -> None:
    plant.order()
    plant.must(place_hold, job_order_id=plant.job().pk)

    answer = plant.report(plant.job(), 1)

    assert (answer.status, answer.response["what"]) == (202, "JOB_HELD")
    assert plant.job().good == 0


def test_a_report_made_from_a_held_lot_is_kept_with_the_lot(plant: Plant) -> None:
    plant.order()
    lot = plant.lot("L-1")
    plant.must(place_hold, lot_id=lot.pk)

    answer = plant.report(plant.job(), 1, lot_ids=[lot.pk])

    assert answer.status == 202
    assert "Lot L-1 may not be used; you entered 1 made from it." in answer.message
    assert Unsettled.objects.get().lot_id == lot.pk
    assert plant.on_hand("L-1") == 1000


def test_missing_stock_never_stops_a_report_it_becomes_a_task_for_the_stores(
    plant: Plant,
) -> None:
    hold = plant.must(place_hold, lot_id=plant.lot("L-1").pk)
    plant.receive("BAR", "L-2", 2)
    plant.order()

    answer = plant.report(plant.job(), 4)

    assert answer.status == 202
    assert plant.job().good == 4
    assert plant.on_hand("L-2") == 0
    assert Unsettled.objects.get().quantity == 4  # 6 needed, 2 there
    assert Task.objects.get(role="STORES").text == (
        "WO-1 / 10 used 4 pcs of BAR that are not in stock. Count it and book where it came from."
    )
    plant.must(release_hold, hold_id=hold["hold_id"])
    assert plant.report(plant.job(), 4).status == 200


def test_a_plant_that_does_not_check_stock_takes_nothing_and_still_puts_away(
    plant: Plant,
) -> None:
    plant.site.checks_stock = False
    plant.site.save()
    plant.order()

    plant.report(plant.job(), 10)
    plant.report(plant.job(number=20), 10)

    assert (plant.on_hand("L-1"), plant.on_hand("WO-1")) == (1000, 10)


@pytest.mark.parametrize(
    ("good", "scrap", "sentence"),
    [
        ("0", "0", "Enter good pieces, scrap or rework above zero."),
        ("-1", "2", "Quantities can't be below zero. To take an entry back, undo it."),
        ("1.5", "0", "BODY is counted in steps of 1. Correct the quantity."),
    ],
)
def test_an_entry_that_makes_no_sense_is_refused_in_words(
    plant: Plant, good: str, scrap: str, sentence: str
) -> None:
    plant.order()

    refused = plant.report(plant.job(), good, scrap)

    assert (refused.status, refused.message) == (422, sentence)
    assert plant.job().good == 0


def test_a_late_report_keeps_its_time_and_the_run_goes_on_from_it(plant: Plant) -> None:
    plant.order()
    plant.must(start, job_order_id=plant.job().pk)
    plant.clock(SHIFT_START + 2 * HOUR)

    plant.report(plant.job(), 3, occurred_at=SHIFT_START + HOUR)

    job, event = plant.job(), plant.newest("workorders.production.reported")
    assert (event.late, event.occurred_at) == (True, SHIFT_START + HOUR)
    assert (job.productive_s, job.running_since) == (3600, SHIFT_START + HOUR)
    assert job.last_report_at == SHIFT_START + HOUR


def test_an_older_report_that_comes_later_counts_no_time_twice(plant: Plant) -> None:
    plant.order()
    plant.must(start, job_order_id=plant.job().pk)
    plant.clock(SHIFT_START + 2 * HOUR)
    plant.report(plant.job(), 3)

    plant.report(plant.job(), 1, occurred_at=SHIFT_START + HOUR)

    job = plant.job()
    assert (job.good, job.productive_s) == (4, 7200)
    assert job.last_report_at == job.running_since == SHIFT_START + 2 * HOUR


def test_a_time_before_the_release_is_moved_to_it_and_flagged(plant: Plant) -> None:
    plant.order()

    plant.report(plant.job(), 1, occurred_at=SHIFT_START - timedelta(days=1))

    event = plant.newest("workorders.production.reported")
    assert event.occurred_at == SHIFT_START
    assert event.body["clamped"]


def test_the_same_form_sent_twice_is_one_report(plant: Plant) -> None:
    plant.order()
    job, key = plant.job(), uuid.uuid4()

    first = plant.report(job, 3, key=key)
    second = plant.report(job, 3, key=key)

    assert second.replayed
    assert second.response == first.response
    assert plant.job().good == 3


def test_an_unsettled_fact_is_settled_once_by_somebody_entitled(plant: Plant) -> None:
    plant.order()
    unsettled_id = plant.report(plant.job(), 20).response["unsettled_id"]

    wrong_role = plant.do(settle, as_role="OPERATOR", unsettled_id=unsettled_id, settlement="fine")
    silent = plant.do(settle, unsettled_id=unsettled_id, settlement=" ")
    done = plant.do(settle, unsettled_id=unsettled_id, settlement="Miscounted, 2 were made")
    again = plant.do(settle, unsettled_id=unsettled_id, settlement="Other")

    assert [wrong_role.status, silent.status, done.status, again.status] == [403, 422, 200, 409]
    row = Unsettled.objects.get()
    assert (row.settlement, row.settled_by_id) == (
        "Miscounted, 2 were made",
        plant.actor.person_id,
    )
    assert Task.objects.get(role="SUPERVISOR").done_at is not None
    assert ShopFloorEvent.objects.filter(kind="workorders.fact.settled").count() == 1


def test_the_report_of_a_job_that_is_not_here_is_missing(plant: Plant) -> None:
    assert plant.do(report_production, job_order_id=0, good=Decimal(1)).status == 404
