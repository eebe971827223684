"""A person's own tokens: what they open, what they do not, and how they end."""

from __future__ import annotations

import re
import uuid

import pytest
from django.contrib.auth.models import User
from django.test import Client

from mes.models import CommandKey, PersonToken, RoleGrant, ShopFloorEvent, Site
from tests.api.test_events import BREAKDOWN, Sender

pytestmark = pytest.mark.django_db


def page_of(name):
    client = Client()
    client.force_login(User.objects.get(username=name))
    return client


def made(page, key=None, **form):
    """Make a token on the page and return it as it was shown, with the page."""
    form = {"name": "script", "key": str(key or uuid.uuid4())} | form
    shown = page.post("/tokens/", form)
    found = re.search(r'data-testid="token">([^<]+)<', shown.content.decode())
    return found and found[1], shown


def test_a_token_speaks_with_the_roles_of_its_person(northfield_site):
    token, _page = made(page_of("tomas"))
    sender = Sender(token)
    assert sender.get("/api/v1/plan").json()["site"] == "NF"
    assert sender.post(BREAKDOWN).status_code == 200
    assert str(ShopFloorEvent.objects.latest("seq").person) == "Tomas Horak"
    refused = sender.post({"kind": "hold", "lot": "L-24-1187"})
    assert (refused.status_code, refused.json()["code"]) == (403, "no_right")


def test_only_the_hash_of_a_token_is_kept_anywhere(northfield_site):
    token, _page = made(page_of("jana"))
    row = PersonToken.objects.get()
    assert len(row.token_sha256) == 64
    event = ShopFloorEvent.objects.latest("seq")
    stored = [str(event.body), *(str(each.response) for each in CommandKey.objects.all())]
    assert event.kind == "mes.person_token.changed"
    assert not any(token in text or row.token_sha256 in text for text in stored)


def test_a_form_sent_twice_makes_one_token_and_shows_it_once(northfield_site):
    page, key = page_of("jana"), uuid.uuid4()
    token, _page = made(page, key)
    again, shown = made(page, key)
    assert token
    assert not again
    assert b"made already" in shown.content
    assert PersonToken.objects.count() == 1


def test_a_token_takes_no_decision_unless_it_was_made_to(northfield_site):
    page = page_of("jana")
    reads, _page = made(page)
    decides, _page = made(page, name="planner bot", decides="on")
    refused = Sender(reads).post({}, path="/api/v1/decisions/999/undo")
    allowed = Sender(decides).post({}, path="/api/v1/decisions/999/undo")
    assert refused.status_code == 403
    assert "without decisions" in refused.json()["message"]
    assert allowed.status_code == 404


def test_a_revoked_token_is_worth_nothing_and_nobody_revokes_anothers(northfield_site):
    token, _page = made(page_of("jana"))
    row = PersonToken.objects.get()
    form = {"key": str(uuid.uuid4())}
    assert page_of("tomas").post(f"/tokens/{row.pk}/revoke/", form).status_code == 404
    assert Sender(token).get("/api/v1/plan").status_code == 200
    assert page_of("jana").post(f"/tokens/{row.pk}/revoke/", form | {"key": str(uuid.uuid4())})
    assert Sender(token).get("/api/v1/plan").status_code == 401
    assert b"token-row" not in page_of("jana").get("/tokens/").content


def test_a_token_ends_with_its_person_and_with_his_last_role(northfield_site):
    token, _page = made(page_of("jana"))
    User.objects.filter(username="jana").update(is_active=False)
    assert Sender(token).get("/api/v1/plan").status_code == 401
    User.objects.filter(username="jana").update(is_active=True)
    assert Sender(token).get("/api/v1/plan").status_code == 200
    RoleGrant.objects.filter(person__user__username="jana").delete()
    assert Sender(token).get("/api/v1/plan").status_code == 401


def test_a_token_is_of_the_site_where_it_was_made(northfield_site):
    token, _page = made(page_of("jana"))
    person = PersonToken.objects.get().person
    RoleGrant.objects.filter(person=person).delete()
    other = Site.objects.create(code="XX", name="Elsewhere")
    RoleGrant.objects.create(person=person, role="PLANNER", site=other)
    assert Sender(token).get("/api/v1/plan").status_code == 401


@pytest.mark.parametrize("form", [{"name": ""}, {"name": "x" * 61}, {"key": "none"}])
def test_a_token_that_can_not_be_meant_is_not_made(northfield_site, form):
    _token, shown = made(page_of("jana"), **form)
    assert shown.status_code == 422
    assert not PersonToken.objects.exists()


def test_two_tokens_of_one_name_are_refused_in_words(northfield_site):
    page = page_of("jana")
    made(page)
    token, shown = made(page)
    assert not token
    assert b"Take another name" in shown.content
