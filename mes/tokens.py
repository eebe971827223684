"""The page where a person makes and revokes tokens for the API."""

from __future__ import annotations

import secrets

from django import forms
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from mes.access import DECISIONS, PlantRequest, access, may, token_sha256
from mes.acting import act
from mes.actions import make_token, revoke_token, tokens_of
from mes.htmx import refusal_page, render_page


class NewToken(forms.Form):
    name = forms.CharField(
        max_length=60,
        label=gettext_lazy("What it is for"),
        widget=forms.TextInput(attrs={"class": "inp", "autocomplete": "off"}),
    )
    decides = forms.BooleanField(required=False, label=gettext_lazy("It may take decisions"))


@access("token.own")
@require_http_methods(["GET", "POST"])
def tokens(request: PlantRequest) -> HttpResponse:
    """My tokens; a new one is drawn here, shown once, and only its hash is kept."""
    form = NewToken(request.POST if request.method == "POST" else None)
    token, said, status = "", "", 200
    if form.is_bound and form.is_valid():
        token = secrets.token_urlsafe(32)
        outcome = act(
            request,
            "token.make",
            # The hash stays out of what is stored with the key: it is drawn anew each time.
            lambda command, **values: make_token(command, **values, sha256=token_sha256(token)),
            called=form.cleaned_data["name"],
            decides=form.cleaned_data["decides"],
        )
        if not outcome.ok:
            token, said, status = "", outcome.message, outcome.status
        elif outcome.replayed:
            token = ""
            said = _(
                "This token was made already and is not shown again. Revoke it if you lost it."
            )
        else:
            form = NewToken()
    elif form.is_bound:
        status = 422
    if said:
        form.add_error(None, said)
    context = {
        "form": form,
        "token": token,
        "rows": tokens_of(request.site, request.actor.person_id),
        "may_decide": any(may(request.actor, each) for each in DECISIONS),
    }
    response = render_page(request, "mes/tokens.html", context, status=status)
    response["Cache-Control"] = "no-store"
    return response


@access("token.own")
@require_POST
def revoke(request: PlantRequest, pk: int) -> HttpResponse:
    outcome = act(request, "token.revoke", revoke_token, token_id=pk)
    if not outcome.ok:
        return refusal_page(request, outcome)
    return redirect("mes:tokens")
