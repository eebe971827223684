"""A plant that only listens: what it foresaw beside what came, day by day."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from mes.access import PlantRequest, access, may, refusal
from mes.acting import act
from mes.clock import plant_now
from mes.commands import Outcome as Answer
from mes.htmx import refusal_page, render_page
from mes.templatetags.downstream import duration
from planning import words
from planning.models import Decision
from planning.outcome import Outcome
from planning.shadow import actions
from planning.shadow.models import Foresight, ShadowMode
from planning.shadow.record import Delivery, Error, deliveries, noted, track_record

MINUTE_S = 60


@access("plan.read")
@require_GET
def shadow(request: PlantRequest) -> HttpResponse:
    """One day: we said, it became, the plan said; and what was noted and not applied."""
    site = request.site
    today = plant_now(site).astimezone(ZoneInfo(site.time_zone)).date()
    day = min(_day(request.GET.get("day", "")) or today, today)
    rows = deliveries(site, day)
    decisions = noted(site, day)
    money = may(request.actor, "money.read")
    first = Foresight.objects.filter(site=site).order_by("day").first()
    context = {
        "mode": ShadowMode.objects.filter(site=site, ended_at=None).first(),
        "day": day,
        "is_today": day == today,
        "before_url": _link(day - timedelta(days=1)) if first and first.day < day else "",
        "after_url": _link(day + timedelta(days=1)) if day < today else "",
        "first": first,
        "rows": [_row(each) for each in rows],
        "came": sum(each.came is not None for each in rows),
        "errors": [_error(each) for each in track_record(site, day)],
        "noted": [_noted(row, with_it, without, money) for row, with_it, without in decisions],
        "off": "" if may(request.actor, "shadow.switch") else refusal("shadow.switch"),
    }
    return render_page(request, "planning/shadow.html", context)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _link(day: date) -> str:
    return f"{reverse('planning:shadow')}?day={day.isoformat()}"


def _row(each: Delivery) -> dict[str, Any]:
    line = each.line
    return {
        "code": f"{line.order.code}/{line.number}",
        "customer": line.order.customer.name,
        "item": line.item.code,
        "planned": each.planned,
        "week": each.week,
        "eve": each.eve,
        "came": each.came,
        "ours": _off(each.eve, each.came),
        "plans": _off(each.planned, each.came),
    }


def _off(said: datetime | None, came: datetime | None) -> str:
    """How far what came was from what was said, in words; nothing where there is no pair."""
    if said is None or came is None:
        return ""
    seconds = int((came - said).total_seconds())
    if abs(seconds) < MINUTE_S:
        return _("as said")
    amount = {"amount": duration(abs(seconds))}
    return _("%(amount)s later") % amount if seconds > 0 else _("%(amount)s earlier") % amount


def _error(each: Error) -> dict[str, Any]:
    label = (
        ngettext("%(n)d day ahead", "%(n)d days ahead", each.last) % {"n": each.last}
        if each.first == each.last
        else _("%(first)d to %(last)d days ahead") % {"first": each.first, "last": each.last}
    )
    return {"label": label, "of": each.of, "ours": each.ours, "planned": each.planned}


def _noted(row: Decision, with_it: Outcome, without: Outcome, money: bool) -> dict[str, Any]:
    return {
        "at": row.at,
        "url": reverse("planning:decision", args=[row.pk]),
        "title": row.title,
        "cause": words.title(row.disruption) if row.disruption else "",
        "who": row.person.name if row.person else "",
        "of": without.of,
        "with": with_it.predicted_days,
        "without": without.predicted_days,
        # By the promise as it stands: a new date that was only noted was never given.
        "days": without.days,
        "final": without.is_final,
        "saved_days": without.days - with_it.predicted_days,
        "saves": words.amount(row.predicted.get("saves")) if money else None,
    }


@access("shadow.switch")
@require_POST
def begin(request: PlantRequest) -> HttpResponse:
    """The plant only listens from now on."""
    return _back(request, act(request, "planning.shadow.begin", actions.begin_shadow))


@access("shadow.switch")
@require_POST
def end(request: PlantRequest) -> HttpResponse:
    """The plant works as usual again."""
    return _back(request, act(request, "planning.shadow.end", actions.end_shadow))


def _back(request: PlantRequest, outcome: Answer) -> HttpResponse:
    here = reverse("planning:shadow")
    return redirect(here) if outcome.ok else refusal_page(request, outcome, retry_url=here)
