"""What can happen to what we make with. The only writer of this app's tables."""

from equipment.actions.makeshift import drop_makeshift, plan_makeshift
from equipment.actions.masters import (
    add_calendar,
    add_equipment,
    add_rate,
    add_reason,
    save_equipment,
    save_rate,
)
from equipment.actions.slow import change_slow, end_slow, report_slow
from equipment.actions.tools import add_tool, change_tool_back, report_tool_found, report_tool_lost
from equipment.actions.units import (
    change_estimate,
    report_breakdown,
    report_repair,
    set_unit_state,
    unit_went_down,
    working_seconds,
    working_spans,
)
from equipment.actions.windows import (
    add_window,
    close_place,
    end_opening,
    open_place,
    remove_window,
    reopen_place,
)

__all__ = [
    "add_calendar",
    "add_equipment",
    "add_rate",
    "add_reason",
    "add_tool",
    "add_window",
    "change_estimate",
    "change_slow",
    "change_tool_back",
    "close_place",
    "drop_makeshift",
    "end_opening",
    "end_slow",
    "open_place",
    "plan_makeshift",
    "remove_window",
    "reopen_place",
    "report_breakdown",
    "report_repair",
    "report_slow",
    "report_tool_found",
    "report_tool_lost",
    "save_equipment",
    "save_rate",
    "set_unit_state",
    "unit_went_down",
    "working_seconds",
    "working_spans",
]
