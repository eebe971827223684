"""Many terminals and planners, each with a connection of its own."""

from __future__ import annotations

import http.client
import json
import threading
import time
import urllib.parse
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

PATIENCE_S = 30.0
TRIES = 3


@dataclass(frozen=True)
class Heard:
    """How one sending ended, its repetitions included: status 0 where nobody answered."""

    status: int
    took_ms: float
    body: dict[str, Any]


class Hand:
    """One device or browser."""

    def __init__(self, url: str, headers: dict[str, str]) -> None:
        parts = urllib.parse.urlsplit(url)
        self.headers = headers
        self.connection = http.client.HTTPConnection(
            str(parts.hostname), parts.port, timeout=PATIENCE_S
        )

    def post(self, path: str, body: dict[str, Any], key: str) -> Heard:
        """Send as JSON with a key in the header, or as a form with the key in it."""
        headers = {**self.headers, "Idempotency-Key": key}
        if "Cookie" in self.headers:
            data = urllib.parse.urlencode({**body, "key": key})
        else:
            headers["Content-Type"], data = "application/json", json.dumps(body)
        began = time.perf_counter()
        for _try in range(TRIES):
            try:
                self.connection.request("POST", path, data, headers)
                answer = self.connection.getresponse()
                raw = answer.read()
            except (OSError, http.client.HTTPException):
                # The server closes what is idle for long; whoever sends then, sends again.
                self.connection.close()
                continue
            took_ms = (time.perf_counter() - began) * 1000
            is_json = "json" in (answer.headers.get("Content-Type") or "")
            return Heard(answer.status, took_ms, json.loads(raw) if is_json else {})
        return Heard(0, (time.perf_counter() - began) * 1000, {})


def all_at_once(hands: int, act: Callable[[int], list[Heard]]) -> list[Heard]:
    """Let so many threads begin at the same moment; everything that they heard."""
    barrier = threading.Barrier(hands)
    heard: list[Heard] = []
    lock = threading.Lock()

    def work(number: int) -> None:
        barrier.wait(timeout=60)
        found = act(number)
        with lock:
            heard.extend(found)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(hands)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return heard


def key() -> str:
    return str(uuid.uuid4())
