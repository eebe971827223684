"""Ideas about pieces that are not right: used as they are, or mended.

What lies on hold, and what was lost at an operation, where a hot line waits for the same item.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from planning.engine.changes import Change
from planning.engine.deals import NEW_REWORK, WhyNot
from planning.engine.ideas import (
    Want,
    by_item,
    kept_for,
    refuse,
    rounded_up,
    wants_of,
    whole_minute,
)
from planning.engine.kinds import Kind
from planning.engine.mends import Concede, OrderRework, lost_at
from planning.engine.orders import LAST
from planning.engine.plant import PIECE, DemandKind, ItemKind, LotStatus, SupplyKind

if TYPE_CHECKING:
    from planning.engine.options import _Search

TRIED: Final = 2
# Within which quality, and a customer who is asked, are thought to agree to a concession.
AGREED_S: Final = 4 * 3_600
Way = tuple[int, int, int]  # unit id, set-up seconds, microseconds a piece


def mend(search: _Search) -> None:
    """Check what could be done with pieces that are on hold or lost."""
    plant = search.plant
    held = (plant.supply_kind == SupplyKind.LOT) & (plant.supply_status == LotStatus.HELD)
    held &= (plant.supply_qty > 0) & (plant.supply_expiry > search.ground.now)
    lost = plant.op_scrap_qty + plant.op_rework_qty > 0
    if not held.any() and not lost.any():
        return
    for item, wants in by_item(wants_of(search)):
        for lot in np.flatnonzero(held & (plant.supply_item == item)).tolist()[:TRIED]:
            _concede(search, lot, wants)
            _rework_lot(search, lot, wants)
        if plant.item_kind[item] == ItemKind.MAKE:
            _mend_lost(search, np.flatnonzero(lost).tolist(), item, wants)


# -- as they are ---------------------------------------------------------------------------------


def _concede(search: _Search, lot: int, wants: Sequence[Want]) -> None:
    """Let quality release a lot as it is."""
    plant = search.plant
    lot_id, at = int(plant.supply_id[lot]), whole_minute(search.ground.now + AGREED_S)
    if lot_id in search.ground.rules.offers.refused:
        refuse(search, Kind.CONCESSION, WhyNot.SAID_NO, "lot", lot_id)
    elif plant.supply_dated[lot] and plant.supply_until[lot] <= at:
        refuse(search, Kind.CONCESSION, WhyNot.DECIDED_SOONER, "lot", lot_id)
    else:
        pegs = search.projection.peg_demand[search.projection.peg_supply == lot]
        lines = _asked(search, [*pegs.tolist(), *(want.demand for want in wants)])
        search.check(Kind.CONCESSION, f"concession/lot-{lot_id}", [Concede(lot_id, at, lines)])


def _asked(search: _Search, demands: Iterable[int]) -> tuple[int, ...]:
    """Lines that some demands serve in the end, whose customers are asked of a concession."""
    plant, projection = search.plant, search.projection
    waiting, seen = list(demands), set[int]()
    lines: set[int] = set()
    while waiting:
        demand = waiting.pop()
        if demand in seen:
            continue
        seen.add(demand)
        if plant.demand_kind[demand] == DemandKind.LINE:
            lines.add(int(plant.line_id[plant.demand_line[demand]]))
        elif plant.demand_kind[demand] == DemandKind.COMPONENT:
            order = plant.op_order[plant.demand_op[demand]]
            mine = (plant.supply_op >= 0) & (plant.op_order[plant.supply_op] == order)
            fed = np.append(mine, False)[projection.peg_supply]
            waiting += projection.peg_demand[fed].tolist()
    return tuple(sorted(lines & search.ground.rules.offers.asked))


# -- mended --------------------------------------------------------------------------------------


def _rework_lot(search: _Search, lot: int, wants: Sequence[Want]) -> None:
    """Mend pieces of a lot by the item's last step."""
    plant = search.plant
    item = int(plant.supply_item[lot])
    item_id, lot_id = int(plant.item_id[item]), int(plant.supply_id[lot])
    recipe = plant.recipes.get(item_id)
    if plant.item_kind[item] == ItemKind.BUY or recipe is None:
        why = WhyNot.NOT_OURS if plant.item_kind[item] == ItemKind.BUY else WhyNot.NO_ROUTING
        refuse(search, Kind.REWORK, why, "item", item_id)
        return
    last = recipe.steps[-1]
    qty = min(_short(search, item, wants), int(plant.supply_qty[lot]))
    ways = last.others or ((last.unit_id, last.setup_s, last.run_us),)
    pieces = OrderRework(
        NEW_REWORK, item_id, qty, 0, lot_id, 0, *_soonest(search, ways, qty), last.number, ()
    )
    _order(search, Kind.REWORK, f"rework/lot-{lot_id}", pieces, wants)


def _mend_lost(search: _Search, lost: Sequence[int], item: int, wants: Sequence[Want]) -> None:
    """Mend, or use, what most was lost of an item at one operation, from that operation on."""
    plant, mended = search.plant, search.ground.rules.offers.mended
    left = {
        op: lost_at(plant, op) - mended.get(int(plant.op_id[op]), 0)
        for op in lost
        if plant.op_order[op] >= 0 and plant.order_item[plant.op_order[op]] == item
    }
    if int(plant.item_id[item]) not in plant.recipes:
        return
    for op in sorted(left, key=lambda op: (-left[op], op))[:1]:
        qty = min(_short(search, item, wants), left[op])
        if qty <= 0:
            continue
        op_id, own = int(plant.op_id[op]), int(plant.op_unit[op])
        rows = slice(plant.op_alternate_ptr[op], plant.op_alternate_ptr[op + 1])
        units = plant.unit_id[plant.alternate_unit[rows]].tolist()
        times = (plant.alternate_setup_s[rows].tolist(), plant.alternate_run_us[rows].tolist())
        ways = list(zip(units, *times, strict=True))
        here = search.unit_id(own)
        if own >= 0 and here not in units:
            ways.append((here, int(plant.op_setup_s[op]), int(plant.op_run_us[op])))
        number = int(plant.op_number[op])
        way = _soonest(search, ways, qty)
        pieces = OrderRework(
            NEW_REWORK, int(plant.item_id[item]), qty, 0, 0, op_id, *way, number, ()
        )
        _order(search, Kind.REWORK, f"rework/operation-{op_id}", pieces, wants)
        lines = _asked(search, [want.demand for want in wants])
        as_is = replace(pieces, unit_id=here, setup_s=0, run_us=0, line_ids=lines)
        _order(search, Kind.CONCESSION, f"concession/operation-{op_id}", as_is, wants)


def _short(search: _Search, item: int, wants: Sequence[Want]) -> int:
    quantum = int(search.plant.item_quantum_qty[item])
    return rounded_up(sum(want.qty for want in wants), quantum)


def _soonest(search: _Search, ways: Iterable[Way], qty: int) -> Way:
    """The own unit at which pieces would be mended first, if they were next there."""
    plant, offers = search.plant, search.ground.rules.offers

    def ends(way: Way) -> tuple[bool, float, int]:
        unit = int(np.searchsorted(plant.unit_id, way[0]))
        unfit = bool(plant.unit_down[unit]) or way[0] in offers.external
        return unfit, search.free_at(unit) + way[1] + qty / PIECE * way[2] / 1e6, way[0]

    return min(ways, key=ends)


def _order(
    search: _Search, kind: Kind, slug: str, pieces: OrderRework, wants: Sequence[Want]
) -> None:
    """Check an order that mends pieces, behind all and before all that may wait, kept for who is
    short."""
    plant, now = search.plant, search.ground.now
    steps = [
        pieces.unit_id,
        *(s.unit_id for s in plant.recipes[pieces.item_id].steps if s.number > pieces.after),
    ]
    rows = np.searchsorted(plant.unit_id, steps)
    first = tuple(search.behind_protected(int(unit)) for unit in rows)
    due = max(now, min(int(search.projection.demand_need_at[want.demand]) for want in wants))
    kept: list[Change] = []
    left = pieces.qty
    for want in wants:
        if (qty := min(left, want.qty)) > 0:
            made = int(SupplyKind.OUTPUT)
            kept.append(kept_for(search, made, pieces.order_id, want, qty))
            left -= qty
    for name, places in ((slug, tuple(LAST for _unit in steps)), (f"{slug}/first", first)):
        search.check(kind, name, [replace(pieces, due_s=due, places=places), *kept])
