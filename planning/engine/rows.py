"""The rows that a Plant was built from, and a builder that holds them again.

For changes that add or drop rows (a split, a rework step): take a builder of the plant, add to it,
build. What is not changed comes back as it was, bit for bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from planning.engine.builder import PlantBuilder
from planning.engine.plant import (
    I32,
    I64,
    NEVER,
    DemandKind,
    Plant,
    Projection,
    SupplyKind,
)
from planning.engine.tables import TABLES

Columns = dict[str, npt.NDArray[Any]]
REFERENCES = {
    "unit": {"calendar"},
    "order": {"item"},
    "operation": {"order", "unit", "part_of"},
    "supply": {"item", "op"},
    "line": {"calendar", "carrier"},
}
PREFIX = {"operation": "op"}


def rows_of(plant: Plant) -> dict[str, Columns]:
    """Return for each table of `tables.TABLES` its columns, with ids for references."""
    ids = {
        "unit": plant.unit_id,
        "order": plant.order_id,
        "item": plant.item_id,
        "op": plant.op_id,
        "part_of": plant.op_id,
        "calendar": plant.calendars.id,
        "carrier": plant.carrier_id,
    }
    tables: dict[str, Columns] = {}
    for table in ("unit", "order", "operation", "item", "supply", "tool"):
        prefix = PREFIX.get(table, table)
        tables[table] = {
            name: _named(getattr(plant, f"{prefix}_{name}"), ids[name])
            if name in REFERENCES.get(table, ())
            else getattr(plant, f"{prefix}_{name}")
            for name in TABLES[table]
        }
    tables["exception"] = {
        "unit": np.repeat(plant.unit_id, np.diff(plant.unit_exception_ptr)),
        "start": plant.exception_start,
        "end": plant.exception_end,
        "open": plant.exception_open,
    }
    places = np.diff(plant.unit_place_ptr)
    tables["mounted"] = {
        "unit": np.repeat(plant.unit_id, places),
        "place": np.arange(plant.unit_place_ptr[-1]) - np.repeat(plant.unit_place_ptr[:-1], places),
        "family": plant.place_family,
    }
    tables["alternate"] = {
        "operation": np.repeat(plant.op_id, np.diff(plant.op_alternate_ptr)),
        "unit": plant.unit_id[plant.alternate_unit],
        **{
            name: getattr(plant, f"alternate_{name}")
            for name in ("setup_s", "run_us", "fixed_us", "cost")
        },
    }
    tables["need"] = {
        "operation": np.repeat(plant.op_id, np.diff(plant.op_need_ptr)),
        "tool": plant.tool_id[plant.need_tool],
    }
    tables["arc"] = {
        name: plant.op_id[getattr(plant, f"arc_{name}")]
        if name in ("pred", "succ")
        else getattr(plant, f"arc_{name}")
        for name in TABLES["arc"]
    }
    component = np.flatnonzero(plant.demand_kind == DemandKind.COMPONENT)
    tables["component"] = {
        "operation": plant.op_id[plant.demand_op[component]],
        **_demands(plant, component),
    }
    line = {
        name: _named(getattr(plant, f"line_{name}"), ids[name])
        if name in REFERENCES["line"]
        else getattr(plant, f"line_{name}")
        for name in TABLES["line"]
        if hasattr(plant, f"line_{name}")
    }
    tables["line"] = line | _demands(plant, plant.line_demand)
    tables["peg"] = {
        "supply_kind": plant.supply_kind[plant.peg_supply],
        "supply": plant.supply_id[plant.peg_supply],
        "demand_kind": plant.demand_kind[plant.peg_demand],
        "demand": plant.demand_id[plant.peg_demand],
        "qty": plant.peg_qty,
        "kind": plant.peg_kind,
    }
    return tables


def builder_of(
    plant: Plant, *, without: Sequence[int] = (), without_order: int = 0
) -> PlantBuilder:
    """Return a builder that builds the same plant.

    without        ids of operations that are left out, with all that is theirs.
    without_order  id of an order that is left out with what it brings; none of its operations
                   may be left.
    """
    builder = PlantBuilder(plant.site)
    builder.use_calendars(plant.calendars)
    builder.use_recipes(plant.recipes)
    for k, carrier in enumerate(plant.carrier_id.tolist()):
        leaves = plant.departure_at[plant.carrier_ptr[k] : plant.carrier_ptr[k + 1]]
        builder.add_carrier(id=carrier, departures=leaves.tolist())
    for u, unit in enumerate(plant.unit_id.tolist()):
        queue = plant.queue_op[plant.unit_queue_ptr[u] : plant.unit_queue_ptr[u + 1]]
        ids = [op for op in plant.op_id[queue].tolist() if op not in without]
        builder.set_queue(unit=unit, operations=ids)
    tables = rows_of(plant)
    if len(without):
        tables = _left(tables, without)
    if without_order:
        tables = _without_order(tables, without_order)
    for table, columns in tables.items():
        builder.add_rows(table, columns)
    return builder


def _left(tables: dict[str, Columns], without: Sequence[int]) -> dict[str, Columns]:
    """The rows that are left without some operations."""
    gone = np.array(without, np.int64)
    components = tables["component"]["id"][np.isin(tables["component"]["operation"], gone)]
    of = {
        "operation": ("id",),
        "alternate": ("operation",),
        "need": ("operation",),
        "arc": ("pred", "succ"),
        "component": ("operation",),
    }
    left = dict(tables)
    for table, names in of.items():
        keep = ~np.any([np.isin(tables[table][name], gone) for name in names], axis=0)
        left[table] = {name: column[keep] for name, column in tables[table].items()}
    pegs = tables["peg"]
    keep = (pegs["demand_kind"] != DemandKind.COMPONENT) | ~np.isin(pegs["demand"], components)
    left["peg"] = {name: column[keep] for name, column in pegs.items()}
    return left


def _without_order(tables: dict[str, Columns], order_id: int) -> dict[str, Columns]:
    """The rows that are left without an order and what comes of it."""
    supply, peg = tables["supply"], tables["peg"]
    made = (SupplyKind.OUTPUT, SupplyKind.TRANSFER)
    keep = {
        "order": tables["order"]["id"] != order_id,
        "supply": ~(np.isin(supply["kind"], made) & (supply["id"] == order_id)),
        "peg": ~(np.isin(peg["supply_kind"], made) & (peg["supply"] == order_id)),
    }
    return tables | {
        table: {name: column[rows] for name, column in tables[table].items()}
        for table, rows in keep.items()
    }


# -- plants with other operations ----------------------------------------------------------------


def rows_in(plant: Plant, other: Plant) -> I64 | None:
    """Return the row in `other` of each operation of `plant`, -1 where it isn't there.

    None where both have the same rows.
    """
    if plant.op_id is other.op_id or np.array_equal(plant.op_id, other.op_id):
        return None
    if not len(other.op_id):
        return np.full(len(plant.op_id), -1, np.int64)
    by = np.argsort(other.op_id, kind="stable")
    at = np.searchsorted(other.op_id, plant.op_id, sorter=by)
    rows: I64 = by[np.minimum(at, len(by) - 1)].astype(np.int64)
    rows[other.op_id[rows] != plant.op_id] = -1
    return rows


def at_rows_of(before: Plant, after: Plant) -> Plant:
    """Return `after` in the rows of operations of `before`, to compare the two.

    What only `after` has is left out of columns and alternates and is -1 in the queues; what only
    `before` has is as it was. Its arcs, pegs and calendars are those of `after`.
    """
    at = rows_in(before, after)
    if at is None:
        return after
    back = rows_in(after, before)
    assert back is not None
    back = np.append(back, -1)
    there = at >= 0
    columns: dict[str, Any] = {}
    for each in fields(Plant):
        if each.name.startswith("op_") and not each.name.endswith("_ptr"):
            columns[each.name] = getattr(before, each.name).copy()
            columns[each.name][there] = getattr(after, each.name)[at[there]]
    for name in ("op_part_of", "op_next_part"):
        columns[name] = np.where(columns[name] >= 0, back[columns[name]], -1).astype(np.int32)
    columns["queue_op"] = back[after.queue_op].astype(np.int32)
    of_before = np.repeat(np.arange(len(at)), np.diff(before.op_alternate_ptr))
    sizes = np.diff(after.op_alternate_ptr)
    if there.all() and (sizes[at] == np.diff(before.op_alternate_ptr)).all():
        first = after.op_alternate_ptr[at] - before.op_alternate_ptr[:-1]
        rows = np.arange(len(of_before)) + first[of_before]
        for name in ("unit", "setup_s", "run_us", "fixed_us", "cost"):
            columns[f"alternate_{name}"] = getattr(after, f"alternate_{name}")[rows]
    else:
        for name in ("unit", "setup_s", "run_us", "fixed_us", "cost"):
            columns[f"alternate_{name}"] = getattr(before, f"alternate_{name}")
    columns["op_alternate_ptr"] = before.op_alternate_ptr
    return replace(after, **columns)


def projection_at_rows_of(before: Plant, after: Plant, projection: Projection) -> Projection:
    """Return a projection of `after` in the rows of operations of `before`; see `at_rows_of`.

    What only `before` has has no date.
    """
    at = rows_in(before, after)
    if at is None:
        return projection
    there = at >= 0
    columns: dict[str, Any] = {}
    for each in fields(Projection):
        if each.name.startswith("op_"):
            column = getattr(projection, each.name)
            none = NEVER if each.name in ("op_start", "op_end") else 0
            columns[each.name] = np.full(len(at), none, column.dtype)
            columns[each.name][there] = column[at[there]]
    return replace(projection, **columns)


def _named(rows: I32, ids: I64) -> I64:
    """Ids of rows; 0 for row -1."""
    return np.append(ids, 0)[rows]


def _demands(plant: Plant, rows: npt.NDArray[Any]) -> Columns:
    return {
        "id": plant.demand_id[rows],
        "item": plant.item_id[plant.demand_item[rows]],
        "qty": plant.demand_qty[rows],
        "owner": plant.demand_owner[rows],
        "lot": plant.demand_lot[rows],
        "min_life_s": plant.demand_min_life_s[rows],
    }
