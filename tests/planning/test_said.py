"""What pages say of figures: nothing sounds better or longer than it is."""

from __future__ import annotations

from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from django.template.loader import render_to_string

from planning import words
from planning.models import Option, PlanVersion
from planning.views.disruption import option_row, says
from tests.planning.conftest import Company


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
