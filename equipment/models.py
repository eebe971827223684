"""What we make with: units, their calendars, their state."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from simple_history.models import HistoricalRecords

from mes.models import Site


class WorkCalendar(models.Model):
    """When a unit may work, as local wall times by weekday."""

    site = models.ForeignKey(Site, models.PROTECT)
    code = models.CharField(max_length=20)
    name = models.CharField(max_length=80)
    history = HistoricalRecords()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["site", "code"], name="calendar_code_is_unique_a_site")
        ]

    def __str__(self) -> str:
        return self.code


class ShiftPattern(models.Model):
    """One working window of a weekday, in the site's local time.

    `ends` at or before `starts` means the next day; equal times are a whole day.
    """

    site = models.ForeignKey(Site, models.PROTECT)
    calendar = models.ForeignKey(WorkCalendar, models.CASCADE, related_name="patterns")
    weekday = models.PositiveSmallIntegerField(help_text="0 is Monday")
    starts = models.TimeField()
    ends = models.TimeField()
    name = models.CharField(max_length=40)
    history = HistoricalRecords()

    class Meta:
        constraints = [
            models.CheckConstraint(name="shift_weekday_is_a_weekday", condition=Q(weekday__lte=6))
        ]


class Equipment(models.Model):
    """One element of the ISA-95 equipment hierarchy; a WORK_UNIT is what jobs run on."""

    class Level(models.TextChoices):
        AREA = "AREA"
        WORK_CENTER = "WORK_CENTER"
        WORK_UNIT = "WORK_UNIT"

    class Kind(models.TextChoices):
        MACHINE = "MACHINE"
        MANUAL = "MANUAL"
        LINE = "LINE"
        EXTERNAL = "EXTERNAL"

    class Rhythm(models.TextChoices):
        PIECE = "PIECE"
        PALLET = "PALLET"
        OPERATION = "OPERATION"
        SHIFT = "SHIFT"

    site = models.ForeignKey(Site, models.PROTECT)
    code = models.CharField(max_length=40)
    name = models.CharField(max_length=80)
    level = models.CharField(max_length=12, choices=Level)
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.MACHINE)
    parent = models.ForeignKey("self", models.PROTECT, null=True, blank=True)
    calendar = models.ForeignKey(WorkCalendar, models.PROTECT, null=True, blank=True)
    places = models.PositiveSmallIntegerField(default=1, help_text="jobs at the same time")
    rate_ppm = models.PositiveIntegerField(
        default=1_000_000, help_text="speed, 1,000,000 is standard"
    )
    reporting_rhythm = models.CharField(max_length=10, choices=Rhythm, default=Rhythm.PALLET)
    order = models.PositiveIntegerField(default=0, help_text="place on walls and lists")
    # Repaired for now when it is down: how soon it runs again, and how well. Neither: it can't be.
    makeshift_s = models.PositiveIntegerField(
        null=True, blank=True, help_text="until it runs again, repaired for now"
    )
    makeshift_percent = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="of its usual rate, repaired for now"
    )
    history = HistoricalRecords()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["site", "code"], name="equipment_code_is_unique_a_site"
            ),
            models.CheckConstraint(
                name="equipment_level_is_known",
                condition=Q(level__in=["AREA", "WORK_CENTER", "WORK_UNIT"]),
            ),
            models.CheckConstraint(
                name="work_unit_has_a_calendar",
                condition=~Q(level="WORK_UNIT") | Q(calendar__isnull=False),
            ),
            models.CheckConstraint(name="unit_has_a_place", condition=Q(places__gte=1)),
            models.CheckConstraint(name="unit_has_a_rate", condition=Q(rate_ppm__gte=1)),
            models.CheckConstraint(
                name="unit_is_repaired_for_now_in_a_time_at_a_rate",
                condition=Q(makeshift_s=None, makeshift_percent=None)
                | Q(makeshift_s__gte=60, makeshift_percent__gte=1, makeshift_percent__lte=99),
            ),
        ]

    def __str__(self) -> str:
        return self.code


class UnitStatus(models.Model):
    """A unit's state now; its history is EquipmentState. Changed by conditional UPDATE."""

    class State(models.TextChoices):
        """PackML state names that the floor uses here."""

        IDLE = "IDLE"
        EXECUTE = "EXECUTE"
        HELD = "HELD"
        ABORTED = "ABORTED"
        STOPPED = "STOPPED"

    site = models.ForeignKey(Site, models.PROTECT)
    unit = models.OneToOneField(Equipment, models.PROTECT, related_name="status")
    state = models.CharField(max_length=10, choices=State, default=State.IDLE)
    since = models.DateTimeField()
    # Families last set up, one a place: they survive the night.
    mounted = ArrayField(models.CharField(max_length=40, blank=True), default=list)
    version = models.BigIntegerField(default=0)

    class Meta:
        verbose_name_plural = "unit status"


class Reason(models.Model):
    """Why a unit stands, in two levels; each with its SEMI E10 class."""

    class E10(models.TextChoices):
        PRODUCTIVE = "PRODUCTIVE"
        STANDBY = "STANDBY"
        ENGINEERING = "ENGINEERING"
        SCHEDULED_DOWN = "SCHEDULED_DOWN"
        UNSCHEDULED_DOWN = "UNSCHEDULED_DOWN"
        NON_SCHEDULED = "NON_SCHEDULED"
        UNKNOWN = "UNKNOWN"

    site = models.ForeignKey(Site, models.PROTECT)
    code = models.CharField(max_length=30)
    name = models.CharField(max_length=80)
    parent = models.ForeignKey("self", models.PROTECT, null=True, blank=True)
    applies_to = models.CharField(max_length=10, default="STOP", help_text="STOP, SCRAP or HOLD")
    e10 = models.CharField(max_length=20, choices=E10, default=E10.UNSCHEDULED_DOWN)
    calls_maintenance = models.BooleanField(default=False)
    history = HistoricalRecords()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["site", "code"], name="reason_code_is_unique_a_site"),
            models.CheckConstraint(
                name="reason_applies_to_something_known",
                condition=Q(applies_to__in=["STOP", "SCRAP", "HOLD"]),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class EquipmentState(models.Model):
    """Ledger of states; an interval is the gap between two rows of a unit."""

    site = models.ForeignKey(Site, models.PROTECT)
    unit = models.ForeignKey(Equipment, models.PROTECT, related_name="states")
    event_seq = models.BigIntegerField()
    state = models.CharField(max_length=10, choices=UnitStatus.State)
    reason = models.ForeignKey(Reason, models.PROTECT, null=True)
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["unit", "at"])]


class Downtime(models.Model):
    """One stop of a unit from down to up: working row while open, repair history afterwards."""

    site = models.ForeignKey(Site, models.PROTECT)
    unit = models.ForeignKey(Equipment, models.PROTECT, related_name="downtimes")
    reason = models.ForeignKey(Reason, models.PROTECT, null=True)
    note = models.CharField(max_length=200, blank=True)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    # What a person said; empty means nobody knows and the engine guesses from history.
    back_at = models.DateTimeField(null=True)
    back_said_by = models.CharField(max_length=80, blank=True)
    back_said_at = models.DateTimeField(null=True)
    # It will be repaired for now: at which part of its rate it is back, until when.
    makeshift_percent = models.PositiveSmallIntegerField(null=True)
    makeshift_until = models.DateTimeField(null=True, help_text="end of the full repair")
    opened_seq = models.BigIntegerField()
    closed_seq = models.BigIntegerField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["unit"], condition=Q(ended_at=None), name="unit_is_down_once_at_a_time"
            ),
            models.CheckConstraint(
                name="downtime_is_repaired_for_now_at_a_rate_until_an_instant",
                condition=Q(makeshift_percent=None, makeshift_until=None)
                | Q(
                    makeshift_percent__gte=1,
                    makeshift_percent__lte=99,
                    makeshift_until__isnull=False,
                ),
            ),
            models.CheckConstraint(
                name="downtime_ends_after_it_starts",
                condition=Q(ended_at__isnull=True) | Q(ended_at__gte=F("started_at")),
            ),
        ]


class Slowdown(models.Model):
    """A time in which a unit does only a part of its work: open while it does."""

    site = models.ForeignKey(Site, models.PROTECT)
    unit = models.ForeignKey(Equipment, models.PROTECT, related_name="slowdowns")
    percent = models.PositiveSmallIntegerField(help_text="of its usual rate, set-up too")
    note = models.CharField(max_length=200, blank=True)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    # What a person said; empty means nobody knows and the engine guesses from history.
    back_at = models.DateTimeField(null=True)
    back_said_by = models.CharField(max_length=80, blank=True)
    back_said_at = models.DateTimeField(null=True)
    opened_seq = models.BigIntegerField()
    closed_seq = models.BigIntegerField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["unit"], condition=Q(ended_at=None), name="unit_is_slow_once_at_a_time"
            ),
            models.CheckConstraint(
                name="slow_unit_does_a_part_of_its_work",
                condition=Q(percent__gte=1) & Q(percent__lte=99),
            ),
            models.CheckConstraint(
                name="slowdown_ends_after_it_starts",
                condition=Q(ended_at__isnull=True) | Q(ended_at__gte=F("started_at")),
            ),
        ]


class Tool(models.Model):
    """A tool, gauge or fixture without which an operation can't be done; there may be several."""

    class Kind(models.TextChoices):
        TOOL = "TOOL"
        GAUGE = "GAUGE"
        FIXTURE = "FIXTURE"

    site = models.ForeignKey(Site, models.PROTECT)
    code = models.CharField(max_length=40)
    name = models.CharField(max_length=80)
    kind = models.CharField(max_length=8, choices=Kind, default=Kind.TOOL)
    pieces = models.PositiveSmallIntegerField(default=1, help_text="how many there are")
    history = HistoricalRecords()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["site", "code"], name="tool_code_is_unique_a_site"),
            models.CheckConstraint(name="tool_has_a_piece", condition=Q(pieces__gte=1)),
            models.CheckConstraint(
                name="tool_kind_is_known", condition=Q(kind__in=["TOOL", "GAUGE", "FIXTURE"])
            ),
        ]

    def __str__(self) -> str:
        return self.code


class ToolLoss(models.Model):
    """One piece of a tool that is lost, broken or away: open until it is there again."""

    site = models.ForeignKey(Site, models.PROTECT)
    tool = models.ForeignKey(Tool, models.PROTECT, related_name="losses")
    note = models.CharField(max_length=200, blank=True)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    back_at = models.DateTimeField(null=True)
    back_said_by = models.CharField(max_length=80, blank=True)
    back_said_at = models.DateTimeField(null=True)
    opened_seq = models.BigIntegerField()
    closed_seq = models.BigIntegerField(null=True)

    class Meta:
        verbose_name_plural = "tool losses"
        constraints = [
            models.CheckConstraint(
                name="tool_loss_ends_after_it_starts",
                condition=Q(ended_at__isnull=True) | Q(ended_at__gte=F("started_at")),
            )
        ]


class CalendarException(models.Model):
    """A window in which a calendar or one unit differs: holiday, overtime, planned stop."""

    class Kind(models.TextChoices):
        OPEN = "OPEN"
        CLOSED = "CLOSED"

    site = models.ForeignKey(Site, models.PROTECT)
    calendar = models.ForeignKey(WorkCalendar, models.PROTECT, null=True, blank=True)
    unit = models.ForeignKey(Equipment, models.PROTECT, null=True, blank=True)
    kind = models.CharField(max_length=6, choices=Kind)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    reason = models.CharField(max_length=120)
    # Taken out by an undo: the row stays, so that the past can be read.
    removed_seq = models.BigIntegerField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="exception_is_for_a_calendar_or_a_unit",
                condition=Q(calendar__isnull=True) ^ Q(unit__isnull=True),
            ),
            models.CheckConstraint(
                name="exception_ends_after_it_starts", condition=Q(ends_at__gt=F("starts_at"))
            ),
            models.CheckConstraint(
                name="exception_kind_is_known", condition=Q(kind__in=["OPEN", "CLOSED"])
            ),
        ]


class CostRate(models.Model):
    """What a thing costs, from when, by whose word. No rate: the option says 'unknown'."""

    class What(models.TextChoices):
        OVERTIME_HOUR = "OVERTIME_HOUR"  # full wage of one person for an overtime hour
        OVERTIME_MINIMUM_HOURS = "OVERTIME_MINIMUM_HOURS"
        UNIT_HOUR = "UNIT_HOUR"  # marginal cost of a running hour
        SETUP_HOUR = "SETUP_HOUR"
        CARRYING_PERCENT_YEAR = "CARRYING_PERCENT_YEAR"
        FREIGHT_FAST = "FREIGHT_FAST"
        # Share of what the old date would cost that a new one leaves: goodwill.
        NEW_PROMISE_PERCENT = "NEW_PROMISE_PERCENT"
        SUBCONTRACT_PIECE = "SUBCONTRACT_PIECE"  # of an external unit
        SUBCONTRACT_ORDER = "SUBCONTRACT_ORDER"  # transport and papers, a job
        MAKESHIFT = "MAKESHIFT"  # a repair for now, besides the full one
        CONCESSION = "CONCESSION"  # papers and tests of pieces that are used as they are

    site = models.ForeignKey(Site, models.PROTECT)
    what = models.CharField(max_length=24, choices=What)
    unit = models.ForeignKey(Equipment, models.PROTECT, null=True, blank=True)
    amount = models.DecimalField(max_digits=18, decimal_places=4)
    source = models.CharField(max_length=120)
    owner = models.CharField(max_length=80)
    valid_from = models.DateTimeField()
    valid_to = models.DateTimeField(null=True, blank=True)
    history = HistoricalRecords()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="rate_ends_after_it_starts",
                condition=Q(valid_to__isnull=True) | Q(valid_to__gt=F("valid_from")),
            ),
            models.CheckConstraint(name="rate_is_not_negative", condition=Q(amount__gte=0)),
        ]
