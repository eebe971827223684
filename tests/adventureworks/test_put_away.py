"""Orders without operations: they come when they are due, and are put away as a whole."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from functools import partial
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from equipment.models import Reason
from mes import commands
from mes.actor import SYSTEM
from mes.clock import wall_now
from mes.models import ShopFloorEvent, Site
from planning import snapshot
from planning.engine.plant import SupplyKind
from tests.adventureworks.company import write_small
from workorders import actions
from workorders.models import WorkOrder

pytestmark = pytest.mark.django_db


@pytest.fixture
def site(tmp_path: Path) -> Site:
    call_command(
        "import_adventureworks",
        str(write_small(tmp_path)),
        as_of=date(2013, 7, 3),
        site="AW",
        stdout=StringIO(),
    )
    return Site.objects.get(code="AW")


def run(site: Site, act: Callable[[commands.Command], Any]) -> commands.Outcome:
    return commands.run(site=site, key=uuid.uuid4(), actor=SYSTEM, name="test", body={}, act=act)


def put_away(site: Site, code: str, good: int, scrap: int = 0, **more: Any) -> commands.Outcome:
    order = WorkOrder.objects.get(code=code)
    return run(
        site,
        partial(
            actions.put_away,
            work_order_id=order.pk,
            good=Decimal(good),
            scrap=Decimal(scrap),
            **more,
        ),
    )


def test_an_order_without_operations_is_a_supply_at_the_end_of_its_due_day(site: Site) -> None:
    snap = snapshot.take(site.pk, wall_now=wall_now())
    order = WorkOrder.objects.get(code="WO-104")

    row = (snap.plant.supply_kind == SupplyKind.TRANSFER).nonzero()[0]

    assert snap.plant.supply_id[row].tolist() == [order.pk]
    assert snap.plant.supply_qty[row].tolist() == [20_000_000]
    assert snap.instant(int(snap.plant.supply_at[row[0]])) == order.due_at


def test_pieces_come_in_parts_and_the_last_completes_the_order(site: Site) -> None:
    reason = Reason.objects.get(code="SCRAP-04")

    first = put_away(site, "WO-104", 12)
    rest = put_away(site, "WO-104", 7, 1, reason_id=reason.pk)

    assert first.response["order_status"] == "RELEASED"
    assert rest.response["order_status"] == "COMPLETED"
    order = WorkOrder.objects.get(code="WO-104")
    assert order.put_away_quantity == 19
    assert order.lot is not None
    assert sum(row.quantity for row in order.lot.balances.all()) == 19
    assert order.status == "COMPLETED"
    assert order.closed_at is not None


def test_an_order_with_operations_is_reported_at_them(site: Site) -> None:
    outcome = put_away(site, "WO-102", 5)

    assert outcome.status == 422
    assert outcome.message == "WO-102 has operations. Report its pieces there."
    assert not ShopFloorEvent.objects.filter(kind="workorders.order.put_away").exists()


def test_nothing_and_less_than_nothing_are_refused_and_store_nothing(site: Site) -> None:
    assert put_away(site, "WO-104", 0).status == 422
    assert put_away(site, "WO-104", -1, 2).status == 422
    assert WorkOrder.objects.get(code="WO-104").put_away_quantity == 0


def test_an_ended_order_takes_no_more_pieces(site: Site) -> None:
    put_away(site, "WO-104", 20)

    outcome = put_away(site, "WO-104", 1)

    assert outcome.status == 422
    assert outcome.message == "WO-104 is not open. Receive the pieces into stock instead."
