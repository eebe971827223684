"""Ids of another plant in what is sent: answered as ids of nothing, and nothing is stored."""

from __future__ import annotations

import copy
import json
import re
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django import forms
from django.urls import reverse

from mes.models import Role, ShopFloorEvent, Site
from planning import actions
from planning.actions.suppose import BELIEFS
from planning.api.examples import EVENTS
from planning.forms import FORMS
from planning.models import Disruption, Option
from tests.authorization.foreign import FOREIGN_ID, copy_of
from tests.authorization.people import Caller, a_person
from tests.authorization.routes import NO_ID
from tests.authorization.test_foreign import a_day, everything, said
from workorders.models import JobOrder

__all__ = ["a_day", "everything"]
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("quiet")]

LATER = "2026-11-30T06:00"
ID = "{id}"
Sent = tuple[str, Any]  # an address and a body in which ID stands for the id


def _with(body: Any, path: tuple[Any, ...], value: Any) -> Any:
    changed = copy.deepcopy(body)
    inner = changed
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    return changed


def _numbers(body: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every whole number of a body."""
    if isinstance(body, dict | list):
        for step, inner in body.items() if isinstance(body, dict) else enumerate(body):
            yield from _numbers(inner, (*path, step))
    elif isinstance(body, int) and not isinstance(body, bool):
        yield path


def api_bodies(own: Disruption) -> Iterator[Sent]:
    """Every body of the API that names something by its id."""
    for body in EVENTS.values():
        for path in _numbers(body):
            yield "/api/v1/events", _with(body, path, ID)
    for subject in actions.SUBJECTS:
        body = {"subject_type": subject, "subject_id": ID, "text": "look"}
        yield "/api/v1/comments", body
    option = own.options.filter(verdict="OFFERED").exclude(kind="MINE").first()
    assert option is not None
    here = f"/api/v1/disruptions/{own.pk}/options/{option.pk}"
    yield f"{here}/ask", {"person": ID}
    yield f"{here}/accept", {"version": ID}


def _own_value(field: forms.Field) -> str:
    """Something of our own plant that a field takes."""
    choices = [value for value, _label in getattr(field, "choices", ())]
    if choices:
        return next((str(getattr(value, "value", value)) for value in choices if value), "")
    if isinstance(field, forms.DateTimeField):
        return LATER
    return "5" if isinstance(field, forms.DecimalField | forms.IntegerField) else "a word"


def page_bodies(site: Site, own: Disruption) -> Iterator[Sent]:
    """Every form of the pages that names something by its id."""
    for kind, form in FORMS.items():
        fields = form(site=site).fields
        whole = {"kind": kind} | {name: _own_value(field) for name, field in fields.items()}
        for name, field in fields.items():
            value = whole[name]
            if not hasattr(field, "choices") or not re.search(r"\d", value):
                continue
            for found in re.finditer(r"\d+", value):
                strange = value[: found.start()] + ID + value[found.end() :]
                for page in ("new_event", "new_event_preview"):
                    yield reverse(f"planning:{page}"), whole | {name: strange}
    mine = own.options.get(kind=Option.Kind.MINE)
    job = JobOrder.objects.filter(site=site, unit__code="CNC-07").exclude(status="COMPLETED")[0]
    station, at_job = ["CNC-07"], ["CNC-07", job.pk]
    for basis in BELIEFS:
        name = f"{basis}:{ID}"
        yield reverse("planning:assume", args=[own.pk]), {"name": name, "value": LATER}
        yield reverse("planning:estimate", args=[own.pk]), {"name": name, "back_at": LATER}
    for move in (f"{ID}:{job.unit_id}", f"{job.pk}:{ID}"):
        yield (
            reverse("planning:add_move", args=[own.pk, mine.pk]),
            {"move": move, "place": "next"},
        )
    yield reverse("planning:ask_approval", args=[own.pk, mine.pk]), {"person": ID}
    yield reverse("planning:tell_customers", args=[own.pk]), {"line": ID, "text": "late"}
    yield reverse("planning:read_notices"), {"notice": ID}
    yield reverse("planning:new_rule"), {"name": "night", "place": ID}
    yield reverse("workorders:station_down", args=station), {"reason": ID}
    yield reverse("workorders:station_call", args=station), {"kind": "QUALITY", "job": ID}
    yield reverse("workorders:job_act", args=[*at_job, "report"]), {"scrap": "1", "reason": ID}
    yield reverse("workorders:job_act", args=[*at_job, "stop"]), {"reason": ID}
    yield reverse("workorders:job_act", args=[*at_job, "undo"]), {"response": ID}


def _send(caller: Caller, url: str, body: Any, number: int) -> Any:
    key = str(uuid.uuid4())
    text = json.dumps(body)
    if not url.startswith("/api/"):
        return caller.ask(
            "POST", url, data=json.loads(text.replace(ID, str(number))) | {"key": key}
        )
    return caller.ask(
        "POST",
        url,
        data=text.replace(f'"{ID}"', str(number)),
        content_type="application/json",
        headers={"Idempotency-Key": key},
    )


def _same(foreign: Any, nothing: Any) -> bool:
    return foreign.status_code == nothing.status_code and said(foreign, FOREIGN_ID) == said(
        nothing, NO_ID
    )


def test_a_foreign_id_in_a_body_is_answered_as_one_that_does_not_exist(
    a_day: Site, everything: Caller
) -> None:
    own = Disruption.objects.get(site=a_day, kind=Disruption.Kind.BREAKDOWN)
    sent = [*api_bodies(own), *page_bodies(a_day, own)]
    there = copy_of(a_day)
    stored = ShopFloorEvent.objects.filter(site=there).count()
    wrong = []
    for url, body in sent:
        nothing, foreign = (_send(everything, url, body, each) for each in (NO_ID, FOREIGN_ID))
        if not _same(foreign, nothing) or foreign.status_code >= 500:
            wrong.append(f"{url} {body}: {nothing.status_code}, {foreign.status_code}")
    assert wrong == [], "\n".join(wrong)
    assert ShopFloorEvent.objects.filter(site=there).count() == stored
    assert len(sent) > 90
    # To whom they belong they are something: the question can be answered with yes.
    stranger, known = a_person(there, *Role.values, name="Stranger"), 0
    for url, body in sent:
        if str(own.pk) in url:
            continue
        known += not _same(*(_send(stranger, url, body, each) for each in (FOREIGN_ID, NO_ID)))
    assert known >= 15, known
