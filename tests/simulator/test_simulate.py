"""The simulator: how it judges what the floor does, and that nothing stops it."""

from __future__ import annotations

import io
import json
import random
import threading
import urllib.parse
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from planning.management.commands import simulate

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)


def unit(**given):
    return {
        "unit": "CNC-07",
        "works": True,
        "works_since": (NOW - timedelta(hours=3)).isoformat(),
        "works_until": (NOW + timedelta(hours=5)).isoformat(),
        "down": None,
        "running": [],
        "queue": [],
    } | given


def job(**given):
    return {
        "job_order_id": 7,
        "work_order": "WO-2288",
        "operation": 20,
        "status": "RUNNING",
        "quantity": "260",
        "good": "25",
        "scrap": "0",
        "rework": "0",
        "available": "235",
        "pallet": "25",
        "setup_s": 1800,
        "run_s": "60",
        "ready": True,
        "more_coming": False,
        "started_at": (NOW - timedelta(hours=2)).isoformat(),
        "running_since": (NOW - timedelta(hours=2)).isoformat(),
        "last_report_at": (NOW - timedelta(minutes=30)).isoformat(),
    } | given


STEP = timedelta(minutes=2)


def test_pieces_come_at_the_standard_rate_since_the_last_report():
    assert simulate.pieces_due(unit(), job(), NOW) == 30


def test_the_set_up_and_the_night_make_no_pieces():
    fresh = job(last_report_at=None, good="0")
    assert simulate.pieces_due(unit(), fresh, NOW) == 90
    morning = unit(works_since=(NOW - timedelta(minutes=10)).isoformat())
    assert simulate.pieces_due(morning, job(), NOW) == 10


def test_no_more_pieces_are_made_than_have_arrived():
    assert simulate.pieces_due(unit(), job(available="4"), NOW) == 4


def test_a_pallet_is_reported_when_it_is_full_and_the_rest_when_the_shift_ends():
    half = job(last_report_at=(NOW - timedelta(minutes=12)).isoformat(), more_coming=True)
    assert simulate.report_now(unit(), half, NOW, STEP) == 0
    evening = unit(works_until=(NOW + timedelta(minutes=3)).isoformat())
    assert simulate.report_now(evening, half, NOW, STEP) == 12
    assert simulate.report_now(unit(), job(), NOW, STEP) == 30


def test_the_last_pieces_of_a_feeder_are_reported_though_they_make_no_pallet():
    tail = job(available="4", more_coming=False)
    assert simulate.report_now(unit(), tail, NOW, STEP) == 4
    assert simulate.report_now(unit(), tail | {"more_coming": True}, NOW, STEP) == 0


def test_the_first_job_that_is_ready_goes_next():
    queue = [job(job_order_id=1, ready=False), job(job_order_id=2, available="0"), job()]
    found = simulate.next_job(unit(queue=queue), lambda each: False)
    assert found is not None
    assert found["job_order_id"] == 7
    assert simulate.next_job(unit(queue=queue), lambda each: True) is None


class Plant:
    """An HTTP server that answers as told and remembers what was posted."""

    def __init__(self) -> None:
        self.posted: list[dict[str, Any]] = []
        self.keys: list[str] = []
        self.failing = 0
        self.units = [unit(unit="CNC-04"), unit(running=[job()])]
        self.disruptions: list[dict[str, Any]] = []
        self.plan = {
            "site": "NF",
            "clock": "SIMULATED",
            "speed": 60,
            "now": NOW.isoformat(),
            "time_zone": "Europe/Berlin",
        }
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self, status, body):
                raw = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

            def do_GET(self):
                path = urllib.parse.urlparse(self.path).path.removeprefix("/api/v1/")
                page = {"results": outer.disruptions if path == "disruptions" else []}
                known = {"plan": outer.plan, "queues": outer.units, "holds": []}
                self.answer(200, known.get(path, page))

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                outer.keys.append(self.headers["Idempotency-Key"])
                if outer.failing:
                    outer.failing -= 1
                    return self.answer(503, {"message": "busy"})
                outer.posted.append(body)
                return self.answer(200, {"seq": 1})

            def log_message(self, *_args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def kinds(self):
        return [body["kind"] for body in self.posted]


@pytest.fixture
def plant():
    made = Plant()
    yield made
    made.server.shutdown()
    made.server.server_close()


class Wall:
    def __init__(self) -> None:
        self.at = 100.0

    def __call__(self) -> float:
        return self.at


def simulator(plant, wall):
    return simulate.Simulator(
        simulate.Api(plant.url, lambda: "token"), lambda text: None, random.Random(1), wall=wall
    )


def test_time_passes_at_the_plants_speed_and_pallets_are_reported(plant):
    wall = Wall()
    life = simulator(plant, wall)
    wall.at += 2
    life.step()
    clock = plant.posted[0]
    assert (clock["kind"], clock["to"]) == ("clock", (NOW + timedelta(minutes=2)).isoformat())
    report = next(body for body in plant.posted if body["kind"] == "production")
    assert int(report["good"]) + int(report["scrap"]) == 32


def test_nothing_happens_while_the_clock_is_paused(plant):
    wall = Wall()
    life = simulator(plant, wall)
    plant.plan["speed"] = 0
    wall.at += 2
    life.step()
    assert plant.posted == []


def test_a_machine_breaks_within_a_minute_and_never_more_than_three_things_are_open(plant):
    wall = Wall()
    life = simulator(plant, wall)
    for _second in range(30):
        wall.at += 2
        life.step()
    broken = [body for body in plant.posted if body["kind"] == "breakdown"]
    assert [body["unit"] for body in broken] == ["CNC-04"]

    plant.disruptions = [{"kind": "BREAKDOWN"}] * 3 + [{"kind": "BACKLOG"}]
    before = len([kind for kind in plant.kinds() if kind in {"breakdown", "hold"}])
    for _minute in range(20):
        wall.at += 60
        life.step()
    assert len([kind for kind in plant.kinds() if kind in {"breakdown", "hold"}]) == before


def test_a_machine_is_repaired_when_it_was_said_to_be_and_starts_nothing_while_down(plant):
    wall = Wall()
    life = simulator(plant, wall)
    stop = {"since": (NOW - timedelta(hours=2)).isoformat(), "back_at": NOW.isoformat()}
    plant.units = [unit(down=stop, queue=[job(status="READY")])]
    wall.at += 2
    life.step()
    assert plant.kinds() == ["clock", "repair"]


def test_outside_its_shifts_a_machine_does_nothing(plant):
    wall = Wall()
    life = simulator(plant, wall)
    plant.units = [unit(works=False, running=[job()], queue=[job(status="READY")])]
    wall.at += 2
    life.step()
    assert plant.kinds() == ["clock"]


def test_an_answer_that_was_lost_is_asked_for_again_under_the_same_key(plant, monkeypatch):
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    plant.failing = 2
    status, _answer = simulate.Api(plant.url, lambda: "token").post("repair", unit="CNC-04")
    assert status == 200
    assert len(plant.posted) == 1
    assert len(set(plant.keys)) == 1
    assert len(plant.keys) == 3


def test_the_command_outlives_a_plant_that_does_not_answer(plant, monkeypatch):
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    monkeypatch.setenv("MES_DEVICE_TOKEN", "token")
    plant.failing = 50
    said = io.StringIO()
    call_command("simulate", url=plant.url, steps=4, stdout=said)
    assert said.getvalue().count("waiting") == 1


def test_a_token_of_another_site_is_not_used(plant, monkeypatch):
    monkeypatch.setenv("MES_DEVICE_TOKEN", "token")
    with pytest.raises(CommandError, match="NF"):
        call_command("simulate", url=plant.url, site="AW", steps=1)
