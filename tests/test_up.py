"""`manage.py up` for real, and kill -9 for each of its processes in turn."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest

from mes import running
from mes.embedded import free_port, remove_data, servers_dir
from mes.processes import Child, birth, stop
from tests.servers import ROOT, below, eventually

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(sys.platform != "linux", reason="reads /proc"),
]

READY_S = 400.0  # the first start compiles the engine and builds the demo plant


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Up:
    """One data directory on which the plant is started, and started again."""

    def __init__(self, place: Path) -> None:
        self.data = place / "data"
        self.port = free_pair()
        self.log = place / "up.log"
        self.page = f"http://127.0.0.1:{self.port}"
        self.stream = f"http://127.0.0.1:{self.port + 1}"
        left_out = {"DATABASE_URL", "REDIS_URL", "MIGRATE_DATABASE_URL", "MAKELEVEL"}
        self.environment = {k: v for k, v in os.environ.items() if k not in left_out} | {
            "MES_MODE": "DEMO",
            "MES_DATA_DIR": str(self.data),
            "PORT": str(self.port),
            "BROWSER": "0",
        }
        self.process: Child | None = None
        self.by_make = False

    def start(self, *, by_make: bool = False) -> None:
        up = [sys.executable, "manage.py", "up"]
        if by_make:
            # make stays between the terminal and the supervisor, and is killed as easily.
            wait = "import subprocess, sys; sys.exit(subprocess.call(sys.argv[1:]))"
            up = [sys.executable, "-c", wait, *up]
        env = self.environment | ({"MAKELEVEL": "1"} if by_make else {})
        self.by_make = by_make
        self.log.unlink(missing_ok=True)
        self.process = Child("up", up, env, ROOT, signal.SIGINT, log=self.log)
        self.process.start()
        assert eventually(self.is_ready, READY_S), self.said()

    def ensure(self, *, by_make: bool) -> None:
        """Start it, unless it runs already and under what it should."""
        if self.process is None or self.process.ended() is not None or self.by_make != by_make:
            self.stop()
            self.start(by_make=by_make)

    def is_ready(self) -> bool:
        assert self.process is not None
        assert self.process.ended() is None, self.said()
        return "Ctrl-C ends everything" in self.said() and self.serves()

    def serves(self) -> bool:
        return answers(f"{self.page}/readyz") and answers(f"{self.stream}/healthz")

    def said(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def pids(self) -> dict[str, int]:
        return dict(running.read(self.data)["pids"])

    @property
    def supervisor(self) -> int:
        return int(running.read(self.data)["supervisor"]["pid"])

    def all_gone(self, processes: dict[int, str]) -> bool:
        gone = all(birth(pid) != when for pid, when in processes.items())
        return gone and not listens(self.port) and not listens(self.port + 1)

    def sites(self) -> int:
        url = running.addresses(self.data)["DATABASE_URL"]
        connection = psycopg2.connect(url)
        try:
            cursor = connection.cursor()
            cursor.execute("select count(*) from mes_site")
            (row,) = cursor.fetchall()
            return int(row[0])
        finally:
            connection.close()

    def stop(self) -> None:
        if self.process is not None:
            stop([self.process], patience_s=15)


def free_pair() -> int:
    while True:
        port = free_port()
        if port < 65000 and not listens(port + 1):
            return port


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    up = Up(tmp_path_factory.mktemp("up"))
    try:
        up.start()
        yield up
    finally:
        up.stop()
        remove_data(up.data)


@pytest.mark.parametrize("name", ["web", "stream", "worker", "sweeper", "mail", "simulate"])
def test_a_killed_process_leaves_nothing_behind_and_comes_back(up: Up, name: str) -> None:
    killed = up.pids()[name]
    family = {killed: str(birth(killed)), **below(killed)}

    os.kill(killed, signal.SIGKILL)

    assert eventually(lambda: all(birth(p) != b for p, b in family.items()), 10), up.said()
    assert eventually(lambda: up.pids().get(name) not in (None, killed), 30), up.said()
    assert eventually(up.serves, 60), up.said()
    assert f"{name} was killed (SIGKILL); starting it again" in up.said()


@pytest.mark.parametrize("name", ["web", "worker"])
def test_a_killed_child_of_a_server_is_replaced(up: Up, name: str) -> None:
    assert eventually(lambda: bool(below(up.pids()[name])), 60)
    (child,) = list(below(up.pids()[name]))[:1]

    os.kill(child, signal.SIGKILL)

    assert eventually(lambda: birth(child) is None, 10)
    assert eventually(lambda: bool(below(up.pids()[name])), 60), up.said()
    assert eventually(up.serves, 60), up.said()


@pytest.mark.parametrize("name", ["postgres", "valkey"])
def test_a_killed_server_comes_back_where_it_was_with_its_data(up: Up, name: str) -> None:
    before, sites = up.pids()[name], up.sites()

    os.kill(before, signal.SIGKILL)

    assert eventually(lambda: up.pids().get(name) not in (None, before), 30), up.said()
    assert eventually(up.serves, 60), up.said()
    assert up.sites() == sites


def test_a_second_start_on_the_same_data_is_refused(up: Up) -> None:
    second = subprocess.run(
        [sys.executable, "manage.py", "up"],
        env=up.environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert second.returncode == 1
    assert "already runs" in second.stderr
    assert up.page in second.stderr
    assert up.serves()


def test_another_terminal_finds_the_running_servers(up: Up) -> None:
    script = "from mes.models import Site; print('sites', Site.objects.count())"

    seen = subprocess.run(
        [sys.executable, "manage.py", "shell", "--no-imports", "-c", script],
        env=up.environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert seen.stdout.strip() == f"sites {up.sites()}", seen.stderr


def test_a_killed_supervisor_leaves_nothing_serving_and_the_next_start_recovers(up: Up) -> None:
    sites, supervisor = up.sites(), up.supervisor
    family = below(supervisor)

    os.kill(supervisor, signal.SIGKILL)

    assert eventually(lambda: up.all_gone(family), 15), family
    # As after a power cut in a container, where numbers are few: the database's number is
    # somebody else's by now.
    (servers_dir(up.data) / "postgres" / "postmaster.pid").write_text(f"{os.getpid()}\n")
    up.start(by_make=True)
    assert up.sites() == sites


def test_a_killed_make_takes_the_plant_with_it(up: Up) -> None:
    up.ensure(by_make=True)
    assert up.process is not None
    assert up.process.process is not None
    family = below(up.process.process.pid)
    assert up.supervisor in family

    os.kill(up.process.process.pid, signal.SIGKILL)

    assert eventually(lambda: up.all_gone(family), 20), up.said()


def test_ctrl_c_ends_everything_in_order_and_keeps_the_data(up: Up) -> None:
    up.ensure(by_make=False)
    sites, family = up.sites(), below(up.supervisor)
    assert up.process is not None
    assert up.process.process is not None

    os.kill(up.supervisor, signal.SIGINT)

    assert eventually(lambda: up.all_gone(family), 15), up.said()
    assert up.process.process.wait(5) == 0
    assert "stopped in" in up.said()
    assert not running.run_file(up.data).exists()
    up.start()
    assert up.sites() == sites


def test_a_reset_forgets_the_data_but_never_under_a_running_plant(up: Up) -> None:
    reset = [sys.executable, "manage.py", "up", "--reset"]

    refused = subprocess.run(
        reset, env=up.environment, cwd=ROOT, capture_output=True, text=True, check=False
    )
    up.stop()
    done = subprocess.run(reset, env=up.environment, cwd=ROOT, check=False)

    assert refused.returncode == 1
    assert "already runs" in refused.stderr
    assert done.returncode == 0
    assert not list(servers_dir(up.data).parent.glob("servers"))
