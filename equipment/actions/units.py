"""What happens to a unit: it breaks, somebody says when it is back, it runs again."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import F, Q
from django.dispatch import Signal
from django.utils import timezone
from django.utils.translation import gettext as _

from equipment import rules
from equipment.actions.estimates import check_back_at
from equipment.actions.slow import report_slow
from equipment.actions.work_units import work_unit
from equipment.models import (
    CalendarException,
    Downtime,
    Equipment,
    EquipmentState,
    Reason,
    ShiftPattern,
    Slowdown,
    UnitStatus,
)
from mes.commands import Command
from mes.dates import happened
from mes.errors import Refused
from mes.models import Role, Site, Task
from mes.rows import find

# What stands above hears of it here: (command, unit, at), inside the same transaction.
# The jobs that ran on the unit are suspended by who knows jobs.
unit_went_down = Signal()


def report_breakdown(
    command: Command,
    *,
    unit_id: int,
    reason_id: int | None = None,
    note: str = "",
    occurred_at: datetime | None = None,
    back_at: datetime | None = None,
    said_by: str = "",
) -> dict[str, Any]:
    """Record that a unit went down; what ran on it is suspended.

    A unit that is already down is one stop, however many people report it: the answer says so,
    and a new return time changes the estimate of that stop.
    """
    unit = work_unit(command, unit_id)
    reason = None if reason_id is None else find(command, Reason, reason_id)
    before = _status(command, unit, lock=True)
    when = happened(occurred_at, now=command.now, not_before=before.since)
    check_back_at(back_at, when.at)
    if before.state == UnitStatus.State.ABORTED:
        return _known_already(command, unit, note=note, back_at=back_at, said_by=said_by)

    answer: dict[str, Any] = {
        "unit_id": unit.pk,
        "message": _("%(unit)s is down since %(time)s.")
        % {"unit": unit.code, "time": _wall(command, when.at)},
    }
    UnitStatus.objects.filter(pk=before.pk).update(
        state=UnitStatus.State.ABORTED, since=when.at, version=F("version") + 1
    )

    def store(seq: int) -> None:
        stop = Downtime.objects.create(
            site=command.site,
            unit=unit,
            reason=reason,
            note=note,
            started_at=when.at,
            back_at=back_at,
            back_said_by=said_by if back_at else "",
            back_said_at=command.now if back_at else None,
            opened_seq=seq,
        )
        answer["downtime_id"] = stop.pk
        _state_row(command, unit, UnitStatus.State.ABORTED, reason, when.at, seq)

    command.record(
        "equipment.unit.went_down",
        subject=("unit", unit.pk),
        body={
            "state": UnitStatus.State.ABORTED.value,
            "reason_id": reason_id,
            "note": note,
            "started_at": when.at,
            "back_at": back_at,
            "said_by": said_by,
            "clamped": when.clamped,
        },
        occurred_at=when.at,
        late=when.late,
        then=store,
    )
    if reason is not None and reason.calls_maintenance:
        Task.objects.create(
            site=command.site,
            role=Role.MAINTENANCE,
            text=_("%(unit)s is down: %(reason)s.") % {"unit": unit.code, "reason": reason.name},
            subject_type="unit",
            subject_id=unit.pk,
            due_at=back_at,
            created_at=command.now,
        )
    unit_went_down.send(sender=Equipment, command=command, unit=unit, at=when.at)
    return answer


def change_estimate(
    command: Command, *, unit_id: int, back_at: datetime | None, said_by: str = ""
) -> dict[str, Any]:
    """Record when somebody thinks the unit is back; None is 'nobody knows'.

    :raises Refused: if the unit is not down, or the time is already past.
    """
    unit = work_unit(command, unit_id)
    stop = open_stop(command, unit)
    if stop is None:
        raise Refused(
            _("%(unit)s is not down, so there is no return time to change.") % {"unit": unit.code}
        )
    check_back_at(back_at, command.now)
    _store_estimate(command, stop, note=stop.note, back_at=back_at, said_by=said_by)
    return {"unit_id": unit.pk, "downtime_id": stop.pk}


def report_repair(
    command: Command, *, unit_id: int, occurred_at: datetime | None = None
) -> dict[str, Any]:
    """Record that a unit can work again: its stop ends and it is idle.

    One that was repaired for now is slow from then on, until its full repair has ended.

    A unit that is not down is answered in words; nothing is recorded.
    """
    unit = work_unit(command, unit_id)
    status = _status(command, unit, lock=True)
    stop = open_stop(command, unit)
    if stop is None:
        return {
            "unit_id": unit.pk,
            "message": _("%(unit)s is not reported down. Nothing to change.") % {"unit": unit.code},
        }
    when = happened(occurred_at, now=command.now, not_before=stop.started_at)
    Downtime.objects.filter(pk=stop.pk, ended_at=None).update(ended_at=when.at)
    UnitStatus.objects.filter(pk=status.pk).update(
        state=UnitStatus.State.IDLE, since=when.at, version=F("version") + 1
    )
    Task.objects.filter(
        site=command.site,
        subject_type="unit",
        subject_id=unit.pk,
        role=Role.MAINTENANCE,
        done_at=None,
    ).update(done_at=command.now, done_by=command.actor.person_id)

    def store(seq: int) -> None:
        Downtime.objects.filter(pk=stop.pk).update(closed_seq=seq)
        _state_row(command, unit, UnitStatus.State.IDLE, None, when.at, seq)

    command.record(
        "equipment.unit.came_up",
        subject=("unit", unit.pk),
        body={
            "state": UnitStatus.State.IDLE.value,
            "downtime_id": stop.pk,
            "started_at": stop.started_at,
            "ended_at": when.at,
            "clamped": when.clamped,
        },
        occurred_at=when.at,
        late=when.late,
        then=store,
    )
    if stop.makeshift_percent is not None:
        until = stop.makeshift_until
        report_slow(
            command,
            unit_id=unit.pk,
            percent=stop.makeshift_percent,
            note=_("repaired for now"),
            occurred_at=when.at,
            back_at=until if until is not None and until > command.now else None,
            said_by=stop.back_said_by,
        )
    return {
        "unit_id": unit.pk,
        "downtime_id": stop.pk,
        "message": _("%(unit)s is up again.") % {"unit": unit.code},
    }


def set_unit_state(
    command: Command,
    *,
    unit: Equipment,
    state: str,
    at: datetime,
    reason: Reason | None = None,
    mounted: list[str] | None = None,
) -> bool:
    """Move a unit's state because of what its jobs do; belongs to the event collected last.

    Returns False, with nothing changed, where the state may not go there (a unit that is down
    stays down) or does not change. The caller holds the unit's lock.
    """
    before = _status(command, unit, lock=False)
    changes: dict[str, Any] = {}
    if mounted is not None and mounted != before.mounted:
        changes["mounted"] = mounted
    moves = before.state != state and rules.unit_may_go(before.state, state)
    if moves:
        # A unit's states lie in order, also where a late report tells of an earlier one.
        at = max(at, before.since)
        changes |= {"state": state, "since": at}
    if not changes:
        return False
    UnitStatus.objects.filter(pk=before.pk).update(version=F("version") + 1, **changes)
    if moves:
        command.also(lambda seq: _state_row(command, unit, state, reason, at, seq))
    return moves


def working_seconds(command: Command, unit: Equipment, start: datetime, end: datetime) -> int:
    """Return the seconds of [start, end) in which the unit's calendar works.

    A second in which it ran slow counts by its percentage: so much of its usual work was done.
    """
    if end <= start:
        return 0
    spans = working_spans(command.site, unit, start, end)
    slow = Slowdown.objects.filter(Q(ended_at=None) | Q(ended_at__gt=start), unit=unit)
    rates = [
        rules.Slow(percent, max(start, began), min(end, ended or end))
        for percent, began, ended in slow.filter(started_at__lt=end).values_list(
            "percent", "started_at", "ended_at"
        )
    ]
    return rules.usual_seconds(spans, rates, start, end)


def working_spans(site: Site, unit: Equipment, start: datetime, end: datetime) -> list[rules.Span]:
    """Return the spans in which the unit's calendar works, a minute beyond [start, end)."""
    shifts = [
        rules.Shift(weekday, starts, ends)
        for weekday, starts, ends in ShiftPattern.objects.filter(
            calendar_id=unit.calendar_id
        ).values_list("weekday", "starts", "ends")
    ]
    exceptions = CalendarException.objects.filter(
        Q(calendar_id=unit.calendar_id) | Q(unit=unit),
        site=site,
        removed_seq=None,
        ends_at__gt=start,
        starts_at__lt=end,
    ).order_by(F("unit_id").asc(nulls_first=True), "pk")
    windows = [
        rules.Window(row.kind, row.starts_at, row.ends_at)
        for row in exceptions
        if row.calendar_id is None or row.calendar_id == unit.calendar_id
    ]
    # Whole minutes around the range, so that the clip to it is exact.
    return rules.expand_calendar(
        shifts, windows, site.time_zone, start - rules.MINUTE, end + rules.MINUTE
    )


def _known_already(
    command: Command, unit: Equipment, *, note: str, back_at: datetime | None, said_by: str
) -> dict[str, Any]:
    stop = open_stop(command, unit)
    assert stop is not None  # ABORTED and an open stop are set in one transaction
    new_note = note or stop.note
    new_back = back_at if back_at is not None else stop.back_at
    if new_note != stop.note or new_back != stop.back_at:
        _store_estimate(command, stop, note=new_note, back_at=new_back, said_by=said_by)
    return {
        "unit_id": unit.pk,
        "downtime_id": stop.pk,
        "known": True,
        "message": _("%(unit)s is already known to be down since %(time)s.")
        % {"unit": unit.code, "time": _wall(command, stop.started_at)},
    }


def _store_estimate(
    command: Command, stop: Downtime, *, note: str, back_at: datetime | None, said_by: str
) -> None:
    who = said_by or command.actor.name
    Downtime.objects.filter(pk=stop.pk).update(
        note=note, back_at=back_at, back_said_by=who, back_said_at=command.now
    )
    command.record(
        "equipment.estimate.changed",
        subject=("unit", stop.unit_id),
        body={
            "downtime_id": stop.pk,
            "note": note,
            "back_at": back_at,
            "was": stop.back_at,
            "said_by": who,
        },
    )


def _status(command: Command, unit: Equipment, *, lock: bool) -> UnitStatus:
    rows = UnitStatus.objects.filter(site=command.site, unit=unit)
    return (rows.select_for_update(no_key=True) if lock else rows).get()


def open_stop(command: Command, unit: Equipment) -> Downtime | None:
    """The stop of a unit that is down, locked; None while it is up."""
    return (
        Downtime.objects.select_for_update(no_key=True)
        .filter(site=command.site, unit=unit, ended_at=None)
        .first()
    )


def _state_row(
    command: Command, unit: Equipment, state: str, reason: Reason | None, at: datetime, seq: int
) -> None:
    EquipmentState.objects.create(
        site=command.site, unit=unit, event_seq=seq, state=state, reason=reason, at=at
    )


def _wall(command: Command, at: datetime) -> str:
    """Clock time at the plant, as it stands on the wall there."""
    return timezone.localtime(at, ZoneInfo(command.site.time_zone)).strftime("%H:%M")
