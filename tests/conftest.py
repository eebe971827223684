"""The servers of a test run, the plant's real processes, and the browser."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import django
import hypothesis
import pytest
from django.core.management import CommandError
from django.core.management.commands import flush
from psycopg2.errors import DeadlockDetected

from mes.processes import stop
from tests import browser, servers

# At import: pytest-django reads the settings right after this file, and they need the addresses.
servers.start_for_this_run()
django.setup()

# HYPOTHESIS_PROFILE=prove for a night's search; nothing here is timed, so no deadlines.
for profile, examples in {"save": 25, "test": 200, "prove": 20_000}.items():
    hypothesis.settings.register_profile(profile, max_examples=examples, deadline=None)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "test"))

_flush = flush.Command.handle


def _patient_flush(self: flush.Command, **options: Any) -> None:
    """Empty the tables after a test, though the plant's processes go on reading them.

    Their locks can meet the TRUNCATE's; whomever PostgreSQL ends then, trying again is right.
    """
    for tries_left in (4, 3, 2, 1, 0):
        try:
            _flush(self, **options)
            return
        except CommandError as problem:
            cause = problem.__cause__ and problem.__cause__.__cause__
            if not tries_left or not isinstance(cause, DeadlockDetected):
                raise


flush.Command.handle = _patient_flush  # type: ignore[method-assign]

ALLOW_TRUNCATE = """
select format('alter table %s disable trigger %I', tgrelid::regclass, tgname)
from pg_trigger where not tgisinternal and tgtype & 32 <> 0
"""


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> None:
    """The ledgers refuse TRUNCATE; the tests that commit clean up with it."""
    from django.db import connection

    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute(ALLOW_TRUNCATE)
        for (statement,) in cursor.fetchall():
            cursor.execute(statement)


@pytest.fixture(scope="module")
def impact_worker(django_db_setup: None) -> Iterator[None]:
    """A real Celery worker on the tests' database; use with `transactional_db`.

    It ends with the module: it would answer the events of other tests as well.
    """
    child = servers.worker()
    child.start()
    try:
        servers.wait_for_worker(child)
        yield
    finally:
        stop([child], patience_s=5)


@pytest.fixture(scope="module")
def running_plant(django_db_setup: None) -> Iterator[servers.Plant]:
    """Real web, stream, worker and sweeper processes; use with `transactional_db`.

    They end with the module: they would answer the events of other tests as well.

    The base of a journey through the browser: `page.goto(running_plant.url)`.
    """
    with servers.RunningPlant() as plant:
        yield plant


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """pytest-playwright's browser is the system's Chromium; without one the test fails."""
    chromium = browser.find()
    if chromium is None:
        pytest.fail(browser.HOW_TO_GET_ONE, pytrace=False)
    return {**browser_type_launch_args, "executable_path": chromium, "args": browser.flags()}
