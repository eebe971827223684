"""Whether it is good: holds."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy

from equipment.models import Reason
from materials.models import Lot
from mes.models import Person, Site
from workorders.models import JobOrder


class Hold(models.Model):
    """A lot or a job order that may not be used until somebody entitled releases it."""

    class Concession(models.TextChoices):
        """Whether the pieces may be used as they are."""

        NONE = "", gettext_lazy("not asked")
        ASKED = "ASKED", gettext_lazy("asked")
        REFUSED = "REFUSED", gettext_lazy("refused")

    site = models.ForeignKey(Site, models.PROTECT)
    lot = models.ForeignKey(Lot, models.PROTECT, null=True, related_name="holds")
    job_order = models.ForeignKey(JobOrder, models.PROTECT, null=True, related_name="holds")
    # What it was before: a lot in quarantine goes back there, not to the shelf.
    held_from = models.CharField(max_length=10, default="RELEASED")
    reason = models.ForeignKey(Reason, models.PROTECT, null=True)
    note = models.CharField(max_length=200, blank=True)
    placed_at = models.DateTimeField()
    placed_by = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")
    placed_seq = models.BigIntegerField()
    # When quality thinks to decide; empty: the engine guesses from the reason's history.
    expected_at = models.DateTimeField(null=True)
    concession = models.CharField(max_length=8, choices=Concession, blank=True, default="")
    released_at = models.DateTimeField(null=True)
    released_by = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")
    released_seq = models.BigIntegerField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="hold_is_on_a_lot_or_a_job_order",
                condition=Q(lot__isnull=True) ^ Q(job_order__isnull=True),
            ),
            models.UniqueConstraint(
                fields=["lot"], condition=Q(released_at=None), name="lot_is_held_once_at_a_time"
            ),
            models.UniqueConstraint(
                fields=["job_order"],
                condition=Q(released_at=None),
                name="job_order_is_held_once_at_a_time",
            ),
        ]
