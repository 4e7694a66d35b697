"""Which downstream a failure was about, where the task does not say."""

import re
from collections.abc import Iterable
from typing import Final

from redrive.taxonomy import Classification, FailureCategory, FailureType

DATABASE: Final = "database"

_URL_HOST = re.compile(r"\b[a-z][a-z0-9+.-]*://(?:[^/@\s]*@)?\[?([a-z0-9.:-]*[a-z0-9])", re.IGNORECASE)
_NAMED_HOST = re.compile(r"\bhost=['\"]?([a-z0-9](?:[a-z0-9.-]*[a-z0-9])?)", re.IGNORECASE)


def derive_downstream(classification: Classification, texts: Iterable[str] = ()) -> str | None:
    """Return "database", the host seen in the failure, or None.

    Only for failures that are about something outside: a host in the message of a validation error is data.
    ``texts`` are messages of the exception and its causes, if the caller has them; what the evidence found is
    read too.
    """
    kind = classification.failure_type
    if kind is FailureType.TRANSIENT_DATABASE:
        return DATABASE
    network = kind in (FailureType.TRANSIENT_NETWORK, FailureType.TRANSIENT_RATE_LIMIT)
    if not network and kind.category is not FailureCategory.EXTERNAL:
        return None
    for text in (*texts, *(piece.found for piece in classification.evidence)):
        for pattern in (_URL_HOST, _NAMED_HOST):
            if (match := pattern.search(text[:2000])) is not None:
                return match.group(1).partition(":")[0].lower() or None
    return None
