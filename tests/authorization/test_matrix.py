"""Every route x method x caller: what the access table says is what is answered."""

from __future__ import annotations

import inspect
import time
from collections import Counter
from functools import partial
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from mes import urls
from mes.access import ACTS, ADMIN_SITE, MONITOR, NEEDS, PUBLIC, AccessMiddleware
from mes.models import Role, Site
from planning.api.events import KINDS
from tests.authorization.people import Caller, a_person, everybody
from tests.authorization.routes import Route, all_routes

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("quiet")]


def _plainly(status: int, request: HttpRequest, exception: Exception) -> HttpResponse:
    return HttpResponse(str(exception), status=status)


@pytest.fixture
def refused_plainly(monkeypatch: pytest.MonkeyPatch) -> None:
    """One page says every refusal; drawing it thousands of times would only be slow."""
    for status in (403, 404):
        monkeypatch.setattr(urls, f"handler{status}", partial(_plainly, status), raising=False)


class Door:
    """Draws a page for the first who may open it; who comes later is only let in or turned away.

    Who may open a page is decided before its view runs, so the others' pages would say no more.
    A view that refuses by itself is asked each time.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.drawn: set[str] = set()
        decide = AccessMiddleware.process_view

        def process_view(
            this: AccessMiddleware, request: HttpRequest, view: Any, args: Any, kwargs: Any
        ) -> HttpResponse | None:
            answer = decide(this, request, view, args, kwargs)
            assert request.resolver_match is not None
            is_drawn = request.method == "GET" and request.resolver_match.route in self.drawn
            return HttpResponse("let in") if answer is None and is_drawn else answer

        monkeypatch.setattr(AccessMiddleware, "process_view", process_view)

    def saw(self, route: Route, method: str, answer: HttpResponse) -> None:
        if method != "GET" or route.is_api or route.is_admin or answer.status_code != 200:
            return
        if "PermissionDenied" not in inspect.getsource(inspect.unwrap(route.view)):
            self.drawn.add(route.path)


def expected(route: Route, method: str, caller: Caller) -> set[int]:
    """The statuses that the table allows; 404 and 422 say that nothing was named."""
    act = route.act(method)
    if act == MONITOR:
        return {403}  # to a scraper with its own token: none of these has it
    if act == PUBLIC:
        return {200, 302, 405, 422, 503}
    if act == ADMIN_SITE:
        return {302}  # to the office's own sign-in: none of these is staff
    assert act is not None
    known = caller.acts and caller.roles
    if route.is_api:
        if not known:
            return {401}
        if not caller.may(ACTS[act], act):
            return {403}
        return {200, 404, 422} if route.offers(method) else {405}
    if not (caller.acts and caller.user):
        return {302}
    if not caller.may(ACTS[act], act):
        return {403}
    return {200, 302, 404, 405, 422} if route.offers(method) else {405}


def test_every_route_declares_its_access() -> None:
    undeclared = [each.path for each in all_routes() if each.act("GET") is None]
    assert undeclared == []
    public = {each.path for each in all_routes() if each.act("GET") == PUBLIC}
    assert public == {
        "sign-in/",
        "admin/login/",
        "healthz",
        "readyz",
        "api/schema/",
        "api/docs/",
    }


def test_every_route_answers_everybody_as_the_table_says(
    northfield_site: Site,
    record_property: Any,
    refused_plainly: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    door = Door(monkeypatch)
    callers, routes = everybody(northfield_site), all_routes()
    sign_in = reverse("mes:sign_in")
    wrong, checks, began = [], 0, time.perf_counter()
    statuses: Counter[int] = Counter()
    for caller in callers:
        if caller.name == "Everything":
            door.drawn.clear()  # whose pages show the most
        for route in routes:
            if route.is_admin and caller.name != "Everything":
                continue  # the office asks for staff, whatever the role
            # A token opens no page, so there is one question to ask of each.
            for method in ("GET",) if caller.token and not route.is_api else route.methods:
                answer = caller.ask(method, route.url())
                checks += 1
                statuses[answer.status_code] += 1
                door.saw(route, method, answer)
                allowed = expected(route, method, caller)
                said = f"{method} /{route.path} as {caller.name}: {answer.status_code}"
                if answer.status_code not in allowed:
                    wrong.append(f"{said}, not one of {sorted(allowed)}")
                elif allowed == {302} and not route.is_admin:
                    if not answer["Location"].startswith(sign_in):
                        wrong.append(f"{said} to {answer['Location']}")
                elif allowed in ({401}, {403}) and route.is_api:
                    code = "not_signed_in" if allowed == {401} else "no_right"
                    if answer.json()["code"] != code:
                        wrong.append(f"{said}: {answer.json()}")
    took = time.perf_counter() - began
    print(f"\n{checks} checks of {len(routes)} routes in {took:.1f} s: {dict(statuses)}")
    record_property("checks", checks)
    assert wrong == [], "\n".join(wrong)


def test_a_refused_page_says_what_it_needs(northfield_site: Site) -> None:
    operator = a_person(northfield_site, Role.OPERATOR)
    refused = operator.ask("GET", reverse("planning:morning"))
    assert refused.status_code == 403
    assert str(NEEDS["morning.read"]) in refused.content.decode()
    missing = operator.ask("GET", reverse("workorders:detail", args=["no-such-code"]))
    assert missing.status_code == 404
    assert b"</html>" in missing.content


def test_every_kind_of_event_asks_for_its_own_act(northfield_site: Site) -> None:
    wrong = []
    for caller in everybody(northfield_site):
        for name, kind in KINDS.items():
            answer = caller.ask(
                "POST", "/api/v1/events", data={"kind": name}, content_type="application/json"
            )
            if not (caller.acts and caller.roles):
                allowed = {401}
            elif caller.may(ACTS[kind.access], kind.access):
                allowed = {404, 422}
            else:
                allowed = {403}
            if answer.status_code not in allowed:
                wrong.append(f"{name} as {caller.name}: {answer.status_code}")
    assert wrong == []
