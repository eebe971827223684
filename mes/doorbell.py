"""Rings the workers after a commit. Bounded; harmless when lost: the sweeper reads the record."""

from __future__ import annotations

import logging
import threading
import time

from mes import logs, tally
from mes.celery import app

log = logging.getLogger(__name__)

BELL = "planning.recompute"  # a task name, not an import: the cellar knows no storey
BREAK_S = 10.0


class _Breaker:
    """After a failed publish nobody tries again for a while: a hung broker costs one time-out."""

    open_until = 0.0
    lock = threading.Lock()

    @classmethod
    def lets_through(cls) -> bool:
        """After a failure one tries again, and the others go by what he finds."""
        with cls.lock:
            now = time.monotonic()
            if now < cls.open_until:
                return False
            if cls.open_until:
                cls.open_until = now + BREAK_S
            return True


def ring(site_id: int) -> bool:
    """Publish the doorbell; swallow and log what goes wrong. True if it was published."""
    if not _Breaker.lets_through():
        return False
    try:
        app.send_task(
            BELL,
            args=[site_id],
            kwargs={"request_id": logs.request_id.get()},
            queue="impact",
            expires=30,
            retry=False,
        )
    except Exception as problem:
        _Breaker.open_until = time.monotonic() + BREAK_S
        tally.count("mes_kick_failures_total")
        log.warning("the doorbell could not be rung (%s); the sweeper sees the events", problem)
        return False
    _Breaker.open_until = 0.0
    return True
