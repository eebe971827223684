"""What people were told, and what they write on records."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from mes.acting import number
from mes.models import Comment, Notice
from mes.notices import read_notices
from planning import actions
from planning.api.posting import KEY_HEADER, RESPONSES, posted
from planning.api.reads import PAGING, paged
from planning.api.wire import ErrorSerializer, Pages, actor_of, site_of

Data = dict[str, Any]


class NoticeShape(serializers.Serializer[Data]):
    id = serializers.IntegerField()
    kind = serializers.ChoiceField(Notice.Kind.choices)
    text = serializers.CharField()
    subject_type = serializers.CharField()
    subject_id = serializers.IntegerField()
    url = serializers.CharField(help_text=_("path of its page"))
    priority = serializers.IntegerField(allow_null=True)
    first_at = serializers.DateTimeField()
    told_at = serializers.DateTimeField()
    times = serializers.IntegerField(help_text=_("how often it came"))
    held = serializers.IntegerField(help_text=_("repeats that were held back"))
    held_since = serializers.DateTimeField(allow_null=True)
    read_at = serializers.DateTimeField(allow_null=True)


class CommentShape(serializers.Serializer[Data]):
    id = serializers.IntegerField()
    subject_type = serializers.CharField()
    subject_id = serializers.IntegerField()
    person = serializers.CharField()
    at = serializers.DateTimeField()
    text = serializers.CharField(allow_blank=True, help_text=_("empty: taken back"))
    withdrawn = serializers.BooleanField()


class CommentBody(serializers.Serializer[Data]):
    """Words on a record; @Jana tells her."""

    subject_type = serializers.ChoiceField(sorted(actions.SUBJECTS))
    subject_id = serializers.IntegerField(min_value=1, max_value=2**63 - 1)
    text = serializers.CharField(max_length=2000)


class CommentMade(serializers.Serializer[Data]):
    comment_id = serializers.IntegerField()


class NoticesRead(serializers.Serializer[Data]):
    read = serializers.IntegerField(help_text=_("how many were unread before"))


class Notices(APIView):
    access = "notice.read"

    @extend_schema(
        operation_id="notices_list",
        summary="What I was told, newest first",
        description="Of the signed-in person; a device is told nothing.",
        parameters=[
            OpenApiParameter("unread", OpenApiTypes.BOOL, description="only what is unread"),
            *PAGING,
        ],
        responses={200: paged("Notice", NoticeShape), 401: ErrorSerializer},
    )
    def get(self, request: Request) -> Response:
        rows = Notice.objects.filter(
            site=site_of(request), person=actor_of(request).person_id or 0
        ).order_by("-told_at", "-pk")
        if request.query_params.get("unread") in ("1", "true", "True"):
            rows = rows.filter(read_at=None)
        pages = Pages()
        page = pages.paginate_queryset(rows.values(), request) or []
        return pages.get_paginated_response([dict(NoticeShape(dict(row)).data) for row in page])


class ReadNotice(APIView):
    access = "notice.read"

    @extend_schema(
        operation_id="notice_read",
        summary="Mark one of my notices as read",
        parameters=[KEY_HEADER],
        request=None,
        responses={**RESPONSES, 200: NoticesRead},
    )
    def post(self, request: Request, pk: int) -> Response:
        return posted(
            request,
            "mes.notice.read",
            lambda command, values: read_notices(command, notice_id=pk),
            notice_id=pk,
        )


class Comments(APIView):
    access = "comment.read"
    access_by_method = {"POST": "comment.write"}  # noqa: RUF012

    @extend_schema(
        operation_id="comments_list",
        summary="What was written on a record, oldest first",
        parameters=[
            OpenApiParameter("subject_type", enum=sorted(actions.SUBJECTS), required=True),
            OpenApiParameter("subject_id", OpenApiTypes.INT, required=True),
            *PAGING,
        ],
        responses={
            200: paged("Comment", CommentShape),
            401: ErrorSerializer,
            404: ErrorSerializer,
        },
    )
    def get(self, request: Request) -> Response:
        said = request.query_params
        subject_id = number(said.get("subject_id", "")) or 0
        subject_type = said.get("subject_type", "")
        actions.subject_of(site_of(request), subject_type, subject_id)
        pages = Pages()
        rows = actions.comments_on(site_of(request), subject_type, subject_id)
        page = pages.paginate_queryset(rows, request) or []
        return pages.get_paginated_response([_comment(row) for row in page])

    @extend_schema(
        operation_id="comment_write",
        summary="Write on a record",
        description="A person's only; who is named after an @ is told.",
        parameters=[KEY_HEADER],
        request=CommentBody,
        responses={**RESPONSES, 200: CommentMade},
    )
    def post(self, request: Request) -> Response:
        return posted(
            request,
            "mes.comment",
            lambda command, values: actions.comment(command, **values),
            CommentBody,
        )


class Withdraw(APIView):
    access = "comment.write"

    @extend_schema(
        operation_id="comment_withdraw",
        summary="Take one's own comment back",
        parameters=[KEY_HEADER],
        request=None,
        responses={**RESPONSES, 200: CommentMade},
    )
    def post(self, request: Request, pk: int) -> Response:
        return posted(
            request,
            "mes.comment.withdraw",
            lambda command, values: actions.withdraw_comment(command, comment_id=pk),
            comment_id=pk,
        )


def _comment(row: Comment) -> Data:
    withdrawn = getattr(row, "withdrawn_by", None) is not None
    return dict(
        CommentShape(
            {
                "id": row.pk,
                "subject_type": row.subject_type,
                "subject_id": row.subject_id,
                "person": row.person.name,
                "at": row.at,
                "text": "" if withdrawn else row.text,
                "withdrawn": withdrawn,
            }
        ).data
    )
