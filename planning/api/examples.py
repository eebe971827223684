"""One body of each kind of event, in Northfield's codes, for the OpenAPI page."""

from __future__ import annotations

from typing import Any

TOMORROW = "2026-11-25T10:00:00+01:00"
DAY_AFTER = "2026-11-26T10:00:00+01:00"
_JOB = {"work_order": "WO-2288", "operation": 20}
_NEXT = {"work_order": "WO-2306", "operation": 20}
_SHIPPED = {"order": "SO-10488", "line": 1}
_LINE = {"order": "SO-10464", "line": 1}
_PURCHASE = {"purchase_order": "PO-5521", "line": 1}
_STOCK = {"lot": "L-24-1140", "location": "PARTS"}

_QUEUE = ("WO-2283", "WO-2310", "WO-2307", "WO-2315", "WO-2323", "WO-2330", "WO-2340")

_BODIES: dict[str, dict[str, Any]] = {
    "breakdown": {
        "unit": "CNC-04",
        "reason": "MECH-SPINDLE",
        "note": "spindle bearing alarm",
        "back_at": TOMORROW,
        "said_by": "Tomas",
    },
    "estimate": {"unit": "CNC-04", "back_at": TOMORROW, "said_by": "the maker's fitter"},
    "repair": {"unit": "CNC-04"},
    "slow": {"unit": "CNC-04", "percent": 70, "note": "spindle runs hot", "back_at": TOMORROW},
    "slow_change": {"unit": "CNC-04", "percent": 60, "back_at": TOMORROW, "said_by": "Tomas"},
    "slow_end": {"unit": "CNC-04"},
    "tool_lost": {"tool": "FX-220", "note": "dropped, to be measured", "back_at": TOMORROW},
    "tool_back": {"tool": "FX-220", "back_at": DAY_AFTER, "said_by": "the toolroom"},
    "tool_found": {"tool": "FX-220"},
    "absence": {"person": "Milan Urban", "ends_at": "2026-11-27T22:00:00+01:00", "note": "ill"},
    "absence_end": {"person": "Milan Urban"},
    "shift": {
        "place": "MILL-B",
        "starts_at": "2026-11-28T06:00:00+01:00",
        "ends_at": "2026-11-28T14:00:00+01:00",
        "note": "Saturday shift",
    },
    "shift_end": {"place": "MILL-B", "windows": [1]},
    "closure": {"place": "CNC-02", "ends_at": TOMORROW, "note": "inspection of the crane"},
    "closure_end": {"place": "CNC-02", "windows": [1]},
    "start": _NEXT,
    "stop": {**_JOB, "reason": "WAIT-MATERIAL"},
    "resume": _JOB,
    "finish": _JOB,
    "production": {**_JOB, "good": "25"},
    "correction": {"response": 1},
    "check_waits": {"lot": "L-24-1194", "note": "the line is out of bars"},
    "check_withdrawn": {"lot": "L-24-1194"},
    "check_done": {"lot": "L-24-1194", "status": "RELEASED", "note": "strength class as ordered"},
    "move": {**_NEXT, "to_unit": "CNC-04", "position": 1, "note": "CNC-07 is full"},
    "queue": {
        "unit": "CNC-03",
        "jobs": [{"work_order": code, "operation": 30} for code in _QUEUE],
        "note": "the customer of WO-2310 waits",
    },
    "not_possible": {**_NEXT, "why": "TOOL"},
    "possible_again": _NEXT,
    "hold": {"lot": "L-24-1187", "reason": "MAT-HARDNESS", "expected_at": TOMORROW},
    "release": {"hold": 1},
    "shortage": {**_STOCK, "missing": "400", "note": "shelf 3 is empty"},
    "count": {**_STOCK, "counted": "601"},
    "purchase": {
        **_PURCHASE,
        "expected_from": "2026-11-30T08:00:00+01:00",
        "expected_at": "2026-12-03T16:00:00+01:00",
        "said_by": "Nordseal, by telephone",
    },
    "receive": {**_PURCHASE, "lot": "L-24-1201", "quantity": "600", "location": "PARTS"},
    "receipt_correction": {**_PURCHASE, "lot": "L-24-1201", "quantity": "600"},
    "order": {
        "customer": "VOSS",
        "lines": [
            {"item": "HV-220-A", "quantity": "30", "requested_at": "2026-11-27T15:00:00+01:00"}
        ],
    },
    "order_change": {**_LINE, "quantity": "60"},
    "order_cancel": {**_LINE, "note": "their project is off"},
    "order_restore": _LINE,
    "ship": {**_SHIPPED, "quantity": "350"},
    "return": {**_SHIPPED, "quantity": "5", "why": "burrs in the bore", "wants": "NOTHING"},
    "return_correction": {"lot": "RET-SO-10488-1-1"},
    "call": {"unit": "CNC-07", "whom": "QUALITY", "stopped": True, "note": "burr on the flange"},
    "call_taken": {"call": 1, "minutes": 5},
    "call_arrived": {"call": 1},
    "call_ended": {"call": 1, "outcome": "deburred, tool changed"},
    "call_cancelled": {"call": 1},
    "clock": {"to": "2026-11-24T09:00:00+01:00"},
    "speed": {"speed": 60},
}
EVENTS = {kind: {"kind": kind, **body} for kind, body in _BODIES.items()}
