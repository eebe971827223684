"""A file that breaks the process that works on it is refused in words, not tried for ever."""

from __future__ import annotations

import signal
import subprocess
import uuid
from datetime import date

import pytest

from mes import commands
from mes.actor import SYSTEM
from mes.models import Site
from mes.processes import manage
from planning.ownplant import actions
from planning.ownplant.models import PlantImport
from tests.ownplant.dirty import dirty_workbook
from tests.ownplant.files import small, workbook
from tests.servers import ROOT, environment

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


def brought_in(site: Site, data: bytes) -> PlantImport:
    files = [("plant.xlsx", actions.fingerprint(data), data)]
    outcome = commands.run(
        site=site,
        key=uuid.uuid4(),
        actor=SYSTEM,
        name="test",
        body={},
        act=lambda command: actions.bring_in(command, files=files),
    )
    assert outcome.ok, outcome.message
    return PlantImport.objects.get(pk=outcome.response["import"])


def worked_on(*limits: str) -> int:
    """Let the process that the sweeper starts work under these limits; how it ended."""
    return subprocess.run(
        manage("work_imports", *limits),
        cwd=ROOT,
        env=environment("WORKER"),
        capture_output=True,
        check=False,
        timeout=120,
    ).returncode


def large() -> bytes:
    data, _spoilt = dirty_workbook(
        today=date(2026, 11, 24), orders=4_000, operations=6, machines=40
    )
    return data


def test_a_file_that_takes_all_the_time_twice_is_given_up(own: Site) -> None:
    row = brought_in(own, large())

    ends = [worked_on("--cpu-s=1"), worked_on("--cpu-s=1")]
    row.refresh_from_db()
    before = (row.state, row.begun)
    ends.append(worked_on())
    row.refresh_from_db()

    assert ends == [-signal.SIGXCPU, -signal.SIGXCPU, 0]
    assert before == ("READING", 2)
    assert (row.state, row.begun) == ("UNREADABLE", 0)
    assert "more memory or time" in row.failure


def test_a_file_that_takes_more_memory_than_a_file_may_is_refused(own: Site) -> None:
    row = brought_in(own, large())

    for _go in range(3):
        worked_on("--memory-mb=4")
    row.refresh_from_db()

    assert row.state == "UNREADABLE"
    assert "more memory or time" in row.failure


def test_work_that_broke_off_once_is_taken_up_again(own: Site) -> None:
    row = brought_in(own, workbook(small()))
    PlantImport.objects.filter(pk=row.pk).update(begun=1)

    assert worked_on() == 0
    row.refresh_from_db()

    assert (row.state, row.begun) == ("CHECKED", 0), row.failure
