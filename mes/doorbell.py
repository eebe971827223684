"""Rings the workers after a commit. Bounded; harmless when lost: the sweeper reads the record."""

from __future__ import annotations

import logging

from mes import logs, tally
from mes.breaker import to_redis
from mes.celery import app

log = logging.getLogger(__name__)

BELL = "planning.recompute"  # a task name, not an import: the cellar knows no storey


def ring(site_id: int) -> bool:
    """Publish the doorbell; swallow and log what goes wrong. True if it was published."""
    if not to_redis.lets_through():
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
        to_redis.broke()
        tally.count("mes_kick_failures_total")
        log.warning("the doorbell could not be rung (%s); the sweeper sees the events", problem)
        return False
    to_redis.works()
    return True
