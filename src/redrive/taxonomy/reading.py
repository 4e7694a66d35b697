"""What one exception of the chain states, picked out of its facts: codes, HTTP status, families, searchable text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from redrive.taxonomy.facts import ExceptionFacts
from redrive.taxonomy.rules import families
from redrive.taxonomy.rules.families import family_of_module
from redrive.taxonomy.rules.sql import POSTGRES_CLASSES
from redrive.taxonomy.types import Scalar
from redrive.taxonomy.words import has_any

Code = tuple[str, str, str]
"""Space, code, and the text it was read from."""

_TEXT_LIMIT = 6000


def _places(*names: str) -> dict[str, int]:
    """Each name with its place."""
    return {name: place for place, name in enumerate(names)}


_TEXT_ATTRS = _places(
    "stderr", "output", "response.text", "body", "text", "smtp_error", "details", "detail", "explanation",
    "error_message", "errors.0", "errors.0.message", "errors.0.reason", "user_message", "msg", "response.Error.Message",
    "response.error", "notes.0", "doc", "response_body", "reply_text", "response.reason", "reason",
    "description", "content", "recipients_text", "args.1",
)  # fmt: skip

_STATUS_ATTRS = _places(
    "response.status_code", "status_code", "http_status", "response.status", "status", "response_code", "http_code",
    "http_status_code", "response.ResponseMetadata.HTTPStatusCode", "code", "response.code", "errcode", "args.0",
)  # fmt: skip
_API_ATTRS = _places(
    "code", "error_code", "error", "type", "error_type", "response.error", "response.Error.Code", "error.code",
    "error.type", "error.reason", "reason", "default_code", "title", "decline_code", "errors.0.reason", "errors.0.code",
    "full_code", "faultcode", "args.1.error", "response.data.error", "response.code", "response.error.code",
    "body.code", "body.error.code", "body.error.type", "error_name", "content.0.errorCode", "data.code", "data.error",
    "details.code", "value", "errors.0.type",
)  # fmt: skip

# Every pattern is linear: fixed text, bounded counts, no nested repetition.
_PREFIX_STATUS = re.compile(
    r"^\W{0,3}(?:error code:? |http ?(?:error)? ?|status:? )?\(?([45]\d\d)\)?(?=\W|$)"
)
_TEXT_STATUS = re.compile(
    r"(?:http(?:/[12](?:\.\d)?)?(?: \w{1,12}){0,3}[ :=]{1,3}|status(?:[ _]?code)?(?: \w{1,8}){0,2}\W{1,4}|"
    r"statuscode\W{1,4}|error code:? |\bcode(?: of)?[:= ]{1,3}|too many |received |returned |responded with |"
    r"response(?: \w{1,8}){0,2}[:= ]{1,3}|got |error \(|error: |error '|\[|<response \[|<title>)"
    r"\(?'?([45]\d\d)(?!\w|\.\d| ?ms| bytes)"
)
_CLASS_STATUS = re.compile(r"\b([45]\d\d) (?:client|server) error")
# A number only before its own phrase: "order 503 not found" states no status.
_PHRASE_STATUS = re.compile(
    r"(?<![\w.,#-])(400(?= bad request)|404(?= not found)|429(?= too many requests)|500(?= internal server error)|"
    r"502(?= (?:bad gateway|proxy error))|503(?= service (?:temporarily )?unavailable)|504(?= gateway time-?out))"
)
_DRIVER_CLASS = re.compile(r"^\(((?:[a-zA-Z_]\w{0,40}\.){1,5}\w{1,60})\) ")
_MYSQL_TEXT = re.compile(r"(?:^|\) |error )\(?(\d{4})[,:( ]")
_ORACLE = re.compile(r"\b(?:ora|dpy|dpi|tns)-\d{4,5}")
_ODBC_STATE = re.compile(r"^\(?'?\(?'?([0-9a-z]{5})'?,? |\[([0-9a-z]{5})\] \[")
_MSSQL_NUMBER = re.compile(
    r"\((-?\d{1,5})\) \(sql|^\(?\(?(-?\d{2,5}), b['\"]|error (\d{3,5})[,:]|message (\d{3,5}),"
)
_ERRNO = re.compile(
    r"\[errno (-?\d{1,5})\]|\(os error (\d{1,5})\)|\berrno[ =:]{1,3}(-?\d{1,5})|error (-?\d{1,3}) connecting"
)
_ERRNO_NEEDS = ("errno", "os error", " connecting")
_WINERROR = re.compile(r"\[winerror (\d{1,5})\]")
_AWS = re.compile(r"[Aa]n error occurred \(([\w.]{1,80})\)")
_AMQP_WORD = re.compile(r"\b([A-Z]{2,12}_[A-Z]{2,12})\b")
_GRPC = re.compile(r"(?:statuscode\.|status = |grpc_status:|grpc error: )(?:statuscode\.)?([a-z_]{2,24})")
_SMTP_TEXT = re.compile(r"^\W{0,3}([2345]\d\d)(?:[, -]|$)|[({]'?[^'(]{0,100}'?:? ?\((\d{3}), ")
_JSON_CODE = re.compile(
    r"[\"'](?:code|errorcode|error|error_code|reason|type|status|errortype|__type|error_type|name)[\"']\s?:\s?"
    r"[\"']([\w.# -]{3,80})[\"']"
)
_QUOTED_WORD = re.compile(r"[(, ]['\"]([a-z]{3,20}(?:_[a-z]{2,20}){1,4})['\"]")
_AZURE = re.compile(r"errorcode:\s?(\w{3,60})|\(([a-z]{6,60})\) ")
_S3_STYLE = re.compile(r"code: (\w{4,50}), message|<code>(\w{4,60})</code>")
_EXIT = re.compile(
    r"exit(?:ed with)?(?: ?code| status)?[:= ]{1,3}(-?\d{1,3})\b|"
    r"exitcode:? (-?\d{1,3})|non-zero exit (?:status|code):? (-?\d{1,3})|"
    r"return(?:ed)?(?:ing)?(?: code)?[:= ](-?\d{1,3})\b"
)
_SIGNAL = re.compile(r"signal:? (\d{1,2})\b|(sig(?:kill|segv|term|abrt|bus))\b")
_CLICKHOUSE = re.compile(r"\bcode: ?(\d{1,4})[.,]|error code (\d{1,4})")
_MONGO = re.compile(r"\be(11000)\b|error code (\d{1,5})|'code': (\d{1,5})")
_REDIS = re.compile(r"^([a-z]{3,20})\b[ :]")
_LEADING_WORD = re.compile(r"^([A-Z][A-Z_]{3,60})\b")
_QUOTED_STATE = re.compile(r"sqlstate[\[ :=']{1,3}([0-9a-z]{5})")
_MYSQL_MODULES = (
    "pymysql",
    "MySQLdb",
    "_mysql",
    "_mysql_exceptions",
    "mysql",
    "aiomysql",
    "asyncmy",
    "mariadb",
)
_WRAPPERS = ("django", "sqlalchemy", "peewee", "tortoise", "databases", "pony", "ormar")


@dataclass(slots=True)
class Reading:
    """One exception, read.

    Attributes:
        facts: The exception.
        family: Kind of library its class comes from; for built-in classes that of the innermost library frame
            that has one, as ``origin``.
        origin: Kind of library it was raised in, by its frames.
        text: Lower-case message with subprocess output, server replies and response bodies appended.
        codes: What was found, most trustworthy space first.
        status: HTTP status, 0 for none.
    """

    facts: ExceptionFacts
    family: str
    origin: str
    text: str
    codes: list[Code]
    status: int


def read(facts: ExceptionFacts) -> Reading:
    """Pick everything structured out of one exception (not of its chain)."""
    attrs = facts.attrs
    message = facts.message.lower()
    family = _family_of(facts)
    origin = _origin_of(facts)
    text = _text_of(message, attrs)
    top = facts.exc_module.partition(".")[0]
    codes: list[Code] = []
    if family == families.DATABASE or top in _WRAPPERS:
        codes.extend(_sql_codes(facts, message, top))
    if family in (families.STORE, families.DATABASE):
        codes.extend(_store_codes(message, attrs, top))
    codes.extend(_system_codes(facts, text, family))
    status = 0
    if family in (families.MAIL, families.FTP):
        codes.extend(_reply_codes(facts, message, family))
    elif family == families.BROKER:
        reply = attrs.get("reply_code") or attrs.get("code") or attrs.get("args.0")
        if reply is not None:
            codes.append(("amqp", str(reply), str(reply)))
        elif "_" in message:
            codes.extend(("amqp", word, word) for word in _AMQP_WORD.findall(facts.message)[:2])
    else:
        codes.extend(_api_codes(facts, text, family))
        status = _status_of(facts, text, family)
    return Reading(facts, family, origin, text, codes, status)


def _family_of(facts: ExceptionFacts) -> str:
    for name in facts.mro or (facts.exc_module,):
        if not name.startswith("builtins."):
            kind = family_of_module(name)
            if kind:
                return kind
    return family_of_module(facts.exc_module) if facts.exc_module != "builtins" else ""


def _origin_of(facts: ExceptionFacts) -> str:
    for frame in reversed(facts.frames):
        if frame.project:
            continue
        kind = _family_of_file(frame.file)
        if kind:
            return kind
    return ""


@lru_cache(maxsize=256)
def _family_of_file(file: str) -> str:
    return family_of_module(file.removesuffix(".py").replace("/", ".").replace("\\", "."))


def _text_of(message: str, attrs: Mapping[str, Scalar]) -> str:
    parts = [message]
    for name in _stated(_TEXT_ATTRS, attrs):
        value = attrs[name]
        if isinstance(value, str) and value:
            lowered = value.lower()
            if lowered not in message:
                parts.append(lowered)
    text = "\n".join(parts)
    if len(text) > _TEXT_LIMIT:
        text = text[: _TEXT_LIMIT - 1500] + "\n" + text[-1500:]
    return text


def _stated(wanted: Mapping[str, int], attrs: Mapping[str, Scalar]) -> list[str]:
    """Those of ``wanted`` that are there, in their order; most exceptions state few."""
    found = [name for name in attrs if name in wanted]
    if len(found) > 1:
        found.sort(key=wanted.__getitem__)
    return found


def _first(match: re.Match[str] | None) -> str | None:
    return None if match is None else next((group for group in match.groups() if group is not None), None)


def _sql_codes(facts: ExceptionFacts, message: str, top: str) -> list[Code]:
    attrs = facts.attrs
    codes: list[Code] = []
    for name in ("sqlstate", "pgcode", "orig.sqlstate", "orig.pgcode"):
        value = attrs.get(name)
        if isinstance(value, str) and value:
            codes.append(("sqlstate", value.upper(), value))
    simple, module = facts.exc_qualname, facts.exc_module
    driver = _DRIVER_CLASS.match(facts.message)
    if driver is not None:
        module, _, simple = driver[1].rpartition(".")
        top = module.partition(".")[0]
    if not codes and module in (
        "psycopg2.errors",
        "psycopg.errors",
        "asyncpg.exceptions",
        "psycopg2.extensions",
    ):
        state = POSTGRES_CLASSES.get(simple) or POSTGRES_CLASSES.get(simple.removesuffix("Error"))
        if state:
            codes.append(("sqlstate", state, simple))
    number = attrs.get("errno") if top == "mysql" else attrs.get("args.0")
    if top in _MYSQL_MODULES or top in _WRAPPERS:
        text_number = _first(_MYSQL_TEXT.search(message[:300]))
        if isinstance(number, int) and not isinstance(number, bool):
            codes.append(("mysql", str(number), str(number)))
        elif text_number:
            codes.append(("mysql", text_number, text_number))
    if "ora-" in message or "dp" in message or "tns-" in message:
        codes.extend(("oracle", found.upper(), found.upper()) for found in _ORACLE.findall(message)[:4])
    if (
        top in ("pyodbc", "pymssql", "pytds", "mssql_python", "turbodbc", "ibm_db_dbi")
        or "odbc" in message
        or top in _WRAPPERS
    ):
        found = _first(_MSSQL_NUMBER.search(message[:1500]))
        if found and top not in _MYSQL_MODULES:
            codes.append(("mssql", found, found))
        if top in ("pymssql", "pytds"):
            number = attrs.get("number") or attrs.get("args.0") or attrs.get("args.0.0")
            if isinstance(number, int):
                codes.append(("mssql", str(number), str(number)))
        state = _first(_ODBC_STATE.search(message[:200]))
        if state and ("odbc" in message or top == "pyodbc"):
            codes.append(("sqlstate", state.upper(), state.upper()))
    quoted = _first(_QUOTED_STATE.search(message[:600])) if "sqlstate" in message else None
    if quoted:
        codes.append(("sqlstate", quoted.upper(), quoted.upper()))
    errorname = attrs.get("sqlite_errorname")
    if isinstance(errorname, str):
        codes.append(("sqlite", errorname, errorname))
    return codes


def _store_codes(message: str, attrs: Mapping[str, Scalar], top: str) -> list[Code]:
    codes: list[Code] = []
    if top in ("pymongo", "motor", "mongoengine"):
        for found in (attrs.get("code"), _first(_MONGO.search(message[:2000]))):
            if found is not None:
                codes.append(("mongo", str(found), str(found)))
    elif top in ("redis", "valkey", "aioredis", "rediscluster", "coredis", "django_redis", "redis_om"):
        found = attrs.get("status_code")
        if isinstance(found, str) and found != "ERR":
            codes.append(("redis", found.upper(), found))
        word = _REDIS.match(message)
        if word is not None:
            codes.append(("redis", word[1].upper(), word[1].upper()))
    elif top in ("clickhouse_driver", "clickhouse_connect", "aiochclient", "asynch", "infi"):
        found = attrs.get("code") or _first(_CLICKHOUSE.search(message[:500]))
        if found is not None:
            codes.append(("clickhouse", str(found), str(found)))
    return codes


def _system_codes(facts: ExceptionFacts, text: str, family: str) -> list[Code]:
    attrs = facts.attrs
    codes: list[Code] = []
    winerror = attrs.get("winerror") or (_first(_WINERROR.search(text)) if "winerror" in text else None)
    if winerror is not None:
        codes.append(("winerror", str(winerror), f"WinError {winerror}"))
    # The errno of a TLS error is a number of OpenSSL's, not of the system.
    number = attrs.get("errno") if facts.exc_module not in ("ssl", "_ssl") else 0
    if number is None and has_any(_ERRNO_NEEDS, text):
        number = _first(_ERRNO.search(text[:3000]))
    if number and winerror is None and family != families.DATABASE:
        codes.append(("errno", str(number), f"errno {number}"))
    for name in ("returncode", "exit_code", "exitcode"):
        value = attrs.get(name)
        if isinstance(value, int):
            codes.append(("exit", str(value), f"{name} {value}"))
            break
    else:
        if "exit" in text or "return" in text or "sig" in text:
            for space, pattern in (("signal", _SIGNAL), ("exit", _EXIT)):
                found = _first(pattern.search(text[:1500]))
                if found:
                    codes.append((space, found.upper(), f"{space} {found}"))
    return codes


def _reply_codes(facts: ExceptionFacts, message: str, family: str) -> list[Code]:
    attrs = facts.attrs
    reply: Scalar = attrs.get("smtp_code")
    if reply is None:
        for name, value in attrs.items():
            if name.startswith("recipients.") and name.endswith(".0"):
                reply = value
                break
    if reply is None and family == families.MAIL:
        reply = attrs.get("code")
    if reply is None:
        reply = _first(_SMTP_TEXT.search(message[:400]))
    if reply is None:
        return []
    return [(("ftp" if family == families.FTP else "smtp"), str(reply), str(reply))]


def _api_codes(facts: ExceptionFacts, text: str, family: str) -> list[Code]:
    attrs = facts.attrs
    codes: list[Code] = []
    if family == families.AWS or "an error occurred (" in text:
        found = attrs.get("response.Error.Code") or _first(_AWS.search(facts.message))
        if isinstance(found, str):
            codes.append(("aws", found, found))
    grpc = attrs.get("grpc_status_code") or (attrs.get("code") if family == families.GRPC else None)
    if isinstance(grpc, str) and grpc:
        codes.append(("grpc", grpc.rpartition(".")[2].upper(), grpc))
    elif "statuscode." in text or "status = " in text or "grpc" in text:
        found = _first(_GRPC.search(text))
        if found:
            codes.append(("grpc", found.upper(), found))
    top = facts.exc_module.partition(".")[0]
    for name in _stated(_API_ATTRS, attrs):
        value = attrs[name]
        if isinstance(value, str) and 2 < len(value) < 80:
            codes.append(("api", value.lower(), value))
        elif isinstance(value, int) and name in ("code", "error_code") and not isinstance(value, bool):
            codes.append((top, str(value), f"{name} {value}"))
    if family == families.API and "'" in text:
        codes.extend(("api", found, found) for found in _QUOTED_WORD.findall(text[:2000])[:8])
    if "':" in text or '":' in text:
        codes.extend(("api", found, found) for found in _JSON_CODE.findall(text[:4000])[:6])
    if family == families.AZURE:
        found = _first(_AZURE.search(text[:3000]))
        if found:
            codes.append(("api", found, found))
    if "code: " in text or "<code>" in text:
        found = _first(_S3_STYLE.search(text[:3000]))
        if found:
            codes.append(("api", found, found))
    word = _LEADING_WORD.match(facts.message)
    if word is not None:
        codes.append(("api", word[1].lower(), word[1]))
    return codes


def _status_of(facts: ExceptionFacts, text: str, family: str) -> int:
    attrs = facts.attrs
    for name in _stated(_STATUS_ATTRS, attrs):
        value = attrs[name]
        if isinstance(value, str) and len(value) == 3 and value.isdigit():
            value = int(value)
        if isinstance(value, int) and 300 <= value < 600 and not isinstance(value, bool):
            if name in ("code", "args.0") and family in (families.DATABASE, families.STORE, families.DATA):
                continue
            return value
    if family in (families.DATABASE, families.DATA, families.SETTINGS):
        return 0
    head = text[:3000]
    if "4" not in head and "5" not in head:
        return 0
    for pattern in (_PREFIX_STATUS, _CLASS_STATUS, _TEXT_STATUS, _PHRASE_STATUS):
        match = pattern.search(head)
        if match is not None:
            return int(match[1])
    return 0
