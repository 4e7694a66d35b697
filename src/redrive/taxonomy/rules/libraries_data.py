"""Classes of parsers, validators, crypto and number crunching."""

from __future__ import annotations

from redrive.taxonomy.rules.library_rules import library_rules as _of
from redrive.taxonomy.rules.rule import ClassRule
from redrive.taxonomy.types import FailureType as F

DATA = _of("data", "the parsers', validators' and crypto libraries' exception hierarchies", (
    ("pydantic_settings", F.CONFIG_INVALID_SETTING, 0.9, None,
     "pydantic_settings:SettingsError environs:EnvError environs:EnvValidationError dynaconf:ValidationError"),
    ("missing_value", F.CONFIG_MISSING_SETTING, 0.94, None,
     "decouple:UndefinedValueError omegaconf:MissingMandatoryValue"),
    ("validation", F.PERMANENT_VALIDATION, 0.94, None,
     "pydantic:ValidationError pydantic_core:ValidationError marshmallow:ValidationError "
     "jsonschema:ValidationError cerberus:DocumentError voluptuous:Invalid schema:SchemaError "
     "schematics:DataError wtforms:ValidationError fastjsonschema:JsonSchemaValueException attr:Invalid "
     "phonenumbers:NumberParseException email_validator:EmailNotValidError avro:AvroException "
     "fastavro:ValidationError xmlschema:XMLSchemaException stdnum:ValidationError "
     "google.protobuf:DecodeError google.protobuf:ParseError phonenumber_field:ValidationError "
     "babel:UnknownLocaleError pandera:SchemaError pandera:SchemaErrors great_expectations:ValidationError "
     "validators:ValidationError colander:Invalid cattrs:ClassValidationError msgspec:ValidationError "
     "msgspec:DecodeError"),
    ("schema_itself", F.PERMANENT_LOGIC, 0.9, None,
     "jsonschema:SchemaError pydantic:PydanticUserError pydantic:PydanticSchemaGenerationError "
     "pydantic:PydanticUndefinedAnnotation marshmallow:RegistryError"),
    ("document", F.PERMANENT_VALIDATION, 0.93, None,
     "PIL:UnidentifiedImageError PIL:DecompressionBombError pypdf:PdfReadError "
     "pypdf:PyPdfError pikepdf:PdfError pikepdf:PasswordError pdfminer:PDFSyntaxError "
     "pdfminer:PSException fitz:FileDataError fitz:EmptyFileError "
     "openpyxl:InvalidFileException xlrd:XLRDError docx:PackageNotFoundError "
     "pdf2image:PDFPageCountError pdf2image:PDFSyntaxError pandas:ParserError pandas:EmptyDataError "
     "yaml:YAMLError ruamel:YAMLError toml:TomlDecodeError lxml:XMLSyntaxError lxml:DocumentInvalid "
     "lxml:ParserError simplejson:JSONDecodeError orjson:JSONDecodeError msgpack:UnpackException "
     "rarfile:Error py7zr:Bad7zFile py7zr:ArchiveError mutagen:MutagenError eyed3:Error "
     "soundfile:LibsndfileError pydub:CouldntDecodeError audioread:DecodeError shapely:GEOSException "
     "shapely:ShapelyError rasterio:RasterioIOError geojson:Error ijson:JSONError tablib:InvalidDimensions "
     "tablib:UnsupportedFormat pyarrow:ArrowInvalid ocrmypdf:EncryptedPdfError ocrmypdf:InputFileError "
     "ocrmypdf:PriorOcrFoundError ocrmypdf:UnsupportedImageFormatError ocrmypdf:DigitalSignatureError "
     "defusedxml:DefusedXmlException dateutil:ParserError cbor2:CBORDecodeError pydicom:InvalidDicomError "
     "arrow:ParserError pendulum:ParserError vobject:ParseError vobject:VObjectError "
     "babel:NumberFormatError wand:CorruptImageError extract_msg:InvalidFileFormatError zstandard:ZstdError"),
    ("missing_tool", F.CONFIG_MISSING_SERVICE, 0.95, None,
     "ocrmypdf:MissingDependencyError pytesseract:TesseractNotFoundError pdf2image:PDFInfoNotInstalledError "
     "pdf2image:PopplerNotInstalledError wand:MissingDelegateError rarfile:RarCannotExec "
     "bs4:FeatureNotFound sh:CommandNotFound graphviz:ExecutableNotFound"),
    ("frame_logic", F.PERMANENT_LOGIC, 0.85, None,
     "pandas:MergeError pandas:InvalidIndexError pandas:SpecificationError pandas:UndefinedVariableError "
     "numpy:AxisError numpy:LinAlgError numpy:UFuncTypeError numpy.exceptions:AxisError "
     "numpy.linalg:LinAlgError polars:ShapeError polars:SchemaError "
     "polars:InvalidOperationError pyarrow:ArrowTypeError pyarrow:ArrowNotImplementedError "
     "pyarrow:ArrowKeyError sklearn:NotFittedError pandas:UnsupportedFunctionCall xarray:MergeError"),
    ("frame_data", F.PERMANENT_VALIDATION, 0.88, None,
     "pandas:OutOfBoundsDatetime pandas:IntCastingNaNError polars:ComputeError polars:NoDataError "
     "polars:ColumnNotFoundError"),
    ("arrow_memory", F.SYSTEM_OUT_OF_MEMORY, 0.97, None,
     "tensorflow:ResourceExhaustedError pyarrow:ArrowMemoryError torch:OutOfMemoryError "
     "torch.cuda:OutOfMemoryError"),
    ("arrow_io", F.UNKNOWN, 0.4, None, "pyarrow:ArrowException"),
    ("jwt_key", F.CONFIG_INVALID_SETTING, 0.92, None, "jwt:InvalidKeyError jose:JWKError"),
    ("jwt_rights", F.PERMANENT_PERMISSION, 0.9, None,
     "jwt:InvalidSignatureError jwt:ImmatureSignatureError jwt:InvalidAudienceError jwt:InvalidIssuerError "
     "jwt:InvalidIssuedAtError jwt:MissingRequiredClaimError jwt:ExpiredSignatureError jose:JWTClaimsError "
     "jose:JWTError jwt:InvalidTokenError authlib:JoseError jose:ExpiredSignatureError"),
    ("jwt_malformed", F.PERMANENT_VALIDATION, 0.88, None,
     "jwt:DecodeError authlib:DecodeError"),
    ("jwt_algorithm", F.PERMANENT_PERMISSION, 0.6, None, "jwt:InvalidAlgorithmError"),
    ("jwt_keys_fetch", F.EXTERNAL_API_ERROR, 0.6, None, "jwt:PyJWKClientError"),
    ("feed", F.PERMANENT_VALIDATION, 0.85, None,
     "feedparser:NonXMLContentType feedparser:CharacterEncodingUnknown"),
    ("undecryptable", F.CONFIG_INVALID_SETTING, 0.78, None,
     "cryptography:InvalidToken cryptography:InvalidTag nacl:CryptoError"),
    ("crypto_key", F.CONFIG_INVALID_SETTING, 0.8, None,
     "cryptography:UnsupportedAlgorithm cryptography:InvalidKey OpenSSL:Error"),
    ("crypto_signature", F.PERMANENT_VALIDATION, 0.75, None,
     "cryptography:InvalidSignature nacl:BadSignatureError"),
    ("oauth_client", F.CONFIG_INVALID_SETTING, 0.92, None,
     "oauthlib:InvalidClientError oauthlib:UnauthorizedClientError oauthlib:InvalidClientIdError "
     "oauthlib:MismatchingRedirectURIError"),
    ("oauth_grant", F.PERMANENT_PERMISSION, 0.9, None,
     "oauthlib:InvalidGrantError oauthlib:TokenExpiredError oauthlib:AccessDeniedError "
     "oauthlib:InsufficientScopeError"),
    ("oauth_missing", F.EXTERNAL_API_ERROR, 0.55, None,
     "oauthlib:MissingTokenError oauthlib:OAuth2Error authlib:OAuthError"),
    ("oauth_server", F.EXTERNAL_API_ERROR, 0.8, True, "oauthlib:ServerError"),
    ("oauth_down", F.EXTERNAL_API_DOWN, 0.9, None, "oauthlib:TemporarilyUnavailableError"),
    ("archive_outside", F.PERMANENT_VALIDATION, 0.9, None, "tarfile:OutsideDestinationError"),
    ("model_hub", F.CONFIG_INVALID_SETTING, 0.85, None,
     "huggingface_hub:RepositoryNotFoundError huggingface_hub:RevisionNotFoundError "
     "huggingface_hub:HFValidationError"),
    ("model_entry", F.PERMANENT_NOT_FOUND, 0.7, None, "huggingface_hub:EntryNotFoundError"),
    ("zone", F.PERMANENT_VALIDATION, 0.85, None,
     "pytz:UnknownTimeZoneError pytz:AmbiguousTimeError pytz:NonExistentTimeError"),
    ("state_machine", F.PERMANENT_LOGIC, 0.9, None,
     "django_fsm:TransitionNotAllowed transitions:MachineError statemachine:TransitionNotAllowed"),
    ("airflow_skip", F.UNKNOWN, 0.6, None, "airflow:AirflowSkipException airflow:AirflowFailException"),
    ("airflow_missing", F.CONFIG_MISSING_SETTING, 0.92, None, "airflow:AirflowNotFoundException"),
    ("airflow_timeout", F.EXTERNAL_TIMEOUT, 0.88, None,
     "airflow:AirflowTaskTimeout airflow:AirflowSensorTimeout"),
    ("airflow_config", F.CONFIG_INVALID_SETTING, 0.9, None, "airflow:AirflowConfigException"),
    ("spark", F.UNKNOWN, 0.4, None, "py4j:Py4JJavaError py4j:Py4JError"),
    ("spark_network", F.TRANSIENT_NETWORK, 0.88, None, "py4j:Py4JNetworkError"),
    ("spark_logic", F.PERMANENT_LOGIC, 0.85, None,
     "pyspark:AnalysisException pyspark:ParseException pyspark:PythonException"),
))  # fmt: skip

RULES: tuple[ClassRule, ...] = (*DATA,)
