"""The units on which jobs run."""

from __future__ import annotations

from django.utils.translation import gettext as _

from equipment.models import Equipment
from mes.commands import Command
from mes.errors import Refused
from mes.rows import find


def work_unit(command: Command, unit_id: int) -> Equipment:
    """Return a unit on which jobs run.

    :raises Refused: if it is a place that only holds units.
    """
    unit = find(command, Equipment, unit_id)
    if unit.level != Equipment.Level.WORK_UNIT:
        raise Refused(
            _("%(unit)s is not a machine or work place. Choose one inside it.")
            % {"unit": unit.code}
        )
    return unit
