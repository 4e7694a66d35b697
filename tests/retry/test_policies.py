"""Default policies, and how settings change them."""

import pytest

from redrive.retry import DEFAULT_POLICIES, BackoffStrategy, RetryEngine, RetryPolicy, parse_policies
from redrive.retry.policies import resolve
from redrive.taxonomy import FailureCategory, FailureType


@pytest.mark.parametrize(
    ("kind", "retries", "first", "strategy", "cap", "threshold", "timeout"),
    [
        ("TRANSIENT_DATABASE", 5, 30, "exponential", 3600, 10, 300),
        ("TRANSIENT_NETWORK", 3, 60, "exponential", 1800, 5, 600),
        ("EXTERNAL_API_DOWN", 2, 900, "fibonacci", 7200, 3, 1800),
    ],
)
def test_documented_policies_have_their_documented_numbers(
    kind: str, retries: int, first: float, strategy: str, cap: float, threshold: int, timeout: float
) -> None:
    policy = DEFAULT_POLICIES[FailureType[kind]]

    assert policy.key == kind
    assert policy.max_retries == retries
    assert policy.initial_delay == first
    assert policy.backoff_strategy == strategy
    assert policy.backoff_factor == 2.0
    assert policy.max_delay == cap
    assert policy.circuit_breaker_threshold == threshold
    assert policy.circuit_breaker_timeout == timeout


def test_every_failure_type_has_a_policy_that_says_why() -> None:
    assert list(DEFAULT_POLICIES) == list(FailureType)
    assert all(policy.rationale.endswith(".") for policy in DEFAULT_POLICIES.values())
    assert all(" Source: " in policy.rationale for policy in DEFAULT_POLICIES.values() if policy.max_retries)


def test_permanent_configuration_and_unknown_failures_are_not_retried_and_all_others_are() -> None:
    never = {FailureCategory.PERMANENT, FailureCategory.CONFIGURATION, FailureCategory.UNKNOWN}

    for kind, policy in DEFAULT_POLICIES.items():
        assert (policy.max_retries == 0) is (kind.category in never), kind


def test_a_rate_limit_opens_no_breaker() -> None:
    assert DEFAULT_POLICIES[FailureType.TRANSIENT_RATE_LIMIT].circuit_breaker_threshold == 0


def test_policies_are_frozen() -> None:
    with pytest.raises(AttributeError):
        DEFAULT_POLICIES[FailureType.TRANSIENT_DATABASE].max_retries = 99  # type: ignore[misc]
    with pytest.raises(TypeError):
        DEFAULT_POLICIES[FailureType.UNKNOWN] = RetryPolicy(key="X")  # type: ignore[index]


def test_settings_are_merged_on_the_default_and_named_as_the_reason() -> None:
    overrides = parse_policies({"TRANSIENT_DATABASE": {"initial_delay": 2, "max_retries": 5}})

    policy = resolve(FailureType.TRANSIENT_DATABASE, "shop.pay", overrides)

    assert (policy.initial_delay, policy.max_retries, policy.max_delay) == (2.0, 5, 3600.0)
    assert [one.reason for one in policy.adjustments] == [
        "initial_delay 30.0 → 2.0: POLICIES['TRANSIENT_DATABASE']"
    ]


def test_a_task_pattern_comes_after_the_types_setting() -> None:
    overrides = parse_policies({"shop.pay*": {"max_delay": 60}, "TRANSIENT_DATABASE": {"max_delay": 600}})

    assert resolve(FailureType.TRANSIENT_DATABASE, "shop.pay_invoice", overrides).max_delay == 60
    assert resolve(FailureType.TRANSIENT_DATABASE, "shop.ship", overrides).max_delay == 600


def test_a_task_pattern_cannot_make_a_permanent_failure_run_again() -> None:
    overrides = parse_policies({"shop.*": {"max_retries": 9}})

    assert resolve(FailureType.PERMANENT_LOGIC, "shop.pay", overrides).max_retries == 0
    assert resolve(FailureType.EXTERNAL_TIMEOUT, "shop.pay", overrides).max_retries == 9


def test_the_strategy_may_be_given_as_a_word() -> None:
    parsed = parse_policies({"EXTERNAL_TIMEOUT": {"backoff_strategy": "fibonacci", "jitter": "full"}})

    assert parsed["EXTERNAL_TIMEOUT"]["backoff_strategy"] is BackoffStrategy.FIBONACCI


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        (
            {"TRANSIENT_DATABSE": {}},
            "no failure type 'TRANSIENT_DATABSE'. Did you mean 'TRANSIENT_DATABASE'?",
        ),
        ({"UNKNOWN": {"max_retrys": 1}}, "['max_retrys']: no such field. Did you mean 'max_retries'?"),
        ({"UNKNOWN": {"max_retries": "3"}}, "must be a number, not '3'."),
        ({"UNKNOWN": {"max_retries": True}}, "must be a number, not True."),
        ({"UNKNOWN": {"max_retries": 1.5}}, "must be a whole number, not 1.5."),
        ({"UNKNOWN": {"max_retries": -1}}, "max_retries is -1, but must be 0 or more."),
        ({"UNKNOWN": {"initial_delay": float("nan")}}, "must be a number, not nan."),
        ({"UNKNOWN": {"backoff_factor": 0.5}}, "backoff_factor is 0.5, but must be 1 or more."),
        ({"UNKNOWN": {"backoff_strategy": "fibonaci"}}, "Did you mean 'fibonacci'?"),
        ({"UNKNOWN": 3}, "must be a dict"),
        ({"": {}}, "neither a failure type's name nor a pattern"),
    ],
)
def test_a_mistake_in_the_setting_is_one_clear_message(setting: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match="POLICIES") as caught:
        parse_policies(setting)  # type: ignore[arg-type]

    assert message in str(caught.value)


def test_the_engine_refuses_a_wrong_setting_when_built() -> None:
    with pytest.raises(ValueError, match="no failure type"):
        RetryEngine({"TRANSIENT_DATABSE": {}})


def test_a_policy_explains_itself() -> None:
    overrides = parse_policies({"TRANSIENT_NETWORK": {"max_retries": 4}})

    assert resolve(FailureType.TRANSIENT_NETWORK, "t", overrides).explain() == (
        "TRANSIENT_NETWORK: up to 4 retries, first after 60 s, exponential backoff x2 up to 1800 s, auto jitter. "
        "Refused and reset connections mostly pass within minutes. Source: Redrive's documented defaults.\n"
        "- max_retries 3 → 4: POLICIES['TRANSIENT_NETWORK']"
    )
    assert DEFAULT_POLICIES[FailureType.PERMANENT_LOGIC].explain() == (
        "PERMANENT_LOGIC: not retried. A bug stays until it is fixed."
    )


@pytest.mark.parametrize(
    "setting",
    [
        {"TRANSIENT_NETWORK": {"max_delay": 10}},  # its first delay is 60
        {"TRANSIENT_NETWORK": {"initial_delay": 7200}},  # its cap is 1800
        {"shop.*": {"initial_delay": 60, "max_delay": 30}},
    ],
)
def test_a_cap_below_the_first_delay_is_refused(setting: dict[str, dict[str, float]]) -> None:
    with pytest.raises(ValueError, match=r"below the first delay of .* s; type 'max_delay'"):
        parse_policies(setting)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1, "30", True, None])
def test_numbers_that_make_no_sense_are_refused(value: object) -> None:
    with pytest.raises(ValueError, match="TRANSIENT_NETWORK"):
        parse_policies({"TRANSIENT_NETWORK": {"initial_delay": value}})
