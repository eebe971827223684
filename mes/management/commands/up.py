"""`manage.py up`: the whole plant under one supervisor, until Ctrl-C."""

from __future__ import annotations

import contextlib
import errno
import os
import selectors
import signal
import socket
import sys
import time
import urllib.request
from argparse import ArgumentParser
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psycopg2
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from mes import processes, running
from mes.embedded import Embedded, ServersFailed, remove_data
from mes.processes import Child

PORT = 8000
FIRST_WAIT_S, LONGEST_WAIT_S = 0.5, 30.0
STEADY_S = 60.0  # a process that ran this long has earned a quick restart again
PATIENCE_S = 5.0  # for the plant's processes to finish what they are doing
READY_S = 60.0
# As root Celery warns against an unsafe serialiser: ours is JSON. WhiteNoise misses the folder of
# collected files: the demo serves them from where they are.
KNOWN_WARNINGS = ("You're running the worker with superuser privileges", "No directory at")
COLOURS = {"web": 36, "stream": 34, "worker": 33, "sweeper": 35, "mail": 37, "simulate": 32}


class Stopped(Exception):
    """Somebody asked us to stop while we were still starting."""


class Output:
    """Prefixed lines, coloured on a terminal."""

    def __init__(self) -> None:
        self.coloured = sys.stdout.isatty() and "NO_COLOR" not in os.environ

    def line(self, name: str, text: str) -> None:
        prefix = f"{name:>8} |"
        if self.coloured:
            prefix = f"\033[{COLOURS.get(name, 1)}m{prefix}\033[0m"
        # A closed terminal or pipe must not keep the plant from stopping in order.
        with contextlib.suppress(OSError):
            print(prefix, text, flush=True)


class Supervisor:
    """Starts the plant's processes, passes on what they say, starts again what ends.

    One thread, so that the processes' wish to end with us holds (the kernel counts the thread
    that started them) and nothing forks while another thread holds a lock.
    """

    def __init__(self, data_dir: Path, output: Output) -> None:
        self.data_dir = data_dir
        self.output = output
        self.stops_asked = 0
        self.asked_by = ""
        self.environment: dict[str, str] = {}
        self.children: dict[str, Child] = {}
        self.started_at: dict[str, float] = {}
        self.wait_s: dict[str, float] = {}
        self.due_at: dict[str, float] = {}
        self.born: dict[int, tuple[str, int]] = {}
        self.selector = selectors.DefaultSelector()
        self.partial: dict[int, bytes] = {}

    def say(self, text: str) -> None:
        self.output.line("up", text)

    # --- signals

    def listen(self) -> None:
        """Turn Ctrl-C, SIGTERM and a closed terminal into one wake-up of the loop."""
        inner, outer = socket.socketpair()
        inner.setblocking(False)
        outer.setblocking(False)
        signal.set_wakeup_fd(outer.fileno(), warn_on_full_buffer=False)
        self._wakeup = (inner, outer)
        self.selector.register(inner, selectors.EVENT_READ, None)
        for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(signum, self._asked_to_stop)
        signal.signal(signal.SIGCHLD, lambda *_: None)  # only to wake up

    def _asked_to_stop(self, signum: int, _: object) -> None:
        self.stops_asked += 1
        self.asked_by = signal.Signals(signum).name

    def check_stop(self) -> None:
        if self.stops_asked:
            raise Stopped

    # --- what they say

    def pump(self, timeout_s: float) -> None:
        """Pass on output until something happens or the time is over."""
        for key, _ in self.selector.select(timeout_s):
            if key.data is None:
                with contextlib.suppress(BlockingIOError):
                    self._wakeup[0].recv(4096)
                continue
            said = os.read(key.fd, 65536)
            self._pass_on(key.fd, key.data, said)
            if not said:
                self.selector.unregister(key.fd)

    def _pass_on(self, pipe: int, name: str, said: bytes) -> None:
        """Print the whole lines of what was said; keep the rest until its end comes."""
        *lines, rest = (self.partial.pop(pipe, b"") + said).split(b"\n")
        if said:
            self.partial[pipe] = rest
        elif rest:
            lines.append(rest)
        for line in lines:
            self.output.line(name, line.decode(errors="replace"))

    def _watch_output(self, child: Child) -> None:
        if child.process is not None and child.process.stdout is not None:
            self.selector.register(child.process.stdout, selectors.EVENT_READ, child.name)

    def _drain(self, child: Child) -> None:
        """Pass on the last words of a child that ended, and close its pipe."""
        pipe = child.process.stdout if child.process else None
        if pipe is None or pipe.closed:
            return
        if pipe.fileno() in self.selector.get_map():
            self.selector.unregister(pipe)
            # Something that it started and that left its group may hold the pipe: never wait.
            os.set_blocking(pipe.fileno(), False)
            with contextlib.suppress(BlockingIOError):
                while said := os.read(pipe.fileno(), 65536):
                    self._pass_on(pipe.fileno(), child.name, said)
            self._pass_on(pipe.fileno(), child.name, b"")
        pipe.close()

    # --- the preparation

    def steps(self, *commands: Child) -> None:
        """Run commands side by side to their ends; raise what one of them failed with."""
        self.check_stop()
        for child in commands:
            child.start()
            self.note(child)
            self._watch_output(child)
        failed = None
        try:
            while failed is None and any(child.ended() is None for child in commands):
                self.pump(0.2)
                self.check_stop()
                failed = next((child for child in commands if child.ended()), None)
        finally:
            processes.stop(commands, patience_s=PATIENCE_S)
            for child in commands:
                self._drain(child)
        failed = failed or next((child for child in commands if child.ended()), None)
        if failed is not None:
            command = " ".join(failed.argv[1:])
            raise CommandError(f"{command} {ending(failed.ended() or 0)}; see the lines above")

    def child(self, name: str, argv: list[str], **environment: str) -> Child:
        return Child(name, argv, {**self.environment, **environment}, settings.BASE_DIR)

    # --- the plant

    def run(self, name: str, argv: list[str], **environment: str) -> None:
        self.children[name] = self.child(name, argv, **environment)
        self._start(name)

    def adopt(self, child: Child) -> None:
        """Watch a server that is running already."""
        self.children[child.name] = child
        self.started_at[child.name] = time.monotonic()
        self.note(child)

    def _start(self, name: str) -> None:
        child = self.children[name]
        self.due_at.pop(name, None)
        child.start()
        self.started_at[name] = time.monotonic()
        self.note(child)
        self._watch_output(child)

    def note(self, child: Child) -> None:
        """Write the process down: where the kernel does not end it with us, the next start does."""
        if child.process is None:
            return
        self.born = {pid: seen for pid, seen in self.born.items() if processes.birth(pid)}
        when = processes.birth(child.process.pid)
        if when:
            self.born[child.process.pid] = (when, child.stop_signal)
        self.write()

    def write(self) -> None:
        pid = os.getpid()
        shared = ("DATABASE_URL", "MIGRATE_DATABASE_URL", "REDIS_URL", "MES_STREAM_ORIGIN")
        running.write(
            self.data_dir,
            {
                "supervisor": {"pid": pid, "birth": processes.birth(pid)},
                "born": self.born,
                "pids": {
                    name: child.process.pid
                    for name, child in self.children.items()
                    if child.process and child.process.returncode is None
                },
                "url": self.environment.get("MES_PAGE_ORIGIN", ""),
                "environment": {
                    name: self.environment[name]
                    for name in (*shared, "MES_PAGE_ORIGIN")
                    if name in self.environment
                },
            },
        )

    def watch(self) -> None:
        """Look after everybody once: who ended is started again, later each time."""
        now = time.monotonic()
        for name, child in self.children.items():
            if name in self.due_at:
                if now >= self.due_at[name]:
                    self._start(name)
                continue
            status = child.ended()
            if status is None:
                continue
            self._drain(child)
            if now - self.started_at[name] > STEADY_S:
                self.wait_s.pop(name, None)
            wait_s = self.wait_s.get(name, FIRST_WAIT_S)
            self.wait_s[name] = min(2 * wait_s, LONGEST_WAIT_S)
            self.due_at[name] = now + wait_s
            self.say(f"{name} {ending(status)}; starting it again in {wait_s:g} s")

    def stop_plant(self) -> None:
        """Stop the plant's processes, not the servers under them."""
        plant = [child for child in self.children.values() if child.log is None]
        for child in plant:
            child.ask_to_stop()
        deadline = time.monotonic() + PATIENCE_S
        while any(child.process and child.ended() is None for child in plant):
            self.pump(0.05)
            # A second Ctrl-C means now.
            if time.monotonic() > deadline or self.stops_asked > 1:
                break
        processes.stop(plant, patience_s=0)
        for child in plant:
            self._drain(child)


def ending(status: int) -> str:
    if status < 0:
        return f"was killed ({signal.Signals(-status).name})"
    return f"ended with status {status}" if status else "ended"


def port_is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            if error.errno in (errno.EADDRINUSE, errno.EACCES):
                return False
            raise
    return True


class Command(BaseCommand):
    help = "Run the whole plant: servers, pages, live stream, impact worker, sweeper, simulator."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--port", type=int, help="of the pages; the live stream takes the next one"
        )
        parser.add_argument("--no-browser", action="store_true", help="do not open a browser")
        parser.add_argument(
            "--plain", action="store_true", help="without the demo plant and its simulator"
        )
        parser.add_argument(
            "--reset", action="store_true", help="forget all data of the embedded servers and end"
        )

    def handle(self, *_: Any, **options: Any) -> None:
        data_dir = Path(settings.DATA_DIR).resolve()
        lock = running.take(data_dir)
        if lock is None:
            where = running.read(data_dir).get("url", "")
            raise CommandError(f"Downstream already runs on {data_dir}. {where}".strip())
        if "MAKELEVEL" in os.environ:
            # `make` is part of what the user killed, if he killed it.
            processes.end_with_parent(os.getppid(), signal.SIGTERM)
        with lock:
            self._stop_leftovers(data_dir)
            try:
                if options["reset"]:
                    remove_data(data_dir)
                    self.stdout.write("The demo's data is gone; `make demo` builds a new plant.")
                else:
                    self._run(data_dir, options)
            except ServersFailed as failure:
                raise CommandError(str(failure)) from failure
            except Stopped:
                pass

    def _stop_leftovers(self, data_dir: Path) -> None:
        """End what a killed run left: on Linux its last seconds, elsewhere all of it."""
        born = running.read(data_dir).get("born", {})
        processes.stop_leftovers({int(pid): (seen[0], seen[1]) for pid, seen in born.items()})

    def _run(self, data_dir: Path, options: Mapping[str, Any]) -> None:
        began = time.monotonic()
        supervisor = Supervisor(data_dir, Output())
        supervisor.listen()
        port = self._port(supervisor, options["port"])
        page, stream = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{port + 1}"
        with Embedded(data_dir) as servers:
            for server in servers.children:
                supervisor.adopt(server)
            supervisor.environment = {
                **os.environ,
                "DATABASE_URL": servers.database_url,
                "REDIS_URL": servers.redis_url,
                "MES_DATA_DIR": str(data_dir),
                "MES_PAGE_ORIGIN": page,
                "MES_STREAM_ORIGIN": stream,
                "NUMBA_CACHE_DIR": os.environ.get("NUMBA_CACHE_DIR", str(data_dir / "numba")),
                "PYTHONUNBUFFERED": "1",
                "PYTHONWARNINGS": ",".join(f"ignore:{text}" for text in KNOWN_WARNINGS),
            }
            supervisor.environment.pop("MAKELEVEL", None)
            supervisor.say(f"servers ready after {time.monotonic() - began:.1f} s")
            try:
                self._prepare(supervisor, servers, demo=not options["plain"])
                self._serve(supervisor, port, demo=not options["plain"])
                self._greet(supervisor, servers, page, began, options)
                while not supervisor.stops_asked:
                    supervisor.pump(0.3)
                    supervisor.watch()
            finally:
                asked = time.monotonic()
                if supervisor.asked_by:
                    supervisor.say(f"stopping ({supervisor.asked_by})")
                supervisor.stop_plant()
                servers.stop()
                running.run_file(data_dir).unlink(missing_ok=True)
                supervisor.say(f"stopped in {time.monotonic() - asked:.1f} s; the data is kept")

    def _port(self, supervisor: Supervisor, asked: int | None) -> int:
        named = asked or os.environ.get("PORT")
        if named:
            try:
                port = int(named)
            except ValueError:
                port = 0
            if not 0 < port < 65535:
                raise CommandError(f"PORT must be a number below 65535, not {named!r}")
            for taken in (port, port + 1):
                if not port_is_free(taken):
                    raise CommandError(f"Port {taken} is taken. Choose another: PORT=8100")
            return port
        for port in range(PORT, PORT + 200, 2):
            if port_is_free(port) and port_is_free(port + 1):
                if port != PORT:
                    supervisor.say(f"port {PORT} or the next is taken; using {port}")
                return port
        raise CommandError("No free pair of ports was found. Choose one: PORT=9000")

    def _prepare(self, supervisor: Supervisor, servers: Embedded, *, demo: bool) -> None:
        owner = {"MES_AS_OWNER": "1", "MIGRATE_DATABASE_URL": servers.owner_url}
        supervisor.say("bringing the tables up to date and compiling the engine")
        supervisor.steps(
            supervisor.child("migrate", processes.manage("migrate", "--verbosity", "0"), **owner),
            supervisor.child("kernels", processes.manage("warm_kernels")),
        )
        if servers.owner_url != servers.database_url:
            roles = processes.manage("database_roles", "--verbosity", "0")
            supervisor.steps(supervisor.child("roles", roles, **owner))
        if demo and not _asked(servers, "select 1 from mes_site limit 1"):
            supervisor.say("building the demo plant")
            supervisor.steps(supervisor.child("demo", processes.manage("build_demo")))

    def _serve(self, supervisor: Supervisor, port: int, *, demo: bool) -> None:
        workers = 2 if (os.cpu_count() or 1) > 2 else 1
        supervisor.run("web", processes.web(port, workers=workers), MES_PROCESS="WEB")
        supervisor.run("stream", processes.stream(port + 1), MES_PROCESS="STREAM")
        supervisor.run("worker", processes.impact_worker(), MES_PROCESS="WORKER")
        supervisor.run("sweeper", processes.manage("sweep"), MES_PROCESS="SWEEPER")
        supervisor.run("mail", processes.manage("send_mail"), MES_PROCESS="SWEEPER")
        if demo:
            supervisor.run("simulate", processes.manage("simulate", "--site", "NF"))

    def _greet(
        self,
        supervisor: Supervisor,
        servers: Embedded,
        page: str,
        began: float,
        options: Mapping[str, Any],
    ) -> None:
        deadline = time.monotonic() + READY_S
        while not answers(f"{page}/readyz"):
            supervisor.check_stop()
            supervisor.pump(0.05)
            supervisor.watch()
            if time.monotonic() > deadline:
                supervisor.say(f"no answer from {page} yet; the lines above may say why")
                return
        supervisor.say(f"ready after {time.monotonic() - began:.1f} s")
        supervisor.say("")
        supervisor.say(f"  Downstream is at {page}")
        for name, roles in _asked(servers, PERSONAS):
            supervisor.say(f"    {name}: {roles}")
        supervisor.say("  Ctrl-C ends everything; the next start keeps the data.")
        supervisor.say("")
        if not options["no_browser"] and has_screen():
            opener = Child(
                "browser",
                [sys.executable, "-m", "webbrowser", page],
                dict(os.environ),
                settings.BASE_DIR,
                log=Path(os.devnull),
            )
            opener.start()


PERSONAS = """
select p.name, string_agg(distinct lower(g.role), ', ')
from mes_person p join mes_rolegrant g on g.person_id = p.id
where p.user_id is not null or g.role = 'OPERATOR'
group by p.id, p.name order by p.id limit 10
"""


def _asked(servers: Embedded, question: str) -> list[tuple[Any, ...]]:
    """Ask the database: the supervisor itself has no Django connection, its servers are younger
    than its settings."""
    with contextlib.closing(psycopg2.connect(servers.database_url)) as connection:
        cursor = connection.cursor()
        cursor.execute(question)
        return cursor.fetchall()


def has_screen() -> bool:
    """Is there a screen to open a browser on, and a wish for one (BROWSER=0 has none)?"""
    if os.environ.get("BROWSER") == "0" or "SSH_CONNECTION" in os.environ:
        return False
    return sys.platform == "darwin" or any(
        name in os.environ for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")
    )


def answers(page: str) -> bool:
    try:
        urllib.request.urlopen(page, timeout=2).close()
    except OSError:
        return False
    return True
