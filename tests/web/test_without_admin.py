"""Pages stand by themselves: without the Django admin, without messages, with a database that is away."""

from __future__ import annotations

import pytest
from django.contrib.auth.views import LoginView
from django.db import connection
from django.test import Client
from django.urls import include, path
from pytest_django.fixtures import Settings
from tests.web.making import make_everything, make_record, make_staff

from redrive.models import TaskFailureRecord

pytestmark = pytest.mark.django_db

PAGES = ("dashboard/", "dlq/?status=all", "failure-taxonomy/", "retry-policy/", "idempotency-analysis/")
URLS = (
    path("ops/", include("redrive.urls")),
    path("enter/", LoginView.as_view(), name="enter"),
)


@pytest.fixture
def bare(settings: Settings) -> Settings:
    """A project with users and sessions only."""
    removed = ("django.contrib.admin", "django.contrib.messages")
    settings.INSTALLED_APPS = [app for app in settings.INSTALLED_APPS if app not in removed]
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if "messages" not in name]
    (engine,) = settings.TEMPLATES
    processors = [name for name in engine["OPTIONS"]["context_processors"] if "messages" not in name]
    settings.TEMPLATES = [{**engine, "OPTIONS": {"context_processors": processors}}]
    settings.ROOT_URLCONF = URLS
    settings.LOGIN_URL = "enter"
    return settings


def _operator() -> Client:
    client = Client()
    client.force_login(make_staff("mia", "view", "change"))
    return client


@pytest.mark.usefixtures("bare")
@pytest.mark.parametrize("page", PAGES)
def test_page_has_a_plain_frame_without_the_admin(page: str) -> None:
    make_everything()

    answer = _operator().get(f"/ops/{page}")

    assert answer.status_code == 200
    text = answer.content.decode()
    assert 'class="redrive-plain"' in text
    assert "admin/css" not in text


@pytest.mark.usefixtures("bare")
def test_anonymous_visitor_is_sent_to_the_projects_login() -> None:
    answer = Client().get("/ops/dlq/")

    assert answer["Location"] == "/enter/?next=/ops/dlq/"


@pytest.mark.usefixtures("bare")
def test_action_works_without_messages() -> None:
    record = make_record()

    answer = _operator().post(f"/ops/dlq/{record.pk}/retry/")

    assert answer["Location"] == "/ops/dlq/"
    assert TaskFailureRecord.objects.get().status == "RETRYING"


@pytest.mark.usefixtures("bare")
def test_list_without_the_admin_links_to_no_page_of_it() -> None:
    make_record()

    text = _operator().get("/ops/dlq/").content.decode()

    assert "billing.charge" in text
    assert "/change/" not in text


def test_installed_admin_that_is_not_in_the_urls_is_not_used(settings: Settings) -> None:
    settings.ROOT_URLCONF = URLS

    answer = _operator().get("/ops/dashboard/")

    assert answer.status_code == 200
    assert 'class="redrive-plain"' in answer.content.decode()


# -- tables that are not there -----------------------------------------------------------------------------


@pytest.fixture
def without_tables() -> None:
    """As before `migrate redrive`: the list's table has another name."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE redrive_taskfailurerecord RENAME TO elsewhere")


@pytest.mark.parametrize("page", PAGES[:3])
def test_missing_table_is_one_clear_page(page: str, request: pytest.FixtureRequest) -> None:
    client = _operator()
    request.getfixturevalue("without_tables")

    answer = client.get(f"/admin/tasks/{page}")

    assert answer.status_code == 503
    assert "manage.py migrate redrive" in answer.content.decode()


def test_missing_table_is_one_clear_page_in_the_admin(
    admin_client: Client, request: pytest.FixtureRequest
) -> None:
    request.getfixturevalue("without_tables")

    answer = admin_client.get("/admin/redrive/taskfailurerecord/")

    assert answer.status_code == 503
    assert "manage.py migrate redrive" in answer.content.decode()


def test_missing_table_is_json_for_programs(request: pytest.FixtureRequest) -> None:
    client = _operator()
    request.getfixturevalue("without_tables")

    answer = client.get("/admin/tasks/api/dlq/")

    assert answer.status_code == 503
    assert answer.json()["error"]["code"] == "database_unavailable"
