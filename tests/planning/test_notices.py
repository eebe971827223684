"""Whom the news of a disruption reaches, how often, and by which way."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.test import Client

from equipment import actions as equipment
from mes import mailing, notices, rules
from mes.clock import plant_now, wall_now
from mes.models import Notice, NoticeSetting, OutgoingMail, Person, Role, RoleGrant
from mes.notices import News
from planning import actions as planning
from planning.management.commands.sweep import sweep
from planning.models import Option
from tests.cast import HOUR, SHIFT_START
from tests.planning.conftest import DAY, Company

MINUTE = timedelta(minutes=1)


def person(company: Company, name: str, role: str = Role.PLANNER, mail: str = "") -> Person:
    user = User.objects.create_user(name.lower(), mail)
    made = Person.objects.create(name=name, user=user)
    RoleGrant.objects.create(person=made, role=role, site=company.site)
    return made


@pytest.fixture
def jana(company: Company) -> Person:
    return person(company, "Jana", mail="jana@example.org")


def stop(company: Company, hours: int = 96) -> None:
    company.must(
        equipment.report_breakdown,
        unit_id=company.ids["CNC-04"],
        back_at=company.now + hours * HOUR,
        said_by="T. Maintenance",
    )
    company.answer()


def repair(company: Company) -> None:
    company.must(equipment.report_repair, unit_id=company.ids["CNC-04"])
    company.answer()


def wait(company: Company, minutes: int) -> None:
    company.clock(company.now + minutes * MINUTE)


def actor(company: Company) -> Person:
    return Person.objects.get(name=company.actor.name)


def settle(company: Company) -> None:
    """What the sweeper does with what has ended."""
    notices.tell_what_is_over(company.site, at=company.now)


def notice(of: Person) -> Notice:
    return Notice.objects.get(person=of)


def setting(company: Company, of: Person, **values: Any) -> NoticeSetting:
    given = {"bell_priority": 2, "mail_priority": 1, **values}
    return NoticeSetting.objects.create(site=company.site, person=of, **given)


def test_the_planner_hears_of_a_breakdown_and_who_only_looks_does_not(
    company: Company, jana: Person
) -> None:
    viewer = person(company, "Vera", Role.VIEWER)
    stop(company)
    told = notice(jana)
    assert (told.kind, told.priority, told.times, told.read_at) == ("NEW", 1, 1, None)
    assert told.text == "CNC-04 down, 2 deliveries late"
    assert not Notice.objects.filter(person=viewer).exists()


def test_a_notice_leads_to_the_page_that_it_speaks_of(company: Company, jana: Person) -> None:
    stop(company)
    client = Client()
    assert jana.user is not None
    client.force_login(jana.user)
    page = client.get(notice(jana).url)
    assert page.status_code == 200
    assert page.context["d"]["pk"] == company.disruption("BREAKDOWN").pk


def test_five_stops_in_an_hour_are_one_notice_that_counts_them(
    company: Company, jana: Person
) -> None:
    began = company.now
    for number in range(5):
        stop(company)
        wait(company, 5)
        if number < 4:
            repair(company)
            wait(company, 5)
            settle(company)
    told = notice(jana)
    assert (told.times, told.held, told.held_since) == (5, 4, began + 10 * MINUTE)
    assert told.text == "CNC-04 down, 5 stops, 2 deliveries late"
    assert len(OutgoingMail.objects.get().lines) == 1


def test_the_same_once_more_is_told_again_after_an_hour_with_what_was_held_back(
    company: Company, jana: Person
) -> None:
    stop(company)
    for _ in range(4):
        wait(company, 20)
        repair(company)
        wait(company, 5)
        stop(company)
    lines = OutgoingMail.objects.get().lines
    assert [line["held"] for line in lines] == [0, 2]
    told = notice(jana)
    assert (told.times, told.held) == (5, 1)


def test_growing_is_measured_against_what_was_reported_last(company: Company, jana: Person) -> None:
    stop(company, hours=96)
    told = notice(jana)
    Notice.objects.update(read_at=company.now)
    for hours in (97, 96, 98, 96):
        _estimate(company, hours)
    assert notice(jana).read_at is not None
    assert notice(jana).value == told.value

    _estimate(company, 14 * 24)
    told = notice(jana)
    assert (told.kind, told.read_at) == ("GROWING", None)
    assert told.text.startswith("Growing: CNC-04 down")
    assert told.value == company.disruption("BREAKDOWN").at_stake


def _estimate(company: Company, hours: int) -> None:
    company.must(
        equipment.change_estimate,
        unit_id=company.ids["CNC-04"],
        back_at=company.now + hours * HOUR,
        said_by="T. Maintenance",
    )
    company.answer()


def test_who_got_the_alarm_hears_that_it_is_over_once_it_has_stayed_so(
    company: Company, jana: Person
) -> None:
    manager = person(company, "Mia", Role.MANAGER)
    setting(company, manager, bell_priority=0, mail_priority=0)
    stop(company)
    Notice.objects.update(read_at=company.now)
    wait(company, 30)
    repair(company)
    settle(company)
    assert notice(jana).kind == "NEW"

    wait(company, 10)
    settle(company)
    told = notice(jana)
    assert (told.kind, told.read_at) == ("OVER", None)
    assert told.text == "Over: CNC-04 down (it runs again)"
    assert [line["text"] for line in OutgoingMail.objects.get().lines][-1] == told.text
    assert not Notice.objects.filter(person=manager).exists()


def test_the_sweeper_looks_after_what_has_ended(committed_company: Company) -> None:
    company = committed_company
    jana = person(company, "Jana")
    stop(company)
    repair(company)
    wait(company, 10)
    sweep(patience_s=1000)
    assert notice(jana).kind == "OVER"


def test_an_alarm_after_its_end_was_told_is_told(company: Company, jana: Person) -> None:
    stop(company)
    wait(company, 5)
    repair(company)
    wait(company, 10)
    settle(company)
    assert notice(jana).kind == "OVER"
    stop(company)
    assert (notice(jana).kind, notice(jana).held) == ("NEW", 0)


def test_what_comes_back_within_the_day_says_so(company: Company, jana: Person) -> None:
    stop(company)
    repair(company)
    wait(company, 120)
    stop(company)
    back = Notice.objects.filter(person=jana).latest("pk")
    assert back.kind == "BACK"
    assert back.text.startswith("Back again: CNC-04 down")


def test_the_new_owner_hears_of_it_unless_he_took_it_himself(
    company: Company, jana: Person
) -> None:
    stop(company)
    row = company.disruption("BREAKDOWN")
    tom = person(company, "Tom", Role.QUALITY)
    company.must(planning.assign, disruption_id=row.pk, person_id=tom.pk)
    assert notice(tom).kind == "ASSIGNED"
    assert notice(tom).text == "Petra Novak gave you: CNC-04 down"

    RoleGrant.objects.create(person=actor(company), role="PLANNER", site=company.site)
    company.must(planning.assign, disruption_id=row.pk, person_id=company.actor.person_id)
    assert not Notice.objects.filter(person=actor(company), kind="ASSIGNED").exists()


def test_what_somebody_else_decided_is_told_to_who_got_the_alarm(
    company: Company, jana: Person
) -> None:
    stop(company)
    option = Option.objects.filter(kind="ALTERNATE_UNIT", verdict="OFFERED").order_by("rank")[0]
    company.must(planning.accept, option_id=option.pk, based_on_version=option.version)
    told = notice(jana)
    assert told.kind == "DECIDED"
    assert told.text.startswith("Petra Novak decided: CNC-07 takes")


def test_who_closes_it_is_not_told_and_the_others_are_at_once(
    company: Company, jana: Person
) -> None:
    RoleGrant.objects.create(person=actor(company), role="PLANNER", site=company.site)
    stop(company)
    row = company.disruption("BREAKDOWN")
    type(row).objects.filter(pk=row.pk).update(kind="SCRAP")
    company.must(planning.close, disruption_id=row.pk, reason="the job is done by hand")
    told = notice(jana)
    assert (told.kind, told.read_at) == ("OVER", None)
    assert "the job is done by hand" in told.text
    own = notice(actor(company))
    assert (own.kind, own.read_at is None) == ("OVER", False)


def test_each_is_told_by_the_ways_that_he_chose(company: Company, jana: Person) -> None:
    setting(company, jana, bell_priority=0, mail_priority=1)
    deaf = person(company, "Dora")
    setting(company, deaf, bell_priority=0, mail_priority=0)
    stop(company)
    assert notice(jana).read_at is not None  # the bell does not ring for him
    assert OutgoingMail.objects.get().address == "jana@example.org"
    assert not Notice.objects.filter(person=deaf).exists()


def test_mail_waits_for_the_end_of_the_quiet_hours_and_is_one(
    company: Company, jana: Person
) -> None:
    setting(company, jana, quiet_from=time(22), quiet_until=time(7))
    stop(company)  # at 06:00 on the plant's clock
    company.must(
        planning.assign, disruption_id=company.disruption("BREAKDOWN").pk, person_id=jana.pk
    )
    assert mailing.send_waiting(now=wall_now()) == 0
    company.clock(company.now + HOUR)
    assert mailing.send_waiting(now=wall_now()) == 1
    [sent] = mail.outbox
    assert sent.subject == "Test plant: 2 notices"
    assert "CNC-04 down" in sent.body
    assert "gave you" in sent.body
    assert mailing.send_waiting(now=wall_now()) == 0


def test_what_is_urgent_does_not_wait(company: Company, jana: Person) -> None:
    setting(company, jana, quiet_from=time(22), quiet_until=time(7))
    news = News("ESCALATED", ("task", 1), "/tasks/", lambda: "Decide now", urgent=True)
    notices.notify(company.site, [jana.pk], news, at=company.now)
    assert mailing.send_waiting(now=wall_now()) == 1
    assert mail.outbox[0].subject == "Test plant: Decide now"


def test_a_dead_mail_server_loses_nothing_and_is_tried_later_each_time(
    company: Company, jana: Person, settings: Any
) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", 1, 1
    stop(company)  # told and computed all the same
    assert company.disruption("BREAKDOWN").state == "NEW"
    now, waits = wall_now(), []
    for _ in range(3):
        assert mailing.send_waiting(now=now) == 0
        row = OutgoingMail.objects.get()
        waits.append(row.next_at - now)
        assert mailing.send_waiting(now=now) == 0  # not again before its time
        now = row.next_at
    assert waits == [1 * MINUTE, 2 * MINUTE, 4 * MINUTE]
    assert "refused" in row.problem

    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    assert mailing.send_waiting(now=now) == 1
    assert "CNC-04 down" in mail.outbox[0].subject
    row.refresh_from_db()
    assert (row.attempts, row.sent_at is None) == (4, False)


def test_a_mail_that_was_never_taken_is_given_up_after_three_days(
    company: Company, jana: Person, settings: Any
) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", 1, 1
    stop(company)
    mailing.send_waiting(now=wall_now() + 4 * DAY)
    assert OutgoingMail.objects.get().given_up_at is not None
    assert mailing.send_waiting(now=wall_now() + 9 * DAY) == 0


def test_a_subject_is_one_line(company: Company, jana: Person) -> None:
    news = News("ASKED", ("task", 1), "/tasks/", lambda: "Say yes\nBcc: all@example.org")
    notices.notify(company.site, [jana.pk], news, at=company.now)
    assert mailing.send_waiting(now=wall_now()) == 1
    assert "\n" not in mail.outbox[0].subject


def test_who_has_no_role_here_is_not_told(company: Company) -> None:
    stranger = Person.objects.create(name="Stranger")
    news = News("ASKED", ("task", 1), "/tasks/", lambda: "Say yes")
    assert notices.notify(company.site, [stranger.pk], news, at=plant_now(company.site)) == []


@pytest.mark.parametrize(
    ("start", "end", "at", "until"),
    [
        ("22:00", "06:00", "2026-11-24 23:30", "2026-11-25 06:00"),
        ("22:00", "06:00", "2026-11-24 05:59", "2026-11-24 06:00"),
        ("22:00", "06:00", "2026-11-24 06:00", None),
        ("12:00", "13:00", "2026-11-24 12:00", "2026-11-24 13:00"),
        ("12:00", "12:00", "2026-11-24 12:00", None),
    ],
)
def test_quiet_hours_may_go_over_midnight(start: str, end: str, at: str, until: str | None) -> None:
    zone = ZoneInfo("Europe/Berlin")
    local = datetime.fromisoformat(at).replace(tzinfo=zone)
    found = rules.quiet_until(time.fromisoformat(start), time.fromisoformat(end), local)
    assert found == (datetime.fromisoformat(until).replace(tzinfo=zone) if until else None)


def test_worse_is_a_quarter_more_or_one_more_order() -> None:
    told = rules.Told(SHIFT_START, True, Decimal(400), 2)
    assert not rules.is_worse_than(told, Decimal(500), 2)
    assert rules.is_worse_than(told, Decimal("500.01"), 2)
    assert rules.is_worse_than(told, Decimal(100), 3)


def client_of(someone: Person) -> Client:
    assert someone.user is not None
    client = Client()
    client.force_login(someone.user)
    return client


def test_the_bell_counts_what_is_unread_and_opening_the_row_reads_it(
    company: Company, jana: Person
) -> None:
    client = client_of(jana)
    assert 'data-unread="0"' in client.get("/notices/bell/").content.decode()
    stop(company)
    assert 'data-unread="1"' in client.get("/tower/").content.decode()
    page = client.get("/notices/")
    assert "CNC-04 down, 2 deliveries late" in page.content.decode()
    client.get(notice(jana).url)
    assert 'data-unread="0"' in client.get("/notices/bell/").content.decode()
    assert "CNC-04 down" not in client.get("/notices/").content.decode()
    assert "CNC-04 down" in client.get("/notices/?which=all").content.decode()


def test_one_marks_his_own_notices_as_read_and_nobody_elses(company: Company, jana: Person) -> None:
    tom = person(company, "Tom")
    stop(company)
    theirs = notice(tom)
    given = {"key": "0b8a1f36-7a5e-4d0e-9f0c-6a1a4a3f2b1c", "notice": str(theirs.pk)}
    assert client_of(jana).post("/notices/read/", given).status_code == 404
    given = {"key": "1b8a1f36-7a5e-4d0e-9f0c-6a1a4a3f2b1c"}
    assert client_of(jana).post("/notices/read/", given).status_code == 302
    assert notice(jana).read_at is not None
    assert notice(tom).read_at is None


def test_the_page_says_how_many_were_held_back_and_since_when(
    company: Company, jana: Person
) -> None:
    for _ in range(3):
        stop(company)
        wait(company, 5)
        repair(company)
        wait(company, 5)
    page = client_of(jana).get("/notices/").content.decode()
    assert "2 more held back since 06:10" in page
    assert "has ended since" in page


def test_how_one_is_told_is_saved_and_half_a_quiet_time_is_refused(
    company: Company, jana: Person
) -> None:
    client = client_of(jana)
    given = {
        "key": "0b8a1f36-7a5e-4d0e-9f0c-6a1a4a3f2b1c",
        "bell_priority": "1",
        "mail_priority": "0",
        "mail_address": "j@example.org",
        "quiet_from": "22:00",
        "quiet_until": "",
    }
    page = client.post("/notices/settings/", given)
    assert page.status_code == 422
    assert "or neither" in page.content.decode()
    assert not NoticeSetting.objects.exists()
    given |= {"quiet_until": "06:00", "key": "1b8a1f36-7a5e-4d0e-9f0c-6a1a4a3f2b1c"}
    assert client.post("/notices/settings/", given).status_code == 302
    said = NoticeSetting.objects.get(person=jana)
    assert (said.bell_priority, said.mail_priority, said.mail_in_person) == (1, 0, False)
    assert (said.quiet_from, said.quiet_until) == (time(22), time(6))
    assert 'value="22:00"' in client.get("/notices/settings/").content.decode()
