"""How an item is made today: what a new order of it would be given at its release."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from planning.engine.plant import PPM, Span


@dataclass(frozen=True, slots=True)
class Step:
    """One operation. Times as in `Plant`; `batch_qty` 0 = the next one waits for all pieces.

    others  (unit id, set-up seconds, microseconds a piece) of each unit that can do it, the
            planned one too.
    tools   ids of those that it needs.
    parts   (item id, millionths for one piece) of what it takes.
    """

    number: int
    unit_id: int
    setup_s: int
    run_us: int
    fixed_us: int = 0
    family: int = 0
    span: Span = Span.ANY
    restart: bool = False
    yield_ppm: int = PPM
    batch_qty: int = 0
    lag_s: int = 0
    others: tuple[tuple[int, int, int], ...] = ()
    tools: tuple[int, ...] = ()
    parts: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Recipe:
    steps: tuple[Step, ...]
    put_away_s: int = 0

    def launch(self, qty: int, quantum: int) -> int:
        """Return how much to launch so that `qty` comes out, in steps of the quantum."""
        exact = Fraction(qty)
        for step in self.steps:
            exact = exact * PPM / step.yield_ppm
        return -(-exact // quantum) * quantum


Recipes = Mapping[int, Recipe]  # by item
