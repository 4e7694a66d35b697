"""Two runs of one bug share a fingerprint; two bugs do not."""

import re
from collections import defaultdict

from hypothesis import given
from hypothesis import strategies as st

from redrive.taxonomy import ExceptionFacts, Frame, fingerprint, normalise_message
from tests.taxonomy.cases import labelled


def failure(
    message: str, line: int = 10, function: str = "charge", qualname: str = "ValueError"
) -> ExceptionFacts:
    return ExceptionFacts(
        "builtins",
        qualname,
        (f"builtins.{qualname}",),
        message,
        frames=(Frame("shop/tasks.py", line, function, project=True), Frame("json/decoder.py", 5, "decode")),
    )


def test_it_is_versioned_and_short() -> None:
    assert re.fullmatch(r"1:[0-9a-f]{32}", fingerprint(failure("bad"), "shop.charge"))


def test_line_numbers_do_not_count_but_function_class_and_task_do() -> None:
    base = fingerprint(failure("bad", line=10), "shop.charge")

    assert fingerprint(failure("bad", line=99), "shop.charge") == base
    assert fingerprint(failure("bad", function="refund"), "shop.charge") != base
    assert fingerprint(failure("bad", qualname="KeyError"), "shop.charge") != base
    assert fingerprint(failure("bad"), "shop.refund") != base


def test_library_frames_below_the_project_do_not_count() -> None:
    facts = failure("bad")
    deeper = ExceptionFacts(
        facts.exc_module, facts.exc_qualname, facts.mro, facts.message,
        frames=(*facts.frames, Frame("json/scanner.py", 3, "scan")),
    )  # fmt: skip

    assert fingerprint(deeper, "t") == fingerprint(facts, "t")


def test_what_varies_is_taken_out_of_messages() -> None:
    pairs = {
        "Order 118 not found at /srv/a/b.pdf": "order <n> not found at <path>",
        "user bob@mail.example refused": "user <email> refused",
        "Connect to https://api.x.example/v1/7?a=b failed": "connect to <url> failed",
        "Task 7f1c0f0e-8e1b-4c55-9f2e-1f6a4b7c2d10 lost": "task <uuid> lost",
        "<Order object at 0x7f3a5c1e9d90>": "<order object at <addr>>",
        "at 2025-06-03T08:14:05Z from 10.0.3.17:5432": "at <time> from <ip>",
        "column 'sku' is null": "column <q> is null",
        "digest 9f86d081884c7d65 wrong": "digest <n> wrong",
        "request id req-4f9d2c1b7a8e6f50x": "request id req-<id>",
    }
    for message, expected in pairs.items():
        assert normalise_message(message) == expected


@given(st.integers(0, 10**9), st.integers(0, 10**9), st.uuids(), st.uuids())
def test_ids_and_numbers_never_split_a_group(first: int, second: int, one: object, other: object) -> None:
    a = failure(f"could not charge order {first} (request {one}) after {second} ms")
    b = failure(f"could not charge order {second} (request {other}) after {first} ms")

    assert fingerprint(a, "t") == fingerprint(b, "t")


def test_different_labels_rarely_share_a_fingerprint_on_labelled_failures() -> None:
    labels = defaultdict(set)
    for case in labelled():
        labels[fingerprint(case.facts, str(case.context.get("task_name", "t")))].add(case.label)

    mixed = [found for found in labels.values() if len(found) > 1]

    assert len(mixed) <= 2, mixed
