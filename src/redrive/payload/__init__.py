"""What a task was asked to do: its whole message, its arguments for reading, and what to hide of them.

The message (:class:`StoredMessage`) is kept byte for byte, so that the task can be sent again exactly as it was.
Arguments for people (:func:`readable`) are JSON-safe and bounded; :func:`mask` hides secrets in them at display time.
:func:`to_json` writes any value as JSON that PostgreSQL takes.
"""

from redrive.payload.arguments import read_body, readable
from redrive.payload.json_text import clean_text, to_json
from redrive.payload.masking import mask
from redrive.payload.types import MessageSource, StoredMessage, with_errbacks, without_errbacks
from redrive.payload.workflow import Workflow, workflow_of

__all__ = [
    "MessageSource",
    "StoredMessage",
    "Workflow",
    "clean_text",
    "mask",
    "read_body",
    "readable",
    "to_json",
    "with_errbacks",
    "without_errbacks",
    "workflow_of",
]
