"""A unit breaks, somebody says when it is back, it runs again."""

from __future__ import annotations

from datetime import timedelta

import pytest

from equipment.actions import change_estimate, report_breakdown, report_repair
from equipment.models import Downtime, EquipmentState
from mes.models import Task
from tests.cast import HOUR, SHIFT_START, Plant, build_plant
from workorders import actions as workorders

MINUTE = timedelta(minutes=1)


def test_a_breakdown_takes_the_unit_down_and_calls_maintenance(plant: Plant) -> None:
    answer = plant.must(
        report_breakdown,
        unit_id=plant.ids["CNC-04"],
        reason_id=plant.ids["SPINDLE"],
        note="howls",
        back_at=SHIFT_START + 4 * HOUR,
        said_by="Tomas",
    )

    stop = Downtime.objects.get()
    event = plant.newest("equipment.unit.went_down")
    assert plant.state("CNC-04") == "ABORTED"
    assert answer["downtime_id"] == stop.pk
    assert (stop.started_at, stop.back_said_by) == (SHIFT_START, "Tomas")
    assert stop.opened_seq == event.seq == EquipmentState.objects.get().event_seq
    assert (event.subject_type, event.subject_id) == ("unit", plant.ids["CNC-04"])
    assert Task.objects.get(role="MAINTENANCE").text == "CNC-04 is down: Spindle."


def test_what_ran_there_is_suspended_with_its_working_time_kept(plant: Plant) -> None:
    plant.order()
    job = plant.job()
    plant.must(workorders.start, job_order_id=job.pk)
    plant.clock(SHIFT_START + 2 * HOUR)

    plant.must(report_breakdown, unit_id=plant.ids["CNC-04"])

    job.refresh_from_db()
    assert (job.status, job.productive_s, job.running_since) == ("SUSPENDED", 7200, None)
    assert plant.kinds()[-2:] == ["equipment.unit.went_down", "workorders.job.stopped"]


def test_a_break_between_shifts_is_not_productive_time(plant: Plant) -> None:
    plant.order()
    plant.clock(SHIFT_START.replace(hour=21))
    plant.must(workorders.start, job_order_id=plant.job().pk)
    plant.clock(SHIFT_START.replace(hour=7) + 24 * HOUR)

    plant.must(report_breakdown, unit_id=plant.ids["CNC-04"])

    # One hour before 22:00 and one after 06:00.
    assert plant.job().productive_s == 7200


def test_a_second_report_of_the_same_stop_is_answered_in_words_and_stores_nothing(
    plant: Plant,
) -> None:
    plant.must(report_breakdown, unit_id=plant.ids["CNC-04"])
    plant.clock(SHIFT_START + HOUR)
    stored = len(plant.kinds())

    again = plant.do(report_breakdown, unit_id=plant.ids["CNC-04"])

    assert again.status == 200
    assert again.message == "CNC-04 is already known to be down since 06:00."
    assert len(plant.kinds()) == stored
    assert Downtime.objects.count() == 1


def test_a_second_report_with_a_return_time_changes_the_estimate(plant: Plant) -> None:
    plant.must(report_breakdown, unit_id=plant.ids["CNC-04"])

    plant.must(
        report_breakdown,
        unit_id=plant.ids["CNC-04"],
        back_at=SHIFT_START + HOUR,
        said_by="Tomas",
    )

    assert Downtime.objects.get().back_at == SHIFT_START + HOUR
    assert plant.kinds()[-1] == "equipment.estimate.changed"


def test_a_late_report_keeps_its_time_and_is_marked(plant: Plant) -> None:
    plant.clock(SHIFT_START + HOUR)

    plant.must(report_breakdown, unit_id=plant.ids["CNC-04"], occurred_at=SHIFT_START + 10 * MINUTE)

    event = plant.newest("equipment.unit.went_down")
    assert event.late
    assert event.occurred_at == SHIFT_START + 10 * MINUTE
    assert not event.body["clamped"]


@pytest.mark.parametrize(
    ("said", "stored"),
    [(HOUR, timedelta(0)), (-5 * HOUR, timedelta(0))],
    ids=["in the future", "before the unit's last change"],
)
def test_an_impossible_time_is_moved_to_the_nearest_possible_and_flagged(
    plant: Plant, said: timedelta, stored: timedelta
) -> None:
    plant.must(report_breakdown, unit_id=plant.ids["CNC-04"], occurred_at=SHIFT_START + said)

    assert Downtime.objects.get().started_at == SHIFT_START + stored
    assert plant.newest("equipment.unit.went_down").body["clamped"]


def test_a_return_time_in_the_past_is_refused(plant: Plant) -> None:
    refused = plant.do(report_breakdown, unit_id=plant.ids["CNC-04"], back_at=SHIFT_START - MINUTE)

    assert (refused.status, refused.message) == (
        422,
        "The return time lies in the past. Enter a later one.",
    )
    assert plant.state("CNC-04") == "IDLE"


def test_a_repair_ends_the_stop_and_the_task(plant: Plant) -> None:
    plant.must(report_breakdown, unit_id=plant.ids["CNC-04"], reason_id=plant.ids["SPINDLE"])
    plant.clock(SHIFT_START + HOUR)

    plant.must(report_repair, unit_id=plant.ids["CNC-04"])

    stop = Downtime.objects.get()
    assert plant.state("CNC-04") == "IDLE"
    assert stop.ended_at == SHIFT_START + HOUR
    assert stop.closed_seq == plant.newest("equipment.unit.came_up").seq
    assert Task.objects.get(role="MAINTENANCE").done_at == SHIFT_START + HOUR


def test_a_repair_of_a_unit_that_runs_is_answered_in_words(plant: Plant) -> None:
    answer = plant.do(report_repair, unit_id=plant.ids["CNC-04"])

    assert answer.status == 200
    assert answer.message == "CNC-04 is not reported down. Nothing to change."
    assert "equipment.unit.came_up" not in plant.kinds()


def test_an_estimate_needs_a_stop(plant: Plant) -> None:
    refused = plant.do(change_estimate, unit_id=plant.ids["CNC-04"], back_at=SHIFT_START + HOUR)

    assert refused.status == 422
    assert "is not down" in refused.message


def test_an_estimate_may_become_unknown_again(plant: Plant) -> None:
    plant.must(report_breakdown, unit_id=plant.ids["CNC-04"], back_at=SHIFT_START + HOUR)

    plant.must(change_estimate, unit_id=plant.ids["CNC-04"], back_at=None, said_by="Tomas")

    assert Downtime.objects.get().back_at is None
    assert plant.newest("equipment.estimate.changed").body["was"] is not None


def test_a_unit_of_another_site_looks_like_none_at_all(plant: Plant) -> None:
    other = build_plant("T2")

    foreign = plant.do(report_breakdown, unit_id=other.ids["CNC-04"])

    assert foreign.status == 404
    assert other.state("CNC-04") == "IDLE"
