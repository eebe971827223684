"""The plant as `manage.py up` runs it, on servers and a data directory of its own."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

from mes import running
from mes.embedded import free_port
from mes.processes import birth
from tests.servers import ROOT, below, eventually

NEVER_OURS = ("DATABASE_URL", "MIGRATE_DATABASE_URL", "REDIS_URL", "MES_TEST_APPLICATION_URL")
READY_S = 240


class Stack:
    """Web, stream, worker, sweeper, mail, PostgreSQL and Valkey under the plant's supervisor.

    Durable as in a plant, and the application is not the owner of its tables: what a fault
    costs here, it costs there.
    """

    def __init__(self) -> None:
        self.dir = Path(tempfile.mkdtemp(prefix="downstream-fault-", dir="/var/tmp"))
        self.dir.chmod(0o755)
        self.port = _two_free_ports()
        self.url = f"http://127.0.0.1:{self.port}"
        self.stream_url = f"http://127.0.0.1:{self.port + 1}"
        self.log = self.dir / "up.log"
        self.up: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        environment = {k: v for k, v in os.environ.items() if k not in NEVER_OURS}
        environment |= {"MES_MODE": "DEMO", "MES_DATA_DIR": str(self.dir), "BROWSER": "0"}
        environment.pop("MAKELEVEL", None)
        try:
            with self.log.open("wb") as log:
                self.up = subprocess.Popen(
                    [sys.executable, "manage.py", "up", "--plain", "--port", str(self.port)],
                    cwd=ROOT,
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                )
            if not eventually(lambda: self.up is None or self._answers(), READY_S):
                raise RuntimeError(f"the plant did not start:\n{self.said()}")
            addresses = running.addresses(self.dir)
            subprocess.run(
                [sys.executable, "manage.py", "build_demo", "--verbosity", "0"],
                cwd=ROOT,
                env={**environment, **addresses},
                check=True,
                capture_output=True,
            )
            os.environ.update({**addresses, "MES_DATA_DIR": str(self.dir), "MES_MODE": "DEMO"})
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self.up is not None:
            left = below(self.up.pid)
            self.up.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.up.wait(30)
            self.up.kill()
            self.up.wait()
            for pid, when in left.items():
                if birth(pid) == when:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
        shutil.rmtree(self.dir, ignore_errors=True)

    def _answers(self) -> bool:
        try:
            urllib.request.urlopen(f"{self.url}/readyz", timeout=2).close()
        except OSError:
            return False
        return True

    def said(self) -> str:
        """The last of what the processes said, but for the refusals of what was asked."""
        lines = self.log.read_text(errors="replace").splitlines()
        return "\n".join([line for line in lines if "django.request" not in line][-80:])

    # --- its processes

    def pid(self, name: str) -> int:
        """The number of a process that the supervisor started; 0 while there is none."""
        pid = int(running.read(self.dir).get("pids", {}).get(name, 0))
        return pid if pid and birth(pid) else 0

    def send(self, name: str, signum: signal.Signals) -> bool:
        """Send a signal to one of the processes; False if it is away at the moment."""
        pid = self.pid(name)
        if pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signum)
                return True
        return False

    def lives(self, *names: str) -> bool:
        return all(self.pid(name) for name in names)

    @contextlib.contextmanager
    def unsupervised(self) -> Iterator[None]:
        """For a while nobody starts again what ended."""
        assert self.up is not None
        self.up.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.up.send_signal(signal.SIGCONT)

    def deadlocks(self) -> int:
        """How many circles of locks PostgreSQL has had to break."""
        from mes.embedded import servers_dir

        return (
            (servers_dir(self.dir) / "postgres.log")
            .read_text(errors="replace")
            .count("deadlock detected")
        )


def _two_free_ports() -> int:
    while True:
        port = free_port()
        with contextlib.suppress(OSError):
            for each in (port, port + 1):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", each))
            return port


def wait(what: Any, within_s: float) -> float | None:
    """Seconds until `what()` is true; None if it does not come to be."""
    began = time.monotonic()
    return time.monotonic() - began if eventually(what, within_s) else None


def read_settings() -> None:
    """Point Django at the stack that runs: its servers are younger than this process."""
    import dj_database_url
    import django
    from django.conf import settings
    from django.db import connections

    django.setup()
    address = dj_database_url.parse(os.environ["DATABASE_URL"])
    settings.DATABASES["default"].update(address)
    connections["default"].settings_dict.update(address)
    settings.REDIS_URL = os.environ["REDIS_URL"]
