"""What the floor sends: a mixed load, made from a seed and the plant as it was built."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Message:
    """One thing that happened, with its key; sent by a device (`path` empty) or on a form."""

    key: str
    kind: str
    body: dict[str, Any]
    path: str = ""


@dataclass(frozen=True)
class Known:
    """What the senders know of the plant."""

    units: list[str]
    jobs: list[tuple[str, int]]  # work order and operation
    posts: list[tuple[str, int]]  # unit and job order, for forms
    lots: list[tuple[str, str]]  # lot and location
    purchases: list[tuple[str, int]]
    lines: list[tuple[str, int]]
    tools: list[str]
    customers: list[str]
    items: list[str]
    now: datetime


def known() -> Known:
    from equipment.models import Equipment, Tool
    from materials.models import Customer, CustomerLine, Item, PurchaseLine, StockBalance
    from mes.clock import plant_now
    from mes.models import Site
    from workorders.models import JobOrder

    site = Site.objects.get(code="NF")
    jobs = JobOrder.objects.filter(site=site, completed_at=None).order_by("pk")
    units = Equipment.objects.filter(site=site, level="WORK_UNIT").exclude(kind="EXTERNAL")
    return Known(
        units=list(units.order_by("code").values_list("code", flat=True)),
        jobs=list(jobs.values_list("work_order__code", "number")),
        posts=list(jobs.values_list("unit__code", "pk")),
        lots=list(
            StockBalance.objects.filter(site=site, quantity__gt=50)
            .order_by("pk")
            .values_list("lot__code", "location__code")
        ),
        purchases=list(
            PurchaseLine.objects.filter(site=site)
            .order_by("pk")
            .values_list("order_code", "number")
        ),
        lines=list(
            CustomerLine.objects.filter(site=site)
            .order_by("pk")
            .values_list("order__code", "number")
        ),
        tools=list(Tool.objects.filter(site=site).order_by("pk").values_list("code", flat=True)),
        customers=list(
            Customer.objects.filter(site=site).order_by("pk").values_list("code", flat=True)
        ),
        items=list(
            Item.objects.filter(site=site, source="MAKE")
            .order_by("pk")
            .values_list("code", flat=True)
        ),
        now=plant_now(site),
    )


class Floor:
    """Makes messages; the same seed makes the same ones, keys included."""

    def __init__(self, chance: random.Random, plant: Known) -> None:
        self.chance, self.plant, self.made = chance, plant, 0

    def message(self) -> Message:
        self.made += 1
        makers, weights = zip(*KINDS, strict=True)
        (make,) = self.chance.choices(makers, weights)
        kind, body, path = make(self)
        return Message(
            str(uuid.UUID(int=self.chance.getrandbits(128), version=4)), kind, body, path
        )

    def one(self, of: list[Any]) -> Any:
        return self.chance.choice(of)

    def job(self) -> dict[str, Any]:
        order, number = self.one(self.plant.jobs)
        return {"work_order": order, "operation": number}

    def unit(self) -> dict[str, Any]:
        return {"unit": self.one(self.plant.units)}

    def stock(self) -> dict[str, Any]:
        lot, location = self.one(self.plant.lots)
        return {"lot": lot, "location": location}

    def purchase(self) -> dict[str, Any]:
        order, number = self.one(self.plant.purchases)
        return {"purchase_order": order, "line": number}

    def line(self) -> dict[str, Any]:
        order, number = self.one(self.plant.lines)
        return {"order": order, "line": number}

    def later(self, hours: int) -> str:
        return (self.plant.now + self.chance.randint(1, hours) * HOUR).isoformat()

    def tool(self) -> dict[str, Any]:
        return {"tool": self.one(self.plant.tools)}


Made = tuple[str, dict[str, Any], str]
Maker = Callable[[Floor], Made]


def _api(kind: str, more: Callable[[Floor], dict[str, Any]]) -> Maker:
    return lambda floor: (kind, {"kind": kind, **more(floor)}, "")


def _report_form(floor: Floor) -> Made:
    unit, job = floor.one(floor.plant.posts)
    body = {"good": str(floor.chance.randint(1, 4)), "scrap": "0", "rework": "0"}
    return "form.report", body, f"/floor/{unit}/jobs/{job}/report/"


def _start_form(floor: Floor) -> Made:
    unit, job = floor.one(floor.plant.posts)
    return "form.start", {}, f"/floor/{unit}/jobs/{job}/start/"


def _down_form(floor: Floor) -> Made:
    unit = floor.one(floor.plant.units)
    return "form.down", {"minutes": str(floor.one([10, 30, 60]))}, f"/floor/{unit}/down/"


def _repair_form(floor: Floor) -> Made:
    return "form.repair", {}, f"/floor/{floor.one(floor.plant.units)}/repair/"


def _call_form(floor: Floor) -> Made:
    unit = floor.one(floor.plant.units)
    whom = floor.one(["MAINTENANCE", "QUALITY", "MATERIAL", "SUPERVISOR"])
    return "form.call", {"kind": whom, "stopped": "no"}, f"/floor/{unit}/call/"


def _pieces(floor: Floor) -> dict[str, Any]:
    scrap = floor.one([0, 0, 0, 1])
    reason = {"reason": "SURF-CHATTER"} if scrap else {}
    return {**floor.job(), "good": str(floor.chance.randint(1, 5)), "scrap": str(scrap), **reason}


def _new_order(floor: Floor) -> dict[str, Any]:
    line = {
        "item": floor.one(floor.plant.items),
        "quantity": str(floor.chance.randint(5, 40)),
        "requested_at": floor.later(200),
        "price": "50",
    }
    return {
        "order": f"F-{floor.made}",
        "customer": floor.one(floor.plant.customers),
        "lines": [line],
    }


KINDS: tuple[tuple[Maker, int], ...] = (
    (_api("production", _pieces), 26),
    (_report_form, 14),
    (_api("start", Floor.job), 6),
    (_start_form, 3),
    (_api("stop", lambda f: {**f.job(), "reason": "WAIT-PERSON"}), 3),
    (_api("resume", Floor.job), 3),
    (_api("finish", Floor.job), 1),
    (
        _api("breakdown", lambda f: {**f.unit(), "back_at": f.later(8), "said_by": "fault"}),
        3,
    ),
    (_down_form, 2),
    (_api("repair", Floor.unit), 4),
    (_repair_form, 2),
    (_api("estimate", lambda f: {**f.unit(), "back_at": f.later(12), "said_by": "fault"}), 2),
    (_api("slow", lambda f: {**f.unit(), "percent": f.chance.randint(30, 90)}), 1),
    (_api("slow_end", Floor.unit), 1),
    (_api("tool_lost", Floor.tool), 1),
    (_api("tool_found", Floor.tool), 1),
    (
        _api(
            "receive",
            lambda f: {
                **f.purchase(),
                "lot": f"F-{f.made}",
                "quantity": str(f.chance.randint(1, 20)),
                "location": "RAW",
            },
        ),
        5,
    ),
    (_api("shortage", lambda f: {**f.stock(), "missing": str(f.chance.randint(1, 3))}), 3),
    (_api("count", lambda f: {**f.stock(), "counted": str(f.chance.randint(50, 400))}), 2),
    (_api("purchase", lambda f: {**f.purchase(), "expected_at": f.later(90), "said_by": "f"}), 2),
    (_api("order", _new_order), 2),
    (_api("order_change", lambda f: {**f.line(), "requested_at": f.later(150)}), 2),
    (_api("order_cancel", Floor.line), 1),
    (_api("order_restore", Floor.line), 1),
    (_api("ship", lambda f: {**f.line(), "quantity": "1"}), 3),
    (_api("hold", lambda f: {"lot": f.one(f.plant.lots)[0], "note": "fault"}), 1),
    (_api("call", lambda f: {**f.unit(), "whom": "MATERIAL", "stopped": False}), 1),
    (_call_form, 1),
    (_api("not_possible", lambda f: {**f.job(), "why": f.one(["TOOL", "PROGRAM"])}), 1),
    (_api("possible_again", Floor.job), 1),
    (
        _api("move", lambda f: {**f.job(), "to_unit": f.one(f.plant.units), "position": 0}),
        1,
    ),
)
