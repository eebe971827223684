"""Now and then: verify what is new in the record, throw away what nobody needs any more."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.contrib.sessions.models import Session

from mes.instant import one_instant
from mes.models import ChainCheck, CommandKey, FailedSignIn, ShopFloorEvent, Site
from planning.verify import chain_problems, contradictions

log = logging.getLogger(__name__)

KEEP_KEYS = timedelta(days=90)  # longer than a tablet is away
KEEP_TRIES = timedelta(days=1)


def housekeep(*, now: datetime) -> None:
    """Check every site; forget old command keys, sessions that ended and wrong passwords."""
    for site in Site.objects.order_by("pk"):
        check(site, now=now)
    CommandKey.objects.filter(at__lt=now - KEEP_KEYS).delete()
    Session.objects.filter(expire_date__lt=now).delete()
    FailedSignIn.objects.filter(last_at__lt=now - KEEP_TRIES).delete()


def check(site: Site, *, now: datetime) -> ChainCheck:
    """Verify a site's chain from where the last check ended, and its tables against each other.

    The end is moved on only over what is right: a contradiction is found again until it is gone.
    """
    last = ChainCheck.objects.filter(site=site).first() or ChainCheck(site=site)
    with one_instant():
        found = list(chain_problems(site, after=(last.seq, bytes(last.hash))))
        end = ShopFloorEvent.objects.filter(site=site).order_by("-seq").first()
        broken = bool(found)
        found += contradictions(site)
    if end is not None and not broken:
        last.seq, last.hash = end.seq, bytes(end.hash)
    last.at, last.problems, last.first_problem = now, len(found), next(iter(found), "")
    last.save()
    if found:
        log.error("site %s contradicts itself %s times: %s", site.code, len(found), found[0])
    return last
