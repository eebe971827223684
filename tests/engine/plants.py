"""Plants for the engine's tests: a reference plant of any size, and small makers."""

from __future__ import annotations

import numpy as np

from planning.engine.builder import PlantBuilder
from planning.engine.plant import PIECE, ItemKind, Plant, QueueRule, Site, SupplyKind

DAY = 86_400
HOUR = 3_600
STEPS_BEFORE = [
    [],
    [0],
    [],
    [2],
    [1],
    [4],
    [5],
    [3],
    [7],
    [8],
    [6, 9],
    [10],
    [11],
    [12],
    [13],
]


def working_weeks(*, days: int, opens: int, closes: int) -> list[tuple[int, int]]:
    """Monday to Friday from `opens` to `closes` (seconds of the day); day 0 is a Monday."""
    return [(d * DAY + opens, d * DAY + closes) for d in range(days) if d % 7 < 5]


def reference_plant(
    operations: int,
    machines: int,
    *,
    seed: int = 0,
    load: float = 0.8,
    rule: QueueRule = QueueRule.PULL_READY,
) -> Plant:
    """Make to order: per order 15 operations, a final routing of 5 steps fed by 2 subassemblies of
    3 steps, each fed by a component of 2 steps; purchased material sets the first steps' release.
    Weekdays around the clock or two shifts; `load` of the machines' working time is used. The
    queues are those of dispatching by due date."""
    rng = np.random.default_rng(seed)
    orders = max(1, operations // 15)
    size = orders * 15
    minutes = rng.integers(10, 121, size=size)
    products = max(5, machines // 2)
    spread = np.concatenate(
        [rng.permutation(machines) for _ in range(products * 15 // machines + 1)]
    )[: products * 15].reshape(products, 15)
    machine = spread[rng.integers(0, products, size=orders)].reshape(-1)
    two_shifts = rng.random(machines) < 0.7
    share = np.where(two_shifts, 5 / 7 * 16 / 24, 5 / 7)
    used = np.bincount(machine, weights=minutes * 60.0, minlength=machines)
    span = int((used / share).mean() / load) + 7 * DAY
    due = (5 * DAY + rng.random(orders) * span).astype(np.int64)
    release = np.maximum(0, due - rng.integers(10, 25, size=orders) * DAY)
    days = max(120, (int(due.max()) * 2) // DAY + 90)

    builder = PlantBuilder(Site(queue_rule=rule, horizon=days * DAY))
    builder.add_calendar(id=1, intervals=working_weeks(days=days, opens=0, closes=DAY))
    builder.add_calendar(id=2, intervals=working_weeks(days=days, opens=6 * HOUR, closes=22 * HOUR))
    builder.add_units(id=np.arange(1, machines + 1), calendar=np.where(two_shifts, 2, 1))
    builder.add_item(id=1, kind=int(ItemKind.MAKE))
    order_id = np.arange(1, orders + 1)
    builder.add_orders(id=order_id, item=np.ones(orders, np.int64), need_by=due)
    order = np.repeat(order_id, 15)
    step = np.tile(np.arange(15), orders)
    op_id = np.arange(1, size + 1)
    not_before = np.full(size, 0)
    not_before[(step == 0) | (step == 2)] = np.repeat(release, 2)
    builder.add_operations(
        id=op_id,
        order=order,
        number=step * 10,
        unit=machine + 1,
        launch_qty=np.full(size, PIECE),
        run_us=minutes * 60_000_000,
        not_before=not_before,
    )
    before = np.array([p for each in STEPS_BEFORE for p in each])
    after = np.repeat(np.arange(15), [len(each) for each in STEPS_BEFORE])
    first = (order_id[:, None] - 1) * 15 + 1
    builder.add_arcs(pred=(first + before).reshape(-1), succ=(first + after).reshape(-1))
    builder.add_supplies(
        id=order_id,
        kind=np.full(orders, int(SupplyKind.OUTPUT)),
        item=np.ones(orders, np.int64),
        op=order_id * 15,
    )
    builder.add_lines(
        id=order_id,
        item=np.ones(orders, np.int64),
        qty=np.full(orders, PIECE),
        promised=due,
        value=np.full(orders, 1_000 * 10_000),
    )
    builder.add_pegs(
        supply_kind=np.full(orders, int(SupplyKind.OUTPUT)),
        supply=order_id,
        demand_kind=np.zeros(orders, np.int64),
        demand=order_id,
        qty=np.full(orders, PIECE),
    )
    # queue order: by due date less what is still to run behind the step
    behind = np.zeros((orders, 15))
    table = minutes.reshape(orders, 15)
    for late in range(14, -1, -1):
        for early in STEPS_BEFORE[late]:
            behind[:, early] = behind[:, late] + table[:, late] * 120.0
    by = np.lexsort((op_id, (np.repeat(due, 15) - behind.reshape(-1)), machine))
    cuts = np.searchsorted(machine[by], np.arange(machines + 1))
    for unit in range(machines):
        queue = op_id[by[cuts[unit] : cuts[unit + 1]]]
        builder.set_queue(unit=unit + 1, operations=queue.tolist())
    return builder.build()
