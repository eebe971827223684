"""Tools, gauges and fixtures: a piece of one is lost, somebody says when it is back, it is."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from equipment.actions.estimates import check_back_at, said
from equipment.models import Tool, ToolLoss
from mes.commands import Command
from mes.dates import happened
from mes.errors import Refused
from mes.masters import save_master
from mes.rows import find


def add_tool(
    command: Command, *, code: str, name: str, kind: str = Tool.Kind.TOOL, pieces: int = 1
) -> dict[str, Any]:
    """Add a tool, gauge or fixture of which there are so many pieces."""
    tool = Tool(site=command.site, code=code, name=name, kind=kind, pieces=pieces)
    save_master(command, tool)
    return {"tool_id": tool.pk}


def report_tool_lost(
    command: Command,
    *,
    tool_id: int,
    note: str = "",
    occurred_at: datetime | None = None,
    back_at: datetime | None = None,
    said_by: str = "",
) -> dict[str, Any]:
    """Record that a piece of a tool is lost, broken or away.

    back_at  when it is there again; None: nobody knows.

    What needs it waits only once no piece is left. Where none was left already, everybody means
    the same one: another time changes the estimate of what was lost last.

    :raises Refused: if the time is past.
    """
    tool = find(command, Tool, tool_id, lock=True)
    lost = _lost(command, tool)
    if len(lost) >= tool.pieces:
        back_at, note = back_at or lost[-1].back_at, note or lost[-1].note
        changed = _change(command, lost[-1], back_at=back_at, note=note, said_by=said_by)
        return {**changed, "known": True}
    when = happened(occurred_at, now=command.now)
    check_back_at(back_at, command.now)
    left = tool.pieces - len(lost) - 1
    row = ToolLoss(
        site=command.site,
        tool=tool,
        note=note,
        started_at=when.at,
        opened_seq=0,
        **said(command, back_at, said_by),
    )
    row.save()

    def number(seq: int) -> None:
        ToolLoss.objects.filter(pk=row.pk).update(opened_seq=seq)

    command.record(
        "equipment.tool.lost",
        subject=("tool", tool.pk),
        body={
            "loss_id": row.pk,
            "code": tool.code,
            "note": note,
            "left": left,
            "started_at": when.at,
            "back_at": back_at,
            "said_by": row.back_said_by,
            "clamped": when.clamped,
        },
        occurred_at=when.at,
        late=when.late,
        then=number,
    )
    message = _("%(tool)s is lost; what needs it waits.") % {"tool": tool.code}
    if left:
        message = ngettext(
            "A piece of %(tool)s is lost; %(left)d is left, so nothing waits.",
            "A piece of %(tool)s is lost; %(left)d are left, so nothing waits.",
            left,
        ) % {"tool": tool.code, "left": left}
    return {"tool_id": tool.pk, "loss_id": row.pk, "message": message}


def change_tool_back(
    command: Command, *, tool_id: int, back_at: datetime | None, said_by: str = ""
) -> dict[str, Any]:
    """Say anew when the piece that was lost last is back; None: nobody knows.

    :raises Refused: if none is lost, or the time is past.
    """
    tool = find(command, Tool, tool_id, lock=True)
    lost = _lost(command, tool)
    if not lost:
        raise Refused(
            _("No piece of %(tool)s is lost, so there is no return time to change.")
            % {"tool": tool.code}
        )
    return _change(command, lost[-1], back_at=back_at, note=lost[-1].note, said_by=said_by)


def report_tool_found(
    command: Command, *, tool_id: int, occurred_at: datetime | None = None
) -> dict[str, Any]:
    """Record that a piece of a tool is there again: of those that are lost, the last.

    A tool of which none is lost is answered in words; nothing is recorded.
    """
    tool = find(command, Tool, tool_id, lock=True)
    lost = _lost(command, tool)
    if not lost:
        return {
            "tool_id": tool.pk,
            "message": _("No piece of %(tool)s is reported lost. Nothing to change.")
            % {"tool": tool.code},
        }
    row = lost[-1]
    when = happened(occurred_at, now=command.now, not_before=row.started_at)
    ToolLoss.objects.filter(pk=row.pk).update(ended_at=when.at)

    def number(seq: int) -> None:
        ToolLoss.objects.filter(pk=row.pk).update(closed_seq=seq)

    command.record(
        "equipment.tool.found",
        subject=("tool", tool.pk),
        body={
            "loss_id": row.pk,
            "code": tool.code,
            "left": tool.pieces - len(lost) + 1,
            "started_at": row.started_at,
            "ended_at": when.at,
            "clamped": when.clamped,
        },
        occurred_at=when.at,
        late=when.late,
        then=number,
    )
    return {
        "tool_id": tool.pk,
        "loss_id": row.pk,
        "message": _("%(tool)s is there again.") % {"tool": tool.code},
    }


def _change(
    command: Command, row: ToolLoss, *, back_at: datetime | None, note: str, said_by: str
) -> dict[str, Any]:
    answer = {"tool_id": row.tool_id, "loss_id": row.pk}
    if (back_at, note) == (row.back_at, row.note):
        return answer
    if back_at != row.back_at:
        check_back_at(back_at, command.now)
    estimate = said(command, back_at, said_by)
    ToolLoss.objects.filter(pk=row.pk).update(note=note, **estimate)
    command.record(
        "equipment.loss.changed",
        subject=("tool", row.tool_id),
        body={
            "loss_id": row.pk,
            "note": note,
            "back_at": back_at,
            "was": row.back_at,
            "said_by": estimate["back_said_by"],
        },
    )
    return answer


def _lost(command: Command, tool: Tool) -> list[ToolLoss]:
    """The pieces that are lost, the last one last; the caller holds the tool's lock."""
    return list(ToolLoss.objects.filter(site=command.site, tool=tool, ended_at=None).order_by("pk"))
