"""Which customer lines wait for a work order, through whatever orders it feeds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mes.models import Site
from planning.models import CommittedPeg
from workorders.models import JobMaterial, Reservation, WorkOrder


def lines_of(site: Site, order_ids: Iterable[int]) -> dict[int, set[int]]:
    """The customer lines that wait for each work order, through the orders it feeds."""
    direct: dict[int, set[int]] = {}
    feeds: dict[int, set[int]] = {}

    def add(to: dict[int, set[int]], pairs: Iterable[tuple[int, int]]) -> None:
        for order, other in pairs:
            to.setdefault(order, set()).add(other)

    pegs = CommittedPeg.objects.filter(site=site, supply_kind="WORK_ORDER")
    kept = Reservation.objects.filter(site=site, work_order__isnull=False)
    add(direct, pegs.filter(demand_kind="LINE").values_list("supply_id", "demand_id"))
    add(
        direct,
        kept.filter(customer_line__isnull=False).values_list("work_order_id", "customer_line_id"),
    )
    add(
        direct,
        WorkOrder.objects.filter(
            site=site, customer_line__isnull=False, status__in=("WAITING", "RELEASED")
        ).values_list("pk", "customer_line_id"),
    )
    parts = list(pegs.filter(demand_kind="COMPONENT").values_list("supply_id", "demand_id"))
    needs = dict(
        JobMaterial.objects.filter(pk__in={demand for _order, demand in parts}).values_list(
            "pk", "job_order__work_order_id"
        )
    )
    add(feeds, ((order, needs[demand]) for order, demand in parts if demand in needs))
    add(
        feeds,
        kept.filter(job_material__isnull=False).values_list(
            "work_order_id", "job_material__job_order__work_order_id"
        ),
    )
    return {order: _reached(order, feeds, direct) for order in order_ids}


def _reached(order: int, feeds: Mapping[int, set[int]], direct: Mapping[int, set[int]]) -> set[int]:
    seen, edge = {order}, {order}
    while edge:
        edge = {after for each in edge for after in feeds.get(each, ())} - seen
        seen |= edge
    return {line for each in seen for line in direct.get(each, ())}
