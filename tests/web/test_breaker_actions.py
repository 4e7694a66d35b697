"""An operator forces a breaker open on the retry page: asked first, allowed only to some, audited."""

from __future__ import annotations

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from tests.web.making import make_staff

from redrive import runtime
from redrive.gate import Outcome, Run
from redrive.models import Event

pytestmark = pytest.mark.django_db

ACT = "/admin/tasks/retry-policy/gate/"
PAGE = "/admin/tasks/retry-policy/"
AS_JSON = {"accept": "application/json"}
FORCE = {"downstream": "stripe", "verb": "force-open"}
DOWN = Outcome.failure("EXTERNAL_API_DOWN", threshold=3, open_seconds=60)


@pytest.fixture
def operator() -> Client:
    client = Client()
    client.force_login(make_staff("mia", "view", "change"))
    return client


@pytest.fixture(autouse=True)
def stripe() -> None:
    """A breaker that has counted a failure."""
    runtime.gate().report("shop.pay", "stripe", Run(), DOWN)


def override() -> str | None:
    return runtime.gate().states().breakers[0].override


def test_browser_is_asked_before_anything_happens(operator: Client) -> None:
    asked = operator.post(ACT, FORCE)

    assert asked.status_code == 200
    assert 'name="confirmed"' in asked.content.decode()
    assert "Every call is held" in asked.content.decode()
    assert override() is None


def test_confirmed_word_holds_and_is_in_the_history_with_its_reason(operator: Client) -> None:
    answer = operator.post(ACT, {**FORCE, "confirmed": "1", "reason": "they asked us to stop"})

    assert (answer.status_code, answer["Location"]) == (302, PAGE)
    assert "they asked us to stop" in str(next(iter(get_messages(answer.wsgi_request))))
    assert override() == "forced_open"
    event = Event.objects.get(kind="gate-force-open")
    assert (event.actor, event.subject) == ("mia", "stripe")
    assert "they asked us to stop" in event.reason
    assert event.numbers["before"] == "closed"
    page = operator.get(PAGE).content.decode()
    assert "forced_open" in page
    assert "they asked us to stop" in page


def test_program_gives_its_reason_at_once(operator: Client) -> None:
    without = operator.post(ACT, FORCE, headers=AS_JSON)
    done = operator.post(ACT, {**FORCE, "reason": "maintenance"}, headers=AS_JSON)

    assert without.status_code == 400
    assert done.json()["done"] == ["stripe"]
    assert override() == "forced_open"


@pytest.mark.parametrize("wrong", [{"verb": "explode"}, {"downstream": " "}])
def test_nonsense_changes_nothing(operator: Client, wrong: dict[str, str]) -> None:
    answer = operator.post(ACT, {**FORCE, "confirmed": "1", "reason": "x", **wrong})

    assert answer.status_code == 302
    assert override() is None


def test_released_and_reset_breakers_decide_by_themselves(operator: Client) -> None:
    for verb in ("observe", "release", "force-closed", "reset"):
        operator.post(ACT, {"downstream": "stripe", "verb": verb, "confirmed": "1", "reason": "test"})

    states = runtime.gate().states().breakers
    assert [state.override for state in states] == [None]
    assert states[0].failures == 0
    assert Event.objects.filter(kind__startswith="gate-").count() == 4


def test_reader_sees_no_buttons_and_may_not_act() -> None:
    reader = Client()
    reader.force_login(make_staff("rob", "view"))

    assert ACT not in reader.get(PAGE).content.decode()
    assert reader.post(ACT, {**FORCE, "confirmed": "1", "reason": "x"}).status_code == 403
    assert override() is None


def test_action_is_offered_beside_each_breaker(operator: Client) -> None:
    page = operator.get(PAGE).content.decode()

    assert f'action="{ACT}"' in page
    assert 'value="force-closed"' in page


def test_confirmed_word_without_a_reason_is_asked_for_it_once_and_changes_nothing(operator: Client) -> None:
    answer = operator.post(ACT, {**FORCE, "confirmed": "1", "reason": "  "})

    assert answer.status_code == 200
    assert [str(message) for message in get_messages(answer.wsgi_request)] == [
        "Say why: the reason goes into the history."
    ]
    assert 'name="reason"' in answer.content.decode()
    assert override() is None
    assert not Event.objects.filter(kind="gate-force-open").exists()
