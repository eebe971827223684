"""What we make it of, for whom, and where it is: items, lots, stock, purchases, customers."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy
from simple_history.models import HistoricalRecords

from mes.models import Person, Site


def quantity_field(**options: Any) -> models.DecimalField[Any, Decimal]:
    """Quantities are exact, in the item's own unit, six decimals (the engine's millionths)."""
    return models.DecimalField(max_digits=18, decimal_places=6, **options)


def money_field(**options: Any) -> models.DecimalField[Any, Decimal]:
    return models.DecimalField(max_digits=18, decimal_places=4, **options)


class Item(models.Model):
    """A material definition (ISA-95)."""

    class Source(models.TextChoices):
        MAKE = "MAKE"
        BUY = "BUY"
        PHANTOM = "PHANTOM"

    site = models.ForeignKey(Site, models.PROTECT)
    code = models.CharField(max_length=40)
    name = models.CharField(max_length=120)
    unit = models.CharField(max_length=12, default="pcs")
    decimals = models.PositiveSmallIntegerField(default=0, help_text="of its quantum")
    source = models.CharField(max_length=8, choices=Source)
    family = models.CharField(max_length=40, blank=True)
    revision = models.CharField(max_length=12, blank=True)
    safety_stock = quantity_field(default=0)
    lead_time_s = models.PositiveIntegerField(default=0, help_text="to buy or to make")
    put_away_s = models.PositiveIntegerField(default=0)
    standard_cost = money_field(null=True, blank=True)
    tracked = models.BooleanField(default=True, help_text="an untracked item never binds")
    safety_kept = models.BooleanField(
        default=False, help_text="safety stock is kept until somebody decides to use it"
    )
    history = HistoricalRecords()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["site", "code"], name="item_code_is_unique_a_site"),
            models.CheckConstraint(
                name="item_source_is_known", condition=Q(source__in=["MAKE", "BUY", "PHANTOM"])
            ),
            models.CheckConstraint(
                name="item_safety_stock_is_not_negative", condition=Q(safety_stock__gte=0)
            ),
        ]

    def __str__(self) -> str:
        return self.code


class BillLine(models.Model):
    """A component of an item, effective-dated; the operation that takes it by its number."""

    site = models.ForeignKey(Site, models.PROTECT)
    item = models.ForeignKey(Item, models.PROTECT, related_name="bill")
    component = models.ForeignKey(Item, models.PROTECT, related_name="used_in")
    quantity_per = quantity_field()
    scrap_ppm = models.PositiveIntegerField(default=0)
    operation_number = models.PositiveIntegerField(default=0, help_text="0: the first")
    valid_from = models.DateTimeField()
    valid_to = models.DateTimeField(null=True, blank=True)
    history = HistoricalRecords()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="bill_line_takes_something", condition=Q(quantity_per__gt=0)
            ),
            models.CheckConstraint(
                name="bill_line_is_not_its_own_component", condition=~Q(item=F("component"))
            ),
        ]

    def __str__(self) -> str:
        return f"{self.item}: {self.component}"


class BillAlternate(models.Model):
    """Another component that engineering lets a bill line be replaced by, effective-dated."""

    site = models.ForeignKey(Site, models.PROTECT)
    bill_line = models.ForeignKey(BillLine, models.CASCADE, related_name="alternates")
    component = models.ForeignKey(Item, models.PROTECT, related_name="stands_in")
    quantity_per = quantity_field(help_text="of the other component, for one piece")
    source = models.CharField(max_length=120, help_text="by whose release")
    valid_from = models.DateTimeField()
    valid_to = models.DateTimeField(null=True, blank=True)
    history = HistoricalRecords()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="bill_alternate_takes_something", condition=Q(quantity_per__gt=0)
            ),
            models.CheckConstraint(
                name="bill_alternate_ends_after_it_starts",
                condition=Q(valid_to__isnull=True) | Q(valid_to__gt=F("valid_from")),
            ),
        ]


class Location(models.Model):
    class Kind(models.TextChoices):
        STORE = "STORE"
        LINE_SIDE = "LINE_SIDE"
        DOCK = "DOCK"
        SCRAP = "SCRAP"

    site = models.ForeignKey(Site, models.PROTECT)
    code = models.CharField(max_length=40)
    name = models.CharField(max_length=80)
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.STORE)
    history = HistoricalRecords()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["site", "code"], name="location_code_is_unique_a_site")
        ]

    def __str__(self) -> str:
        return self.code


class Lot(models.Model):
    """A quantity of an item that is one in origin and quality. Its history is the ledger."""

    class Status(models.TextChoices):
        RELEASED = "RELEASED"
        QUARANTINE = "QUARANTINE"
        HELD = "HELD"
        REJECTED = "REJECTED"
        CONSUMED = "CONSUMED"

    site = models.ForeignKey(Site, models.PROTECT)
    code = models.CharField(max_length=60)
    item = models.ForeignKey(Item, models.PROTECT, related_name="lots")
    status = models.CharField(max_length=10, choices=Status, default=Status.RELEASED)
    received_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True, blank=True)
    # When a held or quarantined lot is thought to be free; empty where nobody said.
    free_at = models.DateTimeField(null=True, blank=True)
    counted_at = models.DateTimeField(null=True, blank=True, help_text="the last time")
    version = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["site", "code"], name="lot_code_is_unique_a_site"),
            models.CheckConstraint(
                name="lot_status_is_known",
                condition=Q(status__in=["RELEASED", "QUARANTINE", "HELD", "REJECTED", "CONSUMED"]),
            ),
        ]

    def __str__(self) -> str:
        return self.code


class StockMove(models.Model):
    """Ledger of quantities; a balance is the sum of its moves. A transfer is two that sum to 0."""

    class Reason(models.TextChoices):
        OPENING = "OPENING"
        RECEIPT = "RECEIPT"
        ISSUE = "ISSUE"
        OUTPUT = "OUTPUT"
        SCRAP = "SCRAP"
        SHIPMENT = "SHIPMENT"
        CORRECTION = "CORRECTION"
        TRANSFER = "TRANSFER"
        COUNT = "COUNT"
        RETURN = "RETURN"
        REWORK = "REWORK"

    site = models.ForeignKey(Site, models.PROTECT)
    event_seq = models.BigIntegerField()
    n = models.PositiveIntegerField(help_text="place among the moves of its command")
    lot = models.ForeignKey(Lot, models.PROTECT, related_name="moves")
    location = models.ForeignKey(Location, models.PROTECT)
    quantity = quantity_field()
    reason = models.CharField(max_length=10, choices=Reason)
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["site", "event_seq", "n"], name="stock_move_is_stored_once"
            ),
            models.CheckConstraint(name="stock_move_moves_something", condition=~Q(quantity=0)),
        ]


class StockBalance(models.Model):
    """The sum of a lot's moves at a place, kept in the same transaction as the moves."""

    site = models.ForeignKey(Site, models.PROTECT)
    lot = models.ForeignKey(Lot, models.PROTECT, related_name="balances")
    location = models.ForeignKey(Location, models.PROTECT)
    quantity = quantity_field()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["site", "lot", "location"], name="stock_balance_is_one_row_a_place"
            ),
            models.CheckConstraint(
                name="stock_balance_is_not_negative", condition=Q(quantity__gte=0)
            ),
        ]


class Supplier(models.Model):
    site = models.ForeignKey(Site, models.PROTECT)
    code = models.CharField(max_length=40)
    name = models.CharField(max_length=120)
    # Learned lateness; empty: the site's default.
    lateness_s = models.PositiveIntegerField(null=True, blank=True)
    history = HistoricalRecords()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["site", "code"], name="supplier_code_is_unique_a_site")
        ]

    def __str__(self) -> str:
        return self.name


class SupplierItem(models.Model):
    """What a supplier quotes for an item: how soon, for how much, from when, by whose word.

    An amount that nobody gave is unknown, never zero.
    """

    site = models.ForeignKey(Site, models.PROTECT)
    supplier = models.ForeignKey(Supplier, models.PROTECT, related_name="quotes")
    item = models.ForeignKey(Item, models.PROTECT, related_name="quotes")
    lead_time_s = models.PositiveIntegerField(help_text="from the order to the receipt")
    price = money_field(null=True, blank=True, help_text="of one unit")
    minimum_quantity = quantity_field(default=0)
    order_fee = money_field(null=True, blank=True, help_text="an order, whatever its quantity")
    # A faster delivery of what is ordered already; empty: the supplier offers none.
    expedite_lead_s = models.PositiveIntegerField(
        null=True, blank=True, help_text="from the call to the receipt, if it is expedited"
    )
    expedite_fee = money_field(null=True, blank=True)
    source = models.CharField(max_length=120)
    owner = models.CharField(max_length=80)
    valid_from = models.DateTimeField()
    valid_to = models.DateTimeField(null=True, blank=True)
    history = HistoricalRecords()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="supplier_item_quantity_is_not_negative",
                condition=Q(minimum_quantity__gte=0),
            ),
            models.CheckConstraint(
                name="supplier_item_ends_after_it_starts",
                condition=Q(valid_to__isnull=True) | Q(valid_to__gt=F("valid_from")),
            ),
        ]


class PurchaseLine(models.Model):
    site = models.ForeignKey(Site, models.PROTECT)
    order_code = models.CharField(max_length=40)
    number = models.PositiveIntegerField()
    supplier = models.ForeignKey(Supplier, models.PROTECT)
    item = models.ForeignKey(Item, models.PROTECT)
    quantity = quantity_field()
    received_quantity = quantity_field(default=0)
    promised_at = models.DateTimeField()
    # What is believed today, by whose word and since when. The plan goes by the last instant of
    # a range, and by the whole quantity unless the supplier said less.
    expected_from = models.DateTimeField(null=True, blank=True)
    expected_at = models.DateTimeField()
    expected_quantity = quantity_field(null=True, blank=True)
    expected_source = models.CharField(max_length=120, blank=True)
    said_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True)
    version = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["site", "order_code", "number"], name="purchase_line_is_unique_a_site"
            ),
            models.CheckConstraint(
                name="purchase_line_asks_for_something", condition=Q(quantity__gt=0)
            ),
            models.CheckConstraint(
                name="purchase_line_is_expected_from_before_to",
                condition=Q(expected_from=None) | Q(expected_from__lte=F("expected_at")),
            ),
            models.CheckConstraint(
                name="purchase_line_brings_at_most_what_was_ordered",
                condition=Q(expected_quantity=None)
                | Q(expected_quantity__gte=0, expected_quantity__lte=F("quantity")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.order_code}/{self.number}"

    @property
    def missing(self) -> Decimal:
        """How much of what was ordered the supplier will not bring."""
        if self.expected_quantity is None:
            return Decimal(0)
        return self.quantity - max(self.expected_quantity, self.received_quantity)


class Customer(models.Model):
    """Who buys, and what a late delivery costs by his contract."""

    class Basis(models.TextChoices):
        SHIP = "SHIP"
        ARRIVE = "ARRIVE"

    site = models.ForeignKey(Site, models.PROTECT)
    code = models.CharField(max_length=40)
    name = models.CharField(max_length=120)
    time_zone = models.CharField(max_length=40, blank=True, help_text="empty: the site's")
    basis = models.CharField(max_length=6, choices=Basis, default=Basis.SHIP)
    ship_complete = models.BooleanField(default=True)
    counts_working_days = models.BooleanField(default=False)
    priority_class = models.PositiveSmallIntegerField(default=5, help_text="1 is the first")
    # Late cost: a penalty that the contract names is cash, the rest is estimate.
    penalty_percent_day = models.DecimalField(
        max_digits=9, decimal_places=4, null=True, blank=True, help_text="of the line's value"
    )
    penalty_per_day = money_field(null=True, blank=True)
    late_weight_per_day = money_field(null=True, blank=True, help_text="goodwill, estimate")
    line_stop_per_day = money_field(null=True, blank=True)
    grace_days = models.PositiveSmallIntegerField(default=0)
    cap_percent = models.DecimalField(max_digits=9, decimal_places=4, null=True, blank=True)
    transit_s = models.PositiveIntegerField(default=86400)
    asked_of_concessions = models.BooleanField(
        default=False, help_text="agrees before he gets anything by concession"
    )
    history = HistoricalRecords()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["site", "code"], name="customer_code_is_unique_a_site")
        ]

    def __str__(self) -> str:
        return self.name


class FreightMode(models.Model):
    """A way to send goods: how long it takes and what a shipment costs, by whose word."""

    site = models.ForeignKey(Site, models.PROTECT)
    code = models.CharField(max_length=20)
    name = models.CharField(max_length=80)
    standard = models.BooleanField(
        default=False, help_text="what is used unless somebody decides otherwise"
    )
    transit_s = models.PositiveIntegerField(
        null=True, blank=True, help_text="door to door; empty: as agreed with the customer"
    )
    price = money_field(null=True, blank=True, help_text="a shipment; empty: unknown")
    source = models.CharField(max_length=120)
    owner = models.CharField(max_length=80)
    valid_from = models.DateTimeField()
    valid_to = models.DateTimeField(null=True, blank=True)
    history = HistoricalRecords()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["site", "code"], name="freight_mode_code_is_unique_a_site"
            ),
            models.UniqueConstraint(
                fields=["site"], condition=Q(standard=True), name="standard_freight_is_one_a_site"
            ),
            models.CheckConstraint(
                name="fast_freight_takes_a_time",
                condition=Q(standard=True) | Q(transit_s__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class CustomerOrder(models.Model):
    site = models.ForeignKey(Site, models.PROTECT)
    code = models.CharField(max_length=40)
    customer = models.ForeignKey(Customer, models.PROTECT)
    ordered_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["site", "code"], name="order_code_is_unique_a_site")
        ]

    def __str__(self) -> str:
        return self.code


class CustomerLine(models.Model):
    """What a customer ordered, when he wants it, and what he was promised.

    The three instants are the latest at which the line may ship (basis SHIP) or arrive
    (basis ARRIVE); `pack_s` and the customer's transit lie between ready and that instant.
    """

    site = models.ForeignKey(Site, models.PROTECT)
    order = models.ForeignKey(CustomerOrder, models.PROTECT, related_name="lines")
    number = models.PositiveIntegerField()
    item = models.ForeignKey(Item, models.PROTECT)
    quantity = quantity_field()
    shipped_quantity = quantity_field(default=0)
    requested_at = models.DateTimeField()
    first_promised_at = models.DateTimeField(null=True)
    promised_at = models.DateTimeField(null=True)
    price = money_field(null=True, help_text="of one unit")
    pack_s = models.PositiveIntegerField(default=4 * 3600)
    # Ship so much of it ahead of the rest, counted from the first piece; zero: all at once.
    part_quantity = quantity_field(default=0)
    freight_mode = models.ForeignKey(
        FreightMode, models.PROTECT, null=True, help_text="empty: the standard one"
    )
    shipped_at = models.DateTimeField(null=True)
    cancelled_at = models.DateTimeField(null=True)
    version = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["order", "number"], name="line_number_is_unique_an_order"
            ),
            models.CheckConstraint(
                name="line_ships_at_most_what_was_ordered",
                condition=Q(shipped_quantity__lte=F("quantity")) & Q(shipped_quantity__gte=0),
            ),
            models.CheckConstraint(name="line_asks_for_something", condition=Q(quantity__gt=0)),
            models.CheckConstraint(
                name="line_part_is_not_negative", condition=Q(part_quantity__gte=0)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.order_id}/{self.number}"

    @property
    def open_quantity(self) -> Decimal:
        return self.quantity - self.shipped_quantity


class CustomerReturn(models.Model):
    """Goods of a shipped line that came back. What was delivered, and when, stays as it was."""

    class Wants(models.TextChoices):
        NOTHING = "NOTHING", gettext_lazy("Nothing in exchange")
        REPLACEMENT = "REPLACEMENT", gettext_lazy("Others instead")
        REWORK = "REWORK", gettext_lazy("The same ones, put right")

    site = models.ForeignKey(Site, models.PROTECT)
    line = models.ForeignKey(CustomerLine, models.PROTECT, related_name="returns")
    lot = models.ForeignKey(Lot, models.PROTECT, related_name="returns")
    quantity = quantity_field()
    why = models.CharField(max_length=200)
    wants = models.CharField(max_length=12, choices=Wants)
    # The line on which the customer gets what he wants in exchange.
    replacement = models.ForeignKey(CustomerLine, models.PROTECT, null=True, related_name="+")
    returned_at = models.DateTimeField()
    taken_back_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(name="return_brings_something", condition=Q(quantity__gt=0)),
            models.CheckConstraint(
                name="return_wants_are_known",
                condition=Q(wants__in=["NOTHING", "REPLACEMENT", "REWORK"]),
            ),
            models.CheckConstraint(
                name="return_has_a_line_if_something_is_wanted",
                condition=Q(wants="NOTHING") ^ Q(replacement__isnull=False),
            ),
        ]


class PromiseChange(models.Model):
    """Ledger of promises: from, to, by whom."""

    site = models.ForeignKey(Site, models.PROTECT)
    line = models.ForeignKey(CustomerLine, models.PROTECT, related_name="promises")
    event_seq = models.BigIntegerField()
    promised_at = models.DateTimeField()
    by = models.ForeignKey(Person, models.PROTECT, null=True)
    at = models.DateTimeField()
