"""Settings of the reference project.

Nothing has to be set: without `DATABASE_URL` the data is in SQLite under `var/`, without `BROKER_URL` the broker is a
Redis or Valkey on this machine. `make demo` sets all of it.
"""

import os
from datetime import timedelta
from pathlib import Path

from celery.schedules import crontab
from kombu import Queue

from config import environment

EXAMPLE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = Path(os.environ.get("VAR_DIR") or EXAMPLE_DIR.parent / "var")

# Django

SECRET_KEY = os.environ.get("SECRET_KEY") or "for-this-machine-only-the-reference-project-holds-no-secrets"
DEBUG = environment.flag("DEBUG", default=True)
ALLOWED_HOSTS = ["127.0.0.1", "localhost", "[::1]", "testserver"]

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_celery_beat",
    "apps.core",
    "apps.facilities",
]
INSTALLED_APPS += ["redrive"]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
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
            ],
        },
    },
]
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
STATIC_URL = "/static/"
STATIC_ROOT = VAR_DIR / "static"
TIME_ZONE = "UTC"
USE_TZ = True
LANGUAGE_CODE = "en-gb"

DATABASES = {
    "default": (
        environment.database(os.environ["DATABASE_URL"])
        if os.environ.get("DATABASE_URL")
        else environment.sqlite(VAR_DIR / "example.sqlite3")
    )
}

# "SQLite is for a first try": without DATABASE_URL this is one.
SILENCED_SYSTEM_CHECKS = [] if os.environ.get("DATABASE_URL") else ["redrive.W001"]

# What the company's tasks talk to

PAYMENT_GATEWAY_URL = os.environ.get("PAYMENT_GATEWAY_URL") or "http://127.0.0.1:8801"
SENSOR_HUB_URL = os.environ.get("SENSOR_HUB_URL") or "http://127.0.0.1:8802"
MAIL_HOST = os.environ.get("MAIL_HOST") or "127.0.0.1"
MAIL_PORT = int(os.environ.get("MAIL_PORT") or 8803)
MAIL_SENDER = "dispatch@facilities.example"
REPORTS_DIR = VAR_DIR / "reports"
# One file per secret, as container platforms mount them: a secret can be added while workers run.
SECRETS_DIR = Path(os.environ.get("SECRETS_DIR") or VAR_DIR / "secrets")

# Celery

REDIS_URL = os.environ.get("REDIS_URL") or ""
CELERY_BROKER_URL = os.environ.get("BROKER_URL") or REDIS_URL or "redis://127.0.0.1:6379/0"
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_RESULT_BACKEND = REDIS_URL or None
CELERY_RESULT_EXPIRES = timedelta(hours=1)
CELERY_TASK_SOFT_TIME_LIMIT = 60
CELERY_TASK_TIME_LIMIT = 90
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
# What a killed worker held comes back after this many seconds: longer than any task may run, much shorter than
# Celery's default of an hour. Redis only.
CELERY_BROKER_TRANSPORT_OPTIONS = (
    {"visibility_timeout": 120} if CELERY_BROKER_URL.startswith(("redis", "rediss")) else {}
)
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = TIME_ZONE

# RabbitMQ orders a queue by priority only if the queue was declared with a maximum; Redis ignores the argument.
CELERY_TASK_QUEUES = [
    Queue(name, queue_arguments={"x-max-priority": 10})
    for name in ("critical", "high_priority", "reports", "maintenance", "celery")
] + [Queue("heavy_reports")]
CELERY_TASK_DEFAULT_QUEUE = "celery"

CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"
CELERY_BEAT_SCHEDULE = {
    "poll every sensor": {"task": "facilities.poll_all_sensors", "schedule": timedelta(seconds=15)},
    "escalate overdue work orders": {
        "task": "facilities.escalate_overdue_work_orders",
        "schedule": timedelta(seconds=20),
    },
    "close completed work orders": {
        "task": "facilities.close_completed_work_orders",
        "schedule": timedelta(seconds=30),
    },
    "remind of overdue invoices": {
        "task": "facilities.remind_of_overdue_invoices",
        "schedule": crontab(hour=8, minute=30),
    },
    "nightly reports": {"task": "facilities.build_nightly_reports", "schedule": crontab(hour=2, minute=0)},
    "purge old readings": {"task": "facilities.purge_old_readings", "schedule": crontab(hour=3, minute=15)},
}

# Redrive

REDRIVE: dict[str, object] = {
    "MODE": os.environ.get("REDRIVE_MODE") or "on",
    "AUTO_RETRY": os.environ.get("REDRIVE_AUTO_RETRY") or "declared",
    # Redis is the broker here: no worker that is killed loses a message it had just taken.
    "BROKER_TAKE": "atomic",
    "REDIS_URL": REDIS_URL or None,
    "BUSINESS_UNIT": "apps.facilities.tenancy.business_unit_of",
    "SPILL": {"DIRECTORY": str(VAR_DIR / "spill")},
    # A message that was sent and never started (its worker was killed) is sent again before a demo is over.
    "KEEPER": {"REPUBLISH_SECONDS": 20},
}

# The documented first delays are 30 s to 15 min, and breakers stay open for up to 30 min: right for production, too
# long for someone who watches. So the demo shortens them; growth, caps, jitter and numbers of retries stay.
if environment.flag("SHORT_DELAYS", default=False):
    REDRIVE["POLICIES"] = {
        "TRANSIENT_DATABASE": {"initial_delay": 3, "circuit_breaker_timeout": 30},
        "TRANSIENT_NETWORK": {"initial_delay": 4, "circuit_breaker_timeout": 30},
        "TRANSIENT_RATE_LIMIT": {"initial_delay": 3},
        "EXTERNAL_API_DOWN": {"initial_delay": 8, "circuit_breaker_timeout": 30},
        "EXTERNAL_API_ERROR": {"initial_delay": 4, "circuit_breaker_timeout": 30},
        "EXTERNAL_TIMEOUT": {"initial_delay": 4, "circuit_breaker_timeout": 30},
        "SYSTEM_OUT_OF_MEMORY": {"initial_delay": 4},
        "SYSTEM_DISK_FULL": {"initial_delay": 2},
    }
