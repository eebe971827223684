"""Legal moves of job orders, conservation of pieces, launch quantities, queues."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from workorders.models import JobOrder
from workorders.rules import (
    ENDED,
    JOB_MOVES,
    OPEN,
    Feed,
    Part,
    Verdict,
    arriving,
    explode,
    is_complete,
    judge_report,
    launch_quantity,
    may_go,
    moved,
    place_for,
    required,
    sources_of,
    status_after,
    waits_for_pieces,
)

statuses = st.sampled_from(sorted(JOB_MOVES))
pieces = st.integers(0, 50).map(Decimal)
feeds = st.lists(
    st.builds(Feed, statuses, pieces, st.none() | st.integers(1, 20).map(Decimal)), max_size=3
)


def test_the_table_knows_the_words_of_the_model_and_no_others() -> None:
    assert set(JOB_MOVES) == set(JobOrder.Status.values)
    assert set().union(*JOB_MOVES.values()) <= set(JOB_MOVES)


def test_nothing_leaves_closed_and_nothing_stays_by_moving() -> None:
    assert not JOB_MOVES["CLOSED"]
    assert not any(may_go(status, status) for status in JOB_MOVES)


@given(statuses, statuses)
def test_the_condition_of_an_update_is_the_table_read_backwards(status: str, to: str) -> None:
    assert (status in sources_of(to)) == may_go(status, to)


@given(statuses)
def test_only_a_completed_job_reopens(status: str) -> None:
    if status in ENDED and JOB_MOVES[status] & OPEN:
        assert status == "COMPLETED"


@given(statuses, st.booleans(), st.booleans(), st.booleans(), st.booleans(), st.booleans())
def test_what_follows_from_quantities_is_always_a_legal_move(
    status: str, complete: bool, started: bool, place_free: bool, waits: bool, reported: bool
) -> None:
    # A job that runs or was stopped has been started.
    assume(started or status not in {"RUNNING", "SUSPENDED"})

    after = status_after(
        status=status,
        complete=complete,
        started=started,
        place_free=place_free,
        waits=waits,
        reported=reported,
    )

    assert after == status or may_go(status, after)
    assert not (after == "RUNNING" and status != "RUNNING" and not place_free)
    assert (after == "COMPLETED") == (complete and status not in {"HELD", "ABORTED", "CLOSED"})


@given(pieces, pieces, st.booleans(), feeds)
def test_a_job_is_never_complete_while_pieces_may_still_come(
    quantity: Decimal, made: Decimal, short: bool, before: list[Feed]
) -> None:
    complete = is_complete(quantity=quantity, made=made, closed_short=short, feeds=before)

    if complete and not short and made < quantity:
        assert all(feed.ended for feed in before)
        assert made >= min(feed.good for feed in before)


def test_a_join_takes_the_scarcest_of_the_steps_before() -> None:
    before = [Feed("COMPLETED", Decimal(9)), Feed("CLOSED", Decimal(7))]

    assert arriving(before, Decimal(10)) == 7
    assert arriving([*before, Feed("RUNNING", Decimal(3))], Decimal(10)) is None


def test_an_end_is_waited_for_and_a_batch_is_enough() -> None:
    assert waits_for_pieces([Feed("RUNNING", Decimal(9))], Decimal(10))
    assert not waits_for_pieces([Feed("COMPLETED", Decimal(0))], Decimal(10))
    assert waits_for_pieces([Feed("RUNNING", Decimal(4), Decimal(5))], Decimal(10))
    assert not waits_for_pieces([Feed("RUNNING", Decimal(5), Decimal(5))], Decimal(10))
    # A batch larger than the order is the order.
    assert not waits_for_pieces([Feed("RUNNING", Decimal(3), Decimal(5))], Decimal(3))


@given(st.booleans(), statuses, pieces, pieces, st.booleans())
def test_a_report_is_booked_only_where_nothing_forbids_it(
    order_open: bool, status: str, left: Decimal, made: Decimal, lot_barred: bool
) -> None:
    verdict = judge_report(
        order_open=order_open, status=status, left=left, made=made, lot_barred=lot_barred
    )

    clean = order_open and status in OPEN and status != "HELD" and not lot_barred
    assert (verdict is Verdict.BOOKED) == (clean and made <= left)


def test_the_launch_quantity_covers_the_scrap_of_every_operation() -> None:
    # 100 / 0.95 / 0.98 = 107.41..., and 0.95 * 0.98 of 108 is 100.5.
    assert launch_quantity(Decimal(100), [950_000, 980_000], 0) == 108
    assert launch_quantity(Decimal(100), [1_000_000], 0) == 100


@given(
    st.integers(1, 10**6),
    st.lists(st.integers(500_000, 1_000_000), max_size=5),
    st.integers(0, 6),
)
def test_the_launch_quantity_is_the_smallest_that_is_enough(
    wanted: int, yields: list[int], decimals: int
) -> None:
    launch = launch_quantity(Decimal(wanted), yields, decimals)
    quantum = Decimal(1).scaleb(-decimals)

    def comes_out(quantity: Decimal) -> bool:
        # quantity * product(yields) >= wanted, in whole numbers.
        left, right = int(quantity.scaleb(decimals)), wanted * 10**decimals
        for share in yields:
            left, right = left * share, right * 1_000_000
        return bool(left >= right)

    assert comes_out(launch)
    assert not comes_out(launch - quantum)


def test_a_phantom_blows_through_at_the_operation_that_takes_it() -> None:
    bills = {
        1: [
            Part(2, Decimal(2), operation=20),
            Part(3, Decimal(1), operation=10),
            Part(3, Decimal(1), operation=20),
        ],
        2: [Part(3, Decimal("0.5"), scrap_ppm=100_000, operation=99), Part(4, Decimal(3))],
    }

    taken = explode(1, bills, frozenset({2}))

    assert taken == {
        (10, 3): Decimal(1),
        (20, 3): Decimal("2.1"),  # 1 of its own and 2 * 0.5 * 1.1
        (20, 4): Decimal(6),
    }


def test_a_phantom_inside_itself_is_found() -> None:
    bills = {1: [Part(2, Decimal(1))], 2: [Part(2, Decimal(1))]}

    with pytest.raises(ValueError, match="contains itself"):
        explode(1, bills, frozenset({2}))


@given(
    st.decimals(Decimal("0.000001"), Decimal(1000), places=6), st.integers(0, 10**4).map(Decimal)
)
def test_what_is_required_is_never_less_than_what_is_taken(per: Decimal, quantity: Decimal) -> None:
    assert 0 <= required(per, quantity) - per * quantity < Decimal("0.000001")


@given(st.lists(st.sampled_from("ABC"), min_size=1, max_size=4), st.data())
def test_a_job_takes_a_free_place_and_one_set_up_for_it_if_there_is_one(
    mounted: list[str], data: st.DataObject
) -> None:
    busy = data.draw(st.lists(st.sampled_from(range(len(mounted))), unique=True))
    family = data.draw(st.sampled_from("ABC"))
    free = [place for place in range(len(mounted)) if place not in busy]
    assume(free)

    place = place_for(mounted, [mounted[other] for other in busy], family)

    # Which of two places of one family is busy can't be told apart, and need not be.
    free_families = sorted(mounted[other] for other in free)
    assert mounted[place] in free_families
    assert mounted[place] == family or family not in free_families


def test_one_job_taken_to_the_front_is_the_only_one_moved() -> None:
    assert moved([1, 2, 3, 4], [4, 1, 2, 3]) == [4]
    assert moved([1, 2, 3, 4], [2, 3, 4, 1]) == [1]
    assert moved([1, 2], [1, 2]) == []
    assert moved([], [7]) == []


@given(st.permutations(range(7)), st.permutations(range(7)))
def test_without_the_moved_jobs_the_order_is_the_old_one(
    before: list[int], after: list[int]
) -> None:
    gone = set(moved(before, after))

    assert [job for job in before if job not in gone] == [job for job in after if job not in gone]


@given(st.permutations(range(6)), st.permutations(range(6)))
def test_no_smaller_set_of_moves_explains_the_new_order(
    before: list[int], after: list[int]
) -> None:
    place = {job: index for index, job in enumerate(before)}
    order = [place[job] for job in after]
    # The longest increasing run, by brute force over all subsets.
    longest = max(
        len(kept)
        for mask in range(1 << len(order))
        if (kept := [value for bit, value in enumerate(order) if mask >> bit & 1]) == sorted(kept)
    )

    assert len(moved(before, after)) == len(order) - longest
