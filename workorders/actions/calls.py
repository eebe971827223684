"""Calls for help from a station: raised, taken, arrived, ended, taken back, passed on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from equipment.models import Equipment
from mes import live
from mes.commands import Command
from mes.errors import Refused
from mes.rows import find
from workorders import rules
from workorders.models import AndonCall, CallKind, CallRoute, JobOrder

State = AndonCall.State
WAITING = (State.OPEN, State.TAKEN)
STANDING = (*WAITING, State.ARRIVED)


@dataclass(frozen=True, slots=True)
class Stake:
    """What hangs on a unit by the plan of `version`: the least slack of what waits for it."""

    slack_s: int | None = None
    version: int = 0


UNKNOWN = Stake()


def raise_call(
    command: Command,
    *,
    unit_id: int,
    kind: str,
    stopped: bool,
    note: str = "",
    job_order_id: int | None = None,
    stake: Stake = UNKNOWN,
) -> dict[str, Any]:
    """Call somebody to a station, and say when the call goes to the next one.

    :raises Refused: if that kind is called already (409), or nobody answers such calls.
    """
    unit = find(command, Equipment, unit_id, lock=True)
    if unit.level != Equipment.Level.WORK_UNIT:
        raise Refused(_("%(unit)s is no station. Call from one of its machines.") % {"unit": unit})
    if kind not in CallKind.values:
        raise Refused(_("Say whom you call: one of the five tiles."))
    job = find(command, JobOrder, job_order_id) if job_order_id is not None else None
    if job is not None and job.unit_id != unit.pk:
        job = None  # it was moved meanwhile; the call is the station's all the same
    standing = AndonCall.objects.filter(unit=unit, kind=kind, state__in=STANDING).first()
    if standing is not None:
        raise Refused(
            _("%(kind)s is called to %(unit)s already.")
            % {"kind": CallKind(kind).label, "unit": unit.code},
            status=409,
            code="called_already",
            call_id=standing.pk,
        )
    role, _base_s = route_of(command.site.pk, kind)
    call = AndonCall(
        site=command.site,
        unit=unit,
        kind=kind,
        stopped=stopped,
        note=note.strip()[:200],
        job_order=job,
        called_at=command.now,
        called_by_id=command.actor.person_id,
        device_id=command.actor.device_id,
        roles=[role],
        level_at=command.now,
        slack_s=stake.slack_s,
        plan_version=stake.version,
    )
    call.due_at = due_of(call)
    call.save()
    _record(
        command,
        "raised",
        call,
        stopped=stopped,
        note=call.note,
        job_order_id=call.job_order_id,
        roles=call.roles,
        due_at=call.due_at,
        slack_s=stake.slack_s,
    )
    return {"call_id": call.pk, "roles": call.roles, "due_at": call.due_at}


def take_call(command: Command, *, call_id: int, minutes: int) -> dict[str, Any]:
    """Somebody who is called says that he comes, in how many minutes.

    He may say it again with other minutes; another one may take over when he is overdue.

    :raises Refused: if it is over, somebody else is on his way, or it is not for this role.
    """
    call = _standing(command, call_id)
    if not 0 <= minutes <= rules.LONGEST_ETA_MIN:
        raise Refused(
            _("Say in how many minutes you are there, at most %(most)s.")
            % {"most": rules.LONGEST_ETA_MIN}
        )
    if call.state == State.ARRIVED:
        raise _taken(call)
    mine = call.taken_by_id is not None and call.taken_by_id == command.actor.person_id
    overdue = call.expected_at is not None and call.expected_at < command.now
    if call.state == State.TAKEN and not (mine or overdue):
        raise _taken(call)
    call.state = State.TAKEN
    call.taken_at = call.taken_at or command.now  # the first answer counts
    call.taken_by_id = command.actor.person_id
    call.expected_at = command.now + timedelta(minutes=minutes)
    call.due_at = due_of(call)
    call.save(update_fields=["state", "taken_at", "taken_by", "expected_at", "due_at"])
    _record(
        command,
        "taken",
        call,
        minutes=minutes,
        expected_at=call.expected_at,
        waited_s=_seconds(call, command.now),
        due_at=call.due_at,
    )
    return {"call_id": call.pk, "expected_at": call.expected_at}


def arrive(command: Command, *, call_id: int) -> dict[str, Any]:
    """Somebody who is called is there; that he came unannounced is an answer too.

    :raises Refused: if it is over, somebody is there, or it is not for this role.
    """
    call = _standing(command, call_id)
    if call.state == State.ARRIVED:
        raise _taken(call)
    call.taken_at = call.taken_at or command.now
    call.taken_by_id = command.actor.person_id
    call.state, call.arrived_at, call.due_at = State.ARRIVED, command.now, None
    call.save(update_fields=["state", "taken_at", "taken_by", "arrived_at", "due_at"])
    waited_s = _seconds(call, command.now)
    _record(command, "arrived", call, waited_s=waited_s)
    return {"call_id": call.pk, "waited_s": waited_s}


def end_call(command: Command, *, call_id: int, outcome: str = "") -> dict[str, Any]:
    """It has been seen to, there or from afar; what was done may be said.

    :raises Refused: if it is over or not for this role.
    """
    call = _standing(command, call_id)
    call.state, call.due_at = State.ENDED, None
    call.ended_at, call.ended_by_id = command.now, command.actor.person_id
    call.outcome = outcome.strip()[:200]
    call.save(update_fields=["state", "due_at", "ended_at", "ended_by", "outcome"])
    lasted_s = _seconds(call, command.now)
    _record(command, "ended", call, outcome=call.outcome, lasted_s=lasted_s)
    return {"call_id": call.pk, "lasted_s": lasted_s}


def cancel_call(command: Command, *, call_id: int) -> dict[str, Any]:
    """The station takes its call back: help is not needed after all.

    :raises Refused: if it is over, or somebody is there already: he ends it.
    """
    call = _find(command, call_id)
    if call.state == State.ARRIVED:
        raise Refused(
            _("%(who)s is there already and ends the call.") % {"who": _who(call)},
            status=409,
            code="arrived",
        )
    call.state, call.due_at = State.CANCELLED, None
    call.ended_at, call.ended_by_id = command.now, command.actor.person_id
    call.save(update_fields=["state", "due_at", "ended_at", "ended_by"])
    lasted_s = _seconds(call, command.now)
    _record(command, "cancelled", call, lasted_s=lasted_s)
    return {"call_id": call.pk}


def escalate_call(command: Command, *, call_id: int, level: int, stake: Stake) -> dict[str, Any]:
    """Pass a call on that waited too long: to the supervisor, then to the planner.

    level  the one at which it was seen to be overdue; passed on meanwhile, it stays where it is.

    :raises Refused: if it was answered or passed on meanwhile.
    """
    call = _find(command, call_id)
    role = rules.next_role(call.roles)
    if call.state not in WAITING or call.level != level or role is None:
        raise Refused(_("The call was answered or passed on meanwhile."), status=409, code="stale")
    call.roles = [*call.roles, role]
    call.level, call.level_at = level + 1, command.now
    call.slack_s, call.plan_version = stake.slack_s, stake.version
    call.due_at = due_of(call)
    call.save(update_fields=["roles", "level", "level_at", "slack_s", "plan_version", "due_at"])
    _record(
        command,
        "escalated",
        call,
        role=role,
        level=call.level,
        due_at=call.due_at,
        slack_s=call.slack_s,
    )
    return {"call_id": call.pk, "role": role, "due_at": call.due_at}


def reckon_again(call: AndonCall, stake: Stake) -> None:
    """Bring a waiting call's time in line with a newer plan; no event: nobody did anything.

    An answer that comes meanwhile has set its own time, and keeps it.
    """
    before = call.due_at
    call.slack_s, call.plan_version = stake.slack_s, stake.version
    call.due_at = due_of(call)
    AndonCall.objects.filter(pk=call.pk, level=call.level, state=call.state, due_at=before).update(
        slack_s=stake.slack_s, plan_version=stake.version, due_at=call.due_at
    )


def route_of(site_id: int, kind: str) -> tuple[str, int]:
    """The role that answers a kind of call on a site first, and its seconds to do so."""
    row = CallRoute.objects.filter(site=site_id, kind=kind).first()
    return (row.role, row.minutes * 60) if row else rules.CALL_ROUTES[kind]


def due_of(call: AndonCall) -> datetime | None:
    """When a waiting call goes to the next role, by what is known of it now; None: nobody left.

    Who said that he comes is given his minutes first.
    """
    if rules.next_role(call.roles) is None:
        return None
    since = call.level_at
    if call.state == State.TAKEN and call.expected_at is not None:
        since = max(since, call.expected_at)
    _role, base_s = route_of(call.site_id, call.kind)
    return since + timedelta(
        seconds=rules.call_wait(
            kind=call.kind, base_s=base_s, stopped=call.stopped, slack_s=call.slack_s
        )
    )


def _find(command: Command, call_id: int) -> AndonCall:
    """The call, locked.

    :raises Refused: if it is over.
    """
    call = find(command, AndonCall, call_id, lock=True)
    if call.is_over:
        raise Refused(
            _("This call is over: %(state)s.") % {"state": call.get_state_display().lower()},
            status=409,
            code="done_already",
        )
    return call


def _standing(command: Command, call_id: int) -> AndonCall:
    """The call, locked, for somebody who answers it."""
    call = _find(command, call_id)
    if not rules.may_answer(command.actor.roles, call.roles):
        raise Refused(
            _("This call is for %(kind)s.") % {"kind": call.get_kind_display()},
            status=403,
            code="no_right",
        )
    return call


def _taken(call: AndonCall) -> Refused:
    said = (
        _("%(who)s is there already.")
        if call.state == State.ARRIVED
        else _("%(who)s is on the way already.")
    )
    return Refused(said % {"who": _who(call)}, status=409, code="taken")


def _who(call: AndonCall) -> str:
    return call.taken_by.name if call.taken_by else _("Somebody")


def _seconds(call: AndonCall, now: datetime) -> int:
    return int((now - call.called_at).total_seconds())


def _record(command: Command, name: str, call: AndonCall, **body: Any) -> None:
    command.record(
        f"workorders.call.{name}",
        subject=("unit", call.unit_id),
        body={"call_id": call.pk, "kind": call.kind, **body},
    )
    site_id, topics = call.site_id, ["calls", f"station:{call.unit.code}"]
    # At once: somebody waits for it, and nothing of the plan has to be known first.
    transaction.on_commit(lambda: live.publish(site_id, topics), robust=True)
