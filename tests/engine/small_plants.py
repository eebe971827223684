"""Random small plants with every feature of the engine in them, for the property tests."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import strategies as st

from planning.engine.builder import PlantBuilder
from planning.engine.plant import (
    NEVER,
    PIECE,
    UNSET,
    ArcKind,
    Basis,
    DemandKind,
    ItemKind,
    LotStatus,
    PegKind,
    Plant,
    QueueRule,
    Site,
    Span,
    Status,
    SupplyKind,
)

MINUTE = 60
HOUR = 3_600
HORIZON = 36 * HOUR


@dataclass(frozen=True)
class Wants:
    """What the drawn plants may contain."""

    rule: QueueRule | None = None  # None = either
    circles: bool = True
    started: bool = True
    overlap: bool = True
    odd_spans: bool = True
    places: int = 2
    families: bool = True
    trouble: bool = True  # breakdowns, slow units, lost tools, holds, held lots
    material: bool = True
    free_pegs: bool = True
    parts: bool = True  # operations that were split


@st.composite
def small_plants(draw: st.DrawFn, wants: Wants = Wants()) -> tuple[Plant, int]:
    """Draw a plant of up to three units and a dozen operations, and a `now`."""
    chance = st.integers(0, 99).map

    def maybe(percent: int) -> bool:
        return draw(chance(lambda n: n < percent))

    rule = wants.rule if wants.rule is not None else draw(st.sampled_from(QueueRule))
    now = draw(st.integers(0, 8 * 60)) * MINUTE + draw(st.sampled_from([0, 0, 17]))
    builder = PlantBuilder(
        Site(
            queue_rule=rule,
            pull_window_s=draw(st.sampled_from([0, 4, 12, 72])) * HOUR,
            pull_after_s=draw(st.sampled_from([0, 1_800])),
            suspend_after_s=draw(st.sampled_from([0, 3_600])),
            horizon=HORIZON,
            stock_checked=not maybe(5),
            purchases_checked=not maybe(5),
            quality_checked=not maybe(5),
        )
    )
    hours = st.integers(0, 36).map(lambda h: h * HOUR)
    builder.add_calendar(id=1, intervals=[(0, HORIZON)])
    builder.add_calendar(id=2, intervals=[(a * HOUR, (a + 7) * HOUR + 600) for a in (0, 8, 24)])
    units = draw(st.integers(1, 3))
    places = {}
    for u in range(1, units + 1):
        places[u] = draw(st.integers(1, wants.places))
        down = wants.trouble and maybe(20)
        builder.add_unit(
            id=u,
            calendar=draw(st.integers(1, 2)),
            places=places[u],
            rate_ppm=draw(st.sampled_from([1_000_000, 1_000_000, 600_000])),
            down=down,
            down_since=draw(hours),
            down_until=draw(st.sampled_from([NEVER, 5 * HOUR, 12 * HOUR + 30, 30 * HOUR])),
            down_again_s=draw(st.sampled_from([-1, 2 * HOUR])),
            slow=wants.trouble and maybe(20),
            slow_since=draw(hours),
            slow_until=draw(st.sampled_from([NEVER, 6 * HOUR, 13 * HOUR + 50, 31 * HOUR])),
            slow_again_s=draw(st.sampled_from([-1, 3 * HOUR])),
            slow_ppm=draw(st.sampled_from([10_000, 333_000, 700_000, 1_000_000])),
            outside=maybe(10),
            quantum_qty=draw(st.sampled_from([1, 2])) * PIECE,
        )
        for _ in range(draw(st.integers(0, 2))):
            start = draw(hours)
            builder.add_exception(
                unit=u, start=start + 30, end=start + 45 + draw(hours), open=maybe(40)
            )
        if wants.families and maybe(50):
            builder.add_mounted(unit=u, place=places[u] - 1, family=draw(st.integers(1, 2)))

    for tool in (1, 2):
        builder.add_tool(
            id=tool,
            lost=wants.trouble and maybe(25),
            lost_until=draw(st.sampled_from([NEVER, 4 * HOUR, 11 * HOUR + 20])),
            lost_again_s=draw(st.sampled_from([-1, 5 * HOUR])),
        )

    for i in (1, 2, 3):
        builder.add_item(
            id=i,
            kind=int(ItemKind.BUY if i < 3 else ItemKind.MAKE),
            tracked=not maybe(10),
            lead_s=draw(st.sampled_from([-1, 3 * HOUR, 20 * HOUR])) if wants.trouble else 3 * HOUR,
            guess_from=draw(st.sampled_from([UNSET, UNSET, 0, now])),
            safety_qty=draw(st.sampled_from([0, 2 * PIECE])),
        )

    op = 0
    orders = draw(st.integers(1, 4))
    outputs: list[tuple[int, int]] = []
    open_ops: list[int] = []
    waiting: list[int] = []
    queues: dict[int, list[int]] = {u: [] for u in range(1, units + 1)}
    part_of: dict[int, int] = {}
    for order in range(1, orders + 1):
        builder.add_order(
            id=order, item=3, need_by=draw(st.sampled_from([NEVER, 10 * HOUR, 20 * HOUR]))
        )
        steps = draw(st.integers(1, 4))
        launch = draw(st.integers(0, 8)) * PIECE
        stage = draw(st.integers(0, steps)) if wants.started and maybe(60) else 0
        before: list[int] = []
        for step in range(steps):
            op += 1
            status = Status.WAITING
            if step < stage - 1:
                status = Status.DONE
            elif step < stage:
                status = draw(st.sampled_from([Status.RUNNING, Status.SUSPENDED, Status.DONE]))
            elif wants.started and maybe(10):
                status = Status.RUNNING
            unit = draw(st.integers(0, units)) if wants.odd_spans else draw(st.integers(1, units))
            began = draw(st.integers(-2 * HOUR, max(0, now)))
            made = 0
            if status != Status.WAITING:
                made = draw(st.integers(0, 8)) * PIECE
            hold = wants.trouble and maybe(8)
            first = op
            reported = status == Status.RUNNING and made > 0
            builder.add_operation(
                id=op,
                order=order,
                number=step,
                unit=unit,
                status=int(status),
                launch_qty=launch,
                good_qty=made,
                scrap_qty=draw(st.integers(0, 1)) * PIECE if made else 0,
                yield_num=draw(st.sampled_from([1, 1, 9])),
                yield_den=draw(st.sampled_from([9, 10])) if wants.trouble else 9,
                setup_s=draw(st.sampled_from([0, 0, 1_200])),
                run_us=draw(st.sampled_from([0, 90_000_000, 600_000_001, 1_800_000_000])),
                fixed_us=draw(st.sampled_from([0, 0, 700_000_000])),
                factor_ppm=draw(st.sampled_from([1_000_000, 1_250_000])),
                family=draw(st.integers(0, 2)) if wants.families else 0,
                span=int(draw(st.sampled_from(Span))) if wants.odd_spans and maybe(25) else 0,
                restart=wants.odd_spans and maybe(10),
                not_before=draw(st.sampled_from([UNSET, UNSET, 6 * HOUR])),
                hold=hold,
                hold_until=draw(st.sampled_from([NEVER, 2 * HOUR, 9 * HOUR])),
                hold_again_s=draw(st.sampled_from([-1, 4 * HOUR])),
                pinned=maybe(10),
                baseline_start=draw(st.sampled_from([UNSET, 3 * HOUR, 15 * HOUR])),
                baseline_end=draw(st.sampled_from([UNSET, 8 * HOUR, 25 * HOUR])),
                actual_start=began if status != Status.WAITING else UNSET,
                actual_end=max(began, now) if status == Status.DONE else UNSET,
                report_at=max(began, now - draw(st.integers(0, HOUR))) if reported else UNSET,
                productive_s=draw(st.integers(0, 4 * HOUR)) if reported else 0,
            )
            for tool in (1, 2):
                if maybe(15):
                    builder.add_need(operation=op, tool=tool)
            if before and not (wants.circles and maybe(5)):
                pred = draw(st.sampled_from(before))
                overlap = wants.overlap and maybe(40)
                arc = {
                    "kind": int(ArcKind.OVERLAP if overlap else ArcKind.FS),
                    "lag_s": draw(st.sampled_from([0, 0, 900])),
                    "batch_qty": draw(st.integers(1, 3)) * PIECE,
                    "per_num": draw(st.sampled_from([1, 1, 2])),
                }
                feeds = [(each, arc) for each in (pred, *_parts_of(part_of, pred))]
            else:
                feeds = []
            if wants.parts and maybe(15):
                op += 1
                part_of[op] = first
                status_of_part = draw(st.sampled_from([Status.WAITING, status]))
                runs = status_of_part != Status.WAITING
                elsewhere = draw(st.integers(1, units))
                builder.add_operation(
                    id=op,
                    order=order,
                    number=step,
                    part_of=first,
                    unit=elsewhere,
                    status=int(status_of_part),
                    launch_qty=draw(st.integers(0, 4)) * PIECE,
                    good_qty=draw(st.integers(0, 4)) * PIECE if runs else 0,
                    setup_s=draw(st.sampled_from([0, 1_200])),
                    run_us=draw(st.sampled_from([90_000_000, 600_000_001])),
                    actual_start=began if runs else UNSET,
                    actual_end=max(began, now) if status_of_part == Status.DONE else UNSET,
                    baseline_start=draw(st.sampled_from([UNSET, 0, 15 * HOUR])),
                )
                if status_of_part in (Status.WAITING, Status.SUSPENDED):
                    queues[elsewhere].append(op)
                if status_of_part != Status.DONE:
                    open_ops.append(op)
                if status_of_part == Status.WAITING:
                    waiting.append(op)
            for pred, arc in feeds:
                for succ in (first, *_parts_of(part_of, first)):
                    builder.add_arc(pred=pred, succ=succ, **arc)
            before.append(first)
            if status in (Status.WAITING, Status.SUSPENDED) and unit:
                queues[unit].append(first)
            if status != Status.DONE:
                open_ops.append(first)
            if status == Status.WAITING:
                waiting.append(first)
        outputs.append((order, first))
    whole = [each for each in open_ops if each not in part_of and each not in part_of.values()]
    if wants.circles and len(whole) > 1 and maybe(10):
        a, b = draw(st.permutations(whole))[:2]
        builder.add_arc(pred=a, succ=b)
    for unit, queue in queues.items():
        builder.set_queue(unit=unit, operations=draw(st.permutations(queue)))

    _add_material(draw, builder, wants, now, outputs, waiting)
    return builder.build(), now


def _parts_of(part_of: dict[int, int], first: int) -> list[int]:
    return [part for part, root in part_of.items() if root == first]


def _add_material(
    draw: st.DrawFn,
    builder: PlantBuilder,
    wants: Wants,
    now: int,
    outputs: list[tuple[int, int]],
    waiting: list[int],
) -> None:
    supplies: list[tuple[SupplyKind, int, int]] = []
    for order, op in outputs:
        builder.add_supply(
            id=order,
            kind=int(SupplyKind.OUTPUT),
            item=3,
            qty=draw(st.integers(0, 2)) * PIECE,
            op=op,
            put_away_s=draw(st.sampled_from([0, 600])),
        )
        supplies.append((SupplyKind.OUTPUT, order, 3))
    if wants.material:
        for lot in range(1, draw(st.integers(0, 3)) + 1):
            item = draw(st.integers(1, 3))
            status = draw(st.sampled_from(LotStatus)) if wants.trouble else LotStatus.RELEASED
            builder.add_supply(
                id=lot,
                kind=int(SupplyKind.LOT),
                item=item,
                qty=draw(st.integers(0, 6)) * PIECE,
                status=int(status),
                until=draw(st.sampled_from([NEVER, 1 * HOUR, 14 * HOUR])),
                dated=draw(st.booleans()),
                again_s=draw(st.sampled_from([-1, 6 * HOUR])),
                expiry=draw(st.sampled_from([NEVER, NEVER, 12 * HOUR])),
                owner=draw(st.sampled_from([0, 0, 7])),
            )
            supplies.append((SupplyKind.LOT, lot, item))
        for purchase in range(1, draw(st.integers(0, 3)) + 1):
            item = draw(st.integers(1, 3))
            builder.add_supply(
                id=purchase,
                kind=int(SupplyKind.PURCHASE),
                item=item,
                qty=draw(st.integers(0, 6)) * PIECE,
                at=draw(st.integers(0, 36)) * HOUR,
                late_s=draw(st.sampled_from([0, 5 * HOUR])),
            )
            supplies.append((SupplyKind.PURCHASE, purchase, item))
    demands: list[tuple[DemandKind, int, int]] = []
    if wants.material and waiting:
        for component in range(1, draw(st.integers(0, 4)) + 1):
            item = draw(st.integers(1, 3)) if wants.circles else draw(st.integers(1, 2))
            builder.add_component(
                id=component,
                operation=draw(st.sampled_from(waiting)),
                item=item,
                qty=draw(st.integers(0, 5)) * PIECE,
                owner=draw(st.sampled_from([0, 7])),
                lot=draw(st.sampled_from([0, 0, 0, 1])),
            )
            demands.append((DemandKind.COMPONENT, component, item))
    builder.add_carrier(id=1, departures=[h * HOUR for h in (4, 16, 28)])
    for line in range(1, draw(st.integers(0, 3)) + 1):
        builder.add_line(
            id=line,
            item=3,
            qty=draw(st.integers(1, 8)) * PIECE,
            basis=int(draw(st.sampled_from(Basis))),
            promised=draw(st.sampled_from([UNSET, 8 * HOUR, 20 * HOUR])),
            requested=draw(st.sampled_from([UNSET, 10 * HOUR])),
            stop=draw(st.booleans()),
            priority=draw(st.integers(0, 1)),
            partial=draw(st.booleans()),
            prepare_s=draw(st.sampled_from([0, HOUR])),
            calendar=draw(st.sampled_from([0, 2])),
            carrier=draw(st.sampled_from([0, 1])),
            transit_s=draw(st.sampled_from([0, 5 * HOUR])),
            value=draw(st.integers(0, 3)) * 10_000,
        )
        demands.append((DemandKind.LINE, line, 3))
    pairs = [(s, d) for s in supplies for d in demands if s[2] == d[2]]
    if pairs:
        for (sk, s, _), (dk, d, _) in draw(st.lists(st.sampled_from(pairs), max_size=4)):
            builder.add_peg(
                supply_kind=int(sk),
                supply=s,
                demand_kind=int(dk),
                demand=d,
                qty=draw(st.integers(1, 5)) * PIECE,
                kind=int(draw(st.sampled_from([PegKind.HARD, PegKind.COMMITTED]))),
            )
