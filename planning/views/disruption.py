"""One disruption: cause, whom it hits, what can be done about it, what was decided."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from mes.access import NEEDS, PlantRequest, access, may, refusal
from mes.acting import act, number
from mes.clock import plant_now, wall_now
from mes.commands import Outcome, run
from mes.errors import Busy, Refused
from mes.htmx import refusal_page, render_page
from mes.models import Task
from mes.notices import read_of_subject
from mes.rules import is_plausible
from mes.templatetags.downstream import duration, qty
from planning import actions, words
from planning.models import Decision, Disruption, Impact, Option
from planning.shadow.models import in_shadow
from planning.views.answers import approval_rows, authority_row, consent_row
from planning.views.comments import comments_context
from planning.views.customers import told_context
from planning.views.lists import history
from planning.views.mine import moves_context
from planning.views.notices import notices_of
from planning.views.tower import OPEN_STATES, decide_by, decision_row, passed_on

PARTS = ("d-head", "impact", "options", "preview", "d-page")
SHOWN_HITS = 60
LANE_DAYS = 5
LONGEST_SLEEP_H = 14 * 24
ACCEPTS = {
    "DO_NOTHING": gettext_lazy("Do nothing, on purpose"),
    "OUTSIDE": gettext_lazy("It is solved outside"),
}
SHOWN_A_COLUMN = 5  # as the tag `chain` draws it


def _found(request: PlantRequest, pk: int) -> Disruption:
    found = Disruption.objects.filter(site=request.site, pk=pk).select_related("owner").first()
    if found is None:
        raise Http404
    return found


@access("plan.read")
@require_GET
def disruption(request: PlantRequest, pk: int) -> HttpResponse:
    """From cause to decision on one page."""
    found = _found(request, pk)
    _mark_seen(request, found)
    return _page(request, found)


def _mark_seen(request: PlantRequest, found: Disruption) -> None:
    """A row that a planner opened is no longer new, and what he was told of it is read."""
    if (
        notices_of(request)
        .filter(subject_type="disruption", subject_id=found.pk, read_at=None)
        .exists()
    ):
        with suppress(Busy):
            run(
                site=request.site,
                key=uuid.uuid4(),
                actor=request.actor,
                name="mes.notice.read",
                body={"disruption_id": found.pk},
                act=lambda command: read_of_subject(
                    command, subject_type="disruption", subject_id=found.pk
                ),
            )
    if found.state == Disruption.State.NEW and may(request.actor, "disruption.handle"):
        # While somebody else changes it, it is new for another moment: the page opens all the same.
        with suppress(Busy):
            run(
                site=request.site,
                key=uuid.uuid4(),
                actor=request.actor,
                name="planning.seen",
                body={"disruption_id": found.pk},
                act=lambda command: actions.mark_seen(command, disruption_id=found.pk),
            )
        found.refresh_from_db()


def _page(
    request: PlantRequest, found: Disruption, *, part: str = "", status: int = 200
) -> HttpResponse:
    return render_page(
        request,
        "planning/disruption.html",
        _context(request, found),
        parts=PARTS,
        part=part,
        status=status,
    )


def _context(request: PlantRequest, found: Disruption) -> dict[str, Any]:
    money = may(request.actor, "money.read")
    figures = _figures(found)
    options = list(Option.objects.filter(disruption=found).order_by("rank", "slug"))
    chosen = _chosen(request, options)
    wanted = request.htmx.target if request.htmx else ""
    context: dict[str, Any] = {
        "d": _head(request, found, figures, money),
        "impact": _impact(found, figures, money),
        "options": _options(request, options, chosen, figures)
        | {"due": bool(found.summary.get("options_due"))},
        "preview": None,
        "decision": _decision(request, found, money),
        "approvals": approval_rows(request, found),
        "tell": told_context(request, found),
        "comments": comments_context(request, "disruption", found.pk),
        "history": history(request.site, found.subject_type, found.subject_id),
    }
    if chosen is not None and wanted in ("", "d-page", "preview"):
        context["preview"] = option_context(request, found, chosen, money)
    else:
        context["preview"] = {"option_pk": chosen.pk} if chosen else None
    return context


def _figures(found: Disruption) -> Mapping[str, Any]:
    """What its latest impact says; nothing before it was worked out."""
    impact = Impact.objects.filter(disruption=found).order_by("-version").first()
    return impact.figures if impact else {}


def _chosen(request: PlantRequest, options: Sequence[Option]) -> Option | None:
    """The option that the page has selected; else the best one, never doing nothing."""
    chosen = number(request.GET.get("selected") or request.POST.get("selected") or "")
    for option in options:
        if option.pk == chosen:
            return option
    offered = [o for o in options if o.verdict == "OFFERED" and o.kind not in Option.BY_HAND]
    return offered[0] if offered else None


# -- the head ------------------------------------------------------------------------------------


def _head(
    request: PlantRequest, found: Disruption, figures: Mapping[str, Any], money: bool
) -> dict[str, Any]:
    actor = request.actor
    off = "" if may(actor, "disruption.handle") else str(NEEDS["disruption.handle"])
    if found.state == Disruption.State.CLOSED:
        off = _("It is closed.")
    waiting = list(
        Disruption.objects.filter(site=request.site, state__in=OPEN_STATES)
        .exclude(kind=Disruption.Kind.BACKLOG)
        .order_by("priority", "-at_stake", "number")
        .values_list("pk", flat=True)
    )
    position = None
    if found.pk in waiting and len(waiting) > 1:
        place = waiting.index(found.pk)
        position = {
            "n": place + 1,
            "of": len(waiting),
            "next_url": reverse("planning:disruption", args=[waiting[(place + 1) % len(waiting)]]),
        }
    state = words.state(found)
    return {
        "pk": found.pk,
        "level": found.priority,
        "title": words.title(found),
        "state": state,
        "state_label": words.state_label(state),
        "owner": found.owner.name if found.owner else "",
        "position": position,
        "facts": _facts(request, found, figures),
        "says": says(figures, money),
        "came_back": words.came_back(found),
        "decide_by": decide_by(
            found, plant_now(request.site), passed_on(request.site, [found.pk]).get(found.pk, "")
        ),
        "off": {
            "assign": off or (_("It is yours.") if found.owner_id == actor.person_id else ""),
            "snooze": off,
            "close": off,
        },
        "take_back": _take_back(request, found),
        "estimate": _estimate(request, found),
    }


def _take_back(request: PlantRequest, found: Disruption) -> str:
    """What says that it never happened; empty where another act ends it, or it is over."""
    needs = actions.TAKEN_BACK_BY.get(found.kind)
    is_over = found.state == Disruption.State.CLOSED or found.cause.get("overdue")
    if needs is None or is_over or not may(request.actor, needs):
        return ""
    if found.kind == Disruption.Kind.SHORTAGE:
        return _("It was found")
    if found.kind == Disruption.Kind.SUPPLY:
        return _("It comes as promised")
    if found.kind == Disruption.Kind.ABSENCE:
        return _("Back, or never absent")
    if found.kind == Disruption.Kind.SLOW:
        return _("It runs as usual")
    if found.kind == Disruption.Kind.TOOL:
        return _("It is there again")
    if found.kind == Disruption.Kind.CLOSURE:
        return _("It works after all")
    if found.kind == Disruption.Kind.CHECK:
        return "" if found.cause.get("waits_too_long") else _("It does not wait")
    if found.kind == Disruption.Kind.QUEUE:
        return _("Put back as it was")
    if found.kind == Disruption.Kind.REFUSED:
        return _("It is possible after all")
    return _("Take it back")


def says(figures: Mapping[str, Any], money: bool) -> dict[str, Any]:
    """What the sentence of a page needs: what doing nothing leads to."""
    if not figures:
        return {"text": _("The effect is being worked out.")}
    undated = sum(hit["after"] is None for hit in figures["lines_hit"])
    nothing = not figures["late_lines"] and not undated and not figures["items"]
    cause = figures.get("cause", {})
    if nothing and cause.get("change") == "CANCELLED":
        idle = ", ".join(cause["idle_orders"])
        made = _("Nothing ships late; %(orders)s is made for nobody.") % {"orders": idle}
        return {"text": made if idle else _("Nothing ships late, and no work is left over.")}
    helped = int(figures.get("helped", 0))
    if nothing and helped:
        return {
            "text": ngettext(
                "%(count)d late delivery comes earlier.",
                "%(count)d late deliveries come earlier.",
                helped,
            )
            % {"count": helped}
        }
    return {
        "late_orders": figures["late_lines"] - undated,
        "later": sum(
            0 < hit["late_before_s"] < hit["late_s"] and hit["after"] is not None
            for hit in figures["lines_hit"]
        ),
        "undated": undated,
        "items_out": figures["items"],
        "level": 1 if Decimal(figures["cash"]) > 0 else 2,
        # What costs less than nothing is a side effect of the queues, not a gain to wait for.
        "cost": max(Decimal(0), Decimal(figures["total"])) if money else None,
        "estimate": Decimal(figures["estimate"]) > 0 or not figures["known"],
        "absorbed": (words.absorbed(figures["absorbed"]) or _("the plan has room for it"))
        if nothing
        else "",
    }


def _facts(
    request: PlantRequest, found: Disruption, figures: Mapping[str, Any]
) -> list[dict[str, Any]]:
    cause = found.cause
    now = plant_now(request.site)
    zone = ZoneInfo(request.site.time_zone)

    def at(moment: datetime | None) -> str:
        return words.moment(moment, now, zone)

    facts: list[dict[str, Any]] = []
    since = words.instant(cause.get("since"))
    until = words.instant(cause.get("until"))
    if since:
        label = _("Down since") if found.kind == "BREAKDOWN" else _("Since")
        facts.append({"label": label, "value": at(since), "note": cause.get("said_by", "")})
    if found.kind in EXPECTED:
        label = str(EXPECTED[found.kind])
        note = _("estimate")
        if cause.get("guess"):
            note = words.guess_source(cause.get("guess_source", ""), cause.get("guess_n", 0))
        row: dict[str, Any] = {"label": label, "value": at(until) or _("not known"), "note": note}
        if _estimate(request, found):
            row |= {"open": "estimate", "link": _("Change")}
        facts.append(row)
    if limit := words.instant(cause.get("limit")):
        note = _("waits too long") if cause.get("waits_too_long") else ""
        facts.append({"label": _("To be decided by"), "value": at(limit), "note": note})
    if found.kind == "SUPPLY":
        facts += _supply_facts(cause, at)
        if _estimate(request, found):
            facts[-1] |= {"open": "estimate", "link": _("Change")}
    if found.kind in ("CLOSURE", "ABSENCE"):
        facts.append({"label": _("Until"), "value": at(until), "note": ""})
    if found.kind in ("DEMAND", "RETURN"):
        facts += _demand_facts(cause, at)
    impact = Impact.objects.filter(disruption=found).order_by("-version").first()
    if impact:
        ready = _("plan %(version)s") % {"version": impact.version}
        first = found.impacts.order_by("version").values_list("latency_ms", flat=True).first()
        if first is not None:
            ready = _("Impact ready %(seconds)s s after the event · %(ready)s") % {
                "seconds": f"{first / 1000:.1f}",
                "ready": ready,
            }
        facts.append({"label": "", "value": "", "note": ready})
    return facts


# What is expected of a cause, by the word of somebody or by a guess.
EXPECTED = {
    "BREAKDOWN": gettext_lazy("Back in service"),
    "SLOW": gettext_lazy("Runs as usual"),
    "TOOL": gettext_lazy("There again"),
    "HOLD": gettext_lazy("Decision expected"),
    "CHECK": gettext_lazy("Decision expected"),
}


def _supply_facts(
    cause: Mapping[str, Any], at: Callable[[datetime | None], str]
) -> list[dict[str, Any]]:
    """When a purchase was promised, and when it is believed to come by whose word."""
    comes = at(words.instant(cause.get("until")))
    if first := words.instant(cause.get("from_at")):
        comes = _("%(first)s to %(last)s") % {"first": at(first), "last": comes}
    note = cause.get("said_by", "")
    if cause.get("overdue"):
        note = _("nobody said; by how late this supplier comes")
    return [
        {"label": _("Promised"), "value": at(words.instant(cause.get("promised"))), "note": ""},
        {"label": _("Comes"), "value": comes, "note": note},
    ]


def _demand_facts(
    cause: Mapping[str, Any], at: Callable[[datetime | None], str]
) -> list[dict[str, Any]]:
    """For when a customer wants it now, and for when he wanted it before."""
    facts = []
    was = cause.get("was") or {}
    if wanted := words.instant(cause.get("requested")):
        facts.append({"label": _("Wanted"), "value": at(wanted), "note": ""})
    if was:
        before = at(words.instant(was.get("requested_at")))
        facts.append({"label": _("Before"), "value": before, "note": qty(was.get("quantity", 0))})
    return facts


def _estimate(request: PlantRequest, found: Disruption) -> dict[str, Any] | None:
    """The form that says anew until when a cause lasts, for those who may."""
    own = actions.belief(request.site, actions.own_belief(found))
    if own is None or found.state == "CLOSED" or not may(request.actor, own[0].needs):
        return None
    until = words.instant(found.cause.get("until"))
    zone = ZoneInfo(request.site.time_zone)
    return {
        "url": reverse("planning:estimate", args=[found.pk]),
        "value": f"{until.astimezone(zone):%Y-%m-%dT%H:%M}" if until else "",
        "label": EXPECTED.get(found.kind) or _("Comes"),
    }


# -- what it hits --------------------------------------------------------------------------------


def _impact(found: Disruption, figures: Mapping[str, Any], money: bool) -> dict[str, Any]:
    if not figures:
        return {}
    nodes = _in_order(figures["nodes"], figures["links"])
    return {
        "orders": figures["orders"],
        "items": figures["items"],
        "customers": figures["late_lines"],
        "lines": 0,
        "nodes": [_node(found, node, figures) for node in nodes],
        "links": _bridged(nodes, figures["links"]),
        "table": _table(figures, money),
    }


def _in_order(
    nodes: Sequence[Mapping[str, Any]], links: Sequence[Mapping[str, Any]]
) -> list[Mapping[str, Any]]:
    """Nodes as a column shows them: those on the worst path first, then what the cause hits."""
    worst = {end for link in links if link["worst"] for end in (link["source"], link["target"])}
    hit = {link["target"] for link in links if link["source"] == "cause"}

    def place(node: Mapping[str, Any]) -> tuple[bool, bool, int]:
        return node["id"] not in worst, node["id"] not in hit, -(node["delay_s"] or 0)

    return sorted(nodes, key=place)


def _bridged(
    nodes: Sequence[Mapping[str, Any]], links: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Links between the nodes that are shown, over those that only the list shows."""
    columns: dict[int, int] = {}
    shown = set()
    for node in nodes:
        columns[node["column"]] = columns.get(node["column"], 0) + 1
        if columns[node["column"]] <= SHOWN_A_COLUMN:
            shown.add(node["id"])
    onward: dict[str, list[Mapping[str, Any]]] = {}
    for link in links:
        onward.setdefault(link["source"], []).append(link)
    drawn: dict[tuple[str, str], dict[str, Any]] = {}
    for source in shown:
        waiting, seen = [(link, link["worst"]) for link in onward.get(source, [])], {source}
        while waiting:
            link, worst = waiting.pop()
            target = link["target"]
            if target in shown:
                known = drawn.setdefault(
                    (source, target),
                    {"source": source, "target": target, "worst": False, "amplifier": False},
                )
                known["worst"] |= worst
                known["amplifier"] |= link["source"] == source and link.get("amplifies", False)
            elif target not in seen:
                seen.add(target)
                waiting += [(each, worst and each["worst"]) for each in onward.get(target, [])]
    return list(drawn.values())


def _node(found: Disruption, node: Mapping[str, Any], figures: Mapping[str, Any]) -> dict[str, Any]:
    kind, _colon, number = node["id"].partition(":")
    late = node["delay_s"]
    url = ""
    if kind == "job":
        hit = next((h for h in figures["ops_hit"] if str(h["job_id"]) == number), None)
        url = reverse("workorders:detail", args=[hit["order"]]) if hit else ""
    elif kind == "line":
        url = reverse("materials:deliveries") + f"?q={node['label'].split('/')[0]}"
    badge = _("no date") if late is None and kind in ("job", "line") else ""
    harms = late is None or late > 0
    if late:
        badge = f"+{duration(late)}"
    if kind == "line" and late is not None:
        # A line that is only pushed inside its slack is not late, and not painted as if it were.
        hit = next((h for h in figures["lines_hit"] if str(h["line_id"]) == number), None)
        harms = hit is not None and hit["late_s"] > 0
        if hit is not None and harms:
            badge = words.late_words(hit["late_s"])
    return {
        "id": node["id"],
        "col": node["column"],
        "title": node["label"],
        "line": node["name"],
        "badge": badge,
        "level": found.priority if node["column"] == 0 else (2 if harms else 4),
        "amplifier": node.get("amplifies", False),
        "url": url,
    }


def _table(figures: Mapping[str, Any], money: bool) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for hit in figures["lines_hit"][:SHOWN_HITS]:
        cost = Decimal(hit["cash"]) + Decimal(hit["estimate"])
        rows.append(
            {
                "id": f"line:{hit['line_id']}",
                "group": _("Customer order lines"),
                "title": f"{hit['customer']} · {hit['line']}",
                "url": reverse("materials:deliveries") + f"?q={hit['line'].split('/')[0]}",
                "line": hit["item"]
                if hit["after"]
                else f"{hit['item']}: {words.reason(hit['reason'])}",
                "before": words.instant(hit["before"]),
                "after": words.instant(hit["after"]),
                "late_s": hit["late_s"],
                "cost": cost if money else None,
                "level": 1 if Decimal(hit["cash"]) > 0 else 2 if hit["late_s"] > 0 else 4,
            }
        )
    for hit in figures["ops_hit"][:SHOWN_HITS]:
        rows.append(
            {
                "id": f"job:{hit['job_id']}",
                "group": _("Work orders"),
                "title": words.operation(hit["order"], hit["number"], hit["name"]),
                "url": reverse("workorders:detail", args=[hit["order"]]),
                "line": hit["unit"],
                "before": words.instant(hit["end_before"]),
                "after": words.instant(hit["end"]),
                "late_s": hit["delay_s"],
                "cost": None,
                "level": None,
            }
        )
    for hit in figures["items_hit"][:SHOWN_HITS]:
        rows.append(
            {
                "id": f"item:{hit['item_id']}",
                "group": _("Stock"),
                "title": f"{hit['code']} {hit['name']}",
                "url": "",
                "line": _("%(short)s %(unit)s short")
                % {"short": qty(hit["short"]), "unit": hit["unit"]},
                "before": None,
                "after": words.instant(hit["from_at"]),
                "late_s": None,
                "cost": None,
                "level": 2,
            }
        )
    return rows


# -- options -------------------------------------------------------------------------------------


def _options(
    request: PlantRequest,
    options: Sequence[Option],
    chosen: Option | None,
    figures: Mapping[str, Any],
) -> dict[str, Any]:
    money, zone = may(request.actor, "money.read"), ZoneInfo(request.site.time_zone)
    offered = [o for o in options if o.verdict == Option.Verdict.OFFERED]
    rows = [option_row(o, chosen, money) for o in offered]
    best = next((row for row in rows if not row["kind"]), None)
    if best:
        best["best"] = True
    largest = max((row["extra_n"] + row["late_n"] for row in rows), default=Decimal(0))
    return {
        "checked": len(options),
        "rows": rows,
        "any_selected": any(row["selected"] for row in rows),
        "largest": largest,
        "flip": words.flip(figures.get("flip"), options, zone) if figures else "",
        "tried": None,
        "assumptions": [
            _assumption(request, words.assumption(each, zone))
            for each in figures.get("assumes", [])
        ],
        "worse": each_once(options, Option.Verdict.WORSE, words.beaten),
        "impossible": each_once(options, Option.Verdict.IMPOSSIBLE, words.impossible),
        "computing": not options,
    }


def each_once(
    options: Sequence[Option], verdict: str, why: Callable[[Option], str]
) -> list[dict[str, str]]:
    """The names of what was checked with that verdict, each with its reason and once."""
    found = {(words.option_name(o), why(o)): None for o in options if o.verdict == verdict}
    return [{"name": name, "why": reason} for name, reason in found]


def _assumption(request: PlantRequest, row: dict[str, Any]) -> dict[str, Any]:
    """An assumption with the field to try another value of it, where somebody can say one."""
    believed = row["type"] and actions.belief(request.site, row["name"])
    return row if believed else row | {"type": ""}


def option_row(option: Option, chosen: Option | None, money: bool) -> dict[str, Any]:
    """An option as the table shows it; saves = do nothing - (extra + late), by what is shown."""
    figures = option.figures
    extra = Decimal(figures.get("extra_cash", "0")) + Decimal(figures.get("extra_estimate", "0"))
    late = Decimal(figures.get("late_cash", "0")) + Decimal(figures.get("late_estimate", "0"))
    hit = figures.get("hit_lines", 0)
    return {
        "pk": option.pk,
        "name": words.option_name(option),
        "sub": words.option_sub(option),
        "best": False,
        "on_time": max(hit - _not_on_time(figures), 0),
        "late_anyway": figures.get("late_anyway", 0),
        "of": hit,
        "late_days": max(figures.get("late_days", 0), 0),
        "made_up_days": max(-figures.get("late_days", 0), 0),
        "extra": extra if money else None,
        "late": late if money else None,
        "saves": option.saves if money else None,
        "extra_n": extra,
        "late_n": late,
        "at_least": bool(figures.get("unknown")),
        "kind": {"DO_NOTHING": "none", "MINE": "mine", "OUTSIDE": "outside"}.get(option.kind, ""),
        "as_nothing": option.kind in ("MINE", "OUTSIDE") and not option.changes,
        "gone": _("the plan has changed") if figures.get("gone") else "",
        "selected": chosen is not None and chosen.pk == option.pk,
        "consents": ", ".join(words.consents(figures)),
    }


def _not_on_time(figures: Mapping[str, Any]) -> int:
    """Lines that are late, were late anyway, or have a new date: that one is not on time either."""
    return sum(int(figures.get(name, 0)) for name in ("late_lines", "late_anyway", "promises"))


@access("plan.read")
@require_http_methods(["GET", "POST"])
def option_preview(request: PlantRequest, pk: int, option_pk: int) -> HttpResponse:
    """Before and after of one option; nothing is stored."""
    found = _found(request, pk)
    option = Option.objects.filter(disruption=found, pk=option_pk).first()
    if option is None:
        context: dict[str, Any] = {"preview": None}
    else:
        context = {
            "preview": option_context(request, found, option, may(request.actor, "money.read"))
        }
    context["d"] = {"pk": pk}
    return render_page(request, "planning/disruption.html", context, part="preview")


def option_context(
    request: PlantRequest, found: Disruption, option: Option, money: bool
) -> dict[str, Any]:
    """What the preview shows: bars and customers before and after, the money, the way to accept."""
    now = plant_now(request.site)
    drawn: Mapping[str, Any] = {"units": [], "lines": option.figures.get("lines", [])}
    gone = ""
    own = moves_context(request, found, option) if option.kind == Option.Kind.MINE else None
    if option.changes or own is None:
        try:
            drawn = actions.preview(option, wall_now=wall_now())
        except Refused as refusal:
            gone = words.refused(refusal.data["refusal"]) if refusal.data.get("refusal") else ""
            gone = gone or str(refusal)
    figures = drawn.get("figures", option.figures)
    accept_off = ""
    if not may(request.actor, "option.accept"):
        accept_off = str(NEEDS["option.accept"])
    elif found.state in ("ACCEPTED", "CLOSED"):
        accept_off = _("Decided already. Undo that first.")
    elif gone:
        accept_off = _("No longer possible: %(why)s") % {"why": gone}
    elif own and not option.changes:
        accept_off = _("Make your moves first; they stand here with their costs.")
    beyond = {} if accept_off else authority_row(request, figures)
    listens = in_shadow(request.site.pk)
    return {
        "option_pk": option.pk,
        "name": words.option_name(option),
        "saves": option.saves if money else None,
        "rows": [_lane(unit) for unit in drawn["units"][:5]],
        "start": now,
        "end": now + timedelta(days=LANE_DAYS),
        "now": now,
        "customers": [customer_row(hit) for hit in drawn["lines"]][:8],
        "side": words.side_effects(option),
        "cost_lines": [words.cost_line(row) for row in figures.get("costs", [])],
        "cash": words.amount(figures.get("extra_cash")) if money else None,
        "estimate": words.amount(figures.get("extra_estimate")) if money else None,
        "consents": words.consents(option.figures),
        "undo_until": "",
        "tells": words.tells(option),
        "outdated": "",
        "own": own,
        "listens": listens,
        "accept": {
            "label": _("Note this option")
            if listens
            else ACCEPTS.get(option.kind) or _("Accept this option"),
            "asks_what": option.kind == Option.Kind.OUTSIDE,
            "off": accept_off or beyond.get("off", ""),
            "ask": beyond.get("ask"),
            "lacks": beyond.get("lacks", ""),
        },
    }


def _lane(unit: Mapping[str, Any]) -> dict[str, Any]:
    """A machine before and after, for the tag `lanes`."""
    stop = []
    if unit["stop"]:
        stop = [_bar(unit["stop"], label=_("down"), kind="stop")]
    return {
        "unit": unit["unit"],
        "before": [*stop, *(_bar(bar, label=_short(bar)) for bar in unit["bars_before"])],
        "after": [
            *stop,
            *(
                _bar(bar, label=_short(bar), kind="moved" if bar["moved"] else "")
                for bar in unit["bars_after"]
            ),
            *(_bar(window, label=_("overtime"), kind="tentative") for window in unit["windows"]),
        ],
    }


def _bar(found: Mapping[str, Any], *, label: str, kind: str = "") -> dict[str, Any]:
    return {
        "start": words.instant(found["start"]),
        "end": words.instant(found["end"]),
        "label": label,
        "kind": kind,
    }


def _short(bar: Mapping[str, Any]) -> str:
    """The order's number without its prefix: what fits into a bar."""
    return str(bar["order"]).rsplit("-", 1)[-1]


def customer_row(hit: Mapping[str, Any]) -> dict[str, Any]:
    """A customer before and after, for components/dumbbell.html."""
    before, after = words.instant(hit["before"]), words.instant(hit["after"])
    return {
        "name": hit["customer"],
        "order": hit["line"],
        "before": before,
        "after": after,
        "before_level": 2 if hit["late_before_s"] > 0 else 4,
        "after_level": 2 if hit["late_s"] > 0 else 4,
        "better": hit["late_s"] < hit["late_before_s"],
        "late_s": hit["late_s"],
        "slack": "",
        "none": _("new") if before is None and not hit["late_before_s"] else "",
    }


# -- deciding ------------------------------------------------------------------------------------


def _decision(request: PlantRequest, found: Disruption, money: bool) -> dict[str, Any] | None:
    taken = (
        Decision.objects.filter(disruption=found, undo_of=None, undone_by=None)
        .select_related("person", "disruption")
        .prefetch_related("consents__answered_by")
        .order_by("-at")
        .first()
    )
    if taken is None:
        return None
    row = decision_row(request, taken, money)
    row["consents"] = [consent_row(request, each) for each in taken.consents.order_by("latest_at")]
    tasks = Task.objects.filter(
        site=request.site, subject_type="decision", subject_id=taken.pk
    ).order_by("pk")
    return {**row, "tasks": [{"text": t.text, "who": t.get_role_display()} for t in tasks]}


@access("option.accept")
@require_POST
def accept(request: PlantRequest, pk: int, option_pk: int) -> HttpResponse:
    """Apply the option; refused with what moved, or by whom it could be done."""
    found = _found(request, pk)
    outcome = act(
        request,
        "planning.accept",
        actions.accept,
        option_id=option_pk,
        based_on_version=number(request.POST.get("rev", "")) or 0,
        why=request.POST.get("why", "")[:300],
    )
    return _after(request, found, outcome)


@access("option.accept")
@require_POST
def undo(request: PlantRequest, pk: int) -> HttpResponse:
    """Take a decision back."""
    decision = Decision.objects.filter(site=request.site, pk=pk).first()
    if decision is None:
        raise Http404
    outcome = act(request, "planning.undo", actions.undo, decision_id=pk)
    target = request.htmx.target if request.htmx else ""
    if outcome.ok and target == "decided":
        return redirect("planning:tower")
    if outcome.ok and target == "decisions":
        return redirect("planning:decisions")
    if decision.disruption_id is None:
        return redirect("planning:decisions")
    return _after(request, _found(request, decision.disruption_id), outcome)


def _after(request: PlantRequest, found: Disruption, outcome: Outcome) -> HttpResponse:
    here = reverse("planning:disruption", args=[found.pk])
    if not outcome.ok:
        return refusal_page(request, outcome, retry_url=here)
    if not request.htmx:
        return redirect(here)
    found.refresh_from_db()
    target = request.htmx.target or "d-page"
    return _page(request, found, part=target if target in PARTS else "d-page")


@access("disruption.handle")
@require_POST
def assign(request: PlantRequest, pk: int) -> HttpResponse:
    return _handled(request, pk, "assign", actions.assign, person_id=request.actor.person_id)


@access("disruption.handle")
@require_POST
def snooze(request: PlantRequest, pk: int) -> HttpResponse:
    """Put it to sleep until it gets worse, or for some hours if that comes first."""
    hours = request.POST.get("hours", "")
    until = None
    if hours:
        asked = number(hours) or -1
        until = plant_now(request.site) + timedelta(hours=min(asked, LONGEST_SLEEP_H))
    return _handled(request, pk, "snooze", actions.snooze, until=until)


@access("disruption.handle")
@require_POST
def close(request: PlantRequest, pk: int) -> HttpResponse:
    reason = request.POST.get("reason", "").strip()[:200] or _("No action needed")
    return _handled(request, pk, "close", actions.close, reason=reason)


def _handled(request: PlantRequest, pk: int, name: str, action: Any, **values: Any) -> HttpResponse:
    found = _found(request, pk)
    outcome = act(request, f"planning.{name}", action, disruption_id=pk, **values)
    if outcome.ok and request.htmx and request.htmx.target == "inbox":
        return redirect("planning:tower")
    return _after(request, found, outcome)


@access("event.say")
@require_POST
def take_back(request: PlantRequest, pk: int) -> HttpResponse:
    """It never happened: the reverse is recorded and the plan is as it was."""
    found = _found(request, pk)
    needs = actions.TAKEN_BACK_BY.get(found.kind, "event.report")
    if not may(request.actor, needs):
        raise PermissionDenied(refusal(needs))
    return _handled(request, pk, "take_back", actions.take_back)


@access("event.say")
@require_POST
def estimate(request: PlantRequest, pk: int) -> HttpResponse:
    """Say anew when something ends or comes; impact and options are worked out again."""
    found = _found(request, pk)
    name = request.POST.get("name") or actions.own_belief(found)
    believed = actions.belief(request.site, name)
    if believed is None:
        outcome = Outcome(422, {"message": _("Of this nobody says when it is.")})
        return _after(request, found, outcome)
    if not may(request.actor, believed[0].needs):
        raise PermissionDenied(refusal(believed[0].needs))
    at = words.local_instant(request.POST.get("back_at", ""), request.site.time_zone)
    if at is None:
        message = _("Enter a day and a time, such as 25.11.2026 10:00.")
        outcome = Outcome(422, {"message": message})
    else:
        outcome = act(request, believed[0].name, actions.believe, what=name, at=at)
    return _after(request, found, outcome)


@access("plan.read")
@require_POST
def assume(request: PlantRequest, pk: int) -> HttpResponse:
    """Try another value of an assumption: ranked again for this page only."""
    found = _found(request, pk)
    name, value = request.POST.get("name", ""), request.POST.get("value", "")
    at, now = words.local_instant(value, request.site.time_zone), plant_now(request.site)
    if at is None or at <= now or not is_plausible(at, now=now):
        message = _("Enter a day and a time that lie ahead, within ten years.")
        return refusal_page(request, Outcome(422, {"message": message}))
    try:
        answer = actions.evaluate(found, name, at, actor=request.actor, wall_now=wall_now())
    except Refused as refused:
        return refusal_page(request, Outcome(422, {"message": str(refused)}))
    tried = [
        Option(**{**row, "pk": row["pk"] or 0, "disruption": found}) for row in answer["options"]
    ]
    context = _options(request, tried, None, answer["figures"])
    said = words.moment(at, now, ZoneInfo(request.site.time_zone))
    # What one tries may be none of the most important once it is over: then it is named alone.
    before = _options(request, [], None, _figures(found))["assumptions"]
    row = next((each for each in before if each["name"] == name), None)
    if row is not None:
        context["assumptions"] = [
            row | {"tried": True, "was": row["value"], "value": said, "input_value": value},
            *(each for each in context["assumptions"] if each["name"] != name),
        ]
    believed = actions.belief(request.site, name)
    saves = believed is not None and may(request.actor, believed[0].needs)
    context["tried"] = {
        "text": _("If %(label)s %(at)s: %(result)s.")
        % {
            "label": row["label"] if row else _("it is"),
            "at": said,
            "result": words.option_names(tried),
        },
        "reset_url": reverse("planning:disruption", args=[pk]),
        "save_url": reverse("planning:estimate", args=[pk])
        if saves and found.state != Disruption.State.CLOSED
        else "",
        "values": [("name", name), ("back_at", value)],
    }
    return render_page(
        request,
        "planning/disruption.html",
        {"options": context, "d": {"pk": pk}},
        part="options",
    )
