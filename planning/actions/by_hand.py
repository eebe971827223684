"""Queues that somebody changed by hand: to which cause an event belongs, and what was before.

A decision changes queues too; that is told by the key that its events share. All changes of a
unit's queue are one cause until it is as it was, or hurts nobody. A job that goes back to where
it came from belongs to the cause that took it away.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from planning import rules
from planning.actions.study import Study
from planning.engine import impact
from planning.models import Disruption
from planning.snapshot import Event, Snapshot

Key = tuple[str, str, int]  # kind, subject type, subject id

QUEUE_EVENT = "workorders.queue.set"
MOVE_EVENT = "workorders.job.moved"
OF_A_DECISION = frozenset(
    {"planning.option.accepted", "planning.decision.undone", "planning.plan.committed"}
)


def queue_keys(snap: Snapshot, known: Mapping[Key, Disruption]) -> dict[int, Key]:
    """The cause of each event that changed a queue by hand, by the event's number."""
    decided = {event.key for event in snap.told if event.kind in OF_A_DECISION}
    acts: dict[str, list[Event]] = {}
    for event in snap.told:
        if event.kind in (QUEUE_EVENT, MOVE_EVENT) and event.key not in decided:
            acts.setdefault(event.key, []).append(event)
    found: dict[int, Key] = {}
    for events in acts.values():
        moved = next((each for each in events if each.body.get("moved")), None)
        if moved is None or "was" not in moved.body or moved.subject_id not in snap.units:
            continue
        unit_id = _taken_from(moved, known) or moved.subject_id
        found |= {event.seq: ("QUEUE", "unit", unit_id) for event in events}
    return found


def _taken_from(event: Event, known: Mapping[Key, Disruption]) -> int | None:
    """The unit to which these jobs had been taken by hand from where they are now again."""
    for key, row in known.items():
        if key[0] == "QUEUE" and any(
            job["from_id"] == event.subject_id and job["job_id"] in event.body["moved"]
            for job in row.cause["jobs"]
        ):
            return key[2]
    return None


def before(
    told: Sequence[Event], row: Disruption | None = None
) -> tuple[dict[int, int], dict[int, Sequence[int]], str]:
    """Where moved jobs stood first, the queues as they were first, and the last reason given."""
    homes: dict[int, int] = {}
    queues: dict[int, Sequence[int]] = {}
    note = ""
    if row is not None:
        homes = {job["job_id"]: job["from_id"] for job in row.cause["jobs"]}
        queues = {each["unit_id"]: each["job_ids"] for each in row.cause["queues"]}
        note = row.cause.get("note", "")
    for event in told:
        note = event.body.get("reason") or note
        if event.kind == MOVE_EVENT:
            homes.setdefault(event.subject_id, event.body["from_unit_id"])
        elif event.kind == QUEUE_EVENT and "was" in event.body:
            queues.setdefault(event.subject_id, event.body["was"])
            for job_id in event.body["moved"]:
                homes.setdefault(job_id, event.subject_id)
    return homes, queues, note


def telling(
    study: Study, unit_id: int, told: Sequence[Event], row: Disruption | None
) -> tuple[impact.Cause, rules.CauseFacts] | str:
    """The cause and its facts; why it is over where nothing stands elsewhere any more."""
    homes, queues, note = before(told, row)
    facts = study.queue_facts(unit_id, homes, queues, note)
    cause = study.queue_cause(unit_id, facts)
    if study.stands_as_before(cause):
        return "AS_BEFORE"
    return cause, facts
