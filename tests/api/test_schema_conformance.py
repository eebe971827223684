"""Whatever the schema allows and whatever it forbids: sent to the real application.

SCHEMATHESIS_EXAMPLES=200 searches longer; each operation has 4 examples otherwise, always the
same ones.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

import hypothesis
import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections

from mes.models import Role
from tests.authorization.people import a_person, a_token

pytestmark = [pytest.mark.django_db, pytest.mark.slow, pytest.mark.usefixtures("quiet")]


def read_schema(*, edges: bool) -> Any:
    """The OpenAPI page as it is served.

    edges  every edge of every field is sent too, beside what is drawn at random.
    """
    schema = schemathesis.openapi.from_wsgi("/api/schema/?format=json", get_wsgi_application())
    # A rule of the plant may refuse what the schema allows: 422 in words, which is no mistake
    # here; nor is 304 to who asks for nothing that he has.
    allowed = ["2xx", "304", "401", "403", "404", "409", "422"]
    schema.config.checks.positive_data_acceptance.expected_statuses = allowed
    # Each request has its own token; a session's cookie beside it decides nothing.
    schema.config.generation.with_security_parameters = False
    schema.config.phases.coverage.enabled = edges
    return schema


# A person reaches further than a device, so the edges are tried in his name.
of_a_device, of_a_person = read_schema(edges=False), read_schema(edges=True)
examples = hypothesis.settings(
    max_examples=int(os.environ.get("SCHEMATHESIS_EXAMPLES", "4")),
    derandomize=True,
    deadline=None,
    suppress_health_check=list(hypothesis.HealthCheck),
)


@pytest.fixture(autouse=True)
def one_connection() -> Iterator[None]:
    """The application would close the test's connection, and its transaction, after a request."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def device(northfield_site: Any, data_dir: Any) -> str:
    return str(json.loads((data_dir / "device-tokens.json").read_text())["SIMULATOR"])


@pytest.fixture
def person(northfield_site: Any) -> str:
    owner = a_person(northfield_site, *Role.values, name="Everything")
    return a_token(owner, northfield_site, decides=True).token


@of_a_device.parametrize()
@examples
def test_a_devices_requests_are_answered_as_the_schema_says(case: Any, device: str) -> None:
    case.call_and_validate(headers={"Authorization": f"Bearer {device}"})


@of_a_person.parametrize()
@examples
def test_a_persons_requests_are_answered_as_the_schema_says(case: Any, person: str) -> None:
    case.call_and_validate(headers={"Authorization": f"Bearer {person}"})
