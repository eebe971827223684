"""What it means for the rest: plan versions, disruptions, impacts, options, decisions."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from datetime import datetime, timedelta

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from equipment.models import Equipment
from materials.models import CustomerLine
from mes.models import Person, Role, Site, SitePlan, says_hours
from planning.erp.models import ErpEntry as ErpEntry
from planning.erp.models import ErpExport as ErpExport
from planning.ownfields.models import OwnField as OwnField
from planning.ownfields.models import OwnValue as OwnValue
from planning.ownplant.models import ImportFile as ImportFile
from planning.ownplant.models import PlantImport as PlantImport
from planning.shadow.models import Foresight as Foresight
from planning.shadow.models import ShadowMode as ShadowMode

Instants = tuple[datetime | None, ...]


class PlanVersionQuerySet(models.QuerySet["PlanVersion"]):
    def current(self, site: Site) -> PlanVersion | None:
        """The version that the site's plan is at, None before the first."""
        at = SitePlan.objects.filter(site=site).values("plan_version")
        return self.filter(site=site, version__in=at).first()


class PlanVersion(models.Model):
    """One projection of a site: packed times, small figures. Never updated but for `committed`.

    `job_ids`  int64 little-endian, n job orders; `times` int32 pairs (start, end) in seconds
    since `epoch`, in that order, -1 for no date. `line_ids` int64, m customer lines;
    `line_times` int32 triples (ready, ship, arrive). Packed columns are emptied when the
    version is no longer kept whole; the figures stay.
    """

    class Cause(models.TextChoices):
        EVENTS = "EVENTS"
        TICK = "TICK"
        ENGINE = "ENGINE"

    site = models.ForeignKey(Site, models.PROTECT)
    version = models.BigIntegerField()
    upto_seq = models.BigIntegerField()
    cause = models.CharField(max_length=6, choices=Cause)
    as_of = models.DateTimeField()
    epoch = models.DateTimeField()
    engine = models.CharField(max_length=20)
    engine_ms = models.FloatField()
    stored_at = models.DateTimeField()
    committed = models.BooleanField(default=False)
    job_ids = models.BinaryField(null=True)
    times = models.BinaryField(null=True)
    line_ids = models.BinaryField(null=True)
    line_times = models.BinaryField(null=True)
    figures = models.JSONField()

    objects = PlanVersionQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["site", "version"], name="plan_version_is_unique_a_site"
            ),
            models.CheckConstraint(
                name="plan_version_cause_is_known",
                condition=Q(cause__in=["EVENTS", "TICK", "ENGINE"]),
            ),
        ]

    def _instants(self, packed: bytes | memoryview | None, width: int) -> Iterator[Instants]:
        for row in struct.iter_unpack(f"<{width}i", bytes(packed or b"")):
            yield tuple(None if at < 0 else self.epoch + timedelta(seconds=at) for at in row)

    @staticmethod
    def _ids(packed: bytes | memoryview | None) -> Iterator[int]:
        return (row[0] for row in struct.iter_unpack("<q", bytes(packed or b"")))

    def job_times(self) -> dict[int, Instants]:
        """Job order id -> (start, end), None where it has no date."""
        return dict(zip(self._ids(self.job_ids), self._instants(self.times, 2), strict=True))

    def line_times_by_id(self) -> dict[int, Instants]:
        """Customer line id -> (ready, ship, arrive), None where it has no date."""
        return dict(zip(self._ids(self.line_ids), self._instants(self.line_times, 3), strict=True))


class CommittedPeg(models.Model):
    """A peg stored with the committed plan: kept as long as its supply still comes."""

    site = models.ForeignKey(Site, models.PROTECT)
    supply_kind = models.CharField(max_length=10, help_text="LOT, WORK_ORDER or PURCHASE")
    supply_id = models.BigIntegerField()
    demand_kind = models.CharField(max_length=10, help_text="COMPONENT or LINE")
    demand_id = models.BigIntegerField()
    quantity = models.DecimalField(max_digits=18, decimal_places=6)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["site", "supply_kind", "supply_id", "demand_kind", "demand_id"],
                name="committed_peg_is_unique",
            )
        ]


class DisruptionQuerySet(models.QuerySet["Disruption"]):
    def standing(self, site_id: int) -> DisruptionQuerySet:
        return self.filter(site_id=site_id).exclude(state="CLOSED")

    def awaiting_options(self, site_id: int) -> DisruptionQuerySet:
        """Those whose options are older than their impact; the longest waiting first."""
        return (
            self.standing(site_id)
            .filter(summary__options_due=True)
            .order_by("summary__options_version", "pk")
        )


class Disruption(models.Model):
    """Something that went wrong, with one cause; what it costs is in its impacts."""

    class Kind(models.TextChoices):
        BREAKDOWN = "BREAKDOWN"
        HOLD = "HOLD"
        SCRAP = "SCRAP"
        SLIP = "SLIP"
        SHORTAGE = "SHORTAGE"  # of a lot: pieces are not where they are booked
        SUPPLY = "SUPPLY"  # of a purchase line: late, short or overdue
        SLOW = "SLOW"  # of a unit: it does a part of its work only
        TOOL = "TOOL"  # a piece of it is lost
        ABSENCE = "ABSENCE"  # of a person
        CLOSURE = "CLOSURE"  # of a unit, an area, the plant: it does not work for a time
        DEMAND = "DEMAND"  # of a customer line: added, changed, re-dated, cancelled
        QUEUE = "QUEUE"  # of a unit: changed by hand
        CHECK = "CHECK"  # of a lot in quarantine: it waits too long for a decision
        RETURN = "RETURN"  # of a customer, who wants something in exchange
        REFUSED = "REFUSED"  # a job that can't be done where it was sent
        BACKLOG = "BACKLOG"

    class State(models.TextChoices):
        NEW = "NEW"
        OPEN = "OPEN"
        ACCEPTED = "ACCEPTED"
        SNOOZED = "SNOOZED"
        CLOSED = "CLOSED"

    site = models.ForeignKey(Site, models.PROTECT)
    number = models.PositiveIntegerField()
    kind = models.CharField(max_length=10, choices=Kind)
    # The cause is the subject of its events: the unit, the lot, the job order.
    subject_type = models.CharField(max_length=40)
    subject_id = models.BigIntegerField()
    subject_code = models.CharField(max_length=80)
    cause = models.JSONField(default=dict, help_text="facts of the cause, for the title")
    state = models.CharField(max_length=10, choices=State, default=State.NEW)
    growing = models.BooleanField(default=False)
    priority = models.PositiveSmallIntegerField(default=4)
    owner = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")
    back = models.JSONField(
        default=dict, help_text="why it came back after a decision: who said no, what stays"
    )
    opened_seq = models.BigIntegerField()
    last_seq = models.BigIntegerField()
    opened_at = models.DateTimeField()
    seen_at = models.DateTimeField(null=True, help_text="when somebody first looked at it")
    occurrences = models.PositiveIntegerField(default=1)
    snoozed_until = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)
    close_reason = models.CharField(max_length=200, blank=True)
    # The last figures, so that the inbox is one query.
    at_stake = models.DecimalField(max_digits=18, decimal_places=4, default=0)
    stake_seen = models.DecimalField(max_digits=18, decimal_places=4, default=0)
    summary = models.JSONField(default=dict)

    objects = DisruptionQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["site", "number"], name="disruption_number_is_unique_a_site"
            ),
            models.UniqueConstraint(
                fields=["site", "kind", "subject_type", "subject_id"],
                condition=~Q(state="CLOSED"),
                name="open_disruption_is_one_a_cause",
            ),
        ]


class Impact(models.Model):
    """What a disruption does, as of one plan version. Replaced by the next one."""

    site = models.ForeignKey(Site, models.PROTECT)
    disruption = models.ForeignKey(Disruption, models.PROTECT, related_name="impacts")
    version = models.BigIntegerField()
    upto_seq = models.BigIntegerField()
    stored_at = models.DateTimeField()
    # From the commit of the newest event it answers to the storing, in milliseconds.
    latency_ms = models.FloatField(null=True)
    at_stake = models.DecimalField(max_digits=18, decimal_places=4)
    booked = models.DecimalField(max_digits=18, decimal_places=4)
    absorbed = models.BooleanField(default=False)
    figures = models.JSONField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["disruption", "version"], name="impact_is_one_a_disruption_and_version"
            )
        ]


class Booking(models.Model):
    """Ledger: a customer line's change of lateness, booked to the cause that made it."""

    site = models.ForeignKey(Site, models.PROTECT)
    version = models.BigIntegerField()
    disruption = models.ForeignKey(Disruption, models.PROTECT, null=True)
    cause = models.CharField(
        max_length=20, help_text="DISRUPTION, DECISION, CLOCK, EVENTS or OPENING"
    )
    line = models.ForeignKey(CustomerLine, models.PROTECT)
    lateness_change_s = models.BigIntegerField()
    cost_change = models.DecimalField(max_digits=18, decimal_places=4)

    class Meta:
        indexes = [models.Index(fields=["site", "line"])]


class OptionQuerySet(models.QuerySet["Option"]):
    def offered_answers(self) -> OptionQuerySet:
        """Offered options that do something, best first."""
        return self.filter(verdict="OFFERED").exclude(kind__in=self.model.BY_HAND).order_by("rank")


class Option(models.Model):
    """One way to respond, costed against doing nothing, as of one plan version."""

    class Kind(models.TextChoices):
        DO_NOTHING = "DO_NOTHING"
        MINE = "MINE"
        OUTSIDE = "OUTSIDE"  # answered by something that the plan doesn't know of
        RESEQUENCE = "RESEQUENCE"
        ALTERNATE_UNIT = "ALTERNATE_UNIT"
        OVERTIME = "OVERTIME"
        COMBINE = "COMBINE"
        NEW_PROMISE = "NEW_PROMISE"
        PARTIAL_SHIPMENT = "PARTIAL_SHIPMENT"
        FASTER_FREIGHT = "FASTER_FREIGHT"
        EXPEDITE = "EXPEDITE"
        OTHER_SUPPLIER = "OTHER_SUPPLIER"
        SUBSTITUTE = "SUBSTITUTE"
        USE_SAFETY = "USE_SAFETY"
        REPEG = "REPEG"
        OVERLAP = "OVERLAP"
        PULL_FORWARD = "PULL_FORWARD"
        PARK = "PARK"
        SUBCONTRACT = "SUBCONTRACT"
        REOPTIMISE = "REOPTIMISE"
        SPLIT = "SPLIT"
        REMAKE = "REMAKE"
        CREW = "CREW"
        REWORK = "REWORK"
        CONCESSION = "CONCESSION"
        TEMPORARY_REPAIR = "TEMPORARY_REPAIR"

    class Verdict(models.TextChoices):
        OFFERED = "OFFERED"
        WORSE = "WORSE"
        IMPOSSIBLE = "IMPOSSIBLE"

    site = models.ForeignKey(Site, models.PROTECT)
    disruption = models.ForeignKey(Disruption, models.PROTECT, related_name="options")
    # The same idea keeps its name from version to version, so that a selection stays.
    slug = models.CharField(max_length=120)
    version = models.BigIntegerField()
    kind = models.CharField(max_length=16, choices=Kind)
    verdict = models.CharField(max_length=10, choices=Verdict, default=Verdict.OFFERED)
    rank = models.PositiveSmallIntegerField()
    changes = models.JSONField(default=list)
    footprint = models.JSONField(default=dict)
    figures = models.JSONField(default=dict)
    cash = models.DecimalField(max_digits=18, decimal_places=4, default=0)
    estimate = models.DecimalField(max_digits=18, decimal_places=4, default=0)
    late_cost = models.DecimalField(max_digits=18, decimal_places=4, default=0)
    saves = models.DecimalField(max_digits=18, decimal_places=4, default=0)
    weight = models.DecimalField(max_digits=18, decimal_places=4, default=0)
    decide_by = models.DateTimeField(null=True)

    # Always in the table, whatever was found: none of them is an answer that was looked for.
    BY_HAND = ("DO_NOTHING", "MINE", "OUTSIDE")

    objects = OptionQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["disruption", "slug"], name="option_is_one_a_disruption_and_idea"
            )
        ]


class StandingDecision(models.Model):
    """A planner's rule: what may be decided by itself, up to where, and when."""

    class Applies(models.TextChoices):
        ALWAYS = "ALWAYS", _("always")
        OFF_DUTY = "OFF_DUTY", _("when no planner is on duty")
        HOURS = "HOURS", _("in these hours")

    site = models.ForeignKey(Site, models.PROTECT)
    name = models.CharField(max_length=60)
    cause = models.CharField(max_length=10, blank=True, help_text="a kind of disruption; any")
    option_kind = models.CharField(max_length=16, blank=True, help_text="a kind of option; any")
    place = models.ForeignKey(
        Equipment, models.PROTECT, null=True, help_text="a unit, a cell, an area; any"
    )
    amount_limit = models.DecimalField(
        max_digits=18, decimal_places=4, validators=[MinValueValidator(0)]
    )
    nobody_later = models.BooleanField(default=True, help_text="no line later than without it")
    applies = models.CharField(max_length=8, choices=Applies, default=Applies.OFF_DUTY)
    hours = models.CharField(max_length=200, blank=True, validators=[says_hours])
    writer = models.ForeignKey(Person, models.PROTECT, related_name="+")
    active = models.BooleanField(default=True)
    history = HistoricalRecords()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["site", "name"], name="rule_name_is_unique_a_site"),
            models.CheckConstraint(
                name="a_rule_has_an_amount_of_at_least_zero", condition=Q(amount_limit__gte=0)
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Decision(models.Model):
    """Ledger: who chose what, having seen what, and how to take it back."""

    site = models.ForeignKey(Site, models.PROTECT)
    disruption = models.ForeignKey(Disruption, models.PROTECT, null=True, related_name="decisions")
    event_seq = models.BigIntegerField()
    kind = models.CharField(max_length=16)
    title = models.CharField(max_length=200)
    person = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")
    on_behalf_of = models.ForeignKey(
        Person, models.PROTECT, null=True, related_name="+", help_text="whose authority it was"
    )
    rule = models.ForeignKey(StandingDecision, models.PROTECT, null=True, related_name="decisions")
    saved_at = models.DateTimeField(null=True, help_text="when what it answers happened")
    seen_at = models.DateTimeField(null=True, help_text="when somebody first looked at that")
    at = models.DateTimeField()
    why = models.CharField(max_length=300, blank=True)
    version = models.BigIntegerField()
    committed_version_before = models.BigIntegerField()
    plan_hash_before = models.CharField(max_length=64)
    plan_hash_after = models.CharField(max_length=64)
    changes = models.JSONField()
    inverse = models.JSONField()
    footprint_after = models.JSONField()
    seen = models.JSONField(help_text="the options that were on the page, with their figures")
    predicted = models.JSONField()
    shadow = models.BooleanField(default=False, help_text="noted only: the plant listens")
    undo_of = models.OneToOneField("self", models.PROTECT, null=True, related_name="undone_by")


class ConsentQuerySet(models.QuerySet["Consent"]):
    def asked(self, site_id: int) -> ConsentQuerySet:
        """Those that are still waited for: what they carry is tentative."""
        return self.filter(site_id=site_id, state="ASKED")


class Consent(models.Model):
    """A yes that a decision needs. While one is asked for, its changes are tentative."""

    class State(models.TextChoices):
        ASKED = "ASKED"
        AGREED = "AGREED"
        REFUSED = "REFUSED"
        LAPSED = "LAPSED"  # nobody answered in time
        WITHDRAWN = "WITHDRAWN"  # the decision was taken back before anybody answered

    site = models.ForeignKey(Site, models.PROTECT)
    decision = models.ForeignKey(Decision, models.PROTECT, related_name="consents")
    who = models.CharField(
        max_length=10, help_text="OVERTIME, CREW, CUSTOMER, SUPPLIER, QUALITY or REPAIR"
    )
    role = models.CharField(max_length=12, choices=Role, help_text="who gets the yes")
    facts = models.JSONField(help_text="what it is about, for the words")
    asked_at = models.DateTimeField()
    latest_at = models.DateTimeField(help_text="by the plant's clock; silence is a no")
    state = models.CharField(max_length=10, choices=State, default=State.ASKED)
    answered_at = models.DateTimeField(null=True)
    answered_by = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")
    on_behalf_of = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")
    reason = models.CharField(max_length=200, blank=True)

    objects = ConsentQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="a_consent_is_asked_or_answered_at_an_instant",
                condition=Q(state="ASKED", answered_at=None)
                | (~Q(state="ASKED") & Q(answered_at__isnull=False)),
            )
        ]
        indexes = [
            models.Index(
                fields=["site", "latest_at"], condition=Q(state="ASKED"), name="asked_consents"
            )
        ]


class Approval(models.Model):
    """Somebody asks another, whose authority reaches further, to accept an option."""

    class State(models.TextChoices):
        ASKED = "ASKED"
        GIVEN = "GIVEN"
        REFUSED = "REFUSED"
        OVER = "OVER"  # the disruption ended or was answered in another way

    site = models.ForeignKey(Site, models.PROTECT)
    disruption = models.ForeignKey(Disruption, models.PROTECT, related_name="approvals")
    # Options come and go with the plan; the idea keeps its name.
    option = models.CharField(max_length=120)
    title = models.CharField(max_length=200)
    version = models.BigIntegerField(help_text="plan version that the asker looked at")
    changes = models.JSONField(null=True, help_text='of the option "mine"')
    lacks = models.JSONField(help_text="what the asker's authority lacked")
    cash = models.DecimalField(max_digits=18, decimal_places=4)
    why = models.CharField(max_length=300, blank=True)
    asked_by = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")
    asked_of = models.ForeignKey(Person, models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=State, default=State.ASKED)
    answered_at = models.DateTimeField(null=True)
    answered_by = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")
    reason = models.CharField(max_length=200, blank=True)
    decision = models.OneToOneField(Decision, models.PROTECT, null=True, related_name="approval")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["disruption", "option", "asked_of"],
                condition=Q(state="ASKED"),
                name="an_approval_is_asked_once_of_a_person",
            )
        ]


class CustomerTold(models.Model):
    """Ledger: what a customer was told of one of his lines, by whom, and for when."""

    site = models.ForeignKey(Site, models.PROTECT)
    line = models.ForeignKey(CustomerLine, models.PROTECT, related_name="told")
    disruption = models.ForeignKey(Disruption, models.PROTECT, related_name="told")
    decision = models.ForeignKey(Decision, models.PROTECT, null=True, related_name="told")
    person = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField()
    said_at = models.DateTimeField(null=True, help_text="the date that he was given, if one")
    text = models.TextField(max_length=2000)

    class Meta:
        indexes = [models.Index(fields=["site", "line", "id"])]


class Escalation(models.Model):
    """A step by which an undecided disruption was passed on, once since it waits."""

    site = models.ForeignKey(Site, models.PROTECT)
    disruption = models.ForeignKey(Disruption, models.PROTECT, related_name="escalations")
    since = models.DateTimeField(help_text="when it opened, or came back")
    step = models.PositiveSmallIntegerField()
    to = models.CharField(max_length=200, blank=True, help_text="whom it reached; empty: nobody")
    at = models.DateTimeField()
    decide_by = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["disruption", "since", "step"], name="a_disruption_is_passed_on_once_a_step"
            )
        ]


class HandOver(models.Model):
    """What one shift leaves to the next: the sheet as it was, and who took it over."""

    site = models.ForeignKey(Site, models.PROTECT)
    role = models.CharField(max_length=12, choices=Role, default=Role.PLANNER)
    made_at = models.DateTimeField()
    made_by = models.ForeignKey(Person, models.PROTECT, related_name="+")
    note = models.TextField(max_length=2000, blank=True)
    sheet = models.JSONField(help_text="what was open, as it was")
    confirmed_at = models.DateTimeField(null=True)
    confirmed_by = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="a_hand_over_is_confirmed_by_somebody_at_an_instant",
                condition=Q(confirmed_at=None, confirmed_by=None)
                | Q(confirmed_at__isnull=False, confirmed_by__isnull=False),
            ),
            models.CheckConstraint(
                name="planners_and_supervisors_hand_over",
                condition=Q(role__in=(Role.PLANNER, Role.SUPERVISOR)),
            ),
        ]
        indexes = [models.Index(fields=["site", "-id"])]
