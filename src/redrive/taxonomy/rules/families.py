"""Which kind of thing a library talks to, by the first parts of its module name.

The kind decides what an otherwise general reason means: a refused connection to our own database is
TRANSIENT_DATABASE, to a broker or a stranger TRANSIENT_NETWORK; a 404 of a search index is a setting.
"""

from __future__ import annotations

from functools import lru_cache

DATABASE = "database"  # SQL servers and files, and their wrappers
STORE = "store"  # document, graph, column, key-value and search servers we run ourselves
BROKER = "broker"
HTTP = "http"
API = "api"  # SDK of a third party, or of an appliance that answers over HTTP
AWS = "aws"
GOOGLE = "google"
AZURE = "azure"
GRPC = "grpc"
MAIL = "mail"
FTP = "ftp"
SSH = "ssh"
SOCKET = "socket"
DJANGO = "django"
CELERY = "celery"
SETTINGS = "settings"  # readers of environment and configuration
DATA = "data"  # parsers and validators of what users send
CODE = "code"  # template engines, numeric and other libraries whose errors are mostly the caller's
RETRY = "retry"  # wrappers that say nothing themselves

OWN_DATA = frozenset({DATABASE, STORE})
REMOTE = frozenset({HTTP, API, AWS, GOOGLE, AZURE, GRPC})

_TABLE: dict[str, str] = {
    DATABASE: (
        "psycopg psycopg2 psycopg_pool psycopg2cffi pg8000 asyncpg postgresql pgdb sqlalchemy MySQLdb _mysql "
        "_mysql_exceptions pymysql mysql aiomysql asyncmy mariadb sqlite3 aiosqlite apsw cx_Oracle oracledb "
        "pyodbc pymssql pytds mssql_python ibm_db ibm_db_dbi hdbcli teradatasql snowflake redshift_connector "
        "duckdb peewee playhouse tortoise pony databases ormar piccolo gino edgedb gel vertica_python trino "
        "prestodb pyhive impala kinterbasdb fdb firebird pysqlcipher3 libsql django.db jaydebeapi turbodbc "
        "phoenixdb asyncodbc sqlmodel"
    ),
    STORE: (
        "redis redis_om rediscluster valkey aioredis coredis fakeredis django_redis django_valkey pymongo "
        "motor mongoengine beanie odmantic pymodm bson gridfs cassandra acsylla scylla clickhouse_driver "
        "clickhouse_connect aiochclient asynch neo4j py2neo neomodel influxdb influxdb_client influxdb3 "
        "elasticsearch elasticsearch_dsl elastic_transport elasticsearch7 elasticsearch8 opensearchpy "
        "opensearch_py meilisearch meilisearch_python_sdk qdrant_client weaviate pymilvus chromadb typesense "
        "pysolr solrq whoosh couchdb couchdb3 ibmcloudant couchbase arango pyArango rethinkdb aerospike "
        "tarantool asynctnt memcache pymemcache pylibmc bmemcached aiomcache riak happybase thriftpy2_hbase "
        "surrealdb questdb tdengine taos pyignite hazelcast leveldb plyvel rocksdb lmdb etcd3 etcd kazoo "
        "orientdb pyorient dgraph pydgraph nebula3 gremlin_python lancedb vespa pgvector haystack.exceptions "
        "django_elasticsearch_dsl zodb ZODB tinydb diskcache cachetools filelock kvrocks tikv_client"
    ),
    BROKER: (
        "kombu amqp pika aio_pika aiormq librabbitmq pyamqp rabbitpy puka kafka aiokafka confluent_kafka "
        "cimpl pykafka faust nats stan pulsar _pulsar stomp proton qpid paho aiomqtt asyncio_mqtt gmqtt zmq "
        "pynsq nsq gnsq greenstalk pystalk beanstalkc solace pymqi ibmmq"
    ),
    HTTP: (
        "requests urllib3 httpx httpx2 httpcore httpcore2 aiohttp http httplib httplib2 urllib pycurl "
        "curl_cffi niquests tornado treq geventhttpclient requests_toolbelt h11 h2 hpack hyper websockets "
        "websocket wsproto requests_oauthlib uplink hyperx fsspec grequests primp tls_client pyhttpx "
        "cloudscraper aiohttp_retry aiohttp_socks socks python_socks sockshandler werkzeug xmlrpc zeep suds "
        "osa pysimplesoap gql graphql_client sgqlc python_graphql_client playwright selenium pyppeteer "
        "splinter scrapy twisted mechanize"
    ),
    AWS: ("botocore boto3 boto aiobotocore s3transfer aioboto3 moto s3fs"),
    GOOGLE: (
        "google googleapiclient gspread gcloud gcsfs oauth2client pygsheets firebase_admin "
        "google_auth_oauthlib google_auth_httplib2 vertexai gspread_asyncio"
    ),
    AZURE: ("azure msal msrest msrestazure adal O365 msgraph kiota_abstractions adlfs"),
    GRPC: ("grpc grpclib grpc_status"),
    API: (
        "openai anthropic cohere mistralai groq replicate together huggingface_hub transformers langchain "
        "langchain_core langchain_openai litellm ollama deepl stripe braintree paypalrestsdk "
        "paypalcheckoutsdk paypalhttp square squareup adyen Adyen mollie razorpay gocardless_pro plaid "
        "dwollav2 coinbase ccxt binance alpaca_trade_api twilio sendgrid python_http_client mailgun "
        "postmarker sparkpost mailchimp_marketing mailchimp_transactional mailjet_rest resend brevo_python "
        "sib_api_v3_sdk anymail vonage nexmo messagebird plivo telnyx infobip clicksend slack_sdk slack "
        "slackclient slacker slack_bolt discord nextcord disnake hikari telegram telethon pyrogram aiogram "
        "telebot tweepy twitter praw asyncpraw prawcore facebook facebook_business instagrapi linkedin "
        "github github3 ghapi githubkit gitlab gidgethub atlassian jira bitbucket pyairtable airtable "
        "notion_client hubspot simple_salesforce salesforce_bulk shopify pyactiveresource zenpy intercom "
        "freshdesk asana trello todoist pipedrive mixpanel segment amplitude algoliasearch cloudflare "
        "CloudFlare digitalocean linode_api4 hcloud openstack keystoneauth1 novaclient keystoneclient "
        "swiftclient glanceclient libcloud hvac consul consulate docker podman kubernetes kubernetes_asyncio "
        "openshift kr8s pykube lightkube nomad proxmoxer ansible_runner boxsdk dropbox minio b2sdk b2 "
        "cloudinary imgix pusher ably pyfcm aioapns apns2 exponent_server_sdk pywebpush pushbullet "
        "onesignal_sdk geopy googlemaps herepy mapbox okta auth0 onelogin keycloak fastapi_cloud sentry_sdk "
        "rollbar datadog datadog_api_client newrelic pagerduty pdpyras opsgenie_sdk opsgenie grafana_api "
        "prometheus_api_client wandb mlflow pinecone assemblyai deepgram elevenlabs docusign_esign hellosign "
        "quickbooks intuitlib xero_python netsuite_sdk woocommerce magento ebaysdk mws sp_api amadeus "
        "easypost shippo fedex ups zoomus zoomapi webexteamssdk caldav exchangelib nylas pynetbox netmiko "
        "napalm ncclient pysnmp easysnmp pyVmomi vmware tableauserverclient looker_sdk dbt databricks "
        "pyspark.errors.exceptions.connect dataikuapi kaggle wikipedia pywikibot youtube_dl yt_dlp pytube "
        "spotipy feedparser newspaper scrapinghub apify_client serpapi captcha nova ovh transip transifex "
        "weblate crowdin pyicloud pysaml2 saml2 onelogin_saml2 ldap3 ldap python_freeipa bonsai fints "
        "stellar_sdk web3 solana eth_utils requests_cache workos supabase postgrest gotrue storage3 appwrite "
        "pocketbase directus meta uipath signalwire bandwidth sinch yookassa iyzipay mercadopago paystackapi "
        "flutterwave midtransclient xendit ibm_cloud_sdk_core tencentcloud aliyunsdkcore "
        "alibabacloud_tea_openapi Tea oss2 qiniu qcloud_cos huaweicloudsdkcore baidubce linebot wechatpy "
        "alipay weixin viberbot matrix_client nio rocketchat_API mattermostdriver zulip gitea O365 "
        "airflow.providers.http mastodon atproto bsky"
    ),
    MAIL: (
        "smtplib aiosmtplib imaplib poplib imapclient exchangelib.errors redmail yagmail django.core.mail "
        "imap_tools aioimaplib email_validator.exceptions_types envelopes"
    ),
    FTP: ("ftplib aioftp ftputil ftpretty smb smbclient smbprotocol impacket webdav3 webdav4 easywebdav"),
    SSH: ("paramiko asyncssh fabric scp pysftp sshtunnel ssh2 pssh pexpect ptyprocess"),
    SOCKET: ("socket ssl select asyncio dns aiodns"),
    CELERY: (
        "celery billiard django_celery_beat django_celery_results rq dramatiq huey arq procrastinate redbeat "
        "flower airflow prefect dagster luigi taskiq apscheduler"
    ),
    SETTINGS: (
        "decouple environ environs dynaconf pydantic_settings configparser dotenv configobj everett "
        "prettyconf goodconf configurations hydra omegaconf starlette.config cbor_config confuse "
        "split_settings"
    ),
    DATA: (
        "json simplejson orjson ujson rapidjson csv xml lxml defusedxml yaml ruamel toml tomllib tomli "
        "tomlkit zipfile tarfile gzip bz2 lzma zlib zstandard py7zr rarfile patoolib PIL wand cv2 imageio "
        "pillow_heif rawpy pypdf PyPDF2 PyPDF4 pikepdf pdfminer pdfplumber fitz pymupdf pdf2image ocrmypdf "
        "reportlab openpyxl xlrd xlsxwriter pyxlsb odf docx pptx mammoth tablib import_export pandas polars "
        "numpy pyarrow fastparquet fastavro avro pydantic pydantic_core marshmallow jsonschema "
        "fastjsonschema cerberus voluptuous schematics schema colander cattrs trafaret valideer "
        "rest_framework.exceptions wtforms formencode deform phonenumbers phonenumber_field stdnum vobject "
        "icalendar ics dateutil dateparser arrow pendulum pytz babel money moneyed email_validator "
        "validators ebcdic chardet html5lib bs4 pyquery markdown docutils bleach nh3 msgpack umsgpack cbor2 "
        "bson.errors ubjson thrift capnp flatbuffers protobuf xmlschema xmltodict feedgen mutagen eyed3 "
        "tinytag ffmpeg moviepy pydub soundfile librosa audioread imagehash pyzbar qrcode barcode ofxparse "
        "mt940 schwifty shapely fiona geopandas rasterio pyproj osgeo geojson gpxpy fitparse dbf ijson "
        "jsonpath_ng jmespath hl7 pydicom astropy h5py netCDF4 xarray tables extract_msg mailparser "
        "eml_parser email binascii unicodedata uuid ipaddress decimal fractions plistlib quopri struct "
        "codecs encodings tokenize ast sqlparse sqlglot itsdangerous jwt jose authlib oauthlib cryptography "
        "Crypto Cryptodome nacl gnupg pgpy OpenSSL passlib bcrypt argon2 josepy jwcrypto joserfc pyasn1 "
        "asn1crypto asn1tools construct kaitaistruct pyexcel odfpy msoffcrypto olefile "
        "vcfpy obspy segyio ezdxf svglib cairosvg trimesh nibabel SimpleITK pynmea2 dpkt scapy"
    ),
    RETRY: ("tenacity backoff retrying stamina retry opnieuw"),
    CODE: (
        "jinja2 mako django.template chameleon genshi pystache liquid scipy sklearn torch tensorflow keras "
        "jax xgboost lightgbm catboost statsmodels sympy networkx numba dask ray joblib multiprocess "
        "concurrent multiprocessing pickle attr cloudpickle dill copyreg attrs dataclasses enum typing inspect "
        "importlib zope pluggy"
    ),
    DJANGO: (
        "django rest_framework allauth channels guardian mptt treebeard polymorphic wagtail oscar ninja"
    ),
}


SAME_CLASSES_AS: dict[str, str] = {
    fork: name
    for name, forks in {
        "redis": "valkey aioredis coredis rediscluster fakeredis",
        "httpx": "httpx2",
        "httpcore": "httpcore2",
        "pypdf": "PyPDF2 PyPDF4",
        "fitz": "pymupdf",
        "duckdb": "_duckdb",
        "elasticsearch": "elasticsearch7 elasticsearch8 opensearchpy",
        "kafka": "aiokafka",
        "yt_dlp": "youtube_dl",
        "docx": "pptx",
        "pytz": "pytz_deprecation_shim",
        "requests": "niquests",
    }.items()
    for fork in forks.split()
}
"""Forks and successors that kept the class names of a library: its rules are theirs."""


def _index() -> dict[str, str]:
    index: dict[str, str] = {}
    for kind, names in _TABLE.items():
        for name in names.split():
            index.setdefault(name, kind)
    return index


_BY_PREFIX = _index()


@lru_cache(maxsize=1024)
def family_of_module(module: str) -> str:
    """The kind of the library ``module`` belongs to, by its longest known prefix of up to three parts; else ``""``."""
    parts = module.split(".", 3)
    for length in (3, 2, 1):
        kind = _BY_PREFIX.get(".".join(parts[:length]))
        if kind is not None:
            return kind
    return ""
