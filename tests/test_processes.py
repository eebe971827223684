"""A server's own children end with it, whoever is or is not watching."""

from __future__ import annotations

import os
import signal
import sys
import time

import pytest

from mes import processes
from mes.embedded import free_port
from mes.processes import Child, birth, stop
from tests import servers
from tests.servers import below, eventually

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")]


def family_after_the_main_process_was_killed(server: Child) -> dict[int, str]:
    """Kill -9 the main process alone; return which of its children are left after a while."""
    assert server.process is not None
    family = below(server.process.pid)
    assert family, servers.log_of(server)
    for pid in family:
        # Asleep it can notice nothing by itself: what ends it is the kernel's signal.
        os.kill(pid, signal.SIGSTOP)

    os.kill(server.process.pid, signal.SIGKILL)

    eventually(lambda: all(birth(p) != b for p, b in family.items()), 10)
    return {pid: born for pid, born in family.items() if birth(pid) == born}


@pytest.mark.django_db(transaction=True)
def test_pages_are_not_served_by_workers_whose_main_process_was_killed() -> None:
    port = free_port()
    server = servers.process("web", processes.web(port, workers=2))
    server.start()
    try:
        servers.wait_for_page(server, f"http://127.0.0.1:{port}/healthz")

        assert family_after_the_main_process_was_killed(server) == {}
    finally:
        stop([server], patience_s=5)


@pytest.mark.django_db(transaction=True)
def test_no_impact_is_computed_by_a_child_whose_worker_was_killed() -> None:
    server = servers.worker()
    server.start()
    try:
        servers.wait_for_worker(server)

        assert family_after_the_main_process_was_killed(server) == {}
    finally:
        stop([server], patience_s=5)


def test_a_process_that_ignores_the_request_to_stop_is_ended_after_the_patience() -> None:
    deaf = Child(
        "deaf",
        [
            sys.executable,
            "-c",
            "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
            "print('ready', flush=True); time.sleep(600)",
        ],
        dict(os.environ),
        servers.ROOT,
    )
    process = deaf.start()
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"

    stop([deaf], patience_s=0.2)

    assert process.returncode == -signal.SIGKILL
    process.stdout.close()


def test_a_number_that_somebody_else_has_by_now_is_not_taken_for_a_leftover() -> None:
    pid = os.getpid()

    stopped = processes.stop_leftovers({pid: ("long before", signal.SIGKILL)})

    assert stopped == []


def test_a_leftover_of_an_earlier_run_is_stopped() -> None:
    left = Child("left", [sys.executable, "-c", "import time; time.sleep(600)"], {}, servers.ROOT)
    process = left.start()
    born = birth(process.pid)
    assert born is not None

    stopped = processes.stop_leftovers({process.pid: (born, signal.SIGTERM)})

    assert stopped == [process.pid]
    assert eventually(lambda: left.ended() == -signal.SIGTERM, 5), time.monotonic()
