"""A checked file becomes a plant whole or not at all, its own first plan, and goes away again."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from equipment.actions import working_spans
from equipment.models import Downtime, Equipment
from materials.models import CustomerLine, Item, PurchaseLine, StockBalance
from mes.actor import SYSTEM, Actor
from mes.clock import wall_now
from mes.commands import Outcome, run
from mes.models import RoleGrant, ShopFloorEvent, Site, SiteHead, SitePlan
from planning import verify
from planning.actions import commit_plan, recompute
from planning.models import PlanVersion
from planning.ownplant import actions
from planning.ownplant.load import is_empty
from planning.ownplant.models import PlantImport
from planning.ownplant.templates import empty_workbook, filled_workbook
from planning.ownplant.work import waiting, work_on
from tests.ownplant.conftest import VALUES
from tests.ownplant.files import Sheets, small, workbook
from workorders.actions import start
from workorders.models import JobAlternate, JobLink, JobMaterial, JobOrder, UnitQueue, WorkOrder


def do(site: Site, act: Callable[..., Any], **values: Any) -> Outcome:
    return run(
        site=site,
        key=uuid.uuid4(),
        actor=SYSTEM,
        name="test",
        body={},
        act=lambda command: act(command, **values),
    )


def brought_in(site: Site, data: bytes, **corrections: Any) -> PlantImport:
    files = [("plant.xlsx", actions.fingerprint(data), data)]
    outcome = do(site, actions.bring_in, files=files)
    pk = outcome.response["import"]
    assert waiting() == [pk]
    work_on(pk)
    if corrections:
        assert do(site, actions.correct, import_id=pk, **corrections).ok
        work_on(pk)
    return PlantImport.objects.get(pk=pk)


def stored(site: Site, data: bytes, **corrections: Any) -> PlantImport:
    row = brought_in(site, data, **corrections)
    outcome = do(site, actions.store, import_id=row.pk, arranged="date")
    assert outcome.ok, outcome.message
    work_on(row.pk)
    row.refresh_from_db()
    assert row.state == "STORED", row.failure
    return row


def soon(days: int) -> str:
    return f"{wall_now() + timedelta(days=days):%Y-%m-%d}"


def rich() -> Sheets:
    """The small plant, due from now on, with material, rates and customers."""
    sheets = small()
    for n, row in enumerate(sheets["Orders"][1:]):
        row[3] = soon(5 + n)
    sheets["Components"] = [["Item", "Component", "Quantity a piece"], ["P", "BAR", "0.25"]]
    sheets["Stock"] = [
        ["Item", "Quantity", "Lot", "Place", "Unit"],
        ["BAR", 20, "L1", "RACK", "m"],
        ["BAR", 5, "", "", "m"],
        ["P", 0, "", "", ""],
    ]
    sheets["Purchases"] = [
        ["Purchase order", "Line", "Item", "Quantity", "Due", "Supplier"],
        ["PO-1", "", "BAR", 100, soon(3), "Kessler"],
        ["PO-1", 1, "NUT", 100, soon(3), ""],
    ]
    sheets["Rates"] = [["Machine", "Running hour", "Overtime hour"], ["", 20, 48], ["MILL", 31]]
    sheets["Customers"] = [["Customer", "Late cost a day"], ["ACME", 150]]
    return sheets


def test_a_whole_plant_is_stored_with_one_event_and_its_record_agrees(own: Site) -> None:
    row = stored(own, workbook(rich()))

    event = ShopFloorEvent.objects.get(site=own, kind="mes.site.loaded")
    assert event.seq == row.stored_seq
    assert event.body["counts"] == {
        "units": 3, "items": 4, "customers": 1, "customer_lines": 2, "work_orders": 3,
        "job_orders": 5, "lots": 2, "purchase_lines": 2,
    }  # fmt: skip
    assert list(verify.problems(own)) == []
    line = CustomerLine.objects.get(site=own, order__code="A-1")
    assert (line.price, line.quantity, line.order.customer.late_weight_per_day) == (50, 100, 150)
    assert WorkOrder.objects.get(site=own, code="A-1").customer_line == line
    assert Item.objects.get(site=own, code="BAR").unit == "m"
    assert sum(StockBalance.objects.filter(site=own).values_list("quantity", flat=True)) == 25
    assert set(PurchaseLine.objects.filter(site=own).values_list("number", "item__code")) == {
        (1, "NUT"), (2, "BAR"),
    }  # fmt: skip
    needs = JobMaterial.objects.filter(site=own).values_list("job_order__number", "required")
    assert sorted(needs) == [(10, Decimal("12.5")), (10, Decimal(25))]
    assert JobLink.objects.filter(site=own).count() == 2


def test_a_group_stands_for_its_machines_and_its_work_is_shared_out(own: Site) -> None:
    stored(own, workbook(rich()))

    jobs = JobOrder.objects.filter(site=own, number=20)
    assert set(jobs.values_list("unit__code", flat=True)) == {"M-1", "M-2"}
    others = JobAlternate.objects.filter(job_order__in=jobs).values_list("unit__code", flat=True)
    assert sorted(others) == ["M-1", "M-1", "M-2", "M-2"]


def test_a_row_may_stand_for_several_machines(own: Site) -> None:
    sheets = rich()
    sheets["Machines"] = [["Machine", "Count"], ["MILL", 3], ["M-1"], ["L-1"]]

    stored(own, workbook(sheets))

    units = Equipment.objects.filter(site=own, level="WORK_UNIT").order_by("code")
    assert [unit.code for unit in units] == ["L-1", "M-1", "MILL-1", "MILL-2", "MILL-3"]


def test_what_is_done_is_no_work_any_more(own: Site) -> None:
    sheets = rich()
    sheets["Orders"][0].append("Done")
    sheets["Orders"][1].append(100)  # A-1 is finished
    sheets["Orders"][2] += [""] * 0 + [20]  # A-2, twenty of fifty
    sheets["Operations"].append(["A-3", 10, "M-1", 0, 6, 10])
    sheets["Operations"].append(["A-3", 20, "L-1", 0, 6, 4])

    stored(own, workbook(sheets))

    assert list(WorkOrder.objects.filter(site=own).values_list("code", flat=True)) == ["A-2", "A-3"]
    jobs = JobOrder.objects.filter(site=own).order_by("work_order__code", "number")
    assert [(job.number, job.good, job.status) for job in jobs] == [
        (10, 20, "READY"), (20, 20, "WAITING"), (10, 10, "COMPLETED"), (20, 4, "READY"),
    ]  # fmt: skip
    line = CustomerLine.objects.get(site=own)
    assert (line.quantity, line.shipped_quantity) == (50, 20)
    assert list(verify.problems(own)) == []


def test_nothing_is_stored_of_a_file_with_one_wrong_row_until_it_is_set_aside(own: Site) -> None:
    sheets = rich()
    sheets["Orders"][3][2] = "many"

    row = brought_in(own, workbook(sheets))

    refused = do(own, actions.store, import_id=row.pk, arranged="date")
    assert refused.status == 422
    assert row.report["problem_count"] == 1
    assert is_empty(own)
    assert not ShopFloorEvent.objects.filter(site=own, kind="mes.site.loaded").exists()
    do(own, actions.correct, import_id=row.pk, set_aside=True)
    work_on(row.pk)
    row.refresh_from_db()
    assert (row.report["problem_count"], row.report["set_aside"]) == (0, 2)
    assert do(own, actions.store, import_id=row.pk, arranged="date").ok
    work_on(row.pk)
    assert WorkOrder.objects.filter(site=own).count() == 2


def test_a_plant_that_fails_half_way_leaves_nothing(
    own: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = brought_in(own, workbook(rich()))
    do(own, actions.store, import_id=row.pk, arranged="date")

    def fail(*_args: object) -> None:
        raise ValueError("half way")

    monkeypatch.setattr("planning.ownplant.load._Loader._queues", fail)
    work_on(row.pk)

    row.refresh_from_db()
    assert row.state == "UNREADABLE"
    assert "nothing was stored" in row.failure
    assert is_empty(own)
    assert SiteHead.objects.get(site=own).seq == ShopFloorEvent.objects.filter(site=own).count()


def test_an_unreadable_file_says_so(own: Site) -> None:
    row = brought_in(own, b"PK\x03\x04" + bytes(99))

    assert row.state == "UNREADABLE"
    assert "damaged" in row.failure


def test_the_first_plan_has_a_date_for_every_order_and_is_committed(own: Site) -> None:
    stored(own, workbook(rich()))

    assert recompute(own.pk, wall_now=wall_now()).state == "STORED"
    version = PlanVersion.objects.current(own)
    assert version is not None
    assert all(at for times in version.job_times().values() for at in times)
    assert all(at for times in version.line_times_by_id().values() for at in times)
    assert do(own, commit_plan).ok
    assert SitePlan.objects.get(site=own).committed_version > 0


def test_the_machine_with_most_work_breaks_for_a_shift_of_its_own_time(own: Site) -> None:
    stored(own, workbook(rich()))

    assert do(own, actions.break_worst).ok

    (down,) = Downtime.objects.filter(site=own).select_related("unit")
    # 100 pieces of 2 minutes and a set-up stand at M-1; M-2 has 50, L-1 150 of one minute.
    assert down.unit.code == "M-1"
    assert down.back_at is not None
    spans = working_spans(own, down.unit, down.started_at, down.back_at)
    worked = (min(end, down.back_at) - max(start, down.started_at) for start, end in spans)
    assert sum((each for each in worked if each > timedelta()), timedelta()) == timedelta(hours=8)


def queue_of(site: Site, unit: str) -> list[str]:
    ids = UnitQueue.objects.get(site=site, unit__code=unit).job_order_ids
    codes = dict(JobOrder.objects.filter(site=site).values_list("pk", "work_order__code"))
    return [codes[pk] for pk in ids]


@pytest.mark.parametrize(
    ("by", "order"),
    [("date", ["A", "B", "C"]), ("slack", ["C", "A", "B"]), ("family", ["A", "C", "B"])],
)
def test_a_first_plan_is_arranged_by_date_slack_or_family(
    own: Site, by: str, order: list[str]
) -> None:
    sheets = {
        "Machines": [["Machine", "Shift"], ["M", "2"]],
        "Orders": [
            ["Order", "Item", "Quantity", "Due"],
            ["A", "P", 1, soon(5)],
            ["B", "Q", 1, soon(6)],
            ["C", "P", 9000, soon(7)],  # 150 hours of work
        ],
        "Operations": [
            ["Order or item", "No", "Machine", "Min a piece"],
            ["P", 1, "M", 1],
            ["Q", 1, "M", 1],
        ],
    }
    stored(own, workbook(sheets))

    assert do(own, actions.arrange_by, by=by).ok

    assert queue_of(own, "M") == order
    assert list(verify.problems(own)) == []


def test_the_same_file_again_shows_nothing_new_and_another_its_differences(own: Site) -> None:
    sheets = rich()
    stored(own, workbook(sheets))

    again = brought_in(own, workbook(sheets))
    assert again.report["difference"] == {"new": [], "changed": [], "gone": []}
    sheets["Orders"][1][2] = 120
    del sheets["Orders"][3]
    del sheets["Operations"][3]
    changed = brought_in(own, workbook(sheets)).report["difference"]

    assert changed["changed"] == [["orders", "A-1", "qty", "100", "120"]]
    assert changed["gone"] == [["orders", "A-3"], ["operations", "Q / 10"]]
    assert do(own, actions.store, import_id=again.pk, arranged="date").status == 422


def test_how_columns_were_read_is_remembered(own: Site) -> None:
    row = brought_in(own, workbook(small()))
    mapping = row.mapping
    mapping["orders"]["columns"]["due"] = "Value"
    do(own, actions.correct, import_id=row.pk, mapping=mapping)
    work_on(row.pk)

    assert brought_in(own, workbook(small())).mapping["orders"]["columns"]["due"] == "Value"


def test_an_import_is_removed_until_the_floor_has_reported(own: Site, planner: Actor) -> None:
    row = stored(own, workbook(rich()))
    events = ShopFloorEvent.objects.filter(site=own).count()

    fresh, outcome = actions.remove(actor=planner, site=own, key=uuid.uuid4(), import_id=row.pk)

    assert outcome.ok
    assert (fresh.code, fresh.name) == (VALUES["code"], VALUES["name"])
    assert is_empty(fresh)
    assert RoleGrant.objects.filter(site=fresh, person=planner.person_id).exists()
    own.refresh_from_db()
    assert own.code != VALUES["code"]
    assert not RoleGrant.objects.filter(site=own).exists()
    # The ledger of what was is longer, never shorter, and unbroken.
    assert ShopFloorEvent.objects.filter(site=own).count() > events
    assert list(verify.problems(own)) == []
    (again,) = waiting()
    work_on(again)
    assert do(fresh, actions.store, import_id=again, arranged="date").ok
    work_on(again)
    assert WorkOrder.objects.filter(site=fresh).count() == 3
    job = JobOrder.objects.filter(site=fresh, status="READY").first()
    assert job is not None
    assert do(fresh, start, job_order_id=job.pk).ok

    site, refused = actions.remove(actor=planner, site=fresh, key=uuid.uuid4(), import_id=again)

    assert (site, refused.status) == (fresh, 422)
    assert "floor has reported" in refused.message
    assert WorkOrder.objects.filter(site=fresh).count() == 3


def test_a_plant_is_opened_once(home: Site, planner: Actor) -> None:
    key = uuid.uuid4()
    first, done = actions.open_plant(actor=planner, home=home, key=key, values=VALUES)
    again, replayed = actions.open_plant(actor=planner, home=home, key=key, values=VALUES)
    other, refused = actions.open_plant(actor=planner, home=home, key=uuid.uuid4(), values=VALUES)

    assert first == again == other
    assert (done.ok, replayed.ok, refused.status) == (True, True, 422)
    roles = RoleGrant.objects.filter(site=first, person=planner.person_id)
    assert [grant.role for grant in roles] == ["PLANNER"]


def test_the_filled_template_is_a_plant_and_the_empty_one_says_what_it_lacks(own: Site) -> None:
    row = brought_in(own, filled_workbook(), fixes={"duplicate": "last"})
    assert row.report["problems"] == []
    assert row.report["missing"] == []
    assert row.report["left_out"] == {name: [] for name in row.mapping}
    assert do(own, actions.store, import_id=row.pk, arranged="date").ok
    work_on(row.pk)
    row.refresh_from_db()
    assert row.state == "STORED", row.failure
    assert list(verify.problems(own)) == []

    empty = brought_in(own, empty_workbook())
    assert empty.state == "CHECKED"
    assert set(empty.report["counts"].values()) == {0}
    assert not empty.report["ready"]
