"""Ideas beyond the machines: customers, suppliers, stock, and the order in which work is tied.

What is tried follows from what the projection says of the hot lines, never from the kind of event
that made them late: a line waits for a purchase, for stock that somebody else has, for a step
before it, or it is as late as it is and only the customer can help. Each function checks at most a
few ideas of one kind and says why there is none.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from planning.engine.changes import Change, Refusal, Why
from planning.engine.deals import (
    NEW_ORDER,
    NEW_PURCHASE,
    AddPurchase,
    KeepSafety,
    ParkOrder,
    Reserve,
    SetFreight,
    SetLink,
    SetPromise,
    SetPurchaseDate,
    ShipPartial,
    Substitute,
    WhyNot,
)
from planning.engine.kinds import Kind
from planning.engine.orders import LAST, AddOrder
from planning.engine.plant import (
    I64,
    NEVER,
    UNSET,
    ArcKind,
    Basis,
    Bind,
    DemandKind,
    ItemKind,
    LotStatus,
    PegKind,
    State,
    Status,
    SupplyKind,
)

if TYPE_CHECKING:
    from planning.engine.options import _Search

MINUTE: Final = 60
DAY: Final = 86_400
TRIED: Final = 2  # ideas of a kind beside the one that takes all together
PARTS: Final = 4  # batches that an operation hands over once it overlaps
TOGETHER: Final = 4  # pairs of the best ideas of two kinds


@dataclass(frozen=True, slots=True)
class Want:
    """A demand on the way to a hot line that is served too late: what binds it, and by how much.

    supply  the row that comes last, -1 where nothing covers it.
    at      when that is; NEVER = no date.
    qty     how much of the demand comes later than it is needed.
    """

    demand: int
    item: int
    supply: int
    at: int
    qty: int


def beyond_machines(search: _Search) -> None:
    """Check every kind of idea that fits what the hot lines wait for."""
    wants = wants_of(search)
    outside(search)
    freight(search)
    partial(search)
    repeg(search, wants)
    bought = [want for want in wants if _is_bought(search, want)]
    if bought:
        expedite(search, bought)
        other_supplier(search, bought)
        substitute(search, bought)
        use_safety(search, bought)
    remake(search, wants)
    overlap(search)
    park(search)
    pull_forward(search)
    promise(search)
    combine(search)


def wants_of(search: _Search) -> list[Want]:
    """What the hot lines, and the jobs that they hang on, wait for; each demand once."""
    plant, projection = search.plant, search.projection
    component = plant.demand_kind == DemandKind.COMPONENT
    found: dict[int, Want] = {}
    for line_id, walk in search.critical.items():
        line = int(np.flatnonzero(plant.line_id == line_id)[0])
        demands = [int(plant.line_demand[line])]
        for op in walk:
            waits = projection.op_bind[op] in (Bind.SUPPLY, Bind.UNCOVERED)
            if waits or projection.op_state[op] == State.BLOCKED:
                demands += np.flatnonzero(component & (plant.demand_op == op)).tolist()
        for demand in demands:
            want = _want(search, demand)
            if want is not None:
                found.setdefault(demand, want)
    return list(found.values())


def _want(search: _Search, demand: int) -> Want | None:
    plant, projection = search.plant, search.projection
    rows = np.arange(projection.demand_peg_ptr[demand], projection.demand_peg_ptr[demand + 1])
    need = max(int(projection.demand_need_at[demand]), search.ground.now)
    late = rows[projection.peg_at[rows] > need]
    if not len(late):
        return None
    last = late[np.argmax(projection.peg_at[late])]
    return Want(
        demand=demand,
        item=int(plant.demand_item[demand]),
        supply=int(projection.peg_supply[last]),
        at=int(projection.peg_at[last]),
        qty=int(projection.peg_qty[late].sum()),
    )


def _is_bought(search: _Search, want: Want) -> bool:
    plant = search.plant
    return bool(plant.item_kind[want.item] == ItemKind.BUY)


def refuse(search: _Search, kind: Kind, why: Why | WhyNot, subject: str, pk: int) -> None:
    slug = f"{kind.value.lower().replace('_', '-')}/{subject}-{pk}"
    search.refuse(kind, slug, Refusal(why, subject, pk))


def whole_minute(at: int) -> int:
    return -(-at // MINUTE) * MINUTE


def rounded_up(qty: int, quantum: int) -> int:
    return -(-qty // quantum) * quantum


def _hot_rows(search: _Search) -> list[int]:
    """Rows of the hot lines that are late by projection, the dearest first."""
    plant = search.plant
    rows = [int(np.flatnonzero(plant.line_id == line_id)[0]) for line_id in search.critical]
    return [row for row in rows if search.projection.line_late_s[row] > 0]


# -- the customer --------------------------------------------------------------------------------


def promise(search: _Search) -> None:
    """Promise the day that the projection reaches, at the hour that was promised."""
    plant, projection = search.plant, search.projection
    asked: list[Change] = []
    for row in _hot_rows(search):
        line_id, promised = int(plant.line_id[row]), int(plant.line_promised[row])
        at = projection.line_ship if plant.line_basis[row] == Basis.SHIP else projection.line_arrive
        if promised == UNSET or at[row] == NEVER:
            why = WhyNot.NO_PROMISE if promised == UNSET else Why.WINDOW_LATE
            if not asked:
                refuse(search, Kind.NEW_PROMISE, why, "line", line_id)
            continue
        days = -(-(int(at[row]) - promised) // DAY)
        asked.append(SetPromise(line_id, promised + days * DAY))
    if len(asked) > 1:
        search.check(Kind.NEW_PROMISE, "new-promise/all", asked)
    for change in asked[:TRIED]:
        assert isinstance(change, SetPromise)
        search.check(Kind.NEW_PROMISE, f"new-promise/line-{change.line_id}", [change])


def partial(search: _Search) -> None:
    """Ship ahead what is there in time."""
    plant, projection = search.plant, search.projection
    asked: list[ShipPartial] = []
    for row in _hot_rows(search):
        demand = int(plant.line_demand[row])
        pegs = slice(projection.demand_peg_ptr[demand], projection.demand_peg_ptr[demand + 1])
        in_time = projection.peg_at[pegs] <= projection.demand_need_at[demand]
        quantum = int(plant.item_quantum_qty[plant.demand_item[demand]])
        ready = int(projection.peg_qty[pegs][in_time].sum()) // quantum * quantum
        if 0 < ready < plant.demand_qty[demand] and ready != plant.line_part_qty[row]:
            asked.append(ShipPartial(int(plant.line_id[row]), ready))
    if len(asked) > 1:
        search.check(Kind.PARTIAL_SHIPMENT, "partial-shipment/all", asked)
    for change in asked[:TRIED]:
        search.check(Kind.PARTIAL_SHIPMENT, f"partial-shipment/line-{change.line_id}", [change])
    late = _hot_rows(search)
    if not asked and late:
        pk = int(plant.line_id[late[0]])
        refuse(search, Kind.PARTIAL_SHIPMENT, WhyNot.NOTHING_READY, "line", pk)


def freight(search: _Search) -> None:
    """Send late lines by a faster mode, where the customer counts the arrival."""
    plant, offers = search.plant, search.ground.rules.offers
    late = _hot_rows(search)
    arriving = [row for row in late if plant.line_basis[row] == Basis.ARRIVE]
    if not arriving:
        if late and offers.freights:
            pk = int(plant.line_id[late[0]])
            refuse(search, Kind.FASTER_FREIGHT, WhyNot.COUNTS_AT_SHIPPING, "line", pk)
        return
    tried = 0
    for mode in sorted(offers.freights, key=lambda each: (each.transit_s, each.id)):
        asked = [
            SetFreight(int(plant.line_id[row]), mode.id, mode.transit_s)
            for row in arriving
            if mode.transit_s < plant.line_transit_s[row] and mode.id != plant.line_mode[row]
        ]
        if asked and tried < TRIED:
            tried += 1
            search.check(Kind.FASTER_FREIGHT, f"faster-freight/{mode.id}/all", asked)
            if len(asked) > 1:
                slug = f"faster-freight/{mode.id}/line-{asked[0].line_id}"
                search.check(Kind.FASTER_FREIGHT, slug, asked[:1])
    if not tried:
        pk = int(plant.line_id[arriving[0]])
        refuse(search, Kind.FASTER_FREIGHT, WhyNot.NO_FASTER, "line", pk)


# -- material ------------------------------------------------------------------------------------


def expedite(search: _Search, wants: Sequence[Want]) -> None:
    """Have what is ordered already delivered sooner: what is waited for, or what nobody has yet."""
    plant, projection, now = search.plant, search.projection, search.ground.now
    faster = search.ground.rules.offers.faster
    asked: dict[int, list[Change]] = {}
    why: tuple[WhyNot, str, int] | None = None
    for want in wants:
        waited = {int(row) for row in _late_supplies(search, want) if row >= 0}
        ordered = np.flatnonzero(
            (plant.supply_kind == SupplyKind.PURCHASE) & (plant.supply_item == want.item)
        ).tolist()
        spare = dict(_spare(search, want.item, before=NEVER))
        rows = [row for row in ordered if row in waited or spare.get(row, 0) >= want.qty]
        for row in rows:
            pk = int(plant.supply_id[row])
            at = whole_minute(now + faster[pk].lead_s) if pk in faster else NEVER
            if at >= min(int(projection.supply_at[row]), want.at):
                why = why or (WhyNot.NOT_EXPEDITED, "purchase", pk)
                continue
            changes = asked.setdefault(pk, [SetPurchaseDate(pk, at)])
            if row not in waited:
                changes.append(kept_for(search, int(SupplyKind.PURCHASE), pk, want))
            break
        if not rows:
            why = why or (WhyNot.NOTHING_ORDERED, "item", int(plant.item_id[want.item]))
    if len(asked) > 1:
        together = [change for changes in asked.values() for change in changes]
        search.check(Kind.EXPEDITE, "expedite/all", together)
    for pk, changes in list(asked.items())[:TRIED]:
        search.check(Kind.EXPEDITE, f"expedite/purchase-{pk}", changes)
    if not asked and why is not None:
        refuse(search, Kind.EXPEDITE, *why)


def kept_for(
    search: _Search, kind: int, supply_id: int, want: Want, qty: int | None = None
) -> Reserve:
    plant = search.plant
    return Reserve(
        kind, supply_id, int(plant.demand_kind[want.demand]), int(plant.demand_id[want.demand]),
        want.qty if qty is None else qty,
    )  # fmt: skip


def _late_supplies(search: _Search, want: Want) -> I64:
    projection = search.projection
    rows = np.arange(
        projection.demand_peg_ptr[want.demand], projection.demand_peg_ptr[want.demand + 1]
    )
    need = max(int(projection.demand_need_at[want.demand]), search.ground.now)
    supplies: I64 = np.unique(projection.peg_supply[rows[projection.peg_at[rows] > need]])
    return supplies


def other_supplier(search: _Search, wants: Sequence[Want]) -> None:
    """Buy the short quantity from whoever quotes it soonest, and keep it for who is short."""
    plant, now = search.plant, search.ground.now
    quotes = search.ground.rules.offers.quotes
    tried = 0
    for item, mine in by_item(wants):
        item_id, latest = int(plant.item_id[item]), max(want.at for want in mine)
        able = sorted(
            (each for each in quotes if each.item_id == item_id and now + each.lead_s < latest),
            key=lambda each: (each.lead_s, each.id),
        )
        for quote in able[:TRIED]:
            quantum = int(plant.item_quantum_qty[item])
            qty = rounded_up(max(quote.minimum_qty, sum(want.qty for want in mine)), quantum)
            at = whole_minute(now + quote.lead_s)
            pk = NEW_PURCHASE
            kept = [kept_for(search, int(SupplyKind.PURCHASE), pk, want) for want in mine]
            buy = AddPurchase(pk, quote.id, item_id, qty, at, quote.late_s)
            slug = f"other-supplier/item-{item_id}/{quote.supplier_id}"
            search.check(Kind.OTHER_SUPPLIER, slug, [buy, *kept])
            tried += 1
        if not able and not tried:
            refuse(search, Kind.OTHER_SUPPLIER, WhyNot.NO_QUOTE, "item", item_id)


def by_item(wants: Sequence[Want]) -> list[tuple[int, list[Want]]]:
    """Wants by item, in the order in which the items come; the first few items."""
    found: dict[int, list[Want]] = {}
    for want in wants:
        found.setdefault(want.item, []).append(want)
    return list(found.items())[:TRIED]


def substitute(search: _Search, wants: Sequence[Want]) -> None:
    """Take a released substitute where enough of it lies free or comes sooner."""
    plant = search.plant
    stand_ins = search.ground.rules.offers.stand_ins
    asked: list[Change] = []
    why: tuple[WhyNot, int] | None = None
    spare: dict[int, int] = {}
    for want in wants:
        op = int(plant.demand_op[want.demand])
        if op < 0:
            continue
        made = int(plant.order_item[plant.op_order[op]])
        made_id = int(plant.item_id[made]) if made >= 0 else 0
        item_id = int(plant.item_id[want.item])
        able = [e for e in stand_ins if (e.item_id, e.component_id) == (made_id, item_id)]
        if not able:
            why = why or (WhyNot.NO_SUBSTITUTE, item_id)
            continue
        for each in able:
            row = int(np.flatnonzero(plant.item_id == each.instead_id)[0])
            quantum = int(plant.item_quantum_qty[row])
            qty = rounded_up(-(-int(plant.demand_qty[want.demand]) * each.num // each.den), quantum)
            if row not in spare:
                spare[row] = sum(left for _, left in _spare(search, row, before=want.at))
            if spare[row] >= qty:
                spare[row] -= qty
                material = int(plant.demand_id[want.demand])
                asked.append(Substitute(material, each.instead_id, qty))
                break
            why = why or (WhyNot.NO_STOCK, each.instead_id)
    if asked:
        first = asked[0]
        assert isinstance(first, Substitute)
        search.check(Kind.SUBSTITUTE, f"substitute/material-{first.material_id}", asked[:1])
        if len(asked) > 1:
            search.check(Kind.SUBSTITUTE, "substitute/all", asked)
    elif why is not None:
        refuse(search, Kind.SUBSTITUTE, why[0], "item", why[1])


def use_safety(search: _Search, wants: Sequence[Want]) -> None:
    """Give the safety stock that is kept of an item to who is short of it."""
    plant, projection = search.plant, search.projection
    for item, mine in by_item(wants):
        item_id = int(plant.item_id[item])
        if plant.item_safety_qty[item] == 0:
            continue
        if not plant.item_safety_kept[item]:
            refuse(search, Kind.USE_SAFETY, WhyNot.SAFETY_USED, "item", item_id)
            continue
        safety = (plant.demand_kind == DemandKind.SAFETY) & (plant.demand_item == item)
        pegs = np.flatnonzero(safety[projection.peg_demand] & (projection.peg_supply >= 0))
        left = {int(projection.peg_supply[peg]): int(projection.peg_qty[peg]) for peg in pegs}
        kept: list[Change] = []
        for want in mine:
            if want.qty > sum(left.values()):
                continue
            short = want.qty
            for row in left:
                got = min(short, left[row])
                if got > 0:
                    kind, pk = int(plant.supply_kind[row]), int(plant.supply_id[row])
                    kept.append(kept_for(search, kind, pk, want, got))
                    left[row] -= got
                    short -= got
        if kept:
            changes = [KeepSafety(item_id, False), *kept]
            search.check(Kind.USE_SAFETY, f"use-safety/item-{item_id}", changes)
        else:
            refuse(search, Kind.USE_SAFETY, WhyNot.NOT_ENOUGH, "item", item_id)


def _spare(search: _Search, item: int, *, before: int) -> Iterator[tuple[int, int]]:
    """Yield supplies of an item that come before an instant, and how much nobody takes of them.

    What only safety stock takes that isn't kept counts as taken by nobody.
    """
    plant, projection = search.plant, search.projection
    held = projection.peg_supply >= 0
    safety = plant.demand_kind[projection.peg_demand] == DemandKind.SAFETY
    safety &= ~plant.item_safety_kept[plant.demand_item[projection.peg_demand]]
    held &= ~safety
    taken = np.bincount(
        projection.peg_supply[held], projection.peg_qty[held], minlength=len(plant.supply_id)
    ).astype(np.int64)
    rows = np.flatnonzero((plant.supply_item == item) & (projection.supply_at < before))
    for row in rows[np.argsort(projection.supply_at[rows], kind="stable")].tolist():
        left = int(projection.supply_qty[row]) - int(taken[row])
        if left > 0:
            yield row, left


def repeg(search: _Search, wants: Sequence[Want]) -> None:
    """Give what nobody needs yet, or who ranks lower has, to the demand that waits."""
    plant = search.plant
    tried = 0
    missed: Want | None = None
    for want in wants:
        if tried >= TRIED:
            break
        kept = _taken_over(search, want)
        if not kept:
            missed = missed or want
            continue
        search.check(Kind.REPEG, f"repeg/{taker(search, want)}", kept)
        tried += 1
    if not tried and missed is not None:
        pk = int(plant.item_id[missed.item])
        refuse(search, Kind.REPEG, WhyNot.NOBODY_LATER, "item", pk)


def _taken_over(search: _Search, want: Want) -> list[Change]:
    """Reservations that cover all of what comes too late, from the least important; or none."""
    plant, projection = search.plant, search.projection
    need = max(int(projection.demand_need_at[want.demand]), search.ground.now)
    rank = int(projection.demand_rank[want.demand])
    pegs = np.flatnonzero(
        (projection.peg_supply >= 0)
        & (plant.demand_item[projection.peg_demand] == want.item)
        & (projection.peg_at <= need)
        & (projection.peg_kind != PegKind.HARD)
        & (projection.demand_rank[projection.peg_demand] > rank)
    )
    by = np.lexsort((pegs, -projection.demand_rank[projection.peg_demand[pegs]]))
    sources = [
        *((row, left) for row, left in _spare(search, want.item, before=need + 1)),
        *((int(projection.peg_supply[p]), int(projection.peg_qty[p])) for p in pegs[by]),
    ]
    mine = slice(projection.demand_peg_ptr[want.demand], projection.demand_peg_ptr[want.demand + 1])
    # An output that is kept by right for this demand would be asked before another output.
    tied = bool((projection.peg_kind[mine] == PegKind.HARD).any())
    left, sums = want.qty, dict[int, int]()
    for row, qty in sources:
        kind = plant.supply_kind[row]
        if kind == SupplyKind.TRANSFER or (kind == SupplyKind.OUTPUT and tied):
            continue
        if kind == SupplyKind.OUTPUT and plant.supply_qty[row] > 0:
            continue
        got = min(left, qty)
        if got > 0:
            sums[row] = sums.get(row, 0) + got
            left -= got
    if left > 0:
        return []
    return [
        kept_for(search, int(plant.supply_kind[row]), int(plant.supply_id[row]), want, qty)
        for row, qty in sums.items()
    ]


# -- made once more ------------------------------------------------------------------------------


def remake(search: _Search, wants: Sequence[Want]) -> None:
    """Make what was lost, or lies on hold, once more, and keep it for who is short of it.

    At the end of the queues, and before all that may wait.
    """
    plant = search.plant
    lost = [(want, qty) for want in wants if (qty := lost_of(search, want))]
    made: list[tuple[Want, AddOrder]] = []
    for want, short in lost[:TRIED]:
        item_id = int(plant.item_id[want.item])
        recipe = plant.recipes.get(item_id)
        if recipe is None:
            refuse(search, Kind.REMAKE, WhyNot.NO_ROUTING, "item", item_id)
            continue
        qty = rounded_up(short, int(plant.item_quantum_qty[want.item]))
        due = max(int(search.projection.demand_need_at[want.demand]), search.ground.now)
        behind = tuple(LAST for _step in recipe.steps)
        order = AddOrder(NEW_ORDER + len(made), item_id, qty, due, behind)
        made.append((want, order))
        rows = np.searchsorted(plant.unit_id, [step.unit_id for step in recipe.steps])
        first = tuple(search.behind_protected(int(unit)) for unit in rows)
        slug = f"remake/{taker(search, want)}"
        for name, places in ((slug, behind), (f"{slug}/first", first)):
            search.check(
                Kind.REMAKE, name, [replace(order, places=places), _of_order(search, order, want)]
            )
    if len(made) > 1:
        together: list[Change] = [order for _want, order in made]
        together += [_of_order(search, order, want) for want, order in made]
        search.check(Kind.REMAKE, "remake/all", together)


def lost_of(search: _Search, want: Want) -> int:
    """How much of an item that is made comes too late because no piece of it is on its way."""
    plant, projection = search.plant, search.projection
    if plant.item_kind[want.item] != ItemKind.MAKE:
        return 0
    rows = np.arange(
        projection.demand_peg_ptr[want.demand], projection.demand_peg_ptr[want.demand + 1]
    )
    need = max(int(projection.demand_need_at[want.demand]), search.ground.now)
    supply = projection.peg_supply[rows]
    barred = (plant.supply_kind == SupplyKind.LOT) & (plant.supply_status != LotStatus.RELEASED)
    none = (supply < 0) | np.append(barred, False)[supply]
    return int(projection.peg_qty[rows][none & (projection.peg_at[rows] > need)].sum())


def taker(search: _Search, want: Want) -> str:
    line = search.plant.demand_kind[want.demand] == DemandKind.LINE
    return f"{'line' if line else 'material'}-{int(search.plant.demand_id[want.demand])}"


def _of_order(search: _Search, order: AddOrder, want: Want) -> Reserve:
    qty = min(order.qty, int(search.plant.demand_qty[want.demand]))
    return kept_for(search, int(SupplyKind.OUTPUT), order.order_id, want, min(qty, want.qty))


# -- how work is tied ----------------------------------------------------------------------------


def overlap(search: _Search) -> None:
    """Let the steps of the hot lines follow each other by smaller batches."""
    plant, projection = search.plant, search.projection
    tried = 0
    closest: int | None = None
    for walk in search.critical.values():
        links: list[Change] = []
        for op in walk:
            if plant.op_status[op] != Status.WAITING or projection.op_bind[op] != Bind.ARC:
                continue
            closest = op
            pred = int(projection.op_bind_ref[op])
            link = _smaller_batch(search, pred, op)
            if link is not None:
                links.append(link)
        if links and tried < TRIED:
            tried += 1
            first = links[0]
            assert isinstance(first, SetLink)
            search.check(Kind.OVERLAP, f"overlap/operation-{first.succ_id}", links)
    if not tried and closest is not None:
        pk = int(plant.op_id[closest])
        refuse(search, Kind.OVERLAP, WhyNot.OVERLAPS, "operation", pk)


def _smaller_batch(search: _Search, pred: int, op: int) -> SetLink | None:
    plant, projection = search.plant, search.projection
    for arc in range(plant.op_pred_ptr[op], plant.op_pred_ptr[op + 1]):
        if plant.arc_pred[arc] != pred or plant.arc_per_num[arc] == 0:
            continue
        item = int(plant.order_item[plant.op_order[pred]])
        quantum = int(plant.item_quantum_qty[item]) if item >= 0 else 1_000_000
        all_of_it = int(projection.op_output_qty[pred])
        whole = plant.arc_kind[arc] == ArcKind.FS
        now = all_of_it if whole else int(plant.arc_batch_qty[arc])
        batch = rounded_up(max(1, all_of_it // PARTS if whole else now // 2), quantum)
        if batch < now:
            return SetLink(int(plant.op_id[pred]), int(plant.op_id[op]), batch)
    return None


def park(search: _Search) -> None:
    """Let orders wait that stand before a hot job on its machine and have time."""
    plant, projection = search.plant, search.projection
    hot_orders = {int(plant.op_order[op]) for walk in search.critical.values() for op in walk[:1]}
    tried: dict[int, None] = {}
    waits: int | None = None
    for walk in search.critical.values():
        for op in walk:
            if projection.op_bind[op] != Bind.PLACE or plant.op_status[op] != Status.WAITING:
                continue
            waits = op if waits is None else waits
            other = int(projection.op_bind_ref[op])
            if other < 0 or plant.op_status[other] != Status.WAITING:
                continue
            order = int(plant.op_order[other])
            until = int(projection.op_end[op])
            able = order not in tried and order not in hot_orders and not search.protected[other]
            if not able or len(tried) >= TRIED or until == NEVER:
                continue
            tried[order] = None
            order_id = int(plant.order_id[order])
            change = ParkOrder(order_id, whole_minute(until))
            search.check(Kind.PARK, f"park/order-{order_id}", [change])
    if not tried and waits is not None:
        pk = int(plant.op_id[waits])
        refuse(search, Kind.PARK, WhyNot.NOTHING_AHEAD, "operation", pk)


def pull_forward(search: _Search) -> None:
    """Begin orders at once that wait for their day: those of late lines first."""
    plant, projection, now = search.plant, search.projection, search.ground.now
    first: dict[int, None] = {}
    for walk in search.critical.values():
        for op in walk:
            if projection.op_bind[op] == Bind.NOT_BEFORE:
                first.setdefault(int(plant.op_order[op]))
    waiting = np.flatnonzero(plant.order_not_before > now)
    by = np.lexsort((waiting, plant.order_need_by[waiting]))
    orders = [*first, *(int(row) for row in waiting[by] if int(row) not in first)]
    orders = [row for row in orders if plant.order_not_before[row] > now]
    changes = [ParkOrder(int(plant.order_id[row]), UNSET) for row in orders]
    for change in changes[:TRIED]:
        search.check(Kind.PULL_FORWARD, f"pull-forward/order-{change.order_id}", [change])
    if len(changes) > 1:
        search.check(Kind.PULL_FORWARD, "pull-forward/all", changes)
    bound = [op for walk in search.critical.values() for op in walk]
    if not changes and bound:
        pk = int(plant.op_id[bound[0]])
        refuse(search, Kind.PULL_FORWARD, WhyNot.NOTHING_WAITS, "operation", pk)


# -- others --------------------------------------------------------------------------------------


def outside(search: _Search) -> None:
    """Have jobs of the hot lines made by somebody else."""
    if not search.ground.rules.offers.external:
        return
    jobs = [op for op in search.movable() if search.outside_of(op)]
    if not jobs:
        able = search.movable()
        if able:
            pk = int(search.plant.op_id[able[0]])
            refuse(search, Kind.SUBCONTRACT, WhyNot.NO_OUTSIDE, "operation", pk)
        return
    search.check(Kind.SUBCONTRACT, "subcontract/all", search.place_outside(jobs[:TRIED]))
    for op in jobs[:TRIED]:
        slug = f"subcontract/operation-{int(search.plant.op_id[op])}"
        search.check(Kind.SUBCONTRACT, slug, search.place_outside([op]))


# -- together ------------------------------------------------------------------------------------

MACHINES: Final = (
    Kind.ALTERNATE_UNIT,
    Kind.OVERTIME,
    Kind.RESEQUENCE,
    Kind.REOPTIMISE,
    Kind.COMBINE,
)
OTHERS: Final = (
    Kind.SPLIT,
    Kind.CREW,
    Kind.REPEG,
    Kind.REMAKE,
    Kind.EXPEDITE,
    Kind.OTHER_SUPPLIER,
    Kind.SUBCONTRACT,
    Kind.OVERLAP,
    Kind.FASTER_FREIGHT,
    Kind.PARTIAL_SHIPMENT,
)


def combine(search: _Search) -> None:
    """Check the best idea about machines with the best ones about everything else, as one."""
    found = [search.best(*MACHINES), *(search.best(kind) for kind in OTHERS)]
    best = [each for each in found if each is not None]
    pairs = [(one, other) for n, one in enumerate(best) for other in best[n + 1 :]]
    for first, second in pairs[:TOGETHER]:
        name = f"{first[0].slug}+{second[0].slug}".replace("combine/", "")
        both = [*first[0].changes, *second[0].changes]
        search.check(Kind.COMBINE, f"combine/{name}"[:120], both)
