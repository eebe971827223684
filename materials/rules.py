"""Which lot goes first, and what balances add up to: plain values in, plain values out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal

MILLIONTH = Decimal("0.000001")
_NEVER = datetime.max.replace(tzinfo=UTC)
USABLE = "RELEASED"
# Statuses of a lot that may be put on hold; what is spent or rejected may not.
MAY_BE_HELD = frozenset({"RELEASED", "QUARANTINE"})

# What quality may decide on a lot that waits for it, and take back again.
JUDGED = {
    "QUARANTINE": frozenset({"RELEASED", "REJECTED"}),
    "RELEASED": frozenset({"QUARANTINE"}),
    "REJECTED": frozenset({"QUARANTINE"}),
}


@dataclass(frozen=True, slots=True)
class Stock:
    """What lies of one lot at one place."""

    lot_id: int
    location_id: int
    quantity: Decimal
    received_at: datetime
    expires_at: datetime | None = None
    preferred: bool = False


@dataclass(frozen=True, slots=True)
class Take:
    lot_id: int
    location_id: int
    quantity: Decimal


def first_expired_first(stock: Iterable[Stock], wanted: Decimal) -> tuple[list[Take], Decimal]:
    """Return what to take from where, and what is short.

    A lot that the person named goes first; then earliest expiry, earliest receipt, lot, place.
    Takes add up to `wanted` less the shortage, and never exceed what lies there.
    """
    takes: list[Take] = []
    left = wanted
    ranked = sorted(
        stock,
        key=lambda row: (
            not row.preferred,
            row.expires_at or _NEVER,
            row.received_at,
            row.lot_id,
            row.location_id,
        ),
    )
    for row in ranked:
        if left <= 0:
            break
        quantity = min(left, row.quantity)
        if quantity > 0:
            takes.append(Take(row.lot_id, row.location_id, quantity))
            left -= quantity
    return takes, left


def may_be_used(status: str, expires_at: datetime | None, at: datetime) -> bool:
    """A lot is usable while it is released and not expired at that instant."""
    return status == USABLE and (expires_at is None or expires_at > at)


def balances(moves: Iterable[tuple[int, int, Decimal]]) -> dict[tuple[int, int], Decimal]:
    """Return the sum of (lot, place, quantity) moves a lot and place, zero sums left out."""
    sums: dict[tuple[int, int], Decimal] = {}
    for lot, place, quantity in moves:
        sums[lot, place] = sums.get((lot, place), Decimal(0)) + quantity
    return {where: quantity for where, quantity in sums.items() if quantity}


def round_up(quantity: Decimal, decimals: int) -> Decimal:
    """Return the quantity rounded up to the item's quantum: what is required."""
    return quantity.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_CEILING)


def millionths(quantity: Decimal) -> Decimal:
    """Return the quantity at the six decimals in which it is stored."""
    return quantity.quantize(MILLIONTH, rounding=ROUND_HALF_UP)


def fits_quantum(quantity: Decimal, decimals: int) -> bool:
    """Whether the quantity is a whole number of the item's quantum."""
    return quantity == quantity.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_CEILING)


def makes_a_circle(parts: Sequence[tuple[int, int]], item: int, component: int) -> bool:
    """Whether `item` would become, at any depth, a part of itself.

    parts  (item, component) pairs of all bills.
    """
    below: dict[int, list[int]] = {}
    for parent, part in parts:
        below.setdefault(parent, []).append(part)
    seen: set[int] = set()
    waiting = [component]
    while waiting:
        part = waiting.pop()
        if part == item:
            return True
        if part not in seen:
            seen.add(part)
            waiting.extend(below.get(part, ()))
    return False
