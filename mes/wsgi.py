"""Pages run on WSGI: sync views under ASGI cost 1.3-2.8 ms of CPU a request more."""

import os

from django.core.wsgi import get_wsgi_application

from mes.processes import end_with_server

# First of all: loading the application takes a second in which the main process may be killed.
end_with_server()
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mes.settings")
application = get_wsgi_application()
