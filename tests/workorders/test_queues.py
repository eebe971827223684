"""The order at a unit is set whole; a job moves and comes back as it was."""

from __future__ import annotations

from django.db.models import F

from tests.cast import (
    SHIFT_START,
    Plant,
    assert_each_open_job_stands_in_one_queue,
    build_plant,
)
from workorders.actions import move_job, set_queue, start
from workorders.models import JobAlternate, JobOrder, UnitQueue


def three_jobs(plant: Plant) -> list[int]:
    for code in ("WO-1", "WO-2", "WO-3"):
        plant.order(code)
    return plant.queue("CNC-04")


def version(plant: Plant, code: str = "CNC-04") -> int:
    return UnitQueue.objects.get(unit=plant.unit(code)).version


def test_a_queue_is_set_and_says_which_job_was_moved_and_why(plant: Plant) -> None:
    first, second, third = three_jobs(plant)

    answer = plant.must(
        set_queue,
        unit_id=plant.ids["CNC-04"],
        job_order_ids=[third, first, second],
        reason="Aquila first",
        expected_version=version(plant),
    )

    moved = JobOrder.objects.get(pk=third)
    assert plant.queue("CNC-04") == [third, first, second]
    assert answer["moved"] == [third]
    assert answer["version"] == version(plant)
    assert (moved.moved_reason, moved.moved_at, moved.moved_by) == (
        "Aquila first",
        SHIFT_START,
        "Petra Novak",
    )
    assert JobOrder.objects.get(pk=first).moved_reason == ""


def test_a_queue_that_somebody_changed_meanwhile_is_stale(plant: Plant) -> None:
    first, second, third = three_jobs(plant)
    seen = version(plant)
    plant.must(set_queue, unit_id=plant.ids["CNC-04"], job_order_ids=[second, first, third])

    stale = plant.do(
        set_queue,
        unit_id=plant.ids["CNC-04"],
        job_order_ids=[third, first, second],
        expected_version=seen,
    )

    assert (stale.status, stale.response["code"]) == (409, "stale")
    assert stale.response["job_order_ids"] == [second, first, third]
    assert plant.queue("CNC-04") == [second, first, third]


def test_a_queue_without_all_its_open_jobs_is_stale_and_names_them(plant: Plant) -> None:
    first, second, third = three_jobs(plant)
    elsewhere = plant.job(number=20).pk

    stale = plant.do(
        set_queue, unit_id=plant.ids["CNC-04"], job_order_ids=[third, elsewhere, first]
    )

    assert stale.status == 409
    assert (stale.response["gone"], stale.response["new"]) == ([elsewhere], [second])
    assert plant.queue("CNC-04") == [first, second, third]


def test_a_job_of_another_site_or_twice_is_refused(plant: Plant) -> None:
    first, second, third = three_jobs(plant)
    other = build_plant("T2")
    other.order()

    foreign = plant.do(
        set_queue,
        unit_id=plant.ids["CNC-04"],
        job_order_ids=[first, second, third, other.job().pk],
    )
    twice = plant.do(set_queue, unit_id=plant.ids["CNC-04"], job_order_ids=[first, first, second])

    assert (foreign.status, twice.status) == (404, 422)


def test_the_same_order_again_changes_nothing(plant: Plant) -> None:
    queue = three_jobs(plant)
    before, events = version(plant), len(plant.kinds())

    plant.must(set_queue, unit_id=plant.ids["CNC-04"], job_order_ids=queue)

    assert (version(plant), len(plant.kinds())) == (before, events)


def test_a_moved_job_takes_the_other_units_times_and_says_why_it_is_there(
    plant: Plant,
) -> None:
    three_jobs(plant)
    job = plant.job("WO-2")

    answer = plant.must(
        move_job,
        job_order_id=job.pk,
        to_unit_id=plant.ids["CNC-07"],
        position=0,
        reason="CNC-04 is down",
    )

    job.refresh_from_db()
    assert (job.unit.code, job.setup_s, job.run_s) == ("CNC-07", 900, 70)
    assert (job.moved_reason, job.moved_by) == ("CNC-04 is down", "Petra Novak")
    assert (answer["from_position"], answer["position"]) == (1, 0)
    assert plant.queue("CNC-07") == [job.pk]
    assert job.pk not in plant.queue("CNC-04")
    assert_each_open_job_stands_in_one_queue(plant)


def test_moved_back_it_is_as_it_was(plant: Plant) -> None:
    before = three_jobs(plant)
    job = plant.job("WO-2")
    # An order that was loaded from elsewhere may lack the way back: moving away makes it.
    JobAlternate.objects.filter(job_order=job, unit=F("job_order__unit")).delete()
    there = plant.must(move_job, job_order_id=job.pk, to_unit_id=plant.ids["CNC-07"], position=9)

    plant.must(
        move_job,
        job_order_id=job.pk,
        to_unit_id=there["from_unit_id"],
        position=there["from_position"],
    )

    job.refresh_from_db()
    assert (job.unit.code, job.setup_s, job.run_s) == ("CNC-04", 600, 60)
    assert plant.queue("CNC-04") == before
    assert plant.queue("CNC-07") == []


def test_a_job_moves_within_its_own_queue(plant: Plant) -> None:
    first, second, third = three_jobs(plant)

    plant.must(move_job, job_order_id=third, to_unit_id=plant.ids["CNC-04"], position=1)

    assert plant.queue("CNC-04") == [first, third, second]


def test_a_unit_that_cannot_do_it_is_refused(plant: Plant) -> None:
    plant.order()

    refused = plant.do(
        move_job, job_order_id=plant.job().pk, to_unit_id=plant.ids["BENCH"], position=0
    )

    assert refused.message == "BENCH can't do WO-1 / 10: its routing does not name that unit."


def test_a_running_or_pinned_job_stays(plant: Plant) -> None:
    plant.order("WO-1")
    plant.order("WO-2")
    plant.must(start, job_order_id=plant.job("WO-1").pk)
    JobOrder.objects.filter(pk=plant.job("WO-2").pk).update(pinned=True)

    def move(code: str) -> str:
        return plant.do(
            move_job,
            job_order_id=plant.job(code).pk,
            to_unit_id=plant.ids["CNC-07"],
            position=0,
        ).message

    assert move("WO-1") == "WO-1 / 10 is running. Stop it before it is moved."
    assert move("WO-2") == "WO-2 / 10 is pinned to its place. Unpin it first."
