"""The replay: recorded days through the floor's own actions, once, however often it is run."""

from __future__ import annotations

import json
import uuid
from datetime import date
from decimal import Decimal
from functools import partial
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models import F

from equipment.actions import report_breakdown
from equipment.models import Equipment
from materials.actions import count as count_stock
from materials.models import (
    Customer,
    CustomerLine,
    Item,
    Lot,
    PurchaseLine,
    StockBalance,
    StockMove,
)
from mes import commands
from mes.actor import SYSTEM
from mes.clock import plant_now
from mes.models import ShopFloorEvent, Site, SitePlan
from planning.adventureworks import choices
from planning.adventureworks.replay import Replay, percentile
from planning.verify import problems
from tests.adventureworks.company import write_small
from workorders.actions import create_order
from workorders.models import JobOrder, JobResponse, Routing, UnitQueue, WorkOrder

pytestmark = pytest.mark.django_db

AS_OF = date(2013, 7, 3)
UNTIL = date(2013, 7, 10)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_small(tmp_path)


def bring_in(folder: Path, site: str = "AW", as_of: date = AS_OF) -> Site:
    call_command("import_adventureworks", str(folder), as_of=as_of, site=site, stdout=StringIO())
    return Site.objects.get(code=site)


def play(folder: Path, site: str = "AW", **options: Any) -> dict[str, Any]:
    out = StringIO()
    given = {"until": UNTIL, "compute": True, "fast": False, **options}
    call_command(
        "replay_adventureworks", str(folder), site=site, stdout=out, stderr=StringIO(), **given
    )
    report: dict[str, Any] = json.loads(out.getvalue())
    return report


def test_the_week_happens_on_the_site_and_is_answered(folder: Path) -> None:
    site = bring_in(folder)

    report = play(folder)

    assert report["events"] == {
        "sent": 21,
        "stored": 21,
        "answered": 21,
        "replayed": 0,
        "refused": 0,
        "unsettled": 0,
    }
    assert report["facts"] == {
        "BOUGHT": 1,
        "ENDED": 5,
        "PUT_AWAY": 2,
        "RECEIVED": 1,
        "REJECTED": 1,
        "RELEASED": 3,
        "SHIPPED": 2,
        "SOLD": 1,
        "STARTED": 5,
    }
    assert report["speed"]["facts_per_second"] > 0
    assert report["verify"] == "clean"
    assert report["latency"]["p50_ms"] > 0
    assert plant_now(site) == choices.opens(UNTIL)
    assert SitePlan.objects.get(site=site).as_of == choices.opens(UNTIL)


def test_the_report_says_how_each_day_ended_and_what_was_foreseen_of_it(folder: Path) -> None:
    """The plan forms 102 at 7:00 (4.1 h), welds it until 14:36 and assembles 103 until 11:00 on
    the 3rd; the record has the first two then, the third on the 4th. FF-02 has nothing to do."""
    site = bring_in(folder)
    broken = commands.run(
        site=site,
        key=uuid.uuid4(),
        actor=SYSTEM,
        name="test.break",
        body={},
        act=partial(report_breakdown, unit_id=Equipment.objects.get(code="FF-02").pk),
    )
    assert broken.ok

    report = play(folder)

    days = report["days"]
    assert [day["day"] for day in days] == [f"2013-07-{n:02d}" for n in range(3, 11)]
    assert days[0]["foreseen"] == {
        "ends": 2,
        "in_the_day": 2,
        "off_minutes": 0,
        "shipments": 0,
        "ready_in_the_day": 0,
    }
    assert [day["foreseen"]["ends"] for day in days] == [2, 1, 0, 0, 0, 2, 0, 0]
    assert [day["foreseen"]["shipments"] for day in days] == [0, 0, 0, 2, 0, 0, 0, 0]
    assert days[3]["foreseen"]["ready_in_the_day"] == 2
    assert [day["open_lines"] for day in days] == [2, 2, 2, 2, 0, 1, 1, 1]
    assert days[0]["late_lines"] == 0
    assert len({day["state_hash"] for day in days}) == len(days)
    assert report["disruptions"]["BREAKDOWN"] == 1
    assert report["impacts"].keys() == report["disruptions"].keys()


def test_completions_and_scrap_are_those_of_the_record(folder: Path) -> None:
    """Order 102: six frames, one of them scrap for reason 4; 103: five bikes; 104: twenty tubes.
    Of those that began later 106 brought seven tubes and 107 two frames; 105 is still open."""
    bring_in(folder)

    play(folder)

    assert set(WorkOrder.objects.values_list("code", "status", "put_away_quantity")) == {
        ("WO-102", "COMPLETED", 5),
        ("WO-103", "COMPLETED", 5),
        ("WO-104", "COMPLETED", 20),
        ("WO-105", "RELEASED", 0),
        ("WO-106", "COMPLETED", 7),
        ("WO-107", "COMPLETED", 2),
    }
    scrap = JobResponse.objects.get(scrap__gt=0)
    assert (scrap.scrap, scrap.reason and scrap.reason.code) == (1, "SCRAP-04")
    assert scrap.at.isoformat() == "2013-07-03T21:36:00+00:00"
    left = JobOrder.objects.exclude(status="COMPLETED").get()
    assert (left.work_order.code, left.status) == ("WO-105", "READY")


def test_an_order_that_begins_is_released_on_its_day_to_the_unit_that_did_it(folder: Path) -> None:
    site = bring_in(folder)

    play(folder)

    bike = WorkOrder.objects.get(code="WO-105")
    assert bike.released_at is not None
    assert bike.released_at.isoformat() == "2013-07-04T13:30:00+00:00"
    assert bike.due_at == choices.last_of(date(2013, 7, 15))
    job = bike.job_orders.get()
    assert (job.unit.code, job.fixed_s, job.quantity) == ("FA-02", 14_400, 9)
    assert UnitQueue.objects.get(unit__code="FA-02").job_order_ids == [job.pk]
    assert job.alternates.count() == 5
    assert set(job.materials.values_list("item__code", "required")) == {("FR-1", 9), ("PA-1", 72)}
    tubes = WorkOrder.objects.get(code="WO-106")
    assert not tubes.job_orders.exists()
    assert tubes.put_away_quantity == 7
    put_away = ShopFloorEvent.objects.filter(kind="workorders.order.put_away")
    assert [event.body["scrap"] for event in put_away.order_by("seq")] == ["0", "1"]
    assert list(problems(site)) == []


def test_a_product_that_was_never_made_before_gets_its_routing_with_its_order(
    folder: Path,
) -> None:
    """Without orders 101 and 103, which ended or began by the day, no bike was ever made."""
    for name in ("WorkOrder.csv", "WorkOrderRouting.csv"):
        path = folder / name
        lines = path.read_text().splitlines(keepends=True)
        path.write_text("".join(line for line in lines if line[:4] not in ("101,", "103,")))
    bring_in(folder)
    assert not Routing.objects.filter(item__code="BK-1").exists()

    report = play(folder)

    assert report["events"]["refused"] == 0
    operation = Routing.objects.get(item__code="BK-1").operations.get()
    assert (operation.unit.code, operation.fixed_s) == ("FA-01", 14_400)
    assert operation.alternates.count() == 4
    assert JobOrder.objects.get(work_order__code="WO-105").unit.code == "FA-01"


def test_a_purchase_is_ordered_on_its_day_and_what_is_no_good_of_one_is_rejected(
    folder: Path,
) -> None:
    """Of 40 bells that were ordered 39 come, three of them no good; ten more are ordered."""
    bring_in(folder)

    play(folder)

    bought = PurchaseLine.objects.get(order_code="PO-72")
    assert (bought.number, bought.quantity, bought.supplier.code) == (1, 10, "BELLS0001")
    assert bought.expected_at == choices.at(date(2013, 7, 19), choices.RECEIVES_AT)
    came = PurchaseLine.objects.get(order_code="PO-70")
    assert came.received_quantity == 39
    assert came.expected_quantity == 39
    lots = {lot.code: lot for lot in Lot.objects.filter(code__startswith="PO-70")}
    assert {code: lot.status for code, lot in lots.items()} == {
        "PO-70-1": "RELEASED",
        "PO-70-1-R": "REJECTED",
    }
    there = {code: sum(b.quantity for b in lot.balances.all()) for code, lot in lots.items()}
    assert there == {"PO-70-1": 36, "PO-70-1-R": 3}
    judged = ShopFloorEvent.objects.get(kind="quality.lot.decided")
    assert judged.body["was"] == "QUARANTINE"
    assert judged.occurred_at == choices.at(date(2013, 7, 9), choices.INSPECTED_AT)


def test_a_new_customer_and_his_order_come_on_their_day(folder: Path) -> None:
    bring_in(folder)
    assert not Customer.objects.filter(code="AW00000030").exists()

    play(folder)

    line = CustomerLine.objects.get(order__code="SO-802")
    assert (line.item.code, line.quantity, line.price, line.number) == ("BK-1", 2, 1000, 1)
    assert line.promised_at == choices.last_of(date(2013, 7, 20))
    assert line.order.ordered_at == choices.at(date(2013, 7, 8), choices.SOLD_AT)
    old, new = Customer.objects.order_by("code")
    assert line.order.customer == new
    assert new.late_weight_per_day == 20
    for name in ("basis", "ship_complete", "cap_percent", "transit_s"):
        assert getattr(new, name) == getattr(old, name)


def test_lines_leave_on_their_recorded_day_from_stock(folder: Path) -> None:
    bring_in(folder)

    play(folder)

    shipped = CustomerLine.objects.filter(order__code="SO-800").order_by("number")
    assert [line.shipped_quantity for line in shipped] == [2, 3]
    assert {line.shipped_at for line in shipped} == {choices.at(date(2013, 7, 7), choices.SHIPS_AT)}
    moves = StockMove.objects.filter(reason="SHIPMENT").order_by("lot__item__code")
    assert [(move.lot.code, move.quantity) for move in moves] == [("OPEN-BE-1", -2), ("WO-103", -3)]


def test_a_shipment_that_the_plant_can_not_make_is_refused_and_said(folder: Path) -> None:
    """Somebody counts the bells: there are none. What was recorded of them can't leave."""
    site = bring_in(folder)
    lot = Lot.objects.get(code="OPEN-BE-1")
    counted = commands.run(
        site=site,
        key=uuid.uuid4(),
        actor=SYSTEM,
        name="test.count",
        body={},
        act=partial(
            count_stock,
            lot_id=lot.pk,
            location_id=lot.balances.get().location_id,
            counted=Decimal(0),
        ),
    )
    assert counted.ok
    err = StringIO()

    call_command(
        "replay_adventureworks",
        str(folder),
        site="AW",
        until=UNTIL,
        compute=True,
        fast=True,
        stdout=StringIO(),
        stderr=err,
    )

    assert "SO-800/1: Only 0 are in stock" in err.getvalue()
    assert CustomerLine.objects.get(order__code="SO-800", number=1).shipped_quantity == 0
    assert CustomerLine.objects.get(order__code="SO-800", number=2).shipped_quantity == 3
    assert list(problems(site)) == []


def test_the_day_to_which_it_is_played_stands_as_its_import_would(folder: Path) -> None:
    """Another site is imported as of that day: the same orders, operations and lines are open."""
    bring_in(folder)
    play(folder)
    other = bring_in(folder, "AW2", as_of=UNTIL)

    def open_work(site: Site) -> set[Any]:
        jobs = JobOrder.objects.filter(site=site).exclude(status="COMPLETED")
        return set(
            jobs.values_list("work_order__code", "number", "quantity", "work_order__due_at")
        ) | set(
            WorkOrder.objects.filter(site=site, status="RELEASED").values_list("code", "quantity")
        )

    def open_lines(site: Site) -> set[Any]:
        lines = CustomerLine.objects.filter(site=site, shipped_quantity__lt=F("quantity"))
        return set(lines.values_list("order__code", "number", "item__code", "quantity", "price"))

    def ordered(site: Site) -> set[Any]:
        lines = PurchaseLine.objects.filter(site=site, closed_at=None).exclude(
            expected_quantity=F("received_quantity")
        )
        return set(lines.values_list("order_code", "number", "item__code", "expected_at"))

    first = Site.objects.get(code="AW")
    assert open_work(first) == open_work(other) != set()
    assert open_lines(first) == open_lines(other) != set()
    assert ordered(first) == ordered(other) != set()


def test_stock_is_what_was_opened_made_received_taken_and_shipped(folder: Path) -> None:
    """By hand: 5 bikes made - 3 shipped; 7 frames opened + 5 and 2 made - 5 taken; bells 2 + 39
    received - 2 shipped; tubes 12 - 12 + 20 - 4 + 7; paint 112 - 40."""
    bring_in(folder)

    play(folder)

    there: dict[str, Decimal] = {}
    for row in StockBalance.objects.select_related("lot__item"):
        code = row.lot.item.code
        there[code] = there.get(code, Decimal(0)) + row.quantity
    assert there == {"BK-1": 2, "FR-1": 9, "TU-1": 23, "PA-1": 72, "BE-1": 39}
    assert Lot.objects.get(code="PO-70-1").item.code == "BE-1"


def test_running_it_again_doubles_nothing_and_says_the_same(folder: Path) -> None:
    bring_in(folder)
    first = play(folder)
    events = ShopFloorEvent.objects.count()

    second = play(folder)

    assert ShopFloorEvent.objects.count() == events
    assert second["events"] == {**first["events"], "replayed": 21}
    assert second["state_hash"] == first["state_hash"]
    assert json.dumps(second["days"]) == json.dumps(first["days"])


def test_fast_and_slow_end_in_the_same_state(folder: Path) -> None:
    bring_in(folder)
    bring_in(folder, "AW2")

    slow, fast = play(folder), play(folder, "AW2", fast=True)

    assert fast["state_hash"] == slow["state_hash"]
    assert fast["days"] == slow["days"]


def test_what_nobody_makes_is_missed_from_the_same_time_in_a_fast_run(folder: Path) -> None:
    """Fifty bikes are ordered at six, and tubes put away at ten to seven: the guess of when what
    is missing comes counts from six, whatever had time to be computed."""
    write_small(
        folder,
        SalesOrderHeader=("802,2013-07-08", "802,2013-07-09"),
        SalesOrderDetail=("802,9100,2,1,", "802,9100,50,1,"),
    )
    bring_in(folder)
    bring_in(folder, "AW2")

    slow, fast = play(folder), play(folder, "AW2", fast=True)

    assert fast["days"] == slow["days"]


def test_a_stopped_run_goes_on_to_the_same_state(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bring_in(folder)
    bring_in(folder, "AW2")
    undisturbed = play(folder)
    send = Replay._send
    sent: list[Any] = []

    def stop_after_three(self: Replay, fact: Any) -> None:
        if len(sent) == 3:
            raise KeyboardInterrupt
        sent.append(fact)
        send(self, fact)

    with monkeypatch.context() as patch:
        patch.setattr(Replay, "_send", stop_after_three)
        with pytest.raises(CommandError, match="Run the same command again to go on"):
            play(folder, "AW2")

    report = play(folder, "AW2")

    assert report["events"]["replayed"] == 3
    assert report["events"]["stored"] == 21
    assert report["state_hash"] == undisturbed["state_hash"]


def test_a_run_in_two_parts_says_the_same_as_one(folder: Path) -> None:
    """The first part ends the evening before shipments and an operation's end."""
    bring_in(folder)
    bring_in(folder, "AW2")
    at_once = play(folder)

    play(folder, "AW2", until=date(2013, 7, 6))
    report = play(folder, "AW2")

    assert report["days"] == at_once["days"]
    assert report["state_hash"] == at_once["state_hash"]


@pytest.mark.django_db(transaction=True)
def test_a_database_that_goes_away_is_waited_for(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twice a fact meets a dead connection; the third time it is stored, once."""
    site = bring_in(folder)
    runs = commands.run
    died: list[str] = []

    def dies_twice(**asked: Any) -> commands.Outcome:
        if asked["name"] == "replay sold" and len(died) < 2:
            died.append(asked["name"])
            with connection.cursor() as cursor:
                cursor.execute("select pg_terminate_backend(pg_backend_pid())")
        return runs(**asked)

    monkeypatch.setattr(commands, "run", dies_twice)

    report = play(folder)

    assert len(died) == 2
    assert report["events"]["stored"] == 21
    assert CustomerLine.objects.filter(site=site, order__code="SO-802").count() == 1


def test_what_follows_on_something_refused_is_refused_in_words(folder: Path) -> None:
    """Somebody made a work order of that number before: the recorded one can't be released."""
    site = bring_in(folder)
    made = commands.run(
        site=site,
        key=uuid.uuid4(),
        actor=SYSTEM,
        name="test.make",
        body={},
        act=partial(
            create_order,
            code="WO-107",
            item_id=Item.objects.get(code="FR-1").pk,
            quantity=Decimal(1),
            due_at=choices.last_of(UNTIL),
        ),
    )
    assert made.ok
    err = StringIO()

    out = StringIO()
    call_command(
        "replay_adventureworks",
        str(folder),
        site="AW",
        until=UNTIL,
        compute=True,
        fast=True,
        stdout=out,
        stderr=err,
    )

    assert json.loads(out.getvalue())["events"]["refused"] == 5
    assert "WO-107: Not possible" in err.getvalue()
    assert "WO-107/2 is not here: what should have brought it was refused." in err.getvalue()
    assert list(problems(site)) == []


def test_another_fact_gives_another_state(folder: Path, tmp_path: Path) -> None:
    bring_in(folder)
    same = play(folder)["state_hash"]
    other_folder = tmp_path / "other"
    other_folder.mkdir()
    write_small(other_folder, WorkOrder=("102,2,6,5,1", "102,2,6,4,2"))
    bring_in(other_folder, "AW2")

    assert play(other_folder, "AW2")["state_hash"] != same


def test_a_site_that_was_not_imported_from_these_files_is_refused(
    folder: Path, tmp_path: Path
) -> None:
    bring_in(folder)
    other_folder = tmp_path / "other"
    other_folder.mkdir()
    write_small(other_folder, Store=("Next-Door", "Far-Away"))

    with pytest.raises(CommandError, match="was not imported from these files"):
        play(other_folder)
    with pytest.raises(CommandError, match="There is no site NN"):
        play(folder, "NN")
    with pytest.raises(CommandError, match="choose a later day"):
        play(folder, until=AS_OF)


def test_without_a_worker_the_command_says_so_and_computes(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bring_in(folder)
    monkeypatch.setattr(
        "planning.management.commands.replay_adventureworks.worker_answers", lambda: False
    )
    err = StringIO()

    call_command(
        "replay_adventureworks",
        str(folder),
        site="AW",
        until=date(2013, 7, 4),
        stdout=StringIO(),
        stderr=err,
    )

    assert "No worker runs: computing in this process." in err.getvalue()
    assert "2013-07-04: 5 facts, 5 so far" in err.getvalue()


@pytest.mark.parametrize(
    ("values", "percent", "expected"),
    [([], 95, None), ([5.0], 50, 5.0), ([1.0, 2.0, 3.0, 4.0], 50, 2.0), ([1.0, 9.0], 95, 9.0)],
)
def test_percentiles_are_nearest_rank(
    values: list[float], percent: int, expected: float | None
) -> None:
    assert percentile(values, percent) == expected
