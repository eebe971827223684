"""When each customer line leaves: as recorded, or as soon after as its pieces are there.

Pure. The sample ships every line five days before it is due, made or not. Here a line leaves at
five in the morning of its recorded day, or of the first day after it on which it is in stock
whole, and no recorded work order will miss the pieces. The earlier due go first.
"""

from __future__ import annotations

from bisect import bisect_left
from datetime import date, datetime, timedelta
from decimal import Decimal

from planning.adventureworks import choices
from planning.adventureworks.backlog import come_sales, open_sales
from planning.adventureworks.reading import Company, Sale, SaleRow
from planning.adventureworks.record import Fact, Kind, Moves


def shipments(
    company: Company, stock: dict[int, Decimal], moves: Moves, as_of: date, until: date
) -> list[Fact]:
    """What leaves up to a day.

    stock   on hand on the first morning, by product
    moves   what the record takes and brings, at least `RECORD_DAYS` far; beyond them nobody
            looks ahead, so that what is said of a day does not depend on `until`
    """
    by_product: dict[int, list[tuple[Sale, SaleRow]]] = {}
    for sale, rows in [*open_sales(company, as_of), *come_sales(company, as_of, until)]:
        for row in rows:
            by_product.setdefault(row.product, []).append((sale, row))
    horizon = choices.opens(as_of + timedelta(days=choices.RECORD_DAYS))
    found = []
    for product, wanted in by_product.items():
        shelf = _Shelf(stock.get(product, Decimal(0)), moves.get(product, []), horizon)
        waiting = sorted(wanted, key=lambda pair: (pair[0].shipped, pair[0].due, pair[1].id))
        day = as_of + timedelta(days=1)
        while waiting and day <= until:
            at = choices.at(day, choices.SHIPS_AT)
            left = []
            for sale, row in waiting:
                if sale.shipped <= day and shelf.spares(at) >= row.quantity:
                    shelf.take(row.quantity)
                    found.append(Fact(at, Kind.SHIPPED, row.id, good=row.quantity))
                else:
                    left.append((sale, row))
            waiting = left
            day += timedelta(days=1)
    return found


class _Shelf:
    """What is on hand of a product, and how much of it nobody will miss."""

    def __init__(
        self, stock: Decimal, moves: list[tuple[datetime, Decimal]], horizon: datetime
    ) -> None:
        self._times = [at for at, _ in moves]
        after = [stock]
        for _, move in moves:
            after.append(after[-1] + move)
        # The least that will be there from each move on to the horizon.
        self._least = after
        for n in range(bisect_left(self._times, horizon) - 1, -1, -1):
            self._least[n] = min(self._least[n], self._least[n + 1])
        self._gone = Decimal(0)

    def spares(self, at: datetime) -> Decimal:
        return self._least[bisect_left(self._times, at)] - self._gone

    def take(self, quantity: int) -> None:
        self._gone += quantity
