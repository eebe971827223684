"""Devices and terminals that send every message three times, out of order, until it is answered."""

from __future__ import annotations

import heapq
import http.client
import http.cookiejar
import json
import random
import threading
import time
import urllib.parse
import urllib.request
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from tests.fault.messages import Message

COPIES = 3
APART_S = 3.0  # how far apart the copies of a message are, at most
DROPPED = 0.08  # share of answers that get lost on the way back, after the commit
SENDERS = 12
PATIENCE_S = 10.0  # of a device for one answer
AGAIN_S = 0.4
REST_S = 0.2  # of a device that reached nobody


@dataclass(frozen=True)
class Answer:
    status: int
    body: dict[str, Any] | None  # of the API; a form's page is only looked at by its status


@dataclass
class Told:
    """What the copies of one message were answered."""

    message: Message
    answers: list[Answer] = field(default_factory=list)

    @property
    def acknowledged(self) -> bool:
        return any(answer.status < 400 for answer in self.answers)

    @property
    def agree(self) -> bool:
        """Every copy got the answer of the first one that was done."""
        first, *rest = self.answers or [Answer(0, None)]
        return all(answer == first for answer in rest)


class Terminal:
    """The browser of a station: a session and its token against forged requests."""

    def __init__(self, url: str, persona: str) -> None:
        jar = http.cookiejar.CookieJar()
        opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
        opener.open(f"{url}/sign-in/").close()
        form = {"persona": persona, "csrfmiddlewaretoken": _cookie(jar, "csrftoken")}
        opener.open(f"{url}/sign-in/", urllib.parse.urlencode(form).encode()).close()
        self.session = _cookie(jar, "sessionid")
        self.headers = {
            "Cookie": "; ".join(f"{each.name}={each.value}" for each in jar),
            "X-CSRFToken": _cookie(jar, "csrftoken"),
            "Content-Type": "application/x-www-form-urlencoded",
        }


def _cookie(jar: http.cookiejar.CookieJar, name: str) -> str:
    return next((str(each.value) for each in jar if each.name == name), "")


class Senders:
    """Sends what it is given when it is due, and keeps what was answered."""

    def __init__(self, url: str, token: str, chance: random.Random, *, copies: int = COPIES):
        parts = urllib.parse.urlsplit(url)
        self.host, self.port = str(parts.hostname), int(parts.port or 80)
        self.token, self.chance, self.copies = token, chance, copies
        self.terminal = Terminal(url, "petra")
        self.lock = threading.Condition()
        self.due: list[tuple[float, int, Message, bool]] = []
        self.number = 0
        self.told: dict[str, Told] = {}
        self.open = 0  # copies that are not answered yet
        self.statuses: Counter[int] = Counter()
        self.dropped = self.unreachable = self.without_retry_after = 0
        self.longest_s = 0.0
        self.bad_seconds: set[int] = set()
        self.ending = False
        self.threads = [threading.Thread(target=self._send_for_ever) for _ in range(SENDERS)]
        for thread in self.threads:
            thread.start()

    def give(self, message: Message, at: float) -> None:
        """Have a message's copies sent from the instant `at` on."""
        with self.lock:
            self.told[message.key] = Told(message)
            for copy in range(self.copies):
                drop = self.chance.random() < DROPPED
                self._push(at + copy * self.chance.uniform(0, APART_S / 2), message, drop)
            self.open += self.copies
            self.lock.notify_all()

    def _push(self, at: float, message: Message, drop: bool) -> None:
        self.number += 1
        heapq.heappush(self.due, (at, self.number, message, drop))

    def all_answered(self) -> bool:
        with self.lock:
            return self.open == 0

    def stop(self) -> None:
        with self.lock:
            self.ending = True
            self.lock.notify_all()
        for thread in self.threads:
            thread.join()

    def _next(self) -> tuple[Message, bool] | None:
        with self.lock:
            while not self.ending:
                if self.due and self.due[0][0] <= time.monotonic():
                    _at, _number, message, drop = heapq.heappop(self.due)
                    return message, drop
                wait = self.due[0][0] - time.monotonic() if self.due else None
                self.lock.wait(wait)
        return None

    def _send_for_ever(self) -> None:
        connection = http.client.HTTPConnection(self.host, self.port, timeout=PATIENCE_S)
        while (work := self._next()) is not None:
            message, drop = work
            began = time.monotonic()
            try:
                answer = self._send(connection, message, drop)
            except (OSError, http.client.HTTPException):
                connection.close()
                answer = None
                time.sleep(REST_S)
            self._heard(message, answer, began, drop=drop)
        connection.close()

    def _send(
        self, connection: http.client.HTTPConnection, message: Message, drop: bool
    ) -> Answer | None:
        if message.path:
            body = urllib.parse.urlencode({**message.body, "key": message.key})
            headers, path = self.terminal.headers, message.path
        else:
            body, path = json.dumps(message.body), "/api/v1/events"
            headers = {
                "Authorization": f"Bearer {self.token}",
                "Content-Type": "application/json",
                "Idempotency-Key": message.key,
            }
        connection.request("POST", path, body, headers)
        if drop:
            # It has begun to answer, so it has committed; nobody here ever reads it.
            connection.sock.recv(1)
            connection.close()
            return Answer(0, None)
        response = connection.getresponse()
        raw = response.read()
        if response.status >= 500 and response.headers.get("Retry-After") is None:
            with self.lock:
                self.without_retry_after += 1
        is_json = "json" in response.headers.get("Content-Type", "")
        return Answer(response.status, json.loads(raw) if is_json else None)

    def _heard(self, message: Message, answer: Answer | None, began: float, *, drop: bool) -> None:
        with self.lock:
            now = time.monotonic()
            if answer is None:
                self.unreachable += 1
                self.bad_seconds.add(int(began))
            elif answer.status == 0:
                self.dropped += 1
            else:
                self.statuses[answer.status] += 1
                self.longest_s = max(self.longest_s, now - began)
                if answer.status < 500:
                    self.told[message.key].answers.append(answer)
                    self.open -= 1
                    return
                self.bad_seconds.add(int(began))
            self._push(now + AGAIN_S * self.chance.uniform(0.5, 1.5), message, False)
            self.lock.notify()
