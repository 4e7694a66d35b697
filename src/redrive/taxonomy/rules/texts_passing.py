"""What messages say about failures that pass: machines out of memory or disk, rate limits, networks.

Fragments are lower case. The highest trust wins; at equal trust the earlier rule. A full disk or exhausted memory
comes first, whoever reports it.
"""

from __future__ import annotations

from redrive.taxonomy.rules import families as fam
from redrive.taxonomy.rules.rule import TextRule
from redrive.taxonomy.rules.text_rule import text_rule as _text
from redrive.taxonomy.types import FailureType as F

_OWN = fam.OWN_DATA
_REMOTE = fam.REMOTE
_MAIL = frozenset({fam.MAIL})

# fmt: off
SYSTEM: tuple[TextRule, ...] = (
    _text(
        "lock_table_full", F.TRANSIENT_DATABASE, 0.985,
        "out of shared memory", "max_locks_per_transaction",
    ),
    _text(
        "inotify", F.CONFIG_INVALID_SETTING, 0.985,
        "inotify",
    ),
    _text(
        "partner_mailbox_full", F.EXTERNAL_API_ERROR, 0.985,
        "over quota", "mailbox is full", "mailbox full", "insufficient system storage", "quota exceeded",
        "4.2.2", "5.2.2",
        families=_MAIL,
        retry=True,
        unless=("4.7.", "daily", "sending", "rate"),
    ),
    _text(
        "no_space", F.SYSTEM_DISK_FULL, 0.98,
        "no space left on device", "disk quota exceeded", "database or disk is full",
        "not enough space on the disk", "not enough disk space", "no more space", "not enough free space",
        "disk is full", "disk full", "flood stage", "flood-stage", "flood_stage",
        "minimum free drive threshold", "enospc", "edquot", "temp_file_limit", "stop-writes-on-bgsave-error",
        "unable to persist on disk", "read-only / allow delete", "read-only-allow-delete",
        "read_only_allow_delete", "insufficient disk space", "out of disk space", "no space left",
        "os error 28", "volume is full", "disk space is", "insufficient free space", "no free space",
        "storage is full", "low on disk", "disk usage", "kein speicherplatz", "auf dem gerät ist kein",
        "espacio en el dispositivo", "espace disque", "aucun espace", "spazio sul dispositivo",
        "свободного места", "no queda espacio", "cannot write more, disk", "wal: no space",
        "datenträger voll", "datenträger ist voll", "platte voll",
        "platte ist voll", "disque plein", "disque est plein", "disco lleno", "disco está lleno", "disco pieno",
        "disco cheio", "spazio su disco", "espacio en disco", "espaço em disco", "schijfruimte", "schijf is vol",
        "could not extend file", "could not write to file", "table is full", "tablespace full",
        unless=("does not exist", "doesn't exist", "marked as crashed", "permission denied"),
    ),
    _text(
        "no_memory", F.SYSTEM_OUT_OF_MEMORY, 0.975,
        "out of memory", "cannot allocate memory", "unable to allocate", "not enough memory", "memory limit",
        "can't start new thread", "failed to allocate", "memory exhausted", "insufficient memory", "oom-kill",
        "oomkilled", "oom killer", "os error 12", "allocation failed", "java heap space", "gc overhead limit",
        "std::bad_alloc", "bad_alloc", "cublas_status_alloc_failed", "used memory >", "out-of-memory",
        "malloc of size", "memory allocation", "data too large, data for", "circuit_breaking_exception",
        "memory pool", "speicher aufgebraucht", "speicher voll", "nicht genügend speicher", "mémoire épuisée",
        "mémoire insuffisante", "memoria agotada", "sin memoria", "memoria esaurita", "нехватка памяти",
        "内存不足", "メモリ不足", "メモリー不足", "unable to mmap", "cannot create thread",
        "unable to create new native thread", "cannot fork", "can't fork", "realloc of size", "killedworker",
        "cannot allocate", "could not allocate", "signal 9 (sigkill", "memory budget", "exceeded memory",
        "out of ram", "memoryerror", "can't allocate memory", "oom when", "killed by signal: killed",
        "low on memory", "exceeds available memory", "terminated abruptly",
        "a process in the process pool was terminated",
        "worker process managed by the executor was unexpectedly terminated", "ran out of memory",
        unless=(
            "shared memory", "max_locks", "not out of memory", "decompressed data too large", "to avoid unbounded",
        ),
    ),
    _text(
        "killed", F.SYSTEM_OUT_OF_MEMORY, 0.88,
        "sigkill", "signal 9", "exit status 137", "exitcode: -9", "exit code 137",
        "died with <signals.sigkill", "signal: 9", "exitcode -9", "(-9)", "code -9", "killed by signal 9",
        "status code 137", "exit code: 137", "code 137",
    ),
    _text(
        "crashed_silently", F.UNKNOWN, 0.9,
        "died with <signals.sigsegv", "segmentation fault", "died with <signals.sigabrt",
        "died with <signals.sigterm", "core dumped",
        classes="CalledProcessError",
    ),
)
# fmt: on

# fmt: off
RATE: tuple[TextRule, ...] = (
    _text(
        "rate_limit", F.TRANSIENT_RATE_LIMIT, 0.955,
        "rate limit", "rate-limit", "ratelimit", "rate_limit", "too many requests", "toomanyrequests",
        "too_many_requests", "throttl", "request rate", "slow down", "slowdown", "rate exceeded",
        "quota exceeded", "quota exhausted", "exceeded your current requests", "limit on the number of requests",
        "requests per minute", "requests per second", "flood_wait", "flood control", "wait of",
        "exceeded the rate", "request limit exceeded", "calls per", "limit reached", "exceeded your quota",
        "quota limit", "try again in a few minutes", "daily limit", "daily quota", "too many concurrent",
        "too many connections from your", "per-user quota", "sending limit", "sending quota", "unusual rate",
        "quota has been exceeded", "limit exceeded", "requests too frequently", "frequency limit",
        "api limit", "request_limit", "daily user sending", "too many messages",
        "too many recipients this hour", "rate quota", "concurrent request", "tpm limit", "rpm limit",
        "zu viele anfragen", "trop de requêtes",
        "demasiadas solicitudes", "demasiadas peticiones", "troppe richieste", "muitas solicitações",
        "muitas requisições", "max_concurrent_req",
        unless=(
            "insufficient_quota", "billing", "credit limit", "spending limit", "overdraft limit", "generation limit",
            "recursion", "open files", "memory",
            "storage", "time limit", "timelimit", "context length", "size limit", "character limit",
            "connection limit", "file size", "stack", "redirect", "statement timeout", "for role",
            "for database", "over quota", "retry limit", "throttle_rates", "length limit", "thread",
            "max retries", "field limit",
        ),
    ),
    _text(
        # A quota of calls, not of tickets, beds or leave: the unit must be named.
        "quota_abroad", F.TRANSIENT_RATE_LIMIT, 0.9,
        "kontingent", "quota", "cuota",
        also=(
            "anfragen", "abruf", "aufruf", "api-", " api", "requêtes", "appels", "solicitudes", "peticiones",
            "llamadas", "richieste",
        ),
        pattern=r"aufgebraucht|ausgesch(?:ö|oe)pft|ersch(?:ö|oe)pft|überschritten|dépassé|épuisé|agotad|superad|excedid",
    ),
    _text(
        "window_used_up", F.TRANSIENT_RATE_LIMIT, 0.86,
        "per minute", "per second", "per hour", "pro minute", "pro stunde", "par minute", "por minuto",
        also=(
            "current window", "this window", "already drawn", "already sent", "already made",
            "used up", "aufgebraucht",
        ),
    ),
    _text(
        "money", F.EXTERNAL_API_ERROR, 0.965,
        "insufficient_quota", "check your plan and billing", "exceeded your current quota",
        "billing hard limit", "credit balance is too low", "payment required", "insufficient credit",
        "out of credits", "insufficient balance", "upgrade your plan", "subscription has expired",
        "billing details", "billing to be enabled",
        unless=("card", "free_tier_requests"),
        retry=False,
    ),
    _text(
        "overloaded", F.EXTERNAL_API_DOWN, 0.93,
        "overloaded", "over capacity", "server is overloaded", "currently unavailable",
        families=_REMOTE,
    ),
)
# fmt: on

# fmt: off
NETWORK: tuple[TextRule, ...] = (
    _text(
        "placeholder_url", F.CONFIG_MISSING_SETTING, 0.965,
        "none",
        pattern=(
            r"""(?:url '?:? ?'?|://[\w.:-]{1,100})/?(?:[\w.~-]{0,60}/){0,6}none(?:[/'\"]|$)|url 'none'|"""
            r"host='none'|\bnone/\w"
        ),
        families=_REMOTE,
    ),
    _text(
        "relative_url", F.CONFIG_MISSING_SETTING, 0.93,
        "no scheme supplied", "no host supplied", "unknown url type",
        "missing an 'http://' or 'https://' protocol",
        pattern=r"(?:url '?(?:none|/)|'/|'none|url ''|: none\b|url: none|: ''|'':)",
    ),
    _text(
        "dns", F.TRANSIENT_NETWORK, 0.955,
        "name or service not known", "temporary failure in name resolution", "getaddrinfo failed",
        "failed to resolve", "nodename nor servname", "name resolution", "could not translate host name",
        "no address associated", "could not resolve host", "no such host", "unknown host",
        "unable to resolve", "dns lookup", "nameresolutionerror", "hostname lookup", "name does not resolve",
        "domain name not found", "unknown mysql server host", "could not contact dns", "dns query",
        "dns operation", "dns server", "unknown server host", "namensauflösung", "résolution de nom",
        "résolution du nom", "resolución de nombre", "host desconocido", "gaierror", "host not found",
        "can't resolve", "cannot resolve host", "lookup timed out", "unable to find the server at",
        unless=("_host not found",),  # a setting of that name
    ),
    _text(
        "own_connection", F.TRANSIENT_DATABASE, 0.95,
        "connection refused", "connection reset", "server closed the connection", "connection already closed",
        "connection is closed", "connection was closed", "connection has been closed", "connection closed",
        "gone away", "lost connection", "connection timed out", "timed out", "timeout", "too many clients",
        "too many connections", "connection slots", "could not connect", "can't connect", "cannot connect",
        "connection aborted", "broken pipe", "ssl syscall error", "eof detected", "unexpected eof",
        "starting up", "shutting down", "recovery mode", "terminating connection", "not accepting",
        "connection is bad", "server is not available", "unable to connect", "failed to connect",
        "network is unreachable", "no route to host", "host is unreachable", "connection failure",
        "not primary", "not master", "no primary", "primary stepped down", "no replica set members",
        "pool exhausted", "exhausted", "queuepool limit", "too many requests waiting", "remote end closed",
        "server unavailable", "serverselectiontimeout", "connection pool is full",
        "max connections", "no available connection", "connection error", "connection lost",
        "actively refused", "connection does not exist", "network error", "unable to acquire",
        "connexion refusée", "verbindungsaufbau abgelehnt", "conexión rehusada", "connessione rifiutata",
        "в соединении отказано", "接続を拒否", "拒绝连接", "demasiados clientes", "zu viele", "trop de clients",
        "déjà trop", "troppi client", "слишком много клиентов", "too many users", "number of clients",
        "no more connections allowed", "max_client_conn", "query_wait_timeout", "server has gone",
        "no master found", "no slave found", "connection was killed", "session terminated",
        "connection dropped", "communication failure", "communication link failure", "tcp provider",
        "client is closed", "read only replica", "master is down", "not enough good replicas",
        "is loading the dataset", "unavailable", "no hosts available",
        "unable to complete the operation against any hosts", "disconnect", "fermé la connexion",
        "cerró la conexión", "verbindung unerwartet", "закрыл", "соединение", "connection not open",
        "connection is lost", "idle-in-transaction", "connect call failed", " connecting to ",
        "not connected to the database", "connection invalid",
        families=_OWN,
        unless=(
            "invalid password", "access denied", "authentication failed", "no password supplied",
            "does not exist", "not permitted to log in", "не существует", "n'existe pas", "no existe",
            "existiert nicht", "non esiste", "login failed", "invalid port", "no pg_hba", "certificate",
            "unknown database", "wrongpass", "auth failed",
        ),
    ),
    _text(
        "own_lock", F.TRANSIENT_DATABASE, 0.965,
        "deadlock", "could not serialize", "lock timeout", "could not obtain lock", "database is locked",
        "database table is locked", "lock wait timeout", "database schema is locked", "write conflict",
        "writeconflict", "serialization failure", "restart transaction", "busy running a script",
        "statement timeout", "query execution was interrupted", "max_execution_time",
        "maximum statement execution time", "canceling statement", "canceling autovacuum",
        "conflict with recovery", "snapshot too old", "cannot acquire lock", "could not set lock",
        "operation exceeded time limit", "exceeded time limit", "cannot execute", "read-only mode",
        "read-only transaction", "read only transaction", "running with the --read-only option",
        "read only replica", "--super-read-only", "verklemmung", "interblocage", "bloqueo mutuo",
        "взаимоблокировка", "stallo", "storniere anfrage", "annulation de la requête",
        "cancelando la sentencia", "annullamento dell", "デッドロック", "死锁", "verrou", "sperre",
        "could not open lock", "database is busy", "transaction conflict", "retry transaction", "retryable",
        "leader changed", "no leader", "no longer the leader", "not a leader", "not leader",
        "idle transaction", "conflicting lock",
        families=_OWN,
        unless=("syntax error", "cannot execute query", "multiple commands", "aborted"),
    ),
    _text(
        # Nothing but a database server speaks so, whatever class the words come in.
        "database_words", F.TRANSIENT_DATABASE, 0.94,
        "deadlock detected", "deadlock found", "lock wait timeout exceeded", "could not serialize access",
        "database is locked", "sorry, too many clients", "remaining connection slots",
        "server has gone away", "canceling statement due to", "chosen as the deadlock victim",
        "terminating connection due to", "idle-in-transaction timeout", "transaction timeout",
        "sql execution internal error",
    ),
    _text(
        "changed_meanwhile", F.TRANSIENT_DATABASE, 0.98,
        "version_conflict_engine_exception", "version conflict, required", "version conflict, current",
    ),
    _text(
        "broker_connection", F.TRANSIENT_NETWORK, 0.945,
        "connection", "timed out", "timeout", "unreachable", "refused", "reset by peer", "broken pipe",
        "socket", "disconnected", "no brokers", "brokers are down", "_transport", "_all_brokers_down", "eof",
        "errno 111", "winerror", "shutdown", " closed",
        families=frozenset({fam.BROKER}),
        unless=(
            "access_refused", "login was refused", "not_found", "precondition", "authentication",
            "authorization", "vhost", "no exchange", "sasl", "unknown topic", "message size",
        ),
    ),
    _text(
        "proxy_login", F.CONFIG_INVALID_SETTING, 0.965,
        "407 proxy authentication", "proxy authentication required",
    ),
    _text(
        "browser_network", F.TRANSIENT_NETWORK, 0.93,
        "net::err_", "ns_error_",
        unless=("err_timed_out", "err_connection_timed_out", "err_aborted", "err_invalid_url", "err_cert"),
    ),
    _text(
        "browser_timeout", F.EXTERNAL_TIMEOUT, 0.93,
        "err_timed_out", "err_connection_timed_out",
    ),
    _text(
        "pool_exhausted", F.TRANSIENT_DATABASE, 0.93,
        "obtenir une connexion du pool", "conexión del pool", "conexão do pool", "connessione dal pool",
        "exceeded maximum connections", "connection pool exhausted", "connection pool is exhausted",
        "connection pool is full", "couldn't get a connection after",
    ),
    _text(
        # The other side does not speak TLS on this port: trying again does not teach it.
        "plain_port", F.TRANSIENT_NETWORK, 0.93,
        "wrong_version_number", "ssl: http_request", "unknown_protocol",
        retry=False,
        source="OpenSSL reason codes (sslerr.h)",
    ),
    _text(
        "refused", F.TRANSIENT_NETWORK, 0.915,
        "connection refused", "connection reset", "actively refused", "broken pipe", "connection aborted",
        "remote end closed connection", "server disconnected", "network is unreachable", "no route to host",
        "connection broken", "incompleteread", "ended prematurely", "connection was closed",
        "connection unexpectedly closed", "forcibly closed", "remotedisconnected", "unexpected eof",
        "eof occurred in violation", "failed to establish a new connection", "host is down",
        "host is unreachable", "connection lost", "connection was reset", "socket closed", "socket is closed",
        "cannot connect to host", "peer closed connection", "connection was aborted", "econnreset",
        "econnrefused", "unable to connect to proxy", "tunnel connection failed", "network unreachable",
        "error reading ssh protocol banner", "semaphore timeout period", "connection closed by",
        "empty reply from server", "without sending complete message body", "payload is not completed",
        "could not connect to the endpoint", "transfer closed", "unable to connect to port",
        "no existing session", "connection closed before", "closing transport", "connect call failed",
        "software caused connection abort", "transport endpoint is not connected",
        "all connection attempts failed", "network is down", "not enough data to satisfy",
        "unexpectedly closed", "retrieval incomplete", "could only read", "connexion refusée", "connessione rifiutata",
        "conexión rechazada", "conexión rehusada", "conexão recusada", "verbindung abgelehnt", "verbinding geweigerd",
        "verbinding verbroken", "geen verbinding", "keine verbindung", "pas de connexion", "sin conexión",
        "sem conexão",
        "the connection was closed", "stream was reset", "recv failure", "send failure",
        "tlsv1_alert", "sslv3_alert", "ssl handshake", "handshake operation",
        "bad handshake", "connection dropped", "server closed connection", "lost connection",
        "connection error", "connection failed", "network error", "failed to connect", "couldn't connect",
        "could not connect", "unable to connect", "connection closed", "unexpected end of file from server",
        "stream is closed", "stream closed", "check your connection", "internet connection", "could not reach",
        "cannot reach", "can't reach", "unable to reach", "client is not connected",
        "client is not currently connected",
        unless=(
            "certificate verify failed", "invalid password", "407", "authentication", "read timed out",
            "permission denied",
        ),
    ),
    _text(
        "grpc_connect", F.EXTERNAL_API_DOWN, 0.935,
        "failed to connect to all addresses", "failed to connect to remote host", "connection refused",
        families=frozenset({fam.GRPC, fam.GOOGLE}),
        also=("unavailable", "all addresses", "503"),
    ),
    _text(
        "connect_timeout", F.EXTERNAL_TIMEOUT, 0.935,
        "read timed out", "connect timed out", "connect timeout", "connecttimeout", "readtimeout",
        "read timeout", "request timed out", "timed out while", "deadline exceeded", "timeout awaiting",
        "timed out waiting", "operation timed out", "gateway timeout", "gateway time-out",
        "connection timed out", "connection to api", "timeout on reading", "timeout was reached",
        "request timeout", "timeout exceeded", "timed out.", "timeout error", "response timed out",
        "upstream request timeout", "request has timed out", "operation timeout", "timed out after",
        "did not respond", "operationtimedout", "query timed out", "authentication timeout",
        families=frozenset({*_REMOTE, fam.MAIL, fam.FTP, fam.SSH}),
        unless=("proxy_timeout_setting", "connection refused", "_sec timeout", "invalid"),
    ),
    _text(
        "bare_timeout", F.EXTERNAL_TIMEOUT, 0.9,
        "timed out", "timeout",
        families=frozenset({*_REMOTE, fam.MAIL, fam.FTP}),
    ),
    _text(
        "socket_timeout", F.TRANSIENT_NETWORK, 0.9,
        "timed out", "timeout expired",
        classes="OSError",
    ),
    _text(
        "some_timeout", F.EXTERNAL_TIMEOUT, 0.868,
        "timed out", "timeout", "deadline exceeded", "did not respond in time", "no response received",
        "no response from", "no reply", "zeitüberschreitung", "délai d'attente dépassé", "délai d'attente expiré",
        "tiempo de espera agotado", "tiempo de espera excedido", "agotó el tiempo de espera",
        "tempo limite", "timeout scaduto",
        unless=(
            "invalid timeout", "timeout value", "timeout must", "unexpected keyword", "unzulässig", "ungültig",
            "invalide", "no válid", "non valid", "inválid", "must not",
        ),
    ),
    _text(
        # With the waiting time or the machine beside it: customers, too, give no answer.
        "no_answer_abroad", F.EXTERNAL_TIMEOUT, 0.868,
        "keine antwort", "aucune réponse", "sin respuesta", "nessuna risposta", "sem resposta",
        also=("sekunden", "secondes", "segundos", "secondi", "server", "serveur", "servidor"),
    ),
    _text(
        "task_timeout", F.EXTERNAL_TIMEOUT, 0.88,
        "exceeded maximum timeout", "timed out after", "time limit exceeded", "soft time limit",
        "timelimitexceeded",
        retry=True,
    ),
    _text(
        "html_instead_of_json", F.EXTERNAL_API_DOWN, 0.955,
        "503 service", "502 bad gateway", "service unavailable", "service temporarily unavailable",
        "maintenance", "temporarily unavailable", "bad gateway", "<title>5", "scheduled maintenance",
        also=("<html", "<!doctype", "<title"),
        retry=True,
    ),
    _text(
        "down_words", F.EXTERNAL_API_DOWN, 0.9,
        "service unavailable", "bad gateway", "temporarily unavailable", "under maintenance",
        "down for maintenance", "service is unavailable", "maintenance mode", "server is busy",
        "paralisado momentaneamente", "no healthy upstream",
        "upstream connect error", "serviceunavailable", "service is currently",
        "temporary unavailable", "503 service", "502 bad", "server is temporarily", "overloaded_error",
        "site is down", "server is down", "origin is unreachable",
        unless=("resource temporarily unavailable",),
    ),
    _text(
        # Of a service; goods, too, are not available.
        "down_abroad", F.EXTERNAL_API_DOWN, 0.88,
        "nicht verfügbar", "nicht erreichbar", "indisponible", "no está disponible", "non disponibile",
        "não está disponível", "wartungsarbeiten", "wartungsmodus", "en maintenance", "en mantenimiento",
        "in manutenzione", "em manutenção",
        # Whole words: a Dienstplan and a Wartungsvertrag are no services.
        pattern=(
            r"\b(?:server|dienst|webservice|service|serveur|servidor|servicio|servizio|serviço|schnittstelle|wartung|"
            r"wartungsarbeiten|wartungsmodus|maintenance|mantenimiento|manutenzione|manutenção)\b"
        ),
        unless=("erweiterung", "extensi"),
    ),
    _text(
        "server_error_words", F.EXTERNAL_API_ERROR, 0.8,
        "internal server error", "internal application error", "server had an error", "internal error", "server error",
        "unexpected error occurred on", "backend error", "internal_error", "internalerror",
        "we encountered an internal", "interner fehler", "interner serverfehler", "erreur interne", "error interno",
        "errore interno", "erro interno",
        unless=("<title>5", "client error"),
        families=frozenset({*_REMOTE, ""}),
        retry=True,
    ),
    _text(
        "server_at_a_loss", F.EXTERNAL_API_ERROR, 0.83,
        "something went wrong", "an unknown error occurred", "an unexpected error",
        unless=("client error",),
        families=_REMOTE,
        retry=True,
    ),
    _text(
        "later_words", F.EXTERNAL_API_DOWN, 0.72,
        "try again later", "retry later", "please retry", "try again in a",
        unless=("file", "different"),
    ),
    _text(
        "certificate", F.CONFIG_INVALID_SETTING, 0.9,
        "certificate verify failed", "certificate has expired", "hostname mismatch",
        "self signed certificate", "self-signed certificate", "unable to get local issuer",
        "certificate is not valid",
    ),
)
# fmt: on

RULES: tuple[TextRule, ...] = (*SYSTEM, *RATE, *NETWORK)
