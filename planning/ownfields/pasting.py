"""A column pasted from a spreadsheet: what it would change, row by row. Nothing is written."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _

from mes.models import Site
from planning.ownfields.actions import MOST_PASTED, columns_of, standing
from planning.ownfields.models import OwnField
from planning.ownfields.values import parsed, rows_by_key
from planning.ownplant.csvfile import read_csv
from planning.ownplant.sheets import Unreadable, shown
from planning.ownplant.values import Wrong


@dataclass(frozen=True, slots=True)
class Pasted:
    """One pasted row: its key, what stands there, what becomes of it; or what is wrong."""

    key: str
    was: str = ""
    becomes: str = ""
    wrong: str = ""

    @property
    def changes(self) -> bool:
        return not self.wrong and self.was != self.becomes


def dry_run(site: Site, row_of: str, column: str, text: str) -> list[Pasted]:
    """Read keys and values as they were pasted and say what each would change.

    :raises Unreadable: if it is no table, or more than may be pasted at once.
    """
    cells = [
        (shown(row[0]).strip(), shown(row[1]).strip() if len(row) > 1 else "")
        for _number, row in read_csv(_("pasted"), text.encode()).rows
        if row
    ]
    if len(cells) > MOST_PASTED:
        raise Unreadable(_("At most %(n)d rows at once.") % {"n": MOST_PASTED})
    rows = rows_by_key(site, row_of, (key for key, _value in cells))
    if len(cells) > 1 and cells[0][0] not in rows and cells[1][0] in rows:
        cells = cells[1:]  # the headings
    now = standing(site, row_of, column, rows)
    field = columns_of(site, row_of)[column]
    found: list[Pasted] = []
    seen: set[str] = set()
    for key, value in cells:
        if key not in rows:
            found.append(Pasted(key, becomes=value, wrong=_("There is no such row here.")))
        elif key in seen:
            found.append(Pasted(key, now[key], value, _("It is there twice.")))
        else:
            found.append(_one(key, now[key], value, field))
        seen.add(key)
    return found


def _one(key: str, was: str, value: str, field: OwnField | None) -> Pasted:
    try:
        return Pasted(key, was, parsed(field, value))
    except Wrong as wrong:
        return Pasted(key, was, value, f"{wrong.wrong}. {wrong.todo}")
