"""Signing in: what it counts, where it leads."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from mes.models import FailedSignIn, Person, RoleGrant, Site
from mes.views import PERSONAS
from planning import northfield
from tests.mes.test_commands import bare_site

__all__ = ["bare_site"]


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


def test_everybody_of_the_demo_has_a_tile(db: None) -> None:
    assert {each["value"] for each in PERSONAS} == {persona.user for persona in northfield.PERSONAS}


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
