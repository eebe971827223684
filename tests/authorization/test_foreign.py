"""What belongs to another plant is answered as what does not exist, and shows up nowhere."""

from __future__ import annotations

import copy
import html
import json
import re
import uuid
from collections.abc import Iterator
from itertools import product
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.contrib.auth.models import Permission
from django.test import Client

from mes import live
from mes.access import MONITOR, PUBLIC
from mes.clock import wall_now
from mes.models import Role, Site
from planning import actions
from planning.api.examples import EVENTS
from planning.models import Disruption
from tests.authorization.foreign import (
    CODE,
    FOREIGN_ID,
    MARKER,
    OURS,
    SEARCH,
    codes_of,
    copy_of,
    models_of_a_site,
)
from tests.authorization.people import Caller, a_device, a_person
from tests.authorization.routes import NO_CODE, NO_ID, Route, all_routes

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("quiet")]


@pytest.fixture
def everything(northfield_site: Site) -> Caller:
    return a_person(northfield_site, *Role.values, name="Everything")


@pytest.fixture
def a_day(northfield_site: Site, data_dir: Any, everything: Caller) -> Site:
    """Northfield with a little of everything that can happen there."""
    tokens = json.loads((data_dir / "device-tokens.json").read_text())
    device = Client(headers={"Authorization": f"Bearer {tokens['SIMULATOR']}"})

    def post(**body: Any) -> None:
        answer = device.post(
            "/api/v1/events",
            json.dumps(body),
            content_type="application/json",
            headers={"Idempotency-Key": str(uuid.uuid4())},
        )
        assert answer.status_code in (200, 202), answer.content

    back_at = "2026-11-25T10:00:00+01:00"
    post(kind="breakdown", unit="CNC-04", reason="MECH-SPINDLE", note="alarm", back_at=back_at)
    post(kind="hold", lot="L-24-1187", reason="MAT-HARDNESS")
    post(kind="call", unit="CNC-07", whom="QUALITY", stopped=True, note="burr")
    post(kind="production", work_order="WO-2288", operation=20, good="10000")
    post(kind="closure", place="CNC-01", ends_at="2026-11-24T22:00:00+01:00", note="inspection")
    post(kind="order_cancel", order="SO-10464", line=1)
    post(
        kind="purchase",
        purchase_order="PO-5521",
        line=1,
        expected_at="2026-12-03T16:00:00+01:00",
        said_by="the supplier",
    )
    actions.recompute(northfield_site.pk, wall_now=wall_now())
    broken = Disruption.objects.get(site=northfield_site, kind=Disruption.Kind.BREAKDOWN)
    option = broken.options.filter(kind="ALTERNATE_UNIT", verdict="OFFERED").first()
    assert option is not None
    answer = everything.ask(
        "POST",
        f"/api/v1/disruptions/{broken.pk}/options/{option.pk}/accept",
        data={},
        content_type="application/json",
        headers={"Idempotency-Key": str(uuid.uuid4())},
    )
    assert answer.status_code == 200, answer.content
    actions.recompute(northfield_site.pk, wall_now=wall_now())
    return northfield_site


_CHANGING = re.compile(
    rb'nonce="[^"]*"|name="(?:csrfmiddlewaretoken|key)" value="[^"]*"|"X-CSRFToken": "[^"]*"'
    rb'|data-asked-ms="\d+"|[0-9a-f]{8}-[0-9a-f-]{27}'
)


def said(answer: Any, *names: Any) -> bytes:
    """What an answer says, without what is drawn anew each time and the names it repeats."""
    body = _CHANGING.sub(b"", answer.content)
    for name in names:
        body = body.replace(str(name).encode(), b"?")
    return body


FOREIGN_CODES = tuple(f"{code}{MARKER}" for code in ("CNC-04", "MILL-B", "WO-2288"))
# Of a pair of parameters one may be our own: the parent, or the kind of what the id is of.
TYPES = tuple(actions.SUBJECTS)
WORDS = {"subject_type": TYPES, "name": ("report", "start", "undo")}


def _asked(route: Route, own_pk: int) -> Iterator[tuple[str, str]]:
    """The addresses of a route with something foreign, each with its twin of nothing."""
    ways: list[list[tuple[Any, Any]]] = []
    for name, kind in route.parameters.items():
        own: list[Any] = list(WORDS.get(name, ()))
        if name == "unit_code" and len(route.parameters) > 1:
            own.append("CNC-04")
        if name == "pk" and "option_pk" in route.parameters:
            own.append(own_pk)
        strange = [(FOREIGN_ID, NO_ID)] if kind == "int" else [(c, NO_CODE) for c in FOREIGN_CODES]
        ways.append([*([] if name in WORDS else strange), *((each, each) for each in own)])
    for values in product(*ways):
        foreign = dict(zip(route.parameters, (each for each, _ in values), strict=True))
        nothing = dict(zip(route.parameters, (each for _, each in values), strict=True))
        if foreign != nothing:
            yield route.url(**foreign), route.url(**nothing)


def _ask(caller: Caller, method: str, url: str, *, api: bool) -> Any:
    key = str(uuid.uuid4())
    if api:
        return caller.ask(method, url, headers={"Idempotency-Key": key})
    return caller.ask(method, url, data={"key": key} if method == "POST" else None)


def _same(answer: Any, nothing: Any) -> bool:
    names = (FOREIGN_ID, *FOREIGN_CODES)
    return answer.status_code == nothing.status_code and said(answer, *names) == said(
        nothing, NO_ID, NO_CODE
    )


def test_a_foreign_id_or_code_is_answered_as_one_that_does_not_exist(
    a_day: Site, everything: Caller
) -> None:
    own = Disruption.objects.get(site=a_day, kind=Disruption.Kind.BREAKDOWN)
    there = copy_of(a_day)
    stranger = a_person(there, *Role.values, name="Stranger")
    routes = [
        each
        for each in all_routes()
        if each.parameters and not each.is_admin and each.act("GET") not in (PUBLIC, MONITOR)
    ]
    wrong, checks, known = [], 0, set()
    for caller in (everything, a_device(a_day, Role.ADMIN)):
        for route in routes:
            if caller.token and not route.is_api:
                continue
            for method in ("GET", "POST"):
                if not route.offers(method):
                    continue
                for url, twin in _asked(route, own.pk):
                    nothing = _ask(caller, method, twin, api=route.is_api)
                    answer = _ask(caller, method, url, api=route.is_api)
                    checks += 1
                    if not _same(answer, nothing):
                        wrong.append(f"{method} {url}: {answer.status_code}")
    for route, method in product(routes, ("GET", "POST")):
        for url, twin in _asked(route, own.pk) if route.offers(method) else ():
            nothing = _ask(stranger, method, twin, api=route.is_api)
            answer = _ask(stranger, method, url, api=route.is_api)
            if answer.status_code < 500 and not _same(answer, nothing):
                known.add(route.path)
    assert wrong == []
    assert checks > 200
    # To whom they belong they are something: the question can be answered with yes.
    assert len(known) >= 40, sorted({each.path for each in routes} - known)


def _leaves(body: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], str]]:
    """Every text of a body, with the way to it."""
    if isinstance(body, str):
        yield path, body
    elif isinstance(body, dict | list):
        for step, inner in body.items() if isinstance(body, dict) else enumerate(body):
            yield from _leaves(inner, (*path, step))


def _with(body: Any, path: tuple[Any, ...], value: str) -> Any:
    changed = copy.deepcopy(body)
    inner = changed
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    return changed


def test_an_event_that_names_a_foreign_code_is_refused_as_one_that_names_nothing(
    a_day: Site, everything: Caller
) -> None:
    codes = codes_of(copy_of(a_day))
    wrong, checks = [], 0
    for kind, body in EVENTS.items():
        for path, text in _leaves(body):
            foreign, nothing = f"{text}{MARKER}", f"{text}ZQXNOWHERE"
            if foreign not in codes:
                continue
            answers = [
                everything.ask(
                    "POST",
                    "/api/v1/events",
                    data=json.dumps(_with(body, path, name)),
                    content_type="application/json",
                    headers={"Idempotency-Key": str(uuid.uuid4())},
                )
                for name in (nothing, foreign)
            ]
            checks += 1
            if answers[0].status_code != answers[1].status_code or said(
                answers[0], nothing
            ) != said(answers[1], foreign):
                wrong.append(f"{kind} {path}: {answers[1].status_code} {answers[1].content!r}")
    assert wrong == []
    assert checks > 40


LINK = re.compile(rb'(?:href|hx-get|src|action)="(/[^"#]*)"')
# What the pages and the API read from an address.
NARROWED = ("q", "kind", "state", "item", "unit", "customer", "site")
SKIPPED = ("/static/", "/sign-out", "/admin/logout", "/admin/password_change", "/admin/jsi18n")


def crawl(caller: Caller, starts: list[str], most: int) -> dict[str, bytes]:
    """Every page and answer that links lead to, a few of each shape."""
    seen: dict[str, bytes] = {}
    shapes: dict[str, int] = {}
    waiting = list(starts)
    while waiting and len(seen) < most:
        url = waiting.pop(0)
        parts = urlsplit(url)
        shape = (
            re.sub(r"\d+|[A-Z]+-?[A-Z\d-]*", "#", parts.path)
            + "?"
            + "&".join(sorted(each.split("=")[0] for each in parts.query.split("&")))
        )
        if url in seen or parts.path.startswith(SKIPPED) or shapes.get(shape, 0) >= 2:
            continue
        shapes[shape] = shapes.get(shape, 0) + 1
        answer = caller.ask("GET", url)
        assert answer.status_code < 500, url
        body = b"".join(answer.streaming_content) if answer.streaming else answer.content
        seen[url] = body
        found = LINK.findall(body)
        if answer.get("Content-Type", "").startswith("application/") and b'"next"' in body:
            following = answer.json().get("next") if isinstance(answer.json(), dict) else None
            found += [following.split("testserver")[-1].encode()] if following else []
        if answer.status_code in (301, 302):
            found.append(answer["Location"].encode())
        waiting += [html.unescape(each.decode()) for each in found]
    return seen


def test_no_answer_to_a_person_of_one_plant_names_anything_of_another(
    a_day: Site, everything: Caller
) -> None:
    there = copy_of(a_day)
    assert everything.user is not None
    everything.user.is_staff = True
    everything.user.save()
    everything.user.user_permissions.set(
        Permission.objects.filter(content_type__app_label__in=OURS)
    )
    starts = [route.url() for route in all_routes() if not route.parameters]
    searches = [
        f"{url}?{name}={SEARCH}"
        for url in starts
        for name in NARROWED
        if not url.startswith(("/admin/", *SKIPPED))
    ]
    admin = [
        f"/admin/{model._meta.app_label}/{model._meta.model_name}/{tail}"
        for model in models_of_a_site()
        for tail in (f"?q={SEARCH}", "add/", f"{FOREIGN_ID}/change/", f"{FOREIGN_ID}/history/")
    ]
    autocomplete = [
        f"/admin/autocomplete/?app_label={model._meta.app_label}"
        f"&model_name={model._meta.model_name}&field_name={field.name}&term={SEARCH}"
        for model in models_of_a_site()
        for field in model._meta.concrete_fields
        if field.is_relation
    ]
    seen = crawl(everything, starts, most=500)
    for url in (*searches, *admin, *autocomplete):
        answer = everything.ask("GET", url)
        assert answer.status_code < 500, url
        seen[url] = b"".join(answer.streaming_content) if answer.streaming else answer.content
    leaks = [url for url, body in seen.items() if MARKER.encode() in body]
    assert leaks == []
    assert len(seen) > 500
    # The other way round the marker is there: the question can be answered with yes.
    stranger = a_person(there, *Role.values, name="Stranger")
    assert MARKER.encode() in stranger.ask("GET", "/api/v1/queues").content


def test_the_stream_of_another_plant_stays_shut(
    a_day: Site, everything: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    # It would close the test's own connection, and with it the transaction.
    monkeypatch.setattr(live, "close_old_connections", lambda: None)
    copy_of(a_day)
    assert everything.user is not None
    everything.ask("GET", "/healthz")
    session = everything.client.cookies[settings.SESSION_COOKIE_NAME].value
    assert live._authorized_site(session, CODE) is None
    assert live._authorized_site(session, "NOWHERE") is None
    assert live._authorized_site(session, a_day.code) == (everything.user.pk, a_day.pk)
