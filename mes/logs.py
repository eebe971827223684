"""What the processes say, with the number of the request that it goes back to.

A request's number is given by the front, the sender or us (`X-Request-ID`), goes with the doorbell
to the worker, and stands in every line that is written on the way from a tap to its impact.
"""

from __future__ import annotations

import json
import logging
import re
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

HEADER = "X-Request-ID"
GIVEN = re.compile(r"[A-Za-z0-9._-]{8,64}")

request_id: ContextVar[str] = ContextVar("request_id", default="")
log = logging.getLogger("mes.request")


@contextmanager
def of_request(number: str) -> Iterator[None]:
    """Everything that is logged inside goes back to this request."""
    before = request_id.set(number)
    try:
        yield
    finally:
        request_id.reset(before)


class RequestLog:
    """Gives each request its number, hands it back, and writes one line about the answer.

    The line has the path without the query and nothing of what was sent: neither may hold a
    secret then.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        given = request.headers.get(HEADER, "")
        number = given if GIVEN.fullmatch(given) else uuid.uuid4().hex
        began = time.perf_counter()
        with of_request(number):
            response = self.get_response(request)
            log.info(
                "%s %s %s",
                request.method,
                request.path,
                response.status_code,
                extra={"status": response.status_code, "took_ms": _ms(began)},
            )
        response[HEADER] = number
        return response


def _ms(began: float) -> float:
    return round((time.perf_counter() - began) * 1000, 1)


class WithRequest(logging.Filter):
    """Adds the request's number to a line; Django logs its own after the request is over."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = request_id.get()
        return True


# What a line of these names besides its message; others may log whatever they like as extras.
FIELDS = ("status", "took_ms", "site", "command", "first_seq", "last_seq", "plan_version")


class JsonLines(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "process": settings.PROCESS.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        number = getattr(record, "request_id", "")
        if number:
            line["request_id"] = number
        line |= {name: getattr(record, name) for name in FIELDS if hasattr(record, name)}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)
