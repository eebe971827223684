"""Feeds recorded days through the floor's own actions, on the site's simulated clock.

Every fact has a key of its own, drawn from what it says: running again sends the same commands,
and what was stored before is answered from its key. So a run may be stopped anywhere.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import partial
from itertools import zip_longest
from statistics import median
from typing import Any, TypeVar

from celery import current_app
from django.db import InterfaceError, OperationalError, connection
from django.db.models import Count, QuerySet, Sum
from django.utils.translation import gettext as _

from materials.models import StockMove
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
from planning.adventureworks.acts import Act, Acts
from planning.adventureworks.backlog import Bills, begun_orders, open_orders
from planning.adventureworks.fingerprint import digest, state_hash
from planning.adventureworks.load import SOURCE, key_of, loaded
from planning.adventureworks.reading import Company
from planning.adventureworks.record import Fact, Kind, facts, in_order, stock_moves
from planning.adventureworks.shipping import shipments
from planning.models import Disruption, Impact, PlanVersion

POLL_S = 0.003
# Without an answer for so long the worker is taken to be gone, and this process computes.
PATIENCE_S = 20.0
PING_S = 1.5
# A database that is gone may come back within that time.
GONE_S = 120.0
AGAIN_S = 0.5
# A guess of when missing supply comes counts from the plan that first misses it. So also a fast
# run has what brings demand computed at its own time.
DEMAND = frozenset({Kind.SOLD, Kind.RELEASED})
STAND = ("lines", "open_lines", "late_lines", "foreseen", "state_hash")
FORESEEN = ("ends", "in_the_day", "off_minutes", "shipments", "ready_in_the_day")

Answer = TypeVar("Answer")


@dataclass
class Report:
    """What a replay did; `as_json` is what its command prints.

    sent      facts handed to the actions
    stored    those that are in the ledger, now or since an earlier run
    answered  those whose effect on the plan is stored
    facts     how many were sent of each kind
    seconds   that sending and, without `fast`, waiting took
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
    facts: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
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
            "facts": dict(sorted(self.facts.items())),
            "speed": {
                "seconds": round(self.seconds, 1),
                "facts_per_second": round(self.sent / self.seconds, 1) if self.seconds else None,
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

    fast      send without waiting for each answer; wait at each day's end, and where demand comes
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
        # As far as shipments look ahead, and a day beyond the last, of which its end foresees.
        horizon = max(until + timedelta(days=1), as_of + timedelta(days=choices.RECORD_DAYS))
        open_then = open_orders(company, as_of)
        orders = open_then + begun_orders(company, open_then, as_of, horizon)
        record = facts(company, orders, as_of, horizon)
        moves = stock_moves(company, orders, record, Bills(company))
        leaving = shipments(company, self._opened(company), moves, as_of, horizon)
        self.facts = in_order([*record, *leaving])
        self.acts = Acts(site, company, orders, as_of, horizon)
        self.seqs: list[int] = []

    def _opened(self, company: Company) -> dict[int, Decimal]:
        """What the import put on hand of each product, whatever its rule was then."""
        opened = dict(
            StockMove.objects.filter(site=self.site, reason=StockMove.Reason.OPENING)
            .order_by("lot__item__code")
            .values_list("lot__item__code")
            .annotate(quantity=Sum("quantity"))
        )
        return {
            product.id: opened[product.number]
            for product in company.products
            if product.number in opened
        }

    def run(self) -> Report:
        day = self.report.as_of
        self.report.days.append(self._patiently(partial(self._end_day, day)))
        while day < self.report.until:
            day += timedelta(days=1)
            opens, closes = choices.opens(day - timedelta(days=1)), choices.opens(day)
            todays = [fact for fact in self.facts if opens <= fact.at < closes]
            began = time.perf_counter()
            for fact, after in zip_longest(todays, todays[1:]):
                self._send(fact)
                if fact.kind in DEMAND and (after is None or after.at > fact.at):
                    self._patiently(self._catch_up)
            self.report.seconds += time.perf_counter() - began
            self.report.days.append(self._patiently(partial(self._end_day, day)))
            self.said(
                _("%(day)s: %(n)s facts, %(all)s so far, plan at event %(seq)s")
                % {
                    "day": day,
                    "n": len(todays),
                    "all": self.report.sent,
                    "seq": self._computed(),
                }
            )
        return self._patiently(self._finish)

    def _send(self, fact: Fact) -> None:
        outcome = self._patiently(partial(self._command, fact))
        self.report.sent += 1
        self.report.facts[fact.kind] += 1
        self.report.replayed += outcome.replayed
        self.report.unsettled += outcome.status == 202
        if not outcome.ok:
            self.report.refused += 1
            self.said(f"{self.acts.name(fact)}: {outcome.message}")
            return
        self.report.stored += 1
        seq = outcome.response.get("seq")
        if seq is not None:
            self.seqs.append(int(seq))
            if not self.fast and not outcome.replayed:
                self._patiently(partial(self._wait_for, int(seq)))

    def _command(self, fact: Fact) -> commands.Outcome:
        return commands.run(
            site=self.site,
            key=key_of(self.site, "replay", fact.kind, fact.number, fact.sequence),
            actor=SYSTEM,
            name=f"replay {fact.kind.lower().replace('_', ' ')}",
            body={
                "at": fact.at,
                "number": fact.number,
                "sequence": fact.sequence,
                "good": fact.good,
                "scrap": fact.scrap,
                "reason": fact.reason,
            },
            act=partial(_at, fact.at, self.acts.of(fact)),
        )

    def _patiently(self, ask: Callable[[], Answer]) -> Answer:
        """Ask again when the database went away: what was stored is answered from its key."""
        until = time.monotonic() + GONE_S
        while True:
            try:
                return ask()
            except (OperationalError, InterfaceError):
                if connection.in_atomic_block or time.monotonic() > until:
                    raise
                connection.close()
                time.sleep(AGAIN_S)

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

    def _catch_up(self) -> None:
        """Wait until the plan knows everything, before the clock moves on."""
        self._wait_for(SiteHead.objects.values_list("seq", flat=True).get(site=self.site))

    def _end_day(self, day: date) -> dict[str, Any]:
        """Bring clock and plan to the day's end; return how the plant stands then.

        It is kept under a key, so that a run that goes on after another says the same.
        """
        closes = choices.opens(day)
        next_closes = choices.opens(day + timedelta(days=1))
        coming = [fact for fact in self.facts if closes <= fact.at < next_closes]
        self._catch_up()
        outcome = commands.run(
            site=self.site,
            key=key_of(self.site, "replay", "stand", day),
            actor=SYSTEM,
            name="replay stand",
            body={"day": day},
            act=partial(_at, closes, partial(self._stand, closes, coming)),
        )
        if not outcome.ok:
            raise Refused(outcome.message)
        if not outcome.replayed:
            tick(self.site.pk, wall_now=wall_now())
        # In one order, whether it was worked out now or kept.
        stand = {name: outcome.response[name] for name in STAND}
        foreseen = {name: stand["foreseen"][name] for name in FORESEEN}
        return {"day": day.isoformat(), **stand, "foreseen": foreseen}

    def _stand(
        self, at: datetime, coming: Sequence[Fact], command: commands.Command
    ) -> dict[str, Any]:
        """How the plant stands at an instant, and what it foresees of the day that follows.

        coming  what will be said of the next day

        returns lines       digest of each open customer line's projected dates
                open_lines  how many customer lines are open
                late_lines  those of them that are at risk: projected late, or without a date
                foreseen    of the operations that will be reported as ended: how many there are,
                            how many the plan puts into that day, and by how many minutes in the
                            median it is off (+ = it ends them later); of the lines that will be
                            shipped: how many, and how many it has ready in that day
                state_hash  of everything, as it is now
        """
        study = Study(snapshot.take(self.site.pk, wall_now=wall_now(), at=at))
        plant, out, instant = study.snap.plant, study.projection, study.snap.instant
        rows = sorted(
            (
                study.snap.lines[int(line_id)].code,
                *(
                    instant(int(column[n]))
                    for column in (out.line_ready, out.line_ship, out.line_arrive)
                ),
            )
            for n, line_id in enumerate(plant.line_id)
        )
        ends = {
            int(op_id): instant(int(end))
            for op_id, end in zip(plant.op_id, out.op_end, strict=True)
        }
        ready = {
            int(line_id): instant(int(when))
            for line_id, when in zip(plant.line_id, out.line_ready, strict=True)
        }
        ended = [fact for fact in coming if fact.kind == Kind.ENDED]
        jobs = [self.acts.job(fact) for fact in ended]
        shipped = [fact for fact in coming if fact.kind == Kind.SHIPPED]
        next_day = at + timedelta(days=1)
        off = [
            (expected - fact.at).total_seconds() / 60
            for fact, job in zip(ended, jobs, strict=True)
            if (expected := ends.get(job or 0)) is not None
        ]
        lines = digest(rows)
        return {
            "lines": lines,
            "open_lines": len(rows),
            "late_lines": int((out.line_late_s > 0).sum()),
            "foreseen": {
                "ends": len(ended),
                "in_the_day": _by(next_day, (ends.get(job or 0) for job in jobs)),
                "off_minutes": round(median(off)) if off else None,
                "shipments": len(shipped),
                "ready_in_the_day": _by(
                    next_day, (ready.get(self.acts.line(fact) or 0) for fact in shipped)
                ),
            },
            "state_hash": state_hash(self.site, [lines]),
        }

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


def _by(limit: datetime, when: Iterable[datetime | None]) -> int:
    return sum(each is not None and each < limit for each in when)


def _by_kind(rows: QuerySet[Any], kind: str) -> dict[str, int]:
    return dict(rows.order_by(kind).values_list(kind).annotate(n=Count("pk")))
