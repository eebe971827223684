"""The ready text for a customer, and what is kept of telling him."""

from __future__ import annotations

import re
import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import DatabaseError, transaction

from materials import actions as materials
from materials.models import CustomerLine
from mes.models import Person, Role
from planning import actions as planning
from planning.drafts import Draft, drafts
from planning.models import CustomerTold, Decision, Disruption, Option
from planning.views.customers import standing_decision
from tests.planning.conftest import Company
from tests.planning.test_calls import signed_in
from tests.planning.test_notices import client_of, jana, stop
from tests.planning.test_option_kinds import rate

__all__ = ["jana"]


@pytest.fixture
def broken(company: Company) -> Disruption:
    rate(company, "NEW_PROMISE_PERCENT", "40")
    stop(company)
    return company.disruption("BREAKDOWN")


def drafts_of(company: Company, row: Disruption) -> dict[str, Draft]:
    found = drafts(company.site, row, standing_decision(row))
    return {draft.line.order.code: draft for draft in found}


def accept(company: Company, kind: str) -> Decision:
    option = Option.objects.filter(kind=kind).exclude(verdict="IMPOSSIBLE").order_by("rank")[0]
    made = company.must(planning.accept, option_id=option.pk, based_on_version=option.version)
    company.answer()
    return Decision.objects.get(pk=made["decision_id"])


def test_each_line_that_is_late_if_nothing_is_done_has_its_text(
    company: Company, broken: Disruption
) -> None:
    hits = {hit["line"]: hit for hit in company.impact("BREAKDOWN").figures["lines_hit"]}
    found = drafts_of(company, broken)
    assert set(found) == {"SO-1", "SO-2"}
    for code, draft in found.items():
        after = datetime.fromisoformat(hits[f"{code}/1"]["after"])
        assert draft.new == after
        assert f"{after:%A} {after.day} {after:%B %Y}" in draft.text
        assert f"order {code}, line 1: 60 pcs of BODY" in draft.text
        assert draft.text.startswith("Dear Voss,")


def test_the_text_names_no_machine_no_person_and_no_order_of_ours(
    company: Company, broken: Disruption
) -> None:
    for draft in drafts_of(company, broken).values():
        assert not re.search(r"CNC|WO-|Maintenance|Petra", draft.text)
        assert "a machine that makes it stands still" in draft.text


def test_what_the_decision_puts_right_needs_no_text(company: Company, broken: Disruption) -> None:
    decision = accept(company, "ALTERNATE_UNIT")
    late = {hit["line"] for hit in decision.predicted["lines"] if hit["late_s"] > 0}
    assert {f"{code}/1" for code in drafts_of(company, broken)} == late
    assert len(late) < 2
    company.must(planning.undo, decision_id=decision.pk)
    company.answer()
    assert len(drafts_of(company, broken)) == 2


def test_a_new_promise_is_asked_for_and_names_the_old_date(
    company: Company, broken: Disruption
) -> None:
    before = {
        line.order.code: line.promised_at for line in CustomerLine.objects.select_related("order")
    }
    decision = accept(company, "NEW_PROMISE")
    asked = [row for row in decision.changes if row["kind"] == "set_promise"]
    assert asked
    found = drafts_of(company, broken)
    for row in asked:
        line = CustomerLine.objects.select_related("order").get(pk=row["line_id"])
        draft = found[line.order.code]
        assert draft.asks
        assert draft.old == before[line.order.code]
        assert draft.new == datetime.fromtimestamp(row["promised_s"], UTC) == line.promised_at
        assert "May we deliver on" in draft.text


def test_a_part_says_how_many_come_and_how_many_follow(
    company: Company, broken: Disruption
) -> None:
    decision = accept(company, "ALTERNATE_UNIT")
    line = CustomerLine.objects.get(order__code="SO-1")
    hit = {
        "line_id": line.pk, "late_s": 1, "late_before_s": 0,
        "promised": line.promised_at.isoformat() if line.promised_at else None,
        "after": (company.now + timedelta(days=9)).isoformat(),
    }  # fmt: skip
    decision.predicted = {"lines": [hit]}
    decision.changes = [{"kind": "ship_partial", "line_id": line.pk, "qty": 20_000_000}]
    decision.inverse = {"made": [{"was": "0"}]}
    [draft] = drafts(company.site, broken, decision)
    assert draft.part == Decimal(20)
    assert "20 pcs come as promised, the remaining 40 pcs on " in draft.text


def test_what_has_been_shipped_needs_no_text(company: Company, broken: Disruption) -> None:
    CustomerLine.objects.filter(order__code="SO-1").update(shipped_at=company.now)
    assert set(drafts_of(company, broken)) == {"SO-2"}


def test_a_press_keeps_who_told_what_and_when(
    company: Company, broken: Disruption, jana: Person
) -> None:
    client, here = client_of(jana), f"/disruptions/{broken.pk}/"
    page = client.get(here)
    assert page.context["tell"]["waiting"] == 2
    draft = drafts_of(company, broken)["SO-1"]
    given = {
        "key": str(uuid.uuid4()),
        "line": str(draft.line.pk),
        "text": draft.text.replace("Dear Voss", "Dear Mr Voss"),
    }
    answer = client.post(f"{here}told/", given, headers={"HX-Request": "true"})
    assert answer.status_code == 200
    told = CustomerTold.objects.get()
    assert (told.line_id, told.person, told.at) == (draft.line.pk, jana, company.now)
    assert told.said_at == draft.new
    assert told.text.replace("\r\n", "\n").startswith("Dear Mr Voss")
    page = client.get(here)
    assert page.context["tell"]["waiting"] == 1
    assert "told by Jana" in page.content.decode()

    # A decision changes the date: he has to be told again.
    accept(company, "NEW_PROMISE")
    rows = {row["code"]: row for row in client.get(here).context["tell"]["rows"]}
    assert rows["SO-1/1"]["outdated"]


def test_what_a_customer_was_told_can_not_be_changed(company: Company, broken: Disruption) -> None:
    draft = drafts_of(company, broken)["SO-1"]
    given = {"disruption_id": broken.pk, "line_id": draft.line.pk}
    company.must(planning.tell_customer, text="It comes later.", **given)
    assert company.do(planning.tell_customer, text=" ", **given).status == 422
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        CustomerTold.objects.update(text="It comes in time.")


def test_who_may_not_tell_customers_sees_why_and_is_refused(
    company: Company, broken: Disruption
) -> None:
    viewer = signed_in(company, "vera", Role.VIEWER)
    page = viewer.get(f"/disruptions/{broken.pk}/").content.decode()
    assert "Needs sales" in page
    line = drafts_of(company, broken)["SO-1"].line
    given = {"key": str(uuid.uuid4()), "line": str(line.pk), "text": "x"}
    assert viewer.post(f"/disruptions/{broken.pk}/told/", given).status_code == 403
    assert not CustomerTold.objects.exists()


def test_a_cancelled_line_needs_no_text(company: Company, broken: Disruption) -> None:
    line = CustomerLine.objects.get(order__code="SO-2")
    company.must(materials.cancel_line, line_id=line.pk, note="not needed")
    assert set(drafts_of(company, broken)) == {"SO-1"}
