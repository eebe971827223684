"""A hold bars a lot or a job order; its release restores what was."""

from __future__ import annotations

import pytest

from quality.actions import expect_decision, place_hold, release_hold
from quality.models import Hold
from tests.cast import HOUR, SHIFT_START, Plant, build_plant
from workorders.actions import report_production, start


def test_a_held_lot_knows_when_it_is_thought_to_be_free(plant: Plant) -> None:
    lot = plant.lot("L-1")

    answer = plant.must(place_hold, lot_id=lot.pk, expected_at=SHIFT_START + HOUR, note="rust")

    hold = Hold.objects.get(pk=answer["hold_id"])
    before, lot = lot, plant.lot("L-1")
    assert (lot.status, lot.free_at) == ("HELD", SHIFT_START + HOUR)
    assert lot.version == before.version + 1
    assert hold.placed_seq == plant.newest("quality.hold.placed").seq


@pytest.mark.parametrize("status", ["RELEASED", "QUARANTINE"])
def test_a_released_hold_gives_the_lot_its_status_back(plant: Plant, status: str) -> None:
    lot = plant.receive("BAR", "L-2", 5, status=status)
    hold_id = plant.must(place_hold, lot_id=lot.pk)["hold_id"]

    plant.must(release_hold, hold_id=hold_id)

    lot.refresh_from_db()
    hold = Hold.objects.get()
    assert (lot.status, lot.free_at) == (status, None)
    assert hold.released_seq == plant.newest("quality.hold.released").seq


def test_a_hold_is_placed_once_and_released_once(plant: Plant) -> None:
    lot = plant.lot("L-1")
    hold_id = plant.must(place_hold, lot_id=lot.pk)["hold_id"]

    again = plant.do(place_hold, lot_id=lot.pk)
    plant.must(release_hold, hold_id=hold_id)
    released_again = plant.do(release_hold, hold_id=hold_id)

    assert (again.status, again.message) == (409, "Lot L-1 is already on hold.")
    assert released_again.status == 409
    assert Hold.objects.count() == 1


def test_a_hold_stops_a_running_job_and_its_release_lets_it_go_on(plant: Plant) -> None:
    plant.order()
    job = plant.job()
    plant.must(start, job_order_id=job.pk)
    plant.clock(SHIFT_START + HOUR)

    hold_id = plant.must(place_hold, job_order_id=job.pk)["hold_id"]
    held = plant.job()
    plant.must(release_hold, hold_id=hold_id)

    assert (held.status, held.productive_s, held.running_since) == ("HELD", 3600, None)
    assert plant.state("CNC-04") == "IDLE"
    assert plant.job().status == "SUSPENDED"


def test_a_held_job_that_never_ran_is_ready_again(plant: Plant) -> None:
    plant.order()
    ready = plant.must(place_hold, job_order_id=plant.job().pk)["hold_id"]
    waiting = plant.must(place_hold, job_order_id=plant.job(number=20).pk)["hold_id"]

    refused = plant.do(start, job_order_id=plant.job().pk)
    for hold_id in (ready, waiting):
        plant.must(release_hold, hold_id=hold_id)

    assert refused.message == (
        "WO-1 / 10 is on hold. Quality decides about it; choose another job."
    )
    assert (plant.job().status, plant.job(number=20).status) == ("READY", "WAITING")


def test_an_ended_job_is_not_held(plant: Plant) -> None:
    plant.order()
    plant.must(report_production, job_order_id=plant.job().pk, good=plant.job().quantity)

    refused = plant.do(place_hold, job_order_id=plant.job().pk)

    assert "Hold the lot that it made instead." in refused.message


def test_the_expected_decision_changes_and_the_lot_follows(plant: Plant) -> None:
    hold_id = plant.must(place_hold, lot_id=plant.lot("L-1").pk)["hold_id"]

    plant.must(expect_decision, hold_id=hold_id, expected_at=SHIFT_START + HOUR)
    past = plant.do(expect_decision, hold_id=hold_id, expected_at=SHIFT_START)

    assert plant.lot("L-1").free_at == SHIFT_START + HOUR
    assert past.status == 422


def test_a_hold_is_on_one_thing_of_this_site(plant: Plant) -> None:
    other = build_plant("T2")

    nothing = plant.do(place_hold)
    foreign = plant.do(place_hold, lot_id=other.lot("L-1").pk)

    assert (nothing.status, foreign.status) == (422, 404)
    assert not Hold.objects.exists()
