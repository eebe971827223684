"""Brings a plant up to a newer file: each difference by the act that a person would do by hand."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from equipment.models import Equipment
from materials import actions as materials
from materials.models import (
    Customer,
    CustomerLine,
    CustomerOrder,
    Item,
    Location,
    Lot,
    PurchaseLine,
    Supplier,
)
from mes.commands import Command
from mes.errors import Refused
from planning.erp.entries import says_the_same
from planning.erp.standing import Standing, key_of, stands
from planning.ownplant.check import by_key, compare
from planning.ownplant.columns import BY_NAME
from planning.ownplant.load import NOT_NAMED, STORE, operation_of
from planning.ownplant.values import local
from workorders import actions as workorders
from workorders.models import JobOrder, Routing, WorkOrder

CLOSE, KEEP = "close", "keep"
MAY_BE_GONE = ("orders", "stock", "purchases")  # of which a person says what becomes of them
MAY_DIFFER = ("orders", "operations", "stock", "purchases")
Row = Mapping[str, str]
Content = Mapping[str, list[dict[str, str]]]


@dataclass(slots=True)
class Followed:
    """What became of the differences.

    content   the rows as the plant stands now: what was not taken over is as it was, and is a
              difference again in the next file
    taken     sheet, key of each row that was taken over
    left      sheet, key, why not
    """

    content: dict[str, list[dict[str, str]]] = field(default_factory=dict)
    taken: list[tuple[str, str]] = field(default_factory=list)
    left: list[tuple[str, str, str]] = field(default_factory=list)


def follow(
    command: Command, *, before: Content, after: Content, gone: Mapping[str, str], source: str
) -> Followed:
    """Take over what a newer file says otherwise.

    before  the rows as the plant stands: of the last import
    gone    "sheet/key" -> close, or keep: what becomes of a row that the file no longer has
    source  where the file came from, as the word by which a purchase is expected

    A difference that its act refuses, or that nobody here can do, is left and says why; the
    others are taken over. What the plant says already, by a decision of its own, needs no act.
    """
    return _Follower(command, before, after, gone, source).run()


class _Left(Exception):
    """This difference is for somebody to do by hand; the text says why."""


class _Follower:
    def __init__(
        self,
        command: Command,
        before: Content,
        after: Content,
        gone: Mapping[str, str],
        source: str,
    ) -> None:
        self.command = command
        self.site = command.site
        self.zone = ZoneInfo(command.site.time_zone)
        self.gone = gone
        self.source = source
        self.difference = compare(before, after)
        self.old = {name: by_key(sheet, before) for name, sheet in BY_NAME.items()}
        self.new = {name: by_key(sheet, after) for name, sheet in BY_NAME.items()}
        self.stands = {name: dict(rows) for name, rows in self.old.items()}
        self.here = stands(self.site, {name: [*before.get(name, ()), *after.get(name, ())]
                                       for name in MAY_DIFFER})  # fmt: skip
        self.found = Followed()
        self.steps: dict[str, list[Row]] = defaultdict(list)
        for row in after.get("operations", []):
            self.steps[row["order"]].append(row)

    def run(self) -> Followed:
        for sheet, key in sorted(self.difference.new, key=_masters_first):
            self._try(sheet, key, self._added)
        changed = dict.fromkeys((sheet, key) for sheet, key, *_rest in self.difference.changed)
        for sheet, key in changed:
            self._try(sheet, key, self._changed)
        for sheet, key in self.difference.gone:
            self._try(sheet, key, self._went)
        self.found.content = {name: list(rows.values()) for name, rows in self.stands.items()}
        return self.found

    def _try(self, sheet: str, key: str, act: Callable[[str, str], None]) -> None:
        before = len(self.command.collected)
        try:
            with transaction.atomic():
                act(sheet, key)
        except (_Left, Refused) as why:
            # What was collected on the way is gone with its rows.
            del self.command.collected[before:]
            self.found.left.append((sheet, key, str(why)))
        else:
            self.found.taken.append((sheet, key))
            if key in self.new[sheet]:
                self.stands[sheet][key] = dict(self.new[sheet][key])
            else:
                self.stands[sheet].pop(key, None)

    def _here(self, sheet: str, row: Row) -> Standing | None:
        return self.here[sheet].get(key_of(sheet, row)) if sheet in MAY_DIFFER else None

    def _differing(self, sheet: str, was: Row, row: Row) -> set[str]:
        """The columns that a row says otherwise than before, and than the plant does by now."""
        here = self._here(sheet, row)
        known = here.values if here is not None else {}
        return {
            name
            for name in (column.name for column in BY_NAME[sheet].columns)
            if was.get(name, "") != row.get(name, "")
            and not (name in known and says_the_same(name, row.get(name, ""), known[name]))
        }

    def _at(self, text: str) -> datetime:
        return local(text).replace(tzinfo=self.zone)

    # -- new rows --------------------------------------------------------------------------------

    def _added(self, sheet: str, key: str) -> None:
        row = self.new[sheet][key]
        here = self._here(sheet, row)
        if here is not None and not self._differing(sheet, {}, row) & here.values.keys():
            return
        add = {
            "customers": self._add_customer,
            "orders": self._add_order,
            "operations": self._add_operation,
            "stock": self._add_stock,
            "purchases": self._add_purchase,
        }.get(sheet)
        if add is None:
            raise _Left(_("Add it in the office: a file only adds what is ordered and what moves."))
        add(row)

    def _add_customer(self, row: Row) -> None:
        late, transit = row.get("late"), Decimal(row.get("transit", "0"))
        materials.add_customer(
            self.command,
            code=row["code"],
            name=row.get("name") or row["code"],
            late_weight_per_day=None if not late else Decimal(late),
            transit_s=int(transit * 86_400),
        )

    def _add_order(self, row: Row) -> None:
        of_that_name = {"site": self.site, "code": row["no"]}
        if (
            WorkOrder.objects.filter(**of_that_name).exists()
            or CustomerOrder.objects.filter(**of_that_name).exists()
        ):
            raise _Left(_("There is an order %(code)s here already.") % {"code": row["no"]})
        item = self._item(row["item"])
        steps = self.steps.get(row["no"]) or self.steps.get(row["item"]) or []
        if not Routing.objects.filter(item=item).exists():
            if not steps:
                raise _Left(_("Nobody says how %(item)s is made.") % {"item": item.code})
            workorders.add_routing(
                self.command,
                item_id=item.pk,
                operations=[self._operation(step) for step in steps],
            )
        line_id = self._customer_line(row, item) if row.get("customer") else None
        made = workorders.create_order(
            self.command,
            code=row["no"],
            item_id=item.pk,
            quantity=Decimal(row["qty"]),
            due_at=self._at(row["due"]),
            customer_line_id=line_id,
        )
        workorders.release(self.command, work_order_id=made["work_order_id"])

    def _customer_line(self, row: Row, item: Item) -> int:
        customer = Customer.objects.filter(site=self.site, code=row["customer"]).first()
        if customer is None:
            self._add_customer({"code": row["customer"]})
            customer = Customer.objects.get(site=self.site, code=row["customer"])
        promised, value = self._promise(row), row.get("value")
        line: dict[str, Any] = {
            "item_id": item.pk,
            "quantity": Decimal(row["qty"]),
            "requested_at": promised,
            "promised_at": promised,
        }
        if value:
            line["price"] = (Decimal(value) / Decimal(row["qty"])).quantize(Decimal("0.0001"))
        made = materials.add_customer_order(
            self.command, code=row["no"], customer_id=customer.pk, lines=[line], rush=False
        )
        return int(made["line_ids"][0])

    def _promise(self, row: Row) -> datetime:
        return self._at(row.get("promised") or row["due"])

    def _operation(self, step: Row) -> dict[str, Any]:
        units = self._units(step["machine"])
        operation = operation_of(step)
        times = (operation["setup_s"], operation["run_s"])
        return {
            **operation,
            "unit_id": units[0].pk,
            "alternates": [(unit.pk, *times) for unit in units[1:]],
        }

    def _units(self, name: str) -> list[Equipment]:
        units = Equipment.objects.filter(site=self.site, level=Equipment.Level.WORK_UNIT)
        found = list(units.filter(code=name)) or list(units.filter(parent__name=name))
        if not found:
            raise _Left(_("There is no machine %(name)s here yet.") % {"name": name})
        return found

    def _add_operation(self, row: Row) -> None:
        """It came with its order; how an item is made from now on is said in the office."""
        if row["order"] not in {key for sheet, key in self.found.taken if sheet == "orders"}:
            raise _Left(_("Change the routing in the office; open orders keep theirs."))

    def _add_stock(self, row: Row) -> None:
        if not row.get("lot"):
            raise _Left(_("Name its lot, or count it on the page of new events."))
        if Decimal(row["qty"]) == 0:
            return
        materials.receive(
            self.command,
            item_id=self._item(row["item"]).pk,
            lot_code=row["lot"],
            quantity=Decimal(row["qty"]),
            location_id=self._place(row).pk,
        )

    def _add_purchase(self, row: Row) -> None:
        code = row.get("supplier") or NOT_NAMED
        supplier = Supplier.objects.filter(site=self.site, code=code).first()
        if supplier is None:
            made = materials.add_supplier(self.command, code=code, name=code)
            supplier = Supplier.objects.get(pk=made["supplier_id"])
        number = int(row.get("line") or 0) or 1 + self._highest_line(row["order"])
        if self._lines(row["order"]).filter(number=number).exists():
            raise _Left(_("There is a line %(n)d of it here already.") % {"n": number})
        materials.add_purchase_line(
            self.command,
            order_code=row["order"],
            number=number,
            supplier_id=supplier.pk,
            item_id=self._item(row["item"]).pk,
            quantity=Decimal(row["qty"]),
            promised_at=self._at(row["due"]),
            expected_source=self.source,
        )

    def _highest_line(self, order: str) -> int:
        rows = self._lines(order).order_by("-number")
        return rows.values_list("number", flat=True).first() or 0

    def _lines(self, order: str) -> QuerySet[PurchaseLine]:
        return PurchaseLine.objects.filter(site=self.site, order_code=order)

    def _item(self, code: str) -> Item:
        item = Item.objects.filter(site=self.site, code=code).first()
        if item is None:
            raise _Left(_("There is no item %(code)s here yet.") % {"code": code})
        return item

    def _place(self, row: Row) -> Location:
        code = row.get("place") or STORE
        place = Location.objects.filter(site=self.site, code=code).first()
        if place is None:
            raise _Left(_("There is no place %(code)s here yet.") % {"code": code})
        return place

    # -- changed rows ----------------------------------------------------------------------------

    def _changed(self, sheet: str, key: str) -> None:
        was, row = self.old[sheet][key], self.new[sheet][key]
        differs = self._differing(sheet, was, row)
        if not differs:
            return
        change = {
            "orders": self._change_order,
            "operations": self._change_operation,
            "stock": self._change_stock,
            "purchases": self._change_purchase,
        }.get(sheet)
        if change is None:
            raise _Left(_("Change it in the office."))
        change(was, row, differs)

    def _change_order(self, was: Row, row: Row, differs: set[str]) -> None:
        foreign = differs - {"qty", "due", "promised", "value"}
        if foreign:
            raise _Left(
                _("%(columns)s: report it at the station, or change it by hand.")
                % {"columns": _labels("orders", foreign)}
            )
        order = WorkOrder.objects.filter(site=self.site, code=row["no"]).first()
        line = CustomerLine.objects.filter(site=self.site, order__code=row["no"]).first()
        if order is None and line is None:
            raise _Left(_("This order was done when the plant was made."))
        if "qty" in differs and line is None:
            raise _Left(_("Close it and make a new one: an open order keeps its quantity."))
        if "due" in differs and order is not None:
            workorders.set_due(
                self.command, work_order_id=order.pk, due_at=self._at(row["due"]), note=self.source
            )
        wanted: dict[str, Any] = {}
        if "qty" in differs:
            wanted["quantity"] = Decimal(row["qty"])
        here = self._here("orders", row)
        promised = here.values.get("promised", "") if here is not None else ""
        agreed = says_the_same("promised", row.get("promised") or row["due"], promised)
        if self._promise(row) != self._promise(was) and not agreed:
            wanted["requested_at"] = wanted["promised_at"] = self._promise(row)
        if line is not None and wanted:
            materials.change_line(self.command, line_id=line.pk, note=self.source, **wanted)

    def _change_operation(self, was: Row, row: Row, differs: set[str]) -> None:
        job = JobOrder.objects.filter(
            site=self.site, work_order__code=row["order"], number=int(row["no"])
        ).first()
        if job is None or differs != {"done"}:
            raise _Left(_("Change the routing in the office; open orders keep theirs."))
        more = Decimal(row.get("done") or 0) - Decimal(was.get("done") or 0)
        if more <= 0:
            raise _Left(_("Fewer are done than before. Take the report back at the station."))
        workorders.report_production(self.command, job_order_id=job.pk, good=more)

    def _change_stock(self, _was: Row, row: Row, differs: set[str]) -> None:
        if differs != {"qty"}:
            raise _Left(_("Its unit can't change here."))
        self._count(row, Decimal(row["qty"]))

    def _count(self, row: Row, counted: Decimal) -> None:
        lots = Lot.objects.filter(site=self.site, item__code=row["item"])
        place = self._place(row)
        if row.get("lot"):
            found = list(lots.filter(code=row["lot"]))
        else:
            found = list(lots.filter(balances__location=place, balances__quantity__gt=0).distinct())
        if len(found) != 1:
            raise _Left(
                _("%(n)d lots of %(item)s lie at %(place)s: name the lot.")
                % {"n": len(found), "item": row["item"], "place": place.code}
            )
        materials.count(
            self.command,
            lot_id=found[0].pk,
            location_id=place.pk,
            counted=counted,
            note=self.source[:200],
        )

    def _change_purchase(self, was: Row, row: Row, differs: set[str]) -> None:
        if differs - {"due", "qty"}:
            raise _Left(
                _("%(columns)s: cancel it and order anew.")
                % {"columns": _labels("purchases", differs - {"due", "qty"})}
            )
        line = self._purchase(row)
        if Decimal(row["qty"]) > line.quantity:
            raise _Left(_("More than was ordered: order the rest as a line of its own."))
        materials.expect_purchase(
            self.command,
            purchase_line_id=line.pk,
            expected_at=self._at(row["due"]),
            quantity=Decimal(row["qty"]) if "qty" in differs else None,
            source=self.source,
        )

    def _purchase(self, row: Row) -> PurchaseLine:
        lines = self._lines(row["order"]).filter(item__code=row["item"])
        if row.get("line"):
            lines = lines.filter(number=int(row["line"]))
        found = list(lines)
        if len(found) != 1:
            raise _Left(_("Name its line: %(n)d lines fit.") % {"n": len(found)})
        return found[0]

    # -- rows that are gone ----------------------------------------------------------------------

    def _went(self, sheet: str, key: str) -> None:
        row = self.old[sheet][key]
        if sheet == "operations" and any(
            kind == "orders" and other == row["order"] for kind, other in self.found.taken
        ):
            return
        here = self._here(sheet, row)
        if sheet in MAY_BE_GONE and here is not None and not here.open:
            return
        if sheet not in MAY_BE_GONE:
            raise _Left(_("It stays: what was set up goes in the office only."))
        if self.gone.get(f"{sheet}/{key}", KEEP) != CLOSE:
            raise _Left(_("It stays, as you said; the next file asks again."))
        if sheet == "orders":
            self._close_order(row)
        elif sheet == "stock":
            self._count(row, Decimal(0))
        else:
            materials.cancel_purchase_line(
                self.command, purchase_line_id=self._purchase(row).pk, note=self.source
            )

    def _close_order(self, row: Row) -> None:
        open_orders = WorkOrder.objects.filter(
            site=self.site, code=row["no"], status__in=("WAITING", "RELEASED")
        )
        for order in open_orders:
            workorders.close_order(self.command, work_order_id=order.pk, note=self.source)
        for line in CustomerLine.objects.filter(
            site=self.site, order__code=row["no"], shipped_at=None, cancelled_at=None
        ):
            materials.cancel_line(self.command, line_id=line.pk, note=self.source)


def _masters_first(found: tuple[str, str]) -> tuple[int, str]:
    order = ("customers", "orders", "operations", "stock", "purchases")
    return order.index(found[0]) if found[0] in order else len(order), found[1]


def _labels(sheet: str, columns: set[str]) -> str:
    return ", ".join(_of_columns(sheet, columns))


def _of_columns(sheet: str, columns: set[str]) -> Iterator[str]:
    for column in BY_NAME[sheet].columns:
        if column.name in columns:
            yield column.names[0]
