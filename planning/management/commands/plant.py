"""Makes a plant of another planner's file: a job shop, a flexible job shop, a frePPLe fixture."""

from __future__ import annotations

import hashlib
import json
import uuid
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.utils.translation import gettext as _

from mes import commands
from mes.actor import SYSTEM
from mes.clock import wall_now
from mes.commands import Command as Writing
from mes.models import Site, SiteHead, SitePlan
from planning.actions import recompute
from planning.models import PlanVersion
from planning.ownplant.actions import arrange_early
from planning.ownplant.formats import Read, read_plan
from planning.ownplant.load import load_plant
from planning.ownplant.sheets import Unreadable
from planning.personas import grant_personas


class Command(BaseCommand):
    help = (
        "plant import FILE --site CODE: read a job shop (jobs, machines, then machine and time), "
        "a flexible job shop or a frePPLe fixture into a new site, choose machines and sequences, "
        "and say how long it takes beside its bound. All or nothing, and the same again nothing."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        acts = parser.add_subparsers(dest="act", required=True)
        bring = acts.add_parser("import", help="make a plant of a file")
        bring.add_argument("file", type=Path)
        bring.add_argument("--site", required=True, help="code of the site to make")
        bring.add_argument(
            "--unit", type=int, default=60, help="seconds of a job shop's time unit (60)"
        )

    def handle(self, *, file: Path, site: str, unit: int, **options: Any) -> None:
        try:
            data = file.read_bytes()
        except OSError as problem:
            raise CommandError(
                _("%(file)s can't be read: %(why)s") % {"file": file, "why": problem.strerror}
            ) from problem
        if unit < 1:
            raise CommandError(_("A time unit is a second at least."))
        made = self._store(file, data, code=site, unit_s=unit)
        recompute(made.pk, wall_now=wall_now())
        self._say(made)

    def _store(self, file: Path, data: bytes, *, code: str, unit_s: int) -> Site:
        sha = hashlib.sha256(data).hexdigest()
        with transaction.atomic():
            site, is_new = Site.objects.get_or_create(
                code=code[:12], defaults={"name": f"{code[:12]} ({file.name[:60]})"}
            )
            if is_new:
                SiteHead.objects.create(site=site)
                SitePlan.objects.create(site=site)
            now = wall_now().astimezone(ZoneInfo(site.time_zone))
            try:
                read = read_plan(data, now=now, unit_s=unit_s)
            except Unreadable as wrong:
                raise CommandError(f"{file}: {wrong}") from wrong
            outcome = commands.run(
                site=site,
                key=uuid.uuid5(uuid.NAMESPACE_OID, f"{site.pk} {sha} {unit_s}"),
                actor=SYSTEM,
                name="planning.plant.import",
                body={"sha256": sha, "unit_s": unit_s},
                act=lambda command: self._load(command, read, source=f"{file.name} {sha}"),
            )
            if not outcome.ok:
                raise CommandError(outcome.message)
        if outcome.replayed:
            self.stderr.write(_("This file is there already. Nothing was changed."))
        for words in read.left_out:
            self.stderr.write(_("left out: %(what)s") % {"what": words})
        self.stdout.write(json.dumps({"site": site.code, **outcome.response}))
        return site

    def _load(self, command: Writing, read: Read, *, source: str) -> dict[str, Any]:
        loaded = load_plant(
            command, content=read.rows, source=source[:200], said=lambda step, n, of: None
        )
        if settings.MODE != "PRODUCTION":
            grant_personas(command)
        return {**loaded, **arrange_early(command)}

    def _say(self, site: Site) -> None:
        version = PlanVersion.objects.current(site)
        ends = [end for _start, end in version.job_times().values()] if version else []
        dated = [end for end in ends if end is not None]
        last = max(dated, default=None)
        self.stdout.write(
            json.dumps(
                {
                    "planned": len(dated),
                    "without_a_date": len(ends) - len(dated),
                    "last_ends_at": None if last is None else last.isoformat(),
                }
            )
        )
