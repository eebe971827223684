"""What customers were told: kept with the line, so that everybody knows what he goes by."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from materials.models import CustomerLine
from mes import live
from mes.commands import Command
from mes.dates import check_day
from mes.errors import Refused
from mes.rows import find
from planning.models import CustomerTold, Decision, Disruption


def tell_customer(
    command: Command,
    *,
    disruption_id: int,
    line_id: int,
    text: str,
    decision_id: int | None = None,
    said_at: datetime | None = None,
) -> dict[str, Any]:
    """Keep that a person told the customer of a line; it changes no promise.

    text     what he was told, as it was sent.
    said_at  the date that he was given.

    :raises Refused: without the words, or if the date can't be meant.
    """
    disruption = find(command, Disruption, disruption_id)
    line = find(command, CustomerLine, line_id)
    decision = find(command, Decision, decision_id) if decision_id is not None else None
    if not text.strip():
        raise Refused(_("Keep the words that the customer was told."))
    check_day(command.now, said_at)
    told = CustomerTold.objects.create(
        site=command.site,
        line=line,
        disruption=disruption,
        decision=decision,
        person_id=command.actor.person_id,
        at=command.now,
        said_at=said_at,
        text=text.strip()[:2000],
    )
    topics = [f"told:{disruption.pk}", "deliveries"]
    transaction.on_commit(partial(live.publish, command.site.pk, topics), robust=True)
    return {"told_id": told.pk}
