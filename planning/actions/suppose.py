"""Until when somebody believes that something lasts: said anew, or only tried.

Trying it does what saying it would do and takes it back before anybody sees it, so that the
figures of what was tried are those of what is then saved.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from equipment.actions import change_estimate, change_slow, change_tool_back
from materials.actions import expect_purchase
from materials.models import Lot
from mes.commands import Command
from mes.errors import Refused
from mes.models import Site
from planning.models import Disruption
from quality.actions import expect_check, expect_decision
from quality.models import Hold

Say = Callable[[Command, int, datetime], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Belief:
    """One kind of thing that is believed to happen at an instant.

    name   of the command that says it anew.
    needs  the act of the access table.
    say    records it, of the row with that number.
    """

    name: str
    needs: str
    say: Say


def _unit_back(command: Command, unit_id: int, at: datetime) -> dict[str, Any]:
    return change_estimate(command, unit_id=unit_id, back_at=at, said_by=command.actor.name)


def _unit_full(command: Command, unit_id: int, at: datetime) -> dict[str, Any]:
    return change_slow(command, unit_id=unit_id, back_at=at, said_by=command.actor.name)


def _tool_back(command: Command, tool_id: int, at: datetime) -> dict[str, Any]:
    return change_tool_back(command, tool_id=tool_id, back_at=at, said_by=command.actor.name)


def _lot_free(command: Command, lot_id: int, at: datetime) -> dict[str, Any]:
    hold = Hold.objects.filter(site=command.site, lot=lot_id, released_at=None).first()
    if hold is None:
        return expect_check(command, lot_id=lot_id, expected_at=at)
    return expect_decision(command, hold_id=hold.pk, expected_at=at)


def _job_free(command: Command, job_id: int, at: datetime) -> dict[str, Any]:
    hold = Hold.objects.get(site=command.site, job_order=job_id, released_at=None)
    return expect_decision(command, hold_id=hold.pk, expected_at=at)


def _supply_comes(command: Command, line_id: int, at: datetime) -> dict[str, Any]:
    source = command.actor.name
    return expect_purchase(command, purchase_line_id=line_id, expected_at=at, source=source)


# By the kind of the assumption that the figures name.
BELIEFS = {
    "UNIT_BACK": Belief("equipment.estimate", "equipment.estimate", _unit_back),
    "UNIT_FULL": Belief("equipment.estimate", "equipment.estimate", _unit_full),
    "TOOL_BACK": Belief("equipment.estimate", "equipment.estimate", _tool_back),
    "LOT_FREE": Belief("quality.hold.expect", "hold.place", _lot_free),
    "JOB_FREE": Belief("quality.hold.expect", "hold.place", _job_free),
    "SUPPLY_COMES": Belief("materials.purchase.expect", "purchase.expect", _supply_comes),
}
# What a disruption itself is believed to last, by its kind and the type of its subject.
_OWN = {
    ("BREAKDOWN", "unit"): "UNIT_BACK",
    ("SLOW", "unit"): "UNIT_FULL",
    ("TOOL", "tool"): "TOOL_BACK",
    ("HOLD", "lot"): "LOT_FREE",
    ("CHECK", "lot"): "LOT_FREE",
    ("HOLD", "job_order"): "JOB_FREE",
    ("SUPPLY", "purchase_line"): "SUPPLY_COMES",
}


def belief(site: Site, name: str) -> tuple[Belief, int] | None:
    """The belief of an assumption's name ("LOT_FREE:7") and its row; None: nobody can say it."""
    kind, _colon, number = name.partition(":")
    found = BELIEFS.get(kind)
    if found is None or not number.isdecimal() or len(number) > 18:
        return None
    held = Hold.objects.filter(site=site, released_at=None)
    checked = Lot.objects.filter(site=site, status=Lot.Status.QUARANTINE)
    if kind == "LOT_FREE" and not (
        held.filter(lot=int(number)).exists() or checked.filter(pk=int(number)).exists()
    ):
        return None
    if kind == "JOB_FREE" and not held.filter(job_order=int(number)).exists():
        return None
    return found, int(number)


def own_belief(disruption: Disruption) -> str:
    """The name of what a disruption itself is believed to last; empty where nobody says that."""
    kind = _OWN.get((disruption.kind, disruption.subject_type), "")
    return f"{kind}:{disruption.subject_id}" if kind else ""


def believe(command: Command, *, what: str, at: datetime) -> dict[str, Any]:
    """Say anew when something ends or comes, by the name of the assumption.

    :raises Refused: where nobody can say it, or as its own act refuses.
    """
    found = belief(command.site, what)
    if found is None:
        raise Refused(_("Of this nobody says when it is."))
    said, number = found
    return said.say(command, number, at)
