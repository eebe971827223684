"""Standing decisions: what a planner decided beforehand, applied and reported by itself."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from equipment.models import Equipment
from mes.access import grant_of
from mes.actor import Actor, Grant
from mes.clock import plant_now
from mes.commands import Command, run
from mes.errors import Refused
from mes.masters import save_master
from mes.models import Role, RoleGrant, Site, SitePlan, Task
from mes.rows import find
from mes.rules import hours_of, within
from planning import rules, words
from planning.actions import authority
from planning.actions.decide import accept
from planning.models import Decision, Disruption, Option, StandingDecision

Applies = StandingDecision.Applies


def save_rule(
    command: Command,
    *,
    rule_name: str,
    amount_limit: Decimal,
    rule_id: int | None = None,
    cause: str = "",
    option_kind: str = "",
    place_id: int | None = None,
    nobody_later: bool = True,
    applies: str = Applies.OFF_DUTY,
    hours: str = "",
) -> dict[str, Any]:
    """Write a rule, or change one; whoever does decides by it from then on.

    :raises Refused: without a name or readable hours, or beyond the writer's own authority.
    """
    if command.actor.person_id is None:
        raise Refused(_("A rule is a person's; sign in as one."))
    if not rule_name.strip():
        raise Refused(_("Give the rule a name; the decision log shows it."))
    if applies == Applies.HOURS and not _readable(hours):
        raise Refused(_("Write its hours as Mon-Fri 22:00-06:00, Sat 06:00-12:00."))
    scope = authority.Scope(rules.ten_thousandths(amount_limit), False, not nobody_later)
    _actor, missing = authority.acting(command.actor, scope, None)
    if missing:
        able = [each.name for each in authority.who_may(command.site, scope, _local(command))]
        raise Refused(
            words.authority(missing, able, amount_limit, command.site),
            status=403,
            code="authority",
        )
    rule = find(command, StandingDecision, rule_id) if rule_id else StandingDecision()
    rule.site = command.site
    rule.name = rule_name.strip()[:60]
    rule.cause, rule.option_kind = cause, option_kind
    rule.place = find(command, Equipment, place_id) if place_id else None
    rule.amount_limit, rule.nobody_later = amount_limit, nobody_later
    rule.applies, rule.hours = applies, hours.strip() if applies == Applies.HOURS else ""
    rule.writer_id = command.actor.person_id
    save_master(command, rule)
    return {"rule_id": rule.pk}


def switch_rule(command: Command, *, rule_id: int, active: bool) -> dict[str, Any]:
    """Switch a rule off, or on again."""
    rule = find(command, StandingDecision, rule_id, lock=True)
    if rule.active != active:
        rule.active = active
        save_master(command, rule)
    return {"rule_id": rule.pk, "active": rule.active}


def apply_rules(site_id: int, *, wall_now: datetime) -> list[int]:
    """Decide by the rules of a site what nobody has decided; returns those decisions.

    wall_now  the wall clock, by which a REAL site lives; a SIMULATED one has its own.

    Called once the options are made. A rule decides about a disruption once: who takes its
    decision back has the last word.
    """
    standing = list(
        StandingDecision.objects.filter(site=site_id, active=True)
        .select_related("writer")
        .order_by("pk")
    )
    if not standing:
        return []
    site = Site.objects.get(pk=site_id)
    now = plant_now(site) if site.clock == Site.Clock.SIMULATED else wall_now
    made = []
    waiting = Disruption.objects.standing(site_id).filter(
        state__in=(Disruption.State.NEW, Disruption.State.OPEN), summary__options_due=False
    )
    for disruption in waiting.order_by("priority", "-at_stake", "pk"):
        for rule, option in _answers(site, disruption, standing, now):
            if (decision_id := _decide(site, rule, option)) is not None:
                made.append(decision_id)
                break
    return made


def _answers(
    site: Site, disruption: Disruption, standing: list[StandingDecision], now: datetime
) -> Iterator[tuple[StandingDecision, Option]]:
    """The rules that answer a disruption now, each with the best option that it allows."""
    places = _places(disruption)
    options = list(disruption.options.offered_answers().filter(saves__gt=0))
    for rule in standing:
        if rule.cause and rule.cause != disruption.kind:
            continue
        if rule.place_id is not None and rule.place_id not in places:
            continue
        if not _is_time(site, rule, now):
            continue
        if Decision.objects.filter(
            disruption=disruption, rule=rule, at__gte=disruption.opened_at
        ).exists():
            continue
        option = next((each for each in options if _allows(rule, each)), None)
        if option is not None:
            yield rule, option


def _allows(rule: StandingDecision, option: Option) -> bool:
    figures = option.figures
    if rule.option_kind and rule.option_kind != option.kind:
        return False
    if figures.get("unknown") or option.cash > rule.amount_limit:
        return False
    return not (rule.nobody_later and figures.get("hurt"))


def _is_time(site: Site, rule: StandingDecision, now: datetime) -> bool:
    local = now.astimezone(ZoneInfo(site.time_zone))
    if rule.applies == Applies.HOURS:
        return within(rule.hours, local)
    if rule.applies == Applies.OFF_DUTY:
        return not authority.on_duty(site, Role.PLANNER, local)
    return True


def _places(disruption: Disruption) -> set[int]:
    """The unit that it is about, with the cell, the area and the plant around it."""
    at = disruption.cause.get("place_id") or disruption.cause.get("unit_id")
    found: set[int] = set()
    unit = Equipment.objects.filter(site=disruption.site_id, pk=at or 0).first()
    while unit is not None and unit.pk not in found:
        found.add(unit.pk)
        unit = unit.parent
    return found


def _decide(site: Site, rule: StandingDecision, option: Option) -> int | None:
    """Accept an option by a rule; None where it is refused. The writer is told."""

    def act(command: Command) -> dict[str, Any]:
        made = accept(
            command,
            option_id=option.pk,
            based_on_version=SitePlan.objects.get(site=site).plan_version,
            why=_("By the rule %(rule)s") % {"rule": rule.name},
            rule=rule,
        )
        Task.objects.create(
            site=site,
            role=Role.PLANNER,
            person=rule.writer,
            text=_("Your rule %(rule)s decided: %(title)s.")[:200]
            % {"rule": rule.name, "title": made["title"]},
            subject_type="notice",
            subject_id=made["decision_id"],
            created_at=command.now,
        )
        return made

    outcome = run(
        site=site,
        # Tried once for each version of the option: a refusal stands until it is made anew.
        key=uuid.uuid5(uuid.NAMESPACE_OID, f"rule {rule.pk} {option.pk} {option.version}"),
        actor=_actor(site, rule),
        name="rule.accept",
        body={"rule_id": rule.pk, "option_id": option.pk, "version": option.version},
        act=act,
    )
    return int(outcome.response["decision_id"]) if outcome.ok and not outcome.replayed else None


def _actor(site: Site, rule: StandingDecision) -> Actor:
    """The rule in its writer's name: no further than either of them reaches, at any hour."""
    grants: dict[str, Grant] = {}
    for row in RoleGrant.objects.filter(
        site=site, person=rule.writer_id, role__in=authority.DECIDES
    ):
        grant = grant_of(row)
        limit = grant.amount_limit
        grants[row.role] = Grant(
            role=row.role,
            amount_limit=rule.amount_limit if limit is None else min(limit, rule.amount_limit),
            may_touch_frozen=grant.may_touch_frozen,
            may_hurt_customer=grant.may_hurt_customer and not rule.nobody_later,
        )
    name = _("Rule %(rule)s") % {"rule": rule.name}
    return Actor(name=name, on_behalf_of_id=rule.writer_id, grants=grants)


def _readable(hours: str) -> bool:
    try:
        return bool(hours_of(hours))
    except ValueError:
        return False


def _local(command: Command) -> datetime:
    return command.now.astimezone(ZoneInfo(command.site.time_zone))
