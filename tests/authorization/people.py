"""Everybody who could knock: each role, nobody, somebody who left, a device, a token."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client

from mes.access import DECISIONS, token_sha256
from mes.clock import wall_now
from mes.models import Device, Person, PersonToken, Role, RoleGrant, Site


class Knocker(Client):
    """A client that keeps no template contexts: of thousands of answers only these are read."""

    def request(self, **request: Any) -> Any:
        answer: Any = self.handler(self._base_environ(**request))  # type: ignore[attr-defined]
        answer.json = lambda: json.loads(answer.content)
        self.cookies.update(answer.cookies)
        return answer


@dataclass(slots=True)
class Caller:
    """Somebody with a way in: a session, a token or neither."""

    name: str
    roles: frozenset[str] = frozenset()
    token: str = ""
    user: User | None = None
    acts: bool = True  # False: disabled, revoked or unknown, so worth nothing
    decides: bool = True
    client: Knocker = field(default_factory=Knocker)
    _session: str = ""

    def ask(self, method: str, url: str, **values: Any) -> Any:
        """Send one request as this caller; who was signed out signs in again before it."""
        if self.user is not None:
            cookie = self.client.cookies.get(settings.SESSION_COOKIE_NAME)
            if not self._session or cookie is None or cookie.value != self._session:
                self.client.force_login(self.user)
                self._session = self.client.cookies[settings.SESSION_COOKIE_NAME].value
        if self.token:
            values["headers"] = {
                "Authorization": f"Bearer {self.token}",
                **values.get("headers", {}),
            }
        if method in ("POST", "PUT", "PATCH") and "data" not in values:
            values |= {"data": "{}", "content_type": "application/json"}
        return getattr(self.client, method.lower())(url, **values)

    def may(self, allowed: frozenset[str], act: str) -> bool:
        return self.acts and bool(self.roles & allowed) and (self.decides or act not in DECISIONS)


def a_person(site: Site, *roles: str, name: str = "", active: bool = True) -> Caller:
    name = name or " ".join(roles).title() or "Nobody's"
    user = User.objects.create_user(f"user-of-{name}-{site.code}"[:150])
    person = Person.objects.create(user=user, name=name[:80])
    for role in roles:
        RoleGrant.objects.create(person=person, role=role, site=site)
    caller = Caller(name, frozenset(roles), user=user)
    if not active:
        # Signed in first, disabled then: the session is still there.
        caller.ask("GET", "/healthz")
        User.objects.filter(pk=user.pk).update(is_active=False)
        caller.acts = False
    return caller


def a_device(site: Site, role: str, *, revoked: bool = False) -> Caller:
    token = f"token-of-{role}-{revoked}-{site.code}"
    Device.objects.create(
        site=site,
        code=f"D-{role}-{revoked}",
        role=role,
        token_sha256=token_sha256(token),
        revoked_at=wall_now() if revoked else None,
    )
    name = f"{'revoked ' if revoked else ''}device of {role}"
    return Caller(name, frozenset({role}), token=token, acts=not revoked, decides=False)


def a_token(owner: Caller, site: Site, *, decides: bool = False, revoked: bool = False) -> Caller:
    """A token that a person made for the API."""
    token = f"token-of-{owner.name}-{decides}-{revoked}"
    PersonToken.objects.create(
        site=site,
        person=Person.objects.get(user=owner.user),
        name=token[:60],
        token_sha256=token_sha256(token),
        decides=decides,
        made_at=wall_now(),
        revoked_at=wall_now() if revoked else None,
    )
    name = f"{'revoked ' if revoked else ''}token of {owner.name}{' that decides' * decides}"
    return Caller(name, owner.roles, token=token, acts=owner.acts and not revoked, decides=decides)


def everybody(site: Site) -> list[Caller]:
    every = a_person(site, *Role.values, name="Everything")
    left = a_person(site, *Role.values, name="Disabled", active=False)
    return [
        *(a_person(site, role) for role in Role.values),
        every,
        left,
        a_person(site, name="No role"),
        a_token(every, site),
        a_token(every, site, decides=True),
        a_token(every, site, decides=True, revoked=True),
        a_token(left, site, decides=True),
        Caller("anonymous", acts=False),
        Caller("unknown token", token="unknown", acts=False),
        a_device(site, Role.OPERATOR),
        a_device(site, Role.ADMIN),
        a_device(site, Role.ADMIN, revoked=True),
    ]
