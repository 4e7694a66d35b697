"""Every ending leaves one truthful record, on both brokers; the table is printed with the last lines of the run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.endings import table
from tests.path.conftest import SOON
from tests.servers.django_project import Project


def test_every_ending_leaves_one_record_that_says_what_is_known(
    make_project: Callable[..., Project],
    postgres_url: str,
    broker_url: str,
    tmp_path: Path,
    record_table: Callable[[str], None],
) -> None:
    project = make_project(
        database_url=postgres_url,
        broker_url=broker_url,
        redrive=SOON,
        celery=table.CELERY,
        environment=table.settings(tmp_path),
    )

    rows = table.run(project)

    text = table.printed(rows, broker_url.partition(":")[0])
    record_table(text)
    unrecorded = {
        row.case.row for row in rows if row.expected.startswith("nothing") and row.case.row[:2] != "28"
    }
    assert unrecorded <= {"8", *table.CANNOT_BE_CAUGHT}  # what put itself back, or runs again, has not ended
    assert all(row.as_expected for row in rows), f"{text}\n{project.logs(20_000)}"
    assert len(table.CANNOT_BE_CAUGHT) <= 2
