"""Who acts: a person, a device, or the system, on behalf of whom, with which rights."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal

from mes.models import Role


@dataclass(frozen=True, slots=True)
class Grant:
    """One role of an actor on the site at hand and how far it reaches."""

    role: str
    amount_limit: Decimal | None = None
    may_touch_frozen: bool = False
    may_hurt_customer: bool = True
    hours: str = ""  # when it holds, as `rules.hours_of` reads it; empty: always


@dataclass(frozen=True, slots=True)
class Actor:
    """The one who acts, as every action gets it. Rights are those on the site at hand."""

    name: str
    person_id: int | None = None
    device_id: int | None = None
    station: str = ""  # where a device stands; empty: it belongs to none
    on_behalf_of_id: int | None = None
    grants: Mapping[str, Grant] = field(default_factory=dict)
    # Whom he stands in for as a deputy, by that person's number: what that person may.
    stands_in: Mapping[int, tuple[Grant, ...]] = field(default_factory=dict)
    # A person's token reports and reads; it decides only if it was made to.
    decides: bool = True

    @property
    def roles(self) -> frozenset[str]:
        lent = (grant.role for grants in self.stands_in.values() for grant in grants)
        return frozenset(self.grants).union(lent)

    def acting_as(self, roles: Collection[str]) -> Actor:
        """He himself if he has one of the roles; else as deputy of somebody who has."""
        if self.on_behalf_of_id is not None or not self.grants.keys().isdisjoint(roles):
            return self
        for person_id, grants in self.stands_in.items():
            if any(grant.role in roles for grant in grants):
                return replace(self, on_behalf_of_id=person_id)
        return self


SYSTEM = Actor(name="Downstream", grants={Role.ADMIN: Grant(Role.ADMIN)})
