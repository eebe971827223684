"""The rows that a Plant was built from, and a builder that holds them again.

For changes that add or drop rows (a split, a rework step): take a builder of the plant, add to it,
build. What is not changed comes back as it was, bit for bit.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from planning.engine.builder import PlantBuilder
from planning.engine.plant import I32, I64, DemandKind, Plant
from planning.engine.tables import TABLES

Columns = dict[str, npt.NDArray[Any]]
REFERENCES = {
    "unit": {"calendar"},
    "order": {"item"},
    "operation": {"order", "unit"},
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
        "calendar": plant.calendars.id,
        "carrier": plant.carrier_id,
    }
    tables: dict[str, Columns] = {}
    for table in ("unit", "order", "operation", "item", "supply"):
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


def builder_of(plant: Plant) -> PlantBuilder:
    """Return a builder that builds the same plant."""
    builder = PlantBuilder(plant.site)
    builder.use_calendars(plant.calendars)
    for k, carrier in enumerate(plant.carrier_id.tolist()):
        leaves = plant.departure_at[plant.carrier_ptr[k] : plant.carrier_ptr[k + 1]]
        builder.add_carrier(id=carrier, departures=leaves.tolist())
    for u, unit in enumerate(plant.unit_id.tolist()):
        queue = plant.queue_op[plant.unit_queue_ptr[u] : plant.unit_queue_ptr[u + 1]]
        builder.set_queue(unit=unit, operations=plant.op_id[queue].tolist())
    for table, columns in rows_of(plant).items():
        builder.add_rows(table, columns)
    return builder


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
