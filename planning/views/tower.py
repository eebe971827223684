"""The control tower: what went wrong, worst first, and what was decided."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Count, Prefetch, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from equipment.models import Downtime, Equipment, Slowdown
from materials.models import CustomerLine
from mes.access import NEEDS, PlantRequest, access, clock_of, may, now_of
from mes.acting import act, number
from mes.actions import set_speed
from mes.htmx import refusal_page, render_page
from mes.models import Site
from planning import actions, demo, words
from planning.models import Decision, Disruption, Escalation, PlanVersion
from planning.shadow.models import in_shadow
from planning.views.calls import waiting_calls
from planning.views.notices import unread_count
from planning.views.tasks import waiting_count
from planning.views.tentative import marks
from workorders.models import JobOrder

PARTS = ("kpis", "inbox", "decided", "risk", "machines")
OPEN_STATES = ("NEW", "OPEN")
RISK_ROWS = 6
AXIS_DAYS = 10
SOON_S = 3600


@access("plan.read")
@require_GET
def tower(request: PlantRequest) -> HttpResponse:
    """The planner's home; each card reads itself again when the stream says it changed."""
    site, now = request.site, now_of(request)
    part = request.htmx.target if request.htmx else ""
    wanted = {part} if part in PARTS else set(PARTS)
    money = may(request.actor, "money.read")
    context: dict[str, Any] = {}
    version = PlanVersion.objects.current(site)
    counts = _counts(request, now) if {"kpis", "inbox"} & wanted else {}
    if "kpis" in wanted:
        context["kpis"] = _kpis(site, version, counts, money)
    if "inbox" in wanted:
        context["inbox"] = _inbox(request, counts, now, money)
    if "risk" in wanted:
        context["deliveries"] = _deliveries(site, version, now)
    if "machines" in wanted:
        context["machines"] = _machines(site, version, now)
    if "decided" in wanted:
        context["decided"] = _decided(request, now, money)
    if wanted == set(PARTS):
        context["demo"] = demo.strip_context(site, clock_of(request).speed)
        context["listens"] = in_shadow(site.pk)
    return render_page(request, "planning/control_tower.html", context, parts=PARTS)


def _tabs(request: PlantRequest, now: datetime) -> dict[str, Q]:
    return {
        "open": Q(state__in=OPEN_STATES),
        "mine": Q(owner_id=request.actor.person_id or 0) & ~Q(state="CLOSED"),
        "watching": Q(state__in=("ACCEPTED", "SNOOZED")),
        "closed": Q(state="CLOSED", closed_at__gte=now - timedelta(hours=24)),
    }


def _counts(request: PlantRequest, now: datetime) -> dict[str, int]:
    """How many disruptions each tab has, and how many nobody looked at."""
    every = _tabs(request, now) | {"new": Q(state="NEW")}
    return _disruptions(request.site).aggregate(
        **{name: Count("pk", filter=which) for name, which in every.items()}
    )


def _disruptions(site: Site) -> QuerySet[Disruption]:
    return Disruption.objects.filter(site=site).exclude(kind=Disruption.Kind.BACKLOG)


def _kpis(
    site: Site, version: PlanVersion | None, counts: Mapping[str, int], money: bool
) -> list[dict[str, Any]]:
    figures: Mapping[str, Any] = version.figures if version else {}
    trend = list(
        PlanVersion.objects.filter(site=site)
        .order_by("-version")
        .values_list("figures", flat=True)[:12]
    )[::-1]

    def line(name: str) -> list[float]:
        return [float(each.get(name) or 0) for each in trend]

    late, lines = figures.get("late_lines", 0), figures.get("lines", 0)
    down, units = figures.get("units_down", 0), figures.get("units", 0)
    kpis: list[dict[str, Any]] = [
        {
            "label": _("Deliveries at risk"),
            "value": late,
            "unit": _("of %(n)s") % {"n": lines},
            "level": 2 if late else None,
            "note": _("projected later than promised"),
            "trend": line("late_lines"),
            "url": reverse("materials:deliveries"),
            "testid": "risk",
        },
        {
            "label": _("Operations running late"),
            "value": figures.get("late_operations", 0),
            "unit": _("of %(n)s") % {"n": figures.get("operations", 0)},
            "note": _("against the committed plan"),
            "trend": line("late_operations"),
            "url": reverse("workorders:list"),
            "testid": "late-operations",
        },
        {
            "label": _("Machines down"),
            "value": down,
            "unit": _("of %(n)s") % {"n": units},
            "level": 1 if down else None,
            "note": ", ".join(
                Downtime.objects.filter(site=site, ended_at=None)
                .order_by("started_at")
                .values_list("unit__code", flat=True)[:3]
            ),
            "trend": line("units_down"),
            "url": reverse("equipment:list"),
            "testid": "down",
        },
        {
            "label": _("Items short"),
            "value": figures.get("short_items", 0),
            "note": _("run out before supply comes"),
            "trend": line("short_items"),
            "testid": "short",
        },
        {
            "label": _("Open disruptions"),
            "value": counts["open"],
            "note": _("%(n)s not looked at") % {"n": counts["new"]},
            "url": reverse("planning:tower"),
            "testid": "open",
        },
    ]
    if money:
        stake = Decimal(str(figures.get("at_stake") or 0))
        kpis.insert(
            0,
            {
                "label": _("Cost if nothing is done"),
                "value": words.whole_money(stake, site),
                "note": _("of everything open, together"),
                "trend": line("at_stake"),
                "testid": "stake",
            },
        )
    return kpis


def _inbox(
    request: PlantRequest, counts: Mapping[str, int], now: datetime, money: bool
) -> dict[str, Any]:
    site, actor = request.site, request.actor
    tabs = _tabs(request, now)
    labels = {
        "open": _("Open"),
        "mine": _("Mine"),
        "watching": _("Watching"),
        "closed": _("Closed"),
    }
    tab = request.GET.get("tab", "open")
    tab = tab if tab in tabs else "open"
    base = reverse("planning:tower")
    shown = (
        _disruptions(site)
        .filter(tabs[tab])
        .select_related("owner")
        .annotate(option_count=Count("options"))
        .order_by("priority", "-at_stake", "number")
    )
    may_handle = may(actor, "disruption.handle")
    waits = marks(site).disruptions
    listed = list(shown[:100])
    passed = passed_on(site, [each.pk for each in listed])
    rows = [
        _inbox_row(each, actor.person_id, may_handle, money)
        | {
            "tentative": waits.get(each.pk, ""),
            "came_back": words.came_back(each),
            "decide_by": decide_by(each, now, passed.get(each.pk, "")),
        }
        for each in listed
    ]
    return {
        "tabs": [
            {
                "key": key,
                "label": labels[key],
                "count": counts[key],
                "url": base if key == "open" else f"{base}?tab={key}",
            }
            for key in tabs
        ],
        "tab": tab,
        "rows": rows,
        "computing": any(row["computing"] for row in rows),
        "backlog": _backlog(site) if tab == "open" else None,
        "empty": {
            "says": _("No open disruption.") if tab == "open" else _("Nothing here."),
            "then": _("Whatever goes wrong on the floor appears here within a second."),
        },
    }


def _inbox_row(
    each: Disruption, person_id: int | None, may_handle: bool, money: bool
) -> dict[str, Any]:
    summary = each.summary
    state = words.state(each)
    best = summary.get("best")
    absorbed = summary.get("absorbed")
    row: dict[str, Any] = {
        "pk": each.pk,
        "url": reverse("planning:disruption", args=[each.pk]),
        "level": each.priority,
        "title": words.title(each),
        "state": state,
        "state_label": words.state_label(state),
        "owner": each.owner.name if each.owner else "",
        "orders": summary.get("orders", 0),
        "items": summary.get("items", 0),
        "customers": summary.get("late_lines", 0),
        "hit_note": words.times(each) if each.occurrences > 1 else "",
        "worst": None,
        "best": None,
        "no_action": words.absorbed(absorbed),
        "computing": not summary or bool(summary.get("options_due")),
        "at_stake": each.at_stake if money else None,
        "at_stake_label": _("at stake"),
        "happened_at": each.opened_at,
        "options": each.option_count,  # type: ignore[attr-defined]
        "may_assign": may_handle and each.owner_id != person_id and each.state != "CLOSED",
        "may_handle": may_handle and each.state != "CLOSED",
    }
    if summary.get("worst_late_s", 0) > 0:
        row["worst"] = {
            "text": _("worst %(late)s") % {"late": words.late_words(summary["worst_late_s"])},
            "level": min(each.priority, 3),
        }
    # What helps against other troubles is no answer to one that nobody feels.
    is_felt = bool(summary.get("late_lines") or summary.get("items") or each.at_stake > 0)
    if is_felt and best and best["kind"] != "DO_NOTHING":
        # A line with a new date is not on time, as on the page of the disruption.
        late = sum(best.get(name, 0) for name in ("late_lines", "late_anyway", "promises"))
        of = summary.get("lines", 0)
        row["best"] = {
            "name": words.name_of(best["kind"], best.get("facts") or {}),
            "result": _("%(n)d of %(of)d on time") % {"n": max(of - late, 0), "of": of}
            if of
            else "",
            "cost": words.amount(best.get("total")) if money else None,
        }
    return row


def _backlog(site: Site) -> dict[str, Any] | None:
    known = Disruption.objects.filter(site=site, kind=Disruption.Kind.BACKLOG).first()
    if known is None or not known.cause.get("count"):
        return None
    return {
        "count": known.cause["count"],
        "late_lines": known.summary.get("late_lines", 0),
        "short_items": known.summary.get("items", 0),
        "worse": known.summary.get("worse", 0),
        "url": reverse("planning:disruption", args=[known.pk]),
    }


def _deliveries(site: Site, version: PlanVersion | None, now: Any) -> dict[str, Any]:
    standing: Mapping[str, list[int]] = (version.figures.get("standing") or {}) if version else {}
    late = sorted(
        ((int(line), row) for line, row in standing.items() if row[0] > 0),
        key=lambda pair: (-(pair[1][1] + pair[1][2]), -pair[1][0], pair[0]),
    )[:RISK_ROWS]
    lines = (
        CustomerLine.objects.select_related("order__customer", "item")
        .annotate(of=Count("order__lines"))
        .in_bulk([line for line, _row in late])
    )
    times = version.line_times_by_id() if version else {}
    whys = (version.figures.get("why") or {}) if version else {}
    zone = ZoneInfo(site.time_zone)
    rows: list[dict[str, Any]] = []
    for line_id, (late_s, cash, _estimate) in late:
        line = lines.get(line_id)
        if line is None:
            continue
        promised = line.promised_at or line.requested_at
        projected = words.delivery(line, times.get(line_id))
        rows.append(
            {
                "url": reverse("materials:deliveries") + f"?q={line.order.code}",
                "code": line.order.code if line.of == 1 else f"{line.order.code}/{line.number}",
                "customer": line.order.customer.name,
                "item": line.item.code,
                "quantity": line.open_quantity,
                "promised": promised,
                "projected": projected,
                "late_s": late_s,
                "level": words.line_level(late_s, cash),
                "value": line.open_quantity * line.price if line.price is not None else None,
                "reason": words.why_late(whys.get(str(line_id)), now, zone)
                or ("" if projected else _("no date")),
            }
        )
    # The axis is as long as the worst slip needs, so that each is seen in its length.
    ends = [now + timedelta(days=AXIS_DAYS)]
    ends += [
        at + timedelta(days=1) for row in rows for at in (row["promised"], row["projected"]) if at
    ]
    figures: Mapping[str, Any] = version.figures if version else {}
    return {
        "rows": rows,
        "at_risk": figures.get("late_lines", 0),
        "total": figures.get("lines", 0),
        "start": now,
        "end": max(ends),
        "closest": _("%(n)s open lines, none projected late.") % {"n": figures.get("lines", 0)},
    }


def _machines(site: Site, version: PlanVersion | None, now: Any) -> list[dict[str, Any]]:
    units = (
        Equipment.objects.filter(site=site, level=Equipment.Level.WORK_UNIT)
        .exclude(kind=Equipment.Kind.EXTERNAL)
        .select_related("status")
        .prefetch_related(
            Prefetch("downtimes", Downtime.objects.filter(ended_at=None), to_attr="open_stops"),
            Prefetch("slowdowns", Slowdown.objects.filter(ended_at=None), to_attr="open_slow"),
            Prefetch(
                "job_orders", JobOrder.objects.filter(status="RUNNING"), to_attr="running_jobs"
            ),
        )
        .order_by("order", "code")
    )
    loads = (version.figures.get("load_24h") or {}) if version else {}
    tiles = []
    for unit in units:
        down = bool(unit.open_stops)
        running = bool(unit.running_jobs)
        slow = unit.open_slow[0] if unit.open_slow and not down else None
        key = "down" if down else "slow" if slow else "run" if running else "idle"
        labels = {"down": _("Down"), "run": _("Running"), "idle": _("Idle")}
        if slow:
            labels["slow"] = _("At %(percent)s %%") % {"percent": slow.percent}
        tiles.append(
            {
                "code": unit.code,
                "url": reverse("workorders:station", args=[unit.code]),
                "state": key,
                "state_label": labels[key],
                "load_pct": min(100, int(loads.get(str(unit.pk), 0))),
                "level": 1 if down else 3 if slow else None,
            }
        )
    return tiles


def _decided(request: PlantRequest, now: Any, money: bool) -> dict[str, Any]:
    since = now - timedelta(hours=24)
    rows = list(
        Decision.objects.filter(site=request.site, at__gte=since, undo_of=None)
        .select_related("person", "on_behalf_of", "rule", "disruption", "undone_by__person")
        .prefetch_related("consents")
        .order_by("-at")[:20]
    )
    shown = [decision_row(request, each, money) for each in rows]
    savings = [row["saving"] for row in shown if row["saving"] is not None and not row["undone"]]
    return {
        "rows": shown,
        "count": sum(not row["undone"] for row in shown),
        "saving": sum(savings, Decimal(0)) if money else None,
    }


def decision_row(request: PlantRequest, each: Decision, money: bool) -> dict[str, Any]:
    """One decision as the tower and the log show it, with its way back or why there is none."""
    undone = getattr(each, "undone_by", None)
    undo: dict[str, Any] = {"url": reverse("planning:undo", args=[each.pk]), "words": each.title}
    if undone is not None:
        undo = {"off": _("undone")}
    elif not may(request.actor, "option.accept"):
        undo = {"off": str(NEEDS["option.accept"])}
    elif end := actions.undo_ended(each):
        undo = {"off": end}
    saving = words.amount(each.predicted.get("saves"))
    now, zone = now_of(request), ZoneInfo(request.site.time_zone)
    return {
        "at": each.at,
        "title": each.title,
        "record_url": reverse("planning:decision", args=[each.pk]),
        "url": reverse("planning:disruption", args=[each.disruption_id])
        if each.disruption_id
        else reverse("planning:decisions"),
        "who": _who(each),
        "cause": words.title(each.disruption) if each.disruption else "",
        "note": each.why,
        "saving": saving if money else None,
        "outcome": _outcome(each),
        "tentative": "" if undone else words.tentative(list(each.consents.all()), now, zone),
        "undo": undo,
        "undone": {"who": _who(undone), "at": undone.at, "why": undone.why} if undone else None,
    }


def _outcome(each: Decision) -> str:
    undone = getattr(each, "undone_by", None)
    if undone is not None:
        return _("undone by %(who)s") % {"who": _who(undone)}
    return _("noted only: the plant listens") if each.shadow else ""


def passed_on(site: Site, disruption_ids: Sequence[int]) -> dict[int, str]:
    """To whom undecided disruptions were passed on last, by their number."""
    rows = Escalation.objects.filter(site=site, disruption__in=disruption_ids).exclude(to="")
    return dict(rows.order_by("at", "step").values_list("disruption_id", "to"))


def decide_by(each: Disruption, now: datetime, to: str) -> dict[str, Any] | None:
    """Until when somebody has to decide, and who was asked; None where nothing is lost."""
    best = each.summary.get("best") or {}
    at = words.instant(best.get("decide_by"))
    if at is None or each.state not in OPEN_STATES or each.summary.get("options_due"):
        return None
    left = int((at - now).total_seconds())
    return {"at": at, "left_s": left, "soon": left <= SOON_S, "to": to}


def _who(decision: Decision) -> str:
    """By whom, or by which rule, and in whose name."""
    who = decision.person.name if decision.person else "Downstream"
    if decision.rule is not None:
        who = _("Decided by rule %(rule)s") % {"rule": decision.rule.name}
    if decision.on_behalf_of is None:
        return who
    return _("%(who)s for %(whom)s") % {"who": who, "whom": decision.on_behalf_of.name}


@access("clock.move")
@require_POST
def demo_control(request: PlantRequest) -> HttpResponse:
    """Pause or speed up the demo's clock, or break a machine to see what happens."""
    if "speed" in request.POST:
        speed = number(request.POST["speed"])
        outcome = act(request, "mes.clock.speed", set_speed, speed=-1 if speed is None else speed)
    else:
        outcome = act(request, "planning.demo.break", demo.break_something)
    if not outcome.ok:
        return refusal_page(request, outcome, retry_url=reverse("planning:tower"))
    if request.htmx:
        return HttpResponse(status=204)
    return redirect("planning:tower")


def nav_counts(request: HttpRequest) -> dict[str, Any]:
    """How many disruptions, tasks and calls wait, for the frame's navigation."""
    site = getattr(request, "site", None)
    if site is None or getattr(request, "htmx", False):
        return {}
    waiting = Disruption.objects.filter(site=site, state__in=OPEN_STATES)
    return {
        "unread_notices": unread_count(request),
        "nav_counts": {
            "inbox": waiting.exclude(kind="BACKLOG").count(),
            "square-check": waiting_count(request),
            "siren": waiting_calls(request),
        },
    }
