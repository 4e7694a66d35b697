"""SQL servers: what their error codes mean.

SQLSTATE is read before the message because it is the same in every language.
"""

from __future__ import annotations

from redrive.taxonomy.rules.rule import CodeRule, one_of
from redrive.taxonomy.types import FailureType as F

_PG = "PostgreSQL manual, appendix A (error codes)"
_MY = "MySQL reference, server and client error message reference"
_ORA = "Oracle Database error messages; python-oracledb errors.py"
_MS = "SQL Server database engine events and errors"
_LITE = "SQLite result codes"


def _rules(
    space: str, source: str, rows: tuple[tuple[str, F, float, bool | None, str], ...]
) -> tuple[CodeRule, ...]:
    return tuple(
        CodeRule(
            id=f"{space}.{name}",
            space=space,
            codes=one_of(codes),
            says=says,
            trust=trust,
            retry=retry,
            source=source,
        )
        for name, says, trust, retry, codes in rows
    )


SQLSTATE = _rules(
    "sqlstate",
    _PG,
    (
        ("disk_full", F.SYSTEM_DISK_FULL, 0.97, None, "53100"),
        ("configuration_limit", F.SYSTEM_DISK_FULL, 0.9, None, "53400"),
        ("out_of_memory", F.SYSTEM_OUT_OF_MEMORY, 0.94, None, "53200"),
        ("deadlock", F.TRANSIENT_DATABASE, 0.98, None, "40P01 40001 40000 40003"),
        ("integrity_rollback", F.PERMANENT_VALIDATION, 0.8, None, "40002"),
        ("lock_not_available", F.TRANSIENT_DATABASE, 0.98, None, "55P03 55006"),
        ("object_state", F.PERMANENT_LOGIC, 0.8, None, "55000 55P02 55P04"),
        ("query_canceled", F.TRANSIENT_DATABASE, 0.98, None, "57014"),
        ("shutdown_or_starting", F.TRANSIENT_DATABASE, 0.98, None, "57P01 57P02 57P03 57P05 57000"),
        ("database_dropped", F.CONFIG_INVALID_SETTING, 0.85, None, "57P04"),
        ("connection", F.TRANSIENT_DATABASE, 0.96, None,
         "08000 08001 08003 08004 08006 08007 08S01 08 HYT00 HYT01"),
        ("protocol", F.TRANSIENT_DATABASE, 0.75, None, "08P01"),
        ("too_many_connections", F.TRANSIENT_DATABASE, 0.98, None, "53300 53000"),
        ("idle_or_transaction_timeout", F.TRANSIENT_DATABASE, 0.97, None, "25P03 25P04"),
        ("read_only", F.TRANSIENT_DATABASE, 0.93, True, "25006"),
        ("transaction_aborted", F.PERMANENT_LOGIC, 0.95, None, "25P02"),
        ("transaction_state", F.PERMANENT_LOGIC, 0.93, None,
         "25000 25001 25002 25003 25005 25007 25P01 2D000 3B001 24000"),
        ("io_error", F.UNKNOWN, 0.6, None, "58000 58030"),
        ("missing_file_on_server", F.CONFIG_MISSING_SERVICE, 0.75, None, "58P01"),
        ("internal", F.UNKNOWN, 0.55, None, "XX000"),
        ("corrupted", F.UNKNOWN, 0.6, None, "XX001 XX002"),
        ("statement_too_complex", F.PERMANENT_LOGIC, 0.85, None, "54000 54001 54011 54023"),
        ("constraint", F.PERMANENT_VALIDATION, 0.95, None,
         "23000 23001 23502 23503 23505 23514 23P01 23 44000"),
        ("division_by_zero", F.PERMANENT_LOGIC, 0.95, None, "22012"),
        ("datatype_or_argument", F.PERMANENT_LOGIC, 0.8, None,
         "2202E 22013 22014 22016 2201E 2201F 2201W 2201X 22005"),
        ("data", F.PERMANENT_VALIDATION, 0.95, None,
         "22001 22003 22007 22008 22P02 22P03 22P04 22P05 22021 22004 22018 22023 22030 22032 22033 22035 "
         "22000 22 22026 2200L 2200M 2200N 2200S 22019 2201B 22009 22011 22015"),
        ("missing_relation", F.CONFIG_INVALID_SETTING, 0.95, None,
         "42P01 42703 3F000 42S02 42S22 42704 42P02"),
        ("missing_function", F.PERMANENT_LOGIC, 0.85, None, "42883"),
        ("missing_database", F.CONFIG_INVALID_SETTING, 0.96, None,
         "3D000 28000 28P01 0P000 0L000 08P02 IM002"),
        ("privilege", F.PERMANENT_PERMISSION, 0.95, None, "42501"),
        ("syntax_or_type", F.PERMANENT_LOGIC, 0.92, None,
         "42601 42804 42P10 42702 42725 42803 42P18 42P08 42846 42P07 42701 42710 42P06 42P09 42712 42P03 "
         "42P05 42P11 42P12 42P13 42P14 42P15 42P16 42P17 42P19 42P20 42P21 42P22 42611 42622 42602 42830 "
         "42809 42723 42939 42000 42 07001 07002 07006 07009 21000 0A000 26000 34000 HY010 HY003 HY004 "
         "HY090 HY104 HY105 IM001 42S01 42S21 42S11 42S12"),
        ("file_missing_on_server", F.CONFIG_MISSING_SERVICE, 0.8, None, "58P02 F0000"),
        ("raised_by_function", F.PERMANENT_VALIDATION, 0.7, None, "P0001 P0004"),
        ("no_or_many_rows", F.PERMANENT_NOT_FOUND, 0.8, None, "P0002 02000"),
        ("too_many_rows", F.PERMANENT_LOGIC, 0.85, None, "P0003"),
        ("driver_not_found", F.CONFIG_MISSING_SERVICE, 0.9, None, "IM003 IM004 01000"),
    ),
)  # fmt: skip

POSTGRES_CLASSES: dict[str, str] = dict(
    pair.split("=")
    for pair in [
        "DiskFull=53100",
        "OutOfMemory=53200",
        "TooManyConnections=53300",
        "ConfigurationLimitExceeded=53400",
        "InsufficientResources=53000",
        "DeadlockDetected=40P01",
        "SerializationFailure=40001",
        "Serialization=40001",
        "TransactionRollback=40000",
        "StatementCompletionUnknown=40003",
        "LockNotAvailable=55P03",
        "ObjectInUse=55006",
        "QueryCanceled=57014",
        "AdminShutdown=57P01",
        "CrashShutdown=57P02",
        "CannotConnectNow=57P03",
        "IdleSessionTimeout=57P05",
        "DatabaseDropped=57P04",
        "ConnectionException=08000",
        "SqlclientUnableToEstablishSqlconnection=08001",
        "ConnectionDoesNotExist=08003",
        "ConnectionFailure=08006",
        "ProtocolViolation=08P01",
        "SqlserverRejectedEstablishmentOfSqlconnection=08004",
        "TransactionResolutionUnknown=08007",
        "ConnectionRejection=08004",
        "PostgresConnection=08000",
        "ClientCannotConnect=08001",
        "IdleInTransactionSessionTimeout=25P03",
        "TransactionTimeout=25P04",
        "ReadOnlySqlTransaction=25006",
        "ReadOnlySQLTransaction=25006",
        "InFailedSqlTransaction=25P02",
        "InFailedSQLTransaction=25P02",
        "ActiveSqlTransaction=25001",
        "ActiveSQLTransaction=25001",
        "NoActiveSqlTransaction=25P01",
        "UniqueViolation=23505",
        "NotNullViolation=23502",
        "ForeignKeyViolation=23503",
        "CheckViolation=23514",
        "ExclusionViolation=23P01",
        "RestrictViolation=23001",
        "IntegrityConstraintViolation=23000",
        "StringDataRightTruncation=22001",
        "NumericValueOutOfRange=22003",
        "InvalidDatetimeFormat=22007",
        "DatetimeFieldOverflow=22008",
        "InvalidTextRepresentation=22P02",
        "InvalidBinaryRepresentation=22P03",
        "BadCopyFileFormat=22P04",
        "UntranslatableCharacter=22P05",
        "CharacterNotInRepertoire=22021",
        "NullValueNotAllowed=22004",
        "InvalidParameterValue=22023",
        "DivisionByZero=22012",
        "InvalidRegularExpression=2201B",
        "DataException=22000",
        "InvalidJsonText=22032",
        "UndefinedTable=42P01",
        "UndefinedColumn=42703",
        "UndefinedObject=42704",
        "UndefinedFunction=42883",
        "InvalidSchemaName=3F000",
        "InvalidCatalogName=3D000",
        "InvalidPassword=28P01",
        "InvalidAuthorizationSpecification=28000",
        "InsufficientPrivilege=42501",
        "SyntaxError=42601",
        "SyntaxErrorOrAccessRuleViolation=42000",
        "DatatypeMismatch=42804",
        "AmbiguousColumn=42702",
        "AmbiguousFunction=42725",
        "GroupingError=42803",
        "Grouping=42803",
        "DuplicateTable=42P07",
        "DuplicateColumn=42701",
        "DuplicateObject=42710",
        "DuplicateDatabase=42P04",
        "InvalidColumnReference=42P10",
        "IndeterminateDatatype=42P18",
        "CannotCoerce=42846",
        "WrongObjectType=42809",
        "CardinalityViolation=21000",
        "FeatureNotSupported=0A000",
        "InvalidSqlStatementName=26000",
        "InvalidSQLStatementName=26000",
        "ObjectNotInPrerequisiteState=55000",
        "ProgramLimitExceeded=54000",
        "StatementTooComplex=54001",
        "TooManyColumns=54011",
        "TooManyArguments=54023",
        "IoError=58030",
        "PostgresIO=58030",
        "UndefinedFile=58P01",
        "InternalError_=XX000",
        "InternalServer=XX000",
        "DataCorrupted=XX001",
        "IndexCorrupted=XX002",
        "RaiseException=P0001",
        "Raise=P0001",
        "AssertFailure=P0004",
        "NoDataFound=P0002",
        "TooManyRows=P0003",
        "InvalidCursorName=34000",
        "InvalidCursorState=24000",
        "InvalidTransactionState=25000",
    ]
)
"""SQLSTATE by the class name psycopg and asyncpg give it (asyncpg appends ``Error``)."""

MYSQL = _rules(
    "mysql",
    _MY,
    (
        ("deadlock", F.TRANSIENT_DATABASE, 0.98, None, "1213 1205 3572 3058 1614 1689 3101 1637"),
        ("too_many_connections", F.TRANSIENT_DATABASE, 0.97, None, "1040 1203 1226 1129 3032"),
        ("lost", F.TRANSIENT_DATABASE, 0.97, None,
         "2002 2003 2006 2013 2055 1053 1077 1079 1152 1158 1159 1160 1161 1184 1927 4031 2012 2048 3024 "
         "1317 1969 1028 1223 3100 1047"),
        ("read_only", F.TRANSIENT_DATABASE, 0.92, True, "1290 1792 1836 3989"),
        ("unknown_host", F.TRANSIENT_NETWORK, 0.92, None, "2005"),
        ("out_of_memory", F.SYSTEM_OUT_OF_MEMORY, 0.95, None, "1037 1038 1041 2008 5 3170"),
        ("disk_full", F.SYSTEM_DISK_FULL, 0.96, None, "1021 1114 3 3675"),
        ("access_denied", F.CONFIG_INVALID_SETTING, 0.96, None,
         "1045 1049 1046 1130 1131 1132 1133 1251 1524 1698 1820 1862 2049 2058 2059 2061 2026 3118 3955 "
         "1193 1115 1273"),
        ("privilege", F.PERMANENT_PERMISSION, 0.95, None, "1044 1142 1143 1227 1370 1410 1419 1095 1211"),
        ("missing_table", F.CONFIG_INVALID_SETTING, 0.95, None,
         "1146 1054 1051 1109 1305 1176 1932 1091 1072"),
        ("constraint", F.PERMANENT_VALIDATION, 0.95, None,
         "1062 1048 1452 1216 1586 3819 4025 1364 1022 1169 1557"),
        ("referenced", F.PERMANENT_LOGIC, 0.95, None, "1451 1217"),
        ("data", F.PERMANENT_VALIDATION, 0.95, None,
         "1406 1264 1366 1292 1265 1411 1300 3140 3141 1153 1416 3037 1367 3903 1467 1690 2020 1301"),
        ("logic", F.PERMANENT_LOGIC, 0.93, None,
         "1064 1052 1065 1066 1093 1111 1136 1140 1055 1056 1060 1061 1050 1007 1008 1110 1222 1241 1242 "
         "1248 1318 1327 1365 1582 2014 2030 2031 2034 1210 1243 1295 1436 1235 1070 1071 1074 1075 1118 "
         "1137 1215 1221 1267 1271 1068 1128 3065 4078 3822"),
    ),
)  # fmt: skip

ORACLE = _rules(
    "oracle",
    _ORA,
    (
        ("deadlock", F.TRANSIENT_DATABASE, 0.97, None,
         "ORA-00060 ORA-00054 ORA-08177 ORA-30006 ORA-04021 ORA-02049 ORA-01555 ORA-08176 ORA-04068 "
         "ORA-04020 ORA-08103 ORA-12829"),
        ("connection", F.TRANSIENT_DATABASE, 0.96, None,
         "ORA-03113 ORA-03114 ORA-03135 ORA-12541 ORA-12537 ORA-12170 ORA-12547 ORA-12571 ORA-12153 "
         "ORA-12152 ORA-12560 ORA-12543 ORA-12535 ORA-12516 ORA-12518 ORA-12519 ORA-12520 ORA-12528 "
         "ORA-12526 ORA-12606 ORA-12592 ORA-01033 ORA-01034 ORA-01089 ORA-01090 ORA-01092 ORA-00028 "
         "ORA-00018 ORA-00020 ORA-01013 ORA-02391 ORA-02396 ORA-02399 ORA-03136 ORA-25408 ORA-25401 "
         "ORA-25402 ORA-27101 ORA-01109 ORA-12525 ORA-02392 ORA-24418 ORA-24459 ORA-24457 ORA-16456 "
         "ORA-16000 ORA-00051 ORA-01012 ORA-25405 DPY-1001 DPY-4011 DPY-6005 DPY-4005 DPY-4024 DPY-6000 "
         "DPI-1067 DPI-1080 DPI-1010 ORA-03156 DPY-1003"),
        ("out_of_memory", F.SYSTEM_OUT_OF_MEMORY, 0.95, None, "ORA-04030 ORA-04031 ORA-04036 ORA-27102"),
        ("disk_full", F.SYSTEM_DISK_FULL, 0.96, None,
         "ORA-01653 ORA-01652 ORA-01654 ORA-01536 ORA-00257 ORA-01688 ORA-01691 ORA-01692 ORA-30036 "
         "ORA-19809 ORA-19815 ORA-01650 ORA-01658 ORA-01659 ORA-19504 ORA-27072 ORA-12954"),
        ("login", F.CONFIG_INVALID_SETTING, 0.96, None,
         "ORA-01017 ORA-28000 ORA-28001 ORA-12514 ORA-12505 ORA-12154 ORA-12504 ORA-01045 ORA-28040 "
         "ORA-12521 ORA-12523 ORA-12638 ORA-12545 TNS-03505 ORA-28009 ORA-12546 ORA-00942 ORA-00904 "
         "ORA-04043 ORA-04063 ORA-01918 ORA-12533 ORA-12532 ORA-28002 ORA-01435 DPY-4000 DPY-4027 DPY-4026 "
         "DPY-6001 DPY-6003 DPY-4028 DPY-4029 DPY-4017 DPY-4018 DPY-3010 DPY-3015 DPY-4022 ORA-02019 "
         "ORA-02289 ORA-01080 ORA-06564 ORA-28759 ORA-29024 ORA-28860"),
        ("no_credentials", F.CONFIG_MISSING_SETTING, 0.94, None, "ORA-01005 DPY-4001 DPY-2023 DPY-4014"),
        ("client_missing", F.CONFIG_MISSING_SERVICE, 0.95, None, "DPI-1047 DPI-1072 DPI-1050 DPY-2053"),
        ("privilege", F.PERMANENT_PERMISSION, 0.95, None,
         "ORA-01031 ORA-00990 ORA-01950 ORA-28115 ORA-41900"),
        ("constraint", F.PERMANENT_VALIDATION, 0.95, None,
         "ORA-00001 ORA-01400 ORA-02291 ORA-02290 ORA-01407 ORA-12899 ORA-01438 ORA-01722 ORA-01843 "
         "ORA-01861 ORA-01830 ORA-01858 ORA-01840 ORA-01847 ORA-01841 ORA-01839 ORA-01401 ORA-01426 "
         "ORA-06502 ORA-01489 ORA-40441 ORA-01850 ORA-01854 ORA-01862 ORA-32795 ORA-20001 ORA-20000 "
         "ORA-01461 ORA-24381 DPY-4004 DPY-3013"),
        ("referenced", F.PERMANENT_LOGIC, 0.94, None, "ORA-02292 ORA-02266 ORA-02449"),
        ("no_data", F.PERMANENT_NOT_FOUND, 0.9, None, "ORA-01403 ORA-22275 ORA-31001"),
        ("logic", F.PERMANENT_LOGIC, 0.92, None,
         "ORA-00900 ORA-00907 ORA-00911 ORA-00923 ORA-00933 ORA-00936 ORA-00903 ORA-00905 ORA-00906 "
         "ORA-00908 ORA-00917 ORA-00918 ORA-00920 ORA-00921 ORA-00924 ORA-00927 ORA-00928 ORA-00932 "
         "ORA-00937 ORA-00939 ORA-00955 ORA-00957 ORA-00972 ORA-00979 ORA-01006 ORA-01008 ORA-01036 "
         "ORA-01476 ORA-01427 ORA-01422 ORA-01756 ORA-01745 ORA-01747 ORA-01789 ORA-01790 ORA-01795 "
         "ORA-06550 ORA-06512 ORA-06530 ORA-06511 ORA-06531 ORA-06532 ORA-06533 ORA-06592 ORA-04091 "
         "ORA-00984 ORA-12838 ORA-01002 ORA-01000 ORA-01001 ORA-01430 ORA-00947 ORA-00913 ORA-01779 "
         "ORA-01732 ORA-02298 DPY-4009 DPY-4008 DPY-4010 DPY-4003 DPY-4006 DPY-1002 DPY-2004 DPY-2006 "
         "DPY-2007 DPY-2016 DPY-3002 DPY-3004 DPY-3007 DPY-1006 DPY-2035 DPI-1059"),
    ),
)  # fmt: skip

MSSQL = _rules(
    "mssql",
    _MS,
    (
        ("deadlock", F.TRANSIENT_DATABASE, 0.97, None,
         "1205 1222 3960 3961 -2 1204 41302 41305 41325 41301 3935"),
        ("connection", F.TRANSIENT_DATABASE, 0.95, None,
         "20003 20006 20009 20047 20004 20005 10053 10054 10060 10061 10928 10929 40197 40501 40613 49918 "
         "49919 49920 6005 17142 64 121 233 596 4221 40143 40540 983 976 17809 3906"),
        ("out_of_memory", F.SYSTEM_OUT_OF_MEMORY, 0.94, None, "701 802 8645 8651 8657"),
        ("disk_full", F.SYSTEM_DISK_FULL, 0.96, None, "1101 1105 9002 3257 5149 40544"),
        ("login", F.CONFIG_INVALID_SETTING, 0.95, None,
         "18456 4060 18452 18470 18486 18487 18488 20002 40615 40532 911 208 207 4064 18451"),
        ("privilege", F.PERMANENT_PERMISSION, 0.95, None, "229 230 262 297 300 916 15151 15247"),
        ("constraint", F.PERMANENT_VALIDATION, 0.95, None,
         "2627 2601 515 547 8152 2628 220 242 245 8114 8115 241 248 295 296 13609 9420"),
        ("logic", F.PERMANENT_LOGIC, 0.92, None,
         "102 105 156 201 209 213 266 512 8120 8134 2812 8144 8145 2714 4104 137 170 174 195 206 1934 "
         "3930 3902 3903 8116 8117 544 109 110 205 264 334 2705 8101 8178 8180"),
    ),
)  # fmt: skip

SQLITE = _rules(
    "sqlite",
    _LITE,
    (
        ("busy", F.TRANSIENT_DATABASE, 0.97, None,
         "SQLITE_BUSY SQLITE_LOCKED SQLITE_BUSY_SNAPSHOT SQLITE_BUSY_RECOVERY SQLITE_BUSY_TIMEOUT "
         "SQLITE_LOCKED_SHAREDCACHE SQLITE_INTERRUPT SQLITE_PROTOCOL"),
        ("full", F.SYSTEM_DISK_FULL, 0.97, None, "SQLITE_FULL"),
        ("no_memory", F.SYSTEM_OUT_OF_MEMORY, 0.96, None, "SQLITE_NOMEM"),
        ("constraint", F.PERMANENT_VALIDATION, 0.93, None,
         "SQLITE_CONSTRAINT SQLITE_CONSTRAINT_UNIQUE SQLITE_CONSTRAINT_NOTNULL SQLITE_CONSTRAINT_CHECK "
         "SQLITE_CONSTRAINT_PRIMARYKEY SQLITE_CONSTRAINT_FOREIGNKEY SQLITE_CONSTRAINT_TRIGGER "
         "SQLITE_CONSTRAINT_DATATYPE SQLITE_CONSTRAINT_ROWID SQLITE_TOOBIG SQLITE_MISMATCH"),
        ("cannot_open", F.CONFIG_INVALID_SETTING, 0.9, None,
         "SQLITE_CANTOPEN SQLITE_NOTADB SQLITE_CANTOPEN_ISDIR SQLITE_CANTOPEN_DIRTYWAL"),
        ("read_only", F.PERMANENT_PERMISSION, 0.8, None,
         "SQLITE_READONLY SQLITE_READONLY_DBMOVED SQLITE_READONLY_DIRECTORY SQLITE_PERM SQLITE_AUTH "
         "SQLITE_READONLY_CANTINIT"),
        ("misuse", F.PERMANENT_LOGIC, 0.9, None, "SQLITE_MISUSE SQLITE_RANGE SQLITE_SCHEMA"),
    ),
)  # fmt: skip

RULES = (*SQLSTATE, *MYSQL, *ORACLE, *MSSQL, *SQLITE)
