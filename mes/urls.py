"""The roof: every route of the product, each app's under its own name."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

from mes import views

mes_patterns = [
    path("", views.home, name="home"),
    path("sign-in/", views.sign_in, name="sign_in"),
    path("sign-out/", views.sign_out, name="sign_out"),
    path("site/", views.choose_site, name="choose_site"),
    path("healthz", views.healthz, name="healthz"),
    path("readyz", views.readyz, name="readyz"),
    path("statusz", views.statusz, name="statusz"),
]

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include((mes_patterns, "mes"))),
    path("admin/", admin.site.urls),
]
for app in ("equipment", "materials", "workorders", "quality", "planning"):
    if find_spec(f"{app}.urls"):
        import_module(f"{app}.urls")
        urlpatterns.append(path("", include(f"{app}.urls")))
