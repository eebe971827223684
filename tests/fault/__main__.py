"""Shoot at the plant while it works, and see whether it kept its promise: `make fault`.

python -m tests.fault [--seed N] [--seeds N] [--seconds S] [--rate EVENTS_A_SECOND]

Prints one JSON object a seed; ends with 1 if one of them broke the promise. The same seed sends
the same messages under the same keys and strikes in the same order.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import time
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mes.settings")

from tests.fault.stack import Stack, read_settings, wait
from tests.fault.verdict import CONVERGED_S, SETTLE_S, kept


def fire(stack: Stack, seed: int, seconds: float, rate: float) -> dict[str, Any]:
    """Load and faults for so many seconds, then the judgement."""
    from django.db import connection

    from mes.models import SitePlan
    from planning.management.commands.build_demo import TOKENS
    from planning.northfield import SIMULATOR
    from tests.fault import judge
    from tests.fault.faults import FAULTS, script
    from tests.fault.messages import Floor, known
    from tests.fault.sending import Senders
    from tests.fault.watching import Watcher

    chance = random.Random(seed)
    floor = Floor(chance, known())
    messages = [floor.message() for _ in range(int(seconds * rate))]
    strikes = script(chance, seconds)
    token = json.loads((stack.dir / TOKENS).read_text())[SIMULATOR.code]
    connection.close()
    senders = Senders(stack.url, token, random.Random(seed + 1))
    watcher = Watcher(stack.stream_url, senders.terminal.session)
    circles = stack.deadlocks()
    struck: dict[str, int] = {}
    began = time.monotonic()
    for n, message in enumerate(messages):
        senders.give(message, began + n / rate)
    for at, name in strikes:
        time.sleep(max(0.0, began + at - time.monotonic()))
        # A process that an earlier fault took away is waited for: each is to be hit.
        while not FAULTS[name](stack) and time.monotonic() < began + seconds + SETTLE_S:
            time.sleep(0.1)
        struck[name] = struck.get(name, 0) + 1
    time.sleep(max(0.0, began + seconds - time.monotonic()))
    answered_s = wait(senders.all_answered, SETTLE_S)
    lasted_s = time.monotonic() - began
    needs = ("web", "stream", "worker", "sweeper", "postgres", "valkey")
    wait(lambda: stack.lives(*needs), SETTLE_S)
    converged_s = wait(judge.is_current, SETTLE_S)
    version = SitePlan.objects.get(site=judge.site()).plan_version
    wait(lambda: watcher.version >= version, CONVERGED_S)
    senders.stop()
    watcher.stop()
    told = list(senders.told.values())
    missing = judge.not_stored(told)
    twice, never = judge.done_twice_or_never(told)
    odd = [each.message.kind for each in told if not each.agree]
    found = judge.problems()
    report: dict[str, Any] = {
        "seed": seed,
        "seconds": seconds,
        "events_a_second": rate,
        "messages": len(messages),
        "copies_sent": sum(senders.statuses.values()),
        "stored": sum(each.acknowledged for each in told),
        "faults": struck,
        "acknowledged_not_stored": len(missing),
        "doubled": len(twice),
        "acknowledged_without_effect": len(never),
        "answers_that_differ": len(odd),
        "without_impact": judge.without_impact(),
        "balances_off": found["balances_off"],
        "gaps": found["gaps"],
        "contradictions": found["contradictions"],
        "differs_from_cold": judge.differs_from_cold(),
        "unanswered": senders.open,
        "errors_without_retry_after": senders.without_retry_after,
        "screen_went_back": watcher.went_back,
        "screen_behind": max(0, version - watcher.version),
        "answered_s": _rounded(answered_s),
        "converged_s": _rounded(converged_s),
        "longest_answer_s": _rounded(senders.longest_s),
        "error_free": round(1 - len(senders.bad_seconds) / (lasted_s + 1), 2),
        "statuses": dict(sorted(senders.statuses.items())),
        "unreachable": senders.unreachable,
        "answers_dropped": senders.dropped,
        "circles_of_locks": stack.deadlocks() - circles,
        "stream_connects": watcher.connects,
        "examples": [*missing[:3], *twice[:3], *never[:3], *odd[:3], *found["first"]],
    }
    connection.close()
    return {**report, "ok": kept(report)}


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 2)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fault")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seeds", type=int, default=1, help="this many, from --seed on")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--rate", type=float, default=40)
    options = parser.parse_args()
    broken = 0
    for seed in range(options.seed, options.seed + options.seeds):
        with Stack() as stack:
            read_settings()
            report = fire(stack, seed, options.seconds, options.rate)
            print(json.dumps(report), flush=True)
            if not report["ok"]:
                broken += 1
                print(stack.said(), file=sys.stderr)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
