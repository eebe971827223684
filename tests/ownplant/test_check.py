"""Which column is which, what a cell means, and what a dry run says about a dirty workbook."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planning.ownplant import columns
from planning.ownplant.check import Checked, Finding, as_content, check, compare
from planning.ownplant.columns import BY_NAME, Column, Kind, Match, from_json, match, recognise
from planning.ownplant.reading import read
from planning.ownplant.values import Wrong, value_of
from tests.ownplant.files import Sheets, small, workbook

NOW = datetime.fromisoformat("2026-11-24T08:30")


def dry(sheets: Sheets, **options: Any) -> Checked:
    tables = read([("plant.xlsx", workbook(sheets))])
    return check(tables, recognise(tables), now=NOW, **options)


def finding(checked: Checked, kind: str) -> Finding:
    return next(each for each in checked.findings if each.kind == kind)


# -- columns -------------------------------------------------------------------------------------


def test_a_german_export_is_recognised_with_its_marks_dates_and_hours() -> None:
    tables = read(
        [
            ("Maschinen.csv", "Maschine;Gruppe;Schicht\nF1;FRÄS;2\n".encode("cp1252")),
            (
                "export_0815.csv",
                b"Auftragsnr.;Artikel;Menge;Endtermin;Kunde;Wert\n"
                b"4711;P;1.200;04.12.2026;ACME;12.500,50\n4712;P;2,5;13.12.2026;;\n",
            ),
            ("ap.csv", "Artikel;AG-Nr.;Arbeitsplatz;Rüsten (h);Stückzeit [sec]\nP;10;F1;0,5;90\n"
             .encode()),
        ]
    )  # fmt: skip

    mapped = recognise(tables)
    checked = check(tables, mapped, now=NOW)

    assert {name: each.table for name, each in mapped.items()} == {
        "machines": "Maschinen.csv",
        "orders": "export_0815.csv",
        "operations": "ap.csv",
    }
    assert checked.problems == []
    assert [row.values for row in checked.rows["orders"]] == [
        {"no": "4711", "item": "P", "qty": "1200", "due": "2026-12-04", "customer": "ACME",
         "value": "12500.5"},
        {"no": "4712", "item": "P", "qty": "2.5", "due": "2026-12-13"},
    ]  # fmt: skip
    (operation,) = checked.rows["operations"]
    assert (operation.get("setup"), operation.get("run")) == ("1800", "90")


def test_a_heading_below_a_title_is_found() -> None:
    sheets = small()
    sheets["Orders"][:0] = [["Open orders of 24 November"], [], ["printed by", "Jana"]]

    checked = dry(sheets)

    assert checked.problems == []
    assert len(checked.rows["orders"]) == 3


def test_a_correction_is_remembered_as_long_as_its_headings_are_there() -> None:
    tables = read([("plant.xlsx", workbook(small()))])
    corrected = recognise(tables)
    corrected["orders"].columns |= {"due": "Value", "value": "Due"}
    again = from_json({name: each.as_json() for name, each in corrected.items()})

    assert recognise(tables, again)["orders"].columns["due"] == "Value"
    changed = small()
    changed["Orders"][0][5] = "Worth"
    tables = read([("plant.xlsx", workbook(changed))])
    assert recognise(tables, again)["orders"].columns["due"] == "Due"


def test_what_nothing_takes_is_named() -> None:
    sheets = small()
    sheets["Orders"][0].append("Colour")
    tables = read([("plant.xlsx", workbook(sheets))])
    mapped = recognise(tables)
    orders = next(table for table in tables if table.name == "Orders")

    assert columns.left_out(orders, mapped["orders"]) == ["Colour"]


def test_every_first_name_of_a_column_is_recognised_as_that_column() -> None:
    for sheet in columns.SHEETS:
        heads = [column.names[0] for column in sheet.columns]
        (table,) = read([("x.xlsx", workbook({sheet.names[0]: [heads, ["1"] * len(heads)]}))])
        assert match(sheet, table).columns == {c.name: c.names[0] for c in sheet.columns}


# -- values --------------------------------------------------------------------------------------

QTY = BY_NAME["orders"].column("qty")
DUE = BY_NAME["orders"].column("due")


@pytest.mark.parametrize(
    ("text", "mark", "means"),
    [
        ("1.234,56", ",", "1234.56"),
        ("1,234.56", ".", "1234.56"),
        ("1'234", ".", "1234"),
        ("12 000", ",", "12000"),
        (",5", ",", "0.5"),
        ("1.234", ",", "1234"),
        ("1.234", ".", "1.234"),
    ],
)
def test_a_number_is_read_by_its_column_s_mark(text: str, mark: str, means: str) -> None:
    assert value_of(QTY, text, Match("t", decimal=mark)) == means


@pytest.mark.parametrize(
    ("text", "order", "means"),
    [
        ("04.12.2026", "DMY", "2026-12-04"),
        ("04/12/26", "MDY", "2026-04-12"),
        ("2026-12-04", "MDY", "2026-12-04"),
        ("2026-12-04T13:30:00", "DMY", "2026-12-04T13:30"),
        ("4.12.2026 6:05", "DMY", "2026-12-04T06:05"),
    ],
)
def test_a_date_is_read_in_its_column_s_order(text: str, order: str, means: str) -> None:
    assert value_of(DUE, text, Match("t", date=order)) == means


@pytest.mark.parametrize("text", ["31.02.2026", "soon", "1/2", "99.99.9999", "04.12.1800"])
def test_what_is_no_date_is_said(text: str) -> None:
    with pytest.raises(Wrong):
        value_of(DUE, text, Match("t"))


@given(
    st.sampled_from([column for sheet in columns.SHEETS for column in sheet.columns]),
    st.one_of(
        st.none(),
        st.text(max_size=50),
        st.from_regex(r"[-+]?[0-9.,' ]{0,20}", fullmatch=True),
        st.from_regex(r"[0-9]{1,4}[-./][0-9]{1,2}[-./][0-9]{1,4}", fullmatch=True),
        st.decimals(allow_nan=False, allow_infinity=False),
        st.datetimes(),
        st.dates(),
    ),
    st.sampled_from(".,"),
    st.sampled_from(["DMY", "MDY", "YMD"]),
    st.sampled_from(["s", "min", "h"]),
)
def test_a_cell_means_something_or_is_said_and_means_the_same_read_again(
    column: Column, raw: Any, mark: str, order: str, unit: str
) -> None:
    found = Match("t", decimal=mark, date=order, times={column.name: unit})
    try:
        kept = value_of(column, raw, found)
    except Wrong as wrong:
        said = (wrong.wrong, wrong.todo)
        assert all(said)
        return
    plain = Match("t", times={column.name: "s"})
    assert value_of(column, kept, plain) == kept


@given(st.dates(date(1990, 1, 1), date(2100, 12, 31)), st.decimals(0, 10**9, places=4))
def test_every_date_and_number_is_read_back_from_how_it_is_written(
    day: date, number: Decimal
) -> None:
    for order, written in (("DMY", f"{day:%d.%m.%Y}"), ("MDY", f"{day:%m/%d/%Y}")):
        assert value_of(DUE, written, Match("t", date=order)) == day.isoformat()
    german = f"{number:,.4f}".translate(str.maketrans(",.", ".,"))
    column = Column("x", ("x",), Kind.AMOUNT)
    assert Decimal(value_of(column, german, Match("t", decimal=","))) == number
    assert Decimal(value_of(column, f"{number:,.4f}", Match("t"))) == number


# -- dry run -------------------------------------------------------------------------------------


def test_a_sound_workbook_is_ready() -> None:
    checked = dry(small())

    assert checked.ready
    assert checked.counts() | {"machines": 3, "orders": 3, "operations": 3} == checked.counts()


def test_every_wrong_cell_is_named_with_what_to_do_and_nothing_else_is_lost() -> None:
    sheets = small()
    sheets["Orders"][1][2] = "many"
    sheets["Orders"][2][3] = "31.02.2026"
    sheets["Operations"][1][0] = "X"
    sheets["Operations"][2][2] = "M-9"
    sheets["Machines"][3][2] = "sometimes"

    checked = dry(sheets)

    assert [(p.sheet, p.row, p.column, p.value) for p in checked.problems] == [
        ("Machines", 4, "Shift", "sometimes"),
        ("Orders", 2, "Quantity", "many"),
        ("Orders", 3, "Due", "31.02.2026"),
        ("Operations", 2, "Order or item", "X"),
        ("Operations", 3, "Machine", "M-9"),
    ]
    assert all(p.wrong and p.todo for p in checked.problems)
    assert not checked.ready


def test_setting_aside_takes_out_what_hangs_on_a_wrong_row_too() -> None:
    sheets = small()
    sheets["Orders"][3][2] = "many"  # the only order of Q

    checked = dry(sheets, set_aside=True)

    assert checked.problems == []
    assert checked.set_aside == 2
    assert [row.get("no") for row in checked.rows["orders"]] == ["A-1", "A-2"]
    assert {row.get("order") for row in checked.rows["operations"]} == {"P"}


def test_an_order_that_lost_an_operation_is_said_and_may_be_left_out() -> None:
    sheets = small()
    sheets["Operations"].append(["A-1", 10, "M-9", 1, 1, ""])
    sheets["Operations"].append(["A-1", 20, "M-1", 1, 1, ""])

    kept = dry(sheets, set_aside=True)
    left = dry(sheets, set_aside=True, fixes={"shortened": "leave"})

    assert [row[2][:3] for row in finding(kept, "shortened").rows] == ["A-1"]
    assert {row.get("no") for row in kept.rows["orders"]} == {"A-1", "A-2", "A-3"}
    assert {row.get("no") for row in left.rows["orders"]} == {"A-2", "A-3"}
    assert "A-1" not in {row.get("order") for row in left.rows["operations"]}


def test_a_missing_sheet_or_column_is_said_by_name() -> None:
    sheets = small()
    del sheets["Operations"]
    sheets["Orders"][0][3] = "???"

    assert dry(sheets).missing == ["Orders: Due", "Operations"]


def dirty() -> Sheets:
    sheets = small()
    sheets["Orders"] += [
        ["A-1", "P", 100, "2026-12-04", "ACME", 5000],
        ["A-5", "P", 7, "2026-11-20", "", ""],
        ["A-6", "P", 7, "2025-11-20", "", ""],
        ["A-7", "Z", 7, "2026-12-20", "", ""],
    ]
    sheets["Operations"] += [
        ["P", 30, "", 0, 1, ""],
        ["P", 40, "M-1", 0, 0, ""],
        ["P", 50, "M-1", 0, 600, ""],
    ]
    sheets["Stock"] = [["Item", "Quantity", "Unit"], ["BAR", 10, "m"], ["BAR", 5, "pcs"]]
    return sheets


def test_the_health_report_counts_each_kind() -> None:
    checked = dry(dirty())

    assert {each.kind: len(each.rows) for each in checked.findings} == {
        "duplicate": 1, "two_units": 2, "no_machine": 1, "zero_time": 1, "long_time": 1,
        "asleep": 1, "past_due": 1, "no_operations": 1,
    }  # fmt: skip
    assert not checked.ready
    assert finding(checked, "asleep").rows == [("Orders", 7, "A-6 · P · 7 · 2025-11-20")]


def test_bulk_fixes_do_what_they_say() -> None:
    checked = dry(
        dirty(),
        fixes={
            "duplicate": "first",
            "two_units": "first",
            "no_machine": "to:MILL",
            "zero_time": "median",
            "long_time": "sixty",
            "asleep": "leave",
            "past_due": "leave",
            "no_operations": "leave",
        },
    )

    assert checked.ready
    assert [row.get("no") for row in checked.rows["orders"]] == ["A-1", "A-2", "A-3"]
    steps = {row.get("no"): row for row in checked.rows["operations"] if row.get("order") == "P"}
    assert steps["30"].get("machine") == "MILL"
    assert Decimal(steps["40"].get("run")) == 120
    assert Decimal(steps["50"].get("run")) == 600
    assert [row.get("unit") for row in checked.rows["stock"]] == ["m", "m"]


def test_a_choice_that_is_not_offered_is_none() -> None:
    assert finding(dry(dirty(), fixes={"no_machine": "to:X"}), "no_machine").open


# -- the next file -------------------------------------------------------------------------------


def test_the_same_file_says_nothing_new_whatever_the_order_of_its_rows() -> None:
    sheets = small()
    before = as_content(dry(sheets).rows)
    sheets["Orders"][1:] = reversed(sheets["Orders"][1:])

    assert compare(before, as_content(dry(sheets).rows)).count == 0


@given(st.data())
def test_a_changed_file_says_its_changes_and_no_others(data: st.DataObject) -> None:
    sheets, later = small(), small()
    changed = data.draw(st.sets(st.integers(1, 3)))
    gone = data.draw(st.sets(st.integers(1, 3)))
    for n in changed - gone:
        later["Orders"][n][3] = f"{NOW + timedelta(days=200 + n):%Y-%m-%d}"
    kept = [row for n, row in enumerate(later["Orders"]) if n not in gone]
    later["Orders"] = [*kept, ["A-9", "P", 1, "2026-12-24"]]

    found = compare(as_content(dry(sheets).rows), as_content(dry(later).rows))

    assert {key for _sheet, key, *_ in found.changed} == {f"A-{n}" for n in changed - gone}
    assert {key for sheet, key in found.gone if sheet == "orders"} == {f"A-{n}" for n in gone}
    assert [key for sheet, key in found.new if sheet == "orders"] == ["A-9"]
