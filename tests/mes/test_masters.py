"""Masters, their events and when things happened."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.apps import apps
from django.db.models import Model
from hypothesis import given
from hypothesis import strategies as st

from mes import events
from mes.masters import columns_of, kind_of
from mes.models import Person
from mes.rules import CLOCK_SKEW, LATE_AFTER, hours_of, occurred, within

NOW = datetime(2026, 11, 23, 6, tzinfo=UTC)
APPS = ("mes", "equipment", "materials", "workorders", "quality", "planning")
instants = st.integers(-20_000, 20_000).map(lambda seconds: NOW + timedelta(seconds=seconds))


def masters() -> list[type[Model]]:
    return [
        model
        for app in APPS
        for model in apps.get_app_config(app).get_models()
        # A person belongs to no site; what he may do on one is a RoleGrant.
        if hasattr(model, "history") and model is not Person
    ]


@pytest.mark.parametrize("model", masters(), ids=lambda model: model.__name__)
def test_the_event_of_a_master_carries_every_column_that_its_history_keeps(
    model: type[Model],
) -> None:
    path = events.SCHEMAS / f"{kind_of(model)}.v1.json"
    schema = json.loads(path.read_text())

    columns = schema["properties"]["values"]["properties"]
    assert list(columns) == columns_of(model)
    assert not any(secret in column for column in columns for secret in ("sha256", "token"))


@pytest.mark.parametrize("path", sorted(events.SCHEMAS.glob("*.json")), ids=lambda path: path.stem)
def test_a_schema_forbids_what_it_does_not_name(path: object) -> None:
    schema = json.loads(path.read_text())  # type: ignore[attr-defined]

    assert schema["additionalProperties"] is False


@given(instants, st.none() | instants)
def test_a_fact_lies_between_its_neighbour_and_now(
    said: datetime, not_before: datetime | None
) -> None:
    when = occurred(said, now=NOW, not_before=not_before)

    assert when.at <= NOW
    assert not_before is None or when.at >= min(not_before, NOW)
    assert when.late == (NOW - said > LATE_AFTER)
    if not when.clamped:
        assert abs(when.at - said) <= CLOCK_SKEW


def test_a_fact_without_a_time_happens_now() -> None:
    assert occurred(None, now=NOW) == occurred(NOW, now=NOW)


MONDAY = datetime(2026, 11, 23, tzinfo=UTC)


@pytest.mark.parametrize(
    ("hours", "day", "clock", "inside"),
    [
        ("Mon-Fri 06:00-14:00", 0, "06:00", True),
        ("Mon-Fri 06:00-14:00", 0, "14:00", False),
        ("Mon-Fri 06:00-14:00, Sat 06:00-12:00", 5, "11:59", True),
        ("Mon-Fri 06:00-14:00, Sat 06:00-12:00", 6, "11:59", False),
        ("Mon 22:00-06:00", 0, "23:00", True),
        ("Mon 22:00-06:00", 1, "05:59", True),
        ("Mon 22:00-06:00", 0, "05:59", False),
        ("Fri-Mon 08:00-09:00", 6, "08:30", True),
        ("Fri-Mon 08:00-09:00", 2, "08:30", False),
        ("22:00-06:00", 3, "02:00", True),
        ("", 3, "02:00", False),
    ],
)
def test_hours_of_the_week_are_read_as_they_are_written(
    hours: str, day: int, clock: str, inside: bool
) -> None:
    hour, minute = map(int, clock.split(":"))
    at = MONDAY + timedelta(days=day, hours=hour, minutes=minute)

    assert within(hours, at) is inside


@pytest.mark.parametrize(
    "hours", ["early shift", "Mon-Fri", "Mon 6-14", "Mo 06:00-14:00", "25:00-26:00"]
)
def test_hours_that_cannot_be_read_are_refused_with_the_part(hours: str) -> None:
    with pytest.raises(ValueError, match=hours):
        hours_of(hours)
