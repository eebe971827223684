"""Units, calendars, reasons and rates to edit; states and stops to read."""

from __future__ import annotations

from django.contrib import admin

from equipment.actions import save_equipment, save_rate
from equipment.models import (
    CalendarException,
    CostRate,
    Downtime,
    Equipment,
    EquipmentState,
    Reason,
    ShiftPattern,
    Slowdown,
    Tool,
    ToolLoss,
    UnitStatus,
    WorkCalendar,
)
from mes.admin import JournalAdmin, MasterAdmin, PartInline
from mes.commands import Command


class ShiftInline(PartInline):
    model = ShiftPattern


@admin.register(WorkCalendar)
class WorkCalendarAdmin(MasterAdmin):
    list_display = ("code", "name", "site")
    inlines = (ShiftInline,)


@admin.register(Equipment)
class EquipmentAdmin(MasterAdmin):
    list_display = ("code", "name", "level", "kind", "places", "calendar", "site")
    list_filter = ("site", "level", "kind")
    search_fields = ("code", "name")

    def store(self, command: Command, row: Equipment) -> None:
        save_equipment(command, row)


@admin.register(Reason)
class ReasonAdmin(MasterAdmin):
    list_display = ("code", "name", "applies_to", "e10", "parent", "site")
    list_filter = ("site", "applies_to", "e10")


@admin.register(CostRate)
class CostRateAdmin(MasterAdmin):
    list_display = ("what", "unit", "amount", "source", "owner", "valid_from", "valid_to")
    list_filter = ("site", "what")

    def store(self, command: Command, row: CostRate) -> None:
        save_rate(command, row)


@admin.register(UnitStatus)
class UnitStatusAdmin(JournalAdmin):
    list_display = ("unit", "state", "since")
    list_filter = ("site", "state")


@admin.register(EquipmentState)
class EquipmentStateAdmin(JournalAdmin):
    list_display = ("unit", "state", "reason", "at", "event_seq")
    list_filter = ("site", "state")


@admin.register(Downtime)
class DowntimeAdmin(JournalAdmin):
    list_display = ("unit", "reason", "started_at", "ended_at", "back_at", "back_said_by")
    list_filter = ("site", "reason")


@admin.register(Slowdown)
class SlowdownAdmin(JournalAdmin):
    list_display = ("unit", "percent", "started_at", "ended_at", "back_at", "back_said_by")
    list_filter = ("site",)


@admin.register(Tool)
class ToolAdmin(MasterAdmin):
    list_display = ("code", "name", "kind", "pieces", "site")
    list_filter = ("site", "kind")
    search_fields = ("code", "name")


@admin.register(ToolLoss)
class ToolLossAdmin(JournalAdmin):
    list_display = ("tool", "started_at", "ended_at", "back_at", "back_said_by")
    list_filter = ("site",)


@admin.register(CalendarException)
class CalendarExceptionAdmin(JournalAdmin):
    list_display = ("unit", "calendar", "kind", "starts_at", "ends_at", "reason", "removed_seq")
    list_filter = ("site", "kind")
