"""How long a decision took: saved, seen, decided, confirmed, running."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from mes.clock import plant_now
from mes.models import ShopFloorEvent, Site, Task
from planning import rules
from planning.models import Consent, Decision

BEGINS = ("workorders.job.started", "workorders.job.resumed", "materials.line.shipped")


@dataclass(frozen=True, slots=True)
class Stamps:
    """The five instants of a decision, each None where it has not come, and how long they took.

    open  how many answers and tasks it still waits for.
    """

    saved: datetime | None
    seen: datetime | None
    decided: datetime
    confirmed: datetime | None
    running: datetime | None
    open: int

    @property
    def took(self) -> rules.Steps:
        return rules.steps_of_a_decision(
            self.saved, self.seen, self.decided, self.confirmed, self.running
        )


def steps_of(site: Site, log: Sequence[Decision]) -> dict[int, Stamps]:
    """The stamps of decisions, in a fixed number of queries; `log` with its disruptions."""
    confirmed = _confirmed(site, log)
    running = _running(site, log)
    found = {}
    for each in log:
        row = each.disruption
        done, still = confirmed.get(each.pk, (None, 0))
        found[each.pk] = Stamps(
            saved=each.saved_at or (row.opened_at if row else None),
            seen=each.seen_at,
            decided=each.at,
            confirmed=None if still else done,
            running=running.get(each.pk),
            open=still,
        )
    return found


def _confirmed(site: Site, log: Sequence[Decision]) -> dict[int, tuple[datetime | None, int]]:
    """When the last answer or task of each decision came, and how many are still open."""
    numbers = [each.pk for each in log]
    answers: list[tuple[int, datetime | None]] = list(
        Task.objects.filter(site=site, subject_type="decision", subject_id__in=numbers).values_list(
            "subject_id", "done_at"
        )
    )
    asked = Consent.objects.filter(site=site, decision__in=numbers)
    answers += asked.values_list("decision_id", "answered_at")
    found: dict[int, tuple[datetime | None, int]] = {}
    for number, at in answers:
        last, still = found.get(number, (None, 0))
        if at is None:
            found[number] = (last, still + 1)
        else:
            found[number] = (max(last, at) if last else at, still)
    return found


def _running(site: Site, log: Sequence[Decision]) -> dict[int, datetime]:
    """When the floor first did what a decision says: a job began, a window, a delivery left."""
    subjects = {each.pk: _subjects(each) for each in log}
    wanted = {subject for named in subjects.values() for subject in named}
    first = min((each.event_seq for each in log), default=0)
    events = list(
        ShopFloorEvent.objects.filter(
            site=site,
            seq__gt=first,
            kind__in=BEGINS,
            subject_id__in={number for _kind, number in wanted},
        )
        .order_by("seq")
        .values_list("seq", "subject_type", "subject_id", "occurred_at")
    )
    now = plant_now(site)
    found = {}
    for each in log:
        undone = getattr(each, "undone_by", None)
        until = undone.at if undone else now
        begun = [
            at
            for seq, kind, number, at in events
            if seq > each.event_seq and (kind, number) in subjects[each.pk]
        ]
        begun += [at for at in _windows(each) if at <= now]
        in_time = [max(at, each.at) for at in begun if at <= until]
        if in_time:
            found[each.pk] = min(in_time)
    return found


def _subjects(decision: Decision) -> set[tuple[str, int]]:
    found: set[tuple[str, int]] = set()
    for row in decision.changes:
        jobs: Iterable[int] = [row.get("op_id"), row.get("succ_id"), *row.get("op_ids", ())]
        found |= {("job_order", int(job)) for job in jobs if job}
        if row.get("line_id"):
            found.add(("customer_line", int(row["line_id"])))
    return found


def _windows(decision: Decision) -> list[datetime]:
    """When the overtime of a decision begins."""
    return [
        datetime.fromtimestamp(row["start_s"], UTC)
        for row in decision.changes
        if row["kind"] == "add_calendar_window"
    ]
