"""Stores a checked plant in an empty site: all of it in one command with one event, or nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

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
from mes.commands import Command
from mes.errors import Refused
from mes.models import Site
from mes.rules import hours_of
from planning.ownplant.values import SHIFTS, local
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

BATCH = 2_000
SOURCE = "Own plant"
STORE, NOT_NAMED = "STORE", "NOT-NAMED"
# What a station may say before the plant has its own list: code, name, what for, calls somebody.
REASONS = (
    ("BREAKDOWN", "Machine breakdown", "STOP", True),
    ("TOOLING", "Tool or fixture broken", "STOP", True),
    ("NO-MATERIAL", "Waits for material", "STOP", False),
    ("NO-PERSON", "Nobody to run it", "STOP", False),
    ("DIMENSION", "Out of tolerance", "SCRAP", False),
    ("SURFACE", "Surface", "SCRAP", False),
    ("SUSPECT-PART", "Suspect part", "HOLD", False),
)
Values = Mapping[str, str]
Content = Mapping[str, list[dict[str, str]]]
Said = Callable[[str, int, int], None]
Model_ = TypeVar("Model_", bound=Model)


def is_empty(site: Site) -> bool:
    """Whether nothing stands on a site yet, so that a plant may be imported into it."""
    return not any(
        model.objects.filter(site=site).exists()
        for model in (Equipment, Item, WorkOrder, CustomerOrder)
    )


def load_plant(command: Command, *, content: Content, source: str, said: Said) -> dict[str, Any]:
    """Make a plant of checked rows.

    content     sheet -> rows, as the dry run keeps them
    source      where they came from, for the event
    said        called as said(step, n, of) as the tables fill

    :raises Refused: if something stands on the site already.
    """
    if not is_empty(command.site):
        raise Refused(
            _("There is a plant on this site already. Open a new plant for this file."),
            status=409,
            code="stale",
        )
    return _Loader(command, content, source, said).run()


class _Loader:
    """The tables of one import, filled in the order of their references."""

    def __init__(self, command: Command, content: Content, source: str, said: Said) -> None:
        self.command = command
        self.site = command.site
        self.now = command.now
        self.zone = ZoneInfo(command.site.time_zone)
        self.source = source
        self.said = said
        self.rows = {name: list(rows) for name, rows in content.items()}
        # What is made already is no work; its row stays known for the next file.
        self.orders = [row for row in self.rows.get("orders", []) if _left(row) > 0]
        self.units: dict[str, list[Equipment]] = {}
        self.items: dict[str, Item] = {}
        self.customers: dict[str, Customer] = {}
        self.lines: dict[str, CustomerLine] = {}
        self.steps: dict[str, list[Values]] = defaultdict(list)
        for row in self.rows.get("operations", []):
            self.steps[row["order"]].append(row)
        for rows in self.steps.values():
            rows.sort(key=lambda row: int(row["no"]))
        self.load: dict[int, Decimal] = defaultdict(Decimal)
        self.jobs: list[tuple[JobOrder, list[tuple[Equipment, Decimal]]]] = []

    def run(self) -> dict[str, Any]:
        steps: list[tuple[str, Callable[[], None]]] = [
            (_("machines"), self._equipment),
            (_("items"), self._items),
            (_("routings"), self._routings),
            (_("customers"), self._customers),
            (_("purchases"), self._purchases),
            (_("work orders"), self._work_orders),
            (_("queues"), self._queues),
            (_("stock"), self._event_and_stock),
        ]
        for n, (name, step) in enumerate(steps, 1):
            self.said(name, n, len(steps))
            step()
        return {"counts": self.counts()}

    def counts(self) -> dict[str, int]:
        """How many of what the import stored, as its event says it."""
        return {
            "units": len({unit.pk for units in self.units.values() for unit in units}),
            "items": len(self.items),
            "customers": len(self.customers),
            "customer_lines": len(self.lines),
            "work_orders": len(self.orders),
            "job_orders": len(self.jobs),
            "lots": sum(Decimal(row["qty"]) > 0 for row in self.rows.get("stock", [])),
            "purchase_lines": len(self.rows.get("purchases", [])),
        }

    def _masters(self, model: type[Model_], rows: Iterable[Model_]) -> list[Model_]:
        made: list[Model_] = bulk_create_with_history(
            list(rows),
            model,
            batch_size=BATCH,
            default_change_reason=f"command {self.command.key}",
        )
        return made

    def _at(self, text: str) -> datetime:
        return local(text).replace(tzinfo=self.zone)

    # -- what with -------------------------------------------------------------------------------

    def _equipment(self) -> None:
        machines = self.rows.get("machines", [])
        calendars = self._calendars({_shift(row) for row in machines})
        codes = {code for row in machines for code in unit_codes(row)}
        names = dict.fromkeys(
            row.get("group") or (row["code"] if int(row.get("count", "1")) > 1 else "")
            for row in machines
        )
        groups = self._masters(
            Equipment,
            (
                Equipment(
                    site=self.site,
                    # A group may go by the name of one of its machines.
                    code=f"{name[:34]} group" if name in codes else name,
                    name=name,
                    level=Equipment.Level.WORK_CENTER,
                    order=1000 * n,
                )
                for n, name in enumerate((name for name in names if name), 1)
            ),
        )
        group = {each.name: each for each in groups}
        units = self._masters(
            Equipment,
            (
                Equipment(
                    site=self.site,
                    code=code,
                    name=(row.get("name") or code)[:80],
                    level=Equipment.Level.WORK_UNIT,
                    parent=group.get(row.get("group") or row["code"]),
                    calendar=calendars[_shift(row)],
                    order=n,
                )
                for n, (row, code) in enumerate(
                    ((row, code) for row in machines for code in unit_codes(row)), 1
                )
            ),
        )
        by_code = {unit.code: unit for unit in units}
        for row in machines:
            own = [by_code[code] for code in unit_codes(row)]
            self.units.setdefault(row["code"], []).extend(own)
        for row in machines:
            name = row.get("group", "")
            # An operation that names a machine means that machine, though a group is called so.
            if name and name not in {each["code"] for each in machines}:
                self.units.setdefault(name, []).extend(by_code[code] for code in unit_codes(row))
        UnitStatus.objects.bulk_create(
            UnitStatus(site=self.site, unit=unit, since=self.now, mounted=[""]) for unit in units
        )
        self._masters(
            Reason,
            (
                Reason(
                    site=self.site,
                    code=code,
                    name=name,
                    applies_to=applies_to,
                    e10=(
                        Reason.E10.UNSCHEDULED_DOWN if applies_to == "STOP" else Reason.E10.UNKNOWN
                    ),
                    calls_maintenance=calls,
                )
                for code, name, applies_to, calls in REASONS
            ),
        )
        self._masters(CostRate, self._rates())

    def _calendars(self, shifts: set[str]) -> dict[str, WorkCalendar]:
        ordered = sorted(shifts)
        made = self._masters(
            WorkCalendar,
            (
                WorkCalendar(site=self.site, code=f"SHIFT-{n}", name=text[:80])
                for n, text in enumerate(ordered, 1)
            ),
        )
        calendars = dict(zip(ordered, made, strict=True))
        self._masters(
            ShiftPattern,
            (
                ShiftPattern(
                    site=self.site,
                    calendar=calendars[text],
                    weekday=weekday,
                    starts=span.start,
                    ends=span.end,
                    name=f"{span.start:%H:%M}",
                )
                for text in ordered
                for span in hours_of(text)
                for weekday in sorted(span.weekdays)
            ),
        )
        return calendars

    def _rates(self) -> Iterable[CostRate]:
        columns = (
            ("hour", CostRate.What.UNIT_HOUR),
            ("overtime", CostRate.What.OVERTIME_HOUR),
            ("setup", CostRate.What.SETUP_HOUR),
        )
        for row in self.rows.get("rates", []):
            on: list[Equipment | None] = [None]
            if row.get("machine"):
                on = list(self.units[row["machine"]])
            for column, what in columns:
                for unit in on if row.get(column) else ():
                    yield CostRate(
                        site=self.site,
                        what=what,
                        unit=unit,
                        amount=Decimal(row[column]),
                        source=self.source[:120],
                        owner=self.command.actor.name[:80],
                        valid_from=self.now - timedelta(days=365),
                    )

    # -- what of ---------------------------------------------------------------------------------

    def _items(self) -> None:
        made = {row["item"] for row in self.rows.get("orders", [])}
        units: dict[str, str] = {}
        steps: dict[str, int] = defaultdict(int)
        for sheet, column in (
            ("orders", "item"), ("components", "component"), ("stock", "item"),
            ("purchases", "item"),
        ):  # fmt: skip
            for row in self.rows.get(sheet, []):
                code = row[column]
                units.setdefault(code, row.get("unit", ""))
                units[code] = units[code] or row.get("unit", "")
                steps[code] = max(steps[code], _decimals(row["qty"]))
        for row in self.rows.get("components", []):
            units.setdefault(row["item"], "")
        orders = {row["no"] for row in self.rows.get("orders", [])}
        # Without a stock sheet nobody knows what is there, so nothing is said to be short.
        counted = bool(self.rows.get("stock"))
        rows = self._masters(
            Item,
            (
                Item(
                    site=self.site,
                    code=code,
                    name=code,
                    unit=unit or "pcs",
                    decimals=steps[code],
                    source=Item.Source.MAKE if code in made else Item.Source.BUY,
                    family=code[:40],
                    tracked=counted or code in made,
                )
                for code, unit in units.items()
                if code in made or code not in orders
            ),
        )
        self.items = {item.code: item for item in rows}
        self._masters(
            BillLine,
            (
                BillLine(
                    site=self.site,
                    item=self.items[row["item"]],
                    component=self.items[row["component"]],
                    quantity_per=Decimal(row["qty"]),
                    operation_number=int(row.get("op", "0")),
                    valid_from=self.now - timedelta(days=365),
                )
                for row in self.rows.get("components", [])
                if row["item"] in made
            ),
        )

    def _routings(self) -> None:
        items = [code for code in self.steps if code in self.items]
        routings = self._masters(
            Routing,
            (
                Routing(
                    site=self.site,
                    item=self.items[code],
                    valid_from=self.now - timedelta(days=365),
                )
                for code in items
            ),
        )
        steps = [
            (routing, row)
            for code, routing in zip(items, routings, strict=True)
            for row in self.steps[code]
        ]
        operations = self._masters(
            RoutingOperation,
            (
                RoutingOperation(
                    site=self.site,
                    routing=routing,
                    unit=self.units[row["machine"]][0],
                    **operation_of(row),
                )
                for routing, row in steps
            ),
        )
        self._masters(
            OperationAlternate,
            (
                OperationAlternate(
                    site=self.site,
                    operation=operation,
                    unit=unit,
                    setup_s=operation.setup_s,
                    run_s=operation.run_s,
                )
                for operation, (_routing, row) in zip(operations, steps, strict=True)
                for unit in self.units[row["machine"]][1:]
            ),
        )

    # -- for whom --------------------------------------------------------------------------------

    def _customers(self) -> None:
        terms = {row["code"]: row for row in self.rows.get("customers", [])}
        wanted = dict.fromkeys(terms)
        wanted |= dict.fromkeys(row["customer"] for row in self.orders if row.get("customer"))
        made = self._masters(
            Customer,
            (
                Customer(
                    site=self.site,
                    code=code,
                    name=terms.get(code, {}).get("name") or code,
                    late_weight_per_day=_money(terms.get(code, {}).get("late")),
                    transit_s=_seconds(terms.get(code, {}).get("transit", "0"), 86_400),
                )
                for code in wanted
            ),
        )
        self.customers = {customer.code: customer for customer in made}
        sold = [row for row in self.orders if row.get("customer")]
        orders = CustomerOrder.objects.bulk_create(
            (
                CustomerOrder(
                    site=self.site,
                    code=row["no"],
                    customer=self.customers[row["customer"]],
                    ordered_at=self.now,
                )
                for row in sold
            ),
            batch_size=BATCH,
        )
        lines = CustomerLine.objects.bulk_create(
            (self._line(row, order) for row, order in zip(sold, orders, strict=True)),
            batch_size=BATCH,
        )
        self.lines = {row["no"]: line for row, line in zip(sold, lines, strict=True)}

    def _line(self, row: Values, order: CustomerOrder) -> CustomerLine:
        promised = self._at(row.get("promised") or row["due"])
        value = _money(row.get("value"))
        quantity = Decimal(row["qty"])
        return CustomerLine(
            site=self.site,
            order=order,
            number=1,
            item=self.items[row["item"]],
            quantity=quantity,
            shipped_quantity=quantity - _left(row),
            requested_at=promised,
            first_promised_at=promised,
            promised_at=promised,
            price=None if value is None else (value / quantity).quantize(Decimal("0.0001")),
            pack_s=0,
        )

    def _purchases(self) -> None:
        rows = self.rows.get("purchases", [])
        made = self._masters(
            Supplier,
            (
                Supplier(site=self.site, code=code, name=code)
                for code in dict.fromkeys(row.get("supplier") or NOT_NAMED for row in rows)
            ),
        )
        suppliers = {supplier.code: supplier for supplier in made}
        taken = {(row["order"], int(row["line"])) for row in rows if row.get("line")}
        lines = []
        for row in rows:
            number = int(row.get("line", "0"))
            while not number or (not row.get("line") and (row["order"], number) in taken):
                number += 1
            taken.add((row["order"], number))
            due = self._at(row["due"])
            lines.append(
                PurchaseLine(
                    site=self.site,
                    order_code=row["order"],
                    number=number,
                    supplier=suppliers[row.get("supplier") or NOT_NAMED],
                    item=self.items[row["item"]],
                    quantity=Decimal(row["qty"]),
                    promised_at=due,
                    expected_at=due,
                    expected_source=self.source[:120],
                )
            )
        PurchaseLine.objects.bulk_create(lines, batch_size=BATCH)

    # -- what is to be made ----------------------------------------------------------------------

    def _work_orders(self) -> None:
        # The queues stand in this order until somebody arranges them otherwise.
        self.orders.sort(key=lambda row: (local(row["due"]), row["no"]))
        orders = WorkOrder.objects.bulk_create(
            (
                WorkOrder(
                    site=self.site,
                    code=row["no"],
                    item=self.items[row["item"]],
                    quantity=Decimal(row["qty"]),
                    put_away_quantity=Decimal(row["qty"]) - _left(row),
                    due_at=self._at(row["due"]),
                    status=WorkOrder.Status.RELEASED,
                    customer_line=self.lines.get(row["no"]),
                    released_at=self.now,
                    last_movement_at=self.now,
                )
                for row in self.orders
            ),
            batch_size=BATCH,
        )
        links: list[tuple[JobOrder, JobOrder]] = []
        first: dict[str, list[JobOrder]] = {}
        for row, order in zip(self.orders, orders, strict=True):
            jobs = self._jobs(row, order)
            first[row["no"]] = jobs
            links += pairwise(jobs)
        JobOrder.objects.bulk_create((job for job, _units in self.jobs), batch_size=BATCH)
        JobAlternate.objects.bulk_create(
            (
                JobAlternate(
                    site=self.site,
                    job_order=job,
                    unit=unit,
                    setup_s=job.setup_s,
                    run_s=run_s,
                )
                for job, units in self.jobs
                for unit, run_s in units
            ),
            batch_size=BATCH,
        )
        JobLink.objects.bulk_create(
            (
                JobLink(site=self.site, predecessor=before, follower=after)
                for before, after in links
            ),
            batch_size=BATCH,
        )
        JobMaterial.objects.bulk_create(self._materials(first), batch_size=BATCH)

    def _jobs(self, row: Values, order: WorkOrder) -> list[JobOrder]:
        """The operations of an order, its own or its item's, each on the unit with least work."""
        jobs: list[JobOrder] = []
        waits = False
        for step in self.steps.get(row["no"]) or self.steps.get(row["item"]) or ():
            units = self.units[step["machine"]]
            # An item's step says nothing of how much of this order is done.
            said = Decimal(step.get("done", "0")) if step["order"] == row["no"] else Decimal(0)
            good = min(max(said, Decimal(row.get("done", "0"))), order.quantity)
            ended = good >= order.quantity
            status = JobOrder.Status.COMPLETED if ended else JobOrder.Status.READY
            job = JobOrder(
                site=self.site,
                work_order=order,
                **operation_of(step),
                status=JobOrder.Status.WAITING if waits and not ended else status,
                quantity=order.quantity,
                good=good,
                completed_at=self.now if ended else None,
            )
            job.unit = min(units, key=lambda unit: self.load[unit.pk])
            if not ended:
                self.load[job.unit.pk] += job.setup_s + job.run_s * (order.quantity - good)
            waits = waits or not ended
            jobs.append(job)
            self.jobs.append((job, self._can_do(units, step)))
        return jobs

    def _can_do(self, units: list[Equipment], step: Values) -> list[tuple[Equipment, Decimal]]:
        """Who can do a step, in what time a piece: the likes of its machine, and named others."""
        run_s = Decimal(step["run"])
        found = {unit.pk: (unit, run_s) for unit in units}
        for part in step.get("others", "").split(";"):
            name, _sign, seconds = part.partition("=")
            for unit in self.units[name] if name else ():
                found[unit.pk] = (unit, Decimal(seconds))
        return list(found.values())

    def _materials(self, jobs: Mapping[str, list[JobOrder]]) -> Iterable[JobMaterial]:
        bills: dict[str, list[Values]] = defaultdict(list)
        for row in self.rows.get("components", []):
            bills[row["item"]].append(row)
        for row in self.orders:
            of_order = jobs[row["no"]]
            for line in bills.get(row["no"]) or bills.get(row["item"]) or ():
                if not of_order:
                    continue
                number = int(line.get("op", "0"))
                job = next((job for job in of_order if job.number == number), of_order[0])
                per = Decimal(line["qty"])
                required = (per * job.quantity).quantize(Decimal("0.000001"))
                yield JobMaterial(
                    site=self.site,
                    job_order=job,
                    item=self.items[line["component"]],
                    quantity_per=per,
                    required=required,
                    # What was made took its material before this plant knew of it.
                    issued=(per * job.good).quantize(Decimal("0.000001")),
                )

    def _queues(self) -> None:
        open_jobs: dict[int, list[int]] = defaultdict(list)
        for job, _units in self.jobs:
            if job.status != JobOrder.Status.COMPLETED:
                open_jobs[job.unit_id].append(job.pk)
        units = {unit.pk: unit for units in self.units.values() for unit in units}
        UnitQueue.objects.bulk_create(
            UnitQueue(site=self.site, unit=unit, job_order_ids=open_jobs.get(unit.pk, []))
            for unit in units.values()
        )

    # -- the event -------------------------------------------------------------------------------

    def _event_and_stock(self) -> None:
        rows = [row for row in self.rows.get("stock", []) if Decimal(row["qty"]) > 0]
        places = {
            place.code: place
            for place in self._masters(
                Location,
                (
                    Location(site=self.site, code=code, name=code)
                    for code in dict.fromkeys([STORE, *(row.get("place") or STORE for row in rows)])
                ),
            )
        }
        lots: dict[tuple[str, str], Lot] = {}
        codes: set[str] = set()
        held: dict[tuple[str, str, str], Decimal] = defaultdict(Decimal)
        for n, row in enumerate(rows, 1):
            name = row.get("lot") or f"{row['item']}-{n}"
            key = (name, row["item"])
            if key not in lots:
                code = name if name not in codes else f"{name[:50]}-{n}"
                codes.add(code)
                lots[key] = Lot(
                    site=self.site, code=code, item=self.items[row["item"]], received_at=self.now
                )
            held[(*key, row.get("place") or STORE)] += Decimal(row["qty"])
        Lot.objects.bulk_create(lots.values(), batch_size=BATCH)
        StockBalance.objects.bulk_create(
            (
                StockBalance(
                    site=self.site,
                    lot=lots[name, item],
                    location=places[place],
                    quantity=quantity,
                )
                for (name, item, place), quantity in held.items()
            ),
            batch_size=BATCH,
        )

        def opening_moves(seq: int) -> None:
            StockMove.objects.bulk_create(
                (
                    StockMove(
                        site=self.site,
                        event_seq=seq,
                        n=n,
                        lot=lots[name, item],
                        location=places[place],
                        quantity=quantity,
                        reason=StockMove.Reason.OPENING,
                        at=self.now,
                    )
                    for n, ((name, item, place), quantity) in enumerate(held.items())
                ),
                batch_size=BATCH,
            )

        self.command.record(
            "mes.site.loaded",
            subject=("site", self.site.pk),
            body={
                "source": self.source,
                "as_of": self.now.astimezone(self.zone).date().isoformat(),
                "counts": self.counts(),
            },
            then=opening_moves,
        )


def operation_of(row: Values) -> dict[str, Any]:
    """A row of operations as a routing's step has it, or a job order."""
    return {
        "number": int(row["no"]),
        "name": row.get("name") or _("Operation %(n)s") % {"n": row["no"]},
        "setup_s": _seconds(row.get("setup", "0")),
        "run_s": Decimal(row["run"]),
    }


def unit_codes(row: Values) -> list[str]:
    """The codes of the machines of one row: one, or as many as its count says."""
    count = int(row.get("count", "1"))
    return [row["code"]] if count == 1 else [f"{row['code']}-{n}" for n in range(1, count + 1)]


def _left(row: Values) -> Decimal:
    return Decimal(row["qty"]) - min(Decimal(row.get("done", "0")), Decimal(row["qty"]))


def _shift(row: Values) -> str:
    return row.get("shift") or SHIFTS["1"]


def _seconds(text: str, unit: int = 1) -> int:
    return int((Decimal(text) * unit).to_integral_value(ROUND_HALF_UP))


def _money(text: str | None) -> Decimal | None:
    return Decimal(text).quantize(Decimal("0.0001")) if text else None


def _decimals(text: str) -> int:
    return len(text.partition(".")[2])
