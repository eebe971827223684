"""What a person was told, and how he wants to be told."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from mes.access import PlantRequest, access
from mes.acting import act, number
from mes.htmx import refusal_page, render_page
from mes.models import Notice, OutgoingMail, Person
from mes.notices import default_setting, read_notices, set_ways, ways_of

SHOWN = 100
KINDS = {
    "NEW": gettext_lazy("New"),
    "GROWING": gettext_lazy("Growing"),
    "BACK": gettext_lazy("Back again"),
    "OVER": gettext_lazy("Over"),
    "DECIDED": gettext_lazy("Decided"),
    "ASSIGNED": gettext_lazy("Yours"),
    "MENTIONED": gettext_lazy("Mentioned"),
    "ASKED": gettext_lazy("Asked of you"),
    "ANSWERED": gettext_lazy("Answered"),
    "ESCALATED": gettext_lazy("Passed on to you"),
}
PRIORITIES = (
    (0, gettext_lazy("none")),
    (1, gettext_lazy("critical only")),
    (2, gettext_lazy("critical and high")),
    (3, gettext_lazy("down to medium")),
    (4, gettext_lazy("all")),
)


def notices_of(request: HttpRequest) -> QuerySet[Notice]:
    site, actor = getattr(request, "site", None), getattr(request, "actor", None)
    if site is None or actor is None or actor.person_id is None:
        return Notice.objects.none()
    return Notice.objects.filter(site=site, person=actor.person_id)


def unread_count(request: HttpRequest) -> int:
    """How many notices the person of this page has not read, for the bell."""
    return notices_of(request).filter(read_at=None).count()


@access("notice.read")
@require_GET
def notices(request: PlantRequest) -> HttpResponse:
    """What I was told, the unread first."""
    everything = request.GET.get("which") == "all"
    mine = notices_of(request)
    shown = mine if everything else mine.filter(read_at=None)
    context = {
        "rows": [_row(each) for each in shown.order_by("-told_at", "-pk")[:SHOWN]],
        "everything": everything,
        "counts": {"unread": mine.filter(read_at=None).count(), "all": mine.count()},
        "here": reverse("planning:notices") + ("?which=all" if everything else ""),
    }
    return render_page(request, "planning/notices.html", context, parts=("notices",))


def _row(each: Notice) -> dict[str, Any]:
    held = ""
    if each.held:
        held = _("%(n)d more held back since") % {"n": each.held}
    return {
        "pk": each.pk,
        "level": each.priority if each.kind in ("NEW", "GROWING", "BACK") else None,
        "kind": str(KINDS.get(each.kind, each.kind)),
        "text": each.text,
        "url": each.url,
        "at": each.told_at,
        "held": held,
        "held_since": each.held_since,
        "ended": each.over_due_at is not None,
        "unread": each.read_at is None,
    }


@access("notice.read")
@require_GET
def bell(request: PlantRequest) -> HttpResponse:
    """The bell of the frame, by itself."""
    context = {"unread": unread_count(request)}
    return render_page(request, "components/bell.html", context)


@access("notice.read")
@require_POST
def read(request: PlantRequest) -> HttpResponse:
    """One is read, or all are."""
    said = request.POST.get("notice", "")
    outcome = act(
        request,
        "mes.notice.read",
        read_notices,
        notice_id=(number(said) or 0) if said else None,
    )
    if not outcome.ok:
        return refusal_page(request, outcome, retry_url=reverse("planning:notices"))
    return redirect("planning:notices")


INP = {"class": "inp"}


class WaysForm(forms.Form):
    """Which priorities by which way, and the quiet hours."""

    bell_priority = forms.TypedChoiceField(
        label=gettext_lazy("The bell rings for"),
        choices=PRIORITIES,
        coerce=int,
        widget=forms.Select(attrs=INP),
    )
    mail_priority = forms.TypedChoiceField(
        label=gettext_lazy("Mail goes out for"),
        choices=PRIORITIES,
        coerce=int,
        widget=forms.Select(attrs=INP),
    )
    mail_in_person = forms.BooleanField(
        label=gettext_lazy("Mail also what is said to me in person"),
        required=False,
        help_text=gettext_lazy("a mention, something given to me or asked of me"),
    )
    mail_address = forms.EmailField(
        label=gettext_lazy("Mail address"),
        required=False,
        widget=forms.EmailInput(attrs=INP),
        help_text=gettext_lazy("empty: that of your account"),
    )
    quiet_from = forms.TimeField(
        label=gettext_lazy("No mail from"),
        required=False,
        widget=forms.TimeInput(attrs={**INP, "type": "time"}, format="%H:%M"),
        help_text=gettext_lazy("what comes in quiet hours is one mail at their end"),
    )
    quiet_until = forms.TimeField(
        label=gettext_lazy("until"),
        required=False,
        widget=forms.TimeInput(attrs={**INP, "type": "time"}, format="%H:%M"),
    )


@access("notice.read")
@require_http_methods(["GET", "POST"])
def settings(request: PlantRequest) -> HttpResponse:
    """How I am told."""
    person_id = request.actor.person_id
    way = ways_of(request.site, [person_id or 0]).get(person_id or 0)
    setting = way.setting if way else default_setting(request.site, person_id or 0, ())
    form = WaysForm(
        request.POST or None,
        initial={name: getattr(setting, name) for name in WaysForm.base_fields},
    )
    if request.method == "POST" and form.is_valid():
        outcome = act(request, "mes.notice.ways", set_ways, **form.cleaned_data)
        if outcome.ok:
            return redirect("planning:notices")
        form.add_error(None, outcome.message)
    account = Person.objects.filter(pk=person_id or 0).values_list("user__email", flat=True).first()
    trouble = (
        OutgoingMail.objects.filter(site=request.site, person=person_id, sent_at=None)
        .exclude(problem="")
        .order_by("-pk")
        .first()
    )
    context = {"form": form, "account_address": account or "", "trouble": trouble}
    status = 422 if form.errors else 200
    return render_page(request, "planning/notice_settings.html", context, status=status)
