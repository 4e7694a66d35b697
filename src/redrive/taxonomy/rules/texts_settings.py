"""What messages say about settings, credentials, missing parts and rights: somebody has to act."""

from __future__ import annotations

from redrive.taxonomy.rules import families as fam
from redrive.taxonomy.rules.rule import TextRule
from redrive.taxonomy.rules.text_rule import text_rule as _text
from redrive.taxonomy.types import FailureType as F

_OWN = fam.OWN_DATA
_SQL = frozenset({fam.DATABASE})
_REMOTE = fam.REMOTE

# fmt: off
SETTINGS: tuple[TextRule, ...] = (
    _text(
        "no_password", F.CONFIG_MISSING_SETTING, 0.975,
        "missing authentication",
        "no password supplied", "fe_sendauth", "using password: no",
        "hello must be called with the client already authenticated", "noauth", "authentication required",
        "password is required", "no password was provided",
        families=_OWN,
    ),
    _text(
        "own_login", F.CONFIG_INVALID_SETTING, 0.97,
        "autenticación password", "authentification par mot", "認証に失敗", "认证失败", "autenticação", "doğrulama",
        "인증", "passwort-auth",
        "password authentication failed", "authentication failed", "access denied for user", "login failed",
        "is not permitted to log in", "no pg_hba.conf entry", "wrongpass", "invalid username-password",
        "invalid username/password", "username or password", "auth failed", "bad auth", "invalid password",
        "unknown database", "logon denied", "cannot open database", "unauthorized", 'role "',
        "authentication error", "invalid credentials", "passwort-authentifizierung",
        "authentification par mot de passe", "la autentificación password falló",
        "autenticazione con password", "проверку подлинности",
        families=_OWN,
        unless=("is unauthorized for user", "missing authentication",
            "permission", "not authorized on", "cannot be executed", "using password: no",
            "is not authorized", "too many connections", "command denied", "must be member", "max_user",
        ),
    ),
    _text(
        "own_options", F.CONFIG_INVALID_SETTING, 0.965,
        "invalid connection option", "invalid dsn", "invalid uri query", "invalid sslmode",
        "invalid port number",
        "missing \"=\" after", "invalid integer value", "unknown connection option",
        families=_SQL,
    ),
    _text(
        "own_missing_database", F.CONFIG_INVALID_SETTING, 0.968,
        'database "', "base de données", "la base de datos", "base de dados", "il database", "datenbank",
        "база данных", "banco de dados",
        also=(
            "does not exist", "n'existe pas", "no existe", "non esiste", "existiert nicht", "не существует",
            "não existe",
        ),
        families=_OWN,
    ),
    _text(
        "own_schema", F.CONFIG_INVALID_SETTING, 0.955,
        "no such table", "no such column", "has no column named", "does not exist", "doesn't exist",
        "unknown column", "unknown table", "no such index", "undefined table", "n'existe pas", "no existe",
        "existiert nicht", "non esiste", "не существует", "não existe", "存在しません", "不存在",
        "invalid object name", "invalid column name", "table or view", "catalog error", "unconfigured table",
        "keyspace", "index_not_found", "no such collation", "database not found", "bucket not found",
        "retention policy not found", "collection not found", "no index", "not found: collection",
        "missing column", "unknown identifier",
        families=_OWN,
        unless=(
            "function ", "operator ", "adaptive server", "matching query", "prepared statement", "savepoint",
            "cursor", "document", "key ", "script", 'type "', "функция", "funktion", "fonction", "función",
            "la función", "no such key",
        ),
    ),
    _text(
        "own_function", F.PERMANENT_LOGIC, 0.945,
        "operator does not exist", "no function matches", "function ", "no such function", "unknown function",
        "prepared statement", "no matching signature",
        families=_SQL,
        also=(
            "does not exist", "no such", "unknown", "no function", "no matching", "existiert nicht",
            "n'existe pas",
        ),
    ),
    _text(
        "extension", F.CONFIG_MISSING_SERVICE, 0.985,
        "extension control file", "is not available", "could not load library", 'type "vector"',
        'type "geometry"', 'type "hstore"', 'type "citext"', 'could not access file "$libdir',
        "plugin 'mysql_native_password' is not loaded", "no such module", "function st_",
        "function similarity(", "function unaccent(", "function uuid_generate_v4(",
        "function gen_random_uuid(", "gin_trgm_ops", "unknown tokenizer", "failed to find global analyzer",
        "spatialite",
        families=_OWN,
        also=(
            "extension", "library", "does not exist", "plugin", "no such module", "file", "unknown", "failed",
            "spatialite",
        ),
        unless=("server is not available", "currently"),
    ),
    _text(
        "driver_missing", F.CONFIG_MISSING_SERVICE, 0.97,
        "can't open lib", "data source name not found", "no suitable driver", "driver not found",
        "can't load plugin", "error loading", "did you install", "no module named", "is not installed",
        "driver not loaded", "cannot locate a 64-bit oracle client", "no default driver",
        families=frozenset({fam.DATABASE, fam.DJANGO}),
        also=("driver", "lib", "plugin", "module", "install", "data source", "oracle client"),
    ),
    _text(
        "django_missing", F.CONFIG_MISSING_SETTING, 0.965,
        "environment variable", "must not be empty", "settings are not configured",
        "you must either define the environment variable", "must be set", "please supply", "is not set",
        "is not configured", "not configured", "you must define", "not defined", "requires a",
        "must be defined", "is required", "is missing", "missing required", "required setting",
        "have not set", "must provide", "no value", "without having set", "without having",
        "required to be set", "has not been set", "haven't set", "isn't set", "missing setting", "undefined",
        classes="ImproperlyConfigured ConfigurationError ConfigError UndefinedValueError EnvError",
        unless=(
            "error loading", "did you install", "improperly configured", "could not find", "must be set to",
        ),
    ),
    _text(
        "django_service", F.CONFIG_MISSING_SERVICE, 0.97,
        "error loading", "did you install", "could not find the gdal", "could not find the geos",
        "is gdal installed", "not installed", "gdal library", "geos library", "could not load the spatialite",
        "pip install", "couldn't be found: no module", "requires the", "install ",
        classes="ImproperlyConfigured",
        unless=("installed_apps", "must be set", "environment variable"),
    ),
    _text(
        "django_wrong", F.CONFIG_INVALID_SETTING, 0.93,
        "isn't an available", "improperly configured", "must be one of", "could not import",
        "couldn't be imported", "invalid", "doesn't look like", "not a valid", "must be a", "cannot mix",
        "incorrectly", "does not look like", "conflict", "wrong", "cannot be", "isn't unique",
        "does not exist", "refers to", "unknown", "malformed",
        classes="ImproperlyConfigured ConfigurationError",
    ),
    _text(
        "environment_words", F.CONFIG_MISSING_SETTING, 0.945,
        "missing client token",
        "environment variable", "env var", "must be set either by passing",
        "api_key client option must be set", "no api key provided", "no api key", "missing api key",
        "api key not found", "unable to locate credentials", "no credentials",
        "could not automatically determine credentials", "default credentials were not found",
        "must specify a region", "credentials not found", "you need to set", "you must set", "please set",
        "did not find", "authentication key not provided", "credentials are required",
        "username and password are required", "no auth", "missing credentials", "token is not set",
        "api key is required", "no token", "must provide an api key", "you did not provide an api key",
        "api key required", "no authentication", "missing authorization", "partial credentials",
        "access token is required", "api_key is required", "connection string is either blank",
        "no such setting", "not set in", "secret_key", "missing required settings", "is not set",
        "setting is required", "required setting", "credential file not found", "didn't provide an api key",
        "no password", "token is required", "have not set", "not set an api key", "set your api key", "missing api_key", "api token is missing", "without api key",
        unless=(
            "couldn't import", "no module named", "expired", "uninitialized", "invalid api key",
            "no authenticator", "no authorization to", "permission", "does not exist", "certificate",
            "no token is", "noauthenticated", "no token in input", "no tokens", "no password was", "not json",
            "unexpected token", "no authority", "is not valid", "incorrect",
        ),
    ),
    _text(
        "bad_key", F.CONFIG_INVALID_SETTING, 0.95,
        "acl not found",
        "invalid api key", "incorrect api key", "api key not valid", "invalid_api_key", "api key is invalid",
        "invalid x-api-key", "bad credentials", "invalid credentials", "invalid access key", "invalid client",
        "invalid_client", "unauthorized_client", "authentication failed", "login was refused",
        "access_refused", "invalid token", "signature we calculated", "invalid account sid", "authenticate",
        "not authenticated", "bad username/password", "username and password not accepted",
        "password authentication", "invalid login", "authentication failure", "could not authenticate",
        "authentication unsuccessful", "invalid session id", "session expired or invalid", "wrong username",
        "authentication error", "invalid username or password", "incorrect username", "credentials rejected",
        "authentication credentials invalid", "invalid key", "permission denied (publickey",
        "login incorrect", "invalid_auth", "user or password", "invalid user", "failed to authenticate",
        "authentication exception", "logon failure", "status_logon_failure", "could not deserialize key data",
        "no key could be detected", "could not parse the provided", "private key", "pem file",
        "malformed key", "unable to load key", "unable to load pem", "fernet key must be", "api key expired",
        "invalid authentication", "authorization header", "auth token is invalid", "token is invalid",
        "sasl authentication", "access token is invalid", "invalid bearer token", "invalid apikey",
        "login failed", "verify your api key", "authentication error occurred",
        families=frozenset({*_REMOTE, fam.MAIL, fam.FTP, fam.SSH, fam.BROKER, fam.CELERY, ""}),
        unless=(
            "has expired", "jwt", "unable to authenticate data", "authenticated user must", "proxy",
            "does not have", "captcha",
        ),
    ),
    _text(
        "sender_identity", F.CONFIG_INVALID_SETTING, 0.975,
        "address is not verified", "identities failed the check", "domain is not verified", "sender identity",
        "verified sender", "not a verified",
    ),
    _text(
        "host_key", F.CONFIG_INVALID_SETTING, 0.955,
        "known_hosts", "host key", "private key file", "not a valid rsa", "not a valid openssh",
        "not a valid dss", "not a valid ec", "encountered rsa key", "key blob",
        families=frozenset({fam.SSH}),
    ),
    _text(
        "pydantic_settings", F.CONFIG_MISSING_SETTING, 0.965,
        "field required",
        pattern=r"validation errors? for \w{0,40}(?:settings|config|configuration|environment|env)\b",
    ),
    _text(
        "pydantic_settings_value", F.CONFIG_INVALID_SETTING, 0.955,
        "validation error",
        pattern=r"validation errors? for \w{0,40}(?:settings|config|configuration|environment|env)\b",
    ),
    _text(
        "environment_value", F.CONFIG_INVALID_SETTING, 0.97,
        "environment variable",
        also=(
            "invalid", "not a valid", "malformed", "cannot be cast", "could not be cast", "must be one of",
            "must be an integer",
        ),
        unless=("not set", "missing", "api_key client option", "invalid api key"),
    ),
    _text(
        "graphics_driver", F.CONFIG_MISSING_SERVICE, 0.93,
        "nvidia driver", "no cuda gpus are available", "torch not compiled with cuda", "cuda driver",
        "no cuda-capable", "cudnn", "no kernel image is available",
    ),
    _text(
        "not_enabled", F.CONFIG_MISSING_SERVICE, 0.965,
        "has not been used in project", "it is disabled", "api is not enabled", "is not enabled for",
        "not been enabled for this", "not activated", "api has not been", "must be enabled",
        "enable it by visiting", "service_disabled", "accessnotconfigured", "not signed up",
        "is not subscribed", "feature is not enabled", "not enabled for this account",
        "module is not enabled",
        unless=("for the region",),
        families=frozenset({*_REMOTE, ""}),
    ),
    _text(
        "bad_target", F.CONFIG_INVALID_SETTING, 0.945,
        "'message': 'model",
        "bucket does not exist", "nosuchbucket", "no such bucket", "container does not exist",
        "container not found", "queue does not exist", "model not found", "index does not exist",
        "index not found", "topic not found", "no such index",
        "specified queue does not exist", "could not be found in the specified region",
        "region does not exist", "does not exist or you do not have access", "specified bucket",
        "the model `", "dataset not found", "wrong region", "is not a valid model", "unknown model",
        "repository not found", "authorization header is malformed",
        "must be addressed using the specified endpoint", "deployment for this resource does not exist",
        "the specified container", "not found: dataset", "not found: table", "not found: project",
        "project not found", "table not found", "no such image", "pull access denied", "manifest unknown",
        "no such project", "no exchange", "no queue",
        families=frozenset({*_REMOTE, fam.BROKER}),
        unless=("404 project not found",),
    ),
    _text(
        "setup_values", F.CONFIG_INVALID_SETTING, 0.925,
        "invalid endpoint", "could not parse sqlalchemy url", "url must include a", "ssl_cert_reqs",
        "invalid connection string", "connection string", "tls ca certificate bundle", "no such transport",
        "invalid broker", "invalid dsn", "invalid cache schema", "unknown transport", "invalid bucket name",
        "port could not be cast", "redis url must specify", "invalid mongodb uri", "invalid uri scheme",
        "invalid port", "config file", "configuration file", "invalid configuration", "unsupported dsn",
        "unknown scheme", "invalid region", "misconfigured", "invalid host", "unknown backend",
        "no such backend", "invalid crontab", "invalid log level", "unknown timezone setting",
        "is not a valid dsn", "config profile", "unknown serializer", "no decoder installed",
        "no encoder installed", "serializer", "wrong ssl", "uri options are case insensitive",
        "not in the expected format, missing fields", "improperly configured", "is not a valid json file",
        "starttls extension not supported", "smtp auth extension not supported",
        "cannot change the current working directory", "url scheme", "hostname mismatch", "ssl key",
        "could not load cert", "unrecognized configuration", "could not find a suitable tls",
        unless=("json serializable", "is not valid under", "user input", "validationerror", "serializers.py"),
    ),
    _text(
        "unknown_topic", F.CONFIG_INVALID_SETTING, 0.955,
        "unknown topic", "unknown_topic",
        families=frozenset({fam.BROKER}),
    ),
    _text(
        "unstated_scheme", F.CONFIG_INVALID_SETTING, 0.9,
        "missing an 'http://' or 'https://' protocol",
    ),
    _text(
        "service_signature", F.CONFIG_INVALID_SETTING, 0.965,
        "invalid jwt signature", "invalid_grant: account not found", "invalid_grant: not a valid email",
        families=frozenset({fam.GOOGLE}),
    ),
    _text(
        "model_name", F.CONFIG_INVALID_SETTING, 0.92,
        "valid model identifier", "is not a local folder",
    ),
    _text(
        "no_transport", F.CONFIG_MISSING_SETTING, 0.97,
        "no such transport: '", 'no such transport: "',
        pattern=r"no such transport: ?['\"]{1,2}$",
    ),
    _text(
        "no_result_backend", F.CONFIG_MISSING_SETTING, 0.97,
        "no result backend is configured", "disabledbackend", "no broker", "broker_url is not set",
    ),
    _text(
        "uninstalled", F.CONFIG_MISSING_SERVICE, 0.95,
        "command not found", "is not installed", "not installed or", "pip install", "please install",
        "is it installed", "executable needs to be in",
        "install it", "could not find the", "needs to be installed",
        "missing dependency", "requires the", "currently installed", "is required for", "missing optional dependency",
        "failed to find libmagic", "cannot open shared object", "library not found", "no such executable",
        "unable to find a usable engine", "executable doesn't exist", "shared library",
        "was not found on your system", "no library called", "poppler installed", "dll load failed",
        "failed to load shared", "could not find library", "playwright install", "cannot find chrome binary",
        "error while fetching server api version", "docker daemon",
        "nltk.download", "resource not found. please use the nltk", "can't find model",
        "unable to locate package", "not found in path",
        "executable file not found", "exec format error", "couldn't import django",
        "could not find executable", "couldn't find a tree builder",
        "java gateway process exited", "java_home", "no java", "libgl.so",
        "undefined symbol", "glibc", "missing module", "extra is required", "install the", "use pip",
        "use `pip", "please run `pip", "python -m spacy download", "no suitable image found", "language data",
        "error opening data file", "cannot load library", "could not load library", "not found or not installed", "backend is not available", "no backend available",
        "you need to install", "requires additional", "failed loading language",
        "is not available on this system", "engine is not running", "no such module",
        unless=(
            "positional argument", "the installed_apps", "app with label", "no installed app", "at least one",
            "could not find the requested", "required positional", "could not find the bill",
            "could not find the file", "could not find the order", "could not find the user", "argument",
            "field is required for", "permission denied", "or later is required",
        ),
    ),
    _text(
        "tool", F.CONFIG_MISSING_SERVICE, 0.945,
        "ffmpeg", "ffprobe", "libreoffice", "soffice", "unoconv", "graphviz", "imagemagick", "wkhtmltopdf", "tesseract",
        "ghostscript", "poppler", "pandoc", "chromedriver", "geckodriver", "gpg", "exiftool", "antiword", "java",
        also=(
            "not found", "install", "in path", "on your path", "to find", "not find", "find ", "locate", "no such file",
            "may not be available", "executable", "missing", "unable to run", "failed to execute",
        ),
        unless=("hostnotfound", "contentnotfound", "atom not found", "invalid data", "javascript", "exited with", "exit code"),
    ),
    _text(
        "server_too_old", F.CONFIG_INVALID_SETTING, 0.94,
        "or later is required", "or higher is required", "or newer is required", "server version",
        families=frozenset({*_OWN, fam.DJANGO}),
        unless=("syntax", "near "),
    ),
    _text(
        "broker_login", F.CONFIG_INVALID_SETTING, 0.95,
        "not authorized", "not authorised", "bad user name or password", "bad username or password",
        families=frozenset({fam.BROKER}),
        unless=("topic", "group", "cluster", "consume", "publish"),
    ),
    _text(
        "named_target", F.CONFIG_INVALID_SETTING, 0.94,
        "not found", "not exist", "n't exist", "cannot be found", "not be found", "no such", "unknown",
        pattern=(
            r"\b(?:bucket|index|topic|queue|deployment|dataset|keyspace|namespace|exchange|table|table or view)s? "
            r"(?:[^\s.]{1,80} )?(?:was not|is not|not|does not|doesn't|cannot be|could not be) (?:found|exist)"
        ),
        families=frozenset({*_REMOTE, *_OWN, fam.BROKER, fam.CODE, ""}),
    ),
    _text(
        "module_of_setting", F.CONFIG_INVALID_SETTING, 0.9,
        "could not import '", "error importing", 'module "', "does not define a", "couldn't import",
        "could not import module",
        also=("class", "backend", "attribute", "import"),
        classes=(
            "ImportError ModuleNotFoundError ImproperlyConfigured InvalidCacheBackendError "
            "InvalidStorageError"
        ),
    ),
    _text(
        "import_cycle", F.PERMANENT_LOGIC, 0.93,
        "cannot import name", "partially initialized", "circular import", "attempted relative import",
        classes="ImportError",
    ),
    _text(
        "own_module", F.PERMANENT_LOGIC, 0.86,
        "no module named",
        pattern=(
            r"no module named '?(?:tasks|apps?|core|utils?|config|settings|project|myapp|mysite|src|main|"
            r"backend|server|worker|celery_?app|proj|models|services?|jobs?|tests?|helpers|common|lib|api|"
            r"web|website|site)(?:[.']|$)|no module named '?[\w.]{1,80}\.(?:tasks|celery|models|views|"
            r"settings|utils|apps|celeryconfig|services|signals|urls|serializers|handlers|jobs|"
            r"helpers)(?:[.']|$)"
        ),
        classes="ImportError ModuleNotFoundError",
    ),
    _text(
        "settings_attribute", F.CONFIG_MISSING_SETTING, 0.96,
        "'settings' object has no attribute", "module 'config' has no attribute",
        "module 'settings' has no attribute", "'usersettingsholder' object",
        "'lazysettings' object has no attribute", "settings' has no attribute",
        "'config' object has no attribute",
    ),
    _text(
        "environment_key", F.CONFIG_MISSING_SETTING, 0.9,
        "_",
        spelled=r"^['\"]?[A-Z][A-Z0-9]{0,30}(?:_[A-Z0-9]{1,30}){1,6}['\"]?$",
        classes="KeyError",
    ),
)
# fmt: on

# fmt: off
RIGHTS: tuple[TextRule, ...] = (
    _text(
        "own_permission", F.PERMANENT_PERMISSION, 0.97,
        "is unauthorized for user",
        "permission denied", "must be superuser", "must be owner", "insufficient privilege",
        "no permissions to", "not authorized on", "noperm", "command denied to user", "not authorized",
        "permission was denied", "has no permission", "no permission on", " acl ", "keine berechtigung",
        "droit refusé", "permiso denegado", "permesso negato", "нет доступа", "权限不足", "security_exception",
        "action [", "is not allowed to",
        families=_OWN,
        unless=("missing authentication", "unable to authenticate",
            "does not exist or not authorized", "could not open file", "could not connect",
            "operation not permitted", "security_exception: missing authentication", "unable to authenticate",
        ),
    ),
    _text(
        "rights_words", F.PERMANENT_PERMISSION, 0.865,
        "permission denied", "access denied", "access is denied", "forbidden", "not permitted",
        "no permission",
        unless=("publickey", "credential"),
    ),
    _text(
        "rights", F.PERMANENT_PERMISSION, 0.905,
        "not authorized to", "does not have permission", "does not have access", "insufficient permission",
        "insufficient privileges", "do not have permission", "don't have permission", "not allowed to",
        "operation not permitted", "unauthorized access", "lacks permission", "has no permission",
        "read-only file system", "has been revoked", "token has been expired or revoked", "token has expired",
        "token expired", "refresh token", "invalid_grant", "account suspended", "account has been disabled",
        "user has blocked", "bot was blocked", "missing permissions", "missing access",
        "signature has expired", "link has expired", "not enough rights", "access to this resource",
        "access token has expired", "session has expired", "request has expired", "bot was kicked",
        "have no rights", "privacy settings", "user is deactivated", "permission_denied", "rights to",
        "missing scope", "consent", "outside of allowed", "located outside", "attempted path traversal",
        "account is restricted", "account has been suspended", "not allowed by", "not have the required", "has not authorized",
        "don't have access", "do not have access", "you are not allowed", "insufficient scope",
        "bot is not a member", "permission to", "must have the",
        unless=("does not exist or",
            "publickey", "credential", "client authentication failed", "relaying", "log in", "api key",
            "the from address", "operation not permitted on", "must have the same", "must have the form",
        ),
    ),
    _text(
        "clock_skew", F.EXTERNAL_API_ERROR, 0.97,
        "requesttimetooskewed", "difference between the request time and the current time",
        retry=False,
    ),
)
# fmt: on

RULES: tuple[TextRule, ...] = (*SETTINGS, *RIGHTS)
