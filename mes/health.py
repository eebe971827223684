"""How the plant's software fares: whether it may serve, how far behind it is, who is alive."""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Iterable
from datetime import timedelta
from functools import cache
from typing import Any

import redis
from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from mes import tally
from mes.clock import wall_now
from mes.models import Heartbeat

log = logging.getLogger(__name__)

BEAT_S = 5.0
ALIVE_S = 20.0  # three beats and a little
FORGET = timedelta(hours=1)
# What a plant of any size runs; without the others it lacks a convenience, not the loop.
EXPECTED = ("web", "stream", "worker-impact", "sweeper")


# --- may it serve


def troubles() -> list[str]:
    """Sentences about what keeps this process from serving; none if it is ready."""
    try:
        found = _waiting_migrations()
        return found + (_volatile_settings() if settings.DURABLE else []) + _read_only()
    except (DatabaseError, InterfaceError):
        log.warning("the record could not be reached", exc_info=True)
        return [_("The database cannot be reached.")]


@cache
def _known_migrations() -> frozenset[tuple[str, str]]:
    return frozenset(MigrationLoader(None).graph.nodes)


def _waiting_migrations() -> list[str]:
    count = len(_known_migrations() - MigrationRecorder(connection).applied_migrations().keys())
    if not count:
        return []
    return [
        ngettext(
            "%(count)d migration waits: run manage.py migrate.",
            "%(count)d migrations wait: run manage.py migrate.",
            count,
        )
        % {"count": count}
    ]


def _volatile_settings() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "select name from pg_settings where setting = 'off'"
            " and name in ('fsync', 'full_page_writes', 'synchronous_commit') order by name"
        )
        return [
            _("%(setting)s is off in PostgreSQL: what was answered can be lost. Turn it on.")
            % {"setting": name}
            for (name,) in cursor.fetchall()
        ]


def _read_only() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("show transaction_read_only")
        (value,) = cursor.fetchone()
    return [_("The database takes no writes: it is read-only.")] if value == "on" else []


# --- who is alive


def beat(process: str, **figures: int) -> None:
    """Say that this process lives, and add what it counted to the record."""
    now = wall_now()
    Heartbeat.objects.filter(process=process, at__lt=now - FORGET).delete()
    Heartbeat.objects.bulk_create(
        [Heartbeat(process=process, place=_place(), at=now, figures=figures)],
        update_conflicts=True,
        unique_fields=["process", "place"],
        update_fields=["at", "figures"],
    )
    tally.flush()


def _place() -> str:
    return f"{socket.gethostname()[:100]}:{os.getpid()}"


def beat_and_let_go(process: str, **figures: int) -> None:
    """One beat on a connection of its own, whatever becomes of it: a watcher never hurts."""
    try:
        beat(process, **figures)
    except (DatabaseError, InterfaceError) as problem:
        log.warning("no heartbeat: the record is away (%s)", type(problem).__name__)
    finally:
        connection.close()


def beat_beside(process: str, figures: Callable[[], dict[str, int]] = dict) -> None:
    """Beat from a thread for as long as this server lives."""

    def for_ever() -> None:
        while True:
            beat_and_let_go(process, **figures())
            time.sleep(BEAT_S)

    threading.Thread(target=for_ever, name="heartbeat", daemon=True).start()


def processes() -> dict[str, dict[str, Any]]:
    """Of each kind of process: how many are alive and how old the newest beat is."""
    now = wall_now()
    found: dict[str, dict[str, Any]] = {
        name: {"alive": 0, "age_s": None, "figures": {}} for name in EXPECTED
    }
    for row in Heartbeat.objects.order_by("-at"):
        age = round((now - row.at).total_seconds(), 1)
        kind = found.setdefault(row.process, {"alive": 0, "age_s": None, "figures": {}})
        kind["age_s"] = age if kind["age_s"] is None else kind["age_s"]
        if age <= ALIVE_S:
            kind["alive"] += 1
            for name, value in row.figures.items():
                kind["figures"][name] = kind["figures"].get(name, 0) + value
    return found


def redis_answers() -> bool:
    """Whether Redis answers within half a second; nothing is lost where it does not."""
    try:
        with redis.Redis.from_url(
            settings.REDIS_URL, socket_timeout=0.5, socket_connect_timeout=0.5, retry=None
        ) as client:
            return bool(client.ping())
    except redis.RedisError:
        return False


# --- how far behind

_SITES = """
    select s.code, h.seq, p.computed_seq, h.seq - p.computed_seq,
           coalesce(extract(epoch from clock_timestamp() - (
               select e.received_at from mes_shopfloorevent e
                where e.site_id = p.site_id and e.seq = p.computed_seq + 1)), 0)::float,
           p.plan_version, p.computed_at, p.failures, p.failure,
           coalesce(c.seq, 0), c.at, coalesce(c.problems, 0), coalesce(c.first_problem, '')
      from mes_site s
      join mes_siteplan p on p.site_id = s.id join mes_sitehead h on h.site_id = s.id
      left join mes_chaincheck c on c.site_id = s.id
     where %(all)s or s.id = any(%(sites)s)
     order by s.code
"""
_SITE_FIELDS = (
    "site",
    "seq",
    "computed_seq",
    "behind",
    "age_s",
    "plan_version",
    "computed_at",
    "failures",
    "failure",
    "verified_seq",
    "verified_at",
    "problems",
    "first_problem",
)


def sites(site_ids: Iterable[int] | None = None) -> list[dict[str, Any]]:
    """The standing of these sites, or of all: how far the plan is computed and verified."""
    with connection.cursor() as cursor:
        cursor.execute(_SITES, {"all": site_ids is None, "sites": list(site_ids or ())})
        rows = [dict(zip(_SITE_FIELDS, row, strict=True)) for row in cursor.fetchall()]
    for row in rows:
        row["age_s"] = round(max(row["age_s"], 0), 1)
    return rows
