"""The office's forms go through the one door; journals can only be read."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from equipment.models import Equipment, ShiftPattern, UnitStatus, WorkCalendar
from materials.models import BillLine, Item
from mes.admin import JournalAdmin, MasterAdmin
from mes.models import Device, Person, Role, RoleGrant, ShopFloorEvent, SitePlan
from tests.cast import Plant, build_plant


@pytest.fixture
def plant(db: None) -> Plant:
    return build_plant()


@pytest.fixture
def office(plant: Plant) -> Client:
    """Somebody of the office, signed in: staff, and administrator of the plant's site."""
    user = User.objects.create_user("ida", password="a-long-password", is_staff=True)
    user.user_permissions.set(Permission.objects.all())
    person = Person.objects.create(name="Ida", user=user)
    RoleGrant.objects.create(person=person, role=Role.ADMIN, site=plant.site)
    client = Client()
    client.force_login(user)
    return client


def item_form(plant: Plant, **changes: object) -> dict[str, object]:
    return {
        "site": plant.site.pk,
        "code": "CAP",
        "name": "Cap",
        "unit": "pcs",
        "decimals": 0,
        "source": "MAKE",
        "safety_stock": "5",
        "lead_time_s": 0,
        "put_away_s": 0,
        "tracked": "on",
        **changes,
    }


def test_a_saved_master_is_an_event_with_its_person_and_history(
    office: Client, plant: Plant
) -> None:
    SitePlan.objects.update(dirty=False)

    page = office.post(reverse("admin:materials_item_add"), item_form(plant))

    item = Item.objects.get(code="CAP")
    event = ShopFloorEvent.objects.latest("seq")
    assert page.status_code == 302
    assert (event.kind, event.subject_id) == ("materials.item.changed", item.pk)
    assert event.person is not None
    assert event.person.name == "Ida"
    assert event.body["values"]["safety_stock"] == "5"
    assert item.history.get().history_user.username == "ida"
    assert not SitePlan.objects.get(site=plant.site).dirty


def test_a_refusal_is_said_on_the_form_and_nothing_is_stored(office: Client, plant: Plant) -> None:
    events = ShopFloorEvent.objects.count()

    page = office.post(
        reverse("admin:materials_billline_add"),
        {
            "site": plant.site.pk,
            "item": plant.ids["BAR"],
            "component": plant.ids["BODY"],
            "quantity_per": "1",
            "scrap_ppm": 0,
            "operation_number": 0,
            "valid_from_0": "2026-11-01",
            "valid_from_1": "00:00",
        },
        follow=True,
    )

    assert "BODY already contains BAR" in page.content.decode()
    assert BillLine.objects.count() == 1
    assert ShopFloorEvent.objects.count() == events


def test_a_new_unit_gets_its_state_as_by_the_action(office: Client, plant: Plant) -> None:
    office.post(
        reverse("admin:equipment_equipment_add"),
        {
            "site": plant.site.pk,
            "code": "CNC-11",
            "name": "Lathe",
            "level": "WORK_UNIT",
            "kind": "MACHINE",
            "calendar": plant.ids["2S"],
            "places": 2,
            "rate_ppm": 1_000_000,
            "reporting_rhythm": "PIECE",
            "order": 0,
        },
    )

    unit = Equipment.objects.get(code="CNC-11")
    assert UnitStatus.objects.get(unit=unit).mounted == ["", ""]


def test_the_shifts_of_a_calendar_are_saved_and_taken_out_with_its_form(
    office: Client, plant: Plant
) -> None:
    calendar = WorkCalendar.objects.get(site=plant.site)
    monday, *others = ShiftPattern.objects.filter(calendar=calendar).order_by("weekday")
    form: dict[str, object] = {
        "code": "2S",
        "name": "Two shifts",
        "patterns-TOTAL_FORMS": 2,
        "patterns-INITIAL_FORMS": 1,
        "patterns-0-id": monday.pk,
        "patterns-0-calendar": calendar.pk,
        "patterns-0-weekday": 0,
        "patterns-0-starts": "06:00",
        "patterns-0-ends": "14:00",
        "patterns-0-name": "early",
        "patterns-0-DELETE": "on",
        "patterns-1-calendar": calendar.pk,
        "patterns-1-weekday": 6,
        "patterns-1-starts": "08:00",
        "patterns-1-ends": "12:00",
        "patterns-1-name": "Sunday",
    }

    page = office.post(reverse("admin:equipment_workcalendar_change", args=[calendar.pk]), form)

    kinds = plant.kinds()
    assert page.status_code == 302
    assert not ShiftPattern.objects.filter(pk=monday.pk).exists()
    assert ShiftPattern.objects.get(weekday=6).site == plant.site
    assert kinds[-3:] == [
        "equipment.calendar.changed",
        "equipment.shift.changed",
        "equipment.shift.changed",
    ]
    assert plant.newest("equipment.shift.changed").body["deleted"] is True
    assert len(others) == 4


def test_an_administrator_sees_and_refers_to_his_own_sites_only(
    office: Client, plant: Plant
) -> None:
    other = build_plant("T2")
    foreign = Item.objects.get(site=other.site, code="BAR")

    page = office.get(reverse("admin:materials_item_change", args=[foreign.pk]))
    post = office.post(reverse("admin:materials_item_add"), item_form(plant, site=other.site.pk))

    assert page.status_code == 302  # as if there were none
    assert b"Select a valid choice" in post.content
    assert not Item.objects.filter(code="CAP").exists()


def test_a_row_keeps_its_site(office: Client, plant: Plant) -> None:
    other = build_plant("T2")
    RoleGrant.objects.create(
        person=Person.objects.get(name="Ida"), role=Role.ADMIN, site=other.site
    )
    bar = plant.ids["BAR"]

    office.post(
        reverse("admin:materials_item_change", args=[bar]),
        item_form(plant, site=other.site.pk, code="BAR", source="BUY"),
    )

    assert Item.objects.get(pk=bar).site == plant.site
    assert Item.objects.get(pk=bar).safety_stock == Decimal(5)


def test_a_devices_token_is_shown_once_and_only_its_hash_is_kept(
    office: Client, plant: Plant
) -> None:
    page = office.post(
        reverse("admin:mes_device_add"),
        {"site": plant.site.pk, "code": "TAB-1", "station": "CNC-04", "role": "OPERATOR"},
        follow=True,
    )

    device = Device.objects.get()
    assert b"shown only now" in page.content
    assert len(device.token_sha256) == 64
    assert "token_sha256" not in plant.newest("mes.device.changed").body["values"]


def test_every_model_is_a_master_to_edit_or_a_journal_to_read(office: Client) -> None:
    apps = {"equipment", "materials", "workorders", "quality", "mes"}
    for model, model_admin in admin.site._registry.items():
        if model._meta.app_label not in apps or model is Person:
            continue
        assert isinstance(model_admin, MasterAdmin | JournalAdmin), model
        assert hasattr(model, "history") == isinstance(model_admin, MasterAdmin), model


def test_every_list_opens_and_a_journal_has_no_way_to_change(office: Client) -> None:
    for model, model_admin in admin.site._registry.items():
        name = f"{model._meta.app_label}_{model._meta.model_name}"
        page = office.get(reverse(f"admin:{name}_changelist"))

        assert page.status_code == 200, name
        if isinstance(model_admin, JournalAdmin):
            assert office.get(reverse(f"admin:{name}_add")).status_code == 403, name
            assert b"delete_selected" not in page.content, name


def test_a_master_is_taken_out_and_its_history_read_in_the_office(
    office: Client, plant: Plant
) -> None:
    office.post(reverse("admin:materials_item_add"), item_form(plant))
    item = Item.objects.get(code="CAP")

    history = office.get(reverse("admin:materials_item_history", args=[item.pk]))
    asked = office.get(reverse("admin:materials_item_delete", args=[item.pk]))

    assert (history.status_code, asked.status_code) == (200, 200)
    office.post(reverse("admin:materials_item_delete", args=[item.pk]), {"post": "yes"})
    assert not Item.objects.filter(pk=item.pk).exists()


def test_the_office_has_no_sign_in_of_its_own_that_counts_no_wrong_passwords(db: None) -> None:
    client = Client()

    asked = client.get("/admin/login/?next=/admin/materials/item/")

    assert asked.status_code == 302
    assert asked["Location"] == "/sign-in/?next=%2Fadmin%2Fmaterials%2Fitem%2F"
    assert client.post("/admin/login/", {"username": "a", "password": "b"}).status_code == 405


def test_people_of_other_plants_are_not_shown(office: Client, plant: Plant) -> None:
    other = build_plant("T2")
    stranger = Person.objects.create(name="Otto Fremd")
    RoleGrant.objects.create(person=stranger, role=Role.PLANNER, site=other.site)
    newcomer = Person.objects.create(name="Nora Neu")

    listed = office.get(reverse("admin:mes_person_changelist")).content.decode()
    offered = office.get(reverse("admin:mes_rolegrant_add")).content.decode()

    for page in (listed, offered):
        assert newcomer.name in page
        assert stranger.name not in page
    assert office.get(reverse("admin:mes_person_change", args=[stranger.pk])).status_code == 302
