"""Taking a decision and taking it back: the footprint is compared, then ordinary acts follow.

A plan's version alone never refuses. What refuses is that somebody changed a row that the option
changes, or that the option is worse by now than what the person saw.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db import connection
from django.db.models import Q
from django.utils.translation import gettext as _

from equipment.actions import add_window, remove_window
from equipment.models import CalendarException
from mes.clock import wall_now
from mes.commands import Command
from mes.errors import Refused, Stale
from mes.events import plain
from mes.models import Role, ShopFloorEvent, SitePlan, Task
from mes.rows import find
from planning import rules, snapshot, words
from planning.actions import acts, authority, consents, telling
from planning.actions.asked import finish_tasks_about
from planning.actions.commit import commit_projection, peg_changes, put_pegs
from planning.actions.lock import hold_lock
from planning.actions.study import Study
from planning.engine.changes import (
    AddCalendarWindow,
    Change,
    Footprint,
    MoveJob,
    RemoveCalendarWindow,
    from_json,
    queues_after,
    to_json,
)
from planning.engine.changes import inverse as inverse_of
from planning.engine.deals import Deal
from planning.models import Decision, Disruption, Option, StandingDecision
from planning.shadow.models import in_shadow
from workorders.actions import move_job, restore_queue, set_queue
from workorders.models import JobOrder, UnitQueue


def accept(
    command: Command,
    *,
    option_id: int,
    based_on_version: int,
    why: str = "",
    changes: Sequence[Mapping[str, Any]] | None = None,
    rule: StandingDecision | None = None,
) -> dict[str, Any]:
    """Apply an option by the acts that a person would use, and make its plan the committed one.

    based_on_version  the plan version of the page on which it was chosen.
    changes           for the option "mine": the planner's own changes, as typed changes in JSON
                      with instants in unix seconds.
    rule              that decides by itself, in its writer's name.

    :raises Stale: with what moved, or with the figures then and now if it became worse.
    :raises Refused: if it is not possible, or beyond the person's authority (403, `authority`).
    """
    hold_lock(command.site.pk)
    option = find(command, Option, option_id)
    disruption = find(command, Disruption, option.disruption_id, lock=True)
    if disruption.state == Disruption.State.CLOSED:
        raise Stale(_("This is over already; there is nothing left to decide."))
    if disruption.state == Disruption.State.ACCEPTED:
        raise _decided_already(command, disruption)
    if option.verdict == Option.Verdict.IMPOSSIBLE:
        raise Stale(_("This option is no longer possible. Choose another one."))
    outside = option.kind == Option.Kind.OUTSIDE
    if outside and not why.strip():
        raise Refused(_("Say in a few words what was done."))
    snap = snapshot.take(command.site.pk, wall_now=wall_now())
    study = Study(snap)
    own = option.kind == Option.Kind.MINE and changes is not None
    chosen = changes if own and changes is not None else option.changes
    if option.kind == Option.Kind.MINE and not chosen:
        raise Refused(_("Make your moves first; they stand here with their costs."))
    _compare_footprint(study, option, based_on_version)
    asked = study.fitted(_read_changes(study, chosen))
    found = study.evaluate(asked)
    if found.refusal is not None:
        why_not = study.refusal_figures(found.refusal)
        raise Stale(words.refused(why_not), moved=[], refusal=why_not)
    assert found.figures is not None  # only what is refused has none
    figures = study.option_figures(
        found.figures, found.plant, found.projection, study.stake_of(disruption)
    )
    figures["consents"] = study.consents(asked)
    if not own:
        _compare_figures(command, study, option, figures, based_on_version)
    authority.check(command, figures)

    # A plant that only listens keeps what was chosen and foreseen; nothing follows from it.
    listens = in_shadow(command.site.pk)
    foreseen = _predicted(option, figures, named=not own)
    if listens:
        asked, foreseen["without"] = (), _lines_without(disruption)
    reason = words.title(disruption)
    inverse: dict[str, Any] = {
        "changes": to_json(inverse_of(snap.plant, asked), epoch=study.unix_epoch),
        "queues": {},
        "pegs": {"add": [], "remove": []},
    }
    touched = {} if listens else queues_after(snap.plant, found.plant)
    inverse["queues"] = {
        str(unit): queue
        for unit, queue in snap.decided["queues"]
        if unit in _units_of(asked, touched)
    }
    decision_id = _next_id()
    inverse["made"] = _apply(command, study, asked, touched, reason=reason, decision_id=decision_id)
    planned = study.of(found.plant)
    if any(isinstance(change, Deal) for change in asked):
        # Rows that it made have their own numbers only now: the plan is taken from what is stored.
        planned = Study(snapshot.take(command.site.pk, wall_now=wall_now()))
    if not listens:
        pegs = peg_changes(snap, planned.plant, planned.projection)
        put_pegs(command.site.pk, pegs)
        inverse["pegs"] = {"add": pegs["remove"], "remove": pegs["add"]}

    Disruption.objects.filter(pk=disruption.pk).update(
        state=Disruption.State.ACCEPTED, growing=False, back={}
    )
    seen = [
        {
            "slug": each.slug,
            "kind": each.kind,
            "rank": each.rank,
            "name": words.option_name(each),
            "hit_lines": each.figures.get("hit_lines", 0),
            "late_lines": each.figures.get("late_lines", 0),
            "late_anyway": each.figures.get("late_anyway", 0),
            "promises": each.figures.get("promises", 0),
            "late_days": each.figures.get("late_days", 0),
            "cash": each.cash,
            "estimate": each.estimate,
            "late_cost": each.late_cost,
            "saves": each.saves,
        }
        for each in Option.objects.filter(
            disruption=disruption, verdict=Option.Verdict.OFFERED
        ).order_by("rank")
    ]
    title = words.kind_name(option.kind) if own else words.option_name(option)
    if outside:
        title = f"{title}: {why.strip()}"
        _close_what_may_close(command, disruption, why.strip())
    finish_tasks_about(command.site.pk, [disruption.pk], command.now)
    consents.settle_approvals(command, disruption.pk, option.slug, decision_id)
    waits: Any = ()
    if not listens:
        _tasks(command, decision_id, study, figures)
        waits = consents.ask(
            command,
            study,
            asked,
            figures,
            decision_id=decision_id,
            decide_by=snap.instant(found.figures.decide_by),
        )
        telling.tell_decided(command, disruption, title)

    def store(seq: int) -> None:
        version = snap.plan_version if listens else commit_projection(planned, seq=seq)
        after = Study(snapshot.take(command.site.pk, wall_now=wall_now()))
        Decision.objects.create(
            id=decision_id,
            site=command.site,
            disruption=disruption,
            event_seq=seq,
            kind=option.kind,
            title=title[:200],
            person_id=command.actor.person_id,
            on_behalf_of_id=command.actor.on_behalf_of_id,
            rule=rule,
            saved_at=disruption.opened_at,
            seen_at=disruption.seen_at,
            at=command.now,
            why=why[:300],
            version=version,
            committed_version_before=snap.committed_version,
            plan_hash_before=snap.plan_hash,
            plan_hash_after=after.snap.plan_hash,
            changes=to_json(asked, epoch=study.unix_epoch),
            inverse=inverse,
            footprint_after={}
            if listens
            else after.footprint_rows(
                _units_of(asked, touched), _jobs_of(asked), _others_of(found.footprint)
            ),
            seen=plain(seen),
            predicted=plain(foreseen),
            shadow=listens,
        )

    command.record(
        "planning.option.accepted",
        subject=("decision", decision_id),
        body={
            "disruption_id": disruption.pk,
            "option": option.slug,
            "option_kind": option.kind,
            "title": title,
            "why": why,
            "changes": to_json(asked, epoch=study.unix_epoch),
            "cash": figures["extra_cash"],
            "saves": figures["saves"],
            **({"shadow": True} if listens else {}),
        },
        then=store,
    )
    said = _("Noted: %(title)s. This plant only listens, so nothing was changed.")
    return {
        "decision_id": decision_id,
        "disruption_id": disruption.pk,
        "title": title,
        "tentative": bool(waits),
        "message": (said if listens else _("Accepted: %(title)s.")) % {"title": title},
    }


def undo(command: Command, *, decision_id: int, why: str = "") -> dict[str, Any]:
    """Take a decision back: the inverse acts, and the committed version that stood before.

    :raises Stale: if somebody changed what it changed, or a job that it moved has begun.
    """
    hold_lock(command.site.pk)
    decision = find(command, Decision, decision_id)
    if decision.undo_of_id is not None:
        raise Refused(_("This is an undo itself. Accept the option again instead."))
    if Decision.objects.filter(undo_of=decision).exists():
        raise Refused(_("This was taken back before."), status=409, code="done_already")
    snap = snapshot.take(command.site.pk, wall_now=wall_now())
    study = Study(snap)
    asked = _read_changes(study, decision.changes)
    units = {int(unit) for unit in decision.inverse["queues"]}
    _check_still_undoable(command, study, decision, asked)

    reason = _("Taken back: %(title)s") % {"title": decision.title}
    made = decision.inverse.get("made", [{}] * len(asked))
    for change, kept in reversed(list(zip(asked, made, strict=True))):
        if isinstance(change, Deal):
            acts.undo(command, change, kept, reason=reason)
        elif isinstance(change, MoveJob):
            _move_back(command, study, change, decision.inverse, reason)
        elif isinstance(change, AddCalendarWindow):
            remove_window(command, window_id=_window(study, change))
        elif isinstance(change, RemoveCalendarWindow):
            _open_window(command, study, change, reason)
    for unit_id in sorted(units):
        restore_queue(command, unit_id, decision.inverse["queues"][str(unit_id)], reason)
    put_pegs(command.site.pk, decision.inverse["pegs"])
    _reopen(decision)
    consents.withdraw(command, decision.pk)
    Task.objects.filter(
        site=command.site, subject_type="decision", subject_id=decision.pk, done_at=None
    ).update(done_at=command.now, done_by=command.actor.person_id)
    undo_id = _next_id()

    def store(seq: int) -> None:
        # The older commitment stands again, unless somebody committed another one meanwhile.
        SitePlan.objects.filter(site=command.site, committed_version=decision.version).update(
            committed_version=decision.committed_version_before
        )
        Decision.objects.create(
            id=undo_id,
            site=command.site,
            disruption_id=decision.disruption_id,
            event_seq=seq,
            kind=decision.kind,
            title=decision.title,
            person_id=command.actor.person_id,
            on_behalf_of_id=command.actor.on_behalf_of_id,
            at=command.now,
            why=why[:300],
            version=snap.plan_version,
            committed_version_before=snap.committed_version,
            plan_hash_before=snap.plan_hash,
            plan_hash_after=_hash_now(command),
            changes=decision.inverse["changes"],
            inverse={"changes": decision.changes, "queues": {}, "pegs": {}},
            footprint_after={},
            seen=[],
            predicted={},
            undo_of=decision,
        )

    command.record(
        "planning.decision.undone",
        subject=("decision", undo_id),
        body={
            "disruption_id": decision.disruption_id,
            "undone_id": decision.pk,
            "title": decision.title,
        },
        then=store,
    )
    return {
        "decision_id": undo_id,
        "disruption_id": decision.disruption_id,
        "message": _("Taken back: %(title)s.") % {"title": decision.title},
    }


def _close_what_may_close(command: Command, disruption: Disruption, what: str) -> None:
    """Solved outside is over, unless a fact still stands that its own act ends.

    A machine that is down, a hold, a closure, and what the plan itself finds late stay watched:
    they close when they are over.
    """
    told = disruption.kind in rules.FELT and not disruption.cause.get("overdue")
    if told:
        Disruption.objects.filter(pk=disruption.pk).update(
            state=Disruption.State.CLOSED, closed_at=command.now, close_reason=what[:200]
        )


# -- applying ------------------------------------------------------------------------------------


def _apply(
    command: Command,
    study: Study,
    changes: Sequence[Change],
    queues: Mapping[int, Sequence[int]],
    *,
    reason: str,
    decision_id: int,
) -> list[dict[str, Any]]:
    """Do what the changes say, each by the act of the app that owns it.

    returns  for each change what undoing it needs beyond the change itself.
    """
    made: list[dict[str, Any]] = [{} for _change in changes]
    bought: dict[int, int] = {}
    for number, change in enumerate(changes):
        if isinstance(change, Deal):
            made[number] = acts.do(
                command, study, change, decision_id=decision_id, bought=bought, reason=reason
            )
        elif isinstance(change, MoveJob):
            if study.snap.jobs[change.op_id].unit_id != change.to_unit_id:
                move_job(
                    command,
                    job_order_id=change.op_id,
                    to_unit_id=change.to_unit_id,
                    position=10**6,
                    reason=reason,
                )
        elif isinstance(change, AddCalendarWindow):
            _open_window(command, study, change, reason)
        elif isinstance(change, RemoveCalendarWindow):
            remove_window(command, window_id=_window(study, change))
    for unit_id, waiting in sorted(queues.items()):
        queue = UnitQueue.objects.filter(site=command.site, unit=unit_id).first()
        there = queue.job_order_ids if queue is not None else []
        waiting = [bought.get(job_id, job_id) for job_id in waiting]
        ahead = [job_id for job_id in there if job_id not in set(waiting)]
        set_queue(command, unit_id=unit_id, job_order_ids=[*ahead, *waiting], reason=reason)
    return made


def _open_window(
    command: Command, study: Study, change: AddCalendarWindow | RemoveCalendarWindow, reason: str
) -> None:
    starts_at, ends_at = study.snap.instant(change.start_s), study.snap.instant(change.end_s)
    assert starts_at is not None  # windows have both ends
    assert ends_at is not None
    add_window(
        command,
        unit_id=change.unit_id,
        kind=CalendarException.Kind.OPEN,
        starts_at=starts_at,
        ends_at=ends_at,
        reason=reason[:120],
    )


def _window(study: Study, change: AddCalendarWindow | RemoveCalendarWindow) -> int:
    starts_at, ends_at = study.snap.instant(change.start_s), study.snap.instant(change.end_s)
    assert starts_at is not None  # windows have both ends
    assert ends_at is not None
    found = (
        CalendarException.objects.filter(
            unit=change.unit_id,
            kind=CalendarException.Kind.OPEN,
            starts_at=starts_at,
            ends_at=ends_at,
            removed_seq=None,
        )
        .order_by("-pk")
        .values_list("pk", flat=True)
        .first()
    )
    if found is None:
        raise Stale(_("The overtime was already taken out."))
    return int(found)


def _move_back(
    command: Command,
    study: Study,
    change: MoveJob,
    inverse: Mapping[str, Any],
    reason: str,
) -> None:
    home = next(
        (int(unit) for unit, queue in inverse["queues"].items() if change.op_id in queue), None
    )
    if home is not None and study.snap.jobs[change.op_id].unit_id != home:
        move_job(
            command,
            job_order_id=change.op_id,
            to_unit_id=home,
            position=10**6,
            reason=reason,
        )


def _read_changes(study: Study, rows: Iterable[Mapping[str, Any]]) -> tuple[Change, ...]:
    try:
        return from_json(rows, epoch=study.unix_epoch)
    except ValueError as problem:
        raise Refused(str(problem), code="changes") from problem


def _units_of(changes: Sequence[Change], queues: Mapping[int, Any]) -> set[int]:
    units = set(queues)
    for change in changes:
        unit_id = getattr(change, "unit_id", None) or getattr(change, "to_unit_id", None)
        if unit_id is not None:
            units.add(unit_id)
    return units


def _jobs_of(changes: Sequence[Change]) -> set[int]:
    return {change.op_id for change in changes if isinstance(change, MoveJob)}


# -- comparing -----------------------------------------------------------------------------------


def _others_of(found: Footprint) -> list[str]:
    """Rows of a footprint that are neither queues, calendars nor jobs, by name."""
    reserved = [f"reserved:{kind}-{pk}" for kind, pk in found.demands]
    return [*found.rows, *reserved]


def _others_in(stored: Iterable[str]) -> list[str]:
    return [name for name in stored if name.split(":")[0] not in ("queue", "calendar", "job")]


def _named(study: Study, rows: Iterable[str]) -> str:
    codes = {f"queue:{pk}": code for pk, code in study.snap.units.items()}
    codes |= {f"calendar:{pk}": code for pk, code in study.snap.units.items()}
    codes |= {f"job:{pk}": study.subject_code("job_order", pk) for pk in study.snap.jobs}
    codes |= {name: study.row_label(name) for name in _others_in(rows)}
    return ", ".join(words.footprint_row(name, codes) for name in sorted(set(rows)))


def _decided_already(command: Command, disruption: Disruption) -> Stale:
    """Who decided it, and what."""
    taken = (
        Decision.objects.filter(disruption=disruption, undo_of=None, undone_by=None)
        .select_related("person", "rule")
        .order_by("-at", "-pk")
        .first()
    )
    if taken is None:
        return Stale(_("Somebody has decided this already. Undo that first."))
    said = words.decided(taken, command.site.time_zone)
    return Stale(said + " " + _("Undo that first."), decided=[said])


def _who_moved(
    study: Study, site_id: int, moved: Iterable[str], based_on_version: int
) -> list[str]:
    """The decisions since a page of that version that changed these rows, in words."""
    since = Decision.objects.filter(site=site_id, version__gt=based_on_version, undo_of=None)
    return [
        words.decided(each, study.snap.time_zone)
        for each in since.select_related("person", "rule").order_by("at", "pk")
        if not each.footprint_after.keys().isdisjoint(moved)
    ]


def _compare_footprint(study: Study, option: Option, based_on_version: int) -> None:
    """Refuse where a row that the option changes is not what it was on the person's page."""
    stored: dict[str, Any] = option.footprint.get("rows", {})
    since: dict[str, int] = option.footprint.get("since", {})
    units = [int(name.split(":")[1]) for name in stored if name.startswith("queue:")]
    jobs = [int(name.split(":")[1]) for name in stored if name.startswith("job:")]
    now = study.footprint_rows(units, jobs, _others_in(stored))
    moved = [name for name, at in since.items() if at > based_on_version]
    moved += [name for name in stored if rules.row_moved(stored[name], now.get(name))]
    if moved:
        said = _(
            "The plan has moved on since you looked: %(what)s changed. Look again and decide."
        ) % {"what": _named(study, moved)}
        others = _who_moved(study, option.site_id, moved, based_on_version)
        raise Stale(" ".join([said, *others]), moved=sorted(set(moved)), decided=others)


def _compare_figures(
    command: Command,
    study: Study,
    option: Option,
    now: rules.OptionFigures,
    based_on_version: int,
) -> None:
    """Refuse where it is worse than what the person saw by more than the site tolerates."""
    seen = rules.figures_seen(option.figures, based_on_version)
    worse = rules.is_worse(seen, now, tolerance_ppm=study.snap.accept_tolerance_ppm)
    if worse:
        raise Stale(
            _("This option has become worse since you looked. Here are its figures of now."),
            moved=[],
            then=seen,
            now={name: now[name] for name in rules.COMPARED},  # type: ignore[literal-required]
        )


def _check_still_undoable(
    command: Command, study: Study, decision: Decision, changes: Sequence[Change]
) -> None:
    made = decision.inverse.get("made", [{}] * len(changes))
    for change, kept in zip(changes, made, strict=True):
        if isinstance(change, Deal):
            said = acts.ended(command, change, kept, since=decision.event_seq)
            if said:
                raise Stale(said, moved=[])
    jobs = _jobs_of(changes)
    begun = (
        ShopFloorEvent.objects.filter(
            site=command.site,
            seq__gt=decision.event_seq,
            subject_type="job_order",
            subject_id__in=jobs,
            kind__in=["workorders.job.started", "workorders.job.resumed"],
        )
        .order_by("seq")
        .first()
    )
    if begun is not None:
        job = JobOrder.objects.select_related("unit", "work_order").get(pk=begun.subject_id)
        raise Stale(
            _("%(job)s has begun on %(unit)s at %(time)s, so this can't be taken back any more.")
            % {
                "job": f"{job.work_order.code} / {job.number}",
                "unit": job.unit.code,
                "time": words.clock(begun.occurred_at, study.snap.time_zone),
            },
            moved=[f"job:{job.pk}"],
        )
    stored: dict[str, Any] = decision.footprint_after
    units = [int(name.split(":")[1]) for name in stored if name.startswith("queue:")]
    now = study.footprint_rows(units, jobs, _others_in(stored))
    moved = [name for name in stored if rules.row_moved(stored[name], now.get(name))]
    if moved:
        raise Stale(
            _("Somebody has changed %(what)s since. Decide anew instead of taking this back.")
            % {"what": _named(study, moved)},
            moved=moved,
        )


# -- what follows --------------------------------------------------------------------------------


def _tasks(command: Command, decision_id: int, study: Study, figures: rules.OptionFigures) -> None:
    """What others have to do because of the decision; whose yes it needs is asked apart."""
    Task.objects.bulk_create(
        [
            Task(
                site=command.site,
                role=Role.SALES,
                text=words.tell_customer(hit, study.snap.time_zone)[:200],
                subject_type="decision",
                subject_id=decision_id,
                created_at=command.now,
            )
            for hit in figures["hurt"]
        ]
    )


def _reopen(decision: Decision) -> None:
    """Lay before the planner again what a decision answered, and what closed since by its plan.

    Options are made anew. The next recompute closes again what is over without the decision.
    """
    states = Disruption.State
    answered = Q(state=states.ACCEPTED)
    if decision.kind == Option.Kind.OUTSIDE:
        answered |= Q(state=states.CLOSED)
    by_its_plan = Q(
        state=states.CLOSED,
        closed_at__gte=decision.at,
        kind__in=rules.FELT,
        close_reason__in=rules.FELT_NO_MORE,
    )
    rows = Disruption.objects.filter(
        Q(pk=decision.disruption_id) & answered | by_its_plan, site=decision.site_id
    )
    for row in rows.order_by("pk").select_for_update():
        of_its_cause = {
            "kind": row.kind,
            "subject_type": row.subject_type,
            "subject_id": row.subject_id,
        }
        standing = Disruption.objects.standing(row.site_id).filter(**of_its_cause)
        if standing.exclude(pk=row.pk).exists():
            continue  # it came again meanwhile
        row.state, row.closed_at, row.close_reason = states.OPEN, None, ""
        row.summary = {**row.summary, "options_due": True}
        row.save(update_fields=["state", "closed_at", "close_reason", "summary"])


def _predicted(option: Option, figures: rules.OptionFigures, *, named: bool) -> dict[str, Any]:
    """What the decision is measured by later, and what it does, for the words.

    named  the changes are those that the option's stored facts tell of.
    """
    return {
        "facts": option.figures.get("facts", {}) if named else {},
        "lines": figures["lines"],
        "hurt": figures["hurt"],
        "hit_lines": figures["hit_lines"],
        "late_anyway": figures["late_anyway"],
        "late_lines": figures["late_lines"],
        "late_days": figures["late_days"],
        "extra_cash": figures["extra_cash"],
        "extra_estimate": figures["extra_estimate"],
        "late_cash": figures["late_cash"],
        "late_estimate": figures["late_estimate"],
        "saves": figures["saves"],
    }


def _lines_without(disruption: Disruption) -> list[Any]:
    """What doing nothing was foreseen to bring to the deliveries that it is about."""
    nothing = disruption.options.filter(kind=Option.Kind.DO_NOTHING).first()
    lines: list[Any] = nothing.figures.get("lines", []) if nothing is not None else []
    return lines


def _hash_now(command: Command) -> str:
    return snapshot.take(command.site.pk, wall_now=wall_now()).plan_hash


def _next_id() -> int:
    """The decision's number before its row: the event that names it comes first."""
    with connection.cursor() as cursor:
        cursor.execute("select nextval(pg_get_serial_sequence('planning_decision', 'id'))")
        return int(cursor.fetchone()[0])
