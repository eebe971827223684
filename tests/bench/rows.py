"""A measured figure is one line of JSON."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Row:
    """value against target; ratio = value / yardstick, both of the same run."""

    name: str
    value: float
    unit: str
    yardstick: float | None
    ratio: float | None
    target: str
    ok: bool

    def print(self) -> None:
        print(json.dumps(asdict(self)), flush=True)


def ratio_row(name: str, value: float, yardstick: float, *, unit: str, at_most: float) -> Row:
    ratio = value / yardstick
    return Row(
        name,
        round(value, 3),
        unit,
        round(yardstick, 3),
        round(ratio, 2),
        f"<= {at_most:g}x",
        ratio <= at_most,
    )


def limit_row(
    name: str, value: float, *, unit: str, at_most: float, yardstick: float | None = None
) -> Row:
    ratio = round(value / yardstick, 2) if yardstick else None
    shown = round(yardstick, 3) if yardstick else None
    return Row(
        name, round(value, 3), unit, shown, ratio, f"<= {at_most:g} {unit}", value <= at_most
    )


def alternated(
    first: Callable[[], object], second: Callable[[], object], *, pairs: int
) -> tuple[float, float]:
    """Median CPU milliseconds of each, run in turn so that the machine's drift hits both."""
    took: tuple[list[float], list[float]] = ([], [])
    for work in (first, second):
        work()
    for _ in range(pairs):
        for times, work in zip(took, (first, second), strict=True):
            began = time.process_time_ns()
            work()
            times.append((time.process_time_ns() - began) / 1e6)
    return statistics.median(took[0]), statistics.median(took[1])


def percentile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
