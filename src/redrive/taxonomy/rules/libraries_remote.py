"""Classes of HTTP clients, clouds and the SDKs of third parties."""

from __future__ import annotations

from redrive.taxonomy.rules.library_rules import library_rules as _of
from redrive.taxonomy.rules.rule import ClassRule
from redrive.taxonomy.types import FailureType as F

HTTP = _of("http_clients", "requests, urllib3, httpx, aiohttp, websockets, tornado, pycurl documentation", (
    ("timeout", F.EXTERNAL_TIMEOUT, 0.94, None,
     "requests:Timeout requests:ConnectTimeout requests:ReadTimeout urllib3:ConnectTimeoutError "
     "urllib3:ReadTimeoutError urllib3:TimeoutError httpx:TimeoutException httpcore:TimeoutException "
     "httpcore:ReadTimeout httpcore:ConnectTimeout aiohttp:ServerTimeoutError aiohttp:ConnectionTimeoutError "
     "aiohttp:SocketTimeoutError tornado:HTTPTimeoutError websocket:WebSocketTimeoutException"),
    ("pool", F.PERMANENT_LOGIC, 0.6, True, "urllib3:EmptyPoolError urllib3:FullPoolError"),
    ("pool_timeout", F.EXTERNAL_TIMEOUT, 0.75, None,
     "httpx:PoolTimeout httpcore:PoolTimeout"),
    ("broken", F.TRANSIENT_NETWORK, 0.92, None,
     "requests:ConnectionError requests:ChunkedEncodingError urllib3:ProtocolError "
     "urllib3:NewConnectionError urllib3:NameResolutionError urllib3:IncompleteRead httpx:ConnectError "
     "httpx:ReadError httpx:WriteError httpx:CloseError httpx:NetworkError httpx:RemoteProtocolError "
     "httpx:TransportError httpcore:NetworkError "
     "httpcore:ConnectError httpcore:RemoteProtocolError httpcore:ReadError "
     "aiohttp:ClientConnectionError aiohttp:ClientConnectorError aiohttp:ServerDisconnectedError "
     "aiohttp:ClientOSError aiohttp:ClientPayloadError aiohttp:ServerConnectionError "
     "aiohttp:ClientConnectionResetError aiohttp:ClientConnectorDNSError websockets:ConnectionClosed "
     "websockets:ConnectionClosedError websockets:ConnectionClosedOK "
     "websocket:WebSocketConnectionClosedException websocket:WebSocketException "
     "websocket:WebSocketAddressException h11:RemoteProtocolError h2:ConnectionClosed "
     "tornado:StreamClosedError httplib2:ServerNotFoundError twisted:ConnectionLost twisted:ConnectionDone "
     "twisted:ConnectError twisted:ConnectionRefusedError twisted:DNSLookupError "
     "twisted:ResponseNeverReceived twisted:ResponseFailed anyio:BrokenResourceError anyio:EndOfStream "
     "anyio:ClosedResourceError trio:BrokenResourceError dns:DNSException dns:NXDOMAIN dns:NoNameservers "
     "dns:NoAnswer aiodns:DNSError python_socks:ProxyError socks:ProxyError socks:GeneralProxyError "
     "socks:SOCKS5Error tornado:HTTPStreamClosedError"),
    ("proxy", F.TRANSIENT_NETWORK, 0.8, None,
     "requests:ProxyError urllib3:ProxyError httpx:ProxyError aiohttp:ClientProxyConnectionError "
     "aiohttp:ClientHttpProxyError"),
    ("tls", F.TRANSIENT_NETWORK, 0.72, None,
     "requests:SSLError urllib3:SSLError aiohttp:ClientConnectorSSLError aiohttp:ClientSSLError"),
    ("tls_certificate", F.CONFIG_INVALID_SETTING, 0.75, None, "aiohttp:ClientConnectorCertificateError"),
    ("handshake", F.EXTERNAL_API_ERROR, 0.7, None,
     "websockets:InvalidHandshake websockets:InvalidStatusCode websockets:InvalidStatus "
     "websocket:WebSocketBadStatusException"),
    ("url", F.PERMANENT_VALIDATION, 0.82, None,
     "requests:MissingSchema requests:InvalidURL requests:InvalidSchema requests:URLRequired "
     "urllib3:LocationParseError urllib3:LocationValueError httpx:InvalidURL aiohttp:InvalidURL "
     "aiohttp:NonHttpUrlClientError websockets:InvalidURI urllib3:URLSchemeUnknown "
     "aiohttp:InvalidUrlClientError httplib2:RelativeURIError"),
    ("invalid_header", F.PERMANENT_LOGIC, 0.88, None,
     "requests:InvalidHeader requests:UnrewindableBodyError requests:StreamConsumedError httpx:StreamError "
     "httpx:CookieConflict httpx:LocalProtocolError httpcore:LocalProtocolError h11:LocalProtocolError "
     "httpx:ResponseNotRead httpx:StreamConsumed"),
    ("proxy_url", F.CONFIG_INVALID_SETTING, 0.93, None,
     "httpx:UnsupportedProtocol httpcore:UnsupportedProtocol requests:InvalidProxyURL "
     "urllib3:ProxySchemeUnknown"),
    ("redirects", F.PERMANENT_VALIDATION, 0.85, None,
     "requests:TooManyRedirects httpx:TooManyRedirects aiohttp:TooManyRedirects"),
    ("content", F.EXTERNAL_API_ERROR, 0.72, None,
     "aiohttp:ContentTypeError requests:ContentDecodingError httpx:DecodingError urllib3:DecodeError"),
    ("not_json", F.EXTERNAL_API_ERROR, 0.9, True, "requests:JSONDecodeError"),
    ("status", F.EXTERNAL_API_ERROR, 0.55, None,
     "requests:HTTPError httpx:HTTPStatusError aiohttp:ClientResponseError urllib.error.HTTPError "
     "tornado:HTTPClientError tornado:HTTPError werkzeug:HTTPException urllib3:HTTPError"),
    ("any", F.EXTERNAL_API_ERROR, 0.45, None,
     "requests:RequestException httpx:HTTPError httpx:RequestError aiohttp:ClientError httplib2:HttpLib2Error"),
    ("soap", F.EXTERNAL_API_ERROR, 0.72, False,
     "zeep:Fault zeep:TransportError suds:WebFault xmlrpc:Fault xmlrpc:ProtocolError"),
    ("soap_input", F.PERMANENT_LOGIC, 0.75, None,
     "zeep:LookupError zeep:ValidationError suds:TypeNotFound suds:MethodNotFound"),
    ("browser", F.EXTERNAL_API_ERROR, 0.5, None, "selenium:WebDriverException playwright:Error"),
    ("browser_timeout", F.EXTERNAL_TIMEOUT, 0.92, None,
     "selenium:TimeoutException playwright:TimeoutError pyppeteer:TimeoutError"),
    ("browser_element", F.PERMANENT_NOT_FOUND, 0.6, None, "selenium:NoSuchElementException"),
    ("browser_logic", F.PERMANENT_LOGIC, 0.75, None,
     "selenium:StaleElementReferenceException selenium:InvalidSelectorException "
     "selenium:ElementNotInteractableException"),
    ("browser_driver", F.CONFIG_MISSING_SERVICE, 0.88, None,
     "selenium:NoSuchDriverException selenium:SessionNotCreatedException"),
))  # fmt: skip

CLOUD = _of("cloud", "botocore, Google, Azure, MSAL client exception hierarchies", (
    ("aws_timeout", F.EXTERNAL_TIMEOUT, 0.95, None, "botocore:ReadTimeoutError botocore:ConnectTimeoutError"),
    ("aws_network", F.TRANSIENT_NETWORK, 0.94, None,
     "botocore:EndpointConnectionError botocore:ConnectionClosedError botocore:HTTPClientError "
     "botocore:ConnectionError botocore:ResponseStreamingError botocore:IncompleteReadError "
     "botocore:ProxyConnectionError boto3:RetriesExceededError"),
    ("aws_missing", F.CONFIG_MISSING_SETTING, 0.94, None,
     "botocore:NoCredentialsError botocore:NoRegionError botocore:PartialCredentialsError "
     "botocore:NoAuthTokenError boto:NoAuthHandlerFound"),
    ("aws_bad", F.CONFIG_INVALID_SETTING, 0.93, None,
     "botocore:ProfileNotFound botocore:ConfigNotFound botocore:ConfigParseError "
     "botocore:InvalidEndpointConfigurationError botocore:UnknownServiceError botocore:InvalidRegionError "
     "botocore:CredentialRetrievalError botocore:InvalidConfigError botocore:UnauthorizedSSOTokenError "
     "botocore:SSOTokenLoadError botocore:TokenRetrievalError botocore:UnknownEndpointError "
     "botocore:InfiniteLoopConfigError botocore:RefreshWithMFAUnsupportedError botocore:InvalidDefaultsMode "
     "botocore:InvalidRetryConfigurationError botocore:MetadataRetrievalError"),
    ("aws_dependency", F.CONFIG_MISSING_SERVICE, 0.93, None,
     "botocore:MissingDependencyException botocore:DataNotFoundError"),
    ("aws_misuse", F.PERMANENT_LOGIC, 0.92, None,
     "botocore:ParamValidationError botocore:OperationNotPageableError botocore:UnknownKeyError "
     "botocore:UndefinedModelAttributeError botocore:UnsupportedSignatureVersionError "
     "boto3:ResourceNotExistsError boto3:DynamoDBNeedsConditionError botocore:PaginationError "
     "botocore:MissingParametersError botocore:UnknownClientMethodError"),
    ("aws_waiter", F.EXTERNAL_TIMEOUT, 0.7, None, "botocore:WaiterError"),
    ("aws_s3_upload", F.EXTERNAL_API_ERROR, 0.5, None, "boto3:S3UploadFailedError botocore:ClientError"),
    ("aws_stream", F.TRANSIENT_NETWORK, 0.75, None,
     "botocore:ChecksumMismatch botocore:FlexibleChecksumError botocore:EventStreamError"),
    ("google_missing", F.CONFIG_MISSING_SETTING, 0.85, None,
     "google:DefaultCredentialsError oauth2client:ApplicationDefaultCredentialsError"),
    ("google_malformed", F.CONFIG_INVALID_SETTING, 0.93, None,
     "google:MalformedError google:OAuthError oauth2client:HttpAccessTokenRefreshError"),
    ("google_refresh", F.CONFIG_INVALID_SETTING, 0.8, None,
     "google:RefreshError google:InvalidOperation google:InvalidValue"),
    ("google_transport", F.TRANSIENT_NETWORK, 0.88, None,
     "google:TransportError google:ConnectionError google.auth:TransportError"),
    ("google_timeout", F.EXTERNAL_TIMEOUT, 0.94, None, "google:DeadlineExceeded google:GatewayTimeout"),
    ("google_sheet", F.PERMANENT_NOT_FOUND, 0.85, None, "gspread:SpreadsheetNotFound"),
    ("google_worksheet", F.PERMANENT_VALIDATION, 0.7, None, "gspread:WorksheetNotFound"),
    ("azure_down", F.TRANSIENT_NETWORK, 0.9, None,
     "azure:ServiceRequestError azure:ServiceResponseError azure:IncompleteReadError "
     "azure:StreamClosedError azure:AMQPConnectionError azure:ConnectionLostError "
     "azure:ServiceBusConnectionError azure:ServiceBusCommunicationError"),
    ("azure_timeout", F.EXTERNAL_TIMEOUT, 0.94, None,
     "azure:ServiceRequestTimeoutError azure:ServiceResponseTimeoutError azure:OperationTimeoutError "
     "azure:CosmosClientTimeoutError"),
    ("azure_auth", F.CONFIG_INVALID_SETTING, 0.92, None,
     "azure:ClientAuthenticationError msal:MsalServiceError adal:AdalError "
     "azure:ServiceBusAuthenticationError"),
    ("azure_no_credential", F.CONFIG_MISSING_SETTING, 0.88, None, "azure:CredentialUnavailableError"),
    ("azure_exists", F.PERMANENT_VALIDATION, 0.92, None,
     "azure:ResourceExistsError azure:ResourceModifiedError azure:ResourceNotModifiedError "
     "azure:MessageSizeExceededError"),
    ("azure_missing", F.PERMANENT_NOT_FOUND, 0.86, None,
     "azure:ResourceNotFoundError azure:MessageAlreadySettled azure:MessageNotFoundError"),
    ("azure_lock", F.TRANSIENT_DATABASE, 0.5, None, "azure:MessageLockLostError azure:SessionLockLostError"),
    ("azure_throttled", F.TRANSIENT_RATE_LIMIT, 0.93, None, "azure:ServiceBusServerBusyError"),
    ("azure_decode", F.EXTERNAL_API_ERROR, 0.75, None, "azure:DecodeError azure:ODataV4Error"),
))  # fmt: skip

SERVICES = _of("services", "the SDKs' own exception hierarchies", (
    ("api_timeout", F.EXTERNAL_TIMEOUT, 0.95, None,
     "openai:APITimeoutError openai:Timeout anthropic:APITimeoutError geopy:GeocoderTimedOut "
     "telethon:TimedOutError telegram:TimedOut googlemaps:Timeout"),
    ("api_connection", F.TRANSIENT_NETWORK, 0.88, None,
     "openai:APIConnectionError anthropic:APIConnectionError stripe:APIConnectionError "
     "telegram:NetworkError geopy:GeocoderUnavailable googlemaps:TransportError "
     "algoliasearch:AlgoliaUnreachableHostException discord:ConnectionClosed discord:GatewayNotFound "
     "praw:RequestException prawcore:RequestException"),
    ("api_status", F.EXTERNAL_API_ERROR, 0.55, None,
     "openai:APIError anthropic:APIError stripe:StripeError slack_sdk:SlackApiError "
     "github:GithubException gitlab:GitlabError jira:JIRAError twilio:TwilioException "
     "python_http_client:HTTPError kubernetes:ApiException docker:APIError hvac:VaultError dropbox:ApiError "
     "dropbox:HttpError tweepy:TweepyException facebook_business:FacebookRequestError "
     "simple_salesforce:SalesforceError geopy:GeopyError discord:HTTPException telegram:TelegramError "
     "telethon:RPCError pyrogram:RPCError googlemaps:ApiError minio:S3Error algoliasearch:RequestException "
     "huggingface_hub:HfHubHTTPError prawcore:ResponseException cloudflare:APIError "
     "notion_client:APIResponseError shopify:ClientError pyactiveresource:ResponseError "
     "braintree:BraintreeError braintree:UnexpectedError atlassian:ApiError"),
    ("openai_server", F.EXTERNAL_API_ERROR, 0.85, True,
     "openai.error.APIError stripe:APIError openai:InternalServerError anthropic:InternalServerError"),
    ("openai_key", F.CONFIG_MISSING_SETTING, 0.8, None, "openai:OpenAIError anthropic:AnthropicError"),
    ("response_validation", F.EXTERNAL_API_ERROR, 0.8, None,
     "openai:APIResponseValidationError anthropic:APIResponseValidationError"),
    ("stripe_card", F.PERMANENT_VALIDATION, 0.93, None,
     "stripe:CardError stripe:InvalidRequestError stripe:IdempotencyError openai:InvalidRequestError "
     "openai:LengthFinishReasonError openai:ContentFilterFinishReasonError"),
    ("telegram_request", F.PERMANENT_VALIDATION, 0.8, None, "telegram:BadRequest aiogram:TelegramBadRequest"),
    ("stripe_signature", F.PERMANENT_VALIDATION, 0.75, None, "stripe:SignatureVerificationError"),
    ("telegram_rights", F.PERMANENT_PERMISSION, 0.94, None,
     "telegram:Forbidden aiogram:TelegramForbiddenError pyrogram:Forbidden"),
    ("telegram_token", F.CONFIG_INVALID_SETTING, 0.93, None,
     "telegram:InvalidToken aiogram:TelegramUnauthorizedError discord:LoginFailure "
     "telethon:UnauthorizedError telethon:AuthKeyError discord:PrivilegedIntentsRequired"),
    ("telegram_migrated", F.PERMANENT_VALIDATION, 0.75, None,
     "telegram:ChatMigrated aiogram:TelegramMigrateToChat telegram:Conflict"),
    ("braintree_down", F.EXTERNAL_API_DOWN, 0.93, None,
     "braintree:ServiceUnavailableError braintree:DownForMaintenanceError"),
    ("vault_sealed", F.EXTERNAL_API_DOWN, 0.9, None, "hvac:VaultDown hvac:VaultNotInitialized"),
    ("vault_path", F.CONFIG_INVALID_SETTING, 0.85, None, "hvac:InvalidPath"),
    ("vault_request", F.PERMANENT_VALIDATION, 0.75, None, "hvac:InvalidRequest"),
    ("vault_unauthorized", F.CONFIG_INVALID_SETTING, 0.9, None, "hvac:Unauthorized"),
    ("kube_config", F.CONFIG_INVALID_SETTING, 0.9, None, "kubernetes:ConfigException"),
    ("docker_daemon", F.CONFIG_MISSING_SERVICE, 0.82, None, "docker:DockerException"),
    ("docker_image", F.CONFIG_INVALID_SETTING, 0.93, None,
     "docker:ImageNotFound docker:InvalidRepository docker:TLSParameterError"),
    ("docker_missing", F.PERMANENT_NOT_FOUND, 0.92, None, "docker:NotFound docker:NullResource"),
    ("docker_build", F.UNKNOWN, 0.55, None,
     "docker:ContainerError docker:BuildError docker:StreamParseError"),
    ("salesforce_login", F.CONFIG_INVALID_SETTING, 0.92, None,
     "simple_salesforce:SalesforceAuthenticationFailed simple_salesforce:SalesforceExpiredSession"),
    ("geocoder_quota", F.TRANSIENT_RATE_LIMIT, 0.93, None,
     "geopy:GeocoderQuotaExceeded geopy:GeocoderRateLimited googlemaps:_OverQueryLimit"),
    ("geocoder_input", F.PERMANENT_VALIDATION, 0.88, None,
     "geopy:GeocoderQueryError geopy:GeocoderParseError"),
    ("geocoder_auth", F.CONFIG_INVALID_SETTING, 0.9, None,
     "geopy:GeocoderAuthenticationFailure geopy:ConfigurationError"),
    ("geocoder_rights", F.PERMANENT_PERMISSION, 0.85, None, "geopy:GeocoderInsufficientPrivileges"),
    ("geocoder_down", F.EXTERNAL_API_DOWN, 0.8, None, "geopy:GeocoderServiceError"),
    ("reddit_server", F.EXTERNAL_API_ERROR, 0.82, True, "prawcore:ServerError"),
    ("download", F.EXTERNAL_API_ERROR, 0.5, None,
     "yt_dlp:DownloadError yt_dlp:ExtractorError"),
    ("ldap_down", F.TRANSIENT_NETWORK, 0.88, None,
     "ldap:SERVER_DOWN ldap:CONNECT_ERROR ldap:UNAVAILABLE ldap:BUSY ldap3:LDAPSocketOpenError "
     "ldap3:LDAPSocketReceiveError ldap3:LDAPSessionTerminatedByServerError ldap3:LDAPSocketSendError "
     "ldap3:LDAPSocketCloseError ldap3:LDAPServerPoolExhaustedError"),
    ("ldap_timeout", F.EXTERNAL_TIMEOUT, 0.9, None,
     "ldap:TIMEOUT ldap:TIMELIMIT_EXCEEDED ldap3:LDAPResponseTimeoutError ldap3:LDAPTimeLimitExceededResult"),
    ("ldap_login", F.CONFIG_INVALID_SETTING, 0.93, None,
     "ldap:INVALID_CREDENTIALS ldap3:LDAPInvalidCredentialsResult ldap3:LDAPBindError "
     "ldap:STRONG_AUTH_REQUIRED ldap:INAPPROPRIATE_AUTH"),
    ("ldap_settings", F.CONFIG_INVALID_SETTING, 0.9, None,
     "ldap3:LDAPInvalidServerError ldap3:LDAPInvalidPortError ldap3:LDAPSSLConfigurationError"),
    ("ldap_missing", F.PERMANENT_NOT_FOUND, 0.9, None, "ldap:NO_SUCH_OBJECT ldap3:LDAPNoSuchObjectResult"),
    ("ldap_rights", F.PERMANENT_PERMISSION, 0.93, None,
     "ldap:INSUFFICIENT_ACCESS ldap3:LDAPInsufficientAccessRightsResult"),
    ("ldap_input", F.PERMANENT_VALIDATION, 0.88, None,
     "ldap:INVALID_DN_SYNTAX ldap:ALREADY_EXISTS ldap:OBJECT_CLASS_VIOLATION ldap:CONSTRAINT_VIOLATION "
     "ldap:FILTER_ERROR ldap3:LDAPInvalidDnError ldap3:LDAPEntryAlreadyExistsResult "
     "ldap3:LDAPInvalidFilterError ldap3:LDAPObjectClassViolationResult"),
    ("mail_disconnected", F.TRANSIENT_NETWORK, 0.93, None,
     "smtplib:SMTPServerDisconnected aiosmtplib:SMTPServerDisconnected aiosmtplib:SMTPConnectError "
     "imaplib.IMAP4.abort imaplib:abort"),
    ("mail_connect", F.EXTERNAL_API_DOWN, 0.75, None, "smtplib:SMTPConnectError smtplib:SMTPHeloError"),
    ("mail_auth", F.CONFIG_INVALID_SETTING, 0.95, None,
     "smtplib:SMTPAuthenticationError aiosmtplib:SMTPAuthenticationError imapclient:LoginError"),
    ("mail_sender", F.CONFIG_INVALID_SETTING, 0.78, None,
     "smtplib:SMTPSenderRefused aiosmtplib:SMTPSenderRefused"),
    ("mail_recipient", F.PERMANENT_VALIDATION, 0.82, None,
     "smtplib:SMTPRecipientsRefused aiosmtplib:SMTPRecipientsRefused aiosmtplib:SMTPRecipientRefused"),
    ("mail_data", F.PERMANENT_VALIDATION, 0.7, None, "smtplib:SMTPDataError aiosmtplib:SMTPDataError"),
    ("mail_unsupported", F.CONFIG_INVALID_SETTING, 0.85, None,
     "smtplib:SMTPNotSupportedError aiosmtplib:SMTPNotSupported"),
    ("mail_imap", F.EXTERNAL_API_ERROR, 0.55, None,
     "imaplib.IMAP4.error imaplib:error poplib:error_proto ftplib:error_perm ftplib:error_temp ftplib:Error "
     "ftplib:error_reply ftplib:error_proto"),
    ("mail_timeout", F.EXTERNAL_TIMEOUT, 0.93, None,
     "aiosmtplib:SMTPTimeoutError aiosmtplib:SMTPConnectTimeoutError aiosmtplib:SMTPReadTimeoutError"),
    ("ssh_auth", F.CONFIG_INVALID_SETTING, 0.93, None,
     "paramiko:AuthenticationException paramiko:BadAuthenticationType paramiko:PasswordRequiredException "
     "paramiko:BadHostKeyException asyncssh:PermissionDenied asyncssh:HostKeyNotVerifiable "
     "asyncssh:KeyImportError asyncssh:KeyExchangeFailed paramiko:UnknownKeyType "
     "paramiko:CouldNotCanonicalize"),
    ("ssh_network", F.TRANSIENT_NETWORK, 0.88, None,
     "paramiko:NoValidConnectionsError asyncssh:ConnectionLost asyncssh:DisconnectError "
     "paramiko:ChannelException sshtunnel:BaseSSHTunnelForwarderError paramiko:ProxyCommandFailure"),
    ("ssh_any", F.TRANSIENT_NETWORK, 0.6, None, "paramiko:SSHException asyncssh:Error"),
    ("ssh_expect", F.EXTERNAL_TIMEOUT, 0.8, None,
     "pexpect:TIMEOUT netmiko:NetmikoTimeoutException netmiko:ReadTimeout"),
    ("ssh_device_auth", F.CONFIG_INVALID_SETTING, 0.9, None,
     "netmiko:NetmikoAuthenticationException ncclient:AuthenticationError napalm:ConnectAuthError"),
    ("git_command", F.UNKNOWN, 0.55, None, "git:GitCommandError"),
    ("git_missing", F.CONFIG_MISSING_SERVICE, 0.92, None, "git:GitCommandNotFound"),
    ("git_repository", F.PERMANENT_NOT_FOUND, 0.75, None,
     "git:NoSuchPathError git:InvalidGitRepositoryError"),
    ("process_gone", F.PERMANENT_NOT_FOUND, 0.8, None, "psutil:NoSuchProcess"),
    ("push_expired", F.PERMANENT_NOT_FOUND, 0.8, None,
     "firebase_admin:UnregisteredError exponent_server_sdk:DeviceNotRegisteredError"),
))  # fmt: skip

RULES: tuple[ClassRule, ...] = (*HTTP, *CLOUD, *SERVICES)
