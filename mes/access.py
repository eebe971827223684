"""Who may do what: one table role x act, declared on every route, checked before every view."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar

from django.conf import settings
from django.contrib.admin import AdminSite, ModelAdmin
from django.contrib.auth.models import AnonymousUser
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import NoReverseMatch, reverse
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from mes.actor import Actor, Grant
from mes.clock import Reading, plant_now, read_clock
from mes.models import Device, Person, PersonToken, Role, RoleGrant, Site, SitePlan

ALL = frozenset(Role.values)
_OFFICE = ALL - {Role.OPERATOR}
_FLOOR = frozenset({Role.OPERATOR, Role.SUPERVISOR, Role.ADMIN})

# act -> roles that may do it. A route names its act; nothing is allowed that is not here.
ACTS: dict[str, frozenset[str]] = {
    "home": ALL,
    "plan.read": ALL,
    "money.read": _OFFICE - {Role.VIEWER, Role.STORES},
    "disruption.handle": frozenset({Role.PLANNER, Role.SUPERVISOR, Role.MANAGER, Role.ADMIN}),
    "option.accept": frozenset({Role.PLANNER, Role.SUPERVISOR, Role.MANAGER, Role.ADMIN}),
    "approval.ask": frozenset({Role.PLANNER, Role.SUPERVISOR, Role.MANAGER, Role.ADMIN}),
    "rule.write": frozenset({Role.PLANNER, Role.MANAGER, Role.ADMIN}),
    # Whose yes a decision needs is checked by the act itself.
    "consent.answer": ALL - {Role.OPERATOR, Role.VIEWER},
    "event.report": frozenset(
        {Role.PLANNER, Role.SUPERVISOR, Role.OPERATOR, Role.MAINTENANCE, Role.ADMIN}
    ),
    "event.say": ALL - {Role.VIEWER},
    "equipment.estimate": frozenset({Role.PLANNER, Role.SUPERVISOR, Role.MAINTENANCE, Role.ADMIN}),
    "place.close": frozenset(
        {Role.PLANNER, Role.SUPERVISOR, Role.MAINTENANCE, Role.MANAGER, Role.ADMIN}
    ),
    "shift.open": frozenset({Role.PLANNER, Role.SUPERVISOR, Role.MANAGER, Role.ADMIN}),
    "absence.report": frozenset({Role.PLANNER, Role.SUPERVISOR, Role.MANAGER, Role.ADMIN}),
    "hold.place": frozenset({Role.QUALITY, Role.SUPERVISOR, Role.PLANNER, Role.ADMIN}),
    "return.receive": frozenset({Role.STORES, Role.SALES, Role.QUALITY, Role.PLANNER, Role.ADMIN}),
    "check.wait": ALL - {Role.VIEWER},
    "hold.release": frozenset({Role.QUALITY, Role.ADMIN}),
    "station.read": _FLOOR | {Role.PLANNER, Role.MAINTENANCE, Role.QUALITY, Role.MANAGER},
    "station.work": _FLOOR,
    "call.read": ALL,
    "call.raise": _FLOOR | {Role.PLANNER, Role.MAINTENANCE, Role.QUALITY, Role.STORES},
    # Whom a kind of call is for is checked by the act itself.
    "call.answer": ALL - {Role.OPERATOR, Role.VIEWER},
    "job.move": frozenset({Role.SUPERVISOR, Role.PLANNER, Role.ADMIN}),
    "workorder.read": ALL,
    "workorder.release": frozenset({Role.PLANNER, Role.ENGINEER, Role.ADMIN}),
    "morning.read": frozenset({Role.MANAGER, Role.PLANNER, Role.SUPERVISOR, Role.ADMIN}),
    "delivery.read": ALL,
    "unsettled.settle": frozenset({Role.SUPERVISOR, Role.PLANNER, Role.ADMIN}),
    "task.read": ALL,
    "task.finish": ALL - {Role.VIEWER},
    "customer.tell": frozenset(
        {Role.SALES, Role.PLANNER, Role.SUPERVISOR, Role.MANAGER, Role.ADMIN}
    ),
    "handover.make": frozenset({Role.PLANNER, Role.SUPERVISOR, Role.ADMIN}),
    "notice.read": ALL,
    "comment.read": ALL,
    "comment.write": ALL - {Role.VIEWER},
    "stock.move": frozenset({Role.STORES, Role.SUPERVISOR, Role.ADMIN}),
    "stock.count": frozenset({Role.STORES, Role.SUPERVISOR, Role.PLANNER, Role.ADMIN}),
    "shortage.report": _FLOOR | {Role.STORES, Role.PLANNER},
    "purchase.expect": frozenset({Role.BUYER, Role.PLANNER, Role.STORES, Role.ADMIN}),
    "purchase.receive": frozenset({Role.STORES, Role.SUPERVISOR, Role.BUYER, Role.ADMIN}),
    "demand.change": frozenset({Role.PLANNER, Role.SALES, Role.MANAGER, Role.ADMIN}),
    "note.write": _OFFICE - {Role.VIEWER},
    "field.define": frozenset({Role.PLANNER, Role.ENGINEER, Role.MANAGER, Role.ADMIN}),
    "shadow.switch": frozenset({Role.PLANNER, Role.MANAGER, Role.ADMIN}),
    "erp.read": _OFFICE,
    "erp.enter": _OFFICE - {Role.VIEWER},
    "plant.import": frozenset({Role.ENGINEER, Role.PLANNER, Role.ADMIN}),
    "clock.move": frozenset({Role.ADMIN, Role.PLANNER}),
    "token.own": ALL,
    "status.read": frozenset({Role.PLANNER, Role.SUPERVISOR, Role.MANAGER, Role.ADMIN}),
    "api": ALL,
}

# A decision is a person's: no device token may take one, whatever its role.
DECISIONS = frozenset(
    {
        "option.accept",
        "disruption.handle",
        "job.move",
        "consent.answer",
        "approval.ask",
        "rule.write",
    }
)

# Why an act is off, and who can lift it: shown beside the act, never hidden.
NEEDS = {
    "option.accept": gettext_lazy("Needs a planner or supervisor."),
    "rule.write": gettext_lazy("Needs a planner or manager."),
    "disruption.handle": gettext_lazy("Needs a planner or supervisor."),
    "hold.place": gettext_lazy("Needs quality, a supervisor or a planner."),
    "hold.release": gettext_lazy("Needs quality."),
    "return.receive": gettext_lazy("Needs stores, sales, quality or a planner."),
    "check.wait": gettext_lazy("Needs somebody who works here."),
    "station.work": gettext_lazy("Needs an operator or supervisor."),
    "call.raise": gettext_lazy("Needs somebody of the floor."),
    "call.answer": gettext_lazy("Needs somebody who is called: maintenance, quality or stores."),
    "job.move": gettext_lazy("Needs a supervisor or planner."),
    "event.report": gettext_lazy("Needs somebody of the floor, maintenance or planning."),
    "equipment.estimate": gettext_lazy("Needs maintenance, a supervisor or a planner."),
    "unsettled.settle": gettext_lazy("Needs a supervisor or planner."),
    "stock.move": gettext_lazy("Needs stores or a supervisor."),
    "place.close": gettext_lazy("Needs a supervisor, maintenance, a planner or a manager."),
    "shift.open": gettext_lazy("Needs a supervisor, a planner or a manager."),
    "absence.report": gettext_lazy("Needs a supervisor, a planner or a manager."),
    "stock.count": gettext_lazy("Needs stores, a supervisor or a planner."),
    "shortage.report": gettext_lazy("Needs somebody of the floor, stores or planning."),
    "purchase.expect": gettext_lazy("Needs a buyer, stores or a planner."),
    "purchase.receive": gettext_lazy("Needs stores, a supervisor or a buyer."),
    "demand.change": gettext_lazy("Needs sales, a planner or a manager."),
    "morning.read": gettext_lazy("Needs a manager, planner or supervisor."),
    "customer.tell": gettext_lazy("Needs sales, a planner, supervisor or manager."),
    "handover.make": gettext_lazy("Needs a planner or supervisor."),
    "comment.write": gettext_lazy("Needs somebody who works here; a viewer only reads."),
    "note.write": gettext_lazy("Needs somebody of the office who works here."),
    "field.define": gettext_lazy("Needs a planner, an engineer, a manager or an administrator."),
    "shadow.switch": gettext_lazy("Needs a planner, a manager or an administrator."),
    "erp.enter": gettext_lazy("Needs somebody of the office who enters it in the ERP."),
    "plant.import": gettext_lazy("Needs an engineer, a planner or an administrator."),
    "money.read": gettext_lazy("Needs somebody who may see what things cost."),
    "clock.move": gettext_lazy("Needs a planner or an administrator."),
    "status.read": gettext_lazy("Needs a planner, supervisor, manager or administrator."),
}

PUBLIC = "public"
ADMIN_SITE = "admin"
MONITOR = "monitor"  # a scraper with the token of MES_METRICS_TOKEN
View = TypeVar("View", bound=Callable[..., Any])


def access(act: str) -> Callable[[View], View]:
    """Declare what a route needs: an act of the table, PUBLIC or MONITOR."""
    if act not in ACTS and act not in (PUBLIC, MONITOR):
        raise ValueError(f"no such act: {act!r}")

    def mark(view: View) -> View:
        view.access = act  # type: ignore[attr-defined]
        return view

    return mark


def may(actor: Actor, act: str) -> bool:
    if act in DECISIONS and (actor.device_id is not None or not actor.decides):
        return False
    return not actor.roles.isdisjoint(ACTS[act])


def refusal(act: str, actor: Actor | None = None) -> str:
    """The sentence for somebody who may not do an act: what it needs."""
    if actor is not None and not actor.decides and may(replace(actor, decides=True), act):
        return _(
            "This token was made without decisions. Make one that may decide, or decide on the "
            "page."
        )
    return str(NEEDS.get(act, _("Your role does not allow this. Ask your supervisor.")))


class PlantRequest(HttpRequest):
    """A request behind the access check; for the type checker only."""

    actor: Actor
    site: Site  # type: ignore[assignment]  # the stubs' own, of django.contrib.sites
    sites: list[Site]
    htmx: Any
    asked_ms: int


def clock_of(request: HttpRequest) -> Reading:
    """The clock as this request read it first: what a page shows is of one moment."""
    found: Any = request
    if not hasattr(found, "reading"):
        found.reading = read_clock(found.site)
    reading: Reading = found.reading
    return reading


def now_of(request: HttpRequest) -> datetime:
    return clock_of(request).now


def declared_access(view: Callable[..., Any]) -> str | None:
    """The act that a view declares, looked for on function and class views alike."""
    for candidate in (view, getattr(view, "cls", None), getattr(view, "view_class", None)):
        found = getattr(candidate, "access", None)
        if isinstance(found, str):
            return found
    return ADMIN_SITE if _belongs_to_the_office(view) else None


def _belongs_to_the_office(view: Callable[..., Any]) -> bool:
    """Whether Django admin wrapped the view, and so asks for staff and permission before it."""
    if hasattr(view, "admin_site") or hasattr(view, "model_admin"):
        return True
    wrapped = getattr(view, "__wrapped__", None)
    return isinstance(getattr(wrapped, "__self__", None), ModelAdmin | AdminSite)


def actor_for(person: Person, site: Site) -> Actor:
    """A person on a site, with what he may himself and what as a deputy of others now."""
    own: dict[str, Grant] = {}
    lent: dict[int, list[Grant]] = {}
    now = None
    for row in RoleGrant.objects.filter(Q(person=person) | Q(deputy=person), site=site):
        if row.person_id == person.pk:
            own[row.role] = grant_of(row)
            continue
        now = now or plant_now(site)
        assert row.deputy_from is not None  # a deputy stands in from an instant to a later one
        assert row.deputy_to is not None
        if row.deputy_from <= now < row.deputy_to:
            lent.setdefault(row.person_id, []).append(grant_of(row))
    return Actor(
        name=person.name,
        person_id=person.pk,
        grants=own,
        stands_in={number: tuple(grants) for number, grants in lent.items()},
    )


def grant_of(row: RoleGrant) -> Grant:
    return Grant(
        role=row.role,
        amount_limit=row.amount_limit,
        may_touch_frozen=row.may_touch_frozen,
        may_hurt_customer=row.may_hurt_customer,
        hours=row.hours,
    )


def token_sha256(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def actor_for_token(token: str) -> tuple[Actor, Site] | None:
    """Whom a token speaks for and where, or None if it is unknown, revoked or its person left."""
    sha256 = token_sha256(token)
    device = (
        Device.objects.select_related("site").filter(token_sha256=sha256, revoked_at=None).first()
    )
    if device is None:
        return _actor_for_personal(sha256)
    actor = Actor(
        name=device.code,
        device_id=device.pk,
        station=device.station,
        grants={device.role: Grant(role=device.role)},
    )
    return actor, device.site


def _actor_for_personal(sha256: str) -> tuple[Actor, Site] | None:
    row = (
        PersonToken.objects.select_related("site", "person")
        .filter(token_sha256=sha256, revoked_at=None, person__user__is_active=True)
        .first()
    )
    if row is None:
        return None
    actor = replace(actor_for(row.person, row.site), decides=row.decides)
    return (actor, row.site) if actor.roles else None


def may_monitor(request: HttpRequest) -> bool:
    """Whether a scraper shows the token; where none is set, a demo's own machine needs none."""
    if settings.METRICS_TOKEN:
        given = request.headers.get("Authorization", "")
        return constant_time_compare(given, f"Bearer {settings.METRICS_TOKEN}")
    return settings.MODE == "DEMO" and request.META.get("REMOTE_ADDR") in ("127.0.0.1", "::1")


def sites_of(person_id: int | None) -> QuerySet[Site]:
    """The plants on which a person has a role; read only where it is looked at."""
    granted = RoleGrant.objects.filter(person_id=person_id or 0).values("site_id")
    return Site.objects.filter(pk__in=granted).order_by("pk")


def _choose_site(request: HttpRequest, person: Person) -> Site | None:
    """The site that was chosen, if the person still has a role there, else his first."""
    sites = list(sites_of(person.pk))
    request.sites = sites  # type: ignore[attr-defined]
    chosen = request.session.get("site")
    return next((site for site in sites if site.code == chosen), sites[0] if sites else None)


class AccessMiddleware:
    """Sets request.site and request.actor, and refuses what the route's declaration forbids."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any
    ) -> HttpResponse | None:
        act = declared_access(view)
        if act in (PUBLIC, ADMIN_SITE):
            return None
        if act == MONITOR:
            if may_monitor(request):
                return None
            raise PermissionDenied(_("This page is for the monitoring and needs its token."))
        if act is None:
            raise PermissionDenied(_("This page has no access rule yet, so nobody may open it."))
        if getattr(view, "cls", None) is not None:
            return None  # API views answer for themselves, with DeclaredAccess
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path(), reverse(settings.LOGIN_URL))
        person = Person.objects.filter(user=request.user).first()
        site = _choose_site(request, person) if person else None
        if person is None or site is None:
            raise PermissionDenied(_("You have no role on any site. Ask an administrator."))
        request.site = site  # type: ignore[assignment]
        request.actor = actor_for(person, site)  # type: ignore[attr-defined]
        # What changes from here on may be missing on the page: its stream tells it again.
        request.asked_ms = round(time.time() * 1000)  # type: ignore[attr-defined]
        if not may(request.actor, act):  # type: ignore[attr-defined]
            raise PermissionDenied(refusal(act))
        return None


class ApiAuthentication(BaseAuthentication):
    """`Authorization: Bearer <token>` of a device or person; else a signed-in session."""

    def authenticate(self, request: Request) -> tuple[Any, Actor] | None:

        header = request.headers.get("Authorization", "")
        if header.startswith("Bearer "):
            found = actor_for_token(header.removeprefix("Bearer ").strip())
            if found is None:
                raise AuthenticationFailed(_("Unknown or revoked token."))
            actor, site = found
            request._request.site = site  # type: ignore[assignment]
            return ApiUser(actor), actor
        session = SessionAuthentication().authenticate(request)
        if session is None:
            return None
        person = Person.objects.filter(user=session[0]).first()
        site_found = _choose_site(request._request, person) if person else None
        if person is None or site_found is None:
            raise AuthenticationFailed(_("You have no role on any site."))
        request._request.site = site_found  # type: ignore[assignment]
        actor = actor_for(person, site_found)
        return ApiUser(actor), actor

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class DeclaredAccess(BasePermission):
    """Lets an API view run if the actor may do the act that the view declares.

    A view class says `access = "act"`, and `access_by_method = {"POST": "act"}` where its
    methods need different acts. A view without a declaration is closed to everybody.
    """

    message = ""

    def has_permission(self, request: Request, view: Any) -> bool:
        by_method: dict[str, str] = getattr(view, "access_by_method", {})
        act = by_method.get(request.method or "", getattr(view, "access", None))
        if act == PUBLIC:
            return True
        if act is None:
            self.message = _("This page has no access rule yet, so nobody may open it.")
            return False
        if not isinstance(request.user, ApiUser):
            return False
        if not may(request.user.actor, act):
            self.message = refusal(act, request.user.actor)
            return False
        return True


class ApiUser(AnonymousUser):
    """What DRF calls a user: the actor behind the request."""

    def __init__(self, actor: Actor) -> None:
        super().__init__()
        self.actor = actor

    @property
    def is_authenticated(self) -> bool:  # type: ignore[override]
        return True


NAVIGATION = (
    ("planning:tower", gettext_lazy("Control tower"), "inbox", "plan.read"),
    ("workorders:list", gettext_lazy("Work orders"), "list-ordered", "workorder.read"),
    ("materials:deliveries", gettext_lazy("Deliveries"), "truck", "delivery.read"),
    ("materials:purchases", gettext_lazy("Purchases"), "package", "plan.read"),
    ("quality:holds", gettext_lazy("Holds"), "shield-alert", "plan.read"),
    ("equipment:list", gettext_lazy("Equipment"), "factory", "plan.read"),
    ("planning:tasks", gettext_lazy("Tasks"), "square-check", "task.read"),
    ("planning:calls", gettext_lazy("Calls"), "siren", "call.read"),
    ("planning:lines", gettext_lazy("Lines"), "gauge", "plan.read"),
    ("planning:decisions", gettext_lazy("Decisions"), "check", "plan.read"),
    ("equipment:rates", gettext_lazy("Rates"), "euro", "money.read"),
    ("planning:hand_overs", gettext_lazy("Hand-over"), "clipboard-check", "handover.make"),
    ("planning:morning", gettext_lazy("Morning"), "chart-column", "morning.read"),
    ("workorders:stations", gettext_lazy("Stations"), "layers", "station.read"),
    ("planning:shadow", gettext_lazy("Shadow"), "git-compare", "plan.read"),
    ("planning:erp", gettext_lazy("To do in the ERP"), "refresh-cw", "erp.read"),
    ("planning:own_plant", gettext_lazy("Own plant"), "file-text", "plant.import"),
)


def page_context(request: HttpRequest) -> dict[str, Any]:
    """What every page's frame shows: the site, the person, the plan's version, the way around."""
    site: Any = getattr(request, "site", None)
    actor: Actor | None = getattr(request, "actor", None)
    if site is None or actor is None:
        return {"page": {"is_demo": settings.MODE == "DEMO", "nav": [], "may": {}}}
    plan = SitePlan.objects.get(site=site)
    navigation = []
    for name, label, icon, act in NAVIGATION:
        if not may(actor, act):
            continue
        try:
            url = reverse(name)
        except NoReverseMatch:
            continue
        current = request.path == url or request.path.startswith(url.rstrip("/") + "/")
        navigation.append({"label": label, "url": url, "icon": icon, "current": current})
    return {
        "page": {
            "site": site,
            "sites": getattr(request, "sites", ()),
            "now": now_of(request),
            "clock_speed": clock_of(request).speed,
            "person_name": actor.name,
            "initials": "".join(part[0] for part in actor.name.split()[:2]).upper(),
            "role": ", ".join(str(Role(role).label) for role in sorted(actor.roles)),
            "nav": navigation,
            "stream_url": f"{settings.STREAM_ORIGIN}/live",
            "plan_version": plan.plan_version,
            "asked_ms": getattr(request, "asked_ms", 0),
            "computed_at": plan.computed_at,
            "is_demo": settings.MODE == "DEMO",
            "may": {act: may(actor, act) for act in ACTS},
        }
    }
