"""The life of disruptions: what opened, what it does now, what is over, and to whom it is booked.

A breakdown and a hold stand as long as the fact does; scrap and slips as long as they hurt
somebody. Everything is found from the state at one event number, so that a lost, a doubled or a
coalesced bell changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
from django.db.models import Max

from planning import rules
from planning.actions import by_hand, telling
from planning.actions.asked import finish_approvals_of, finish_tasks_about
from planning.actions.by_hand import Key
from planning.actions.study import Late, Study
from planning.engine.changes import apply, from_json
from planning.engine.impact import (
    Cause,
    CauseKind,
    priority,
    with_demand,
    with_purchase,
    with_stock,
    without_windows,
)
from planning.engine.plant import NEVER, PPM, UNSET, LotStatus, Plant, Projection, SupplyKind
from planning.models import Booking, Decision, Disruption, Impact
from planning.snapshot import Event

BACK_AGAIN = timedelta(hours=24)
SAME_AGAIN = timedelta(hours=1)
SLIPS = 3  # rows of slips at a time; what is beyond them stands in the plan's figures
UNIT_EVENTS = frozenset(
    {"equipment.unit.went_down", "equipment.estimate.changed", "equipment.unit.came_up"}
)
SLOW_EVENTS = frozenset(
    {"equipment.unit.slowed_down", "equipment.slowdown.changed", "equipment.unit.ran_as_usual"}
)
TOOL_EVENTS = frozenset({"equipment.tool.lost", "equipment.loss.changed", "equipment.tool.found"})
HOLD_EVENTS = frozenset({"quality.hold.placed", "quality.hold.expected", "quality.hold.released"})
CHECK_EXPECTED = "quality.check.expected"
CHECK_EVENTS = frozenset(
    {"quality.check.waits", CHECK_EXPECTED, "quality.check.withdrawn", "quality.lot.decided"}
)
RETURN_EVENTS = frozenset({"materials.return.received", "materials.return.taken_back"})
REFUSAL_EVENTS = frozenset({"workorders.job.refused", "workorders.job.possible"})
TASK_EVENTS = frozenset({"workorders.fact.unsettled", "workorders.fact.settled"})
# Causes that stand as long as their fact does, and why they are over.
ENDS = {
    "BREAKDOWN": "REPAIRED",
    "SLOW": "AS_USUAL",
    "TOOL": "FOUND",
    "HOLD": "RELEASED",
    "REFUSED": "SOLVED",
}
SUPPLY_EVENT = "materials.purchase.expected"
COUNT_EVENT = "materials.stock.counted"
DEMAND_EVENTS = frozenset(
    {
        "materials.line.added",
        "materials.line.changed",
        "materials.line.cancelled",
        "materials.line.restored",
    }
)
PLACE_EVENTS = frozenset({"equipment.place.closed", "equipment.place.reopened"})
ABSENCE_EVENTS = frozenset(
    {"workorders.person.absent", "workorders.absence.changed", "workorders.person.back"}
)
CALL_EVENTS = frozenset(
    f"workorders.call.{name}"
    for name in ("raised", "taken", "arrived", "ended", "cancelled", "escalated")
)
DECISION_EVENTS = frozenset({"planning.option.accepted", "planning.decision.undone"})


@dataclass(slots=True)
class Row:
    """One disruption in the making: the stored row, or a new one, and what was found."""

    disruption: Disruption
    cause: Cause | None
    is_new: bool = False
    is_again: bool = False  # the same cause came once more
    ends: str = ""  # why it closes; empty: it stands
    figures: rules.ImpactFigures | None = None
    at_stake: int = 0
    priority: int = 4
    is_changed: bool = False
    gone: Projection | None = None  # the projection without its cause

    @property
    def key(self) -> Key:
        row = self.disruption
        return (row.kind, row.subject_type, row.subject_id)


@dataclass(slots=True)
class Booked:
    """A change of one line's lateness and cost, and whose it is."""

    cause: str  # DISRUPTION, DECISION, CLOCK or EVENTS
    key: Key | None
    disruption_id: int | None
    line_id: int
    late_s: int
    cost: int


@dataclass(slots=True)
class Found:
    """Everything that one recompute has to store."""

    study: Study
    rows: list[Row]
    booked: list[Booked]
    plan_figures: dict[str, Any]
    is_news: bool  # something reported changed, though no event came
    topics: set[str] = field(default_factory=set)


def find(study: Study) -> Found:
    """Find what the pending events and the clock did, disruption by disruption."""
    snap = study.snap
    known = _known(study)
    groups = _groups(study, known)
    booked = _book(study, groups, known)
    rows = [*_facts(study, known), *_scrap(study, known, booked), *_told(study, known)]
    without = _without_all(study, rows)
    rows += _slips(study, known, without)
    rows += _waiting(study, known, {row.key for row in rows})
    rows += _backlog(study, known)
    for row in rows:
        _measure(study, row)
    figures = study.plan_figures(
        without, sum(row.at_stake for row in rows if row.disruption.kind != "BACKLOG")
    )
    before = snap.previous.figures if snap.previous else {}
    is_news = (
        any(row.is_new or row.ends or row.is_changed for row in rows)
        or any(abs(each.late_s) >= rules.TICK_REPORT_S for each in booked)
        or any(figures[name] != before.get(name) for name in rules.REPORTED)
    )
    found = Found(study, rows, booked, figures, is_news)
    found.topics = _topics(found)
    return found


# -- who made it late ---------------------------------------------------------------------------


@dataclass(slots=True)
class _Group:
    """Pending events that belong together, and how to see the plant without them."""

    cause: str
    key: Key | None = None
    disruption_id: int | None = None
    undo: Callable[[Plant], Plant] | None = None


def _groups(study: Study, known: Mapping[Key, Disruption]) -> list[_Group]:
    """The pending events by what they belong to, in the order of their first one."""
    snap = study.snap
    told = _told_keys(study, known)
    decided = {event.key: event for event in snap.events if event.kind in DECISION_EVENTS}
    decisions = Decision.objects.in_bulk([event.subject_id for event in decided.values()])
    found: dict[Any, _Group] = {}
    for event in snap.events:
        decision = decided.get(event.key)
        key: Key
        if decision is not None:
            stored = decisions[decision.subject_id]
            found.setdefault(
                decision.subject_id,
                _Group(
                    "DECISION",
                    disruption_id=stored.disruption_id,
                    undo=_undo_changes(study, stored.inverse["changes"]),
                ),
            )
        elif event.kind in UNIT_EVENTS:
            key = ("BREAKDOWN", "unit", event.subject_id)
            found.setdefault(key, _Group("DISRUPTION", key))
        elif event.kind in SLOW_EVENTS:
            key = ("SLOW", "unit", event.subject_id)
            found.setdefault(key, _Group("DISRUPTION", key))
        elif event.kind in TOOL_EVENTS:
            key = ("TOOL", "tool", event.subject_id)
            found.setdefault(key, _Group("DISRUPTION", key))
        elif event.kind in HOLD_EVENTS:
            key = ("HOLD", event.subject_type, event.subject_id)
            found.setdefault(key, _Group("DISRUPTION", key))
        elif event.kind in REFUSAL_EVENTS:
            key = ("REFUSED", "job_order", event.subject_id)
            found.setdefault(key, _Group("DISRUPTION", key))
        elif event.seq in told:
            key = told[event.seq]
            found.setdefault(key, _Group("DISRUPTION", key))
        elif event.subject_type == "job_order" and snap.scrapped.get(event.subject_id, 0) > 0:
            key = ("SCRAP", "job_order", event.subject_id)
            found.setdefault(key, _Group("DISRUPTION", key))
    return list(found.values())


def _undo_changes(study: Study, inverse: list[dict[str, Any]]) -> Callable[[Plant], Plant]:
    def undo(plant: Plant) -> Plant:
        try:
            return apply(plant, from_json(inverse, epoch=study.unix_epoch))
        except ValueError:
            # Facts came in between (the job has started): it can't be told apart from them.
            return plant

    return undo


def _book(study: Study, groups: Sequence[_Group], known: Mapping[Key, Disruption]) -> list[Booked]:
    """Book every change of lateness since the stored version: time first, then group by group.

    The plant as it was before a group is the plant of now with that group's facts taken back.
    The bookings of a line add up to its lateness now, less its lateness then, exactly.
    """
    if len(groups) > rules.MAX_GROUPS:
        groups = [*groups[: rules.MAX_GROUPS], _Group("EVENTS")]
    plants = [study.plant]
    for group in reversed(groups):
        undo = group.undo or _undo_fact(study, group.key, known)
        plants.append(undo(plants[-1]) if undo else plants[-1])
    plants.reverse()
    late = study.previous_late
    booked: list[Booked] = []
    other = "EVENTS" if study.snap.events else "CLOCK"
    for group, plant in zip([_Group(other), *groups], plants, strict=True):
        now_late = study.late(study.project(plant), plant)
        booked += [
            Booked(group.cause, group.key, group.disruption_id, line_id, late_s, cost)
            for line_id, late_s, cost in _differences(late, now_late)
        ]
        late = now_late
    if not (study.snap.previous and study.snap.previous.figures.get("opened")):
        for each in booked:
            each.cause = "OPENING"
    return booked


def _differences(before: Late, after: Late) -> list[tuple[int, int, int]]:
    found = []
    for line_id in sorted(before.keys() | after.keys()):
        late_then, *cost_then = before.get(line_id, (0, 0, 0))
        late_now, *cost_now = after.get(line_id, (0, 0, 0))
        change = (late_now - late_then, sum(cost_now) - sum(cost_then))
        if change != (0, 0):
            found.append((line_id, *change))
    return found


def _undo_fact(
    study: Study, key: Key | None, known: Mapping[Key, Disruption]
) -> Callable[[Plant], Plant] | None:
    """How to see the plant as it was before the newest facts of one cause."""
    if key is None:
        return None
    kind, subject_type, subject_id = key
    row = known.get(key)
    until = (
        study.snap.seconds(datetime.fromisoformat(row.cause["until"]))
        if (row is not None and row.cause.get("until"))
        else NEVER
    )
    if kind == "BREAKDOWN":
        return lambda plant: _unit_state(plant, subject_id, row is not None, until)
    if kind == "SLOW":
        if row is None:
            return lambda plant: _slow_state(plant, subject_id, 0, UNSET, NEVER)
        percent, since = int(row.cause["percent"]), datetime.fromisoformat(row.cause["since"])
        began = study.snap.seconds(since)
        return lambda plant: _slow_state(plant, subject_id, percent, began, until)
    if kind == "TOOL":
        lost = row is not None and not row.cause["left"]
        return lambda plant: _tool_state(plant, subject_id, lost, until)
    if kind == "HOLD" and subject_type == "lot":
        return lambda plant: _lot_state(plant, subject_id, row is not None, until)
    if kind in _TELL:
        return _untold(study, key, known)
    if kind in ("HOLD", "REFUSED"):
        return lambda plant: _job_state(plant, subject_id, row is not None, until)
    if subject_id not in study.snap.jobs:
        # The report that scrapped them ended the order: nothing of it is left to plan.
        return None
    pieces = study.snap.scrapped.get(subject_id, 0)
    return lambda plant: study.without(plant, Cause(CauseKind.SCRAP, subject_id, pieces))


def _written(column: Any, at: Any, value: int | bool) -> Any:
    changed = column.copy()
    changed[at] = value
    return changed


def _unit_state(plant: Plant, unit_id: int, down: bool, until: int) -> Plant:
    at = plant.unit_id == unit_id
    return replace(
        plant,
        unit_down=_written(plant.unit_down, at, down),
        unit_down_until=_written(plant.unit_down_until, at, until),
    )


def _slow_state(plant: Plant, unit_id: int, percent: int, since: int, until: int) -> Plant:
    """The plant with a unit at so many percent of its work, 0: at its usual rate."""
    at = plant.unit_id == unit_id
    return replace(
        plant,
        unit_slow=_written(plant.unit_slow, at, bool(percent)),
        unit_slow_ppm=_written(plant.unit_slow_ppm, at, percent * 10_000 or PPM),
        unit_slow_since=_written(plant.unit_slow_since, at, since),
        unit_slow_until=_written(plant.unit_slow_until, at, until),
    )


def _tool_state(plant: Plant, tool_id: int, lost: bool, until: int) -> Plant:
    at = plant.tool_id == tool_id
    return replace(
        plant,
        tool_lost=_written(plant.tool_lost, at, lost),
        tool_lost_until=_written(plant.tool_lost_until, at, until),
    )


def _lot_state(plant: Plant, lot_id: int, held: bool, until: int) -> Plant:
    at = (plant.supply_id == lot_id) & (plant.supply_kind == SupplyKind.LOT)
    status = LotStatus.HELD if held else LotStatus.RELEASED
    return replace(
        plant,
        supply_status=_written(plant.supply_status, at, int(status)),
        supply_until=_written(plant.supply_until, at, until),
    )


def _lot_until(plant: Plant, lot_id: int, until: int) -> Plant:
    at = (plant.supply_id == lot_id) & (plant.supply_kind == SupplyKind.LOT)
    return replace(plant, supply_until=_written(plant.supply_until, at, until))


def _lot_status(plant: Plant, lot_id: int, status: LotStatus) -> Plant:
    at = (plant.supply_id == lot_id) & (plant.supply_kind == SupplyKind.LOT)
    return replace(plant, supply_status=_written(plant.supply_status, at, int(status)))


def _job_state(plant: Plant, job_id: int, held: bool, until: int) -> Plant:
    at = plant.op_id == job_id
    return replace(
        plant,
        op_hold=_written(plant.op_hold, at, held),
        op_hold_until=_written(plant.op_hold_until, at, until),
    )


def _untold(
    study: Study, key: Key, known: Mapping[Key, Disruption]
) -> Callable[[Plant], Plant] | None:
    """How to see a supply, a demand or a queue as it was before the newest facts about it."""
    kind, _type, subject_id = key
    snap = study.snap
    keys = _told_keys(study, known)
    told = [event for event in snap.told if keys.get(event.seq) == key]
    if kind == "QUEUE":
        homes, queues, _note = by_hand.before(told)
        cause = study.queue_cause(subject_id, study.queue_facts(subject_id, homes, queues, ""))
        return lambda plant: study.without(plant, cause)
    if kind == "SHORTAGE":
        missing = _missing(study, subject_id)
        there = subject_id in snap.lots
        return (lambda plant: with_stock(plant, subject_id, missing)) if there else None
    if kind == "SUPPLY":
        was = told[0].body.get("was") if told else None
        bought = snap.bought.get(subject_id)
        if was is None or bought is None:
            return None
        at = snap.seconds(datetime.fromisoformat(was["expected_at"]))
        left = bought.left + bought.missing
        if was["expected_quantity"] is not None:
            ordered = study.millionths(told[0].body["quantity"])
            left -= ordered - study.millionths(was["expected_quantity"])
        return lambda plant: with_purchase(plant, subject_id, at, left)
    if kind == "RETURN":
        return _unreturned(study, told)
    if kind == "CHECK":
        return _undecided(study, subject_id, told)
    if kind == "ABSENCE":
        closed = [each for event in told for each in event.body.get("windows", [])]
        gone = {window_id for event in told for window_id in event.body["gone"]}
        windows = study.closed_windows([each for each in closed if each["window_id"] not in gone])
        return lambda plant: without_windows(plant, windows)
    if kind == "CLOSURE":
        windows = study.closed_windows(_windows_of(told))
        return lambda plant: without_windows(plant, windows)
    line = snap.lines.get(subject_id)
    if line is None or not told:
        return None
    was = told[0].body.get("was", {})
    if told[0].kind == "materials.line.added" or not was:
        return lambda plant: with_demand(plant, subject_id, 0, UNSET)
    due = snap.seconds(datetime.fromisoformat(was["promised_at"] or was["requested_at"]))
    wanted = study.millionths(was["quantity"]) - line.shipped
    return lambda plant: with_demand(plant, subject_id, wanted, due)


def _undecided(study: Study, lot_id: int, told: Sequence[Event]) -> Callable[[Plant], Plant] | None:
    """How to see a lot as it was before what quality decided on it, or said when it will."""
    was = next((event.body["was"] for event in told if "was" in event.body), None)
    said = next((event.body for event in told if event.kind == CHECK_EXPECTED), None)
    if lot_id not in study.snap.lots:
        return None

    def undo(plant: Plant) -> Plant:
        if was is not None:
            status = LotStatus.QUARANTINED if was == "QUARANTINE" else LotStatus.RELEASED
            plant = _lot_status(plant, lot_id, status)
        if said is not None and said["expected_before"] is not None:
            at = study.snap.seconds(datetime.fromisoformat(said["expected_before"]))
            plant = _lot_until(plant, lot_id, at)
        return plant

    return undo


def _unreturned(study: Study, told: Sequence[Event]) -> Callable[[Plant], Plant] | None:
    """How to see a return as it was before: nothing came back and nothing more is wanted."""
    first = next(event for event in told if event.kind in RETURN_EVENTS)
    body, snap = first.body, study.snap
    quantity, came = study.millionths(body["quantity"]), first.kind == "materials.return.received"
    lot_id, line_id = body["lot_id"], body["replacement_line_id"]
    due = UNSET
    if not came and body["needed_at"] is not None:
        due = snap.seconds(datetime.fromisoformat(body["needed_at"]))

    def undo(plant: Plant) -> Plant:
        if lot_id in snap.lots and lot_id in plant.supply_id[plant.supply_kind == SupplyKind.LOT]:
            plant = with_stock(plant, lot_id, -quantity if came else quantity)
        if line_id in snap.lines:
            plant = with_demand(plant, line_id, 0 if came else quantity, due)
        return plant

    return undo


def _told_keys(study: Study, known: Mapping[Key, Disruption]) -> dict[int, Key]:
    """The cause of each event that tells something, by the event's number."""
    keys = by_hand.queue_keys(study.snap, known)
    returned = {
        event.key: ("RETURN", "customer_return", event.subject_id)
        for event in study.snap.told
        if event.kind in RETURN_EVENTS
    }
    for event in study.snap.told:
        # What is wanted in exchange for a return belongs to it.
        if key := returned.get(event.key) or _told_key(event):
            keys[event.seq] = key
    return keys


def _told_key(event: Event) -> Key | None:
    """The cause of which an event tells something about a supply or a demand."""
    if event.kind == COUNT_EVENT:
        return ("SHORTAGE", "lot", event.subject_id)
    if event.kind == SUPPLY_EVENT:
        return ("SUPPLY", "purchase_line", event.subject_id)
    if event.kind in PLACE_EVENTS:
        return ("CLOSURE", "place", event.subject_id)
    if event.kind in CHECK_EVENTS:
        return ("CHECK", "lot", event.subject_id)
    if event.kind in ABSENCE_EVENTS:
        return ("ABSENCE", "person", event.subject_id)
    if event.kind in DEMAND_EVENTS:
        return ("DEMAND", "customer_line", event.subject_id)
    return None


def _missing(study: Study, lot_id: int) -> int:
    """Millionths of a lot that were not there by counts not answered yet."""
    return -sum(
        study.millionths(event.body["difference"])
        for event in study.snap.told
        if event.kind == COUNT_EVENT and event.subject_id == lot_id
    )


# -- what stands open ---------------------------------------------------------------------------


def _facts(study: Study, known: Mapping[Key, Disruption]) -> list[Row]:
    """A row for each unit down or slow, each tool lost, each hold, each job refused; a close for
    what is over."""
    snap = study.snap
    wanted: dict[Key, tuple[Cause, rules.CauseFacts, int, int]] = {}
    for unit_id, stop in snap.stops.items():
        wanted["BREAKDOWN", "unit", unit_id] = (
            Cause(CauseKind.UNIT_DOWN, unit_id),
            study.stop_facts(stop),
            stop.started,
            stop.opened_seq,
        )
    for refusal in snap.refusals.values():
        wanted["REFUSED", "job_order", refusal.job_id] = (
            Cause(CauseKind.JOB_HELD, refusal.job_id),
            study.refusal_facts(refusal),
            refusal.at,
            snap.seq,
        )
    for unit_id, slow in snap.slows.items():
        cause, facts = Cause(CauseKind.UNIT_SLOW, unit_id), study.slow_facts(slow)
        wanted["SLOW", "unit", unit_id] = (cause, facts, slow.started, slow.opened_seq)
    for tool_id, loss in snap.losses.items():
        cause, facts = Cause(CauseKind.TOOL_LOST, tool_id), study.loss_facts(loss)
        wanted["TOOL", "tool", tool_id] = (cause, facts, loss.started, loss.opened_seq)
    for hold in snap.holds.values():
        facts = study.hold_facts(hold)
        if hold.lot_id is not None:
            cause, key = Cause(CauseKind.LOT_HELD, hold.lot_id), ("HOLD", "lot", hold.lot_id)
        else:
            assert hold.job_order_id is not None  # kept by hold_is_on_a_lot_or_a_job_order
            cause = Cause(CauseKind.JOB_HELD, hold.job_order_id)
            key = ("HOLD", "job_order", hold.job_order_id)
        wanted[key] = (cause, facts, hold.placed, hold.placed_seq)
    rows = []
    for key, (cause, facts, since, seq) in wanted.items():
        row = known.get(key)
        if row is None:
            rows.append(_open(study, key, cause, facts, since=since, seq=seq))
        else:
            _wake(row, facts)
            rows.append(Row(row, cause, is_changed=_tell(row, facts)))
    for key, row in known.items():
        if row.kind in ENDS and key not in wanted:
            rows.append(Row(row, None, ends=ENDS[row.kind]))
    return rows


def _wake(row: Disruption, facts: rules.CauseFacts) -> None:
    """Open what sleeps once it waits for its decision beyond the limit."""
    now_late = facts.get("waits_too_long") and not row.cause.get("waits_too_long")
    if now_late and row.state == Disruption.State.SNOOZED:
        row.state = Disruption.State.OPEN
        row.snoozed_until = None


def foreseen(study: Study, key: Key) -> Row | None:
    """The row of one cause as it would be stored; None where nothing is opened or touched."""
    known = _known(study)
    rows = [*_facts(study, known), *_told(study, known)]
    return next((row for row in rows if row.key == key), None)


def _known(study: Study) -> dict[Key, Disruption]:
    """The disruptions that stand open, by cause."""
    standing = Disruption.objects.standing(study.snap.site_id)
    return {(row.kind, row.subject_type, row.subject_id): row for row in standing}


def _tell(row: Disruption, facts: rules.CauseFacts) -> bool:
    """Bring the facts of a cause up to date; whether they changed."""
    kept = {name: value for name, value in row.cause.items() if name in ("back_again",)}
    new = {**facts, **kept}
    changed = bool(row.cause != new)
    row.cause = new
    return changed


def _open(
    study: Study,
    key: Key,
    cause: Cause,
    facts: rules.CauseFacts,
    *,
    since: int,
    seq: int,
) -> Row:
    """A new row, or the last one of the same cause if that closed just now (one row, n times)."""
    snap = study.snap
    kind, subject_type, subject_id = key
    last = (
        Disruption.objects.filter(
            site_id=snap.site_id, kind=kind, subject_type=subject_type, subject_id=subject_id,
            state=Disruption.State.CLOSED, closed_at__gt=snap.now_at - BACK_AGAIN,
        )
        .order_by("-closed_at")
        .first()
    )  # fmt: skip
    opened_at = snap.instant(since) or snap.now_at
    if last is not None and last.closed_at is not None:
        if last.closed_at > snap.now_at - SAME_AGAIN:
            last.state = Disruption.State.NEW
            last.occurrences += 1
            last.seen_at = last.closed_at = None
            last.close_reason = ""
            last.cause = {**facts}
            last.opened_at = opened_at
            return Row(last, cause, is_again=True, is_changed=True)
        facts = {**facts, "back_again": last.number}
    row = Disruption(
        site_id=snap.site_id,
        kind=kind,
        subject_type=subject_type,
        subject_id=subject_id,
        subject_code=(
            facts.get("place")
            or facts.get("person")
            or (facts.get("lot") if subject_type == "customer_return" else "")
            or study.subject_code(subject_type, subject_id)
        )[:80],
        cause=facts,
        opened_seq=seq,
        last_seq=snap.seq,
        opened_at=opened_at,
    )
    return Row(row, cause, is_new=True)


def _scrap(study: Study, known: Mapping[Key, Disruption], booked: Sequence[Booked]) -> list[Row]:
    """Scrap that makes a line late or an item short; what slack took up is kept as absorbed."""
    snap = study.snap
    rows = []
    # Before the plan is committed there is no promise that scrap could break.
    scrapped = snap.scrapped if snap.committed_version else {}
    for job_id, pieces in sorted(scrapped.items()):
        key = ("SCRAP", "job_order", job_id)
        row = known.get(key)
        so_far = study.millionths(row.cause.get("scrap", "0")) if row else 0
        is_gone = pieces + so_far <= 0
        if is_gone or job_id not in snap.jobs:
            if row is not None:
                rows.append(Row(row, None, ends="CORRECTED" if is_gone else "RECOVERED"))
            continue
        cause = Cause(CauseKind.SCRAP, job_id, pieces + so_far)
        facts = study.scrap_facts(job_id, pieces + so_far)
        if row is not None:
            row.occurrences += 1
            rows.append(Row(row, cause, is_again=True, is_changed=_tell(row, facts)))
        else:
            rows.append(_open(study, key, cause, facts, since=snap.now, seq=snap.seq))
    for key, row in known.items():
        if row.kind == "SCRAP" and key[2] not in snap.scrapped:
            if key[2] not in snap.jobs:
                rows.append(Row(row, None, ends="RECOVERED"))
                continue
            pieces = study.millionths(row.cause.get("scrap", "0"))
            rows.append(Row(row, Cause(CauseKind.SCRAP, key[2], pieces)))
    return rows


def _told(study: Study, known: Mapping[Key, Disruption]) -> list[Row]:
    """What somebody said of a supply or a demand, until it is as before or hurts nobody."""
    snap = study.snap
    told: dict[Key, list[Event]] = {}
    keys = _told_keys(study, known)
    # Before the plan is committed nothing is promised that it could break.
    for event in snap.told if snap.committed_version else ():
        if event.seq in keys:
            told.setdefault(keys[event.seq], []).append(event)
    rows = []
    for key in sorted({*told, *(key for key in known if key[0] in _TELL)}):
        found = _TELL[key[0]](study, key[2], told.get(key, []), known.get(key))
        row = known.get(key)
        if found is None or isinstance(found, str):
            if row is not None:
                rows.append(Row(row, None, ends=found or "RECOVERED"))
            continue
        cause, facts = found
        if row is not None:
            row.occurrences += key in told
            rows.append(Row(row, cause, is_again=key in told, is_changed=_tell(row, facts)))
        elif key in told:
            rows.append(_open(study, key, cause, facts, since=snap.now, seq=snap.seq))
    return rows


Telling = tuple[Cause, rules.CauseFacts] | str | None  # the cause stands; why it is over


def _shortage(study: Study, lot_id: int, told: Sequence[Event], row: Disruption | None) -> Telling:
    if lot_id not in study.snap.lots:
        return None
    missing = _missing(study, lot_id)
    note = str(told[-1].body["note"]) if told else ""
    if row is not None:
        missing += study.millionths(row.cause["missing"])
        note = note or row.cause.get("note", "")
    if missing <= 0:
        return "FOUND"
    cause = Cause(CauseKind.LOT_SHORT, lot_id, missing)
    return cause, study.shortage_facts(lot_id, missing, note)


def _supply(study: Study, line_id: int, _told: Sequence[Event], _row: Disruption | None) -> Telling:
    bought = study.snap.bought.get(line_id)
    if bought is None:
        return "RECEIVED"
    if not bought.is_late(study.now):
        return "AS_PROMISED"
    return study.supply_cause(line_id), study.supply_facts(line_id)


def _demand(study: Study, line_id: int, told: Sequence[Event], row: Disruption | None) -> Telling:
    if line_id not in study.snap.lines:
        return "SHIPPED"
    if row is not None:
        was, note = row.cause["was"], row.cause.get("note", "")
    elif told[0].kind == "materials.line.added":
        if not told[0].body.get("rush"):
            return None
        was, note = {}, ""
    else:
        # A cancellation that is taken back: what he wanted before it stands in the one before.
        was = told[0].body.get("was")
        note = ""
        if was is None:
            return None
    cause = study.demand_cause(line_id, was)
    if cause is None:
        return "AS_BEFORE"
    if told:
        note = str(told[-1].body.get("note", "")) or note
    return cause, study.demand_facts(line_id, was, note)


def _return(
    study: Study, _return_id: int, told: Sequence[Event], row: Disruption | None
) -> Telling:
    if any(event.kind == "materials.return.taken_back" for event in told):
        return "WITHDRAWN"
    if row is not None:
        line_id, lot_id = row.cause["line_id"], row.cause["lot_id"]
        said = {name: row.cause[of] for name, of in RETURN_FACTS.items()}
    else:
        came = next(event for event in told if event.kind == "materials.return.received")
        line_id, lot_id, said = came.body["replacement_line_id"], came.body["lot_id"], came.body
    if line_id is None:
        return None
    if line_id not in study.snap.lines:
        return "SHIPPED"
    cause = study.demand_cause(line_id, {})
    if cause is None:
        return "AS_BEFORE"
    return cause, study.return_facts(line_id, lot_id, said)


# Of a return's event, by the names under which a disruption keeps them.
RETURN_FACTS = {"quantity": "returned", "why": "note", "wants": "wants"}


def _check(study: Study, lot_id: int, told: Sequence[Event], row: Disruption | None) -> Telling:
    waits = study.snap.quarantined.get(lot_id)
    if waits is None:
        return "DECIDED"
    note = row.cause.get("note", "") if row is not None else ""
    said = row is not None
    for event in told:
        if event.kind != CHECK_EXPECTED:
            said = event.kind == "quality.check.waits"
        note = str(event.body.get("note", "")) or note
    if not said and waits.limit >= study.now:
        return "WITHDRAWN"
    return Cause(CauseKind.LOT_HELD, lot_id), study.check_facts(waits, note)


def _closure(study: Study, place_id: int, told: Sequence[Event], row: Disruption | None) -> Telling:
    windows: list[dict[str, Any]] = list(row.cause["windows"]) if row is not None else []
    for event in told:
        if event.kind == "equipment.place.closed":
            windows += _windows_of([event])
        else:
            gone = set(event.body["window_ids"])
            windows = [each for each in windows if each["window_id"] not in gone]
    if not windows:
        return "REOPENED"
    last = max(windows, key=lambda each: str(each["ends_at"]))
    if datetime.fromisoformat(last["ends_at"]) <= study.snap.now_at:
        return "OVER"
    said: Mapping[str, Any] = row.cause if row is not None else {}
    for event in told:
        if event.kind == "equipment.place.closed":
            said = {"place": event.body["code"], "note": event.body["reason"]}
    facts: rules.CauseFacts = {
        "place_id": place_id,
        "place": said["place"],
        "note": said["note"],
        "since": min(str(each["starts_at"]) for each in windows),
        "until": last["ends_at"],
        "windows": windows,
    }
    return study.closure_cause(place_id, windows), facts


def _absence(
    study: Study, person_id: int, told: Sequence[Event], row: Disruption | None
) -> Telling:
    said: rules.CauseFacts = {**row.cause} if row is not None else {}  # type: ignore[typeddict-item]
    windows: list[dict[str, Any]] = list(said.get("windows", []))
    is_back = False
    for event in told:
        gone = set(event.body["gone"])
        windows = [each for each in windows if each["window_id"] not in gone]
        windows += event.body.get("windows", [])
        is_back = event.kind == "workorders.person.back"
        if event.kind == "workorders.person.absent":
            said = {
                "person_id": person_id,
                "person": event.body["name"],
                "note": event.body["note"],
                "since": event.body["starts_at"],
                "until": event.body["ends_at"],
            }
    if is_back or not said:
        return "BACK"
    if datetime.fromisoformat(str(said["until"])) <= study.snap.now_at:
        return "OVER"
    return study.closure_cause(person_id, windows), {**said, "windows": windows}


def _windows_of(told: Sequence[Event]) -> list[dict[str, Any]]:
    """The windows of closures, each with its unit and its time."""
    return [
        {**window, "starts_at": event.body["starts_at"], "ends_at": event.body["ends_at"]}
        for event in told
        if event.kind == "equipment.place.closed"
        for window in event.body["windows"]
    ]


_TELL: dict[str, Callable[[Study, int, Sequence[Event], Disruption | None], Telling]] = {
    "SHORTAGE": _shortage,
    "SUPPLY": _supply,
    "DEMAND": _demand,
    "CLOSURE": _closure,
    "QUEUE": by_hand.telling,
    "CHECK": _check,
    "RETURN": _return,
    "ABSENCE": _absence,
}


def _without_all(study: Study, rows: Sequence[Row]) -> Plant:
    """The plant with every open cause gone: what nobody's trouble explains stays."""
    plant = study.plant
    for row in rows:
        if row.cause is not None:
            plant = study.without(plant, row.cause)
    return plant


def _slips(study: Study, known: Mapping[Key, Disruption], without: Plant) -> list[Row]:
    """What runs late by itself and makes a line later than the committed plan.

    A purchase whose day passed unheard of is found here too, by the clock.
    """
    found = study.slips(without)
    rows = _overdue(study, known, [key[1] for key in found if key[0] == "purchase_line"])
    wanted = {key[1]: slip for key, slip in found.items() if key[0] == "job_order"}
    ranked = sorted(wanted.items(), key=lambda each: (-each[1][0], each[0]))
    standing = {key[2] for key in known if key[0] == "SLIP"}
    chosen = [job for job, _ in ranked if job in standing]
    chosen += [job for job, _ in ranked if job not in standing][: max(0, SLIPS - len(chosen))]
    for job_id in chosen:
        key = ("SLIP", "job_order", job_id)
        facts = study.slip_facts(job_id, wanted[job_id][1])
        cause = Cause(CauseKind.SLIP, job_id)
        row = known.get(key)
        if row is None:
            rows.append(_open(study, key, cause, facts, since=study.snap.now, seq=study.snap.seq))
        else:
            rows.append(Row(row, cause, is_changed=_tell(row, facts)))
    for key, row in known.items():
        if row.kind == "SLIP" and key[2] not in wanted:
            rows.append(Row(row, None, ends="RECOVERED"))
    return rows


def _overdue(study: Study, known: Mapping[Key, Disruption], line_ids: Sequence[int]) -> list[Row]:
    rows: list[Row] = []
    for line_id in sorted(line_ids)[:SLIPS]:
        key = ("SUPPLY", "purchase_line", line_id)
        cause = study.supply_cause(line_id)
        if key not in known and study.at_stake(cause).impact.worse:
            facts = study.supply_facts(line_id)
            rows.append(_open(study, key, cause, facts, since=study.snap.now, seq=study.snap.seq))
    return rows


def _waiting(study: Study, known: Mapping[Key, Disruption], said: Collection[Key]) -> list[Row]:
    """Lots in quarantine that the clock finds waiting beyond their limit, if somebody feels it."""
    rows: list[Row] = []
    for waits in study.snap.quarantined.values():
        key = ("CHECK", "lot", waits.lot_id)
        if key in known or key in said or waits.limit >= study.now or len(rows) == SLIPS:
            continue
        cause = Cause(CauseKind.LOT_HELD, waits.lot_id)
        if study.snap.committed_version and study.at_stake(cause).impact.worse:
            facts = study.check_facts(waits, "")
            rows.append(_open(study, key, cause, facts, since=study.snap.now, seq=study.snap.seq))
    return rows


def _backlog(study: Study, known: Mapping[Key, Disruption]) -> list[Row]:
    """What was late or short in the first committed plan: one row with a count."""
    row = known.get(("BACKLOG", "site", study.snap.site_id))
    if row is None:
        return []
    still = study.still_late(row.cause.get("late", {}))
    facts = {**row.cause, "count": len(still)}
    changed = facts != row.cause
    row.cause = facts
    return [Row(row, None, is_changed=changed, ends="" if still else "RECOVERED")]


# -- what it does --------------------------------------------------------------------------------


def _measure(study: Study, row: Row) -> None:
    """Work out what a standing disruption costs now, and how urgent it is."""
    disruption = row.disruption
    if disruption.kind == "BACKLOG" or row.ends or row.cause is None:
        return
    stake = study.at_stake(row.cause)
    row.gone = stake.gone
    row.at_stake = stake.amount
    row.priority = priority(stake.impact, limit=rules.FIRST_PRIORITY_MONEY)
    row.figures = study.impact_figures(disruption.cause, row.cause, stake)
    felt = row.figures["late_lines"] or row.figures["items"] or disruption.cause.get("idle_orders")
    if disruption.kind in rules.FELT and not felt:
        row.ends = "ABSORBED" if row.is_new or row.figures["absorbed"] else "RECOVERED"
        row.priority = 4
    reported = rules.reported_impact(row.figures)
    slept = _has_slept(disruption, study.snap.now_at)
    same = reported == disruption.summary.get("reported")
    row.is_changed = row.is_changed or row.is_new or slept or not same


def _has_slept(disruption: Disruption, now: datetime) -> bool:
    """Whether the time is over for which somebody put it to sleep."""
    until = disruption.snoozed_until
    return disruption.state == Disruption.State.SNOOZED and until is not None and until <= now


def _topics(found: Found) -> set[str]:
    snap = found.study.snap
    topics = {"deliveries"}
    for event in snap.events:
        if event.kind.startswith("planning."):
            topics |= {"decisions", "inbox", "tasks"}
        elif event.kind in TASK_EVENTS:
            topics.add("tasks")
        elif event.kind in CALL_EVENTS:
            topics.add("calls")
        unit_id = None
        if event.subject_type == "unit":
            unit_id = event.subject_id
        elif event.subject_type == "job_order" and event.subject_id in snap.jobs:
            unit_id = snap.jobs[event.subject_id].unit_id
        elif event.subject_type == "tool":
            topics |= {"machines", *_stations_of_tool(found.study, event.subject_id)}
        if unit_id in snap.units:
            topics |= {"machines", f"station:{snap.units[unit_id]}"}
    return topics


def _stations_of_tool(study: Study, tool_id: int) -> set[str]:
    """The topics of the stations whose jobs need a tool."""
    plant = study.plant
    ops = np.repeat(np.arange(len(plant.op_id)), np.diff(plant.op_need_ptr))
    ops = ops[plant.tool_id[plant.need_tool] == tool_id]
    units = plant.op_unit[ops]
    return {f"station:{study.snap.units[u]}" for u in plant.unit_id[units[units >= 0]].tolist()}


# -- storing -------------------------------------------------------------------------------------


def store(found: Found, *, version: int, stored_at: datetime, latency_ms: float | None) -> set[str]:
    """Write disruptions, impacts and bookings; inside the transaction that moves the watermark.

    Returns the topics to tell.
    """
    snap = found.study.snap
    topics = set(found.topics)
    last = Disruption.objects.filter(site_id=snap.site_id).aggregate(n=Max("number"))["n"] or 0
    booked_to: dict[Key, int] = {}
    news: list[tuple[Row, str]] = []
    for row in found.rows:
        if row.is_new:
            last += 1
            row.disruption.number = last
        _live_on(found, row)
        kind = telling.kind_of(row)
        if row.is_new or row.is_changed or row.ends:
            topics.add("inbox")
        if row.figures is not None:
            told = telling.reported(row, kind)
            row.disruption.summary = {**_summary(row, version, latency_ms), "told": told}
        row.disruption.save()
        if kind:
            news.append((row, kind))
        booked_to[row.key] = row.disruption.pk
        topics.add(f"impact:{row.disruption.pk}")
    telling.tell(snap.site_id, news, at=snap.now_at)
    late = _impacts(found, version, stored_at, latency_ms)
    Impact.objects.filter(
        disruption__in=[impact.disruption_id for impact in late], version__lt=version
    ).delete()
    Impact.objects.bulk_create(late)
    ended = [row.disruption.pk for row in found.rows if row.ends]
    finish_tasks_about(snap.site_id, ended, snap.now_at)
    finish_approvals_of(snap.site_id, ended, snap.now_at)
    owners = [
        each.disruption_id
        if each.key is None
        else booked_to.get(each.key) or _last_of(snap.site_id, each.key)
        for each in found.booked
    ]
    Booking.objects.bulk_create(
        [
            Booking(
                site_id=snap.site_id,
                version=version,
                cause="EVENTS" if each.key is not None and whose is None else each.cause,
                disruption_id=whose,
                line_id=each.line_id,
                lateness_change_s=each.late_s,
                cost_change=rules.decimal(each.cost),
            )
            for each, whose in zip(found.booked, owners, strict=True)
        ]
    )
    return topics


def _last_of(site_id: int, key: Key) -> int | None:
    """The closed disruption that a recovery belongs to."""
    kind, subject_type, subject_id = key
    return (
        Disruption.objects.filter(
            site_id=site_id, kind=kind, subject_type=subject_type, subject_id=subject_id
        )
        .order_by("-pk")
        .values_list("pk", flat=True)
        .first()
    )


def _live_on(found: Found, row: Row) -> None:
    """Move a row's state: closing, waking, growing."""
    snap, disruption = found.study.snap, row.disruption
    states = Disruption.State
    disruption.last_seq = max(disruption.last_seq, snap.seq if row.is_changed else 0)
    if row.ends:
        disruption.state = states.CLOSED
        disruption.closed_at = snap.now_at
        disruption.close_reason = row.ends
        disruption.at_stake = Decimal(0)
        disruption.growing = False
        disruption.priority = row.priority
        return
    if disruption.kind == Disruption.Kind.BACKLOG:
        return
    disruption.at_stake = rules.decimal(row.at_stake)
    disruption.priority = row.priority
    lines = row.figures["late_lines"] if row.figures else 0
    if row.is_new:
        disruption.stake_seen = disruption.at_stake
    seen_lines = int(disruption.summary.get("seen_lines", lines))
    grows = not row.is_new and rules.grows(
        rules.ten_thousandths(disruption.stake_seen), seen_lines, row.at_stake, lines
    )
    disruption.growing = grows
    if disruption.state == states.SNOOZED and (grows or _has_slept(disruption, snap.now_at)):
        disruption.state = states.OPEN
        disruption.snoozed_until = None


def _summary(row: Row, version: int, latency_ms: float | None) -> dict[str, Any]:
    assert row.figures is not None
    figures, before = row.figures, row.disruption.summary
    wants = row.is_changed and row.disruption.state not in ("CLOSED", "ACCEPTED")
    return {
        **{name: figures[name] for name in rules.SUMMARISED},  # type: ignore[literal-required]
        "reported": rules.reported_impact(figures),
        "best": before.get("best"),
        "seen_lines": before.get("seen_lines", figures["late_lines"]),
        "impact_version": version if row.is_changed else before.get("impact_version", version),
        "latency_ms": latency_ms if row.is_changed else before.get("latency_ms"),
        "options_due": bool(wants or before.get("options_due")) and not row.ends,
    }


def _impacts(
    found: Found, version: int, stored_at: datetime, latency_ms: float | None
) -> list[Impact]:
    snap = found.study.snap
    sums: dict[Key, int] = {}
    for each in found.booked:
        if each.key is not None:
            sums[each.key] = sums.get(each.key, 0) + each.cost
    return [
        Impact(
            site_id=snap.site_id,
            disruption=row.disruption,
            version=version,
            upto_seq=snap.seq,
            stored_at=stored_at,
            latency_ms=latency_ms,
            at_stake=rules.decimal(row.at_stake),
            booked=rules.decimal(sums.get(row.key, 0)),
            absorbed=bool(row.figures["absorbed"]),
            figures=row.figures,
        )
        for row in found.rows
        if row.figures is not None and row.is_changed
    ]
