"""Who else has a say in a decision: the yes that it needs, who accepts what one may not."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, Q
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from mes.access import may
from mes.commands import Command
from planning import actions, words
from planning.api import serializers as bodies
from planning.api.decisions import option_of
from planning.api.posting import KEY_HEADER, RESPONSES, Values, posted
from planning.api.reads import PAGING, Data, Shape, paged
from planning.api.wire import ErrorSerializer, Pages, actor_of, site_of
from planning.models import Approval, Consent, StandingDecision


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
        return posted(
            request,
            "api.agree",
            lambda command, values: actions.agree(command, consent_id=pk),
            consent=pk,
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
        return posted(
            request,
            "api.refuse",
            lambda command, values: actions.refuse(command, consent_id=pk, **values),
            bodies.Refuse,
            consent=pk,
        )


class ApprovalShape(Shape):
    id = serializers.IntegerField()
    disruption = serializers.IntegerField()
    option = serializers.CharField(help_text="slug of the option")
    title = serializers.CharField()
    version = serializers.IntegerField(help_text="plan version that the asker looked at")
    lacks = serializers.ListField(child=serializers.CharField())
    cash = bodies.exact_money(allow_null=True)
    why = serializers.CharField(allow_blank=True)
    asked_by = serializers.CharField(allow_null=True)
    asked_of = serializers.CharField()
    asked_at = serializers.DateTimeField()
    state = serializers.CharField(
        help_text="ASKED, GIVEN, REFUSED, or OVER (it ended or was answered in another way)"
    )
    answered_at = serializers.DateTimeField(allow_null=True)
    answered_by = serializers.CharField(allow_null=True)
    reason = serializers.CharField(allow_blank=True)
    decision = serializers.IntegerField(allow_null=True)


def _approval(row: Approval, shows_money: bool) -> Data:
    return {
        "id": row.pk,
        "disruption": row.disruption_id,
        "option": row.option,
        "title": row.title,
        "version": row.version,
        "lacks": row.lacks,
        "cash": row.cash if shows_money else None,
        "why": row.why,
        "asked_by": row.asked_by and row.asked_by.name,
        "asked_of": row.asked_of.name,
        "asked_at": row.asked_at,
        "state": row.state,
        "answered_at": row.answered_at,
        "answered_by": row.answered_by and row.answered_by.name,
        "reason": row.reason,
        "decision": row.decision_id,
    }


class Approvals(APIView):
    access = "plan.read"

    @extend_schema(
        operation_id="approvals_list",
        summary="What somebody is asked to accept for another, the oldest first",
        parameters=[
            OpenApiParameter("state", enum=["asked", "all"], description="asked if not given"),
            *PAGING,
        ],
        responses={200: paged("Approval", ApprovalShape), 401: ErrorSerializer},
    )
    def get(self, request: Request) -> Response:
        rows = Approval.objects.filter(site=site_of(request)).select_related(
            "asked_by", "asked_of", "answered_by"
        )
        if request.query_params.get("state", "asked") != "all":
            rows = rows.filter(state=Approval.State.ASKED)
        money = may(actor_of(request), "money.read")
        pages = Pages()
        page = pages.paginate_queryset(rows.order_by("asked_at", "pk"), request) or []
        shown: list[Any] = [dict(ApprovalShape(_approval(row, money)).data) for row in page]
        return pages.get_paginated_response(shown)


def _ask(command: Command, pk: int, option_pk: int, values: Values) -> Values:
    option = option_of(command, pk, option_pk)
    return actions.ask_approval(
        command,
        option_id=option.pk,
        based_on_version=values.get("version", option.version),
        why=values["why"],
        person_id=values.get("person"),
    )


class AskApproval(APIView):
    access = "approval.ask"

    @extend_schema(
        operation_id="option_ask",
        summary="Ask somebody to accept an option that is beyond one's own authority",
        parameters=[KEY_HEADER],
        request=bodies.Ask,
        responses=RESPONSES,
    )
    def post(self, request: Request, pk: int, option_pk: int) -> Response:
        return posted(
            request,
            "api.ask",
            lambda command, values: _ask(command, pk, option_pk, values),
            bodies.Ask,
            disruption=pk,
            option=option_pk,
        )


class Approve(APIView):
    access = "option.accept"

    @extend_schema(
        operation_id="approval_approve",
        summary="Accept what somebody asks for",
        description="As accepting the option itself: by one's own authority, checked anew.",
        parameters=[KEY_HEADER],
        request=None,
        responses=RESPONSES,
    )
    def post(self, request: Request, pk: int) -> Response:
        return posted(
            request,
            "api.approve",
            lambda command, values: actions.approve(command, approval_id=pk),
            approval=pk,
        )


class Decline(APIView):
    access = "option.accept"

    @extend_schema(
        operation_id="approval_refuse",
        summary="Refuse to accept what somebody asks for",
        parameters=[KEY_HEADER],
        request=bodies.Refuse,
        responses=RESPONSES,
    )
    def post(self, request: Request, pk: int) -> Response:
        return posted(
            request,
            "api.decline",
            lambda command, values: actions.decline(command, approval_id=pk, **values),
            bodies.Refuse,
            approval=pk,
        )


class RuleShape(Shape):
    id = serializers.IntegerField()
    name = serializers.CharField()
    active = serializers.BooleanField()
    cause = serializers.CharField(allow_blank=True, help_text="kind of disruption; empty: any")
    option_kind = serializers.CharField(allow_blank=True, help_text="empty: any")
    place = serializers.CharField(allow_null=True, help_text="code of a unit, a cell, an area")
    amount_limit = bodies.exact_money(allow_null=True)
    nobody_later = serializers.BooleanField(help_text="only if no customer line is later by it")
    applies = serializers.CharField(help_text="ALWAYS, OFF_DUTY (no planner is there) or HOURS")
    hours = serializers.CharField(allow_blank=True)
    writer = serializers.CharField(help_text="in whose name it decides")
    decisions = serializers.IntegerField(help_text="how many it took so far")


class Rules(APIView):
    access = "plan.read"

    @extend_schema(
        operation_id="rules_list",
        summary="Standing decisions: what is decided by itself, and in whose name",
        parameters=PAGING,
        responses={200: paged("Rule", RuleShape), 401: ErrorSerializer},
    )
    def get(self, request: Request) -> Response:
        rows = (
            StandingDecision.objects.filter(site=site_of(request))
            .select_related("place", "writer")
            .annotate(taken=Count("decisions", filter=Q(decisions__undo_of=None)))
            .order_by("name")
        )
        money = may(actor_of(request), "money.read")
        pages = Pages()
        page = pages.paginate_queryset(rows, request) or []
        shown: list[Any] = [
            dict(
                RuleShape(
                    {
                        "id": row.pk,
                        "name": row.name,
                        "active": row.active,
                        "cause": row.cause,
                        "option_kind": row.option_kind,
                        "place": row.place and row.place.code,
                        "amount_limit": row.amount_limit if money else None,
                        "nobody_later": row.nobody_later,
                        "applies": row.applies,
                        "hours": row.hours,
                        "writer": row.writer.name,
                        "decisions": row.taken,
                    }
                ).data
            )
            for row in page
        ]
        return pages.get_paginated_response(shown)
