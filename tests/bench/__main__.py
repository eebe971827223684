"""Print one JSON object a line: name, value, unit, yardstick, ratio, target, ok.

python -m tests.bench [engine] [loop] [page] [ownplant]
"""

from __future__ import annotations

import sys

from tests import servers

servers.start_for_this_run()


def main(wanted: list[str]) -> int:
    failed = 0
    if not wanted or "engine" in wanted:
        from tests.bench import engine

        for row in engine.rows():
            row.print()
            failed += not row.ok
    if not wanted or {"loop", "page"} & set(wanted):
        from tests.bench import loop

        for row in loop.rows(page=not wanted or "page" in wanted):
            row.print()
            failed += not row.ok
    if not wanted or "ownplant" in wanted:
        from tests.bench import ownplant

        for row in ownplant.rows():
            row.print()
            failed += not row.ok
    return 1 if failed else 0


sys.exit(main(sys.argv[1:]))
