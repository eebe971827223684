"""The long part of an import, outside any request: reading and checking, and storing."""

from __future__ import annotations

import hashlib
import logging
import uuid
from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

from django.db import DatabaseError, connection, transaction
from django.utils.translation import gettext as _

from mes import commands
from mes.access import actor_for
from mes.actor import SYSTEM
from mes.clock import plant_now, wall_now
from planning.actions.lock import try_lock
from planning.erp.actions import show_export
from planning.ownplant.check import Checked, as_content, check, compare
from planning.ownplant.columns import (
    BY_NAME,
    Mapped,
    from_json,
    headings,
    left_out,
    match,
    recognise,
)
from planning.ownplant.follow import CLOSE, follow
from planning.ownplant.load import SOURCE, Content, load_plant
from planning.ownplant.models import PlantImport, stored_before
from planning.ownplant.reading import read
from planning.ownplant.sheets import Table, Unreadable, shown

log = logging.getLogger(__name__)

IMPORTS = 0x494D504F  # key space of the advisory lock of an import
BREAKS = 2  # of the process that works on it, until a file is given up
MOST_PROBLEMS = 2_000
SAMPLES = 3
State = PlantImport.State


def waiting() -> list[int]:
    """Imports that somebody has to work on, the oldest first."""
    rows = PlantImport.objects.filter(state__in=[State.READING, State.STORING])
    return list(rows.order_by("created_at", "pk").values_list("pk", flat=True))


def work_on(import_id: int) -> None:
    """Do what an import waits for; nothing if somebody else does. Safe to repeat."""
    with try_lock(IMPORTS, import_id) as ours:
        if not ours:
            return
        row = PlantImport.objects.select_related("site", "person").get(pk=import_id)
        if row.begun >= BREAKS:
            _give_up(row)
            return
        # Taken down at the end of the work: a process that is killed on the way leaves it there.
        _set(row, begun=row.begun + 1)
        try:
            if row.state == State.READING:
                _read_and_check(row)
            elif row.state == State.STORING:
                _store(row)
        except Unreadable as wrong:
            _set(row, state=State.UNREADABLE, failure=str(wrong)[:300])
        except DatabaseError:
            raise
        except MemoryError:
            _set(row, state=State.UNREADABLE, failure=_too_much())
        except Exception:
            # What nobody foresaw must not be tried for ever, nor leave the page waiting.
            log.exception("import %s failed", import_id)
            words = _("Something went wrong here; nothing was stored. Please tell us.")
            _set(row, state=State.UNREADABLE, failure=words)
        _set(row, begun=0)


def _give_up(row: PlantImport) -> None:
    """Work that killed its process time and again is not tried for ever."""
    log.error("import %s broke off %s times; it is given up", row.pk, row.begun)
    state = State.CHECKED if row.state == State.STORING else State.UNREADABLE
    _set(row, state=state, failure=_too_much(), begun=0)


def _too_much() -> str:
    return _(
        "This file needs more memory or time here than a file may have; nothing was stored."
        " Leave out what is closed, or send it in parts."
    )


def _set(row: PlantImport, **values: Any) -> None:
    PlantImport.objects.filter(pk=row.pk).update(**values)


def tables_of(row: PlantImport) -> list[Table]:
    """The tables of an import's files.

    :raises Unreadable: if one of them can't be read.
    """
    return read((each.name, bytes(each.data)) for each in row.files.order_by("pk"))


def _read_and_check(row: PlantImport) -> None:
    said = _progress(row)
    said(_("reading"), 1, 2)
    tables = tables_of(row)
    if row.mapping:
        mapped = _matched_anew(tables, from_json(row.mapping))
    else:
        mapped = recognise(tables, remembered(row))
    said(_("checking"), 2, 2)
    checked = dry_run(row, tables, mapped)
    report = report_of(row, tables, mapped, checked)
    with transaction.atomic():
        if checked.ready:
            report["entered"] = show_export(row, as_content(checked.rows), mapped)
        _set(
            row,
            state=State.CHECKED,
            failure="",
            mapping={name: each.as_json() for name, each in mapped.items()},
            report=report,
        )


def _matched_anew(tables: list[Table], mapped: Mapped) -> Mapped:
    """Where another table was chosen for a sheet, its columns are recognised by their names."""
    by_name = {table.name: table for table in tables}
    return {
        name: found
        if found.columns or found.table not in by_name
        else match(BY_NAME[name], by_name[found.table])
        for name, found in mapped.items()
    }


def dry_run(row: PlantImport, tables: list[Table], mapped: Mapped) -> Checked:
    now = plant_now(row.site).astimezone(ZoneInfo(row.site.time_zone)).replace(tzinfo=None)
    return check(tables, mapped, now=now, fixes=row.fixes, set_aside=row.set_aside)


def remembered(row: PlantImport) -> Mapped:
    """How the columns of this site's last file were read."""
    before = (
        PlantImport.objects.filter(site=row.site)
        .exclude(pk=row.pk)
        .exclude(mapping={})
        .order_by("-pk")
        .first()
    )
    return from_json(before.mapping) if before else {}


def report_of(
    row: PlantImport, tables: list[Table], mapped: Mapped, checked: Checked
) -> dict[str, Any]:
    """What a dry run says, as the pages show it."""
    by_name = {table.name: table for table in tables}
    before = stored_before(row.site)
    report: dict[str, Any] = {
        "tables": [_table_facts(table, mapped) for table in tables],
        "counts": checked.counts(),
        "missing": checked.missing,
        "problems": [list(each) for each in checked.problems[:MOST_PROBLEMS]],
        "problem_count": len(checked.problems),
        "set_aside": checked.set_aside,
        "ready": checked.ready,
        "left_out": {
            name: left_out(by_name[each.table], each)
            for name, each in mapped.items()
            if each.table in by_name
        },
        "findings": [
            {
                "kind": each.kind,
                "title": each.title,
                "why": each.why,
                "count": len(each.rows),
                "rows": each.rows,
                "fixes": each.fixes,
                "chosen": each.chosen,
                "open": each.open,
            }
            for each in checked.findings
        ],
    }
    if before is not None and before.content is not None:
        report["difference"] = compare(before.content, as_content(checked.rows)).as_json()
    return report


def _table_facts(table: Table, mapped: Mapped) -> dict[str, Any]:
    head = next((each.head for each in mapped.values() if each.table == table.name), 0)
    names = headings(table, head)
    first = table.rows[head + 1 :][:SAMPLES]
    return {
        "name": table.name,
        "rows": max(len(table.rows) - head - 1, 0),
        "headings": names,
        "samples": [
            [shown(cells[n])[:20] for _row, cells in first if n < len(cells)]
            for n in range(len(names))
        ],
    }


def _store(row: PlantImport) -> None:
    tables = tables_of(row)
    checked = dry_run(row, tables, from_json(row.mapping))
    if not checked.ready:
        report = report_of(row, tables, from_json(row.mapping), checked)
        _set(row, state=State.CHECKED, report=report)
        return
    content = as_content(checked.rows)
    files = list(row.files.order_by("pk").values_list("name", "sha256"))
    sha = hashlib.sha256("".join(sha for _name, sha in files).encode()).hexdigest()
    source = f"{SOURCE}: {', '.join(name for name, _sha in files)}"[:200] + f" {sha}"
    before = stored_before(row.site)
    if before is not None and before.content is not None:
        _follow(row, before.content, content, sha)
        return

    def store(command: commands.Command) -> dict[str, Any]:
        answer = load_plant(command, content=content, source=source, said=_progress(row))
        # Stored is the import itself in the same transaction: both, or neither.
        command.also(
            lambda seq: _set(
                row,
                state=State.STORED,
                content=content,
                failure="",
                stored_at=wall_now(),
                stored_seq=seq,
            )
        )
        return answer

    _do(row, "planning.ownplant.store", sha, store)


def _follow(row: PlantImport, before: Content, content: Content, sha: str) -> None:
    """Bring the plant up to a newer file; the import and what it changed are stored together."""
    names = ", ".join(row.files.order_by("pk").values_list("name", flat=True))
    gone = {key: what for key, what in row.fixes.items() if what == CLOSE}

    def take_over(command: commands.Command) -> dict[str, Any]:
        found = follow(command, before=before, after=content, gone=gone, source=names[:80])
        _set(
            row,
            state=State.STORED,
            content=found.content,
            failure="",
            stored_at=wall_now(),
            report={**row.report, "followed": {"taken": found.taken, "left": found.left}},
        )
        return {"taken": len(found.taken), "left": len(found.left)}

    _do(row, "planning.ownplant.follow", sha, take_over)


def _do(row: PlantImport, name: str, sha: str, act: Callable[[commands.Command], Any]) -> None:
    """Once for this import, by whoever brought it in; refused, it can be corrected."""
    outcome = commands.run(
        site=row.site,
        key=uuid.uuid5(uuid.NAMESPACE_OID, f"own plant {row.pk}"),
        actor=actor_for(row.person, row.site) if row.person else SYSTEM,
        name=name,
        body={"import": row.pk, "sha256": sha},
        act=act,
    )
    if not outcome.ok:
        _set(row, state=State.CHECKED, failure=outcome.message[:300])


def _progress(row: PlantImport) -> Callable[[str, int, int], None]:
    """Says how far the work is, on a connection of its own: the work's is in a transaction."""
    aside = connection.copy()

    def said(step: str, n: int, of: int) -> None:
        with aside.cursor() as cursor:
            cursor.execute(
                "update planning_plantimport set step = %s, done = %s, of = %s where id = %s",
                [step[:40], n, of, row.pk],
            )
        aside.close()

    return said
