"""What messages say about mail and file servers, absent data, bad input and bugs."""

from __future__ import annotations

from redrive.taxonomy.rules import families as fam
from redrive.taxonomy.rules.rule import TextRule
from redrive.taxonomy.rules.text_rule import text_rule as _text
from redrive.taxonomy.types import FailureType as F

_OWN = fam.OWN_DATA
_SQL = frozenset({fam.DATABASE})
_STORE = frozenset({fam.STORE})
_REMOTE = fam.REMOTE
_MAIL = frozenset({fam.MAIL})

# fmt: off
MAIL: tuple[TextRule, ...] = (
    _text(
        "mail_rate", F.TRANSIENT_RATE_LIMIT, 0.97,
        "too many", " rate", "rate limit", "4.7.", "daily user sending", "sending limit",
        "temporarily deferred", "sent from your", "greylist", "unusual", "limit exceeded", "5.4.5",
        "throttl", "slow down",
        families=_MAIL,
        unless=(
            "temporary server error", "temporary lookup failure", "local problem", "system problem",
            "generated", "operate", "authenticat", "starttls", "separate", "accurate", "4.7.0 temporary auth",
            "moderate", "corporate", "too many recipients", "too many hops", "5.7.",
        ),
    ),
    _text(
        "mail_later", F.TRANSIENT_RATE_LIMIT, 0.965,
        "try again later",
        families=_MAIL,
        unless=(
            "not available", "unavailable", "shutting down", "temporary server error", "temporary lookup failure",
            "local problem", "system problem", "temporary auth", "5.7.",
        ),
    ),
    _text(
        "mail_relay", F.CONFIG_INVALID_SETTING, 0.975,
        "relay", "must issue a starttls", "authentication required", "not authenticated",
        "sender address rejected", "from address", "not allowed to send", "not owned by user", "send as",
        "not verified", "unverified", "domain not found", "sender verify", "client was not authenticated",
        "authorization required", "sender denied", "dmarc", "spf", "username and password not accepted",
        "authenticat", "auth required", "err_auth",
        families=_MAIL,
        unless=(
            "unusual rate", "rate limited", "rate-limited", "rate limit",
            "message rejected as spam", "recipient address rejected: user", "mailbox not found",
            "temporary auth", "author",
        ),
    ),
    _text(
        "mail_timeout", F.EXTERNAL_TIMEOUT, 0.96,
        "timed out", "timeout exceeded",
        families=_MAIL,
    ),
    _text(
        "mail_closed", F.TRANSIENT_NETWORK, 0.93,
        "connection unexpectedly closed", "please run connect() first", "connection lost",
        "server not connected", "socket error", "eof", "connection closed",
        families=_MAIL,
    ),
    _text(
        "mail_recipient", F.PERMANENT_VALIDATION, 0.94,
        "recipient", "mailbox", "user unknown", "no such user", "does not exist", "invalid address", "5.1.1",
        "5.1.3", "message too large", "message size", "exceeds size", "5.3.4", "bad address", "spam",
        "5.7.1 [", "content rejected", "blocked for",
        families=_MAIL,
        unless=(
            "relay", "over quota", "full", "4.2.2", "unavailable", "4.5.", "4.2.0", "temporar", "try again",
            "auth",
        ),
    ),
    _text(
        "ftp_rate", F.TRANSIENT_RATE_LIMIT, 0.95,
        "too many connections", "too many users", "too many",
        families=frozenset({fam.FTP}),
    ),
    _text(
        "ftp_rights", F.PERMANENT_PERMISSION, 0.94,
        "permission denied", "access is denied", "access denied", "not allowed", "operation not permitted",
        "prohibited", "could not create file",
        families=frozenset({fam.FTP, fam.SSH}),
    ),
    _text(
        "ftp_missing", F.PERMANENT_NOT_FOUND, 0.93,
        "no such file", "not found", "does not exist", "can't find", "failed to open file",
        "failed to change directory", "can't open", "no files found", "no such path",
        families=frozenset({fam.FTP, fam.SSH}),
        unless=("data connection",),
    ),
)
# fmt: on

# fmt: off
ABSENT: tuple[TextRule, ...] = (
    _text(
        "ca_file", F.CONFIG_INVALID_SETTING, 0.95,
        ".pem", ".crt", ".key", ".p12", ".pfx", "/certs/", "/run/secrets", "/etc/", "id_rsa",
        "credentials.json", "service-account", "service_account", ".env'", "config.y", "config.json",
        "kubeconfig", "settings.", "client_secret", ".cert", ".ini'", ".conf'",
        classes="FileNotFoundError",
    ),
    _text(
        "bare_command", F.CONFIG_MISSING_SERVICE, 0.945,
        "no such file or directory", "the system cannot find the file",
        pattern=(
            r"directory: '[\w+.-]{1,40}'$|directory: '/usr/(?:local/)?s?bin/[\w.-]{1,40}'|"
            r"^\[errno 2\] no such file or directory$"
        ),
        classes="FileNotFoundError",
        unless=(
            ".csv'", ".txt'", ".pdf'", ".json'", ".xlsx'", ".xml'", ".html'", ".jpg'", ".png'", ".mp4'",
            ".zip'", ".log'", ".db'", ".parquet'", ".docx'", ".mov'", ".mp3'", ".wav'", ".yaml'", ".yml'",
            ".toml'", ".gz'", ".tar'", ".dat'", ".bin'", ".svg'", ".jpeg'", ".gif'", ".tif", ".xls'", ".md'",
            ".py'", ".eml'", ".avro'", ".npy'", ".pkl'", ".h5'", ".webp'", ".heic'", ".ics'", ".sql'",
        ),
    ),
    _text(
        "absent_words", F.PERMANENT_NOT_FOUND, 0.885,
        "matching query does not exist", "no such object", "no such key", "not found", "does not exist",
        "doesn't exist", "no longer exists", "no such file", "no such container", "could not be found",
        "cannot be found", "couldn't find", "no row was found", "no such user", "was deleted",
        "has been deleted", "no such document", "no such record", "unknown user", "unable to find",
        "cannot find the", "key not found", "object not found", "no results found", "record not found",
        "unknown message", "unknown channel", "video unavailable", "no longer available", "not exist",
        "no matching", "chat not found", "_not_found", "wasn't found", "wurde gelöscht", "nicht gefunden",
        "introuvable", "no encontrad", "non trovat", "не найден", "nicht vorhanden", "existiert nicht",
        "n'existe pas", "no existe", "no se encontró", "non esiste", "não encontrad", "não existe",
        unless=(
            "module", "executable", "command not found", "method not found", "template", "binary", "library",
            "setting", "function", "attribute", "columns expected", "matching signature",
            "endpoint not found", "configuration", "config", "no matching constructor", "argument", "column",
            "bucket", "index", "may not exist",
        ),
    ),
    _text(
        "remote_object", F.PERMANENT_NOT_FOUND, 0.9,
        "no such object", "key does not exist", "object not found", "blob does not exist", "file not found",
        "message not found", "resource not found", "could not find", "no such customer", "no such charge",
        "no such payment", "no such subscription", "unable to fetch record", "was not found",
        "chat not found", "not found", "entity not found", "requested entity was not found",
        "document not found",
        families=_REMOTE,
        unless=(
            "bucket", "container not found", "model", "index", "project not found: ", "deployment", "dataset",
            "table", "account not found", "method not found",
        ),
    ),
    _text(
        "none_found", F.PERMANENT_NOT_FOUND, 0.86,
        "found",
        pattern=r"\bno (?:[\w'\"-]{1,30} ){1,4}(?:was |were |could be )?found\b",
        unless=(
            "column", "module", "setting", "config", "credential", "key found", "driver", "engine", "executable",
            "time zone", "timezone", "signature", "adapters", "handler", "route", "primary key", "mapping",
        ),
        families=frozenset({"", fam.API, fam.HTTP}),
    ),
    _text(
        "none_abroad", F.PERMANENT_NOT_FOUND, 0.76,
        "kein", "aucun", "ningun", "ningún",
        pattern=(
            r"\bkeine?n? [\w-]{3,40} (?:für|gefunden)\b|\baucune? [\w-]{3,40} (?:pour|trouvée?)\b|"
            r"\bning(?:ún|una) [\w-]{3,40} (?:para|encontrad)"
        ),
        unless=(
            "berechtigung", "antwort", "verbindung", "speicher", "hinterlegt", "einstellung", "konfigur", "zugriff",
            "platz", "bestand", "connexion", "réponse", "espace", "droit", "mémoire", "permiso", "conexión",
            "respuesta", "espacio", "memoria",
        ),
        families=frozenset({""}),
    ),
)
# fmt: on

# fmt: off
INPUT: tuple[TextRule, ...] = (
    _text(
        "own_constraint", F.PERMANENT_VALIDATION, 0.95,
        "unique constraint", "duplicate key", "duplicate entry", "not null constraint", "not-null",
        "check constraint", "foreign key constraint", "violates", "data too long", "out of range",
        "invalid input syntax", "invalid input value", "value too long", "invalid byte sequence",
        "duplicate value", "incorrect string value", "e11000", "cannot be null", "doppelter schlüssel",
        "verletzt", "viola ", "rompt", "duplicada", "llave duplicada", "duplicada viola", "нарушает",
        "повторяющееся", "重複", "违反", "nul (0x00)", "incorrect datetime value", "incorrect integer value",
        "truncated", "value out of", "invalid datetime", "too big for",
        "string or binary data would be truncated", "conversion failed", "document too large", "bsonobj size",
        "mapper_parsing", "failed to parse", "already exists", "illegal_argument",
        "document failed validation", "field value", "is not an integer or out of range", "not a valid float",
        "string exceeds maximum",
        families=_OWN,
        unless=(
            "delete on table", "referenced from", "cannot delete or update a parent row", 'relation "',
            "table ", 'database "', "index [",
        ),
    ),
    _text(
        "own_referenced", F.PERMANENT_LOGIC, 0.965,
        "update or delete on table", "still referenced", "cannot delete or update a parent row",
        "referenced through protected", "child record found", "referenced from table",
        "cannot delete some instances", "reference constraint", "restricted foreign keys",
    ),
    _text(
        "own_aborted", F.PERMANENT_LOGIC, 0.975,
        "current transaction is aborted", "commands ignored until",
        "can't reconnect until invalid transaction", "transaction has been rolled back",
        "this session's transaction has been", "not bound to a session",
        "an error occurred in the current transaction", "in failed sql transaction",
        "already closed because of", "can't operate on closed transaction",
        families=frozenset({fam.DATABASE, fam.DJANGO}),
    ),
    _text(
        "sql_syntax", F.PERMANENT_LOGIC, 0.96,
        "syntax error", "error in your sql syntax", "division by zero",
        "no unique or exclusion constraint matching", "incorrect number of bindings",
        "not all arguments converted", "wrong number of arguments", "is ambiguous",
        "must appear in the group by", 'near "', "bind message supplies", "the used select statements",
        "syntax_error", "parsing_exception", "subquery returned more than", "more than one row returned",
        "on conflict do update", "you can only execute one statement", "placeholder",
        "cannot insert multiple commands", "type mismatch", "can't adapt type", "binding ", "cannot adapt",
        "could not determine data type", "datatype mismatch", "unterminated", "too many sql variables",
        "type 'dict' is not supported", "recursive use of cursors", "objects created in a thread",
        "cannot operate on a closed", "cursor already closed", "another command is already in progress",
        "another operation is in progress", "commands out of sync", "no results to fetch",
        "the last operation didn't produce", "cursor closed", "savepoint", "can't compare",
        "not a valid parameter", "aggregate function", "wrongtype operation", "unknown command",
        "wrong kind of value", "cross-slot", "crossslot", "don't hash to the same slot",
        "invalid input of type", "unknown operator", "fieldpath field names", "pipeline stage",
        "unrecognized pipeline", "noscript", "unknown modifier", "query_parsing", "x_content_parse",
        "no viable alternative", "mismatched input",
        families=_OWN,
        unless=(
            "mapper_parsing", "document_parsing", "connection to ", "invalid input syntax", "does not exist",
            "n'existe pas", "не существует", "existiert nicht", "is not present", "no existe",
            "permission denied", "could not resolve", "terminating", "json", "timeout",
        ),
    ),
    _text(
        "sqlite_file", F.CONFIG_INVALID_SETTING, 0.965,
        "unable to open database file", "file is not a database", "file is encrypted or is not a database",
        families=_SQL,
    ),
    _text(
        "sqlite_read_only", F.PERMANENT_PERMISSION, 0.97,
        "attempt to write a readonly database",
        families=_SQL,
    ),
    _text(
        "lock_misuse", F.PERMANENT_LOGIC, 0.96,
        "cannot release a lock", "cannot release an unlocked", "cannot extend a lock",
        "lock that's no longer owned", "cannot reacquire",
        families=_STORE,
    ),
    _text(
        "db_index_range", F.CONFIG_INVALID_SETTING, 0.965,
        "db index is out of range", "invalid db index", "select is not allowed in cluster mode",
        families=_STORE,
    ),
    _text(
        "declined", F.PERMANENT_VALIDATION, 0.95,
        "card was declined", "card has expired", "insufficient funds", "card_declined", "do not honor",
    ),
    _text(
        "prompt", F.PERMANENT_VALIDATION, 0.955,
        "maximum context length", "prompt is too long", "too many tokens", "context_length_exceeded",
        "content policy", "content management policy", "safety system", "finish_reason: safety",
        "blocked by safety", "response was blocked", "nsfw", "input is too long", "token limit",
    ),
    _text(
        "too_large", F.PERMANENT_VALIDATION, 0.92,
        "too large", "entity too large", "exceeds the maximum", "too long", "maximum allowed size",
        "exceeds maximum", "larger than", "file is too big", "payload size", "maximum size",
        "exceeded maximum", "size exceeds",
        unless=(
            "url", "too large for", "timeout", "took too long", "number of threads", "recursion", "retries",
        ),
    ),
    _text(
        "format_words", F.PERMANENT_VALIDATION, 0.865,
        "invalid json", "malformed", "could not parse", "cannot parse", "unable to parse", "not a valid",
        "is not valid", "invalid format", "cannot identify image", "not a zip file", "is encrypted",
        "corrupt", "truncated", "unsupported file", "bad magic", "unexpected end", "badly formed",
        "invalid literal for", "could not convert string", "does not match format", "invalid isoformat",
        "codec can't decode", "not well-formed", "invalid start byte", "expecting value",
        "unsupported format", "invalid email", "validation failed", "validation error", "is required",
        "required field", "invalid value", "must be a valid", "unrecognized", "invalid date",
        "unknown format", "not a gzip", "crc", "incorrect padding", "checksum", "invalid data",
        "no such column in", "missing column", "must be positive", "must be greater", "must be one of",
        "must be in", "out of range", "bad input", "invalid input", "invalid url", "invalid number",
        "not supported format", "unreadable", "no columns to parse", "invalid image", "password protected",
        "has been encrypted", "file has not been decrypted", "not a pdf", "no pages", "eof marker not found",
        "negative", "not a valid choice", "does not match", "invalid char", "unsupported image",
        "malformed node", "could not be parsed", "unable to decode", "failed to decode", "invalid header",
        "moov atom not found", "invalid data found when processing input", "unsupported codec",
        "conversion failed", "already exists", "duplicate", "ungültig", "unzulässig",
        "invalide", "no válid", "non valid", "inválid",
        unless=(
            "schlüssel", "zugangsdaten", "passwort", "anmeld", "mot de passe", "contraseña",
            "max_workers", "settings", "config", "environment", "keyword argument", "null byte in source",
            "shapes", "broadcast", "positional", "signature", "object is not valid",
            "is not valid for the current", "not supported between", "api key", "is not valid python",
            "negative dimension", "sequence", "list index", "attribute",
        ),
    ),
    _text(
        "part_of_file", F.PERMANENT_VALIDATION, 0.89,
        "not found", "no /root", "missing",
        families=frozenset({fam.DATA}),
        unless=(
            "no such file", "file not found", "library", "executable", "in path", "module", "plugin", "install",
            "class", "codec not found", "encoder not found",
        ),
    ),
    _text(
        "file_to_read", F.PERMANENT_NOT_FOUND, 0.955,
        "no such file or directory",
        families=frozenset({fam.DATA}),
        unless=("library", "traineddata", "shared object", "executable"),
    ),
    _text(
        "document_password", F.PERMANENT_VALIDATION, 0.9,
        "password", "decrypted",
        also=("incorrect", "wrong", "invalid", "bad ", "could not be decrypted", "protected", "encrypted"),
        families=frozenset({fam.DATA}),
        unless=("salt", "fernet", "private key", "pem", "credential"),
    ),
    _text(
        "row_place", F.PERMANENT_VALIDATION, 0.8,
        "row ", "line ", "record ", "cell ",
        pattern=r"^\W{0,3}(?:in )?(?:row|line|record|cell) #?\w{1,7}[:, ]",
        families=frozenset({"", fam.DATA}),
    ),
    _text(
        "null_byte", F.PERMANENT_VALIDATION, 0.9,
        "embedded null",
    ),
    _text(
        "invalid_first", F.PERMANENT_VALIDATION, 0.78,
        "invalid", "missing", "malformed", "unsupported", "wrong", "incorrect", "bad ", "unknown",
        pattern=r"^\W{0,3}(?:invalid|missing|malformed|unsupported|wrong|incorrect|bad|unknown) ",
        families=frozenset({"", fam.API, fam.DATA}),
    ),
    _text(
        "named_worksheet", F.PERMANENT_VALIDATION, 0.925,
        "worksheet named", "no sheet named", "sheet index", "worksheet does not exist",
    ),
    _text(
        "image_mode", F.PERMANENT_LOGIC, 0.9,
        "cannot write mode", "unknown file extension", "bad mode",
    ),
    _text(
        "font", F.CONFIG_MISSING_SERVICE, 0.8,
        "cannot open resource",
        classes="OSError",
    ),
    _text(
        "named_column", F.PERMANENT_VALIDATION, 0.87,
        "not in index", "column", "worksheet", "sheet", "there is no item named", "none of [index",
        classes="KeyError",
    ),
)
# fmt: on

# fmt: off
BUGS: tuple[TextRule, ...] = (
    _text(
        "python_value", F.PERMANENT_LOGIC, 0.925,
        "asynctosync", "async event loop", "await the async", "no active exception",
        "values to unpack", "save() prohibited", "in format string", "format specifier", "format code",
        "explicit app_label", "i/o operation on closed file", "max_workers must be", "broadcast together",
        "unsaved", "is not in list", "generator already executing", "truth value of", "must be hashable",
        "not json serializable", "is not serializable", "cannot pickle", "can't pickle", "circular reference",
        "bound to a different event loop", "event loop is closed", "no running event loop",
        "this event loop is already running", "dictionary changed size", "set changed size",
        "maximum recursion", "coroutine", "was never awaited", "assignment", "working outside of",
        "outside of request context", "outside of application context",
        "never call result.get() within a task", "signal only works in main thread", "not callable",
        "positional argument", "keyword argument", "is not subscriptable", "object has no attribute",
        "is not iterable", "is not defined", "cannot be used in", "list.remove(x)", "substring not found",
        "need to have a primary key", "needs to have a value for field", "before this many-to-many",
        "must be a string, not", "must be str, not", "shapes (", "mat1 and mat2", "expected scalar type",
        "size mismatch", "shape mismatch", "inhomogeneous shape", "could not broadcast",
        "found array with dim", "expected 2d array", "cannot reindex", "cannot reshape", "cannot set a",
        "cannot convert float nan", "not aligned", "all input arrays must", "length of values",
        "length mismatch", "arrays must all be", "columns must be same length", "x and y must be",
        "invalid mode", "must have the same", "inconsistent numbers of samples", "number of features",
        "features, but", "naive datetime", "tz-naive", "tz-aware", "offset-naive", "empty range",
        "cannot choose from an empty", "empty sequence", "reentrant call", "already been consumed",
        "called before", "not been initialized", "not initialized", "already started", "already running",
        "before being initialized", "returned more than one", "app registry", "apps aren't loaded",
        "doesn't declare an explicit app_label", "no installed app with label", "lookup failed",
        "cannot resolve keyword", "unsupported operand", "bad operand", "cannot unpack", "null byte",
        "cannot be reused", "different number of", "cannot combine", "must be an instance", "cannot query",
        "cannot assign", "cannot filter a query", "cannot use queryset", "cannot run multiple",
        "cannot be called from", "thread-safe", "already entered", "cannot schedule new futures",
        "interpreter shutdown", "daemonic processes are not allowed", "cannot re-initialize cuda",
        "generator didn't", "raised stopiteration", "super()", "object.__init__", "unhashable",
        "expected all tensors", "no attribute", "must be implemented", "has already been closed",
        "session is closed", "client has been closed", "cannot send a request, as the client has been closed",
        "already acknowledged", "delivery tag", "unregistered task",
        "received unregistered", "sync api inside the asyncio loop", "unknown encoding",
        unless=(
            "settings' object", "invalid literal", "utf-8", "could not convert string", "embedded null",
            "requested address",
        ),
    ),
    _text(
        "no_such_model", F.PERMANENT_LOGIC, 0.93,
        "doesn't have a '",
        also=("' model.",), classes="LookupError",
    ),
    _text(
        "business_words", F.PERMANENT_VALIDATION, 0.75,
        "already paid", "already refunded", "already cancelled", "already canceled", "already processed",
        "already shipped", "already invoiced", "already booked", "already approved", "already completed",
        "credit limit", "insufficient balance", "insufficient funds", "insufficient stock",
        unless=("already processed by another", "already completed by"),
    ),
    _text(
        "state_words", F.PERMANENT_LOGIC, 0.8,
        "transition", "state machine", "invalid state", "not in expected state", "not implemented",
        "no longer supported", "deprecated", "abstract", "must not be called", "already in progress",
    ),
    _text(
        "serializable", F.PERMANENT_LOGIC, 0.955,
        "is not json serializable", "not json serializable", "cannot pickle", "can't pickle",
        "is not serializable", "can't get local object", "cannot serialize", "can't serialize",
        "type is not json", "unsupported type for",
    ),
    _text(
        "silent_process", F.UNKNOWN, 0.92,
        "returned non-zero exit status", "non-zero exit code",
        pattern=r"non-zero exit (?:status|code) \(?(?:1|2|3|4|128|254|255)\)?\.?\s{0,3}$",
    ),
    _text(
        "nothing_said", F.UNKNOWN, 0.82,
        "unknown error", "unknown c++ exception", "unknown exception", "error return without exception set",
        "returned a result with an exception set",
        "no message from the libpq", "no error details", "cancellederror", "something went wrong",
        unless=("unknown error occurred on", "error: ", "denied", "not found", "no space", "memory"),
    ),
)
# fmt: on

RULES: tuple[TextRule, ...] = (*MAIL, *ABSENT, *INPUT, *BUGS)
