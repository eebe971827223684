"""Overtime and stops, and what engineering sets up."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

from equipment.actions import (
    add_equipment,
    add_rate,
    add_reason,
    add_window,
    close_place,
    remove_window,
    reopen_place,
)
from equipment.models import CalendarException, CostRate, Equipment, UnitStatus
from mes.models import SitePlan
from tests.cast import HOUR, SHIFT_START, Plant


def overtime(plant: Plant, **changes: Any) -> dict[str, Any]:
    return {
        "unit_id": plant.ids["CNC-07"],
        "kind": "OPEN",
        "starts_at": SHIFT_START + 16 * HOUR,
        "ends_at": SHIFT_START + 18 * HOUR,
        "reason": "overtime",
        **changes,
    }


def test_overtime_is_added_and_taken_out_and_its_row_stays(plant: Plant) -> None:
    window_id = plant.must(add_window, **overtime(plant))["window_id"]

    plant.must(remove_window, window_id=window_id)

    row = CalendarException.objects.get(pk=window_id)
    assert row.removed_seq == plant.newest("equipment.window.removed").seq
    assert plant.kinds()[-2:] == ["equipment.window.added", "equipment.window.removed"]


def test_a_window_is_taken_out_once(plant: Plant) -> None:
    window_id = plant.must(add_window, **overtime(plant))["window_id"]
    plant.must(remove_window, window_id=window_id)

    assert plant.do(remove_window, window_id=window_id).status == 409


def test_an_empty_or_past_window_is_refused(plant: Plant) -> None:
    empty = plant.do(add_window, **overtime(plant, ends_at=SHIFT_START + 16 * HOUR))
    past = plant.do(
        add_window,
        **overtime(plant, starts_at=SHIFT_START - 2 * HOUR, ends_at=SHIFT_START - HOUR),
    )

    assert (empty.status, past.status) == (422, 422)
    assert not CalendarException.objects.exists()


def test_a_work_unit_starts_idle_with_one_mounting_a_place(plant: Plant) -> None:
    status = UnitStatus.objects.get(unit=plant.unit("BENCH"))

    assert (status.state, status.mounted) == ("IDLE", ["", ""])


def test_a_work_unit_without_a_calendar_is_refused(plant: Plant) -> None:
    refused = plant.do(add_equipment, code="CNC-09", name="x")

    assert refused.message == "CNC-09 needs a working calendar. Choose one."
    assert not Equipment.objects.filter(code="CNC-09").exists()


def test_a_code_that_exists_is_said_in_words(plant: Plant) -> None:
    refused = plant.do(add_equipment, code="CNC-04", name="x", calendar_id=plant.ids["2S"])

    assert refused.status == 422
    assert "equipment code is unique" in refused.message


def test_reasons_have_two_levels(plant: Plant) -> None:
    below = plant.must(add_reason, code="BEARING", name="Bearing", parent_id=plant.ids["SPINDLE"])[
        "reason_id"
    ]

    third = plant.do(add_reason, code="BALL", name="Ball", parent_id=below)

    assert third.status == 422


def test_a_master_is_recorded_with_its_state_and_its_history(plant: Plant) -> None:
    plant.must(
        add_rate, what="UNIT_HOUR", amount=Decimal("42.50"), source="controlling", owner="Ida"
    )

    event = plant.newest("equipment.rate.changed")
    rate = CostRate.objects.get()
    assert event.body["created"] is True
    assert event.body["values"]["amount"] == "42.5"
    assert str(event.key) in rate.history.get().history_change_reason


def test_two_rates_of_one_thing_never_hold_at_the_same_time(plant: Plant) -> None:
    given: dict[str, Any] = {
        "what": "UNIT_HOUR",
        "amount": Decimal(40),
        "source": "controlling",
        "owner": "Ida",
    }
    day = timedelta(days=1)
    plant.must(add_rate, **given, valid_from=plant.now, valid_to=plant.now + 10 * day)

    refused = [
        plant.do(add_rate, **given, valid_from=plant.now + 9 * day),
        plant.do(add_rate, **given, valid_from=plant.now - day),
        plant.do(add_rate, **given, valid_from=plant.now + day, valid_to=plant.now + 2 * day),
    ]

    assert {each.status for each in refused} == {422}
    assert all("Ida's rate holds from" in each.message for each in refused)
    plant.must(add_rate, **given, valid_from=plant.now + 10 * day)
    plant.must(add_rate, **given, unit_id=plant.ids["CNC-04"])
    assert CostRate.objects.count() == 3


def test_what_actions_write_never_marks_the_site_dirty(plant: Plant) -> None:
    SitePlan.objects.filter(site=plant.site).update(dirty=False)

    plant.must(add_window, **overtime(plant))

    assert not SitePlan.objects.get(site=plant.site).dirty


def test_an_area_is_closed_with_all_its_machines_and_opened_again(plant: Plant) -> None:
    area = plant.must(add_equipment, code="HALL", name="Hall", level=Equipment.Level.AREA)
    hall = area["equipment_id"]
    for code in ("SAW-1", "SAW-2"):
        calendar = plant.ids["2S"]
        plant.must(add_equipment, code=code, name=code, parent_id=hall, calendar_id=calendar)
    ends_at = SHIFT_START + 8 * HOUR

    closed = plant.must(close_place, equipment_id=hall, ends_at=ends_at, reason="power cut")

    windows = CalendarException.objects.filter(site=plant.site, removed_seq=None)
    assert {row.unit.code for row in windows if row.unit} == {"SAW-1", "SAW-2"}
    assert {(row.kind, row.starts_at, row.ends_at) for row in windows} == {
        ("CLOSED", SHIFT_START, ends_at)
    }
    event = plant.newest("equipment.place.closed")
    assert (event.subject_type, event.subject_id) == ("place", hall)

    plant.must(reopen_place, equipment_id=hall, window_ids=closed["window_ids"])
    assert not windows.all().exists()
    again = plant.do(reopen_place, equipment_id=hall, window_ids=closed["window_ids"])
    assert again.status == 409


def test_a_closure_needs_a_machine_and_a_time_to_come(plant: Plant) -> None:
    empty = plant.must(add_equipment, code="YARD", name="Yard", level=Equipment.Level.AREA)
    yard, bench = empty["equipment_id"], plant.ids["BENCH"]
    for place, ends_at in ((yard, 8), (bench, -1), (bench, 24 * 9999)):
        outcome = plant.do(close_place, equipment_id=place, ends_at=SHIFT_START + ends_at * HOUR)
        assert outcome.status == 422
        assert outcome.message.endswith(".")
