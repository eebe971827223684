"""The OpenAPI page shows each kind of event with a body that is taken."""

from __future__ import annotations

import uuid
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
    "absence_end": ["absence"],
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


class Story:
    """Somebody who may do everything posts the examples, with the numbers that the plant gave."""

    def __init__(self, site: Site) -> None:
        somebody = a_person(site, *Role.values, name=f"Everything {uuid.uuid4()}")
        self.sender = Sender(a_token(somebody, site, decides=True).token)
        self.said: dict[str, Any] = {}

    def lead_to(self, kind: str) -> None:
        """Let happen what has to happen before a kind."""
        for each in BEFORE.get(kind, ()):
            self.post(each)

    def body_of(self, kind: str) -> dict[str, Any]:
        """The example of a kind with the numbers of what happened before."""
        given = {field: self.said.get(name) for field, name in GIVEN.items()}
        return {name: given.get(name, value) for name, value in EVENTS[kind].items()}

    def post(self, kind: str, **other: Any) -> Any:
        """Post the example of a kind, with other values where some are given."""
        answer = self.sender.post(self.body_of(kind) | other)
        if answer.status_code == 200:
            self.said |= answer.json()
        return answer


def test_the_openapi_page_has_an_example_of_each_kind_of_event() -> None:
    assert set(EVENTS) == set(KINDS), "say in planning/api/examples.py what it carries"


@pytest.mark.parametrize("kind", list(KINDS))
def test_an_example_is_taken(northfield_site: Site, kind: str) -> None:
    story = Story(northfield_site)
    story.lead_to(kind)
    answer = story.post(kind)
    assert answer.status_code == 200, answer.json()
    assert answer.json()["seq"] or kind in ("clock", "speed")
