"""Who is absent, and which units stand because nobody else can attend them then.

People are tracked to this depth only: who can attend which units, how many at once and in which
shifts. Who works where at a moment is the shift's own business.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db.models import F
from django.utils.translation import gettext as _

from equipment import rules as equipment_rules
from equipment.actions import add_window, remove_window
from equipment.models import CalendarException, Equipment, ShiftPattern
from mes.commands import Command
from mes.errors import Refused
from mes.masters import save_master
from mes.models import Person
from mes.rows import find
from mes.rules import is_plausible
from workorders import rules
from workorders.models import Absence, JobOrder, PersonSkill, Skill, UnitSkill

LONGEST_DAYS = 366


def report_absence(
    command: Command,
    *,
    person_id: int,
    ends_at: datetime,
    starts_at: datetime | None = None,
    note: str = "",
    unit_id: int | None = None,
) -> dict[str, Any]:
    """Record that a person is absent: from now on, or from a time, until another.

    unit_id  the unit that stands first for it; None: the one with the least work before it.

    Units stand for the time in which those who are left with the skill are fewer than the units
    that need it; while others can attend everything, nothing changes. Said anew, it takes the
    place of what was said of the same person before.

    :raises Refused: if the time is over, empty or longer than a year, the person attends nothing
        here, or the unit is none that the person attends.
    """
    person = _person(command, person_id)
    starts_at = starts_at or command.now
    if not is_plausible(starts_at, now=command.now) or (ends_at - starts_at).days > LONGEST_DAYS:
        raise Refused(_("That is longer than a year. Check the days."))
    if ends_at <= max(starts_at, command.now):
        raise Refused(_("The absence must end after it starts, and lie ahead."))
    units = _units_of(command, person)
    if unit_id is not None and unit_id not in units:
        raise Refused(_("%(person)s does not attend that machine.") % {"person": person.name})
    gone = _end(command, person)
    first = [unit_id] if unit_id is not None else []
    row = Absence.objects.create(
        site=command.site,
        person=person,
        starts_at=starts_at,
        ends_at=ends_at,
        note=note,
        unit_ids=[*first, *(unit for unit in units if unit not in first)],
    )
    windows = _stand(command, row)
    command.record(
        "workorders.person.absent",
        subject=("person", person.pk),
        body={
            "name": person.name,
            "starts_at": starts_at,
            "ends_at": ends_at,
            "note": note,
            "windows": windows,
            "gone": gone,
        },
    )
    _settle_others(command, row)
    codes = sorted({each["unit"] for each in windows})
    message = _("%(person)s is absent; others attend everything.") % {"person": person.name}
    if codes:
        message = _("%(person)s is absent; it stands: %(units)s.") % {
            "person": person.name,
            "units": ", ".join(codes),
        }
    return {"person_id": person.pk, "units": codes, "message": message}


def end_absence(command: Command, *, person_id: int) -> dict[str, Any]:
    """Record that a person is back, or was never absent: what stood for it works again.

    A person who is not absent is answered in words; nothing is recorded.
    """
    person = _person(command, person_id)
    row = _open(command).filter(person=person).first()
    if row is None:
        return {
            "person_id": person.pk,
            "message": _("%(person)s is not reported absent. Nothing to change.")
            % {"person": person.name},
        }
    gone = _end(command, person)
    command.record(
        "workorders.person.back",
        subject=("person", person.pk),
        body={"name": person.name, "gone": gone},
    )
    _settle_others(command, row)
    message = _("%(person)s is there again.") % {"person": person.name}
    return {"person_id": person.pk, "message": message}


def cover(command: Command, *, window_id: int, person_id: int) -> dict[str, Any]:
    """Let somebody else attend a unit for a time in which it stands for want of a person.

    :raises Refused: if it does not stand any more, or the person can't attend it.
    """
    row = _open(command).select_for_update(no_key=True).filter(window_ids__contains=[window_id])
    absence = row.first()
    windows = _windows(command, [window_id])
    if absence is None or not windows:
        raise Refused(_("The machine does not stand for want of a person any more."), status=409)
    [(unit_id, starts_at, ends_at)] = windows
    skilled = PersonSkill.objects.filter(
        site=command.site,
        person=person_id,
        skill__in=UnitSkill.objects.filter(unit=unit_id).values("skill"),
    )
    if not skilled.exists() or _is_away(command, person_id, starts_at, ends_at):
        raise Refused(_("This person can't attend the machine then."))
    remove_window(command, window_id=window_id)
    _keep_windows(command, absence, [each for each in absence.window_ids if each != window_id])
    _tell_change(command, absence, [], [window_id])
    return {
        "absence_id": absence.pk,
        "unit_id": unit_id,
        "starts_at": starts_at,
        "ends_at": ends_at,
    }


def uncover(
    command: Command, *, absence_id: int, unit_id: int, starts_at: datetime, ends_at: datetime
) -> dict[str, Any]:
    """Take back that somebody attends a unit: it stands again, as long as the absence lasts."""
    absence = _open(command).select_for_update(no_key=True).filter(pk=absence_id).first()
    if absence is None or ends_at <= command.now:
        return {}
    unit = find(command, Equipment, unit_id)
    window = _close(command, absence, unit, starts_at, ends_at)
    _keep_windows(command, absence, [*absence.window_ids, window["window_id"]])
    _tell_change(command, absence, [window], [])
    return {"window_id": window["window_id"]}


def _is_away(command: Command, person_id: int, starts_at: datetime, ends_at: datetime) -> bool:
    rows = _open(command).filter(person=person_id, starts_at__lt=ends_at, ends_at__gt=starts_at)
    return bool(rows.exists())


def _keep_windows(command: Command, absence: Absence, window_ids: Sequence[int]) -> None:
    Absence.objects.filter(pk=absence.pk).update(window_ids=list(window_ids))


def _tell_change(
    command: Command, row: Absence, windows: Sequence[dict[str, Any]], gone: Sequence[int]
) -> None:
    command.record(
        "workorders.absence.changed",
        subject=("person", row.person_id),
        body={"name": row.person.name, "windows": windows, "gone": gone},
    )


def _close(
    command: Command, row: Absence, unit: Equipment, start: datetime, end: datetime
) -> dict[str, Any]:
    """Let a unit stand for an absence; the window as events tell it."""
    window = add_window(
        command,
        unit_id=unit.pk,
        kind="CLOSED",
        starts_at=start,
        ends_at=end,
        reason=str(_("%(person)s absent") % {"person": row.person.name}),
    )
    return {
        "unit_id": unit.pk,
        "unit": unit.code,
        "window_id": window["window_id"],
        "starts_at": start,
        "ends_at": end,
    }


def add_skill(
    command: Command,
    *,
    code: str,
    name: str,
    unit_ids: Sequence[int] = (),
    people: Sequence[tuple[int, int, Sequence[str]]] = (),
) -> dict[str, Any]:
    """Add a skill, the units that need somebody with it, and who has it.

    people  (person id, units at once, names of shifts; none: all).
    """
    skill = Skill(site=command.site, code=code, name=name)
    save_master(command, skill)
    for unit_id in unit_ids:
        unit = find(command, Equipment, unit_id)
        save_master(command, UnitSkill(site=command.site, unit=unit, skill=skill))
    for person_id, units, shifts in people:
        row = PersonSkill(
            site=command.site,
            person=Person.objects.get(pk=person_id),
            skill=skill,
            units=units,
            shifts=list(shifts),
        )
        save_master(command, row)
    return {"skill_id": skill.pk}


def _person(command: Command, person_id: int) -> Person:
    skilled = PersonSkill.objects.filter(site=command.site, person_id=person_id)
    person = Person.objects.select_for_update(no_key=True).filter(pk=person_id).first()
    if person is None or not skilled.exists():
        raise Refused(_("Of this person no skill is known here. Enter what he or she attends."))
    return person


def _open(command: Command) -> Any:
    """Absences that are not over, the oldest first."""
    over = Absence.objects.filter(site=command.site, ended_at=None, ends_at__lte=command.now)
    over.update(ended_at=F("ends_at"))
    return Absence.objects.filter(site=command.site, ended_at=None).order_by("pk")


def _end(command: Command, person: Person) -> list[int]:
    """End a person's open absence; the windows that it had."""
    row = _open(command).filter(person=person).first()
    if row is None:
        return []
    for window_id in row.window_ids:
        remove_window(command, window_id=window_id)
    Absence.objects.filter(pk=row.pk).update(ended_at=command.now)
    return list(row.window_ids)


def _units_of(command: Command, person: Person) -> list[int]:
    """The units that a person can attend, those with the least work before them first."""
    skills = PersonSkill.objects.filter(site=command.site, person=person).values("skill_id")
    rows = UnitSkill.objects.filter(site=command.site, skill__in=skills)
    codes = dict(rows.values_list("unit_id", "unit__code"))
    work = dict.fromkeys(codes, 0)
    for unit_id, left, run_s, setup_s in JobOrder.objects.filter(
        site=command.site, unit__in=codes, completed_at=None
    ).values_list("unit_id", F("quantity") - F("good") - F("scrap"), "run_s", "setup_s"):
        work[unit_id] += setup_s + int(left * run_s)
    return sorted(codes, key=lambda unit: (work[unit], codes[unit]))


def _stand(command: Command, row: Absence) -> list[dict[str, Any]]:
    """Close the units that stand for an absence, as the older ones leave it; what was closed."""
    older = [each for each in _open(command) if each.pk < row.pk]
    windows: list[dict[str, Any]] = []
    for skill_id in PersonSkill.objects.filter(site=command.site, person=row.person).values_list(
        "skill_id", flat=True
    ):
        for unit_id, spans in _standing(command, row, skill_id, older).items():
            unit = Equipment.objects.get(pk=unit_id)
            for start, end in spans:
                if end <= command.now:
                    continue
                windows.append(_close(command, row, unit, start, end))
    _keep_windows(command, row, [each["window_id"] for each in windows])
    return windows


def _standing(
    command: Command, row: Absence, skill_id: int, older: Sequence[Absence]
) -> dict[int, list[tuple[datetime, datetime]]]:
    units = list(
        Equipment.objects.filter(site=command.site, skill__skill_id=skill_id).order_by("pk")
    )
    shifts = []
    for unit in units:
        for each in ShiftPattern.objects.filter(calendar_id=unit.calendar_id):
            spans = equipment_rules.expand_calendar(
                [equipment_rules.Shift(each.weekday, each.starts, each.ends)],
                [],
                command.site.time_zone,
                row.starts_at,
                row.ends_at,
            )
            shifts += [rules.Attended(unit.pk, each.name, start, end) for start, end in spans]
    people = [
        rules.Attendant(person, units_at_once, frozenset(names))
        for person, units_at_once, names in PersonSkill.objects.filter(
            site=command.site, skill_id=skill_id
        ).values_list("person_id", "units", "shifts")
    ]
    from_older = [window_id for each in older for window_id in each.window_ids]
    standing = [
        (unit_id, start, end)
        for unit_id, start, end in _windows(command, from_older)
        if unit_id in {unit.pk for unit in units}
    ]
    return rules.stands(
        shifts,
        people,
        [rules.Away(each.person_id, each.starts_at, each.ends_at) for each in older],
        rules.Away(row.person_id, row.starts_at, row.ends_at),
        row.unit_ids,
        standing,
    )


def _windows(command: Command, window_ids: Sequence[int]) -> list[tuple[int, datetime, datetime]]:
    rows = CalendarException.objects.filter(
        site=command.site, pk__in=window_ids, removed_seq=None, unit__isnull=False
    )
    return list(rows.order_by("pk").values_list("unit_id", "starts_at", "ends_at"))


def _settle_others(command: Command, changed: Absence) -> None:
    """See anew what stands for absences of the same time: some of it may not have to any more."""
    for row in _open(command).exclude(pk=changed.pk):
        if row.starts_at >= changed.ends_at or row.ends_at <= changed.starts_at:
            continue
        was = _windows(command, row.window_ids)
        gone = list(row.window_ids)
        for window_id in gone:
            remove_window(command, window_id=window_id)
        windows = _stand(command, row)
        now = [(each["unit_id"], each["starts_at"], each["ends_at"]) for each in windows]
        if now == was:
            continue
        _tell_change(command, row, windows, gone)
