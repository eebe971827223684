"""How the API speaks: exact JSON in, decimal strings out, every error as a problem in words."""

from __future__ import annotations

import base64
import codecs
import json
import uuid
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from http import HTTPStatus
from typing import IO, Any, cast

from django.core.exceptions import PermissionDenied, RequestDataTooBig, ValidationError
from django.db import DataError, InterfaceError, OperationalError, transaction
from django.db.models import Q, QuerySet
from django.db.models.expressions import OrderBy
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.utils.cache import (
    get_conditional_response,
    patch_cache_control,
    patch_vary_headers,
    set_response_etag,
)
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework import exceptions, serializers, status
from rest_framework.parsers import JSONParser
from rest_framework.permissions import BasePermission
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
            data = json.loads(
                text,
                parse_float=_exact,
                parse_int=_whole,
                parse_constant=_no_constant,
                object_pairs_hook=_once_each,
            )
            if "\\u0000" in text:
                raise ValueError("a NUL cannot be stored")
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


def _whole(text: str) -> int:
    if len(text) > MAX_EXPONENT:
        raise ValueError(f"{text[:40]} is out of range")
    return int(text)


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose names stand once: of two values nobody knows which one was meant."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice")
    return found


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
    if outcome.ok:
        response = Response(outcome.response, status=outcome.status)
    else:
        said = {"message": outcome.message, "code": "refused", **outcome.response}
        response = problem(outcome.status, **said)
    if outcome.replayed:
        response["Idempotent-Replayed"] = "true"
    return response


def checked(serializer: serializers.Serializer[Any]) -> dict[str, Any]:
    """Return the values of a body, or refuse it with a sentence for each field.

    :raises Refused: so that the refusal is stored with the command's key.
    """
    unknown = _unknown(serializer, serializer.initial_data)
    if serializer.is_valid() and not unknown:
        values: dict[str, Any] = serializer.validated_data
        return values
    fields = {name: _sentences(said) for name, said in serializer.errors.items()} | {
        name: [_("This field is not known here; nothing was stored.")] for name in unknown
    }
    first = next(iter(fields.items()))
    raise Refused(f"{first[0]}: {first[1][0]}", code="invalid", fields=fields)


def _unknown(serializer: Any, given: Any) -> list[str]:
    """The names in a body that its serializer does not know, also inside its lists."""
    if not isinstance(given, dict):
        return []
    found = [str(name) for name in given if name not in serializer.fields]
    for name, field in serializer.fields.items():
        child = getattr(field, "child", None)
        if isinstance(child, serializers.Serializer) and isinstance(given.get(name), list):
            found += [f"{name}.{each}" for part in given[name] for each in _unknown(child, part)]
    return found


def _sentences(said: Any) -> list[str]:
    if isinstance(said, dict):
        return [sentence for part in said.values() for sentence in _sentences(part)]
    if isinstance(said, list):
        return [sentence for part in said for sentence in _sentences(part)]
    return [str(said)]


class Pages:
    """Pages of a list in the list's own order, which must end in a unique column.

    A cursor says after which row to go on, so that a row that comes or goes meanwhile makes no
    other row appear twice or never. A list that was worked out in memory goes on by its place.
    """

    page_size = 50
    max_page_size = 500

    def paginate_queryset(self, rows: Any, request: Request, view: Any = None) -> list[Any]:
        """Return one page's rows.

        :raises Unreadable: if the cursor or the size is none of ours.
        """
        self.request = request
        size = self.size_of(request)
        after = self._after(request)
        if isinstance(rows, QuerySet):
            self.count = rows.count()
            order = [_term(each) for each in rows.query.order_by]
            page = self._read(rows, order, after, size + 1)
            ends = (
                [_value_of(page[size - 1], name) for name, _down in order]
                if len(page) > size
                else None
            )
        else:
            self.count = len(rows)
            place = after[0] if after is not None else 0
            if type(place) is not int or place < 0:
                raise Unreadable(_("This cursor is not one of ours. Begin again without it."))
            page = rows[place : place + size + 1]
            ends = [place + size] if len(page) > size else None
        self.next = self._link(ends) if ends is not None else None
        return list(page[:size])

    def get_paginated_response(self, shown: list[Any]) -> Response:
        return Response({"count": self.count, "next": self.next, "results": shown})

    @classmethod
    def size_of(cls, request: Request) -> int:
        text = request.query_params.get("page_size", str(cls.page_size))
        if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= cls.max_page_size):
            raise Unreadable(
                _("page_size must be a whole number from 1 to %(most)s.")
                % {"most": cls.max_page_size}
            )
        return int(text)

    @staticmethod
    def _after(request: Request) -> list[Any] | None:
        text = request.query_params.get("cursor")
        if text is None:
            return None
        try:
            found = json.loads(base64.urlsafe_b64decode(text.encode()))
        except ValueError as error:
            raise Unreadable(
                _("This cursor is not one of ours. Begin again without it.")
            ) from error
        if not isinstance(found, list) or not found:
            raise Unreadable(_("This cursor is not one of ours. Begin again without it."))
        return found

    @staticmethod
    def _read(
        rows: QuerySet[Any], order: list[tuple[str, bool]], after: list[Any] | None, most: int
    ) -> list[Any]:
        try:
            if after is not None:
                rows = rows.filter(_beyond(order, after))
            # In a savepoint: what a stranger's cursor breaks ends here.
            with transaction.atomic():
                return list(rows[:most])
        except (ValueError, TypeError, ValidationError, DataError, OverflowError) as error:
            raise Unreadable(
                _("This cursor is not one of ours. Begin again without it.")
            ) from error

    def _link(self, ends: list[Any]) -> str:
        packed = json.dumps(ends, cls=_Exactly).encode()
        query = self.request.query_params.copy()
        query["cursor"] = base64.urlsafe_b64encode(packed).decode()
        return str(self.request.build_absolute_uri(f"{self.request.path}?{query.urlencode()}"))


class _Exactly(json.JSONEncoder):
    """Instants with their microseconds and decimals with their places: a cursor is exact."""

    def default(self, value: Any) -> Any:
        return value.isoformat() if isinstance(value, datetime) else str(value)


def _value_of(row: Any, path: str) -> Any:
    for name in path.split("__"):
        row = getattr(row, name)
    return row


def _term(each: Any) -> tuple[str, bool]:
    """A column of an order and whether it goes down; nulls stand last upwards, first downwards."""
    if isinstance(each, OrderBy):
        return str(getattr(each.expression, "name", "")), each.descending
    return each.lstrip("-"), each.startswith("-")


def _beyond(order: list[tuple[str, bool]], after: list[Any]) -> Q:
    """The rows after one with these values, in this order."""
    if len(order) != len(after):
        raise Unreadable(_("This cursor is not one of ours. Begin again without it."))
    found, same = Q(pk__in=[]), Q()
    for (name, down), value in zip(order, after, strict=True):
        null = Q(**{f"{name}__isnull": True})
        if value is None:
            found |= same & (~null if down else Q(pk__in=[]))
            same &= null
            continue
        further = Q(**{f"{name}__{'lt' if down else 'gt'}": value})
        found |= same & (further if down else further | null)
        same &= Q(**{name: value})
    return found


class KnownQuery(BasePermission):
    """Lets a read run if its query is what the route declares; else says what it knows.

    A misspelt filter would otherwise be answered with everything.
    """

    def has_permission(self, request: Request, view: Any) -> bool:
        if not hasattr(view, (request.method or "").lower()):
            return True  # what is answered by no handler is 405, whatever its query
        known = _query_of(view, request.method or "")
        for name, values in request.query_params.lists():
            if name not in known:
                raise Unreadable(
                    _("%(name)s is not known here. Known: %(known)s.")
                    % {"name": name[:40], "known": ", ".join(known) or _("nothing")}
                )
            parameter = known[name]
            choices = parameter.enum or (BOOLEANS if parameter.type == OpenApiTypes.BOOL else ())
            for value in values:
                if "\0" in value or (choices and value not in choices):
                    raise Unreadable(
                        _("%(name)s cannot be that. Send one of: %(choices)s.")
                        % {"name": name, "choices": ", ".join(map(str, choices)) or _("plain text")}
                    )
            if len(values) > 1 and not parameter.many:
                raise Unreadable(_("%(name)s stands twice.") % {"name": name})
        return True


BOOLEANS = ("true", "false", "1", "0")


_QUERIES: dict[tuple[type, str], dict[str, OpenApiParameter]] = {}


def _query_of(view: Any, method: str) -> dict[str, OpenApiParameter]:
    """The query parameters that a route's method declares for its schema, by name."""
    at = (type(view), method)
    if at not in _QUERIES:
        schema = getattr(getattr(view, method.lower(), None), "kwargs", {}).get("schema")
        declared = []
        if schema is not None:
            described = schema()
            described.view, described.method = view, method
            declared = described.get_override_parameters()
        _QUERIES[at] = {
            each.name: each
            for each in declared
            if isinstance(each, OpenApiParameter) and each.location == OpenApiParameter.QUERY
        }
    return _QUERIES[at]


class ErrorSerializer(serializers.Serializer[dict[str, Any]]):
    """What went wrong (RFC 9457): a sentence for a person, a word for a program."""

    type = serializers.CharField(help_text="urn:downstream:problem: and the code")
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField(help_text="what is wrong and what to do")
    message = serializers.CharField(help_text="the same sentence, named as in every answer")
    code = serializers.CharField()
    fields = serializers.DictField(  # type: ignore[assignment]
        child=serializers.ListField(child=serializers.CharField()), required=False
    )


PROBLEM = "application/problem+json"


def problem_body(status: int, message: str, code: str, **more: Any) -> dict[str, Any]:
    """An error as RFC 9457 says it; `message` is what every answer calls its sentence."""
    return {
        "type": f"urn:downstream:problem:{code.replace('_', '-')}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": message,
        "message": message,
        "code": code,
        **more,
    }


def problem(
    status: int, message: str, code: str, headers: dict[str, str] | None = None, **more: Any
) -> Response:
    body = problem_body(status, message, code, **more)
    return Response(body, status=status, headers=headers, content_type=PROBLEM)


def problem_response(error: Exception, context: dict[str, Any]) -> Response | None:
    """Answer every anticipated error as a problem in words; a bug stays a 500, logged."""
    if isinstance(error, Refused):
        return problem(error.status, str(error), error.code, **error.data)
    if isinstance(error, Busy):
        return _later(str(error), seconds=1)
    if isinstance(error, OperationalError | InterfaceError):
        # It may have gone away between the commit and our hearing of it: only the key knows.
        again = _("Send this again with the same key: it is done once.")
        return _later(f"{_('The record cannot be reached right now.')} {again}", seconds=5)
    if isinstance(error, Http404 | exceptions.NotFound):
        return problem(404, _("There is no such thing here."), "missing")
    if isinstance(error, RequestDataTooBig):
        error = TooLarge(_("The body is larger than a megabyte. Send it in parts."))
    if isinstance(error, PermissionDenied | exceptions.PermissionDenied):
        message = str(getattr(error, "detail", error))
        return problem(403, message, "no_right")
    if isinstance(error, exceptions.NotAuthenticated | exceptions.AuthenticationFailed):
        return problem(401, str(error.detail), "not_signed_in", {"WWW-Authenticate": "Bearer"})
    if not isinstance(error, exceptions.APIException):
        return None
    codes = error.get_codes()
    code = codes if isinstance(codes, str) else error.default_code
    message = error.detail if isinstance(error.detail, str) else _sentences(error.detail)[0]
    allow = {}
    if isinstance(error, exceptions.MethodNotAllowed):
        allow = {"Allow": ", ".join(context["view"].allowed_methods)}
    return problem(error.status_code, str(message), code, allow)


def _later(message: str, *, seconds: int) -> Response:
    return problem(503, message, "busy", {"Retry-After": str(seconds)})


WORDS = {
    400: (gettext_lazy("The request cannot be read."), "invalid"),
    403: (gettext_lazy("This is not allowed here."), "no_right"),
    404: (gettext_lazy("There is no such thing here."), "missing"),
    412: (gettext_lazy("This is no longer what you read. Read it again."), "moved_on"),
    500: (gettext_lazy("Something went wrong here; it has been written down."), "failed"),
}


class ApiMiddleware:
    """What holds for every answer below /api/v1/, whichever view or middleware gave it.

    A read carries an ETag and is answered 304 to who has it already; an error is a problem in
    words, also where no view was reached.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if not request.path.startswith("/api/v1/") or not isinstance(response, HttpResponse):
            return response
        if request.method in ("GET", "HEAD") and response.status_code == 200:
            response = _conditional(request, response)
        kind = response.get("Content-Type", "")
        if response.status_code in WORDS and not kind.startswith("application/"):
            message, code = WORDS[response.status_code]
            body = problem_body(response.status_code, str(message), code)
            return JsonResponse(body, status=response.status_code, content_type=PROBLEM)
        return response


def _conditional(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    patch_vary_headers(response, ["Authorization", "Cookie"])
    patch_cache_control(response, private=True, no_cache=True)
    if not response.has_header("ETag"):
        set_response_etag(response)
    return cast(
        HttpResponse,
        get_conditional_response(request, etag=response["ETag"], response=response),
    )
