"""Notes and own columns on the lists, sorted by any column, pasted after a dry run."""

from __future__ import annotations

import json
import re
import uuid
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth.models import User
from django.test import Client

from materials.models import CustomerLine
from mes.models import ShopFloorEvent, Site, SiteHead
from planning.ownfields.models import OwnField, OwnValue
from workorders.models import WorkOrder


@pytest.fixture
def jana(northfield_site: Site) -> Client:
    client = Client()
    client.force_login(User.objects.get(username="jana"))
    return client


def post(client: Client, path: str, **values: Any) -> Any:
    return client.post(path, {"key": str(uuid.uuid4()), **values})


def add(client: Client, name: str, kind: str, row_of: str = "work_order", choices: str = "") -> str:
    answer = post(client, f"/own-columns/{row_of}/add/", name=name, kind=kind, choices=choices)
    assert answer.status_code == 302, answer.content.decode()
    return str(OwnField.objects.get(row_of=row_of, name=name).pk)


def orders(client: Client, sort: str = "") -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = client.get(f"/work-orders/?sort={sort}").context["rows"]
    return rows


def numbers(client: Client, sort: str = "") -> list[str]:
    return [row["number"] for row in orders(client, sort)]


def two(site: Site) -> tuple[WorkOrder, WorkOrder]:
    first, second = WorkOrder.objects.filter(site=site, status="RELEASED").order_by("code")[:2]
    return first, second


def test_a_note_is_written_shown_found_and_taken_away(northfield_site: Site, jana: Client) -> None:
    order, _other = two(northfield_site)
    here = f"/own-columns/work_order/rows/{order.pk}/"
    seq = SiteHead.objects.get(site=northfield_site).seq
    assert post(jana, here, **{"own-note": "  crane is booked\nfor 14:00 "}).status_code == 302
    note = OwnValue.objects.get(site=northfield_site)
    assert (note.text, note.person and note.person.name) == (
        "crane is booked for 14:00", "Jana Marek",
    )  # fmt: skip
    assert {row["number"]: row["note"] for row in orders(jana)}[order.code] == note.text
    assert [row["number"] for row in jana.get("/work-orders/?q=CRANE").context["rows"]] == [
        order.code
    ]
    assert SiteHead.objects.get(site=northfield_site).seq == seq  # no event: nothing is recomputed
    assert "crane is booked" in jana.get(here).content.decode()
    too_long = post(jana, here, **{"own-note": "x" * 501})
    assert (too_long.status_code, "501" not in too_long.content.decode()) == (422, True)
    post(jana, here, **{"own-note": ""})
    assert not OwnValue.objects.exists()


def test_own_columns_take_what_they_are_for(northfield_site: Site, jana: Client) -> None:
    order, _other = two(northfield_site)
    here = f"/own-columns/work_order/rows/{order.pk}/"
    hours = add(jana, "Hours", "NUMBER")
    day = add(jana, "Visit", "DATE")
    crane = add(jana, "Crane", "CHOICE", choices="North\nSouth\nNorth\n")
    assert OwnField.objects.get(pk=crane).choices == ["North", "South"]
    given = {f"own-{hours}": "1.234,5", f"own-{day}": "24.12.2026", f"own-{crane}": "south"}
    assert post(jana, here, **given).status_code == 302
    said = dict(OwnValue.objects.values_list("field_id", "text"))
    assert said == {int(hours): "1234.5", int(day): "2026-12-24", int(crane): "South"}
    row = next(row for row in orders(jana) if row["number"] == order.code)
    assert row["own"] == ["1234.5", "24 Dec 2026", "South"]
    for name, text, why in (
        (hours, "many", "is no number"),
        (day, "soon", "is no date"),
        (crane, "East", "North, South"),
    ):
        wrong = post(jana, here, **{f"own-{name}": text, "own-note": "kept?"})
        assert (wrong.status_code, why in wrong.content.decode()) == (422, True)
    assert not OwnValue.objects.filter(field=None).exists()


def test_a_list_has_ten_columns_of_its_own_and_each_once(
    northfield_site: Site, jana: Client
) -> None:
    first = add(jana, "N 0", "TEXT")
    again = post(jana, "/own-columns/work_order/add/", name="n 0", kind="TEXT")
    assert (again.status_code, "already" in again.content.decode()) == (422, True)
    alone = post(jana, "/own-columns/work_order/add/", name="C", kind="CHOICE", choices="one")
    assert alone.status_code == 422
    for n in range(1, 10):
        add(jana, f"N {n}", "TEXT")
    more = post(jana, "/own-columns/work_order/add/", name="N 10", kind="TEXT")
    assert (more.status_code, "at most 10" in more.content.decode()) == (422, True)
    assert post(jana, f"/own-columns/{first}/remove/").status_code == 302
    add(jana, "N 10", "TEXT")
    names = [each["name"] for each in jana.get("/work-orders/").context["own_fields"]]
    assert names == [f"N {n}" for n in range(1, 11)]
    ruby = Client()
    ruby.force_login(User.objects.get(username="petra"))
    assert post(ruby, "/own-columns/work_order/add/", name="P", kind="TEXT").status_code == 403
    assert OwnField.objects.filter(removed_at=None).count() == 10


def test_a_list_stands_in_the_order_of_the_chosen_column(
    northfield_site: Site, jana: Client
) -> None:
    order, other = two(northfield_site)
    up, down = numbers(jana, "number"), numbers(jana, "-number")
    assert up == sorted(up) == down[::-1]
    assert numbers(jana) != up  # as the list is: by its due date
    dues = [row["due"] for row in orders(jana, "-due")]
    assert dues == sorted(dues, reverse=True)
    slips = [row["late_s"] for row in orders(jana, "-slip") if row["late_s"] is not None]
    assert slips == sorted(slips, reverse=True)
    hours = add(jana, "Hours", "NUMBER")
    for each, text in ((order, "9"), (other, "10")):
        post(jana, f"/own-columns/work_order/rows/{each.pk}/", **{f"own-{hours}": text})
    assert numbers(jana, hours)[:2] == [order.code, other.code]
    assert numbers(jana, f"-{hours}")[:2] == [other.code, order.code]

    page = jana.get("/work-orders/?q=WO&sort=due").content.decode()
    assert re.findall(r'aria-sort="(\w+)"', page) == ["ascending"]
    assert 'href="?q=WO&amp;sort=-due"' in page
    assert 'href="?q=WO&amp;sort=number"' in page
    for path in ("/deliveries/", "/purchases/?view=all"):
        heads = jana.get(path).context["heads"]
        for column in heads:
            answer = jana.get(f"{path}{'&' if '?' in path else '?'}sort=-{column}")
            assert answer.context["heads"][column]["aria"] == "descending", (path, column)
    promised = [row["promised"] for row in jana.get("/deliveries/?sort=-promised").context["rows"]]
    assert promised == sorted(promised, reverse=True)


def test_a_pasted_column_says_what_it_would_change_before_it_does(
    northfield_site: Site, jana: Client
) -> None:
    order, other = two(northfield_site)
    hours = add(jana, "Hours", "NUMBER")
    post(jana, f"/own-columns/work_order/rows/{other.pk}/", **{f"own-{hours}": "7"})
    here = "/own-columns/work_order/paste/"
    pasted = f"Order\tHours\n{order.code}\t12,5\n{other.code}\t7\nWO-NONE\t3\n{order.code}\tx"

    dry = jana.post(here, {"column": hours, "pasted": pasted})

    context = dry.context
    assert (context["changes"], context["wrong"], context["same"]) == (1, 2, 1)
    assert OwnValue.objects.count() == 1
    assert json.loads(context["packed"]) == [[order.code, "", "12.5"]]
    applied = post(jana, f"{here}apply/", column=hours, rows=context["packed"])
    assert applied.status_code == 302
    assert OwnValue.objects.get(subject_id=order.pk).text == "12.5"
    # Shown before somebody else wrote: nothing of it is written.
    stale = json.dumps([[other.code, "7", "8"], [order.code, "", "1"]])
    assert post(jana, f"{here}apply/", column=hours, rows=stale).status_code == 409
    assert OwnValue.objects.get(subject_id=other.pk).text == "7"
    assert post(jana, f"{here}apply/", column=hours, rows="[[1]]").status_code == 422
    assert jana.post(here, {"column": "nope", "pasted": "a\tb"}).status_code == 404
    assert jana.post(here, {"column": hours, "pasted": ""}).status_code == 422


def test_pasted_dates_are_agreed_by_the_act_that_a_person_would_use(
    northfield_site: Site, jana: Client
) -> None:
    lines = CustomerLine.objects.filter(
        site=northfield_site, shipped_at=None, cancelled_at=None
    ).exclude(promised_at=None)
    first, second = lines.select_related("order").order_by("pk")[:2]
    one, two_ = (f"{each.order.code}/{each.number}" for each in (first, second))
    here = "/own-columns/customer_line/paste/"
    pasted = f"{one}\t18.12.2026\n{two_}\t2026-12-19"
    dry = jana.post(here, {"column": "promised", "pasted": pasted})
    assert dry.context["changes"] == 2
    seq = SiteHead.objects.get(site=northfield_site).seq

    done = post(jana, f"{here}apply/", column="promised", rows=dry.context["packed"])

    assert done.status_code == 302, done.content.decode()
    first.refresh_from_db()
    assert first.promised_at is not None
    berlin = first.promised_at.astimezone(ZoneInfo(northfield_site.time_zone))
    assert f"{berlin:%Y-%m-%d %H:%M}" == "2026-12-18 23:59"
    said = ShopFloorEvent.objects.filter(site=northfield_site, seq__gt=seq)
    assert list(said.values_list("kind", flat=True)) == ["materials.line.changed"] * 2
    # One that its act refuses keeps all of them as they are.
    rows = json.dumps([[one, "2026-12-18", "2026-12-20"], [two_, "2026-12-19", "2099-01-01"]])
    refused = post(jana, f"{here}apply/", column="promised", rows=rows)
    assert (refused.status_code, two_ in refused.content.decode()) == (422, True)
    for no_date in ("soon", "2026-13-01", "0001-01-01"):
        rows = json.dumps([[one, "2026-12-18", no_date]])
        refused = post(jana, f"{here}apply/", column="promised", rows=rows)
        assert (refused.status_code, one in refused.content.decode()) == (422, True)
    first.refresh_from_db()
    assert first.promised_at.astimezone(ZoneInfo(northfield_site.time_zone)) == berlin
