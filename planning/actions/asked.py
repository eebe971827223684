"""What people were asked to do about a disruption, once it is decided or over."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db.models.functions import Greatest

from mes.models import Task
from planning.models import Approval


def finish_tasks_about(site_id: int, disruption_ids: Sequence[int], now: datetime) -> None:
    """End the tasks that ask for a decision; nobody needs to take it any more."""
    asked = Task.objects.filter(
        site=site_id, subject_type="disruption", subject_id__in=disruption_ids, done_at=None
    )
    asked.update(done_at=Greatest("created_at", now))


def finish_approvals_of(site_id: int, disruption_ids: Sequence[int], now: datetime) -> None:
    """End what is asked about disruptions that are over."""
    asked = Approval.objects.filter(
        site=site_id, disruption__in=disruption_ids, state=Approval.State.ASKED
    )
    numbers = list(asked.values_list("pk", flat=True))
    asked.update(state=Approval.State.OVER, answered_at=now)
    Task.objects.filter(
        site=site_id, subject_type="approval", subject_id__in=numbers, done_at=None
    ).update(done_at=Greatest("created_at", now))
