"""What came of decisions: the deliveries that each was taken for, beside what was predicted.

A line that has shipped is final; another stands as it is projected now.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from materials.models import CustomerLine
from mes.models import Site
from planning import rules, words
from planning.models import Decision, Instants, PlanVersion


@dataclass(frozen=True, slots=True)
class LineOutcome:
    """One delivery: due, predicted, and what came (None: no date, or cancelled)."""

    line_id: int
    code: str
    customer: str
    due: datetime | None
    predicted: datetime | None
    predicted_late_s: int
    came: datetime | None
    late_s: int | None
    is_final: bool
    is_cancelled: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """All deliveries of one decision together."""

    lines: list[LineOutcome]

    @property
    def counted(self) -> list[LineOutcome]:
        return [line for line in self.lines if not line.is_cancelled]

    @property
    def of(self) -> int:
        return len(self.counted)

    @property
    def predicted_on_time(self) -> int:
        return sum(line.predicted_late_s <= 0 for line in self.counted)

    @property
    def on_time(self) -> int:
        return sum(line.late_s is not None and line.late_s <= 0 for line in self.counted)

    @property
    def predicted_days(self) -> int:
        return sum(rules.days_begun(line.predicted_late_s) for line in self.counted)

    @property
    def days(self) -> int:
        return sum(rules.days_begun(line.late_s or 0) for line in self.counted)

    @property
    def is_final(self) -> bool:
        return all(line.is_final for line in self.counted)


def outcomes(site: Site, decisions: Iterable[Decision], *, of: str = "lines") -> dict[int, Outcome]:
    """What came of each decision, by its id; a fixed number of queries for any number.

    of  which prediction it is laid beside: of the decision, or "without" it
    """
    decisions = list(decisions)
    wanted = {hit["line_id"] for each in decisions for hit in each.predicted.get(of, ())}
    lines = CustomerLine.objects.select_related("order__customer").in_bulk(wanted)
    version = PlanVersion.objects.current(site)
    times = version.line_times_by_id() if version and version.line_times else {}
    return {
        each.pk: Outcome(
            [
                _of_line(hit, lines[hit["line_id"]], times)
                for hit in each.predicted.get(of, ())
                if hit["line_id"] in lines
            ]
        )
        for each in decisions
    }


def _of_line(
    hit: Mapping[str, Any], line: CustomerLine, times: Mapping[int, Instants]
) -> LineOutcome:
    predicted = words.instant(hit["after"])
    late_s = int(hit["late_s"])
    due = predicted - timedelta(seconds=late_s) if predicted else words.instant(hit["promised"])
    came = _came(line, times)
    return LineOutcome(
        line_id=line.pk,
        code=f"{line.order.code}/{line.number}",
        customer=line.order.customer.name,
        due=due,
        predicted=predicted,
        # Without a date it is late for ever; as such it counts as not on time.
        predicted_late_s=late_s if predicted else max(1, late_s),
        came=came,
        late_s=int((came - due).total_seconds()) if came and due else None,
        is_final=line.shipped_at is not None,
        is_cancelled=line.cancelled_at is not None,
    )


def _came(line: CustomerLine, times: Mapping[int, Instants]) -> datetime | None:
    """When it shipped or arrived, on the customer's basis; if it has not, its projection."""
    return came_at(line) or words.delivery(line, times.get(line.pk))


def came_at(line: CustomerLine) -> datetime | None:
    """When it shipped or arrived, on the customer's basis; None as long as it has not."""
    if line.shipped_at is None:
        return None
    if line.order.customer.basis == "ARRIVE":
        return line.shipped_at + timedelta(seconds=line.order.customer.transit_s)
    return line.shipped_at


@dataclass(slots=True)
class PaidOff:
    """The decisions of one kind together."""

    kind: str
    count: int = 0
    final: int = 0
    saves: Decimal = Decimal(0)
    of: int = 0
    predicted_on_time: int = 0
    on_time: int = 0
    predicted_days: int = 0
    days: int = 0


def paid_off(decisions: Iterable[Decision], came: Mapping[int, Outcome]) -> list[PaidOff]:
    """Which kinds of answers kept what they promised; taken back or only noted counts not."""
    found: dict[str, PaidOff] = {}
    for each in decisions:
        if each.shadow or getattr(each, "undone_by", None) is not None:
            continue
        row, outcome = found.setdefault(each.kind, PaidOff(each.kind)), came[each.pk]
        row.count += 1
        row.final += outcome.is_final
        row.saves += words.amount(each.predicted.get("saves")) or Decimal(0)
        row.of += outcome.of
        row.predicted_on_time += outcome.predicted_on_time
        row.on_time += outcome.on_time
        row.predicted_days += outcome.predicted_days
        row.days += outcome.days
    return sorted(found.values(), key=lambda row: (-row.count, row.kind))
