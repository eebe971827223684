"""The sheets of a plant's workbook: which columns they may have and by what names they go."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

from django.utils.translation import gettext_lazy as _

from planning.ownplant.sheets import Raw, Table, letter, shown

HEAD_WITHIN = 20  # the headings stand in one of the first rows that hold anything


class Kind(StrEnum):
    TEXT = "TEXT"
    QUANTITY = "QUANTITY"  # more than nothing
    AMOUNT = "AMOUNT"  # nothing or more
    WHOLE = "WHOLE"
    DATE = "DATE"
    TIME = "TIME"
    SHIFT = "SHIFT"


class Column(NamedTuple):
    """One thing that a sheet says of a row. The first name is the template's heading."""

    name: str
    names: tuple[str, ...]
    kind: Kind = Kind.TEXT
    required: bool = False
    longest: int = 40
    example: str = ""


class Sheet(NamedTuple):
    name: str
    level: int
    names: tuple[str, ...]
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    what_for: Any

    def column(self, name: str) -> Column:
        return next(column for column in self.columns if column.name == name)


MACHINES = Sheet(
    "machines", 1, ("Machines", "machine", "maschinen", "anlagen", "arbeitsplaetze", "resources"),
    (
        Column("code", ("Machine", "code", "machine code", "machine no", "maschine", "maschinennr",
                        "anlage", "arbeitsplatz", "resource", "work center", "unit"),
               required=True, example="CNC-01"),
        Column("name", ("Name", "description", "bezeichnung", "machine name"), longest=80),
        Column("group", ("Group", "machine group", "gruppe", "maschinengruppe", "cell")),
        Column("shift", ("Shift", "shifts", "schicht", "schichten", "hours", "arbeitszeit"),
               Kind.SHIFT, longest=200, example="2"),
        Column("count", ("Count", "number of machines", "anzahl", "how many"), Kind.WHOLE),
    ),
    ("code",), _("what you make with"),
)  # fmt: skip
ORDERS = Sheet(
    "orders", 1, ("Orders", "order", "work orders", "auftraege", "fertigungsauftraege", "fa"),
    (
        Column("no", ("Order", "no", "order no", "order number", "work order", "auftrag",
                      "auftragsnr", "auftragsnummer", "fa", "fa nr", "wo"), required=True),
        Column("item", ("Item", "part", "part no", "article", "product", "material", "artikel",
                        "artikelnr", "teil", "teilenummer", "sachnummer"), required=True),
        Column("qty", ("Quantity", "qty", "order qty", "menge", "stueck", "auftragsmenge", "pcs"),
               Kind.QUANTITY, required=True),
        Column("done", ("Done", "qty done", "finished", "fertig", "gefertigt", "ist menge",
                        "rueckgemeldet"), Kind.AMOUNT),
        Column("due", ("Due", "due date", "end date", "finish", "termin", "endtermin", "faellig",
                       "liefertermin", "bis"), Kind.DATE, required=True),
        Column("customer", ("Customer", "client", "kunde", "kundenname", "buyer"), longest=40),
        Column("promised", ("Promised", "promise date", "customer date", "zugesagt",
                            "kundentermin", "wunschtermin"), Kind.DATE),
        Column("value", ("Value", "order value", "wert", "auftragswert", "amount", "preis"),
               Kind.AMOUNT),
        Column("unit", ("Unit", "uom", "einheit", "me", "mengeneinheit"), longest=12),
    ),
    ("no",), _("what is to be made, by when"),
)  # fmt: skip
OPERATIONS = Sheet(
    "operations", 1, ("Operations", "operation", "routing", "routings", "arbeitsgaenge",
                      "arbeitsplan", "ag", "steps"),
    (
        Column("order", ("Order or item", "order", "item", "work order", "auftrag", "artikel",
                         "auftragsnr", "fa", "part"), required=True),
        Column("no", ("No", "operation", "op", "op no", "step", "ag", "ag nr", "arbeitsgang",
                      "position", "vorgang"), Kind.WHOLE, required=True),
        Column("name", ("Name", "description", "bezeichnung", "text", "work"), longest=80),
        Column("machine", ("Machine", "machine or group", "group", "maschine", "arbeitsplatz",
                           "resource", "work center", "anlage")),
        Column("setup", ("Set-up min", "setup", "setup time", "ruesten", "ruestzeit", "tr"),
               Kind.TIME),
        Column("run", ("Min a piece", "run", "run time", "time per piece", "minutes per piece",
                       "cycle time", "stueckzeit", "bearbeitungszeit", "te", "laufzeit"),
               Kind.TIME, required=True),
        Column("done", ("Done", "qty done", "finished", "fertig", "gefertigt", "rueckgemeldet"),
               Kind.AMOUNT),
    ),
    ("order", "no"), _("how it is made, and where"),
)  # fmt: skip
COMPONENTS = Sheet(
    "components", 2, ("Components", "bill of material", "bom", "stueckliste", "komponenten"),
    (
        Column("item", ("Item", "parent", "assembly", "product", "artikel", "baugruppe", "order"),
               required=True),
        Column("component", ("Component", "part", "material", "komponente", "teil", "rohstoff"),
               required=True),
        Column("qty", ("Quantity a piece", "qty", "quantity", "qty per", "menge",
                       "menge je stueck", "bedarf"), Kind.QUANTITY, required=True),
        Column("op", ("Operation", "op", "arbeitsgang", "ag"), Kind.WHOLE),
        Column("unit", ("Unit", "uom", "einheit", "me"), longest=12),
    ),
    ("item", "component"), _("what it is made of: shortages"),
)  # fmt: skip
STOCK = Sheet(
    "stock", 2, ("Stock", "inventory", "on hand", "bestand", "lagerbestand", "lager"),
    (
        Column("item", ("Item", "part", "material", "article", "artikel", "teil", "teilenummer"),
               required=True),
        Column("qty", ("Quantity", "qty", "on hand", "stock", "menge", "bestand"), Kind.AMOUNT,
               required=True),
        Column("lot", ("Lot", "batch", "charge", "los"), longest=60),
        Column("place", ("Place", "location", "bin", "lagerort", "lagerplatz")),
        Column("unit", ("Unit", "uom", "einheit", "me"), longest=12),
    ),
    ("item", "lot", "place"), _("what is there"),
)  # fmt: skip
PURCHASES = Sheet(
    "purchases", 2, ("Purchases", "purchase lines", "purchase orders", "po", "bestellungen",
                     "einkauf"),
    (
        Column("order", ("Purchase order", "order", "po", "po no", "bestellung", "bestellnr",
                         "bestellnummer"), required=True),
        Column("line", ("Line", "pos", "position", "line no"), Kind.WHOLE),
        Column("item", ("Item", "part", "material", "article", "artikel", "teil"), required=True),
        Column("qty", ("Quantity", "qty", "open qty", "menge", "offene menge"), Kind.QUANTITY,
               required=True),
        Column("due", ("Due", "promised", "delivery date", "eta", "termin", "liefertermin"),
               Kind.DATE, required=True),
        Column("supplier", ("Supplier", "vendor", "lieferant", "kreditor")),
        Column("unit", ("Unit", "uom", "einheit", "me"), longest=12),
    ),
    ("order", "line"), _("what is coming: the chase list"),
)  # fmt: skip
RATES = Sheet(
    "rates", 3, ("Rates", "costs", "kostensaetze", "stundensaetze"),
    (
        Column("machine", ("Machine", "group", "maschine", "arbeitsplatz", "resource")),
        Column("hour", ("Running hour", "rate", "cost per hour", "machine hour", "stundensatz",
                        "maschinenstundensatz"), Kind.AMOUNT),
        Column("overtime", ("Overtime hour", "overtime", "ueberstunde", "mehrarbeit"),
               Kind.AMOUNT),
        Column("setup", ("Set-up hour", "setup", "ruesten", "ruestsatz"), Kind.AMOUNT),
    ),
    ("machine",), _("what an hour costs: options in money"),
)  # fmt: skip
CUSTOMERS = Sheet(
    "customers", 3, ("Customers", "customer", "kunden", "clients"),
    (
        Column("code", ("Customer", "code", "no", "kunde", "kundennr", "kundennummer"),
               required=True),
        Column("name", ("Name", "customer name", "kundenname", "firma", "company"), longest=120),
        Column("late", ("Late cost a day", "late cost", "penalty per day", "penalty",
                        "verzugskosten", "vertragsstrafe"), Kind.AMOUNT),
        Column("transit", ("Transit days", "transit", "transport days", "laufzeit tage",
                           "transporttage"), Kind.AMOUNT),
    ),
    ("code",), _("whom it is for: what late costs"),
)  # fmt: skip
SHEETS = (MACHINES, ORDERS, OPERATIONS, COMPONENTS, STOCK, PURCHASES, RATES, CUSTOMERS)
BY_NAME = {sheet.name: sheet for sheet in SHEETS}

DECIMALS = ((".", "1,234.56"), (",", "1.234,56"))
DATES = (("DMY", "31.12.2026"), ("MDY", "12/31/2026"), ("YMD", "2026-12-31"))
TIMES = (("s", _("seconds")), ("min", _("minutes")), ("h", _("hours")))
_UNITS = {
    "s": {"s", "sec", "secs", "seconds", "sek", "sekunden"},
    "h": {"h", "hour", "hours", "hrs", "std", "stunden", "stunde"},
}


@dataclass(slots=True)
class Match:
    """Where a sheet of ours is in the files: the table, its heading row, column by column."""

    table: str
    head: int = 0
    columns: dict[str, str] = field(default_factory=dict)
    decimal: str = "."
    date: str = "DMY"
    times: dict[str, str] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        return {
            "table": self.table,
            "head": self.head,
            "columns": self.columns,
            "decimal": self.decimal,
            "date": self.date,
            "times": self.times,
        }


Mapped = dict[str, Match]


def from_json(stored: Mapping[str, Any]) -> Mapped:
    return {name: Match(**each) for name, each in stored.items() if name in BY_NAME}


def folded(text: str) -> str:
    """A heading without case, accents, punctuation and what stands in brackets."""
    text = re.sub(r"[(\[].*?[)\]]", " ", text.lower())
    text = text.replace("ß", "ss")
    for umlaut, plain in (("ä", "ae"), ("ö", "oe"), ("ü", "ue")):
        text = text.replace(umlaut, plain)
    text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return " ".join(re.sub(r"[^a-z0-9]+", " ", text).split())


def headings(table: Table, head: int) -> list[str]:
    """The headings of a table by its columns; what has none is called by its letter."""
    cells = table.rows[head][1] if head < len(table.rows) else []
    found: list[str] = []
    for n, cell in enumerate(cells):
        name = " ".join(shown(cell).split()) or letter(n)
        found.append(name if name not in found else f"{name} {letter(n)}")
    return found


def recognise(tables: Sequence[Table], remembered: Mapped | None = None) -> Mapped:
    """Say which table and column is which: as it was corrected before, else by the names."""
    found: Mapped = {}
    free = [table for table in tables if table.rows]
    for sheet in SHEETS:
        before = (remembered or {}).get(sheet.name)
        table = next((t for t in free if before and t.name == before.table), None)
        if before is not None and table is not None:
            names = headings(table, before.head)
            if set(before.columns.values()) <= set(names):
                found[sheet.name] = before
                free.remove(table)
    candidates = sorted(
        (
            (_likeness(sheet, table), -n, sheet, table)
            for n, sheet in enumerate(SHEETS)
            if sheet.name not in found
            for table in free
        ),
        key=lambda each: each[:2],
        reverse=True,
    )
    for likeness, _n, sheet, table in candidates:
        if likeness > 0 and sheet.name not in found and table in free:
            found[sheet.name] = match(sheet, table)
            free.remove(table)
    return found


def match(sheet: Sheet, table: Table, head: int | None = None) -> Match:
    """How one table reads as one sheet of ours, by its headings and what stands below them."""
    head = _head(sheet, table) if head is None else head
    names = headings(table, head)
    columns: dict[str, str] = {}
    # A column's first name is the surest, so it is tried for all of them before the second.
    for turn in range(max(len(column.names) for column in sheet.columns)):
        for column in sheet.columns:
            if column.name in columns or turn >= len(column.names):
                continue
            wanted = folded(column.names[turn])
            for name in names:
                if name not in columns.values() and folded(name) == wanted:
                    columns[column.name] = name
                    break
    result = Match(table.name, head, columns)
    guess_formats(sheet, table, result)
    return result


def _likeness(sheet: Sheet, table: Table) -> float:
    """How sure it is that a table is this sheet; 0 where a column that it must have is missing."""
    named = folded(table.name.rpartition(".")[0] or table.name) in map(folded, sheet.names)
    found = match(sheet, table).columns
    missing = [column for column in sheet.columns if column.required and column.name not in found]
    if missing and not (named and found):
        return 0
    return len(found) / len(sheet.columns) + len(found) / 100 + 2 * named - len(missing)


def _head(sheet: Sheet, table: Table) -> int:
    """The row among the first whose cells are most often names of this sheet's columns."""
    names = {folded(name) for column in sheet.columns for name in column.names}

    def known(n: int) -> int:
        return sum(folded(shown(cell)) in names for cell in table.rows[n][1])

    return max(range(min(HEAD_WITHIN, len(table.rows))), key=lambda n: (known(n), -n), default=0)


def column_values(table: Table, found: Match, name: str) -> Iterable[Raw]:
    """What stands below one heading."""
    place = {heading: n for n, heading in enumerate(headings(table, found.head))}
    n = place.get(found.columns.get(name, ""), -1)
    return (cells[n] for _row, cells in table.rows[found.head + 1 :] if 0 <= n < len(cells))


def guess_formats(sheet: Sheet, table: Table, found: Match) -> None:
    """Read decimals, dates and hours as most of the cells suggest; the user may say otherwise."""
    commas = points = 0
    day_first = month_first = year_first = 0
    for column in sheet.columns:
        if column.name not in found.columns:
            continue
        if column.kind is Kind.TIME:
            found.times[column.name] = _unit_of(found.columns[column.name])
        for value in column_values(table, found, column.name):
            if not isinstance(value, str):
                continue
            if column.kind is Kind.DATE:
                parts = re.findall(r"\d+", value)[:3]
                if len(parts) == 3 and len(parts[0]) == 4:
                    year_first += 1
                elif len(parts) == 3:
                    day_first += int(parts[0][:4]) > 12 or "." in value
                    month_first += int(parts[1][:4]) > 12
            elif column.kind is not Kind.TEXT:
                mark = re.fullmatch(r"[^.,]*(?:[.,]\d{3})*([.,])\d*[^.,]*", value)
                last = value[value.rfind(mark[1]) + 1 :] if mark else ""
                # 1.234 alone may be either; everything else says which mark it is.
                if mark and (len(last.strip()) != 3 or ("," in value and "." in value)):
                    commas += mark[1] == ","
                    points += mark[1] == "."
    found.decimal = "," if commas > points else "."
    most = max(day_first, month_first, year_first)
    if most:
        found.date = "YMD" if year_first == most else "MDY" if month_first > day_first else "DMY"


def _unit_of(heading: str) -> str:
    """The unit that a heading of times names; minutes where it names none."""
    words = set(re.findall(r"[a-z]+", heading.lower()))
    return next((unit for unit, names in _UNITS.items() if names & words), "min")


def left_out(table: Table, found: Match) -> list[str]:
    """The headings that nothing of ours takes."""
    used = set(found.columns.values())
    return [name for name in headings(table, found.head) if name not in used]
