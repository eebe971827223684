"""The plant's real processes say that they live, and what they counted arrives."""

from __future__ import annotations

import uuid

import pytest

from mes import commands, health
from mes.actor import SYSTEM
from mes.models import ChainCheck, Site, Tally
from planning.tasks import keep_house
from tests import servers
from tests.mes.test_commands import bare_site, record_one
from tests.servers import eventually

__all__ = ["bare_site"]

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


def test_every_process_beats_and_the_workers_count_of_recomputes_arrives(
    bare_site: Site, running_plant: servers.Plant
) -> None:
    def recomputes() -> int:
        row = Tally.objects.filter(name="mes_recompute_seconds_count").first()
        return int(row.value) if row else 0

    commands.run(
        site=bare_site, key=uuid.uuid4(), actor=SYSTEM, name="test.act", body={}, act=record_one
    )

    assert eventually(
        lambda: all(health.processes()[name]["alive"] for name in health.EXPECTED), 60
    ), health.processes()
    assert health.processes()["stream"]["figures"] == {"clients": 0}
    assert eventually(lambda: recomputes() >= 1, 30), [s["failure"] for s in health.sites()]


def test_the_slow_worker_keeps_house_and_beats(bare_site: Site) -> None:
    child = servers.slow_worker()
    child.start()
    try:
        servers.wait_for_worker(child)
        keep_house.apply_async()

        assert eventually(lambda: ChainCheck.objects.filter(site=bare_site).exists(), 60)
        assert eventually(lambda: health.processes().get("worker-slow", {}).get("alive") == 1, 30)
    finally:
        servers.stop([child], patience_s=5)
