"""A short fire: every fault once, and the promise is kept; and the judge sees where it is not."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import uuid
from datetime import UTC, datetime

import pytest

from mes import commands
from mes.actor import SYSTEM
from mes.models import CommandKey, Site
from tests.fault import judge
from tests.fault.faults import FAULTS, script
from tests.fault.messages import Floor, Known, Message
from tests.fault.sending import Answer, Told
from tests.fault.verdict import NOUGHT
from tests.mes.test_commands import bare_site, record_one
from tests.servers import ROOT

__all__ = ["bare_site"]


@pytest.mark.slow
def test_the_promise_is_kept_while_everything_is_killed_once() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.fault", "--seed=7", "--seconds=12", "--rate=12"],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": "", "REDIS_URL": ""},
        capture_output=True,
        text=True,
        check=False,
        timeout=420,
    )

    assert done.stdout, done.stderr[-4000:]
    report = json.loads(done.stdout)
    # How soon it is done is asked by `make fault` on a quiet machine.
    assert not any(report[name] for name in NOUGHT), (report, done.stderr[-4000:])
    assert report["faults"] == dict.fromkeys(FAULTS, 1)
    assert report["messages"] == 144
    assert report["stored"] > 50
    assert report["converged_s"] is not None


def test_a_seed_makes_the_same_messages_and_the_same_strikes_again() -> None:
    plant = Known(
        units=["U-1", "U-2"],
        jobs=[("WO-1", 10), ("WO-2", 20)],
        posts=[("U-1", 1), ("U-2", 2)],
        lots=[("L-1", "RAW")],
        purchases=[("PO-1", 1)],
        lines=[("SO-1", 1)],
        tools=["T-1"],
        customers=["C-1"],
        items=["I-1"],
        now=datetime(2026, 11, 24, 7, 30, tzinfo=UTC),
    )

    def made(seed: int) -> tuple[list[Message], list[tuple[float, str]]]:
        chance = random.Random(seed)
        floor = Floor(chance, plant)
        return [floor.message() for _ in range(200)], script(chance, 60)

    assert made(3) == made(3)
    assert made(3) != made(4)
    assert {name for _at, name in made(3)[1]} == set(FAULTS)


def told(key: uuid.UUID, *answers: Answer, kind: str = "repair") -> Told:
    return Told(Message(str(key), kind, {"good": "2", "scrap": "0"}), list(answers))


@pytest.fixture
def stored(bare_site: Site) -> tuple[uuid.UUID, Answer]:
    """A command of a site that is called as the judge's, and what it was answered."""
    Site.objects.filter(pk=bare_site.pk).update(code="NF")
    key = uuid.uuid4()
    outcome = commands.run(
        site=bare_site, key=key, actor=SYSTEM, name="test", body={}, act=record_one
    )
    return key, Answer(outcome.status, outcome.response)


def test_what_is_in_the_record_as_it_was_answered_is_not_missed(
    stored: tuple[uuid.UUID, Answer],
) -> None:
    key, answer = stored

    assert judge.not_stored([told(key, answer, answer)]) == []
    assert judge.without_impact() == 1
    assert not judge.is_current()


def test_an_answer_that_the_record_does_not_know_is_missed(
    stored: tuple[uuid.UUID, Answer],
) -> None:
    key, answer = stored
    stranger = uuid.uuid4()

    assert judge.not_stored([told(stranger, answer)]) == [f"repair {stranger}"]
    assert judge.not_stored([told(key, Answer(200, {"seq": 2}))]) == [f"repair {key}"]
    CommandKey.objects.filter(key=key).update(status=422)
    assert judge.not_stored([told(key, answer)]) == [f"repair {key}"]


def test_a_report_whose_pieces_are_in_no_ledger_is_seen(stored: tuple[uuid.UUID, Answer]) -> None:
    key, answer = stored

    twice, never = judge.done_twice_or_never([told(key, answer, kind="production")])

    assert twice == []
    assert never == [f"production {key}: 0 of 2"]


def test_copies_that_are_answered_differently_are_seen() -> None:
    assert told(uuid.uuid4(), Answer(200, {"seq": 1}), Answer(200, {"seq": 1})).agree
    assert not told(uuid.uuid4(), Answer(200, {"seq": 1}), Answer(200, {"seq": 2})).agree
