"""A plant's workbook as plants send them: a share of its rows is wrong in many ways."""

from __future__ import annotations

import random
from datetime import date, timedelta
from typing import Any

from planning.ownplant.workbook import write_workbook

SPOILT = ("12 pcs", "", "#N/A", "31.02.2026", "?", "1..5")


def dirty_workbook(
    *, today: date, orders: int, operations: int, machines: int, share: float = 0.05
) -> tuple[bytes, int]:
    """The workbook, and how many of its rows hold a cell that can't be taken."""
    chance = random.Random(7)
    places = [f"M-{n:02d}" for n in range(1, machines + 1)]
    machine_rows: list[list[Any]] = [["Machine", "Group", "Shift"]]
    machine_rows += [[code, f"G-{n // 4 + 1}", 2] for n, code in enumerate(places)]
    order_rows: list[list[Any]] = [["Order", "Item", "Quantity", "Due", "Customer", "Value"]]
    operation_rows: list[list[Any]] = [
        ["Order or item", "No", "Machine", "Set-up min", "Min a piece"]
    ]
    spoilt = 0
    for n in range(1, orders + 1):
        due = today + timedelta(days=chance.randint(1, 9))
        row = [f"A-{n:04d}", f"P-{n % 40}", chance.randint(10, 60), f"{due:%Y-%m-%d}",
               f"C-{n % 12}", 1000 + n]  # fmt: skip
        if chance.random() < share:
            row[chance.choice((2, 3))] = chance.choice(SPOILT)
            spoilt += 1
        order_rows.append(row)
        for step in range(1, operations + 1):
            row = [f"A-{n:04d}", step * 10, chance.choice(places), 15,
                   chance.choice((2, 5, 9))]  # fmt: skip
            if chance.random() < share:
                column = chance.choice((2, 4))
                # An empty machine is no wrong cell: the health report asks for it.
                row[column] = "M-99" if column == 2 else chance.choice(SPOILT)
                spoilt += 1
            operation_rows.append(row)
    operation_rows.append([f"A-{orders:04d}", (operations + 1) * 10, "", 0, 1])
    sheets = {"Machines": machine_rows, "Orders": order_rows, "Operations": operation_rows}
    return write_workbook(sheets.items()), spoilt
