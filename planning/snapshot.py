"""One consistent reading of a site for the engine. The only place that reads the other apps for it.

`take` reads everything in one repeatable-read transaction, the event number first, by a fixed
number of queries without model instances; of the larger tables, only the rows that changed since
this process read them last. What people did not say (how long a repair takes, when
quality decides) is estimated here, from history, and marked as a guess.
"""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import ROUND_CEILING
from functools import cache, cached_property, partial
from typing import Any, TypeVar

import numpy as np
from django.db import connection

from equipment import rules as equipment_rules
from mes.errors import Missing
from mes.instant import one_instant
from planning import resident, rules
from planning.engine import calendars
from planning.engine.builder import PlantBuilder
from planning.engine.cost import Terms
from planning.engine.offers import Cover, Faster, Freight, Makeshift, Offers, Quote, StandIn
from planning.engine.offers import Rate as Price
from planning.engine.plant import (
    NEVER,
    UNSET,
    ArcKind,
    Basis,
    DemandKind,
    ItemKind,
    LotStatus,
    PegKind,
    Plant,
    QueueRule,
    Span,
    Status,
    SupplyKind,
)
from planning.engine.plant import Site as Policies
from planning.engine.recipes import Recipe, Recipes, Step
from planning.resident import Rows
from workorders import rules as work_rules

Columns = dict[str, np.ndarray[Any, Any]]
Made = TypeVar("Made")

# What is made of rows that seldom change: kept a site as long as those rows stay equal, so that
# a report costs what it changed and not what the site has. Nobody writes into what is kept.
_KEPT: OrderedDict[tuple[int, str], tuple[Any, Any]] = OrderedDict()
_MOST_KEPT = 320


def _kept(site_id: int, name: str, made_of: Any, make: Callable[[], Made]) -> Made:
    """What `make` made of these rows before, or now."""
    found = _KEPT.get((site_id, name))
    if found is not None and found[0] == made_of:
        made: Made = found[1]
        return made
    made = make()
    _KEPT[site_id, name] = (made_of, made)
    while len(_KEPT) > _MOST_KEPT:
        _KEPT.popitem(last=False)
    return made


# The source of a late day's worth where the customer has no rule of his own.
DEFAULT_TERMS = "site default"
STANDARD_COST = "standard cost"
SUPPLY_KINDS = {
    "LOT": SupplyKind.LOT,
    "WORK_ORDER": SupplyKind.OUTPUT,
    "PURCHASE": SupplyKind.PURCHASE,
}
TOLD = (
    "materials.stock.counted",
    "materials.purchase.expected",
    "materials.line.added",
    "materials.line.changed",
    "materials.line.cancelled",
    "materials.line.restored",
    "equipment.place.closed",
    "equipment.place.reopened",
    "quality.check.waits",
    "quality.check.expected",
    "quality.check.withdrawn",
    "quality.lot.decided",
    "materials.return.received",
    "materials.return.taken_back",
    "workorders.queue.set",
    "workorders.job.moved",
    # By their keys one sees which queues a decision changed, and which ones a hand.
    "planning.option.accepted",
    "planning.decision.undone",
    "planning.plan.committed",
    "workorders.person.absent",
    "workorders.absence.changed",
    "workorders.person.back",
)
DEMAND_KINDS = {"COMPONENT": DemandKind.COMPONENT, "LINE": DemandKind.LINE}
# A work order without operations is not ours to plan: it comes, like a transfer, when it is due.
SUPPLY_NAMES = {kind: name for name, kind in SUPPLY_KINDS.items()} | {
    SupplyKind.TRANSFER: "WORK_ORDER"
}
DEMAND_NAMES = {kind: name for name, kind in DEMAND_KINDS.items()}


@dataclass(frozen=True, slots=True)
class Job:
    """What words need to know of a job order."""

    id: int
    work_order_id: int
    number: int
    name: str
    unit_id: int
    status: str


@dataclass(frozen=True, slots=True)
class Line:
    """What words and money need to know of a customer line. Money in the site's currency."""

    id: int
    code: str
    customer_id: int
    customer: str
    item_id: int
    basis: Basis
    time_zone: str
    working_days: bool
    terms: Terms
    first_promised: int  # instants in seconds since the epoch; UNSET = none
    promised: int
    requested: int
    version: int
    ordered: int  # millionths, shipped ones included
    shipped: int
    cancelled: bool
    asked: bool  # its customer agrees before he gets anything by concession


@dataclass(frozen=True, slots=True)
class Bought:
    """What is known of an open purchase line. Quantities in millionths."""

    id: int
    code: str
    item_id: int
    supplier: str
    left: int  # what is still believed to come
    missing: int  # what was ordered and will not come
    promised: int
    expected_from: int | None
    expected: int  # the last instant of the range
    said_by: str

    def is_late(self, now: int) -> bool:
        """Whether it comes later than it was promised, or less of it, or should be here."""
        return self.expected > self.promised or self.missing > 0 or self.expected < now


@dataclass(frozen=True, slots=True)
class Stop:
    """An open stop of a unit and the estimate that the projection uses."""

    id: int
    unit_id: int
    reason: str
    note: str
    started: int
    back: int | None  # said by a person
    said_by: str
    guess: rules.Guess | None
    opened_seq: int


@dataclass(frozen=True, slots=True)
class Slow:
    """A unit that does a part of its work only, and until when the projection takes it for slow."""

    unit_id: int
    percent: int
    note: str
    started: int
    back: int | None  # said by a person
    said_by: str
    guess: rules.Guess | None
    opened_seq: int


@dataclass(frozen=True, slots=True)
class Loss:
    """A tool of which pieces are lost; what needs it waits once none is left.

    back, said_by, guess  of the piece that is back first.
    """

    tool_id: int
    code: str
    name: str
    left: int
    note: str
    started: int  # the last piece that was lost
    back: int | None
    said_by: str
    guess: rules.Guess | None
    opened_seq: int

    @property
    def binds(self) -> bool:
        return self.left == 0


@dataclass(frozen=True, slots=True)
class Held:
    """An open hold on a lot or a job order."""

    id: int
    lot_id: int | None
    job_order_id: int | None
    reason: str
    note: str
    placed: int
    expected: int | None
    guess: rules.Guess | None
    placed_seq: int
    limit: int  # when it should be decided: as quality said, else as it is learned
    concession: str  # "ASKED", "REFUSED" or ""


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A lot that waits for quality's first decision."""

    lot_id: int
    since: int
    expected: int | None
    guess: rules.Guess | None
    limit: int


@dataclass(frozen=True, slots=True)
class NotHere:
    """A waiting job of which the floor says that it can't be done where it stands."""

    job_id: int
    unit_id: int
    why: str
    said_by: str
    at: int
    guess: rules.Guess


@dataclass(frozen=True, slots=True)
class Rate:
    """A cost rate in force at `now`; amount in ten-thousandths of the currency (or of one)."""

    what: str
    unit_id: int | None
    amount: int
    source: str
    owner: str
    valid_from: datetime


@dataclass(frozen=True, slots=True)
class Event:
    """A pending event of the ledger, as far as booking it needs."""

    seq: int
    key: str
    kind: str
    subject_type: str
    subject_id: int
    body: dict[str, Any]
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Version:
    """A stored plan version, with its times turned to seconds since this snapshot's epoch."""

    version: int
    upto_seq: int
    as_of: datetime
    figures: dict[str, Any]
    job_ids: np.ndarray[Any, Any]  # sorted
    starts: np.ndarray[Any, Any]  # of each, as of its end; UNSET = none
    ends: np.ndarray[Any, Any]
    line_ids: np.ndarray[Any, Any]


@dataclass(frozen=True)
class Snapshot:
    """A site at one event number and one instant: the arrays, and the names beside them."""

    site_id: int
    site_code: str
    time_zone: str
    currency: str
    seq: int
    plan_version: int
    computed_seq: int
    committed_version: int
    dirty: bool
    failures: int
    now_at: datetime
    now: int
    epoch: datetime
    plant: Plant
    default_late_per_day: int | None
    move_price: int
    accept_tolerance_ppm: int
    units: dict[int, str]
    unit_names: dict[int, str]
    orders: dict[int, str]
    jobs: dict[int, Job]
    items: dict[int, tuple[str, str, str]]  # code, name, unit
    lots: dict[int, tuple[str, int]]  # code, item
    purchases: dict[int, str]
    bought: dict[int, Bought]
    lines: dict[int, Line]
    stops: dict[int, Stop]  # by unit
    slows: dict[int, Slow]  # by unit
    losses: dict[int, Loss]  # by tool
    tools: dict[int, str]  # codes
    holds: dict[int, Held]
    refusals: dict[int, NotHere]  # by job order
    quarantined: dict[int, Quarantined]  # by lot
    rates: list[Rate]
    events: list[Event]  # not answered yet, oldest first, the newest 500
    # Work orders that were made or pegged for a customer line, for those lines that are cancelled.
    people: dict[int, str]  # who attends a unit
    meant_for: dict[int, tuple[int, ...]]
    scrapped: dict[int, int]  # by job order, in events not answered yet, millionths
    told: list[Event]  # of them all those that say what a supply or a demand was before
    previous: Version | None
    committed: Version | None
    reading: _Reading = field(repr=False)
    offers: Offers = field(default_factory=Offers)
    suppliers: dict[int, str] = field(default_factory=dict)  # names
    freights: dict[int, str] = field(default_factory=dict)
    materials: dict[int, tuple[int, int]] = field(default_factory=dict)  # job order, item

    def instant(self, seconds: int) -> datetime | None:
        """An engine instant as a datetime; None for none."""
        if seconds in (NEVER, UNSET):
            return None
        return self.epoch + timedelta(seconds=int(seconds))

    def seconds(self, at: datetime) -> int:
        return int((at - self.epoch).total_seconds() // 1)

    @cached_property
    def decided(self) -> dict[str, list[Any]]:
        """What typed changes write, as stored: for the plan hash."""
        return _decided(self.reading)

    @property
    def plan_hash(self) -> str:
        return plan_hash(self.decided)


class _Moved(Exception):
    """Somebody committed while we read without a snapshot of the database's own."""


def take(site_id: int, *, wall_now: datetime, at: datetime | None = None) -> Snapshot:
    """Read a site at one event number.

    wall_now  the wall clock, which is the plant's on a REAL site.
    at        another plant's now, for a projection at a given instant.

    Inside somebody else's transaction (an accept, which must see the state it locks) the reading
    is made consistent by its event number: if that moved meanwhile, it is read again.

    :raises Missing: if there is no such site.
    """
    for _attempt in range(5):
        with one_instant() as ours:
            try:
                return _read(site_id, wall_now=wall_now, at=at, check_again=not ours)
            except _Moved:
                continue
    with one_instant():
        return _read(site_id, wall_now=wall_now, at=at, check_again=False)


# -- queries ------------------------------------------------------------------------------------

_SITE = """
select s.id, s.code, s.time_zone, s.currency, s.clock, c.at, s.queue_rule, s.pull_window_s,
       s.pull_after_s, s.suspend_after_s, s.frozen_window_s, s.checks_stock, s.checks_purchases,
       s.supplier_lateness_s, (s.default_late_cost_per_day * 10000)::bigint,
       (s.move_price * 10000)::bigint, s.accept_tolerance_ppm,
       h.seq, p.computed_seq, p.plan_version, p.committed_version, p.dirty, p.failures, @stand
  from mes_site s join mes_sitehead h on h.site_id = s.id join mes_siteplan p on p.site_id = s.id
  left join mes_siteclock c on c.site_id = s.id
 where s.id = %(site)s
"""
_VERSIONS = """
select version, upto_seq, as_of, epoch, figures, job_ids, times, line_ids, line_times
  from planning_planversion where site_id = %(site)s and version = any(%(versions)s)
"""
_CALENDARS = "select id from equipment_workcalendar where site_id = %(site)s order by id"
_PATTERNS = """
select calendar_id, weekday, starts, ends from equipment_shiftpattern
 where site_id = %(site)s order by calendar_id, weekday, starts, ends, id
"""
_EXCEPTIONS = """
select id, calendar_id, unit_id, kind, starts_at, ends_at from equipment_calendarexception
 where site_id = %(site)s and removed_seq is null and ends_at > %(epoch)s order by id
"""
_UNITS = """
select e.id, e.code, e.name, e.calendar_id, e.places, e.rate_ppm, e.reporting_rhythm,
       coalesce(u.mounted, '{}'), d.id, sec(d.started_at), sec(d.back_at), d.reason_id,
       coalesce(r.name, ''), coalesce(d.note, ''), coalesce(d.back_said_by, ''), d.opened_seq,
       e.kind, w.percent, sec(w.started_at), sec(w.back_at), coalesce(w.note, ''),
       coalesce(w.back_said_by, ''), w.opened_seq,
       d.makeshift_percent, sec(d.makeshift_until), e.makeshift_s, e.makeshift_percent
  from equipment_equipment e left join equipment_unitstatus u on u.unit_id = e.id
  left join equipment_downtime d on d.unit_id = e.id and d.ended_at is null
  left join equipment_slowdown w on w.unit_id = e.id and w.ended_at is null
  left join equipment_reason r on r.id = d.reason_id
 where e.site_id = %(site)s and e.level = 'WORK_UNIT' order by e.id
"""
_REPAIRS = """
select unit_id, reason_id, extract(epoch from ended_at - started_at)::bigint
  from equipment_downtime where site_id = %(site)s and ended_at is not null
 order by started_at desc limit 2000
"""
_SLOW_TIMES = """
select unit_id, extract(epoch from ended_at - started_at)::bigint
  from equipment_slowdown where site_id = %(site)s and ended_at is not null
 order by started_at desc limit 500
"""
_TOOLS = "select id, code, name, pieces from equipment_tool where site_id = %(site)s order by id"
_LOSSES = """
select tool_id, sec(started_at), sec(ended_at), sec(back_at), note, back_said_by, opened_seq
  from equipment_toolloss where site_id = %(site)s
   and (ended_at is null or ended_at > %(now)s - interval '2 years') order by id
"""
_DECISION_TIMES = """
select reason_id, extract(epoch from released_at - placed_at)::bigint
  from quality_hold where site_id = %(site)s and released_at is not null
 order by placed_at desc limit 500
"""
_HOLDS = """
select h.id, h.lot_id, h.job_order_id, h.reason_id, coalesce(r.name, ''), h.note,
       sec(h.placed_at), sec(h.expected_at), h.placed_seq, h.concession
  from quality_hold h left join equipment_reason r on r.id = h.reason_id
 where h.site_id = %(site)s and h.released_at is null order by h.id
"""
# An order that has not moved for sixty days is asleep: listed for closing, out of the load. One of
# which nothing came good is over, but what it owes is still missing.
_AWAKE = """
select id from workorders_workorder w
 where w.site_id = %(site)s and w.status = 'RELEASED'
   and greatest(coalesce(w.last_movement_at, w.released_at), w.released_at)
       > %(now)s - interval '60 days'
 union all
select w.id from workorders_workorder w
 where w.site_id = %(site)s and w.status = 'COMPLETED' and w.put_away_quantity = 0
   and w.closed_at > %(now)s - interval '14 days'
"""
_ORDERS = """
select w.id, w.code, w.item_id, sec(w.due_at), sec(w.not_before), mil(w.quantity),
       mil(w.put_away_quantity), w.customer_line_id, w.lot_id, w.version,
       w.mends_lot_id, w.mends_job_id
  from workorders_workorder w where w.id in (@awake) @since(w) order by w.id
"""
_JOBS = """
select j.id, j.work_order_id, j.number, j.name, j.status, j.unit_id, mil(j.quantity), mil(j.good),
       mil(j.scrap), mil(j.rework), j.setup_s, mil(j.run_s), j.fixed_s::bigint * 1000000, j.family,
       j.span, j.restarts, j.yield_ppm, j.pinned, sec(j.not_before), sec(j.started_at),
       sec(j.completed_at), sec(j.last_report_at), j.productive_s, sec(j.running_since), j.version,
       coalesce(j.part_of_id, 0),
       coalesce(j.refused_unit_id, 0), j.refused_why, sec(j.refused_at), j.refused_by
  from workorders_joborder j where j.work_order_id in (@awake) @since(j) order by j.id
"""
_ALTERNATES = """
select a.id, a.job_order_id, a.unit_id, a.setup_s, mil(a.run_s), j.fixed_s::bigint * 1000000
  from workorders_jobalternate a join workorders_joborder j on j.id = a.job_order_id
 where j.work_order_id in (@awake) @since(a, j) order by a.id
"""
_NEEDS = """
select t.id, t.job_order_id, t.tool_id
  from workorders_jobtool t join workorders_joborder j on j.id = t.job_order_id
 where j.work_order_id in (@awake) @since(t) order by t.id
"""
_LINKS = """
select l.id, l.predecessor_id, l.follower_id, l.kind, mil(l.batch), l.lag_s
  from workorders_joblink l join workorders_joborder p on p.id = l.predecessor_id
  join workorders_joborder f on f.id = l.follower_id
 where p.work_order_id in (@awake) and f.work_order_id in (@awake) @since(l)
 order by l.id
"""
_COMPONENTS = """
select m.id, m.job_order_id, m.item_id, mil(m.required - m.issued),
       case when m.instead_of_id is null then 0 else 1 end
  from workorders_jobmaterial m join workorders_joborder j on j.id = m.job_order_id
 where j.work_order_id in (@awake) and j.started_at is null and m.required > m.issued
   and j.status in ('WAITING', 'READY', 'HELD') @since(m) order by m.id
"""
_ROUTES = """
select o.id, r.item_id, sec(r.valid_from), sec(r.valid_to), r.id, o.number, o.unit_id, o.setup_s,
       mil(o.run_s), o.fixed_s::bigint * 1000000, o.family, o.span, o.restarts, o.yield_ppm,
       mil(coalesce(o.transfer_batch, 0)), o.lag_s
  from workorders_routingoperation o join workorders_routing r on r.id = o.routing_id
 where o.site_id = %(site)s @since(o, r) order by o.id
"""
_ROUTE_UNITS = """
select a.id, a.operation_id, a.unit_id, a.setup_s, mil(a.run_s)
  from workorders_operationalternate a where a.site_id = %(site)s @since(a) order by a.id
"""
_ROUTE_TOOLS = """
select t.id, t.operation_id, t.tool_id
  from workorders_operationtool t where t.site_id = %(site)s @since(t) order by t.id
"""
_BILLS = """
select b.id, b.item_id, b.component_id, b.quantity_per, b.scrap_ppm, b.operation_number,
       sec(b.valid_from), sec(b.valid_to)
  from materials_billline b where b.site_id = %(site)s @since(b) order by b.id
"""
_QUEUES = """
select unit_id, version, job_order_ids from workorders_unitqueue where site_id = %(site)s
 order by unit_id
"""
_ITEMS = """
select i.id, i.code, i.name, i.unit, i.source, i.tracked, i.lead_time_s, mil(i.safety_stock),
       i.decimals, i.put_away_s, i.safety_kept, (i.standard_cost * 10000)::bigint
  from materials_item i where i.site_id = %(site)s @since(i) order by i.id
"""
_LOTS = """
select l.id, l.code, l.item_id, l.status, sec(l.received_at), sec(l.expires_at), sec(l.free_at),
       mil(coalesce(b.quantity, 0)), l.version
  from materials_lot l
  left join (select b.lot_id, sum(b.quantity) as quantity from materials_stockbalance b
               join materials_location p on p.id = b.location_id and p.kind <> 'SCRAP'
              where b.site_id = %(site)s group by b.lot_id) b on b.lot_id = l.id
 where l.site_id = %(site)s and l.status not in ('REJECTED', 'CONSUMED')
   and (b.quantity > 0 or l.status = 'HELD' or l.counted_at > %(now)s - interval '14 days')
 order by l.id
"""
_PURCHASES = """
select p.id, p.order_code || '/' || p.number, p.item_id,
       mil(greatest(coalesce(p.expected_quantity, p.quantity) - p.received_quantity, 0)),
       sec(p.expected_at), coalesce(s.lateness_s, -1), p.version, p.supplier_id,
       mil(p.quantity - p.received_quantity), sec(p.promised_at), sec(p.expected_from), s.name,
       p.expected_source
  from materials_purchaseline p join materials_supplier s on s.id = p.supplier_id
 where p.site_id = %(site)s and p.closed_at is null and p.quantity > p.received_quantity
 order by p.id
"""
_LINES = """
select l.id, o.code, l.number, c.id, c.name, l.item_id,
       case when l.cancelled_at is null then mil(l.quantity - l.shipped_quantity) else 0 end,
       sec(l.requested_at), sec(l.first_promised_at), sec(l.promised_at),
       case when l.cancelled_at is null
            then ((l.quantity - l.shipped_quantity) * coalesce(l.price, 0) * 10000)::bigint
            else 0 end,
       l.price is not null, l.pack_s,
       c.basis, c.ship_complete, c.time_zone, c.counts_working_days, c.priority_class,
       (c.penalty_percent_day * 10000)::bigint, (c.penalty_per_day * 10000)::bigint,
       (c.late_weight_per_day * 10000)::bigint, (c.line_stop_per_day * 10000)::bigint,
       c.grace_days, (c.cap_percent * 10000)::bigint, coalesce(f.transit_s, c.transit_s),
       sec(o.ordered_at), l.version,
       case when l.cancelled_at is null
            then mil(greatest(l.part_quantity - l.shipped_quantity, 0)) else 0 end,
       coalesce(l.freight_mode_id, 0),
       mil(l.quantity), mil(l.shipped_quantity), l.cancelled_at is not null,
       c.asked_of_concessions
  from materials_customerline l join materials_customerorder o on o.id = l.order_id
  join materials_customer c on c.id = o.customer_id
  left join materials_freightmode f on f.id = l.freight_mode_id
 where l.site_id = %(site)s and l.shipped_at is null
   and (l.cancelled_at is null or l.cancelled_at > %(now)s - interval '14 days')
   and l.quantity > l.shipped_quantity @since(l, o, c, f) order by l.id
"""
_QUOTES = """
select q.id, q.supplier_id, s.name, q.item_id, q.lead_time_s, (q.price * 10000)::bigint,
       mil(q.minimum_quantity), (q.order_fee * 10000)::bigint, q.expedite_lead_s,
       (q.expedite_fee * 10000)::bigint, q.source, coalesce(s.lateness_s, -1)
  from materials_supplieritem q join materials_supplier s on s.id = q.supplier_id
 where q.site_id = %(site)s and q.valid_from <= %(now)s
   and (q.valid_to is null or q.valid_to > %(now)s) order by q.id
"""
_FREIGHTS = """
select id, name, standard, transit_s, (price * 10000)::bigint, source
  from materials_freightmode where site_id = %(site)s and valid_from <= %(now)s
   and (valid_to is null or valid_to > %(now)s) order by id
"""
_STAND_INS = """
select b.item_id, b.component_id, a.component_id, mil(a.quantity_per), mil(b.quantity_per),
       a.source
  from materials_billalternate a join materials_billline b on b.id = a.bill_line_id
 where a.site_id = %(site)s and a.valid_from <= %(now)s
   and (a.valid_to is null or a.valid_to > %(now)s) order by a.id
"""
_STANDING = """
select x.id, x.unit_id, x.starts_at, x.ends_at, a.person_id,
       array(select p.name from equipment_equipment e
               join equipment_shiftpattern p on p.calendar_id = e.calendar_id,
                    (select x.starts_at at time zone s.time_zone) l(at)
              where e.id = x.unit_id and p.weekday = extract(isodow from l.at) - 1
                and l.at::time >= p.starts and (l.at::time < p.ends or p.ends <= p.starts))
  from workorders_absence a join mes_site s on s.id = a.site_id
  join equipment_calendarexception x on x.id = any(a.window_ids)
 where a.site_id = %(site)s and a.ended_at is null and x.removed_seq is null
   and x.ends_at > %(now)s order by x.starts_at, x.unit_id, x.id
"""
_AWAY = """
select person_id, starts_at, ends_at from workorders_absence
 where site_id = %(site)s and ended_at is null and ends_at > %(now)s order by id
"""
_ATTENDS = """
select u.unit_id, k.person_id, p.name, k.shifts
  from workorders_unitskill u join workorders_personskill k on k.skill_id = u.skill_id
  join mes_person p on p.id = k.person_id
 where u.site_id = %(site)s order by u.unit_id, p.name, p.id
"""
_RESERVATIONS = """
select id, lot_id, work_order_id, purchase_line_id, job_material_id, customer_line_id,
       mil(quantity)
  from workorders_reservation where site_id = %(site)s order by id
"""
_PEGS = """
select p.id, p.supply_kind, p.supply_id, p.demand_kind, p.demand_id, mil(p.quantity)
  from planning_committedpeg p where p.site_id = %(site)s @since(p) order by p.id
"""
_EVENTS = """
select seq, key, kind, subject_type, subject_id, body, received_at from mes_shopfloorevent
 where site_id = %(site)s and seq > %(computed)s and seq <= %(seq)s order by seq desc limit 500
"""
_SCRAPPED = """
select r.event_seq, r.job_order_id, mil(r.scrap) from workorders_jobresponse r
 where r.scrap <> 0 and r.event_seq > %(computed)s and r.job_order_id in (
       select e.subject_id from mes_shopfloorevent e
        where e.site_id = %(site)s and e.seq > %(computed)s and e.subject_type = 'job_order')
 order by r.event_seq, r.id
"""
_TOLD = """
select seq, key, kind, subject_type, subject_id, body, received_at from mes_shopfloorevent
 where site_id = %(site)s and seq > %(computed)s and seq <= %(seq)s and kind = any(%(kinds)s)
 order by seq
"""
_RATES = """
select what, unit_id, (amount * 10000)::bigint, source, owner, valid_from
  from equipment_costrate where site_id = %(site)s and valid_from <= %(now)s
   and (valid_to is null or valid_to > %(now)s) order by what, unit_id nulls first, valid_from, id
"""


# Tables that are kept in memory between readings.
_RESIDENT = {
    "orders": _ORDERS,
    "jobs": _JOBS,
    "alternates": _ALTERNATES,
    "needs": _NEEDS,
    "links": _LINKS,
    "components": _COMPONENTS,
    "items": _ITEMS,
    "lines": _LINES,
    "pegs": _PEGS,
    "routes": _ROUTES,
    "route_units": _ROUTE_UNITS,
    "route_tools": _ROUTE_TOOLS,
    "bills": _BILLS,
}


@cache
def _sql(text: str) -> str:
    """Spell out the two shorthands: sec(x) seconds since the epoch, mil(x) millionths."""
    text = text.replace("@awake", _AWAKE).replace("@stand", resident.STAND)
    out, rest = "", text
    while True:
        places = [place for place in (rest.find("sec("), rest.find("mil(")) if place >= 0]
        if not places:
            return out + rest
        begin = min(places)
        depth, end = 1, begin + 4
        while depth:
            depth += {"(": 1, ")": -1}.get(rest[end], 0)
            end += 1
        inner = rest[begin + 4 : end - 1]
        out += rest[:begin] + (
            f"floor(extract(epoch from {inner}))::bigint - %(epoch_s)s"
            if rest.startswith("sec(", begin)
            else f"(({inner}) * 1000000)::bigint"
        )
        rest = rest[end:]


def _read(site_id: int, *, wall_now: datetime, at: datetime | None, check_again: bool) -> Snapshot:
    """Read all tables of one site in a fixed number of queries and build the Plant."""
    last = resident.recall(site_id)
    with connection.cursor() as cursor:

        def rows(text: str, **more: Any) -> list[tuple[Any, ...]]:
            cursor.execute(_sql(text), {**values, **more})
            found: Rows = cursor.fetchall()
            return found

        values: dict[str, Any] = {"site": site_id}
        found = rows(_SITE)
        if not found:
            raise Missing("There is no such site.")
        *policies, database, started, oldest = found[0]
        site = _Site(*policies)
        now_at = at or (site.clock_at if site.clock == "SIMULATED" and site.clock_at else wall_now)
        epoch = rules.epoch_of(now_at)
        values |= {"epoch": epoch, "epoch_s": int(epoch.timestamp()), "now": now_at}
        memory = resident.refresh(
            _RESIDENT,
            rows,
            stand=resident.Stand(database, started, oldest),
            made_of=epoch,
            last=last,
        )
        if not check_again:
            resident.remember(site_id, memory)
        kept = {name: table.rows for name, table in memory.tables.items()}
        read = _Reading(
            site=site,
            now_at=now_at,
            epoch=epoch,
            versions=rows(_VERSIONS, versions=[site.plan_version, site.committed_version]),
            calendars=rows(_CALENDARS),
            patterns=rows(_PATTERNS),
            exceptions=rows(_EXCEPTIONS),
            units=rows(_UNITS),
            repairs=rows(_REPAIRS),
            slow_times=rows(_SLOW_TIMES),
            tools=rows(_TOOLS),
            losses=rows(_LOSSES),
            decision_times=rows(_DECISION_TIMES),
            holds=rows(_HOLDS),
            orders=kept["orders"],
            jobs=kept["jobs"],
            alternates=kept["alternates"],
            needs=kept["needs"],
            links=kept["links"],
            components=kept["components"],
            routes=kept["routes"],
            route_units=kept["route_units"],
            route_tools=kept["route_tools"],
            bills=kept["bills"],
            queues=rows(_QUEUES),
            items=kept["items"],
            lots=rows(_LOTS),
            purchases=rows(_PURCHASES),
            lines=kept["lines"],
            quotes=rows(_QUOTES),
            freights=rows(_FREIGHTS),
            stand_ins=rows(_STAND_INS),
            standing=rows(_STANDING),
            away=rows(_AWAY),
            attends=rows(_ATTENDS),
            reservations=rows(_RESERVATIONS),
            pegs=_kept(site_id, "pegs in order", kept["pegs"], partial(_pegs_in_order, kept)),
            rates=rows(_RATES),
            events=rows(_EVENTS, computed=site.computed_seq, seq=site.seq)[::-1],
            scrapped=rows(_SCRAPPED, computed=site.computed_seq),
            told=rows(_TOLD, computed=site.computed_seq, seq=site.seq, kinds=list(TOLD)),
        )
        if check_again:
            cursor.execute("select seq from mes_sitehead where site_id = %s", [site_id])
            if cursor.fetchone()[0] != site.seq:
                raise _Moved
    return _build(read)


# -- what was read, turned into a Plant -----------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Site:
    id: int
    code: str
    time_zone: str
    currency: str
    clock: str
    clock_at: datetime | None
    queue_rule: str
    pull_window_s: int
    pull_after_s: int
    suspend_after_s: int
    frozen_window_s: int
    checks_stock: bool
    checks_purchases: bool
    supplier_lateness_s: int
    default_late_per_day: int | None
    move_price: int
    accept_tolerance_ppm: int
    seq: int
    computed_seq: int
    plan_version: int
    committed_version: int
    dirty: bool
    failures: int


@dataclass(frozen=True, slots=True)
class _Reading:
    """The rows of one instant, as the queries gave them."""

    site: _Site
    now_at: datetime
    epoch: datetime
    versions: Rows
    calendars: Rows
    patterns: Rows
    exceptions: Rows
    units: Rows
    repairs: Rows
    slow_times: Rows
    tools: Rows
    losses: Rows
    decision_times: Rows
    holds: Rows
    orders: Rows
    jobs: Rows
    alternates: Rows
    needs: Rows
    links: Rows
    components: Rows
    routes: Rows
    route_units: Rows
    route_tools: Rows
    bills: Rows
    queues: Rows
    items: Rows
    lots: Rows
    purchases: Rows
    lines: Rows
    quotes: Rows
    freights: Rows
    stand_ins: Rows
    standing: Rows
    away: Rows
    attends: Rows
    reservations: Rows
    pegs: Rows
    rates: Rows
    events: Rows
    scrapped: Rows
    told: Rows


def _table(rows: Sequence[tuple[int, ...]], *names: str) -> Columns:
    """Rows of whole numbers turned to int64 columns by name."""
    turned = np.array(rows, np.int64).reshape(len(rows), len(names)).T
    return dict(zip(names, turned, strict=True))


def _columns(rows: Rows, *names: str) -> dict[str, Sequence[Any]]:
    """Rows turned to columns by name; a name that is empty is left out."""
    turned = list(zip(*rows, strict=True)) if rows else [()] * len(names)
    return {name: turned[at] for at, name in enumerate(names) if name}


def _or(values: Iterable[int | None], instead: int) -> np.ndarray[Any, Any]:
    """Values as int64, with `instead` where there is none, inside the engine's int32."""
    found = np.array([instead if value is None else value for value in values], np.int64)
    return np.clip(found, UNSET, NEVER)


def _build(read: _Reading) -> Snapshot:
    site, epoch = read.site, read.epoch
    now = int((read.now_at - epoch).total_seconds() // 1)
    stored = {row[0]: _stored(read, row) for row in read.versions}
    committed = stored.get(site.committed_version)
    horizon = _horizon(read, committed, now)
    builder = PlantBuilder(
        Policies(
            queue_rule=QueueRule[site.queue_rule],
            pull_window_s=site.pull_window_s,
            pull_after_s=site.pull_after_s,
            suspend_after_s=site.suspend_after_s,
            frozen_window_s=site.frozen_window_s,
            horizon=horizon,
            stock_checked=site.checks_stock,
            purchases_checked=site.checks_purchases,
        )
    )
    builder.use_calendars(_calendars(read, horizon))
    builder.use_recipes(_recipes(read, now))
    stops = _stops(read, now)
    slows = _slows(read, now)
    losses = _losses(read, now)
    holds = _holds(read, now)
    refusals = _refusals(read, now)
    _add_units(builder, read, stops, slows, horizon)
    _add_tools(builder, read, losses)
    previous = stored.get(site.plan_version)
    lines, line_columns = _lines(read)
    _add_orders(builder, read, committed, holds, refusals, now)
    _add_items(builder, read, previous, now)
    _add_supplies(builder, read, holds, now)
    _add_demands(builder, read, line_columns)
    _add_pegs(builder, read)
    return Snapshot(
        site_id=site.id,
        site_code=site.code,
        time_zone=site.time_zone,
        currency=site.currency,
        seq=site.seq,
        plan_version=site.plan_version,
        computed_seq=site.computed_seq,
        committed_version=site.committed_version,
        dirty=site.dirty,
        failures=site.failures,
        now_at=read.now_at,
        now=now,
        epoch=epoch,
        plant=builder.build(),
        default_late_per_day=site.default_late_per_day,
        move_price=site.move_price,
        accept_tolerance_ppm=site.accept_tolerance_ppm,
        units={row[0]: row[1] for row in read.units},
        unit_names={row[0]: row[2] for row in read.units},
        orders={row[0]: row[1] for row in read.orders},
        jobs=_kept(site.id, "names of jobs", read.jobs, partial(_jobs, read)),
        items={row[0]: (row[1], row[2], row[3]) for row in read.items},
        lots={row[0]: (row[1], row[2]) for row in read.lots},
        purchases={row[0]: row[1] for row in read.purchases},
        bought={row[0]: _bought(row) for row in read.purchases},
        lines=lines,
        stops=stops,
        slows=slows,
        losses=losses,
        tools={row[0]: row[1] for row in read.tools},
        holds=holds,
        refusals=refusals,
        quarantined=_quarantined(read, now),
        rates=[Rate(*row) for row in read.rates],
        events=[_event(row) for row in read.events],
        meant_for=_meant_for(read),
        scrapped=_scrapped(read),
        told=[_event(row) for row in read.told],
        previous=previous,
        committed=committed,
        reading=read,
        offers=_offers(read),
        suppliers={row[1]: row[2] for row in read.quotes},
        freights={row[0]: row[1] for row in read.freights},
        people={row[1]: row[2] for row in read.attends},
        materials=_kept(site.id, "materials", read.components, partial(_materials, read)),
    )


def _pegs_in_order(kept: Mapping[str, Rows]) -> Rows:
    """Committed pegs without their ids, which accepting and undoing change."""
    return sorted(row[1:] for row in kept["pegs"])


def _jobs(read: _Reading) -> dict[int, Job]:
    return {row[0]: Job(row[0], row[1], row[2], row[3], row[5], row[4]) for row in read.jobs}


def _materials(read: _Reading) -> dict[int, tuple[int, int]]:
    return {row[0]: (row[1], row[2]) for row in read.components}


def _event(row: tuple[Any, ...]) -> Event:
    return Event(row[0], str(row[1]), row[2], row[3], row[4], _json(row[5]), row[6])


def _meant_for(read: _Reading) -> dict[int, tuple[int, ...]]:
    found: dict[int, set[int]] = {row[0]: set() for row in read.lines if row[31]}
    if not found:
        return {}
    for row in read.orders:
        if row[7] in found:
            found[row[7]].add(row[0])
    open_orders = {row[0] for row in read.orders}
    for supply_kind, supply_id, demand_kind, demand_id, _quantity in read.pegs:
        pegged = supply_kind == "WORK_ORDER" and demand_kind == "LINE" and demand_id in found
        if pegged and supply_id in open_orders:
            found[demand_id].add(supply_id)
    return {line_id: tuple(sorted(orders)) for line_id, orders in found.items() if orders}


def _bought(row: tuple[Any, ...]) -> Bought:
    (line_id, code, item_id, left, expected, _lateness, _version, _supplier, ordered, promised,
     first, supplier, said_by) = row  # fmt: skip
    return Bought(
        id=line_id,
        code=code,
        item_id=item_id,
        supplier=supplier,
        left=left,
        missing=ordered - left,
        promised=promised,
        expected_from=first,
        expected=expected,
        said_by=said_by,
    )


def _json(value: Any) -> dict[str, Any]:
    """A jsonb column through a plain cursor comes as text."""
    found: dict[str, Any] = json.loads(value) if isinstance(value, str) else value
    return found


def _scrapped(read: _Reading) -> dict[int, int]:
    found: dict[int, int] = defaultdict(int)
    for _seq, job_id, pieces in read.scrapped:
        found[job_id] += pieces
    return dict(found)


def _stored(read: _Reading, row: tuple[Any, ...]) -> Version:
    """A stored version; the committed one, which every projection reads, is unpacked once."""
    if row[0] != read.site.committed_version:
        return _version(row, read.epoch)
    made_of = (row[0], row[2], read.epoch, row[6] is None)
    return _kept(read.site.id, "committed", made_of, partial(_version, row, read.epoch))


def _version(row: tuple[Any, ...], epoch: datetime) -> Version:
    version, upto_seq, as_of, its_epoch, figures, job_ids, times, line_ids, _line_times = row
    shift = int((its_epoch - epoch).total_seconds())
    ids, pairs = np.zeros(0, np.int64), np.zeros((0, 2), np.int64)
    if job_ids is not None and times is not None:
        ids = np.frombuffer(job_ids, "<i8")
        by_id = np.argsort(ids, kind="stable")
        ids, pairs = ids[by_id], rules.unpack(times, 2, shift)[by_id]
    lines = np.zeros(0, np.int64) if line_ids is None else np.frombuffer(line_ids, "<i8")
    return Version(version, upto_seq, as_of, _json(figures), ids, pairs[:, 0], pairs[:, 1], lines)


def _horizon(read: _Reading, committed: Version | None, now: int) -> int:
    """The instant after which nothing is planned: kept with the committed version."""
    made_of = (read.orders, read.lines)
    last_due = _kept(read.site.id, "last due", made_of, partial(_last_due, read))
    kept = None
    if committed is not None and "horizon" in committed.figures:
        kept_at = datetime.fromisoformat(committed.figures["horizon"])
        kept = int((kept_at - read.epoch).total_seconds())
    return rules.horizon(last_due, now=now, kept=kept)


def _last_due(read: _Reading) -> int:
    dues: list[int] = [row[3] for row in read.orders]
    dues += [row[9] if row[9] is not None else row[7] for row in read.lines]
    return max(dues, default=0)


_BUILT: OrderedDict[bytes, calendars.Calendars] = OrderedDict()
_KEPT_CALENDARS = 16


def _calendars(read: _Reading, horizon: int) -> calendars.Calendars:
    """The base calendars with their dense tables, kept by what they are made of."""
    weeks: dict[int, list[equipment_rules.Shift]] = defaultdict(list)
    for calendar_id, weekday, starts, ends in read.patterns:
        weeks[calendar_id].append(equipment_rules.Shift(weekday, starts, ends))
    differ: dict[int, list[equipment_rules.Window]] = defaultdict(list)
    for _id, calendar_id, _unit, kind, starts_at, ends_at in read.exceptions:
        if calendar_id is not None:
            differ[calendar_id].append(equipment_rules.Window(kind, starts_at, ends_at))
    ids = [row[0] for row in read.calendars]
    made_of = repr(
        [read.site.time_zone, read.epoch, horizon, ids, read.patterns, sorted(differ.items())]
    )
    key = hashlib.sha256(made_of.encode()).digest()
    if key in _BUILT:
        _BUILT.move_to_end(key)
        return _BUILT[key]
    until = read.epoch + timedelta(seconds=horizon)
    built = calendars.build(
        ids,
        [
            [
                (
                    int((starts - read.epoch).total_seconds()),
                    int((ends - read.epoch).total_seconds()),
                )
                for starts, ends in equipment_rules.expand_calendar(
                    weeks[calendar_id],
                    differ[calendar_id],
                    read.site.time_zone,
                    read.epoch,
                    until,
                )
            ]
            for calendar_id in ids
        ],
        horizon=horizon,
    )
    _BUILT[key] = built
    while len(_BUILT) > _KEPT_CALENDARS:
        _BUILT.popitem(last=False)
    return built


def _stops(read: _Reading, now: int) -> dict[int, Stop]:
    """Open stops by unit, with the guess that stands in where nobody gave an estimate."""
    found: dict[int, Stop] = {}
    for row in read.units:
        unit_id, stop_id, started, back, reason_id = row[0], row[8], row[9], row[10], row[11]
        if stop_id is None:
            continue
        guess = None
        if back is None or back <= now:
            levels = {
                "REASON": [s for _, r, s in read.repairs if r is not None and r == reason_id],
                "UNIT": [s for u, _, s in read.repairs if u == unit_id],
                "SITE": [s for _, _, s in read.repairs],
            }
            since = started if back is None else max(started, back)
            guess = rules.guess_end(levels, started=started, made_at=since, now=now)
        found[unit_id] = Stop(
            id=stop_id,
            unit_id=unit_id,
            reason=row[12],
            note=row[13],
            started=started,
            back=back,
            said_by=row[14],
            guess=guess,
            opened_seq=row[15],
        )
    return found


def _slows(read: _Reading, now: int) -> dict[int, Slow]:
    """Open slowdowns by unit, with the guess that stands in where nobody gave an estimate."""
    found: dict[int, Slow] = {}
    for row in read.units:
        unit_id = row[0]
        percent, started, back, note, said_by, opened_seq = row[17:23]
        if percent is None:
            continue
        levels = {
            "UNIT": [s for u, s in read.slow_times if u == unit_id],
            "SITE": [s for _, s in read.slow_times],
        }
        guess = _guess_of(levels, started, back, now)
        found[unit_id] = Slow(unit_id, percent, note, started, back, said_by, guess, opened_seq)
    return found


def _losses(read: _Reading, now: int) -> dict[int, Loss]:
    """Tools of which pieces are lost; what is known of the one that is back first."""
    lost: dict[int, list[tuple[Any, ...]]] = defaultdict(list)
    times: list[tuple[int, int]] = []
    for row in read.losses:
        tool_id, started, ended = row[:3]
        if ended is None:
            lost[tool_id].append(row)
        else:
            times.append((tool_id, ended - started))
    found: dict[int, Loss] = {}
    for tool_id, code, name, pieces in read.tools:
        if tool_id not in lost:
            continue
        levels = {
            "UNIT": [s for each, s in times if each == tool_id],
            "SITE": [s for _, s in times],
        }
        mine = lost[tool_id]
        guesses = [_guess_of(levels, row[1], row[3], now) for row in mine]
        untils = [rules.bound(row[3], guess) for row, guess in zip(mine, guesses, strict=True)]
        first = min(range(len(mine)), key=lambda at: (untils[at][0], at))
        found[tool_id] = Loss(
            tool_id=tool_id,
            code=code,
            name=name,
            left=max(0, pieces - len(mine)),
            note=mine[-1][4],
            started=mine[-1][1],
            back=mine[first][3],
            said_by=mine[first][5],
            guess=guesses[first],
            opened_seq=mine[-1][6],
        )
    return found


def _guess_of(
    levels: Mapping[str, Sequence[int]], started: int, said: int | None, now: int
) -> rules.Guess | None:
    """The guess in force where nobody gave an estimate, or the one that was given has passed."""
    if said is not None and said > now:
        return None
    since = started if said is None else max(started, said)
    return rules.guess_end(levels, started=started, made_at=since, now=now)


def _add_tools(builder: PlantBuilder, read: _Reading, losses: Mapping[int, Loss]) -> None:
    for row in read.tools:
        loss = losses.get(row[0])
        lost: dict[str, int] = {}
        if loss is not None and loss.binds:
            until, guessed, again = rules.bound(loss.back, loss.guess)
            lost = {"lost": 1, "lost_until": until, "lost_guess": guessed, "lost_again_s": again}
        builder.add_tool(id=row[0], **lost)
    if read.needs:
        builder.add_needs(**_kept(read.site.id, "needs", read.needs, partial(_needs, read)))


def _needs(read: _Reading) -> Columns:
    columns = _table(read.needs, "", "operation", "tool")
    columns.pop("")
    return columns


def _holds(read: _Reading, now: int) -> dict[int, Held]:
    found: dict[int, Held] = {}
    for row in read.holds:
        hold_id, lot_id, job_id, reason_id, reason, note, placed, expected, seq, concession = row
        guess = None
        if expected is None or expected <= now:
            levels = {
                "REASON": [s for r, s in read.decision_times if r is not None and r == reason_id]
            }
            guess = rules.guess_end(
                levels,
                started=placed,
                made_at=placed if expected is None else max(placed, expected),
                now=now,
                otherwise=rules.HOLD_GUESS_S,
            )
        site = {"SITE": [s for _r, s in read.decision_times]}
        same = {"REASON": [s for r, s in read.decision_times if r is not None and r == reason_id]}
        limit = placed + rules.check_limit(same | site)[0] if expected is None else expected
        found[hold_id] = Held(
            hold_id, lot_id, job_id, reason, note, placed, expected, guess, seq, limit, concession
        )
    return found


def _quarantined(read: _Reading, now: int) -> dict[int, Quarantined]:
    wait = rules.check_limit({"SITE": [s for _r, s in read.decision_times]})[0]
    found: dict[int, Quarantined] = {}
    for lot_id, _code, _item, status, received, _expires, free, quantity, _version in read.lots:
        if status != "QUARANTINE" or quantity <= 0:
            continue
        guess = None
        if free is None or free <= now:
            guess = rules.guess_end(
                {}, started=received, made_at=received, now=now, otherwise=rules.HOLD_GUESS_S
            )
        limit = received + wait if free is None else free
        found[lot_id] = Quarantined(lot_id, received, free, guess, limit)
    return found


def _refusals(read: _Reading, now: int) -> dict[int, NotHere]:
    """What waits where it can't be done, until somebody moves it or says that it can."""
    found: dict[int, NotHere] = {}
    for row in read.jobs:
        job_id, status, unit_id, started = row[0], row[4], row[5], row[19]
        refused_unit, why, at, said_by = row[26:30]
        if refused_unit != unit_id or started is not None or _STATUS[status] is not Status.WAITING:
            continue
        guess = rules.guess_end({}, started=at, made_at=at, now=now, otherwise=rules.HOLD_GUESS_S)
        found[job_id] = NotHere(job_id, unit_id, why, said_by, at, guess)
    return found


def _families(read: _Reading) -> dict[str, int]:
    """Set-up families as numbers; 0 is none. Only equality matters to the engine."""
    made_of = (read.jobs, read.routes, [row[7] for row in read.units])
    return _kept(read.site.id, "families", made_of, partial(_numbered_families, read))


def _numbered_families(read: _Reading) -> dict[str, int]:
    names = {row[13] for row in read.jobs} | {row[10] for row in read.routes}
    names |= {name for row in read.units for name in row[7]}
    return {name: at for at, name in enumerate(sorted(names - {"", None}), start=1)}


def _add_units(
    builder: PlantBuilder,
    read: _Reading,
    stops: Mapping[int, Stop],
    slows: Mapping[int, Slow],
    horizon: int,
) -> None:
    families = _families(read)
    for row in read.units:
        unit_id, _code, _name, calendar_id, places, rate_ppm, rhythm, mounted = row[:8]
        stop = stops.get(unit_id)
        down: dict[str, int] = {}
        if stop is not None:
            until, guessed, again = rules.bound(stop.back, stop.guess)
            down = {
                "down": 1,
                "down_since": stop.started,
                "down_until": until,
                "down_guess": guessed,
                "down_again_s": again,
            }
        slow = slows.get(unit_id)
        if slow is None and stop is not None and row[23] is not None and stop.back is not None:
            down |= {
                "slow": 1,
                "slow_since": stop.back,
                "slow_until": row[24],
                "slow_ppm": row[23] * 10_000,
            }
        if slow is not None:
            until, guessed, again = rules.bound(slow.back, slow.guess)
            down |= {
                "slow": 1,
                "slow_since": slow.started,
                "slow_until": until,
                "slow_guess": guessed,
                "slow_again_s": again,
                "slow_ppm": slow.percent * 10_000,
            }
        builder.add_unit(
            id=unit_id,
            calendar=calendar_id,
            places=places,
            rate_ppm=rate_ppm,
            quantum_qty=rules.QUANTA[rhythm],
            outside=row[16] == "EXTERNAL",
            **down,
        )
        for place, name in enumerate(mounted[:places]):
            if name:
                builder.add_mounted(unit=unit_id, place=place, family=families[name])
    units = {row[0] for row in read.units}
    for _id, _calendar, unit_id, kind, starts_at, ends_at in read.exceptions:
        if unit_id in units:
            begin, end = rules.window(starts_at, ends_at, read.epoch, opens=kind == "OPEN")
            begin, end = max(0, begin), min(horizon, end)
            if begin < end:
                builder.add_exception(unit=unit_id, start=begin, end=end, open=kind == "OPEN")


_SPANS = {span.name: int(span) for span in Span}
_STATUS = {
    "WAITING": Status.WAITING,
    "READY": Status.WAITING,
    "HELD": Status.WAITING,
    "RUNNING": Status.RUNNING,
    "SUSPENDED": Status.SUSPENDED,
    "COMPLETED": Status.DONE,
    "ABORTED": Status.DONE,
    "CLOSED": Status.DONE,
}


def _add_orders(
    builder: PlantBuilder,
    read: _Reading,
    committed: Version | None,
    holds: Mapping[int, Held],
    refusals: Mapping[int, NotHere],
    now: int,
) -> None:
    """Orders, operations, alternates, arcs and queues."""
    site_id = read.site.id
    orders = _kept(site_id, "orders", read.orders, partial(_order_columns, read))
    if read.orders:
        builder.add_orders(**orders)
    if read.jobs:
        families = _families(read)
        made_of = (read.jobs, families)
        jobs = _kept(site_id, "jobs", made_of, partial(_job_columns, read, families))
        builder.add_operations(**_operations(jobs, orders, committed, holds, refusals, now))
    if read.alternates:
        builder.add_alternates(
            **_kept(read.site.id, "alternates", read.alternates, partial(_alternates, read))
        )
    if read.links:
        builder.add_arcs(**_kept(read.site.id, "links", read.links, partial(_arcs, read)))
    stands = {row[0]: row[5] for row in read.jobs}
    for unit_id, _queue_version, job_ids in read.queues:
        here = [job_id for job_id in job_ids if stands.get(job_id) == unit_id]
        builder.set_queue(unit=unit_id, operations=here)


def _order_columns(read: _Reading) -> Columns:
    return {
        "id": np.array([row[0] for row in read.orders], np.int64),
        "item": np.array([row[2] for row in read.orders], np.int64),
        "need_by": _or((row[3] for row in read.orders), NEVER),
        "not_before": _or((row[4] for row in read.orders), UNSET),
    }


# Of a row of `_JOBS`, by the names of the engine where it takes them as they are.
_JOB = (
    "id", "order", "number", "", "", "unit", "launch_qty", "good_qty", "scrap_qty", "rework_qty",
    "setup_s", "run_us", "fixed_us", "", "", "restart", "yield_num", "pinned", "not_before",
    "started", "completed", "reported", "productive_s", "resumed", "", "part_of", "refused",
    "", "", "",
)  # fmt: skip
_INSTANTS = ("not_before", "started", "completed", "reported", "resumed")


def _job_columns(read: _Reading, families: Mapping[str, int]) -> Columns:
    """The columns of the job orders that do not depend on the plant's now."""
    given = _columns(read.jobs, *_JOB)
    found = {
        name: _or(values, UNSET) if name in _INSTANTS else np.array(values, np.int64)
        for name, values in given.items()
    }
    return found | {
        "status": np.array([_status(row[4], row[19]) for row in read.jobs], np.int64),
        "family": np.array([families.get(row[13], 0) for row in read.jobs], np.int64),
        "span": np.array([_SPANS[row[14]] for row in read.jobs], np.int64),
        "yield_den": np.full(len(read.jobs), 1_000_000, np.int64),
    }


def _status(name: str, started: int | None) -> Status:
    """A job on hold that was begun is off the machine; one that was not waits."""
    return Status.SUSPENDED if name == "HELD" and started is not None else _STATUS[name]


def _operations(
    jobs: Columns,
    orders: Columns,
    committed: Version | None,
    holds: Mapping[int, Held],
    refusals: Mapping[int, NotHere],
    now: int,
) -> Columns:
    """The columns of the operations at `now`."""
    found = dict(jobs)
    status, started, completed = found["status"], found.pop("started"), found.pop("completed")
    waits, done = status == Status.WAITING, status == Status.DONE
    ended = np.where(completed == UNSET, now, np.minimum(now, completed))
    latest = np.where(done, ended, now)
    began = np.where(started == UNSET, latest, np.minimum(started, latest))
    # The instant from which the engine assumes the run to be on rate: the last report, or the
    # last resumption if that was later.
    last = np.maximum(found.pop("reported"), found.pop("resumed"))
    of_order = np.searchsorted(orders["id"], found["order"])
    found["not_before"] = np.maximum(found["not_before"], orders["not_before"][of_order])
    found["actual_start"] = np.where(waits, UNSET, began)
    found["actual_end"] = np.where(done, ended, UNSET)
    found["report_at"] = np.where(waits | (last == UNSET), UNSET, np.minimum(now, last))
    found["baseline_start"], found["baseline_end"] = _baseline(found["id"], committed)
    held, until = np.zeros(len(status), np.bool_), np.full(len(status), NEVER, np.int64)
    guessed, again = np.zeros(len(status), np.bool_), np.full(len(status), -1, np.int64)
    for hold in holds.values():
        if hold.job_order_id is None:
            continue
        at = np.flatnonzero((found["id"] == hold.job_order_id) & ~done)
        held[at] = True
        until[at], guessed[at], again[at] = rules.bound(hold.expected, hold.guess)
    # What quality holds it holds on every unit.
    found["refused"] = np.where(held | ~waits, 0, found["refused"])
    for refusal in refusals.values():
        at = np.flatnonzero((found["id"] == refusal.job_id) & (found["refused"] != 0))
        held[at] = True
        until[at], guessed[at], again[at] = rules.bound(None, refusal.guess)
    return found | {
        "hold": held, "hold_until": until, "hold_guess": guessed, "hold_again_s": again
    }  # fmt: skip


def _baseline(
    ids: np.ndarray[Any, Any], committed: Version | None
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """The start and the end of each job in the committed version; UNSET where it has none."""
    starts, ends = np.full(len(ids), UNSET, np.int64), np.full(len(ids), UNSET, np.int64)
    if committed is not None and len(committed.job_ids):
        at = np.searchsorted(committed.job_ids, ids)
        at = np.minimum(at, len(committed.job_ids) - 1)
        there = committed.job_ids[at] == ids
        starts[there], ends[there] = committed.starts[at[there]], committed.ends[at[there]]
    return starts, ends


def _alternates(read: _Reading) -> Columns:
    columns = _table(read.alternates, "", "operation", "unit", "setup_s", "run_us", "fixed_us")
    columns.pop("")
    return columns


def _arcs(read: _Reading) -> Columns:
    rows = [
        (pred, succ, int(ArcKind.OVERLAP), lag_s, batch)
        if kind == "OVERLAP"
        else (pred, succ, int(ArcKind.FS), lag_s, 0)
        for _id, pred, succ, kind, batch, lag_s in read.links
    ]
    return _table(rows, "pred", "succ", "kind", "lag_s", "batch_qty")


def _recipes(read: _Reading, now: int) -> Recipes:
    """How each item would be made if an order of it were released now."""
    routings: dict[int, tuple[int, int]] = {}
    for _op, item_id, since, until, routing_id, *_ in read.routes:
        if since <= now and (until is None or until > now):
            found = (since, routing_id)
            routings[item_id] = max(routings.get(item_id, found), found)
    valid = [row[0] for row in read.bills if row[6] <= now and (row[7] is None or row[7] > now)]
    made_of = (
        read.routes, read.route_units, read.route_tools, read.bills, read.items, valid, routings,
        _families(read),
    )  # fmt: skip
    in_force = {routing_id for _since, routing_id in routings.values()}
    make = partial(_make_recipes, read, in_force, set(valid))
    return _kept(read.site.id, "recipes", made_of, make)


def _make_recipes(read: _Reading, routings: set[int], bill_lines: set[int]) -> Recipes:
    families = _families(read)
    units: dict[int, dict[int, tuple[int, int]]] = defaultdict(dict)
    for _id, op_id, unit_id, setup_s, run_us in read.route_units:
        units[op_id][unit_id] = (setup_s, run_us)
    tools: dict[int, list[int]] = defaultdict(list)
    for _id, op_id, tool_id in read.route_tools:
        tools[op_id].append(tool_id)
    bills: dict[int, list[work_rules.Part]] = defaultdict(list)
    for line_id, item_id, component, per, scrap_ppm, number, *_ in read.bills:
        if line_id in bill_lines:
            bills[item_id].append(work_rules.Part(component, per, scrap_ppm, number))
    phantoms = frozenset(row[0] for row in read.items if row[4] == "PHANTOM")
    put_away = {row[0]: row[9] for row in read.items}
    steps: dict[int, list[tuple[Any, ...]]] = defaultdict(list)
    for row in read.routes:
        if row[4] in routings:
            steps[row[1]].append(row)
    found = {}
    for item_id, rows in steps.items():
        rows.sort(key=lambda row: row[5])
        numbers = {row[5] for row in rows}
        parts: dict[int, dict[int, int]] = defaultdict(dict)
        try:
            exploded = work_rules.explode(item_id, bills, phantoms)
        except ValueError:  # a phantom that contains itself: its release is refused too
            continue
        for (number, component), per in exploded.items():
            at = number if number in numbers else rows[0][5]
            taken = parts[at].get(component, 0)
            parts[at][component] = taken + int(per.scaleb(6).to_integral_value(ROUND_CEILING))
        found[item_id] = Recipe(
            steps=tuple(
                Step(
                    number=number,
                    unit_id=unit_id,
                    setup_s=setup_s,
                    run_us=run_us,
                    fixed_us=fixed_us,
                    family=families.get(family, 0),
                    span=Span[span],
                    restart=restarts,
                    yield_ppm=yield_ppm,
                    batch_qty=batch,
                    lag_s=lag_s,
                    others=tuple(
                        (unit, *times)
                        for unit, times in sorted(
                            {**units[op_id], unit_id: (setup_s, run_us)}.items()
                        )
                    ),
                    tools=tuple(tools[op_id]),
                    parts=tuple(sorted(parts[number].items())),
                )
                for op_id, _item, _from, _to, _routing, number, unit_id, setup_s, run_us,
                fixed_us, family, span, restarts, yield_ppm, batch, lag_s in rows
            ),
            put_away_s=put_away.get(item_id, 0),
        )  # fmt: skip
    return found


def _add_items(builder: PlantBuilder, read: _Reading, previous: Version | None, now: int) -> None:
    items = _kept(read.site.id, "items", read.items, partial(_item_columns, read))
    since = np.full(len(read.items), UNSET, np.int64)
    guessed: dict[str, str] = previous.figures.get("guesses", {}) if previous else {}
    for item_id, said in guessed.items():
        made = int((datetime.fromisoformat(said) - read.epoch).total_seconds())
        at = np.flatnonzero(items["id"] == int(item_id))
        since[at] = np.where(made + np.maximum(items["lead_s"][at], 0) <= now, UNSET, made)
    if read.items:
        builder.add_items(**items, guess_from=since)


def _item_columns(read: _Reading) -> Columns:
    rows = [
        (
            item_id,
            int(ItemKind.BUY if source == "BUY" else ItemKind.MAKE),
            tracked,
            lead_s or -1,
            safety,
            kept,
            10 ** (6 - min(6, decimals)),
        )
        for item_id, _code, _name, _unit, source, tracked, lead_s, safety, decimals, _away, kept, _
        in read.items
    ]  # fmt: skip
    return _table(
        rows, "id", "kind", "tracked", "lead_s", "safety_qty", "safety_kept", "quantum_qty"
    )


def _last_jobs(read: _Reading) -> dict[int, int]:
    """The job order whose good pieces are its order's output: none follows it in the order."""
    made_of = (read.jobs, read.links)
    return _kept(read.site.id, "last jobs", made_of, partial(_find_last_jobs, read))


def _find_last_jobs(read: _Reading) -> dict[int, int]:
    order_of = {row[0]: row[1] for row in read.jobs}
    leads_on = {pred for _id, pred, succ, *_ in read.links if order_of[pred] == order_of[succ]}
    last: dict[int, tuple[int, int]] = {}
    for row in read.jobs:
        if row[0] not in leads_on and not row[25]:  # the first of its parts brings those of all
            last[row[1]] = max(last.get(row[1], (-1, -1)), (row[2], row[0]))
    return {order_id: job_id for order_id, (_number, job_id) in last.items()}


def _add_supplies(
    builder: PlantBuilder, read: _Reading, holds: Mapping[int, Held], now: int
) -> None:
    held = {hold.lot_id: hold for hold in holds.values() if hold.lot_id}
    mended = _left_to_mend(read)
    rows: list[tuple[int, ...]] = []
    for lot_id, _code, item_id, status, received, expires, free, quantity, _version in read.lots:
        decided = (int(LotStatus.RELEASED), NEVER, False, -1)
        hold = held.get(lot_id)
        if status == "HELD" or hold is not None:
            said = hold.expected if hold else free
            guess = hold.guess if hold else None
            if hold is None and (free is None or free <= now):
                guess = rules.guess_end(
                    {}, started=received, made_at=received, now=now, otherwise=rules.HOLD_GUESS_S
                )
            until, guessed, again = rules.bound(said, guess)
            decided = (int(LotStatus.HELD), until, not guessed, again)
        elif status == "QUARANTINE":
            guess = None
            if free is None or free <= now:
                guess = rules.guess_end(
                    {}, started=received, made_at=received, now=now, otherwise=rules.HOLD_GUESS_S
                )
            until, _guessed, again = rules.bound(free, guess)
            decided = (int(LotStatus.QUARANTINED), until, False, again)
        keeps = NEVER if expires is None else expires
        quantity = max(0, quantity - mended.get(lot_id, 0))
        rows.append(
            (lot_id, int(SupplyKind.LOT), item_id, quantity, UNSET, 0, *decided, keeps, 0, 0)
        )
    learned = read.site.supplier_lateness_s
    sound = (int(LotStatus.RELEASED), NEVER, False, -1, NEVER)
    for line_id, _code, item_id, quantity, expected, lateness, *_ in read.purchases:
        late_s = lateness if lateness >= 0 else learned
        comes = (line_id, int(SupplyKind.PURCHASE), item_id, quantity, expected, late_s)
        rows.append((*comes, *sound, 0, 0))
    if read.orders:
        made_of = (read.orders, _last_jobs(read), read.items, learned)
        builder.add_supplies(
            **_kept(read.site.id, "outputs", made_of, partial(_outputs, read, learned))
        )
    if rows:
        builder.add_supplies(
            **_table(
                rows, "id", "kind", "item", "qty", "at", "late_s", "status", "until", "dated",
                "again_s", "expiry", "op", "put_away_s",
            )
        )  # fmt: skip


def _left_to_mend(read: _Reading) -> dict[int, int]:
    """How much of each lot orders have still to take that mend its pieces."""
    orders = {row[0]: row[10] for row in read.orders if row[10] is not None}
    first: dict[int, tuple[Any, ...]] = {}
    for row in read.jobs if orders else ():
        if row[1] in orders and (row[1] not in first or row[2] < first[row[1]][2]):
            first[row[1]] = row
    left: dict[int, int] = defaultdict(int)
    for order_id, row in first.items():
        if _STATUS[row[4]] is not Status.DONE:
            left[orders[order_id]] += row[6] - row[7] - row[8] - row[9]
    return left


def _outputs(read: _Reading, learned: int) -> Columns:
    """What orders make; one without operations is not ours to plan and comes when it is due."""
    away = {row[0]: row[9] for row in read.items}
    last = _last_jobs(read)
    rows = []
    for order_id, _code, item_id, due, _bound, quantity, put_away, *_ in read.orders:
        op = last.get(order_id)
        if op is not None:
            made = (int(SupplyKind.OUTPUT), put_away, UNSET, 0, op, away[item_id])
        else:
            left = max(quantity - put_away, 0)
            made = (int(SupplyKind.TRANSFER), left, due, learned, 0, 0)
        rows.append((order_id, item_id, *made))
    return _table(rows, "id", "item", "kind", "qty", "at", "late_s", "op", "put_away_s")


def _lines(read: _Reading) -> tuple[dict[int, Line], Columns]:
    """The customer lines for words and money, and as columns for the engine."""
    site = read.site
    made_of = (read.lines, read.epoch, site.time_zone, site.default_late_per_day)
    return _kept(site.id, "lines", made_of, partial(_make_lines, read))


def _make_lines(read: _Reading) -> tuple[dict[int, Line], Columns]:
    found: dict[int, Line] = {}
    for row in read.lines:
        (line_id, order, number, customer_id, customer, item_id, _open, requested, first,
         promised, value, priced, _pack, basis, _complete, zone, working, _priority, percent,
         per_day, weight, stop, grace, cap, _transit, _date, version, _part, _freight, ordered,
         shipped, cancelled, asked) = row  # fmt: skip
        if cancelled:
            # Nothing is due any more; it stays for a while, for what its work is to become of.
            requested, first, promised = UNSET, None, None
        # Who has no rule of his own costs the site's default, and that is an estimate.
        has_rule = any(x is not None for x in (percent, per_day, weight, stop))
        found[line_id] = Line(
            id=line_id,
            code=f"{order}/{number}",
            customer_id=customer_id,
            customer=customer,
            item_id=item_id,
            basis=Basis[basis],
            time_zone=zone or read.site.time_zone,
            working_days=working,
            terms=Terms(
                penalty_ppm=percent,
                penalty_day=per_day,
                stop_day=stop,
                weight_day=weight if has_rule else read.site.default_late_per_day,
                grace_days=grace,
                cap=None if cap is None or not priced else value * cap // 1_000_000,
                value=value if priced else None,
                due=next((at for at in (promised, first) if at is not None), requested),
                days=rules.day_table(zone or read.site.time_zone, working),
                source=customer if has_rule else DEFAULT_TERMS,
            ),
            first_promised=UNSET if first is None else first,
            promised=UNSET if promised is None else promised,
            requested=requested,
            version=version,
            ordered=ordered,
            shipped=shipped,
            cancelled=cancelled,
            asked=asked,
        )
    return found, _line_columns(read, found)


def _line_columns(read: _Reading, lines: Mapping[int, Line]) -> Columns:
    rows: list[tuple[int, ...]] = []
    for row in read.lines:
        line = lines[row[0]]
        terms = line.terms
        amounts = [
            x for x in (terms.penalty_day, terms.stop_day, terms.weight_day) if x is not None
        ]
        if terms.penalty_ppm is not None:
            amounts.append((terms.value or 0) * terms.penalty_ppm // 1_000_000)
        rows.append(
            (
                line.id,
                line.item_id,
                row[6],
                int(line.basis),
                line.promised,
                line.requested,
                (terms.stop_day or 0) > 0,
                row[17],
                row[25],
                not row[14],
                row[12],
                row[24],
                terms.value or 0,
                sum(amounts) if amounts else -1,
                -1 if terms.cap is None else terms.cap,
                row[27] if row[27] < row[6] else 0,
                row[28],
            )
        )
    return _table(
        rows, "id", "item", "qty", "basis", "promised", "requested", "stop", "priority",
        "ordered", "partial", "prepare_s", "transit_s", "value", "late_per_day", "late_cap",
        "part_qty", "mode",
    )  # fmt: skip


def _add_demands(builder: PlantBuilder, read: _Reading, lines: Columns) -> None:
    if read.components:
        builder.add_components(**_components(read))
    if read.lines:
        builder.add_lines(**lines)


def _components(read: _Reading) -> Columns:
    return _kept(read.site.id, "components", read.components, partial(_component_columns, read))


def _component_columns(read: _Reading) -> Columns:
    columns = _table(read.components, "id", "operation", "item", "qty", "substitute")
    columns.pop("substitute")
    return columns


def _add_pegs(builder: PlantBuilder, read: _Reading) -> None:
    """Hard pegs from reservations and orders made for a line; committed pegs from the plan.

    What an order has put away lies in its lot: pegs on the order take the lot first.
    """
    on_hand = {row[0]: row[7] for row in read.lots}
    put_away_lot = {row[0]: row[8] for row in read.orders if row[8] in on_hand and row[6] > 0}
    left_in_lot = {lot: on_hand[lot] for lot in put_away_lot.values()}
    site_id = read.site.id
    supplied = (read.lots, read.orders, read.purchases)
    known = _kept(site_id, "supplied items", supplied, partial(_supplied_items, read))
    made = _last_jobs(read)
    wanting = (read.components, read.lines)
    needed = _kept(site_id, "needed items", wanting, partial(_needed_items, read))
    sums: dict[tuple[int, int, int, int, int], int] = defaultdict(int)
    covered: dict[tuple[DemandKind, int], int] = defaultdict(int)

    def peg(
        supply: tuple[SupplyKind, int], demand: tuple[DemandKind, int], wanted: int, kind: PegKind
    ) -> None:
        item, quantity = needed[demand[0]].get(demand[1], (0, 0))
        wanted = min(wanted, quantity - covered[demand])
        if wanted <= 0 or known[supply[0]].get(supply[1]) != item:
            return
        if supply[0] is SupplyKind.OUTPUT:
            lot = put_away_lot.get(supply[1])
            if lot is not None:
                there = min(wanted, left_in_lot[lot])
                if there:
                    left_in_lot[lot] -= there
                    sums[SupplyKind.LOT, lot, demand[0], demand[1], kind] += there
                    covered[demand] += there
                    wanted -= there
            if not wanted:
                return
            if supply[1] not in made:
                supply = (SupplyKind.TRANSFER, supply[1])
        sums[supply[0], supply[1], demand[0], demand[1], kind] += wanted
        covered[demand] += wanted

    for _id, lot, order, purchase, material, line, quantity in read.reservations:
        supply = (
            (SupplyKind.LOT, lot)
            if lot
            else (SupplyKind.OUTPUT, order)
            if order
            else (SupplyKind.PURCHASE, purchase)
        )
        demand = (DemandKind.COMPONENT, material) if material else (DemandKind.LINE, line)
        peg(supply, demand, quantity, PegKind.HARD)
    for row in read.orders:
        if row[7] is not None:
            peg((SupplyKind.OUTPUT, row[0]), (DemandKind.LINE, row[7]), row[5], PegKind.HARD)
    if read.pegs:
        pegs = _kept(site_id, "pegs", read.pegs, partial(_peg_columns, read))
        hard = {(kind, demand) for _kind, _supply, kind, demand, _peg in sums}
        plain, rest = _whole_pegs(pegs, read, hard, list(put_away_lot))
        made_here = np.isin(pegs["supply"], np.array(list(made), np.int64))
        coming = (pegs["supply_kind"] == int(SupplyKind.OUTPUT)) & ~made_here
        kinds = np.where(coming, int(SupplyKind.TRANSFER), pegs["supply_kind"])
        builder.add_pegs(
            **{name: column[plain] for name, column in pegs.items()} | {"supply_kind": kinds[plain]}
        )
        for n in np.flatnonzero(rest).tolist():
            supply_kind, supply_id, demand_kind, demand_id, quantity = read.pegs[n]
            peg(
                (SUPPLY_KINDS[supply_kind], supply_id),
                (DEMAND_KINDS[demand_kind], demand_id),
                quantity,
                PegKind.COMMITTED,
            )
    for (supply_kind_, supply_id, demand_kind_, demand_id, kind), quantity in sums.items():
        builder.add_peg(
            supply_kind=supply_kind_,
            supply=supply_id,
            demand_kind=demand_kind_,
            demand=demand_id,
            qty=quantity,
            kind=kind,
        )


def _peg_columns(read: _Reading) -> Columns:
    rows = [
        (int(SUPPLY_KINDS[supply_kind]), supply, int(DEMAND_KINDS[demand_kind]), demand, quantity)
        for supply_kind, supply, demand_kind, demand, quantity in read.pegs
    ]
    return _table(rows, "supply_kind", "supply", "demand_kind", "demand", "qty")


def _whole_pegs(
    pegs: Columns, read: _Reading, hard: set[tuple[int, int]], put_away: list[int]
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Which committed pegs stand as they were committed, and which have to be shared out.

    hard      demands (kind, id) that hard pegs have taken from already
    put_away  orders whose output lies partly in its lot

    A demand with a hard peg, with an order that has put away, or pegged for more than it still
    needs is shared out in order; of the others every peg stands. Pegs whose supply or demand is
    gone, or is of another item by now, are in neither.
    """
    orders = _kept(read.site.id, "orders", read.orders, partial(_order_columns, read))
    lots = _table([(row[0], row[2]) for row in read.lots], "id", "item")
    bought = _table([(row[0], row[2]) for row in read.purchases], "id", "item")
    supplies = _stacked(
        {SupplyKind.LOT: lots, SupplyKind.OUTPUT: orders, SupplyKind.PURCHASE: bought}, "item"
    )
    _, lines = _lines(read)
    demands = _stacked(
        {DemandKind.COMPONENT: _components(read), DemandKind.LINE: lines}, "item", "qty"
    )
    nothing = np.zeros(len(pegs["qty"]), np.bool_)
    if not len(supplies["id"]) or not len(demands["id"]):
        return nothing, nothing
    at, has_supply = _places(pegs["supply_kind"], pegs["supply"], supplies)
    to, has_demand = _places(pegs["demand_kind"], pegs["demand"], demands)
    stands = has_supply & has_demand & (supplies["item"][at] == demands["item"][to])
    total = np.zeros(len(demands["id"]), np.int64)
    np.add.at(total, to[stands], pegs["qty"][stands])
    shared = total > demands["qty"]
    in_lot = (pegs["supply_kind"] == int(SupplyKind.OUTPUT)) & np.isin(
        pegs["supply"], np.array(put_away, np.int64)
    )
    shared[to[stands & in_lot]] = True
    if hard:
        taken = _table(sorted(hard), "kind", "id")
        place, known = _places(taken["kind"], taken["id"], demands)
        shared[place[known]] = True
    return stands & ~shared[to], stands & shared[to]


def _supplied_items(read: _Reading) -> dict[SupplyKind, dict[int, int]]:
    return {
        SupplyKind.LOT: {row[0]: row[2] for row in read.lots},
        SupplyKind.OUTPUT: {row[0]: row[2] for row in read.orders},
        SupplyKind.PURCHASE: {row[0]: row[2] for row in read.purchases},
    }


def _needed_items(read: _Reading) -> dict[DemandKind, dict[int, tuple[int, int]]]:
    """Item and quantity of each demand."""
    return {
        DemandKind.COMPONENT: {row[0]: (row[2], row[3]) for row in read.components},
        DemandKind.LINE: {row[0]: (row[5], row[6]) for row in read.lines},
    }


def _stacked(tables: Mapping[Any, Columns], *names: str) -> Columns:
    """Some columns of tables of several kinds, one below the other, with their kind and id."""
    found = {
        name: np.concatenate([table[name] for table in tables.values()]) for name in ("id", *names)
    }
    sizes = [len(table["id"]) for table in tables.values()]
    found["kind"] = np.repeat(np.array([int(kind) for kind in tables], np.int64), sizes)
    return found


def _places(
    kind: np.ndarray[Any, Any], wanted: np.ndarray[Any, Any], among: Columns
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """The row of each (kind, id) in a table that has some, and whether it is there at all."""
    keys = among["kind"] << 56 | among["id"]
    order = np.argsort(keys, kind="stable")
    sought = kind << 56 | wanted
    at = order[np.minimum(np.searchsorted(keys, sought, sorter=order), len(keys) - 1)]
    return at, keys[at] == sought


# -- what typed changes write ---------------------------------------------------------------------


def _decided(read: _Reading) -> dict[str, list[Any]]:
    """Everything that a typed change writes, in a fixed order; never rates, estimates or times."""
    return {
        "queues": [[unit, list(jobs)] for unit, _version, jobs in read.queues if jobs],
        "units": [[row[0], row[5], row[17]] for row in read.jobs],
        "windows": sorted(
            [
                [calendar or 0, unit or 0, kind, starts.isoformat(), ends.isoformat()]
                for _id, calendar, unit, kind, starts, ends in (
                    (*row[:4], row[4].astimezone(UTC), row[5].astimezone(UTC))
                    for row in read.exceptions
                )
            ]
        ),
        "reservations": sorted([list(row[1:]) for row in read.reservations], key=repr),
        "pegs": [list(row) for row in read.pegs],
        "promises": [
            [row[0], None if row[9] is None else _absolute(row[9], read)]
            for row in read.lines
            if not row[31]
        ],
        "purchases": [[row[0], row[3], _absolute(row[4], read)] for row in read.purchases],
        "parts": [[row[0], row[27]] for row in read.lines if row[27]],
        "freight": [[row[0], row[28]] for row in read.lines if row[28]],
        "substitutes": [[row[0], row[2], row[3]] for row in read.components if row[4]],
        "safety": [row[0] for row in read.items if row[10]],
        "parked": [[row[0], _absolute(row[4], read)] for row in read.orders if row[4] is not None],
        "links": [row[1:5] for row in read.links],
        "split": _split(read),
        "concessions": [row[1] for row in read.holds if row[9] == "ASKED"],
    }


def _split(read: _Reading) -> list[list[int]]:
    """Parts of operations and the jobs that they were split from, with their quantities."""
    firsts = {row[25] for row in read.jobs if row[25]}
    if not firsts:
        return []
    return [[row[0], row[25], row[6]] for row in read.jobs if row[25] or row[0] in firsts]


def _offers(read: _Reading) -> Offers:
    """What can be had from outside; kept while the masters and the open purchases stay."""
    made_of = (
        read.quotes, read.freights, read.stand_ins, read.items,
        [(row[0], row[2], row[7]) for row in read.purchases],
        [(row[0], row[16], *row[25:27]) for row in read.units],
        read.standing, read.away, read.attends, read.epoch, read.holds, _asked(read), _mended(read),
    )  # fmt: skip
    return _kept(read.site.id, "offers", made_of, partial(_make_offers, read))


def _make_offers(read: _Reading) -> Offers:
    def price(amount: int | None, source: str) -> Price | None:
        return None if amount is None else Price(amount, source)

    quoted = {(row[1], row[3]): row for row in read.quotes}
    faster = {}
    for purchase_id, _code, item_id, _left, _at, _late, _version, supplier, *_ in read.purchases:
        quote = quoted.get((supplier, item_id))
        if quote is not None and quote[8] is not None:
            faster[purchase_id] = Faster(purchase_id, quote[8], price(quote[9], quote[10]))
    usual = next((row for row in read.freights if row[2]), None)
    learned = read.site.supplier_lateness_s
    return Offers(
        quotes=tuple(
            Quote(
                id=row[0],
                supplier_id=row[1],
                item_id=row[3],
                lead_s=row[4],
                price=price(row[5], row[10]),
                minimum_qty=row[6],
                fee=price(row[7], row[10]),
                late_s=row[11] if row[11] >= 0 else learned,
            )
            for row in read.quotes
        ),
        faster=faster,
        freights=tuple(
            Freight(row[0], row[3], price(row[4], row[5]))
            for row in read.freights
            if row[3] is not None
        ),
        standard=price(usual[4], usual[5]) if usual else None,
        stand_ins=tuple(
            StandIn(item, component, instead, num, den, source)
            for item, component, instead, num, den, source in read.stand_ins
        ),
        item_cost={
            row[0]: Price(row[11], STANDARD_COST) for row in read.items if row[11] is not None
        },
        external=frozenset(row[0] for row in read.units if row[16] == "EXTERNAL"),
        covers=tuple(_covers(read)),
        asked=_asked(read),
        refused=frozenset(row[1] for row in read.holds if row[9] == "REFUSED"),
        mended=_mended(read),
        makeshift={
            row[0]: Makeshift(row[25], row[26] * 10_000)
            for row in read.units
            if row[25] is not None
        },
    )


def _asked(read: _Reading) -> frozenset[int]:
    """Lines whose customers are asked before they get anything by concession."""
    lines = _lines(read)[0]
    return frozenset(pk for pk, line in lines.items() if line.asked)


def _mended(read: _Reading) -> dict[int, int]:
    """By job order, how many of the pieces that it lost are mended already."""
    found: dict[int, int] = defaultdict(int)
    for row in read.orders:
        if row[11] is not None:
            found[row[11]] += row[5]
    return dict(found)


def _covers(read: _Reading) -> Iterator[Cover]:
    """Who could attend each unit that stands: with its skill, not absent, not in that shift."""
    for window_id, unit_id, starts_at, ends_at, _absent, shifts in read.standing:
        away = {
            person for person, since, until in read.away if since < ends_at and until > starts_at
        }
        able = tuple(
            person
            for unit, person, _name, own in read.attends
            if unit == unit_id and person not in away and own and not set(own) & set(shifts)
        )
        begin, end = rules.window(starts_at, ends_at, read.epoch, opens=False)
        yield Cover(unit_id, window_id, max(0, begin), end, able)


def _absolute(seconds: int, read: _Reading) -> int:
    return int(seconds + read.epoch.timestamp())


def plan_hash(decided: Mapping[str, Any]) -> str:
    """sha256 over what typed changes write, as canonical JSON."""
    canonical = json.dumps(decided, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(canonical.encode()).hexdigest()
