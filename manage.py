#!/usr/bin/env python
"""Django's command line, for Downstream."""

import os
import sys
from pathlib import Path

from django.core.management import execute_from_command_line

from mes import running

# What changes tables, or whose they are; nothing else does.
OWNERS = ("migrate", "database_roles", "restore")


def find_servers() -> None:
    """A command in a second terminal finds the servers that `manage.py up` runs."""
    if "DATABASE_URL" in os.environ or os.environ.get("MES_MODE", "DEMO") != "DEMO":
        return
    data_dir = Path(os.environ.get("MES_DATA_DIR", Path(__file__).resolve().parent / ".data"))
    for name, value in running.addresses(data_dir).items():
        os.environ.setdefault(name, value)


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mes.settings")
    if sys.argv[1:2] != ["up"]:
        find_servers()
    if sys.argv[1:2] and sys.argv[1] in OWNERS:
        os.environ.setdefault("MES_AS_OWNER", "1")
    execute_from_command_line(sys.argv)
