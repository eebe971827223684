"""What pages say of figures: nothing sounds better or longer than it is."""

from __future__ import annotations

from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from django.template.loader import render_to_string

from planning import words
from planning.models import Option, PlanVersion
from planning.views.disruption import each_once, option_row, says
from tests.planning.conftest import Company

NO_ROUTING = {"why": "NO_ROUTING", "subject": "item", "id": 1, "label": "HV-220"}


def hit(before_s: int, after_s: int) -> dict[str, Any]:
    return {"late_before_s": before_s, "late_s": after_s, "after": "2013-07-14T12:00:00+00:00"}


def sentence(*hits: dict[str, Any], total: str = "30", money: bool = False) -> str:
    figures = {
        "late_lines": len(hits), "items": 0, "cash": "0", "estimate": "30", "total": total,
        "known": True, "absorbed": None, "lines_hit": list(hits),
    }  # fmt: skip
    page = SimpleNamespace(currency="USD")
    context = {"says": says(figures, money=money), "page": page}
    return " ".join(render_to_string("components/sentence.html", context).split())


def test_the_sentence_says_which_deliveries_were_late_before_the_event() -> None:
    assert "(" not in sentence(hit(-3600, 7200))
    assert "(1 of them was late before)" in sentence(hit(-3600, 7200), hit(600, 7200))
    assert "(2 of them were late before)" in sentence(hit(60, 7200), hit(600, 7200))


def test_what_would_be_gained_by_waiting_is_told_as_no_cost() -> None:
    assert ">$30<" in sentence(hit(60, 7200), money=True)
    assert ">$0<" in sentence(hit(60, 7200), total="-280.00", money=True)


def test_a_line_that_is_late_anyway_is_not_counted_on_time() -> None:
    option = Option(
        kind="OVERTIME",
        saves=Decimal(5),
        figures={"hit_lines": 10, "late_lines": 1, "late_anyway": 6, "late_days": -5},
    )

    row = option_row(option, None, money=True)

    assert (row["on_time"], row["late_anyway"], row["of"]) == (3, 6, 10)
    assert (row["late_days"], row["made_up_days"]) == (0, 5)


def test_overtime_on_one_unit_is_named_once_with_its_sum() -> None:
    windows = [{"unit": "FW-01", "seconds": 4 * 3600}] * 3

    assert words.name_of("OVERTIME", {"windows": windows}) == "12 h overtime on FW-01 in 3 shifts"
    assert words.name_of("OVERTIME", {"windows": windows[:1]}) == "4 h overtime on FW-01"


def shift(day: int, unit: str = "CNC-04") -> dict[str, Any]:
    at, until = f"2026-11-{day}T06:00:00+00:00", f"2026-11-{day}T14:00:00+00:00"
    return {"kind": "cover_window", "person": "Milan", "to": unit, "at": at, "until": until}


def test_who_takes_several_shifts_is_named_once() -> None:
    taken = {"zone": "UTC", "deals": [shift(25), shift(24), shift(26), shift(24, "GRD-01")]}

    assert words.name_of("CREW", taken) == (
        "Milan attends CNC-04 in 3 shifts from Tue 24 Nov 06:00 to Thu 26 Nov 14:00, "
        "Milan attends GRD-01 from Tue 24 Nov 06:00 to Tue 24 Nov 14:00"
    )


def test_many_customers_are_counted_after_the_first_ones() -> None:
    asked = [{"kind": "set_promise", "customer": name} for name in ("Ada", "Bor", "Cem", "Dov")]
    said = words.name_of("NEW_PROMISE", {"deals": asked})
    assert said == "Ask Ada, Bor, Cem and Dov for new dates"
    more = [*asked, {"kind": "set_promise", "customer": "Eli"}]
    said = words.name_of("NEW_PROMISE", {"deals": more})
    assert said == "Ask Ada, Bor, Cem and 2 more for new dates"


def test_a_closed_window_is_not_told_as_working_time() -> None:
    added = "equipment.window.added"
    assert words.event_text(added, {"kind": "OPEN"}) == "Working time added"
    assert words.event_text(added, {"kind": "CLOSED", "reason": "Karel absent"}) == (
        "Closed for a time: Karel absent"
    )


def test_what_was_checked_is_listed_once_with_each_reason() -> None:
    twice = [Option(kind="PARK", verdict="IMPOSSIBLE", figures={"refusal": NO_ROUTING})] * 2
    assert len(each_once(twice, "IMPOSSIBLE", words.impossible)) == 1
    assert each_once(twice, "WORSE", words.beaten) == []


def test_the_load_of_the_next_day_is_its_planned_work_of_its_working_time(company: Company) -> None:
    """Of 16 hours: CNC-04 has one set-up and 120 bodies at a minute; the bench, with two places,
    120 at half a minute; CNC-07 nothing."""
    version = PlanVersion.objects.current(company.site)

    assert version is not None
    assert version.figures["load_24h"] == {
        str(company.ids["CNC-04"]): 14,
        str(company.ids["CNC-07"]): 0,
        str(company.ids["BENCH"]): 3,
    }
