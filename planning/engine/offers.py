"""What can be had from outside, by what the plant's masters say: the ground of many options.

Plain values by database id. Quantities are millionths, money ten-thousandths, durations seconds.
An amount that is None is unknown, never zero.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Rate:
    """An amount (ten-thousandths) and who said so, for the person who opens the figure."""

    amount: int
    source: str = ""


@dataclass(frozen=True, slots=True)
class Quote:
    """A supplier would deliver an item so long after the order, at a price a unit."""

    id: int
    supplier_id: int
    item_id: int
    lead_s: int
    price: Rate | None = None
    minimum_qty: int = 0
    fee: Rate | None = None  # an order, whatever its quantity; None: none is charged
    late_s: int = 0  # what the supplier is known to be late by


@dataclass(frozen=True, slots=True)
class Faster:
    """An open purchase line could be here so long after a call, for a fee."""

    purchase_id: int
    lead_s: int
    fee: Rate | None = None


@dataclass(frozen=True, slots=True)
class Freight:
    """A way to send goods that is not the usual one."""

    id: int
    transit_s: int
    price: Rate | None = None  # a shipment


@dataclass(frozen=True, slots=True)
class StandIn:
    """An item that may replace a component where `item_id` is made: num / den of it for one."""

    item_id: int
    component_id: int
    instead_id: int
    num: int
    den: int
    source: str = ""


@dataclass(frozen=True, slots=True)
class Cover:
    """A unit stands from an instant to another for want of a person; who else could attend it."""

    unit_id: int
    window_id: int
    start_s: int
    end_s: int
    people: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Makeshift:
    """A unit that is down could be back so long after a call, at a part of its rate."""

    repair_s: int
    ppm: int


@dataclass(frozen=True)
class Offers:
    """All of it for one site.

    standard     price of a usual shipment.
    item_cost    what a unit of an item is held to cost.
    covers       who could attend what stands because somebody is absent.
    asked        lines whose customers are asked before they get anything by concession.
    refused      lots of which quality refused the use as they are.
    makeshift    by unit, how it would be repaired for now.
    mended       by operation, how many of the pieces that it lost are mended by an order already.
    external     units that are somebody else's: work there is bought.
    """

    quotes: tuple[Quote, ...] = ()
    faster: Mapping[int, Faster] = field(default_factory=dict)  # by purchase line
    freights: tuple[Freight, ...] = ()
    standard: Rate | None = None
    stand_ins: tuple[StandIn, ...] = ()
    item_cost: Mapping[int, Rate] = field(default_factory=dict)
    external: frozenset[int] = frozenset()
    covers: tuple[Cover, ...] = ()
    asked: frozenset[int] = frozenset()
    refused: frozenset[int] = frozenset()
    makeshift: Mapping[int, Makeshift] = field(default_factory=dict)
    mended: Mapping[int, int] = field(default_factory=dict)

    def quote(self, quote_id: int) -> Quote | None:
        return next((each for each in self.quotes if each.id == quote_id), None)

    def freight(self, mode_id: int) -> Rate | None:
        """Price of a shipment by a mode (0: the usual one); None: unknown."""
        if not mode_id:
            return self.standard
        return next((each.price for each in self.freights if each.id == mode_id), None)
