"""The Celery application: a doorbell; PostgreSQL is the record."""

from __future__ import annotations

import os
from typing import Any

from celery import Celery, bootsteps, signals

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mes.settings")
app = Celery("mes")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@signals.setup_logging.connect
def keep_our_logs(**_signal: Any) -> None:
    """Django has set them up; Celery would set its own level and form over it."""


class Heartbeat(bootsteps.StartStopStep):  # type: ignore[misc]
    """Beats while the worker takes tasks: its loop stands still when the broker is away."""

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def __init__(self, consumer: Any, **options: Any) -> None:
        super().__init__(consumer, **options)
        self.timer: Any = None

    def start(self, consumer: Any) -> None:
        from mes import health  # not before the apps are ready

        queues = "-".join(sorted(consumer.app.amqp.queues.consume_from))
        name = f"worker-{queues}"
        health.beat_and_let_go(name)
        self.timer = consumer.timer.call_repeatedly(
            health.BEAT_S, health.beat_and_let_go, args=(name,)
        )

    def stop(self, consumer: Any) -> None:
        if self.timer is not None:
            self.timer.cancel()


app.steps["consumer"].add(Heartbeat)
