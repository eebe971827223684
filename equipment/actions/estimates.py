"""What somebody thinks when something is as it was: kept with whose word it is."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from mes.commands import Command
from mes.dates import check_day
from mes.errors import Refused


def check_back_at(back_at: datetime | None, after: datetime) -> None:
    """:raises Refused: if an estimate lies in the past, or too far away to be meant."""
    if back_at is None:
        return
    if back_at <= after:
        raise Refused(_("The return time lies in the past. Enter a later one."))
    check_day(after, back_at)


def said(command: Command, back_at: datetime | None, said_by: str) -> dict[str, Any]:
    """The columns of an estimate, of whoever said it now."""
    return {
        "back_at": back_at,
        "back_said_by": said_by or command.actor.name,
        "back_said_at": command.now,
    }
