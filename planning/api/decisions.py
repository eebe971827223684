"""Answering a disruption: accept one of its options, or take a decision back. Persons only."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from mes import commands
from mes.commands import Command
from mes.errors import Missing
from planning import actions
from planning.api import serializers as bodies
from planning.api.events import KEY_HEADER
from planning.api.wire import ErrorSerializer, actor_of, answer, body_of, checked, key_of, site_of
from planning.models import Option

RESPONSES: dict[int, Any] = {
    200: bodies.Done,
    401: ErrorSerializer,
    403: ErrorSerializer,
    404: ErrorSerializer,
    409: ErrorSerializer,
    422: ErrorSerializer,
    503: ErrorSerializer,
}


def _accept(command: Command, pk: int, option_pk: int, body: dict[str, Any]) -> dict[str, Any]:
    values = checked(bodies.Accept(data=body))
    option = Option.objects.filter(site=command.site, disruption=pk, pk=option_pk).first()
    if option is None:
        raise Missing(_("There is no such option here."))
    return actions.accept(
        command,
        option_id=option.pk,
        based_on_version=values.get("version", option.version),
        why=values["why"],
    )


class AcceptOption(APIView):
    access = "option.accept"

    @extend_schema(
        operation_id="option_accept",
        summary="Accept an option",
        description=(
            "Applied only if nothing that it touches moved since it was costed and it is not "
            "worse by now; else 409 with what moved. A device's token may not decide."
        ),
        parameters=[KEY_HEADER],
        request=bodies.Accept,
        responses=RESPONSES,
    )
    def post(self, request: Request, pk: int, option_pk: int) -> Response:
        body = body_of(request)
        return answer(
            commands.run(
                site=site_of(request),
                key=key_of(request),
                actor=actor_of(request),
                name="api.accept",
                body=body | {"disruption": pk, "option": option_pk},
                act=lambda command: _accept(command, pk, option_pk, body),
            )
        )


class UndoDecision(APIView):
    access = "option.accept"

    @extend_schema(
        operation_id="decision_undo",
        summary="Take a decision back",
        description="409 where somebody changed since what it had changed.",
        parameters=[KEY_HEADER],
        request=None,
        responses=RESPONSES,
    )
    def post(self, request: Request, pk: int) -> Response:
        return answer(
            commands.run(
                site=site_of(request),
                key=key_of(request),
                actor=actor_of(request),
                name="api.undo",
                body={"decision": pk},
                act=lambda command: actions.undo(command, decision_id=pk),
            )
        )
