"""The Celery application: a doorbell; PostgreSQL is the record."""

from __future__ import annotations

import os

from celery import Celery
from celery.signals import worker_process_init

from mes.processes import end_with_parent

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mes.settings")
app = Celery("mes")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

MAIN = os.getpid()  # the pool's children are forked from the process that loads this


@worker_process_init.connect
def end_with_the_main_process(**_: object) -> None:
    """Killed with -9, the main process would leave its child computing for nobody."""
    end_with_parent(MAIN)
