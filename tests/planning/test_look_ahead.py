"""An event is tried before it is saved: nothing of it stays, and nobody waits for the trial."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import psycopg2
import pytest
from django.db import connection

from equipment.models import Downtime
from mes.clock import wall_now
from mes.errors import Busy
from planning import actions as planning
from planning.actions.study import Study
from tests import servers
from tests.planning.conftest import Company


def try_breakdown(company: Company) -> Any:
    values = {"unit_id": company.ids["CNC-04"], "back_at": company.now + timedelta(days=4)}
    return planning.preview_event(company.site, "breakdown", values, wall_now=wall_now())


def test_what_it_would_do_is_worked_out_after_everything_is_free_again(
    committed_company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    figures_of, held = Study.impact_figures, []

    def watched(self: Study, *given: Any) -> Any:
        held.append(connection.in_atomic_block)
        return figures_of(self, *given)

    monkeypatch.setattr(Study, "impact_figures", watched)

    figures = try_breakdown(committed_company)

    assert figures["late_lines"] == 2
    assert held == [False]
    assert not Downtime.objects.exists()


def test_a_machine_that_somebody_else_is_changing_is_said_to_be_busy(
    committed_company: Company,
) -> None:
    with connection.cursor() as cursor:
        cursor.execute("set lock_timeout = '50ms'")
    with psycopg2.connect(servers.database_url()) as other, other.cursor() as there:
        there.execute("select * from equipment_unitstatus for update")
        with pytest.raises(Busy, match="Try again in a moment"):
            try_breakdown(committed_company)
    with connection.cursor() as cursor:
        cursor.execute("reset lock_timeout")

    assert try_breakdown(committed_company)["late_lines"] == 2
