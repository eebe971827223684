"""What the newest plan version projects, unpacked for reading."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np

from mes.models import Site, SitePlan
from planning.models import PlanVersion

NO_DATE = -1
Instant = datetime | None


@dataclass(frozen=True, slots=True)
class Projected:
    """Start and end by job order id; ready, ship and arrive by customer line id."""

    version: PlanVersion | None = None
    jobs: dict[int, tuple[Instant, Instant]] = field(default_factory=dict)
    lines: dict[int, tuple[Instant, Instant, Instant]] = field(default_factory=dict)

    def job(self, job_id: int) -> tuple[Instant, Instant]:
        return self.jobs.get(job_id, (None, None))

    def line(self, line_id: int) -> tuple[Instant, Instant, Instant]:
        return self.lines.get(line_id, (None, None, None))


def newest(site: Site) -> Projected:
    """Return the newest projection of a site; empty before the first one."""
    number = SitePlan.objects.values_list("plan_version", flat=True).get(site=site)
    version = PlanVersion.objects.filter(site=site, version=number).first()
    if version is None:
        return Projected()

    def instants(packed: memoryview | bytes | None, width: int) -> list[tuple[Instant, ...]]:
        rows = np.frombuffer(bytes(packed or b""), "<i4").reshape(-1, width).tolist()
        return [
            tuple(None if at == NO_DATE else version.epoch + timedelta(seconds=at) for at in row)
            for row in rows
        ]

    jobs = np.frombuffer(bytes(version.job_ids or b""), "<i8").tolist()
    lines = np.frombuffer(bytes(version.line_ids or b""), "<i8").tolist()
    return Projected(
        version=version,
        jobs={
            job: (row[0], row[1]) for job, row in zip(jobs, instants(version.times, 2), strict=True)
        },
        lines={
            line: (row[0], row[1], row[2])
            for line, row in zip(lines, instants(version.line_times, 3), strict=True)
        },
    )
