"""Working time across zones and the two nights a year when the clocks change."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import assume, given
from hypothesis import strategies as st

from equipment.rules import (
    Shift,
    Window,
    expand_calendar,
    union,
    wall_instant,
    without,
    working_seconds,
)

ZONES = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "UTC"]
# Weeks around both changes of 2025 in each of the zones.
DAYS = [date(2025, 3, 7), date(2025, 3, 28), date(2025, 4, 4), date(2025, 10, 3)]
DAYS += [date(2025, 10, 24), date(2025, 10, 31), date(2025, 6, 11)]
MINUTE = timedelta(minutes=1)

walls = st.builds(time, st.integers(0, 23), st.sampled_from([0, 15, 30, 45]))
shifts = st.lists(st.builds(Shift, st.integers(0, 6), walls, walls), max_size=6)
zones = st.sampled_from(ZONES)
starts = st.builds(
    lambda day, minutes: datetime(day.year, day.month, day.day, tzinfo=UTC) + minutes * MINUTE,
    st.sampled_from(DAYS),
    st.integers(0, 2 * 1440),
)
spans_s = st.integers(1, 4 * 86400)
windows = st.lists(
    st.builds(
        lambda kind, at, length: Window(kind, at, at + timedelta(seconds=length)),
        st.sampled_from(["OPEN", "CLOSED"]),
        starts,
        st.integers(1, 86400),
    ),
    max_size=3,
)


def hours(spans: list[tuple[datetime, datetime]]) -> float:
    return sum((end - start).total_seconds() for start, end in spans) / 3600


def test_the_night_shift_is_an_hour_shorter_when_the_clocks_go_forward() -> None:
    # Berlin, Sunday 30 March 2025: 02:00 becomes 03:00.
    night = [Shift(5, time(22), time(6))]

    spans = expand_calendar(
        night,
        [],
        "Europe/Berlin",
        datetime(2025, 3, 29, tzinfo=UTC),
        datetime(2025, 3, 31, tzinfo=UTC),
    )

    assert spans == [(datetime(2025, 3, 29, 21, tzinfo=UTC), datetime(2025, 3, 30, 4, tzinfo=UTC))]


def test_the_night_shift_is_an_hour_longer_when_the_clocks_go_back() -> None:
    night = [Shift(5, time(22), time(6))]

    spans = expand_calendar(
        night,
        [],
        "Europe/Berlin",
        datetime(2025, 10, 25, tzinfo=UTC),
        datetime(2025, 10, 27, tzinfo=UTC),
    )

    assert hours(spans) == 9


def test_lord_howe_changes_by_half_an_hour() -> None:
    # Sunday 5 October 2025: 02:00 becomes 02:30.
    night = [Shift(5, time(22), time(6))]

    spans = expand_calendar(
        night,
        [],
        "Australia/Lord_Howe",
        datetime(2025, 10, 4, tzinfo=UTC),
        datetime(2025, 10, 6, tzinfo=UTC),
    )

    assert hours(spans) == 7.5


def test_a_wall_time_that_is_skipped_is_the_instant_of_the_change() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    change = datetime(2025, 3, 30, 1, tzinfo=UTC)

    assert wall_instant(date(2025, 3, 30), time(2), berlin) == change
    assert wall_instant(date(2025, 3, 30), time(2, 30), berlin) == change
    assert wall_instant(date(2025, 3, 30), time(3), berlin) == change


def test_a_wall_time_that_comes_twice_is_its_first() -> None:
    berlin = ZoneInfo("Europe/Berlin")

    assert wall_instant(date(2025, 10, 26), time(2, 30), berlin) == datetime(
        2025, 10, 26, 0, 30, tzinfo=UTC
    )


def test_round_the_clock_is_one_span_across_both_changes() -> None:
    always = [Shift(day, time(0), time(0)) for day in range(7)]
    start, end = datetime(2025, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)

    for zone in ZONES:
        assert expand_calendar(always, [], zone, start, end) == [(start, end)]


def test_the_unit_rules_over_its_calendar_and_the_newest_window_over_the_older() -> None:
    day = [Shift(0, time(8), time(16))]
    monday = datetime(2025, 6, 16, tzinfo=UTC)
    holiday = Window("CLOSED", monday, monday + timedelta(days=1))
    overtime = Window("OPEN", monday + timedelta(hours=10), monday + timedelta(hours=12))

    spans = expand_calendar(day, [holiday, overtime], "UTC", monday, monday + timedelta(days=1))

    assert spans == [(overtime.starts_at, overtime.ends_at)]


def test_stops_are_rounded_outward_and_work_inward() -> None:
    monday = datetime(2025, 6, 16, tzinfo=UTC)
    ten = monday + timedelta(hours=10)
    day = [Shift(0, time(8), time(16))]
    stop = Window("CLOSED", ten + timedelta(seconds=30), ten + timedelta(seconds=90))
    extra = Window("OPEN", ten.replace(hour=18, second=30), ten.replace(hour=19, second=30))

    spans = expand_calendar(day, [stop, extra], "UTC", monday, monday + timedelta(days=1))

    assert spans == [
        (monday.replace(hour=8), ten),
        (ten + 2 * MINUTE, monday.replace(hour=16)),
        (monday.replace(hour=18, minute=1), monday.replace(hour=19)),
    ]


@given(shifts, windows, zones, starts, spans_s)
def test_spans_are_whole_minutes_in_order_and_never_touch(
    patterns: list[Shift],
    exceptions: list[Window],
    zone: str,
    start: datetime,
    length: int,
) -> None:
    end = start + timedelta(seconds=length)

    spans = expand_calendar(patterns, exceptions, zone, start, end)

    edges = [edge for span in spans for edge in span]
    assert all(before < after for before, after in itertools.pairwise(edges))
    assert all(edge.second == edge.microsecond == 0 and edge.tzinfo is UTC for edge in edges)
    assert not edges or (edges[0] >= start and edges[-1] <= end)


@given(shifts, windows, zones, starts, st.integers(1, 5000), st.integers(1, 5000))
def test_two_halves_of_a_range_make_the_whole(
    patterns: list[Shift],
    exceptions: list[Window],
    zone: str,
    start: datetime,
    first: int,
    second: int,
) -> None:
    middle = start + first * MINUTE
    end = middle + second * MINUTE

    halves = expand_calendar(patterns, exceptions, zone, start, middle)
    halves += expand_calendar(patterns, exceptions, zone, middle, end)

    assert union(halves) == expand_calendar(patterns, exceptions, zone, start, end)


@given(shifts, zones, starts, st.integers(0, 3 * 1440))
def test_a_minute_is_worked_exactly_when_the_wall_clock_says_so(
    patterns: list[Shift], zone: str, start: datetime, minutes: int
) -> None:
    at = start + minutes * MINUTE
    wall = at.astimezone(ZoneInfo(zone))
    # The hour that comes twice belongs to its first coming; the wall can't tell them apart.
    assume(wall.utcoffset() == wall.replace(fold=1 - wall.fold).utcoffset())

    spans = expand_calendar(patterns, [], zone, start, start + timedelta(days=4))

    def on(shift: Shift) -> bool:
        today, yesterday = wall.weekday(), (wall.weekday() - 1) % 7
        clock = wall.time()
        if shift.ends > shift.starts:
            return shift.weekday == today and shift.starts <= clock < shift.ends
        return (shift.weekday == today and clock >= shift.starts) or (
            shift.weekday == yesterday and clock < shift.ends
        )

    assert any(first <= at < last for first, last in spans) == any(map(on, patterns))


@given(shifts, zones, starts, windows)
def test_opening_adds_closing_takes_away(
    patterns: list[Shift], zone: str, start: datetime, given_windows: list[Window]
) -> None:
    end = start + timedelta(days=3)
    plain = expand_calendar(patterns, [], zone, start, end)
    for window in given_windows:
        changed = expand_calendar(patterns, [window], zone, start, end)
        before = working_seconds(plain, window.starts_at, window.ends_at)
        inside = working_seconds(changed, window.starts_at, window.ends_at)
        if window.kind == "CLOSED":
            assert inside == 0
            assert hours(changed) <= hours(plain)
        else:
            assert inside >= before
            assert hours(changed) >= hours(plain)


@given(shifts, zones, starts, st.integers(0, 200_000), st.integers(0, 200_000))
def test_working_seconds_add_up(
    patterns: list[Shift], zone: str, start: datetime, first: int, second: int
) -> None:
    spans = expand_calendar(patterns, [], zone, start, start + timedelta(days=6))
    middle = start + timedelta(seconds=first)
    end = middle + timedelta(seconds=second)

    whole = working_seconds(spans, start, end)

    assert whole == working_seconds(spans, start, middle) + working_seconds(spans, middle, end)
    assert 0 <= whole <= first + second


def test_cutting_a_span_in_the_middle_leaves_two() -> None:
    at = datetime(2025, 6, 16, tzinfo=UTC)
    span = (at, at + 10 * MINUTE)

    assert without([span], (at + 2 * MINUTE, at + 5 * MINUTE)) == [
        (at, at + 2 * MINUTE),
        (at + 5 * MINUTE, at + 10 * MINUTE),
    ]
