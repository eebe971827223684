"""What can happen in planning. Views, tasks and commands call these and nothing inside."""

from planning.actions.answers import agree, lapse_overdue, refuse
from planning.actions.approvals import approve, ask_approval, decline
from planning.actions.calls import call, stakes, watch_calls
from planning.actions.choices import flip_points
from planning.actions.commenting import (
    SUBJECTS,
    comment,
    comments_on,
    subject_of,
    withdraw_comment,
)
from planning.actions.commit import arrange, commit_plan
from planning.actions.customers import tell_customer
from planning.actions.decide import accept, undo
from planning.actions.escalate import watch_decisions
from planning.actions.handle import assign, close, mark_seen, snooze
from planning.actions.handover import (
    as_whom,
    confirm_hand_over,
    hand_over,
    left_for,
    not_for,
    sheet,
)
from planning.actions.happenings import HAPPENINGS, TAKEN_BACK_BY, take_back
from planning.actions.housekeep import check, housekeep
from planning.actions.look import evaluate, preview, preview_event, undo_ended
from planning.actions.mine import PLACES, add_move, drop_move
from planning.actions.recompute import Result, recompute, tick
from planning.actions.standing import apply_rules, save_rule, switch_rule
from planning.actions.suppose import belief, believe, own_belief

__all__ = [
    "HAPPENINGS",
    "PLACES",
    "SUBJECTS",
    "TAKEN_BACK_BY",
    "Result",
    "accept",
    "add_move",
    "agree",
    "apply_rules",
    "approve",
    "arrange",
    "as_whom",
    "ask_approval",
    "assign",
    "belief",
    "believe",
    "call",
    "check",
    "close",
    "comment",
    "comments_on",
    "commit_plan",
    "confirm_hand_over",
    "decline",
    "drop_move",
    "evaluate",
    "flip_points",
    "hand_over",
    "housekeep",
    "lapse_overdue",
    "left_for",
    "mark_seen",
    "not_for",
    "own_belief",
    "preview",
    "preview_event",
    "recompute",
    "refuse",
    "save_rule",
    "sheet",
    "snooze",
    "stakes",
    "subject_of",
    "switch_rule",
    "take_back",
    "tell_customer",
    "tick",
    "undo",
    "undo_ended",
    "watch_calls",
    "watch_decisions",
    "withdraw_comment",
]
