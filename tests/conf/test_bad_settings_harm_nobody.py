"""The host goes on with settings that cannot be used; the log says which default is in force."""

import re
from typing import Any

import pytest
from django.test import override_settings

from redrive import runtime, values
from redrive.options import Options
from redrive.priority import TaskPriority
from redrive.stores.sql.leases import SqlLeaseStore

BAD: list[tuple[str, Any]] = [
    ("POLICIES", {"NO_SUCH_TYPE": {}}),
    ("POLICIES", {"UNKNOWN": {"max_retrys": 1}}),
    ("POLICIES", {"UNKNOWN": 5}),
    ("TASK_PATTERNS", {"a.*": {"retry_save": True}}),
    ("TASK_PATTERNS", {"a.*": 5}),
    ("PRIORITY", {"PATTERNS": {"a": "HIGHEST"}}),
    ("PRIORITY", {"PATTERNS": {"(": "HIGH"}}),
    ("PRIORITY", {"PATTERNS": 5}),
    ("OFF_PEAK", {"START": "25:00"}),
    ("OFF_PEAK", {"TIME_ZONE": "Mars/Olympus"}),
    ("DOWNSTREAMS", {"stripe": {"HOSTZ": ["x"]}}),
    ("DOWNSTREAMS", {"stripe": 5}),
    ("RULES", [{"says": "NO_SUCH_TYPE", "class": "A"}]),
    ("RULES", ["no_such_module.RULES"]),
]
USES = {
    "POLICIES": lambda: runtime.retry_engine.get_retry_policy("a.b", ValueError("x")),
    "TASK_PATTERNS": lambda: runtime.effective_options("a.b", None, idempotent=False),
    "PRIORITY": lambda: runtime.priority_service.calculate_priority("a.b"),
    "OFF_PEAK": runtime.off_peak,
    "DOWNSTREAMS": runtime.configure_taxonomy,
    "RULES": runtime.configure_taxonomy,
}
READS = {
    "POLICIES": values.read_policies,
    "TASK_PATTERNS": values.read_patterns,
    "PRIORITY": values.read_priorities,
    "OFF_PEAK": values.read_off_peak,
    "DOWNSTREAMS": values.read_downstreams,
    "RULES": values.read_rules,
}


@pytest.mark.parametrize(("key", "value"), BAD)
def test_a_value_that_cannot_be_understood_is_as_if_it_were_not_there(
    key: str, value: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with override_settings(REDRIVE={}):
        default = USES[key]()
    with override_settings(REDRIVE={key: value}):
        used = USES[key]()
        with pytest.raises((ValueError, TypeError, KeyError, AttributeError, re.error)):
            READS[key]()

    assert used == default
    assert f"REDRIVE['{key}'] cannot be used, the default is in force" in caplog.text


def test_a_redis_url_that_is_none_leaves_leases_in_the_database() -> None:
    with override_settings(REDRIVE={"REDIS_URL": "localhost:6379"}):
        assert isinstance(runtime.fast_leases(), SqlLeaseStore)


def test_queues_that_cannot_be_used_leave_the_documented_ones() -> None:
    with override_settings(REDRIVE={"QUEUES": {"HIGH": 5}}):
        assert runtime.route_for(TaskPriority.HIGH).queue == TaskPriority.HIGH.queue
    with override_settings(REDRIVE={"QUEUES": {"HIGH": "fast"}}):
        assert runtime.route_for(TaskPriority.HIGH).queue == "fast"


def test_patterns_are_options_of_tasks_that_declare_none() -> None:
    with override_settings(REDRIVE={"TASK_PATTERNS": {"a.*": {"RETRY_SAFE": True}, "*": {"critical": True}}}):
        assert runtime.effective_options("a.b", None, idempotent=False) == Options(retry_safe=True)
        assert runtime.effective_options("c.d", None, idempotent=False) == Options(
            critical=True, retry_safe=False
        )
        assert runtime.effective_options("a.b", Options(), idempotent=False) == Options(retry_safe=False)
        assert runtime.effective_options("a.b", Options(), idempotent=True) == Options(retry_safe=True)
