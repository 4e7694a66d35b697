"""Django: models, settings, templates, addresses, forms."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import LazySettings, settings
from django.contrib.auth.models import Group, Permission, User
from django.core import mail, signing
from django.core.cache import caches
from django.core.files.storage import FileSystemStorage
from django.core.management import call_command
from django.core.validators import validate_email
from django.db import IntegrityError, connection, transaction
from django.shortcuts import get_object_or_404
from django.template import Template
from django.template.loader import get_template
from django.test import override_settings
from django.urls import reverse
from django.utils.module_loading import import_string

from tests.servers.process import free_port
from tests.taxonomy.drivers.driven import Driven, check


def unique() -> None:
    with transaction.atomic():
        Group.objects.create(name="night shift")
        Group.objects.create(name="night shift")


def several() -> None:
    Group.objects.bulk_create([Group(name="a"), Group(name="b")])
    Group.objects.get()


def missing_table() -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT * FROM shop_order")


def broken_transaction() -> None:
    with transaction.atomic():
        try:
            Group.objects.create(name="x")
            Group.objects.create(name="x")
        except IntegrityError:
            Group.objects.count()


def no_secret_key() -> None:
    with override_settings(SECRET_KEY=""):
        signing.dumps("x", key=settings.SECRET_KEY or LazySettings().SECRET_KEY)


def unconfigured() -> None:
    import os

    named = os.environ.pop("DJANGO_SETTINGS_MODULE", None)
    try:
        LazySettings().TIME_ZONE  # noqa: B018
    finally:
        if named is not None:
            os.environ["DJANGO_SETTINGS_MODULE"] = named


def unknown_cache() -> None:
    caches["sessions_of_nobody"]


def with_setting(act: Any, **changed: Any) -> Any:
    def provoke() -> None:
        with override_settings(**changed):
            act()

    return provoke


def send_mail() -> None:
    with mail.get_connection("django.core.mail.backends.smtp.EmailBackend") as backend:
        mail.EmailMessage("hello", "hello", "a@b.invalid", ["c@d.invalid"], connection=backend).send()


CASES = (
    Driven("no such row", "PERMANENT_NOT_FOUND", False, lambda: Group.objects.get(pk=404)),
    Driven("no such row, as a page", "PERMANENT_NOT_FOUND", False, lambda: get_object_or_404(Group, pk=404)),
    Driven("several rows", "PERMANENT_LOGIC", False, several),
    Driven("unique", "PERMANENT_VALIDATION,PERMANENT_LOGIC", False, unique),
    Driven(
        "not null",
        "PERMANENT_VALIDATION,PERMANENT_LOGIC",
        False,
        lambda: Permission.objects.create(name="x", codename=None),
    ),
    Driven("transaction aborted before", "PERMANENT_LOGIC,TRANSIENT_DATABASE", False, broken_transaction),
    Driven("no such table", "CONFIG_INVALID_SETTING,PERMANENT_LOGIC", False, missing_table),
    Driven("invalid model", "PERMANENT_VALIDATION", False, lambda: User(username="a b").full_clean()),
    Driven("invalid address", "PERMANENT_VALIDATION", False, lambda: validate_email("not an address")),
    Driven("no such field", "PERMANENT_LOGIC", False, lambda: Group.objects.filter(colour="red")),
    Driven(
        "a number that is none",
        "PERMANENT_VALIDATION,PERMANENT_LOGIC",
        False,
        lambda: Group.objects.get(pk="abc"),
    ),
    Driven("unsaved row", "PERMANENT_LOGIC", False, lambda: Group().permissions.all()),
    Driven("setting absent", "CONFIG_MISSING_SETTING", False, lambda: settings.PAYMENTS_API_KEY),
    Driven("settings not configured", "CONFIG_MISSING_SETTING", False, unconfigured),
    Driven("unknown cache", "CONFIG_INVALID_SETTING,CONFIG_MISSING_SETTING", False, unknown_cache),
    Driven(
        "module in a setting absent",
        "CONFIG_INVALID_SETTING,CONFIG_MISSING_SERVICE,PERMANENT_LOGIC",
        False,
        lambda: mail.get_connection("shop.mail.backends.Pigeon"),
    ),
    Driven(
        "name in a setting absent",
        "CONFIG_INVALID_SETTING,CONFIG_MISSING_SERVICE,PERMANENT_LOGIC",
        False,
        lambda: import_string("django.core.mail.backends.smtp.Pigeon"),
    ),
    Driven(
        "mail server away",
        "TRANSIENT_NETWORK,EXTERNAL_API_DOWN",
        True,
        with_setting(send_mail, EMAIL_HOST="127.0.0.1", EMAIL_PORT=free_port(), EMAIL_TIMEOUT=1),
    ),
    Driven(
        "no such template",
        "PERMANENT_LOGIC,CONFIG_INVALID_SETTING,PERMANENT_NOT_FOUND",
        False,
        lambda: get_template("shop/absent.html"),
    ),
    Driven("broken template", "PERMANENT_LOGIC,CONFIG_INVALID_SETTING", False, lambda: Template("{% if %}")),
    Driven(
        "no such address", "PERMANENT_LOGIC,CONFIG_INVALID_SETTING", False, lambda: reverse("shop:absent")
    ),
    Driven(
        "no such command",
        "PERMANENT_LOGIC,CONFIG_INVALID_SETTING",
        False,
        lambda: call_command("close_the_books"),
    ),
    Driven(
        "path traversal",
        "PERMANENT_PERMISSION,PERMANENT_VALIDATION",
        False,
        lambda: FileSystemStorage("/srv/media").open("../../etc/passwd"),
    ),
    Driven(
        "expired link",
        "PERMANENT_PERMISSION",
        False,
        lambda: signing.loads(signing.dumps("x", key="k"), key="k", max_age=-1),
    ),
)


@pytest.mark.django_db
@pytest.mark.parametrize("case", CASES, ids=str)
def test_django_failure_is_understood(case: Driven) -> None:
    check(case)
