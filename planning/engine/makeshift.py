"""A unit that is down is repaired for now: back sooner, slower, and repaired fully later."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final

import numpy as np

from planning.engine.kinds import WhyNot
from planning.engine.tables import TABLES

if TYPE_CHECKING:
    from planning.engine.deals import Columns
    from planning.engine.plant import Projection

MINUTE: Final = 60


@dataclass(frozen=True, slots=True)
class RepairForNow:
    """Have a unit back at an instant, at a part of its rate until it was repaired fully.

    start_s, end_s  of the full repair, whole minutes: it stands then.
    """

    kind: ClassVar[str] = "repair_for_now"
    unit_id: int
    back_s: int
    ppm: int
    start_s: int
    end_s: int


@dataclass(frozen=True, slots=True)
class RepairAtOnce:
    """Have it repaired fully at once after all, back at an instant; guess: nobody said so."""

    kind: ClassVar[str] = "repair_at_once"
    unit_id: int
    back_s: int
    guess: bool
    start_s: int
    end_s: int


MakeshiftDeal = RepairForNow | RepairAtOnce


def _unit(draft: Columns, unit_id: int) -> int:
    found = np.flatnonzero(draft.plant.unit_id == unit_id)
    if not len(found):
        raise ValueError(f"unit {unit_id} is not in the plant")
    return int(found[0])


def take(draft: Columns, change: MakeshiftDeal) -> None:
    """Write a change.

    :raises ValueError: if the unit is not in the plant, or has no such window.
    """
    unit = _unit(draft, change.unit_id)
    windows, window = draft.exceptions(unit), (change.start_s, change.end_s, False)
    slow: dict[str, int | None] = {
        f"slow_{name}": TABLES["unit"][f"slow_{name}"][1] for name in ("since", "until", "ppm")
    }
    if isinstance(change, RepairForNow):
        windows.append(window)
        windows.sort()
        slow = {"slow_since": change.back_s, "slow_until": change.end_s, "slow_ppm": change.ppm}
    elif window in windows:
        windows.remove(window)
    else:
        raise ValueError(f"unit {change.unit_id} has no such window")
    draft.write("unit_down_until")[unit] = change.back_s
    draft.write("unit_down_guess")[unit] = isinstance(change, RepairAtOnce) and change.guess
    draft.write("unit_slow")[unit] = isinstance(change, RepairForNow)
    for name, value in slow.items():
        draft.write(f"unit_{name}")[unit] = value


def inverse(draft: Columns, change: MakeshiftDeal) -> MakeshiftDeal:
    """Return what takes a change back, given the columns before it.

    :raises ValueError: if the unit is not in the plant.
    """
    unit = _unit(draft, change.unit_id)
    back = int(draft.read("unit_down_until")[unit])
    if isinstance(change, RepairForNow):
        guess = bool(draft.read("unit_down_guess")[unit])
        return RepairAtOnce(change.unit_id, back, guess, change.start_s, change.end_s)
    ppm = int(draft.read("unit_slow_ppm")[unit])
    return RepairForNow(change.unit_id, back, ppm, change.start_s, change.end_s)


def why_not(draft: Columns, projection: Projection, change: MakeshiftDeal) -> WhyNot | None:
    """Return why it can't be, None if it can.

    :raises ValueError: if the unit is not in the plant.
    """
    unit = _unit(draft, change.unit_id)
    if isinstance(change, RepairAtOnce):
        there = (change.start_s, change.end_s, False) in draft.exceptions(unit)
        return None if there else WhyNot.SAME
    if not draft.plant.unit_down[unit]:
        return WhyNot.RUNS
    if draft.read("unit_slow")[unit]:
        return WhyNot.SLOW_ALREADY
    if change.back_s <= projection.now:
        return WhyNot.DATE_PAST
    odd = change.start_s % MINUTE or change.end_s % MINUTE or change.end_s <= change.start_s
    if odd or change.start_s < change.back_s or not 0 < change.ppm < 1_000_000:
        return WhyNot.QUANTITY
    return WhyNot.BACK_SOONER if change.back_s >= draft.read("unit_down_until")[unit] else None
