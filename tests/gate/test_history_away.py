"""A breaker works on while the database, which keeps its history, is away."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.test import override_settings

from redrive import runtime
from redrive.celery import gating
from redrive.gate import BreakerState, Hold, Outcome, Run
from redrive.options import Options
from tests.servers import ValkeyServer
from tests.waiting import wait_until

DOWN = Outcome.failure(
    "EXTERNAL_API_DOWN", threshold=3, open_seconds=1
)  # opens for the minimum of one second


@pytest.mark.usefixtures("as_in_production")
def test_a_probe_counts_and_its_history_waits_in_the_spill(valkey: ValkeyServer, tmp_path: Path) -> None:
    spill = tmp_path / "spill"
    settings = {"DATABASE": "nowhere", "REDIS_URL": valkey.url, "SPILL": {"DIRECTORY": str(spill)}}
    task, request = SimpleNamespace(name="shop.pay"), SimpleNamespace(id="one")

    def ask() -> Run | Hold | None:
        return gating.ask(task, request, Options(downstream="bank"))

    with override_settings(REDRIVE=settings):
        for _ in range(3):
            runtime.gate().report("shop.pay", "bank", Run(), DOWN)
        assert isinstance(ask(), Hold)

        probe = wait_until(lambda: isinstance(answer := ask(), Run) and answer, 30, "a probe may go")
        gating.tell_success(task, request, probe)

        assert probe.probe
        assert runtime.gate().state_of("bank") is BreakerState.RAMP
    lines = [json.loads(line) for line in (spill / "spill.jsonl").read_text().splitlines()]
    assert [(line["kind"], line["payload"]["kind"]) for line in lines] == [
        ("event", "breaker-half_open"),
        ("event", "breaker-ramp"),
    ]
