"""Drives a simulated plant through the public API, as its machines, people and trucks would."""

from __future__ import annotations

import json
import os
import random
import signal
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from planning import northfield
from planning.management.commands.build_demo import TOKENS

Data = dict[str, Any]
Say = Callable[[str], None]

STEP_S = 2.0
LONGEST_STEP_S = 10.0  # a computer that slept doesn't make the plant jump a night ahead
FIRST_TROUBLE_S = (15.0, 40.0)
NEXT_TROUBLE_S = (150.0, 300.0)
MOST_OPEN = 3
STARVED = timedelta(hours=2)
SHIP_BEFORE = timedelta(hours=24)
LOGISTICS_EVERY = timedelta(minutes=15)
ASK_AGAIN = timedelta(minutes=30)
SCRAP_CHANCE = 0.03


class Unreachable(Exception):
    """The API does not answer, or says that it cannot now."""

    def __init__(self, why: str, wait_s: float = 1.0) -> None:
        super().__init__(why)
        self.wait_s = wait_s


@dataclass
class Api:
    """The plant's JSON API as a device speaks it."""

    url: str
    token: Callable[[], str]
    timeout_s: float = 15.0

    def get(self, path: str, **query: Any) -> Any:
        asked = f"{path}?{urllib.parse.urlencode(query)}" if query else path
        status, answer = self._send(asked, None)
        if status != 200:
            raise Unreachable(f"{path}: {status} {_sentence(answer)}", 5.0)
        return answer

    def post(self, kind: str, **body: Any) -> tuple[int, Data]:
        """Post one event under a key of its own; the key is kept while the answer is lost."""
        values = {
            name: value.isoformat() if isinstance(value, datetime) else value
            for name, value in body.items()
            if value is not None
        }
        key = str(uuid.uuid4())
        for wait_s in (0.5, 2.0):
            try:
                return self._send("events", {"kind": kind, **values}, key)
            except Unreachable:
                time.sleep(wait_s)
        return self._send("events", {"kind": kind, **values}, key)

    def _send(self, path: str, body: Data | None, key: str = "") -> tuple[int, Any]:
        request = urllib.request.Request(
            f"{self.url}/api/v1/{path}",
            data=None if body is None else json.dumps(body, default=str).encode(),
            headers={
                "Authorization": f"Bearer {self.token()}",
                "Content-Type": "application/json",
                "Idempotency-Key": key,
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=self.timeout_s) as response:
                return response.status, json.loads(response.read())
        except urllib.error.HTTPError as refusal:
            raw = refusal.read()
            if refusal.code >= 500 or refusal.code == 401:
                wait = refusal.headers.get("Retry-After", "3")
                raise Unreachable(
                    f"{path}: {refusal.code}", float(wait) if wait.isdigit() else 3.0
                ) from refusal
            try:
                return refusal.code, json.loads(raw)
            except ValueError as problem:
                raise Unreachable(f"{path}: {refusal.code}, not JSON", 3.0) from problem
        except (OSError, ValueError) as problem:
            raise Unreachable(f"{path}: {problem}") from problem


def _sentence(answer: Any) -> str:
    return str(answer.get("message", "")) if isinstance(answer, dict) else ""


def instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def pieces_due(unit: Data, job: Data, now: datetime) -> int:
    """How many pieces a running job has made by its standard rate since its last report.

    No more than are there to be worked on; the night doesn't count, nor the set-up.
    """
    marks = (job["last_report_at"], job["running_since"], job["started_at"], unit["works_since"])
    since = max(filter(None, map(instant, marks)), default=now)
    if job["last_report_at"] is None and since == instant(job["started_at"]):
        since += timedelta(seconds=job["setup_s"])
    run_s = float(job["run_s"]) or 1.0
    due = int(max(0.0, (now - since).total_seconds()) // run_s)
    return min(due, int(Decimal(job["available"])))


def left_of(job: Data) -> int:
    made = sum(Decimal(job[each]) for each in ("good", "scrap", "rework"))
    return int(Decimal(job["quantity"]) - made)


def report_now(unit: Data, job: Data, now: datetime, step: timedelta) -> int:
    """How many pieces to report now: whole pallets, the rest of a job, what a shift leaves."""
    due = pieces_due(unit, job, now)
    pallet = max(1, int(Decimal(job["pallet"])))
    until = instant(unit["works_until"])
    ends = until is not None and until - now <= 2 * step
    if due >= min(pallet, left_of(job)) or ends:
        return due
    # The last pieces that will ever come make no whole pallet.
    if not job["more_coming"] and due == int(Decimal(job["available"])):
        return due
    return 0


def next_job(unit: Data, barred: Callable[[Data], bool]) -> Data | None:
    """The first job of the queue that is ready and has pieces: what the floor takes unasked."""
    for job in unit["queue"]:
        if job["ready"] and Decimal(job["available"]) > 0 and not barred(job):
            return dict(job)
    return None


@dataclass
class Simulator:
    """A plant that lives: it works by the queues, breaks, is repaired, receives and delivers."""

    api: Api
    say: Say
    chance: random.Random
    wall: Callable[[], float] = time.monotonic
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo(northfield.TIME_ZONE))
    began: float = 0.0
    stepped: float = 0.0
    trouble_due: float = 0.0
    broke_first: bool = False
    logistics_due: datetime | None = None
    refused_until: dict[int, datetime] = field(default_factory=dict)
    revised: set[tuple[str, str]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.began = self.stepped = self.wall()
        self.trouble_due = self.began + self.chance.uniform(*FIRST_TROUBLE_S)

    def step(self) -> None:
        """Let the time pass that has passed on the wall, then do what is due."""
        plan = self.api.get("plan")
        wall = self.wall()
        passed = min(wall - self.stepped, LONGEST_STEP_S)
        self.stepped = wall
        if not plan["speed"]:
            self.trouble_due += passed
            return
        step = timedelta(seconds=passed * plan["speed"])
        now = datetime.fromisoformat(plan["now"]) + step
        status, _answer = self.api.post("clock", to=now)
        if status != 200:
            return
        self.zone = ZoneInfo(plan["time_zone"])
        units = self.api.get("queues")
        for unit in units:
            if unit["down"]:
                self.repair(unit, now)
            elif unit["works"]:
                self.work(unit, now, step)
        if wall >= self.trouble_due:
            self.trouble(units, now)
        if self.logistics_due is None or now >= self.logistics_due:
            self.logistics_due = now + LOGISTICS_EVERY
            self.receive(now)
            self.ship(now)
            self.release(now)

    # -- the floor -------------------------------------------------------------------------------

    def work(self, unit: Data, now: datetime, step: timedelta) -> None:
        for job in unit["running"]:
            made = report_now(unit, job, now, step)
            if made:
                self.report(unit, job, made)
            elif Decimal(job["available"]) == 0:
                self.starved(unit, job, now)
        if not unit["running"]:
            self.start(unit, now)

    def report(self, unit: Data, job: Data, made: int) -> None:
        scrap = 1 if self.chance.random() < SCRAP_CHANCE else 0
        self.tell(
            "production",
            f"{unit['unit']}: {made} of {job['work_order']}/{job['operation']}",
            work_order=job["work_order"],
            operation=job["operation"],
            good=str(made - scrap),
            scrap=str(scrap),
            reason="SURF-CHATTER" if scrap else None,
        )

    def starved(self, unit: Data, job: Data, now: datetime) -> None:
        """Nothing to work on: for good, or for so long that something else takes its turn."""
        where = {"work_order": job["work_order"], "operation": job["operation"]}
        name = f"{job['work_order']}/{job['operation']}"
        marks = (job["last_report_at"], job["running_since"], unit["works_since"])
        since = max(filter(None, map(instant, marks)), default=now)
        if not job["more_coming"]:
            self.tell("finish", f"{unit['unit']}: {name} ends short", **where)
        elif now - since > STARVED and next_job(unit, lambda other: False):
            self.tell("stop", f"{unit['unit']}: {name} waits", reason="WAIT-MATERIAL", **where)

    def start(self, unit: Data, now: datetime) -> None:
        job = next_job(unit, lambda job: self.refused_until.get(job["job_order_id"], now) > now)
        if job is None:
            return
        done = self.tell(
            "resume" if job["status"] == "SUSPENDED" else "start",
            f"{unit['unit']}: starts {job['work_order']}/{job['operation']}",
            work_order=job["work_order"],
            operation=job["operation"],
        )
        if not done:
            self.refused_until[job["job_order_id"]] = now + ASK_AGAIN

    # -- trouble ---------------------------------------------------------------------------------

    def trouble(self, units: list[Data], now: datetime) -> None:
        """Something goes wrong, unless enough has."""
        self.trouble_due = self.wall() + self.chance.uniform(*NEXT_TROUBLE_S)
        going_on = [
            row
            for row in self.api.get("disruptions", page_size=50)["results"]
            if row["kind"] != "BACKLOG"
        ]
        if len(going_on) >= MOST_OPEN:
            return
        up = [unit for unit in units if not unit["down"] and unit["works"]]
        first = next((unit for unit in up if unit["unit"] == "CNC-04"), None)
        if first is not None and not self.broke_first:
            self.broke_first = True
            morning = (now.astimezone(self.zone) + timedelta(days=1)).replace(
                hour=10, minute=0, second=0, microsecond=0
            )
            self.break_down(first, now, morning, "MECH-SPINDLE", "Spindle bearing alarm 2041")
        elif self.chance.random() < 0.25:
            self.hold(now)
        elif up:
            unit = self.chance.choice(up)
            reason, note = self.chance.choice(
                [
                    ("MECH-COOLANT", "Coolant under the guard"),
                    ("MECH-CLAMP", "Clamping pressure low"),
                    ("ELEC-DRIVE", "Drive fault, second axis"),
                    ("ELEC-SENSOR", "Door sensor does not switch"),
                    ("TOOL-BROKEN", "Tool broke in the part"),
                ]
            )
            hours = self.chance.choice([1, 2, 3, 5, 8])
            self.break_down(unit, now, now + timedelta(hours=hours), reason, note)

    def break_down(
        self, unit: Data, now: datetime, back_at: datetime, reason: str, note: str
    ) -> None:
        for job in unit["running"]:
            # What it made until now is there, whatever happens next.
            if made := pieces_due(unit, job, now):
                self.report(unit, job, made)
        self.tell(
            "breakdown",
            f"{unit['unit']} is down: {note}",
            loud=True,
            unit=unit["unit"],
            reason=reason,
            note=note,
            back_at=back_at,
            said_by="Tomas Horak",
        )

    def repair(self, unit: Data, now: datetime) -> None:
        """It is up when it was said to be; some estimates change on the way."""
        since, back_at = instant(unit["down"]["since"]), instant(unit["down"]["back_at"])
        known = (unit["unit"], unit["down"]["since"])
        if since is None:
            return
        if back_at is None:
            if now - since > timedelta(minutes=10):
                self.estimate(unit, now + timedelta(hours=self.chance.choice([1, 2, 4])))
        elif now >= back_at:
            self.tell("repair", f"{unit['unit']} is up again", loud=True, unit=unit["unit"])
        elif now - since > (back_at - since) / 2 and known not in self.revised:
            self.revised.add(known)
            if self.chance.random() < 0.4:
                share = self.chance.choice([-0.3, 0.4])
                self.estimate(unit, max(back_at + (back_at - now) * share, now + STARVED / 4))

    def estimate(self, unit: Data, back_at: datetime) -> None:
        back_at = back_at.replace(second=0, microsecond=0)
        self.tell(
            "estimate",
            f"{unit['unit']} is back {back_at.astimezone(self.zone):%a %H:%M}",
            loud=True,
            unit=unit["unit"],
            back_at=back_at,
            said_by="Tomas Horak",
        )

    def hold(self, now: datetime) -> None:
        lot = self.chance.choice([lot for lot in northfield.LOTS if lot.item.startswith("BAR")])
        self.tell(
            "hold",
            f"lot {lot.lot} is on hold",
            loud=True,
            lot=lot.lot,
            reason="MAT-HARDNESS",
            note="91 HB, at least 95",
            expected_at=now + timedelta(hours=self.chance.choice([2, 4, 6])),
        )

    def release(self, now: datetime) -> None:
        for hold in self.api.get("holds"):
            expected = instant(hold["expected_at"])
            if expected is not None and now >= expected:
                what = hold["lot"] or f"{hold['work_order']}/{hold['operation']}"
                self.tell("release", f"{what} is released", loud=True, hold=hold["hold"])

    # -- trucks ----------------------------------------------------------------------------------

    def receive(self, now: datetime) -> None:
        places = {lot.item: lot.location for lot in northfield.LOTS}
        for line in self.api.get("purchases", page_size=100)["results"]:
            expected = instant(line["expected_at"])
            if expected is None or now < expected:
                continue
            self.tell(
                "receive",
                f"{line['quantity']} {line['item']} came in, {line['order']}",
                loud=True,
                purchase_order=line["order"],
                line=line["line"],
                lot=f"L-{line['order']}-{line['line']}",
                quantity=str(Decimal(line["quantity"]) - Decimal(line["received_quantity"])),
                location=places.get(line["item"], "RAW"),
            )

    def ship(self, now: datetime) -> None:
        """The next delivery that is due and lies there whole; one truck at a time."""
        for line in self.api.get("deliveries", page_size=100)["results"]:
            promised = instant(line["promised_at"])
            left = Decimal(line["quantity"]) - Decimal(line["shipped_quantity"])
            if promised is None or promised - now > SHIP_BEFORE:
                continue
            if Decimal(line["in_stock"]) >= left and self.tell(
                "ship",
                f"{line['order']} left for {line['customer']}",
                loud=True,
                order=line["order"],
                line=line["line"],
                quantity=str(left),
            ):
                return

    def tell(self, kind: str, what: str, *, loud: bool = False, **body: Any) -> bool:
        """Post an event; False where the plant refuses it, which is a part of its life."""
        status, answer = self.api.post(kind, **body)
        if status >= 400:
            self.say(f"not done: {what} ({_sentence(answer)})")
            return False
        if loud:
            self.say(what)
        return True


class Command(BaseCommand):
    help = "Let a simulated plant live, through its public API."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--site", default=northfield.SITE)
        parser.add_argument(
            "--url",
            default=os.environ.get("MES_API")
            or os.environ.get("MES_PAGE_ORIGIN")
            or "http://127.0.0.1:8000",
        )
        parser.add_argument("--seed", type=int, default=2291)
        parser.add_argument("--steps", type=int, help="stop after so many steps")

    def handle(self, **options: Any) -> None:
        signal.signal(signal.SIGTERM, _stop)
        api = Api(options["url"].rstrip("/"), _token)
        simulator = Simulator(api, self._say, random.Random(options["seed"]))
        self._check_site(api, options["site"])
        silent = False
        for _n in _count(options["steps"]):
            wait_s = STEP_S
            try:
                simulator.step()
                silent = False
            except Unreachable as problem:
                # Said once, not every second; the plant stands meanwhile.
                if not silent:
                    self._say(f"waiting: {problem}")
                silent, wait_s = True, max(STEP_S, problem.wait_s)
            except (KeyError, TypeError, ValueError) as problem:
                self._say(f"an answer that is not understood: {problem!r}")
            time.sleep(wait_s)

    def _check_site(self, api: Api, site: str) -> None:
        while True:
            try:
                plan = api.get("plan")
            except Unreachable as problem:
                time.sleep(max(1.0, problem.wait_s))
                continue
            if plan["site"] != site:
                raise CommandError(f"this token belongs to {plan['site']}, not to {site}")
            if plan["clock"] != "SIMULATED":
                raise CommandError(f"{site} runs on the wall clock; it is not simulated")
            return

    def _say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()


def _count(steps: int | None) -> Iterator[int]:
    n = 0
    while steps is None or n < steps:
        yield n
        n += 1


def _token() -> str:
    """The simulator's token, read again each time: a rebuilt plant has another one."""
    given = os.environ.get("MES_DEVICE_TOKEN")
    if given:
        return given
    try:
        tokens = json.loads((Path(settings.DATA_DIR) / TOKENS).read_text())
        return str(tokens[northfield.SIMULATOR.code])
    except (OSError, ValueError, KeyError) as problem:
        raise Unreachable(f"no token in {TOKENS}: run build_demo", 5.0) from problem


def _stop(signum: int, frame: Any) -> None:
    raise SystemExit(0)
