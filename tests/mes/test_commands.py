"""The one door: exactly once, all or nothing, gapless, chained."""

from __future__ import annotations

import threading
import uuid
from typing import Any

import pytest
from django.db import OperationalError, connection
from psycopg2 import errors as pg

from mes import commands, doorbell
from mes.actor import SYSTEM
from mes.commands import Command
from mes.errors import Refused
from mes.models import CommandKey, ShopFloorEvent, Site, SiteHead, SitePlan, Task
from planning.verify import chain_problems

KIND = "mes.site.loaded"


@pytest.fixture
def bare_site(db: None) -> Site:
    site = Site.objects.create(code="T1", name="Test plant")
    SiteHead.objects.create(site=site)
    SitePlan.objects.create(site=site)
    return site


def record_one(command: Command) -> dict[str, Any]:
    Task.objects.create(
        site=command.site,
        role="ADMIN",
        text="look",
        subject_type="site",
        subject_id=command.site.pk,
        created_at=command.now,
    )
    command.record(KIND, subject=("site", command.site.pk), body={"source": "test", "counts": {}})
    return {"said": "done"}


def run(site: Site, key: uuid.UUID, act: Any = record_one, **body: Any) -> commands.Outcome:
    return commands.run(site=site, key=key, actor=SYSTEM, name="test.act", body=body, act=act)


def test_the_same_key_is_done_once_and_answered_the_same(bare_site: Site) -> None:
    key = uuid.uuid4()

    first, second = run(bare_site, key, n=1), run(bare_site, key, n=1)

    assert first.response == second.response == {"said": "done", "seq": 1}
    assert not first.replayed
    assert second.replayed
    assert Task.objects.count() == ShopFloorEvent.objects.count() == 1


def test_a_used_key_with_other_contents_is_refused_and_changes_nothing(bare_site: Site) -> None:
    key = uuid.uuid4()
    run(bare_site, key, n=1)

    other = run(bare_site, key, n=2)

    assert other.status == 422
    assert other.response["code"] == "key_reused"
    assert Task.objects.count() == ShopFloorEvent.objects.count() == 1


def test_a_refusal_leaves_nothing_but_its_answer(bare_site: Site) -> None:
    def refuse(command: Command) -> dict[str, Any]:
        record_one(command)
        raise Refused("Lot L-1 is on hold. Ask quality to release it.")

    key = uuid.uuid4()
    refused, again = run(bare_site, key, refuse), run(bare_site, key, refuse)

    assert refused.status == again.status == 422
    assert again.message == "Lot L-1 is on hold. Ask quality to release it."
    assert not Task.objects.exists()
    assert not ShopFloorEvent.objects.exists()
    assert SiteHead.objects.get(site=bare_site).seq == 0


def test_a_crash_leaves_no_key_so_the_retry_is_done(bare_site: Site) -> None:
    def crash(command: Command) -> dict[str, Any]:
        record_one(command)
        raise ZeroDivisionError

    key = uuid.uuid4()
    with pytest.raises(ZeroDivisionError):
        run(bare_site, key, crash)

    assert not CommandKey.objects.exists()
    assert run(bare_site, key).ok
    assert Task.objects.count() == 1


def test_an_event_without_a_schema_is_a_mistake_of_ours_and_stores_nothing(
    bare_site: Site,
) -> None:
    def invent(command: Command) -> dict[str, Any]:
        command.record("mes.nothing.known", subject=("site", 1), body={})
        return {}

    with pytest.raises(ValueError, match="no schema"):
        run(bare_site, uuid.uuid4(), invent)

    assert not ShopFloorEvent.objects.exists()


@pytest.mark.parametrize("code", [pg.DeadlockDetected, pg.SerializationFailure])
def test_a_deadlock_is_tried_again(bare_site: Site, code: type[Exception]) -> None:
    tries = []

    def unlucky(command: Command) -> dict[str, Any]:
        tries.append(1)
        if len(tries) < 3:
            raise OperationalError("injected") from code()
        return record_one(command)

    assert run(bare_site, uuid.uuid4(), unlucky).ok
    assert len(tries) == 3
    assert ShopFloorEvent.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_many_hands_leave_a_gapless_unbroken_chain(bare_site: Site) -> None:
    def work(hand: int) -> None:
        try:
            for n in range(5):
                run(bare_site, uuid.uuid5(uuid.NAMESPACE_OID, f"{hand}-{n}"), n=n)
        finally:
            connection.close()

    hands = [threading.Thread(target=work, args=(hand,)) for hand in range(8)]
    for hand in hands:
        hand.start()
    for hand in hands:
        hand.join()

    seqs = list(ShopFloorEvent.objects.order_by("seq").values_list("seq", flat=True))
    assert seqs == list(range(1, 41))
    assert list(chain_problems(bare_site)) == []


@pytest.mark.django_db(transaction=True)
def test_one_form_posted_five_times_at_once_is_one_entry(bare_site: Site) -> None:
    key, answers = uuid.uuid4(), []

    def post() -> None:
        try:
            answers.append(run(bare_site, key, n=1).response)
        finally:
            connection.close()

    hands = [threading.Thread(target=post) for _ in range(5)]
    for hand in hands:
        hand.start()
    for hand in hands:
        hand.join()

    assert answers == [{"said": "done", "seq": 1}] * 5
    assert Task.objects.count() == ShopFloorEvent.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_doorbell_that_raises_does_not_turn_a_committed_entry_into_an_error(
    bare_site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def explode(site_id: int) -> bool:
        raise RuntimeError("the broker is on fire")

    monkeypatch.setattr(doorbell, "ring", explode)

    assert run(bare_site, uuid.uuid4()).ok
    assert ShopFloorEvent.objects.count() == 1
