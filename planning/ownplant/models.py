"""A file that somebody brings in: what it holds, how it is read, what was made of it."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from mes.models import Person, Site


class PlantImport(models.Model):
    """One import of a plant's files, from the upload to what became of it.

    A working row: the files and how their columns read, what the last dry run said (`report`),
    and, once stored, the rows as they were (`content`), which the next file is compared with.
    """

    class State(models.TextChoices):
        READING = "READING"
        CHECKED = "CHECKED"
        STORING = "STORING"
        STORED = "STORED"
        UNREADABLE = "UNREADABLE"
        REMOVED = "REMOVED"

    site = models.ForeignKey(Site, models.PROTECT)
    person = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")
    state = models.CharField(max_length=10, choices=State, default=State.READING)
    mapping = models.JSONField(default=dict, help_text="sheet -> table, columns, formats")
    fixes = models.JSONField(default=dict, help_text="finding -> what to do about it")
    set_aside = models.BooleanField(default=False, help_text="leave rows with problems out")
    arranged = models.CharField(max_length=8, default="date")
    report = models.JSONField(default=dict)
    content = models.JSONField(null=True)
    review = models.JSONField(default=dict, help_text="order -> right or wrong, and why")
    failure = models.CharField(max_length=300, blank=True)
    done = models.PositiveSmallIntegerField(default=0, help_text="steps of the work on it")
    of = models.PositiveSmallIntegerField(default=0)
    step = models.CharField(max_length=40, blank=True)
    begun = models.PositiveSmallIntegerField(
        default=0, help_text="times that the work it waits for was begun and not brought to an end"
    )
    created_at = models.DateTimeField()
    stored_at = models.DateTimeField(null=True)
    stored_seq = models.BigIntegerField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="an_import_that_is_stored_says_when",
                condition=~Q(state="STORED") | Q(stored_at__isnull=False, content__isnull=False),
            )
        ]
        indexes = [
            models.Index(
                fields=["created_at"],
                condition=Q(state__in=["READING", "STORING"]),
                name="waiting_imports",
            )
        ]

    @property
    def is_worked_on(self) -> bool:
        return self.state in (self.State.READING, self.State.STORING)


class ImportFile(models.Model):
    """One file of an import, as it came."""

    site = models.ForeignKey(Site, models.PROTECT)
    plant_import = models.ForeignKey(PlantImport, models.CASCADE, related_name="files")
    name = models.CharField(max_length=120)
    sha256 = models.CharField(max_length=64)
    data = models.BinaryField()


def stored_before(site: Site) -> PlantImport | None:
    """The import that the site's plant came from, or was last brought up to."""
    stored = PlantImport.objects.filter(site=site, state=PlantImport.State.STORED)
    return stored.order_by("-pk").first()
