"""Whether a plant only listens, and what was foreseen of its deliveries day by day."""

from __future__ import annotations

from django.db import models

from mes.models import Site


class ShadowMode(models.Model):
    """From when to when a plant only listens: what is accepted is noted and not applied."""

    site = models.ForeignKey(Site, models.PROTECT)
    since = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["site"],
                condition=models.Q(ended_at=None),
                name="a_plant_begins_to_listen_once",
            )
        ]


class Foresight(models.Model):
    """What was promised and projected of each open delivery at the beginning of a day."""

    site = models.ForeignKey(Site, models.PROTECT)
    day = models.DateField(help_text="the plant's own")
    made_at = models.DateTimeField()
    version = models.BigIntegerField(help_text="of the plan that said it")
    lines = models.JSONField(help_text="customer line -> promised, projected")
    errors = models.JSONField(default=list, help_text="how far off dates were until then")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["site", "day"], name="a_day_is_foreseen_once_a_site")
        ]


def in_shadow(site_id: int) -> bool:
    return ShadowMode.objects.filter(site=site_id, ended_at=None).exists()
