"""Signing in and choosing the site."""

from __future__ import annotations

import sys
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

import segno
from django import forms
from django.conf import settings
from django.contrib.auth import authenticate, login, logout
from django.contrib.auth.models import User
from django.db import InterfaceError, OperationalError
from django.db.models import F
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from mes import logs
from mes.access import PUBLIC, PlantRequest, access, sites_of
from mes.clock import wall_now
from mes.models import FailedSignIn, Role, Site

TRIES = 5
WAIT = timedelta(seconds=60)

# Who a newcomer may be in the demo, and what each is good for.
PERSONAS: tuple[dict[str, Any], ...] = (
    {
        "value": "jana",
        "name": "Jana Marek",
        "initials": "JM",
        "does": gettext_lazy("plans"),
        "tries": gettext_lazy(
            "Open the worst disruption, compare its options, accept one, undo it."
        ),
    },
    {
        "value": "petra",
        "name": "Petra Novak",
        "initials": "PN",
        "does": gettext_lazy("runs CNC-07"),
        "tries": gettext_lazy("Report a pallet, stop with a reason, see what was moved here."),
    },
    {
        "value": "tomas",
        "name": "Tomas Horak",
        "initials": "TH",
        "does": gettext_lazy("maintenance"),
        "tries": gettext_lazy("Report a breakdown, change when the machine is back."),
    },
    {
        "value": "ana",
        "name": "Ana Soares",
        "initials": "AS",
        "does": gettext_lazy("quality"),
        "tries": gettext_lazy("Put a lot on hold and see whom it hurts; release it."),
    },
    {
        "value": "rui",
        "name": "Rui Silva",
        "initials": "RS",
        "does": gettext_lazy("buys"),
        "tries": gettext_lazy("See which deliveries wait for material."),
    },
    {
        "value": "okafor",
        "name": "M. Okafor",
        "initials": "MO",
        "does": gettext_lazy("leads the early shift"),
        "tries": gettext_lazy("Confirm overtime, take a call, hand the shift over."),
    },
    {
        "value": "fischer",
        "name": "Lena Fischer",
        "initials": "LF",
        "does": gettext_lazy("leads the late shift"),
        "tries": gettext_lazy("Read what the early shift left, and take over."),
    },
    {
        "value": "dahl",
        "name": "Henrik Dahl",
        "initials": "HD",
        "does": gettext_lazy("manages"),
        "tries": gettext_lazy("Read the morning page; approve what is beyond the planner."),
    },
    {
        "value": "admin",
        "name": "Sofia Lindner",
        "initials": "SL",
        "does": gettext_lazy("sets the plant up"),
        "tries": gettext_lazy("Change a machine or a person's limits, see how the processes live."),
    },
)


class SignIn(forms.Form):
    username = forms.CharField(max_length=150)
    password = forms.CharField(max_length=200, strip=False)


@access(PUBLIC)
@require_http_methods(["GET", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """User and password; in the demo also one press on a persona."""
    if request.method == "GET" and _is_another_name_of_this_server(request):
        return redirect(settings.PAGE_ORIGIN + request.get_full_path())
    is_demo = settings.MODE != "PRODUCTION"
    persona = request.POST.get("persona", "")
    form = SignIn(request.POST if request.method == "POST" and not persona else None)
    user, wait = None, 0
    if is_demo and persona in {each["value"] for each in PERSONAS}:
        user = User.objects.filter(username=persona, is_active=True).first()
    elif form.is_valid():
        given = form.cleaned_data
        wait = _seconds_to_wait(given["username"])
        if not wait:
            user = authenticate(request, **given)
            if user is None:
                _count_failure(given["username"])
                form.add_error(None, _("User or password is wrong."))
    if user is not None:
        FailedSignIn.objects.filter(name=user.get_username()).delete()
        login(request, user, backend="django.contrib.auth.backends.ModelBackend")
        return redirect(_next(request))
    if persona:
        form = SignIn({})
        form.add_error(None, _("Nobody of that name is in this plant. Run make demo once."))
    site = Site.objects.order_by("pk").first()
    context = {
        "form": form,
        "wait": wait,
        "personas": PERSONAS if is_demo else (),
        "next": request.POST.get("next", request.GET.get("next", "")),
        "floor_qr": _station_qr(request) if is_demo else None,
        "plant": site.name if site else "",
    }
    failed = wait or persona or form.errors
    return render(request, "mes/sign_in.html", context, status=422 if failed else 200)


def _seconds_to_wait(username: str) -> int:
    since = wall_now() - WAIT
    locked = FailedSignIn.objects.filter(name=username, tries__gte=TRIES, last_at__gt=since)
    last_at = locked.values_list("last_at", flat=True).first()
    return round((last_at - since).total_seconds()) or 1 if last_at else 0


def _count_failure(username: str) -> None:
    now = wall_now()
    FailedSignIn.objects.filter(name=username, last_at__lte=now - WAIT).delete()
    row, made = FailedSignIn.objects.get_or_create(
        name=username[:150], defaults={"tries": 1, "last_at": now}
    )
    if not made:
        FailedSignIn.objects.filter(pk=row.pk).update(tries=F("tries") + 1, last_at=now)


def _next(request: HttpRequest) -> str:
    """The page asked for, if it is one of ours."""
    target = request.POST.get("next", "")
    if target and url_has_allowed_host_and_scheme(
        target, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    ):
        return target
    return reverse("mes:home")


def _is_another_name_of_this_server(request: HttpRequest) -> bool:
    """Whether the browser came as localhost where the live stream knows the page as 127.0.0.1.

    The stream has its own origin there and gets this page's cookie under one name only.
    """
    ours, theirs = urlsplit(settings.PAGE_ORIGIN), urlsplit(f"//{request.get_host()}")
    return theirs.port == ours.port and theirs.hostname == "localhost" != ours.hostname


def _station_qr(request: HttpRequest) -> dict[str, Any] | None:
    """A QR code that opens CNC-07 on a phone; none where only this machine can open the page."""
    host = urlsplit(f"//{request.get_host()}").hostname
    if host in ("127.0.0.1", "localhost", "::1"):
        return None
    url = request.build_absolute_uri(reverse("workorders:station", args=["CNC-07"]))
    code = segno.make(url, error="m")
    picture = code.svg_inline(border=2, svgclass=None, lineclass=None, omitsize=True)
    return {"svg": mark_safe(picture), "url": url, "code": "CNC-07"}  # drawn here, from our URL


@access(PUBLIC)
@require_GET
def office_sign_in(request: HttpRequest) -> HttpResponse:
    """The office has no sign-in of its own: wrong passwords are counted in one place."""
    query = urlencode({"next": request.GET.get("next", reverse("admin:index"))})
    return redirect(f"{reverse('mes:sign_in')}?{query}")


@access("home")
@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    logout(request)
    return redirect("mes:sign_in")


@access("home")
@require_GET
def home(request: PlantRequest) -> HttpResponse:
    """Each role lands where its work is."""
    if request.actor.roles <= {Role.OPERATOR}:
        return redirect("workorders:stations")
    return redirect("planning:tower")


@access("home")
@require_POST
def choose_site(request: PlantRequest) -> HttpResponse:
    """Look at another plant on which this person has a role."""
    code = request.POST.get("site", "")
    if code not in {site.code for site in sites_of(request.actor.person_id)}:
        raise Http404
    request.session["site"] = code
    return redirect("mes:home")


RECORD_AWAY_S = 5


def failed(request: HttpRequest) -> HttpResponse:
    """A fault, with the number to find it by; a record that is away for a while is none: 503."""
    number = {"request_id": logs.request_id.get()}
    if not isinstance(sys.exc_info()[1], OperationalError | InterfaceError):
        return HttpResponse(render_to_string("500.html", number), status=500)
    if request.headers.get("HX-Request") == "true":
        text = _("The record cannot be reached right now. Send this again in a few seconds.")
        # Without the request: what every page's frame shows is read from the record.
        refusal = {"title": _("Not now."), "text": text, **number}
        page = render_to_string("components/refused.html", {"refusal": refusal})
    else:
        page = render_to_string("503.html")
    return HttpResponse(page, status=503, headers={"Retry-After": str(RECORD_AWAY_S)})


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """The form was drawn for another sign-in; nothing was saved, and what to do about it."""
    return render(request, "mes/csrf_failure.html", status=403)
