"""Reading what went wrong, what can be done about it, and what was decided."""

from __future__ import annotations

from django.db.models import Q, QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from mes.access import may
from mes.models import Site
from planning.api.posting import tag_of
from planning.api.reads import PAGING, Data, Shape, paged, without_money
from planning.api.serializers import exact_money
from planning.api.wire import ErrorSerializer, Pages, actor_of, site_of
from planning.models import Consent, Decision, Disruption, Impact, Option


class OptionShape(Shape):
    id = serializers.IntegerField()
    slug = serializers.CharField(help_text="the idea's name; it stays from version to version")
    kind = serializers.ChoiceField(Option.Kind.choices)
    verdict = serializers.ChoiceField(Option.Verdict.choices)
    rank = serializers.IntegerField()
    version = serializers.IntegerField(help_text="of the plan on which it was costed")
    cash = exact_money(allow_null=True)
    estimate = exact_money(allow_null=True)
    late_cost = exact_money(allow_null=True)
    saves = exact_money(allow_null=True)
    decide_by = serializers.DateTimeField(allow_null=True)
    changes = serializers.ListField(child=serializers.DictField())
    figures = serializers.DictField()


class DisruptionShape(Shape):
    id = serializers.IntegerField()
    number = serializers.IntegerField()
    kind = serializers.ChoiceField(Disruption.Kind.choices)
    subject_type = serializers.CharField()
    subject = serializers.CharField(help_text="code of the unit, lot or operation")
    state = serializers.ChoiceField(Disruption.State.choices)
    growing = serializers.BooleanField()
    priority = serializers.IntegerField(help_text="1 is the highest")
    occurrences = serializers.IntegerField()
    opened_at = serializers.DateTimeField()
    closed_at = serializers.DateTimeField(allow_null=True)
    owner = serializers.CharField(allow_null=True)
    at_stake = exact_money(allow_null=True)
    cause = serializers.DictField()
    summary = serializers.DictField()


class ImpactShape(Shape):
    version = serializers.IntegerField()
    upto_seq = serializers.IntegerField()
    stored_at = serializers.DateTimeField()
    latency_ms = serializers.FloatField(allow_null=True)
    at_stake = exact_money(allow_null=True)
    booked = exact_money(allow_null=True)
    absorbed = serializers.BooleanField()
    figures = serializers.DictField()


class DisruptionDetailShape(DisruptionShape):
    impact = ImpactShape(allow_null=True)
    options = OptionShape(many=True)


def _disruption(row: Disruption, shows_money: bool) -> Data:
    return {
        "id": row.pk,
        "number": row.number,
        "kind": row.kind,
        "subject_type": row.subject_type,
        "subject": row.subject_code,
        "state": row.state,
        "growing": row.growing,
        "priority": row.priority,
        "occurrences": row.occurrences,
        "opened_at": row.opened_at,
        "closed_at": row.closed_at,
        "owner": row.owner and row.owner.name,
        "at_stake": row.at_stake if shows_money else None,
        "cause": row.cause,
        "summary": row.summary if shows_money else without_money(row.summary),
    }


def _impact(row: Impact | None, shows_money: bool) -> Data | None:
    if row is None:
        return None
    return {
        "version": row.version,
        "upto_seq": row.upto_seq,
        "stored_at": row.stored_at,
        "latency_ms": row.latency_ms,
        "at_stake": row.at_stake if shows_money else None,
        "booked": row.booked if shows_money else None,
        "absorbed": row.absorbed,
        "figures": row.figures if shows_money else without_money(row.figures),
    }


def _option(row: Option, shows_money: bool) -> Data:
    return {
        "id": row.pk,
        "slug": row.slug,
        "kind": row.kind,
        "verdict": row.verdict,
        "rank": row.rank,
        "version": row.version,
        "cash": row.cash if shows_money else None,
        "estimate": row.estimate if shows_money else None,
        "late_cost": row.late_cost if shows_money else None,
        "saves": row.saves if shows_money else None,
        "decide_by": row.decide_by,
        "changes": row.changes,
        "figures": row.figures if shows_money else without_money(row.figures),
    }


class Disruptions(APIView):
    access = "plan.read"

    @extend_schema(
        operation_id="disruptions_list",
        summary="What went wrong, worst first",
        parameters=[
            OpenApiParameter(
                "state",
                enum=["open", "closed", "all"],
                description="open if not given: everything that is not closed",
            ),
            *PAGING,
        ],
        responses={200: paged("Disruption", DisruptionShape), 401: ErrorSerializer},
    )
    def get(self, request: Request) -> Response:
        rows = (
            Disruption.objects.filter(site=site_of(request))
            .select_related("owner")
            .order_by("priority", "-at_stake", "pk")
        )
        closed = Q(state=Disruption.State.CLOSED)
        state = request.query_params.get("state", "open")
        if state != "all":
            rows = rows.filter(closed if state == "closed" else ~closed)
        shows_money = may(actor_of(request), "money.read")
        pages = Pages()
        page = pages.paginate_queryset(rows, request) or []
        return pages.get_paginated_response(
            [dict(DisruptionShape(_disruption(row, shows_money)).data) for row in page]
        )


class OneDisruption(APIView):
    access = "plan.read"

    @extend_schema(
        operation_id="disruption_get",
        summary="One disruption: what it hits and the ways to answer it",
        responses={200: DisruptionDetailShape, 401: ErrorSerializer, 404: ErrorSerializer},
    )
    def get(self, request: Request, pk: int) -> Response:
        row = get_object_or_404(
            Disruption.objects.select_related("owner"), site=site_of(request), pk=pk
        )
        shows_money = may(actor_of(request), "money.read")
        impact = row.impacts.order_by("-version").first()
        body = _disruption(row, shows_money) | {
            "impact": _impact(impact, shows_money),
            "options": [_option(each, shows_money) for each in row.options.order_by("rank", "pk")],
        }
        return Response(DisruptionDetailShape(body).data)


def option_shown(site: Site, pk: int, option_pk: int, shows_money: bool) -> Data:
    """An option of a disruption as somebody may see it.

    :raises Http404: if there is none on this site.
    """
    row = get_object_or_404(Option, site=site, disruption=pk, pk=option_pk)
    return dict(OptionShape(_option(row, shows_money)).data)


class OneOption(APIView):
    access = "plan.read"

    @extend_schema(
        operation_id="option_get",
        summary="One option; its ETag is what accepting it can be held to by If-Match",
        responses={200: OptionShape, 401: ErrorSerializer, 404: ErrorSerializer},
    )
    def get(self, request: Request, pk: int, option_pk: int) -> Response:
        money = may(actor_of(request), "money.read")
        shown = option_shown(site_of(request), pk, option_pk, money)
        return Response(shown, headers={"ETag": tag_of(shown)})


class DecisionShape(Shape):
    id = serializers.IntegerField()
    disruption = serializers.IntegerField(allow_null=True)
    kind = serializers.CharField()
    title = serializers.CharField()
    person = serializers.CharField(allow_null=True)
    on_behalf_of = serializers.CharField(allow_null=True, help_text="whose authority it was")
    rule = serializers.IntegerField(allow_null=True, help_text="that decided by itself")
    tentative = serializers.BooleanField(help_text="somebody has not agreed to it yet")
    at = serializers.DateTimeField()
    why = serializers.CharField(allow_blank=True)
    version = serializers.IntegerField()
    plan_hash_before = serializers.CharField()
    plan_hash_after = serializers.CharField()
    undo_of = serializers.IntegerField(allow_null=True)
    undone_by = serializers.IntegerField(allow_null=True)


def _decisions(site: Site) -> QuerySet[Decision]:
    return Decision.objects.filter(site=site).select_related("person", "on_behalf_of", "undone_by")


def _waiting(site: Site) -> set[int]:
    """The decisions to which somebody has not agreed yet."""
    return set(Consent.objects.asked(site.pk).values_list("decision_id", flat=True))


def _decision(row: Decision, waits: set[int]) -> Data:
    return dict(
        DecisionShape(
            {
                "id": row.pk,
                "disruption": row.disruption_id,
                "kind": row.kind,
                "title": row.title,
                "person": row.person and row.person.name,
                "on_behalf_of": row.on_behalf_of and row.on_behalf_of.name,
                "rule": row.rule_id,
                "tentative": row.pk in waits,
                "at": row.at,
                "why": row.why,
                "version": row.version,
                "plan_hash_before": row.plan_hash_before,
                "plan_hash_after": row.plan_hash_after,
                "undo_of": row.undo_of_id,
                "undone_by": undone.pk if (undone := getattr(row, "undone_by", None)) else None,
            }
        ).data
    )


class Decisions(APIView):
    access = "plan.read"

    @extend_schema(
        operation_id="decisions_list",
        summary="What was decided, newest first",
        parameters=PAGING,
        responses={200: paged("Decision", DecisionShape), 401: ErrorSerializer},
    )
    def get(self, request: Request) -> Response:
        site = site_of(request)
        pages = Pages()
        page = pages.paginate_queryset(_decisions(site).order_by("-at", "-pk"), request)
        waits = _waiting(site)
        return pages.get_paginated_response([_decision(row, waits) for row in page])


def decision_shown(site: Site, pk: int) -> Data:
    """A decision as everybody may see it.

    :raises Http404: if there is none on this site.
    """
    return _decision(get_object_or_404(_decisions(site), pk=pk), _waiting(site))


class OneDecision(APIView):
    access = "plan.read"

    @extend_schema(
        operation_id="decision_get",
        summary="One decision; its ETag is what undoing it can be held to by If-Match",
        responses={200: DecisionShape, 401: ErrorSerializer, 404: ErrorSerializer},
    )
    def get(self, request: Request, pk: int) -> Response:
        shown = decision_shown(site_of(request), pk)
        return Response(shown, headers={"ETag": tag_of(shown)})
