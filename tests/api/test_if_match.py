"""A decision holds to what was read before it, where it says by If-Match what that was."""

from __future__ import annotations

import json
import uuid

import pytest

from mes.clock import wall_now
from planning import actions
from planning.models import Decision
from tests.api.test_decisions import disruption, path_of, plan_hash, signed_in, the, tokens
from tests.api.test_events import Sender

__all__ = ["disruption", "tokens"]
pytestmark = pytest.mark.django_db


def decide(client, path, tag, key=None):
    headers = {"Idempotency-Key": str(key or uuid.uuid4())} | ({"If-Match": tag} if tag else {})
    return client.post(path, json.dumps({}), content_type="application/json", headers=headers)


@pytest.fixture
def option(disruption):
    return the(disruption, "ALTERNATE_UNIT")


def test_one_option_reads_as_in_its_disruption_and_is_not_sent_again(disruption, option):
    jana = signed_in("jana")
    here = path_of(disruption, option).removesuffix("/accept")
    read = jana.get(here)
    [listed] = [
        each
        for each in jana.get(here.split("/options")[0]).json()["options"]
        if each["id"] == option["id"]
    ]
    assert read.json() == listed
    assert jana.get(here, headers={"If-None-Match": read["ETag"]}).status_code == 304
    assert jana.get(here, headers={"If-Match": '"other"'}).json()["code"] == "moved_on"
    petra = signed_in("petra").get(here)
    assert petra.json()["cash"] is None
    assert petra["ETag"] != read["ETag"]
    other = here.replace(f"disruptions/{disruption['id']}", f"disruptions/{disruption['id'] + 1}")
    assert jana.get(other).status_code == 404


def test_an_option_that_was_costed_anew_is_not_accepted_unread(
    disruption, option, tokens, northfield_site
):
    jana, before = signed_in("jana"), plan_hash(northfield_site)
    accept = path_of(disruption, option)
    here = accept.removesuffix("/accept")
    seen = jana.get(here)["ETag"]
    later = {"kind": "estimate", "unit": "CNC-04", "back_at": "2026-11-25T12:00:00+01:00"}
    assert Sender(tokens["SIMULATOR"]).post(later).status_code == 200
    actions.recompute(northfield_site.pk, wall_now=wall_now())
    before = plan_hash(northfield_site)

    key = uuid.uuid4()
    late = decide(jana, accept, seen, key)
    assert (late.status_code, late.json()["code"]) == (412, "moved_on")
    assert "Read it again" in late.json()["message"]
    assert not Decision.objects.exists()
    assert plan_hash(northfield_site) == before
    assert decide(jana, accept, seen, key).headers["Idempotent-Replayed"] == "true"
    now = jana.get(here)["ETag"]
    assert now != seen
    assert decide(jana, accept, now, key).json()["code"] == "key_reused"
    assert decide(jana, accept, f'"other", {now}').status_code == 200
    assert Decision.objects.count() == 1


def test_without_the_header_or_with_a_star_an_option_is_accepted_as_it_is(disruption, option):
    jana = signed_in("jana")
    assert decide(jana, path_of(disruption, option), "*").status_code == 200


def test_a_decision_that_somebody_undid_is_not_undone_unread(disruption, option):
    jana, okafor = signed_in("jana"), signed_in("okafor")
    made = decide(jana, path_of(disruption, option), None).json()["decision_id"]
    here = f"/api/v1/decisions/{made}"
    read = jana.get(here)
    assert read.json() in jana.get("/api/v1/decisions").json()["results"]
    assert read.json()["undone_by"] is None

    undone = decide(okafor, f"{here}/undo", read["ETag"])
    assert undone.status_code == 200, undone.content
    late = decide(jana, f"{here}/undo", read["ETag"])
    assert (late.status_code, late.json()["code"]) == (412, "moved_on")
    again = jana.get(here)
    assert again.json()["undone_by"] == Decision.objects.latest("pk").pk
    assert decide(jana, f"{here}/undo", again["ETag"]).status_code == 409
    assert Decision.objects.count() == 2
    assert jana.get("/api/v1/decisions/999999").status_code == 404
    assert decide(jana, "/api/v1/decisions/999999/undo", read["ETag"]).status_code == 404


def test_an_act_that_needs_no_body_takes_none_that_it_would_not_read(disruption, option):
    jana = signed_in("jana")
    made = decide(jana, path_of(disruption, option), None).json()["decision_id"]
    answer = jana.post(
        f"/api/v1/decisions/{made}/undo",
        json.dumps({"why": "too dear"}),
        content_type="application/json",
        headers={"Idempotency-Key": str(uuid.uuid4())},
    )
    assert answer.status_code == 422
    assert set(answer.json()["fields"]) == {"why"}
    assert Decision.objects.count() == 1
