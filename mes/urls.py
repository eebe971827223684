"""The roof: every route of the product, each app's under its own name."""

from __future__ import annotations

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

from mes import monitor, tokens, views
from planning.views import lists

handler500 = "mes.views.failed"

mes_patterns = [
    path("", views.home, name="home"),
    path("sign-in/", views.sign_in, name="sign_in"),
    path("sign-out/", views.sign_out, name="sign_out"),
    path("tokens/", tokens.tokens, name="tokens"),
    path("tokens/<int:pk>/revoke/", tokens.revoke, name="revoke_token"),
    path("site/", views.choose_site, name="choose_site"),
    path("healthz", monitor.healthz, name="healthz"),
    path("readyz", monitor.readyz, name="readyz"),
    path("statusz", monitor.statusz, name="statusz"),
    path("metrics", monitor.metrics, name="metrics"),
    path("find/", lists.find, name="find"),
]

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include((mes_patterns, "mes"))),
    # Before the office's own, which would count no wrong passwords.
    path("admin/login/", views.office_sign_in),
    path("admin/", admin.site.urls),
    path("api/", include("planning.api.urls")),
    path("", include("planning.urls")),
]
