"""What kinds of options there are, and what checking one comes to."""

from __future__ import annotations

from enum import StrEnum


class Kind(StrEnum):
    DO_NOTHING = "DO_NOTHING"
    MINE = "MINE"
    OUTSIDE = "OUTSIDE"
    RESEQUENCE = "RESEQUENCE"
    ALTERNATE_UNIT = "ALTERNATE_UNIT"
    OVERTIME = "OVERTIME"
    COMBINE = "COMBINE"
    NEW_PROMISE = "NEW_PROMISE"
    PARTIAL_SHIPMENT = "PARTIAL_SHIPMENT"
    FASTER_FREIGHT = "FASTER_FREIGHT"
    EXPEDITE = "EXPEDITE"
    OTHER_SUPPLIER = "OTHER_SUPPLIER"
    SUBSTITUTE = "SUBSTITUTE"
    USE_SAFETY = "USE_SAFETY"
    REPEG = "REPEG"
    OVERLAP = "OVERLAP"
    PULL_FORWARD = "PULL_FORWARD"
    PARK = "PARK"
    SUBCONTRACT = "SUBCONTRACT"
    REOPTIMISE = "REOPTIMISE"
    SPLIT = "SPLIT"
    REMAKE = "REMAKE"
    CREW = "CREW"
    REWORK = "REWORK"
    CONCESSION = "CONCESSION"
    TEMPORARY_REPAIR = "TEMPORARY_REPAIR"


class Verdict(StrEnum):
    OFFERED = "OFFERED"
    WORSE = "WORSE"  # checked: another one is at least as good in everything
    IMPOSSIBLE = "IMPOSSIBLE"  # checked: not allowed or nothing to do it with


class WhyNot(StrEnum):
    """Why a deal can't be made, or an idea of one is none."""

    NO_PROMISE = "NO_PROMISE"  # nothing was promised yet
    DATE_PAST = "DATE_PAST"
    SAME = "SAME"  # it is so already
    QUANTITY = "QUANTITY"  # no quantity, or not less than the whole
    NOTHING_READY = "NOTHING_READY"  # no part of it is there in time
    NO_FASTER = "NO_FASTER"  # nothing travels faster
    COUNTS_AT_SHIPPING = "COUNTS_AT_SHIPPING"  # its customer judges by when it leaves
    STARTED = "STARTED"  # the job has begun
    TAKES_IT = "TAKES_IT"  # the job takes that item already
    OTHER_ITEM = "OTHER_ITEM"
    NOT_ENOUGH = "NOT_ENOUGH"  # others have it by right
    NOT_EXPEDITED = "NOT_EXPEDITED"  # its supplier delivers no faster
    NOTHING_ORDERED = "NOTHING_ORDERED"
    NO_QUOTE = "NO_QUOTE"  # nobody quotes it sooner
    NO_SUBSTITUTE = "NO_SUBSTITUTE"  # nothing is released in its place
    NO_STOCK = "NO_STOCK"  # of what could stand in
    SAFETY_USED = "SAFETY_USED"  # the plan counts on it already
    NOBODY_LATER = "NOBODY_LATER"  # nobody who can wait has any
    OWN_BOUND = "OWN_BOUND"  # its jobs have bounds of their own
    OVERLAPS = "OVERLAPS"  # its steps follow each other as closely as they can
    NOTHING_AHEAD = "NOTHING_AHEAD"  # no order that can wait stands before it
    NOTHING_WAITS = "NOTHING_WAITS"  # no order waits for its release
    NO_OUTSIDE = "NO_OUTSIDE"  # nobody outside can do it
    NO_LIKE_UNIT = "NO_LIKE_UNIT"  # no other unit that is up can do it
    FED_IN_BATCHES = "FED_IN_BATCHES"  # its pieces still come one batch after the other
    NO_NUMBER = "NO_NUMBER"  # no number is free between its step and the next
    WHOLE_ELSEWHERE = "WHOLE_ELSEWHERE"  # all of it is done sooner at the other unit
    SOONER_HERE = "SOONER_HERE"  # it is done where it stands before the other unit is free
    BOUND = "BOUND"  # it is pinned or on hold
    SPLIT = "SPLIT"  # it was split
    NOBODY_ABLE = "NOBODY_ABLE"  # nobody else who has the skill is free then
    NO_ROUTING = "NO_ROUTING"  # nobody says how it is made
    NOT_OURS = "NOT_OURS"  # it is bought: nobody here mends it
    SAID_NO = "SAID_NO"  # quality refused it before
    DECIDED_SOONER = "DECIDED_SOONER"  # quality decides before it would have agreed
    NO_MAKESHIFT = "NO_MAKESHIFT"  # nobody says how long a repair for now takes, and how it runs
    RUNS = "RUNS"  # it is not down
    SLOW_ALREADY = "SLOW_ALREADY"
    BACK_SOONER = "BACK_SOONER"  # it is back before a repair for now would be done
