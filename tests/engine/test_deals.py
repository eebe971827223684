"""Changes that are agreed with others: what they write, what takes them back, what they cost."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest

from planning.engine import deals
from planning.engine.builder import PlantBuilder
from planning.engine.changes import Refusal, apply, footprint, from_json, illegal, inverse, to_json
from planning.engine.cost import CostRules, LineTerms, Rates, Terms, What, late_cost, option_cost
from planning.engine.deals import (
    NEW,
    NEW_ORDER,
    NEW_REWORK,
    AddPurchase,
    Deal,
    KeepSafety,
    ParkOrder,
    RemovePurchase,
    Reserve,
    SetFreight,
    SetLink,
    SetPromise,
    SetPurchaseDate,
    ShipPartial,
    Substitute,
    Unreserve,
    WhyNot,
)
from planning.engine.mends import Concede, OrderRework
from planning.engine.offers import Freight, Offers, Quote, Rate
from planning.engine.orders import LAST, AddOrder
from planning.engine.plant import (
    PIECE,
    UNSET,
    Basis,
    DemandKind,
    ItemKind,
    LotStatus,
    Plant,
    Projection,
    Site,
    SupplyKind,
)
from planning.engine.projection import project
from planning.engine.recipes import Recipe, Step
from planning.engine.splits import SplitJob

HOUR = 3_600
DAY = 86_400
EURO = 10_000
NOW = 6 * HOUR
BAR, OTHER_BAR, BODY = 1, 2, 3


def workshop(bars: int = 15) -> Plant:
    """A body is turned (job 1) and deburred (job 2) of ten bars; the bars come in five days.

    Line 1 wants ten bodies by the first evening, four lie there; line 2 wants four in three weeks.
    """
    builder = PlantBuilder(Site(horizon=60 * DAY))
    builder.add_calendar(
        id=1, intervals=[(d * DAY + 6 * HOUR, d * DAY + 22 * HOUR) for d in range(60)]
    )
    builder.add_unit(id=1, calendar=1)
    builder.add_unit(id=2, calendar=1)
    builder.add_unit(id=3, calendar=1)
    builder.add_item(id=BAR, kind=int(ItemKind.BUY), safety_qty=5 * PIECE, safety_kept=True)
    builder.add_item(id=OTHER_BAR, kind=int(ItemKind.BUY))
    builder.add_item(id=BODY, kind=int(ItemKind.MAKE))
    builder.add_order(id=7, item=BODY, need_by=DAY)
    for job, number in ((1, 10), (2, 20)):
        builder.add_operation(
            id=job, order=7, number=number, unit=job, launch_qty=10 * PIECE,
            run_us=600 * 1_000_000,
        )  # fmt: skip
    builder.add_alternate(operation=1, unit=3, setup_s=1_200, run_us=900 * 1_000_000)
    builder.add_arc(pred=1, succ=2)
    builder.add_component(id=5, operation=1, item=BAR, qty=10 * PIECE)
    builder.add_supply(id=7, kind=int(SupplyKind.OUTPUT), item=BODY, op=2)
    builder.add_supply(id=11, kind=int(SupplyKind.PURCHASE), item=BAR, qty=bars * PIECE, at=5 * DAY)
    builder.add_supply(id=21, kind=int(SupplyKind.LOT), item=OTHER_BAR, qty=10 * PIECE)
    builder.add_supply(id=22, kind=int(SupplyKind.LOT), item=BODY, qty=4 * PIECE)
    builder.add_supply(
        id=23, kind=int(SupplyKind.LOT), item=BODY, qty=3 * PIECE, status=int(LotStatus.HELD),
        until=40 * DAY,
    )  # fmt: skip
    builder.add_line(
        id=1, item=BODY, qty=10 * PIECE, promised=18 * HOUR, basis=int(Basis.ARRIVE),
        transit_s=4 * HOUR, value=1_000 * EURO,
        priority=2,
    )  # fmt: skip
    builder.add_line(id=2, item=BODY, qty=4 * PIECE, promised=21 * DAY, priority=1)
    builder.add_peg(
        supply_kind=int(SupplyKind.OUTPUT), supply=7, demand_kind=int(DemandKind.LINE), demand=1,
        qty=6 * PIECE,
    )  # fmt: skip
    builder.set_queue(unit=1, operations=[1])
    builder.set_queue(unit=2, operations=[2])
    builder.use_recipes(
        {
            BODY: Recipe(
                (
                    Step(
                        10, 1, 300, 600 * 1_000_000, yield_ppm=800_000, batch_qty=2 * PIECE,
                        others=((1, 300, 600 * 1_000_000), (3, 1_200, 900 * 1_000_000)),
                        parts=((OTHER_BAR, PIECE),),
                    ),
                    Step(20, 2, 0, 300 * 1_000_000),
                )
            )
        }
    )  # fmt: skip
    return builder.build()


def rework(**given: int) -> OrderRework:
    whole = OrderRework(NEW_REWORK, BODY, 2 * PIECE, DAY, 23, 0, 3, 60, 90_000_000, 20, (0,))
    return replace(whole, **given)


LOT, PURCHASE = int(SupplyKind.LOT), int(SupplyKind.PURCHASE)
LINE, COMPONENT = int(DemandKind.LINE), int(DemandKind.COMPONENT)
DEALS: tuple[Deal, ...] = (
    SetPromise(1, 9 * DAY),
    ShipPartial(1, 4 * PIECE),
    SetFreight(1, 3, HOUR),
    SetPurchaseDate(11, 2 * DAY),
    AddPurchase(NEW + 1, 4, BAR, 10 * PIECE, DAY, 0),
    RemovePurchase(11),
    Substitute(5, OTHER_BAR, 10 * PIECE),
    Reserve(LOT, 22, LINE, 1, 4 * PIECE),
    KeepSafety(BAR, False),
    ParkOrder(7, 3 * DAY),
    SetLink(1, 2, 2 * PIECE),
    SplitJob(1, NEW + 1, 3, 0, 3 * PIECE),
    SplitJob(2, NEW + 1, 2, 1, 4 * PIECE),
    AddOrder(NEW_ORDER, BODY, 4 * PIECE, DAY, (0, LAST)),
    Concede(23, DAY, (1,)),
    rework(),
)
by_kind = pytest.mark.parametrize(
    "deal", DEALS, ids=lambda deal: f"{deal.kind}-{deals.subject_of(deal)[1]}"
)


def same(one: Plant, other: Plant) -> bool:
    return all(
        np.array_equal(getattr(one, each.name), getattr(other, each.name))
        for each in fields(one)
        if isinstance(getattr(one, each.name), np.ndarray)
    )


@by_kind
def test_what_a_deal_writes_its_inverse_takes_back_array_by_array(deal: Deal) -> None:
    plant = workshop()
    assert illegal(plant, project(plant, now=NOW), [deal]) is None
    after = apply(plant, [deal])
    assert not same(plant, after)
    assert same(plant, workshop())
    assert same(plant, apply(after, inverse(plant, [deal])))


@by_kind
def test_a_deal_outlives_the_epoch_as_json(deal: Deal) -> None:
    assert from_json(to_json([deal], epoch=1_700_000_000), epoch=1_700_000_000) == (deal,)


@by_kind
def test_a_deal_names_what_it_writes(deal: Deal) -> None:
    plant = workshop()
    found = footprint(plant, apply(plant, [deal]))
    expected = {
        "set_promise": ("line:1",),
        "ship_partial": ("line:1",),
        "set_freight": ("line:1",),
        "set_purchase_date": ("purchase:11",),
        "substitute": ("material:5",),
        "keep_safety": (f"item:{BAR}",),
        "park_order": ("order:7",),
        "set_link": ("link:1-2",),
        "concede": ("lot:23",),
        "order_rework": ("lot:23",),
    }
    assert found.rows == expected.get(deal.kind, ())
    assert found.demands == (((LINE, 1),) if deal.kind == "reserve" else ())


@pytest.mark.parametrize(
    ("deal", "why"),
    [
        (SetPromise(1, NOW - 1), WhyNot.DATE_PAST),
        (SetPromise(1, 18 * HOUR), WhyNot.SAME),
        (ShipPartial(1, 10 * PIECE), WhyNot.QUANTITY),
        (ShipPartial(1, 0), WhyNot.SAME),
        (SetPurchaseDate(11, 0), WhyNot.DATE_PAST),
        (AddPurchase(NEW + 1, 4, BAR, 0, DAY, 0), WhyNot.QUANTITY),
        (Substitute(5, BAR, 10 * PIECE), WhyNot.SAME),
        (Reserve(LOT, 21, LINE, 1, PIECE), WhyNot.OTHER_ITEM),
        (Reserve(LOT, 22, LINE, 1, 5 * PIECE), WhyNot.NOT_ENOUGH),
        (Unreserve(LOT, 22, LINE, 1, PIECE), WhyNot.NOT_ENOUGH),
        (KeepSafety(BAR, True), WhyNot.SAME),
        (ParkOrder(7, 0), WhyNot.DATE_PAST),
        (Concede(22, DAY), WhyNot.SAME),
        (Concede(23, 0), WhyNot.DATE_PAST),
        (rework(qty=4 * PIECE), WhyNot.QUANTITY),
        (rework(qty=PIECE // 2), WhyNot.QUANTITY),
        (rework(due_s=0), WhyNot.DATE_PAST),
        (rework(item_id=OTHER_BAR), WhyNot.NO_ROUTING),
        (rework(lot_id=0, op_id=1, qty=PIECE), WhyNot.QUANTITY),
    ],
)
def test_what_can_not_be_agreed_says_why(deal: Deal, why: WhyNot) -> None:
    plant = workshop()
    refusal = illegal(plant, project(plant, now=NOW), [deal])
    assert isinstance(refusal, Refusal)
    assert refusal.why is why


def test_a_new_purchase_leaves_every_peg_with_its_own_supply() -> None:
    plant = workshop()
    after = apply(plant, [AddPurchase(NEW + 1, 4, BAR, 10 * PIECE, DAY, 0)])
    (row,) = after.peg_supply.tolist()
    assert (after.supply_kind[row], after.supply_id[row]) == (SupplyKind.OUTPUT, 7)


def test_a_reservation_is_served_before_a_line_of_higher_rank() -> None:
    plant = workshop()
    before = project(plant, now=NOW)
    after = project(apply(plant, [Reserve(LOT, 22, LINE, 1, 4 * PIECE)]), now=NOW)
    lot = int(np.flatnonzero((plant.supply_kind == LOT) & (plant.supply_id == 22))[0])

    def holders(projection: Projection) -> list[int]:
        mine = projection.peg_supply == lot
        return [int(plant.demand_id[demand]) for demand in projection.peg_demand[mine]]

    assert holders(before) == [2]
    assert holders(after) == [1]


def test_a_substitute_that_lies_there_starts_the_job_at_once() -> None:
    """Ten bars of the other kind lie there: 100 min of turning, then 100 min of deburring."""
    plant = workshop()
    assert project(plant, now=NOW).op_start[0] > 5 * DAY
    after = project(apply(plant, [Substitute(5, OTHER_BAR, 10 * PIECE)]), now=NOW)
    assert after.op_start.tolist() == [NOW, NOW + 6000]


def test_safety_stock_that_is_kept_goes_before_everybody() -> None:
    """Of ten bars five are kept: the job of ten waits for more; given free, it has its ten."""
    plant = workshop(bars=10)
    here = np.where(plant.supply_kind == PURCHASE, NOW, plant.supply_at).astype(np.int32)
    plant = replace(plant, supply_at=here)
    kept = project(plant, now=NOW)
    assert kept.demand_short_qty[plant.demand_kind == COMPONENT].tolist() == [5 * PIECE]
    free = project(apply(plant, [KeepSafety(BAR, False)]), now=NOW)
    assert free.demand_short_qty[plant.demand_kind == COMPONENT].tolist() == [0]


def rules_of(plant: Plant, offers: Offers | None = None, **rates: Rate) -> CostRules:
    terms = {1: Terms(due=18 * HOUR, value=1_000 * EURO, penalty_ppm=10_000, weight_day=50 * EURO)}
    return CostRules(LineTerms.of(plant, terms), Rates(**rates), offers or Offers())  # type: ignore[arg-type]


def test_a_part_that_arrives_in_time_is_charged_no_day() -> None:
    """Line 1 is n days late. All at once: n x (1 % of 1,000 + 50); with 4 of 10 ahead: 6/10."""
    plant = apply(workshop(), [Reserve(LOT, 22, LINE, 1, 4 * PIECE)])
    rules = rules_of(plant)
    whole = late_cost(plant, project(plant, now=NOW), rules)
    days = int(whole.days[0])
    assert (whole.cash[0], whole.estimate[0]) == (days * 10 * EURO, days * 50 * EURO)
    parted = apply(plant, [ShipPartial(1, 4 * PIECE)])
    parts = late_cost(parted, project(parted, now=NOW), rules)
    assert (parts.cash[0], parts.estimate[0]) == (days * 6 * EURO, days * 30 * EURO)
    # A fifth piece comes with the rest only: the part is as late as the whole.
    more = apply(plant, [ShipPartial(1, 5 * PIECE)])
    late = late_cost(more, project(more, now=NOW), rules)
    assert (late.cash[0], late.estimate[0]) == (whole.cash[0], whole.estimate[0])


def test_a_new_promise_costs_its_share_of_the_old_one() -> None:
    plant = workshop()
    before = project(plant, now=NOW)
    rules = rules_of(plant, new_promise=Rate(400_000, "sales"))
    change = SetPromise(1, 30 * DAY)
    after_plant = apply(plant, [change])
    after = project(after_plant, now=NOW)
    found = option_cost(plant, before, after_plant, after, rules, [change])
    nothing = late_cost(plant, before, rules).total
    assert found.late_money == 0
    assert found.extra_estimate == nothing * 4 // 10
    assert [line.what for line in found.lines] == [What.NEW_PROMISE]
    unknown = option_cost(plant, before, after_plant, after, rules_of(plant), [change])
    assert unknown.unknown == (What.NEW_PROMISE,)
    assert unknown.at_least
    assert unknown.by_money


def test_what_is_bought_costs_what_it_is_dearer_and_the_fee() -> None:
    plant = workshop()
    offers = Offers(
        quotes=(Quote(4, 1, BAR, DAY, Rate(5 * EURO, "list"), fee=Rate(20 * EURO, "list")),),
        item_cost={BAR: Rate(3 * EURO, "standard")},
        freights=(Freight(3, HOUR, Rate(280 * EURO, "courier")),),
        standard=Rate(95 * EURO, "tariff"),
    )
    changes: list[Deal] = [
        AddPurchase(NEW + 1, 4, BAR, 10 * PIECE, DAY, 0),
        SetFreight(1, 3, HOUR),
        ShipPartial(2, PIECE),
    ]
    after_plant = apply(plant, changes)
    found = option_cost(
        plant, project(plant, now=NOW), after_plant, project(after_plant, now=NOW),
        rules_of(plant, offers), changes,
    )  # fmt: skip
    amounts = {(line.what, line.id): line.amount for line in found.lines}
    assert amounts == {
        (What.PURCHASE, BAR): 20 * EURO,
        (What.ORDER_FEE, BAR): 20 * EURO,
        (What.FREIGHT, 1): 185 * EURO,
        (What.FREIGHT, 2): 95 * EURO,
    }
    assert found.extra_cash == sum(amounts.values())


def test_parked_and_let_go_again_is_as_before() -> None:
    plant = workshop()
    parked = apply(plant, [ParkOrder(7, 9 * DAY)])
    assert project(parked, now=NOW).op_start[0] >= 9 * DAY
    assert same(plant, apply(parked, [ParkOrder(7, UNSET)]))
