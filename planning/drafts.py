"""What a customer should hear of his line, in his words: a draft; a person sends it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.utils import translation
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from materials.models import CustomerLine
from mes.models import Site
from mes.templatetags.downstream import qty
from planning import words
from planning.models import Decision, Disruption, Impact


@dataclass(frozen=True, slots=True)
class Draft:
    """What becomes of one line, and the letter that says so.

    old    for when it was promised.
    new    for when it is now; None: nobody knows yet.
    part   pieces that come ahead of the rest, on the old date.
    asks   it is a question: the customer has to agree to the new date.
    """

    line: CustomerLine
    old: datetime
    new: datetime | None
    part: Decimal | None
    asks: bool
    text: str


def drafts(site: Site, disruption: Disruption, decision: Decision | None) -> list[Draft]:
    """A draft for each line that the decision makes later or ships in parts.

    Without a decision: for each line that is late if nothing is done. What has been shipped or
    cancelled since needs no letter.
    """
    if decision is not None:
        found = _of_decision(decision)
    else:
        impact = Impact.objects.filter(disruption=disruption).order_by("-version").first()
        found = _of_hits(impact.figures["lines_hit"] if impact else ())
    lines = CustomerLine.objects.select_related("order__customer", "item").in_bulk(found)
    return [
        _draft(site, disruption, lines[line_id], change)
        for line_id, change in found.items()
        if line_id in lines
        and lines[line_id].shipped_at is None
        and lines[line_id].cancelled_at is None
    ]


@dataclass(slots=True)
class _Change:
    old: datetime | None = None
    new: datetime | None = None
    part: Decimal | None = None
    asks: bool = False


def _of_hits(hits: Sequence[Mapping[str, Any]]) -> dict[int, _Change]:
    """Lines that come later than promised by it; one that was as late before is no news."""
    return {
        hit["line_id"]: _Change(old=words.instant(hit["promised"]), new=words.instant(hit["after"]))
        for hit in hits
        if hit["late_s"] > max(0, hit["late_before_s"]) or hit["after"] is None
    }


def _of_decision(decision: Decision) -> dict[int, _Change]:
    predicted = decision.predicted
    found = _of_hits([*predicted.get("lines", ()), *predicted.get("hurt", ())])
    dates = {hit["line_id"]: hit for hit in predicted.get("lines", ())}
    made = decision.inverse.get("made") or [{}] * len(decision.changes)
    for change, kept in zip(decision.changes, made, strict=True):
        if change["kind"] == "set_promise":
            row = found.setdefault(change["line_id"], _Change())
            row.old = words.instant(kept.get("was")) or row.old
            row.new = datetime.fromtimestamp(change["promised_s"], UTC)
            row.asks = True
        elif change["kind"] == "ship_partial" and change["qty"]:
            row = found.setdefault(change["line_id"], _Change())
            row.part = Decimal(change["qty"]).scaleb(-6)
            hit = dates.get(change["line_id"])
            row.new = row.new or (words.instant(hit["after"]) if hit else None)
    return found


def _draft(site: Site, disruption: Disruption, line: CustomerLine, change: _Change) -> Draft:
    old = change.old or line.promised_at or line.requested_at
    zone = ZoneInfo(line.order.customer.time_zone or site.time_zone)
    # The customer's record names no language: the letter is in English, whoever reads the page.
    with translation.override("en"):
        text = _letter(site, disruption, line, change, old, zone)
    return Draft(line, old, change.new, change.part, change.asks, text)


def _letter(
    site: Site,
    disruption: Disruption,
    line: CustomerLine,
    change: _Change,
    old: datetime,
    zone: ZoneInfo,
) -> str:
    given = {
        "customer": line.order.customer.name,
        "order": line.order.code,
        "number": line.number,
        "quantity": qty(line.open_quantity),
        "unit": line.item.unit,
        "item": line.item.name or line.item.code,
        "old": _day(old, zone),
        "new": _day(change.new, zone) if change.new else "",
        "part": qty(change.part) if change.part else "",
        "rest": qty(line.open_quantity - change.part) if change.part else "",
        "why": _why(disruption),
        "site": site.name,
    }
    arrives = line.order.customer.basis == "ARRIVE"
    if change.part:
        if change.new:
            said = _(
                "%(part)s %(unit)s come as promised, the remaining %(rest)s %(unit)s on %(new)s."
            )
        else:
            said = _(
                "%(part)s %(unit)s come as promised. We tell you the date of the remaining "
                "%(rest)s %(unit)s as soon as we know it."
            )
    elif change.new is None:
        said = _(
            "We can't keep the promised date, %(old)s, and tell you the new one as soon as we "
            "know it."
        )
    elif change.asks:
        said = _("May we deliver on %(new)s instead of %(old)s? Please tell us if that suits you.")
    elif arrives:
        said = _("It will reach you on %(new)s instead of %(old)s.")
    else:
        said = _("It will leave us on %(new)s instead of %(old)s.")
    letter = _(
        "Dear %(customer)s,\n\n"
        "this is about your order %(order)s, line %(number)s: %(quantity)s %(unit)s of %(item)s.\n"
        "%(said)s\n\n"
        "The reason: %(why)s. We are sorry for the trouble.\n\n"
        "Kind regards\n%(site)s"
    )
    return letter % {**given, "said": said % given}


def _day(at: datetime, zone: ZoneInfo) -> str:
    return date_format(at.astimezone(zone), "l j F Y")


def _why(disruption: Disruption) -> str:
    """The reason without blame: no name of a machine, a person or a supplier."""
    known = {
        "BREAKDOWN": _("a machine that makes it stands still"),
        "HOLD": _("we check the quality of a part once more"),
        "SCRAP": _("some pieces have to be made again"),
        "SLIP": _("making it takes longer than planned"),
        "SHORTAGE": _("material for it is missing"),
        "SUPPLY": _("material for it reaches us late"),
        "CLOSURE": _("our production stands still for a time"),
        "ABSENCE": _("we have fewer people than planned"),
    }
    return known.get(disruption.kind, _("our production plan has changed"))
