"""Where a unit's state may go, and what class of time it is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from equipment.models import Reason, UnitStatus
from equipment.rules import UNIT_MOVES, e10_class, unit_may_go

STATES = list(UnitStatus.State.values)


def test_the_table_knows_every_state_and_no_other() -> None:
    assert set(UNIT_MOVES) == set(STATES)
    assert set().union(*UNIT_MOVES.values()) <= set(STATES)


def test_a_unit_that_is_down_only_comes_up_idle() -> None:
    assert [state for state in STATES if unit_may_go("ABORTED", state)] == ["IDLE"]


@given(st.sampled_from(STATES))
def test_every_state_leads_back_to_idle_and_can_break(state: str) -> None:
    assert state == "IDLE" or unit_may_go(state, "IDLE")
    assert state == "ABORTED" or unit_may_go(state, "ABORTED")
    assert not unit_may_go(state, state)


@pytest.mark.parametrize(
    ("state", "reason", "expected"),
    [
        ("EXECUTE", None, "PRODUCTIVE"),
        ("IDLE", None, "STANDBY"),
        ("ABORTED", None, "UNSCHEDULED_DOWN"),
        ("ABORTED", "SCHEDULED_DOWN", "SCHEDULED_DOWN"),
        ("HELD", None, "UNKNOWN"),
        ("STOPPED", "NON_SCHEDULED", "NON_SCHEDULED"),
        ("HELD", "ENGINEERING", "ENGINEERING"),
    ],
)
def test_the_class_of_an_interval(state: str, reason: str | None, expected: str) -> None:
    assert e10_class(state, reason) == expected


@given(st.sampled_from(STATES), st.none() | st.sampled_from(Reason.E10.values))
def test_every_interval_has_a_known_class(state: str, reason: str | None) -> None:
    assert e10_class(state, reason) in Reason.E10.values
