"""The one recompute: what is committed is answered, by whichever process gets there first.

Per site one at a time, by an advisory lock. The reading is one transaction, the writing another;
between them the engine works on arrays only. The record says how far the plan is computed, so
that it doesn't matter who rings, how often, or whether the process that began was killed.
"""

from __future__ import annotations

import logging
import time
import traceback
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db import connection, transaction
from django.db.models import F, Q

from mes import clock, doorbell, live, tally
from mes.models import Site, SiteClock, SiteHead, SitePlan
from planning import rules, snapshot
from planning.actions import choices, disruptions
from planning.actions.disruptions import Found
from planning.actions.lock import OPTIONS, PLAN, try_lock
from planning.actions.study import ENGINE, Study
from planning.models import Disruption, PlanVersion

log = logging.getLogger(__name__)

ROUNDS = 4
LOOK_EVERY_S = 0.02
BUSY_S = 0.5
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


@dataclass(frozen=True, slots=True)
class _Answer:
    """What was stored, and the study that it came from: options go on from there."""

    result: Result
    study: Study | None = None
    found: Found | None = None


def recompute(site_id: int, *, wall_now: datetime, tick: bool = False) -> Result:
    """Answer every event of a site that is not answered yet, and what changed by a bypass.

    wall_now  the wall clock, by which a REAL site is projected.
    tick      project also when no event came: the plant's clock moved.

    Then make the options that wait, without the site's lock. An event that comes meanwhile is
    answered first: one of this site ends them, one of another site is answered in between.

    Safe to call from any process, any number of times: one computes, the others wait for a while
    and return BUSY.
    """
    result = Result("CURRENT")
    for _round in range(ROUNDS):
        answer = _answer_when_free(site_id, wall_now=wall_now, tick=tick)
        if answer.result.state == "BUSY":
            return answer.result if result.state == "CURRENT" else result
        if answer.result.state != "CURRENT":
            result = answer.result
        if answer.result.state in ("FAILED", "LOST"):
            return result
        if not _is_behind(site_id) and _options(site_id, answer) and not _is_behind(site_id):
            return result
        wall_now, tick = clock.wall_now(), False
    doorbell.ring(site_id)
    return result


def tick(site_id: int, *, wall_now: datetime) -> Result:
    """Project again at the same event number and a later now."""
    return recompute(site_id, wall_now=wall_now, tick=True)


def _is_behind(site_id: int) -> bool:
    return (
        SitePlan.objects.filter(site_id=site_id)
        .filter(computed_seq__lt=SiteHead.objects.filter(site_id=site_id).values("seq"))
        .exists()
    )


def _answer_when_free(site_id: int, *, wall_now: datetime, tick: bool) -> _Answer:
    """As `_answer`. Who holds the lock may have read the site before its newest event, or may give
    it back without a look at it (a decision that is refused): wait while it is behind."""
    patience = time.perf_counter() + BUSY_S
    while True:
        answer = _answer(site_id, wall_now=wall_now, tick=tick)
        waits = answer.result.state == "BUSY" and time.perf_counter() < patience
        if not waits or not _is_behind(site_id):
            return answer
        time.sleep(LOOK_EVERY_S)


def _answer(site_id: int, *, wall_now: datetime, tick: bool = False) -> _Answer:
    with try_lock(PLAN, site_id) as ours:
        if not ours:
            return _Answer(Result("BUSY"))
        return _answer_alone(site_id, wall_now=wall_now, tick=tick)


def _answer_alone(site_id: int, *, wall_now: datetime, tick: bool) -> _Answer:
    began = time.perf_counter()
    plan = SitePlan.objects.filter(site_id=site_id).first()
    seq = SiteHead.objects.filter(site_id=site_id).values_list("seq", flat=True).first()
    if plan is None or seq is None:
        return _Answer(Result("CURRENT"))
    engine_changed = _engine_changed(plan)
    tick = tick or _clock_has_moved(plan, wall_now)
    if not (seq > plan.computed_seq or plan.dirty or plan.failures or tick or engine_changed):
        return _Answer(Result("CURRENT", plan.plan_version, plan.computed_seq))
    same = plan.failure.startswith(f"{seq}:")
    if same and plan.failures >= rules.FAILURES and not tick:
        # Set aside until another event comes or the next tick; the site says so on its pages.
        return _Answer(Result("FAILED", plan.plan_version, plan.computed_seq))
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
        return _Answer(Result("FAILED", plan.plan_version, plan.computed_seq))


def _options(site_id: int, answer: _Answer) -> bool:
    """Make the options that wait, of the answered study or of a new one; False: look again."""
    if not Disruption.objects.awaiting_options(site_id).exists():
        return True
    with try_lock(OPTIONS, site_id) as ours:
        if not ours:
            # Whoever makes them sees by himself that the plan has moved.
            return True
        study, found = answer.study, answer.found
        if study is None or found is None:
            study = Study(snapshot.take(site_id, wall_now=clock.wall_now()))
            if study.snap.seq > study.snap.computed_seq:
                return False
            found = disruptions.find(study)
            version = study.snap.plan_version
        else:
            version = answer.result.version
        try:
            choices.refresh(
                study, found, version, between=_urgent_first(site_id, study.snap.seq, version)
            )
        except choices.Superseded:
            return False
    return True


def _urgent_first(site_id: int, seq: int, version: int) -> choices.Between:
    """Look every few milliseconds of a long work for what goes first, at any site."""
    looked = 0.0

    def look(gives_way: bool) -> None:
        nonlocal looked
        if time.perf_counter() - looked < LOOK_EVERY_S:
            return
        behind = Q(computed_seq__lt=F("site__head__seq"), failures__lt=rules.FAILURES)
        waiting = SitePlan.objects.filter(behind | Q(site_id=site_id))
        answered = True
        # Whoever rang while a site was being answered has gone away again: look once more.
        while answered:
            answered = False
            for other, its_version, its_seq in waiting.values_list(
                "site_id", "plan_version", "site__head__seq"
            ):
                if other != site_id:
                    answer = _answer(other, wall_now=clock.wall_now())
                    answered = answered or answer.result.state == "STORED"
                elif gives_way and (its_version != version or its_seq > seq):
                    raise choices.Superseded
        looked = time.perf_counter()

    return look


def _clock_has_moved(plan: SitePlan, wall_now: datetime) -> bool:
    """Whether the plant's clock is a minute past the plan, or past what was expected next: time
    for a tick."""
    at = (
        SiteClock.objects.filter(site_id=plan.site_id, site__clock=Site.Clock.SIMULATED)
        .values_list("at", flat=True)
        .first()
    )
    now = at or wall_now
    if plan.as_of is None:
        return False
    return now - plan.as_of >= TICK or (plan.next_at is not None and plan.next_at <= now)


def _engine_changed(plan: SitePlan) -> bool:
    if not plan.plan_version:
        return False
    stored = PlanVersion.objects.filter(site_id=plan.site_id, version=plan.plan_version)
    return not stored.filter(engine=ENGINE).exists()


def _compute_and_store(
    site_id: int, *, wall_now: datetime, must_store: bool, began: float
) -> _Answer:
    snap = snapshot.take(site_id, wall_now=wall_now)
    engine_began = time.perf_counter()
    study = Study(snap)
    found = disruptions.find(study)
    engine_ms = _ms(engine_began)
    if not (snap.events or must_store or snap.plan_version == 0 or found.is_news):
        SitePlan.objects.filter(site_id=site_id, plan_version=snap.plan_version).update(
            failures=0,
            failure="",
            as_of=snap.now_at,
            next_at=study.next_at,
            computed_at=clock.wall_now(),
        )
        same = Result("SAME", snap.plan_version, snap.seq, 0, engine_ms, _ms(began))
        return _Answer(same, study, found)
    version = snap.plan_version + 1
    cause = "EVENTS" if snap.seq > snap.computed_seq else "ENGINE" if must_store else "TICK"
    newest = snap.events[-1].received_at if snap.events else None
    with transaction.atomic():
        stored_at = clock.wall_now()
        if not SitePlan.objects.filter(site_id=site_id, plan_version=snap.plan_version).update(
            computed_seq=snap.seq,
            plan_version=version,
            as_of=snap.now_at,
            next_at=study.next_at,
            computed_at=stored_at,
            failures=0,
            failure="",
        ):
            return _Answer(Result("LOST", snap.plan_version, snap.seq))
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
    result = Result("STORED", version, snap.seq, len(snap.events), engine_ms, _ms(began))
    tally.observe("mes_recompute_seconds", result.total_ms / 1000)
    log.info(
        "version %s at event %s",
        version,
        snap.seq,
        extra={
            "site": site_id,
            "first_seq": snap.computed_seq + 1,
            "last_seq": snap.seq,
            "plan_version": version,
            "took_ms": round(result.total_ms, 1),
        },
    )
    return _Answer(result, study, found)


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
