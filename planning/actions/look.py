"""What would be: other assumptions, a plan before it is taken, an event before it is saved.

Nothing here leaves a trace; a page asks while a person thinks.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import numpy as np
from django.db import OperationalError, connection, transaction
from django.utils.translation import gettext as _
from psycopg2 import errors as pg

from mes import clock
from mes.actor import SYSTEM, Actor
from mes.commands import Command
from mes.errors import Busy, Refused
from mes.models import Site, SiteHead
from planning import rules, snapshot, words
from planning.actions import choices, disruptions
from planning.actions.happenings import HAPPENINGS, Values
from planning.actions.study import Study
from planning.actions.suppose import belief, own_belief
from planning.engine.changes import Change, from_json
from planning.engine.plant import NEVER, Plant, Projection
from planning.models import Decision, Disruption, Option
from planning.snapshot import Event, Snapshot
from workorders.models import JobOrder

LANES_DAYS = 7


def evaluate(
    disruption: Disruption, name: str, at: datetime, *, actor: Actor, wall_now: datetime
) -> dict[str, Any]:
    """The impact and options of a disruption if something ends or comes at another time.

    name  of the assumption, as the figures name it ("UNIT_BACK:4"); nothing is stored.

    returns   {"at_stake", "figures": ImpactFigures, "options": [...]} as the stored ones.

    :raises Refused: as saying it would be, or where nobody can say it.
    """
    site = disruption.site
    found = belief(site, name)
    if found is None:
        raise Refused(_("Of this nobody says when it is."))
    said, number = found
    _answer, snap = _would_be(
        site, lambda command: said.say(command, number, at), actor=actor, wall_now=wall_now
    )
    study = Study(snap)
    cause = study.cause_of(disruption)
    if cause is None:
        raise Refused(_("The backlog has no single cause to try another value of."))
    stake = study.at_stake(cause)
    facts = {**disruption.cause}
    if name == own_belief(disruption):
        facts |= {"until": study.at(study.snap.seconds(at)), "guess": False}
    figures = study.impact_figures(facts, cause, stake)  # type: ignore[arg-type]
    made = study.options(cause, stake)
    known = {option.slug: option.pk for option in disruption.options.all()}
    return {
        "at_stake": rules.decimal(stake.amount),
        "figures": figures,
        "options": [
            {
                "pk": known.get(candidate.slug),
                "rank": rank,
                **choices.columns(study, candidate, stake),
            }
            for rank, candidate in enumerate(made.candidates)
        ],
    }


def preview(
    option: Option,
    *,
    wall_now: datetime,
    changes: Sequence[Mapping[str, Any]] | None = None,
) -> dict[str, Any]:
    """What an option moves: bars before and after at each unit it touches, and customers.

    changes  for "mine": the planner's own.

    :raises Refused: if it is not possible, with the reason in `data["refusal"]`.
    """
    disruption = option.disruption
    study = Study(snapshot.take(option.site_id, wall_now=wall_now))
    chosen = option.changes if changes is None else changes
    found = study.evaluate(study.fitted(_changes(study, chosen)))
    if found.refusal is not None or found.figures is None:
        why = study.refusal_figures(found.refusal) if found.refusal else {}
        raise Refused(_("This is not possible."), refusal=why)
    figures = study.option_figures(
        found.figures, found.plant, found.projection, study.stake_of(disruption)
    )
    touched = _touched(study, found.plant, figures)
    end = study.now + LANES_DAYS * rules.DAY
    return {
        "figures": figures,
        "units": [
            {
                "unit_id": unit_id,
                "unit": study.snap.units[unit_id],
                "bars_before": _bars(study, study.plant, study.projection, unit_id, end),
                "bars_after": _bars(study, found.plant, found.projection, unit_id, end),
                "stop": _stop(study, unit_id, end),
                "windows": [
                    {"start": study.at(start), "end": study.at(until)}
                    for start, until in _windows(found.plant, unit_id)
                    if until > study.now
                ],
            }
            for unit_id in touched
        ],
        "lines": _customers(study, found.projection, figures),
        "moved": figures["moved"],
        "from": study.at(study.now),
        "until": study.at(end),
        "version": study.snap.plan_version,
    }


def preview_event(
    site: Site, kind: str, values: Mapping[str, Any], *, wall_now: datetime
) -> rules.ImpactFigures:
    """What an event would do: it happens, is computed, and is taken back before anybody sees it.

    kind    one of HAPPENINGS; values its act's own. Those that are missing are not given.

    The same acts and the same computation as after saving, so the figures are the same. What
    opens nothing (a receipt, pieces that were found) is compared with the plan without it. What
    it locks is free again once it is read: a plan is worked out while nobody waits for it.

    :raises Refused: as the act itself would, or if there is no such kind.
    :raises Busy: if somebody else is changing the same thing.
    """
    happening = HAPPENINGS.get(kind)
    if happening is None:
        raise Refused(_("There is no preview for this kind of event."))
    given = {name: value for name, value in values.items() if value not in (None, "")}
    answer, snap = _would_be(
        site, lambda command: happening.act(command, **given), actor=SYSTEM, wall_now=wall_now
    )
    study = Study(snap)
    row = disruptions.foreseen(study, happening.key(values, answer))
    if row is not None and row.cause is not None:
        return study.impact_figures(row.disruption.cause, row.cause, study.at_stake(row.cause))
    return study.figures_since(Study(snapshot.take(site.pk, wall_now=wall_now)))


def _would_be(
    site: Site, act: Callable[[Command], Values], *, actor: Actor, wall_now: datetime
) -> tuple[Values, Snapshot]:
    """The answer of an act and the site after it; it is taken back before anybody sees it.

    :raises Refused: as the act itself would.
    :raises Busy: if somebody else is changing the same thing.
    """
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("select set_config('mes.command', '1', true)")
            command = Command(site=site, key=uuid.uuid4(), actor=actor, now=clock.plant_now(site))
            answer = act(command)
            snap = _as_told(command, site, wall_now)
            transaction.set_rollback(True)
    except OperationalError as problem:
        if isinstance(problem.__cause__, pg.LockNotAvailable):
            raise Busy(_("Somebody else is changing this. Try again in a moment.")) from problem
        raise
    return answer, snap


def _as_told(command: Command, site: Site, wall_now: datetime) -> Snapshot:
    """The site with what a command collected, as if it had been stored."""
    seq = SiteHead.objects.values_list("seq", flat=True).get(site=site)
    events = []
    for happened in command.collected:
        seq += 1
        events.append(
            Event(
                seq=seq,
                key=str(command.key),
                kind=happened.kind,
                subject_type=happened.subject_type,
                subject_id=happened.subject_id,
                body=happened.body,
                received_at=wall_now,
            )
        )
        for write in happened.rows:
            write(seq)
    snap = snapshot.take(site.pk, wall_now=wall_now)
    told = [event for event in events if event.kind in snapshot.TOLD]
    return replace(snap, events=[*snap.events, *events], told=[*snap.told, *told])


def undo_ended(decision: Decision) -> str:
    """Why a decision can no longer be taken back, in words; empty while it can.

    The cheap part of what `undo` checks: a job that it moved has begun since.
    """
    jobs = {int(row["op_id"]) for row in decision.changes if row.get("kind") == "move_job"}
    begun = (
        JobOrder.objects.filter(site=decision.site, pk__in=jobs, started_at__gt=decision.at)
        .select_related("unit", "work_order")
        .order_by("started_at")
        .first()
    )
    if begun is None or begun.started_at is None:
        return ""
    return _("%(job)s began on %(unit)s at %(time)s") % {
        "job": words.operation(begun.work_order.code, begun.number),
        "unit": begun.unit.code,
        "time": words.clock(begun.started_at, decision.site.time_zone),
    }


def _changes(study: Study, rows: Iterable[Mapping[str, Any]]) -> tuple[Change, ...]:
    try:
        return from_json(rows, epoch=study.unix_epoch)
    except ValueError as problem:
        raise Refused(str(problem), code="changes") from problem


def _touched(study: Study, plant: Plant, figures: rules.OptionFigures) -> list[int]:
    """Units whose jobs, order or working time the option changes, the giver first."""
    moved = np.isin(study.plant.op_id, figures["moved"])
    placed = np.isin(plant.op_id, figures["moved"]) | ~np.isin(plant.op_id, study.plant.op_id)
    units = [
        *study.plant.unit_id[study.plant.op_unit[moved]].tolist(),
        *plant.unit_id[plant.op_unit[placed]].tolist(),
        *(unit for unit in study.plant.unit_id.tolist()
          if _windows(plant, unit) != _windows(study.plant, unit)),
    ]  # fmt: skip
    return list(dict.fromkeys(units))


def _windows(plant: Plant, unit_id: int) -> list[tuple[int, int]]:
    unit = int(np.flatnonzero(plant.unit_id == unit_id)[0])
    at = slice(plant.unit_exception_ptr[unit], plant.unit_exception_ptr[unit + 1])
    return [
        (start, end)
        for start, end, opens in zip(
            plant.exception_start[at].tolist(),
            plant.exception_end[at].tolist(),
            plant.exception_open[at].tolist(),
            strict=True,
        )
        if opens
    ]


def _bars(
    study: Study, plant: Plant, projection: Projection, unit_id: int, end: int
) -> list[dict[str, Any]]:
    unit = int(np.flatnonzero(plant.unit_id == unit_id)[0])
    here = (plant.op_unit == unit) & (projection.op_end != NEVER)
    here &= (projection.op_end > study.now) & (projection.op_start < end)
    rows = np.flatnonzero(here)
    home = study.plant.op_id[study.plant.op_unit == unit]
    stands_here = np.isin(plant.op_id, home)
    bars = []
    for row in rows[np.argsort(projection.op_start[rows], kind="stable")].tolist():
        bars.append(
            {
                **_name_of(study, plant, row),
                "start": study.at(int(projection.op_start[row])),
                "end": study.at(int(projection.op_end[row])),
                "setup_s": int(projection.op_setup_s[row]),
                "moved": not stands_here[row],
            }
        )
    return bars


def _name_of(study: Study, plant: Plant, row: int) -> dict[str, Any]:
    """The name of an operation; one that isn't stored yet has that of what it is a part of, or of
    what it makes."""
    known, part_of = study.snap.jobs, int(plant.op_part_of[row])
    job = known.get(int(plant.op_id[row]))
    if job is None and part_of >= 0:
        job = known.get(int(plant.op_id[part_of]))
    if job is None:
        item = int(plant.item_id[plant.order_item[plant.op_order[row]]])
        return {
            "job_id": int(plant.op_id[row]),
            "order": _("New order"),
            "number": int(plant.op_number[row]),
            "name": study.item_code(item),
        }
    return {
        "job_id": job.id,
        "order": study.snap.orders[job.work_order_id],
        "number": job.number,
        "name": job.name,
    }


def _stop(study: Study, unit_id: int, end: int) -> dict[str, Any] | None:
    stop = study.snap.stops.get(unit_id)
    if stop is None:
        return None
    until, guess, _again = rules.bound(stop.back, stop.guess)
    return {"start": study.at(stop.started), "end": study.at(min(until, end)), "guess": guess}


def _customers(
    study: Study, after: Projection, figures: rules.OptionFigures
) -> list[dict[str, Any]]:
    """Each line that the cause or the option hits: as it is now, and under the option."""
    plant, rows = study.plant, []
    for hit in figures["lines"]:
        row = int(np.flatnonzero(plant.line_id == hit["line_id"])[0])
        was = study.projection
        by_ship = int(plant.line_basis[row]) == 0
        at_now = int(was.line_ship[row] if by_ship else was.line_arrive[row])
        at_then = int(after.line_ship[row] if by_ship else after.line_arrive[row])
        rows.append(
            {
                **hit,
                "before": study.at(at_now),
                "after": study.at(at_then),
                "late_before_s": int(was.line_late_s[row]),
                "late_s": int(after.line_late_s[row]),
            }
        )
    return rows
