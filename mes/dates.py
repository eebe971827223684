"""Days and times that somebody enters: taken where they can be meant, else refused in words."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext as _

from mes import rules
from mes.errors import Refused


def check_day(now: datetime, *days: datetime | None) -> None:
    """:raises Refused: if a day that somebody names is more than ten years away either way."""
    for day in days:
        if day is not None and not rules.is_plausible(day, now=now):
            raise Refused(_("That day is more than ten years away. Check the year."))


def happened(
    said: datetime | None, *, now: datetime, not_before: datetime | None = None
) -> rules.Occurred:
    """Return when a fact happened, as `rules.occurred` says it.

    :raises Refused: only if nobody can mean it: more than ten years away or a day ahead.
    """
    check_day(now, said)
    if said is not None and said > now + rules.DAY_AHEAD:
        raise Refused(_("That is more than a day ahead and can't have happened. Check the date."))
    return rules.occurred(said, now=now, not_before=not_before)
