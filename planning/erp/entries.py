"""What the plant knows otherwise than the ERP: by key, since when, by whom and why."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, NamedTuple

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from materials.models import StockMove
from mes.models import ShopFloorEvent, Site
from planning.erp.models import ErpEntry, ErpExport
from planning.erp.standing import LINES, LISTS, Standing, Subject, key_of, stands
from planning.models import Consent, Decision
from planning.ownplant.columns import BY_NAME
from planning.ownplant.models import stored_before
from planning.ownplant.values import local, plain

DATES = frozenset({"due", "promised", "parked"})
# Columns that are the plant's own: no file has them, so only a person can say that they are told.
BEYOND = ("state", "parked", "part", "freight", "machine")
COMPARED = {
    "orders": ("qty", "done", "due", "promised", *BEYOND[:-1]),
    LINES: ("qty", "done", "promised", *BEYOND[:-1]),
    "operations": ("done", "machine"),
    "stock": ("qty",),
    "purchases": ("qty", "due", "state"),
}
# Which events tell of a column.
TOLD_BY = {
    "qty": ("materials.line.changed", "materials.purchase.expected", "materials.line.added"),
    "done": (
        "workorders.production.reported",
        "workorders.report.corrected",
        "workorders.order.put_away",
        "workorders.job.finished",
        "materials.line.shipped",
    ),
    "due": ("workorders.order.due_set", "materials.purchase.expected"),
    "promised": ("materials.line.changed", "materials.line.promised"),
    "state": (
        "workorders.order.closed",
        "materials.line.cancelled",
        "materials.purchase.cancelled",
    ),
    "parked": ("workorders.order.parked",),
    "part": ("materials.line.part_set",),
    "freight": ("materials.line.freight_set",),
    "machine": ("workorders.job.moved",),
    "": (
        "workorders.order.created",
        "materials.line.added",
        "materials.purchase.added",
    ),
}
RECEIPTS = ("materials.stock.received", "materials.receipt.corrected")
_DECIDED = ("planning.option.accepted", "planning.decision.undone")


class Side(StrEnum):
    """Who says something that the other does not."""

    HERE = "HERE"
    ERP = "ERP"
    BOTH = "BOTH"


SIDES = {
    Side.HERE: gettext_lazy("changed here"),
    Side.ERP: gettext_lazy("changed in the ERP"),
    Side.BOTH: gettext_lazy("changed on both sides"),
}


class Name(NamedTuple):
    """What tells a difference from others; without a column it is the whole row."""

    sheet: str
    key: str
    column: str


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that the ERP's last export says otherwise than the plant."""

    name: Name
    was: str
    becomes: str
    side: Side
    row: Standing | None = None


@dataclass(slots=True)
class ToDo:
    """A difference to be entered in the ERP, with where it comes from.

    marked  it was said to be entered, and the export that came after does not have it
    """

    difference: Difference
    at: datetime | None = None
    who: str = ""
    why: str = ""
    decision: Decision | None = None
    tentative: bool = False
    marked: ErpEntry | None = None


def export_of(site: Site) -> ErpExport | None:
    return ErpExport.objects.filter(site=site).select_related("plant_import").first()


def differences(site: Site, export: ErpExport) -> list[Difference]:
    """Everything that an export says otherwise than the plant, by list and key."""
    before = stored_before(site)
    base = export.rows if export.plant_import is None or before is None else before.content
    told = {sheet: _by_key(sheet, export.rows.get(sheet, ())) for sheet in LISTS}
    was = {sheet: _by_key(sheet, (base or {}).get(sheet, ())) for sheet in LISTS}
    here = stands(site, export.rows)
    found: list[Difference] = []
    for sheet in LISTS:
        if sheet not in export.columns:
            continue
        for key in sorted(told[sheet].keys() | here[sheet].keys()):
            found += _compared(
                sheet,
                key,
                told[sheet].get(key),
                here[sheet].get(key),
                was[sheet].get(key),
                export.columns[sheet],
            )
    return found


def _by_key(sheet: str, rows: Iterable[Mapping[str, str]]) -> dict[str, Mapping[str, str]]:
    """An export's rows by key; quantities that share one are added up."""
    found: dict[str, Mapping[str, str]] = {}
    for row in rows:
        key = key_of(sheet, row)
        if sheet == "stock" and key in found:
            row = {**row, "qty": plain(Decimal(found[key]["qty"]) + Decimal(row["qty"]))}
        found[key] = row
    return found


def _compared(
    sheet: str,
    key: str,
    told: Mapping[str, str] | None,
    here: Standing | None,
    was: Mapping[str, str] | None,
    columns: Iterable[str],
) -> Iterable[Difference]:
    if here is None:
        # What was done before the plant was made has no row in it, nor has a routing's own row.
        if told is not None and told != was and sheet in ("orders", "purchases"):
            yield Difference(Name(sheet, key, ""), summary(sheet, told), "", Side.ERP)
        return
    if told is None:
        if here.open and sheet != "operations":
            side = Side.HERE if was is None else Side.ERP
            yield Difference(Name(sheet, key, ""), "", summary(sheet, here.values), side, here)
        elif here.open and here.values["meant"] not in ("", here.values["machine"]):
            # Its order is made by the item's routing, and this operation is moved away from it.
            name = Name(sheet, key, "machine")
            yield Difference(name, here.values["meant"], here.values["machine"], Side.HERE, here)
        return
    for column in COMPARED[sheet]:
        if column not in columns and column not in BEYOND and column != "promised":
            continue
        if column not in here.values:
            continue
        value = _told(told, column)
        if says_the_same(column, value, here.values.get(column, "")):
            continue
        base = _told(was, column) if was is not None else None
        yield Difference(
            Name(sheet, key, column),
            value,
            here.values.get(column, ""),
            _side(column, base, value, here.values.get(column, "")),
            here,
        )


def _told(row: Mapping[str, str], column: str) -> str:
    # Who has one date only means it for the customer too.
    if column == "promised":
        return row.get("promised") or row.get("due", "")
    return row.get(column, "")


def _side(column: str, base: str | None, told: str, here: str) -> Side:
    if base is None or says_the_same(column, base, told):
        return Side.HERE
    return Side.ERP if says_the_same(column, base, here) else Side.BOTH


def says_the_same(column: str, one: str, other: str) -> bool:
    """Whether two texts of a column mean one thing; a date without an hour means its day."""
    if column in DATES and one and other:
        first, second = local(one), local(other)
        if "T" in one and "T" in other:
            return first == second
        return first.date() == second.date()
    return (one or "0") == (other or "0") if column in ("qty", "done") else one == other


def summary(sheet: str, values: Mapping[str, str]) -> str:
    """A whole row in a few words: what, how much, for when."""
    parts = [values.get("item", ""), values.get("qty", ""), values.get("due", "")]
    if sheet == LINES:
        parts[2] = values.get("promised", "")
    return ", ".join(part for part in parts if part)[:200]


def column_label(name: Name) -> str:
    beyond = {
        "state": _("State"),
        "parked": _("Not before"),
        "part": _("Part ahead"),
        "freight": _("Freight"),
        "machine": _("Machine"),
        "": _("Whole row"),
    }
    if name.column in beyond:
        return beyond[name.column]
    if name.sheet == LINES:
        return {"qty": _("Quantity"), "done": _("Shipped"), "promised": _("Promised")}[name.column]
    if name.sheet == "purchases":
        return {"qty": _("Still to come"), "due": _("Expected")}[name.column]
    return BY_NAME[name.sheet].column(name.column).names[0]


def sheet_label(sheet: str) -> str:
    return _("Deliveries") if sheet == LINES else BY_NAME[sheet].names[0]


# -- what is to be done ----------------------------------------------------------------------------


def to_do(site: Site, export: ErpExport) -> list[ToDo]:
    """What the ERP does not know yet and nobody has entered, the latest first."""
    found = [each for each in differences(site, export) if each.side is not Side.ERP]
    marks = _marks(site)
    open_ = [each for each in found if not _entered(marks.get(each.name), each, export)]
    rows = _explained(site, open_)
    for row in rows:
        mark = marks.get(row.difference.name)
        row.marked = mark if mark and mark.becomes == row.difference.becomes else None
    rows.sort(key=lambda row: (row.at is None, -row.at.timestamp() if row.at else 0))
    return rows


def _marks(site: Site) -> dict[Name, ErpEntry]:
    """The last word on each difference."""
    rows = ErpEntry.objects.filter(site=site, taken_back_at=None, plant_import=None)
    return {
        Name(row.sheet, row.key, row.column): row
        for row in rows.select_related("person").order_by("pk")
    }


def _entered(mark: ErpEntry | None, found: Difference, export: ErpExport) -> bool:
    """Whether somebody entered it, and no export came since that should have it."""
    return (
        mark is not None and mark.becomes == found.becomes and mark.export_version == export.version
    )


def _explained(site: Site, found: list[Difference]) -> list[ToDo]:
    events = _events(site, found)
    keys = {event.key for event in events.values()}
    decisions = _decisions(site, keys)
    asked = set(Consent.objects.asked(site.pk).values_list("decision_id", flat=True))
    rows = []
    for each in found:
        row = ToDo(each)
        event = events.get(each.name)
        if event is not None:
            row.at, row.who = event.occurred_at, _who(event)
            row.decision = decisions.get(event.key)
            row.why = _why(event, row.decision)
            row.tentative = row.decision is not None and row.decision.pk in asked
        rows.append(row)
    return rows


def _events(site: Site, found: list[Difference]) -> dict[Name, ShopFloorEvent]:
    """The last event that tells of each difference."""
    wanted: dict[Subject, list[tuple[Name, tuple[str, ...]]]] = defaultdict(list)
    lots: dict[int, list[Name]] = defaultdict(list)
    for each in found:
        column = each.name.column
        for kind, pk in each.row.about.get(column, ()) if each.row else ():
            if kind == "lot":
                lots[pk].append(each.name)
            else:
                wanted[kind, pk].append((each.name, TOLD_BY.get(column, ())))
    last: dict[Name, ShopFloorEvent] = {}

    def note(name: Name, event: ShopFloorEvent) -> None:
        if name not in last or last[name].seq < event.seq:
            last[name] = event

    events = ShopFloorEvent.objects.filter(site=site).select_related(
        "person", "device", "on_behalf_of"
    )
    by_type: dict[str, list[int]] = defaultdict(list)
    for kind, pk in wanted:
        by_type[kind].append(pk)
    every_kind = sorted({kind for kinds in TOLD_BY.values() for kind in kinds})
    for kind, ids in by_type.items():
        newest = events.filter(subject_type=kind, subject_id__in=ids, kind__in=every_kind)
        newest = newest.order_by("subject_type", "subject_id", "kind", "-seq").distinct(
            "subject_type", "subject_id", "kind"
        )
        for event in newest:
            for name, kinds in wanted[kind, event.subject_id]:
                if event.kind in kinds:
                    note(name, event)
    purchases = {pk: names for (kind, pk), names in wanted.items() if kind == "purchase_line"}
    if purchases:
        for event in events.filter(kind__in=RECEIPTS, body__purchase_line_id__in=list(purchases)):
            for name, _kinds in purchases[event.body["purchase_line_id"]]:
                if name.column == "qty":
                    note(name, event)
    if lots:
        moves = StockMove.objects.filter(site=site, lot__in=lots).order_by("lot", "-event_seq")
        seqs = dict(moves.distinct("lot").values_list("lot_id", "event_seq"))
        by_seq = {event.seq: event for event in events.filter(seq__in=set(seqs.values()))}
        for pk, seq in seqs.items():
            for name in lots[pk]:
                note(name, by_seq[seq])
    return last


def _decisions(site: Site, keys: Iterable[Any]) -> dict[Any, Decision]:
    """The decision, or the undoing of one, that a command was."""
    events = ShopFloorEvent.objects.filter(site=site, key__in=list(keys), kind__in=_DECIDED)
    seqs = dict(events.values_list("seq", "key"))
    rows = Decision.objects.filter(site=site, event_seq__in=seqs)
    return {seqs[row.event_seq]: row for row in rows}


def _who(event: ShopFloorEvent) -> str:
    who = event.person.name if event.person else event.device.code if event.device else ""
    if event.on_behalf_of is not None:
        return _("%(who)s for %(other)s") % {"who": who, "other": event.on_behalf_of.name}
    return who


def _why(event: ShopFloorEvent, decision: Decision | None) -> str:
    if decision is not None:
        title = decision.title
        if decision.undo_of_id is not None:
            title = _("Taken back: %(title)s") % {"title": title}
        return f"{title}. {decision.why}" if decision.why else title
    body = event.body
    said = body.get("note") or body.get("reason") or body.get("expected_source") or ""
    return str(said or _EVENTS.get(event.kind, ""))


_EVENTS = {
    "workorders.production.reported": gettext_lazy("reported at the station"),
    "workorders.report.corrected": gettext_lazy("a report taken back"),
    "workorders.order.put_away": gettext_lazy("put away"),
    "workorders.job.finished": gettext_lazy("finished at the station"),
    "workorders.order.created": gettext_lazy("made here"),
    "materials.line.shipped": gettext_lazy("shipped"),
    "materials.line.changed": gettext_lazy("the customer changed it"),
    "materials.line.cancelled": gettext_lazy("the customer cancelled it"),
    "materials.line.added": gettext_lazy("entered here"),
    "materials.purchase.added": gettext_lazy("ordered here"),
    "materials.stock.received": gettext_lazy("received"),
    "materials.receipt.corrected": gettext_lazy("a receipt taken back"),
    "materials.stock.counted": gettext_lazy("counted"),
    "materials.stock.moved": gettext_lazy("moved"),
}
