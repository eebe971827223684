"""Many hands at one thing: `make load`. One JSON object a line, as `make bench` prints them."""

from __future__ import annotations

import json
import os
import random
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mes.settings")

from tests.bench.rows import Row, limit_row, percentile
from tests.fault.sending import Terminal
from tests.fault.stack import Stack, read_settings, wait
from tests.load.hands import Hand, Heard, all_at_once, key

TERMINALS = 100
REPORTS = 6  # of each terminal, one piece each
ORDERED = 400  # so a third comes on top of the order
DOUBLED = 5  # every fifth report is sent twice at once
PAUSE_S = 8.0  # of a terminal between two reports, on average
PLANNERS = 50
HER_LIMIT = 2500  # what Jana decides alone
DOWN_S = 12.0
DEVICES = 10
EVERY_S = 1.0  # a report of each device
LONGEST_S = 6  # that anybody waits for an answer


def rows(stack: Stack) -> Iterator[Row]:
    from planning.management.commands.build_demo import TOKENS
    from planning.northfield import SIMULATOR

    token = json.loads((stack.dir / TOKENS).read_text())[SIMULATOR.code]
    device = {"Authorization": f"Bearer {token}"}
    yield from _one_order_one_lot(stack, device)
    yield from _conflicting_accepts(stack)
    yield from _without_redis(stack, device)
    yield from _contradictions()


def _count(name: str, found: float) -> Row:
    return Row(name, float(found), "count", None, None, "= 0", found == 0)


def _do(name: str, action: Callable[..., Any], /, **values: Any) -> dict[str, Any]:
    from mes.actor import SYSTEM
    from mes.commands import run
    from mes.models import Site

    outcome = run(
        site=Site.objects.get(code="NF"),
        key=uuid.uuid4(),
        actor=SYSTEM,
        name=name,
        body=values,
        act=lambda command: action(command, **values),
    )
    if not outcome.ok:
        raise RuntimeError(outcome.message)
    return outcome.response


def _order(code: str, quantity: int) -> dict[str, Any]:
    """A released order whose first operation takes a bar of the one lot."""
    from materials.models import Item
    from mes.clock import plant_now
    from mes.models import Site
    from workorders.actions import create_order, release

    site = Site.objects.get(code="NF")
    made = _do(
        "load.order",
        create_order,
        code=code,
        item_id=Item.objects.get(site=site, code="SP-22").pk,
        quantity=Decimal(quantity),
        due_at=plant_now(site) + timedelta(days=4),
    )
    _do("load.release", release, work_order_id=made["work_order_id"])
    return {"kind": "production", "work_order": code, "operation": 10, "good": "1"}


def _one_order_one_lot(stack: Stack, device: dict[str, str]) -> Iterator[Row]:
    body = _order("LOAD-1", ORDERED)
    hands = [Hand(stack.url, device) for _ in range(TERMINALS)]
    seconds = [Hand(stack.url, device) for _ in range(TERMINALS)]
    pause = random.Random(1)
    pauses = [[pause.uniform(0, 2 * PAUSE_S) for _ in range(REPORTS)] for _ in range(TERMINALS)]
    keys: list[str] = []

    def send(number: int, mine: str, copy: int) -> list[Heard]:
        return [(hands, seconds)[copy][number].post(PATH, body, mine)]

    def reports(number: int) -> list[Heard]:
        heard: list[Heard] = []
        for turn in range(REPORTS):
            time.sleep(pauses[number][turn])
            mine = key()
            keys.append(mine)
            if turn % DOUBLED == number % DOUBLED:
                heard += all_at_once(2, partial(send, number, mine))
            else:
                heard += send(number, mine, 0)
        return heard

    heard = all_at_once(TERMINALS, reports)
    yield from _times("load.report", heard, at_most=400)
    yield from _booked("load.report", "LOAD-1", keys, ORDERED)

    burst = _order("LOAD-2", TERMINALS)
    keys = [key() for _ in range(TERMINALS)]
    heard = all_at_once(TERMINALS, lambda n: [hands[n].post(PATH, burst, keys[n])])
    slowest = max(each.took_ms for each in heard) / 1000
    yield limit_row("load.all_at_once.slowest", slowest, unit="s", at_most=LONGEST_S)
    yield from _booked("load.all_at_once", "LOAD-2", keys, TERMINALS)


PATH = "/api/v1/events"


def _times(name: str, heard: list[Heard], *, at_most: float) -> Iterator[Row]:
    took = [each.took_ms for each in heard]
    unanswered = sum(each.status not in (200, 202) for each in heard)
    yield _count(f"{name}.not_accepted", unanswered)
    yield limit_row(f"{name}.p50", percentile(took, 0.5), unit="ms", at_most=at_most)
    yield limit_row(f"{name}.p95", percentile(took, 0.95), unit="ms", at_most=at_most)


def _booked(name: str, order: str, keys: list[str], ordered: int) -> Iterator[Row]:
    """Of one report a key: none lost, none over the order, none double, and the lot agrees."""
    from materials.models import StockMove
    from mes.models import CommandKey, ShopFloorEvent
    from workorders.models import JobOrder, JobResponse

    job = JobOrder.objects.get(work_order__code=order, number=10)
    good = sum(JobResponse.objects.filter(job_order=job).values_list("good", flat=True))
    settled = CommandKey.objects.filter(key__in=keys, status=200).count()
    known = CommandKey.objects.filter(key__in=keys, status__in=(200, 202)).count()
    yield _count(f"{name}.lost", len(keys) - known + max(0, settled - int(good)))
    yield _count(f"{name}.over", max(Decimal(0), good - ordered))
    yield _count(f"{name}.double", max(0, int(good) - settled))
    seqs = ShopFloorEvent.objects.filter(key__in=keys).values("seq")
    taken = -sum(
        StockMove.objects.filter(
            event_seq__in=seqs, quantity__lt=0, lot__item__code="BAR-30"
        ).values_list("quantity", flat=True)
    )
    yield _count(f"{name}.lot_off_by", abs(taken - good * Decimal("0.14")))


def _conflicting_accepts(stack: Stack) -> Iterator[Row]:
    """Planners accept different answers to the same breakdown at the same moment."""
    from django.db import connection

    from equipment.actions import report_breakdown
    from equipment.models import Equipment
    from mes.clock import plant_now
    from mes.models import Site
    from planning.models import Decision, Disruption, Option

    site = Site.objects.get(code="NF")
    unit = Equipment.objects.get(site=site, code="CNC-04")
    back = plant_now(site) + timedelta(hours=24)
    _do("load.down", report_breakdown, unit_id=unit.pk, back_at=back, said_by="load")
    row = Disruption.objects.filter(site=site, kind="BREAKDOWN", subject_id=unit.pk)
    if wait(row.filter(summary__options_due=False).exists, 60) is None:
        raise RuntimeError("no options were made")
    disruption = row.get()
    offered = Option.objects.filter(disruption=disruption, verdict="OFFERED")
    options = list(
        offered.exclude(kind__in=Option.BY_HAND).filter(cash__lte=HER_LIMIT).order_by("rank")
    )
    headers = Terminal(stack.url, "jana").headers
    planners = [Hand(stack.url, headers) for _ in range(PLANNERS)]
    connection.close()

    def accept(number: int) -> list[Heard]:
        option = options[number % len(options)]
        path = f"/disruptions/{disruption.pk}/options/{option.pk}/accept/"
        return [planners[number].post(path, {"rev": option.version}, key())]

    heard = all_at_once(PLANNERS, accept)
    took = [each.took_ms for each in heard]
    accepted = sum(each.status == 302 for each in heard)
    decided = Decision.objects.filter(disruption=disruption).count()
    surprises = sum(each.status not in (302, 409, 422) for each in heard)
    yield _count("load.accepts.surprises", surprises)
    for name, found in (("accepted", accepted), ("decided", decided)):
        yield Row(f"load.accepts.{name}", float(found), "count", None, None, "= 1", found == 1)
    yield limit_row("load.accepts.slowest", max(took) / 1000, unit="s", at_most=LONGEST_S)


def _without_redis(stack: Stack, device: dict[str, str]) -> Iterator[Row]:
    """Redis hangs, then is gone: every report is accepted, and the sweeper answers."""
    import signal

    body = _order("LOAD-3", 1000)
    hands = [Hand(stack.url, device) for _ in range(DEVICES)]

    def reports(number: int) -> list[Heard]:
        heard, ends = [], time.monotonic() + DOWN_S
        while time.monotonic() < ends:
            heard.append(hands[number].post(PATH, body, key()))
            time.sleep(EVERY_S)
        return heard

    stack.send("valkey", signal.SIGSTOP)
    heard = all_at_once(DEVICES, reports)
    yield from _times("load.redis_hung", heard, at_most=600)
    # The supervisor would start it again: it sleeps while Redis is gone.
    with stack.unsupervised():
        stack.send("valkey", signal.SIGKILL)
        time.sleep(0.5)
        heard = all_at_once(DEVICES, reports)
        yield from _times("load.redis_down", heard, at_most=100)
        yield limit_row("load.redis_down.impact_age", _answered_s(), unit="s", at_most=5)


def _answered_s() -> float:
    """From now until every event is answered."""
    from tests.fault import judge

    return wait(judge.is_current, 60) or 0.0


def _contradictions() -> Iterator[Row]:
    from tests.fault import judge

    yield _count("load.contradictions", judge.problems()["contradictions"])


def main() -> int:
    failed = 0
    with Stack() as stack:
        read_settings()
        for row in rows(stack):
            row.print()
            failed += not row.ok
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
