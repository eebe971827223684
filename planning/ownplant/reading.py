"""A file, or what was pasted, as tables; whichever kind it is."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.translation import gettext as _

from planning.ownplant.csvfile import read_csv
from planning.ownplant.sheets import MAX_ROWS, Table, Unreadable, too_many_rows
from planning.ownplant.workbook import is_workbook, read_workbook


def read(files: Iterable[tuple[str, bytes]]) -> list[Table]:
    """The tables of some files: each sheet of a workbook, each CSV file; no two of one name.

    :raises Unreadable: if one of them can't be read; the text says which and why.
    """
    found: list[Table] = []
    names: set[str] = set()
    for name, data in files:
        try:
            tables = read_workbook(data) if is_workbook(data) else [read_csv(name, data)]
        except Unreadable as wrong:
            raise Unreadable(f"{name}: {wrong}") from wrong
        for table in tables:
            plain, n = table.name, 1
            while table.name in names:
                n += 1
                table.name = f"{plain} ({n})"
            table.problems = [each._replace(sheet=table.name) for each in table.problems]
            names.add(table.name)
            found.append(table)
    if sum(len(table.rows) for table in found) > MAX_ROWS + len(found):
        raise too_many_rows()
    if not any(table.rows for table in found):
        raise Unreadable(_("There is no row in it. Choose the file with your rows."))
    return found
