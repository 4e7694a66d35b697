"""Read a live exception into plain facts, by name and without importing the library it comes from.

Nothing here raises, whatever the exception does in ``__str__``, in its attributes or in its chain, and nothing
here reads from a network: response bodies are taken only where the client already holds them in memory.
"""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Iterable, Mapping
from enum import Enum
from types import TracebackType
from typing import Any
from weakref import WeakKeyDictionary

from redrive.taxonomy.facts import (
    MAX_CHAIN,
    MAX_MESSAGE,
    MAX_VALUE,
    ExceptionFacts,
    Frame,
    cut,
    spread,
    text_of,
)
from redrive.taxonomy.secrets import mask
from redrive.taxonomy.types import Scalar

_MAX_WALK = 1000
KEPT_FRAMES, KEPT_FRAMES_BEHIND = 12, 4
"""Frames kept of the exception itself, and of each one behind it."""

# Names by which libraries state structured reasons. Read from the exception itself.
_ATTRIBUTES = (
    "errno", "winerror", "filename", "sqlstate", "pgcode", "status_code", "status", "code", "http_status",
    "http_code", "http_status_code", "response_code", "response_body", "reply_code", "reply_text", "smtp_code",
    "smtp_error", "recipients", "returncode", "cmd", "stderr", "output", "exit_code", "exitcode", "signal",
    "error_code", "error", "errors", "error_name", "error_message", "error_type", "type", "reason", "detail",
    "details", "default_code", "grpc_status_code", "retry_after", "retry_delay", "seconds", "value", "when", "msg",
    "name", "body", "text", "json_body", "user_message", "doc", "explanation", "description", "param", "messages",
    "message_dict", "number", "state", "url", "field", "host", "data", "msgs", "full_code", "sqlite_errorcode",
    "sqlite_errorname", "faultcode", "faultstring", "decline_code", "domain", "error_dict", "title", "raw",
    "limit", "headers", "content", "connection_invalidated", "errcode",
)  # fmt: skip
_RESPONSE_ATTRIBUTES = ("status_code", "status", "code", "reason", "headers", "data")
# Attributes in which libraries keep the exception that stands behind this one.
_HOLDERS = (
    "reason", "exc", "cause", "orig", "os_error", "last_attempt", "original_exception", "original_error",
    "inner_exception", "inner", "error", "exception", "wrapped_exception", "errors", "exceptions",
)  # fmt: skip
_RAISED_IN_PLACE_OF_ANOTHER = frozenset({"MaxRetriesExceededError"})
"""What stands for the exception that was being handled: Celery's ``retry()`` without ``exc=``, used up."""
_MISSING: Any = object()


def extract(exc: BaseException) -> ExceptionFacts:
    """Everything the classifier and the fingerprint need to know about ``exc``; never raises.

    The exceptions behind it are found through ``__cause__``, ``__context__`` (unless suppressed), attributes that
    hold exceptions, groups and retry wrappers; cycles end the walk. Celery's wrapper for exceptions that cannot be
    pickled is replaced by the class it stands for.
    """
    try:
        head, *behind = _walk(exc)
        facts = _facts_of(exc, head[1], KEPT_FRAMES)
        if len(behind) > MAX_CHAIN:
            behind = behind[: MAX_CHAIN - 2] + behind[-2:]
        chain = tuple(_facts_of(item, via, KEPT_FRAMES_BEHIND) for item, via in behind)
        return ExceptionFacts(
            exc_module=facts.exc_module,
            exc_qualname=facts.exc_qualname,
            mro=facts.mro,
            message=facts.message,
            attrs=facts.attrs,
            frames=facts.frames,
            chain=chain,
        )
    except Exception:
        # Reached only by objects that defeat even type(); the class name is the one thing left.
        return ExceptionFacts("builtins", "BaseException", ("builtins.BaseException",))


def _walk(exc: BaseException) -> list[tuple[BaseException, str]]:
    """The exceptions reachable from ``exc``, nearest first, each once, with how it was reached."""
    found: list[tuple[BaseException, str]] = []
    seen: set[int] = set()
    waiting: list[tuple[BaseException, str]] = [(exc, "")]
    while waiting and len(found) < _MAX_WALK:
        current, via = waiting.pop(0)
        if id(current) in seen:
            continue
        seen.add(id(current))
        found.append((current, via))
        cause = _read(current, "__cause__")
        if isinstance(cause, BaseException):
            waiting.append((cause, "cause"))
        waiting.extend((held, kind) for held, kind in _held(current))
        if cause is None or not isinstance(cause, BaseException):
            context = _read(current, "__context__")
            if isinstance(context, BaseException) and not _read(current, "__suppress_context__"):
                via = "cause" if type(current).__name__ in _RAISED_IN_PLACE_OF_ANOTHER else "context"
                waiting.append((context, via))
    return found


def _held(exc: BaseException) -> Iterable[tuple[BaseException, str]]:
    """Exceptions kept in attributes, arguments, groups and the last attempt of retry wrappers."""
    for name in _stated_names(exc, _HOLDERS):
        value = _read(exc, name)
        if value is None or value is _MISSING or isinstance(value, (str, int)):
            continue
        if isinstance(value, BaseException):
            yield value, "reason"
        elif name == "last_attempt":
            last = _call(_read(value, "exception"))
            if isinstance(last, BaseException):
                yield last, "cause"
        elif isinstance(value, (list, tuple)):
            yield from ((item, "member") for item in value[:4] if isinstance(item, BaseException))
        elif isinstance(value, dict):
            yield from (
                (item, "member") for item in list(value.values())[:4] if isinstance(item, BaseException)
            )
    args = _read(exc, "args")
    if isinstance(args, tuple):
        for item in args[:3]:
            if isinstance(item, BaseException):
                yield item, "reason"
            elif isinstance(item, tuple):
                yield from ((part, "reason") for part in item[:3] if isinstance(part, BaseException))


def _facts_of(exc: BaseException, via: str, kept_frames: int) -> ExceptionFacts:
    cls = type(exc)
    mro = tuple(_dotted(base) for base in cls.__mro__ if base is not object and base is not BaseException)
    module, qualname = _name_parts(cls)
    message = _message_of(exc)
    attrs = _attrs_of(exc, mro)
    if qualname == "UnpickleableExceptionWrapper":
        # celery.utils.serialization: the original class is gone, its names and safe arguments are kept.
        module = text_of(_read(exc, "exc_module") or module)
        qualname = text_of(_read(exc, "exc_cls_name") or qualname)
        raw_args = _read(exc, "exc_args")
        args = raw_args if isinstance(raw_args, (list, tuple)) else ()
        attrs = {**attrs, **spread({"args": args})}
        message = cut(
            mask(" ".join(text_of(item) for item in args if isinstance(item, (str, int)))), MAX_MESSAGE
        )
        mro = (f"{module}.{qualname}",)
    return ExceptionFacts(
        exc_module=module,
        exc_qualname=qualname,
        mro=mro or (f"{module}.{qualname}",),
        message=message,
        attrs=attrs,
        frames=_frames_of(_read(exc, "__traceback__"), kept_frames),
        via=via,
    )


def _attrs_of(exc: BaseException, mro: tuple[str, ...]) -> dict[str, Scalar]:
    raw: dict[str, Any] = {}
    for name in _stated_names(exc, _ATTRIBUTES):
        value = _plain(_read(exc, name))
        if value is not _MISSING:
            raw[name] = value
    if any(name.startswith("grpc") for name in mro):
        # A finished gRPC call states its status through methods.
        raw["code"] = text_of(_call(_read(exc, "code")))
        raw["details"] = _call(_read(exc, "details"))
    diag = _read(exc, "diag")
    if diag is not _MISSING and isinstance(_read(diag, "sqlstate"), str):
        raw["sqlstate"] = _read(diag, "sqlstate")
    raw.update(_response_of(exc))
    args = _read(exc, "args")
    if isinstance(args, tuple) and len(args) > 1:
        raw["args"] = [_plain(item) for item in args[:4]]
    elif isinstance(args, tuple) and args and isinstance(args[0], (int, dict, list, tuple)):
        raw["args"] = [_plain(args[0])]
    # Some exceptions are rebuilt from stored data with dotted attribute names; take what is there.
    own = _read(exc, "__dict__")
    if isinstance(own, dict):
        for name, value in list(own.items())[:60]:
            if isinstance(name, str) and "." in name:
                raw[name] = _plain(value)
    notes = _read(exc, "__notes__")
    if isinstance(notes, list):
        raw["notes"] = [note for note in notes[:3] if isinstance(note, str)]
    try:
        return spread(
            {name: value for name, value in raw.items() if value is not _MISSING and value is not None}
        )
    except Exception:
        return {}


_class_names: WeakKeyDictionary[type, frozenset[str] | None] = WeakKeyDictionary()
_KNOWN_NAMES = frozenset((*_ATTRIBUTES, *_HOLDERS))


def _stated_names(exc: BaseException, wanted: tuple[str, ...]) -> Iterable[str]:
    """Those of ``wanted`` the exception may have: asking for each of a hundred absent names costs more than the rest.

    A class that answers to any name (``__getattr__``) is asked for all.
    """
    try:
        cls = type(exc)
        of_class = _class_names.get(cls, _MISSING)
        if of_class is _MISSING:
            open_ended = any(
                "__getattr__" in vars(base) or "__getattribute__" in vars(base) for base in cls.__mro__[:-2]
            )
            of_class = None if open_ended else frozenset(_KNOWN_NAMES.intersection(*[dir(cls)]))
            _class_names[cls] = of_class
        if of_class is None:
            return wanted
        own = _read(exc, "__dict__")
        if not isinstance(own, dict):
            return [name for name in wanted if name in of_class]
        return [name for name in wanted if name in own or name in of_class]
    except Exception:
        return wanted


def _response_of(exc: BaseException) -> dict[str, Any]:
    """Status, headers and (where already in memory) the body's head of the answer the exception carries."""
    response = _read(exc, "response")
    if response is _MISSING or response is None:
        response = _read(exc, "resp")  # googleapiclient, httplib2
    if response is _MISSING or response is None:
        return {}
    if isinstance(response, (str, bytes)):
        return {"response.text": response[:MAX_VALUE]}
    raw: dict[str, Any] = {}
    if isinstance(response, dict):
        status = _read(response, "status")  # httplib2.Response is a dict of headers with a status attribute
        if isinstance(status, int):
            return {"response.status": status, "response.headers": dict(response)}
        return {"response": response}
    for name in _RESPONSE_ATTRIBUTES:
        value = _plain(_read(response, name))
        if value is not _MISSING:
            raw[f"response.{name}"] = value
    # requests and httpx keep a body that was read in _content; .text might read from the socket.
    body = _read(response, "_content")
    if not isinstance(body, (bytes, str)):
        state = _read(response, "__dict__")
        body = state.get("text") if isinstance(state, dict) else None
    if isinstance(body, (bytes, str)):
        raw["response.text"] = body[:MAX_VALUE]
    return raw


def _plain(value: Any) -> Any:
    """``value`` reduced to text, numbers, dicts and lists; _MISSING for what is none of them."""
    if type(value) is str or type(value) is int or value is _MISSING:
        return value
    if isinstance(value, Enum):
        return int(value) if isinstance(value, int) else text_of(f"{type(value).__name__}.{value.name}")
    if value is None or value is _MISSING or isinstance(value, (str, bytes, int, float, list, tuple)):
        return value
    if isinstance(value, Mapping):
        try:
            return dict(list(value.items())[:40])
        except Exception:
            return _MISSING
    if type(value).__name__ in ("Headers", "HTTPMessage", "HTTPHeaderDict", "HTTPHeaders"):
        items = _call(_read(value, "items"))
        try:
            return dict(list(items)[:60])
        except Exception:
            return _MISSING
    if type(value).__name__ == "timedelta":
        return _call(_read(value, "total_seconds"))
    return _MISSING


def _read(owner: Any, name: str) -> Any:
    """Attribute ``name`` or _MISSING, also where reading it raises."""
    try:
        return getattr(owner, name, _MISSING)
    except Exception:
        return _MISSING


def _call(function: Any) -> Any:
    try:
        return function() if callable(function) else None
    except Exception:
        return None


def _message_of(exc: BaseException) -> str:
    try:
        text = str(exc)
        return cut(
            mask(text_of(text if len(text) <= 4 * MAX_MESSAGE else cut(text, 2 * MAX_MESSAGE))), MAX_MESSAGE
        )
    except Exception:
        args = _read(exc, "args")
        parts = [item for item in args if isinstance(item, str)] if isinstance(args, tuple) else []
        return cut(mask(text_of(" ".join(parts))), MAX_MESSAGE)


def _name_parts(cls: type) -> tuple[str, str]:
    try:
        return text_of(cls.__module__), text_of(cls.__qualname__)
    except Exception:
        return "builtins", "BaseException"


def _dotted(cls: type) -> str:
    return ".".join(_name_parts(cls))


# Where code of the interpreter and of installed packages lives; everything else is the project's own.
_STDLIB = tuple(
    sorted({os.path.realpath(sysconfig.get_path(key)) + os.sep for key in ("stdlib", "platstdlib")}, key=len)
)
_OWN_PACKAGE = os.path.dirname(os.path.dirname(os.path.realpath(__file__))) + os.sep
_PACKAGE_DIRS = ("site-packages", "dist-packages")
_files: dict[str, tuple[str, bool]] = {}


def place_of(path: str) -> tuple[str, bool]:
    """The path relative to what it belongs to, and whether that is the project. Remembered per file."""
    known = _files.get(path)
    if known is not None:
        return known
    if len(_files) > 1024:  # generated file names must not grow memory for ever
        _files.clear()
    answer = _files[path] = _relative(path)
    return answer


def _relative(path: str) -> tuple[str, bool]:
    if path.startswith("<frozen ") and path.endswith(">"):
        # CPython 3.11 and later carry parts of the standard library (os among them) without files.
        return path[len("<frozen ") : -1].replace(".", "/") + ".py", False
    if path.startswith("<"):
        return text_of(path[:100]), False
    clean = text_of(path).replace("\\", "/")
    for directory in _PACKAGE_DIRS:
        _, found, rest = clean.rpartition(f"/{directory}/")
        if found:
            return rest, False
    real = os.path.realpath(path)
    for prefix in _STDLIB:
        if real.startswith(prefix):
            return real[len(prefix) :].replace("\\", "/"), False
    if real.startswith(_OWN_PACKAGE):
        return "redrive/" + real[len(_OWN_PACKAGE) :].replace("\\", "/"), False
    roots = [os.path.realpath(entry or os.curdir) + os.sep for entry in sys.path if isinstance(entry, str)]
    inside = [root for root in roots if real.startswith(root) and len(root) > 1]
    if inside:
        return real[len(max(inside, key=len)) :].replace("\\", "/"), True
    return "/".join(clean.split("/")[-3:]), True


def _frames_of(traceback: Any, kept: int) -> tuple[Frame, ...]:
    """The innermost ``kept`` frames, and before them the innermost one of the project if it lies further out."""
    levels: list[TracebackType] = []
    while isinstance(traceback, TracebackType) and len(levels) < 5000:
        levels.append(traceback)
        traceback = traceback.tb_next
    frames = [_frame_of(level) for level in levels[-kept:]]
    if not any(frame.project for frame in frames):
        for level in reversed(levels[:-kept]):
            if place_of(level.tb_frame.f_code.co_filename)[1]:
                frames.insert(0, _frame_of(level))
                break
    return tuple(frames)


def _frame_of(level: TracebackType) -> Frame:
    code = level.tb_frame.f_code
    file, project = place_of(code.co_filename)
    return Frame(file, level.tb_lineno or 0, text_of(code.co_name), project)
