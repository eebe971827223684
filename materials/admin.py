"""Items, bills, places and partners to edit; lots, stock and orders to read."""

from __future__ import annotations

from django.contrib import admin

from materials.actions import save_bill_line
from materials.models import (
    BillAlternate,
    BillLine,
    Customer,
    CustomerLine,
    CustomerOrder,
    FreightMode,
    Item,
    Location,
    Lot,
    PromiseChange,
    PurchaseLine,
    StockBalance,
    StockMove,
    Supplier,
    SupplierItem,
)
from mes.admin import JournalAdmin, MasterAdmin
from mes.commands import Command


@admin.register(Item)
class ItemAdmin(MasterAdmin):
    list_display = ("code", "name", "source", "unit", "family", "safety_stock", "site")
    list_filter = ("site", "source", "family")
    search_fields = ("code", "name")


@admin.register(BillLine)
class BillLineAdmin(MasterAdmin):
    list_display = ("item", "component", "quantity_per", "operation_number", "valid_from")
    list_filter = ("site",)
    search_fields = ("item__code", "component__code")
    list_select_related = ("item", "component")

    def store(self, command: Command, row: BillLine) -> None:
        save_bill_line(command, row)


@admin.register(Location)
class LocationAdmin(MasterAdmin):
    list_display = ("code", "name", "kind", "site")
    list_filter = ("site", "kind")


@admin.register(Customer)
class CustomerAdmin(MasterAdmin):
    list_display = ("code", "name", "basis", "priority_class", "ship_complete", "site")
    list_filter = ("site", "priority_class")
    search_fields = ("code", "name")


@admin.register(Supplier)
class SupplierAdmin(MasterAdmin):
    list_display = ("code", "name", "lateness_s", "site")
    list_filter = ("site",)
    search_fields = ("code", "name")


@admin.register(BillAlternate)
class BillAlternateAdmin(MasterAdmin):
    list_display = ("bill_line", "component", "quantity_per", "source", "valid_from", "valid_to")
    list_filter = ("site",)
    search_fields = ("bill_line__item__code", "component__code")
    list_select_related = ("bill_line__item", "bill_line__component", "component")


@admin.register(SupplierItem)
class SupplierItemAdmin(MasterAdmin):
    list_display = ("supplier", "item", "lead_time_s", "price", "expedite_fee", "valid_from")
    list_filter = ("site", "supplier")
    search_fields = ("supplier__code", "item__code")
    list_select_related = ("supplier", "item")


@admin.register(FreightMode)
class FreightModeAdmin(MasterAdmin):
    list_display = ("code", "name", "standard", "transit_s", "price", "valid_from", "site")
    list_filter = ("site",)


@admin.register(Lot)
class LotAdmin(JournalAdmin):
    list_display = ("code", "item", "status", "received_at", "expires_at", "free_at")
    list_filter = ("site", "status")
    search_fields = ("code",)
    list_select_related = ("item",)


@admin.register(StockMove)
class StockMoveAdmin(JournalAdmin):
    list_display = ("event_seq", "n", "lot", "location", "quantity", "reason", "at")
    list_filter = ("site", "reason")
    list_select_related = ("lot", "location")
    show_full_result_count = False


@admin.register(StockBalance)
class StockBalanceAdmin(JournalAdmin):
    list_display = ("lot", "location", "quantity")
    list_filter = ("site", "location")
    list_select_related = ("lot", "location")


@admin.register(CustomerOrder)
class CustomerOrderAdmin(JournalAdmin):
    list_display = ("code", "customer", "ordered_at")
    list_filter = ("site",)
    search_fields = ("code",)
    list_select_related = ("customer",)


@admin.register(CustomerLine)
class CustomerLineAdmin(JournalAdmin):
    list_display = ("order", "number", "item", "quantity", "shipped_quantity", "promised_at")
    list_filter = ("site",)
    search_fields = ("order__code",)
    list_select_related = ("order", "item")


@admin.register(PromiseChange)
class PromiseChangeAdmin(JournalAdmin):
    list_display = ("line", "promised_at", "by", "at", "event_seq")
    list_filter = ("site",)
    list_select_related = ("line", "by")


@admin.register(PurchaseLine)
class PurchaseLineAdmin(JournalAdmin):
    list_display = ("order_code", "number", "supplier", "item", "quantity", "expected_at")
    list_filter = ("site",)
    search_fields = ("order_code",)
    list_select_related = ("supplier", "item")
