"""The frame of every POST: one key, one act, one answer; and what a decision was based on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from mes import commands
from mes.commands import Command
from mes.errors import Refused
from planning.api import serializers as bodies
from planning.api.wire import (
    ErrorSerializer,
    actor_of,
    answer,
    body_of,
    checked,
    key_of,
    site_of,
)

Values = dict[str, Any]

KEY_HEADER = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "format": "uuid"},
    OpenApiParameter.HEADER,
    required=True,
    description="Drawn once for each act; the same key gets the same answer and acts once.",
)
MATCH_HEADER = OpenApiParameter(
    "If-Match",
    {"type": "string"},
    OpenApiParameter.HEADER,
    description="The ETag of what was read before deciding: 412 if it reads otherwise by now.",
)
RESPONSES: dict[int, Any] = {
    200: bodies.Done,
    401: ErrorSerializer,
    403: ErrorSerializer,
    404: ErrorSerializer,
    409: ErrorSerializer,
    422: ErrorSerializer,
    503: ErrorSerializer,
}
MATCHED = RESPONSES | {412: ErrorSerializer}


class Nothing(serializers.Serializer[Values]):
    """No fields: the address says everything."""


def posted(
    request: Request,
    name: str,
    act: Callable[[Command, Values], Values],
    shape: type[serializers.Serializer[Values]] | None = Nothing,
    **named: Any,
) -> Response:
    """Run the act that a request asks for, exactly once for its key, and answer it.

    act    gets the values of the body as `shape` reads them; the raw body where shape is None.
    named  what the address names; with the body, the same key must name the same.
    """
    body = body_of(request)
    asked = body | named
    if match := request.headers.get("If-Match"):
        asked["if_match"] = match
    return answer(
        commands.run(
            site=site_of(request),
            key=key_of(request),
            actor=actor_of(request),
            name=name,
            body=asked,
            act=lambda command: act(command, checked(shape(data=body)) if shape else body),
        )
    )


def tag_of(shown: Values) -> str:
    """The ETag of a single thing as somebody may see it."""
    text = json.dumps(shown, sort_keys=True, default=str)
    return f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'


def must_match(request: Request, shown: Callable[[], Values]) -> None:
    """Hold a decision to what was read before it, where the request names that by `If-Match`.

    :raises Refused: (412) if it reads otherwise by now.
    """
    match = request.headers.get("If-Match", "*")
    if match != "*" and tag_of(shown()) not in (each.strip() for each in match.split(",")):
        raise Refused(
            _("This is no longer what you read. Read it again and decide by what it says now."),
            status=412,
            code="moved_on",
        )
