"""Does the record agree with itself? Read-only; every finding is a sentence with a number."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from django.db import connection

from mes import events
from mes.models import ShopFloorEvent, Site, SiteHead

# Each check returns rows (what, value) of what is wrong; none is right.
CHECKS: tuple[tuple[str, str], ...] = (
    (
        "balance differs from the sum of its moves",
        """
        select l.code || ' at ' || p.code,
               'balance ' || coalesce(b.quantity, 0) || ', moves ' || coalesce(m.quantity, 0)
          from (select lot_id, location_id, sum(quantity) as quantity from materials_stockmove
                 where site_id = %(site)s group by 1, 2) m
          full join (select lot_id, location_id, quantity from materials_stockbalance
                      where site_id = %(site)s) b using (lot_id, location_id)
          join materials_lot l on l.id = lot_id join materials_location p on p.id = location_id
         where coalesce(b.quantity, 0) <> coalesce(m.quantity, 0)
        """,
    ),
    (
        "open job order does not stand in exactly one queue, its unit's own",
        """
        select w.code || '/' || j.number, 'stands in ' || count(q.id) || ' queues of its unit, '
               || (select count(*) from workorders_unitqueue a
                    where a.site_id = %(site)s and j.id = any(a.job_order_ids)) || ' in all'
          from workorders_joborder j join workorders_workorder w on w.id = j.work_order_id
          left join workorders_unitqueue q on q.unit_id = j.unit_id and j.id = any(q.job_order_ids)
         where j.site_id = %(site)s and j.status not in ('COMPLETED', 'ABORTED', 'CLOSED')
         group by w.code, j.number, j.id
        having count(q.id) <> 1 or (select count(*) from workorders_unitqueue a
                    where a.site_id = %(site)s and j.id = any(a.job_order_ids)) <> 1
        """,
    ),
    (
        "queue holds a job order twice or one that is not open",
        """
        select e.code, 'job order ' || i.id
          from workorders_unitqueue q join equipment_equipment e on e.id = q.unit_id
          cross join lateral unnest(q.job_order_ids) as i(id)
          left join workorders_joborder j on j.id = i.id and j.site_id = q.site_id
               and j.status not in ('COMPLETED', 'ABORTED', 'CLOSED')
         where q.site_id = %(site)s
         group by e.code, i.id having count(*) > 1 or count(j.id) = 0
        """,
    ),
    (
        "job order's quantities differ from the sum of its responses",
        """
        select w.code || '/' || j.number, 'good ' || j.good || ', responses ' || sum(r.good)
          from workorders_jobresponse r join workorders_joborder j on j.id = r.job_order_id
          join workorders_workorder w on w.id = j.work_order_id
         where r.site_id = %(site)s
         group by w.code, j.number, j.good, j.scrap, j.rework
        having sum(r.good) > j.good or sum(r.scrap) > j.scrap or sum(r.rework) > j.rework
        """,
    ),
    (
        "ledger row names an event that is not there",
        """
        select t, 'event ' || n from (
            select 'stock move' as t, event_seq as n from materials_stockmove
                   where site_id = %(site)s
            union select 'job response', event_seq from workorders_jobresponse
                   where site_id = %(site)s
            union select 'equipment state', event_seq from equipment_equipmentstate
                   where site_id = %(site)s
            union select 'genealogy', event_seq from workorders_genealogyedge
                   where site_id = %(site)s
            union select 'decision', event_seq from planning_decision where site_id = %(site)s
        ) x where not exists (select 1 from mes_shopfloorevent e
                               where e.site_id = %(site)s and e.seq = n)
        """,
    ),
    (
        "unit runs more jobs than it has places",
        """
        select e.code, count(*) || ' running, ' || e.places || ' places'
          from workorders_joborder j join equipment_equipment e on e.id = j.unit_id
         where j.site_id = %(site)s and j.status = 'RUNNING'
         group by e.code, e.places having count(*) > e.places
        """,
    ),
    (
        "more is reserved than there is",
        """
        select l.code, 'reserved ' || sum(r.quantity)
          from workorders_reservation r join materials_lot l on l.id = r.lot_id
         where r.site_id = %(site)s
         group by l.id, l.code
        having sum(r.quantity) > (select coalesce(sum(b.quantity), 0)
                                    from materials_stockbalance b where b.lot_id = l.id)
        """,
    ),
    (
        "a command was left without an answer",
        """
        select name, key::text from mes_commandkey where site_id = %(site)s and status is null
        """,
    ),
    (
        "the plan claims more events than there are, or lacks a version",
        """
        select 'plan', 'computed ' || p.computed_seq || ' of ' || h.seq || ', version '
               || p.plan_version
          from mes_siteplan p join mes_sitehead h on h.site_id = p.site_id
         where p.site_id = %(site)s
           and (p.computed_seq > h.seq or (p.plan_version > 0 and not exists (
                    select 1 from planning_planversion v
                     where v.site_id = p.site_id and v.version = p.plan_version)))
        """,
    ),
)


def problems(site: Site) -> Iterator[str]:
    """Yield a sentence for everything in a site's record that contradicts itself."""
    yield from chain_problems(site)
    yield from contradictions(site)


def contradictions(site: Site) -> Iterator[str]:
    """What the tables of a site say against each other, the chain of events aside."""
    for title, sql in CHECKS:
        with connection.cursor() as cursor:
            cursor.execute(sql, {"site": site.pk})
            for what, value in cursor.fetchall():
                yield f"{title}: {what}: {value}"


def chain_problems(site: Site, *, after: tuple[int, bytes] = (0, bytes(32))) -> Iterator[str]:
    """Gapless numbers and an unbroken hash chain, each event computed again.

    after   the number and the hash of an event to go on from, which must still be that.
    """
    anchor, previous = after
    expected = anchor + 1
    if anchor and not ShopFloorEvent.objects.filter(site=site, seq=anchor, hash=previous).exists():
        yield f"event {anchor} is not the one that was verified before"
    names = [
        field.attname
        for field in ShopFloorEvent._meta.concrete_fields
        if field.attname not in {"id", "prev_hash", "hash"}
    ]
    rows = ShopFloorEvent.objects.filter(site=site, seq__gt=anchor).order_by("seq")
    for event in rows.iterator(chunk_size=2000):
        if event.seq != expected:
            yield f"event numbers have a gap: {expected} is missing before {event.seq}"
            expected = event.seq
        columns = {name: getattr(event, name) for name in names}
        columns["key"] = str(event.key)
        if bytes(event.prev_hash) != previous:
            yield f"event {event.seq} does not follow the event before it"
        if events.chain_hash(bytes(event.prev_hash), columns) != bytes(event.hash):
            yield f"event {event.seq} was changed after it was stored"
        previous, expected = bytes(event.hash), event.seq + 1
    head = SiteHead.objects.get(site=site)
    if head.seq != expected - 1 or bytes(head.head_hash) != previous:
        yield f"the head says {head.seq} events, the ledger ends at {expected - 1}"


def ledger_hash(site: Site) -> str:
    """sha256 over what happened, free of wall times, keys and row ids: equal runs are equal."""
    digest = hashlib.sha256()
    rows = (
        ShopFloorEvent.objects.filter(site=site)
        .order_by("seq")
        .values_list("kind", "subject_type", "body", "occurred_at")
    )
    for row in rows.iterator(chunk_size=2000):
        digest.update(events.canonical(row))
    return digest.hexdigest()
