"""What kinds of options there are, and what checking one comes to."""

from __future__ import annotations

from enum import StrEnum


class Kind(StrEnum):
    DO_NOTHING = "DO_NOTHING"
    MINE = "MINE"
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


class Verdict(StrEnum):
    OFFERED = "OFFERED"
    WORSE = "WORSE"  # checked: another one is at least as good in everything
    IMPOSSIBLE = "IMPOSSIBLE"  # checked: not allowed or nothing to do it with
