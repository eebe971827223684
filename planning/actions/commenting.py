"""What people write to each other on a record: added to, never changed; taken back by its author.

A comment is no event of the plant: nothing is computed anew for it. Its table refuses changes.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import Model, QuerySet
from django.utils.translation import gettext as _

from mes import live, notices
from mes.commands import Command
from mes.errors import Missing, Refused
from mes.models import Comment, Notice, Person, RoleGrant, Site
from mes.notices import News
from planning import words
from planning.actions.telling import page_of
from planning.models import Decision, Disruption
from workorders.models import WorkOrder

LONGEST = 2000
MENTION = re.compile(r"(?<![\w.])@([^\W\d_][\w.'-]*(?: [^\W\d_][\w.'-]*)?)")

# What may be commented on: its rows, the path of its page, what it is called.
Subject = tuple[type[Model], Callable[[Any], str], Callable[[Any], str]]
SUBJECTS: dict[str, Subject] = {
    "disruption": (Disruption, lambda row: page_of(row.pk), words.title),
    "decision": (Decision, lambda row: f"/decisions/{row.pk}/", lambda row: row.title),
    "work_order": (WorkOrder, lambda row: f"/work-orders/{row.code}/", lambda row: row.code),
}


def subject_of(site: Site, subject_type: str, subject_id: int) -> Any:
    """The record that is commented on.

    :raises Missing: if there is none on this site, or nothing of its kind is commented on.
    """
    model = SUBJECTS[subject_type][0] if subject_type in SUBJECTS else None
    row = model and model._default_manager.filter(site=site, pk=subject_id).first()
    if not row:
        raise Missing(_("There is no such record here to comment on."))
    return row


def comments_on(site: Site, subject_type: str, subject_id: int) -> QuerySet[Comment]:
    """What was written on a record, the oldest first; what was taken back is among it."""
    return (
        Comment.objects.filter(
            site=site, subject_type=subject_type, subject_id=subject_id, withdraws=None
        )
        .select_related("person", "withdrawn_by")
        .order_by("pk")
    )


def comment(command: Command, *, subject_type: str, subject_id: int, text: str) -> dict[str, Any]:
    """Write on a record; who is mentioned (@Jana, @Jana Marek) is told.

    :raises Refused: if nothing is said, too much, or by a device.
    """
    row = subject_of(command.site, subject_type, subject_id)
    said = text.strip()
    if not said:
        raise Refused(_("Write something first."))
    if len(said) > LONGEST:
        raise Refused(_("That is too long. Say it in %(n)d characters.") % {"n": LONGEST})
    written = Comment.objects.create(
        site=command.site,
        subject_type=subject_type,
        subject_id=subject_id,
        person_id=_author(command),
        at=command.now,
        text=said,
    )
    _model, path, name = SUBJECTS[subject_type]
    told = notices.notify(
        command.site,
        mentioned(command.site, said) - {command.actor.person_id or 0},
        News(
            kind=Notice.Kind.MENTIONED,
            subject=(subject_type, subject_id),
            url=path(row),
            say=lambda: (
                _("%(who)s on %(what)s: %(text)s")
                % {"who": command.actor.name, "what": name(row), "text": said}
            ),
            cause=f"comment:{written.pk}",
        ),
        at=command.now,
    )
    _show(command, subject_type, subject_id)
    return {"comment_id": written.pk, "told": told}


def withdraw_comment(command: Command, *, comment_id: int) -> dict[str, Any]:
    """Take one's own comment back: its words are shown no more, that it was there is.

    :raises Refused: if it is another's, or was taken back before.
    """
    written = Comment.objects.filter(site=command.site, pk=comment_id, withdraws=None).first()
    if written is None:
        raise Missing(_("There is no such comment here."))
    if written.person_id != _author(command):
        raise Refused(_("Only who wrote it can take it back."), status=403, code="no_right")
    if Comment.objects.filter(withdraws=written).exists():
        raise Refused(_("It was taken back before."), status=409, code="done_already")
    Comment.objects.create(
        site=command.site,
        subject_type=written.subject_type,
        subject_id=written.subject_id,
        person_id=written.person_id,
        at=command.now,
        withdraws=written,
    )
    Notice.objects.filter(site=command.site, cause=f"comment:{written.pk}").delete()
    _show(command, written.subject_type, written.subject_id)
    return {"comment_id": written.pk}


def mentioned(site: Site, text: str) -> set[int]:
    """The people of a site whom a text names after an @: by name, first name or user name."""
    if "@" not in text:
        return set()
    by_name: dict[str, set[int]] = {}
    granted = RoleGrant.objects.filter(site=site).values("person_id")
    for person in Person.objects.filter(pk__in=granted).select_related("user"):
        names = {person.name, person.name.split(" ")[0]}
        if person.user is not None:
            names.add(person.user.get_username())
        for each in names:
            by_name.setdefault(each.casefold(), set()).add(person.pk)
    found: set[int] = set()
    for named in MENTION.findall(text):
        for said in (named, named.split(" ")[0]):
            people = by_name.get(said.rstrip(".").casefold())
            if people:
                # Two of one first name: both are told rather than neither.
                found |= people
                break
    return found


def _author(command: Command) -> int:
    if command.actor.person_id is None:
        raise Refused(_("A comment is a person's."), status=403, code="no_right")
    return command.actor.person_id


def _show(command: Command, subject_type: str, subject_id: int) -> None:
    topic = f"comments:{subject_type}:{subject_id}"
    transaction.on_commit(partial(live.publish, command.site.pk, [topic]), robust=True)
