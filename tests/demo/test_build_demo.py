"""Northfield: what the demo builds, and that building it again changes nothing."""

from __future__ import annotations

import io
import json
import uuid
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from django.core.management import call_command
from django.db import transaction

from equipment.actions import report_breakdown
from equipment.models import Equipment
from materials.models import CustomerLine, StockBalance
from mes import commands
from mes.access import actor_for, actor_for_token
from mes.actor import SYSTEM
from mes.clock import wall_now
from mes.models import Person, Role, ShopFloorEvent, Site, SiteClock, SiteHead, SitePlan
from planning import northfield
from planning.actions import authority, recompute
from planning.management.commands import build_demo
from planning.models import Disruption, Option, PlanVersion
from workorders.models import JobOrder, UnitQueue, Unsettled, WorkOrder

pytestmark = pytest.mark.django_db


def build() -> str:
    said = io.StringIO()
    call_command("build_demo", stdout=said)
    return said.getvalue()


def test_a_build_that_fails_on_the_way_leaves_nothing(tmp_path, settings, monkeypatch):
    settings.DATA_DIR = tmp_path
    monkeypatch.setattr(build_demo.Builder, "history", lambda self: 1 / 0)
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        build()
    assert not Site.objects.filter(code="NF").exists()


def test_building_twice_changes_nothing(northfield_site, data_dir):
    head = SiteHead.objects.get(site=northfield_site)
    tokens = (data_dir / build_demo.TOKENS).read_text()

    assert "already built" in build()

    again = SiteHead.objects.get(site=northfield_site)
    assert (again.seq, bytes(again.head_hash)) == (head.seq, bytes(head.head_hash))
    assert ShopFloorEvent.objects.filter(site=northfield_site).count() == head.seq
    assert (data_dir / build_demo.TOKENS).read_text() == tokens


def test_the_plant_opens_as_it_is_drawn(northfield_site):
    site = northfield_site
    assert SiteClock.objects.get(site=site).at == northfield.OPENS_AT
    assert WorkOrder.objects.filter(site=site).count() == len(northfield.ORDERS)
    assert CustomerLine.objects.filter(site=site, shipped_at=None).count() == 74
    assert CustomerLine.objects.filter(site=site).exclude(shipped_at=None).count() == 1
    running = JobOrder.objects.filter(site=site, status=JobOrder.Status.RUNNING)
    assert {job.unit.code for job in running.select_related("unit")} == {
        unit.code for unit in northfield.UNITS
    }
    aquila = running.get(work_order__code="WO-2291")
    assert aquila.number == 30
    assert (int(aquila.good), int(aquila.scrap)) == (62, 1)
    assert not Unsettled.objects.filter(site=site).exists()


def test_the_history_takes_its_own_stock_and_leaves_the_opening_stock(northfield_site):
    left = {
        row.lot.code: row.quantity
        for row in StockBalance.objects.filter(site=northfield_site).select_related("lot")
    }
    opened = (*northfield.LOTS, northfield.UNCHECKED)
    opening = {lot.lot: float(lot.quantity) for lot in opened}
    assert {code: float(left[code]) for code in opening} == opening
    assert {float(quantity) for code, quantity in left.items() if code not in opening} == {0.0}


def test_no_unit_made_two_things_at_once_before_the_opening():
    busy: dict[str, list[tuple[datetime, datetime]]] = {}
    facts = {(fact.order, fact.operation, fact.starts): fact for fact in build_demo._finished()}
    for order in northfield.ORDERS:
        for step in northfield.ROUTINGS[order.item]:
            if step.number <= order.done:
                unit = dict(order.on).get(step.number, step.unit)
                busy.setdefault(unit, []).append(
                    (
                        facts[order.code, step.number, True].at,
                        facts[order.code, step.number, False].at,
                    )
                )
    for spans in busy.values():
        spans.sort()
        assert all(before[1] < after[0] for before, after in pairwise(spans))
        assert spans[-1][1] <= northfield.OPENS_AT - timedelta(hours=2)


def test_every_open_job_order_stands_in_exactly_one_queue(northfield_site):
    queued = [job for queue in UnitQueue.objects.all() for job in queue.job_order_ids]
    open_jobs = JobOrder.objects.filter(site=northfield_site).exclude(status="COMPLETED")
    assert sorted(queued) == sorted(open_jobs.values_list("pk", flat=True))


def test_the_token_file_opens_the_devices_and_no_one_else_may_read_it(northfield_site, data_dir):
    file = data_dir / build_demo.TOKENS
    assert file.stat().st_mode & 0o077 == 0
    found = actor_for_token(json.loads(file.read_text())["CNC-07-TABLET"])
    assert found is not None
    assert found[0].roles == frozenset({Role.OPERATOR})
    assert found[1] == northfield_site


def test_a_lost_token_file_gives_the_devices_new_tokens(northfield_site, data_dir):
    file = data_dir / build_demo.TOKENS
    lost = json.loads(file.read_text())["SIMULATOR"]
    file.unlink()
    build()
    assert actor_for_token(lost) is None
    assert actor_for_token(json.loads(file.read_text())["SIMULATOR"]) is not None


def test_nothing_is_late_when_the_plant_opens(northfield_site):
    version = PlanVersion.objects.filter(site=northfield_site).latest("version")
    assert version.figures["late_lines"] == 0
    assert version.figures["undated_operations"] == 0
    assert SitePlan.objects.get(site=northfield_site).committed_version > 0
    assert not Disruption.objects.filter(site=northfield_site).exclude(state="CLOSED").exists()


def test_a_day_without_cnc_04_hurts_a_few_customers_and_there_are_ways_to_help(northfield_site):
    site = northfield_site
    unit = Equipment.objects.get(site=site, code="CNC-04")
    commands.run(
        site=site,
        key=uuid.uuid4(),
        actor=SYSTEM,
        name="test",
        body={},
        act=lambda command: report_breakdown(
            command, unit_id=unit.pk, back_at=northfield.local(11, 25, 10)
        ),
    )
    recompute(site.pk, wall_now=wall_now())

    disruption = Disruption.objects.get(site=site, kind=Disruption.Kind.BREAKDOWN)
    hit = disruption.impacts.get().figures["lines_hit"]
    assert {line["customer"] for line in hit} >= {"Aquila Hydraulics", "Voss Agri", "Tessera Rail"}
    assert 3 <= len(hit) <= 5
    assert disruption.priority == 1
    helps = disruption.options.filter(verdict=Option.Verdict.OFFERED, saves__gt=0)
    assert helps.count() >= 3


def names(people):
    return [person.name for person in people]


def test_its_people_have_duty_hours_a_manager_and_somebody_to_call(northfield_site):
    def on_duty(role, day, hour):
        return names(authority.on_duty(northfield_site, role, northfield.local(11, day, hour)))

    assert on_duty(Role.PLANNER, 24, 9) == on_duty(Role.PLANNER, 24, 21) == ["Jana Marek"]
    assert on_duty(Role.PLANNER, 24, 23) == on_duty(Role.PLANNER, 28, 9) == []
    assert on_duty(Role.SUPERVISOR, 24, 9) == ["M. Okafor"]
    assert on_duty(Role.SUPERVISOR, 24, 15) == ["Lena Fischer"]
    assert on_duty(Role.MANAGER, 24, 9) == ["Henrik Dahl"]
    night = northfield.local(11, 24, 23)
    assert names(authority.on_call(northfield_site, Role.MANAGER, night)) == ["Henrik Dahl"]
    assert names(authority.on_call(northfield_site, Role.SUPERVISOR, night)) == ["M. Okafor"]


def test_what_is_beyond_the_planner_is_for_the_manager(northfield_site):
    local = northfield.OPENS_AT
    dear = authority.Scope(amount=3_000 * 10_000, frozen=False, hurts=False)
    jana = Person.objects.get(name="Jana Marek")
    actor = actor_for(jana, northfield_site)
    assert authority.acting(actor, dear, local)[1] == ["amount"]
    able = authority.who_may(northfield_site, dear, local, besides=jana.pk)
    assert names(able)[0] == "Henrik Dahl"


def test_the_supervisor_stands_in_for_the_planner_while_she_is_away(northfield_site):
    site = northfield_site
    okafor = Person.objects.get(name="M. Okafor")
    jana = Person.objects.get(name="Jana Marek")
    scope = authority.Scope(amount=2_000 * 10_000, frozen=False, hurts=False)
    assert actor_for(okafor, site).stands_in == {}
    SiteClock.objects.filter(site=site).update(speed=0, at=northfield.local(11, 26, 13))

    actor, missing = authority.acting(actor_for(okafor, site), scope, northfield.local(11, 26, 13))

    assert (actor.on_behalf_of_id, missing) == (jana.pk, [])
