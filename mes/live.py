"""Tells open pages that something changed: ids only, each page reads again what it may see.

Redis is a hint and may be away; the stream process also polls the record each second. Nothing
is lost when a notice is: a page that connects says which plan version it has and when it last
read or heard anything, and is told what came since. Whoever can't know tells it to read again.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import parse_qs

import redis
import redis.asyncio as aioredis
from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import close_old_connections, connection
from django.utils import timezone

from mes.access import actor_for, may
from mes.acting import number
from mes.breaker import to_redis
from mes.models import Person, Site

log = logging.getLogger(__name__)

CHANNEL = "live"
HEARTBEAT_S = 5.0
POLL_S = 1.0
RECHECK_S = 60.0
REMEMBERED_S = 60.0
# How far the clock of a web process may be before the stream's.
SKEW_MS = 250
STREAMS_PER_USER = 6
STREAMS_PER_PROCESS = 500


class _Publisher:
    client: redis.Redis | None = None


def publish(
    site_id: int,
    topics: Iterable[str],
    *,
    version: int | None = None,
    seq: int | None = None,
    event_at: datetime | None = None,
) -> bool:
    """Hint to the stream processes that these topics of the site changed.

    event_at   when the newest event that this answers was received, for the measured delay.

    Bounded and never raises: after a failure nobody tries again for ten seconds.
    """
    if not to_redis.lets_through():
        return False
    message = {
        "site": site_id,
        "topics": sorted(set(topics)),
        "version": version,
        "seq": seq,
        "t_event_ms": round(event_at.timestamp() * 1000) if event_at else None,
    }
    try:
        if _Publisher.client is None:
            _Publisher.client = redis.Redis.from_url(
                settings.REDIS_URL, socket_timeout=0.5, socket_connect_timeout=0.5
            )
        _Publisher.client.publish(CHANNEL, json.dumps(message))
    except redis.RedisError:
        to_redis.broke()
        log.warning("a live hint could not be published; the stream polls the record")
        return False
    to_redis.works()
    return True


@dataclass(slots=True)
class _Standing:
    """What the record says of one site."""

    version: int
    seq: int
    computed_seq: int
    behind_s: float
    as_of: str | None

    def heartbeat(self) -> dict[str, Any]:
        return {
            "version": self.version,
            "seq": self.seq,
            "computed_seq": self.computed_seq,
            "behind": self.seq - self.computed_seq,
            "behind_s": round(self.behind_s, 1),
            "as_of": self.as_of,
            "server_ms": _now_ms(),
        }


_STANDING_SQL = """
    select p.site_id, p.plan_version, h.seq, p.computed_seq, p.as_of,
           coalesce(extract(epoch from clock_timestamp() - (
               select e.received_at from mes_shopfloorevent e
                where e.site_id = p.site_id and e.seq = p.computed_seq + 1)), 0)
      from mes_siteplan p join mes_sitehead h on h.site_id = p.site_id
     where p.site_id = any(%s)
"""


def _read_standings(site_ids: list[int]) -> dict[int, _Standing]:
    close_old_connections()
    with connection.cursor() as cursor:
        cursor.execute(_STANDING_SQL, [site_ids])
        return {
            site_id: _Standing(
                version=version,
                seq=seq,
                computed_seq=computed,
                behind_s=float(age),
                as_of=as_of.isoformat() if as_of else None,
            )
            for site_id, version, seq, computed, as_of, age in cursor.fetchall()
        }


def _authorized_site(session_key: str, site_code: str) -> tuple[int, int] | None:
    """(user id, site id) if that session may read that site's plan now, else None."""
    close_old_connections()
    session = Session.objects.filter(pk=session_key, expire_date__gt=timezone.now()).first()
    if session is None:
        return None
    user_id = session.get_decoded().get("_auth_user_id", "")
    if not user_id:
        return None
    person = Person.objects.filter(user_id=user_id, user__is_active=True).first()
    site = Site.objects.filter(code=site_code).first()
    if person is None or site is None or not may(actor_for(person, site), "plan.read"):
        return None
    return int(user_id), site.pk


@dataclass(eq=False, slots=True)
class _Listener:
    site_id: int
    queue: asyncio.Queue[tuple[str, dict[str, Any]]] = field(
        default_factory=lambda: asyncio.Queue(64)
    )

    def send(self, event: str, data: dict[str, Any]) -> None:
        try:
            self.queue.put_nowait((event, data))
        except asyncio.QueueFull:
            # A page that does not read: drop what waits and let it read everything anew.
            while not self.queue.empty():
                self.queue.get_nowait()
            self.queue.put_nowait(("notice", {**data, "topics": ["resync"]}))


class Hub:
    """One Redis subscription and one poll per process, fanned out to its open streams."""

    def __init__(self) -> None:
        self.listeners: set[_Listener] = set()
        self.per_user: Counter[int] = Counter()
        self.told: dict[int, int] = {}
        self.hears_since_ms: float | None = None
        self.heard: deque[tuple[float, dict[str, Any]]] = deque()
        self.standings: dict[int, _Standing] = {}
        self.tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        if not self.tasks or any(task.done() for task in self.tasks):
            for task in self.tasks:
                task.cancel()
            self.tasks = [
                asyncio.create_task(self._hints()),
                asyncio.create_task(self._poll()),
            ]

    def _tell(self, site_id: int, event: str, data: dict[str, Any]) -> None:
        for listener in list(self.listeners):
            if listener.site_id == site_id:
                listener.send(event, data)

    def topics_since(self, site_id: int, since_ms: int) -> set[str]:
        """What a page of the site missed that last read or heard anything then, by this clock."""
        since = since_ms - SKEW_MS
        if self.hears_since_ms is None:
            return {"resync"}
        if since < max(self.hears_since_ms, _now_ms() - REMEMBERED_S * 1000):
            return {"resync"}
        return {
            topic
            for at, hint in self.heard
            if at >= since and hint["site"] == site_id
            for topic in hint["topics"]
        }

    def _hears_again(self) -> None:
        """What was said while nobody listened is unknown: every open page reads again."""
        self.hears_since_ms = _now_ms()
        self.heard.clear()
        for site_id in {listener.site_id for listener in self.listeners}:
            self._tell(site_id, "notice", _resync(None, None))

    def _remember(self, hint: dict[str, Any]) -> None:
        now = _now_ms()
        self.heard.append((now, hint))
        while self.heard[0][0] < now - REMEMBERED_S * 1000:
            self.heard.popleft()

    async def _hints(self) -> None:
        while True:
            self.hears_since_ms = None
            try:
                async with (
                    aioredis.Redis.from_url(
                        settings.REDIS_URL, socket_connect_timeout=2, health_check_interval=5
                    ) as client,
                    client.pubsub() as subscription,
                ):
                    await subscription.subscribe(CHANNEL)
                    async for message in subscription.listen():
                        if message["type"] == "subscribe":
                            self._hears_again()
                        if message["type"] == "message":
                            hint = json.loads(message["data"])
                            if hint["version"] is not None:
                                told = self.told.get(hint["site"], 0)
                                self.told[hint["site"]] = max(told, hint["version"])
                            self._remember(hint)
                            self._tell(hint["site"], "notice", hint)
            except (redis.RedisError, OSError):
                await asyncio.sleep(1)

    async def _poll(self) -> None:
        beat_at = 0.0
        while True:
            sites = sorted({listener.site_id for listener in self.listeners})
            if sites:
                try:
                    self.standings = await sync_to_async(_read_standings, thread_sensitive=False)(
                        sites
                    )
                except Exception:
                    # No heartbeat goes out: the pages see for themselves that nothing is live.
                    log.warning("the record could not be read", exc_info=True)
                    await asyncio.sleep(POLL_S)
                    continue
                beat = time.monotonic() >= beat_at
                for site_id, standing in self.standings.items():
                    if standing.version > self.told.get(site_id, 0):
                        if site_id in self.told:
                            again = _resync(standing.version, standing.computed_seq)
                            self._tell(site_id, "notice", again)
                        self.told[site_id] = standing.version
                    if beat or standing.seq > standing.computed_seq:
                        self._tell(site_id, "heartbeat", standing.heartbeat())
                if beat:
                    beat_at = time.monotonic() + HEARTBEAT_S
            await asyncio.sleep(POLL_S)


_hubs: dict[asyncio.AbstractEventLoop, Hub] = {}


def hub() -> Hub:
    loop = asyncio.get_running_loop()
    found = _hubs.setdefault(loop, Hub())
    found.start()
    return found


def open_streams() -> int:
    """How many pages this process tells of changes."""
    return sum(len(each.listeners) for each in list(_hubs.values()))


def _now_ms() -> int:
    return round(time.time() * 1000)


def _resync(version: int | None, seq: int | None) -> dict[str, Any]:
    return {"topics": ["resync"], "version": version, "seq": seq, "t_event_ms": None}


def _frame(event: str, data: dict[str, Any]) -> bytes:
    return f"event: {event}\ndata: {json.dumps(data)}\n\n".encode()


async def _frames(
    here: Hub,
    listener: _Listener,
    since: int,
    heard: int,
    session_key: str,
    site_code: str,
    gone: asyncio.Task[None],
) -> AsyncIterator[bytes]:
    newest = 0

    def frame(event: str, data: dict[str, Any]) -> bytes:
        # A hint that was passed on the way, or a reading from before it, never takes a page back.
        nonlocal newest
        if data["version"] is not None:
            newest = max(newest, data["version"])
            data = {**data, "version": newest}
        return _frame(event, data)

    yield b"retry: 2000\n\n"
    standings = await sync_to_async(_read_standings, thread_sensitive=False)([listener.site_id])
    standing = standings[listener.site_id]
    here.told.setdefault(listener.site_id, standing.version)
    missed = {"resync"} if since < standing.version else here.topics_since(listener.site_id, heard)
    if missed:
        again = _resync(standing.version, standing.computed_seq)
        yield frame("notice", again | {"topics": sorted(missed)})
    yield frame("heartbeat", standing.heartbeat())
    recheck_at = time.monotonic() + RECHECK_S
    while not gone.done():
        # Whichever is first: a reloaded page must not go on counting as an open stream.
        waiting = asyncio.ensure_future(listener.queue.get())
        await asyncio.wait({waiting, gone}, timeout=10, return_when=asyncio.FIRST_COMPLETED)
        if waiting.done():
            event, data = waiting.result()
            yield frame(event, data)
        else:
            waiting.cancel()
        if time.monotonic() >= recheck_at:
            allowed = await sync_to_async(_authorized_site, thread_sensitive=False)(
                session_key, site_code
            )
            if allowed is None:
                return
            recheck_at = time.monotonic() + RECHECK_S


def _refuse(status: int, text: str) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    return status, [(b"content-type", b"text/plain; charset=utf-8")], text.encode()


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """The ASGI application of the stream process: GET /live?site=CODE&since=VERSION&heard=MS."""
    if scope["type"] == "lifespan":
        await _lifespan(receive, send)
        return
    if scope["type"] != "http":
        return
    headers = {name.decode().lower(): value.decode() for name, value in scope["headers"]}
    cross = _cross_origin(headers)
    if scope["path"] == "/healthz":
        await _answer(send, *_refuse(200, "ok"))
        return
    if scope["path"] != "/live" or scope["method"] != "GET":
        await _answer(send, *_refuse(404, "not found"))
        return
    if cross is None:
        await _answer(send, *_refuse(403, "this origin may not read the stream"))
        return
    await _live(scope, headers, cross, receive, send)


async def _live(
    scope: dict[str, Any],
    headers: dict[str, str],
    cross: list[tuple[bytes, bytes]],
    receive: Any,
    send: Any,
) -> None:
    query = parse_qs(scope["query_string"].decode())
    site_code = query.get("site", [""])[0]
    since = number(query.get("since", ["0"])[0])
    heard = number(query.get("heard", ["0"])[0])
    morsel = SimpleCookie(headers.get("cookie", "")).get(settings.SESSION_COOKIE_NAME)
    session_key = morsel.value if morsel else ""
    allowed = await sync_to_async(_authorized_site, thread_sensitive=False)(session_key, site_code)
    if allowed is None or since is None or heard is None:
        status, plain, text = _refuse(403, "sign in first")
        await _answer(send, status, plain + cross, text)
        return
    user_id, site_id = allowed
    here = hub()
    full = len(here.listeners) >= STREAMS_PER_PROCESS
    if full or here.per_user[user_id] >= STREAMS_PER_USER:
        status, plain, text = _refuse(503, "too many open streams; close a window")
        await _answer(send, status, [*plain, *cross, (b"retry-after", b"10")], text)
        return

    listener = _Listener(site_id)
    here.listeners.add(listener)
    here.per_user[user_id] += 1
    gone = asyncio.create_task(_until_disconnect(receive))
    try:
        await send(
            {
                "type": "http.response.start",
                "status": 200,
                "headers": [
                    (b"content-type", b"text/event-stream"),
                    (b"cache-control", b"no-cache, no-transform"),
                    (b"x-accel-buffering", b"no"),
                    *cross,
                ],
            }
        )
        frames = _frames(here, listener, since, heard, session_key, site_code, gone)
        async for chunk in frames:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
    except OSError:
        log.debug("a page closed its stream")
    finally:
        gone.cancel()
        here.listeners.discard(listener)
        here.per_user[user_id] -= 1


def _cross_origin(headers: dict[str, str]) -> list[tuple[bytes, bytes]] | None:
    """Headers that let exactly the pages' origin read the stream; None refuses the origin."""
    origin = headers.get("origin")
    if origin is None:
        return []
    own = {f"http://{headers.get('host', '')}", f"https://{headers.get('host', '')}"}
    if origin in own:
        return []
    if settings.PAGE_ORIGIN and origin == settings.PAGE_ORIGIN:
        return [
            (b"access-control-allow-origin", origin.encode()),
            (b"access-control-allow-credentials", b"true"),
            (b"vary", b"Origin"),
        ]
    return None


async def _until_disconnect(receive: Any) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _answer(send: Any, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _lifespan(receive: Any, send: Any) -> None:
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            # It listens before the first page does: what came in between is told then.
            hub()
            await send({"type": "lifespan.startup.complete"})
        elif message["type"] == "lifespan.shutdown":
            await send({"type": "lifespan.shutdown.complete"})
            return
