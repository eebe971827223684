from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from mes.backup import BackupFailed, back_up
from mes.clock import wall_now


class Command(BaseCommand):
    help = "Write the whole record to a file, as of one instant, while the plant works."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("place", type=Path, help="a directory, or the file to write")

    def handle(self, *args: Any, **options: Any) -> None:
        place: Path = options["place"]
        dump = place / f"{wall_now():%Y%m%dT%H%M%SZ}.dump" if place.is_dir() else place
        try:
            manifest = back_up(dump)
        except (BackupFailed, OSError) as problem:
            raise CommandError(str(problem)) from problem
        events = ", ".join(f"{code} to event {seq}" for code, (seq, _) in manifest.sites.items())
        self.stdout.write(f"{dump}: {manifest.bytes:,} bytes; {events or 'no site'}")
