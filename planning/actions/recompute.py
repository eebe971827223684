"""The one recompute: what is committed is answered, by whichever process gets there first.

Per site one at a time, by an advisory lock. The reading is one transaction, the writing another;
between them the engine works on arrays only. The record says how far the plan is computed, so
that it doesn't matter who rings, how often, or whether the process that began was killed.
"""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db import connection, transaction

from mes import clock, doorbell, live
from mes.models import Site, SiteClock, SiteHead, SitePlan
from planning import rules, snapshot
from planning.actions import choices, disruptions
from planning.actions.study import ENGINE, Study
from planning.models import Disruption, PlanVersion

log = logging.getLogger(__name__)

# Key space of the advisory locks that serialise a site's recompute and its decisions.
LOCK = 0x504C414E
ROUNDS = 4
TICK = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one request to recompute.

    state  STORED; SAME (nothing reported changed, a tick); CURRENT (nothing to do); BUSY
           (somebody else is at it); FAILED (kept with the site; the plan stays).
    """

    state: str
    version: int = 0
    seq: int = 0
    events: int = 0
    engine_ms: float = 0.0
    total_ms: float = 0.0


def recompute(site_id: int, *, wall_now: datetime, tick: bool = False) -> Result:
    """Answer every event of a site that is not answered yet, and what changed by a bypass.

    wall_now  the wall clock, by which a REAL site is projected.
    tick      project also when no event came: the plant's clock moved.

    Safe to call from any process, any number of times: one computes, the others return BUSY.
    """
    result = Result("CURRENT")
    for _round in range(ROUNDS):
        with _lock(site_id) as ours:
            if not ours:
                return Result("BUSY") if result.state == "CURRENT" else result
            done = _answer(site_id, wall_now=wall_now, tick=tick)
        if done.state != "CURRENT":
            result = done
        if done.state in ("FAILED", "LOST") or not _is_behind(site_id):
            return result
        wall_now, tick = clock.wall_now(), False
    doorbell.ring(site_id)
    return result


def tick(site_id: int, *, wall_now: datetime) -> Result:
    """Project again at the same event number and a later now."""
    return recompute(site_id, wall_now=wall_now, tick=True)


@contextmanager
def _lock(site_id: int) -> Iterator[bool]:
    """The site's lock, held by this connection; given back by the database if we die."""
    with connection.cursor() as cursor:
        cursor.execute("select pg_try_advisory_lock(%s, %s)", [LOCK, site_id])
        ours = bool(cursor.fetchone()[0])
        try:
            yield ours
        finally:
            if ours and connection.is_usable():
                cursor.execute("select pg_advisory_unlock(%s, %s)", [LOCK, site_id])


def hold_lock(site_id: int) -> None:
    """Wait for the site's lock and keep it to the end of the open transaction (a decision)."""
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(%s, %s)", [LOCK, site_id])


def _is_behind(site_id: int) -> bool:
    return (
        SitePlan.objects.filter(site_id=site_id)
        .filter(computed_seq__lt=SiteHead.objects.filter(site_id=site_id).values("seq"))
        .exists()
    )


def _answer(site_id: int, *, wall_now: datetime, tick: bool) -> Result:
    began = time.perf_counter()
    plan = SitePlan.objects.filter(site_id=site_id).first()
    seq = SiteHead.objects.filter(site_id=site_id).values_list("seq", flat=True).first()
    if plan is None or seq is None:
        return Result("CURRENT")
    engine_changed = _engine_changed(plan)
    tick = tick or _clock_has_moved(plan, wall_now)
    wanted = seq > plan.computed_seq or plan.dirty or plan.failures or tick or engine_changed
    if not wanted and not Disruption.objects.awaiting_options(site_id).exists():
        return Result("CURRENT", plan.plan_version, plan.computed_seq)
    same = plan.failure.startswith(f"{seq}:")
    if same and plan.failures >= rules.FAILURES and not tick:
        # Set aside until another event comes or the next tick; the site says so on its pages.
        return Result("FAILED", plan.plan_version, plan.computed_seq)
    # The dirty mark is taken down before the reading and not after it, so that a bypass in
    # between is seen next time. Until the answer is stored, the attempt counts as a failure:
    # a process that is killed on the way leaves it behind, and the sweeper goes on from there.
    SitePlan.objects.filter(site_id=site_id).update(
        dirty=False,
        failures=plan.failures + 1 if same else 1,
        failure=plan.failure if same else f"{seq}: under way",
    )
    try:
        return _compute_and_store(
            site_id,
            plan,
            wall_now=wall_now,
            must_store=plan.dirty or engine_changed,
            began=began,
        )
    except Exception as problem:
        if not connection.is_usable():
            raise
        log.exception("site %s could not be computed at event %s", site_id, seq)
        where = traceback.extract_tb(problem.__traceback__)[-1]
        SitePlan.objects.filter(site_id=site_id).update(
            **({"dirty": True} if plan.dirty else {}),
            failure=f"{seq}: {type(problem).__name__}: {problem} ({where.name}:{where.lineno})",
        )
        return Result("FAILED", plan.plan_version, plan.computed_seq)


def _clock_has_moved(plan: SitePlan, wall_now: datetime) -> bool:
    """Whether the plant's clock is a minute past the plan: time for a tick."""
    at = (
        SiteClock.objects.filter(site_id=plan.site_id, site__clock=Site.Clock.SIMULATED)
        .values_list("at", flat=True)
        .first()
    )
    return plan.as_of is not None and (at or wall_now) - plan.as_of >= TICK


def _engine_changed(plan: SitePlan) -> bool:
    if not plan.plan_version:
        return False
    stored = PlanVersion.objects.filter(site_id=plan.site_id, version=plan.plan_version)
    return not stored.filter(engine=ENGINE).exists()


def _compute_and_store(
    site_id: int, plan: SitePlan, *, wall_now: datetime, must_store: bool, began: float
) -> Result:
    snap = snapshot.take(site_id, wall_now=wall_now)
    engine_began = time.perf_counter()
    study = Study(snap)
    found = disruptions.find(study)
    engine_ms = _ms(engine_began)
    if not (snap.events or must_store or snap.plan_version == 0 or found.is_news):
        SitePlan.objects.filter(site_id=site_id, plan_version=snap.plan_version).update(
            failures=0, failure="", as_of=snap.now_at, computed_at=clock.wall_now()
        )
        choices.refresh(study, found, snap.plan_version)
        return Result("SAME", snap.plan_version, snap.seq, 0, engine_ms, _ms(began))
    version = snap.plan_version + 1
    cause = "EVENTS" if snap.seq > snap.computed_seq else "ENGINE" if must_store else "TICK"
    newest = snap.events[-1].received_at if snap.events else None
    with transaction.atomic():
        stored_at = clock.wall_now()
        if not SitePlan.objects.filter(site_id=site_id, plan_version=snap.plan_version).update(
            computed_seq=snap.seq,
            plan_version=version,
            as_of=snap.now_at,
            computed_at=stored_at,
            failures=0,
            failure="",
        ):
            return Result("LOST", snap.plan_version, snap.seq)
        latency_ms = (stored_at - newest).total_seconds() * 1000 if newest else None
        store_version(
            study, version, cause, engine_ms, {**found.plan_figures, "latency_ms": latency_ms}
        )
        topics = disruptions.store(
            found, version=version, stored_at=stored_at, latency_ms=latency_ms
        )
        _let_go(site_id, version, stored_at)
        # After the commit, and only then, pages are told to read again.
        transaction.on_commit(
            partial(live.publish, site_id, topics, version=version, seq=snap.seq, event_at=newest),
            robust=True,
        )
    answer_ms = _ms(began)
    choices.refresh(study, found, version)
    log.info("site %s: version %s at event %s, %.0f ms", site_id, version, snap.seq, answer_ms)
    return Result("STORED", version, snap.seq, len(snap.events), engine_ms, answer_ms)


def _ms(began: float) -> float:
    return (time.perf_counter() - began) * 1000


def store_version(
    study: Study,
    version: int,
    cause: str,
    engine_ms: float,
    figures: dict[str, Any],
    *,
    upto_seq: int | None = None,
    committed: bool = False,
) -> PlanVersion:
    """Write a projection as one packed row; the lock on site_plan makes its number ours."""
    snap, plant, out = study.snap, study.snap.plant, study.projection
    return PlanVersion.objects.create(
        site_id=snap.site_id,
        version=version,
        upto_seq=snap.seq if upto_seq is None else upto_seq,
        cause=cause,
        as_of=snap.now_at,
        epoch=snap.epoch,
        engine=ENGINE,
        engine_ms=engine_ms,
        stored_at=clock.wall_now(),
        committed=committed,
        job_ids=plant.op_id.astype("<i8").tobytes(),
        times=rules.pack(out.op_start, out.op_end),
        line_ids=plant.line_id.astype("<i8").tobytes(),
        line_times=rules.pack(out.line_ready, out.line_ship, out.line_arrive),
        figures=figures,
    )


def _let_go(site_id: int, version: int, stored_at: datetime) -> None:
    """Empty the packed columns of old versions; their figures stay.

    Kept whole: committed ones, those that a decision names, the last twenty, and the first of
    each hour for seven days.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            update planning_planversion v
               set job_ids = null, times = null, line_ids = null, line_times = null
             where v.site_id = %(site)s and v.times is not null and not v.committed
               and v.version <= %(last)s and v.version > %(first)s
               and not exists (select 1 from planning_decision d
                                where d.site_id = v.site_id and d.version = v.version)
               and (v.stored_at < %(week)s or exists (
                    select 1 from planning_planversion w
                     where w.site_id = v.site_id and w.version = v.version - 1
                       and date_trunc('hour', w.stored_at) = date_trunc('hour', v.stored_at)))
            """,
            {
                "site": site_id,
                "last": version - rules.WHOLE_VERSIONS,
                # Every hundredth time the whole past is looked through, else the fringe only.
                "first": 0 if version % 100 == 0 else version - rules.WHOLE_VERSIONS - 5,
                "week": stored_at - timedelta(days=rules.WHOLE_HOURLY_DAYS),
            },
        )
