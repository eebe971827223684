"""What is done to the plant while it works."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import threading
import time
from collections.abc import Callable

import psycopg2
import redis

from tests.fault.stack import Stack

HUNG_S = 2.5
HOLD_S = 0.4


def _killed(name: str, signum: signal.Signals = signal.SIGKILL) -> Callable[[Stack], bool]:
    return lambda stack: stack.send(name, signum)


def emptied(stack: Stack) -> bool:
    try:
        with redis.Redis.from_url(os.environ["REDIS_URL"], socket_timeout=2) as client:
            client.flushall()
    except redis.RedisError:
        return False
    return True


def hung(stack: Stack) -> bool:
    """Redis takes connections and answers nobody, for a while."""
    pid = stack.pid("valkey")
    if not stack.send("valkey", signal.SIGSTOP):
        return False

    def wake() -> None:
        if stack.pid("valkey") == pid:
            stack.send("valkey", signal.SIGCONT)

    threading.Timer(HUNG_S, wake).start()
    return True


def deadlock(stack: Stack) -> bool:
    """Take a site's locks in the opposite order: whoever reports meanwhile meets 40P01.

    The head first, which every command locks last; then, once commands wait for it, the rows
    that they hold. Their wait began first, so PostgreSQL finds the circle in one of theirs.
    """
    try:
        connection = psycopg2.connect(os.environ["DATABASE_URL"])
    except psycopg2.OperationalError:
        return False
    threading.Thread(target=_against_the_order, args=[connection]).start()
    return True


def _against_the_order(connection: psycopg2.extensions.connection) -> None:
    with contextlib.closing(connection), contextlib.suppress(psycopg2.Error), connection:
        cursor = connection.cursor()
        cursor.execute("select 1 from mes_sitehead for update")
        time.sleep(HOLD_S)
        cursor.execute("select 1 from workorders_joborder order by id for update")
        cursor.execute("select 1 from materials_stockbalance order by id for update")


FAULTS: dict[str, Callable[[Stack], bool]] = {
    "web killed": _killed("web"),
    "stream killed": _killed("stream"),
    "worker killed": _killed("worker"),
    "worker asked to stop": _killed("worker", signal.SIGTERM),
    "sweeper killed": _killed("sweeper"),
    "postgres killed": _killed("postgres"),
    "redis restarted": _killed("valkey", signal.SIGTERM),
    "redis emptied": emptied,
    "redis hung": hung,
    "deadlock": deadlock,
}


def script(chance: random.Random, seconds: float, every_s: float = 3.5) -> list[tuple[float, str]]:
    """When which fault strikes: each at least once, in an order of the seed's."""
    count = max(len(FAULTS), int(seconds / every_s))
    names: list[str] = []
    while len(names) < count:
        names += chance.sample(list(FAULTS), len(FAULTS))
    step = seconds / (count + 1)
    return [
        (step * (n + 1 + chance.uniform(-0.3, 0.3)), name) for n, name in enumerate(names[:count])
    ]
