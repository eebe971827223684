"""The API's POST: one act a key, plain refusals, and nobody acts beyond his rights or site."""

from __future__ import annotations

import json
import uuid
from datetime import timedelta

import pytest
from django.test import Client

from equipment.models import CalendarException, Downtime
from mes.access import token_sha256
from mes.clock import wall_now
from mes.models import CommandKey, Device, Role, ShopFloorEvent, Site, SiteClock, SiteHead, SitePlan
from planning import northfield
from quality.models import Hold
from workorders.models import JobOrder, JobResponse

pytestmark = pytest.mark.django_db
EVENTS = "/api/v1/events"
BREAKDOWN = {"kind": "breakdown", "unit": "CNC-04", "reason": "MECH-SPINDLE", "note": "alarm 2041"}


class Sender:
    """A device that speaks to the API."""

    def __init__(self, token: str) -> None:
        self.client = Client(headers={"Authorization": f"Bearer {token}"})

    def post(self, body, *, key=None, path=EVENTS, **extra):
        data = body if isinstance(body, (str, bytes)) else json.dumps(body)
        headers = {"Idempotency-Key": str(key or uuid.uuid4()), **extra}
        return self.client.post(path, data, content_type="application/json", headers=headers)

    def get(self, path, **headers):
        return self.client.get(path, headers=headers)


@pytest.fixture
def token(northfield_site, data_dir):
    return json.loads((data_dir / "device-tokens.json").read_text())


@pytest.fixture
def simulator(token):
    return Sender(token["SIMULATOR"])


@pytest.fixture
def tablet(token):
    return Sender(token["CNC-07-TABLET"])


def job(code, number):
    return JobOrder.objects.get(work_order__code=code, number=number)


def test_a_breakdown_is_stored_once_however_often_it_is_sent(simulator, northfield_site):
    before = SiteHead.objects.get(site=northfield_site).seq
    key = uuid.uuid4()

    first = simulator.post(BREAKDOWN, key=key)
    again = simulator.post(BREAKDOWN, key=key)

    assert first.status_code == again.status_code == 200
    assert first.json() == again.json()
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert first.json()["seq"] > before
    assert Downtime.objects.filter(unit__code="CNC-04", ended_at=None).count() == 1
    went_down = ShopFloorEvent.objects.filter(
        site=northfield_site, seq__gt=before, kind="equipment.unit.went_down"
    )
    assert went_down.count() == 1


def test_the_same_key_with_another_body_is_refused_and_changes_nothing(simulator):
    key = uuid.uuid4()
    simulator.post(BREAKDOWN, key=key)

    answer = simulator.post(BREAKDOWN | {"unit": "CNC-05"}, key=key)

    assert answer.status_code == 422
    assert answer.json()["code"] == "key_reused"
    assert not Downtime.objects.filter(unit__code="CNC-05").exists()


def test_an_act_needs_a_key(simulator):
    for wrong in ("", "not-a-uuid"):
        answer = simulator.post(BREAKDOWN, **{"Idempotency-Key": wrong})
        assert (answer.status_code, answer.json()["code"]) == (422, "key_missing")
    assert not Downtime.objects.filter(ended_at=None).exists()


def test_an_unknown_kind_is_answered_with_the_known_ones(simulator):
    answer = simulator.post({"kind": "explosion"})
    assert (answer.status_code, answer.json()["code"]) == (422, "unknown_kind")
    assert "breakdown" in answer.json()["message"]


def test_a_wrong_field_is_a_sentence_at_its_name_and_kept_with_the_key(simulator):
    key = uuid.uuid4()
    body = {"kind": "production", "work_order": "WO-2291", "operation": 0, "good": "ten"}

    answer = simulator.post(body, key=key)

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    assert set(answer.json()["fields"]) == {"operation", "good"}
    assert all(sentences[0].endswith(".") for sentences in answer.json()["fields"].values())
    assert CommandKey.objects.get(key=key).status == 422


@pytest.mark.parametrize(
    "raw",
    [
        b"{",
        b"[]",
        b'"breakdown"',
        b"\xff\xfe",
        b'{"kind": NaN}',
        b'{"kind": "breakdown", "note": "\\ud800"}',
        b'{"kind": "production", "good": 1e999999999}',
        b"[" * 100_000,
    ],
)
def test_what_is_not_a_readable_object_is_refused_in_words(simulator, raw):
    answer = simulator.post(raw)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    assert answer.json()["message"].endswith(".")


def test_a_number_with_a_fraction_is_taken_exactly(simulator):
    before = job("WO-2291", 30).good
    body = '{"kind":"production","work_order":"WO-2291","operation":30,"good":0.1}'
    answer = simulator.post(body)
    # Parts of a piece make no sense; the number came through, not a float beside it.
    assert answer.status_code == 422
    assert job("WO-2291", 30).good == before


def test_a_body_over_a_megabyte_is_not_read(simulator):
    answer = simulator.post(BREAKDOWN | {"note": "x" * 1_000_001})
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


def test_without_a_token_nobody_gets_in(northfield_site):
    for headers in ({}, {"Authorization": "Bearer nonsense"}, {"Authorization": "Bearer "}):
        client = Client(headers=headers)
        assert client.get("/api/v1/plan").status_code == 401
        answer = client.post(EVENTS, json.dumps(BREAKDOWN), content_type="application/json")
        assert (answer.status_code, answer.json()["code"]) == (401, "not_signed_in")
        assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_a_revoked_token_is_worth_nothing_at_once(simulator):
    assert simulator.get("/api/v1/plan").status_code == 200
    Device.objects.filter(code="SIMULATOR").update(revoked_at=wall_now())
    assert simulator.get("/api/v1/plan").status_code == 401
    assert simulator.post(BREAKDOWN).status_code == 401


def test_a_foreign_thing_looks_exactly_like_one_that_does_not_exist(simulator):
    elsewhere = Site.objects.create(code="XX", name="Elsewhere")
    SiteHead.objects.create(site=elsewhere)
    SitePlan.objects.create(site=elsewhere)
    stranger = "stranger-token"
    Device.objects.create(
        site=elsewhere, code="D", token_sha256=token_sha256(stranger), role=Role.ADMIN
    )
    foreign = Sender(stranger)

    mine, theirs = simulator.post(BREAKDOWN | {"unit": "XYZ"}), foreign.post(BREAKDOWN)
    assert mine.status_code == theirs.status_code == 404
    assert mine.json()["message"] == theirs.json()["message"]

    response = JobResponse.objects.filter(job_order__work_order__code="WO-2291").latest("pk")
    correction = {"kind": "correction", "response": response.pk}
    there, nowhere = foreign.post(correction), foreign.post(correction | {"response": 10**9})
    assert there.status_code == nowhere.status_code == 404
    assert there.json()["message"] == nowhere.json()["message"]
    for path in ("/api/v1/work-orders/WO-2291", "/api/v1/queues/CNC-04"):
        assert simulator.get(path).status_code == 200
        assert foreign.get(path).status_code == 404
        assert foreign.get(path).json() == foreign.get(path + "-no").json()


def test_a_terminal_reports_for_its_own_machine_only(tablet):
    own = {"kind": "production", "work_order": "WO-2288", "operation": 20, "good": "25"}
    assert tablet.post(own).status_code == 200
    assert job("WO-2288", 20).good == 50

    other = own | {"work_order": "WO-2291", "operation": 30}
    answer = tablet.post(other)
    assert (answer.status_code, answer.json()["code"]) == (403, "no_right")
    assert job("WO-2291", 30).good == 62
    assert tablet.post(BREAKDOWN).status_code == 403


@pytest.mark.parametrize(
    "body",
    [
        {"kind": "hold", "lot": "L-24-1187"},
        {"kind": "clock", "to": "2026-11-25T09:00:00+01:00"},
        {"kind": "estimate", "unit": "CNC-07", "back_at": None},
    ],
)
def test_a_terminal_may_not_do_what_its_role_may_not(tablet, body):
    answer = tablet.post(body)
    assert (answer.status_code, answer.json()["code"]) == (403, "no_right")
    assert answer.json()["message"].startswith("Needs")


def test_more_than_was_launched_is_a_fact_that_is_kept_for_somebody_to_settle(tablet):
    before = job("WO-2288", 20).good
    body = {"kind": "production", "work_order": "WO-2288", "operation": 20, "good": "10000"}
    answer = tablet.post(body)
    assert answer.status_code == 202
    assert answer.json()["message"]
    assert job("WO-2288", 20).good == before


def test_a_job_of_a_machine_that_is_down_is_not_started(simulator):
    simulator.post(BREAKDOWN | {"unit": "CNC-07"})
    body = {"kind": "start", "work_order": "WO-2306", "operation": 20}
    answer = simulator.post(body)
    assert answer.status_code == 422
    assert "CNC-07" in answer.json()["message"]
    assert job("WO-2306", 20).status != JobOrder.Status.RUNNING


def test_a_report_can_be_taken_back(tablet):
    body = {"kind": "production", "work_order": "WO-2288", "operation": 20, "good": "25"}
    response = tablet.post(body).json()["response_id"]
    answer = tablet.post({"kind": "correction", "response": response})
    assert answer.status_code == 200
    assert job("WO-2288", 20).good == 25


def test_a_lot_is_held_and_released(simulator):
    held = simulator.post({"kind": "hold", "lot": "L-24-1187", "reason": "MAT-HARDNESS"})
    assert held.status_code == 200
    [hold] = simulator.get("/api/v1/holds").json()
    assert (hold["lot"], hold["reason"]) == ("L-24-1187", "MAT-HARDNESS")
    assert simulator.post({"kind": "release", "hold": hold["hold"]}).status_code == 200
    assert Hold.objects.filter(released_at=None).count() == 0


def test_a_hold_names_either_a_lot_or_an_operation(simulator):
    for body in ({}, {"lot": "L-24-1187", "work_order": "WO-2291", "operation": 30}):
        answer = simulator.post({"kind": "hold"} | body)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    assert not Hold.objects.exists()


def test_the_clock_moves_forward_only_and_is_no_event(simulator, northfield_site):
    seq = SiteHead.objects.get(site=northfield_site).seq
    later = northfield.OPENS_AT + timedelta(minutes=5)
    assert simulator.post({"kind": "clock", "to": later.isoformat()}).status_code == 200
    assert simulator.post({"kind": "clock", "to": later.isoformat()}).status_code == 200
    back = simulator.post({"kind": "clock", "to": northfield.OPENS_AT.isoformat()})
    assert (back.status_code, back.json()["code"]) == (409, "stale")
    assert SiteClock.objects.get(site=northfield_site).at == later
    assert SiteHead.objects.get(site=northfield_site).seq == seq


def test_the_speed_is_one_of_three(simulator, northfield_site):
    assert simulator.post({"kind": "speed", "speed": 60}).status_code == 200
    assert simulator.post({"kind": "speed", "speed": 7}).status_code == 422
    assert SiteClock.objects.get(site=northfield_site).speed == 60


def test_goods_are_received_and_shipped(simulator):
    received = simulator.post(
        {
            "kind": "receive",
            "purchase_order": "PO-5521",
            "line": 1,
            "lot": "L-24-1201",
            "quantity": "600",
            "location": "PARTS",
        }
    )
    assert received.status_code == 200, received.json()
    assert "PO-5521" not in {
        line["order"] for line in simulator.get("/api/v1/purchases").json()["results"]
    }
    body = {"kind": "ship", "order": "SO-10488", "line": 1, "quantity": "350"}
    assert simulator.post(body).status_code == 200
    assert simulator.post(body).status_code == 422


@pytest.mark.parametrize(
    ("body", "event"),
    [
        (
            {"kind": "shortage", "lot": "L-24-1140", "location": "PARTS", "missing": "400"},
            "materials.stock.counted",
        ),
        (
            {
                "kind": "closure",
                "place": "CNC-07",
                "ends_at": "2026-11-24T22:00:00+01:00",
                "note": "late shift cancelled",
            },
            "equipment.place.closed",
        ),
        (
            {"kind": "count", "lot": "L-24-1140", "location": "PARTS", "counted": "601"},
            "materials.stock.counted",
        ),
        (
            {
                "kind": "purchase",
                "purchase_order": "PO-5521",
                "line": 1,
                "expected_from": "2026-11-30T08:00:00+01:00",
                "expected_at": "2026-12-03T16:00:00+01:00",
                "quantity": "400",
                "said_by": "Nordseal, by telephone",
            },
            "materials.purchase.expected",
        ),
        (
            {
                "kind": "order",
                "customer": "VOSS",
                "lines": [
                    {
                        "item": "HV-220-A",
                        "quantity": "30",
                        "requested_at": "2026-11-27T15:00:00+01:00",
                    }
                ],
            },
            "materials.line.added",
        ),
        (
            {"kind": "order_change", "order": "SO-10464", "line": 1, "quantity": "60"},
            "materials.line.changed",
        ),
        ({"kind": "order_cancel", "order": "SO-10464", "line": 1}, "materials.line.cancelled"),
    ],
)
def test_what_is_said_of_a_supply_or_a_demand_is_stored_once(
    simulator, tablet, northfield_site, body, event
):
    key = uuid.uuid4()
    first, again = simulator.post(body, key=key), simulator.post(body, key=key)
    assert first.status_code == 200, first.json()
    assert first.json() == again.json()
    stored = ShopFloorEvent.objects.filter(site=northfield_site, key=key)
    assert [row.kind for row in stored][-1] == event
    if body["kind"] != "shortage":
        assert tablet.post(body).status_code == 403

    wrong = {name: "nowhere" if name in ("lot", "order") else body[name] for name in body}
    if wrong != body:
        assert simulator.post(wrong).status_code == 404


@pytest.mark.parametrize(
    ("body", "event", "then"),
    [
        (
            {"kind": "slow", "unit": "CNC-04", "percent": 70, "note": "spindle runs hot"},
            "equipment.unit.slowed_down",
            [
                {
                    "kind": "slow_change",
                    "unit": "CNC-04",
                    "percent": 60,
                    "back_at": "2026-11-25T14:00:00+01:00",
                },
                {"kind": "slow_end", "unit": "CNC-04"},
            ],
        ),
        (
            {"kind": "tool_lost", "tool": "FX-220", "note": "dropped"},
            "equipment.tool.lost",
            [
                {"kind": "tool_back", "tool": "FX-220", "back_at": "2026-11-26T10:00:00+01:00"},
                {"kind": "tool_found", "tool": "FX-220"},
            ],
        ),
        (
            {
                "kind": "shift",
                "place": "MILL-B",
                "starts_at": "2026-11-28T06:00:00+01:00",
                "ends_at": "2026-11-28T14:00:00+01:00",
                "note": "Saturday shift",
            },
            "equipment.place.opened",
            [{"kind": "shift_end", "place": "MILL-B"}],
        ),
    ],
)
def test_capacity_is_less_or_more_and_as_before_by_the_api(
    simulator, tablet, northfield_site, body, event, then
):
    key = uuid.uuid4()
    first, again = simulator.post(body, key=key), simulator.post(body, key=key)
    assert first.status_code == 200, first.json()
    assert first.json() == again.json()
    stored = ShopFloorEvent.objects.filter(site=northfield_site, key=key)
    assert [row.kind for row in stored][-1] == event
    wrong = {name: "nowhere" if name in ("unit", "tool", "place") else body[name] for name in body}
    assert simulator.post(wrong).status_code == 404
    if body["kind"] != "tool_lost":
        assert tablet.post(body).status_code == 403
    windows = first.json().get("window_ids")
    for after in then:
        after = after | ({"windows": windows} if windows else {})
        assert simulator.post(after).status_code == 200, after
    assert simulator.post(then[0] | ({"windows": windows} if windows else {})).status_code in (
        409,
        422,
    )


def test_an_absence_is_said_and_ended_by_the_api(simulator, tablet, northfield_site):
    away = {"kind": "absence", "person": "Milan Urban", "ends_at": "2026-11-27T22:00:00+01:00"}
    key = uuid.uuid4()
    first, again = simulator.post(away, key=key), simulator.post(away, key=key)
    assert first.status_code == 200, first.json()
    assert first.json() == again.json()
    # Nobody else attends the two 5-axis mills late.
    assert first.json()["units"] == ["CNC-04", "CNC-07"]
    assert ShopFloorEvent.objects.filter(site=northfield_site, key=key).count() > 1
    assert simulator.post(away | {"person": "nobody"}).status_code == 404
    assert simulator.post(away | {"unit": "nowhere"}).status_code == 404
    assert simulator.post(away | {"unit": "LAT-01"}).status_code == 422
    assert tablet.post(away).status_code == 403
    ended = simulator.post({"kind": "absence_end", "person": "Milan Urban"})
    assert ended.status_code == 200, ended.json()
    closed = CalendarException.objects.filter(site=northfield_site, reason="Milan Urban absent")
    assert closed.exists()
    assert not closed.filter(removed_seq=None).exists()


def test_a_cancellation_and_a_receipt_can_be_taken_back(simulator):
    line = {"order": "SO-10464", "line": 1}
    assert simulator.post({"kind": "order_restore"} | line).status_code == 409
    assert simulator.post({"kind": "order_cancel"} | line).status_code == 200
    assert simulator.post({"kind": "order_restore"} | line).status_code == 200

    purchase = {"purchase_order": "PO-5521", "line": 1, "lot": "L-24-1202", "quantity": "600"}
    received = simulator.post({"kind": "receive", "location": "PARTS"} | purchase)
    assert received.status_code == 200
    back = {"kind": "receipt_correction"} | purchase
    assert simulator.post(back).status_code == 200
    assert simulator.post(back).status_code == 422
    orders = {row["order"] for row in simulator.get("/api/v1/purchases").json()["results"]}
    assert "PO-5521" in orders


@pytest.mark.parametrize(
    "body",
    [
        {"kind": "shortage", "lot": "L-24-1140", "location": "PARTS", "missing": "1e30"},
        {"kind": "count", "lot": "L-24-1140", "location": "PARTS", "counted": "-1"},
        {
            "kind": "purchase",
            "purchase_order": "PO-5521",
            "line": 1,
            "expected_at": "1900-01-01T00:00:00Z",
            "said_by": "x",
        },
        {"kind": "order", "customer": "VOSS", "lines": []},
        {
            "kind": "order_change",
            "order": "SO-10464",
            "line": 1,
            "requested_at": "9999-12-31T23:59:59Z",
        },
    ],
)
def test_what_can_not_be_meant_is_refused_in_words(simulator, northfield_site, body):
    before = SiteHead.objects.get(site=northfield_site).seq
    answer = simulator.post(body)
    assert answer.status_code == 422
    assert answer.json()["message"].endswith(".")
    assert SiteHead.objects.get(site=northfield_site).seq == before


def test_a_call_is_raised_answered_and_ended_by_the_api(simulator, tablet):
    body = {"kind": "call", "unit": "CNC-07", "whom": "QUALITY", "stopped": True, "note": "burr"}
    made = tablet.post(body).json()
    assert made["roles"] == ["QUALITY"]
    [row] = tablet.get("/api/v1/calls?unit=CNC-07").json()["results"]
    assert (row["call"], row["state"], row["note"]) == (made["call_id"], "OPEN", "burr")
    assert row["whom"] == "QUALITY"
    assert row["called_by"] == "CNC-07-TABLET"
    taken = {"kind": "call_taken", "call": made["call_id"], "minutes": 3}
    assert tablet.post(taken).status_code == 403  # an operator's tablet answers no call
    assert simulator.post(taken).status_code == 200
    assert simulator.post({"kind": "call_arrived", "call": made["call_id"]}).status_code == 200
    ended = {"kind": "call_ended", "call": made["call_id"], "outcome": "deburred"}
    assert simulator.post(ended).status_code == 200
    assert tablet.get("/api/v1/calls").json()["count"] == 0
    [row] = tablet.get("/api/v1/calls?over=true").json()["results"]
    assert (row["state"], row["outcome"], row["arrived_s"]) == ("ENDED", "deburred", 0)


def test_a_tablet_calls_for_its_own_station_only_and_takes_its_call_back(tablet):
    body = {"kind": "call", "unit": "CNC-07", "whom": "MATERIAL", "stopped": False}
    assert tablet.post({**body, "unit": "CNC-04"}).status_code == 403
    assert tablet.post({**body, "whom": "JANITOR"}).status_code == 422
    made = tablet.post(body).json()
    cancel = {"kind": "call_cancelled", "call": made["call_id"]}
    assert tablet.post(cancel).status_code == 200
    assert tablet.post(cancel).status_code == 409
