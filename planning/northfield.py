"""Northfield, the plant that the demo shows: what it has, makes and owes on a Tuesday morning.

Plain data; `planning.management.commands.build_demo` turns it into rows through the apps' own
actions. The plant's clock opens at OPENS_AT, always the same instant, so that every demo and
every test sees the same plan. Times below are Northfield's own, Europe/Berlin.
"""

from __future__ import annotations

from datetime import datetime, time
from typing import NamedTuple
from zoneinfo import ZoneInfo

SITE = "NF"
NAME = "Northfield"
TIME_ZONE = "Europe/Berlin"
CURRENCY = "EUR"
_ZONE = ZoneInfo(TIME_ZONE)


def local(month: int, day: int, hour: int = 0, minute: int = 0) -> datetime:
    """An instant of November or December 2026, by the plant's wall clock."""
    return datetime(2026, month, day, hour, minute, tzinfo=_ZONE)


OPENS_AT = local(11, 24, 8, 30)
# What was made before the opening is booked from here on, in working time.
HISTORY_FROM = local(11, 19, 6)

# -- calendars and equipment ---------------------------------------------------------------------

WORKDAYS = (0, 1, 2, 3, 4)
EARLY = ("Early", time(6), time(14))
LATE = ("Late", time(14), time(22))


class Calendar(NamedTuple):
    code: str
    name: str
    shifts: tuple[tuple[str, time, time], ...]


CALENDARS = (
    Calendar("TWO-SHIFT", "Early and late shift, Monday to Friday", (EARLY, LATE)),
    Calendar("EARLY", "Early shift, Monday to Friday", (EARLY,)),
    Calendar("ROUND", "Around the clock, Monday to Friday", (("Day", time(0), time(0)),)),
)

AREAS = (("MACHINING", "Machining"), ("FINISHING", "Finishing"), ("ASSEMBLY", "Assembly"))
WORK_CENTERS = (
    ("MILL-A", "Milling cell A", "MACHINING"),
    ("MILL-B", "Milling cell B", "MACHINING"),
    ("TURNING", "Turning", "MACHINING"),
    ("GRINDING", "Grinding", "FINISHING"),
    ("WASHING", "Washing", "FINISHING"),
    ("ASM", "Assembly and test", "ASSEMBLY"),
    ("OUTSIDE", "Made outside", "MACHINING"),
)


class Unit(NamedTuple):
    code: str
    name: str
    center: str
    kind: str = "MACHINE"
    calendar: str = "TWO-SHIFT"
    places: int = 1
    makeshift: tuple[int, int] | None = None  # back in so many minutes, at so many percent


UNITS = (
    Unit("CNC-01", "3-axis mill 1", "MILL-A"),
    Unit("CNC-02", "3-axis mill 2", "MILL-A"),
    Unit("CNC-03", "3-axis mill 3", "MILL-A"),
    Unit("CNC-04", "5-axis mill 4", "MILL-B"),
    Unit("CNC-05", "4-axis mill 5", "MILL-B"),
    Unit("CNC-06", "4-axis mill 6", "MILL-B"),
    Unit("CNC-07", "5-axis mill 7", "MILL-B"),
    Unit("LAT-01", "Lathe 1", "TURNING"),
    Unit("LAT-02", "Lathe 2", "TURNING"),
    Unit("GRD-01", "Cylindrical grinder 1", "GRINDING", makeshift=(90, 60)),
    Unit("GRD-02", "Bore grinder 2", "GRINDING"),
    Unit("WSH-01", "Washing line 1", "WASHING"),
    Unit("ASM-02", "Assembly line 2", "ASM", kind="LINE"),
    Unit("TST-01", "Test bench 1", "ASM", calendar="EARLY"),
)
# Somebody else's machines: work there is bought, transport both ways is its set-up.
OUTSIDE = (
    Unit(
        "EXT-5AX", "Hollmann, 5 axes, outside", "OUTSIDE", kind="EXTERNAL", calendar="ROUND",
        places=4,
    ),
)  # fmt: skip
OUTSIDE_TRANSPORT_MIN = 20 * 60

# Code, name, parent, what it applies to, SEMI E10 class, calls maintenance.
REASONS = (
    ("MECH", "Mechanical", None, "STOP", "UNSCHEDULED_DOWN", True),
    ("MECH-SPINDLE", "Spindle bearing", "MECH", "STOP", "UNSCHEDULED_DOWN", True),
    ("MECH-COOLANT", "Coolant leak", "MECH", "STOP", "UNSCHEDULED_DOWN", True),
    ("MECH-CLAMP", "Clamping fails", "MECH", "STOP", "UNSCHEDULED_DOWN", True),
    ("ELEC", "Electrical", None, "STOP", "UNSCHEDULED_DOWN", True),
    ("ELEC-DRIVE", "Axis drive fault", "ELEC", "STOP", "UNSCHEDULED_DOWN", True),
    ("ELEC-SENSOR", "Sensor fault", "ELEC", "STOP", "UNSCHEDULED_DOWN", True),
    ("TOOL", "Tooling", None, "STOP", "UNSCHEDULED_DOWN", False),
    ("TOOL-BROKEN", "Tool broken", "TOOL", "STOP", "UNSCHEDULED_DOWN", False),
    ("TOOL-WORN", "Tool worn, change", "TOOL", "STOP", "SCHEDULED_DOWN", False),
    ("WAIT", "Waiting", None, "STOP", "STANDBY", False),
    ("WAIT-MATERIAL", "No material", "WAIT", "STOP", "STANDBY", False),
    ("WAIT-PERSON", "No operator", "WAIT", "STOP", "STANDBY", False),
    ("WAIT-CHECK", "Waiting for quality", "WAIT", "STOP", "STANDBY", False),
    ("DIM", "Dimension", None, "SCRAP", "UNKNOWN", False),
    ("DIM-BORE", "Bore out of tolerance", "DIM", "SCRAP", "UNKNOWN", False),
    ("DIM-LENGTH", "Length out of tolerance", "DIM", "SCRAP", "UNKNOWN", False),
    ("SURF", "Surface", None, "SCRAP", "UNKNOWN", False),
    ("SURF-CHATTER", "Chatter marks", "SURF", "SCRAP", "UNKNOWN", False),
    ("SURF-DENT", "Dent or scratch", "SURF", "SCRAP", "UNKNOWN", False),
    ("MAT", "Material", None, "HOLD", "UNKNOWN", False),
    ("MAT-HARDNESS", "Hardness out of limits", "MAT", "HOLD", "UNKNOWN", False),
    ("MAT-CERT", "Certificate missing", "MAT", "HOLD", "UNKNOWN", False),
    ("MEAS", "Measurement", None, "HOLD", "UNKNOWN", False),
    ("MEAS-DOUBT", "Measurement in doubt", "MEAS", "HOLD", "UNKNOWN", False),
)

# Code, name, kind, how many there are.
TOOLS = (
    ("FX-220", "Fixture for HV-220 ports", "FIXTURE", 1),
    ("FX-14", "Fixture for MB-14 ports", "FIXTURE", 1),
    ("GA-20", "Bore gauge 20 H7", "GAUGE", 2),
    ("RIG-1", "Pressure test adapter", "TOOL", 2),
)
# Item, operation, tool.
NEEDS = (
    ("HV-220", 30, "FX-220"),
    ("MB-14", 30, "FX-14"),
    ("HV-220", 40, "GA-20"),
    ("HV-180", 40, "GA-20"),
    ("HV-220-A", 30, "RIG-1"),
    ("HV-180-A", 30, "RIG-1"),
)

# Code, name, the machines that need somebody with it.
SKILLS = (
    ("5AX", "Runs a 5-axis mill", ("CNC-04", "CNC-07")),
    ("GRIND", "Runs a grinder", ("GRD-01", "GRD-02")),
)
# Who, skill, machines at once, shifts. Who has no user attends machines only.
SKILLED = (
    ("Petra Novak", "5AX", 1, ("Early",)),
    ("Karel Dvorak", "5AX", 1, ("Early",)),
    ("Milan Urban", "5AX", 2, ("Late",)),
    ("Eva Kral", "GRIND", 2, ("Early", "Late")),
    ("Jiri Benes", "GRIND", 2, ("Early", "Late")),
)

# What, unit (None: all), amount, source, owner.
RATES = (
    ("OVERTIME_HOUR", None, "48", "Wage agreement 2026, 25 % premium", "M. Okafor"),
    ("OVERTIME_MINIMUM_HOURS", None, "2", "Works agreement 14", "M. Okafor"),
    ("UNIT_HOUR", None, "16", "Energy and tools, controlling 10/2026", "S. Lindner"),
    ("UNIT_HOUR", "CNC-04", "27", "Energy and tools, controlling 10/2026", "S. Lindner"),
    ("UNIT_HOUR", "CNC-07", "31", "Energy and tools, controlling 10/2026", "S. Lindner"),
    ("SETUP_HOUR", None, "59", "Setter's wage and first-off parts", "S. Lindner"),
    ("CARRYING_PERCENT_YEAR", None, "9", "Finance, cost of capital 2026", "S. Lindner"),
    ("FREIGHT_FAST", None, "180", "Courier contract, a pallet next day", "R. Silva"),
    ("NEW_PROMISE_PERCENT", None, "40", "Sales, orders lost after a new date 2025", "K. Adler"),
    ("SUBCONTRACT_PIECE", "EXT-5AX", "6.80", "Hollmann, frame agreement 2026", "R. Silva"),
    ("SUBCONTRACT_ORDER", "EXT-5AX", "140", "Hollmann, van both ways", "R. Silva"),
    ("MAKESHIFT", None, "220", "Maintenance, a call-out and parts 2026", "T. Horak"),
    ("CONCESSION", None, "160", "Papers and a second test, quality 2026", "A. Soares"),
)

# -- people and devices --------------------------------------------------------------------------


class Persona(NamedTuple):
    user: str
    name: str
    role: str
    tries: str  # what the sign-in page suggests to try
    badge: str = ""
    amount_limit: str | None = None
    may_touch_frozen: bool = False


PERSONAS = (
    Persona("jana", "Jana Marek", "PLANNER", "plans: answers what went wrong", "B-1001", "2500"),
    Persona("petra", "Petra Novak", "OPERATOR", "runs CNC-07: reports pieces", "B-2007"),
    Persona("tomas", "Tomas Horak", "MAINTENANCE", "repairs: says when it is back", "B-3001"),
    Persona("ana", "Ana Soares", "QUALITY", "holds and releases lots", "B-4001"),
    Persona("rui", "Rui Silva", "BUYER", "buys: sees what is short", "B-5001"),
    Persona("okafor", "M. Okafor", "SUPERVISOR", "leads the early shift", "B-1002", "1000", True),
    Persona(
        "fischer", "Lena Fischer", "SUPERVISOR", "leads the late shift", "B-1003", "1000", True
    ),
    Persona(
        "dahl", "Henrik Dahl", "MANAGER", "manages: decides beyond 2,500", "B-1004", None, True
    ),
    Persona("admin", "Sofia Lindner", "ADMIN", "sets the plant up", "B-9001", None, True),
)


class Duty(NamedTuple):
    """When somebody may decide at Northfield, when he is called, and who stands in for him."""

    hours: str
    on_call: str = ""
    deputy: str = ""
    away: tuple[datetime, datetime] | None = None


# Northfield's own: at another plant the same people decide at any hour.
DUTIES = {
    "jana": Duty(
        "Mon-Fri 06:00-22:00", deputy="okafor", away=(local(11, 26, 12), local(11, 27, 6))
    ),
    "okafor": Duty("Mon-Fri 06:00-14:00", on_call="Mon-Sun 22:00-06:00"),
    "fischer": Duty("Mon-Fri 14:00-22:00"),
    "dahl": Duty("Mon-Fri 08:00-18:00", on_call="Mon-Sun 18:00-08:00"),
}
# The one password of every persona; the users exist in DEMO mode only.
DEMO_PASSWORD = "northfield-demo"


class Station(NamedTuple):
    code: str
    station: str
    role: str


SIMULATOR = Station("SIMULATOR", "", "ADMIN")
STATIONS = (SIMULATOR, Station("CNC-07-TABLET", "CNC-07", "OPERATOR"))

# -- materials -----------------------------------------------------------------------------------

DAY = 86_400
HOUR = 3_600


class Thing(NamedTuple):
    code: str
    name: str
    source: str
    family: str = ""
    unit: str = "pcs"
    decimals: int = 0
    revision: str = ""
    safety: int = 0
    lead_days: int = 0
    cost: str = "0"
    safety_kept: bool = False


ITEMS = (
    Thing("HV-220", "HV-220 valve body", "MAKE", "HV-220", revision="C", lead_days=6, cost="118"),
    Thing("HV-180", "HV-180 valve body", "MAKE", "HV-180", revision="D", lead_days=5, cost="61"),
    Thing("MB-14", "MB-14 manifold block", "MAKE", "MB-14", revision="B", lead_days=7, cost="212"),
    Thing("BR-75", "BR-75 bogie bracket", "MAKE", "BR-75", revision="A", lead_days=9, cost="1240"),
    Thing("PL-09", "PL-09 port plate", "MAKE", "PL-09", revision="B", lead_days=5, cost="38"),
    Thing("SP-22", "SP-22 spool", "MAKE", "SP-22", revision="E", lead_days=5, cost="21"),
    Thing("HV-220-A", "HV-220 valve, assembled", "MAKE", revision="C", lead_days=3, cost="231"),
    Thing("HV-180-A", "HV-180 valve, assembled", "MAKE", revision="D", lead_days=3, cost="149"),
    Thing("BAR-60", "6082 bar Ø60", "BUY", unit="m", decimals=3, lead_days=6, cost="21.50"),
    Thing("BAR-30", "16MnCr5 bar Ø30", "BUY", unit="m", decimals=3, lead_days=5, cost="9.80"),
    Thing("BLK-14", "Cast block 140 x 90", "BUY", lead_days=10, cost="74"),
    Thing("CST-75", "Bracket casting 75", "BUY", lead_days=20, cost="486"),
    Thing("PLT-12", "Plate blank 12 mm", "BUY", lead_days=5, cost="9.40"),
    Thing("SK-31", "SK-31 seal kit", "BUY", safety=40, lead_days=4, cost="31", safety_kept=True),
    Thing("OR-08", "O-ring 8 x 2", "BUY", lead_days=3, cost="0.12"),
    Thing("SCR-M8", "Screw M8 x 30", "BUY", lead_days=3, cost="0.09"),
    Thing("BOX-4", "Box size 4", "BUY", lead_days=3, cost="1.10"),
    Thing("BAR-65", "6082 bar Ø65", "BUY", unit="m", decimals=3, lead_days=6, cost="25.40"),
)

# Item, component, quantity per piece, operation that takes it.
BILLS = (
    ("HV-220", "BAR-60", "0.24", 10),
    ("HV-180", "BAR-60", "0.18", 10),
    ("MB-14", "BLK-14", "1", 10),
    ("BR-75", "CST-75", "1", 10),
    ("PL-09", "PLT-12", "1", 10),
    ("SP-22", "BAR-30", "0.14", 10),
    ("HV-220-A", "HV-220", "1", 10),
    ("HV-220-A", "SP-22", "1", 10),
    ("HV-220-A", "SK-31", "1", 20),
    ("HV-220-A", "OR-08", "4", 20),
    ("HV-220-A", "SCR-M8", "6", 20),
    ("HV-220-A", "BOX-4", "1", 40),
    ("HV-180-A", "HV-180", "1", 10),
    ("HV-180-A", "SP-22", "1", 10),
    ("HV-180-A", "SK-31", "1", 20),
    ("HV-180-A", "OR-08", "2", 20),
    ("HV-180-A", "SCR-M8", "4", 20),
    ("HV-180-A", "BOX-4", "1", 40),
)

# Item, component, what may stand in for it, quantity per piece, by whose release.
STAND_INS = (
    ("HV-220", "BAR-60", "BAR-65", "0.24", "Engineering release 26-114, A. Soares"),
    ("HV-180", "BAR-60", "BAR-65", "0.18", "Engineering release 26-114, A. Soares"),
)

LOCATIONS = (
    ("RAW", "Raw material store", "STORE"),
    ("PARTS", "Bought parts", "STORE"),
    ("FIN", "Finished goods", "STORE"),
    ("LINE-2", "Line side of assembly line 2", "LINE_SIDE"),
    ("DOCK", "Dock", "DOCK"),
    ("SCRAP", "Scrap cage", "SCRAP"),
)


class Stock(NamedTuple):
    lot: str
    item: str
    quantity: str
    location: str


# On hand at the opening, after what the history has taken.
LOTS = (
    Stock("L-24-1187", "BAR-60", "330", "RAW"),
    Stock("L-24-1190", "BAR-60", "170", "RAW"),
    Stock("L-24-1147", "BAR-65", "90", "RAW"),
    Stock("L-24-1162", "BAR-30", "180", "RAW"),
    Stock("L-24-1175", "BLK-14", "140", "RAW"),
    Stock("L-24-1168", "CST-75", "60", "RAW"),
    Stock("L-24-1181", "PLT-12", "700", "RAW"),
    Stock("L-24-1140", "SK-31", "600", "PARTS"),
    Stock("L-24-1133", "OR-08", "6000", "PARTS"),
    Stock("L-24-1129", "SCR-M8", "9000", "PARTS"),
    Stock("L-24-1144", "BOX-4", "1500", "PARTS"),
    Stock("L-24-1102", "HV-220", "390", "FIN"),
    Stock("L-24-1108", "HV-180", "420", "FIN"),
    Stock("L-24-1095", "MB-14", "20", "FIN"),
    Stock("L-24-1088", "BR-75", "6", "FIN"),
    Stock("L-24-1111", "PL-09", "110", "FIN"),
    Stock("L-24-1099", "SP-22", "760", "FIN"),
    Stock("L-24-1115", "HV-220-A", "60", "FIN"),
    Stock("L-24-1118", "HV-180-A", "70", "FIN"),
)

# A lot that came in and waits for its check, and the lot of which the shipped line was.
UNCHECKED = Stock("L-24-1194", "SCR-M8", "3000", "PARTS")
SHIPPED_FROM = Stock("L-24-1077", "SP-22", "40", "FIN")

SUPPLIERS = (
    ("KESSLER", "Kessler Metall", 1),
    ("NORDSEAL", "Nordseal", 3),
    ("GUSSWERK", "Gusswerk Saar", 5),
    ("FIXFAST", "Fixfast Normteile", 1),
    ("STAHLHOF", "Stahlhof Nord", 1),
    ("DICHTAG", "Dicht AG", 2),
)


class Quote(NamedTuple):
    """What a supplier quotes: hours to the receipt, price, and a faster delivery for a fee."""

    supplier: str
    item: str
    lead_h: int
    price: str
    minimum: str = "0"
    order_fee: str | None = None
    expedite_h: int | None = None
    expedite_fee: str | None = None


QUOTES = (
    Quote("KESSLER", "BAR-60", 144, "21.50", expedite_h=22, expedite_fee="180"),
    Quote("KESSLER", "BAR-30", 120, "9.80", expedite_h=22, expedite_fee="180"),
    Quote("KESSLER", "PLT-12", 120, "9.40", expedite_h=30, expedite_fee="150"),
    Quote("NORDSEAL", "SK-31", 96, "31", expedite_h=24, expedite_fee="240"),
    Quote("GUSSWERK", "BLK-14", 240, "74", expedite_h=48, expedite_fee="320"),
    Quote("GUSSWERK", "CST-75", 480, "486", expedite_h=96, expedite_fee="950"),
    Quote("FIXFAST", "SCR-M8", 72, "0.09"),
    Quote("STAHLHOF", "BAR-60", 46, "27.90", minimum="60", order_fee="65"),
    Quote("STAHLHOF", "BAR-30", 46, "13.20", minimum="60", order_fee="65"),
    Quote("DICHTAG", "SK-31", 50, "36.50", minimum="50", order_fee="40"),
)
QUOTED_BY = "R. Silva"


class Freight(NamedTuple):
    """A way to send goods; hours door to door, None as agreed with the customer."""

    code: str
    name: str
    hours: int | None
    price: str
    source: str
    standard: bool = False


FREIGHTS = (
    Freight("ROAD", "forwarder", None, "95", "Forwarder's tariff 2026, a pallet", standard=True),
    Freight("COURIER", "courier overnight", 10, "280", "Courier contract, a pallet"),
    Freight("VAN", "direct van", 5, "640", "Courier contract, a van"),
)


class Purchase(NamedTuple):
    order: str
    supplier: str
    item: str
    quantity: str
    promised: datetime


PURCHASES = (
    Purchase("PO-5533", "KESSLER", "BAR-60", "420", local(11, 26, 10)),
    Purchase("PO-5536", "KESSLER", "BAR-30", "160", local(11, 27, 10)),
    Purchase("PO-5521", "NORDSEAL", "SK-31", "600", local(11, 26, 9)),
    Purchase("PO-5540", "NORDSEAL", "SK-31", "500", local(12, 1, 9)),
    Purchase("PO-5518", "GUSSWERK", "BLK-14", "120", local(11, 27, 9)),
    Purchase("PO-5525", "GUSSWERK", "CST-75", "60", local(11, 30, 9)),
    Purchase("PO-5538", "KESSLER", "PLT-12", "600", local(11, 27, 11)),
    Purchase("PO-5541", "FIXFAST", "SCR-M8", "8000", local(11, 30, 11)),
)

# -- how things are made -------------------------------------------------------------------------


class Step(NamedTuple):
    """One operation: seconds of set-up, seconds a piece, other units with their seconds a piece."""

    number: int
    name: str
    unit: str
    setup_min: int
    run_s: str
    others: tuple[tuple[str, str], ...] = ()
    batch: int = 25  # a pallet goes on to the next operation
    lag_h: int = 0  # until the next operation has it


ROUTINGS: dict[str, tuple[Step, ...]] = {
    "HV-220": (
        Step(10, "Saw and turn", "LAT-02", 25, "60", (("LAT-01", "60"),)),
        Step(20, "Mill first side", "CNC-05", 30, "75", (("CNC-06", "80"),)),
        # Between the two it is hardened outside; Kessler's truck comes every day and a half.
        Step(
            30,
            "Mill ports, 5 axes",
            "CNC-04",
            35,
            "86",
            (("CNC-07", "96.32"), ("EXT-5AX", "110")),
            lag_h=36,
        ),
        Step(40, "Grind bores", "GRD-02", 20, "70", (("GRD-01", "84"),)),
        Step(50, "Wash and inspect", "WSH-01", 5, "18"),
    ),
    "HV-180": (
        Step(10, "Saw and turn", "LAT-01", 20, "40", (("LAT-02", "44"),)),
        Step(20, "Mill", "CNC-07", 30, "47", (("CNC-04", "42"),)),
        Step(30, "Wash", "WSH-01", 5, "14"),
        Step(40, "Hone bore", "GRD-01", 15, "25", (("GRD-02", "25"),)),
        Step(50, "Leak test", "TST-01", 10, "9"),
    ),
    "MB-14": (
        Step(10, "Face block", "CNC-01", 25, "300", (("CNC-02", "300"),), batch=10),
        Step(20, "Drill manifold", "CNC-02", 30, "360", (("CNC-03", "390"),), batch=10),
        Step(30, "Mill ports, 5 axes", "CNC-07", 40, "672", (("CNC-04", "600"),), batch=10),
        Step(40, "Grind face", "GRD-02", 15, "240", (("GRD-01", "260"),), batch=10),
        Step(50, "Wash and inspect", "WSH-01", 5, "60", batch=10),
    ),
    "BR-75": (
        Step(10, "Mill base", "CNC-05", 45, "700", (("CNC-06", "740"),), batch=6),
        Step(20, "Drill pattern", "CNC-06", 30, "600", (("CNC-05", "600"),), batch=6),
        Step(30, "Turn seat", "LAT-02", 30, "500", (("LAT-01", "540"),), batch=6),
        Step(40, "Mill contour, 5 axes", "CNC-04", 45, "1500", (("CNC-07", "1680"),), batch=6),
        Step(50, "Grind seat", "GRD-02", 25, "900", (("GRD-01", "1050"),), batch=6),
        Step(60, "Wash and inspect", "WSH-01", 10, "120", batch=6),
    ),
    "PL-09": (
        Step(10, "Mill profile", "CNC-01", 20, "150", (("CNC-03", "160"),)),
        Step(20, "Drill", "CNC-02", 20, "95", (("CNC-01", "100"), ("CNC-03", "100"))),
        Step(30, "Mill pockets", "CNC-03", 25, "180", (("CNC-02", "190"),)),
        Step(40, "Grind faces", "GRD-01", 15, "90", (("GRD-02", "100"),)),
        Step(50, "Wash and inspect", "WSH-01", 5, "22"),
    ),
    "SP-22": (
        Step(10, "Turn", "LAT-02", 20, "55", (("LAT-01", "50"),), batch=50),
        Step(20, "Mill slots", "CNC-06", 20, "60", (("CNC-05", "66"),), batch=50),
        Step(30, "Grind outside", "GRD-01", 20, "62", (("GRD-02", "75"),), batch=50),
        Step(40, "Wash and inspect", "WSH-01", 5, "9", batch=50),
    ),
    "HV-220-A": (
        Step(10, "Kit and press bushings", "ASM-02", 10, "70", batch=20),
        Step(20, "Assemble", "ASM-02", 10, "140", batch=20),
        Step(30, "Pressure test", "TST-01", 10, "75", batch=20),
        Step(40, "Label and pack", "ASM-02", 5, "20", batch=20),
    ),
    "HV-180-A": (
        Step(10, "Kit and press bushings", "ASM-02", 10, "50", batch=20),
        Step(20, "Assemble", "ASM-02", 10, "105", batch=20),
        Step(30, "Pressure test", "TST-01", 10, "60", batch=20),
        Step(40, "Label and pack", "ASM-02", 5, "18", batch=20),
    ),
}

# -- customers, and what they wait for ------------------------------------------------------------


class Buyer(NamedTuple):
    """A customer and what a late day costs by his contract: cash, or an estimate of goodwill."""

    code: str
    name: str
    basis: str = "SHIP"
    priority: int = 5
    penalty_percent_day: str | None = None
    penalty_per_day: str | None = None
    late_weight_per_day: str | None = None
    line_stop_per_day: str | None = None
    cap_percent: str | None = None
    transit_h: int = 24


CUSTOMERS = (
    Buyer(
        "AQUILA",
        "Aquila Hydraulics",
        priority=2,
        penalty_percent_day="1.5",
        cap_percent="15",
    ),
    Buyer("VOSS", "Voss Agri", priority=3, penalty_per_day="410", cap_percent="10"),
    Buyer("TESSERA", "Tessera Rail", "ARRIVE", priority=1, line_stop_per_day="1250", transit_h=20),
    Buyer("BRANDT", "Brandt Marine", late_weight_per_day="150"),
    Buyer("KESTREL", "Kestrel Pumps", late_weight_per_day="345", transit_h=44),
    Buyer("ORLA", "Orla Tractors", priority=3, penalty_per_day="280", cap_percent="10"),
    Buyer("MARLOW", "Marlow Presses", late_weight_per_day="120"),
    Buyer("SUND", "Sund Offshore", priority=4, penalty_percent_day="0.5", cap_percent="5"),
    Buyer("HALDEN", "Halden Cranes", late_weight_per_day="140"),
    Buyer("IBERIA", "Iberia Forklift", late_weight_per_day="90", transit_h=68),
    Buyer("RUHR", "Ruhr Mining Supply", priority=4, penalty_per_day="190", cap_percent="8"),
    Buyer("DELTA", "Delta Irrigation", late_weight_per_day="85"),
    Buyer("OSTRAVA", "Ostrava Robotics", late_weight_per_day="110"),
    Buyer("LINDQVIST", "Lindqvist Forestry", late_weight_per_day="95", transit_h=44),
    Buyer("FARROW", "Farrow Lifts", late_weight_per_day="105"),
    Buyer("CORVIN", "Corvin Packaging", late_weight_per_day="70"),
)


class Line(NamedTuple):
    """One line of a customer's order, the only one; promised to ship or to arrive by then."""

    order: str
    customer: str
    item: str
    quantity: int
    price: str
    promised: datetime


SHIPPED = Line("SO-10458", "OSTRAVA", "SP-22", 40, "58", local(11, 20, 15))
LINES = (
    Line("SO-10464", "VOSS", "HV-180-A", 40, "298", local(11, 25, 15)),
    Line("SO-10465", "ORLA", "HV-220-A", 30, "465", local(11, 25, 15)),
    Line("SO-10466", "MARLOW", "HV-220", 90, "244", local(12, 2, 15)),
    Line("SO-10467", "CORVIN", "PL-09", 60, "96", local(11, 26, 15)),
    Line("SO-10468", "DELTA", "HV-180", 160, "142", local(11, 25, 15)),
    Line("SO-10469", "OSTRAVA", "SP-22", 120, "58", local(11, 30, 15)),
    Line("SO-10470", "TESSERA", "BR-75", 6, "2604.17", local(11, 26, 12)),
    Line("SO-10471", "IBERIA", "HV-180", 120, "144", local(11, 26, 15)),
    Line("SO-10472", "LINDQVIST", "HV-180-A", 30, "305", local(11, 26, 15)),
    Line("SO-10473", "SUND", "MB-14", 18, "471", local(11, 26, 15)),
    Line("SO-10474", "SUND", "HV-220", 120, "251", local(11, 26, 15)),
    Line("SO-10475", "KESTREL", "PL-09", 80, "94", local(11, 27, 15)),
    Line("SO-10476", "KESTREL", "SP-22", 150, "57", local(11, 25, 15)),
    Line("SO-10477", "FARROW", "HV-180", 90, "146", local(11, 30, 15)),
    Line("SO-10478", "MARLOW", "HV-220-A", 30, "472", local(11, 27, 15)),
    Line("SO-10479", "RUHR", "HV-220", 100, "246", local(11, 26, 15)),
    Line("SO-10480", "IBERIA", "PL-09", 90, "95", local(11, 26, 15)),
    Line("SO-10481", "HALDEN", "MB-14", 20, "468", local(11, 30, 15)),
    Line("SO-10482", "AQUILA", "HV-220", 160, "240", local(11, 26, 21)),
    Line("SO-10483", "VOSS", "HV-180-A", 100, "298", local(11, 25, 15)),
    Line("SO-10484", "LINDQVIST", "HV-180", 110, "145", local(11, 30, 15)),
    Line("SO-10486", "HALDEN", "HV-220", 110, "248", local(12, 2, 15)),
    Line("SO-10487", "ORLA", "HV-220-A", 60, "465", local(11, 25, 15)),
    Line("SO-10488", "KESTREL", "SK-31", 350, "62", local(11, 30, 15)),
    Line("SO-10489", "CORVIN", "PL-09", 100, "96", local(11, 27, 15)),
    Line("SO-10490", "ORLA", "HV-180", 140, "215", local(11, 30, 15)),
    Line("SO-10491", "LINDQVIST", "SP-22", 140, "59", local(11, 27, 15)),
    Line("SO-10492", "HALDEN", "BR-75", 8, "2690", local(11, 26, 15)),
    Line("SO-10493", "OSTRAVA", "BR-75", 10, "2710", local(11, 26, 15)),
    Line("SO-10494", "RUHR", "HV-220-A", 50, "480", local(11, 27, 15)),
    Line("SO-10495", "BRANDT", "MB-14", 40, "455", local(11, 26, 15)),
    Line("SO-10496", "FARROW", "HV-180-A", 80, "309", local(11, 27, 15)),
    Line("SO-10497", "ORLA", "HV-180", 250, "139", local(11, 26, 15)),
    Line("SO-10498", "LINDQVIST", "PL-09", 120, "95", local(11, 30, 15)),
    Line("SO-10499", "AQUILA", "HV-220", 130, "240", local(11, 25, 15)),
    Line("SO-10501", "VOSS", "HV-180", 300, "137", local(11, 25, 20)),
    Line("SO-10502", "ORLA", "SK-31", 120, "64", local(11, 25, 15)),
    Line("SO-10503", "OSTRAVA", "SP-22", 160, "58", local(11, 26, 15)),
    Line("SO-10504", "VOSS", "HV-180-A", 110, "298", local(11, 27, 15)),
    Line("SO-10505", "VOSS", "HV-180", 380, "137", local(12, 2, 15)),
    Line("SO-10506", "ORLA", "HV-220-A", 70, "465", local(11, 25, 15)),
    Line("SO-10507", "BRANDT", "MB-14", 40, "455", local(11, 27, 15)),
    Line("SO-10509", "DELTA", "HV-180", 180, "142", local(12, 2, 15)),
    Line("SO-10511", "TESSERA", "BR-75", 24, "2604.17", local(11, 30, 12)),
    Line("SO-10512", "FARROW", "PL-09", 110, "97", local(11, 30, 15)),
    Line("SO-10513", "MARLOW", "HV-220", 120, "244", local(12, 2, 15)),
    Line("SO-10514", "CORVIN", "HV-180-A", 70, "312", local(12, 7, 15)),
    Line("SO-10515", "TESSERA", "BR-75", 24, "2604.17", local(11, 30, 12)),
    Line("SO-10516", "KESTREL", "MB-14", 24, "469", local(11, 26, 15)),
    Line("SO-10517", "IBERIA", "HV-180", 140, "144", local(12, 4, 15)),
    Line("SO-10518", "DELTA", "SP-22", 120, "60", local(11, 30, 15)),
    Line("SO-10519", "MARLOW", "HV-220-A", 60, "472", local(12, 7, 15)),
    Line("SO-10520", "CORVIN", "PL-09", 140, "96", local(11, 30, 15)),
    Line("SO-10521", "SUND", "MB-14", 30, "471", local(11, 30, 15)),
    Line("SO-10523", "TESSERA", "BR-75", 20, "2604.17", local(12, 4, 12)),
    Line("SO-10526", "LINDQVIST", "SK-31", 100, "64", local(11, 27, 15)),
    Line("SO-10527", "VOSS", "HV-180-A", 120, "298", local(11, 27, 15)),
    Line("SO-10528", "VOSS", "HV-180", 340, "137", local(12, 4, 15)),
    Line("SO-10529", "ORLA", "HV-220-A", 70, "465", local(11, 30, 15)),
    Line("SO-10530", "AQUILA", "HV-220", 190, "240", local(12, 7, 15)),
    Line("SO-10531", "KESTREL", "SP-22", 150, "57", local(11, 26, 15)),
    Line("SO-10532", "KESTREL", "PL-09", 150, "94", local(12, 7, 15)),
    Line("SO-10533", "SUND", "HV-220", 110, "251", local(11, 30, 15)),
    Line("SO-10534", "BRANDT", "MB-14", 36, "455", local(11, 30, 15)),
    Line("SO-10535", "ORLA", "HV-180", 160, "139", local(11, 25, 15)),
    Line("SO-10537", "FARROW", "HV-180-A", 90, "309", local(12, 7, 15)),
    Line("SO-10538", "OSTRAVA", "BR-75", 12, "2710", local(12, 7, 15)),
    Line("SO-10539", "DELTA", "HV-180", 180, "142", local(12, 7, 15)),
    Line("SO-10540", "OSTRAVA", "SP-22", 140, "58", local(11, 30, 15)),
    Line("SO-10541", "RUHR", "HV-220", 120, "246", local(11, 30, 15)),
    Line("SO-10542", "RUHR", "HV-220-A", 60, "480", local(12, 2, 15)),
    Line("SO-10543", "HALDEN", "MB-14", 20, "468", local(12, 7, 15)),
    Line("SO-10544", "IBERIA", "PL-09", 120, "95", local(12, 7, 15)),
    Line("SO-10545", "FARROW", "HV-180", 120, "146", local(12, 7, 15)),
)

# -- what is being made ---------------------------------------------------------------------------


class Running(NamedTuple):
    """The operation after the last finished one runs: good and scrap so far, since when."""

    good: int
    scrap: int
    since: datetime


class Order(NamedTuple):
    """A released work order: finished up to an operation, perhaps running the next."""

    code: str
    item: str
    quantity: int
    due: datetime
    done: int = 0
    running: Running | None = None
    line: str | None = None  # the customer's order that it is made for
    # Where the planner put an operation on another unit than its routing's first.
    on: tuple[tuple[int, str], ...] = ()


# In the order in which they were released, which is how they stand in the queues.
ORDERS = (
    Order("WO-2272", "HV-180", 200, local(11, 25, 12), 30, Running(75, 1, local(11, 24, 7, 40))),
    Order("WO-2278", "HV-220", 160, local(11, 25, 12), 30, Running(50, 2, local(11, 24, 7, 5))),
    Order("WO-2283", "PL-09", 200, local(11, 25, 12), 20, Running(25, 0, local(11, 24, 6, 40))),
    Order("WO-2293", "HV-180-A", 120, local(11, 25, 12), 20, Running(60, 1, local(11, 24, 7, 10))),
    Order("WO-2305", "HV-220-A", 120, local(11, 25, 12), 10, Running(40, 0, local(11, 24, 6, 35))),
    Order("WO-2284", "HV-180", 240, local(11, 26, 12), 20, Running(100, 0, local(11, 24, 8))),
    Order(
        "WO-2288",
        "HV-180",
        260,
        local(11, 26, 12),
        10,
        Running(25, 0, local(11, 24, 7, 35)),
        line="SO-10497",
    ),
    Order(
        "WO-2294",
        "HV-180",
        300,
        local(11, 26, 12),
        running=Running(150, 2, local(11, 24, 6, 25)),
        line="SO-10501",
        on=((20, "CNC-04"),),
    ),
    Order(
        "WO-2285",
        "SP-22",
        300,
        local(11, 26, 12),
        running=Running(100, 0, local(11, 24, 6, 15)),
    ),
    Order(
        "WO-2290",
        "BR-75",
        24,
        local(11, 26, 12),
        10,
        Running(6, 0, local(11, 24, 6, 45)),
        line="SO-10515",
    ),
    Order(
        "WO-2311",
        "MB-14",
        40,
        local(11, 26, 12),
        10,
        Running(10, 0, local(11, 24, 6, 40)),
        line="SO-10507",
    ),
    Order("WO-2319", "MB-14", 40, local(11, 26, 12), running=Running(10, 0, local(11, 24, 7))),
    Order(
        "WO-2291",
        "HV-220",
        180,
        local(11, 27, 12),
        20,
        Running(62, 1, local(11, 24, 6, 10)),
        line="SO-10482",
    ),
    Order("WO-2301", "HV-220", 180, local(11, 30, 12), 10, Running(75, 0, local(11, 24, 6, 15))),
    Order("WO-2266", "BR-75", 20, local(11, 26, 12), 40),
    Order("WO-2320", "HV-220-A", 80, local(11, 26, 12), line="SO-10494"),
    Order("WO-2324", "HV-180-A", 120, local(11, 26, 12), line="SO-10504"),
    Order("WO-2261", "SP-22", 300, local(11, 27, 12), 20),
    Order("WO-2296", "MB-14", 36, local(11, 27, 12), 30),
    Order("WO-2299", "MB-14", 40, local(11, 27, 12), 20, line="SO-10495", on=((30, "CNC-04"),)),
    Order("WO-2306", "HV-180", 150, local(11, 27, 12), 10, line="SO-10490"),
    Order("WO-2307", "PL-09", 150, local(11, 27, 12), 10),
    Order("WO-2310", "PL-09", 150, local(11, 27, 12), 20),
    Order("WO-2312", "HV-180-A", 120, local(11, 27, 12), line="SO-10496"),
    Order("WO-2304", "SP-22", 300, local(11, 27, 12)),
    Order("WO-2332", "HV-180-A", 120, local(11, 27, 12), line="SO-10527"),
    Order("WO-2287", "BR-75", 24, local(11, 30, 12), 30, line="SO-10511"),
    Order("WO-2315", "PL-09", 150, local(11, 30, 12)),
    Order("WO-2316", "HV-180", 300, local(11, 30, 12)),
    Order("WO-2327", "MB-14", 40, local(11, 30, 12)),
    Order("WO-2334", "HV-220-A", 80, local(11, 30, 12), line="SO-10529"),
    Order("WO-2281", "HV-220", 200, local(12, 1, 12), 20),
    Order("WO-2302", "HV-180", 400, local(12, 1, 12), line="SO-10505", on=((20, "CNC-04"),)),
    Order("WO-2313", "HV-220", 200, local(12, 1, 12), 10),
    Order("WO-2314", "BR-75", 24, local(12, 2, 12), line="SO-10523"),
    Order("WO-2342", "HV-220-A", 60, local(12, 2, 12), line="SO-10542"),
    Order("WO-2318", "HV-220", 180, local(12, 3, 12)),
    Order("WO-2322", "HV-180", 360, local(12, 3, 12), line="SO-10528", on=((20, "CNC-04"),)),
    Order("WO-2317", "SP-22", 300, local(12, 3, 12)),
    Order("WO-2323", "PL-09", 150, local(12, 3, 12)),
    Order("WO-2325", "HV-220", 200, local(12, 4, 12), line="SO-10530"),
    Order("WO-2326", "HV-220-A", 80, local(12, 4, 12), line="SO-10519"),
    Order("WO-2328", "SP-22", 300, local(12, 4, 12)),
    Order("WO-2329", "HV-180", 300, local(12, 4, 12)),
    Order("WO-2330", "PL-09", 150, local(12, 4, 12)),
    Order("WO-2331", "HV-220", 160, local(12, 4, 12)),
    Order("WO-2333", "BR-75", 24, local(12, 4, 12)),
    Order("WO-2335", "HV-180", 400, local(12, 7, 12)),
    Order("WO-2336", "MB-14", 40, local(12, 7, 12)),
    Order("WO-2337", "HV-180-A", 120, local(12, 7, 12), line="SO-10514"),
    Order("WO-2338", "HV-220", 200, local(12, 7, 12)),
    Order("WO-2339", "SP-22", 300, local(12, 7, 12)),
    Order("WO-2340", "PL-09", 150, local(12, 7, 12)),
    Order("WO-2341", "HV-180", 300, local(12, 8, 12)),
)
