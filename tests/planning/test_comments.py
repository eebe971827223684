"""What people write to each other on a record."""

from __future__ import annotations

import uuid

import pytest
from django.db import DatabaseError, transaction

from mes.models import Comment, Notice, Person, Role
from planning import actions as planning
from planning.models import Disruption
from tests.planning.conftest import Company
from tests.planning.test_calls import signed_in
from tests.planning.test_notices import client_of, jana, notice, person, stop

__all__ = ["jana"]


@pytest.fixture
def broken(company: Company) -> Disruption:
    stop(company)
    Notice.objects.all().delete()
    return company.disruption("BREAKDOWN")


def say(company: Company, row: Disruption, text: str) -> Comment:
    made = company.must(planning.comment, subject_type="disruption", subject_id=row.pk, text=text)
    return Comment.objects.get(pk=made["comment_id"])


def test_a_comment_stands_on_the_page_and_its_withdrawal_too(
    company: Company, broken: Disruption, jana: Person
) -> None:
    said = say(company, broken, "The bearing is in Hamburg.")
    client, here = client_of(jana), f"/disruptions/{broken.pk}/"
    assert "The bearing is in Hamburg." in client.get(here).content.decode()

    company.must(planning.withdraw_comment, comment_id=said.pk)
    page = client.get(here).content.decode()
    assert "The bearing is in Hamburg." not in page
    assert "taken back" in page
    assert company.do(planning.withdraw_comment, comment_id=said.pk).status == 409


def test_nothing_of_the_plant_is_computed_for_a_comment(
    company: Company, broken: Disruption
) -> None:
    before = company.kinds()
    say(company, broken, "I look after it.")
    assert company.kinds() == before
    assert company.answer().state == "CURRENT"


def test_a_comment_can_not_be_changed(company: Company, broken: Disruption) -> None:
    said = say(company, broken, "Ask Nordseal.")
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        Comment.objects.filter(pk=said.pk).update(text="I said nothing.")


@pytest.mark.parametrize(
    "text", ["@Jana can you call them?", "ask @jana.", "@JANA MAREK knows", "(@Jana Marek)"]
)
def test_who_is_mentioned_is_told(company: Company, broken: Disruption, text: str) -> None:
    marek = person(company, "Jana Marek")
    say(company, broken, text)
    told = notice(marek)
    assert (told.kind, told.read_at) == ("MENTIONED", None)
    assert told.text == f"Petra Novak on CNC-04 down: {text}"


@pytest.mark.parametrize("text", ["mail jana@example.org", "@Janine", "Jana", "@ Jana", "@Tom"])
def test_who_is_not_mentioned_is_not(company: Company, broken: Disruption, text: str) -> None:
    marek = person(company, "Jana Marek")
    say(company, broken, text)
    assert not Notice.objects.filter(person=marek).exists()


def test_a_mention_that_is_taken_back_rings_no_more(
    company: Company, broken: Disruption, jana: Person
) -> None:
    said = say(company, broken, "@Jana is late again")
    company.must(planning.withdraw_comment, comment_id=said.pk)
    assert not Notice.objects.filter(person=jana).exists()


def test_nobody_takes_anothers_comment_back(
    company: Company, broken: Disruption, jana: Person
) -> None:
    said = say(company, broken, "Mine")
    given = {"key": str(uuid.uuid4())}
    assert client_of(jana).post(f"/comments/{said.pk}/withdraw/", given).status_code == 403
    assert Comment.objects.count() == 1


def test_a_comment_is_written_from_the_page_and_nothing_is_refused_in_words(
    company: Company, broken: Disruption, jana: Person
) -> None:
    client, here = client_of(jana), f"/comments/disruption/{broken.pk}/"
    empty = client.post(here, {"key": str(uuid.uuid4()), "text": "  "})
    assert empty.status_code == 422
    assert "Write something first" in empty.content.decode()
    given = {"key": str(uuid.uuid4()), "text": "<b>Two</b> lines\nof it"}
    page = client.post(here, given, headers={"HX-Request": "true"}).content.decode()
    assert "&lt;b&gt;Two&lt;/b&gt; lines<br>of it" in page
    assert client.post(here, given).status_code == 302  # without script, and once
    assert Comment.objects.count() == 1


def test_who_only_looks_reads_and_sees_why_he_can_not_write(
    company: Company, broken: Disruption
) -> None:
    say(company, broken, "For all")
    viewer = signed_in(company, "vera", Role.VIEWER)
    page = viewer.get(f"/disruptions/{broken.pk}/").content.decode()
    assert "For all" in page
    assert "a viewer only reads" in page
    given = {"key": str(uuid.uuid4()), "text": "me too"}
    assert viewer.post(f"/comments/disruption/{broken.pk}/", given).status_code == 403


def test_what_is_not_here_can_not_be_commented_on(company: Company, jana: Person) -> None:
    client = client_of(jana)
    for path in ("/comments/disruption/999999/", "/comments/nonsense/1/"):
        assert client.get(path).status_code == 404
