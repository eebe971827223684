"""The cellar: the site, its people and devices, and the ledger of what happened."""

from __future__ import annotations

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from mes import rules


def says_hours(text: str) -> None:
    """A validator: hours of the week as `rules.hours_of` reads them."""
    try:
        rules.hours_of(text)
    except ValueError as problem:
        raise ValidationError(
            _("Write hours as Mon-Fri 06:00-14:00, Sat 06:00-12:00: %(what)s is none."),
            params={"what": problem},
        ) from problem


class Site(models.Model):
    """A plant (ISA-95 'site') and the policies by which its plan is projected."""

    class Clock(models.TextChoices):
        REAL = "REAL"
        SIMULATED = "SIMULATED"

    class QueueRule(models.TextChoices):
        PULL_READY = "PULL_READY"
        STRICT = "STRICT"

    code = models.CharField(max_length=12, unique=True)
    name = models.CharField(max_length=80)
    time_zone = models.CharField(max_length=40, default="UTC")
    currency = models.CharField(max_length=3, default="EUR")
    language = models.CharField(max_length=8, default="en")
    clock = models.CharField(max_length=10, choices=Clock, default=Clock.REAL)

    queue_rule = models.CharField(max_length=12, choices=QueueRule, default=QueueRule.PULL_READY)
    pull_window_s = models.PositiveIntegerField(default=3 * 86400)
    pull_after_s = models.PositiveIntegerField(default=30 * 60)
    suspend_after_s = models.PositiveIntegerField(default=2 * 3600)
    frozen_window_s = models.PositiveIntegerField(default=2 * 3600)
    # What one moved operation weighs in the ranking of options; never printed as a saving.
    move_price = models.DecimalField(max_digits=18, decimal_places=4, default=10)
    # Used where a customer has no rule of his own, and then marked as an estimate.
    default_late_cost_per_day = models.DecimalField(
        max_digits=18, decimal_places=4, null=True, blank=True
    )
    accept_tolerance_ppm = models.PositiveIntegerField(default=10_000)
    supplier_lateness_s = models.PositiveIntegerField(default=5 * 86400)
    checks_stock = models.BooleanField(default=True)
    checks_purchases = models.BooleanField(default=True)

    history = HistoricalRecords()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="site_clock_is_known", condition=Q(clock__in=["REAL", "SIMULATED"])
            ),
            models.CheckConstraint(
                name="site_queue_rule_is_known",
                condition=Q(queue_rule__in=["PULL_READY", "STRICT"]),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.name}"


class SiteHead(models.Model):
    """The end of a site's ledger. Touched by writers only, as the last lock of a transaction."""

    site = models.OneToOneField(Site, models.PROTECT, primary_key=True, related_name="head")
    seq = models.BigIntegerField(default=0)
    head_hash = models.BinaryField(max_length=32, default=bytes(32))


class SitePlan(models.Model):
    """How far the plan has been computed. Touched by the recompute only."""

    site = models.OneToOneField(Site, models.PROTECT, primary_key=True, related_name="plan")
    computed_seq = models.BigIntegerField(default=0)
    plan_version = models.BigIntegerField(default=0)
    committed_version = models.BigIntegerField(default=0)
    as_of = models.DateTimeField(null=True)
    # When something is next expected to start or end, or a shift's edge comes: time for a tick.
    next_at = models.DateTimeField(null=True)
    computed_at = models.DateTimeField(null=True)
    # Set by a trigger when a table of the engine changed outside an action: load cold.
    dirty = models.BooleanField(default=True)
    failures = models.PositiveSmallIntegerField(default=0)
    failure = models.TextField(blank=True)


class SiteClock(models.Model):
    """The stored instant of a SIMULATED site; moved forward by one act only."""

    site = models.OneToOneField(Site, models.PROTECT, primary_key=True, related_name="simulated")
    at = models.DateTimeField()
    # How fast the demo's simulator moves it: 0 paused, 1 real time, 60 a minute a second.
    speed = models.PositiveSmallIntegerField(default=1)


class Person(models.Model):
    """Somebody who works here; a desk user signs in, an operator shows a badge."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="person"
    )
    name = models.CharField(max_length=80)
    badge_sha256 = models.CharField(max_length=64, null=True, blank=True, unique=True)
    language = models.CharField(max_length=8, blank=True)
    history = HistoricalRecords()

    def __str__(self) -> str:
        return self.name

    @property
    def initials(self) -> str:
        return "".join(part[0] for part in self.name.split()[:2]).upper()


class Role(models.TextChoices):
    OPERATOR = "OPERATOR"
    SUPERVISOR = "SUPERVISOR"
    PLANNER = "PLANNER"
    BUYER = "BUYER"
    QUALITY = "QUALITY"
    MAINTENANCE = "MAINTENANCE"
    STORES = "STORES"
    SALES = "SALES"
    ENGINEER = "ENGINEER"
    MANAGER = "MANAGER"
    ADMIN = "ADMIN"
    VIEWER = "VIEWER"


class RoleGrant(models.Model):
    """A person's role on a site, and how far his authority reaches there."""

    person = models.ForeignKey(Person, models.CASCADE, related_name="grants")
    role = models.CharField(max_length=12, choices=Role)
    site = models.ForeignKey(Site, models.CASCADE)
    amount_limit = models.DecimalField(
        max_digits=18, decimal_places=4, null=True, blank=True, help_text="empty: no limit"
    )
    may_touch_frozen = models.BooleanField(default=False)
    may_hurt_customer = models.BooleanField(default=True)
    hours = models.CharField(
        max_length=200, blank=True, validators=[says_hours],
        help_text="when he is on duty and may decide: Mon-Fri 06:00-14:00; empty: always",
    )  # fmt: skip
    on_call = models.CharField(
        max_length=200, blank=True, validators=[says_hours],
        help_text="when he is called though not on duty: Mon-Sun 22:00-06:00; empty: never",
    )  # fmt: skip
    # Stands in for him from one instant to another, with his authority.
    deputy = models.ForeignKey(
        Person, models.PROTECT, null=True, blank=True, related_name="stands_in"
    )
    deputy_from = models.DateTimeField(null=True, blank=True)
    deputy_to = models.DateTimeField(null=True, blank=True)
    history = HistoricalRecords()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["person", "role", "site"], name="role_is_granted_once_a_person_and_site"
            ),
            models.CheckConstraint(
                name="a_deputy_stands_in_from_an_instant_to_a_later_one",
                condition=Q(deputy=None)
                | Q(
                    deputy_from__isnull=False,
                    deputy_to__isnull=False,
                    deputy_from__lt=F("deputy_to"),
                ),
            ),
            models.CheckConstraint(
                name="nobody_is_his_own_deputy",
                condition=Q(deputy=None) | ~Q(deputy=F("person")),
            ),
            models.CheckConstraint(
                name="role_grant_role_is_known", condition=Q(role__in=Role.values)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.person} {self.role}"


class Device(models.Model):
    """A station or a machine that may post events. Only the hash of its token is kept."""

    site = models.ForeignKey(Site, models.PROTECT)
    code = models.CharField(max_length=40)
    station = models.CharField(max_length=40, blank=True, help_text="code of its work unit")
    token_sha256 = models.CharField(max_length=64, unique=True)
    role = models.CharField(max_length=12, choices=Role, default=Role.OPERATOR)
    revoked_at = models.DateTimeField(null=True, blank=True)
    history = HistoricalRecords(excluded_fields=["token_sha256"])

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["site", "code"], name="device_code_is_unique_a_site"),
            models.CheckConstraint(name="device_role_is_known", condition=Q(role__in=Role.values)),
        ]

    def __str__(self) -> str:
        return self.code


class PersonToken(models.Model):
    """A person's key to the API of one site: his roles there; decisions only if he said so."""

    site = models.ForeignKey(Site, models.PROTECT)
    person = models.ForeignKey(Person, models.PROTECT, related_name="tokens")
    name = models.CharField(max_length=60, help_text="what it is for")
    token_sha256 = models.CharField(max_length=64, unique=True)
    decides = models.BooleanField(default=False, help_text="may take decisions")
    made_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    history = HistoricalRecords(excluded_fields=["token_sha256"])

    def __str__(self) -> str:
        return self.name


class ShopFloorEvent(models.Model):
    """What happened, in gapless order a site, chained by hash. Append-only by trigger.

    `body` is the state that the event left, valid against the JSON schema of its kind and
    version in `mes/events/`.
    """

    site = models.ForeignKey(Site, models.PROTECT)
    seq = models.BigIntegerField()
    key = models.UUIDField()
    part = models.PositiveSmallIntegerField(help_text="place among the events of one command")
    kind = models.CharField(max_length=60)
    schema_version = models.PositiveSmallIntegerField(default=1)
    subject_type = models.CharField(max_length=40)
    subject_id = models.BigIntegerField()
    body = models.JSONField()
    person = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")
    device = models.ForeignKey(Device, models.PROTECT, null=True, related_name="+")
    on_behalf_of = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")
    occurred_at = models.DateTimeField()
    received_at = models.DateTimeField()
    late = models.BooleanField(default=False)
    corrects_seq = models.BigIntegerField(null=True)
    prev_hash = models.BinaryField(max_length=32)
    hash = models.BinaryField(max_length=32)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["site", "seq"], name="event_seq_is_unique_a_site"),
            models.UniqueConstraint(
                fields=["site", "key", "part"], name="event_of_a_command_is_stored_once"
            ),
        ]
        indexes = [
            models.Index(fields=["site", "subject_type", "subject_id", "seq"]),
            models.Index(fields=["site", "kind", "seq"]),
        ]

    def __str__(self) -> str:
        return f"{self.seq} {self.kind}"


class CommandKey(models.Model):
    """The answer that a command got, so that the same key gets the same answer. Kept 90 days."""

    site = models.ForeignKey(Site, models.PROTECT)
    key = models.UUIDField()
    name = models.CharField(max_length=60)
    body_sha256 = models.BinaryField(max_length=32)
    status = models.PositiveSmallIntegerField(null=True)
    response = models.JSONField(null=True)
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["site", "key"], name="command_key_is_unique_a_site")
        ]
        indexes = [models.Index(fields=["at"])]


class Task(models.Model):
    """Something a role, or one person of it, has to do because of an event or a decision."""

    site = models.ForeignKey(Site, models.PROTECT)
    role = models.CharField(max_length=12, choices=Role)
    person = models.ForeignKey(
        Person, models.PROTECT, null=True, related_name="+", help_text="empty: any of the role"
    )
    text = models.CharField(max_length=200)
    subject_type = models.CharField(max_length=40)
    subject_id = models.BigIntegerField()
    due_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True)
    done_by = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="task_is_done_after_it_was_made",
                condition=Q(done_at__isnull=True) | Q(done_at__gte=F("created_at")),
            )
        ]
        indexes = [
            models.Index(fields=["site", "role"], condition=Q(done_at=None), name="open_tasks")
        ]


class Notice(models.Model):
    """What a person was told of one cause: one row, however often it comes. See `mes.notices`."""

    class Kind(models.TextChoices):
        NEW = "NEW"
        GROWING = "GROWING"
        BACK = "BACK"
        OVER = "OVER"
        DECIDED = "DECIDED"
        ASSIGNED = "ASSIGNED"
        MENTIONED = "MENTIONED"
        ASKED = "ASKED"
        ANSWERED = "ANSWERED"
        ESCALATED = "ESCALATED"

    site = models.ForeignKey(Site, models.PROTECT)
    person = models.ForeignKey(Person, models.CASCADE, related_name="notices")
    cause = models.CharField(max_length=80, help_text="what repeats are counted on")
    kind = models.CharField(max_length=10, choices=Kind)
    subject_type = models.CharField(max_length=40)
    subject_id = models.BigIntegerField()
    url = models.CharField(max_length=200)
    text = models.CharField(max_length=300, help_text="in the person's language")
    priority = models.PositiveSmallIntegerField(null=True, help_text="empty: said to him in person")
    # What was last reported: the threshold against which worse is measured.
    value = models.DecimalField(max_digits=18, decimal_places=4, default=0)
    extent = models.PositiveIntegerField(default=0)
    first_at = models.DateTimeField()
    told_at = models.DateTimeField()
    times = models.PositiveIntegerField(default=1)
    held = models.PositiveIntegerField(default=0, help_text="repeats that were not told")
    held_since = models.DateTimeField(null=True)
    mailed = models.BooleanField(default=False)
    # It has ended; the person is told once it has stayed so.
    over_due_at = models.DateTimeField(null=True)
    over_text = models.CharField(max_length=300, blank=True)
    read_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["site", "person", "cause"], name="notice_is_one_a_person_and_cause"
            ),
            models.CheckConstraint(
                name="notice_kind_is_known",
                condition=Q(kind__in=[
                    "NEW", "GROWING", "BACK", "OVER", "DECIDED", "ASSIGNED", "MENTIONED", "ASKED",
                    "ANSWERED", "ESCALATED",
                ]),
            ),
        ]  # fmt: skip
        indexes = [
            models.Index(
                fields=["site", "person"], condition=Q(read_at=None), name="unread_notices"
            ),
            models.Index(
                fields=["over_due_at"], condition=Q(over_due_at__isnull=False), name="ended_causes"
            ),
        ]


class NoticeSetting(models.Model):
    """Which priorities reach a person by which way, and when his mail waits."""

    site = models.ForeignKey(Site, models.PROTECT)
    person = models.ForeignKey(Person, models.CASCADE, related_name="notice_settings")
    # Down to which priority: 1 is the most urgent, 0 is none.
    bell_priority = models.PositiveSmallIntegerField()
    mail_priority = models.PositiveSmallIntegerField()
    mail_in_person = models.BooleanField(default=True, help_text="what is said to him in person")
    mail_address = models.EmailField(blank=True, help_text="empty: that of the user")
    quiet_from = models.TimeField(null=True)
    quiet_until = models.TimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["site", "person"], name="notice_setting_is_one_a_person_and_site"
            ),
            models.CheckConstraint(
                name="notice_setting_names_priorities_up_to_4",
                condition=Q(bell_priority__lte=4, mail_priority__lte=4),
            ),
            models.CheckConstraint(
                name="quiet_hours_have_both_ends",
                condition=Q(quiet_from__isnull=True, quiet_until__isnull=True)
                | Q(quiet_from__isnull=False, quiet_until__isnull=False),
            ),
        ]


class OutgoingMail(models.Model):
    """A mail that waits to be sent: written with what it tells of, sent by a process of its own."""

    site = models.ForeignKey(Site, models.PROTECT)
    person = models.ForeignKey(Person, models.CASCADE, related_name="+")
    address = models.EmailField()
    language = models.CharField(max_length=8)
    lines = models.JSONField(help_text="[{text, url, at}], one a notice")
    message_id = models.UUIDField(unique=True)
    written_at = models.DateTimeField()
    # By the plant's clock, the person's quiet hours; by the wall's, the next try.
    held_until = models.DateTimeField(null=True)
    next_at = models.DateTimeField()
    attempts = models.PositiveIntegerField(default=0)
    sent_at = models.DateTimeField(null=True)
    given_up_at = models.DateTimeField(null=True)
    problem = models.CharField(max_length=200, blank=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["next_at"],
                condition=Q(sent_at=None, given_up_at=None),
                name="mail_to_be_sent",
            )
        ]


class Comment(models.Model):
    """Ledger: what a person wrote on any record; taking it back is a row that names it."""

    site = models.ForeignKey(Site, models.PROTECT)
    subject_type = models.CharField(max_length=40)
    subject_id = models.BigIntegerField()
    person = models.ForeignKey(Person, models.PROTECT, related_name="+")
    at = models.DateTimeField()
    text = models.TextField(max_length=2000, blank=True)
    withdraws = models.OneToOneField("self", models.PROTECT, null=True, related_name="withdrawn_by")

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="comment_says_something_or_takes_one_back",
                condition=(Q(withdraws__isnull=True) & ~Q(text=""))
                | Q(withdraws__isnull=False, text=""),
            )
        ]
        indexes = [models.Index(fields=["site", "subject_type", "subject_id", "id"])]


class FailedSignIn(models.Model):
    """Counts wrong passwords in the database: lock-outs work without Redis."""

    name = models.CharField(max_length=150, unique=True)
    tries = models.PositiveSmallIntegerField(validators=[MinValueValidator(1)])
    last_at = models.DateTimeField()


class Heartbeat(models.Model):
    """That a process lives: written by itself every few seconds, read by who watches the plant."""

    process = models.CharField(max_length=40, help_text="web, stream, worker-impact, sweeper")
    place = models.CharField(max_length=120, help_text="machine and process number")
    at = models.DateTimeField()
    figures = models.JSONField(default=dict)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["process", "place"], name="heartbeat_is_one_a_process")
        ]


class Tally(models.Model):
    """A running count of the processes together, for monitoring; no record of anything."""

    name = models.CharField(max_length=60)
    labels = models.CharField(max_length=200, blank=True)
    value = models.DecimalField(max_digits=24, decimal_places=6)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["name", "labels"], name="tally_is_one_a_name")
        ]


class ChainCheck(models.Model):
    """How far a site's record was verified, what was found, and the hash to go on from."""

    site = models.OneToOneField(Site, models.PROTECT, primary_key=True, related_name="chain_check")
    seq = models.BigIntegerField(default=0)
    hash = models.BinaryField(max_length=32, default=bytes(32))
    at = models.DateTimeField()
    problems = models.PositiveIntegerField(default=0)
    first_problem = models.TextField(blank=True)
