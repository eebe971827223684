"""What is worked out once for the same arrays.

The arrays of a Plant are never written, and a changed plant shares those that the change leaves
alone: an event moves a few facts, an option a few queues. What depends on certain columns only is
therefore the same as long as these are the same objects, and a projection takes what an earlier one
worked out from them. This changes no figure: forgotten or not, the answer is the same.
"""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, Generic, TypeVar

import numpy as np

Found = TypeVar("Found")
_ALL: list[Remembered[Any]] = []
KEPT = 4  # plants: the one that stands, and those that are tried beside it


class Remembered(Generic[Found]):
    """A function of named columns of a plant, with its latest results. They are not to be written.

    The function sees these columns and nothing else, so that none can be missing in the names.
    """

    def __init__(self, function: Callable[[Any], Found], names: tuple[str, ...]) -> None:
        self._function = function
        self._names = names
        self._kept: list[tuple[list[Any], Found]] = []
        _ALL.append(self)

    def __call__(self, plant: Any) -> Found:
        columns = [getattr(plant, name) for name in self._names]
        for columns_of_it, found in self._kept:
            if all(map(_same, columns, columns_of_it)):
                return found
        found = self._function(SimpleNamespace(**dict(zip(self._names, columns, strict=True))))
        # one assignment: another thread sees the list before or after it
        self._kept = [(columns, found), *self._kept[: KEPT - 1]]
        return found

    def forget(self) -> None:
        self._kept = []


def _same(one: Any, other: Any) -> bool:
    return one is other or (not isinstance(one, np.ndarray) and bool(one == other))


def remembered(*names: str) -> Callable[[Callable[[Any], Found]], Remembered[Found]]:
    """Remember the function's latest results by the plant's columns of these names."""

    def of(function: Callable[[Any], Found]) -> Remembered[Found]:
        return Remembered(function, names)

    return of


def forget() -> None:
    """Work everything out anew the next time."""
    for each in _ALL:
        each.forget()
