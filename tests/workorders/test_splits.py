"""A job order split in two: pieces are conserved, what follows waits for both, and it goes back."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.db.models import Sum

from planning.verify import problems
from tests.cast import (
    Plant,
    assert_balances_are_the_sums_of_their_moves,
    assert_each_open_job_stands_in_one_queue,
)
from workorders import actions as workorders
from workorders.models import (
    GenealogyEdge,
    JobAlternate,
    JobLink,
    JobMaterial,
    JobOrder,
    UnitQueue,
    WorkOrder,
)

pytestmark = pytest.mark.django_db


def split(plant: Plant, quantity: int = 4, number: int = 10, unit: str = "CNC-07") -> JobOrder:
    made = plant.must(
        workorders.split_job,
        job_order_id=plant.job(number=number).pk,
        to_unit_id=plant.ids[unit],
        quantity=Decimal(quantity),
        reason="CNC-04 down",
    )
    return JobOrder.objects.get(pk=made["job_order_id"])


def test_a_part_takes_its_pieces_its_times_its_material_and_its_links(plant: Plant) -> None:
    plant.order()
    part, first = split(plant), plant.job()
    assert (first.quantity, part.quantity) == (6, 4)
    assert (part.number, part.name, part.part_of_id) == (11, "Turn", first.pk)
    assert (part.unit.code, part.setup_s, part.run_s) == ("CNC-07", 900, 70)
    assert plant.queue("CNC-07") == [part.pk]
    taken = JobMaterial.objects.values_list("job_order", "required")
    assert set(taken) == {(first.pk, Decimal(9)), (part.pk, Decimal(6))}
    links = JobLink.objects.values_list("predecessor", "follower", "kind", "batch")
    after = plant.job(number=20).pk
    assert set(links) == {
        (first.pk, after, "OVERLAP", Decimal(5)),
        (part.pk, after, "OVERLAP", Decimal(5)),
    }
    units = JobAlternate.objects.filter(job_order=part).values_list("unit__code", flat=True)
    assert set(units) == {"CNC-04", "CNC-07"}
    assert part.title == "Turn · part of op 10"
    assert_each_open_job_stands_in_one_queue(plant)


def test_what_follows_waits_for_both_and_makes_the_pieces_of_both(plant: Plant) -> None:
    plant.order()
    part, first = split(plant), plant.job()
    JobLink.objects.update(kind="FS", batch=None)
    after = plant.job(number=20)
    plant.must(workorders.start, job_order_id=first.pk)
    assert plant.report(first, 6).ok
    refused = plant.do(workorders.start, job_order_id=after.pk)
    assert refused.status == 422
    plant.must(workorders.start, job_order_id=part.pk)
    assert plant.report(part, 3, scrap=1).ok
    after.refresh_from_db()
    assert after.status == "READY"
    plant.must(workorders.start, job_order_id=after.pk)
    assert plant.report(after, 9).ok
    order = WorkOrder.objects.get()
    assert (order.status, order.put_away_quantity) == ("COMPLETED", 9)
    assert GenealogyEdge.objects.aggregate(all=Sum("quantity"))["all"] == 15
    assert_balances_are_the_sums_of_their_moves(plant)
    assert list(problems(plant.site)) == []


def test_parts_of_a_later_step_share_what_comes(plant: Plant) -> None:
    """Nine of ten come: whoever makes the ninth ends both."""
    plant.order()
    JobLink.objects.update(kind="FS", batch=None)
    first, last = plant.job(), plant.job(number=20)
    JobAlternate.objects.create(site=plant.site, job_order=last, unit=plant.unit("CNC-07"), run_s=9)
    part = split(plant, 5, number=20)
    plant.must(workorders.start, job_order_id=first.pk)
    assert plant.report(first, 9, scrap=1).ok
    for job, good in ((last, 4), (part, 5)):
        plant.must(workorders.start, job_order_id=job.pk)
        assert plant.report(job, good).ok
    assert set(JobOrder.objects.values_list("status", flat=True)) == {"COMPLETED"}
    order = WorkOrder.objects.get()
    assert (order.status, order.put_away_quantity, plant.on_hand("WO-1")) == ("COMPLETED", 9, 9)
    assert list(problems(plant.site)) == []


def test_a_correction_opens_the_part_again(plant: Plant) -> None:
    plant.order()
    part = split(plant)
    plant.must(workorders.start, job_order_id=part.pk)
    response = plant.report(part, 4).response["response_id"]
    plant.must(workorders.correct_report, response_id=response)
    part.refresh_from_db()
    assert (part.status, part.good) == ("RUNNING", 0)
    assert list(problems(plant.site)) == []


def test_given_back_it_is_as_it_was(plant: Plant) -> None:
    plant.order()
    before = _stored()
    part = split(plant)
    plant.must(workorders.merge_job, job_order_id=plant.job().pk, part_id=part.pk)
    assert _stored() == before
    assert plant.kinds()[-2:] == ["workorders.job.split", "workorders.job.merged"]
    assert list(problems(plant.site)) == []


def _stored() -> dict[str, list[tuple[object, ...]]]:
    return {
        "jobs": list(
            JobOrder.objects.order_by("pk").values_list("pk", "unit", "quantity", "number")
        ),
        "materials": list(JobMaterial.objects.order_by("pk").values_list("pk", "required")),
        "links": list(JobLink.objects.order_by("pk").values_list()),
        "units": list(JobAlternate.objects.order_by("pk").values_list()),
        "queues": [
            (unit, tuple(jobs))
            for unit, jobs in UnitQueue.objects.order_by("unit").values_list(
                "unit", "job_order_ids"
            )
            if jobs
        ],
    }


def test_a_part_of_a_part_has_the_next_number(plant: Plant) -> None:
    plant.order()
    part = split(plant)
    made = plant.must(
        workorders.split_job, job_order_id=part.pk, to_unit_id=plant.ids["CNC-04"],
        quantity=Decimal(1),
    )  # fmt: skip
    again = JobOrder.objects.get(pk=made["job_order_id"])
    assert (again.number, again.part_of_id) == (12, plant.job().pk)
    assert sum(JobOrder.objects.exclude(number=20).values_list("quantity", flat=True)) == 10


@pytest.mark.parametrize(
    ("quantity", "unit"), [(0, "CNC-07"), (10, "CNC-07"), (-1, "CNC-07"), (4, "BENCH")]
)
def test_what_can_not_be_split_so_is_refused(plant: Plant, quantity: int, unit: str) -> None:
    plant.order()
    outcome = plant.do(
        workorders.split_job, job_order_id=plant.job().pk, to_unit_id=plant.ids[unit],
        quantity=Decimal(quantity),
    )  # fmt: skip
    assert outcome.status == 422
    assert JobOrder.objects.count() == 2


def test_half_a_piece_is_refused(plant: Plant) -> None:
    plant.order()
    outcome = plant.do(
        workorders.split_job, job_order_id=plant.job().pk, to_unit_id=plant.ids["CNC-07"],
        quantity=Decimal("2.5"),
    )  # fmt: skip
    assert outcome.status == 422


def test_what_has_begun_is_neither_split_nor_given_back(plant: Plant) -> None:
    plant.order()
    part, first = split(plant), plant.job()
    plant.must(workorders.start, job_order_id=first.pk)
    outcome = plant.do(
        workorders.split_job, job_order_id=first.pk, to_unit_id=plant.ids["CNC-07"],
        quantity=Decimal(1),
    )  # fmt: skip
    assert outcome.status == 422
    plant.must(workorders.start, job_order_id=part.pk)
    outcome = plant.do(workorders.merge_job, job_order_id=first.pk, part_id=part.pk)
    assert outcome.status == 422
    assert "begun" in outcome.message


def test_pieces_that_come_batch_by_batch_are_not_shared_out(plant: Plant) -> None:
    plant.order()
    last = plant.job(number=20)
    JobAlternate.objects.create(site=plant.site, job_order=last, unit=plant.unit("CNC-07"), run_s=9)
    outcome = plant.do(
        workorders.split_job, job_order_id=last.pk, to_unit_id=plant.ids["CNC-07"],
        quantity=Decimal(4),
    )  # fmt: skip
    assert outcome.status == 422
    assert "batch by batch" in outcome.message


def test_a_step_without_a_free_number_is_not_split(plant: Plant) -> None:
    plant.order()
    JobOrder.objects.filter(number=20).update(number=11)
    outcome = plant.do(
        workorders.split_job, job_order_id=plant.job().pk, to_unit_id=plant.ids["CNC-07"],
        quantity=Decimal(4),
    )  # fmt: skip
    assert outcome.status == 422
    assert "no number left" in outcome.message


def test_how_a_part_is_fed_does_not_change(plant: Plant) -> None:
    plant.order()
    part = split(plant)
    outcome = plant.do(
        workorders.set_link, predecessor_id=part.pk, follower_id=plant.job(number=20).pk,
        batch=Decimal(2),
    )  # fmt: skip
    assert outcome.status == 422
