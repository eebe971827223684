"""What hangs on a call for help: the deliveries that wait for its unit, by the stored plan.

A call is an act of the floor; how long it may wait for an answer is a matter of the plan.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection
from datetime import datetime
from typing import Any

from materials.models import CustomerLine
from mes.actor import SYSTEM
from mes.clock import plant_now
from mes.commands import Command, run
from mes.models import Site
from planning import words
from planning.models import PlanVersion
from planning.served import lines_of
from workorders import actions as workorders
from workorders.actions import Stake
from workorders.models import AndonCall, JobOrder, UnitQueue


def call(command: Command, *, unit_id: int, **values: Any) -> dict[str, Any]:
    """Raise a call that waits as long as the plan allows; values as `workorders.raise_call`."""
    stake = stakes(command.site, [unit_id])[unit_id]
    return workorders.raise_call(command, unit_id=unit_id, stake=stake, **values)


def stakes(site: Site, unit_ids: Collection[int]) -> dict[int, Stake]:
    """The least slack of the open deliveries that wait for the queue of each unit.

    A delivery waits for a unit if an open job in its queue belongs to an order that is made for
    it, or for a part of what is made for it, by the committed plan's pegs and by reservations.
    """
    version = PlanVersion.objects.current(site)
    if version is None:
        return dict.fromkeys(unit_ids, Stake())
    orders_of = _orders_of(site, unit_ids)
    served = lines_of(site, {order for orders in orders_of.values() for order in orders})
    slacks = _slacks(site, version, {line for lines in served.values() for line in lines})
    found = {}
    for unit_id in unit_ids:
        lines = {line for order in orders_of[unit_id] for line in served[order]}
        slack = min((slacks[line] for line in lines if line in slacks), default=None)
        found[unit_id] = Stake(slack, version.version)
    return found


def watch_calls(site_id: int, *, wall_now: datetime) -> list[int]:
    """Reckon waiting calls anew where the plan has moved, and pass on those that are due.

    wall_now  the wall clock, by which a REAL site lives; a SIMULATED one has its own.

    Returns the calls that were passed on. Safe to run in several processes at once.
    """
    site = Site.objects.get(pk=site_id)
    waiting = list(
        AndonCall.objects.filter(site=site, state__in=("OPEN", "TAKEN"), due_at__isnull=False)
        .select_related("unit")
        .order_by("called_at", "pk")
    )
    at_stake = stakes(site, {each.unit_id for each in waiting}) if waiting else {}
    now = plant_now(site) if site.clock == Site.Clock.SIMULATED else wall_now
    passed = []
    for each in waiting:
        stake = at_stake[each.unit_id]
        if each.plan_version != stake.version:
            workorders.reckon_again(each, stake)
        if each.due_at is not None and each.due_at <= now and _pass_on(site, each, stake):
            passed.append(each.pk)
    return passed


def _pass_on(site: Site, each: AndonCall, stake: Stake) -> bool:
    def act(command: Command) -> dict[str, Any]:
        return workorders.escalate_call(command, call_id=each.pk, level=each.level, stake=stake)

    # The level that was seen is the guard, not the key: a call may be due twice at one level,
    # if somebody took it and didn't come.
    body = {"call_id": each.pk, "level": each.level}
    key = uuid.uuid4()
    return run(site=site, key=key, actor=SYSTEM, name="call.escalate", body=body, act=act).ok


def _orders_of(site: Site, unit_ids: Collection[int]) -> dict[int, set[int]]:
    """The work orders with an open job in the queue of each unit."""
    queues = {
        queue.unit_id: queue.job_order_ids
        for queue in UnitQueue.objects.filter(site=site, unit__in=unit_ids)
    }
    jobs = {job for ids in queues.values() for job in ids}
    order_of = dict(
        JobOrder.objects.filter(site=site, pk__in=jobs).values_list("pk", "work_order_id")
    )
    return {
        unit_id: {order_of[job] for job in queues.get(unit_id, ()) if job in order_of}
        for unit_id in unit_ids
    }


def _slacks(site: Site, version: PlanVersion, line_ids: Collection[int]) -> dict[int, int]:
    """Seconds between the projected and the promised instant of each open line of the plan.

    A line that has no date any more has no slack either.
    """
    times = version.line_times_by_id()
    found = {}
    lines = CustomerLine.objects.filter(
        site=site, pk__in=line_ids, shipped_at=None, cancelled_at=None
    ).select_related("order__customer")
    for line in lines:
        if line.pk not in times:
            continue
        projected = words.delivery(line, times[line.pk])
        promised = line.promised_at or line.requested_at
        found[line.pk] = int((promised - projected).total_seconds()) if projected else 0
    return found
