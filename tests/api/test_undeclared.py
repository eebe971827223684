"""What the document does not declare is answered as the document says."""

from __future__ import annotations

import re
from typing import Any

import pytest

from mes.models import Role, Site
from tests.authorization.people import a_person

pytestmark = pytest.mark.django_db


def test_a_method_that_is_not_known_is_405_whatever_its_query(northfield_site: Site) -> None:
    caller = a_person(northfield_site, *Role.values, name="Everything")
    assert caller.ask("TRACE", "/api/v1/lots?no_such=1").status_code == 405
    assert caller.ask("GET", "/api/v1/lots?no_such=1").status_code == 422


def test_the_hours_of_a_shift_are_what_the_document_says(northfield_site: Site) -> None:
    caller = a_person(northfield_site, *Role.values, name="Everything")
    document: dict[str, Any] = caller.ask("GET", "/api/schema/?format=json").json()
    hour = document["components"]["schemas"]["ShiftShape"]["properties"]["starts"]
    assert "format" not in hour
    calendars = caller.ask("GET", "/api/v1/calendars").json()["results"]
    shifts = [shift for each in calendars for shift in each["shifts"]]
    assert shifts
    assert all(re.search(hour["pattern"], shift["starts"]) for shift in shifts)
    assert all(
        "400" in get["responses"] for each in document["paths"].values() for get in each.values()
    )
