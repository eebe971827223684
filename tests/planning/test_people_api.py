"""Notices and comments over the API."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
from django.test import Client

from mes.models import Comment, Person
from planning.models import Disruption
from tests.planning.conftest import Company
from tests.planning.test_notices import client_of, jana, notice, stop

__all__ = ["jana"]


@pytest.fixture
def broken(company: Company, jana: Person) -> Disruption:
    stop(company)
    return company.disruption("BREAKDOWN")


def post(client: Client, path: str, body: dict[str, Any] | None = None) -> Any:
    return client.post(
        path,
        json.dumps(body or {}),
        content_type="application/json",
        headers={"Idempotency-Key": str(uuid.uuid4())},
    )


def test_a_person_reads_his_notices_and_marks_them(broken: Disruption, jana: Person) -> None:
    client = client_of(jana)
    [row] = client.get("/api/v1/notices?unread=1").json()["results"]
    assert (row["kind"], row["times"], row["subject_id"]) == ("NEW", 1, broken.pk)
    assert row["text"] == "CNC-04 down, 2 deliveries late"
    answer = post(client, f"/api/v1/notices/{row['id']}/read")
    assert (answer.status_code, answer.json()["read"]) == (200, 1)
    assert client.get("/api/v1/notices?unread=1").json()["count"] == 0
    assert client.get("/api/v1/notices").json()["count"] == 1
    assert notice(jana).read_at is not None
    assert post(client, "/api/v1/notices/999999/read").status_code == 404


def test_a_comment_is_written_read_and_taken_back(broken: Disruption, jana: Person) -> None:
    client = client_of(jana)
    about = {"subject_type": "disruption", "subject_id": broken.pk}
    made = post(client, "/api/v1/comments", {**about, "text": "Bearing ordered"})
    assert made.status_code == 200
    query = f"/api/v1/comments?subject_type=disruption&subject_id={broken.pk}"
    [row] = client.get(query).json()["results"]
    assert (row["person"], row["text"], row["withdrawn"]) == ("Jana", "Bearing ordered", False)
    assert post(client, f"/api/v1/comments/{row['id']}/withdraw").status_code == 200
    [row] = client.get(query).json()["results"]
    assert (row["text"], row["withdrawn"]) == ("", True)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"subject_type": "disruption", "subject_id": 999999, "text": "x"}, 404),
        ({"subject_type": "nonsense", "subject_id": 1, "text": "x"}, 422),
        ({"subject_type": "disruption", "subject_id": 10**30, "text": "x"}, 422),
        ({"subject_type": "disruption", "text": "x"}, 422),
        ({"subject_type": "disruption", "subject_id": 1, "text": "x" * 2001}, 422),
    ],
)
def test_a_comment_on_nothing_or_too_long_is_refused(
    broken: Disruption, jana: Person, body: dict[str, Any], status: int
) -> None:
    assert post(client_of(jana), "/api/v1/comments", body).status_code == status
    assert not Comment.objects.exists()


@pytest.mark.parametrize("number", ["999999", "-1", "1e30", "9" * 30, "٣", ""])
def test_comments_of_what_is_not_there_are_not_found(
    broken: Disruption, jana: Person, number: str
) -> None:
    query = f"/api/v1/comments?subject_type=disruption&subject_id={number}"
    assert client_of(jana).get(query).status_code == 404
