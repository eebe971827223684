"""The stream process: server-sent events only; pages are served by WSGI."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mes.settings")
django.setup()

from mes.health import beat_beside  # noqa: E402  (the apps must be ready first)
from mes.live import application, open_streams  # noqa: E402

beat_beside("stream", lambda: {"clients": open_streams()})

__all__ = ["application"]
