"""Routings to edit; orders, queues and what was reported to read."""

from __future__ import annotations

from django.contrib import admin

from mes.admin import JournalAdmin, MasterAdmin, PartInline
from mes.commands import Command
from workorders.actions import save_routing_operation
from workorders.models import (
    Absence,
    AndonCall,
    CallRoute,
    GenealogyEdge,
    JobMaterial,
    JobOrder,
    JobResponse,
    OperationAlternate,
    OperationTool,
    PersonSkill,
    Routing,
    RoutingOperation,
    Skill,
    UnitQueue,
    UnitSkill,
    Unsettled,
    WorkOrder,
)


class OperationInline(PartInline):
    model = RoutingOperation
    show_change_link = True


class OperationToolInline(PartInline):
    model = OperationTool


class AlternateInline(PartInline):
    model = OperationAlternate


@admin.register(Routing)
class RoutingAdmin(MasterAdmin):
    list_display = ("item", "revision", "valid_from", "valid_to", "site")
    list_filter = ("site",)
    search_fields = ("item__code",)
    list_select_related = ("item", "site")
    inlines = (OperationInline,)

    def store_inline(self, command: Command, row: RoutingOperation) -> None:
        save_routing_operation(command, row)


@admin.register(RoutingOperation)
class RoutingOperationAdmin(MasterAdmin):
    list_display = ("routing", "number", "name", "unit", "setup_s", "run_s")
    list_filter = ("site", "unit")
    list_select_related = ("routing", "unit")
    inlines = (AlternateInline, OperationToolInline)

    def store(self, command: Command, row: RoutingOperation) -> None:
        save_routing_operation(command, row)


@admin.register(WorkOrder)
class WorkOrderAdmin(JournalAdmin):
    list_display = ("code", "item", "quantity", "put_away_quantity", "due_at", "status")
    list_filter = ("site", "status")
    search_fields = ("code",)
    list_select_related = ("item",)


@admin.register(JobOrder)
class JobOrderAdmin(JournalAdmin):
    list_display = ("work_order", "number", "unit", "status", "quantity", "good", "scrap")
    list_filter = ("site", "status", "unit")
    search_fields = ("work_order__code",)
    list_select_related = ("work_order", "unit")


@admin.register(JobMaterial)
class JobMaterialAdmin(JournalAdmin):
    list_display = ("job_order", "item", "quantity_per", "required", "issued")
    list_filter = ("site",)
    list_select_related = ("job_order", "item")


@admin.register(JobResponse)
class JobResponseAdmin(JournalAdmin):
    list_display = ("event_seq", "job_order", "unit", "person", "good", "scrap", "rework", "at")
    list_filter = ("site", "unit")
    list_select_related = ("job_order", "unit", "person")


@admin.register(UnitQueue)
class UnitQueueAdmin(JournalAdmin):
    list_display = ("unit", "version", "job_order_ids")
    list_filter = ("site",)
    list_select_related = ("unit",)


@admin.register(Unsettled)
class UnsettledAdmin(JournalAdmin):
    list_display = ("sentence", "what", "may_settle", "settled_at", "settlement")
    list_filter = ("site", "what")


@admin.register(GenealogyEdge)
class GenealogyEdgeAdmin(JournalAdmin):
    list_display = ("event_seq", "consumed", "produced", "quantity")
    list_filter = ("site",)
    list_select_related = ("consumed", "produced")


@admin.register(Skill)
class SkillAdmin(MasterAdmin):
    list_display = ("code", "name", "site")
    list_filter = ("site",)


@admin.register(UnitSkill)
class UnitSkillAdmin(MasterAdmin):
    list_display = ("unit", "skill", "site")
    list_filter = ("site", "skill")
    list_select_related = ("unit", "skill")


@admin.register(PersonSkill)
class PersonSkillAdmin(MasterAdmin):
    list_display = ("person", "skill", "units", "shifts", "site")
    list_filter = ("site", "skill")
    list_select_related = ("person", "skill")


@admin.register(Absence)
class AbsenceAdmin(JournalAdmin):
    list_display = ("person", "starts_at", "ends_at", "ended_at")
    list_filter = ("site",)
    list_select_related = ("person",)


@admin.register(CallRoute)
class CallRouteAdmin(MasterAdmin):
    list_display = ("kind", "role", "minutes", "site")
    list_filter = ("site",)


@admin.register(AndonCall)
class AndonCallAdmin(JournalAdmin):
    list_display = ("unit", "kind", "state", "called_at", "taken_by", "arrived_at", "ended_at")
    list_filter = ("site", "kind", "state")
    list_select_related = ("unit", "taken_by")
