"""The import: all of it in one command, or nothing, with words for what is wrong."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db.models import F, Sum

from equipment.models import Equipment
from materials.models import BillLine, CustomerLine, Item, Lot, StockBalance, StockMove
from mes.clock import plant_now
from mes.models import CommandKey, Person, RoleGrant, ShopFloorEvent, Site, SiteHead
from planning.adventureworks import choices
from planning.verify import problems
from tests.adventureworks.company import real_folder, write_small
from workorders.models import JobAlternate, JobMaterial, JobOrder, UnitQueue, WorkOrder

pytestmark = pytest.mark.django_db

AS_OF = date(2013, 7, 3)


def bring_in(folder: Path, *, as_of: date = AS_OF, site: str = "AW") -> str:
    out = StringIO()
    call_command("import_adventureworks", str(folder), as_of=as_of, site=site, stdout=out)
    return out.getvalue()


def test_the_small_company_becomes_a_site_on_its_own_clock(tmp_path: Path) -> None:
    said = bring_in(write_small(tmp_path))

    site = Site.objects.get(code="AW")
    assert (site.clock, site.currency, site.time_zone) == ("SIMULATED", "USD", choices.ZONE)
    assert plant_now(site).isoformat() == "2013-07-03T14:00:00+00:00"
    assert "3 open work orders with 3 operations, 1 of them past due, 1 without operations" in said
    assert "1 customer orders with 2 lines" in said
    assert "storing 8 of 8" in said
    assert list(problems(site)) == []


def test_an_open_order_stands_in_the_queues_with_its_frozen_bill(tmp_path: Path) -> None:
    bring_in(write_small(tmp_path))

    frame = WorkOrder.objects.get(code="WO-102")
    jobs = list(JobOrder.objects.filter(work_order=frame).order_by("number"))
    assert [(job.unit.code, job.status, job.fixed_s) for job in jobs] == [
        ("FF-01", "READY", 14_760),
        ("FW-01", "WAITING", 12_600),
    ]
    assert jobs[1].predecessors.get().predecessor == jobs[0]
    assert JobMaterial.objects.get(job_order=jobs[0]).required == Decimal(12)
    assert JobAlternate.objects.filter(job_order=jobs[1]).count() == 2
    assert UnitQueue.objects.get(unit__code="FW-01").job_order_ids == [jobs[1].pk]


def test_units_of_measure_and_effective_dates_stay(tmp_path: Path) -> None:
    bring_in(write_small(tmp_path))

    assert Item.objects.get(code="PA-1").unit == "OZ"
    paint = BillLine.objects.filter(component__code="PA-1").order_by("valid_from")
    assert [line.quantity_per for line in paint] == [9, 8]
    assert paint[0].valid_to == paint[1].valid_from
    assert BillLine.history.count() == 4


def test_the_import_is_one_command_with_one_event_of_the_load(tmp_path: Path) -> None:
    bring_in(write_small(tmp_path))

    event = ShopFloorEvent.objects.get(kind="mes.site.loaded")
    assert event.seq == 1
    assert event.body["as_of"] == "2013-07-03"
    assert event.body["counts"]["work_orders"] == 3
    assert CommandKey.objects.filter(name="import_adventureworks").count() == 1


def test_stock_is_the_sum_of_its_opening_moves(tmp_path: Path) -> None:
    bring_in(write_small(tmp_path))

    assert StockMove.objects.filter(reason="OPENING", event_seq=1).count() == Lot.objects.count()
    totals = Lot.objects.annotate(moved=Sum("moves__quantity"), there=Sum("balances__quantity"))
    assert not totals.exclude(moved=F("there")).exists()


def test_importing_again_says_so_and_changes_nothing(tmp_path: Path) -> None:
    folder = write_small(tmp_path)
    bring_in(folder)
    before = (SiteHead.objects.get().seq, JobOrder.objects.count(), Person.objects.count())

    said = bring_in(folder)

    assert "AW is there already, as of 2013-07-03. Nothing was changed." in said
    assert (SiteHead.objects.get().seq, JobOrder.objects.count(), Person.objects.count()) == before


def test_another_day_on_the_same_site_is_refused_in_words(tmp_path: Path) -> None:
    folder = write_small(tmp_path)
    bring_in(folder)

    with pytest.raises(CommandError, match="imported as of 2013-07-03, so it can't be imported"):
        bring_in(folder, as_of=date(2013, 7, 1))


def test_other_files_on_the_same_site_are_refused_in_words(tmp_path: Path) -> None:
    bring_in(write_small(tmp_path))

    with pytest.raises(CommandError, match="imported from files with other contents"):
        bring_in(write_small(tmp_path, Store=("Next-Door", "Far-Away")))


def test_a_site_that_came_from_elsewhere_is_left_alone(tmp_path: Path) -> None:
    Site.objects.create(code="AW", name="Somebody else's plant")

    with pytest.raises(CommandError, match="already exists and did not come from such files"):
        bring_in(write_small(tmp_path))
    assert not Item.objects.exists()


def test_wrong_files_are_refused_with_every_place_and_nothing_is_stored(tmp_path: Path) -> None:
    folder = write_small(
        tmp_path,
        WorkOrder=("103,1,5,", "103,1,five,"),
        SalesOrderDetail=("9000,2,5,", "9000,2,55,"),
    )
    err = StringIO()

    with pytest.raises(CommandError, match="2 problems; nothing was stored"):
        call_command(
            "import_adventureworks",
            str(folder),
            as_of=AS_OF,
            site="AW",
            stdout=StringIO(),
            stderr=err,
        )

    assert err.getvalue().splitlines() == [
        "WorkOrder.csv, line 4, column 3 (OrderQty): “five” is not a whole number.",
        "SalesOrderDetail.csv, line 3, column 4 (ProductID): 55 is not in Product.csv.",
    ]
    assert not Site.objects.exists()
    assert not Item.objects.exists()


def test_a_failure_half_way_leaves_no_trace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from planning.adventureworks.load import _Loader

    def fails(self: _Loader) -> None:
        raise RuntimeError("the disk is full")

    monkeypatch.setattr(_Loader, "_queues", fails)

    with pytest.raises(RuntimeError, match="the disk is full"):
        bring_in(write_small(tmp_path))
    assert not Site.objects.exists()
    assert not Item.objects.exists()
    assert not WorkOrder.objects.exists()


def test_personas_get_their_roles_and_exist_once_for_two_plants(tmp_path: Path) -> None:
    folder = write_small(tmp_path)
    bring_in(folder)
    people = Person.objects.count()

    bring_in(folder, site="AW2")

    assert Person.objects.count() == people
    assert RoleGrant.objects.filter(person__name="Jana Marek", role="PLANNER").count() == 2


def test_the_real_company_is_stored_as_it_was_that_morning() -> None:
    said = bring_in(real_folder())

    site = Site.objects.get(code="AW")
    orders = WorkOrder.objects.filter(site=site)
    assert orders.count() == 1_390
    assert orders.filter(due_at__lte=plant_now(site)).count() == 336
    assert JobOrder.objects.filter(site=site).count() == 1_619
    assert CustomerLine.objects.filter(site=site).count() == 3_766
    assert CustomerLine.objects.values("order").distinct().count() == 186
    assert Item.objects.filter(site=site).count() == 504
    assert Equipment.objects.filter(level="WORK_UNIT").count() == 19
    assert StockBalance.objects.filter(quantity__lt=0).count() == 0
    assert "Subassembly: 2103 h of work for 6 units, 2.9 weeks." in said
    assert list(problems(site)) == []
