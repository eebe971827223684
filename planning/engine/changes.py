"""What a person may decide about a plan: typed changes, each one act with an inverse.

A change names database ids, never row numbers, and instants in seconds since the plan's epoch.
`apply` gives the plant as it would be read after those acts; arrays that a change doesn't touch
are shared. Changes are written to JSON with a `kind`; instants are written as `epoch + seconds`,
so that a caller who gives the epoch in unix seconds keeps them valid for later plans.

A change that moves a job to another unit gives it that unit's set-up and run times. The unit and
the times that it had become the alternate in turn (unless they stand among the alternates
already, with the same times), so that the move back is the inverse. A job that can't be done
where it stands waits no longer once it stands elsewhere.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from typing import Any, ClassVar, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from planning.engine import deals
from planning.engine.deals import DEALS, Deal, WhyNot
from planning.engine.plant import (
    I32,
    I64,
    NEVER,
    UNSET,
    Bind,
    Flags,
    Plant,
    Projection,
    Reason,
    State,
    Status,
)
from planning.engine.rows import at_rows_of

MINUTE = 60


@dataclass(frozen=True, slots=True)
class MoveJob:
    """Put a job into a unit's queue at a place counted among the jobs that wait there.

    0 is the head; a place behind the last one is the end.
    """

    kind: ClassVar[str] = "move_job"
    op_id: int
    to_unit_id: int
    position: int


@dataclass(frozen=True, slots=True)
class SetQueue:
    """Give a unit's queue a new order: the same jobs, each once."""

    kind: ClassVar[str] = "set_queue"
    unit_id: int
    op_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class AddCalendarWindow:
    """Open a unit for [start, end), whole minutes: overtime or an extra shift."""

    kind: ClassVar[str] = "add_calendar_window"
    unit_id: int
    start_s: int
    end_s: int


@dataclass(frozen=True, slots=True)
class RemoveCalendarWindow:
    """Take an open window away again."""

    kind: ClassVar[str] = "remove_calendar_window"
    unit_id: int
    start_s: int
    end_s: int


@dataclass(frozen=True, slots=True)
class SetEstimate:
    """Say when a unit that is down comes back (NEVER = nobody knows).

    An assumption about the world: it is tried and saved like a change, but isn't part of the
    plan's hash.
    """

    kind: ClassVar[str] = "set_estimate"
    unit_id: int
    back_s: int
    guess: bool = False


Change: TypeAlias = (
    MoveJob | SetQueue | AddCalendarWindow | RemoveCalendarWindow | SetEstimate | Deal
)

KINDS: Final[dict[str, type[Change]]] = {
    each.kind: each
    for each in (MoveJob, SetQueue, AddCalendarWindow, RemoveCalendarWindow, SetEstimate, *DEALS)
}
INSTANTS: Final = frozenset(
    {"start_s", "end_s", "back_s", "promised_s", "at_s", "until_s", "due_s"}
)
LISTS: Final = frozenset({"op_ids", "places", "line_ids"})
# What an instant that is not given means, by the field.
NO_INSTANT: Final = {"back_s": NEVER, "promised_s": UNSET, "until_s": UNSET, "due_s": NEVER}


def to_json(changes: Iterable[Change], *, epoch: int = 0) -> list[dict[str, Any]]:
    """Return the changes as JSON values; instants become epoch + seconds, none becomes None."""
    rows: list[dict[str, Any]] = []
    for change in changes:
        row: dict[str, Any] = {"kind": change.kind}
        for each in fields(change):
            value = getattr(change, each.name)
            if each.name in INSTANTS:
                value = None if value in (NEVER, UNSET) else value + epoch
            row[each.name] = list(value) if isinstance(value, tuple) else value
        rows.append(row)
    return rows


def from_json(rows: Iterable[Mapping[str, Any]], *, epoch: int = 0) -> tuple[Change, ...]:
    """Return what `to_json` wrote.

    :raises ValueError: naming the row, if its kind is unknown or a field is missing, too many or
        of another type.
    """
    changes: list[Change] = []
    for number, row in enumerate(rows):
        known = KINDS.get(str(row.get("kind")))
        if known is None:
            raise ValueError(f"change {number}: unknown kind {row.get('kind')!r}")
        given = {name: value for name, value in row.items() if name != "kind"}
        names = {each.name: each.default for each in fields(known)}
        if not given.keys() <= names.keys():
            raise ValueError(f"change {number}: unknown fields {sorted(given.keys() - names)}")
        for name, value in given.items():
            given[name] = _value(number, name, value, epoch)
        try:
            changes.append(known(**given))
        except TypeError as error:
            raise ValueError(f"change {number}: {error}") from None
    return tuple(changes)


def _value(number: int, name: str, value: Any, epoch: int) -> Any:
    if name in LISTS:
        if not isinstance(value, list | tuple) or not all(_whole(each) for each in value):
            raise ValueError(f"change {number}: {name} is not a list of whole numbers")
        return tuple(value)
    if name in ("guess", "keep", "dated"):
        if not isinstance(value, bool):
            raise ValueError(f"change {number}: {name} is not true or false")
        return value
    if name in NO_INSTANT and value is None:
        return NO_INSTANT[name]
    if not _whole(value):
        raise ValueError(f"change {number}: {name} is not a whole number")
    return value - epoch if name in INSTANTS else value


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


# -- applying them -----------------------------------------------------------------------------


class _Draft:
    """A plant while changes are applied to it; arrays are copied when first written."""

    def __init__(self, plant: Plant) -> None:
        self.plant = plant
        self.columns: dict[str, npt.NDArray[Any]] = {}
        self.queues: dict[int, list[int]] = {}
        self.windows: dict[int, list[tuple[int, int, bool]]] = {}

    def whole(self) -> Plant:
        """The plant as changed so far."""
        return self.build()

    def rebuild(self, make: Callable[[Plant], Plant]) -> None:
        """Go on with another plant, made of the one so far: its rows may be others."""
        self.plant = make(self.build())
        self.columns, self.queues, self.windows = {}, {}, {}

    def read(self, name: str) -> npt.NDArray[Any]:
        column: npt.NDArray[Any] = self.columns.get(name, getattr(self.plant, name))
        return column

    def write(self, name: str) -> npt.NDArray[Any]:
        if name not in self.columns:
            self.columns[name] = getattr(self.plant, name).copy()
        return self.columns[name]

    def queue(self, unit: int) -> list[int]:
        if unit not in self.queues:
            ptr = self.plant.unit_queue_ptr
            self.queues[unit] = self.plant.queue_op[ptr[unit] : ptr[unit + 1]].tolist()
        return self.queues[unit]

    def exceptions(self, unit: int) -> list[tuple[int, int, bool]]:
        if unit not in self.windows:
            p = self.plant
            rows = slice(p.unit_exception_ptr[unit], p.unit_exception_ptr[unit + 1])
            self.windows[unit] = list(
                zip(
                    p.exception_start[rows].tolist(),
                    p.exception_end[rows].tolist(),
                    p.exception_open[rows].tolist(),
                    strict=True,
                )
            )
        return self.windows[unit]

    def op(self, op_id: int) -> int:
        found = np.flatnonzero(self.plant.op_id == op_id)
        if not len(found):
            raise ValueError(f"operation {op_id} is not in the plant")
        return int(found[0])

    def reordered(self, unit: int, op_ids: Sequence[int]) -> list[int] | None:
        """Return the rows of a queue's jobs in a new order, None if it has other jobs."""
        rows = {int(self.plant.op_id[row]): row for row in self.queue(unit)}
        if len(op_ids) != len(rows) or rows.keys() != set(op_ids):
            return None
        return [rows[op_id] for op_id in op_ids]

    def unit(self, unit_id: int) -> int:
        row = int(np.searchsorted(self.plant.unit_id, unit_id))
        if row == len(self.plant.unit_id) or self.plant.unit_id[row] != unit_id:
            raise ValueError(f"unit {unit_id} is not in the plant")
        return row

    def alternate(self, op: int, unit: int) -> int:
        """Return the row of the alternate, -1 if the unit is none of the operation's."""
        ptr = self.plant.op_alternate_ptr
        found = np.flatnonzero(self.read("alternate_unit")[ptr[op] : ptr[op + 1]] == unit)
        return int(ptr[op] + found[0]) if len(found) else -1

    def take(self, change: Change) -> None:
        match change:
            case MoveJob():
                self._move(change)
            case SetQueue():
                self._set_queue(change)
            case AddCalendarWindow():
                self._add_window(change)
            case RemoveCalendarWindow():
                self._remove_window(change)
            case SetEstimate():
                self._set_estimate(change)
            case _:
                deals.take(self, change)

    def _move(self, change: MoveJob) -> None:
        op, to = self.op(change.op_id), self.unit(change.to_unit_id)
        if change.position < 0:
            raise ValueError(f"operation {change.op_id}: its place is below zero")
        origin = int(self.read("op_unit")[op])
        if origin < 0 or op not in self.queue(origin):
            raise ValueError(f"operation {change.op_id} stands in no queue")
        self.queue(origin).remove(op)
        if origin != to:
            self._exchange(op, origin, to)
        self.queue(to).insert(change.position, op)

    def _exchange(self, op: int, origin: int, to: int) -> None:
        row = self.alternate(op, to)
        if row < 0:
            raise ValueError(
                f"operation {self.plant.op_id[op]} can't be made on unit {self.plant.unit_id[to]}"
            )
        listed = self.alternate(op, origin) >= 0
        self.write("op_unit")[op] = to
        refused = int(self.plant.op_refused[op])
        if refused:
            self.write("op_hold")[op] = int(self.plant.unit_id[to]) == refused
        for name in ("setup_s", "run_us", "fixed_us"):
            mine, theirs = self.write(f"op_{name}"), self.read(f"alternate_{name}")
            had = mine[op]
            mine[op] = theirs[row]
            if not listed:
                self.write(f"alternate_{name}")[row] = had
        if not listed:
            self.write("alternate_unit")[row] = origin
            self._sort_alternates(op)

    def _sort_alternates(self, op: int) -> None:
        ptr = self.plant.op_alternate_ptr
        rows = slice(ptr[op], ptr[op + 1])
        keys = np.argsort(self.read("alternate_unit")[rows], kind="stable")
        for name in ("unit", "setup_s", "run_us", "fixed_us", "cost"):
            column = self.write(f"alternate_{name}")
            column[rows] = column[rows][keys]

    def _set_queue(self, change: SetQueue) -> None:
        unit = self.unit(change.unit_id)
        rows = self.reordered(unit, change.op_ids)
        if rows is None:
            raise ValueError(f"unit {change.unit_id}: the new queue holds other jobs than it has")
        self.queues[unit] = rows

    def _add_window(self, change: AddCalendarWindow) -> None:
        if change.end_s <= change.start_s or change.start_s % MINUTE or change.end_s % MINUTE:
            raise ValueError(f"unit {change.unit_id}: a window is no run of whole minutes")
        windows = self.exceptions(self.unit(change.unit_id))
        windows.append((change.start_s, change.end_s, True))
        windows.sort()

    def _remove_window(self, change: RemoveCalendarWindow) -> None:
        windows = self.exceptions(self.unit(change.unit_id))
        try:
            windows.remove((change.start_s, change.end_s, True))
        except ValueError:
            raise ValueError(f"unit {change.unit_id} has no such window") from None

    def _set_estimate(self, change: SetEstimate) -> None:
        unit = self.unit(change.unit_id)
        if not self.plant.unit_down[unit]:
            raise ValueError(f"unit {change.unit_id} is not down")
        self.write("unit_down_until")[unit] = change.back_s
        self.write("unit_down_guess")[unit] = change.guess

    def build(self) -> Plant:
        columns: dict[str, Any] = dict(self.columns)
        if self.queues:
            p = self.plant
            columns["unit_queue_ptr"], (columns["queue_op"],) = _spliced(
                p.unit_queue_ptr,
                (p.queue_op,),
                {unit: (queue,) for unit, queue in self.queues.items()},
            )
        if self.windows:
            p = self.plant
            ptr, (start, end, opens) = _spliced(
                p.unit_exception_ptr,
                (p.exception_start, p.exception_end, p.exception_open),
                {unit: tuple(zip(*w, strict=True)) for unit, w in self.windows.items()},
            )
            columns |= {"unit_exception_ptr": ptr, "exception_start": start}
            columns |= {"exception_end": end, "exception_open": opens}
        return replace(self.plant, **columns)


def _spliced(
    ptr: I32,
    columns: tuple[npt.NDArray[Any], ...],
    rows: Mapping[int, Sequence[Sequence[Any]]],
) -> tuple[I32, tuple[npt.NDArray[Any], ...]]:
    """Replace the rows that belong to some owners of a CSR table; an empty value = no rows."""
    sizes = np.diff(ptr)
    for owner, new in rows.items():
        sizes[owner] = len(new[0]) if len(new) else 0
    out = np.zeros(len(ptr), np.int32)
    np.cumsum(sizes, out=out[1:])
    spliced = []
    for number, column in enumerate(columns):
        parts: list[npt.NDArray[Any]] = []
        at = 0
        for owner in sorted(rows):
            parts.append(column[at : ptr[owner]])
            if len(rows[owner]):
                parts.append(np.array(rows[owner][number], column.dtype))
            at = ptr[owner + 1]
        parts.append(column[at:])
        spliced.append(np.concatenate(parts))
    return out, tuple(spliced)


def apply(plant: Plant, changes: Iterable[Change]) -> Plant:
    """Return the plant as it would be read after the changes, in their order.

    Says nothing about whether they are allowed: see `illegal`.

    :raises ValueError: if a change means nothing in this plant: an unknown id, a job that stands
        in no queue or can't be made on the unit, a queue of other jobs, no such window, no stop.
    """
    draft = _Draft(plant)
    for change in changes:
        draft.take(change)
    return draft.build()


def inverse(plant: Plant, changes: Iterable[Change]) -> tuple[Change, ...]:
    """Return what takes the changes back, given the plant before them.

    `apply(apply(plant, changes), inverse(plant, changes))` equals `plant` array by array.

    :raises ValueError: as `apply`.
    """
    draft = _Draft(plant)
    back: list[Change] = []
    for change in changes:
        match change:
            case MoveJob():
                op = draft.op(change.op_id)
                unit = int(draft.read("op_unit")[op])
                place = draft.queue(unit).index(op) if op in draft.queue(unit) else 0
                back.append(MoveJob(change.op_id, int(plant.unit_id[unit]), place))
            case SetQueue():
                queue = draft.queue(draft.unit(change.unit_id))
                back.append(SetQueue(change.unit_id, _op_ids(draft.plant, queue)))
            case AddCalendarWindow():
                back.append(RemoveCalendarWindow(change.unit_id, change.start_s, change.end_s))
            case RemoveCalendarWindow():
                back.append(AddCalendarWindow(change.unit_id, change.start_s, change.end_s))
            case SetEstimate():
                unit = draft.unit(change.unit_id)
                until = int(draft.read("unit_down_until")[unit])
                guess = bool(draft.read("unit_down_guess")[unit])
                back.append(SetEstimate(change.unit_id, until, guess))
            case _:
                back.append(deals.inverse(draft, change))
        draft.take(change)
    return tuple(reversed(back))


def _op_ids(plant: Plant, rows: Iterable[int]) -> tuple[int, ...]:
    return tuple(int(plant.op_id[row]) for row in rows)


def queues_after(before: Plant, after: Plant) -> dict[int, tuple[int, ...]]:
    """Return the new queue (operation ids, head first) of each unit whose queue differs."""
    return {
        int(after.unit_id[unit]): _op_ids(after, _queue(after, unit))
        for unit in _units_with_other_queues(before, at_rows_of(before, after))
    }


def _units_with_other_queues(before: Plant, after: Plant) -> list[int]:
    return _units_with_other_rows(
        before.unit_queue_ptr, after.unit_queue_ptr, (before.queue_op,), (after.queue_op,)
    )


def _queue(plant: Plant, unit: int) -> list[int]:
    ptr = plant.unit_queue_ptr
    queue: list[int] = plant.queue_op[ptr[unit] : ptr[unit + 1]].tolist()
    return queue


def _units_with_other_rows(
    ptr: I32,
    new_ptr: I32,
    columns: tuple[npt.NDArray[Any], ...],
    new_columns: tuple[npt.NDArray[Any], ...],
) -> list[int]:
    if ptr is new_ptr and all(a is b for a, b in zip(columns, new_columns, strict=True)):
        return []
    sizes = np.diff(ptr)
    other = sizes != np.diff(new_ptr)
    same = np.flatnonzero(~other)
    owner = np.repeat(same, sizes[same])
    # Rows of the units of the same size, and how far they lie apart in the two tables.
    first = np.repeat(ptr[same] - np.cumsum(sizes[same]) + sizes[same], sizes[same])
    old = np.arange(len(owner)) + first
    new = old + (new_ptr[:-1] - ptr[:-1])[owner]
    for mine, theirs in zip(columns, new_columns, strict=True):
        other[owner[mine[old] != theirs[new]]] = True
    units: list[int] = np.flatnonzero(other).tolist()
    return units


# -- footprint ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Footprint:
    """What a set of changes writes, as database ids in rising order.

    queues, calendars, estimates  units whose queue, windows or time of return differ.
    ops                           operations whose own row differs (unit, times).
    demands                       (kind, id) of demands whose given pegs differ.
    rows                          other stored rows by name, see `deals.rows_written`.
    """

    queues: tuple[int, ...] = ()
    calendars: tuple[int, ...] = ()
    estimates: tuple[int, ...] = ()
    ops: tuple[int, ...] = ()
    demands: tuple[tuple[int, int], ...] = ()
    rows: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {
            "queues": list(self.queues),
            "calendars": list(self.calendars),
            "estimates": list(self.estimates),
            "ops": list(self.ops),
            "demands": [list(pair) for pair in self.demands],
            "rows": list(self.rows),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Footprint:
        return cls(
            queues=tuple(value["queues"]),
            calendars=tuple(value["calendars"]),
            estimates=tuple(value["estimates"]),
            ops=tuple(value["ops"]),
            demands=tuple((int(kind), int(row)) for kind, row in value["demands"]),
            rows=tuple(value.get("rows", ())),
        )


_OP_COLUMNS: Final = tuple(
    each.name
    for each in fields(Plant)
    if each.name.startswith("op_") and not each.name.endswith("_ptr")
)
_ALTERNATE_COLUMNS: Final = tuple(
    each.name for each in fields(Plant) if each.name.startswith("alternate_")
)


def footprint(before: Plant, after: Plant) -> Footprint:
    """Find what differs between a plant before and after changes. Nothing is declared.

    Both plants have the same rows of units, lines, orders and items. Of operations that only one of
    them has, what they bring to the queues of others is found.
    """
    stored, after = after, at_rows_of(before, after)
    ops = np.zeros(len(before.op_id), np.bool_)
    for name in _OP_COLUMNS:
        ops |= _differs(before, after, name)
    alternates = np.zeros(len(before.alternate_unit), np.bool_)
    for name in _ALTERNATE_COLUMNS:
        alternates |= _differs(before, after, name)
    if alternates.any():
        owner = np.searchsorted(before.op_alternate_ptr, np.flatnonzero(alternates), "right") - 1
        ops[owner] = True
    estimate = _differs(before, after, "unit_down_until")
    estimate = estimate | _differs(before, after, "unit_down_guess")
    window = ("exception_start", "exception_end", "exception_open")
    calendars = _units_with_other_rows(
        before.unit_exception_ptr,
        after.unit_exception_ptr,
        tuple(getattr(before, name) for name in window),
        tuple(getattr(after, name) for name in window),
    )
    return Footprint(
        queues=tuple(
            sorted(int(before.unit_id[unit]) for unit in _units_with_other_queues(before, after))
        ),
        calendars=tuple(int(before.unit_id[unit]) for unit in calendars),
        estimates=tuple(before.unit_id[estimate].tolist()),
        ops=tuple(sorted(before.op_id[ops].tolist())),
        demands=_demands_with_other_pegs(before, stored),
        rows=deals.rows_written(before, stored),
    )


def _differs(before: Plant, after: Plant, name: str) -> Flags:
    old: npt.NDArray[Any] = getattr(before, name)
    new: npt.NDArray[Any] = getattr(after, name)
    return np.zeros(len(old), np.bool_) if old is new else np.not_equal(old, new)


def _demands_with_other_pegs(before: Plant, after: Plant) -> tuple[tuple[int, int], ...]:
    columns = ("peg_demand", "peg_supply", "peg_qty", "peg_kind")
    if all(getattr(before, name) is getattr(after, name) for name in columns):
        return ()
    found = np.unique(np.setxor1d(_peg_records(before), _peg_records(after))[["of", "demand"]])
    return tuple((int(kind), int(pk)) for kind, pk in found.tolist())


_PEG: Final = np.dtype(
    [(name, np.int64) for name in ("of", "demand", "supply_kind", "supply_id", "qty", "kind")]
)


def _peg_records(plant: Plant) -> npt.NDArray[Any]:
    """Return each given peg with the ids of its ends, whose rows may differ between plants."""
    records = np.empty(len(plant.peg_qty), _PEG)
    records["of"] = plant.demand_kind[plant.peg_demand]
    records["demand"] = plant.demand_id[plant.peg_demand]
    records["supply_kind"] = plant.supply_kind[plant.peg_supply]
    records["supply_id"] = plant.supply_id[plant.peg_supply]
    records["qty"] = plant.peg_qty
    records["kind"] = plant.peg_kind
    return records


# -- what is allowed -----------------------------------------------------------------------------


class Why(StrEnum):
    """Why a change is not allowed, or an idea not possible."""

    UNKNOWN = "UNKNOWN"  # the id is not in the plan
    RUNNING = "RUNNING"  # the job runs
    DONE = "DONE"
    PINNED = "PINNED"  # a pinned job would be displaced
    FROZEN = "FROZEN"  # a job inside the frozen window would be displaced
    NOT_ELIGIBLE = "NOT_ELIGIBLE"  # the unit can't make it
    QUEUE_MOVED = "QUEUE_MOVED"  # the unit's queue holds other jobs by now
    WINDOW_EMPTY = "WINDOW_EMPTY"  # no run of whole minutes
    WINDOW_PAST = "WINDOW_PAST"
    WINDOW_LATE = "WINDOW_LATE"  # ends after the horizon
    WINDOW_TAKEN = "WINDOW_TAKEN"  # there is overtime at that time already
    WINDOW_MISSING = "WINDOW_MISSING"
    NOT_DOWN = "NOT_DOWN"
    ESTIMATE_PAST = "ESTIMATE_PAST"
    CYCLE = "CYCLE"  # a follower would stand before its predecessor
    NO_ALTERNATE = "NO_ALTERNATE"  # no other unit can make it
    ALTERNATE_DOWN = "ALTERNATE_DOWN"  # the others that could are down
    NO_GAP = "NO_GAP"  # the unit works around the clock
    NOTHING_TO_MOVE = "NOTHING_TO_MOVE"  # no job waits that may be moved
    BEST_ORDER = "BEST_ORDER"  # no exchange makes the order better


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why not, and which operation, unit, line, ... it is about (its database id)."""

    why: Why | WhyNot
    subject: str
    id: int

    def to_json(self) -> dict[str, Any]:
        return {"why": self.why.value, "subject": self.subject, "id": self.id}


def frozen(plant: Plant, projection: Projection) -> Flags:
    """Return, by operation, whether its unit and order are frozen.

    Frozen = waits, and its baseline start is before now + the site's frozen window. Not frozen:
    what is on hold or blocked, what waits for material or a lost tool, what stands at a unit that
    is down or slow.
    """
    start = plant.op_baseline_start
    inside: Flags = (start != UNSET) & (start < projection.now + plant.site.frozen_window_s)
    inside &= plant.op_status == Status.WAITING
    inside &= (plant.op_unit >= 0) & ~plant.op_hold
    inside[inside] = ~(plant.unit_down | plant.unit_slow)[plant.op_unit[inside]]
    inside &= projection.op_state == State.DATED
    for waits in (Bind.SUPPLY, Bind.UNCOVERED, Bind.TOOL):
        inside &= projection.op_bind != waits
    return inside


def displaced(before: Plant, after: Plant) -> Flags:
    """Return, by operation, whether it is at another unit or something new stands before it."""
    after = at_rows_of(before, after)
    moved: Flags = np.not_equal(before.op_unit, after.op_unit)
    for unit in _units_with_other_queues(before, after):
        old = {op: place for place, op in enumerate(_queue(before, unit))}
        furthest = -1
        for op in _queue(after, unit):
            place = old.get(op, len(old))
            if place < furthest and op >= 0:
                moved[op] = True
            furthest = max(furthest, place)
    return moved


def moved_ops(before: Plant, after: Plant) -> I32:
    """Return the rows of the operations that people have to be told about, in rising order.

    Those at another unit, and of each queue the fewest that explain its new order.
    """
    after = at_rows_of(before, after)
    rows: set[int] = set(np.flatnonzero(before.op_unit != after.op_unit).tolist())
    for unit in _units_with_other_queues(before, after):
        old = {op: place for place, op in enumerate(_queue(before, unit))}
        stayed = [op for op in _queue(after, unit) if op in old]
        kept = _longest_rising([old[op] for op in stayed])
        rows.update(op for place, op in enumerate(stayed) if place not in kept)
    return np.array(sorted(rows), np.int32)


def _longest_rising(values: Sequence[int]) -> set[int]:
    """Return the positions of one longest rising subsequence (patience, first found)."""
    tops: list[int] = []
    at: list[int] = []
    before: list[int] = []
    for position, value in enumerate(values):
        pile = bisect_left(tops, value)
        before.append(at[pile - 1] if pile else -1)
        if pile == len(tops):
            tops.append(value)
            at.append(position)
        else:
            tops[pile], at[pile] = value, position
    kept: set[int] = set()
    position = at[-1] if at else -1
    while position >= 0:
        kept.add(position)
        position = before[position]
    return kept


def illegal(
    plant: Plant,
    projection: Projection,
    changes: Iterable[Change],
    *,
    allow_frozen: bool = False,
) -> Refusal | None:
    """Return why the changes may not be made, None if they may.

    projection    of `plant`; its `now` is the instant of the decision.
    allow_frozen  a person may move frozen jobs (the count is shown); made options may not.

    Circles are found by projecting the result: `circle`.
    """
    draft = _Draft(plant)
    for change in changes:
        why = _why_illegal(draft, projection, change)
        if why is not None:
            return _refused(change, why)
        draft.take(change)
    after = draft.build()
    touched = displaced(plant, after)
    bound = [(Why.PINNED, plant.op_pinned)]
    if not allow_frozen:
        bound.append((Why.FROZEN, frozen(plant, projection)))
    for why, flags in bound:
        rows = np.flatnonzero(touched & flags)
        if len(rows):
            return Refusal(why, "operation", int(plant.op_id[rows[0]]))
    return None


def _why_illegal(draft: _Draft, projection: Projection, change: Change) -> Why | WhyNot | None:
    try:
        match change:
            case MoveJob():
                op, to = draft.op(change.op_id), draft.unit(change.to_unit_id)
                return _move_illegal(draft, op, to, change.position)
            case SetQueue():
                rows = draft.reordered(draft.unit(change.unit_id), change.op_ids)
                return Why.QUEUE_MOVED if rows is None else None
            case AddCalendarWindow():
                windows = draft.exceptions(draft.unit(change.unit_id))
                return _window_illegal(windows, projection, change)
            case RemoveCalendarWindow():
                windows = draft.exceptions(draft.unit(change.unit_id))
                there = (change.start_s, change.end_s, True) in windows
                return None if there else Why.WINDOW_MISSING
            case SetEstimate():
                if not draft.plant.unit_down[draft.unit(change.unit_id)]:
                    return Why.NOT_DOWN
                return Why.ESTIMATE_PAST if change.back_s < projection.now else None
            case _:
                return deals.why_not(draft, projection, change)
    except ValueError:
        return Why.UNKNOWN


def _move_illegal(draft: _Draft, op: int, to: int, position: int) -> Why | None:
    status = draft.plant.op_status[op]
    if status == Status.RUNNING:
        return Why.RUNNING
    if status == Status.DONE:
        return Why.DONE
    if draft.plant.op_pinned[op]:
        return Why.PINNED
    origin = int(draft.read("op_unit")[op])
    if origin < 0 or op not in draft.queue(origin) or position < 0:
        return Why.QUEUE_MOVED
    if origin != to and draft.alternate(op, to) < 0:
        return Why.NOT_ELIGIBLE
    return None


def _window_illegal(
    windows: list[tuple[int, int, bool]], projection: Projection, change: AddCalendarWindow
) -> Why | None:
    if change.end_s <= change.start_s or change.start_s % MINUTE or change.end_s % MINUTE:
        return Why.WINDOW_EMPTY
    if change.start_s < projection.now:
        return Why.WINDOW_PAST
    if change.end_s > projection.horizon:
        return Why.WINDOW_LATE
    for start, end, opens in windows:
        if opens and start < change.end_s and change.start_s < end:
            return Why.WINDOW_TAKEN
    return None


def _refused(change: Change, why: Why | WhyNot) -> Refusal:
    if isinstance(change, Deal):
        return Refusal(why, *deals.subject_of(change))
    if isinstance(change, MoveJob):
        if why is Why.NOT_ELIGIBLE:
            return Refusal(why, "unit", change.to_unit_id)
        return Refusal(why, "operation", change.op_id)
    return Refusal(why, "unit", change.unit_id)


def circle(before: Projection, after: Projection, op_ids: I64) -> Refusal | None:
    """Return the first operation that stands on a circle only after the changes.

    Both projections in the same rows of operations.
    """
    rows = np.flatnonzero((after.op_reason == Reason.CYCLE) & (before.op_reason != Reason.CYCLE))
    return Refusal(Why.CYCLE, "operation", int(op_ids[rows[0]])) if len(rows) else None
