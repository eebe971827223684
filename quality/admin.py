"""Holds to read; they are placed and released by actions."""

from __future__ import annotations

from django.contrib import admin

from mes.admin import JournalAdmin
from quality.models import Hold


@admin.register(Hold)
class HoldAdmin(JournalAdmin):
    list_display = ("lot", "job_order", "reason", "placed_at", "expected_at", "released_at")
    list_filter = ("site", "reason")
    list_select_related = ("lot", "job_order", "reason")
