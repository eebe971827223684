"""Other planners' files as a plant's rows: job shops, flexible job shops, frePPLe's fixtures."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _

from planning.ownplant.sheets import Unreadable

ALWAYS = "00:00-00:00"
STEP = 10  # operations are numbered 10, 20, ...
DUE_DAYS = 365  # of a job that has no date: nobody waits for it
Rows = dict[str, list[dict[str, str]]]


@dataclass(slots=True)
class Read:
    """A file of another planner, read.

    rows      sheet -> rows, as a checked own-plant file has them; an operation may have `others`:
              "machine=seconds;..." where another machine does it in another time
    left_out  what the file says that no row holds, in words
    """

    rows: Rows
    left_out: list[str] = field(default_factory=list)


def read_plan(data: bytes, *, now: datetime, unit_s: int) -> Read:
    """Read a file of another planner, whichever it is.

    now     the plant's local time: what has a date keeps its distance to the file's own day
    unit_s  seconds of one time unit of a job shop, which has none

    :raises Unreadable: with what is wrong, and where
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as wrong:
        raise Unreadable(_("This file is no text.")) from wrong
    if text.lstrip().startswith(("[", "{")):
        return _frepple(text, now)
    return _shop(text, now, unit_s)


# -- job shops -----------------------------------------------------------------------------------


def _shop(text: str, now: datetime, unit_s: int) -> Read:
    """Jobs of steps in series, each on one machine, or on one of several."""
    lines = [
        (number, _numbers(line, number))
        for number, line in enumerate(text.splitlines(), 1)
        if line.strip() and not line.lstrip().startswith("#")
    ]
    if not lines or len(lines[0][1]) < 2:
        raise Unreadable(_("The first line must say how many jobs and machines there are."))
    jobs, machines = lines[0][1][0], lines[0][1][1]
    if len(lines) - 1 != jobs:
        raise Unreadable(
            _("%(n)d jobs are announced and %(found)d lines follow.")
            % {"n": jobs, "found": len(lines) - 1}
        )
    plain = all(len(numbers) == 2 * machines for _number, numbers in lines[1:])
    rows: Rows = {
        "machines": [{"code": f"M-{n}", "shift": ALWAYS} for n in range(machines)],
        "orders": [],
        "operations": [],
    }
    due = f"{now + timedelta(days=DUE_DAYS):%Y-%m-%dT%H:%M}"
    for job, (line, numbers) in enumerate(lines[1:], 1):
        code = f"J-{job:03d}"
        rows["orders"].append({"no": code, "item": code, "qty": "1", "due": due})
        steps = _plain(numbers) if plain else _flexible(numbers, line)
        for n, choice in enumerate(steps, 1):
            for machine, _time in choice:
                if not 0 <= machine < machines:
                    raise Unreadable(
                        _("Line %(line)d names machine %(machine)d; there are %(n)d.")
                        % {"line": line, "machine": machine, "n": machines}
                    )
            (machine, time), *others = choice
            step = {
                "order": code,
                "no": str(STEP * n),
                "machine": f"M-{machine}",
                "run": str(time * unit_s),
            }
            if others:
                step["others"] = ";".join(f"M-{other}={t * unit_s}" for other, t in others)
            rows["operations"].append(step)
    return Read(rows)


def _numbers(line: str, number: int) -> list[int]:
    try:
        found = [int(float(part)) for part in line.split()]
    except (ValueError, OverflowError) as wrong:
        raise Unreadable(_("Line %(n)d holds something else than numbers.") % {"n": number}) from (
            wrong
        )
    if min(found) < 0 or max(found) > 10**7:
        raise Unreadable(_("Line %(n)d holds a number that can't be meant.") % {"n": number})
    return found


def _plain(numbers: list[int]) -> list[list[tuple[int, int]]]:
    return [[pair] for pair in zip(numbers[::2], numbers[1::2], strict=True)]


def _flexible(numbers: list[int], line: int) -> list[list[tuple[int, int]]]:
    """How many steps; of each, how many machines can do it, and each with its time."""
    steps: list[list[tuple[int, int]]] = []
    rest = iter(numbers)
    try:
        for _step in range(next(rest)):
            steps.append([(next(rest), next(rest)) for _choice in range(next(rest))])
    except (StopIteration, RuntimeError) as wrong:
        raise Unreadable(_("Line %(n)d ends too early.") % {"n": line}) from wrong
    if any(rest) or not all(steps):
        raise Unreadable(_("Line %(n)d holds more than its steps, or an empty one.") % {"n": line})
    return steps


# -- frePPLe -------------------------------------------------------------------------------------


class _Fixture:
    """The objects of a fixture by their kind; references by name, with and without `_id`."""

    def __init__(self, text: str) -> None:
        try:
            found = json.loads(text)
            self.of: dict[str, list[dict[str, Any]]] = defaultdict(list)
            for row in found:
                fields = dict(row["fields"])
                fields.setdefault("name", row.get("pk"))
                self.of[row["model"].rpartition(".")[2]].append(fields)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as wrong:
            raise Unreadable(_("This is no fixture of another planner that we know.")) from wrong
        if not self.of["operation"] or not self.of["resource"]:
            raise Unreadable(_("There is no operation or no resource in this fixture."))


def _named(row: Mapping[str, Any], name: str) -> str:
    return str(row.get(f"{name}_id") or row.get(name) or "")


def _frepple(text: str, now: datetime) -> Read:
    fixture = _Fixture(text)
    here = now.replace(tzinfo=None)
    said = [row["value"] for row in fixture.of["parameter"] if row["name"] == "currentdate"]
    try:
        reading = _Frepple(fixture, here - (_instant(said[0]) if said else here))
        return Read(reading.rows(), reading.left_out)
    except (KeyError, ValueError, TypeError, OverflowError) as wrong:
        raise Unreadable(
            _("Something in this fixture is missing or no value: %(what)s") % {"what": wrong}
        ) from wrong


def _instant(text: Any) -> datetime:
    return datetime.fromisoformat(str(text)).replace(tzinfo=None)


class _Frepple:
    def __init__(self, fixture: _Fixture, shift: timedelta) -> None:
        self.of = fixture.of
        self.shift = shift
        self.left_out: list[str] = []
        self.resource_of = {
            _named(row, "operation"): _named(row, "resource")
            for row in self.of["operationresource"]
        }
        self.operations = {str(row["name"]): row for row in self.of["operation"]}
        self.steps: dict[str, list[str]] = defaultdict(list)
        for name, row in self.operations.items():
            if owner := _named(row, "owner"):
                self.steps[owner].append(name)
        for names in self.steps.values():
            names.sort(key=lambda name: int(self.operations[name].get("priority") or 0))
        places = {_named(row, "location") for row in self.of["operation"] if _named(row, "item")}
        self.many_places = len(places) > 1
        self.makes: dict[str, str] = {}
        self.eats: dict[str, list[tuple[str, float]]] = defaultdict(list)
        for row in self.of["operationmaterial"]:
            operation = self.operations.get(_named(row, "operation"))
            if operation is None:
                continue
            item = self._item(_named(row, "item"), _named(operation, "location"))
            quantity = float(row.get("quantity") or 1)
            if quantity > 0:
                self.makes.setdefault(item, str(operation["name"]))
            else:
                self.eats[str(operation["name"])].append((item, -quantity))

    def _item(self, item: str, place: str) -> str:
        return f"{item}@{place}"[:40] if self.many_places else item[:40]

    def rows(self) -> Rows:
        rows: Rows = {
            "machines": [
                {"code": str(row["name"])[:40], "shift": ALWAYS} for row in self.of["resource"]
            ],
            "orders": [],
            "operations": [],
            "components": [],
            "stock": [],
            "purchases": [],
        }
        made: dict[str, str] = {}
        for demand in self.of["demand"]:
            self._order(rows, demand, made)
        for item, operation in made.items():
            self._routing(rows, item, operation)
        for buffer in self.of["buffer"]:
            if float(buffer.get("onhand") or 0) > 0:
                item = self._item(_named(buffer, "item"), _named(buffer, "location"))
                rows["stock"].append({"item": item, "qty": _plain_number(buffer["onhand"])})
        for n, row in enumerate(self.of["operationplan"], 1):
            if row.get("type") == "PO":
                item = self._item(_named(row, "item"), _named(row, "location"))
                rows["purchases"].append(
                    {
                        "order": str(row.get("reference") or f"PO-{n}")[:40],
                        "item": item,
                        "qty": _plain_number(row["quantity"]),
                        "due": self._day(row["enddate"]),
                        "supplier": _named(row, "supplier")[:40],
                    }
                )
        self._say_what_is_left_out()
        return rows

    def _order(self, rows: Rows, demand: Mapping[str, Any], made: dict[str, str]) -> None:
        item = self._item(_named(demand, "item"), _named(demand, "location"))
        operation = _named(demand, "operation") or self.makes.get(item, "")
        if not operation:
            self.left_out.append(
                _("%(demand)s: nobody makes %(item)s") % {"demand": demand["name"], "item": item}
            )
            return
        if demand.get("status") not in (None, "open"):
            self.left_out.append(_("%(demand)s: it is not open") % {"demand": demand["name"]})
            return
        base = {
            "due": self._day(demand["due"]),
            "item": item,
            "qty": _plain_number(demand["quantity"]),
        }
        code = str(demand["name"])[:40]
        rows["orders"].append({"no": code, "customer": _named(demand, "customer")[:40], **base})
        made.setdefault(item, operation)
        # What it is made of and is made here itself has an order of its own.
        for part, quantity in self.eats.get(operation, ()):
            if part in self.makes:
                need = quantity * float(demand["quantity"])
                rows["orders"].append(
                    {**base, "no": f"{code} {part}"[:40], "item": part, "qty": _plain_number(need)}
                )
                made.setdefault(part, self.makes[part])

    def _routing(self, rows: Rows, item: str, operation: str) -> None:
        number = 0
        for name in self.steps.get(operation) or [operation]:
            step = self.operations[name]
            machine = self.resource_of.get(name)
            if machine is None:
                self.left_out.append(_("%(operation)s: no resource") % {"operation": name})
                continue
            number += STEP
            rows["operations"].append(
                {
                    "order": item,
                    "no": str(number),
                    "name": name[:80],
                    "machine": machine[:40],
                    # What takes a fixed time takes it whatever the quantity: a set-up.
                    "setup": _plain_number(step.get("duration") or 0),
                    "run": _plain_number(step.get("duration_per") or 0),
                }
            )
            for part, quantity in self.eats.get(name, ()):
                rows["components"].append(
                    {
                        "item": item,
                        "component": part,
                        "qty": _plain_number(quantity),
                        "op": str(number),
                    }
                )

    def _say_what_is_left_out(self) -> None:
        words = {
            "itemdistribution": _("transports between locations"),
            "calendarbucket": _("calendars: every machine works always"),
            "itemsupplier": _("suppliers' terms"),
        }
        self.left_out += [
            f"{len(self.of[kind])} {said}" for kind, said in words.items() if self.of[kind]
        ]
        others = [row for row in self.of["operationplan"] if row.get("type") != "PO"]
        if others:
            self.left_out.append(
                _("%(n)d confirmed plans that are no purchases") % {"n": len(others)}
            )

    def _day(self, text: str) -> str:
        moved = _instant(text) + self.shift
        return f"{moved:%Y-%m-%dT%H:%M}"


def _plain_number(value: Any) -> str:
    number = float(value)
    if not math.isfinite(number) or abs(number) > 1e12:
        raise Unreadable(_("%(value)s is no number that can be meant.") % {"value": value})
    return f"{number:.6f}".rstrip("0").rstrip(".")
