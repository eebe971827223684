"""Feeds recorded days through the floor's own actions, on the site's simulated clock.

Every fact has a key of its own, drawn from what it says: running again sends the same commands,
and what was stored before is answered from its key. So a run may be stopped anywhere.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import partial
from statistics import median
from typing import Any

from celery import current_app
from django.db.models import Count, QuerySet
from django.utils.translation import gettext as _

from equipment.models import Reason
from materials import actions as materials
from materials.models import Location, PurchaseLine
from mes import actions as mes
from mes import commands
from mes.actor import SYSTEM
from mes.clock import plant_now, wall_now
from mes.errors import Refused
from mes.models import ShopFloorEvent, Site, SiteHead, SitePlan
from planning import snapshot, verify
from planning.actions import recompute, tick
from planning.actions.study import Study
from planning.adventureworks import choices
from planning.adventureworks.backlog import open_orders
from planning.adventureworks.fingerprint import digest, state_hash
from planning.adventureworks.load import SOURCE, key_of, loaded
from planning.adventureworks.mapping import order_code, purchase_codes, scrap_code
from planning.adventureworks.reading import Company
from planning.adventureworks.record import Fact, Kind, facts
from planning.models import Disruption, Impact, PlanVersion
from workorders import actions as workorders
from workorders.models import JobOrder, WorkOrder

POLL_S = 0.003
# Without an answer for so long the worker is taken to be gone, and this process computes.
PATIENCE_S = 20.0
PING_S = 1.5
STAND = ("lines", "late_lines", "foreseen", "state_hash")
FORESEEN = ("ends", "in_the_day", "off_minutes")

Act = Callable[[commands.Command], dict[str, Any]]


@dataclass
class Report:
    """What a replay did; `as_json` is what its command prints.

    sent      facts handed to the actions
    stored    those that are in the ledger, now or since an earlier run
    answered  those whose effect on the plan is stored
    days      how the plant stood at the end of each production day, see `_stand`
    """

    site: str
    as_of: date
    until: date
    sent: int = 0
    stored: int = 0
    answered: int = 0
    replayed: int = 0
    refused: int = 0
    unsettled: int = 0
    latencies_ms: list[float] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    days: list[dict[str, Any]] = field(default_factory=list)
    disruptions: dict[str, int] = field(default_factory=dict)
    impacts: dict[str, int] = field(default_factory=dict)
    state_hash: str = ""

    def as_json(self) -> dict[str, Any]:
        return {
            "site": self.site,
            "as_of": self.as_of.isoformat(),
            "until": self.until.isoformat(),
            "events": {
                "sent": self.sent,
                "stored": self.stored,
                "answered": self.answered,
                "replayed": self.replayed,
                "refused": self.refused,
                "unsettled": self.unsettled,
            },
            "latency": {
                "p50_ms": percentile(self.latencies_ms, 50),
                "p95_ms": percentile(self.latencies_ms, 95),
            },
            "disruptions": self.disruptions,
            "impacts": self.impacts,
            "days": [
                {name: value for name, value in day.items() if name != "lines"} for day in self.days
            ],
            "verify": "; ".join(self.problems) or "clean",
            "state_hash": self.state_hash,
        }


def percentile(values: Sequence[float], percent: int) -> float | None:
    """The value that `percent` of all do not exceed (nearest rank); None of nothing."""
    if not values:
        return None
    rank = max(-(-len(values) * percent // 100), 1)
    return round(sorted(values)[rank - 1], 1)


def worker_answers() -> bool:
    """Whether a worker of the impact queue is there to compute."""
    try:
        return bool(current_app.control.ping(timeout=PING_S))
    except Exception:  # no broker is as good as no worker
        return False


class Replay:
    """One run over the recorded days of a site.

    fast      send without waiting for each answer; wait at each day's end only
    compute   compute here, for no worker runs
    said      called with a line of progress

    :raises Refused: if the site did not come from these files, or the day is before its own.
    """

    def __init__(
        self,
        site: Site,
        company: Company,
        *,
        until: date,
        fast: bool,
        compute: bool,
        said: Callable[[str], None],
    ) -> None:
        before = loaded(site)
        if before is None or before["source"] != f"{SOURCE} {company.sha256}":
            raise Refused(
                _("Site %(site)s was not imported from these files. Import them first.")
                % {"site": site.code}
            )
        as_of = date.fromisoformat(before["as_of"])
        if until <= as_of:
            raise Refused(
                _("Site %(site)s begins on %(day)s; choose a later day.")
                % {"site": site.code, "day": as_of}
            )
        self.site = site
        self.fast = fast
        self.compute = compute
        self.said = said
        self.report = Report(site.code, as_of, until)
        self.facts = facts(company, open_orders(company, as_of), as_of)
        self.seqs: list[int] = []
        self._jobs = {
            (code, number): pk
            for pk, code, number in JobOrder.objects.filter(site=site).values_list(
                "pk", "work_order__code", "number"
            )
        }
        self._orders = dict(WorkOrder.objects.filter(site=site).values_list("code", "pk"))
        self._reasons = dict(Reason.objects.filter(site=site).values_list("code", "pk"))
        self._purchase_codes = purchase_codes(company)
        self._purchases = {
            (code, number): (pk, item)
            for pk, code, number, item in PurchaseLine.objects.filter(site=site).values_list(
                "pk", "order_code", "number", "item_id"
            )
        }
        self._store = (
            Location.objects.filter(site=site, kind=Location.Kind.STORE).order_by("pk").first()
        )

    def run(self) -> Report:
        day = self.report.as_of
        self.report.days.append(self._end_day(day))
        while day < self.report.until:
            day += timedelta(days=1)
            opens, closes = choices.opens(day - timedelta(days=1)), choices.opens(day)
            todays = [fact for fact in self.facts if opens <= fact.at < closes]
            for fact in todays:
                self._send(fact)
            self.report.days.append(self._end_day(day))
            self.said(
                _("%(day)s: %(n)s facts, %(all)s so far, plan at event %(seq)s")
                % {
                    "day": day,
                    "n": len(todays),
                    "all": self.report.sent,
                    "seq": self._computed(),
                }
            )
        return self._finish()

    def _send(self, fact: Fact) -> None:
        outcome = self._command(self._name(fact), self._act(fact), fact)
        self.report.sent += 1
        self.report.replayed += outcome.replayed
        self.report.unsettled += outcome.status == 202
        if not outcome.ok:
            self.report.refused += 1
            self.said(f"{order_code(fact.number)}/{fact.sequence}: {outcome.message}")
            return
        self.report.stored += 1
        seq = outcome.response.get("seq")
        if seq is not None:
            self.seqs.append(int(seq))
            if not self.fast and not outcome.replayed:
                self._wait_for(int(seq))

    def _name(self, fact: Fact) -> str:
        return f"replay {fact.kind.lower().replace('_', ' ')}"

    def _command(self, name: str, act: Act, fact: Fact) -> commands.Outcome:
        return commands.run(
            site=self.site,
            key=key_of(self.site, "replay", fact.kind, fact.number, fact.sequence),
            actor=SYSTEM,
            name=name,
            body={
                "at": fact.at,
                "number": fact.number,
                "sequence": fact.sequence,
                "good": fact.good,
                "scrap": fact.scrap,
                "reason": fact.reason,
            },
            act=partial(_at, fact.at, act),
        )

    def _act(self, fact: Fact) -> Act:
        if fact.kind == Kind.RECEIVED:
            return self._receive(fact)
        reason = None if fact.reason is None else self._reasons[scrap_code(fact.reason)]
        made: dict[str, Any] = {
            "good": Decimal(fact.good),
            "scrap": Decimal(fact.scrap),
            "reason_id": reason,
            "occurred_at": fact.at,
        }
        code = order_code(fact.number)
        if fact.kind == Kind.PUT_AWAY:
            return partial(workorders.put_away, work_order_id=self._orders[code], **made)
        job_id = self._jobs[code, fact.sequence]
        if fact.kind == Kind.STARTED:
            return partial(workorders.start, job_order_id=job_id)
        return partial(_report_and_finish, job_id, made)

    def _receive(self, fact: Fact) -> Act:
        if self._store is None:
            raise Refused(_("There is no store to receive into."))
        code, number = self._purchase_codes[fact.number]
        line_id, item_id = self._purchases[code, number]
        return partial(
            materials.receive,
            item_id=item_id,
            lot_code=f"{code}-{number}",
            quantity=Decimal(fact.good),
            location_id=self._store.pk,
            purchase_line_id=line_id,
            occurred_at=fact.at,
        )

    # -- answers --------------------------------------------------------------------------------

    def _computed(self) -> int:
        return SitePlan.objects.values_list("computed_seq", flat=True).get(site=self.site)

    def _wait_for(self, seq: int) -> None:
        """Wait until the plan knows an event; compute it here if nobody does."""
        patience = time.monotonic() + (0 if self.compute else PATIENCE_S)
        while self._computed() < seq:
            if time.monotonic() < patience:
                time.sleep(POLL_S)
                continue
            if not self.compute:
                self.said(_("No worker answered for %(s)s s: computing here.") % {"s": PATIENCE_S})
                self.compute = True
            result = recompute(self.site.pk, wall_now=wall_now())
            if result.state == "FAILED":
                raise Refused(
                    _("The plan could not be computed: %(why)s")
                    % {"why": SitePlan.objects.get(site=self.site).failure}
                )
            if result.state == "BUSY":
                time.sleep(POLL_S)

    def _end_day(self, day: date) -> dict[str, Any]:
        """Bring clock and plan to the day's end; return how the plant stands then.

        It is kept under a key, so that a run that goes on after another says the same.
        """
        closes = choices.opens(day)
        next_closes = choices.opens(day + timedelta(days=1))
        ends = [
            (self._jobs[order_code(fact.number), fact.sequence], fact.at)
            for fact in self.facts
            if fact.kind == Kind.ENDED and closes <= fact.at < next_closes
        ]
        last = SiteHead.objects.values_list("seq", flat=True).get(site=self.site)
        self._wait_for(last)
        outcome = commands.run(
            site=self.site,
            key=key_of(self.site, "replay", "stand", day),
            actor=SYSTEM,
            name="replay stand",
            body={"day": day},
            act=partial(_at, closes, partial(_stand, self.site, closes, ends)),
        )
        if not outcome.ok:
            raise Refused(outcome.message)
        if not outcome.replayed:
            tick(self.site.pk, wall_now=wall_now())
        # In one order, whether it was worked out now or kept.
        stand = {name: outcome.response[name] for name in STAND}
        foreseen = {name: stand["foreseen"][name] for name in FORESEEN}
        return {"day": day.isoformat(), **stand, "foreseen": foreseen}

    def _finish(self) -> Report:
        report = self.report
        computed = self._computed()
        report.answered = sum(seq <= computed for seq in self.seqs)
        report.latencies_ms = self._latencies()
        report.problems = list(verify.problems(self.site))
        report.disruptions = _by_kind(Disruption.objects.filter(site=self.site), "kind")
        report.impacts = _by_kind(Impact.objects.filter(site=self.site), "disruption__kind")
        report.state_hash = state_hash(self.site, [day["lines"] for day in report.days])
        return report

    def _latencies(self) -> list[float]:
        """From each event's commit to the first stored plan version that knows it, milliseconds."""
        versions = list(
            PlanVersion.objects.filter(site=self.site)
            .order_by("version")
            .values_list("upto_seq", "stored_at")
        )
        received = dict(
            ShopFloorEvent.objects.filter(site=self.site, seq__in=self.seqs).values_list(
                "seq", "received_at"
            )
        )
        found = []
        n = 0
        for seq in sorted(received):
            while n < len(versions) and versions[n][0] < seq:
                n += 1
            if n < len(versions):
                found.append((versions[n][1] - received[seq]).total_seconds() * 1000)
        return found


def _at(at: datetime, act: Act, command: commands.Command) -> dict[str, Any]:
    """Move the plant's clock to when a fact happened, and book the fact, in one act."""
    if command.now < at:
        mes.move_clock(command, to=at)
        command.now = plant_now(command.site)
    return act(command)


def _report_and_finish(
    job_order_id: int, made: dict[str, Any], command: commands.Command
) -> dict[str, Any]:
    """Report what an operation made; the record ends it there, so what is missing stays so."""
    answer = workorders.report_production(command, job_order_id=job_order_id, **made)
    job = JobOrder.objects.get(pk=job_order_id)
    if job.status == JobOrder.Status.RUNNING:
        answer |= workorders.finish(command, job_order_id=job_order_id)
    return answer


def _stand(
    site: Site, at: datetime, ends: Sequence[tuple[int, datetime]], command: commands.Command
) -> dict[str, Any]:
    """How the plant stands at an instant, and what it foresees of the day that follows.

    ends    (job order, instant) of what will be reported as ended in the next day

    returns lines       digest of each open customer line's projected dates
            late_lines  open customer lines that are projected late, or have no date
            foreseen    of those ends: how many there are, how many the plan puts into that day,
                        and by how many minutes in the median the plan is off (+ = it ends later)
            state_hash  of everything, as it is now
    """
    study = Study(snapshot.take(site.pk, wall_now=wall_now(), at=at))
    plant, out = study.snap.plant, study.projection
    rows = sorted(
        (
            study.snap.lines[int(line_id)].code,
            *(
                study.snap.instant(int(column[n]))
                for column in (out.line_ready, out.line_ship, out.line_arrive)
            ),
        )
        for n, line_id in enumerate(plant.line_id)
    )
    projected = {
        int(op_id): study.snap.instant(int(end))
        for op_id, end in zip(plant.op_id, out.op_end, strict=True)
    }
    off = [
        (expected - came).total_seconds() / 60
        for job, came in ends
        if (expected := projected.get(job)) is not None
    ]
    next_day = at + timedelta(days=1)
    in_time = sum(
        (expected := projected.get(job)) is not None and expected < next_day for job, _ in ends
    )
    lines = digest(rows)
    return {
        "lines": lines,
        "late_lines": int((out.line_late_s > 0).sum()),
        "foreseen": {
            "ends": len(ends),
            "in_the_day": in_time,
            "off_minutes": round(median(off)) if off else None,
        },
        "state_hash": state_hash(site, [lines]),
    }


def _by_kind(rows: QuerySet[Any], kind: str) -> dict[str, int]:
    return dict(rows.order_by(kind).values_list(kind).annotate(n=Count("pk")))
