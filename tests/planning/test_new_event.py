"""The forms of what happened: who may use which, what they offer, what they say before saving."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from equipment.models import Tool
from mes.models import Person, Role, RoleGrant, ShopFloorEvent
from planning.forms import FORMS, Moment
from planning.models import Disruption
from planning.views.events import NEEDED, TILES
from tests.planning.conftest import Company
from tests.planning.test_supply_and_demand import line, tight
from workorders import actions as workorders

__all__ = ["tight"]


@pytest.fixture(autouse=True)
def skilled(tight: Company) -> Person:
    return attendant(tight)


def client(company: Company, role: str) -> Client:
    user = User.objects.create_user(f"{role}-{uuid.uuid4()}"[:30])
    person = Person.objects.create(user=user, name=role.title())
    RoleGrant.objects.create(person=person, role=role, site=company.site)
    found = Client()
    found.force_login(user)
    return found


def tool(company: Company) -> Tool:
    row, _made = Tool.objects.get_or_create(site=company.site, code="JIG", name="Jig")
    return row


def attendant(company: Company) -> Person:
    row, made = Person.objects.get_or_create(name="Jan Maly")
    if made:
        company.must(
            workorders.add_skill,
            code="MILL",
            name="Runs a mill",
            unit_ids=[company.ids["CNC-04"]],
            people=[(row.pk, 1, [])],
        )
    return row


def filled(company: Company, kind: str) -> dict[str, Any]:
    """Each form filled in with what the tight plant has."""
    stock = company.lot("L-1").balances.get().pk
    forms: dict[str, dict[str, Any]] = {
        "shortage": {"stock": stock, "missing": "60"},
        "count": {"stock": stock, "counted": "0"},
        "purchase": {"line": company.ids["PO-1"], "expected_at": "2026-12-01T08:00"},
        "receipt": {
            "line": company.ids["PO-1"],
            "quantity": "200",
            "lot": "L-2",
            "location": company.ids["STORE"],
        },
        "order": {
            "customer": company.ids["VOSS"],
            "item": company.ids["BODY"],
            "quantity": "40",
            "requested_at": "2026-11-24T08:00",
        },
        "demand": {"line": line(company).pk, "quantity": "100", "agreed": "on"},
        "cancel": {"line": line(company).pk, "note": "project stopped"},
        "breakdown": {"unit": company.ids["CNC-04"], "back_at": "2026-11-27T08:00"},
        "slow": {"unit": company.ids["CNC-04"], "percent": "60", "back_at": "2026-11-27T08:00"},
        "tool": {"tool": tool(company).pk, "back_at": "2026-11-27T08:00"},
        "absence": {
            "person": attendant(company).pk,
            "ends_at": "2026-11-27T08:00",
            "unit": company.ids["CNC-04"],
        },
        "shift": {
            "place": company.ids["CNC-04"],
            "starts_at": "2026-11-28T06:00",
            "ends_at": "2026-11-28T14:00",
            "reason": "Saturday shift",
        },
        "closure": {
            "place": company.ids["BENCH"],
            "ends_at": "2026-11-28T08:00",
            "reason": "power cut",
        },
        "queue": {
            "move": f"{company.job('WO-2').pk}:{company.ids['CNC-04']}",
            "place": "next",
            "reason": "the forge waits",
        },
        "return": {
            "line": line(company, "SO-0").pk,
            "quantity": "2",
            "why": "they leak",
            "needed_at": "2026-11-26T08:00",
        },
        "check": {"lot": company.lot("L-3").pk, "note": "the line waits"},
        "hold": {"lot": company.lot("L-1").pk, "expected_at": "2026-11-28T08:00"},
    }
    return forms[kind]


@pytest.mark.parametrize("kind", FORMS)
def test_a_form_has_at_most_four_fields_and_says_its_effect_before_it_is_saved(
    tight: Company, kind: str
) -> None:
    office = client(tight, Role.ADMIN)
    page = office.get(reverse("planning:new_event"), {"kind": kind})
    assert page.status_code == 200
    assert len(page.context["form"].visible_fields()) <= 4
    seq = ShopFloorEvent.objects.filter(site=tight.site).count()

    told = office.post(reverse("planning:new_event_preview"), {"kind": kind, **filled(tight, kind)})
    assert told.status_code == 200
    assert "invalid" not in told.context["effect"], told.context["effect"]
    assert ShopFloorEvent.objects.filter(site=tight.site).count() == seq

    key = str(uuid.uuid4())
    values = {"kind": kind, "key": key, **filled(tight, kind)}
    saved = office.post(reverse("planning:new_event"), values)
    assert saved.status_code == 302, saved.content
    stored = ShopFloorEvent.objects.filter(site=tight.site)
    assert stored.count() == seq + stored.filter(key=key).count() > seq
    seq = stored.count()
    again = office.post(reverse("planning:new_event"), values)
    assert again.status_code in (302, 422)
    assert stored.count() == seq


INSTANTS = {
    kind: names
    for kind, form in FORMS.items()
    if (names := [name for name, each in form.base_fields.items() if type(each.widget) is Moment])
}


@pytest.mark.parametrize("kind", INSTANTS)
@pytest.mark.parametrize("year", ["1900", "9999"])
def test_no_form_takes_a_day_that_can_not_be_meant(tight: Company, kind: str, year: str) -> None:
    office = client(tight, Role.ADMIN)
    stored = ShopFloorEvent.objects.filter(site=tight.site)
    seq = stored.count()
    for name in INSTANTS[kind]:
        wrong = {**filled(tight, kind), name: f"{year}-12-31T23:59"}
        told = office.post(reverse("planning:new_event_preview"), {"kind": kind, **wrong})
        assert b'data-testid="effect-off"' in told.content, name
        key = {"kind": kind, "key": str(uuid.uuid4())}
        page = office.post(reverse("planning:new_event"), {**key, **wrong})
        assert page.status_code == 422, name
        assert page.context["refusal"]["text"].endswith("."), name
    assert stored.count() == seq


@pytest.mark.parametrize("kind", FORMS)
def test_a_form_with_something_strange_in_it_is_answered_and_stores_all_or_nothing(
    tight: Company, kind: str
) -> None:
    office = client(tight, Role.ADMIN)
    stored, usual = ShopFloorEvent.objects.filter(site=tight.site), filled(tight, kind)
    for name in FORMS[kind].base_fields:
        for value in ("\x00", "x" * 5000, "1" * 5000, "1e30", "NaN", "-1", "²", "0001-01-01T00:00"):
            seq = stored.count()
            key = {"kind": kind, "key": str(uuid.uuid4())}
            strange = {**usual, name: value}
            told = office.post(reverse("planning:new_event_preview"), {"kind": kind, **strange})
            saved = office.post(reverse("planning:new_event"), {**key, **strange})
            # What no record can keep is no form at all.
            unreadable = {400} if value == "\x00" else set()
            assert told.status_code in {200} | unreadable, (name, value)
            assert saved.status_code in {302, 409, 422} | unreadable, (name, value)
            assert (saved.status_code == 302) == (stored.count() > seq), (name, value)


def test_the_forms_with_a_day_are_known() -> None:
    assert len(INSTANTS) >= 9


def test_each_form_has_a_tile_and_each_tile_a_form() -> None:
    assert [tile.kind for tile in TILES] == list(FORMS)


@pytest.mark.parametrize("role", [Role.BUYER, Role.SALES, Role.STORES, Role.OPERATOR])
def test_a_role_may_say_what_is_its_own_and_is_told_who_may_say_the_rest(
    tight: Company, role: str
) -> None:
    person = client(tight, role)
    page = person.get(reverse("planning:new_event"))
    off = {tile["kind"] for tile in page.context["tiles"] if tile["off"]}
    allowed = set(FORMS) - off
    assert allowed
    assert off
    for kind in off:
        seq = ShopFloorEvent.objects.filter(site=tight.site).count()
        values = {"kind": kind, "key": str(uuid.uuid4()), **filled(tight, kind)}
        person.post(reverse("planning:new_event"), values)
        assert ShopFloorEvent.objects.filter(site=tight.site).count() == seq, NEEDED[kind]


def test_who_only_looks_may_say_nothing(tight: Company) -> None:
    assert client(tight, Role.VIEWER).get(reverse("planning:new_event")).status_code == 403


def test_taking_back_needs_the_right_of_saying(tight: Company) -> None:
    office, floor = client(tight, Role.PLANNER), client(tight, Role.OPERATOR)
    values = {"kind": "order", "key": str(uuid.uuid4()), **filled(tight, "order")}
    office.post(reverse("planning:new_event"), values)
    tight.answer()
    row = tight.disruption("DEMAND")
    url = reverse("planning:take_back", args=[row.pk])
    assert floor.post(url, {"key": str(uuid.uuid4())}).status_code == 403
    page = office.get(reverse("planning:disruption", args=[row.pk]))
    assert "Rush order" in page.content.decode()
    assert page.context["d"]["take_back"]

    office.post(url, {"key": str(uuid.uuid4())})
    tight.answer()
    assert Disruption.objects.get(pk=row.pk).close_reason == "AS_BEFORE"
