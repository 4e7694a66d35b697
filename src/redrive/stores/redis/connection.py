"""One way to a Redis or Valkey server: short timeouts, fork-safe, and quick to notice that nobody is
there."""

import os
from collections.abc import Callable
from typing import Any, TypeVar

from redrive.clock import Clock, SystemClock
from redrive.leases import StoreUnavailable

T = TypeVar("T")


class RedisConnection:
    """A client per process, and a memory of failures.

    After a failed call every further one fails at once for `rest_seconds`, so that a server that is gone
    costs a task microseconds and not a timeout each time. Thread-safe; opens nothing before the first call.

    Args:
        url: as in ``redis://:password@host:6379/0``.
        client: a redis-py client to use instead, made without ``decode_responses``; its own timeouts apply.
        timeout_seconds: limit for connecting, and for each answer.
        rest_seconds: how long to leave a failed server alone.
        clock: measures the rest.
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        client: Any = None,
        timeout_seconds: float = 0.5,
        rest_seconds: float = 3.0,
        clock: Clock | None = None,
    ) -> None:
        if (url is None) == (client is None):
            raise ValueError("RedisConnection needs a url or a client, and not both.")
        self._url = url
        self._given = client
        self._timeout_seconds = timeout_seconds
        self._rest_seconds = rest_seconds
        self._clock = clock or SystemClock()
        self._clients: dict[int, Any] = {}
        self._rest_until = float("-inf")
        self._last_error = ""

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle as the way to connect, without connections; not possible with a given client."""
        if self._url is None:
            raise TypeError("A RedisConnection with a given client cannot be sent to another process.")
        return _connect, (self._url, self._timeout_seconds, self._rest_seconds)

    def call(self, work: Callable[[Any], T]) -> T:
        """Return ``work(client)``.

        Raises:
            StoreUnavailable: the server is away, too slow, refuses, or was so a moment ago; there is no redis-py, or
                it cannot use the URL.
        """
        if self._clock.monotonic() < self._rest_until:
            raise StoreUnavailable(f"Redis was away a moment ago: {self._last_error}")
        try:
            client = self._client()
        except (ImportError, ValueError) as exc:
            raise self._rest(exc) from exc
        import redis

        try:
            return work(client)
        except (redis.RedisError, OSError) as exc:
            raise self._rest(exc) from exc

    def _rest(self, exc: Exception) -> StoreUnavailable:
        self._last_error = f"{type(exc).__name__}: {exc}"
        self._rest_until = self._clock.monotonic() + self._rest_seconds
        return StoreUnavailable(f"Redis: {self._last_error}")

    def _client(self) -> Any:
        if self._given is not None:
            return self._given
        pid = os.getpid()
        client = self._clients.get(pid)
        if client is None:
            # No lock: one held by another thread at a fork would stay locked in the child, and a client made
            # twice in a race costs nothing.
            client = self._connect()
            # The parent's clients are forgotten, not closed: their sockets are still the parent's.
            self._clients = {pid: client}
        return client

    def _connect(self) -> Any:
        import redis
        from redis.backoff import NoBackoff
        from redis.retry import Retry

        return redis.Redis.from_url(
            str(self._url),
            socket_timeout=self._timeout_seconds,
            socket_connect_timeout=self._timeout_seconds,
            # redis-py's own retries, three with pauses by default, would multiply the timeout.
            retry=Retry(NoBackoff(), 0),
        )


def _connect(url: str, timeout_seconds: float, rest_seconds: float) -> RedisConnection:
    return RedisConnection(url, timeout_seconds=timeout_seconds, rest_seconds=rest_seconds)
