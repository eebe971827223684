"""From what happens on the floor to what it does downstream."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

from equipment import actions as equipment
from mes.clock import wall_now
from mes.models import SitePlan
from planning import actions as planning
from planning.models import Booking, Disruption, PlanVersion
from quality import actions as quality
from tests.cast import HOUR
from tests.planning.conftest import DAY, Company
from workorders import actions as workorders


def break_down(company: Company, *, hours: float | None = None) -> None:
    company.must(
        equipment.report_breakdown,
        unit_id=company.ids["CNC-04"],
        note="alarm 2041",
        back_at=None if hours is None else company.now + timedelta(hours=hours),
        said_by="T. Maintenance" if hours else "",
    )


def test_a_quiet_plant_has_no_disruption(company: Company) -> None:
    assert not Disruption.objects.filter(site=company.site).exists()
    plan = SitePlan.objects.get(site=company.site)
    assert plan.plan_version == plan.committed_version + 1
    assert not plan.dirty


def test_a_breakdown_opens_one_disruption_that_names_the_lines_it_makes_late(
    company: Company,
) -> None:
    break_down(company, hours=96)
    result = company.answer()

    assert result.state == "STORED"
    row = company.disruption("BREAKDOWN")
    assert row.subject_code == "CNC-04"
    assert row.state == "NEW"
    assert row.priority == 1  # a penalty is due
    figures = company.impact("BREAKDOWN").figures
    assert [hit["line"] for hit in figures["lines_hit"]] == ["SO-1/1", "SO-2/1"]
    assert figures["late_lines"] == row.summary["late_lines"] == 2
    assert figures["orders"] == 2
    assert figures["cause"]["guess"] is False


def test_the_sum_of_the_lines_is_the_cost_that_the_sentence_names(company: Company) -> None:
    break_down(company, hours=96)
    company.answer()
    figures = company.impact("BREAKDOWN").figures
    lines = sum(Decimal(hit["cash"]) + Decimal(hit["estimate"]) for hit in figures["lines_hit"])
    assert lines == Decimal(figures["total"]) == company.disruption("BREAKDOWN").at_stake
    explained = sum(Decimal(row["amount"]) for row in figures["costs"])
    assert explained == lines


def test_a_breakdown_that_slack_takes_up_says_so(company: Company) -> None:
    break_down(company, hours=2)
    company.answer()
    row = company.disruption("BREAKDOWN")
    assert row.priority == 4
    assert row.at_stake == 0
    figures = company.impact("BREAKDOWN").figures
    assert figures["late_lines"] == 0
    assert figures["absorbed"]["slack_s"] > 0


def test_without_an_estimate_the_return_is_a_guess_that_says_its_source(company: Company) -> None:
    break_down(company)
    company.answer()
    cause = company.disruption("BREAKDOWN").cause
    assert cause["guess"] is True
    assert cause["guess_source"] == "NONE"
    assert cause["until"] is not None


def test_an_estimate_updates_the_same_disruption_and_a_repair_closes_it(company: Company) -> None:
    break_down(company, hours=96)
    company.answer()
    dear = company.disruption("BREAKDOWN").at_stake
    company.must(
        equipment.change_estimate,
        unit_id=company.ids["CNC-04"],
        back_at=company.now + 60 * HOUR,
        said_by="T. Maintenance",
    )
    company.answer()
    row = company.disruption("BREAKDOWN")
    assert 0 < row.at_stake < dear

    company.clock(company.now + HOUR)
    company.must(equipment.report_repair, unit_id=company.ids["CNC-04"])
    company.answer()
    row.refresh_from_db()
    assert (row.state, row.close_reason, row.at_stake) == ("CLOSED", "REPAIRED", 0)


def test_a_machine_that_stops_again_within_the_hour_is_one_row(company: Company) -> None:
    for _ in range(3):
        break_down(company, hours=96)
        company.answer()
        company.clock(company.now + HOUR / 4)
        company.must(equipment.report_repair, unit_id=company.ids["CNC-04"])
        company.answer()
        company.clock(company.now + HOUR / 4)
    assert company.disruption("BREAKDOWN").occurrences == 3


def test_a_report_without_scrap_makes_no_disruption(company: Company) -> None:
    company.must(workorders.start, job_order_id=company.job("WO-1", 10).pk)
    company.clock(company.now + HOUR)
    assert company.report(company.job("WO-1", 10), 20).ok
    assert company.answer().state == "STORED"
    assert not Disruption.objects.filter(site=company.site).exists()


def test_scrap_that_makes_a_line_short_opens_and_what_slack_takes_up_does_not(
    company: Company,
) -> None:
    company.must(workorders.start, job_order_id=company.job("WO-1", 10).pk)
    company.clock(company.now + HOUR)
    company.report(company.job("WO-1", 10), 10, scrap=20)
    company.answer()
    row = company.disruption("SCRAP")
    assert row.state == "NEW"
    assert row.cause["scrap"] == "20"
    assert row.summary["late_lines"] >= 1


def test_a_held_lot_stops_what_needs_it_until_it_is_released(company: Company) -> None:
    hold = company.must(
        quality.place_hold,
        lot_id=company.lot("L-1").pk,
        note="hardness",
        expected_at=company.now + 5 * DAY,
    )
    company.answer()
    row = company.disruption("HOLD")
    assert (row.subject_type, row.subject_code) == ("lot", "L-1")
    assert row.summary["late_lines"] == 2

    company.must(quality.release_hold, hold_id=hold["hold_id"])
    company.answer()
    row.refresh_from_db()
    assert (row.state, row.close_reason) == ("CLOSED", "RELEASED")


def test_a_held_job_stops_its_own_order(company: Company) -> None:
    company.must(
        quality.place_hold,
        job_order_id=company.job("WO-1", 10).pk,
        expected_at=company.now + 5 * DAY,
    )
    company.answer()
    row = company.disruption("HOLD")
    assert row.subject_type == "job_order"
    assert [hit["line"] for hit in company.impact("HOLD").figures["lines_hit"]]


def test_what_was_late_at_the_commitment_is_backlog_and_not_a_disruption(
    build: Callable[..., Company],
) -> None:
    company = build()
    company.order("WO-9", 50)
    company.sell("SO-9", 50, company.now - DAY)
    company.commit()
    row = company.disruption("BACKLOG")
    assert row.summary["late_lines"] == 1
    assert Disruption.objects.filter(site=company.site).count() == 1


def test_lateness_at_the_opening_plus_all_bookings_is_lateness_now(company: Company) -> None:
    break_down(company, hours=96)
    company.answer()
    company.clock(company.now + 3 * HOUR)
    company.must(
        equipment.change_estimate,
        unit_id=company.ids["CNC-04"],
        back_at=company.now + 150 * HOUR,
        said_by="T. Maintenance",
    )
    company.must(
        quality.place_hold, lot_id=company.lot("L-1").pk, expected_at=company.now + 5 * DAY
    )
    company.answer()
    company.clock(company.now + 6 * HOUR)
    company.must(equipment.report_repair, unit_id=company.ids["CNC-04"])
    company.answer()

    plan = SitePlan.objects.get(site=company.site)
    now = PlanVersion.objects.get(site=company.site, version=plan.plan_version).figures["standing"]
    booked: dict[str, list[int]] = {}
    for row in Booking.objects.filter(site=company.site):
        sums = booked.setdefault(str(row.line_id), [0, 0])
        sums[0] += row.lateness_change_s
        sums[1] += int(row.cost_change * 10_000)
    assert now  # something is late, or the law says nothing
    assert {line: sums for line, sums in booked.items() if sums != [0, 0]} == {
        line: [late, cash + estimate] for line, (late, cash, estimate) in now.items()
    }
    causes = set(Booking.objects.filter(site=company.site).values_list("cause", flat=True))
    assert "DISRUPTION" in causes


def test_the_effect_before_saving_is_the_impact_after_saving(company: Company) -> None:
    company.must(workorders.start, job_order_id=company.job("WO-1", 10).pk)
    company.clock(company.now + HOUR)
    company.report(company.job("WO-1", 10), 20)
    company.answer()
    values = {"unit_id": company.ids["CNC-04"], "back_at": company.now + 96 * HOUR}
    before = planning.preview_event(company.site, "breakdown", values, wall_now=wall_now())
    assert not Disruption.objects.filter(site=company.site).exists()
    assert company.state("CNC-04") == "EXECUTE"

    company.must(equipment.report_breakdown, **values)
    company.answer()
    after = company.impact("BREAKDOWN").figures
    compared = ("lines_hit", "ops_hit", "items_hit", "total", "orders", "late_days")
    assert {name: before[name] for name in compared} == {name: after[name] for name in compared}
