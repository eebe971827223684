"""Northfield for tests: built once a package of tests, every change rolled back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import transaction
from django.test import override_settings

from mes.models import Site


@pytest.fixture(scope="package")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("northfield")


@pytest.fixture(scope="package")
def built(django_db_setup: None, django_db_blocker: Any, data_dir: Path) -> Iterator[None]:
    with django_db_blocker.unblock(), override_settings(DATA_DIR=data_dir), transaction.atomic():
        call_command("build_demo", verbosity=0)
        yield
        transaction.set_rollback(True)


@pytest.fixture
def northfield_site(built: None, db: None) -> Site:
    return Site.objects.get(code="NF")
