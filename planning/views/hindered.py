"""What hinders a station though it is up: it runs slow, or a tool that its jobs need is lost."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from equipment.models import Equipment, Slowdown, ToolLoss
from mes.models import Site
from workorders.models import JobTool


class Slow(NamedTuple):
    """At how many percent a unit runs, why, and until when somebody says."""

    percent: int
    note: str
    back: datetime | None


class LostTool(NamedTuple):
    """A tool of which no piece is there, and when somebody says that it is back."""

    code: str
    name: str
    back: datetime | None


def slow(unit: Equipment) -> Slow | None:
    """How slow a unit runs now; None where it runs as usual."""
    row = Slowdown.objects.filter(unit=unit, ended_at=None).first()
    return Slow(row.percent, row.note, row.back_at) if row else None


def tools_of(site: Site, job_ids: Iterable[int]) -> dict[int, list[LostTool | None]]:
    """The tools that jobs need, by job: None for each that is there."""
    needs = JobTool.objects.filter(job_order__in=list(job_ids)).select_related("tool")
    lost = _lost(site)
    found: dict[int, list[LostTool | None]] = {}
    for need in needs.order_by("tool__code"):
        found.setdefault(need.job_order_id, []).append(lost.get(need.tool_id))
    return found


def _lost(site: Site) -> dict[int, LostTool]:
    """What is lost altogether; the first of its pieces that comes back counts."""
    losses: dict[int, list[ToolLoss]] = {}
    gone = ToolLoss.objects.filter(site=site, ended_at=None).select_related("tool")
    for loss in gone.order_by("pk"):
        losses.setdefault(loss.tool_id, []).append(loss)
    found = {}
    for tool_id, rows in losses.items():
        tool = rows[0].tool
        if len(rows) >= tool.pieces:
            backs = [row.back_at for row in rows if row.back_at is not None]
            found[tool_id] = LostTool(tool.code, tool.name, min(backs, default=None))
    return found
