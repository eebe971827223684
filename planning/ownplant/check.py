"""The dry run: every cell against what it should be, every reference, and how healthy it is.

Pure: it reads tables and writes nothing. What is wrong is a problem with its cell; what can be
taken but looks odd is a finding with what can be done about all of it at once.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from statistics import median
from typing import Any

from django.utils.translation import gettext as _

from planning.ownplant import columns as known
from planning.ownplant.columns import SHEETS, Mapped, Match, Sheet, headings
from planning.ownplant.sheets import Problem, Raw, Table, letter, shown
from planning.ownplant.values import Wrong, local, plain, value_of

LONG_S = 200 * 3600
ASLEEP = timedelta(days=90)
MOST_ALIKE = 99
LONGEST_CODE = 40
MOST_ROWS = 2_000  # of one list that a page shows; the counts are of all


@dataclass(slots=True)
class Row:
    """One row of a sheet in the one form in which it is kept: texts, "" for nothing."""

    sheet: str
    row: int
    values: dict[str, str]
    wrong: bool = False

    def get(self, name: str) -> str:
        return self.values.get(name, "")

    def number(self, name: str) -> Decimal:
        return Decimal(self.get(name) or 0)

    @property
    def key(self) -> tuple[str, ...]:
        return tuple(self.get(name) for name in known.BY_NAME[self.sheet].key)


@dataclass(slots=True)
class Finding:
    """Rows that can be taken but look odd, and what can be done about all of them at once."""

    kind: str
    title: str
    why: str
    rows: list[tuple[str, int, str]]  # sheet, row, what it says
    fixes: list[tuple[str, str]]
    chosen: str = ""
    blocking: bool = False

    @property
    def open(self) -> bool:
        return self.blocking and not self.chosen and bool(self.rows)


@dataclass(slots=True)
class Checked:
    """What a dry run says. `rows` is what an import would store."""

    rows: dict[str, list[Row]]
    problems: list[Problem]
    findings: list[Finding]
    set_aside: int = 0
    missing: list[str] = field(default_factory=list)

    @property
    def ready(self) -> bool:
        return not (self.problems or self.missing or any(each.open for each in self.findings))

    def counts(self) -> dict[str, int]:
        return {sheet.name: len(self.rows.get(sheet.name, ())) for sheet in SHEETS}


def check(
    tables: Sequence[Table],
    mapped: Mapped,
    *,
    now: datetime,
    fixes: Mapping[str, str] | None = None,
    set_aside: bool = False,
) -> Checked:
    """Try an import and say what would come of it; nothing is written.

    now         the plant's wall time, without a zone, as the sheets' dates are
    fixes       finding -> what was chosen to be done about it
    set_aside   leave out every row with a problem, and what hangs on it
    """
    run = _Check(tables, mapped, now, dict(fixes or {}), set_aside)
    return run.run()


class _Check:
    def __init__(
        self,
        tables: Sequence[Table],
        mapped: Mapped,
        now: datetime,
        fixes: dict[str, str],
        set_aside: bool,
    ) -> None:
        self.tables = {table.name: table for table in tables}
        self.mapped = mapped
        self.now = now
        self.fixes = fixes
        self.aside = set_aside
        self.rows: dict[str, list[Row]] = {sheet.name: [] for sheet in SHEETS}
        self.problems: list[Problem] = []
        self.findings: list[Finding] = []
        self.left_out = 0
        # What lost an operation that was set aside: its plan promises too much.
        self.shortened: set[str] = set()

    def run(self) -> Checked:
        missing = []
        for sheet in SHEETS:
            found = self.mapped.get(sheet.name)
            table = self.tables.get(found.table) if found else None
            if found is None or table is None:
                if sheet.level == 1:
                    missing.append(sheet.names[0])
                continue
            for column in sheet.columns:
                if column.required and column.name not in found.columns:
                    missing.append(f"{sheet.names[0]}: {column.names[0]}")
            self._read(sheet, table, found)
        if not missing:
            self._duplicates()
            self._units()
            self._without_machine()
            self._settle_references()
            self._odd_times()
            self._odd_orders()
            missing = [
                _("%(sheet)s: a row") % {"sheet": sheet.names[0]}
                for sheet in SHEETS
                if sheet.level == 1 and not self.rows[sheet.name]
            ]
        return Checked(self.rows, self.problems, self.findings, self.left_out, missing)

    # -- cells -----------------------------------------------------------------------------------

    def _read(self, sheet: Sheet, table: Table, found: Match) -> None:
        place = {name: n for n, name in enumerate(headings(table, found.head))}
        taken = [
            (column, place[found.columns[column.name]], found.columns[column.name])
            for column in sheet.columns
            if found.columns.get(column.name) in place
        ]
        first = table.rows[found.head][0] if table.rows else 0
        names = {letter(n): heading for _column, n, heading in taken}
        said = [
            each._replace(column=names[each.column])
            for each in table.problems
            if each.row > first and each.column in names
        ]
        self.problems += said
        broken = {each.row for each in said}
        for number, cells in table.rows[found.head + 1 :]:
            row = Row(sheet.name, number, {}, wrong=number in broken)
            for column, n, heading in taken:
                raw: Raw = cells[n] if n < len(cells) else None
                try:
                    text = value_of(column, raw, found)
                except Wrong as wrong:
                    self._say(row, heading, shown(raw), wrong.wrong, wrong.todo)
                    continue
                if text:
                    row.values[column.name] = text
                elif column.required and number not in broken:
                    self._say(row, heading, "", _("is empty"), _("Fill it in."))
            self.rows[sheet.name].append(row)

    def _say(self, row: Row, heading: str, value: str, wrong: str, todo: str) -> None:
        row.wrong = True
        name = self.mapped[row.sheet].table
        self.problems.append(Problem(name, row.row, heading, value, wrong, todo))

    def _refers(self, row: Row, column: str, wrong: str, todo: str) -> None:
        heading = self.mapped[row.sheet].columns.get(column, column)
        self._say(row, heading, row.get(column), wrong, todo)

    # -- references ------------------------------------------------------------------------------

    def _settle_references(self) -> None:
        """Check what names what; where rows are set aside, until nothing hangs in the air."""
        self._put_aside()
        while True:
            before = len(self.problems)
            self._references()
            if not self.aside or len(self.problems) == before:
                return
            self._put_aside()

    def _put_aside(self) -> None:
        if not self.aside:
            return
        for name, rows in self.rows.items():
            kept = [row for row in rows if not row.wrong]
            if name == "operations":
                self.shortened |= {row.get("order") for row in rows if row.wrong}
            self.left_out += len(rows) - len(kept)
            self.rows[name] = kept
        self.problems = []

    def _references(self) -> None:
        machines = {row.get("code") for row in self.rows["machines"]}
        groups = {row.get("group") for row in self.rows["machines"]} - {""}
        orders = {row.get("no") for row in self.rows["orders"]}
        items = {row.get("item") for row in self.rows["orders"]}
        self._machine_codes(machines)
        for row in self.rows["operations"]:
            what, on = row.get("order"), row.get("machine")
            if what and what not in orders | items:
                self._refers(
                    row,
                    "order",
                    _("is no order and no item of the orders"),
                    _("Correct it, or add the order."),
                )
            if on and on not in machines | groups:
                self._refers(
                    row,
                    "machine",
                    _("is no machine and no group"),
                    _("Correct it, or add the machine."),
                )
        for row in self.rows["components"]:
            if row.get("item") and row.get("item") not in items | orders:
                self._refers(
                    row,
                    "item",
                    _("is made by no order"),
                    _("Correct it, or leave the row out."),
                )
            elif row.get("item") and row.get("item") == row.get("component"):
                self._refers(
                    row, "component", _("is its own component"), _("Name another component.")
                )
        for row in self.rows["rates"]:
            if row.get("machine") and row.get("machine") not in machines | groups:
                self._refers(
                    row,
                    "machine",
                    _("is no machine and no group"),
                    _("Correct it, or leave it empty for all machines."),
                )

    def _machine_codes(self, codes: set[str]) -> None:
        """A row that stands for several machines gives each a code of its own."""
        for row in self.rows["machines"]:
            count = int(row.get("count") or 1)
            last = f"{row.get('code')}-{count}"
            if count > MOST_ALIKE or (count > 1 and len(last) > LONGEST_CODE):
                self._refers(
                    row,
                    "count",
                    _("is more machines than one row may stand for"),
                    _("At most %(n)s; write a row for each.") % {"n": MOST_ALIKE},
                )
            elif count > 1 and codes & {f"{row.get('code')}-{n}" for n in range(1, count + 1)}:
                self._refers(
                    row,
                    "code",
                    _("gives a machine the code of another row"),
                    _("Call one of the two otherwise."),
                )

    # -- findings --------------------------------------------------------------------------------

    def _find(
        self,
        kind: str,
        title: str,
        why: str,
        rows: Iterable[Row],
        fixes: list[tuple[str, str]],
        *,
        blocking: bool = False,
        says: Callable[[Row], str] | None = None,
    ) -> str:
        """Note a finding if there are such rows; returns what was chosen to be done about it."""
        rows = list(rows)
        chosen = self.fixes.get(kind, "")
        if chosen not in {value for value, _label in fixes}:
            chosen = ""
        if rows:
            says = says or _says
            self.findings.append(
                Finding(
                    kind,
                    title,
                    why,
                    [
                        (self.mapped[row.sheet].table, row.row, says(row))
                        for row in rows[:MOST_ROWS]
                    ],
                    fixes,
                    chosen,
                    blocking,
                )
            )  # fmt: skip
        return chosen

    def _leave(self, rows: Iterable[Row]) -> None:
        gone = {id(row) for row in rows}
        for name, each in self.rows.items():
            self.rows[name] = [row for row in each if id(row) not in gone]
        self.left_out += len(gone)

    def _duplicates(self) -> None:
        again: list[Row] = []
        earlier: list[Row] = []
        for sheet in SHEETS:
            seen: dict[tuple[str, ...], Row] = {}
            for row in self.rows[sheet.name]:
                if sheet.name == "stock" and not row.get("lot"):
                    continue  # two rows of an item without a lot are two lots
                if sheet.name == "purchases" and not row.get("line"):
                    continue  # the lines of an order without numbers count themselves
                if row.wrong or not any(row.key):
                    continue
                if row.key in seen:
                    again.append(row)
                    earlier.append(seen[row.key])
                seen[row.key] = row
        chosen = self._find(
            "duplicate",
            _("There twice"),
            _("Two rows say the same order, machine or operation; only one can be meant."),
            again,
            [("first", _("Keep the first")), ("last", _("Keep the last"))],
            blocking=True,
        )
        if chosen:
            self._leave(again if chosen == "first" else earlier)

    def _units(self) -> None:
        units: dict[str, Counter[str]] = defaultdict(Counter)
        first: dict[str, str] = {}
        having: dict[str, list[Row]] = defaultdict(list)
        for sheet, item in (
            ("orders", "item"), ("components", "component"), ("stock", "item"),
            ("purchases", "item"),
        ):  # fmt: skip
            for row in self.rows[sheet]:
                if row.get(item) and row.get("unit"):
                    units[row.get(item)][row.get("unit").lower()] += 1
                    first.setdefault(row.get(item), row.get("unit"))
                    having[row.get(item)].append(row)
        two = {item for item, found in units.items() if len(found) > 1}
        chosen = self._find(
            "two_units",
            _("Items in two units"),
            _("Pieces and metres of one item can't be added up."),
            (row for item in sorted(two) for row in having[item]),
            [("first", _("Take the first unit for all")), ("leave", _("Leave the others out"))],
            blocking=True,
        )
        if not chosen:
            return
        others = [
            row
            for item in two
            for row in having[item]
            if row.get("unit").lower() != first[item].lower()
        ]
        if chosen == "leave":
            self._leave(others)
        for row in others:
            row.values["unit"] = first[row.get("component") or row.get("item")]

    def _without_machine(self) -> None:
        rows = [row for row in self.rows["operations"] if not row.get("machine") and not row.wrong]
        groups = {row.get("group") for row in self.rows["machines"]} - {""}
        places = sorted(groups | {row.get("code") for row in self.rows["machines"]} - {""})
        chosen = self._find(
            "no_machine",
            _("Operations without a machine"),
            _("Nobody knows where they run, so they can't be planned."),
            rows,
            [("leave", _("Leave them out"))]
            + [(f"to:{place}", _("Put them on %(place)s") % {"place": place}) for place in places],
            blocking=True,
        )
        if chosen == "leave":
            self._leave(rows)
        elif chosen:
            for row in rows:
                row.values["machine"] = chosen.removeprefix("to:")

    def _odd_times(self) -> None:
        operations = [row for row in self.rows["operations"] if not row.wrong]
        zero = [row for row in operations if not row.number("run") and not row.number("setup")]
        usual = [row.number("run") for row in operations if row.number("run")]
        middle = plain(median(usual).quantize(Decimal("0.01"))) if usual else "60"
        chosen = self._find(
            "zero_time",
            _("Times of 0"),
            _("They take no time in the plan, so it promises too much."),
            zero,
            [
                ("keep", _("Keep 0")),
                ("median", _("Take the usual time, %(s)s s a piece") % {"s": middle}),
                ("leave", _("Leave them out")),
            ],
        )
        if chosen == "median":
            for row in zero:
                row.values["run"] = middle
        elif chosen == "leave":
            self._leave(zero)
        quantity: dict[str, Decimal] = {}
        for row in self.rows["orders"]:
            for name in (row.get("no"), row.get("item")):
                quantity[name] = max(quantity.get(name, Decimal(0)), row.number("qty"))
        long = [
            row
            for row in operations
            if row.number("setup") + row.number("run") * quantity.get(row.get("order"), Decimal(1))
            > LONG_S
        ]
        chosen = self._find(
            "long_time",
            _("Over 200 hours"),
            _("Often seconds that stand in a column of minutes, or the time of the whole order."),
            long,
            [
                ("keep", _("Keep them")),
                ("sixty", _("They are a sixtieth of that")),
                ("leave", _("Leave them out")),
            ],
        )
        if chosen == "sixty":
            for row in long:
                for name in ("run", "setup"):
                    if row.get(name):
                        row.values[name] = plain(
                            (row.number(name) / 60).quantize(Decimal("0.000001"))
                        )
        elif chosen == "leave":
            self._leave(long)

    def _odd_orders(self) -> None:
        orders = [row for row in self.rows["orders"] if not row.wrong and row.get("due")]
        late = [row for row in orders if local(row.get("due")) < self.now]
        asleep = [
            row
            for row in late
            if local(row.get("due")) < self.now - ASLEEP and not row.number("done")
        ]
        choices = [("keep", _("Keep them")), ("leave", _("Leave them out"))]
        chosen = self._find(
            "asleep",
            _("Asleep"),
            _("Due more than 90 days ago and nothing is done: often nobody wants them any more."),
            asleep,
            choices,
        )
        if chosen == "leave":
            self._leave_orders(asleep)
        slept = {id(row) for row in asleep}
        late = [row for row in late if id(row) not in slept]
        chosen = self._find(
            "past_due",
            _("Due before today"),
            _("They are late in every plan. Kept, they are the known backlog."),
            late,
            choices,
        )
        if chosen == "leave":
            self._leave_orders(late)
        short = [
            row
            for row in self.rows["orders"]
            if row.get("no") in self.shortened or row.get("item") in self.shortened
        ]
        chosen = self._find(
            "shortened",
            _("Orders that lack an operation"),
            _("One of their operations is set aside, so their plan promises too much."),
            short,
            choices,
        )
        if chosen == "leave":
            self._leave_orders(short)
        made = {row.get("order") for row in self.rows["operations"]}
        bare = [
            row
            for row in self.rows["orders"]
            if not row.wrong and row.get("no") not in made and row.get("item") not in made
        ]
        chosen = self._find(
            "no_operations",
            _("Orders without operations"),
            _("They need no machine, so they are thought to be ready when they are due."),
            bare,
            choices,
        )
        if chosen == "leave":
            self._leave_orders(bare)

    def _leave_orders(self, orders: list[Row]) -> None:
        """Leave orders out, with the operations that are theirs alone."""
        gone = {row.get("no") for row in orders}
        self._leave(orders)
        items = {row.get("item") for row in self.rows["orders"]}
        named = gone | {row.get("item") for row in orders} - items
        for name, column in (("operations", "order"), ("components", "item")):
            self._leave([row for row in self.rows[name] if row.get(column) in named - items])


def _says(row: Row) -> str:
    sheet = known.BY_NAME[row.sheet]
    parts = (row.get(column.name) for column in sheet.columns)
    return " · ".join(part for part in parts if part)[:120]


def as_content(rows: Mapping[str, list[Row]]) -> dict[str, list[dict[str, str]]]:
    """The rows as an import keeps them, for the next file to be compared with."""
    return {name: [row.values for row in each] for name, each in rows.items()}


@dataclass(slots=True)
class Difference:
    """What a file says otherwise than the one before, by key."""

    new: list[tuple[str, str]] = field(default_factory=list)
    changed: list[tuple[str, str, str, str, str]] = field(default_factory=list)
    gone: list[tuple[str, str]] = field(default_factory=list)

    @property
    def count(self) -> int:
        return len(self.new) + len(self.changed) + len(self.gone)

    def as_json(self) -> dict[str, Any]:
        return {"new": self.new, "changed": self.changed, "gone": self.gone}


def compare(
    before: Mapping[str, list[dict[str, str]]], after: Mapping[str, list[dict[str, str]]]
) -> Difference:
    """What is new, changed (column by column) and gone between two contents."""
    found = Difference()
    for sheet in SHEETS:
        old, new = by_key(sheet, before), by_key(sheet, after)
        for key, values in new.items():
            if key not in old:
                found.new.append((sheet.name, key))
                continue
            for column in sheet.columns:
                was, becomes = old[key].get(column.name, ""), values.get(column.name, "")
                if was != becomes:
                    found.changed.append((sheet.name, key, column.name, was, becomes))
        found.gone += [(sheet.name, key) for key in old if key not in new]
    return found


def by_key(sheet: Sheet, content: Mapping[str, list[dict[str, str]]]) -> dict[str, dict[str, str]]:
    """The rows of a sheet by what tells them apart."""
    found: dict[str, dict[str, str]] = {}
    for values in content.get(sheet.name, ()):
        name = " / ".join(values.get(part, "") for part in sheet.key if values.get(part))
        key, n = name, 1
        while key in found:  # rows that have no key of their own are told apart by their order
            n += 1
            key = f"{name} #{n}"
        found[key] = values
    return found
