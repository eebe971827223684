"""Who else has a say in a decision: the yes that it needs from others."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from mes import commands
from planning import actions, words
from planning.api import serializers as bodies
from planning.api.decisions import RESPONSES
from planning.api.events import KEY_HEADER
from planning.api.reads import PAGING, Data, Shape, paged
from planning.api.wire import (
    ErrorSerializer,
    Pages,
    actor_of,
    answer,
    body_of,
    checked,
    key_of,
    site_of,
)
from planning.models import Consent


class ConsentShape(Shape):
    id = serializers.IntegerField()
    decision = serializers.IntegerField()
    who = serializers.CharField(help_text="OVERTIME, CUSTOMER, SUPPLIER or QUALITY")
    role = serializers.CharField(help_text="the role that gets the yes")
    text = serializers.CharField()
    state = serializers.CharField(
        help_text="ASKED, AGREED, REFUSED, LAPSED (nobody answered in time) or WITHDRAWN"
    )
    asked_at = serializers.DateTimeField()
    latest_at = serializers.DateTimeField(help_text="silence is a no after it")
    answered_at = serializers.DateTimeField(allow_null=True)
    answered_by = serializers.CharField(allow_null=True)
    on_behalf_of = serializers.CharField(allow_null=True)
    reason = serializers.CharField(allow_blank=True)


def _consent(row: Consent) -> Data:
    return {
        "id": row.pk,
        "decision": row.decision_id,
        "who": row.who,
        "role": row.role,
        "text": words.asked_for(row),
        "state": row.state,
        "asked_at": row.asked_at,
        "latest_at": row.latest_at,
        "answered_at": row.answered_at,
        "answered_by": row.answered_by and row.answered_by.name,
        "on_behalf_of": row.on_behalf_of and row.on_behalf_of.name,
        "reason": row.reason,
    }


class Consents(APIView):
    access = "plan.read"

    @extend_schema(
        operation_id="consents_list",
        summary="What decisions ask of others, the most urgent first",
        parameters=[
            OpenApiParameter(
                "state",
                enum=["asked", "all"],
                description="asked if not given: what nobody has answered yet",
            ),
            *PAGING,
        ],
        responses={200: paged("Consent", ConsentShape), 401: ErrorSerializer},
    )
    def get(self, request: Request) -> Response:
        rows = Consent.objects.filter(site=site_of(request)).select_related(
            "answered_by", "on_behalf_of"
        )
        if request.query_params.get("state", "asked") != "all":
            rows = rows.filter(state=Consent.State.ASKED)
        pages = Pages()
        page = pages.paginate_queryset(rows.order_by("latest_at", "pk"), request) or []
        shown: list[Any] = [dict(ConsentShape(_consent(row)).data) for row in page]
        return pages.get_paginated_response(shown)


class AgreeConsent(APIView):
    access = "consent.answer"

    @extend_schema(
        operation_id="consent_agree",
        summary="Agree to what a decision asks",
        description="With the last yes the decision is firm. 409 where it was answered before.",
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
                name="api.agree",
                body={"consent": pk},
                act=lambda command: actions.agree(command, consent_id=pk),
            )
        )


class RefuseConsent(APIView):
    access = "consent.answer"

    @extend_schema(
        operation_id="consent_refuse",
        summary="Refuse what a decision asks",
        description="Its changes are taken out, and its disruption is back, costed anew.",
        parameters=[KEY_HEADER],
        request=bodies.Refuse,
        responses=RESPONSES,
    )
    def post(self, request: Request, pk: int) -> Response:
        body = body_of(request)
        return answer(
            commands.run(
                site=site_of(request),
                key=key_of(request),
                actor=actor_of(request),
                name="api.refuse",
                body=body | {"consent": pk},
                act=lambda command: actions.refuse(
                    command, consent_id=pk, **checked(bodies.Refuse(data=body))
                ),
            )
        )
