"""What a station sends is stored and answered, though the plan has moved on meanwhile."""

from __future__ import annotations

import uuid

import pytest
from django.test import Client

from mes.models import Role
from tests.planning.conftest import Company
from tests.planning.test_calls import signed_in
from workorders import actions as workorders
from workorders.models import JobResponse


@pytest.fixture
def operator(company: Company) -> Client:
    return signed_in(company, "petra", Role.OPERATOR)


@pytest.mark.parametrize("by_htmx", [False, True])
def test_a_report_of_a_job_that_was_moved_meanwhile_leads_back_to_the_station(
    company: Company, operator: Client, by_htmx: bool
) -> None:
    company.order("WO-9")
    job = company.job("WO-9")
    company.must(
        workorders.move_job,
        job_order_id=job.pk,
        to_unit_id=company.ids["CNC-07"],
        position=0,
        reason="",
    )

    answer = operator.post(
        f"/floor/CNC-04/jobs/{job.pk}/report/",
        {"key": uuid.uuid4(), "good": "2"},
        headers={"HX-Request": "true"} if by_htmx else {},
    )

    assert JobResponse.objects.get(job_order=job).good == 2
    where = answer["HX-Redirect"] if by_htmx else answer["Location"]
    assert (answer.status_code, where) == (204 if by_htmx else 302, "/floor/CNC-04/")
