"""Asking somebody whose authority reaches further, and what becomes of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from mes import notices
from mes.clock import wall_now
from mes.commands import Command
from mes.errors import Missing, Refused, Stale
from mes.models import Notice, Role, RoleGrant, Task
from mes.notices import News
from mes.rows import find
from planning import words
from planning.actions import authority
from planning.actions.decide import accept
from planning.actions.lock import hold_lock
from planning.actions.look import preview
from planning.actions.telling import page_of, tell_answered
from planning.models import Approval, Disruption, Option

STATES = Approval.State


def ask_approval(
    command: Command,
    *,
    option_id: int,
    based_on_version: int,
    why: str = "",
    person_id: int | None = None,
    changes: list[dict[str, Any]] | None = None,
) -> dict[str, Any]:
    """Ask somebody to accept an option that is beyond the actor's own authority.

    person_id  whom; else the first who may and is on duty.
    changes    for the option "mine": the planner's own, as `accept` takes them.

    :raises Refused: if he may accept it himself, if nobody may, or it is asked already.
    """
    hold_lock(command.site.pk)
    option = find(command, Option, option_id)
    disruption = find(command, Disruption, option.disruption_id)
    if disruption.state in (Disruption.State.CLOSED, Disruption.State.ACCEPTED):
        raise Stale(_("It is over or decided; there is nothing to approve."))
    own = changes if option.kind == Option.Kind.MINE else None
    figures = preview(option, wall_now=wall_now(), changes=own)["figures"]
    scope = authority.Scope.of(figures)
    local = command.now.astimezone(ZoneInfo(command.site.time_zone))
    _actor, missing = authority.acting(command.actor, scope, local)
    if not missing:
        raise Refused(_("You may accept this yourself; nobody has to approve it."))
    able = authority.who_may(command.site, scope, local, besides=command.actor.person_id)
    if person_id is not None:
        able = [each for each in able if each.pk == person_id]
    if not able:
        raise Missing(_("Nobody here may approve this. Ask an administrator."))
    if Approval.objects.filter(
        disruption=disruption, option=option.slug, asked_of=able[0], state=STATES.ASKED
    ).exists():
        raise Refused(
            _("%(name)s is asked already.") % {"name": able[0].name},
            status=409,
            code="done_already",
        )
    approval = Approval.objects.create(
        site=command.site,
        disruption=disruption,
        option=option.slug,
        title=words.option_name(option)[:200],
        version=based_on_version,
        changes=own,
        lacks=missing,
        cash=figures["extra_cash"],
        why=why[:300],
        asked_by_id=command.actor.person_id,
        asked_of=able[0],
        asked_at=command.now,
    )
    Task.objects.create(
        site=command.site,
        role=_role_of(command, able[0].pk),
        person=able[0],
        text=words.approve(approval, command.actor.name)[:200],
        subject_type="approval",
        subject_id=approval.pk,
        due_at=option.decide_by,
        created_at=command.now,
    )
    news = News(
        kind=Notice.Kind.ASKED,
        subject=("disruption", disruption.pk),
        url=page_of(disruption.pk),
        say=lambda: words.approve(approval, command.actor.name),
        cause=f"approval:{approval.pk}",
    )
    notices.notify(command.site, [able[0].pk], news, at=command.now)
    _record(command, approval, "planning.approval.asked")
    return {
        "approval_id": approval.pk,
        "disruption_id": disruption.pk,
        "asked": able[0].name,
        "message": _("%(name)s is asked to approve.") % {"name": able[0].name},
    }


def approve(command: Command, *, approval_id: int, based_on_version: int = 0) -> dict[str, Any]:
    """Accept what somebody asks for, by one's own authority and the figures of now.

    based_on_version  the plan version of the approver's page, if he looks at a newer one.

    :raises Stale, Refused: as `accept` does; it stays asked then.
    """
    approval = _asked(command, approval_id)
    option = Option.objects.filter(
        disruption_id=approval.disruption_id, slug=approval.option
    ).first()
    if option is None:
        raise Stale(_("This option is not there any more. Choose another one."))
    return accept(
        command,
        option_id=option.pk,
        based_on_version=max(approval.version, based_on_version),
        why=approval.why,
        changes=approval.changes,
    )


def decline(command: Command, *, approval_id: int, reason: str) -> dict[str, Any]:
    """Refuse to accept what somebody asks for.

    :raises Refused: without a reason, or if somebody else is asked (403).
    """
    approval = _asked(command, approval_id)
    people = {command.actor.person_id, *command.actor.stands_in}
    if approval.asked_of_id not in people:
        raise Refused(
            _("%(name)s is asked.") % {"name": approval.asked_of.name}, status=403, code="no_right"
        )
    if not reason.strip():
        raise Refused(_("Say in a few words why not."))
    if approval.asked_of_id != command.actor.person_id:
        command.actor = replace(command.actor, on_behalf_of_id=approval.asked_of_id)
    approval.state = STATES.REFUSED
    approval.reason = reason.strip()[:200]
    approval.answered_at = command.now
    approval.answered_by_id = command.actor.person_id
    approval.save()
    Task.objects.filter(
        site=command.site, subject_type="approval", subject_id=approval.pk, done_at=None
    ).update(done_at=command.now, done_by=command.actor.person_id)
    if approval.asked_by_id is not None:
        Task.objects.create(
            site=command.site,
            role=_role_of(command, approval.asked_by_id),
            person_id=approval.asked_by_id,
            text=words.declined(approval, command.actor.name)[:200],
            subject_type="disruption",
            subject_id=approval.disruption_id,
            created_at=command.now,
        )
    tell_answered(command, approval, words.declined(approval, command.actor.name))
    _record(command, approval, "planning.approval.refused")
    return {
        "disruption_id": approval.disruption_id,
        "message": _("Refused: %(title)s.") % {"title": approval.title},
    }


def _asked(command: Command, approval_id: int) -> Approval:
    hold_lock(command.site.pk)
    approval = find(command, Approval, approval_id, lock=True)
    if approval.state != STATES.ASKED:
        raise Refused(
            _("This was answered before: %(state)s.")
            % {"state": approval.get_state_display().lower()},
            status=409,
            code="done_already",
        )
    return approval


def _role_of(command: Command, person_id: int) -> str:
    """The role in which somebody decides here, for a task of his."""
    roles = RoleGrant.objects.filter(
        site=command.site, person=person_id, role__in=authority.DECIDES
    ).order_by("pk")
    return roles.values_list("role", flat=True).first() or Role.PLANNER


def _record(command: Command, approval: Approval, kind: str) -> None:
    command.record(
        kind,
        subject=("disruption", approval.disruption_id),
        body={
            "approval_id": approval.pk,
            "option": approval.option,
            "title": approval.title,
            "asked_of_id": approval.asked_of_id,
            "cash": approval.cash,
            "reason": approval.reason or approval.why,
        },
    )
