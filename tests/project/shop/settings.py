"""Settings of the shop, all from the environment.

DATABASE_URL, BROKER_URL: required. RESULT_URL: result backend (default: none; django-db
brings its app). REDIS_URL: Redrive's Redis
(default: none). REDRIVE: the settings dict as JSON (default: empty). CELERY: further Celery settings as JSON,
in lower case. CLOCK_AHEAD_SECONDS: how far Redrive's clock in this process is ahead (default: 0).
PLAIN: any value leaves Redrive out altogether, for comparisons with a project that never heard of it.
"""

import json
import os
from datetime import UTC, datetime, timedelta

from databases import from_url

SECRET_KEY = "only for tests"
DEBUG = True
ALLOWED_HOSTS = ["127.0.0.1"]
USE_TZ = True
TIME_ZONE = "UTC"
ROOT_URLCONF = "shop.urls"
STATIC_URL = "static/"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

if "CLOCK_AHEAD_SECONDS" in os.environ:
    from redrive.clock import SystemClock

    _ahead = timedelta(seconds=float(os.environ["CLOCK_AHEAD_SECONDS"]))
    SystemClock.now = lambda self: datetime.now(UTC) + _ahead  # every clock of Redrive's is one of these

DATABASES = {"default": from_url(os.environ["DATABASE_URL"])}

PLAIN = bool(os.environ.get("PLAIN"))

INSTALLED_APPS = [
    *([] if PLAIN else ["redrive"]),
    *(["django_celery_results"] if os.environ.get("RESULT_URL") == "django-db" else []),
    "shop",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
]

MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

CELERY_BROKER_URL = os.environ["BROKER_URL"]
CELERY_RESULT_BACKEND = os.environ.get("RESULT_URL")
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
for _name, _value in json.loads(os.environ.get("CELERY", "{}")).items():
    globals()[f"CELERY_{_name.upper()}"] = _value

REDRIVE = json.loads(os.environ.get("REDRIVE", "{}"))
if "REDIS_URL" in os.environ:
    REDRIVE.setdefault("REDIS_URL", os.environ["REDIS_URL"])
