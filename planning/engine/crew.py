"""Who attends a unit: somebody else takes the shift for which it would stand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from planning.engine.kinds import WhyNot

if TYPE_CHECKING:
    from planning.engine.deals import Columns


@dataclass(frozen=True, slots=True)
class CoverWindow:
    """Let a person attend a unit while it would stand for want of one."""

    kind: ClassVar[str] = "cover_window"
    unit_id: int
    window_id: int
    start_s: int
    end_s: int
    person_id: int


@dataclass(frozen=True, slots=True)
class UncoverWindow:
    """Let the unit stand again for that time."""

    kind: ClassVar[str] = "uncover_window"
    unit_id: int
    window_id: int
    start_s: int
    end_s: int
    person_id: int


CrewDeal = CoverWindow | UncoverWindow


def _unit(draft: Columns, unit_id: int) -> int:
    found = np.flatnonzero(draft.plant.unit_id == unit_id)
    if not len(found):
        raise ValueError(f"unit {unit_id} is not in the plant")
    return int(found[0])


def take(draft: Columns, change: CrewDeal) -> None:
    """Write a change.

    :raises ValueError: if the unit does not stand at that time.
    """
    windows = draft.exceptions(_unit(draft, change.unit_id))
    stands = (change.start_s, change.end_s, False)
    if isinstance(change, UncoverWindow):
        windows.append(stands)
        windows.sort()
    elif stands in windows:
        windows.remove(stands)
    else:
        raise ValueError(f"unit {change.unit_id} does not stand then")


def inverse(change: CrewDeal) -> CrewDeal:
    """Return what takes a change back."""
    other = UncoverWindow if isinstance(change, CoverWindow) else CoverWindow
    return other(change.unit_id, change.window_id, change.start_s, change.end_s, change.person_id)


def why_not(draft: Columns, now: int, change: CrewDeal) -> WhyNot | None:
    """Return why it can't be, None if it can.

    :raises ValueError: if it names what is not there.
    """
    windows = draft.exceptions(_unit(draft, change.unit_id))
    if change.end_s <= now:
        return WhyNot.DATE_PAST
    stands = (change.start_s, change.end_s, False) in windows
    return None if stands is isinstance(change, CoverWindow) else WhyNot.SAME
