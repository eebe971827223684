"""Stores a mapped company as a site: all of it in one command, with one event, or nothing."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any, TypeVar

from django.conf import settings
from django.db import transaction
from django.db.models import Model
from django.utils.translation import gettext as _
from simple_history.utils import bulk_create_with_history

from equipment.models import CostRate, Equipment, Reason, ShiftPattern, UnitStatus, WorkCalendar
from materials.models import (
    BillLine,
    Customer,
    CustomerLine,
    CustomerOrder,
    Item,
    Location,
    Lot,
    PurchaseLine,
    StockBalance,
    StockMove,
    Supplier,
)
from mes import commands
from mes.actor import SYSTEM
from mes.errors import Refused
from mes.models import ShopFloorEvent, Site, SiteClock, SiteHead, SitePlan
from planning.adventureworks import choices
from planning.adventureworks.mapping import JobRow, Load, terms
from planning.personas import grant_personas
from workorders.models import (
    JobAlternate,
    JobLink,
    JobMaterial,
    JobOrder,
    OperationAlternate,
    Routing,
    RoutingOperation,
    UnitQueue,
    WorkOrder,
)

SOURCE = "AdventureWorks"
BATCH = 2_000
Row = TypeVar("Row", bound=Model)
Said = Callable[[str, int, int], None]

# All keys of the import and of its replay are drawn from here, so that they are the same again.
KEYS = uuid.UUID("8a1b8f52-6a0e-5b6c-9d1b-3f0d1c7be7a4")


def key_of(site: Site, *parts: object) -> uuid.UUID:
    """The key of one act of the import or the replay: the same parts give the same key."""
    return uuid.uuid5(KEYS, "/".join(str(part) for part in (site.pk, *parts)))


def loaded(site: Site) -> dict[str, Any] | None:
    """What an earlier import left on the site: the body of its event."""
    event = ShopFloorEvent.objects.filter(site=site, kind="mes.site.loaded").first()
    return event.body if event is not None else None


def source_of(load: Load) -> str:
    return f"{SOURCE} {load.sha256}"


def check_again(site: Site, load: Load) -> bool:
    """True if exactly this is on the site already.

    :raises Refused: if something else is: another day, other files, or a plant of its own.
    """
    before = loaded(site)
    if before is None or not str(before["source"]).startswith(SOURCE):
        raise Refused(
            _("Site %(site)s already exists and did not come from such files. Choose another code.")
            % {"site": site.code}
        )
    if before.get("as_of") != load.as_of.isoformat():
        raise Refused(
            _(
                "Site %(site)s was imported as of %(then)s, so it can't be imported as of"
                " %(now)s. Choose another code for the other day."
            )
            % {"site": site.code, "then": before.get("as_of"), "now": load.as_of.isoformat()}
        )
    if before["source"] != source_of(load):
        raise Refused(
            _(
                "Site %(site)s was imported from files with other contents. Choose another code"
                " for these."
            )
            % {"site": site.code}
        )
    return True


def store(load: Load, *, code: str, said: Said) -> tuple[Site, bool]:
    """Store the company as a site; returns the site and whether it was made now.

    said    called as said(phase, n, of) as the tables fill.

    :raises Refused: if the site exists with something else on it.
    """
    with transaction.atomic():
        site, made = Site.objects.get_or_create(
            code=code,
            defaults={
                "name": choices.NAME,
                "time_zone": choices.ZONE,
                "currency": choices.CURRENCY,
                "clock": Site.Clock.SIMULATED,
                "default_late_cost_per_day": choices.SITE_LATE_WEIGHT,
            },
        )
        if not made:
            check_again(site, load)
            return site, False
        SiteHead.objects.create(site=site)
        SitePlan.objects.create(site=site)
        SiteClock.objects.create(site=site, at=load.now, speed=0)
        outcome = commands.run(
            site=site,
            key=key_of(site, "import", load.as_of),
            actor=SYSTEM,
            name="import_adventureworks",
            body={"source": source_of(load), "as_of": load.as_of.isoformat()},
            act=lambda command: _Loader(command, load, said).run(),
        )
        if not outcome.ok:
            raise Refused(outcome.message)
        if settings.MODE != "PRODUCTION":
            commands.run(
                site=site,
                key=key_of(site, "people"),
                actor=SYSTEM,
                name="import_adventureworks people",
                body={},
                act=grant_personas,
            )
    return site, True


class _Loader:
    """The tables of one import, filled in the order of their references."""

    def __init__(self, command: commands.Command, load: Load, said: Said) -> None:
        self.command = command
        self.site = command.site
        self.load = load
        self.said = said
        self.units: dict[str, Equipment] = {}
        self.places: dict[int, Location] = {}
        self.items: dict[int, Item] = {}
        self.jobs: dict[tuple[int, int], JobOrder] = {}

    def run(self) -> dict[str, Any]:
        phases: list[Callable[[], None]] = [
            self._equipment,
            self._items,
            self._routings,
            self._suppliers,
            self._customers,
            self._work_orders,
            self._queues,
            self._event_and_stock,
        ]
        for n, phase in enumerate(phases, 1):
            phase()
            self.said("storing", n, len(phases))
        return {"counts": self.load.counts()}

    def _masters(self, model: type[Row], rows: Iterable[Row]) -> list[Row]:
        made: list[Row] = bulk_create_with_history(
            list(rows),
            model,
            batch_size=BATCH,
            default_change_reason=f"command {self.command.key}",
        )
        return made

    def _equipment(self) -> None:
        calendars = self._masters(
            WorkCalendar,
            (
                WorkCalendar(site=self.site, code=centre.code, name=f"{centre.name} shifts")
                for centre in self.load.centres
            ),
        )
        self._masters(
            ShiftPattern,
            (
                ShiftPattern(
                    site=self.site,
                    calendar=calendar,
                    weekday=weekday,
                    starts=starts,
                    ends=ends,
                    name=name,
                )
                for centre, calendar in zip(self.load.centres, calendars, strict=True)
                for weekday, starts, ends, name in centre.windows
            ),
        )
        centres = self._masters(
            Equipment,
            (
                Equipment(
                    site=self.site,
                    code=centre.code,
                    name=centre.name,
                    level=Equipment.Level.WORK_CENTER,
                    order=100 * n,
                )
                for n, centre in enumerate(self.load.centres, 1)
            ),
        )
        units = self._masters(
            Equipment,
            (
                Equipment(
                    site=self.site,
                    code=code,
                    name=f"{centre.name} {n}",
                    level=Equipment.Level.WORK_UNIT,
                    parent=parent,
                    calendar=calendar,
                    # Hours are an operation's, whatever the quantity: it is reported once.
                    reporting_rhythm=Equipment.Rhythm.OPERATION,
                    order=parent.order + n,
                )
                for centre, parent, calendar in zip(
                    self.load.centres, centres, calendars, strict=True
                )
                for n, code in enumerate(centre.units, 1)
            ),
        )
        self.units = {unit.code: unit for unit in units}
        UnitStatus.objects.bulk_create(
            UnitStatus(site=self.site, unit=unit, since=self.load.now, mounted=[""])
            for unit in units
        )
        self._masters(
            Reason,
            (
                Reason(
                    site=self.site,
                    code=reason.code,
                    name=reason.name,
                    applies_to=reason.applies_to,
                    e10=(
                        Reason.E10.UNSCHEDULED_DOWN
                        if reason.applies_to == "STOP"
                        else Reason.E10.UNKNOWN
                    ),
                    calls_maintenance=reason.code in choices.CALLS_MAINTENANCE,
                )
                for reason in self.load.reasons
            ),
        )
        self._masters(CostRate, self._rates())

    def _rates(self) -> Iterable[CostRate]:
        valid_from = self.load.now - timedelta(days=365)
        for centre in self.load.centres:
            for code in centre.units:
                for what, amount, source in (
                    (CostRate.What.UNIT_HOUR, centre.cost_rate, "Location.csv"),
                    (
                        CostRate.What.OVERTIME_HOUR,
                        centre.cost_rate * choices.OVERTIME_FACTOR,
                        "Location.csv, half as much again (estimate)",
                    ),
                ):
                    yield CostRate(
                        site=self.site,
                        what=what,
                        unit=self.units[code],
                        amount=amount,
                        source=source,
                        owner=SOURCE,
                        valid_from=valid_from,
                    )

    def _items(self) -> None:
        items = self._masters(
            Item,
            (
                Item(
                    site=self.site,
                    code=row.code,
                    name=row.name,
                    unit=row.unit,
                    decimals=row.decimals,
                    source=Item.Source.MAKE if row.made else Item.Source.BUY,
                    family=row.family,
                    safety_stock=row.safety_stock,
                    lead_time_s=row.lead_time_s,
                    standard_cost=row.standard_cost or None,
                )
                for row in self.load.items
            ),
        )
        self.items = {row.product: item for row, item in zip(self.load.items, items, strict=True)}
        self._masters(
            BillLine,
            (
                BillLine(
                    site=self.site,
                    item=self.items[row.product],
                    component=self.items[row.component],
                    quantity_per=row.quantity_per,
                    valid_from=row.valid_from,
                    valid_to=row.valid_to,
                )
                for row in self.load.bills
            ),
        )
        places = self._masters(
            Location,
            (
                Location(
                    site=self.site,
                    code=row.code,
                    name=row.name,
                    kind=Location.Kind.STORE if row.is_store else Location.Kind.LINE_SIDE,
                )
                for row in self.load.locations
            ),
        )
        self.places = {
            row.place: place for row, place in zip(self.load.locations, places, strict=True)
        }

    def _routings(self) -> None:
        routings = self._masters(
            Routing,
            (
                Routing(
                    site=self.site,
                    item=self.items[row.product],
                    valid_from=self.load.now - timedelta(days=365),
                )
                for row in self.load.routings
            ),
        )
        steps = [
            (routing, step)
            for row, routing in zip(self.load.routings, routings, strict=True)
            for step in row.steps
        ]
        units = {
            centre.place: [self.units[code] for code in centre.units]
            for centre in self.load.centres
        }
        operations = self._masters(
            RoutingOperation,
            (
                RoutingOperation(
                    site=self.site,
                    routing=routing,
                    number=step.sequence,
                    name=step.name,
                    unit=units[step.place][0],
                    run_s=Decimal(0),
                    fixed_s=step.seconds,
                )
                for routing, step in steps
            ),
        )
        self._masters(
            OperationAlternate,
            (
                OperationAlternate(site=self.site, operation=operation, unit=unit, run_s=Decimal(0))
                for operation, (_routing, step) in zip(operations, steps, strict=True)
                for unit in units[step.place][1:]
            ),
        )

    def _suppliers(self) -> None:
        rows = self._masters(
            Supplier,
            (Supplier(site=self.site, code=row.code, name=row.name) for row in self.load.suppliers),
        )
        suppliers = {
            row.vendor: supplier for row, supplier in zip(self.load.suppliers, rows, strict=True)
        }
        PurchaseLine.objects.bulk_create(
            PurchaseLine(
                site=self.site,
                order_code=row.order_code,
                number=row.number,
                supplier=suppliers[row.vendor],
                item=self.items[row.product],
                quantity=row.quantity,
                promised_at=row.promised_at,
                expected_at=row.promised_at,
                expected_source="PurchaseOrderDetail.csv",
            )
            for row in self.load.purchases
        )

    def _customers(self) -> None:
        rows = self._masters(
            Customer,
            (
                Customer(site=self.site, code=row.code, name=row.name, **terms(row))
                for row in self.load.customers
            ),
        )
        customers = {
            row.buyer: customer for row, customer in zip(self.load.customers, rows, strict=True)
        }
        orders = CustomerOrder.objects.bulk_create(
            CustomerOrder(
                site=self.site,
                code=row.code,
                customer=customers[row.buyer],
                ordered_at=row.ordered_at,
            )
            for row in self.load.customer_orders
        )
        by_sale = {
            row.sale: order for row, order in zip(self.load.customer_orders, orders, strict=True)
        }
        CustomerLine.objects.bulk_create(
            (
                CustomerLine(
                    site=self.site,
                    order=by_sale[row.sale],
                    number=row.number,
                    item=self.items[row.product],
                    quantity=row.quantity,
                    requested_at=row.promised_at,
                    first_promised_at=row.promised_at,
                    promised_at=row.promised_at,
                    price=row.price,
                    pack_s=choices.PACK_S,
                )
                for row in self.load.customer_lines
            ),
            batch_size=BATCH,
        )

    def _work_orders(self) -> None:
        orders = WorkOrder.objects.bulk_create(
            (
                WorkOrder(
                    site=self.site,
                    code=row.code,
                    item=self.items[row.product],
                    quantity=row.quantity,
                    due_at=row.due_at,
                    status=WorkOrder.Status.RELEASED,
                    released_at=row.released_at,
                    last_movement_at=row.released_at,
                )
                for row in self.load.orders
            ),
            batch_size=BATCH,
        )
        by_number = {row.order: order for row, order in zip(self.load.orders, orders, strict=True)}
        rows = self.load.jobs
        jobs = JobOrder.objects.bulk_create(
            (
                JobOrder(
                    site=self.site,
                    work_order=by_number[row.order],
                    number=row.sequence,
                    name=row.name,
                    status=JobOrder.Status.READY if row.is_first else JobOrder.Status.WAITING,
                    unit=self.units[row.unit],
                    quantity=by_number[row.order].quantity,
                    run_s=Decimal(0),
                    fixed_s=row.seconds,
                )
                for row in rows
            ),
            batch_size=BATCH,
        )
        self.jobs = {(row.order, row.sequence): job for row, job in zip(rows, jobs, strict=True)}
        centre_units = {
            centre.place: [self.units[code] for code in centre.units]
            for centre in self.load.centres
        }
        JobAlternate.objects.bulk_create(
            (
                JobAlternate(
                    site=self.site,
                    job_order=self._job(row),
                    unit=unit,
                    run_s=Decimal(0),
                )
                for row in rows
                for unit in centre_units[row.place]
            ),
            batch_size=BATCH,
        )
        JobLink.objects.bulk_create(
            (
                JobLink(site=self.site, predecessor=self._job(before), follower=self._job(after))
                for order in self.load.orders
                for before, after in zip(order.jobs, order.jobs[1:], strict=False)
            ),
            batch_size=BATCH,
        )
        JobMaterial.objects.bulk_create(
            (
                JobMaterial(
                    site=self.site,
                    job_order=self._job(order.jobs[0]),
                    item=self.items[component],
                    quantity_per=quantity_per,
                    required=required,
                )
                for order in self.load.orders
                for component, quantity_per, required in order.materials
            ),
            batch_size=BATCH,
        )

    def _job(self, row: JobRow) -> JobOrder:
        return self.jobs[row.order, row.sequence]

    def _queues(self) -> None:
        UnitQueue.objects.bulk_create(
            UnitQueue(
                site=self.site,
                unit=unit,
                job_order_ids=[self.jobs[job].pk for job in self.load.queues.get(code, ())],
            )
            for code, unit in self.units.items()
        )

    def _event_and_stock(self) -> None:
        lots = Lot.objects.bulk_create(
            Lot(
                site=self.site,
                code=row.code,
                item=self.items[row.product],
                received_at=self.load.now,
            )
            for row in self.load.lots
        )
        StockBalance.objects.bulk_create(
            StockBalance(
                site=self.site, lot=lot, location=self.places[row.place], quantity=row.quantity
            )
            for row, lot in zip(self.load.lots, lots, strict=True)
        )
        self.command.record(
            "mes.site.loaded",
            subject=("site", self.site.pk),
            body={
                "source": source_of(self.load),
                "as_of": self.load.as_of.isoformat(),
                "counts": self.load.counts(),
            },
            then=lambda seq: self._opening_moves(seq, lots),
        )

    def _opening_moves(self, seq: int, lots: Sequence[Lot]) -> None:
        StockMove.objects.bulk_create(
            StockMove(
                site=self.site,
                event_seq=seq,
                n=n,
                lot=lot,
                location=self.places[row.place],
                quantity=row.quantity,
                reason=StockMove.Reason.OPENING,
                at=self.load.now,
            )
            for n, (row, lot) in enumerate(zip(self.load.lots, lots, strict=True))
        )
