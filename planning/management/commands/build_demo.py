"""Builds Northfield through the apps' own actions: all of it, or nothing."""

from __future__ import annotations

import heapq
import io
import json
import secrets
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, OutputWrapper
from django.db import transaction

from equipment import actions as equipment
from equipment import rules as equipment_rules
from equipment.models import Equipment, Reason, Tool, WorkCalendar
from materials import actions as materials
from materials.models import BillLine, Customer, CustomerLine, Item, Location, Lot, Supplier
from mes import actions as mes
from mes import commands
from mes.access import token_sha256
from mes.actor import SYSTEM
from mes.clock import wall_now
from mes.masters import save_master
from mes.models import (
    Device,
    Person,
    Site,
    SiteClock,
    SiteHead,
    SitePlan,
)
from planning import northfield as plant
from planning.actions import commit_plan, recompute
from planning.personas import grant_personas
from workorders import actions as workorders
from workorders.models import JobOrder, WorkOrder

# Every command's key follows from its name: building twice sends the same commands again.
KEYS = uuid.uuid5(uuid.NAMESPACE_DNS, "northfield.demo.downstream")
TOKENS = "device-tokens.json"
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, order=True, slots=True)
class Fact:
    """Something that happened before the opening, in the order of time."""

    at: datetime
    order: str
    operation: int
    good: int = 0
    scrap: int = 0
    starts: bool = False


class Builder:
    """Sends the plant's commands one after the other and says how far it is."""

    def __init__(self, site: Site, say: Callable[[str], None]) -> None:
        self.site = site
        self.say = say
        self.sent = 0

    def do(self, name: str, act: Callable[[commands.Command], Any], **body: Any) -> dict[str, Any]:
        """Run one command; `name` is its identity, `body` what it was asked.

        :raises CommandError: if it is refused, which takes back the whole plant.
        """
        outcome = commands.run(
            site=self.site,
            key=uuid.uuid5(KEYS, name),
            actor=SYSTEM,
            name=f"build_demo {name}",
            body=body,
            act=act,
        )
        if not outcome.ok or outcome.status == 202:
            raise CommandError(f"{name}: {outcome.message}")
        self.sent += 1
        return outcome.response

    def id(self, model: Any, code: str) -> int:
        found: int = model.objects.values_list("pk", flat=True).get(site=self.site, code=code)
        return found

    def codes(self, model: Any) -> dict[str, int]:
        return dict(model.objects.filter(site=self.site).values_list("code", "pk"))

    def move_clock(self, to: datetime) -> None:
        self.do(f"clock {to:%Y-%m-%d %H:%M:%S}", lambda c: mes.move_clock(c, to=to), to=to)

    # -- masters ---------------------------------------------------------------------------------

    def equipment(self) -> None:
        def calendars(command: commands.Command) -> None:
            for each in plant.CALENDARS:
                equipment.add_calendar(
                    command,
                    code=each.code,
                    name=each.name,
                    shifts=[
                        (weekday, starts, ends, name)
                        for weekday in plant.WORKDAYS
                        for name, starts, ends in each.shifts
                    ],
                )

        self.do("calendars", calendars)
        calendar_ids = self.codes(WorkCalendar)

        def units(command: commands.Command) -> None:
            ids: dict[str, int] = {}

            def add(code: str, name: str, **values: Any) -> None:
                made = equipment.add_equipment(
                    command, code=code, name=name, order=len(ids), **values
                )
                ids[code] = made["equipment_id"]

            for code, name in plant.AREAS:
                add(code, name, level=Equipment.Level.AREA)
            for code, name, area in plant.WORK_CENTERS:
                add(code, name, level=Equipment.Level.WORK_CENTER, parent_id=ids[area])
            for unit in (*plant.UNITS, *plant.OUTSIDE):
                minutes, percent = unit.makeshift or (None, None)
                add(
                    unit.code,
                    unit.name,
                    kind=unit.kind,
                    parent_id=ids[unit.center],
                    calendar_id=calendar_ids[unit.calendar],
                    places=unit.places,
                    makeshift_s=None if minutes is None else minutes * 60,
                    makeshift_percent=percent,
                )

        self.do("equipment", units)
        unit_ids = self.codes(Equipment)

        def reasons(command: commands.Command) -> None:
            ids: dict[str, int] = {}
            for code, name, parent, applies_to, e10, calls in plant.REASONS:
                made = equipment.add_reason(
                    command,
                    code=code,
                    name=name,
                    applies_to=applies_to,
                    e10=e10,
                    parent_id=ids[parent] if parent else None,
                    calls_maintenance=calls,
                )
                ids[code] = made["reason_id"]

        self.do("reasons", reasons)

        def tools(command: commands.Command) -> None:
            for code, name, kind, pieces in plant.TOOLS:
                equipment.add_tool(command, code=code, name=name, kind=kind, pieces=pieces)

        self.do("tools", tools)

        def rates(command: commands.Command) -> None:
            for what, unit, amount, source, owner in plant.RATES:
                equipment.add_rate(
                    command,
                    what=what,
                    amount=Decimal(amount),
                    source=source,
                    owner=owner,
                    unit_id=unit_ids[unit] if unit else None,
                )

        self.do("rates", rates)

    def people(self) -> None:
        self.do("people", lambda c: grant_personas(c, duties=plant.DUTIES))
        unit_ids = self.codes(Equipment)

        def skills(command: commands.Command) -> None:
            for code, name, units in plant.SKILLS:
                able = [
                    (Person.objects.get_or_create(name=who)[0].pk, at_once, shifts)
                    for who, skill, at_once, shifts in plant.SKILLED
                    if skill == code
                ]
                workorders.add_skill(
                    command,
                    code=code,
                    name=name,
                    unit_ids=[unit_ids[unit] for unit in units],
                    people=able,
                )

        self.do("skills", skills)

    def materials(self) -> None:
        def items(command: commands.Command) -> None:
            for each in plant.ITEMS:
                materials.add_item(
                    command,
                    code=each.code,
                    name=each.name,
                    source=each.source,
                    unit=each.unit,
                    decimals=each.decimals,
                    family=each.family,
                    revision=each.revision,
                    safety_stock=Decimal(each.safety),
                    lead_time_s=each.lead_days * plant.DAY,
                    standard_cost=Decimal(each.cost),
                    safety_kept=each.safety_kept,
                )

        self.do("items", items)
        item_ids = self.codes(Item)

        def bills(command: commands.Command) -> None:
            for item, component, per, operation in plant.BILLS:
                materials.add_bill_line(
                    command,
                    item_id=item_ids[item],
                    component_id=item_ids[component],
                    quantity_per=Decimal(per),
                    operation_number=operation,
                )

        self.do("bills", bills)

        def stand_ins(command: commands.Command) -> None:
            for item, component, instead, per, source in plant.STAND_INS:
                line = BillLine.objects.get(
                    site=self.site, item__code=item, component__code=component
                )
                materials.add_bill_alternate(
                    command,
                    bill_line_id=line.pk,
                    component_id=item_ids[instead],
                    quantity_per=Decimal(per),
                    source=source,
                )

        self.do("stand-ins", stand_ins)

        def places(command: commands.Command) -> None:
            for code, name, kind in plant.LOCATIONS:
                materials.add_location(command, code=code, name=name, kind=kind)

        self.do("locations", places)

        def suppliers(command: commands.Command) -> None:
            for code, name, late_days in plant.SUPPLIERS:
                materials.add_supplier(
                    command, code=code, name=name, lateness_s=late_days * plant.DAY
                )

        self.do("suppliers", suppliers)
        supplier_ids = self.codes(Supplier)

        def amount(said: str | None) -> Decimal | None:
            return None if said is None else Decimal(said)

        def quotes(command: commands.Command) -> None:
            for each in plant.QUOTES:
                faster = None if each.expedite_h is None else each.expedite_h * plant.HOUR
                materials.add_supplier_item(
                    command,
                    supplier_id=supplier_ids[each.supplier],
                    item_id=item_ids[each.item],
                    lead_time_s=each.lead_h * plant.HOUR,
                    price=Decimal(each.price),
                    minimum_quantity=Decimal(each.minimum),
                    order_fee=amount(each.order_fee),
                    expedite_lead_s=faster,
                    expedite_fee=amount(each.expedite_fee),
                    source=f"{each.supplier.title()}, price list 2026",
                    owner=plant.QUOTED_BY,
                )

        self.do("quotes", quotes)

        def freights(command: commands.Command) -> None:
            for each in plant.FREIGHTS:
                materials.add_freight_mode(
                    command,
                    code=each.code,
                    name=each.name,
                    standard=each.standard,
                    transit_s=None if each.hours is None else each.hours * plant.HOUR,
                    price=Decimal(each.price),
                    source=each.source,
                    owner=plant.QUOTED_BY,
                )

        self.do("freights", freights)

        def customers(command: commands.Command) -> None:
            for each in plant.CUSTOMERS:
                amounts = {
                    name: Decimal(value)
                    for name in (
                        "penalty_percent_day",
                        "penalty_per_day",
                        "late_weight_per_day",
                        "line_stop_per_day",
                        "cap_percent",
                    )
                    if (value := getattr(each, name)) is not None
                }
                materials.add_customer(
                    command,
                    code=each.code,
                    name=each.name,
                    basis=each.basis,
                    priority_class=each.priority,
                    transit_s=each.transit_h * plant.HOUR,
                    **amounts,
                )

        self.do("customers", customers)

    def routings(self) -> None:
        item_ids, unit_ids = self.codes(Item), self.codes(Equipment)
        tool_ids = self.codes(Tool)

        def add(command: commands.Command) -> None:
            for item, steps in plant.ROUTINGS.items():
                workorders.add_routing(
                    command,
                    item_id=item_ids[item],
                    operations=[
                        {
                            "number": step.number,
                            "name": step.name,
                            "unit_id": unit_ids[step.unit],
                            "setup_s": step.setup_min * 60,
                            "run_s": Decimal(step.run_s),
                            "family": item,
                            "lag_s": step.lag_h * plant.HOUR,
                            "transfer_batch": Decimal(step.batch),
                            "alternates": [
                                (unit_ids[unit], _setup_s(step, unit), Decimal(run_s))
                                for unit, run_s in step.others
                            ],
                            "tools": [
                                tool_ids[tool]
                                for made, number, tool in plant.NEEDS
                                if (made, number) == (item, step.number)
                            ],
                        }
                        for step in steps
                    ],
                )

        self.do("routings", add)

    # -- what is there and what is owed ----------------------------------------------------------

    def stock(self) -> None:
        """The opening stock, and before it what the history is going to take."""
        item_ids, location_ids = self.codes(Item), self.codes(Location)
        taken: dict[str, Decimal] = {}
        for order in plant.ORDERS:
            made = {step.number: order.quantity for step in _finished_steps(order)}
            if order.running:
                made[_operation_after(order).number] = order.running.good + order.running.scrap
            for item, component, per, operation in plant.BILLS:
                if item == order.item and operation in made:
                    quantity = Decimal(per) * made[operation]
                    taken[component] = taken.get(component, Decimal(0)) + quantity

        def add(command: commands.Command) -> None:
            for n, (item, quantity) in enumerate(sorted(taken.items())):
                materials.receive(
                    command,
                    item_id=item_ids[item],
                    lot_code=f"L-24-09{n:02}",
                    quantity=quantity,
                    location_id=location_ids["RAW"],
                )
            for lot in plant.LOTS:
                materials.receive(
                    command,
                    item_id=item_ids[lot.item],
                    lot_code=lot.lot,
                    quantity=Decimal(lot.quantity),
                    location_id=location_ids[lot.location],
                    occurred_at=command.now,
                )
            unchecked = plant.UNCHECKED
            materials.receive(
                command,
                item_id=item_ids[unchecked.item],
                lot_code=unchecked.lot,
                quantity=Decimal(unchecked.quantity),
                location_id=location_ids[unchecked.location],
                status="QUARANTINE",
            )

        self.do("stock", add)
        supplier_ids = self.codes(Supplier)

        def purchases(command: commands.Command) -> None:
            for each in plant.PURCHASES:
                materials.add_purchase_line(
                    command,
                    order_code=each.order,
                    number=1,
                    supplier_id=supplier_ids[each.supplier],
                    item_id=item_ids[each.item],
                    quantity=Decimal(each.quantity),
                    promised_at=each.promised,
                )

        self.do("purchases", purchases)

    def _ship_one(self, command: commands.Command) -> None:
        """A line that was made and shipped whole, so that something can come back."""
        line, lot = plant.SHIPPED, plant.SHIPPED_FROM
        item_ids = self.codes(Item)
        materials.receive(
            command,
            item_id=item_ids[lot.item],
            lot_code=lot.lot,
            quantity=Decimal(lot.quantity),
            location_id=self.codes(Location)[lot.location],
        )
        made = materials.add_customer_order(
            command,
            code=line.order,
            customer_id=self.codes(Customer)[line.customer],
            lines=[
                {
                    "item_id": item_ids[line.item],
                    "quantity": Decimal(line.quantity),
                    "requested_at": line.promised,
                    "promised_at": line.promised,
                    "price": Decimal(line.price),
                }
            ],
        )
        materials.ship(
            command,
            line_id=made["line_ids"][0],
            quantity=Decimal(line.quantity),
            lot_id=self.codes(Lot)[lot.lot],
        )

    def orders(self) -> None:
        item_ids, customer_ids = self.codes(Item), self.codes(Customer)

        def lines(command: commands.Command) -> None:
            for line in plant.LINES:
                materials.add_customer_order(
                    command,
                    code=line.order,
                    customer_id=customer_ids[line.customer],
                    lines=[
                        {
                            "item_id": item_ids[line.item],
                            "quantity": Decimal(line.quantity),
                            "requested_at": line.promised,
                            "promised_at": line.promised,
                            "price": Decimal(line.price),
                        }
                    ],
                )

        self.do("customer orders", lines)
        self.do("a shipment", self._ship_one)
        line_ids = dict(
            CustomerLine.objects.filter(site=self.site).values_list("order__code", "pk")
        )
        self.say(f"releasing {len(plant.ORDERS)} work orders")

        def release(command: commands.Command) -> None:
            for order in plant.ORDERS:
                made = workorders.create_order(
                    command,
                    code=order.code,
                    item_id=item_ids[order.item],
                    quantity=Decimal(order.quantity),
                    due_at=order.due,
                    customer_line_id=line_ids[order.line] if order.line else None,
                )
                workorders.release(command, work_order_id=made["work_order_id"])

        self.do("work orders", release)
        unit_ids = self.codes(Equipment)

        def place(command: commands.Command) -> None:
            for order in plant.ORDERS:
                for number, unit in order.on:
                    job = JobOrder.objects.get(
                        site=self.site, work_order__code=order.code, number=number
                    )
                    workorders.move_job(
                        command,
                        job_order_id=job.pk,
                        to_unit_id=unit_ids[unit],
                        position=len(plant.ORDERS),
                    )
            # Released in the order of their dates, so that is the sequence of every queue.
            for unit in {unit for order in plant.ORDERS for _number, unit in order.on}:
                jobs = JobOrder.objects.filter(site=self.site, unit__code=unit).order_by(
                    "work_order_id", "number"
                )
                workorders.set_queue(
                    command,
                    unit_id=unit_ids[unit],
                    job_order_ids=[job.pk for job in jobs],
                )

        self.do("placing", place)

    # -- what has been made ----------------------------------------------------------------------

    def history(self) -> None:
        """Replay what was made before the opening, each fact at its own time."""
        jobs = {
            (code, number): pk
            for code, number, pk in JobOrder.objects.filter(site=self.site).values_list(
                "work_order__code", "number", "pk"
            )
        }
        chatter = self.id(Reason, "SURF-CHATTER")
        facts = sorted(_finished() + _running())
        self.say(f"replaying {len(facts)} facts of the days before")
        times = [*(fact.at for fact in facts[1:]), plant.OPENS_AT]
        self.move_clock(facts[0].at)
        for fact, after in zip(facts, times, strict=True):

            def act(command: commands.Command, fact: Fact = fact, after: datetime = after) -> None:
                job = jobs[fact.order, fact.operation]
                if fact.starts:
                    workorders.start(command, job_order_id=job)
                else:
                    workorders.report_production(
                        command,
                        job_order_id=job,
                        good=Decimal(fact.good),
                        scrap=Decimal(fact.scrap),
                        reason_id=chatter if fact.scrap else None,
                    )
                mes.move_clock(command, to=after)

            self.do(
                f"{fact.order}/{fact.operation} {'start' if fact.starts else 'report'}"
                f" {fact.at:%d %H:%M:%S}",
                act,
                good=fact.good,
                scrap=fact.scrap,
            )

    def devices(self, tokens: dict[str, str]) -> None:
        def add(command: commands.Command) -> None:
            for each in plant.STATIONS:
                save_master(
                    command,
                    Device(
                        site=self.site,
                        code=each.code,
                        station=each.station,
                        role=each.role,
                        token_sha256=token_sha256(tokens[each.code]),
                    ),
                )

        self.do("devices", add)


def _setup_s(step: plant.Step, unit: str) -> int:
    outside = unit in {each.code for each in plant.OUTSIDE}
    return (plant.OUTSIDE_TRANSPORT_MIN if outside else step.setup_min) * 60


def _finished_steps(order: plant.Order) -> list[plant.Step]:
    return [step for step in plant.ROUTINGS[order.item] if step.number <= order.done]


def _operation_after(order: plant.Order) -> plant.Step:
    return next(step for step in plant.ROUTINGS[order.item] if step.number > order.done)


def _finished() -> list[Fact]:
    """When each finished operation started and ended: one after the other on its unit, in the
    units' working time, each after the one before it in its order."""
    end = plant.OPENS_AT.replace(hour=6, minute=0)
    spans = {
        calendar.code: equipment_rules.expand_calendar(
            [
                equipment_rules.Shift(weekday, starts, ends)
                for weekday in plant.WORKDAYS
                for _name, starts, ends in calendar.shifts
            ],
            [],
            plant.TIME_ZONE,
            plant.HISTORY_FROM,
            end,
        )
        for calendar in plant.CALENDARS
    }
    calendars = {unit.code: spans[unit.calendar] for unit in plant.UNITS}
    free = dict.fromkeys(calendars, plant.HISTORY_FROM)
    facts: list[Fact] = []
    waiting = [(plant.HISTORY_FROM, place, 0) for place in range(len(plant.ORDERS))]
    heapq.heapify(waiting)
    while waiting:
        ready, place, n = heapq.heappop(waiting)
        order = plant.ORDERS[place]
        steps = _finished_steps(order)
        if n == len(steps):
            continue
        step = steps[n]
        unit = dict(order.on).get(step.number, step.unit)
        run_s = dict(step.others).get(unit, step.run_s)
        begins = max(ready, free[unit])
        if begins > ready:
            # Not its turn yet: come back when the unit is free, behind who is ready before.
            heapq.heappush(waiting, (begins, place, n))
            continue
        begins = next(max(begins, first) for first, last in calendars[unit] if begins < last)
        work = timedelta(seconds=step.setup_min * 60 + float(run_s) * order.quantity)
        ends = begins
        for first, last in calendars[unit]:
            if last <= ends:
                continue
            ends = max(ends, first)
            if ends + work <= last:
                ends += work
                break
            work -= last - ends
            ends = last
        else:
            raise CommandError(f"{order.code}/{step.number} does not fit before the opening")
        ends = ends.replace(microsecond=0)
        free[unit] = ends + MINUTE
        facts.append(Fact(begins, order.code, step.number, starts=True))
        facts.append(Fact(ends, order.code, step.number, good=order.quantity))
        onward = max(MINUTE, timedelta(hours=step.lag_h))
        heapq.heappush(waiting, (ends + onward, place, n + 1))
    return facts


def _running() -> list[Fact]:
    """What runs at the opening, reported by the pallet since it started."""
    facts: list[Fact] = []
    for order in plant.ORDERS:
        if order.running is None:
            continue
        run = order.running
        step = _operation_after(order)
        unit = dict(order.on).get(step.number, step.unit)
        run_s = float(dict(step.others).get(unit, step.run_s))
        facts.append(Fact(run.since, order.code, step.number, starts=True))
        begins = run.since + timedelta(minutes=step.setup_min)
        left, made = run.good, 0
        while left > 0:
            pallet = min(step.batch, left)
            left -= pallet
            scrap = run.scrap if left == 0 else 0
            made += pallet + scrap
            at = begins + timedelta(seconds=round(made * run_s))
            if at > plant.OPENS_AT:
                raise CommandError(f"{order.code}/{step.number} could not have made that many")
            facts.append(Fact(at, order.code, step.number, good=pallet, scrap=scrap))
    return facts


class Command(BaseCommand):
    help = "Build Northfield, the demo plant. Building it again changes nothing."

    def handle(self, **options: Any) -> None:
        if not options["verbosity"]:
            self.stdout = OutputWrapper(io.StringIO())
        began = time.perf_counter()
        tokens = _kept_tokens()
        with transaction.atomic():
            site, made = Site.objects.get_or_create(
                code=plant.SITE,
                defaults={
                    "name": plant.NAME,
                    "time_zone": plant.TIME_ZONE,
                    "currency": plant.CURRENCY,
                    "clock": Site.Clock.SIMULATED,
                    "default_late_cost_per_day": Decimal(100),
                },
            )
            if made:
                SiteHead.objects.create(site=site)
                SitePlan.objects.create(site=site)
                SiteClock.objects.create(site=site, at=plant.HISTORY_FROM, speed=1)
                self._build(site, tokens)
            _keep_tokens(site, tokens)
        self._plan(site)
        jobs = JobOrder.objects.filter(site=site).count()
        orders = WorkOrder.objects.filter(site=site).count()
        lines = CustomerLine.objects.filter(site=site, shipped_at=None).count()
        self.stdout.write(
            f"{site.name}: {orders} work orders with {jobs} operations, {lines} deliveries"
            + (f", built in {time.perf_counter() - began:.1f} s" if made else ", already built")
        )

    def _build(self, site: Site, tokens: dict[str, str]) -> None:
        builder = Builder(site, self.stdout.write)
        for say, step in (
            ("machines, calendars, reasons, rates", builder.equipment),
            ("people", builder.people),
            ("items, bills, places, customers, suppliers", builder.materials),
            ("routings", builder.routings),
            ("stock and purchases", builder.stock),
            ("customer orders and work orders", builder.orders),
            ("history", builder.history),
        ):
            self.stdout.write(f"building {say}")
            self.stdout.flush()
            step()
        builder.devices(tokens)
        builder.do("first plan", commit_plan)

    def _plan(self, site: Site) -> None:
        """Answer what the record holds, so that the first page has its figures."""
        self.stdout.write("planning")
        self.stdout.flush()
        result = recompute(site.pk, wall_now=wall_now())
        if result.state == "FAILED":
            raise CommandError(f"the plan failed: {SitePlan.objects.get(site=site).failure}")


def _token_file() -> Path:
    return Path(settings.DATA_DIR) / TOKENS


def _kept_tokens() -> dict[str, str]:
    """The devices' tokens by code: those in the file, new ones for devices without."""
    kept: dict[str, str] = {}
    if _token_file().exists():
        kept = json.loads(_token_file().read_text())
    return {each.code: kept.get(each.code) or secrets.token_urlsafe(32) for each in plant.STATIONS}


def _keep_tokens(site: Site, tokens: dict[str, str]) -> None:
    """Write the tokens where the simulator and a tablet find them; only hashes are stored.

    A device whose token is lost, because the file is gone, gets the new one.
    """
    stale = [
        device
        for device in Device.objects.filter(site=site, code__in=tokens, revoked_at=None)
        if device.token_sha256 != token_sha256(tokens[device.code])
    ]
    for device in stale:
        device.token_sha256 = token_sha256(tokens[device.code])

    def renew(command: commands.Command) -> None:
        for device in stale:
            save_master(command, device)

    if stale:
        commands.run(
            site=site,
            key=uuid.uuid4(),
            actor=SYSTEM,
            name="build_demo tokens",
            body={"devices": [device.code for device in stale]},
            act=renew,
        )
    file = _token_file()
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch(mode=0o600)
    file.write_text(json.dumps(tokens, indent=1))
