"""The stream process: server-sent events only; pages are served by WSGI."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mes.settings")
django.setup()

from mes.live import application  # noqa: E402  (the apps must be ready first)

__all__ = ["application"]
