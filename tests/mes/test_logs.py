"""One number leads from a tap through the logs of all processes to its impact."""

from __future__ import annotations

import json
import logging
import re
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from django.conf import settings
from django.db.models import F
from django.test import Client

from mes import logs
from mes.access import token_sha256
from mes.clock import wall_now
from mes.embedded import free_port
from mes.models import Device, SitePlan
from mes.processes import Child, stop, web
from tests import servers
from tests.cast import build_plant
from tests.servers import eventually

CANARY = "canary-4711"


@pytest.fixture
def talking(
    transactional_db: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[str, Child, Child]]:
    """A web process and a worker that say in JSON what they do; the address of the first."""
    for name, value in (("LOG_LEVEL", "INFO"), ("LOG_FORMAT", "json")):
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("MES_DATA_DIR", str(tmp_path))
    port = free_port()
    pages, worker = servers.process("web", web(port)), servers.worker()
    for child in (pages, worker):
        child.start()
    try:
        servers.wait_for_page(pages, f"http://127.0.0.1:{port}/healthz")
        servers.wait_for_worker(worker)
        yield f"http://127.0.0.1:{port}", pages, worker
    finally:
        stop([pages, worker], patience_s=5)


def lines(child: Child, number: str) -> list[dict[str, Any]]:
    assert child.log is not None
    found = []
    for line in child.log.read_text().splitlines():
        if line.startswith("{"):
            said = json.loads(line)
            if said.get("request_id") == number:
                found.append(said)
    return found


def bells_left() -> bool:
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        return bool(client.llen("impact") or client.hlen("unacked"))


def is_behind() -> bool:
    return SitePlan.objects.exclude(computed_seq=F("site__head__seq")).exists()


@pytest.mark.slow
def test_a_report_is_followed_from_its_request_to_the_plan_that_answers_it(
    talking: tuple[str, Child, Child],
) -> None:
    url, pages, worker = talking
    plant = build_plant()
    plant.order()
    token, number = f"token-{CANARY}", f"tap-{uuid.uuid4()}"
    Device.objects.create(
        site=plant.site, code="TABLET", role="OPERATOR", token_sha256=token_sha256(token)
    )
    # Else a bell that was rung before answers this event too.
    assert eventually(lambda: not bells_left() and not is_behind(), 60)
    body = {"kind": "breakdown", "unit": "CNC-04", "note": f"note {CANARY}"}

    request = urllib.request.Request(
        f"{url}/api/v1/events",
        data=json.dumps(body).encode(),
        headers={
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/json",
            "Idempotency-Key": str(uuid.uuid4()),
            "X-Request-ID": number,
        },
    )
    urllib.request.urlopen(f"{url}/sign-in/?next={CANARY}", timeout=30).close()
    with urllib.request.urlopen(request, timeout=30) as answer:
        seq = json.loads(answer.read())["seq"]
        assert answer.headers["X-Request-ID"] == number

    def answered() -> list[dict[str, Any]]:
        return [line for line in lines(worker, number) if line.get("plan_version")]

    assert eventually(lambda: bool(answered()), 60), servers.log_of(worker)
    said = lines(pages, number)
    command = next(line for line in said if line.get("command") == "api.event")
    assert (command["status"], command["last_seq"]) == (200, seq)
    request_line = next(line for line in said if line["logger"] == "mes.request")
    assert request_line["message"] == "POST /api/v1/events 200"
    assert request_line["took_ms"] > 0
    assert answered()[0]["first_seq"] <= seq <= answered()[0]["last_seq"]
    for child in (pages, worker):
        assert child.log is not None
        assert CANARY not in child.log.read_text()


def test_a_number_of_ours_is_given_where_none_or_nonsense_is_sent(db: None) -> None:
    for sent in (
        {},
        {"X-Request-ID": "short"},
        {"X-Request-ID": "a" * 65},
        {"X-Request-ID": "a b"},
    ):
        number = Client().get("/healthz", headers=sent)["X-Request-ID"]
        assert re.fullmatch(r"[0-9a-f]{32}", number), sent


def test_a_line_holds_its_fields_and_where_it_went_wrong() -> None:
    try:
        raise ValueError("odd")
    except ValueError as problem:
        info = (type(problem), problem, problem.__traceback__)
    record = logging.LogRecord("mes.x", logging.ERROR, "", 1, "a %s", ("b",), info)
    record.site = 7
    record.password = "never"  # an extra that no field is declared for
    with logs.of_request("number-1"):
        logs.WithRequest().filter(record)

    said = json.loads(logs.JsonLines().format(record))

    assert said.pop("exception").endswith("ValueError: odd")
    assert abs((wall_now().timestamp()) - record.created) < 60
    assert said.pop("at").endswith("+00:00")
    assert said == {
        "level": "ERROR",
        "process": "command",
        "logger": "mes.x",
        "message": "a b",
        "request_id": "number-1",
        "site": 7,
    }
    assert logs.request_id.get() == ""
