"""Reading records of a project."""

from typing import Any

from tests.servers.django_project import Project


def record_of(project: Project, task_id: str, *statuses: str, seconds: float = 30) -> dict[str, Any]:
    """The task's record once it has one of the statuses."""
    names = ", ".join(f"'{status}'" for status in statuses)
    statement = f"SELECT * FROM redrive_taskfailurerecord WHERE task_id = %s AND status IN ({names})"
    return project.wait_for_rows(statement, task_id, seconds=seconds)[0]
