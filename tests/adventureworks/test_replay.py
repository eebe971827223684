"""The replay: recorded days through the floor's own actions, once, however often it is run."""

from __future__ import annotations

import json
import uuid
from datetime import date
from decimal import Decimal
from functools import partial
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from equipment.actions import report_breakdown
from equipment.models import Equipment
from materials.models import Lot, StockBalance
from mes import commands
from mes.actor import SYSTEM
from mes.clock import plant_now
from mes.models import ShopFloorEvent, Site, SitePlan
from planning.adventureworks import choices
from planning.adventureworks.replay import Replay, percentile
from tests.adventureworks.company import write_small
from workorders.models import JobOrder, JobResponse, WorkOrder

pytestmark = pytest.mark.django_db

AS_OF = date(2013, 7, 3)
UNTIL = date(2013, 7, 10)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_small(tmp_path)


def bring_in(folder: Path, site: str = "AW") -> Site:
    call_command("import_adventureworks", str(folder), as_of=AS_OF, site=site, stdout=StringIO())
    return Site.objects.get(code=site)


def play(folder: Path, site: str = "AW", **options: Any) -> dict[str, Any]:
    out = StringIO()
    given = {"until": UNTIL, "compute": True, "fast": False, **options}
    call_command(
        "replay_adventureworks", str(folder), site=site, stdout=out, stderr=StringIO(), **given
    )
    report: dict[str, Any] = json.loads(out.getvalue())
    return report


def test_the_week_happens_on_the_site_and_is_answered(folder: Path) -> None:
    site = bring_in(folder)

    report = play(folder)

    assert report["events"] == {
        "sent": 8,
        "stored": 8,
        "answered": 8,
        "replayed": 0,
        "refused": 0,
        "unsettled": 0,
    }
    assert report["verify"] == "clean"
    assert report["latency"]["p50_ms"] > 0
    assert plant_now(site) == choices.opens(UNTIL)
    assert SitePlan.objects.get(site=site).as_of == choices.opens(UNTIL)


def test_the_report_says_how_each_day_ended_and_what_was_foreseen_of_it(folder: Path) -> None:
    """The plan forms 102 at 7:00 (4.1 h), welds it until 14:36 and assembles 103 until 11:00 on
    the 3rd; the record has the first two then, the third on the 4th. FF-02 has nothing to do."""
    site = bring_in(folder)
    broken = commands.run(
        site=site,
        key=uuid.uuid4(),
        actor=SYSTEM,
        name="test.break",
        body={},
        act=partial(report_breakdown, unit_id=Equipment.objects.get(code="FF-02").pk),
    )
    assert broken.ok

    report = play(folder)

    days = report["days"]
    assert [day["day"] for day in days] == [f"2013-07-{n:02d}" for n in range(3, 11)]
    assert days[0]["foreseen"] == {"ends": 2, "in_the_day": 2, "off_minutes": 0}
    assert days[1]["foreseen"]["ends"] == 1
    assert all(day["foreseen"]["ends"] == 0 for day in days[2:])
    assert days[0]["late_lines"] == 0
    assert len({day["state_hash"] for day in days}) == len(days)
    assert report["disruptions"] == {"BREAKDOWN": 1}
    assert report["impacts"].keys() == {"BREAKDOWN"}


def test_completions_and_scrap_are_those_of_the_record(folder: Path) -> None:
    """Order 102: six frames, one of them scrap for reason 4; 103: five bikes; 104: twenty tubes."""
    bring_in(folder)

    play(folder)

    assert set(WorkOrder.objects.values_list("code", "status", "put_away_quantity")) == {
        ("WO-102", "COMPLETED", 5),
        ("WO-103", "COMPLETED", 5),
        ("WO-104", "COMPLETED", 20),
    }
    scrap = JobResponse.objects.get(scrap__gt=0)
    assert (scrap.scrap, scrap.reason and scrap.reason.code) == (1, "SCRAP-04")
    assert scrap.at.isoformat() == "2013-07-03T21:36:00+00:00"
    assert not JobOrder.objects.exclude(status="COMPLETED").exists()


def test_stock_is_what_was_opened_made_received_and_taken(folder: Path) -> None:
    """By hand: 5 frames opened + 5 made - 5 taken; bells 2 + 39 received; tubes 12 - 12 + 20."""
    bring_in(folder)

    play(folder)

    there: dict[str, Decimal] = {}
    for row in StockBalance.objects.select_related("lot__item"):
        code = row.lot.item.code
        there[code] = there.get(code, Decimal(0)) + row.quantity
    assert there == {"BK-1": 5, "FR-1": 5, "TU-1": 20, "PA-1": 0, "BE-1": 41}
    assert Lot.objects.get(code="PO-70-1").item.code == "BE-1"


def test_running_it_again_doubles_nothing_and_says_the_same(folder: Path) -> None:
    bring_in(folder)
    first = play(folder)
    events = ShopFloorEvent.objects.count()

    second = play(folder)

    assert ShopFloorEvent.objects.count() == events
    assert second["events"] == {**first["events"], "replayed": 8}
    assert second["state_hash"] == first["state_hash"]
    assert json.dumps(second["days"]) == json.dumps(first["days"])


def test_fast_and_slow_end_in_the_same_state(folder: Path) -> None:
    bring_in(folder)
    bring_in(folder, "AW2")

    slow, fast = play(folder), play(folder, "AW2", fast=True)

    assert fast["state_hash"] == slow["state_hash"]
    assert fast["days"] == slow["days"]


def test_a_stopped_run_goes_on_to_the_same_state(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bring_in(folder)
    bring_in(folder, "AW2")
    undisturbed = play(folder)
    send = Replay._send
    sent: list[Any] = []

    def stop_after_three(self: Replay, fact: Any) -> None:
        if len(sent) == 3:
            raise KeyboardInterrupt
        sent.append(fact)
        send(self, fact)

    with monkeypatch.context() as patch:
        patch.setattr(Replay, "_send", stop_after_three)
        with pytest.raises(CommandError, match="Run the same command again to go on"):
            play(folder, "AW2")

    report = play(folder, "AW2")

    assert report["events"]["replayed"] == 3
    assert report["events"]["stored"] == 8
    assert report["state_hash"] == undisturbed["state_hash"]


def test_another_fact_gives_another_state(folder: Path, tmp_path: Path) -> None:
    bring_in(folder)
    same = play(folder)["state_hash"]
    other_folder = tmp_path / "other"
    other_folder.mkdir()
    write_small(other_folder, WorkOrder=("102,2,6,5,1", "102,2,6,4,2"))
    bring_in(other_folder, "AW2")

    assert play(other_folder, "AW2")["state_hash"] != same


def test_a_site_that_was_not_imported_from_these_files_is_refused(
    folder: Path, tmp_path: Path
) -> None:
    bring_in(folder)
    other_folder = tmp_path / "other"
    other_folder.mkdir()
    write_small(other_folder, Store=("Next-Door", "Far-Away"))

    with pytest.raises(CommandError, match="was not imported from these files"):
        play(other_folder)
    with pytest.raises(CommandError, match="There is no site NN"):
        play(folder, "NN")
    with pytest.raises(CommandError, match="choose a later day"):
        play(folder, until=AS_OF)


def test_without_a_worker_the_command_says_so_and_computes(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bring_in(folder)
    monkeypatch.setattr(
        "planning.management.commands.replay_adventureworks.worker_answers", lambda: False
    )
    err = StringIO()

    call_command(
        "replay_adventureworks",
        str(folder),
        site="AW",
        until=date(2013, 7, 4),
        stdout=StringIO(),
        stderr=err,
    )

    assert "No worker runs: computing in this process." in err.getvalue()
    assert "2013-07-04: 4 facts, 4 so far" in err.getvalue()


@pytest.mark.parametrize(
    ("values", "percent", "expected"),
    [([], 95, None), ([5.0], 50, 5.0), ([1.0, 2.0, 3.0, 4.0], 50, 2.0), ([1.0, 9.0], 95, 9.0)],
)
def test_percentiles_are_nearest_rank(
    values: list[float], percent: int, expected: float | None
) -> None:
    assert percentile(values, percent) == expected
