"""Inputs that several tests need."""

from redrive.retry import DEFAULT_POLICIES
from redrive.taxonomy import AlertLevel, Classification, FailureType, RemediationAction


def classified(kind: FailureType) -> Classification:
    """A classification of this type, and of nothing else of interest."""
    return Classification(
        failure_type=kind,
        confidence=0.9,
        remediation_action=RemediationAction.INVESTIGATE,
        remediation_actions=(RemediationAction.INVESTIGATE,),
        remediation_details="Look.",
        retry_recommended=DEFAULT_POLICIES[kind].max_retries > 0,
        retry_delay_seconds=0,
        alert_level=AlertLevel.INFO,
    )
