"""The workbook to fill in: empty, or filled with Northfield as an example."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

from planning import northfield as plant
from planning.ownplant.columns import BY_NAME, SHEETS
from planning.ownplant.workbook import Cell, write_workbook

_HOURS = {
    "TWO-SHIFT": "2",
    "EARLY": "1",
    "ROUND": "Mon-Fri 00:00-00:00",
}
Rows = list[Sequence[Cell]]


def empty_workbook() -> bytes:
    """Every sheet with its headings."""
    return write_workbook((sheet.names[0], [_heads(sheet.name)]) for sheet in SHEETS)


def filled_workbook() -> bytes:
    """Every sheet with Northfield's rows: what it has, makes and owes."""
    return write_workbook(
        (sheet.names[0], [_heads(sheet.name), *_northfield(sheet.name)]) for sheet in SHEETS
    )


def _heads(name: str) -> Sequence[Cell]:
    return [column.names[0] for column in BY_NAME[name].columns]


def _northfield(name: str) -> Iterator[Sequence[Cell]]:
    lines = {line.order: line for line in plant.LINES}
    units = {item.code: item.unit for item in plant.ITEMS}
    if name == "machines":
        for unit in (*plant.UNITS, *plant.OUTSIDE):
            yield (unit.code, unit.name, unit.center, _HOURS[unit.calendar], None)
    elif name == "orders":
        for order in plant.ORDERS:
            line = lines.get(order.line or "")
            price = Decimal(line.price) * order.quantity if line else None
            yield (
                order.code, order.item, order.quantity, None, order.due.replace(tzinfo=None),
                line.customer if line else None,
                line.promised.replace(tzinfo=None) if line else None, price, units[order.item],
            )  # fmt: skip
    elif name == "operations":
        yield from _operations()
    elif name == "components":
        for item, component, per, number in plant.BILLS:
            yield (item, component, Decimal(per), number, units[component])
    elif name == "stock":
        for lot in plant.LOTS:
            yield (lot.item, Decimal(lot.quantity), lot.lot, lot.location, units[lot.item])
    elif name == "purchases":
        for each in plant.PURCHASES:
            yield (
                each.order, 1, each.item, Decimal(each.quantity),
                each.promised.replace(tzinfo=None), each.supplier, units[each.item],
            )  # fmt: skip
    elif name == "rates":
        yield from _rates()
    elif name == "customers":
        for buyer in plant.CUSTOMERS:
            late = buyer.penalty_per_day or buyer.late_weight_per_day or buyer.line_stop_per_day
            yield (
                buyer.code, buyer.name, Decimal(late) if late else None,
                Decimal(buyer.transit_h) / 24,
            )  # fmt: skip


def _operations() -> Iterator[Sequence[Cell]]:
    """An item's own steps; an order that has begun names its own, with what is done of them."""
    made = {order.item for order in plant.ORDERS}

    def row(of: str, step: plant.Step, unit: str, done: int | None) -> Sequence[Cell]:
        run_s = Decimal(dict(step.others).get(unit, step.run_s))
        minutes = (run_s / 60).quantize(Decimal("0.000001")).normalize()
        return (of, step.number, step.name, unit, step.setup_min, minutes, done)

    for item, steps in plant.ROUTINGS.items():
        if item in made:
            for step in steps:
                yield row(item, step, step.unit, None)
    for order in plant.ORDERS:
        if not (order.done or order.running or order.on):
            continue
        running = True
        for step in plant.ROUTINGS[order.item]:
            done = order.quantity if step.number <= order.done else None
            if step.number > order.done and order.running and running:
                done, running = order.running.good, False
            yield row(order.code, step, dict(order.on).get(step.number, step.unit), done)


def _rates() -> Iterator[Sequence[Cell]]:
    columns = ("UNIT_HOUR", "OVERTIME_HOUR", "SETUP_HOUR")
    units = dict.fromkeys(unit for what, unit, *_rest in plant.RATES if what in columns)
    for unit in units:
        amounts = {what: Decimal(amount) for what, on, amount, *_rest in plant.RATES if on == unit}
        yield (unit, *(amounts.get(what) for what in columns))
