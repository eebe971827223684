"""From the commit to the stored impact of each kind of event, on Northfield and the real processes.

Every event is the act behind the API's body of that kind; each round takes back what can be.
"""

from __future__ import annotations

import time
import uuid
from collections import defaultdict
from collections.abc import Generator, Iterator
from datetime import timedelta
from typing import Any

from tests.bench.rows import Row, limit_row

ROUNDS = 4
LIMIT_MS = 300
UNIT, OTHER_UNIT = "CNC-04", "CNC-02"
# They set the simulated clock; nothing happened on the floor.
NOT_OF_THE_FLOOR = {"clock", "speed"}

Values = dict[str, Any]
Story = Generator[Values, Values, None]


def rows() -> Iterator[Row]:
    """One row a kind: the slowest of its rounds, the first left out."""
    from planning.api.events import KINDS

    took: dict[str, list[float]] = defaultdict(list)
    for number in range(1 + ROUNDS):
        for story in _round(number):
            answer: Values | None = None
            while True:
                try:
                    body = next(story) if answer is None else story.send(answer)
                except StopIteration:
                    break
                answer, elapsed = _answered(body)
                if number:
                    took[body["kind"]].append(elapsed)
                time.sleep(0.1)
    unmeasured = set(KINDS) - set(took) - NOT_OF_THE_FLOOR
    if unmeasured:
        raise RuntimeError(f"no event of these kinds is measured: {sorted(unmeasured)}")
    for kind in KINDS:
        if kind in took:
            yield limit_row(f"kind.{kind}.worst", max(took[kind]), unit="ms", at_most=LIMIT_MS)


def _answered(body: Values) -> tuple[Values, float]:
    from django.db.models import F

    from mes.actor import SYSTEM
    from mes.commands import run
    from mes.models import Site, SitePlan
    from planning.api.events import act_on

    outcome = run(
        site=Site.objects.get(code="NF"),
        key=uuid.uuid4(),
        actor=SYSTEM,
        name="bench.event",
        body=body,
        act=lambda command: act_on(command, body),
    )
    committed = time.perf_counter()
    if not outcome.ok:
        raise RuntimeError(f"{body['kind']}: {outcome.message}")
    answered = SitePlan.objects.filter(site__code="NF", computed_seq=F("site__head__seq"))
    while not answered.exists():
        if time.perf_counter() - committed > 60:
            raise RuntimeError("the plan did not catch up")
        time.sleep(0.002)
    return outcome.response, (time.perf_counter() - committed) * 1000


def _round(number: int) -> Iterator[Story]:
    yield _breakdown()
    yield _slow()
    yield _tool()
    yield _absence()
    yield _windows()
    yield _run(number)
    yield _refused()
    yield _queue()
    yield _hold()
    yield _check()
    yield _stock()
    yield _purchase(number)
    yield _demand(number)
    yield _return()
    yield _call()


def _in(hours: float) -> str:
    from mes.clock import plant_now
    from mes.models import Site

    return (plant_now(Site.objects.get(code="NF")) + timedelta(hours=hours)).isoformat()


def _job(row: Any) -> Values:
    return {"work_order": row.work_order.code, "operation": row.number}


def _queue_of(code: str) -> list[Any]:
    """The open jobs of a unit, head first."""
    from workorders.models import JobOrder, UnitQueue

    ids = UnitQueue.objects.get(unit__code=code, site__code="NF").job_order_ids
    found = JobOrder.objects.select_related("work_order").in_bulk(ids)
    return [found[pk] for pk in ids]


def _running_and_next() -> Iterator[tuple[Any, Any]]:
    """Running jobs, each with one behind it that has pieces to work on."""
    from workorders.models import JobOrder

    running = JobOrder.objects.filter(site__code="NF", status="RUNNING")
    for job in running.select_related("work_order", "unit").order_by("unit__code"):
        ready = [other for other in _queue_of(job.unit.code) if other.status == "READY"]
        if ready:
            yield job, ready[0]


def _breakdown() -> Story:
    yield {"kind": "breakdown", "unit": UNIT, "back_at": _in(24), "note": "", "said_by": "bench"}
    yield {"kind": "estimate", "unit": UNIT, "back_at": _in(8), "said_by": "bench"}
    yield {"kind": "repair", "unit": UNIT}


def _slow() -> Story:
    slow = {"unit": UNIT, "percent": 60, "back_at": _in(24)}
    yield {"kind": "slow", **slow}
    yield {"kind": "slow_change", **slow, "percent": 40}
    yield {"kind": "slow_end", "unit": UNIT}


def _tool() -> Story:
    from equipment.models import Tool

    tool = Tool.objects.filter(site__code="NF").order_by("code")[0].code
    yield {"kind": "tool_lost", "tool": tool, "back_at": _in(24)}
    yield {"kind": "tool_back", "tool": tool, "back_at": _in(30)}
    yield {"kind": "tool_found", "tool": tool}


def _absence() -> Story:
    person = {"person": "Milan Urban"}
    yield {"kind": "absence", **person, "ends_at": _in(72)}
    yield {"kind": "absence_end", **person}


def _windows() -> Story:
    window = {"place": OTHER_UNIT, "starts_at": _in(1), "ends_at": _in(9)}
    done = yield {"kind": "closure", **window}
    yield {"kind": "closure_end", "place": OTHER_UNIT, "windows": done["window_ids"]}
    # A Sunday night, when nothing works.
    window = {"place": OTHER_UNIT, "starts_at": _in(24 * 7), "ends_at": _in(24 * 9)}
    done = yield {"kind": "shift", **window}
    yield {"kind": "shift_end", "place": OTHER_UNIT, "windows": done["window_ids"]}


def _run(number: int) -> Story:
    pairs = list(_running_and_next())
    job, follower = pairs[number % len(pairs)]
    done = yield {"kind": "production", **_job(job), "good": "1"}
    yield {"kind": "correction", "response": done["response_id"]}
    yield {"kind": "stop", **_job(job), "reason": "WAIT-MATERIAL"}
    yield {"kind": "resume", **_job(job)}
    yield {"kind": "finish", **_job(job)}
    yield {"kind": "start", **_job(follower)}


def _refused() -> Story:
    _head, job, *_rest = _queue_of(UNIT)
    yield {"kind": "not_possible", **_job(job), "why": "PROGRAM"}
    yield {"kind": "possible_again", **_job(job)}


def _queue() -> Story:
    first, *rest = open_jobs = _queue_of(UNIT)
    other = [first, *reversed(rest)]
    yield {"kind": "queue", "unit": UNIT, "jobs": [_job(each) for each in other]}
    yield {"kind": "queue", "unit": UNIT, "jobs": [_job(each) for each in open_jobs]}
    yield {"kind": "move", **_job(rest[-1]), "to_unit": UNIT, "position": 1}
    yield {"kind": "queue", "unit": UNIT, "jobs": [_job(each) for each in open_jobs]}


def _hold() -> Story:
    hold = {"lot": "L-24-1187", "reason": "MAT-HARDNESS", "expected_at": _in(24)}
    done = yield {"kind": "hold", **hold}
    yield {"kind": "release", "hold": done["hold_id"]}


def _check() -> Story:
    lot = {"lot": "L-24-1194"}
    yield {"kind": "check_waits", **lot}
    yield {"kind": "check_withdrawn", **lot}
    yield {"kind": "check_done", **lot, "status": "RELEASED"}
    yield {"kind": "check_done", **lot, "status": "QUARANTINE"}


def _stock() -> Story:
    place = {"lot": "L-24-1140", "location": "PARTS"}
    yield {"kind": "shortage", **place, "missing": "400"}
    yield {"kind": "count", **place, "counted": "600"}


def _purchase(number: int) -> Story:
    from materials.models import PurchaseLine

    row = PurchaseLine.objects.filter(site__code="NF").order_by("pk")[0]
    line = {"purchase_order": row.order_code, "line": row.number}
    received = {**line, "lot": f"BENCH-{number}", "quantity": "1"}
    yield {"kind": "purchase", **line, "expected_at": _in(24 * (8 + number)), "said_by": "bench"}
    yield {"kind": "receive", **received, "location": "RAW"}
    yield {"kind": "receipt_correction", **received}


def _demand(number: int) -> Story:
    code = f"BENCH-{number}"
    wanted = {"item": "HV-220-A", "quantity": "30", "requested_at": _in(72)}
    yield {"kind": "order", "order": code, "customer": "VOSS", "lines": [wanted]}
    line = {"order": code, "line": 1}
    yield {"kind": "order_change", **line, "quantity": "60"}
    yield {"kind": "ship", **line, "quantity": "1"}
    yield {"kind": "order_cancel", **line}
    yield {"kind": "order_restore", **line}
    yield {"kind": "order_cancel", **line}


def _return() -> Story:
    from materials.models import CustomerLine, Lot

    shipped = CustomerLine.objects.filter(site__code="NF", shipped_quantity__gt=1)
    row = shipped.select_related("order").order_by("pk")[0]
    line = {"order": row.order.code, "line": row.number}
    wants = {"wants": "REPLACEMENT", "needed_at": _in(72)}
    done = yield {"kind": "return", **line, "quantity": "1", "why": "leaks", **wants}
    yield {"kind": "return_correction", "lot": Lot.objects.get(pk=done["lot_id"]).code}


def _call() -> Story:
    raised = {"kind": "call", "unit": UNIT, "whom": "QUALITY", "stopped": False}
    done = yield raised
    call = {"call": done["call_id"]}
    yield {"kind": "call_taken", **call, "minutes": 5}
    yield {"kind": "call_arrived", **call}
    yield {"kind": "call_ended", **call, "outcome": "deburred"}
    done = yield raised
    yield {"kind": "call_cancelled", "call": done["call_id"]}
