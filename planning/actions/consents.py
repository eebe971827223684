"""The yes that a decision needs from others: whom it asks, for what, until when."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from mes.commands import Command
from mes.events import plain
from mes.models import Role, Task
from planning import rules, words
from planning.actions.study import Study
from planning.engine.changes import AddCalendarWindow, Change
from planning.models import Approval, Consent

# Who is asked has at least this long, and no longer than that where nothing else sets a time.
AT_LEAST = timedelta(minutes=15)
AT_MOST = timedelta(hours=24)


def ask(
    command: Command,
    study: Study,
    changes: Sequence[Change],
    figures: rules.OptionFigures,
    *,
    decision_id: int,
    decide_by: datetime | None,
) -> list[Consent]:
    """Ask for every yes that a set of changes needs, each by a task of the role that gets it.

    decide_by  when what they save is gone: no answer helps after that.
    """
    asked = []
    for each in _needed(study, changes, figures):
        ends = [at for at in (decide_by, *_ends_of(each)) if at and at > command.now]
        latest = min(ends, default=command.now + AT_MOST)
        each.site, each.decision_id = command.site, decision_id
        each.asked_at = command.now
        each.latest_at = max(latest, command.now + AT_LEAST)
        each.save()
        asked.append(each)
    Task.objects.bulk_create(
        Task(
            site=command.site,
            role=each.role,
            text=words.asked_for(each)[:200],
            subject_type="consent",
            subject_id=each.pk,
            due_at=each.latest_at,
            created_at=command.now,
        )
        for each in asked
    )
    return asked


def withdraw(command: Command, decision_id: int) -> None:
    """Nobody needs to answer any more: the decision was taken back."""
    waiting = Consent.objects.filter(
        site=command.site, decision=decision_id, state=Consent.State.ASKED
    )
    numbers = list(waiting.values_list("pk", flat=True))
    waiting.update(state=Consent.State.WITHDRAWN, answered_at=command.now)
    finish_tasks(command, numbers)


def finish_tasks(command: Command, consent_ids: Sequence[int]) -> None:
    """End the tasks of consents that are answered."""
    Task.objects.filter(
        site=command.site, subject_type="consent", subject_id__in=consent_ids, done_at=None
    ).update(done_at=command.now, done_by=command.actor.person_id)


def settle_approvals(command: Command, disruption_id: int, option: str, decision_id: int) -> None:
    """Answer what was asked about a disruption that is decided now: this option, or another."""
    for approval in Approval.objects.filter(
        site=command.site, disruption=disruption_id, state=Approval.State.ASKED
    ).order_by("asked_at", "pk"):
        given = approval.option == option
        approval.state = Approval.State.GIVEN if given else Approval.State.OVER
        if given and not Approval.objects.filter(decision=decision_id).exists():
            approval.decision_id = decision_id
        approval.answered_at = command.now
        approval.answered_by_id = command.actor.person_id
        approval.save()
        Task.objects.filter(
            site=command.site, subject_type="approval", subject_id=approval.pk, done_at=None
        ).update(done_at=command.now, done_by=command.actor.person_id)


def _needed(
    study: Study, changes: Sequence[Change], figures: rules.OptionFigures
) -> Iterator[Consent]:
    for change in changes:
        if isinstance(change, AddCalendarWindow):
            facts = {
                "unit": study.snap.units[change.unit_id],
                "starts_at": study.at(change.start_s),
                "ends_at": study.at(change.end_s),
                "zone": study.snap.time_zone,
            }
            yield Consent(who="OVERTIME", role=Role.SUPERVISOR, facts=facts)
    for each in figures.get("consents", []):
        role = words.CONSENT_ROLES[each["who"]]
        yield Consent(who=each["who"], role=role, facts=plain(each))


def _ends_of(each: Consent) -> Iterator[datetime | None]:
    """Instants after which an answer comes too late: the overtime begins, the day is there."""
    for name in ("starts_at", "was", "at"):
        yield words.instant(each.facts.get(name))
