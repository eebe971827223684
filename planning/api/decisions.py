"""Answering a disruption: put an own answer together, accept an option, take a decision back.

Persons only.
"""

from __future__ import annotations

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from mes.access import may
from mes.commands import Command
from mes.errors import Missing
from planning import actions
from planning.api import serializers as bodies
from planning.api.disruptions import decision_shown, option_shown
from planning.api.events import job_of, unit_of
from planning.api.posting import KEY_HEADER, MATCH_HEADER, MATCHED, Values, must_match, posted
from planning.models import Option


def option_of(command: Command, pk: int, option_pk: int) -> Option:
    """:raises Missing: if this disruption of the site has no such option."""
    option = Option.objects.filter(site=command.site, disruption=pk, pk=option_pk).first()
    if option is None:
        raise Missing(_("There is no such option here."))
    return option


class AcceptOption(APIView):
    access = "option.accept"

    @extend_schema(
        operation_id="option_accept",
        summary="Accept an option",
        description=(
            "Applied only if nothing that it touches moved since it was costed and it is not "
            "worse by now; else 409 with what moved. A device's token may not decide."
        ),
        parameters=[KEY_HEADER, MATCH_HEADER],
        request=bodies.Accept,
        responses=MATCHED,
    )
    def post(self, request: Request, pk: int, option_pk: int) -> Response:
        def accept(command: Command, values: Values) -> Values:
            option = _as_it_was_read(request, command, pk, option_pk)
            return actions.accept(
                command,
                option_id=option.pk,
                based_on_version=values.get("version", option.version),
                why=values["why"],
            )

        return posted(request, "api.accept", accept, bodies.Accept, disruption=pk, option=option_pk)


class AddMove(APIView):
    access = "option.accept"

    @extend_schema(
        operation_id="own_move_add",
        summary="Put one more move into the own answer (the option of kind MINE)",
        description=(
            "Weighed with the moves before it as every other option is; nothing moves before it "
            "is accepted. 422 in words where no plan allows it; the answer then stays as it was."
        ),
        parameters=[KEY_HEADER, MATCH_HEADER],
        request=bodies.OwnMove,
        responses=MATCHED,
    )
    def post(self, request: Request, pk: int, option_pk: int) -> Response:
        def add(command: Command, values: Values) -> Values:
            option = _as_it_was_read(request, command, pk, option_pk)
            return actions.add_move(
                command,
                option_id=option.pk,
                job_order_id=job_of(command, values),
                to_unit_id=unit_of(command, values),
                place=values["place"],
                starts_at=values.get("starts_at"),
            )

        return posted(request, "api.own.add", add, bodies.OwnMove, disruption=pk, option=option_pk)


class DropMove(APIView):
    access = "option.accept"

    @extend_schema(
        operation_id="own_move_drop",
        summary="Take one move out of the own answer, the first is 0",
        description="Those behind it stay. 409 if there is no such move by now.",
        parameters=[KEY_HEADER, MATCH_HEADER],
        request=None,
        responses=MATCHED,
    )
    def post(self, request: Request, pk: int, option_pk: int, number: int) -> Response:
        def drop(command: Command, values: Values) -> Values:
            option = _as_it_was_read(request, command, pk, option_pk)
            return actions.drop_move(command, option_id=option.pk, number=number)

        return posted(request, "api.own.drop", drop, disruption=pk, option=option_pk, number=number)


def _as_it_was_read(request: Request, command: Command, pk: int, option_pk: int) -> Option:
    option = option_of(command, pk, option_pk)
    money = may(command.actor, "money.read")
    must_match(request, lambda: option_shown(command.site, pk, option_pk, money))
    return option


class UndoDecision(APIView):
    access = "option.accept"

    @extend_schema(
        operation_id="decision_undo",
        summary="Take a decision back",
        description="409 where somebody changed since what it had changed.",
        parameters=[KEY_HEADER, MATCH_HEADER],
        request=None,
        responses=MATCHED,
    )
    def post(self, request: Request, pk: int) -> Response:
        def undo(command: Command, values: Values) -> Values:
            must_match(request, lambda: decision_shown(command.site, pk))
            return actions.undo(command, decision_id=pk)

        return posted(request, "api.undo", undo, decision=pk)
