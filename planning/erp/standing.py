"""The plant as it stands, row by row in the form in which an ERP's export is kept."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from zoneinfo import ZoneInfo

from django.db.models import Q

from equipment.models import Equipment
from materials.models import CustomerLine, PurchaseLine, StockBalance
from mes.models import Site
from planning.ownplant.columns import BY_NAME
from planning.ownplant.values import kept_date, plain
from workorders.models import JobOrder, WorkOrder

LINES = "lines"  # customer lines that no work order's row tells of
LISTS = ("orders", LINES, "operations", "stock", "purchases")
CLOSED, CANCELLED = "closed", "cancelled"
OPEN_ORDERS = ("WAITING", "RELEASED")
Subject = tuple[str, int]
Rows = Mapping[str, Iterable[Mapping[str, str]]]


@dataclass(slots=True)
class Standing:
    """One row as the plant has it.

    values  column -> text, as a checked file has it; columns that no file has among them
    about   column -> the subjects whose events tell of it
    open    whether it still counts: of what is over, only a row that the ERP has is compared
    """

    values: dict[str, str]
    about: dict[str, list[Subject]] = field(default_factory=dict)
    open: bool = True
    url_code: str = ""


Stands = dict[str, dict[str, Standing]]


def key_of(sheet: str, values: Mapping[str, str]) -> str:
    """What tells a row from the others of its list, as people write it."""
    parts = ["order", "line"] if sheet == LINES else list(BY_NAME[sheet].key)
    if sheet == "purchases" and not values.get("line"):
        parts = ["order", "item"]
    return " / ".join(values[part] for part in parts if values.get(part))


def stands(site: Site, known: Rows) -> Stands:
    """The plant's rows by list and key: what is open, and whatever `known` has a row of.

    known  an export's rows; stock is added up as finely as it tells lots and places apart
    """
    return _Reader(site, known).run()


class _Reader:
    def __init__(self, site: Site, known: Rows) -> None:
        self.site = site
        self.zone = ZoneInfo(site.time_zone)
        self.known = {name: list(rows) for name, rows in known.items()}
        self.found: Stands = {name: {} for name in LISTS}

    def run(self) -> Stands:
        lines = self._customer_lines()
        orders = self._work_orders()
        told = self._orders(orders, lines)
        self._lines(lines, told)
        self._operations(orders)
        self._stock()
        self._purchases()
        return self.found

    def _codes(self, sheet: str, column: str) -> set[str]:
        return {row.get(column, "") for row in self.known.get(sheet, ())}

    # -- orders and their customers ----------------------------------------------------------------

    def _work_orders(self) -> list[WorkOrder]:
        rows = WorkOrder.objects.filter(site=self.site).filter(
            Q(status__in=OPEN_ORDERS) | Q(code__in=self._codes("orders", "no"))
        )
        return list(rows.select_related("item").order_by("code"))

    def _customer_lines(self) -> dict[int, CustomerLine]:
        codes = self._codes("orders", "no") | self._codes(LINES, "order")
        rows = CustomerLine.objects.filter(site=self.site).filter(
            Q(shipped_at=None, cancelled_at=None) | Q(order__code__in=codes)
        )
        return rows.select_related("order", "item", "freight_mode").in_bulk()

    def _orders(self, orders: list[WorkOrder], lines: Mapping[int, CustomerLine]) -> set[int]:
        """Fill the orders; returns the lines that they tell of."""
        of_line: dict[int, list[WorkOrder]] = defaultdict(list)
        for order in orders:
            if order.customer_line_id in lines:
                of_line[order.customer_line_id or 0].append(order)
        own = {made[0].pk: lines[pk] for pk, made in of_line.items() if len(made) == 1}
        for order in orders:
            self.found["orders"][order.code] = self._order(order, own.get(order.pk))
        told = {line.pk for line in own.values()}
        bought = self._codes("orders", "no") - {order.code for order in orders}
        for line in lines.values():
            if line.order.code in bought and line.number == 1:
                self.found["orders"][line.order.code] = self._line(line)
                told.add(line.pk)
        return told

    def _order(self, order: WorkOrder, line: CustomerLine | None) -> Standing:
        subject: Subject = ("work_order", order.pk)
        over = order.status not in OPEN_ORDERS
        short = over and order.put_away_quantity < order.quantity
        if line is not None:
            row = self._line(line)
        else:
            row = Standing({"qty": plain(order.quantity)}, {"qty": [subject], "state": []})
        row.values |= {
            "no": order.code,
            "item": order.item.code,
            "done": plain(order.put_away_quantity),
            "due": kept_date(order.due_at, self.zone),
            "parked": kept_date(order.not_before, self.zone),
        }
        if short and order.status in (WorkOrder.Status.CLOSED, WorkOrder.Status.ABORTED):
            row.values["state"] = CLOSED
        for column in ("done", "due", "parked", "", "state"):
            row.about[column] = [*row.about.get(column, []), subject]
        row.open, row.url_code = not over, order.code
        return row

    def _line(self, line: CustomerLine) -> Standing:
        subject: Subject = ("customer_line", line.pk)
        values = {
            "order": line.order.code,
            "line": str(line.number),
            "item": line.item.code,
            "qty": plain(line.quantity),
            "done": plain(line.shipped_quantity),
            "promised": kept_date(line.promised_at, self.zone),
            "part": plain(line.part_quantity) if line.part_quantity else "",
            "freight": line.freight_mode.name if line.freight_mode else "",
            "state": CANCELLED if line.cancelled_at else "",
        }
        about = {
            column: [subject]
            for column in ("qty", "done", "promised", "part", "freight", "state", "")
        }
        return Standing(values, about, line.shipped_at is None and line.cancelled_at is None)

    def _lines(self, lines: Mapping[int, CustomerLine], told: Collection[int]) -> None:
        for line in lines.values():
            if line.pk not in told:
                row = self._line(line)
                self.found[LINES][key_of(LINES, row.values)] = row

    # -- what is made of them ----------------------------------------------------------------------

    def _operations(self, orders: list[WorkOrder]) -> None:
        of = {order.pk: order for order in orders}
        jobs: dict[tuple[str, int], list[JobOrder]] = defaultdict(list)
        rows = JobOrder.objects.filter(site=self.site, work_order__in=of)
        for job in rows.select_related("unit__parent").order_by("number", "pk"):
            jobs[of[job.work_order_id].code, job.number].append(job)
        items = {order.code: order.item.code for order in orders}
        machines = {
            (row["order"], row["no"]): row.get("machine", "")
            for row in self.known.get("operations", ())
        }
        for (code, number), parts in jobs.items():
            subjects: list[Subject] = [("job_order", job.pk) for job in parts]
            # What is put away is reported at its last operation.
            self.found["orders"][code].about["done"] += subjects
            said = machines.get((code, str(number))) or machines.get((items[code], str(number)), "")
            standing = [job for job in parts if job.status not in ("COMPLETED", "CLOSED")]
            self.found["operations"][f"{code} / {number}"] = Standing(
                {
                    "order": code,
                    "no": str(number),
                    "item": items[code],
                    "done": plain(sum((job.good for job in parts), Decimal(0))),
                    "machine": _where(standing, said),
                    "meant": said,
                },
                dict.fromkeys(("done", "machine"), subjects),
                open=bool(standing),
                url_code=code,
            )

    # -- what lies and what comes ------------------------------------------------------------------

    def _stock(self) -> None:
        rows = self.known.get("stock", [])
        lots = {(row["item"], row["lot"]) for row in rows if row.get("lot")}
        unnamed = {row["item"] for row in rows if not row.get("lot")}
        by_place = any(row.get("place") for row in rows) or not rows
        balances = StockBalance.objects.filter(site=self.site).select_related(
            "lot__item", "location"
        )
        sums: dict[tuple[str, str, str], Decimal] = defaultdict(Decimal)
        subjects: dict[tuple[str, str, str], list[Subject]] = defaultdict(list)
        for balance in balances.order_by("pk"):
            item, lot = balance.lot.item.code, balance.lot.code
            named = (item, lot) in lots or item not in unnamed
            place = balance.location.code if by_place else ""
            key = (item, lot if named else "", place)
            sums[key] += balance.quantity
            subjects[key].append(("lot", balance.lot_id))
        told = {(row["item"], row.get("lot", ""), row.get("place", "")) for row in rows}
        for key, quantity in sums.items():
            item, lot, place = key
            # A row without a place means the place that everything is at unless somebody says so.
            shown = (item, lot, "") if (item, lot, "") in told and key not in told else key
            values = dict(zip(("item", "lot", "place"), shown, strict=True))
            name = key_of("stock", values)
            row = self.found["stock"].setdefault(
                name, Standing({**values, "qty": "0"}, {"qty": [], "": []}, open=False)
            )
            row.values["qty"] = plain(Decimal(row.values["qty"]) + quantity)
            row.about["qty"] += subjects[key]
            row.about[""] = row.about["qty"]
            row.open = row.values["qty"] != "0"

    def _purchases(self) -> None:
        known = self.known.get("purchases", [])
        numbered = {(row["order"], row["line"]) for row in known if row.get("line")}
        bare = {(row["order"], row["item"]) for row in known if not row.get("line")}
        rows = PurchaseLine.objects.filter(site=self.site).filter(
            Q(closed_at=None) | Q(order_code__in=self._codes("purchases", "order"))
        )
        for line in rows.select_related("item").order_by("order_code", "number"):
            number = str(line.number)
            name = (line.order_code, number)
            values = {
                "order": line.order_code,
                "line": number,
                "item": line.item.code,
                "due": kept_date(line.expected_at, self.zone),
                "qty": plain(_to_come(line)),
                "state": CANCELLED if _is_cancelled(line) else "",
            }
            if name not in numbered and (line.order_code, line.item.code) in bare:
                bare.discard((line.order_code, line.item.code))
                values["line"] = ""
            subject: Subject = ("purchase_line", line.pk)
            self.found["purchases"][key_of("purchases", values)] = Standing(
                values,
                {column: [subject] for column in ("due", "qty", "state", "")},
                open=line.closed_at is None,
            )


def _where(jobs: Iterable[JobOrder], said: str) -> str:
    """Where an operation is done: as it was said, if its machines are that one or of that group."""
    units: dict[str, Equipment] = {job.unit.code: job.unit for job in jobs}
    if all(said in (unit.code, unit.parent.name if unit.parent else "") for unit in units.values()):
        return said
    return ", ".join(units)


def _to_come(line: PurchaseLine) -> Decimal:
    comes = line.quantity if line.expected_quantity is None else line.expected_quantity
    return Decimal(0) if line.closed_at else max(comes - line.received_quantity, Decimal(0))


def _is_cancelled(line: PurchaseLine) -> bool:
    return line.closed_at is not None and line.received_quantity < line.quantity
