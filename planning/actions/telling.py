"""Whom a disruption's news reaches: new, growing, back again, decided, over, yours.

The threshold of growing is the value that was last reported, not the one before: figures that go
up and down a little tell nobody anything.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from mes import notices
from mes.access import ACTS
from mes.commands import Command
from mes.models import Notice, RoleGrant, Site
from mes.notices import News
from mes.rules import Told, is_worse_than
from planning import rules, words
from planning.models import Approval, Consent, Disruption

if TYPE_CHECKING:
    from planning.actions.disruptions import Row

Kind = Notice.Kind
NOTHING_TOLD: dict[str, Any] = {"value": "0", "extent": 0, "priority": 5}


def page_of(disruption_id: int) -> str:
    """The path of a disruption's page; the worker that tells of it loads no pages."""
    return f"/disruptions/{disruption_id}/"


def cause_of(disruption_id: int) -> str:
    return f"disruption:{disruption_id}"


def tell(site_id: int, news: Sequence[tuple[Row, str]], *, at: datetime) -> None:
    """Tell of what one recompute found, each row with its kind of news, in its transaction."""
    if not news:
        return
    site = Site.objects.get(pk=site_id)
    people = set(
        RoleGrant.objects.filter(site=site, role__in=ACTS["disruption.handle"]).values_list(
            "person_id", flat=True
        )
    )
    for row, kind in news:
        disruption = row.disruption
        if kind == Kind.OVER:
            notices.ends(site, cause_of(disruption.pk), _is_over(disruption), at=at)
            continue
        owner = {disruption.owner_id} if disruption.owner_id else set()
        notices.notify(site, people | owner, _news(row, kind), at=at)


def kind_of(row: Row) -> str:
    """What kind of news a row is, by what was reported of it last; empty: none."""
    disruption = row.disruption
    if disruption.kind == Disruption.Kind.BACKLOG:
        return ""
    if row.ends:
        return "" if row.is_new else Kind.OVER
    if row.is_new or row.is_again:
        return Kind.BACK if disruption.cause.get("back_again") else Kind.NEW
    if disruption.state not in ("NEW", "OPEN") or not row.is_changed:
        return ""
    last = disruption.summary.get("told") or NOTHING_TOLD
    told = Told(disruption.opened_at, True, rules.number(last["value"]), int(last["extent"]))
    worse = is_worse_than(told, disruption.at_stake, _extent(row))
    return Kind.GROWING if worse or disruption.priority < int(last["priority"]) else ""


def reported(row: Row, kind: str) -> dict[str, Any] | None:
    """What stands as reported once the news is out."""
    if kind not in (Kind.NEW, Kind.BACK, Kind.GROWING):
        told: dict[str, Any] | None = row.disruption.summary.get("told")
        return told
    return {
        "value": str(row.disruption.at_stake),
        "extent": _extent(row),
        "priority": row.disruption.priority,
    }


def _extent(row: Row) -> int:
    return int(row.figures["late_lines"]) if row.figures else 0


def _news(row: Row, kind: str) -> News:
    disruption = row.disruption
    return News(
        kind=kind,
        subject=("disruption", disruption.pk),
        url=page_of(disruption.pk),
        say=_alarm(disruption, kind, _extent(row)),
        cause=cause_of(disruption.pk),
        priority=disruption.priority,
        value=disruption.at_stake,
        extent=_extent(row),
    )


def _alarm(disruption: Disruption, kind: str, late: int) -> Callable[[], str]:
    def say() -> str:
        parts = [words.title(disruption)]
        if disruption.occurrences > 1:
            parts.append(words.times(disruption))
        if late:
            parts.append(
                ngettext("%(n)d delivery late", "%(n)d deliveries late", late) % {"n": late}
            )
        said = ", ".join(parts)
        if kind == Kind.GROWING:
            return _("Growing: %(what)s") % {"what": said}
        return _("Back again: %(what)s") % {"what": said} if kind == Kind.BACK else said

    return say


def _is_over(disruption: Disruption) -> Callable[[], str]:
    def say() -> str:
        said = _("Over: %(what)s") % {"what": words.title(disruption)}
        if disruption.occurrences > 1:
            said = f"{said}, {words.times(disruption)}"
        why = words.closed(disruption.close_reason)
        return f"{said} ({why})" if why else said

    return say


def tell_owner(command: Command, disruption: Disruption) -> None:
    """Somebody else made a person the owner: he hears of it."""
    if disruption.owner_id is None or disruption.owner_id == command.actor.person_id:
        return
    news = News(
        kind=Kind.ASSIGNED,
        subject=("disruption", disruption.pk),
        url=page_of(disruption.pk),
        say=lambda: (
            _("%(who)s gave you: %(what)s")
            % {"who": command.actor.name, "what": words.title(disruption)}
        ),
    )
    notices.notify(command.site, [disruption.owner_id], news, at=command.now)


def tell_closed(command: Command, disruption: Disruption) -> None:
    """A person closed it: the others who got the alarm hear of it at once."""
    notices.ends(
        command.site,
        cause_of(disruption.pk),
        _is_over(disruption),
        at=command.now,
        at_once_but=command.actor.person_id or 0,
    )


def tell_decided(command: Command, disruption: Disruption, title: str) -> None:
    """The owner, and who got the alarm, hear what somebody else decided."""
    people = set(
        Notice.objects.filter(site=command.site, cause=cause_of(disruption.pk)).values_list(
            "person_id", flat=True
        )
    )
    if disruption.owner_id:
        people.add(disruption.owner_id)
    news = News(
        kind=Kind.DECIDED,
        subject=("disruption", disruption.pk),
        url=page_of(disruption.pk),
        say=lambda: (
            _("%(who)s decided: %(title)s (%(what)s)")
            % {"who": command.actor.name, "title": title, "what": words.title(disruption)}
        ),
        cause=cause_of(disruption.pk),
    )
    notices.notify(command.site, people - {command.actor.person_id}, news, at=command.now)


def tell_answered(command: Command, approval: Approval, text: str) -> None:
    """Who asked hears that it was refused; that it was approved, he hears as decided."""
    _tell_person(
        command,
        approval.asked_by_id,
        Kind.ANSWERED,
        approval.disruption_id,
        f"answered:{approval.pk}",
        text,
    )


def tell_refused(command: Command, consent: Consent, why: str) -> None:
    """Who decided hears that somebody whose yes it needs said no, or nothing in time."""
    decision = consent.decision
    text = _("Decide anew, %(why)s: %(title)s") % {"why": why, "title": decision.title}
    _tell_person(
        command,
        decision.person_id,
        Kind.ANSWERED,
        decision.disruption_id,
        f"refused:{consent.pk}",
        text,
    )


def _tell_person(
    command: Command,
    person_id: int | None,
    kind: Notice.Kind,
    disruption_id: int | None,
    cause: str,
    text: str,
) -> None:
    if person_id is None or disruption_id is None or person_id == command.actor.person_id:
        return
    news = News(
        kind=kind,
        subject=("disruption", disruption_id),
        url=page_of(disruption_id),
        say=lambda: text,
        cause=cause,
    )
    notices.notify(command.site, [person_id], news, at=command.now)
