"""How the API speaks: exact JSON in, decimal strings out, every error as a sentence."""

from __future__ import annotations

import codecs
import json
import uuid
from decimal import Decimal
from typing import IO, Any, cast

from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.db import InterfaceError, OperationalError
from django.http import Http404
from django.utils.translation import gettext as _
from rest_framework import exceptions, serializers, status
from rest_framework.pagination import PageNumberPagination
from rest_framework.parsers import JSONParser
from rest_framework.request import Request
from rest_framework.response import Response

from mes.access import ApiUser, PlantRequest
from mes.actor import Actor
from mes.commands import Outcome
from mes.errors import Busy, Refused
from mes.models import Site

MAX_BODY = 1_000_000
# Beyond this a number is a mistake or an attack: nothing here has thirty digits.
MAX_EXPONENT = 30


class TooLarge(exceptions.APIException):
    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_code = "too_large"


class Unreadable(exceptions.APIException):
    status_code = status.HTTP_422_UNPROCESSABLE_ENTITY
    default_code = "invalid"


class ExactJSONParser(JSONParser):
    """JSON with exact numbers: a fraction becomes a Decimal, never a float."""

    def parse(
        self, stream: IO[bytes], media_type: Any = None, parser_context: Any = None
    ) -> dict[str, Any]:
        raw = stream.read(MAX_BODY + 1)
        if len(raw) > MAX_BODY:
            raise TooLarge(_("The body is larger than a megabyte. Send it in parts."))
        try:
            text = codecs.decode(raw, "utf-8")
            data = json.loads(text, parse_float=_exact, parse_constant=_no_constant)
            # A lone surrogate decodes but cannot be stored or hashed.
            json.dumps(data, ensure_ascii=False, default=str).encode()
        except (ValueError, RecursionError) as problem:
            raise Unreadable(_("The body is not JSON that can be read.")) from problem
        if not isinstance(data, dict):
            raise Unreadable(_("The body must be a JSON object, in braces."))
        return data


def _exact(text: str) -> Decimal:
    number = Decimal(text)
    if abs(number.adjusted()) > MAX_EXPONENT:
        raise ValueError(f"{text[:40]} is out of range")
    return number


def _no_constant(text: str) -> Decimal:
    raise ValueError(f"{text} is not a number")


def key_of(request: Request) -> uuid.UUID:
    """Return the Idempotency-Key header: a UUID that the sender draws once for each act.

    :raises Unreadable: if it is missing or no UUID.
    """
    try:
        return uuid.UUID(request.headers.get("Idempotency-Key", ""))
    except ValueError as problem:
        raise Unreadable(
            _("Send the header Idempotency-Key with a UUID that you draw once for each act."),
            code="key_missing",
        ) from problem


def actor_of(request: Request) -> Actor:
    user = request.user
    assert isinstance(user, ApiUser)  # DeclaredAccess let it through
    return user.actor


def site_of(request: Request) -> Site:
    return cast(PlantRequest, request._request).site


def body_of(request: Request) -> dict[str, Any]:
    """The body as it was sent; ExactJSONParser lets objects through only."""
    return dict(request.data) if isinstance(request.data, dict) else {}


def answer(outcome: Outcome) -> Response:
    """Return a command's outcome as it was stored; a replay says that it is one."""
    response = Response(outcome.response, status=outcome.status)
    if outcome.replayed:
        response["Idempotent-Replayed"] = "true"
    return response


def checked(serializer: serializers.Serializer[Any]) -> dict[str, Any]:
    """Return the values of a body, or refuse it with a sentence for each field.

    :raises Refused: so that the refusal is stored with the command's key.
    """
    if serializer.is_valid():
        values: dict[str, Any] = serializer.validated_data
        return values
    fields = {name: _sentences(problem) for name, problem in serializer.errors.items()}
    first = next(iter(fields.items()))
    raise Refused(f"{first[0]}: {first[1][0]}", code="invalid", fields=fields)


def _sentences(problem: Any) -> list[str]:
    if isinstance(problem, dict):
        return [sentence for part in problem.values() for sentence in _sentences(part)]
    if isinstance(problem, list):
        return [sentence for part in problem for sentence in _sentences(part)]
    return [str(problem)]


class Pages(PageNumberPagination):
    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 500


class ErrorSerializer(serializers.Serializer[dict[str, Any]]):
    """What went wrong: a sentence for a person, a word for a program."""

    message = serializers.CharField()
    code = serializers.CharField()
    fields = serializers.DictField(  # type: ignore[assignment]
        child=serializers.ListField(child=serializers.CharField()), required=False
    )


def problem_response(problem: Exception, context: dict[str, Any]) -> Response | None:
    """Answer every anticipated error as {"message", "code"}; a bug stays a 500, logged."""
    if isinstance(problem, Refused):
        body = {"message": str(problem), "code": problem.code, **problem.data}
        return Response(body, status=problem.status)
    if isinstance(problem, Busy):
        return _later(str(problem), seconds=1)
    if isinstance(problem, OperationalError | InterfaceError):
        return _later(_("The record cannot be reached right now. Nothing was stored."), seconds=5)
    if isinstance(problem, Http404):
        return Response(
            {"message": _("There is no such thing here."), "code": "missing"}, status=404
        )
    if isinstance(problem, RequestDataTooBig):
        problem = TooLarge(_("The body is larger than a megabyte. Send it in parts."))
    if isinstance(problem, PermissionDenied):
        return Response({"message": str(problem), "code": "no_right"}, status=403)
    if not isinstance(problem, exceptions.APIException):
        return None
    headers = {}
    if isinstance(problem, exceptions.NotAuthenticated | exceptions.AuthenticationFailed):
        code, headers["WWW-Authenticate"] = "not_signed_in", "Bearer"
    elif isinstance(problem, exceptions.PermissionDenied):
        code = "no_right"
    elif isinstance(problem, exceptions.NotFound):
        code = "missing"
    else:
        codes = problem.get_codes()
        code = codes if isinstance(codes, str) else problem.default_code
    message = problem.detail if isinstance(problem.detail, str) else _sentences(problem.detail)[0]
    return Response(
        {"message": str(message), "code": code}, status=problem.status_code, headers=headers
    )


def _later(message: str, *, seconds: int) -> Response:
    return Response(
        {"message": message, "code": "busy"}, status=503, headers={"Retry-After": str(seconds)}
    )
