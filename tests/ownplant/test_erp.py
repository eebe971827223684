"""To do in the ERP: what the plant decided or learned that its last export does not say."""

from __future__ import annotations

import csv
import io
import json
import uuid
from copy import deepcopy
from datetime import timedelta
from decimal import Decimal

import pytest
from django.contrib.auth.models import User
from django.test import Client

from materials.actions import cancel_line, change_line, count, expect_purchase
from materials.models import CustomerLine, Location, Lot, PurchaseLine
from mes.actor import Actor
from mes.clock import wall_now
from mes.commands import Outcome, run
from mes.models import Person, RoleGrant, ShopFloorEvent, Site, SiteHead
from planning.actions import recompute
from planning.erp import actions as erp
from planning.erp.entries import Side, differences, export_of, to_do
from planning.erp.models import ErpEntry
from planning.ownplant.models import PlantImport
from tests.ownplant.files import Sheets, workbook
from tests.ownplant.test_follow import taken_over
from tests.ownplant.test_store import brought_in, do, rich, soon, stored
from workorders.actions import close_order, create_order, move_job, report_production
from workorders.models import JobOrder, WorkOrder


@pytest.fixture
def sheets() -> Sheets:
    sheets = rich()
    sheets["Orders"][0] += ["Done"]
    return sheets


@pytest.fixture
def plant(own: Site, sheets: Sheets) -> Site:
    stored(own, workbook(sheets))
    recompute(own.pk, wall_now=wall_now())
    return own


def waits(site: Site) -> dict[tuple[str, str], tuple[str, str]]:
    """Key and column -> what the ERP says and what it is now."""
    export = export_of(site)
    assert export is not None
    return {
        (f"{each.difference.name.sheet}/{each.difference.name.key}", each.difference.name.column): (
            each.difference.was,
            each.difference.becomes,
        )
        for each in to_do(site, export)
    }


def in_days(days: int) -> str:
    return soon(days)


def line_of(site: Site, code: str) -> CustomerLine:
    return CustomerLine.objects.get(site=site, order__code=code)


def later(site: Site, code: str, days: int = 4) -> Outcome:
    line = line_of(site, code)
    assert line.promised_at is not None
    moved = line.promised_at + timedelta(days=days)
    return do(site, change_line, line_id=line.pk, promised_at=moved, note="he agreed by phone")


def test_a_plant_just_stored_owes_its_erp_nothing(plant: Site) -> None:
    assert waits(plant) == {}
    export = export_of(plant)
    assert export is not None
    assert differences(plant, export) == []


def test_what_was_decided_and_learned_stands_there_by_key(plant: Site) -> None:
    assert later(plant, "A-1").ok
    assert do(plant, cancel_line, line_id=line_of(plant, "A-2").pk, note="no money").ok
    purchase = PurchaseLine.objects.get(site=plant, item__code="BAR")
    came = purchase.expected_at + timedelta(days=3)
    assert do(
        plant, expect_purchase, purchase_line_id=purchase.pk, expected_at=came, source="Kessler"
    ).ok
    lot = Lot.objects.get(site=plant, code="L1")
    place = Location.objects.get(site=plant, code="RACK")
    assert do(plant, count, lot_id=lot.pk, location_id=place.pk, counted=Decimal(17)).ok
    job = JobOrder.objects.get(work_order__code="A-1", work_order__site=plant, number=10)
    other = JobOrder.objects.get(work_order__code="A-3", work_order__site=plant)
    assert do(plant, report_production, job_order_id=other.pk, good=Decimal(10)).ok
    alternate = JobOrder.objects.filter(site=plant, number=20).exclude(unit=job.unit).first()
    assert alternate is not None

    assert waits(plant) == {
        ("orders/A-1", "promised"): (in_days(5), in_days(9)),
        ("orders/A-2", "state"): ("", "cancelled"),
        ("purchases/PO-1 / BAR", "due"): (in_days(3), in_days(6)),
        ("stock/BAR / L1 / RACK", "qty"): ("20", "17"),
        ("orders/A-3", "done"): ("", "10"),
        ("stock/Q / A-3 / STORE", ""): ("", "Q, 10"),
    }
    export = export_of(plant)
    assert export is not None
    assert {row.difference.name.key: row.why for row in to_do(plant, export)} == {
        "A-1": "he agreed by phone",
        "A-2": "no money",
        "PO-1 / BAR": "Kessler",
        "BAR / L1 / RACK": "counted",
        "A-3": "reported at the station",
        "Q / A-3 / STORE": "reported at the station",
    }
    assert all(row.at for row in to_do(plant, export))


def test_each_says_when_who_and_why(plant: Site, planner: Actor) -> None:
    line = line_of(plant, "A-1")
    assert line.promised_at is not None
    run(
        site=plant, key=uuid.uuid4(), actor=planner, name="test", body={},
        act=lambda command: change_line(
            command, line_id=line.pk, quantity=Decimal(90), note="ten fewer"
        ),
    )  # fmt: skip
    export = export_of(plant)
    assert export is not None
    (row,) = to_do(plant, export)
    event = ShopFloorEvent.objects.get(site=plant, kind="materials.line.changed")
    assert (row.at, row.who, row.why) == (event.occurred_at, "Jo Planner", "ten fewer")
    assert (row.difference.was, row.difference.becomes) == ("100", "90")


def test_what_is_taken_back_is_not_to_be_done_any_more(plant: Site) -> None:
    assert later(plant, "A-1", 4).ok
    assert len(waits(plant)) == 1
    assert later(plant, "A-1", -4).ok
    assert waits(plant) == {}


def test_an_operation_moved_away_from_its_group_is_told(plant: Site, sheets: Sheets) -> None:
    job = JobOrder.objects.filter(site=plant, work_order__code="A-1", number=20).get()
    to = {"M-1": "M-2", "M-2": "M-1"}[job.unit.code]
    unit = JobOrder.objects.filter(site=plant, unit__code=to).first()
    assert unit is not None
    assert do(plant, move_job, job_order_id=job.pk, to_unit_id=unit.unit_id, position=0).ok
    assert waits(plant) == {}  # a group stands for its machines

    saw = JobOrder.objects.get(site=plant, work_order__code="A-1", number=10)
    JobOrder.objects.filter(pk=saw.pk).update(unit=unit.unit)
    assert waits(plant) == {("operations/A-1 / 10", "machine"): ("L-1", to)}


def test_an_order_that_was_made_here_is_to_be_added_until_the_file_has_it(
    plant: Site, sheets: Sheets
) -> None:
    item = WorkOrder.objects.get(site=plant, code="A-3").item
    due = wall_now() + timedelta(days=8)
    made = do(plant, create_order, code="X-1", item_id=item.pk, quantity=Decimal(4), due_at=due)
    assert made.ok
    ((key, said),) = waits(plant).items()
    assert key == ("orders/X-1", "")
    assert said[1].startswith("Q, 4, ")

    newer = deepcopy(sheets)
    newer["Orders"] += [["X-1", "Q", 4, f"{due:%Y-%m-%d}", "", "", ""]]
    row = taken_over(plant, newer)
    assert row.report["followed"]["left"] == []
    assert waits(plant) == {}


def test_an_order_that_is_closed_short_is_to_be_closed(plant: Site) -> None:
    order = WorkOrder.objects.get(site=plant, code="A-3")
    assert do(plant, close_order, work_order_id=order.pk).ok
    assert waits(plant) == {("orders/A-3", "state"): ("", "closed")}


def test_the_next_export_ticks_off_what_it_shows_and_needs_no_act(
    plant: Site, sheets: Sheets
) -> None:
    assert later(plant, "A-1").ok
    assert later(plant, "A-2").ok
    newer = deepcopy(sheets)
    newer["Orders"][1][3] = soon(9)  # of A-1 the ERP knows the new date, and has no other column

    row = brought_in(plant, workbook(newer))

    assert row.report["entered"] == 1
    ticked = ErpEntry.objects.get(site=plant)
    assert (ticked.key, ticked.column, ticked.plant_import_id) == ("A-1", "promised", row.pk)
    # The order's own date stands in the same column, and the ERP has moved it.
    export = export_of(plant)
    assert export is not None
    assert {
        (each.name.key, each.name.column, each.side) for each in differences(plant, export)
    } == {
        ("A-1", "due", Side.ERP),
        ("A-2", "promised", Side.HERE),
    }
    assert set(waits(plant)) == {("orders/A-2", "promised")}
    seq = SiteHead.objects.get(site=plant).seq
    done = taken_over(plant, newer)
    assert done.report["followed"]["left"] == []
    said = ShopFloorEvent.objects.filter(site=plant, seq__gt=seq).values_list("kind", flat=True)
    assert list(said) == ["workorders.order.due_set"]
    assert set(waits(plant)) == {("orders/A-2", "promised")}


def test_what_both_changed_is_said_to_be_changed_there_too(plant: Site, sheets: Sheets) -> None:
    assert later(plant, "A-1").ok
    newer = deepcopy(sheets)
    newer["Orders"][1][3] = soon(7)
    brought_in(plant, workbook(newer))
    export = export_of(plant)
    assert export is not None
    sides = {each.name.column: each.side for each in differences(plant, export)}
    assert sides == {"promised": Side.BOTH, "due": Side.ERP}


def test_a_person_s_word_holds_until_an_export_says_otherwise(
    plant: Site, sheets: Sheets, planner: Actor
) -> None:
    assert later(plant, "A-1").ok
    ((key, said),) = waits(plant).items()
    entry = ["orders", "A-1", "promised", said[1]]

    def enter(*entries: list[str]) -> Outcome:
        return run(
            site=plant, key=uuid.uuid4(), actor=planner, name="test", body={},
            act=lambda command: erp.mark_entered(command, entries=entries),
        )  # fmt: skip

    assert enter().status == 422
    wrong = enter(["orders", "A-1", "promised", "2020-01-01"])
    assert (wrong.status, ErpEntry.objects.count()) == (409, 0)
    assert enter(entry).ok
    assert waits(plant) == {}
    assert enter(entry).status == 409

    # The same file read again is no new export; a new one that lacks it brings it back.
    row = brought_in(plant, workbook(sheets))
    export = export_of(plant)
    assert export is not None
    (again,) = to_do(plant, export)
    assert again.marked is not None
    assert again.marked.person_id == planner.person_id
    assert row.report["entered"] == 0
    assert enter(entry).ok
    first, second = ErpEntry.objects.order_by("pk")
    outcome = do(plant, erp.take_back_entry, entry_id=second.pk)
    assert outcome.ok
    assert key in waits(plant)
    assert do(plant, erp.take_back_entry, entry_id=second.pk).status == 409
    assert first.taken_back_at is None


def test_a_plant_without_files_begins_from_where_it_stands(plant: Site) -> None:
    assert later(plant, "A-1").ok
    assert do(plant, erp.start_here).ok
    assert waits(plant) == {}
    assert later(plant, "A-2").ok
    assert set(waits(plant)) == {("orders/A-2", "promised")}


@pytest.fixture
def signed_in(plant: Site, client: Client) -> Client:
    person = Person.objects.get(name="Jo Planner")
    person.user = User.objects.create_user("jo")
    person.save()
    client.force_login(person.user)
    session = client.session
    session["site"] = plant.code
    session.save()
    return client


def test_the_page_and_its_file_say_it_and_take_a_person_s_word(
    plant: Site, signed_in: Client
) -> None:
    line = line_of(plant, "A-1")
    assert line.promised_at is not None
    assert do(plant, change_line, line_id=line.pk, quantity=Decimal(120), note="=cmd|' /C").ok

    page = signed_in.get("/erp/").content.decode()
    assert 'data-testid="erp-row"' in page
    assert page.count('type="checkbox"') == 1
    sheet = signed_in.get("/erp/to-do.csv")
    rows = list(csv.reader(io.StringIO(sheet.content.decode("utf-8-sig"))))
    assert rows[1][:5] == ["Orders", "A-1", "Quantity", "100", "120"]
    assert rows[1][7] == "'=cmd|' /C"
    assert "Quantity" in signed_in.get("/erp/differences/?view=HERE").content.decode()

    entry = json.dumps(["orders", "A-1", "qty", "120"])
    answer = signed_in.post("/erp/entered/", {"key": str(uuid.uuid4()), "entry": entry})
    assert answer.status_code == 302
    assert "The ERP knows what the plant knows." in signed_in.get("/erp/").content.decode()
    done = signed_in.get("/erp/?view=entered").content.decode()
    assert "Jo Planner" in done
    pk = ErpEntry.objects.get(site=plant).pk
    signed_in.post(f"/erp/entered/{pk}/take-back/", {"key": str(uuid.uuid4())})
    assert 'data-testid="erp-row"' in signed_in.get("/erp/").content.decode()
    broken = signed_in.post("/erp/entered/", {"key": str(uuid.uuid4()), "entry": '{"a": 1}'})
    assert broken.status_code == 422


def test_who_only_looks_may_look_and_not_tick(plant: Site, signed_in: Client) -> None:
    RoleGrant.objects.filter(site=plant).update(role="VIEWER")
    assert later(plant, "A-1").ok
    page = signed_in.get("/erp/").content.decode()
    assert 'type="checkbox"' not in page
    assert "Needs somebody of the office" in page
    entry = json.dumps(["orders", "A-1", "qty", "120"])
    given = {"key": str(uuid.uuid4()), "entry": entry}
    assert signed_in.post("/erp/entered/", given).status_code == 403


def test_a_plant_that_no_file_made_is_compared_with_an_export_too(
    plant: Site, sheets: Sheets, signed_in: Client
) -> None:
    PlantImport.objects.filter(site=plant).update(state="REMOVED")
    assert 'name="files"' in signed_in.get("/own-plant/").content.decode()
    sheets["Orders"][1][2] = 90
    row = brought_in(plant, workbook(sheets))

    page = signed_in.get(f"/own-plant/{row.pk}/").content.decode()

    assert 'data-testid="compared"' in page
    assert waits(plant) == {("orders/A-1", "qty"): ("90", "100")}
