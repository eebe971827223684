"""The doorbell's answer: reads the clock and calls one action."""

from __future__ import annotations

import logging
from typing import Any

from celery import shared_task
from celery.signals import worker_process_init
from django.conf import settings
from django.db import InterfaceError, OperationalError, close_old_connections, connection

from mes import logs, tally
from mes.clock import wall_now
from planning.actions import apply_rules, housekeep, recompute
from planning.engine.warm import warm

log = logging.getLogger(__name__)


@worker_process_init.connect
def load_the_kernels(**_signal: Any) -> None:
    """Before the first bell: loading them takes longer than an answer may."""
    if settings.PROCESS == "WORKER":
        warm(log.debug)


@shared_task(name="planning.recompute", queue="impact", ignore_result=True)
def recompute_site(site_id: int, request_id: str = "", **_later: Any) -> None:
    """Answer a site's events, then decide what its rules decide.

    request_id   of whoever rang, for the log.

    A connection that died with the database is replaced once.
    """
    with logs.of_request(request_id):
        _recompute(site_id)


def _recompute(site_id: int) -> None:
    close_old_connections()
    try:
        recompute(site_id, wall_now=wall_now())
        apply_rules(site_id, wall_now=wall_now())
    except (OperationalError, InterfaceError):
        log.warning("the database went away; once more with a new connection", exc_info=True)
        connection.close()
        recompute(site_id, wall_now=wall_now())
    finally:
        tally.flush()


@shared_task(
    name="planning.housekeep",
    queue="slow",
    ignore_result=True,
    soft_time_limit=1500,
    time_limit=1800,
)
def keep_house(**_later: Any) -> None:
    """Verify what is new in the record and throw away what nobody needs any more."""
    close_old_connections()
    housekeep(now=wall_now())
