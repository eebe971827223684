"""Units, calendars, reasons and rates: what engineering and the office set up."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time
from decimal import Decimal
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _

from equipment.models import (
    CostRate,
    Equipment,
    Reason,
    ShiftPattern,
    UnitStatus,
    WorkCalendar,
)
from mes.commands import Command
from mes.errors import Refused
from mes.masters import save_master
from mes.models import Site
from mes.rows import find


def add_calendar(
    command: Command,
    *,
    code: str,
    name: str,
    shifts: Sequence[tuple[int, time, time, str]] = (),
) -> dict[str, Any]:
    """Add a working calendar. shifts: (weekday, starts, ends, name), 0 is Monday, wall time."""
    calendar = WorkCalendar(site=command.site, code=code, name=name)
    save_master(command, calendar)
    for weekday, starts, ends, shift_name in shifts:
        shift = ShiftPattern(
            site=command.site,
            calendar=calendar,
            weekday=weekday,
            starts=starts,
            ends=ends,
            name=shift_name,
        )
        save_master(command, shift)
    return {"calendar_id": calendar.pk}


def add_equipment(
    command: Command,
    *,
    code: str,
    name: str,
    level: str = Equipment.Level.WORK_UNIT,
    kind: str = Equipment.Kind.MACHINE,
    parent_id: int | None = None,
    calendar_id: int | None = None,
    places: int = 1,
    rate_ppm: int = 1_000_000,
    reporting_rhythm: str = Equipment.Rhythm.PALLET,
    order: int = 0,
    makeshift_s: int | None = None,
    makeshift_percent: int | None = None,
) -> dict[str, Any]:
    """Add an area, a work center or a work unit; a work unit starts out idle.

    makeshift_s, makeshift_percent  how soon it is back, and how well, repaired for now.
    """
    row = Equipment(
        site=command.site,
        code=code,
        name=name,
        level=level,
        kind=kind,
        parent=None if parent_id is None else find(command, Equipment, parent_id),
        calendar=None if calendar_id is None else find(command, WorkCalendar, calendar_id),
        places=places,
        rate_ppm=rate_ppm,
        reporting_rhythm=reporting_rhythm,
        order=order,
        makeshift_s=makeshift_s,
        makeshift_percent=makeshift_percent,
    )
    return save_equipment(command, row)


def save_equipment(command: Command, row: Equipment) -> dict[str, Any]:
    """Store a new or changed unit; a work unit gets its state row, one set-up a place.

    :raises Refused: if a work unit has no calendar: nothing could ever be planned on it.
    """
    is_unit = row.level == Equipment.Level.WORK_UNIT
    if is_unit and row.calendar_id is None:
        raise Refused(_("%(unit)s needs a working calendar. Choose one.") % {"unit": row.code})
    save_master(command, row)
    if is_unit:
        UnitStatus.objects.get_or_create(
            unit=row,
            defaults={
                "site": command.site,
                "since": command.now,
                "mounted": [""] * row.places,
            },
        )
    return {"equipment_id": row.pk}


def add_reason(
    command: Command,
    *,
    code: str,
    name: str,
    applies_to: str = "STOP",
    e10: str = Reason.E10.UNSCHEDULED_DOWN,
    parent_id: int | None = None,
    calls_maintenance: bool = False,
) -> dict[str, Any]:
    """Add a reason of a stop, of scrap or of a hold.

    :raises Refused: if it would stand three levels deep.
    """
    parent = None if parent_id is None else find(command, Reason, parent_id)
    if parent is not None and parent.parent_id is not None:
        raise Refused(
            _("Reasons have two levels; %(parent)s is already below another.")
            % {"parent": parent.name}
        )
    row = Reason(
        site=command.site,
        code=code,
        name=name,
        applies_to=applies_to,
        e10=e10,
        parent=parent,
        calls_maintenance=calls_maintenance,
    )
    save_master(command, row)
    return {"reason_id": row.pk}


def add_rate(
    command: Command,
    *,
    what: str,
    amount: Decimal,
    source: str,
    owner: str,
    unit_id: int | None = None,
    valid_from: datetime | None = None,
    valid_to: datetime | None = None,
) -> dict[str, Any]:
    """Add what something costs, from when and by whose word."""
    row = CostRate(
        site=command.site,
        what=what,
        unit=None if unit_id is None else find(command, Equipment, unit_id),
        amount=amount,
        source=source,
        owner=owner,
        valid_from=valid_from or command.now,
        valid_to=valid_to,
    )
    save_rate(command, row)
    return {"rate_id": row.pk}


def save_rate(command: Command, row: CostRate) -> None:
    """Store a new or changed rate.

    :raises Refused: if another rate of the same thing holds in some of its time.
    """
    # Two people at once: the second one waits here and then sees the first one's rate.
    Site.objects.select_for_update(no_key=True).get(pk=command.site.pk)
    others = (
        CostRate.objects.filter(site=row.site, what=row.what, unit=row.unit)
        .exclude(pk=row.pk)
        .filter(Q(valid_to=None) | Q(valid_to__gt=row.valid_from))
    )
    if row.valid_to is not None:
        others = others.filter(valid_from__lt=row.valid_to)
    other = others.first()
    if other is not None:
        raise Refused(
            _("%(owner)s's rate holds from %(day)s already. End that one first.")
            % {"owner": other.owner, "day": other.valid_from.date()}
        )
    save_master(command, row)
