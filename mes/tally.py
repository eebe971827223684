"""Counts what happens in this process, and adds it to the record now and then.

So any web process can tell a scraper what all processes counted, on whichever machine they run.
What a killed process counted in its last seconds is lost: a count is no record.
"""

from __future__ import annotations

import logging
import os
import threading
from collections import defaultdict
from decimal import Decimal
from typing import ClassVar

from django.db import DatabaseError, InterfaceError, connection

log = logging.getLogger(__name__)

BUCKETS_S = (0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 2.5, 5.0, 10.0)


class _Pending:
    """What was counted since the last flush, by name and labels in Prometheus' own form."""

    lock = threading.Lock()
    counts: ClassVar[defaultdict[tuple[str, str], float]] = defaultdict(float)


def _forget() -> None:
    """A child of a fork counts what it does itself, and its lock is nobody else's."""
    _Pending.lock = threading.Lock()
    _Pending.counts = defaultdict(float)


os.register_at_fork(after_in_child=_forget)


def labelled(**labels: str) -> str:
    """Labels as Prometheus writes them: `kind="a",result="b"`."""
    return ",".join(f'{name}="{_escaped(value)}"' for name, value in sorted(labels.items()))


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def count(name: str, **labels: str) -> None:
    with _Pending.lock:
        _Pending.counts[name, labelled(**labels)] += 1


def observe(name: str, seconds: float) -> None:
    """Count a duration into the buckets of a histogram."""
    with _Pending.lock:
        for limit in (*BUCKETS_S, float("inf")):
            if seconds <= limit:
                text = "+Inf" if limit == float("inf") else f"{limit:g}"
                _Pending.counts[f"{name}_bucket", labelled(le=text)] += 1
        _Pending.counts[f"{name}_sum", ""] += seconds
        _Pending.counts[f"{name}_count", ""] += 1


def flush() -> bool:
    """Add what was counted to the record; keep it for the next time where that is away.

    Never raises: it stands beside work whose own error must be the one that is seen.
    """
    with _Pending.lock:
        taken, _Pending.counts = _Pending.counts, defaultdict(float)
    # In one order in every process: two that add to the same rows never wait in a circle.
    rows = [
        (name, labels, Decimal(value).quantize(Decimal("0.000001")))
        for (name, labels), value in sorted(taken.items())
    ]
    if not rows:
        return True
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                "insert into mes_tally as t (name, labels, value)"
                f" values {', '.join(['(%s, %s, %s)'] * len(rows))}"
                " on conflict (name, labels) do update set value = t.value + excluded.value",
                [part for row in rows for part in row],
            )
    except (DatabaseError, InterfaceError) as problem:
        log.warning("counts wait for the next time (%s)", type(problem).__name__)
        with _Pending.lock:
            for which, value in taken.items():
                _Pending.counts[which] += value
        return False
    return True
