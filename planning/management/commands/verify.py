from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from mes.models import Site
from planning.verify import problems


class Command(BaseCommand):
    help = "Check that the record agrees with itself; exit 1 where it does not."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--site", help="code of one site; all of them by default")

    def handle(self, *args: Any, **options: Any) -> None:
        sites = Site.objects.order_by("code")
        if options["site"]:
            sites = sites.filter(code=options["site"])
            if not sites:
                raise CommandError(f"There is no site {options['site']}.")
        found = 0
        for site in sites:
            for sentence in problems(site):
                found += 1
                self.stdout.write(f"{site.code}: {sentence}")
        if found:
            raise CommandError(f"{found} contradictions")
        self.stdout.write("clean")
