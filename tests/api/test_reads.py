"""What the API shows, to whom, and the page that documents it."""

from __future__ import annotations

import json

import pytest
import yaml
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client

from materials.models import PurchaseLine
from mes.clock import wall_now
from planning import northfield
from tests.api.test_events import BREAKDOWN, Sender

pytestmark = pytest.mark.django_db


@pytest.fixture
def simulator(northfield_site, data_dir):
    return Sender(json.loads((data_dir / "device-tokens.json").read_text())["SIMULATOR"])


def signed_in(name):
    client = Client()
    client.force_login(User.objects.get(username=name))
    return client


def test_the_plan_has_a_tag_that_changes_with_it(simulator):
    plan = simulator.get("/api/v1/plan")
    tag = plan.headers["ETag"]
    assert plan.json()["site"] == "NF"
    assert plan.json()["now"] == "2026-11-24T07:30:00Z"
    assert simulator.get("/api/v1/plan", **{"If-None-Match": tag}).status_code == 304
    simulator.post(BREAKDOWN)
    after = simulator.get("/api/v1/plan", **{"If-None-Match": tag})
    assert after.status_code == 200
    assert after.json()["behind"]


def test_quantities_and_money_are_decimal_strings(simulator):
    order = simulator.get("/api/v1/work-orders/WO-2291").json()
    assert order["quantity"] == "180"
    running = next(each for each in order["operations"] if each["operation"] == 30)
    assert (running["good"], running["scrap"], running["run_s"]) == ("62", "1", "86")
    lines = simulator.get("/api/v1/deliveries?customer=AQUILA").json()["results"]
    assert [each["value"] for each in lines if each["order"] == "SO-10482"] == ["38400"]


def test_lists_are_paged_and_filtered(simulator):
    first = simulator.get("/api/v1/work-orders?page_size=20").json()
    assert (first["count"], len(first["results"])) == (len(northfield.ORDERS), 20)
    second = simulator.get(first["next"].split("testserver")[1]).json()
    assert not {row["code"] for row in first["results"]} & {
        row["code"] for row in second["results"]
    }
    on_test = simulator.get("/api/v1/work-orders?unit=TST-01&page_size=500").json()
    assert on_test["count"] < first["count"]
    assert simulator.get("/api/v1/deliveries?page_size=500").json()["count"] == 74


def test_a_queue_says_what_runs_what_is_next_and_what_it_waits_for(simulator):
    queue = simulator.get("/api/v1/queues/CNC-04").json()
    assert queue["works"]
    assert queue["works_until"] == "2026-11-24T21:00:00Z"
    [running] = queue["running"]
    assert (running["work_order"], running["available"], running["pallet"]) == (
        "WO-2291",
        "117",
        "25",
    )
    codes = [job["work_order"] for job in queue["queue"]]
    assert codes.index("WO-2294") < codes.index("WO-2302")
    bracket = next(job for job in queue["queue"] if job["work_order"] == "WO-2290")
    assert (bracket["ready"], bracket["waits_for"]) == (False, "operation 30")


def test_a_machine_that_is_down_says_since_when_and_why(simulator):
    simulator.post(BREAKDOWN | {"back_at": "2026-11-25T10:00:00+01:00"})
    down = simulator.get("/api/v1/queues/CNC-04").json()["down"]
    assert (down["reason"], down["note"]) == ("MECH-SPINDLE", "alarm 2041")
    assert down["back_at"] == "2026-11-25T09:00:00Z"


def test_reading_all_queues_takes_a_fixed_number_of_queries(
    simulator, django_assert_max_num_queries
):
    with django_assert_max_num_queries(25):
        queues = simulator.get("/api/v1/queues").json()
        assert len(queues) == len(northfield.UNITS) + len(northfield.OUTSIDE)


def test_money_is_shown_to_those_who_may_see_it(northfield_site):
    path = "/api/v1/deliveries?customer=AQUILA"
    assert "38400" in [each["value"] for each in signed_in("jana").get(path).json()["results"]]
    assert {each["value"] for each in signed_in("petra").get(path).json()["results"]} == {None}


def test_a_signed_in_person_needs_the_token_of_the_form_to_write(northfield_site):
    client = Client(enforce_csrf_checks=True)
    client.force_login(User.objects.get(username="jana"))
    assert client.get("/api/v1/plan").status_code == 200
    answer = client.post("/api/v1/events", json.dumps(BREAKDOWN), content_type="application/json")
    assert answer.status_code == 403


def test_the_schema_is_made_without_a_warning_and_names_every_kind(tmp_path):
    file = tmp_path / "schema.yaml"
    call_command("spectacular", "--fail-on-warn", "--validate", "--file", str(file))
    schema = yaml.safe_load(file.read_text())
    kinds = schema["components"]["schemas"]["Event"]["discriminator"]["mapping"]
    assert {"breakdown", "production", "hold", "clock"} <= set(kinds)
    header = schema["paths"]["/api/v1/events"]["post"]["parameters"][0]
    assert (header["name"], header["required"]) == ("Idempotency-Key", True)


def test_the_documentation_page_has_no_inline_script_or_style():
    page = Client().get("/api/docs/")
    assert page.status_code == 200
    html = page.content.decode()
    assert "<style" not in html
    assert "<script>" not in html
    assert "unsafe" not in page.headers["Content-Security-Policy"]
    script = Client().get("/api/docs/?script=")
    assert script.headers["Content-Type"].startswith("application/javascript")


def pages_of(sender, path):
    """Every page of a list, one after the other."""
    while path:
        page = sender.get(path).json()
        yield page["results"]
        path = page["next"] and page["next"].split("testserver")[1]


@pytest.mark.parametrize("name", ["work-orders", "deliveries", "purchases", "disruptions"])
def test_page_by_page_every_row_comes_once_and_in_order(simulator, name):
    whole = simulator.get(f"/api/v1/{name}?page_size=500").json()
    assert whole["next"] is None
    together = [row for rows in pages_of(simulator, f"/api/v1/{name}?page_size=7") for row in rows]
    assert together == whole["results"]
    assert whole["count"] == len(together)


def test_a_row_that_goes_between_two_pages_moves_no_other(simulator):
    first = simulator.get("/api/v1/purchases?page_size=5").json()
    rest = simulator.get("/api/v1/purchases?page_size=500").json()["results"][5:]
    gone = first["results"][0]
    PurchaseLine.objects.filter(order_code=gone["order"], number=gone["line"]).update(
        closed_at=wall_now()
    )
    second = simulator.get(first["next"].split("testserver")[1]).json()
    assert second["results"] == rest[:5]


@pytest.mark.parametrize(
    "query",
    [
        "page_size=0",
        "page_size=501",
        "page_size=ten",
        "cursor=nonsense",
        "cursor=WzEsMl0=",
        "cursor=W251bGwsIngiXQ==",
        "cursor=e30=",
    ],
)
def test_a_page_that_can_not_be_meant_is_refused_in_words(simulator, query):
    for name in ("work-orders", "deliveries"):
        answer = simulator.get(f"/api/v1/{name}?{query}")
        if name == "deliveries" and query == "cursor=WzEsMl0=":
            continue  # its place, with one number too many
        assert answer.status_code == 422, answer.content
        assert answer.json()["message"].endswith(".")


def test_every_read_has_a_tag_and_is_not_sent_again(simulator):
    for name in ("plan", "work-orders", "work-orders/WO-2291", "queues", "deliveries", "holds"):
        first = simulator.get(f"/api/v1/{name}")
        again = simulator.get(f"/api/v1/{name}", **{"If-None-Match": first["ETag"]})
        assert (first.status_code, again.status_code, again.content) == (200, 304, b""), name
        other = simulator.get(f"/api/v1/{name}", **{"If-None-Match": '"other"'})
        assert other.status_code == 200
    simulator.post({"kind": "hold", "lot": "L-24-1187"})
    assert simulator.get("/api/v1/holds", **{"If-None-Match": first["ETag"]}).status_code == 200


def test_every_error_is_a_problem_in_words(simulator, monkeypatch):
    def broken(*_args):
        raise RuntimeError("a bug")

    monkeypatch.setattr("planning.api.reads._queues", broken)
    simulator.client.raise_request_exception = False
    headers = {"Idempotency-Key": "c0ffee00-0000-4000-8000-000000000001"}
    stranger = Client()
    answers = {
        401: stranger.get("/api/v1/plan"),
        404: simulator.get("/api/v1/nothing/here"),
        405: simulator.client.put("/api/v1/plan"),
        413: simulator.post({"kind": "hold", "note": "x" * 1_000_001}),
        415: simulator.client.post("/api/v1/events", "x", content_type="text/csv", headers=headers),
        422: simulator.post({"kind": "nonsense"}),
        500: simulator.get("/api/v1/queues"),
    }
    for status, answer in answers.items():
        assert answer.status_code == status
        assert answer["Content-Type"].startswith("application/problem+json"), status
        body = answer.json()
        assert body["status"] == status
        assert body["detail"] == body["message"]
        assert body["detail"].endswith("."), body
        assert body["type"] == f"urn:downstream:problem:{body['code'].replace('_', '-')}"
    assert "bug" not in answers[500].content.decode()
