"""A copy of the whole record in one file, and the record again from such a file.

The dump is PostgreSQL's own (`pg_dump`, custom format). Beside it lies a manifest with the
dump's hash and, of every site, the number and the hash of its last event as of the dump's own
snapshot: an anchor outside the database, by which a restored record proves that it is whole.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from django.db import connection, transaction
from django.db.migrations.recorder import MigrationRecorder
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from mes.clock import wall_now
from mes.embedded import ServersFailed, find_postgres
from mes.models import OutgoingMail, Site


class BackupFailed(Exception):
    """It was not made or not restored; the text says why and what to do."""


@dataclass(frozen=True)
class Manifest:
    """What a dump holds, as it was said when it was made."""

    made_at: str
    sha256: str
    bytes: int
    sites: dict[str, tuple[int, str]]  # code: number and hash of the last event
    migrations: int

    @classmethod
    def of(cls, dump: Path) -> Manifest:
        try:
            content = json.loads(_beside(dump).read_text())
            return cls(**content | {"sites": {c: (n, h) for c, (n, h) in content["sites"].items()}})
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as problem:
            raise BackupFailed(
                _("%(file)s, which says what the backup holds, is missing or unreadable.")
                % {"file": _beside(dump).name}
            ) from problem


def _beside(dump: Path) -> Path:
    return dump.with_name(dump.name + ".json")


def back_up(dump: Path) -> Manifest:
    """Write the record as of one instant to `dump`, whole or not at all, while the plant works.

    :raises BackupFailed: if the file is there already or PostgreSQL refuses.
    """
    if dump.exists():
        raise BackupFailed(_("%(file)s is there already.") % {"file": dump})
    partial = dump.with_name(dump.name + ".part")
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("set transaction isolation level repeatable read, read only")
        cursor.execute("set local idle_in_transaction_session_timeout = 0")
        cursor.execute("select pg_export_snapshot()")
        (snapshot,) = cursor.fetchone()
        sites = {
            site.code: (site.head.seq, bytes(site.head.head_hash).hex())
            for site in Site.objects.select_related("head").order_by("code")
        }
        migrations = len(MigrationRecorder(connection).applied_migrations())
        try:
            partial.touch(mode=0o600)
            _run("pg_dump", "--format=custom", f"--snapshot={snapshot}", f"--file={partial}")
            manifest = Manifest(
                made_at=wall_now().isoformat(),
                sha256=_sha256(partial),
                bytes=partial.stat().st_size,
                sites=sites,
                migrations=migrations,
            )
            _beside(dump).write_text(json.dumps(asdict(manifest), indent=1))
            partial.rename(dump)
        finally:
            partial.unlink(missing_ok=True)
    return manifest


def restore(dump: Path, *, replace: bool = False) -> Manifest:
    """Load a backup into the database of this process, which has to be the owner's.

    Mail that waited when it was made was sent since by the plant that made it: it is given up.

    :raises BackupFailed: if the file is not what was backed up, somebody is connected, or the
        database holds something and `replace` does not say that it may go.
    """
    manifest = Manifest.of(dump)
    try:
        found = _sha256(dump)
    except OSError as problem:
        raise BackupFailed(_("%(file)s cannot be read.") % {"file": dump}) from problem
    if found != manifest.sha256:
        raise BackupFailed(_("The file is not the one that was backed up: its hash differs."))
    _nobody_else()
    with connection.cursor() as cursor:
        cursor.execute("select count(*) from pg_tables where schemaname = 'public'")
        (tables,) = cursor.fetchone()
        if tables and not replace:
            raise BackupFailed(
                _("The database is not empty. Restore into an empty one, or add --replace.")
            )
        cursor.execute("drop schema public cascade")
        cursor.execute("create schema public")
    connection.close()
    _run(
        "pg_restore",
        *("--exit-on-error", "--single-transaction", "--no-owner", "--no-privileges"),
        f"--dbname={connection.settings_dict['NAME']}",
        str(dump),
    )
    OutgoingMail.objects.filter(sent_at=None, given_up_at=None).update(
        given_up_at=wall_now(), problem="restored from a backup"
    )
    _same_heads(manifest)
    return manifest


def _nobody_else() -> None:
    """A process that goes on over a restore would mix what it remembers with what is there."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select count(*) from pg_stat_activity where datname = current_database()"
            " and backend_type = 'client backend' and pid <> pg_backend_pid()"
        )
        (others,) = cursor.fetchone()
    if others:
        raise BackupFailed(
            ngettext(
                "Another connection is open. Stop the plant's processes first.",
                "%(count)d other connections are open. Stop the plant's processes first.",
                others,
            )
            % {"count": others}
        )


def _same_heads(manifest: Manifest) -> None:
    found = {
        site.code: (site.head.seq, bytes(site.head.head_hash).hex())
        for site in Site.objects.select_related("head")
    }
    if found != manifest.sites:
        raise BackupFailed(_("The restored record does not end where the backup says."))


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _run(program: str, *arguments: str) -> None:
    try:
        path = find_postgres() / program
    except ServersFailed as problem:
        raise BackupFailed(str(problem)) from problem
    done = subprocess.run(
        [path, *arguments], env=_environment(), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise BackupFailed(f"{program}: {done.stderr.strip()[-600:]}")


def _environment() -> Mapping[str, str]:
    """The address in the environment: an argument would show the password to everybody."""
    at: dict[str, Any] = connection.settings_dict
    given = {
        "PGHOST": at["HOST"],
        "PGPORT": at["PORT"],
        "PGUSER": at["USER"],
        "PGPASSWORD": at["PASSWORD"],
        "PGDATABASE": at["NAME"],
    }
    return {
        "PATH": os.environ.get("PATH", ""),
        **{name: str(value) for name, value in given.items() if value},
    }
