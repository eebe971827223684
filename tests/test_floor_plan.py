"""The import contracts of pyproject.toml, so that `pytest` alone proves the architecture."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def test_no_storey_imports_one_above_it_and_rules_are_plain_python() -> None:
    program = Path(sys.executable).with_name("lint-imports")

    seen = subprocess.run(
        [program, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert seen.returncode == 0, seen.stdout + seen.stderr
