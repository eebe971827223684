"""A small plant for tests of what can happen: two machines, a bench, a bar, a valve body.

SHIFT_START  Monday 06:00 UTC, the plant's now until a test moves it
CNC-04       turns the body (operation 10); CNC-07 can do it too, slower
BENCH        deburrs it (operation 20) on two places, from the first five pieces on
BAR          bought; 1.5 of it go into a body; 1,000 lie in lot L-1
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest

from equipment import actions as equipment
from equipment.models import Equipment, UnitStatus
from materials import actions as materials
from materials.models import Item, Lot, StockBalance, StockMove
from mes import commands
from mes.actor import Actor, Grant
from mes.commands import Outcome
from mes.models import Person, Role, ShopFloorEvent, Site, SiteClock, SiteHead, SitePlan
from workorders import actions as workorders
from workorders.models import JobOrder, UnitQueue, WorkOrder

SHIFT_START = datetime(2026, 11, 23, 6, tzinfo=UTC)
HOUR = timedelta(hours=1)


@dataclass
class Plant:
    """The plant and a way to act in it: `plant.do(workorders.start, job_order_id=1)`."""

    site: Site
    actor: Actor
    ids: dict[str, int] = field(default_factory=dict)

    def do(
        self,
        act: Callable[..., dict[str, Any]],
        key: uuid.UUID | None = None,
        as_role: str | None = None,
        **values: Any,
    ) -> Outcome:
        """Run one act through the one door and return its answer, good or bad."""
        actor = self.actor
        if as_role is not None:
            actor = Actor(name=as_role.title(), grants={as_role: Grant(as_role)})
        return commands.run(
            site=self.site,
            key=key or uuid.uuid4(),
            actor=actor,
            name=act.__name__,
            body=values,
            act=lambda command: act(command, **values),
        )

    def must(self, act: Callable[..., dict[str, Any]], **values: Any) -> dict[str, Any]:
        """Run an act that a test needs to succeed, and return what it answered."""
        outcome = self.do(act, **values)
        assert outcome.ok, outcome.message
        return outcome.response

    def clock(self, at: datetime) -> None:
        SiteClock.objects.filter(site=self.site).update(at=at)

    @property
    def now(self) -> datetime:
        return SiteClock.objects.get(site=self.site).at

    def unit(self, code: str) -> Equipment:
        return Equipment.objects.get(site=self.site, code=code)

    def state(self, code: str) -> str:
        return UnitStatus.objects.get(unit=self.unit(code)).state

    def lot(self, code: str) -> Lot:
        return Lot.objects.get(site=self.site, code=code)

    def on_hand(self, code: str) -> Decimal:
        """What lies of a lot, all places together."""
        rows = StockBalance.objects.filter(site=self.site, lot__code=code)
        return sum((row.quantity for row in rows), Decimal(0))

    def queue(self, code: str) -> list[int]:
        row = UnitQueue.objects.filter(unit=self.unit(code)).first()
        return row.job_order_ids if row else []

    def kinds(self) -> list[str]:
        """The kinds of all events, in order."""
        return list(
            ShopFloorEvent.objects.filter(site=self.site)
            .order_by("seq")
            .values_list("kind", flat=True)
        )

    def newest(self, kind: str) -> ShopFloorEvent:
        return ShopFloorEvent.objects.filter(site=self.site, kind=kind).latest("seq")

    def order(
        self, code: str = "WO-1", quantity: int = 10, *, released: bool = True, item: str = "BODY"
    ) -> WorkOrder:
        """A work order for bodies, released unless told otherwise."""
        made = self.must(
            workorders.create_order,
            code=code,
            item_id=self.ids[item],
            quantity=Decimal(quantity),
            due_at=self.now + 48 * HOUR,
        )
        if released:
            self.must(workorders.release, work_order_id=made["work_order_id"])
        return WorkOrder.objects.get(pk=made["work_order_id"])

    def job(self, code: str = "WO-1", number: int = 10) -> JobOrder:
        return JobOrder.objects.get(
            work_order__site=self.site, work_order__code=code, number=number
        )

    def receive(self, item: str, lot: str, quantity: Any, **values: Any) -> Lot:
        self.must(
            materials.receive,
            item_id=self.ids[item],
            lot_code=lot,
            quantity=Decimal(quantity),
            location_id=self.ids["STORE"],
            **values,
        )
        return self.lot(lot)

    def report(self, job: JobOrder, good: Any, scrap: Any = 0, **values: Any) -> Outcome:
        return self.do(
            workorders.report_production,
            job_order_id=job.pk,
            good=Decimal(good),
            scrap=Decimal(scrap),
            **values,
        )


def build_plant(code: str = "T1") -> Plant:
    site = Site.objects.create(code=code, name="Test plant", clock=Site.Clock.SIMULATED)
    SiteHead.objects.create(site=site)
    SitePlan.objects.create(site=site)
    SiteClock.objects.create(site=site, at=SHIFT_START)
    person = Person.objects.create(name="Petra Novak")
    actor = Actor(
        name=person.name,
        person_id=person.pk,
        grants={role: Grant(role) for role in (Role.OPERATOR, Role.SUPERVISOR, Role.PLANNER)},
    )
    plant = Plant(site=site, actor=actor)
    ids = plant.ids
    ids["2S"] = plant.must(
        equipment.add_calendar,
        code="2S",
        name="Two shifts",
        shifts=[(day, time(6), time(22), "day") for day in range(5)],
    )["calendar_id"]
    for unit, places in (("CNC-04", 1), ("CNC-07", 1), ("BENCH", 2)):
        ids[unit] = plant.must(
            equipment.add_equipment,
            code=unit,
            name=unit,
            calendar_id=ids["2S"],
            places=places,
        )["equipment_id"]
    ids["SPINDLE"] = plant.must(
        equipment.add_reason, code="SPINDLE", name="Spindle", calls_maintenance=True
    )["reason_id"]
    ids["STORE"] = plant.must(materials.add_location, code="STORE", name="Store")["location_id"]
    for item, source in (("BAR", Item.Source.BUY), ("BODY", Item.Source.MAKE)):
        ids[item] = plant.must(materials.add_item, code=item, name=item, source=source)["item_id"]
    plant.must(
        materials.add_bill_line,
        item_id=ids["BODY"],
        component_id=ids["BAR"],
        quantity_per=Decimal("1.5"),
    )
    plant.must(
        workorders.add_routing,
        item_id=ids["BODY"],
        operations=[
            {
                "number": 10,
                "name": "Turn",
                "unit_id": ids["CNC-04"],
                "setup_s": 600,
                "run_s": Decimal(60),
                "family": "BODY",
                "transfer_batch": Decimal(5),
                "alternates": [(ids["CNC-07"], 900, Decimal(70))],
            },
            {"number": 20, "name": "Deburr", "unit_id": ids["BENCH"], "run_s": Decimal(30)},
        ],
    )
    plant.receive("BAR", "L-1", 1000)
    return plant


@pytest.fixture
def plant(db: None) -> Plant:
    return build_plant()


def assert_balances_are_the_sums_of_their_moves(plant: Plant) -> None:
    """The law of the ledger: what lies there is what moved there."""
    sums: dict[tuple[int, int], Decimal] = {}
    for row in StockMove.objects.filter(site=plant.site):
        where = (row.lot_id, row.location_id)
        sums[where] = sums.get(where, Decimal(0)) + row.quantity
    there = {
        (row.lot_id, row.location_id): row.quantity
        for row in StockBalance.objects.filter(site=plant.site)
    }
    assert {k: v for k, v in sums.items() if v} == {k: v for k, v in there.items() if v}


def assert_each_open_job_stands_in_one_queue(plant: Plant) -> None:
    open_jobs = {
        (job.unit_id, job.pk)
        for job in JobOrder.objects.filter(site=plant.site)
        if job.status not in {"COMPLETED", "ABORTED", "CLOSED"}
    }
    queued = [
        (row.unit_id, job)
        for row in UnitQueue.objects.filter(site=plant.site)
        for job in row.job_order_ids
    ]
    assert len(queued) == len(set(queued))
    assert set(queued) == open_jobs
