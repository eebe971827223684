"""From what a cell holds to what it means, by the format of its column, or why it can't be."""

from __future__ import annotations

import re
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from mes.rules import hours_of
from planning.ownplant.columns import Column, Kind, Match
from planning.ownplant.sheets import Raw, shown

MOST = Decimal(10) ** 11
_SECONDS = {"s": Decimal(1), "min": Decimal(60), "h": Decimal(3600)}
# "2" shifts and the like; the plant's own hours may be written out instead.
SHIFTS = {
    "1": "Mon-Fri 06:00-14:00",
    "2": "Mon-Fri 06:00-14:00, Mon-Fri 14:00-22:00",
    "3": "Mon-Fri 06:00-14:00, Mon-Fri 14:00-22:00, Mon-Fri 22:00-06:00",
}
_GERMAN_DAYS = {"Mo": "Mon", "Di": "Tue", "Mi": "Wed", "Do": "Thu", "Fr": "Fri", "Sa": "Sat",
                "So": "Sun"}  # fmt: skip
_EARLIEST, _LATEST = 1990, 2100


class Wrong(Exception):
    """Why a value can't be taken, and what to do."""

    def __init__(self, wrong: str, todo: str) -> None:
        super().__init__(wrong)
        self.wrong = wrong
        self.todo = todo


def value_of(column: Column, raw: Raw, found: Match) -> str:
    """A cell's value in the one form in which it is kept and compared; "" where there is none.

    Numbers are plain decimals, times seconds, dates ISO without a zone.

    :raises Wrong: if the cell holds something else than the column is for.
    """
    if raw is None or (isinstance(raw, str) and not raw.strip()):
        return ""
    if column.kind is Kind.DATE:
        return _date(raw, found.date)
    if column.kind is Kind.SHIFT:
        return _shift(raw)
    if column.kind is Kind.TEXT:
        return _text(column, raw)
    number = _number(raw, found.decimal)
    if column.kind is Kind.TIME:
        number *= _SECONDS[found.times.get(column.name, "min")]
    if number < 0:
        raise Wrong(_("is less than nothing"), _("Type 0 or more."))
    if number >= MOST:
        raise Wrong(_("is too large"), _("Look at the unit and the decimal mark."))
    if column.kind is Kind.QUANTITY and number == 0:
        raise Wrong(_("is nothing"), _("Type how many, or leave the row out."))
    if column.kind is Kind.WHOLE:
        if number != number.to_integral_value() or number >= 2**31 or number < 1:
            raise Wrong(_("is no whole number from 1 on"), _("Type a whole number."))
        return str(int(number))
    return plain(number.quantize(Decimal("0.000001")))


def plain(number: Decimal) -> str:
    """One form for one number: no zeros behind, no exponent."""
    return format(number.normalize(), "f") if number else "0"


def _text(column: Column, raw: Raw) -> str:
    text = " ".join(shown(raw).split()) if not isinstance(raw, str) else " ".join(raw.split())
    if len(text) > column.longest:
        raise Wrong(_("is longer than %(n)s characters") % {"n": column.longest}, _("Shorten it."))
    return text


def _number(raw: Raw, mark: str) -> Decimal:
    if isinstance(raw, Decimal):
        return raw
    if not isinstance(raw, str):
        raise Wrong(_("is a date where a number belongs"), _("Format the cell as a number."))
    text = re.sub(r"[\s\u00a0\u202f'’]", "", raw)
    other = "," if mark == "." else "."
    written = re.fullmatch(rf"([+-]?)(\d+|\d{{1,3}}(?:\{other}\d{{3}})+)?(?:\{mark}(\d*))?", text)
    if written is None or not (written[2] or written[3]) or len(text) > 40:
        raise Wrong(
            _("is no number"),
            _("Type digits, with %(mark)s before the decimals, or choose the other decimal mark.")
            % {"mark": mark},
        )
    whole = (written[2] or "0").replace(other, "")
    try:
        return Decimal(f"{written[1]}{whole}.{written[3] or '0'}")
    except InvalidOperation as wrong:
        raise Wrong(_("is no number"), _("Type digits.")) from wrong


def _date(raw: Raw, order: str) -> str:
    if isinstance(raw, Decimal):
        raise Wrong(
            _("is a number where a date belongs"), _("Format the cell as a date, or type the date.")
        )
    if isinstance(raw, str):
        raw = _written_date(raw, order)
    if not isinstance(raw, datetime):
        raw = datetime.combine(raw, time(0)) if raw else datetime.min  # noqa: DTZ901
    if not _EARLIEST <= raw.year <= _LATEST:
        raise Wrong(
            _("is not between %(first)s and %(last)s") % {"first": _EARLIEST, "last": _LATEST},
            _("Look at the year."),
        )
    if raw.hour == raw.minute == 0:
        return raw.date().isoformat()
    return raw.replace(second=0, microsecond=0).isoformat(timespec="minutes")


def _written_date(text: str, order: str) -> datetime:
    wrong = Wrong(
        _("is no date"), _("Write it as 2026-12-31, or choose how dates are written in this sheet.")
    )
    parts = re.fullmatch(
        r"(\d{1,4})[-./ ](\d{1,2})[-./ ](\d{1,4})\.?"
        r"(?:[ T,]+(\d{1,2}):(\d{2})(?::\d{2}(?:\.\d+)?)?)?Z?",
        text.strip(),
        re.ASCII,
    )
    if parts is None:
        raise wrong
    one, two, three = (int(part) for part in parts.groups()[:3])
    if len(parts[1]) == 4:
        year, month, day = one, two, three
    elif order == "MDY":
        month, day, year = one, two, three
    elif order == "DMY":
        day, month, year = one, two, three
    else:
        year, month, day = one, two, three
    if year < 100:
        year += 2000
    try:
        return datetime(year, month, day, int(parts[4] or 0), int(parts[5] or 0))  # noqa: DTZ001
    except ValueError:
        raise wrong from None


def _shift(raw: Raw) -> str:
    text = " ".join(shown(raw).split())
    if text in SHIFTS:
        return SHIFTS[text]
    for german, english in _GERMAN_DAYS.items():
        text = re.sub(rf"\b{german}\b", english, text)
    text = re.sub(r"\b(\d):", r"0\1:", text.replace(" - ", "-").replace("–", "-"))
    try:
        spans = hours_of(text)
    except ValueError:
        spans = ()
    if not spans or len(text) > 200:
        raise Wrong(_("is no shift"), _("Write 1, 2 or 3 shifts, or hours: Mon-Fri 06:00-14:00."))
    return text


def kept_date(at: datetime | None, zone: ZoneInfo) -> str:
    """An instant in the form in which a date is kept, what `local` reads; "" for none."""
    if at is None:
        return ""
    here = at.astimezone(zone).replace(tzinfo=None)
    if (here.hour, here.minute) == (23, 59):
        return here.date().isoformat()
    return here.isoformat(timespec="minutes")


def local(text: str) -> datetime:
    """A kept date as wall time: without an hour it is the last minute of the day."""
    if "T" in text:
        return datetime.fromisoformat(text)
    return datetime.combine(date.fromisoformat(text), time(23, 59))
