"""docker-compose.yml without an engine: its commands run here, with its environment, for real.

Only the network differs: the names `postgres` and `valkey` lead to this run's servers.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from celery import Celery

from mes.embedded import free_port
from mes.health import EXPECTED
from mes.processes import Child, stop
from tests.servers import ROOT, eventually, log_of, wait_for_page

pytestmark = pytest.mark.slow

COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
# Every service of our image that stays; the rest are other people's or end by themselves.
OURS = [
    name
    for name, service in COMPOSE["services"].items()
    if service.get("build") and name != "migrate"
]
VARIABLE = re.compile(r"\$\$|\$\{(\w+)(?::([-?])([^}]*))?\}")
READ_PASSWORD = "r" * 20
PORTS = {"8000": str(free_port()), "8001": str(free_port())}


def password(url: str) -> str:
    return str(urlsplit(url).password)


def place(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port}"


def interpolated(text: str) -> str:
    """Put the values of a `.env` in as compose does; `:?` is loud where there is none."""
    values = {
        "SECRET_KEY": "k" * 60,
        "DATABASE_PASSWORD": password(os.environ["MES_TEST_APPLICATION_URL"]),
        "OWNER_PASSWORD": password(os.environ["DATABASE_URL"]),
        "READ_PASSWORD": READ_PASSWORD,
        "REDIS_PASSWORD": password(os.environ["REDIS_URL"]),
    }

    def value(match: re.Match[str]) -> str:
        name, mark, rest = match.groups()
        if name is None:
            return "$"
        if name not in values and mark != "-":
            raise KeyError(name)
        return str(values.get(name, rest))

    return VARIABLE.sub(value, text)


def here(text: str) -> str:
    """Lead the names and ports of the compose network to this machine's."""
    text = interpolated(str(text))
    text = text.replace("postgres:5432", place(os.environ["DATABASE_URL"]))
    # A database of its own: another test's worker may be listening on the first.
    text = text.replace("valkey:6379/0", f"{place(os.environ['REDIS_URL'])}/15")
    for inside, outside in PORTS.items():
        text = re.sub(rf"\b{inside}\b", outside, text)
    return text


def environment(service: str) -> dict[str, str]:
    bare = {
        "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
        "HOME": os.environ["MES_DATA_DIR"],
        "NUMBA_CACHE_DIR": os.environ["NUMBA_CACHE_DIR"],
        "MES_DATA_DIR": os.environ["MES_DATA_DIR"],
        "MES_DURABLE": os.environ["MES_DURABLE"],
    }
    given = COMPOSE["services"][service]["environment"]
    return bare | {name: here(value) for name, value in given.items()}


def command(service: str) -> list[str]:
    return [here(part) for part in COMPOSE["services"][service]["command"]]


def run(service: str, argv: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        argv,
        env=environment(service),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


@pytest.fixture(scope="module")
def compose() -> Iterator[dict[str, Child]]:
    """The services that run our image, started in the order of the file's dependencies."""
    migrated = run("migrate", command("migrate"))
    assert migrated.returncode == 0, migrated.stdout + migrated.stderr
    children = {
        name: Child(
            name,
            command(name),
            environment(name),
            ROOT,
            log=Path(os.environ["MES_DATA_DIR"]) / f"compose-{name}.log",
        )
        for name in OURS
    }
    for child in children.values():
        child.start()
    try:
        wait_for_page(children["web"], f"http://localhost:{PORTS['8000']}/healthz")
        wait_for_page(children["stream"], f"http://localhost:{PORTS['8001']}/healthz")
        yield children
    finally:
        stop(children.values(), patience_s=5)


@pytest.mark.parametrize("service", ["web", "stream"])
def test_a_server_passes_its_own_health_check(compose: dict[str, Child], service: str) -> None:
    _, *check = COMPOSE["services"][service]["healthcheck"]["test"]

    def passes() -> bool:
        return run(service, [here(part) for part in check]).returncode == 0

    # Like an engine: once more until the start's period is over, on a busy machine.
    assert eventually(passes, 60), log_of(compose[service])


def test_the_pages_are_ready_behind_a_front_that_speaks_https(compose: dict[str, Child]) -> None:
    request = urllib.request.Request(
        f"http://localhost:{PORTS['8000']}/readyz", headers={"X-Forwarded-Proto": "https"}
    )

    with urllib.request.urlopen(request, timeout=30) as answer:
        assert answer.read() == b'{"ready": true}', log_of(compose["web"])
        assert "max-age" in answer.headers["Strict-Transport-Security"]


def test_a_page_asked_for_in_the_clear_is_sent_to_https(compose: dict[str, Child]) -> None:
    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_: Any) -> None:
            return None

    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.build_opener(Stay).open(f"http://localhost:{PORTS['8000']}/", timeout=30)

    assert refused.value.code == 301
    assert refused.value.headers["Location"].startswith("https://")


def test_the_workers_take_tasks_and_everything_stays(compose: dict[str, Child]) -> None:
    app = Celery(broker=environment("worker-impact")["REDIS_URL"], set_as_current=False)

    def queues() -> set[str]:
        active = app.control.inspect(timeout=1).active_queues() or {}
        return {queue["name"] for listed in active.values() for queue in listed}

    assert eventually(lambda: queues() == {"impact", "slow"}, 240), {
        name: log_of(compose[name]) for name in ("worker-impact", "worker-slow")
    }
    for name, child in compose.items():
        assert child.ended() is None, (name, log_of(child))


def test_what_has_a_heartbeat_is_seen_to_live(compose: dict[str, Child]) -> None:
    import psycopg2

    def alive() -> set[str]:
        with psycopg2.connect(environment("web")["DATABASE_URL"]) as connection:
            cursor = connection.cursor()
            cursor.execute(
                "select process from mes_heartbeat where at > now() - interval '20 seconds'"
            )
            return {name for (name,) in cursor.fetchall()}

    assert eventually(lambda: alive() >= {*EXPECTED, "worker-slow"}, 60), alive()


def test_each_role_may_do_what_its_work_needs_and_no_more(compose: dict[str, Child]) -> None:
    import psycopg2

    application = environment("web")["DATABASE_URL"]
    parts = urlsplit(application)
    reader = application.replace(
        f"{parts.username}:{parts.password}", f"{parts.username}_read:{READ_PASSWORD}"
    )

    def refused(url: str, statement: str) -> bool:
        try:
            with psycopg2.connect(url) as connection:
                connection.cursor().execute(statement)
        except psycopg2.errors.InsufficientPrivilege:
            return True
        return False

    assert not refused(application, "update mes_site set name = name")
    for statement in (
        "truncate mes_site cascade",
        "alter table mes_site add x int",
        "update mes_shopfloorevent set seq = seq",
        "delete from materials_stockmove",
        "alter table mes_shopfloorevent disable trigger user",
        "set session_replication_role = replica",
    ):
        assert refused(application, statement), statement
    assert not refused(reader, "select * from mes_shopfloorevent")
    for statement in (
        "insert into mes_tally (name, labels, value) values ('a', '', 1)",
        "select password from auth_user",
        "select token_sha256 from mes_device",
    ):
        assert refused(reader, statement), statement


def test_the_front_leads_to_ports_that_services_listen_on() -> None:
    targets = re.findall(r"reverse_proxy (\S+):(\d+)", COMPOSE["configs"]["caddyfile"]["content"])

    assert dict(targets) == {"stream": "8001", "web": "8000"}
    for service, port in targets:
        assert port in COMPOSE["services"][service]["command"]


def test_every_dependency_volume_and_config_is_declared() -> None:
    for name, service in COMPOSE["services"].items():
        assert set(service.get("depends_on", {})) <= set(COMPOSE["services"]), name
        for volume in service.get("volumes", []):
            assert volume.partition(":")[0] in COMPOSE["volumes"], name
        for config in service.get("configs", []):
            assert config["source"] in COMPOSE["configs"], name
