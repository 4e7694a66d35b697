"""Forked processes that do the same thing at the same moment, each on a connection of its own."""

import os
import pickle
from collections.abc import Callable
from typing import Any, TypeVar

from redrive.stores.sql.connection import Database

T = TypeVar("T")


def in_processes(count: int, database: Database, work: Callable[[Database, int], T]) -> list[T]:
    """What ``work(database, number)`` returned in each of ``count`` processes that began together.

    They are forked from this one while its connection is open, as a worker's children are.
    """
    database.run(lambda cursor: cursor.one("SELECT 1"))
    go_read, go_write = os.pipe()
    readers = []
    for number in range(count):
        read, write = os.pipe()
        pid = os.fork()
        if pid == 0:
            _child(database, work, number, go_read, go_write, write)
        os.close(write)
        readers.append((pid, read))
    os.close(go_read)
    os.close(go_write)
    answers: list[Any] = []
    for pid, read in readers:
        with os.fdopen(read, "rb") as pipe:
            answers.append(pickle.loads(pipe.read() or pickle.dumps(RuntimeError("the child died"))))
        os.waitpid(pid, 0)
    for answer in answers:
        if isinstance(answer, BaseException):
            raise answer
    return answers


def _child(
    database: Database, work: Callable[[Database, int], Any], number: int, go: int, other: int, answer: int
) -> None:
    try:
        os.close(other)
        os.read(go, 1)  # returns when the parent has closed its end
        try:
            result = work(database, number)
        except Exception as exc:
            result = RuntimeError(f"{type(exc).__name__}: {exc}")
        os.write(answer, pickle.dumps(result))
        database.close()
    finally:
        os._exit(0)
