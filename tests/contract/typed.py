"""Lines as somebody types them in the reference project, and what they print."""

import json
from collections.abc import Iterable
from dataclasses import dataclass

from tests.servers.django_project import Project

_RUN = """
import ast, contextlib, io, json

def show(value):
    if value is not None:
        print(value)

def printed(lines):
    tree = ast.parse(lines)
    last = tree.body[-1]
    if isinstance(last, ast.Expr):
        last.value = ast.Call(ast.Name("_show", ast.Load()), [last.value], [])
    shown = io.StringIO()
    try:
        with contextlib.redirect_stdout(shown):
            exec(compile(ast.fix_missing_locations(tree), "<typed>", "exec"), {"_show": show, "__name__": "__main__"})
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return shown.getvalue().rstrip("\\n")

"""


@dataclass(frozen=True, slots=True)
class Typed:
    """`says`: the contract's statement. `lines`: what is typed. `prints`: to the letter what that prints, with the
    value of the last line."""

    says: str
    lines: str
    prints: str


def run(project: Project, imports: str, cases: Iterable[Typed]) -> dict[str, str]:
    """Type every case into one `manage.py shell` and return what each printed, by its `says`.

    Each case begins with nothing but `imports`; an error is printed as ``Class: message``. Cases share the process, so
    one that teaches the retry engine uses a task's name of its own.
    """
    sources = {case.says: f"{imports}\n{case.lines}" for case in cases}
    source = f"{_RUN}\nprint(json.dumps({{says: printed(lines) for says, lines in {sources!r}.items()}}))"
    shown = project.manage("shell", "-v", "0", "-c", source)
    found: dict[str, str] = json.loads(shown.splitlines()[-1])
    return found
