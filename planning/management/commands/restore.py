from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from mes.backup import BackupFailed, restore
from mes.models import Site, SitePlan
from planning.verify import problems


class Command(BaseCommand):
    help = "Load a backup into an empty database, bring its tables up to date and verify it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("dump", type=Path)
        parser.add_argument("--replace", action="store_true", help="what is there may go")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            manifest = restore(options["dump"], replace=options["replace"])
        except BackupFailed as problem:
            raise CommandError(str(problem)) from problem
        call_command("migrate", verbosity=0)
        if settings.APPLICATION_DATABASE["USER"] != connection.settings_dict["USER"]:
            call_command("database_roles", verbosity=0)
        # Whatever the plan was computed from, it is computed anew from what is there now.
        SitePlan.objects.update(dirty=True)
        found = [f"{site.code}: {each}" for site in Site.objects.all() for each in problems(site)]
        for sentence in found:
            self.stdout.write(sentence)
        if found:
            raise CommandError(f"{len(found)} contradictions")
        ends = ", ".join(f"{code} to event {seq}" for code, (seq, _) in manifest.sites.items())
        self.stdout.write(f"restored as of {manifest.made_at}: {ends or 'no site'}; clean")
