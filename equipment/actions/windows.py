"""Windows in which one unit or a whole calendar differs: overtime, planned stops, holidays."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from equipment.models import CalendarException, Equipment, WorkCalendar
from mes.commands import Command
from mes.errors import Refused
from mes.rows import find


def add_window(
    command: Command,
    *,
    unit_id: int | None = None,
    calendar_id: int | None = None,
    kind: str,
    starts_at: datetime,
    ends_at: datetime,
    reason: str,
) -> dict[str, Any]:
    """Open or close one unit, or every unit of a calendar, for a time.

    :raises Refused: if the window is empty or lies in the past.
    """
    if ends_at <= starts_at:
        raise Refused(_("The window must end after it starts."))
    if ends_at <= command.now:
        raise Refused(_("That window is already over. Choose a later one."))
    if (unit_id is None) == (calendar_id is None):
        raise Refused(_("Choose one unit or one calendar for the window."))
    unit = None if unit_id is None else find(command, Equipment, unit_id)
    calendar = None if calendar_id is None else find(command, WorkCalendar, calendar_id)
    row = CalendarException.objects.create(
        site=command.site,
        unit=unit,
        calendar=calendar,
        kind=kind,
        starts_at=starts_at,
        ends_at=ends_at,
        reason=reason,
    )
    command.record("equipment.window.added", subject=_subject(row), body=_body(row))
    return {"window_id": row.pk}


def remove_window(command: Command, *, window_id: int) -> dict[str, Any]:
    """Take a window out. Its row stays, marked, so that the past can be read.

    :raises Refused: if somebody took it out before.
    """
    row = find(command, CalendarException, window_id, lock=True)
    if row.removed_seq is not None:
        raise Refused(_("This window was already taken out."), status=409, code="done_already")

    def mark(seq: int) -> None:
        CalendarException.objects.filter(pk=row.pk).update(removed_seq=seq)

    command.record("equipment.window.removed", subject=_subject(row), body=_body(row), then=mark)
    return {"window_id": row.pk}


def _subject(row: CalendarException) -> tuple[str, int]:
    if row.unit_id is not None:
        return ("unit", row.unit_id)
    assert row.calendar_id is not None  # kept by exception_is_for_a_calendar_or_a_unit
    return ("calendar", row.calendar_id)


def _body(row: CalendarException) -> dict[str, Any]:
    return {
        "window_id": row.pk,
        "unit_id": row.unit_id,
        "calendar_id": row.calendar_id,
        "kind": row.kind,
        "starts_at": row.starts_at,
        "ends_at": row.ends_at,
        "reason": row.reason,
    }
