"""What each role has to do because of an event or a decision, and the facts to be settled."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from mes.access import ACTS, PlantRequest, access, may, refusal
from mes.acting import act
from mes.actions import finish_task, may_finish
from mes.actor import Actor
from mes.htmx import refusal_page, render_page
from mes.models import Role, Site, Task
from planning import words
from planning.models import Approval, Consent, Decision, Disruption
from planning.views.answers import approval_row, consent_row
from workorders.actions import settle
from workorders.models import Unsettled

LATELY = 10


def open_tasks(site: Site, actor: Actor) -> QuerySet[Task]:
    """The tasks that this person's roles are asked to do; an administrator sees everybody's."""
    people = [actor.person_id, *actor.stands_in]
    mine = Q(role__in=actor.roles, person=None) | Q(person__in=[p for p in people if p])
    if not actor.roles.isdisjoint(ACTS["unsettled.settle"]):
        mine |= Q(subject_type="unsettled")
    if Role.ADMIN in actor.roles:
        mine = Q()
    return Task.objects.filter(mine, site=site, done_at=None)


@access("task.read")
@require_GET
def tasks(request: PlantRequest) -> HttpResponse:
    """What my roles have to do, soonest first; everybody's on demand; what was done lately."""
    everybodys = request.GET.get("whose") == "all"
    found = Task.objects.filter(site=request.site, done_at=None)
    mine = open_tasks(request.site, request.actor)
    # A task without a time stands after those that have one, the oldest first.
    rows = (found if everybodys else mine).select_related("person")
    waiting = list(rows.order_by("due_at", "created_at", "pk")[:200])
    done = list(
        Task.objects.filter(site=request.site)
        .exclude(done_at=None)
        .select_related("done_by", "person")
        .order_by("-done_at", "-pk")[:LATELY]
    )
    subjects = _subjects(request.site, [*waiting, *done])
    context = {
        "rows": [_row(request, task, subjects) for task in waiting],
        "done": [_row(request, task, subjects) for task in done],
        "everybodys": everybodys,
        "counts": {"mine": mine.count(), "all": found.count()},
        "here": reverse("planning:tasks") + ("?whose=all" if everybodys else ""),
    }
    return render_page(request, "planning/tasks.html", context, parts=("tasks",))


@access("task.finish")
@require_POST
def finish(request: PlantRequest, pk: int) -> HttpResponse:
    """It is done."""
    outcome = act(request, "mes.task.finish", finish_task, task_id=pk)
    if not outcome.ok:
        return refusal_page(request, outcome, retry_url=reverse("planning:tasks"))
    return redirect("planning:tasks")


@access("unsettled.settle")
@require_POST
def settle_fact(request: PlantRequest, pk: int) -> HttpResponse:
    """Say how a fact that could not be booked was settled."""
    outcome = act(
        request,
        "workorders.fact.settle",
        settle,
        unsettled_id=pk,
        settlement=request.POST.get("settlement", ""),
    )
    if not outcome.ok:
        return refusal_page(request, outcome, retry_url=reverse("planning:tasks"))
    return redirect("planning:tasks")


Subjects = Mapping[tuple[str, int], Any]


def _subjects(site: Site, found: list[Task]) -> Subjects:
    """What the tasks are about, in one query a kind."""

    def ids(kind: str) -> set[int]:
        return {task.subject_id for task in found if task.subject_type == kind}

    facts = Unsettled.objects.filter(site=site, pk__in=ids("unsettled"))
    taken = Decision.objects.filter(site=site, pk__in=ids("decision") | ids("notice"))
    approvals = Approval.objects.filter(site=site, pk__in=ids("approval"))
    troubles = Disruption.objects.filter(site=site, pk__in=ids("disruption"))
    consents = Consent.objects.filter(site=site, pk__in=ids("consent")).select_related("decision")
    return {
        **{("unsettled", fact.pk): fact for fact in facts.select_related("job_order__work_order")},
        **{(kind, each.pk): each for each in taken for kind in ("decision", "notice")},
        **{("consent", each.pk): each for each in consents},
        **{("approval", each.pk): each for each in approvals},
        **{("disruption", each.pk): each for each in troubles},
    }


def _row(request: PlantRequest, task: Task, subjects: Subjects) -> dict[str, Any]:
    about = subjects.get((task.subject_type, task.subject_id))
    row: dict[str, Any] = {
        "pk": task.pk,
        "text": task.text,
        "role": task.person.name if task.person else task.get_role_display(),
        "since": task.created_at,
        "due": task.due_at,
        "done_at": task.done_at,
        "done_by": task.done_by.name if task.done_at and task.done_by else "",
        "url": "",
        "off": "",
    }
    if isinstance(about, Unsettled):
        row["text"] = about.sentence
        row["settlement"] = about.settlement
        if about.job_order is not None:
            code = about.job_order.work_order.code
            row["about"], row["url"] = code, reverse("workorders:detail", args=[code])
        if may(request.actor, "unsettled.settle"):
            row["settle_url"] = reverse("planning:settle", args=[about.pk])
        else:
            row["off"] = refusal("unsettled.settle")
        return row
    if isinstance(about, Consent):
        row |= {"text": words.asked_for(about), "about": about.decision.title}
        row |= {"answer": consent_row(request, about), "settlement": about.reason}
        row |= {"yes": _("Agree"), "no": _("Refuse")}
        row["url"] = reverse("planning:disruption", args=[about.decision.disruption_id])
        return row
    if isinstance(about, Approval):
        row |= {"about": about.title, "answer": approval_row(request, about)}
        row |= {"yes": _("Approve"), "no": _("Refuse"), "settlement": about.reason}
        row["url"] = reverse("planning:disruption", args=[about.disruption_id])
        return row
    if isinstance(about, Disruption):
        row["about"] = words.title(about)
        row["url"] = reverse("planning:disruption", args=[about.pk])
    if isinstance(about, Decision) and about.disruption_id is not None:
        row["about"] = about.title
        row["url"] = reverse("planning:disruption", args=[about.disruption_id])
    if may(request.actor, "task.finish") and may_finish(request.actor, task):
        row["done_url"] = reverse("planning:finish_task", args=[task.pk])
    else:
        row["off"] = _("A task for %(role)s.") % {"role": row["role"]}
    return row


def waiting_count(request: HttpRequest) -> int:
    """How many tasks wait for the person of this page, for the frame's navigation."""
    site, actor = getattr(request, "site", None), getattr(request, "actor", None)
    return open_tasks(site, actor).count() if site and actor else 0
