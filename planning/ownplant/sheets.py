"""What a reader hands on, whatever the file was: tables of raw cells, and problems by cell."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple

from django.utils.translation import gettext as _

MAX_BYTES = 10_000_000
MAX_ROWS = 50_000
MAX_COLUMNS = 200
MAX_TEXT = 2_000

# What a cell held: text, a number as it stands in the file, an instant without a zone, nothing.
Raw = str | Decimal | datetime | date | None


class Unreadable(Exception):
    """The file as a whole can't be read; the text says why and what to do."""


class Problem(NamedTuple):
    """What is wrong with one cell (or, without a column, one row or sheet), and what to do."""

    sheet: str
    row: int
    column: str
    value: str
    wrong: str
    todo: str


@dataclass(slots=True)
class Table:
    """One sheet or file: its headings and its rows with their numbers in the file."""

    name: str
    headings: list[str] = field(default_factory=list)
    rows: list[tuple[int, list[Raw]]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def too_large() -> Unreadable:
    return Unreadable(
        _("The file is larger than %(n)s MB. Leave out what is closed, and send it again.")
        % {"n": MAX_BYTES // 1_000_000}
    )


def too_many_rows() -> Unreadable:
    return Unreadable(
        _("The file has more than %(n)s rows. Leave out what is closed, and send it again.")
        % {"n": f"{MAX_ROWS:,}"}
    )


def too_many_columns(name: str) -> Unreadable:
    return Unreadable(
        _("%(name)s has more than %(n)s columns. Leave out those that nobody needs.")
        % {"name": name, "n": MAX_COLUMNS}
    )


def check_size(data: bytes) -> None:
    if len(data) > MAX_BYTES:
        raise too_large()
    if not data.strip():
        raise Unreadable(_("The file is empty. Choose the file with your rows."))


def shown(value: Raw) -> str:
    """A raw value as a person would read it in the cell, cut where it is long."""
    if value is None:
        return ""
    if isinstance(value, Decimal):
        # A number with a wild exponent is not written out.
        return format(value, "f") if abs(value.adjusted()) < 30 else str(value)
    if isinstance(value, datetime):
        midnight = value.hour == value.minute == value.second == 0
        return value.strftime("%Y-%m-%d" if midnight else "%Y-%m-%d %H:%M")
    if isinstance(value, date):
        return value.isoformat()
    return value[:80]


def letter(column: int) -> str:
    """0 -> A, 26 -> AA."""
    name = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        name = chr(65 + rest) + name
    return name


def without_empty(rows: Iterator[tuple[int, list[Raw]]]) -> list[tuple[int, list[Raw]]]:
    """The rows that hold anything, each without the empty cells behind its last value."""
    found = []
    for number, cells in rows:
        while cells and cells[-1] in (None, ""):
            cells.pop()
        if cells:
            found.append((number, cells))
    return found
