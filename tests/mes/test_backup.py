"""The drill: a backup of a plant at work, restored elsewhere, is the record and proves it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from pathlib import Path

import psycopg2
import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models import Max

from mes.clock import wall_now
from mes.models import OutgoingMail, Person, ShopFloorEvent, SiteHead
from tests.cast import Plant, build_plant
from tests.servers import ROOT, database_url

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def plant(transactional_db: None) -> Plant:
    plant = build_plant()
    plant.order(quantity=500)
    plant.report(plant.job(), 3)
    return plant


@pytest.fixture
def elsewhere() -> Iterator[str]:
    """The address of an empty database on the tests' server."""
    name = f"drill_{uuid.uuid4().hex[:8]}"
    server = psycopg2.connect(database_url().rpartition("/")[0] + "/postgres")
    server.autocommit = True
    server.cursor().execute(f"create database {name}")
    yield database_url().rpartition("/")[0] + f"/{name}"
    server.cursor().execute(f"drop database {name} with (force)")
    server.close()


def restored(dump: Path, url: str, *more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", "restore", str(dump), *more],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": url, "MES_PROCESS": "COMMAND"},
        capture_output=True,
        text=True,
        check=False,
    )


def asked(url: str, question: str) -> list[tuple[object, ...]]:
    with psycopg2.connect(url) as other:
        cursor = other.cursor()
        cursor.execute(question)
        return cursor.fetchall()


def test_a_backup_of_a_plant_at_work_is_whole_and_verifies_clean(
    plant: Plant, elsewhere: str, tmp_path: Path
) -> None:
    job, ending, reported = plant.job(), threading.Event(), threading.Event()

    def work() -> None:
        while not ending.is_set():
            plant.report(job, 1)
            reported.set()
        connection.close()

    floor = threading.Thread(target=work)
    floor.start()
    reported.wait(10)
    before = SiteHead.objects.get().seq
    said = StringIO()
    call_command("backup", str(tmp_path), stdout=said)
    while SiteHead.objects.get().seq < before + 20:
        pass
    ending.set()
    floor.join()
    (dump,) = tmp_path.glob("*.dump")
    ((code, (seq, head)),) = json.loads(Path(f"{dump}.json").read_text())["sites"].items()

    done = restored(dump, elsewhere)

    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{code} to event {seq}; clean" in done.stdout
    assert before <= seq < SiteHead.objects.get().seq
    event = ShopFloorEvent.objects.get(seq=seq)
    assert bytes(event.hash).hex() == head
    assert asked(elsewhere, "select max(seq), count(*) from mes_shopfloorevent") == [(seq, seq)]
    made = asked(elsewhere, "select sum(good) from workorders_jobresponse")
    assert asked(elsewhere, f"select good from workorders_joborder where id = {job.pk}") == made
    assert f"{code} to event {seq}" in said.getvalue()
    assert oct(dump.stat().st_mode & 0o777) == "0o600"


def test_a_file_that_was_changed_is_not_restored(
    plant: Plant, elsewhere: str, tmp_path: Path
) -> None:
    dump = tmp_path / "a.dump"
    call_command("backup", str(dump), stdout=StringIO())
    content = bytearray(dump.read_bytes())
    content[len(content) // 2] ^= 1
    dump.write_bytes(content)

    done = restored(dump, elsewhere)

    assert done.returncode == 1
    assert "its hash differs" in done.stderr
    assert asked(elsewhere, "select count(*) from pg_tables where schemaname = 'public'") == [(0,)]


def test_a_record_that_ends_elsewhere_than_was_said_is_found(
    plant: Plant, elsewhere: str, tmp_path: Path
) -> None:
    dump = tmp_path / "a.dump"
    call_command("backup", str(dump), stdout=StringIO())
    beside = Path(f"{dump}.json")
    said = json.loads(beside.read_text())
    said["sites"][plant.site.code][0] += 1
    beside.write_text(json.dumps(said))

    done = restored(dump, elsewhere)

    assert done.returncode == 1
    assert "does not end where the backup says" in done.stderr


def test_what_is_there_is_not_overwritten_unasked_nor_under_running_processes(
    plant: Plant, elsewhere: str, tmp_path: Path
) -> None:
    dump = tmp_path / "a.dump"
    call_command("backup", str(dump), stdout=StringIO())
    asked_first = restored(dump, elsewhere)
    again = restored(dump, elsewhere)
    open_one = psycopg2.connect(elsewhere)
    beside = restored(dump, elsewhere, "--replace")
    open_one.close()
    replaced = restored(dump, elsewhere, "--replace")

    assert asked_first.returncode == 0, asked_first.stderr
    assert (again.returncode, "is not empty" in again.stderr) == (1, True)
    assert (beside.returncode, "Another connection is open" in beside.stderr) == (1, True)
    assert replaced.returncode == 0, replaced.stderr


def test_mail_that_waited_is_not_sent_a_second_time(
    plant: Plant, elsewhere: str, tmp_path: Path
) -> None:
    OutgoingMail.objects.create(
        site=plant.site,
        person=Person.objects.first() or Person.objects.create(name="Some One"),
        address="some@one.example",
        language="en",
        lines=[],
        message_id=uuid.uuid4(),
        written_at=wall_now(),
        next_at=wall_now() - timedelta(minutes=1),
    )
    dump = tmp_path / "a.dump"
    call_command("backup", str(dump), stdout=StringIO())

    assert restored(dump, elsewhere).returncode == 0

    question = "select given_up_at is not null, problem from mes_outgoingmail"
    assert asked(elsewhere, question) == [(True, "restored from a backup")]
    assert OutgoingMail.objects.aggregate(Max("given_up_at")) == {"given_up_at__max": None}


def test_a_backup_writes_over_no_other(plant: Plant, tmp_path: Path) -> None:
    dump = tmp_path / "a.dump"
    dump.write_text("an older one")

    with pytest.raises(CommandError, match="is there already"):
        call_command("backup", str(dump))

    assert dump.read_text() == "an older one"
