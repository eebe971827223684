"""Reads the AdventureWorks tables from CSV files and says what is wrong with them, and where.

Pure: a folder in, a `Company` and a list of problems out. Nothing is guessed here; whatever a
cell cannot mean is a problem with its file, line and column.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, time
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

Value = TypeVar("Value")

MOST_PROBLEMS = 200  # of one file; a file of another kind would fill the screen


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong in the files. `line` counts from 1 with the header; 0: the whole file."""

    file: str
    line: int
    column: int
    name: str
    text: str

    def __str__(self) -> str:
        where = self.file
        if self.line:
            where += f", line {self.line}"
        if self.column:
            where += f", column {self.column} ({self.name})"
        return f"{where}: {self.text}"


class Unreadable(ValueError):
    """A cell that cannot mean what its column says; the text is for the person who imports."""


def whole(cell: str) -> int:
    try:
        return int(cell)
    except ValueError:
        raise Unreadable(f"“{cell}” is not a whole number.") from None


def count(cell: str) -> int:
    value = whole(cell)
    if value < 0:
        raise Unreadable(f"{value} is below zero.")
    return value


def at_least_one(cell: str) -> int:
    value = whole(cell)
    if value < 1:
        raise Unreadable(f"{value} is below one.")
    return value


@lru_cache(maxsize=8192)
def amount(cell: str) -> Decimal:
    try:
        value = Decimal(cell)
    except InvalidOperation:
        raise Unreadable(f"“{cell}” is not a number.") from None
    if not value.is_finite() or value < 0:
        raise Unreadable(f"“{cell}” is not a number of zero or more.")
    return value


@lru_cache(maxsize=8192)
def day(cell: str) -> date:
    try:
        return date.fromisoformat(cell)
    except ValueError:
        raise Unreadable(f"“{cell}” is not a day written as YYYY-MM-DD.") from None


@lru_cache(maxsize=64)
def clock_time(cell: str) -> time:
    try:
        return time.fromisoformat(cell.partition(".")[0])
    except ValueError:
        raise Unreadable(f"“{cell}” is not a time of day.") from None


def flag(cell: str) -> bool:
    if cell not in ("0", "1"):
        raise Unreadable(f"“{cell}” is neither 0 nor 1.")
    return cell == "1"


def text(cell: str) -> str:
    if not cell.strip():
        raise Unreadable("is empty.")
    return cell.strip()


def optional(parse: Callable[[str], Value]) -> Callable[[str], Value | None]:
    return lambda cell: parse(cell) if cell else None


class Product(NamedTuple):
    line: int
    id: int
    name: str
    number: str
    made: bool
    safety_stock: int
    standard_cost: Decimal
    days_to_make: int
    subcategory: int | None


class Bill(NamedTuple):
    line: int
    id: int
    assembly: int | None
    component: int
    starts: date
    ends: date | None
    unit: str
    quantity: Decimal


class Unit(NamedTuple):
    line: int
    id: str
    name: str


class Place(NamedTuple):
    line: int
    id: int
    name: str
    cost_rate: Decimal
    availability: Decimal


class Shift(NamedTuple):
    line: int
    id: int
    name: str
    starts: time
    ends: time


class Subcategory(NamedTuple):
    line: int
    id: int
    name: str


class Stock(NamedTuple):
    line: int
    product: int
    place: int
    quantity: int


class ScrapReason(NamedTuple):
    line: int
    id: int
    name: str


class Order(NamedTuple):
    """A work order; `stocked` and `scrapped` are what came of it, known when it had ended."""

    line: int
    id: int
    product: int
    quantity: int
    stocked: int
    scrapped: int
    starts: date
    ends: date | None
    due: date
    scrap_reason: int | None


class Operation(NamedTuple):
    line: int
    order: int
    product: int
    sequence: int
    place: int
    started: date | None
    ended: date | None
    hours: Decimal


class Vendor(NamedTuple):
    line: int
    id: int
    account: str
    name: str


class Source(NamedTuple):
    line: int
    product: int
    vendor: int
    lead_days: int


class Purchase(NamedTuple):
    line: int
    id: int
    vendor: int
    ordered: date


class PurchaseRow(NamedTuple):
    line: int
    purchase: int
    id: int
    due: date
    quantity: int
    product: int
    received: Decimal
    rejected: Decimal


class Store(NamedTuple):
    line: int
    id: int
    name: str


class Buyer(NamedTuple):
    line: int
    id: int
    store: int | None
    account: str


class Sale(NamedTuple):
    line: int
    id: int
    ordered: date
    due: date
    shipped: date
    buyer: int


class SaleRow(NamedTuple):
    line: int
    sale: int
    id: int
    quantity: int
    product: int
    price: Decimal
    discount: Decimal


@dataclass(frozen=True)
class _Table:
    """How a file becomes rows: a column and its reader for each field after `line`."""

    row: type[Any]
    columns: tuple[tuple[str, Callable[[str], Any]], ...]
    key: tuple[str, ...]
    # column -> file in whose key it must be found; an empty cell names nothing.
    refers: tuple[tuple[str, str], ...] = ()


_TABLES: dict[str, _Table] = {
    "UnitMeasure.csv": _Table(
        Unit, (("UnitMeasureCode", text), ("Name", text)), ("UnitMeasureCode",)
    ),
    "ProductSubcategory.csv": _Table(
        Subcategory,
        (("ProductSubcategoryID", whole), ("Name", text)),
        ("ProductSubcategoryID",),
    ),
    "Product.csv": _Table(
        Product,
        (
            ("ProductID", whole),
            ("Name", text),
            ("ProductNumber", text),
            ("MakeFlag", flag),
            ("SafetyStockLevel", count),
            ("StandardCost", amount),
            ("DaysToManufacture", count),
            ("ProductSubcategoryID", optional(whole)),
        ),
        ("ProductID",),
        (("ProductSubcategoryID", "ProductSubcategory.csv"),),
    ),
    "BillOfMaterials.csv": _Table(
        Bill,
        (
            ("BillOfMaterialsID", whole),
            ("ProductAssemblyID", optional(whole)),
            ("ComponentID", whole),
            ("StartDate", day),
            ("EndDate", optional(day)),
            ("UnitMeasureCode", text),
            ("PerAssemblyQty", amount),
        ),
        ("BillOfMaterialsID",),
        (
            ("ProductAssemblyID", "Product.csv"),
            ("ComponentID", "Product.csv"),
            ("UnitMeasureCode", "UnitMeasure.csv"),
        ),
    ),
    "Location.csv": _Table(
        Place,
        (
            ("LocationID", whole),
            ("Name", text),
            ("CostRate", amount),
            ("Availability", amount),
        ),
        ("LocationID",),
    ),
    "Shift.csv": _Table(
        Shift,
        (
            ("ShiftID", whole),
            ("Name", text),
            ("StartTime", clock_time),
            ("EndTime", clock_time),
        ),
        ("ShiftID",),
    ),
    "ProductInventory.csv": _Table(
        Stock,
        (("ProductID", whole), ("LocationID", whole), ("Quantity", count)),
        ("ProductID", "LocationID"),
        (("ProductID", "Product.csv"), ("LocationID", "Location.csv")),
    ),
    "ScrapReason.csv": _Table(
        ScrapReason, (("ScrapReasonID", whole), ("Name", text)), ("ScrapReasonID",)
    ),
    "WorkOrder.csv": _Table(
        Order,
        (
            ("WorkOrderID", whole),
            ("ProductID", whole),
            ("OrderQty", at_least_one),
            ("StockedQty", count),
            ("ScrappedQty", count),
            ("StartDate", day),
            ("EndDate", optional(day)),
            ("DueDate", day),
            ("ScrapReasonID", optional(whole)),
        ),
        ("WorkOrderID",),
        (("ProductID", "Product.csv"), ("ScrapReasonID", "ScrapReason.csv")),
    ),
    "WorkOrderRouting.csv": _Table(
        Operation,
        (
            ("WorkOrderID", whole),
            ("ProductID", whole),
            ("OperationSequence", at_least_one),
            ("LocationID", whole),
            ("ActualStartDate", optional(day)),
            ("ActualEndDate", optional(day)),
            ("ActualResourceHrs", amount),
        ),
        ("WorkOrderID", "ProductID", "OperationSequence"),
        (
            ("WorkOrderID", "WorkOrder.csv"),
            ("ProductID", "Product.csv"),
            ("LocationID", "Location.csv"),
        ),
    ),
    "Vendor.csv": _Table(
        Vendor,
        (("BusinessEntityID", whole), ("AccountNumber", text), ("Name", text)),
        ("BusinessEntityID",),
    ),
    "ProductVendor.csv": _Table(
        Source,
        (("ProductID", whole), ("BusinessEntityID", whole), ("AverageLeadTime", count)),
        ("ProductID", "BusinessEntityID"),
        (("ProductID", "Product.csv"), ("BusinessEntityID", "Vendor.csv")),
    ),
    "PurchaseOrderHeader.csv": _Table(
        Purchase,
        (("PurchaseOrderID", whole), ("VendorID", whole), ("OrderDate", day)),
        ("PurchaseOrderID",),
        (("VendorID", "Vendor.csv"),),
    ),
    "PurchaseOrderDetail.csv": _Table(
        PurchaseRow,
        (
            ("PurchaseOrderID", whole),
            ("PurchaseOrderDetailID", whole),
            ("DueDate", day),
            ("OrderQty", at_least_one),
            ("ProductID", whole),
            ("ReceivedQty", amount),
            ("RejectedQty", amount),
        ),
        ("PurchaseOrderDetailID",),
        (("PurchaseOrderID", "PurchaseOrderHeader.csv"), ("ProductID", "Product.csv")),
    ),
    "Store.csv": _Table(
        Store, (("BusinessEntityID", whole), ("Name", text)), ("BusinessEntityID",)
    ),
    "Customer.csv": _Table(
        Buyer,
        (("CustomerID", whole), ("StoreID", optional(whole)), ("AccountNumber", text)),
        ("CustomerID",),
        (("StoreID", "Store.csv"),),
    ),
    "SalesOrderHeader.csv": _Table(
        Sale,
        (
            ("SalesOrderID", whole),
            ("OrderDate", day),
            ("DueDate", day),
            ("ShipDate", day),
            ("CustomerID", whole),
        ),
        ("SalesOrderID",),
        (("CustomerID", "Customer.csv"),),
    ),
    "SalesOrderDetail.csv": _Table(
        SaleRow,
        (
            ("SalesOrderID", whole),
            ("SalesOrderDetailID", whole),
            ("OrderQty", at_least_one),
            ("ProductID", whole),
            ("UnitPrice", amount),
            ("UnitPriceDiscount", amount),
        ),
        ("SalesOrderDetailID",),
        (("SalesOrderID", "SalesOrderHeader.csv"), ("ProductID", "Product.csv")),
    ),
}

FILES = tuple(_TABLES)


@dataclass
class Company:
    """The rows of every file, in file order, and the fingerprint of what was read."""

    sha256: str = ""
    units: list[Unit] = field(default_factory=list)
    subcategories: list[Subcategory] = field(default_factory=list)
    products: list[Product] = field(default_factory=list)
    bills: list[Bill] = field(default_factory=list)
    places: list[Place] = field(default_factory=list)
    shifts: list[Shift] = field(default_factory=list)
    stock: list[Stock] = field(default_factory=list)
    scrap_reasons: list[ScrapReason] = field(default_factory=list)
    orders: list[Order] = field(default_factory=list)
    operations: list[Operation] = field(default_factory=list)
    vendors: list[Vendor] = field(default_factory=list)
    sources: list[Source] = field(default_factory=list)
    purchases: list[Purchase] = field(default_factory=list)
    purchase_rows: list[PurchaseRow] = field(default_factory=list)
    stores: list[Store] = field(default_factory=list)
    buyers: list[Buyer] = field(default_factory=list)
    sales: list[Sale] = field(default_factory=list)
    sale_rows: list[SaleRow] = field(default_factory=list)


_FIELDS = {
    "UnitMeasure.csv": "units",
    "ProductSubcategory.csv": "subcategories",
    "Product.csv": "products",
    "BillOfMaterials.csv": "bills",
    "Location.csv": "places",
    "Shift.csv": "shifts",
    "ProductInventory.csv": "stock",
    "ScrapReason.csv": "scrap_reasons",
    "WorkOrder.csv": "orders",
    "WorkOrderRouting.csv": "operations",
    "Vendor.csv": "vendors",
    "ProductVendor.csv": "sources",
    "PurchaseOrderHeader.csv": "purchases",
    "PurchaseOrderDetail.csv": "purchase_rows",
    "Store.csv": "stores",
    "Customer.csv": "buyers",
    "SalesOrderHeader.csv": "sales",
    "SalesOrderDetail.csv": "sale_rows",
}

Said = Callable[[str, int, int], None]


def _silent(phase: str, done: int, of: int) -> None: ...


def read(folder: Path, said: Said = _silent) -> tuple[Company, list[Problem]]:
    """Read every file of the folder and check each cell, key and reference.

    said    called as said(phase, n, of) after each file.
    returns the company and the problems in file order; with any problem the company is not
            to be used. At most MOST_PROBLEMS a file are listed, the last one says how many more.
    """
    company = Company()
    problems: list[Problem] = []
    keys: dict[str, dict[Any, int]] = {}
    places = _Places()
    whole_sha = hashlib.sha256()
    for n, (name, table) in enumerate(_TABLES.items(), 1):
        found: list[Problem] = []
        content = _content(folder / name, name, found)
        if content is not None:
            whole_sha.update(hashlib.sha256(content.encode()).digest())
            rows = _rows(name, table, content, keys, places, found)
            setattr(company, _FIELDS[name], rows)
        problems += _bounded(name, found)
        said("reading", n, len(_TABLES))
    company.sha256 = whole_sha.hexdigest()
    if not problems:
        problems = _across(company, places)
    return company, problems


def _content(path: Path, name: str, problems: list[Problem]) -> str | None:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        problems.append(Problem(name, 0, 0, "", "is missing in the folder."))
    except UnicodeDecodeError as wrong:
        line = wrong.object.count(b"\n", 0, wrong.start) + 1
        problems.append(Problem(name, line, 0, "", "is not UTF-8 text."))
    return None


def _rows(
    name: str,
    table: _Table,
    content: str,
    keys: dict[str, dict[Any, int]],
    places: _Places,
    problems: list[Problem],
) -> list[Any]:
    reader = csv.reader(content.splitlines(keepends=True), strict=True)
    header = next(reader, None)
    if header is None:
        problems.append(Problem(name, 1, 0, "", "has no header."))
        return []
    missing = [column for column, _ in table.columns if column not in header]
    for column in missing:
        problems.append(Problem(name, 1, 0, "", f"has no column {column}."))
    if missing:
        return []
    at = places.columns[name] = {column: header.index(column) for column in header}
    cells_at = [(at[column], parse) for column, parse in table.columns]
    # A file that could not be read at all is one problem, not one for every reference to it.
    refers = [
        (at[column], column, keys[file], file) for column, file in table.refers if file in keys
    ]
    key_at = [[column for column, _ in table.columns].index(column) + 1 for column in table.key]
    seen = keys[name] = {}
    rows: list[Any] = []
    for line, cells in _lines(name, reader, problems):
        if len(cells) != len(header):
            wrong = f"has {len(cells)} cells where the header has {len(header)} columns."
            problems.append(Problem(name, line, 0, "", wrong))
            _remember_broken(line, cells, table, at, seen)
            continue
        try:
            row = table.row(line, *[parse(cells[i]) for i, parse in cells_at])
        except Unreadable:
            problems += _unreadable(name, line, cells, table, at)
            _remember_broken(line, cells, table, at, seen)
            continue
        key = row[key_at[0]] if len(key_at) == 1 else tuple(row[i] for i in key_at)
        if key in seen:
            column = table.key[0]
            problems.append(
                Problem(
                    name,
                    line,
                    at[column] + 1,
                    column,
                    f"{', '.join(cells[at[c]] for c in table.key)} was already there"
                    f" in line {seen[key]}.",
                )
            )
            continue
        seen[key] = line
        for i, column, known, file in refers:
            cell = cells[i]
            if cell and (int(cell) if cell.lstrip("-").isdigit() else cell) not in known:
                problems.append(Problem(name, line, i + 1, column, f"{cell} is not in {file}."))
        rows.append(row)
    return rows


def _remember_broken(
    line: int, cells: Sequence[str], table: _Table, at: dict[str, int], seen: dict[Any, int]
) -> None:
    """A row with a wrong cell is still there for what refers to it."""
    parsers = dict(table.columns)
    try:
        key = tuple(parsers[column](cells[at[column]]) for column in table.key)
    except (Unreadable, IndexError):
        return
    seen.setdefault(key[0] if len(key) == 1 else key, line)


def _lines(name: str, reader: Any, problems: list[Problem]) -> Iterator[tuple[int, list[str]]]:
    """Each row with the line on which it begins; a quoted cell may hold line ends."""
    line = reader.line_num + 1
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as wrong:
            problems.append(Problem(name, line, 0, "", f"is not CSV: {wrong}."))
            return
        if cells:
            yield line, cells
        line = reader.line_num + 1


def _unreadable(
    name: str, line: int, cells: Sequence[str], table: _Table, at: dict[str, int]
) -> list[Problem]:
    """Every wrong cell of one row, not only the first."""
    found = []
    for column, parse in table.columns:
        try:
            parse(cells[at[column]])
        except Unreadable as wrong:
            found.append(Problem(name, line, at[column] + 1, column, str(wrong)))
    return found


def _bounded(name: str, problems: list[Problem]) -> list[Problem]:
    if len(problems) <= MOST_PROBLEMS:
        return problems
    rest = f"has {len(problems) - MOST_PROBLEMS} more problems that are not listed."
    return [*problems[:MOST_PROBLEMS], Problem(name, 0, 0, "", rest)]


class _Places:
    """Where each column stands in each file, to point at a cell that is wrong."""

    def __init__(self) -> None:
        self.columns: dict[str, dict[str, int]] = {}

    def problem(self, file: str, line: int, column: str, wrong: str) -> Problem:
        return Problem(file, line, self.columns[file][column] + 1, column, wrong)


def _across(company: Company, places: _Places) -> list[Problem]:
    """What only several cells together can get wrong."""
    by_file: dict[str, list[Problem]] = {}
    for check in (_wrong_bills, _wrong_orders, _wrong_operations, _wrong_trade):
        for problem in check(company, places.problem):
            by_file.setdefault(problem.file, []).append(problem)
    return [problem for name, some in by_file.items() for problem in _bounded(name, some)]


Point = Callable[[str, int, str, str], Problem]


def _wrong_bills(company: Company, point: Point) -> Iterator[Problem]:
    file = "BillOfMaterials.csv"
    units: dict[int, str] = {}
    versions: dict[tuple[int, int], list[Bill]] = {}
    parts: dict[int, set[int]] = {}
    for bill in company.bills:
        if bill.ends is not None and bill.ends < bill.starts:
            yield point(file, bill.line, "EndDate", f"{bill.ends} is before {bill.starts}.")
        unit = units.setdefault(bill.component, bill.unit)
        if unit != bill.unit:
            yield point(
                file,
                bill.line,
                "UnitMeasureCode",
                f"is {bill.unit}, but product {bill.component} is taken in {unit} elsewhere.",
            )
        if bill.assembly is None:
            continue
        if not bill.quantity:
            yield point(file, bill.line, "PerAssemblyQty", "takes nothing.")
        versions.setdefault((bill.assembly, bill.component), []).append(bill)
        parts.setdefault(bill.assembly, set()).add(bill.component)
    for some in versions.values():
        some.sort(key=lambda bill: bill.starts)
        for before, after in pairwise(some):
            if before.ends is None or before.ends >= after.starts:
                yield point(
                    file,
                    after.line,
                    "StartDate",
                    f"overlaps line {before.line}, the same component of the same product.",
                )
    try:
        TopologicalSorter(parts).prepare()
    except CycleError as circle:
        names = " > ".join(str(product) for product in circle.args[1])
        yield Problem(file, 0, 0, "", f"products are made of themselves: {names}.")


def _wrong_orders(company: Company, point: Point) -> Iterator[Problem]:
    file = "WorkOrder.csv"
    for order in company.orders:
        if order.ends is not None and order.ends < order.starts:
            yield point(file, order.line, "EndDate", f"{order.ends} is before {order.starts}.")
        if order.due < order.starts:
            yield point(file, order.line, "DueDate", f"{order.due} is before {order.starts}.")
        if order.ends is not None and order.stocked + order.scrapped != order.quantity:
            yield point(
                file,
                order.line,
                "StockedQty",
                f"{order.stocked} stocked and {order.scrapped} scrapped"
                f" are not the {order.quantity} ordered.",
            )
        if order.scrapped and order.scrap_reason is None:
            yield point(
                file,
                order.line,
                "ScrapReasonID",
                "is empty although pieces are scrapped.",
            )


def _wrong_operations(company: Company, point: Point) -> Iterator[Problem]:
    file = "WorkOrderRouting.csv"
    products = {order.id: order.product for order in company.orders}
    works = {place.id for place in company.places if place.availability}
    for row in company.operations:
        if products[row.order] != row.product:
            yield point(
                file,
                row.line,
                "ProductID",
                f"is {row.product}, but work order {row.order} makes {products[row.order]}.",
            )
        if row.place not in works:
            yield point(
                file,
                row.line,
                "LocationID",
                f"{row.place} has no hours in Location.csv.",
            )
        if row.ended is not None and (row.started is None or row.ended < row.started):
            yield point(file, row.line, "ActualEndDate", f"{row.ended} is before its start.")


def _wrong_trade(company: Company, point: Point) -> Iterator[Problem]:
    for sale in company.sales:
        for column, value in (("DueDate", sale.due), ("ShipDate", sale.shipped)):
            if value < sale.ordered:
                wrong = f"{value} is before {sale.ordered}."
                yield point("SalesOrderHeader.csv", sale.line, column, wrong)
        if sale.due < sale.shipped:
            wrong = f"{sale.due} is before {sale.shipped}, when it is shipped."
            yield point("SalesOrderHeader.csv", sale.line, "DueDate", wrong)
    for row in company.sale_rows:
        if row.discount > 1:
            wrong = f"{row.discount} is above one."
            yield point("SalesOrderDetail.csv", row.line, "UnitPriceDiscount", wrong)
    ordered = {purchase.id: purchase.ordered for purchase in company.purchases}
    for bought in company.purchase_rows:
        if bought.due < ordered[bought.purchase]:
            wrong = f"{bought.due} is before {ordered[bought.purchase]}, when it was ordered."
            yield point("PurchaseOrderDetail.csv", bought.line, "DueDate", wrong)
        if bought.rejected > bought.received:
            wrong = f"{bought.rejected} is more than the {bought.received} received."
            yield point("PurchaseOrderDetail.csv", bought.line, "RejectedQty", wrong)
