"""Writing the classification down: advice, evidence in order, and words an operator can act on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from redrive.taxonomy.facts import ExceptionFacts
from redrive.taxonomy.remediation import REMEDIES, action_for_recommended_retry
from redrive.taxonomy.rulebook import Hit
from redrive.taxonomy.rules.rule import (
    ClassRule,
    CodeRule,
    FamilyRule,
    FrameRule,
    NameRule,
    Rule,
    TextRule,
)
from redrive.taxonomy.secrets import mask
from redrive.taxonomy.types import Classification, Evidence, FailureType, Scalar

_READS: dict[type[Rule], tuple[str, bool]] = {
    CodeRule: ("code", False),
    ClassRule: ("class", True),
    NameRule: ("class", True),
    TextRule: ("text", True),
    FrameRule: ("frame", True),
    FamilyRule: ("class", True),
}
"""What a rule reads, and whether its finding is a word of its own or the name of a class or place: no secret in it."""
_OTHERS = ("project", False)
_MAX_EVIDENCE = 8


class Candidate(NamedTuple):
    """A rule that fired, how much that counts here, and on which exception of the chain."""

    hit: Hit
    score: float
    where: str
    depth: int


def context_evidence(rule: str, found: str, says: FailureType) -> Evidence:
    """Evidence that came from the caller's task context."""
    return Evidence(
        rule, "context", "task_context", found, says, 0.95, "what the caller knows about the task"
    )


def assemble(
    facts: ExceptionFacts,
    context: Mapping[str, Scalar],
    best: Candidate | None,
    candidates: list[Candidate],
    says: FailureType,
    confidence: float,
    retry: bool | None,
    wait: tuple[float, str] | None,
    extra: Sequence[Evidence] = (),
) -> Classification:
    """The classification that ``says`` with ``confidence``.

    Args:
        facts: The failure.
        context: Scalar entries of the caller's task context.
        best: The finding that decided; None where no rule fired.
        candidates: All findings, strongest first.
        says: The type decided on.
        confidence: 0..1.
        retry: What the rule knows better than the type about retrying; None for nothing.
        wait: Seconds a server asked for and where that was read.
        extra: Evidence from the context.
    """
    remedy = REMEDIES[says]
    recommended = (
        remedy.retry if retry is None or (best is not None and best.hit.rule.says is not says) else retry
    )
    if wait is not None:
        delay = wait[0]
        extra = [
            *extra,
            Evidence("wait.server", "code", "exception", wait[1], says, 0.95, "RFC 9110 section 10.2.3"),
        ]
    else:
        delay = (remedy.delay_seconds or 60.0) if recommended else 0.0
    actions = action_for_recommended_retry(remedy, retry=recommended)
    evidence = [_evidence(item) for item in candidates[:_MAX_EVIDENCE]]
    return Classification(
        failure_type=says,
        confidence=confidence,
        remediation_action=actions[0],
        remediation_actions=actions,
        remediation_details=remedy.sentence.replace("{what}", _what(facts)),
        retry_recommended=recommended,
        retry_delay_seconds=delay,
        alert_level=remedy.alert_level,
        context=context,
        evidence=(*evidence[:1], *extra, *evidence[1:]),
        exception_type=facts.exception_type,
    )


def _evidence(item: Candidate) -> Evidence:
    (rule, found, _), score, where, _ = item
    reads, is_own_word = _READS.get(type(rule), _OTHERS)
    if not is_own_word:
        found = mask(found)
    return Evidence(
        rule.id, reads, where, found[:200], rule.says, score if score <= 1 else score - 1, rule.source
    )


def _what(facts: ExceptionFacts) -> str:
    words = " ".join(facts.message[:400].split())
    name = facts.exc_qualname.rpartition(".")[2]
    return f"{name}: {words[:160]}{'…' if len(words) > 160 else ''}" if words else name


def unreadable(facts: ExceptionFacts, context: Mapping[str, Scalar], problem: str) -> Classification:
    """The answer when the classifier itself failed on these facts."""
    remedy = REMEDIES[FailureType.UNKNOWN]
    return Classification(
        failure_type=FailureType.UNKNOWN,
        confidence=0.0,
        remediation_action=remedy.actions[0],
        remediation_actions=remedy.actions,
        remediation_details="This failure could not be read; look at the traceback.",
        retry_recommended=False,
        retry_delay_seconds=0.0,
        alert_level=remedy.alert_level,
        context=context,
        evidence=(
            Evidence(
                "none", "class", "exception", problem, FailureType.UNKNOWN, 0.0, "the classifier itself"
            ),
        ),
        exception_type=facts.exception_type,
    )
