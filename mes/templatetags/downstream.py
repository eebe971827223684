"""How figures are worded and drawn: filters for quantities, money and time, tags for small charts.

Filters that need the plant's zone, clock or currency take `page` (or a site) as their argument:
`{{ line.promised|plant_date:page }}`. A missing value is always an empty string, never "None".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

from django import template
from django.templatetags.static import static
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

register = template.Library()

SYMBOLS = {"EUR": "€", "USD": "$", "GBP": "£", "JPY": "¥"}
MINUTE, HOUR, DAY = 60, 3600, 86400


def _read(thing: object, name: str, default: Any = None) -> Any:
    if isinstance(thing, Mapping):
        return thing.get(name, default)
    return getattr(thing, name, default)


def _site(where: object) -> object:
    return _read(where, "site") or where


def _zone(where: object) -> ZoneInfo:
    site = _site(where)
    zone = _read(site, "time_zone") or "UTC"
    return zone if isinstance(zone, ZoneInfo) else ZoneInfo(str(zone))


def _now(where: object) -> datetime:
    if isinstance(where, datetime):
        return where
    now = _read(where, "now")
    return now if isinstance(now, datetime) else timezone.now()


def _local(value: object, where: object) -> datetime | None:
    if not isinstance(value, datetime):
        return None
    return value.astimezone(_zone(where))


def _number(value: object) -> float | None:
    """A template gives an empty string for what a context leaves out."""
    return None if value is None or value == "" else float(str(value))


def _seconds(value: object) -> int | None:
    if isinstance(value, timedelta):
        return round(value.total_seconds())
    try:
        return round(float(str(value)))
    except ValueError:
        return None


# --- words ----------------------------------------------------------------------------------


@register.filter
def qty(value: object) -> str:
    """A quantity without trailing zeros: 128.000000 -> 128, 0.250000 -> 0.25, 12500 -> 12,500."""
    if value is None or value == "":
        return ""
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return str(value)
    text = f"{number:,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


@register.filter
def plain(value: object) -> str:
    """A quantity as a form or a script reads it: 1250.500000 -> 1250.5, nothing -> 0."""
    return qty(value).replace(",", "") or "0"


@register.filter
def money(value: object, where: object = None) -> str:
    """Whole units of the plant's currency: 4566.40 -> €4,566."""
    if value is None or value == "":
        return ""
    try:
        amount = Decimal(str(value)).quantize(Decimal(1), rounding=ROUND_HALF_UP)
    except InvalidOperation:
        return str(value)
    code = str(where if isinstance(where, str) else _read(_site(where), "currency", "") or "EUR")
    sign = "−" if amount < 0 else ""
    symbol = SYMBOLS.get(code, f"{code} ")
    return f"{sign}{symbol}{abs(amount):,}"


@register.filter
def plant_clock(value: object, where: object = None) -> str:
    """09:42, in the plant's zone."""
    local = _local(value, where)
    return local.strftime("%H:%M") if local else ""


@register.filter
def plant_date(value: object, where: object = None) -> str:
    """27 Nov; with the year where it is another one than the site clock's."""
    day: date | None = None
    if isinstance(value, datetime):
        local = _local(value, where)
        day = local.date() if local else None
    elif isinstance(value, date):
        day = value
    if day is None:
        return ""
    same_year = day.year == _now(where).astimezone(_zone(where)).year
    return date_format(day, "j M" if same_year else "j M Y")


@register.filter
def plant_stamp(value: object, where: object = None) -> str:
    """Tue 24 Nov 09:45, in the plant's zone."""
    local = _local(value, where)
    if local is None:
        return ""
    return f"{date_format(local, 'D')} {plant_date(value, where)} {local:%H:%M}"


@register.filter
def plant_time(value: object, where: object = None) -> str:
    """09:42 on the site clock's own day, otherwise with weekday and date."""
    local = _local(value, where)
    if local is None:
        return ""
    today = _now(where).astimezone(_zone(where)).date()
    return f"{local:%H:%M}" if local.date() == today else plant_stamp(value, where)


@register.filter
def iso(value: object) -> str:
    """For `datetime` attributes."""
    return value.isoformat() if isinstance(value, date) else ""


@register.filter
def duration(value: object) -> str:
    """Seconds or a timedelta in words: 87480 -> 24 h 18 min, 5400 -> 1 h 30 min, 40 -> 1 min."""
    seconds = _seconds(value)
    if seconds is None:
        return ""
    minutes = max(1, round(abs(seconds) / MINUTE)) if seconds else 0
    if minutes >= 72 * 60:
        days, rest = divmod(minutes, 24 * 60)
        hours = round(rest / 60)
        if hours == 24:
            days, hours = days + 1, 0
        text = ngettext("%(n)d day", "%(n)d days", days) % {"n": days}
        return f"{text} {hours} h" if hours else text
    hours, minutes = divmod(minutes, 60)
    if not hours:
        return pgettext("duration", "%(m)d min") % {"m": minutes}
    if not minutes:
        return pgettext("duration", "%(h)d h") % {"h": hours}
    return pgettext("duration", "%(h)d h %(m)d min") % {"h": hours, "m": minutes}


@register.filter
def ago(value: object, where: object = None) -> str:
    """3 min ago, by the site's clock."""
    if not isinstance(value, datetime):
        return ""
    seconds = (_now(where) - value).total_seconds()
    if seconds < MINUTE:
        return _("just now")
    hours, minutes = divmod(round(seconds / MINUTE), 60)
    if not hours:
        return _("%(m)d min ago") % {"m": minutes}
    if hours < 24:
        return _("%(h)d h %(m)02d ago") % {"h": hours, "m": minutes}
    days = round(hours / 24)
    return ngettext("%(n)d day ago", "%(n)d days ago", days) % {"n": days}


@register.filter
def lateness(value: object) -> str:
    """Signed seconds (late is positive) in words: 3 days late, 5 h late, on time, 4 h slack."""
    seconds = _seconds(value)
    if seconds is None:
        return ""
    if abs(seconds) < MINUTE:
        return _("on time")
    size = abs(seconds)
    if size >= DAY:
        days = round(size / DAY)
        amount = ngettext("%(n)d day", "%(n)d days", days) % {"n": days}
    elif size >= HOUR:
        amount = pgettext("duration", "%(h)d h") % {"h": round(size / HOUR)}
    else:
        amount = pgettext("duration", "%(m)d min") % {"m": round(size / MINUTE)}
    if seconds > 0:
        return _("%(amount)s late") % {"amount": amount}
    return _("%(amount)s slack") % {"amount": amount}


@register.filter
def tone(level: object) -> str:
    """The text class of a priority: 1 -> p1t; 4 and nothing are plain."""
    return f"p{level}t" if str(level) in {"1", "2", "3"} else "t2"


@register.filter
def get(mapping: object, name: str) -> Any:
    """A value of a mapping by a name that is itself a variable."""
    return _read(mapping, name)


@register.simple_tag
def key_field() -> SafeString:
    """The idempotency key of a form, drawn when the form is drawn."""
    return format_html('<input type="hidden" name="key" value="{}">', uuid4())


# --- marks ----------------------------------------------------------------------------------


@register.simple_tag
def icon(name: str, label: str = "", css: str = "i") -> SafeString:
    """One symbol of the sprite; silent for screen readers unless it has a label."""
    sprite = static("img/icons.svg")
    if label:
        return format_html(
            '<svg class="{}" role="img" aria-label="{}"><use href="{}#i-{}"/></svg>',
            css, label, sprite, name,
        )  # fmt: skip
    return format_html(
        '<svg class="{}" aria-hidden="true"><use href="{}#i-{}"/></svg>',
        css,
        sprite,
        name,
    )


@register.simple_tag
def priority(level: object, css: str = "pr") -> SafeString:
    """Shape, number, word and colour of a priority 1..4 (nothing for any other value)."""
    words = {1: _("Critical"), 2: _("High"), 3: _("Medium"), 4: _("Low")}
    number = _seconds(level)
    if number not in words:
        return SafeString("")
    label = _("Priority %(n)d, %(word)s") % {"n": number, "word": words[number]}
    return format_html(
        '<svg class="{}" role="img" aria-label="{}" data-priority="{}"><use href="{}#p{}"/></svg>',
        css, label, number, static("img/icons.svg"), number,
    )  # fmt: skip


# --- drawings -------------------------------------------------------------------------------


def _share(at: datetime | date, start: datetime | date, end: datetime | date) -> float:
    """Where `at` lies between start and end, 0..1, clamped."""
    stamps = [
        moment.timestamp() if isinstance(moment, datetime) else float(moment.toordinal() * DAY)
        for moment in (at, start, end)
    ]
    span = stamps[2] - stamps[1]
    return min(1.0, max(0.0, (stamps[0] - stamps[1]) / span)) if span > 0 else 0.0


@register.inclusion_tag("components/slip_chart.html", takes_context=True)
def slip_chart(
    context: template.Context,
    promised: datetime | date | None,
    projected: datetime | date | None,
    start: datetime | date,
    end: datetime | date,
    level: int = 4,
) -> dict[str, Any]:
    """Promised (ring) to projected (diamond) on a shared axis of days.

    All four instants are of one kind, aware datetimes or dates. `level` 1..3 paints the slip.
    """
    page = context.get("page")

    def x(at: datetime | date) -> float:
        return round(6 + 98 * _share(at, start, end), 1)

    days = max(1, end.toordinal() - start.toordinal())
    step = max(1, -(-days // 14))
    if promised is None and projected is None:
        label = _("no date")
    else:
        label = _("promised %(promised)s, projected %(projected)s") % {
            "promised": plant_date(promised, page) or _("no date"),
            "projected": plant_date(projected, page) or _("no date"),
        }
    return {
        "ticks": [round(6 + 98 * day / days, 1) for day in range(0, days + 1, step)],
        "promised": x(promised) if promised else None,
        "projected": x(projected) if projected else None,
        "paint": f"p{level}" if level in (1, 2, 3) else "ghost",
        "early": promised is not None and projected is not None and projected < promised,
        "label": label,
    }


@register.inclusion_tag("components/bar_total.html", takes_context=True)
def bar_total(
    context: template.Context, extra: object, late: object, largest: object
) -> dict[str, Any]:
    """Extra cost (solid) and late cost left (hatched) on a scale that all options share."""
    page = context.get("page")
    scale = _number(largest) or 1.0
    solid = min(92.0, max(0.0, 92 * (_number(extra) or 0.0) / scale))
    hatched = min(92.0 - solid, max(0.0, 92 * (_number(late) or 0.0) / scale))
    return {
        "solid": round(solid, 1),
        "hatched": round(hatched, 1),
        "label": _("Extra cost %(extra)s, late cost left %(late)s")
        % {"extra": money(extra or 0, page), "late": money(late or 0, page)},
    }


@register.inclusion_tag("components/spark.html")
def spark(values: Any, target: object = None) -> dict[str, Any]:
    """A line of at most a dozen values, 76 x 26, the last one dotted; `target` is a dashed line."""
    numbers = [float(value) for value in values or []]
    if len(numbers) < 2:
        return {"points": ""}
    aim = _number(target)
    every = [*numbers, *([aim] if aim is not None else [])]
    low, span = min(every), (max(every) - min(every)) or 1.0
    step = 70 / (len(numbers) - 1)

    def y(value: float) -> float:
        return round(23 - 20 * (value - low) / span, 1)

    places = [(round(2 + step * i, 1), y(value)) for i, value in enumerate(numbers)]
    return {
        "points": " ".join(f"{x},{height}" for x, height in places),
        "last": places[-1],
        "target": y(aim) if aim is not None else None,
    }


@register.inclusion_tag("components/pace.html")
def pace(good: object, quantity: object, plan_now: object = None) -> dict[str, Any]:
    """Good pieces of the ordered ones as a bar 600 wide, with a mark where the plan would be."""
    total = _number(quantity) or 1.0
    done = min(600.0, 600 * (_number(good) or 0.0) / total)
    plan = _number(plan_now)
    mark = None if plan is None else min(596.0, 600 * plan / total)
    label = (
        _("%(good)s good of %(quantity)s") % {"good": qty(good), "quantity": qty(quantity)}
        if plan is None
        else _("%(good)s good of %(quantity)s, plan for now %(plan)s")
        % {"good": qty(good), "quantity": qty(quantity), "plan": qty(plan_now)}
    )
    return {"done": round(done, 1), "mark": mark and round(mark, 1), "label": label}


LANE_LEFT, LANE_WIDTH, LANE_TOP, LANE_STEP = 64, 436, 20, 46


@register.inclusion_tag("components/lanes.html", takes_context=True)
def lanes(
    context: template.Context,
    rows: Sequence[Any],
    start: datetime,
    end: datetime,
    now: datetime | None = None,
) -> dict[str, Any]:
    """Machines before (outline) and after (filled).

    A row has `unit`, `before` and `after`; a bar has start, end, label and kind, one of
    "" (plan), "moved", "stop", "waits", "setup", "overtime", "tentative".
    """
    zone = _zone(context.get("page"))
    ends = [
        _read(bar, "end")
        for row in rows
        for bar in [*(_read(row, "before") or []), *(_read(row, "after") or [])]
    ]
    # No longer than what is drawn needs, so that short work is not squeezed into a corner.
    if ends:
        end = min(end, max(max(ends) + (max(ends) - start) / 20, start + timedelta(hours=6)))

    def x(at: datetime) -> float:
        return round(LANE_LEFT + LANE_WIDTH * _share(at, start, end), 1)

    def bars(bars: Sequence[Any], top: int) -> list[dict[str, Any]]:
        drawn = []
        for bar in bars or []:
            left, right = x(_read(bar, "start")), x(_read(bar, "end"))
            if right <= left and (_read(bar, "end") < start or _read(bar, "start") > end):
                continue
            label = str(_read(bar, "label", "") or "")
            width = max(1.0, round(right - left - 0.6, 1))
            drawn.append(
                {
                    "x": left,
                    "y": top,
                    "width": width,
                    "kind": _read(bar, "kind", "") or "",
                    # A name is whole or absent, never cut off.
                    "label": label if width >= 5 + 6.2 * len(label) else "",
                    "title": _("%(label)s, %(start)s to %(end)s")
                    % {
                        "label": label,
                        "start": f"{_read(bar, 'start').astimezone(zone):%a %H:%M}",
                        "end": f"{_read(bar, 'end').astimezone(zone):%a %H:%M}",
                    },
                }
            )
        return drawn

    drawn_rows = [
        {
            "unit": _read(row, "unit"),
            "y": LANE_TOP + LANE_STEP * i,
            "before": bars(_read(row, "before") or [], LANE_TOP + LANE_STEP * i),
            "after": bars(_read(row, "after") or [], LANE_TOP + LANE_STEP * i + 17),
        }
        for i, row in enumerate(rows)
    ]
    days: list[dict[str, Any]] = []
    day = start.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    hours = (end - start).total_seconds() / HOUR
    step = timedelta(hours=next((h for h in (1, 2, 3, 6, 12) if hours / h <= 8), 24))
    if hours > 8 * 24:
        step = timedelta(days=-(-int(hours) // (7 * 24)))
    while day < end:
        if day + step > start:
            label = f"{date_format(day, 'D')} {day.day}" if not day.hour else f"{day:%H:%M}"
            days.append({"x": x(max(day, start)), "label": label})
        day += step
    # A label that would run into the next one or out of the picture is left out.
    for i, tick in enumerate(days):
        following = days[i + 1]["x"] if i + 1 < len(days) else LANE_LEFT + LANE_WIDTH + 8
        if following - tick["x"] < 6 + 6 * len(tick["label"]):
            tick["label"] = ""
    height = LANE_TOP + LANE_STEP * len(drawn_rows)
    names = ", ".join(str(row["unit"]) for row in drawn_rows)
    return {
        "rows": drawn_rows,
        "days": days,
        "now": x(now) if now and start <= now <= end else None,
        "height": height,
        "label": _("Schedule before and after on %(names)s") % {"names": names},
    }


def _in_sequence(column: Sequence[Any], links: Sequence[Any]) -> list[Any]:
    """The nodes of a column with each one's followers right below it, else as they came."""
    by_id = {str(_read(node, "id")): node for node in column}
    inner = [
        (str(_read(link, "source")), str(_read(link, "target")))
        for link in links
        if str(_read(link, "source")) in by_id and str(_read(link, "target")) in by_id
    ]
    ordered: dict[str, Any] = {}

    def put(key: str) -> None:
        if key in ordered:
            return
        ordered[key] = by_id[key]
        for source, target in inner:
            if source == key:
                put(target)

    followers = {target for _source, target in inner}
    for key in [*(key for key in by_id if key not in followers), *by_id]:
        put(key)
    return list(ordered.values())


CHAIN_LEFT = (0, 190, 510, 750)
CHAIN_RIGHT = (140, 460, 700, 1000)
CHAIN_ROWS = 6
HALF_ROW, NODE_HEIGHT, CAUSE_HEIGHT = 20.5, 36, 56


@register.inclusion_tag("components/chain.html", takes_context=True)
def chain(
    context: template.Context,
    nodes: Sequence[Any],
    links: Sequence[Any],
    more_url: str = "#list",
) -> dict[str, Any]:
    """The causal chain on a grid of four columns, with its links as one drawing behind.

    A node has id, col (0 cause, 1 work order, 2 stock, 3 customer or line), title, line, badge,
    level (1..4, paints the badge), amplifier and url; nodes come worst first. A link has source
    and target (ids), worst and amplifier. A column shows five nodes and says how many more.
    """
    columns: list[list[Any]] = [[], [], [], []]
    for node in nodes:
        columns[min(3, max(0, int(_read(node, "col", 0))))].append(node)
    hidden = [max(0, len(column) - (CHAIN_ROWS - 1)) for column in columns]
    # Five and "one more" would take the room of the one: show it.
    hidden = [0 if count == 1 else count for count in hidden]
    shown = [column[: CHAIN_ROWS - 1] if hidden[c] else column for c, column in enumerate(columns)]
    shown[1] = _in_sequence(shown[1], links)
    places: dict[str, tuple[int, int]] = {}
    tallest = max((len(column) + bool(hidden[c]) for c, column in enumerate(shown)), default=1)
    last = max(0, 2 * tallest - 2)
    for c, column in enumerate(shown):
        if c == 0:
            continue
        wanted: list[tuple[float, int, Any]] = []
        for order, node in enumerate(column):
            key = str(_read(node, "id"))
            sources = [
                places[str(_read(link, "source"))][1]
                for link in links
                if str(_read(link, "target")) == key and str(_read(link, "source")) in places
            ]
            wish = 2.0 * order if c == 1 or not sources else sum(sources) / len(sources)
            wanted.append((wish, order, node))
        if c > 1:
            wanted.sort(key=lambda entry: (entry[0], entry[1]))
        rows: list[int] = []
        for wish, _order, _node in wanted:
            rows.append(max(round(wish), rows[-1] + 2 if rows else 0))
        limit = last - (2 if hidden[c] else 0)
        for i in range(len(rows) - 1, -1, -1):
            rows[i] = max(0, min(rows[i], limit))
            limit = rows[i] - 2
        for row, (_wish, _order, node) in zip(rows, wanted, strict=True):
            places[str(_read(node, "id"))] = (c, row)
    middle = max(0, (last - 1) // 2)
    for i, node in enumerate(shown[0]):
        places[str(_read(node, "id"))] = (0, min(middle + 3 * i, max(last, 0)))

    def centre(key: str) -> float:
        column, row = places[key]
        height = CAUSE_HEIGHT if column == 0 else NODE_HEIGHT
        return round(row * HALF_ROW + height / 2, 1)

    paths = []
    for link in links:
        source, target = str(_read(link, "source")), str(_read(link, "target"))
        if source not in places or target not in places:
            continue
        from_column, to_column = places[source][0], places[target][0]
        x1, y1, y2 = CHAIN_RIGHT[from_column], centre(source), centre(target)
        if from_column == to_column:
            # The further apart, the wider the bow, so that two of them can be told apart.
            bow = x1 + 14 + 8 * abs(places[source][1] - places[target][1]) / 2
            d = f"M{x1} {y1}C{bow} {y1} {bow} {y2} {x1} {y2}"
        else:
            x2 = CHAIN_LEFT[to_column]
            bend = x2 - 25
            d = f"M{x1} {y1}C{x1 + 25} {y1} {x1 + 25} {y2} {x1 + 50} {y2}"
            if x2 > x1 + 50:
                d = f"M{x1} {y1}H{bend - 25}C{bend} {y1} {bend} {y2} {x2} {y2}"
        kind = (
            "l-amp" if _read(link, "amplifier")
            else "l-worst" if _read(link, "worst")
            else "l-norm"
        )  # fmt: skip
        paths.append({"d": d, "kind": kind, "source": source, "target": target})
    paths.sort(key=lambda path: path["kind"] == "l-worst")
    drawn = [
        {"node": node, "col": c, "row": places[str(_read(node, "id"))][1]}
        for c, column in enumerate(shown)
        for node in sorted(column, key=lambda n: places[str(_read(n, "id"))][1])
    ]
    more = [
        {"col": c, "row": last, "count": count} for c, count in enumerate(hidden) if count and c
    ]
    return {
        "drawn": drawn,
        "more": more,
        "paths": paths,
        "height": max(last + 2, 3) * HALF_ROW,
        "more_url": more_url,
        "page": context.get("page"),
    }
