"""Lists in the order of a column: which may be chosen, and the links in their headings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any, NamedTuple
from urllib.parse import urlencode

from django.db.models import DecimalField, F, OuterRef, QuerySet, Subquery
from django.db.models.functions import Cast

from mes.access import PlantRequest
from mes.models import Site
from planning.ownfields.models import OwnField, OwnValue
from planning.ownfields.values import NOTE, column_name, fields_of, values_of

Row = Any  # of a table, whichever it is


class Sort(NamedTuple):
    """By which column a list stands, and which way round; without a column as the list is."""

    column: str
    down: bool


def sort_of(request: PlantRequest) -> Sort:
    said = request.GET.get("sort", "")
    return Sort(said.removeprefix("-"), said.startswith("-"))


def headings(request: PlantRequest, columns: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Column -> label, the address that sorts by it (again: the other way round), aria-sort."""
    chosen = sort_of(request)
    kept = {name: value for name, value in request.GET.items() if name not in ("sort", "page")}
    found = {}
    for name, label in columns.items():
        current = name == chosen.column
        wanted = f"-{name}" if current and not chosen.down else name
        found[name] = {
            "label": label,
            "url": "?" + urlencode({**kept, "sort": wanted}),
            "aria": ("descending" if chosen.down else "ascending") if current else "",
        }
    return found


def in_order(rows: list[Row], sort: Sort, keys: Mapping[str, Callable[[Row], Any]]) -> list[Row]:
    """Rows by one of these keys, those without a value last either way; as they are without one."""
    key = keys.get(sort.column)
    if key is None:
        return rows
    having = [row for row in rows if key(row) not in (None, "")]
    lacking = [row for row in rows if key(row) in (None, "")]
    having.sort(key=key, reverse=sort.down)
    return having + lacking


def own_keys(site: Site, row_of: str, ids: Iterable[int]) -> dict[str, Callable[[Row], Any]]:
    """The note and the plant's own columns as keys of rows that are all at hand."""
    said = values_of(site, row_of, ids)

    def key(column: str, *, is_number: bool) -> Callable[[Row], Any]:
        def value(row: Row) -> Any:
            found = said.get(row.pk, {}).get(column)
            return None if found is None else Decimal(found.text) if is_number else found.text

        return value

    fields = {column_name(each.pk): each.kind == "NUMBER" for each in fields_of(site, row_of)}
    return {name: key(name, is_number=kind) for name, kind in ({NOTE: False} | fields).items()}


def ordered(
    rows: QuerySet[Any], sort: Sort, columns: Mapping[str, str], site: Site, row_of: str
) -> QuerySet[Any]:
    """Rows by a column of the table or one of the plant's own; as they are without one."""
    fields = {column_name(each.pk): each for each in fields_of(site, row_of)}
    if sort.column in columns:
        field = F(columns[sort.column])
    elif sort.column == NOTE or sort.column in fields:
        rows = _with_own(rows, fields.get(sort.column), row_of)
        field = F("own_column")
    else:
        return rows
    by = field.desc(nulls_last=True) if sort.down else field.asc(nulls_last=True)
    return rows.order_by(by, "pk")


def _with_own(rows: QuerySet[Any], field: OwnField | None, row_of: str) -> QuerySet[Any]:
    said = OwnValue.objects.filter(row_of=row_of, subject_id=OuterRef("pk"), field=field)
    found: Any = Subquery(said.values("text")[:1])
    if field is not None and field.kind == OwnField.Kind.NUMBER:
        found = Cast(found, DecimalField(max_digits=24, decimal_places=6))
    annotated: QuerySet[Any] = rows.annotate(own_column=found)
    return annotated
