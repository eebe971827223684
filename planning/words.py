"""Structured figures into words, in the reader's language, when a page is drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from materials.models import CustomerLine
from mes.models import Site
from mes.templatetags.downstream import duration, lateness, money, qty
from planning import rules
from planning.models import (
    Approval,
    Consent,
    Decision,
    Disruption,
    Instants,
    Option,
    StandingDecision,
)
from workorders.models import JobOrder

Facts = Mapping[str, Any]


def instant(text: str | None) -> datetime | None:
    """An instant of the figures (ISO 8601, UTC)."""
    return datetime.fromisoformat(text) if text else None


def amount(text: str | None) -> Decimal | None:
    return Decimal(text) if text is not None else None


def operation(order: str, number: int, name: str = "") -> str:
    said = _("%(order)s op %(number)s") % {"order": order, "number": number}
    return f"{said} · {name}" if name else said


def title(disruption: Disruption) -> str:
    """What went wrong, where: "CNC-04 down: spindle bearing alarm 2041"."""
    cause: Facts = disruption.cause
    code = disruption.subject_code
    kind = disruption.kind
    why = ", ".join(part for part in (cause.get("reason"), cause.get("note")) if part)
    if kind == Disruption.Kind.BREAKDOWN:
        said = _("%(unit)s down") % {"unit": code}
    elif kind == Disruption.Kind.SLOW:
        said = _("%(unit)s runs at %(percent)s %%") % {"unit": code, "percent": cause["percent"]}
    elif kind == Disruption.Kind.TOOL:
        said = _("%(tool)s lost") % {"tool": f"{code} {cause.get('tool_name', '')}".strip()}
        if left := int(cause.get("left", 0)):
            there = ngettext("%(left)d is left", "%(left)d are left", left) % {"left": left}
            said = f"{said}, {there}"
    elif kind == Disruption.Kind.ABSENCE:
        said = _absence(cause, code)
    elif kind == Disruption.Kind.HOLD:
        what = _("lot %(lot)s") % {"lot": cause["lot"]} if cause.get("lot") else _job(cause, code)
        said = _("Quality hold: %(what)s") % {"what": what}
        if cause.get("waits_too_long"):
            said = _("%(said)s, decision overdue") % {"said": said}
    elif kind == Disruption.Kind.RETURN:
        said = _("Return %(lot)s: %(customer)s wants %(quantity)s %(unit)s of %(item)s again") % {
            **_of_item(cause),
            "lot": cause.get("lot") or code,
            "customer": cause.get("customer", ""),
            "quantity": qty(cause.get("returned", 0)),
        }
    elif kind == Disruption.Kind.CHECK:
        said = _("Lot %(lot)s of %(item)s waits for its check") % {
            **_of_item(cause),
            "lot": cause.get("lot", code),
        }
    elif kind == Disruption.Kind.SCRAP:
        said = _("Scrap: %(count)s pcs on %(job)s") % {
            "count": qty(cause.get("scrap", 0)),
            "job": _job(cause, code),
        }
    elif kind == Disruption.Kind.SLIP:
        said = _("Running late: %(job)s") % {"job": _job(cause, code)}
        if cause.get("unit"):
            said = _("%(said)s on %(unit)s") % {"said": said, "unit": cause["unit"]}
        if cause.get("late_s"):
            said = f"{said}, {duration(cause['late_s'])}"
    elif kind == Disruption.Kind.SHORTAGE:
        said = _("%(missing)s %(unit)s of %(item)s missing in lot %(lot)s") % {
            **_of_item(cause),
            "missing": qty(cause.get("missing", 0)),
            "lot": cause.get("lot", code),
        }
    elif kind == Disruption.Kind.SUPPLY:
        said = _supply(cause, code)
    elif kind == Disruption.Kind.DEMAND:
        said = _demand(cause, code)
    elif kind == Disruption.Kind.QUEUE:
        said = _queue(cause, code)
    elif kind == Disruption.Kind.REFUSED:
        said = _("Not possible on %(unit)s: %(job)s, %(why)s") % {
            "unit": cause.get("unit", ""),
            "job": _job(cause, code),
            "why": _lower(JobOrder.WhyNot(cause["why"]).label),
        }
    elif kind == Disruption.Kind.CLOSURE:
        units = len({each["unit_id"] for each in cause.get("windows", [])})
        said = _("%(place)s closed") % {"place": code}
        if units > 1:
            said = _("%(said)s, %(count)d machines") % {"said": said, "count": units}
    else:
        return _("Known backlog")
    return f"{said}: {why}" if why else said


def _job(cause: Facts, code: str) -> str:
    if cause.get("order") and cause.get("number") is not None:
        return operation(str(cause["order"]), int(cause["number"]))
    return code


def _lower(said: Any) -> str:
    """A label inside a sentence."""
    text = str(said)
    return text[:1].lower() + text[1:]


def _queue(cause: Facts, code: str) -> str:
    """What was moved by hand: "Queue of CNC-04 changed: WO-2 op 10 from CNC-07"."""
    moved = []
    for job in cause.get("jobs", [])[:MOST_DEALS]:
        name = _job(job, str(job["job_id"]))
        if job["from"] != code:
            name = _("%(job)s from %(unit)s") % {"job": name, "unit": job["from"]}
        moved.append(name)
    more = len(cause.get("jobs", [])) - len(moved)
    if more > 0:
        moved.append(_("%(n)d more") % {"n": more})
    return _("Queue of %(unit)s changed: %(jobs)s") % {"unit": code, "jobs": ", ".join(moved)}


def _absence(cause: Facts, code: str) -> str:
    """Who is absent and what stands for it: "Petra Novak absent, CNC-07 stands"."""
    said = _("%(person)s absent") % {"person": cause.get("person", code)}
    units = list(dict.fromkeys(each["unit"] for each in cause.get("windows", [])))
    if not units:
        return _("%(said)s, others attend everything") % {"said": said}
    stands = ngettext("%(units)s stands", "%(units)s stand", len(units))
    return f"{said}, " + stands % {"units": _names(units)}


def _of_item(cause: Facts) -> dict[str, str]:
    return {"item": cause.get("item", ""), "unit": cause.get("item_unit", "")}


def _supply(cause: Facts, code: str) -> str:
    """What is wrong with a purchase: "PO-5521/1 overdue: SK-31 from Nordseal"."""
    missing = Decimal(cause.get("missing", "0"))
    until, promised = instant(cause.get("until")), instant(cause.get("promised"))
    if cause.get("overdue"):
        said = _("%(purchase)s overdue")
    elif until and promised and until > promised:
        said = _("%(purchase)s late")
    else:
        said = _("%(purchase)s short")
    said = said % {"purchase": code}
    whence = _("%(item)s from %(supplier)s") % {
        **_of_item(cause),
        "supplier": cause.get("supplier", ""),
    }
    if not missing:
        return f"{said}: {whence}"
    left_out = _("%(missing)s %(unit)s will not come") % {
        **_of_item(cause),
        "missing": qty(missing),
    }
    return f"{said}: {whence}, {left_out}"


def _demand(cause: Facts, code: str) -> str:
    """What a customer wants now: "Rush order SO-9/1: 60 pcs of HV-220 for Voss Agri"."""
    was: Facts = cause.get("was") or {}
    facts = {
        **_of_item(cause),
        "line": code,
        "customer": cause.get("customer", ""),
        "quantity": qty(cause.get("quantity", 0)),
        "was": qty(was.get("quantity", 0)),
    }
    if cause.get("change") == "ADDED":
        return _("Rush order %(line)s: %(quantity)s %(unit)s of %(item)s for %(customer)s") % facts
    if cause.get("change") == "CANCELLED":
        said = _("Cancelled: %(line)s, %(was)s %(unit)s of %(item)s for %(customer)s") % facts
        idle = ", ".join(cause.get("idle_orders") or [])
        if idle:
            said += " · " + _("made for nobody: %(orders)s") % {"orders": idle}
        return said
    if cause.get("change") == "DATED":
        return (
            _("New date for %(line)s: %(quantity)s %(unit)s of %(item)s for %(customer)s") % facts
        )
    return (
        _("%(line)s changed: %(quantity)s %(unit)s of %(item)s for %(customer)s, not %(was)s")
        % facts
    )


STATES = {
    "NEW": gettext_lazy("New"),
    "OPEN": gettext_lazy("Open"),
    "ACCEPTED": gettext_lazy("Accepted"),
    "SNOOZED": gettext_lazy("Snoozed"),
    "CLOSED": gettext_lazy("Closed"),
    "GROWING": gettext_lazy("Growing"),
    "BACK": gettext_lazy("Back again"),
}


def state(disruption: Disruption) -> str:
    """The state as a page says it: a growing one says so."""
    if disruption.growing and disruption.state in {"NEW", "OPEN"}:
        return "GROWING"
    came_back = disruption.back or disruption.cause.get("back_again")
    if disruption.state == "NEW" and came_back:
        return "BACK"
    return str(disruption.state)


def state_label(code: str) -> str:
    return str(STATES.get(code, code))


ENDINGS = {
    "REPAIRED": gettext_lazy("it runs again"),
    "RELEASED": gettext_lazy("the hold is released"),
    "RECOVERED": gettext_lazy("nothing is late by it any more"),
    "ABSORBED": gettext_lazy("the plan has room for it"),
    "FOUND": gettext_lazy("it was found"),
    "RECEIVED": gettext_lazy("it was received"),
    "AS_PROMISED": gettext_lazy("it comes as promised"),
    "SHIPPED": gettext_lazy("it was shipped"),
    "AS_BEFORE": gettext_lazy("it is as before"),
    "CORRECTED": gettext_lazy("the report was corrected"),
    "REOPENED": gettext_lazy("it works as ever"),
    "OVER": gettext_lazy("its time is over"),
    "BACK": gettext_lazy("the person is there again"),
    "DECIDED": gettext_lazy("quality has decided"),
    "WITHDRAWN": gettext_lazy("it was taken back"),
    "AS_USUAL": gettext_lazy("it runs as usual"),
    "SOLVED": gettext_lazy("it can be done there"),
}


def closed(reason: str) -> str:
    """Why a disruption closed: by itself, or in the words of who closed it."""
    return str(ENDINGS.get(reason, reason))


def times(disruption: Disruption) -> str:
    """How often it came within the hour: "5 stops"."""
    if disruption.kind == Disruption.Kind.BREAKDOWN:
        return _("%(n)d stops") % {"n": disruption.occurrences}
    return _("%(n)d times") % {"n": disruption.occurrences}


def option_name(option: Option) -> str:
    """The act, in words: "CNC-07 takes 3 operations, 2 h overtime"."""
    return name_of(option.kind, option.figures.get("facts", {}))


def name_of(kind: str, facts: Facts) -> str:
    if kind == "DO_NOTHING":
        return _("Do nothing")
    if kind == "OUTSIDE":
        return _("Solved outside")
    parts = []
    moves = facts.get("moves") or []
    if moves:
        by_unit: dict[str, int] = {}
        for move in moves:
            by_unit[move["to"]] = by_unit.get(move["to"], 0) + 1
        parts += [
            ngettext(
                "%(unit)s takes %(count)d operation",
                "%(unit)s takes %(count)d operations",
                count,
            )
            % {"unit": unit, "count": count}
            for unit, count in by_unit.items()
        ]
    if facts.get("sequence"):
        found = kind == "REOPTIMISE"
        said = _("best sequence found for %(units)s") if found else _("new sequence on %(units)s")
        parts.append(said % {"units": ", ".join(facts["sequence"])})
    overtime: dict[str, list[int]] = {}
    for window in facts.get("windows") or []:
        overtime.setdefault(window["unit"], []).append(int(window["seconds"]))
    for unit, stretches in overtime.items():
        said = _("%(hours)s overtime on %(unit)s") % {
            "hours": duration(sum(stretches)),
            "unit": unit,
        }
        if len(stretches) > 1:
            said = _("%(overtime)s in %(n)d shifts") % {"overtime": said, "n": len(stretches)}
        parts.append(said)
    parts += _deals(facts)
    if kind == "SUBCONTRACT" and moves:
        parts[0] = _("%(jobs)s made outside: %(said)s") % {
            "jobs": ", ".join(operation(move["order"], move["number"]) for move in moves[:3]),
            "said": parts[0],
        }
    if kind == "MINE":
        own = _("My own plan")
        return _("%(own)s: %(what)s") % {"own": own, "what": ", ".join(parts)} if parts else own
    name = ", ".join(parts) or str(IDEAS.get(kind, _("Change the plan")))
    return name[0].upper() + name[1:]


def kind_name(kind: str) -> str:
    """A kind of answer, for a table."""
    own = {
        "DO_NOTHING": _("Do nothing"),
        "MINE": _("My own plan"),
        "OUTSIDE": _("Solved outside"),
    }
    return own.get(kind) or str(IDEAS.get(kind, kind.replace("_", " ").capitalize()))


def changes(facts: Facts, zone: ZoneInfo) -> list[str]:
    """What an answer changes, a sentence each, none left out."""
    said = [
        _("%(job)s goes to %(unit)s")
        % {"job": operation(move["order"], move["number"]), "unit": move["to"]}
        for move in facts.get("moves") or []
    ]
    said += [_("%(unit)s gets a new sequence") % {"unit": u} for u in facts.get("sequence") or []]
    for window in facts.get("windows") or []:
        hours = duration(int(window["seconds"]))
        said.append(_("%(unit)s works %(hours)s longer") % {"unit": window["unit"], "hours": hours})
    said += [_deal(deal, zone.key) for deal in facts.get("deals") or []]
    return [each[0].upper() + each[1:] for each in said]


def _deals(facts: Facts) -> list[str]:
    """What is agreed with others, a phrase each; several new dates are one phrase."""
    deals: Sequence[Facts] = facts.get("deals") or []
    promises = [deal for deal in deals if deal["kind"] == "set_promise"]
    zone = str(facts.get("zone") or "UTC")
    parts = []
    if len(promises) > 1:
        names = list(dict.fromkeys(deal["customer"] for deal in promises))
        parts.append(_("ask %(names)s for new dates") % {"names": _names(names)})
        deals = [deal for deal in deals if deal["kind"] != "set_promise"]
    # What is bought or made for who is short is kept for him: that goes without saying.
    if any(deal["kind"] in ("add_purchase", "add_order", "order_rework") for deal in deals):
        deals = [deal for deal in deals if deal["kind"] != "reserve"]
    said, deals = _covered(deals, zone)
    said += [_deal(deal, zone) for deal in deals]
    if len(said) > MOST_DEALS:
        more = len(said) - MOST_DEALS
        said = [*said[:MOST_DEALS], _("%(n)d more") % {"n": more}]
    return [*parts, *said]


def _covered(deals: Sequence[Facts], zone: str) -> tuple[list[str], list[Facts]]:
    """Who attends what in several shifts, a phrase each; and the deals that are left."""
    shifts: dict[tuple[str, str], list[Facts]] = {}
    for deal in deals:
        if deal["kind"] == "cover_window":
            shifts.setdefault((deal["person"], deal["to"]), []).append(deal)
    several = {key: each for key, each in shifts.items() if len(each) > 1}
    said = [
        _("%(person)s attends %(unit)s in %(n)d shifts from %(at)s to %(until)s")
        % {
            "person": person,
            "unit": unit,
            "n": len(each),
            "at": _day(min(deal["at"] for deal in each), zone, hour=True),
            "until": _day(max(deal["until"] for deal in each), zone, hour=True),
        }
        for (person, unit), each in several.items()
    ]
    left = [
        deal
        for deal in deals
        if deal["kind"] != "cover_window" or (deal["person"], deal["to"]) not in several
    ]
    return said, left


def _names(names: Sequence[str]) -> str:
    if len(names) < 2:
        return "".join(names)
    if len(names) > MOST_NAMES:
        more = _("%(n)d more") % {"n": len(names) - MOST_NAMES + 1}
        names = [*names[: MOST_NAMES - 1], more]
    return _("%(some)s and %(last)s") % {"some": ", ".join(names[:-1]), "last": names[-1]}


def _day(text: str | None, zone: str, *, hour: bool = False) -> str:
    at = instant(text)
    if at is None:
        return _("no date")
    local = at.astimezone(ZoneInfo(zone))
    day = date_format(local, "D j M")
    return f"{day} {local:%H:%M}" if hour else day


def _deal(deal: Facts, zone: str) -> str:
    given = {
        **deal,
        "qty": qty(deal["qty"]) if "qty" in deal else "",
        "day": _day(deal.get("at"), zone),
        "at": _day(deal.get("at"), zone, hour=True),
        "from": _day(deal.get("from"), zone, hour=True),
        "until": _day(deal.get("until"), zone, hour=True),
        "old": _day(deal.get("was"), zone),
    }
    kind = deal["kind"]
    if kind == "set_promise":
        said = _("ask %(customer)s for %(day)s instead of %(old)s (%(line)s)")
    elif kind == "ship_partial":
        said = _("ship %(qty)s %(unit)s of %(line)s ahead, the rest later")
    elif kind == "set_freight":
        said = _("send %(line)s by %(mode)s") if deal.get("mode") else _("send %(line)s as usual")
    elif kind == "set_purchase_date":
        said = _("expedite %(purchase)s: %(at)s instead of %(old)s")
    elif kind == "add_purchase":
        said = _("buy %(qty)s %(unit)s of %(item)s from %(supplier)s, here %(at)s")
    elif kind == "substitute":
        said = _("%(job)s takes %(item)s instead of %(instead_of)s")
    elif kind == "reserve":
        said = _("%(taker)s takes %(qty)s %(unit)s of %(item)s from %(source)s")
    elif kind == "unreserve":
        said = _("%(taker)s gives back %(qty)s %(unit)s of %(item)s from %(source)s")
    elif kind == "keep_safety":
        said = _("use the safety stock of %(item)s")
    elif kind == "park_order" and deal.get("at"):
        said = _("park %(order)s until %(at)s")
    elif kind == "park_order":
        said = _("begin %(order)s now")
    elif kind == "split_job":
        said = _("split %(job)s: %(qty)s pieces go to %(to)s")
    elif kind == "merge_job":
        said = _("%(job)s makes all of its pieces again")
    elif kind == "add_order":
        said = _("make %(qty)s %(unit)s of %(item)s once more")
    elif kind == "cover_window":
        said = _("%(person)s attends %(to)s from %(at)s to %(until)s")
    elif kind == "uncover_window":
        said = _("nobody attends %(to)s from %(at)s to %(until)s")
    elif kind == "remove_order":
        said = _("%(order)s is not made")
    elif kind == "repair_for_now":
        said = _(
            "repair %(to)s for now: back %(at)s at %(percent)s %%, fully repaired"
            " from %(from)s to %(until)s"
        )
    elif kind == "concede":
        said = _("use lot %(lot)s of %(item)s as it is, agreed by %(at)s")
    elif kind == "order_rework" and deal["as_is"]:
        said = _("use %(qty)s %(unit)s of %(item)s that %(job)s lost as they are")
    elif kind == "order_rework" and deal.get("lot"):
        said = _("rework %(qty)s %(unit)s of lot %(lot)s at %(to)s")
    elif kind == "order_rework":
        said = _("rework %(qty)s %(unit)s of %(item)s that %(job)s lost at %(to)s")
    elif deal.get("qty", "0") == "0":
        said = _("%(job)s waits for the whole step before it")
    else:
        said = _("%(job)s starts with %(qty)s pieces of the step before it")
    return str(said % given)


MOST_DEALS = 3
MOST_NAMES = 4
CONSENT_ROLES = {
    "OVERTIME": "SUPERVISOR",
    "CREW": "SUPERVISOR",
    "CUSTOMER": "SALES",
    "SUPPLIER": "BUYER",
    "QUALITY": "QUALITY",
    "REPAIR": "MAINTENANCE",
}


def consent(each: Facts) -> str:
    """Whose yes an option needs."""
    return {
        "CREW": _("%(name)s has to take the shift (%(about)s)"),
        "CUSTOMER": _("%(name)s has to agree (%(about)s)"),
        "SUPPLIER": _("the supplier has to confirm (%(name)s)"),
        "QUALITY": _("quality has to agree (%(about)s)"),
        "REPAIR": _("maintenance has to agree (%(about)s)"),
    }[str(each["who"])] % {"name": each["name"], "about": each["about"]}


def consents(figures: Facts) -> list[str]:
    """Each yes that an option needs, once; those of many customers as one."""
    found: Sequence[Facts] = figures.get("consents", [])
    customers = list(dict.fromkeys(each["name"] for each in found if each["who"] == "CUSTOMER"))
    if len(customers) > MOST_DEALS:
        asked = _("%(n)d customers have to agree") % {"n": len(customers)}
        return [asked, *(consent(each) for each in found if each["who"] != "CUSTOMER")]
    return list(dict.fromkeys(consent(each) for each in found))


def ask(each: Facts) -> str:
    """The task of who gets that yes."""
    said = _deal(each, str(each.get("zone") or "UTC"))
    return _("Get the yes: %(said)s.") % {"said": said}


def option_sub(option: Option) -> str:
    """What stands small under an option's name: what it needs and how much it moves."""
    figures = option.figures
    if option.kind == Option.Kind.DO_NOTHING:
        return _("What the floor would do unasked")
    if option.kind == Option.Kind.OUTSIDE:
        return _("Something that the plan does not know of; say what was done")
    parts = []
    if option.kind == Option.Kind.MINE:
        if not option.changes:
            return _("Your own moves, with the same projection and the same costs")
        parts.append(_("by %(who)s") % {"who": figures.get("by", "")})
    if windows := figures.get("facts", {}).get("windows"):
        hours = duration(sum(int(window["seconds"]) for window in windows))
        parts.append(_("%(hours)s overtime to confirm") % {"hours": hours})
    if moved := len(figures.get("moved", [])):
        parts.append(
            ngettext("%(n)d operation moves", "%(n)d operations move", moved) % {"n": moved}
        )
    deals = figures.get("facts", {}).get("deals") or []
    if split := sum(deal["kind"] == "split_job" for deal in deals):
        parts.append(
            ngettext("%(n)d operation on two machines", "%(n)d operations on two machines", split)
            % {"n": split}
        )
    if frozen := figures.get("frozen_moved"):
        parts.append(_("%(n)d of them frozen") % {"n": frozen})
    if hurt := len(figures.get("hurt", [])):
        parts.append(
            ngettext("%(n)d other line later", "%(n)d other lines later", hurt) % {"n": hurt}
        )
    return " · ".join(part for part in parts if part) or _("nothing moves")


def option_names(options: Sequence[Option]) -> str:
    """The best answer of a list in one phrase."""
    offered = [o for o in options if o.verdict == "OFFERED" and o.kind not in ("MINE", "OUTSIDE")]
    if not offered:
        return _("no option helps")
    best = offered[0]
    return _("%(name)s is best") % {"name": option_name(best)}


def side_effects(option: Option) -> str:
    """Whom an option makes later, in a sentence."""
    hurt = option.figures.get("hurt", [])
    if not hurt:
        retimed = option.figures.get("retimed", 0)
        if not retimed:
            return ""
        return _("%(n)d operations get other times; no other customer line is later.") % {
            "n": retimed
        }
    named = ", ".join(f"{hit['customer']} {hit['line']}" for hit in hurt[:3])
    return _("Later because of it: %(lines)s.") % {"lines": named}


def tells(option: Option) -> str:
    """Which stations hear of it at once."""
    facts = option.figures.get("facts", {})
    units = [move["to"] for move in facts.get("moves") or []]
    units += list(facts.get("sequence") or [])
    units += [window["unit"] for window in facts.get("windows") or []]
    for deal in facts.get("deals") or []:
        units += [deal["to"]] if deal.get("to") else deal.get("units") or []
    told = ", ".join(dict.fromkeys(units))
    return _("Tells %(units)s.") % {"units": told} if told else ""


FIGURES = {
    "money": gettext_lazy("money"),
    "late_value": gettext_lazy("late value"),
    "late_lines": gettext_lazy("late lines"),
    "promises": gettext_lazy("customers to ask"),
    "weight": gettext_lazy("how much it moves"),
}


def beaten(option: Option) -> str:
    """Which figure beat an option."""
    found = option.figures.get("beaten") or {}
    figure = str(FIGURES.get(found.get("figure", ""), found.get("figure", "")))
    if not figure:
        return _("worse than the others in every figure")
    return _("beaten by %(other)s on %(figure)s") % {
        "other": str(found.get("by", "")).replace("-", " "),
        "figure": figure.replace("_", " "),
    }


IDEAS = {
    "RESEQUENCE": gettext_lazy("Another sequence"),
    "ALTERNATE_UNIT": gettext_lazy("Another machine"),
    "OVERTIME": gettext_lazy("Overtime"),
    "COMBINE": gettext_lazy("Several together"),
    "NEW_PROMISE": gettext_lazy("A new date"),
    "PARTIAL_SHIPMENT": gettext_lazy("Partial shipment"),
    "FASTER_FREIGHT": gettext_lazy("Faster freight"),
    "EXPEDITE": gettext_lazy("Expedite the purchase"),
    "OTHER_SUPPLIER": gettext_lazy("Another supplier"),
    "SUBSTITUTE": gettext_lazy("A substitute"),
    "USE_SAFETY": gettext_lazy("Stock below safety"),
    "REPEG": gettext_lazy("Take it from another demand"),
    "OVERLAP": gettext_lazy("Overlap the steps"),
    "PULL_FORWARD": gettext_lazy("Pull other work forward"),
    "PARK": gettext_lazy("Park another order"),
    "SUBCONTRACT": gettext_lazy("Have it made outside"),
    "REOPTIMISE": gettext_lazy("The best sequence found"),
    "SPLIT": gettext_lazy("Split a job"),
    "REMAKE": gettext_lazy("Make it once more"),
    "CREW": gettext_lazy("Another person takes the shift"),
    "REWORK": gettext_lazy("Rework it"),
    "CONCESSION": gettext_lazy("Use it as it is"),
    "TEMPORARY_REPAIR": gettext_lazy("Repair it for now"),
}


def impossible(option: Option) -> str:
    """Why an option can't be taken."""
    if option.figures.get("gone"):
        return _("the plan has changed since")
    refusal = option.figures.get("refusal") or {}
    why = reason(str(refusal.get("why", "")))
    return f"{refusal['label']}: {why}" if refusal.get("label") else why


WHATS = {
    "PENALTY_PERCENT": gettext_lazy("Penalty, share of the value"),
    "PENALTY_DAY": gettext_lazy("Penalty a day"),
    "LINE_STOP": gettext_lazy("Customer's line stands"),
    "LATENESS_WEIGHT": gettext_lazy("Goodwill"),
    "CAP": gettext_lazy("Cap"),
    "NO_DATE": gettext_lazy("No date: counted at its cap"),
    "OVERTIME": gettext_lazy("Overtime"),
    "SETUP": gettext_lazy("Set-up"),
    "MACHINE": gettext_lazy("Machine hours"),
    "MOVE": gettext_lazy("Moves, for the ranking only"),
    "NEW_PROMISE": gettext_lazy("Goodwill of a new promise"),
    "FREIGHT": gettext_lazy("Freight"),
    "EXPEDITE": gettext_lazy("Expediting"),
    "PURCHASE": gettext_lazy("Price above standard cost"),
    "ORDER_FEE": gettext_lazy("Order fee"),
    "SUBSTITUTE": gettext_lazy("Substitute, above what it replaces"),
    "MATERIAL": gettext_lazy("Material, at standard cost"),
    "SUBCONTRACT": gettext_lazy("Made outside"),
    "SUBCONTRACT_ORDER": gettext_lazy("Outside: transport and papers"),
    "MAKESHIFT": gettext_lazy("Repair for now, besides the full one"),
    "CONCESSION": gettext_lazy("Concession: papers and tests"),
    "PART": gettext_lazy("Spared by the part that ships ahead"),
    "LATE": gettext_lazy("Lateness, no rate"),
}


# What is a share of a sum; its rate is millionths.
SHARES = frozenset({"PENALTY_PERCENT", "NEW_PROMISE"})


def cost_line(row: Facts) -> dict[str, Any]:
    """One addend of a sum: what for, quantity x rate, by whose word."""
    per = str(row.get("per", ""))
    why = ""
    if row.get("quantity"):
        why = f"{_measure(row['quantity'], per)} × {_rate(row.get('rate'), per)}"
    if row["what"] in SHARES:
        share = format(Decimal(int(row["rate"])).scaleb(-4).normalize(), "f")
        why = _("%(share)s %% of %(base)s") % {"share": share, "base": qty(Decimal(row["base"]))}
        if int(row["quantity"]) > 1:
            why = f"{_measure(row['quantity'], 'day')} × {why}"
    label = str(WHATS.get(row["what"], row["what"]))
    return {
        "label": f"{label}: {row['label']}" if row.get("label") else label,
        "why": " · ".join(part for part in (why, str(row.get("source", ""))) if part),
        "sum": {"cash": _("cash"), "estimate": _("estimate"), "weight": _("ranking")}.get(
            row["sum"], row["sum"]
        ),
        "amount": amount(row["amount"]),
    }


def _measure(value: Any, per: str) -> str:
    if per in ("hour", "h"):
        return str(duration(int(value)))
    if per == "3600":
        return str(duration(int(value)))
    if per == "1000000":
        return str(qty(Decimal(int(value)).scaleb(-6)))
    if per == "day":
        return ngettext("%(n)s day", "%(n)s days", int(value)) % {"n": value}
    return str(value)


def _rate(rate: Any, per: str) -> str:
    if rate is None:
        return _("unknown")
    said = format(Decimal(int(rate)).scaleb(-4).normalize(), "f")
    unit = {"3600": "h", "1000000": "", "1": ""}.get(per, per)
    return f"{said}/{unit}" if unit else said


def flip(found: Facts | None, options: Sequence[Option], zone: ZoneInfo) -> str:
    """As long as what the best option is best: its flip point."""
    if not found:
        return ""
    by_slug = {option.slug: option_name(option) for option in options}
    said = instant(found.get("at"))
    at = said.astimezone(zone) if said else None
    return _("%(best)s is best as long as %(unit)s is back %(side)s %(at)s; else %(other)s.") % {
        "best": by_slug.get(found["best"], found["best"]),
        "other": by_slug.get(found["other"], found["other"]),
        "unit": found.get("unit", ""),
        "side": _("before") if found.get("later") else _("after"),
        "at": f"{date_format(at, 'D j M')} {at:%H:%M}" if at else "",
    }


# Assumptions for which history gives a guess where nobody said anything.
GUESSED = frozenset({"UNIT_BACK", "UNIT_FULL", "TOOL_BACK", "LOT_FREE", "JOB_FREE"})


# What is believed to happen at an instant, and may be tried at another.
BELIEVED = {"UNIT_BACK", "UNIT_FULL", "TOOL_BACK", "LOT_FREE", "JOB_FREE", "SUPPLY_COMES"}


def assumption(found: Facts, zone: ZoneInfo) -> dict[str, Any]:
    """One line of what the figures rest on; an instant can be tried at another value."""
    labels = {
        "UNIT_BACK": _("%(label)s is back"),
        "UNIT_FULL": _("%(label)s runs as usual"),
        "TOOL_BACK": _("%(label)s is there again"),
        "LOT_FREE": _("Lot %(label)s is decided"),
        "JOB_FREE": _("The hold on %(label)s is decided"),
        "SUPPLY_COMES": _("Purchase %(label)s comes"),
        "PROPOSED": _("%(label)s could be there, ordered now"),
        "ON_RATE": _("%(label)s goes on as it did and ends"),
        "LEARNED_RATE": _("%(label)s takes, against the standard"),
        "UNIT_RATE": _("%(label)s runs at"),
        "STANDARD_ELSEWHERE": _("%(label)s takes its routing's time elsewhere"),
    }
    kind = str(found["kind"])
    at = instant(found["value"]) if isinstance(found.get("value"), str) else None
    local = at.astimezone(zone) if at else None
    shown = f"{date_format(local, 'D j M')} {local:%H:%M}" if local else str(found.get("value", ""))
    if kind in ("LEARNED_RATE", "UNIT_RATE"):
        shown = f"{Decimal(int(found['value'])).scaleb(-4):.0f} %"
    elif kind == "STANDARD_ELSEWHERE":
        shown = _("%(seconds)s s a piece") % {"seconds": Decimal(int(found["value"])).scaleb(-6)}
    source = str(found.get("source", ""))
    if found.get("guess") and kind in GUESSED:
        source = guess_source(source, int(found.get("n", 0)))
    label = labels.get(kind, "%(label)s")
    return {
        "name": f"{kind}:{found['id']}",
        "label": label % {"label": found.get("label", "")},
        "value": shown,
        "source": source,
        "source_url": "",
        "type": "datetime-local" if kind in BELIEVED else "",
        "input_value": f"{local:%Y-%m-%dT%H:%M}" if local else "",
        "unit": "",
        "choices": (),
        "tried": False,
        "was": "",
    }


def reason(code: str) -> str:
    """Why something has no date, or why an option is not possible."""
    return {
        "NONE": "",
        "HOLD": _("on hold without a date"),
        "UNIT_DOWN": _("machine down without an estimate"),
        "TOOL": _("its tool is lost without an estimate"),
        "SUPPLY": _("its material is on hold"),
        "NO_WORK_ORDER": _("no work order makes it"),
        "CYCLE": _("waits for itself in a circle"),
        "HORIZON": _("beyond the planning horizon"),
        "RUNNING": _("the job is already running"),
        "DONE": _("the job is done"),
        "PINNED": _("the job is pinned"),
        "FROZEN": _("inside the frozen window"),
        "NOT_ELIGIBLE": _("no other machine can do it"),
        "QUEUE_MOVED": _("the queue has changed"),
        "WINDOW_EMPTY": _("no free time to open"),
        "WINDOW_PAST": _("that time is over"),
        "WINDOW_LATE": _("too late to help"),
        "NOT_DOWN": _("the machine is not down"),
        "WINDOW_TAKEN": _("there is overtime then already"),
        "WINDOW_MISSING": _("the overtime is gone"),
        "NO_ALTERNATE": _("no other machine can do it"),
        "ALTERNATE_DOWN": _("the other machine is down"),
        "NO_GAP": _("it works around the clock"),
        "NOTHING_TO_MOVE": _("no job waits that may be moved"),
        "ESTIMATE_PAST": _("that time is over"),
        "UNKNOWN": _("it is not in the plan any more"),
        "NO_PROMISE": _("nothing was promised yet"),
        "DATE_PAST": _("that time is over"),
        "SAME": _("it is so already"),
        "QUANTITY": _("that quantity can't be"),
        "NOTHING_READY": _("no part of it is there in time"),
        "NO_FASTER": _("nothing travels faster"),
        "COUNTS_AT_SHIPPING": _("its customer counts the day on which it ships"),
        "STARTED": _("the job has begun"),
        "TAKES_IT": _("the job takes that item already"),
        "OTHER_ITEM": _("that is another item"),
        "NOT_ENOUGH": _("there is not enough of it"),
        "NOT_EXPEDITED": _("its supplier delivers no faster"),
        "NOTHING_ORDERED": _("nothing of it is on order"),
        "NO_QUOTE": _("no supplier quotes it sooner"),
        "NO_SUBSTITUTE": _("nothing is released to stand in for it"),
        "NO_STOCK": _("not enough of it lies free"),
        "SAFETY_USED": _("the plan counts on its safety stock already"),
        "NOBODY_LATER": _("nobody who could wait has enough of it"),
        "OWN_BOUND": _("its operations have bounds of their own"),
        "OVERLAPS": _("its batches can't be smaller"),
        "NOTHING_AHEAD": _("no order that could wait stands before it"),
        "NOTHING_WAITS": _("no order waits for its release"),
        "NO_OUTSIDE": _("nobody outside can do it"),
        "BEST_ORDER": _("no better order was found"),
        "NO_LIKE_UNIT": _("no other machine that runs can do it"),
        "FED_IN_BATCHES": _("its pieces still come batch by batch"),
        "NO_NUMBER": _("no number is free between its step and the next"),
        "WHOLE_ELSEWHERE": _("the other machine makes all of it sooner"),
        "SOONER_HERE": _("it is done here before the other machine is free"),
        "BOUND": _("it is pinned or on hold"),
        "SPLIT": _("it was split"),
        "NOBODY_ABLE": _("nobody else who can attend it is free then"),
        "NO_ROUTING": _("nobody says how it is made"),
        "NO_MAKESHIFT": _("nobody says how it could be repaired for now"),
        "RUNS": _("it is not down"),
        "SLOW_ALREADY": _("it is slow already"),
        "BACK_SOONER": _("it is back before that would be done"),
        "NOT_OURS": _("it is bought; nobody here reworks it"),
        "SAID_NO": _("quality refused to let it be used as it is"),
        "DECIDED_SOONER": _("quality decides sooner than that"),
    }.get(code, code.replace("_", " ").lower())


def why_late(why: Facts | None, now: datetime, zone: ZoneInfo) -> str:
    """What a late line waits for, in one sentence; "" if nobody knows."""
    if not why:
        return ""
    code, term = why["code"], why["term"]
    at = datetime.fromtimestamp(why["at"], UTC) if why["at"] is not None else None
    when = moment(at, now, zone)
    queue = ""
    if why["queue_s"] >= rules.HOUR:
        queue = _("%(unit)s has %(time)s of work before it") % {
            "unit": why["unit"],
            "time": duration(why["queue_s"]),
        }
    if queue and term in ("RUNNING", "NOW", "NOT_BEFORE"):
        return queue
    says = {
        "UNIT_DOWN": _("%(code)s is down, back %(when)s"),
        "TOOL": _("tool %(code)s is lost, there again %(when)s"),
        "SUPPLY": _("waits for %(code)s, expected %(when)s"),
        "HELD": _("%(code)s is on hold, expected %(when)s"),
        "CHECK": _("waits for the check of %(code)s, expected %(when)s"),
        "REFUSED": _("operation %(code)s is not possible where it stands"),
        "UNCOVERED": _("nothing covers %(code)s before %(when)s"),
        "RUNNING": _("operation %(code)s runs until %(when)s"),
        "NOT_BEFORE": _("operation %(code)s is not released before %(when)s"),
        "HOLD": _("operation %(code)s is on hold until %(when)s"),
        "NOW": _("operation %(code)s has not begun"),
        "PROMISE": _("promised sooner than it can be there"),
    }
    if term == "NO_DATE":
        said = f"{code}: {reason(why['reason'])}"
    elif at is None and term in ("UNIT_DOWN", "TOOL", "SUPPLY", "HELD", "CHECK", "UNCOVERED"):
        undated = {
            "UNIT_DOWN": _("%(code)s is down, nobody knows until when"),
            "TOOL": _("tool %(code)s is lost, nobody knows until when"),
            "SUPPLY": _("%(code)s comes nobody knows when"),
            "HELD": _("%(code)s is on hold without a date"),
            "CHECK": _("waits for the check of %(code)s, nobody knows until when"),
            "UNCOVERED": _("nothing covers %(code)s"),
        }
        said = undated[term] % {"code": code}
    else:
        said = says.get(term, "") % {"code": code, "when": when}
    return f"{said}; {queue}" if queue else said


def guess_source(code: str, n: int) -> str:
    """Where a guess comes from, for the assumption's line."""
    known = {
        "REASON": _("guess: half of %(n)d earlier ones with this reason were over by then"),
        "UNIT": _("guess: half of %(n)d earlier ones here were over by then"),
        "SITE": _("guess: half of %(n)d earlier ones in the plant were over by then"),
    }
    if code in known:
        return known[code] % {"n": n}
    return _("guess: no history yet, a rule of thumb")


def whole_money(value: Decimal, site: Site) -> str:
    return str(money(value, site))


def late_words(seconds: int) -> str:
    return str(lateness(seconds))


def absorbed(figures: Facts | None) -> str:
    """Why nothing ships late: "3 h of slack on WO-1042"."""
    if not figures:
        return ""
    said = _("%(slack)s of slack") % {"slack": duration(figures.get("slack_s", 0))}
    order = figures.get("order")
    return _("%(said)s on %(order)s") % {"said": said, "order": order} if order else said


def line_level(late_s: int, cash: int) -> int:
    """1 a line that costs a penalty, 2 another late one, 4 on time; as the inbox ranks."""
    if late_s <= 0:
        return 4
    return 1 if cash > 0 else 2


def delivery(line: CustomerLine, times: Instants | None) -> datetime | None:
    """When a line ships or arrives by projection, on its customer's basis."""
    if times is None:
        return None
    _ready, ship, arrive = times
    return arrive if line.order.customer.basis == "ARRIVE" else ship


def event_text(kind: str, body: Facts) -> str:
    """One line of a history, from an event's kind and body."""
    known = {
        "equipment.unit.went_down": _("Machine down"),
        "equipment.estimate.changed": _("New estimate of the return"),
        "equipment.unit.came_up": _("Machine runs again"),
        "equipment.unit.slowed_down": _("Runs slow"),
        "equipment.slowdown.changed": _("New word of how slow"),
        "equipment.unit.ran_as_usual": _("Runs as usual again"),
        "equipment.makeshift.planned": _("To be repaired for now"),
        "equipment.makeshift.dropped": _("Not to be repaired for now"),
        "equipment.tool.lost": _("Tool lost"),
        "equipment.loss.changed": _("New estimate of the return"),
        "equipment.tool.found": _("Tool there again"),
        "workorders.person.absent": _("Absent"),
        "workorders.absence.changed": _("What stands for an absence changed"),
        "workorders.person.back": _("Not absent any more"),
        "equipment.place.opened": _("Shift added"),
        "equipment.place.opening_ended": _("Added shift taken back"),
        "equipment.place.closed": _("Closed for a time"),
        "equipment.place.reopened": _("Works as ever again"),
        "equipment.window.added": _("Working time added"),
        "equipment.window.removed": _("Working time taken out"),
        "workorders.order.created": _("Order made"),
        "workorders.order.released": _("Released"),
        "workorders.order.closed": _("Closed"),
        "workorders.order.due_set": _("Due at another time"),
        "workorders.job.started": _("Started"),
        "workorders.job.stopped": _("Stopped"),
        "workorders.job.resumed": _("Went on"),
        "workorders.job.finished": _("Finished"),
        "workorders.queue.set": _("Queue changed"),
        "workorders.job.split": _("Split"),
        "workorders.job.merged": _("Put together again"),
        "workorders.job.moved": _("Moved"),
        "workorders.job.refused": _("Not possible here"),
        "workorders.job.possible": _("Possible after all"),
        "workorders.fact.unsettled": _("Kept to be settled"),
        "workorders.fact.settled": _("Settled"),
        "materials.stock.received": _("Received"),
        "materials.receipt.corrected": _("Receipt taken back"),
        "materials.stock.moved": _("Moved"),
        "materials.stock.counted": _("Counted"),
        "materials.purchase.added": _("Ordered"),
        "materials.purchase.expected": _("New word of the supplier"),
        "materials.line.added": _("Ordered"),
        "materials.line.changed": _("Changed by the customer"),
        "materials.line.cancelled": _("Cancelled by the customer"),
        "materials.line.restored": _("Wanted again"),
        "materials.line.promised": _("Promised anew"),
        "materials.line.shipped": _("Shipped"),
        "workorders.call.raised": _("Help called"),
        "workorders.call.taken": _("Call answered"),
        "workorders.call.arrived": _("Somebody came"),
        "workorders.call.ended": _("Call ended"),
        "workorders.call.cancelled": _("Call taken back"),
        "workorders.call.escalated": _("Call passed on"),
        "quality.hold.placed": _("Put on hold"),
        "quality.hold.released": _("Released from hold"),
        "quality.concession.asked": _("To be used as it is, if quality agrees"),
        "quality.concession.withdrawn": _("Not to be used as it is"),
        "workorders.order.mends": _("Rework ordered"),
        "materials.return.received": _("Came back from the customer"),
        "materials.return.taken_back": _("Return taken back"),
        "quality.check.waits": _("The check waits too long"),
        "quality.check.expected": _("Quality said when it decides"),
        "quality.check.withdrawn": _("The check does not wait"),
        "quality.lot.decided": _("Decided by quality"),
        "planning.option.accepted": _("Option accepted"),
        "planning.decision.undone": _("Decision undone"),
        "planning.disruption.handled": _("Handled"),
    }
    if kind in ("workorders.production.reported", "workorders.report.corrected"):
        said = ", ".join(
            f"{qty(body[name])} {word}"
            for name, word in (
                ("good", _("good")),
                ("scrap", _("scrap")),
                ("rework", _("rework")),
            )
            if body.get(name) and Decimal(str(body[name]))
        )
        if kind == "workorders.report.corrected":
            return _("Taken back: %(what)s") % {"what": said}
        return _("Reported: %(what)s") % {"what": said}
    if body.get("kind") == "CLOSED":
        known["equipment.window.added"] = known["equipment.place.closed"]
        known["equipment.window.removed"] = known["equipment.place.reopened"]
    said = str(known.get(kind, kind.rsplit(".", 1)[-1].replace("_", " ")))
    note = body.get("reason") or body.get("note")
    return f"{said}: {note}" if isinstance(note, str) and note else said


def moment(at: datetime | None, now: datetime, zone: ZoneInfo) -> str:
    """An instant in the plant's zone: 09:42 today, else Wed 25 Nov 10:00."""
    if at is None:
        return ""
    local = at.astimezone(zone)
    if local.date() == now.astimezone(zone).date():
        return f"{local:%H:%M}"
    return f"{date_format(local, 'D j M')} {local:%H:%M}"


def local_instant(said: str, zone: str) -> datetime | None:
    """What a datetime-local field says, in the plant's zone; None where it is no time."""
    try:
        return datetime.fromisoformat(said).replace(tzinfo=ZoneInfo(zone))
    except ValueError:
        return None


def clock(at: datetime, zone: str) -> str:
    """The time on the wall of a plant: 11:31."""
    return at.astimezone(ZoneInfo(zone)).strftime("%H:%M")


def footprint_row(name: str, codes: Mapping[str, str]) -> str:
    """A row that an option changes, for a person: "the queue of CNC-07"."""
    kind, _colon, number = name.partition(":")
    code = codes.get(name, number)
    known = {
        "queue": _("the queue of %(code)s"),
        "calendar": _("the working time of %(code)s"),
        "job": _("job %(code)s"),
        "line": _("customer line %(code)s"),
        "purchase": _("purchase %(code)s"),
        "material": _("the material of %(code)s"),
        "order": _("order %(code)s"),
        "lot": _("lot %(code)s"),
        "item": _("item %(code)s"),
        "link": _("how %(code)s is fed"),
        "reserved": _("what is kept for %(code)s"),
    }
    return known[kind] % {"code": code} if kind in known else code


def refused(refusal: Facts) -> str:
    """Why a set of changes is not possible: "CNC-07: the job is pinned"."""
    why = reason(str(refusal["why"]))
    return f"{refusal['label']}: {why}" if refusal.get("label") else why


def rule(each: StandingDecision) -> str:
    """A rule as a sentence, without its money."""
    cause = str(Disruption.Kind(each.cause).label).lower() if each.cause else _("anything")
    kind = str(Option.Kind(each.option_kind).label).lower() if each.option_kind else _("the best")
    when = str(StandingDecision.Applies(each.applies).label)
    if each.applies == StandingDecision.Applies.HOURS:
        when = each.hours
    said = _("%(cause)s at %(place)s: %(kind)s, %(when)s") % {
        "cause": cause.capitalize(),
        "place": each.place.code if each.place else _("any place"),
        "kind": kind,
        "when": when,
    }
    return said + (", " + _("nobody later") if each.nobody_later else "")


def decided(decision: Decision, zone: str) -> str:
    """Who decided what and when: "Jana Marek decided at 09:46: CNC-07 takes 2 operations."."""
    who = decision.person.name if decision.person else "Downstream"
    if decision.rule is not None:
        who = _("The rule %(rule)s") % {"rule": decision.rule.name}
    return _("%(who)s decided at %(time)s: %(title)s.") % {
        "who": who,
        "time": clock(decision.at, zone),
        "title": decision.title,
    }


def decide_soon(disruption: Disruption, decide_by: datetime, zone: str) -> str:
    """The task of who is asked to decide before the best answer is gone."""
    return _("Decide by %(time)s: %(title)s.") % {
        "time": clock(decide_by, zone),
        "title": title(disruption),
    }


def approve(approval: Approval, asker: str) -> str:
    """The task of who is asked to approve."""
    said = _("%(asker)s asks you to approve: %(title)s.") % {
        "asker": asker,
        "title": approval.title,
    }
    return f"{said} {approval.why}".strip()


def declined(approval: Approval, who: str) -> str:
    """The notice to who asked."""
    return _("%(who)s does not approve %(title)s: %(why)s.") % {
        "who": who,
        "title": approval.title,
        "why": approval.reason,
    }


def authority(lacks: Sequence[str], able: Sequence[str], cash: Decimal, site: Site) -> str:
    """What the decision needs that the person has not, and whom to ask."""
    needs = {
        "role": _("a planner, a supervisor or a manager"),
        "hours": _("somebody who is on duty"),
        "amount": _("a limit of at least %(amount)s") % {"amount": whole_money(cash, site)},
        "frozen": _("the right to change what is frozen"),
        "customer": _("the right to make another customer late"),
    }
    said = _("Needs %(needs)s.") % {"needs": ", ".join(needs[each] for each in lacks)}
    if not able:
        return said + " " + _("Nobody here has it; ask an administrator.")
    return said + " " + _("Ask %(names)s to approve.") % {"names": _(" or ").join(able[:3])}


def asked_for(each: Consent) -> str:
    """The task of who gets a yes."""
    facts = each.facts
    if each.who != "OVERTIME":
        return ask(facts)
    starts_at, ends_at = instant(facts["starts_at"]), instant(facts["ends_at"])
    assert starts_at is not None  # a window has both ends
    assert ends_at is not None
    return confirm_overtime(facts["unit"], starts_at, ends_at, facts["zone"])


_QUALITY = {
    "concede": gettext_lazy("the use of %(about)s as it is"),
    "order_rework": gettext_lazy("the rework of %(about)s"),
}


def what_needs_a_yes(who: str, facts: Facts) -> str:
    """What somebody has to agree to, as the subject of a sentence."""
    return {
        "OVERTIME": _("overtime on %(unit)s"),
        "CREW": _("the shift of %(name)s on %(about)s"),
        "CUSTOMER": _("the new terms of %(name)s (%(about)s)"),
        "SUPPLIER": _("the purchase at %(name)s"),
        "REPAIR": _("the repair of %(about)s for now"),
        "QUALITY": _QUALITY.get(facts.get("kind", ""), _("the other material of %(about)s")),
    }[who] % {
        "unit": facts.get("unit", ""),
        "name": facts.get("name", ""),
        "about": facts.get("about", ""),
    }


def tentative(consents: Sequence[Consent], now: datetime, zone: ZoneInfo) -> str:
    """What of a decision is not agreed yet, by whom and until when; "" if all of it is."""
    waits = sorted((c for c in consents if c.state == "ASKED"), key=lambda c: (c.latest_at, c.pk))
    if not waits:
        return ""
    what = list(dict.fromkeys(what_needs_a_yes(each.who, each.facts) for each in waits))
    roles = list(dict.fromkeys(str(each.get_role_display()) for each in waits))
    said = ngettext(
        "%(what)s waits for %(role)s until %(time)s",
        "%(what)s wait for %(role)s until %(time)s",
        len(what),
    ) % {
        "what": _names(what),
        "role": _names(roles),
        "time": moment(waits[0].latest_at, now, zone),
    }
    return said[:1].upper() + said[1:]


def said_no(each: Consent) -> str:
    """Why a decision was taken out again."""
    what = what_needs_a_yes(each.who, each.facts)
    if each.state == "LAPSED":
        return _("nobody agreed to %(what)s in time") % {"what": what}
    name = each.answered_by.name if each.answered_by else ""
    said = _("%(what)s refused by %(name)s") % {"what": what, "name": name}
    return f"{said}: {each.reason}" if each.reason else said


def came_back(disruption: Disruption) -> str:
    """Why a disruption is there again after a decision; "" where it is not."""
    back = disruption.back
    if not back or disruption.state not in {"NEW", "OPEN", "SNOOZED"}:
        return ""
    said = _("Back again: %(why)s.") % {"why": back["why"]}
    if stays := back.get("stays"):
        said += " " + _("What was decided stands all the same: %(why)s") % {"why": stays}
    return said


def confirm_overtime(unit: str, starts_at: datetime, ends_at: datetime, zone: str) -> str:
    """The supervisor's task that overtime brings."""
    place = ZoneInfo(zone)
    return _("Confirm overtime on %(unit)s, %(day)s %(start)s to %(end)s.") % {
        "unit": unit,
        "day": starts_at.astimezone(place).strftime("%Y-%m-%d"),
        "start": starts_at.astimezone(place).strftime("%H:%M"),
        "end": ends_at.astimezone(place).strftime("%H:%M"),
    }


def tell_customer(hit: Facts, zone: str) -> str:
    """The sales task that a line made later brings."""
    at = instant(hit.get("after"))
    if at is None:
        return _("Tell %(customer)s that %(line)s has no date.") % {
            "customer": hit["customer"],
            "line": hit["line"],
        }
    return _("Tell %(customer)s that %(line)s comes on %(day)s.") % {
        "customer": hit["customer"],
        "line": hit["line"],
        "day": at.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d"),
    }
