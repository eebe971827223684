"""A database that is away for a while: every page says so, and when to try again."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest
from django.db import connection
from django.test import Client

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def away() -> Iterator[None]:
    name = connection.settings_dict["NAME"]
    connection.close()
    connection.settings_dict["NAME"] = "no_such_database"
    yield
    connection.close()
    connection.settings_dict["NAME"] = name


@pytest.fixture
def visitor() -> Client:
    visitor = Client(raise_request_exception=False)
    visitor.cookies["sessionid"] = "a-session-that-nobody-can-read-now"
    return visitor


def test_a_page_says_when_to_try_again(away: None, visitor: Client) -> None:
    answer = visitor.get("/tower/")

    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert b"The record cannot be reached right now." in answer.content


def test_a_form_sent_by_htmx_gets_a_note_in_its_place(away: None, visitor: Client) -> None:
    answer = visitor.post(
        "/floor/CNC-07/down/", {"key": uuid.uuid4()}, headers={"HX-Request": "true"}
    )

    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert answer.content.count(b"<html") == 0
    assert b"Not now." in answer.content


def test_a_device_is_told_to_send_the_same_key_again(away: None, visitor: Client) -> None:
    answer = visitor.post(
        "/api/v1/events",
        {"kind": "repair", "unit": "CNC-07"},
        content_type="application/json",
        headers={"Idempotency-Key": str(uuid.uuid4()), "Authorization": "Bearer any"},
    )

    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert "with the same key" in answer.json()["message"]


def test_a_fault_of_ours_is_still_one(
    db: None, visitor: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ValueError("odd")

    monkeypatch.setattr("mes.monitor.health.troubles", broken)

    answer = visitor.get("/readyz", headers={"X-Request-ID": "number-of-this-one"})

    assert answer.status_code == 500
    assert b"The fault is ours" in answer.content
    assert b"number-of-this-one" in answer.content
