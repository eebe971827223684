"""Who looks after a disruption: assigned, put to sleep, closed with a reason, seen."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from mes.commands import Command
from mes.dates import check_day
from mes.errors import Missing, Refused
from mes.models import RoleGrant
from mes.rows import find
from planning.actions import telling
from planning.actions.lock import hold_lock
from planning.models import Disruption

SEEN = ("state", "growing", "stake_seen", "summary", "seen_at")


def assign(command: Command, *, disruption_id: int, person_id: int | None) -> dict[str, Any]:
    """Make a person the owner; None gives it back to everybody.

    :raises Missing: if nobody with that number has a role here.
    """
    row = _ours(command, disruption_id)
    if (
        person_id is not None
        and not RoleGrant.objects.filter(site=command.site, person_id=person_id).exists()
    ):
        raise Missing(_("Nobody of that name works here. Choose again."))
    row.owner_id = person_id
    _look_at(row, command.now)
    row.save(update_fields=["owner", *SEEN])
    _record(command, row, "ASSIGNED")
    telling.tell_owner(command, row)
    return {"disruption_id": row.pk}


def snooze(command: Command, *, disruption_id: int, until: datetime | None) -> dict[str, Any]:
    """Put it to sleep until a time, or (None) until it gets worse; it wakes up by itself.

    :raises Refused: if it is over, decided, or the time is past.
    """
    row = _ours(command, disruption_id)
    if row.state in (Disruption.State.CLOSED, Disruption.State.ACCEPTED):
        raise Refused(_("There is nothing to put off: it is over or decided."))
    if until is not None and until <= command.now:
        raise Refused(_("That time is past. Choose a later one."))
    check_day(command.now, until)
    _look_at(row, command.now)
    row.state = Disruption.State.SNOOZED
    row.snoozed_until = until
    row.save(update_fields=["snoozed_until", *SEEN])
    _record(command, row, "SNOOZED", until=until)
    return {"disruption_id": row.pk}


# What still stands, and the act that ends it.
STANDING: dict[str, Any] = {
    Disruption.Kind.SLOW: gettext_lazy(
        "%(code)s still runs slow. Say that it runs as usual; that closes it."
    ),
    Disruption.Kind.TOOL: gettext_lazy(
        "%(code)s is still lost. Say that it is there again; that closes it."
    ),
    Disruption.Kind.ABSENCE: gettext_lazy(
        "%(code)s is still absent. Say that it is over or wrong; that closes it."
    ),
}


def close(command: Command, *, disruption_id: int, reason: str) -> dict[str, Any]:
    """Close it with a reason; a fact that still stands can't be closed away.

    :raises Refused: without a reason, or while the machine is down, the hold stands, or it is late.
    """
    row = _ours(command, disruption_id)
    if row.state == Disruption.State.CLOSED:
        raise Refused(_("It is closed already."), status=409, code="done_already")
    if not reason.strip():
        raise Refused(_("Say in a few words why it is closed."))
    if row.kind == Disruption.Kind.BREAKDOWN:
        raise Refused(
            _("%(unit)s is still down. Report the repair; that closes it.")
            % {"unit": row.subject_code}
        )
    if row.kind in STANDING:
        raise Refused(str(STANDING[row.kind]) % {"code": row.subject_code})
    if row.kind == Disruption.Kind.CLOSURE:
        raise Refused(_("It is still closed. Take the closure back; that closes it."))
    if row.kind == Disruption.Kind.REFUSED:
        raise Refused(_("It still waits there. Move it, or say that it is possible."))
    if row.kind == Disruption.Kind.HOLD:
        raise Refused(_("The hold still stands. Quality releases it; that closes it."))
    if row.kind == Disruption.Kind.SLIP or row.cause.get("overdue"):
        raise Refused(
            _(
                "It is still late, so it would be back at once. Snooze it until it gets worse, or "
                "say that it is solved outside."
            )
        )
    row.state = Disruption.State.CLOSED
    row.closed_at = command.now
    row.close_reason = reason.strip()[:200]
    row.growing = False
    row.save(update_fields=["state", "closed_at", "close_reason", "growing"])
    _record(command, row, "CLOSED", reason=row.close_reason)
    telling.tell_closed(command, row)
    return {"disruption_id": row.pk}


def mark_seen(command: Command, *, disruption_id: int) -> dict[str, Any]:
    """Somebody looked: a new one is open, and growing counts from what it costs now.

    Looking is no event of the plant, so nothing is recorded and nothing is computed anew.
    """
    row = find(command, Disruption, disruption_id, lock=True)
    _look_at(row, command.now)
    row.save(update_fields=SEEN)
    return {"disruption_id": row.pk}


def _ours(command: Command, disruption_id: int) -> Disruption:
    """The row, which no recompute that read it before writes again."""
    hold_lock(command.site.pk)
    return find(command, Disruption, disruption_id, lock=True)


def _look_at(row: Disruption, now: datetime) -> None:
    row.seen_at = row.seen_at or now
    if row.state == Disruption.State.NEW:
        row.state = Disruption.State.OPEN
    row.growing = False
    row.stake_seen = row.at_stake
    row.summary = {**row.summary, "seen_lines": row.summary.get("late_lines", 0)}


def _record(
    command: Command,
    row: Disruption,
    act: str,
    *,
    until: datetime | None = None,
    reason: str = "",
) -> None:
    command.record(
        "planning.disruption.handled",
        subject=("disruption", row.pk),
        body={
            "act": act,
            "state": str(row.state),
            "owner_id": row.owner_id,
            "until": until,
            "reason": reason,
        },
    )
