"""Committing a plan: its times become the baseline, its pegs are kept, its backlog is known."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np
from django.db import connection
from django.db.models import Max

from mes import clock
from mes.commands import Command
from mes.models import SitePlan
from planning import rules, snapshot
from planning.actions.lock import hold_lock
from planning.actions.recompute import store_version
from planning.actions.study import Late, Study, money
from planning.engine.plant import DemandKind, PegKind, Plant, Projection, SupplyKind
from planning.models import CommittedPeg, Disruption
from planning.snapshot import DEMAND_NAMES, SUPPLY_NAMES, Snapshot
from workorders.actions import set_queue
from workorders.models import JobOrder, UnitQueue

Peg = list[Any]  # supply kind, supply id, demand kind, demand id, millionths


def commit_plan(command: Command) -> dict[str, Any]:
    """Make the plan as it is projected now the committed one.

    What is late, short or below safety in the first one is the known backlog: one row with a
    count. From then on only what gets worse is a disruption.
    """
    hold_lock(command.site.pk)
    snap = snapshot.take(command.site.pk, wall_now=clock.wall_now())
    study = Study(snap)
    put_pegs(command.site.pk, peg_changes(snap, snap.plant, study.projection))
    answer: dict[str, Any] = {}
    late = study.late(study.projection)

    def store(seq: int) -> None:
        answer["version"] = commit_projection(study, seq=seq)
        _open_backlog(command, study, late, seq)

    command.record(
        "planning.plan.committed",
        subject=("site", command.site.pk),
        body={"lines": len(snap.lines), "late_lines": len(late), "operations": len(snap.jobs)},
        then=store,
    )
    return answer


def commit_projection(study: Study, *, seq: int) -> int:
    """Store a projection as the committed version, under the next number; returns that number.

    The caller holds the site's lock. What was booked so far stays what bookings count from; the
    next recompute books the difference.
    """
    snap = study.snap
    version = snap.plan_version + 1
    figures = study.plan_figures(study.plant, 0)
    before = snap.previous.figures if snap.previous else {}
    figures |= {
        "standing": before.get("standing", {}),
        "opened": before.get("opened", False),
        "at_stake": before.get("at_stake", "0"),
        "together": before.get("together", "0"),
        "baseline": {str(line): list(each) for line, each in study.late(study.projection).items()},
        "latency_ms": None,
    }
    SitePlan.objects.filter(site_id=snap.site_id).update(
        plan_version=version, committed_version=version, as_of=snap.now_at
    )
    store_version(study, version, "ENGINE", 0.0, figures, upto_seq=seq, committed=True)
    return version


def _open_backlog(command: Command, study: Study, late: Late, seq: int) -> None:
    row = Disruption.objects.filter(
        site=command.site, kind=Disruption.Kind.BACKLOG, subject_id=command.site.pk
    ).exclude(state=Disruption.State.CLOSED)
    short = study.short_items()
    cause = {
        "count": len(late),
        "late": {str(line_id): list(each) for line_id, each in late.items()},
        "short_items": short,
    }
    costs = sum(cash + estimate for _, cash, estimate in late.values())
    summary = {
        "late_lines": len(late),
        "items": len(short),
        "lines": len(late),
        "customers": len({study.snap.lines[line_id].customer_id for line_id in late}),
        "total": money(costs),
    }
    if row.update(cause=cause, summary=summary, last_seq=seq):
        return
    if not late and not short:
        return
    last = Disruption.objects.filter(site=command.site).aggregate(n=Max("number"))["n"] or 0
    Disruption.objects.create(
        site=command.site,
        number=last + 1,
        kind=Disruption.Kind.BACKLOG,
        subject_type="site",
        subject_id=command.site.pk,
        subject_code=command.site.code,
        cause=cause,
        summary=summary,
        state=Disruption.State.OPEN,
        priority=4,
        opened_seq=seq,
        last_seq=seq,
        opened_at=command.now,
    )


# -- pegs ----------------------------------------------------------------------------------------


def peg_changes(snap: Snapshot, plant: Plant, projection: Projection) -> dict[str, list[Peg]]:
    """What to add to and remove from the committed pegs, so that they are this projection's."""
    keeps = (projection.peg_supply >= 0) & np.isin(
        projection.peg_kind, [int(PegKind.COMMITTED), int(PegKind.FREE)]
    )
    sums: dict[tuple[str, int, str, int], int] = defaultdict(int)
    for row in np.flatnonzero(keeps).tolist():
        supply, demand = int(projection.peg_supply[row]), int(projection.peg_demand[row])
        supply_kind = SUPPLY_NAMES.get(SupplyKind(int(plant.supply_kind[supply])))
        demand_kind = DEMAND_NAMES.get(DemandKind(int(plant.demand_kind[demand])))
        if supply_kind is None or demand_kind is None:
            continue
        key = (
            supply_kind,
            int(plant.supply_id[supply]),
            demand_kind,
            int(plant.demand_id[demand]),
        )
        sums[key] += int(projection.peg_qty[row])
    wanted = {(*key, quantity) for key, quantity in sums.items()}
    stored = {tuple(peg) for peg in snap.decided["pegs"]}
    return {
        "add": [list(peg) for peg in sorted(wanted - stored)],
        "remove": [list(peg) for peg in sorted(stored - wanted)],
    }


def put_pegs(site_id: int, changes: dict[str, list[Peg]]) -> None:
    """Write changed committed pegs; those that are no longer as they were are left alone."""
    remove, add = changes.get("remove", []), changes.get("add", [])
    with connection.cursor() as cursor:
        if remove:
            cursor.execute(
                """
                delete from planning_committedpeg p
                 using unnest(%s::text[], %s::bigint[], %s::text[], %s::bigint[], %s::bigint[])
                       as g(supply_kind, supply_id, demand_kind, demand_id, millionths)
                 where p.site_id = %s and p.supply_kind = g.supply_kind
                   and p.supply_id = g.supply_id and p.demand_kind = g.demand_kind
                   and p.demand_id = g.demand_id and p.quantity * 1000000 = g.millionths
                """,
                [*map(list, zip(*remove, strict=True)), site_id],
            )
    CommittedPeg.objects.bulk_create(
        [
            CommittedPeg(
                site_id=site_id,
                supply_kind=supply_kind,
                supply_id=supply_id,
                demand_kind=demand_kind,
                demand_id=demand_id,
                quantity=rules.pieces(millionths),
            )
            for supply_kind, supply_id, demand_kind, demand_id, millionths in add
        ],
        ignore_conflicts=True,
        batch_size=2000,
    )


# -- a first order --------------------------------------------------------------------------------


def arrange(command: Command) -> dict[str, Any]:
    """Give every open job order a place in its unit's queue, earliest need first.

    For a backlog that came without a sequence. What runs stays at the head; jobs of one order
    stay in the order of their operations.
    """
    jobs = list(
        JobOrder.objects.filter(site=command.site)
        .exclude(status__in=["COMPLETED", "ABORTED", "CLOSED"])
        .order_by("work_order__due_at", "work_order__priority", "work_order_id", "number", "pk")
        .values_list("pk", "unit_id", "status")
    )
    wanted: dict[int, list[int]] = defaultdict(list)
    for first in (True, False):
        for job_id, unit_id, status in jobs:
            if (status == JobOrder.Status.RUNNING) is first:
                wanted[unit_id].append(job_id)
    queues = dict(
        UnitQueue.objects.filter(site=command.site).values_list("unit_id", "job_order_ids")
    )
    queued = 0
    for unit_id in sorted(wanted):
        if queues.get(unit_id) != wanted[unit_id]:
            set_queue(command, unit_id=unit_id, job_order_ids=wanted[unit_id])
            queued += len(wanted[unit_id])
    return {"queued": queued}
