"""Error codes of cloud and API providers.

The codes speak for themselves across vendors (``rate_limit_exceeded``, ``invalid_api_key``), so string codes share
one space ``api``; numeric ones belong to their vendor's package.
"""

from __future__ import annotations

from redrive.taxonomy.rules.codes import code_rules
from redrive.taxonomy.types import FailureType as F

AWS = code_rules(
    "aws",
    "AWS API references, common errors; botocore retry data",
    (
        ("throttled", F.TRANSIENT_RATE_LIMIT, 0.97, None,
         "Throttling ThrottlingException ThrottledException RequestThrottled RequestThrottledException "
         "SlowDown TooManyRequestsException RequestLimitExceeded ProvisionedThroughputExceededException "
         "BandwidthLimitExceeded LimitExceededException PriorRequestNotComplete EC2ThrottledException "
         "TransactionInProgressException ThrottlingError RequestThrottledError MaximumSendingRateExceeded "
         "DailyQuotaExceeded Throttled OverLimit KMSThrottlingException RateExceeded"),
        ("down", F.EXTERNAL_API_DOWN, 0.95, None,
         "ServiceUnavailable ServiceUnavailableException Unavailable 503 502 ServiceUnavailableError "
         "ModelNotReadyException ServerUnavailable"),
        ("timeout", F.EXTERNAL_TIMEOUT, 0.95, None,
         "RequestTimeout RequestTimeoutException ModelTimeoutException 504 IDPCommunicationError"),
        ("internal", F.EXTERNAL_API_ERROR, 0.93, True,
         "InternalError InternalFailure InternalServerError InternalServerException InternalServiceError "
         "InternalServiceException ServiceException InternalException ServiceFailure 500 "
         "ModelErrorException InternalServiceFault"),
        ("clock", F.EXTERNAL_API_ERROR, 0.85, False, "RequestTimeTooSkewed"),
        ("credentials", F.CONFIG_INVALID_SETTING, 0.96, None,
         "InvalidAccessKeyId SignatureDoesNotMatch InvalidClientTokenId UnrecognizedClientException "
         "ExpiredToken ExpiredTokenException InvalidToken AuthFailure IncompleteSignature "
         "InvalidSignatureException InvalidSecurity NotSignedUp InvalidSecurityToken RequestExpired 401 "
         "InvalidAuthenticationToken ExpiredTokenFault TokenRefreshRequired"),
        ("no_credentials", F.CONFIG_MISSING_SETTING, 0.93, None,
         "MissingAuthenticationToken MissingAuthenticationTokenException MissingSecurityHeader "
         "CredentialsNotSupported"),
        ("bad_target", F.CONFIG_INVALID_SETTING, 0.94, None,
         "NoSuchBucket PermanentRedirect AuthorizationHeaderMalformed IllegalLocationConstraintException "
         "AWS.SimpleQueueService.NonExistentQueue QueueDoesNotExist InvalidBucketName QueueDeletedRecently "
         "ResourceNotFoundException NotFoundException ClusterNotFoundException KMS.NotFoundException "
         "NoSuchHostedZone DBInstanceNotFound BucketRegionError 301 TopicNotFound TemplateDoesNotExist "
         "ConfigurationSetDoesNotExist FunctionNotFound NonExistentQueue MailFromDomainNotVerifiedException "
         "MailFromDomainNotVerified RepositoryNotFoundException StateMachineDoesNotExist "
         "InvalidEndpointException"),
        ("subscription", F.CONFIG_MISSING_SERVICE, 0.9, None,
         "OptInRequired SubscriptionRequiredException UnsupportedRegion"),
        ("denied", F.PERMANENT_PERMISSION, 0.95, None,
         "AccessDenied AccessDeniedException UnauthorizedOperation AuthorizationError "
         "AuthorizationErrorException Forbidden 403 NotAuthorized AccountProblem AllAccessDisabled "
         "KMSAccessDeniedException NotAuthorizedException AccountSendingPausedException "
         "KMS.AccessDeniedException OperationNotPermittedException UnauthorizedException AccessDeniedFault"),
        ("not_found", F.PERMANENT_NOT_FOUND, 0.94, None,
         "NoSuchKey 404 NoSuchUpload NoSuchVersion NotFound NoSuchEntity UserNotFoundException "
         "ParameterNotFound InvalidInstanceID.NotFound ImageNotFoundException ExecutionDoesNotExist "
         "NoSuchTagSet SecretNotFound"),
        ("invalid", F.PERMANENT_VALIDATION, 0.93, None,
         "ValidationException ValidationError ConditionalCheckFailedException InvalidParameterValue "
         "InvalidRequest InvalidParameter InvalidArgument EntityTooLarge EntityTooSmall BucketAlreadyExists "
         "BucketAlreadyOwnedByYou MessageRejected InvalidParameterException InvalidParameterCombination "
         "InvalidParameterValueException MissingParameter TransactionCanceledException "
         "ItemCollectionSizeLimitExceeded ItemCollectionSizeLimitExceededException InvalidInput "
         "InvalidRequestException BadRequestException 400 412 PreconditionFailed ResourceInUseException "
         "ResourceAlreadyExistsException ConflictException InvalidDigest BadDigest MalformedXML "
         "InvalidRange KeyTooLongError InvalidPart InvalidPartOrder BatchRequestTooLong "
         "AWS.SimpleQueueService.BatchRequestTooLong InvalidMessageContents InvalidObjectState "
         "RequestEntityTooLargeException UnsupportedMediaTypeException UnsupportedDocumentException "
         "InvalidImageFormatException InvalidS3ObjectException ImageTooLargeException "
         "InvalidFormatException TextSizeLimitExceededException DuplicateItemException "
         "UsernameExistsException AliasExistsException CodeMismatchException ExpiredCodeException "
         "EntityAlreadyExists InvalidPasswordException MetadataTooLarge BadDocumentException "
         "DocumentTooLargeException UnsupportedLanguagePairException 413 422 416 409 InvalidPhoneNumber "
         "EndpointDisabled EndpointDisabledException ReceiptHandleIsInvalid MessageTooLong "
         "AlreadyExistsException InvalidAttributeValue UnprocessableEntityException"),
        ("quota", F.EXTERNAL_API_ERROR, 0.8, False,
         "ServiceQuotaExceededException LimitExceeded InstanceLimitExceeded AddressLimitExceeded "
         "VcpuLimitExceeded"),
        ("capacity", F.EXTERNAL_API_DOWN, 0.85, None, "InsufficientInstanceCapacity InsufficientCapacity"),
        ("logic", F.PERMANENT_LOGIC, 0.85, None,
         "MethodNotAllowed InvalidAction UnknownOperationException SerializationException "
         "InvalidQueryParameter MalformedQueryString NotImplemented UnsupportedOperation "
         "AWS.SimpleQueueService.UnsupportedOperation 405"),
        ("silent", F.UNKNOWN, 0.85, None, "Unknown UnknownError"),
    ),
)  # fmt: skip

API = code_rules(
    "api",
    "error code lists of OpenAI, Anthropic, Stripe, Slack, Google, GitHub, Azure, Salesforce, MinIO, OAuth (RFC 6749) "
    "and others",
    (
        ("rate_limit", F.TRANSIENT_RATE_LIMIT, 0.95, None,
         "rate_limit_exceeded rate_limit_error rate_limited ratelimited ratelimit ratelimitexceeded "
         "userratelimitexceeded dailylimitexceeded quotaexceeded rate_limit ratelimit_exceeded "
         "too_many_requests toomanyrequests toomanyrequestserror request_limit_exceeded throttled "
         "throttling serverbusy requestratetoolarge over_query_limit over_daily_limit servicethrottled "
         "toomanyrequestsexception concurrentlimitexceeded limit_exceeded lock_timeout flood_wait slow_down "
         "throttlingexception requestthrottled dailylimitexceededunreg uploadlimitexceeded "
         "rate_limits_exceeded throttlederror slowdown applicationthrottled mailboxconcurrency "
         "activitylimitreached api_rate_limit_exceeded errorexceededconnectioncount errorservertoobusy"),
        ("money", F.EXTERNAL_API_ERROR, 0.92, False,
         "insufficient_space insufficient_quota billing_hard_limit_reached billing_not_active "
         "payment_required billing_error credit_balance_too_low"),
        ("down", F.EXTERNAL_API_DOWN, 0.94, None,
         "overloaded_error overloaded service_unavailable serviceunavailable temporarily_unavailable "
         "server_unavailable backenderror engine_overloaded service_not_available temporarilyunavailable "
         "maintenance model_overloaded server_busy unavailable"),
        ("timeout", F.EXTERNAL_TIMEOUT, 0.93, None,
         "operationtimedout request_timeout gateway_timeout timeout_error etimedout gatewaytimeout timeout "
         "deadline_exceeded query_timeout"),
        ("internal", F.EXTERNAL_API_ERROR, 0.9, True,
         "unable_to_lock_row server_error internal_server_error internalerror internal_error "
         "soap:server soap-env:server soapenv:server s:server env:receiver s:receiver "
         "internalservererror internal fatal_error api_error unknown_exception apiexception unknown_error"),
        ("credentials", F.CONFIG_INVALID_SETTING, 0.94, None,
         "invalid_api_key invalid_auth account_inactive authentication_error authenticationfailed "
         "invalid_client unauthorized_client invalid_session_id expired_api_key invalidauthenticationinfo "
         "invalid_credentials autherror invalid_login invalid_authentication invalidaccesskeyid "
         "signaturedoesnotmatch api_key_invalid keyinvalid bad_credentials invalidaccounttype "
         "invalid_access_token invalidauthenticationtoken invalidsubscriptionkey user_authentication_failed "
         "org_login_required apikeyinvalid"),
        ("no_credentials", F.CONFIG_MISSING_SETTING, 0.94, None,
         "not_authed missing_api_key missing_authorization_header authorization_required no_api_key "
         "missing_credentials"),
        ("bad_target", F.CONFIG_INVALID_SETTING, 0.93, None,
         "model_not_found containernotfound nosuchbucket index_not_found_exception index_not_found "
         "invalid_model deployment_not_found deploymentnotfound no_such_index collection_not_found "
         "queuenotfound sharenotfound accountnotfound database_not_found tablenotfound filesystemnotfound "
         "resourcecontainernotfound"),
        ("not_enabled", F.CONFIG_MISSING_SERVICE, 0.94, None,
         "accessnotconfigured service_disabled api_not_enabled servicedisabled api_disabled_for_org "
         "accessnotconfigured. api_disabled"),
        ("permission", F.PERMANENT_PERMISSION, 0.93, None,
         "expired_access_token permission_denied permission_error forbidden insufficient_permissions "
         "insufficientpermissions access_denied accessdenied missing_scope invalid_grant token_revoked "
         "token_expired authorizationpermissionmismatch authorizationfailure not_allowed_token_type "
         "restricted_action insufficient_access insufficient_scope insufficientaccountpermissions "
         "insufficient_access_or_readonly no_permission account_restricted accountisdisabled "
         "ekm_access_denied user_is_restricted cannot_dm_bot not_in_channel "
         "unsupported_country_region_territory authorizationfailed subscription_inactive domainpolicy "
         "appnotauthorizedtofile cannotdownloadabusivefile team_access_not_granted token_invalidated "
         "insufficient_access_on_cross_reference_entity consent_required login_required "
         "interaction_required"),
        ("not_found", F.PERMANENT_NOT_FOUND, 0.93, None,
         "resource_missing not_found notfound blobnotfound channel_not_found user_not_found users_not_found "
         "message_not_found file_not_found file_deleted nosuchkey resourcenotfound entity_is_deleted "
         "no_such_user objectnotfound resource_not_found record_not_found itemnotfound not_found_error "
         "zero_results erroritemnotfound document_not_found entitynotfound page_not_found thread_not_found "
         "no_such_key path/not_found request_resourcenotfound entity_not_found parentnotfound pathnotfound "
         "point_not_found subscription_not_found"),
        ("declined", F.PERMANENT_VALIDATION, 0.95, None,
         "card_declined expired_card incorrect_cvc insufficient_funds generic_decline card_error "
         "incorrect_number processing_error lost_card do_not_honor authentication_required "
         "invalid_card_type"),
        ("invalid", F.PERMANENT_VALIDATION, 0.92, None,
         "context_length_exceeded invalid_request_error string_above_max_length content_filter "
         "content_policy_violation parameter_invalid_empty parameter_missing amount_too_small "
         "blobalreadyexists leaseidmissing mapper_parsing_exception version_conflict_engine_exception "
         "resource_already_exists_exception document_parsing_exception strict_dynamic_mapping_exception "
         "msg_too_long no_text invalid_blocks invalid_arguments invalid_field duplicate_value "
         "required_field_missing string_too_long malformed_id invalid_cross_reference_key "
         "invalid_or_null_for_restricted_picklist field_custom_validation_exception "
         "field_filter_validation_exception already_exists conditionnotmet invalid validation_error "
         "validation_failed bad_request invalidargument invalid_argument already_in_channel invalidinput "
         "unprocessable_entity invalid_parameter duplicates_detected duplicate_external_id "
         "idempotency_error invalid_blocks_format invalid_attachments request_too_large badrequest "
         "invalidparameter requestbodytoolarge invalidblobtype unsupported_file leasealreadypresent "
         "invalid_image_format image_too_large missing_required_parameter unsupported_parameter "
         "invalid_prompt max_tokens_exceeded amount_too_large email_invalid phone_number_invalid "
         "url_invalid country_unsupported invalid_characters invalid_document_id invalid_document_fields "
         "missing_document_id payload_too_large max_fields_size_exceeded charge_already_refunded "
         "resource_already_exists is_archived parameter_invalid invalidresourcename outofrangeinput "
         "entityalreadyexists resourceexistserror notunique required invalidvalue fieldinvalid "
         "unprocessable duplicate invalid_email unsupportedmediatype invalid_recipient invalidrecipients "
         "errorinvalidrecipients"),
        ("logic", F.PERMANENT_LOGIC, 0.85, None,
         "method_not_allowed unknown_method malformed_query parsing_exception parameter_unknown "
         "methodnotallowed method_not_supported_for_channel_type deprecated_endpoint invalid_type "
         "unsupported_grant_type missing_post_type method_deprecated invalidapiversion unsupportedhttpverb"),
        ("full", F.SYSTEM_DISK_FULL, 0.95, None,
         "xminiostoragefull disk_full no_space_left_on_device storage_full index_create_block_exception "
         "xminiodiskfull"),
        ("own_memory", F.SYSTEM_OUT_OF_MEMORY, 0.95, None, "circuit_breaking_exception circuit_breaker"),
        ("own_busy", F.TRANSIENT_DATABASE, 0.94, None,
         "es_rejected_execution_exception master_not_discovered_exception "
         "no_shard_available_action_exception node_not_connected_exception "
         "process_cluster_event_timeout_exception cluster_manager_not_discovered_exception "
         "receive_timeout_transport_exception unavailable_shards_exception rejected_execution_exception "
         "index_primary_shard_not_allocated_exception"),
        ("airflow", F.CONFIG_MISSING_SETTING, 0.95, None, "variable_not_found connection_not_found"),
    ),
)  # fmt: skip

TWILIO = code_rules(
    "twilio",
    "Twilio error and warning dictionary",
    (
        ("rate", F.TRANSIENT_RATE_LIMIT, 0.96, None, "20429 14107 63018 21611 30001 30022 63038 30023"),
        ("auth", F.CONFIG_INVALID_SETTING, 0.96, None,
         "20003 20004 20005 20101 21606 21607 21603 21659 21660 21212 63007"),
        ("permission", F.PERMANENT_PERMISSION, 0.95, None,
         "21408 21610 21608 21215 21216 20006 30004 30002 30007"),
        ("not_found", F.PERMANENT_NOT_FOUND, 0.93, None, "20404"),
        ("invalid", F.PERMANENT_VALIDATION, 0.95, None,
         "21211 21214 21217 21401 21421 21602 21604 21605 21612 21614 21617 21619 60200 60203 60202 21609 "
         "30003 30005 30006 63016 21654 21656 21655"),
        ("server", F.EXTERNAL_API_ERROR, 0.93, True, "20500 30008"),
        ("down", F.EXTERNAL_API_DOWN, 0.93, True, "20503"),
    ),
)  # fmt: skip

NUMBERS = (
    *code_rules("tweepy", "X API error codes", (
        ("rate", F.TRANSIENT_RATE_LIMIT, 0.95, None, "88 185 420"),
        ("auth", F.CONFIG_INVALID_SETTING, 0.93, None, "32 89 99 135 215 416"),
        ("permission", F.PERMANENT_PERMISSION, 0.92, None, "63 64 87 93 136 179 220 226 261 326 453"),
        ("missing", F.PERMANENT_NOT_FOUND, 0.92, None, "17 34 50 144 421 422 108"),
        ("invalid", F.PERMANENT_VALIDATION, 0.92, None, "44 186 187 324 327 354 139"),
        ("down", F.EXTERNAL_API_DOWN, 0.92, None, "130"),
        ("internal", F.EXTERNAL_API_ERROR, 0.9, True, "131"),
    )),
    *code_rules("facebook_business", "Meta Graph API error codes", (
        ("rate", F.TRANSIENT_RATE_LIMIT, 0.95, None,
         "4 17 32 341 613 80000 80001 80002 80003 80004 80005 80006 80008"),
        ("token", F.PERMANENT_PERMISSION, 0.9, None, "190 102 3 10 200 294 299 368"),
        ("down", F.EXTERNAL_API_DOWN, 0.9, True, "2"),
        ("internal", F.EXTERNAL_API_ERROR, 0.88, True, "1"),
        ("invalid", F.PERMANENT_VALIDATION, 0.88, None, "100 506 1609005"),
    )),
    *code_rules("discord", "Discord API JSON error codes", (
        ("permission", F.PERMANENT_PERMISSION, 0.95, None, "50001 50013 50007 50005 40007"),
        ("missing", F.PERMANENT_NOT_FOUND, 0.95, None,
         "10003 10004 10007 10008 10011 10013 10014 10015 10062"),
        ("invalid", F.PERMANENT_VALIDATION, 0.95, None, "50035 50006 40005 50016 50109"),
        ("auth", F.CONFIG_INVALID_SETTING, 0.95, None, "50014 40001"),
    )),
)  # fmt: skip

RULES = (*AWS, *API, *TWILIO, *NUMBERS)
