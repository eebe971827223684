"""The Chromium that the browser tests drive: the system's, or Debian's as root.

`python -m tests.browser` prints where it is, after installing it where that is possible.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
HOW_TO_GET_ONE = (
    "No Chromium for the browser tests. Install one (Debian: apt-get install chromium; "
    "Ubuntu: snap install chromium) or name it: CHROMIUM=/path/to/chrome make test"
)
# Nothing that Chromium does for itself may reach for a network that a test machine has not got.
FLAGS = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def find() -> str | None:
    """Return the browser's path: $CHROMIUM, else the first known name on the PATH."""
    named = os.environ.get("CHROMIUM")
    if named:
        return shutil.which(named)
    return next((path for path in map(shutil.which, NAMES) if path), None)


def flags() -> list[str]:
    """Return the flags to start it with; it starts for root with the last of them only."""
    return [*FLAGS, *(["--no-sandbox"] if os.geteuid() == 0 else [])]


def install() -> None:
    """Install Debian's, if we may."""
    if os.geteuid() == 0 and shutil.which("apt-get"):
        env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for command in (
            ["apt-get", "update", "-qq"],
            ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium"],
        ):
            subprocess.run(command, env=env, stdout=subprocess.DEVNULL, check=False)


if __name__ == "__main__":
    if find() is None and not os.environ.get("CHROMIUM"):
        install()
    print(find() or HOW_TO_GET_ONE)
    sys.exit(0 if find() else 1)
