"""What may stand in a plant's own columns, and the rows that a key names."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _

from materials.models import CustomerLine, PurchaseLine
from mes.models import Site
from planning.ownfields.models import OwnField, OwnValue, RowOf
from planning.ownplant.columns import Column, Kind, Match
from planning.ownplant.values import Wrong, value_of
from workorders.models import WorkOrder

NOTE = "note"
MOST_FIELDS = 10
LONGEST = 500
MODELS: Mapping[str, Any] = {
    RowOf.WORK_ORDER: WorkOrder,
    RowOf.CUSTOMER_LINE: CustomerLine,
    RowOf.PURCHASE_LINE: PurchaseLine,
}
_KINDS = {OwnField.Kind.NUMBER: Kind.AMOUNT, OwnField.Kind.DATE: Kind.DATE}


def fields_of(site: Site, row_of: str) -> list[OwnField]:
    """The own columns of a list, in the order in which they were made."""
    return list(OwnField.objects.filter(site=site, row_of=row_of, removed_at=None).order_by("pk"))


def parsed(field: OwnField | None, text: str) -> str:
    """What was typed into a column in the one form in which it is kept; "" where it is nothing.

    field  None: the note

    :raises Wrong: if the column is for something else.
    """
    kind = OwnField.Kind.TEXT if field is None else field.kind
    if field is not None and kind == OwnField.Kind.CHOICE:
        return _choice(field, text)
    # A comma with nothing but digits behind it divides decimals, unless a point does.
    mark = "," if re.search(r",\d+$", text.strip()) and "." not in text.split(",")[-1] else "."
    column = Column("value", (), _KINDS.get(OwnField.Kind(kind), Kind.TEXT), longest=LONGEST)
    return value_of(column, text, Match("", decimal=mark))


def _choice(field: OwnField, text: str) -> str:
    said = " ".join(text.split())
    if not said:
        return ""
    for each in field.choices:
        if str(each).casefold() == said.casefold():
            return str(each)
    raise Wrong(
        _("is not in the list"),
        _("Choose one of: %(choices)s.") % {"choices": ", ".join(map(str, field.choices))},
    )


def values_of(site: Site, row_of: str, ids: Iterable[int]) -> dict[int, dict[str, OwnValue]]:
    """Row -> column ("note" or the field's number) -> what stands there."""
    found: dict[int, dict[str, OwnValue]] = defaultdict(dict)
    rows = OwnValue.objects.filter(site=site, row_of=row_of, subject_id__in=list(ids))
    for row in rows.select_related("person"):
        found[row.subject_id][column_name(row.field_id)] = row
    return found


def column_name(field_id: int | None) -> str:
    return NOTE if field_id is None else str(field_id)


def rows_saying(site: Site, row_of: str, text: str) -> Q:
    """Rows in whose note or own columns a text stands."""
    said = OwnValue.objects.filter(site=site, row_of=row_of, text__icontains=text)
    return Q(pk__in=said.values("subject_id"))


def key_of(row: Any) -> str:
    """What a row is called on its list."""
    if isinstance(row, CustomerLine):
        return f"{row.order.code}/{row.number}"
    return str(row)


def rows_by_key(site: Site, row_of: str, keys: Iterable[str]) -> dict[str, Any]:
    """The rows that these keys name: an order's number, or an order's and its line's."""
    wanted = set(keys)
    rows = MODELS[row_of].objects.filter(site=site)
    if row_of == RowOf.WORK_ORDER:
        return {row.code: row for row in rows.filter(code__in=wanted)}
    orders = {key.rpartition("/")[0] for key in wanted}
    if row_of == RowOf.CUSTOMER_LINE:
        found = rows.filter(order__code__in=orders).select_related("order", "item")
    else:
        found = rows.filter(order_code__in=orders).select_related("item")
    return {key: row for row in found if (key := key_of(row)) in wanted}
