"""A day that nobody can mean is refused in every field of every kind; a strange one is not."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from rest_framework import serializers

from mes.clock import plant_now
from mes.models import ShopFloorEvent, Site, SiteClock
from planning.api.events import KINDS
from planning.api.examples import EVENTS
from tests.api.test_examples import Story

pytestmark = pytest.mark.django_db

NEVER = ("1900-01-01T00:00:00Z", "9999-12-31T23:59:59Z")


def instants(kind: str) -> list[str]:
    return [
        name
        for name, field in KINDS[kind].body().fields.items()
        if isinstance(field, serializers.DateTimeField)
    ]


def wrong_bodies(kind: str) -> Iterator[dict[str, Any]]:
    for name in instants(kind):
        for at in NEVER:
            yield {name: at}
    if kind == "order":
        [line] = EVENTS[kind]["lines"]
        for name in ("requested_at", "promised_at"):
            for at in NEVER:
                yield {"lines": [{**line, name: at}]}


WITH_INSTANTS = [kind for kind in KINDS if list(wrong_bodies(kind))]


def test_the_kinds_with_a_day_are_known() -> None:
    assert len(WITH_INSTANTS) >= 18
    assert sum(len(list(wrong_bodies(kind))) for kind in WITH_INSTANTS) >= 50


@pytest.mark.parametrize("kind", WITH_INSTANTS)
def test_a_day_that_can_not_be_meant_changes_nothing(northfield_site: Site, kind: str) -> None:
    story = Story(northfield_site)
    story.lead_to(kind)
    stored = ShopFloorEvent.objects.filter(site=northfield_site)
    seq, clock = stored.count(), SiteClock.objects.get(site=northfield_site).at
    for wrong in wrong_bodies(kind):
        answer = story.post(kind, **wrong)
        assert answer.status_code == 422, (wrong, answer.content)
        assert answer.json()["message"].endswith(".")
    assert stored.count() == seq
    assert SiteClock.objects.get(site=northfield_site).at == clock


def test_what_happened_a_year_ago_or_by_a_clock_that_is_wrong_is_kept(
    northfield_site: Site,
) -> None:
    now = plant_now(northfield_site)
    for ago in (timedelta(days=400), timedelta(hours=-23)):
        story = Story(northfield_site)
        story.lead_to("repair")
        answer = story.post("repair", occurred_at=(now - ago).isoformat())
        assert answer.status_code == 200, answer.content
        event = ShopFloorEvent.objects.get(site=northfield_site, seq=answer.json()["seq"])
        assert event.occurred_at <= now
        assert event.body["clamped"] is True
    too_far = (now + timedelta(hours=25)).isoformat()
    story.lead_to("repair")
    assert story.post("repair", occurred_at=too_far).status_code == 422
