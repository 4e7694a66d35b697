"""One project with one worker per store of claims, shared by the cases of a file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from celery import Celery
from celery.result import AsyncResult

from tests.conftest import _PROJECT
from tests.path.conftest import SOON
from tests.servers import PostgresServer, ValkeyServer
from tests.servers.django_project import Project, Worker
from tests.waiting import wait_until

SECONDS = 60.0
"""Patience with a busy machine."""


class Shop:
    """The test project with a running worker, and eyes on its claims.

    Broker and results are on a server of their own, so that a case may stop the store of claims.
    """

    def __init__(
        self, project: Project, broker: ValkeyServer, claims: ValkeyServer | None, postgres: PostgresServer
    ) -> None:
        self.project = project
        self.broker = broker
        self.claims_server = claims
        self.postgres = postgres
        self.app = Celery(broker=broker.url, backend=broker.database_url(2), set_as_current=False)
        self.app.conf.accept_content = ["json", "pickle"]
        self.worker: Worker | None = None

    def send(self, name: str, *args: Any, options: dict[str, Any] | None = None, **kwargs: Any) -> str:
        return str(self.app.send_task(f"shop.idempotent.{name}", args, kwargs, **(options or {})).id)

    def outcome(self, task_id: str, seconds: float = SECONDS) -> AsyncResult:
        """The result, once the task has ended."""
        found = AsyncResult(task_id, app=self.app)
        wait_until(found.ready, seconds, lambda: f"{task_id} ends\n{self.project.logs()}")
        return found

    def result(self, task_id: str) -> Any:
        return self.outcome(task_id).get(timeout=5)

    def runs(self, task: str, label: str) -> list[dict[str, Any]]:
        return self.project.runs(task, label)

    def wait_for_runs(self, count: int, task: str, label: str) -> list[dict[str, Any]]:
        self.project.wait_for_runs(count, task, label, seconds=SECONDS)
        return self.runs(task, label)

    def says(self, text: str) -> bool:
        return any(text in worker.log() for worker in self._workers())

    def wait_for_log(self, text: str) -> None:
        wait_until(lambda: self.says(text), SECONDS, lambda: f"{text!r} in the log\n{self.project.logs()}")

    def _workers(self) -> list[Worker]:
        return [one for one in self.project._started if isinstance(one, Worker)]

    def held(self, task_id: str) -> str:
        """Why a task waits, once it does."""
        statement = (
            "SELECT hold_reason FROM redrive_taskfailurerecord WHERE task_id = %s AND hold_reason <> ''"
        )
        return str(self.project.wait_for_rows(statement, task_id, seconds=SECONDS)[0]["hold_reason"])

    def claim_of(self, task_id: str) -> dict[str, Any] | None:
        """The document of the claim that a task holds or has completed, wherever it is; None if there is none."""
        rows = self.project.query(
            "SELECT owner, fence, state, expires_at, data FROM redrive_lease WHERE kind = 'claim'"
            " AND data->>'task_id' = %s AND expires_at > now()",
            task_id,
        )
        return rows[0] if rows else self._claim_in_valkey(task_id)

    def _claim_in_valkey(self, task_id: str) -> dict[str, Any] | None:
        if self.claims_server is None or not self.claims_server.running:
            return None
        import redis

        with redis.Redis.from_url(self.claims_server.url) as client:
            for name in client.scan_iter(match="redrive:*{claim:*", count=1000):
                document: dict[str, Any] = json.loads(client.get(name) or b"{}")
                if document.get("data", {}).get("task_id") == task_id:
                    return document
        return None

    def wait_for_claim(self, task_id: str, state: str) -> dict[str, Any]:
        def look() -> dict[str, Any] | None:
            found = self.claim_of(task_id)
            return found if found is not None and found["state"] == state else None

        found = wait_until(look, SECONDS, lambda: f"claim of {task_id} is {state}\n{self.project.logs()}")
        assert found is not None
        return found

    def path(self, label: str) -> Path:
        return self.project.scratch / f"open-{label}"


def overlaps(runs: list[dict[str, Any]], ends: list[dict[str, Any]]) -> int:
    """How many runs began before the one before them had ended, by process: (pid, began) and (pid, ended)."""
    marks = sorted([(run["at"], 1) for run in runs] + [(end["at"], -1) for end in ends])
    live, most = 0, 0
    for _, change in marks:
        live += change
        most = max(most, live)
    return max(0, most - 1)


@pytest.fixture(scope="package", params=["valkey", "postgres"])
def shop(
    request: pytest.FixtureRequest,
    postgres_server: PostgresServer,
    server_directory: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Shop]:
    template = request.getfixturevalue("_migrated_postgres")
    postgres_server.start()
    database = postgres_server.create_database(template=template)
    broker = ValkeyServer(server_directory / f"broker-{request.param}")
    claims = ValkeyServer(server_directory / "claims") if request.param == "valkey" else None
    scratch = tmp_path_factory.mktemp(f"shop-{request.param}")
    settings = {**SOON, "SCOPES": {"device": "machine"}}
    for server in filter(None, (broker, claims)):
        server.start()
    project = Project(
        _PROJECT,
        "shop",
        scratch,
        {
            "DATABASE_URL": database,
            "BROKER_URL": broker.url,
            "RESULT_URL": broker.database_url(2),
            "RUNS_FILE": str(scratch / "runs.jsonl"),
            "REDRIVE": json.dumps(settings),
            "CELERY": json.dumps(
                {"accept_content": ["json", "pickle", "msgpack"], "result_accept_content": ["json", "pickle"]}
            ),
            "HOME": str(scratch),
            "C_FORCE_ROOT": "1",  # Celery refuses pickle to root, who runs tests in containers
            **({"REDIS_URL": claims.url} if claims else {}),
        },
    )
    made = Shop(project, broker, claims, postgres_server)
    try:
        made.worker = project.worker(concurrency=4)
        yield made
    finally:
        made.app.close()
        project.close()
        for server in filter(None, (broker, claims)):
            server.kill()
        postgres_server.start()


@pytest.fixture
def breakable(shop: Shop) -> Iterator[Shop]:
    """The shop for a case that stops the store. The next case gets it running, and a worker that has not seen it away:
    one that has leaves it alone for some seconds."""
    yield shop
    shop.postgres.start()
    if shop.claims_server is not None:
        shop.claims_server.start()
    assert shop.worker is not None
    shop.worker.kill()
    shop.worker = shop.project.worker(concurrency=4)
