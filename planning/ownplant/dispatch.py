"""A first plan for work that nobody has arranged: machines and sequences, by priorities.

Schedules are built after Giffler and Thompson (1960): of all steps that could end first, those
that compete for that machine are ranked by priority. A hill climb over the priorities, seeded,
keeps what ends no later.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import NamedTuple

ROUNDS = 400

Ranks = list[list[float]]
Dear = list[list[dict[int, float]]]


class Step(NamedTuple):
    """One operation: machine -> seconds on it. A job is a sequence of steps, in series."""

    times: dict[int, int]


class Arranged(NamedTuple):
    """The best plan found: per machine the (job, step) in sequence, and when the last one ends."""

    queues: dict[int, list[tuple[int, int]]]
    makespan_s: int


def lower_bound(jobs: Sequence[Sequence[Step]]) -> int:
    """Seconds below which no plan ends: the longest job, the machines' average, the fullest one."""
    quickest = [[min(step.times.values()) for step in job] for job in jobs]
    machines = {machine for job in jobs for step in job for machine in step.times}
    only = dict.fromkeys(machines, 0)
    for job in jobs:
        for step in job:
            if len(step.times) == 1:
                for machine, seconds in step.times.items():
                    only[machine] += seconds
    total = sum(map(sum, quickest))
    return max(
        max(map(sum, quickest), default=0),
        -(-total // max(1, len(machines))),
        max(only.values(), default=0),
    )


def arrange(jobs: Sequence[Sequence[Step]], *, seed: int = 1, rounds: int = ROUNDS) -> Arranged:
    """Find machines and sequences that end early; the same input gives the same plan."""
    chance = random.Random(seed)
    bound = lower_bound(jobs)
    # The work that is left from a step on is the rule to begin with: most work remaining first.
    first: Ranks = [[float(left) for left in _remaining(job)] for job in jobs]
    ranks = first
    dear: Dear = [[dict.fromkeys(step.times, 1.0) for step in job] for job in jobs]
    best = _build(jobs, ranks, dear)
    steps = [(n, at) for n, job in enumerate(jobs) for at in range(len(job))]
    for number in range(rounds if steps else 0):
        if best.makespan_s <= bound:
            break
        if number < rounds // 2:
            # Far apart, so that the climb does not begin on the first hill.
            width = chance.uniform(0, 4)
            other_ranks = [[rank * (1 + width * chance.random()) for rank in job] for job in first]
            other_dear = dear
        else:
            other_ranks, other_dear = list(ranks), list(dear)
            for n, at in chance.sample(steps, 1 + chance.randrange(max(1, len(steps) // 12))):
                other_ranks[n], other_dear[n] = list(other_ranks[n]), list(other_dear[n])
                other_ranks[n][at] *= 3 ** chance.uniform(-1, 1)
                machine = chance.choice(sorted(jobs[n][at].times))
                other_dear[n][at] = {
                    **other_dear[n][at], machine: chance.choice((1.0, 1.5, 3.0))
                }  # fmt: skip
        found = _build(jobs, other_ranks, other_dear)
        if found.makespan_s <= best.makespan_s:
            best, ranks, dear = found, other_ranks, other_dear
    return best


def _build(jobs: Sequence[Sequence[Step]], ranks: Ranks, dear: Dear) -> Arranged:
    at = [0] * len(jobs)  # of each job, its next step
    ready = [0] * len(jobs)
    free: dict[int, int] = {}
    queues: dict[int, list[tuple[int, int]]] = {}
    open_jobs = {n for n, job in enumerate(jobs) if job}
    while open_jobs:
        # Where each next step would end first, dear machines counted longer than they take.
        machine_of = {
            n: min(
                (max(ready[n], free.get(machine, 0)) + seconds * dear[n][at[n]][machine], machine)
                for machine, seconds in jobs[n][at[n]].times.items()
            )[1]
            for n in open_jobs
        }
        begins = {n: max(ready[n], free.get(machine_of[n], 0)) for n in open_jobs}
        ends = {n: begins[n] + jobs[n][at[n]].times[machine_of[n]] for n in open_jobs}
        first = min(open_jobs, key=lambda n: (ends[n], n))
        machine = machine_of[first]
        rivals = [n for n in open_jobs if machine_of[n] == machine and begins[n] < ends[first]]
        chosen = max(rivals or [first], key=lambda n: (ranks[n][at[n]], -n))
        queues.setdefault(machine, []).append((chosen, at[chosen]))
        ready[chosen] = free[machine] = ends[chosen]
        at[chosen] += 1
        if at[chosen] == len(jobs[chosen]):
            open_jobs.remove(chosen)
    return Arranged(queues, max(free.values(), default=0))


def _remaining(job: Sequence[Step]) -> list[int]:
    """From each step on, the work that is left."""
    total, found = 0, []
    for step in reversed(job):
        total += min(step.times.values())
        found.append(total)
    return found[::-1]
