"""The routes of the API; version 1 stays as it is, what breaks a client becomes version 2."""

from __future__ import annotations

from django.urls import path
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from mes.access import PUBLIC, DeclaredAccess
from planning.api import agreeing, decisions, disruptions, events, objects, people, reads

app_name = "api"


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the schema names `mes.access.ApiAuthentication`."""

    target_class = "mes.access.ApiAuthentication"
    name = ["deviceToken", "session"]  # noqa: RUF012

    def get_security_definition(self, auto_schema: object) -> list[dict[str, str]]:
        return [
            {"type": "http", "scheme": "bearer", "description": "the token of a device"},
            {"type": "apiKey", "in": "cookie", "name": "sessionid"},
        ]


class Schema(SpectacularAPIView):
    access = PUBLIC
    authentication_classes = ()
    permission_classes = (DeclaredAccess,)


class Docs(SpectacularSwaggerSplitView):
    """The schema as a page; its script is a request of its own, for the strict policy."""

    access = PUBLIC
    authentication_classes = ()
    permission_classes = (DeclaredAccess,)
    url_name = "api:schema"
    template_name = "planning/api_docs.html"


urlpatterns = [
    path("schema/", Schema.as_view(), name="schema"),
    path("docs/", Docs.as_view(), name="docs"),
    path("v1/events", events.Events.as_view(), name="events"),
    path("v1/ledger", objects.Ledger.as_view(), name="ledger"),
    path("v1/items", objects.Items.as_view(), name="items"),
    path("v1/lots", objects.Lots.as_view(), name="lots"),
    path("v1/stock", objects.Stock.as_view(), name="stock"),
    path("v1/customers", objects.Customers.as_view(), name="customers"),
    path("v1/order-lines", objects.OrderLines.as_view(), name="order_lines"),
    path("v1/units", objects.Units.as_view(), name="units"),
    path("v1/calendars", objects.Calendars.as_view(), name="calendars"),
    path("v1/rates", objects.Rates.as_view(), name="rates"),
    path("v1/tasks", objects.Tasks.as_view(), name="tasks"),
    path("v1/plan", reads.Plan.as_view(), name="plan"),
    path("v1/work-orders", reads.WorkOrders.as_view(), name="work_orders"),
    path("v1/work-orders/<str:code>", reads.OneWorkOrder.as_view(), name="work_order"),
    path("v1/queues", reads.Queues.as_view(), name="queues"),
    path("v1/queues/<str:unit>", reads.OneQueue.as_view(), name="queue"),
    path("v1/deliveries", reads.Deliveries.as_view(), name="deliveries"),
    path("v1/purchases", reads.Purchases.as_view(), name="purchases"),
    path("v1/holds", reads.Holds.as_view(), name="holds"),
    path("v1/calls", reads.Calls.as_view(), name="calls"),
    path("v1/disruptions", disruptions.Disruptions.as_view(), name="disruptions"),
    path("v1/disruptions/<int:pk>", disruptions.OneDisruption.as_view(), name="disruption"),
    path(
        "v1/disruptions/<int:pk>/options/<int:option_pk>",
        disruptions.OneOption.as_view(),
        name="option",
    ),
    path(
        "v1/disruptions/<int:pk>/options/<int:option_pk>/accept",
        decisions.AcceptOption.as_view(),
        name="accept",
    ),
    path(
        "v1/disruptions/<int:pk>/options/<int:option_pk>/moves",
        decisions.AddMove.as_view(),
        name="add_move",
    ),
    path(
        "v1/disruptions/<int:pk>/options/<int:option_pk>/moves/<int:number>/drop",
        decisions.DropMove.as_view(),
        name="drop_move",
    ),
    path(
        "v1/disruptions/<int:pk>/options/<int:option_pk>/ask",
        agreeing.AskApproval.as_view(),
        name="ask_approval",
    ),
    path("v1/approvals", agreeing.Approvals.as_view(), name="approvals"),
    path("v1/approvals/<int:pk>/approve", agreeing.Approve.as_view(), name="approve"),
    path("v1/approvals/<int:pk>/refuse", agreeing.Decline.as_view(), name="decline"),
    path("v1/consents", agreeing.Consents.as_view(), name="consents"),
    path("v1/consents/<int:pk>/agree", agreeing.AgreeConsent.as_view(), name="agree"),
    path("v1/consents/<int:pk>/refuse", agreeing.RefuseConsent.as_view(), name="refuse"),
    path("v1/rules", agreeing.Rules.as_view(), name="rules"),
    path("v1/comments", people.Comments.as_view(), name="comments"),
    path("v1/comments/<int:pk>/withdraw", people.Withdraw.as_view(), name="withdraw"),
    path("v1/notices", people.Notices.as_view(), name="notices"),
    path("v1/notices/<int:pk>/read", people.ReadNotice.as_view(), name="read_notice"),
    path("v1/decisions", disruptions.Decisions.as_view(), name="decisions"),
    path("v1/decisions/<int:pk>", disruptions.OneDecision.as_view(), name="decision"),
    path("v1/decisions/<int:pk>/undo", decisions.UndoDecision.as_view(), name="undo"),
]
