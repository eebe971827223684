"""What a balancer, an administrator and a Prometheus are told."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from celery import Celery
from django.contrib.auth.models import User
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client

from mes import doorbell, health, tally
from mes.breaker import to_redis
from mes.clock import wall_now
from mes.errors import Refused
from mes.models import Heartbeat, Person, RoleGrant, Site, SiteHead, SitePlan, Tally
from planning.actions import check
from tests.mes.test_commands import bare_site, run

__all__ = ["bare_site"]

TOKEN = "a-long-token-of-the-monitoring"


def signed_in(site: Site, role: str = "ADMIN") -> Client:
    user = User.objects.create_user("someone")
    person = Person.objects.create(user=user, name="Some One")
    RoleGrant.objects.create(person=person, role=role, site=site)
    client = Client()
    client.force_login(user)
    return client


def scraped(settings: Any) -> dict[str, float]:
    settings.METRICS_TOKEN = TOKEN
    page = Client().get("/metrics", headers={"authorization": f"Bearer {TOKEN}"})
    assert page.status_code == 200
    lines = page.content.decode().splitlines()
    pairs = (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    return {name: float(value) for name, value in pairs}


def test_a_process_with_a_record_of_this_code_is_ready(db: None) -> None:
    answer = Client().get("/readyz")

    assert (answer.status_code, answer.json()) == (200, {"ready": True})


def test_a_waiting_migration_is_named_with_what_to_do(db: None) -> None:
    last = MigrationRecorder(connection).migration_qs.filter(app="planning").latest("id")
    last.delete()

    answer = Client().get("/readyz")

    assert answer.status_code == 503
    assert answer.json()["why"] == ["1 migration waits: run manage.py migrate."]


def test_settings_that_lose_answered_events_are_named(db: None, settings: Any) -> None:
    settings.DURABLE = True  # the tests' server is one to throw away, with fsync off
    with connection.cursor() as cursor:
        cursor.execute("set local synchronous_commit = off")

    answer = Client().get("/readyz")

    assert answer.status_code == 503
    said = " ".join(answer.json()["why"])
    assert "fsync is off" in said
    assert "full_page_writes is off" in said
    assert "synchronous_commit is off" in said


def test_a_read_only_database_is_not_ready(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("set transaction read only")

    answer = Client().get("/readyz")

    assert answer.status_code == 503
    assert answer.json()["why"] == ["The database takes no writes: it is read-only."]


@pytest.mark.django_db(transaction=True)
def test_a_database_that_is_away_is_said_without_its_address() -> None:
    name, password = (connection.settings_dict[key] for key in ("NAME", "PASSWORD"))
    connection.close()
    connection.settings_dict["NAME"] = "no_such_database"
    try:
        answer = Client().get("/readyz")
        alive = Client().get("/healthz")
    finally:
        connection.close()
        connection.settings_dict["NAME"] = name

    assert alive.content == b"ok"
    assert answer.status_code == 503
    assert answer.json()["why"] == ["The database cannot be reached."]
    assert password.encode() not in answer.content


def test_the_status_counts_what_the_plan_lacks_of_this_persons_sites_only(
    bare_site: Site,
) -> None:
    other = Site.objects.create(code="T2", name="Not his")
    SiteHead.objects.create(site=other)
    SitePlan.objects.create(site=other)
    for _ in range(3):
        run(bare_site, uuid.uuid4())
    SitePlan.objects.filter(site=bare_site).update(
        computed_seq=1, failures=2, failure="3: ValueError: odd"
    )
    # Processes of other tests may live.
    Heartbeat.objects.all().delete()
    health.beat("sweeper")
    long_ago = wall_now() - timedelta(minutes=5)
    Heartbeat.objects.create(process="worker-elsewhere", place="elsewhere:1", at=long_ago)
    check(bare_site, now=wall_now())

    status = signed_in(bare_site).get("/statusz").json()

    (site,) = status["sites"]
    assert (site["site"], site["seq"], site["computed_seq"], site["behind"]) == ("T1", 3, 1, 2)
    assert 0 <= site["age_s"] < 60
    assert (site["failures"], site["failure"]) == (2, "3: ValueError: odd")
    assert (site["verified_seq"], site["problems"]) == (3, 0)
    assert status["processes"]["sweeper"]["alive"] == 1
    assert status["processes"]["worker-elsewhere"]["alive"] == 0
    assert status["processes"]["worker-elsewhere"]["age_s"] >= 300
    assert status["processes"]["stream"] == {"alive": 0, "age_s": None, "figures": {}}
    assert status["redis"] == {"answers": True}


def test_the_status_says_that_redis_is_away_and_soon(bare_site: Site, settings: Any) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"

    assert signed_in(bare_site).get("/statusz").json()["redis"] == {"answers": False}


def test_an_operator_is_not_told_the_status(bare_site: Site) -> None:
    assert signed_in(bare_site, "OPERATOR").get("/statusz").status_code == 403


@pytest.mark.parametrize(
    ("token", "header", "mode", "status"),
    [
        (TOKEN, f"Bearer {TOKEN}", "PRODUCTION", 200),
        (TOKEN, "Bearer another-token-of-some-length", "DEMO", 403),
        (TOKEN, "", "DEMO", 403),
        ("", "Bearer ", "PRODUCTION", 403),
        ("", "", "PRODUCTION", 403),
        ("", "", "DEMO", 200),
    ],
)
def test_the_metrics_are_shown_for_the_token_or_to_a_demos_own_machine(
    db: None, settings: Any, token: str, header: str, mode: str, status: int
) -> None:
    settings.METRICS_TOKEN, settings.MODE = token, mode

    assert Client().get("/metrics", headers={"authorization": header}).status_code == status


def test_a_demos_metrics_are_not_shown_to_another_machine(db: None, settings: Any) -> None:
    settings.MODE = "DEMO"

    assert Client(REMOTE_ADDR="192.0.2.7").get("/metrics").status_code == 403


def test_what_was_asked_is_counted_by_its_answer(bare_site: Site, settings: Any) -> None:
    def refuse(_: Any) -> None:
        raise Refused("no")

    tally.flush()
    Tally.objects.all().delete()
    key = uuid.uuid4()
    run(bare_site, key)
    run(bare_site, key)
    run(bare_site, uuid.uuid4(), refuse)
    tally.observe("mes_recompute_seconds", 0.25)
    tally.flush()

    found = scraped(settings)

    assert found['mes_events_total{kind="test.act",result="stored"}'] == 1
    assert found['mes_events_total{kind="test.act",result="refused"}'] == 1
    assert found["mes_replays_total"] == 1
    assert 'mes_recompute_seconds_bucket{le="0.2"}' not in found
    assert found['mes_recompute_seconds_bucket{le="0.3"}'] == 1
    assert found['mes_recompute_seconds_bucket{le="+Inf"}'] == 1
    assert found["mes_recompute_seconds_sum"] == 0.25
    assert found['mes_impact_behind{site="T1"}'] == 1


def test_counts_add_up_over_processes_and_survive_a_record_that_is_away(
    bare_site: Site, settings: Any
) -> None:
    tally.flush()
    Tally.objects.all().delete()
    tally.count("mes_kick_failures_total")
    tally.flush()
    tally.count("mes_kick_failures_total")
    with connection.cursor() as cursor:
        cursor.execute("savepoint away")
        cursor.execute("alter table mes_tally rename to mes_tally_away")
        assert not tally.flush()
        cursor.execute("rollback to savepoint away")
    assert tally.flush()

    assert scraped(settings)["mes_kick_failures_total"] == 2


def test_a_doorbell_that_fails_is_counted(bare_site: Site, settings: Any, monkeypatch: Any) -> None:
    tally.flush()
    Tally.objects.all().delete()
    monkeypatch.setattr(to_redis, "open_until", 0.0)
    dead = Celery(broker="redis://127.0.0.1:1/0", set_as_current=False)
    dead.conf.broker_transport_options = settings.CELERY_BROKER_TRANSPORT_OPTIONS
    monkeypatch.setattr(doorbell, "app", dead)

    assert not doorbell.ring(bare_site.pk)
    monkeypatch.setattr(to_redis, "open_until", 0.0)
    tally.flush()

    assert scraped(settings)["mes_kick_failures_total"] == 1


def test_no_answer_holds_a_secret(bare_site: Site, settings: Any) -> None:
    settings.METRICS_TOKEN = TOKEN
    database = connection.settings_dict
    secrets = [settings.SECRET_KEY, database["PASSWORD"], settings.REDIS_URL, TOKEN]
    client = signed_in(bare_site)
    answers = [
        client.get("/healthz"),
        client.get("/readyz"),
        client.get("/statusz"),
        client.get("/metrics", headers={"authorization": f"Bearer {TOKEN}"}),
    ]

    for answer in answers:
        assert answer.status_code == 200
        for secret in secrets:
            assert secret.encode() not in answer.content


def test_a_check_goes_on_from_where_the_last_one_ended_and_knows_its_anchor(
    bare_site: Site,
) -> None:
    for _ in range(3):
        run(bare_site, uuid.uuid4())
    assert check(bare_site, now=wall_now()).seq == 3
    run(bare_site, uuid.uuid4())
    with connection.cursor() as cursor:
        cursor.execute("set constraints all immediate")
        cursor.execute("alter table mes_shopfloorevent disable trigger user")
        cursor.execute("update mes_shopfloorevent set hash = sha256('x') where seq = 3")
        cursor.execute("alter table mes_shopfloorevent enable trigger user")

    found = check(bare_site, now=wall_now())

    assert (found.seq, found.problems) == (3, 1)
    assert found.first_problem == "event 3 is not the one that was verified before"
