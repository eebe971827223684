"""Pages run on WSGI: sync views under ASGI cost 1.3-2.8 ms of CPU a request more."""

import logging
import os
import threading
from importlib import import_module

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.utils.module_loading import import_string

from mes.processes import end_with_server

# First of all: loading the application takes a second in which the main process may be killed.
end_with_server()
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mes.settings")
application = get_wsgi_application()

# Once a server's own process, not in whatever else imports the application.
if settings.PROCESS == "WEB":
    import_module("mes.health").beat_beside("web")

# Else the first visitor waits for every page's imports, and the first preview for the kernels.
import_module(settings.ROOT_URLCONF)
threading.Thread(
    target=import_string(settings.WARM_UP), args=[logging.getLogger(__name__).debug], daemon=True
).start()
