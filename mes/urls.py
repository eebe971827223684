"""The roof: every route of the product."""

from __future__ import annotations

from django.contrib import admin
from django.urls import URLPattern, URLResolver

urlpatterns: list[URLPattern | URLResolver] = []
admin.autodiscover()
