"""The office's forms: masters through the one door, journals to read only.

A form of a master that a person saves is a command like any other: it is recorded, it is
refused in words, and it marks nothing dirty. The rows of a site are seen and changed by who
has the role of administrator there; a superuser sees every site.
"""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.db.models import ForeignKey, Model, Q, QuerySet
from django.forms import BaseModelFormSet, ModelForm
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext as _
from simple_history.admin import SimpleHistoryAdmin

from mes.access import actor_for, token_sha256
from mes.actor import Actor, Grant
from mes.commands import Command, run
from mes.errors import Refused
from mes.masters import delete_master, kind_of, save_master
from mes.models import (
    Device,
    OutgoingMail,
    Person,
    PersonToken,
    Role,
    RoleGrant,
    ShopFloorEvent,
    Site,
    Task,
)

# Django's own classes know their model for the type checker only.
if TYPE_CHECKING:
    _ModelAdmin = admin.ModelAdmin[Any]
    _TabularInline = admin.TabularInline[Any, Any]
else:
    _ModelAdmin = admin.ModelAdmin
    _TabularInline = admin.TabularInline


def sites_of(request: HttpRequest) -> QuerySet[Site]:
    """The sites whose masters this person may change."""
    if request.user.is_superuser:
        return Site.objects.all()
    granted = RoleGrant.objects.filter(person__user=request.user.pk, role=Role.ADMIN)
    return Site.objects.filter(pk__in=granted.values("site_id"))


def people_of(request: HttpRequest) -> QuerySet[Person]:
    """Who works on these sites, and who works nowhere yet."""
    if request.user.is_superuser:
        return Person.objects.all()
    here = RoleGrant.objects.filter(site__in=sites_of(request)).values("person_id")
    anywhere = RoleGrant.objects.values("person_id")
    return Person.objects.filter(Q(pk__in=here) | ~Q(pk__in=anywhere))


def seen_of(model: type[Model], request: HttpRequest) -> QuerySet[Any] | None:
    """The rows of a model that this person may see; None where it belongs to no site."""
    if model is Site:
        return sites_of(request)
    if model is Person:
        return people_of(request)
    if hasattr(model, "site_id"):
        return model._default_manager.filter(site__in=sites_of(request))
    return None


def actor_of(request: HttpRequest, site: Site) -> Actor:
    person = Person.objects.filter(user=request.user.pk).first()
    if person is not None:
        return actor_for(person, site)
    return Actor(name=request.user.get_username(), grants={Role.ADMIN: Grant(Role.ADMIN)})


class OfSite(_ModelAdmin):
    """Rows of the sites where the person is an administrator, and references inside them."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).filter(site__in=sites_of(request))

    def formfield_for_foreignkey(
        self, db_field: ForeignKey[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> Any:
        rows = seen_of(db_field.remote_field.model, request)
        if rows is not None:
            kwargs["queryset"] = rows
        return super().formfield_for_foreignkey(db_field, request, **kwargs)


class SeenFilter(admin.RelatedFieldListFilter):
    """A list's filter names what its reader may see: Django's own names every site's rows."""

    def field_choices(
        self, field: Any, request: HttpRequest, model_admin: admin.ModelAdmin[Any]
    ) -> Any:
        rows = seen_of(field.remote_field.model, request)
        if rows is None:
            return super().field_choices(field, request, model_admin)
        ordering = self.field_admin_ordering(field, request, model_admin)
        return field.get_choices(
            include_blank=False, ordering=ordering, limit_choices_to={"pk__in": rows}
        )


admin.FieldListFilter.register(
    lambda field: bool(field.remote_field), SeenFilter, take_priority=True
)


class MasterAdmin(OfSite, SimpleHistoryAdmin):  # type: ignore[misc]
    """A master that people edit. What they save goes through `commands.run`."""

    def store(self, command: Command, row: Any) -> None:
        """Save one row; an app with rules of its own puts its action here."""
        save_master(command, row)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        # A row never changes its site: everything that refers to it would be left behind.
        fixed = ("site",) if obj is not None else ()
        return (*super().get_readonly_fields(request, obj), *fixed)

    def save_model(
        self, request: HttpRequest, obj: Any, form: ModelForm[Any], change: bool
    ) -> None:
        obj._history_user = request.user
        self._act(request, obj, partial(self.store, row=obj))

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        self._act(request, obj, partial(delete_master, row=obj))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        for row in queryset:
            self.delete_model(request, row)

    def save_formset(
        self,
        request: HttpRequest,
        form: ModelForm[Any],
        formset: BaseModelFormSet[Any, Any],
        change: bool,
    ) -> None:
        rows = formset.save(commit=False)
        for row in (*rows, *formset.deleted_objects):
            row.site = form.instance.site
            row._history_user = request.user
        for row in rows:
            self._act(request, row, partial(self.store_inline, row=row))
        for row in formset.deleted_objects:
            self._act(request, row, partial(delete_master, row=row))

    def store_inline(self, command: Command, row: Any) -> None:
        """Save one row of an inline form."""
        save_master(command, row)

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        return self._or_say_why(
            request,
            lambda: super(MasterAdmin, self).changeform_view(
                request, object_id, form_url, extra_context
            ),
        )

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return self._or_say_why(
            request,
            lambda: super(MasterAdmin, self).delete_view(request, object_id, extra_context),
        )

    def _act(self, request: HttpRequest, row: Any, act: Callable[[Command], None]) -> None:
        """Run one act for a form; a refusal takes the whole form back.

        The form is one transaction, so its commands commit or fall together.
        """
        site = row if isinstance(row, Site) else row.site
        outcome = run(
            site=site,
            key=uuid.uuid4(),
            actor=actor_of(request, site),
            name=kind_of(type(row)),
            body={"id": row.pk},
            act=act,
        )
        if not outcome.ok:
            raise Refused(outcome.message, status=outcome.status)

    def _or_say_why(self, request: HttpRequest, view: Callable[[], HttpResponse]) -> HttpResponse:
        try:
            return view()
        except Refused as refusal:
            self.message_user(request, str(refusal), messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())


class PartInline(_TabularInline):
    """Rows that belong to one master and are saved with its form."""

    extra = 0
    exclude = ("site",)

    def formfield_for_foreignkey(
        self, db_field: ForeignKey[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> Any:
        related = db_field.remote_field.model
        if hasattr(related, "site_id"):
            kwargs["queryset"] = related._default_manager.filter(site__in=sites_of(request))
        return super().formfield_for_foreignkey(db_field, request, **kwargs)


class JournalAdmin(OfSite):
    """What happened, or what only actions may change: to read, never to edit."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Site)
class SiteAdmin(MasterAdmin):
    """A site's policies. Sites are made by who sets up the plant, not by a form."""

    list_display = ("code", "name", "time_zone", "currency", "clock")
    readonly_fields = ("code", "clock")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Site]:
        return sites_of(request)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return self.readonly_fields

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(RoleGrant)
class RoleGrantAdmin(MasterAdmin):
    list_display = ("person", "role", "site", "amount_limit", "hours", "on_call", "deputy")
    list_filter = ("role", "site")


@admin.register(Device)
class DeviceAdmin(MasterAdmin):
    """A device's token is drawn here and shown once; only its hash is kept."""

    list_display = ("code", "station", "role", "revoked_at", "site")
    exclude = ("token_sha256",)

    def save_model(
        self, request: HttpRequest, obj: Device, form: ModelForm[Device], change: bool
    ) -> None:
        token = "" if change else secrets.token_urlsafe(32)
        if token:
            obj.token_sha256 = token_sha256(token)
        super().save_model(request, obj, form, change)
        if token:
            self.message_user(
                request,
                _("Token of %(device)s, shown only now: %(token)s")
                % {"device": obj.code, "token": token},
                messages.WARNING,
            )

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # its entries name it for ever; it is revoked instead


@admin.register(PersonToken)
class PersonTokenAdmin(MasterAdmin):
    """People make their tokens themselves; here one that leaked is revoked."""

    list_display = ("name", "person", "decides", "made_at", "revoked_at", "site")
    exclude = ("token_sha256",)
    readonly_fields = ("site", "person", "name", "decides", "made_at")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Person)
class PersonAdmin(SimpleHistoryAdmin):  # type: ignore[misc]
    """A person belongs to no site, so no site's ledger tells of him; his history does."""

    list_display = ("name", "user", "language")
    search_fields = ("name",)
    exclude = ("badge_sha256",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Person]:
        return people_of(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(ShopFloorEvent)
class ShopFloorEventAdmin(JournalAdmin):
    list_display = ("seq", "kind", "subject_type", "subject_id", "person", "occurred_at", "late")
    list_filter = ("site", "kind", "late")
    ordering = ("site", "-seq")
    show_full_result_count = False
    list_select_related = ("person",)


@admin.register(Task)
class TaskAdmin(JournalAdmin):
    list_display = ("text", "role", "due_at", "done_at")
    list_filter = ("site", "role")


@admin.register(OutgoingMail)
class OutgoingMailAdmin(JournalAdmin):
    list_display = ("address", "person", "written_at", "attempts", "sent_at", "problem")
    list_filter = ("site",)
    ordering = ("-pk",)
    list_select_related = ("person",)
