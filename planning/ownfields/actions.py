"""Own columns are made and removed; notes and values are written, one by one or pasted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from materials.actions import change_line, expect_purchase
from mes.commands import Command
from mes.errors import Missing, Refused, Stale
from mes.rows import find
from planning.ownfields.models import OwnField, OwnValue, RowOf
from planning.ownfields.values import (
    LONGEST,
    MODELS,
    MOST_FIELDS,
    NOTE,
    column_name,
    fields_of,
    parsed,
    rows_by_key,
)
from planning.ownplant.values import Wrong, kept_date, local
from workorders.actions import set_due

MOST_PASTED = 1_000
MOST_CHOICES = 30
# The columns of the product itself that may be pasted: what they are for, by which act.
DATES = {RowOf.WORK_ORDER: "due", RowOf.CUSTOMER_LINE: "promised", RowOf.PURCHASE_LINE: "expected"}


def add_field(
    command: Command, *, row_of: str, called: str, kind: str, choices: Sequence[str] = ()
) -> dict[str, Any]:
    """Add a column of the plant's own to a list.

    :raises Refused: if it has no name, one that is there already, no choices, or is one too many.
    """
    name = " ".join(called.split())[:40]
    choices = list(dict.fromkeys(each for line in choices if (each := " ".join(line.split())[:60])))
    if row_of not in RowOf.values or kind not in OwnField.Kind.values:
        raise Refused(_("Choose a list and what the column is for."))
    if not name:
        raise Refused(_("Give the column a name."))
    there = fields_of(command.site, row_of)
    if name.casefold() in {each.name.casefold() for each in there}:
        raise Refused(_("There is a column %(name)s already.") % {"name": name})
    if len(there) >= MOST_FIELDS:
        raise Refused(_("A list has at most %(n)d columns of its own.") % {"n": MOST_FIELDS})
    if kind == OwnField.Kind.CHOICE and not 2 <= len(choices) <= MOST_CHOICES:
        raise Refused(_("Name two to %(n)d choices, one a line.") % {"n": MOST_CHOICES})
    made = OwnField.objects.create(
        site=command.site,
        row_of=row_of,
        name=name,
        kind=kind,
        choices=choices if kind == OwnField.Kind.CHOICE else [],
    )
    return {"field_id": made.pk}


def remove_field(command: Command, *, field_id: int) -> dict[str, Any]:
    """Take a column off its list; what stands in it is kept and shown no more.

    :raises Refused: if it was removed before.
    """
    row = find(command, OwnField, field_id, lock=True)
    if row.removed_at is not None:
        raise Refused(_("It was removed before."), status=409, code="done_already")
    row.removed_at = command.now
    row.save(update_fields=["removed_at"])
    return {"field_id": row.pk}


def write_row(
    command: Command, *, row_of: str, subject_id: int, values: Mapping[str, str]
) -> dict[str, Any]:
    """Write a row's note and own columns; what is left empty is taken away.

    values  column ("note" or the field's number) -> what was typed

    :raises Refused: if a column is for something else.
    """
    if row_of not in MODELS:
        raise Missing(_("There is no such row here."))
    row = find(command, MODELS[row_of], subject_id)
    fields: dict[str, OwnField | None] = {NOTE: None}
    fields |= {column_name(each.pk): each for each in fields_of(command.site, row_of)}
    for name, text in values.items():
        if name not in fields:
            raise Missing(_("There is no such column here any more."))
        _put(command, row_of, row.pk, fields[name], _checked(fields[name], text))
    return {"subject_id": row.pk}


def _checked(field: OwnField | None, text: str) -> str:
    try:
        return parsed(field, text)
    except Wrong as wrong:
        name = field.name if field else _("Note")
        raise Refused(f"{name}: {text[:60]} {wrong.wrong}. {wrong.todo}") from wrong


def _put(command: Command, row_of: str, subject_id: int, field: OwnField | None, text: str) -> None:
    at: dict[str, Any] = {
        "site": command.site,
        "row_of": row_of,
        "subject_id": subject_id,
        "field": field,
    }
    if not text:
        OwnValue.objects.filter(**at).delete()
        return
    person = command.actor.person_id
    said = OwnValue.objects.filter(**at).first()
    if said is None or said.text != text:
        OwnValue.objects.update_or_create(
            **at, defaults={"text": text[:LONGEST], "at": command.now, "person_id": person}
        )


def paste(
    command: Command, *, row_of: str, column: str, rows: Sequence[Sequence[str]], note: str
) -> dict[str, Any]:
    """Write one column of many rows, as the dry run showed it: all of them or none.

    rows  key, what stood there when it was shown, what becomes of it

    :raises Stale: if a row is gone or reads otherwise by now.
    :raises Refused: if an act refuses one of them, with the row's key before the sentence.
    """
    if not rows or len(rows) > MOST_PASTED or row_of not in MODELS:
        raise Refused(_("Paste one to %(n)d rows.") % {"n": MOST_PASTED})
    found = rows_by_key(command.site, row_of, (key for key, _was, _text in rows))
    columns = columns_of(command.site, row_of)
    if column not in columns:
        raise Missing(_("There is no such column here any more."))
    now = standing(command.site, row_of, column, found)
    for key, was, text in rows:
        row = found.get(key)
        if row is None or now[key] != was:
            raise Stale(
                _("%(key)s reads otherwise by now. Look again; nothing was changed.") % {"key": key}
            )
        try:
            value = _checked(columns[column], text)
            if column == DATES[RowOf(row_of)]:
                _set_date(command, row_of, row, value, note)
            else:
                _put(command, row_of, row.pk, columns[column], value)
        except Stale:
            raise
        except Refused as why:
            raise Refused(f"{key}: {why}") from why
    return {"written": len(rows)}


def columns_of(site: Any, row_of: str) -> dict[str, OwnField | None]:
    """The columns that may be pasted: the note, the plant's own, and the list's date."""
    found: dict[str, OwnField | None] = {NOTE: None}
    found |= {column_name(each.pk): each for each in fields_of(site, row_of)}
    found[DATES[RowOf(row_of)]] = OwnField(name="", kind=OwnField.Kind.DATE)
    return found


def standing(site: Any, row_of: str, column: str, rows: Mapping[str, Any]) -> dict[str, str]:
    """What stands in a column of these rows now, by key."""
    if column == DATES[RowOf(row_of)]:
        zone = ZoneInfo(site.time_zone)
        return {key: kept_date(getattr(row, f"{column}_at"), zone) for key, row in rows.items()}
    said = OwnValue.objects.filter(
        site=site,
        row_of=row_of,
        field=None if column == NOTE else int(column),
        subject_id__in=[row.pk for row in rows.values()],
    )
    texts = dict(said.values_list("subject_id", "text"))
    return {key: texts.get(row.pk, "") for key, row in rows.items()}


def _set_date(command: Command, row_of: str, row: Any, text: str, note: str) -> None:
    if not text:
        raise Refused(_("A date can't be taken away. Type another one."))
    at = local(text).replace(tzinfo=ZoneInfo(command.site.time_zone))
    if row_of == RowOf.WORK_ORDER:
        set_due(command, work_order_id=row.pk, due_at=at, note=note)
    elif row_of == RowOf.CUSTOMER_LINE:
        change_line(command, line_id=row.pk, promised_at=at, note=note)
    else:
        expect_purchase(command, purchase_line_id=row.pk, expected_at=at, source=note)
