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
from mes.embedded import free_port
from mes.models import Person, Role, RoleGrant
from mes.processes import stop, stream, web
from tests import cast, servers
from workorders import actions as workorders

TABLET = {"width": 1024, "height": 768}


@dataclass
class Shop:
    """The plant, its addresses, and a way to tell its pages that something changed."""

    plant: cast.Plant
    url: str

    def tell(self, *topics: str, version: int | None = 1) -> None:
        """A hint; without a version, nothing but the hint itself says that something changed."""
        site_id = self.plant.site.pk
        assert live.publish(site_id, topics, version=version, seq=1, event_at=wall_now())


@pytest.fixture(scope="session")
def pages(django_db_setup: None) -> Iterator[str]:
    """The pages and the stream, without those who work the plan out again behind the test's back:
    between two tests every table is emptied, and they would stand in the way."""
    web_port, stream_port = free_port(), free_port()
    url, stream_url = f"http://127.0.0.1:{web_port}", f"http://127.0.0.1:{stream_port}"
    origins = {"MES_STREAM_ORIGIN": stream_url, "MES_PAGE_ORIGIN": url}
    children = [
        servers.process("web", web(web_port), **origins),
        servers.process("stream", stream(stream_port), **origins),
    ]
    try:
        for child, at in zip(children, (url, stream_url), strict=True):
            child.start()
            servers.wait_for_page(child, at)
        yield url
    finally:
        stop(children, patience_s=5)


@pytest.fixture
def shop(transactional_db: None, pages: str) -> Shop:
    plant = cast.build_plant()
    plant.order("WO-1", 100)
    plant.must(workorders.start, job_order_id=plant.job().pk)
    plant.order("WO-2", 50)
    person = Person.objects.get(name="Petra Novak")
    person.user = User.objects.create_user("petra")
    person.save()
    for role in (Role.OPERATOR, Role.SUPERVISOR, Role.PLANNER, Role.QUALITY):
        RoleGrant.objects.create(person=person, role=role, site=plant.site)
    return Shop(plant, pages)


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
