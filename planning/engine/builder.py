"""Builds a Plant from rows that name each other by database id.

Rows may come one by one (`add_operation(id=7, order=3, ...)`) or as whole columns
(`add_operations(id=array, order=array, ...)`), in any order; `tables.TABLES` lists the columns.
`build()` sorts them, resolves the ids, derives the CSR pointers and checks what the engine relies
on. `rows.builder_of(plant)` goes the other way, for changes that add or drop rows.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from planning.engine import calendars
from planning.engine.plant import (
    I32,
    I64,
    NEVER,
    PPM,
    UNSET,
    ArcKind,
    DemandKind,
    LotStatus,
    PegKind,
    Plant,
    Site,
    Status,
    SupplyKind,
)
from planning.engine.recipes import Recipes
from planning.engine.tables import TABLES

Column = npt.NDArray[Any]
Columns = dict[str, Column]


class PlantBuilder:
    """Collects the rows of one snapshot."""

    def __init__(self, site: Site | None = None) -> None:
        self.site = site or Site()
        self._calendars: dict[int, list[tuple[int, int]]] = {}
        self._built_calendars: calendars.Calendars | None = None
        self._recipes: Recipes = {}
        self._carriers: dict[int, list[int]] = {}
        self._queues: dict[int, list[int]] = {}
        self._chunks: dict[str, list[Columns]] = {table: [] for table in TABLES}
        self._rows: dict[str, list[dict[str, int]]] = {table: [] for table in TABLES}

    # -- rows one by one -------------------------------------------------------------------------

    def add_calendar(self, *, id: int, intervals: Iterable[tuple[int, int]]) -> None:
        """Add a base calendar: working intervals in seconds since the epoch."""
        self._calendars[id] = list(intervals)
        self._built_calendars = None

    def use_calendars(self, built: calendars.Calendars) -> None:
        """Take calendars that were built before, tables and all; the horizon must be the site's."""
        self._built_calendars = built

    def use_recipes(self, recipes: Recipes) -> None:
        """Say how items are made of which an order may come."""
        self._recipes = recipes

    def add_carrier(self, *, id: int, departures: Iterable[int]) -> None:
        """Add a carrier: the instants at which it leaves. After the last one nothing leaves."""
        self._carriers[id] = sorted(departures)

    def set_queue(self, *, unit: int, operations: Sequence[int]) -> None:
        """Give a unit's queue, head first. RUNNING and DONE operations in it are left out; open
        operations of the unit that stand in no queue are put behind, by baseline start and id."""
        self._queues[unit] = list(operations)

    def add_unit(self, **row: int) -> None:
        self._add("unit", row)

    def add_exception(self, **row: int) -> None:
        """Add a window that is open (overtime) or closed (a stop) on one unit."""
        self._add("exception", row)

    def add_mounted(self, **row: int) -> None:
        """Say which family is mounted on a place (0, 1, ...) of a unit."""
        self._add("mounted", row)

    def add_order(self, **row: int) -> None:
        self._add("order", row)

    def add_operation(self, **row: int) -> None:
        self._add("operation", row)

    def add_alternate(self, **row: int) -> None:
        self._add("alternate", row)

    def add_tool(self, **row: int) -> None:
        self._add("tool", row)

    def add_need(self, **row: int) -> None:
        """Say that an operation needs a tool."""
        self._add("need", row)

    def add_arc(self, **row: int) -> None:
        self._add("arc", row)

    def add_item(self, **row: int) -> None:
        self._add("item", row)

    def add_supply(self, **row: int) -> None:
        self._add("supply", row)

    def add_component(self, **row: int) -> None:
        """Add a demand of an operation that has not started (a started one's is issued)."""
        self._add("component", row)

    def add_line(self, **row: int) -> None:
        self._add("line", row)

    def add_peg(self, **row: int) -> None:
        """Add a HARD or COMMITTED peg; demand and supply are named by (kind, id)."""
        self._add("peg", row)

    # -- whole columns ---------------------------------------------------------------------------

    def add_units(self, **columns: Column) -> None:
        self._extend("unit", columns)

    def add_exceptions(self, **columns: Column) -> None:
        self._extend("exception", columns)

    def add_mounteds(self, **columns: Column) -> None:
        self._extend("mounted", columns)

    def add_orders(self, **columns: Column) -> None:
        self._extend("order", columns)

    def add_operations(self, **columns: Column) -> None:
        self._extend("operation", columns)

    def add_alternates(self, **columns: Column) -> None:
        self._extend("alternate", columns)

    def add_tools(self, **columns: Column) -> None:
        self._extend("tool", columns)

    def add_needs(self, **columns: Column) -> None:
        self._extend("need", columns)

    def add_arcs(self, **columns: Column) -> None:
        self._extend("arc", columns)

    def add_items(self, **columns: Column) -> None:
        self._extend("item", columns)

    def add_supplies(self, **columns: Column) -> None:
        self._extend("supply", columns)

    def add_components(self, **columns: Column) -> None:
        self._extend("component", columns)

    def add_lines(self, **columns: Column) -> None:
        self._extend("line", columns)

    def add_pegs(self, **columns: Column) -> None:
        self._extend("peg", columns)

    def add_rows(self, table: str, columns: Mapping[str, Column]) -> None:
        """Add whole columns to the table of that name."""
        self._extend(table, columns)

    def _add(self, table: str, row: dict[str, int]) -> None:
        spec = TABLES[table]
        for name in row:
            if name not in spec:
                raise ValueError(f"{table} has no column {name!r}")
        for name, (_, default) in spec.items():
            if default is None and name not in row:
                raise ValueError(f"{table} needs a value for {name!r}")
        self._rows[table].append(row)

    def _extend(self, table: str, columns: Mapping[str, Column]) -> None:
        spec = TABLES[table]
        sizes = {len(column) for column in columns.values()}
        if len(sizes) != 1:
            raise ValueError(f"{table}: columns of different lengths {sorted(sizes)}")
        size = sizes.pop()
        chunk: Columns = {}
        for name in columns:
            if name not in spec:
                raise ValueError(f"{table} has no column {name!r}")
        for name, (dtype, default) in spec.items():
            if name in columns:
                chunk[name] = np.asarray(columns[name]).astype(dtype)
            elif default is None:
                raise ValueError(f"{table} needs a value for {name!r}")
            else:
                chunk[name] = np.full(size, default, dtype)
        self._chunks[table].append(chunk)

    def _columns(self, table: str) -> Columns:
        chunks = list(self._chunks[table])
        rows = self._rows[table]
        if rows or not chunks:
            chunks.append(
                {
                    name: np.array([row.get(name, default) for row in rows], dtype)
                    for name, (dtype, default) in TABLES[table].items()
                }
            )
        if len(chunks) == 1:
            return chunks[0]
        return {name: np.concatenate([c[name] for c in chunks]) for name in TABLES[table]}

    # -- build -----------------------------------------------------------------------------------

    def build(self) -> Plant:
        """Return the Plant.

        :raises ValueError: naming the first row that is wrong, if an id is doubled or unknown, or
            a value is outside what the engine relies on.
        """
        calendar = self._calendar_tables()
        unit = _by_id("unit", self._columns("unit"))
        order = _by_id("order", self._columns("order"))
        item = _by_id("item", self._columns("item"))
        _check_units(unit)
        _check_items(item)
        units, orders, items = unit["id"], order["id"], item["id"]

        op = _by_id("operation", self._columns("operation"))
        arc = self._columns("arc")
        op, pred, succ = _in_topological_order(op, arc)
        ops = op["id"]
        by_id = np.argsort(ops, kind="stable")
        op_unit = _rows("operation", "unit", op["unit"], units, none=True)
        op_order = _rows("operation", "order", op["order"], orders)
        part_of, next_part = _parts(op, op_order, by_id)
        _check_operations(op, op_unit, unit["places"])

        keys = np.lexsort((arc["per_num"], arc["lag_s"], arc["kind"], pred, succ))
        arc = {name: column[keys] for name, column in arc.items()}
        pred, succ = pred[keys], succ[keys]
        _check_arcs(arc, pred, succ, op)
        succ_arc = np.lexsort((succ, pred)).astype(np.int32)

        exception = self._columns("exception")
        at = _rows("exception", "unit", exception["unit"], units)
        keys = np.lexsort((exception["open"], exception["end"], exception["start"], at))
        exception = {name: column[keys] for name, column in exception.items()}
        _refuse("exception", exception["end"] < exception["start"], "ends before it starts")
        exception_ptr = _ptr(at, len(units))

        place_ptr = np.zeros(len(units) + 1, np.int32)
        np.cumsum(unit["places"], out=place_ptr[1:])
        family = self._mounted(units, place_ptr)
        queue_ptr, queue_op = self._queue(units, op, op_unit, by_id)

        alternate = self._columns("alternate")
        of = _rows_of(alternate["operation"], ops, by_id, "alternate", "operation")
        other = _rows("alternate", "unit", alternate["unit"], units)
        keys = np.lexsort((other, of))
        alternate = {name: column[keys] for name, column in alternate.items()}

        tool = _by_id("tool", self._columns("tool"))
        need = self._columns("need")
        needing = _rows_of(need["operation"], ops, by_id, "need", "operation")
        needed = _rows("need", "tool", need["tool"], tool["id"])
        needs = np.lexsort((needed, needing))

        supply, supply_op = self._supplies(items, ops, by_id)
        demand, line = self._demands(item, ops, by_id, calendar)
        peg = self._pegs(supply, demand)

        carriers = sorted(self._carriers)
        carrier_ptr = np.zeros(len(carriers) + 1, np.int32)
        np.cumsum([len(self._carriers[c]) for c in carriers], out=carrier_ptr[1:])

        return Plant(
            site=self.site,
            calendars=calendar,
            **_named("unit", unit, skip=("calendar",)),
            unit_calendar=_rows_of(
                unit["calendar"], calendar.id, _order(calendar.id), "unit", "calendar"
            ),
            unit_exception_ptr=exception_ptr,
            **_named("exception", exception, skip=("unit",)),
            unit_place_ptr=place_ptr,
            place_family=family,
            unit_queue_ptr=queue_ptr,
            queue_op=queue_op,
            order_id=orders,
            order_item=_rows("order", "item", order["item"], items, none=True),
            order_need_by=order["need_by"],
            order_not_before=order["not_before"],
            **_named("op", op, skip=("order", "unit", "part_of")),
            op_order=op_order,
            op_part_of=part_of,
            op_next_part=next_part,
            op_unit=op_unit,
            op_alternate_ptr=_ptr(of, len(ops)),
            **_named("alternate", alternate, skip=("operation", "unit")),
            alternate_unit=other[keys],
            op_need_ptr=_ptr(needing, len(ops)),
            need_tool=needed[needs],
            **_named("tool", tool),
            op_pred_ptr=_ptr(succ, len(ops)),
            **_named("arc", arc, skip=("pred", "succ")),
            arc_pred=pred,
            arc_succ=succ,
            op_succ_ptr=_ptr(pred, len(ops)),
            succ_arc=succ_arc,
            **_named("item", item),
            **_named("supply", supply, skip=("op",)),
            supply_op=supply_op,
            **_named("demand", demand),
            **_named("line", line),
            carrier_id=np.array(carriers, np.int64),
            carrier_ptr=carrier_ptr,
            departure_at=np.array([t for c in carriers for t in self._carriers[c]], np.int32),
            **_named("peg", peg),
            recipes=self._recipes,
        )

    def _calendar_tables(self) -> calendars.Calendars:
        if self._built_calendars is not None:
            if self._built_calendars.horizon != self.site.horizon:
                raise ValueError("the calendars were built to another horizon than the site's")
            return self._built_calendars
        ids = sorted(self._calendars)
        return calendars.build(ids, [self._calendars[i] for i in ids], horizon=self.site.horizon)

    def _mounted(self, units: I64, place_ptr: I32) -> I64:
        mounted = self._columns("mounted")
        at = _rows("mounted", "unit", mounted["unit"], units)
        place = mounted["place"]
        _refuse("mounted", (place < 0) | (place >= np.diff(place_ptr)[at]), "no such place")
        family = np.zeros(place_ptr[-1], np.int64)
        family[place_ptr[at] + place] = mounted["family"]
        return family

    def _queue(self, units: I64, op: Columns, op_unit: I32, by_id: Column) -> tuple[I32, I32]:
        given = sorted(self._queues)
        lists = [self._queues[u] for u in given]
        sizes = [len(each) for each in lists]
        at = np.repeat(_rows("queue", "unit", np.array(given, np.int64), units), sizes)
        named = np.array([o for each in lists for o in each], np.int64)
        rows = _rows_of(named, op["id"], by_id, "queue", "operation")
        waits = (op["status"] == Status.WAITING) | (op["status"] == Status.SUSPENDED)
        keep = waits[rows]
        rows, at = rows[keep], at[keep]
        _refuse("queue", op_unit[rows] != at, "an operation stands in another unit's queue")
        counts = np.bincount(rows, minlength=len(op["id"]))
        _refuse("queue", counts > 1, "an operation stands in it twice")
        left = np.flatnonzero(waits & (op_unit >= 0) & (counts == 0)).astype(np.int32)
        planned = op["baseline_start"][left].astype(np.int64)
        planned[planned == UNSET] = 2**40
        left = left[np.lexsort((left, planned))]
        rows = np.concatenate([rows, left])
        at = np.concatenate([at, op_unit[left]])
        keys = np.argsort(at, kind="stable")
        return _ptr(at, len(units)), rows[keys].astype(np.int32)

    def _supplies(self, items: I64, ops: I64, by_id: Column) -> tuple[Columns, I32]:
        supply = self._columns("supply")
        keys = np.lexsort((supply["id"], supply["kind"]))
        supply = {name: column[keys] for name, column in supply.items()}
        _refuse_doubles("supply", supply["kind"], supply["id"])
        _check_supplies(supply)
        supply["item"] = _rows("supply", "item", supply["item"], items)
        op = np.full(len(keys), -1, np.int32)
        made = supply["kind"] == SupplyKind.OUTPUT
        op[made] = _rows_of(supply["op"][made], ops, by_id, "supply", "operation")
        return supply, op

    def _demands(
        self, item: Columns, ops: I64, by_id: Column, calendar: calendars.Calendars
    ) -> tuple[Columns, Columns]:
        line = _by_id("line", self._columns("line"))
        component = _by_id("component", self._columns("component"))
        stocked = np.flatnonzero((item["safety_qty"] > 0) & item["tracked"])
        lines, components, safeties = (
            len(line["id"]),
            len(component["id"]),
            len(stocked),
        )
        total = lines + components + safeties
        demand: Columns = {
            "id": np.concatenate([line["id"], component["id"], item["id"][stocked]]),
            "kind": np.repeat(
                np.array([k.value for k in DemandKind], np.int8),
                [lines, components, safeties],
            ),
            "item": np.concatenate(
                [
                    _rows("line", "item", line["item"], item["id"]),
                    _rows("component", "item", component["item"], item["id"]),
                    stocked.astype(np.int32),
                ]
            ),
            "qty": np.concatenate([line["qty"], component["qty"], item["safety_qty"][stocked]]),
            "op": np.full(total, -1, np.int32),
            "line": np.full(total, -1, np.int32),
        }
        demand["op"][lines : lines + components] = _rows_of(
            component["operation"], ops, by_id, "component", "operation"
        )
        demand["line"][:lines] = np.arange(lines)
        for name in ("owner", "lot", "min_life_s"):
            none = np.zeros(safeties, line[name].dtype)
            demand[name] = np.concatenate([line.pop(name), component[name], none])
        _refuse("demand", demand["qty"] < 0, "a quantity is below zero")
        _refuse(
            "line",
            (line["transit_s"] < 0) | (line["prepare_s"] < 0),
            "a duration below zero",
        )
        line.pop("item")
        line.pop("qty")
        line["demand"] = np.arange(lines, dtype=np.int32)
        carriers = np.array(sorted(self._carriers), np.int64)
        line["carrier"] = _rows("line", "carrier", line["carrier"], carriers, none=True)
        known, order = calendar.id, _order(calendar.id)
        at = np.full(lines, -1, np.int32)
        some = line["calendar"] != 0
        at[some] = _rows_of(line["calendar"][some], known, order, "line", "calendar")
        line["calendar"] = at
        return demand, line

    def _pegs(self, supply: Columns, demand: Columns) -> Columns:
        peg = self._columns("peg")
        at = _pairs("peg", peg["supply_kind"], peg["supply"], supply)
        to = _pairs("peg", peg["demand_kind"], peg["demand"], demand)
        _refuse("peg", peg["qty"] <= 0, "a quantity is not above zero")
        fixed = (peg["kind"] == PegKind.HARD) | (peg["kind"] == PegKind.COMMITTED)
        _refuse("peg", ~fixed, "only hard and committed pegs are given")
        _refuse(
            "peg",
            supply["item"][at] != demand["item"][to],
            "supply and demand differ in item",
        )
        keys = np.lexsort((peg["qty"], peg["kind"], at, to))
        return {
            "supply": at[keys],
            "demand": to[keys],
            "qty": peg["qty"][keys],
            "kind": peg["kind"][keys],
        }


# -- ids to rows ----


def _refuse(table: str, wrong: Column, why: str) -> None:
    if wrong.any():
        raise ValueError(f"{table}: {why} (row {int(np.flatnonzero(wrong)[0])})")


def _refuse_doubles(table: str, *sorted_keys: Column) -> None:
    same = np.ones(max(0, len(sorted_keys[0]) - 1), np.bool_)
    for key in sorted_keys:
        same &= key[1:] == key[:-1]
    if same.any():
        row = int(np.flatnonzero(same)[0])
        raise ValueError(f"{table}: id {int(sorted_keys[-1][row])} is there twice")


def _by_id(table: str, columns: Columns) -> Columns:
    keys = np.argsort(columns["id"], kind="stable")
    ordered = {name: column[keys] for name, column in columns.items()}
    _refuse_doubles(table, ordered["id"])
    if len(keys) and ordered["id"][0] <= 0:
        raise ValueError(f"{table}: id {int(ordered['id'][0])} is not above zero")
    return ordered


def _order(ids: I64) -> Column:
    return np.argsort(ids, kind="stable")


def _rows_of(wanted: Column, ids: I64, order: Column, table: str, what: str) -> I32:
    """Row of each wanted id among `ids`, which `order` sorts."""
    if not len(wanted):
        return np.zeros(0, np.int32)
    if not len(ids):
        raise ValueError(f"{table}: unknown {what} {int(wanted[0])}")
    at = np.minimum(np.searchsorted(ids, wanted, sorter=order), len(ids) - 1)
    rows = order[at]
    unknown = ids[rows] != wanted
    if unknown.any():
        raise ValueError(f"{table}: unknown {what} {int(wanted[np.flatnonzero(unknown)[0]])}")
    return rows.astype(np.int32)


def _rows(table: str, what: str, wanted: Column, ids: I64, *, none: bool = False) -> I32:
    """Row of each wanted id among sorted `ids`; 0 becomes -1 where none is allowed."""
    rows = np.full(len(wanted), -1, np.int32)
    some = wanted != 0 if none else np.ones(len(wanted), np.bool_)
    rows[some] = _rows_of(wanted[some], ids, np.arange(len(ids)), table, what)
    return rows


def _pairs(table: str, kind: Column, wanted: Column, among: Columns) -> I32:
    rows = np.full(len(wanted), -1, np.int32)
    for value in np.unique(kind):
        place = np.flatnonzero(among["kind"] == value)
        mine = kind == value
        rows[mine] = place[_rows(table, "end", wanted[mine], among["id"][place])]
    return rows


def _parts(op: Columns, order: I32, by_id: Column) -> tuple[I32, I32]:
    """Row of the first part of each operation that is a part, and of the part after each."""
    size = len(op["id"])
    first, following = np.full(size, -1, np.int32), np.full(size, -1, np.int32)
    rows = np.flatnonzero(op["part_of"])
    if not len(rows):
        return first, following
    first[rows] = _rows_of(op["part_of"][rows], op["id"], by_id, "operation", "part_of")
    _refuse("operation", (first >= 0) & (first[first] >= 0), "is a part of a part")
    wrong = (first >= 0) & ((first >= np.arange(size)) | (order[first] != order))
    _refuse("operation", wrong, "is a part of what stands behind it or in another order")
    last: dict[int, int] = {}
    for row in rows.tolist():
        root = int(first[row])
        following[last.get(root, root)] = row
        last[root] = row
    return first, following


def _ptr(rows: Column, size: int) -> I32:
    ptr = np.zeros(size + 1, np.int32)
    np.cumsum(np.bincount(rows, minlength=size), out=ptr[1:])
    return ptr


def _named(prefix: str, columns: Columns, *, skip: tuple[str, ...] = ()) -> dict[str, Any]:
    return {f"{prefix}_{name}": column for name, column in columns.items() if name not in skip}


def _in_topological_order(op: Columns, arc: Columns) -> tuple[Columns, I32, I32]:
    """Sort operations so that arcs lead forward, the smallest (planned start, order, number, id)
    first.

    What is planned to start together lies together: a pass goes through time, and so through
    memory. Parts lie behind the first part of their operation, which they share the pieces with.
    What stands on a circle of arcs, or behind one, comes last in the order of its keys.
    """
    planned = np.where(op["baseline_start"] == UNSET, NEVER, op["baseline_start"])
    parts = np.flatnonzero(op["part_of"])
    if len(parts):
        first = _rows_of(op["part_of"][parts], op["id"], _order(op["id"]), "operation", "part_of")
        planned[parts] = planned[first]
    keys = np.lexsort((op["id"], op["number"], op["order"], planned))
    op = {name: column[keys] for name, column in op.items()}
    by_id = _order(op["id"])
    pred = _rows_of(arc["pred"], op["id"], by_id, "arc", "operation")
    succ = _rows_of(arc["succ"], op["id"], by_id, "arc", "operation")
    if (pred < succ).all():
        return op, pred, succ
    size = len(keys)
    followers: list[list[int]] = [[] for _ in range(size)]
    for before, after in zip(pred.tolist(), succ.tolist(), strict=True):
        followers[before].append(after)
    waits = np.bincount(succ, minlength=size).tolist()
    free = [row for row in range(size) if not waits[row]]
    sequence: list[int] = []
    while free:
        row = heapq.heappop(free)
        sequence.append(row)
        for after in followers[row]:
            waits[after] -= 1
            if not waits[after]:
                heapq.heappush(free, after)
    sequence += [row for row in range(size) if waits[row]]
    new = np.array(sequence, np.int64)
    back = np.empty(size, np.int32)
    back[new] = np.arange(size)
    return {name: column[new] for name, column in op.items()}, back[pred], back[succ]


# -- what the engine relies on ----


def _check_units(unit: Columns) -> None:
    _refuse("unit", unit["places"] < 1, "has no place")
    _refuse("unit", unit["rate_ppm"] < 1, "its rate is not above zero")
    wrong = (unit["slow_ppm"] < 1) | (unit["slow_ppm"] > PPM)
    _refuse("unit", wrong, "slowed to a rate that is not in 1..10^6")
    _refuse("unit", unit["quantum_qty"] < 1, "its reporting quantum is not above zero")


def _check_items(item: Columns) -> None:
    _refuse("item", item["quantum_qty"] < 1, "its quantum is not above zero")
    _refuse("item", item["safety_qty"] < 0, "its safety stock is below zero")


def _check_operations(op: Columns, op_unit: I32, places: Column) -> None:
    table = "operation"
    for name in ("launch_qty", "good_qty", "scrap_qty", "rework_qty"):
        _refuse(
            table,
            (op[name] < 0) | (op[name] > 9 * 10**12),
            f"{name} is not in 0..9 million",
        )
    for name in ("setup_s", "productive_s", "stopped_s"):
        _refuse(table, op[name] < 0, f"{name} is below zero")
    for name in ("run_us", "fixed_us"):
        _refuse(table, (op[name] < 0) | (op[name] > 10**12), f"{name} is not in 0..10^12")
    _refuse(
        table,
        (op["factor_ppm"] < 1) | (op["factor_ppm"] > 10**9),
        "factor not in 1..10^9",
    )
    wrong = (op["yield_num"] < 1) | (op["yield_num"] > op["yield_den"]) | (op["yield_den"] > 10**6)
    _refuse(table, wrong, "its yield is not above zero, at most one, over at most 10^6")
    _refuse(table, ~np.isin(op["status"], [s.value for s in Status]), "unknown status")
    started = op["status"] != Status.WAITING
    _refuse(table, started & (op["actual_start"] == UNSET), "has started without a start")
    done = op["status"] == Status.DONE
    _refuse(table, done & (op["actual_end"] < op["actual_start"]), "is done without an end")
    has = (op["place"] >= 0) & (op_unit >= 0)
    _refuse(table, (op["place"] >= 0) & ~has, "has a place but no unit")
    _refuse(
        table,
        has & (op["place"] >= places[op_unit]) if len(places) else has,
        "no such place",
    )


def _check_arcs(arc: Columns, pred: I32, succ: I32, op: Columns) -> None:
    _refuse("arc", arc["lag_s"] < 0, "its lag is below zero")
    _refuse("arc", pred == succ, "leads to where it begins")
    overlap = arc["kind"] == ArcKind.OVERLAP
    _refuse("arc", overlap & (arc["batch_qty"] < 1), "an overlap without a batch")
    _refuse("arc", overlap & (arc["per_num"] < 1), "an overlap without pieces")
    wrong = (arc["per_num"] < 0) | (arc["per_den"] < 1)
    wrong |= (arc["per_num"] > 10**6) | (arc["per_den"] > 10**6)
    _refuse("arc", wrong, "its quantity per is not in 0..10^6 over 1..10^6")


def _check_supplies(supply: Columns) -> None:
    _refuse("supply", supply["qty"] < 0, "its quantity is below zero")
    _refuse(
        "supply",
        ~np.isin(supply["kind"], [k.value for k in SupplyKind]),
        "unknown kind",
    )
    lot = supply["kind"] == SupplyKind.LOT
    _refuse("supply", ~lot & (supply["status"] != LotStatus.RELEASED), "only lots are held")
    _refuse("supply", supply["put_away_s"] < 0, "its put-away is below zero")
    wrong = (supply["per_num"] < 1) | (supply["per_den"] < 1)
    wrong |= (supply["per_num"] > 10**6) | (supply["per_den"] > 10**6)
    _refuse("supply", wrong, "its output per piece is not in 1..10^6 over 1..10^6")
    expected = (supply["kind"] == SupplyKind.PURCHASE) | (supply["kind"] == SupplyKind.TRANSFER)
    _refuse("supply", expected & (supply["at"] == UNSET), "is expected at no time")
