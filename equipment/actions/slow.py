"""A unit that runs, but slower than usual: how slow, until when, and that it is over."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from equipment.actions.estimates import check_back_at, said
from equipment.actions.work_units import work_unit
from equipment.models import Equipment, Slowdown
from mes.commands import Command
from mes.dates import happened
from mes.errors import Refused


def report_slow(
    command: Command,
    *,
    unit_id: int,
    percent: int,
    note: str = "",
    occurred_at: datetime | None = None,
    back_at: datetime | None = None,
    said_by: str = "",
) -> dict[str, Any]:
    """Record that a unit does `percent` of its usual work from now on, set-ups too.

    back_at  when it runs as usual again; None: nobody knows.

    A unit that is slow already is one slowdown, however many report it: another percentage or
    another time changes that one, from its start.

    :raises Refused: if the percentage is not in 1 to 99, or the time is past.
    """
    unit = work_unit(command, unit_id)
    _check_percent(percent)
    known = _open(command, unit)
    if known is not None:
        back_at = back_at or known.back_at
        return {
            **_change(command, known, percent=percent, back_at=back_at, note=note, said_by=said_by),
            "known": True,
        }
    last = unit.slowdowns.order_by("-ended_at").values_list("ended_at", flat=True).first()
    when = happened(occurred_at, now=command.now, not_before=last)
    check_back_at(back_at, command.now)
    answer: dict[str, Any] = {
        "unit_id": unit.pk,
        "message": _("%(unit)s runs at %(percent)s %%.") % {"unit": unit.code, "percent": percent},
    }
    row = Slowdown(
        site=command.site,
        unit=unit,
        percent=percent,
        note=note,
        started_at=when.at,
        opened_seq=0,
        **said(command, back_at, said_by),
    )
    row.save()
    answer["slowdown_id"] = row.pk

    def number(seq: int) -> None:
        Slowdown.objects.filter(pk=row.pk).update(opened_seq=seq)

    command.record(
        "equipment.unit.slowed_down",
        subject=("unit", unit.pk),
        body={
            "slowdown_id": row.pk,
            "percent": percent,
            "note": note,
            "started_at": when.at,
            "back_at": back_at,
            "said_by": row.back_said_by,
            "clamped": when.clamped,
        },
        occurred_at=when.at,
        late=when.late,
        then=number,
    )
    return answer


def change_slow(
    command: Command,
    *,
    unit_id: int,
    back_at: datetime | None,
    percent: int | None = None,
    said_by: str = "",
) -> dict[str, Any]:
    """Say anew when a unit runs as usual again (None: nobody knows), or how slow it is.

    :raises Refused: if it is not slow, the percentage is not in 1 to 99 or the time is past.
    """
    unit = work_unit(command, unit_id)
    row = _open(command, unit)
    if row is None:
        raise Refused(
            _("%(unit)s runs at its usual rate, so there is nothing to change.")
            % {"unit": unit.code}
        )
    percent = row.percent if percent is None else percent
    _check_percent(percent)
    return _change(command, row, percent=percent, back_at=back_at, note="", said_by=said_by)


def end_slow(
    command: Command, *, unit_id: int, occurred_at: datetime | None = None
) -> dict[str, Any]:
    """Record that a unit runs at its usual rate again.

    A unit that is not slow is answered in words; nothing is recorded.
    """
    unit = work_unit(command, unit_id)
    row = _open(command, unit)
    if row is None:
        return {
            "unit_id": unit.pk,
            "message": _("%(unit)s runs at its usual rate. Nothing to change.")
            % {"unit": unit.code},
        }
    when = happened(occurred_at, now=command.now, not_before=row.started_at)
    Slowdown.objects.filter(pk=row.pk).update(ended_at=when.at)

    def number(seq: int) -> None:
        Slowdown.objects.filter(pk=row.pk).update(closed_seq=seq)

    command.record(
        "equipment.unit.ran_as_usual",
        subject=("unit", unit.pk),
        body={
            "slowdown_id": row.pk,
            "percent": row.percent,
            "started_at": row.started_at,
            "ended_at": when.at,
            "clamped": when.clamped,
        },
        occurred_at=when.at,
        late=when.late,
        then=number,
    )
    return {
        "unit_id": unit.pk,
        "slowdown_id": row.pk,
        "message": _("%(unit)s runs as usual again.") % {"unit": unit.code},
    }


def _change(
    command: Command,
    row: Slowdown,
    *,
    percent: int,
    back_at: datetime | None,
    note: str,
    said_by: str,
) -> dict[str, Any]:
    answer = {"unit_id": row.unit_id, "slowdown_id": row.pk}
    note = note or row.note
    if (percent, back_at, note) == (row.percent, row.back_at, row.note):
        return answer
    if back_at != row.back_at:
        check_back_at(back_at, command.now)
    estimate = said(command, back_at, said_by)
    Slowdown.objects.filter(pk=row.pk).update(percent=percent, note=note, **estimate)
    command.record(
        "equipment.slowdown.changed",
        subject=("unit", row.unit_id),
        body={
            "slowdown_id": row.pk,
            "percent": percent,
            "note": note,
            "back_at": back_at,
            "was": {"percent": row.percent, "back_at": row.back_at},
            "said_by": estimate["back_said_by"],
        },
    )
    return answer


def _open(command: Command, unit: Equipment) -> Slowdown | None:
    # The unit's own row is locked first, so that two first reports are one slowdown.
    Equipment.objects.select_for_update(no_key=True).filter(pk=unit.pk).first()
    rows = Slowdown.objects.select_for_update(no_key=True)
    return rows.filter(site=command.site, unit=unit, ended_at=None).first()


def _check_percent(percent: int) -> None:
    if not 1 <= percent <= 99:
        raise Refused(
            _("Enter how much it still does, from 1 to 99 %. At nothing at all it is down.")
        )
