"""A repair for now: back sooner, slower until the full repair, which stands in the way later."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planning.engine.changes import Refusal, apply, footprint, from_json, illegal, inverse, to_json
from planning.engine.deals import WhyNot
from planning.engine.impact import Cause, CauseKind, without_cause
from planning.engine.makeshift import RepairForNow
from planning.engine.plant import NEVER, Plant
from planning.engine.projection import project
from tests.engine.test_deals import HOUR, NOW, same, workshop
from tests.engine.test_twin import differences

BACK = NOW + 2 * HOUR
PATCHED = RepairForNow(1, BACK, 500_000, 22 * HOUR, 30 * HOUR)


def down(until: int = 30 * HOUR) -> Plant:
    """The unit that turns the bodies is down; the bars are there."""
    plant = workshop()
    stopped, since, back = (
        getattr(plant, f"unit_down{name}").copy() for name in ("", "_since", "_until")
    )
    stopped[0], since[0], back[0] = True, NOW, until
    kinds = plant.supply_kind == 1
    at = np.where(kinds, NOW, plant.supply_at).astype(np.int32)
    return replace(
        plant, unit_down=stopped, unit_down_since=since, unit_down_until=back, supply_at=at
    )


def test_it_works_half_as_fast_from_then_on_and_stands_while_it_is_repaired() -> None:
    plant = down()
    op = int(np.flatnonzero(plant.op_id == 1)[0])
    assert project(plant, now=NOW).op_start[op] == 30 * HOUR
    after = apply(plant, [PATCHED])
    out = project(after, now=NOW)
    assert out.op_start[op] == BACK
    # Ten pieces of ten minutes each take twenty at half the rate.
    assert out.op_end[op] == BACK + 10 * 2 * 600
    assert differences(after, now=NOW) == {}
    # The repair is in the way of what would work then, and after it all is as ever.
    blocked = apply(plant, [replace(PATCHED, start_s=BACK + HOUR, end_s=BACK + 3 * HOUR)])
    again = project(blocked, now=NOW)
    # An hour at half the rate makes three pieces; seven are left after the repair.
    assert again.op_end[op] == BACK + 3 * HOUR + 7 * 600
    assert differences(blocked, now=NOW) == {}


def test_its_inverse_takes_it_back_array_by_array() -> None:
    plant = down()
    after = apply(plant, [PATCHED])
    assert not same(plant, after)
    assert same(plant, apply(after, inverse(plant, [PATCHED])))
    back = inverse(plant, [PATCHED])
    assert same(after, apply(apply(after, back), inverse(after, back)))
    assert from_json(to_json([PATCHED], epoch=9), epoch=9) == (PATCHED,)
    assert footprint(plant, after).calendars == (1,)
    assert footprint(plant, after).estimates == (1,)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (replace(PATCHED, unit_id=2), WhyNot.RUNS),
        (replace(PATCHED, back_s=NOW), WhyNot.DATE_PAST),
        (replace(PATCHED, back_s=30 * HOUR, start_s=40 * HOUR, end_s=41 * HOUR),
         WhyNot.BACK_SOONER),
        (replace(PATCHED, start_s=BACK - HOUR), WhyNot.QUANTITY),
        (replace(PATCHED, end_s=22 * HOUR), WhyNot.QUANTITY),
        (replace(PATCHED, ppm=1_000_000), WhyNot.QUANTITY),
    ],
)  # fmt: skip
def test_what_can_not_be_says_why(change: RepairForNow, why: WhyNot) -> None:
    plant = down()
    refusal = illegal(plant, project(plant, now=NOW), [change])
    assert isinstance(refusal, Refusal)
    assert refusal.why is why


def test_without_the_stop_it_was_never_slow() -> None:
    """The full repair is a stop that was planned: it stays."""
    plant = apply(down(), [PATCHED])
    cause = Cause(CauseKind.UNIT_DOWN, 1)
    gone = without_cause(plant, project(plant, now=NOW), cause, now=NOW)
    assert not gone.unit_down.any()
    assert not gone.unit_slow.any()
    assert len(gone.exception_start) == 1
    # One that is slow by now stays slow.
    later = without_cause(plant, project(plant, now=BACK), cause, now=BACK)
    assert later.unit_slow.tolist() == [True, False, False]


@settings(max_examples=40)
@given(
    back=st.integers(1, 40), percent=st.integers(1, 99), start=st.integers(0, 90),
    hours=st.integers(1, 20), until=st.integers(1, 90),
)  # fmt: skip
def test_the_engine_equals_its_twin_whatever_the_repair(
    back: int, percent: int, start: int, hours: int, until: int
) -> None:
    begin = NOW + (back + start) * HOUR
    change = RepairForNow(1, NOW + back * HOUR, percent * 10_000, begin, begin + hours * HOUR)
    plant = apply(down(NOW + until * HOUR), [change])
    assert differences(plant, now=NOW) == {}
    assert NEVER not in project(plant, now=NOW).op_end.tolist()
