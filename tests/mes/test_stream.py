"""The live stream, as a browser reads it: real process, real socket."""

from __future__ import annotations

import http.client
import json
import time
from typing import Any
from urllib.parse import urlsplit

import pytest
import redis
from django.conf import settings
from django.contrib.auth.models import User
from django.db.models import F
from django.test import Client

from mes.models import Person, RoleGrant, Site, SiteHead, SitePlan
from tests import servers

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


@pytest.fixture
def plant(transactional_db: None, running_plant: servers.Plant) -> servers.Plant:
    site = Site.objects.create(code="T1", name="Test plant")
    SiteHead.objects.create(site=site)
    SitePlan.objects.create(site=site, plan_version=7, dirty=False)
    person = Person.objects.create(user=User.objects.create_user("jana"), name="Jana Marek")
    RoleGrant.objects.create(person=person, role="PLANNER", site=site)
    return running_plant


def now_ms() -> int:
    return round(time.time() * 1000)


def hint(*topics: str, version: int | None = None) -> None:
    """What any process of the plant says when these topics of the site changed."""
    said = {"site": Site.objects.get().pk, "topics": topics, "version": version, "seq": 1}
    client = redis.Redis.from_url(settings.REDIS_URL)
    text = json.dumps({**said, "t_event_ms": None})
    assert servers.eventually(lambda: client.publish("live", text) > 0, 10)


def cookie() -> str:
    client = Client()
    client.force_login(User.objects.get(username="jana"))
    return f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"


class Stream:
    """A reader of server-sent events that knows only HTTP."""

    def __init__(self, plant: servers.Plant, query: str, **headers: str) -> None:
        if "heard=" not in query:
            query += f"&heard={now_ms()}"
        at = urlsplit(plant.stream_url)
        self.connection = http.client.HTTPConnection(at.hostname or "", at.port, timeout=12)
        self.connection.request("GET", f"/live?{query}", headers=headers)
        self.response = self.connection.getresponse()

    def frame(self, event: str) -> dict[str, Any]:
        """The data of the next frame of that kind."""
        kind, until = "", time.monotonic() + 30
        while time.monotonic() < until:
            line = self.response.readline().decode().rstrip("\n")
            if line.startswith("event: "):
                kind = line.removeprefix("event: ")
            elif line.startswith("data: ") and kind == event:
                return dict(json.loads(line.removeprefix("data: ")))
        raise AssertionError(f"no {event} in 30 s")

    def close(self) -> None:
        self.connection.close()


def test_a_page_that_missed_versions_is_told_to_read_again(plant: servers.Plant) -> None:
    stream = Stream(plant, "site=T1&since=3", Cookie=cookie())

    notice = stream.frame("notice")

    assert notice["topics"] == ["resync"]
    assert notice["version"] == 7
    stream.close()


def test_a_heartbeat_says_how_far_behind_the_plan_is(plant: servers.Plant) -> None:
    SiteHead.objects.update(seq=5)
    SitePlan.objects.update(computed_seq=3)
    stream = Stream(plant, "site=T1&since=7", Cookie=cookie())

    beat = stream.frame("heartbeat")

    assert (beat["seq"], beat["computed_seq"], beat["behind"]) == (5, 3, 2)
    stream.close()


def test_a_hint_reaches_the_page_with_ids_only(plant: servers.Plant) -> None:
    stream = Stream(plant, "site=T1&since=7", Cookie=cookie())
    stream.frame("heartbeat")
    hint("inbox", version=8)

    assert stream.frame("notice")["topics"] == ["inbox"]
    stream.close()


def test_hints_that_come_out_of_order_never_take_a_page_back(plant: servers.Plant) -> None:
    stream = Stream(plant, "site=T1&since=7", Cookie=cookie())
    stream.frame("heartbeat")
    for version, topic in ((9, "inbox"), (8, "holds")):
        hint(topic, version=version)

    newer, older = stream.frame("notice"), stream.frame("notice")

    assert (newer["topics"], newer["version"]) == (["inbox"], 9)
    assert (older["topics"], older["version"]) == (["holds"], 9)
    assert stream.frame("heartbeat")["version"] == 9
    stream.close()


def test_what_was_said_between_a_pages_drawing_and_its_stream_is_told_again(
    plant: servers.Plant,
) -> None:
    hint("before")
    time.sleep(0.6)
    drawn = now_ms()
    hint("impact:5")
    hint("tasks")
    time.sleep(0.4)

    stream = Stream(plant, f"site=T1&since=7&heard={drawn}", Cookie=cookie())

    assert stream.frame("notice")["topics"] == ["impact:5", "tasks"]
    stream.close()


@pytest.mark.parametrize("heard", ["0", "1", str(now_ms() - 3_600_000)])
def test_a_page_older_than_what_is_remembered_reads_everything_again(
    plant: servers.Plant, heard: str
) -> None:
    stream = Stream(plant, f"site=T1&since=7&heard={heard}", Cookie=cookie())

    assert stream.frame("notice")["topics"] == ["resync"]
    stream.close()


def test_without_a_hint_the_poll_of_the_record_is_enough(plant: servers.Plant) -> None:
    stream = Stream(plant, "site=T1&since=7", Cookie=cookie())
    stream.frame("heartbeat")
    time.sleep(1.2)
    SitePlan.objects.update(plan_version=F("plan_version") + 1)

    notice = stream.frame("notice")

    assert notice["topics"] == ["resync"]
    assert notice["version"] == 8
    stream.close()


@pytest.mark.parametrize(
    ("query", "with_cookie", "origin", "status"),
    [
        ("site=T1&since=0", False, None, 403),
        ("site=ELSEWHERE&since=0", True, None, 403),
        ("site=T1&since=x", True, None, 403),
        ("site=T1&since=0&heard=x", True, None, 403),
        ("site=T1&since=0", True, "https://evil.example", 403),
    ],
)
def test_only_a_signed_in_page_of_ours_may_read(
    plant: servers.Plant, query: str, with_cookie: bool, origin: str | None, status: int
) -> None:
    headers = {"Cookie": cookie()} if with_cookie else {}
    if origin:
        headers["Origin"] = origin

    stream = Stream(plant, query, **headers)

    assert stream.response.status == status
    assert "access-control-allow-origin" not in {
        name.lower() for name, _ in stream.response.getheaders()
    }
    stream.close()


def test_the_seventh_stream_of_a_person_is_refused_with_words(plant: servers.Plant) -> None:
    own = cookie()
    streams = [Stream(plant, "site=T1&since=7", Cookie=own) for _ in range(7)]

    assert [stream.response.status for stream in streams] == [200] * 6 + [503]
    assert b"close a window" in streams[6].response.read()
    for stream in streams:
        stream.close()


def test_a_closed_page_makes_room_at_once(plant: servers.Plant) -> None:
    own = cookie()
    for _ in range(9):
        stream = Stream(plant, "site=T1&since=7", Cookie=own)
        assert stream.response.status == 200
        stream.close()
        time.sleep(0.1)
