"""Typed changes that are agreed with somebody: customers, suppliers, quality, stores, the floor.

They are changes like those of `changes`, which takes them in: each names database ids, is one act
and has an inverse. New supplies get an id of the caller's choice until they are stored: one above
every purchase line's, so that they stand where the stored one will.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from planning.engine import crew, makeshift, mends, orders, splits
from planning.engine.crew import CoverWindow, UncoverWindow
from planning.engine.kinds import WhyNot as WhyNot
from planning.engine.makeshift import RepairAtOnce, RepairForNow
from planning.engine.mends import Concede, DropRework, LeaveHeld, OrderRework
from planning.engine.orders import AddOrder, RemoveOrder
from planning.engine.plant import (
    UNSET,
    ArcKind,
    DemandKind,
    PegKind,
    Plant,
    Projection,
    Status,
    SupplyKind,
)
from planning.engine.splits import MergeJob, SplitJob
from planning.engine.tables import TABLES

NEW: int = 2**40  # ids of what is not stored yet are above this
# Of one decision, so that what it makes is told apart.
NEW_PURCHASE, NEW_PART, NEW_ORDER, NEW_REWORK = NEW + 1, NEW + 2, NEW + 3, NEW + 20


@dataclass(frozen=True, slots=True)
class SetPromise:
    """Promise a customer line for another instant, on its basis. Needs the customer's yes."""

    kind: ClassVar[str] = "set_promise"
    line_id: int
    promised_s: int


@dataclass(frozen=True, slots=True)
class ShipPartial:
    """Ship so much of a line's open quantity ahead of the rest; 0 = all at once."""

    kind: ClassVar[str] = "ship_partial"
    line_id: int
    qty: int


@dataclass(frozen=True, slots=True)
class SetFreight:
    """Send a line by another mode (0 = the usual one), which takes so long door to door."""

    kind: ClassVar[str] = "set_freight"
    line_id: int
    mode_id: int
    transit_s: int


@dataclass(frozen=True, slots=True)
class SetPurchaseDate:
    """Have a purchase line delivered at another time."""

    kind: ClassVar[str] = "set_purchase_date"
    purchase_id: int
    at_s: int


@dataclass(frozen=True, slots=True)
class AddPurchase:
    """Order a quantity by a supplier's quote (0: of none). `purchase_id` is its id until stored."""

    kind: ClassVar[str] = "add_purchase"
    purchase_id: int
    quote_id: int
    item_id: int
    qty: int
    at_s: int
    late_s: int


@dataclass(frozen=True, slots=True)
class RemovePurchase:
    kind: ClassVar[str] = "remove_purchase"
    purchase_id: int


@dataclass(frozen=True, slots=True)
class Substitute:
    """Let a job order take another item for one of its materials."""

    kind: ClassVar[str] = "substitute"
    material_id: int
    item_id: int
    qty: int


@dataclass(frozen=True, slots=True)
class Reserve:
    """Keep a quantity of a supply for a demand, before anybody else's (kinds as in Plant)."""

    kind: ClassVar[str] = "reserve"
    supply_kind: int
    supply_id: int
    demand_kind: int
    demand_id: int
    qty: int


@dataclass(frozen=True, slots=True)
class Unreserve:
    kind: ClassVar[str] = "unreserve"
    supply_kind: int
    supply_id: int
    demand_kind: int
    demand_id: int
    qty: int


@dataclass(frozen=True, slots=True)
class KeepSafety:
    """Keep an item's safety stock from everybody, or let it be used."""

    kind: ClassVar[str] = "keep_safety"
    item_id: int
    keep: bool


@dataclass(frozen=True, slots=True)
class ParkOrder:
    """Begin nothing more of an order before an instant; UNSET = no bound."""

    kind: ClassVar[str] = "park_order"
    order_id: int
    until_s: int


@dataclass(frozen=True, slots=True)
class SetLink:
    """Let a job order start when a batch of the one before it is there; 0 = all of it."""

    kind: ClassVar[str] = "set_link"
    pred_id: int
    succ_id: int
    batch_qty: int


Deal: TypeAlias = (
    SetPromise
    | ShipPartial
    | SetFreight
    | SetPurchaseDate
    | AddPurchase
    | RemovePurchase
    | Substitute
    | Reserve
    | Unreserve
    | KeepSafety
    | ParkOrder
    | SetLink
    | SplitJob
    | MergeJob
    | AddOrder
    | RemoveOrder
    | CoverWindow
    | UncoverWindow
    | Concede
    | LeaveHeld
    | OrderRework
    | DropRework
    | RepairForNow
    | RepairAtOnce
)
DEALS: tuple[type[Deal], ...] = (
    SetPromise,
    ShipPartial,
    SetFreight,
    SetPurchaseDate,
    AddPurchase,
    RemovePurchase,
    Substitute,
    Reserve,
    Unreserve,
    KeepSafety,
    ParkOrder,
    SetLink,
    SplitJob,
    MergeJob,
    AddOrder,
    RemoveOrder,
    CoverWindow,
    UncoverWindow,
    Concede,
    LeaveHeld,
    OrderRework,
    DropRework,
    RepairForNow,
    RepairAtOnce,
)


class Columns(Protocol):
    """A plant whose arrays are being changed: read one, or a copy to write into."""

    plant: Plant
    columns: dict[str, npt.NDArray[Any]]

    def read(self, name: str) -> npt.NDArray[Any]: ...
    def write(self, name: str) -> npt.NDArray[Any]: ...
    def whole(self) -> Plant: ...
    def exceptions(self, unit: int) -> list[tuple[int, int, bool]]: ...
    def rebuild(self, make: Callable[[Plant], Plant]) -> None: ...


# -- rows ----------------------------------------------------------------------------------------


def _row(draft: Columns, name: str, what: str, wanted: int) -> int:
    found = np.flatnonzero(draft.read(name) == wanted)
    if not len(found):
        raise ValueError(f"{what} {wanted} is not in the plant")
    return int(found[0])


def line_row(draft: Columns, line_id: int) -> int:
    return _row(draft, "line_id", "customer line", line_id)


def supply_row(draft: Columns, kind: int, supply_id: int) -> int:
    found = np.flatnonzero(
        (draft.read("supply_kind") == kind) & (draft.read("supply_id") == supply_id)
    )
    if not len(found):
        raise ValueError(f"supply {supply_id} of kind {kind} is not in the plant")
    return int(found[0])


def purchase_row(draft: Columns, purchase_id: int) -> int:
    return supply_row(draft, SupplyKind.PURCHASE, purchase_id)


def demand_row(draft: Columns, kind: int, demand_id: int) -> int:
    found = np.flatnonzero(
        (draft.read("demand_kind") == kind) & (draft.read("demand_id") == demand_id)
    )
    if not len(found):
        raise ValueError(f"demand {demand_id} of kind {kind} is not in the plant")
    return int(found[0])


def _arc_row(draft: Columns, pred_id: int, succ_id: int) -> int:
    plant = draft.plant
    found = np.flatnonzero(
        (plant.op_id[plant.arc_pred] == pred_id) & (plant.op_id[plant.arc_succ] == succ_id)
    )
    if not len(found):
        raise ValueError(f"operation {succ_id} doesn't follow {pred_id}")
    return int(found[0])


def _peg_row(draft: Columns, change: Reserve | Unreserve) -> int:
    """The row of a hard peg of the two, -1 without one."""
    supply = supply_row(draft, change.supply_kind, change.supply_id)
    demand = demand_row(draft, change.demand_kind, change.demand_id)
    found = np.flatnonzero(
        (draft.read("peg_supply") == supply)
        & (draft.read("peg_demand") == demand)
        & (draft.read("peg_kind") == PegKind.HARD)
    )
    return int(found[0]) if len(found) else -1


# -- applying ------------------------------------------------------------------------------------


def take(draft: Columns, change: Deal) -> None:
    """Write a change into the columns.

    :raises ValueError: if it means nothing in this plant.
    """
    match change:
        case SetPromise():
            draft.write("line_promised")[line_row(draft, change.line_id)] = change.promised_s
        case ShipPartial():
            draft.write("line_part_qty")[line_row(draft, change.line_id)] = change.qty
        case SetFreight():
            row = line_row(draft, change.line_id)
            draft.write("line_mode")[row] = change.mode_id
            draft.write("line_transit_s")[row] = change.transit_s
        case SetPurchaseDate():
            draft.write("supply_at")[purchase_row(draft, change.purchase_id)] = change.at_s
        case AddPurchase():
            _add_supply(draft, change)
        case RemovePurchase():
            _drop_supply(draft, purchase_row(draft, change.purchase_id))
        case Substitute():
            row = demand_row(draft, DemandKind.COMPONENT, change.material_id)
            item = _row(draft, "item_id", "item", change.item_id)
            draft.write("demand_item")[row] = item
            draft.write("demand_qty")[row] = change.qty
        case Reserve():
            _add_peg(draft, change)
        case Unreserve():
            _drop_peg(draft, change)
        case KeepSafety():
            item = _row(draft, "item_id", "item", change.item_id)
            draft.write("item_safety_kept")[item] = change.keep
        case ParkOrder():
            order = _row(draft, "order_id", "order", change.order_id)
            draft.write("order_not_before")[order] = change.until_s
            draft.write("op_not_before")[draft.plant.op_order == order] = change.until_s
        case SetLink():
            row = _arc_row(draft, change.pred_id, change.succ_id)
            kind = ArcKind.OVERLAP if change.batch_qty else ArcKind.FS
            draft.write("arc_kind")[row] = kind
            draft.write("arc_batch_qty")[row] = change.batch_qty
        case SplitJob() | MergeJob():
            splits.take(draft, change)
        case AddOrder() | RemoveOrder():
            orders.take(draft, change)
        case CoverWindow() | UncoverWindow():
            crew.take(draft, change)
        case Concede() | LeaveHeld() | OrderRework() | DropRework():
            mends.take(draft, change)
        case RepairForNow() | RepairAtOnce():
            makeshift.take(draft, change)


def _add_supply(draft: Columns, change: AddPurchase) -> None:
    kinds, ids = draft.read("supply_kind"), draft.read("supply_id")
    taken = (kinds == SupplyKind.PURCHASE) & (ids == change.purchase_id)
    if taken.any() or change.qty <= 0:
        raise ValueError(f"purchase {change.purchase_id} is there already, or of nothing")
    before = (kinds < SupplyKind.PURCHASE) | (
        (kinds == SupplyKind.PURCHASE) & (ids < change.purchase_id)
    )
    row = int(np.count_nonzero(before))
    values = {
        "id": change.purchase_id,
        "kind": int(SupplyKind.PURCHASE),
        "item": _row(draft, "item_id", "item", change.item_id),
        "qty": change.qty,
        "at": change.at_s,
        "late_s": change.late_s,
        "op": -1,
    }
    for name, (_, default) in TABLES["supply"].items():
        column = f"supply_{name}"
        value: Any = values.get(name, default)
        draft.columns[column] = np.insert(draft.read(column), row, value)
    pegs = draft.write("peg_supply")
    pegs[pegs >= row] += 1


def _drop_supply(draft: Columns, row: int) -> None:
    if (draft.read("peg_supply") == row).any():
        raise ValueError("the purchase is pegged")
    for name in TABLES["supply"]:
        column = f"supply_{name}"
        draft.columns[column] = np.delete(draft.read(column), row)
    pegs = draft.write("peg_supply")
    pegs[pegs > row] -= 1


def _add_peg(draft: Columns, change: Reserve) -> None:
    at = _peg_row(draft, change)
    if at >= 0:
        draft.write("peg_qty")[at] += change.qty
        return
    new = {
        "supply": supply_row(draft, change.supply_kind, change.supply_id),
        "demand": demand_row(draft, change.demand_kind, change.demand_id),
        "qty": change.qty,
        "kind": int(PegKind.HARD),
    }
    for name, value in new.items():
        draft.columns[f"peg_{name}"] = np.append(draft.read(f"peg_{name}"), value).astype(
            draft.read(f"peg_{name}").dtype
        )
    keys = np.lexsort(tuple(draft.read(f"peg_{name}") for name in ("kind", "supply", "demand")))
    for name in new:
        draft.columns[f"peg_{name}"] = draft.columns[f"peg_{name}"][keys]


def _drop_peg(draft: Columns, change: Unreserve) -> None:
    at = _peg_row(draft, change)
    if at < 0 or draft.read("peg_qty")[at] < change.qty:
        raise ValueError("so much is not reserved")
    draft.write("peg_qty")[at] -= change.qty
    if draft.read("peg_qty")[at] == 0:
        for name in ("supply", "demand", "qty", "kind"):
            draft.columns[f"peg_{name}"] = np.delete(draft.read(f"peg_{name}"), at)


def inverse(draft: Columns, change: Deal) -> Deal:
    """Return what takes a change back, given the columns before it.

    :raises ValueError: as `take`.
    """
    match change:
        case SetPromise():
            row = line_row(draft, change.line_id)
            return SetPromise(change.line_id, int(draft.read("line_promised")[row]))
        case ShipPartial():
            row = line_row(draft, change.line_id)
            return ShipPartial(change.line_id, int(draft.read("line_part_qty")[row]))
        case SetFreight():
            row = line_row(draft, change.line_id)
            mode, transit = draft.read("line_mode")[row], draft.read("line_transit_s")[row]
            return SetFreight(change.line_id, int(mode), int(transit))
        case SetPurchaseDate():
            row = purchase_row(draft, change.purchase_id)
            return SetPurchaseDate(change.purchase_id, int(draft.read("supply_at")[row]))
        case AddPurchase():
            return RemovePurchase(change.purchase_id)
        case RemovePurchase():
            row = purchase_row(draft, change.purchase_id)
            item = draft.read("item_id")[draft.read("supply_item")[row]]
            qty, at, late = (draft.read(f"supply_{name}")[row] for name in ("qty", "at", "late_s"))
            return AddPurchase(change.purchase_id, 0, int(item), int(qty), int(at), int(late))
        case Substitute():
            row = demand_row(draft, DemandKind.COMPONENT, change.material_id)
            item = draft.read("item_id")[draft.read("demand_item")[row]]
            return Substitute(change.material_id, int(item), int(draft.read("demand_qty")[row]))
        case Reserve():
            return Unreserve(
                change.supply_kind, change.supply_id, change.demand_kind, change.demand_id,
                change.qty,
            )  # fmt: skip
        case Unreserve():
            return Reserve(
                change.supply_kind, change.supply_id, change.demand_kind, change.demand_id,
                change.qty,
            )  # fmt: skip
        case KeepSafety():
            item = _row(draft, "item_id", "item", change.item_id)
            return KeepSafety(change.item_id, bool(draft.read("item_safety_kept")[item]))
        case ParkOrder():
            order = _row(draft, "order_id", "order", change.order_id)
            return ParkOrder(change.order_id, int(draft.read("order_not_before")[order]))
        case SetLink():
            row = _arc_row(draft, change.pred_id, change.succ_id)
            overlaps = draft.read("arc_kind")[row] == ArcKind.OVERLAP
            batch = int(draft.read("arc_batch_qty")[row]) if overlaps else 0
            return SetLink(change.pred_id, change.succ_id, batch)
        case SplitJob() | MergeJob():
            return splits.inverse(draft, change)
        case AddOrder() | RemoveOrder():
            return orders.inverse(draft, change)
        case CoverWindow() | UncoverWindow():
            return crew.inverse(change)
        case Concede() | LeaveHeld() | OrderRework() | DropRework():
            return mends.inverse(draft, change)
        case RepairForNow() | RepairAtOnce():
            return makeshift.inverse(draft, change)


# -- what is allowed -----------------------------------------------------------------------------


def why_not(draft: Columns, projection: Projection, change: Deal) -> WhyNot | None:
    """Return why a deal can't be made now, None if it can.

    :raises ValueError: if it names what is not there.
    """
    now = projection.now
    match change:
        case SetPromise():
            promised = int(draft.read("line_promised")[line_row(draft, change.line_id)])
            if promised == UNSET:
                return WhyNot.NO_PROMISE
            if change.promised_s < now:
                return WhyNot.DATE_PAST
            return WhyNot.SAME if change.promised_s == promised else None
        case ShipPartial():
            row = line_row(draft, change.line_id)
            demand = int(draft.plant.line_demand[row])
            whole = int(draft.read("demand_qty")[demand])
            if change.qty == draft.read("line_part_qty")[row]:
                return WhyNot.SAME
            return None if 0 <= change.qty < whole else WhyNot.QUANTITY
        case SetFreight():
            row = line_row(draft, change.line_id)
            if change.transit_s < 0:
                return WhyNot.NO_FASTER
            return WhyNot.SAME if draft.read("line_mode")[row] == change.mode_id else None
        case SetPurchaseDate():
            purchase_row(draft, change.purchase_id)
            return WhyNot.DATE_PAST if change.at_s < now else None
        case AddPurchase():
            _row(draft, "item_id", "item", change.item_id)
            if change.at_s < now:
                return WhyNot.DATE_PAST
            return WhyNot.QUANTITY if change.qty <= 0 else None
        case RemovePurchase():
            purchase_row(draft, change.purchase_id)
            return None
        case Substitute():
            return _substitute_not(draft, change)
        case Reserve():
            return _reserve_not(draft, change)
        case Unreserve():
            return None if _peg_row(draft, change) >= 0 else WhyNot.NOT_ENOUGH
        case KeepSafety():
            item = _row(draft, "item_id", "item", change.item_id)
            same = bool(draft.read("item_safety_kept")[item]) == change.keep
            return WhyNot.SAME if same else None
        case ParkOrder():
            order = _row(draft, "order_id", "order", change.order_id)
            if change.until_s != UNSET and change.until_s < now:
                return WhyNot.DATE_PAST
            bound = draft.read("op_not_before")[draft.plant.op_order == order]
            own = (bound != draft.read("order_not_before")[order]).any()
            return WhyNot.OWN_BOUND if own else None
        case SetLink():
            row = _arc_row(draft, change.pred_id, change.succ_id)
            if draft.plant.op_status[draft.plant.arc_succ[row]] != Status.WAITING:
                return WhyNot.STARTED
            ends = (draft.plant.arc_pred[row], draft.plant.arc_succ[row])
            if any(splits.is_split(draft.plant, int(op)) for op in ends):
                return WhyNot.SPLIT
            return WhyNot.QUANTITY if change.batch_qty < 0 else None
        case SplitJob() | MergeJob():
            return splits.why_not(draft, change)
        case AddOrder() | RemoveOrder():
            return orders.why_not(draft, now, change)
        case CoverWindow() | UncoverWindow():
            return crew.why_not(draft, now, change)
        case Concede() | LeaveHeld() | OrderRework() | DropRework():
            return mends.why_not(draft, now, change)
        case RepairForNow() | RepairAtOnce():
            return makeshift.why_not(draft, projection, change)


def _substitute_not(draft: Columns, change: Substitute) -> WhyNot | None:
    row = demand_row(draft, DemandKind.COMPONENT, change.material_id)
    item = _row(draft, "item_id", "item", change.item_id)
    op = draft.plant.demand_op[row]
    if draft.plant.op_status[op] != Status.WAITING:
        return WhyNot.STARTED
    if change.qty <= 0:
        return WhyNot.QUANTITY
    same_op = draft.plant.demand_op == op
    same_op[row] = False
    taken = (draft.read("demand_item")[same_op] == item).any()
    if taken:
        return WhyNot.TAKES_IT
    return WhyNot.SAME if draft.read("demand_item")[row] == item else None


def _reserve_not(draft: Columns, change: Reserve) -> WhyNot | None:
    supply = supply_row(draft, change.supply_kind, change.supply_id)
    demand = demand_row(draft, change.demand_kind, change.demand_id)
    if draft.read("supply_item")[supply] != draft.read("demand_item")[demand]:
        return WhyNot.OTHER_ITEM
    if change.qty <= 0 or change.qty > draft.read("demand_qty")[demand]:
        return WhyNot.QUANTITY
    hard = (draft.read("peg_supply") == supply) & (draft.read("peg_kind") == PegKind.HARD)
    kept = int(draft.read("peg_qty")[hard].sum())
    stored = change.supply_kind in (SupplyKind.LOT, SupplyKind.PURCHASE)
    if stored and kept + change.qty > draft.read("supply_qty")[supply]:
        return WhyNot.NOT_ENOUGH
    return None


def subject_of(change: Deal) -> tuple[str, int]:
    """What a deal is about, for a person: ("line", its id), and so on."""
    match change:
        case SetPromise() | ShipPartial() | SetFreight():
            return "line", change.line_id
        case SetPurchaseDate() | RemovePurchase():
            return "purchase", change.purchase_id
        case AddPurchase() | KeepSafety() | AddOrder():
            return "item", change.item_id
        case Substitute():
            return "material", change.material_id
        case Reserve() | Unreserve():
            kind = "line" if change.demand_kind == DemandKind.LINE else "material"
            return kind, change.demand_id
        case ParkOrder() | RemoveOrder():
            return "order", change.order_id
        case SetLink():
            return "operation", change.succ_id
        case SplitJob() | MergeJob():
            return "operation", change.op_id
        case CoverWindow() | UncoverWindow() | RepairForNow() | RepairAtOnce():
            return "unit", change.unit_id
        case Concede() | LeaveHeld() | OrderRework() | DropRework():
            return mends.subject_of(change)


# -- what a set of deals writes ------------------------------------------------------------------


def rows_written(before: Plant, after: Plant) -> tuple[str, ...]:
    """Name the stored rows that differ between two plants: "line:7", "purchase:3", ...

    Found by comparing, as a footprint is. What is only in one of them has no row to compare.
    """
    names: set[str] = set()
    for what, ids, columns in (
        ("line", before.line_id, ("line_promised", "line_part_qty", "line_mode")),
        ("item", before.item_id, ("item_safety_kept",)),
        ("order", before.order_id, ("order_not_before",)),
    ):
        for name in columns:
            old, new = getattr(before, name), getattr(after, name)
            if old is not new:
                there = np.isin(ids, getattr(after, f"{what}_id"))
                new = new[np.isin(getattr(after, f"{what}_id"), ids)]
                names |= {f"{what}:{pk}" for pk in ids[there][old[there] != new].tolist()}
    names |= {f"order:{pk}" for pk in np.setdiff1d(before.order_id, after.order_id).tolist()}
    if before.arc_kind is not after.arc_kind:
        was, now = _links(before), _links(after)
        both = was.keys() & now.keys()
        names |= {
            f"link:{pred}-{succ}" for pred, succ in both if was[pred, succ] != now[pred, succ]
        }
    if before.supply_at is not after.supply_at:
        old_at, new_at = _purchases(before), _purchases(after)
        names |= {
            f"purchase:{pk}" for pk in old_at.keys() & new_at.keys() if old_at[pk] != new_at[pk]
        }
    lots = ("supply_qty", "supply_until", "supply_dated")
    if any(getattr(before, name) is not getattr(after, name) for name in lots):
        was_lot, is_lot = _lots(before), _lots(after)
        names |= {f"lot:{pk}" for pk in was_lot if was_lot[pk] != is_lot.get(pk)}
    if before.demand_item is not after.demand_item:
        needed, needs = _components(before), _components(after)
        names |= {
            f"material:{pk}" for pk in needed.keys() & needs.keys() if needed[pk] != needs[pk]
        }
    return tuple(sorted(names))


def _links(plant: Plant) -> dict[tuple[int, int], tuple[int, int]]:
    ends = zip(
        plant.op_id[plant.arc_pred].tolist(), plant.op_id[plant.arc_succ].tolist(), strict=True
    )
    return dict(
        zip(
            ends,
            zip(plant.arc_kind.tolist(), plant.arc_batch_qty.tolist(), strict=True),
            strict=True,
        )
    )


def _components(plant: Plant) -> dict[int, int]:
    mine = plant.demand_kind == DemandKind.COMPONENT
    items = plant.item_id[plant.demand_item[mine]]
    return dict(zip(plant.demand_id[mine].tolist(), items.tolist(), strict=True))


def _lots(plant: Plant) -> dict[int, tuple[int, int]]:
    """How much of each lot there is, and the instant that quality named; UNSET: none."""
    mine = plant.supply_kind == SupplyKind.LOT
    named = np.where(plant.supply_dated[mine], plant.supply_until[mine], UNSET)
    rows = (plant.supply_id[mine].tolist(), plant.supply_qty[mine].tolist(), named.tolist())
    return {pk: (qty, at) for pk, qty, at in zip(*rows, strict=True)}


def _purchases(plant: Plant) -> dict[int, tuple[int, int]]:
    mine = plant.supply_kind == SupplyKind.PURCHASE
    rows = (plant.supply_id[mine].tolist(), plant.supply_qty[mine].tolist())
    return {
        pk: (qty, at) for pk, qty, at in zip(*rows, plant.supply_at[mine].tolist(), strict=True)
    }
