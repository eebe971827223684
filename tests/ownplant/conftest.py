from __future__ import annotations

import uuid

import pytest

from mes.actor import Actor, Grant
from mes.models import Person, RoleGrant, Site, SiteHead, SitePlan
from planning.ownplant.actions import open_plant

VALUES = {
    "code": "OWN",
    "name": "My plant",
    "time_zone": "Europe/Berlin",
    "currency": "EUR",
    "default_late_cost_per_day": None,
}


@pytest.fixture
def home(db: None) -> Site:
    site = Site.objects.create(code="T1", name="Test plant")
    SiteHead.objects.create(site=site)
    SitePlan.objects.create(site=site)
    return site


@pytest.fixture
def planner(home: Site) -> Actor:
    person = Person.objects.create(name="Jo Planner")
    RoleGrant.objects.create(person=person, role="PLANNER", site=home)
    return Actor("Jo Planner", person.pk, grants={"PLANNER": Grant("PLANNER")})


@pytest.fixture
def own(home: Site, planner: Actor) -> Site:
    site, outcome = open_plant(actor=planner, home=home, key=uuid.uuid4(), values=VALUES)
    assert outcome.ok, outcome.message
    return site
