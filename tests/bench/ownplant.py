"""From somebody's own dirty workbook to his late orders, on the real processes."""

from __future__ import annotations

import json
import os
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests import servers
from tests.bench.rows import Row, limit_row, ratio_row

ORDERS, OPERATIONS, MACHINES = 300, 6, 40
LIMIT_S = 60


def rows() -> Iterator[Row]:
    """The file is read, its wrong rows are set aside, it is stored and planned."""
    import django

    django.setup()
    from django.core.management import call_command

    from mes.clock import wall_now
    from mes.models import Site, SiteHead, SitePlan
    from planning.ownplant import actions
    from tests.ownplant.dirty import dirty_workbook

    call_command("migrate", verbosity=0)
    site = Site.objects.create(code="OWN", name="Own plant", time_zone="Europe/Berlin")
    SiteHead.objects.create(site=site)
    SitePlan.objects.create(site=site)
    data, _spoilt = dirty_workbook(
        today=wall_now().date(), orders=ORDERS, operations=OPERATIONS, machines=MACHINES
    )
    files = [("plant.xlsx", actions.fingerprint(data), data)]
    with servers.RunningPlant():
        began = time.perf_counter()
        pk = _do(site, actions.bring_in, files=files)["import"]
        _until_checked(pk)
        _do(
            site,
            actions.correct,
            import_id=pk,
            set_aside=True,
            fixes={"no_machine": "to:G-1"},
        )
        _until_checked(pk)
        _do(site, actions.store, import_id=pk, arranged="date")
        _until_planned(site.pk, pk)
        took = time.perf_counter() - began
    yield limit_row("ownplant.file_to_late_list", took, unit="s", at_most=LIMIT_S)
    yield from _gaps()


def _gaps() -> Iterator[Row]:
    """How much later than the best known plan the first plan of a published shop ends."""
    from mes.clock import wall_now
    from planning.ownplant.dispatch import Step, arrange
    from planning.ownplant.formats import read_plan

    place = Path(os.environ.get("MES_TEST_DATA", servers.ROOT.parent / "shared" / "data"))
    known = place / "scheduling" / "best_known.json"
    if not known.exists():
        return
    for name, best in json.loads(known.read_text()).items():
        file = next(each for each in known.parent.iterdir() if each.name.split(".")[0] == name)
        jobs: dict[str, list[Step]] = {}
        for row in read_plan(file.read_bytes(), now=wall_now(), unit_s=1).rows["operations"]:
            pairs = [
                f"{row['machine']}={row['run']}",
                *filter(None, row.get("others", "").split(";")),
            ]
            times = dict(each.removeprefix("M-").split("=") for each in pairs)
            step = Step({int(machine): int(seconds) for machine, seconds in times.items()})
            jobs.setdefault(row["order"], []).append(step)
        ends = arrange(list(jobs.values())).makespan_s
        yield ratio_row(
            f"ownplant.makespan.{name}", ends, best["optimum"], unit="units", at_most=1.3
        )


def _do(site: Any, action: Any, **values: Any) -> dict[str, Any]:
    from mes.actor import SYSTEM
    from mes.commands import run

    outcome = run(
        site=site,
        key=uuid.uuid4(),
        actor=SYSTEM,
        name="bench.ownplant",
        body={},
        act=lambda command: action(command, **values),
    )
    if not outcome.ok:
        raise RuntimeError(outcome.message)
    return outcome.response


def _until_checked(pk: int) -> None:
    from planning.models import PlantImport

    if not servers.eventually(
        PlantImport.objects.filter(pk=pk, state="CHECKED").exists, within_s=120
    ):
        raise RuntimeError("the file was not read")


def _until_planned(site_id: int, pk: int) -> None:
    from planning.models import PlantImport, PlanVersion

    def planned() -> bool:
        row = PlantImport.objects.get(pk=pk)
        versions = PlanVersion.objects.filter(site_id=site_id, upto_seq__gte=row.stored_seq or 0)
        return row.state == "STORED" and versions.exists()

    if not servers.eventually(planned, within_s=120):
        raise RuntimeError("the plant was not planned")
