"""Answers what the doorbell missed, and lets time pass: PostgreSQL only, no broker."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import threading
import time
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import DatabaseError, InterfaceError, close_old_connections, connection

from mes import health
from mes.clock import plant_now, wall_now
from mes.models import Site
from mes.notices import tell_what_is_over
from mes.processes import before_exec, manage
from planning.actions import (
    apply_rules,
    flip_points,
    lapse_overdue,
    recompute,
    tick,
    watch_calls,
    watch_decisions,
)
from planning.actions.escalate import SOONEST
from planning.engine.warm import warm
from planning.ownplant.work import waiting
from planning.shadow.actions import keep_foresight

log = logging.getLogger(__name__)

# Sites whose events wait for longer than `patience`, that a bypass or a killed process left, or
# whose options wait; and sites whose plan is older than a minute of the plant's own clock, or
# where a start or an end of work, a return or a shift's edge has come meanwhile.
BEHIND = """
select p.site_id
  from mes_siteplan p join mes_sitehead h on h.site_id = p.site_id
 where (h.seq > p.computed_seq and clock_timestamp() - interval '1 second' * %(patience)s > (
            select e.received_at from mes_shopfloorevent e
             where e.site_id = p.site_id and e.seq = p.computed_seq + 1))
    or p.dirty
    or (p.failures > 0 and coalesce(p.computed_at, '-infinity')
            < clock_timestamp() - interval '1 second' * %(patience)s)
    or exists (select 1 from planning_disruption d
                where d.site_id = p.site_id and d.state <> 'CLOSED'
                  and (d.summary ->> 'options_due')::boolean
                  and p.computed_at < clock_timestamp() - interval '1 second' * %(patience)s)
 order by p.site_id
"""
TICKS = """
select p.site_id
  from mes_siteplan p join mes_site s on s.id = p.site_id
  left join mes_siteclock c on c.site_id = s.id
 where p.as_of is not null
   and least(p.next_at, p.as_of + interval '60 seconds')
       <= case when s.clock = 'SIMULATED' then c.at else clock_timestamp() end
   and p.computed_at < clock_timestamp() - interval '1 second' * %(rest)s
 order by p.site_id
"""

FLIPS = """
select distinct site_id from planning_disruption
 where state <> 'CLOSED' and (summary ->> 'flip_due')::boolean
"""

# Sites where a call for help is due on the plant's clock, or was reckoned on an older plan.
CALLS = """
select distinct a.site_id
  from workorders_andoncall a
  join mes_site s on s.id = a.site_id join mes_siteplan p on p.site_id = a.site_id
  left join mes_siteclock c on c.site_id = a.site_id
 where a.state in ('OPEN', 'TAKEN') and a.due_at is not null
   and (a.plan_version < p.plan_version
        or a.due_at <= case when s.clock = 'SIMULATED' then c.at else %(now)s end)
"""

# Sites where somebody whose yes a decision needs has let the time pass.
CONSENTS = """
select distinct a.site_id
  from planning_consent a
  join mes_site s on s.id = a.site_id left join mes_siteclock c on c.site_id = a.site_id
 where a.state = 'ASKED'
   and a.latest_at <= case when s.clock = 'SIMULATED' then c.at else %(now)s end
"""

# Sites where something has ended and stayed so, of which people were told.
ENDED = """
select distinct n.site_id
  from mes_notice n
  join mes_site s on s.id = n.site_id left join mes_siteclock c on c.site_id = n.site_id
 where n.over_due_at <= case when s.clock = 'SIMULATED' then c.at else %(now)s end
"""

# Plants whose day has begun, by their own clock, and what it foresees is not kept yet.
UNFORESEEN = """
select p.site_id
  from mes_siteplan p
  join mes_site s on s.id = p.site_id left join mes_siteclock c on c.site_id = p.site_id
 where p.plan_version > 0 and not exists (
        select 1 from planning_foresight f
         where f.site_id = p.site_id
           and f.day = (case when s.clock = 'SIMULATED' then c.at else %(now)s end
                        at time zone s.time_zone)::date)
"""

# Sites where something is open that a rule may decide, or whose best answer is nearly gone.
UNDECIDED = """
select distinct d.site_id
  from planning_disruption d
  join mes_site s on s.id = d.site_id left join mes_siteclock c on c.site_id = d.site_id
 where d.state in ('NEW', 'OPEN') and d.kind <> 'BACKLOG'
   and (d.summary ->> 'options_due')::boolean = false
   and (exists (select 1 from planning_standingdecision r where r.site_id = d.site_id and r.active)
        or exists (
            select 1 from planning_option o
             where o.disruption_id = d.id and o.verdict = 'OFFERED'
               and o.decide_by <= %(soonest)s
                   + case when s.clock = 'SIMULATED' then c.at else %(now)s end))
"""


class Command(BaseCommand):
    """Runs until it is told to end. Two at once are safe: a site has one lock."""

    help = "Recompute what was not answered, tick the clocks, pass on calls that wait too long."

    working: subprocess.Popen[bytes] | None = None

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true", help="one round, then end")
        parser.add_argument("--every", type=float, default=1.0, help="seconds between rounds")
        parser.add_argument(
            "--patience", type=float, default=3.0, help="seconds that an event may wait"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        ending = threading.Event()
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, lambda *_: ending.set())
        # Loading the kernels takes longer than an answer may, and the first site's lock would be
        # held for it: whoever rings meanwhile goes away.
        warm(log.debug)
        beat_at = 0.0
        while not ending.is_set():
            try:
                if time.monotonic() >= beat_at:
                    health.beat("sweeper")
                    beat_at = time.monotonic() + health.BEAT_S
                sweep(patience_s=options["patience"])
                self._work_on_imports()
            except (DatabaseError, InterfaceError):
                if options["once"]:
                    raise
                log.warning("the database is away; trying again", exc_info=True)
                connection.close()
            if options["once"]:
                return
            ending.wait(options["every"])

    def _work_on_imports(self) -> None:
        """Start the long work on plants' files beside us, so that no answer waits for it."""
        if self.working is not None and self.working.poll() is None:
            return
        if waiting():
            self.working = subprocess.Popen(
                manage("work_imports"),
                cwd=settings.BASE_DIR,
                env={**os.environ, "MES_PROCESS": "WORKER"},
                stdin=subprocess.DEVNULL,
                preexec_fn=before_exec(signal.SIGKILL),
            )


def sweep(*, patience_s: float) -> list[int]:
    """One round; returns the sites that were looked at."""
    close_old_connections()
    now = wall_now()
    for site_id in _sites(CALLS, now=now):
        watch_calls(site_id, wall_now=now)
    for site_id in _sites(CONSENTS, now=now):
        lapse_overdue(site_id, wall_now=now)
    for site_id in _sites(UNDECIDED, now=now, soonest=SOONEST):
        apply_rules(site_id, wall_now=now)
        watch_decisions(site_id, wall_now=now)
    behind = _sites(BEHIND, patience=patience_s)
    for site_id in behind:
        recompute(site_id, wall_now=wall_now())
    # A simulated clock may run sixty times faster: it is ticked once in two wall seconds at most.
    ticking = [site for site in _sites(TICKS, rest=2.0) if site not in behind]
    for site_id in ticking:
        tick(site_id, wall_now=wall_now())
    for site in Site.objects.filter(pk__in=_sites(ENDED, now=now)):
        tell_what_is_over(site, at=plant_now(site))
    for site_id in _sites(UNFORESEEN, now=now):
        keep_foresight(site_id, wall_now=now)
    for site_id in _sites(FLIPS):
        flip_points(site_id, wall_now=wall_now())
    return [*behind, *ticking]


def _sites(query: str, **values: Any) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        return [row[0] for row in cursor.fetchall()]
