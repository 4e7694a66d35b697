"""Who may see and do what: every URL, for everybody."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django.fixtures import Settings
from tests.web.making import make_record, make_staff

pytestmark = pytest.mark.django_db

PAGES = ("dashboard/", "dlq/", "failure-taxonomy/", "retry-policy/", "idempotency-analysis/")
JSON = ("api/dlq/", "api/circuit-breakers/", "api/failure-trends/")
ACTIONS = ("dlq/{id}/retry/", "dlq/{id}/abandon/", "dlq/bulk-retry/")
ROOT = "/admin/tasks/"


def _client(user: User | None) -> Client:
    client = Client()
    if user is not None:
        client.force_login(user)
    return client


@pytest.mark.parametrize("page", PAGES)
def test_anonymous_visitor_is_sent_to_the_login_and_back(page: str) -> None:
    answer = _client(None).get(f"{ROOT}{page}?timeframe=7d")

    assert answer.status_code == 302
    assert answer["Location"] == f"/admin/login/?next={ROOT}{page}%3Ftimeframe%3D7d"


@pytest.mark.parametrize("action", ACTIONS)
def test_anonymous_action_is_sent_to_the_login_and_does_nothing(action: str) -> None:
    record = make_record()

    answer = _client(None).post(ROOT + action.format(id=record.pk), {"ids": record.pk, "frozen": record.pk})

    assert answer.status_code == 302
    record.refresh_from_db()
    assert record.status == "PENDING"


@pytest.mark.parametrize("page", PAGES)
def test_user_who_is_not_staff_is_refused(page: str) -> None:
    answer = _client(User.objects.create_user("guest")).get(ROOT + page)

    assert answer.status_code == 403


@pytest.mark.parametrize("page", PAGES)
def test_staff_without_permission_is_told_which_one_is_missing(page: str) -> None:
    answer = _client(make_staff("clerk")).get(ROOT + page)

    assert answer.status_code == 403
    assert b"redrive.view_taskfailurerecord" in answer.content


@pytest.mark.parametrize("page", PAGES)
def test_staff_with_permission_sees_the_page(page: str) -> None:
    answer = _client(make_staff("reader", "view")).get(ROOT + page)

    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]


@pytest.mark.parametrize("action", ACTIONS)
def test_reader_cannot_act(action: str) -> None:
    record = make_record()

    answer = _client(make_staff("reader", "view")).post(
        ROOT + action.format(id=record.pk), {"ids": record.pk, "frozen": record.pk}
    )

    assert answer.status_code == 403
    record.refresh_from_db()
    assert record.status == "PENDING"


def test_reader_is_offered_no_action() -> None:
    make_record()

    page = _client(make_staff("reader", "view")).get(ROOT + "dlq/").content.decode()

    assert "billing.charge" in page
    assert "/retry/" not in page
    assert "bulk-retry" not in page


@pytest.mark.parametrize("action", ACTIONS)
def test_action_by_get_is_not_allowed(action: str) -> None:
    answer = _client(make_staff("operator", "view", "change")).get(ROOT + action.format(id=1))

    assert answer.status_code == 405
    assert answer["Allow"] == "POST"


@pytest.mark.parametrize("page", PAGES)
def test_page_by_post_is_not_allowed(page: str) -> None:
    assert _client(make_staff("reader", "view")).post(ROOT + page).status_code == 405


def test_action_without_csrf_token_is_refused() -> None:
    record = make_record()
    client = Client(enforce_csrf_checks=True)
    client.force_login(make_staff("operator", "view", "change"))

    answer = client.post(f"{ROOT}dlq/{record.pk}/retry/")

    assert answer.status_code == 403
    record.refresh_from_db()
    assert record.status == "PENDING"


@pytest.mark.parametrize("path", JSON)
@pytest.mark.parametrize(
    ("who", "status", "code"),
    [("nobody", 401, "not_authenticated"), ("guest", 403, "not_staff"), ("clerk", 403, "forbidden")],
)
def test_json_refusal_is_json(path: str, who: str, status: int, code: str) -> None:
    users = {
        "nobody": lambda: None,
        "guest": lambda: User.objects.create_user("guest"),
        "clerk": lambda: make_staff("clerk"),
    }

    answer = _client(users[who]()).get(ROOT + path)

    assert answer.status_code == status
    assert answer.json()["version"] == 1
    assert answer.json()["error"]["code"] == code


@pytest.mark.parametrize("path", JSON)
def test_json_refusal_is_json_in_a_project_where_every_page_needs_a_login(
    path: str, settings: Settings
) -> None:
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "django.contrib.auth.middleware.LoginRequiredMiddleware"]

    answer = _client(None).get(ROOT + path)

    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "not_authenticated"


@pytest.mark.parametrize("path", JSON)
def test_json_is_for_reading_only(path: str) -> None:
    answer = _client(make_staff("reader", "view")).post(ROOT + path)

    assert answer.status_code == 405
    assert answer.json()["error"]["code"] == "method_not_allowed"
    assert answer["Allow"] == "GET, HEAD"


def test_action_that_asks_for_json_is_refused_in_json() -> None:
    answer = _client(None).post(f"{ROOT}dlq/1/retry/", headers={"accept": "application/json"})

    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "not_authenticated"
