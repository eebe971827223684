"""Works on what imports of plants wait for, then ends; the sweeper starts it."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from planning.ownplant.work import waiting, work_on


class Command(BaseCommand):
    help = "Read, check and store the plants' files that wait for it."

    def handle(self, *args: Any, **options: Any) -> None:
        done: set[int] = set()
        while left := [each for each in waiting() if each not in done]:
            work_on(left[0])
            done.add(left[0])
