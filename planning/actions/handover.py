"""From one shift to the next, of planners and of supervisors: what is open, what waits for whom."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from mes.actor import Actor
from mes.commands import Command
from mes.errors import Refused
from mes.events import plain
from mes.models import Comment, Role, Site, Task
from mes.rows import find
from planning import words
from planning.models import Consent, CustomerTold, Decision, Disruption, HandOver
from workorders.models import AndonCall

LONGEST_NOTE = 2000
LAST_WORDS = 3


def hand_over(command: Command, *, note: str) -> dict[str, Any]:
    """Keep the sheet of now with the note of who leaves it.

    :raises Refused: if a device does it, or the note is too long.
    """
    if command.actor.person_id is None:
        raise Refused(_("A person hands over."), status=403, code="no_right")
    if len(note) > LONGEST_NOTE:
        raise Refused(_("That is too long. Say it in %(n)d characters.") % {"n": LONGEST_NOTE})
    made = HandOver.objects.create(
        site=command.site,
        made_at=command.now,
        made_by_id=command.actor.person_id,
        role=as_whom(command.actor),
        note=note.strip(),
        sheet=plain(sheet(command.site, as_whom(command.actor))),
    )
    return {"hand_over_id": made.pk}


def confirm_hand_over(command: Command, *, hand_over_id: int) -> dict[str, Any]:
    """The next shift has read it; done before by him is answered as done.

    :raises Refused: by who wrote it or has another role, or if somebody else confirmed it.
    """
    row = find(command, HandOver, hand_over_id, lock=True)
    if command.actor.person_id in (None, row.made_by_id):
        raise Refused(
            _("The next shift confirms it, not who wrote it."), status=403, code="no_right"
        )
    if row.role not in command.actor.roles and Role.ADMIN not in command.actor.roles:
        raise Refused(not_for(row), status=403, code="no_right")
    if row.confirmed_by_id is None:
        row.confirmed_at, row.confirmed_by_id = command.now, command.actor.person_id
        row.save(update_fields=["confirmed_at", "confirmed_by"])
    elif row.confirmed_by_id != command.actor.person_id:
        raise Refused(_("Somebody has confirmed it already."), status=409, code="done_already")
    return {"hand_over_id": row.pk}


def as_whom(actor: Actor) -> Role:
    """As what somebody hands over: who plans as a planner, else who leads a shift as that."""
    leads = Role.SUPERVISOR in actor.roles and Role.PLANNER not in actor.roles
    return Role.SUPERVISOR if leads else Role.PLANNER


def not_for(row: HandOver) -> str:
    """Why somebody of another role does not take it over."""
    return _("It is for the next one of these: %(role)s.") % {"role": row.get_role_display()}


def left_for(site: Site, actor: Actor) -> list[HandOver]:
    """What the shifts before left to this person and nobody has taken over, the newest first."""
    rows = HandOver.objects.filter(site=site, role=as_whom(actor), confirmed_by=None)
    return list(
        rows.exclude(made_by=actor.person_id).select_related("made_by").order_by("-pk")[:LAST_WORDS]
    )


def sheet(site: Site, role: Role) -> dict[str, Any]:
    """What is open now, in words, without money: it is printed and left on a desk.

    role  whose last hand-over it counts from.
    """
    last = HandOver.objects.filter(site=site, role=role).order_by("-pk").first()
    since = last.made_at if last else None
    return {
        "since": since,
        "open": _open(site),
        "tentative": [
            {
                "text": words.ask(each.facts) if "kind" in each.facts else each.decision.title,
                "decision": each.decision_id,
                "who": each.get_role_display(),
                "until": each.latest_at,
            }
            for each in Consent.objects.asked(site.pk)
            .select_related("decision")
            .order_by("latest_at", "pk")
        ],
        "calls": [
            {
                "text": f"{each.unit.code}: {each.get_kind_display()}",
                "state": each.get_state_display(),
                "at": each.called_at,
            }
            for each in AndonCall.objects.filter(site=site, ended_at=None)
            .exclude(state="CANCELLED")
            .select_related("unit")
            .order_by("called_at", "pk")
        ],
        "tasks": [
            {"text": each.text, "who": each.get_role_display(), "until": each.due_at}
            for each in Task.objects.filter(
                site=site, done_at=None, role__in=(Role.PLANNER, Role.SALES, Role.SUPERVISOR)
            ).order_by("due_at", "pk")[:30]
        ],
        "decided": [
            {
                "decision": each.pk,
                "text": each.title,
                "who": each.person.name if each.person else "",
                "at": each.at,
                "undone": getattr(each, "undone_by", None) is not None,
            }
            for each in _lately(Decision.objects.filter(site=site, undo_of=None), since)
            .select_related("person", "undone_by")
            .order_by("-pk")[:30]
        ],
        "told": [
            {
                "text": f"{each.line.order.customer.name} {each.line.order.code}"
                f"/{each.line.number}",
                "said": each.said_at,
                "who": each.person.name if each.person else "",
                "at": each.at,
            }
            for each in _lately(CustomerTold.objects.filter(site=site), since)
            .select_related("person", "line__order__customer")
            .order_by("-pk")[:30]
        ],
    }


def _lately(rows: Any, since: datetime | None) -> Any:
    return rows.filter(at__gt=since) if since else rows


def _open(site: Site) -> list[dict[str, Any]]:
    """Every open disruption, the most urgent first, with its last comments as notes."""
    standing = (
        Disruption.objects.standing(site.pk)
        .exclude(kind="BACKLOG")
        .select_related("owner")
        .order_by("priority", "-at_stake", "number")
    )
    rows = []
    for each in standing:
        best = each.options.offered_answers().first()
        undecided = each.state != Disruption.State.ACCEPTED
        notes = (
            Comment.objects.filter(
                site=site,
                subject_type="disruption",
                subject_id=each.pk,
                withdraws=None,
                withdrawn_by=None,
            )
            .select_related("person")
            .order_by("-pk")[:LAST_WORDS]
        )
        rows.append(
            {
                "disruption": each.pk,
                "level": each.priority,
                "title": words.title(each),
                "state": words.state(each),
                "owner": each.owner.name if each.owner else "",
                "since": each.opened_at,
                "late": each.summary.get("late_lines", 0),
                "undecided": undecided,
                "best": words.option_name(best) if best and undecided else "",
                "decide_by": best.decide_by if best and undecided else None,
                "snoozed_until": each.snoozed_until,
                "notes": [f"{note.person.name}: {note.text}" for note in reversed(notes)],
            }
        )
    return rows
