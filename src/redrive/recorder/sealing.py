"""An ending as it may be stored where the project has a codec."""

from __future__ import annotations

import logging
from dataclasses import replace

from redrive.dead_letters import Ending, Outcome
from redrive.payload import SEALED_WORD, Codec, not_stored, seal, without_clear_text

logger = logging.getLogger("redrive")


def protected(ending: Ending, codec: Codec) -> Ending:
    """The ending with its message sealed and its arguments left out; the same again for one that is. Never raises.

    A codec that fails costs the message, never the record. A failure that only waits (a hold) then counts as one,
    because nothing can be sent later.
    """
    ending = replace(ending, args=[SEALED_WORD], kwargs={})
    if ending.message is None:
        return ending
    message = without_clear_text(ending.message)
    try:
        return replace(ending, message=seal(message, codec))
    except Exception as exc:
        # Its text may hold what was to be sealed.
        why = f"REDRIVE['PAYLOAD']['CODEC'] could not seal its message ({type(exc).__name__})."
        logger.critical(
            "redrive: %s[%s] is stored without a message: %s", ending.task_name, ending.task_id, why
        )
    failed_hold = ending.outcome is Outcome.HELD and bool(ending.exception_type)
    outcome = Outcome.FAILED if failed_hold else ending.outcome
    return replace(ending, outcome=outcome, message=not_stored(message, why))
