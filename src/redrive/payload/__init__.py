"""What a task was asked to do: its whole message, its arguments for reading, and what to hide of them.

The message (:class:`StoredMessage`) is kept byte for byte, so that the task can be sent again exactly as it was.
Where the project has a codec, it is sealed (:func:`seal`) before it is stored.
Arguments for people (:func:`readable`) are JSON-safe and bounded; :func:`mask` hides secrets in them at display time.
:func:`to_json` writes any value as JSON that PostgreSQL takes.
"""

from redrive.payload.arguments import read_body, readable
from redrive.payload.json_text import clean_text, to_json
from redrive.payload.masking import mask
from redrive.payload.sealing import (
    SEALED_WORD,
    CannotOpen,
    Codec,
    UnusableCodec,
    is_sealed,
    not_stored,
    open_sealed,
    seal,
    why_not_stored,
    within,
    without_clear_text,
)
from redrive.payload.types import MessageSource, StoredMessage, with_errbacks, without_errbacks
from redrive.payload.workflow import Workflow, workflow_of

__all__ = [
    "SEALED_WORD",
    "CannotOpen",
    "Codec",
    "MessageSource",
    "StoredMessage",
    "UnusableCodec",
    "Workflow",
    "clean_text",
    "is_sealed",
    "mask",
    "not_stored",
    "open_sealed",
    "read_body",
    "readable",
    "seal",
    "to_json",
    "why_not_stored",
    "with_errbacks",
    "within",
    "without_clear_text",
    "without_errbacks",
    "workflow_of",
]
