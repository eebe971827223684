"""Every route of the product, read from the URL configuration, and who may use it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.resolvers import RegexPattern

from mes.access import declared_access

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
# Ids and codes that exist nowhere.
NO_ID = 999_999_999_999
NO_CODE = "no-such-code"
_CONVERTED = re.compile(r"<(?:(\w+):)?(\w+)>")


@dataclass(frozen=True, slots=True)
class Route:
    """One route: its pattern, its parameters with their converters, and its view."""

    path: str
    view: Callable[..., Any]

    @property
    def parameters(self) -> dict[str, str]:
        return {name: kind or "str" for kind, name in _CONVERTED.findall(self.path)}

    def url(self, **values: Any) -> str:
        """The address with these parameters; ids and codes of nothing where none is given."""

        def fill(found: re.Match[str]) -> str:
            kind, name = found.groups()
            return str(values.get(name, NO_ID if kind == "int" else NO_CODE))

        return "/" + _CONVERTED.sub(fill, self.path)

    @property
    def is_api(self) -> bool:
        return getattr(self.view, "cls", None) is not None

    @property
    def is_admin(self) -> bool:
        return self.path.startswith("admin/")

    @property
    def methods(self) -> tuple[str, ...]:
        """What it answers, and one that it does not: another one from route to route."""
        answered = [each for each in METHODS if self.offers(each)]
        others = [each for each in METHODS if each not in answered]
        return (*answered, others[len(self.path) % len(others)])

    def act(self, method: str) -> str | None:
        """The act that this method of the route needs, None where none is declared."""
        by_method: dict[str, str] = getattr(getattr(self.view, "cls", None), "access_by_method", {})
        return by_method.get(method) or declared_access(self.view)

    def offers(self, method: str) -> bool:
        """Whether an API route answers this method; of a page only GET and POST are asked."""
        if self.is_api:
            return hasattr(self.view.cls, method.lower())  # type: ignore[attr-defined]
        return method in ("GET", "POST")


def _walk(resolver: URLResolver, prefix: str = "") -> Iterator[Route]:
    for entry in resolver.url_patterns:
        part = str(entry.pattern)
        if isinstance(entry.pattern, RegexPattern):
            # The admin's two: the list of an app, and the net for what nothing else caught.
            part = "mes/" if "app_label" in part else "nothing-here"
        if isinstance(entry, URLResolver):
            yield from _walk(entry, prefix + part)
        else:
            assert isinstance(entry, URLPattern)
            yield Route(prefix + part, entry.callback)


def all_routes() -> list[Route]:
    """The routes by their address; of two at the same one the first answers."""
    found: dict[str, Route] = {}
    for route in _walk(get_resolver()):
        found.setdefault(route.path, route)
    return list(found.values())
