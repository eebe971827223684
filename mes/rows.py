"""Finding a row of the command's own site; a foreign one looks like none at all."""

from __future__ import annotations

from typing import TypeVar

from django.db.models import Model
from django.utils.translation import gettext as _

from mes.commands import Command
from mes.errors import Missing

Row = TypeVar("Row", bound=Model)


def find(command: Command, model: type[Row], pk: int, *, lock: bool = False) -> Row:
    """Return the row of this site, locked until the command ends if asked for.

    The lock lets others refer to the row (FOR NO KEY UPDATE), it only stops them changing it.

    :raises Missing: if there is none on the command's site.
    """
    rows = model._default_manager.filter(site=command.site, pk=pk)
    if lock:
        rows = rows.select_for_update(no_key=True)
    row = rows.first()
    if row is None:
        raise missing(model)
    return row


def missing(model: type[Model]) -> Missing:
    """What to say where there is no such row."""
    return Missing(
        _("There is no such %(thing)s here. Reload the page and choose again.")
        % {"thing": model._meta.verbose_name}
    )
