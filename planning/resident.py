"""What a process remembers of a site's larger tables, so that an answer reads what changed.

A query says with `@since(a, b)` in its condition from which tables its rows are made. Such a query
is read whole once; later only rows are read that a transaction wrote which had not ended when the
last reading was made. PostgreSQL tells that of each row (its xmin), whoever wrote it and in
whatever way, so nothing depends on a list of events or on the discipline of a writer. What is gone
is found by comparing ids.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

Rows = list[tuple[Any, ...]]
Fetch = Callable[..., Rows]

_MOST_SITES = 16
# Numbers of transactions are compared round a circle; half of it is the most that can be told.
_FURTHEST = 2**30
_SINCE = re.compile(r"@since\(([^)]*)\)")

# What a snapshot of the database is, for `Stand`: read by the first query of a reading.
STAND = """
(select oid::bigint from pg_database where datname = current_database()),
       extract(epoch from pg_postmaster_start_time())::float8,
       pg_snapshot_xmin(pg_current_snapshot())::text::bigint
"""


@dataclass(frozen=True, slots=True)
class Stand:
    """A snapshot of a database: every transaction below `oldest` had ended in it."""

    database: int
    started: float
    oldest: int

    def can_follow(self, earlier: Stand) -> bool:
        same = (self.database, self.started) == (earlier.database, earlier.started)
        return same and 0 <= self.oldest - earlier.oldest < _FURTHEST


@dataclass(frozen=True, slots=True)
class _Table:
    """The rows of one query in the order of their ids, which are their first column."""

    ids: npt.NDArray[np.int64]
    rows: Rows


@dataclass(frozen=True, slots=True)
class Memory:
    """The tables of a site at one stand. Nobody writes into it: a newer one takes its place."""

    stand: Stand
    made_of: object
    tables: Mapping[str, _Table]


_SITES: OrderedDict[int, Memory] = OrderedDict()


def recall(site_id: int) -> Memory | None:
    """What is remembered of a site. To be asked *before* the transaction that goes on from it
    looks at the database, lest it be newer than what that transaction sees."""
    return _SITES.get(site_id)


def remember(site_id: int, memory: Memory) -> None:
    """Keep it for the next reading. Only of a transaction that wrote nothing."""
    _SITES[site_id] = memory
    _SITES.move_to_end(site_id)
    while len(_SITES) > _MOST_SITES:
        _SITES.popitem(last=False)


def forget() -> None:
    """Make the next reading of every site a cold one."""
    _SITES.clear()


def refresh(
    queries: Mapping[str, str],
    fetch: Fetch,
    *,
    stand: Stand,
    made_of: object,
    last: Memory | None,
) -> Memory:
    """Read tables as the open transaction sees them.

    queries  by name; the first selected column is the id, the order is that of the id
    fetch    runs a query with more values by name
    made_of  what else the rows depend on; of another memory nothing is taken
    last     what was recalled before this transaction looked at the database

    Rows that did not change are the same objects as before, and so is a list of which none did.
    """
    if last is None or last.made_of != made_of or not stand.can_follow(last.stand):
        whole = {name: fetch(_whole(text)) for name, text in queries.items()}
        return Memory(stand, made_of, {name: _table(rows) for name, rows in whole.items()})
    (present,) = fetch(_all_ids(tuple(queries.values())))
    since = last.stand.oldest % 2**32
    tables = {
        name: _refreshed(last.tables[name], found, text, since, fetch)
        for (name, text), found in zip(queries.items(), present, strict=True)
    }
    return Memory(stand, made_of, tables)


def _table(rows: Rows) -> _Table:
    return _Table(np.array([row[0] for row in rows], np.int64), rows)


def _refreshed(last: _Table, found: Any, text: str, since: int, fetch: Fetch) -> _Table:
    ids = np.sort(np.frombuffer(found or b"", ">i8").astype(np.int64))
    missing = np.setdiff1d(ids, last.ids, assume_unique=True)
    read = fetch(_newer(text), since=since, missing=missing.tolist())
    changed = {row[0]: row for row in read if not _is_there(last, row)}
    if not changed and len(ids) == len(last.ids) and (ids == last.ids).all():
        return last
    by_id = {row[0]: row for row in last.rows} | changed
    return _Table(ids, [by_id[one] for one in ids.tolist()])


def _is_there(table: _Table, row: tuple[Any, ...]) -> bool:
    at = int(np.searchsorted(table.ids, row[0]))
    return at < len(table.rows) and table.rows[at] == row


@cache
def _whole(text: str) -> str:
    return _SINCE.sub("", text)


@cache
def _newer(text: str) -> str:
    """Only rows that were written since then, or that were not there."""

    def condition(found: re.Match[str]) -> str:
        ages = ", ".join(f"age({table.strip()}.xmin)" for table in found[1].split(","))
        return (
            f"and (least({ages}) <= age(%(since)s::text::xid) or {_id_of(text)} = any(%(missing)s))"
        )

    return _SINCE.sub(condition, text)


@cache
def _all_ids(texts: tuple[str, ...]) -> str:
    """The ids of all queries as one row of packed columns."""
    packed = []
    for text in texts:
        source = _whole(text[text.index("\n  from ") : text.rindex("order by")])
        packed.append(f"(select string_agg(int8send({_id_of(text)}), ''::bytea) {source})")
    return "select " + ",\n".join(packed)


def _id_of(text: str) -> str:
    """The first selected column."""
    return text.strip().removeprefix("select ").partition(",")[0]
