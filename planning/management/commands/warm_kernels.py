"""Compiles the engine before anybody waits for it: at the set-up and before a worker starts."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from planning.engine.warm import warm


class Command(BaseCommand):
    help = "Compile the engine's kernels into NUMBA_CACHE_DIR, or check that they are there."
    requires_system_checks = ()

    def handle(self, *_: Any, **__: Any) -> None:
        def say(line: str) -> None:
            self.stdout.write(line)
            self.stdout.flush()

        warm(say)
