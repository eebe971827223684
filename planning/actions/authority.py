"""How far somebody's authority reaches: an amount, the frozen window, customers, hours."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from mes.access import ACTS, grant_of
from mes.actor import Actor, Grant
from mes.commands import Command
from mes.errors import Refused
from mes.models import Person, Role, RoleGrant, Site
from mes.rules import within
from planning import rules, words

DECIDES = ACTS["option.accept"]


@dataclass(frozen=True, slots=True)
class Scope:
    """What of an option needs authority. The amount in ten-thousandths of the currency."""

    amount: int
    frozen: bool
    hurts: bool

    @classmethod
    def of(cls, figures: rules.OptionFigures) -> Scope:
        return cls(
            rules.ten_thousandths_of(figures["extra_cash"]),
            bool(figures["frozen_moved"]),
            bool(figures["hurt"]),
        )


def lacks(grants: Iterable[Grant], scope: Scope, local: datetime | None) -> list[str]:
    """What one person's grants lack for a decision; empty: he may take it.

    local  the plant's now in its own zone; None: hours don't count.
    """
    able = [grant for grant in grants if grant.role in DECIDES]
    if not able:
        return ["role"]
    on_duty = [g for g in able if not g.hours or local is None or within(g.hours, local)]
    if not on_duty:
        return ["hours"]
    found = []
    if not any(
        g.amount_limit is None or rules.ten_thousandths(g.amount_limit) >= scope.amount
        for g in on_duty
    ):
        found.append("amount")
    if scope.frozen and not any(g.may_touch_frozen for g in on_duty):
        found.append("frozen")
    if scope.hurts and not any(g.may_hurt_customer for g in on_duty):
        found.append("customer")
    return found


def acting(actor: Actor, scope: Scope, local: datetime | None) -> tuple[Actor, list[str]]:
    """Who decides, and what he lacks: he himself, or as a deputy if that reaches further."""
    own = lacks(actor.grants.values(), scope, local)
    if own and actor.on_behalf_of_id is None:
        for person_id, grants in actor.stands_in.items():
            if not lacks(grants, scope, local):
                return replace(actor, on_behalf_of_id=person_id), []
    return actor, own


def check(command: Command, figures: rules.OptionFigures) -> None:
    """Refuse what is beyond the actor's authority, and say who could do it.

    Where he decides as a deputy, the command is from then on in the name of both.
    """
    scope, site = Scope.of(figures), command.site
    local = command.now.astimezone(ZoneInfo(site.time_zone))
    command.actor, missing = acting(command.actor, scope, local)
    if not missing:
        return
    able = [each.name for each in who_may(site, scope, local, besides=command.actor.person_id)]
    raise Refused(
        words.authority(missing, able, rules.number(figures["extra_cash"]), site),
        status=403,
        code="authority",
        needs={"lacks": missing, "ask": able},
    )


def who_may(
    site: Site, scope: Scope, local: datetime, *, besides: int | None = None
) -> list[Person]:
    """Who could take a decision, those first who are on duty now; by name."""
    found = []
    for person, grants in _by_person(site, DECIDES):
        if person.pk == besides or lacks(grants, scope, None):
            continue
        found.append((bool(lacks(grants, scope, local)), person.name, person))
    return [person for _off, _name, person in sorted(found, key=lambda each: each[:2])]


def on_duty(site: Site, role: Role, local: datetime) -> list[Person]:
    """Who of a role is on duty now."""
    return [
        person
        for person, grants in _by_person(site, {role})
        if any(not g.hours or within(g.hours, local) for g in grants)
    ]


def on_call(site: Site, role: Role, local: datetime) -> list[Person]:
    """Who of a role is called now though he is not on duty."""
    rows = RoleGrant.objects.filter(site=site, role=role).exclude(on_call="")
    ready = [row for row in rows.select_related("person") if within(row.on_call, local)]
    return [row.person for row in sorted(ready, key=lambda row: row.person.name)]


def _by_person(site: Site, roles: Iterable[str]) -> Iterator[tuple[Person, list[Grant]]]:
    found: dict[Person, list[Grant]] = {}
    rows = RoleGrant.objects.filter(site=site, role__in=roles).select_related("person")
    for row in rows.order_by("person__name", "pk"):
        found.setdefault(row.person, []).append(grant_of(row))
    yield from found.items()
