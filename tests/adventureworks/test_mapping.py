"""What is open on a day, on which units, from which stock; and what the record then says."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from planning.adventureworks import choices
from planning.adventureworks.backlog import (
    Bills,
    OpenOrder,
    begun_orders,
    open_orders,
    rough_plan,
)
from planning.adventureworks.mapping import Load, map_company, unworkable
from planning.adventureworks.reading import Company, read
from planning.adventureworks.record import Fact, Kind, facts, stock_moves
from planning.adventureworks.shipping import shipments
from tests.adventureworks.company import real_folder, write_small

AS_OF = date(2013, 7, 3)
MONTH = date(2013, 7, 31)


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
    stock. Order 102 makes five frames and 107 two; 103 takes five and 105, which begins later,
    nine: seven are in stock. Tubes: 12 are taken before any come. Paint: 40 and 72 are taken, 30
    were counted. Bells: two are sold."""
    stock = {lot.product: lot.quantity for lot in map_company(small, AS_OF).lots}

    assert stock == {2: 7, 3: 12, 4: 112, 5: 2}


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


def whole_record(company: Company, as_of: date, until: date) -> tuple[list[OpenOrder], list[Fact]]:
    """What was open and what began, and all that is said of it but shipments."""
    open_then = open_orders(company, as_of)
    orders = open_then + begun_orders(company, open_then, as_of, until)
    return orders, facts(company, orders, as_of, until)


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
    orders, record = whole_record(real, AS_OF, MONTH)
    ended = {(job.order, job.sequence): job.ended for o in orders for job in o.jobs}

    assert one_at_a_time(orders, record)
    assert Counter(fact.kind for fact in record) == {
        Kind.STARTED: 2_422,
        Kind.ENDED: 2_422,
        Kind.PUT_AWAY: 900,
        Kind.RELEASED: 2_237,
        Kind.SOLD: 176,
        Kind.BOUGHT: 22,
        Kind.RECEIVED: 25,
        Kind.REJECTED: 3,
    }
    for fact in record:
        if fact.kind in (Kind.STARTED, Kind.ENDED):
            day = ended[fact.number, fact.sequence]
            assert day is not None
            assert choices.opens(day - timedelta(days=1)) <= fact.at < choices.opens(day)


def test_the_record_of_the_small_company(small: Company) -> None:
    """By hand: order 102 is formed for 4.1 h and welded for 3.5 h before the morning of the 4th,
    103 assembled for 4 h and 104 put away before the 5th's, 107 made and 106 put away before the
    9th's. What begins on a day is there by its morning; of 39 bells three are no good."""
    _, record = whole_record(small, AS_OF, date(2013, 7, 10))

    assert [
        (fact.at.strftime("%d %H:%M"), fact.kind, fact.number, fact.good, fact.scrap, fact.reason)
        for fact in record
    ] == [
        ("03 07:00", "STARTED", 102, 0, 0, None),
        ("03 11:06", "ENDED", 102, 6, 0, None),
        ("03 11:06", "STARTED", 102, 0, 0, None),
        ("03 14:36", "ENDED", 102, 5, 1, 4),
        ("04 06:30", "RELEASED", 105, 0, 0, None),
        ("04 07:00", "STARTED", 103, 0, 0, None),
        ("04 11:00", "ENDED", 103, 5, 0, None),
        ("05 06:15", "BOUGHT", 702, 0, 0, None),
        ("05 06:30", "RELEASED", 106, 0, 0, None),
        ("05 06:30", "RELEASED", 107, 0, 0, None),
        ("05 06:50", "PUT_AWAY", 104, 20, 0, None),
        ("08 06:00", "SOLD", 802, 0, 0, None),
        ("08 07:00", "STARTED", 107, 0, 0, None),
        ("08 11:06", "ENDED", 107, 2, 0, None),
        ("08 11:06", "STARTED", 107, 0, 0, None),
        ("08 14:36", "ENDED", 107, 2, 0, None),
        ("09 06:50", "PUT_AWAY", 106, 7, 1, 4),
        ("09 10:00", "RECEIVED", 700, 36, 3, None),
        ("09 14:00", "REJECTED", 700, 0, 3, None),
    ]


@pytest.mark.parametrize("until", [date(2013, 7, 5), date(2013, 7, 9), date(2013, 8, 20)])
def test_what_is_said_of_a_day_does_not_depend_on_the_last_one(real: Company, until: date) -> None:
    edge = choices.opens(min(until, MONTH))
    _, there = whole_record(real, AS_OF, until)
    _, month = whole_record(real, AS_OF, MONTH)

    assert [fact for fact in there if fact.at < edge] == [fact for fact in month if fact.at < edge]


def test_a_begun_order_goes_to_the_unit_with_the_least_hours_before_it(small: Company) -> None:
    """By hand: on the 4th FA-01 still has 103 to do, so 105 goes to FA-02; on the 5th 102 is
    done, so FF-01 and FW-01 are as free as their likes."""
    units = {o.order.id: [job.unit for job in o.jobs] for o in begun(small) if o.jobs}

    assert units == {105: ["FA-02"], 107: ["FF-01", "FW-01"]}


def begun(company: Company) -> list[OpenOrder]:
    return begun_orders(company, open_orders(company, AS_OF), AS_OF, MONTH)


def test_begun_orders_keep_the_units_of_a_centre_alike(real: Company) -> None:
    seconds = Counter[str]()
    for open_order in begun(real):
        for job in open_order.jobs:
            seconds[job.unit] += job.seconds
    for place in choices.CENTRES:
        units = [seconds[unit] for unit in choices.unit_codes(place)]
        assert max(units) <= 1.25 * min(units)


def test_in_a_day_parts_are_made_before_what_they_go_into(small: Company) -> None:
    """By hand: were 105 done on the day of 107, its frames would be welded until 14:36."""
    small.operations[:] = [
        row._replace(ended=date(2013, 7, 9)) if row.order == 105 else row
        for row in small.operations
    ]

    _, record = whole_record(small, AS_OF, date(2013, 7, 10))

    times = {(f.number, f.kind, f.sequence): f.at.strftime("%d %H:%M") for f in record}
    assert times[107, Kind.ENDED, 2] == times[105, Kind.STARTED, 7] == "08 14:36"


def test_an_operation_that_ended_on_the_day_its_order_began_is_done_the_day_after(
    small: Company,
) -> None:
    small.operations[-2:] = [row._replace(ended=date(2013, 7, 5)) for row in small.operations[-2:]]

    _, record = whole_record(small, AS_OF, date(2013, 7, 10))

    times = [(fact.at.day, fact.kind) for fact in record if fact.number == 107]
    assert times == [(5, "RELEASED"), *[(5, "STARTED"), (5, "ENDED")] * 2]


@pytest.mark.parametrize("day", ["2011-07-15", "2012-07-01", "2013-07-03", "2013-10-31"])
def test_opening_stock_keeps_four_recorded_weeks_above_zero(real: Company, day: str) -> None:
    """Also of what is bought, and with every shipment that the record has in them."""
    as_of = date.fromisoformat(day)
    until = as_of + timedelta(days=choices.RECORD_DAYS)
    load = map_company(real, as_of)
    stock = {lot.product: lot.quantity for lot in load.lots}
    orders, record = whole_record(real, as_of, until)
    moves = stock_moves(real, orders, record, Bills(real))
    products = {row.id: row.product for row in real.sale_rows}
    leaving = shipments(real, stock, moves, as_of, until)
    assert len(leaving) > 100
    for fact in leaving:
        moves[products[fact.number]].append((fact.at, -Decimal(fact.good)))

    for product, some in moves.items():
        balance = stock.get(product, Decimal(0))
        for _at, move in sorted(some, key=lambda move: move[0]):
            balance += move
            assert balance >= 0, product


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
