"""What a person does with his own plant: open it, bring its files in, store them, take it away."""

from __future__ import annotations

import hashlib
import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from equipment.actions import report_breakdown, working_spans
from equipment.models import Downtime, Equipment
from mes.actor import Actor
from mes.clock import plant_now, wall_now
from mes.commands import Command, Outcome, run
from mes.errors import Missing, Refused
from mes.masters import delete_master, save_master
from mes.models import (
    CommandKey,
    RoleGrant,
    ShopFloorEvent,
    Site,
    SiteClock,
    SiteHead,
    SitePlan,
)
from planning.ownplant.dispatch import Step, arrange, lower_bound
from planning.ownplant.follow import CLOSE
from planning.ownplant.load import is_empty
from planning.ownplant.models import ImportFile, PlantImport
from planning.personas import grant_personas
from workorders.actions import move_job, set_queue
from workorders.models import JobOrder

State = PlantImport.State
SHIFT, TWO_WEEKS = timedelta(hours=8), timedelta(days=14)
ARRANGED = ("date", "slack", "family")
# What the floor said: from the first of these on, a plant is no try any more.
FLOOR = (
    "workorders.job.started", "workorders.production.reported", "workorders.order.put_away",
    "workorders.fact.unsettled", "materials.stock.received", "materials.stock.moved",
    "materials.stock.counted", "materials.line.shipped",
)  # fmt: skip


def open_plant(
    *, actor: Actor, home: Site, key: uuid.UUID, values: Mapping[str, Any]
) -> tuple[Site, Outcome]:
    """Open an empty plant; whoever opens it has there the roles that he has at home.

    values  code, name, time_zone, currency, default_late_cost_per_day
    """
    with transaction.atomic():
        site, made = Site.objects.get_or_create(code=values["code"], defaults=dict(values))
        if made:
            SiteHead.objects.create(site=site)
            SitePlan.objects.create(site=site)
        elif not CommandKey.objects.filter(site=site, key=key).exists():
            words = _("There is a plant called %(code)s already. Choose another code.")
            return site, Outcome(422, {"message": words % {"code": site.code}, "code": "rule"})
        grants = RoleGrant.objects.filter(person=actor.person_id, site=home)
        outcome = _grant(site, key, actor, list(grants))
    return site, outcome


def _grant(site: Site, key: uuid.UUID, actor: Actor, grants: Sequence[RoleGrant]) -> Outcome:
    """Give the same rights on a new site as these are elsewhere."""

    def give(command: Command) -> None:
        for grant in grants:
            grant.pk = None
            grant.site = command.site
            grant._state.adding = True
            save_master(command, grant)
        if settings.MODE != "PRODUCTION":
            grant_personas(command)

    body = {"grants": sorted((grant.person_id, grant.role) for grant in grants)}
    return run(site=site, key=key, actor=actor, name="planning.ownplant.open", body=body, act=give)


def bring_in(command: Command, *, files: Sequence[tuple[str, str, bytes]]) -> dict[str, Any]:
    """Take files in to be read; (name, sha256, data) each."""
    row = PlantImport.objects.create(
        site=command.site, person_id=command.actor.person_id, created_at=wall_now()
    )
    ImportFile.objects.bulk_create(
        ImportFile(site=command.site, plant_import=row, name=name, sha256=sha, data=data)
        for name, sha, data in files
    )
    return {"import": row.pk}


def fingerprint(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def correct(
    command: Command,
    *,
    import_id: int,
    mapping: dict[str, Any] | None = None,
    fixes: dict[str, str] | None = None,
    set_aside: bool | None = None,
) -> dict[str, Any]:
    """Say how columns read, or what to do about a finding; the dry run is made anew."""
    row = _find(command, import_id)
    if mapping is not None:
        row.mapping = mapping
    if fixes is not None:
        row.fixes = {**row.fixes, **fixes}
    if set_aside is not None:
        row.set_aside = set_aside
    row.state, row.failure, row.done, row.of = State.READING, "", 0, 0
    row.save()
    return {"import": row.pk}


def store(command: Command, *, import_id: int, arranged: str) -> dict[str, Any]:
    """Ask for a checked import to be stored, whole or not at all.

    :raises Refused: if something in it is still wrong, or a plant is there already.
    """
    row = _find(command, import_id)
    if not row.report.get("ready"):
        raise Refused(_("Something in the file is still wrong. Mend it, or set the rows aside."))
    if not is_empty(command.site):
        raise Refused(_("There is a plant on this site already. Open a new plant for this file."))
    if arranged not in ARRANGED:
        raise Refused(_("Choose how the work is arranged: by date, slack or family."))
    row.state, row.arranged, row.failure, row.done, row.of = State.STORING, arranged, "", 0, 0
    row.save()
    return {"import": row.pk}


def take_over(command: Command, *, import_id: int, closed: Sequence[str]) -> dict[str, Any]:
    """Ask for the plant to be brought up to a checked file.

    closed  "sheet/key" of rows that the file no longer has and that are over; the others stay.

    :raises Refused: if something in it is still wrong, or nothing differs.
    """
    row = _find(command, import_id)
    if not row.report.get("ready"):
        raise Refused(_("Something in the file is still wrong. Mend it, or set the rows aside."))
    difference = row.report.get("difference")
    if not difference or not any(difference.values()):
        raise Refused(_("The file says what the plant knows; there is nothing to take over."))
    gone = {f"{sheet}/{key}" for sheet, key in difference["gone"]}
    kept = {name: what for name, what in row.fixes.items() if name not in gone}
    row.fixes = kept | dict.fromkeys(sorted(gone.intersection(closed)), CLOSE)
    row.state, row.failure, row.done, row.of = State.STORING, "", 0, 0
    row.save()
    return {"import": row.pk}


def _find(command: Command, import_id: int) -> PlantImport:
    row = PlantImport.objects.select_for_update().filter(site=command.site, pk=import_id).first()
    if row is None:
        raise Missing(_("There is no such import here."))
    if row.state not in (State.CHECKED, State.UNREADABLE):
        raise Refused(
            _("This file is being worked on, or is stored already. Reload the page."),
            status=409,
            code="stale",
        )
    return row


def arrange_by(command: Command, *, by: str) -> dict[str, Any]:
    """Put every queue in an order: by due date, by slack, or families together.

    What runs stays at the head. Slack is what is left until the due date once the work that
    still has to be done is taken off.
    """
    if by not in ARRANGED:
        raise Refused(_("Choose how the work is arranged: by date, slack or family."))
    jobs = list(
        JobOrder.objects.filter(site=command.site)
        .exclude(status__in=["COMPLETED", "ABORTED", "CLOSED"])
        .select_related("work_order__item")
        .order_by("work_order__due_at", "work_order__code", "number")
    )
    work: dict[int, Decimal] = defaultdict(Decimal)
    family: dict[str, datetime] = {}
    for job in jobs:
        work[job.work_order_id] += job.setup_s + job.fixed_s + job.run_s * (job.quantity - job.good)
        family.setdefault(job.work_order.item.family, job.work_order.due_at)

    def place(job: JobOrder) -> tuple[Any, ...]:
        due = job.work_order.due_at
        runs = job.status != JobOrder.Status.RUNNING
        if by == "slack":
            return (runs, due - timedelta(seconds=float(work[job.work_order_id])))
        if by == "family":
            name = job.work_order.item.family
            return (runs, family[name], name, due)
        return (runs, due)

    wanted: dict[int, list[int]] = defaultdict(list)
    for job in sorted(jobs, key=place):
        wanted[job.unit_id].append(job.pk)
    moved = 0
    for unit_id in sorted(wanted):
        answer = set_queue(command, unit_id=unit_id, job_order_ids=wanted[unit_id])
        moved += len(answer["moved"])
    return {"moved": moved}


def arrange_early(command: Command) -> dict[str, Any]:
    """Choose machines and sequences for all open work so that the last of it ends early.

    Returns makespan_s and bound_s, reckoned without calendars; what runs is not moved away.
    """
    by_order: dict[int, list[JobOrder]] = defaultdict(list)
    for job in (
        JobOrder.objects.filter(site=command.site)
        .exclude(status__in=["COMPLETED", "ABORTED", "CLOSED"])
        .order_by("work_order__due_at", "work_order__code", "number")
        .prefetch_related("alternates")
    ):
        by_order[job.work_order_id].append(job)
    chains = list(by_order.values())
    steps = [[Step(_times(job)) for job in chain] for chain in chains]
    found = arrange(steps)
    for unit_id, queue in found.queues.items():
        for n, at in queue:
            if chains[n][at].unit_id != unit_id:
                move_job(command, job_order_id=chains[n][at].pk, to_unit_id=unit_id, position=10**6)
    for unit_id, queue in sorted(found.queues.items()):
        set_queue(command, unit_id=unit_id, job_order_ids=[chains[n][at].pk for n, at in queue])
    return {"makespan_s": found.makespan_s, "bound_s": lower_bound(steps)}


def _times(job: JobOrder) -> dict[int, int]:
    """Unit -> seconds of what is left of a job there."""
    left = job.quantity - job.good
    own = {job.unit_id: int(job.setup_s + job.fixed_s + job.run_s * left)}
    if job.status == JobOrder.Status.RUNNING:
        return own
    return own | {
        each.unit_id: int(each.setup_s + job.fixed_s + each.run_s * left)
        for each in job.alternates.all()
    }


def break_worst(command: Command) -> dict[str, Any]:
    """Stop the machine that has the most work waiting, for a shift of its own working time.

    :raises Refused: if there is no work, or every machine with work stands already.
    """
    work: dict[int, Decimal] = defaultdict(Decimal)
    jobs = JobOrder.objects.filter(site=command.site).exclude(
        status__in=["COMPLETED", "ABORTED", "CLOSED"]
    )
    for job in jobs.exclude(unit__downtimes__in=Downtime.objects.filter(ended_at=None)):
        work[job.unit_id] += job.setup_s + job.fixed_s + job.run_s * (job.quantity - job.good)
    if not work:
        raise Refused(_("No machine that runs has work waiting, so there is none to break."))
    unit = Equipment.objects.get(pk=max(sorted(work), key=lambda pk: work[pk]))
    # Over a weekend a day hurts nobody: what counts is the time that it would have worked.
    back_at, left = command.now + timedelta(days=1), SHIFT
    for start, end in working_spans(command.site, unit, command.now, command.now + TWO_WEEKS):
        start = max(start, command.now)
        back_at = min(end, start + left)
        left -= back_at - start
        if not left:
            break
    return report_breakdown(command, unit_id=unit.pk, back_at=back_at, said_by=command.actor.name)


def review(command: Command, *, import_id: int, order: str, right: bool, why: str) -> None:
    """Note whether a projected order is as the planner knows it, and why not."""
    row = (
        PlantImport.objects.select_for_update()
        .filter(site=command.site, pk=import_id, state=State.STORED)
        .first()
    )
    if row is None:
        raise Missing(_("There is no such import here."))
    row.review = {**row.review, order: {"right": right, "why": why[:200]}}
    row.save(update_fields=["review"])


def remove(*, actor: Actor, site: Site, key: uuid.UUID, import_id: int) -> tuple[Site, Outcome]:
    """Put an imported plant away and open an empty one in its place, with the files to try again.

    The ledger is never shortened: the plant that was stays, under another code, with nobody on
    it and its clock stopped.
    """
    again: dict[str, Any] = {}

    def put_away(command: Command) -> dict[str, Any]:
        row = (
            PlantImport.objects.select_for_update()
            .filter(site=command.site, pk=import_id, state=State.STORED)
            .first()
        )
        if row is None:
            raise Missing(_("There is no such import here."))
        if row.report.get("followed"):
            raise Refused(
                _("This file brought a plant up to date. What it changed is taken back one by one.")
            )
        said = ShopFloorEvent.objects.filter(
            site=command.site, kind__in=FLOOR, seq__gt=row.stored_seq or 0
        ).first()
        if said is not None:
            raise Refused(
                _("The floor has reported since, so this plant is no try any more. It stays.")
            )
        old = Site.objects.get(pk=command.site.pk)
        again.update(
            code=old.code, name=old.name, time_zone=old.time_zone, currency=old.currency,
            default_late_cost_per_day=old.default_late_cost_per_day,
        )  # fmt: skip
        again["grants"] = list(RoleGrant.objects.filter(site=old))
        again["row"] = row
        for grant in RoleGrant.objects.filter(site=old):
            delete_master(command, grant)
        SiteClock.objects.get_or_create(site=old, defaults={"at": plant_now(old), "speed": 0})
        old.clock = Site.Clock.SIMULATED
        old.code = f"~{old.pk}"
        save_master(command, old)
        PlantImport.objects.filter(pk=row.pk).update(state=State.REMOVED)
        return {"import": row.pk}

    with transaction.atomic():
        outcome = run(
            site=site,
            key=key,
            actor=actor,
            name="planning.ownplant.remove",
            body={"import": import_id},
            act=put_away,
        )
        if not outcome.ok or not again:
            return site, outcome
        row, grants = again.pop("row"), again.pop("grants")
        fresh = Site.objects.create(**again)
        SiteHead.objects.create(site=fresh)
        SitePlan.objects.create(site=fresh)
        _grant(fresh, key, actor, grants)
        copy = PlantImport.objects.create(
            site=fresh, person=row.person, mapping=row.mapping, fixes=row.fixes,
            set_aside=row.set_aside, created_at=wall_now(),
        )  # fmt: skip
        ImportFile.objects.bulk_create(
            ImportFile(
                site=fresh, plant_import=copy, name=each.name, sha256=each.sha256, data=each.data
            )
            for each in row.files.order_by("pk")
        )
    return fresh, outcome
