"""That options never stand in the way of an impact: they are made after it and give way to it."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from django.db import connection

from equipment import actions as equipment
from mes.clock import wall_now
from mes.models import SiteHead, SitePlan
from planning import snapshot
from planning.actions import Result, choices, disruptions, recompute
from planning.actions.lock import PLAN, try_lock
from planning.actions.study import Study
from planning.engine import options as engine
from planning.models import Impact, Option
from tests.cast import HOUR
from tests.planning.conftest import Company, build_company
from tests.planning.test_recompute import break_down, in_threads


def is_answered(company: Company) -> bool:
    plan = SitePlan.objects.get(site=company.site)
    return plan.computed_seq == SiteHead.objects.get(site=company.site).seq


def options_version(company: Company) -> int:
    return int(company.disruption("BREAKDOWN").summary.get("options_version", 0))


@pytest.fixture(autouse=True)
def look_at_every_projection(monkeypatch: pytest.MonkeyPatch) -> None:
    # By its name in the package it is the action, not the module.
    monkeypatch.setattr(sys.modules["planning.actions.recompute"], "LOOK_EVERY_S", 0)


@contextmanager
def at_each_option(do: Callable[[int], None]) -> Iterator[list[int]]:
    """Call `do` with the number of the projection of an option that begins; list their seqs."""
    seqs: list[int] = []
    evaluate = engine._evaluate

    def counted(*arguments: object, **values: object) -> object:
        seqs.append(SitePlan.objects.latest("computed_at").computed_seq)
        do(len(seqs))
        return evaluate(*arguments, **values)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "_evaluate", counted)
        yield seqs


def test_an_event_during_options_is_answered_before_they_end(committed_company: Company) -> None:
    company = committed_company
    break_down(company)
    with at_each_option(lambda _: None) as undisturbed:
        recompute(company.site.pk, wall_now=wall_now())
    assert len(undisturbed) > 3
    company.must(
        equipment.change_estimate,
        unit_id=company.ids["CNC-04"],
        back_at=company.now + 80 * HOUR,
        said_by="T. Maintenance",
    )

    def bring(number: int) -> None:
        if number == 2:
            company.receive("BAR", "L-2", 5)

    with at_each_option(bring) as seqs:
        result = company.answer()
    newest = SiteHead.objects.get(site=company.site).seq
    assert result.seq == newest
    # One projection was under way when the event came; the next one knows of it.
    assert [seq for seq in seqs if seq < newest] == [newest - 1] * 2
    assert seqs.count(newest) > 2
    assert options_version(company) == SitePlan.objects.get(site=company.site).plan_version


def test_an_event_of_another_site_does_not_wait_for_options(committed_company: Company) -> None:
    company, other = committed_company, build_company("T2")
    other.commit()
    break_down(company)
    answered: list[bool] = []

    def bring(number: int) -> None:
        if number == 2:
            other.receive("BAR", "L-2", 5)
            assert not is_answered(other)
        answered.append(is_answered(other))

    with at_each_option(bring):
        company.answer()
    assert answered == [True, False, *[True] * (len(answered) - 2)]
    assert len(answered) > 2
    assert options_version(company) == SitePlan.objects.get(site=company.site).plan_version


def test_an_event_during_the_answer_in_between_is_answered_too(
    committed_company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its bell finds the other site busy and goes away; no further projection of an option comes
    that would look again."""
    company, other = committed_company, build_company("T2")
    other.commit()
    break_down(company)
    find = disruptions.find
    numbers: list[int] = []

    def found(study: Study) -> disruptions.Found:
        if study.snap.site_id == other.site.pk and len(other_events()) == 1:
            other.receive("BAR", "L-3", 5)
            assert in_threads(1, lambda: recompute(other.site.pk, wall_now=wall_now()))
        return find(study)

    before = SiteHead.objects.get(site=other.site).seq

    def other_events() -> range:
        return range(before, SiteHead.objects.get(site=other.site).seq)

    def bring(number: int) -> None:
        numbers.append(number)
        if number == last:
            other.receive("BAR", "L-2", 5)

    with at_each_option(numbers.append) as seqs:
        recompute(company.site.pk, wall_now=wall_now())
    last = len(seqs) - 1
    company.must(
        equipment.change_estimate,
        unit_id=company.ids["CNC-04"],
        back_at=company.now + 80 * HOUR,
        said_by="T. Maintenance",
    )
    module = sys.modules["planning.actions.recompute"]
    monkeypatch.setattr(module, "BUSY_S", 0)
    monkeypatch.setattr(disruptions, "find", found)
    with at_each_option(bring):
        recompute(company.site.pk, wall_now=wall_now())

    assert len(other_events()) == 2
    assert is_answered(other)


def test_a_bell_waits_for_who_holds_the_site(committed_company: Company) -> None:
    """A decision holds it and is refused: nobody rings again."""
    company = committed_company
    company.commit()
    company.receive("BAR", "L-2", 5)
    answers: list[Result] = []

    with try_lock(PLAN, company.site.pk) as ours:
        assert ours

        def ring() -> None:
            answers.append(recompute(company.site.pk, wall_now=wall_now()))
            connection.close()

        bell = threading.Thread(target=ring)
        bell.start()
        bell.join(0.1)
        assert bell.is_alive()
    bell.join(30)

    assert [answer.state for answer in answers] == ["STORED"]
    assert is_answered(company)


def test_another_process_can_answer_while_options_are_made(committed_company: Company) -> None:
    company = committed_company
    break_down(company)
    meanwhile: list[object] = []

    def bring(number: int) -> None:
        if number == 2:
            company.receive("BAR", "L-2", 5)
            meanwhile.extend(in_threads(1, company.answer))

    with at_each_option(bring):
        company.answer()
    (result,) = meanwhile
    assert isinstance(result, Result)
    assert (result.state, result.events) == ("STORED", 1)
    # It left the options to the one who was at them, who began anew.
    assert options_version(company) == result.version
    assert not company.disruption("BREAKDOWN").summary["options_due"]


def test_options_of_an_older_version_are_dropped(committed_company: Company) -> None:
    company = committed_company
    break_down(company)
    company.answer()
    before = list(Option.objects.order_by("pk").values_list("pk", "version", "figures"))
    study = Study(snapshot.take(company.site.pk, wall_now=wall_now()))
    found = disruptions.find(study)
    row = company.disruption("BREAKDOWN")
    row.summary = {**row.summary, "options_due": True}
    row.save()
    SitePlan.objects.filter(site=company.site).update(plan_version=study.snap.plan_version + 1)
    with pytest.raises(choices.Superseded):
        choices.refresh(study, found, study.snap.plan_version, between=lambda _: None)
    assert list(Option.objects.order_by("pk").values_list("pk", "version", "figures")) == before
    assert company.disruption("BREAKDOWN").summary["options_due"]


def test_the_first_options_are_there_while_the_others_are_looked_for(
    committed_company: Company,
) -> None:
    company = committed_company
    break_down(company)
    offered: list[set[str]] = []

    def look(_: int) -> None:
        row = company.disruption("BREAKDOWN")
        offered.append({each.slug for each in row.options.offered_answers()})
        assert row.summary["options_due"]

    with at_each_option(look):
        company.answer()

    row = company.disruption("BREAKDOWN")
    assert not row.summary["options_due"]
    first = next(found for found in offered if found)
    # Said once, after the first projection that helped; then all together.
    assert all(found in (set(), first) for found in offered)
    assert offered.index(first) < len(offered) - 1
    assert row.options.offered_answers().count() > len(first)
    assert not any(each.figures.get("gone") for each in row.options.all())


def test_options_come_though_the_events_never_pause(committed_company: Company) -> None:
    company = committed_company
    break_down(company)

    def bring(_: int) -> None:
        company.receive("BAR", f"L-{SiteHead.objects.get(site=company.site).seq}", 5)

    with at_each_option(bring):
        for _bell in range(3):
            company.answer()
    assert Option.objects.filter(disruption=company.disruption("BREAKDOWN")).exists()
    assert Impact.objects.filter(disruption=company.disruption("BREAKDOWN")).exists()
