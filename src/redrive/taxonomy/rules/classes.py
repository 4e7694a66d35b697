"""Exception classes by name. A class decides for those derived from it, the nearest one first."""

from __future__ import annotations

from redrive.taxonomy.rules.rule import ClassRule, NameRule, one_of
from redrive.taxonomy.types import FailureType as F

_PY = "Python documentation, built-in exceptions"
_LIB = "the libraries' own exception hierarchies"


def _classes(
    source: str, rows: tuple[tuple[str, F, float, bool | None, str], ...], *, wrapper: bool = False
) -> tuple[ClassRule, ...]:
    return tuple(
        ClassRule(
            id=f"class.{name}",
            names=one_of(names),
            says=says,
            trust=trust,
            retry=retry,
            source=source,
            wrapper=wrapper,
        )
        for name, says, trust, retry, names in rows
    )


BUILTINS = _classes(
    _PY,
    (
        ("memory", F.SYSTEM_OUT_OF_MEMORY, 0.97, None, "builtins.MemoryError"),
        ("programming", F.PERMANENT_LOGIC, 0.88, None,
         "builtins.NameError builtins.AttributeError builtins.TypeError builtins.IndexError "
         "builtins.ZeroDivisionError builtins.RecursionError builtins.UnboundLocalError "
         "builtins.NotImplementedError builtins.StopIteration builtins.StopAsyncIteration "
         "builtins.SyntaxError builtins.IndentationError builtins.FloatingPointError "
         "builtins.UnicodeEncodeError builtins.ReferenceError builtins.GeneratorExit "
         "builtins.ArithmeticError builtins.UnicodeTranslateError"),
        ("overflow", F.PERMANENT_LOGIC, 0.72, None, "builtins.OverflowError"),
        ("assertion", F.PERMANENT_LOGIC, 0.85, None, "builtins.AssertionError"),
        ("warning", F.PERMANENT_LOGIC, 0.75, None, "builtins.Warning"),
        ("key", F.PERMANENT_LOGIC, 0.85, None, "builtins.KeyError"),
        ("lookup", F.PERMANENT_NOT_FOUND, 0.78, None, "builtins.LookupError"),
        ("value", F.PERMANENT_VALIDATION, 0.68, None, "builtins.ValueError"),
        ("decode", F.PERMANENT_VALIDATION, 0.94, None,
         "builtins.UnicodeDecodeError json.decoder.JSONDecodeError builtins.UnicodeError"),
        ("eof", F.PERMANENT_VALIDATION, 0.7, None, "builtins.EOFError"),
        ("module", F.CONFIG_MISSING_SERVICE, 0.78, None, "builtins.ModuleNotFoundError"),
        ("import", F.CONFIG_MISSING_SERVICE, 0.68, None, "builtins.ImportError"),
        ("no_file", F.PERMANENT_NOT_FOUND, 0.82, None,
         "builtins.FileNotFoundError builtins.NotADirectoryError"),
        ("permission", F.PERMANENT_PERMISSION, 0.93, None, "builtins.PermissionError"),
        ("file_logic", F.PERMANENT_LOGIC, 0.75, None, "builtins.FileExistsError builtins.IsADirectoryError"),
        ("connection", F.TRANSIENT_NETWORK, 0.9, None,
         "builtins.ConnectionError builtins.BrokenPipeError socket.gaierror socket.herror socket.error "
         "_socket.gaierror"),
        ("timeout", F.TRANSIENT_NETWORK, 0.72, None, "builtins.TimeoutError socket.timeout _socket.timeout"),
        ("interpreter", F.UNKNOWN, 0.75, None, "builtins.SystemError"),
        ("buffer", F.PERMANENT_LOGIC, 0.8, None, "builtins.BufferError"),
    ),
)  # fmt: skip

STANDARD_LIBRARY = _classes(
    "Python standard library documentation",
    (
        ("async_timeout", F.EXTERNAL_TIMEOUT, 0.7, None,
         "asyncio.exceptions.TimeoutError concurrent.futures._base.TimeoutError"),
        ("cancelled", F.UNKNOWN, 0.75, None,
         "asyncio.exceptions.CancelledError concurrent.futures._base.CancelledError "
         "concurrent.futures.CancelledError asyncio.CancelledError"),
        ("http_broken", F.TRANSIENT_NETWORK, 0.92, None,
         "http.client.IncompleteRead http.client.RemoteDisconnected http.client.BadStatusLine "
         "http.client.CannotSendRequest http.client.ResponseNotReady http.client.NotConnected "
         "asyncio.exceptions.IncompleteReadError asyncio.streams.IncompleteReadError"),
        ("http_misuse", F.PERMANENT_VALIDATION, 0.75, None,
         "http.client.InvalidURL http.client.UnknownProtocol"),
        ("url_unreachable", F.TRANSIENT_NETWORK, 0.7, None,
         "urllib.error.URLError http.client.HTTPException"),
        ("cut_download", F.TRANSIENT_NETWORK, 0.93, None, "urllib.error.ContentTooShortError"),
        ("ssl_verify", F.CONFIG_INVALID_SETTING, 0.8, None,
         "ssl.SSLCertVerificationError ssl.CertificateError"),
        ("ssl", F.TRANSIENT_NETWORK, 0.75, None,
         "ssl.SSLError ssl.SSLEOFError ssl.SSLZeroReturnError _ssl.SSLError"),
        ("subprocess_timeout", F.EXTERNAL_TIMEOUT, 0.8, None, "subprocess.TimeoutExpired"),
        ("subprocess", F.UNKNOWN, 0.7, None, "subprocess.CalledProcessError subprocess.SubprocessError"),
        ("pool_broken", F.SYSTEM_OUT_OF_MEMORY, 0.8, None,
         "concurrent.futures.process.BrokenProcessPool "
         "joblib.externals.loky.process_executor.TerminatedWorkerError "
         "joblib.externals.loky.process_executor.BrokenProcessPool distributed.scheduler.KilledWorker "
         "dask.distributed.KilledWorker :KilledWorker :TerminatedWorkerError "
         "ray.exceptions.OutOfMemoryError ray.exceptions.WorkerCrashedError"),
        ("data_format", F.PERMANENT_VALIDATION, 0.93, None,
         "zipfile.BadZipFile zipfile.LargeZipFile tarfile.ReadError tarfile.TarError gzip.BadGzipFile "
         "lzma.LZMAError _lzma.LZMAError zlib.error csv.Error _csv.Error binascii.Error "
         "xml.etree.ElementTree.ParseError xml.parsers.expat.ExpatError pyexpat.ExpatError "
         "xml.sax._exceptions.SAXParseException struct.error decimal.InvalidOperation "
         "decimal.DecimalException email.errors.MessageError tomllib.TOMLDecodeError "
         "plistlib.InvalidFileException ipaddress.AddressValueError ipaddress.NetmaskValueError uu.Error "
         "wave.Error aifc.Error sunau.Error zipfile.BadZipfile tarfile.OutsideDestinationError "
         "tarfile.FilterError tarfile.AbsolutePathError"),
        ("unpickling", F.PERMANENT_VALIDATION, 0.75, None, "pickle.UnpicklingError _pickle.UnpicklingError"),
        ("pickling", F.PERMANENT_LOGIC, 0.9, None,
         "pickle.PicklingError _pickle.PicklingError pickle.PickleError"),
        ("code", F.PERMANENT_LOGIC, 0.88, None,
         "dataclasses.FrozenInstanceError inspect.BoundArguments re.error re.PatternError "
         "asyncio.exceptions.InvalidStateError concurrent.futures._base.InvalidStateError "
         "asyncio.InvalidStateError copy.Error multiprocessing.context.ProcessError queue.Full "
         "graphlib.CycleError decimal.DivisionByZero"),
        ("queue_empty", F.PERMANENT_LOGIC, 0.6, None, "queue.Empty _queue.Empty"),
        ("config_missing", F.CONFIG_MISSING_SETTING, 0.93, None,
         "configparser.NoSectionError configparser.NoOptionError"),
        ("config_bad", F.CONFIG_INVALID_SETTING, 0.93, None, "configparser.Error locale.Error"),
        ("zone", F.PERMANENT_VALIDATION, 0.8, None,
         "zoneinfo._common.ZoneInfoNotFoundError pytz.exceptions.UnknownTimeZoneError"),
        ("shutil_same", F.PERMANENT_LOGIC, 0.85, None, "shutil.SameFileError shutil.SpecialFileError"),
        ("shutil_read", F.PERMANENT_VALIDATION, 0.85, None, "shutil.ReadError"),
    ),
)  # fmt: skip

FRAMEWORK = _classes(
    "Django, Django REST framework, Celery, kombu and RQ documentation",
    (
        ("does_not_exist", F.PERMANENT_NOT_FOUND, 0.975, None,
         "django.core.exceptions.ObjectDoesNotExist django.http.response.Http404 django.http.Http404 "
         "rest_framework.exceptions.NotFound django.urls.exceptions.Resolver404 :DoesNotExist "
         "tortoise.exceptions.DoesNotExist sqlalchemy.exc.NoResultFound werkzeug.exceptions.NotFound "
         "sqlalchemy.orm.exc.NoResultFound sqlalchemy.orm.exc.ObjectDeletedError "
         "pony.orm.core.ObjectNotFound :NoMatch mongoengine.errors.DoesNotExist gridfs.errors.NoFile"),
        ("stale_data", F.PERMANENT_LOGIC, 0.7, None, "sqlalchemy.orm.exc.StaleDataError"),
        ("multiple", F.PERMANENT_LOGIC, 0.94, None,
         ":MultipleObjectsReturned sqlalchemy.exc.MultipleResultsFound "
         "sqlalchemy.orm.exc.MultipleResultsFound"),
        ("django_validation", F.PERMANENT_VALIDATION, 0.95, None,
         "django.core.exceptions.ValidationError rest_framework.exceptions.ValidationError "
         "rest_framework.exceptions.ParseError django.core.exceptions.BadRequest "
         "django.core.exceptions.RequestDataTooBig django.core.exceptions.TooManyFieldsSent "
         "rest_framework.exceptions.UnsupportedMediaType django.core.mail.message.BadHeaderError "
         "django.http.multipartparser.MultiPartParserError "
         "django.core.serializers.base.DeserializationError django.core.paginator.InvalidPage "
         "django.utils.datastructures.MultiValueDictKeyError django.core.signing.BadSignature "
         "itsdangerous.exc.BadData django.contrib.gis.gdal.error.GDALException "
         "django.contrib.gis.geos.error.GEOSException import_export.exceptions.ImportExportError "
         "phonenumbers.phonenumberutil.NumberParseException django.http.request.RawPostDataException "
         "django.http.UnreadablePostError"),
        ("signature_expired", F.PERMANENT_PERMISSION, 0.93, None,
         "django.core.signing.SignatureExpired itsdangerous.exc.SignatureExpired "
         "jwt.exceptions.ExpiredSignatureError jose.exceptions.ExpiredSignatureError "
         "authlib.jose.errors.ExpiredTokenError rest_framework_simplejwt.exceptions.InvalidToken "
         "rest_framework_simplejwt.exceptions.TokenError"),
        ("django_permission", F.PERMANENT_PERMISSION, 0.95, None,
         "django.core.exceptions.PermissionDenied rest_framework.exceptions.PermissionDenied "
         "rest_framework.exceptions.AuthenticationFailed rest_framework.exceptions.NotAuthenticated "
         "django.core.exceptions.SuspiciousOperation django.core.exceptions.SuspiciousFileOperation "
         "django.core.exceptions.DisallowedRedirect"),
        ("disallowed_host", F.CONFIG_INVALID_SETTING, 0.85, None, "django.core.exceptions.DisallowedHost"),
        ("drf_throttled", F.TRANSIENT_RATE_LIMIT, 0.95, None, "rest_framework.exceptions.Throttled"),
        ("improperly_configured", F.CONFIG_INVALID_SETTING, 0.85, None, ":ImproperlyConfigured"),
        ("protected", F.PERMANENT_LOGIC, 0.94, None,
         "django.db.models.deletion.ProtectedError django.db.models.deletion.RestrictedError"),
        ("django_logic", F.PERMANENT_LOGIC, 0.93, None,
         "django.core.exceptions.FieldError django.core.exceptions.FieldDoesNotExist "
         "django.core.exceptions.AppRegistryNotReady django.core.exceptions.SynchronousOnlyOperation "
         "django.template.exceptions.TemplateDoesNotExist django.template.exceptions.TemplateSyntaxError "
         "django.template.base.VariableDoesNotExist django.urls.exceptions.NoReverseMatch "
         "django.core.management.base.CommandError django.db.transaction.TransactionManagementError "
         "django.db.models.query_utils.InvalidQuery django.core.exceptions.FullResultSet "
         "django.core.exceptions.MiddlewareNotUsed django.core.exceptions.ViewDoesNotExist "
         "rest_framework.exceptions.MethodNotAllowed jinja2.exceptions.TemplateError "
         "mako.exceptions.MakoException django.core.cache.backends.base.InvalidCacheKey"),
        ("connection_alias", F.CONFIG_INVALID_SETTING, 0.94, None,
         "django.utils.connection.ConnectionDoesNotExist django.db.utils.ConnectionDoesNotExist "
         "django.core.cache.backends.base.InvalidCacheBackendError "
         "django.core.files.storage.handler.InvalidStorageError"),
        ("migrations", F.CONFIG_INVALID_SETTING, 0.85, None,
         "django.db.migrations.exceptions.InconsistentMigrationHistory "
         "django.db.migrations.exceptions.NodeNotFoundError"),
        ("task_logic", F.PERMANENT_LOGIC, 0.93, None,
         "celery.exceptions.NotRegistered celery.exceptions.AlreadyRegistered "
         "celery.exceptions.InvalidTaskError kombu.exceptions.EncodeError celery.exceptions.TaskPredicate "
         "celery.exceptions.IncompleteStream celery.exceptions.CPendingDeprecationWarning "
         "rq.exceptions.InvalidJobOperation celery.exceptions.QueueNotFound "
         "rq.exceptions.DeserializationError celery.exceptions.AlwaysEagerIgnored"),
        ("schedule", F.CONFIG_INVALID_SETTING, 0.9, None, "celery.schedules.ParseException"),
        ("message_body", F.PERMANENT_VALIDATION, 0.93, None, "kombu.exceptions.DecodeError"),
        ("serializer", F.CONFIG_INVALID_SETTING, 0.94, None,
         "kombu.exceptions.ContentDisallowed kombu.exceptions.SerializerNotInstalled "
         "celery.exceptions.SecurityError"),
        ("broker", F.TRANSIENT_NETWORK, 0.9, None,
         "kombu.exceptions.OperationalError kombu.exceptions.ConnectionError kombu.exceptions.LimitExceeded "
         "kombu.exceptions.ConnectionLimitExceeded kombu.exceptions.ChannelLimitExceeded "
         "celery.backends.rpc.BacklogLimitExceeded"),
        ("result_store", F.TRANSIENT_DATABASE, 0.85, None,
         "celery.exceptions.BackendStoreError celery.exceptions.BackendGetMetaError "
         "celery.exceptions.BackendError"),
        ("time_limit", F.EXTERNAL_TIMEOUT, 0.92, True,
         "celery.exceptions.SoftTimeLimitExceeded celery.exceptions.TimeLimitExceeded "
         "billiard.exceptions.SoftTimeLimitExceeded billiard.exceptions.TimeLimitExceeded "
         "rq.timeouts.BaseTimeoutException dramatiq.middleware.time_limit.TimeLimitExceeded "
         "huey.exceptions.TaskTimeout :SoftTimeLimitExceeded"),
        ("result_timeout", F.EXTERNAL_TIMEOUT, 0.75, None, "celery.exceptions.TimeoutError"),
        ("max_retries", F.UNKNOWN, 0.8, None, "celery.exceptions.MaxRetriesExceededError"),
        ("revoked", F.UNKNOWN, 0.9, None,
         "celery.exceptions.TaskRevokedError celery.exceptions.Ignore "
         "billiard.exceptions.Terminated celery.exceptions.WorkerTerminate celery.exceptions.WorkerShutdown "
         "huey.exceptions.CancelExecution"),
        ("worker_lost", F.SYSTEM_WORKER_LOST, 0.75, None,
         "billiard.exceptions.WorkerLostError celery.exceptions.WorkerLostError "
         "rq.exceptions.AbandonedJobError"),
        ("rq_missing", F.PERMANENT_NOT_FOUND, 0.85, None, "rq.exceptions.NoSuchJobError"),
    ),
)  # fmt: skip

WRAPPERS = _classes(
    "libraries that wrap the last failure of several attempts, or any failure",
    (
        ("retries_exhausted", F.UNKNOWN, 0.45, None,
         ":RetryError :MaxRetryError :MaxRetriesExceeded :RetriesExceeded :RetryException "
         ":MaxRetriesExceededError :RetriesExceededError :RetryExceededError"),
        ("reject_or_retry", F.UNKNOWN, 0.4, None,
         "celery.exceptions.Reject celery.exceptions.Retry celery.exceptions.ChordError"),
        ("group", F.UNKNOWN, 0.4, None,
         "builtins.ExceptionGroup builtins.BaseExceptionGroup exceptiongroup:ExceptionGroup"),
        ("remote", F.UNKNOWN, 0.35, None,
         "multiprocessing.pool.RemoteTraceback concurrent.futures.process._RemoteTraceback "
         "multiprocessing.pool.MaybeEncodingError billiard.pool.MaybeEncodingError "
         "billiard.einfo.RemoteTraceback ray.exceptions.RayTaskError "
         "celery.utils.serialization.UnpickleableExceptionWrapper trio.MultiError :ChildError"),
        ("plain", F.UNKNOWN, 0.3, None, "builtins.Exception builtins.BaseException"),
        ("runtime", F.UNKNOWN, 0.32, None, "builtins.RuntimeError"),
        ("os", F.UNKNOWN, 0.34, None, "builtins.OSError"),
    ),
    wrapper=True,
)  # fmt: skip

DATABASE = _classes(
    "PEP 249 and the drivers' exception hierarchies",
    (
        ("db_integrity", F.PERMANENT_VALIDATION, 0.9, None,
         "django.db.utils.IntegrityError psycopg.IntegrityError psycopg2.IntegrityError "
         "sqlalchemy.exc.IntegrityError sqlite3.IntegrityError :IntegrityError :DuplicateKeyError "
         ":UniqueViolationError"),
        ("db_data", F.PERMANENT_VALIDATION, 0.9, None,
         "django.db.utils.DataError :DataError :StatementError"),
        ("db_programming", F.PERMANENT_LOGIC, 0.8, None,
         "django.db.utils.ProgrammingError :ProgrammingError django.db.utils.NotSupportedError "
         ":NotSupportedError"),
        ("db_operational", F.TRANSIENT_DATABASE, 0.72, None,
         "django.db.utils.OperationalError :OperationalError"),
        ("db_interface", F.TRANSIENT_DATABASE, 0.68, None, "django.db.utils.InterfaceError :InterfaceError"),
        ("db_internal", F.UNKNOWN, 0.5, None, "django.db.utils.InternalError :InternalError"),
        ("db_any", F.UNKNOWN, 0.45, None, "django.db.utils.DatabaseError django.db.utils.Error"),
        ("db_pool", F.TRANSIENT_DATABASE, 0.96, None,
         "sqlalchemy.exc.TimeoutError psycopg_pool.PoolTimeout psycopg_pool.TooManyRequests "
         "psycopg2.pool.PoolError peewee.MaxConnectionsExceeded playhouse:MaxConnectionsExceeded "
         "asyncpg:TooManyConnectionsError psycopg_pool.PoolClosed.l mysql.connector.errors.PoolError"),
        ("db_disconnected", F.TRANSIENT_DATABASE, 0.95, None,
         "sqlalchemy.exc.DisconnectionError sqlalchemy.exc.InvalidatePoolError "
         "tortoise.exceptions.DBConnectionError asyncpg:ConnectionDoesNotExistError "
         "asyncpg:ConnectionFailureError asyncpg:CannotConnectNowError "
         "asyncpg.exceptions.PostgresConnectionError peewee.PeeweeException.p"),
        ("sqlalchemy_logic", F.PERMANENT_LOGIC, 0.93, None,
         "sqlalchemy.exc.InvalidRequestError sqlalchemy.exc.PendingRollbackError "
         "sqlalchemy.orm.exc.DetachedInstanceError sqlalchemy.exc.CompileError "
         "sqlalchemy.exc.NoForeignKeysError sqlalchemy.exc.CircularDependencyError "
         "sqlalchemy.exc.AmbiguousForeignKeysError sqlalchemy.exc.UnboundExecutionError "
         "sqlalchemy.orm.exc.UnmappedInstanceError sqlalchemy.exc.MissingGreenlet "
         "sqlalchemy.orm.exc.FlushError sqlalchemy.orm.exc.ObjectDereferencedError "
         "sqlalchemy.exc.AwaitRequired sqlalchemy.exc.IllegalStateChangeError sqlalchemy.exc.NoReferenceError"),
        ("closed_by_us", F.PERMANENT_LOGIC, 0.965, None,
         "sqlalchemy.exc.ResourceClosedError psycopg_pool.PoolClosed"),
        ("sqlalchemy_config", F.CONFIG_INVALID_SETTING, 0.8, None, "sqlalchemy.exc.ArgumentError"),
        ("sqlalchemy_schema", F.CONFIG_INVALID_SETTING, 0.88, None,
         "sqlalchemy.exc.NoSuchTableError sqlalchemy.exc.NoSuchColumnError"),
        ("sqlalchemy_plugin", F.CONFIG_MISSING_SERVICE, 0.94, None, "sqlalchemy.exc.NoSuchModuleError"),
        ("alembic", F.CONFIG_INVALID_SETTING, 0.85, None, "alembic:CommandError alembic:MultipleHeads"),
        ("tortoise_config", F.CONFIG_INVALID_SETTING, 0.9, None, "tortoise.exceptions.ConfigurationError"),
        ("duckdb_memory", F.SYSTEM_OUT_OF_MEMORY, 0.96, None,
         "duckdb:OutOfMemoryException"),
        ("duckdb_busy", F.TRANSIENT_DATABASE, 0.9, None,
         "duckdb:TransactionException duckdb:ConnectionException"),
        ("duckdb_data", F.PERMANENT_VALIDATION, 0.9, None,
         "duckdb:ConversionException duckdb:ConstraintException duckdb:InvalidInputException "
         "duckdb:OutOfRangeException"),
        ("duckdb_logic", F.PERMANENT_LOGIC, 0.88, None,
         "duckdb:BinderException duckdb:ParserException duckdb:SyntaxException duckdb:TypeMismatchException"),
        ("duckdb_catalog", F.CONFIG_INVALID_SETTING, 0.85, None,
         "duckdb:CatalogException"),
    ),
)  # fmt: skip

NAMES = tuple(
    NameRule(id=f"name.{name}", words=one_of(words), says=says, trust=trust, retry=retry, source=_LIB)
    for name, says, trust, retry, words in (
        ("rate_limit", F.TRANSIENT_RATE_LIMIT, 0.9, None,
         "ratelimit toomanyrequest throttl floodwait slowmode floodcontrol requestlimit ratequota toofast"),
        ("out_of_memory", F.SYSTEM_OUT_OF_MEMORY, 0.92, None,
         "outofmemory memoryerror oomerror memorylimit oomkilled"),
        ("disk_full", F.SYSTEM_DISK_FULL, 0.92, None, "diskfull nospace diskquota storagefull storagelimit"),
        ("missing_dependency", F.CONFIG_MISSING_SERVICE, 0.92, None,
         "missingdependency dependencymissing notinstalled executablenotfound binarynotfound "
         "programnotfound commandnotfound missinglibrary optionaldependency missingmodule nosuchmodule "
         "tesseractnotfound drivernotfound missingextra packagenotfound librarynotfound noprogram noengine "
         "pluginnotfound missingoptional languagenotfound popplernotinstalled driverexecutable"),
        ("missing_setting", F.CONFIG_MISSING_SETTING, 0.88, None,
         "missingsetting settingmissing missingapikey nocredential missingcredential undefinedvalue "
         "missingenv environmentvariable notconfigured missingconfig configmissing noregion "
         "credentialsnotfound missingtoken missingrequiredenv notloggedin tokennotfound noapikey "
         "apikeymissing"),
        ("invalid_setting", F.CONFIG_INVALID_SETTING, 0.86, None,
         "improperlyconfigured configurationerror configerror configexception invalidconfig misconfigur "
         "configurationexception settingserror invalidsetting badconfig profilenotfound invalidapikey "
         "baddsn invaliddsn badsetting invalidkeyerror invalidcredential badcredential credentialserror"),
        ("authentication", F.CONFIG_INVALID_SETTING, 0.86, None,
         "authenticationerror authenticationexception authenticationfail unauthorized authfail autherror "
         "unauthenticated logonerror logonfail authorizationrequired authrequired loginrequired "
         "invalidlogin loginfailed "
         "invalidpassword badauthentication loginerror "
         "authorizationfailed invalidclient authexception notauthenticated passwordrequired invalidtoken "
         "tokeninvalid"),
        ("permission", F.PERMANENT_PERMISSION, 0.87, None,
         "permission forbidden accessdenied notauthorized notallowed unauthorised insufficientprivilege "
         "authorizationerror accountsuspended accountdisabled expiredtoken tokenexpired tokenrevoked "
         "revoked badsignature invalidsignature expiredsignature zugriffverweigert verweigert "
         "nichtberechtigt denegad accesrefuse "
         " userdeactivated blocked privacyrestricted "
         "banned chatwriteforbidden adminrequired unauthorizedaccess accessrefused insufficientscope"),
        ("timeout", F.EXTERNAL_TIMEOUT, 0.85, None,
         "timeout timedout deadlineexceeded timelimit zeitueberschreitung zeitüberschreitung "
         "esperaagotad attentedepass"),
        ("down", F.EXTERNAL_API_DOWN, 0.86, None,
         "serviceunavailable unavailable overloaded badgateway serverdown maintenance "
         "serverbusy notready apidown outage offline notavailable busyerror busyexception servicebusy "
         "gatewaybusy notreachable nichtverfuegbar nichtverfügbar "
         "nichterreichbar indisponible nodisponible"),
        ("connection", F.TRANSIENT_NETWORK, 0.85, None,
         "connectionerror connecterror connectionclosed connectionlost connectionreset connectionrefused "
         "disconnected networkerror connectionexception apiconnection cannotconnect connectfailed "
         "connectionfail notconnected protocolerror unreachable nobrokers brokernotavailable "
         "brokerconnection noservers socketerror hostnotfound streamlost chunkedencoding incompleteread "
         "noconnection remotedisconnected nodenotready leadernotavailable connectionabort connectionbroken "
         "communicationerror dnserror nameresolution clientoserror proxyerror serverdisconnect "
         "disconnectederror connectionfault sessionexpirederror connectionloss commclosed channelclosed "
         "streamclosed socketclosed transporterror"),
        ("server_error", F.EXTERNAL_API_ERROR, 0.8, True,
         "internalservererror servererror internalerror serverexception backenderror"),
        ("not_found", F.PERMANENT_NOT_FOUND, 0.85, None,
         "notfound doesnotexist nosuch missingobject objectdeleted unknownuser unknownmessage "
         "unknownchannel missingfile nomatch noresult filemissing notexist itemmissing ^gone "
         "videounavailable usernotoccupied nichtgefunden nichtvorhanden introuvable noencontrad inexistente"),
        ("code_not_found", F.PERMANENT_LOGIC, 0.87, None,
         "actornotfound tasknotfound handlernotfound methodnotfound functionnotfound templatenotfound "
         "missingtemplate routenotfound viewnotfound"),
        ("target_not_found", F.CONFIG_INVALID_SETTING, 0.87, None,
         "versionnotfound regionnotfound indexnotfound tablenotfound bucketnotfound collectionnotfound "
         "queuenotfound topicnotfound databasenotfound modelnotfound nosuchbucket nosuchtable nosuchindex"),
        ("conflict", F.PERMANENT_VALIDATION, 0.82, None,
         "alreadyexists duplicate conflict integrityerror constraintviolation notunique"),
        ("quota", F.TRANSIENT_RATE_LIMIT, 0.8, None,
         "quotaexceeded quotaerror quotaexhausted quotadepass cuotaexcedida"),
        ("api_error", F.EXTERNAL_API_ERROR, 0.6, False,
         "gatewayerror apierror apiexception partnererror providererror"),
        ("business_rule", F.PERMANENT_LOGIC, 0.75, None,
         "businessrule ruleviolation businesserror outofstock insufficientstock already"),
        ("own_lock", F.TRANSIENT_DATABASE, 0.88, None,
         "deadlock locktimeout lockwait couldnotlock serializationfail lockacquisition"),
        ("lock_held", F.TRANSIENT_DATABASE, 0.72, None,
         "acquirelock locknotacquired lockedex lockederror lockheld"),
        ("back_pressure", F.TRANSIENT_RATE_LIMIT, 0.7, None, "channelfull queuefull backpressure"),
        ("temporary", F.EXTERNAL_API_DOWN, 0.6, None,
         "temporaryerror temporaryfail retryableerror transienterror tryagain"),
        ("state", F.PERMANENT_LOGIC, 0.87, None, "transition illegalstate invalidstate wrongstate"),
        ("unsupported_call", F.PERMANENT_LOGIC, 0.88, None,
         "unsupportedoperation unsupportedfeature methodnotallowed invalidoperation"),
        ("not_implemented", F.PERMANENT_LOGIC, 0.82, None,
         "notimplemented notsupported usageerror programmingerror typeerror "
         "attributeerror assertionerror logicerror undefinederror "
         "notfitted misuse templateerror templatesyntax undefinedvariable"),
        ("invalid", F.PERMANENT_VALIDATION, 0.84, None,
         "validation invalid malformed parseerror parsererror parsingerror parseexception decodeerror "
         "decodingerror syntaxerror badrequest unprocessable formaterror corrupt unsupported unidentified "
         "badzip encrypted badformat wrongformat schemaerror schemamismatch bademail unreadable unparsable "
         "unparseable toolarge toolong outofrange outofbounds dataerror baddata badfile notapdf "
         "encodingerror badinput inputerror wrongtype pdfread pdferror readerror wrongpassword "
         "passworderror passwordexception emptydata emptyfile cannotread compressionbomb numberparse "
         "deserializ unknowntimezone recipientsrefused carderror declined illegalcharacter missingfield "
         "fielderror jsonerror xmlerror yamlerror csverror badpassword nottrue xlrderror signatureverif "
         "typenotsupported formatnotsupported ungueltig ungültig unzulaessig unzulässig abgelehnt rechazad "
         "nichtzulaessig nichtzulässig inválid"),
        ("mismatch", F.PERMANENT_VALIDATION, 0.66, None,
         "mismatch incompatible illegal incorrect missing underrun overflow unregistered ^bad ^wrong "
         "fehlt fehlend manquant"),
    )
)  # fmt: skip
