"""A task is ticked by the role that it asks, once, and facts ask for words instead."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError

from mes import commands
from mes.access import actor_for
from mes.actions import finish_task
from mes.actor import Actor, Grant
from mes.clock import plant_now
from mes.commands import Outcome
from mes.models import Person, Role, RoleGrant, Site, Task
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


def test_a_task_of_one_person_is_his_and_not_his_roles(bare_site: Site) -> None:
    asked = task(bare_site, Role.PLANNER)
    asked.person = Person.objects.create(name="M. Okafor")
    asked.save()

    refused = finish(bare_site, asked.pk, Role.PLANNER)
    assert refused.status == 403
    assert "M. Okafor" in refused.message
    assert finish(bare_site, asked.pk, Role.ADMIN).ok


@pytest.mark.parametrize("subject", ["consent", "approval"])
def test_what_asks_for_an_answer_is_not_ticked(bare_site: Site, subject: str) -> None:
    assert finish(bare_site, task(bare_site, Role.PLANNER, subject).pk, Role.PLANNER).status == 422


def test_a_deputy_has_the_roles_of_whom_he_stands_in_for_while_he_does(bare_site: Site) -> None:
    now = plant_now(bare_site)
    chief, deputy = (Person.objects.create(name=name) for name in ("M. Okafor", "J. Marek"))
    grant = RoleGrant.objects.create(
        person=chief, role=Role.MANAGER, site=bare_site, deputy=deputy,
        deputy_from=now - timedelta(hours=1), deputy_to=now + timedelta(hours=1),
    )  # fmt: skip

    assert actor_for(deputy, bare_site).roles == {Role.MANAGER}
    assert actor_for(deputy, bare_site).acting_as([Role.MANAGER]).on_behalf_of_id == chief.pk
    assert actor_for(chief, bare_site).acting_as([Role.MANAGER]).on_behalf_of_id is None
    grant.deputy_from, grant.deputy_to = now - timedelta(hours=2), now - timedelta(hours=1)
    grant.save()
    assert actor_for(deputy, bare_site).roles == set()


def test_a_deputy_without_times_is_refused_by_the_database(bare_site: Site) -> None:
    chief, deputy = (Person.objects.create(name=name) for name in ("M. Okafor", "J. Marek"))
    with pytest.raises(IntegrityError, match="deputy"):
        RoleGrant.objects.create(person=chief, role=Role.MANAGER, site=bare_site, deputy=deputy)
