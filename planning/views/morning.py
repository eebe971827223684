"""The manager's morning: what happened in a day, how it was answered, and what is still open."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from statistics import median
from typing import Any

from django.db.models import Q
from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from materials.models import CustomerLine
from mes.access import PlantRequest, access, may
from mes.clock import plant_now
from mes.htmx import render_page
from mes.models import Site
from mes.templatetags.downstream import duration
from planning import rules, words
from planning.models import Decision, Disruption, PlanVersion
from planning.views.calls import response_times
from planning.views.steps import steps_of
from planning.views.tower import decision_row
from workorders.models import AndonCall

DAY = timedelta(hours=24)
RISKS = 5
WAITING = ("NEW", "OPEN", "SNOOZED")


@access("morning.read")
@require_GET
def morning(request: PlantRequest) -> HttpResponse:
    """The last 24 hours on one screen; it prints on one page."""
    site, now = request.site, plant_now(request.site)
    money = may(request.actor, "money.read")
    since = now - DAY
    decided = _decided(request, since, money)
    kinds = _kinds(site, since, money)
    waits = _waits(site, now, money)
    late = _late(site, money)
    calls = list(AndonCall.objects.filter(site=site, ended_at__gte=since))
    context = {
        "since": since,
        "now": now,
        "kinds": kinds,
        "decided": decided,
        "waits": waits,
        "late": late,
        "shipped": _shipped(site, since),
        "calls": response_times(calls),
        "kpis": _kpis(site, kinds, decided, waits, late, money),
    }
    return render_page(request, "planning/morning.html", context, parts=("morning",))


def _kpis(
    site: Site,
    kinds: Mapping[str, Any],
    decided: Mapping[str, Any],
    waits: Mapping[str, Any],
    late: Mapping[str, Any],
    money: bool,
) -> list[dict[str, Any]]:
    took = decided["median_s"]
    return [
        {
            "label": _("Disruptions"),
            "value": kinds["total"]["opened"],
            "note": _("%(n)s over by themselves") % {"n": kinds["total"]["over"]},
            "testid": "opened",
        },
        {
            "label": _("Decided"),
            "value": decided["count"],
            "note": _("saves %(money)s by prediction")
            % {"money": words.whole_money(decided["saving"], site)}
            if money
            else _("%(n)s undone") % {"n": decided["undone"]},
            "url": reverse("planning:decisions"),
            "testid": "decided",
        },
        {
            "label": _("Half decided within"),
            "value": duration(took) if took is not None else "–",
            "note": _("from happened to decided"),
            "testid": "time-to-decide",
        },
        {
            "label": _("Waits"),
            "value": len(waits["rows"]),
            "note": _("%(n)s not looked at") % {"n": waits["unseen"]},
            "level": 2 if waits["unseen"] else None,
            "url": reverse("planning:tower"),
            "testid": "waits",
        },
        {
            "label": _("Late lines"),
            "value": late["count"],
            "unit": _("of %(n)s") % {"n": late["of"]},
            "note": words.whole_money(late["total"], site) if money else "",
            "level": 2 if late["count"] else None,
            "url": reverse("materials:deliveries") + "?view=late",
            "testid": "late",
        },
    ]


def _kinds(site: Site, since: datetime, money: bool) -> dict[str, Any]:
    """Disruptions that began in the day, by kind: how many were decided, ended, or wait."""
    labels = {
        "BREAKDOWN": _("Breakdown"),
        "SLOW": _("Machine slow"),
        "TOOL": _("Tool lost"),
        "CLOSURE": _("Area or shift out"),
        "ABSENCE": _("Person absent"),
        "HOLD": _("Quality hold"),
        "SCRAP": _("Scrap"),
        "SLIP": _("Work falls behind"),
        "SHORTAGE": _("Shortage"),
        "SUPPLY": _("Supply"),
        "DEMAND": _("Demand"),
    }
    found: dict[str, dict[str, Any]] = {}
    total: dict[str, Any] = dict.fromkeys(("opened", "decided", "over", "waits"), 0)
    total["stake"] = Decimal(0)
    opened = Disruption.objects.filter(site=site, opened_at__gte=since).exclude(kind="BACKLOG")
    answered = set(
        Decision.objects.filter(site=site, undo_of=None, undone_by=None, disruption__in=opened)
        .values_list("disruption", flat=True)
        .distinct()
    )
    for each in opened.order_by("kind"):
        row = found.setdefault(
            each.kind,
            {
                "label": labels.get(each.kind) or each.kind.replace("_", " ").capitalize(),
                **dict.fromkeys(("opened", "decided", "over", "waits"), 0),
                "stake": Decimal(0),
            },
        )
        became = "decided" if each.pk in answered else "over" if each.state == "CLOSED" else "waits"
        for part in (row, total):
            part["opened"] += 1
            part[became] += 1
            part["stake"] += each.at_stake if each.state != "CLOSED" else 0
    rows = sorted(found.values(), key=lambda row: (-row["stake"], -row["opened"]))
    for row in (*rows, total):
        row["stake"] = row["stake"] if money else None
    return {"rows": rows, "total": total}


def _decided(request: PlantRequest, since: datetime, money: bool) -> dict[str, Any]:
    """The day's part of the decision log, each with how long it took from step to step."""
    log = list(
        Decision.objects.filter(site=request.site, at__gte=since, undo_of=None)
        .select_related("person", "on_behalf_of", "rule", "disruption", "undone_by__person")
        .prefetch_related("consents")
        .order_by("-at", "-pk")
    )
    stamps = steps_of(request.site, log)
    rows = []
    for each in log:
        row, stamp = decision_row(request, each, money), stamps[each.pk]
        row["stamps"], row["steps"] = stamp, stamp.took
        row["happened"], row["open_tasks"] = stamp.saved, stamp.open
        rows.append(row)
    standing = [row for row in rows if not row["undone"]]
    took = [row["steps"].decided_s for row in standing if row["steps"].decided_s is not None]
    savings = (row["saving"] for row in standing if row["saving"] is not None)
    return {
        "rows": rows,
        "count": len(standing),
        "undone": len(rows) - len(standing),
        "saving": sum(savings, Decimal(0)),
        "median_s": int(median(took)) if took else None,
    }


def _waits(site: Site, now: datetime, money: bool) -> dict[str, Any]:
    open_ones = list(
        Disruption.objects.standing(site.pk)
        .filter(state__in=WAITING)
        .exclude(kind="BACKLOG")
        .select_related("owner")
        .order_by("priority", "-at_stake", "number")
    )
    rows = []
    for each in open_ones:
        best = each.options.offered_answers().first()
        rows.append(
            {
                "title": words.title(each),
                "url": reverse("planning:disruption", args=[each.pk]),
                "level": each.priority,
                "state": words.state_label(words.state(each)),
                "since": each.opened_at,
                "owner": each.owner.name if each.owner else "",
                "stake": each.at_stake if money else None,
                "best": words.option_name(best) if best else "",
                "decide_by": best.decide_by if best else None,
            }
        )
    return {
        "rows": rows,
        "unseen": sum(each.state == "NEW" for each in open_ones),
        # Not the plant's total: what one costs may be part of what another does.
        "stake": sum((each.at_stake for each in open_ones), Decimal(0)) if money else None,
    }


def _late(site: Site, money: bool) -> dict[str, Any]:
    """Every line that is projected late and what that costs; the five that cost most by name."""
    version = PlanVersion.objects.current(site)
    figures: Mapping[str, Any] = version.figures if version else {}
    standing: Mapping[str, list[int]] = figures.get("standing") or {}
    late = sorted(
        ((int(line), row) for line, row in standing.items() if row[0] > 0),
        key=lambda pair: (-(pair[1][1] + pair[1][2]), -pair[1][0], pair[0]),
    )
    lines = CustomerLine.objects.select_related("order__customer", "item").in_bulk(
        [line for line, _row in late[:RISKS]]
    )
    times = version.line_times_by_id() if version else {}
    rows = []
    for line_id, (late_s, cash, estimate) in late[:RISKS]:
        line = lines.get(line_id)
        if line is None:
            continue
        rows.append(
            {
                "url": reverse("materials:deliveries") + f"?q={line.order.code}",
                "code": line.order.code,
                "customer": line.order.customer.name,
                "item": line.item.code,
                "promised": line.promised_at or line.requested_at,
                "projected": words.delivery(line, times.get(line_id)),
                "late_s": late_s,
                "level": words.line_level(late_s, cash),
                "cost": rules.decimal(cash + estimate) if money else None,
            }
        )
    return {
        "rows": rows,
        "count": len(late),
        "of": figures.get("lines", 0),
        "more": max(0, len(late) - RISKS),
        "rest": rules.decimal(sum(row[1] + row[2] for _line, row in late[RISKS:])),
        "total": rules.decimal(sum(row[1] + row[2] for _line, row in late)),
    }


def _shipped(site: Site, since: datetime) -> dict[str, Any]:
    """Promised and actual: what left the plant in the day, and how much of it in time."""
    lines = list(
        CustomerLine.objects.filter(site=site, shipped_at__gte=since).filter(
            Q(promised_at__isnull=False) | Q(requested_at__isnull=False)
        )
    )
    in_time = sum(
        line.shipped_at is not None and line.shipped_at <= (line.promised_at or line.requested_at)
        for line in lines
    )
    return {"lines": len(lines), "in_time": in_time, "late": len(lines) - in_time}
