"""Exception classes of third-party libraries whose names alone do not say enough, or say the wrong thing."""

from __future__ import annotations

from redrive.taxonomy.rules.rule import ClassRule, one_of
from redrive.taxonomy.types import FailureType as F


def _of(
    library: str, source: str, rows: tuple[tuple[str, F, float, bool | None, str], ...], *, wrapper: bool = False
) -> tuple[ClassRule, ...]:
    return tuple(
        ClassRule(
            id=f"class.{library}.{name}",
            names=tuple(name_ if ":" in name_ or "." in name_ else f"{library}:{name_}" for name_ in one_of(names)),
            says=says,
            trust=trust,
            retry=retry,
            source=source,
            wrapper=wrapper,
        )
        for name, says, trust, retry, names in rows
    )


REDIS = _of("redis", "redis-py exceptions.py", (
    ("unavailable", F.TRANSIENT_DATABASE, 0.93, None,
     "ConnectionError TimeoutError BusyLoadingError ReadOnlyError ClusterDownError ClusterError MasterDownError TryAgainError "
     "MasterNotFoundError SlaveNotFoundError RedisClusterException LockError LockNotOwnedError MaxConnectionsError "
     "AskError MovedError"),
    ("memory", F.SYSTEM_OUT_OF_MEMORY, 0.96, None, "OutOfMemoryError"),
    ("credentials", F.CONFIG_INVALID_SETTING, 0.94, None, "AuthenticationError AuthenticationWrongNumberOfArgsError"),
    ("permission", F.PERMANENT_PERMISSION, 0.95, None, "NoPermissionError AuthorizationError"),
    ("misuse", F.PERMANENT_LOGIC, 0.9, None,
     "DataError PubSubError NoScriptError ExecAbortError ModuleError ChildDeadlockedError CrossSlotTransactionError"),
    ("watch", F.TRANSIENT_DATABASE, 0.85, None, "WatchError"),
    ("answer", F.PERMANENT_LOGIC, 0.6, None, "ResponseError InvalidResponse"),
    ("other", F.TRANSIENT_DATABASE, 0.5, None, "RedisError"),
))  # fmt: skip

DJANGO_REDIS = _of("django_redis", "django-redis exceptions.py", (
    ("interrupted", F.TRANSIENT_DATABASE, 0.88, None, "ConnectionInterrupted"),
))  # fmt: skip

PYMONGO = _of("pymongo", "pymongo errors.py", (
    ("unavailable", F.TRANSIENT_DATABASE, 0.94, None,
     "ConnectionFailure AutoReconnect NetworkTimeout NotPrimaryError NotMasterError ServerSelectionTimeoutError ExecutionTimeout "
     "WTimeoutError CursorNotFound WaitQueueTimeoutError WriteConcernError ExceededMaxWaiters"),
    ("invalid", F.PERMANENT_VALIDATION, 0.9, None,
     "DuplicateKeyError BulkWriteError WriteError DocumentTooLarge bson.errors.InvalidId bson.errors.InvalidDocument "
     "bson.errors.InvalidBSON bson.errors.InvalidStringData"),
    ("settings", F.CONFIG_INVALID_SETTING, 0.93, None, "ConfigurationError InvalidURI InvalidName"),
    ("misuse", F.PERMANENT_LOGIC, 0.88, None, "InvalidOperation CollectionInvalid ProtocolError"),
    ("operation", F.PERMANENT_LOGIC, 0.55, None, "OperationFailure"),
))  # fmt: skip

STORES = _of("stores", "the drivers' exception hierarchies", (
    ("cassandra", F.TRANSIENT_DATABASE, 0.93, None,
     "cassandra:NoHostAvailable cassandra:OperationTimedOut cassandra:Unavailable cassandra:ReadTimeout cassandra:WriteTimeout "
     "cassandra:ReadFailure cassandra:WriteFailure cassandra:CoordinationFailure cassandra:RequestExecutionException "
     "cassandra:ConnectionException cassandra:ConnectionBusy cassandra:ConnectionShutdown cassandra:Timeout "
     "cassandra:OverloadedErrorMessage cassandra:IsBootstrappingErrorMessage cassandra:CASWriteUnknown cassandra:NoConnectionsAvailable"),
    ("cassandra_auth", F.CONFIG_INVALID_SETTING, 0.94, None, "cassandra:AuthenticationFailed cassandra:UnresolvableContactPoints"),
    ("cassandra_rights", F.PERMANENT_PERMISSION, 0.94, None, "cassandra:Unauthorized"),
    ("cassandra_request", F.PERMANENT_LOGIC, 0.8, None, "cassandra:InvalidRequest cassandra:AlreadyExists cassandra:UserFunctionException"),
    ("neo4j", F.TRANSIENT_DATABASE, 0.94, None,
     "neo4j:ServiceUnavailable neo4j:SessionExpired neo4j:TransientError neo4j:DatabaseUnavailable neo4j:NotALeader "
     "neo4j:ForbiddenOnReadOnlyDatabase neo4j:ReadServiceUnavailable neo4j:WriteServiceUnavailable neo4j:IncompleteCommit "
     "neo4j:ConnectionAcquisitionTimeoutError"),
    ("neo4j_auth", F.CONFIG_INVALID_SETTING, 0.94, None, "neo4j:AuthError neo4j:ConfigurationError neo4j:AuthConfigurationError"),
    ("neo4j_rights", F.PERMANENT_PERMISSION, 0.93, None, "neo4j:Forbidden"),
    ("neo4j_constraint", F.PERMANENT_VALIDATION, 0.93, None, "neo4j:ConstraintError"),
    ("neo4j_query", F.PERMANENT_LOGIC, 0.88, None, "neo4j:CypherSyntaxError neo4j:CypherTypeError neo4j:ClientError neo4j:TransactionError"),
    ("memcache", F.TRANSIENT_DATABASE, 0.85, None,
     "pymemcache:MemcacheServerError pymemcache:MemcacheUnexpectedCloseError pylibmc:Error pymemcache:MemcacheError "
     "pymemcache:MemcacheUnknownError"),
    ("memcache_input", F.PERMANENT_LOGIC, 0.85, None, "pymemcache:MemcacheIllegalInputError pymemcache:MemcacheClientError pylibmc:TooBig"),
    ("search", F.TRANSIENT_DATABASE, 0.93, None,
     "elasticsearch:ConnectionError elasticsearch:ConnectionTimeout elastic_transport:ConnectionError "
     "elastic_transport:ConnectionTimeout elastic_transport:TransportError opensearchpy:ConnectionError "
     "opensearchpy:ConnectionTimeout meilisearch:MeilisearchTimeoutError "
     "meilisearch:MeilisearchCommunicationError couchbase:TimeoutException couchbase:UnAmbiguousTimeoutException "
     "couchbase:AmbiguousTimeoutException couchbase:ServiceUnavailableException influxdb:InfluxDBServerError "
     "qdrant_client:ResponseHandlingException aerospike:TimeoutError aerospike:ClusterError "
     "pymilvus:MilvusUnavailableException arango:ServerConnectionError "
     "typesense:ServiceUnavailable typesense:ServerError etcd3:ConnectionFailedError etcd3:ConnectionTimeoutError "
     "clickhouse_driver:NetworkError clickhouse_driver:SocketTimeoutError "
     "weaviate:WeaviateConnectionError weaviate:WeaviateTimeoutError weaviate:WeaviateStartUpError happybase:NoConnectionsAvailable"),
    ("search_serial", F.PERMANENT_LOGIC, 0.88, None, "elasticsearch:SerializationError elastic_transport:SerializationError"),
    ("search_product", F.CONFIG_INVALID_SETTING, 0.85, None, "elasticsearch:UnsupportedProductError"),
    ("search_bulk", F.PERMANENT_VALIDATION, 0.8, None, "elasticsearch:BulkIndexError opensearchpy:BulkIndexError"),
    ("file_lock", F.TRANSIENT_DATABASE, 0.7, None, "filelock:Timeout"),
    ("zookeeper", F.TRANSIENT_NETWORK, 0.8, None,
     "kazoo:ConnectionLoss kazoo:SessionExpiredError kazoo:ConnectionClosedError kazoo:OperationTimeoutError kazoo:KazooTimeoutError "
     "kazoo.handlers.threading.KazooTimeoutError"),
    ("document_odm", F.PERMANENT_VALIDATION, 0.92, None,
     "mongoengine:ValidationError mongoengine:NotUniqueError"),
    ("lmdb_full", F.SYSTEM_DISK_FULL, 0.85, None, "lmdb:MapFullError lmdb:DiskError"),
))  # fmt: skip

BROKERS = _of("brokers", "amqp, pika, Kafka, NATS and Pulsar client exception hierarchies", (
    ("amqp_connection", F.TRANSIENT_NETWORK, 0.88, None,
     "amqp:ConnectionError amqp:RecoverableConnectionError amqp:ConnectionForced amqp:RecoverableChannelError "
     "amqp:ConsumerCancelled amqp:ResourceError amqp:MessageNacked amqp:AMQPError amqp:IrrecoverableConnectionError"),
    ("amqp_config", F.CONFIG_INVALID_SETTING, 0.88, None,
     "amqp:AccessRefused amqp:NotAllowed amqp:NotFound amqp:PreconditionFailed amqp:InvalidPath amqp:NoConsumers"),
    ("amqp_logic", F.PERMANENT_LOGIC, 0.85, None,
     "amqp:FrameSyntaxError amqp:AMQPNotImplementedError amqp:UnexpectedFrame amqp:InvalidCommand amqp:ChannelNotOpen"),
    ("pika_connection", F.TRANSIENT_NETWORK, 0.93, None,
     "pika:AMQPConnectionError pika:StreamLostError pika:ConnectionClosed pika:ConnectionClosedByBroker pika:ConnectionOpenAborted "
     "pika:IncompatibleProtocolError pika:AMQPHeartbeatTimeout pika:ConnectionBlockedTimeout pika:ConnectionWrongStateError "
     "pika:ChannelClosed pika:ChannelWrongStateError pika:ChannelClosedByBroker pika:UnroutableError pika:NackError "
     "aio_pika:CONNECTION_EXCEPTIONS aiormq:AMQPConnectionError pika:AMQPError aio_pika:AMQPError aiormq:AMQPError"),
    ("pika_auth", F.CONFIG_INVALID_SETTING, 0.95, None,
     "pika:ProbableAuthenticationError pika:ProbableAccessDeniedError pika:AuthenticationError"),
    ("kafka_connection", F.TRANSIENT_NETWORK, 0.9, None,
     "kafka:NoBrokersAvailable kafka:KafkaConnectionError kafka:KafkaTimeoutError kafka:NodeNotReadyError kafka:BrokerNotAvailableError "
     "kafka:LeaderNotAvailableError kafka:NotLeaderForPartitionError kafka:RequestTimedOutError kafka:CoordinatorNotAvailableError "
     "kafka:RebalanceInProgressError kafka:CommitFailedError kafka:RetriableError kafka:Cancelled kafka:StaleMetadata "
     "aiokafka:KafkaConnectionError aiokafka:KafkaTimeoutError aiokafka:RequestTimedOutError kafka:KafkaUnavailableError "
     "kafka:NotLeaderOrFollowerError kafka:GroupLoadInProgressError kafka:NotCoordinatorForGroupError aiokafka:KafkaError kafka:KafkaError "
     "confluent_kafka:KafkaException cimpl.KafkaException confluent_kafka:ConsumeError confluent_kafka:ProduceError"),
    ("kafka_config", F.CONFIG_INVALID_SETTING, 0.9, None,
     "kafka:KafkaConfigurationError kafka:SaslAuthenticationFailedError kafka:UnknownTopicOrPartitionError "
     "kafka:UnsupportedSaslMechanismError kafka:InvalidTopicError kafka:UnrecognizedBrokerVersion kafka:AuthenticationFailedError"),
    ("kafka_rights", F.PERMANENT_PERMISSION, 0.93, None,
     "kafka:TopicAuthorizationFailedError kafka:GroupAuthorizationFailedError kafka:ClusterAuthorizationFailedError"),
    ("kafka_input", F.PERMANENT_VALIDATION, 0.92, None, "kafka:MessageSizeTooLargeError kafka:InvalidMessageError"),
    ("nats", F.TRANSIENT_NETWORK, 0.9, None,
     "nats:NoServersError nats:ConnectionClosedError nats:StaleConnectionError nats:TimeoutError nats:NoRespondersError nats:Error "
     "nats:OutboundBufferLimitError nats:UnexpectedEOF pulsar:ConnectError pulsar:Timeout pulsar:NotConnected pulsar:ServiceUnitNotReady "
     "_pulsar.ConnectError _pulsar.Timeout _pulsar.NotConnected stomp:ConnectFailedException stomp:NotConnectedException "
     "paho:WebsocketConnectionError aiomqtt:MqttError zmq:Again zmq:ZMQError"),
    ("nats_auth", F.CONFIG_INVALID_SETTING, 0.92, None, "nats:AuthorizationError pulsar:AuthenticationError _pulsar.AuthenticationError"),
    ("nats_input", F.PERMANENT_VALIDATION, 0.9, None, "nats:MaxPayloadError"),
))  # fmt: skip

HTTP = _of("http_clients", "requests, urllib3, httpx, aiohttp, websockets, tornado, pycurl documentation", (
    ("timeout", F.EXTERNAL_TIMEOUT, 0.94, None,
     "requests:Timeout requests:ConnectTimeout requests:ReadTimeout urllib3:ConnectTimeoutError urllib3:ReadTimeoutError "
     "urllib3:TimeoutError httpx:TimeoutException httpcore:TimeoutException httpcore2:TimeoutException httpx2:TimeoutException "
     "httpcore:ReadTimeout httpcore2:ReadTimeout httpx2:ReadTimeout httpcore:ConnectTimeout "
     "aiohttp:ServerTimeoutError aiohttp:ConnectionTimeoutError aiohttp:SocketTimeoutError tornado:HTTPTimeoutError "
     "websocket:WebSocketTimeoutException"),
    ("pool", F.PERMANENT_LOGIC, 0.6, True, "urllib3:EmptyPoolError urllib3:FullPoolError"),
    ("pool_timeout", F.EXTERNAL_TIMEOUT, 0.75, None, "httpx:PoolTimeout httpcore:PoolTimeout httpx2:PoolTimeout"),
    ("broken", F.TRANSIENT_NETWORK, 0.92, None,
     "requests:ConnectionError requests:ChunkedEncodingError urllib3:ProtocolError "
     "urllib3:NewConnectionError urllib3:NameResolutionError urllib3:IncompleteRead "
     "httpx:ConnectError httpx:ReadError httpx:WriteError httpx:CloseError httpx:NetworkError httpx:RemoteProtocolError "
     "httpx:TransportError httpx2:TransportError httpx2:NetworkError httpcore:NetworkError httpcore:ConnectError "
     "httpcore:RemoteProtocolError httpcore:ReadError httpcore2:NetworkError aiohttp:ClientConnectionError "
     "aiohttp:ClientConnectorError aiohttp:ServerDisconnectedError aiohttp:ClientOSError aiohttp:ClientPayloadError "
     "aiohttp:ServerConnectionError aiohttp:ClientConnectionResetError aiohttp:ClientConnectorDNSError "
     "websockets:ConnectionClosed websockets:ConnectionClosedError websockets:ConnectionClosedOK "
     "websocket:WebSocketConnectionClosedException websocket:WebSocketException websocket:WebSocketAddressException "
     "h11:RemoteProtocolError h2:ConnectionClosed tornado:StreamClosedError httplib2:ServerNotFoundError twisted:ConnectionLost "
     "twisted:ConnectionDone twisted:ConnectError twisted:ConnectionRefusedError twisted:DNSLookupError "
     "twisted:ResponseNeverReceived twisted:ResponseFailed anyio:BrokenResourceError anyio:EndOfStream "
     "anyio:ClosedResourceError trio:BrokenResourceError dns:DNSException dns:NXDOMAIN dns:NoNameservers dns:NoAnswer "
     "aiodns:DNSError python_socks:ProxyError socks:ProxyError socks:GeneralProxyError socks:SOCKS5Error tornado:HTTPStreamClosedError"),
    ("proxy", F.TRANSIENT_NETWORK, 0.8, None, "requests:ProxyError urllib3:ProxyError httpx:ProxyError aiohttp:ClientProxyConnectionError aiohttp:ClientHttpProxyError"),
    ("tls", F.TRANSIENT_NETWORK, 0.72, None,
     "requests:SSLError urllib3:SSLError aiohttp:ClientConnectorSSLError aiohttp:ClientSSLError"),
    ("tls_certificate", F.CONFIG_INVALID_SETTING, 0.75, None, "aiohttp:ClientConnectorCertificateError"),
    ("handshake", F.EXTERNAL_API_ERROR, 0.7, None, "websockets:InvalidHandshake websockets:InvalidStatusCode websockets:InvalidStatus websocket:WebSocketBadStatusException"),
    ("url", F.PERMANENT_VALIDATION, 0.82, None,
     "requests:MissingSchema requests:InvalidURL requests:InvalidSchema requests:URLRequired urllib3:LocationParseError urllib3:LocationValueError "
     "httpx:InvalidURL aiohttp:InvalidURL aiohttp:NonHttpUrlClientError "
     "websockets:InvalidURI urllib3:URLSchemeUnknown aiohttp:InvalidUrlClientError httplib2:RelativeURIError"),
    ("invalid_header", F.PERMANENT_LOGIC, 0.88, None,
     "requests:InvalidHeader requests:UnrewindableBodyError requests:StreamConsumedError httpx:StreamError httpx:CookieConflict "
     "httpx:LocalProtocolError httpcore:LocalProtocolError h11:LocalProtocolError httpx:ResponseNotRead "
     "httpx:StreamConsumed"),
    ("proxy_url", F.CONFIG_INVALID_SETTING, 0.93, None, "httpx:UnsupportedProtocol httpcore:UnsupportedProtocol requests:InvalidProxyURL urllib3:ProxySchemeUnknown"),
    ("redirects", F.PERMANENT_VALIDATION, 0.85, None, "requests:TooManyRedirects httpx:TooManyRedirects aiohttp:TooManyRedirects"),
    ("content", F.EXTERNAL_API_ERROR, 0.72, None,
     "aiohttp:ContentTypeError requests:ContentDecodingError httpx:DecodingError urllib3:DecodeError"),
    ("not_json", F.EXTERNAL_API_ERROR, 0.9, True, "requests:JSONDecodeError"),
    ("status", F.EXTERNAL_API_ERROR, 0.55, None,
     "requests:HTTPError httpx:HTTPStatusError aiohttp:ClientResponseError urllib.error.HTTPError tornado:HTTPClientError tornado:HTTPError "
     "werkzeug:HTTPException urllib3:HTTPError"),
    ("any", F.EXTERNAL_API_ERROR, 0.45, None, "requests:RequestException httpx:HTTPError httpx:RequestError aiohttp:ClientError httplib2:HttpLib2Error"),
    ("soap", F.EXTERNAL_API_ERROR, 0.72, False, "zeep:Fault zeep:TransportError suds:WebFault xmlrpc:Fault xmlrpc:ProtocolError"),
    ("soap_input", F.PERMANENT_LOGIC, 0.75, None, "zeep:LookupError zeep:ValidationError suds:TypeNotFound suds:MethodNotFound"),
    ("browser", F.EXTERNAL_API_ERROR, 0.5, None, "selenium:WebDriverException playwright:Error"),
    ("browser_timeout", F.EXTERNAL_TIMEOUT, 0.92, None, "selenium:TimeoutException playwright:TimeoutError pyppeteer:TimeoutError"),
    ("browser_element", F.PERMANENT_NOT_FOUND, 0.6, None, "selenium:NoSuchElementException"),
    ("browser_logic", F.PERMANENT_LOGIC, 0.75, None,
     "selenium:StaleElementReferenceException selenium:InvalidSelectorException selenium:ElementNotInteractableException"),
    ("browser_driver", F.CONFIG_MISSING_SERVICE, 0.88, None, "selenium:NoSuchDriverException selenium:SessionNotCreatedException"),
))  # fmt: skip

CLOUD = _of("cloud", "botocore, Google, Azure, MSAL client exception hierarchies", (
    ("aws_timeout", F.EXTERNAL_TIMEOUT, 0.95, None,
     "botocore:ReadTimeoutError botocore:ConnectTimeoutError"),
    ("aws_network", F.TRANSIENT_NETWORK, 0.94, None,
     "botocore:EndpointConnectionError botocore:ConnectionClosedError botocore:HTTPClientError botocore:ConnectionError "
     "botocore:ResponseStreamingError botocore:IncompleteReadError botocore:ProxyConnectionError boto3:RetriesExceededError"),
    ("aws_missing", F.CONFIG_MISSING_SETTING, 0.94, None,
     "botocore:NoCredentialsError botocore:NoRegionError botocore:PartialCredentialsError botocore:NoAuthTokenError "
     "boto:NoAuthHandlerFound"),
    ("aws_bad", F.CONFIG_INVALID_SETTING, 0.93, None,
     "botocore:ProfileNotFound botocore:ConfigNotFound botocore:ConfigParseError botocore:InvalidEndpointConfigurationError "
     "botocore:UnknownServiceError botocore:InvalidRegionError botocore:CredentialRetrievalError botocore:InvalidConfigError "
     "botocore:UnauthorizedSSOTokenError botocore:SSOTokenLoadError botocore:TokenRetrievalError botocore:UnknownEndpointError "
     "botocore:InfiniteLoopConfigError botocore:RefreshWithMFAUnsupportedError botocore:InvalidDefaultsMode botocore:InvalidRetryConfigurationError "
     "botocore:MetadataRetrievalError"),
    ("aws_dependency", F.CONFIG_MISSING_SERVICE, 0.93, None, "botocore:MissingDependencyException botocore:DataNotFoundError"),
    ("aws_misuse", F.PERMANENT_LOGIC, 0.92, None,
     "botocore:ParamValidationError botocore:OperationNotPageableError botocore:UnknownKeyError botocore:UndefinedModelAttributeError "
     "botocore:UnsupportedSignatureVersionError boto3:ResourceNotExistsError boto3:DynamoDBNeedsConditionError botocore:PaginationError "
     "botocore:MissingParametersError botocore:UnknownClientMethodError"),
    ("aws_waiter", F.EXTERNAL_TIMEOUT, 0.7, None, "botocore:WaiterError"),
    ("aws_s3_upload", F.EXTERNAL_API_ERROR, 0.5, None, "boto3:S3UploadFailedError botocore:ClientError", ),
    ("aws_stream", F.TRANSIENT_NETWORK, 0.75, None, "botocore:ChecksumMismatch botocore:FlexibleChecksumError botocore:EventStreamError"),
    ("google_missing", F.CONFIG_MISSING_SETTING, 0.85, None, "google:DefaultCredentialsError oauth2client:ApplicationDefaultCredentialsError"),
    ("google_malformed", F.CONFIG_INVALID_SETTING, 0.93, None, "google:MalformedError google:OAuthError oauth2client:HttpAccessTokenRefreshError"),
    ("google_refresh", F.CONFIG_INVALID_SETTING, 0.8, None, "google:RefreshError google:InvalidOperation google:InvalidValue"),
    ("google_transport", F.TRANSIENT_NETWORK, 0.88, None, "google:TransportError google:ConnectionError google.auth:TransportError"),
    ("google_timeout", F.EXTERNAL_TIMEOUT, 0.94, None, "google:DeadlineExceeded google:GatewayTimeout"),
    ("google_sheet", F.PERMANENT_NOT_FOUND, 0.85, None, "gspread:SpreadsheetNotFound"),
    ("google_worksheet", F.PERMANENT_VALIDATION, 0.7, None, "gspread:WorksheetNotFound"),
    ("azure_down", F.TRANSIENT_NETWORK, 0.9, None,
     "azure:ServiceRequestError azure:ServiceResponseError azure:IncompleteReadError azure:StreamClosedError "
     "azure:AMQPConnectionError azure:ConnectionLostError azure:ServiceBusConnectionError azure:ServiceBusCommunicationError"),
    ("azure_timeout", F.EXTERNAL_TIMEOUT, 0.94, None,
     "azure:ServiceRequestTimeoutError azure:ServiceResponseTimeoutError azure:OperationTimeoutError azure:CosmosClientTimeoutError"),
    ("azure_auth", F.CONFIG_INVALID_SETTING, 0.92, None, "azure:ClientAuthenticationError msal:MsalServiceError adal:AdalError azure:ServiceBusAuthenticationError"),
    ("azure_no_credential", F.CONFIG_MISSING_SETTING, 0.88, None, "azure:CredentialUnavailableError"),
    ("azure_exists", F.PERMANENT_VALIDATION, 0.92, None, "azure:ResourceExistsError azure:ResourceModifiedError azure:ResourceNotModifiedError azure:MessageSizeExceededError"),
    ("azure_missing", F.PERMANENT_NOT_FOUND, 0.86, None, "azure:ResourceNotFoundError azure:MessageAlreadySettled azure:MessageNotFoundError"),
    ("azure_lock", F.TRANSIENT_DATABASE, 0.5, None, "azure:MessageLockLostError azure:SessionLockLostError"),
    ("azure_throttled", F.TRANSIENT_RATE_LIMIT, 0.93, None, "azure:ServiceBusServerBusyError"),
    ("azure_decode", F.EXTERNAL_API_ERROR, 0.75, None, "azure:DecodeError azure:ODataV4Error"),
))  # fmt: skip

SERVICES = _of("services", "the SDKs' own exception hierarchies", (
    ("api_timeout", F.EXTERNAL_TIMEOUT, 0.95, None,
     "openai:APITimeoutError openai:Timeout anthropic:APITimeoutError "
     "geopy:GeocoderTimedOut telethon:TimedOutError telegram:TimedOut googlemaps:Timeout"),
    ("api_connection", F.TRANSIENT_NETWORK, 0.88, None,
     "openai:APIConnectionError anthropic:APIConnectionError stripe:APIConnectionError telegram:NetworkError geopy:GeocoderUnavailable "
     "googlemaps:TransportError algoliasearch:AlgoliaUnreachableHostException discord:ConnectionClosed "
     "discord:GatewayNotFound praw:RequestException prawcore:RequestException"),
    ("api_status", F.EXTERNAL_API_ERROR, 0.55, None,
     "openai:APIError anthropic:APIError stripe:StripeError stripe:APIError slack_sdk:SlackApiError github:GithubException "
     "gitlab:GitlabError jira:JIRAError twilio:TwilioException python_http_client:HTTPError kubernetes:ApiException "
     "docker:APIError hvac:VaultError dropbox:ApiError dropbox:HttpError tweepy:TweepyException facebook_business:FacebookRequestError "
     "simple_salesforce:SalesforceError geopy:GeopyError discord:HTTPException telegram:TelegramError telethon:RPCError pyrogram:RPCError "
     "googlemaps:ApiError minio:S3Error algoliasearch:RequestException huggingface_hub:HfHubHTTPError prawcore:ResponseException "
     "cloudflare:APIError notion_client:APIResponseError shopify:ClientError pyactiveresource:ResponseError braintree:BraintreeError "
     "braintree:UnexpectedError atlassian:ApiError"),
    ("openai_server", F.EXTERNAL_API_ERROR, 0.85, True, "openai.error.APIError stripe:APIError openai:InternalServerError anthropic:InternalServerError"),
    ("openai_key", F.CONFIG_MISSING_SETTING, 0.8, None, "openai:OpenAIError anthropic:AnthropicError"),
    ("response_validation", F.EXTERNAL_API_ERROR, 0.8, None, "openai:APIResponseValidationError anthropic:APIResponseValidationError"),
    ("stripe_card", F.PERMANENT_VALIDATION, 0.93, None, "stripe:CardError stripe:InvalidRequestError stripe:IdempotencyError openai:InvalidRequestError openai:LengthFinishReasonError openai:ContentFilterFinishReasonError"),
    ("telegram_request", F.PERMANENT_VALIDATION, 0.8, None, "telegram:BadRequest aiogram:TelegramBadRequest"),
    ("stripe_signature", F.PERMANENT_VALIDATION, 0.75, None, "stripe:SignatureVerificationError"),
    ("telegram_rights", F.PERMANENT_PERMISSION, 0.94, None, "telegram:Forbidden aiogram:TelegramForbiddenError pyrogram:Forbidden"),
    ("telegram_token", F.CONFIG_INVALID_SETTING, 0.93, None, "telegram:InvalidToken aiogram:TelegramUnauthorizedError discord:LoginFailure telethon:AuthKeyError discord:PrivilegedIntentsRequired"),
    ("telegram_migrated", F.PERMANENT_VALIDATION, 0.75, None, "telegram:ChatMigrated aiogram:TelegramMigrateToChat telegram:Conflict"),
    ("braintree_down", F.EXTERNAL_API_DOWN, 0.93, None, "braintree:ServiceUnavailableError braintree:DownForMaintenanceError"),
    ("vault_sealed", F.EXTERNAL_API_DOWN, 0.9, None, "hvac:VaultDown hvac:VaultNotInitialized"),
    ("vault_path", F.CONFIG_INVALID_SETTING, 0.85, None, "hvac:InvalidPath"),
    ("vault_request", F.PERMANENT_VALIDATION, 0.75, None, "hvac:InvalidRequest"),
    ("vault_unauthorized", F.CONFIG_INVALID_SETTING, 0.9, None, "hvac:Unauthorized"),
    ("kube_config", F.CONFIG_INVALID_SETTING, 0.9, None, "kubernetes:ConfigException"),
    ("docker_daemon", F.CONFIG_MISSING_SERVICE, 0.82, None, "docker:DockerException"),
    ("docker_image", F.CONFIG_INVALID_SETTING, 0.93, None, "docker:ImageNotFound docker:InvalidRepository docker:TLSParameterError"),
    ("docker_missing", F.PERMANENT_NOT_FOUND, 0.92, None, "docker:NotFound docker:NullResource"),
    ("docker_build", F.UNKNOWN, 0.55, None, "docker:ContainerError docker:BuildError docker:StreamParseError"),
    ("salesforce_login", F.CONFIG_INVALID_SETTING, 0.92, None, "simple_salesforce:SalesforceAuthenticationFailed simple_salesforce:SalesforceExpiredSession"),
    ("geocoder_quota", F.TRANSIENT_RATE_LIMIT, 0.93, None, "geopy:GeocoderQuotaExceeded geopy:GeocoderRateLimited googlemaps:_OverQueryLimit"),
    ("geocoder_input", F.PERMANENT_VALIDATION, 0.88, None, "geopy:GeocoderQueryError geopy:GeocoderParseError"),
    ("geocoder_auth", F.CONFIG_INVALID_SETTING, 0.9, None, "geopy:GeocoderAuthenticationFailure geopy:ConfigurationError"),
    ("geocoder_rights", F.PERMANENT_PERMISSION, 0.85, None, "geopy:GeocoderInsufficientPrivileges"),
    ("geocoder_down", F.EXTERNAL_API_DOWN, 0.8, None, "geopy:GeocoderServiceError"),
    ("reddit_server", F.EXTERNAL_API_ERROR, 0.82, True, "prawcore:ServerError"),
    ("download", F.EXTERNAL_API_ERROR, 0.5, None, "yt_dlp:DownloadError youtube_dl:DownloadError yt_dlp:ExtractorError"),
    ("ldap_down", F.TRANSIENT_NETWORK, 0.88, None,
     "ldap:SERVER_DOWN ldap:CONNECT_ERROR ldap:UNAVAILABLE ldap:BUSY ldap3:LDAPSocketOpenError ldap3:LDAPSocketReceiveError "
     "ldap3:LDAPSessionTerminatedByServerError ldap3:LDAPSocketSendError ldap3:LDAPSocketCloseError ldap3:LDAPServerPoolExhaustedError"),
    ("ldap_timeout", F.EXTERNAL_TIMEOUT, 0.9, None, "ldap:TIMEOUT ldap:TIMELIMIT_EXCEEDED ldap3:LDAPResponseTimeoutError ldap3:LDAPTimeLimitExceededResult"),
    ("ldap_login", F.CONFIG_INVALID_SETTING, 0.93, None,
     "ldap:INVALID_CREDENTIALS ldap3:LDAPInvalidCredentialsResult ldap3:LDAPBindError ldap:STRONG_AUTH_REQUIRED ldap:INAPPROPRIATE_AUTH"),
    ("ldap_missing", F.PERMANENT_NOT_FOUND, 0.9, None, "ldap:NO_SUCH_OBJECT ldap3:LDAPNoSuchObjectResult"),
    ("ldap_rights", F.PERMANENT_PERMISSION, 0.93, None, "ldap:INSUFFICIENT_ACCESS ldap3:LDAPInsufficientAccessRightsResult"),
    ("ldap_input", F.PERMANENT_VALIDATION, 0.88, None,
     "ldap:INVALID_DN_SYNTAX ldap:ALREADY_EXISTS ldap:OBJECT_CLASS_VIOLATION ldap:CONSTRAINT_VIOLATION ldap:FILTER_ERROR "
     "ldap3:LDAPInvalidDnError ldap3:LDAPEntryAlreadyExistsResult ldap3:LDAPInvalidFilterError ldap3:LDAPObjectClassViolationResult"),
    ("mail_disconnected", F.TRANSIENT_NETWORK, 0.93, None, "smtplib:SMTPServerDisconnected aiosmtplib:SMTPServerDisconnected aiosmtplib:SMTPConnectError imaplib.IMAP4.abort imaplib:abort"),
    ("mail_connect", F.EXTERNAL_API_DOWN, 0.75, None, "smtplib:SMTPConnectError smtplib:SMTPHeloError"),
    ("mail_auth", F.CONFIG_INVALID_SETTING, 0.95, None, "smtplib:SMTPAuthenticationError aiosmtplib:SMTPAuthenticationError imapclient:LoginError"),
    ("mail_sender", F.CONFIG_INVALID_SETTING, 0.78, None, "smtplib:SMTPSenderRefused aiosmtplib:SMTPSenderRefused"),
    ("mail_recipient", F.PERMANENT_VALIDATION, 0.82, None, "smtplib:SMTPRecipientsRefused aiosmtplib:SMTPRecipientsRefused aiosmtplib:SMTPRecipientRefused"),
    ("mail_data", F.PERMANENT_VALIDATION, 0.7, None, "smtplib:SMTPDataError aiosmtplib:SMTPDataError"),
    ("mail_unsupported", F.CONFIG_INVALID_SETTING, 0.85, None, "smtplib:SMTPNotSupportedError aiosmtplib:SMTPNotSupported"),
    ("mail_imap", F.EXTERNAL_API_ERROR, 0.55, None, "imaplib.IMAP4.error imaplib:error poplib:error_proto ftplib:error_perm ftplib:error_temp ftplib:Error ftplib:error_reply ftplib:error_proto"),
    ("mail_timeout", F.EXTERNAL_TIMEOUT, 0.93, None, "aiosmtplib:SMTPTimeoutError aiosmtplib:SMTPConnectTimeoutError aiosmtplib:SMTPReadTimeoutError"),
    ("ssh_auth", F.CONFIG_INVALID_SETTING, 0.95, None,
     "paramiko:AuthenticationException paramiko:BadAuthenticationType paramiko:PasswordRequiredException paramiko:BadHostKeyException "
     "asyncssh:PermissionDenied asyncssh:HostKeyNotVerifiable asyncssh:KeyImportError asyncssh:KeyExchangeFailed "
     "paramiko:UnknownKeyType paramiko:CouldNotCanonicalize"),
    ("ssh_network", F.TRANSIENT_NETWORK, 0.88, None,
     "paramiko:NoValidConnectionsError asyncssh:ConnectionLost asyncssh:DisconnectError paramiko:ChannelException "
     "sshtunnel:BaseSSHTunnelForwarderError paramiko:ProxyCommandFailure"),
    ("ssh_any", F.TRANSIENT_NETWORK, 0.6, None, "paramiko:SSHException asyncssh:Error"),
    ("ssh_expect", F.EXTERNAL_TIMEOUT, 0.8, None, "pexpect:TIMEOUT netmiko:NetmikoTimeoutException netmiko:ReadTimeout"),
    ("ssh_device_auth", F.CONFIG_INVALID_SETTING, 0.9, None, "netmiko:NetmikoAuthenticationException ncclient:AuthenticationError napalm:ConnectAuthError"),
    ("git_command", F.UNKNOWN, 0.55, None, "git:GitCommandError"),
    ("git_missing", F.CONFIG_MISSING_SERVICE, 0.92, None, "git:GitCommandNotFound"),
    ("git_repository", F.PERMANENT_NOT_FOUND, 0.75, None, "git:NoSuchPathError git:InvalidGitRepositoryError"),
    ("process_gone", F.PERMANENT_NOT_FOUND, 0.8, None, "psutil:NoSuchProcess"),
    ("push_expired", F.PERMANENT_NOT_FOUND, 0.8, None, "firebase_admin:UnregisteredError exponent_server_sdk:DeviceNotRegisteredError"),
))  # fmt: skip

DATA = _of("data", "the parsers', validators' and crypto libraries' exception hierarchies", (
    ("pydantic_settings", F.CONFIG_INVALID_SETTING, 0.9, None, "pydantic_settings:SettingsError environs:EnvError environs:EnvValidationError dynaconf:ValidationError"),
    ("missing_value", F.CONFIG_MISSING_SETTING, 0.94, None, "decouple:UndefinedValueError omegaconf:MissingMandatoryValue"),
    ("validation", F.PERMANENT_VALIDATION, 0.94, None,
     "pydantic:ValidationError pydantic_core:ValidationError marshmallow:ValidationError jsonschema:ValidationError "
     "cerberus:DocumentError voluptuous:Invalid schema:SchemaError schematics:DataError wtforms:ValidationError "
     "fastjsonschema:JsonSchemaValueException attr:Invalid phonenumbers:NumberParseException email_validator:EmailNotValidError "
     "avro:AvroException fastavro:ValidationError xmlschema:XMLSchemaException stdnum:ValidationError "
     "google.protobuf:DecodeError google.protobuf:ParseError phonenumber_field:ValidationError babel:UnknownLocaleError "
     "pandera:SchemaError pandera:SchemaErrors great_expectations:ValidationError validators:ValidationError colander:Invalid "
     "cattrs:ClassValidationError msgspec:ValidationError msgspec:DecodeError"),
    ("schema_itself", F.PERMANENT_LOGIC, 0.85, None, "jsonschema:SchemaError pydantic:PydanticUserError pydantic:PydanticSchemaGenerationError pydantic:PydanticUndefinedAnnotation pydantic:PydanticUserError marshmallow:RegistryError"),
    ("document", F.PERMANENT_VALIDATION, 0.93, None,
     "PIL:UnidentifiedImageError PIL:DecompressionBombError pypdf:PdfReadError PyPDF2:PdfReadError pypdf:PyPdfError PyPDF2:PyPdfError pikepdf:PdfError "
     "pikepdf:PasswordError pdfminer:PDFSyntaxError pdfminer:PSException fitz:FileDataError pymupdf:FileDataError pymupdf:EmptyFileError "
     "openpyxl:InvalidFileException xlrd:XLRDError docx:PackageNotFoundError pptx:PackageNotFoundError "
     "pdf2image:PDFPageCountError pdf2image:PDFSyntaxError pandas:ParserError pandas:EmptyDataError yaml:YAMLError ruamel:YAMLError toml:TomlDecodeError "
     "lxml:XMLSyntaxError lxml:DocumentInvalid lxml:ParserError simplejson:JSONDecodeError orjson:JSONDecodeError msgpack:UnpackException "
     "rarfile:Error py7zr:Bad7zFile py7zr:ArchiveError mutagen:MutagenError eyed3:Error soundfile:LibsndfileError pydub:CouldntDecodeError "
     "audioread:DecodeError shapely:GEOSException shapely:ShapelyError rasterio:RasterioIOError geojson:Error "
     "ijson:JSONError tablib:InvalidDimensions tablib:UnsupportedFormat pyarrow:ArrowInvalid "
     "ocrmypdf:EncryptedPdfError ocrmypdf:InputFileError ocrmypdf:PriorOcrFoundError ocrmypdf:UnsupportedImageFormatError ocrmypdf:DigitalSignatureError "
     "defusedxml:DefusedXmlException dateutil:ParserError cbor2:CBORDecodeError pydicom:InvalidDicomError "
     "arrow:ParserError pendulum:ParserError vobject:ParseError vobject:VObjectError babel:NumberFormatError "
     "wand:CorruptImageError extract_msg:InvalidFileFormatError zstandard:ZstdError"),
    ("missing_tool", F.CONFIG_MISSING_SERVICE, 0.95, None,
     "ocrmypdf:MissingDependencyError pytesseract:TesseractNotFoundError pdf2image:PDFInfoNotInstalledError pdf2image:PopplerNotInstalledError "
     "wand:MissingDelegateError rarfile:RarCannotExec bs4:FeatureNotFound sh:CommandNotFound "
     "graphviz:ExecutableNotFound"),
    ("frame_logic", F.PERMANENT_LOGIC, 0.85, None,
     "pandas:MergeError pandas:InvalidIndexError pandas:SpecificationError pandas:UndefinedVariableError "
     "numpy:AxisError numpy:LinAlgError numpy:UFuncTypeError numpy.exceptions:AxisError numpy.linalg:LinAlgError polars:ColumnNotFoundError polars:ShapeError "
     "polars:SchemaError polars:InvalidOperationError pyarrow:ArrowTypeError pyarrow:ArrowNotImplementedError "
     "pyarrow:ArrowKeyError sklearn:NotFittedError pandas:UnsupportedFunctionCall xarray:MergeError"),
    ("frame_data", F.PERMANENT_VALIDATION, 0.88, None, "pandas:OutOfBoundsDatetime pandas:IntCastingNaNError polars:ComputeError polars:NoDataError"),
    ("arrow_memory", F.SYSTEM_OUT_OF_MEMORY, 0.97, None, "tensorflow:ResourceExhaustedError pyarrow:ArrowMemoryError torch:OutOfMemoryError torch.cuda:OutOfMemoryError"),
    ("arrow_io", F.UNKNOWN, 0.4, None, "pyarrow:ArrowException"),
    ("jwt_key", F.CONFIG_INVALID_SETTING, 0.92, None, "jwt:InvalidKeyError jose:JWKError"),
    ("jwt_rights", F.PERMANENT_PERMISSION, 0.9, None,
     "jwt:InvalidSignatureError jwt:ImmatureSignatureError jwt:InvalidAudienceError jwt:InvalidIssuerError jwt:InvalidIssuedAtError "
     "jwt:MissingRequiredClaimError jwt:ExpiredSignatureError jose:JWTClaimsError jose:JWTError jwt:InvalidTokenError authlib:JoseError jose:ExpiredSignatureError"),
    ("jwt_malformed", F.PERMANENT_VALIDATION, 0.88, None, "jwt:DecodeError authlib:DecodeError authlib:BadSignatureError"),
    ("jwt_algorithm", F.PERMANENT_PERMISSION, 0.6, None, "jwt:InvalidAlgorithmError"),
    ("jwt_keys_fetch", F.EXTERNAL_API_ERROR, 0.6, None, "jwt:PyJWKClientError"),
    ("feed", F.PERMANENT_VALIDATION, 0.85, None, "feedparser:NonXMLContentType feedparser:CharacterEncodingUnknown"),
    ("undecryptable", F.CONFIG_INVALID_SETTING, 0.78, None, "cryptography:InvalidToken cryptography:InvalidTag nacl:CryptoError"),
    ("crypto_key", F.CONFIG_INVALID_SETTING, 0.8, None, "cryptography:UnsupportedAlgorithm cryptography:InvalidKey OpenSSL:Error"),
    ("crypto_signature", F.PERMANENT_VALIDATION, 0.75, None, "cryptography:InvalidSignature nacl:BadSignatureError"),
    ("oauth_client", F.CONFIG_INVALID_SETTING, 0.92, None, "oauthlib:InvalidClientError oauthlib:UnauthorizedClientError oauthlib:InvalidClientIdError oauthlib:MismatchingRedirectURIError"),
    ("oauth_grant", F.PERMANENT_PERMISSION, 0.9, None, "oauthlib:InvalidGrantError oauthlib:TokenExpiredError oauthlib:AccessDeniedError oauthlib:InsufficientScopeError"),
    ("oauth_missing", F.EXTERNAL_API_ERROR, 0.55, None, "oauthlib:MissingTokenError oauthlib:OAuth2Error authlib:OAuthError"),
    ("oauth_server", F.EXTERNAL_API_ERROR, 0.8, True, "oauthlib:ServerError"),
    ("oauth_down", F.EXTERNAL_API_DOWN, 0.9, None, "oauthlib:TemporarilyUnavailableError"),
    ("archive_outside", F.PERMANENT_VALIDATION, 0.9, None, "tarfile:OutsideDestinationError"),
    ("model_hub", F.CONFIG_INVALID_SETTING, 0.85, None, "huggingface_hub:RepositoryNotFoundError huggingface_hub:RevisionNotFoundError huggingface_hub:HFValidationError"),
    ("model_entry", F.PERMANENT_NOT_FOUND, 0.7, None, "huggingface_hub:EntryNotFoundError"),
    ("zone", F.PERMANENT_VALIDATION, 0.85, None, "pytz:UnknownTimeZoneError pytz:AmbiguousTimeError pytz:NonExistentTimeError"),
    ("state_machine", F.PERMANENT_LOGIC, 0.9, None, "django_fsm:TransitionNotAllowed transitions:MachineError statemachine:TransitionNotAllowed"),
    ("airflow_skip", F.UNKNOWN, 0.6, None, "airflow:AirflowSkipException airflow:AirflowFailException"),
    ("airflow_missing", F.CONFIG_MISSING_SETTING, 0.92, None, "airflow:AirflowNotFoundException"),
    ("airflow_timeout", F.EXTERNAL_TIMEOUT, 0.88, None, "airflow:AirflowTaskTimeout airflow:AirflowSensorTimeout"),
    ("airflow_config", F.CONFIG_INVALID_SETTING, 0.9, None, "airflow:AirflowConfigException"),
    ("spark", F.UNKNOWN, 0.4, None, "py4j:Py4JJavaError py4j:Py4JError"),
    ("spark_network", F.TRANSIENT_NETWORK, 0.88, None, "py4j:Py4JNetworkError"),
    ("spark_logic", F.PERMANENT_LOGIC, 0.85, None, "pyspark:AnalysisException pyspark:ParseException pyspark:PythonException"),
))  # fmt: skip

RULES: tuple[ClassRule, ...] = (
    *REDIS, *DJANGO_REDIS, *PYMONGO, *STORES, *BROKERS, *HTTP, *CLOUD, *SERVICES, *DATA,
)  # fmt: skip
