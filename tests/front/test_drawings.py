"""The small charts: where things are drawn, and what is said instead to who cannot see them."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

from django.template import Context
from hypothesis import given
from hypothesis import strategies as st

from mes.templatetags import downstream as draw

START = datetime(2026, 11, 24, tzinfo=UTC)
PAGE = Context({"page": {"site": SimpleNamespace(time_zone="UTC", currency="EUR"), "now": START}})


def day(n: float) -> datetime:
    return START + timedelta(days=n)


def test_a_slip_runs_from_promised_to_projected_and_is_told_in_words():
    chart = draw.slip_chart(PAGE, day(3), day(8), START, day(10), 1)
    assert chart["promised"] == 6 + 98 * 0.3
    assert chart["projected"] == 6 + 98 * 0.8
    assert chart["paint"] == "p1"
    assert chart["label"] == "promised 27 Nov, projected 2 Dec"


def test_what_lies_beyond_the_axis_is_drawn_at_its_end():
    chart = draw.slip_chart(PAGE, day(-5), day(50), START, day(10), 2)
    assert (chart["promised"], chart["projected"]) == (6, 104)


def test_a_line_without_a_date_draws_no_diamond_and_says_so():
    chart = draw.slip_chart(PAGE, day(3), None, START, day(10))
    assert chart["projected"] is None
    assert chart["label"] == "promised 27 Nov, projected no date"


@given(
    st.decimals(0, 10_000, places=2),
    st.decimals(0, 10_000, places=2),
    st.decimals(0, 10_000, places=2),
)
def test_the_cost_bar_never_leaves_its_room(extra, late, largest):
    bar = draw.bar_total(PAGE, extra, late, largest)
    assert 0 <= bar["solid"] <= 92
    assert bar["hatched"] >= 0
    assert bar["solid"] + bar["hatched"] <= 92.11


def test_a_bar_that_is_too_short_for_its_name_carries_none():
    bars = [
        {"start": day(0), "end": day(1), "label": "2291", "kind": "moved"},
        {"start": day(1), "end": day(1.05), "label": "2294", "kind": ""},
    ]
    chart = draw.lanes(
        PAGE, [{"unit": "CNC-07", "before": [], "after": bars}], day(0), day(4), day(0.5)
    )
    assert [bar["label"] for bar in chart["rows"][0]["after"]] == ["2291", ""]
    assert "CNC-07" in chart["label"]


def test_a_bar_outside_the_window_is_left_out():
    bars = [{"start": day(9), "end": day(10), "label": "2291", "kind": ""}]
    chart = draw.lanes(PAGE, [{"unit": "CNC-07", "before": bars, "after": []}], day(0), day(4))
    assert chart["rows"][0]["before"] == []


def nodes(*counts: int) -> list[dict[str, object]]:
    return [
        {"id": f"{col}.{i}", "col": col, "title": f"{col}.{i}"}
        for col, count in enumerate(counts)
        for i in range(count)
    ]


def links(made: list[dict[str, object]]) -> list[dict[str, object]]:
    return [
        {"source": "0.0", "target": node["id"], "worst": node["id"] == "1.0"}
        for node in made
        if node["col"] == 1
    ]


@given(st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(0, 9)))
def test_no_two_nodes_of_a_column_lie_on_each_other_and_none_is_lost(counts):
    made = nodes(1, *counts)
    chart = draw.chain(PAGE, made, links(made))
    hidden = {rest["col"]: rest for rest in chart["more"]}
    for col, count in enumerate((1, *counts)):
        rows = sorted(entry["row"] for entry in chart["drawn"] if entry["col"] == col)
        if col in hidden:
            rows.append(hidden[col]["row"])
        assert all(after - before >= 2 for before, after in itertools.pairwise(rows))
        assert all(0 <= row <= 13 for row in rows)
        shown = sum(entry["col"] == col for entry in chart["drawn"])
        assert shown + (hidden[col]["count"] if col in hidden else 0) == count


def test_a_link_to_a_node_behind_and_n_more_is_not_drawn():
    made = nodes(1, 9)
    chart = draw.chain(PAGE, made, links(made))
    assert {path["target"] for path in chart["paths"]} == {f"1.{i}" for i in range(5)}
    assert chart["more"][0]["count"] == 4


def test_the_way_to_the_worst_customer_is_drawn_last_so_that_it_lies_on_top():
    made = nodes(1, 4)
    chart = draw.chain(PAGE, made, links(made))
    assert [path["kind"] for path in chart["paths"]][-1] == "l-worst"


def test_what_a_context_omits_is_not_drawn():
    assert draw.spark("", "") == {"points": ""}
    assert draw.spark([1, 2], "")["target"] is None
    assert draw.pace(5, 10, "")["mark"] is None
    assert draw.bar_total(PAGE, "", None, "")["solid"] == 0


def test_a_step_that_follows_another_stands_right_below_it():
    made = nodes(1, 4)
    inner = [*links(made), {"source": "1.0", "target": "1.3"}, {"source": "1.3", "target": "1.2"}]
    chart = draw.chain(PAGE, made, inner)
    order = [entry["node"]["id"] for entry in chart["drawn"] if entry["col"] == 1]
    assert order == ["1.0", "1.3", "1.2", "1.1"]


def test_a_circle_of_links_still_draws_every_step_once():
    made = nodes(1, 3)
    circle = [{"source": "1.0", "target": "1.1"}, {"source": "1.1", "target": "1.0"}]
    chart = draw.chain(PAGE, made, circle)
    assert sorted(e["node"]["id"] for e in chart["drawn"] if e["col"] == 1) == ["1.0", "1.1", "1.2"]
