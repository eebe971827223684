"""A task is ticked by the role that it asks, once, and facts ask for words instead."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from mes import commands
from mes.actions import finish_task
from mes.actor import Actor, Grant
from mes.clock import plant_now
from mes.commands import Outcome
from mes.models import Role, Site, Task
from tests.mes.test_commands import bare_site

__all__ = ["bare_site"]
pytestmark = pytest.mark.django_db


def task(site: Site, role: str, subject: str = "decision") -> Task:
    return Task.objects.create(
        site=site,
        role=role,
        text="Confirm the overtime",
        subject_type=subject,
        subject_id=1,
        created_at=plant_now(site),
    )


def finish(site: Site, task_id: int, role: str) -> Outcome:
    actor = Actor(name="somebody", grants={role: Grant(role=role)})
    values: dict[str, Any] = {"task_id": task_id}
    return commands.run(
        site=site,
        key=uuid.uuid4(),
        actor=actor,
        name="test.finish",
        body=values,
        act=lambda command: finish_task(command, **values),
    )


@pytest.mark.parametrize("role", [Role.SUPERVISOR, Role.ADMIN])
def test_who_is_asked_ticks_it_and_a_second_tick_is_harmless(bare_site: Site, role: str) -> None:
    asked = task(bare_site, Role.SUPERVISOR)

    assert finish(bare_site, asked.pk, role).ok
    asked.refresh_from_db()
    done_at = asked.done_at
    assert done_at is not None
    assert finish(bare_site, asked.pk, role).ok
    asked.refresh_from_db()
    assert asked.done_at == done_at


def test_another_role_is_told_whose_it_is(bare_site: Site) -> None:
    asked = task(bare_site, Role.SUPERVISOR)

    refused = finish(bare_site, asked.pk, Role.OPERATOR)

    assert refused.status == 403
    assert "Supervisor" in refused.message
    asked.refresh_from_db()
    assert asked.done_at is None


def test_a_fact_to_be_settled_is_not_ticked_away(bare_site: Site) -> None:
    asked = task(bare_site, Role.SUPERVISOR, subject="unsettled")

    refused = finish(bare_site, asked.pk, Role.SUPERVISOR)

    assert refused.status == 422
    assert "settled" in refused.message


def test_a_task_of_another_site_looks_like_none(bare_site: Site) -> None:
    other = Site.objects.create(code="T9", name="Elsewhere")
    asked = task(other, Role.SUPERVISOR)
    assert finish(bare_site, asked.pk, Role.SUPERVISOR).status == 404
