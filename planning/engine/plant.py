"""The plant as the engine sees it: one frozen snapshot of flat arrays, and what comes out of it.

A `Plant` is what is known (facts, masters, queues, pegs). A `Projection` is where that leads.
Both are plain numpy; row numbers ("index") are positions in these arrays, database ids are kept
beside them (`op_id`, `unit_id`, ...). Build a Plant with `builder.PlantBuilder`, which takes ids,
checks everything and fixes the order of the rows, so that the same facts give the same arrays
whatever the order in which they were read.

Units of every column, by its ending or its name:

* instants (`*_at`, `*_until`, `*_start`, `*_end`, ...): int32 seconds since the plan's epoch,
  a UTC minute that the caller chooses; half-open intervals [start, end). `UNSET` = not given,
  `NEVER` = no date.
* durations `*_s`: int32 seconds; `*_us`: int64 microseconds.
* quantities (`*_qty`, good, scrap, ...): int64 millionths of the item's unit (`PIECE` = one).
* ratios: two int64, or `*_ppm` int64 parts per million. Money: int64 ten-thousandths.
* `x_ptr` is a CSR row pointer: the rows of x that belong to i are x[x_ptr[i]:x_ptr[i + 1]].
* a reference to a row that does not exist is -1.

A field of a Plant is never written after it was built: a change is `dataclasses.replace` with a
new array. Order of rows: operations in topological order of their arcs (smallest (planned start,
order, number, id) first; operations on a circle of arcs last), everything else by id.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from planning.engine.calendars import Calendars
    from planning.engine.recipes import Recipes

I8 = npt.NDArray[np.int8]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

NEVER = 2**31 - 1  # no date
UNSET = -(2**31)  # not given
PIECE = 1_000_000  # millionths in one unit of an item
PPM = 1_000_000


class QueueRule(IntEnum):
    """What the floor does unasked when the head of a queue is not ready."""

    STRICT = 0
    PULL_READY = 1


class Status(IntEnum):
    WAITING = 0
    RUNNING = 1
    SUSPENDED = 2
    DONE = 3


class Span(IntEnum):
    """How an operation lies on its unit's working time."""

    ANY = 0  # stops with the calendar, goes on after it
    NO_BREAK = 1  # starts only where set-up and work fit in one working stretch
    ELAPSED = 2  # set-up in working time, then the clock counts (curing, transit, outside)


class ArcKind(IntEnum):
    FS = 0  # the follower starts after the predecessor's end + lag
    OVERLAP = 1  # the follower starts when a batch of good pieces + lag is there


class ItemKind(IntEnum):
    BUY = 0
    MAKE = 1


class SupplyKind(IntEnum):
    LOT = 0
    PURCHASE = 1
    OUTPUT = 2  # of an open order; its quantity and time come from its last operation
    TRANSFER = 3


class LotStatus(IntEnum):
    RELEASED = 0
    QUARANTINED = 1  # expected at `supply_until`, marked "if released"
    HELD = 2  # gives no new free peg unless quality has given a date


class DemandKind(IntEnum):
    LINE = 0
    COMPONENT = 1
    SAFETY = 2


class PegKind(IntEnum):
    HARD = 0
    COMMITTED = 1
    FREE = 2
    GUESS = 3  # uncovered: a proposed purchase or order; the peg's supply is -1


class Basis(IntEnum):
    """What a customer line is judged by."""

    SHIP = 0
    ARRIVE = 1


class State(IntEnum):
    DATED = 0
    BLOCKED = 1
    BEYOND_HORIZON = 2


class Reason(IntEnum):
    """Why something has no date."""

    NONE = 0
    HOLD = 1  # held without a date and without a guess
    UNIT_DOWN = 2  # down without an estimate and without a guess
    SUPPLY = 3  # a pegged lot is held without a date and without a guess
    NO_WORK_ORDER = 4  # an item to be made, uncovered, with no known make lead time
    CYCLE = 5  # stands on a circle of arcs, pegs or queues
    HORIZON = 6  # does not fit before the horizon
    NO_PURCHASE = 7  # an item to be bought, uncovered, with no known lead time
    TOOL = 8  # a tool that it needs is lost without an estimate and without a guess


class Bind(IntEnum):
    """Which term bound a start. The reference's meaning is in brackets."""

    NOW = 0
    NOT_BEFORE = 1
    HOLD = 2
    ARC = 3  # [operation before]
    SUPPLY = 4  # [supply]
    UNCOVERED = 5  # [demand]
    PLACE = 6  # [operation before it on its place]
    STARTED = 7  # it has started: the start is a fact
    NONE = 8  # no start
    TOOL = 9  # [tool] that is lost until then


class Wait(IntEnum):
    """What moved the start from the binding instant to the start itself."""

    NONE = 0
    CALENDAR = 1
    UNIT_DOWN = 2
    FIT = 3  # NO_BREAK or RESTART: the first stretch that holds it whole


@dataclass(frozen=True)
class Site:
    """The site's policies and which domains of it are checked. What isn't checked never binds."""

    queue_rule: QueueRule = QueueRule.PULL_READY
    pull_window_s: int = 3 * 86_400
    pull_after_s: int = 1_800  # working time
    suspend_after_s: int = 7_200  # working time
    frozen_window_s: int = 0
    horizon: int = 120 * 86_400  # instant; a whole minute; work ends no later or has no date
    stock_checked: bool = True
    purchases_checked: bool = True
    people_checked: bool = False
    tools_checked: bool = False
    quality_checked: bool = True
    cost_checked: bool = True


@dataclass(frozen=True, eq=False)
class Plant:
    """One consistent snapshot of a site. Lengths: U units, O operations, A arcs, ..."""

    site: Site
    calendars: Calendars  # base calendars with their dense minute tables; shared between copies

    # -- work units (U) ----------------------------------------------------------------------------
    unit_id: I64
    unit_calendar: I32  # row of `calendars`
    unit_places: I32  # >= 1
    unit_rate_ppm: I64  # 1_000_000 = standard speed; running at n %
    unit_down: Flags
    unit_down_since: I32  # UNSET = before everything
    unit_down_until: I32  # the estimate or the stored guess; NEVER = none
    unit_down_guess: Flags  # `unit_down_until` is a guess
    unit_down_again_s: I32  # guess made again at now when none or overdue; -1 = none known
    unit_slow: Flags  # a working second does `unit_slow_ppm` of its work, set-up too, for a time
    unit_slow_since: I32  # UNSET = before everything
    unit_slow_until: I32  # the estimate or the stored guess; NEVER = none: to the horizon
    unit_slow_guess: Flags  # `unit_slow_until` is a guess
    unit_slow_again_s: I32  # guess made again at now when none or overdue; -1 = none known
    unit_slow_ppm: I64  # 1..1_000_000 of what it does otherwise
    unit_outside: Flags  # somebody else's, who has his own tools
    unit_quantum_qty: I64  # quantity of one report by the unit's rhythm
    unit_exception_ptr: I32  # (U + 1)
    exception_start: I32
    exception_end: I32
    exception_open: Flags  # overtime opens; a stop closes, and wins over every opening
    unit_place_ptr: I32  # (U + 1), into place_family
    place_family: I64  # family mounted; 0 = none
    unit_queue_ptr: I32  # (U + 1)
    queue_op: I32  # WAITING and SUSPENDED operations, in queue order

    # -- orders (R) --------------------------------------------------------------------------------
    order_id: I64
    order_item: I32  # -1 = none
    order_need_by: I32  # NEVER = none
    order_not_before: I32  # parked until then (in `op_not_before` too); UNSET = no bound

    # -- operations (O) ----------------------------------------------------------------------------
    op_id: I64
    op_order: I32
    op_number: I32
    op_status: I8
    op_part_of: I32  # first part of the operation that it is a part of; -1 = first, or whole
    op_next_part: I32  # the part after it; -1 = none. Parts share what comes, in this order
    op_unit: I32  # -1 = no capacity needed (transit, curing): runs around the clock
    op_launch_qty: I64  # input where no arc brings pieces
    op_good_qty: I64
    op_scrap_qty: I64
    op_rework_qty: I64
    op_yield_num: I64
    op_yield_den: I64  # 1..1_000_000
    op_setup_s: I32
    op_run_us: I64  # a piece, standard
    op_fixed_us: I64  # once a run, besides set-up
    op_factor_ppm: I64  # learned factor on run_us and fixed_us
    op_family: I64  # 0 = none: every start is a set-up
    op_span: I8
    op_restart: Flags  # after an unplanned stop starts anew; starts only where it fits whole
    op_not_before: I32  # UNSET = no bound
    op_hold: Flags
    op_hold_until: I32  # the date or the stored guess; NEVER = none
    op_hold_guess: Flags  # `op_hold_until` is a guess
    op_hold_again_s: I32  # guess made again at now when none or overdue; -1 = none known
    op_refused: (
        I64  # id of the unit at which it can't be done: held there, free elsewhere; 0 = none
    )
    op_pinned: Flags
    op_baseline_start: I32  # as last committed; UNSET = none
    op_baseline_end: I32
    op_actual_start: I32  # UNSET until started
    op_actual_end: I32  # UNSET until done
    op_place: I32  # place of a RUNNING operation; -1 = the first that is free
    op_setup_left_s: I32  # set-up left at the last report; -1 = all if nothing is reported
    op_report_at: I32  # last report; UNSET = none since the start
    op_productive_s: I32  # productive seconds up to the last report
    op_stopped_s: I32  # unproductive working seconds since the last report
    op_labour_run_ppm: I64
    op_labour_setup_ppm: I64
    op_alternate_ptr: I32  # (O + 1)
    alternate_unit: I32
    alternate_setup_s: I32
    alternate_run_us: I64
    alternate_fixed_us: I64
    alternate_cost: I64  # key of a cost rate, the caller's own; -1 = unknown

    op_need_ptr: I32  # (O + 1), into need_tool
    need_tool: I32  # rows of the tools that it needs from its start to its end

    # -- tools (T), by id --------------------------------------------------------------------------
    tool_id: I64
    tool_lost: Flags  # no piece of it is there
    tool_lost_until: I32  # the estimate or the stored guess; NEVER = none
    tool_lost_guess: Flags  # `tool_lost_until` is a guess
    tool_lost_again_s: I32  # guess made again at now when none or overdue; -1 = none known

    # -- arcs (A), sorted by follower then predecessor ---------------------------------------------
    op_pred_ptr: I32  # (O + 1): arcs into an operation
    arc_pred: I32
    arc_succ: I32
    arc_kind: I8
    arc_lag_s: I32  # >= 0
    arc_batch_qty: I64  # OVERLAP: good pieces of the predecessor
    arc_per_num: I64  # pieces of the predecessor for one of the follower; 0 = no pieces flow
    arc_per_den: I64
    op_succ_ptr: I32  # (O + 1): positions of arcs out of an operation
    succ_arc: I32

    # -- items (I) ---------------------------------------------------------------------------------
    item_id: I64
    item_kind: I8
    item_tracked: Flags
    item_lead_s: I32  # buy or make lead time; -1 = unknown
    item_guess_from: I32  # when an uncovered need of it was first guessed; UNSET = now
    item_safety_qty: I64
    item_safety_kept: Flags  # served before everybody, until somebody decides otherwise
    item_quantum_qty: I64  # pieces are rounded to this: requirements up, output down

    # -- supplies (S), by (kind, id) ---------------------------------------------------------------
    supply_id: I64
    supply_kind: I8
    supply_item: I32
    supply_qty: I64  # OUTPUT: what was put away already
    supply_at: I32  # expected instant; a LOT is there; OUTPUT: not used
    supply_late_s: I32  # learned lateness: overdue and not received = now + this
    supply_status: I8
    supply_until: I32  # QUARANTINED, HELD: decided then (date or stored guess); NEVER = none
    supply_dated: Flags  # `supply_until` was given by quality: free pegs are allowed
    supply_again_s: I32  # guess made again at now when none or overdue; -1 = none known
    supply_expiry: I32  # NEVER = none
    supply_owner: I64  # 0 = the plant's own
    supply_op: I32  # OUTPUT: its last operation
    supply_put_away_s: I32
    supply_per_num: I64  # OUTPUT: units of the item for one good piece (by-products)
    supply_per_den: I64

    # -- demands (D), by (kind, id) ----------------------------------------------------------------
    demand_id: I64
    demand_kind: I8
    demand_item: I32
    demand_qty: I64
    demand_op: I32  # COMPONENT: the operation that needs it before its start
    demand_line: I32  # LINE: its row of lines
    demand_owner: I64
    demand_lot: I64  # id of the one LOT allowed; 0 = any
    demand_min_life_s: I32  # life that must remain at the need date

    # -- customer lines (L), by id -----------------------------------------------------------------
    line_id: I64
    line_demand: I32
    line_basis: I8
    line_promised: I32  # last instant that keeps the promise, on the basis; UNSET = no promise
    line_requested: I32
    line_stop: Flags  # a line of the customer stands still
    line_priority: I32  # lower is more urgent
    line_ordered: I32  # order date, for the rank
    line_partial: Flags  # may be shipped in parts
    line_part_qty: I64  # so much ships ahead of the rest; 0 = all at once
    line_mode: I64  # id of the freight mode, the caller's own; 0 = the usual one
    line_prepare_s: I32  # pick and pack, in working time of line_calendar
    line_calendar: I32  # -1 = around the clock
    line_carrier: I32  # -1 = leaves at once
    line_transit_s: I32
    line_value: I64  # open value
    line_late_per_day: I64  # lateness weight a day; -1 = unknown
    line_late_cap: I64  # most that lateness may cost; -1 = the open value

    # -- carriers (C): departures, sorted ----------------------------------------------------------
    carrier_id: I64
    carrier_ptr: I32
    departure_at: I32

    # -- given pegs (G), by (demand, supply) -------------------------------------------------------
    peg_supply: I32
    peg_demand: I32
    peg_qty: I64
    peg_kind: I8  # HARD or COMMITTED

    # How what isn't ordered yet would be made, by item; shared between copies.
    recipes: Recipes = field(default_factory=dict)

    def __repr__(self) -> str:
        return (
            f"Plant({len(self.unit_id)} units, {len(self.op_id)} operations,"
            f" {len(self.supply_id)} supplies, {len(self.line_id)} lines)"
        )


@dataclass(frozen=True, eq=False)
class Projection:
    """Where the facts of one Plant lead if nobody acts. Rows are those of the Plant."""

    now: int
    horizon: int

    # -- operations (O) ----------------------------------------------------------------------------
    op_state: I8
    op_start: I32  # NEVER where there is no date
    op_end: I32
    op_setup_s: I32  # set-up seconds that the projection pays (RUNNING: what is left of it)
    op_work_s: I32  # run seconds that the projection pays
    op_place: I32  # -1 = none
    op_bind: I8  # Bind
    op_bind_ref: I32
    op_wait: I8  # Wait
    op_end_feeder: I32  # the OVERLAP feeder whose end holds this end back; -1 = none
    op_reason: I8  # Reason
    op_root: I32  # the operation where the lack of a date begins; -1 = none
    op_overtook: Flags  # PULL_READY: started before an operation that stands before it
    op_taken_off: Flags  # PULL_READY: running, taken off for want of pieces
    op_overdue: Flags  # running, and its work should have been reported as done
    op_seems_done: Flags  # a later operation has more good pieces than this one
    op_conflict: Flags  # facts that contradict each other; both stand
    op_input_qty: I64
    op_left_qty: I64
    op_output_qty: I64  # good at the end

    # -- supplies (S) ------------------------------------------------------------------------------
    supply_at: I32  # never before now; NEVER = no date
    supply_qty: I64
    supply_overdue: Flags
    supply_state: I8

    # -- pegs, by (demand, kind, supply) -----------------------------------------------------------
    demand_peg_ptr: I32  # (D + 1)
    peg_supply: I32  # -1 = a guess: a proposed purchase or order
    peg_demand: I32
    peg_qty: I64
    peg_kind: I8
    peg_at: I32

    # -- demands (D) -------------------------------------------------------------------------------
    demand_rank: I32  # 0 = first served
    demand_short_qty: I64  # covered by no supply
    demand_need_at: I32  # baseline start, or a line's latest ready instant; now if past
    demand_at: I32  # when the last of it is there

    # -- customer lines (L) ------------------------------------------------------------------------
    line_state: I8
    line_ready: I32  # all of it on the shelf
    line_ship: I32
    line_arrive: I32
    line_first_arrive: I32  # the first part, where parts may be shipped; else as line_arrive
    line_late_s: I64  # signed, on its basis; no date counts at the horizon; 0 without any due
    line_judged: I8  # 0 = by nothing, 1 = by requested, 2 = by promised
    line_short_qty: I64
    line_supply: I32  # the supply that binds its ready instant; -1 = a guess or none
    line_reason: I8
    line_root: I32  # operation

    # -- items (I) ---------------------------------------------------------------------------------
    item_below_zero_at: I32  # NEVER = never
    item_lowest_qty: I64
    item_lowest_at: I32

    # -- pegging rounds ----------------------------------------------------------------------------
    round_kept: int
    rounds: int
    unsettled_items: I32 = field(default_factory=lambda: np.zeros(0, np.int32))

    @property
    def late_lines(self) -> int:
        return int(np.count_nonzero(self.line_late_s > 0))

    def same_as(self, other: Projection) -> bool:
        """Equal bit for bit, in every figure."""
        return all(
            np.array_equal(mine, theirs) if isinstance(mine, np.ndarray) else mine == theirs
            for mine, theirs in zip(vars(self).values(), vars(other).values(), strict=True)
        )
