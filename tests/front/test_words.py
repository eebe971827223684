"""The words and figures of the pages."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace

import pytest

from mes.templatetags import downstream as words

BERLIN = SimpleNamespace(time_zone="Europe/Berlin", currency="EUR")
NOW = datetime(2026, 11, 24, 8, 45, tzinfo=UTC)
PAGE = {"site": BERLIN, "now": NOW}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Decimal("128.000000"), "128"),
        (Decimal("0.250000"), "0.25"),
        (Decimal("12500"), "12,500"),
        (100, "100"),
        (0, "0"),
        (None, ""),
    ],
)
def test_a_quantity_is_shown_without_zeros_behind_the_point(value, text):
    assert words.qty(value) == text


def test_a_form_reads_a_quantity_without_separators():
    assert words.plain(Decimal("12500.500000")) == "12500.5"
    assert words.plain(None) == "0"


@pytest.mark.parametrize(
    ("value", "text"),
    [(Decimal("4566.40"), "€4,566"), (Decimal("0.5"), "€1"), (-12, "−€12"), (None, "")],
)
def test_money_is_whole_and_in_the_plants_currency(value, text):
    assert words.money(value, PAGE) == text


def test_a_currency_without_a_sign_of_its_own_is_named():
    assert words.money(1200, SimpleNamespace(currency="CHF")) == "CHF 1,200"


def test_an_instant_is_shown_in_the_plants_zone():
    assert words.plant_clock(NOW, PAGE) == "09:45"
    assert words.plant_stamp(NOW, PAGE) == "Tue 24 Nov 09:45"


def test_an_instant_of_today_needs_no_date_and_another_day_does():
    assert words.plant_time(NOW - timedelta(hours=3), PAGE) == "06:45"
    assert words.plant_time(NOW + timedelta(days=1), PAGE) == "Wed 25 Nov 09:45"


def test_today_is_the_plants_day_and_not_the_servers():
    just_before_midnight_in_utc = datetime(2026, 11, 24, 23, 30, tzinfo=UTC)
    assert words.plant_time(just_before_midnight_in_utc, PAGE) == "Wed 25 Nov 00:30"


def test_a_date_of_another_year_shows_its_year():
    assert words.plant_date(date(2026, 11, 27), PAGE) == "27 Nov"
    assert words.plant_date(date(2027, 1, 4), PAGE) == "4 Jan 2027"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (24 * 3600 + 18 * 60, "24 h 18 min"),
        (5400, "1 h 30 min"),
        (7200, "2 h"),
        (40, "1 min"),
        (0, "0 min"),
        (4 * 86400, "4 days"),
        (3 * 86400 + 23 * 3600 + 59 * 60, "4 days"),
        (timedelta(minutes=10), "10 min"),
        (None, ""),
    ],
)
def test_a_duration_is_in_hours_and_minutes_and_in_days_from_three_days_on(seconds, text):
    assert words.duration(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (3 * 86400, "3 days late"),
        (86400, "1 day late"),
        (5 * 3600, "5 h late"),
        (-4 * 3600, "4 h slack"),
        (30, "on time"),
        (0, "on time"),
        (None, ""),
    ],
)
def test_lateness_says_late_on_time_or_slack(seconds, text):
    assert words.lateness(seconds) == text


@pytest.mark.parametrize(
    ("age", "text"),
    [
        (timedelta(seconds=20), "just now"),
        (timedelta(minutes=3), "3 min ago"),
        (timedelta(hours=2, minutes=5), "2 h 05 ago"),
        (timedelta(days=2), "2 days ago"),
    ],
)
def test_an_age_is_counted_on_the_plants_clock(age, text):
    assert words.ago(NOW - age, PAGE) == text


@pytest.mark.parametrize("level", [1, 2, 3, 4])
def test_each_priority_has_its_own_shape_and_its_word(level):
    mark = words.priority(level)
    assert f"icons.svg#p{level}" in mark
    assert f'aria-label="Priority {level}, ' in mark


def test_no_priority_draws_nothing():
    assert words.priority(None) == ""
    assert words.priority("") == ""


def test_two_forms_never_share_a_key():
    assert words.key_field() != words.key_field()


def test_a_label_cannot_break_out_of_its_mark():
    assert "<script>" not in words.icon("check", '"><script>')
