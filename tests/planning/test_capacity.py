"""A unit that runs slow, a tool that is lost, a shift more: what each does, and its end."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from equipment import actions as equipment
from equipment.models import Slowdown, Tool, ToolLoss
from mes.clock import wall_now
from mes.commands import Command
from mes.masters import save_master
from planning import actions as planning
from planning import snapshot, words
from planning.models import Booking, Disruption, Option
from tests.cast import HOUR
from tests.planning.conftest import Company, build_company
from tests.planning.test_supply_and_demand import COMPARED, stored
from workorders import actions as workorders
from workorders.models import JobTool, OperationTool, RoutingOperation

DAY = timedelta(days=1)


def add_tools(company: Company) -> None:
    """The jig of which there is one for turning, the gauges of which there are two for deburring;
    somebody outside does both with tools of his own."""
    company.ids["EXT"] = company.must(
        equipment.add_equipment,
        code="EXT",
        name="Outside",
        kind="EXTERNAL",
        calendar_id=company.ids["2S"],
        places=2,
    )["equipment_id"]
    for what, unit, amount in (
        ("SUBCONTRACT_PIECE", company.ids["EXT"], "0.5"),
        ("SUBCONTRACT_ORDER", company.ids["EXT"], "20"),
        ("NEW_PROMISE_PERCENT", None, "40"),
    ):
        company.must(
            equipment.add_rate,
            what=what,
            unit_id=unit,
            amount=Decimal(amount),
            source="agreed",
            owner="BUY",
            valid_from=company.now - DAY,
        )
    for code, pieces, number in (("JIG", 1, 10), ("GAUGE", 2, 20)):
        tool = company.must(equipment.add_tool, code=code, name=code.title(), pieces=pieces)
        company.ids[code] = tool["tool_id"]
        company.must(_needs, number=number, tool_id=tool["tool_id"])
        company.must(_outside, number=number, unit_id=company.ids["EXT"])


def _needs(command: Command, *, number: int, tool_id: int) -> dict[str, Any]:
    operation = RoutingOperation.objects.get(site=command.site, number=number)
    tool = Tool.objects.get(pk=tool_id)
    save_master(command, OperationTool(site=command.site, operation=operation, tool=tool))
    return {}


def _outside(command: Command, *, number: int, unit_id: int) -> dict[str, Any]:
    operation = RoutingOperation.objects.get(site=command.site, number=number)
    row = operation.alternates.model(
        site=command.site, operation=operation, unit_id=unit_id, setup_s=3600, run_s=Decimal(60)
    )
    save_master(command, row)
    return {}


@pytest.fixture
def shop(db: None) -> Company:
    company = build_company(prepare=add_tools)
    company.commit()
    assert not Disruption.objects.filter(site=company.site).exists()
    return company


def slow(company: Company, **more: Any) -> dict[str, Any]:
    values = {"percent": 1, "note": "spindle runs hot", "back_at": company.now + 4 * DAY}
    return {"unit_id": company.ids["CNC-04"], **values, **more}


def lost(company: Company, tool: str = "JIG", **more: Any) -> dict[str, Any]:
    return {"tool_id": company.ids[tool], "note": "dropped", **more}


Case = tuple[str, Callable[[Company], dict[str, Any]], str, str]
CASES: dict[str, Case] = {
    "slow until a day": ("slow", slow, "SLOW", "AS_USUAL"),
    "slow, nobody knows how long": (
        "slow",
        lambda c: slow(c, back_at=None),
        "SLOW",
        "AS_USUAL",
    ),
    "a tool back on a day": (
        "tool",
        lambda c: lost(c, back_at=c.now + 4 * DAY),
        "TOOL",
        "FOUND",
    ),
    "the last piece of a tool": (
        "tool",
        lambda c: lost(c, "GAUGE", back_at=c.now + 4 * DAY),
        "TOOL",
        "FOUND",
    ),
}


def happens(company: Company, case: str) -> tuple[str, dict[str, Any], str]:
    """The kind of the case and its values. Of the gauges one was lost before; what nobody knows
    took four days the last time."""
    kind, values_of, opens, _ends = CASES[case]
    if "nobody knows" in case:
        Slowdown.objects.create(
            site=company.site,
            unit=company.unit("CNC-04"),
            percent=50,
            started_at=company.now - 5 * DAY,
            ended_at=company.now - DAY,
            opened_seq=0,
        )
        company.answer()
    if "last piece" in case:
        company.must(
            equipment.report_tool_lost, **lost(company, "GAUGE", back_at=company.now + 9 * DAY)
        )
        company.answer()
        row = company.disruption("TOOL")
        assert row.at_stake == 0
        assert "1 is left" in words.title(row)
    return kind, values_of(company), opens


@pytest.mark.parametrize("case", CASES)
def test_its_effect_is_foretold_answered_and_gone_when_it_is_over(shop: Company, case: str) -> None:
    kind, values, opens = happens(shop, case)
    before = stored(shop)
    foretold = planning.preview_event(shop.site, kind, values, wall_now=wall_now())
    assert stored(shop) == before

    shop.must(planning.HAPPENINGS[kind].act, **values)
    shop.answer()
    row = shop.disruption(opens)
    assert row.at_stake > 0
    assert row.subject_code in words.title(row)
    after = shop.impact(opens).figures
    assert after["late_lines"] > 0
    assert {name: foretold[name] for name in COMPARED} == {name: after[name] for name in COMPARED}
    assert stored(shop)["decided"] == before["decided"]
    bookings = Booking.objects.filter(site=shop.site).exclude(lateness_change_s=0)
    assert {booking.disruption_id for booking in bookings} == {row.pk}
    assert sum(booking.cost_change for booking in bookings) == row.at_stake

    options = Option.objects.filter(disruption=row).offered_answers()
    assert options.count() >= 2, list(options.values_list("slug"))

    shop.must(planning.take_back, disruption_id=row.pk)
    shop.answer()
    row.refresh_from_db()
    if "last piece" in case:
        assert row.at_stake == 0
        shop.must(planning.take_back, disruption_id=row.pk)
        shop.answer()
        row.refresh_from_db()
    assert (row.state, row.close_reason) == ("CLOSED", CASES[case][3])
    assert stored(shop) == before
    sums: dict[int, Decimal] = {}
    for booking in Booking.objects.filter(site=shop.site):
        sums[booking.line_id] = sums.get(booking.line_id, Decimal(0)) + booking.cost_change
    assert not any(sums.values())


def test_all_that_is_said_of_one_slow_unit_is_one_slowdown(shop: Company) -> None:
    shop.must(equipment.report_slow, **slow(shop))
    shop.answer()
    dear = shop.disruption("SLOW").at_stake
    shop.must(equipment.report_slow, **slow(shop, percent=60, note=""))
    shop.answer()
    row = shop.disruption("SLOW")
    assert (row.cause["percent"], row.cause["note"]) == (60, "spindle runs hot")
    assert row.at_stake < dear
    assert Slowdown.objects.filter(site=shop.site).count() == 1


@pytest.mark.parametrize("kind", ["SLOW", "TOOL"])
def test_a_new_estimate_is_an_event_that_costs_the_options_anew(shop: Company, kind: str) -> None:
    name, act = {
        "SLOW": ("unit_id", equipment.change_slow),
        "TOOL": ("tool_id", equipment.change_tool_back),
    }[kind]
    report, values = {
        "SLOW": (equipment.report_slow, slow(shop)),
        "TOOL": (equipment.report_tool_lost, lost(shop, back_at=shop.now + 4 * DAY)),
    }[kind]
    shop.must(report, **values)
    shop.answer()
    row = shop.disruption(kind)
    dear, version = row.at_stake, row.options.get(kind="DO_NOTHING").version
    sooner = shop.now + DAY
    shop.must(act, **{name: values[name]}, back_at=sooner, said_by="Tomas")
    shop.answer()
    row.refresh_from_db()
    assert row.cause["until"] == sooner.isoformat()
    assert row.cause["said_by"] == "Tomas"
    assert row.at_stake < dear
    assert row.options.get(kind="DO_NOTHING").version > version


def test_an_estimate_that_has_passed_is_a_guess_made_again(shop: Company) -> None:
    shop.must(equipment.report_slow, **slow(shop, back_at=shop.now + HOUR))
    shop.must(equipment.report_tool_lost, **lost(shop, back_at=shop.now + HOUR))
    shop.answer()
    shop.clock(shop.now + 2 * HOUR)
    planning.tick(shop.site.pk, wall_now=wall_now())
    for kind in ("SLOW", "TOOL"):
        cause = shop.disruption(kind).cause
        assert cause["guess"] is True
        assert cause["until"] > shop.now.isoformat()


def test_what_ran_slow_has_worked_for_less(shop: Company) -> None:
    job = shop.job("WO-1", 10)
    shop.must(workorders.start, job_order_id=job.pk)
    shop.must(equipment.report_slow, **slow(shop, percent=50))
    shop.clock(shop.now + HOUR)
    shop.must(equipment.end_slow, unit_id=shop.ids["CNC-04"])
    shop.clock(shop.now + HOUR)
    assert shop.report(job, 20).ok
    job.refresh_from_db()
    assert job.productive_s == 5400


def test_what_cannot_be_is_refused_in_words(shop: Company) -> None:
    refused: list[tuple[Any, dict[str, Any]]] = [
        (equipment.report_slow, slow(shop, percent=0)),
        (equipment.report_slow, slow(shop, percent=100)),
        (equipment.report_slow, slow(shop, back_at=shop.now - HOUR)),
        (equipment.report_slow, slow(shop, back_at=shop.now + 9999 * DAY)),
        (equipment.change_slow, {"unit_id": shop.ids["CNC-07"], "back_at": None}),
        (equipment.report_tool_lost, lost(shop, back_at=shop.now - HOUR)),
        (equipment.change_tool_back, {"tool_id": shop.ids["JIG"], "back_at": None}),
        (equipment.open_place, added(shop, ends_at=shop.now - HOUR)),
    ]
    for act, values in refused:
        outcome = shop.do(act, **values)
        assert outcome.status == 422, (act, values)
        assert outcome.message.endswith(".")
    assert not Slowdown.objects.exists()
    assert not ToolLoss.objects.exists()
    for act, values in (
        (equipment.end_slow, {"unit_id": shop.ids["CNC-07"]}),
        (equipment.report_tool_found, {"tool_id": shop.ids["JIG"]}),
    ):
        assert "Nothing to change" in shop.must(act, **values)["message"]


def test_a_work_order_keeps_the_tools_of_its_release(shop: Company) -> None:
    OperationTool.objects.all().delete()
    assert JobTool.objects.filter(site=shop.site).count() == 4
    snap = snapshot.take(shop.site.pk, wall_now=wall_now())
    assert len(snap.plant.need_tool) == 4


def added(company: Company, **more: Any) -> dict[str, Any]:
    night = company.now + 16 * HOUR
    values = {"starts_at": night, "ends_at": night + 8 * HOUR, "reason": "night shift"}
    return {"equipment_id": company.ids["CNC-04"], **values, **more}


def test_an_added_shift_helps_is_foretold_and_taken_back(shop: Company) -> None:
    shop.must(equipment.report_slow, **slow(shop))
    shop.answer()
    before = stored(shop)
    foretold = planning.preview_event(shop.site, "shift", added(shop), wall_now=wall_now())
    assert stored(shop) == before

    answer = shop.must(equipment.open_place, **added(shop))
    shop.answer()
    after = stored(shop)
    assert after["decided"] != before["decided"]
    sooner = {
        line: before["standing"][line][0] - late[0]
        for line, late in after["standing"].items()
        if line in before["standing"]
    }
    assert any(gain > 0 for gain in sooner.values())
    assert foretold["helped"] > 0
    sooner_by = Booking.objects.filter(site=shop.site, cause="EVENTS", disruption=None)
    assert {booking.lateness_change_s < 0 for booking in sooner_by} == {True}
    assert Disruption.objects.filter(site=shop.site).count() == 1

    values = {"equipment_id": shop.ids["CNC-04"], "window_ids": answer["window_ids"]}
    shop.must(equipment.end_opening, **values)
    shop.answer()
    assert stored(shop) == before
    assert shop.do(equipment.end_opening, **values).status == 409
