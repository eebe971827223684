"""How the engine's inner functions are compiled, and the arrays that they are handed.

A compiled function takes the plant's columns as tuples of arrays, one tuple a table, so that it
reads what it needs and nothing is copied first.
"""

from __future__ import annotations

from typing import Any, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt
from numba import njit

from planning.engine.plant import I8, I32, I64, Flags, Plant

Records = npt.NDArray[np.void]
CACHE_LINE = 64

_unchecked: Any = njit  # with options that its published types leave out


def kernel(function: Any) -> Any:
    """Compile for calls from Python. A divisor is never zero: nothing checks for it."""
    return _unchecked(cache=True, error_model="numpy")(function)


def lean(function: Any) -> Any:
    """As `kernel`, without reference counts: for functions that make no array. Counting the arrays
    of a desk up and down at every call costs twenty times what the functions do."""
    return _unchecked(cache=True, error_model="numpy", _nrt=False)(function)


def inner(function: Any) -> Any:
    """As `lean`, for calls from compiled code only."""
    return _unchecked(
        cache=True,
        error_model="numpy",
        _nrt=False,
        no_cpython_wrapper=True,
        no_cfunc_wrapper=True,
    )(function)


def inlined(function: Any) -> Any:
    """Compile into its callers: for what has one, or is called for every operation."""
    return _unchecked(inline="always", error_model="numpy", _nrt=False)(function)


def records(count: int, dtype: np.dtype[np.void]) -> Records:
    """Return `count` records, not cleared, the first of them at the start of a cache line."""
    room = np.empty(count * dtype.itemsize + CACHE_LINE, np.uint8)
    skipped = -int(room.__array_interface__["data"][0]) % CACHE_LINE
    found: Records = room[skipped : skipped + count * dtype.itemsize].view(dtype)
    return found


def copied(rows: Records) -> Records:
    """Return a copy of the records, laid as `records` lays them."""
    found = records(len(rows), rows.dtype)
    found.view(np.uint8)[:] = rows.view(np.uint8)  # as bytes: by field it takes ten times as long
    return found


class Ops(NamedTuple):
    """Columns of the operations, as in `Plant`; `id` is op_id, and so on."""

    id: I64
    order: I32
    part_of: I32
    next_part: I32
    status: I8
    unit: I32
    launch_qty: I64
    good_qty: I64
    scrap_qty: I64
    rework_qty: I64
    yield_num: I64
    yield_den: I64
    setup_s: I32
    run_us: I64
    fixed_us: I64
    factor_ppm: I64
    family: I64
    span: I8
    restart: Flags
    not_before: I32
    hold: Flags
    hold_until: I32
    hold_again_s: I32
    pinned: Flags
    actual_start: I32
    actual_end: I32
    place: I32
    setup_left_s: I32
    report_at: I32
    productive_s: I32
    stopped_s: I32
    pred_ptr: I32
    succ_ptr: I32


class Arcs(NamedTuple):
    pred: I32
    succ: I32
    kind: I8
    lag_s: I32
    batch_qty: I64
    per_num: I64
    per_den: I64


class Units(NamedTuple):
    rate_ppm: I64
    down: Flags
    quantum_qty: I64
    queue_ptr: I32
    place_ptr: I32


class SupplyRows(NamedTuple):
    kind: I8
    item: I32
    qty: I64
    at: I32
    late_s: I32
    status: I8
    until: I32
    dated: Flags
    again_s: I32
    op: I32
    put_away_s: I32
    per_num: I64
    per_den: I64


class DemandRows(NamedTuple):
    kind: I8
    item: I32
    qty: I64
    op: I32
    line: I32


class Items(NamedTuple):
    kind: I8
    tracked: Flags
    lead_s: I32
    guess_from: I32
    quantum_qty: I64


_Columns = TypeVar("_Columns", Ops, Arcs, Units, SupplyRows, DemandRows, Items)


def columns(plant: Plant, shape: type[_Columns], prefix: str) -> _Columns:
    """Return the columns of the plant that `shape` names, each with `prefix` before its name."""
    return shape(*(getattr(plant, prefix + name) for name in shape._fields))
