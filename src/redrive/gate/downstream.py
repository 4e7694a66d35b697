"""Which downstream a failure was about, where the task does not say."""

import re
from collections.abc import Iterator
from typing import Final

from redrive.taxonomy import Classification, ExceptionFacts, FailureCategory, FailureType

DATABASE: Final = "database"

_URL = re.compile(r"\b[a-z][a-z0-9+.-]*://(?:[^/@\s]*@)?([a-z0-9](?:[a-z0-9.-]*[a-z0-9])?)", re.IGNORECASE)
_NAMED = re.compile(r"\bhost=['\"]?([a-z0-9](?:[a-z0-9.-]*[a-z0-9])?)", re.IGNORECASE)
_BARE = re.compile(r"^([a-z0-9](?:[a-z0-9.-]*[a-z0-9])?)(?::\d+)?$", re.IGNORECASE)

_READ_AT_MOST = 2000
"""Characters of each text that are looked through: a host stands at the beginning or not at all."""


def derive_downstream(classification: Classification, facts: ExceptionFacts | None = None) -> str | None:
    """Return "database", the host seen in the failure in lower case, or None.

    Only for failures that are about something outside: a host in the message of a validation error is data.
    ``facts`` is the failure itself, if the caller has read it; what the classification found is looked through too.
    """
    kind = classification.failure_type
    if kind is FailureType.TRANSIENT_DATABASE:
        return DATABASE
    network = kind in (FailureType.TRANSIENT_NETWORK, FailureType.TRANSIENT_RATE_LIMIT)
    if not network and kind.category is not FailureCategory.EXTERNAL:
        return None
    for pattern, text in _places(classification, facts):
        if (match := pattern.search(text[:_READ_AT_MOST])) is not None:
            return match.group(1).lower()
    return None


def _places(
    classification: Classification, facts: ExceptionFacts | None
) -> Iterator[tuple[re.Pattern[str], str]]:
    for link in facts.links() if facts is not None else ():
        for name, value in link.attrs.items():
            last = name.rpartition(".")[2]
            if isinstance(value, str) and last in ("url", "host", "hostname"):
                yield (_URL if last == "url" else _BARE), value
        yield _URL, link.message
        yield _NAMED, link.message
    for piece in classification.evidence:
        yield _URL, piece.found
        yield _NAMED, piece.found
