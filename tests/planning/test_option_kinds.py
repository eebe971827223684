"""Every kind of option: made where it fits, its cost open to lines, taken and taken back; and the
reason where it doesn't fit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest

from equipment import actions as equipment
from equipment.models import Equipment
from materials import actions as materials
from materials.models import BillLine, CustomerLine, Item, Lot, PurchaseLine
from mes.clock import wall_now
from mes.commands import Outcome
from mes.models import Role, SitePlan, Task
from planning import actions as planning
from planning import snapshot, words
from planning.engine.kinds import Kind
from planning.models import Consent, Decision, Option
from quality import actions as quality
from tests.cast import HOUR
from tests.planning.conftest import DAY, Company
from workorders import actions as workorders
from workorders.models import JobAlternate, JobLink, JobMaterial, Reservation, WorkOrder

DAY_S = 86_400


def rate(company: Company, what: str, amount: str, **values: Any) -> None:
    company.must(
        equipment.add_rate,
        what=what,
        amount=Decimal(amount),
        source="price list 2026",
        owner="R. Silva",
        valid_from=company.now - DAY,
        **values,
    )


def freight(company: Company, code: str, price: str | None, **values: Any) -> None:
    company.must(
        materials.add_freight_mode,
        code=code,
        name=code.lower(),
        price=None if price is None else Decimal(price),
        source="tariff 2026",
        owner="R. Silva",
        valid_from=company.now - DAY,
        **values,
    )


def quote(company: Company, *, lead_s: int, item: str = "BAR", **values: Any) -> None:
    if "KESSLER" not in company.ids:
        made = company.must(materials.add_supplier, code="KESSLER", name="Kessler")
        company.ids["KESSLER"] = made["supplier_id"]
    company.must(
        materials.add_supplier_item,
        supplier_id=company.ids["KESSLER"],
        item_id=company.ids[item],
        lead_time_s=lead_s,
        source="price list 2026",
        owner="R. Silva",
        valid_from=company.now - DAY,
        **values,
    )


def purchase(company: Company, quantity: int, *, in_days: int) -> PurchaseLine:
    made = company.must(
        materials.add_purchase_line,
        order_code="PO-1",
        number=1,
        supplier_id=company.ids["KESSLER"],
        item_id=company.ids["BAR"],
        quantity=Decimal(quantity),
        promised_at=company.now + in_days * DAY,
    )
    return PurchaseLine.objects.get(pk=made["purchase_line_id"])


def broken(company: Company, *, hours: int = 96) -> None:
    """CNC-04 is down."""
    company.commit()
    company.must(
        equipment.report_breakdown,
        unit_id=company.ids["CNC-04"],
        back_at=company.now + hours * HOUR,
        said_by="T. Maintenance",
    )
    company.answer()


def held(company: Company, lot: str = "L-1") -> None:
    """The bars are on hold for ten days."""
    company.commit()
    company.must(
        quality.place_hold,
        lot_id=Lot.objects.get(code=lot).pk,
        expected_at=company.now + 10 * DAY,
    )
    company.answer()


# -- plants on which a kind fits -----------------------------------------------------------------


def a_late_line(company: Company) -> None:
    rate(company, "NEW_PROMISE_PERCENT", "40")
    broken(company)


def a_line_of_which_a_part_is_there(company: Company) -> None:
    freight(company, "ROAD", "95", standard=True)
    company.receive("BODY", "B-1", 20)
    company.sell("SO-3", 40, company.now + 2 * DAY)
    company.order("WO-3", 40)
    broken(company)


def a_customer_who_counts_the_arrival(company: Company) -> None:
    freight(company, "ROAD", "95", standard=True)
    freight(company, "COURIER", "280", transit_s=2 * 3600)
    company.customer("TESSERA", basis="ARRIVE", transit_s=DAY_S, penalty_per_day=Decimal(900))
    company.sell("SO-3", 60, company.now + 3 * DAY, customer="TESSERA")
    company.order("WO-3", 60)
    broken(company, hours=60)


def bars_on_order(company: Company) -> None:
    quote(
        company, lead_s=6 * DAY_S, price=Decimal(4), expedite_lead_s=3600,
        expedite_fee=Decimal(180),
    )  # fmt: skip
    purchase(company, 500, in_days=5)
    held(company)


def bars_that_somebody_quotes(company: Company) -> None:
    Item.objects.filter(code="BAR").update(standard_cost=3)
    quote(company, lead_s=2 * 3600, price=Decimal(4), order_fee=Decimal(65))
    held(company)


def bars_with_a_substitute(company: Company) -> None:
    made = company.must(materials.add_item, code="BAR-2", name="Thicker bar", source="BUY")
    company.ids["BAR-2"] = made["item_id"]
    Item.objects.filter(code="BAR").update(standard_cost=3)
    Item.objects.filter(code="BAR-2").update(standard_cost=4)
    company.receive("BAR-2", "L-9", 400)
    company.must(
        materials.add_bill_alternate,
        bill_line_id=BillLine.objects.get(site=company.site).pk,
        component_id=company.ids["BAR-2"],
        quantity_per=Decimal("1.5"),
        source="release 26-114",
        valid_from=company.now - DAY,
    )
    held(company)


def bars_that_are_kept(company: Company) -> None:
    """910 of the 1,000 bars are safety stock; the second order's lie in a lot of their own."""
    Item.objects.filter(code="BAR").update(safety_stock=910, safety_kept=True)
    company.receive("BAR", "L-2", 90)
    held(company, "L-2")


def bodies_that_a_later_line_has(company: Company) -> None:
    company.commit()
    company.receive("BODY", "B-1", 60)
    company.sell("SO-3", 60, company.now + 20 * DAY)
    broken(company)


def steps_in_batches(company: Company) -> None:
    JobLink.objects.filter(site=company.site).update(kind="FS", batch=None)
    broken(company)


def an_order_without_a_customer_ahead(company: Company) -> None:
    stock = company.order("WO-0", 60)
    first = stock.job_orders.get(number=10).pk
    queue = [first, *(job for job in company.queue("CNC-04") if job != first)]
    company.must(workorders.set_queue, unit_id=company.ids["CNC-04"], job_order_ids=queue)
    broken(company, hours=30)


def an_order_that_waits_for_its_day(company: Company) -> None:
    company.sell("SO-3", 60, company.now + 4 * DAY)
    made = company.must(
        workorders.create_order,
        code="WO-3",
        item_id=company.ids["BODY"],
        quantity=Decimal(60),
        due_at=company.now + 4 * DAY,
        not_before=company.now + 3 * DAY,
    )
    company.must(workorders.release, work_order_id=made["work_order_id"])
    broken(company)


def outside(company: Company, *, able: bool = True) -> None:
    made = company.must(
        equipment.add_equipment,
        code="EXT",
        name="Outside",
        kind=Equipment.Kind.EXTERNAL,
        calendar_id=company.ids["2S"],
        places=3,
    )
    company.ids["EXT"] = made["equipment_id"]
    rate(company, "SUBCONTRACT_PIECE", "2.50", unit_id=company.ids["EXT"])
    rate(company, "SUBCONTRACT_ORDER", "140", unit_id=company.ids["EXT"])
    for code in ("WO-1", "WO-2") if able else ():
        JobAlternate.objects.create(
            site=company.site,
            job_order=company.job(code, 10),
            unit_id=company.ids["EXT"],
            setup_s=4 * 3600,
            run_s=60,
        )


def somebody_outside(company: Company) -> None:
    outside(company)
    broken(company)


def machines_and_stock(company: Company) -> None:
    rate(company, "UNIT_HOUR", "16")
    rate(company, "SETUP_HOUR", "59")
    bodies_that_a_later_line_has(company)


def a_job_that_two_machines_share(company: Company) -> None:
    """WO-3 needs more than a shift, and its machine is down for six hours."""
    company.receive("BAR", "L-2", 1000)
    company.sell("SO-3", 600, company.now + 11 * HOUR)
    company.order("WO-3", 600)
    queue = company.queue("CNC-04")
    first = company.job("WO-3").pk
    company.must(
        workorders.set_queue,
        unit_id=company.ids["CNC-04"],
        job_order_ids=[first, *(each for each in queue if each != first)],
    )
    broken(company, hours=6)


def orders_in_a_bad_sequence(company: Company) -> None:
    wanted = ((20, 20, 3), (20, 200, 4), (200, 200, 2), (20, 200, 1), (200, 200, 1))
    for number, (penalty, quantity, days) in enumerate(wanted, start=3):
        company.customer(f"C{number}", penalty_per_day=Decimal(penalty), transit_s=0)
        promised = company.now + days * DAY + 11 * HOUR
        company.sell(f"SO-{number}", quantity, promised, customer=f"C{number}")
        company.order(f"WO-{number}", quantity)
    jobs = [company.job(f"WO-{number}").pk for number in SEQUENCE]
    company.must(workorders.set_queue, unit_id=company.ids["CNC-04"], job_order_ids=jobs)
    broken(company, hours=20)


SEQUENCE = (7, 1, 5, 2, 3, 4, 6)


def goods_that_came_back(company: Company) -> None:
    """Twenty of forty bodies that were shipped are wanted again today."""
    rate(company, "UNIT_HOUR", "16")
    Item.objects.filter(code="BAR").update(standard_cost=3)
    company.receive("BODY", "B-1", 40)
    sold = company.sell("SO-0", 40, company.now + DAY)
    company.must(materials.ship, line_id=sold.pk, quantity=Decimal(40))
    company.commit()
    company.must(
        quality.receive_return,
        line_id=sold.pk,
        quantity=Decimal(20),
        why="porosity",
        wants="REPLACEMENT",
        needed_at=company.now + 6 * HOUR,
    )
    company.answer()


def scrap_of_the_last_piece(company: Company) -> None:
    """All sixty bodies of an order are scrap at its first operation."""
    rate(company, "CONCESSION", "160")
    rate(company, "UNIT_HOUR", "16")
    Item.objects.filter(code="BAR").update(standard_cost=3)
    company.commit()
    job = company.job("WO-1", 10)
    company.must(workorders.start, job_order_id=job.pk)
    assert company.report(job, 0, 60, reason_id=scrap_reason(company)).ok
    company.answer()


def scrap_reason(company: Company) -> int:
    made = company.must(equipment.add_reason, code="BORE", name="Bore", applies_to="SCRAP")
    return int(made["reason_id"])


def bodies_on_hold(company: Company) -> None:
    """Sixty bodies that a line would get today are on hold for ten days."""
    rate(company, "CONCESSION", "160")
    rate(company, "UNIT_HOUR", "16")
    Item.objects.filter(code="BAR").update(standard_cost=3)
    company.receive("BODY", "B-1", 60)
    company.sell("SO-3", 60, company.now + DAY)
    held(company, "B-1")


def bars_on_hold(company: Company) -> None:
    rate(company, "CONCESSION", "160")
    held(company)


def a_mill_that_can_be_patched(company: Company) -> None:
    """CNC-04 could be back in two hours at 60 %; its repair takes forty."""
    rate(company, "MAKESHIFT", "240")
    patched(company)
    broken(company, hours=40)


def patched(company: Company, repair_s: int = 7_200, percent: int = 60) -> None:
    units = Equipment.objects.filter(site=company.site, code="CNC-04")
    units.update(makeshift_s=repair_s, makeshift_percent=percent)
    JobAlternate.objects.filter(site=company.site, unit__code="CNC-07").delete()


@dataclass(frozen=True)
class Fit:
    kind: Kind
    on: Callable[[Company], None]
    costs: frozenset[str] = frozenset()
    consent: str = ""


FITS = (
    Fit(Kind.NEW_PROMISE, a_late_line, frozenset({"NEW_PROMISE"}), "CUSTOMER"),
    Fit(
        Kind.PARTIAL_SHIPMENT, a_line_of_which_a_part_is_there, frozenset({"FREIGHT"}), "CUSTOMER"
    ),
    Fit(Kind.FASTER_FREIGHT, a_customer_who_counts_the_arrival, frozenset({"FREIGHT"})),
    Fit(Kind.EXPEDITE, bars_on_order, frozenset({"EXPEDITE"}), "SUPPLIER"),
    Fit(
        Kind.OTHER_SUPPLIER, bars_that_somebody_quotes, frozenset({"PURCHASE", "ORDER_FEE"}),
        "SUPPLIER",
    ),
    Fit(Kind.SUBSTITUTE, bars_with_a_substitute, frozenset({"SUBSTITUTE"}), "QUALITY"),
    Fit(Kind.USE_SAFETY, bars_that_are_kept),
    Fit(Kind.REPEG, bodies_that_a_later_line_has),
    Fit(Kind.OVERLAP, steps_in_batches),
    Fit(Kind.PARK, an_order_without_a_customer_ahead),
    Fit(Kind.PULL_FORWARD, an_order_that_waits_for_its_day),
    Fit(
        Kind.SUBCONTRACT, somebody_outside, frozenset({"SUBCONTRACT", "SUBCONTRACT_ORDER"})
    ),
    Fit(Kind.COMBINE, machines_and_stock),
    Fit(Kind.SPLIT, a_job_that_two_machines_share),
    Fit(Kind.REOPTIMISE, orders_in_a_bad_sequence),
    Fit(Kind.ALTERNATE_UNIT, broken),
    Fit(Kind.OVERTIME, a_job_that_two_machines_share, frozenset({"OVERTIME"})),
    Fit(Kind.RESEQUENCE, orders_in_a_bad_sequence),
    Fit(Kind.REMAKE, goods_that_came_back, frozenset({"MATERIAL", "MACHINE"})),
    Fit(Kind.REMAKE, scrap_of_the_last_piece, frozenset({"MATERIAL", "MACHINE"})),
    Fit(Kind.REMAKE, bodies_on_hold, frozenset({"MATERIAL", "MACHINE"})),
    Fit(Kind.TEMPORARY_REPAIR, a_mill_that_can_be_patched, frozenset({"MAKESHIFT"}), "REPAIR"),
    Fit(Kind.CONCESSION, bodies_on_hold, frozenset({"CONCESSION"}), "QUALITY"),
    Fit(Kind.CONCESSION, scrap_of_the_last_piece, frozenset({"CONCESSION"}), "QUALITY"),
    Fit(Kind.CONCESSION, bars_on_hold, frozenset({"CONCESSION"}), "QUALITY"),
    Fit(Kind.REWORK, bodies_on_hold, frozenset({"MACHINE"}), "QUALITY"),
    Fit(Kind.REWORK, scrap_of_the_last_piece, frozenset({"MACHINE"}), "QUALITY"),
)  # fmt: skip


@pytest.fixture
def company(build: Callable[..., Company]) -> Company:
    return build()


def plan_hash(company: Company) -> str:
    return snapshot.take(company.site.pk, wall_now=wall_now()).plan_hash


def the_option(company: Company, kind: Kind, verdict: str | None = None) -> Option:
    found = Option.objects.filter(disruption__site=company.site, kind=kind)
    found = found.filter(verdict=verdict) if verdict else found.exclude(verdict="IMPOSSIBLE")
    option = found.order_by("rank").first()
    assert option is not None, sorted(
        Option.objects.filter(disruption__site=company.site).values_list(
            "kind", "verdict", "figures__refusal__why"
        )
    )
    return option


def accept(company: Company, option: Option) -> Outcome:
    version = SitePlan.objects.get(site=company.site).plan_version
    return company.do(planning.accept, option_id=option.pk, based_on_version=version)


@pytest.mark.parametrize("fit", FITS, ids=lambda fit: f"{fit.kind.value}-{fit.on.__name__}")
def test_a_kind_is_made_where_it_fits_and_taken_and_taken_back(company: Company, fit: Fit) -> None:
    fit.on(company)
    option = the_option(company, fit.kind)
    figures = option.figures

    # Its cost opens to lines that add up, each with who says so.
    assert figures["unknown"] == [] or not fit.costs.intersection(figures["unknown"])
    rows = {
        kind: [r for r in figures["costs"] if r["sum"] == kind] for kind in ("cash", "estimate")
    }
    assert sum(Decimal(row["amount"]) for row in rows["cash"]) == option.cash
    assert sum(Decimal(row["amount"]) for row in rows["estimate"]) == option.estimate
    assert fit.costs <= {row["what"] for row in figures["costs"]}
    assert all(row["source"] for row in figures["costs"] if row["what"] in fit.costs)
    assert {each["who"] for each in figures["consents"]} == ({fit.consent} - {""})
    assert words.option_name(option) != "Change the plan"
    drawn = planning.preview(option, wall_now=wall_now())
    assert Decimal(drawn["figures"]["saves"]) == option.saves
    jobs = [bar for unit in drawn["units"] for bar in unit["bars_after"]]
    assert all(bar["order"] and bar["name"] for bar in jobs)

    before, committed = (
        plan_hash(company),
        SitePlan.objects.get(site=company.site).committed_version,
    )
    outcome = accept(company, option)
    assert outcome.ok, outcome.message
    assert plan_hash(company) != before
    decision = Decision.objects.get(pk=outcome.response["decision_id"])
    assert decision.plan_hash_after == plan_hash(company)
    for each in figures["consents"]:
        role = Role(words.CONSENT_ROLES[each["who"]])
        assert Task.objects.filter(site=company.site, role=role, done_at=None).exists()
    # What was predicted is what the plan is then.
    company.answer()
    plan = planning_late(company)
    predicted = {hit["line_id"]: max(0, hit["late_s"]) for hit in figures["lines"]}
    assert predicted or option.saves > 0
    assert {line: plan.get(line, 0) for line in predicted} == predicted

    undone = company.do(planning.undo, decision_id=decision.pk)
    assert undone.ok, undone.message
    assert plan_hash(company) == before
    assert SitePlan.objects.get(site=company.site).committed_version == committed


def planning_late(company: Company) -> dict[int, int]:
    standing = planning_figures(company)["standing"]
    return {int(line): row[0] for line, row in standing.items()}


def planning_figures(company: Company) -> dict[str, Any]:
    taken = snapshot.take(company.site.pk, wall_now=wall_now()).previous
    assert taken is not None
    return taken.figures


# -- plants on which it doesn't ------------------------------------------------------------------


def bars_that_nobody_has(company: Company) -> None:
    held(company)


def bars_below_safety(company: Company) -> None:
    Item.objects.filter(code="BAR").update(safety_stock=10)
    held(company)


def a_slow_supplier(company: Company) -> None:
    quote(company, lead_s=20 * DAY_S, price=Decimal(4))
    purchase(company, 500, in_days=5)
    held(company)


def a_substitute_without_stock(company: Company) -> None:
    made = company.must(materials.add_item, code="BAR-2", name="Thicker bar", source="BUY")
    company.must(
        materials.add_bill_alternate,
        bill_line_id=BillLine.objects.get(site=company.site).pk,
        component_id=made["item_id"],
        quantity_per=Decimal("1.5"),
        source="release 26-114",
        valid_from=company.now - DAY,
    )
    held(company)


def freight_for_who_counts_shipping(company: Company) -> None:
    freight(company, "COURIER", "280", transit_s=7200)
    broken(company)


def no_like_machine(company: Company) -> None:
    JobAlternate.objects.filter(site=company.site, unit__code="CNC-07").delete()
    broken(company)


def a_machine_that_waits_for_days(company: Company) -> None:
    broken(company, hours=96)


def nobody_able_outside(company: Company) -> None:
    outside(company, able=False)
    broken(company)


def without_a_promise(company: Company) -> None:
    CustomerLine.objects.filter(site=company.site).update(promised_at=None)
    broken(company)


def a_mill_that_is_back_soon(company: Company) -> None:
    patched(company)
    company.sell("SO-3", 60, company.now + HOUR)
    company.order("WO-3", 60)
    broken(company, hours=1)


def bars_that_are_decided_today(company: Company) -> None:
    """Quality decides in three hours; the order needs its bars now."""
    company.sell("SO-3", 60, company.now + HOUR)
    company.order("WO-3", 60)
    company.commit()
    company.must(
        quality.place_hold, lot_id=company.lot("L-1").pk, expected_at=company.now + 3 * HOUR
    )
    company.answer()


def bars_of_which_quality_refused_it(company: Company) -> None:
    held(company)
    assert accept(company, the_option(company, Kind.CONCESSION)).ok
    asked = Consent.objects.get(decision__site=company.site, who="QUALITY")
    no = company.do(
        planning.refuse, as_role=Role.QUALITY, consent_id=asked.pk, reason="burr inside"
    )
    assert no.ok, no.message
    company.answer()


MISFITS = (
    (Kind.NEW_PROMISE, without_a_promise, "NO_PROMISE"),
    (Kind.PARTIAL_SHIPMENT, broken, "NOTHING_READY"),
    (Kind.FASTER_FREIGHT, freight_for_who_counts_shipping, "COUNTS_AT_SHIPPING"),
    (Kind.EXPEDITE, bars_that_nobody_has, "NOTHING_ORDERED"),
    (Kind.EXPEDITE, a_slow_supplier, "NOT_EXPEDITED"),
    (Kind.OTHER_SUPPLIER, a_slow_supplier, "NO_QUOTE"),
    (Kind.SUBSTITUTE, bars_that_nobody_has, "NO_SUBSTITUTE"),
    (Kind.SUBSTITUTE, a_substitute_without_stock, "NO_STOCK"),
    (Kind.USE_SAFETY, bars_below_safety, "SAFETY_USED"),
    (Kind.REPEG, broken, "NOBODY_LATER"),
    (Kind.PULL_FORWARD, broken, "NOTHING_WAITS"),
    (Kind.SUBCONTRACT, nobody_able_outside, "NO_OUTSIDE"),
    (Kind.SPLIT, no_like_machine, "NO_LIKE_UNIT"),
    (Kind.SPLIT, a_machine_that_waits_for_days, "WHOLE_ELSEWHERE"),
    (Kind.REOPTIMISE, broken, "NOTHING_TO_MOVE"),
    (Kind.TEMPORARY_REPAIR, broken, "NO_MAKESHIFT"),
    (Kind.TEMPORARY_REPAIR, a_mill_that_is_back_soon, "BACK_SOONER"),
    (Kind.REWORK, bars_that_nobody_has, "NOT_OURS"),
    (Kind.CONCESSION, bars_that_are_decided_today, "DECIDED_SOONER"),
    (Kind.CONCESSION, bars_of_which_quality_refused_it, "SAID_NO"),
)


@pytest.mark.parametrize(
    ("kind", "on", "why"), MISFITS, ids=lambda value: getattr(value, "__name__", str(value))
)
def test_a_kind_that_does_not_fit_says_why(
    company: Company, kind: Kind, on: Callable[[Company], None], why: str
) -> None:
    on(company)
    option = the_option(company, kind, "IMPOSSIBLE")
    assert option.figures["refusal"]["why"] == why
    said = words.impossible(option)
    assert option.figures["refusal"]["label"]
    assert said.startswith(option.figures["refusal"]["label"])
    assert why.lower().replace("_", " ") not in said.lower()
    assert accept(company, option).status == 409


# -- what ends the undoing, and what moved meanwhile ----------------------------------------------


def test_a_shipped_part_ends_the_undoing(company: Company) -> None:
    a_line_of_which_a_part_is_there(company)
    decision_id = accept(company, the_option(company, Kind.PARTIAL_SHIPMENT)).response[
        "decision_id"
    ]
    part = CustomerLine.objects.filter(site=company.site, part_quantity__gt=0).get()
    company.must(materials.ship, line_id=part.pk, quantity=Decimal(5))
    outcome = company.do(planning.undo, decision_id=decision_id)
    assert outcome.status == 409
    assert "was shipped at" in outcome.message


def test_a_received_purchase_ends_the_undoing(company: Company) -> None:
    bars_that_somebody_quotes(company)
    decision_id = accept(company, the_option(company, Kind.OTHER_SUPPLIER)).response["decision_id"]
    bought = PurchaseLine.objects.get(site=company.site)
    company.receive("BAR", "L-7", 10, purchase_line_id=bought.pk)
    outcome = company.do(planning.undo, decision_id=decision_id)
    assert outcome.status == 409
    assert "received" in outcome.message


def test_a_job_that_took_the_substitute_ends_the_undoing(company: Company) -> None:
    bars_with_a_substitute(company)
    decision_id = accept(company, the_option(company, Kind.SUBSTITUTE)).response["decision_id"]
    row = JobMaterial.objects.get(site=company.site, instead_of__isnull=False)
    company.must(workorders.start, job_order_id=row.job_order_id)
    outcome = company.do(planning.undo, decision_id=decision_id)
    assert outcome.status == 409
    assert "has begun" in outcome.message


def test_a_promise_that_sales_changed_meanwhile_refuses_and_names_the_line(
    company: Company,
) -> None:
    a_late_line(company)
    option = the_option(company, Kind.NEW_PROMISE)
    seen = SitePlan.objects.get(site=company.site).plan_version
    for line in CustomerLine.objects.filter(site=company.site):
        company.must(materials.set_promise, line_id=line.pk, promised_at=company.now + 30 * DAY)
    outcome = company.do(planning.accept, option_id=option.pk, based_on_version=seen)
    assert outcome.status == 409
    assert "SO-" in outcome.message


def test_bought_material_is_kept_for_who_is_short(company: Company) -> None:
    bars_that_somebody_quotes(company)
    assert accept(company, the_option(company, Kind.OTHER_SUPPLIER)).ok
    bought = PurchaseLine.objects.get(site=company.site)
    kept = Reservation.objects.filter(purchase_line=bought)
    assert sum(row.quantity for row in kept) <= bought.quantity
    orders = set(kept.values_list("job_material__job_order__work_order__code", flat=True))
    assert orders
    assert orders <= {"WO-1", "WO-2"}
    assert bought.order_code.startswith("PO-D")


def test_a_price_that_nobody_knows_is_unknown_and_never_free(company: Company) -> None:
    freight(company, "ROAD", None, standard=True)
    rate(company, "UNIT_HOUR", "16")
    rate(company, "SETUP_HOUR", "59")
    company.receive("BODY", "B-1", 20)
    company.sell("SO-3", 40, company.now + 2 * DAY)
    company.order("WO-3", 40)
    broken(company)
    option = the_option(company, Kind.PARTIAL_SHIPMENT)
    assert option.figures["unknown"] == ["FREIGHT"]
    known = Option.objects.filter(
        disruption=option.disruption, verdict="OFFERED", figures__unknown=[]
    ).exclude(kind__in=["DO_NOTHING", "MINE"])
    assert known.exists()
    assert all(option.rank > each.rank for each in known)


def test_parking_moves_nothing_that_runs(company: Company) -> None:
    an_order_without_a_customer_ahead(company)
    option = the_option(company, Kind.PARK)
    assert accept(company, option).ok
    parked = WorkOrder.objects.get(site=company.site, not_before__isnull=False)
    assert parked.code == "WO-0"
