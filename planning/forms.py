"""What somebody says has happened: at most four fields a kind, prefilled where the plant knows."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.db.models import F
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from equipment.models import Downtime, Equipment, Reason, Tool
from materials.models import (
    Customer,
    CustomerLine,
    Item,
    Location,
    Lot,
    PurchaseLine,
    StockBalance,
)
from mes.models import Person, Site
from mes.templatetags.downstream import qty
from planning import words
from workorders.models import JobOrder, PersonSkill, UnitQueue

MOVES_SHOWN = 400
LAST = 10_000


class Moment(forms.DateTimeInput):
    input_type = "datetime-local"


class InstantField(forms.CharField):
    """A local time of the plant as an instant; empty is "nobody knows"."""

    widget = Moment
    time_zone = "UTC"  # the form's site says which

    def clean(self, value: Any) -> datetime | None:
        said = super().clean(value)
        if not said:
            return None
        found = words.local_instant(said, self.time_zone)
        if found is None:
            raise forms.ValidationError(_("Enter a day and a time."))
        return found


class EventForm(forms.Form):
    """A kind of event; `subject` names the field that says what it is about."""

    subject = ""

    def __init__(self, *args: Any, site: Site, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.site = site
        self.zone = ZoneInfo(site.time_zone)
        self.choose()
        for field in self.fields.values():
            if isinstance(field, InstantField):
                field.time_zone = site.time_zone
            if not isinstance(field.widget, forms.CheckboxInput):
                field.widget.attrs.setdefault("class", "inp")

    def choose(self) -> None:
        """Fill in what can be chosen on this site."""

    def offer(self, name: str, rows: Any, label: Any = None) -> None:
        field: Any = self.fields[name]
        field.queryset = rows
        if label is not None:
            field.label_from_instance = label

    def values(self) -> dict[str, Any]:
        """What the act takes, by name."""
        raise NotImplementedError

    def day(self, at: datetime) -> str:
        local = at.astimezone(self.zone)
        return f"{date_format(local, 'D j M')} {local:%H:%M}"

    def local(self, at: datetime) -> str:
        """An instant as a datetime-local field takes it."""
        return f"{at.astimezone(self.zone):%Y-%m-%dT%H:%M}"


def _when(label: Any, *, required: bool = False, help_text: Any = "") -> InstantField:
    return InstantField(label=label, required=required, help_text=help_text)


def _how_much(
    label: Any, *, required: bool = True, least: int = 0, help_text: Any = ""
) -> forms.DecimalField:
    return forms.DecimalField(
        label=label,
        required=required,
        min_value=least,
        max_digits=15,
        decimal_places=6,
        help_text=help_text,
    )


def _note() -> forms.CharField:
    return forms.CharField(label=gettext_lazy("Note"), required=False, max_length=200)


class BreakdownForm(EventForm):
    """Which machine, why, and until when if somebody knows."""

    subject = "unit"
    unit = forms.ModelChoiceField(Equipment.objects.none(), label=gettext_lazy("Machine"))
    reason = forms.ModelChoiceField(
        Reason.objects.none(), label=gettext_lazy("Reason"), required=False
    )
    back_at = _when(
        gettext_lazy("Back in service"),
        help_text=gettext_lazy("Leave it empty if nobody knows; it is guessed from history."),
    )
    note = _note()

    def choose(self) -> None:
        down = Downtime.objects.filter(site=self.site, ended_at=None).values("unit_id")
        units = Equipment.objects.filter(site=self.site, level=Equipment.Level.WORK_UNIT)
        self.offer("unit", units.exclude(pk__in=down).order_by("code"))
        reasons = Reason.objects.filter(site=self.site, applies_to="STOP", reason=None)
        self.offer("reason", reasons.order_by("name"))

    def values(self) -> dict[str, Any]:
        given = self.cleaned_data
        return {
            "unit_id": given["unit"].pk,
            "reason_id": given["reason"].pk if given["reason"] else None,
            "note": given["note"],
            "back_at": given["back_at"],
        }


class SlowForm(EventForm):
    """Which machine runs slow, how slow, until when if somebody knows, and why."""

    subject = "unit"
    unit = forms.ModelChoiceField(Equipment.objects.none(), label=gettext_lazy("Machine"))
    percent = forms.IntegerField(
        label=gettext_lazy("Runs at, in %"),
        min_value=1,
        max_value=99,
        help_text=gettext_lazy("of its usual rate, set-ups too"),
    )
    back_at = _when(
        gettext_lazy("Runs as usual"),
        help_text=gettext_lazy("Leave it empty if nobody knows; it is guessed from history."),
    )
    note = forms.CharField(label=gettext_lazy("Why"), required=False, max_length=200)

    def choose(self) -> None:
        units = Equipment.objects.filter(site=self.site, level=Equipment.Level.WORK_UNIT)
        units = units.exclude(kind=Equipment.Kind.EXTERNAL)
        self.offer("unit", units.order_by("code"), lambda row: f"{row.code} · {row.name}")

    def values(self) -> dict[str, Any]:
        given = self.cleaned_data
        return {
            "unit_id": given["unit"].pk,
            "percent": given["percent"],
            "note": given["note"],
            "back_at": given["back_at"],
        }


class ToolForm(EventForm):
    """Which tool, gauge or fixture is lost, and until when if somebody knows."""

    subject = "tool"
    tool = forms.ModelChoiceField(Tool.objects.none(), label=gettext_lazy("Tool"))
    back_at = _when(
        gettext_lazy("There again"),
        help_text=gettext_lazy("Leave it empty if nobody knows; it is guessed from history."),
    )
    note = _note()

    def choose(self) -> None:
        tools = Tool.objects.filter(site=self.site).order_by("code")
        self.offer("tool", tools, lambda row: f"{row.code} · {row.name} · {self._there(row)}")

    @staticmethod
    def _there(row: Tool) -> str:
        there = row.pieces - row.losses.filter(ended_at=None).count()
        return _("%(there)s of %(pieces)s there") % {"there": there, "pieces": row.pieces}

    def values(self) -> dict[str, Any]:
        given = self.cleaned_data
        return {"tool_id": given["tool"].pk, "note": given["note"], "back_at": given["back_at"]}


class ShiftForm(EventForm):
    """What works besides its calendar from when to when, and why: an added shift."""

    subject = "place"
    place = forms.ModelChoiceField(Equipment.objects.none(), label=gettext_lazy("Place"))
    starts_at = _when(gettext_lazy("Works from"), required=True)
    ends_at = _when(gettext_lazy("Works until"), required=True)
    reason = forms.CharField(
        label=gettext_lazy("Why"),
        max_length=100,
        help_text=gettext_lazy("such as Saturday shift, night shift"),
    )

    def choose(self) -> None:
        places = Equipment.objects.filter(site=self.site).exclude(kind=Equipment.Kind.EXTERNAL)
        self.offer(
            "place", places.order_by("level", "code"), lambda row: f"{row.code} · {row.name}"
        )

    def values(self) -> dict[str, Any]:
        given = self.cleaned_data
        return {
            "equipment_id": given["place"].pk,
            "starts_at": given["starts_at"],
            "ends_at": given["ends_at"],
            "reason": given["reason"],
        }


class AbsenceForm(EventForm):
    """Who is absent from when to when, and which machine stands first for it."""

    subject = "person"
    person = forms.ModelChoiceField(Person.objects.none(), label=gettext_lazy("Who"))
    starts_at = _when(
        gettext_lazy("Absent from"), help_text=gettext_lazy("Leave it empty if it is from now on.")
    )
    ends_at = _when(gettext_lazy("Absent until"), required=True)
    unit = forms.ModelChoiceField(
        Equipment.objects.none(),
        label=gettext_lazy("Stands first, if others are too few"),
        required=False,
        help_text=gettext_lazy(
            "Empty: the machine with the least work before it. Of people only this is kept: who can"
            " attend which machines, how many at once, in which shifts."
        ),
    )

    def choose(self) -> None:
        skilled = PersonSkill.objects.filter(site=self.site).values("person_id")
        self.offer(
            "person", Person.objects.filter(pk__in=skilled).order_by("name"), lambda row: row.name
        )
        units = Equipment.objects.filter(site=self.site, skill__isnull=False).order_by("code")
        self.offer("unit", units, lambda row: f"{row.code} · {row.name}")

    def values(self) -> dict[str, Any]:
        given = self.cleaned_data
        return {
            "person_id": given["person"].pk,
            "starts_at": given["starts_at"],
            "ends_at": given["ends_at"],
            "unit_id": given["unit"].pk if given["unit"] else None,
        }


class ClosureForm(EventForm):
    """What does not work from when to when, and why: a unit, an area, the whole plant."""

    subject = "place"
    place = forms.ModelChoiceField(Equipment.objects.none(), label=gettext_lazy("Place"))
    starts_at = _when(
        gettext_lazy("Closed from"), help_text=gettext_lazy("Leave it empty if it is from now on.")
    )
    ends_at = _when(gettext_lazy("Closed until"), required=True)
    reason = forms.CharField(
        label=gettext_lazy("Why"),
        max_length=100,
        help_text=gettext_lazy("such as cancelled, power cut, nobody to run it"),
    )

    def choose(self) -> None:
        places = Equipment.objects.filter(site=self.site).order_by("level", "code")
        self.offer("place", places, lambda row: f"{row.code} · {row.name}")

    def values(self) -> dict[str, Any]:
        given = self.cleaned_data
        return {
            "equipment_id": given["place"].pk,
            "starts_at": given["starts_at"],
            "ends_at": given["ends_at"],
            "reason": given["reason"],
        }


class MoveForm(EventForm):
    """Which waiting job goes to which of the machines that can take it."""

    subject = "move"
    move = forms.CharField(label=gettext_lazy("Which job to which machine"), widget=forms.Select)

    def choose(self) -> None:
        widget: Any = self.fields["move"].widget
        widget.choices = [("", "---------"), *self._moves()]

    def _jobs(self, queued: Collection[int]) -> Any:
        return JobOrder.objects.filter(site=self.site, pk__in=queued, pinned=False)

    def _moves(self) -> list[tuple[str, str]]:
        """Waiting jobs with the machines that can take them, those in front first."""
        queues = UnitQueue.objects.filter(site=self.site)
        if units := self.initial.get("units"):
            queues = queues.filter(unit__in=units)
        place = {job: at for queue in queues for at, job in enumerate(queue.job_order_ids)}
        jobs = (
            self._jobs(place)
            .exclude(status="RUNNING")
            .select_related("work_order__item", "unit")
            .prefetch_related("alternates__unit")
        )
        found = []
        for job in sorted(jobs, key=lambda job: (place[job.pk], job.pk)):
            name = f"{words.operation(job.work_order.code, job.number)} {job.work_order.item.name}"
            others = {each.unit_id: each.unit for each in job.alternates.all()}
            for unit in (job.unit, *(u for pk, u in others.items() if pk != job.unit_id)):
                moves = unit.pk != job.unit_id
                text = f"{name}: {job.unit.code} → {unit.code}" if moves else f"{name}: {unit.code}"
                found.append((f"{job.pk}:{unit.pk}", text))
        return found[:MOVES_SHOWN]

    def clean_move(self) -> tuple[int, int]:
        job_id, _colon, unit_id = self.cleaned_data["move"].partition(":")
        if not (job_id.isdecimal() and unit_id.isdecimal() and len(job_id + unit_id) < 36):
            raise forms.ValidationError(_("Choose which job goes to which machine."))
        return int(job_id), int(unit_id)


class QueueForm(MoveForm):
    """A job goes to another machine, or to the head or end of its own queue."""

    place = forms.ChoiceField(
        label=gettext_lazy("Where in its queue"),
        choices=[("next", gettext_lazy("Next")), ("last", gettext_lazy("Last"))],
    )
    reason = forms.CharField(
        label=gettext_lazy("Why, for the terminals"), required=False, max_length=200
    )

    def values(self) -> dict[str, Any]:
        given = self.cleaned_data
        job_id, unit_id = given["move"]
        running = JobOrder.objects.filter(site=self.site, unit=unit_id, status="RUNNING")
        return {
            "job_order_id": job_id,
            "to_unit_id": unit_id,
            # Next is behind what runs there now.
            "position": running.count() if given["place"] == "next" else LAST,
            "reason": given["reason"] or _("Moved by hand"),
        }


class OwnMoveForm(MoveForm):
    """One move of a planner's own answer: which job of the disruption goes where, and when."""

    place = forms.ChoiceField(
        label=gettext_lazy("Where in its queue"),
        choices=[
            ("next", gettext_lazy("Next")),
            ("last", gettext_lazy("Last")),
            ("start", gettext_lazy("To start about")),
        ],
    )
    starts_at = _when(gettext_lazy("Start about"))

    def __init__(self, *args: Any, jobs: Collection[int], **kwargs: Any) -> None:
        self.of = jobs
        super().__init__(*args, **kwargs)

    def _jobs(self, queued: Collection[int]) -> Any:
        return super()._jobs(queued).filter(pk__in=self.of)

    def clean_starts_at(self) -> datetime | None:
        starts_at: datetime | None = self.cleaned_data["starts_at"]
        if self.cleaned_data.get("place") != "start":
            return None
        if starts_at is None:
            raise forms.ValidationError(_("Enter when it is to start."))
        return starts_at

    def values(self) -> dict[str, Any]:
        given = self.cleaned_data
        job_id, unit_id = given["move"]
        return {
            "job_order_id": job_id,
            "to_unit_id": unit_id,
            "place": given["place"],
            "starts_at": given["starts_at"],
        }


class HoldForm(EventForm):
    """Which lot, why, and when quality thinks to decide."""

    subject = "lot"
    lot = forms.ModelChoiceField(Lot.objects.none(), label=gettext_lazy("Lot"))
    reason = forms.ModelChoiceField(
        Reason.objects.none(), label=gettext_lazy("Reason"), required=False
    )
    expected_at = _when(
        gettext_lazy("Decision expected"), help_text=gettext_lazy("Leave it empty if nobody knows.")
    )
    note = _note()

    def choose(self) -> None:
        lots = Lot.objects.filter(
            site=self.site, status=Lot.Status.RELEASED, balances__quantity__gt=0
        )
        self.offer(
            "lot",
            lots.distinct().select_related("item").order_by("code"),
            lambda row: f"{row.code} · {row.item.code}",
        )
        reasons = Reason.objects.filter(site=self.site, applies_to="HOLD", reason=None)
        self.offer("reason", reasons.order_by("name"))

    def values(self) -> dict[str, Any]:
        given = self.cleaned_data
        return {
            "lot_id": given["lot"].pk,
            "reason_id": given["reason"].pk if given["reason"] else None,
            "note": given["note"],
            "expected_at": given["expected_at"],
        }


class CheckForm(EventForm):
    """For which lot's decision somebody waits too long, and why that matters."""

    subject = "lot"
    lot = forms.ModelChoiceField(Lot.objects.none(), label=gettext_lazy("Lot in quarantine"))
    note = _note()

    def choose(self) -> None:
        lots = Lot.objects.filter(
            site=self.site, status=Lot.Status.QUARANTINE, balances__quantity__gt=0
        ).select_related("item")
        self.offer(
            "lot", lots.distinct().order_by("code"), lambda row: f"{row.code} · {row.item.code}"
        )

    def values(self) -> dict[str, Any]:
        return {"lot_id": self.cleaned_data["lot"].pk, "note": self.cleaned_data["note"]}


class StockForm(EventForm):
    """What lies where: a lot at a place, as it is booked."""

    subject = "stock"
    stock = forms.ModelChoiceField(StockBalance.objects.none(), label=gettext_lazy("Stock"))

    def choose(self) -> None:
        rows = (
            StockBalance.objects.filter(site=self.site, quantity__gt=0)
            .exclude(location__kind=Location.Kind.SCRAP)
            .select_related("lot__item", "location")
            .order_by("lot__item__code", "lot__code", "location__code")
        )
        self.offer("stock", rows, self._label)

    @staticmethod
    def _label(row: StockBalance) -> str:
        item = row.lot.item
        there = f"{qty(row.quantity)} {item.unit}"
        return f"{item.code} · {row.lot.code} · {row.location.code} · {there}"

    def place(self) -> dict[str, Any]:
        row: StockBalance = self.cleaned_data["stock"]
        return {
            "lot_id": row.lot_id,
            "location_id": row.location_id,
            "note": self.cleaned_data["note"],
        }


class ShortageForm(StockForm):
    """What is not there at the line though it is booked."""

    missing = _how_much(gettext_lazy("Missing"))
    note = _note()

    def values(self) -> dict[str, Any]:
        return {**self.place(), "missing": self.cleaned_data["missing"]}


class CountForm(StockForm):
    """What was counted of a lot at its place."""

    counted = _how_much(gettext_lazy("Counted"))
    note = _note()

    def values(self) -> dict[str, Any]:
        return {**self.place(), "counted": self.cleaned_data["counted"]}


class PurchaseForm(EventForm):
    """What the supplier says now: from when to when it comes, and how much of it."""

    subject = "line"
    line = forms.ModelChoiceField(PurchaseLine.objects.none(), label=gettext_lazy("Purchase line"))
    expected_from = _when(
        gettext_lazy("Comes from"), help_text=gettext_lazy("Leave it empty if it is one day.")
    )
    expected_at = _when(
        gettext_lazy("Comes until"),
        required=True,
        help_text=gettext_lazy("The plan goes by the end of the range."),
    )
    quantity = _how_much(
        gettext_lazy("How much of it"),
        required=False,
        help_text=gettext_lazy("In all. Leave it empty if nothing changes."),
    )

    def choose(self) -> None:
        self.offer("line", _open_purchases(self.site), self._label)

    def _label(self, row: PurchaseLine) -> str:
        what = f"{row.item.code} · {qty(row.quantity)} {row.item.unit}"
        return f"{row} · {what} · {row.supplier.name} · {self.day(row.expected_at)}"

    def values(self) -> dict[str, Any]:
        given = self.cleaned_data
        return {
            "purchase_line_id": given["line"].pk,
            "expected_from": given["expected_from"],
            "expected_at": given["expected_at"],
            "quantity": given["quantity"],
            "source": given["line"].supplier.name,
        }


class ReceiptForm(EventForm):
    """What came in on a purchase line."""

    subject = "line"
    line = forms.ModelChoiceField(PurchaseLine.objects.none(), label=gettext_lazy("Purchase line"))
    quantity = _how_much(gettext_lazy("Received"))
    lot = forms.CharField(label=gettext_lazy("Lot on the label"), max_length=60)
    location = forms.ModelChoiceField(Location.objects.none(), label=gettext_lazy("Put to"))

    def choose(self) -> None:
        self.offer("line", _open_purchases(self.site), self._label)
        places = Location.objects.filter(site=self.site).exclude(kind=Location.Kind.SCRAP)
        self.offer("location", places.order_by("code"), lambda row: f"{row.code} · {row.name}")

    @staticmethod
    def _label(row: PurchaseLine) -> str:
        left = qty(row.quantity - row.received_quantity)
        return f"{row} · {row.item.code} · {left} {row.item.unit} · {row.supplier.name}"

    def values(self) -> dict[str, Any]:
        given = self.cleaned_data
        return {
            "purchase_line_id": given["line"].pk,
            "item_id": given["line"].item_id,
            "quantity": given["quantity"],
            "lot_code": given["lot"],
            "location_id": given["location"].pk,
        }


def _open_purchases(site: Site) -> Any:
    return (
        PurchaseLine.objects.filter(site=site, closed_at=None)
        .select_related("item", "supplier")
        .order_by("expected_at", "pk")
    )


class OrderForm(EventForm):
    """A rush order: who wants what, how much of it, until when."""

    subject = "item"
    customer = forms.ModelChoiceField(Customer.objects.none(), label=gettext_lazy("Customer"))
    item = forms.ModelChoiceField(Item.objects.none(), label=gettext_lazy("Item"))
    quantity = _how_much(gettext_lazy("Quantity"))
    requested_at = _when(gettext_lazy("Needed by"), required=True)

    def choose(self) -> None:
        self.offer("customer", Customer.objects.filter(site=self.site).order_by("name"))
        items = Item.objects.filter(site=self.site).exclude(source=Item.Source.PHANTOM)
        made = items.order_by("source", "code").reverse()
        self.offer("item", made, lambda row: f"{row.code} · {row.name}")

    def values(self) -> dict[str, Any]:
        given = self.cleaned_data
        line = {
            "item_id": given["item"].pk,
            "quantity": given["quantity"],
            "requested_at": given["requested_at"],
        }
        known = CustomerLine.objects.filter(
            site=self.site, item=given["item"], order__customer=given["customer"]
        ).exclude(price=None)
        if last := known.order_by("-pk").first():
            line["price"] = last.price
        return {
            "customer_id": given["customer"].pk,
            "lines": [line],
            "rush": True,
        }


class LineForm(EventForm):
    """An open line of a customer's order."""

    subject = "line"
    line = forms.ModelChoiceField(CustomerLine.objects.none(), label=gettext_lazy("Order line"))

    def choose(self) -> None:
        rows = (
            CustomerLine.objects.filter(
                site=self.site, cancelled_at=None, shipped_quantity__lt=F("quantity")
            )
            .select_related("order__customer", "item")
            .order_by("order__code", "number")
        )
        self.offer("line", rows, self._label)

    def _label(self, row: CustomerLine) -> str:
        what = f"{qty(row.quantity)} {row.item.unit} {row.item.code}"
        due = self.day(row.promised_at or row.requested_at)
        return f"{row.order.code}/{row.number} · {row.order.customer.name} · {what} · {due}"


class DemandForm(LineForm):
    """What a customer wants now instead: another quantity, another day."""

    quantity = _how_much(
        gettext_lazy("New quantity"),
        required=False,
        help_text=gettext_lazy("Leave it empty if it stays."),
    )
    requested_at = _when(
        gettext_lazy("New date"), help_text=gettext_lazy("Leave it empty if it stays.")
    )
    agreed = forms.BooleanField(
        label=gettext_lazy("The new date is promised"), required=False, initial=True
    )

    def clean(self) -> dict[str, Any]:
        given = self.cleaned_data
        if given.get("quantity") is None and given.get("requested_at") is None:
            raise forms.ValidationError(_("Enter what changes: the quantity or the date."))
        return given

    def values(self) -> dict[str, Any]:
        given = self.cleaned_data
        moves = given["agreed"] and given["line"].promised_at is not None
        return {
            "line_id": given["line"].pk,
            "quantity": given["quantity"],
            "requested_at": given["requested_at"],
            "promised_at": given["requested_at"] if moves else None,
        }


class ReturnForm(EventForm):
    """What a customer sends back of a shipped line, and until when he needs others."""

    subject = "line"
    line = forms.ModelChoiceField(CustomerLine.objects.none(), label=gettext_lazy("Shipped line"))
    quantity = _how_much(gettext_lazy("Came back"))
    why = forms.CharField(label=gettext_lazy("Why"), max_length=200)
    needed_at = _when(
        gettext_lazy("Replacement needed by"),
        help_text=gettext_lazy("Leave it empty if the customer wants none."),
    )

    def choose(self) -> None:
        rows = CustomerLine.objects.filter(site=self.site, shipped_quantity__gt=0)
        rows = rows.select_related("order__customer", "item")
        self.offer("line", rows.order_by("-shipped_at", "-pk"), self._label)

    @staticmethod
    def _label(row: CustomerLine) -> str:
        what = f"{qty(row.shipped_quantity)} {row.item.unit} {row.item.code}"
        return f"{row.order.code}/{row.number} · {row.order.customer.name} · {what}"

    def values(self) -> dict[str, Any]:
        given = self.cleaned_data
        return {
            "line_id": given["line"].pk,
            "quantity": given["quantity"],
            "why": given["why"],
            "wants": "REPLACEMENT" if given["needed_at"] else "NOTHING",
            "needed_at": given["needed_at"],
        }


class CancelForm(LineForm):
    """A line that the customer no longer wants."""

    note = _note()

    def values(self) -> dict[str, Any]:
        return {"line_id": self.cleaned_data["line"].pk, "note": self.cleaned_data["note"]}


FORMS: dict[str, type[EventForm]] = {
    "breakdown": BreakdownForm,
    "slow": SlowForm,
    "tool": ToolForm,
    "absence": AbsenceForm,
    "closure": ClosureForm,
    "queue": QueueForm,
    "shift": ShiftForm,
    "hold": HoldForm,
    "check": CheckForm,
    "shortage": ShortageForm,
    "count": CountForm,
    "purchase": PurchaseForm,
    "receipt": ReceiptForm,
    "order": OrderForm,
    "demand": DemandForm,
    "return": ReturnForm,
    "cancel": CancelForm,
}
