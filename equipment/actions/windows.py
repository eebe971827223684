"""Windows in which one unit or a whole calendar differs: overtime, planned stops, holidays."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from equipment.models import CalendarException, Equipment, WorkCalendar
from mes.commands import Command
from mes.dates import check_day
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


def close_place(
    command: Command,
    *,
    equipment_id: int,
    ends_at: datetime,
    starts_at: datetime | None = None,
    reason: str = "",
) -> dict[str, Any]:
    """Close a unit, or every unit of a centre, an area or the plant, for a time: one event.

    starts_at  from then on; None: from now on.

    A shift that is cancelled, a power cut, nobody there to run it.

    :raises Refused: if the time is over or empty, further away than ten years, or no unit is there.
    """
    kind = CalendarException.Kind.CLOSED
    return _set_place(command, "closed", kind, equipment_id, starts_at, ends_at, reason)


def reopen_place(
    command: Command, *, equipment_id: int, window_ids: Sequence[int]
) -> dict[str, Any]:
    """Take the windows of a closure out again: the place works as it did.

    :raises Refused: if somebody took one out before.
    """
    return _unset_place(command, "reopened", equipment_id, window_ids)


def open_place(
    command: Command,
    *,
    equipment_id: int,
    starts_at: datetime,
    ends_at: datetime,
    reason: str = "",
) -> dict[str, Any]:
    """Let a unit, or every unit of a centre, an area or the plant, work besides its calendar for a
    time: an added shift, as one event. What is closed then stays closed.

    :raises Refused: if the time is over or empty, further away than ten years, or no unit is there.
    """
    kind = CalendarException.Kind.OPEN
    return _set_place(command, "opened", kind, equipment_id, starts_at, ends_at, reason)


def end_opening(
    command: Command, *, equipment_id: int, window_ids: Sequence[int]
) -> dict[str, Any]:
    """Take an added shift back.

    :raises Refused: if somebody took it out before.
    """
    return _unset_place(command, "opening_ended", equipment_id, window_ids)


def _set_place(
    command: Command,
    verb: str,
    kind: str,
    equipment_id: int,
    starts_at: datetime | None,
    ends_at: datetime,
    reason: str,
) -> dict[str, Any]:
    place = find(command, Equipment, equipment_id)
    starts_at = starts_at or command.now
    check_day(command.now, starts_at, ends_at)
    units = _units_of(command, place)
    if not units:
        raise Refused(_("There is no machine in %(place)s.") % {"place": place.code})
    is_open = kind == CalendarException.Kind.OPEN
    windows = [
        {
            "unit_id": unit_id,
            "window_id": add_window(
                command,
                unit_id=unit_id,
                kind=kind,
                starts_at=starts_at,
                ends_at=ends_at,
                reason=reason or str(_("shift added") if is_open else _("closed")),
            )["window_id"],
        }
        for unit_id in units
    ]
    command.record(
        f"equipment.place.{verb}",
        subject=("place", place.pk),
        body={
            "code": place.code,
            "name": place.name,
            "starts_at": starts_at,
            "ends_at": ends_at,
            "reason": reason,
            "windows": windows,
        },
    )
    return {"equipment_id": place.pk, "window_ids": [each["window_id"] for each in windows]}


def _unset_place(
    command: Command, verb: str, equipment_id: int, window_ids: Sequence[int]
) -> dict[str, Any]:
    place = find(command, Equipment, equipment_id)
    for window_id in window_ids:
        remove_window(command, window_id=window_id)
    command.record(
        f"equipment.place.{verb}",
        subject=("place", place.pk),
        body={"code": place.code, "window_ids": list(window_ids)},
    )
    return {"equipment_id": place.pk}


def _units_of(command: Command, place: Equipment) -> list[int]:
    """The work units at and below a place."""
    children: dict[int | None, list[tuple[int, str]]] = {}
    rows = Equipment.objects.filter(site=command.site).order_by("pk")
    for pk, parent, level in rows.values_list("pk", "parent_id", "level"):
        children.setdefault(parent, []).append((pk, level))
    found, waiting = [], [(place.pk, str(place.level))]
    while waiting:
        pk, level = waiting.pop()
        if level == Equipment.Level.WORK_UNIT:
            found.append(pk)
        waiting += children.get(pk, [])
    return sorted(found)


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
