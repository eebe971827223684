"""Works on what imports of plants wait for, then ends; the sweeper starts it."""

from __future__ import annotations

import resource
from argparse import ArgumentParser
from math import ceil
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from planning.ownplant.work import waiting, work_on

# Some three times what the largest file that may be sent takes.
MEMORY_MB = 300  # beyond what the process has before it begins
CPU_S = 300
STATUS = Path("/proc/self/status")


class Command(BaseCommand):
    help = "Read, check and store the plants' files that wait for it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--memory-mb", type=int, default=MEMORY_MB, help="that the work may take"
        )
        parser.add_argument("--cpu-s", type=int, default=CPU_S, help="for each import")

    def handle(self, *args: Any, **options: Any) -> None:
        if STATUS.exists():
            _limit(resource.RLIMIT_DATA, _data_bytes() + options["memory_mb"] * 1_000_000)
        done: set[int] = set()
        while left := [each for each in waiting() if each not in done]:
            used = resource.getrusage(resource.RUSAGE_SELF)
            # Over it the kernel ends the process, which the import knows by what it left behind.
            _limit(resource.RLIMIT_CPU, ceil(used.ru_utime + used.ru_stime) + options["cpu_s"])
            work_on(left[0])
            done.add(left[0])


def _data_bytes() -> int:
    """The memory of its own that this process has, as the kernel counts it for the limit."""
    (line,) = (line for line in STATUS.read_text().splitlines() if line.startswith("VmData"))
    return int(line.split()[1]) * 1024


def _limit(what: int, most: int) -> None:
    """Lower the limit that is asked first; the one behind it stays, to be raised up to again."""
    _soft, hard = resource.getrlimit(what)
    resource.setrlimit(what, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))
