"""Sends the mails that wait, one at a time; what fails is tried again, later each time."""

from __future__ import annotations

import logging
import smtplib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import connection
from django.utils import translation
from django.utils.translation import gettext as _

from mes import rules
from mes.clock import wall_now
from mes.models import OutgoingMail

log = logging.getLogger(__name__)

# As long as a try may take: then somebody else may take the mail of one that was killed.
LEASE = timedelta(minutes=2)
TRIED_FOR = timedelta(days=3)

# The next mail whose time has come, taken by counting the try: two senders never have the same.
TAKE = """
update mes_outgoingmail set attempts = attempts + 1, next_at = %(again)s
 where id = (
    select m.id
      from mes_outgoingmail m join mes_site s on s.id = m.site_id
      left join mes_siteclock c on c.site_id = s.id
     where m.sent_at is null and m.given_up_at is null and m.next_at <= %(now)s
       and (m.held_until is null
            or m.held_until <= case when s.clock = 'SIMULATED' then c.at else %(now)s end)
     order by m.next_at, m.id limit 1
       for update of m skip locked)
returning id
"""


def send_waiting(*, now: datetime, most: int = 50) -> int:
    """Try the mails whose time has come; returns how many went out.

    After a failure of the server the rest waits for the next round: it would fail as well.
    """
    sent = 0
    for _number in range(most):
        mail = _take(now)
        if mail is None:
            break
        if not _send(mail, now):
            break
        sent += 1
    return sent


def _take(now: datetime) -> OutgoingMail | None:
    with connection.cursor() as cursor:
        cursor.execute(TAKE, {"now": now, "again": now + LEASE})
        row = cursor.fetchone()
    if row is None:
        return None
    return OutgoingMail.objects.select_related("site").get(pk=row[0])


def _send(mail: OutgoingMail, now: datetime) -> bool:
    """One try, outside of any transaction; False if the server is to blame for its failure."""
    try:
        message_of(mail).send()
    except smtplib.SMTPRecipientsRefused as refused:
        said = "; ".join(str(each) for each in refused.recipients.values())
        temporary = all(code < 500 for code, _text in refused.recipients.values())
        _put_off(mail, now, said, for_good=not temporary)
        return True
    except (ValueError, UnicodeError) as problem:
        _put_off(mail, now, f"{type(problem).__name__}: {problem}", for_good=True)
        return True
    except (smtplib.SMTPException, OSError) as problem:
        _put_off(mail, now, f"{type(problem).__name__}: {problem}", for_good=False)
        log.warning("mail %s could not be sent (%s); trying again", mail.pk, problem)
        return False
    OutgoingMail.objects.filter(pk=mail.pk).update(sent_at=wall_now(), problem="")
    return True


def _put_off(mail: OutgoingMail, now: datetime, problem: str, *, for_good: bool) -> None:
    too_old = now - mail.written_at > TRIED_FOR
    OutgoingMail.objects.filter(pk=mail.pk).update(
        problem=problem[:200],
        next_at=now + rules.retry_after(mail.attempts),
        given_up_at=now if for_good or too_old else None,
    )


def message_of(mail: OutgoingMail) -> EmailMessage:
    """The mail in words: one notice is its own subject, several are counted."""
    lines: list[Mapping[str, Any]] = mail.lines
    zone = ZoneInfo(mail.site.time_zone)
    with translation.override(mail.language):
        first = " ".join(str(lines[0]["text"]).split())
        if len(lines) == 1:
            subject = f"{mail.site.name}: {first}"
        else:
            subject = _("%(site)s: %(n)d notices") % {"site": mail.site.name, "n": len(lines)}
        body = "\n\n".join(_paragraph(line, zone) for line in lines)
        foot = _("Which notices come by mail, and when, is yours to say: %(url)s") % {
            "url": f"{settings.MAIL_ORIGIN}/notices/settings/"
        }
    return EmailMessage(
        subject=subject[:200],
        body=f"{body}\n\n-- \n{foot}\n",
        to=[mail.address],
        headers={
            # The same at each try, so that a mail that went out twice is shown once.
            "Message-ID": f"<{mail.message_id}@downstream>",
            "Auto-Submitted": "auto-generated",
        },
    )


def _paragraph(line: Mapping[str, Any], zone: ZoneInfo) -> str:
    at = datetime.fromisoformat(line["at"]).astimezone(zone)
    said = f"{at:%Y-%m-%d %H:%M}  {line['text']}"
    if line["held"] and line["held_since"]:
        since = datetime.fromisoformat(line["held_since"]).astimezone(zone)
        held = _("%(n)d more held back since %(time)s") % {
            "n": line["held"],
            "time": f"{since:%H:%M}",
        }
        said = f"{said} ({held})"
    return f"{said}\n{settings.MAIL_ORIGIN}{line['url']}"
