"""Other planners' files become plants, planned feasibly and never better than can be."""

from __future__ import annotations

import io
import itertools
import json
import os
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from mes.models import ShopFloorEvent, Site
from planning import verify
from planning.models import PlanVersion
from planning.ownplant.dispatch import Step, arrange, lower_bound
from planning.ownplant.formats import read_plan
from planning.ownplant.sheets import Unreadable
from tests import servers
from workorders.models import JobMaterial, JobOrder

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)
SHOP = "# three jobs\n3 2\n0 3 1 2\n1 2 0 4\n0 2 1 3\n"
FLEXIBLE = "2 3\n2 2 0 5 2 4 1 1 3\n1 3 0 9 1 8 2 7\n"


def data(*parts: str) -> Path:
    place = Path(os.environ.get("MES_TEST_DATA", servers.ROOT.parent / "shared" / "data"))
    found = place.joinpath(*parts)
    if not found.exists():
        pytest.skip(f"{found} is not here: set MES_TEST_DATA to the folder of the outside data")
    return found


def imported(file: Path, code: str) -> tuple[dict[str, Any], dict[str, Any]]:
    out = io.StringIO()
    call_command("plant", "import", str(file), "--site", code, stdout=out, stderr=io.StringIO())
    loaded, planned = map(json.loads, out.getvalue().splitlines())
    return loaded, planned


def makespan_s(site: Site) -> float:
    version = PlanVersion.objects.current(site)
    assert version is not None
    times = list(version.job_times().values())
    starts, ends = [], []
    for start, end in times:
        assert start is not None
        assert end is not None
        starts.append(start)
        ends.append(end)
    return (max(ends) - min(starts)).total_seconds()


def assert_feasible(site: Site) -> None:
    """Found without the engine: one job at a time on a machine, and each order's steps in turn."""
    version = PlanVersion.objects.current(site)
    assert version is not None
    times = version.job_times()
    jobs = JobOrder.objects.filter(site=site).order_by("work_order_id", "number")
    on_unit: dict[int, list[Any]] = defaultdict(list)
    before: dict[int, Any] = {}
    for job in jobs:
        start, end = times[job.pk]
        assert start is not None
        assert end is not None
        on_unit[job.unit_id].append((start, end))
        assert start >= before.get(job.work_order_id, start)
        before[job.work_order_id] = end
    for spans in on_unit.values():
        ordered = sorted(spans)
        for (_start, end), (following, _end) in itertools.pairwise(ordered):
            assert following >= end


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["ft06", "la01", "la02", "la03", "la04", "la05"])
def test_a_job_shop_is_planned_feasibly_and_not_below_its_optimum(name: str) -> None:
    best = json.loads(data("scheduling", "best_known.json").read_text())[name]["optimum"]

    loaded, planned = imported(data("scheduling", name), "SHOP")

    site = Site.objects.get(code="SHOP")
    assert planned["without_a_date"] == 0
    assert planned["planned"] == loaded["counts"]["job_orders"]
    assert_feasible(site)
    assert best * 60 <= makespan_s(site) <= best * 60 * 1.3
    assert loaded["bound_s"] <= best * 60


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["mk01", "mk02", "mk03", "mk04", "mk05"])
def test_a_flexible_job_shop_too(name: str) -> None:
    best = json.loads(data("scheduling", "best_known.json").read_text())[name]["optimum"]

    _loaded, planned = imported(data("scheduling", f"{name}.txt"), "FLEX")

    site = Site.objects.get(code="FLEX")
    assert planned["without_a_date"] == 0
    assert_feasible(site)
    assert best * 60 <= makespan_s(site) <= best * 60 * 1.3


@pytest.mark.django_db
def test_a_fixture_of_routings_becomes_orders_with_their_steps() -> None:
    loaded, planned = imported(data("frepple", "jobshop.json"), "FREPPLE")

    assert loaded["counts"]["units"] == 10
    assert (loaded["counts"]["work_orders"], planned["planned"]) == (10, 100)
    assert planned["without_a_date"] == 0
    site = Site.objects.get(code="FREPPLE")
    assert_feasible(site)
    assert list(verify.problems(site)) == []


@pytest.mark.django_db
def test_a_fixture_with_materials_says_what_it_left_out(tmp_path: Path) -> None:
    out, err = io.StringIO(), io.StringIO()
    call_command(
        "plant",
        "import",
        str(data("frepple", "demo.json")),
        "--site",
        "DEMO",
        stdout=out,
        stderr=err,
    )

    assert "transports between locations" in err.getvalue()
    site = Site.objects.get(code="DEMO")
    parts = JobMaterial.objects.filter(site=site).values_list("item__code", flat=True)
    assert {"box@factory 1", "fabric@factory 1", "ink@factory 1"} <= set(parts)
    # There is neither ink nor fabric enough: the plan says so and invents no date.
    assert json.loads(out.getvalue().splitlines()[1])["without_a_date"] > 0
    assert list(verify.problems(site)) == []


@pytest.mark.django_db
def test_the_same_file_again_changes_nothing_and_another_is_refused(tmp_path: Path) -> None:
    file, other = tmp_path / "shop", tmp_path / "other"
    file.write_text(SHOP)
    other.write_text(FLEXIBLE)
    imported(file, "SHOP")
    seq = ShopFloorEvent.objects.filter(site__code="SHOP").count()

    imported(file, "SHOP")
    with pytest.raises(CommandError, match="There is a plant on this site already"):
        imported(other, "SHOP")

    assert ShopFloorEvent.objects.filter(site__code="SHOP").count() == seq


@pytest.mark.django_db
def test_a_file_that_is_wrong_leaves_no_site_behind(tmp_path: Path) -> None:
    file = tmp_path / "shop"
    file.write_text("3 2\n0 3 1 2\n")

    with pytest.raises(CommandError, match="3 jobs are announced and 1 lines follow"):
        imported(file, "SHOP")

    assert not Site.objects.filter(code="SHOP").exists()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "first line must say"),
        ("1 1\n0 x\n", "something else than numbers"),
        ("1 1\n0 -3\n", "can't be meant"),
        ("1 1\n0 99999999999\n", "can't be meant"),
        ("1 2\n0 1 2 1\n", "names machine 2; there are 2"),
        ("1 3\n2 1 0 5\n", "ends too early"),
        ("[1]", "no fixture"),
        ('[{"model": "input.operation", "pk": "A", "fields": {}}]', "no resource"),
        (
            '[{"model": "input.operation", "pk": "A", "fields": {"location": "X"}},'
            ' {"model": "input.resource", "pk": "R", "fields": {}},'
            ' {"model": "input.demand", "pk": "D", "fields": {"operation": "A", "due": "soon",'
            ' "quantity": 1}}]',
            "missing or no value",
        ),
        ("\x00\x01", "something else than numbers"),
        ("[" * 100_000, "no fixture"),
    ],
)
def test_what_is_wrong_is_said_in_words(text: str, words: str) -> None:
    with pytest.raises(Unreadable, match=words):
        read_plan(text.encode(), now=NOW, unit_s=60)


def test_other_machines_keep_their_own_times() -> None:
    rows = read_plan(FLEXIBLE.encode(), now=NOW, unit_s=60).rows

    assert [(row["machine"], row["run"], row.get("others")) for row in rows["operations"]] == [
        ("M-0", "300", "M-2=240"),
        ("M-1", "180", None),
        ("M-0", "540", "M-1=480;M-2=420"),
    ]


def test_arranging_is_repeatable_and_never_ends_before_its_bound() -> None:
    jobs = [[Step({0: 3}), Step({1: 2})], [Step({1: 2, 0: 9}), Step({0: 4})], [Step({0: 2})]]

    found = arrange(jobs)

    assert found == arrange(jobs)
    assert found.makespan_s >= lower_bound(jobs) == 9
    placed = sorted(pair for queue in found.queues.values() for pair in queue)
    assert placed == [(0, 0), (0, 1), (1, 0), (1, 1), (2, 0)]
    assert arrange([]).makespan_s == 0
