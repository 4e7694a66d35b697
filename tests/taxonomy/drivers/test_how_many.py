"""The list is long enough, and nothing stands in it twice."""

from __future__ import annotations

from collections import Counter

from tests.taxonomy.drivers import (
    test_celery_and_broker,
    test_code_and_data,
    test_django,
    test_http,
    test_mail_and_sockets,
    test_postgres,
    test_sqlite,
    test_system,
    test_valkey,
)

EVERY = (
    *((test_celery_and_broker, case) for case in test_celery_and_broker.WITHOUT_A_SERVER),
    *((test_celery_and_broker, case) for case in test_celery_and_broker.WITH_RABBITMQ),
    *(
        (module, case)
        for module in (
            test_code_and_data,
            test_django,
            test_http,
            test_mail_and_sockets,
            test_postgres,
            test_sqlite,
            test_system,
            test_valkey,
        )
        for case in module.CASES
    ),
)


def test_at_least_two_hundred_failures_are_provoked_for_real() -> None:
    names = Counter((module.__name__, case.name) for module, case in EVERY)

    assert [name for name, count in names.items() if count > 1] == []
    assert len(names) >= 200


def test_every_type_but_the_lost_worker_is_provoked() -> None:
    first = {case.types.split(",")[0] for _, case in EVERY}

    assert len(first) == 16
