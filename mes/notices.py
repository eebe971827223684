"""Telling people: once a cause, in the app and by mail, each by his own settings."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, time
from decimal import Decimal
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection, transaction
from django.utils import translation
from django.utils.translation import gettext as _

from mes import live, rules
from mes.clock import wall_now
from mes.commands import Command
from mes.errors import Missing, Refused
from mes.models import Notice, NoticeSetting, OutgoingMail, Person, Role, RoleGrant, Site

Kind = Notice.Kind
ALARMS = frozenset({Kind.NEW, Kind.GROWING, Kind.BACK, Kind.ESCALATED})
# Down to which priority the bell rings and mail goes, where a person has said nothing.
DEFAULTS: Mapping[str, tuple[int, int]] = {
    Role.PLANNER: (2, 1),
    Role.SUPERVISOR: (2, 0),
    Role.MANAGER: (1, 0),
}


@dataclass(frozen=True, slots=True)
class News:
    """Something to tell people.

    subject   (type, id) of the record that it is about; url is its page.
    say       the sentence; called once a person, in his language.
    cause     what repeats are counted on; without one each kind on each subject is its own.
    priority  of what went wrong: each person is told by his settings. None: it is said to these
              people in person, and always told.
    value, extent  how much is at stake and how many orders: growth is measured by them.
    urgent    not held back by quiet hours.
    """

    kind: str
    subject: tuple[str, int]
    url: str
    say: Callable[[], str]
    cause: str = ""
    priority: int | None = None
    value: Decimal = Decimal(0)
    extent: int = 0
    urgent: bool = False

    @property
    def of(self) -> str:
        return self.cause or f"{self.kind}:{self.subject[0]}:{self.subject[1]}"


def notify(site: Site, people: Iterable[int], news: News, *, at: datetime) -> list[int]:
    """Tell people, inside the caller's transaction; returns whom, by id.

    at  the plant's now.

    Who was told of the same cause within the hour is not told again unless it grew: it is counted
    ("3 more held back since 09:40"). Mail goes out after the commit, by a process of its own.
    """
    chosen = set(people)
    if not chosen:
        return []
    ways = ways_of(site, chosen)
    known = {
        notice.person_id: notice
        for notice in Notice.objects.select_for_update().filter(
            site=site, person__in=chosen, cause=news.of
        )
    }
    told = []
    for person_id in sorted(chosen & ways.keys()):
        way, notice = ways[person_id], known.get(person_id)
        rings, mails = way.rings(news.priority), way.mails(news.priority)
        if not (rings or mails or notice):
            continue
        with translation.override(way.language):
            text = news.say()[:300]
        if notice is not None and not _is_told(notice, news, at):
            _hold_back(notice, news, text, at)
            continue
        before = notice or Notice(
            site=site, person_id=person_id, cause=news.of, first_at=at, times=0
        )
        _tell(before, news, text, at, rings=rings, mails=mails)
        if mails:
            _write_mail(site, way, before, at, urgent=news.urgent)
        _nothing_held(before)
        told.append(person_id)
    if told or known:
        _ring(site)
    return told


def _is_told(notice: Notice, news: News, at: datetime) -> bool:
    last = rules.Told(notice.told_at, notice.kind in ALARMS, notice.value, notice.extent)
    if news.kind == Kind.GROWING and last.is_alarm:
        return rules.is_worse_than(last, news.value, news.extent)
    return rules.tells(
        last, is_alarm=news.kind in ALARMS, value=news.value, extent=news.extent, now=at
    )


def _hold_back(notice: Notice, news: News, text: str, at: datetime) -> None:
    notice.text = text
    notice.over_due_at, notice.over_text = None, ""
    if news.kind != Kind.GROWING:
        notice.times += 1
        notice.held += 1
        notice.held_since = notice.held_since or at
    notice.save(update_fields=["text", "times", "held", "held_since", "over_due_at", "over_text"])


def _tell(notice: Notice, news: News, text: str, at: datetime, *, rings: bool, mails: bool) -> None:
    notice.kind = news.kind
    notice.subject_type, notice.subject_id = news.subject
    notice.url, notice.text, notice.priority = news.url, text, news.priority
    notice.value, notice.extent = news.value, news.extent
    notice.told_at = at
    notice.times += 1
    notice.mailed = notice.mailed or mails
    notice.over_due_at, notice.over_text = None, ""
    notice.read_at = None if rings else at
    notice.save()


def _nothing_held(notice: Notice) -> None:
    if notice.held:
        notice.held, notice.held_since = 0, None
        notice.save(update_fields=["held", "held_since"])


# -- what is over --------------------------------------------------------------------------------


def ends(
    site: Site, cause: str, say: Callable[[], str], *, at: datetime, at_once_but: int | None = None
) -> None:
    """A cause has ended: who got its alarm is told, once it has stayed so for ten minutes.

    at_once_but  a person who ended it himself: the others are told at once, he is not.
    """
    alarmed = list(
        Notice.objects.select_for_update(of=("self",))
        .filter(site=site, cause=cause, kind__in=[*ALARMS, Kind.DECIDED])
        .select_related("person")
    )
    if not alarmed:
        return
    for notice in alarmed:
        with translation.override(notice.person.language or site.language):
            notice.over_text = say()[:300]
        notice.over_due_at = at if at_once_but is not None else at + rules.SETTLED_AFTER
        if notice.person_id == at_once_but:
            notice.kind, notice.text = Kind.OVER, notice.over_text
            notice.over_due_at, notice.over_text, notice.read_at = None, "", at
        notice.save()
    if at_once_but is not None:
        tell_what_is_over(site, at=at)
    _ring(site)


def tell_what_is_over(site: Site, *, at: datetime) -> int:
    """Tell of what has ended and stayed so; returns to how many people. Safe to run twice."""
    with transaction.atomic():
        due = list(
            Notice.objects.select_for_update(skip_locked=True).filter(
                site=site, over_due_at__lte=at
            )
        )
        ways = ways_of(site, {notice.person_id for notice in due}) if due else {}
        for notice in due:
            notice.kind, notice.text = Kind.OVER, notice.over_text
            notice.over_due_at, notice.over_text = None, ""
            way = ways.get(notice.person_id)
            rings = way is not None and way.rings(notice.priority)
            notice.told_at, notice.read_at = at, None if rings else at
            notice.save()
            if way is not None and notice.mailed and way.address and settings.MAIL:
                _write_mail(site, way, notice, at, urgent=False)
            _nothing_held(notice)
        if due:
            _ring(site)
    return len(due)


# -- whom and how --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Way:
    """How one person of a site is reached."""

    person_id: int
    language: str
    address: str
    setting: NoticeSetting

    def rings(self, priority: int | None) -> bool:
        return priority is None or priority <= self.setting.bell_priority

    def mails(self, priority: int | None) -> bool:
        if not (self.address and settings.MAIL):
            return False
        if priority is None:
            return self.setting.mail_in_person
        return priority <= self.setting.mail_priority


def ways_of(site: Site, people: Iterable[int]) -> dict[int, Way]:
    """How each of these people is reached; who has no role on the site is left out."""
    grants = RoleGrant.objects.filter(site=site, person__in=people)
    roles: dict[int, set[str]] = {}
    for person_id, role in grants.values_list("person_id", "role"):
        roles.setdefault(person_id, set()).add(role)
    said = {
        setting.person_id: setting
        for setting in NoticeSetting.objects.filter(site=site, person__in=roles)
    }
    return {
        person.pk: Way(
            person_id=person.pk,
            language=person.language or site.language,
            address=_address(person, said.get(person.pk)),
            setting=said.get(person.pk) or default_setting(site, person.pk, roles[person.pk]),
        )
        for person in Person.objects.filter(pk__in=roles).select_related("user")
    }


def default_setting(site: Site, person_id: int, roles: Iterable[str]) -> NoticeSetting:
    """What counts for a person who has said nothing: by his roles."""
    ways = [DEFAULTS[role] for role in roles if role in DEFAULTS] or [(0, 0)]
    return NoticeSetting(
        site=site,
        person_id=person_id,
        bell_priority=max(bell for bell, _by_mail in ways),
        mail_priority=max(by_mail for _bell, by_mail in ways),
    )


def _address(person: Person, setting: NoticeSetting | None) -> str:
    own = setting.mail_address if setting is not None else ""
    return own or (person.user.email if person.user is not None and person.user.is_active else "")


def _write_mail(site: Site, way: Way, notice: Notice, at: datetime, *, urgent: bool) -> None:
    """Add the notice to the mail that waits for this person, or write one."""
    held_until = None
    if not urgent:
        local = at.astimezone(ZoneInfo(site.time_zone))
        held_until = rules.quiet_until(way.setting.quiet_from, way.setting.quiet_until, local)
    line: dict[str, Any] = {
        "text": notice.text,
        "url": notice.url,
        "at": at.isoformat(),
        "held": notice.held,
        "held_since": notice.held_since.isoformat() if notice.held_since else None,
    }
    now = wall_now()
    with connection.cursor() as cursor:
        # The sender's first try takes a mail out of this: what is being sent stays as it is.
        cursor.execute(
            """
            update mes_outgoingmail set lines = lines || %s::jsonb
             where id = (select id from mes_outgoingmail
                          where site_id = %s and person_id = %s and address = %s and attempts = 0
                            and sent_at is null and held_until is not distinct from %s
                          order by id limit 1 for update skip locked)
            """,
            [json.dumps([line]), site.pk, way.person_id, way.address, held_until],
        )
        if cursor.rowcount:
            return
    OutgoingMail.objects.create(
        site=site,
        person_id=way.person_id,
        address=way.address,
        language=way.language,
        lines=[line],
        message_id=uuid.uuid4(),
        written_at=now,
        held_until=held_until,
        next_at=now,
    )


def _ring(site: Site) -> None:
    transaction.on_commit(partial(live.publish, site.pk, ["notices"]), robust=True)


# -- what a person does with them ----------------------------------------------------------------


def read_notices(command: Command, *, notice_id: int | None = None) -> dict[str, Any]:
    """Mark one of the actor's notices as read, or all of them; read before is read.

    :raises Missing: if there is no such notice of his.
    """
    mine = Notice.objects.filter(site=command.site, person=command.actor.person_id or 0)
    if notice_id is not None:
        mine = mine.filter(pk=notice_id)
        if not mine.exists():
            raise Missing(_("There is no such notice of yours."))
    read = mine.filter(read_at=None).update(read_at=command.now)
    _ring(command.site)
    return {"read": read}


def read_of_subject(command: Command, *, subject_type: str, subject_id: int) -> dict[str, Any]:
    """Who looks at a record has read what he was told of it."""
    of_it = Notice.objects.filter(
        site=command.site,
        person=command.actor.person_id or 0,
        subject_type=subject_type,
        subject_id=subject_id,
        read_at=None,
    )
    read = of_it.update(read_at=command.now)
    _ring(command.site)
    return {"read": read}


def set_ways(
    command: Command,
    *,
    bell_priority: int,
    mail_priority: int,
    mail_in_person: bool,
    mail_address: str,
    quiet_from: time | None,
    quiet_until: time | None,
) -> dict[str, Any]:
    """Say how the actor wants to be told on this site.

    :raises Refused: if only one end of the quiet hours is said.
    """
    if (quiet_from is None) != (quiet_until is None):
        raise Refused(_("Say when the quiet hours begin and when they end, or neither."))
    NoticeSetting.objects.update_or_create(
        site=command.site,
        person_id=command.actor.person_id or 0,
        defaults={
            "bell_priority": bell_priority,
            "mail_priority": mail_priority,
            "mail_in_person": mail_in_person,
            "mail_address": mail_address,
            "quiet_from": quiet_from,
            "quiet_until": quiet_until,
        },
    )
    return {}
