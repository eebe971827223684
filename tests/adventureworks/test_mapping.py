"""What is open on a day, on which units, from which stock; and what the record then says."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from planning.adventureworks import choices
from planning.adventureworks.backlog import OpenOrder, open_orders, rough_plan
from planning.adventureworks.mapping import Load, map_company, unworkable
from planning.adventureworks.reading import Company, read
from planning.adventureworks.record import Fact, Kind, facts
from tests.adventureworks.company import real_folder, write_small

AS_OF = date(2013, 7, 3)


@pytest.fixture
def small(tmp_path: Path) -> Company:
    company, problems = read(write_small(tmp_path))
    assert problems == []
    return company


@pytest.fixture(scope="module")
def real() -> Company:
    return read(real_folder())[0]


@pytest.fixture(scope="module")
def real_load(real: Company) -> Load:
    return map_company(real, AS_OF)


def test_orders_that_started_and_did_not_end_by_the_day_are_open(small: Company) -> None:
    load = map_company(small, AS_OF)

    assert [order.code for order in load.orders] == ["WO-102", "WO-103", "WO-104"]
    assert [order.is_past_due for order in load.orders] == [True, False, False]
    assert [job.unit for job in load.orders[0].jobs] == ["FF-01", "FW-01"]
    assert load.orders[2].jobs == ()
    assert load.queues["FA-01"] == ((103, 7),)


def test_an_order_takes_what_its_bill_said_on_the_day_it_started(small: Company) -> None:
    bike = map_company(small, AS_OF).orders[1]

    assert bike.materials == ((2, Decimal(1), Decimal(5)), (4, Decimal(8), Decimal(40)))


def test_ounces_stay_ounces(small: Company) -> None:
    paint = map_company(small, AS_OF).items[3]

    assert (paint.unit, paint.decimals, paint.lead_time_s) == ("OZ", 2, 9 * 86400)


def test_customer_lines_keep_their_order_price_and_due_day(small: Company) -> None:
    load = map_company(small, AS_OF)

    assert [(line.number, line.product, line.price) for line in load.customer_lines] == [
        (1, 5, Decimal("8.0000")),
        (2, 1, Decimal("980.0000")),
    ]
    assert {line.promised_at.isoformat() for line in load.customer_lines} == {
        "2013-07-12T23:59:00-07:00"
    }
    assert [(line.order_code, line.number, line.quantity) for line in load.purchases] == [
        ("PO-70", 1, 40)
    ]


def test_a_part_that_comes_in_time_is_not_in_stock(small: Company) -> None:
    """By hand: three bikes are sold; order 103 makes five by the 4th, so no bike is needed in
    stock. It takes five frames at 07:00, before order 102 brings any: five are in stock. Paint:
    40 are taken, 30 were counted. Bells: two are sold."""
    stock = {lot.product: lot.quantity for lot in map_company(small, AS_OF).lots}

    assert stock == {2: 5, 3: 12, 4: 40, 5: 2}


def test_a_location_without_units_is_refused_by_its_first_line(small: Company) -> None:
    small.places[2] = small.places[2]._replace(id=11)
    small.operations[1] = small.operations[1]._replace(place=11)

    assert [str(problem) for problem in unworkable(small)] == [
        "WorkOrderRouting.csv, line 3: works at location 11 (Frame Forming), for which no units"
        " are chosen."
    ]


def test_a_day_on_which_nothing_is_open_is_refused(small: Company) -> None:
    with pytest.raises(ValueError, match="Nothing was open on 2012-01-01"):
        map_company(small, date(2012, 1, 1))


def test_calendars_give_the_hours_a_week_of_the_sample(real: Company) -> None:
    hours = {place.id: place.availability for place in real.places if place.availability}

    assert {place: centre.hours for place, centre in choices.CENTRES.items()} == hours


def test_the_real_company_on_that_morning(real_load: Load) -> None:
    assert real_load.counts() == {
        "units": 19,
        "items": 504,
        "bill_lines": 2_576,
        "routings": 149,
        "lots": 444,
        "suppliers": 104,
        "purchase_lines": 17,
        "customers": 535,
        "customer_orders": 186,
        "customer_lines": 3_766,
        "work_orders": 1_390,
        "work_orders_past_due": 336,
        "work_orders_without_operations": 386,
        "job_orders": 1_619,
    }


def test_the_real_backlog_is_the_one_that_the_sample_carries(real_load: Load) -> None:
    hours = [round(value) for _, value in sorted(real_load.load_hours().items())]

    assert hours == [914, 542, 41, 36, 46, 2_103, 1_832]


def test_every_open_operation_stands_in_exactly_one_queue(real_load: Load) -> None:
    queued = Counter(job for queue in real_load.queues.values() for job in queue)

    assert queued == Counter((job.order, job.sequence) for job in real_load.jobs)
    due = {order.order: order.due_at for order in real_load.orders}
    for queue in real_load.queues.values():
        assert [due[order] for order, _ in queue] == sorted(due[order] for order, _ in queue)


def test_units_of_a_centre_carry_the_same_load(real_load: Load) -> None:
    seconds = Counter[str]()
    longest = 0
    for job in real_load.jobs:
        seconds[job.unit] += job.seconds
        longest = max(longest, job.seconds)
    for place in choices.CENTRES:
        units = [seconds[unit] for unit in choices.unit_codes(place)]
        assert max(units) - min(units) <= longest


def test_the_rough_plan_never_puts_two_jobs_on_a_unit_at_once(real: Company) -> None:
    """Seen from outside: a unit's work can't end before all of it was done in its own hours."""
    orders = open_orders(real, AS_OF)
    times = rough_plan(orders, AS_OF)

    assert set(times) == {o.order.id for o in orders}
    assert all(time.starts <= time.ends for time in times.values())
    assembled = [o for o in orders if o.jobs and o.jobs[-1].unit == "FA-01"]
    hours = sum(job.seconds for o in assembled for job in o.jobs if job.unit == "FA-01") / 3600
    weeks = (max(times[o.order.id].ends for o in assembled) - choices.opens(AS_OF)) / timedelta(7)
    assert hours <= weeks * 120 + 24


def one_at_a_time(orders: list[OpenOrder], record: list[Fact]) -> bool:
    """Whether the record has at most one operation on a unit and on an order at any time."""
    unit_of = {(job.order, job.sequence): job.unit for o in orders for job in o.jobs}
    busy: dict[str | int, tuple[int, int]] = {}
    for fact in record:
        job = (fact.number, fact.sequence)
        if fact.kind == Kind.STARTED:
            if unit_of[job] in busy or fact.number in busy:
                return False
            busy[unit_of[job]] = busy[fact.number] = job
        elif fact.kind == Kind.ENDED:
            del busy[unit_of[job]], busy[fact.number]
    return not busy


def test_the_record_runs_each_operation_within_the_day_it_ended(real: Company) -> None:
    orders = open_orders(real, AS_OF)
    record = facts(real, orders, AS_OF)
    ended = {(job.order, job.sequence): job.ended for o in orders for job in o.jobs}

    assert one_at_a_time(orders, record)
    assert Counter(fact.kind for fact in record) == {
        Kind.STARTED: 1_619,
        Kind.ENDED: 1_619,
        Kind.PUT_AWAY: 386,
        Kind.RECEIVED: 17,
    }
    for fact in record:
        if fact.kind in (Kind.STARTED, Kind.ENDED):
            day = ended[fact.number, fact.sequence]
            assert day is not None
            assert choices.opens(day - timedelta(days=1)) <= fact.at < choices.opens(day)


def test_the_record_of_the_small_company(small: Company) -> None:
    """By hand: order 102 is formed for 4.1 h and welded for 3.5 h before the morning of the 4th,
    103 assembled for 4 h and 104 put away before the 5th's; 39 of 40 bells come on the 9th."""
    record = facts(small, open_orders(small, AS_OF), AS_OF)

    assert [
        (fact.at.strftime("%d %H:%M"), fact.kind, fact.number, fact.good, fact.scrap, fact.reason)
        for fact in record
    ] == [
        ("03 07:00", "STARTED", 102, 0, 0, None),
        ("03 11:06", "ENDED", 102, 6, 0, None),
        ("03 11:06", "STARTED", 102, 0, 0, None),
        ("03 14:36", "ENDED", 102, 5, 1, 4),
        ("04 07:00", "STARTED", 103, 0, 0, None),
        ("04 11:00", "ENDED", 103, 5, 0, None),
        ("05 06:50", "PUT_AWAY", 104, 20, 0, None),
        ("09 10:00", "RECEIVED", 700, 39, 0, None),
    ]


def test_opening_stock_keeps_the_recorded_week_above_zero(real: Company, real_load: Load) -> None:
    balance = defaultdict(Decimal, {lot.product: lot.quantity for lot in real_load.lots})
    orders = {order.order: order for order in real_load.orders}
    until = choices.opens(AS_OF + timedelta(days=choices.RECORD_DAYS))
    for fact in facts(real, open_orders(real, AS_OF), AS_OF):
        if fact.at > until or fact.kind == Kind.RECEIVED:
            continue
        order = orders[fact.number]
        if fact.kind == Kind.STARTED:
            continue
        if order.jobs and fact.sequence == order.jobs[0].sequence:
            for component, _, quantity in order.materials:
                balance[component] -= quantity
                assert balance[component] >= 0
        if not order.jobs or fact.sequence == order.jobs[-1].sequence:
            balance[order.product] += fact.good


@pytest.mark.parametrize(
    "day", ["2011-06-03", "2011-07-15", "2012-07-01", "2013-10-31", "2014-01-02"]
)
def test_any_day_that_the_record_covers_can_be_the_first(real: Company, day: str) -> None:
    load = map_company(real, date.fromisoformat(day))

    stood = [job for jobs in load.queues.values() for job in jobs]
    assert sorted(stood) == sorted((job.order, job.sequence) for job in load.jobs)
    assert len(load.orders) > 100
    assert all(lot.quantity > 0 for lot in load.lots)


def test_a_day_after_the_record_is_refused_in_words(real: Company) -> None:
    with pytest.raises(ValueError, match="Nothing was open on 2014-05-30: choose a day"):
        map_company(real, date(2014, 5, 30))
