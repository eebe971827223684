"""Hypothesis profiles of the engine's tests: save (an editor's save), test, prove."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

for name, examples in (("save", 25), ("test", 200), ("prove", 20_000)):
    settings.register_profile(
        name,
        max_examples=examples,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "test"))
