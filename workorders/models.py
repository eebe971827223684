"""What is to be made, by which operations, and what was made."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext, gettext_lazy
from simple_history.models import HistoricalRecords

from equipment.models import Equipment, Reason, Tool
from materials.models import CustomerLine, Item, Lot, PurchaseLine, quantity_field
from mes.models import Device, Person, Role, Site


class Span(models.TextChoices):
    """How an operation lies in its unit's calendar."""

    ANY = "ANY"
    NO_BREAK = "NO_BREAK"
    ELAPSED = "ELAPSED"


class Routing(models.Model):
    """How an item is made; effective-dated, copied into the work order at its release."""

    site = models.ForeignKey(Site, models.PROTECT)
    item = models.ForeignKey(Item, models.PROTECT, related_name="routings")
    revision = models.CharField(max_length=12, default="A")
    valid_from = models.DateTimeField()
    valid_to = models.DateTimeField(null=True, blank=True)
    history = HistoricalRecords()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["site", "item", "revision"], name="routing_revision_is_unique_an_item"
            )
        ]


class RoutingOperation(models.Model):
    site = models.ForeignKey(Site, models.PROTECT)
    routing = models.ForeignKey(Routing, models.CASCADE, related_name="operations")
    number = models.PositiveIntegerField()
    name = models.CharField(max_length=80)
    unit = models.ForeignKey(Equipment, models.PROTECT)
    setup_s = models.PositiveIntegerField(default=0)
    run_s = quantity_field(help_text="seconds a piece, planned (ISO 22400 PRI)")
    fixed_s = models.PositiveIntegerField(default=0, help_text="run time whatever the quantity")
    family = models.CharField(max_length=40, blank=True, help_text="for the set-up")
    span = models.CharField(max_length=8, choices=Span, default=Span.ANY)
    restarts = models.BooleanField(default=False, help_text="after an unplanned stop")
    yield_ppm = models.PositiveIntegerField(default=1_000_000)
    transfer_batch = quantity_field(null=True, blank=True, help_text="empty: the whole order")
    lag_s = models.PositiveIntegerField(default=0, help_text="to the next operation")
    history = HistoricalRecords()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["routing", "number"], name="operation_number_is_unique_a_routing"
            ),
            models.CheckConstraint(
                name="operation_yields_something",
                condition=Q(yield_ppm__gte=1) & Q(yield_ppm__lte=1_000_000),
            ),
        ]


class OperationAlternate(models.Model):
    """Another unit that can do the operation, at its own rate."""

    site = models.ForeignKey(Site, models.PROTECT)
    operation = models.ForeignKey(RoutingOperation, models.CASCADE, related_name="alternates")
    unit = models.ForeignKey(Equipment, models.PROTECT)
    setup_s = models.PositiveIntegerField(default=0)
    run_s = quantity_field()
    history = HistoricalRecords()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["operation", "unit"], name="alternate_unit_is_unique_an_operation"
            )
        ]


class OperationTool(models.Model):
    """A tool that an operation needs, at whichever of our units it is done."""

    site = models.ForeignKey(Site, models.PROTECT)
    operation = models.ForeignKey(RoutingOperation, models.CASCADE, related_name="tools")
    tool = models.ForeignKey(Tool, models.PROTECT)
    history = HistoricalRecords()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["operation", "tool"], name="operation_tool_is_unique_an_operation"
            )
        ]


class WorkOrder(models.Model):
    """An order to make a quantity of an item (ISA-95 'work request')."""

    class Status(models.TextChoices):
        WAITING = "WAITING"
        RELEASED = "RELEASED"
        COMPLETED = "COMPLETED"
        CLOSED = "CLOSED"
        ABORTED = "ABORTED"

    site = models.ForeignKey(Site, models.PROTECT)
    code = models.CharField(max_length=40)
    item = models.ForeignKey(Item, models.PROTECT)
    quantity = quantity_field()
    put_away_quantity = quantity_field(default=0)
    due_at = models.DateTimeField(help_text="need-by")
    priority = models.PositiveSmallIntegerField(default=5)
    status = models.CharField(max_length=10, choices=Status, default=Status.WAITING)
    customer_line = models.ForeignKey(
        CustomerLine, models.PROTECT, null=True, blank=True, help_text="if made to order"
    )
    lot = models.ForeignKey(
        Lot, models.PROTECT, null=True, related_name="+", help_text="of its output"
    )
    # Its pieces are not made but mended: of a lot, or those that a job order lost.
    mends_lot = models.ForeignKey(Lot, models.PROTECT, null=True, related_name="mended_by")
    mends_job = models.ForeignKey("JobOrder", models.PROTECT, null=True, related_name="mended_by")
    not_before = models.DateTimeField(null=True)
    released_at = models.DateTimeField(null=True)
    last_movement_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)
    version = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["site", "code"], name="work_order_code_is_unique_a_site"
            ),
            models.CheckConstraint(
                name="work_order_asks_for_something", condition=Q(quantity__gt=0)
            ),
            models.CheckConstraint(
                name="work_order_mends_a_lot_or_what_a_job_lost",
                condition=Q(mends_lot=None) | Q(mends_job=None),
            ),
            models.CheckConstraint(
                name="work_order_status_is_known",
                condition=Q(status__in=["WAITING", "RELEASED", "COMPLETED", "CLOSED", "ABORTED"]),
            ),
        ]
        indexes = [
            models.Index(
                fields=["site", "due_at"],
                condition=Q(status__in=["WAITING", "RELEASED"]),
                name="open_work_orders",
            ),
            models.Index(
                fields=["site", "closed_at"],
                condition=Q(status="COMPLETED", put_away_quantity=0),
                name="lost_work_orders",
            ),
        ]

    def __str__(self) -> str:
        return self.code


class JobOrder(models.Model):
    """One operation of a work order at one work unit (ISA-95 'job order').

    Its routing data are copies, frozen at release. Status and quantities change by
    conditional UPDATE; their history is the ledger. Planned times live in plan versions only.
    """

    class Status(models.TextChoices):
        """B2MML JobOrderDispatchStatus."""

        WAITING = "WAITING"
        READY = "READY"
        RUNNING = "RUNNING"
        SUSPENDED = "SUSPENDED"
        HELD = "HELD"
        COMPLETED = "COMPLETED"
        ABORTED = "ABORTED"
        CLOSED = "CLOSED"

    class WhyNot(models.TextChoices):
        """Why a job can't be done at a unit."""

        TOOL = "TOOL", gettext_lazy("Tool or fixture is missing")
        PROGRAM = "PROGRAM", gettext_lazy("No program for it")
        MACHINE = "MACHINE", gettext_lazy("The machine can't do it")
        PERSON = "PERSON", gettext_lazy("Nobody here can run it")

    site = models.ForeignKey(Site, models.PROTECT)
    work_order = models.ForeignKey(WorkOrder, models.PROTECT, related_name="job_orders")
    number = models.PositiveIntegerField()
    name = models.CharField(max_length=80)
    # Split off: both are one operation, share its pieces, and what follows waits for both.
    part_of = models.ForeignKey("self", models.PROTECT, null=True, related_name="parts")
    status = models.CharField(max_length=10, choices=Status, default=Status.WAITING)
    unit = models.ForeignKey(Equipment, models.PROTECT, related_name="job_orders")
    quantity = quantity_field(help_text="launch quantity, grossed up once for scrap")
    good = quantity_field(default=0)
    scrap = quantity_field(default=0)
    rework = quantity_field(default=0)
    setup_s = models.PositiveIntegerField(default=0)
    run_s = quantity_field(help_text="seconds a piece")
    fixed_s = models.PositiveIntegerField(default=0)
    family = models.CharField(max_length=40, blank=True)
    span = models.CharField(max_length=8, choices=Span, default=Span.ANY)
    restarts = models.BooleanField(default=False)
    yield_ppm = models.PositiveIntegerField(default=1_000_000)
    pinned = models.BooleanField(default=False)
    # A person finished it with fewer pieces than were launched: a correction leaves it finished.
    closed_short = models.BooleanField(default=False)
    not_before = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    completed_at = models.DateTimeField(null=True)
    last_report_at = models.DateTimeField(null=True)
    # Productive seconds up to the last report or stop, and since when the present run runs.
    productive_s = models.PositiveIntegerField(default=0)
    running_since = models.DateTimeField(null=True)
    # Why it stands where it stands, for the terminal: set by the act that moved it.
    moved_reason = models.CharField(max_length=200, blank=True)
    moved_at = models.DateTimeField(null=True)
    moved_by = models.CharField(max_length=80, blank=True)
    # At which unit it can't be done, as the floor says; of no meaning while it stands elsewhere.
    refused_unit = models.ForeignKey(Equipment, models.PROTECT, null=True, related_name="+")
    refused_why = models.CharField(max_length=8, choices=WhyNot, blank=True)
    refused_at = models.DateTimeField(null=True)
    refused_by = models.CharField(max_length=80, blank=True)
    version = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["work_order", "number"], name="job_order_number_is_unique_an_order"
            ),
            # Pieces are conserved; what is reported beyond the order becomes Unsettled instead.
            models.CheckConstraint(
                name="job_order_reports_at_most_what_was_launched",
                condition=Q(quantity__gte=F("good") + F("scrap") + F("rework")),
            ),
            models.CheckConstraint(
                name="job_order_quantities_are_not_negative",
                condition=Q(good__gte=0) & Q(scrap__gte=0) & Q(rework__gte=0),
            ),
            models.CheckConstraint(
                name="job_order_status_is_known",
                condition=Q(
                    status__in=[
                        "WAITING",
                        "READY",
                        "RUNNING",
                        "SUSPENDED",
                        "HELD",
                        "COMPLETED",
                        "ABORTED",
                        "CLOSED",
                    ]
                ),
            ),
            models.CheckConstraint(
                name="job_order_is_refused_somewhere_for_a_reason",
                condition=Q(refused_unit=None, refused_at=None, refused_why="")
                | Q(
                    refused_unit__isnull=False,
                    refused_at__isnull=False,
                    refused_why__in=["TOOL", "PROGRAM", "MACHINE", "PERSON"],
                ),
            ),
            models.CheckConstraint(
                name="job_order_runs_since_an_instant",
                condition=~Q(status="RUNNING") | Q(started_at__isnull=False),
            ),
        ]
        indexes = [
            models.Index(
                fields=["site", "unit"],
                condition=~Q(status__in=["COMPLETED", "ABORTED", "CLOSED"]),
                name="open_job_orders",
            )
        ]

    def __str__(self) -> str:
        return f"{self.work_order_id}/{self.number}"

    @property
    def title(self) -> str:
        """The name of its operation, and of which one it is a part."""
        if self.part_of is None:
            return self.name
        return gettext("%(name)s · part of op %(number)s") % {
            "name": self.name,
            "number": self.part_of.number,
        }


class JobAlternate(models.Model):
    """Frozen at release: another unit that can do this job order."""

    site = models.ForeignKey(Site, models.PROTECT)
    job_order = models.ForeignKey(JobOrder, models.CASCADE, related_name="alternates")
    unit = models.ForeignKey(Equipment, models.PROTECT)
    setup_s = models.PositiveIntegerField(default=0)
    run_s = quantity_field()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["job_order", "unit"], name="job_alternate_is_unique_a_job_order"
            )
        ]


class JobTool(models.Model):
    """Frozen at release: a tool that this job order needs."""

    site = models.ForeignKey(Site, models.PROTECT)
    job_order = models.ForeignKey(JobOrder, models.CASCADE, related_name="tools")
    tool = models.ForeignKey(Tool, models.PROTECT)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["job_order", "tool"], name="job_tool_is_unique_a_job_order"
            )
        ]


class JobLink(models.Model):
    """Frozen at release: the follower waits for the predecessor's end, or for a batch of it."""

    class Kind(models.TextChoices):
        FINISH_START = "FS"
        OVERLAP = "OVERLAP"

    site = models.ForeignKey(Site, models.PROTECT)
    predecessor = models.ForeignKey(JobOrder, models.CASCADE, related_name="followers")
    follower = models.ForeignKey(JobOrder, models.CASCADE, related_name="predecessors")
    kind = models.CharField(max_length=8, choices=Kind, default=Kind.FINISH_START)
    batch = quantity_field(null=True)
    lag_s = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["predecessor", "follower"], name="job_link_is_unique"),
            models.CheckConstraint(
                name="overlap_has_a_batch", condition=~Q(kind="OVERLAP") | Q(batch__gt=0)
            ),
        ]


class UnitQueue(models.Model):
    """The order of the open job orders at one unit, rewritten whole; its version is a footprint."""

    site = models.ForeignKey(Site, models.PROTECT)
    unit = models.OneToOneField(Equipment, models.PROTECT, related_name="queue")
    version = models.BigIntegerField(default=0)
    job_order_ids = ArrayField(models.BigIntegerField(), default=list)


class JobMaterial(models.Model):
    """Frozen at release: what a job order takes. `required` is for the launch quantity."""

    site = models.ForeignKey(Site, models.PROTECT)
    job_order = models.ForeignKey(JobOrder, models.CASCADE, related_name="materials")
    item = models.ForeignKey(Item, models.PROTECT)
    instead_of = models.ForeignKey(
        Item, models.PROTECT, null=True, related_name="+", help_text="if it is a substitute"
    )
    quantity_per = quantity_field()
    required = quantity_field()
    issued = quantity_field(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["job_order", "item"], name="job_material_is_one_row_an_item"
            )
        ]


class JobResponse(models.Model):
    """Ledger: what really happened at a job order (ISA-95 'job response')."""

    site = models.ForeignKey(Site, models.PROTECT)
    job_order = models.ForeignKey(JobOrder, models.PROTECT, related_name="responses")
    unit = models.ForeignKey(Equipment, models.PROTECT)
    event_seq = models.BigIntegerField()
    person = models.ForeignKey(Person, models.PROTECT, null=True)
    device = models.ForeignKey(Device, models.PROTECT, null=True)
    at = models.DateTimeField()
    good = quantity_field(default=0)
    scrap = quantity_field(default=0)
    rework = quantity_field(default=0)
    reason = models.ForeignKey(Reason, models.PROTECT, null=True)
    corrects = models.OneToOneField("self", models.PROTECT, null=True, related_name="corrected_by")

    class Meta:
        indexes = [models.Index(fields=["job_order", "event_seq"])]


class Reservation(models.Model):
    """A supply kept for a demand: hard, by a person or a decision. Current row; acts are events."""

    site = models.ForeignKey(Site, models.PROTECT)
    lot = models.ForeignKey(Lot, models.PROTECT, null=True)
    work_order = models.ForeignKey(WorkOrder, models.PROTECT, null=True)
    purchase_line = models.ForeignKey(PurchaseLine, models.PROTECT, null=True)
    job_material = models.ForeignKey(JobMaterial, models.PROTECT, null=True)
    customer_line = models.ForeignKey(CustomerLine, models.PROTECT, null=True)
    quantity = quantity_field()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="reservation_has_one_supply",
                condition=(
                    Q(lot__isnull=False, work_order=None, purchase_line=None)
                    | Q(lot=None, work_order__isnull=False, purchase_line=None)
                    | Q(lot=None, work_order=None, purchase_line__isnull=False)
                ),
            ),
            models.CheckConstraint(
                name="reservation_has_one_demand",
                condition=Q(job_material__isnull=True) ^ Q(customer_line__isnull=True),
            ),
            models.CheckConstraint(name="reservation_keeps_something", condition=Q(quantity__gt=0)),
        ]


class Skill(models.Model):
    """What somebody has to be able to do to attend a unit."""

    site = models.ForeignKey(Site, models.PROTECT)
    code = models.CharField(max_length=30)
    name = models.CharField(max_length=80)
    history = HistoricalRecords()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["site", "code"], name="skill_code_is_unique_a_site")
        ]

    def __str__(self) -> str:
        return self.code


class UnitSkill(models.Model):
    """The skill that a unit needs somebody for, as long as it works."""

    site = models.ForeignKey(Site, models.PROTECT)
    unit = models.OneToOneField(Equipment, models.PROTECT, related_name="skill")
    skill = models.ForeignKey(Skill, models.PROTECT)
    history = HistoricalRecords()


class PersonSkill(models.Model):
    """What a person can attend, how many units at once, and in which shifts."""

    site = models.ForeignKey(Site, models.PROTECT)
    person = models.ForeignKey(Person, models.PROTECT, related_name="skills")
    skill = models.ForeignKey(Skill, models.PROTECT, related_name="people")
    units = models.PositiveSmallIntegerField(default=1, help_text="at once")
    shifts = ArrayField(
        models.CharField(max_length=40),
        default=list,
        blank=True,
        help_text="names of shifts; empty: all",
    )
    history = HistoricalRecords()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["person", "skill", "site"], name="person_has_a_skill_once_a_site"
            ),
            models.CheckConstraint(name="person_attends_a_unit", condition=Q(units__gte=1)),
        ]


class Absence(models.Model):
    """A person who is not there from when to when, and what he or she was to attend."""

    site = models.ForeignKey(Site, models.PROTECT)
    person = models.ForeignKey(Person, models.PROTECT, related_name="absences")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    note = models.CharField(max_length=100, blank=True)
    # The order in which units stand for it, first the one that somebody chose.
    unit_ids = ArrayField(models.BigIntegerField(), default=list)
    window_ids = ArrayField(models.BigIntegerField(), default=list)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["site", "person"],
                condition=Q(ended_at=None),
                name="person_is_absent_once_at_a_time",
            ),
            models.CheckConstraint(
                name="absence_ends_after_it_starts", condition=Q(ends_at__gt=F("starts_at"))
            ),
        ]


class Unsettled(models.Model):
    """A fact that the rules forbid: recorded, no stock moved, waiting for somebody entitled."""

    site = models.ForeignKey(Site, models.PROTECT)
    event_seq = models.BigIntegerField()
    what = models.CharField(max_length=40)
    sentence = models.CharField(max_length=300)
    job_order = models.ForeignKey(JobOrder, models.PROTECT, null=True)
    lot = models.ForeignKey(Lot, models.PROTECT, null=True)
    quantity = quantity_field(null=True)
    may_settle = models.CharField(max_length=12)
    settled_at = models.DateTimeField(null=True)
    settled_by = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")
    settlement = models.CharField(max_length=200, blank=True)


class CallKind(models.TextChoices):
    """Whom a station calls."""

    MAINTENANCE = "MAINTENANCE", gettext_lazy("Maintenance")
    QUALITY = "QUALITY", gettext_lazy("Quality")
    MATERIAL = "MATERIAL", gettext_lazy("Material")
    SUPERVISOR = "SUPERVISOR", gettext_lazy("Supervisor")
    SAFETY = "SAFETY", gettext_lazy("Safety")


class CallRoute(models.Model):
    """Who answers a kind of call on a site and how soon; without a row the house's rule holds."""

    site = models.ForeignKey(Site, models.PROTECT)
    kind = models.CharField(max_length=12, choices=CallKind)
    role = models.CharField(max_length=12, choices=Role)
    minutes = models.PositiveSmallIntegerField(help_text="until it goes to the next")
    history = HistoricalRecords()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["site", "kind"], name="call_route_is_one_a_kind"),
            models.CheckConstraint(
                name="call_route_kind_is_known", condition=Q(kind__in=CallKind.values)
            ),
            models.CheckConstraint(
                name="call_route_role_is_known", condition=Q(role__in=Role.values)
            ),
            models.CheckConstraint(
                name="call_route_waits_a_minute_to_a_day",
                condition=Q(minutes__gte=1) & Q(minutes__lte=1440),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.role}"


class AndonCall(models.Model):
    """A station calls for help. The row is how it stands; its history are its events.

    `roles` are those called so far, the last one is the one that it waits for.
    """

    class State(models.TextChoices):
        OPEN = "OPEN", gettext_lazy("Nobody has answered")
        TAKEN = "TAKEN", gettext_lazy("Somebody is coming")
        ARRIVED = "ARRIVED", gettext_lazy("Somebody is there")
        ENDED = "ENDED", gettext_lazy("Ended")
        CANCELLED = "CANCELLED", gettext_lazy("Cancelled")

    site = models.ForeignKey(Site, models.PROTECT)
    unit = models.ForeignKey(Equipment, models.PROTECT, related_name="calls")
    kind = models.CharField(max_length=12, choices=CallKind)
    state = models.CharField(max_length=10, choices=State, default=State.OPEN)
    stopped = models.BooleanField(help_text="the machine stands, else it still runs")
    note = models.CharField(max_length=200, blank=True)
    job_order = models.ForeignKey(JobOrder, models.PROTECT, null=True)
    called_at = models.DateTimeField()
    called_by = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")
    device = models.ForeignKey(Device, models.PROTECT, null=True, related_name="+")
    roles = ArrayField(models.CharField(max_length=12, choices=Role))
    level = models.PositiveSmallIntegerField(default=0)
    level_at = models.DateTimeField(help_text="since when it waits for its last role")
    # When it goes to the next one, None if there is no next; and what that was reckoned from:
    # the least slack of the deliveries that wait for the unit, in which plan version.
    due_at = models.DateTimeField(null=True)
    slack_s = models.BigIntegerField(null=True)
    plan_version = models.BigIntegerField(default=0)
    taken_at = models.DateTimeField(null=True)
    taken_by = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")
    expected_at = models.DateTimeField(null=True)
    arrived_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    ended_by = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")
    outcome = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["unit", "kind"],
                condition=Q(state__in=["OPEN", "TAKEN", "ARRIVED"]),
                name="a_station_calls_each_kind_once_at_a_time",
            ),
            models.CheckConstraint(
                name="call_kind_is_known", condition=Q(kind__in=CallKind.values)
            ),
            models.CheckConstraint(
                name="call_state_is_known",
                condition=Q(state__in=["OPEN", "TAKEN", "ARRIVED", "ENDED", "CANCELLED"]),
            ),
            models.CheckConstraint(
                name="call_is_over_at_an_instant",
                condition=Q(state__in=["ENDED", "CANCELLED"]) ^ Q(ended_at__isnull=True),
            ),
            models.CheckConstraint(
                name="call_is_answered_after_it_was_made",
                condition=(Q(taken_at__isnull=True) | Q(taken_at__gte=F("called_at")))
                & (Q(arrived_at__isnull=True) | Q(arrived_at__gte=F("taken_at")))
                & (Q(ended_at__isnull=True) | Q(ended_at__gte=F("called_at"))),
            ),
        ]
        indexes = [
            models.Index(
                fields=["site", "due_at"],
                condition=Q(state__in=["OPEN", "TAKEN", "ARRIVED"]),
                name="open_calls",
            )
        ]

    @property
    def is_over(self) -> bool:
        return self.state in (self.State.ENDED, self.State.CANCELLED)


class GenealogyEdge(models.Model):
    """Ledger: a consumed lot went into a produced lot."""

    site = models.ForeignKey(Site, models.PROTECT)
    event_seq = models.BigIntegerField()
    consumed = models.ForeignKey(Lot, models.PROTECT, related_name="went_into")
    produced = models.ForeignKey(Lot, models.PROTECT, related_name="made_from")
    quantity = quantity_field()
