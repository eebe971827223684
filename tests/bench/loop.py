"""From a committed event to the stored impact and the painted row, on the real processes.

The yardstick of the way is the same way with nothing to compute: the events of an empty plant
through the same web process, broker, worker and database.
"""

from __future__ import annotations

import io
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import time as clock
from datetime import timedelta
from pathlib import Path
from typing import Any

from tests import browser, servers
from tests.bench import kinds, reach
from tests.bench.rows import Row, limit_row, percentile

EVENTS = 12  # of each kind and plant
PAINTS = 10
REFUSALS = 5
# The page itself looks at each frame: a driver that asks now and then sees it half a second late.
WATCH = """words => { window.painted = new Promise(done => {
  setTimeout(() => done(null), 60000);
  const rows = () => [...document.querySelectorAll("[data-testid=inbox-row]")];
  const look = () => requestAnimationFrame(() =>
    rows().some(row => row.textContent.includes(words)) ? done(Date.now()) : look());
  look();
}); }"""
FIRST = 2  # of each run are told apart: what they meet is loaded by them


def rows(*, page: bool) -> Iterator[Row]:
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    call_command("build_demo", verbosity=0)
    adventureworks = _data_dir()
    if adventureworks is not None:
        call_command(
            "import_adventureworks",
            str(adventureworks),
            "--as-of=2013-07-03",
            "--site=AW",
            verbosity=0,
            stdout=io.StringIO(),
        )
    with servers.RunningPlant() as plant:
        _wait_until_computed()
        nothing_to_compute = _empty_latencies()
        first = next(nothing_to_compute)
        yield limit_row("loop.first_event_after_start", first, unit="ms", at_most=3000)
        codes = ("NF", "AW") if adventureworks is not None else ("NF",)
        took = {code: list(_impact_latencies(code))[FIRST:] for code in codes}
        # Last, when every process has long been warm: a yardstick that is slow flatters.
        empty = percentile(list(nothing_to_compute), 0.95)
        for code in codes:
            for name, share in (("p50", 0.5), ("p95", 0.95)):
                yield limit_row(
                    f"loop.commit_to_impact.{code}.{name}",
                    percentile(took[code], share),
                    unit="ms",
                    at_most=300,
                    yardstick=empty,
                )
        if adventureworks is not None:
            yield from reach.rows(plant)
        yield _refused_to_reopened()
        yield _decided_by_rule()
        yield from kinds.rows()
        if page:
            yield from _painted(plant)
        yield _warm_is_cold()


def _data_dir() -> Path | None:
    import os

    place = Path(os.environ.get("MES_TEST_DATA", servers.ROOT.parent / "shared" / "data"))
    found = place / "adventureworks"
    return found if found.is_dir() else None


def _wait_until_computed(timeout_s: float = 120) -> None:
    from django.db.models import F

    from mes.models import SitePlan

    deadline = time.monotonic() + timeout_s
    behind = SitePlan.objects.exclude(computed_seq=F("site__head__seq"))
    while behind.exists():
        if time.monotonic() > deadline:
            raise RuntimeError("the plan did not catch up")
        time.sleep(0.02)


def do(plant: str, command_name: str, action: Callable[..., Any], /, **values: Any) -> None:
    from mes.actor import SYSTEM
    from mes.commands import run
    from mes.models import Site

    outcome = run(
        site=Site.objects.get(code=plant),
        key=uuid.uuid4(),
        actor=SYSTEM,
        name=command_name,
        body=values,
        act=lambda command: action(command, **values),
    )
    if not outcome.ok:
        raise RuntimeError(outcome.message)


def _answered_ms(
    plant: str, command_name: str, action: Callable[..., Any], /, **values: Any
) -> float:
    """From the return of the commit until the impact is seen in the database."""
    from django.db.models import F

    from mes.models import SitePlan

    do(plant, command_name, action, **values)
    committed = time.perf_counter()
    answered = SitePlan.objects.filter(site__code=plant, computed_seq=F("site__head__seq"))
    while not answered.exists():
        if time.perf_counter() - committed > 60:
            raise RuntimeError("the plan did not catch up")
        time.sleep(0.002)
    return (time.perf_counter() - committed) * 1000


def _impact_latencies(code: str) -> Iterator[float]:
    """Breakdowns with an estimate, in turn over the units, each repaired again.

    The next event comes while the options of the one before are made, as it does in a plant.
    """
    from equipment.actions import report_breakdown, report_repair
    from equipment.models import Equipment
    from mes.clock import plant_now
    from mes.models import Site

    site = Site.objects.get(code=code)
    units = Equipment.objects.filter(site=site, level="WORK_UNIT", kind="MACHINE").order_by("code")
    ids = list(units.values_list("pk", flat=True))
    for turn in range(EVENTS):
        unit = ids[turn % len(ids)]
        back = plant_now(site) + timedelta(hours=8)
        down = {"unit_id": unit, "back_at": back, "said_by": "bench"}
        yield _answered_ms(code, "bench.down", report_breakdown, **down)
        time.sleep(0.1)
        yield _answered_ms(code, "bench.up", report_repair, unit_id=unit)
        time.sleep(0.1)


def _empty_latencies() -> Iterator[float]:
    """The same way for a plant without orders: one unit goes down and up."""
    from equipment.actions import (
        add_calendar,
        add_equipment,
        report_breakdown,
        report_repair,
    )
    from equipment.models import Equipment
    from mes.models import Site, SiteHead, SitePlan

    site = Site.objects.create(code="T0", name="Empty plant")
    SiteHead.objects.create(site=site)
    SitePlan.objects.create(site=site)
    always = [(weekday, clock(0), clock(0), "") for weekday in range(7)]
    do("T0", "bench.calendar", add_calendar, code="C", name="always", shifts=always)
    do(
        "T0",
        "bench.unit",
        add_equipment,
        code="U",
        name="unit",
        calendar_id=site.workcalendar_set.get().pk,
    )
    unit = Equipment.objects.get(site=site).pk
    for _turn in range(EVENTS):
        yield _answered_ms("T0", "bench.down", report_breakdown, unit_id=unit)
        yield _answered_ms("T0", "bench.up", report_repair, unit_id=unit)


def _refused_to_reopened() -> Row:
    """From the commit of a refused overtime until its disruption is open, costed anew."""
    from equipment.actions import report_repair
    from planning.actions import accept, refuse
    from planning.models import Consent

    took = []
    for _turn in range(REFUSALS):
        unit, ready, option = _overtime_offered()
        chosen = {"option_id": option.pk, "based_on_version": option.version}
        do("NF", "bench.accept", accept, **chosen)
        _wait_until_computed()
        consent = Consent.objects.asked(option.site_id).order_by("latest_at")[0]
        do("NF", "bench.refuse", refuse, consent_id=consent.pk, reason="no crew")
        committed = time.perf_counter()
        wait_for(ready.exists)
        took.append((time.perf_counter() - committed) * 1000)
        do("NF", "bench.up", report_repair, unit_id=unit)
        _wait_until_computed()
    worst = max(took)
    return limit_row("loop.refused_to_reopened", worst, unit="ms", at_most=2000)


def _overtime_offered() -> tuple[int, Any, Any]:
    """Break a machine for so long that overtime helps: on which day that is so depends on today."""
    from equipment.actions import report_breakdown, report_repair
    from equipment.models import Equipment
    from mes.clock import plant_now
    from mes.models import Site
    from planning.models import Disruption, Option

    site = Site.objects.get(code="NF")
    for code in ("CNC-04", "GRD-01", "CNC-02"):
        for hours in (24, 48, 10, 72):
            unit = Equipment.objects.get(site=site, code=code).pk
            back = plant_now(site) + timedelta(hours=hours)
            do("NF", "bench.down", report_breakdown, unit_id=unit, back_at=back, said_by="bench")
            row = Disruption.objects.filter(site=site, kind="BREAKDOWN", subject_id=unit)
            ready = row.filter(state="NEW", summary__options_due=False)
            wait_for(ready.exists)
            offered = Option.objects.filter(
                disruption=ready.get(), verdict="OFFERED", figures__overtime_s__gt=0
            ).order_by("rank")
            if offered:
                return unit, ready, offered[0]
            do("NF", "bench.up", report_repair, unit_id=unit)
            _wait_until_computed()
    raise RuntimeError("no breakdown of this plant is answered by overtime today")


def _decided_by_rule() -> Row:
    """From the commit of a breakdown until a rule has decided it."""
    from equipment.actions import report_breakdown, report_repair
    from equipment.models import Equipment
    from mes.clock import plant_now
    from mes.models import Person, Site
    from planning.models import Decision, StandingDecision

    site = Site.objects.get(code="NF")
    rule = StandingDecision.objects.create(
        site=site,
        name="bench",
        cause="BREAKDOWN",
        amount_limit=2500,
        applies="ALWAYS",
        writer=Person.objects.get(name="Jana Marek"),
    )
    unit = Equipment.objects.get(site=site, code="CNC-04").pk
    back = plant_now(site) + timedelta(hours=24)
    do("NF", "bench.down", report_breakdown, unit_id=unit, back_at=back, said_by="bench")
    committed = time.perf_counter()
    wait_for(Decision.objects.filter(rule=rule).exists)
    took = (time.perf_counter() - committed) * 1000
    StandingDecision.objects.filter(pk=rule.pk).update(active=False)
    do("NF", "bench.up", report_repair, unit_id=unit)
    _wait_until_computed()
    return limit_row("loop.decided_by_rule", took, unit="ms", at_most=5000)


def wait_for(is_so: Callable[[], bool], timeout_s: float = 60) -> None:
    deadline = time.monotonic() + timeout_s
    while not is_so():
        if time.monotonic() > deadline:
            raise RuntimeError("the plan did not catch up")
        time.sleep(0.002)


def _painted(plant: servers.Plant) -> Iterator[Row]:
    """POST of a breakdown in one browser page to its row in another."""
    from playwright.sync_api import sync_playwright

    from equipment.actions import report_repair
    from equipment.models import Downtime

    took = []
    with sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=browser.find(), args=browser.flags())
        tower, form = (chromium.new_context().new_page() for _ in range(2))
        for view in (tower, form):
            view.goto(f"{plant.url}/sign-in/")
            view.get_by_test_id("persona-jana").click()
            view.wait_for_url("**/tower/")
        for turn in range(PAINTS):
            code = f"CNC-0{turn % 6 + 1}"
            form.goto(f"{plant.url}/events/new/?kind=breakdown&unit={code}")
            # Whoever saves has read what it would do.
            form.get_by_test_id("effect-sentence").wait_for()
            tower.evaluate(WATCH, f"{code} down")
            began = time.time()
            form.get_by_test_id("save-event").click(no_wait_after=True)
            painted = tower.evaluate("() => window.painted")
            if painted is None:
                raise RuntimeError("no row was painted")
            took.append(painted - began * 1000)
            unit = Downtime.objects.get(unit__code=code, ended_at=None).unit_id
            do("NF", "bench.up", report_repair, unit_id=unit)
            _wait_until_computed()
            tower.get_by_test_id("inbox-row").filter(has_text=f"{code} down").wait_for(
                state="detached"
            )
        chromium.close()
    for name, value in (
        ("first", took[0]),
        ("p50", percentile(took[FIRST:], 0.5)),
        ("p95", percentile(took[FIRST:], 0.95)),
    ):
        yield limit_row(f"page.post_to_painted_row.{name}", value, unit="ms", at_most=1000)


def _warm_is_cold() -> Row:
    """A process that never saw the site projects the same times as the one that stored them."""
    from mes.clock import wall_now
    from mes.models import Site
    from planning import rules, snapshot
    from planning.engine.projection import project
    from planning.models import PlanVersion

    site = Site.objects.get(code="NF")
    stored = PlanVersion.objects.current(site)
    snap = snapshot.take(site.pk, wall_now=wall_now())
    again = project(snap.plant, now=snap.now)
    same = stored is not None and bytes(stored.times or b"") == rules.pack(
        again.op_start, again.op_end
    )
    return Row("loop.cold_equals_warm", float(same), "bool", None, None, "= 1", same)
