"""What the API shows, to whom, and the page that documents it."""

from __future__ import annotations

import json

import pytest
import yaml
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client

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
    assert simulator.get("/api/v1/work-orders?page=99").status_code == 404
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
