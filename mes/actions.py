"""Acts on the site itself, its simulated clock and its tasks; none is an event of the ledger."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from mes import doorbell, live
from mes.actor import Actor
from mes.commands import Command
from mes.errors import Refused, Stale
from mes.models import Role, SiteClock, Task
from mes.rows import find

# Paused, real time, and a minute a second.
SPEEDS = (0, 1, 60)


def move_clock(command: Command, *, to: datetime) -> dict[str, Any]:
    """Move a SIMULATED site's clock forward to an instant; the one act that moves it.

    A move to where the clock stands already is answered as done, so a repeated move is
    harmless. The workers are rung: a tick projects again, at the same event number.

    :raises Stale: if the clock is past that instant already.
    :raises Refused: if the site runs on the wall clock.
    """
    moved = SiteClock.objects.filter(site=command.site, at__lt=to).update(at=to)
    if not moved:
        at = _stands_at(command)
        if at > to:
            raise Stale(
                _("The plant's clock is already past that instant; it only moves forward."), at=at
            )
    else:
        transaction.on_commit(lambda: doorbell.ring(command.site.pk), robust=True)
    return {"at": to}


def set_speed(command: Command, *, speed: int) -> dict[str, Any]:
    """Set how many plant seconds the simulator lets pass in a second: one of SPEEDS."""
    if speed not in SPEEDS:
        raise Refused(
            _("A speed of %(speed)s is not offered; choose one of %(speeds)s.")
            % {"speed": speed, "speeds": ", ".join(str(known) for known in SPEEDS)}
        )
    at = _stands_at(command)
    SiteClock.objects.filter(site=command.site).update(speed=speed)
    return {"speed": speed, "at": at}


def _stands_at(command: Command) -> datetime:
    at = SiteClock.objects.filter(site=command.site).values_list("at", flat=True).first()
    if at is None:
        raise Refused(_("This plant runs on the wall clock; nobody can move it."))
    return at


def may_finish(actor: Actor, task: Task) -> bool:
    """Whether a task is asked of this person: by his role, or of him or whom he stands in for."""
    if Role.ADMIN in actor.roles:
        return True
    if task.person_id is not None:
        return task.person_id == actor.person_id or task.person_id in actor.stands_in
    return task.role in actor.roles


def finish_task(command: Command, *, task_id: int) -> dict[str, Any]:
    """Mark a task of one of the actor's roles as done; done before is answered as done.

    :raises Refused: if it belongs to another role, or asks for words and not for a tick.
    """
    task = find(command, Task, task_id, lock=True)
    if task.subject_type == "unsettled":
        raise Refused(_("Say how it was settled; that finishes the task."))
    if task.subject_type in ("consent", "approval"):
        raise Refused(_("It asks for a yes or a no; either finishes the task."))
    if not may_finish(command.actor, task):
        whose = task.person.name if task.person else task.get_role_display()
        raise Refused(
            _("This is a task for %(role)s.") % {"role": whose}, status=403, code="no_right"
        )
    if task.done_at is None:
        task.done_at, task.done_by_id = command.now, command.actor.person_id
        task.save(update_fields=["done_at", "done_by"])
        site_id = command.site.pk
        transaction.on_commit(lambda: live.publish(site_id, ["tasks"]), robust=True)
    return {"task_id": task.pk}
