"""Plays recorded days into a site that was imported from AdventureWorks."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from mes.errors import Busy, Refused
from mes.models import Site
from planning.adventureworks.reading import read
from planning.adventureworks.replay import Replay, worker_answers
from planning.management.commands.import_adventureworks import day


class Command(BaseCommand):
    help = (
        "Feed what was recorded after the import's day (orders that begin, operations started "
        "and ended, scrap, purchases, receipts and rejects, customers' orders, shipments) through "
        "the actions of a person on the site's simulated clock, and print a JSON report. Running "
        "it again doubles nothing; a stopped run goes on."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path, help="the folder that was imported")
        parser.add_argument("--site", required=True, help="code of the imported site")
        parser.add_argument("--until", type=day, required=True, help="last day, as YYYY-MM-DD")
        parser.add_argument(
            "--fast", action="store_true", help="don't wait for the answer to each fact"
        )
        parser.add_argument(
            "--compute", action="store_true", help="compute in this process, without a worker"
        )

    def handle(
        self, *, folder: Path, site: str, until: date, fast: bool, compute: bool, **options: Any
    ) -> None:
        found = Site.objects.filter(code=site).first()
        if found is None:
            raise CommandError(_("There is no site %(site)s.") % {"site": site})
        company, problems = read(folder)
        if problems:
            for problem in problems:
                self.stderr.write(str(problem))
            raise CommandError(_("These are not the files that were imported."))
        if not compute and not worker_answers():
            self._say(_("No worker runs: computing in this process."))
            compute = True
        try:
            report = Replay(
                found, company, until=until, fast=fast, compute=compute, said=self._say
            ).run()
        except (Refused, Busy) as refusal:
            raise CommandError(str(refusal)) from refusal
        except KeyboardInterrupt:
            raise CommandError(
                _("Stopped. Run the same command again to go on."), returncode=130
            ) from None
        self.stdout.write(json.dumps(report.as_json(), indent=2))

    def _say(self, line: str) -> None:
        """Progress goes beside the report, so that the report can be piped."""
        self.stderr.write(line)
        self.stderr.flush()
