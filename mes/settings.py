"""One settings file, read from the environment; loud on nonsense."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import dj_database_url
from csp.constants import NONCE, NONE, SELF
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = Path(os.environ.get("MES_DATA_DIR", BASE_DIR / ".data"))


def env_bool(name: str, default: bool) -> bool:
    value = os.environ.get(name)
    if value is None:
        return default
    if value not in {"0", "1"}:
        raise ImproperlyConfigured(f"{name} must be 0 or 1, not {value!r}")
    return value == "1"


def env_choice(name: str, default: str, choices: set[str]) -> str:
    value = os.environ.get(name, default)
    if value not in choices:
        raise ImproperlyConfigured(f"{name} must be one of {sorted(choices)}, not {value!r}")
    return value


def env_list(name: str, default: str) -> list[str]:
    return [part.strip() for part in os.environ.get(name, default).split(",") if part.strip()]


# DEMO opens persona sign-in and plain http on this machine; PRODUCTION is everything strict.
MODE = env_choice("MES_MODE", "DEMO", {"DEMO", "PRODUCTION", "TEST"})
PRODUCTION = MODE == "PRODUCTION"
# Which of the processes this is; it decides the time-outs of the database (settled 18).
PROCESS = env_choice(
    "MES_PROCESS", "COMMAND", {"WEB", "STREAM", "WORKER", "SLOW", "SWEEPER", "COMMAND"}
)

DEBUG = False
SECRET_KEY = os.environ.get("SECRET_KEY", "")
if not SECRET_KEY:
    if PRODUCTION:
        raise ImproperlyConfigured("SECRET_KEY must be set when MES_MODE=PRODUCTION")
    SECRET_KEY = "downstream-demo-key-not-for-production-use-0123456789abcdef"
ALLOWED_HOSTS = env_list("ALLOWED_HOSTS", "" if PRODUCTION else "127.0.0.1,localhost,[::1]")
CSRF_TRUSTED_ORIGINS = env_list("CSRF_TRUSTED_ORIGINS", "")

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "csp",
    "django_htmx",
    "template_partials",
    "simple_history",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "mes",
    "equipment",
    "materials",
    "workorders",
    "quality",
    "planning",
]
MIDDLEWARE = [
    "mes.logs.RequestLog",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "simple_history.middleware.HistoryRequestMiddleware",
    "planning.api.wire.ApiMiddleware",
    "mes.access.AccessMiddleware",
    "mes.readable.ReadableMiddleware",
]
ROOT_URLCONF = "mes.urls"
# What a web process does beside its first requests; a name, for the cellar knows no storey.
WARM_UP = "planning.engine.warm.warm"
WSGI_APPLICATION = "mes.wsgi.application"
ASGI_APPLICATION = "mes.asgi.application"
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "csp.context_processors.nonce",
                "mes.access.page_context",
                "planning.views.tower.nav_counts",
            ],
        },
    }
]
FORM_RENDERER = "django.forms.renderers.DjangoTemplates"

# --- the record -----------------------------------------------------------------------------
# Migrations run as the owner; every other process as the application, which may not do DDL.
_urls = {
    "DATABASE_URL": os.environ.get("DATABASE_URL", ""),
    "MIGRATE_DATABASE_URL": os.environ.get("MIGRATE_DATABASE_URL", ""),
}
_url = (
    _urls["MIGRATE_DATABASE_URL"]
    if os.environ.get("MES_AS_OWNER") == "1" and _urls["MIGRATE_DATABASE_URL"]
    else _urls["DATABASE_URL"]
)
APPLICATION_DATABASE: dict[str, Any] = dict(
    dj_database_url.parse(_urls["DATABASE_URL"] or "postgres:")
)
_timeouts = {
    "WEB": "-c statement_timeout=5000 -c lock_timeout=3000",
    "STREAM": "-c statement_timeout=5000 -c lock_timeout=3000",
    "WORKER": "-c statement_timeout=30000 -c lock_timeout=3000",
    "SWEEPER": "-c statement_timeout=30000 -c lock_timeout=3000",
    "SLOW": "-c lock_timeout=3000",
    "COMMAND": "",
}[PROCESS]
DATABASES = {
    "default": {
        **dj_database_url.parse(_url or "postgres://mes@127.0.0.1:5432/mes"),
        "CONN_MAX_AGE": 0 if PROCESS == "STREAM" else 60,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {
            "connect_timeout": 5,
            "options": f"-c idle_in_transaction_session_timeout=10000 {_timeouts}".strip()
            if PROCESS != "COMMAND"
            else "",
        },
    }
}
# Whether /readyz demands settings that survive a power cut; 0 for a database to throw away.
DURABLE = env_bool("MES_DURABLE", True)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- the doorbell ---------------------------------------------------------------------------
REDIS_URL = os.environ.get("REDIS_URL", "redis://127.0.0.1:6379/0")
CELERY_BROKER_URL = REDIS_URL
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_TIME_LIMIT = 90
CELERY_TASK_SOFT_TIME_LIMIT = 60
# A child loads the engine before it takes bells, and compiles it where nobody did.
CELERY_WORKER_PROC_ALIVE_TIMEOUT = 180
CELERY_WORKER_MAX_MEMORY_PER_CHILD = 1_000_000  # kB
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_DEFAULT_QUEUE = "impact"
CELERY_BEAT_SCHEDULE = {
    # A message that waits longer than the next one's turn is not needed any more.
    "housekeep": {"task": "planning.housekeep", "schedule": 600, "options": {"expires": 500}},
}
CELERY_BEAT_SCHEDULE_FILENAME = str(DATA_DIR / "beat")
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
# A publish is bounded: a hung broker costs a terminal half a second once, then nothing
# A worker's blocking read needs the transport's own, longer waits.
if PROCESS not in ("WORKER", "SLOW"):
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "socket_timeout": 0.5,
        "socket_connect_timeout": 0.5,
        "retry_on_timeout": False,
        "max_retries": 0,
    }

# --- mail -----------------------------------------------------------------------------------
# Without a server the demo writes its mail into files; a production plant then sends none.
EMAIL_HOST = os.environ.get("EMAIL_HOST", "")
EMAIL_PORT = int(os.environ.get("EMAIL_PORT", "25"))
EMAIL_HOST_USER = os.environ.get("EMAIL_HOST_USER", "")
EMAIL_HOST_PASSWORD = os.environ.get("EMAIL_HOST_PASSWORD", "")
EMAIL_USE_TLS = env_bool("EMAIL_USE_TLS", False)
EMAIL_USE_SSL = env_bool("EMAIL_USE_SSL", False)
EMAIL_TIMEOUT = 10
EMAIL_BACKEND = (
    "django.core.mail.backends.smtp.EmailBackend"
    if EMAIL_HOST
    else "django.core.mail.backends.filebased.EmailBackend"
)
EMAIL_FILE_PATH = DATA_DIR / "mail"
DEFAULT_FROM_EMAIL = os.environ.get("MAIL_FROM", "Downstream <downstream@localhost>")
MAIL = bool(EMAIL_HOST) or not PRODUCTION

# --- people, sessions, language -------------------------------------------------------------
SESSION_ENGINE = "django.contrib.sessions.backends.db"
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = PRODUCTION
SESSION_COOKIE_AGE = 12 * 3600
LOGIN_URL = "mes:sign_in"
LOGIN_REDIRECT_URL = "/"
CSRF_FAILURE_VIEW = "mes.views.csrf_failure"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English")]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

# --- static files ---------------------------------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = not PRODUCTION
WHITENOISE_AUTOREFRESH = False
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if PRODUCTION
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}

# --- safety ---------------------------------------------------------------------------------
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_SSL_REDIRECT = PRODUCTION
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if PRODUCTION else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = PRODUCTION
SECURE_HSTS_PRELOAD = PRODUCTION
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if PRODUCTION else None
X_FRAME_OPTIONS = "DENY"
# What a Prometheus shows as its bearer token at /metrics; without one the page is shut.
METRICS_TOKEN = os.environ.get("MES_METRICS_TOKEN", "")
if METRICS_TOKEN and len(METRICS_TOKEN) < 16:
    raise ImproperlyConfigured("MES_METRICS_TOKEN must have 16 characters or more")
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_000_000

# Where the live stream is: same origin behind a front in production, the next port in the demo.
STREAM_ORIGIN = os.environ.get("MES_STREAM_ORIGIN", "")
# The pages that may read the stream across origins: exactly one, never a wildcard.
PAGE_ORIGIN = os.environ.get("MES_PAGE_ORIGIN", "")
# Where the links of a mail lead.
MAIL_ORIGIN = PAGE_ORIGIN or (CSRF_TRUSTED_ORIGINS or [""])[0]
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF, NONCE],
        "style-src": [SELF, NONCE],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF, *([STREAM_ORIGIN] if STREAM_ORIGIN else [])],
        "manifest-src": [SELF],
        "worker-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["mes.access.ApiAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["mes.access.DeclaredAccess", "planning.api.wire.KnownQuery"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["planning.api.wire.ExactJSONParser"],
    "COERCE_DECIMAL_TO_STRING": True,
    "EXCEPTION_HANDLER": "planning.api.wire.problem_response",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Downstream",
    "DESCRIPTION": "Post what happened on the floor; read what it does downstream; answer it.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "planning.api.schema.what_holds_everywhere",
    ],
    "ENUM_NAME_OVERRIDES": {
        "DisruptionKind": "planning.models.Disruption.Kind",
        "OptionKind": "planning.models.Option.Kind",
    },
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
}

LOG_FORMAT = env_choice("LOG_FORMAT", "json" if PRODUCTION else "line", {"json", "line"})
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"format": "%(levelname)s %(name)s %(message)s"},
        "json": {"()": "mes.logs.JsonLines"},
    },
    "filters": {"request": {"()": "mes.logs.WithRequest"}},
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "formatter": LOG_FORMAT,
            "filters": ["request"],
        }
    },
    "root": {"handlers": ["console"], "level": os.environ.get("LOG_LEVEL", "WARNING")},
}
