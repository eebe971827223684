"""Many hands at one order: nothing is lost, nothing is doubled, nothing is made of nothing."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection

from equipment.actions import report_breakdown
from equipment.models import Downtime
from materials.models import StockMove
from mes.commands import Outcome
from tests.cast import (
    Plant,
    assert_balances_are_the_sums_of_their_moves,
    assert_each_open_job_stands_in_one_queue,
    build_plant,
)
from workorders.actions import correct_report, report_production, set_queue, start
from workorders.models import JobResponse, Unsettled

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def plant(transactional_db: None) -> Plant:
    return build_plant()


def at_once(hands: int, act: Callable[[int], Outcome]) -> list[Outcome]:
    """Let `hands` threads do the act at the same moment; their answers, in no order."""
    barrier = threading.Barrier(hands)
    answers: list[Any] = []

    def hand(number: int) -> None:
        try:
            barrier.wait(timeout=30)
            answers.append(act(number))
        except Exception as problem:  # shown by the assertion below, with its type
            answers.append(problem)
        finally:
            connection.close()

    threads = [threading.Thread(target=hand, args=(number,)) for number in range(hands)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(isinstance(answer, Outcome) for answer in answers), answers
    return answers


def test_eight_hands_report_three_of_ten_and_exactly_nine_are_booked(plant: Plant) -> None:
    plant.order(quantity=10)
    job = plant.job()

    answers = at_once(8, lambda _n: plant.report(job, 3))

    job.refresh_from_db()
    assert sorted(answer.status for answer in answers) == [200] * 3 + [202] * 5
    assert job.good == 9
    assert JobResponse.objects.count() == 3
    assert Unsettled.objects.filter(what="OVER_REPORT").count() == 5
    assert plant.on_hand("L-1") == Decimal("986.5")
    assert_balances_are_the_sums_of_their_moves(plant)


def test_one_form_posted_five_times_at_once_is_one_report(plant: Plant) -> None:
    plant.order(quantity=100)
    job, key = plant.job(), uuid.uuid4()

    answers = at_once(5, lambda _n: plant.report(job, 3, key=key))

    job.refresh_from_db()
    assert job.good == 3
    assert sum(not answer.replayed for answer in answers) == 1
    assert all(answer.response == answers[0].response for answer in answers)
    assert StockMove.objects.filter(reason="ISSUE").count() == 1


def test_one_entry_taken_back_by_four_hands_is_taken_back_once(plant: Plant) -> None:
    plant.order()
    response_id = plant.report(plant.job(), 4).response["response_id"]

    answers = at_once(4, lambda _n: plant.do(correct_report, response_id=response_id))

    assert sorted(answer.status for answer in answers) == [200, 409, 409, 409]
    assert plant.job().good == 0
    assert plant.on_hand("L-1") == 1000


def test_two_jobs_started_at_once_on_one_place_are_one_run(plant: Plant) -> None:
    plant.order("WO-1")
    plant.order("WO-2")
    jobs = [plant.job("WO-1"), plant.job("WO-2")]

    answers = at_once(2, lambda n: plant.do(start, job_order_id=jobs[n].pk))

    assert sorted(answer.status for answer in answers) == [200, 422]
    assert sorted(plant.job(code).status for code in ("WO-1", "WO-2")) == ["READY", "RUNNING"]


def test_two_hands_never_use_one_piece_twice(plant: Plant) -> None:
    plant.receive("BAR", "L-2", 6)
    lot = plant.lot("L-1")
    lot.status = "HELD"
    lot.save()
    plant.order("WO-1")
    plant.order("WO-2")
    jobs = [plant.job("WO-1"), plant.job("WO-2")]

    answers = at_once(2, lambda n: plant.report(jobs[n], 4))

    assert sorted(answer.status for answer in answers) == [200, 202]
    assert plant.on_hand("L-2") == 0
    assert Unsettled.objects.get(what="SHORTAGE").quantity == 6
    assert_balances_are_the_sums_of_their_moves(plant)


def test_a_breakdown_told_by_six_people_is_one_stop(plant: Plant) -> None:
    answers = at_once(6, lambda _n: plant.do(report_breakdown, unit_id=plant.ids["CNC-04"]))

    assert all(answer.status == 200 for answer in answers)
    assert Downtime.objects.count() == 1
    assert plant.kinds().count("equipment.unit.went_down") == 1


def test_breakdowns_reports_starts_and_resequencing_never_block_each_other_for_good(
    plant: Plant,
) -> None:
    for code in ("WO-1", "WO-2", "WO-3"):
        plant.order(code)
    jobs = [plant.job(code) for code in ("WO-1", "WO-2", "WO-3")]
    queue = plant.queue("CNC-04")

    def mixed(number: int) -> Outcome:
        job = jobs[number % 3]
        if number % 4 == 0:
            return plant.do(start, job_order_id=job.pk)
        if number % 4 == 1:
            return plant.do(
                report_production, job_order_id=job.pk, good=Decimal(1), scrap=Decimal(0)
            )
        if number % 4 == 2:
            return plant.do(
                set_queue,
                unit_id=plant.ids["CNC-04"],
                job_order_ids=queue[number % 3 :] + queue[: number % 3],
            )
        return plant.do(report_breakdown, unit_id=plant.ids["CNC-04"])

    at_once(12, mixed)

    assert_balances_are_the_sums_of_their_moves(plant)
    assert_each_open_job_stands_in_one_queue(plant)
