"""The buyer's page: which purchases to chase first, and for whom. And what things cost."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple
from urllib.parse import urlencode

from django.db.models import Q
from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET

from equipment.models import CostRate
from materials.models import CustomerLine, PurchaseLine
from mes.access import PlantRequest, access, may
from mes.clock import plant_now
from mes.htmx import render_page
from mes.models import Role
from planning import words
from planning.models import PlanVersion
from planning.ownfields.models import RowOf
from planning.ownfields.values import rows_saying
from planning.served import lines_of_purchases
from planning.views.lists import page_of, tabs
from planning.views.ownfields import columns_context, own_labels
from planning.views.sorting import headings, in_order, own_keys, sort_of

NAMED = 3  # customer lines of a purchase by name; the rest are counted
RATE_WORDS = {
    CostRate.What.OVERTIME_HOUR: gettext_lazy("Overtime, an hour"),
    CostRate.What.OVERTIME_MINIMUM_HOURS: gettext_lazy("Overtime, least hours paid"),
    CostRate.What.UNIT_HOUR: gettext_lazy("Running, an hour"),
    CostRate.What.SETUP_HOUR: gettext_lazy("Set-up, an hour"),
    CostRate.What.CARRYING_PERCENT_YEAR: gettext_lazy("Carrying stock, percent a year"),
    CostRate.What.FREIGHT_FAST: gettext_lazy("Faster freight"),
    CostRate.What.NEW_PROMISE_PERCENT: gettext_lazy("A new date, percent of the old one's cost"),
    CostRate.What.SUBCONTRACT_PIECE: gettext_lazy("Subcontractor, a piece"),
    CostRate.What.SUBCONTRACT_ORDER: gettext_lazy("Subcontractor, a job"),
    CostRate.What.MAKESHIFT: gettext_lazy("A repair for now, besides the full one"),
    CostRate.What.CONCESSION: gettext_lazy("A concession, papers and tests"),
}
NOT_MONEY = {
    CostRate.What.OVERTIME_MINIMUM_HOURS,
    CostRate.What.CARRYING_PERCENT_YEAR,
    CostRate.What.NEW_PROMISE_PERCENT,
}


class _AtStake(NamedTuple):
    """What the plan says hangs on one purchase: lines that are late by it, and their cost."""

    lines: list[int]
    money: Decimal


@access("plan.read")
@require_GET
def purchases(request: PlantRequest) -> HttpResponse:
    """Open purchases; first those that make somebody late, by what that costs."""
    site, now = request.site, plant_now(request.site)
    rows = PurchaseLine.objects.filter(site=site, closed_at=None).select_related("item", "supplier")
    said = request.GET.get("q", "").strip()
    if said:
        rows = rows.filter(
            Q(order_code__icontains=said)
            | Q(supplier__name__icontains=said)
            | Q(item__code__icontains=said)
            | Q(item__name__icontains=said)
            | rows_saying(site, RowOf.PURCHASE_LINE, said)
        )
    found = list(rows)
    stakes = _stakes(PlanVersion.objects.current(site))
    nothing = _AtStake([], Decimal(0))
    wrong = {
        row.pk: _what_is_wrong(row, late=row.expected_at < now)
        for row in found
        if str(row) in stakes
        or row.expected_at < now
        or row.expected_at > row.promised_at
        or row.missing
    }
    view = request.GET.get("view", "chase")
    if view != "all":
        found = [row for row in found if row.pk in wrong]

    def urgency(row: PurchaseLine) -> tuple[Any, ...]:
        stake = stakes.get(str(row), nothing)
        return -stake.money, -len(stake.lines), row.expected_at, row.pk

    found.sort(key=urgency)
    found = in_order(found, sort_of(request), _keys(request, found, stakes))
    found, pages = page_of(request, found)
    own, cells = columns_context(request, RowOf.PURCHASE_LINE, [row.pk for row in found])
    served = lines_of_purchases(site, [row.pk for row in found])
    lines = _lines(
        {line for each in served.values() for line in each}
        | {line for row in found for line in stakes.get(str(row), nothing).lines}
    )
    labels = {
        "purchase": _("Purchase"),
        "supplier": _("Supplier"),
        "item": _("Item"),
        "promised": _("Promised"),
        "expected": _("Expected"),
        "money": _("Late costs"),
    }
    context = {
        **own,
        "heads": headings(request, labels | own_labels(own)),
        "views": tabs(
            request,
            [("chase", _("To chase"), len(wrong)), ("all", _("All open"), None)],
        ),
        "query": said,
        "all": view == "all",
        "rows": [
            _row(
                request,
                row,
                stakes.get(str(row), nothing),
                wrong.get(row.pk, ""),
                [lines[line] for line in sorted(served[row.pk]) if line in lines],
                lines,
            )
            | cells[row.pk]
            for row in found
        ],
        "pages": pages,
    }
    return render_page(request, "materials/purchases.html", context, parts=("purchases",))


def _keys(
    request: PlantRequest, rows: list[PurchaseLine], stakes: Mapping[str, _AtStake]
) -> dict[str, Callable[[PurchaseLine], Any]]:
    """By what the list may be sorted; money only for who may see it."""
    keys: dict[str, Callable[[PurchaseLine], Any]] = {
        "purchase": lambda row: (row.order_code, row.number),
        "supplier": lambda row: row.supplier.name,
        "item": lambda row: row.item.code,
        "promised": lambda row: row.promised_at,
        "expected": lambda row: row.expected_at,
    }
    if may(request.actor, "money.read"):
        keys["money"] = lambda row: stakes[str(row)].money if str(row) in stakes else None
    return keys | own_keys(request.site, RowOf.PURCHASE_LINE, [row.pk for row in rows])


def _stakes(version: PlanVersion | None) -> dict[str, _AtStake]:
    """Purchase -> the late lines whose chain ends at it, and what their lateness costs."""
    if version is None:
        return {}
    standing = version.figures.get("standing") or {}
    lines: dict[str, list[int]] = defaultdict(list)
    money: dict[str, Decimal] = defaultdict(Decimal)
    for line, why in (version.figures.get("why") or {}).items():
        if why["term"] != "SUPPLY" or line not in standing:
            continue
        _late_s, cash, estimate = standing[line]
        lines[why["code"]].append(int(line))
        money[why["code"]] += Decimal(cash + estimate) / 10_000
    return {code: _AtStake(each, money[code]) for code, each in lines.items()}


def _lines(ids: Iterable[int]) -> Mapping[int, CustomerLine]:
    rows = CustomerLine.objects.filter(shipped_at=None, cancelled_at=None)
    return rows.select_related("order__customer").in_bulk(ids)


def _what_is_wrong(row: PurchaseLine, *, late: bool) -> str:
    if late:
        return _("overdue: it was expected, and is not in")
    if row.missing:
        return _("short: the supplier brings less than was ordered")
    if row.expected_at > row.promised_at:
        return _("later than the supplier promised")
    return _("in time as promised, and too late for whoever waits")


def _row(
    request: PlantRequest,
    row: PurchaseLine,
    stake: _AtStake,
    wrong: str,
    waiting: list[CustomerLine],
    lines: Mapping[int, CustomerLine],
) -> dict[str, Any]:
    hurt = [lines[each] for each in stake.lines if each in lines]
    named = hurt or waiting
    late_s = int((row.expected_at - row.promised_at).total_seconds())
    return {
        "code": str(row),
        "supplier": row.supplier.name,
        "item": row.item.code,
        "item_name": row.item.name,
        "open": row.quantity - row.received_quantity,
        "unit": row.item.unit,
        "missing": row.missing,
        "promised": row.promised_at,
        "from": row.expected_from,
        "expected": row.expected_at,
        "source": row.expected_source,
        "said_at": row.said_at,
        "late_s": late_s if late_s > 0 else None,
        "wrong": wrong,
        "level": words.line_level(1, 0) if hurt else None,
        "is_hurt": bool(hurt),
        "lines": [f"{line.order.code}/{line.number} {line.order.customer.name}" for line in named][
            :NAMED
        ],
        "more": max(0, len(named) - NAMED),
        "money": stake.money if stake.lines else None,
        "word_url": _event(request, "purchase", row, "purchase.expect"),
        "receipt_url": _event(request, "receipt", row, "purchase.receive"),
    }


def _event(request: PlantRequest, kind: str, row: PurchaseLine, act: str) -> str:
    if not may(request.actor, act):
        return ""
    return reverse("planning:new_event") + "?" + urlencode({"kind": kind, "line": str(row)})


@access("money.read")
@require_GET
def rates(request: PlantRequest) -> HttpResponse:
    """What options are reckoned with: each rate from when, by whose word; and which is unknown."""
    site, now = request.site, plant_now(request.site)
    known: dict[str, list[CostRate]] = defaultdict(list)
    for rate in (
        CostRate.objects.filter(site=site)
        .select_related("unit")
        .order_by("unit__order", "unit__code", "-valid_from")
    ):
        known[rate.what].append(rate)
    groups = [
        {
            "label": label,
            "is_money": what not in NOT_MONEY,
            "rates": [
                {
                    "unit": rate.unit.code if rate.unit else _("every unit"),
                    "amount": rate.amount,
                    "from": rate.valid_from,
                    "to": rate.valid_to,
                    "state": _state(rate, now),
                    "source": rate.source,
                    "owner": rate.owner,
                }
                for rate in known.get(what, [])
            ],
        }
        for what, label in RATE_WORDS.items()
    ]
    context = {
        "groups": groups,
        "weight": site.default_late_cost_per_day,
        "edit_url": (
            reverse("admin:equipment_costrate_changelist")
            if Role.ADMIN in request.actor.roles
            else ""
        ),
    }
    return render_page(request, "equipment/rates.html", context)


def _state(rate: CostRate, now: datetime) -> str:
    if rate.valid_from > now:
        return _("to come")
    return _("ended") if rate.valid_to is not None and rate.valid_to <= now else _("in force")
