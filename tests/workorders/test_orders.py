"""Work orders are made, released with frozen data, and closed."""

from __future__ import annotations

from decimal import Decimal

from equipment.models import Equipment
from materials.actions import add_bill_line, add_item
from materials.models import BillLine, Location
from tests.cast import (
    HOUR,
    SHIFT_START,
    Plant,
    assert_each_open_job_stands_in_one_queue,
    build_plant,
)
from workorders.actions import (
    add_routing,
    close_order,
    create_order,
    put_away,
    release,
    report_production,
    start,
)
from workorders.models import JobAlternate, JobLink, JobMaterial, JobOrder, RoutingOperation


def test_release_copies_the_routing_into_job_orders_in_series(plant: Plant) -> None:
    order = plant.order(quantity=10)

    turn, deburr = plant.job(number=10), plant.job(number=20)
    link = JobLink.objects.get(predecessor=turn)
    assert order.status == "RELEASED"
    assert (turn.status, deburr.status) == ("READY", "WAITING")
    assert (turn.quantity, turn.setup_s, turn.run_s) == (10, 600, 60)
    assert (link.follower, link.kind, link.batch) == (deburr, "OVERLAP", 5)
    assert plant.queue("CNC-04") == [turn.pk]
    assert_each_open_job_stands_in_one_queue(plant)


def test_the_way_back_is_frozen_too(plant: Plant) -> None:
    plant.order()

    eligible = JobAlternate.objects.filter(job_order=plant.job()).values_list(
        "unit__code", "setup_s", "run_s"
    )

    assert sorted(eligible) == [("CNC-04", 600, 60), ("CNC-07", 900, 70)]


def test_a_later_change_of_the_masters_leaves_a_released_order_alone(plant: Plant) -> None:
    plant.order()

    RoutingOperation.objects.update(run_s=999)
    BillLine.objects.update(quantity_per=9)

    assert plant.job().run_s == 60
    assert JobMaterial.objects.get().required == 15


def test_the_launch_quantity_is_grossed_up_for_scrap_once_and_rounded_up(plant: Plant) -> None:
    RoutingOperation.objects.filter(number=10).update(yield_ppm=950_000)

    plant.order(quantity=100)

    # 100 / 0.95 = 105.26...
    assert {job.quantity for job in JobOrder.objects.all()} == {106}
    assert JobMaterial.objects.get().required == 159


def test_without_a_transfer_batch_the_follower_waits_for_the_end(plant: Plant) -> None:
    RoutingOperation.objects.update(transfer_batch=None)

    plant.order()

    assert JobLink.objects.get().kind == "FS"


def test_a_component_that_stands_twice_in_the_bill_is_one_need(plant: Plant) -> None:
    plant.must(
        add_bill_line,
        item_id=plant.ids["BODY"],
        component_id=plant.ids["BAR"],
        quantity_per=Decimal("0.5"),
        operation_number=10,
    )

    plant.order(quantity=10)

    assert JobMaterial.objects.get().required == 20


def test_an_item_without_a_routing_is_not_released(plant: Plant) -> None:
    plant.ids["CAP"] = plant.must(add_item, code="CAP", name="Cap", source="MAKE")["item_id"]
    order = plant.order("WO-9", item="CAP", released=False)

    refused = plant.do(release, work_order_id=order.pk)

    assert refused.message == (
        "CAP has no routing that is valid today. Ask engineering for one, then release WO-9."
    )
    assert not JobOrder.objects.exists()


def test_a_routing_of_tomorrow_is_not_used_today(plant: Plant) -> None:
    plant.must(
        add_routing,
        item_id=plant.ids["BODY"],
        revision="B",
        valid_from=SHIFT_START + 24 * HOUR,
        operations=[
            {"number": 10, "name": "All", "unit_id": plant.ids["CNC-07"], "run_s": Decimal(1)}
        ],
    )

    plant.order("WO-1")
    plant.clock(SHIFT_START + 25 * HOUR)
    plant.order("WO-2")

    assert plant.job("WO-1").unit.code == "CNC-04"
    assert plant.job("WO-2").unit.code == "CNC-07"


def test_an_order_is_released_once(plant: Plant) -> None:
    order = plant.order()

    again = plant.do(release, work_order_id=order.pk)

    assert (again.status, again.message) == (409, "WO-1 was released before.")
    assert JobOrder.objects.count() == 2


def test_there_must_be_a_place_for_the_output(plant: Plant) -> None:
    order = plant.order(released=False)
    Location.objects.update(kind="DOCK")

    refused = plant.do(release, work_order_id=order.pk)

    assert "There is no store to put BODY into" in refused.message


def test_bought_items_and_half_pieces_are_not_made(plant: Plant) -> None:
    def create(item: str, quantity: str) -> str:
        return plant.do(
            create_order,
            code="WO-9",
            item_id=plant.ids[item],
            quantity=Decimal(quantity),
            due_at=SHIFT_START,
        ).message

    assert create("BAR", "1") == "BAR is bought. Order it from its supplier."
    assert create("BODY", "0.5") == "BODY is made in steps of 1, above zero."


def test_an_order_is_released_to_another_unit_of_its_routing_with_that_units_times(
    plant: Plant,
) -> None:
    order = plant.order(released=False)

    plant.must(release, work_order_id=order.pk, units={10: plant.ids["CNC-07"]})

    job = plant.job()
    assert (job.unit.code, job.setup_s, job.run_s) == ("CNC-07", 900, 70)
    assert plant.job(number=20).unit.code == "BENCH"
    assert (plant.queue("CNC-04"), plant.queue("CNC-07")) == ([], [job.pk])
    eligible = JobAlternate.objects.filter(job_order=job).values_list(
        "unit__code", "setup_s", "run_s"
    )
    assert sorted(eligible) == [("CNC-04", 600, 60), ("CNC-07", 900, 70)]


def test_an_order_is_not_released_to_a_unit_that_its_routing_does_not_name(plant: Plant) -> None:
    order = plant.order(released=False)

    refused = plant.do(release, work_order_id=order.pk, units={10: plant.ids["BENCH"]})

    assert refused.message == (
        "BENCH can't do operation 10 of WO-1: its routing does not name that unit."
    )
    order.refresh_from_db()
    assert order.status == "WAITING"
    assert not JobOrder.objects.exists()


def test_an_order_that_is_made_where_nothing_is_planned_comes_whole(plant: Plant) -> None:
    order = plant.order(quantity=10, released=False)

    plant.must(release, work_order_id=order.pk, planned=False)

    order.refresh_from_db()
    assert order.status == "RELEASED"
    assert not JobOrder.objects.exists()
    assert not JobMaterial.objects.exists()
    plant.must(put_away, work_order_id=order.pk, good=Decimal(10))
    order.refresh_from_db()
    assert (order.status, order.put_away_quantity) == ("COMPLETED", 10)


def test_an_order_of_another_site_is_not_released(plant: Plant) -> None:
    foreign = build_plant("T2").order(released=False)

    assert plant.do(release, work_order_id=foreign.pk).status == 404


def test_closing_an_order_takes_its_jobs_out_of_the_queues(plant: Plant) -> None:
    order = plant.order()

    plant.must(close_order, work_order_id=order.pk, note="cancelled")

    order.refresh_from_db()
    assert order.status == "CLOSED"
    assert {job.status for job in JobOrder.objects.all()} == {"ABORTED"}
    assert plant.queue("CNC-04") == plant.queue("BENCH") == []


def test_an_order_that_runs_is_not_closed(plant: Plant) -> None:
    order = plant.order()
    plant.must(start, job_order_id=plant.job().pk)

    refused = plant.do(close_order, work_order_id=order.pk)

    assert refused.message == "WO-1 is running on CNC-04. Finish or stop it there first."
    assert plant.job().status == "RUNNING"


def test_a_report_after_the_closing_is_kept_for_the_supervisor(plant: Plant) -> None:
    order = plant.order()
    plant.must(close_order, work_order_id=order.pk)

    late = plant.do(
        report_production, job_order_id=plant.job().pk, good=Decimal(3), scrap=Decimal(0)
    )

    assert late.status == 202
    assert late.message == "WO-1 / 10 has ended; you entered 3. Kept for your supervisor to settle."
    assert plant.job().good == 0


def test_a_routing_names_work_units_only(plant: Plant) -> None:
    area = Equipment.objects.create(site=plant.site, code="HALL", name="Hall", level="AREA")

    refused = plant.do(
        add_routing,
        item_id=plant.ids["BODY"],
        revision="C",
        operations=[{"number": 10, "name": "x", "unit_id": area.pk, "run_s": Decimal(1)}],
    )

    assert refused.message == "HALL is not a machine or work place. Choose one inside it."
