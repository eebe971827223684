"""Small plants and written-down projections for the tests of changes, cost, impact and options."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np
from hypothesis import strategies as st

from planning.engine.builder import PlantBuilder
from planning.engine.plant import NEVER, PIECE, Plant, Projection, Site, State, SupplyKind

MINUTE = 60
HOUR = 3_600
DAY = 86_400

# Length of each column of a projection, by the first word of its name.
_ROWS = {
    "op": "op_id",
    "supply": "supply_id",
    "demand": "demand_id",
    "line": "line_id",
    "item": "item_id",
}
_TYPES = {"I8": np.int8, "I32": np.int32, "I64": np.int64, "Flags": np.bool_}


def written(plant: Plant, *, now: int = 0, **given: Any) -> Projection:
    """A projection of the plant with the given columns; all the rest is zero or none."""
    values: dict[str, Any] = {"now": now, "horizon": plant.site.horizon}
    values |= {"round_kept": 0, "rounds": 0}
    for each in fields(Projection):
        if each.name in given:
            values[each.name] = np.asarray(given[each.name], _TYPES[str(each.type)])
        elif each.name in values or each.name == "unsettled_items":
            continue
        elif each.name == "demand_peg_ptr":
            values[each.name] = np.zeros(len(plant.demand_id) + 1, np.int32)
        else:
            rows = _ROWS.get(each.name.split("_")[0])
            size = 0 if rows is None else len(getattr(plant, rows))
            values[each.name] = np.zeros(size, _TYPES[str(each.type)])
    return Projection(**values)


def two_mills() -> PlantBuilder:
    """Two mills (1, 2) that work from 6 to 14 each day, three one-hour jobs on the first.

    Job 10, 20 and 30 each make one piece of item 1 for a customer line of the same number;
    mill 2 can make 10 and 20, in 90 minutes.
    """
    builder = PlantBuilder(Site(horizon=30 * DAY))
    builder.add_calendar(
        id=1, intervals=[(day * DAY + 6 * HOUR, day * DAY + 14 * HOUR) for day in range(30)]
    )
    builder.add_unit(id=1, calendar=1)
    builder.add_unit(id=2, calendar=1)
    for job in (10, 20, 30):
        builder.add_item(id=job, kind=1)
        builder.add_order(id=job, item=job)
        builder.add_operation(
            id=job, order=job, number=1, unit=1, launch_qty=PIECE, run_us=HOUR * 1_000_000
        )
        builder.add_supply(id=job, kind=SupplyKind.OUTPUT, item=job, op=job)
        builder.add_line(id=job, item=job, qty=PIECE, promised=8 * HOUR, value=1_000_0000)
    for job in (10, 20):
        builder.add_alternate(operation=job, unit=2, run_us=90 * MINUTE * 1_000_000)
    builder.set_queue(unit=1, operations=[10, 20, 30])
    return builder


@st.composite
def plants(draw: st.DrawFn) -> PlantBuilder:
    """Up to four units and eight single-step orders with alternates, queues and overtime."""
    builder = PlantBuilder(Site(horizon=14 * DAY))
    start = draw(st.integers(0, 10))
    builder.add_calendar(
        id=1,
        intervals=[(d * DAY + start * HOUR, d * DAY + (start + 8) * HOUR) for d in range(14)],
    )
    units = draw(st.integers(1, 4))
    for unit in range(1, units + 1):
        down = draw(st.booleans())
        until = draw(st.sampled_from([NEVER, 5 * HOUR, 30 * HOUR])) if down else NEVER
        builder.add_unit(id=unit, calendar=1, down=down, down_until=until)
        for day in draw(st.sets(st.integers(0, 5), max_size=2)):
            opening = day * DAY + 20 * HOUR
            builder.add_exception(unit=unit, start=opening, end=opening + 2 * HOUR, open=True)
    queues: dict[int, list[int]] = {unit: [] for unit in range(1, units + 1)}
    for job in draw(st.permutations(range(1, draw(st.integers(1, 8)) + 1))):
        unit = draw(st.integers(1, units))
        pieces = draw(st.integers(1, 20))
        builder.add_item(id=job, kind=1)
        builder.add_order(id=job, item=job)
        times = {
            other: {
                "run_us": draw(st.integers(1, 60)) * MINUTE * 1_000_000,
                "setup_s": draw(st.integers(0, 4)) * 15 * MINUTE,
            }
            for other in {unit, *draw(st.sets(st.integers(1, units)))}
        }
        builder.add_operation(
            id=job, order=job, unit=unit, launch_qty=pieces * PIECE, **times[unit]
        )
        listed = draw(st.booleans())  # the job's own unit may stand among its alternates
        for other in times:
            if listed or other != unit:
                builder.add_alternate(operation=job, unit=other, **times[other])
        builder.add_supply(id=job, kind=SupplyKind.OUTPUT, item=job, op=job)
        builder.add_line(
            id=job,
            item=job,
            qty=pieces * PIECE,
            promised=draw(st.integers(1, 8)) * DAY,
            value=draw(st.integers(1, 100)) * 1_000_0000,
        )
        queues[unit].append(job)
    for unit, queue in queues.items():
        builder.set_queue(unit=unit, operations=queue)
    return builder


def dated(plant: Plant, **given: Any) -> Projection:
    """A written projection in which everything has a date."""
    return written(
        plant,
        op_state=np.full(len(plant.op_id), State.DATED),
        line_state=np.full(len(plant.line_id), State.DATED),
        **given,
    )
