"""A line: what is abnormal rises, the shift against its plan, and a job goes to another machine."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from equipment import actions as equipment
from equipment import rules as calendar
from equipment.models import Equipment
from mes.models import Role
from planning import actions, rules
from quality import actions as quality
from tests.cast import HOUR, SHIFT_START
from tests.planning.conftest import Company
from tests.planning.test_calls import signed_in
from workorders import actions as workorders

MINUTE = timedelta(minutes=1)


@pytest.fixture
def milling(company: Company) -> Equipment:
    """The two machines stand in a cell; the bench does not."""
    cell = Equipment.objects.create(
        site=company.site, code="MILL", name="Milling", level=Equipment.Level.WORK_CENTER
    )
    Equipment.objects.filter(site=company.site, code__startswith="CNC").update(parent=cell)
    return cell


@pytest.fixture
def leader(company: Company, milling: Equipment) -> Client:
    return signed_in(company, "okafor", Role.SUPERVISOR)


def codes(rows: list[dict[str, object]]) -> list[object]:
    return [row["code"] for row in rows]


def test_a_calm_line_has_nothing_large(leader: Client) -> None:
    page = leader.get("/lines/MILL/")
    assert page.context["abnormal"] == []
    assert codes(page.context["normal"]) == ["CNC-04", "CNC-07"]
    assert "Everything runs as it should" in page.content.decode()
    assert codes(leader.get("/lines/").context["normal"]) == ["BENCH", "CNC-04", "CNC-07"]


def test_the_abnormal_rises_the_worst_first(company: Company, leader: Client) -> None:
    company.must(actions.call, unit_id=company.ids["CNC-04"], kind="MATERIAL", stopped=False)
    company.must(
        equipment.report_breakdown,
        unit_id=company.ids["CNC-07"],
        reason_id=company.ids["SPINDLE"],
        note="alarm 2041",
    )
    company.clock(company.now + 5 * MINUTE)

    page = leader.get("/lines/MILL/")
    down, called = page.context["abnormal"]
    assert (down["code"], down["state"], down["since_s"]) == ("CNC-07", "down", 300)
    assert down["why"] == "Spindle, alarm 2041"
    assert (called["code"], called["state"]) == ("CNC-04", "call")
    assert page.context["longest_s"] == 300
    [row] = page.context["calls"]
    assert row["may_take"]


def test_a_call_for_safety_stands_above_a_machine_that_is_down(
    company: Company, leader: Client
) -> None:
    company.must(equipment.report_breakdown, unit_id=company.ids["CNC-04"])
    company.must(actions.call, unit_id=company.ids["CNC-07"], kind="SAFETY", stopped=False)
    abnormal = leader.get("/lines/MILL/").context["abnormal"]
    assert [(row["code"], row["level"]) for row in abnormal] == [("CNC-04", 1), ("CNC-07", 1)]


def test_work_that_falls_an_hour_behind_its_plan_is_abnormal(
    company: Company, leader: Client
) -> None:
    company.must(workorders.start, job_order_id=company.job().pk)
    company.clock(company.now + 4 * HOUR)
    company.answer()
    [row] = leader.get("/lines/MILL/").context["abnormal"]
    assert (row["code"], row["state"]) == ("CNC-04", "late")
    assert row["late_s"] >= 3600


def test_a_call_of_the_line_is_taken_on_the_line(company: Company, leader: Client) -> None:
    made = company.must(actions.call, unit_id=company.ids["CNC-04"], kind="QUALITY", stopped=True)
    given = {"key": str(uuid.uuid4()), "minutes": "5", "back": "MILL"}
    answer = leader.post(f"/calls/{made['call_id']}/take/", given)
    assert answer["Location"] == "/lines/MILL/"
    [row] = leader.get("/lines/MILL/").context["calls"]
    assert row["coming"]["who"] == "Okafor"


def test_a_hold_on_the_lines_work_is_counted(company: Company, leader: Client) -> None:
    company.must(quality.place_hold, job_order_id=company.job().pk, note="burr")
    [hold] = leader.get("/lines/MILL/").context["holds"]
    assert (hold["what"], hold["why"]) == ("WO-1 op 10", "burr")


def test_pieces_of_the_shift_are_those_reported_in_it(company: Company, leader: Client) -> None:
    company.must(workorders.start, job_order_id=company.job().pk)
    company.clock(SHIFT_START + 70 * MINUTE)
    company.report(company.job(), 25, 1)
    shift = leader.get("/lines/MILL/").context["shift"]
    assert shift["name"] == "day"
    assert shift["made"] == 25
    assert shift["by_hour"] == [0, 25]
    # Ten minutes of set-up and sixty pieces of a minute each: of 70 minutes all 60 pieces.
    assert shift["by_now"] == 60
    assert shift["in_all"] == 120
    assert leader.get("/lines/").context["shift"]["made"] == 25


def test_between_two_shifts_no_number_is_shown(company: Company, leader: Client) -> None:
    company.clock(SHIFT_START + 17 * HOUR)
    page = leader.get("/lines/MILL/")
    assert page.context["shift"] is None
    assert "No shift works now" in page.content.decode()


def test_the_supervisor_moves_a_job_behind_what_runs(company: Company, leader: Client) -> None:
    company.must(workorders.start, job_order_id=company.job().pk)
    job = company.job("WO-2")
    move_url = leader.get("/lines/MILL/").context["move_url"]
    form = leader.get(move_url).context["form"]
    wanted = f"{job.pk}:{company.ids['CNC-07']}"
    offers = [value for value, _text in form.fields["move"].widget.choices]
    assert wanted in offers
    bench = {str(pk) for pk in company.queue("BENCH")}
    assert not bench & {value.partition(":")[0] for value in offers}

    given = {"key": str(uuid.uuid4()), "move": wanted, "place": "next", "reason": "CNC-04 is slow"}
    assert leader.post(move_url, given).status_code == 302
    assert company.queue("CNC-07") == [job.pk]
    job.refresh_from_db()
    assert (job.moved_reason, job.moved_by) == ("CNC-04 is slow", "Okafor")

    back = {**given, "key": str(uuid.uuid4()), "move": f"{job.pk}:{company.ids['CNC-04']}"}
    leader.post(move_url, back)
    assert company.queue("CNC-04") == [company.job().pk, job.pk]


def test_who_may_not_move_sees_why(company: Company, milling: Equipment) -> None:
    operator = signed_in(company, "petra", Role.OPERATOR)
    assert "Needs a supervisor or planner" in operator.get("/lines/MILL/").content.decode()
    given = {"key": str(uuid.uuid4()), "kind": "queue", "place": "next"}
    job = company.job()
    operator.post("/events/new/", {**given, "move": f"{job.pk}:{company.ids['CNC-07']}"})
    job.refresh_from_db()
    assert job.moved_at is None


def test_the_wall_has_no_acts_and_keeps_its_rows_few(company: Company, leader: Client) -> None:
    company.must(actions.call, unit_id=company.ids["CNC-04"], kind="SAFETY", stopped=True)
    wall = leader.get("/lines/MILL/?wall=1").content.decode()
    assert "<form" not in wall
    assert 'data-theme="dark"' in wall
    assert "CNC-04" in wall


def test_a_line_that_is_none_is_not_found(leader: Client) -> None:
    assert leader.get("/lines/NOWHERE/").status_code == 404
    assert leader.get("/lines/CNC-04/").status_code == 404


EARLY = ("early", calendar.Shift(0, time(6), time(14)))
LATE = ("late", calendar.Shift(0, time(14), time(22)))
NIGHT = ("night", calendar.Shift(0, time(22), time(6)))


@pytest.mark.parametrize(
    ("at", "name"),
    [
        (datetime(2026, 11, 23, 4, 59, tzinfo=UTC), None),
        (datetime(2026, 11, 23, 5, 0, tzinfo=UTC), "early"),
        (datetime(2026, 11, 23, 13, 0, tzinfo=UTC), "late"),
        (datetime(2026, 11, 24, 4, 30, tzinfo=UTC), "night"),
        (datetime(2026, 11, 24, 5, 0, tzinfo=UTC), None),
    ],
)
def test_the_shift_is_that_of_the_plants_own_clock(at: datetime, name: str | None) -> None:
    found = calendar.shift_at((EARLY, LATE, NIGHT), "Europe/Berlin", at)
    assert (found and found[0]) == name


def test_a_night_shift_keeps_its_hour_when_clocks_go_back() -> None:
    sunday = ("night", calendar.Shift(5, time(22), time(6)))  # Saturday into Sunday
    found = calendar.shift_at([sunday], "Europe/Berlin", datetime(2026, 10, 25, 2, tzinfo=UTC))
    assert found is not None
    _name, (start, end) = found
    assert end - start == 9 * HOUR


def all_day(start: datetime, end: datetime) -> int:
    return max(0, int((end - start).total_seconds()))


def test_planned_pieces_come_evenly_in_working_time_and_none_in_the_night() -> None:
    evening, morning = SHIFT_START + 15 * HOUR, SHIFT_START + 25 * HOUR
    spans = [(SHIFT_START, SHIFT_START + 16 * HOUR), (SHIFT_START + 24 * HOUR, morning + HOUR)]

    def seconds(start: datetime, end: datetime) -> int:
        return calendar.working_seconds(spans, start, end)

    work = [rules.PlannedWork(evening, morning, Decimal(100))]  # an hour before, an hour after
    half = rules.planned_pieces(work, seconds, SHIFT_START, SHIFT_START + 20 * HOUR)
    assert half == 50


@given(st.lists(st.tuples(st.integers(0, 99), st.integers(1, 99), st.integers(0, 999)), max_size=9))
def test_two_parts_of_a_shift_make_what_the_whole_makes(
    jobs: list[tuple[int, int, int]],
) -> None:
    work = [
        rules.PlannedWork(
            SHIFT_START + start * MINUTE,
            SHIFT_START + (start + length) * MINUTE,
            Decimal(pieces),
        )
        for start, length, pieces in jobs
    ]
    middle, end = SHIFT_START + 50 * MINUTE, SHIFT_START + 300 * MINUTE
    whole = rules.planned_pieces(work, all_day, SHIFT_START, end)
    parts = rules.planned_pieces(work, all_day, SHIFT_START, middle)
    parts += rules.planned_pieces(work, all_day, middle, end)
    assert whole == sum(each.pieces for each in work)
    assert abs(whole - parts) <= 1
