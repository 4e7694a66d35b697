"""The services that tasks talk to: which are ours decides between EXTERNAL and TRANSIENT."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Downstream:
    """A service tasks talk to.

    Attributes:
        own: Whether we run it ourselves. A timeout of our own service is a network failure of ours, not a third
            party's; a refused connection to a third party means that it is down.
        hosts: Host names or their endings by which messages name it, lower case.
    """

    own: bool
    hosts: tuple[str, ...] = ()


def parse_downstreams(raw: Mapping[Any, Any], more_keys: Collection[str] = ()) -> dict[str, Downstream]:
    """Services by name from ``{"stripe": {"hosts": ["api.stripe.com"], "third_party": True}}``.

    ``more_keys`` are those that another part reads. Raises ValueError saying what is wrong.
    """
    found: dict[str, Downstream] = {}
    known = ("hosts", "third_party", *more_keys)
    for name, said in raw.items():
        if not isinstance(said, Mapping):
            raise ValueError(f"{name!r} must be a dict such as {{'hosts': ['api.stripe.com']}}, not {said!r}")
        unknown = set(said) - set(known)
        if unknown:
            raise ValueError(
                f"{name!r} has the unknown key {sorted(map(str, unknown))[0]!r}; use {', '.join(known)}"
            )
        hosts, third_party = said.get("hosts", ()), said.get("third_party", True)
        if isinstance(hosts, str) or not all(isinstance(host, str) for host in hosts):
            raise ValueError(f"{name!r}: hosts must be a list of host names")
        if not isinstance(third_party, bool):
            raise ValueError(f"{name!r}: third_party must be True or False")
        found[str(name)] = Downstream(own=not third_party, hosts=tuple(host.lower() for host in hosts))
    return found
