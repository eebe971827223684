"""Masters, the rows that people edit: saved and recorded in one act, with their history."""

from __future__ import annotations

from typing import Any

from django.db.models import Model
from django.utils.text import camel_case_to_spaces

from mes.commands import Command

# Where the floor has a shorter word than the model.
NOUNS = {"Equipment": "unit", "WorkCalendar": "calendar", "ShiftPattern": "shift"}
NOUNS |= {"CostRate": "rate", "RoutingOperation": "operation", "OperationAlternate": "alternate"}


def noun(model: type[Model]) -> str:
    """The noun of a master in the kinds of its events: `RoleGrant` is `role_grant`."""
    name = model.__name__
    return NOUNS.get(name) or camel_case_to_spaces(name).replace(" ", "_")


def kind_of(model: type[Model]) -> str:
    return f"{model._meta.app_label}.{noun(model)}.changed"


def values_of(row: Model) -> dict[str, Any]:
    """Every column but the key and the site: the state that the change left.

    A column that history leaves out (a secret's hash) stays out of the ledger too.
    """
    kept = {field.name for field in history_of(type(row))._meta.concrete_fields}
    return {
        field.attname: field.value_from_object(row)
        for field in row._meta.concrete_fields
        if not field.primary_key and field.name in kept and field.name != "site"
    }


def history_of(model: type[Model]) -> type[Model]:
    """The model of a master's history rows."""
    found: type[Model] = model.history.model  # type: ignore[attr-defined]
    return found


def save_master(command: Command, row: Model) -> Model:
    """Store a new or changed master and record `<app>.<noun>.changed` with what it is now.

    The history row names the command, so that an auditor can walk from either to the other.
    """
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


def _record(command: Command, row: Model, *, created: bool, deleted: bool) -> None:
    command.record(
        kind_of(type(row)),
        subject=(noun(type(row)), row.pk),
        body={"created": created, "deleted": deleted, "values": values_of(row)},
    )
