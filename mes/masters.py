"""Masters, the rows that people edit: saved and recorded in one act, with their history."""

from __future__ import annotations

from django.db.models import ForeignKey, Model
from django.utils.text import camel_case_to_spaces
from django.utils.translation import gettext as _

from mes.commands import Command
from mes.errors import Refused

# Where the floor has a shorter word than the model.
NOUNS = {"Equipment": "unit", "WorkCalendar": "calendar", "ShiftPattern": "shift"}
NOUNS |= {"CostRate": "rate", "RoutingOperation": "operation", "OperationAlternate": "alternate"}


def noun(model: type[Model]) -> str:
    """The noun of a master in the kinds of its events: `RoleGrant` is `role_grant`."""
    name = model.__name__
    return NOUNS.get(name) or camel_case_to_spaces(name).replace(" ", "_")


def kind_of(model: type[Model]) -> str:
    return f"{model._meta.app_label}.{noun(model)}.changed"


def columns_of(model: type[Model]) -> list[str]:
    """The columns that an event of this master carries: all but the key, the site and hashes.

    A column that history leaves out stays out of the ledger too; nobody reads a badge or a
    token from either.
    """
    kept = {field.name for field in history_of(model)._meta.concrete_fields}
    return [
        field.attname
        for field in model._meta.concrete_fields
        if not field.primary_key
        and field.name in kept
        and field.name != "site"
        and not field.name.endswith("_sha256")
    ]


def history_of(model: type[Model]) -> type[Model]:
    """The model of a master's history rows."""
    found: type[Model] = model.history.model  # type: ignore[attr-defined]
    return found


def save_master(command: Command, row: Model) -> Model:
    """Store a new or changed master and record `<app>.<noun>.changed` with what it is now.

    The history row names the command, so that an auditor can walk from either to the other.

    :raises Refused: if it refers to a row of another site.
    """
    _check_same_site(row)
    created = row.pk is None
    row._change_reason = f"command {command.key}"  # type: ignore[attr-defined]
    row.save()
    # Read back, so that the event says what the database holds and not what was typed.
    row.refresh_from_db()
    _record(command, row, created=created, deleted=False)
    return row


def delete_master(command: Command, row: Model) -> None:
    """Take a master out; the database refuses while anything refers to it."""
    _record(command, row, created=False, deleted=True)
    row._change_reason = f"command {command.key}"  # type: ignore[attr-defined]
    row.delete()


def _check_same_site(row: Model) -> None:
    site_id = getattr(row, "site_id", None)
    for field in row._meta.concrete_fields:
        if not isinstance(field, ForeignKey):
            continue
        other = getattr(row, field.name)
        if getattr(other, "site_id", site_id) != site_id:
            raise Refused(
                _("%(name)s %(other)s belongs to another site. Choose one of this site.")
                % {"name": str(field.verbose_name).capitalize(), "other": other}
            )


def _record(command: Command, row: Model, *, created: bool, deleted: bool) -> None:
    command.record(
        kind_of(type(row)),
        subject=(noun(type(row)), row.pk),
        body={
            "created": created,
            "deleted": deleted,
            "values": {name: getattr(row, name) for name in columns_of(type(row))},
        },
    )
