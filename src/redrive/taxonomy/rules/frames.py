"""Where a built-in exception was raised, when that says more than its class."""

from __future__ import annotations

from redrive.taxonomy.rules import families as fam
from redrive.taxonomy.rules.rule import FamilyRule, FrameRule, one_of
from redrive.taxonomy.types import FailureType as F


def _frame(
    name: str, says: F, trust: float, places: str, classes: str = "", depth: int = 4, source: str = ""
) -> FrameRule:
    return FrameRule(
        id=f"frame.{name}",
        says=says,
        trust=trust,
        places=one_of(places),
        classes=frozenset(classes.split()),
        depth=depth,
        source=source or "library source: what that function is for",
    )


RULES: tuple[FrameRule, ...] = (
    _frame(
        "environment",
        F.CONFIG_MISSING_SETTING,
        0.96,
        "os.py:__getitem__ os.py:__missing__",
        "KeyError",
        1,
    ),
    _frame(
        "settings_attribute",
        F.CONFIG_MISSING_SETTING,
        0.95,
        (
            "django/conf/__init__.py:__getattr__ dynaconf/base.py:__getattr__ dynaconf/base.py:__getitem__ "
            "dynaconf/utils/boxing.py:__getattr__ starlette/config.py:get decouple.py:__getitem__"
        ),
        "AttributeError KeyError",
        2,
    ),
    _frame(
        "settings_cast",
        F.CONFIG_INVALID_SETTING,
        0.94,
        (
            "decouple.py: environ/environ.py: environs/__init__.py: environs.py: dynaconf/ "
            "starlette/config.py: configparser.py: dj_database_url/ dj_email_url django_cache_url "
            "pydantic_settings/ omegaconf/ everett/"
        ),
        "ValueError TypeError InvalidOperation",
        3,
    ),
    _frame(
        "command",
        F.CONFIG_MISSING_SERVICE,
        0.94,
        (
            "subprocess.py:_execute_child asyncio/base_events.py:subprocess_exec asyncio/unix_events.py:_start "
            "os.py:_execvpe pexpect/pty_spawn.py:"
        ),
        "FileNotFoundError NotADirectoryError",
        2,
    ),
    _frame(
        "client_setup",
        F.CONFIG_INVALID_SETTING,
        0.93,
        (
            "redis/connection.py:parse_url redis/connection.py:from_url redis/client.py:from_url "
            "kombu/utils/url.py: kombu/connection.py:__init__ kombu/transport/__init__.py: "
            "celery/backends/redis.py:__init__ celery/app/base.py:_get_backend celery/app/backends.py: "
            "celery/app/utils.py: celery/schedules.py:__init__ celery/schedules.py:_expand_cronspec "
            "celery/schedules.py:_parse_ celery/beat.py: botocore/args.py: "
            "botocore/endpoint.py:create_endpoint botocore/client.py:create_client botocore/configprovider.py: "
            "botocore/endpoint_provider.py: botocore/regions.py: elastic_transport/client_utils.py: "
            "elasticsearch/_sync/client/utils.py: elasticsearch/_async/client/utils.py: "
            "opensearchpy/client/utils.py: elasticsearch/client/utils.py: requests/adapters.py:cert_verify "
            "ssl.py:load_verify_locations ssl.py:load_cert_chain ssl.py:create_default_context "
            "httpx/_config.py: pymongo/uri_parser.py: pymongo/synchronous/uri_parser.py: "
            "pymongo/uri_parser_shared.py: psycopg2/extensions.py:make_dsn sqlalchemy/engine/url.py: "
            "logging/config.py: google/auth/_default.py: google/oauth2/service_account.py:from_service_account "
            "google/auth/_service_account_info.py: "
            "azure/storage/blob/_shared/base_client.py:parse_connection_str "
            "azure/core/utils/_connection_string_parser.py: azure/servicebus/_base_handler.py: "
            "kafka/conn.py:__init__ kafka/client_async.py:__init__ minio/api.py:__init__ minio/helpers.py: "
            "sentry_sdk/utils.py:__init__ pika/connection.py:_process_url pika/connection.py:set_ "
            "django/db/utils.py:load_backend django/core/cache/__init__.py: "
            "twilio/base/client_base.py:__init__ twilio/rest/__init__.py:__init__ paramiko/rsakey.py: "
            "paramiko/pkey.py: paramiko/ed25519key.py: paramiko/ecdsakey.py: influxdb_client/ "
            "hvac/v1/__init__.py:__init__ cassandra/cluster.py:__init__ neo4j/_sync/driver.py:driver "
            "neo4j/api.py: docker/utils/utils.py:parse_host clickhouse_driver/client.py:from_url "
            "cryptography/fernet.py:__init__ jwt/algorithms.py:prepare_key kubernetes/config/ "
            "meilisearch/client.py:__init__ qdrant_client/qdrant_client.py:__init__"
        ),
        "ValueError TypeError KeyError AttributeError OSError UnicodeError IndexError SSHException",
        4,
    ),
    _frame(
        "certificate_file",
        F.CONFIG_INVALID_SETTING,
        0.955,
        (
            "ssl.py:create_default_context ssl.py:load_ httpx/_config.py: urllib3/util/ssl_.py: "
            "requests/adapters.py:cert_verify"
        ),
        "FileNotFoundError NotADirectoryError IsADirectoryError",
        3,
    ),
    _frame(
        "closed_by_peer",
        F.TRANSIENT_NETWORK,
        0.92,
        (
            "ftplib.py: poplib.py: imaplib.py: telnetlib.py: nntplib.py: multiprocessing/connection.py: "
            "asyncio/streams.py:"
        ),
        "EOFError",
        2,
    ),
    _frame(
        "client_made",
        F.CONFIG_INVALID_SETTING,
        0.78,
        ":from_url :from_connection_string :from_env :create_client :get_client :configure :parse_connection_str "
        "/base_client.py:__init__ /client.py:__init__ /_client.py:__init__",
        "ValueError TypeError",
        2,
    ),
    _frame(
        "plugin",
        F.CONFIG_INVALID_SETTING,
        0.85,
        (
            "django/utils/module_loading.py: celery/utils/imports.py: kombu/utils/imports.py: celery/loaders/ "
            "django/apps/config.py: django/core/mail/__init__.py:get_connection django/core/files/storage/"
        ),
        "ImportError ModuleNotFoundError AttributeError",
        6,
    ),
    _frame(
        "parser",
        F.PERMANENT_VALIDATION,
        0.86,
        (
            "_strptime.py: uuid.py:__init__ icalendar/ geopy/point.py: zipfile.py:getinfo "
            "zipfile/__init__.py:getinfo dateutil/ docx/ pptx/ openpyxl/ xlrd/ PIL/ pypdf/ PyPDF2/ pdfminer/ "
            "pandas/io/ pandas/core/tools/ pandas/_libs/ csv.py: json/decoder.py: xml/ lxml/ yaml/ "
            "ipaddress.py: base64.py: binascii email/ urllib/parse.py: gzip.py: tarfile.py: zlib bz2.py: "
            "lzma.py: _compression.py: wave.py: plistlib.py: phonenumbers/ stdnum/ shapely/ geojson/ gpxpy/ "
            "vobject/ ics/ babel/ arrow/ pendulum/ dateparser/ mt940/ ofxparse/ schwifty/ avro/ fastavro/ "
            "google/protobuf/ msgpack/ cbor2/ tomllib/ html5lib/ bs4/ jsonschema/ pydantic/ marshmallow/ odf/ "
            "tablib/ import_export/ fitz/ pymupdf/ imageio/ soundfile pydub/ mutagen/ datetime.py: "
            "_pydatetime.py: decimal extract_msg/ pydicom/ hl7/ rasterio/ fiona/ pyproj/ validators/"
        ),
        "ValueError EOFError KeyError",
        3,
    ),
    _frame(
        "pool_code",
        F.PERMANENT_LOGIC,
        0.85,
        (
            "concurrent/futures/ multiprocessing/ asyncio/ threading.py: django/db/models/ django/forms/ "
            "celery/canvas.py: celery/app/task.py: celery/app/amqp.py: celery/result.py: celery/local.py: "
            "inspect.py: functools.py: django/template/ django/urls/ numpy/ scipy/ sklearn/ torch/ random.py: "
            "statistics.py: heapq.py: itertools matplotlib/ networkx/ enum.py: dataclasses.py: copy.py: "
            "pickle.py: logging/__init__.py:"
        ),
        "ValueError RuntimeError",
        3,
    ),
)


def _family(name: str, says: F, trust: float, *kinds: str) -> FamilyRule:
    return FamilyRule(
        id=f"family.{name}",
        says=says,
        trust=trust,
        retry=False if says is F.EXTERNAL_API_ERROR else None,
        families=frozenset(kinds),
        source="what that kind of library mostly fails on",
    )


FAMILIES: tuple[FamilyRule, ...] = (
    _family("data", F.PERMANENT_VALIDATION, 0.66, fam.DATA),
    _family("settings", F.CONFIG_INVALID_SETTING, 0.72, fam.SETTINGS),
    _family("code", F.PERMANENT_LOGIC, 0.6, fam.CODE, fam.DJANGO),
    _family("broker", F.TRANSIENT_NETWORK, 0.55, fam.BROKER),
    _family("remote", F.EXTERNAL_API_ERROR, 0.5, *fam.REMOTE, fam.MAIL, fam.FTP),
    _family("store", F.PERMANENT_LOGIC, 0.4, fam.STORE),
)
