"""A small plant with customers, a committed plan and a worker that is called by hand."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from equipment import actions as equipment
from materials import actions as materials
from materials.models import CustomerLine
from mes.clock import wall_now
from planning import actions as planning
from planning.actions import Result
from planning.models import Disruption, Impact
from tests.cast import HOUR, Plant, build_plant

DAY = timedelta(days=1)


class Company(Plant):
    """The small plant, its customers, and what planning makes of it."""

    def customer(self, code: str = "VOSS", **terms: Any) -> int:
        made = self.must(materials.add_customer, code=code, name=code.title(), **terms)
        self.ids[code] = made["customer_id"]
        return int(made["customer_id"])

    def sell(
        self,
        code: str,
        quantity: int,
        promised_at: datetime,
        *,
        customer: str = "VOSS",
        price: int = 100,
        item: str = "BODY",
    ) -> CustomerLine:
        self.must(
            materials.add_customer_order,
            code=code,
            customer_id=self.ids[customer],
            lines=[
                {
                    "item_id": self.ids[item],
                    "quantity": Decimal(quantity),
                    "requested_at": promised_at,
                    "promised_at": promised_at,
                    "price": Decimal(price),
                }
            ],
        )
        return CustomerLine.objects.get(site=self.site, order__code=code)

    def answer(self) -> Result:
        """What the worker does when the doorbell rings."""
        return planning.recompute(self.site.pk, wall_now=wall_now())

    def commit(self) -> None:
        self.answer()
        self.must(planning.commit_plan)
        self.answer()

    def disruption(self, kind: str) -> Disruption:
        return Disruption.objects.get(site=self.site, kind=kind)

    def impact(self, kind: str) -> Impact:
        return Impact.objects.filter(disruption=self.disruption(kind)).latest("version")


def build_company(
    code: str = "T1", prepare: Callable[[Company], None] = lambda company: None
) -> Company:
    """Two orders of bodies for Voss: ready on Monday, promised for Tuesday evening.

    prepare  adds masters before the orders are released.
    """
    base = build_plant(code)
    company = Company(site=base.site, actor=base.actor, ids=base.ids)
    prepare(company)
    company.customer(
        "VOSS", penalty_per_day=Decimal(200), late_weight_per_day=Decimal(50), transit_s=0
    )
    for number in (1, 2):
        company.order(f"WO-{number}", 60)
        company.sell(f"SO-{number}", 60, company.now + 11 * HOUR + number * DAY)
    company.must(
        equipment.add_rate,
        what="OVERTIME_HOUR",
        amount=Decimal(48),
        source="wage agreement 2026",
        owner="HR",
        valid_from=company.now - DAY,
    )
    return company


@pytest.fixture
def company(db: None) -> Company:
    made = build_company()
    made.commit()
    return made


@pytest.fixture
def committed_company(transactional_db: None) -> Company:
    """The same, really committed, so that other connections see it."""
    made = build_company()
    made.commit()
    return made


@pytest.fixture
def build(db: None) -> Callable[..., Company]:
    return build_company
