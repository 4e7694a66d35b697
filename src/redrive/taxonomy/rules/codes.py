"""Codes other than SQL's: HTTP status, gRPC, operating system, exit codes, mail, brokers, data stores."""

from __future__ import annotations

from redrive.taxonomy.rules.rule import CodeRule, one_of
from redrive.taxonomy.types import FailureType as F

Row = tuple[str, F, float, bool | None, str]


def code_rules(space: str, source: str, rows: tuple[Row, ...]) -> tuple[CodeRule, ...]:
    """One CodeRule per row ``(name, says, trust, retry, "code code ...")``."""
    return tuple(
        CodeRule(
            id=f"{space}.{name}",
            space=space,
            codes=one_of(codes),
            says=says,
            trust=trust,
            retry=retry,
            source=source,
        )
        for name, says, trust, retry, codes in rows
    )


HTTP = code_rules(
    "http",
    "RFC 9110 section 15; RFC 6585; registered and Cloudflare status codes",
    (
        ("rate_limit", F.TRANSIENT_RATE_LIMIT, 0.95, None, "429 420 430"),
        ("down", F.EXTERNAL_API_DOWN, 0.92, None, "502 503 520 521 523 525 526 527 529 530 599"),
        ("connect_timeout", F.EXTERNAL_API_DOWN, 0.85, None, "522"),
        ("timeout", F.EXTERNAL_TIMEOUT, 0.93, None, "408 504 524 598 460"),
        ("server_error", F.EXTERNAL_API_ERROR, 0.88, True, "500 501 505 506 508 510 511 561"),
        ("storage_full", F.SYSTEM_DISK_FULL, 0.85, None, "507"),
        ("unauthorized", F.CONFIG_INVALID_SETTING, 0.88, None, "401 407"),
        ("payment", F.EXTERNAL_API_ERROR, 0.8, False, "402"),
        ("forbidden", F.PERMANENT_PERMISSION, 0.89, None, "403 451"),
        ("not_found", F.PERMANENT_NOT_FOUND, 0.86, None, "404 410"),
        ("method", F.PERMANENT_LOGIC, 0.85, None, "405 426 428"),
        (
            "invalid",
            F.PERMANENT_VALIDATION,
            0.84,
            None,
            "400 406 409 411 412 413 414 415 416 417 421 422 431",
        ),
        ("locked", F.EXTERNAL_API_ERROR, 0.7, True, "423 424 425"),
        ("closed", F.EXTERNAL_TIMEOUT, 0.7, None, "499"),
        ("redirect", F.PERMANENT_VALIDATION, 0.6, None, "301 302 303 307 308"),
    ),
)

# The same status from a server of our own (search index, document store, time series).
OWN_HTTP = code_rules(
    "ownhttp",
    "Elasticsearch, OpenSearch, InfluxDB, Qdrant, Meilisearch HTTP APIs",
    (
        ("busy", F.TRANSIENT_DATABASE, 0.9, None, "408 425 429 500 502 503 504"),
        ("full", F.SYSTEM_DISK_FULL, 0.9, None, "507"),
        ("invalid", F.PERMANENT_VALIDATION, 0.84, None, "400 409 413 415 422"),
        ("unauthorized", F.CONFIG_INVALID_SETTING, 0.9, None, "401"),
        ("forbidden", F.PERMANENT_PERMISSION, 0.9, None, "403"),
        ("not_found", F.PERMANENT_NOT_FOUND, 0.72, None, "404 410"),
        ("method", F.PERMANENT_LOGIC, 0.85, None, "405"),
    ),
)

GRPC = code_rules(
    "grpc",
    "gRPC status codes (grpc.io/docs/guides/status-codes)",
    (
        ("unavailable", F.EXTERNAL_API_DOWN, 0.9, None, "UNAVAILABLE"),
        ("deadline", F.EXTERNAL_TIMEOUT, 0.95, None, "DEADLINE_EXCEEDED"),
        ("exhausted", F.TRANSIENT_RATE_LIMIT, 0.9, None, "RESOURCE_EXHAUSTED"),
        ("internal", F.EXTERNAL_API_ERROR, 0.88, True, "INTERNAL UNKNOWN DATA_LOSS"),
        ("aborted", F.EXTERNAL_API_ERROR, 0.75, True, "ABORTED"),
        ("not_found", F.PERMANENT_NOT_FOUND, 0.87, None, "NOT_FOUND"),
        ("permission", F.PERMANENT_PERMISSION, 0.9, None, "PERMISSION_DENIED"),
        ("unauthenticated", F.CONFIG_INVALID_SETTING, 0.9, None, "UNAUTHENTICATED"),
        ("argument", F.PERMANENT_VALIDATION, 0.88, None,
         "INVALID_ARGUMENT OUT_OF_RANGE ALREADY_EXISTS FAILED_PRECONDITION"),
        ("unimplemented", F.PERMANENT_LOGIC, 0.93, None, "UNIMPLEMENTED"),
    ),
)  # fmt: skip

ERRNO = code_rules(
    "errno",
    "errno(3); getaddrinfo(3); Winsock error codes",
    (
        ("disk_full", F.SYSTEM_DISK_FULL, 0.96, None, "28 122 69"),
        ("no_memory", F.SYSTEM_OUT_OF_MEMORY, 0.95, None, "12"),
        ("connection", F.TRANSIENT_NETWORK, 0.86, None,
         "32 61 64 71 100 101 102 103 104 108 111 112 113 10050 10051 10052 10053 10054 10061 10064 10065 "
         "10013 54 99"),
        ("timed_out", F.TRANSIENT_NETWORK, 0.84, None, "110 60 10060"),
        ("name", F.TRANSIENT_NETWORK, 0.9, None, "-2 -3 -4 -5 11001 11002 11003 11004 -8"),
        ("no_file", F.PERMANENT_NOT_FOUND, 0.72, None, "2"),
        ("permission", F.PERMANENT_PERMISSION, 0.92, None, "1 13 30"),
        ("name_too_long", F.PERMANENT_VALIDATION, 0.92, None, "36 63"),
        ("open_files", F.CONFIG_INVALID_SETTING, 0.75, None, "24 23 98"),
        ("busy", F.TRANSIENT_NETWORK, 0.6, True, "11 35"),
        ("stale_or_io", F.UNKNOWN, 0.5, None, "5 116"),
        ("logic", F.PERMANENT_LOGIC, 0.8, None, "9 17 20 21 39 22 14 40"),
        ("no_device", F.CONFIG_MISSING_SERVICE, 0.7, None, "6 19"),
    ),
)  # fmt: skip

WINERROR = code_rules(
    "winerror",
    "Windows system error codes",
    (
        ("disk_full", F.SYSTEM_DISK_FULL, 0.96, None, "39 112 1295"),
        ("no_memory", F.SYSTEM_OUT_OF_MEMORY, 0.95, None, "8 14 1450 1455"),
        ("connection", F.TRANSIENT_NETWORK, 0.92, None,
         "53 59 64 121 1225 1231 1232 1236 10050 10051 10052 10053 10054 10060 10061 10064 10065"),
        ("name", F.TRANSIENT_NETWORK, 0.92, None, "11001 11002 11003 11004"),
        ("permission", F.PERMANENT_PERMISSION, 0.9, None, "5"),
        ("in_use", F.PERMANENT_PERMISSION, 0.7, None, "32 33"),
        ("no_file", F.PERMANENT_NOT_FOUND, 0.75, None, "2 3"),
        ("missing_dll", F.CONFIG_MISSING_SERVICE, 0.93, None, "126 127 193 1114"),
        ("logon", F.CONFIG_INVALID_SETTING, 0.9, None, "1326 67"),
        ("name_too_long", F.PERMANENT_VALIDATION, 0.9, None, "123 206 267"),
    ),
)  # fmt: skip

EXIT = code_rules(
    "exit",
    "wait(2); bash manual, exit status; Docker run exit status",
    (
        ("killed", F.SYSTEM_OUT_OF_MEMORY, 0.85, None, "137 -9"),
        ("terminated", F.SYSTEM_WORKER_LOST, 0.6, None, "143 -15"),
        ("crashed", F.UNKNOWN, 0.7, None, "139 -11 134 -6 135 -7 132 -4 136 -8"),
        ("no_command", F.CONFIG_MISSING_SERVICE, 0.92, None, "127"),
        ("not_executable", F.PERMANENT_PERMISSION, 0.6, None, "126"),
        ("general", F.UNKNOWN, 0.6, None, "1 2 255 128 -1 3 4"),
    ),
)

SIGNAL = code_rules(
    "signal",
    "signal(7); billiard WorkerLostError text",
    (
        ("kill", F.SYSTEM_OUT_OF_MEMORY, 0.86, None, "9 SIGKILL"),
        ("crash", F.SYSTEM_WORKER_LOST, 0.8, None, "11 6 7 4 8 SIGSEGV SIGABRT SIGBUS"),
        ("term", F.SYSTEM_WORKER_LOST, 0.8, None, "15 2 1 3 SIGTERM"),
    ),
)

SMTP = code_rules(
    "smtp",
    "RFC 5321 section 4.2; RFC 3463; RFC 4954",
    (
        ("auth", F.CONFIG_INVALID_SETTING, 0.96, None, "535 534 538 530 525"),
        ("no_auth_or_relay", F.CONFIG_INVALID_SETTING, 0.75, None, "521 523 551"),
        ("temporary", F.EXTERNAL_API_ERROR, 0.7, True, "451 455 432"),
        ("unavailable", F.EXTERNAL_API_DOWN, 0.75, True, "421 442 447"),
        ("busy", F.TRANSIENT_RATE_LIMIT, 0.75, True, "450 454"),
        ("storage", F.EXTERNAL_API_ERROR, 0.85, True, "452"),
        ("refused", F.PERMANENT_VALIDATION, 0.85, None, "550 552 553 554 501 555 556 541 500"),
        ("sequence", F.PERMANENT_LOGIC, 0.8, None, "502 503 504"),
        ("spam", F.PERMANENT_PERMISSION, 0.6, None, "571 540"),
    ),
)

FTP = code_rules(
    "ftp",
    "RFC 959 section 4.2; RFC 4217",
    (
        ("unavailable", F.EXTERNAL_API_DOWN, 0.85, True, "421"),
        ("data_connection", F.TRANSIENT_NETWORK, 0.9, None, "425 426"),
        ("auth", F.CONFIG_INVALID_SETTING, 0.95, None, "530 532 430 431 534"),
        ("busy", F.EXTERNAL_API_ERROR, 0.75, True, "450 451"),
        ("partner_full", F.EXTERNAL_API_ERROR, 0.85, True, "452"),
        ("quota", F.EXTERNAL_API_ERROR, 0.75, False, "552"),
        ("not_found", F.PERMANENT_NOT_FOUND, 0.85, None, "550"),
        ("name", F.PERMANENT_VALIDATION, 0.85, None, "553"),
        ("command", F.PERMANENT_LOGIC, 0.75, None, "500 501 502 503 504"),
    ),
)

AMQP = code_rules(
    "amqp",
    "AMQP 0-9-1 specification, reply codes",
    (
        ("forced", F.TRANSIENT_NETWORK, 0.95, None, "320 541 311 313 CONNECTION_FORCED INTERNAL_ERROR"),
        (
            "refused",
            F.CONFIG_INVALID_SETTING,
            0.94,
            None,
            "403 402 530 ACCESS_REFUSED NOT_ALLOWED INVALID_PATH",
        ),
        ("not_found", F.CONFIG_INVALID_SETTING, 0.94, None, "404 NOT_FOUND"),
        ("locked", F.TRANSIENT_NETWORK, 0.6, None, "405 RESOURCE_LOCKED"),
        ("precondition", F.CONFIG_INVALID_SETTING, 0.95, None, "406 PRECONDITION_FAILED"),
        ("no_route", F.CONFIG_INVALID_SETTING, 0.8, None, "312 NO_ROUTE"),
        (
            "protocol",
            F.PERMANENT_LOGIC,
            0.8,
            None,
            "501 502 503 504 505 540 FRAME_ERROR SYNTAX_ERROR COMMAND_INVALID CHANNEL_ERROR "
            "UNEXPECTED_FRAME NOT_IMPLEMENTED",
        ),
        ("resource", F.TRANSIENT_NETWORK, 0.75, None, "506 RESOURCE_ERROR"),
    ),
)

MONGO = code_rules(
    "mongo",
    "MongoDB error codes (error_codes.yml)",
    (
        ("transient", F.TRANSIENT_DATABASE, 0.96, None,
         "6 7 24 50 64 89 91 112 133 134 189 202 226 251 262 317 384 10107 11600 11602 13435 13436 9001 43 "
         "46 82 175 234 237 286 290 314 358 365 16500 10058 11601 136 63 150 13388 246"),
        ("out_of_memory", F.SYSTEM_OUT_OF_MEMORY, 0.95, None, "146 292 39 16945"),
        ("disk_full", F.SYSTEM_DISK_FULL, 0.95, None, "14031 12501"),
        ("login", F.CONFIG_INVALID_SETTING, 0.95, None, "18 11 8000 26 27 73 334"),
        ("permission", F.PERMANENT_PERMISSION, 0.93, None, "13 31"),
        ("invalid", F.PERMANENT_VALIDATION, 0.94, None,
         "11000 11001 121 12582 10334 17280 22 16755 16819 51091"),
        ("logic", F.PERMANENT_LOGIC, 0.9, None,
         "2 9 14 20 28 40 52 59 66 67 68 72 85 86 48 40324 40415 16410 17419 168 40353 57 96 115 235 51 "
         "5107200 16436"),
    ),
)  # fmt: skip

REDIS = code_rules(
    "redis",
    "Redis and Valkey error prefixes (server source, replication and cluster documentation)",
    (
        ("out_of_memory", F.SYSTEM_OUT_OF_MEMORY, 0.97, None, "OOM"),
        ("disk", F.SYSTEM_DISK_FULL, 0.9, None, "MISCONF"),
        ("busy", F.TRANSIENT_DATABASE, 0.97, None,
         "BUSY LOADING MASTERDOWN NOREPLICAS CLUSTERDOWN TRYAGAIN READONLY MOVED ASK UNBLOCKED INPROG "
         "NOGOODSLAVE FAILOVER REDIRECT NOMASTERLINK"),
        ("no_auth", F.CONFIG_MISSING_SETTING, 0.95, None, "NOAUTH"),
        ("wrong_auth", F.CONFIG_INVALID_SETTING, 0.96, None, "WRONGPASS NOPROTO"),
        ("permission", F.PERMANENT_PERMISSION, 0.96, None, "NOPERM DENIED"),
        ("logic", F.PERMANENT_LOGIC, 0.92, None,
         "WRONGTYPE NOSCRIPT CROSSSLOT EXECABORT BUSYKEY NOGROUP BUSYGROUP UNKILLABLE NOTBUSY SYNTAX"),
    ),
)  # fmt: skip

CLICKHOUSE = code_rules(
    "clickhouse",
    "ClickHouse ErrorCodes.cpp",
    (
        ("out_of_memory", F.SYSTEM_OUT_OF_MEMORY, 0.95, None, "241 173"),
        ("disk_full", F.SYSTEM_DISK_FULL, 0.95, None, "243 1013"),
        ("transient", F.TRANSIENT_DATABASE, 0.95, None,
         "159 160 202 209 210 252 164 203 225 285 319 242 999 373 279 425 3 32 102 198 394 439 473 289 "
         "571 236 218 307 158 201 396 667 410"),
        ("login", F.CONFIG_INVALID_SETTING, 0.95, None, "516 60 81 47 16 192 193 194 519 36"),
        ("permission", F.PERMANENT_PERMISSION, 0.95, None, "497 291 482"),
        ("data", F.PERMANENT_VALIDATION, 0.93, None,
         "27 6 26 38 41 53 69 72 117 349 131 321 190 130 70 440 469 33 517 1001"),
        ("logic", F.PERMANENT_LOGIC, 0.92, None,
         "62 42 43 46 44 153 184 215 179 207 386 57 48 63 35 10 20 115 8 49 15 7"),
    ),
)  # fmt: skip

RULES = (
    *HTTP, *OWN_HTTP, *GRPC, *ERRNO, *WINERROR, *EXIT, *SIGNAL, *SMTP, *FTP, *AMQP, *MONGO, *REDIS, *CLICKHOUSE,
)  # fmt: skip
