"""Classes of data stores and brokers: servers we run ourselves."""

from __future__ import annotations

from redrive.taxonomy.rules.library_rules import library_rules as _of
from redrive.taxonomy.rules.rule import ClassRule
from redrive.taxonomy.types import FailureType as F

REDIS = _of("redis", "redis-py exceptions.py", (
    ("unavailable", F.TRANSIENT_DATABASE, 0.93, None,
     "ConnectionError TimeoutError BusyLoadingError ReadOnlyError ClusterDownError ClusterError "
     "MasterDownError TryAgainError MasterNotFoundError SlaveNotFoundError RedisClusterException LockError "
     "LockNotOwnedError MaxConnectionsError AskError MovedError"),
    ("memory", F.SYSTEM_OUT_OF_MEMORY, 0.96, None, "OutOfMemoryError"),
    ("credentials", F.CONFIG_INVALID_SETTING, 0.94, None,
     "AuthenticationError AuthenticationWrongNumberOfArgsError"),
    ("permission", F.PERMANENT_PERMISSION, 0.95, None, "NoPermissionError AuthorizationError"),
    ("misuse", F.PERMANENT_LOGIC, 0.9, None,
     "DataError PubSubError NoScriptError ExecAbortError ModuleError ChildDeadlockedError "
     "CrossSlotTransactionError"),
    ("watch", F.TRANSIENT_DATABASE, 0.85, None, "WatchError"),
    ("answer", F.PERMANENT_LOGIC, 0.6, None, "ResponseError InvalidResponse"),
    ("other", F.TRANSIENT_DATABASE, 0.5, None, "RedisError"),
))  # fmt: skip

DJANGO_REDIS = _of("django_redis", "django-redis exceptions.py", (
    ("interrupted", F.TRANSIENT_DATABASE, 0.88, None, "ConnectionInterrupted"),
))  # fmt: skip

PYMONGO = _of("pymongo", "pymongo errors.py", (
    ("unavailable", F.TRANSIENT_DATABASE, 0.94, None,
     "ConnectionFailure AutoReconnect NetworkTimeout NotPrimaryError NotMasterError "
     "ServerSelectionTimeoutError ExecutionTimeout WTimeoutError CursorNotFound WaitQueueTimeoutError "
     "WriteConcernError ExceededMaxWaiters"),
    ("invalid", F.PERMANENT_VALIDATION, 0.9, None,
     "DuplicateKeyError BulkWriteError WriteError DocumentTooLarge bson.errors.InvalidId "
     "bson.errors.InvalidDocument bson.errors.InvalidBSON bson.errors.InvalidStringData"),
    ("settings", F.CONFIG_INVALID_SETTING, 0.93, None, "ConfigurationError InvalidURI InvalidName"),
    ("misuse", F.PERMANENT_LOGIC, 0.88, None, "InvalidOperation CollectionInvalid ProtocolError"),
    ("operation", F.PERMANENT_LOGIC, 0.55, None, "OperationFailure"),
))  # fmt: skip

STORES = _of("stores", "the drivers' exception hierarchies", (
    ("cassandra", F.TRANSIENT_DATABASE, 0.93, None,
     "cassandra:NoHostAvailable cassandra:OperationTimedOut cassandra:Unavailable cassandra:ReadTimeout "
     "cassandra:WriteTimeout cassandra:ReadFailure cassandra:WriteFailure cassandra:CoordinationFailure "
     "cassandra:RequestExecutionException cassandra:ConnectionException cassandra:ConnectionBusy "
     "cassandra:ConnectionShutdown cassandra:Timeout cassandra:OverloadedErrorMessage "
     "cassandra:IsBootstrappingErrorMessage cassandra:CASWriteUnknown cassandra:NoConnectionsAvailable"),
    ("cassandra_auth", F.CONFIG_INVALID_SETTING, 0.94, None,
     "cassandra:AuthenticationFailed cassandra:UnresolvableContactPoints"),
    ("cassandra_rights", F.PERMANENT_PERMISSION, 0.94, None, "cassandra:Unauthorized"),
    ("cassandra_request", F.PERMANENT_LOGIC, 0.8, None,
     "cassandra:InvalidRequest cassandra:AlreadyExists cassandra:UserFunctionException"),
    ("neo4j", F.TRANSIENT_DATABASE, 0.94, None,
     "neo4j:ServiceUnavailable neo4j:SessionExpired neo4j:TransientError neo4j:DatabaseUnavailable "
     "neo4j:NotALeader neo4j:ForbiddenOnReadOnlyDatabase neo4j:ReadServiceUnavailable "
     "neo4j:WriteServiceUnavailable neo4j:IncompleteCommit neo4j:ConnectionAcquisitionTimeoutError"),
    ("neo4j_auth", F.CONFIG_INVALID_SETTING, 0.94, None,
     "neo4j:AuthError neo4j:ConfigurationError neo4j:AuthConfigurationError"),
    ("neo4j_rights", F.PERMANENT_PERMISSION, 0.93, None, "neo4j:Forbidden"),
    ("neo4j_constraint", F.PERMANENT_VALIDATION, 0.93, None, "neo4j:ConstraintError"),
    ("neo4j_query", F.PERMANENT_LOGIC, 0.88, None,
     "neo4j:CypherSyntaxError neo4j:CypherTypeError neo4j:ClientError neo4j:TransactionError"),
    ("memcache", F.TRANSIENT_DATABASE, 0.85, None,
     "pymemcache:MemcacheServerError pymemcache:MemcacheUnexpectedCloseError pylibmc:Error "
     "pymemcache:MemcacheError pymemcache:MemcacheUnknownError"),
    ("memcache_input", F.PERMANENT_LOGIC, 0.85, None,
     "pymemcache:MemcacheIllegalInputError pymemcache:MemcacheClientError pylibmc:TooBig"),
    ("search", F.TRANSIENT_DATABASE, 0.93, None,
     "elasticsearch:ConnectionError elasticsearch:ConnectionTimeout elastic_transport:ConnectionError "
     "elastic_transport:ConnectionTimeout elastic_transport:TransportError meilisearch:MeilisearchTimeoutError "
     "meilisearch:MeilisearchCommunicationError couchbase:TimeoutException "
     "couchbase:UnAmbiguousTimeoutException couchbase:AmbiguousTimeoutException "
     "couchbase:ServiceUnavailableException influxdb:InfluxDBServerError "
     "qdrant_client:ResponseHandlingException aerospike:TimeoutError aerospike:ClusterError "
     "pymilvus:MilvusUnavailableException arango:ServerConnectionError typesense:ServiceUnavailable "
     "typesense:ServerError etcd3:ConnectionFailedError etcd3:ConnectionTimeoutError "
     "clickhouse_driver:NetworkError clickhouse_driver:SocketTimeoutError weaviate:WeaviateConnectionError "
     "weaviate:WeaviateTimeoutError weaviate:WeaviateStartUpError happybase:NoConnectionsAvailable"),
    ("search_serial", F.PERMANENT_LOGIC, 0.88, None,
     "elasticsearch:SerializationError elastic_transport:SerializationError"),
    ("search_product", F.CONFIG_INVALID_SETTING, 0.85, None, "elasticsearch:UnsupportedProductError"),
    ("search_bulk", F.PERMANENT_VALIDATION, 0.8, None,
     "elasticsearch:BulkIndexError"),
    ("file_lock", F.TRANSIENT_DATABASE, 0.7, None, "filelock:Timeout"),
    ("zookeeper", F.TRANSIENT_NETWORK, 0.8, None,
     "kazoo:ConnectionLoss kazoo:SessionExpiredError kazoo:ConnectionClosedError "
     "kazoo:OperationTimeoutError kazoo:KazooTimeoutError kazoo.handlers.threading.KazooTimeoutError"),
    ("zookeeper_node", F.PERMANENT_NOT_FOUND, 0.85, None, "kazoo:NoNodeError"),
    ("document_odm", F.PERMANENT_VALIDATION, 0.92, None,
     "mongoengine:ValidationError mongoengine:NotUniqueError"),
    ("lmdb_full", F.SYSTEM_DISK_FULL, 0.85, None, "lmdb:MapFullError lmdb:DiskError"),
))  # fmt: skip

BROKERS = _of("brokers", "amqp, pika, Kafka, NATS and Pulsar client exception hierarchies", (
    ("amqp_connection", F.TRANSIENT_NETWORK, 0.88, None,
     "amqp:ConnectionError amqp:RecoverableConnectionError amqp:ConnectionForced "
     "amqp:RecoverableChannelError amqp:ConsumerCancelled amqp:ResourceError amqp:MessageNacked "
     "amqp:AMQPError amqp:IrrecoverableConnectionError"),
    ("amqp_config", F.CONFIG_INVALID_SETTING, 0.88, None,
     "amqp:AccessRefused amqp:NotAllowed amqp:NotFound amqp:PreconditionFailed amqp:InvalidPath "
     "amqp:NoConsumers"),
    ("amqp_logic", F.PERMANENT_LOGIC, 0.85, None,
     "amqp:FrameSyntaxError amqp:AMQPNotImplementedError amqp:UnexpectedFrame amqp:InvalidCommand "
     "amqp:ChannelNotOpen"),
    ("pika_connection", F.TRANSIENT_NETWORK, 0.93, None,
     "pika:AMQPConnectionError pika:StreamLostError pika:ConnectionClosed pika:ConnectionClosedByBroker "
     "pika:ConnectionOpenAborted pika:IncompatibleProtocolError pika:AMQPHeartbeatTimeout "
     "pika:ConnectionBlockedTimeout pika:ConnectionWrongStateError pika:ChannelClosed "
     "pika:ChannelWrongStateError pika:ChannelClosedByBroker pika:UnroutableError pika:NackError "
     "aio_pika:CONNECTION_EXCEPTIONS aiormq:AMQPConnectionError pika:AMQPError aio_pika:AMQPError "
     "aiormq:AMQPError"),
    ("pika_auth", F.CONFIG_INVALID_SETTING, 0.95, None,
     "pika:ProbableAuthenticationError pika:ProbableAccessDeniedError pika:AuthenticationError"),
    ("kafka_connection", F.TRANSIENT_NETWORK, 0.9, None,
     "kafka:NoBrokersAvailable kafka:KafkaConnectionError kafka:KafkaTimeoutError kafka:NodeNotReadyError "
     "kafka:BrokerNotAvailableError kafka:LeaderNotAvailableError kafka:NotLeaderForPartitionError "
     "kafka:RequestTimedOutError kafka:CoordinatorNotAvailableError kafka:RebalanceInProgressError "
     "kafka:CommitFailedError kafka:RetriableError kafka:Cancelled kafka:StaleMetadata "
     "kafka:KafkaUnavailableError kafka:NotLeaderOrFollowerError kafka:GroupLoadInProgressError "
     "kafka:NotCoordinatorForGroupError kafka:KafkaError confluent_kafka:KafkaException "
     "cimpl.KafkaException confluent_kafka:ConsumeError confluent_kafka:ProduceError"),
    ("kafka_config", F.CONFIG_INVALID_SETTING, 0.9, None,
     "kafka:KafkaConfigurationError kafka:SaslAuthenticationFailedError kafka:UnknownTopicOrPartitionError "
     "kafka:UnsupportedSaslMechanismError kafka:InvalidTopicError kafka:UnrecognizedBrokerVersion "
     "kafka:AuthenticationFailedError"),
    ("kafka_rights", F.PERMANENT_PERMISSION, 0.93, None,
     "kafka:TopicAuthorizationFailedError kafka:GroupAuthorizationFailedError "
     "kafka:ClusterAuthorizationFailedError"),
    ("kafka_input", F.PERMANENT_VALIDATION, 0.92, None,
     "kafka:MessageSizeTooLargeError kafka:InvalidMessageError"),
    ("nats", F.TRANSIENT_NETWORK, 0.9, None,
     "nats:NoServersError nats:ConnectionClosedError nats:StaleConnectionError nats:TimeoutError "
     "nats:NoRespondersError nats:Error nats:OutboundBufferLimitError nats:UnexpectedEOF "
     "pulsar:ConnectError pulsar:Timeout pulsar:NotConnected pulsar:ServiceUnitNotReady "
     "_pulsar.ConnectError _pulsar.Timeout _pulsar.NotConnected stomp:ConnectFailedException "
     "stomp:NotConnectedException paho:WebsocketConnectionError aiomqtt:MqttError zmq:Again zmq:ZMQError"),
    ("nats_auth", F.CONFIG_INVALID_SETTING, 0.92, None,
     "nats:AuthorizationError pulsar:AuthenticationError _pulsar.AuthenticationError"),
    ("nats_input", F.PERMANENT_VALIDATION, 0.9, None, "nats:MaxPayloadError"),
))  # fmt: skip

RULES: tuple[ClassRule, ...] = (*REDIS, *DJANGO_REDIS, *PYMONGO, *STORES, *BROKERS)
