"""A signed-in browser on a small plant that really runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page

from mes import live
from mes.clock import wall_now
from mes.models import Person, Role, RoleGrant
from tests import cast, servers

TABLET = {"width": 1024, "height": 768}


@dataclass
class Shop:
    """The plant, its addresses, and a way to tell its pages that something changed."""

    plant: cast.Plant
    url: str

    def tell(self, *topics: str) -> None:
        assert live.publish(self.plant.site.pk, topics, version=1, seq=1, event_at=wall_now())


@pytest.fixture
def shop(transactional_db: None, running_plant: servers.Plant) -> Shop:
    plant = cast.build_plant()
    plant.order("WO-1", 100)
    plant.must(cast.workorders.start, job_order_id=plant.job().pk)
    plant.order("WO-2", 50)
    person = Person.objects.get(name="Petra Novak")
    person.user = User.objects.create_user("petra")
    person.save()
    for role in (Role.OPERATOR, Role.SUPERVISOR, Role.PLANNER, Role.QUALITY):
        RoleGrant.objects.create(person=person, role=role, site=plant.site)
    return Shop(plant, running_plant.url)


@pytest.fixture
def open_page(shop: Shop, browser: Browser) -> Iterator[Callable[..., Page]]:
    """Open an address of the plant, signed in, in a context of its own."""
    contexts: list[BrowserContext] = []

    def opened(path: str, *, theme: str = "light", size: dict[str, int] | None = None) -> Page:
        client = Client()
        client.force_login(User.objects.get(username="petra"))
        # The pages' policy forbids evaluation, which the driver's own waiting needs.
        context = browser.new_context(
            color_scheme=theme,  # type: ignore[arg-type]
            viewport=size or TABLET,  # type: ignore[arg-type]
            bypass_csp=True,
        )
        contexts.append(context)
        name = settings.SESSION_COOKIE_NAME
        context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": shop.url}])
        page = context.new_page()
        answer = page.goto(shop.url + path)
        assert answer is not None
        assert answer.status == 200, f"{path} answered {answer.status}"
        return page

    yield opened
    for context in contexts:
        context.close()
