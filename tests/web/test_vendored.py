"""Files of others are those that were looked at, with their licence, and can be collected."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest
from django.core.management import call_command
from pytest_django.fixtures import Settings

import redrive

SHIPPED = Path(redrive.__file__).parent / "static" / "redrive" / "vendor"
FOR_TESTS = Path(__file__).parent / "vendor"
_ROW = re.compile(
    r"^\| (?P<file>[\w.]+\.js) \|.*\| (?P<licence>\S+) \((?P<text>[\w.]+)\) \| (?P<sum>[0-9a-f]{64}) \|$",
    re.M,
)


@pytest.mark.parametrize("directory", [SHIPPED, FOR_TESTS], ids=["shipped", "for tests"])
def test_vendored_files_are_listed_with_their_sum_and_licence(directory: Path) -> None:
    rows = {row["file"]: row for row in _ROW.finditer((directory / "VENDORED.md").read_text())}

    assert set(rows) == {path.name for path in directory.glob("*.js")}
    for name, row in rows.items():
        assert hashlib.sha256((directory / name).read_bytes()).hexdigest() == row["sum"], name
        assert (directory / row["text"]).is_file()


def test_static_files_survive_a_manifest_storage(tmp_path: Path, settings: Settings) -> None:
    """Hosts hash file names; a reference to a file that is not there (a source map) stops their deployment."""
    settings.STATIC_ROOT = tmp_path
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"},
    }

    call_command("collectstatic", interactive=False, verbosity=0)

    assert len(list((tmp_path / "redrive").glob("redrive.*.js"))) == 1


def test_scripts_and_styles_stay_small() -> None:
    """Budget: 5 KB for our script and 10 KB for our style sheet as served (gzip)."""
    import gzip

    static = SHIPPED.parent

    assert len(gzip.compress((static / "redrive.js").read_bytes(), 9)) <= 5 * 1024
    assert len(gzip.compress((static / "redrive.css").read_bytes(), 9)) <= 10 * 1024
    assert len(gzip.compress((SHIPPED / "chart.umd.min.js").read_bytes(), 9)) <= 75 * 1024


def test_no_template_has_inline_script_or_style() -> None:
    templates = (SHIPPED.parents[2] / "templates" / "redrive").rglob("*.html")

    for template in templates:
        text = template.read_text()
        assert not re.search(r"<script(?![^>]*\bsrc=)", text), template
        assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:", text), template
