"""Brings the AdventureWorks company in as a site, as it was on the morning of a day."""

from __future__ import annotations

import time
from argparse import ArgumentTypeError
from datetime import date
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from mes import commands
from mes.actor import SYSTEM
from mes.clock import wall_now
from mes.errors import Refused
from mes.models import Site, SitePlan
from planning.actions import commit_plan, recompute
from planning.adventureworks import choices
from planning.adventureworks import load as loading
from planning.adventureworks.mapping import Load, map_company, unworkable
from planning.adventureworks.reading import Problem, read
from planning.models import Disruption


def day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is not a day written as YYYY-MM-DD") from None


class Command(BaseCommand):
    help = (
        "Import the AdventureWorks files of a folder as a site, as of the morning of a day. "
        "All or nothing; importing the same again changes nothing."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path, help="folder with the CSV files")
        parser.add_argument("--as-of", type=day, required=True, help="day, as YYYY-MM-DD")
        parser.add_argument("--site", required=True, help="code of the site to make")

    def handle(self, *, folder: Path, as_of: date, site: str, **options: Any) -> None:
        began = time.perf_counter()
        load = self._read(folder, as_of)
        try:
            made_site, made = loading.store(load, code=site, said=self._progress)
        except Refused as refusal:
            raise CommandError(str(refusal)) from refusal
        if not made:
            self.stdout.write(
                _("%(site)s is there already, as of %(day)s. Nothing was changed.")
                % {"site": made_site.code, "day": as_of}
            )
        else:
            self._say(load, made_site)
        self._plan(made_site)
        self.stdout.write(_("Done in %(s).1f s.") % {"s": time.perf_counter() - began})

    def _plan(self, site: Site) -> None:
        """The first plan, and the commitment that everything is measured against."""
        if SitePlan.objects.get(site=site).committed_version:
            return
        self._progress("planning", 0, 2)
        result = recompute(site.pk, wall_now=wall_now())
        if result.state not in {"STORED", "CURRENT", "BUSY"}:
            raise CommandError(_("The first plan could not be made: %(s)s") % {"s": result.state})
        self._progress("planning", 1, 2)
        outcome = commands.run(
            site=site,
            key=loading.key_of(site, "commit"),
            actor=SYSTEM,
            name="import_adventureworks commit",
            body={},
            act=commit_plan,
        )
        if not outcome.ok:
            raise CommandError(outcome.message)
        recompute(site.pk, wall_now=wall_now())
        self._progress("planning", 2, 2)
        self._say_backlog(site)

    def _say_backlog(self, site: Site) -> None:
        rows = Disruption.objects.filter(site=site)
        backlog = rows.filter(kind=Disruption.Kind.BACKLOG).first()
        summary = backlog.summary if backlog is not None else {}
        self.stdout.write(
            _(
                "Known backlog: %(late)s customer lines late in the first plan, %(short)s items"
                " below their safety stock. Open disruptions: %(open)s."
            )
            % {
                "late": summary.get("late_lines", 0),
                "short": summary.get("items", 0),
                "open": rows.exclude(kind=Disruption.Kind.BACKLOG).count(),
            }
        )

    def _read(self, folder: Path, as_of: date) -> Load:
        company, problems = read(folder, self._progress)
        problems = problems or unworkable(company)
        if problems:
            self._refuse(problems)
        self._progress("mapping", 0, 1)
        try:
            load = map_company(company, as_of)
        except ValueError as wrong:
            raise CommandError(str(wrong)) from wrong
        self._progress("mapping", 1, 1)
        return load

    def _refuse(self, problems: list[Problem]) -> None:
        for problem in problems:
            self.stderr.write(str(problem))
        raise CommandError(
            _("%(n)s problems; nothing was stored. Correct the files and import them again.")
            % {"n": len(problems)}
        )

    def _progress(self, phase: str, n: int, of: int) -> None:
        self.stdout.write(f"{phase} {n} of {of}")
        self.stdout.flush()

    def _say(self, load: Load, site: Site) -> None:
        counts = load.counts()
        self.stdout.write(
            _(
                "%(name)s as of %(now)s: %(work_orders)s open work orders with %(job_orders)s"
                " operations, %(past)s of them past due, %(without)s without operations;"
                " %(customer_orders)s customer orders with %(customer_lines)s lines;"
                " %(units)s work units, %(items)s items, %(bill_lines)s bill lines,"
                " %(lots)s lots, %(purchase_lines)s purchase lines."
            )
            % {
                **counts,
                "name": site.name,
                "now": load.now.strftime("%Y-%m-%d %H:%M"),
                "past": counts["work_orders_past_due"],
                "without": counts["work_orders_without_operations"],
            }
        )
        hours = load.load_hours()
        for centre in load.centres:
            weekly = choices.CENTRES[centre.place].hours * len(centre.units)
            self.stdout.write(
                _("%(name)s: %(load).0f h of work for %(units)s units, %(weeks).1f weeks.")
                % {
                    "name": centre.name,
                    "load": hours[centre.place],
                    "units": len(centre.units),
                    "weeks": hours[centre.place] / weekly,
                }
            )
