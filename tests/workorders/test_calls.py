"""A station calls: to whom it goes, who may answer, how it ends, and how long it may wait."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mes.masters import save_master
from mes.models import Person, Role
from tests.cast import HOUR, Plant, build_plant
from workorders import actions, rules
from workorders.models import AndonCall, CallKind, CallRoute

MINUTE = timedelta(minutes=1)


def raised(plant: Plant, kind: str = "MAINTENANCE", **values: Any) -> AndonCall:
    made = plant.must(
        actions.raise_call, unit_id=plant.ids["CNC-04"], kind=kind, stopped=True, **values
    )
    return AndonCall.objects.get(pk=made["call_id"])


def test_a_call_goes_to_its_role_and_says_when_it_goes_on(plant: Plant) -> None:
    plant.order("WO-1", 10)
    call = raised(plant, note="  smoke ", job_order_id=plant.job().pk)

    assert (call.state, call.roles, call.note) == ("OPEN", ["MAINTENANCE"], "smoke")
    assert call.job_order == plant.job()
    assert call.called_by == Person.objects.get(name="Petra Novak")
    # No plan says that anything waits for the machine: three times the five minutes.
    assert call.due_at == plant.now + 15 * MINUTE
    event = plant.newest("workorders.call.raised")
    assert (event.subject_type, event.subject_id) == ("unit", plant.ids["CNC-04"])
    assert event.body["call_id"] == call.pk


def test_the_same_press_twice_is_one_call(plant: Plant) -> None:
    key = uuid.uuid4()
    values = {"unit_id": plant.ids["CNC-04"], "kind": "QUALITY", "stopped": False}
    first = plant.do(actions.raise_call, key, **values)
    again = plant.do(actions.raise_call, key, **values)
    another = plant.do(actions.raise_call, **values)

    assert again.response == first.response
    assert again.replayed
    assert (another.status, another.response["code"]) == (409, "called_already")
    assert another.response["call_id"] == first.response["call_id"]
    assert AndonCall.objects.count() == 1


def test_two_kinds_stand_beside_each_other_and_an_ended_one_may_be_called_anew(
    plant: Plant,
) -> None:
    first, _other = raised(plant), raised(plant, "MATERIAL")
    plant.must(actions.end_call, call_id=first.pk, outcome="fuse")
    raised(plant)
    assert AndonCall.objects.filter(ended_at=None).count() == 2


def test_the_response_times_are_recorded(plant: Plant) -> None:
    call, called_at = raised(plant), plant.now
    plant.clock(called_at + 2 * MINUTE)
    plant.must(actions.take_call, call_id=call.pk, minutes=4)
    plant.clock(called_at + 5 * MINUTE)
    plant.must(actions.arrive, call_id=call.pk)
    plant.clock(called_at + 20 * MINUTE)
    plant.must(actions.end_call, call_id=call.pk, outcome="New fuse")

    call.refresh_from_db()
    assert call.state == "ENDED"
    assert call.taken_at == called_at + 2 * MINUTE
    assert call.expected_at == called_at + 6 * MINUTE
    assert call.arrived_at == called_at + 5 * MINUTE
    assert call.ended_at == called_at + 20 * MINUTE
    assert (call.outcome, call.due_at) == ("New fuse", None)
    assert plant.newest("workorders.call.taken").body["waited_s"] == 120
    assert plant.newest("workorders.call.arrived").body["waited_s"] == 300
    assert plant.newest("workorders.call.ended").body["lasted_s"] == 1200


@pytest.mark.parametrize("act", [actions.arrive, actions.end_call])
def test_only_who_is_called_or_leads_answers(plant: Plant, act: Any) -> None:
    call = raised(plant)
    refused = plant.do(act, as_role=Role.QUALITY, call_id=call.pk)
    assert (refused.status, refused.response["code"]) == (403, "no_right")
    assert "Maintenance" in refused.message
    assert plant.do(act, as_role=Role.MAINTENANCE, call_id=call.pk).ok


def test_a_second_one_is_told_who_comes_until_that_one_is_overdue(plant: Plant) -> None:
    call = raised(plant)
    plant.must(actions.take_call, call_id=call.pk, minutes=5)
    refused = plant.do(actions.take_call, as_role=Role.MAINTENANCE, call_id=call.pk, minutes=1)
    assert refused.status == 409
    assert "Petra Novak is on the way" in refused.message

    plant.clock(plant.now + 6 * MINUTE)
    assert plant.do(actions.take_call, as_role=Role.MAINTENANCE, call_id=call.pk, minutes=1).ok


def test_who_comes_may_say_another_time_and_his_first_answer_counts(plant: Plant) -> None:
    call, called_at = raised(plant), plant.now
    plant.must(actions.take_call, call_id=call.pk, minutes=5)
    plant.clock(called_at + 4 * MINUTE)
    plant.must(actions.take_call, call_id=call.pk, minutes=10)
    call.refresh_from_db()
    assert call.taken_at == called_at
    assert call.expected_at == called_at + 14 * MINUTE


def test_the_station_takes_its_call_back_until_somebody_is_there(plant: Plant) -> None:
    call, other = raised(plant), raised(plant, "QUALITY")
    plant.must(actions.cancel_call, call_id=call.pk)
    plant.must(actions.arrive, call_id=other.pk)

    call.refresh_from_db()
    assert (call.state, call.due_at) == ("CANCELLED", None)
    refused = plant.do(actions.cancel_call, call_id=other.pk)
    assert (refused.status, refused.response["code"]) == (409, "arrived")
    over = plant.do(actions.take_call, call_id=call.pk, minutes=1)
    assert (over.status, over.response["code"]) == (409, "done_already")


@pytest.mark.parametrize("minutes", [-1, rules.LONGEST_ETA_MIN + 1])
def test_an_arrival_is_within_four_hours(plant: Plant, minutes: int) -> None:
    refused = plant.do(actions.take_call, call_id=raised(plant).pk, minutes=minutes)
    assert refused.status == 422


def test_a_call_goes_to_the_supervisor_then_to_the_planner_and_no_further(plant: Plant) -> None:
    call = raised(plant)
    stake = actions.Stake(slack_s=HOUR.seconds, version=7)
    for level, role in enumerate(("SUPERVISOR", "PLANNER")):
        made = plant.must(actions.escalate_call, call_id=call.pk, level=level, stake=stake)
        assert made["role"] == role
    call.refresh_from_db()
    assert call.roles == ["MAINTENANCE", "SUPERVISOR", "PLANNER"]
    assert (call.level, call.due_at, call.slack_s) == (2, None, HOUR.seconds)
    again = plant.do(actions.escalate_call, call_id=call.pk, level=2, stake=stake)
    assert (again.status, again.response["code"]) == (409, "stale")


def test_two_sweepers_pass_a_call_on_once(plant: Plant) -> None:
    call = raised(plant)
    plant.must(actions.escalate_call, call_id=call.pk, level=0, stake=actions.Stake())
    late = plant.do(actions.escalate_call, call_id=call.pk, level=0, stake=actions.Stake())
    assert late.status == 409
    assert plant.kinds().count("workorders.call.escalated") == 1


def test_a_site_sets_its_own_roles_and_minutes(plant: Plant) -> None:
    route = CallRoute(site=plant.site, kind="MATERIAL", role=Role.SUPERVISOR, minutes=2)

    def add(command: Any) -> dict[str, Any]:
        save_master(command, route)
        return {}

    plant.must(add)
    call = raised(plant, "MATERIAL")
    assert call.roles == ["SUPERVISOR"]
    assert call.due_at == plant.now + 6 * MINUTE


def test_a_call_of_another_site_looks_like_none(plant: Plant) -> None:
    call = raised(plant)
    other = build_plant("T2")
    assert other.do(actions.cancel_call, call_id=call.pk).status == 404
    assert (
        other.do(
            actions.raise_call, unit_id=plant.ids["CNC-04"], kind="SAFETY", stopped=True
        ).status
        == 404
    )


def test_every_kind_has_a_route() -> None:
    assert set(rules.CALL_ROUTES) == set(CallKind.values)


# Worked by hand: five minutes allowed. 20 min of slack -> 1 min, raised to half the base, 2:30;
# 2 h of slack -> 6 min; 10 h of slack -> 30 min, cut to 15.
@pytest.mark.parametrize(
    ("stopped", "slack_s", "wait_s"),
    [
        (True, 1_200, 150),
        (True, 7_200, 360),
        (True, 36_000, 900),
        (True, -86_400, 150),
        (True, None, 900),
        (False, 1_200, 600),
        (False, 0, 300),
        (False, None, 900),
    ],
)
def test_a_call_waits_by_what_hangs_on_it(stopped: bool, slack_s: int | None, wait_s: int) -> None:
    found = rules.call_wait(kind="MAINTENANCE", base_s=300, stopped=stopped, slack_s=slack_s)
    assert found == wait_s


SLACK = st.one_of(st.none(), st.integers(-(10**7), 10**7))


@given(st.sampled_from(CallKind.values), st.integers(60, 86_400), st.booleans(), SLACK, SLACK)
def test_less_slack_never_waits_longer_and_a_minute_is_always_given(
    kind: str, base_s: int, stopped: bool, one: int | None, other: int | None
) -> None:
    def wait(slack_s: int | None, stands: bool = stopped) -> int:
        return rules.call_wait(kind=kind, base_s=base_s, stopped=stands, slack_s=slack_s)

    less, more = sorted((one, other), key=lambda each: float("inf") if each is None else each)
    assert 60 <= wait(less) <= wait(more) <= 3 * base_s


@given(st.integers(60, 86_400), SLACK)
def test_nobody_who_waits_for_goods_delays_a_call_for_safety(
    base_s: int, slack_s: int | None
) -> None:
    for stopped in (True, False):
        wait = rules.call_wait(kind="SAFETY", base_s=base_s, stopped=stopped, slack_s=slack_s)
        assert wait == base_s
