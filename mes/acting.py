"""From a form to the one door: the key that was drawn with it, what was asked, the answer."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from django.utils.translation import gettext as _

from mes.access import PlantRequest
from mes.commands import Command, Outcome, run
from mes.errors import Busy


def key_of(request: PlantRequest) -> uuid.UUID | None:
    """The key that was drawn with the form (field `key`), None if there is none."""
    try:
        return uuid.UUID(request.POST.get("key", ""))
    except ValueError:
        return None


def act(
    request: PlantRequest,
    name: str,
    action: Callable[..., dict[str, Any] | None],
    **values: Any,
) -> Outcome:
    """Do one action for the person behind the request, exactly once.

    Without a key nothing is done: the page is old or was not ours. If somebody else holds what it
    needs for too long, the answer is 503 and the same form may be sent again.
    """
    key = key_of(request)
    if key is None:
        message = _("This form is too old. Load the page again; nothing was changed.")
        return Outcome(422, {"message": message, "code": "key_missing"})

    def bound(command: Command) -> dict[str, Any] | None:
        return action(command, **values)

    try:
        return run(
            site=request.site, key=key, actor=request.actor, name=name, body=values, act=bound
        )
    except Busy as busy:
        return Outcome(503, {"message": str(busy), "code": "busy"})


def number(said: str) -> int | None:
    """A whole number of a form or an address; None where it is none, or none that a row has."""
    return int(said) if said.isascii() and said.isdigit() and len(said) < 19 else None
