"""Working time: base calendars as intervals and dense minute tables.

A base calendar is a sorted list of working intervals [start, end) on whole minutes inside
[0, horizon). Two dense tables answer "how much work before t" and "when is work second w" in one
read each: `before[row, minute]` = working minutes before that minute, `minute[row, n]` = the n-th
working minute. Tables are made while they fit in the memory that is granted (8 bytes a minute and
calendar); a calendar without tables is answered by bisection of its intervals, more slowly and
with the same result.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from planning.engine.plant import I32, I64

MINUTE = 60
TABLE_BYTES = 64 * 2**20


@dataclass(frozen=True, eq=False)
class Calendars:
    """K base calendars up to one horizon."""

    id: I64  # (K)
    ptr: I32  # (K + 1)
    start: I32
    end: I32
    row: I32  # (K): row of the tables, -1 = none
    before: I32  # (rows, minutes + 1)
    minute: I32  # (rows, minutes + 1)
    horizon: int

    def intervals(self, index: int) -> list[tuple[int, int]]:
        """Return the working intervals of one calendar."""
        rows = slice(self.ptr[index], self.ptr[index + 1])
        return list(zip(self.start[rows].tolist(), self.end[rows].tolist(), strict=True))


def merged(intervals: Iterable[tuple[int, int]], *, horizon: int) -> list[tuple[int, int]]:
    """Return working intervals on whole minutes (inward), clipped to [0, horizon), merged.

    :raises ValueError: if an interval ends before it starts.
    """
    kept: list[tuple[int, int]] = []
    for start, end in sorted(intervals):
        if end < start:
            raise ValueError(f"a calendar interval ends ({end}) before it starts ({start})")
        start = max(0, -(-start // MINUTE) * MINUTE)
        end = min(horizon, end // MINUTE * MINUTE)
        if end <= start:
            continue
        if kept and start <= kept[-1][1]:
            kept[-1] = (kept[-1][0], max(end, kept[-1][1]))
        else:
            kept.append((start, end))
    return kept


def build(
    ids: Sequence[int],
    intervals: Sequence[Iterable[tuple[int, int]]],
    *,
    horizon: int,
    table_bytes: int = TABLE_BYTES,
) -> Calendars:
    """Return the calendars with as many dense tables as fit in `table_bytes`.

    ids        K calendar ids, any order; kept as given.
    intervals  for each, its working intervals in seconds since the epoch, any order.
    horizon    seconds, a positive whole minute; nothing works at or after it.

    :raises ValueError: if the horizon is no positive whole minute or an interval is reversed.
    """
    if horizon <= 0 or horizon % MINUTE:
        raise ValueError(f"the horizon ({horizon}) is not a positive whole minute")
    lists = [merged(each, horizon=horizon) for each in intervals]
    minutes = horizon // MINUTE
    rows = min(len(lists), max(0, table_bytes // (8 * (minutes + 1))))
    before = np.zeros((rows, minutes + 1), np.int32)
    minute = np.zeros((rows, minutes + 1), np.int32)
    for row in range(rows):
        works = np.zeros(minutes, np.bool_)
        for start, end in lists[row]:
            works[start // MINUTE : end // MINUTE] = True
        np.cumsum(works, out=before[row, 1:])
        working = np.flatnonzero(works)
        minute[row, : working.size] = working
    ptr = np.zeros(len(lists) + 1, np.int32)
    np.cumsum([len(each) for each in lists], out=ptr[1:])
    flat = [pair for each in lists for pair in each]
    return Calendars(
        id=np.array(ids, np.int64),
        ptr=ptr,
        start=np.array([start for start, _ in flat], np.int32),
        end=np.array([end for _, end in flat], np.int32),
        row=np.array([k if k < rows else -1 for k in range(len(lists))], np.int32),
        before=before,
        minute=minute,
        horizon=horizon,
    )
