"""What each kind of event carries. Codes are the plant's own: CNC-04, WO-2291, L-24-1187."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

Body = serializers.Serializer[dict[str, Any]]


def exact_quantity(**options: Any) -> serializers.DecimalField:
    """A quantity in the item's unit, as a decimal string."""
    return serializers.DecimalField(
        max_digits=18, decimal_places=6, normalize_output=True, **options
    )


def exact_money(**options: Any) -> serializers.DecimalField:
    """An amount in the site's currency, as a decimal string."""
    return serializers.DecimalField(
        max_digits=18, decimal_places=4, normalize_output=True, **options
    )


def _count(**options: Any) -> serializers.DecimalField:
    return exact_quantity(min_value=Decimal(0), default=Decimal(0), **options)


class UnitBody(Body):
    unit = serializers.CharField(max_length=40, help_text=_("code of the work unit"))


class JobBody(Body):
    work_order = serializers.CharField(max_length=40, help_text=_("code of the work order"))
    operation = serializers.IntegerField(min_value=1, help_text=_("number of the operation"))


class Breakdown(UnitBody):
    """A unit stands still and cannot work."""

    kind = serializers.ChoiceField(["breakdown"])
    reason = serializers.CharField(max_length=30, required=False)
    note = serializers.CharField(max_length=200, required=False, default="", allow_blank=True)
    occurred_at = serializers.DateTimeField(required=False)
    back_at = serializers.DateTimeField(required=False, help_text=_("when it should work again"))
    said_by = serializers.CharField(max_length=80, required=False, default="", allow_blank=True)


class Estimate(UnitBody):
    """Somebody says when a unit that is down should work again; null: nobody knows."""

    kind = serializers.ChoiceField(["estimate"])
    back_at = serializers.DateTimeField(allow_null=True)
    said_by = serializers.CharField(max_length=80, required=False, default="", allow_blank=True)


class Repair(UnitBody):
    """A unit that was down can work again."""

    kind = serializers.ChoiceField(["repair"])
    occurred_at = serializers.DateTimeField(required=False)


class Start(JobBody):
    """An operation of a work order starts at its unit."""

    kind = serializers.ChoiceField(["start"])


class Stop(JobBody):
    """A running operation stops for a reason; the unit can work on something else."""

    kind = serializers.ChoiceField(["stop"])
    reason = serializers.CharField(max_length=30)


class Resume(JobBody):
    """A stopped operation goes on."""

    kind = serializers.ChoiceField(["resume"])


class Finish(JobBody):
    """An operation is done, with what has been reported."""

    kind = serializers.ChoiceField(["finish"])


class Production(JobBody):
    """Pieces made at an operation since the last report."""

    kind = serializers.ChoiceField(["production"])
    good = _count()
    scrap = _count()
    rework = _count()
    reason = serializers.CharField(max_length=30, required=False, help_text=_("of the scrap"))
    occurred_at = serializers.DateTimeField(required=False)


class Correction(Body):
    """A report was wrong: it is taken back by its reverse, both stay in the record."""

    kind = serializers.ChoiceField(["correction"])
    response = serializers.IntegerField(min_value=1, help_text=_("response_id of the report"))


class Hold(Body):
    """A lot, or an operation of a work order, may not be used until quality releases it."""

    kind = serializers.ChoiceField(["hold"])
    lot = serializers.CharField(max_length=60, required=False)
    work_order = serializers.CharField(max_length=40, required=False)
    operation = serializers.IntegerField(min_value=1, required=False)
    reason = serializers.CharField(max_length=30, required=False)
    note = serializers.CharField(max_length=200, required=False, default="", allow_blank=True)
    expected_at = serializers.DateTimeField(
        required=False, help_text=_("when quality thinks to decide")
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        has_job = "work_order" in attrs and "operation" in attrs
        half_job = ("work_order" in attrs) != ("operation" in attrs)
        if half_job or ("lot" in attrs) == has_job:
            raise serializers.ValidationError(
                {"lot": [_("Name a lot, or a work order with its operation.")]}
            )
        return attrs


class Release(Body):
    """Quality lets a held lot or operation be used again."""

    kind = serializers.ChoiceField(["release"])
    hold = serializers.IntegerField(min_value=1, help_text=_("hold_id of the hold"))


class Receive(Body):
    """Goods came in on a purchase line."""

    kind = serializers.ChoiceField(["receive"])
    purchase_order = serializers.CharField(max_length=40)
    line = serializers.IntegerField(min_value=1)
    lot = serializers.CharField(max_length=60)
    quantity = exact_quantity()
    location = serializers.CharField(max_length=40)


class Ship(Body):
    """Goods of a customer line left the plant."""

    kind = serializers.ChoiceField(["ship"])
    order = serializers.CharField(max_length=40)
    line = serializers.IntegerField(min_value=1)
    quantity = exact_quantity()


class Clock(Body):
    """The plant's simulated clock moves forward. Not an event of the ledger."""

    kind = serializers.ChoiceField(["clock"])
    to = serializers.DateTimeField()


class Speed(Body):
    """How many plant seconds pass in a second: 0, 1 or 60. Not an event of the ledger."""

    kind = serializers.ChoiceField(["speed"])
    speed = serializers.IntegerField()


class Accept(Body):
    """The plan's version on which it was chosen, and why, for the decision log."""

    version = serializers.IntegerField(
        min_value=1, required=False, help_text=_("the option's own version if not given")
    )
    why = serializers.CharField(max_length=300, required=False, default="", allow_blank=True)


class Done(Body):
    """The answer of an act: its stored number in the ledger, and what it made."""

    message = serializers.CharField(required=False)
    seq = serializers.IntegerField(allow_null=True, help_text=_("number of its last event"))
