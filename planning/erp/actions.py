"""What is noted of the ERP: what its export showed, and what somebody entered there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from mes.clock import plant_now
from mes.commands import Command
from mes.errors import Refused, Stale
from mes.models import Site
from mes.rows import find
from planning.erp.entries import COMPARED, Name, ToDo, export_of, to_do
from planning.erp.models import ErpEntry, ErpExport
from planning.erp.standing import LISTS, stands
from planning.ownplant.columns import Mapped
from planning.ownplant.load import Content
from planning.ownplant.models import PlantImport

MOST_AT_ONCE = 500


def start_here(command: Command) -> dict[str, Any]:
    """Take it that the ERP knows the plant as it stands now: the list begins empty from here."""
    rows = {
        sheet: [row.values for row in found.values() if row.open]
        for sheet, found in stands(command.site, {}).items()
    }
    columns = {sheet: list(COMPARED[sheet]) for sheet in LISTS}
    return {"version": _keep(command.site, None, rows, columns, command.now)}


def show_export(row: PlantImport, rows: Content, mapped: Mapped) -> int:
    """Take a checked file as what the ERP holds now; returns how much of the list it ticks off.

    The same file checked again is no new export: what was entered since stays entered.
    """
    columns = {sheet: sorted(mapped[sheet].columns) for sheet in LISTS if sheet in mapped}
    before = export_of(row.site)
    waited = to_do(row.site, before) if before is not None else []
    _keep(row.site, row, rows, columns, plant_now(row.site))
    after = export_of(row.site)
    assert after is not None  # it was stored just now
    still = {each.difference.name for each in to_do(row.site, after)}
    shown = [
        each
        for each in waited
        if each.difference.name not in still and each.difference.name.sheet in columns
    ]
    assert before is not None or not shown
    ErpEntry.objects.bulk_create(
        _entry(row.site, each, before.version if before else 0, after.read_at, plant_import=row)
        for each in shown
    )
    return len(shown)


def _keep(
    site: Site,
    row: PlantImport | None,
    rows: Mapping[str, Any],
    columns: Mapping[str, Any],
    at: datetime,
) -> int:
    before = ErpExport.objects.filter(site=site).first()
    version = before.version if before else 0
    if before is None or row is None or before.plant_import_id != row.pk:
        version += 1
    values = {
        "version": version,
        "plant_import": row,
        "read_at": at,
        "columns": columns,
        "rows": {sheet: list(rows.get(sheet, ())) for sheet in LISTS},
    }
    ErpExport.objects.update_or_create(site=site, defaults=values)
    return version


def _entry(site: Site, each: ToDo, version: int, at: datetime, **by: Any) -> ErpEntry:
    found = each.difference
    return ErpEntry(
        site=site,
        **found.name._asdict(),
        was=found.was,
        becomes=found.becomes,
        export_version=version,
        at=at,
        **by,
    )


def mark_entered(command: Command, *, entries: Sequence[Sequence[str]]) -> dict[str, Any]:
    """Note that these were entered in the ERP; each is (list, key, column, new value) as shown.

    :raises Refused: if nothing is named, a device does it, or a change is tentative still.
    :raises Stale: if one of them is not to be done any more, or reads otherwise by now.
    """
    export = export_of(command.site)
    if not entries or export is None:
        raise Refused(_("Tick what you have entered in the ERP."))
    if len(entries) > MOST_AT_ONCE:
        raise Refused(_("At most %(n)d at once.") % {"n": MOST_AT_ONCE})
    if command.actor.person_id is None:
        raise Refused(_("A person enters it."), status=403, code="no_right")
    waits = {each.difference.name: each for each in to_do(command.site, export)}
    rows = []
    for sheet, key, column, becomes in entries:
        each = waits.get(Name(sheet, key, column))
        if each is None or each.difference.becomes != becomes:
            raise Stale(
                _("%(key)s reads otherwise by now. Look again; nothing was noted.") % {"key": key}
            )
        if each.tentative:
            raise Refused(
                _("%(key)s still waits for a yes. Enter it once it is agreed.") % {"key": key}
            )
        by = {"person_id": command.actor.person_id}
        rows.append(_entry(command.site, each, export.version, command.now, **by))
    ErpEntry.objects.bulk_create(rows)
    return {"entered": len(rows)}


def take_back_entry(command: Command, *, entry_id: int) -> dict[str, Any]:
    """It was not entered after all: it is to be done again.

    :raises Refused: if a file showed it, or it was taken back before.
    """
    row = find(command, ErpEntry, entry_id, lock=True)
    if row.plant_import_id is not None:
        raise Refused(_("The ERP's own export shows it, so it is entered."))
    if row.taken_back_at is not None:
        raise Refused(_("This was taken back before."), status=409, code="done_already")
    row.taken_back_at = command.now
    row.save(update_fields=["taken_back_at"])
    return {"entry_id": row.pk}
