"""Reads and writes .xlsx: a zip of XML, read as a stream with bounds, never trusted.

Formulas without a stored value, merged cells and cells in error are said by cell; a sheet's own
`<dimension>` is not believed.
"""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import IO, Any
from xml.parsers import expat
from xml.sax.saxutils import escape

from django.utils.translation import gettext as _

from planning.ownplant.sheets import (
    MAX_BYTES,
    MAX_COLUMNS,
    MAX_ROWS,
    MAX_TEXT,
    Problem,
    Raw,
    Table,
    Unreadable,
    check_size,
    letter,
    too_large,
    too_many_columns,
    too_many_rows,
    without_empty,
)

MAX_UNZIPPED = 64_000_000
MAX_RATIO = 100
MAX_PARTS = 1_000
MAX_SHEETS = 50
MAX_DEPTH = 32
MAX_STRINGS = 500_000
MAX_PROBLEMS = 1_000  # of one sheet; the rest is of the same kind
_CHUNK = 1 << 16
_SHEET = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
# What may go wrong inside zipfile on bytes that somebody made to go wrong.
_ZIP_ERRORS = (
    zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, EOFError, KeyError, NotImplementedError,
    OSError, RuntimeError, ValueError, OverflowError,
)  # fmt: skip
_DATE_FORMATS = {*range(14, 23), 27, 30, 36, 45, 46, 47, 50, 57}
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,4})?", re.ASCII)
_REFERENCE = re.compile(r"([A-Z]{1,3})(\d{1,7})")


def is_workbook(data: bytes) -> bool:
    return data.startswith((b"PK", b"\xd0\xcf\x11\xe0"))


def look(name: str, size: int, stream: IO[bytes]) -> None:
    """Refuse at the door what a reader would refuse for its size or its kind, unread.

    :raises Unreadable: with the file's name in its words.
    """
    try:
        if size > MAX_BYTES:
            raise too_large()
        if stream.read(4) != b"PK\x03\x04":
            return
        try:
            with zipfile.ZipFile(stream) as archive:
                _check_parts(archive)
        except _ZIP_ERRORS as wrong:
            raise _damaged() from wrong
    except Unreadable as wrong:
        raise Unreadable(f"{name}: {wrong}") from wrong


def read_workbook(data: bytes) -> list[Table]:
    """The sheets of a workbook with their cells.

    :raises Unreadable: if it is none, or is larger inside than a file may be.
    """
    check_size(data)
    if data.startswith(b"\xd0\xcf\x11\xe0"):
        raise Unreadable(
            _(
                "The file is protected by a password, or an old .xls. Save it as .xlsx without"
                " a password."
            )
        )
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            _check_parts(archive)
            return _Book(archive).tables()
    except _ZIP_ERRORS as wrong:
        raise _damaged() from wrong


def _damaged() -> Unreadable:
    return Unreadable(_("The file is damaged or no workbook. Open it in Excel and save it again."))


def _check_parts(archive: zipfile.ZipFile) -> None:
    parts = archive.infolist()
    unzipped = sum(part.file_size for part in parts)
    packed = sum(part.compress_size for part in parts)
    if any(part.flag_bits & 1 for part in parts):
        raise Unreadable(_("The file is protected by a password. Save it without one."))
    bomb = unzipped > MAX_UNZIPPED or (
        unzipped > 1_000_000 and unzipped > MAX_RATIO * max(packed, 1)
    )
    if bomb or len(parts) > MAX_PARTS:
        raise Unreadable(
            _("Unpacked the file is larger than %(n)s MB. Leave out what nobody needs.")
            % {"n": MAX_UNZIPPED // 1_000_000}
        )


class _Xml:
    """An expat parser that hands elements to a subclass, and follows nothing outside the text."""

    def __init__(self) -> None:
        self.depth = 0
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self.text
        self.parser.StartDoctypeDeclHandler = self._doctype

    def read(self, stream: IO[bytes]) -> None:
        try:
            while chunk := stream.read(_CHUNK):
                self.parser.Parse(chunk, False)
            self.parser.Parse(b"", True)
        except (expat.ExpatError, LookupError, ValueError) as wrong:
            # The last two: an encoding that there is not, or that expat cannot follow.
            raise _damaged() from wrong

    def _doctype(self, *_declared: Any) -> None:
        raise Unreadable(
            _("The file declares things of its own (a DTD), which no spreadsheet does. Save it"
              " again in Excel.")
        )  # fmt: skip

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise _damaged()
        self.start(name.rpartition(" ")[2], attributes)

    def _end(self, name: str) -> None:
        self.depth -= 1
        self.end(name.rpartition(" ")[2])

    def start(self, name: str, attributes: dict[str, str]) -> None: ...

    def end(self, name: str) -> None: ...

    def text(self, data: str) -> None: ...


class _Parts(_Xml):
    """Small parts: their elements with their attributes, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []
        self.inside: list[str] = []

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self.inside.append(name)
        if len(self.found) > 100_000:
            raise _damaged()
        parent = self.inside[-2] if len(self.inside) > 1 else ""
        self.found.append((f"{parent}/{name}", attributes))

    def end(self, name: str) -> None:
        self.inside.pop()


class _Strings(_Xml):
    """The texts that cells name by number; phonetic hints are left out."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.parts: list[str] | None = None
        self.hint = False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "si":
            self.found.append("")
            if len(self.found) > MAX_STRINGS:
                raise _damaged()
        self.hint = self.hint or name == "rPh"
        self.parts = [] if name == "t" and not self.hint else None

    def end(self, name: str) -> None:
        if name == "t" and self.parts is not None and self.found:
            self.found[-1] = (self.found[-1] + "".join(self.parts))[:MAX_TEXT]
        if name == "rPh":
            self.hint = False
        self.parts = None

    def text(self, data: str) -> None:
        if self.parts is not None:
            self.parts.append(data)


class _Book:
    def __init__(self, archive: zipfile.ZipFile) -> None:
        self.archive = archive
        self.names = set(archive.namelist())
        self.rows_left = MAX_ROWS + MAX_SHEETS  # each sheet has its line of headings
        self.epoch = datetime(1899, 12, 30)  # noqa: DTZ001  # a cell's date has no zone
        self.strings: list[str] = []
        self.date_styles: set[int] = set()

    def tables(self) -> list[Table]:
        workbook = self._parts("xl/workbook.xml")
        if any(
            each.get("date1904") in ("1", "true")
            for name, each in workbook
            if name.endswith("/workbookPr")
        ):
            self.epoch = datetime(1904, 1, 1)  # noqa: DTZ001
        targets = {
            each.get("Id", ""): each.get("Target", "")
            for _name, each in self._parts("xl/_rels/workbook.xml.rels")
        }
        self._read_styles()
        if "xl/sharedStrings.xml" in self.names:
            strings = _Strings()
            self._stream(strings, "xl/sharedStrings.xml")
            self.strings = strings.found
        found = []
        sheets = [each for name, each in workbook if name == "sheets/sheet"]
        if not sheets or len(sheets) > MAX_SHEETS:
            raise _damaged()
        for each in sheets:
            relation = next((v for k, v in each.items() if k.rpartition(" ")[2] == "id"), "")
            target = targets.get(relation, "")
            part = target.lstrip("/") if target.startswith("/") else posixpath.join("xl", target)
            part = posixpath.normpath(part)
            if part in self.names:
                sheet = _Sheet(self, each.get("name", "")[:80] or "Sheet")
                self._stream(sheet, part)
                found.append(sheet.finish())
        return found

    def _read_styles(self) -> None:
        if "xl/styles.xml" not in self.names:
            return
        styles = self._parts("xl/styles.xml")
        own = {
            _whole(each.get("numFmtId")): each.get("formatCode", "")
            for name, each in styles
            if name == "numFmts/numFmt"
        }
        formats = [each for name, each in styles if name == "cellXfs/xf"]
        for n, each in enumerate(formats):
            number = _whole(each.get("numFmtId"))
            if number in own:
                plain = re.sub(r'"[^"]*"|\\.|\[[^\]]*\]', "", own[number].lower())
                is_date = bool(re.search(r"[dy]|h+:|m+[/.-]", plain))
            else:
                is_date = number in _DATE_FORMATS
            if is_date:
                self.date_styles.add(n)

    def _parts(self, name: str) -> list[tuple[str, dict[str, str]]]:
        if name not in self.names:
            raise _damaged()
        parts = _Parts()
        self._stream(parts, name)
        return parts.found

    def _stream(self, reader: _Xml, name: str) -> None:
        with self.archive.open(name) as stream:
            reader.read(stream)


class _Sheet(_Xml):
    """The cells of one sheet, row by row."""

    def __init__(self, book: _Book, name: str) -> None:
        super().__init__()
        self.book = book
        self.table = Table(name)
        self.merged: list[str] = []
        self.row_number = 0
        self.cells: list[Raw] = []
        self.column = 0
        self.kind = ""
        self.style = 0
        self.has_formula = False
        self.value: list[str] | None = None
        self.seen: list[str] = []

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "row":
            self.row_number = _whole(attributes.get("r")) or self.row_number + 1
            self.cells = []
        elif name == "c":
            self._start_cell(attributes)
        elif name in ("v", "t"):
            self.value = []
        elif name == "f":
            self.has_formula = True
        elif name == "mergeCell" and len(self.merged) < MAX_PROBLEMS:
            self.merged.append(attributes.get("ref", ""))

    def _start_cell(self, attributes: dict[str, str]) -> None:
        place = _REFERENCE.fullmatch(attributes.get("r", ""))
        column = _column(place[1]) if place else len(self.cells)
        if column >= 16_384:
            raise _damaged()
        self.column = column
        self.kind = attributes.get("t", "n")
        self.style = _whole(attributes.get("s"))
        self.has_formula = False
        self.seen = []

    def text(self, data: str) -> None:
        if self.value is not None:
            self.value.append(data)

    def end(self, name: str) -> None:
        if name in ("v", "t") and self.value is not None:
            self.seen.append("".join(self.value))
            self.value = None
        elif name == "c":
            self._end_cell()
        elif name == "row" and any(cell is not None for cell in self.cells):
            self.book.rows_left -= 1
            if self.book.rows_left < 0:
                raise too_many_rows()
            self.table.rows.append((self.row_number, self.cells))

    def _end_cell(self) -> None:
        text = "".join(self.seen)
        if not text.strip():
            if self.has_formula:
                self._say(
                    "",
                    _("is a formula without a stored value"),
                    _("Open the file in Excel and save it, or paste the values."),
                )
            return
        if self.column >= MAX_COLUMNS:
            raise too_many_columns(self.table.name)
        value = self._value(text)
        if value is None:
            return
        self.cells.extend([None] * (self.column + 1 - len(self.cells)))
        self.cells[self.column] = value

    def _value(self, text: str) -> Raw:
        if self.kind == "s":
            number = _whole(text)
            if number >= len(self.book.strings):
                raise _damaged()
            return self.book.strings[number].strip() or None
        if self.kind in ("inlineStr", "str"):
            return text.strip()[:MAX_TEXT] or None
        if self.kind == "b":
            return _("yes") if text.strip() == "1" else _("no")
        if self.kind == "e":
            self._say(
                text[:20],
                _("is an error of a formula"),
                _("Mend the formula, or type the value."),
            )
            return None
        if self.kind == "d":
            return text.strip()[:40]
        return self._number(text.strip())

    def _number(self, text: str) -> Raw:
        number = Decimal(text) if len(text) <= 40 and _NUMBER.fullmatch(text) else None
        if number is None or abs(number.adjusted()) > 300:
            self._say(text[:40], _("is no number"), _("Type the number again."))
            return None
        if self.style in self.book.date_styles and 0 < number < 2_958_466:
            # The day that Excel invented, 29 February 1900, lies before every date in use.
            exact = self.book.epoch + timedelta(days=int(number))
            seconds = round((number % 1) * 86_400)
            return exact + timedelta(seconds=seconds)
        return number

    def _say(self, value: str, wrong: str, todo: str) -> None:
        if len(self.table.problems) < MAX_PROBLEMS:
            self.table.problems.append(
                Problem(
                    self.table.name, self.row_number, letter(self.column), value, wrong, todo
                )
            )  # fmt: skip

    def finish(self) -> Table:
        for reference in self.merged:
            first, _colon, _last = reference.partition(":")
            place = _REFERENCE.fullmatch(first)
            if place is None:
                continue
            self.table.problems.append(
                Problem(
                    self.table.name,
                    int(place[2]),
                    place[1],
                    reference,
                    _("is a merged cell, so the other rows have no value"),
                    _("Take the merge out and fill every row."),
                )
            )
        self.table.rows = without_empty(iter(self.table.rows))
        return self.table


def _whole(text: str | None) -> int:
    """A number of a file's own counting; what is none counts as 0."""
    text = (text or "").strip()
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0


def _column(letters: str) -> int:
    number = 0
    for each in letters:
        number = number * 26 + ord(each) - 64
    return number - 1


# -- writing -------------------------------------------------------------------------------------

Cell = str | int | Decimal | datetime | date | None
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"


def write_workbook(sheets: Iterable[tuple[str, Sequence[Sequence[Cell]]]]) -> bytes:
    """A workbook of named sheets; the first row of each is bold and stays in view.

    A text is always written as text, so that no cell is taken for a formula.
    """
    sheets = list(sheets)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in _frame([name for name, _rows in sheets]):
            archive.writestr(name, text)
        for n, (_name, rows) in enumerate(sheets, 1):
            archive.writestr(f"xl/worksheets/sheet{n}.xml", "".join(_sheet_xml(rows)))
    return buffer.getvalue()


def _frame(names: Sequence[str]) -> Iterator[tuple[str, str]]:
    numbers = range(1, len(names) + 1)
    overrides = "".join(
        f'<Override PartName="/xl/worksheets/sheet{n}.xml" ContentType="{_TYPE}.worksheet+xml"/>'
        for n in numbers
    )
    yield (
        "[Content_Types].xml",
        f'{_HEAD}<Types xmlns="{_PACKAGE}/content-types"><Default Extension="rels"'
        ' ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPE}.sheet.main+xml"/>'
        f'<Override PartName="/xl/styles.xml" ContentType="{_TYPE}.styles+xml"/>'
        f"{overrides}</Types>",
    )
    yield (
        "_rels/.rels",
        f'{_HEAD}<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="rId1"'
        f' Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    )
    sheets = "".join(
        f'<sheet name="{escape(name, {chr(34): "&quot;"})}" sheetId="{n}" r:id="rId{n}"/>'
        for n, name in zip(numbers, names, strict=True)
    )
    yield (
        "xl/workbook.xml",
        f'{_HEAD}<workbook xmlns="{_SHEET}" xmlns:r="{_OFFICE}"><sheets>{sheets}</sheets>'
        "</workbook>",
    )
    relations = "".join(
        f'<Relationship Id="rId{n}" Type="{_OFFICE}/worksheet" Target="worksheets/sheet{n}.xml"/>'
        for n in numbers
    )
    yield (
        "xl/_rels/workbook.xml.rels",
        f'{_HEAD}<Relationships xmlns="{_PACKAGE}/relationships">{relations}<Relationship'
        f' Id="rId{len(names) + 1}" Type="{_OFFICE}/styles" Target="styles.xml"/></Relationships>',
    )
    yield (
        "xl/styles.xml",
        f'{_HEAD}<styleSheet xmlns="{_SHEET}"><numFmts count="1"><numFmt numFmtId="164"'
        ' formatCode="yyyy\\-mm\\-dd\\ hh:mm"/></numFmts><fonts count="2"><font/><font><b/></font>'
        '</fonts><fills count="1"><fill/></fills><borders count="1"><border/></borders>'
        '<cellStyleXfs count="1"><xf/></cellStyleXfs><cellXfs count="3"><xf/>'
        '<xf fontId="1" applyFont="1"/><xf numFmtId="164" applyNumberFormat="1"/></cellXfs>'
        "</styleSheet>",
    )


def _sheet_xml(rows: Sequence[Sequence[Cell]]) -> Iterator[str]:
    yield (
        f'{_HEAD}<worksheet xmlns="{_SHEET}"><sheetViews><sheetView workbookViewId="0"><pane'
        ' ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView>'
        "</sheetViews><sheetData>"
    )
    for n, row in enumerate(rows, 1):
        cells = "".join(
            _cell_xml(f"{letter(column)}{n}", value, head=n == 1)
            for column, value in enumerate(row)
            if value not in (None, "")
        )
        yield f'<row r="{n}">{cells}</row>'
    yield "</sheetData></worksheet>"


def _cell_xml(place: str, value: Cell, *, head: bool) -> str:
    if isinstance(value, int | Decimal):
        return f'<c r="{place}"><v>{value}</v></c>'
    if isinstance(value, date):
        instant = value if isinstance(value, datetime) else datetime(*value.timetuple()[:3])  # noqa: DTZ001
        days = instant.replace(tzinfo=UTC) - datetime(1899, 12, 30, tzinfo=UTC)
        serial = Decimal(days.days) + Decimal(days.seconds) / 86_400
        return f'<c r="{place}" s="2"><v>{serial.quantize(Decimal("0.000001"))}</v></c>'
    style = ' s="1"' if head else ""
    # What XML can't carry is left out.
    text = "".join(c for c in str(value) if c in "\t\n" or c >= " ")
    return (
        f'<c r="{place}" t="inlineStr"{style}><is><t xml:space="preserve">{escape(text)}</t>'
        "</is></c>"
    )
