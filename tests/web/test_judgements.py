"""An operator says what a failure really is: on its page, by form or JSON, audited, and taken back."""

from __future__ import annotations

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from tests.web.making import make_record, make_staff

from redrive.models import Event, FailureGroup

pytestmark = pytest.mark.django_db

JUDGE = "/admin/tasks/failure-taxonomy/judge/"
PAGE = "/admin/tasks/failure-taxonomy/"
AS_JSON = {"accept": "application/json"}
NAME = "1:0123456789abcdef0123456789abcdef"
THE_TYPE = {"fingerprint": NAME, "failure_type": "EXTERNAL_API_DOWN"}


@pytest.fixture
def operator() -> Client:
    client = Client()
    client.force_login(make_staff("mia", "view", "change"))
    return client


@pytest.fixture
def reader() -> Client:
    client = Client()
    client.force_login(make_staff("rob", "view"))
    return client


def correction() -> str:
    return FailureGroup.objects.get(fingerprint=NAME).correction


def test_correction_is_kept_and_audited(operator: Client) -> None:
    make_record(fingerprint=NAME)

    answer = operator.post(JUDGE, {**THE_TYPE, "reason": "their gateway was down"})

    assert (answer.status_code, answer["Location"]) == (302, PAGE)
    assert "every later failure" in str(next(iter(get_messages(answer.wsgi_request))))
    assert correction() == "EXTERNAL_API_DOWN"
    event = Event.objects.get()
    assert (event.actor, event.kind, event.subject) == ("mia", "correct type", NAME)
    assert event.numbers["found"] == "PERMANENT_VALIDATION"


def test_program_gets_the_shape_of_the_other_actions(operator: Client) -> None:
    make_record(fingerprint=NAME)

    first = operator.post(JUDGE, THE_TYPE, headers=AS_JSON)
    second = operator.post(JUDGE, THE_TYPE, headers=AS_JSON)

    assert (first.status_code, first.json()) == (200, {"version": 1, "done": [NAME], "refused": {}})
    assert (second.status_code, second.json()) == (
        409,
        {"version": 1, "done": [], "refused": {NAME: "That was said already."}},
    )


def test_correction_is_taken_back(operator: Client) -> None:
    make_record(fingerprint=NAME)
    operator.post(JUDGE, THE_TYPE)

    operator.post(JUDGE, {"fingerprint": NAME, "revoke": "1"})

    assert correction() == ""


def test_reader_may_not_judge(reader: Client) -> None:
    record = make_record(fingerprint=NAME)

    assert reader.post(JUDGE, THE_TYPE, headers=AS_JSON).status_code == 403
    url = f"/admin/redrive/taskfailurerecord/{record.pk}/judge/"
    assert reader.post(url, THE_TYPE).status_code == 403
    assert not FailureGroup.objects.exists()
    assert "This type is right" not in reader.get(url.replace("judge", "change")).content.decode()


def test_looking_is_not_judging(operator: Client) -> None:
    record = make_record(fingerprint=NAME)

    assert operator.get(JUDGE).status_code == 405
    assert operator.get(f"/admin/redrive/taskfailurerecord/{record.pk}/judge/").status_code == 405


def test_type_page_shows_how_often_operators_agree(operator: Client) -> None:
    for number, says in enumerate(["PERMANENT_VALIDATION", "PERMANENT_VALIDATION", "PERMANENT_LOGIC"]):
        make_record(fingerprint=f"1:{number}")
        operator.post(JUDGE, {"fingerprint": f"1:{number}", "failure_type": says})

    page = operator.get(PAGE)

    agreed = page.context["page"].agreed
    assert (agreed.judged, agreed.agreed) == (3, 2)
    (row,) = page.context["page"].agreement
    assert (row.failure_type, row.judged, row.agreed) == ("PERMANENT_VALIDATION", 3, 2)
    text = page.content.decode()
    assert "Of 3 kinds of failure that somebody judged, the type was right for 2 (66.7" in text
    assert text.count(f'action="{JUDGE}"') == 3


def test_type_page_says_how_to_begin(operator: Client, reader: Client) -> None:
    assert "Nobody has judged a failure yet" in operator.get(PAGE).content.decode()

    make_record(fingerprint=NAME)
    operator.post(JUDGE, THE_TYPE)

    assert JUDGE not in reader.get(PAGE).content.decode()


def test_record_page_confirms_corrects_and_takes_back(operator: Client) -> None:
    record = make_record(fingerprint=NAME)
    judge = f"/admin/redrive/taskfailurerecord/{record.pk}/judge/"
    change = f"/admin/redrive/taskfailurerecord/{record.pk}/change/"
    assert f'action="{judge}"' in operator.get(change).content.decode()

    answer = operator.post(judge, {"right": "1"})
    assert (answer.status_code, answer["Location"], correction()) == (302, change, "PERMANENT_VALIDATION")
    assert "mia found this type right." in operator.get(change).content.decode()

    operator.post(judge, {"failure_type": "PERMANENT_LOGIC", "reason": "<b>ours</b>"})
    text = operator.get(change).content.decode()
    assert "mia said that this is really" in text
    assert "&lt;b&gt;ours&lt;/b&gt;" in text

    operator.post(judge, {"revoke": "1"})
    assert correction() == ""


def test_record_without_a_fingerprint_cannot_be_judged(operator: Client) -> None:
    record = make_record(fingerprint="")

    text = operator.get(f"/admin/redrive/taskfailurerecord/{record.pk}/change/").content.decode()
    operator.post(f"/admin/redrive/taskfailurerecord/{record.pk}/judge/", {"right": "1"})

    assert "This type is right" not in text
    assert not FailureGroup.objects.exists()
