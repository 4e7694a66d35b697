"""What a task was asked to do: its whole message, its arguments for reading, and what to hide of them.

The message (:class:`StoredMessage`) is kept byte for byte, so that the task can be sent again exactly as it was.
Arguments for people (:func:`readable`) are JSON-safe and bounded; :func:`mask` hides secrets in them at display time.
"""

from redrive.payload.arguments import read_body, readable
from redrive.payload.masking import mask
from redrive.payload.types import MessageSource, StoredMessage, without_errbacks

__all__ = ["MessageSource", "StoredMessage", "mask", "read_body", "readable", "without_errbacks"]
