"""What is known about an exception once the exception itself is gone: plain values that survive JSON.

``extract`` (in ``extract.py``) makes these from a live exception, in the process where it was raised; the classifier
reads only these. They travel through a spill file, and the labelled failures have the same shape.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from redrive.taxonomy.secrets import MASK, mask
from redrive.taxonomy.types import Scalar

MAX_MESSAGE = 8000
"""Characters kept of a message; longer ones keep their head and tail."""
MAX_VALUE = 2000
"""Characters kept of one attribute."""
MAX_ATTRS = 80
"""Attributes kept per exception, after nested values are spread out into dotted names."""
MAX_CHAIN = 8
"""Further exceptions kept: the first six reached and the last two."""

_WANTED_HEADERS = (
    "retry-after",
    "retry-after-ms",
    "date",
    "content-type",
    "x-amzn-errortype",
    "x-should-retry",
)


@dataclass(frozen=True, slots=True)
class Frame:
    """One line of a traceback.

    Attributes:
        file: Relative to the package directory, standard library or project it belongs to, ``/`` separated.
        line: Line number, 0 where unknown.
        function: Name of the function.
        project: Whether it is the project's own code (not the standard library, not an installed package).
    """

    file: str
    line: int
    function: str
    project: bool = False

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.function}"


@dataclass(frozen=True, slots=True)
class ExceptionFacts:
    """One exception as plain values.

    Attributes:
        exc_module: Module of the class, ``builtins`` for built-in ones.
        exc_qualname: Qualified name of the class.
        mro: Dotted names of the class itself and its bases, nearest first, without ``object``.
        message: ``str(exception)``, cut to MAX_MESSAGE, secrets masked.
        attrs: What the exception states about itself, flat: nested values have dotted names such as
            ``response.status_code`` or ``response.Error.Code``, headers are ``header.retry-after``.
        frames: Traceback, innermost last.
        chain: The exceptions behind this one, nearest first; theirs are empty.
        via: How the one before led to this one: ``cause``, ``context``, ``reason`` (held in an attribute),
            ``member`` (of a group); empty for the first.
    """

    exc_module: str
    exc_qualname: str
    mro: tuple[str, ...] = ()
    message: str = ""
    attrs: Mapping[str, Scalar] = field(default_factory=dict)
    frames: tuple[Frame, ...] = ()
    chain: tuple[ExceptionFacts, ...] = ()
    via: str = ""

    @property
    def exception_type(self) -> str:
        """Dotted class name; built-in ones without the module."""
        return (
            self.exc_qualname if self.exc_module == "builtins" else f"{self.exc_module}.{self.exc_qualname}"
        )

    def links(self) -> Iterator[ExceptionFacts]:
        """This exception, then the ones behind it."""
        yield self
        yield from self.chain

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready form; ``from_dict`` reads it back to an equal object."""
        data: dict[str, Any] = {
            "exc_module": self.exc_module,
            "exc_qualname": self.exc_qualname,
            "mro": list(self.mro),
            "message": self.message,
            "attrs": dict(self.attrs),
            "frames": [[frame.file, frame.line, frame.function, frame.project] for frame in self.frames],
        }
        if self.chain:
            data["chain"] = [link.to_dict() for link in self.chain]
        if self.via:
            data["via"] = self.via
        return data

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> ExceptionFacts:
        """Read ``to_dict`` output or one row of the labelled failures; missing and odd parts are left out.

        Also read: ``tb`` (``file:function`` strings) in place of ``frames``, nested ``attrs``, an ``mro`` with or
        without the class itself, and chain entries without ``via`` (taken as ``cause``).
        """
        module, qualname = text_of(data.get("exc_module")), text_of(data.get("exc_qualname"))
        own = f"{module}.{qualname}"
        mro = tuple(text_of(name) for name in _items(data.get("mro")))
        raw_attrs = data.get("attrs")
        return cls(
            exc_module=module,
            exc_qualname=qualname,
            mro=mro if mro and mro[0] == own else (own, *mro),
            message=mask(cut(text_of(data.get("message")), MAX_MESSAGE)),
            attrs=spread(raw_attrs) if isinstance(raw_attrs, Mapping) else {},
            frames=_frames_of(data),
            chain=tuple(
                cls.from_dict({"via": "cause", **item, "chain": None})
                for item in _items(data.get("chain"))
                if isinstance(item, Mapping)
            ),
            via=text_of(data.get("via")),
        )


def _items(value: object) -> list[Any] | tuple[Any, ...]:
    return value if isinstance(value, (list, tuple)) else ()


def _frames_of(data: Mapping[str, Any]) -> tuple[Frame, ...]:
    frames: list[Frame] = []
    for item in _items(data.get("frames")):
        if isinstance(item, (list, tuple)) and len(item) == 4:
            line = item[1] if isinstance(item[1], int) else 0
            frames.append(Frame(text_of(item[0]), line, text_of(item[2]), bool(item[3])))
    for item in _items(data.get("tb")):
        file, _, function = text_of(item).rpartition(":")
        frames.append(Frame(file, 0, function, file.startswith("app/")))
    return tuple(frames)


def text_of(value: object) -> str:
    """``value`` as text that can be stored anywhere: no lone surrogates, no NUL; empty for None."""
    if value is None:
        return ""
    text = value if isinstance(value, str) else str(value)
    if not text.isascii():
        text = text.encode("utf-8", "backslashreplace").decode("utf-8")
    return text.replace("\x00", "�") if "\x00" in text else text


def cut(text: str, limit: int) -> str:
    """Keep three quarters of ``limit`` from the head and the rest from the tail."""
    if len(text) <= limit:
        return text
    head = limit * 3 // 4
    return f"{text[:head]} … {text[len(text) - (limit - head - 3) :]}"


def spread(values: Mapping[Any, Any]) -> dict[str, Scalar]:
    """Nested values as one flat dict of scalars with dotted names.

    ``{"response": {"Error": {"Code": "SlowDown"}}}`` becomes ``{"response.Error.Code": "SlowDown"}``. Of headers
    only those that advise on retries are kept, in lower case as ``header.<name>``. At most four levels deep
    and MAX_ATTRS long; what is not a number, text, dict or list is dropped.
    """
    flat: dict[str, Scalar] = {}
    _spread_into(flat, "", values, 0)
    return flat


_SECRET_NAME = re.compile(
    r"pass(?:word|wd|phrase)|secret|token|api_?key|authorization|cookie|cvv", re.IGNORECASE
)


def _shown(name: str, value: str) -> str:
    """A value without its secrets; of one that is named like a secret nothing stays."""
    return MASK if value and _SECRET_NAME.search(name) else mask(value)


def _spread_into(flat: dict[str, Scalar], name: str, value: Any, depth: int) -> None:
    if len(flat) >= MAX_ATTRS or depth > 4:
        return
    if value is None or isinstance(value, (bool, int, float)):
        # A giant integer cannot be written to JSON by every reader, and str() of it may raise.
        flat[name] = value if not isinstance(value, int) or abs(value) < 2**63 else None
    elif isinstance(value, str):
        flat[name] = _shown(name, cut(text_of(value), MAX_VALUE))
    elif isinstance(value, bytes):
        flat[name] = _shown(name, cut(text_of(value[: 4 * MAX_VALUE].decode("utf-8", "replace")), MAX_VALUE))
    elif isinstance(value, Mapping):
        is_headers = name.lower().endswith("headers")
        for key, item in list(value.items())[:MAX_ATTRS]:
            if is_headers:
                header = text_of(key).lower()
                if header in _WANTED_HEADERS or "ratelimit" in header:
                    _spread_into(flat, f"header.{header}", item, depth + 1)
            else:
                _spread_into(flat, f"{name}.{text_of(key)}" if name else text_of(key), item, depth + 1)
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value[:8]):
            _spread_into(flat, f"{name}.{index}", item, depth + 1)
