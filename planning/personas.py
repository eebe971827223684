"""The people of the demo, shared by its plants: whichever plant is built first makes them."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User

from mes.access import token_sha256
from mes.commands import Command
from mes.masters import save_master
from mes.models import Person, Role, RoleGrant
from planning.northfield import DEMO_PASSWORD, PERSONAS, Duty, Persona


def grant_personas(command: Command, *, duties: Mapping[str, Duty] | None = None) -> None:
    """Give every persona its role on the command's site; who has it already keeps it.

    duties  by user: when he may decide, and who stands in for him; who has none decides always.
    """
    # The same hash for all, made once: it is a demo's password, and hashing is slow.
    password = make_password(DEMO_PASSWORD) if settings.MODE != "PRODUCTION" else None
    people = {persona.user: _person(persona, password) for persona in PERSONAS}
    for persona in PERSONAS:
        person, duty = people[persona.user], (duties or {}).get(persona.user, Duty(""))
        away = duty.away or (None, None)
        grant = RoleGrant(
            person=person,
            role=persona.role,
            site=command.site,
            amount_limit=Decimal(persona.amount_limit) if persona.amount_limit else None,
            may_touch_frozen=persona.may_touch_frozen,
            hours=duty.hours,
            on_call=duty.on_call,
            deputy=people.get(duty.deputy),
            deputy_from=away[0],
            deputy_to=away[1],
        )
        known = RoleGrant.objects.filter(person=person, role=grant.role, site=grant.site)
        if not known.exists():
            save_master(command, grant)


def _person(persona: Persona, password: str | None) -> Person:
    """The person of a badge, made if there is none; with a user where passwords are given."""
    badge = token_sha256(persona.badge)
    known = Person.objects.filter(badge_sha256=badge).first()
    if known is not None:
        return known
    user = None
    if password is not None:
        first, _, last = persona.name.partition(" ")
        user, _made = User.objects.get_or_create(
            username=persona.user,
            defaults={
                "first_name": first,
                "last_name": last,
                "email": f"{persona.user}@northfield.example",
                "password": password,
                "is_staff": persona.role == Role.ADMIN,
                "is_superuser": persona.role == Role.ADMIN,
            },
        )
    # A person belongs to no site's ledger; the grant that follows is what the site records.
    return Person.objects.create(name=persona.name, user=user, badge_sha256=badge)
