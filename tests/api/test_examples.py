"""The OpenAPI page shows each kind of event with a body that is taken."""

from __future__ import annotations

from typing import Any

import pytest

from mes.models import Role, Site
from planning.api.events import KINDS
from planning.api.examples import EVENTS
from tests.api.test_events import Sender
from tests.authorization.people import a_person, a_token

pytestmark = pytest.mark.django_db

# What has to have happened for an example to make sense, beside a morning at Northfield.
BEFORE = {
    "estimate": ["breakdown"],
    "repair": ["breakdown"],
    "slow_change": ["slow"],
    "slow_end": ["slow"],
    "tool_back": ["tool_lost"],
    "tool_found": ["tool_lost"],
    "shift_end": ["shift"],
    "closure_end": ["closure"],
    "start": ["stop"],
    "resume": ["stop"],
    "correction": ["production"],
    "check_withdrawn": ["check_waits"],
    "possible_again": ["not_possible"],
    "release": ["hold"],
    "receipt_correction": ["receive"],
    "order_restore": ["order_cancel"],
    "return": ["ship"],
    "return_correction": ["ship", "return"],
    "call_taken": ["call"],
    "call_arrived": ["call"],
    "call_ended": ["call"],
    "call_cancelled": ["call"],
}
# Numbers that the plant gives: the field of a body, and where an answer says it.
GIVEN = {
    "windows": "window_ids",
    "response": "response_id",
    "hold": "hold_id",
    "call": "call_id",
}


def test_the_openapi_page_has_an_example_of_each_kind_of_event() -> None:
    assert set(EVENTS) == set(KINDS), "say in planning/api/examples.py what it carries"


@pytest.mark.parametrize("kind", list(KINDS))
def test_an_example_is_taken(northfield_site: Site, kind: str) -> None:
    somebody = a_person(northfield_site, *Role.values, name="Everything")
    sender = Sender(a_token(somebody, northfield_site, decides=True).token)
    said: dict[str, Any] = {}
    for each in (*BEFORE.get(kind, ()), kind):
        body = dict(EVENTS[each])
        for field, name in GIVEN.items():
            if field in body:
                body[field] = said[name]
        answer = sender.post(body)
        assert answer.status_code == 200, answer.json()
        said |= answer.json()
    assert said["seq"] or kind in ("clock", "speed")
