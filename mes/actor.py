"""Who acts: a person, a device, or the system, on behalf of whom, with which rights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from mes.models import Role


@dataclass(frozen=True, slots=True)
class Grant:
    """One role of an actor on the site at hand and how far it reaches."""

    role: str
    amount_limit: Decimal | None = None
    may_touch_frozen: bool = False
    may_hurt_customer: bool = True


@dataclass(frozen=True, slots=True)
class Actor:
    """The one who acts, as every action gets it. Rights are those on the site at hand."""

    name: str
    person_id: int | None = None
    device_id: int | None = None
    on_behalf_of_id: int | None = None
    grants: Mapping[str, Grant] = field(default_factory=dict)

    @property
    def roles(self) -> frozenset[str]:
        return frozenset(self.grants)


SYSTEM = Actor(name="Downstream", grants={Role.ADMIN: Grant(Role.ADMIN)})
