"""The table in README.md names tests that exist, and all of this directory's."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py::\w+)`", (HERE / "README.md").read_text())))


@cache
def _tests_in(file: Path) -> frozenset[str]:
    tree = ast.parse(file.read_text())
    found = (node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.ClassDef))
    return frozenset(name for name in found if name.lower().startswith("test"))


@pytest.mark.parametrize("test", NAMED)
def test_a_named_test_exists(test: str) -> None:
    file, _, name = test.partition("::")

    assert name in _tests_in(ROOT / file)


def test_every_test_of_this_directory_is_named() -> None:
    ours = {
        f"tests/contract/{file.name}::{name}"
        for file in HERE.glob("test_section_*.py")
        for name in _tests_in(file)
    }

    assert sorted(ours - set(NAMED)) == []


def test_a_row_names_only_tests_and_files_that_exist() -> None:
    """So that a mistyped name cannot hide from the pattern above."""
    rows = [line for line in (HERE / "README.md").read_text().splitlines() if line.startswith("| ")]
    proofs = [row.strip("| ").rpartition(" | ")[2] for row in rows if row not in ("| statement | test |",)]

    for proof in proofs:
        names = re.findall(r"`([^`]+)`", proof)
        assert names or proof == "later", proof
        assert all(name in NAMED or (ROOT / name).is_file() for name in names), proof
