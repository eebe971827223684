"""A plant that only listens: nothing is applied, and what was foreseen stands beside what came."""

from __future__ import annotations

import uuid
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from django.test import Client

from materials.models import CustomerLine
from mes.clock import plant_now, wall_now
from mes.models import Notice, Person, ShopFloorEvent, SiteHead, SitePlan, Task
from planning import actions as planning
from planning.management.commands.sweep import UNFORESEEN, _sites
from planning.models import Consent, Foresight
from planning.shadow.actions import begin_shadow, end_shadow, keep_foresight
from planning.shadow.record import deliveries, noted, track_record
from planning.verify import problems
from tests.planning.conftest import DAY, Company
from tests.planning.test_customers_are_told import accept
from tests.planning.test_notices import client_of, jana, stop
from workorders.models import JobOrder, UnitQueue

__all__ = ["jana"]


def queues(company: Company) -> dict[int, list[int]]:
    rows = UnitQueue.objects.filter(site=company.site)
    return dict(rows.values_list("unit_id", "job_order_ids"))


def test_what_is_accepted_is_noted_and_nothing_is_changed(company: Company) -> None:
    stop(company)
    before = (queues(company), set(JobOrder.objects.values_list("pk", "unit_id", "version")))
    plan = SitePlan.objects.get(site=company.site)
    tasks = Task.objects.filter(site=company.site).count()
    seq = SiteHead.objects.get(site=company.site).seq
    company.must(begin_shadow)

    decision = accept(company, "ALTERNATE_UNIT")

    assert (decision.shadow, decision.changes, decision.inverse["queues"]) == (True, [], {})
    assert decision.predicted["lines"]
    assert decision.predicted["without"]
    assert decision.predicted["lines"] != decision.predicted["without"]
    assert (
        queues(company),
        set(JobOrder.objects.values_list("pk", "unit_id", "version")),
    ) == before
    said = ShopFloorEvent.objects.filter(site=company.site, seq__gt=seq)
    assert [(each.kind, each.body["shadow"]) for each in said] == [
        ("planning.option.accepted", True)
    ]
    assert Task.objects.filter(site=company.site).count() == tasks
    assert not Consent.objects.filter(site=company.site).exists()
    after = SitePlan.objects.get(site=company.site)
    assert after.committed_version == plan.committed_version
    assert company.disruption("BREAKDOWN").state == "ACCEPTED"
    assert list(problems(company.site)) == []


def test_what_was_noted_is_taken_back_and_works_as_usual_after_the_end(company: Company) -> None:
    stop(company)
    company.must(begin_shadow)
    noted_one = accept(company, "ALTERNATE_UNIT")
    company.must(planning.undo, decision_id=noted_one.pk)
    assert noted(company.site, plant_now(company.site).date()) == []
    assert company.do(begin_shadow).status == 422
    company.must(end_shadow)
    assert company.do(end_shadow).status == 422
    planning.recompute(company.site.pk, wall_now=wall_now())
    before = queues(company)

    decision = accept(company, "ALTERNATE_UNIT")

    assert not decision.shadow
    assert queues(company) != before


def test_each_day_is_foreseen_once(company: Company) -> None:
    planning.recompute(company.site.pk, wall_now=wall_now())
    assert _sites(UNFORESEEN, now=wall_now()) == [company.site.pk]
    assert keep_foresight(company.site.pk, wall_now=wall_now())
    assert not keep_foresight(company.site.pk, wall_now=wall_now())
    assert _sites(UNFORESEEN, now=wall_now()) == []
    row = Foresight.objects.get(site=company.site)
    here = plant_now(company.site).astimezone(ZoneInfo(company.site.time_zone))
    assert row.day == here.date()
    lines = CustomerLine.objects.filter(site=company.site, shipped_at=None, cancelled_at=None)
    assert set(row.lines) == {str(line.pk) for line in lines}
    assert all(projected for _promised, projected in row.lines.values())


def test_what_was_said_a_week_and_a_day_before_stands_beside_what_came(company: Company) -> None:
    site = company.site
    now = plant_now(site)
    here = now.astimezone(ZoneInfo(site.time_zone))
    line = CustomerLine.objects.filter(site=site).order_by("pk")[0]
    assert line.promised_at is not None
    for days, off in ((7, 3), (1, 1)):
        Foresight.objects.create(
            site=site,
            day=here.date() - timedelta(days=days),
            made_at=now,
            version=1,
            lines={
                str(line.pk): [
                    (now - 2 * DAY).isoformat(),
                    (now - off * DAY).isoformat(),
                ]
            },
        )
    CustomerLine.objects.filter(pk=line.pk).update(shipped_at=now, shipped_quantity=line.quantity)

    (row,) = [each for each in deliveries(site, here.date()) if each.line.pk == line.pk]

    came = row.came
    assert came is not None
    assert (row.planned, row.week, row.eve) == (now - 2 * DAY, now - 3 * DAY, now - DAY)
    record = {(each.first, each.last): each for each in track_record(site, here.date())}
    eve, week = record[1, 1], record[4, 7]
    assert (eve.of, week.of, record[2, 3].of, record[2, 3].ours) == (1, 1, 0, None)
    transit = (came - now) / DAY
    assert eve.ours == pytest.approx(1 + transit)
    assert week.ours == pytest.approx(3 + transit)
    assert week.planned == pytest.approx(2 + transit)


def test_the_page_says_the_mode_and_what_would_have_been_saved(
    company: Company, jana: Person
) -> None:
    planner: Client = client_of(jana)
    stop(company)
    first = planner.get("/shadow/").content.decode()
    assert "works as usual" in first
    assert "no record yet" in first
    assert planner.post("/shadow/begin/", {"key": str(uuid.uuid4())}).status_code == 302
    assert "only listens, since" in planner.get("/shadow/?day=never").content.decode()
    decision = accept(company, "ALTERNATE_UNIT")
    page = planner.get("/shadow/")
    (row,) = page.context["noted"]
    assert row["without"] > row["with"]
    assert row["saved_days"] == row["days"] - row["with"]
    assert decision.title in page.content.decode()
    assert not Notice.objects.filter(site=company.site, kind="DECIDED").exists()
    assert 'data-testid="listens"' in planner.get("/tower/").content.decode()
    assert "noted only" in planner.get("/decisions/").content.decode()
    assert planner.get(f"/disruptions/{decision.disruption_id}/").status_code == 200
    assert planner.post("/shadow/end/", {"key": str(uuid.uuid4())}).status_code == 302
    company.must(planning.undo, decision_id=decision.pk)
    planning.recompute(company.site.pk, wall_now=wall_now())
    accept(company, "ALTERNATE_UNIT")
    assert Notice.objects.filter(site=company.site, kind="DECIDED").exists()
    again = planner.post("/shadow/end/", {"key": str(uuid.uuid4())})
    assert (again.status_code, "as usual already" in again.content.decode()) == (422, True)


def test_a_projected_date_says_how_far_off_its_like_usually_were(
    company: Company, jana: Person
) -> None:
    planner: Client = client_of(jana)
    planning.recompute(company.site.pk, wall_now=wall_now())
    assert "no record yet" in planner.get("/deliveries/").content.decode()
    now = plant_now(company.site)
    day = now.astimezone(ZoneInfo(company.site.time_zone)).date()
    errors = [[1, 1, 3, 0.5, 1.0], [2, 3, 2, 1.5, 2.0], [4, 7, 0, None, None]]
    Foresight.objects.create(
        site=company.site, day=day, made_at=now, version=1, lines={}, errors=errors
    )

    page = planner.get("/deliveries/")

    for row in page.context["rows"]:
        ahead = max((row["projected"] - now).days, 1)
        assert row["off_days"] == {1: 0.5, 2: 1.5, 3: 1.5}.get(ahead), ahead
    assert 'data-testid="usually-off"' in page.content.decode()
