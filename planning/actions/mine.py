"""The planner's own answer to a disruption: moves put together one by one, weighed as any other.

It stands with the disruption and is weighed anew with every plan, until somebody accepts it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any

import numpy as np
from django.db import transaction
from django.utils.translation import gettext as _

from mes import live
from mes.clock import wall_now
from mes.commands import Command
from mes.dates import check_day
from mes.errors import Refused, Stale
from mes.rows import find
from planning import snapshot, words
from planning.actions.choices import weigh_own
from planning.actions.lock import hold_lock
from planning.actions.study import Study
from planning.engine.changes import Change, MoveJob, from_json
from planning.engine.impact import Stake
from planning.models import Disruption, Option

MOST_MOVES = 20
PLACES = ("next", "last", "start")


def add_move(
    command: Command,
    *,
    option_id: int,
    job_order_id: int,
    to_unit_id: int,
    place: str,
    starts_at: datetime | None = None,
) -> dict[str, Any]:
    """Put a job elsewhere in the planner's own answer; nothing moves before it is accepted.

    place      "next" or "last" of those waiting there, or "start": so that it begins about then.
    starts_at  for "start".

    :raises Refused: if it is no move that a plan allows; the answer stays as it was.
    """
    option, disruption = _own(command, option_id)
    study = Study(snapshot.take(command.site.pk, wall_now=wall_now()))
    if job_order_id not in study.snap.jobs or to_unit_id not in study.snap.units:
        raise Refused(_("Choose which job goes to which machine."))
    if place not in PLACES or (place == "start" and starts_at is None):
        raise Refused(_("Choose where in the queue, or when it is to start."))
    check_day(command.now, starts_at)
    moves = _moves(study, option)
    if len(moves) >= MOST_MOVES:
        raise Refused(_("That is enough for one answer. Accept it, or take a move out."))
    at = None if starts_at is None else study.snap.seconds(starts_at)
    gone = study.own(moves).refusal if moves else None
    if gone is not None:
        said = words.refused(study.refusal_figures(gone))
        raise Stale(_("Take out first what is no longer possible: %(why)s.") % {"why": said})
    before = study.supposing(moves)
    position = _position(before, job_order_id, to_unit_id, place, at)
    moves.append(MoveJob(job_order_id, to_unit_id, position))
    if refused := _weigh(command, study, option, disruption, moves):
        raise Refused(refused, code="moves")
    return {"option_id": option.pk, "disruption_id": disruption.pk}


def drop_move(command: Command, *, option_id: int, number: int) -> dict[str, Any]:
    """Take one move out of it, the first is 0; those behind it stay.

    :raises Stale: if there is no such move by now.
    """
    option, disruption = _own(command, option_id)
    study = Study(snapshot.take(command.site.pk, wall_now=wall_now()))
    moves = _moves(study, option)
    if not 0 <= number < len(moves):
        raise Stale(_("That move is out already."))
    del moves[number]
    _weigh(command, study, option, disruption, moves)
    return {"option_id": option.pk, "disruption_id": disruption.pk}


def _own(command: Command, option_id: int) -> tuple[Option, Disruption]:
    hold_lock(command.site.pk)
    option = find(command, Option, option_id, lock=True)
    disruption = find(command, Disruption, option.disruption_id)
    if option.kind != Option.Kind.MINE:
        raise Refused(_("Only your own plan is put together by hand."))
    if disruption.state in (Disruption.State.ACCEPTED, Disruption.State.CLOSED):
        raise Stale(_("Decided already. Undo that first."))
    return option, disruption


def _moves(study: Study, option: Option) -> list[Change]:
    return list(from_json(option.changes, epoch=study.unix_epoch))


def _position(study: Study, job_id: int, unit_id: int, place: str, at: int | None) -> int:
    """The place among those that wait at the unit, once what was moved before stands there."""
    waiting = [job for job in study.waiting()[unit_id] if job != job_id]
    if place == "next":
        return 0
    if place == "last" or at is None:
        return len(waiting)
    starts = study.projection.op_start[np.isin(study.plant.op_id, waiting)]
    return int((starts < at).sum())


def _weigh(
    command: Command,
    study: Study,
    option: Option,
    disruption: Disruption,
    moves: Sequence[Change],
) -> str:
    """Store the moves with their figures; returns why they are not possible, or nothing."""
    stake: Stake | None = study.stake_of(disruption)
    if stake is None:
        raise Stale(_("This is over already; there is nothing left to decide."))
    option.changes = study.changes_json(moves)
    refusal = weigh_own(study, option, stake, study.snap.plan_version)
    option.figures = {
        **option.figures,
        "by": command.actor.name,
        "at": command.now.isoformat(),
    }
    option.save()
    publish = partial(
        live.publish,
        command.site.pk,
        [f"impact:{disruption.pk}"],
        version=study.snap.plan_version,
    )
    transaction.on_commit(publish, robust=True)
    return words.refused(study.refusal_figures(refusal)) if refusal else ""
