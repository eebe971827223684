"""Processes that end with the one that started them.

A plant that is half stopped is worse than one that is stopped: a web process that goes on serving
after its supervisor was killed shows a plan that nobody computes any more. So every process we
start asks the kernel for a signal at its parent's death (Linux; elsewhere the next start stops
what the last one left, see `stop_leftovers`).
"""

from __future__ import annotations

import contextlib
import ctypes
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

LINUX = sys.platform == "linux"
PR_SET_PDEATHSIG = 1
# Loaded once and before any fork: a child between fork and exec should do as little as it can.
_libc = ctypes.CDLL(None) if LINUX else None


def end_with_parent(parent: int, signum: int = signal.SIGKILL) -> None:
    """Have the kernel send `signum` to this process when the process `parent` ends.

    The kernel counts the *thread* that started us, so start children from the main thread only.
    A parent that ended before we asked would never be noticed; hence the look at `getppid`.
    """
    if _libc is None:
        return
    _libc.prctl(PR_SET_PDEATHSIG, int(signum))
    if os.getppid() != parent:
        os.kill(os.getpid(), signum)


def end_with_server() -> None:
    """Call in a forking server's worker (granian): the worker ends with its main process.

    The main process stops its workers when asked to, but killed with -9 it leaves them serving.
    Outside such a worker this does nothing: any shell may import the application.
    """
    main = multiprocessing.parent_process()
    if main is not None and main.pid is not None:
        end_with_parent(main.pid)


def before_exec(signum: int) -> Callable[[], None]:
    """Return the `preexec_fn` of a child of this process; it runs after the change of user,
    which would clear the wish."""
    parent = os.getpid()
    return lambda: end_with_parent(parent, signum)


def web(port: int, *, workers: int = 1) -> list[str]:
    """Return the command line of the pages' server."""
    return [
        *(sys.executable, "-m", "granian", "--interface", "wsgi"),
        *("--host", "127.0.0.1", "--port", str(port), "--workers", str(workers)),
        # Each thread keeps a database connection; one that idles too long gives both back.
        *("--blocking-threads", "4", "--no-ws", "--log-level", "warning"),
        *("--workers-kill-timeout", "4", "mes.wsgi:application"),
    ]


def stream(port: int) -> list[str]:
    """Return the command line of the live stream's server."""
    return [
        *(sys.executable, "-m", "uvicorn", "--host", "127.0.0.1", "--port", str(port)),
        # A stream never ends by itself: shutting down must not wait for its readers.
        *("--lifespan", "on", "--timeout-graceful-shutdown", "1", "--log-level", "warning"),
        "mes.asgi:application",
    ]


def impact_worker() -> list[str]:
    """Return the command line of the worker that computes impacts.

    One child: it holds the sites' arrays, and two would each hold half. Prefork, because the solo
    pool ignores time limits. The others' chatter between workers serves nobody here.
    """
    return _worker("impact")


def slow_worker() -> list[str]:
    """Return the command line of the worker for what nobody waits for: the housekeeping."""
    return _worker("slow")


def _worker(queue: str) -> list[str]:
    return [
        *(sys.executable, "-m", "celery", "-A", "mes", "--quiet", "worker", "-Q", queue),
        *("-P", "prefork", "-c", "1", "-l", "WARNING"),
        *("--without-gossip", "--without-mingle", "--without-heartbeat"),
    ]


def manage(*arguments: str) -> list[str]:
    """Return the command line of a management command; run it in the project's directory."""
    return [sys.executable, "manage.py", *arguments]


@dataclass(frozen=True)
class Account:
    """The account that a server runs as when we are root."""

    uid: int
    gid: int


@dataclass
class Child:
    """One process that we start, watch and stop, with everything that it started in turn."""

    name: str
    argv: Sequence[str]
    env: Mapping[str, str]
    cwd: Path
    stop_signal: signal.Signals = signal.SIGTERM
    # What it gets when we are killed; a database would rather be asked.
    orphan_signal: signal.Signals = signal.SIGKILL
    account: Account | None = None
    log: Path | None = None  # where it writes; without one its output is a pipe to us
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def start(self) -> subprocess.Popen[bytes]:
        with contextlib.ExitStack() as stack:
            output: int | IO[bytes] = subprocess.PIPE
            if self.log is not None:
                output = stack.enter_context(self.log.open("ab"))
            self.process = subprocess.Popen(
                list(self.argv),
                env=dict(self.env),
                cwd=self.cwd,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                # A group of its own: the terminal's Ctrl-C reaches us alone, and we stop in order.
                start_new_session=True,
                preexec_fn=before_exec(self.orphan_signal),
                user=self.account.uid if self.account else None,
                group=self.account.gid if self.account else None,
                extra_groups=[] if self.account else None,
            )
        return self.process

    def ended(self) -> int | None:
        """Return its exit status once it has ended, and end whatever it left in its group."""
        if self.process is None:
            return None
        if self.process.returncode is None:
            if hasattr(os, "waitid"):
                # Look without reaping: while the dead leader keeps its number, no other group
                # can have it, and what we kill is ours.
                seen = os.waitid(os.P_PID, self.process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
                if seen is None:
                    return None
                self.kill_group()
            self.process.poll()
        return self.process.returncode

    def kill_group(self) -> None:
        if self.process is not None and self.process.returncode is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)

    def ask_to_stop(self) -> None:
        if self.process is not None and self.ended() is None:
            self.process.send_signal(self.stop_signal)


def stop(children: Iterable[Child], *, patience_s: float) -> None:
    """Ask all of them to stop, at once; after `patience_s` seconds end those that have not."""
    children = list(children)
    for child in children:
        child.ask_to_stop()
    deadline = time.monotonic() + patience_s
    while any(c.process is not None and c.ended() is None for c in children):
        if time.monotonic() > deadline:
            for child in children:
                child.kill_group()
            deadline = float("inf")
        time.sleep(0.02)


def birth(pid: int) -> str | None:
    """Return when the process was born, in the system's own words; None if there is none.

    A process number alone names nobody: after a restart it may be somebody else's.
    """
    if LINUX:
        try:
            stat = Path(f"/proc/{pid}/stat").read_text()
        except OSError:
            return None
        # The name, in brackets, may hold anything; the state and the rest follow the last one.
        state, *rest = stat.rpartition(")")[2].split()
        return None if state in "ZX" else rest[18]
    seen = subprocess.run(
        ["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return seen.stdout.strip() or None


def stop_leftovers(born: Mapping[int, tuple[str, int]], *, patience_s: float = 10) -> list[int]:
    """Stop the processes of an earlier run that are still there; return their numbers.

    born        process number: (its birth, the signal that it likes to be stopped with)
    """
    left = [pid for pid, (when, _) in born.items() if birth(pid) == when]
    for pid in left:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, born[pid][1])
    deadline = time.monotonic() + patience_s
    while any(birth(pid) == born[pid][0] for pid in left):
        if time.monotonic() > deadline:
            for pid in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            break
        time.sleep(0.05)
    return left
