"""Ask a probe as the command does, and servers that make it hard."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from celery import Celery

from redrive.doctor.facts import Away, BrokerFacts
from redrive.doctor.probes.bounded import Asked


@contextmanager
def silent_server() -> Iterator[str]:
    """``host:port`` of something that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"127.0.0.1:{listening.getsockname()[1]}"


def app_on(url: str, **conf: Any) -> Celery:
    app = Celery("shop", broker=url, set_as_current=False)
    app.conf.update(conf)
    return app


def ask(question: Callable[[], Any]) -> Any:
    """The answer, which the question's own time limits must bring: the limit of the probe as a whole is never met."""
    answer = Asked(question).answer(seconds=60)
    assert not (isinstance(answer, Away) and "no answer within" in answer.reason), answer.reason
    return answer


def redis_of(facts: BrokerFacts) -> Any:
    assert facts.redis is not None
    return facts.redis
