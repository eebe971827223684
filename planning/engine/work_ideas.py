"""Ideas about who does the work, and on what: a job on two units, somebody else's shift."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from planning.engine.changes import Refusal
from planning.engine.crew import CoverWindow
from planning.engine.deals import NEW_PART
from planning.engine.impact import CauseKind
from planning.engine.kinds import Kind, WhyNot
from planning.engine.makeshift import RepairForNow
from planning.engine.plant import NEVER, PIECE, PPM, Status
from planning.engine.splits import SplitJob, fed_in_batches, free_number, quantum_of

if TYPE_CHECKING:
    from planning.engine.options import _Search

TRIED: Final = 2
MINUTE: Final = 60
DAY: Final = 86_400
SHIFTS: Final = 10  # that others may take for somebody


def split(search: _Search) -> None:
    """Let a like unit make a part of a job of the hot lines, so that both end together."""
    plant = search.plant
    why: tuple[WhyNot, int] | None = None
    tried = 0
    for op in search.movable():
        if plant.op_status[op] != Status.WAITING or plant.op_hold[op] or tried >= TRIED:
            continue
        found = _parted(search, op)
        if isinstance(found, WhyNot):
            why = why or (found, op)
            continue
        tried += 1
        search.check(Kind.SPLIT, f"split/operation-{found.op_id}", [found])
    if not tried and why is not None:
        op_id = int(plant.op_id[why[1]])
        search.refuse(Kind.SPLIT, f"split/operation-{op_id}", Refusal(why[0], "operation", op_id))


def crew(search: _Search) -> None:
    """Let others who can attend what stands take the shifts of somebody who is absent."""
    by_unit: dict[int, list[CoverWindow]] = {}
    for each in search.ground.rules.offers.covers:
        if each.end_s <= search.ground.now:
            continue
        mine = by_unit.setdefault(each.unit_id, [])
        if each.people and len(mine) < SHIFTS:
            mine.append(
                CoverWindow(each.unit_id, each.window_id, each.start_s, each.end_s, each.people[0])
            )
    for unit_id, taken in sorted(by_unit.items()):
        slug = f"crew/unit-{unit_id}"
        if not taken:
            search.refuse(Kind.CREW, slug, Refusal(WhyNot.NOBODY_ABLE, "unit", unit_id))
            continue
        search.check(Kind.CREW, slug, taken)
        search.check(Kind.CREW, f"{slug}/first", taken[:1])
    if len(by_unit) > 1:
        search.check(Kind.CREW, "crew/all", [each for mine in by_unit.values() for each in mine])


def repair_for_now(search: _Search) -> None:
    """Have a unit that is down back sooner and slower, and repair it fully while it would stand.

    The full repair takes as long as it would now; in the first pause that holds it, in the
    longest one, and from the first pause on if there is none.
    """
    unit, now = search.home, search.ground.now
    if search.cause.kind is not CauseKind.UNIT_DOWN:
        return
    unit_id, until = search.unit_id(unit), int(search.plant.unit_down_until[unit])
    known = search.ground.rules.offers.makeshift.get(unit_id)
    if known is None or until == NEVER:
        refusal = Refusal(WhyNot.NO_MAKESHIFT, "unit", unit_id)
        search.refuse(Kind.TEMPORARY_REPAIR, f"temporary-repair/unit-{unit_id}", refusal)
        return
    back = -(-(now + known.repair_s) // MINUTE) * MINUTE
    takes = max(MINUTE, -(-(until - now) // MINUTE) * MINUTE)
    pauses = search.pauses(unit, back)
    holds = [start for start, end in pauses if end - start >= takes]
    longest = max(pauses, key=lambda each: (each[1] - each[0], -each[0]), default=(back, back))
    first = pauses[0][0] if pauses else back
    for start in dict.fromkeys([*holds[:1], longest[0], first]):
        begin = -(-start // MINUTE) * MINUTE
        change = RepairForNow(unit_id, back, known.ppm, begin, begin + takes)
        slug = f"temporary-repair/unit-{unit_id}/{(begin - now) // DAY}"
        search.check(Kind.TEMPORARY_REPAIR, slug, [change])


def _parted(search: _Search, op: int) -> SplitJob | WhyNot:
    """The part of a job with which it is estimated to end first, or why there is none."""
    plant = search.plant
    rows = search.alternates(op)
    if not rows:
        return WhyNot.NO_LIKE_UNIT
    if fed_in_batches(plant, op):
        return WhyNot.FED_IN_BATCHES
    if free_number(plant, op) is None:
        return WhyNot.NO_NUMBER
    quantum = quantum_of(plant, op)
    comes = int(search.projection.op_input_qty[op])
    begins = float(min(int(search.projection.op_start[op]), search.projection.horizon))
    home = begins + float(plant.op_setup_s[op])
    pace = _seconds_a_piece(search, op, int(plant.op_run_us[op]), int(plant.op_unit[op]))
    best: tuple[float, int, SplitJob] | None = None
    why = WhyNot.SOONER_HERE
    for row in rows:
        unit = int(plant.alternate_unit[row])
        queue = search.queue_ends(unit)
        position = search.position(queue, op)
        free = queue[position - 1][1] if position else search.free_at(unit)
        there = max(free, float(search.ready[op])) + float(plant.alternate_setup_s[row])
        other = _seconds_a_piece(search, op, int(plant.alternate_run_us[row]), unit)
        # Both end together: there + part x other = home + (all - part) x pace.
        share = (home - there + comes / PIECE * pace) / max(1e-9, pace + other) * PIECE
        qty = int(share) // quantum * quantum
        if qty > int(plant.op_launch_qty[op]) - quantum:
            why = WhyNot.WHOLE_ELSEWHERE
            continue
        if qty < quantum:
            continue
        end = there + qty / PIECE * other
        change = SplitJob(int(plant.op_id[op]), NEW_PART, search.unit_id(unit), position, qty)
        if best is None or (end, unit) < best[:2]:
            best = end, unit, change
    return why if best is None else best[2]


def _seconds_a_piece(search: _Search, op: int, run_us: int, unit: int) -> float:
    plant = search.plant
    rate = plant.unit_rate_ppm[unit] / PPM
    return float(run_us / 1e6 * plant.op_factor_ppm[op] / PPM / rate)
