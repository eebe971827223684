"""The state of a site as one hash: what two runs of the same record must agree on.

Wall times, keys, hash chains, event numbers and database ids are left out; plant times,
quantities, order and contents of every ledger, queues, promises and pegs are in. Two databases,
or two sites of one, that went through the same facts have the same hash, whatever was killed on
the way.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from typing import Any

from django.db import connection

from mes.events import canonical
from mes.models import ShopFloorEvent, Site

# What a body calls a row by its id, and how that row is called everywhere.
_LINES = """
    select l.id, o.code || '/' || l.number from materials_customerline l
      join materials_customerorder o on o.id = l.order_id where l.site_id = %s
"""
_NAMES = {
    "unit_id": "select id, code from equipment_equipment where site_id = %s",
    "reason_id": "select id, code from equipment_reason where site_id = %s",
    "item_id": "select id, code from materials_item where site_id = %s",
    "lot_id": "select id, code from materials_lot where site_id = %s",
    "location_id": "select id, code from materials_location where site_id = %s",
    "work_order_id": "select id, code from workorders_workorder where site_id = %s",
    "job_order_id": """
        select j.id, w.code || '/' || j.number from workorders_joborder j
          join workorders_workorder w on w.id = j.work_order_id where j.site_id = %s
    """,
    "purchase_line_id": """
        select id, order_code || '/' || number from materials_purchaseline where site_id = %s
    """,
    "line_id": _LINES,
    "customer_line_id": _LINES,
    "customer_id": "select id, code from materials_customer where site_id = %s",
    "supplier_id": "select id, code from materials_supplier where site_id = %s",
    "job_material_id": """
        select m.id, w.code || '/' || j.number || '/' || i.code from workorders_jobmaterial m
          join workorders_joborder j on j.id = m.job_order_id
          join workorders_workorder w on w.id = j.work_order_id
          join materials_item i on i.id = m.item_id where m.site_id = %s
    """,
}
_SUBJECTS = {
    "unit": "unit_id",
    "lot": "lot_id",
    "work_order": "work_order_id",
    "job_order": "job_order_id",
    "customer": "customer_id",
    "customer_line": "line_id",
    "purchase_line": "purchase_line_id",
}
# Ids of lists in a body.
_LISTS = {"job_order_ids": "job_order_id", "before": "job_order_id"}
# Numbers that a database gives, and that say nothing of the plant.
_LEFT_OUT = frozenset(
    {
        "person_id",
        "device_id",
        "response_id",
        "unsettled_id",
        "decision_id",
        "routing_id",
        "operation_id",
    }
)

# Ledgers, in the order of their events, and the state that follows from them.
_ROWS: dict[str, str] = {
    "moves": """
        select m.n, l.code, p.code, m.quantity, m.reason, m.at
          from materials_stockmove m join materials_lot l on l.id = m.lot_id
          join materials_location p on p.id = m.location_id
         where m.site_id = %(site)s order by m.event_seq, m.n
    """,
    "responses": """
        select w.code, j.number, e.code, r.at, r.good, r.scrap, r.rework, s.code
          from workorders_jobresponse r join workorders_joborder j on j.id = r.job_order_id
          join workorders_workorder w on w.id = j.work_order_id
          join equipment_equipment e on e.id = r.unit_id
          left join equipment_reason s on s.id = r.reason_id
         where r.site_id = %(site)s order by r.event_seq, w.code, j.number
    """,
    "unit states": """
        select e.code, s.state, r.code, s.at from equipment_equipmentstate s
          join equipment_equipment e on e.id = s.unit_id
          left join equipment_reason r on r.id = s.reason_id
         where s.site_id = %(site)s order by s.event_seq, e.code, s.state
    """,
    "genealogy": """
        select c.code, p.code, g.quantity from workorders_genealogyedge g
          join materials_lot c on c.id = g.consumed_id join materials_lot p on p.id = g.produced_id
         where g.site_id = %(site)s order by g.event_seq, c.code, p.code
    """,
    "promises": """
        select o.code, l.number, c.promised_at from materials_promisechange c
          join materials_customerline l on l.id = c.line_id
          join materials_customerorder o on o.id = l.order_id
         where c.site_id = %(site)s order by c.event_seq, o.code, l.number
    """,
    "balances": """
        select l.code, p.code, b.quantity from materials_stockbalance b
          join materials_lot l on l.id = b.lot_id join materials_location p on p.id = b.location_id
         where b.site_id = %(site)s and b.quantity <> 0 order by l.code, p.code
    """,
    "orders": """
        select code, status, quantity, put_away_quantity, closed_at from workorders_workorder
         where site_id = %(site)s order by code
    """,
    "jobs": """
        select w.code, j.number, e.code, j.status, j.good, j.scrap, j.rework, j.started_at,
               j.completed_at, j.productive_s, j.pinned
          from workorders_joborder j join workorders_workorder w on w.id = j.work_order_id
          join equipment_equipment e on e.id = j.unit_id
         where j.site_id = %(site)s order by w.code, j.number
    """,
    "queues": """
        select e.code, a.place, w.code, j.number from workorders_unitqueue q
          join equipment_equipment e on e.id = q.unit_id
         cross join lateral unnest(q.job_order_ids) with ordinality as a(id, place)
          join workorders_joborder j on j.id = a.id
          join workorders_workorder w on w.id = j.work_order_id
         where q.site_id = %(site)s order by e.code, a.place
    """,
    "windows": """
        select coalesce(c.code, e.code), x.kind, x.starts_at, x.ends_at
          from equipment_calendarexception x
          left join equipment_workcalendar c on c.id = x.calendar_id
          left join equipment_equipment e on e.id = x.unit_id
         where x.site_id = %(site)s and x.removed_seq is null order by 1, 2, 3, 4
    """,
    "lines": """
        select o.code, l.number, l.quantity, l.shipped_quantity, l.promised_at
          from materials_customerline l join materials_customerorder o on o.id = l.order_id
         where l.site_id = %(site)s order by o.code, l.number
    """,
    "purchases": """
        select order_code, number, quantity, received_quantity, expected_at
          from materials_purchaseline where site_id = %(site)s order by order_code, number
    """,
}
_PEGS = """
    select supply_kind, supply_id, demand_kind, demand_id, quantity from planning_committedpeg
     where site_id = %s
"""
_PEG_NAMES = {
    "LOT": "lot_id",
    "WORK_ORDER": "work_order_id",
    "TRANSFER": "work_order_id",
    "PURCHASE": "purchase_line_id",
    "COMPONENT": "job_material_id",
    "LINE": "line_id",
}


def digest(rows: Iterable[Any]) -> str:
    """sha256 over rows in their order, as canonical JSON."""
    found = hashlib.sha256()
    for row in rows:
        found.update(canonical(row))
        found.update(b"\n")
    return found.hexdigest()


def state_hash(site: Site, days: Iterable[str]) -> str:
    """One hash over the site's ledgers and state, and the digests of its simulated days."""
    names = {key: _names(site, sql) for key, sql in _NAMES.items()}
    parts = [("days", list(days)), ("events", digest(_events(site, names)))]
    for title, sql in _ROWS.items():
        parts.append((title, digest(_rows(sql, {"site": site.pk}))))
    parts.append(("pegs", digest(_pegs(site, names))))
    return digest(parts)


def _rows(sql: str, values: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return list(cursor.fetchall())


def _names(site: Site, sql: str) -> dict[int, str]:
    return dict(_rows(sql, [site.pk]))


def _events(site: Site, names: dict[str, dict[int, str]]) -> Iterator[Any]:
    """Kind, subject, body and plant time of every event of the floor, in order."""
    events = ShopFloorEvent.objects.filter(site=site).order_by("seq")
    for event in events.exclude(kind__startswith="mes.").iterator():
        known = names.get(_SUBJECTS.get(event.subject_type, ""), {})
        yield [
            event.kind,
            event.subject_type,
            known.get(event.subject_id, ""),
            _plain(event.body, names),
            event.occurred_at,
            event.late,
        ]


def _plain(value: Any, names: dict[str, dict[int, str]]) -> Any:
    """A body with codes in place of ids."""
    if isinstance(value, list):
        return [_plain(part, names) for part in value]
    if not isinstance(value, dict):
        return value
    found: dict[str, Any] = {}
    for key, part in value.items():
        if key in _LEFT_OUT:
            continue
        if key in names and isinstance(part, int):
            found[key] = names[key].get(part, "")
        elif key in _LISTS and isinstance(part, list):
            found[key] = [names[_LISTS[key]].get(each, "") for each in part]
        else:
            found[key] = _plain(part, names)
    return found


def _pegs(site: Site, names: dict[str, dict[int, str]]) -> list[Any]:
    return sorted(
        [
            supply_kind,
            names[_PEG_NAMES[supply_kind]].get(supply, ""),
            demand_kind,
            names[_PEG_NAMES[demand_kind]].get(demand, ""),
            str(quantity),
        ]
        for supply_kind, supply, demand_kind, demand, quantity in _rows(_PEGS, [site.pk])
    )
