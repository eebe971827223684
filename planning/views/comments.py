"""Comments on any record: a part of its page that re-reads itself."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from mes.access import PlantRequest, access, may, refusal
from mes.acting import act
from mes.errors import Missing
from mes.htmx import refusal_page, render_page
from mes.models import Comment
from planning import actions


def comments_context(request: PlantRequest, subject_type: str, subject_id: int) -> dict[str, Any]:
    """What components/comments.html needs."""
    actor = request.actor
    rows = [
        {
            "pk": each.pk,
            "who": each.person.name,
            "at": each.at,
            "text": "" if _withdrawn(each) else each.text,
            "withdrawn": _withdrawn(each),
            "own": each.person_id == actor.person_id and not _withdrawn(each),
        }
        for each in actions.comments_on(request.site, subject_type, subject_id)
    ]
    return {
        "rows": rows,
        "here": reverse("planning:comments", args=[subject_type, subject_id]),
        "topic": f"comments-{subject_type}-{subject_id}",
        "off": "" if may(actor, "comment.write") else refusal("comment.write"),
    }


def _withdrawn(each: Comment) -> bool:
    return getattr(each, "withdrawn_by", None) is not None


@access("comment.read")
@require_http_methods(["GET", "POST"])
def comments(request: PlantRequest, subject_type: str, subject_id: int) -> HttpResponse:
    """The comments of one record; a post adds one."""
    try:
        row = actions.subject_of(request.site, subject_type, subject_id)
    except Missing as missing:
        raise Http404 from missing
    back = actions.SUBJECTS[subject_type][1](row)
    if request.method == "POST":
        if not may(request.actor, "comment.write"):
            raise PermissionDenied(refusal("comment.write"))
        outcome = act(
            request,
            "mes.comment",
            actions.comment,
            subject_type=subject_type,
            subject_id=subject_id,
            text=request.POST.get("text", ""),
        )
        if not outcome.ok:
            return refusal_page(request, outcome, retry_url=back)
    return _shown(request, subject_type, subject_id, back)


@access("comment.write")
@require_POST
def withdraw(request: PlantRequest, pk: int) -> HttpResponse:
    """Take one's own back."""
    found = Comment.objects.filter(site=request.site, pk=pk, withdraws=None).first()
    if found is None:
        raise Http404
    row = actions.subject_of(request.site, found.subject_type, found.subject_id)
    back = actions.SUBJECTS[found.subject_type][1](row)
    outcome = act(request, "mes.comment.withdraw", actions.withdraw_comment, comment_id=pk)
    if not outcome.ok:
        return refusal_page(request, outcome, retry_url=back)
    return _shown(request, found.subject_type, found.subject_id, back)


def _shown(request: PlantRequest, subject_type: str, subject_id: int, back: str) -> HttpResponse:
    if not request.htmx:
        return redirect(back)
    context = {"comments": comments_context(request, subject_type, subject_id)}
    return render_page(request, "components/comments.html", context)
