"""Secrets are hidden wherever an exception carries them; words about secrets stay."""

from __future__ import annotations

import time

import pytest

from redrive.taxonomy import FailureTaxonomy, extract, fingerprint, mask

# Put together here, so that no scanner takes them for real ones.
JWT = "eyJhbGciOiJIUzI1NiJ9" + ".eyJzdWIiOiIxMjM0NTY3ODkwIn0" + ".dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P"
SECRETS = {
    "URL": ("could not reach postgresql://shop:hunter2@db:5432/shop", "hunter2"),
    "URL without user": ("Error 111 connecting to redis://:hunter2@h:6379", "hunter2"),
    "assignment": ("FATAL: host=db user=shop password=hunter2 dbname=x", "hunter2"),
    "quoted assignment": ("Client(password='hunter2 with blanks', x=1)", "hunter2"),
    "JSON": ('{"user": "ann", "password": "hunter two"}', "hunter two"),
    "dict": ("{'api_key': 'abcdef', 'x': 1}", "abcdef"),
    "JSON with a longer name": ('{"client_secret_value": "abcdef"}', "abcdef"),
    "query": ("404 for url: https://api.example/v1?api_key=abcdef&page=2", "abcdef"),
    "signed link": ("403 https://bucket.example/a?X-Amz-Signature=0a1b2c&x=1", "0a1b2c"),
    "header": ("sent Authorization: Bearer abc.def-123456", "abc.def-123456"),
    "basic": ("sent Authorization: Basic c2hvcDpodW50ZXIy", "c2hvcDpodW50ZXIy"),
    "header tuple": ("('authorization', 'Bearer abcdefgh')", "abcdefgh"),
    "password with digits": ("login failed, password: hunter22", "hunter22"),
    "connection string": ("AccountName=shop;AccountKey=abc/def+gh==;Endpoint=x", "abc/def+gh=="),
    "cookie": ("Cookie: sessionid=abcdef0123", "abcdef0123"),
    "JWT": (f"cannot decode {JWT}", "eyJzdWIi"),
    "AWS": ("The key AKIA" + "IOSFODNN7EXAMPLE is unknown", "IOSFODNN7EXAMPLE"),
    "Stripe": ("Invalid API Key provided: sk_live_" + "4eC39HqLyjWDarjtT1zdp7dc", "4eC39HqLyjWDarjtT1zdp7dc"),
    "OpenAI": ("Incorrect API key provided: sk-proj-" + "abcdefghijklmnop1234", "abcdefghijklmnop1234"),
    "GitHub": ("bad credentials ghp_" + "abcdefghijklmnopqrstuvwxyz0123456789", "abcdefghijklmnop"),
    "Slack": ("invalid_auth xoxb-" + "123456789012-abcdefghijkl", "abcdefghijkl"),
    "Google": ("API key AIza" + "SyDdI0hCZtE6vySjMm-WEfRq3CPzqKqqsHI", "SyDdI0hCZtE6vySj"),
    "SendGrid": ("401 SG." + "abcdefghijklmnop.qrstuvwxyz012345", "qrstuvwxyz012345"),
    "private key": (
        "-----BEGIN RSA PRIVATE " + "KEY-----\nMIIEabc\n-----END RSA PRIVATE KEY-----",
        "MIIEabc",
    ),
    "card": ("card 4242 4242 4242 4242 declined", "4242 4242"),
    "card in one": ("card 5555555555554444 declined", "555555555555"),
}
HARMLESS = (
    "invalid token: expired",
    "Unexpected token < in JSON at position 0",
    "Authentication token has expired",
    "password authentication failed for user shop",
    "Authorization: denied",
    "Key (email)=(a@b.example) already exists.",
    "order 1234567890123456 does not exist",
    "2026-11-22 07:00:00,123",
    "no API key provided",
    "basic usage: shop --help",
    "see https://docs.example/passwords for help",
    "KeyError: 'token'",
    "[Errno 104] Connection reset by peer",
)


class ApiError(Exception):
    """As many libraries make theirs: with what was answered."""

    def __init__(self, message: str, body: str) -> None:
        super().__init__(message)
        self.body = body
        self.details = {"password": "hunter2", "code": "card_declined"}


@pytest.mark.parametrize(("text", "secret"), SECRETS.values(), ids=SECRETS)
def test_secret_is_hidden(text: str, secret: str) -> None:
    assert secret not in mask(text)
    assert "***" in mask(text)


@pytest.mark.parametrize(("text", "secret"), SECRETS.values(), ids=SECRETS)
def test_masking_twice_changes_nothing(text: str, secret: str) -> None:
    assert mask(mask(text)) == mask(text)


@pytest.mark.parametrize("text", HARMLESS)
def test_words_about_secrets_stay(text: str) -> None:
    assert mask(text) == text


@pytest.mark.parametrize(("text", "secret"), SECRETS.values(), ids=SECRETS)
def test_nothing_that_is_stored_or_shown_has_the_secret(text: str, secret: str) -> None:
    try:
        try:
            raise ValueError(text)
        except ValueError as inner:
            raise ApiError(text, text) from inner
    except ApiError as problem:
        facts = extract(problem)
        answer = FailureTaxonomy.classify(problem, {"task_name": "a", "note": text})

    assert secret not in repr(facts.to_dict())
    assert "hunter2" not in repr(facts.to_dict())
    assert secret not in repr(answer.to_dict())


def test_failures_that_differ_in_a_secret_only_are_one_group() -> None:
    first, second = (
        extract(ValueError(f"login refused, password={word}")) for word in ("hunter", "correct-horse")
    )

    assert fingerprint(first, "a") == fingerprint(second, "a")


@pytest.mark.parametrize(
    "piece",
    ["password", "password=", "://a:", "eyJa.", "1 ", "4242 ", "-----BEGIN ", "bearer ", "token: a", "key-"],
)
def test_hostile_text_takes_bounded_time(piece: str) -> None:
    text = piece * (32_000 // len(piece))
    started = time.process_time()

    mask(text)

    # A few milliseconds; what backtracks takes minutes.
    assert time.process_time() - started < 5
