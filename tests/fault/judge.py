"""Was the promise kept? Everything that was acknowledged, against the record."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from django.db import connection

from mes.models import CommandKey, Site, SiteHead, SitePlan
from tests.fault.sending import Told

PIECES = ("production", "form.report")


def site() -> Site:
    return Site.objects.get(code="NF")


def is_current() -> bool:
    """Every event is answered and nothing failed on the way."""
    plan, head = SitePlan.objects.get(site=site()), SiteHead.objects.get(site=site())
    return plan.computed_seq == head.seq and not plan.failures and not plan.dirty


def without_impact() -> int:
    """Events after the newest one that a stored plan version answers."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select h.seq - coalesce(max(v.upto_seq), 0) from mes_sitehead h"
            " left join planning_planversion v on v.site_id = h.site_id"
            " where h.site_id = %s group by h.seq",
            [site().pk],
        )
        (count,) = cursor.fetchone()
    return int(count)


def not_stored(told: Iterable[Told]) -> list[str]:
    """Acknowledged, but not in the record as it was answered."""
    asked = [each for each in told if each.acknowledged]
    rows = {
        str(row.key): row
        for row in CommandKey.objects.filter(
            site=site(), key__in=[each.message.key for each in asked]
        )
    }
    with connection.cursor() as cursor:
        cursor.execute("select key::text, max(seq) from mes_shopfloorevent group by key")
        events = dict(cursor.fetchall())
    missing = []
    for each in asked:
        key = each.message.key
        row = rows.get(key)
        answer = next(answer for answer in each.answers if answer.status < 400)
        right = row is not None and (row.status or 500) < 400
        if right and row is not None:
            # What changes nothing, as the repair of a unit that is up, has no event.
            right = (row.response or {}).get("seq") == events.get(key)
            if answer.body is not None:
                right = right and (row.status, row.response) == (answer.status, answer.body)
        if not right:
            missing.append(f"{each.message.kind} {key}")
    return missing


def done_twice_or_never(told: Iterable[Told]) -> tuple[list[str], list[str]]:
    """Reports and receipts whose pieces are in the ledgers more than once, or not at all."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select e.key::text, sum(r.good + r.scrap) from mes_shopfloorevent e"
            " join workorders_jobresponse r on r.site_id = e.site_id and r.event_seq = e.seq"
            " group by e.key"
        )
        made = dict(cursor.fetchall())
        cursor.execute(
            "select e.key::text, sum(m.quantity) from mes_shopfloorevent e"
            " join materials_stockmove m on m.site_id = e.site_id and m.event_seq = e.seq"
            " where m.quantity > 0 group by e.key"
        )
        moved = dict(cursor.fetchall())
    twice, never = [], []
    settled = set(CommandKey.objects.filter(site=site(), status=200).values_list("key", flat=True))
    done = {str(key) for key in settled}
    for each in told:
        message = each.message
        if message.key not in done or message.kind not in (*PIECES, "receive"):
            continue
        body = message.body
        if message.kind == "receive":
            wanted, found = Decimal(body["quantity"]), moved.get(message.key, Decimal(0))
        else:
            wanted = Decimal(body["good"]) + Decimal(body["scrap"])
            found = made.get(message.key, Decimal(0))
        if found > wanted:
            twice.append(f"{message.kind} {message.key}: {found} of {wanted}")
        elif found < wanted:
            never.append(f"{message.kind} {message.key}: {found} of {wanted}")
    return twice, never


def differs_from_cold() -> int:
    """Operations whose stored times are not those that a process projects that never saw it."""
    from mes.clock import wall_now
    from planning import rules, snapshot
    from planning.engine.projection import project
    from planning.models import PlanVersion

    stored = PlanVersion.objects.current(site())
    snap = snapshot.take(site().pk, wall_now=wall_now())
    again = project(snap.plant, now=snap.now)
    if stored is None or stored.times is None:
        return len(again.op_start)
    packed, wanted = bytes(stored.times), rules.pack(again.op_start, again.op_end)
    if len(packed) != len(wanted):
        return len(again.op_start)
    width = len(wanted) // max(len(again.op_start), 1)
    starts = range(0, len(wanted), width or 1)
    return sum(packed[n : n + width] != wanted[n : n + width] for n in starts)


def problems() -> dict[str, Any]:
    """What `verify` says, counted by what it is about."""
    from planning.verify import problems as found

    sentences = list(found(site()))
    return {
        "balances_off": sum(each.startswith("balance") for each in sentences),
        "gaps": sum("gap" in each or "follow" in each or "head" in each for each in sentences),
        "contradictions": len(sentences),
        "first": sentences[:3],
    }
