"""Another order of several queues at once, found by local search.

From the best order that was found so far, what a hot line waits behind at a machine is exchanged
where it can matter: a line gets no earlier unless the chain of jobs that holds it does, and of a
run of jobs at one machine only its two ends and its whole count (Nowicki and Smutnicki, 1996).
Every exchange is projected and priced whole; one that pays is kept, and the chains are read anew.
The number of projections is bounded by a count, so the same plant gives the same order.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from planning.engine.changes import Refusal, SetQueue, Why
from planning.engine.kinds import Kind
from planning.engine.plant import Bind, Plant, Projection

if TYPE_CHECKING:
    from planning.engine.options import Evaluation, _Search

Queue = tuple[int, ...]


def reoptimise(search: _Search, tries: int) -> None:
    """Look for a better order of the queues that hold hot lines back.

    tries  most projections of it.
    """
    best = search.best(Kind.RESEQUENCE)
    held: Evaluation | None = best[1] if best else None
    changes: tuple[SetQueue, ...] = ()
    exchanged = False
    while tries > 0:
        better = None
        plant, projection = (
            (held.plant, held.projection) if held else (search.plant, search.projection)
        )
        for unit, queue in exchanges(search, plant, projection):
            asked = _orders(search, plant, unit, queue)
            if not asked or asked in search.tried:
                continue
            exchanged = True
            found = search.trial(asked)
            tries -= 1
            if found.figures is not None and search.beats(
                found.figures, held.figures if held and held.figures else search.nothing
            ):
                better = found
                break
            if tries <= 0:
                break
        if better is None:
            break
        held, changes = better, tuple(c for c in better.changes if isinstance(c, SetQueue))
    if changes:
        search.check(Kind.REOPTIMISE, "reoptimise/queues", changes)
    elif search.tight:
        unit_id = search.unit_id(search.tight[0])
        why = Why.BEST_ORDER if exchanged else Why.NOTHING_TO_MOVE
        search.refuse(Kind.REOPTIMISE, "reoptimise/queues", Refusal(why, "unit", unit_id))


def _orders(search: _Search, plant: Plant, unit: int, queue: Queue) -> tuple[SetQueue, ...]:
    """Every queue that is another than it is now, once a unit has the new one."""
    found = []
    for each in range(len(plant.unit_id)):
        new = queue if each == unit else _queue(plant, each)
        if list(new) != search.queue(each):
            found.append(SetQueue(search.unit_id(each), search.op_ids(new)))
    return tuple(found)


def _queue(plant: Plant, unit: int) -> Queue:
    ptr = plant.unit_queue_ptr
    return tuple(plant.queue_op[ptr[unit] : ptr[unit + 1]].tolist())


def exchanges(search: _Search, plant: Plant, projection: Projection) -> Iterator[tuple[int, Queue]]:
    """Yield new orders of single queues that may let a hot line be earlier, the dearest first."""
    seen: set[tuple[int, Queue]] = set()
    for walk in search.walks(plant, projection).values():
        for block in _blocks(plant, projection, walk):
            unit = int(plant.op_unit[block[0]])
            queue = _queue(plant, unit)
            for first, then in _pairs(block):
                new = _before(search, queue, then, first)
                if new is not None and (unit, new) not in seen:
                    seen.add((unit, new))
                    yield unit, new


def _blocks(plant: Plant, projection: Projection, walk: Sequence[int]) -> Iterator[list[int]]:
    """Yield the runs of jobs of a chain that wait for each other at one machine, in their order."""
    block: list[int] = []
    for op in reversed(walk):
        waits = block and projection.op_bind[op] == Bind.PLACE
        if waits and projection.op_bind_ref[op] == block[-1]:
            block.append(op)
            continue
        if len(block) > 1:
            yield block
        block = [op] if plant.op_unit[op] >= 0 else []
    if len(block) > 1:
        yield block


def _pairs(block: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield (job, one that goes before it): its last one first, its ends, and the whole run."""
    yield block[-2], block[-1]
    if len(block) > 2:
        yield block[0], block[-1]
        yield block[0], block[1]


def _before(search: _Search, queue: Queue, op: int, other: int) -> Queue | None:
    """Return the queue with a job put right before another; None where it may not be."""
    if op not in queue or other not in queue:
        return None
    to, origin = queue.index(other), queue.index(op)
    if to >= origin or search.protected[list(queue[to:origin])].any():
        return None
    return (*queue[:to], op, *queue[to:origin], *queue[origin + 1 :])
