"""Working time of each unit, compiled for the kernels.

Row u of a `Clock` is unit u; row U (one past the last unit) works around the clock and serves
operations that need no capacity; row U + 1 + k is base calendar k as it is. A unit without windows
of its own reads the dense tables of its base calendar; one with overtime, stops or a breakdown has
its own sorted intervals, answered by bisection. Both give the same second. Work seconds are counted
from the epoch; nothing is read past a table's end: what does not fit before the horizon is `NEVER`.

A unit that runs slow for a time has intervals in which a second of the clock is a part of a work
second only; where such an interval meets another, they touch. Its whole work seconds are counted:
a part of one at its end is lost.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from planning.engine.calendars import MINUTE
from planning.engine.compiled import Records, kernel, lean
from planning.engine.plant import I32, NEVER, PPM, UNSET, Plant

ROW = np.dtype(
    [
        ("table", np.int32),  # row of the dense tables, -1 = intervals only
        ("lo", np.int32),  # first interval
        ("hi", np.int32),  # one past the last
        ("total", np.int32),  # work seconds up to the horizon
        ("back", np.int32),  # when a unit that is down comes back; UNSET = it is up
    ]
)
INTERVAL = np.dtype([("start", np.int32), ("end", np.int32), ("done", np.int32), ("ppm", np.int32)])


class Clock(NamedTuple):
    """R = U + 1 + K rows; V intervals, those of the base calendars first."""

    row: Records  # (R) of ROW
    interval: Records  # (V) of INTERVAL; done = work seconds before the interval
    before: I32
    minute: I32


def back_at(plant: Plant, *, now: int) -> I32:
    """Return when each unit (U) that is down is expected back; UNSET = up, NEVER = no estimate.

    An estimate that has passed is made again: now + the guess for it.
    """
    back = np.full(len(plant.unit_id), UNSET, np.int32)
    down = plant.unit_down
    back[down] = given_or_guessed(plant.unit_down_until, plant.unit_down_again_s, now=now)[down]
    return back


def given_or_guessed(until: I32, again_s: I32, *, now: int) -> I32:
    """Return `until` where it lies ahead and is given, else now + `again_s`, else NEVER."""
    again = np.minimum(now + again_s.astype(np.int64), NEVER)
    stands = (until > now) & (until != NEVER)
    return np.where(stands, until, np.where(again_s >= 0, again, NEVER)).astype(np.int32)


@lean
def given_else_guessed(until: Any, again_s: Any, now: Any) -> Any:
    """As `given_or_guessed`, of one."""
    if now < until < NEVER:
        return np.int64(until)
    if again_s < 0:
        return np.int64(NEVER)
    return min(now + again_s, np.int64(NEVER))


def compile_clock(plant: Plant, *, now: int) -> Clock:
    """Return the working time of every unit of the plant as of `now`."""
    base = plant.calendars
    back = back_at(plant, now=now)
    slow_until = given_or_guessed(plant.unit_slow_until, plant.unit_slow_again_s, now=now)
    units = len(plant.unit_id)
    counts = np.diff(plant.unit_exception_ptr)
    own = np.flatnonzero((counts > 0) | plant.unit_down | plant.unit_slow)
    calendar = np.concatenate([plant.unit_calendar, [-1], np.arange(len(base.id))])
    rows = np.zeros(len(calendar), ROW)
    rows["table"] = np.append(base.row, np.int32(-1))[calendar]
    rows["table"][own] = -1
    rows["lo"] = base.ptr[calendar]
    rows["hi"] = base.ptr[calendar + 1]
    rows["back"] = UNSET
    rows["back"][:units] = back
    free = len(base.start)
    room = int((rows["hi"][own] - rows["lo"][own]).sum() + counts[own].sum() + 3 * len(own)) + 1
    intervals = np.zeros(free + room, INTERVAL)
    intervals["start"][:free] = base.start
    intervals["end"][:free] = base.end
    intervals["ppm"] = PPM
    _own_intervals(
        own,
        plant.unit_down_since,
        plant.unit_slow,
        plant.unit_slow_since,
        slow_until,
        plant.unit_slow_ppm,
        plant.unit_exception_ptr,
        plant.exception_start,
        plant.exception_end,
        plant.exception_open,
        np.int64(base.horizon),
        np.int64(units),
        rows,
        intervals,
        np.int64(free),
    )
    _add_up(rows, intervals)
    return Clock(rows, intervals, base.before, base.minute)


@kernel
def _own_intervals(
    own: Any, since: Any, slow: Any, slow_since: Any, slow_until: Any, slow_ppm: Any, ptr: Any,
    at: Any, to: Any, opens: Any, horizon: Any, round_the_clock: Any, row: Any, iv: Any, free: Any,
) -> None:  # fmt: skip
    """Write the intervals of units with windows of their own behind `free`, and the clock's."""
    for k in range(own.size):
        u = own[k]
        n = 0
        for v in range(row[u].lo, row[u].hi):
            iv[free + n].start = iv[v].start
            iv[free + n].end = iv[v].end
            iv[free + n].ppm = PPM
            n += 1
        for x in range(ptr[u], ptr[u + 1]):
            if opens[x]:
                a = max(np.int64(0), -(-np.int64(at[x]) // MINUTE) * MINUTE)
                b = min(horizon, np.int64(to[x]) // MINUTE * MINUTE)
                if a < b:
                    n = _open(iv, free, n, a, b)
        if slow[u]:
            a, b = np.int64(slow_since[u]), np.int64(slow_until[u])
            n = _slow(iv, free, n, a, b, horizon, slow_ppm[u])
        for x in range(ptr[u], ptr[u + 1]):
            if not opens[x]:
                n = _close(iv, free, n, np.int64(at[x]), np.int64(to[x]), horizon)
        if row[u].back != UNSET:
            n = _close(iv, free, n, np.int64(since[u]), np.int64(row[u].back), horizon)
        row[u].lo = free
        row[u].hi = free + n
        free += n
    iv[free].start = 0
    iv[free].end = horizon
    iv[free].ppm = PPM
    row[round_the_clock].lo = free
    row[round_the_clock].hi = free + 1


@lean
def _open(iv: Any, base: Any, n: Any, a: Any, b: Any) -> Any:
    """Add [a, b) to n sorted intervals behind `base`, merging what touches; returns the new n."""
    first = 0
    while first < n and iv[base + first].end < a:
        first += 1
    last = first
    while last < n and iv[base + last].start <= b:
        a = min(a, np.int64(iv[base + last].start))
        b = max(b, np.int64(iv[base + last].end))
        last += 1
    gone = last - first
    if gone == 0:
        for v in range(n, first, -1):
            iv[base + v].start = iv[base + v - 1].start
            iv[base + v].end = iv[base + v - 1].end
    elif gone > 1:
        for v in range(last, n):
            iv[base + v - gone + 1].start = iv[base + v].start
            iv[base + v - gone + 1].end = iv[base + v].end
    iv[base + first].start = a
    iv[base + first].end = b
    iv[base + first].ppm = PPM
    return n - gone + 1


@lean
def _slow(iv: Any, base: Any, n: Any, a: Any, b: Any, horizon: Any, ppm: Any) -> Any:
    """Slow n intervals behind `base` down inside [a, b), widened to whole minutes; the new n."""
    a = max(np.int64(0), a // MINUTE * MINUTE)
    b = min(horizon, -(-b // MINUTE) * MINUTE)
    for cut in (a, b):
        for v in range(n):
            if iv[base + v].start < cut < iv[base + v].end:
                for w in range(n, v + 1, -1):
                    iv[base + w] = iv[base + w - 1]
                iv[base + v + 1] = iv[base + v]
                iv[base + v].end = cut
                iv[base + v + 1].start = cut
                n += 1
                break
    for v in range(n):
        if a <= iv[base + v].start and iv[base + v].end <= b:
            iv[base + v].ppm = ppm
    return n


@lean
def _close(iv: Any, base: Any, n: Any, a: Any, b: Any, horizon: Any) -> Any:
    """Cut [a, b), widened to whole minutes, out of n intervals behind `base`; the new n."""
    a = max(np.int64(0), a // MINUTE * MINUTE)
    b = min(horizon, -(-b // MINUTE) * MINUTE)
    if a >= b:
        return n
    kept = 0
    for v in range(n):
        s = np.int64(iv[base + v].start)
        e = np.int64(iv[base + v].end)
        if s < a and e > b:  # split: the rest moves up by one
            for w in range(n, v + 1, -1):
                iv[base + w].start = iv[base + w - 1].start
                iv[base + w].end = iv[base + w - 1].end
                iv[base + w].ppm = iv[base + w - 1].ppm
            iv[base + v].end = a
            iv[base + v + 1].start = b
            iv[base + v + 1].end = e
            iv[base + v + 1].ppm = iv[base + v].ppm
            return n + 1
        if e <= a or s >= b:
            pass
        elif s < a:
            e = a
        elif e > b:
            s = b
        else:
            continue
        iv[base + kept].start = s
        iv[base + kept].end = e
        iv[base + kept].ppm = iv[base + v].ppm
        kept += 1
    return kept


@lean
def _part(seconds: Any, ppm: Any) -> Any:
    """Whole work seconds in so many seconds of the clock."""
    return seconds if ppm == PPM else seconds * ppm // PPM


@kernel
def _add_up(row: Any, iv: Any) -> None:
    for u in range(row.size):
        work = 0
        for v in range(row[u].lo, row[u].hi):
            iv[v].done = work
            work += _part(np.int64(iv[v].end) - iv[v].start, iv[v].ppm)
        row[u].total = work


@lean
def _interval(c: Any, u: Any, t: Any) -> Any:
    """First interval of u that ends after t; its `hi` if none."""
    a = np.int64(c.row[u].lo)
    b = np.int64(c.row[u].hi)
    while a < b:
        m = (a + b) >> 1
        if c.interval[m].end <= t:
            a = m + 1
        else:
            b = m
    return a


@lean
def worked(c: Any, u: Any, t: Any) -> Any:
    """Work seconds of unit u in [0, t)."""
    if t <= 0:
        return np.int64(0)
    r = c.row[u].table
    if r >= 0:
        m = t // MINUTE
        if m >= c.before.shape[1] - 1:
            return np.int64(c.row[u].total)
        n = np.int64(c.before[r, m])
        return n * MINUTE + (t - m * MINUTE) * (np.int64(c.before[r, m + 1]) - n)
    v = _interval(c, u, t)
    if v == c.row[u].hi:
        return np.int64(c.row[u].total)
    inside = max(np.int64(0), t - np.int64(c.interval[v].start))
    return np.int64(c.interval[v].done) + _part(inside, c.interval[v].ppm)


@lean
def at_work(c: Any, u: Any, w: Any) -> Any:
    """Last instant at which w (0, 1, ...) work seconds of unit u are done; NEVER past the last."""
    if w >= c.row[u].total:
        return np.int64(NEVER)
    r = c.row[u].table
    if r >= 0:
        m = w // MINUTE
        return np.int64(c.minute[r, m]) * MINUTE + (w - m * MINUTE)
    a = np.int64(c.row[u].lo)
    b = np.int64(c.row[u].hi)
    while b - a > 1:
        m = (a + b) >> 1
        if c.interval[m].done <= w:
            a = m
        else:
            b = m
    into = w - np.int64(c.interval[a].done)
    if c.interval[a].ppm != PPM:
        into = -(-(into + 1) * PPM // c.interval[a].ppm) - 1
    return np.int64(c.interval[a].start) + into


@lean
def first(c: Any, u: Any, t: Any) -> Any:
    """First working instant of unit u at or after t; NEVER if none before the horizon."""
    if t == NEVER:
        return np.int64(NEVER)
    if c.row[u].table < 0:
        v = _interval(c, u, t)
        if v == c.row[u].hi:
            return np.int64(NEVER)
        return max(t, np.int64(c.interval[v].start))
    return at_work(c, u, worked(c, u, t))


@lean
def finish(c: Any, u: Any, t: Any, d: Any) -> Any:
    """Instant at which d work seconds of unit u, begun at or after t, are done; t if d is 0."""
    if d <= 0 or t == NEVER:
        return t
    w = worked(c, u, t) + d
    if w > c.row[u].total:
        return np.int64(NEVER)
    return at_work(c, u, w - 1) + 1


@lean
def start_and_finish(c: Any, u: Any, t: Any, d: Any) -> Any:
    """First working instant of unit u at or after t, and when d work seconds from there are done.

    NEVER is the finish of what does not fit before the horizon; t is not NEVER.
    """
    w = worked(c, u, t)
    start = at_work(c, u, w) if c.row[u].table >= 0 else first(c, u, t)
    if d <= 0 or start == NEVER:
        return start, start
    if w + d > c.row[u].total:
        return start, np.int64(NEVER)
    return start, at_work(c, u, w + d - 1) + 1


@lean
def fits_from(c: Any, u: Any, t: Any, d: Any) -> Any:
    """First instant at or after t from which unit u works d seconds without a break."""
    if t == NEVER:
        return np.int64(NEVER)
    last = np.int64(c.row[u].hi) - 1
    for v in range(_interval(c, u, t), last + 1):
        s = max(t, np.int64(c.interval[v].start))
        e = np.int64(v)
        while e < last and c.interval[e + 1].start == c.interval[e].end:
            e += 1
        done = np.int64(c.interval[e + 1].done) if e < last else np.int64(c.row[u].total)
        inside = _part(s - c.interval[v].start, c.interval[v].ppm)
        if c.interval[v].done + inside + d <= done:
            return s
    return np.int64(NEVER)


@lean
def latest_start(c: Any, u: Any, t: Any, d: Any) -> Any:
    """Latest instant from which d work seconds of unit u are done by t; 0 if there are less."""
    if d <= 0:
        return t
    w = worked(c, u, t) - d
    if w < 0:
        return np.int64(0)
    return at_work(c, u, w)


BIG = np.int64(1) << np.int64(60)


@lean
def times_up(a: Any, b: Any, c: Any) -> Any:
    """ceil(a * b / c) of not negative int64, at most BIG; exact while (a mod c) * b fits."""
    q = a // c
    if q > 0 and b > BIG // q:
        return BIG
    return q * b + ((a - q * c) * b + c - 1) // c


@lean
def times_down(a: Any, b: Any, c: Any) -> Any:
    """floor(a * b / c) of not negative int64, at most BIG; exact while (a mod c) * b fits."""
    q = a // c
    if q > 0 and b > BIG // q:
        return BIG
    return q * b + (a - q * c) * b // c
