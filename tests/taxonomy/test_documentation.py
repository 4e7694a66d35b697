"""The page about failure types is what the rules say."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_page_is_up_to_date() -> None:
    done = subprocess.run([sys.executable, "scripts/failure_types.py", "--check"], cwd=ROOT, check=False)

    assert done.returncode == 0, "type: make docs"


def test_page_names_every_rule_once() -> None:
    from redrive.taxonomy.rules import ALL

    text = (ROOT / "docs" / "failure-types.md").read_text("utf-8")

    assert [rule.id for rule in ALL if text.count(f"| `{rule.id}` |") != 1] == []
