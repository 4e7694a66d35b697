"""What to do about each failure type: actions, loudness, default retry advice and a sentence for the operator.

Data only. The retry *policy* (how often, how long) belongs to ``redrive.retry``; this table only says whether
a retry makes sense at all and how long a first wait is sensible when no server said otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass

from redrive.taxonomy.types import AlertLevel, FailureType, RemediationAction

_A = RemediationAction


@dataclass(frozen=True, slots=True, kw_only=True)
class Remedy:
    """Advice for one failure type.

    Attributes:
        actions: Most useful first.
        retry: Whether the unchanged call plausibly succeeds later, unless a rule knows better.
        delay_seconds: A sensible first wait where a retry is recommended.
        alert_level: How loud to be.
        sentence: For the operator. ``{what}`` is replaced by the exception's own words, shortened.
    """

    actions: tuple[RemediationAction, ...]
    retry: bool
    delay_seconds: float
    alert_level: AlertLevel
    sentence: str


REMEDIES: dict[FailureType, Remedy] = {
    FailureType.TRANSIENT_DATABASE: Remedy(
        actions=(_A.AUTO_RETRY, _A.CHECK_EXTERNAL, _A.SCALE_RESOURCES),
        retry=True,
        delay_seconds=30.0,
        alert_level=AlertLevel.WARNING,
        sentence="The database could not serve this call ({what}). It usually recovers: retry with backoff; "
        "if it keeps happening look at locks, long transactions and the number of connections.",
    ),
    FailureType.TRANSIENT_NETWORK: Remedy(
        actions=(_A.AUTO_RETRY, _A.CHECK_EXTERNAL),
        retry=True,
        delay_seconds=60.0,
        alert_level=AlertLevel.INFO,
        sentence="The connection failed on the way ({what}). Retry with backoff; if it lasts, check DNS, "
        "firewall and whether the other side is up.",
    ),
    FailureType.TRANSIENT_RATE_LIMIT: Remedy(
        actions=(_A.AUTO_RETRY, _A.SCALE_RESOURCES),
        retry=True,
        delay_seconds=60.0,
        alert_level=AlertLevel.INFO,
        sentence="We call faster than the other side allows ({what}). Wait as long as it asks, and lower the "
        "rate of this task if it happens often.",
    ),
    FailureType.PERMANENT_VALIDATION: Remedy(
        actions=(_A.FIX_DATA, _A.MANUAL_RETRY),
        retry=False,
        delay_seconds=0.0,
        alert_level=AlertLevel.INFO,
        sentence="The input was refused ({what}). Running it again changes nothing: correct the data, then "
        "retry by hand or abandon.",
    ),
    FailureType.PERMANENT_NOT_FOUND: Remedy(
        actions=(_A.FIX_DATA, _A.INVESTIGATE),
        retry=False,
        delay_seconds=30.0,
        alert_level=AlertLevel.INFO,
        sentence="Something the task was told to use does not exist ({what}). Check whether it was deleted "
        "or not yet saved; restore it and retry, or abandon.",
    ),
    FailureType.PERMANENT_PERMISSION: Remedy(
        actions=(_A.FIX_CONFIG, _A.ALERT_TEAM, _A.MANUAL_RETRY),
        retry=False,
        delay_seconds=0.0,
        alert_level=AlertLevel.WARNING,
        sentence="Access was denied ({what}). Whoever grants rights there has to act; retry by hand afterwards.",
    ),
    FailureType.PERMANENT_LOGIC: Remedy(
        actions=(_A.INVESTIGATE, _A.ALERT_TEAM, _A.MANUAL_RETRY),
        retry=False,
        delay_seconds=0.0,
        alert_level=AlertLevel.WARNING,
        sentence="The code fails on this call ({what}). A developer has to look at the traceback; retry after "
        "the fix is deployed.",
    ),
    FailureType.CONFIG_MISSING_SETTING: Remedy(
        actions=(_A.FIX_CONFIG, _A.ALERT_TEAM, _A.MANUAL_RETRY),
        retry=False,
        delay_seconds=0.0,
        alert_level=AlertLevel.CRITICAL,
        sentence="A setting or credential is not given ({what}). Set it for the workers, restart them, retry.",
    ),
    FailureType.CONFIG_INVALID_SETTING: Remedy(
        actions=(_A.FIX_CONFIG, _A.ALERT_TEAM, _A.MANUAL_RETRY),
        retry=False,
        delay_seconds=0.0,
        alert_level=AlertLevel.CRITICAL,
        sentence="A setting, credential or schema is wrong ({what}). Correct it, restart the workers, retry.",
    ),
    FailureType.CONFIG_MISSING_SERVICE: Remedy(
        actions=(_A.FIX_CONFIG, _A.ALERT_TEAM, _A.MANUAL_RETRY),
        retry=False,
        delay_seconds=0.0,
        alert_level=AlertLevel.CRITICAL,
        sentence="Something the code needs is not installed or not enabled ({what}). Install or enable it where "
        "the workers run, then retry.",
    ),
    FailureType.EXTERNAL_API_DOWN: Remedy(
        actions=(_A.CHECK_EXTERNAL, _A.AUTO_RETRY),
        retry=True,
        delay_seconds=900.0,
        alert_level=AlertLevel.WARNING,
        sentence="The provider is unavailable ({what}). Look at its status page; retries wait until it answers.",
    ),
    FailureType.EXTERNAL_API_ERROR: Remedy(
        actions=(_A.CHECK_EXTERNAL, _A.MANUAL_RETRY, _A.INVESTIGATE),
        retry=False,
        delay_seconds=300.0,
        alert_level=AlertLevel.WARNING,
        sentence="The provider answered with an error ({what}). Compare the request with its documentation and "
        "status page before running this again.",
    ),
    FailureType.EXTERNAL_TIMEOUT: Remedy(
        actions=(_A.AUTO_RETRY, _A.CHECK_EXTERNAL),
        retry=True,
        delay_seconds=60.0,
        alert_level=AlertLevel.INFO,
        sentence="The other side did not answer in time ({what}). Retry with backoff; the call may have taken "
        "effect there, so make sure it is safe to repeat.",
    ),
    FailureType.SYSTEM_OUT_OF_MEMORY: Remedy(
        actions=(_A.SCALE_RESOURCES, _A.ALERT_TEAM, _A.AUTO_RETRY),
        retry=True,
        delay_seconds=300.0,
        alert_level=AlertLevel.CRITICAL,
        sentence="Memory ran out ({what}). Give the worker more, or make the task smaller; a few retries on "
        "another worker can succeed.",
    ),
    FailureType.SYSTEM_DISK_FULL: Remedy(
        actions=(_A.SCALE_RESOURCES, _A.ALERT_TEAM, _A.MANUAL_RETRY),
        retry=False,
        delay_seconds=0.0,
        alert_level=AlertLevel.CRITICAL,
        sentence="A disk or quota is full ({what}). Free space where this was written, then retry by hand.",
    ),
    FailureType.SYSTEM_WORKER_LOST: Remedy(
        actions=(_A.AUTO_RETRY, _A.INVESTIGATE, _A.ALERT_TEAM),
        # Deployments and evictions end workers through no fault of the task; the policy stops after the second.
        retry=True,
        delay_seconds=60.0,
        alert_level=AlertLevel.CRITICAL,
        sentence="The worker process died and nothing says why ({what}). If it happens again, look at the worker's log "
        "and the kernel's.",
    ),
    FailureType.UNKNOWN: Remedy(
        actions=(_A.INVESTIGATE, _A.MANUAL_RETRY),
        retry=False,
        delay_seconds=0.0,
        alert_level=AlertLevel.WARNING,
        sentence="The exception does not say what went wrong ({what}). Read the traceback and decide.",
    ),
}
"""Every member of FailureType has an entry (a test checks it). Delays of the first three follow CONTRACT §2."""


def action_for_recommended_retry(remedy: Remedy, *, retry: bool) -> tuple[RemediationAction, ...]:
    """The remedy's actions, with AUTO_RETRY present exactly when a retry is recommended."""
    if retry and RemediationAction.AUTO_RETRY not in remedy.actions:
        return (RemediationAction.AUTO_RETRY, *remedy.actions)
    if not retry and RemediationAction.AUTO_RETRY in remedy.actions:
        kept = tuple(action for action in remedy.actions if action is not RemediationAction.AUTO_RETRY)
        return kept if RemediationAction.MANUAL_RETRY in kept else (*kept, RemediationAction.MANUAL_RETRY)
    return remedy.actions
