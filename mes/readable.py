"""What no record can keep is answered in words before any page meets it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _

from mes.access import PlantRequest
from mes.commands import Outcome
from mes.htmx import refusal_page


class ReadableMiddleware:
    """Refuses a request with a NUL in its address, its query or its form."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(
        self, request: PlantRequest, view: Any, args: Any, kwargs: dict[str, Any]
    ) -> HttpResponse | None:
        if not any("\0" in text for text in _texts(request, kwargs)):
            return None
        message = _("A character in it cannot be stored. Type it anew without it.")
        return refusal_page(request, Outcome(400, {"message": message}))


def _texts(request: HttpRequest, kwargs: dict[str, Any]) -> Iterator[str]:
    yield from (value for value in kwargs.values() if isinstance(value, str))
    for given in (request.GET, request.POST):
        for name, values in given.lists():
            yield name
            yield from (value for value in values if isinstance(value, str))
