"""What can happen to what we make with. The only writer of this app's tables."""

from equipment.actions.masters import (
    add_calendar,
    add_equipment,
    add_rate,
    add_reason,
    save_equipment,
)
from equipment.actions.units import (
    change_estimate,
    report_breakdown,
    report_repair,
    set_unit_state,
    unit_went_down,
    working_seconds,
    working_spans,
)
from equipment.actions.windows import add_window, close_place, remove_window, reopen_place

__all__ = [
    "add_calendar",
    "add_equipment",
    "add_rate",
    "add_reason",
    "add_window",
    "change_estimate",
    "close_place",
    "remove_window",
    "reopen_place",
    "report_breakdown",
    "report_repair",
    "save_equipment",
    "set_unit_state",
    "unit_went_down",
    "working_seconds",
    "working_spans",
]
