"""One at a time per site: advisory locks, given back by the database if their holder dies."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

# Key spaces of the advisory locks: of a site's plan (its recompute and its decisions), and of
# the making of its options.
PLAN = 0x504C414E
OPTIONS = 0x4F505453


@contextmanager
def try_lock(space: int, site_id: int) -> Iterator[bool]:
    """The site's lock of that kind on this connection, or False if somebody else has it."""
    with connection.cursor() as cursor:
        cursor.execute("select pg_try_advisory_lock(%s, %s)", [space, site_id])
        ours = bool(cursor.fetchone()[0])
        try:
            yield ours
        finally:
            if ours and connection.is_usable():
                cursor.execute("select pg_advisory_unlock(%s, %s)", [space, site_id])


def hold_lock(site_id: int) -> None:
    """Wait for the lock of the site's plan and keep it to the end of the open transaction."""
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(%s, %s)", [PLAN, site_id])
