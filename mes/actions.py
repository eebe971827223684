"""Acts on the site itself, its simulated clock and its tasks; none is an event of the ledger."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from mes import doorbell, live
from mes.actor import Actor
from mes.commands import Command
from mes.dates import check_day
from mes.errors import Missing, Refused, Stale
from mes.masters import save_master
from mes.models import PersonToken, Role, Site, SiteClock, Task
from mes.rows import find

# Paused, real time, and a minute a second.
SPEEDS = (0, 1, 60)


def move_clock(command: Command, *, to: datetime) -> dict[str, Any]:
    """Move a SIMULATED site's clock forward to an instant; the one act that moves it.

    A move to where the clock stands already is answered as done, so a repeated move is
    harmless. The workers are rung: a tick projects again, at the same event number.

    :raises Stale: if the clock is past that instant already.
    :raises Refused: if the site runs on the wall clock, or that instant can't be meant.
    """
    check_day(command.now, to)
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


def make_token(command: Command, *, called: str, decides: bool, sha256: str) -> dict[str, Any]:
    """Give the acting person a token for the API of this site; only its hash is known here.

    :raises Refused: if no person acts, or the name is empty or one of his tokens has it.
    """
    person_id = command.actor.person_id
    if person_id is None:
        raise Refused(_("A token belongs to a person; a device has its own."), status=403)
    name = called.strip()
    if not name:
        raise Refused(_("Say what the token is for."))
    if tokens_of(command.site, person_id).filter(name=name).exists():
        raise Refused(_("You have a token of that name already. Take another name."))
    row = PersonToken(
        site=command.site,
        person_id=person_id,
        name=name,
        decides=decides,
        token_sha256=sha256,
        made_at=command.now,
    )
    save_master(command, row)
    return {"token_id": row.pk}


def revoke_token(command: Command, *, token_id: int) -> dict[str, Any]:
    """Make one of the acting person's tokens worthless at once; revoked before is done.

    :raises Missing: if it is somebody else's.
    """
    row = find(command, PersonToken, token_id, lock=True)
    if row.person_id != command.actor.person_id:
        raise Missing(_("There is no such token here."))
    if row.revoked_at is None:
        row.revoked_at = command.now
        save_master(command, row)
    return {"token_id": row.pk}


def tokens_of(site: Site, person_id: int | None) -> QuerySet[PersonToken]:
    """The tokens of a person on a site that are worth something, the newest first."""
    return PersonToken.objects.filter(
        site=site, person_id=person_id or 0, revoked_at=None
    ).order_by("-pk")


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
