"""A second plant: every row of the first one again, with a marker in each of its texts."""

from __future__ import annotations

import uuid
from itertools import combinations, product
from typing import Any

from django.apps import apps
from django.contrib.postgres.fields import ArrayField
from django.db import IntegrityError, models, transaction
from django.db.models import CheckConstraint, ForeignKey, Model, Q
from django.utils import timezone

from mes.models import Person, Role, RoleGrant, Site

OURS = ("mes", "equipment", "materials", "workorders", "quality", "planning")
MARKER = "ZQXCANARY"
# Part of the marker: an answer that repeats what was asked for does not contain the whole.
SEARCH = "ZQXCAN"
CODE = f"T{MARKER}"
# The first row of every model has this id: one question asks for a row of each.
FOREIGN_ID = 5_000_000_000


def _needs(model: type[Model], *, always: bool = False) -> set[type[Model]]:
    """The models that its rows refer to; always: those that they cannot be without."""
    return {
        field.remote_field.model
        for field in model._meta.concrete_fields
        if isinstance(field, ForeignKey) and not (always and field.null)
    }


def models_of_a_site() -> list[type[Model]]:
    """The models whose rows belong to a site, each after those it refers to."""
    left = [
        model
        for label in OURS
        for model in apps.get_app_config(label).get_models()
        if model is Person
        or (
            any(field.name == "site" for field in model._meta.concrete_fields)
            and not model.__name__.startswith("Historical")
        )
    ]
    found: list[type[Model]] = []
    while left:
        ready = [each for each in left if not _needs(each) & (set(left) - {each})]
        # Of a circle that one first which may stand without the others.
        ready = ready or [
            each for each in left if not _needs(each, always=True) & (set(left) - {each})
        ]
        assert ready, f"models refer to each other in a circle: {left}"
        found.append(ready[0])
        left.remove(ready[0])
    return found


def _checked(condition: Any) -> set[str]:
    if isinstance(condition, Q):
        return set().union(*(_checked(child) for child in condition.children), set())
    return {condition[0].split("__")[0]} if isinstance(condition, tuple) else set()


def _free_texts(model: type[Model]) -> set[str]:
    """The texts that no constraint and no list of choices speaks of."""
    checked = set().union(
        *(
            _checked(each.condition)
            for each in model._meta.constraints
            if isinstance(each, CheckConstraint)
        ),
        set(),
    )
    return {
        field.attname
        for field in model._meta.concrete_fields
        if isinstance(field, models.CharField | models.TextField)
        and not field.choices
        and field.name not in checked
        and (field.max_length or 999) > len(MARKER)
    }


def _marked(field: models.Field[Any, Any], value: str) -> str:
    room = (field.max_length or 999) - len(MARKER)
    return f"{value[:room]}{MARKER}"


def _a_row(model: type[Model], ids: dict[type[Model], dict[Any, Any]], site: Site) -> Model:
    """A row of a model of which the first plant has none, such as its constraints allow."""
    optional = [
        field.name
        for field in model._meta.concrete_fields
        if isinstance(field, ForeignKey) and field.null and ids.get(field.remote_field.model)
    ]
    ways = [[], *([name] for name in optional), *map(list, combinations(optional, 2)), optional]
    for filled, text in product(ways, ("", "said")):
        row = _guess(model, ids, site, filled, text)
        try:
            with transaction.atomic():
                row.save()
                transaction.set_rollback(True)
        except IntegrityError:
            continue
        if not isinstance(model._meta.pk, ForeignKey):
            row.pk = None
        return row
    raise AssertionError(f"no row of {model} could be made: let the day in the test have one")


def _guess(
    model: type[Model],
    ids: dict[type[Model], dict[Any, Any]],
    site: Site,
    filled: list[str],
    text: str,
) -> Model:
    values: dict[str, Any] = {}
    for field in model._meta.concrete_fields:
        if field.primary_key and not isinstance(field, ForeignKey):
            continue
        if isinstance(field, ForeignKey):
            if field.remote_field.model is Site:
                values[field.attname] = site.pk
            elif not field.null or field.name in filled:
                values[field.attname] = next(iter(ids[field.remote_field.model].values()))
        elif field.has_default():
            continue
        elif field.null:
            values[field.attname] = None
        elif field.choices:
            values[field.attname] = field.choices[0][0]
        elif isinstance(field, models.UUIDField):
            values[field.attname] = uuid.uuid4()
        elif isinstance(field, models.DateTimeField):
            values[field.attname] = timezone.now()
        elif isinstance(field, models.DateField):
            values[field.attname] = timezone.now().date()
        elif isinstance(field, models.JSONField):
            values[field.attname] = {}
        elif isinstance(field, ArrayField):
            values[field.attname] = []
        elif isinstance(field, models.BinaryField):
            values[field.attname] = bytes(32)
        elif isinstance(field, models.IntegerField | models.DecimalField | models.FloatField):
            values[field.attname] = 1
        elif isinstance(field, models.CharField | models.TextField):
            values[field.attname] = text
    return model(**values)


def _belongs_there(
    row: Model, ids: dict[type[Model], dict[Any, Any]], texts: set[str], pk: int
) -> None:
    """Let a row refer to the second plant's rows and say the marker."""
    for field in row._meta.concrete_fields:
        value = getattr(row, field.attname)
        if isinstance(field, ForeignKey) and value is not None:
            known = ids.get(field.remote_field.model, {})
            setattr(row, field.attname, known.get(value, value))
        elif field.attname in texts and (value or not field.null):
            setattr(row, field.attname, _marked(field, value or ""))
        elif isinstance(field, models.UUIDField) and field.unique:
            setattr(row, field.attname, uuid.uuid4())
        elif isinstance(field, models.JSONField) and isinstance(value, dict):
            setattr(row, field.attname, {**value, "canary": MARKER})
    if isinstance(row, Person):
        row.user_id = None
    if not isinstance(row._meta.pk, ForeignKey):
        row.pk = pk
    row._state.adding = True


def copy_of(site: Site) -> Site:
    """Make the second plant: the first's rows again, or one of each model that it has none of.

    The code of a row there is the code here with the marker behind it.
    """
    there = Site.objects.get(pk=site.pk)
    there.pk, there.code, there.name = None, CODE, f"Elsewhere {MARKER}"
    there.save()
    ids: dict[type[Model], dict[Any, Any]] = {Site: {site.pk: there.pk}}
    for model in models_of_a_site():
        rows = model._default_manager.order_by("pk")
        found = list(rows if model is Person else rows.filter(site=site))
        if not found:
            found = [_a_row(model, ids, there)]
        mine = ids.setdefault(model, {})
        for place, row in enumerate(found):
            old = row.pk
            _belongs_there(row, ids, _free_texts(model), FOREIGN_ID + place)
            mine[old or FOREIGN_ID] = row.pk
        model._default_manager.bulk_create(found)
    # Who works nowhere yet is anybody's to employ.
    RoleGrant.objects.bulk_create(
        (RoleGrant(site=there, person_id=pk, role=Role.VIEWER) for pk in ids[Person].values()),
        ignore_conflicts=True,
    )
    return there


def codes_of(site: Site) -> set[str]:
    """Every code and number of a site."""
    return {
        code
        for model in models_of_a_site()
        for name in ("code", "number")
        if model is not Person and any(each.name == name for each in model._meta.concrete_fields)
        for code in model._default_manager.filter(site=site).values_list(name, flat=True)
    }
