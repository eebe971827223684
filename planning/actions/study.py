"""One snapshot and what the engine makes of it; the arrays turned into figures for pages."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
from django.utils.translation import gettext as _

from planning import rules
from planning.engine import assumptions, cost, impact
from planning.engine import options as ways
from planning.engine.changes import Change, MoveJob, Refusal, SetQueue, apply, to_json
from planning.engine.deals import Deal
from planning.engine.load import loads
from planning.engine.moments import next_moment
from planning.engine.plant import (
    NEVER,
    UNSET,
    DemandKind,
    PegKind,
    Plant,
    Projection,
    Reason,
    State,
    Status,
    SupplyKind,
)
from planning.engine.projection import project
from planning.engine.reasons import Why, why_each
from planning.models import Disruption
from planning.snapshot import Held, Loss, NotHere, Quarantined, Slow, Snapshot, Stop

# Changes when the meaning of a figure does: every plan is then computed anew.
ENGINE = "2"

COLUMNS = {"cause": 0, "operation": 1, "item": 2, "line": 3}
NODE_NAMES = {"operation": "job", "item": "item", "line": "line"}
CHAIN_OPERATIONS = 12
OPS_LISTED = 60
LINES_EXPLAINED = 40
EXPLAINED_BY = 3  # lines whose way back is searched for assumptions
INSTANTS = frozenset(
    {
        assumptions.Basis.UNIT_BACK,
        assumptions.Basis.UNIT_FULL,
        assumptions.Basis.TOOL_BACK,
        assumptions.Basis.LOT_FREE,
        assumptions.Basis.JOB_FREE,
        assumptions.Basis.SUPPLY_COMES,
        assumptions.Basis.PROPOSED,
        assumptions.Basis.ON_RATE,
    }
)
FLIP_WITHIN_S = 5 * rules.DAY

_DAYS: OrderedDict[tuple[Any, ...], npt.NDArray[Any]] = OrderedDict()
# By site: the lines and day tables of which the terms were made, and the terms.
_TERMS: OrderedDict[
    int, tuple[Mapping[int, Any], Mapping[str, npt.NDArray[Any]], cost.LineTerms]
] = OrderedDict()


def money(amount: int) -> str:
    """Ten-thousandths as a decimal string."""
    return str(Decimal(int(amount)).scaleb(-4))


def quantity(amount: int) -> str:
    """Millionths as a decimal string without trailing zeros."""
    return format(Decimal(int(amount)).scaleb(-6).normalize(), "f") if amount else "0"


Late = dict[int, tuple[int, int, int]]  # line -> seconds late, cash, estimate (ten-thousandths)


def cost_rules(snap: Snapshot) -> cost.CostRules:
    """The money of a site: its lines' terms and its rates."""
    plant = snap.plant
    horizon = plant.site.horizon
    tables: dict[str, npt.NDArray[Any]] = {}
    for line in snap.lines.values():
        name = line.terms.days
        if name in tables:
            continue
        key = (name, snap.epoch, horizon)
        if key not in _DAYS:
            dues = [x.terms.due for x in snap.lines.values() if x.terms.days == name]
            _DAYS[key] = cost.day_edges(
                line.time_zone,
                epoch=int(snap.epoch.timestamp()),
                start_s=min([0, *(due for due in dues if due != UNSET)]) - 366 * rules.DAY,
                end_s=horizon,
                weekdays=cost.WEEKDAYS if line.working_days else cost.EVERY_DAY,
            )
            while len(_DAYS) > 256:
                _DAYS.popitem(last=False)
        tables[name] = _DAYS[key]
    return cost.CostRules(lines=_line_terms(snap, tables), rates=_rates(snap), offers=snap.offers)


def _line_terms(snap: Snapshot, tables: dict[str, npt.NDArray[Any]]) -> cost.LineTerms:
    """The lines' terms in the plant's order, kept while the snapshot keeps its lines."""
    kept = _TERMS.get(snap.site_id)
    if kept is not None and kept[0] is snap.lines:
        same = kept[1].keys() == tables.keys()
        if same and all(kept[1][name] is table for name, table in tables.items()):
            return kept[2]
    terms = {line.id: line.terms for line in snap.lines.values()}
    made = cost.LineTerms.of(snap.plant, terms, tables)
    _TERMS[snap.site_id] = (snap.lines, tables, made)
    while len(_TERMS) > 16:
        _TERMS.popitem(last=False)
    return made


def _rates(snap: Snapshot) -> cost.Rates:
    def one(what: str) -> cost.Rate | None:
        found = [r for r in snap.rates if r.what == what and r.unit_id is None]
        return cost.Rate(found[-1].amount, found[-1].source) if found else None

    def each(what: str) -> dict[int, cost.Rate]:
        return {
            r.unit_id: cost.Rate(r.amount, r.source)
            for r in snap.rates
            if r.what == what and r.unit_id is not None
        }

    minimum = one("OVERTIME_MINIMUM_HOURS")
    return cost.Rates(
        overtime_hour=one("OVERTIME_HOUR"),
        overtime_minimum_s=minimum.amount * rules.HOUR // 10_000 if minimum else 0,
        setup_hour=one("SETUP_HOUR"),
        unit_hour=one("UNIT_HOUR"),
        move=cost.Rate(snap.move_price, "site policy"),
        setup_hour_of=each("SETUP_HOUR"),
        unit_hour_of=each("UNIT_HOUR"),
        new_promise=one("NEW_PROMISE_PERCENT"),
        piece_of=each("SUBCONTRACT_PIECE"),
        job_of=each("SUBCONTRACT_ORDER"),
        concession=one("CONCESSION"),
        makeshift=one("MAKESHIFT"),
        makeshift_of=each("MAKESHIFT"),
    )


class Study:
    """A snapshot under the engine. Projections of a plant are made once."""

    def __init__(self, snap: Snapshot) -> None:
        self.snap = snap
        self.plant = snap.plant
        self.now = snap.now
        self.unix_epoch = int(snap.epoch.timestamp())
        self.rules = cost_rules(snap)
        self._projected: dict[int, tuple[Plant, Projection]] = {}

    # -- projections ----------------------------------------------------------------------------

    def project(self, plant: Plant) -> Projection:
        kept = self._projected.get(id(plant))
        if kept is None:
            kept = self._projected[id(plant)] = (plant, project(plant, now=self.now))
        return kept[1]

    @cached_property
    def projection(self) -> Projection:
        return self.project(self.plant)

    @property
    def next_at(self) -> datetime | None:
        """When time alone makes the next difference to the plan."""
        at = next_moment(self.plant, self.projection, now=self.now)
        return None if at == NEVER else self.snap.epoch + timedelta(seconds=at)

    def without(self, plant: Plant, cause: impact.Cause) -> Plant:
        return impact.without_cause(plant, self.project(plant), cause, now=self.now)

    def at_stake(self, cause: impact.Cause) -> impact.Stake:
        """What one cause costs from now on."""
        return impact.at_stake(self.plant, self.projection, cause, self.rules, now=self.now)

    def cause_of(self, disruption: Disruption) -> impact.Cause | None:
        """The engine's cause of a stored disruption; None where it has none, or is gone."""
        kinds, kind, number = impact.CauseKind, disruption.kind, disruption.subject_id
        match kind:
            case Disruption.Kind.BREAKDOWN:
                return impact.Cause(kinds.UNIT_DOWN, number)
            case Disruption.Kind.SLOW:
                return impact.Cause(kinds.UNIT_SLOW, number)
            case Disruption.Kind.TOOL:
                return impact.Cause(kinds.TOOL_LOST, number)
            case Disruption.Kind.HOLD:
                on_lot = disruption.subject_type == "lot"
                return impact.Cause(kinds.LOT_HELD if on_lot else kinds.JOB_HELD, number)
            case Disruption.Kind.SCRAP:
                pieces = self.millionths(disruption.cause.get("scrap", "0"))
                return impact.Cause(kinds.SCRAP, number, pieces)
            case Disruption.Kind.SLIP:
                return impact.Cause(kinds.SLIP, number)
            case Disruption.Kind.SHORTAGE:
                missing = self.millionths(disruption.cause.get("missing", "0"))
                return impact.Cause(kinds.LOT_SHORT, number, missing)
            case Disruption.Kind.SUPPLY:
                return self.supply_cause(number) if number in self.snap.purchases else None
            case Disruption.Kind.CLOSURE | Disruption.Kind.ABSENCE:
                return self.closure_cause(number, disruption.cause["windows"])
            case Disruption.Kind.QUEUE:
                return self.queue_cause(number, disruption.cause)
            case Disruption.Kind.RETURN:
                return self.demand_cause(disruption.cause["line_id"], {})
            case Disruption.Kind.CHECK:
                return impact.Cause(kinds.LOT_HELD, number)
            case Disruption.Kind.REFUSED:
                return impact.Cause(kinds.JOB_HELD, number)
            case Disruption.Kind.DEMAND:
                return self.demand_cause(number, disruption.cause["was"])
        return None

    def stake_of(self, disruption: Disruption) -> impact.Stake | None:
        """What a stored disruption costs now; None where its cause is gone."""
        cause = self.cause_of(disruption)
        try:
            return None if cause is None else self.at_stake(cause)
        except KeyError:
            return None

    # -- lateness -------------------------------------------------------------------------------

    def late(self, projection: Projection, plant: Plant | None = None) -> Late:
        """Lines that are late or cost something by it; the others are not listed.

        plant  that was projected, where its lines are not those of now.
        """
        other = self.plant if plant is None else plant
        money_rules = impact.rules_of(self.rules, self.plant, other)
        costs = cost.late_cost(other, projection, money_rules)
        tardy = np.maximum(0, projection.line_late_s)
        rows = np.flatnonzero((tardy > 0) | (costs.cash > 0) | (costs.estimate > 0))
        ids = self.plant.line_id
        return {
            int(ids[at]): (int(tardy[at]), int(costs.cash[at]), int(costs.estimate[at]))
            for at in rows.tolist()
        }

    @cached_property
    def previous_late(self) -> Late:
        """Lateness as the stored version told it: what every booking counts from."""
        return _late_of(self.snap.previous.figures if self.snap.previous else {})

    def still_late(self, late: dict[str, Any]) -> list[int]:
        """Of lines that were late once, those that still are."""
        now = self.late(self.projection)
        return [line_id for line_id in map(int, late) if line_id in now]

    def plan_figures(self, without: Plant, rows_at_stake: int) -> dict[str, Any]:
        """The plant's own totals. `together`: what no single cause explains.

        without  the plant with every open cause gone.
        """
        plant, out = self.plant, self.projection
        late = self.late(out)
        alone = self.late(self.project(without), without)
        cost_of_all = sum(cash + estimate for _, cash, estimate in late.values())
        at_stake = cost_of_all - sum(cash + estimate for _, cash, estimate in alone.values())
        open_ops = plant.op_status != int(Status.DONE)
        had = plant.op_baseline_end != UNSET
        later = out.op_end.astype(np.int64) - plant.op_baseline_end > rules.HOUR
        horizon = self.snap.instant(plant.site.horizon)
        figures: rules.PlanFigures = {
            "horizon": horizon.isoformat() if horizon else "",
            "guesses": self._guesses(),
            "lines": len(plant.line_id),
            "late_lines": sum(1 for seconds, _, _ in late.values() if seconds),
            "operations": int(open_ops.sum()),
            "late_operations": int((open_ops & had & later).sum()),
            "undated_operations": int((open_ops & (out.op_state != int(State.DATED))).sum()),
            "units": len(plant.unit_id),
            "units_down": int(plant.unit_down.sum()),
            "load_24h": self._loads(),
            "short_items": int((out.item_below_zero_at != NEVER).sum()),
            "late_cash": money(sum(cash for _, cash, _ in late.values())),
            "late_estimate": money(sum(estimate for _, _, estimate in late.values())),
            "at_stake": money(max(0, at_stake)),
            "together": money(at_stake - rows_at_stake),
            "opened": True,
            "standing": {str(line_id): list(each) for line_id, each in late.items()},
            "why": self._whys(line_id for line_id, (tardy, _, _) in late.items() if tardy),
        }
        return dict(figures)

    def _whys(self, line_ids: Iterable[int]) -> dict[str, rules.WhyLate]:
        """What each of these lines waits for, by the codes that people know."""
        return {
            str(line_id): {
                "term": self._gate(why),
                "code": self._code_of(why),
                "at": None if why.at == NEVER else why.at + self.unix_epoch,
                "reason": Reason(why.kind).name if why.term == "NO_DATE" else "",
                "unit": self.snap.units.get(why.unit, ""),
                "queue_s": why.queue_s,
            }
            for line_id, why in why_each(self.plant, self.projection, line_ids).items()
        }

    def _gate(self, why: Why) -> str:
        """The term, by the gate's own name where a lot waits for its check or a job is refused."""
        if why.term == "HELD" and why.kind == int(SupplyKind.LOT):
            return "CHECK" if why.id in self.snap.quarantined else why.term
        if why.term == "HOLD" and why.id in self.snap.refusals:
            return "REFUSED"
        return why.term

    def _code_of(self, why: Why) -> str:
        if why.term == "UNIT_DOWN":
            return self.snap.units.get(why.id, "")
        if why.term == "TOOL":
            return self.snap.tools.get(why.id, "")
        if why.term == "UNCOVERED":
            return self.item_code(why.id)
        if why.term in ("SUPPLY", "HELD"):
            if why.kind == int(SupplyKind.LOT):
                return self.snap.lots.get(why.id, ("", 0))[0]
            if why.kind == int(SupplyKind.PURCHASE):
                return self.snap.purchases.get(why.id, "")
            return self.snap.orders.get(why.id, "")
        job = self.snap.jobs.get(why.id)
        return f"{self.snap.orders[job.work_order_id]} {job.number}" if job else ""

    def _loads(self) -> dict[str, int]:
        """How full each unit is for the next 24 hours, in percent, by its number."""
        until = min(self.snap.now + 24 * rules.HOUR, self.plant.site.horizon)
        percent = loads(self.plant, self.projection, until=until)
        return {
            str(unit): each
            for unit, each in zip(self.plant.unit_id.tolist(), percent.tolist(), strict=True)
        }

    def short_items(self) -> list[str]:
        """Codes of items whose stock is projected to fall below zero, or is below safety now."""
        out = self.projection
        short = (out.item_below_zero_at != NEVER) & self.plant.item_tracked
        return [self.item_code(int(self.plant.item_id[row])) for row in np.flatnonzero(short)]

    def of(self, plant: Plant) -> Study:
        """The same site with another plant: the plan after changes."""
        other = Study(self.snap)
        other.plant = plant
        other._projected = self._projected
        return other

    def supposing(self, changes: Sequence[Change]) -> Study:
        """The same site with possible changes taken for facts."""
        fitted = self.fitted(changes)
        return self.of(apply(self.plant, fitted)) if fitted else self

    def _guesses(self) -> dict[str, str]:
        """When the need of an uncovered item was first guessed: kept until the guess passes."""
        plant, out = self.plant, self.projection
        guessed = np.unique(plant.demand_item[out.peg_demand[out.peg_kind == int(PegKind.GUESS)]])
        found = {}
        for item in guessed.tolist():
            since = int(plant.item_guess_from[item])
            at = self.snap.instant(self.now if since == UNSET else since)
            if at is not None:
                found[str(int(plant.item_id[item]))] = at.isoformat()
        return found

    # -- facts of a cause -----------------------------------------------------------------------

    def at(self, seconds: int | None) -> str | None:
        found = None if seconds is None else self.snap.instant(int(seconds))
        return found.isoformat() if found else None

    def subject_code(self, subject_type: str, subject_id: int) -> str:
        snap = self.snap
        if subject_type == "unit":
            return snap.units[subject_id]
        if subject_type == "tool":
            return snap.tools[subject_id]
        if subject_type == "lot":
            return snap.lots[subject_id][0] if subject_id in snap.lots else str(subject_id)
        if subject_type == "purchase_line" and subject_id in snap.purchases:
            return snap.purchases[subject_id]
        if subject_type == "customer_line" and subject_id in snap.lines:
            return snap.lines[subject_id].code
        if subject_type == "job_order" and subject_id in snap.jobs:
            job = snap.jobs[subject_id]
            return f"{snap.orders[job.work_order_id]}/{job.number}"
        return snap.site_code

    def stop_facts(self, stop: Stop) -> rules.CauseFacts:
        facts: rules.CauseFacts = {
            "unit_id": stop.unit_id,
            "unit": self.snap.units[stop.unit_id],
            "unit_name": self.snap.unit_names[stop.unit_id],
            "reason": stop.reason,
            "note": stop.note,
            "since": self.at(stop.started) or "",
            "said_by": stop.said_by,
        }
        return self._with_estimate(facts, stop.back, stop.guess)

    def slow_facts(self, slow: Slow) -> rules.CauseFacts:
        facts: rules.CauseFacts = {
            "unit_id": slow.unit_id,
            "unit": self.snap.units[slow.unit_id],
            "unit_name": self.snap.unit_names[slow.unit_id],
            "percent": slow.percent,
            "note": slow.note,
            "since": self.at(slow.started) or "",
            "said_by": slow.said_by,
        }
        return self._with_estimate(facts, slow.back, slow.guess)

    def loss_facts(self, loss: Loss) -> rules.CauseFacts:
        facts: rules.CauseFacts = {
            "tool_id": loss.tool_id,
            "tool": loss.code,
            "tool_name": loss.name,
            "left": loss.left,
            "note": loss.note,
            "since": self.at(loss.started) or "",
            "said_by": loss.said_by,
        }
        return self._with_estimate(facts, loss.back, loss.guess)

    def hold_facts(self, hold: Held) -> rules.CauseFacts:
        facts: rules.CauseFacts = {
            "reason": hold.reason,
            "note": hold.note,
            "since": self.at(hold.placed) or "",
        }
        if hold.lot_id is not None:
            code, item_id = self.snap.lots.get(hold.lot_id, (str(hold.lot_id), 0))
            facts |= {"lot_id": hold.lot_id, "lot": code, "item": self.item_code(item_id)}
        elif hold.job_order_id is not None:
            facts |= self._job_facts(hold.job_order_id)
        facts |= self._limit(hold.limit)
        return self._with_estimate(facts, hold.expected, hold.guess)

    def check_facts(self, waits: Quarantined, note: str) -> rules.CauseFacts:
        """What is known of a lot in quarantine for whose decision somebody waits."""
        code, item_id = self.snap.lots[waits.lot_id]
        facts: rules.CauseFacts = {
            **self._item_facts(item_id),
            "lot_id": waits.lot_id,
            "lot": code,
            "note": note,
            "since": self.at(waits.since) or "",
            **self._limit(waits.limit),
        }
        return self._with_estimate(facts, waits.expected, waits.guess)

    def _limit(self, limit: int) -> rules.CauseFacts:
        return {"waits_too_long": limit < self.now, "limit": self.at(limit)}

    def _with_estimate(
        self, facts: rules.CauseFacts, said: int | None, guess: rules.Guess | None
    ) -> rules.CauseFacts:
        if guess is None:
            return {**facts, "until": self.at(said), "guess": False}
        return {
            **facts,
            "until": self.at(guess.until),
            "guess": True,
            "guess_source": guess.source,
            "guess_n": guess.n,
            "until_p90": self.at(guess.p90),
        }

    def _job_facts(self, job_id: int) -> rules.CauseFacts:
        job = self.snap.jobs.get(job_id)
        if job is None:
            return {"job_id": job_id}
        return {
            "job_id": job_id,
            "order_id": job.work_order_id,
            "order": self.snap.orders[job.work_order_id],
            "number": job.number,
            "unit_id": job.unit_id,
            "unit": self.snap.units.get(job.unit_id, ""),
        }

    def scrap_facts(self, job_id: int, pieces: int) -> rules.CauseFacts:
        return {**self._job_facts(job_id), "scrap": quantity(pieces)}

    def shortage_facts(self, lot_id: int, missing: int, note: str) -> rules.CauseFacts:
        code, item_id = self.snap.lots[lot_id]
        return {
            **self._item_facts(item_id),
            "lot_id": lot_id,
            "lot": code,
            "missing": quantity(missing),
            "note": note,
        }

    def _item_facts(self, item_id: int) -> rules.CauseFacts:
        code, name, unit = self.snap.items[item_id]
        return {"item_id": item_id, "item": code, "item_name": name, "item_unit": unit}

    def supply_cause(self, purchase_id: int) -> impact.Cause:
        bought = self.snap.bought[purchase_id]
        kind = impact.CauseKind.SUPPLY_LATE
        return impact.Cause(kind, purchase_id, bought.missing, bought.promised)

    def supply_facts(self, purchase_id: int) -> rules.CauseFacts:
        """What is known of a purchase line that comes late, short, or not when it should."""
        bought = self.snap.bought[purchase_id]
        overdue = bought.expected < self.now
        at = np.flatnonzero(
            (self.plant.supply_kind == SupplyKind.PURCHASE) & (self.plant.supply_id == purchase_id)
        )
        comes = int(self.projection.supply_at[at[0]]) if overdue else bought.expected
        return {
            **self._item_facts(bought.item_id),
            "purchase_id": purchase_id,
            "purchase": bought.code,
            "supplier": bought.supplier,
            "promised": self.at(bought.promised),
            "from_at": self.at(bought.expected_from),
            # The guess in days: it is made anew each time that it is asked for.
            "until": self.at(-(-comes // rules.DAY) * rules.DAY if overdue else comes),
            "guess": overdue,
            "overdue": overdue,
            "missing": quantity(bought.missing),
            "said_by": bought.said_by,
        }

    def closure_cause(self, place_id: int, windows: Sequence[Mapping[str, Any]]) -> impact.Cause:
        kind = impact.CauseKind.CLOSED
        return impact.Cause(kind, place_id, windows=self.closed_windows(windows))

    def closed_windows(
        self, windows: Sequence[Mapping[str, Any]]
    ) -> tuple[tuple[int, int, int], ...]:
        """Closed windows as the plant has them: (unit id, start, end) in seconds."""
        found = []
        for each in windows:
            starts_at = datetime.fromisoformat(each["starts_at"])
            ends_at = datetime.fromisoformat(each["ends_at"])
            start, end = rules.window(starts_at, ends_at, self.snap.epoch, opens=False)
            horizon = self.plant.site.horizon
            if each["unit_id"] in self.snap.units:
                found.append((int(each["unit_id"]), max(0, start), min(horizon, end)))
        return tuple(found)

    def demand_cause(self, line_id: int, was: Mapping[str, Any]) -> impact.Cause | None:
        """The cause that a customer wants something else than he `was` wanting; None if not."""
        line = self.snap.lines.get(line_id)
        if line is None or self.is_as_before(line_id, was):
            return None
        kind = impact.CauseKind.DEMAND
        if not was:
            return impact.Cause(kind, line_id)
        due = was["promised_at"] or was["requested_at"]
        return impact.Cause(
            kind,
            line_id,
            max(0, self.millionths(was["quantity"]) - line.shipped),
            self.snap.seconds(datetime.fromisoformat(due)),
        )

    def is_as_before(self, line_id: int, was: Mapping[str, Any]) -> bool:
        """Whether a customer wants again what he wanted before; `was` is empty: nothing."""
        line = self.snap.lines[line_id]
        if line.cancelled or not was:
            return line.cancelled and not was
        requested = self.snap.seconds(datetime.fromisoformat(was["requested_at"]))
        return line.ordered == self.millionths(was["quantity"]) and line.requested == requested

    def demand_facts(self, line_id: int, was: Mapping[str, Any], note: str) -> rules.CauseFacts:
        line = self.snap.lines[line_id]
        change = "CHANGED"
        if not was:
            change = "ADDED"
        elif line.cancelled:
            change = "CANCELLED"
        elif line.ordered == self.millionths(was["quantity"]):
            change = "DATED"
        return {
            **self._item_facts(line.item_id),
            "line_id": line_id,
            "line": line.code,
            "customer": line.customer,
            "change": change,
            "was": dict(was),
            "quantity": "0" if line.cancelled else quantity(line.ordered),
            "requested": self.at(line.requested),
            "promised": self.at(line.promised),
            "idle_orders": self._idle_orders(line_id),
            "note": note,
        }

    def return_facts(self, line_id: int, lot_id: int, body: Mapping[str, Any]) -> rules.CauseFacts:
        """What came back and what is wanted in exchange.

        line_id  of what is wanted; body has `quantity`, `why` and `wants` of the return.
        """
        line = self.snap.lines[line_id]
        code = self.snap.lots[lot_id][0] if lot_id in self.snap.lots else ""
        return {
            **self._item_facts(line.item_id),
            "line_id": line_id,
            "line": line.code,
            "customer": line.customer,
            "lot_id": lot_id,
            "lot": code,
            "returned": str(body["quantity"]),
            "wants": str(body["wants"]),
            "requested": self.at(line.requested),
            "promised": self.at(line.promised),
            "note": str(body["why"]),
        }

    def _idle_orders(self, line_id: int) -> list[str]:
        """Work orders that were meant for a line that now wants nothing, and are still open."""
        if not self.snap.lines[line_id].cancelled:
            return []
        meant = self.snap.meant_for.get(line_id, ())
        done = self.plant.op_status == int(Status.DONE)
        rows = np.searchsorted(self.plant.order_id, list(meant))
        opened = set(np.unique(self.plant.op_order[~done]).tolist())
        return [
            self.snap.orders[order_id]
            for order_id, row in zip(meant, rows.tolist(), strict=True)
            if row in opened
        ]

    def refusal_facts(self, refusal: NotHere) -> rules.CauseFacts:
        facts: rules.CauseFacts = {
            **self._job_facts(refusal.job_id),
            "why": refusal.why,
            "said_by": refusal.said_by,
            "since": self.at(refusal.at) or "",
        }
        return self._with_estimate(facts, None, refusal.guess)

    def queue_cause(self, unit_id: int, facts: Mapping[str, Any]) -> impact.Cause:
        """The cause that queues are not as they were, by the facts of `queue_facts`."""
        return impact.Cause(
            impact.CauseKind.QUEUE,
            unit_id,
            homes=tuple((int(job["job_id"]), int(job["from_id"])) for job in facts["jobs"]),
            queues=tuple(
                (int(each["unit_id"]), tuple(each["job_ids"]))
                for each in facts["queues"]
                if each["unit_id"] in self.snap.units
            ),
        )

    def queue_facts(
        self,
        unit_id: int,
        homes: Mapping[int, int],
        queues: Mapping[int, Sequence[int]],
        note: str,
    ) -> rules.CauseFacts:
        """What was moved by hand to a unit or within its queue.

        homes   job order -> the unit where it stood; queues  unit -> its job orders before.
        """
        return {
            "unit_id": unit_id,
            "unit": self.snap.units[unit_id],
            "unit_name": self.snap.unit_names[unit_id],
            "jobs": [
                {
                    **self._job_facts(job_id),
                    "job_id": job_id,
                    "from_id": home,
                    "from": self.snap.units.get(home, ""),
                }
                for job_id, home in homes.items()
            ],
            "queues": [
                {"unit_id": each, "job_ids": list(job_ids)} for each, job_ids in queues.items()
            ],
            "note": note,
        }

    def stands_as_before(self, cause: impact.Cause) -> bool:
        """Whether nothing that waits would stand elsewhere without a change of queues."""
        before = self.without(self.plant, cause)
        return before is self.plant

    def slip_facts(self, job_id: int, line_ids: Sequence[int]) -> rules.CauseFacts:
        at = np.flatnonzero(self.plant.op_id == job_id)
        late = 0
        if len(at) and self.plant.op_baseline_end[at[0]] != UNSET:
            end = int(self.projection.op_end[at[0]])
            late = 0 if end == NEVER else end - int(self.plant.op_baseline_end[at[0]])
        # In quarters of an hour, so that a slip that stands still is the same fact.
        return {
            **self._job_facts(job_id),
            "late_s": max(0, late) // rules.TICK_REPORT_S * rules.TICK_REPORT_S,
            "count": len(line_ids),
        }

    def item_code(self, item_id: int) -> str:
        return self.snap.items[item_id][0] if item_id in self.snap.items else ""

    @staticmethod
    def millionths(text: str) -> int:
        return int(Decimal(text).scaleb(6))

    # -- impact -----------------------------------------------------------------------------------

    def impact_figures(
        self, facts: rules.CauseFacts, cause: impact.Cause, stake: impact.Stake
    ) -> rules.ImpactFigures:
        """What a disruption does, in the shape that pages read."""
        chain = impact.chain(self.plant, self.projection, stake, operations=CHAIN_OPERATIONS)
        return self._figures(
            stake.impact,
            facts,
            chain=chain,
            assumes=self.assumes(cause, stake),
            absorbed=stake.absorbed,
        )

    def figures_since(self, before: Study) -> rules.ImpactFigures:
        """What differs from an earlier study of the same site that opens no disruption."""
        try:
            found = impact.compare(
                before.plant,
                before.projection,
                self.projection,
                self.rules,
                after_plant=self.plant,
                rules_before=before.rules,
            )
        except ValueError:
            # Other rows: before the first plan is committed nothing is compared.
            found = impact.compare(self.plant, self.projection, self.projection, self.rules)
        return self._figures(found, {})

    def _figures(
        self,
        found: impact.Impact,
        facts: rules.CauseFacts,
        *,
        chain: impact.Chain | None = None,
        assumes: Sequence[rules.Assumed] = (),
        absorbed: impact.Absorbed | None = None,
    ) -> rules.ImpactFigures:
        hits = [self.line_hit(hit) for hit in found.lines if _counts(hit)]
        late = [hit for hit in hits if hit["late_s"] > 0 and hit["late_s"] > hit["late_before_s"]]
        delayed = [move for move in found.ops if move.delay_s > 0]
        return {
            "cause": facts,
            "orders": len(found.order_ids),
            "operations": found.op_count,
            "items": len(found.items),
            "lines": len(late),
            "customers": len({hit["customer_id"] for hit in late}),
            "late_lines": len(late),
            "worst_late_s": max((hit["late_s"] for hit in late), default=0),
            "late_days": sum(hit["late_days"] - hit["late_days_before"] for hit in hits),
            "cash": money(found.cash),
            "estimate": money(found.estimate),
            "total": money(found.money),
            "known": found.known,
            "ops_hit": [self.op_hit(move) for move in delayed[:OPS_LISTED]],
            "items_hit": [self._item_hit(hit) for hit in found.items],
            "lines_hit": hits,
            "helped": len(found.better),
            "nodes": [self._node(node, facts) for node in chain.nodes] if chain else [],
            "links": [
                {
                    "source": _node_id(*link.source),
                    "target": _node_id(*link.target),
                    "worst": link.on_worst_path,
                    "amplifies": link.amplifier,
                    "why": link.why,
                }
                for link in (chain.links if chain else ())
            ],
            "costs": self._late_costs(hits),
            "assumes": list(assumes),
            "absorbed": self._absorbed(absorbed),
            "flip": None,
        }

    def line_hit(self, hit: impact.LineHit) -> rules.LineHit:
        line = self.snap.lines[hit.line_id]
        return {
            "line_id": hit.line_id,
            "line": line.code,
            "customer_id": line.customer_id,
            "customer": line.customer,
            "item": self.item_code(line.item_id),
            "promised": self.at(hit.due),
            "before": self.at(hit.at_before),
            "after": self.at(hit.at_after),
            "late_before_s": hit.late_before_s,
            "late_s": hit.late_after_s,
            "late_days_before": hit.days_before,
            "late_days": hit.days_after,
            "cash": money(hit.cash_after - hit.cash_before),
            "estimate": money(hit.estimate_after - hit.estimate_before),
            "known": hit.known,
            "stop": hit.stop,
            "reason": Reason(hit.reason).name,
        }

    def op_hit(self, move: impact.OpMove) -> rules.OpHit:
        job = self.snap.jobs[move.op_id]
        return {
            "job_id": move.op_id,
            "order_id": move.order_id,
            "order": self.snap.orders[move.order_id],
            "number": job.number,
            "name": job.name,
            "unit_id": move.unit_after,
            "unit": self.snap.units.get(move.unit_after, ""),
            "start_before": self.at(move.start_before),
            "end_before": self.at(move.end_before),
            "start": self.at(move.start_after),
            "end": self.at(move.end_after),
            "delay_s": None if move.end_after == NEVER else move.delay_s,
        }

    def _item_hit(self, hit: impact.ItemHit) -> rules.ItemHit:
        code, name, unit = self.snap.items[hit.item_id]
        served = [short.served_at for short in hit.shorts]
        return {
            "item_id": hit.item_id,
            "code": code,
            "name": name,
            "unit": unit,
            "short": quantity(hit.short_qty),
            "lowest": quantity(hit.lowest_qty),
            "from_at": self.at(hit.below_zero_at),
            "until_at": self.at(max(served, default=NEVER)),
        }

    def _node(self, node: impact.Node, facts: rules.CauseFacts) -> rules.ChainNode:
        label, name = "", ""
        if node.column == "cause":
            names = ("unit", "lot", "order", "purchase", "place", "line", "tool", "person")
            label = next((str(facts[each]) for each in names if facts.get(each)), "")  # type: ignore[literal-required]
        elif node.column == "operation":
            job = self.snap.jobs[node.id]
            label, name = f"{self.snap.orders[job.work_order_id]} / {job.number}", job.name
        elif node.column == "item":
            label, name = self.snap.items[node.id][:2]
        else:
            line = self.snap.lines[node.id]
            label, name = line.code, line.customer
        return {
            "id": _node_id(node.column, node.id),
            "column": COLUMNS[node.column],
            "ref": node.id,
            "label": label,
            "name": name,
            "delay_s": node.delay_s,
            "short": quantity(node.qty),
            "at": self.at(node.at),
            "worst": node.on_worst_path,
        }

    def _late_costs(self, hits: Sequence[rules.LineHit]) -> list[rules.CostRow]:
        rows: list[rules.CostRow] = []
        for hit in hits[:LINES_EXPLAINED]:
            for each in cost.explain_late(self.plant, self.projection, self.rules, hit["line_id"]):
                rows.append(self.cost_row(each))
        return rows

    def cost_row(self, row: cost.CostLine) -> rules.CostRow:
        label = ""
        if row.subject == "line" and row.id in self.snap.lines:
            label = self.snap.lines[row.id].code
        elif row.subject == "unit":
            label = self.snap.units.get(row.id, "")
        elif row.subject in ("item", "purchase", "material", "lot"):
            label = self.row_label(f"{row.subject}:{row.id}")
        return {
            "what": row.what.value,
            "sum": row.sum.value,
            "subject": row.subject,
            "id": row.id,
            "label": label,
            "quantity": row.quantity,
            "per": row.per,
            "rate": row.rate,
            "base": money(row.base),
            "amount": money(row.amount),
            "source": row.source,
        }

    def _absorbed(self, found: impact.Absorbed | None) -> dict[str, Any] | None:
        if found is None:
            return None
        return {
            "subject": found.subject,
            "id": found.id,
            "order": self.snap.orders.get(found.order_id, ""),
            "line": self.snap.lines[found.id].code if found.subject == "line" else "",
            "slack_s": found.had_s,
            "left_s": found.left_s,
            "delay_s": found.delay_s,
        }

    # -- what it rests on ----------------------------------------------------------------------

    def assumes(self, cause: impact.Cause, stake: impact.Stake) -> list[rules.Assumed]:
        """At most seven things that nobody knows for sure, the most important first."""
        worse = [hit.line_id for hit in stake.impact.worse[:EXPLAINED_BY]]
        return [
            self._assumed(each)
            for each in assumptions.assumptions(self.plant, self.projection, cause, lines=worse)
        ]

    def _assumed(self, found: assumptions.Assumption) -> rules.Assumed:
        instant = found.kind in INSTANTS
        source, n = self._said(found)
        return {
            "kind": found.kind.value,
            "subject": found.subject,
            "id": found.id,
            "label": self._label(found.subject, found.id),
            "value": self.at(found.value) if instant else found.value,
            "guess": found.guess,
            "source": source,
            "n": n,
        }

    def _label(self, subject: str, number: int) -> str:
        snap = self.snap
        if subject == "operation":
            return self.subject_code("job_order", number)
        known: dict[str, Any] = {
            "unit": snap.units,
            "tool": snap.tools,
            "lot": {lot: code for lot, (code, _item) in snap.lots.items()},
            "purchase": snap.purchases,
            "item": {item: row[0] for item, row in snap.items.items()},
        }
        return str(known.get(subject, {}).get(number, ""))

    def _said(self, found: assumptions.Assumption) -> tuple[str, int]:
        """Whose word it is: a person's name, or the level of history of a guess and its cases."""
        snap = self.snap
        spoken: Slow | Loss | None = None
        if found.kind is assumptions.Basis.UNIT_FULL:
            spoken = snap.slows.get(found.id)
        elif found.kind is assumptions.Basis.TOOL_BACK:
            spoken = snap.losses.get(found.id)
        if spoken is not None:
            guess = spoken.guess
            return (guess.source, guess.n) if guess else (spoken.said_by, 0)
        if found.subject == "unit" and found.id in snap.stops:
            stop = snap.stops[found.id]
            return (stop.guess.source, stop.guess.n) if stop.guess else (stop.said_by, 0)
        if found.subject == "purchase" and not found.guess and found.id in snap.bought:
            return snap.bought[found.id].said_by, 0
        for hold in snap.holds.values():
            held = (("lot", hold.lot_id), ("operation", hold.job_order_id))
            if (found.subject, found.id) in held and hold.guess:
                return hold.guess.source, hold.guess.n
        return "", 0

    def flip(
        self, cause: impact.Cause, plans: Mapping[str, Sequence[Change]]
    ) -> dict[str, Any] | None:
        """Up to which time of return the best plan stays the best; None where it always is.

        plans  the best few answers by slug. Costs many projections of each.
        """
        if cause.kind is not impact.CauseKind.UNIT_DOWN or not plans:
            return None
        found = assumptions.flip_point(
            self.plant, plans, cause.id, self.rules, now=self.now, furthest_s=FLIP_WITHIN_S
        )
        if found is None:
            return None
        return {
            "unit": self.snap.units[found.unit_id],
            "at": self.at(found.at),
            "later": found.later,
            "best": found.best,
            "other": found.other,
        }

    # -- slips ----------------------------------------------------------------------------------

    def slips(self, plant: Plant) -> dict[tuple[str, int], tuple[int, list[int]]]:
        """Running operations and late purchases by which lines slip, unexplained by open causes.

        Compared with what the committed plan held them to be, so that small slips add up.

        plant    with every open cause gone.
        returns  ("job_order" or "purchase_line", id) -> (worst slip in seconds, line ids)
        """
        snap = self.snap
        if snap.committed is None:
            return {}
        baseline = snap.committed.figures.get("baseline", {})
        known = set(snap.committed.line_ids.tolist())
        without = self.project(plant)
        costs = cost.late_cost(plant, without, impact.rules_of(self.rules, self.plant, plant))
        found: dict[tuple[str, int], tuple[int, list[int]]] = {}
        for row in np.flatnonzero(without.line_late_s > 0).tolist():
            line_id = int(self.plant.line_id[row])
            if line_id not in known:
                continue
            was = baseline.get(str(line_id), [0, 0, 0])
            slip = int(without.line_late_s[row]) - max(0, was[0])
            dearer = int(costs.cash[row] + costs.estimate[row]) - was[1] - was[2]
            if slip < rules.SLIP_REPORT_S and dearer < rules.SLIP_REPORT_MONEY:
                continue
            root = self._root(without, line_id)
            if root is not None:
                worst, lines = found.get(root, (0, []))
                found[root] = (max(worst, slip), [*lines, line_id])
        return found

    def _root(self, without: Projection, line_id: int) -> tuple[str, int] | None:
        """What a late line waits for: the running operation that ends later than it was planned
        to, or the purchase that doesn't come as it was promised."""
        for step in reversed(impact.why_late(self.plant, without, line_id)):
            if step.subject == "supply" and step.kind == int(SupplyKind.PURCHASE):
                bought = self.snap.bought.get(step.id)
                if bought is not None and bought.is_late(self.now):
                    return "purchase_line", step.id
            if step.subject != "operation":
                continue
            row = int(np.flatnonzero(self.plant.op_id == step.id)[0])
            if self.plant.op_status[row] != int(Status.RUNNING):
                continue
            planned = int(self.plant.op_baseline_end[row])
            if planned != UNSET and int(without.op_end[row]) - planned >= rules.TICK_REPORT_S:
                return "job_order", step.id
        return None

    # -- options ----------------------------------------------------------------------------------

    def options(
        self,
        cause: impact.Cause,
        stake: impact.Stake,
        *,
        between: Callable[[], None] = ways.go_on,
        first: Callable[[ways.Options], None] | None = None,
    ) -> ways.Options:
        """The ways to respond; `between` is called before each projection and may end it,
        `first` once, when the first way is known."""
        return ways.generate(
            self.plant,
            self.projection,
            cause,
            self.rules,
            now=self.now,
            hot=stake.impact.worse,
            between=between,
            first=first,
        )

    def evaluate(self, changes: Sequence[Change]) -> ways.Evaluation:
        """A set of changes against doing nothing. Frozen jobs may be moved; they are counted."""
        return ways.evaluate(
            self.plant, self.projection, changes, self.rules, now=self.now, inventory=True
        )

    def own(self, changes: Sequence[Change]) -> ways.Candidate:
        """A person's own changes, weighed as every other answer."""
        fitted = self.fitted(changes)
        return ways.own(self.plant, self.projection, fitted, self.rules, now=self.now)

    def candidate_figures(
        self, candidate: ways.Candidate, stake: impact.Stake
    ) -> rules.OptionFigures:
        """The figures of an option in the shape that pages read."""
        figures: rules.OptionFigures = {"facts": self._facts(candidate), "gone": False}
        if candidate.refusal is not None:
            figures["refusal"] = self.refusal_figures(candidate.refusal)
        if candidate.beaten is not None:
            beaten = candidate.beaten
            figures["beaten"] = {
                "by": beaten.by,
                "figure": beaten.figure,
                "mine": beaten.mine,
                "theirs": beaten.theirs,
            }
        figures["consents"] = self.consents(candidate.changes)
        if candidate.figures is not None:
            plant = self.plant if candidate.plant is None else candidate.plant
            out = self.projection if candidate.projection is None else candidate.projection
            figures |= self.option_figures(candidate.figures, plant, out, stake)
        return figures

    def option_figures(
        self,
        found: ways.Figures,
        plant: Plant,
        projection: Projection,
        stake: impact.Stake | None,
    ) -> rules.OptionFigures:
        """Figures of an option.

        Late cost is what the cause still costs under it: doing nothing's total = saves + extra +
        late, to the last digit. Without a cause it is the lateness of the whole site.
        """
        late_now, late_gone = found.cost.late, None
        hit: list[rules.LineHit] = []
        listed: list[impact.LineHit] = []
        if stake is not None:
            late_gone = cost.late_cost(stake.gone_plant, stake.gone, stake.gone_rules)
            after = {
                each.line_id: each
                for each in impact.line_hits(
                    stake.gone_plant, stake.gone, plant, projection, self.rules,
                    late_gone, late_now,
                )
            }  # fmt: skip
            named = {each.line_id for each in stake.impact.lines if _counts(each)}
            listed = [each for key, each in after.items() if key in named or _counts(each)]
            hit = [self.line_hit(each) for each in listed]
        worse = [h for h in hit if h["late_s"] > 0 and h["late_s"] > h["late_before_s"]]
        cash, estimate = found.cost.late_cash, found.cost.late_estimate
        if late_gone is not None:
            cash -= int(late_gone.cash.sum())
            estimate -= int(late_gone.estimate.sum())
        return {
            "late_lines": len(worse) if stake is not None else found.late_lines,
            "late_anyway": self._late_anyway(stake, hit),
            "hit_lines": self._hit_lines(stake, worse),
            "late_days": sum(
                h["late_days"] - h["late_days_before"] for h in hit
            ) if stake is not None else found.late_days,
            "extra_cash": money(found.cost.extra_cash),
            "extra_estimate": money(found.cost.extra_estimate),
            "late_cash": money(cash),
            "late_estimate": money(estimate),
            "weight": money(found.cost.weight),
            "saves": money(found.saves),
            "total": money(found.cost.extra_money + cash + estimate),
            "unknown": [what.value for what in found.cost.unknown],
            "costs": [self.cost_row(row) for row in found.cost.lines],
            "lines": hit,
            "helped": [each.line_id for each in found.helped],
            "hurt": [self.line_hit(each) for each in found.hurt],
            "moved": list(found.moved),
            "retimed": found.retimed,
            "frozen_moved": found.frozen_moved,
            "overtime_s": found.overtime_s,
            "promises": found.promises,
            "full_until": self.at(found.full_until),
            "units": sorted(
                {
                    int(plant.unit_id[unit])
                    for unit in plant.op_unit[np.isin(plant.op_id, found.moved)].tolist()
                    if unit >= 0
                }
            ),
        }  # fmt: skip

    def _hit_lines(self, stake: impact.Stake | None, worse: Sequence[rules.LineHit]) -> int:
        """Of how many lines an option is told: those that doing nothing makes late, and its own."""
        if stake is None:
            return len(worse)
        return len(_made_late(stake) | {each["line_id"] for each in worse})

    def _late_anyway(self, stake: impact.Stake | None, hit: Sequence[rules.LineHit]) -> int:
        """How many lines that doing nothing makes later are late under an option, but no later."""
        if stake is None:
            return 0
        late = _made_late(stake)
        return sum(0 < h["late_s"] <= h["late_before_s"] and h["line_id"] in late for h in hit)

    def _facts(self, candidate: ways.Candidate) -> dict[str, Any]:
        """What an option's name is made of."""
        snap, facts = self.snap, candidate.facts
        moves = [
            {
                "job_id": job_id,
                "order": snap.orders[snap.jobs[job_id].work_order_id],
                "number": snap.jobs[job_id].number,
                "from": snap.units.get(snap.jobs[job_id].unit_id, ""),
                "to": snap.units[int(unit_id)],
            }
            for unit_id, job_ids in facts.get("units", {}).items()
            for job_id in job_ids
        ]
        windows = [
            {
                "unit_id": unit_id,
                "unit": snap.units[unit_id],
                "starts_at": self.at(start),
                "ends_at": self.at(end),
                "seconds": end - start,
            }
            for unit_id, start, end in facts.get("windows", [])
        ]
        return {
            "moves": moves,
            "sequence": [snap.units[unit_id] for unit_id in facts.get("queues", [])],
            "windows": windows,
            "blocked_by": [
                self.subject_code("job_order", job_id) for job_id in facts.get("blocked_by", [])
            ],
            "deals": [self._deal(row) for row in facts.get("deals", [])],
            "zone": snap.time_zone,
        }

    def _deal(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """What the name of a change that is agreed with others is made of."""
        snap = self.snap
        found: dict[str, Any] = {"kind": row["kind"]}
        for name in ("promised_s", "at_s", "until_s"):
            if row.get(name) is not None:
                found["at"] = self.at(row[name])
        line = snap.lines.get(row.get("line_id", 0))
        if line is not None:
            was = line.promised if line.promised != UNSET else line.requested
            found |= {"line": line.code, "customer": line.customer, "was": self.at(was)}
            found["unit"] = snap.items[line.item_id][2]
        if "qty" in row:
            found["qty"] = quantity(row["qty"])
        if "batch_qty" in row:
            found["qty"] = quantity(row["batch_qty"])
        if "item_id" in row:
            code, _said, unit = snap.items[row["item_id"]]
            found |= {"item": code, "unit": unit}
        if row.get("mode_id"):
            found["mode"] = snap.freights.get(row["mode_id"], "")
        quote = snap.offers.quote(row.get("quote_id", 0))
        if quote is not None:
            found["supplier"] = snap.suppliers.get(quote.supplier_id, "")
        if row["kind"] == "set_purchase_date":
            found["purchase"] = snap.purchases.get(row["purchase_id"], "")
            found["was"] = self.at(self._expected(row["purchase_id"]))
        if "material_id" in row:
            job_id, item_id = snap.materials[row["material_id"]]
            found |= {"job": self.subject_code("job_order", job_id)}
            found["instead_of"] = self.item_code(item_id)
        if "demand_kind" in row:
            found |= self._reserved(row)
        if "order_id" in row:
            found["order"] = snap.orders.get(row["order_id"], "")
        if row["kind"] == "add_order":
            recipe = self.plant.recipes.get(row["item_id"])
            steps = recipe.steps if recipe else ()
            found["units"] = list(dict.fromkeys(snap.units[step.unit_id] for step in steps))
        if row.get("lot_id"):
            code, item_id = snap.lots[row["lot_id"]]
            found |= {"lot": code, "item": self.item_code(item_id)}
        if row["kind"] == "order_rework":
            found |= {"to": snap.units.get(row["unit_id"], ""), "at": None}
            found["as_is"] = not row["setup_s"] and not row["run_us"]
            if row["op_id"]:
                found["job"] = self.subject_code("job_order", row["op_id"])
        if "succ_id" in row:
            found["job"] = self.subject_code("job_order", row["succ_id"])
        if "window_id" in row:
            found["to"] = snap.units.get(row["unit_id"], "")
            found["person"] = snap.people.get(row["person_id"], "")
            found["at"], found["until"] = self.at(row["start_s"]), self.at(row["end_s"])
        if row["kind"] == "repair_for_now":
            found |= {"to": snap.units.get(row["unit_id"], ""), "percent": row["ppm"] // 10_000}
            found |= {"at": self.at(row["back_s"])}
            found |= {"from": self.at(row["start_s"]), "until": self.at(row["end_s"])}
        if "part_id" in row:
            found["job"] = self.subject_code("job_order", row["op_id"])
            found["to"] = snap.units.get(row.get("to_unit_id", 0), "")
        return found

    def _expected(self, purchase_id: int) -> int:
        plant = self.plant
        mine = (plant.supply_kind == int(SupplyKind.PURCHASE)) & (plant.supply_id == purchase_id)
        return int(self.projection.supply_at[mine][0]) if mine.any() else NEVER

    def _reserved(self, row: Mapping[str, Any]) -> dict[str, Any]:
        snap = self.snap
        pk = row["demand_id"]
        if row["demand_kind"] == int(DemandKind.LINE):
            item_id, taker = snap.lines[pk].item_id, snap.lines[pk].code
        else:
            job_id, item_id = snap.materials[pk]
            taker = self.subject_code("job_order", job_id)
        source = {
            int(SupplyKind.LOT): {lot: code for lot, (code, _item) in snap.lots.items()},
            int(SupplyKind.PURCHASE): snap.purchases,
        }.get(row["supply_kind"], snap.orders)
        made = row["supply_kind"] == int(SupplyKind.OUTPUT)
        new = _("the new order") if made else _("the new purchase")
        code, _said, unit = snap.items[item_id]
        return {
            "item": code,
            "unit": unit,
            "taker": taker,
            "source": source.get(row["supply_id"]) or new,
        }

    def consents(self, changes: Sequence[Change]) -> list[dict[str, Any]]:
        """Whose yes a set of changes needs: the customer's, a supplier's, quality's."""
        snap, plant = self.snap, self.plant
        found: list[dict[str, Any]] = []
        for row in to_json([change for change in changes if isinstance(change, Deal)]):
            deal = self._deal(row)
            if row["kind"] == "set_promise":
                who, name, about = "CUSTOMER", deal["customer"], deal["line"]
            elif row["kind"] == "ship_partial" and row["qty"]:
                at = np.flatnonzero(plant.line_id == row["line_id"])[0]
                if plant.line_partial[at]:
                    continue
                who, name, about = "CUSTOMER", deal["customer"], deal["line"]
            elif row["kind"] == "set_purchase_date":
                who, name, about = "SUPPLIER", deal["purchase"], deal["purchase"]
            elif row["kind"] == "add_purchase":
                who, name, about = "SUPPLIER", deal.get("supplier", ""), deal["item"]
            elif row["kind"] == "cover_window":
                who, name, about = "CREW", deal["person"], deal["to"]
            elif row["kind"] == "substitute":
                who, name, about = "QUALITY", "", deal["job"]
            elif row["kind"] == "repair_for_now":
                who, name, about = "REPAIR", "", deal["to"]
            elif row["kind"] in ("concede", "order_rework"):
                who, name, about = "QUALITY", "", deal.get("lot") or deal["job"]
            else:
                continue
            found.append({**deal, "who": who, "name": name, "about": about, "zone": snap.time_zone})
            for line_id in row.get("line_ids", ()):
                line = snap.lines[line_id]
                asked = {"who": "CUSTOMER", "name": line.customer, "about": line.code}
                found.append({**deal, **asked, "zone": snap.time_zone})
        return found

    def refusal_figures(self, refusal: Refusal) -> dict[str, Any]:
        label = ""
        if refusal.subject == "unit":
            label = self.snap.units.get(refusal.id, "")
        elif refusal.subject == "operation":
            label = self.subject_code("job_order", refusal.id)
        else:
            label = self.row_label(f"{refusal.subject}:{refusal.id}")
        return {"why": refusal.why.value, "subject": refusal.subject, "id": refusal.id,
                "label": label}  # fmt: skip

    def decide_by(self, candidate: ways.Candidate) -> datetime | None:
        if candidate.figures is None:
            return None
        return self.snap.instant(candidate.figures.decide_by)

    def changes_json(self, changes: Sequence[Change]) -> list[dict[str, Any]]:
        """Typed changes as JSON, instants in unix seconds, so that they outlive the epoch."""
        return to_json(changes, epoch=self.unix_epoch)

    def waiting(self) -> dict[int, list[int]]:
        """Job orders that wait at each unit, in queue order."""
        plant = self.plant
        return {
            int(plant.unit_id[unit]): plant.op_id[
                plant.queue_op[plant.unit_queue_ptr[unit] : plant.unit_queue_ptr[unit + 1]]
            ].tolist()
            for unit in range(len(plant.unit_id))
        }

    def fitted(self, changes: Sequence[Change]) -> tuple[Change, ...]:
        """Changes fitted to the queues as they are: who began is out, who joined stands behind."""
        queues = self.waiting()
        fitted: list[Change] = []
        for change in changes:
            if isinstance(change, MoveJob):
                for queue in queues.values():
                    if change.op_id in queue:
                        queue.remove(change.op_id)
                queues.setdefault(change.to_unit_id, []).insert(change.position, change.op_id)
            elif isinstance(change, SetQueue):
                there = queues.get(change.unit_id, [])
                asked = set(change.op_ids)
                order = [op for op in change.op_ids if op in there]
                order += [op for op in there if op not in asked]
                queues[change.unit_id] = order
                change = replace(change, op_ids=tuple(order))
            fitted.append(change)
        return tuple(fitted)

    def row_label(self, name: str) -> str:
        """The code of a row that is named as in a footprint: "line:7" is SO-10482/1."""
        what, _mark, key = name.partition(":")
        snap = self.snap
        if what == "link":
            return self.subject_code("job_order", int(key.partition("-")[2]))
        if what == "reserved":
            kind, _mark, key = key.partition("-")
            what = "line" if int(kind) == int(DemandKind.LINE) else "material"
        pk = int(key)
        if what == "line":
            return snap.lines[pk].code if pk in snap.lines else key
        if what == "material":
            return self.subject_code("job_order", snap.materials.get(pk, (0, 0))[0])
        if what == "lot":
            return snap.lots[pk][0] if pk in snap.lots else key
        known: Mapping[int, str] = {"purchase": snap.purchases, "order": snap.orders}.get(what, {})
        return self.item_code(pk) if what == "item" else known.get(pk, key)

    def _row(self, name: str) -> str:
        """What a row of a footprint says now, "gone" where there is none."""
        what, _mark, key = name.partition(":")
        plant = self.plant
        if what == "link":
            pred, _mark, succ = key.partition("-")
            at = np.flatnonzero(
                (plant.op_id[plant.arc_pred] == int(pred))
                & (plant.op_id[plant.arc_succ] == int(succ))
            )
            return f"{plant.arc_kind[at[0]]} {plant.arc_batch_qty[at[0]]}" if len(at) else "gone"
        if what == "reserved":
            kind, _mark, pk = key.partition("-")
            to = (plant.demand_kind == int(kind)) & (plant.demand_id == int(pk))
            hard = np.flatnonzero(to[plant.peg_demand] & (plant.peg_kind == int(PegKind.HARD)))
            supplies = plant.peg_supply[hard]
            pairs = zip(
                plant.supply_kind[supplies].tolist(), plant.supply_id[supplies].tolist(),
                plant.peg_qty[hard].tolist(), strict=True,
            )  # fmt: skip
            return "; ".join(f"{a} {b} {c}" for a, b, c in pairs)
        if what == "lot":
            lot = np.flatnonzero(
                (plant.supply_kind == int(SupplyKind.LOT)) & (plant.supply_id == int(key))
            )
            if not len(lot):
                return "gone"
            until = plant.supply_until[lot[0]] if plant.supply_dated[lot[0]] else NEVER
            return f"{plant.supply_qty[lot[0]]} {self.at(int(until))}"
        ids, columns = {
            "line": (plant.line_id, ("line_promised", "line_part_qty", "line_mode")),
            "item": (plant.item_id, ("item_safety_kept",)),
            "order": (plant.order_id, ("order_not_before",)),
            "purchase": (plant.supply_id, ("supply_at",)),
            "material": (plant.demand_id, ("demand_item",)),
        }[what]
        mine = ids == int(key)
        if what == "purchase":
            mine = mine & (plant.supply_kind == int(SupplyKind.PURCHASE))
        if what == "material":
            mine = mine & (plant.demand_kind == int(DemandKind.COMPONENT))
        if not mine.any():
            return "gone"
        instants = ("line_promised", "order_not_before", "supply_at")
        values = [(column, int(getattr(plant, column)[mine][0])) for column in columns]
        return " ".join(str(self.at(v) if name in instants else v) for name, v in values)

    def footprint_rows(
        self, units: Iterable[int], jobs: Iterable[int], others: Iterable[str] = ()
    ) -> dict[str, Any]:
        """Rows that a change may write, as they are: waiting jobs, windows, a job's place.

        others  rows by name, see `Footprint.rows`; "reserved:<kind>-<id>" is what is kept for a
                demand.
        """
        plant, waiting = self.plant, self.waiting()
        rows: dict[str, Any] = {}
        for unit_id in sorted(set(units)):
            unit = int(np.flatnonzero(plant.unit_id == unit_id)[0])
            at = slice(plant.unit_exception_ptr[unit], plant.unit_exception_ptr[unit + 1])
            windows = [
                f"{self.at(start)} {self.at(end)} {'open' if opens else 'closed'}"
                for start, end, opens in zip(
                    plant.exception_start[at].tolist(),
                    plant.exception_end[at].tolist(),
                    plant.exception_open[at].tolist(),
                    strict=True,
                )
            ]
            rows[f"queue:{unit_id}"] = waiting[unit_id]
            rows[f"calendar:{unit_id}"] = "; ".join(windows)
        for job_id in sorted(set(jobs)):
            job = self.snap.jobs.get(job_id)
            rows[f"job:{job_id}"] = f"{job.unit_id} {job.status}" if job else "gone"
        for name in sorted(set(others)):
            rows[name] = self._row(name)
        return rows


def _late_of(figures: dict[str, Any]) -> Late:
    return {
        int(line_id): (each[0], each[1], each[2])
        for line_id, each in figures.get("standing", {}).items()
    }


def _made_late(stake: impact.Stake) -> set[int]:
    """Lines that a cause makes late, or later than they are without it."""
    return {each.line_id for each in stake.impact.lines if each.is_late and each.added_s > 0}


def _counts(hit: impact.LineHit) -> bool:
    return hit.added_money != 0 or (hit.is_late and hit.added_s > 0)


def _node_id(column: str, number: int) -> str:
    return "cause" if column == "cause" else f"{NODE_NAMES[column]}:{number}"
