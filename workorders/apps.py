"""Work orders listen to what happens to the units below them."""

from __future__ import annotations

from django.apps import AppConfig


class WorkOrdersConfig(AppConfig):
    name = "workorders"

    def ready(self) -> None:
        from equipment.actions import unit_went_down
        from workorders.actions import suspend_jobs_of

        unit_went_down.connect(suspend_jobs_of, dispatch_uid="workorders.suspend_jobs_of")
