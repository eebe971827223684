"""Why each line is late, in one step: the term at the end of its chain, and the queue on its way.

`impact.why_late` walks one chain step by step, for a page that shows it. Here the chains of all
late lines are walked together, each operation once, for lists that say one reason a line.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from planning.engine.cost import line_instants
from planning.engine.desk import tools_back
from planning.engine.plant import (
    I32,
    NEVER,
    UNSET,
    Bind,
    LotStatus,
    Plant,
    Projection,
    Reason,
    State,
    Wait,
)


class Why(NamedTuple):
    """What a line waits for.

    term     UNIT_DOWN (unit), TOOL (tool that is lost), SUPPLY or HELD (supply; `kind` is its
             SupplyKind), UNCOVERED (item), RUNNING, NOT_BEFORE, HOLD or NOW (operation: nothing
             else holds it back), NO_DATE (operation; `kind` is its Reason), or PROMISE (line: it is
             there, and leaves too late).
    id       database id of that.
    at       when it ends, comes or is back, in seconds since the plan's epoch; NEVER = no date.
    unit     id of the unit in whose queue the chain stands longest; 0 if in none.
    queue_s  for how long it stands there: from the start of the first of an unbroken row of jobs
             there until the last of them may start.
    """

    term: str
    id: int
    at: int
    kind: int = -1
    unit: int = 0
    queue_s: int = 0


class _Behind(NamedTuple):
    """Of an operation: why it is where it is, and since when its unit has been taken."""

    why: Why
    since: int


def why_each(plant: Plant, projection: Projection, lines: Iterable[int]) -> dict[int, Why]:
    """Return for each of these lines (ids) what it waits for.

    Time grows with the operations on the chains, not with the number of the lines.

    :raises KeyError: if a line is not in the plant.
    """
    row_of = {line: row for row, line in enumerate(plant.line_id.tolist())}
    at, dated = line_instants(plant, projection)
    tools = tools_back(plant, now=projection.now)
    known: dict[int, _Behind] = {}
    found = {}
    for line in lines:
        row = row_of[line]
        supply = int(projection.line_supply[row])
        if supply >= 0 and plant.supply_op[supply] >= 0:
            found[line] = _of(plant, projection, int(plant.supply_op[supply]), known, tools).why
        elif supply >= 0:
            found[line] = _supply(plant, projection, supply)
        elif projection.line_short_qty[row] > 0 or not dated[row]:
            item = plant.item_id[plant.demand_item[plant.line_demand[row]]]
            found[line] = Why("UNCOVERED", int(item), int(projection.line_ready[row]))
        else:
            found[line] = Why("PROMISE", line, int(at[row]))
    return found


def _of(
    plant: Plant, out: Projection, op: int, known: dict[int, _Behind], tools: tuple[I32, I32]
) -> _Behind:
    """Walk back from an operation to one that is known or the last, then forward again."""
    way: list[int] = []
    on_way: set[int] = set()
    last: Why | None = None
    while op not in known and last is None:
        if op in on_way:
            last = Why("NO_DATE", int(plant.op_id[op]), NEVER, int(Reason.CYCLE))
            break
        way.append(op)
        on_way.add(op)
        before, last = _before(plant, out, op, tools)
        if before >= 0:
            op = before
    behind = known[op] if last is None else _Behind(last, UNSET)
    for op in reversed(way):
        start = int(out.op_start[op])
        since = start
        if out.op_bind[op] == Bind.PLACE and out.op_bind_ref[op] >= 0 and behind.since != UNSET:
            since = behind.since
            if start != NEVER and start - since > behind.why.queue_s:
                unit = int(plant.unit_id[plant.op_unit[op]])
                behind = _Behind(behind.why._replace(unit=unit, queue_s=start - since), since)
        behind = known[op] = _Behind(behind.why, since)
    return behind


def _before(
    plant: Plant, out: Projection, op: int, tools: tuple[I32, I32]
) -> tuple[int, Why | None]:
    """Return the operation that op waits for, or why it waits for none (-1)."""
    bind, ref = out.op_bind[op], int(out.op_bind_ref[op])
    number = int(plant.op_id[op])
    blocked = out.op_state[op] != State.DATED
    unit = int(plant.op_unit[op])
    if blocked and out.op_root[op] not in (op, -1):
        return int(out.op_root[op]), None
    down = unit >= 0 and plant.unit_down[unit]
    waits = out.op_wait[op] == Wait.UNIT_DOWN or bind == Bind.STARTED
    if down and (waits or out.op_reason[op] == Reason.UNIT_DOWN):
        return -1, Why("UNIT_DOWN", int(plant.unit_id[unit]), int(plant.unit_down_until[unit]))
    back, tool = (int(each[op]) for each in tools)
    held = bind in (Bind.TOOL, Bind.STARTED) or out.op_reason[op] == Reason.TOOL
    if tool >= 0 and held:
        return -1, Why("TOOL", int(plant.tool_id[tool]), back)
    if blocked:
        return -1, Why("NO_DATE", number, NEVER, int(out.op_reason[op]))
    if bind == Bind.STARTED:
        feeder = int(out.op_end_feeder[op])
        return (feeder, None) if feeder >= 0 else (-1, Why("RUNNING", number, int(out.op_end[op])))
    if bind in (Bind.ARC, Bind.PLACE) and ref >= 0:
        return ref, None
    if bind == Bind.SUPPLY and ref >= 0:
        maker = int(plant.supply_op[ref])
        return (maker, None) if maker >= 0 else (-1, _supply(plant, out, ref))
    if bind == Bind.UNCOVERED and ref >= 0:
        item = int(plant.item_id[plant.demand_item[ref]])
        return -1, Why("UNCOVERED", item, int(out.demand_at[ref]))
    return -1, Why(Bind(int(bind)).name, number, int(out.op_start[op]))


def _supply(plant: Plant, out: Projection, supply: int) -> Why:
    held = plant.supply_status[supply] != LotStatus.RELEASED
    return Why(
        "HELD" if held else "SUPPLY",
        int(plant.supply_id[supply]),
        int(out.supply_at[supply]),
        int(plant.supply_kind[supply]),
    )
