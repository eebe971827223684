"""Every route declares who may use it, and nobody else gets in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from mes.access import ACTS, ADMIN_SITE, PUBLIC, declared_access
from mes.models import FailedSignIn, Person, Role, RoleGrant, Site
from tests.mes.test_commands import bare_site

__all__ = ["bare_site"]


def routes(resolver: URLResolver, prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLResolver):
            yield from routes(pattern, prefix + str(pattern.pattern))
        else:
            yield prefix + str(pattern.pattern), pattern


def own_routes() -> list[tuple[str, URLPattern]]:
    """All but Django admin's, which carry its own check of staff and permission."""
    return [
        (path, pattern) for path, pattern in routes(get_resolver()) if not path.startswith("admin/")
    ]


def test_every_route_declares_its_access() -> None:
    undeclared = [
        path for path, pattern in own_routes() if declared_access(pattern.callback) is None
    ]

    assert len(own_routes()) > 5
    assert undeclared == []


def test_only_signing_in_and_health_are_public() -> None:
    public = {path for path, pattern in own_routes() if declared_access(pattern.callback) == PUBLIC}

    assert public <= {"sign-in/", "healthz", "readyz", "api/schema/", "api/docs/"}


def sample(path: str) -> str:
    """A URL of the route with ids that exist nowhere."""
    filled = []
    for part in path.split("/"):
        kind = part.removeprefix("<").split(":")[0]
        filled.append(part if not part.startswith("<") else "999999" if kind == "int" else "none")
    return "/" + "/".join(filled)


def test_a_stranger_gets_into_no_route(db: None) -> None:
    stranger = Client()
    for path, pattern in own_routes():
        act = declared_access(pattern.callback)
        if act in {PUBLIC, ADMIN_SITE}:
            continue
        for method in ("get", "post"):
            status = getattr(stranger, method)(sample(path)).status_code
            assert status in {302, 401, 403}, f"{method} {path}: {status}"


@pytest.mark.parametrize("role", Role.values)
def test_a_role_gets_only_into_its_own_acts(bare_site: Site, role: str) -> None:
    user = User.objects.create_user("someone")
    person = Person.objects.create(user=user, name="Some One")
    RoleGrant.objects.create(person=person, role=role, site=bare_site)
    client = Client(raise_request_exception=False)
    for path, pattern in own_routes():
        act = declared_access(pattern.callback)
        if act not in ACTS or path.startswith("api/"):
            continue
        for method in ("get", "post"):
            client.force_login(user)  # anew: one of the routes signs out
            status = getattr(client, method)(sample(path)).status_code
            if role in ACTS[act]:
                assert status < 500, f"{method} {path}: {status}"
                assert status != 403, f"{method} {path}: {status}"
            else:
                assert status == 403, f"{method} {path}: {status}"


def test_the_sixth_wrong_password_is_not_even_looked_at(db: None) -> None:
    User.objects.create_user("jana", password="right-password")
    client = Client()
    for _ in range(5):
        assert client.post("/sign-in/", {"username": "jana", "password": "no"}).status_code == 422

    page = client.post("/sign-in/", {"username": "jana", "password": "right-password"})

    assert page.status_code == 422
    assert b"Too many tries" in page.content
    assert FailedSignIn.objects.get().tries == 5


def test_after_signing_in_only_our_own_pages_open(bare_site: Site) -> None:
    user = User.objects.create_user("jana", password="right-password")
    RoleGrant.objects.create(
        person=Person.objects.create(user=user, name="Jana Marek"), role="PLANNER", site=bare_site
    )
    given = {"username": "jana", "password": "right-password"}

    ours = Client().post("/sign-in/", {**given, "next": "/statusz"})
    theirs = Client().post("/sign-in/", {**given, "next": "https://evil.example/"})

    assert ours["Location"] == "/statusz"
    assert theirs["Location"] == "/"


@pytest.mark.parametrize(
    ("host", "goes_to"),
    [
        ("localhost:8000", "http://127.0.0.1:8000/sign-in/?next=/tower/"),
        ("127.0.0.1:8000", None),
        ("localhost:9000", None),  # somebody forwards a port: leave him there
    ],
)
def test_who_comes_as_localhost_is_sent_to_the_name_that_the_stream_knows(
    db: None, settings: Any, host: str, goes_to: str | None
) -> None:
    settings.PAGE_ORIGIN, settings.ALLOWED_HOSTS = "http://127.0.0.1:8000", ["*"]
    page = Client().get("/sign-in/?next=/tower/", headers={"host": host})
    assert page.get("Location") == goes_to
    assert b"on your phone" not in page.content  # no phone reaches this machine's own address


def test_a_phone_is_shown_the_way_where_it_can_get_there(db: None, settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["mes.example"]
    page = Client().get("/sign-in/", headers={"host": "mes.example"})
    assert b"CNC-07 on your phone" in page.content
