"""Nobody's breakdown waits for a compiler."""

from __future__ import annotations

from planning.engine import options
from planning.engine.cost import CostRules, LineTerms, Terms
from planning.engine.impact import Cause, CauseKind
from planning.engine.plant import NEVER, PIECE
from planning.engine.projection import project
from planning.engine.warm import compiled, kernels, small_plant, warm
from tests.engine.plans import DAY, HOUR, two_mills


def test_after_warming_another_plants_breakdown_compiles_nothing() -> None:
    warm(lambda _: None)
    before = compiled()
    builder = two_mills()
    builder.add_unit(id=3, calendar=1, down=True, down_until=NEVER)
    builder.add_exception(unit=1, start=DAY, end=DAY + 20 * HOUR, open=False)
    builder.add_item(id=9, kind=1)
    builder.add_component(id=9, operation=20, item=9, qty=PIECE)
    builder.add_operation(id=40, order=10, number=2, unit=2, launch_qty=PIECE, run_us=1_000_000)
    builder.add_arc(pred=10, succ=40)
    builder.set_queue(unit=2, operations=[40])
    plant = builder.build()
    terms = {int(line): Terms(due=HOUR, weight_day=1) for line in plant.line_id}

    found = options.generate(
        plant,
        project(plant, now=7 * HOUR),
        Cause(CauseKind.UNIT_DOWN, 1),
        CostRules(LineTerms.of(plant, terms)),
        now=7 * HOUR,
    )

    assert found.evaluations > 1
    assert compiled() == before


def test_warming_runs_every_kernel_that_the_engine_calls_from_python() -> None:
    warm(lambda _: None)

    ran = {name for name, kernel in kernels() if kernel.signatures}

    assert {"kernel.run", "desk.block", "options._urgency"} <= ran


def test_the_plant_it_warms_on_has_one_job_that_never_gets_a_date() -> None:
    projection = project(small_plant(), now=6 * HOUR)

    assert (projection.op_end == NEVER).tolist() == [False, False, True, True]
