"""What the ERP was last seen to know of a plant, and what somebody entered there since."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from mes.models import Person, Site
from planning.ownplant.models import PlantImport


class ErpExport(models.Model):
    """The rows that the ERP was last seen to hold: of its newest export, or by somebody's word.

    A working row, one a site. `version` goes up with each export.
    """

    site = models.OneToOneField(Site, models.PROTECT)
    version = models.PositiveIntegerField(default=1)
    plant_import = models.ForeignKey(
        PlantImport, models.PROTECT, null=True, help_text="empty: the plant as it stood then"
    )
    read_at = models.DateTimeField()
    columns = models.JSONField(help_text="list -> the columns that it has")
    rows = models.JSONField(help_text="list -> rows")


class ErpEntry(models.Model):
    """One difference that the ERP was told of: by a person's word, or as its export showed it."""

    site = models.ForeignKey(Site, models.PROTECT)
    sheet = models.CharField(max_length=12)
    key = models.CharField(max_length=200)
    column = models.CharField(max_length=12, blank=True, help_text="empty: the whole row")
    was = models.CharField(max_length=200, blank=True)
    becomes = models.CharField(max_length=200, blank=True)
    export_version = models.PositiveIntegerField(help_text="of the export it was missing in")
    at = models.DateTimeField()
    person = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")
    plant_import = models.ForeignKey(
        PlantImport, models.PROTECT, null=True, help_text="whose file showed it"
    )
    taken_back_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="an_entry_is_somebodys_word_or_a_files",
                condition=Q(person=None) ^ Q(plant_import=None),
            )
        ]
        indexes = [models.Index(fields=["site", "-id"])]
