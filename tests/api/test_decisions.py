"""The loop by the API alone: a breakdown, its options, one accepted, and taken back."""

from __future__ import annotations

import json
import uuid

import pytest
from django.contrib.auth.models import User
from django.test import Client

from mes.clock import wall_now
from mes.models import Person, RoleGrant, ShopFloorEvent, SitePlan
from planning import actions, snapshot
from planning.models import Decision, StandingDecision
from tests.api.test_events import BREAKDOWN, Sender
from workorders.models import JobOrder, UnitQueue

pytestmark = pytest.mark.django_db


@pytest.fixture
def tokens(northfield_site, data_dir):
    return json.loads((data_dir / "device-tokens.json").read_text())


@pytest.fixture
def disruption(tokens, northfield_site):
    """The breakdown of CNC-04 as the API shows it, with its options costed."""
    sender = Sender(tokens["SIMULATOR"])
    assert sender.post(BREAKDOWN | {"back_at": "2026-11-25T10:00:00+01:00"}).status_code == 200
    actions.recompute(northfield_site.pk, wall_now=wall_now())
    [row] = sender.get("/api/v1/disruptions").json()["results"]
    return sender.get(f"/api/v1/disruptions/{row['id']}").json()


def signed_in(name):
    client = Client()
    client.force_login(User.objects.get(username=name))
    return client


def send(client, path, body=None, key=None):
    return client.post(
        path,
        json.dumps(body or {}),
        content_type="application/json",
        headers={"Idempotency-Key": str(key or uuid.uuid4())},
    )


def path_of(disruption, option):
    return f"/api/v1/disruptions/{disruption['id']}/options/{option['id']}/accept"


def the(disruption, kind):
    return next(each for each in disruption["options"] if each["kind"] == kind)


def plan_hash(site):
    return snapshot.take(site.pk, wall_now=wall_now()).plan_hash


def test_an_option_is_accepted_once_and_taken_back_to_the_plan_before(disruption, northfield_site):
    client, before = signed_in("jana"), plan_hash(northfield_site)
    option = the(disruption, "ALTERNATE_UNIT")
    key = uuid.uuid4()

    first = send(client, path_of(disruption, option), {"why": "CNC-07 is free"}, key)
    again = send(client, path_of(disruption, option), {"why": "CNC-07 is free"}, key)

    assert first.status_code == again.status_code == 200, first.content
    assert first.json() == again.json()
    assert Decision.objects.filter(site=northfield_site).count() == 1
    assert plan_hash(northfield_site) != before

    decision = Decision.objects.get(site=northfield_site).pk
    undone = send(client, f"/api/v1/decisions/{decision}/undo")
    assert undone.status_code == 200, undone.content
    assert plan_hash(northfield_site) == before


def test_an_option_that_was_shown_on_an_older_plan_is_refused_with_what_moved(
    disruption, northfield_site
):
    client, before = signed_in("jana"), Decision.objects.count()
    option = the(disruption, "ALTERNATE_UNIT")
    other = signed_in("jana")
    assert send(other, path_of(disruption, option), {"why": "first"}).status_code == 200

    late = send(client, path_of(disruption, option), {"why": "second"})

    assert late.status_code == 409
    assert late.json()["message"]
    assert Decision.objects.count() == before + 1


@pytest.mark.parametrize("name", ["petra", "tomas"])
def test_who_works_at_a_machine_does_not_decide(disruption, northfield_site, name):
    refused = send(signed_in(name), path_of(disruption, disruption["options"][0]), {"why": "x"})
    assert refused.status_code == 403
    assert not Decision.objects.exists()


@pytest.mark.parametrize("device", ["SIMULATOR", "CNC-07-TABLET"])
def test_a_devices_token_may_not_decide_or_undo(disruption, tokens, device):
    events = ShopFloorEvent.objects.count()
    sender = Sender(tokens[device])

    accepted = sender.post({"why": "x"}, path=path_of(disruption, disruption["options"][0]))
    undone = sender.post({}, path="/api/v1/decisions/1/undo")

    assert (accepted.status_code, undone.status_code) == (403, 403)
    assert ShopFloorEvent.objects.count() == events


def test_an_option_that_does_not_exist_is_missing_and_nothing_moves(disruption, northfield_site):
    queues = list(UnitQueue.objects.order_by("pk").values_list("pk", "version"))
    gone = send(
        signed_in("jana"), f"/api/v1/disruptions/{disruption['id']}/options/999999/accept", {}
    )
    assert gone.status_code == 404
    assert list(UnitQueue.objects.order_by("pk").values_list("pk", "version")) == queues
    assert JobOrder.objects.exists()
    assert SitePlan.objects.get(site=northfield_site).failures == 0


def overtime(disruption):
    return next(each for each in disruption["options"] if each["figures"].get("overtime_s"))


def test_overtime_is_refused_by_the_supervisor_and_the_plan_is_as_before(
    disruption, northfield_site
):
    before = plan_hash(northfield_site)
    assert send(signed_in("jana"), path_of(disruption, overtime(disruption))).status_code == 200
    chief = signed_in("okafor")
    asked = chief.get("/api/v1/consents").json()["results"]
    assert asked
    assert {(each["who"], each["role"], each["state"]) for each in asked} == {
        ("OVERTIME", "SUPERVISOR", "ASKED")
    }
    path = f"/api/v1/consents/{asked[0]['id']}"
    assert send(signed_in("rui"), f"{path}/agree").status_code == 403
    assert send(chief, f"{path}/refuse").status_code == 422
    refused = send(chief, f"{path}/refuse", {"reason": "no crew"})
    assert refused.status_code == 200, refused.content
    assert plan_hash(northfield_site) == before
    assert send(chief, f"{path}/agree").status_code == 409
    assert chief.get("/api/v1/consents").json()["count"] == 0
    states = chief.get("/api/v1/consents?state=all").json()["results"]
    assert {each["state"] for each in states} <= {"REFUSED", "WITHDRAWN"}


def test_the_last_yes_makes_a_decision_firm(disruption, northfield_site):
    assert send(signed_in("jana"), path_of(disruption, overtime(disruption))).status_code == 200
    chief = signed_in("okafor")
    asked = chief.get("/api/v1/consents").json()["results"]
    answers = [send(chief, f"/api/v1/consents/{each['id']}/agree").json() for each in asked]
    assert [each["firm"] for each in answers] == [False] * (len(asked) - 1) + [True]


def test_who_may_not_accept_asks_who_may(disruption, northfield_site):
    RoleGrant.objects.filter(person__name="Jana Marek").update(amount_limit=-1)
    option, jana = the(disruption, "ALTERNATE_UNIT"), signed_in("jana")
    assert send(jana, path_of(disruption, option)).status_code == 403
    path = path_of(disruption, option).replace("/accept", "/ask")
    asked = send(jana, path, {"why": "Voss waits"})
    assert asked.status_code == 200, asked.content
    [row] = jana.get("/api/v1/approvals").json()["results"]
    assert (row["asked_by"], row["lacks"], row["state"]) == ("Jana Marek", ["amount"], "ASKED")
    assert send(jana, f"/api/v1/approvals/{row['id']}/approve").status_code == 403
    assert send(signed_in("admin"), f"/api/v1/approvals/{row['id']}/refuse").status_code in (
        403,
        422,
    )
    given = send(signed_in("admin"), f"/api/v1/approvals/{row['id']}/approve")
    assert given.status_code == 200, given.content
    [row] = jana.get("/api/v1/approvals?state=all").json()["results"]
    assert (row["state"], row["decision"]) == ("GIVEN", given.json()["decision_id"])


def test_a_rule_is_read_with_what_it_decided(disruption, northfield_site):
    jana = Person.objects.get(name="Jana Marek")
    StandingDecision.objects.create(
        site=northfield_site, name="Night", amount_limit=500, writer=jana, applies="ALWAYS"
    )
    [row] = signed_in("rui").get("/api/v1/rules").json()["results"]
    assert (row["name"], row["writer"], row["decisions"]) == ("Night", "Jana Marek", 0)
    assert row["amount_limit"] == "500"
    assert signed_in("petra").get("/api/v1/rules").json()["results"][0]["amount_limit"] is None


def test_an_own_answer_is_put_together_taken_apart_and_accepted(disruption, northfield_site):
    client, before = signed_in("jana"), plan_hash(northfield_site)
    moved = the(disruption, "ALTERNATE_UNIT")["changes"][0]["op_id"]
    job = JobOrder.objects.select_related("work_order").get(pk=moved)
    mine = path_of(disruption, the(disruption, "MINE")).removesuffix("/accept")
    move = {"work_order": job.work_order.code, "operation": job.number, "unit": "CNC-07"}

    made = send(client, f"{mine}/moves", move)
    assert made.status_code == 200, made.content
    shown = client.get(mine).json()
    assert [each["op_id"] for each in shown["changes"]] == [moved]
    assert float(shown["saves"]) > 0
    assert plan_hash(northfield_site) == before

    assert send(client, f"{mine}/moves/1/drop").status_code == 409
    assert send(client, f"{mine}/moves/0/drop").status_code == 200
    assert client.get(mine).json()["changes"] == []

    assert send(client, f"{mine}/moves", move | {"place": "last"}).status_code == 200
    assert send(client, f"{mine}/accept", {"why": "I know better"}).status_code == 200
    job.refresh_from_db()
    assert job.unit.code == "CNC-07"


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ({"unit": "BENCH-0"}, 404),
        ({"unit": "GRD-01"}, 422),
        ({"operation": 990}, 404),
        ({"place": "anywhere"}, 422),
        ({"place": "start"}, 422),
        ({"starts_at": "1900-01-01T00:00:00Z", "place": "start"}, 422),
    ],
)
def test_what_is_no_move_is_refused_and_changes_nothing(disruption, wrong, status):
    client = signed_in("jana")
    moved = the(disruption, "ALTERNATE_UNIT")["changes"][0]["op_id"]
    job = JobOrder.objects.select_related("work_order").get(pk=moved)
    mine = path_of(disruption, the(disruption, "MINE")).removesuffix("/accept")
    move = {"work_order": job.work_order.code, "operation": job.number, "unit": "CNC-07"}

    answer = send(client, f"{mine}/moves", move | wrong)

    assert answer.status_code == status, answer.content
    assert answer.json()["message"]
    assert client.get(mine).json()["changes"] == []
    other = path_of(disruption, the(disruption, "ALTERNATE_UNIT")).removesuffix("/accept")
    assert send(client, f"{other}/moves", move).status_code == 422
