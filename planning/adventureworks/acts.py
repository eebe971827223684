"""What each recorded fact is as an act: the action that a person would use, with its values.

Rows are looked for when the act runs, for many of them are made on the way.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from functools import lru_cache, partial
from typing import Any

from django.utils.translation import gettext as _

from equipment.models import Equipment, Reason
from materials import actions as materials
from materials.models import (
    Customer,
    CustomerLine,
    Item,
    Location,
    Lot,
    PurchaseLine,
    Supplier,
)
from mes.commands import Command
from mes.errors import Missing, Refused
from mes.models import Site
from mes.rows import find
from planning.adventureworks import choices, mapping
from planning.adventureworks.backlog import OpenOrder, come_sales, open_sales
from planning.adventureworks.mapping import CustomerRow, order_code, scrap_code
from planning.adventureworks.reading import Company
from planning.adventureworks.record import Fact, Kind
from quality import actions as quality
from workorders import actions as workorders
from workorders.models import JobOrder, Routing, WorkOrder

Act = Callable[[Command], dict[str, Any]]


class Acts:
    """The acts of one site's record."""

    def __init__(
        self, site: Site, company: Company, orders: list[OpenOrder], as_of: date, until: date
    ) -> None:
        self.site = site
        self._company = company
        self._orders = {o.order.id: o for o in orders}
        self._products = {product.id: product.number for product in company.products}
        self._vendors = {vendor.id: vendor.account for vendor in company.vendors}
        self._purchases = mapping.purchase_lines(company)
        come = come_sales(company, as_of, until)
        self._sales = {sale.id: (sale, rows) for sale, rows in come}
        self._lines = {
            row.id: (mapping.customer_order(sale).code, number)
            for sale, rows in [*open_sales(company, as_of), *come]
            for number, row in enumerate(rows, 1)
        }
        self._items = dict(Item.objects.filter(site=site).values_list("code", "pk"))
        self._units = dict(Equipment.objects.filter(site=site).values_list("code", "pk"))
        self._reasons = dict(Reason.objects.filter(site=site).values_list("code", "pk"))
        self._customers = lru_cache(maxsize=2)(self._customers_on)

    def of(self, fact: Fact) -> Act:
        """The act that books a fact; it looks for its rows when it runs."""
        found: dict[Kind, Callable[[Fact, Command], dict[str, Any]]] = {
            Kind.STARTED: self._start,
            Kind.ENDED: self._end,
            Kind.PUT_AWAY: self._put_away,
            Kind.RECEIVED: self._receive,
            Kind.REJECTED: self._reject,
            Kind.SHIPPED: self._ship,
            Kind.SOLD: self._sell,
            Kind.BOUGHT: self._buy,
            Kind.RELEASED: self._release,
        }
        return partial(found[fact.kind], fact)

    def name(self, fact: Fact) -> str:
        """What a person would call it, to say what was refused."""
        if fact.kind in (Kind.RECEIVED, Kind.REJECTED, Kind.BOUGHT):
            line = self._purchases[fact.number]
            return f"{line.order_code}/{line.number}"
        if fact.kind == Kind.SHIPPED:
            code, number = self._lines[fact.number]
            return f"{code}/{number}"
        if fact.kind == Kind.SOLD:
            return mapping.customer_order(self._sales[fact.number][0]).code
        code = order_code(fact.number)
        return f"{code}/{fact.sequence}" if fact.sequence else code

    # -- work orders ----------------------------------------------------------------------------

    def job(self, fact: Fact) -> int | None:
        """Key of the operation that a fact is of; None if its order could not be released."""
        jobs = JobOrder.objects.filter(
            site=self.site, work_order__code=order_code(fact.number), number=fact.sequence
        )
        return jobs.values_list("pk", flat=True).first()

    def _start(self, fact: Fact, command: Command) -> dict[str, Any]:
        return workorders.start(command, job_order_id=self._known(fact, self.job(fact)))

    def _end(self, fact: Fact, command: Command) -> dict[str, Any]:
        """Report what an operation made; the record ends it there, so what is missing stays so."""
        job_id = self._known(fact, self.job(fact))
        answer = workorders.report_production(command, job_order_id=job_id, **self._made(fact))
        job = JobOrder.objects.get(pk=job_id)
        if job.status == JobOrder.Status.RUNNING:
            answer |= workorders.finish(command, job_order_id=job_id)
        return answer

    def _put_away(self, fact: Fact, command: Command) -> dict[str, Any]:
        orders = WorkOrder.objects.filter(site=self.site, code=order_code(fact.number))
        order_id = self._known(fact, orders.values_list("pk", flat=True).first())
        return workorders.put_away(command, work_order_id=order_id, **self._made(fact))

    def _known(self, fact: Fact, key: int | None) -> int:
        if key is None:
            raise Missing(
                _("%(what)s is not here: what should have brought it was refused.")
                % {"what": self.name(fact)}
            )
        return key

    def _made(self, fact: Fact) -> dict[str, Any]:
        return {
            "good": Decimal(fact.good),
            "scrap": Decimal(fact.scrap),
            "reason_id": None if fact.reason is None else self._reasons[scrap_code(fact.reason)],
            "occurred_at": fact.at,
        }

    def _release(self, fact: Fact, command: Command) -> dict[str, Any]:
        """Make an order and release it, each operation to the unit that did it."""
        open_order = self._orders[fact.number]
        order, jobs = open_order.order, open_order.jobs
        item_id = self._items[self._products[order.product]]
        made = workorders.create_order(
            command,
            code=order_code(order.id),
            item_id=item_id,
            quantity=Decimal(order.quantity),
            due_at=choices.last_of(order.due),
        )
        if jobs and not Routing.objects.filter(site=self.site, item=item_id).exists():
            self._add_routing(open_order, item_id, command)
        return workorders.release(
            command,
            work_order_id=made["work_order_id"],
            units={job.sequence: self._units[job.unit] for job in jobs},
            planned=bool(jobs),
        )

    def _add_routing(self, open_order: OpenOrder, item_id: int, command: Command) -> None:
        """How a product is made that was never made before."""
        names = {place.id: place.name for place in self._company.places}
        operations = []
        for job in open_order.jobs:
            first, *others = (self._units[code] for code in choices.unit_codes(job.place))
            operations.append(
                {
                    "number": job.sequence,
                    "name": names[job.place],
                    "unit_id": first,
                    "run_s": Decimal(0),
                    "fixed_s": job.seconds,
                    "alternates": [(unit_id, 0, Decimal(0)) for unit_id in others],
                }
            )
        workorders.add_routing(command, item_id=item_id, operations=operations)

    # -- suppliers ------------------------------------------------------------------------------

    def _buy(self, fact: Fact, command: Command) -> dict[str, Any]:
        line = self._purchases[fact.number]
        supplier = Supplier.objects.get(site=self.site, code=self._vendors[line.vendor])
        return materials.add_purchase_line(
            command,
            order_code=line.order_code,
            number=line.number,
            supplier_id=supplier.pk,
            item_id=self._items[self._products[line.product]],
            quantity=Decimal(line.quantity),
            promised_at=line.promised_at,
            expected_source="PurchaseOrderDetail.csv",
        )

    def _receive(self, fact: Fact, command: Command) -> dict[str, Any]:
        """What was kept goes into a lot, what was not into another that quality will judge.

        The record has one receipt a line: what is missing then is not waited for.
        """
        store = (
            Location.objects.filter(site=self.site, kind=Location.Kind.STORE).order_by("pk").first()
        )
        if store is None:
            raise Refused(_("There is no store to receive into."))
        line = self._purchases[fact.number]
        rows = PurchaseLine.objects.filter(
            site=self.site, order_code=line.order_code, number=line.number
        )
        row = find(
            command, PurchaseLine, self._known(fact, rows.values_list("pk", flat=True).first())
        )
        answer: dict[str, Any] = {}
        for code, quantity, status in (
            (self._lot(fact), fact.good, Lot.Status.RELEASED),
            (self._lot(fact, rejected=True), fact.scrap, Lot.Status.QUARANTINE),
        ):
            if quantity:
                answer |= materials.receive(
                    command,
                    item_id=row.item_id,
                    lot_code=code,
                    quantity=Decimal(quantity),
                    location_id=store.pk,
                    purchase_line_id=row.pk,
                    status=status,
                    occurred_at=fact.at,
                )
        came = Decimal(fact.good + fact.scrap)
        if came < row.quantity:
            answer |= materials.expect_purchase(
                command,
                purchase_line_id=row.pk,
                expected_at=command.now,
                source="PurchaseOrderDetail.csv",
                quantity=came,
            )
        return answer

    def _reject(self, fact: Fact, command: Command) -> dict[str, Any]:
        lots = Lot.objects.filter(site=self.site, code=self._lot(fact, rejected=True))
        lot_id = self._known(fact, lots.values_list("pk", flat=True).first())
        return quality.decide_lot(command, lot_id=lot_id, status=Lot.Status.REJECTED)

    def _lot(self, fact: Fact, *, rejected: bool = False) -> str:
        line = self._purchases[fact.number]
        return f"{line.order_code}-{line.number}" + ("-R" if rejected else "")

    # -- customers ------------------------------------------------------------------------------

    def _sell(self, fact: Fact, command: Command) -> dict[str, Any]:
        sale, rows = self._sales[fact.number]
        order = mapping.customer_order(sale)
        buyer = self._customers(sale.ordered)[sale.buyer]
        customer = Customer.objects.filter(site=self.site, code=buyer.code).first()
        return materials.add_customer_order(
            command,
            code=order.code,
            customer_id=customer.pk if customer is not None else _add_customer(command, buyer),
            ordered_at=order.ordered_at,
            lines=[
                {
                    "number": line.number,
                    "item_id": self._items[self._products[line.product]],
                    "quantity": Decimal(line.quantity),
                    "requested_at": line.promised_at,
                    "promised_at": line.promised_at,
                    "price": line.price,
                    "pack_s": choices.PACK_S,
                }
                for line in mapping.customer_lines(sale, rows)
            ],
        )

    def _customers_on(self, day: date) -> dict[int, CustomerRow]:
        return {row.buyer: row for row in mapping.customers(self._company, day)}

    def line(self, fact: Fact) -> int | None:
        """Key of the customer line that a shipment is of; None if its order could not come."""
        code, number = self._lines[fact.number]
        lines = CustomerLine.objects.filter(site=self.site, order__code=code, number=number)
        return lines.values_list("pk", flat=True).first()

    def _ship(self, fact: Fact, command: Command) -> dict[str, Any]:
        return materials.ship(
            command,
            line_id=self._known(fact, self.line(fact)),
            quantity=Decimal(fact.good),
            occurred_at=fact.at,
        )


def _add_customer(command: Command, buyer: CustomerRow) -> int:
    added = materials.add_customer(
        command, code=buyer.code, name=buyer.name, **mapping.terms(buyer)
    )
    return int(added["customer_id"])
