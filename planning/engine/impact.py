"""What an event does to production, stock and deliveries: the difference of two projections.

`compare` says what differs, `at_stake` what one cause costs from now on, `book` what goes into the
ledger, `chain` by which way it reaches the customer, `why_late` what holds a line back. All of it
is ids and numbers; sentences are made by who shows them. Instants are seconds since the plan's
epoch, NEVER where there is no date; money is ten-thousandths.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any, Final

import numpy as np

from planning.engine.changes import MoveJob, SetQueue, apply
from planning.engine.cost import CostRules, LateCost, late_cost, line_instants
from planning.engine.desk import tools_back
from planning.engine.plant import (
    I64,
    NEVER,
    PIECE,
    UNSET,
    Bind,
    DemandKind,
    Flags,
    LotStatus,
    Plant,
    Projection,
    Reason,
    State,
    Status,
    SupplyKind,
    Wait,
)
from planning.engine.projection import project
from planning.engine.splits import maker_of

MINUTE = 60
HOUR = 3_600
DAY = 86_400
LISTED: Final = 200  # operations that an Impact names; the rest are counted
AMPLIFIES_S: Final = HOUR  # a link amplifies where the delay grows by this and by a quarter


class CauseKind(StrEnum):
    """What one disruption can be about; the id is that of the thing in the brackets."""

    UNIT_DOWN = "UNIT_DOWN"  # [unit]
    UNIT_SLOW = "UNIT_SLOW"  # [unit]
    TOOL_LOST = "TOOL_LOST"  # [tool]
    LOT_HELD = "LOT_HELD"  # [lot]
    JOB_HELD = "JOB_HELD"  # [operation]
    SUPPLY_LATE = "SUPPLY_LATE"  # [purchase line], when it was promised, how much of it is missing
    LOT_SHORT = "LOT_SHORT"  # [lot], and how much of it was not there
    CLOSED = "CLOSED"  # [place], and by which windows
    DEMAND = "DEMAND"  # [customer line], what was open of it before, and when it was due
    SCRAP = "SCRAP"  # [operation], and how many pieces
    QUEUE = "QUEUE"  # [unit], from where jobs came, and the queues before
    SLIP = "SLIP"  # [operation that runs behind its plan]


@dataclass(frozen=True, slots=True)
class Cause:
    kind: CauseKind
    id: int
    qty: int = 0  # millionths
    at: int = UNSET
    windows: tuple[tuple[int, int, int], ...] = ()  # unit id, start, end
    homes: tuple[tuple[int, int], ...] = ()  # operation id, the unit where it stood
    queues: tuple[tuple[int, tuple[int, ...]], ...] = ()  # unit id, operation ids, head first

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind.value,
            "id": self.id,
            "qty": self.qty,
            "at": self.at,
            "windows": [list(window) for window in self.windows],
            "homes": [list(home) for home in self.homes],
            "queues": [[unit, list(ops)] for unit, ops in self.queues],
        }

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Cause:
        kind, qty, at = CauseKind(value["kind"]), value.get("qty", 0), value.get("at", UNSET)
        windows = tuple((int(u), int(a), int(b)) for u, a, b in value.get("windows", ()))
        homes = tuple((int(op), int(unit)) for op, unit in value.get("homes", ()))
        queues = tuple((int(u), tuple(map(int, ops))) for u, ops in value.get("queues", ()))
        return cls(kind, int(value["id"]), int(qty), int(at), windows, homes, queues)


def _row(ids: I64, wanted: int) -> int:
    found = np.flatnonzero(ids == wanted)
    if not len(found):
        raise KeyError(wanted)
    return int(found[0])


def _supply_row(plant: Plant, kind: SupplyKind, wanted: int) -> int:
    found = np.flatnonzero((plant.supply_kind == kind) & (plant.supply_id == wanted))
    if not len(found):
        raise KeyError(wanted)
    return int(found[0])


def without_cause(plant: Plant, projection: Projection, cause: Cause, *, now: int) -> Plant:
    """Return the plant with one cause gone from now on and every other fact as it is.

    UNIT_DOWN: it is up. UNIT_SLOW: it runs as ever. TOOL_LOST: it is there. LOT_HELD, JOB_HELD:
    released. SUPPLY_LATE: here as it was promised, with what is missing; now, if that is past or
    nothing was. SCRAP: the pieces are good; where that ended the order, they are finished. SLIP:
    the running job has as much left as its baseline leaves it; a job that waits has no slip of its
    own, so nothing changes. CLOSED: it works as ever. LOT_SHORT: what was not there is. DEMAND: the
    customer wants what he wanted before.
    QUEUE: what waits stands where it stood.

    :raises KeyError: if the thing is not in the plant (any more).
    """

    def with_value(name: str, row: int, value: int | bool) -> Plant:
        column = getattr(plant, name).copy()
        column[row] = value
        return replace(plant, **{name: column})

    match cause.kind:
        case CauseKind.UNIT_DOWN:
            unit = _row(plant.unit_id, cause.id)
            plant = with_value("unit_down", unit, False)
            # Slow only once it is back: as it was repaired for now.
            if plant.unit_slow[unit] and plant.unit_slow_since[unit] > now:
                plant = with_value("unit_slow", unit, False)
            return plant
        case CauseKind.UNIT_SLOW:
            return with_value("unit_slow", _row(plant.unit_id, cause.id), False)
        case CauseKind.TOOL_LOST:
            return with_value("tool_lost", _row(plant.tool_id, cause.id), False)
        case CauseKind.LOT_HELD:
            lot = _supply_row(plant, SupplyKind.LOT, cause.id)
            return with_value("supply_status", lot, LotStatus.RELEASED)
        case CauseKind.JOB_HELD:
            return with_value("op_hold", _row(plant.op_id, cause.id), False)
        case CauseKind.SUPPLY_LATE:
            at = now if cause.at == UNSET else max(cause.at, now)
            supply = _supply_row(plant, SupplyKind.PURCHASE, cause.id)
            # Overdue it would count as later still: its own date is then no bound.
            comes = int(plant.supply_at[supply])
            at = at if comes < now else min(comes, at)
            return with_purchase(plant, cause.id, at, int(plant.supply_qty[supply]) + cause.qty)
        case CauseKind.CLOSED:
            return without_windows(plant, cause.windows)
        case CauseKind.QUEUE:
            _row(plant.unit_id, cause.id)
            return with_queues(plant, cause.homes, cause.queues)
        case CauseKind.LOT_SHORT:
            return with_stock(plant, cause.id, cause.qty)
        case CauseKind.DEMAND:
            return with_demand(plant, cause.id, cause.qty, cause.at)
        case CauseKind.SCRAP:
            op = _row(plant.op_id, cause.id)
            pieces = min(cause.qty, int(plant.op_scrap_qty[op]))
            good, scrap = plant.op_good_qty.copy(), plant.op_scrap_qty.copy()
            good[_last_of_an_ended_order(plant, op)] += pieces
            scrap[op] -= pieces
            return replace(plant, op_good_qty=good, op_scrap_qty=scrap)
        case CauseKind.SLIP:
            return _on_plan(plant, projection, _row(plant.op_id, cause.id), now)


def _last_of_an_ended_order(plant: Plant, op: int) -> int:
    """The operation that brings what an order makes, if all of it has ended; else the same."""
    of_order = plant.op_order == plant.op_order[op]
    if (plant.op_status[of_order] != Status.DONE).any():
        return op
    brings = plant.supply_op[(plant.supply_kind == SupplyKind.OUTPUT) & (plant.supply_op >= 0)]
    mine = brings[of_order[brings]]
    return int(mine[0]) if len(mine) else op


def with_queues(
    plant: Plant,
    homes: Iterable[tuple[int, int]],
    queues: Iterable[tuple[int, tuple[int, ...]]],
) -> Plant:
    """Return the plant with jobs back at their units and queues in the order of before.

    homes   (operation id, unit id); what has begun or ended, or can't be made there, stays.
    queues  (unit id, operation ids, head first); what has come since stands behind.
    """
    for op_id, unit_id in homes:
        op = np.flatnonzero(plant.op_id == op_id)
        if not len(op) or plant.op_status[op[0]] == Status.RUNNING:
            continue
        here = int(plant.op_unit[op[0]])
        if here < 0 or plant.unit_id[here] == unit_id:
            continue
        try:
            plant = apply(plant, [MoveJob(op_id, unit_id, len(plant.queue_op))])
        except ValueError:
            continue
    for unit_id, before in queues:
        unit = _row(plant.unit_id, unit_id)
        rows = plant.queue_op[plant.unit_queue_ptr[unit] : plant.unit_queue_ptr[unit + 1]]
        now: list[int] = plant.op_id[rows].tolist()
        place = {op_id: at for at, op_id in enumerate(before)}
        wanted = tuple(sorted(now, key=lambda op_id: place.get(op_id, len(place))))
        if list(wanted) != now:
            plant = apply(plant, [SetQueue(unit_id, wanted)])
    return plant


def with_stock(plant: Plant, lot_id: int, more: int) -> Plant:
    """Return the plant with `more` millionths (fewer, if below zero) in a lot.

    :raises KeyError: if the lot is not in the plant.
    """
    qty = plant.supply_qty.copy()
    lot = _supply_row(plant, SupplyKind.LOT, lot_id)
    qty[lot] = max(0, int(qty[lot]) + more)
    return replace(plant, supply_qty=qty)


def without_windows(plant: Plant, windows: Iterable[tuple[int, int, int]]) -> Plant:
    """Return the plant without these closed windows (unit id, start, end) of its units."""
    gone = np.zeros(len(plant.exception_start), np.bool_)
    for unit_id, start, end in windows:
        unit = _row(plant.unit_id, unit_id)
        mine = slice(plant.unit_exception_ptr[unit], plant.unit_exception_ptr[unit + 1])
        same = (plant.exception_start[mine] == start) & (plant.exception_end[mine] == end)
        rows = np.flatnonzero(same & ~plant.exception_open[mine])
        gone[plant.unit_exception_ptr[unit] + rows[:1]] = True
    before = np.concatenate([[0], np.cumsum(gone)]).astype(np.int32)
    return replace(
        plant,
        unit_exception_ptr=plant.unit_exception_ptr - before[plant.unit_exception_ptr],
        exception_start=plant.exception_start[~gone],
        exception_end=plant.exception_end[~gone],
        exception_open=plant.exception_open[~gone],
    )


def with_purchase(plant: Plant, line_id: int, at: int, qty: int) -> Plant:
    """Return the plant with another date and quantity (millionths) of a purchase line.

    :raises KeyError: if the line is not in the plant.
    """
    supply = _supply_row(plant, SupplyKind.PURCHASE, line_id)
    comes, left = plant.supply_at.copy(), plant.supply_qty.copy()
    comes[supply], left[supply] = at, max(0, qty)
    return replace(plant, supply_at=comes, supply_qty=left)


def with_demand(plant: Plant, line_id: int, qty: int, due: int) -> Plant:
    """Return the plant with another open quantity (millionths) and date of a customer line.

    due  on the line's basis; UNSET: nothing is due, as of a line that nobody ordered.

    :raises KeyError: if the line is not in the plant.
    """
    line = _row(plant.line_id, line_id)
    wanted = plant.demand_qty.copy()
    promised, requested = plant.line_promised.copy(), plant.line_requested.copy()
    wanted[plant.line_demand[line]] = max(0, qty)
    nothing_due = promised[line] == UNSET and requested[line] == UNSET
    if due == UNSET:
        promised[line] = requested[line] = UNSET
    elif nothing_due or promised[line] != UNSET:
        promised[line] = due
    else:
        requested[line] = due
    return replace(plant, demand_qty=wanted, line_promised=promised, line_requested=requested)


def rules_of(rules: CostRules, plant: Plant, other: Plant) -> CostRules:
    """Return the money of `other`: as `rules` of `plant`, but for lines that somebody changed.

    A line with another date is charged from that one, one with another quantity by its value.
    """
    line = plant.line_demand
    dated = (other.line_promised != plant.line_promised) | (
        other.line_requested != plant.line_requested
    )
    was, now = other.demand_qty[line], plant.demand_qty[line]
    sized = was != now
    if not (dated.any() or sized.any()):
        return rules
    due = np.where(other.line_promised != UNSET, other.line_promised, other.line_requested)
    value = rules.lines.value.copy()
    for row in np.flatnonzero(sized & (value > 0) & (now > 0)).tolist():
        value[row] = int(value[row]) * int(was[row]) // int(now[row])
    changed = np.where(dated, due, rules.lines.due).astype(np.int64)
    return replace(rules, lines=replace(rules.lines, due=changed, value=value))


def _on_plan(plant: Plant, projection: Projection, op: int, now: int) -> Plant:
    """Give a running operation the pieces that its baseline would have by now."""
    planned, end = int(plant.op_baseline_end[op]), int(projection.op_end[op])
    runs = plant.op_status[op] == Status.RUNNING
    if not runs or planned == UNSET or end in (NEVER, now) or planned >= end:
        return plant
    left = int(projection.op_left_qty[op])
    # Working time in proportion to clock time: both ends lie on the same unit's calendar.
    keeps = max(left * max(0, planned - now) // (end - now), min(left, PIECE))
    good, productive = plant.op_good_qty.copy(), plant.op_productive_s.copy()
    report, stopped = plant.op_report_at.copy(), plant.op_stopped_s.copy()
    good[op] += left - keeps
    piece_us = int(plant.op_run_us[op]) * int(plant.op_factor_ppm[op]) // 1_000_000
    used = int(good[op] + plant.op_scrap_qty[op] + plant.op_rework_qty[op])
    productive[op] = min(used * piece_us // PIECE // 1_000_000, NEVER)
    report[op], stopped[op] = now, 0
    return replace(
        plant,
        op_good_qty=good,
        op_productive_s=productive,
        op_report_at=report,
        op_stopped_s=stopped,
    )


# -- what differs ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OpMove:
    """An operation whose times or unit differ. delay_s: of its end; no date counts at the
    horizon."""

    op_id: int
    order_id: int
    unit_before: int  # database id; 0 = none
    unit_after: int
    start_before: int
    start_after: int
    end_before: int
    end_after: int
    delay_s: int


@dataclass(frozen=True, slots=True)
class Short:
    """A demand that is served later than it needs, and how much of it."""

    kind: int  # DemandKind
    id: int
    qty: int
    need_at: int
    served_at: int


@dataclass(frozen=True, slots=True)
class ItemHit:
    """An item whose projected stock falls below zero (or below safety) where it did not before."""

    item_id: int
    below_zero_at: int  # NEVER: only the safety stock is touched
    below_zero_before: int
    lowest_qty: int
    lowest_at: int
    short_qty: int  # of all demands that are served late because of it
    shorts: tuple[Short, ...]  # the largest five


@dataclass(frozen=True, slots=True)
class LineHit:
    """A customer line whose lateness or cost differs."""

    line_id: int
    due: int  # what it is judged by; UNSET = nothing
    judged: int  # as Projection.line_judged
    at_before: int  # ship or arrive, on its basis
    at_after: int
    late_before_s: int
    late_after_s: int
    days_before: int
    days_after: int
    cash_before: int
    cash_after: int
    estimate_before: int
    estimate_after: int
    known: bool  # False: nobody said what its lateness costs
    value: int  # open value; -1 = unknown
    stop: bool  # the customer's line stands
    reason: int  # Reason of having no date, after
    root_op_id: int  # where the lack of a date begins; 0 = none

    @property
    def added_s(self) -> int:
        return self.late_after_s - self.late_before_s

    @property
    def added_money(self) -> int:
        after = self.cash_after + self.estimate_after
        return after - self.cash_before - self.estimate_before

    @property
    def is_late(self) -> bool:
        return self.late_after_s > 0


@dataclass(frozen=True)
class Impact:
    """The difference of two projections of plants with the same rows.

    ops     the most delayed first, at most `LISTED`; `op_count` of all that differ, `order_ids`
            of all orders that end later.
    lines   the dearest first, then the most delayed.
    cash, estimate  added by lateness, over all lines.
    """

    ops: tuple[OpMove, ...]
    op_count: int
    order_ids: tuple[int, ...]
    items: tuple[ItemHit, ...]
    lines: tuple[LineHit, ...]
    cash: int
    estimate: int
    known: bool

    @property
    def money(self) -> int:
        return self.cash + self.estimate

    @property
    def worse(self) -> tuple[LineHit, ...]:
        """Lines that are late and later than before, or dearer."""
        return tuple(
            each
            for each in self.lines
            if (each.is_late and each.added_s > 0) or each.added_money > 0
        )

    @property
    def better(self) -> tuple[LineHit, ...]:
        """Lines that were late and are less so, or cheaper."""
        return tuple(
            each
            for each in self.lines
            if (each.late_before_s > 0 and each.added_s < 0) or each.added_money < 0
        )

    @property
    def late_days(self) -> int:
        """Late days added to the lines that got worse."""
        return sum(max(0, each.days_after - each.days_before) for each in self.lines)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def compare(
    plant: Plant,
    before: Projection,
    after: Projection,
    rules: CostRules,
    *,
    after_plant: Plant | None = None,
    rules_before: CostRules | None = None,
) -> Impact:
    """Say what differs between two projections.

    plant        of `before`; `after_plant` of `after` (the same plant if not given). Both have
                 the same rows of operations, lines, items and demands.
    rules_before what lateness costs in `before`, where it is not what it costs in `after`.

    :raises ValueError: if they don't.
    """
    other = after_plant or plant
    same = len(plant.op_id) == len(other.op_id) and len(plant.line_id) == len(other.line_id)
    if not (same and len(plant.demand_id) == len(other.demand_id)):
        raise ValueError("the two plants differ in their rows")
    cost_before = late_cost(plant, before, rules_before or rules)
    cost_after = late_cost(other, after, rules)
    rows, delay = _moved(plant, before, other, after)
    delayed = np.unique(plant.op_order[rows[delay[rows] > 0]])
    lines = line_hits(plant, before, other, after, rules, cost_before, cost_after)
    return Impact(
        ops=tuple(_op_move(plant, before, other, after, row, delay) for row in rows[:LISTED]),
        op_count=len(rows),
        order_ids=tuple(plant.order_id[delayed].tolist()),
        items=_items(other, before, after),
        lines=lines,
        cash=int(cost_after.cash.sum() - cost_before.cash.sum()),
        estimate=int(cost_after.estimate.sum() - cost_before.estimate.sum()),
        known=bool(cost_before.known.all() and cost_after.known.all()),
    )


def delays(before: Projection, after: Projection) -> I64:
    """Return by operation how much later it ends; no date counts at the horizon."""
    was = np.minimum(before.op_end, before.horizon).astype(np.int64)
    late: I64 = np.minimum(after.op_end, after.horizon).astype(np.int64) - was
    return late


def _moved(plant: Plant, before: Projection, other: Plant, after: Projection) -> tuple[I64, I64]:
    """Return the rows of the operations that differ, most delayed first, and all delays."""
    delay = delays(before, after)
    differs = (before.op_start != after.op_start) | (before.op_end != after.op_end)
    differs |= plant.op_unit != other.op_unit
    rows = np.flatnonzero(differs & (plant.op_status != Status.DONE))
    return rows[np.lexsort((plant.op_id[rows], -delay[rows]))], delay


def _op_move(
    plant: Plant, before: Projection, other: Plant, after: Projection, row: int, delay: I64
) -> OpMove:
    units = [int(p.unit_id[p.op_unit[row]]) if p.op_unit[row] >= 0 else 0 for p in (plant, other)]
    return OpMove(
        op_id=int(plant.op_id[row]),
        order_id=int(plant.order_id[plant.op_order[row]]),
        unit_before=units[0],
        unit_after=units[1],
        start_before=int(before.op_start[row]),
        start_after=int(after.op_start[row]),
        end_before=int(before.op_end[row]),
        end_after=int(after.op_end[row]),
        delay_s=int(delay[row]),
    )


def line_hits(
    plant: Plant,
    before: Projection,
    other: Plant,
    after: Projection,
    rules: CostRules,
    cost_before: LateCost,
    cost_after: LateCost,
    *,
    rows: I64 | None = None,
) -> tuple[LineHit, ...]:
    """Return the lines whose lateness or cost differs, the dearest first.

    plant, before, cost_before  one plan; other, after, cost_after the other, with the same lines.
    rows                        only these lines, whether they differ or not.
    """
    differs = before.line_late_s != after.line_late_s
    for name in ("cash", "estimate", "days"):
        differs |= getattr(cost_before, name) != getattr(cost_after, name)
    differs |= before.line_state != after.line_state
    at = [
        np.where(dated, instant, NEVER)
        for instant, dated in (line_instants(plant, before), line_instants(other, after))
    ]
    due = np.where(other.line_promised != UNSET, other.line_promised, other.line_requested)
    # Of a line that nobody had ordered before there is nothing to tell.
    at[0][(before.line_judged == 0) & (after.line_judged > 0)] = NEVER
    hits = [
        LineHit(
            line_id=int(plant.line_id[row]),
            due=int(due[row]),
            judged=int(after.line_judged[row]),
            at_before=int(at[0][row]),
            at_after=int(at[1][row]),
            late_before_s=int(before.line_late_s[row]),
            late_after_s=int(after.line_late_s[row]),
            days_before=int(cost_before.days[row]),
            days_after=int(cost_after.days[row]),
            cash_before=int(cost_before.cash[row]),
            cash_after=int(cost_after.cash[row]),
            estimate_before=int(cost_before.estimate[row]),
            estimate_after=int(cost_after.estimate[row]),
            known=bool(cost_after.known[row]),
            value=int(rules.lines.value[row]),
            stop=bool(other.line_stop[row] or rules.lines.stop_day[row] > 0),
            reason=int(after.line_reason[row]),
            root_op_id=_id(plant.op_id, int(after.line_root[row])),
        )
        for row in (np.flatnonzero(differs) if rows is None else rows).tolist()
    ]
    return tuple(
        sorted(hits, key=lambda hit: (-hit.added_money, -hit.added_s, -hit.value, hit.line_id))
    )


def _id(ids: I64, row: int) -> int:
    return int(ids[row]) if row >= 0 else 0


def _late_demands(plant: Plant, projection: Projection) -> Flags:
    late: Flags = np.greater(projection.demand_at, projection.demand_need_at)
    late &= plant.demand_kind != DemandKind.SAFETY
    return late


def _items(plant: Plant, before: Projection, after: Projection) -> tuple[ItemHit, ...]:
    """Items that run out where they did not, or earlier; below safety only where a demand inside
    the item's lead time is served later."""
    runs_out = after.item_below_zero_at < before.item_below_zero_at
    later = _late_demands(plant, after) & (after.demand_at > before.demand_at)
    lead = plant.item_lead_s[plant.demand_item]
    soon = later & ((lead < 0) | (after.demand_need_at.astype(np.int64) <= after.now + lead))
    touched = np.zeros(len(plant.item_id), np.bool_)
    touched[plant.demand_item[soon]] = True
    safety = plant.item_safety_qty
    touched &= (after.item_lowest_qty < safety) & (before.item_lowest_qty >= safety)
    hits = []
    for item in np.flatnonzero(runs_out | touched).tolist():
        shorts = [
            _short(plant, after, demand)
            for demand in np.flatnonzero(later & (plant.demand_item == item)).tolist()
        ]
        shorts.sort(key=lambda short: (-short.qty, short.need_at, short.kind, short.id))
        hits.append(
            ItemHit(
                item_id=int(plant.item_id[item]),
                below_zero_at=int(after.item_below_zero_at[item]),
                below_zero_before=int(before.item_below_zero_at[item]),
                lowest_qty=int(after.item_lowest_qty[item]),
                lowest_at=int(after.item_lowest_at[item]),
                short_qty=sum(short.qty for short in shorts),
                shorts=tuple(shorts[:5]),
            )
        )
    return tuple(sorted(hits, key=lambda hit: (hit.below_zero_at, -hit.short_qty, hit.item_id)))


def _short(plant: Plant, projection: Projection, demand: int) -> Short:
    pegs = slice(projection.demand_peg_ptr[demand], projection.demand_peg_ptr[demand + 1])
    need = int(projection.demand_need_at[demand])
    late = projection.peg_at[pegs] > need
    return Short(
        kind=int(plant.demand_kind[demand]),
        id=int(plant.demand_id[demand]),
        qty=int(projection.peg_qty[pegs][late].sum()),
        need_at=need,
        served_at=int(projection.demand_at[demand]),
    )


# -- what one cause costs ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Absorbed:
    """Where a delay died: what had so much slack that nobody behind it waits.

    subject, id  "operation" (its order in `order_id`) or "line".
    had_s        slack without the cause; left_s = had_s - delay_s.
    """

    subject: str
    id: int
    order_id: int
    had_s: int
    left_s: int
    delay_s: int


@dataclass(frozen=True, eq=False)
class Stake:
    """What one cause costs from now on.

    impact   from the projection without it (`gone`) to the one with it; `gone_rules` is what
             lateness costs without it.
    signed   money that lateness costs more because of it; `amount` = the same, never below zero.
    absorbed the largest delay that no customer line feels, where none of them is hit.
    """

    cause: Cause
    gone_plant: Plant
    gone: Projection
    gone_rules: CostRules
    impact: Impact
    signed: int
    absorbed: Absorbed | None

    @property
    def amount(self) -> int:
        return max(0, self.signed)


def at_stake(
    plant: Plant, projection: Projection, cause: Cause, rules: CostRules, *, now: int
) -> Stake:
    """Project the plant without one cause, and say what the cause does to it.

    projection  of `plant` at `now`. Costs one projection.

    :raises KeyError: if the cause is not in the plant.
    """
    gone_plant = without_cause(plant, projection, cause, now=now)
    gone = project(gone_plant, now=now)
    gone_rules = rules_of(rules, plant, gone_plant)
    impact = compare(
        gone_plant, gone, projection, rules, after_plant=plant, rules_before=gone_rules
    )
    absorbed = None if impact.worse else _absorbed(plant, gone, projection)
    return Stake(cause, gone_plant, gone, gone_rules, impact, impact.money, absorbed)


def _absorbed(plant: Plant, gone: Projection, projection: Projection) -> Absorbed | None:
    """Return the largest delay that the next one behind does not feel, with the slack it had."""
    delay = delays(gone, projection)
    dated = (gone.op_state == State.DATED) & (projection.op_state == State.DATED)
    rows = np.flatnonzero(dated & (delay > 0) & (plant.op_status != Status.DONE))
    best: Absorbed | None = None
    slack_of_line = _line_slack_by_op(plant, gone)
    for op in rows[np.lexsort((plant.op_id[rows], -delay[rows]))].tolist():
        had, subject, of = _slack(plant, gone, op, slack_of_line)
        if had is None or had < delay[op]:
            continue
        best = Absorbed(
            subject,
            of,
            int(plant.order_id[plant.op_order[op]]),
            had,
            had - int(delay[op]),
            int(delay[op]),
        )
        break
    return best


def _line_slack_by_op(plant: Plant, gone: Projection) -> dict[int, tuple[int, int]]:
    """Return, by last operation of an order, the least slack of the lines it serves, and whose."""
    slack: dict[int, tuple[int, int]] = {}
    supply = gone.peg_supply
    to_line = (supply >= 0) & (plant.demand_kind[gone.peg_demand] == DemandKind.LINE)
    for peg in np.flatnonzero(to_line).tolist():
        op = int(plant.supply_op[supply[peg]])
        line = int(plant.demand_line[gone.peg_demand[peg]])
        if op >= 0 and gone.line_judged[line]:
            mine = (-int(gone.line_late_s[line]), int(plant.line_id[line]))
            slack[op] = min(slack.get(op, mine), mine)
    return slack


def _slack(
    plant: Plant, gone: Projection, op: int, of_line: dict[int, tuple[int, int]]
) -> tuple[int | None, str, int]:
    """Return how long an operation may slip before a follower, a line or its order feels it."""
    found: list[tuple[int, str, int]] = []
    end = int(gone.op_end[op])
    for at in range(plant.op_succ_ptr[op], plant.op_succ_ptr[op + 1]):
        arc = plant.succ_arc[at]
        after = int(plant.arc_succ[arc])
        if gone.op_start[after] != NEVER and plant.op_status[after] == Status.WAITING:
            gap = int(gone.op_start[after]) - end - int(plant.arc_lag_s[arc])
            found.append((gap, "operation", int(plant.op_id[after])))
    if op in of_line:
        found.append((of_line[op][0], "line", of_line[op][1]))
    elif plant.op_succ_ptr[op] == plant.op_succ_ptr[op + 1]:
        need = int(plant.order_need_by[plant.op_order[op]])
        if need != NEVER:
            found.append((need - end, "operation", int(plant.op_id[op])))
    if not found:
        return None, "", 0
    return min(found)


def priority(impact: Impact, *, limit: int) -> int:
    """Return 1-4: a line late with a penalty or a standing line, or cost at the limit; a line
    late; slack under a day or stock short; no order hit.

    limit  ten-thousandths; 0 = no limit.
    """
    hit = [each for each in impact.worse if each.is_late]
    if any(each.cash_after > each.cash_before or each.stop for each in hit):
        return 1
    if limit and impact.money >= limit:
        return 1
    if hit:
        return 2
    near = any(each.added_s > 0 and each.late_after_s > -DAY for each in impact.lines)
    return 3 if near or impact.items else 4


# -- the ledger -------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Standing:
    """What the ledger remembers of each line between two projections; rows by rising line id."""

    line_id: I64
    late_s: I64
    cash: I64
    estimate: I64


@dataclass(frozen=True, eq=False)
class Bookings:
    """Changes of lines, by rising line id; a line that is new is opened with its whole figure."""

    line_id: I64
    late_s: I64
    cash: I64
    estimate: I64
    opened: Flags


def standing(plant: Plant, projection: Projection, rules: CostRules) -> Standing:
    """Return lateness (seconds, signed; no date counts at the horizon) and cost by line."""
    cost = late_cost(plant, projection, rules)
    return Standing(plant.line_id, projection.line_late_s, cost.cash, cost.estimate)


def book(previous: Standing, current: Standing) -> Bookings:
    """Return what changed. What a line had at its opening plus all its bookings is what it has.

    A line that is gone (shipped, cancelled) books nothing: it keeps what it had last.
    """
    at = np.searchsorted(previous.line_id, current.line_id)
    held = np.minimum(at, max(0, len(previous.line_id) - 1))
    known = (
        previous.line_id[held] == current.line_id
        if len(previous.line_id)
        else np.zeros(len(current.line_id), np.bool_)
    )

    def change(name: str) -> I64:
        was: I64 = getattr(previous, name)
        now: I64 = getattr(current, name)
        return now - (np.where(known, was[held], 0) if len(was) else 0)

    late, cash, estimate = change("late_s"), change("cash"), change("estimate")
    rows = np.flatnonzero(~known | (late != 0) | (cash != 0) | (estimate != 0))
    return Bookings(current.line_id[rows], late[rows], cash[rows], estimate[rows], ~known[rows])


def worth_reporting(reported: Standing, current: Standing, *, step_s: int, step_money: int) -> I64:
    """Return the ids of the lines that moved far enough since they were last *reported*.

    Counted from the last reported value, so that small slips add up instead of creeping: a line
    is told of when it turned late or on time, or moved by a step either way.
    """
    booked = book(reported, current)
    rows = np.searchsorted(current.line_id, booked.line_id)
    late = current.late_s[rows]
    turned = (late > 0) != (late - booked.late_s > 0)
    far = (np.abs(booked.late_s) >= step_s) & ((late > 0) | (late - booked.late_s > 0))
    dear = np.abs(booked.cash + booked.estimate) >= max(1, step_money)
    ids: I64 = booked.line_id[turned | far | dear | (booked.opened & (late > 0))]
    return ids


def growing(seen_money: int, seen_lines: frozenset[int], impact: Impact) -> bool:
    """Tell whether a disruption grew since somebody saw it: a quarter dearer, or one more line."""
    hit = {each.line_id for each in impact.worse}
    return 4 * max(0, impact.money) > 5 * seen_money or not hit <= seen_lines


# -- by which way ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Node:
    """One thing in the chain. column: cause, operation, item, line. delay_s: against the plan
    without the cause (an item: the sum that it is short, in millionths, is in `qty`)."""

    column: str
    id: int
    delay_s: int = 0
    qty: int = 0
    at: int = NEVER  # end of an operation, first instant below zero, ship or arrival of a line
    on_worst_path: bool = False


@dataclass(frozen=True, slots=True)
class Link:
    """From a node to the one it holds back; (column, id) of each.

    why        which term binds: ARC, PLACE, SUPPLY, HOLD, UNIT_DOWN, PEG (a line's supply).
    amplifier  the delay grows a good deal along it.
    """

    source: tuple[str, int]
    target: tuple[str, int]
    why: str
    amplifier: bool = False
    on_worst_path: bool = False


@dataclass(frozen=True)
class Chain:
    """Nodes by column, worst first; links between them; how many are only counted."""

    nodes: tuple[Node, ...]
    links: tuple[Link, ...]
    operations_left_out: int
    lines_left_out: int

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


_CAUSE: Final = -1  # in place of an operation's row
# As plain numbers and names: looking up an enum's member costs more than the step.
_UNIT_DOWN: Final = int(Wait.UNIT_DOWN)
_SUPPLIED: Final = int(Bind.SUPPLY)
_AFTER_ANOTHER: Final = frozenset({int(Bind.ARC), int(Bind.PLACE)})
_BIND_NAMES: Final = {int(bind): bind.name for bind in Bind}


def chain(
    plant: Plant,
    projection: Projection,
    stake: Stake,
    *,
    operations: int = 40,
    lines: int = 40,
) -> Chain:
    """Return the way of a cause to stock and customers.

    stake       of the cause in this plant and projection.
    operations  how many delayed ones to show; those on the way to a shown line are always there.
    lines       how many of the later lines to show, the dearest first.

    Each operation hangs on what binds its start: the one before it in its order or at its place,
    the maker of its material, or the cause itself.
    """
    delay = delays(stake.gone, projection)
    late = (delay >= MINUTE) & (plant.op_status != Status.DONE)
    crossing = {hit.item_id for hit in stake.impact.items}
    later = [hit for hit in stake.impact.lines if hit.added_s > 0]
    hits = later[:lines]
    walks = {hit.line_id: _walk(plant, projection, stake.cause, hit, late) for hit in hits}
    rows = np.flatnonzero(late)
    rows = rows[np.lexsort((plant.op_id[rows], -delay[rows]))]
    shown = dict.fromkeys(op for walk in walks.values() for op, _ in walk if op != _CAUSE)
    for op in rows[:operations].tolist():
        shown.setdefault(op)
    worst = hits[0].line_id if hits else 0
    worst_ops = {op for op, _ in walks.get(worst, [])}

    nodes = [Node("cause", stake.cause.id, on_worst_path=bool(worst))]
    links: dict[tuple[tuple[str, int], tuple[str, int]], Link] = {}

    def link(source: tuple[str, int], target: tuple[str, int], why: str, **more: bool) -> None:
        links[source, target] = Link(source, target, why, **more)

    def name(op: int) -> tuple[str, int]:
        return ("cause", stake.cause.id) if op == _CAUSE else ("operation", int(plant.op_id[op]))

    items_on_path: set[int] = set()
    for op in sorted(shown, key=lambda row: (-delay[row], plant.op_id[row])):
        nodes.append(
            Node(
                "operation",
                int(plant.op_id[op]),
                int(delay[op]),
                at=int(projection.op_end[op]),
                on_worst_path=op in worst_ops,
            )
        )
        before, why = _held_by(plant, projection, stake.cause, op, late)
        if before not in shown:
            before = _CAUSE
        grows = before != _CAUSE and _grows(int(delay[before]), int(delay[op]))
        on_path = op in worst_ops and (before == _CAUSE or before in worst_ops)
        item = _item_between(plant, projection, op) if why == "SUPPLY" else 0
        if item in crossing:
            link(name(before), ("item", item), "SUPPLY", on_worst_path=on_path)
            link(("item", item), name(op), "SUPPLY", amplifier=grows, on_worst_path=on_path)
            items_on_path |= {item} if on_path else set()
        else:
            link(name(before), name(op), why, amplifier=grows, on_worst_path=on_path)
    for hit in hits:
        line = _row(plant.line_id, hit.line_id)
        supply = int(projection.line_supply[line])
        maker = maker_of(plant, projection, supply)
        source = maker if maker in shown else _CAUSE
        grows = source != _CAUSE and _grows(int(delay[source]), hit.added_s)
        on_path = hit.line_id == worst
        item = int(plant.item_id[plant.demand_item[plant.line_demand[line]]])
        target = ("line", hit.line_id)
        if item in crossing:
            link(name(source), ("item", item), "PEG", on_worst_path=on_path)
            link(("item", item), target, "PEG", amplifier=grows, on_worst_path=on_path)
            items_on_path |= {item} if on_path else set()
        else:
            link(name(source), target, "PEG", amplifier=grows, on_worst_path=on_path)
    for each in stake.impact.items:
        nodes.append(
            Node(
                "item",
                each.item_id,
                qty=each.short_qty,
                at=each.below_zero_at,
                on_worst_path=each.item_id in items_on_path,
            )
        )
        if not any(("item", each.item_id) in (a, b) for a, b in links):
            link(("cause", stake.cause.id), ("item", each.item_id), "SUPPLY")
    nodes += [
        Node("line", h.line_id, h.added_s, at=h.at_after, on_worst_path=h.line_id == worst)
        for h in hits
    ]
    left_out = int(late.sum()) - len(shown)
    return Chain(tuple(nodes), tuple(links.values()), left_out, len(later) - len(hits))


def _grows(before: int, after: int) -> bool:
    return after - before >= max(AMPLIFIES_S, before // 4)


def _item_between(plant: Plant, projection: Projection, op: int) -> int:
    supply = int(projection.op_bind_ref[op])
    return int(plant.item_id[plant.supply_item[supply]]) if supply >= 0 else 0


def _held_by(
    plant: Plant, projection: Projection, cause: Cause, op: int, late: Flags
) -> tuple[int, str]:
    """Return the delayed operation that binds this one, else the cause, and by which term."""
    if projection.op_state[op] != State.DATED:
        root = int(projection.op_root[op])
        why = Reason(int(projection.op_reason[op])).name
        return (_CAUSE if root in (op, -1) else root), why
    if plant.op_status[op] == Status.RUNNING:
        feeder = int(projection.op_end_feeder[op])
        return (feeder, "ARC") if feeder >= 0 and late[feeder] else (_CAUSE, "STARTED")
    bind, ref = int(projection.op_bind[op]), int(projection.op_bind_ref[op])
    stopped = projection.op_wait[op] == _UNIT_DOWN and cause.kind is CauseKind.UNIT_DOWN
    if stopped and plant.unit_id[plant.op_unit[op]] == cause.id:
        return _CAUSE, "UNIT_DOWN"
    before = -1
    if bind in _AFTER_ANOTHER:
        before = ref
    elif bind == _SUPPLIED and ref >= 0:
        before = maker_of(plant, projection, ref)
    feeder = int(projection.op_end_feeder[op])
    if not (before >= 0 and late[before]) and feeder >= 0 and late[feeder]:
        return feeder, "ARC"
    return (before if before >= 0 and late[before] else _CAUSE), _BIND_NAMES[bind]


def _walk(
    plant: Plant, projection: Projection, cause: Cause, hit: LineHit, late: Flags
) -> list[tuple[int, str]]:
    """Walk from a line back to the cause; (row of the operation or _CAUSE, term) in that order."""
    supply = int(projection.line_supply[_row(plant.line_id, hit.line_id)])
    op = maker_of(plant, projection, supply)
    walk: list[tuple[int, str]] = []
    seen: set[int] = set()
    why = "PEG"
    while op >= 0 and late[op] and op not in seen:
        seen.add(op)
        walk.append((op, why))
        op, why = _held_by(plant, projection, cause, op, late)
    walk.append((_CAUSE, why))
    return walk


# -- why a line is late --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Step:
    """One step back from a line that is late.

    subject, id  "line", "operation", "supply" (kind in `kind`), "item" (nothing covers it),
                 "unit" (it is down), "tool" (it is lost).
    at           when it is ready, ends, comes, is back; NEVER = no date.
    start        of an operation.
    bind         which term holds it: the name of Bind or Reason; "" at the end of the walk.
    wait         name of Wait: what the start waits for after that.
    guess        the instant is a guess.
    """

    subject: str
    id: int
    at: int
    start: int = NEVER
    bind: str = ""
    wait: str = ""
    kind: int = -1
    guess: bool = False


def why_late(plant: Plant, projection: Projection, line_id: int) -> tuple[Step, ...]:
    """Walk the binding terms back from a line to what it all waits for.

    :raises KeyError: if the line is not in the plant.
    """
    return tuple(_steps(plant, projection, _row(plant.line_id, line_id)))


def _steps(plant: Plant, projection: Projection, line: int) -> Iterator[Step]:
    at, dated = (each[line] for each in line_instants(plant, projection))
    reason = "" if dated else Reason(int(projection.line_reason[line])).name
    instant = int(at) if dated else NEVER
    yield Step("line", int(plant.line_id[line]), instant, bind=reason or "PEG")
    supply = int(projection.line_supply[line])
    if supply < 0:
        item = int(plant.item_id[plant.demand_item[plant.line_demand[line]]])
        ready = int(projection.line_ready[line])
        if projection.line_short_qty[line] > 0 or not dated:
            yield Step("item", item, ready, guess=True)
        return
    op = maker_of(plant, projection, supply)
    if op < 0:
        yield _supply_step(plant, projection, supply)
        return
    tools_at, tools = tools_back(plant, now=projection.now)
    seen: set[int] = set()
    while op not in seen:
        seen.add(op)
        bind, ref = Bind(int(projection.op_bind[op])), int(projection.op_bind_ref[op])
        blocked = projection.op_state[op] != State.DATED
        term = Reason(int(projection.op_reason[op])).name if blocked else bind.name
        wait = Wait(int(projection.op_wait[op])).name
        yield Step(
            "operation",
            int(plant.op_id[op]),
            int(projection.op_end[op]),
            int(projection.op_start[op]),
            term,
            "" if wait == "NONE" else wait,
        )
        unit = int(plant.op_unit[op])
        is_down = unit >= 0 and plant.unit_down[unit]
        if blocked and projection.op_root[op] not in (op, -1):
            op = int(projection.op_root[op])
            continue
        starts_late = projection.op_wait[op] == Wait.UNIT_DOWN or bind is Bind.STARTED
        if is_down and (starts_late or projection.op_reason[op] == Reason.UNIT_DOWN):
            back = int(plant.unit_down_until[unit])
            guess = bool(plant.unit_down_guess[unit])
            yield Step("unit", int(plant.unit_id[unit]), back, guess=guess)
            return
        tool = int(tools[op])
        held = bind in (Bind.TOOL, Bind.STARTED) or projection.op_reason[op] == Reason.TOOL
        if tool >= 0 and held:
            guess = bool(plant.tool_lost_guess[tool])
            yield Step("tool", int(plant.tool_id[tool]), int(tools_at[op]), guess=guess)
            return
        feeder = int(projection.op_end_feeder[op])
        if bind is Bind.STARTED and feeder >= 0:
            op = feeder
        elif bind in (Bind.ARC, Bind.PLACE) and ref >= 0:
            op = ref
        elif bind is Bind.SUPPLY and ref >= 0:
            if plant.supply_op[ref] < 0:
                yield _supply_step(plant, projection, ref)
                return
            op = maker_of(plant, projection, ref)
        elif bind is Bind.UNCOVERED and ref >= 0:
            item = int(plant.item_id[plant.demand_item[ref]])
            yield Step("item", item, int(projection.demand_at[ref]), guess=True)
            return
        else:
            return


def _supply_step(plant: Plant, projection: Projection, supply: int) -> Step:
    held = plant.supply_status[supply] != LotStatus.RELEASED
    return Step(
        "supply",
        int(plant.supply_id[supply]),
        int(projection.supply_at[supply]),
        bind="HOLD" if held else "",
        kind=int(plant.supply_kind[supply]),
        guess=bool(projection.supply_overdue[supply]) or bool(held),
    )
