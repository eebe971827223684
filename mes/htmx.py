"""The one place where a page becomes only a part of itself."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers

from mes.access import PlantRequest
from mes.commands import Outcome


def render_page(
    request: PlantRequest,
    template: str,
    context: dict[str, Any],
    *,
    parts: Collection[str] = (),
    part: str = "",
    status: int = 200,
) -> HttpResponse:
    """Render the page, or the part of it whose id htmx means to replace.

    parts   the ids of the page's live parts; the one that htmx targets is rendered alone.
    part    render this part whatever the target is called.
    """
    wanted = part
    if not wanted and request.htmx and not request.htmx.history_restore_request:
        target = request.htmx.target or ""
        wanted = target if target in parts else ""
    response = render(
        request, f"{template}#{wanted}" if wanted else template, context, status=status
    )
    patch_vary_headers(response, ["HX-Request", "HX-Target"])
    return response


def refusal_page(request: PlantRequest, outcome: Outcome, *, retry_url: str = "") -> HttpResponse:
    """The answer to an act that was not done: a note in the page's place for it, or a whole page.

    htmx puts it where the form says (`data-errors`); without JavaScript it is a page.
    """
    context = {
        "refusal": {"text": outcome.message, "moved": outcome.response.get("moved", [])},
        "retry_url": retry_url,
    }
    template = "components/refused.html" if request.htmx else "mes/refused.html"
    response = render(request, template, context, status=outcome.status)
    if outcome.status == 503:
        response["Retry-After"] = "1"
    return response
