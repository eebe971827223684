"""What lateness and a response cost: three sums that are never added up silently.

* **cash**: overtime wages, set-ups, machine hours at the margin, penalties due by contract;
* **estimate**: what a late day is held to be worth beyond the contract (goodwill);
* **weight**: the planner's price of moving a job; it ranks and is never shown as money.

Money is int64 ten-thousandths of the plant's currency. A rate that nobody gave is *unknown*, not
zero: what needs it is listed in `unknown`, and the sum is "at least". Every amount is the sum of
`CostLine`s that name quantity, rate and source, so that it can be opened.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Any, Final, TypeAlias
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from planning.engine.changes import Change, moved_ops
from planning.engine.crew import CoverWindow
from planning.engine.deals import AddPurchase, SetFreight, SetPurchaseDate, ShipPartial, Substitute
from planning.engine.makeshift import RepairForNow
from planning.engine.mends import Concede, OrderRework
from planning.engine.offers import Offers
from planning.engine.offers import Rate as Rate
from planning.engine.orders import AddOrder, operations_of
from planning.engine.plant import (
    I32,
    I64,
    NEVER,
    PIECE,
    PPM,
    UNSET,
    Basis,
    DemandKind,
    Flags,
    Plant,
    Projection,
    State,
)
from planning.engine.rows import at_rows_of, projection_at_rows_of, rows_in

HOUR = 3_600
DAY = 86_400
UNKNOWN: Final = -1
WEEKDAYS: Final = frozenset({0, 1, 2, 3, 4})  # Monday is 0
EVERY_DAY: Final = frozenset(range(7))
_NO_LIMIT = 2**62


class What(StrEnum):
    """What an amount is for."""

    PENALTY_PERCENT = "PENALTY_PERCENT"  # share of the line's value a late day
    PENALTY_DAY = "PENALTY_DAY"
    LINE_STOP = "LINE_STOP"  # the customer's own line stands
    LATENESS_WEIGHT = "LATENESS_WEIGHT"
    PART = "PART"  # what a part that ships ahead spares; below zero
    CAP = "CAP"  # what the cap (or the line's value) takes off; below zero
    NO_DATE = "NO_DATE"  # a line without a date is priced at its cap, else at its value
    OVERTIME = "OVERTIME"
    SETUP = "SETUP"
    MACHINE = "MACHINE"
    MOVE = "MOVE"
    LATE = "LATE"  # unknown: nobody said what a late day of a line costs
    NEW_PROMISE = "NEW_PROMISE"  # goodwill: share of what the old date would cost
    FREIGHT = "FREIGHT"  # a dearer or a further shipment
    EXPEDITE = "EXPEDITE"
    PURCHASE = "PURCHASE"  # price above what the item is held to cost
    ORDER_FEE = "ORDER_FEE"
    SUBSTITUTE = "SUBSTITUTE"  # what it costs more than what it replaces
    MATERIAL = "MATERIAL"  # what pieces take that are made once more
    SUBCONTRACT = "SUBCONTRACT"  # pieces made outside
    SUBCONTRACT_ORDER = "SUBCONTRACT_ORDER"  # transport and papers of a job made outside
    MAKESHIFT = "MAKESHIFT"  # a repair for now, besides the full one
    CONCESSION = "CONCESSION"  # papers and tests of pieces that are used as they are


# What a plant's own hours and lateness cost: without one of these money tells no option from
# another. The other terms belong to single options.
OWN_TERMS: Final = frozenset({What.OVERTIME, What.SETUP, What.MACHINE, What.LATE})


class Sum(StrEnum):
    CASH = "cash"
    ESTIMATE = "estimate"
    WEIGHT = "weight"


@dataclass(frozen=True)
class Rates:
    """What the plant's own hours cost; None = unknown. Units are named by database id."""

    overtime_hour: Rate | None = None  # full wage of one person for an overtime hour
    overtime_minimum_s: int = 0  # paid at least, a window
    setup_hour: Rate | None = None
    unit_hour: Rate | None = None  # marginal cost of a running hour
    move: Rate | None = None  # planning weight of one moved job; None = moves weigh nothing
    setup_hour_of: Mapping[int, Rate] = field(default_factory=dict)
    unit_hour_of: Mapping[int, Rate] = field(default_factory=dict)
    crew_ppm_of: Mapping[int, int] = field(default_factory=dict)  # people at a unit; else one
    new_promise: Rate | None = None  # millionths of what the old date would cost: goodwill
    piece_of: Mapping[int, Rate] = field(default_factory=dict)  # by external unit
    job_of: Mapping[int, Rate] = field(default_factory=dict)
    concession: Rate | None = None  # a lot, or what an operation lost
    makeshift: Rate | None = None  # a repair for now
    makeshift_of: Mapping[int, Rate] = field(default_factory=dict)

    def setup(self, unit_id: int) -> Rate | None:
        return self.setup_hour_of.get(unit_id, self.setup_hour)

    def machine(self, unit_id: int) -> Rate | None:
        return self.unit_hour_of.get(unit_id, self.unit_hour)

    def crew_ppm(self, unit_id: int) -> int:
        return self.crew_ppm_of.get(unit_id, PPM)


@dataclass(frozen=True, slots=True)
class Terms:
    """What a late day of one customer line costs. None = not agreed, not known.

    penalty_ppm  of the line's open value, a day (1.5 % = 15_000).
    penalty_day, stop_day, weight_day  money a day: contract, line stop, goodwill.
    grace_days   late days for which contract and line stop charge nothing.
    cap          most that lateness of the line may cost; None = its open value.
    value        open value; None = no price known.
    due          instant from which lateness is charged, on the line's basis: the first promise
                 until the customer agreed to another, then that one; requested without a promise;
                 UNSET = there is none.
    days         name of the day table of the delivery place; "" = every begun 24 hours.
    source       who says so, for a person.

    A line of which no daily amount is known costs an unknown sum; where one is given, those that
    are None are nothing.
    """

    penalty_ppm: int | None = None
    penalty_day: int | None = None
    stop_day: int | None = None
    weight_day: int | None = None
    grace_days: int = 0
    cap: int | None = None
    value: int | None = None
    due: int = UNSET
    days: str = ""
    source: str = ""


@dataclass(frozen=True, eq=False)
class LineTerms:
    """The terms of all customer lines (L), in the plant's order; -1 = not given."""

    penalty_ppm: I64
    penalty_day: I64
    stop_day: I64
    weight_day: I64
    grace_days: I64
    cap: I64
    value: I64
    due: I64
    table: I32  # row of the day tables; -1 = every begun 24 hours
    tables: tuple[I64, ...]  # sorted instants at which a day that counts begins
    source: tuple[str, ...]

    @classmethod
    def of(
        cls,
        plant: Plant,
        terms: Mapping[int, Terms],
        tables: Mapping[str, npt.NDArray[Any]] | None = None,
    ) -> LineTerms:
        """Bring the terms of each line (by its id) into the plant's order.

        tables  day tables by name, see `day_edges`. A line that is not in `terms` has none.

        :raises ValueError: if terms name a day table that isn't given, or an amount below zero.
        """
        names = sorted(tables or {})
        rows = [terms.get(line_id, Terms()) for line_id in plant.line_id.tolist()]
        for line_id, row in zip(plant.line_id.tolist(), rows, strict=True):
            if row.days and row.days not in names:
                raise ValueError(f"line {line_id}: no day table {row.days!r}")
            amounts = (row.penalty_ppm, row.penalty_day, row.stop_day, row.weight_day)
            if any(each is not None and each < 0 for each in (*amounts, row.cap, row.value)):
                raise ValueError(f"line {line_id}: an amount is below zero")

        def column(name: str) -> I64:
            given = (getattr(row, name) for row in rows)
            return np.array([UNKNOWN if each is None else each for each in given], np.int64)

        return cls(
            penalty_ppm=column("penalty_ppm"),
            penalty_day=column("penalty_day"),
            stop_day=column("stop_day"),
            weight_day=column("weight_day"),
            grace_days=column("grace_days"),
            cap=column("cap"),
            value=column("value"),
            due=column("due"),
            table=np.array([names.index(r.days) if r.days else -1 for r in rows], np.int32),
            tables=tuple(np.asarray((tables or {})[name], np.int64) for name in names),
            source=tuple(row.source for row in rows),
        )

    @property
    def known(self) -> Flags:
        """By line, whether anybody said what a late day of it costs."""
        said = (self.penalty_ppm >= 0) & (self.value >= 0)
        said |= (self.penalty_day >= 0) | (self.stop_day >= 0) | (self.weight_day >= 0)
        return said

    @property
    def limit(self) -> I64:
        """By line, the most that its lateness may cost: its cap, else its open value."""
        value = np.where(self.value >= 0, self.value, _NO_LIMIT)
        return np.where(self.cap >= 0, self.cap, value)


@dataclass(frozen=True)
class CostRules:
    lines: LineTerms
    rates: Rates = field(default_factory=Rates)
    offers: Offers = field(default_factory=Offers)


@dataclass(frozen=True, slots=True)
class CostLine:
    """One term of a sum: amount = quantity x rate (/ per), of `base` where the rate is a share.

    what, sum    what it is for, and which of the three sums it belongs to.
    subject, id  "line", "unit", "item", "purchase", "material" or "plan", and its database id.
    quantity     days or times; seconds where `per` is 3,600; millionths where it is 1,000,000.
    rate         ten-thousandths, or millionths of `base`.
    """

    what: What
    sum: Sum
    subject: str
    id: int
    quantity: int
    per: int
    rate: int
    base: int
    amount: int
    source: str

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, eq=False)
class LateCost:
    """What the lateness of each line (L) costs, as of one projection."""

    cash: I64
    estimate: I64
    days: I64  # late days, counted in the delivery place's zone; no date: up to the horizon
    known: Flags  # False where the line is late and nobody said what that costs

    @property
    def total(self) -> int:
        return int(self.cash.sum() + self.estimate.sum())


def day_edges(
    zone: str,
    *,
    epoch: int,
    start_s: int,
    end_s: int,
    weekdays: frozenset[int] = EVERY_DAY,
    holidays: frozenset[date] = frozenset(),
) -> I64:
    """Return the instants (seconds since the epoch) at which the days that count begin.

    zone      IANA name of the delivery place's time zone.
    epoch     the plan's epoch in unix seconds.
    start_s, end_s  seconds since the epoch that the table covers; give the earliest due instant
              and the horizon, a day to spare is added.
    weekdays  days that count, Monday 0: `EVERY_DAY` or `WEEKDAYS`, by the customer's clause.
    holidays  days that don't count.

    Days follow the zone's clock, so a day at a change of summer time has 23 or 25 hours.
    """
    place = ZoneInfo(zone)
    day = datetime.fromtimestamp(epoch + start_s, place).date() - timedelta(days=1)
    last = datetime.fromtimestamp(epoch + end_s, place).date() + timedelta(days=1)
    edges = []
    while day <= last:
        if day.weekday() in weekdays and day not in holidays:
            midnight = datetime(day.year, day.month, day.day, tzinfo=place)
            edges.append(int(midnight.astimezone(UTC).timestamp()) - epoch)
        day += timedelta(days=1)
    return np.array(edges, np.int64)


def days_late(terms: LineTerms, at: I64) -> I64:
    """Count by line the days that begin after its due instant and not after `at`.

    at  (L) instants of shipping or arrival, seconds since the epoch.

    A delivery later on the day it was due is no day late. A line without a due instant is none.
    """
    days = np.zeros(len(at), np.int64)
    for row, edges in enumerate(terms.tables):
        mine = terms.table == row
        late = np.searchsorted(edges, at[mine], "right")
        days[mine] = late - np.searchsorted(edges, terms.due[mine], "right")
    plain = terms.table < 0
    days[plain] = -((terms.due[plain] - at[plain]) // DAY)
    return np.where(terms.due == UNSET, 0, np.maximum(0, days))


def share(base: I64, ppm: I64, times: I64) -> I64:
    """Return base x ppm x times in millionths, rounded half up, without overflow for money."""
    whole, rest = base // PPM, base % PPM
    exact: I64 = whole * ppm * times + (rest * ppm * times + PPM // 2) // PPM
    return exact


def late_cost(plant: Plant, projection: Projection, rules: CostRules) -> LateCost:
    """Return what the lateness of every customer line costs.

    cash      (days - grace) x (share of the value + penalty a day + line stop a day)
    estimate  days x lateness weight

    together never above the line's cap, else its open value; the estimate gives way first. A line
    without a date is priced at that limit (where it is known), its cash as of the horizon. Costs
    never fall as a line gets later.

    Of a line that ships in two parts each part counts its own days: share of the value and
    lateness weight by its quantity, line stop by the part that comes first, the penalty a day
    for the line as long as any of it is missing.
    """
    terms = rules.lines
    at, dated = line_instants(plant, projection)
    days = days_late(terms, at)
    part_ppm, part_days = _parts(plant, projection, terms, days)
    cash = np.zeros(len(at), np.int64)
    for _, amount in _contract(terms, days, part_ppm, part_days):
        cash += amount
    limit = terms.limit
    cash = np.minimum(cash, limit)
    estimate = _goodwill(terms, days, part_ppm, part_days)
    open_end = ~dated & (limit < _NO_LIMIT) & terms.known
    estimate = np.where(open_end, limit, estimate)
    estimate = np.minimum(estimate, limit - cash)
    late = ~dated | (days > 0)
    return LateCost(cash=cash, estimate=estimate, days=days, known=terms.known | ~late)


def line_instants(plant: Plant, projection: Projection) -> tuple[I64, Flags]:
    """Return by line the instant it is judged by (no date: the horizon), and whether it has one."""
    by_ship = plant.line_basis == Basis.SHIP
    at = np.where(by_ship, projection.line_ship, projection.line_arrive).astype(np.int64)
    dated = (projection.line_state == State.DATED) & (at != NEVER)
    return np.where(dated, at, projection.horizon), dated


def _parts(plant: Plant, projection: Projection, terms: LineTerms, days: I64) -> tuple[I64, I64]:
    """Return by line the share (ppm) that ships ahead, and the late days of that part."""
    rows = np.flatnonzero(plant.line_part_qty > 0)
    part_ppm, part_days = np.zeros(len(days), np.int64), days.copy()
    if not len(rows):
        return part_ppm, part_days
    at = projection.line_first_arrive.astype(np.int64)
    by_ship = plant.line_basis == Basis.SHIP
    at = np.where(by_ship, at - plant.line_transit_s, at)
    there = projection.line_first_arrive != NEVER
    first = np.minimum(days_late(terms, np.where(there, at, projection.horizon)), days)
    whole = np.maximum(1, plant.demand_qty[plant.line_demand[rows]])
    part = np.minimum(plant.line_part_qty[rows], whole)
    part_ppm[rows] = part * PPM // whole
    part_days[rows] = first[rows]
    return part_ppm, part_days


def _contract(terms: LineTerms, days: I64, part_ppm: I64, part_days: I64) -> list[tuple[What, I64]]:
    charged = np.maximum(0, days - terms.grace_days)
    of_part = np.maximum(0, part_days - terms.grace_days)
    value = np.maximum(0, terms.value)
    ahead = share(value, part_ppm, np.ones_like(value))
    rate = np.maximum(0, terms.penalty_ppm)
    percent = share(value - ahead, rate, charged) + share(ahead, rate, of_part)
    return [
        (What.PENALTY_PERCENT, percent),
        (What.PENALTY_DAY, np.maximum(0, terms.penalty_day) * charged),
        (What.LINE_STOP, np.maximum(0, terms.stop_day) * of_part),
    ]


def _goodwill(terms: LineTerms, days: I64, part_ppm: I64, part_days: I64) -> I64:
    weight = np.maximum(0, terms.weight_day)
    saved: I64 = share(weight, part_ppm, days - part_days)
    amount: I64 = weight * days - saved
    return amount


def explain_late(
    plant: Plant, projection: Projection, rules: CostRules, line_id: int
) -> tuple[CostLine, ...]:
    """Open what the lateness of one line costs; the lines of each sum add up to `late_cost`.

    :raises KeyError: if the line is not in the plant.
    """
    rows = np.flatnonzero(plant.line_id == line_id)
    if not len(rows):
        raise KeyError(line_id)
    row = int(rows[0])
    return _explain_row(plant, projection, rules, row, line_id)


def _explain_row(
    plant: Plant, projection: Projection, rules: CostRules, row: int, line_id: int
) -> tuple[CostLine, ...]:
    terms = rules.lines
    cost = late_cost(plant, projection, rules)
    part_ppm, part_days = _parts(plant, projection, terms, cost.days)
    source = terms.source[row]
    days = int(cost.days[row])
    charged = max(0, days - int(terms.grace_days[row]))
    value = max(0, int(terms.value[row]))
    lines: list[CostLine] = []

    def add(what: What, kind: Sum, quantity: int, rate: int, base: int, amount: int) -> None:
        if amount:
            lines.append(
                CostLine(what, kind, "line", line_id, quantity, 1, rate, base, amount, source)
            )

    rates = (terms.penalty_ppm, terms.penalty_day, terms.stop_day)
    whole = np.zeros_like(part_ppm)
    contract = _contract(terms, cost.days, whole, cost.days)
    for (what, amounts), rate in zip(contract, rates, strict=True):
        base = value if what is What.PENALTY_PERCENT else 0
        add(what, Sum.CASH, charged, int(rate[row]), base, int(amounts[row]))
    weight = max(0, int(terms.weight_day[row]))
    add(What.LATENESS_WEIGHT, Sum.ESTIMATE, days, weight, 0, weight * days)
    spared = [
        (
            Sum.CASH,
            sum(int(amount[row]) for _, amount in _contract(terms, cost.days, part_ppm, part_days)),
        ),
        (Sum.ESTIMATE, int(_goodwill(terms, cost.days, part_ppm, part_days)[row])),
    ]
    for kind, parts in spared:
        off = parts - sum(line.amount for line in lines if line.sum is kind)
        add(What.PART, kind, 1, off, 0, off)
    for kind, total in ((Sum.CASH, int(cost.cash[row])), (Sum.ESTIMATE, int(cost.estimate[row]))):
        off = total - sum(line.amount for line in lines if line.sum is kind)
        what = What.CAP if off < 0 else What.NO_DATE
        add(what, kind, 1, off, int(terms.limit[row]), off)
    return tuple(lines)


# -- what a response costs -----------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class OptionCost:
    """What a plan costs: the lateness that is left, and what the response itself takes.

    late_cash, late_estimate  lateness of all lines after the response.
    extra_cash, extra_estimate  the response's own cost against doing nothing; cash below zero is
                     a saving (fewer set-ups).
    weight           planning weight; ranks only.
    lines            what the extras and the weight consist of; of lateness see `explain_late`.
    unknown          terms without a rate: the sums are "at least".
    late             lateness by line, after.
    """

    late_cash: int
    late_estimate: int
    extra_cash: int
    extra_estimate: int
    weight: int
    lines: tuple[CostLine, ...]
    unknown: tuple[What, ...]
    late: LateCost

    @property
    def late_money(self) -> int:
        return self.late_cash + self.late_estimate

    @property
    def extra_money(self) -> int:
        return self.extra_cash + self.extra_estimate

    @property
    def money(self) -> int:
        """Cash and estimate, of lateness and response: what options are compared by."""
        return self.late_money + self.extra_money

    @property
    def at_least(self) -> bool:
        return bool(self.unknown)

    @property
    def by_money(self) -> bool:
        """Whether the plant's own terms are known, so that money tells options apart."""
        return not OWN_TERMS.intersection(self.unknown)

    def to_json(self) -> dict[str, Any]:
        return {
            "late_cash": self.late_cash,
            "late_estimate": self.late_estimate,
            "extra_cash": self.extra_cash,
            "extra_estimate": self.extra_estimate,
            "weight": self.weight,
            "lines": [line.to_json() for line in self.lines],
            "unknown": [what.value for what in self.unknown],
        }


def option_cost(
    plant: Plant,
    before: Projection,
    after_plant: Plant,
    after: Projection,
    rules: CostRules,
    changes: Sequence[Change] = (),
) -> OptionCost:
    """Cost the change from `plant` (doing nothing, `before`) to `after_plant`.

    changes  those that lead there; what is bought, sent or agreed with them is costed by them.

    Overtime is every added window, at the crew of its unit, a minimum paid; set-ups and machine
    hours are the difference of what the two projections pay at each unit. Lateness of a line with
    a new promise counts from that one: it is agreed, which is what the option is about. Both
    plants have the same rows of units, operations and lines.
    """
    late = late_cost(after_plant, after, agreed(rules, plant, after_plant))
    lines: list[CostLine] = []
    unknown: list[What] = []
    for what, per_unit, rate_of in (
        (What.OVERTIME, _overtime_s(plant, after_plant, rules.rates), _overtime_rate),
        (What.SETUP, _setup_s(plant, before, after_plant, after), Rates.setup),
        (What.MACHINE, _machine_s(plant, before, after_plant, after), Rates.machine),
    ):
        for unit, seconds in per_unit:
            unit_id = int(plant.unit_id[unit])
            if unit_id in rules.offers.external:
                continue
            rate = rate_of(rules.rates, unit_id)
            if rate is None:
                unknown.append(what)
                continue
            amount = _round(seconds * rate.amount, HOUR)
            lines.append(
                CostLine(
                    what,
                    Sum.CASH,
                    "unit",
                    unit_id,
                    seconds,
                    HOUR,
                    rate.amount,
                    0,
                    amount,
                    rate.source,
                )
            )
    for made, missing in (
        _promise_lines(plant, after_plant, after, rules, late),
        _deal_lines(plant, rules, changes),
        _material_lines(plant, after_plant, rules, changes),
        _outside_lines(plant, before, after_plant, after, rules),
    ):
        lines += made
        unknown += missing
    moves = len(moved_ops(plant, after_plant))
    price = rules.rates.move
    if moves and price is not None:
        amount = moves * price.amount
        lines.append(
            CostLine(
                What.MOVE, Sum.WEIGHT, "plan", 0, moves, 1, price.amount, 0, amount, price.source
            )
        )
    if not late.known.all():
        unknown.append(What.LATE)
    return OptionCost(
        late_cash=int(late.cash.sum()),
        late_estimate=int(late.estimate.sum()),
        extra_cash=sum(line.amount for line in lines if line.sum is Sum.CASH),
        extra_estimate=sum(line.amount for line in lines if line.sum is Sum.ESTIMATE),
        weight=sum(line.amount for line in lines if line.sum is Sum.WEIGHT),
        lines=tuple(lines),
        unknown=tuple(sorted(set(unknown))),
        late=late,
    )


def agreed(rules: CostRules, plant: Plant, after: Plant) -> CostRules:
    """Return the rules with lateness of lines that got a new promise counted from that one."""
    if plant.line_promised is after.line_promised:
        return rules
    other = plant.line_promised != after.line_promised
    if not other.any():
        return rules
    due = np.where(other, after.line_promised, rules.lines.due)
    return replace(rules, lines=replace(rules.lines, due=due.astype(np.int64)))


Made: TypeAlias = tuple[list[CostLine], list[What]]


def _promise_lines(
    plant: Plant, after_plant: Plant, after: Projection, rules: CostRules, late: LateCost
) -> Made:
    """Goodwill of new promises: a share of what the old ones would cost under the option."""
    lines: list[CostLine] = []
    rows = np.flatnonzero(plant.line_promised != after_plant.line_promised)
    if not len(rows):
        return lines, []
    rate = rules.rates.new_promise
    if rate is None:
        return lines, [What.NEW_PROMISE]
    old = late_cost(after_plant, after, rules)
    for row in rows.tolist():
        base = int(old.cash[row] + old.estimate[row] - late.cash[row] - late.estimate[row])
        amount = int(share(np.array([max(0, base)]), np.array([rate.amount]), np.array([1]))[0])
        lines.append(
            CostLine(
                What.NEW_PROMISE, Sum.ESTIMATE, "line", int(plant.line_id[row]), 1, 1,
                rate.amount, max(0, base), amount, rate.source,
            )
        )  # fmt: skip
    return lines, []


def _deal_lines(plant: Plant, rules: CostRules, changes: Sequence[Change]) -> Made:
    """What is paid to others: freight, fees, prices above what an item is held to cost."""
    offers = rules.offers
    lines: list[CostLine] = []
    unknown: list[What] = []

    def add(
        what: What, subject: str, pk: int, rate: Rate | None, qty: int = 0, of: int = PIECE
    ) -> None:
        if rate is None:
            unknown.append(what)
            return
        amount = _round(qty * rate.amount, of) if qty else rate.amount
        quantity, per = (qty, of) if qty else (1, 1)
        lines.append(
            CostLine(
                what, Sum.CASH, subject, pk, quantity, per, rate.amount, 0, amount, rate.source
            )
        )

    for change in changes:
        match change:
            case ShipPartial():
                if change.qty:
                    mode = int(plant.line_mode[plant.line_id == change.line_id][0])
                    add(What.FREIGHT, "line", change.line_id, offers.freight(mode))
            case SetFreight():
                add(What.FREIGHT, "line", change.line_id, _dearer(plant, offers, change))
            case CoverWindow():
                paid = max(change.end_s - change.start_s, rules.rates.overtime_minimum_s)
                add(What.OVERTIME, "unit", change.unit_id, rules.rates.overtime_hour, paid, HOUR)
            case SetPurchaseDate():
                fee = offers.faster.get(change.purchase_id)
                add(What.EXPEDITE, "purchase", change.purchase_id, fee.fee if fee else None)
            case AddPurchase():
                quote = offers.quote(change.quote_id)
                price = quote.price if quote else None
                add(
                    What.PURCHASE, "item", change.item_id,
                    _above(price, offers.item_cost.get(change.item_id)), change.qty,
                )  # fmt: skip
                if quote is not None and quote.fee is not None:
                    add(What.ORDER_FEE, "item", change.item_id, quote.fee)
            case RepairForNow():
                rate = rules.rates.makeshift_of.get(change.unit_id, rules.rates.makeshift)
                add(What.MAKESHIFT, "unit", change.unit_id, rate)
            case Concede():
                add(What.CONCESSION, "lot", change.lot_id, rules.rates.concession)
            case OrderRework() if change.as_is:
                add(What.CONCESSION, "item", change.item_id, rules.rates.concession)
            case Substitute():
                rate, qty = _dearer_item(plant, offers, change)
                add(What.SUBSTITUTE, "material", change.material_id, rate, qty)
    return lines, unknown


def _material_lines(
    plant: Plant, after_plant: Plant, rules: CostRules, changes: Sequence[Change]
) -> Made:
    """What orders take that come into the plan, at what an item is held to cost."""
    taken: dict[int, int] = {}
    for change in changes:
        if isinstance(change, AddOrder | OrderRework):
            ops = operations_of(after_plant, change.order_id)
            rows = np.flatnonzero(np.isin(after_plant.demand_op, ops))
            items = after_plant.item_id[after_plant.demand_item[rows]].tolist()
            for item, qty in zip(items, after_plant.demand_qty[rows].tolist(), strict=True):
                taken[item] = taken.get(item, 0) + qty
    lines: list[CostLine] = []
    unknown: list[What] = []
    for item, qty in sorted(taken.items()):
        rate = rules.offers.item_cost.get(item)
        if rate is None:
            unknown.append(What.MATERIAL)
            continue
        lines.append(
            CostLine(
                What.MATERIAL, Sum.CASH, "item", item, qty, PIECE, rate.amount, 0,
                _round(qty * rate.amount, PIECE), rate.source,
            )
        )  # fmt: skip
    return lines, unknown


def _dearer(plant: Plant, offers: Offers, change: SetFreight) -> Rate | None:
    """What a shipment costs more by another mode; all of it where the usual price is unknown."""
    price = offers.freight(change.mode_id)
    saved = offers.freight(int(plant.line_mode[plant.line_id == change.line_id][0]))
    return _above(price, saved)


def _above(price: Rate | None, usual: Rate | None) -> Rate | None:
    if price is None or usual is None:
        return price
    return Rate(price.amount - usual.amount, price.source)


def _dearer_item(plant: Plant, offers: Offers, change: Substitute) -> tuple[Rate | None, int]:
    """The cost of a substitute above what it replaces, for a unit of the substitute."""
    component = plant.demand_kind == DemandKind.COMPONENT
    row = int(np.flatnonzero(component & (plant.demand_id == change.material_id))[0])
    was = offers.item_cost.get(int(plant.item_id[plant.demand_item[row]]))
    new = offers.item_cost.get(change.item_id)
    if was is None or new is None or not change.qty:
        return None, change.qty
    replaced = _round(int(plant.demand_qty[row]) * was.amount, change.qty)
    return Rate(new.amount - replaced, new.source), change.qty


def _outside_lines(
    plant: Plant, before: Projection, after_plant: Plant, after: Projection, rules: CostRules
) -> Made:
    """Jobs that go to somebody else's unit, or come to be there: so much a piece, so much a job."""
    lines: list[CostLine] = []
    unknown: list[What] = []
    if not rules.offers.external or plant.op_unit is after_plant.op_unit:
        return lines, unknown
    here, then = at_rows_of(plant, after_plant), projection_at_rows_of(plant, after_plant, after)
    moved = np.flatnonzero(plant.op_unit != here.op_unit).tolist()
    back = rows_in(after_plant, plant)
    new = [] if back is None else np.flatnonzero(back < 0).tolist()
    for which, projection, rows, sign in (
        (here, then, moved, 1),
        (plant, before, moved, -1),
        (after_plant, after, new, 1),
    ):
        for row in rows:
            unit_id = int(plant.unit_id[which.op_unit[row]]) if which.op_unit[row] >= 0 else 0
            if unit_id not in rules.offers.external:
                continue
            pieces = int(projection.op_left_qty[row])
            for what, rate, quantity, per in (
                (What.SUBCONTRACT, rules.rates.piece_of.get(unit_id), pieces, PIECE),
                (What.SUBCONTRACT_ORDER, rules.rates.job_of.get(unit_id), 1, 1),
            ):
                if rate is None:
                    unknown.append(what)
                    continue
                amount = sign * _round(quantity * rate.amount, per)
                lines.append(
                    CostLine(
                        what, Sum.CASH, "unit", unit_id, sign * quantity, per, rate.amount, 0,
                        amount, rate.source,
                    )
                )  # fmt: skip
    return lines, unknown


def _overtime_rate(rates: Rates, unit_id: int) -> Rate | None:
    return rates.overtime_hour


def _round(amount: int, per: int) -> int:
    """Divide, half up."""
    return (2 * amount + per) // (2 * per)


def _overtime_s(plant: Plant, after: Plant, rates: Rates) -> list[tuple[int, int]]:
    """Return (unit row, person-seconds paid) of the open windows that were added."""
    columns = ("unit_exception_ptr", "exception_start", "exception_end", "exception_open")
    if all(getattr(plant, name) is getattr(after, name) for name in columns):
        return []
    paid = []
    for unit in range(len(plant.unit_id)):
        had = windows(plant, unit)
        seconds = 0
        for window in windows(after, unit):
            if window in had:
                had.remove(window)
                continue
            seconds += max(window[1] - window[0], rates.overtime_minimum_s)
        if seconds:
            crew = rates.crew_ppm(int(plant.unit_id[unit]))
            paid.append((unit, _round(seconds * crew, PPM)))
    return paid


def windows(plant: Plant, unit: int) -> list[tuple[int, int]]:
    """Return the open windows (overtime) of a unit's row, sorted."""
    rows = slice(plant.unit_exception_ptr[unit], plant.unit_exception_ptr[unit + 1])
    opens = plant.exception_open[rows]
    return list(
        zip(
            plant.exception_start[rows][opens].tolist(),
            plant.exception_end[rows][opens].tolist(),
            strict=True,
        )
    )


def _per_unit(plant: Plant, seconds: I32) -> I64:
    """Sum a column of operations by unit; without one it costs no capacity."""
    placed = plant.op_unit >= 0
    sums = np.bincount(plant.op_unit[placed], seconds[placed], minlength=len(plant.unit_id))
    return sums.astype(np.int64)


def _setup_s(
    plant: Plant, before: Projection, after_plant: Plant, after: Projection
) -> list[tuple[int, int]]:
    more = _per_unit(after_plant, after.op_setup_s) - _per_unit(plant, before.op_setup_s)
    return [(int(unit), int(more[unit])) for unit in np.flatnonzero(more)]


def _machine_s(
    plant: Plant, before: Projection, after_plant: Plant, after: Projection
) -> list[tuple[int, int]]:
    """Only work that changed its unit or its times costs more or less than doing nothing."""
    here, at = at_rows_of(plant, after_plant), rows_in(plant, after_plant)
    changed = plant.op_unit != here.op_unit
    changed |= plant.op_run_us != here.op_run_us
    changed |= plant.op_fixed_us != here.op_fixed_us
    changed |= plant.op_launch_qty != here.op_launch_qty
    rows = np.flatnonzero(changed)
    rows_after = rows
    if at is not None:
        there, back = at[rows], rows_in(after_plant, plant)
        assert back is not None
        rows_after = np.concatenate([there[there >= 0], np.flatnonzero(back < 0)])
        rows = np.concatenate([rows, np.flatnonzero((at < 0) & ~changed)])
    more = np.zeros(len(plant.unit_id), np.int64)
    for which, projection, mine, sign in (
        (after_plant, after, rows_after, 1),
        (plant, before, rows, -1),
    ):
        unit = which.op_unit[mine]
        np.add.at(more, unit[unit >= 0], sign * _work_s(which, projection, mine)[unit >= 0])
    return [(int(unit), int(more[unit])) for unit in np.flatnonzero(more)]


def _work_s(plant: Plant, projection: Projection, rows: I64) -> I64:
    """Return the seconds of work of operations' rows; without a date by pieces and times.

    Work that doing nothing never reaches isn't free when it is done elsewhere.
    """
    seconds = projection.op_work_s[rows].astype(np.int64)
    for at in np.flatnonzero(projection.op_state[rows] != State.DATED):
        op = int(rows[at])
        run_us = int(projection.op_left_qty[op]) * int(plant.op_run_us[op]) // PIECE
        us = (run_us + int(plant.op_fixed_us[op])) * int(plant.op_factor_ppm[op]) // PPM
        if plant.op_unit[op] >= 0:
            us = us * PPM // int(plant.unit_rate_ppm[plant.op_unit[op]])
        seconds[at] = -(-us // 1_000_000)
    return seconds
