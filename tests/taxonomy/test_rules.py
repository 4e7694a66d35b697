"""Every rule says where it comes from, fires on something, and is not hidden behind another."""

from __future__ import annotations

from collections import Counter

import pytest

from redrive.taxonomy import Classifier, ExceptionFacts, FailureType, Frame
from redrive.taxonomy.reading import Reading, read
from redrive.taxonomy.rulebook import RuleBook
from redrive.taxonomy.rules import (
    ALL,
    CLASSES,
    CODES,
    FAMILIES,
    FRAMES,
    NAMES,
    TEXTS,
    ClassRule,
    NameRule,
    TextRule,
)
from redrive.taxonomy.rules.families import family_of_module
from tests.taxonomy.cases import labelled, own_examples

BOOK = RuleBook(ALL)

# One module of every kind of library, to give an example the right surroundings.
MODULE_OF = {
    "": "shop.errors", "database": "psycopg2", "store": "redis.exceptions", "broker": "kombu.exceptions",
    "http": "requests.exceptions", "api": "stripe", "aws": "botocore.exceptions", "grpc": "grpc",
    "google": "google.api_core.exceptions", "azure": "azure.core.exceptions", "mail": "smtplib", "ftp": "ftplib",
    "ssh": "paramiko.ssh_exception",
    "celery": "celery.exceptions", "django": "django.core.exceptions", "settings": "decouple", "data": "csv",
}  # fmt: skip

# For rules whose fragment alone does not satisfy their pattern.
EXAMPLES = {
    "text.placeholder_url": "HTTPSConnectionPool(host='x', port=443): Max retries exceeded with url: /v1/None/orders",
    "text.relative_url": "Invalid URL '/v1/orders': No scheme supplied.",
    "text.environment_key": "'PAYMENTS_ACCOUNT_ID'",
    "text.own_module": "No module named 'shop.tasks'",
    "text.bare_command": "[Errno 2] No such file or directory: 'convert'",
    "text.silent_process": "Command 'x' returned non-zero exit status 1.",
    "text.no_transport": "'No such transport: '",
    "text.pydantic_settings": "1 validation error for Settings\nurl\n  Field required",
    "text.pydantic_settings_value": "1 validation error for Settings\nport\n  Input should be a valid integer",
    "text.invalid_first": "Invalid phone number",
    "text.named_target": "index 'orders' not found",
    "text.none_found": "No open orders found",
    "text.none_abroad": "keine Preisliste für Kunde 7",
    "text.quota_abroad": "API-Kontingent aufgebraucht",
    "text.down_abroad": "Annahmeserver wegen Wartungsarbeiten nicht verfügbar",
    "text.window_used_up": "permits 60 labels per minute; 60 already drawn",
    "text.row_place": "row 17: price is too odd",
    "text.expired_words": "the session is long expired",
    "text.own_sentence": "the recipient refused the parcel at the door",
}


def hits_of_all_cases() -> Counter[str]:
    fired: Counter[str] = Counter()
    for case in (*labelled(), *own_examples()):
        for link in case.facts.links():
            fired.update(hit.rule.id for hit in BOOK.hits(read(link)))
    return fired


FIRED = hits_of_all_cases()


def facts_of(module: str, name: str, message: str = "", bases: tuple[str, ...] = ()) -> ExceptionFacts:
    return ExceptionFacts(module, name, (f"{module}.{name}", *bases, "builtins.Exception"), message)


def test_every_rule_has_a_source_and_a_sane_trust() -> None:
    for rule in ALL:
        assert rule.source, rule.id
        assert 0.2 < rule.trust < 1.0, rule.id
        assert isinstance(rule.says, FailureType), rule.id


def test_no_code_belongs_to_two_rules() -> None:
    listed = Counter((rule.space, code) for rule in CODES for code in rule.codes)

    assert [code for code, count in listed.items() if count > 1] == []


def test_no_class_belongs_to_two_rules() -> None:
    listed = Counter(name for rule in CLASSES for name in rule.names)

    assert [name for name, count in listed.items() if count > 1] == []


@pytest.mark.parametrize("rule", CODES, ids=lambda rule: rule.id)
def test_code_rule_fires_on_each_of_its_codes(rule: object) -> None:
    assert rule in CODES
    for code in rule.codes:  # type: ignore[attr-defined]
        space = rule.space  # type: ignore[attr-defined]
        status = int(code) if space in ("http", "ownhttp") else 0
        family = "store" if space == "ownhttp" else "api"
        codes = [] if status else [(space, code, code)]
        reading = Reading(facts_of("x", "X"), family, "", "", codes, status)
        assert rule in [hit.rule for hit in BOOK.hits(reading)], code


@pytest.mark.parametrize("rule", CLASSES, ids=lambda rule: rule.id)
def test_class_rule_fires_on_each_of_its_names(rule: ClassRule) -> None:
    for name in rule.names:
        package, colon, simple = name.partition(":")
        dotted = f"{package or 'shop'}.errors.{simple}" if colon else name
        module, _, qualname = dotted.rpartition(".")
        assert rule in [hit.rule for hit in BOOK.hits(read(facts_of(module, qualname)))], name


def name_with(word: str) -> str:
    return f"{word[1:]}Shop" if word.startswith("^") else f"Shop{word}"


@pytest.mark.parametrize("rule", NAMES, ids=lambda rule: rule.id)
def test_name_rule_fires_on_classes_nobody_listed(rule: NameRule) -> None:
    fired = [
        word
        for word in rule.words
        if rule in [hit.rule for hit in BOOK.hits(read(facts_of("shop.errors", name_with(word))))]
    ]

    # A word that always gives way to a longer one of another rule would be dead weight.
    assert len(fired) >= len(rule.words) * 0.8, sorted(set(rule.words) - set(fired))


def example_of(rule: TextRule, fragment: str) -> ExceptionFacts:
    message = EXAMPLES.get(rule.id, f"{fragment} {rule.also[0] if rule.also else ''}".strip())
    classes = sorted(rule.classes)
    if classes and not rule.families:
        return facts_of("builtins", classes[0], message)
    family = sorted(rule.families)[0] if rule.families else ""
    module = MODULE_OF[family]
    assert family_of_module(module) == family
    return facts_of(module, "SomeError", message, tuple(f"builtins.{name}" for name in classes))


@pytest.mark.parametrize("rule", TEXTS, ids=lambda rule: rule.id)
def test_text_rule_is_not_shadowed(rule: TextRule) -> None:
    fired = [
        fragment
        for fragment in rule.any_of
        if rule in [hit.rule for hit in BOOK.hits(read(example_of(rule, fragment)))]
    ]

    assert fired, "no fragment of this rule gets past the rules before it"


@pytest.mark.parametrize("rule", FRAMES, ids=lambda rule: rule.id)
def test_frame_rule_fires_on_its_places(rule: object) -> None:
    classes = sorted(rule.classes) or ["ValueError"]  # type: ignore[attr-defined]
    for place in rule.places:  # type: ignore[attr-defined]
        file, _, function = place.partition(":")
        frame = Frame(file, 1, function or "f")
        facts = ExceptionFacts("builtins", classes[0], (f"builtins.{classes[0]}",), "", frames=(frame,))
        fired = [hit.rule.id for hit in BOOK.hits(read(facts)) if hit.rule.id.startswith("frame.")]
        assert fired, place


def test_every_kind_of_library_with_a_last_resort_reaches_it() -> None:
    for rule in FAMILIES:
        for family in rule.families:
            module = MODULE_OF.get(family, "sklearn")
            assert rule in [hit.rule for hit in BOOK.hits(read(facts_of(module, "Strange")))], family


def test_every_text_and_name_rule_fires_on_a_case_of_ours_or_a_labelled_one() -> None:
    assert [rule.id for rule in (*TEXTS, *NAMES) if not FIRED[rule.id]] == []


@pytest.mark.parametrize(
    "message",
    [
        "Dienstplan nicht verfügbar",
        "Wartungsvertrag 8 nicht verfügbar",
        "Der Kunde ist derzeit nicht erreichbar, Dienstag erneut",
        "Limit of 5 orders per day already used by employee 7",
        "device is not currently connected to a patient",
    ],
)
def test_business_words_that_sound_like_trouble_ask_for_no_retry(message: str) -> None:
    facts = ExceptionFacts("shop.errors", "Refused", ("shop.errors.Refused", "builtins.Exception"), message)

    assert not Classifier().classify_facts(facts).retry_recommended


@pytest.mark.parametrize(
    ("cause", "kind"),
    [
        (ConnectionRefusedError(111, "Connection refused"), FailureType.TRANSIENT_NETWORK),
        (MemoryError(), FailureType.SYSTEM_OUT_OF_MEMORY),
        (OSError(28, "No space left on device"), FailureType.SYSTEM_DISK_FULL),
    ],
)
def test_a_sentence_about_business_hides_nothing_that_led_to_it(cause: Exception, kind: FailureType) -> None:
    error = ValueError("order 77 never reached the shelves of shop 4")
    assert Classifier().classify(error).failure_type is FailureType.PERMANENT_VALIDATION
    own = type("OrderError", (Exception,), {"__module__": "shop.errors"})("order 77 never reached shop 4")
    own.__context__ = cause

    assert Classifier().classify(own).failure_type is kind


def test_names_of_trouble_keep_their_meaning_beside_customers() -> None:
    busy = type("ErpTimeout", (Exception,), {"__module__": "shop.errors"})(
        "customer 77 took 31 of 30 seconds"
    )

    assert Classifier().classify(busy).failure_type is FailureType.EXTERNAL_TIMEOUT
