"""What is marked because a decision still waits for a yes: jobs, stations, orders, lines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

from mes.clock import plant_now
from mes.models import Site
from planning import words
from planning.models import Consent
from workorders.models import JobMaterial, JobOrder


@dataclass(slots=True)
class Marks:
    """What a tentative decision changes, by the number of the row, with the words of the mark."""

    decisions: dict[int, str] = field(default_factory=dict)
    disruptions: dict[int, str] = field(default_factory=dict)
    jobs: dict[int, str] = field(default_factory=dict)
    orders: dict[int, str] = field(default_factory=dict)
    units: dict[int, str] = field(default_factory=dict)
    lines: dict[int, str] = field(default_factory=dict)


def marks(site: Site) -> Marks:
    """Everything on a site that is marked as tentative now."""
    found = Marks()
    waiting: dict[int, list[Consent]] = {}
    for consent in Consent.objects.asked(site.pk).select_related("decision"):
        waiting.setdefault(consent.decision_id, []).append(consent)
    if not waiting:
        return found
    now, zone = plant_now(site), ZoneInfo(site.time_zone)
    materials: dict[int, str] = {}
    for decision_id, consents in waiting.items():
        said = words.tentative(consents, now, zone)
        decision = consents[0].decision
        found.decisions[decision_id] = said
        if decision.disruption_id is not None:
            found.disruptions[decision.disruption_id] = said
        for change in decision.changes:
            _mark(found, materials, change, said)
    needs = JobMaterial.objects.filter(pk__in=materials).values_list("pk", "job_order_id")
    found.jobs |= {job: materials[material] for material, job in needs}
    orders = JobOrder.objects.filter(pk__in=found.jobs).values_list("pk", "work_order_id")
    found.orders |= {order: found.jobs[job] for job, order in orders}
    return found


def _mark(found: Marks, materials: dict[int, str], change: Mapping[str, Any], said: str) -> None:
    """Mark every row that one typed change names."""
    for name, where in (
        ("op_id", found.jobs),
        ("succ_id", found.jobs),
        ("to_unit_id", found.units),
        ("unit_id", found.units),
        ("line_id", found.lines),
        ("order_id", found.orders),
        ("material_id", materials),
    ):
        if change.get(name):
            where[int(change[name])] = said
