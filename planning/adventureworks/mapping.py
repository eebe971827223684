"""What the sample becomes in Downstream: every row to store, in the plant's own terms.

Pure. Rows name each other by the sample's numbers; `load` turns those into database keys.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from planning.adventureworks import choices
from planning.adventureworks.backlog import (
    Bills,
    OpenOrder,
    begun_orders,
    open_orders,
    open_sales,
    rough_plan,
)
from planning.adventureworks.choices import CENTRES
from planning.adventureworks.opening import opening_stock
from planning.adventureworks.reading import Company, Problem, Product, Sale, SaleRow
from planning.adventureworks.record import facts

CENT = Decimal("0.01")
FOUR_PLACES = Decimal("0.0001")
WHOLE_UNITS = frozenset({"EA"})


@dataclass(frozen=True, slots=True)
class CentreRow:
    place: int
    code: str
    name: str
    cost_rate: Decimal
    units: tuple[str, ...]
    windows: tuple[tuple[int, time, time, str], ...]


@dataclass(frozen=True, slots=True)
class ItemRow:
    product: int
    code: str
    name: str
    unit: str
    decimals: int
    made: bool
    family: str
    safety_stock: int
    lead_time_s: int
    standard_cost: Decimal


@dataclass(frozen=True, slots=True)
class BillRow:
    product: int
    component: int
    quantity_per: Decimal
    valid_from: datetime
    valid_to: datetime | None


@dataclass(frozen=True, slots=True)
class Step:
    """An operation as a routing has it. The hours are the sample's, whatever the quantity."""

    sequence: int
    place: int
    name: str
    seconds: int


@dataclass(frozen=True, slots=True)
class RoutingRow:
    product: int
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class LocationRow:
    place: int
    code: str
    name: str
    is_store: bool


@dataclass(frozen=True, slots=True)
class LotRow:
    product: int
    code: str
    quantity: Decimal
    place: int


@dataclass(frozen=True, slots=True)
class SupplierRow:
    vendor: int
    code: str
    name: str


@dataclass(frozen=True, slots=True)
class PurchaseLineRow:
    order_code: str
    number: int
    vendor: int
    product: int
    quantity: int
    promised_at: datetime


@dataclass(frozen=True, slots=True)
class CustomerRow:
    buyer: int
    code: str
    name: str
    late_weight_per_day: Decimal


@dataclass(frozen=True, slots=True)
class CustomerOrderRow:
    sale: int
    code: str
    buyer: int
    ordered_at: datetime


@dataclass(frozen=True, slots=True)
class CustomerLineRow:
    sale: int
    number: int
    product: int
    quantity: int
    price: Decimal
    promised_at: datetime


@dataclass(frozen=True, slots=True)
class JobRow:
    order: int
    sequence: int
    place: int
    name: str
    unit: str
    seconds: int
    is_first: bool


@dataclass(frozen=True, slots=True)
class OrderRow:
    order: int
    code: str
    product: int
    quantity: int
    due_at: datetime
    released_at: datetime
    is_past_due: bool
    jobs: tuple[JobRow, ...]
    # (component, a piece, for the order), taken by the first operation
    materials: tuple[tuple[int, Decimal, Decimal], ...]


@dataclass(frozen=True, slots=True)
class ReasonRow:
    code: str
    name: str
    applies_to: str


@dataclass(frozen=True, slots=True)
class Load:
    """Everything to store for a site, and what the import says of it."""

    as_of: date
    now: datetime
    sha256: str
    centres: tuple[CentreRow, ...]
    reasons: tuple[ReasonRow, ...]
    items: tuple[ItemRow, ...]
    bills: tuple[BillRow, ...]
    routings: tuple[RoutingRow, ...]
    locations: tuple[LocationRow, ...]
    lots: tuple[LotRow, ...]
    suppliers: tuple[SupplierRow, ...]
    purchases: tuple[PurchaseLineRow, ...]
    customers: tuple[CustomerRow, ...]
    customer_orders: tuple[CustomerOrderRow, ...]
    customer_lines: tuple[CustomerLineRow, ...]
    orders: tuple[OrderRow, ...]
    # unit -> (order, sequence) in the order of its queue
    queues: dict[str, tuple[tuple[int, int], ...]]

    @property
    def jobs(self) -> list[JobRow]:
        return [job for order in self.orders for job in order.jobs]

    def counts(self) -> dict[str, int]:
        """How many of what the import stores, as its event says it."""
        return {
            "units": sum(len(centre.units) for centre in self.centres),
            "items": len(self.items),
            "bill_lines": len(self.bills),
            "routings": len(self.routings),
            "lots": len(self.lots),
            "suppliers": len(self.suppliers),
            "purchase_lines": len(self.purchases),
            "customers": len(self.customers),
            "customer_orders": len(self.customer_orders),
            "customer_lines": len(self.customer_lines),
            "work_orders": len(self.orders),
            "work_orders_past_due": sum(order.is_past_due for order in self.orders),
            "work_orders_without_operations": sum(not order.jobs for order in self.orders),
            "job_orders": len(self.jobs),
        }

    def load_hours(self) -> dict[int, Decimal]:
        """Work content of the open operations by location."""
        hours: dict[int, Decimal] = {centre.place: Decimal(0) for centre in self.centres}
        for job in self.jobs:
            hours[job.place] += Decimal(job.seconds) / 3600
        return hours


def unworkable(company: Company) -> list[Problem]:
    """Locations with work for which `choices` has no units: nothing can be planned on them."""
    named = {place.id: place.name for place in company.places}
    first_line = {row.place: row.line for row in reversed(company.operations)}
    return [
        Problem(
            "WorkOrderRouting.csv",
            line,
            0,
            "",
            f"works at location {place} ({named[place]}), for which no units are chosen.",
        )
        for place, line in sorted(first_line.items())
        if place not in CENTRES
    ]


def map_company(company: Company, as_of: date) -> Load:
    """Say what the company is on the morning of a day.

    :raises ValueError: if nothing was open on that day.
    """
    orders = open_orders(company, as_of)
    sales = open_sales(company, as_of)
    if not orders and not sales:
        raise ValueError(f"Nothing was open on {as_of}: choose a day that the files cover.")
    until = as_of + timedelta(days=choices.RECORD_DAYS)
    begun = begun_orders(company, orders, as_of, until)
    record = facts(company, orders + begun, as_of, until)
    rough = rough_plan(orders, as_of)
    stock = opening_stock(company, orders, begun, rough, record, as_of)
    order_rows = tuple(_orders(company, orders, as_of))
    queues: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for open_order in orders:
        for job in open_order.jobs:
            queues[job.unit].append((job.order, job.sequence))
    return Load(
        as_of=as_of,
        now=choices.opens(as_of),
        sha256=company.sha256,
        centres=tuple(_centres(company)),
        reasons=tuple(_reasons(company)),
        items=tuple(_items(company)),
        bills=tuple(_bills(company)),
        routings=tuple(_routings(company, as_of)),
        locations=tuple(
            LocationRow(place.id, f"L{place.id:02d}", place.name, place.id not in CENTRES)
            for place in company.places
        ),
        lots=tuple(_lots(company, stock)),
        suppliers=tuple(SupplierRow(v.id, v.account, v.name) for v in company.vendors),
        purchases=tuple(_purchases(company, as_of)),
        customers=tuple(customers(company, as_of)),
        customer_orders=tuple(customer_order(sale) for sale, _ in sales),
        customer_lines=tuple(line for sale, rows in sales for line in customer_lines(sale, rows)),
        orders=order_rows,
        queues={unit: tuple(jobs) for unit, jobs in queues.items()},
    )


def _centres(company: Company) -> list[CentreRow]:
    return [
        CentreRow(
            place.id,
            CENTRES[place.id].code,
            place.name,
            place.cost_rate,
            choices.unit_codes(place.id),
            CENTRES[place.id].windows,
        )
        for place in company.places
        if place.id in CENTRES
    ]


def _reasons(company: Company) -> list[ReasonRow]:
    return [
        ReasonRow(scrap_code(reason.id), reason.name, "SCRAP") for reason in company.scrap_reasons
    ] + [ReasonRow(*reason) for reason in choices.REASONS]


def _items(company: Company) -> list[ItemRow]:
    units = {bill.component: bill.unit for bill in company.bills}
    families = {row.id: row.name for row in company.subcategories}
    lead_days: dict[int, int] = {}
    for source in company.sources:
        lead_days[source.product] = min(
            source.lead_days, lead_days.get(source.product, source.lead_days)
        )
    return [
        ItemRow(
            product=product.id,
            code=product.number,
            name=product.name,
            unit=units.get(product.id, "EA"),
            decimals=0 if units.get(product.id, "EA") in WHOLE_UNITS else 2,
            made=product.made,
            family=(
                families[product.subcategory]
                if product.subcategory is not None
                else choices.NO_FAMILY
            ),
            safety_stock=product.safety_stock,
            lead_time_s=86400 * _lead_days(product, lead_days),
            standard_cost=product.standard_cost,
        )
        for product in company.products
    ]


def _lead_days(product: Product, lead_days: dict[int, int]) -> int:
    if product.made:
        return max(product.days_to_make, 1)
    return lead_days.get(product.id, choices.LEAD_DAYS)


def _bills(company: Company) -> list[BillRow]:
    """Bill lines of assemblies; a row without one only says that a product is sold."""
    return [
        BillRow(
            bill.assembly,
            bill.component,
            bill.quantity,
            choices.at(bill.starts, time(0)),
            choices.end_of(bill.ends) if bill.ends is not None else None,
        )
        for bill in company.bills
        if bill.assembly is not None
    ]


def _routings(company: Company, as_of: date) -> list[RoutingRow]:
    """How each product was made by its last order that had started by the day."""
    last: dict[int, int] = {}
    for order in company.orders:
        if order.starts <= as_of:
            last[order.product] = max(order.id, last.get(order.product, 0))
    wanted = {order: product for product, order in last.items()}
    names = {place.id: place.name for place in company.places}
    steps: dict[int, list[Step]] = defaultdict(list)
    for row in company.operations:
        if row.order in wanted:
            steps[wanted[row.order]].append(
                Step(row.sequence, row.place, names[row.place], int(row.hours * 3600))
            )
    return [
        RoutingRow(product, tuple(sorted(some, key=lambda step: step.sequence)))
        for product, some in sorted(steps.items())
    ]


def _lots(company: Company, stock: dict[int, Decimal]) -> list[LotRow]:
    """One lot a product, in the store that holds most of it, else with the miscellaneous."""
    most: dict[int, tuple[int, int]] = {}
    for row in company.stock:
        if row.place not in CENTRES:
            here = (row.quantity, -row.place)
            most[row.product] = max(most.get(row.product, here), here)
    last_store = max((place.id for place in company.places if place.id not in CENTRES), default=0)
    return [
        LotRow(
            product.id,
            f"OPEN-{product.number}",
            stock[product.id],
            -most[product.id][1] if product.id in most else last_store,
        )
        for product in company.products
        if product.id in stock
    ]


def order_code(order: int) -> str:
    return f"WO-{order}"


def scrap_code(reason: int) -> str:
    return f"SCRAP-{reason:02d}"


def purchase_codes(company: Company) -> dict[int, tuple[str, int]]:
    """Each purchase row's order code and line number here, by the sample's own number."""
    numbers: dict[int, int] = defaultdict(int)
    found = {}
    for row in sorted(company.purchase_rows, key=lambda row: row.id):
        numbers[row.purchase] += 1
        found[row.id] = (f"PO-{row.purchase}", numbers[row.purchase])
    return found


def purchase_lines(company: Company) -> dict[int, PurchaseLineRow]:
    """Every purchase line, by the sample's own number."""
    vendors = {purchase.id: purchase.vendor for purchase in company.purchases}
    codes = purchase_codes(company)
    return {
        row.id: PurchaseLineRow(
            *codes[row.id],
            vendors[row.purchase],
            row.product,
            row.quantity,
            choices.at(row.due, choices.RECEIVES_AT),
        )
        for row in sorted(company.purchase_rows, key=lambda row: row.id)
    }


def _purchases(company: Company, as_of: date) -> list[PurchaseLineRow]:
    ordered = {purchase.id: purchase.ordered for purchase in company.purchases}
    open_then = {
        row.id for row in company.purchase_rows if ordered[row.purchase] <= as_of < row.due
    }
    return [line for id_, line in purchase_lines(company).items() if id_ in open_then]


def customer_order(sale: Sale) -> CustomerOrderRow:
    ordered_at = choices.at(sale.ordered, choices.SOLD_AT)
    return CustomerOrderRow(sale.id, f"SO-{sale.id}", sale.buyer, ordered_at)


def customer_lines(sale: Sale, rows: list[SaleRow]) -> list[CustomerLineRow]:
    """An order's lines as they are stored, numbered in the order of the sample."""
    return [
        CustomerLineRow(
            sale.id,
            number,
            row.product,
            row.quantity,
            (row.price * (1 - row.discount)).quantize(FOUR_PLACES, ROUND_HALF_UP),
            choices.last_of(sale.due),
        )
        for number, row in enumerate(rows, 1)
    ]


def customers(company: Company, as_of: date) -> list[CustomerRow]:
    """Everybody who had ordered by the day, with the estimate of what a late day costs him."""
    stores = {store.id: store.name for store in company.stores}
    values: dict[int, list[Decimal]] = defaultdict(list)
    for sale, rows in open_sales(company, as_of):
        values[sale.buyer] += [row.quantity * row.price * (1 - row.discount) for row in rows]
    ordered = {sale.buyer for sale in company.sales if sale.ordered <= as_of}
    return [
        CustomerRow(
            buyer.id,
            buyer.account,
            stores.get(buyer.store or 0, buyer.account),
            _late_weight(values.get(buyer.id, [])),
        )
        for buyer in company.buyers
        if buyer.id in ordered
    ]


def terms(customer: CustomerRow) -> dict[str, Any]:
    """What the plan takes from a customer: when he is served, and what a late day costs."""
    return {
        "basis": "ARRIVE",
        "ship_complete": False,
        "late_weight_per_day": customer.late_weight_per_day,
        "cap_percent": Decimal(100),
        "transit_s": choices.TRANSIT_S,
    }


def _late_weight(values: list[Decimal]) -> Decimal:
    if not values:
        return choices.LATE_WEIGHT_LEAST
    mean = sum(values, Decimal(0)) / len(values)
    return max((mean * choices.LATE_WEIGHT).quantize(CENT), choices.LATE_WEIGHT_LEAST)


def _orders(company: Company, orders: list[OpenOrder], as_of: date) -> list[OrderRow]:
    bills = Bills(company)
    names = {place.id: place.name for place in company.places}
    rows = []
    for open_order in orders:
        order = open_order.order
        lines = bills.of(order.product, order.starts) if open_order.jobs else []
        rows.append(
            OrderRow(
                order=order.id,
                code=order_code(order.id),
                product=order.product,
                quantity=order.quantity,
                due_at=choices.last_of(order.due),
                released_at=choices.opens(order.starts),
                is_past_due=order.due < as_of,
                jobs=tuple(
                    JobRow(
                        order.id,
                        job.sequence,
                        job.place,
                        names[job.place],
                        job.unit,
                        job.seconds,
                        job is open_order.jobs[0],
                    )
                    for job in open_order.jobs
                ),
                materials=tuple(
                    (line.component, line.quantity, line.quantity * order.quantity)
                    for line in lines
                ),
            )
        )
    return rows
