"""The embedded servers: what they keep, what they survive, what they refuse."""

from __future__ import annotations

import os
import shutil
import signal
import stat
from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest
import redis

from mes.embedded import Embedded, ServersFailed, remove_data, servers_dir
from tests.servers import eventually

pytestmark = pytest.mark.slow


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A data directory for servers of our own, as if no others were known."""
    for name in ("DATABASE_URL", "MIGRATE_DATABASE_URL", "REDIS_URL"):
        monkeypatch.delenv(name, raising=False)
    yield tmp_path
    remove_data(tmp_path)


def ask(url: str, *statements: str) -> list[tuple[object, ...]]:
    connection = psycopg2.connect(url)
    try:
        connection.autocommit = True
        cursor = connection.cursor()
        for statement in statements:
            cursor.execute(statement)
        return cursor.fetchall() if cursor.description else []
    finally:
        connection.close()


def test_a_second_start_keeps_the_data_and_the_rights(place: Path) -> None:
    with Embedded(place) as servers:
        ask(servers.owner_url, "create table kept (x int)", "insert into kept values (7)")
        redis.Redis.from_url(servers.redis_url).set("kept", 7)

    with Embedded(place) as servers:
        assert ask(servers.database_url, "select x from kept") == [(7,)]
        assert redis.Redis.from_url(servers.redis_url).get("kept") == b"7"
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            ask(servers.database_url, "drop table kept")


def test_a_killed_database_recovers_even_if_its_number_is_somebody_elses(place: Path) -> None:
    with Embedded(place) as servers:
        ask(servers.owner_url, "create table kept (x int)", "insert into kept values (7)")
        database = servers.children[0]
        assert database.process is not None
        os.kill(database.process.pid, signal.SIGKILL)
        assert eventually(lambda: database.ended() is not None, 10)
        pid_file = servers.dir / "postgres" / "postmaster.pid"
        lines = pid_file.read_text().splitlines()
        pid_file.write_text("\n".join([str(os.getpid()), *lines[1:]]))

    with Embedded(place) as servers:
        assert ask(servers.database_url, "select x from kept") == [(7,)]


def test_a_database_whose_making_was_interrupted_is_made_anew(place: Path) -> None:
    half_made = servers_dir(place) / "postgres"
    half_made.mkdir(parents=True)
    (half_made / "base").mkdir()

    with Embedded(place) as servers:
        assert ask(servers.database_url, "select 1") == [(1,)]


def test_the_data_of_another_release_is_refused_with_a_way_out(place: Path) -> None:
    data = servers_dir(place) / "postgres"
    data.mkdir(parents=True)
    (data / "PG_VERSION").write_text("11\n")

    with pytest.raises(ServersFailed, match=r"made by PostgreSQL 11 .* make demo-reset"):
        Embedded(place).__enter__()

    assert (data / "PG_VERSION").read_text() == "11\n"


def test_nothing_is_started_where_addresses_are_given(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgres://elsewhere/plant")
    monkeypatch.setenv("REDIS_URL", "redis://elsewhere/0")

    with Embedded(place) as servers:
        assert servers.children == []
        assert servers.database_url == servers.owner_url == "postgres://elsewhere/plant"
        assert servers.redis_url == "redis://elsewhere/0"


def test_a_server_that_cannot_start_says_why(place: Path) -> None:
    with Embedded(place) as servers:
        conf = servers.dir / "postgres" / "postgresql.conf"
        conf.write_text("no_such_setting = 1\n")

    with pytest.raises(ServersFailed, match="no_such_setting"):
        Embedded(place).__enter__()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's directories are closed to its servers")
def test_an_administrators_closed_directory_stays_closed(place: Path) -> None:
    closed = place / "closed"
    closed.mkdir(mode=0o700)
    try:
        with Embedded(closed / "data") as servers:
            assert Path("/var/tmp") in servers.dir.parents
            assert ask(servers.database_url, "select 1") == [(1,)]
        assert stat.S_IMODE(closed.stat().st_mode) == 0o700
    finally:
        remove_data(closed / "data")
        shutil.rmtree(closed)


def test_passwords_are_in_files_that_their_server_alone_reads(place: Path) -> None:
    with Embedded(place) as servers:
        for name in ("owner.secret", "application.secret", "valkey.conf"):
            assert stat.S_IMODE((servers.dir / name).stat().st_mode) == 0o600
        for child in servers.children:
            assert not any("requirepass" in part for part in child.argv)
        with pytest.raises(redis.AuthenticationError):
            redis.Redis(port=int(servers.redis_url.rsplit(":", 1)[1].split("/")[0])).ping()
