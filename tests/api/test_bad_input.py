"""What cannot be meant is answered 4xx in words, and not one row changes."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from django.apps import apps
from django.test import Client
from rest_framework import serializers

from mes.models import Role, ShopFloorEvent, Site
from planning.api.events import KINDS
from planning.api.examples import EVENTS
from tests.api.test_events import EVENTS as PATH
from tests.api.test_examples import Story
from tests.authorization.people import Caller, a_person
from tests.authorization.routes import all_routes

OURS = ("mes", "equipment", "materials", "workorders", "quality", "planning")
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("quiet")]


@pytest.fixture
def everything(northfield_site: Site) -> Caller:
    return a_person(northfield_site, *Role.values, name="Everything")


def rows() -> dict[str, int]:
    """How many rows every table has; the answers kept with their keys do not count."""
    return {
        model.__name__: model._default_manager.count()
        for label in OURS
        for model in apps.get_app_config(label).get_models()
        if model.__name__ != "CommandKey"
    }


def post(caller: Caller, raw: bytes, content_type: str = "application/json") -> Any:
    headers = {"Idempotency-Key": str(uuid.uuid4())}
    return caller.ask("POST", PATH, data=raw, content_type=content_type, headers=headers)


def assert_refused(answer: Any, said: str) -> None:
    assert 400 <= answer.status_code < 500, f"{said}: {answer.status_code}"
    body = answer.json()
    assert answer["Content-Type"].startswith("application/problem+json"), said
    assert body["message"].strip().endswith("."), f"{said}: {body}"


@pytest.mark.parametrize(
    "raw",
    [
        b'{"kind": "hold", "note": "' + b"x" * 10_000_000 + b'"}',
        b'{"kind": ' + b'{"a": ' * 50_000 + b"1" + b"}" * 50_001,
        b'{"kind": "order", "lines": ' + b"[" * 900 + b"]" * 900 + b"}",
        b'{"kind": "breakdown", "unit": "CNC-04", "note": "a\\u0000b"}',
        b'{"kind": "breakdown", "unit": "CNC-\\u000004"}',
        b'{"kind": "breakdown", "unit": "CNC-04", "unit": "CNC-05"}',
        b'{"kind": "breakdown", "unit": "CNC-04", "note": "\\ud800"}',
        b'{"kind": "breakdown\\u0000", "unit": "CNC-04"}',
        b"\x00\x01\x02",
        b"",
    ],
    ids=[
        "10 MB",
        "deep",
        "deep list",
        "NUL",
        "NUL code",
        "twice",
        "surrogate",
        "NUL kind",
        "binary",
        "empty",
    ],
)
def test_a_body_that_can_not_be_read_changes_nothing(everything: Caller, raw: bytes) -> None:
    before = rows()
    assert_refused(post(everything, raw), repr(raw[:40]))
    assert rows() == before


def test_another_content_type_is_not_read(everything: Caller) -> None:
    before = rows()
    body = json.dumps(EVENTS["breakdown"]).encode()
    for content_type in ("text/plain", "application/x-www-form-urlencoded", "text/csv"):
        answer = post(everything, body, content_type)
        assert answer.status_code == 415
        assert_refused(answer, content_type)
    assert rows() == before


QUANTITIES: tuple[Any, ...] = (
    "1e30",
    "NaN",
    "Infinity",
    "-Infinity",
    "-1",
    "1e-30",
    "1" * 40,
    "zehn",
    "",
    [],
    {},
)
INSTANTS: tuple[Any, ...] = (
    "1900-01-01T00:00:00Z",
    "9999-12-31T23:59:59Z",
    "0001-01-01T00:00:00+14:00",
    "2026-02-30T10:00:00Z",
    "yesterday",
    "",
    0,
    [],
)
NUMBERS: tuple[Any, ...] = (0, -1, 2**31, 2**63, 2**64, 1.5, "one", [], None)


WRONG: dict[type[serializers.Field[Any, Any, Any, Any]], tuple[Any, ...]] = {
    serializers.DecimalField: QUANTITIES,
    serializers.DateTimeField: INSTANTS,
    serializers.IntegerField: NUMBERS,
    serializers.ChoiceField: ("NOBODY", "", [], {}, None, 1),
    serializers.BooleanField: ("maybe", [], {}, None),
    serializers.ListField: ("x", {}, 1, None, [[]], [None], ["x"]),
    serializers.CharField: ("x" * 2000, [], {}, None),
}


def wrong_values(field: serializers.Field[Any, Any, Any, Any]) -> list[Any]:
    values = next(values for kind, values in WRONG.items() if isinstance(field, kind))
    least = getattr(field, "min_value", None)
    # Where no bound forbids it nought may be meant: a speed of nought is a pause.
    return [value for value in values if value != 0 or least not in (0, None)]


def wrong_bodies(kind: str, body: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """A valid body with one thing wrong in it, each thing of each field."""
    for name, field in KINDS[kind].body().fields.items():
        if name == "kind":
            continue
        for value in wrong_values(field):
            yield f"{kind}.{name}={str(value)[:24]!r}", {**body, name: value}
    yield f"{kind}: an unknown field", {**body, "colour": "red"}
    yield f"{kind}: another site", {**body, "site": 1}


@pytest.mark.parametrize("kind", list(KINDS))
def test_one_wrong_value_in_any_field_of_any_kind_changes_nothing(
    northfield_site: Site, everything: Caller, kind: str
) -> None:
    story = Story(northfield_site)
    story.lead_to(kind)
    before = rows()
    for said, body in wrong_bodies(kind, story.body_of(kind)):
        assert_refused(post(everything, json.dumps(body).encode()), said)
    assert rows() == before


BAD_FORM = (
    "\x00",
    "x" * 5000,
    "1" * 5000,
    "1e30",
    "NaN",
    "-1",
    "²",
    "9999-12-31T23:59",
    "0001-01-01T00:00",
    "⁂",
)


def test_no_page_breaks_at_a_strange_form_and_a_refused_one_stores_nothing(
    everything: Caller,
) -> None:
    names = (
        "to", "role", "text", "settlement", "minutes", "outcome", "note", "good", "scrap", "reason",
        "kind", "unit", "lot", "quantity", "back_at", "ends_at", "expected_at", "why", "version",
        "position", "job", "person", "speed", "name", "site", "until", "priority", "hours", "value",
        "place", "move", "line", "item", "customer", "rework", "decides", "username", "next",
    )  # fmt: skip
    wrong = []
    for route in all_routes():
        if route.is_admin or route.is_api or route.path in ("sign-out/", "sign-in/"):
            continue
        for value in BAD_FORM:
            form = dict.fromkeys(names, value) | {"key": str(uuid.uuid4())}
            before = ShopFloorEvent.objects.count()
            answer = everything.ask("POST", route.url(), data=form)
            refused = answer.status_code >= 400
            if answer.status_code >= 500 or (refused and ShopFloorEvent.objects.count() > before):
                wrong.append(f"{route.path} {value[:20]!r}: {answer.status_code}")
    assert wrong == []


def test_no_page_breaks_at_a_query_or_an_address_that_can_not_be_meant(everything: Caller) -> None:
    names = (
        "page",
        "q",
        "kind",
        "selected",
        "item",
        "unit",
        "wall",
        "state",
        "from",
        "day",
        "sort",
    )
    wrong = []
    for route in all_routes():
        if route.is_admin or route.is_api or route.path == "sign-out/":
            continue
        texts = [name for name, kind in route.parameters.items() if kind == "str"]
        for value in BAD_FORM:
            safe = quote(value[:500], safe="")
            asked = [route.url() + "?" + "&".join(f"{name}={safe}" for name in names)]
            asked += [route.url(**dict.fromkeys(texts, safe))] if texts else []
            for url in asked:
                answer = everything.ask("GET", url)
                if answer.status_code >= 500:
                    wrong.append(url[:120])
    assert wrong == []


def test_a_form_of_ten_megabytes_is_not_read(everything: Caller) -> None:
    before = rows()
    answer = everything.ask("POST", "/tokens/", data={"name": "x" * 10_000_000, "key": "1"})
    assert answer.status_code == 400
    assert b"too large" in answer.content
    assert rows() == before
    assert Client().post("/sign-in/", {"username": "x" * 10_000_000}).status_code < 500
