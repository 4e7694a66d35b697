"""Section 1: `from apps.core.tasks.failure_taxonomy import FailureTaxonomy, FailureType, RemediationAction`."""

import pytest

from tests.contract import typed
from tests.contract.typed import Typed
from tests.servers.django_project import Project

IMPORTS = """
from apps.core.tasks.failure_taxonomy import FailureTaxonomy, FailureType, RemediationAction
import errno, json, os, socket, subprocess
import httpx, psycopg
from billiard.exceptions import WorkerLostError
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured, PermissionDenied, ValidationError

def raised(call):
    try:
        call()
    except Exception as error:
        return error

def answered(status, **headers):
    request = httpx.Request("POST", "https://api.gateway.example/charges")
    return raised(httpx.Response(status, request=request, headers=headers).raise_for_status)

def kind(exception, **context):
    return FailureTaxonomy.classify(exception, context).failure_type.value
"""

CLASSIFICATION = [
    Typed(
        "classify(ValueError('Invalid data')).failure_type prints as FailureType.PERMANENT_VALIDATION",
        "FailureTaxonomy.classify(ValueError('Invalid data')).failure_type",
        "FailureType.PERMANENT_VALIDATION",
    ),
    Typed(
        "its .value is the name",
        "repr(FailureTaxonomy.classify(ValueError('Invalid data')).failure_type.value)",
        "'PERMANENT_VALIDATION'",
    ),
    Typed(
        "the confidence can be formatted as a percentage",
        "import re\n"
        "c = FailureTaxonomy.classify(ValueError('Invalid data'))\n"
        "re.fullmatch(r'[0-9]{1,3}[.][0-9]{2}%', f'{c.confidence:.2%}') is not None",
        "True",
    ),
    Typed(
        "confidence is from 0 to 1",
        "0 <= FailureTaxonomy.classify(ValueError('Invalid data')).confidence <= 1",
        "True",
    ),
    Typed(
        "the context may be left out",
        "FailureTaxonomy.classify(ValueError('x')) == FailureTaxonomy.classify(ValueError('x'), None)",
        "True",
    ),
    Typed(
        "the context may be named task_context",
        "FailureTaxonomy.classify(ValueError('x'), task_context={'task_name': 'a.b', 'retry_count': 2}).context",
        "{'task_name': 'a.b', 'retry_count': 2}",
    ),
    Typed(
        "the context holds whatever else the caller knows",
        "FailureTaxonomy.classify(ValueError('x'), {'region': 'eu', 'weight': 0.5}).context",
        "{'region': 'eu', 'weight': 0.5}",
    ),
    Typed(
        "remediation_action is the first of remediation_actions",
        "c = FailureTaxonomy.classify(ValueError('Invalid data'))\n"
        "print(c.remediation_action, c.remediation_actions[0])",
        "RemediationAction.FIX_DATA RemediationAction.FIX_DATA",
    ),
    Typed(
        "remediation_details is a sentence that names the failure",
        "FailureTaxonomy.classify(ValueError('Invalid data')).remediation_details",
        "The input was refused (ValueError: Invalid data). Running it again changes nothing: correct the data, then "
        "retry by hand or abandon.",
    ),
    Typed(
        "retry_recommended is a bool",
        "[FailureTaxonomy.classify(e).retry_recommended for e in (ValueError('x'), ConnectionResetError())]",
        "[False, True]",
    ),
    Typed(
        "retry_delay_seconds is a number",
        "type(FailureTaxonomy.classify(ConnectionResetError()).retry_delay_seconds).__name__",
        "float",
    ),
    Typed(
        "a server's Retry-After wins",
        "FailureTaxonomy.classify(answered(429, **{'retry-after': '37'})).retry_delay_seconds",
        "37.0",
    ),
    Typed(
        "the evidence that led there is kept",
        "FailureTaxonomy.classify(ValueError('Invalid data')).evidence[0].says",
        "FailureType.PERMANENT_VALIDATION",
    ),
    Typed(
        "classify never raises, not even when str(exception) does",
        "class Hostile(Exception):\n"
        "    def __str__(self):\n"
        "        raise RuntimeError('no words')\n"
        "FailureTaxonomy.classify(Hostile()).failure_type",
        "FailureType.UNKNOWN",
    ),
    Typed(
        "classify never raises, not even on what is no exception",
        "FailureTaxonomy.classify(None).failure_type",
        "FailureType.UNKNOWN",
    ),
    Typed(
        "classify never raises, whatever the context",
        "FailureTaxonomy.classify(ValueError('x'), {'retry_count': object(), 7: 8}).failure_type",
        "FailureType.PERMANENT_VALIDATION",
    ),
    Typed(
        "alert_level is info, warning or critical",
        "[f'{FailureTaxonomy.classify(e).alert_level}' for e in (ValueError('x'), answered(503), MemoryError())]",
        "['info', 'warning', 'critical']",
    ),
    Typed(
        "alert_level compares with a word",
        "FailureTaxonomy.classify(MemoryError()).alert_level == 'critical'",
        "True",
    ),
    Typed(
        "to_dict() is JSON-ready",
        "data = FailureTaxonomy.classify(ValueError('x'), {'task_name': 'a.b', 'odd': object()}).to_dict()\n"
        "json.loads(json.dumps(data)) == data",
        "True",
    ),
    Typed(
        "to_dict() has a key for every documented attribute",
        "data = FailureTaxonomy.classify(ValueError('x')).to_dict()\n"
        "wanted = {'failure_type', 'confidence', 'remediation_action', 'remediation_actions', 'remediation_details',\n"
        "          'retry_recommended', 'retry_delay_seconds', 'evidence', 'alert_level', 'context'}\n"
        "sorted(wanted - set(data))",
        "[]",
    ),
    Typed(
        "to_dict() gives types and actions by their values",
        "data = FailureTaxonomy.classify(ValueError('Invalid data')).to_dict()\n"
        "print(data['failure_type'], data['remediation_action'], data['alert_level'])",
        "PERMANENT_VALIDATION FIX_DATA info",
    ),
]

ENUMS = [
    Typed(
        "the 15 failure types, one of ours and UNKNOWN, in this order",
        "' '.join(member.name for member in FailureType)",
        "TRANSIENT_DATABASE TRANSIENT_NETWORK TRANSIENT_RATE_LIMIT PERMANENT_VALIDATION PERMANENT_NOT_FOUND "
        "PERMANENT_PERMISSION PERMANENT_LOGIC CONFIG_MISSING_SETTING CONFIG_INVALID_SETTING CONFIG_MISSING_SERVICE "
        "EXTERNAL_API_DOWN EXTERNAL_API_ERROR EXTERNAL_TIMEOUT SYSTEM_OUT_OF_MEMORY SYSTEM_DISK_FULL "
        "SYSTEM_WORKER_LOST UNKNOWN",
    ),
    Typed(
        "the 8 remediation actions",
        "' '.join(member.name for member in RemediationAction)",
        "AUTO_RETRY MANUAL_RETRY FIX_DATA FIX_CONFIG SCALE_RESOURCES ALERT_TEAM CHECK_EXTERNAL INVESTIGATE",
    ),
    Typed(
        "the values are the names",
        "all(member.value == member.name for enum in (FailureType, RemediationAction) for member in enum)",
        "True",
    ),
    Typed(
        "both are plain enums",
        "print(FailureType.__mro__[1:], RemediationAction.__mro__[1:])",
        "(<enum 'Enum'>, <class 'object'>) (<enum 'Enum'>, <class 'object'>)",
    ),
    Typed("a type is found by its value", "FailureType('UNKNOWN') is FailureType.UNKNOWN", "True"),
    Typed(
        "an action prints with its class's name",
        "RemediationAction.AUTO_RETRY",
        "RemediationAction.AUTO_RETRY",
    ),
    Typed(
        "the categories for filters",
        "' '.join(dict.fromkeys(member.category.value for member in FailureType))",
        "TRANSIENT PERMANENT CONFIGURATION EXTERNAL SYSTEM UNKNOWN",
    ),
    Typed(
        "a lost worker that nothing explains is of the category SYSTEM",
        "FailureType.SYSTEM_WORKER_LOST.category.value",
        "SYSTEM",
    ),
    Typed(
        "signal 9 stays out of memory, with low confidence",
        "c = FailureTaxonomy.classify(WorkerLostError('Worker exited prematurely: signal 9 (SIGKILL) Job: 12.'))\n"
        "print(c.failure_type.value, c.confidence <= 0.6)",
        "SYSTEM_OUT_OF_MEMORY True",
    ),
    Typed(
        "signal 9 is believed when the kernel or the cgroup confirms it",
        "lost = WorkerLostError('Worker exited prematurely: signal 9 (SIGKILL) Job: 12.')\n"
        "FailureTaxonomy.classify(lost, {'oom_confirmed': True}).confidence >= 0.9",
        "True",
    ),
]

# What the contract's table says -> something that really says so -> the type
WHEN = [
    ("deadlock", "psycopg.errors.DeadlockDetected('deadlock detected')", "TRANSIENT_DATABASE"),
    (
        "serialization failure",
        "psycopg.errors.SerializationFailure('could not serialize access due to concurrent update')",
        "TRANSIENT_DATABASE",
    ),
    (
        "lost connection",
        "psycopg.OperationalError('server closed the connection unexpectedly')",
        "TRANSIENT_DATABASE",
    ),
    (
        "exhausted connections",
        "psycopg.errors.TooManyConnections('sorry, too many clients already')",
        "TRANSIENT_DATABASE",
    ),
    (
        "lock timeout",
        "psycopg.errors.LockNotAvailable('canceling statement due to lock timeout')",
        "TRANSIENT_DATABASE",
    ),
    ("connect timeout", "TimeoutError(errno.ETIMEDOUT, 'Connection timed out')", "TRANSIENT_NETWORK"),
    ("connection refused", "raised(lambda: socket.create_connection(('127.0.0.1', 1)))", "TRANSIENT_NETWORK"),
    (
        "connection reset",
        "ConnectionResetError(errno.ECONNRESET, 'Connection reset by peer')",
        "TRANSIENT_NETWORK",
    ),
    (
        "DNS hiccup",
        "socket.gaierror(socket.EAI_AGAIN, 'Temporary failure in name resolution')",
        "TRANSIENT_NETWORK",
    ),
    ("an API says slow down", "answered(429)", "TRANSIENT_RATE_LIMIT"),
    ("the input is invalid", "ValidationError('Enter a whole number.')", "PERMANENT_VALIDATION"),
    (
        "the data it needs does not exist",
        "raised(lambda: __import__('django.contrib.auth.models', fromlist=['User']).User.objects.get(pk=-1))",
        "PERMANENT_NOT_FOUND",
    ),
    ("access denied", "PermissionDenied('Not your invoice')", "PERMANENT_PERMISSION"),
    ("access denied by a server", "answered(403)", "PERMANENT_PERMISSION"),
    ("a bug", "raised(lambda: None.amount)", "PERMANENT_LOGIC"),
    ("an environment variable is absent", "raised(lambda: os.environ['GATEWAY_KEY'])", "CONFIG_MISSING_SETTING"),
    ("a setting is absent", "raised(lambda: settings.GATEWAY_KEY)", "CONFIG_MISSING_SETTING"),
    (
        "a setting is malformed",
        "ImproperlyConfigured('TIME_ZONE has an invalid value: Europe/Atlantis')",
        "CONFIG_INVALID_SETTING",
    ),
    ("a needed module is not set up", "raised(lambda: __import__('reportprinter'))", "CONFIG_MISSING_SERVICE"),
    ("a needed binary is not set up", "raised(lambda: subprocess.run(['print-a-report']))", "CONFIG_MISSING_SERVICE"),
    ("a third party is unavailable", "answered(503)", "EXTERNAL_API_DOWN"),
    ("a third party answered with an error", "answered(500)", "EXTERNAL_API_ERROR"),
    ("a third party did not answer in time", "httpx.ReadTimeout('The read operation timed out')", "EXTERNAL_TIMEOUT"),
    ("out of memory", "MemoryError()", "SYSTEM_OUT_OF_MEMORY"),
    (
        "OOM killer",
        "WorkerLostError('Worker exited prematurely: signal 9 (SIGKILL) Job: 12.')",
        "SYSTEM_OUT_OF_MEMORY",
    ),
    (
        "no space left",
        "raised(lambda: open('/dev/full', 'wb', buffering=0).write(b'x'))",
        "SYSTEM_DISK_FULL",
    ),
    (
        "a worker died and nothing says why",
        "WorkerLostError('Worker exited prematurely: exitcode 1 Job: 12.')",
        "SYSTEM_WORKER_LOST",
    ),
    ("nothing tells", "Exception('?')", "UNKNOWN"),
]  # fmt: skip
KINDS = [Typed(when, f"kind({exception})", kind) for when, exception, kind in WHEN]
CASES = [*CLASSIFICATION, *ENUMS, *KINDS]


@pytest.fixture(scope="module")
def shell(reference: Project) -> dict[str, str]:
    return typed.run(reference, IMPORTS, CASES)


@pytest.mark.parametrize("case", CLASSIFICATION, ids=lambda case: case.says)
def test_a_classification(shell: dict[str, str], case: Typed) -> None:
    assert shell[case.says] == case.prints


@pytest.mark.parametrize("case", ENUMS, ids=lambda case: case.says)
def test_the_words(shell: dict[str, str], case: Typed) -> None:
    assert shell[case.says] == case.prints


@pytest.mark.parametrize("case", KINDS, ids=lambda case: case.says)
def test_which_type_when(shell: dict[str, str], case: Typed) -> None:
    assert shell[case.says] == case.prints


def test_every_documented_type_has_its_case() -> None:
    """So that a type cannot be left out of the table by accident."""
    assert len({kind for _, _, kind in WHEN}) == 17
