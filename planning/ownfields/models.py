"""Columns that a plant adds to its lists, and what stands in them and in the notes."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from mes.models import Person, Site


class RowOf(models.TextChoices):
    """The lists whose rows may be written on."""

    WORK_ORDER = "work_order", _("Work orders")
    CUSTOMER_LINE = "customer_line", _("Deliveries")
    PURCHASE_LINE = "purchase_line", _("Purchases")


class OwnField(models.Model):
    """A column of the plant's own on one list."""

    class Kind(models.TextChoices):
        TEXT = "TEXT", _("text")
        NUMBER = "NUMBER", _("number")
        DATE = "DATE", _("date")
        CHOICE = "CHOICE", _("one of a list")

    site = models.ForeignKey(Site, models.PROTECT)
    row_of = models.CharField(max_length=14, choices=RowOf)
    name = models.CharField(max_length=40)
    kind = models.CharField(max_length=6, choices=Kind)
    choices = models.JSONField(default=list, help_text="of a choice")
    removed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["site", "row_of", "name"],
                condition=Q(removed_at=None),
                name="own_field_name_is_unique_a_list",
            )
        ]

    def __str__(self) -> str:
        return self.name


class OwnValue(models.Model):
    """What stands in one own field of one row, or, without a field, its note."""

    site = models.ForeignKey(Site, models.PROTECT)
    row_of = models.CharField(max_length=14, choices=RowOf)
    subject_id = models.BigIntegerField()
    field = models.ForeignKey(OwnField, models.PROTECT, null=True, help_text="empty: the note")
    text = models.CharField(max_length=500)
    at = models.DateTimeField()
    person = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["field", "subject_id"],
                condition=Q(field__isnull=False),
                name="own_value_is_one_a_field_and_row",
            ),
            models.UniqueConstraint(
                fields=["site", "row_of", "subject_id"],
                condition=Q(field=None),
                name="note_is_one_a_row",
            ),
            models.CheckConstraint(name="own_value_says_something", condition=~Q(text="")),
        ]
