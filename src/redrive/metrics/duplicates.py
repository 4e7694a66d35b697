"""How often an idempotent call came again: what is counted, and when it is too often.

Every first delivery of a call that asks for a claim is a *check*. A check that finds the same call running or done is
a *hit*: a duplicate. Retries, and deliveries that Redrive itself has sent, are no checks: the same call goes on.
Counters of kind :data:`CHECK` and :data:`HIT` carry the label ``scope:endpoint``, so that a process sums them as any
other counter. Checks without a hit are the *unique keys*; a key that is used again after its ttl counts again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

CHECK: Final = "idempotency-check"
HIT: Final = "idempotency-hit"
WARNING_RATE: Final = 0.01
"""Share of checks that are hits above which it is amber (documented target: below 1 %)."""
HIGH_RATE: Final = 0.05
"""Share above which it is red, and points at duplicate schedules (documented)."""
ELSEWHERE: Final = "elsewhere"
"""The endpoint of what no view, task or beat entry has published: a command, a shell, another program."""
ENDPOINT_LENGTH: Final = 80
"""Characters of an endpoint that are kept: a counter's label has 100."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checks:
    """Checks and hits of one task, scope and endpoint; empty texts where it is a sum over them."""

    task_name: str = ""
    scope: str = ""
    endpoint: str = ""
    checks: int = 0
    hits: int = 0

    @property
    def unique_keys(self) -> int:
        """Calls that were the first with their key, per ttl."""
        return max(0, self.checks - self.hits)

    @property
    def hit_rate(self) -> float | None:
        """Share of checks that were hits, 0..1; None without checks."""
        return self.hits / self.checks if self.checks else None

    @property
    def tone(self) -> str:
        """``good``, ``warn`` above 1 %, ``bad`` above 5 %, ``quiet`` without checks."""
        rate = self.hit_rate
        if rate is None:
            return "quiet"
        return "bad" if rate > HIGH_RATE else "warn" if rate > WARNING_RATE else "good"


def endpoint_of(value: object) -> str:
    """An endpoint as it is counted, from whatever a message says: one printable line, cut to its length."""
    text = "".join(c for c in value if c.isprintable()).strip() if isinstance(value, str) else ""
    return text[:ENDPOINT_LENGTH] or ELSEWHERE


def label_of(scope: str, endpoint: str) -> str:
    """The label of a counter: ``global:beat:nightly reports``."""
    return f"{scope}:{endpoint_of(endpoint)}"


def read_label(label: str) -> tuple[str, str]:
    """Scope and endpoint of a label."""
    scope, _colon, endpoint = label.partition(":")
    return scope, endpoint or ELSEWHERE


def sum_by(rows: Iterable[Checks], *names: str) -> tuple[Checks, ...]:
    """Sums over all but the named fields (``task_name``, ``scope``, ``endpoint``), most hits first."""
    sums: dict[tuple[str, ...], list[int]] = {}
    for row in rows:
        found = sums.setdefault(tuple(getattr(row, name) for name in names), [0, 0])
        found[0] += row.checks
        found[1] += row.hits
    result = (
        Checks(**dict(zip(names, key, strict=True)), checks=checks, hits=hits)
        for key, (checks, hits) in sums.items()
    )
    return tuple(sorted(result, key=lambda r: (-r.hits, -r.checks, r.task_name, r.scope, r.endpoint)))


def total(rows: Sequence[Checks]) -> Checks:
    """All of them in one."""
    return Checks(checks=sum(row.checks for row in rows), hits=sum(row.hits for row in rows))
