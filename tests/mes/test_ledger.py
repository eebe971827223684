"""What the database keeps by itself."""

from __future__ import annotations

import uuid

import pytest
from django.apps import apps
from django.db import DatabaseError, connection, models, transaction

from materials.models import Item
from mes.models import ShopFloorEvent, Site, SitePlan
from planning.verify import chain_problems
from tests.mes.test_commands import bare_site, run

__all__ = ["bare_site"]

STAIRS = ["mes", "equipment", "materials", "workorders", "quality", "planning"]
LEDGERS = [
    "mes_shopfloorevent",
    "mes_comment",
    "equipment_equipmentstate",
    "materials_stockmove",
    "materials_promisechange",
    "workorders_jobresponse",
    "workorders_genealogyedge",
    "planning_booking",
    "planning_decision",
    "planning_customertold",
]


@pytest.mark.parametrize(
    "statement", ["update mes_shopfloorevent set kind = 'x'", "delete from mes_shopfloorevent"]
)
def test_an_event_can_neither_be_changed_nor_deleted(bare_site: Site, statement: str) -> None:
    run(bare_site, uuid.uuid4())

    with (
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)

    assert ShopFloorEvent.objects.filter(kind="mes.site.loaded").count() == 1


@pytest.mark.parametrize("table", LEDGERS)
def test_every_ledger_refuses_update_delete_and_truncate(db: None, table: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "select tgtype from pg_trigger where tgrelid = %s::regclass and not tgisinternal",
            [table],
        )
        kinds = {kind for (kind,) in cursor.fetchall()}
    # Bits of pg_trigger.tgtype: 8 delete, 16 update, 32 truncate.
    assert any(kind & 8 and kind & 16 for kind in kinds)
    assert any(kind & 32 for kind in kinds)


def test_an_event_changed_behind_the_triggers_back_is_named(bare_site: Site) -> None:
    for _ in range(3):
        run(bare_site, uuid.uuid4())
    with connection.cursor() as cursor:
        cursor.execute("set constraints all immediate")
        cursor.execute("alter table mes_shopfloorevent disable trigger user")
        cursor.execute("update mes_shopfloorevent set subject_id = 99 where seq = 2")
        cursor.execute("alter table mes_shopfloorevent enable trigger user")

    assert list(chain_problems(bare_site)) == ["event 2 was changed after it was stored"]


def test_references_inside_a_site_cannot_cross_to_another(db: None) -> None:
    """Every ForeignKey between two tables of a site has its (site_id, id) twin."""
    with connection.cursor() as cursor:
        cursor.execute("select conname from pg_constraint where contype = 'f'")
        names = {name for (name,) in cursor.fetchall()}
    lacking = []
    for model in apps.get_models():
        if model._meta.app_label not in {
            "mes",
            "equipment",
            "materials",
            "workorders",
            "quality",
            "planning",
        }:
            continue
        if model.__name__.startswith("Historical") or not _has_site(model):
            continue
        for field in model._meta.concrete_fields:
            target = field.related_model
            if not isinstance(field, models.ForeignKey) or not isinstance(target, type):
                continue
            if field.name == "site" or not _has_site(target):
                continue
            name = f"{model._meta.db_table}_{field.column}_same_site"
            if name not in names:
                lacking.append(name)
    assert lacking == []


def _has_site(model: type[models.Model]) -> bool:
    return any(field.name == "site" for field in model._meta.concrete_fields)


def test_no_foreign_key_points_up_the_stairs() -> None:
    for model in apps.get_models():
        if model._meta.app_label not in STAIRS:
            continue
        storey = STAIRS.index(model._meta.app_label)
        for field in model._meta.concrete_fields:
            target = field.related_model
            if isinstance(target, type) and target._meta.app_label in STAIRS:
                assert STAIRS.index(target._meta.app_label) <= storey, f"{model} -> {target}"


def test_a_change_that_no_action_made_marks_the_site_dirty(bare_site: Site) -> None:
    SitePlan.objects.filter(site=bare_site).update(dirty=False)
    Item.objects.create(site=bare_site, code="A", name="a", source="BUY")

    assert SitePlan.objects.get(site=bare_site).dirty
