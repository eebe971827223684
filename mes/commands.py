"""The only way a write enters: one transaction, one key, one answer, gapless chained events."""

from __future__ import annotations

import hashlib
import logging
import random
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import IntegrityError, OperationalError, connection, transaction
from django.utils.translation import gettext as _
from psycopg2 import errors as pg

from mes import doorbell, events, tally
from mes.actor import Actor
from mes.clock import plant_now, wall_now
from mes.errors import Busy, Refused
from mes.models import CommandKey, ShopFloorEvent, Site, SiteHead

log = logging.getLogger(__name__)

RETRIES = 3


@dataclass(slots=True)
class _Collected:
    kind: str
    subject_type: str
    subject_id: int
    body: dict[str, Any]
    occurred_at: datetime
    late: bool
    corrects_seq: int | None
    rows: list[Callable[[int], None]]


@dataclass(slots=True)
class Command:
    """What an action gets: the site, who acts, the plant's now; it collects what happened.

    Sequence numbers are given at the very end, under the head's lock, so an action that
    stores a ledger row with the event's number hands over a writer: `record(..., then=fn)`.
    """

    site: Site
    key: uuid.UUID
    actor: Actor
    now: datetime
    collected: list[_Collected] = field(default_factory=list)
    # Refusal or an unsettled fact: 202 instead of 200.
    status: int = 200

    def record(
        self,
        kind: str,
        *,
        subject: tuple[str, int],
        body: dict[str, Any],
        occurred_at: datetime | None = None,
        late: bool = False,
        corrects_seq: int | None = None,
        then: Callable[[int], None] | None = None,
    ) -> None:
        """Collect an event; it is stored at the end of the command or not at all.

        `then(seq)` writes the ledger rows that name the event, in the same transaction.
        """
        self.collected.append(
            _Collected(
                kind=kind,
                subject_type=subject[0],
                subject_id=subject[1],
                body=events.plain(body),
                occurred_at=occurred_at or self.now,
                late=late,
                corrects_seq=corrects_seq,
                rows=[then] if then else [],
            )
        )

    def also(self, then: Callable[[int], None]) -> None:
        """Add a writer of ledger rows to the event collected last."""
        self.collected[-1].rows.append(then)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The answer of a command: what is stored with its key and what a replay gets again."""

    status: int
    response: dict[str, Any]
    replayed: bool = False

    @property
    def ok(self) -> bool:
        return self.status < 400

    @property
    def message(self) -> str:
        return str(self.response.get("message", ""))


def body_sha256(name: str, body: dict[str, Any]) -> bytes:
    return hashlib.sha256(events.canonical({"name": name, "body": body})).digest()


def run(
    *,
    site: Site,
    key: uuid.UUID,
    actor: Actor,
    name: str,
    body: dict[str, Any],
    act: Callable[[Command], dict[str, Any] | None],
) -> Outcome:
    """Run one act exactly once and return its answer.

    name, body   what was asked; the same key with another request is refused (`key_reused`).
    act          gets the Command, changes rows by conditional UPDATE, collects events, returns
                 what the answer says; or raises `Refused`, whose answer is stored with the key
                 while everything else of the act is rolled back.

    Deadlocks and serialization failures are retried three times around the whole transaction.

    :raises Busy: if a lock was not to be had within its time-out; nothing is stored.
    """
    sha = body_sha256(name, body)
    for attempt in range(RETRIES + 1):
        try:
            with transaction.atomic(durable=not _inside_test()):
                outcome = _once(site, key, actor, name, sha, act)
            _tell(site, name, outcome)
            return outcome
        except OperationalError as problem:
            cause = problem.__cause__
            if isinstance(cause, pg.LockNotAvailable):
                tally.count("mes_events_total", kind=name, result="busy")
                raise Busy(_("Somebody else is changing this. Try again in a moment.")) from problem
            again = isinstance(cause, pg.DeadlockDetected | pg.SerializationFailure)
            if not again or attempt == RETRIES:
                raise
            tally.count("mes_deadlocks_total")
            time.sleep(random.uniform(0.005, 0.03) * (attempt + 1))
    raise AssertionError("unreachable")


def _tell(site: Site, name: str, outcome: Outcome) -> None:
    """Count the answer and log it, so that a request leads to its events."""
    log.info(
        "%s %s%s",
        name,
        outcome.status,
        ", sent again" if outcome.replayed else "",
        extra={
            "site": site.pk,
            "command": name,
            "status": outcome.status,
            "last_seq": outcome.response.get("seq"),
        },
    )
    _count(name, outcome)


def _count(name: str, outcome: Outcome) -> None:
    if outcome.replayed:
        tally.count("mes_replays_total")
        return
    result = "refused" if not outcome.ok else "unsettled" if outcome.status == 202 else "stored"
    tally.count("mes_events_total", kind=name, result=result)


def _inside_test() -> bool:
    """A test that wraps itself in a transaction cannot have a durable one inside."""
    return connection.in_atomic_block


def _once(
    site: Site,
    key: uuid.UUID,
    actor: Actor,
    name: str,
    sha: bytes,
    act: Callable[[Command], dict[str, Any] | None],
) -> Outcome:
    with connection.cursor() as cursor:
        # The marker tells the dirty-site triggers that an action is writing.
        cursor.execute("select set_config('mes.command', '1', true)")
        # A duplicate in flight waits here until the first commits, then reads its answer.
        cursor.execute(
            "insert into mes_commandkey (site_id, key, name, body_sha256, at)"
            " values (%s, %s, %s, %s, %s) on conflict (site_id, key) do nothing",
            [site.pk, str(key), name, sha, wall_now()],
        )
        first = cursor.rowcount == 1
    if not first:
        return _stored_answer(site, key, sha)

    command = Command(site=site, key=key, actor=actor, now=plant_now(site))
    try:
        with transaction.atomic():
            response = act(command) or {}
    except Refused as refusal:
        status = refusal.status
        response = {"message": str(refusal), "code": refusal.code, **refusal.data}
    except IntegrityError as problem:
        sentence = _constraint_refusal(problem)
        if sentence is None:
            raise
        status, response = 422, {"message": sentence, "code": "rule"}
    else:
        status = command.status
        response["seq"] = _append(command)
    response = events.plain(response)
    CommandKey.objects.filter(site=site, key=key).update(status=status, response=response)
    if status < 400 and command.collected:
        # Not a partial: Django names the function in its log when a robust hook raises.
        transaction.on_commit(lambda: doorbell.ring(site.pk), robust=True)
    return Outcome(status, response)


def _stored_answer(site: Site, key: uuid.UUID, sha: bytes) -> Outcome:
    stored = CommandKey.objects.get(site=site, key=key)
    if bytes(stored.body_sha256) != sha:
        message = _("This entry was already sent with other contents. Nothing was changed.")
        return Outcome(422, {"message": message, "code": "key_reused"}, replayed=True)
    return Outcome(stored.status or 200, stored.response or {}, replayed=True)


def _constraint_refusal(problem: IntegrityError) -> str | None:
    """Constraints are named as sentences; a check that a person ran into is said as one."""
    cause = problem.__cause__
    if not isinstance(cause, pg.CheckViolation | pg.UniqueViolation | pg.ExclusionViolation):
        return None
    name = cause.diag.constraint_name or ""
    return _("Not possible: %(rule)s.") % {"rule": name.replace("_", " ")}


def _append(command: Command) -> int | None:
    """Number, chain and store the collected events; the head row is the last lock taken."""
    if not command.collected:
        return None
    count = len(command.collected)
    with connection.cursor() as cursor:
        cursor.execute(
            "update mes_sitehead set seq = seq + %s where site_id = %s returning seq, head_hash",
            [count, command.site.pk],
        )
        last_seq, previous = cursor.fetchone()
    previous = bytes(previous)
    received_at = wall_now()
    rows: list[ShopFloorEvent] = []
    for part, happened in enumerate(command.collected):
        columns = {
            "site_id": command.site.pk,
            "seq": last_seq - count + 1 + part,
            "key": str(command.key),
            "part": part,
            "kind": happened.kind,
            "schema_version": events.validate(happened.kind, happened.body),
            "subject_type": happened.subject_type,
            "subject_id": happened.subject_id,
            "body": happened.body,
            "person_id": command.actor.person_id,
            "device_id": command.actor.device_id,
            "on_behalf_of_id": command.actor.on_behalf_of_id,
            "occurred_at": happened.occurred_at,
            "received_at": received_at,
            "late": happened.late,
            "corrects_seq": happened.corrects_seq,
        }
        digest = events.chain_hash(previous, columns)
        rows.append(ShopFloorEvent(**columns, prev_hash=previous, hash=digest))
        previous = digest
    ShopFloorEvent.objects.bulk_create(rows)
    for row, happened in zip(rows, command.collected, strict=True):
        for write in happened.rows:
            write(row.seq)
    SiteHead.objects.filter(site=command.site).update(head_hash=previous)
    return int(last_seq)
