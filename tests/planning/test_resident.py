"""Warm is cold: what a process kept of a site never differs from what the database says."""

from __future__ import annotations

import random
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from django.db import connection, transaction

from equipment import actions as equipment
from equipment.models import CalendarException
from materials import actions as materials
from materials.models import Customer, CustomerLine, Item, Lot
from mes.clock import wall_now
from mes.models import ShopFloorEvent
from planning import actions as planning
from planning import resident, snapshot
from planning.models import CommittedPeg, Decision, Option
from planning.snapshot import Snapshot
from quality import actions as quality
from quality.models import Hold
from tests.cast import HOUR
from tests.planning.conftest import DAY, Company
from workorders import actions as workorders
from workorders.models import JobOrder, JobResponse, UnitQueue, WorkOrder


def take(company: Company) -> Snapshot:
    return snapshot.take(company.site.pk, wall_now=wall_now())


@contextmanager
def another_process() -> Iterator[None]:
    """Without anything that this process remembers."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(resident, "_SITES", OrderedDict())
        patch.setattr(snapshot, "_KEPT", OrderedDict())
        patch.setattr(snapshot, "_BUILT", OrderedDict())
        yield


def differences(one: Any, other: Any, where: str = "") -> list[str]:
    """The names of what is not the same, down to the type of each column."""
    if isinstance(one, np.ndarray):
        same = one.dtype == other.dtype and np.array_equal(one, other)
        return [] if same else [where]
    if is_dataclass(one):
        return [
            name
            for field in fields(one)
            for name in differences(
                getattr(one, field.name), getattr(other, field.name), f"{where}.{field.name}"
            )
        ]
    return [] if one == other else [where]


def assert_warm_is_cold(company: Company, after: str = "") -> None:
    warm = take(company)
    with another_process():
        cold = take(company)
    assert differences(warm, cold) == [], after
    assert warm.plan_hash == cold.plan_hash, after


class Acts:
    """Whatever can happen in the small plant, drawn at random; what is refused is refused."""

    def __init__(self, company: Company, seed: int) -> None:
        self.company = company
        self.draw = random.Random(seed)
        self.made = 0

    def some(self, rows: Any) -> Any:
        found = list(rows.filter(site=self.company.site).order_by("pk"))
        return self.draw.choice(found) if found else None

    def name(self, prefix: str) -> str:
        self.made += 1
        return f"{prefix}-{self.made}"

    def one(self) -> str:
        acts: list[Callable[[], object]] = [
            getattr(self, name) for name in sorted(vars(Acts)) if name.startswith("do_")
        ]
        act = self.draw.choice(acts)
        act()
        return act.__name__

    # -- the floor

    def do_start(self) -> None:
        self.company.do(workorders.start, job_order_id=self.some(JobOrder.objects).pk)

    def do_stop(self) -> None:
        self.company.do(workorders.stop, job_order_id=self.some(JobOrder.objects).pk)

    def do_finish(self) -> None:
        self.company.do(workorders.finish, job_order_id=self.some(JobOrder.objects).pk)

    def do_report(self) -> None:
        job = self.some(JobOrder.objects.filter(status="RUNNING")) or self.some(JobOrder.objects)
        self.company.report(job, self.draw.randint(0, 30), scrap=self.draw.randint(0, 3))

    def do_correct(self) -> None:
        if response := self.some(JobResponse.objects):
            self.company.do(workorders.correct_report, response_id=response.pk)

    def do_break(self) -> None:
        unit = self.company.ids[self.draw.choice(["CNC-04", "CNC-07", "BENCH"])]
        back = self.company.now + self.draw.randint(1, 60) * HOUR
        self.company.do(equipment.report_breakdown, unit_id=unit, back_at=back, said_by="me")

    def do_repair(self) -> None:
        unit = self.company.ids[self.draw.choice(["CNC-04", "CNC-07", "BENCH"])]
        self.company.do(equipment.report_repair, unit_id=unit)

    def do_window(self) -> None:
        start = self.company.now + self.draw.randint(1, 40) * HOUR
        self.company.do(
            equipment.add_window,
            unit_id=self.company.ids["CNC-07"],
            kind=CalendarException.Kind.OPEN,
            starts_at=start,
            ends_at=start + 2 * HOUR,
            reason="overtime",
        )

    def do_close_window(self) -> None:
        if window := self.some(CalendarException.objects.filter(removed_seq=None)):
            self.company.do(equipment.remove_window, window_id=window.pk)

    # -- orders and stock

    def do_order(self) -> None:
        self.company.order(self.name("X"), self.draw.randint(5, 40), released=False)

    def do_release(self) -> None:
        if order := self.some(WorkOrder.objects.filter(status="CREATED")):
            self.company.do(workorders.release, work_order_id=order.pk)

    def do_close_order(self) -> None:
        if self.draw.random() < 0.3:
            order = self.some(WorkOrder.objects.filter(status="RELEASED"))
            self.company.do(workorders.close_order, work_order_id=order.pk)

    def do_queue(self) -> None:
        queue = self.some(UnitQueue.objects)
        jobs = self.draw.sample(queue.job_order_ids, len(queue.job_order_ids))
        self.company.do(workorders.set_queue, unit_id=queue.unit_id, job_order_ids=jobs)

    def do_move_job(self) -> None:
        self.company.do(
            workorders.move_job,
            job_order_id=self.some(JobOrder.objects.filter(number=10)).pk,
            to_unit_id=self.company.ids[self.draw.choice(["CNC-04", "CNC-07"])],
            position=0,
            reason="try",
        )

    def do_wait(self) -> None:
        order = self.some(WorkOrder.objects.filter(status="RELEASED"))
        at = self.company.now + self.draw.randint(1, 40) * HOUR
        self.company.do(workorders.set_not_before, work_order_id=order.pk, not_before=at)

    def do_receive(self) -> None:
        self.company.receive("BAR", self.name("R"), self.draw.randint(1, 50))

    def do_hold(self) -> None:
        self.company.do(quality.place_hold, lot_id=self.some(Lot.objects).pk)

    def do_hold_job(self) -> None:
        self.company.do(quality.place_hold, job_order_id=self.some(JobOrder.objects).pk)

    def do_free(self) -> None:
        if hold := self.some(Hold.objects.filter(released_at=None)):
            self.company.do(quality.release_hold, hold_id=hold.pk)

    # -- customers

    def do_sell(self) -> None:
        at = self.company.now + self.draw.randint(10, 90) * HOUR
        self.company.sell(self.name("S"), self.draw.randint(1, 30), at)

    def do_promise(self) -> None:
        line = self.some(CustomerLine.objects)
        at = self.company.now + self.draw.randint(10, 90) * HOUR
        self.company.do(materials.set_promise, line_id=line.pk, promised_at=at)

    def do_ship(self) -> None:
        line = self.some(CustomerLine.objects)
        self.company.do(materials.ship, line_id=line.pk, quantity=Decimal(1))

    def do_part(self) -> None:
        line = self.some(CustomerLine.objects)
        self.company.do(materials.set_part, line_id=line.pk, part_quantity=Decimal(2))

    def do_keep_safety(self) -> None:
        keep = self.draw.random() < 0.5
        self.company.do(materials.keep_safety, item_id=self.company.ids["BAR"], keep=keep)

    # -- planning, time, and what nobody should do

    def do_accept(self) -> None:
        options = Option.objects.filter(verdict="OFFERED").exclude(kind="DO_NOTHING")
        if option := self.some(options.exclude(kind="MINE")):
            self.company.do(planning.accept, option_id=option.pk, based_on_version=option.version)

    def do_undo(self) -> None:
        if decision := self.some(Decision.objects.filter(undo_of=None)):
            self.company.do(planning.undo, decision_id=decision.pk)

    def do_commit(self) -> None:
        self.company.commit()

    def do_let_time_pass(self) -> None:
        self.company.clock(self.company.now + timedelta(minutes=self.draw.randint(1, 300)))

    def do_answer(self) -> None:
        self.company.answer()

    def do_bypass(self) -> None:
        kind = self.draw.randint(0, 4)
        if kind == 0:
            Item.objects.filter(site=self.company.site, code="BAR").update(
                lead_time_s=self.draw.randint(1, 9) * 86_400
            )
        elif kind == 1:
            Customer.objects.filter(site=self.company.site).update(
                priority_class=self.draw.randint(1, 5)
            )
        elif kind == 2 and (peg := self.some(CommittedPeg.objects)):
            peg.delete()
        elif kind == 3:
            job = self.some(JobOrder.objects)
            JobOrder.objects.filter(pk=job.pk).update(run_s=Decimal(self.draw.randint(20, 90)))
        else:
            order = self.some(WorkOrder.objects.filter(status="RELEASED"))
            WorkOrder.objects.filter(pk=order.pk).update(
                last_movement_at=self.company.now - self.draw.choice([0, 61]) * DAY,
                released_at=self.company.now - 70 * DAY,
            )


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_after_any_sequence_of_acts_warm_is_cold(committed_company: Company, seed: int) -> None:
    company = committed_company
    acts = Acts(company, seed)
    done = [acts.one() for _ in range(3)]
    for _ in range(70):
        done.append(acts.one())
        assert_warm_is_cold(company, ", ".join(done))
    kinds = set(ShopFloorEvent.objects.filter(site=company.site).values_list("kind", flat=True))
    assert len(kinds) > 20, "the sequence is too tame to show anything"


def test_only_what_changed_is_read_again(committed_company: Company) -> None:
    company = committed_company
    take(company)
    before = resident.recall(company.site.pk)
    company.must(workorders.start, job_order_id=company.job("WO-1", 10).pk)
    take(company)
    after = resident.recall(company.site.pk)
    assert before is not None
    assert after is not None
    assert after.tables["lines"] is before.tables["lines"]
    assert after.tables["pegs"] is before.tables["pegs"]
    old = {id(row) for row in before.tables["jobs"].rows}
    changed = [row[0] for row in after.tables["jobs"].rows if id(row) not in old]
    assert changed == [company.job("WO-1", 10).pk]


def test_a_transaction_that_was_open_while_we_read_is_seen_once_it_ends(
    committed_company: Company,
) -> None:
    company = committed_company
    line = CustomerLine.objects.filter(site=company.site).earliest("pk")
    other = connection.copy()
    try:
        other.set_autocommit(False)
        with other.cursor() as cursor:
            cursor.execute(
                "update materials_customerline set pack_s = 1234 where id = %s", [line.pk]
            )
        # Others write and end meanwhile, so that its number is not the newest any more.
        company.receive("BAR", "L-2", 5)
        take(company)
        company.receive("BAR", "L-3", 5)
        assert_warm_is_cold(company)
        other.commit()
    finally:
        other.close()
    assert 1234 in take(company).plant.line_prepare_s
    assert_warm_is_cold(company)


def test_what_a_transaction_saw_of_itself_is_not_remembered(committed_company: Company) -> None:
    company = committed_company
    take(company)
    lines = CustomerLine.objects.filter(site=company.site)
    with transaction.atomic():
        lines.update(pack_s=1234)
        assert 1234 in take(company).plant.line_prepare_s
        transaction.set_rollback(True)
    assert 1234 not in take(company).plant.line_prepare_s
    assert_warm_is_cold(company)


def test_another_database_is_read_from_the_beginning(committed_company: Company) -> None:
    company = committed_company
    take(company)
    memory = resident.recall(company.site.pk)
    assert memory is not None
    # What was read there would be wrong here, and no row's age tells.
    stand = resident.Stand(memory.stand.database + 1, memory.stand.started, memory.stand.oldest)
    empty = {name: resident._Table(table.ids[:0], []) for name, table in memory.tables.items()}
    resident.remember(company.site.pk, resident.Memory(stand, memory.made_of, empty))
    assert_warm_is_cold(company)
