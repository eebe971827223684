"""Break the promise on purpose and show that a test says so: `make mutants`.

Each mutant is one edit in a copy of the checkout; the tests named with it must fail there.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LEFT_BEHIND = shutil.ignore_patterns(
    ".data", ".git", ".venv", "__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache"
)


@dataclass(frozen=True)
class Mutant:
    name: str
    file: str
    whole: str
    broken: str
    tests: str


MUTANTS = (
    Mutant(
        "the idempotency key is dropped",
        "mes/commands.py",
        "        first = cursor.rowcount == 1\n",
        "        first = True\n",
        "tests/mes/test_commands.py",
    ),
    Mutant(
        "the doorbell is not robust",
        "mes/commands.py",
        "doorbell.ring(site.pk), robust=True",
        "doorbell.ring(site.pk)",
        "tests/mes/test_commands.py",
    ),
    Mutant(
        "the sweeper sleeps",
        "planning/management/commands/sweep.py",
        '                sweep(patience_s=options["patience"])\n',
        "                pass\n",
        "tests/planning/test_recompute.py",
    ),
    Mutant(
        "the site's lock is not taken",
        "planning/actions/lock.py",
        '"select pg_try_advisory_lock(%s, %s)", [space, site_id]',
        '"select true", []',
        "tests/planning/test_recompute.py",
    ),
)


def killed_by(mutant: Mutant) -> list[str]:
    """The tests that fail once the mutant is in; none means that it survived."""
    with tempfile.TemporaryDirectory(prefix="downstream-mutant-") as place:
        copy = Path(place) / "checkout"
        shutil.copytree(ROOT, copy, ignore=LEFT_BEHIND)
        target = copy / mutant.file
        text = target.read_text()
        if text.count(mutant.whole) != 1:
            raise SystemExit(f"{mutant.name}: its place in {mutant.file} is not there once")
        target.write_text(text.replace(mutant.whole, mutant.broken))
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-x", mutant.tests],
            cwd=copy,
            env={**os.environ, "NUMBA_CACHE_DIR": str(ROOT / ".data" / "numba")},
            capture_output=True,
            text=True,
            check=False,
        )
    return [line.split()[1] for line in done.stdout.splitlines() if line.startswith("FAILED")]


def main() -> int:
    survivors = 0
    for mutant in MUTANTS:
        killers = killed_by(mutant)
        survivors += not killers
        print(json.dumps({"mutant": mutant.name, "killed_by": killers}), flush=True)
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
