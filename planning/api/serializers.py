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


class Slow(UnitBody):
    """A unit runs at a part of its usual rate, set-ups too."""

    kind = serializers.ChoiceField(["slow"])
    percent = serializers.IntegerField(
        min_value=1, max_value=99, help_text=_("of its usual rate that it still does")
    )
    note = serializers.CharField(max_length=200, required=False, default="", allow_blank=True)
    occurred_at = serializers.DateTimeField(required=False)
    back_at = serializers.DateTimeField(required=False, help_text=_("when it runs as usual"))
    said_by = serializers.CharField(max_length=80, required=False, default="", allow_blank=True)


class SlowChange(UnitBody):
    """Somebody says anew when a slow unit runs as usual (null: nobody knows), or how slow it is."""

    kind = serializers.ChoiceField(["slow_change"])
    back_at = serializers.DateTimeField(allow_null=True)
    percent = serializers.IntegerField(min_value=1, max_value=99, required=False)
    said_by = serializers.CharField(max_length=80, required=False, default="", allow_blank=True)


class SlowEnd(UnitBody):
    """A slow unit runs at its usual rate again."""

    kind = serializers.ChoiceField(["slow_end"])
    occurred_at = serializers.DateTimeField(required=False)


class ToolBody(Body):
    tool = serializers.CharField(max_length=40, help_text=_("code of the tool, gauge or fixture"))


class ToolLost(ToolBody):
    """A piece of a tool is lost, broken or away; what needs it waits once none is left."""

    kind = serializers.ChoiceField(["tool_lost"])
    note = serializers.CharField(max_length=200, required=False, default="", allow_blank=True)
    occurred_at = serializers.DateTimeField(required=False)
    back_at = serializers.DateTimeField(required=False, help_text=_("when it is there again"))
    said_by = serializers.CharField(max_length=80, required=False, default="", allow_blank=True)


class ToolBack(ToolBody):
    """Somebody says anew when a lost tool is back; null: nobody knows."""

    kind = serializers.ChoiceField(["tool_back"])
    back_at = serializers.DateTimeField(allow_null=True)
    said_by = serializers.CharField(max_length=80, required=False, default="", allow_blank=True)


class ToolFound(ToolBody):
    """A piece of a tool is there again."""

    kind = serializers.ChoiceField(["tool_found"])
    occurred_at = serializers.DateTimeField(required=False)


class Absence(Body):
    """A person is absent; units stand if those who are left can't attend them all."""

    kind = serializers.ChoiceField(["absence"])
    person = serializers.CharField(max_length=80, help_text=_("name of somebody with a skill"))
    starts_at = serializers.DateTimeField(required=False, help_text=_("now if not given"))
    ends_at = serializers.DateTimeField()
    unit = serializers.CharField(max_length=40, required=False, help_text=_("stands first"))
    note = serializers.CharField(max_length=100, required=False, default="", allow_blank=True)


class AbsenceEnd(Body):
    """A person is back earlier, or was never absent."""

    kind = serializers.ChoiceField(["absence_end"])
    person = serializers.CharField(max_length=80)


class Shift(Body):
    """A unit, an area or the plant works besides its calendar for a time: an added shift."""

    kind = serializers.ChoiceField(["shift"])
    place = serializers.CharField(max_length=40, help_text=_("code of a unit, a centre, an area"))
    starts_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField()
    note = serializers.CharField(max_length=100, required=False, default="", allow_blank=True)


class ShiftEnd(Body):
    """An added shift was wrong or is off."""

    kind = serializers.ChoiceField(["shift_end"])
    place = serializers.CharField(max_length=40)
    windows = serializers.ListField(
        child=serializers.IntegerField(min_value=1),
        min_length=1,
        max_length=1000,
        help_text=_("window_ids of the added shift"),
    )


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


class Closure(Body):
    """A unit, an area or the plant does not work for a time."""

    kind = serializers.ChoiceField(["closure"])
    place = serializers.CharField(max_length=40, help_text=_("code of a unit, a centre, an area"))
    starts_at = serializers.DateTimeField(required=False, help_text=_("now if not given"))
    ends_at = serializers.DateTimeField()
    note = serializers.CharField(max_length=100, required=False, default="", allow_blank=True)


class ClosureEnd(Body):
    """A closure was wrong or is off: the place works as it did."""

    kind = serializers.ChoiceField(["closure_end"])
    place = serializers.CharField(max_length=40)
    windows = serializers.ListField(
        child=serializers.IntegerField(min_value=1),
        min_length=1,
        max_length=1000,
        help_text=_("window_ids of the closure"),
    )


class CheckWaits(Body):
    """Somebody waits too long for quality's decision on a lot in quarantine."""

    kind = serializers.ChoiceField(["check_waits"])
    lot = serializers.CharField(max_length=60)
    note = serializers.CharField(max_length=200, required=False, default="", allow_blank=True)


class CheckWithdrawn(Body):
    """That a check waits too long was said by mistake."""

    kind = serializers.ChoiceField(["check_withdrawn"])
    lot = serializers.CharField(max_length=60)


class CheckDone(Body):
    """Quality decides on a lot in quarantine; QUARANTINE takes a decision back."""

    kind = serializers.ChoiceField(["check_done"])
    lot = serializers.CharField(max_length=60)
    status = serializers.ChoiceField(["RELEASED", "REJECTED", "QUARANTINE"])
    note = serializers.CharField(max_length=200, required=False, default="", allow_blank=True)


class Move(JobBody):
    """A supervisor or planner puts a waiting operation elsewhere in a queue, or on another unit."""

    kind = serializers.ChoiceField(["move"])
    to_unit = serializers.CharField(max_length=40, help_text=_("its own unit to reorder its queue"))
    position = serializers.IntegerField(
        min_value=0, max_value=10_000, help_text=_("0 is the head, what runs counted in")
    )
    note = serializers.CharField(max_length=200, required=False, default="", allow_blank=True)


class QueueEntry(JobBody):
    pass


class Queue(UnitBody):
    """A supervisor or planner gives a unit's whole queue another order."""

    kind = serializers.ChoiceField(["queue"])
    jobs = serializers.ListField(
        child=QueueEntry(), max_length=10_000, help_text=_("every open operation, head first")
    )
    version = serializers.IntegerField(
        min_value=0, required=False, help_text=_("of the queue that was looked at")
    )
    note = serializers.CharField(max_length=200, required=False, default="", allow_blank=True)


class NotPossible(JobBody):
    """A waiting operation can't be done at the unit where it stands."""

    kind = serializers.ChoiceField(["not_possible"])
    why = serializers.ChoiceField(["TOOL", "PROGRAM", "MACHINE", "PERSON"])


class PossibleAgain(JobBody):
    """It can be done there after all."""

    kind = serializers.ChoiceField(["possible_again"])


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


class StockBody(Body):
    lot = serializers.CharField(max_length=60)
    location = serializers.CharField(max_length=40)
    note = serializers.CharField(max_length=200, required=False, default="", allow_blank=True)


class Shortage(StockBody):
    """Pieces of a lot are not where they are booked."""

    kind = serializers.ChoiceField(["shortage"])
    missing = exact_quantity(min_value=Decimal(0))


class Count(StockBody):
    """What was counted of a lot at a place; the difference is booked."""

    kind = serializers.ChoiceField(["count"])
    counted = exact_quantity(min_value=Decimal(0))


class PurchaseBody(Body):
    purchase_order = serializers.CharField(max_length=40)
    line = serializers.IntegerField(min_value=1, max_value=2**31 - 1)


class Purchase(PurchaseBody):
    """A supplier, or somebody for him, says when a purchase comes and how much of it."""

    kind = serializers.ChoiceField(["purchase"])
    expected_from = serializers.DateTimeField(
        required=False, help_text=_("the first day of a range")
    )
    expected_at = serializers.DateTimeField(help_text=_("the last one; the plan goes by it"))
    quantity = exact_quantity(
        required=False,
        min_value=Decimal(0),
        help_text=_("in all, what was received included; as before if not given"),
    )
    said_by = serializers.CharField(max_length=120)


class OrderLine(Body):
    item = serializers.CharField(max_length=40)
    quantity = exact_quantity(min_value=Decimal(0))
    requested_at = serializers.DateTimeField()
    promised_at = serializers.DateTimeField(required=False)
    price = exact_money(required=False, min_value=Decimal(0), help_text=_("of one unit"))


class Order(Body):
    """A customer ordered something."""

    kind = serializers.ChoiceField(["order"])
    order = serializers.CharField(
        max_length=40, required=False, help_text=_("its code; the plant gives one if it has none")
    )
    customer = serializers.CharField(max_length=40)
    lines = serializers.ListField(child=OrderLine(), min_length=1, max_length=100)
    rush = serializers.BooleanField(
        default=True, help_text=_("it comes on top of the plan: say what it does to the others")
    )


class LineBody(Body):
    order = serializers.CharField(max_length=40)
    line = serializers.IntegerField(min_value=1, max_value=2**31 - 1)


class OrderChange(LineBody):
    """A customer wants another quantity of a line, or wants it on another day."""

    kind = serializers.ChoiceField(["order_change"])
    quantity = exact_quantity(required=False, min_value=Decimal(0))
    requested_at = serializers.DateTimeField(required=False)
    promised_at = serializers.DateTimeField(
        required=False, help_text=_("the new promise, if one was agreed")
    )
    note = serializers.CharField(max_length=200, required=False, default="", allow_blank=True)


class CustomerReturn(LineBody):
    """A customer sends goods of a shipped line back; what was delivered stays delivered."""

    kind = serializers.ChoiceField(["return"])
    quantity = exact_quantity(min_value=Decimal(0))
    why = serializers.CharField(max_length=200)
    wants = serializers.ChoiceField(["NOTHING", "REPLACEMENT", "REWORK"], default="NOTHING")
    needed_at = serializers.DateTimeField(
        required=False, help_text=_("until when, if something is wanted in exchange")
    )
    location = serializers.CharField(
        max_length=40, required=False, help_text=_("the first store if not given")
    )


class ReturnCorrection(Body):
    """A return was booked by mistake: its lot is empty and nothing more is wanted."""

    kind = serializers.ChoiceField(["return_correction"])
    lot = serializers.CharField(max_length=60, help_text=_("of the return"))


class OrderCancel(LineBody):
    """A customer no longer wants what is still open of a line."""

    kind = serializers.ChoiceField(["order_cancel"])
    note = serializers.CharField(max_length=200, required=False, default="", allow_blank=True)


class OrderRestore(LineBody):
    """A cancellation was wrong: the line is wanted as it was."""

    kind = serializers.ChoiceField(["order_restore"])


class ReceiptCorrection(PurchaseBody):
    """A receipt was booked by mistake: it is taken back and the line is open again."""

    kind = serializers.ChoiceField(["receipt_correction"])
    lot = serializers.CharField(max_length=60)
    quantity = exact_quantity(min_value=Decimal(0))


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


class Call(UnitBody):
    """A station calls somebody; it goes on to the supervisor and the planner if nobody comes."""

    kind = serializers.ChoiceField(["call"])
    whom = serializers.ChoiceField(["MAINTENANCE", "QUALITY", "MATERIAL", "SUPERVISOR", "SAFETY"])
    stopped = serializers.BooleanField(help_text=_("the machine stands, else it still runs"))
    note = serializers.CharField(max_length=200, required=False, default="", allow_blank=True)
    work_order = serializers.CharField(max_length=40, required=False)
    operation = serializers.IntegerField(min_value=1, required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("work_order" in attrs) != ("operation" in attrs):
            raise serializers.ValidationError(
                {"operation": [_("Name the work order and its operation, or neither.")]}
            )
        return attrs


class OneCall(Body):
    call = serializers.IntegerField(min_value=1, help_text=_("call_id of the call"))


class CallTaken(OneCall):
    """Somebody who is called says in how many minutes he is there."""

    kind = serializers.ChoiceField(["call_taken"])
    minutes = serializers.IntegerField(min_value=0, max_value=240)


class CallArrived(OneCall):
    """Somebody who is called is at the station."""

    kind = serializers.ChoiceField(["call_arrived"])


class CallEnded(OneCall):
    """A call has been seen to, there or from afar."""

    kind = serializers.ChoiceField(["call_ended"])
    outcome = serializers.CharField(max_length=200, required=False, default="", allow_blank=True)


class CallCancelled(OneCall):
    """The station takes its call back before anybody is there."""

    kind = serializers.ChoiceField(["call_cancelled"])


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


class OwnMove(JobBody):
    """One move of the planner's own answer; nothing moves before that is accepted."""

    unit = serializers.CharField(max_length=40, help_text=_("code of the unit it goes to"))
    place = serializers.ChoiceField(
        ["next", "last", "start"],
        default="next",
        help_text=_("of those that wait there; start: so that it begins about starts_at"),
    )
    starts_at = serializers.DateTimeField(required=False)


class Ask(Accept):
    """Whom to ask; the first who may and is on duty if not given."""

    person = serializers.IntegerField(min_value=1, required=False)


class Refuse(Body):
    """Why not: whoever decided decides anew by it."""

    reason = serializers.CharField(max_length=200)


class Done(Body):
    """The answer of an act: its stored number in the ledger, and what it made."""

    message = serializers.CharField(required=False)
    seq = serializers.IntegerField(allow_null=True, help_text=_("number of its last event"))
