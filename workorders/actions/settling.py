"""Facts that the rules forbid: kept, with a task for somebody entitled, until they are settled."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from mes.commands import Command
from mes.errors import Refused
from mes.models import Role, Task
from mes.rows import find
from mes.rules import Occurred
from workorders.models import Unsettled

# Who may settle what others are asked to.
_ALWAYS = frozenset({Role.SUPERVISOR, Role.PLANNER, Role.ADMIN})
_VALUES = ("good", "scrap", "rework", "item_id")


def keep_unsettled(
    command: Command,
    *,
    what: str,
    sentence: str,
    job_order_id: int,
    when: Occurred,
    quantity: Decimal | None = None,
    values: Mapping[str, Any] | None = None,
    lot_id: int | None = None,
    may_settle: str = Role.SUPERVISOR,
    answer: dict[str, Any] | None = None,
) -> None:
    """Keep a fact that can't be booked: no stock moves, somebody gets a task, the answer is 202.

    answer  gets `unsettled_id` once the row is stored.
    """
    command.status = 202
    given = values or {}

    def store(seq: int) -> None:
        row = Unsettled.objects.create(
            site=command.site,
            event_seq=seq,
            what=what,
            sentence=sentence[:300],
            job_order_id=job_order_id,
            lot_id=lot_id,
            quantity=quantity,
            may_settle=may_settle,
        )
        Task.objects.create(
            site=command.site,
            role=may_settle,
            text=sentence[:200],
            subject_type="unsettled",
            subject_id=row.pk,
            created_at=command.now,
        )
        if answer is not None:
            answer["unsettled_id"] = row.pk

    command.record(
        "workorders.fact.unsettled",
        subject=("job_order", job_order_id),
        body={
            "what": what,
            "sentence": sentence,
            "job_order_id": job_order_id,
            "lot_id": lot_id,
            "quantity": quantity,
            "values": {name: given.get(name) for name in _VALUES},
            "may_settle": may_settle,
            "clamped": when.clamped,
        },
        occurred_at=when.at,
        late=when.late,
        then=store,
    )


def settle(command: Command, *, unsettled_id: int, settlement: str) -> dict[str, Any]:
    """Settle an unsettled fact: say what was done about it. Its task is done.

    :raises Refused: if it is settled already, no word is given, or somebody else must do it.
    """
    row = find(command, Unsettled, unsettled_id, lock=True)
    if row.settled_at is not None:
        raise Refused(
            _("This was settled before: %(how)s") % {"how": row.settlement},
            status=409,
            code="done_already",
        )
    if not settlement.strip():
        raise Refused(_("Say in a few words how it was settled."))
    if command.actor.roles.isdisjoint(_ALWAYS | {row.may_settle}):
        raise Refused(
            _("This needs %(role)s.") % {"role": str(Role(row.may_settle).label)},
            status=403,
            code="no_right",
        )
    close_unsettled(command, row, settlement.strip())
    return {"unsettled_id": row.pk}


def close_unsettled(command: Command, row: Unsettled, settlement: str) -> None:
    """Mark a fact as settled and its task as done, and record it."""
    Unsettled.objects.filter(pk=row.pk, settled_at=None).update(
        settled_at=command.now,
        settled_by_id=command.actor.person_id,
        settlement=settlement[:200],
    )
    Task.objects.filter(
        site=command.site, subject_type="unsettled", subject_id=row.pk, done_at=None
    ).update(done_at=command.now, done_by_id=command.actor.person_id)
    subject = ("job_order", row.job_order_id) if row.job_order_id else ("unsettled", row.pk)
    command.record(
        "workorders.fact.settled",
        subject=subject,
        body={"unsettled_id": row.pk, "what": row.what, "settlement": settlement},
    )
