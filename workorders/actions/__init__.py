"""What can happen to work orders and job orders. The only writer of this app's tables."""

from workorders.actions.absences import (
    add_skill,
    cover,
    end_absence,
    report_absence,
    uncover,
)
from workorders.actions.calls import (
    Stake,
    arrive,
    cancel_call,
    end_call,
    escalate_call,
    raise_call,
    reckon_again,
    take_call,
)
from workorders.actions.masters import add_routing, save_routing_operation
from workorders.actions.mending import order_mending
from workorders.actions.orders import close_order, create_order, release, set_due
from workorders.actions.queues import (
    allow_job,
    move_job,
    refuse_job,
    restore_queue,
    set_queue,
)
from workorders.actions.reports import correct_report, put_away, report_production
from workorders.actions.runs import (
    finish,
    free_job,
    hold_job,
    resume,
    start,
    stop,
    suspend_jobs_of,
)
from workorders.actions.settling import keep_unsettled, settle
from workorders.actions.splits import merge_job, split_job
from workorders.actions.supplies import (
    reserve,
    set_link,
    set_not_before,
    substitute,
    unreserve,
)

__all__ = [
    "Stake",
    "add_routing",
    "add_skill",
    "allow_job",
    "arrive",
    "cancel_call",
    "close_order",
    "correct_report",
    "cover",
    "create_order",
    "end_absence",
    "end_call",
    "escalate_call",
    "finish",
    "free_job",
    "hold_job",
    "keep_unsettled",
    "merge_job",
    "move_job",
    "order_mending",
    "put_away",
    "raise_call",
    "reckon_again",
    "refuse_job",
    "release",
    "report_absence",
    "report_production",
    "reserve",
    "restore_queue",
    "resume",
    "save_routing_operation",
    "set_due",
    "set_link",
    "set_not_before",
    "set_queue",
    "settle",
    "split_job",
    "start",
    "stop",
    "substitute",
    "suspend_jobs_of",
    "take_call",
    "uncover",
    "unreserve",
]
