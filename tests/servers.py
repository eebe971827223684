"""What a test run starts: its own PostgreSQL and Valkey, and the plant's real processes."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mes.embedded import Embedded, free_port
from mes.processes import Child, birth, impact_worker, manage, stop, stream, web
from mes.processes import slow_worker as slow_worker_command

ROOT = Path(__file__).resolve().parent.parent


def start_for_this_run() -> None:
    """Start the servers and point the environment at them; once a run, before Django loads.

    Under pytest-xdist the controller starts them and its workers inherit the addresses; each
    takes a Valkey database of its own, as pytest-django gives each its own PostgreSQL one.
    """
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mes.settings")
    os.environ["MES_MODE"] = "TEST"
    os.environ.setdefault("NUMBA_CACHE_DIR", str(ROOT / ".data" / "numba"))
    # Playwright's sync interface runs a loop in the test's thread, which Django would refuse.
    os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    if worker:
        base, _, _ = os.environ["REDIS_URL"].rpartition("/")
        os.environ["REDIS_URL"] = f"{base}/{int(worker.removeprefix('gw')) % 15 + 1}"
        return
    place = Path(tempfile.mkdtemp(prefix="downstream-test-"))
    place.chmod(0o755)
    os.environ["MES_DATA_DIR"] = str(place)
    os.environ["MES_DURABLE"] = "0"
    servers = Embedded(place, durable=False).__enter__()
    # Tests make and drop databases, so they are the owner; the audit suite takes the other role.
    os.environ["MES_TEST_APPLICATION_URL"] = servers.database_url
    os.environ["DATABASE_URL"] = servers.owner_url
    os.environ["REDIS_URL"] = servers.redis_url

    def end() -> None:
        servers.stop()
        shutil.rmtree(place, ignore_errors=True)

    atexit.register(end)


def database_url() -> str:
    """Return the address of the database that the tests use, for a process beside them."""
    from django.db import connection

    at = connection.settings_dict
    return f"postgres://{at['USER']}:{at['PASSWORD']}@{at['HOST']}:{at['PORT']}/{at['NAME']}"


def environment(process: str, **more: str) -> dict[str, str]:
    return {
        **os.environ,
        "DATABASE_URL": database_url(),
        "MES_PROCESS": process,
        "PYTHONUNBUFFERED": "1",
        **more,
    }


def process(name: str, argv: list[str], **more: str) -> Child:
    """Return (not yet started) one of the plant's processes, on the tests' database."""
    return Child(
        name,
        argv,
        environment(name.upper(), **more),
        ROOT,
        log=Path(os.environ["MES_DATA_DIR"]) / f"{name}-{os.getpid()}.log",
    )


def worker() -> Child:
    """Return the impact worker as it runs in the plant."""
    # A name of its own: another test's worker would answer for it.
    return process("worker", [*impact_worker(), "--hostname", f"{uuid.uuid4().hex}@tests"])


def slow_worker() -> Child:
    """Return the worker of the housekeeping as it runs in production."""
    return process("slow", [*slow_worker_command(), "--hostname", f"{uuid.uuid4().hex}@tests"])


def wait_for_worker(child: Child, timeout_s: float = 60) -> None:
    """Wait until the worker takes tasks from the broker."""
    from mes.celery import app

    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if child.ended() is not None:
            break
        if app.control.ping(destination=[child.argv[-1]], timeout=0.5):
            return
    raise RuntimeError(f"the worker did not start:\n{log_of(child)}")


def wait_for_page(child: Child, url: str, timeout_s: float = 60) -> None:
    """Wait until `url` is answered with anything at all."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline and child.ended() is None:
        try:
            urllib.request.urlopen(url, timeout=5).close()
            return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError(f"{child.name} did not answer at {url}:\n{log_of(child)}")


def log_of(child: Child) -> str:
    return child.log.read_text(errors="replace")[-4000:] if child.log else ""


def eventually(what: Callable[[], bool], within_s: float) -> bool:
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if what():
            return True
        time.sleep(0.05)
    return what()


def below(pid: int) -> dict[int, str]:
    """Return every process under `pid`, by number, with its birth."""
    parents: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            rest = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents.setdefault(int(rest[1]), []).append(int(stat.parent.name))
    found: dict[int, str] = {}
    waiting = [pid]
    while waiting:
        for child in parents.get(waiting.pop(), []):
            when = birth(child)
            if when:
                found[child] = when
                waiting.append(child)
    return found


@dataclass(frozen=True)
class Plant:
    """The addresses of running web and stream processes."""

    url: str
    stream_url: str


class RunningPlant:
    """Web, stream, worker and sweeper as they run in the plant, on the tests' database."""

    def __enter__(self) -> Plant:
        web_port, stream_port = free_port(), free_port()
        plant = Plant(f"http://127.0.0.1:{web_port}", f"http://127.0.0.1:{stream_port}")
        origins = {"MES_STREAM_ORIGIN": plant.stream_url, "MES_PAGE_ORIGIN": plant.url}
        pages = process("web", web(web_port), **origins)
        live = process("stream", stream(stream_port), **origins)
        impact = worker()
        self.children = [pages, live, impact, process("sweeper", manage("sweep"))]
        for child in self.children:
            child.start()
        try:
            wait_for_page(pages, plant.url)
            wait_for_page(live, plant.stream_url)
            wait_for_worker(impact)
        except BaseException:
            self.__exit__()
            raise
        return plant

    def __exit__(self, *_: object) -> None:
        stop(self.children, patience_s=5)
