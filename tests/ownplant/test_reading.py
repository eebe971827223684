"""Whatever is sent, a reader returns tables or says in words why not; nothing else comes out."""

from __future__ import annotations

import codecs
import io
import resource
import time
import zipfile
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from planning.ownplant.reading import read
from planning.ownplant.sheets import MAX_ROWS, Table, Unreadable
from planning.ownplant.workbook import write_workbook
from tests.ownplant.files import parts, sheet_xml, small, workbook, zipped

ROWS = [(1, ["Order", "Qty"]), (2, ["A-1", "12"])]


def rows_of(data: bytes, name: str = "orders.csv") -> Any:
    return read([(name, data)])[0].rows


@pytest.mark.parametrize(
    "data",
    [
        b"Order,Qty\r\nA-1,12\r\n",
        b"Order;Qty\nA-1;12\n",
        b"Order\tQty\nA-1\t12",
        b"Order|Qty\r\nA-1|12\n",
        codecs.BOM_UTF8 + b"Order;Qty\nA-1;12",
        "\ufefforder;Qty\nA-1;12".replace("order", "Order").encode("utf-16-le"),
        "\ufeffOrder;Qty\nA-1;12".encode("utf-16-be"),
        b'"Order";"Qty"\r\n"A-1";"12"\r\r\n',
    ],
)
def test_a_csv_file_reads_the_same_whatever_wrote_it(data: bytes) -> None:
    assert rows_of(data) == ROWS


def test_a_separator_inside_quotes_and_a_comma_of_decimals_do_not_divide() -> None:
    data = b'Order;Qty;Name\nA-1;"1.234,56";"Bolt, long"\nA-2;2,5;x'

    assert rows_of(data)[1:] == [
        (2, ["A-1", "1.234,56", "Bolt, long"]),
        (3, ["A-2", "2,5", "x"]),
    ]


def test_umlauts_of_windows_are_read() -> None:
    assert rows_of("Stück;Maß\nRüsten;1".encode("cp1252"))[0][1] == ["Stück", "Maß"]


def test_a_workbook_is_read_back_as_it_was_written() -> None:
    at = datetime.fromisoformat("2026-12-04T13:30")
    data = write_workbook([("Orders", [["Order", "Due"], ["<A&1>", at], [Decimal("1.5"), ""]])])

    (table,) = read([("plant.xlsx", data)])

    assert table.name == "Orders"
    assert table.rows == [(1, ["Order", "Due"]), (2, ["<A&1>", at]), (3, [Decimal("1.5")])]


@pytest.mark.parametrize(("year", "day"), [("1900", "2026-11-24"), ("1904", "2030-11-25")])
def test_excels_days_count_from_the_books_own_first(year: str, day: str) -> None:
    contents = parts(write_workbook([("O", [["Due"], [datetime.fromisoformat("2026-11-24")]])]))
    if year == "1904":
        contents["xl/workbook.xml"] = contents["xl/workbook.xml"].replace(
            b"<sheets>", b'<workbookPr date1904="1"/><sheets>'
        )

    (table,) = read([("plant.xlsx", zipped(contents))])

    assert table.rows[1][1] == [datetime.fromisoformat(day)]


def test_a_formula_gives_its_stored_value_and_without_one_is_said() -> None:
    data = sheet_xml(
        '<row r="1"><c r="A1" t="inlineStr"><is><t>Qty</t></is></c></row>'
        '<row r="2"><c r="A2"><f>1+1</f><v>2</v></c></row><row r="3"><c r="A3"><f>1+1</f></c></row>'
        '<row r="4"><c r="A4" t="e"><v>#REF!</v></c></row>'
    )

    (table,) = read([("plant.xlsx", data)])

    assert table.rows == [(1, ["Qty"]), (2, [Decimal(2)])]
    assert [(each.row, each.column) for each in table.problems] == [(3, "A"), (4, "A")]
    assert "formula without a stored value" in table.problems[0].wrong


def test_merged_cells_are_said_and_the_dimension_is_not_believed() -> None:
    data = sheet_xml(
        '<row r="7"><c r="B7" t="inlineStr"><is><t>x</t></is></c></row>',
        more='<mergeCells><mergeCell ref="B7:B9"/></mergeCells>',
    )
    contents = parts(data)
    sheet = "xl/worksheets/sheet1.xml"
    contents[sheet] = contents[sheet].replace(
        b"<sheetData>", b'<dimension ref="A1:XFD1048576"/><sheetData>'
    )

    (table,) = read([("plant.xlsx", zipped(contents))])

    assert table.rows == [(7, [None, "x"])]
    assert [(each.row, each.column, each.value) for each in table.problems] == [(7, "B", "B7:B9")]


BOMB = (
    b"<!DOCTYPE lolz [<!ENTITY a 'lol'><!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;'>"
    b"<!ENTITY c '&b;&b;&b;&b;&b;&b;&b;&b;'>]>"
).decode()
BAD = {
    "empty": (b" \n", "empty"),
    "NUL": (b"Order,Qty\nA\0,1", "NUL"),
    "half of UTF-16": (codecs.BOM_UTF16_LE + b"O", "breaks off"),
    "an open quotation mark": (b'Order,Qty\n"' + b"x" * 1_100_000, "quotation mark"),
    "too large": (b"a,b\n" * 2_500_001, "10 MB"),
    "too many rows": (b"a,b\n" * 50_100, "50,000 rows"),
    "too many columns": (b"a," * 300 + b"a", "200 columns"),
    "an old xls": (b"\xd0\xcf\x11\xe0" + bytes(600), "password"),
    "no zip": (b"PK\x03\x04" + bytes(600), "damaged"),
    "another zip": (zipped({"a.txt": b"hello"}), "damaged"),
    "a zip bomb": (zipped({"xl/workbook.xml": bytes(60_000_000)}), "Unpacked"),
    "a large zip bomb": (zipped({f"{n}.xml": bytes(9_000_000) for n in range(8)}), "Unpacked"),
    "an external entity": (
        sheet_xml("&x;", head="<!DOCTYPE x [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>"), "DTD",
    ),
    "a billion laughs": (sheet_xml("&c;", head=BOMB), "DTD"),
    "a deep nest": (sheet_xml("<x>" * 10_000 + "</x>" * 10_000), "damaged"),
    "an encoding that there is not": (sheet_xml("", encoding="TF-8"), "damaged"),
    "an encoding of several bytes": (sheet_xml("", encoding="shift_jis"), "damaged"),
    "a far column": (sheet_xml('<row r="1"><c r="XFD1"><v>1</v></c></row>'), "200 columns"),
    "a string that is not there": (
        sheet_xml('<row r="1"><c r="A1" t="s"><v>9</v></c></row>'), "damaged",
    ),
    "nothing but headings' frame": (sheet_xml(""), "no row"),
    "rows without end": (
        sheet_xml(
            "".join(f"<row><c><v>{n * n * 7919 % 1_000_003}</v></c></row>"
                    for n in range(MAX_ROWS + 100))
        ), "50,000 rows",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_what_no_file_may_be_is_refused_in_words_soon_and_in_little_memory(name: str) -> None:
    data, words = BAD[name]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.process_time()

    with pytest.raises(Unreadable, match=words):
        read([("plant.xlsx", data)])

    assert time.process_time() - began < 2
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 150_000


@pytest.mark.parametrize("text", ["NaN", "INF", "1e400", "-1e999", "0x10", "1_0", "9" * 60])
def test_a_number_that_is_none_is_said_by_cell(text: str) -> None:
    data = sheet_xml(f'<row r="2"><c r="C2"><v>{text}</v></c><c r="D2"><v>1</v></c></row>')

    (table,) = read([("plant.xlsx", data)])

    assert table.rows == [(2, [None, None, None, Decimal(1)])]
    assert [(each.row, each.column, each.value) for each in table.problems] == [(2, "C", text[:40])]


def test_an_encrypted_part_is_said() -> None:
    data = bytearray(workbook(small()))
    with zipfile.ZipFile(io.BytesIO(bytes(data))) as archive:
        first = archive.infolist()[0].header_offset
    data[first + 6] |= 1
    central = data.rindex(b"PK\x01\x02", 0, data.index(b"PK\x01\x02") + 4)
    data[central + 8] |= 1

    with pytest.raises(Unreadable, match="password"):
        read([("plant.xlsx", bytes(data))])


def tables_or_words(files: list[tuple[str, bytes]]) -> list[Table]:
    """What is read, or nothing where it is refused in a sentence."""
    words = ""
    try:
        return read(files)
    except Unreadable as refusal:
        words = str(refusal)
    assert words.endswith(".")
    return []


@given(st.binary(max_size=400))
@example(b"PK\x05\x06" + bytes(18))
def test_nothing_but_a_refusal_comes_out_of_any_bytes(data: bytes) -> None:
    for start in (b"", b"PK\x03\x04", codecs.BOM_UTF16_LE, codecs.BOM_UTF8):
        tables = tables_or_words([("file", start + data)])
        assert all(cells for table in tables for _row, cells in table.rows)


SOUND = workbook(small())


@given(st.data())
def test_nothing_but_a_refusal_comes_out_of_a_spoiled_workbook(data: st.DataObject) -> None:
    """Spoil the zip, or the XML inside a sound zip, at some places."""
    inside = data.draw(st.sampled_from([None, *parts(SOUND)]))
    contents = parts(SOUND)
    victim = bytearray(contents[inside] if inside else SOUND)
    for _turn in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(victim) - 1))
        new = data.draw(st.binary(max_size=6))
        victim[at : at + data.draw(st.integers(0, 6))] = new
    if inside:
        contents[inside] = bytes(victim)
    tables_or_words([("plant.xlsx", zipped(contents) if inside else bytes(victim))])


@given(
    st.lists(
        st.lists(
            st.one_of(
                st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=9),
                st.decimals(-(10**9), 10**9, places=3),
            ),
            min_size=1,
            max_size=5,
        ),
        min_size=1,
        max_size=8,
    )
)
def test_what_was_written_is_what_is_read(rows: Any) -> None:
    """Cells keep their place and value; only space around a text and empty ends are lost."""

    def plain(cells: list[object]) -> list[object]:
        kept = [(c.strip() or None) if isinstance(c, str) else c for c in cells]
        while kept and kept[-1] is None:
            kept.pop()
        return kept

    wanted = [(n, plain(cells)) for n, cells in enumerate(rows, 1) if plain(cells)]
    data = write_workbook([("S", rows)])
    if not wanted:
        with pytest.raises(Unreadable):
            read([("plant.xlsx", data)])
    else:
        assert read([("plant.xlsx", data)])[0].rows == wanted
