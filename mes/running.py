"""What runs on a data directory, written down for the next start and for other terminals."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from mes.processes import birth


def run_file(data_dir: Path) -> Path:
    return data_dir / "run.json"


def take(data_dir: Path) -> IO[str] | None:
    """Take the data directory for this process; None if a living process has it.

    The lock is the kernel's and ends with its holder, however that ended.
    """
    data_dir.mkdir(parents=True, exist_ok=True)
    lock = (data_dir / "lock").open("a")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        return None
    return lock


def write(data_dir: Path, content: Mapping[str, Any]) -> None:
    """Write the file, whole or not at all; it holds addresses with passwords."""
    path = run_file(data_dir)
    new = path.with_suffix(".new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(content, file)
    new.replace(path)


def read(data_dir: Path) -> dict[str, Any]:
    """Return what was written last; empty if nothing, or nothing whole, was."""
    try:
        content = json.loads(run_file(data_dir).read_text())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def addresses(data_dir: Path) -> dict[str, str]:
    """Return the environment that leads to the running servers; empty if none run."""
    content = read(data_dir)
    supervisor = content.get("supervisor")
    if not supervisor or birth(supervisor["pid"]) != supervisor["birth"]:
        return {}
    return dict(content.get("environment", {}))
