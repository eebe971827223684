"""Starting, stopping and finishing: a start is a decision and may be refused."""

from __future__ import annotations

from decimal import Decimal

from equipment.actions import report_breakdown, report_repair
from equipment.models import EquipmentState, UnitStatus
from quality.actions import place_hold
from tests.cast import (
    HOUR,
    SHIFT_START,
    Plant,
    assert_each_open_job_stands_in_one_queue,
)
from workorders.actions import finish, resume, start, stop
from workorders.models import JobOrder, RoutingOperation


def begin(plant: Plant, code: str = "WO-1", number: int = 10) -> JobOrder:
    job = plant.job(code, number)
    plant.must(start, job_order_id=job.pk)
    job.refresh_from_db()
    return job


def test_a_started_job_heads_its_queue_and_its_unit_executes(plant: Plant) -> None:
    plant.order("WO-1")
    plant.order("WO-2")

    job = begin(plant, "WO-2")

    status = UnitStatus.objects.get(unit=job.unit)
    assert (job.status, job.started_at, job.running_since) == (
        "RUNNING",
        SHIFT_START,
        SHIFT_START,
    )
    assert plant.queue("CNC-04") == [job.pk, plant.job("WO-1").pk]
    assert (status.state, status.mounted) == ("EXECUTE", ["BODY"])
    assert EquipmentState.objects.get().event_seq == plant.newest("workorders.job.started").seq
    assert_each_open_job_stands_in_one_queue(plant)


def test_the_mounted_family_stays_when_the_job_stops(plant: Plant) -> None:
    plant.order()
    job = begin(plant)

    plant.must(stop, job_order_id=job.pk)

    status = UnitStatus.objects.get(unit=job.unit)
    assert (status.state, status.mounted) == ("IDLE", ["BODY"])


def test_a_busy_unit_takes_no_second_job(plant: Plant) -> None:
    plant.order("WO-1")
    plant.order("WO-2")
    begin(plant, "WO-1")

    refused = plant.do(start, job_order_id=plant.job("WO-2").pk)

    assert refused.status == 422
    assert refused.message == "CNC-04 is busy with WO-1 / 10. Stop or finish it first."


def test_a_unit_with_two_places_takes_two_jobs_and_no_third(plant: Plant) -> None:
    RoutingOperation.objects.filter(number=10).update(unit=plant.unit("BENCH"))
    for code in ("WO-1", "WO-2", "WO-3"):
        plant.order(code)
    begin(plant, "WO-1")
    begin(plant, "WO-2")

    assert plant.do(start, job_order_id=plant.job("WO-3").pk).status == 422


def test_nothing_starts_on_a_unit_that_is_down(plant: Plant) -> None:
    plant.order()
    plant.must(report_breakdown, unit_id=plant.ids["CNC-04"])

    refused = plant.do(start, job_order_id=plant.job().pk)

    assert refused.message == (
        "CNC-04 is down. Report it repaired first, or ask planning to move WO-1 / 10."
    )


def test_a_job_waits_for_its_first_batch(plant: Plant) -> None:
    plant.order()
    begin(plant)
    plant.report(plant.job(), 4)

    early = plant.do(start, job_order_id=plant.job(number=20).pk)
    plant.report(plant.job(), 1)
    then = plant.do(start, job_order_id=plant.job(number=20).pk)

    assert early.message == (
        "WO-1 / 20 waits for operation 10: 4 good pieces are there. Choose another job."
    )
    assert then.ok


def test_without_a_batch_a_job_waits_for_the_end_of_the_one_before(plant: Plant) -> None:
    RoutingOperation.objects.update(transfer_batch=None)
    plant.order()
    begin(plant)
    plant.report(plant.job(), 9)

    early = plant.do(start, job_order_id=plant.job(number=20).pk)
    plant.report(plant.job(), 1)
    then = plant.do(start, job_order_id=plant.job(number=20).pk)

    assert early.status == 422
    assert then.ok


def test_a_job_whose_only_material_is_held_does_not_start(plant: Plant) -> None:
    plant.order()
    plant.must(place_hold, lot_id=plant.lot("L-1").pk)

    refused = plant.do(start, job_order_id=plant.job().pk)

    assert refused.message == (
        "WO-1 / 10 needs BAR, but lot L-1 may not be used. Ask quality, or choose another job."
    )
    assert plant.job().status == "READY"


def test_a_free_lot_beside_the_held_one_is_enough_to_start(plant: Plant) -> None:
    plant.order()
    plant.receive("BAR", "L-2", 50)
    plant.must(place_hold, lot_id=plant.lot("L-1").pk)

    assert plant.do(start, job_order_id=plant.job().pk).ok


def test_a_job_runs_once(plant: Plant) -> None:
    plant.order()
    job = begin(plant)

    again = plant.do(start, job_order_id=job.pk)

    assert (again.status, again.message) == (409, "WO-1 / 10 is already running.")


def test_a_stop_with_a_reason_holds_the_unit_and_keeps_the_working_time(plant: Plant) -> None:
    plant.order()
    job = begin(plant)
    plant.clock(SHIFT_START + HOUR)

    plant.must(stop, job_order_id=job.pk, reason_id=plant.ids["SPINDLE"])

    job.refresh_from_db()
    last = EquipmentState.objects.latest("pk")
    assert (job.status, job.productive_s, job.running_since) == ("SUSPENDED", 3600, None)
    assert (plant.state("CNC-04"), last.reason_id) == ("HELD", plant.ids["SPINDLE"])


def test_a_stopped_job_resumes_and_its_time_goes_on(plant: Plant) -> None:
    plant.order()
    job = begin(plant)
    plant.clock(SHIFT_START + HOUR)
    plant.must(stop, job_order_id=job.pk)
    plant.clock(SHIFT_START + 3 * HOUR)

    plant.must(resume, job_order_id=job.pk)
    plant.clock(SHIFT_START + 4 * HOUR)
    plant.must(stop, job_order_id=job.pk)

    job.refresh_from_db()
    assert job.productive_s == 7200
    assert job.started_at == SHIFT_START
    assert "workorders.job.resumed" in plant.kinds()


def test_only_a_running_job_stops_and_only_a_stopped_one_resumes(plant: Plant) -> None:
    plant.order()
    job = plant.job()

    assert plant.do(stop, job_order_id=job.pk).status == 409
    assert plant.do(resume, job_order_id=job.pk).message == (
        "This job was not stopped. Start it instead."
    )


def test_finishing_short_completes_the_job_and_frees_the_unit(plant: Plant) -> None:
    plant.order()
    job = begin(plant)
    plant.report(job, 7)

    plant.must(finish, job_order_id=job.pk)

    job.refresh_from_db()
    event = plant.newest("workorders.job.finished")
    assert (job.status, job.good, job.closed_short) == ("COMPLETED", 7, True)
    assert event.body["closed_short"] == "3"
    assert plant.state("CNC-04") == "IDLE"
    assert plant.queue("CNC-04") == []
    assert plant.job(number=20).status == "READY"
    assert_each_open_job_stands_in_one_queue(plant)


def test_the_next_operation_is_complete_with_the_pieces_that_came(plant: Plant) -> None:
    order = plant.order()
    begin(plant)
    plant.report(plant.job(), 6)
    begin(plant, number=20)
    plant.report(plant.job(number=20), 6)
    assert plant.job(number=20).status == "RUNNING"

    plant.must(finish, job_order_id=plant.job().pk)

    order.refresh_from_db()
    assert plant.job(number=20).status == "COMPLETED"
    assert order.status == "COMPLETED"
    assert plant.state("BENCH") == "IDLE"
    assert_each_open_job_stands_in_one_queue(plant)


def test_a_job_that_was_never_started_is_not_finished(plant: Plant) -> None:
    plant.order()

    refused = plant.do(finish, job_order_id=plant.job().pk)

    assert "has not been started" in refused.message


def test_after_a_repair_the_suspended_job_runs_on(plant: Plant) -> None:
    plant.order()
    job = begin(plant)
    plant.must(report_breakdown, unit_id=plant.ids["CNC-04"])
    plant.must(report_repair, unit_id=plant.ids["CNC-04"])

    assert plant.do(resume, job_order_id=job.pk).ok
    assert plant.state("CNC-04") == "EXECUTE"


def test_a_foreign_job_looks_like_none(plant: Plant) -> None:
    from tests.cast import build_plant

    other = build_plant("T2")
    other.order()

    assert plant.do(start, job_order_id=other.job().pk).status == 404
    assert other.job().status == "READY"
    assert Decimal(0) == other.job().good
