"""The options of disruptions: made after the impact is stored, the longest waiting first.

They take long, so they are made without the site's lock and give way to what is newer: an event
of the site ends them, and what belongs to an older version of the plan is not stored.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from typing import Any

from django.db import OperationalError, connection, transaction
from psycopg2 import errors as pg

from mes import live
from mes.models import SitePlan
from planning import rules, snapshot
from planning.actions.disruptions import Found, Row
from planning.actions.lock import hold_lock
from planning.actions.study import Study
from planning.engine import options as engine
from planning.engine.changes import Refusal, from_json
from planning.engine.impact import Stake
from planning.models import Disruption, Impact, Option

log = logging.getLogger(__name__)

FLIP_PLANS = 2
WRITTEN = [
    "version", "kind", "verdict", "rank", "changes", "footprint", "figures", "cash", "estimate",
    "late_cost", "saves", "weight", "decide_by",
]  # fmt: skip
KEPT_FIGURES = 12  # versions of an option's headline figures, for pages that are a little old


class Superseded(Exception):
    """The plan moved on while options were made for it."""


# How often in a row the options of a disruption gave way, by its id.
_PUT_OFF: Counter[int] = Counter()
GIVES_WAY = 5

# Called before each projection; told whether what is newer in the same site may end the work.
Between = Callable[[bool], None]


def refresh(study: Study, found: Found, version: int, *, between: Between) -> int:
    """Make the options of every disruption that waits for them; returns of how many.

    version   the plan version that the study projects; a newer one ends the work.
    between   lets more urgent work go first, and raises Superseded if it moved this plan. On a
              site whose events never pause, a disruption that gave way five times in a row is
              served before the next one of them.

    :raises Superseded: what was stored until then stands; the rest still waits.
    """
    rows = {row.disruption.pk: row for row in found.rows}
    done = 0
    for disruption in list(Disruption.objects.awaiting_options(study.snap.site_id)):
        row = rows.get(disruption.pk)
        if row is None or row.cause is None:
            continue
        gives_way = _PUT_OFF[disruption.pk] < GIVES_WAY
        try:
            _make(study, disruption, row, version, between=partial(between, gives_way))
        except Superseded:
            _PUT_OFF[disruption.pk] += 1
            raise
        except Exception:
            # The plan and the impact stand; without options the row says that there are none.
            log.exception("no options could be made for disruption %s", disruption.pk)
            with _storing(study.snap.site_id, version):
                _settle(disruption, version, best=None, checked=0)
        del _PUT_OFF[disruption.pk]
        done += 1
    return done


@contextmanager
def _storing(site_id: int, version: int) -> Iterator[None]:
    """A transaction in which the plan stays at this version, or nothing is stored."""
    try:
        with transaction.atomic():
            hold_lock(site_id)
            if not SitePlan.objects.filter(site_id=site_id, plan_version=version).exists():
                raise Superseded
            yield
    except OperationalError as problem:
        # Somebody decides or computes, and longer than we may wait for a lock.
        if isinstance(problem.__cause__, pg.LockNotAvailable):
            raise Superseded from problem
        raise


def flip_points(site_id: int, *, wall_now: datetime) -> int:
    """Add the flip point to impacts that wait for it; returns to how many.

    It costs more than the options and nobody waits for it, so the sweeper does it, without the
    site's lock: what it writes stands beside the figures and is dropped with them.
    """
    waiting = list(Disruption.objects.standing(site_id).filter(summary__flip_due=True))
    if not waiting:
        return 0
    study = Study(snapshot.take(site_id, wall_now=wall_now))
    if study.snap.seq > study.snap.computed_seq:
        return 0
    for disruption in waiting:
        cause = study.cause_of(disruption)
        impact = disruption.impacts.order_by("-version").first()
        plans = {
            option.slug: from_json(option.changes, epoch=study.unix_epoch)
            for option in disruption.options.offered_answers()[:FLIP_PLANS]
        }
        if impact is not None and cause is not None and cause.id in study.snap.stops:
            found = study.flip(cause, plans)
            Impact.objects.filter(pk=impact.pk).update(figures={**impact.figures, "flip": found})
        with connection.cursor() as cursor:
            cursor.execute(
                "update planning_disruption set summary = summary || %s where id = %s"
                " and summary -> 'options_version' = %s::jsonb",
                ['{"flip_due": false}', disruption.pk,
                 str(disruption.summary.get("options_version", 0))],
            )  # fmt: skip
        live.publish(site_id, [f"impact:{disruption.pk}"], version=study.snap.plan_version)
    return len(waiting)


def _make(
    study: Study, disruption: Disruption, row: Row, version: int, *, between: Callable[[], None]
) -> None:
    assert row.cause is not None  # the caller's filter
    between()
    stake = study.at_stake(row.cause)
    store = partial(_store, study, disruption, stake, version)
    # Whoever has none yet gets the first ones at once, the others while he reads them.
    first = None if disruption.options.exists() else partial(store, done=False)
    store(study.options(row.cause, stake, between=between, first=first), done=True)


def _store(
    study: Study,
    disruption: Disruption,
    stake: Stake,
    version: int,
    made: engine.Options,
    *,
    done: bool,
) -> None:
    """Store what was made; done: nothing more comes."""
    with _storing(disruption.site_id, version):
        before = {option.slug: option for option in disruption.options.all()}
        fresh = []
        nothing = next(each for each in made.candidates if each.slug == "do-nothing")
        by_hand = []
        for kind in (Option.Kind.MINE, Option.Kind.OUTSIDE):
            slug = kind.value.lower()
            by_hand.append(_by_hand(disruption, kind, before.pop(slug, None), version))
        for own in by_hand:
            if own.changes:
                weigh_own(study, own, stake, version)
            else:
                _as_nothing(study, own, nothing, stake)
        for candidate in made.candidates:
            if candidate.verdict is not engine.Verdict.OFFERED and by_hand:
                fresh += by_hand
                by_hand = []
            option = before.pop(candidate.slug, None) or Option(
                site_id=disruption.site_id, disruption=disruption, slug=candidate.slug
            )
            _fill(study, option, candidate, stake, version)
            fresh.append(option)
        fresh += by_hand
        # What somebody may have selected doesn't vanish: it stays once, crossed out. A first one
        # of this version that another way equals gives way to it.
        gone = [
            option
            for option in before.values()
            if option.verdict == Option.Verdict.OFFERED
            and not option.figures.get("gone")
            and option.version < version
        ]
        for option in gone:
            option.verdict = Option.Verdict.IMPOSSIBLE
            option.figures = {**option.figures, "gone": True}
            fresh.append(option)
        disruption.options.exclude(pk__in=[o.pk for o in fresh if o.pk]).delete()
        for rank, option in enumerate(fresh):
            option.rank = rank
        Option.objects.bulk_update([option for option in fresh if option.pk], WRITTEN)
        Option.objects.bulk_create([option for option in fresh if not option.pk])
        if done:
            best = next((_headline(option) for option in fresh if _is_answer(option)), None)
            checked = sum(1 for o in fresh if o.kind not in Option.BY_HAND)
            _settle(disruption, version, best=best, checked=checked)
        transaction.on_commit(
            partial(
                live.publish,
                disruption.site_id,
                # The inbox names the best one, which is known at the end.
                [f"impact:{disruption.pk}", *(["inbox"] if done else [])],
                version=version,
                seq=study.snap.seq,
            ),
            robust=True,
        )


def _settle(
    disruption: Disruption, version: int, *, best: dict[str, Any] | None, checked: int
) -> None:
    summary = Disruption.objects.values_list("summary", flat=True).get(pk=disruption.pk)
    Disruption.objects.filter(pk=disruption.pk).update(
        summary={
            **summary,
            "best": best,
            "checked": checked,
            "options_due": False,
            "options_version": version,
            "flip_due": disruption.kind == Disruption.Kind.BREAKDOWN and best is not None,
        }
    )


def _by_hand(
    disruption: Disruption, kind: Option.Kind, stored: Option | None, version: int
) -> Option:
    """The planner's own moves, or what he did outside of the plan: always there."""
    option = stored or Option(
        site_id=disruption.site_id, disruption=disruption, slug=kind.value.lower(), kind=kind
    )
    option.version = version
    return option


def weigh_own(study: Study, option: Option, stake: Stake, version: int) -> Refusal | None:
    """Weigh the planner's own moves in the plan as it is; returns why they are not possible.

    Such a one stays in the table, marked: whoever made it may take the move out that is too late.
    """
    who = {name: option.figures[name] for name in ("by", "at") if name in option.figures}
    candidate = study.own(from_json(option.changes, epoch=study.unix_epoch))
    _fill(study, option, candidate, stake, version)
    option.verdict = Option.Verdict.OFFERED
    option.figures = {**option.figures, **who, "gone": candidate.refusal is not None}
    return candidate.refusal


def _as_nothing(study: Study, option: Option, nothing: engine.Candidate, stake: Stake) -> None:
    """Figures of the same projection: until somebody moves something, those of doing nothing."""
    for name, value in columns(study, nothing, stake).items():
        if name not in ("slug", "kind", "verdict", "changes"):
            setattr(option, name, value)


def _fill(
    study: Study,
    option: Option,
    candidate: engine.Candidate,
    stake: Stake,
    version: int,
) -> None:
    was = option.figures.get("was", []) if option.pk else []
    option.footprint = _footprint(study, option, candidate, version)
    option.version = version
    for name, value in columns(study, candidate, stake).items():
        setattr(option, name, value)
    headline = [version, {name: option.figures.get(name) for name in rules.COMPARED}]
    option.figures = {**option.figures, "was": [headline, *was][:KEPT_FIGURES]}


def columns(study: Study, candidate: engine.Candidate, stake: Stake) -> dict[str, Any]:
    """An option's columns by name, but for its footprint and version."""
    figures = study.candidate_figures(candidate, stake)
    late = rules.number(figures.get("late_cash")) + rules.number(figures.get("late_estimate"))
    return {
        "slug": candidate.slug,
        "kind": candidate.kind.value,
        "verdict": candidate.verdict.value,
        "changes": study.changes_json(candidate.changes),
        "figures": dict(figures),
        "cash": rules.number(figures.get("extra_cash")),
        "estimate": rules.number(figures.get("extra_estimate")),
        "late_cost": late,
        "saves": rules.number(figures.get("saves")),
        "weight": rules.number(figures.get("weight")),
        "decide_by": study.decide_by(candidate),
    }


def _footprint(
    study: Study, option: Option, candidate: engine.Candidate, version: int
) -> dict[str, Any]:
    """The rows that it changes, as they are now, and since which version they are so."""
    if candidate.footprint is None:
        return {"rows": {}, "since": {}}
    found = candidate.footprint
    units: Iterable[int] = {*found.queues, *found.calendars}
    others = [*found.rows, *(f"reserved:{kind}-{pk}" for kind, pk in found.demands)]
    rows = study.footprint_rows(units, found.ops, others)
    known = option.footprint.get("rows", {})
    since = option.footprint.get("since", {})
    return {
        "rows": rows,
        "since": {
            name: since.get(name, 0)
            if name in known and not rules.row_moved(known[name], value)
            else (version if name in known else 0)
            for name, value in rows.items()
        },
    }


def _is_answer(option: Option) -> bool:
    return (
        option.verdict == Option.Verdict.OFFERED
        and option.kind not in Option.BY_HAND
        and option.saves > 0
    )


def _headline(option: Option) -> dict[str, Any]:
    """The best answer as the inbox row tells it."""
    return {
        "option_id": option.pk,
        "slug": option.slug,
        "kind": option.kind,
        "facts": option.figures.get("facts", {}),
        "hit_lines": option.figures.get("hit_lines", 0),
        "late_lines": option.figures.get("late_lines", 0),
        "late_anyway": option.figures.get("late_anyway", 0),
        "promises": option.figures.get("promises", 0),
        "total": option.figures.get("total"),
        "decide_by": option.decide_by.isoformat() if option.decide_by else None,
        "saves": str(option.saves),
    }
