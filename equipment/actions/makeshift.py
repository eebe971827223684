"""A unit that is down is repaired for now: back sooner and slower, repaired fully later."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from equipment.actions.units import change_estimate, open_stop
from equipment.actions.windows import add_window, remove_window
from equipment.actions.work_units import work_unit
from equipment.models import CalendarException, Downtime
from mes.commands import Command
from mes.errors import Refused


def plan_makeshift(
    command: Command,
    *,
    unit_id: int,
    back_at: datetime,
    percent: int,
    starts_at: datetime,
    ends_at: datetime,
    said_by: str = "",
) -> dict[str, Any]:
    """Plan that a unit that is down is back sooner, at `percent` of its rate, and stands later.

    starts_at, ends_at  of the full repair.

    When it is reported as running again it is slow until the full repair has ended.

    :raises Refused: if it is not down, is repaired for now already, or the times can't be.
    """
    unit = work_unit(command, unit_id)
    stop = open_stop(command, unit)
    if stop is None:
        raise Refused(_("%(unit)s is not down.") % {"unit": unit.code}, status=409)
    if stop.makeshift_percent is not None:
        raise Refused(
            _("%(unit)s is to be repaired for now already.") % {"unit": unit.code}, status=409
        )
    if not 1 <= percent <= 99 or starts_at < back_at:
        raise Refused(
            _("Say how much it does until then, from 1 to 99 %, and repair it fully after that.")
        )
    made = {"was": stop.back_at, "said_by": stop.back_said_by}
    change_estimate(command, unit_id=unit.pk, back_at=back_at, said_by=said_by)
    Downtime.objects.filter(pk=stop.pk).update(makeshift_percent=percent, makeshift_until=ends_at)
    window = add_window(
        command,
        unit_id=unit.pk,
        kind=CalendarException.Kind.CLOSED,
        starts_at=starts_at,
        ends_at=ends_at,
        reason=_("full repair"),
    )
    command.record(
        "equipment.makeshift.planned",
        subject=("unit", unit.pk),
        body={
            "downtime_id": stop.pk,
            "percent": percent,
            "back_at": back_at,
            "starts_at": starts_at,
            "ends_at": ends_at,
        },
    )
    return {"unit_id": unit.pk, "window_id": window["window_id"], **made}


def drop_makeshift(
    command: Command,
    *,
    unit_id: int,
    window_id: int,
    back_at: datetime | None,
    said_by: str,
) -> dict[str, Any]:
    """Take back that a unit is repaired for now: it is back when that was expected before.

    :raises Refused: if it is not down any more, or the estimate is past by now.
    """
    unit = work_unit(command, unit_id)
    stop = open_stop(command, unit)
    if stop is None or stop.makeshift_percent is None:
        raise Refused(_("%(unit)s is not to be repaired for now.") % {"unit": unit.code})
    Downtime.objects.filter(pk=stop.pk).update(makeshift_percent=None, makeshift_until=None)
    if back_at is not None and back_at <= command.now:
        back_at = None
    change_estimate(command, unit_id=unit.pk, back_at=back_at, said_by=said_by)
    remove_window(command, window_id=window_id)
    command.record(
        "equipment.makeshift.dropped",
        subject=("unit", unit.pk),
        body={"downtime_id": stop.pk, "percent": stop.makeshift_percent, "back_at": back_at},
    )
    return {"unit_id": unit.pk}
