"""What others say to a decision that needs their yes: agreed, refused, or nothing in time."""

from __future__ import annotations

import uuid
from datetime import datetime
from functools import partial
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from equipment.models import Equipment
from mes import live
from mes.actor import SYSTEM
from mes.clock import plant_now
from mes.commands import Command, run
from mes.errors import Refused
from mes.models import Role, Site, Task
from mes.rows import find
from planning import words
from planning.actions import acts, consents, telling
from planning.actions.decide import undo
from planning.actions.lock import hold_lock
from planning.engine.changes import from_json
from planning.models import Consent, Decision, Disruption

STATES = Consent.State


def agree(command: Command, *, consent_id: int) -> dict[str, Any]:
    """Say yes; with the last one the decision is firm.

    :raises Refused: if it is not his to say (403), or answered already (409).
    """
    consent = _asked(command, consent_id)
    _check_role(command, consent)
    _answer(command, consent, STATES.AGREED, "")
    waits = Consent.objects.asked(command.site.pk).filter(decision=consent.decision_id)
    firm = not waits.exists()
    if firm:
        for change in from_json(consent.decision.changes):
            acts.agreed(command, change, consent.who)
    said = _("Agreed; the decision is firm now.") if firm else _("Agreed; others are still asked.")
    return {
        "decision_id": consent.decision_id,
        "disruption_id": consent.decision.disruption_id,
        "firm": firm,
        "message": said,
    }


def refuse(command: Command, *, consent_id: int, reason: str) -> dict[str, Any]:
    """Say no: the decision's changes are taken out and its disruption is back.

    :raises Refused: without a reason, if it is not his to say (403), or answered already (409).
    """
    consent = _asked(command, consent_id)
    _check_role(command, consent)
    if not reason.strip():
        raise Refused(_("Say in a few words why not; the planner decides anew by it."))
    _answer(command, consent, STATES.REFUSED, reason.strip()[:200])
    return _take_out(command, consent)


def lapse(command: Command, *, consent_id: int) -> dict[str, Any]:
    """Silence past the latest time is a no."""
    consent = _asked(command, consent_id)
    if consent.latest_at > command.now:
        raise Refused(_("There is still time to answer."), code="early")
    _answer(command, consent, STATES.LAPSED, "")
    return _take_out(command, consent)


def lapse_overdue(site_id: int, *, wall_now: datetime) -> list[int]:
    """Take silence for a no wherever the latest time is past; returns those consents.

    wall_now  the wall clock, by which a REAL site lives; a SIMULATED one has its own.
    """
    site = Site.objects.get(pk=site_id)
    now = plant_now(site) if site.clock == Site.Clock.SIMULATED else wall_now
    found = []
    overdue = Consent.objects.asked(site_id).filter(latest_at__lte=now)
    for number in overdue.order_by("latest_at", "pk").values_list("pk", flat=True):
        outcome = run(
            site=site,
            key=uuid.uuid4(),
            actor=SYSTEM,
            name="consent.lapse",
            body={"consent_id": number},
            act=partial(lapse, consent_id=number),
        )
        if outcome.ok:
            found.append(number)
    return found


def _asked(command: Command, consent_id: int) -> Consent:
    hold_lock(command.site.pk)
    consent = find(command, Consent, consent_id, lock=True)
    if consent.state != STATES.ASKED:
        raise Refused(
            _("This was answered before: %(state)s.")
            % {"state": consent.get_state_display().lower()},
            status=409,
            code="done_already",
        )
    return consent


def _check_role(command: Command, consent: Consent) -> None:
    able = {consent.role, Role.ADMIN}
    if command.actor.roles.isdisjoint(able):
        raise Refused(
            _("This is for %(role)s to say.") % {"role": consent.get_role_display()},
            status=403,
            code="no_right",
        )
    command.actor = command.actor.acting_as(able)


def _answer(command: Command, consent: Consent, state: Consent.State, reason: str) -> None:
    consent.state = state
    consent.reason = reason
    consent.answered_at = command.now
    consent.answered_by_id = command.actor.person_id
    consent.on_behalf_of_id = command.actor.on_behalf_of_id
    consent.save()
    consents.finish_tasks(command, [consent.pk])
    decision = consent.decision
    command.record(
        "planning.consent.answered",
        subject=("decision", decision.pk),
        body={
            "consent_id": consent.pk,
            "disruption_id": decision.disruption_id,
            "who": consent.who,
            "answer": str(state),
            "reason": reason,
        },
    )
    topics = ["decisions", "inbox", "tasks", "deliveries", f"impact:{decision.disruption_id}"]
    topics += [f"station:{code}" for code in _stations(decision)]
    transaction.on_commit(partial(live.publish, command.site.pk, topics), robust=True)


def _stations(decision: Decision) -> list[str]:
    units = {row.get("unit_id") or row.get("to_unit_id") for row in decision.changes}
    return list(Equipment.objects.filter(pk__in=units - {None}).values_list("code", flat=True))


def _take_out(command: Command, consent: Consent) -> dict[str, Any]:
    """Take the decision back, whole or not at all, and lay its disruption before the planner."""
    decision = consent.decision
    why, stays = words.said_no(consent), ""
    before = len(command.collected)
    try:
        with transaction.atomic():
            undo(command, decision_id=decision.pk, why=why)
            for change in from_json(decision.changes):
                if consent.state == STATES.REFUSED:
                    acts.refused(command, change, consent.who)
    except Refused as problem:
        # What was collected on the way is gone with its rows.
        del command.collected[before:]
        stays = str(problem)
        Task.objects.create(
            site=command.site,
            role=Role.PLANNER,
            text=_("Decide anew: %(why)s. %(stays)s")[:200] % {"why": why, "stays": stays},
            subject_type="decision",
            subject_id=decision.pk,
            created_at=command.now,
        )
    Disruption.objects.filter(decisions=decision).exclude(state=Disruption.State.CLOSED).update(
        state=Disruption.State.NEW,
        seen_at=None,
        back={"why": why, "who": consent.who, "stays": stays},
    )
    telling.tell_refused(command, consent, why)
    said = _("Taken out again: %(title)s.") if not stays else _("Said, but %(title)s stands.")
    return {
        "decision_id": decision.pk,
        "disruption_id": decision.disruption_id,
        "message": (said % {"title": decision.title}) + (f" {stays}" if stays else ""),
    }
