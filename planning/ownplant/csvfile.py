"""Reads a CSV file, or rows pasted from a spreadsheet, whatever wrote them."""

from __future__ import annotations

import codecs
import csv
import io

from django.utils.translation import gettext as _

from planning.ownplant.sheets import (
    MAX_COLUMNS,
    MAX_ROWS,
    MAX_TEXT,
    Raw,
    Table,
    Unreadable,
    check_size,
    too_many_columns,
    too_many_rows,
    without_empty,
)

SEPARATORS = "\t;,|"
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def read_csv(name: str, data: bytes) -> Table:
    """The rows of a CSV file as text.

    :raises Unreadable: if it is no text, or has more than a file may have.
    """
    check_size(data)
    text = _decoded(data)
    if "\0" in text:
        raise Unreadable(_("The file holds NUL bytes, so it is no text. Save it as CSV again."))
    table = Table(name)
    csv.field_size_limit(1_000_000)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_separator(text))
    rows: list[tuple[int, list[Raw]]] = []
    try:
        for cells in reader:
            if len(rows) > MAX_ROWS:
                raise too_many_rows()
            if len(cells) > MAX_COLUMNS and any(cells[MAX_COLUMNS:]):
                raise too_many_columns(name)
            rows.append((reader.line_num, [cell.strip()[:MAX_TEXT] or None for cell in cells]))
    except csv.Error as wrong:
        raise Unreadable(
            _("Line %(n)s can't be read: a quotation mark is not closed, or a cell is too long.")
            % {"n": reader.line_num}
        ) from wrong
    table.rows = without_empty(iter(rows))
    return table


def _decoded(data: bytes) -> str:
    for bom, encoding in _BOMS:
        if data.startswith(bom):
            try:
                return data.decode(encoding)
            except UnicodeDecodeError as wrong:
                raise Unreadable(
                    _("The file breaks off in the middle of a character. Save it again.")
                ) from wrong
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        # What Excel writes as "CSV" in Western Europe; five codes stand for no character.
        return data.decode("cp1252", errors="replace")


def _separator(text: str) -> str:
    """The character that divides the first lines most evenly: the same number on each line."""
    lines = [line for line in text[:20_000].splitlines() if line.strip()][:20]
    best, found = (0, 0), ","
    for candidate in SEPARATORS:
        counts = [_outside_quotes(line, candidate) for line in lines]
        usual = max(counts, key=counts.count, default=0)
        score = (counts.count(usual) if usual else 0, usual)
        if score > best:
            best, found = score, candidate
    return found


def _outside_quotes(line: str, character: str) -> int:
    return sum(part.count(character) for part in line.split('"')[::2])
