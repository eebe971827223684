"""A decision that nobody takes goes to the next person before its best answer is gone."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from mes import notices
from mes.actor import SYSTEM
from mes.clock import plant_now
from mes.commands import Command, run
from mes.errors import Refused
from mes.models import Notice, Person, Role, Site, Task
from mes.notices import News
from mes.rows import find
from planning import words
from planning.actions import authority
from planning.actions.lock import hold_lock
from planning.actions.telling import page_of
from planning.models import Decision, Disruption, Escalation, Option

MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Step:
    """When it is due: so long before the latest instant, but not sooner after it opened."""

    before: timedelta
    after: timedelta


# The owner (at night who is on call), the planners, the manager.
STEPS = {
    1: Step(60 * MINUTE, 0 * MINUTE),
    2: Step(30 * MINUTE, 5 * MINUTE),
    3: Step(15 * MINUTE, 10 * MINUTE),
}
SOONEST = max(step.before for step in STEPS.values())


@dataclass(frozen=True, slots=True)
class Next:
    """To whom a step goes: a role, or people of it by name."""

    role: Role
    people: tuple[Person, ...] = ()

    def __str__(self) -> str:
        return ", ".join(each.name for each in self.people) or str(self.role.label)


def watch_decisions(site_id: int, *, wall_now: datetime) -> list[int]:
    """Pass on every open disruption whose best answer is nearly gone; returns those.

    wall_now  the wall clock, by which a REAL site lives; a SIMULATED one has its own.

    Once a step; safe to run in several processes at once.
    """
    site = Site.objects.get(pk=site_id)
    now = plant_now(site) if site.clock == Site.Clock.SIMULATED else wall_now
    passed = []
    waiting = Disruption.objects.standing(site_id).filter(
        state__in=(Disruption.State.NEW, Disruption.State.OPEN)
    )
    for disruption in waiting.exclude(kind=Disruption.Kind.BACKLOG).order_by("priority", "pk"):
        best = disruption.options.offered_answers().filter(saves__gt=0).first()
        if best is None or best.decide_by is None:
            continue
        since = _since(disruption)
        done = set(
            Escalation.objects.filter(disruption=disruption, since=since).values_list(
                "step", flat=True
            )
        )
        for number in sorted(STEPS.keys() - done):
            step = STEPS[number]
            if max(best.decide_by - step.before, since + step.after) > now:
                break
            outcome = run(
                site=site,
                key=uuid.uuid4(),
                actor=SYSTEM,
                name="disruption.escalate",
                body={"disruption_id": disruption.pk, "step": number},
                act=partial(escalate, disruption_id=disruption.pk, step=number, option_id=best.pk),
            )
            if outcome.ok and outcome.response.get("to"):
                passed.append(disruption.pk)
    return passed


def escalate(command: Command, *, disruption_id: int, step: int, option_id: int) -> dict[str, Any]:
    """Ask the next person to decide; a step that has nobody is passed by.

    :raises Refused: if it is decided or that step was taken meanwhile.
    """
    hold_lock(command.site.pk)
    disruption = find(command, Disruption, disruption_id, lock=True)
    since = _since(disruption)
    taken = Escalation.objects.filter(disruption=disruption, since=since)
    if disruption.state not in ("NEW", "OPEN") or taken.filter(step=step).exists():
        raise Refused(_("It is decided, or passed on already."), status=409, code="done_already")
    option = find(command, Option, option_id)
    assert option.decide_by is not None  # what has no end is not passed on
    local = command.now.astimezone(ZoneInfo(command.site.time_zone))
    to = _next(command.site, disruption, step, local)
    names = str(to) if to else ""
    if names in set(taken.values_list("to", flat=True)):
        to, names = None, ""  # who is asked already is not asked again
    Escalation.objects.create(
        site=command.site,
        disruption=disruption,
        since=since,
        step=step,
        to=names[:200],
        at=command.now,
        decide_by=option.decide_by,
    )
    if to is None:
        return {"to": ""}
    decide_by = option.decide_by
    text = words.decide_soon(disruption, decide_by, command.site.time_zone)
    Task.objects.bulk_create(
        Task(
            site=command.site,
            role=to.role,
            person=person,
            text=text[:200],
            subject_type="disruption",
            subject_id=disruption.pk,
            due_at=option.decide_by,
            created_at=command.now,
        )
        for person in (to.people or (None,))
    )
    here = to.people or tuple(authority.on_duty(command.site, to.role, local))
    news = News(
        kind=Notice.Kind.ESCALATED,
        subject=("disruption", disruption.pk),
        url=page_of(disruption.pk),
        say=lambda: words.decide_soon(disruption, decide_by, command.site.time_zone),
        cause=f"escalated:{disruption.pk}:{step}",
        urgent=True,
    )
    notices.notify(command.site, [each.pk for each in here], news, at=command.now)
    command.record(
        "planning.disruption.escalated",
        subject=("disruption", disruption.pk),
        body={
            "step": step,
            "role": str(to.role),
            "person_ids": [each.pk for each in to.people],
            "decide_by": option.decide_by,
        },
    )
    return {"to": names, "disruption_id": disruption.pk}


def _next(site: Site, disruption: Disruption, step: int, local: datetime) -> Next | None:
    planners = authority.on_duty(site, Role.PLANNER, local)
    if step == 1 and disruption.owner is not None and _is_here(site, disruption.owner, local):
        return Next(Role.PLANNER, (disruption.owner,))
    if step in (1, 2) and not planners:
        called: Sequence[Person] = authority.on_call(site, Role.PLANNER, local)
        return Next(Role.PLANNER, tuple(called))
    if step == 2:
        return Next(Role.PLANNER)
    if step == 3:
        managers = authority.on_duty(site, Role.MANAGER, local)
        called = managers or authority.on_call(site, Role.MANAGER, local)
        return Next(Role.MANAGER, tuple(called)) if called else None
    return None


def _is_here(site: Site, person: Person, local: datetime) -> bool:
    return any(person in authority.on_duty(site, Role(r), local) for r in authority.DECIDES)


def _since(disruption: Disruption) -> datetime:
    """Since when it waits: it opened, or the last decision about it was taken out again."""
    undone = (
        Decision.objects.filter(disruption=disruption, undo_of__isnull=False)
        .order_by("-at")
        .values_list("at", flat=True)
        .first()
    )
    return max(disruption.opened_at, undone) if undone else disruption.opened_at
