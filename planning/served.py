"""Which customer lines wait for a work order or a purchase, through whatever orders it feeds."""

from __future__ import annotations

from collections.abc import Iterable

from mes.models import Site
from planning.models import CommittedPeg
from workorders.models import JobMaterial, Reservation, WorkOrder

Edges = dict[int, set[int]]


def lines_of(site: Site, order_ids: Iterable[int]) -> dict[int, set[int]]:
    """The customer lines that wait for each work order, through the orders it feeds."""
    feeds, direct = _of_orders(site)
    return {order: _reached(order, feeds, direct) for order in order_ids}


def lines_of_purchases(site: Site, purchase_ids: Iterable[int]) -> dict[int, set[int]]:
    """The customer lines that wait for each purchase line, through the orders it feeds."""
    pegs = CommittedPeg.objects.filter(site=site, supply_kind="PURCHASE")
    found: Edges = {}
    _add(found, pegs.filter(demand_kind="LINE").values_list("supply_id", "demand_id"))
    parts = list(pegs.filter(demand_kind="COMPONENT").values_list("supply_id", "demand_id"))
    needs = _orders_of(demand for _purchase, demand in parts)
    feeds, direct = _of_orders(site)
    for purchase, demand in parts:
        if demand in needs:
            found.setdefault(purchase, set()).update(_reached(needs[demand], feeds, direct))
    return {purchase: found.get(purchase, set()) for purchase in purchase_ids}


def _of_orders(site: Site) -> tuple[Edges, Edges]:
    """Which work orders each feeds, and which customer lines it serves itself."""
    direct: Edges = {}
    feeds: Edges = {}
    pegs = CommittedPeg.objects.filter(site=site, supply_kind="WORK_ORDER")
    kept = Reservation.objects.filter(site=site, work_order__isnull=False)
    _add(direct, pegs.filter(demand_kind="LINE").values_list("supply_id", "demand_id"))
    _add(
        direct,
        kept.filter(customer_line__isnull=False).values_list("work_order_id", "customer_line_id"),
    )
    _add(
        direct,
        WorkOrder.objects.filter(
            site=site, customer_line__isnull=False, status__in=("WAITING", "RELEASED")
        ).values_list("pk", "customer_line_id"),
    )
    parts = list(pegs.filter(demand_kind="COMPONENT").values_list("supply_id", "demand_id"))
    needs = _orders_of(demand for _order, demand in parts)
    _add(feeds, ((order, needs[demand]) for order, demand in parts if demand in needs))
    _add(
        feeds,
        kept.filter(job_material__isnull=False).values_list(
            "work_order_id", "job_material__job_order__work_order_id"
        ),
    )
    return feeds, direct


def _add(to: Edges, pairs: Iterable[tuple[int, int]]) -> None:
    for one, other in pairs:
        to.setdefault(one, set()).add(other)


def _orders_of(materials: Iterable[int]) -> dict[int, int]:
    """The work order that each job material is for."""
    rows = JobMaterial.objects.filter(pk__in=set(materials))
    return dict(rows.values_list("pk", "job_order__work_order_id"))


def _reached(order: int, feeds: Edges, direct: Edges) -> set[int]:
    seen, edge = {order}, {order}
    while edge:
        edge = {after for each in edge for after in feeds.get(each, ())} - seen
        seen |= edge
    return {line for each in seen for line in direct.get(each, ())}
